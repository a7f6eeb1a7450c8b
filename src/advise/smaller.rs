//! Work that would take too long to simulate as it is, made smaller: fewer tasks of a batch, or shorter ones, and the figures taken in proportion.
//!
//! The events of a run grow with its tasks, and with the seconds that threads compute: a thread under a GIL is asked to give it up every five
//! milliseconds, and a scheduler ticks. What approaches differ in is in proportion to both, but for what Python takes to start and to end. So the
//! smaller work overstates that, and never what a task does; how much smaller it is follows from the scenario alone, and is said.

use serde::{Deserialize, Serialize};

use super::prior::Demand;
use crate::measure::Estimate;
use crate::quantity::{Quantity, Unit, counted, digits};
use crate::result::{Forecast, Tier, Verdict, excess};
use crate::scenario::{Arrivals, Metric, Objective, Scenario};
use crate::study::judge;

/// Tasks of a batch from which fewer are simulated, and how many are then.
const TASKS: (u64, f64) = (50_000, 20_000.0);
/// Seconds of CPU time of a run from which its times are divided, and to how many.
const SECONDS: (f64, f64) = (1_000.0, 200.0);
/// Tasks of a run in which they come for as long as is simulated, about.
const STEADY: f64 = 400.0;
/// Seconds of CPU time that a task keeps, so that it remains long beside what handing it over takes.
const LEAST: f64 = 0.05;

/// By how much the work that is simulated is smaller than that which is meant.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Smaller {
    /// So many times as many tasks come.
    pub tasks: f64,
    /// So many times as long every time of the work is.
    pub times: f64,
}

/// That work was made smaller to be simulated, as it is written for programs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Proportion {
    /// So many times as many tasks come as were simulated.
    pub tasks: f64,
    /// So many times as long as in the simulation every time of the work is.
    pub times: f64,
    /// In words.
    pub text: String,
}

impl Smaller {
    /// Nothing is smaller.
    pub(super) const NOTHING: Self = Self {
        tasks: 1.0,
        times: 1.0,
    };

    /// The scenario that is simulated, and by how much it is smaller.
    pub(super) fn of(scenario: &Scenario) -> (Scenario, Self) {
        let mut smaller = scenario.clone();
        let mut by = Self::NOTHING;
        let w = &mut smaller.workload;
        let batch = w.arrivals == Arrivals::Batch;
        let whole = scenario.horizon.is_none() && w.faults.is_empty();
        if !whole {
            return (smaller, by);
        }
        let all = w.tasks_of_a_round();
        if batch && all > TASKS.0 {
            let share = TASKS.1 / all as f64;
            for class in &mut w.classes {
                class.count = crate::engine::whole(class.count as f64 * share).max(1);
            }
            by.tasks = all as f64 / w.tasks_of_a_round() as f64;
        }
        let tasks = if batch {
            w.tasks_of_a_round() as f64
        } else {
            STEADY
        };
        let cpu = Demand::of(scenario).cpu;
        let can = match w.arrivals {
            Arrivals::Batch
            | Arrivals::Open { .. }
            | Arrivals::Sessions { .. }
            | Arrivals::Closed { .. } => w.devices.is_empty(),
            Arrivals::Varying { .. } | Arrivals::Trace(_) => false,
        };
        if can && cpu * tasks > SECONDS.0 {
            by.times = (cpu * tasks / SECONDS.1).min(cpu / LEAST).max(1.0);
            shorten(&mut smaller, 1.0 / by.times);
        }
        (smaller, by)
    }

    /// The figures of the work that is meant.
    pub(super) fn restored(self, f: &mut Forecast, ranked: Option<Metric>, required: &[Objective]) {
        if self == Self::NOTHING {
            return;
        }
        for q in Quantity::ALL {
            f.values[q as usize] = f.values[q as usize].map(|e| e.scaled(self.of_unit(q.unit())));
        }
        for class in &mut f.classes {
            class.latencies = class
                .latencies
                .map(|l| l.map(|e| e.scaled(self.of_unit(Unit::Seconds))));
        }
        let by = ranked.map_or(1.0, |m| self.of_unit(m.unit()));
        f.ranked.value = f.ranked.value.map(|e| e.scaled(by));
        f.ranked.behind_best = f.ranked.behind_best.map(|e| e.scaled(by));
        for (judged, o) in f.objectives.iter_mut().zip(required) {
            let value: Option<Estimate> = judged
                .value
                .map(|e| e.scaled(self.of_unit(o.metric.unit())));
            *judged = judge(o, value);
            // Of all tasks at once it is more, by as much as they keep: that fewer meet it does not say that all do.
            if self.tasks > 1.0 && o.metric == Metric::Memory && judged.verdict == Verdict::Met {
                judged.verdict = Verdict::Undecided;
            }
        }
        let misses = f.objectives.iter().any(|o| o.verdict == Verdict::Missed);
        f.excess = excess(&f.objectives);
        f.tier = match f.tier {
            Tier::Meets | Tier::Misses if misses => Tier::Misses,
            Tier::Meets | Tier::Misses => Tier::Meets,
            Tier::Fails => Tier::Fails,
            Tier::NoForecast => Tier::NoForecast,
        };
    }

    /// By how much a figure of this unit is larger.
    fn of_unit(self, unit: Unit) -> f64 {
        match unit {
            Unit::Seconds => self.tasks * self.times,
            Unit::PerSecond => 1.0 / self.times,
            Unit::Count => self.tasks,
            Unit::Bytes | Unit::Share => 1.0,
        }
    }

    /// What is said of it; `None` where nothing is smaller.
    pub(super) fn said(self, scenario: &Scenario) -> Option<Proportion> {
        if self == Self::NOTHING {
            return None;
        }
        let mut parts = Vec::new();
        if self.tasks > 1.0 {
            let all = scenario.workload.tasks_of_a_round();
            let some = crate::engine::whole(all as f64 / self.tasks);
            parts.push(format!(
                "{some} of {} were simulated, and times taken in proportion; memory is what these take at once",
                counted(all, "task")
            ));
        }
        if self.times > 1.0 {
            parts.push(format!(
                "all times of the work were divided by {} to be simulated, and figures multiplied by as much",
                digits(self.times, 3)
            ));
        }
        Some(Proportion {
            tasks: self.tasks,
            times: self.times,
            text: format!(
                "In proportion: {}. What Python takes to start and to end counts for more in these figures than it would.",
                parts.join("; ")
            ),
        })
    }
}

/// Multiplies every time of the work.
fn shorten(scenario: &mut Scenario, by: f64) {
    let w = &mut scenario.workload;
    for class in &mut w.classes {
        class.steps = class.steps.iter().map(|s| s.scaled(by)).collect();
    }
    w.rounds.serial = w.rounds.serial.iter().map(|s| s.scaled(by)).collect();
    w.resources = w.resources.iter().map(|r| r.scaled(by)).collect();
    w.client = w.client.as_ref().map(|c| c.scaled(by));
    w.imports.time = w.imports.time.scale(by);
    match &mut w.arrivals {
        Arrivals::Open { interval, .. } => *interval = interval.scaled(by),
        Arrivals::Sessions {
            interval, think, ..
        } => {
            *interval = interval.scaled(by);
            *think = think.scaled(by);
        }
        Arrivals::Closed { think, .. } => *think = think.scaled(by),
        Arrivals::Batch | Arrivals::Varying { .. } | Arrivals::Trace(_) => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scenario(workload: &str) -> Scenario {
        let text = format!(
            "(schema: 1, name: \"x\", interpreters: [\"cpython-3.14\"], workload: ({workload}))"
        );
        Scenario::parse(&text, &[]).unwrap()
    }

    #[test]
    fn only_what_is_large_is_smaller() {
        let small = scenario(
            "arrivals: Batch, tasks: [(name: \"a\", count: 40000, steps: [Cpu(\"1ms\")])]",
        );
        let (same, by) = Smaller::of(&small);
        assert_eq!((&same.workload, by), (&small.workload, Smaller::NOTHING));
        let many = scenario(
            "arrivals: Batch, tasks: [(name: \"a\", count: 1000000, steps: [Cpu(\"1ms\")])]",
        );
        let (fewer, by) = Smaller::of(&many);
        assert_eq!((fewer.workload.tasks_of_a_round(), by.times), (20_000, 1.0));
        assert!((by.tasks - 50.0).abs() < 1e-9);
        let long =
            scenario("arrivals: Batch, tasks: [(name: \"a\", count: 3, steps: [Cpu(\"10h\")])]");
        let (shorter, by) = Smaller::of(&long);
        let cpu = Demand::of(&shorter).cpu;
        assert!(by.tasks == 1.0 && (cpu * 3.0 - 200.0).abs() < 0.1, "{cpu}");
        assert!((cpu * by.times - 36_000.0).abs() < 0.1);
        assert!(by.said(&long).unwrap().text.contains("540"));
    }
}
