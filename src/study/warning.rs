//! What a reader must know before trusting a study's numbers. Warnings are data: each has a code, names the cases that it is
//! about, and its text ends in a next step.

use super::numbers::{bytes, digits, percent, seconds};
use crate::engine::Nanos;
use crate::scenario::Metric;

/// More replications than this are no advice.
const MANY: u32 = 5_000;

/// A reason not to take the numbers at face value, or something that the run has found.
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Warning {
    /// Tasks arrive faster than they are done: there is no steady state, so no latency to report.
    Saturated {
        /// The cases.
        cases: Vec<String>,
        /// Arrivals a second, where known.
        arrivals: Option<f64>,
    },
    /// The precision asked for was not reached within the budget.
    NotConverged {
        /// The cases, each with the relative half-width that it reached.
        cases: Vec<(String, f64)>,
        /// The precision asked for.
        precision: f64,
        /// About how many replications would reach it.
        needed: u32,
    },
    /// Too few replications for an interval that can be trusted.
    FewReplications {
        /// How many.
        replications: u32,
    },
    /// The run was too short to tell where its warm-up ends.
    WarmupUncertain {
        /// The cases.
        cases: Vec<String>,
    },
    /// The machine's memory was not enough.
    OutOfMemory {
        /// The cases, each with the simulated time and the bytes then in use.
        cases: Vec<(String, Nanos, u64)>,
    },
    /// Nothing could happen any more, yet tasks were unfinished.
    Deadlock {
        /// The cases, each with the simulated time and who waits for what.
        cases: Vec<(String, Nanos, Vec<String>)>,
    },
    /// A simulation was stopped at its limit of events.
    EventLimit {
        /// The cases.
        cases: Vec<String>,
        /// The limit.
        limit: u64,
    },
    /// No task completed.
    NothingCompleted {
        /// The cases.
        cases: Vec<String>,
    },
    /// An interpreter cannot do what a strategy asks.
    Unsupported {
        /// The cases, each with the reason.
        cases: Vec<(String, String)>,
    },
    /// A callback kept an event loop from doing anything else.
    BlockedLoop {
        /// The cases, each with the longest time.
        cases: Vec<(String, Nanos)>,
    },
    /// An event loop got neither core nor GIL for long, although the work is offloaded.
    StarvedLoop {
        /// The cases, each with the longest time.
        cases: Vec<(String, Nanos)>,
    },
    /// Threads that come back from I/O or native code for a moment wait for the GIL behind threads that compute.
    Convoy {
        /// The cases, each with what it costs.
        cases: Vec<Convoy>,
    },
    /// What the tasks share is not shared under some strategies: each worker changes its own copy.
    Unshared {
        /// The shared objects and locks.
        names: Vec<String>,
        /// The strategies, without interpreters.
        strategies: Vec<String>,
    },
    /// Tasks fan out, but under some strategies the worker that has the task runs its children one after another.
    SerialChildren {
        /// The strategies, without interpreters.
        strategies: Vec<String>,
    },
    /// No strategy meets an objective.
    ObjectiveMissed {
        /// The objective as it was written.
        objective: String,
        /// What it is about.
        metric: Metric,
        /// The case that comes closest, with its value.
        closest: (String, f64),
    },
    /// An interpreter's profile is estimated for the most part.
    EstimatedProfile {
        /// The interpreter.
        interpreter: String,
        /// Parameters that are defaults.
        defaults: usize,
        /// Parameters in all.
        of: usize,
    },
}

/// What a convoy costs a case.
#[derive(Clone, Debug, PartialEq)]
pub struct Convoy {
    /// The case.
    pub case: String,
    /// The class of tasks that wait.
    pub task: String,
    /// How often, in a run.
    pub times: u64,
    /// How long each time.
    pub each: Nanos,
    /// Share of the tasks' time.
    pub share: f64,
}

impl Warning {
    /// A name that stays the same between versions.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Saturated { .. } => "saturated",
            Self::NotConverged { .. } => "not-converged",
            Self::FewReplications { .. } => "few-replications",
            Self::WarmupUncertain { .. } => "warmup-uncertain",
            Self::OutOfMemory { .. } => "out-of-memory",
            Self::Deadlock { .. } => "deadlock",
            Self::EventLimit { .. } => "event-limit",
            Self::NothingCompleted { .. } => "nothing-completed",
            Self::Unsupported { .. } => "unsupported",
            Self::BlockedLoop { .. } => "blocked-loop",
            Self::StarvedLoop { .. } => "starved-loop",
            Self::Convoy { .. } => "convoy",
            Self::Unshared { .. } => "unshared",
            Self::SerialChildren { .. } => "serial-children",
            Self::ObjectiveMissed { .. } => "objective-missed",
            Self::EstimatedProfile { .. } => "estimated-profile",
        }
    }

    /// A fact about the workload or the profile, and no reason to distrust what was computed: `--strict` lets it pass.
    pub fn is_note(&self) -> bool {
        matches!(
            self,
            Self::Unsupported { .. }
                | Self::BlockedLoop { .. }
                | Self::StarvedLoop { .. }
                | Self::Convoy { .. }
                | Self::Unshared { .. }
                | Self::SerialChildren { .. }
                | Self::EstimatedProfile { .. }
        )
    }

    /// One or two sentences; the last says what to do.
    pub fn text(&self) -> String {
        match self {
            Self::Saturated { cases, arrivals } => {
                let rate = arrivals.map_or(String::new(), |r| format!(" ({} a second)", digits(r, 3)));
                format!(
                    "{} cannot keep up with the arrivals{rate}: the queue grows without end, so latencies mean nothing. \
                     Lower the load, add cores (--cores), or take another strategy.",
                    list(cases)
                )
            }
            Self::NotConverged { cases, precision, needed } => {
                let each: Vec<String> = cases.iter().map(|(c, r)| format!("{c} (± {})", percent(*r))).collect();
                let widest = cases.iter().map(|(_, r)| *r).fold(0.0, f64::max);
                let next = if *needed <= MANY {
                    format!("It takes about {needed} replications (--replications {needed})")
                } else {
                    // Long tails: more of the same tells next to nothing.
                    "Simulate a longer run, or rank by what varies less (--rank-by p50)".into()
                };
                format!(
                    "the precision of {} was not reached by {}. {next}; or accept what there is (--precision {:.0}%).",
                    percent(*precision),
                    list(&each),
                    libm::ceil(widest * 100.0).min(99.0)
                )
            }
            Self::FewReplications { replications: 1 } => {
                "a single replication has no confidence interval. Run at least 5 (--replications 5).".into()
            }
            Self::FewReplications { replications } => {
                format!("{replications} replications make wide intervals. Run at least 5 (--replications 5).")
            }
            Self::WarmupUncertain { cases } => format!(
                "the run is too short to tell where the warm-up of {} ends. Simulate more arrivals, or set `warmup` in the \
                 scenario.",
                list(cases)
            ),
            Self::OutOfMemory { cases } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|(c, at, bytes)| format!("{c} (at {}, {} MiB)", seconds(*at), bytes >> 20))
                    .collect();
                format!("out of memory: {}. Use fewer workers, or raise the machine's memory limit.", list(&each))
            }
            Self::Deadlock { cases } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|(c, at, waiting)| {
                        let who: Vec<&str> = waiting.iter().take(3).map(String::as_str).collect();
                        format!("{c} (since {}: {})", seconds(*at), who.join("; "))
                    })
                    .collect();
                format!(
                    "deadlock: {}. Take locks in one order, let a queue hold more items, or use more workers \
                     than tasks that wait for others.",
                    list(&each)
                )
            }
            Self::EventLimit { cases, limit } => format!(
                "{} stopped before the end: more than {limit} simulated events (steps, time slices, switches of the GIL) are needed. Simulate fewer \
                 tasks or shorter CPU steps, or raise --max-events.",
                list(cases)
            ),
            Self::NothingCompleted { cases } => format!(
                "no task of {} completed after the warm-up: all failed, timed out, or were still under way at the end. Check the steps' times \
                 and failures, or simulate longer.",
                list(cases)
            ),
            Self::Unsupported { cases } => {
                let each: Vec<String> = cases.iter().map(|(c, why)| format!("{c} ({why})")).collect();
                format!("left out: {}. Name another interpreter or strategy to compare.", list(&each))
            }
            Self::BlockedLoop { cases } => {
                let each: Vec<String> =
                    cases.iter().map(|(c, t)| format!("{c} (up to {} at a time)", seconds(*t))).collect();
                format!(
                    "CPU work blocks the event loop of {}: nothing else runs meanwhile. Offload it to threads or processes.",
                    list(&each)
                )
            }
            Self::StarvedLoop { cases } => {
                let each: Vec<String> =
                    cases.iter().map(|(c, t)| format!("{c} (up to {} at a time)", seconds(*t))).collect();
                format!(
                    "the workers keep the event loop of {} from running, by the GIL or for want of a core. Use fewer \
                     workers, offload to processes, or a free-threaded interpreter.",
                    list(&each)
                )
            }
            Self::Convoy { cases } => {
                let each: Vec<String> = cases
                    .iter()
                    .map(|c| {
                        format!(
                            "`{}` under {} ({} each of {} times, {} of its time)",
                            c.task,
                            c.case,
                            seconds(c.each),
                            c.times,
                            percent(c.share)
                        )
                    })
                    .collect();
                format!(
                    "a convoy: back from I/O or native code for a moment, tasks wait for the GIL until threads that compute are made \
                     to let it go: {}. Compute in processes, or take a free-threaded interpreter.",
                    list(&each)
                )
            }
            Self::Unshared { names, strategies } => {
                let names: Vec<String> = names.iter().map(|n| format!("`{n}`")).collect();
                format!(
                    "the tasks share {}, but under {} every worker has a copy of its own: what one changes no other \
                     sees. Compare these only if the tasks can do without sharing.",
                    list(&names),
                    list(strategies)
                )
            }
            Self::SerialChildren { strategies } => format!(
                "the tasks fan out, but under {} the worker that has a task runs its children one after another. Fan out from an event loop \
                 (asyncio+processes), or submit the children as tasks of their own.",
                list(strategies)
            ),
            Self::ObjectiveMissed { objective, metric, closest: (case, value) } => {
                let (value, next) = match metric {
                    Metric::Memory => (bytes(*value), "Use fewer workers"),
                    Metric::FailureRate => (percent(*value), "Lower the load"),
                    Metric::Throughput => (format!("{} tasks/s", digits(*value, 3)), "Add cores (--cores)"),
                    Metric::Cpu => (seconds(Nanos::from_secs_f64(*value)), "Take a lighter strategy"),
                    _ => (seconds(Nanos::from_secs_f64(*value)), "Add cores (--cores)"),
                };
                format!(
                    "no strategy meets `{objective}`; {case} comes closest with {value}. {next}, or relax the objective."
                )
            }
            Self::EstimatedProfile { interpreter, defaults, of } => format!(
                "{defaults} of {of} parameters of {interpreter} are estimates, not measurements. `pchsim profiles` lists \
                 the interpreters that were measured."
            ),
        }
    }
}

/// "a, b and 3 more".
pub(crate) fn list(items: &[String]) -> String {
    const SHOWN: usize = 4;
    match items {
        [] => String::new(),
        [one] => one.clone(),
        _ if items.len() <= SHOWN => {
            format!(
                "{} and {}",
                items[..items.len() - 1].join(", "),
                items[items.len() - 1]
            )
        }
        _ => format!(
            "{} and {} more",
            items[..SHOWN - 1].join(", "),
            items.len() - SHOWN + 1
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn long_lists_are_cut() {
        let names: Vec<String> = ["a", "b", "c", "d", "e"].map(Into::into).into();
        assert_eq!(list(&names), "a, b, c and 2 more");
        assert_eq!(list(&names[..4]), "a, b, c and d");
        assert_eq!(list(&names[..2]), "a and b");
        assert_eq!(list(&names[..1]), "a");
        assert_eq!(list(&[]), "");
    }
}
