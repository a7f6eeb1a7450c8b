//! What stands in the way where nothing does what is required: each requirement by itself, what comes nearest to it, and what would be possible
//! without it.

use super::choose::decide;
use super::constraints::{Constraints, FreeThreading};
use super::result::Unmet;
use super::survey::{Fared, Goal, Surveyor, meets, ordered};
use super::words::{Words, lacks, requirement_short};
use crate::cpython::profile::Profile;
use crate::engine::Nanos;
use crate::measure::Estimate;
use crate::quantity::{list, metric_text, metric_title};
use crate::result::Judgement;
use crate::scenario::{Arrivals, Dist, Metric, Rounds, Runs, Scenario, Step, Strategy};
use crate::study::{Options, StudyError};

/// Tasks of a run in which each is by itself.
const ALONE: u64 = 200;

/// What was looked at, and for what.
pub(super) struct Looked<'a> {
    pub all: &'a [Fared],
    pub goal: &'a Goal,
    pub constraints: &'a Constraints,
    pub profiles: &'a [Profile],
    pub words: &'a Words,
    /// What a task takes by itself of each objective's metric, where that is known.
    pub alone: &'a [Option<Estimate>],
}

/// A constraint without which others may be taken.
struct Lifted {
    requirement: &'static str,
    without: Constraints,
}

impl Looked<'_> {
    /// Every requirement that stands in the way.
    pub(super) fn unmet(&self) -> Vec<Unmet> {
        let mut all = self.objectives();
        for lifted in self.lifted() {
            let (seen, take) = self.without(&lifted.without);
            let nothing_left = self.nothing_may_be_taken();
            let take = match take {
                Some(i) => &seen[i],
                // Together with another requirement: what is missing then is told where this alone keeps everything out.
                None if nothing_left => match ordered(&seen, self.goal).first() {
                    Some(&i) => &seen[i],
                    None => continue,
                },
                None => continue,
            };
            let name = self.named(take);
            let would = match (take.excluded, take.standing()) {
                (None, 0 | 1) => format!("would do: {}", self.words.value(take)),
                (Some(why), _) => format!("would still not be possible: {why}"),
                (None, _) => format!("would be nearest, but {}", lacks(take)),
            };
            all.push(Unmet {
                requirement: lifted.requirement.to_owned(),
                met: true,
                nearest: Some(self.on(take)),
                value: take.value(self.goal.metric),
                alone: None,
                text: format!("{}: without it {name} {would}.", lifted.requirement),
            });
        }
        all
    }

    /// What would be taken without one of the constraints, the best by what matters most; where they alone leave nothing.
    pub(super) fn nearest(&self) -> Option<Fared> {
        if !self.nothing_may_be_taken() {
            return None;
        }
        let each = self.lifted().into_iter().filter_map(|lifted| {
            let (seen, take) = self.without(&lifted.without);
            Some(seen[take?].clone())
        });
        let each: Vec<Fared> = each.collect();
        let first = *ordered(&each, self.goal).first()?;
        let own = |f: &Fared| f.candidate == each[first].candidate;
        self.all.iter().find(|f| own(f)).cloned()
    }

    /// Why nothing may be taken whatever it does.
    pub(super) fn contradiction(&self) -> Option<&'static str> {
        (self.nothing_may_be_taken() && self.constraints.isolated && self.constraints.shared == Some(true)).then_some(
            "isolation and shared state exclude each other: where a task that crashes must leave the others alone workers have to be processes, and where tasks change the same objects in place workers must not be apart",
        )
    }

    /// All objectives that are in the way, in words: of several each by what comes nearest to it.
    pub(super) fn missed(&self) -> Option<String> {
        let looked = self.in_the_way();
        if looked.len() < 2 {
            return None;
        }
        let each: Vec<String> = looked
            .iter()
            .filter(|(_, _, met)| !met)
            .filter_map(|(i, f, _)| Some(requirement_short(f.forecast.objectives.get(*i)?)))
            .map(|text| text.replacen(" (", " at best (", 1))
            .collect();
        if each.len() > 1 {
            return Some(list(&each));
        }
        let both: Vec<String> = self
            .goal
            .objectives
            .iter()
            .map(|o| o.text.clone())
            .collect();
        (each.is_empty()).then(|| format!("nothing does {} at once", list(&both)))
    }

    fn nothing_may_be_taken(&self) -> bool {
        self.all.iter().all(|f| f.excluded.is_some())
    }

    fn lifted(&self) -> Vec<Lifted> {
        let c = self.constraints;
        let mut all = Vec::new();
        let mut lift = |yes: bool, requirement: &'static str, without: Constraints| {
            if yes {
                all.push(Lifted {
                    requirement,
                    without,
                });
            }
        };
        lift(
            c.isolated,
            "isolation",
            Constraints {
                isolated: false,
                ..c.clone()
            },
        );
        lift(
            c.shared == Some(true),
            "shared state",
            Constraints {
                shared: Some(false),
                ..c.clone()
            },
        );
        let requirement = match c.free_threading {
            FreeThreading::Yes | FreeThreading::No => "no free-threaded build",
            FreeThreading::Extensions => "an extension that is not ready for free-threading",
        };
        lift(
            c.free_threading != FreeThreading::Yes,
            requirement,
            Constraints {
                free_threading: FreeThreading::Yes,
                ..c.clone()
            },
        );
        all
    }

    /// What was seen under other constraints, and what would be taken.
    fn without(&self, constraints: &Constraints) -> (Vec<Fared>, Option<usize>) {
        let mut seen = self.all.to_vec();
        for f in &mut seen {
            f.excluded = constraints.excludes(f.candidate.family);
        }
        let take = decide(&seen, self.goal).take;
        (seen, take)
    }

    /// The objectives in the way by their numbers, each with what meets it or comes nearest, and whether that meets it. Those that nothing meets;
    /// where each is met by something, those that keep something out.
    fn in_the_way(&self) -> Vec<(usize, &Fared, bool)> {
        let order = ordered(self.all, self.goal);
        let works = |f: &&Fared| f.excluded.is_none() && f.standing() <= 2;
        let fine: Vec<&Fared> = order.iter().map(|&i| &self.all[i]).filter(works).collect();
        let of = |i: usize| {
            let judged = fine
                .iter()
                .filter_map(|f| Some((*f, f.forecast.objectives.get(i)?)));
            let judged: Vec<(&Fared, &Judgement)> = judged.collect();
            if judged.iter().all(|(_, j)| meets(j)) {
                return None;
            }
            // The order is that of how near they come to all that is required.
            let met = judged.iter().find(|(_, j)| meets(j));
            let nearest = judged
                .iter()
                .min_by(|a, b| a.1.excess().total_cmp(&b.1.excess()));
            let (f, _) = met.or(nearest)?;
            Some((i, *f, met.is_some()))
        };
        let all: Vec<(usize, &Fared, bool)> =
            (0..self.goal.objectives.len()).filter_map(of).collect();
        if all.iter().all(|(_, _, met)| *met) {
            all
        } else {
            all.into_iter().filter(|(_, _, met)| !met).collect()
        }
    }

    fn objectives(&self) -> Vec<Unmet> {
        let one = |(i, f, met): (usize, &Fared, bool)| {
            let judged = f.forecast.objectives.get(i)?;
            let figure = judged.metric().zip(judged.value).map_or_else(
                || "no value".to_owned(),
                |(m, v)| format!("a {} of {}", metric_title(m), metric_text(m, v)),
            );
            let name = self.named(f);
            let mut text = if met {
                format!(
                    "{}: {name} meets it with {figure}, but {}.",
                    judged.text,
                    lacks(f)
                )
            } else {
                format!(
                    "{}: nothing that does the work meets it; nearest is {name} with {figure}.",
                    judged.text
                )
            };
            let alone = self.too_long(i, judged);
            if let Some((m, v)) = judged.metric().zip(alone) {
                text = format!(
                    "{text} A task by itself, with nothing in its way, takes a {} of {} already: no approach does it sooner, only a shorter task.",
                    metric_title(m),
                    metric_text(m, v)
                );
            }
            Some(Unmet {
                requirement: judged.text.clone(),
                met,
                nearest: Some(self.on(f)),
                value: judged.value,
                alone,
                text,
            })
        };
        self.in_the_way().into_iter().filter_map(one).collect()
    }

    /// What a task takes by itself, if that is more than is allowed.
    fn too_long(&self, objective: usize, judged: &Judgement) -> Option<Estimate> {
        let alone = self.alone.get(objective).copied().flatten()?;
        let latency = judged.metric().is_some_and(Metric::is_latency);
        (latency && alone.low() > judged.bound).then_some(alone)
    }

    fn on(&self, f: &Fared) -> String {
        let interpreter = &self.profiles[f.candidate.profile].name;
        format!("{} on {interpreter}", f.label())
    }

    fn named(&self, f: &Fared) -> String {
        format!("{} ({})", f.candidate.name(), self.on(f))
    }
}

impl Surveyor<'_> {
    /// For each objective that is about latency, its metric of tasks that come one at a time, so that nothing is in their way: the least of what
    /// the interpreters take, by a single thread, which adds nothing of its own. Unknown where a task has parts side by side, which others may
    /// do sooner, or does not end by itself.
    pub(super) fn alone(
        &self,
        scenario: &Scenario,
        goal: &Goal,
    ) -> Result<Vec<Option<Estimate>>, StudyError> {
        let none = vec![None; goal.objectives.len()];
        let latency = goal.objectives.iter().any(|o| o.metric.is_latency());
        if !latency || scenario.workload.any_step(side_by_side) {
            return Ok(none);
        }
        let mut scene = super::survey::scene(scenario, goal, 1.0);
        let w = &mut scene.workload;
        if scenario.workload.arrivals == Arrivals::Batch {
            for class in &mut w.classes {
                class.weight = class.count.max(1) as f64;
            }
        }
        w.arrivals = Arrivals::Closed {
            users: 1,
            think: Dist::Constant(Nanos::ZERO),
            count: Some(ALONE),
        };
        w.rounds = Rounds::default();
        w.client = None;
        w.admission = None;
        w.faults = Vec::new();
        scene.horizon = None;
        scene.warmup = None;
        let singles: Vec<_> = (0..self.profiles.len())
            .map(|profile| super::candidates::Candidate::single(Strategy::Sequential, profile))
            .collect();
        let few = Options::default().with_replications(3);
        let seen = self.study(&scene, &singles, &few, None)?;
        let of = |i: usize| {
            let fine = seen.iter().filter(|f| f.forecast.is_fine());
            let values = fine.filter_map(|f| f.forecast.objectives.get(i)?.value);
            let least = values.min_by(|a, b| a.mean.total_cmp(&b.mean))?;
            // Nothing waits for others here, however many there are.
            Some(least.scaled(1.0 / self.smaller.tasks))
        };
        Ok((0..none.len()).map(of).collect())
    }
}

/// Whether a step has parts that are done side by side.
fn side_by_side(step: &Step) -> bool {
    step.inside().is_some_and(|inside| match inside.runs {
        Runs::Children(n) => n > 1,
        Runs::Once | Runs::Attempts(_) | Runs::Times(_) => false,
    })
}
