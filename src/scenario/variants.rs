//! The names that the format knows: variants, the order of their parameters, fields of records. One table, which reading,
//! overriding and the suggestions of the diagnostics share.

/// Distributions of a duration.
pub(super) const DISTRIBUTIONS: &[&str] =
    &["Constant", "Uniform", "Exponential", "Normal", "LogNormal", "Gamma", "Weibull", "Pareto", "Empirical"];

/// Steps of a task.
pub(super) const STEPS: &[&str] = &[
    "Cpu", "Native", "Io", "Lock", "Acquire", "Release", "Shared", "Put", "Get", "FanOut", "PayloadIn", "PayloadOut", "Hold",
    "Timeout", "Fail", "Retry", "Repeat",
];

/// How tasks arrive.
pub(super) const ARRIVALS: &[&str] = &["Batch", "Poisson", "Renewal", "Trace", "Closed"];

/// Strategies.
pub(super) const STRATEGIES: &[&str] = &["Sequential", "Threads", "Processes", "Interpreters", "Asyncio", "Prefork"];

/// Where an event loop offloads to.
pub(super) const OFFLOADS: &[&str] = &["None", "Threads", "Processes", "Interpreters"];

/// Fields of the whole.
pub(super) const SCENARIO: &[&str] = &[
    "schema", "name", "question", "machine", "interpreters", "workload", "strategies", "replications", "warmup", "horizon",
    "objectives", "seed",
];

/// Fields of `machine`.
pub(super) const MACHINE: &[&str] = &[
    "cores", "speeds", "visible_cpus", "memory", "hz", "base_slice", "context_switch", "timer_slack", "wake_latency",
    "pipe_capacity", "pipe_ns_per_byte", "syscall",
];

/// Fields of `workload`.
pub(super) const WORKLOAD: &[&str] =
    &["arrivals", "tasks", "locks", "queues", "objects", "imports", "dispatch", "cpu_grain", "native_grain"];

/// Fields of a task class.
pub(super) const TASK: &[&str] = &["name", "count", "weight", "interleave", "steps"];

/// The parameters of a variant, in the order in which they may be given without names. A name that stands for several
/// variants (`Threads` as a strategy and as an offload) has the longest list here.
pub(super) fn params(variant: &str) -> &'static [&'static str] {
    match variant {
        "Constant" => &["value"],
        "Uniform" => &["least", "greatest"],
        "Exponential" => &["mean"],
        "Normal" => &["mean", "sd"],
        "LogNormal" => &["median", "p99"],
        "Gamma" => &["mean", "cv"],
        "Weibull" => &["scale", "shape"],
        "Pareto" => &["least", "shape"],
        "Empirical" => &["values"],
        "Cpu" | "Native" | "Io" => &["time"],
        "Lock" => &["lock", "steps"],
        "Acquire" | "Release" => &["lock"],
        "Shared" => &["object", "count", "write"],
        "Put" | "Get" => &["queue"],
        "FanOut" => &["count", "steps"],
        "PayloadIn" | "PayloadOut" => &["size"],
        "Hold" => &["size", "steps"],
        "Timeout" => &["after", "steps"],
        "Fail" => &["probability"],
        "Retry" => &["attempts", "backoff", "steps"],
        "Repeat" => &["times", "steps"],
        "Poisson" => &["rate", "count"],
        "Renewal" => &["interval", "count"],
        "Trace" => &["file"],
        "Closed" => &["users", "think", "count"],
        "Threads" | "Interpreters" => &["workers"],
        "Processes" => &["workers", "start", "api"],
        "Pool" => &["chunksize"],
        "Asyncio" => &["limit", "offload"],
        "Prefork" => &["processes", "each"],
        "On" => &["interpreter", "strategy"],
        _ => &[],
    }
}
