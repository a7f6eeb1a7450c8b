//! The list of quantities that a forecast holds, with their names and units: reports are made by walking it.

/// The unit of a number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Unit {
    /// Seconds.
    Seconds,
    /// Events per second.
    PerSecond,
    /// A share, from 0 to 1.
    Share,
    /// Bytes.
    Bytes,
    /// A count of things.
    Count,
}

macro_rules! quantities {
    ($($(#[doc = $doc:literal])+ $name:ident: $key:literal, $unit:ident;)+) => {
        /// A number that every forecast holds.
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub enum Quantity { $($(#[doc = $doc])+ $name,)+ }

        impl Quantity {
            /// All quantities, in the order of their numbers.
            pub const ALL: [Self; Self::COUNT] = [$(Self::$name),+];
            /// Number of quantities.
            pub const COUNT: usize = [$($key),+].len();

            /// Key in JSON and CSV, which ends in the unit.
            pub fn key(self) -> &'static str {
                [$($key),+][self as usize]
            }

            /// The unit of its values.
            pub fn unit(self) -> Unit {
                [$(Unit::$unit),+][self as usize]
            }

            /// Its name for `--rank-by`, if it is a percentile of latencies.
            pub fn percentile(self) -> Option<String> {
                let rest = self.key().strip_prefix("latency_p")?.strip_suffix("_s")?;
                Some(format!("p{}", rest.replace('_', ".")))
            }

            /// Its meaning, for the documentation.
            pub fn meaning(self) -> &'static str {
                [$(concat!($($doc),+)),+][self as usize]
            }
        }
    };
}

quantities! {
    /// Time until the last task is done.
    Makespan: "makespan_s", Seconds;
    /// Time until the executor is shut down as well.
    Closed: "closed_s", Seconds;
    /// Completed tasks a second.
    Throughput: "throughput_per_s", PerSecond;
    /// Mean latency (completion minus arrival).
    LatencyMean: "latency_mean_s", Seconds;
    /// Half of the latencies are no longer.
    P50: "latency_p50_s", Seconds;
    /// 90 % of the latencies are no longer.
    P90: "latency_p90_s", Seconds;
    /// 95 % of the latencies are no longer.
    P95: "latency_p95_s", Seconds;
    /// 99 % of the latencies are no longer.
    P99: "latency_p99_s", Seconds;
    /// 99.9 % of the latencies are no longer.
    P999: "latency_p99_9_s", Seconds;
    /// The longest latency.
    Max: "latency_max_s", Seconds;
    /// CPU time of all threads and processes.
    Cpu: "cpu_s", Seconds;
    /// Busy share of all cores together.
    Utilization: "utilization_share", Share;
    /// Time in which GILs were held, all together, over the length of the run: above 1 where several processes or interpreters hold theirs at once.
    GilHeld: "gil_held_share", Share;
    /// The same, of the time in which another thread wanted the GIL that was held.
    GilContended: "gil_contended_share", Share;
    /// Time in which the main program did its own work between rounds, over the makespan; the mean over the copies of a prefork server.
    Serial: "serial_share", Share;
    /// Machine time: of each machine the time for which it was there, all together (replica-seconds); of one machine the length of the run.
    MachineTime: "machine_time_s", Seconds;
    /// Context switches because a thread blocked.
    SwitchesVoluntary: "switches_voluntary_count", Count;
    /// Context switches because a thread was preempted.
    SwitchesInvoluntary: "switches_involuntary_count", Count;
    /// Most memory in use at once by all processes (shared pages counted once).
    MemoryPeak: "memory_peak_bytes", Bytes;
    /// Its mean over time.
    MemoryMean: "memory_mean_bytes", Bytes;
    /// Bytes sent through pipes.
    BytesMoved: "moved_bytes", Bytes;
    /// Processes or interpreters started beside the main one.
    Processes: "processes_count", Count;
    /// Tasks that arrived (after the warm-up).
    Arrived: "arrived_count", Count;
    /// Tasks that completed.
    Completed: "completed_count", Count;
    /// Tasks that failed.
    Failed: "failed_count", Count;
    /// Tasks that timed out.
    TimedOut: "timed_out_count", Count;
    /// Tasks that were rejected: not let in, or told to leave before anybody took them up.
    Rejected: "rejected_count", Count;
    /// Of those that arrived, requests that clients sent again.
    Resent: "resent_count", Count;
    /// Requests of clients that ended without an answer, however often each was sent; without a `client`, tasks that ended without one.
    Unanswered: "unanswered_count", Count;
    /// Attempts that the tasks' `Retry` steps began, those of children included.
    Attempts: "attempts_count", Count;
    /// Of these, attempts after the first.
    Retries: "retries_count", Count;
    /// Tasks still under way at the end.
    InFlight: "in_flight_count", Count;
    /// Tasks that were lost with a worker of a `multiprocessing.Pool`: they wait for their results for ever.
    Lost: "lost_count", Count;
    /// Share of ended tasks that failed, timed out or were rejected; tasks that were lost count as failed.
    FailureRate: "failure_share", Share;
}

/// The quantities that describe a distribution of latencies.
pub const LATENCIES: [Quantity; 7] = [
    Quantity::LatencyMean,
    Quantity::P50,
    Quantity::P90,
    Quantity::P95,
    Quantity::P99,
    Quantity::P999,
    Quantity::Max,
];
