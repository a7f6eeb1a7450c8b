//! What the program does: tasks and their instructions, what they wait for, hold and send, and where they come from.
//!
//! This storey scripts the acts of threads, which [the storey below](super::kernel) executes; which thread executes which task is decided
//! [above](super::executors).

mod abandon;
mod accounts;
mod admission;
mod arrivals;
mod breaker;
mod clients;
mod cluster;
mod device;
mod end;
mod event_loop;
mod exec;
mod faults;
mod fleet;
mod flow;
mod listening;
mod lost;
mod naming;
mod need;
mod payload;
mod queue;
mod resource;
mod restart;
mod retry;
mod scaler;
mod serving;
mod silence;
mod task;
mod unwind;
mod wait;

use typed_index_collections::TiVec;

use crate::cpython::index::{ClassIndex, CopyIndex, DistIndex, LockNumber, NodeIndex, QueueIndex};
use crate::cpython::kernel::Kernel;
use crate::cpython::record::observer::Observer;
use crate::engine::{StreamRole, Streams};
use crate::machine::Cause;
use crate::measure::Draws;
use crate::sync::{Lock, Queue};

pub(crate) use crate::cpython::index::TaskKey;
pub(crate) use arrivals::{Copy, NextOwn, Share, TaskDispatch};
pub(crate) use device::Transfer;
pub(crate) use event_loop::{EventLoop, Handle};
pub(crate) use flow::{Flow, Mode};
pub(crate) use task::{Data, Frame, FutureState, Task, Tasks, child_number};
pub(crate) use wait::Waiter;

use accounts::ClassTime;
use admission::AdmissionControl;
use arrivals::ArrivalSource;
use clients::Clients;
use cluster::Cluster;
pub(crate) use cluster::Message;
use device::Devices;
pub(crate) use faults::FaultStrikes;
use faults::Faults;
pub(crate) use faults::one_more;
use fleet::Fleet;
use listening::Listening;
pub(crate) use lost::Death;
use queue::Puts;
pub(crate) use resource::Asked;
use resource::Resources;
pub(crate) use restart::RestartStep;
use restart::Restarts;
use retry::RetryBudgets;
use scaler::Scaler;
use silence::Watchdogs;

/// The tasks of a run, and all that they share.
pub(crate) struct Work<'a> {
    pub(crate) kernel: Kernel<'a>,
    pub(crate) tasks: Tasks,
    pub(crate) copies: TiVec<CopyIndex, Copy>,
    /// Those of them that run, or whose share of a batch or trace is not over, and perhaps some that were there when the last was made. A master
    /// that restarts for ever makes very many others.
    present: Vec<CopyIndex>,
    pub(crate) loops: TiVec<CopyIndex, EventLoop>,
    /// Of each machine, the locks shared between its processes, as event loops await them.
    shared_locks: TiVec<NodeIndex, TiVec<LockNumber, Lock<TaskKey>>>,
    /// Queues between tasks; their items carry no data.
    pub(crate) queues: TiVec<QueueIndex, Queue<(), Waiter>>,
    puts: Puts,
    pub(crate) resources: Resources,
    retry_budgets: RetryBudgets,
    pub(crate) devices: Devices,
    pub(crate) faults: Faults<'a>,
    pub(crate) arrivals: ArrivalSource<'a>,
    pub(crate) listening: Listening,
    pub(crate) cluster: Cluster<'a>,
    pub(crate) fleet: Fleet,
    scaler: Scaler,
    restarts: Restarts,
    pub(crate) watchdogs: Watchdogs,
    pub(crate) admission: AdmissionControl,
    pub(crate) clients: Clients,
    pub(crate) observer: Observer,
    /// Whether there is a rule on which tasks are let in.
    admits: bool,
    /// Number of loops that wait for nothing but their ticks.
    ticking: usize,
    /// Number of tasks in flight that are lost: nobody executes them, and nobody tells.
    lost: u64,

    demand_streams: Streams,
    /// Statistics of the draws from each of the program's distributions.
    pub(crate) demand_draws: TiVec<DistIndex, Draws>,
    grain_streams: Streams,
    failure_streams: Streams,
    patience_streams: Streams,
    size_streams: Streams,
    recycling_streams: Streams,
    /// Number of timers that event loops have set so far.
    loop_timers: u64,
    /// The cause that [`Program::turn`](super::Program::turn) names.
    turn: Option<Cause>,
    /// Time of tasks, by class.
    class_times: TiVec<ClassIndex, ClassTime>,
}

impl<'a> Work<'a> {
    /// The state before the first arrival.
    pub(crate) fn new(kernel: Kernel<'a>, seed: u64, replication: u32) -> Self {
        let (program, limits) = (kernel.program, kernel.limits);
        Self {
            kernel,
            tasks: Tasks::default(),
            copies: TiVec::new(),
            present: Vec::new(),
            loops: TiVec::new(),
            shared_locks: vec![
                vec![Lock::default(); program.locks.len()].into();
                program.nodes() as usize
            ]
            .into(),
            queues: program
                .queues
                .iter()
                .map(|q| Queue::new(q.capacity))
                .collect(),
            puts: Puts::default(),
            resources: Resources::new(program),
            retry_budgets: RetryBudgets::default(),
            devices: Devices::new(program),
            faults: Faults::new(
                &program.faults,
                program.autoscale().is_some(),
                (
                    Streams::new(seed, limits.demands, StreamRole::Faults),
                    Streams::new(seed, replication, StreamRole::Supervisors),
                ),
            ),
            arrivals: ArrivalSource::new(program, seed, limits.demands),
            listening: Listening::default(),
            cluster: Cluster::new(program, seed, limits.demands),
            fleet: Fleet::new(program),
            scaler: Scaler::default(),
            restarts: Restarts::default(),
            watchdogs: Watchdogs::new(program.nodes()),
            admission: AdmissionControl::default(),
            clients: Clients::default(),
            admits: program.admission.is_some(),
            ticking: 0,
            lost: 0,
            observer: Observer::new(
                program.own_classes,
                limits.keep_latencies,
                limits.warmup,
                limits.windows,
            ),
            demand_streams: Streams::new(seed, limits.demands, StreamRole::Demands),
            demand_draws: vec![Draws::default(); program.dists.len()].into(),
            grain_streams: Streams::new(seed, replication, StreamRole::Grain),
            failure_streams: Streams::new(seed, limits.demands, StreamRole::Failure),
            patience_streams: Streams::new(seed, limits.demands, StreamRole::Patience),
            size_streams: Streams::new(seed, limits.demands, StreamRole::Sizes),
            recycling_streams: Streams::new(seed, limits.demands, StreamRole::Recycling),
            loop_timers: 0,
            turn: program.turn(),
            class_times: vec![ClassTime::default(); program.classes.len()].into(),
        }
    }
}
