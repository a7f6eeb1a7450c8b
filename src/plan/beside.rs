//! What stands beside a plan: the runner-up, what the common formula would take, the plan under more load, and what a wrong input would change.

use super::load::{Input, LoadUnit};
use super::look::{Closeness, Lack, Seen, Sight};
use super::make::{PlanError, Planner};
use super::result::{Growth, LoadCurve, MaximumLoad, RunnerUp, Sensitivity};
use super::search::{Found, Goal, Hopeless, Likely, Track};
use super::words::{fared, lack_text, load_text, machines_text, share_text};
use crate::scenario::Scope;

/// Times the plan's machines that the common formula may take to be simulated.
const FAR_MORE: u32 = 4;
/// By how much inputs may be wrong.
const WRONG: [f64; 2] = [0.8, 1.2];
/// Candidates among which is searched for what a wrong input would make the plan, beside the plan itself.
const NEAR: usize = 8;
/// Most candidates among which is searched for more load.
const GROWING: usize = 24;

/// Whether it misses nothing but by what cannot be told.
fn is_near(seen: &Seen) -> bool {
    match seen.lack {
        Some(Lack::Misses { certain, .. }) => !certain,
        Some(Lack::Grows(_) | Lack::Status(_) | Lack::Refused(_)) | None => false,
    }
}

impl Planner<'_> {
    /// The cheapest of another kind of strategy, or with other numbers where there is no other kind.
    pub(super) fn runner_up(
        &mut self,
        best: (usize, u32),
        found: &Found,
    ) -> Result<Option<(RunnerUp, LoadCurve)>, PlanError> {
        let shape = self.all[best.0].shape;
        let usable = |t: &&Track| t.hopeless.is_none();
        let other = |t: &&Track| self.all[t.candidate].shape != shape;
        let mut among: Vec<usize> = found
            .tracks
            .iter()
            .filter(usable)
            .filter(other)
            .map(|t| t.candidate)
            .collect();
        if among.is_empty() {
            let rest = found.tracks.iter().filter(usable);
            among = rest.map(|t| t.candidate).filter(|c| *c != best.0).collect();
        }
        let next = self.looker.search(&self.goal, &among)?;
        let Some(&which) = next.best.first() else {
            return Ok(None);
        };
        let load = self.looker.maximum(which, self.goal.with_headroom())?.held;
        let curve = self.looker.curve(which, self.named(which), load)?;
        let text = self.difference(best, which)?;
        Ok(Some((self.other(which, text)?, curve)))
    }

    fn other(&mut self, which: (usize, u32), text: String) -> Result<RunnerUp, PlanError> {
        let seen = self.looker.one(
            Sight::new(which, self.goal.with_headroom()),
            Closeness::Look,
        )?;
        Ok(RunnerUp {
            machines: Some(which.1),
            per_month: Some(self.costs(which)),
            tightness_share: Some(seen.tightness(self.objectives)),
            ..self.no_number(which.0, text)
        })
    }

    /// A way of which no number of machines will do.
    fn no_number(&self, candidate: usize, text: String) -> RunnerUp {
        RunnerUp {
            each: self.all[candidate].label(),
            pool_factor: self.all[candidate].pool_factor,
            interpreter: self.interpreter(candidate),
            machine: self.machine(candidate).name.clone(),
            machines: None,
            per_month: None,
            tightness_share: None,
            text,
        }
    }

    /// What separates a plan from another that holds.
    fn difference(&mut self, best: (usize, u32), other: (usize, u32)) -> Result<String, PlanError> {
        let (a, b) = (self.costs(best), self.costs(other));
        if b > a * (1.0 + 1e-9) {
            let more = self.money(b - a);
            let share = share_text((b - a) / a.max(1e-12));
            return Ok(format!("holds as well, for {more} a month more ({share})"));
        }
        let load = self.goal.with_headroom();
        let tight = |planner: &mut Self, which| -> Result<f64, PlanError> {
            let seen = planner
                .looker
                .one(Sight::new(which, load), Closeness::Look)?;
            Ok(seen.tightness(planner.objectives))
        };
        let (x, y) = (tight(self, best)?, tight(self, other)?);
        Ok(if y > x + 0.05 {
            format!(
                "holds at the same cost, with less to spare: its tightest objective is at {} of the bound, against {}",
                share_text(y),
                share_text(x)
            )
        } else if self.all[other.0].weight() > self.all[best.0].weight() {
            "holds at the same cost with as much to spare, with more processes or threads to run"
                .into()
        } else {
            "holds at the same cost with as much to spare".into()
        })
    }

    /// What gunicorn with 2 x cores + 1 workers would take on the plan's kind of machine.
    pub(super) fn formula(&mut self, best: (usize, u32)) -> Result<Option<RunnerUp>, PlanError> {
        let Some(&formula) = self.formulas.get(self.all[best.0].machine) else {
            return Ok(None);
        };
        let cost = self.costs(best);
        let candidate = &self.all[formula];
        let rate = (self.unit == LoadUnit::PerSecond).then(|| self.goal.with_headroom());
        let machine = self.machine(formula);
        let profile = &self.ask.profiles[candidate.profile];
        let least = candidate.fewest(self.ask.scenario, profile, machine, rate);
        if least > best.1.saturating_mul(FAR_MORE) {
            let at_least = self.costs((formula, least));
            let text = format!(
                "needs {} at least, for its workers have one task each: {} a month",
                machines_text(least, &machine.name),
                self.money(at_least)
            );
            return Ok(Some(self.no_number(formula, text)));
        }
        let found = self.looker.search(&self.goal, &[formula])?;
        Ok(Some(if let Some(&which) = found.best.first() {
            let more = self.costs(which) - cost;
            let on = machines_text(which.1, &self.machine(which.0).name);
            let text = if more > 1e-9 {
                format!(
                    "takes {on}, {} a month more than the plan ({})",
                    self.money(more),
                    share_text(more / cost.max(1e-12))
                )
            } else {
                format!("takes {on}, and costs the same")
            };
            self.other(which, text)?
        } else {
            let track = &found.tracks[0];
            let why = fared(
                track,
                None,
                false,
                self.objectives,
                &self.ask.prices.currency,
            );
            self.no_number(formula, format!("does not hold: {why}"))
        }))
    }

    /// The plan under more load, among those that bore the load or might have.
    pub(super) fn growth(
        &mut self,
        best: (usize, u32),
        found: &Found,
        most: Option<&MaximumLoad>,
    ) -> Result<Vec<Growth>, PlanError> {
        let among = Self::beside(best, found, GROWING);
        let mut all = Vec::new();
        for &factor in &self.ask.growth {
            let load = self.unit.possible(self.goal.load * factor);
            let goal = Goal {
                load,
                ties: false,
                closely: Closeness::Look,
                ..self.goal
            };
            // Each machine of more bears no more than each of the plan's does for ever, which a short run of many would not show.
            let each = most.map_or(goal.load, |m| m.held) / f64::from(best.1);
            let needed = libm::ceil(goal.with_headroom() / each - 1e-9).clamp(1.0, 1e6);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a positive number within limits"
            )]
            let needed = needed as u32;
            let likely = Likely::AtLeast(needed);
            let found = self.looker.search_from(&goal, &among, Some(likely))?;
            let found = self.looker.with_larger_pools(&goal, found)?;
            let at = load_text(load, self.unit);
            all.push(match found.best.first() {
                Some(&which) => Growth {
                    factor,
                    each: Some(self.all[which.0].label()),
                    interpreter: Some(self.interpreter(which.0)),
                    machine: Some(self.machine(which.0).name.clone()),
                    machines: Some(which.1),
                    per_month: Some(self.costs(which)),
                    text: format!(
                        "{at}: {}, {} a month",
                        self.named(which),
                        self.money(self.costs(which))
                    ),
                },
                None => Growth {
                    factor,
                    each: None,
                    interpreter: None,
                    machine: None,
                    machines: None,
                    per_month: None,
                    text: format!("{at}: {}", self.stops(&found)),
                },
            });
        }
        Ok(all)
    }

    /// The plan's candidate, then so many others that are cheapest by what is known of them, of those that more machines help.
    fn beside(best: (usize, u32), found: &Found, most: usize) -> Vec<usize> {
        let mut others: Vec<(f64, usize)> = found
            .tracks
            .iter()
            .filter(|t| t.hopeless.is_none() && t.candidate != best.0)
            .map(|t| (t.costs(t.hi.unwrap_or(t.lo + 1)), t.candidate))
            .collect();
        others.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
        let others = others.into_iter().map(|(_, c)| c).take(most);
        std::iter::once(best.0).chain(others).collect()
    }

    /// What all machines share, as a part of a sentence; empty if nothing.
    pub(super) fn sharing(&self) -> String {
        let limited = self
            .looker
            .limited(1, &|_, scope| scope == Scope::Everywhere);
        limited.map_or(String::new(), |names| format!(", since they share {names}"))
    }

    /// Why nothing of what was searched bears a load.
    fn stops(&self, found: &Found) -> String {
        let shared = found.tracks.iter().find(|t| {
            let near = t.last.as_ref().is_some_and(|(_, s)| is_near(s));
            t.hopeless == Some(Hopeless::Shared) && !near
        });
        if let Some(track) = shared {
            let last = track.last.as_ref();
            let why = last.map(|(_, s)| lack_text(s, self.objectives));
            return format!(
                "nothing holds, and more machines are no help{}: {}",
                self.sharing(),
                why.unwrap_or_default()
            );
        }
        // What holds as far as can be told is not said to be missed.
        let near = found.tracks.iter().filter_map(|t| t.last.as_ref());
        let near = near.map(|(_, seen)| seen).find(|s| is_near(s));
        near.map_or_else(
            || format!("nothing holds on up to {} machines", self.goal.most),
            |s| {
                format!(
                    "nothing holds for certain: {}",
                    lack_text(s, self.objectives)
                )
            },
        )
    }

    /// What would change if an input were wrong.
    pub(super) fn sensitivity(
        &mut self,
        best: (usize, u32),
        found: &Found,
    ) -> Result<Vec<Sensitivity>, PlanError> {
        let among = Self::beside(best, found, NEAR);
        let w = &self.ask.scenario.workload;
        let holds_memory = w.imports.memory > 0
            || w.classes
                .iter()
                .any(|c| c.steps.iter().any(|s| s.any(&|s| s.block() > 0)));
        let mut all = Vec::new();
        for input in ["load", "CPU time", "waiting outside", "memory"] {
            for factor in WRONG {
                let (load, changed) = match input {
                    "load" => (self.goal.load * factor, Input::AsItIs),
                    "CPU time" => (self.goal.load, Input::Cpu(factor)),
                    "waiting outside" => (self.goal.load, Input::Waits(factor)),
                    _ if !holds_memory => continue,
                    _ => (self.goal.load, Input::Memory(factor)),
                };
                let load = self.unit.possible(load);
                let goal = Goal {
                    load,
                    input: changed,
                    ties: false,
                    closely: Closeness::Look,
                    ..self.goal
                };
                all.push(self.wrong(input, factor, best, &goal, &among)?);
            }
        }
        Ok(all)
    }

    fn wrong(
        &mut self,
        input: &str,
        factor: f64,
        best: (usize, u32),
        goal: &Goal,
        among: &[usize],
    ) -> Result<Sensitivity, PlanError> {
        let still = self.looker.bears(goal, best, Closeness::Look)?;
        let found = self
            .looker
            .search_from(goal, among, Some(Likely::About(best.1)))?;
        let before = self.costs(best);
        let then = found.best.first().map(|&w| self.costs(w));
        let cheaper = then.is_some_and(|c| c < before * (1.0 - 1e-9));
        let changes = !still || cheaper;
        let percent = share_text((factor - 1.0).abs());
        let more = if factor > 1.0 { "more" } else { "less" };
        let text = match found.best.first() {
            _ if !changes => format!("{input} {percent} {more}: the plan stays"),
            Some(&which) => {
                let cost = self.costs(which);
                let costs = if (cost - before).abs() <= 1e-9 * before.max(1.0) {
                    "at the same cost".to_owned()
                } else {
                    format!(
                        "{} a month instead of {}",
                        self.money(cost),
                        self.money(before)
                    )
                };
                format!("{input} {percent} {more}: {}, {costs}", self.named(which))
            }
            None => format!("{input} {percent} {more}: {}", self.stops(&found)),
        };
        Ok(Sensitivity {
            input: input.to_owned(),
            factor,
            changes,
            still_holds: still,
            per_month: then,
            text,
        })
    }
}
