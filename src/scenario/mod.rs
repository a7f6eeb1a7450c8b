//! Scenarios: the types, distributions, units and limits of what is simulated. How a scenario is written is in [`syntax`](crate::syntax).

mod admission;
mod backoff;
mod capacity;
mod client;
mod cost;
mod device;
mod dist;
mod fault;
mod lifecycle;
pub mod limits;
pub(crate) mod literal;
mod load;
mod model;
mod nodes;
mod server;
mod sizes;
mod step;
mod strategy;
pub mod units;
mod visible;
mod windows;

pub use admission::{Admission, CoDel, Overflow};
pub use backoff::{Backoff, Jitter};
pub use capacity::{PastLimit, ScenarioPart};
pub use client::Client;
pub use cost::StrategyKind;
pub(crate) use cost::{on_cpu, taking};
pub(crate) use device::transfer_time;
pub use device::{DeviceKind, DeviceSpec};
pub use dist::Dist;
pub use fault::{Fault, FaultKind, FaultTime, Rollout, TERMINATION_GRACE};
pub(crate) use lifecycle::is_module;
pub use lifecycle::{GRACEFUL_TIMEOUT, Lifecycle, PoolLife};
pub(crate) use load::LoadCourse;
pub use load::{Load, LoadState, Phase};
pub use model::*;
pub use nodes::{Autoscale, Balancer, HealthCheck, Network, NodeMachine, Nodes};
pub use server::{
    Accepting, CeleryPool, Endpoints, RequestHandling, SOMAXCONN, Server, ServerKind,
    THREAD_LIMITER, WORKER_CONNECTIONS, Waiting, WorkerClass,
};
pub use sizes::{Sizes, WorkingMemory};
pub use step::{Carried, Inside, Locking, Placed, Runs, StepResource, WaitsFor};
pub use strategy::{Execution, Pool, strategy_label};
pub(crate) use visible::{is_hidden, visible, visible_lines};
