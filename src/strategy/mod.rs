//! A strategy tree and a workload compiled to programs for simulated threads, and the run of one replication.

mod outcome;

pub use outcome::*;

use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::scenario::{MachineSpec, Strategy, Workload};

/// Everything that one replication depends on.
#[derive(Clone, Copy, Debug)]
pub struct SimInput<'a> {
    /// The computer.
    pub machine: &'a MachineSpec,
    /// The interpreter.
    pub profile: &'a Profile,
    /// What is to be done.
    pub workload: &'a Workload,
    /// How it is executed.
    pub strategy: &'a Strategy,
    /// Master seed.
    pub seed: u64,
    /// Number of the replication: same (seed, replication) = same arrivals and demands under every strategy.
    pub replication: u32,
    /// Tasks that arrive before this do not count in latencies, causes and throughput.
    pub warmup: Nanos,
    /// The run ends here at the latest.
    pub horizon: Option<Nanos>,
    /// Keep every latency (in order of arrival) beside the histogram: memory grows with the number of tasks.
    pub keep_latencies: bool,
    /// The run is stopped (and says so) after this many model events.
    pub max_events: u64,
}
