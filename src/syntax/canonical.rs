//! The canonical text of a scenario: the one text that all ways of writing the same scenario share. Results and sweeps are identified by
//! its hash.
//!
//! Comments, layout, units, the order of keys, and values that a key would have anyway leave no trace in it; whatever a forecast or its
//! report shows does. The names are those of the scenario format, never those of this program's types. A key is left out where it has the
//! value that version 0.1.0 took for its absence, **for ever**: a key that is added later is written only where it differs from what stood
//! for its absence, so that the hashes of earlier scenarios stay the same. Should a default ever change, the new default is written from
//! then on, and the hashes move.
//!
//! Whole numbers are written as they are (times in nanoseconds, sizes in bytes), other numbers as the shortest decimal that reads back as
//! the same number, and strings with their length in front. Locks, queues and objects are written by name, in the order of their names.

use std::fmt::{self, Write};

use crate::engine::Nanos;
use crate::scenario::{
    Admission, Arrivals, Backoff, Client, CoDel, DeviceKind, DeviceSpec, Dist, Fault, FaultKind,
    FaultTime, Imports, Jitter, Load, LoadState, LockId, LockSpec, MachineGiven, MachineSpec,
    Metric, ObjectKind, ObjectSpec, Objective, Overflow, Phase, QueueId, QueueSpec, Releases,
    ResourceKind, ResourceSpec, Rollout, Rounds, Scenario, Scope, Step, StrategyCase, TaskClass,
    TracedTask, WhenFull, WorkingMemory, Workload, strategy_label,
};

/// The first line of the canonical text. The number is the version of this text: with another number the same scenario has another text.
const HEAD: &str = "pchsim scenario 1\n";

impl Scenario {
    /// Writes the canonical text to `out`. Under one program version, one seed and one set of profiles, equal texts give equal results.
    ///
    /// # Errors
    /// Returns the error of `out` where it cannot be written to.
    pub(crate) fn write_canonical(&self, out: &mut impl Write) -> fmt::Result {
        let Self {
            name,
            question,
            machine,
            interpreters,
            workload,
            strategies,
            replications,
            warmup,
            horizon,
            windows,
            objectives,
            rank_by,
            seed,
        } = self;
        let mut text = CanonicalWriter { out };
        text.out.write_str(HEAD)?;
        text.field("name", name.as_str())?;
        text.unless("question", question.as_str(), "")?;
        text.field("machine", machine)?;
        text.field("interpreters", interpreters)?;
        text.field("workload", workload)?;
        text.field("strategies", strategies)?;
        text.given("replications", replications.as_ref())?;
        text.given("warmup", warmup.as_ref())?;
        text.given("horizon", horizon.as_ref())?;
        text.given("windows", windows.as_ref())?;
        text.field("objectives", objectives)?;
        text.given("rank_by", rank_by.as_ref())?;
        text.field("seed", seed)
    }
}

/// The writer that the canonical text goes to.
struct CanonicalWriter<'a> {
    out: &'a mut dyn Write,
}

/// A value that has one canonical text.
trait Canonical {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result;
}

impl CanonicalWriter<'_> {
    fn field(&mut self, name: &str, value: &(impl Canonical + ?Sized)) -> fmt::Result {
        self.out.write_str(name)?;
        self.out.write_char(':')?;
        value.write(self)?;
        self.out.write_char(',')
    }

    /// Writes a field, unless its value equals `absent`.
    fn unless<T: Canonical + PartialEq + ?Sized>(
        &mut self,
        name: &str,
        value: &T,
        absent: &T,
    ) -> fmt::Result {
        if value == absent {
            return Ok(());
        }
        self.field(name, value)
    }

    /// Writes a field if it is given; an absent field is left out.
    fn given(&mut self, name: &str, value: Option<&impl Canonical>) -> fmt::Result {
        value.map_or(Ok(()), |value| self.field(name, value))
    }

    /// Writes a name, and in parentheses what `inner` writes.
    fn of(&mut self, name: &str, inner: impl FnOnce(&mut Self) -> fmt::Result) -> fmt::Result {
        self.out.write_str(name)?;
        self.out.write_char('(')?;
        inner(self)?;
        self.out.write_char(')')
    }

    fn list<T>(
        &mut self,
        items: impl IntoIterator<Item = T>,
        mut item: impl FnMut(&mut Self, T) -> fmt::Result,
    ) -> fmt::Result {
        self.out.write_char('[')?;
        for i in items {
            item(self, i)?;
            self.out.write_char(',')?;
        }
        self.out.write_char(']')
    }
}

impl CanonicalWriter<'_> {
    /// Writes how a retry pauses, and how many there may be.
    fn backoff(&mut self, backoff: &Backoff) -> fmt::Result {
        let Backoff {
            base,
            factor,
            cap,
            jitter,
            retry_after,
            budget,
        } = backoff;
        self.field("backoff", base)?;
        self.unless("factor", factor, &2.0)?;
        self.given("cap", cap.as_ref())?;
        self.unless("jitter", jitter, &Jitter::None)?;
        self.unless("retry_after", retry_after, &false)?;
        self.given("budget", budget.map(u64::from).as_ref())
    }
}

macro_rules! as_displayed {
    ($($type:ty),*) => {
        $(impl Canonical for $type {
            fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
                write!(text.out, "{self}")
            }
        })*
    };
}

as_displayed!(u32, u64, usize, bool);

impl Canonical for f64 {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        // Zero has two signs, which no forecast tells apart; adding 0.0 removes the sign.
        write!(text.out, "{}", self + 0.0)
    }
}

impl Canonical for str {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        write!(text.out, "{}\"{self}\"", self.len())
    }
}

impl Canonical for String {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        self.as_str().write(text)
    }
}

impl Canonical for Nanos {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        self.0.write(text)
    }
}

impl<T: Canonical> Canonical for Vec<T> {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        text.list(self, |text, item| item.write(text))
    }
}

impl<A: Canonical, B: Canonical> Canonical for (A, B) {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        text.of("", |text| {
            self.0.write(text)?;
            text.out.write_char(',')?;
            self.1.write(text)
        })
    }
}

impl Canonical for MachineSpec {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            cores,
            visible_cpus,
            memory_limit,
            memory_kill,
            hz,
            base_slice,
            balance_interval,
            context_switch,
            timer_slack,
            wake_latency,
            wake_send,
            wake_cpu,
            halted_after,
            new_idle,
            interference,
            pipe_capacity,
            pipe_ns_per_byte,
            syscall,
            given,
        } = self;
        let us = Nanos::from_micros;
        text.of("", |text| {
            text.field("speeds", cores)?;
            let all = u32::try_from(cores.len()).unwrap_or(u32::MAX);
            text.unless("visible_cpus", visible_cpus, &all)?;
            text.given("memory", memory_limit.as_ref())?;
            if *memory_kill {
                text.field("memory_kill", memory_kill)?;
            }
            text.unless("hz", hz, &250)?;
            text.unless("base_slice", base_slice, &us(700))?;
            let each = Nanos::from_millis(16) * u64::from(all);
            text.unless("balance_interval", balance_interval, &each)?;
            text.unless("context_switch", context_switch, &Nanos(1_500))?;
            text.unless("timer_slack", timer_slack, &us(50))?;
            let latency = [(20, 6), (200, 14), (1_000, 30), (5_000, 40), (50_000, 80)]
                .map(|(idle, latency)| (us(idle), us(latency)));
            text.unless("wake_latency", wake_latency, &latency.into())?;
            text.unless("wake_send", wake_send, &Vec::new())?;
            text.unless("wake_cpu", wake_cpu, &Vec::new())?;
            text.given("halted_after", halted_after.as_ref())?;
            text.unless("new_idle", new_idle, &MachineSpec::NEW_IDLE)?;
            text.unless("interference", interference, &0.0)?;
            text.unless("pipe_capacity", pipe_capacity, &(64 * 1024))?;
            text.unless("pipe_ns_per_byte", pipe_ns_per_byte, &0.15)?;
            text.unless("syscall", syscall, &Nanos(200))?;
            if *given == MachineGiven::default() {
                return Ok(());
            }
            text.field("given", given)
        })
    }
}

/// A calibrated profile fills in those machine costs that are not given, so even a cost that is given with its default value makes a
/// difference, and is written.
impl Canonical for MachineGiven {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            base_slice,
            syscall,
            wake_latency,
            wake_send,
            wake_cpu,
            halted_after,
            new_idle,
            interference,
            pipe_ns_per_byte,
        } = *self;
        let all = [
            ("base_slice", base_slice),
            ("halted_after", halted_after),
            ("interference", interference),
            ("new_idle", new_idle),
            ("pipe_ns_per_byte", pipe_ns_per_byte),
            ("syscall", syscall),
            ("wake_cpu", wake_cpu),
            ("wake_latency", wake_latency),
            ("wake_send", wake_send),
        ];
        let given = all.into_iter().filter(|(_, given)| *given);
        text.list(given, |text, (name, _)| text.out.write_str(name))
    }
}

/// The declared items (locks, queues, objects) in the order of their names.
fn by_name<T>(all: &[T], name: impl Fn(&T) -> &str) -> Vec<&T> {
    let mut all: Vec<&T> = all.iter().collect();
    all.sort_by(|a, b| name(a).cmp(name(b)));
    all
}

impl Canonical for Workload {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            arrivals,
            rounds,
            classes,
            locks,
            queues,
            objects,
            resources,
            devices,
            imports,
            data,
            untouched_payload,
            faults,
            admission,
            client,
            dispatch,
            cpu_grain,
            native_grain,
            python_teams,
            ready,
            measured_on,
        } = self;
        text.of("", |text| {
            if *rounds == Rounds::default() {
                text.field("arrivals", arrivals)?;
            } else {
                text.out.write_str("arrivals:")?;
                self.rounds(text, rounds)?;
                text.out.write_char(',')?;
            }
            text.out.write_str("tasks:")?;
            text.list(classes, |text, class| self.class(text, class))?;
            text.out.write_char(',')?;
            if !locks.is_empty() {
                text.out.write_str("locks:")?;
                text.list(by_name(locks, |l| &l.name), |text, l| l.write(text))?;
                text.out.write_char(',')?;
            }
            if !queues.is_empty() {
                text.out.write_str("queues:")?;
                text.list(by_name(queues, |q| &q.name), |text, q| q.write(text))?;
                text.out.write_char(',')?;
            }
            if !objects.is_empty() {
                text.out.write_str("objects:")?;
                text.list(by_name(objects, |o| &o.name), |text, o| o.write(text))?;
                text.out.write_char(',')?;
            }
            if !resources.is_empty() {
                text.out.write_str("resources:")?;
                text.list(by_name(resources, |r| &r.name), |text, r| {
                    self.resource(text, r)
                })?;
                text.out.write_char(',')?;
            }
            if !devices.is_empty() {
                text.out.write_str("devices:")?;
                text.list(by_name(devices, |d| &d.name), |text, d| d.write(text))?;
                text.out.write_char(',')?;
            }
            if !faults.is_empty() {
                text.out.write_str("faults:")?;
                text.list(faults, |text, f| self.fault(text, f))?;
                text.out.write_char(',')?;
            }
            text.given("admission", admission.as_ref())?;
            text.given("client", client.as_ref())?;
            let none = Imports::default();
            let nothing = Imports {
                objects: Some(0),
                ..none
            };
            if *imports != nothing {
                text.unless("imports", imports, &none)?;
            }
            text.unless("data", data, &0)?;
            text.unless("untouched_payload", untouched_payload, &false)?;
            text.unless("dispatch", dispatch, &Nanos::ZERO)?;
            text.unless("cpu_grain", cpu_grain, &Nanos::ZERO)?;
            text.unless("native_grain", native_grain, &Nanos::ZERO)?;
            text.unless("python_teams", python_teams, &false)?;
            text.unless("ready", ready, &false)?;
            text.given("measured_on", measured_on.as_ref())
        })
    }
}

impl Workload {
    fn resource(&self, text: &mut CanonicalWriter<'_>, resource: &ResourceSpec) -> fmt::Result {
        let ResourceSpec {
            name,
            kind,
            scope,
            full,
        } = resource;
        let variant = match kind {
            ResourceKind::Semaphore { .. } => "Semaphore",
            ResourceKind::Connections { .. } => "Connections",
            ResourceKind::RateLimit { .. } => "RateLimit",
            ResourceKind::Breaker { .. } => "Breaker",
        };
        text.of(variant, |text| {
            text.field("name", name)?;
            match kind {
                ResourceKind::Semaphore { count } => text.field("count", count)?,
                ResourceKind::Connections {
                    size,
                    overflow,
                    connect,
                    lifetime,
                    to,
                } => {
                    text.field("size", size)?;
                    text.unless("overflow", overflow, &0)?;
                    text.unless("connect", connect, &Nanos::ZERO)?;
                    text.given("lifetime", lifetime.as_ref())?;
                    if let Some(device) = to {
                        text.field("to", self.devices[*device].name.as_str())?;
                    }
                }
                ResourceKind::RateLimit {
                    interval,
                    burst,
                    window,
                } => {
                    text.field("interval", interval)?;
                    text.field("burst", burst)?;
                    text.given("window", window.as_ref())?;
                }
                ResourceKind::Breaker {
                    failures,
                    reset,
                    half_open,
                } => {
                    text.field("failures", failures)?;
                    text.field("reset", reset)?;
                    text.field("half_open", half_open)?;
                }
            }
            text.field("per", scope)?;
            match full {
                WhenFull::Wait => Ok(()),
                WhenFull::Reject => text.out.write_str("full:Reject,"),
                WhenFull::GiveUp(wait) => text.field("wait", wait),
            }
        })
    }
}

impl Canonical for DeviceSpec {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            name,
            kind,
            per_node,
        } = self;
        let variant = match kind {
            DeviceKind::Shared { .. } => "",
            DeviceKind::Station { .. } => "Station",
        };
        text.of(variant, |text| {
            text.field("name", name)?;
            match kind {
                DeviceKind::Shared {
                    rate,
                    per_stream,
                    penalty,
                } => {
                    text.field("rate", rate)?;
                    text.field("per_stream", per_stream)?;
                    text.unless("penalty", &u64::from(*penalty), &0)
                }
                // Transfers are written in time, so that the rate of a server is in them.
                DeviceKind::Station { servers, rate: _ } => text.field("servers", servers),
            }?;
            text.unless("per_node", per_node, &false)
        })
    }
}

impl Canonical for LockSpec {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self { name, shared } = self;
        text.of("", |text| {
            text.field("name", name)?;
            text.unless("shared", shared, &false)
        })
    }
}

impl Canonical for ObjectSpec {
    /// An object of the kind that objects had before there were several kinds is written as its name only.
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self { name, kind } = self;
        let kind = match kind {
            ObjectKind::Counted => return name.write(text),
            ObjectKind::Immortal => "Immortal",
            ObjectKind::PerThread => "PerThread",
        };
        text.of("", |text| {
            text.field("name", name)?;
            text.out.write_str("kind:")?;
            text.out.write_str(kind)?;
            text.out.write_char(',')
        })
    }
}

impl Canonical for QueueSpec {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            name,
            capacity,
            full,
        } = self;
        text.of("", |text| {
            text.field("name", name)?;
            text.given("capacity", capacity.as_ref())?;
            text.unless("full", full, &Overflow::Wait)
        })
    }
}

impl Canonical for Scope {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        text.out.write_str(match self {
            Self::Loop => "Loop",
            Self::Process => "Process",
            Self::Node => "Node",
            Self::Everywhere => "Everywhere",
        })
    }
}

impl Canonical for Overflow {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        text.out.write_str(match self {
            Self::Wait => "Wait",
            Self::Reject => "Reject",
            Self::DropOldest => "DropOldest",
        })
    }
}

impl Canonical for Admission {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            limit,
            full,
            per,
            shed,
        } = self;
        text.of("", |text| {
            text.given("limit", limit.as_ref())?;
            text.unless("full", full, &Overflow::Reject)?;
            text.unless("per", per, &Scope::Process)?;
            let Some(CoDel { target, interval }) = shed else {
                return Ok(());
            };
            text.out.write_str("shed:")?;
            text.of("CoDel", |text| {
                text.field("target", target)?;
                text.field("interval", interval)
            })?;
            text.out.write_char(',')
        })
    }
}

impl Canonical for Client {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            timeout,
            retries,
            backoff,
            propagate,
        } = self;
        text.of("", |text| {
            text.given("timeout", timeout.as_ref())?;
            text.unless("retries", retries, &0)?;
            if *retries > 0 {
                text.backoff(backoff)?;
            }
            text.unless("propagate", propagate, &false)
        })
    }
}

impl Canonical for Imports {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            time,
            memory,
            objects,
            frozen,
            preloaded,
        } = self;
        text.of("", |text| {
            text.unless("time", time, &Nanos::ZERO)?;
            text.unless("memory", memory, &0)?;
            text.given("objects", objects.as_ref())?;
            text.unless("frozen", frozen, &false)?;
            text.unless("preloaded", preloaded, &true)
        })
    }
}

impl Canonical for Arrivals {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        match self {
            Self::Batch => text.out.write_str("Batch"),
            Self::Open { interval, count } => text.of("Open", |text| {
                text.field("interval", interval)?;
                text.given("count", count.as_ref())
            }),
            Self::Varying { load, count } => text.of("Varying", |text| {
                text.field("load", load)?;
                text.given("count", count.as_ref())
            }),
            Self::Sessions {
                interval,
                requests,
                think,
                count,
            } => text.of("Sessions", |text| {
                text.field("interval", interval)?;
                text.field("requests", requests)?;
                text.field("think", think)?;
                text.given("count", count.as_ref())
            }),
            Self::Trace(tasks) => text.of("Trace", |text| text.field("tasks", tasks)),
            Self::Closed {
                users,
                think,
                count,
            } => text.of("Closed", |text| {
                text.field("users", users)?;
                text.field("think", think)?;
                text.given("count", count.as_ref())
            }),
        }
    }
}

impl Canonical for Load {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        match self {
            Self::Phases { phases, repeat } => text.of("Phases", |text| {
                text.field("phases", phases)?;
                text.unless("repeat", repeat, &1)
            }),
            Self::Diurnal {
                mean,
                swing,
                period,
                peak,
            } => text.of("Diurnal", |text| {
                text.field("mean", mean)?;
                text.field("swing", swing)?;
                text.field("period", period)?;
                text.field("peak", peak)
            }),
            Self::Bursty { states } => text.of("Bursty", |text| text.field("states", states)),
        }
    }
}

impl Canonical for Phase {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self { from, to, time } = self;
        text.of("", |text| {
            text.field("from", from)?;
            text.field("to", to)?;
            text.field("time", time)
        })
    }
}

impl Canonical for LoadState {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self { rate, time } = self;
        text.of("", |text| {
            text.field("rate", rate)?;
            text.field("time", time)
        })
    }
}

impl Canonical for TracedTask {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self { at, class, demands } = self;
        text.of("", |text| {
            text.field("at", at)?;
            // The class is written as its index among the task classes, whose order counts.
            text.field("class", class)?;
            text.unless("demands", demands, &Vec::new())
        })
    }
}

impl Workload {
    fn fault(&self, text: &mut CanonicalWriter<'_>, fault: &Fault) -> fmt::Result {
        let Fault { kind, when } = fault;
        let name = match kind {
            FaultKind::Slow { .. } => "Slow",
            FaultKind::Down { .. } => "Down",
            FaultKind::Crash { .. } => "Crash",
            FaultKind::MachineLost { .. } => "MachineLost",
            FaultKind::Terminate { .. } => "Terminate",
            FaultKind::Interrupt { .. } => "Interrupt",
            FaultKind::Pause { .. } => "Pause",
            FaultKind::Restart { .. } => "Restart",
        };
        text.of(name, |text| {
            if let Some(device) = kind.device() {
                text.field("device", self.devices[device].name.as_str())?;
            }
            match kind {
                FaultKind::Slow { factor, .. } => text.field("factor", factor)?,
                FaultKind::Crash { worker }
                | FaultKind::Interrupt { worker }
                | FaultKind::Pause { worker, .. } => {
                    text.given("worker", worker.as_ref())?;
                }
                FaultKind::MachineLost { machine, .. } => {
                    text.given("machine", machine.as_ref())?;
                }
                FaultKind::Terminate { worker, grace } => {
                    text.given("worker", worker.as_ref())?;
                    text.given("grace", grace.as_ref())?;
                }
                FaultKind::Restart { grace, rollout } => {
                    let usual = Rollout::default();
                    text.given("grace", grace.as_ref())?;
                    text.unless(
                        "max_unavailable",
                        &rollout.max_unavailable,
                        &usual.max_unavailable,
                    )?;
                    text.unless("max_surge", &rollout.max_surge, &usual.max_surge)?;
                    text.unless("boot", &rollout.boot, &usual.boot)?;
                }
                FaultKind::Down { .. } => {}
            }
            text.given("lasts", kind.lasts().as_ref())?;
            match when {
                FaultTime::At(at) => text.field("at", at),
                FaultTime::Every(every) => text.field("every", every),
            }
        })
    }

    fn class(&self, text: &mut CanonicalWriter<'_>, class: &TaskClass) -> fmt::Result {
        let TaskClass {
            name,
            count,
            weight,
            steps,
            touches,
            interleave,
            cost,
        } = class;
        text.of("", |text| {
            text.field("name", name)?;
            text.unless("count", count, &1)?;
            text.unless("weight", weight, &1.0)?;
            text.unless("touches", touches, &0.0)?;
            text.unless("interleave", interleave, &false)?;
            if !cost.is_empty() {
                text.out.write_str("cost:")?;
                text.list(cost, |text, (kind, factor)| {
                    text.of("", |text| text.field(kind.name(), factor))
                })?;
                text.out.write_char(',')?;
            }
            self.steps(text, steps)
        })
    }

    fn rounds(&self, text: &mut CanonicalWriter<'_>, rounds: &Rounds) -> fmt::Result {
        let Rounds { count, serial } = rounds;
        text.of("Rounds", |text| {
            text.field("count", count)?;
            text.out.write_str("serial:")?;
            text.list(serial, |text, step| self.step(text, step))?;
            text.out.write_char(',')
        })
    }

    fn steps(&self, text: &mut CanonicalWriter<'_>, steps: &[Step]) -> fmt::Result {
        text.out.write_str("steps:")?;
        text.list(steps, |text, step| self.step(text, step))?;
        text.out.write_char(',')
    }

    fn step(&self, text: &mut CanonicalWriter<'_>, step: &Step) -> fmt::Result {
        // A scenario that was read has all the names; one that was built by hand may lack some.
        let lock = |id: &LockId| self.locks.get(*id).map_or("", |l| l.name.as_str());
        let queue = |id: &QueueId| self.queues.get(*id).map_or("", |q| q.name.as_str());
        match step {
            Step::Cpu(time) => text.of("Cpu", |text| text.field("time", time)),
            Step::Releasing(time, Releases { count, released }) => text.of("Cpu", |text| {
                text.field("time", time)?;
                text.field("releases", count)?;
                text.unless("released", released, &Nanos(160))
            }),
            Step::Native(time) => text.of("Native", |text| text.field("time", time)),
            Step::Team(time, threads) => text.of("Native", |text| {
                text.field("time", time)?;
                text.field("threads", threads)
            }),
            Step::Io(time) => text.of("Io", |text| text.field("time", time)),
            Step::Block(time) => text.of("Block", |text| text.field("time", time)),
            Step::Transfer(id, alone) => text.of("Transfer", |text| {
                let name = self.devices.get(*id).map_or("", |d| d.name.as_str());
                text.field("device", name)?;
                text.field("time", alone)
            }),
            Step::Lock(id, steps) => text.of("Lock", |text| {
                text.field("lock", lock(id))?;
                self.steps(text, steps)
            }),
            Step::Use(id, steps) => text.of("Use", |text| {
                let name = self.resources.get(*id).map_or("", |r| r.name.as_str());
                text.field("resource", name)?;
                self.steps(text, steps)
            }),
            Step::Acquire(id) => text.of("Acquire", |text| text.field("lock", lock(id))),
            Step::Release(id) => text.of("Release", |text| text.field("lock", lock(id))),
            Step::Shared {
                object,
                count,
                write,
            } => text.of("Shared", |text| {
                text.field(
                    "object",
                    self.objects.get(*object).map_or("", |o| o.name.as_str()),
                )?;
                text.field("count", count)?;
                text.field("write", write)
            }),
            Step::Put(id) => text.of("Put", |text| text.field("queue", queue(id))),
            Step::Get(id) => text.of("Get", |text| text.field("queue", queue(id))),
            Step::FanOut { count, need, steps } => text.of("FanOut", |text| {
                text.field("count", count)?;
                if let Some(need) = need {
                    text.field("need", need)?;
                }
                self.steps(text, steps)
            }),
            Step::PayloadIn(size) => text.of("PayloadIn", |text| text.field("size", size)),
            Step::PayloadOut(size) => text.of("PayloadOut", |text| text.field("size", size)),
            Step::ObjectsIn(count) => text.of("ObjectsIn", |text| text.field("count", count)),
            Step::ObjectsOut(count) => text.of("ObjectsOut", |text| text.field("count", count)),
            Step::Allocate(count) => text.of("Allocate", |text| text.field("count", count)),
            Step::Leak(size) => text.of("Leak", |text| text.field("size", size)),
            Step::Hold(WorkingMemory { size, churn }, steps) => text.of("Hold", |text| {
                match &size.0 {
                    Dist::Constant(bytes) => text.field("size", &bytes.0)?,
                    drawn => text.field("sizes", drawn)?,
                }
                text.unless("churn", &u64::from(*churn), &0)?;
                self.steps(text, steps)
            }),
            Step::Timeout(after, steps) => text.of("Timeout", |text| {
                text.field("after", after)?;
                self.steps(text, steps)
            }),
            Step::Fail(probability) => {
                text.of("Fail", |text| text.field("probability", probability))
            }
            Step::Retry {
                attempts,
                backoff,
                steps,
            } => text.of("Retry", |text| {
                text.field("attempts", attempts)?;
                text.backoff(backoff)?;
                self.steps(text, steps)
            }),
            Step::Repeat(times, steps) => text.of("Repeat", |text| {
                text.field("times", times)?;
                self.steps(text, steps)
            }),
            Step::Offload { to, steps } => text.of("Offload", |text| {
                text.given("to", to.as_ref())?;
                self.steps(text, steps)
            }),
            Step::Inline(steps) => text.of("Inline", |text| self.steps(text, steps)),
        }
    }
}

impl Canonical for Jitter {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        text.out.write_str(match self {
            Self::None => "None",
            Self::Full => "Full",
            Self::Equal => "Equal",
            Self::Decorrelated => "Decorrelated",
        })
    }
}

impl Canonical for Dist {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        match self {
            Self::Constant(time) => time.write(text),
            Self::Uniform(least, greatest) => text.of("Uniform", |text| {
                text.field("least", least)?;
                text.field("greatest", greatest)
            }),
            Self::Exponential(mean) => text.of("Exponential", |text| text.field("mean", mean)),
            Self::Normal(mean, sd) => text.of("Normal", |text| {
                text.field("mean", mean)?;
                text.field("sd", sd)
            }),
            Self::LogNormal { median, p99 } => text.of("LogNormal", |text| {
                text.field("median", median)?;
                text.field("p99", p99)
            }),
            Self::Gamma { mean, cv } => text.of("Gamma", |text| {
                text.field("mean", mean)?;
                text.field("cv", cv)
            }),
            Self::Weibull { scale, shape } => text.of("Weibull", |text| {
                text.field("scale", scale)?;
                text.field("shape", shape)
            }),
            Self::Pareto { least, shape } => text.of("Pareto", |text| {
                text.field("least", least)?;
                text.field("shape", shape)
            }),
            Self::Empirical(values) => text.of("Empirical", |text| text.field("values", values)),
        }
    }
}

impl Canonical for StrategyCase {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            strategy,
            interpreter,
        } = self;
        text.of("", |text| {
            // The short form of a strategy is written: it is read back as the same strategy, and users have it in their scripts.
            text.field("strategy", &strategy_label(strategy))?;
            text.given("interpreter", interpreter.as_ref())
        })
    }
}

impl Canonical for Metric {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        match self {
            Self::Makespan => text.out.write_str("makespan"),
            Self::Throughput => text.out.write_str("throughput"),
            Self::MeanLatency => text.out.write_str("mean"),
            Self::Percentile(p) => {
                text.out.write_char('p')?;
                p.write(text)
            }
            Self::Worst(p) => {
                text.out.write_str("worst p")?;
                p.write(text)
            }
            Self::Memory => text.out.write_str("memory"),
            Self::Cpu => text.out.write_str("cpu"),
            Self::FailureRate => text.out.write_str("failures"),
        }
    }
}

impl Canonical for Objective {
    fn write(&self, text: &mut CanonicalWriter<'_>) -> fmt::Result {
        let Self {
            // The text of an objective is kept as it was written, because reports show it.
            text: written,
            metric,
            below,
            bound,
        } = self;
        text.of("", |text| {
            text.field("text", written)?;
            text.field("metric", metric)?;
            text.field("below", below)?;
            text.field("bound", bound)
        })
    }
}

#[cfg(test)]
mod tests {
    use super::super::variants::{
        ARRIVALS, DISTRIBUTIONS, MACHINE, OFFLOADS, SCENARIO, STEPS, STRATEGIES, TASK, WORKLOAD,
        params,
    };
    use crate::syntax::{Severity, check, render};
    use std::collections::{BTreeMap, BTreeSet};
    use std::path::Path;

    const BASE: &str = r#"(
        schema: 1,
        name: "base",
        workload: (
            arrivals: Poisson(rate: "10/s", count: 100),
            locks: { "a": (), "b": () },
            queues: { "p": (), "q": () },
            objects: ["x", "y"],
            tasks: [
                (name: "one", steps: [Cpu("1ms")]),
                (name: "two", steps: [Io("1ms")]),
            ],
        ),
    )"#;

    fn canonical_of(text: &str, overrides: &[(&str, &str)]) -> String {
        canonical_at(Path::new("it.ron"), text, overrides)
    }

    fn canonical_at(origin: &Path, text: &str, overrides: &[(&str, &str)]) -> String {
        let overrides: Vec<(String, String)> = overrides
            .iter()
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
            .collect();
        let (scenario, said) = check(text, origin, &overrides);
        let errors = said.iter().filter(|d| d.severity == Severity::Error);
        assert_eq!(errors.count(), 0, "{overrides:?}: {}", render(&said, false));
        let mut text = String::new();
        scenario.unwrap().write_canonical(&mut text).unwrap();
        text
    }

    fn canonical(path: &str, value: &str) -> String {
        // What uses a resource needs some that are declared.
        let resources = (
            "workload.resources",
            "{\"r\": Semaphore(3), \"s\": Semaphore(3)}",
        );
        let devices = (
            "workload.devices",
            "{\"d\": Station(3), \"e\": (rate: \"100MB/s\")}",
        );
        let declared = [
            ("Use(", resources),
            ("Transfer(", devices),
            ("device: ", devices),
            ("to: ", devices),
        ];
        let declared = declared
            .into_iter()
            .filter(|(step, _)| value.contains(step));
        let all: Vec<_> = declared.map(|(_, d)| d).chain([(path, value)]).collect();
        canonical_of(BASE, &all)
    }

    /// Compares the text itself: whoever changes it changes the hash of every scenario.
    #[test]
    fn the_text_is_what_it_was() {
        assert_eq!(
            canonical_of(
                BASE,
                &[
                    ("question", "\"\u{e9}?\""),
                    ("strategies", "[\"threads:8@cpython-3.14\"]"),
                    ("objectives", "[\"p99.9 < 0.2s\"]"),
                    ("machine.syscall", "200ns"),
                    (
                        "workload.tasks[1].steps",
                        "[Lock(\"b\", [Cpu(\"1us\", 5)])]"
                    ),
                ],
            ),
            "pchsim scenario 1\n\
             name:4\"base\",question:3\"\u{e9}?\",machine:(speeds:[1,1,1,1,],given:[syscall,],),\
             interpreters:[12\"cpython-3.14\",13\"cpython-3.14t\",],\
             workload:(arrivals:Open(interval:Exponential(mean:100000000,),count:100,),\
             tasks:[(name:3\"one\",steps:[Cpu(time:1000000,),],),\
             (name:3\"two\",steps:[Lock(lock:1\"b\",steps:[Cpu(time:1000,releases:5,),],),],),],\
             locks:[(name:1\"a\",),(name:1\"b\",),],queues:[(name:1\"p\",),(name:1\"q\",),],objects:[1\"x\",1\"y\",],),\
             strategies:[(strategy:9\"threads:8\",interpreter:12\"cpython-3.14\",),],\
             objectives:[(text:12\"p99.9 < 0.2s\",metric:p99.9,below:true,bound:0.2,),],seed:1,"
        );
    }

    /// Scenarios that say the same have the same canonical text.
    #[test]
    fn all_ways_of_writing_a_scenario_share_its_text() {
        let plain = canonical_of(BASE, &[]);
        let other = r#"/* a comment */ (schema: 1, seed: 1, workload: (
            tasks: [
                (steps: [Cpu(time: Constant("1000us"), releases: 0)], name: "one", weight: 1, count: 1), // another
                (interleave: false, steps: [Io("0.001s")], name: "two"),
            ],
            dispatch: "0s", objects: ["y", "x"], queues: {"q": (), "p": ()}, locks: {"b": (shared: false), "a": ()},
            imports: (objects: 0, memory: "0B"),
            arrivals: Renewal(interval: Exponential("100ms"), count: 100),
        ), strategies: [], machine: (speeds: [1, 1.0, 1, 1], hz: 250, visible_cpus: 4), name: "base", question: "",
            interpreters: ["cpython-3.14", "cpython-3.14t"])"#;
        assert_eq!(canonical_of(other, &[]), plain);
        for (path, value) in [
            ("seed", "1"),
            ("machine.cores", "4"),
            ("machine.timer_slack", "50us"),
            ("machine.context_switch", "1500ns"),
            ("machine.pipe_capacity", "64KiB"),
            ("workload.cpu_grain", "0ms"),
            ("workload.arrivals.rate", "600/min"),
        ] {
            assert_eq!(canonical(path, value), plain, "{path}={value}");
        }
        // The order of keys does not change which lock a step takes.
        let (a, b) = (r#"{"a": (), "b": ()}"#, r#"{"b": (), "a": ()}"#);
        let takes = |locks| {
            let step = ("workload.tasks[0].steps[0]", "Lock(\"a\", [Cpu(\"1ms\")])");
            canonical_of(BASE, &[("workload.locks", locks), step])
        };
        assert_eq!(takes(a), takes(b));
        assert_ne!(takes(a), plain);
    }

    /// Fields of records, each with a value other than the one in [`BASE`].
    const FIELDS: &[(&str, &str)] = &[
        ("name", "\"other\""),
        ("question", "\"why?\""),
        ("machine.cores", "8"),
        ("machine.speeds", "[1, 1, 1, 0.5]"),
        ("machine.visible_cpus", "2"),
        ("machine.memory", "1GiB"),
        ("machine.memory_kill", "true"),
        ("machine.hz", "1000"),
        ("machine.base_slice", "3ms"),
        // A given value is not filled in by a calibrated profile, so giving the default makes a difference.
        ("machine.base_slice", "700us"),
        ("machine.context_switch", "1us"),
        ("machine.timer_slack", "1us"),
        ("machine.wake_latency", "[(\"20us\", \"7us\")]"),
        ("machine.wake_latency", "[]"),
        ("machine.wake_send", "[(\"20us\", \"7us\")]"),
        ("machine.wake_send", "[]"),
        ("machine.wake_cpu", "[(\"20us\", \"7us\")]"),
        ("machine.wake_cpu", "[]"),
        ("machine.halted_after", "30us"),
        ("machine.new_idle", "0.1"),
        ("machine.new_idle", "0.5"),
        ("machine.interference", "0.1"),
        ("machine.interference", "0"),
        ("machine.pipe_capacity", "1MiB"),
        ("machine.pipe_ns_per_byte", "0.2"),
        ("machine.pipe_ns_per_byte", "0.15"),
        ("machine.syscall", "1us"),
        ("machine.syscall", "200ns"),
        ("interpreters", "[\"cpython-3.14\"]"),
        ("interpreters", "[\"cpython-3.14t\", \"cpython-3.14\"]"),
        ("workload.arrivals", "Batch"),
        ("workload.tasks", "[(name: \"one\", steps: [Cpu(\"1ms\")])]"),
        ("workload.tasks[0].name", "\"third\""),
        ("workload.tasks[0].count", "7"),
        ("workload.tasks[0].weight", "7"),
        ("workload.tasks[1].weight", "7"),
        ("workload.tasks[0].interleave", "true"),
        ("workload.tasks[0].cost", "{\"asyncio\": 1.3}"),
        ("workload.tasks[0].cost", "{\"asyncio\": 1.4}"),
        ("workload.tasks[0].cost", "{\"threads\": 1.3}"),
        ("workload.tasks[0].steps", "[Native(\"1ms\")]"),
        ("workload.tasks[0].steps", "[Cpu(\"1ms\"), Cpu(\"1ms\")]"),
        ("workload.locks", "{\"a\": ()}"),
        ("workload.locks", "{\"a\": (shared: true), \"b\": ()}"),
        ("workload.locks", "{\"a\": (), \"b\": (shared: true)}"),
        ("workload.queues", "{\"p\": ()}"),
        ("workload.queues", "{\"p\": (capacity: 3), \"q\": ()}"),
        ("workload.queues", "{\"p\": (capacity: 4), \"q\": ()}"),
        ("workload.queues", "{\"p\": (), \"q\": (capacity: 3)}"),
        ("workload.objects", "[\"x\"]"),
        ("workload.resources", "{\"r\": Semaphore(3)}"),
        ("workload.resources", "{\"r\": Semaphore(4)}"),
        (
            "workload.resources",
            "{\"r\": Semaphore(count: 3, per: Loop)}",
        ),
        (
            "workload.resources",
            "{\"r\": Semaphore(count: 3, per: Everywhere)}",
        ),
        (
            "workload.resources",
            "{\"r\": Semaphore(count: 3, wait: \"1s\")}",
        ),
        (
            "workload.resources",
            "{\"r\": Semaphore(count: 3, wait: \"2s\")}",
        ),
        (
            "workload.resources",
            "{\"r\": Semaphore(count: 3, full: Reject)}",
        ),
        ("workload.resources", "{\"r\": Connections(3)}"),
        ("workload.resources", "{\"r\": Connections(4)}"),
        (
            "workload.resources",
            "{\"r\": Connections(size: 3, overflow: 1)}",
        ),
        (
            "workload.resources",
            "{\"r\": Connections(size: 3, connect: \"1ms\")}",
        ),
        (
            "workload.resources",
            "{\"r\": Connections(size: 3, lifetime: \"1h\")}",
        ),
        (
            "workload.resources",
            "{\"r\": Connections(size: 3, connect: \"1ms\", to: \"d\")}",
        ),
        (
            "workload.resources",
            "{\"r\": Connections(size: 3, connect: \"1ms\", to: \"e\")}",
        ),
        ("workload.resources", "{\"r\": RateLimit(\"1/s\")}"),
        ("workload.resources", "{\"r\": RateLimit(\"2/s\")}"),
        (
            "workload.resources",
            "{\"r\": RateLimit(rate: \"1/s\", burst: 2)}",
        ),
        (
            "workload.resources",
            "{\"r\": RateLimit(rate: \"1/s\", window: \"2s\")}",
        ),
        ("workload.resources", "{\"r\": Breaker}"),
        ("workload.resources", "{\"r\": Breaker(4)}"),
        ("workload.resources", "{\"r\": Breaker(reset: \"5s\")}"),
        ("workload.resources", "{\"r\": Breaker(half_open: 2)}"),
        ("workload.devices", "{\"d\": Station(3)}"),
        (
            "workload.devices",
            "{\"d\": Station(servers: 3, per: Node)}",
        ),
        ("workload.devices", "{\"d\": Station(4)}"),
        ("workload.devices", "{\"d\": (rate: \"2MB/s\")}"),
        ("workload.devices", "{\"d\": (rate: \"3MB/s\")}"),
        (
            "workload.devices",
            "{\"d\": (rate: \"3MB/s\", per_stream: \"2MB/s\")}",
        ),
        (
            "workload.devices",
            "{\"d\": (rate: \"3MB/s\", penalty: \"5%\")}",
        ),
        ("workload.objects", "{\"x\": (kind: Immortal), \"y\": ()}"),
        ("workload.objects", "{\"x\": (kind: PerThread), \"y\": ()}"),
        ("workload.objects", "{\"x\": (), \"y\": (kind: Immortal)}"),
        (
            "workload.faults",
            "[Down(device: \"d\", at: \"1s\", lasts: \"1s\")]",
        ),
        (
            "workload.faults",
            "[Down(device: \"e\", at: \"1s\", lasts: \"1s\")]",
        ),
        (
            "workload.faults",
            "[Down(device: \"d\", at: \"2s\", lasts: \"1s\")]",
        ),
        (
            "workload.faults",
            "[Down(device: \"d\", at: \"1s\", lasts: \"2s\")]",
        ),
        (
            "workload.faults",
            "[Down(device: \"d\", every: \"1s\", lasts: \"1s\")]",
        ),
        (
            "workload.faults",
            "[Slow(device: \"d\", factor: 2, at: \"1s\", lasts: \"1s\")]",
        ),
        (
            "workload.faults",
            "[Slow(device: \"d\", factor: 3, at: \"1s\", lasts: \"1s\")]",
        ),
        ("workload.faults", "[Crash(at: \"1s\")]"),
        ("workload.faults", "[Crash(at: \"1s\", worker: 0)]"),
        ("workload.faults", "[Crash(at: \"1s\", worker: 1)]"),
        ("workload.faults", "[MachineLost(at: \"1s\")]"),
        (
            "workload.faults",
            "[MachineLost(at: \"1s\", lasts: \"1s\")]",
        ),
        (
            "workload.faults",
            "[MachineLost(at: \"1s\", lasts: \"1s\", machine: 0)]",
        ),
        ("workload.faults", "[Pause(at: \"1s\", lasts: \"1s\")]"),
        ("workload.faults", "[Pause(at: \"1s\", lasts: \"2s\")]"),
        (
            "workload.faults",
            "[Pause(at: \"1s\", lasts: \"2s\", worker: 1)]",
        ),
        ("workload.faults", "[Interrupt(at: \"1s\")]"),
        ("workload.faults", "[Interrupt(at: \"1s\", worker: 1)]"),
        ("workload.faults", "[Terminate(at: \"1s\")]"),
        ("workload.faults", "[Restart(at: \"1s\")]"),
        ("workload.faults", "[Restart(at: \"1s\", grace: \"1s\")]"),
        (
            "workload.faults",
            "[Restart(at: \"1s\", max_unavailable: 2)]",
        ),
        ("workload.faults", "[Restart(at: \"1s\", max_surge: 1)]"),
        ("workload.faults", "[Restart(at: \"1s\", boot: \"1s\")]"),
        ("workload.faults", "[Terminate(at: \"1s\", worker: 1)]"),
        ("workload.faults", "[Terminate(at: \"1s\", grace: \"1s\")]"),
        ("workload.faults", "[Terminate(at: \"1s\", grace: \"2s\")]"),
        (
            "workload.queues",
            "{\"p\": (capacity: 3, full: Reject), \"q\": ()}",
        ),
        (
            "workload.queues",
            "{\"p\": (capacity: 3, full: DropOldest), \"q\": ()}",
        ),
        ("workload.admission", "(limit: 3)"),
        ("workload.admission", "(limit: 4)"),
        ("workload.admission", "(limit: 4, full: Wait)"),
        ("workload.admission", "(limit: 4, full: DropOldest)"),
        ("workload.admission", "(limit: 4, per: Everywhere)"),
        ("workload.admission", "(limit: 4, shed: CoDel)"),
        (
            "workload.admission",
            "(limit: 4, shed: CoDel(target: \"6ms\"))",
        ),
        ("workload.admission", "(shed: CoDel(interval: \"1s\"))"),
        ("workload.client", "(timeout: \"1s\")"),
        ("workload.client", "(timeout: \"2s\")"),
        ("workload.client", "(timeout: \"2s\", propagate: true)"),
        ("workload.client", "(timeout: \"2s\", retries: 1)"),
        ("workload.client", "(timeout: \"2s\", retries: 2)"),
        (
            "workload.client",
            "(timeout: \"2s\", retries: 2, backoff: \"1s\")",
        ),
        (
            "workload.client",
            "(timeout: \"2s\", retries: 2, budget: \"20%\")",
        ),
        ("workload.imports", "(time: \"1ms\")"),
        ("workload.imports", "(memory: \"1MB\")"),
        ("workload.imports", "(objects: 5)"),
        ("workload.imports", "(memory: \"1MB\", objects: 0)"),
        ("workload.imports", "(frozen: true)"),
        ("workload.imports", "(preloaded: false)"),
        ("workload.tasks[0].touches", "\"40%\""),
        ("workload.dispatch", "1us"),
        ("workload.data", "1MB"),
        ("workload.cpu_grain", "1us"),
        ("workload.native_grain", "1us"),
        ("workload.measured_on", "cpython-3.11"),
        ("strategies", "[\"threads:8\"]"),
        ("strategies", "[\"threads:8\", \"asyncio\"]"),
        ("strategies", "[\"asyncio\", \"threads:8\"]"),
        ("strategies", "[\"threads:8@cpython-3.14\"]"),
        ("replications", "5"),
        ("warmup", "1s"),
        ("horizon", "1s"),
        ("windows", "1s"),
        ("windows", "2s"),
        ("objectives", "[\"p95 < 1s\"]"),
        ("objectives", "[\"p95 < 1000ms\"]"),
        ("objectives", "[\"p95 > 1s\"]"),
        ("objectives", "[\"p95.5 < 1s\"]"),
        ("objectives", "[\"p95 < 1.1s\"]"),
        ("objectives", "[\"mean < 1s\"]"),
        ("objectives", "[\"makespan < 1s\"]"),
        ("objectives", "[\"cpu < 1s\"]"),
        ("objectives", "[\"memory < 1MB\"]"),
        ("objectives", "[\"throughput > 1/s\"]"),
        ("objectives", "[\"failures < 1%\"]"),
        ("rank_by", "\"p95\""),
        ("rank_by", "\"cpu\""),
        ("seed", "2"),
    ];

    /// For each variant a text, and one more text for each of its parameters, in which only that parameter differs.
    const VARIANTS: &[(&str, &[&str])] = &[
        (
            "workload.arrivals",
            &[
                "Batch",
                "Poisson(rate: \"20/s\", count: 100)",
                "Poisson(rate: \"30/s\", count: 100)",
                "Poisson(rate: \"20/s\", count: 101)",
                "Renewal(interval: \"2ms\", count: 100)",
                "Renewal(interval: \"3ms\", count: 100)",
                "Renewal(interval: \"2ms\", count: 101)",
                "Closed(users: 2, think: \"1s\", count: 100)",
                "Closed(users: 3, think: \"1s\", count: 100)",
                "Closed(users: 2, think: \"2s\", count: 100)",
                "Closed(users: 2, think: \"1s\", count: 101)",
                "Phases(phases: [Steady(\"20/s\", \"1m\")])",
                "Phases(phases: [Steady(\"30/s\", \"1m\")])",
                "Phases(phases: [Steady(\"20/s\", \"2m\")])",
                "Phases(phases: [Steady(\"20/s\", \"1m\")], repeat: 2)",
                "Phases(phases: [Steady(\"20/s\", \"1m\")], count: 9)",
                "Phases(phases: [Ramp(\"20/s\", \"30/s\", \"1m\")])",
                "Phases(phases: [Ramp(\"0/s\", \"30/s\", \"1m\")])",
                "Diurnal(mean: \"20/s\", swing: \"50%\", count: 9)",
                "Diurnal(mean: \"30/s\", swing: \"50%\", count: 9)",
                "Diurnal(mean: \"20/s\", swing: \"50%\", count: 8)",
                "Diurnal(mean: \"20/s\", swing: \"60%\", count: 9)",
                "Diurnal(mean: \"20/s\", swing: \"50%\", period: \"1h\", count: 9)",
                "Diurnal(mean: \"20/s\", swing: \"50%\", peak: \"1h\", count: 9)",
                "Diurnal(mean: \"20/s\", swing: \"50%\", count: 10)",
                "Bursty(states: [Steady(\"2/s\", \"9s\"), Steady(\"9/s\", \"1s\")], count: 10)",
                "Sessions(rate: \"2/s\", requests: 3, count: 10)",
                "Bursty(states: [Steady(\"2/s\", \"9s\"), Steady(\"9/s\", \"1s\")], count: 9)",
                "Bursty(states: [Steady(\"3/s\", \"9s\"), Steady(\"9/s\", \"1s\")], count: 9)",
                "Bursty(states: [Steady(\"2/s\", \"8s\"), Steady(\"9/s\", \"1s\")], count: 9)",
                "Sessions(rate: \"2/s\", requests: 3, count: 9)",
                "Sessions(rate: \"3/s\", requests: 3, count: 9)",
                "Sessions(rate: \"2/s\", requests: 3, count: 8)",
                "Sessions(rate: \"2/s\", requests: 4, count: 9)",
                "Sessions(rate: \"2/s\", requests: 3, think: \"1s\", count: 9)",
                "Rounds(count: 2)",
                "Rounds(count: 3)",
                "Rounds(count: 2, serial: [Cpu(\"1ms\")])",
                "Rounds(count: 2, serial: [Cpu(\"2ms\")])",
            ],
        ),
        (
            "workload.tasks[0].steps[0]",
            &[
                "Cpu(time: \"2ms\", releases: 2, released: \"1us\")",
                "Cpu(time: \"3ms\", releases: 2, released: \"1us\")",
                "Cpu(time: \"2ms\", releases: 3, released: \"1us\")",
                "Cpu(time: \"2ms\", releases: 2, released: \"2us\")",
                "Cpu(time: \"2ms\", native: \"30%\")",
                "Cpu(time: \"2ms\", native: \"40%\")",
                "Cpu(time: \"2ms\", releases: 5, native: \"40%\")",
                "Native(\"2ms\")",
                "Native(\"3ms\")",
                "Native(time: \"3ms\", threads: 2)",
                "Native(time: \"3ms\", threads: 3)",
                "Io(\"2ms\")",
                "Io(\"3ms\")",
                "Block(\"1ms\")",
                "Block(\"2ms\")",
                "Transfer(device: \"d\", time: \"1ms\")",
                "Transfer(device: \"d\", time: \"2ms\")",
                "Transfer(device: \"e\", time: \"1ms\")",
                "Transfer(device: \"e\", size: \"1MB\")",
                "Use(\"r\", [Io(\"1ms\")])",
                "Use(\"s\", [Io(\"1ms\")])",
                "Use(\"r\", [Cpu(\"1ms\")])",
                "Lock(\"a\", [Io(\"1ms\")])",
                "Lock(\"b\", [Io(\"1ms\")])",
                "Lock(\"a\", [Cpu(\"1ms\")])",
                "Shared(object: \"x\", count: 2, write: true)",
                "Shared(object: \"y\", count: 2, write: true)",
                "Shared(object: \"x\", count: 3, write: true)",
                "Shared(object: \"x\", count: 2, write: false)",
                "Put(\"p\")",
                "Put(\"q\")",
                "FanOut(2, [Io(\"1ms\")])",
                "FanOut(3, [Io(\"1ms\")])",
                "FanOut(count: 3, need: 1, steps: [Io(\"1ms\")])",
                "FanOut(count: 3, need: 3, steps: [Io(\"1ms\")])",
                "FanOut(2, [Cpu(\"1ms\")])",
                "PayloadIn(\"1kB\")",
                "PayloadIn(\"2kB\")",
                "PayloadOut(\"1kB\")",
                "PayloadOut(\"2kB\")",
                "ObjectsIn(2)",
                "ObjectsIn(3)",
                "ObjectsOut(2)",
                "ObjectsOut(3)",
                "Allocate(2)",
                "Allocate(3)",
                "Leak(\"1kB\")",
                "Leak(\"2kB\")",
                "Hold(\"1kB\", [Io(\"1ms\")])",
                "Hold(\"2kB\", [Io(\"1ms\")])",
                "Hold(size: \"2kB\", churn: 0.5, steps: [Io(\"1ms\")])",
                "Hold(Exponential(\"2kB\"), [Io(\"1ms\")])",
                "Hold(Exponential(\"3kB\"), [Io(\"1ms\")])",
                "Hold(\"1kB\", [Cpu(\"1ms\")])",
                "Timeout(\"1s\", [Io(\"1ms\")])",
                "Timeout(\"2s\", [Io(\"1ms\")])",
                "Timeout(\"1s\", [Cpu(\"1ms\")])",
                "Timeout(Exponential(\"1s\"), [Io(\"1ms\")])",
                "Fail(0.1)",
                "Fail(0.2)",
                "Retry(2, \"1ms\", [Io(\"1ms\")])",
                "Retry(3, \"1ms\", [Io(\"1ms\")])",
                "Retry(2, \"2ms\", [Io(\"1ms\")])",
                "Retry(2, \"1ms\", [Cpu(\"1ms\")])",
                "Retry(2, Exponential(\"1ms\"), [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", factor: 3, steps: [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", cap: \"3ms\", steps: [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", cap: \"4ms\", steps: [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", jitter: Full, steps: [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", jitter: Equal, steps: [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", jitter: Decorrelated, steps: [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", retry_after: true, steps: [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", budget: \"20%\", steps: [Io(\"1ms\")])",
                "Retry(attempts: 2, backoff: \"1ms\", budget: \"10%\", steps: [Io(\"1ms\")])",
                "Repeat(2, [Io(\"1ms\")])",
                "Repeat(3, [Io(\"1ms\")])",
                "Repeat(2, [Cpu(\"1ms\")])",
                "Offload([Io(\"1ms\")])",
                "Offload([Cpu(\"1ms\")])",
                "Offload([Io(\"1ms\")], \"p\")",
                "Offload([Io(\"1ms\")], \"q\")",
                "Inline([Io(\"1ms\")])",
                "Inline([Cpu(\"1ms\")])",
            ],
        ),
        (
            "workload.tasks[0].steps",
            &[
                "[Acquire(\"a\"), Release(\"a\")]",
                "[Acquire(\"b\"), Release(\"b\")]",
                "[Acquire(\"a\"), Cpu(\"1ms\"), Release(\"a\")]",
                "[Acquire(\"a\"), Release(\"a\"), Cpu(\"1ms\")]",
                "[Put(\"p\"), Get(\"p\")]",
                "[Put(\"q\"), Get(\"q\")]",
            ],
        ),
        (
            "workload.tasks[1].steps[0].time",
            &[
                "Constant(\"2ms\")",
                "Constant(\"3ms\")",
                "Uniform(\"2ms\", \"9ms\")",
                "Uniform(\"3ms\", \"9ms\")",
                "Uniform(\"2ms\", \"8ms\")",
                "Exponential(\"2ms\")",
                "Exponential(\"3ms\")",
                "Normal(\"2ms\", \"1ms\")",
                "Normal(\"3ms\", \"1ms\")",
                "Normal(\"2ms\", \"2ms\")",
                "LogNormal(\"2ms\", \"9ms\")",
                "LogNormal(\"3ms\", \"9ms\")",
                "LogNormal(\"2ms\", \"8ms\")",
                "Gamma(\"2ms\", 0.5)",
                "Gamma(\"3ms\", 0.5)",
                "Gamma(\"2ms\", 0.6)",
                "Weibull(\"2ms\", 0.5)",
                "Weibull(\"3ms\", 0.5)",
                "Weibull(\"2ms\", 0.6)",
                "Pareto(\"2ms\", 1.5)",
                "Pareto(\"3ms\", 1.5)",
                "Pareto(\"2ms\", 1.6)",
                "Empirical([\"1ms\", \"2ms\"])",
                "Empirical([\"1ms\", \"3ms\"])",
            ],
        ),
        (
            "strategies",
            &[
                "[Sequential]",
                "[Threads(workers: 2)]",
                "[Threads(workers: 3)]",
                "[\"threads\"]",
                "[\"threads:per-task\"]",
                "[Processes(workers: 2, start: Fork, api: Executor)]",
                "[Processes(workers: 3, start: Fork, api: Executor)]",
                "[Processes(workers: 2, start: Spawn, api: Executor)]",
                "[Processes(workers: 2, start: Forkserver, api: Executor)]",
                "[Processes(workers: 2, start: Fork, api: Executor(chunksize: 2))]",
                "[Processes(workers: 2, start: Fork, api: Executor(chunksize: 3))]",
                "[Processes(workers: 2, start: Fork, api: Pool(chunksize: 2))]",
                "[Processes(workers: 2, start: Fork, api: Pool(chunksize: 3))]",
                "[Processes(workers: 2, start: Spawn, max_tasks_per_child: 5)]",
                "[Processes(workers: 2, start: Spawn, max_tasks_per_child: 6)]",
                "[Processes(workers: 2, start: Forkserver, preload: [\"app\"])]",
                "[Processes(workers: 2, start: Forkserver, preload: [\"app\", \"app.models\"])]",
                "[Processes(workers: 2, start: Fork, api: Pool(chunksize: 2), max_tasks_per_child: 5)]",
                "[Interpreters(workers: 2)]",
                "[Interpreters(workers: 3)]",
                "[Asyncio(limit: 2, offload: None)]",
                "[Asyncio(limit: 3, offload: None)]",
                "[Asyncio(limit: 2, offload: Threads(workers: 2))]",
                "[Asyncio(limit: 2, offload: Threads(workers: 3))]",
                "[Asyncio(limit: 2, offload: Interpreters(workers: 2))]",
                "[Asyncio(limit: 2, offload: Interpreters(workers: 3))]",
                "[Asyncio(limit: 2, offload: Processes(workers: 2, start: Fork))]",
                "[Asyncio(limit: 2, offload: Processes(workers: 3, start: Fork))]",
                "[Asyncio(limit: 2, offload: Processes(workers: 2, start: Spawn))]",
                "[Asyncio(limit: 2, pools: {\"p\": Threads(workers: 2)})]",
                "[Asyncio(limit: 2, pools: {\"q\": Threads(workers: 2)})]",
                "[Asyncio(limit: 2, pools: {\"p\": Threads(workers: 3)})]",
                "[Asyncio(limit: 2, pools: {\"p\": None})]",
                "[Nodes(count: 2, each: Sequential)]",
                "[Nodes(count: 3, each: Sequential)]",
                "[Nodes(count: 2, each: Asyncio)]",
                "[Nodes(count: 2, each: Sequential, balancer: Random)]",
                "[Nodes(count: 2, each: Sequential, balancer: TwoChoices)]",
                "[Nodes(count: 2, each: Sequential, balancer: LeastOutstanding)]",
                "[Nodes(count: 2, each: Sequential, balancer: Sticky)]",
                "[Nodes(count: 2, each: Sequential, balancer: Broker(prefetch: 2))]",
                "[Nodes(count: 2, each: Sequential, balancer: Broker(prefetch: 3))]",
                "[Nodes(count: 2, each: Sequential, network: (latency: \"1ms\"))]",
                "[Nodes(count: 2, each: Sequential, network: (rate: \"1MB/s\"))]",
                "[Nodes(count: 2, each: Sequential, machine: (cores: 3))]",
                "[Nodes(count: 2, each: Sequential, machine: (memory: \"1GB\"))]",
                "[Nodes(count: 2, each: Sequential, health: (every: \"3s\"))]",
                "[Nodes(count: 2, each: Sequential, health: (timeout: \"500ms\"))]",
                "[Nodes(count: 2, each: Sequential, health: (fails: 1))]",
                "[Nodes(count: 2, each: Sequential, health: (passes: 1))]",
                "[Nodes(count: 2, each: Sequential, autoscale: (max: 4))]",
                "[Nodes(count: 2, each: Sequential, autoscale: (max: 5))]",
                "[Nodes(count: 2, each: Sequential, autoscale: (max: 4, min: 1))]",
                "[Nodes(count: 2, each: Sequential, autoscale: (max: 4, target: \"60%\"))]",
                "[Nodes(count: 2, each: Sequential, autoscale: (max: 4, every: \"5s\"))]",
                "[Nodes(count: 2, each: Sequential, autoscale: (max: 4, cool_down: \"5s\"))]",
                "[Nodes(count: 2, each: Sequential, autoscale: (max: 4, start: \"5s\"))]",
                "[Prefork(processes: 2, each: Sequential)]",
                "[Prefork(processes: 3, each: Sequential)]",
                "[Prefork(processes: 2, each: Threads(workers: 2))]",
                "[Prefork(processes: 2, each: Sequential, start: Spawn)]",
                "[Prefork(processes: 2, each: Sequential, preload: false)]",
                "[Prefork(processes: 2, each: Sequential, freeze: true)]",
                "[Prefork(processes: 2, each: Sequential, max_requests: 5)]",
                "[Prefork(processes: 2, each: Sequential, max_requests: 6)]",
                "[Prefork(processes: 2, each: Sequential, max_requests: 5, jitter: 2)]",
                "[Prefork(processes: 2, each: Sequential, start: Spawn, max_requests: 5)]",
                "[Prefork(processes: 2, each: Sequential, backlog: 5)]",
                "[Prefork(processes: 2, each: Sequential, backlog: 6)]",
                "[Prefork(processes: 2, each: Sequential, timeout: \"5s\")]",
                "[Prefork(processes: 2, each: Sequential, timeout: \"5.5s\")]",
                "[Prefork(processes: 2, each: Sequential, timeout: \"5s\", graceful_timeout: \"5s\")]",
                "[Uvicorn(workers: 2)]",
                "[Uvicorn(workers: 2, backlog: 5)]",
                "[Uvicorn(workers: 3)]",
                "[Uvicorn(workers: 2, endpoints: Def)]",
                "[Uvicorn(workers: 2, max_requests: 5)]",
                "[Uvicorn(workers: 2, max_requests: 5, jitter: 2)]",
                "[Uvicorn(workers: 2, keep_alive: true)]",
                "[Hypercorn(workers: 2)]",
                "[Hypercorn(workers: 3)]",
                "[Hypercorn(workers: 2, backlog: 5)]",
                "[Hypercorn(workers: 2, endpoints: Def)]",
                "[Hypercorn(workers: 2, max_requests: 5)]",
                "[Hypercorn(workers: 2, max_requests: 5, jitter: 2)]",
                "[Gunicorn(workers: 2)]",
                "[Gunicorn(workers: 3)]",
                "[Gunicorn(workers: 2, backlog: 5)]",
                "[Gunicorn(workers: 2, timeout: \"0s\")]",
                "[Gunicorn(workers: 2, timeout: \"60s\")]",
                "[Gunicorn(workers: 2, graceful_timeout: \"60s\")]",
                "[Gunicorn(workers: 2, worker_class: Gthread(threads: 2))]",
                "[Gunicorn(workers: 2, worker_class: Gthread(threads: 3))]",
                "[Gunicorn(workers: 2, worker_class: Uvicorn)]",
                "[Gunicorn(workers: 2, worker_class: Uvicorn(endpoints: Def))]",
                "[Gunicorn(workers: 2, preload: true)]",
                "[Gunicorn(workers: 2, max_requests: 5)]",
                "[Gunicorn(workers: 2, max_requests: 5, jitter: 2)]",
                "[Celery(concurrency: 2)]",
                "[Celery(concurrency: 3)]",
                "[Celery(concurrency: 2, pool: Threads)]",
                "[Celery(concurrency: 2, max_tasks_per_child: 5)]",
            ],
        ),
    ];

    #[test]
    fn every_field_moves_the_text() {
        let plain = canonical_of(BASE, &[]);
        let mut seen = BTreeMap::from([(plain, "nothing".to_owned())]);
        let variants = VARIANTS
            .iter()
            .flat_map(|(path, values)| values.iter().map(move |value| (*path, *value)));
        for (path, value) in FIELDS.iter().copied().chain(variants) {
            let said = format!("{path}={value}");
            if let Some(same) = seen.insert(canonical(path, value), said.clone()) {
                // The same change stands in both tables.
                assert_eq!(same, said);
            }
        }
    }

    /// A trace is identified by what the file holds, not by the file's name.
    #[test]
    fn traces_stand_by_their_content() {
        let dir = tempfile::tempdir().unwrap();
        let texts = [
            "at_s,class\n0.1,one\n0.2,two\n",
            "at_s,class\n0.1,one\n0.3,two\n",
            "at_s,class\n0.1,one\n0.2,one\n",
            "at_s,class\n0.1,one\n",
        ];
        let of = |name: &str, text: &str| {
            std::fs::write(dir.path().join(name), text).unwrap();
            let arrivals = format!("Trace(file: \"{name}\")");
            let origin = dir.path().join("it.ron");
            canonical_at(&origin, BASE, &[("workload.arrivals", &arrivals)])
        };
        let all: BTreeSet<String> = texts.iter().map(|text| of("a.csv", text)).collect();
        assert_eq!(all.len(), texts.len());
        assert_eq!(of("b.csv", texts[0]), of("a.csv", texts[0]));
        let demands = |ms: u32| of("a.json", &format!("[[0.1, [[\"cpu\", {ms}]]]]"));
        assert_ne!(demands(2), demands(3));
    }

    /// Everything that a scenario can say is in the tables above, so that a new field is not forgotten.
    #[test]
    fn the_tables_have_every_field() {
        let keys: BTreeSet<&str> = FIELDS
            .iter()
            .filter_map(|(path, _)| path.rsplit('.').next())
            .collect();
        for field in [SCENARIO, MACHINE, WORKLOAD, TASK].concat() {
            // The version of the format has only one value; `machine` and `workload` consist of fields that are tested one by one.
            let apart = ["schema", "machine", "workload"].contains(&field);
            assert!(apart || keys.contains(field), "{field}");
        }
        let written: Vec<&str> = VARIANTS
            .iter()
            .flat_map(|(_, v)| v.iter().copied())
            .collect();
        for variant in [ARRIVALS, STEPS, DISTRIBUTIONS, STRATEGIES, OFFLOADS].concat() {
            let all = (written.iter())
                .filter(|text| {
                    text.split(|c: char| !c.is_alphanumeric())
                        .any(|w| w == variant)
                })
                .count();
            // The only parameter of `Trace` is a file, which has a test of its own.
            let apart = variant == "Trace";
            assert!(apart || all > params(variant).len(), "{variant}: {all}");
        }
    }
}
