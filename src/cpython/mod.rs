//! CPython's mechanisms: the GIL, locks, queues, pools, the event loop, processes and memory.
//!
//! A simulated thread is a script of small acts (run bytecode, run without the GIL, sleep, park, have an
//! effect) that is refilled by what the thread is for: a pool worker, an event loop, a management thread, the main
//! program. [`Sim`] owns everything and turns the machine's upcalls into acts.

mod aio;
mod arena;
mod busiest;
mod collector;
mod convoy;
mod deadlock;
mod exec;
mod finding;
mod gil;
mod gil_mutex;
mod index;
mod inherit;
mod ipc;
mod ledger;
mod lock;
mod memory;
mod names;
mod object;
mod observe;
mod payload;
mod pool;
mod processes;
pub mod profile;
pub mod program;
mod recorder;
pub mod recording;
mod releases;
mod role;
mod server;
mod sim;
pub mod snapshot;
mod start;
mod task;
mod thread;
mod unwind;
mod wait;

pub use finding::{Effect, Finding, FindingKind, Hindrance};
pub use observe::Observed;
pub use program::Program;
pub use sim::{Limits, Sim};
