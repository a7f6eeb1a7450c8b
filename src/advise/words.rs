//! What advice says in words, made from its figures.

use super::change::Lever;
use super::choose::SAME;
use super::constraints::Priority;
use super::family::Family;
use super::placement::{PlaceName, PlacedTasks};
use super::prior::Demand;
use super::result::{Condition, Split, Unmet};
use super::survey::{Fared, Goal, measured, meets};
use super::unmet::Looked;
use super::weigh::Crossing;
use crate::cpython::profile::Profile;
use crate::plan::{LoadUnit, load_text, own_load};
use crate::quantity::{
    Quantity, Unit, bytes, counted, digits, list, metric_text, metric_title, percent,
    quantity_text, seconds, time,
};
use crate::result::{Judgement, Verdict};
use crate::scenario::{Arrivals, Metric, Scenario, visible};

/// What all sentences of a piece of advice have in common.
#[derive(Clone, Debug)]
pub(super) struct Words {
    /// Whether all tasks come at once.
    pub batch: bool,
    pub(super) metric: Metric,
    pub(super) priority: Priority,
    /// Whether runs are cut before all tasks are done.
    cut: bool,
}

/// Difference of shares that is worth a word.
pub(super) const MATTERS: f64 = 0.05;

impl Words {
    pub(super) fn of(scenario: &Scenario, goal: &Goal) -> Self {
        Self {
            batch: scenario.workload.arrivals == Arrivals::Batch,
            metric: goal.metric,
            priority: goal.priority,
            cut: scenario.horizon.is_some(),
        }
    }

    /// How a metric is called.
    fn title(&self, metric: Metric) -> String {
        match metric {
            Metric::Cpu => self.cpu().to_owned(),
            _ => metric_title(metric),
        }
    }

    /// How CPU time is called: that of the run, or of a task where runs are cut before all are done.
    fn cpu(&self) -> &'static str {
        if self.cut {
            "CPU time of a task"
        } else {
            "CPU time"
        }
    }

    /// What decides, with its figure: `p95 latency of 31.2 ms`.
    pub(super) fn value(&self, f: &Fared) -> String {
        if self.priority == Priority::Throughput
            && !self.batch
            && let Some(c) = f.capacity
        {
            return format!("up to {}", quantity_text(Unit::PerSecond, c));
        }
        match f.value(self.metric) {
            Some(v) => format!(
                "{} of {}",
                self.title(self.metric),
                metric_text(self.metric, v)
            ),
            None => f.forecast.status.name().to_owned(),
        }
    }

    /// What decides, as a number of which less is better.
    pub(super) fn number(&self, f: &Fared) -> Option<f64> {
        let goal = Goal {
            objectives: Vec::new(),
            priority: self.priority,
            metric: self.metric,
            current: Family::SingleThread,
        };
        measured(f, &goal)
    }

    /// Whether two are about as good as each other.
    pub(super) fn is_same(&self, a: &Fared, b: &Fared) -> bool {
        let both = self.number(a).zip(self.number(b));
        both.is_some_and(|(a, b)| a <= b * (1.0 + SAME) && b <= a * (1.0 + SAME))
    }

    /// What another approach gives and takes.
    pub(super) fn trade_off(&self, f: &Fared, taken: &Fared) -> String {
        if let Some(why) = f.excluded {
            return format!("cannot be taken: {why}");
        }
        if f.standing() > 1 {
            return format!("does not do what is required: {}", lacks(f));
        }
        let mut parts = vec![match (f.value(self.metric), taken.value(self.metric)) {
            (Some(a), Some(b)) if self.priority != Priority::Throughput || self.batch => {
                format!(
                    "{} {} ({})",
                    self.title(self.metric),
                    metric_text(self.metric, a),
                    against(a.mean, b.mean)
                )
            }
            _ => self.value(f),
        }];
        for (q, name) in [
            (Quantity::MemoryPeak, "memory"),
            (Quantity::Cpu, self.cpu()),
        ] {
            if self.metric.quantity() == Some(q) {
                continue;
            }
            if let (Some(a), Some(b)) = (f.get(q), taken.get(q)) {
                parts.push(format!("{name} {} ({})", amount(q, a), against(a, b)));
            }
        }
        parts.join(", ")
    }

    /// What an approach does by itself, where there is nothing to hold it against.
    pub(super) fn as_it_is(&self, f: &Fared) -> String {
        let mut parts = vec![match f.excluded {
            Some(why) => format!("cannot be taken: {why}"),
            None => format!("does not do what is required: {}", lacks(f)),
        }];
        // What is missed has been said with its figure.
        let said = f.excluded.is_none()
            && f.forecast
                .objectives
                .iter()
                .any(|o| !meets(o) && o.metric() == Some(self.metric));
        if f.forecast.is_fine() && !said {
            parts.push(self.value(f));
        }
        for (q, name) in [
            (Quantity::MemoryPeak, "memory"),
            (Quantity::Cpu, self.cpu()),
        ] {
            if let Some(v) = f.get(q).filter(|_| self.metric.quantity() != Some(q)) {
                parts.push(format!("{name} {}", amount(q, v)));
            }
        }
        parts.join(", ")
    }

    /// What is said of an approach that is further behind.
    pub(super) fn further(&self, f: &Fared) -> String {
        let figure = match f.excluded {
            Some(why) => format!("cannot be taken: {why}"),
            None if f.standing() > 1 => format!("does not do what is required: {}", lacks(f)),
            None => self.value(f),
        };
        format!("{} ({}): {figure}", f.candidate.name(), f.label())
    }

    /// What it does to give each kind of task its own; `better`: it is what is recommended.
    pub(super) fn split(
        &self,
        (own, better): (&Fared, bool),
        alike: Option<&Fared>,
        placement: &[PlacedTasks],
        profile: &Profile,
    ) -> Split {
        let figure = |f: &Fared| {
            if f.standing() <= 1 {
                self.value(f)
            } else {
                format!("does not do what is required ({})", lacks(f))
            }
        };
        let strategy = format!("{} on {}", own.label(), profile.name);
        let other = alike.map_or(String::new(), |a| {
            let what = if better {
                format!("the best that treats all alike, {}", a.candidate.name())
            } else {
                "what is recommended for all".to_owned()
            };
            format!("; {what} ({}): {}", a.label(), figure(a))
        });
        Split {
            text: format!(
                "To each its own ({strategy}: {}): {}{other}.",
                places(placement),
                figure(own)
            ),
            strategy,
            placement: placement.to_vec(),
            value: own.value(self.metric),
            better,
        }
    }

    /// When an alternative is better by what is known of it: no input has to change.
    pub(super) fn by_figures(&self, f: &Fared, taken: &Fared, others: &[&Fared]) -> Vec<Condition> {
        let mut all = Vec::new();
        let mut add = |text: String| {
            all.push(Condition {
                text,
                input: None,
                factor: None,
            });
        };
        let (this, that) = (f.candidate.family, taken.candidate.family);
        if f.excluded.is_some() {
            return all;
        }
        if this.isolates() && !that.isolates() {
            add("if a task that crashes must not take the others with it".into());
        }
        let works = |f: &&&Fared| f.excluded.is_none() && f.standing() <= 1;
        let without = others
            .iter()
            .find(|o| works(o) && !o.candidate.family.free_threaded());
        if that.free_threaded() && without.is_some_and(|o| o.candidate.family == this) {
            add("if no free-threaded build may be taken".into());
        }
        if f.standing() > 1 {
            return all;
        }
        let less = |q: Quantity| {
            let (a, b) = (f.get(q)?, taken.get(q)?);
            let least = others
                .iter()
                .filter(works)
                .filter_map(|o| o.get(q))
                .fold(f64::INFINITY, f64::min);
            (a < b * (1.0 - MATTERS) && a <= least).then_some(b)
        };
        if let Some(b) = less(Quantity::MemoryPeak) {
            add(format!("if there is less memory than {}", bytes(b)));
        }
        if let Some(b) = less(Quantity::Cpu).filter(|_| self.metric != Metric::Cpu) {
            add(format!(
                "if CPU time is what costs: this one takes {} less",
                percent(1.0 - f.get(Quantity::Cpu).unwrap_or(b) / b)
            ));
        }
        all
    }

    /// What is taken by another priority.
    pub(super) fn priority(&self, take: Option<&Fared>, goal: &Goal) -> String {
        let words = Self {
            metric: goal.metric,
            priority: goal.priority,
            ..self.clone()
        };
        let Some(f) = take else {
            return "nothing does what is required".into();
        };
        let value = match (
            goal.priority,
            goal.metric.quantity().and_then(|q| f.forecast.get(q)),
        ) {
            (Priority::Throughput, _) if !self.batch => words.value(f),
            (_, Some(v)) => format!(
                "{} of {}",
                self.title(goal.metric),
                metric_text(goal.metric, v)
            ),
            _ => words.value(f),
        };
        format!("{} ({}), {value}", f.candidate.name(), f.label())
    }

    /// Figures that would show in production that the forecast was wrong.
    pub(super) fn signs(&self, taken: &Fared) -> Vec<String> {
        let mut all = Vec::new();
        let wrong = |what: &str, bound: String| {
            format!(
                "{what} above {bound}: the forecast was wrong, or the work is another. Record it anew (`pchsim record`)."
            )
        };
        if let Some(p95) = taken.forecast.get(Quantity::P95).filter(|_| !self.batch) {
            all.push(wrong("p95 latency", time(p95.high() * 1.25)));
        }
        if let Some(m) = taken
            .forecast
            .get(Quantity::Makespan)
            .filter(|_| self.batch)
        {
            all.push(wrong("time until all is done", time(m.high() * 1.25)));
        }
        if let Some(m) = taken.forecast.get(Quantity::MemoryPeak) {
            all.push(wrong("memory of all processes", bytes(m.high() * 1.25)));
        }
        if let Some(u) = taken.get(Quantity::Utilization) {
            all.push(format!("Cores busy for {} of the time, as forecast: much less means that something else is waited for.", percent(u)));
        }
        all
    }
}

/// When an alternative is better by a sweep of an input.
pub(super) fn crossing(scenario: &Scenario, demand: &Demand, c: Crossing) -> Condition {
    let side = if c.factor > 1.0 { "above" } else { "below" };
    let what = |value: String, of: &str| format!("{side} {value} {of}");
    let text = match c.lever {
        Lever::Cpu => what(time(demand.cpu * c.factor), "of CPU per task"),
        Lever::Waits => what(time(demand.waits * c.factor), "of waiting per task"),
        Lever::Tasks => {
            let tasks = scenario.workload.tasks_of_a_round() as f64 * c.factor;
            let batch = || what(digits(libm::round(tasks), 3), "tasks");
            own_load(scenario).map_or_else(batch, |load| {
                let load = load_text(load * c.factor, LoadUnit::of(scenario));
                format!("{side} {load}")
            })
        }
        Lever::Cores => {
            let cores = f64::from(scenario.machine.visible_cpus) * c.seen;
            let cores = crate::engine::whole(libm::round(cores).max(1.0));
            let from = if c.factor > 1.0 {
                " or more"
            } else if cores == 1 {
                // There are no fewer.
                ""
            } else {
                " or fewer"
            };
            format!("with {}{from}", counted(cores, "core"))
        }
        Lever::Payload => format!(
            "{side} {} times what travels to a worker",
            digits(c.factor, 2)
        ),
        Lever::Startup => what(
            seconds(scenario.workload.imports.time.scale(c.factor)),
            "of imports",
        ),
        Lever::Memory => format!("{side} {} times the memory of a task", digits(c.factor, 2)),
    };
    let text = if c.anew {
        text
    } else {
        format!("{text} with these numbers of workers")
    };
    Condition {
        text,
        input: Some(c.lever),
        factor: Some(c.factor),
    }
}

/// When something simpler is sensible though it is not the best.
pub(super) fn second_best<'a>(
    simpler: impl Iterator<Item = &'a Fared>,
    taken: &Fared,
    goal: &Goal,
) -> Option<String> {
    /// By how many times it may be worse.
    const STILL: f64 = 1.5;
    let near = simpler.filter_map(|f| {
        let (a, b) = measured(f, goal).zip(measured(taken, goal))?;
        (a <= STILL * b && a > b).then_some((f, a / b))
    });
    let (f, times) = near.min_by(|a, b| a.1.total_cmp(&b.1))?;
    let cost = match goal.metric {
        Metric::Memory => "memory",
        Metric::Cpu => "CPU time",
        _ => "time",
    };
    Some(format!(
        "{} ({}) is simpler and does what is required: it takes {} more {cost}. Sensible where the code has to stay simple, or while there is nobody who knows {}.",
        capital(&f.candidate.name()),
        f.label(),
        percent(times - 1.0),
        taken.candidate.name()
    ))
}

/// Where the tasks of each kind are executed: `thinker whole in the pool "work", scout on the loop`.
pub(super) fn places(placement: &[PlacedTasks]) -> String {
    let one = |p: &PlacedTasks| {
        let name = visible(&p.name);
        match (p.place, &p.pool) {
            (PlaceName::Pool, Some(pool)) => format!("{name} whole in the pool `{pool}`"),
            (PlaceName::Loop, _) => format!("{name} on the loop"),
            (PlaceName::Parts | PlaceName::Pool, _) => {
                format!("{name} on the loop but for what it computes, which goes to the pool")
            }
        }
    };
    list(&placement.iter().map(one).collect::<Vec<_>>())
}

/// What it is, in a line.
pub(super) fn title(f: &Fared, profile: &Profile) -> String {
    format!(
        "{}: {} on {}",
        capital(&f.candidate.name()),
        f.label(),
        profile.name
    )
}

/// Names of approaches, in short.
pub(super) fn names(all: &[&Fared]) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for f in all {
        let name = format!("{} ({})", f.candidate.name(), f.label());
        let known = |n: &String| n.starts_with(&format!("{} (", f.candidate.name()));
        if !names.iter().any(known) {
            names.push(name);
        }
    }
    names
}

/// What is in the way where nothing does what is required: the constraints that leave nothing, or the requirements that nothing meets, and by how
/// much; or the machine, if that has not the cores that the tasks need.
pub(super) fn binding(
    nearest: &Fared,
    (looked, unmet): (&Looked<'_>, &[Unmet]),
    demand: &Demand,
    scenario: &Scenario,
) -> String {
    let cores = scenario.machine.cores.iter().sum::<f64>();
    let comes = scenario.workload.arrivals != Arrivals::Batch && own_load(scenario).is_some();
    if let Some(why) = looked.contradiction() {
        return why.to_owned();
    }
    let mut why = looked.missed().unwrap_or_else(|| lacks(nearest));
    if comes
        && LoadUnit::of(scenario) == LoadUnit::PerSecond
        && demand.cores > cores
        && demand.machines == 1
    {
        why = format!(
            "{why}; the tasks compute for {} a second, and the machine has {}: `pchsim plan` finds how many machines it takes",
            time(demand.cores),
            counted(u64::from(scenario.machine.visible_cpus), "core")
        );
    }
    if let Some(alone) = unmet.iter().find_map(|u| u.alone) {
        why = format!(
            "{why}; a task by itself takes {} already, so that only a shorter task does it",
            time(alone.mean)
        );
    }
    why
}

/// What a candidate lacks.
pub(super) fn lacks(f: &Fared) -> String {
    if !f.forecast.is_fine() {
        let why = f.forecast.refusal.clone();
        return why.unwrap_or_else(|| f.forecast.status.name().to_owned());
    }
    let missed = f
        .forecast
        .objectives
        .iter()
        .filter(|o| o.verdict != Verdict::Met);
    let missed: Vec<String> = missed.map(requirement_short).collect();
    if missed.is_empty() {
        "it fails tasks that others complete".into()
    } else {
        list(&missed)
    }
}

pub(super) fn requirement_short(o: &Judgement) -> String {
    match (o.metric(), o.value) {
        (Some(m), Some(v)) => format!(
            "{} is {} ({} is required)",
            metric_title(m),
            metric_text(m, v),
            o.text
        ),
        _ => format!("{} has no value", o.text),
    }
}

/// What another value of an input does, in words.
pub(super) fn wrong(name: &str, factor: f64, becomes: Option<&Fared>, changes: bool) -> String {
    let how = if factor < 1.0 { "half" } else { "double" };
    match (changes, becomes) {
        (true, Some(f)) => format!("{how} the {name}: {} ({})", f.candidate.name(), f.label()),
        (true, None) => format!("{how} the {name}: nothing would do what is required"),
        (false, _) => format!("{how} the {name}: the same"),
    }
}

fn amount(q: Quantity, value: f64) -> String {
    if q == Quantity::MemoryPeak {
        bytes(value)
    } else {
        time(value)
    }
}

/// How much more or less one is than the other.
fn against(a: f64, b: f64) -> String {
    if b <= 0.0 {
        return "against none".into();
    }
    let ratio = a / b;
    match ratio {
        r if (1.0 - 0.01..=1.0 + 0.01).contains(&r) => "the same".into(),
        r if r >= 2.0 => format!("{} times as much", digits(r, 2)),
        r if r > 1.0 => format!("{} more", percent(r - 1.0)),
        r => format!("{} less", percent(1.0 - r)),
    }
}

pub(super) fn capital(text: &str) -> String {
    let mut chars = text.chars();
    chars
        .next()
        .map_or(String::new(), |c| c.to_uppercase().chain(chars).collect())
}
