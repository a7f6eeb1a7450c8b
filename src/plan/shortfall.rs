//! Where nothing bears what was asked for, or not for the money: what comes nearest, and what is in the way.

use super::load::LoadUnit;
use super::look::{Closeness, Sight};
use super::make::{PlanError, Planner};
use super::result::Plan;
use super::search::{Found, Hopeless, Track};
use super::words::{lack_text, load_text, machines_text};
use crate::quantity::{Quantity, counted};
use crate::result::Status;

impl Planner<'_> {
    /// Where nothing bears what was asked for: what comes nearest, and what is in the way.
    pub(super) fn nothing(&mut self, plan: &mut Plan, found: &Found) -> Result<(), PlanError> {
        // Of each candidate what it bears with the most machines that were tried, or by itself.
        let mut near: Vec<(f64, &Track)> = found
            .tracks
            .iter()
            .filter_map(|t| {
                let (_, seen) = t.last.as_ref()?;
                let tight = match seen.forecast.status {
                    Status::Fine => seen.tightness(self.objectives),
                    Status::Saturated => {
                        let done = seen.mean(Quantity::Throughput).unwrap_or(0.0);
                        1.0 + self.goal.with_headroom() / done.max(1e-9)
                    }
                    _ => f64::INFINITY,
                };
                Some((tight, t))
            })
            .collect();
        near.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.candidate.cmp(&b.1.candidate)));
        let Some((_, nearest)) = near.first() else {
            let alone = |t: &Track| t.hopeless == Some(Hopeless::Workers);
            if found.tracks.iter().all(alone) {
                plan.binding = Some(format!(
                    "nothing that is searched has more than {} on a machine, and all of them may be lost",
                    counted(u64::from(self.ask.survive.workers()), "worker")
                ));
                return Ok(());
            }
            plan.binding = Some(format!(
                "the load of {} needs more than {} machines of every kind, by the CPU time of its tasks alone",
                load_text(self.goal.with_headroom(), self.unit),
                self.goal.most
            ));
            return Ok(());
        };
        let Some((machines, seen)) = &nearest.last else {
            return Ok(());
        };
        let (machines, candidate) = (*machines, nearest.candidate);
        let why = lack_text(seen, self.objectives);
        let way = match nearest.hopeless {
            Some(Hopeless::Alone) => format!(
                "even under next to no load nothing holds: {why}, with {}",
                self.named((candidate, machines))
            ),
            Some(Hopeless::Shared) => format!(
                "more machines are no help{}: {why}, with {}",
                self.sharing(),
                self.named((candidate, machines))
            ),
            Some(Hopeless::Workers) => format!(
                "no machine has a worker left after the loss, with {}",
                self.named((candidate, machines))
            ),
            Some(Hopeless::TooMany) | None => format!(
                "{} are not enough, and more are not tried (--most-machines): {why}, with {}",
                counted(u64::from(self.goal.most), "machine"),
                self.named((candidate, machines))
            ),
        };
        plan.binding = Some(way);
        // What it does bear: by halves.
        let mut load = self.goal.with_headroom();
        for _ in 0..14 {
            load = match self.unit {
                LoadUnit::PerSecond => load / 2.0,
                LoadUnit::Users => libm::floor(load / 2.0).max(1.0),
            };
            let sight = Sight::new((candidate, machines), load);
            if self.looker.one(sight, Closeness::Look)?.holds() {
                self.describe_nearest(plan, (candidate, machines), load)?;
                return Ok(());
            }
            if load <= 1.0 && self.unit == LoadUnit::Users {
                break;
            }
        }
        self.nearest(plan, (candidate, machines))
    }

    /// What comes nearest, under the load that was asked for.
    fn nearest(&mut self, plan: &mut Plan, which: (usize, u32)) -> Result<(), PlanError> {
        let mut under = |load| self.looker.one(Sight::new(which, load), Closeness::Look);
        let (full, at_load) = (under(self.goal.with_headroom())?, under(self.goal.load)?);
        plan.plan = Some(self.deployment(which, &full, &at_load, Vec::new(), Vec::new()));
        plan.cost = Some(self.cost(which));
        Ok(())
    }

    /// What comes nearest, with what it bears.
    fn describe_nearest(
        &mut self,
        plan: &mut Plan,
        which: (usize, u32),
        load: f64,
    ) -> Result<(), PlanError> {
        self.nearest(plan, which)?;
        let maximum = self.looker.maximum(which, load)?;
        let curve = self.looker.curve(which, self.named(which), maximum.held)?;
        plan.bottleneck = self.looker.bottleneck(which, &maximum)?;
        plan.maximum_load = Some(maximum);
        plan.curves.push(curve);
        Ok(())
    }

    /// What the budget allows of the plan, where the whole costs more.
    pub(super) fn over_budget(
        &mut self,
        plan: &mut Plan,
        best: (usize, u32),
        budget: f64,
    ) -> Result<(), PlanError> {
        let cost = self.money(self.costs(best));
        let mut text = format!(
            "the budget of {} a month: the cheapest that holds costs {cost}",
            self.money(budget)
        );
        let price = self.machine(best.0).price_per_month;
        let affordable = libm::floor((budget + 1e-9) / price.max(1e-12)).min(f64::from(best.1));
        if affordable >= 1.0 {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "at most a number of machines"
            )]
            let n = affordable as u32;
            let mut load = self.goal.load;
            for _ in 0..10 {
                if self
                    .looker
                    .one(Sight::new((best.0, n), load), Closeness::Look)?
                    .holds()
                {
                    let most = self.looker.maximum((best.0, n), load)?;
                    let on = machines_text(n, &self.machine(best.0).name);
                    text = format!(
                        "{text}; {on} for {} bear {}",
                        self.money(self.costs((best.0, n))),
                        load_text(most.held, self.unit)
                    );
                    break;
                }
                load *= 0.7;
            }
        } else {
            text = format!("{text}, and one machine of the kind that it takes costs more");
        }
        plan.binding = Some(text);
        Ok(())
    }
}
