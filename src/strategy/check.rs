//! Laws that every run obeys, whatever is simulated: a debugging aid for those who change the model, and the last line of every test of it.
//! It looks only at the input and the outcome, so it cannot share a mistake with the simulator.

use super::{ADMISSION, Effect, Finding, FindingKind, Outcome, SimInput};
use crate::engine::{Nanos, Total};
use crate::measure::{Histogram, Window};
use crate::scenario::{
    Arrivals, DeviceKind, Fault, FaultKind, FaultTime, Nodes, Rounds, Strategy, WaitsFor,
};

/// Collects the laws that are broken.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}", .0.join("\n"))]
pub struct Violations(Vec<String>);

impl Violations {
    fn unless(&mut self, holds: bool, what: impl FnOnce() -> String) {
        if !holds {
            self.0.push(what());
        }
    }
}

/// Checks an outcome against the laws that every run obeys.
///
/// # Errors
///
/// Returns the laws that are broken, one line each.
pub fn check(input: &SimInput<'_>, outcome: &Outcome) -> Result<(), Violations> {
    let mut broken = Violations(Vec::new());
    tasks(input, outcome, &mut broken);
    latencies(input, outcome, &mut broken);
    time(input, outcome, &mut broken);
    memory(input, outcome, &mut broken);
    devices(input, outcome, &mut broken);
    findings(input, outcome, &mut broken);
    if broken.0.is_empty() {
        Ok(())
    } else {
        Err(broken)
    }
}

/// Number of tasks that the workload promises; `None` if it has no count.
fn promised(input: &SimInput<'_>) -> Option<u64> {
    match &input.workload.arrivals {
        Arrivals::Batch => Some(input.workload.tasks_of_all_rounds()),
        Arrivals::Trace(tasks) => Some(tasks.len() as u64),
        Arrivals::Open { count, .. }
        | Arrivals::Sessions { count, .. }
        | Arrivals::Closed { count, .. } => *count,
        // A load may end before so many have come.
        Arrivals::Varying { .. } => None,
    }
}

/// Checks that tasks are conserved.
fn tasks(input: &SimInput<'_>, o: &Outcome, broken: &mut Violations) {
    let ended = o.completed + o.failed + o.timed_out + o.rejected;
    broken.unless(o.arrived == ended + o.in_flight + o.lost, || {
        format!(
            "{} tasks arrived, but {} completed + {} failed + {} timed out + {} rejected + {} in flight + {} lost",
            o.arrived, o.completed, o.failed, o.timed_out, o.rejected, o.in_flight, o.lost
        )
    });
    if let Some(all) = promised(input) {
        // What is sent again comes beside those that are promised.
        let arrived = o.arrived.saturating_sub(o.resent);
        broken.unless(arrived <= all, || {
            format!("{arrived} of {all} tasks arrived")
        });
        let whole = input.horizon.is_none() && input.warmup == Nanos::ZERO && !cut_short(o);
        broken.unless(!whole || arrived == all, || {
            format!("{arrived} of {all} tasks arrived in a whole run")
        });
    }
}

/// Whether a finding ended the run before its own end.
fn cut_short(o: &Outcome) -> bool {
    o.findings.iter().any(|f| f.effect() == Effect::Ended)
}

/// Checks that latencies are those of the completed tasks, and that every nanosecond of them has one cause.
fn latencies(input: &SimInput<'_>, o: &Outcome, broken: &mut Violations) {
    broken.unless(o.latency.count() == o.completed, || {
        format!("{} latencies of {} tasks", o.latency.count(), o.completed)
    });
    let by_class: u64 = o.class_latency.iter().map(Histogram::count).sum();
    broken.unless(by_class == o.completed, || {
        format!("{by_class} latencies by class of {} tasks", o.completed)
    });
    if let Some(windows) = &o.windows {
        let sum = |of: fn(&Window) -> u64| windows.all().iter().map(of).sum::<u64>();
        let told = [
            ("arrived", sum(|w| w.arrived), o.arrived),
            ("completed", sum(|w| w.completed), o.completed),
            ("failed", sum(|w| w.failed), o.failed),
            ("timed out", sum(|w| w.timed_out), o.timed_out),
            ("rejected", sum(|w| w.rejected), o.rejected),
            ("latencies", sum(|w| w.latency.count()), o.completed),
        ];
        for (what, by_window, all) in told {
            broken.unless(by_window == all, || {
                format!("{by_window} {what} by window of {all}")
            });
        }
    }
    let sum = o.latency.sum();
    if input.keep_latencies {
        let kept: u128 = o.latencies.iter().map(|l| u128::from(l.0)).sum();
        broken.unless(
            o.latencies.len() as u64 == o.completed && kept == sum,
            || {
                format!(
                    "{} latencies kept, {kept} ns in all, of {sum} ns",
                    o.latencies.len()
                )
            },
        );
    }
    let causes = o.causes.iter().copied().sum::<Total>().0;
    let clean = o.failed + o.timed_out + o.rejected + o.in_flight + o.lost == 0;
    broken.unless(if clean { causes == sum } else { causes >= sum }, || {
        format!(
            "latencies of {sum} ns are explained by {causes} ns: {:?}",
            o.causes
        )
    });
    // Little's law, as far as it can be seen from outside: no task is present longer than the run, and no more users than there are.
    let present = match &input.workload.arrivals {
        Arrivals::Closed { users, .. } => u64::from(*users),
        _ => o.arrived,
    };
    broken.unless(sum <= u128::from(present) * u128::from(o.end.0), || {
        format!(
            "{present} tasks at most at once cannot spend {sum} ns in {:?}",
            o.end
        )
    });
    let whole = clean && input.warmup == Nanos::ZERO;
    match &input.workload.arrivals {
        Arrivals::Batch
            if whole && input.keep_latencies && input.workload.rounds == Rounds::default() =>
        {
            let last = o.latencies.iter().copied().max().unwrap_or_default();
            broken.unless(last == o.makespan, || {
                format!(
                    "the last of a batch ends at {last:?}, its makespan is {:?}",
                    o.makespan
                )
            });
        }
        Arrivals::Trace(tasks) if whole && o.latencies.len() == tasks.len() => {
            let last = tasks.iter().zip(&o.latencies).map(|(t, &l)| t.at + l).max();
            broken.unless(last.unwrap_or_default() == o.makespan, || {
                format!(
                    "the last task ends at {last:?}, the makespan is {:?}",
                    o.makespan
                )
            });
        }
        _ => {}
    }
}

/// Checks that core time is conserved, instants are in order, and a GIL is held by one thread at a time.
fn time(input: &SimInput<'_>, o: &Outcome, broken: &mut Violations) {
    let machines = input.strategy.machines(&input.workload.faults) as usize;
    let cores = input.strategy.machine(input.machine).cores.len() * machines;
    broken.unless(o.core_busy.len() == cores, || {
        format!("{} cores", o.core_busy.len())
    });
    broken.unless(o.core_busy.iter().all(|&busy| busy <= o.end), || {
        format!("cores busy {:?} in {:?}", o.core_busy, o.end)
    });
    let busy: Total = o.core_busy.iter().copied().sum();
    broken.unless(busy == o.cpu, || {
        format!("threads used {:?}, cores gave {busy:?}", o.cpu)
    });
    broken.unless(o.makespan <= o.closed && o.closed <= o.end, || {
        format!(
            "makespan {:?}, closed {:?}, end {:?}",
            o.makespan, o.closed, o.end
        )
    });
    let (from, until) = o.window.window();
    broken.unless(
        from == input.warmup && until == Some(o.arrivals_end.unwrap_or(o.end)),
        || format!("completions counted from {from:?} to {until:?}"),
    );
    broken.unless(
        o.arrivals_end
            .is_none_or(|last| last <= o.end && o.half_arrived.is_some_and(|half| half <= last)),
        || {
            format!(
                "arrivals: half by {:?}, all by {:?}",
                o.half_arrived, o.arrivals_end
            )
        },
    );
    broken.unless(input.horizon.is_none_or(|h| o.end <= h), || {
        format!("ends at {:?}, past the horizon {:?}", o.end, input.horizon)
    });
    // Only GILs of processes with several threads are ever contended, and these are the copies of the program.
    let copies = input.strategy.execution().copies.map_or(1, u64::from) * machines as u64;
    let gils = u64::from(input.profile.gil);
    broken.unless(
        o.gil_contended <= Total::from(o.end) * (copies * gils),
        || format!("GILs contended for {:?} of {:?}", o.gil_contended, o.end),
    );
    // What is lost with a machine is started again, so that their number is not bounded.
    let goes = |k: FaultKind| k.takes_machine() || k.rollout().is_some();
    if input.workload.faults.iter().any(|f| goes(f.kind)) || machines_come(input) {
        return;
    }
    // Beside the copies there are worker processes or interpreters, a master, the fork server, and the resource tracker.
    let all =
        copies + u64::from(o.processes) + workers(input.strategy) * copies + 3 * machines as u64;
    broken.unless(o.gil_held <= Total::from(o.end) * (all * gils), || {
        format!("{all} GILs held for {:?} of {:?}", o.gil_held, o.end)
    });
}

/// Number of workers that the strategy names: some may not have reported themselves when a run is cut short.
fn workers(strategy: &Strategy) -> u64 {
    use crate::scenario::{Pool, Workers};
    let of = |pool: Pool| match pool.workers().filter(|_| pool.apart()) {
        Some(Workers::Exactly(n)) => u64::from(n),
        Some(Workers::Auto | Workers::PerTask) => 64,
        None => 0,
    };
    strategy.every_pool().map(of).sum()
}

/// Whether machines are started anew during the run.
fn machines_come(input: &SimInput<'_>) -> bool {
    let mut faults = input.workload.faults.iter();
    let scales = |nodes: &Nodes| nodes.autoscale.is_some();
    input
        .strategy
        .nodes()
        .is_some_and(|nodes| scales(nodes) || faults.any(|f| f.kind.rollout().is_some()))
}

fn memory(input: &SimInput<'_>, o: &Outcome, broken: &mut Violations) {
    let peak = o.memory_peak as f64;
    // The mean of a constant may differ from it in the last bits.
    broken.unless(o.memory_mean <= peak * (1.0 + 1e-9), || {
        format!("mean memory {} over the peak {peak}", o.memory_mean)
    });
    let w = input.workload;
    let life = input.strategy.lifecycle();
    let loaded = if life.is_none_or(|life| life.preload) {
        w.imports.memory as f64 + w.data as f64
    } else {
        0.0 // The master has not loaded the application.
    };
    let base = input.profile.params.base_rss + loaded;
    let least = if o.end == Nanos::ZERO {
        peak
    } else {
        o.memory_mean
    };
    // Machines that were lost, or have yet to start their program, have nothing in memory.
    let gone =
        (o.findings.iter()).any(|f| f.kind() == FindingKind::LostMachines) || machines_come(input);
    broken.unless(gone || least >= base * (1.0 - 1e-9) - 1.0, || {
        format!("mean memory {least} below the interpreter's own {base}")
    });
    if let Some(limit) = input.strategy.machine(input.machine).memory_limit {
        let out = o
            .findings
            .iter()
            .any(|f| f.kind() == FindingKind::OutOfMemory);
        // Where processes are killed for memory, others go on.
        let over = o.memory_peak > limit;
        broken.unless(out == over || over && input.machine.memory_kill, || {
            format!(
                "peak {} of {limit} bytes, out of memory: {out}",
                o.memory_peak
            )
        });
    }
}

/// Checks that devices give what they have and no more, and that what tasks got of them, and lost to others there, is the time that they were
/// there.
fn devices(input: &SimInput<'_>, o: &Outcome, broken: &mut Violations) {
    let specs = &input.workload.devices;
    broken.unless(o.devices.len() == specs.len(), || {
        format!("{} devices of {}", o.devices.len(), specs.len())
    });
    for (number, (spec, d)) in specs.iter().zip(&o.devices).enumerate() {
        let mut faults = input.workload.faults.iter();
        let faulted = faults.any(|f| f.kind.device() == Some(number));
        let name = &spec.name;
        broken.unless(d.done <= d.present, || {
            format!("device {name} did {} ns in {} ns", d.done, d.present)
        });
        let end = o.end.as_f64();
        broken.unless(d.busy <= end * (1.0 + 1e-9), || {
            format!("device {name} was in use for {} of {end} ns", d.busy)
        });
        // Work is rounded to whole nanoseconds at the end of each transfer.
        let transfers = (d.completed + d.cut) as f64;
        let instances = if spec.per_node {
            input.strategy.machines(&input.workload.faults)
        } else {
            1
        };
        let most = d.busy * f64::from(instances) * spec.kind.at_full_speed();
        let done = d.done as f64;
        broken.unless(done <= most * (1.0 + 1e-9) + transfers + 1.0, || {
            format!("device {name} did {done} ns, and had {most} ns")
        });
        match spec.kind {
            // A server works as long as its transfer takes, unless a fault slows it down.
            DeviceKind::Station { .. } if faulted => {}
            DeviceKind::Station { .. } => {
                broken.unless(done >= most * (1.0 - 1e-9) - transfers - 1.0, || {
                    format!("station {name} did {done} ns in {most} ns of its servers")
                });
            }
            DeviceKind::Shared { .. } => {}
        }
    }
}

/// Whether tasks may be over while what they have started goes on, and waits for ever.
fn leaves_work_behind(input: &SimInput<'_>) -> bool {
    (input.workload).any_step(|s| s.waits() == WaitsFor::Children && s.may_fail())
}

/// Whether faults of the scenario end processes.
fn crashes(input: &SimInput<'_>) -> bool {
    input.machine.memory_kill || input.workload.faults.iter().any(|f| f.kind.kills())
}

/// Checks that findings agree with the outcome, and that a run which leaves tasks unfinished says why.
fn findings(input: &SimInput<'_>, o: &Outcome, broken: &mut Violations) {
    for finding in &o.findings {
        let holds = match finding {
            Finding::Deadlock { at, waiting, on } => {
                *at == o.end
                    && !waiting.is_empty()
                    && !on.is_empty()
                    && (o.in_flight + o.lost > 0
                        || input.warmup > Nanos::ZERO
                        || leaves_work_behind(input)
                        // What a client has given up is worked on for nobody.
                        || input.workload.client.is_some()
                        // What main programs do before rounds counts nowhere.
                        || !input.workload.rounds.serial.is_empty())
            }
            Finding::OutOfMemory { at, bytes } => *at == o.end && *bytes <= o.memory_peak,
            Finding::BlockedLoop { at, lasted } => *at + *lasted <= o.end,
            Finding::Convoy {
                times, waited, of, ..
            } => input.profile.gil && *times > 0 && *waited > Total::ZERO && waited <= of,
            Finding::ScarceResource {
                resource,
                waited,
                of,
                ..
            } => {
                let known = input.workload.resources.iter().any(|r| r.name == *resource);
                known && *waited > Total::ZERO && waited <= of
            }
            Finding::BusyDevice {
                device,
                busy,
                waited,
                of,
                ..
            } => {
                let known = input.workload.devices.iter().any(|d| d.name == *device);
                known && (0.0..=1.0).contains(busy) && *waited > Total::ZERO && waited <= of
            }
            Finding::ContendedObject { waited, of, .. } => {
                !input.profile.gil && *waited > Total::ZERO && waited <= of
            }
            Finding::FutileWakeups { times, .. } => {
                input.profile.gil && *times > 0 && *times <= o.switches_voluntary
            }
            Finding::Rejections {
                resource,
                times,
                asked,
                ..
            } => {
                let of_resources = input.workload.resources.iter().map(|r| &r.name);
                let mut known = of_resources.chain(input.workload.queues.iter().map(|q| &q.name));
                let let_in = input.workload.admission.is_some() && resource == ADMISSION;
                (let_in || known.any(|name| name == resource)) && *times > 0 && times <= asked
            }
            Finding::FullBacklog {
                connections,
                of,
                given_up,
                got_in,
                holds,
                most,
                ..
            } => {
                let ended = given_up.saturating_add(*got_in);
                ended <= *connections && *connections > 0 && connections <= of && most > holds
            }
            Finding::KilledWorkers { at, workers, .. } => {
                let life = input.strategy.lifecycle();
                *workers > 0 && *at <= o.end && life.is_some_and(|l| l.timeout.is_some())
            }
            Finding::CrashedWorkers { at, workers, .. }
            | Finding::BrokenPool { at, workers, .. } => {
                *workers > 0 && *at <= o.end && crashes(input)
            }
            Finding::LostTasks {
                at, workers, tasks, ..
            } => *workers > 0 && *at <= o.end && *tasks >= o.lost && crashes(input),
            Finding::LostMachines { at, times, .. } => {
                let mut faults = input.workload.faults.iter();
                *times > 0 && *at <= o.end && faults.any(|f| f.kind.takes_machine())
            }
            Finding::Restarts {
                at,
                times,
                unfinished,
                ..
            } => {
                let mut faults = input.workload.faults.iter();
                let restarts = faults.any(|f| f.kind.rollout().is_some());
                *times > 0 && unfinished <= times && *at <= o.end && restarts
            }
            Finding::MissedFault { at, times } => {
                let mut faults = input.workload.faults.iter();
                let once = |f: &Fault| matches!(f.when, FaultTime::At(_));
                let strikes =
                    faults.any(|f| f.kind.may_miss() || f.kind.ends_processes() || once(f));
                *times > 0 && *at <= o.end && strikes
            }
            Finding::MemoryKills { at, processes } => {
                *processes > 0 && *at <= o.end && input.machine.memory_kill
            }
            Finding::ProgramCrashed { at } => *at == o.end && crashes(input),
            // A single operation may count as a few events; a run that cannot end within them is stopped before.
            Finding::EventLimit { at } => {
                *at == o.end && o.events.saturating_sub(input.max_events) < 1_000
            }
            Finding::ClockEnd { at } => *at == o.end && o.end == Nanos::CLOCK_END,
            Finding::Unsupported { .. } => false,
        };
        broken.unless(holds, || format!("{finding:?} at the end {:?}", o.end));
    }
    let told = |f: &Finding| f.kind() == FindingKind::LostTasks;
    broken.unless(o.lost == 0 || o.findings.iter().any(told), || {
        format!("{} tasks are lost, and nothing says why", o.lost)
    });
    let horizon = input.horizon.is_some();
    broken.unless(o.in_flight == 0 || horizon || cut_short(o), || {
        format!("{} tasks are unfinished, and nothing says why", o.in_flight)
    });
}
