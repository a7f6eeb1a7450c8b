//! The names that the scenario format knows: variants, their parameters in order, and the fields of records. Reading, overriding and the
//! suggestions of diagnostics all use this one table.

/// Defines the names of variants twice: as a table for suggestions, and as an enum for the code that reads them, so that the compiler
/// reports a name that is not handled.
macro_rules! names {
    ($(#[$doc:meta])* $table:ident, $enum:ident: $($name:ident)*) => {
        $(#[$doc])*
        pub(super) const $table: &[&str] = &[$(stringify!($name)),*];

        $(#[$doc])*
        #[derive(Clone, Copy, Debug, PartialEq, Eq)]
        pub(super) enum $enum {
            $($name),*
        }

        impl $enum {
            const ALL: &[Self] = &[$(Self::$name),*];

            /// The variant of this name.
            pub(super) fn named(name: &str) -> Option<Self> {
                let mut all = $table.iter().zip(Self::ALL);
                all.find(|(n, _)| **n == name).map(|(_, this)| *this)
            }
        }
    };
}

names! {
    /// The distributions of a duration.
    DISTRIBUTIONS, DistName:
    Constant Uniform Exponential Normal LogNormal Gamma Weibull Pareto Empirical
}

names! {
    /// The steps of a task.
    STEPS, StepName:
    Cpu Native Io Block Transfer Use Lock Acquire Release Shared Put Get FanOut PayloadIn PayloadOut ObjectsIn ObjectsOut Allocate Leak Hold Timeout
    Fail Retry Repeat Offload Inline
}

names! {
    /// The ways in which tasks arrive.
    ARRIVALS, ArrivalsName:
    Batch Poisson Renewal Trace Closed Rounds Phases Diurnal Bursty Sessions
}

names! {
    /// The stretches of a load that changes over time.
    PHASES, PhaseName:
    Steady Ramp
}

names! {
    /// What goes wrong.
    FAULTS, FaultName:
    Slow Down Pause Crash Interrupt Terminate MachineLost Restart
}

names! {
    /// What chance does to pauses between attempts.
    JITTERS, JitterName:
    None Full Equal Decorrelated
}

names! {
    /// The strategies.
    STRATEGIES, StrategyName:
    Sequential Threads Processes Interpreters Asyncio Prefork Nodes Uvicorn Gunicorn Hypercorn Celery
}

names! {
    /// What an event loop can offload work to.
    OFFLOADS, OffloadName:
    None Threads Processes Interpreters
}

names! {
    /// Kinds of resources.
    RESOURCES, ResourceName:
    Semaphore Connections RateLimit Breaker
}

names! {
    /// Kinds of devices that are not written as a plain record.
    DEVICES, DeviceName:
    Station
}

names! {
    /// Who shares an instance of a resource.
    SCOPES, ScopeName:
    Loop Process Node Everywhere
}

names! {
    /// Who decides which machine a request goes to.
    BALANCERS, BalancerName:
    RoundRobin Random TwoChoices LeastOutstanding Sticky Broker
}

names! {
    /// What a bounded queue does when one more comes than it holds.
    OVERFLOWS, OverflowName:
    Wait Reject DropOldest
}

/// The rules by which what has waited for too long is rejected.
pub(super) const SHEDDING: &[&str] = &["CoDel"];

/// The fields of the scenario itself.
pub(super) const SCENARIO: &[&str] = &[
    "schema",
    "name",
    "question",
    "machine",
    "interpreters",
    "workload",
    "strategies",
    "replications",
    "warmup",
    "horizon",
    "windows",
    "objectives",
    "rank_by",
    "seed",
];

/// The fields of `machine`.
pub(super) const MACHINE: &[&str] = &[
    "cores",
    "speeds",
    "visible_cpus",
    "memory",
    "memory_kill",
    "hz",
    "base_slice",
    "context_switch",
    "timer_slack",
    "wake_latency",
    "wake_send",
    "wake_cpu",
    "halted_after",
    "new_idle",
    "interference",
    "pipe_capacity",
    "pipe_ns_per_byte",
    "syscall",
];

/// The fields of `workload`.
pub(super) const WORKLOAD: &[&str] = &[
    "arrivals",
    "tasks",
    "locks",
    "queues",
    "objects",
    "resources",
    "devices",
    "faults",
    "admission",
    "client",
    "imports",
    "data",
    "dispatch",
    "cpu_grain",
    "native_grain",
    "measured_on",
];

/// The kinds of shared objects.
pub(super) const OBJECTS: &[&str] = &["Counted", "Immortal", "PerThread"];

/// All names of variants.
const VARIANTS: [&[&str]; 14] = [
    DISTRIBUTIONS,
    STEPS,
    ARRIVALS,
    STRATEGIES,
    OFFLOADS,
    OBJECTS,
    RESOURCES,
    DEVICES,
    SCOPES,
    JITTERS,
    PHASES,
    FAULTS,
    OVERFLOWS,
    SHEDDING,
];

/// The fields of a task class.
pub(super) const TASK: &[&str] = &[
    "name",
    "count",
    "weight",
    "interleave",
    "touches",
    "cost",
    "steps",
];

/// The fields of `imports`.
pub(super) const IMPORTS: &[&str] = &["time", "memory", "objects", "frozen", "preloaded"];

/// The fields of a device whose rate is shared.
pub(super) const DEVICE: &[&str] = &["rate", "per_stream", "penalty", "per"];

/// The fields of `network`, `machine`, `autoscale` and `health` of several machines.
pub(super) const NETWORK: &[&str] = &["latency", "rate"];
pub(super) const NODE_MACHINE: &[&str] = &["cores", "memory"];
pub(super) const AUTOSCALE: &[&str] = &["min", "max", "target", "every", "cool_down", "start"];
pub(super) const HEALTH: &[&str] = &["every", "timeout", "fails", "passes"];

/// The fields of a queue.
pub(super) const QUEUE: &[&str] = &["capacity", "full"];

/// The fields of `admission`.
pub(super) const ADMISSION: &[&str] = &["limit", "full", "per", "shed"];

/// The fields of `client`.
pub(super) const CLIENT: &[&str] = &[
    "timeout",
    "retries",
    "backoff",
    "factor",
    "cap",
    "jitter",
    "budget",
    "propagate",
];

/// The one record that has a field of this name, if no other record and no variant has such a field. Whoever writes the field elsewhere
/// meant it for that record.
pub(super) fn record_of(field: &str) -> Option<&'static str> {
    let records = [
        ("the scenario itself", SCENARIO),
        ("`machine`", MACHINE),
        ("`workload`", WORKLOAD),
        ("a task class", TASK),
        ("`imports`", IMPORTS),
        ("a device", DEVICE),
        ("a queue", QUEUE),
        ("`admission`", ADMISSION),
        ("`client`", CLIENT),
    ];
    let mut having = records.into_iter().filter(|(_, f)| f.contains(&field));
    let (record, _) = having.next()?;
    let mut variants = VARIANTS.into_iter().flatten();
    let elsewhere = having.next().is_some() || variants.any(|v| params(v).contains(&field));
    (!elsewhere).then_some(record)
}

/// The field that a name from Python stands for, where the two differ.
pub(super) fn called(python: &str) -> Option<&'static str> {
    match python {
        "freeze" => Some("frozen"),
        _ => None,
    }
}

/// The parameters of a variant, in the order in which they may be given without names. Where a name stands for several variants (`Threads`
/// as a strategy and as an offload), this is the longest of their lists.
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
        "Cpu" => &["time", "releases", "released", "native"],
        "Native" => &["time", "threads"],
        "Io" | "Block" => &["time"],
        "Transfer" => &["device", "size", "time"],
        "Station" => &["servers", "rate", "per"],
        "Use" => &["resource", "steps"],
        "Semaphore" => &["count", "per", "wait", "full"],
        "Connections" => &[
            "size", "overflow", "connect", "lifetime", "per", "wait", "full", "to",
        ],
        "RateLimit" => &["rate", "burst", "window", "per", "wait", "full"],
        "Breaker" => &["failures", "reset", "half_open", "per"],
        "Lock" => &["lock", "steps"],
        "Acquire" | "Release" => &["lock"],
        "Shared" => &["object", "count", "write"],
        "Put" | "Get" => &["queue"],
        "FanOut" => &["count", "steps", "need"],
        "PayloadIn" | "PayloadOut" | "Leak" => &["size"],
        "ObjectsIn" | "ObjectsOut" | "Allocate" => &["count"],
        "Hold" => &["size", "steps", "churn"],
        "Timeout" => &["after", "steps"],
        "Fail" => &["probability"],
        "Retry" => &[
            "attempts",
            "backoff",
            "steps",
            "factor",
            "cap",
            "jitter",
            "retry_after",
            "budget",
        ],
        "Repeat" => &["times", "steps"],
        "Offload" => &["steps", "to"],
        "Inline" => &["steps"],
        "Poisson" => &["rate", "count"],
        "Renewal" => &["interval", "count"],
        "Trace" => &["file", "speed"],
        "Phases" => &["phases", "repeat", "count"],
        "Slow" => &["device", "factor", "at", "lasts", "every"],
        "Down" => &["device", "at", "lasts", "every"],
        "Pause" => &["at", "lasts", "every", "worker"],
        "Crash" | "Interrupt" => &["at", "every", "worker"],
        "MachineLost" => &["at", "lasts", "every", "machine"],
        "Terminate" => &["at", "every", "worker", "grace"],
        "Restart" => &[
            "at",
            "every",
            "grace",
            "max_unavailable",
            "max_surge",
            "boot",
        ],
        "CoDel" => &["target", "interval"],
        "Steady" => &["rate", "time"],
        "Ramp" => &["from", "to", "time"],
        "Diurnal" => &["mean", "swing", "period", "peak", "count"],
        "Bursty" => &["states", "count"],
        "Sessions" => &["rate", "requests", "think", "count"],
        "Rounds" => &["count", "serial"],
        "Closed" => &["users", "think", "count"],
        "Threads" | "Interpreters" => &["workers"],
        "Processes" => &["workers", "start", "api", "max_tasks_per_child", "preload"],
        "Executor" | "Pool" => &["chunksize"],
        "Asyncio" => &["limit", "offload", "pools"],
        "Prefork" => &[
            "processes",
            "each",
            "start",
            "preload",
            "freeze",
            "max_requests",
            "jitter",
            "backlog",
            "timeout",
            "graceful_timeout",
        ],
        "Nodes" => &[
            "count",
            "each",
            "balancer",
            "network",
            "machine",
            "health",
            "autoscale",
        ],
        "Broker" => &["prefetch"],
        "Uvicorn" => &[
            "workers",
            "endpoints",
            "max_requests",
            "jitter",
            "keep_alive",
            "backlog",
        ],
        "Hypercorn" => &["workers", "endpoints", "max_requests", "jitter", "backlog"],
        "Gunicorn" => &[
            "workers",
            "worker_class",
            "preload",
            "max_requests",
            "jitter",
            "backlog",
            "timeout",
            "graceful_timeout",
        ],
        "Celery" => &["concurrency", "pool", "max_tasks_per_child"],
        "On" => &["interpreter", "strategy"],
        _ => &[],
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::limits;

    const DOCS: &str = include_str!("../../docs/scenario-format.md");

    /// Everything that can be written is documented, with its parameters in their order.
    #[test]
    fn the_documentation_names_everything() {
        for variant in VARIANTS.concat() {
            let params = params(variant);
            let call = if params.is_empty() {
                format!("`{variant}`")
            } else {
                format!("`{variant}({})`", params.join(", "))
            };
            let listed = variant == "Empirical" || variant == "Constant" || DOCS.contains(&call);
            assert!(listed && DOCS.contains(variant), "{call}");
        }
        for field in [
            SCENARIO, MACHINE, WORKLOAD, TASK, DEVICE, OBJECTS, QUEUE, ADMISSION, CLIENT,
        ]
        .concat()
        {
            assert!(DOCS.contains(&format!("`{field}`")), "{field}");
        }
    }

    #[test]
    fn a_field_of_one_record_alone_belongs_there() {
        assert_eq!(record_of("touches"), Some("a task class"));
        assert_eq!(record_of("frozen"), Some("`imports`"));
        assert_eq!(record_of("cores"), Some("`machine`"));
        // Two records have `memory`, a variant has `steps` too, and nothing has `touch`.
        assert_eq!(["memory", "steps", "touch"].map(record_of), [None; 3]);
        assert!(IMPORTS.contains(&called("freeze").unwrap()));
        assert_eq!(called("frozen"), None);
    }

    #[test]
    fn the_documentation_states_the_limits() {
        let spaced = |n: u64| {
            let digits = n.to_string();
            let groups: Vec<&str> = digits
                .as_bytes()
                .rchunks(3)
                .rev()
                .map(|c| std::str::from_utf8(c).unwrap())
                .collect();
            groups.join(" ")
        };
        for (name, value) in [
            ("MAX_TASKS", limits::MAX_TASKS),
            ("MAX_TASKS_AT_ONCE", limits::MAX_TASKS_AT_ONCE),
            ("MAX_THREADS", limits::MAX_THREADS),
            ("MAX_PROCESSES", limits::MAX_PROCESSES),
            ("MAX_CASES", limits::MAX_CASES),
            ("MAX_KEPT_NUMBERS", limits::MAX_KEPT_NUMBERS),
            ("MAX_CELLS", limits::MAX_CELLS),
            ("MAX_STEPS", limits::MAX_STEPS as u64),
            ("MAX_STEP_DEPTH", limits::MAX_STEP_DEPTH as u64),
            ("MAX_ATTEMPTS", u64::from(limits::MAX_ATTEMPTS)),
            ("MAX_STEPS_PER_TASK", limits::MAX_STEPS_PER_TASK),
            ("MAX_STEPS_PER_RUN", limits::MAX_STEPS_PER_RUN),
            ("MAX_RELEASES_PER_TASK", limits::MAX_RELEASES_PER_TASK),
            ("MAX_OBJECTS", limits::MAX_OBJECTS),
            ("MAX_ACCESSES", limits::MAX_ACCESSES),
            ("MAX_CHILDREN", limits::MAX_CHILDREN),
            ("MAX_WORKERS", u64::from(limits::MAX_WORKERS)),
            ("MAX_REPLICATIONS", u64::from(limits::MAX_REPLICATIONS)),
            ("MAX_CORES", u64::from(limits::MAX_CORES)),
            ("MAX_NAMES", limits::MAX_NAMES as u64),
        ] {
            assert!(
                DOCS.contains(&format!("| `{name}` | {}", spaced(value))),
                "{name} {}",
                spaced(value)
            );
        }
    }
}
