//! What a plan bears: the greatest load under which it holds, where latency begins to rise, what breaks first, and what happens past it.

use super::load::{LoadUnit, cycle};
use super::look::{Closeness, Lack, Looker, Seen, Sight};
use super::pools::with_pools;
use super::result::{Bottleneck, Knee, LoadCurve, LoadPoint, MaximumLoad, Past};
use super::words::{lack_text, latency_text, load_text, share_text, short};
use crate::insight::knee::{Bend, knee};
use crate::quantity::{Quantity, metric_title};
use crate::result::Status;
use crate::scenario::{Metric, ResourceKind, Scope, Step, WaitsFor};
use crate::strategy::{CAUSES, Cause};
use crate::study::StudyError;

/// How closely the maximum load is found, as a share of it.
const CLOSE: f64 = 0.02;
/// Share of a maximum load that is tried next where it turns out not to be held for ever.
const LOWER: f64 = 0.96;
/// Most that the maximum load is looked for, as a multiple of the load with headroom.
const FAR: f64 = 64.0;
/// Loads of a curve, as multiples of the greatest that is held.
const CURVE: [f64; 9] = [0.1, 0.25, 0.4, 0.55, 0.7, 0.8, 0.9, 1.0, 1.1];
/// Load at which is looked what happens past the maximum, as a multiple of the least that breaks an objective.
const PAST: f64 = 1.2;
/// Share of the load below which what is completed leaves queues that grow.
const BEHIND: f64 = 0.9;
/// Busy share from which cores, or GILs, or loops are what there is none left of.
const BUSY: f64 = 0.9;

impl Looker<'_> {
    fn unit(&self) -> LoadUnit {
        LoadUnit::of(self.scenario)
    }

    fn possible(&self, load: f64) -> f64 {
        self.unit().possible(load)
    }

    /// The greatest load that a candidate on so many machines bears; it bears `known`.
    pub(super) fn maximum(
        &mut self,
        which: (usize, u32),
        known: f64,
    ) -> Result<MaximumLoad, StudyError> {
        let (mut held, mut broken) = (known, None);
        let mut by = None;
        let mut next = self.possible(known * 1.25);
        loop {
            let seen = self.one(Sight::new(which, next), Closeness::Look)?;
            if seen.holds() {
                held = next;
            } else {
                broken = Some(next);
                by = Some(lack_text(&seen, self.objectives));
            }
            let far = held > known * FAR;
            next = match broken {
                None if far => break,
                None => self.possible(held * 1.5),
                Some(b) if b <= held * (1.0 + CLOSE) => break,
                Some(b) => self.possible(libm::sqrt(held * b)),
            };
            if next <= held || broken.is_some_and(|b| next >= b) {
                break;
            }
        }
        // What is stated has to hold for ever, not only for a look.
        while held > known {
            let seen = self.settled(Sight::new(which, held), Closeness::Stare)?;
            if seen.holds() {
                break;
            }
            (broken, by) = (Some(held), Some(lack_text(&seen, self.objectives)));
            let lower = self.possible(held * LOWER);
            held = if lower < held {
                lower.max(known)
            } else {
                known
            };
        }
        Ok(MaximumLoad { held, broken, by })
    }

    /// Load against latency round its maximum.
    pub(super) fn curve(
        &mut self,
        which: (usize, u32),
        name: String,
        maximum: f64,
    ) -> Result<LoadCurve, StudyError> {
        let mut loads: Vec<f64> = CURVE.iter().map(|x| self.possible(maximum * x)).collect();
        loads.dedup();
        let sights: Vec<Sight> = loads.iter().map(|&load| Sight::new(which, load)).collect();
        let seen = self.at(&sights, Closeness::Look)?;
        let points = loads
            .iter()
            .zip(&seen)
            .map(|(&load, s)| Self::point(load, s));
        let machine = &self.machines[self.candidates[which.0].machine];
        Ok(LoadCurve {
            name,
            per_month: machine.price_per_month * f64::from(which.1),
            points: points.collect(),
        })
    }

    fn point(load: f64, seen: &Seen) -> LoadPoint {
        LoadPoint {
            load,
            latency_s: seen.latency(),
            throughput_per_s: seen.mean(Quantity::Throughput),
            failure_share: seen.mean(Quantity::FailureRate),
            utilization_share: seen.mean(Quantity::Utilization),
            holds: seen.holds(),
        }
    }

    /// Where latency begins to rise fast. Of users who wait for their answers: where the asymptotes of the closed network cross, the one of
    /// little load and that of its bottleneck (E. Lazowska, J. Zahorjan, G. Graham, K. Sevcik, "Quantitative System Performance", 1984,
    /// section 5.2). Else where the curve of latency over load bends most (Kneedle).
    pub(super) fn knee(
        &mut self,
        which: (usize, u32),
        curve: &LoadCurve,
        maximum: f64,
    ) -> Result<Option<Knee>, StudyError> {
        if self.unit() == LoadUnit::Users {
            let alone = self.one(Sight::new(which, 1.0), Closeness::Look)?;
            let think = cycle(self.scenario) - super::load::mean_length(&self.scenario.workload);
            let answer = alone.mean(Quantity::LatencyMean);
            // Far beyond, the bottleneck is all that counts.
            let mut most = 0.0_f64;
            let mut users = self.possible(maximum * 2.0);
            for _ in 0..4 {
                let full = self.one(Sight::new(which, users), Closeness::Look)?;
                let done = full.mean(Quantity::Throughput).unwrap_or(0.0);
                let level = done <= most * 1.01;
                most = most.max(done);
                if level {
                    break;
                }
                users = self.possible(users * 2.0);
            }
            return Ok(answer.map(|answer| Knee {
                load: most * (answer + think),
                by: "asymptotes".into(),
            }));
        }
        let with = curve.points.iter();
        let known: Vec<(f64, f64)> = with
            .filter_map(|p| Some((p.load, p.latency_s?.mean)))
            .collect();
        let (x, y): (Vec<f64>, Vec<f64>) = known.into_iter().unzip();
        let found = knee(&x, &y).filter(|(_, bend)| *bend == Bend::TakesOff);
        Ok(found.map(|(i, _)| Knee {
            load: x[i],
            by: "kneedle".into(),
        }))
    }

    /// What breaks first, by what is looked at a little past the load that breaks an objective.
    pub(super) fn bottleneck(
        &mut self,
        which: (usize, u32),
        maximum: &MaximumLoad,
    ) -> Result<Option<Bottleneck>, StudyError> {
        let Some(broken) = maximum.broken else {
            return Ok(None);
        };
        let load = self.possible(broken * PAST);
        let light = self.possible(maximum.held * 0.1);
        let past = self.one(Sight::new(which, load), Closeness::Look)?;
        let at = self.one(Sight::new(which, broken), Closeness::Look)?;
        let before = self.one(Sight::new(which, light), Closeness::Glance)?;
        let held = self.one(Sight::new(which, maximum.held), Closeness::Glance)?;
        let (kind, text) = self.scarce(which, &before, &at, &past);
        Ok(Some(Bottleneck {
            kind: kind.into(),
            text,
            at_load: load,
            past: self.past(load, maximum.held, &held, &past),
        }))
    }

    /// What there is not enough of: its kind, and why in words.
    fn scarce(
        &self,
        (candidate, machines): (usize, u32),
        before: &Seen,
        at: &Seen,
        past: &Seen,
    ) -> (&'static str, String) {
        let memory = |seen: &Seen| match &seen.lack {
            Some(Lack::Status(Status::OutOfMemory)) => true,
            Some(Lack::Misses { objective, .. }) => {
                self.objectives[*objective].metric == Metric::Memory
            }
            Some(Lack::Status(_) | Lack::Refused(_) | Lack::Grows(_)) | None => false,
        };
        if memory(at) {
            return (
                "memory",
                format!("memory: {}", lack_text(at, self.objectives)),
            );
        }
        let candidate = &self.candidates[candidate];
        let share = |q| past.mean(q).unwrap_or(0.0);
        let busy = share(Quantity::Utilization);
        if busy >= BUSY {
            let text = format!("the cores are {} busy", share_text(busy));
            return ("cores", text);
        }
        let profile = &self.profiles[candidate.profile];
        let gils = f64::from(candidate.processes) * f64::from(machines);
        let held = share(Quantity::GilHeld) / gils;
        if profile.gil && held >= BUSY {
            let text = if candidate.each.execution().event_loop {
                format!(
                    "each event loop is {} busy, under its GIL",
                    share_text(held)
                )
            } else {
                format!("each GIL is held {} of the time", share_text(held))
            };
            let kind = if candidate.each.execution().event_loop {
                "event loop"
            } else {
                "GIL"
            };
            return (kind, text);
        }
        // Where tasks wait longer than under little load.
        let seconds = |seen: &Seen, cause: usize| {
            let mean = seen.mean(Quantity::LatencyMean).unwrap_or(0.0);
            seen.forecast.causes[cause] * if mean > 0.0 { mean } else { 1.0 }
        };
        // A saturated run has no latency, but shares of it.
        let with = if at.mean(Quantity::LatencyMean).is_some() {
            at
        } else {
            past
        };
        let growth = |cause: usize| {
            if with.mean(Quantity::LatencyMean).is_some() {
                seconds(with, cause) - seconds(before, cause)
            } else {
                with.forecast.causes[cause] - before.forecast.causes[cause]
            }
        };
        let most = (0..CAUSES)
            .filter(|&c| c != Cause::Running as usize)
            .max_by(|&a, &b| growth(a).total_cmp(&growth(b)));
        let Some(cause) = most.filter(|&c| growth(c) > 0.0) else {
            return (
                "none",
                format!("nothing in particular: {}", lack_text(at, self.objectives)),
            );
        };
        let part = share_text(with.forecast.causes[cause]);
        let is = |c: Cause| c as usize == cause;
        if is(Cause::Pool) {
            let slots = candidate.slots.map(|n| n * u64::from(machines));
            let all = slots.map_or("the workers".into(), |n| format!("all {n} workers"));
            (
                "workers",
                format!(
                    "{all} have a task, though the cores are {} busy: tasks wait for one {part} of their time",
                    share_text(busy)
                ),
            )
        } else if is(Cause::Core) {
            (
                "cores",
                format!("tasks wait for a core {part} of their time"),
            )
        } else if is(Cause::Gil) {
            (
                "GIL",
                format!("tasks wait for the GIL {part} of their time"),
            )
        } else if is(Cause::Loop) {
            (
                "event loop",
                format!("tasks wait for their event loop {part} of their time"),
            )
        } else if is(Cause::Resource) {
            // What most was waited for, where that stands out.
            let found = with.forecast.findings.iter().map(|f| &f.finding);
            let lost = found.filter_map(|f| f.scarce().or(f.slowed()));
            let most = lost.max_by(|a, b| a.2.total_cmp(&b.2));
            let scarce = most.map(|(name, ..)| name);
            let names = self.limited(candidate.pool_factor, &|name, _| {
                scarce.is_none_or(|scarce| scarce == name)
            });
            let known = |name: &str| {
                self.scenario
                    .workload
                    .resources
                    .iter()
                    .any(|r| r.name == name)
            };
            let resource = scarce.map_or(!self.scenario.workload.resources.is_empty(), known);
            let kind = if resource { "resource" } else { "device" };
            let names = names.unwrap_or_else(|| "what they share".into());
            (kind, format!("tasks wait for {names} {part} of their time"))
        } else if is(Cause::Lock) {
            (
                "lock",
                format!("tasks wait for a lock {part} of their time"),
            )
        } else if is(Cause::Queue) {
            (
                "queue",
                format!("tasks wait for a queue or for their children {part} of their time"),
            )
        } else if is(Cause::Limit) {
            (
                "limit",
                format!("tasks wait for the event loop's concurrency limit {part} of their time"),
            )
        } else if is(Cause::Contention) {
            (
                "contention",
                format!("threads fight for shared objects {part} of the tasks' time"),
            )
        } else if is(Cause::Startup) {
            (
                "start-up",
                format!("tasks wait for the start of workers {part} of their time"),
            )
        } else {
            let text = lack_text(at, self.objectives);
            ("none", format!("nothing in particular: {text}"))
        }
    }

    /// What is limited, with pools so many times as large as the scenario says: of resources and devices those with such a name and scope.
    ///
    /// `None`: nothing is.
    pub(super) fn limited(
        &self,
        pool_factor: u32,
        such: &dyn Fn(&str, Scope) -> bool,
    ) -> Option<String> {
        let scenario = with_pools(self.scenario, pool_factor);
        let w = &scenario.workload;
        let mut names: Vec<String> = Vec::new();
        for r in w.resources.iter().filter(|r| such(&r.name, r.scope)) {
            let whose = match r.scope {
                Scope::Loop | Scope::Process => "of each process",
                Scope::Node => "of each machine",
                Scope::Everywhere => "that all share",
            };
            let much = match &r.kind {
                ResourceKind::RateLimit { interval, .. } => {
                    format!("{}/s", short(1.0 / interval.as_secs_f64()))
                }
                ResourceKind::Semaphore { .. } | ResourceKind::Connections { .. } => {
                    r.kind.capacity().to_string()
                }
                ResourceKind::Breaker { .. } => "a circuit breaker".into(),
            };
            names.push(format!("`{}` ({much} {whose})", r.name));
        }
        let uses = |d: usize| {
            let transfers = |s: &Step| s.waits() == WaitsFor::Device(d);
            w.classes
                .iter()
                .any(|c| c.steps.iter().any(|s| s.any(&transfers)))
        };
        for (i, d) in w.devices.iter().enumerate() {
            let scope = if d.per_node {
                Scope::Node
            } else {
                Scope::Everywhere
            };
            if uses(i) && such(&d.name, scope) {
                names.push(format!("`{}`", d.name));
            }
        }
        (!names.is_empty()).then(|| names.join(" or "))
    }

    /// What happens under more than the maximum load.
    fn past(&self, load: f64, most: f64, held: &Seen, past: &Seen) -> Past {
        let done = past.mean(Quantity::Throughput);
        let before = held.mean(Quantity::Throughput);
        let fails = past.mean(Quantity::FailureRate);
        let latency = past.latency();
        let (at, unit) = (load_text(load, self.unit()), self.unit());
        let less = done.zip(before).is_some_and(|(a, b)| a < 0.9 * b);
        // What is short of the load in a run so short is short of it for ever.
        let steady = self.unit() == LoadUnit::PerSecond && !self.ends_by_itself();
        let behind = steady && done.is_some_and(|d| d < BEHIND * load);
        let answered = done.map_or(String::new(), |d| format!(", {}/s are completed", short(d)));
        let lost = fails.filter(|f| *f > 0.01);
        let (kind, text) = if let Some(status) = stopped(past) {
            ("fails", format!("at {at}: {status}"))
        } else if less {
            let b = before.unwrap_or_default();
            (
                "collapses",
                format!(
                    "at {at}{answered}: fewer than the {}/s at {}",
                    short(b),
                    load_text(most, unit)
                ),
            )
        } else if let Some(f) = lost {
            (
                "sheds",
                format!(
                    "at {at}{answered}, and {} of the tasks fail, time out or are rejected",
                    share_text(f)
                ),
            )
        } else if past.forecast.status == Status::Saturated || behind {
            (
                "grows",
                format!(
                    "at {at}{answered}: queues grow as long as that lasts, and with them every latency"
                ),
            )
        } else {
            let metric = self.metric();
            let is = latency.map_or_else(
                || format!("no {}", metric_title(metric)),
                |l| format!("a {}", latency_text(metric, l)),
            );
            ("slows", format!("at {at}{answered}, with {is}"))
        };
        Past {
            kind: kind.into(),
            throughput_per_s: done,
            failure_share: fails,
            latency_s: latency.map(|l| l.mean),
            text,
        }
    }
}

fn stopped(seen: &Seen) -> Option<&'static str> {
    match seen.forecast.status {
        Status::Fine | Status::Saturated => None,
        other => Some(other.name()),
    }
}
