//! The search for the cheapest candidate that bears a load: branch and bound over candidates, bisection over numbers of machines.
//!
//! More machines never bear less, so that of each candidate the fewest that bear the load are found by bisection; its cost is at least that of
//! the machines that its CPU time needs for certain. Candidates are taken in the order of that bound, and once one bears the load, every other
//! is looked at once on as many machines as cost no more: what does not bear it there cannot be cheaper.

use super::load::{Input, LoadUnit};
use super::look::{Closeness, Lack, Looker, Seen, Sight};
use super::result::Survive;
use crate::quantity::Quantity;
use crate::result::Status;
use crate::study::StudyError;

/// What has to be borne.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Goal {
    /// The load itself.
    pub load: f64,
    /// The share by which more is to be borne with all machines.
    pub headroom: f64,
    /// What may be lost while the load itself is still borne.
    pub survive: Survive,
    /// With this input changed.
    pub input: Input,
    /// Most machines that are tried.
    pub most: u32,
    /// Whether it matters which others cost the same as the cheapest.
    pub ties: bool,
    /// How closely is looked at what is found.
    pub closely: Closeness,
}

impl Goal {
    /// The load with headroom.
    pub(super) fn with_headroom(&self) -> f64 {
        self.load * (1.0 + self.headroom)
    }

    /// The load with headroom on all machines.
    pub(super) fn whole(&self, (candidate, machines): (usize, u32)) -> Sight {
        Sight {
            input: self.input,
            ..Sight::new((candidate, machines), self.with_headroom())
        }
    }
}

/// What is left of a candidate's machines after a loss.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Left {
    /// Everything: nothing may be lost.
    Everything,
    /// Nothing that could execute a task.
    Nothing,
    /// What is to be looked at under the load itself.
    Some(Sight),
}

impl Looker<'_> {
    /// What is left of a candidate's machines after the loss that a goal allows for.
    ///
    /// Where workers are lost, all of one machine are, and a balancer that does not see it gives that machine its share all the same: nothing else is
    /// looked at, for tasks on the other machines fare better.
    pub(super) fn left(&self, goal: &Goal, (candidate, machines): (usize, u32)) -> Left {
        let sight = |machines, load, lost| {
            Left::Some(Sight {
                input: goal.input,
                lost,
                ..Sight::new((candidate, machines), load)
            })
        };
        match goal.survive {
            Survive::Machines(0) | Survive::Workers(0) => Left::Everything,
            Survive::Machines(n) if n >= machines => Left::Nothing,
            Survive::Machines(n) => sight(machines - n, goal.load, 0),
            Survive::Workers(n) if n >= self.candidates[candidate].processes => Left::Nothing,
            Survive::Workers(n) => {
                let share = goal.load / f64::from(machines.max(1));
                sight(1, LoadUnit::of(self.scenario).possible(share), n)
            }
        }
    }
}

/// How the search for one candidate's number of machines stands.
#[derive(Clone, Debug)]
pub(super) struct Track {
    /// Index of the candidate.
    pub candidate: usize,
    /// What one of its machines costs.
    pub price: f64,
    /// Fewest machines that its certain demands leave possible.
    pub bound: u32,
    /// So many are known not to bear it.
    pub lo: u32,
    /// So many are known to bear it.
    pub hi: Option<u32>,
    /// Why no number of machines does.
    pub hopeless: Option<Hopeless>,
    /// What was seen last where it does not bear the load, on how many machines.
    pub last: Option<(u32, Seen)>,
    /// On how many machines it was seen before to be how good, and whether it was saturated there.
    before: Option<(u32, f64, bool)>,
}

/// What is known before a search of how many machines its first candidate takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Likely {
    /// About so many.
    About(u32),
    /// So many, and no fewer.
    AtLeast(u32),
}

/// Why more machines are no help.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Hopeless {
    /// Even next to no load is not borne.
    Alone,
    /// More machines have brought nothing.
    Shared,
    /// More than the most that are tried would be needed.
    TooMany,
    /// Each of its machines has no worker left after the loss.
    Workers,
}

/// What was found.
#[derive(Clone, Debug)]
pub(super) struct Found {
    /// The cheapest candidates with their machines, the best first; empty if there is none.
    pub best: Vec<(usize, u32)>,
    /// How each candidate fared.
    pub tracks: Vec<Track>,
}

/// Candidates that are looked at side by side; a fixed number, so that results do not depend on threads.
const WAVE: usize = 16;
/// The same as long as nothing is known to bear the load.
const FIRST: usize = 6;
/// Growth that more machines must bring to be of use, while there are half as many again.
const BRINGS: f64 = 0.05;
/// Share of what a machine has of the load, where there are as many as are tried, under which a candidate must hold the objectives by itself.
const LIGHT: f64 = 0.1;
/// Difference of costs that is none.
const SAME: f64 = 1e-9;

impl Looker<'_> {
    /// The cheapest of these candidates (indices) that bear the goal.
    pub(super) fn search(&mut self, goal: &Goal, among: &[usize]) -> Result<Found, StudyError> {
        self.search_from(goal, among, None)
    }

    /// The same where it is likely how many machines the first of them takes: the search begins there.
    pub(super) fn search_from(
        &mut self,
        goal: &Goal,
        among: &[usize],
        likely: Option<Likely>,
    ) -> Result<Found, StudyError> {
        let rate = match LoadUnit::of(self.scenario) {
            LoadUnit::PerSecond => Some(goal.with_headroom()),
            LoadUnit::Users => None,
        };
        let mut tracks: Vec<Track> = among
            .iter()
            .map(|&candidate| {
                let c = &self.candidates[candidate];
                let machine = &self.machines[c.machine];
                let profile = &self.profiles[c.profile];
                let bound = match goal.input {
                    Input::AsItIs => c.fewest(self.scenario, profile, machine, rate),
                    Input::Cpu(_) | Input::Waits(_) | Input::Memory(_) | Input::Limit(..) => 1,
                };
                let bound = bound.max(1 + goal.survive.machines());
                // Of what has too few processes, more machines have too few as well.
                let workers = goal.survive.workers();
                let gone = workers > 0 && workers >= c.processes;
                Track {
                    candidate,
                    price: machine.price_per_month,
                    bound,
                    lo: bound - 1,
                    hi: None,
                    hopeless: if gone {
                        Some(Hopeless::Workers)
                    } else {
                        (bound > goal.most).then_some(Hopeless::TooMany)
                    },
                    last: None,
                    before: None,
                }
            })
            .collect();
        let first = tracks.first_mut().filter(|t| t.hopeless.is_none());
        if let (Some(first), Some(likely)) = (first, likely) {
            let n = match likely {
                Likely::About(n) => n,
                Likely::AtLeast(n) => {
                    first.bound = first.bound.max(n);
                    first.lo = first.lo.max(first.bound - 1);
                    if first.bound > goal.most {
                        first.hopeless = Some(Hopeless::TooMany);
                    }
                    n
                }
            };
            let n = n.clamp(first.bound, goal.most.max(first.bound));
            let candidate = first.candidate;
            let seen = self.looked(goal, &[(candidate, n)])?;
            match seen.into_iter().next().flatten() {
                None => tracks[0].hi = Some(n),
                Some(seen) => tracks[0].fails(n, seen, goal),
            }
        }
        loop {
            self.narrow(goal, &mut tracks)?;
            let Some(cheapest) = cheapest(&tracks) else {
                return Ok(Found {
                    best: Vec::new(),
                    tracks,
                });
            };
            let mut equal: Vec<(usize, u32)> = tracks
                .iter()
                .filter_map(|t| {
                    Some((
                        t.candidate,
                        t.hi.filter(|hi| t.costs(*hi) <= cheapest + SAME)?,
                    ))
                })
                .collect();
            self.order(goal, &mut equal)?;
            // What is recommended is looked at more closely than what was searched; if it does not hold then, it never did.
            let best = equal[0];
            if self.bears(goal, best, goal.closely)? {
                return Ok(Found {
                    best: equal,
                    tracks,
                });
            }
            let track = tracks.iter_mut().find(|t| t.candidate == best.0);
            if let Some(t) = track {
                (t.lo, t.hi) = (best.1, None);
            }
        }
    }

    /// Narrows the numbers of machines until the cheapest is known.
    fn narrow(&mut self, goal: &Goal, tracks: &mut [Track]) -> Result<(), StudyError> {
        loop {
            let cheapest = cheapest(tracks);
            let mut open: Vec<(f64, usize, u32)> = Vec::new();
            for (i, t) in tracks.iter().enumerate() {
                if let Some(n) = t.next(cheapest, goal) {
                    open.push((t.costs(t.lo + 1), i, n));
                }
            }
            open.sort_by(|a, b| a.0.total_cmp(&b.0).then(a.1.cmp(&b.1)));
            open.truncate(if cheapest.is_none() { FIRST } else { WAVE });
            if open.is_empty() {
                return Ok(());
            }
            let wanted: Vec<(usize, u32)> = open
                .iter()
                .map(|&(_, i, n)| (tracks[i].candidate, n))
                .collect();
            let seen = self.looked(goal, &wanted)?;
            let mut failed = Vec::new();
            for (&(_, i, n), result) in open.iter().zip(seen) {
                match result {
                    None => tracks[i].hi = Some(n),
                    Some(seen) => {
                        tracks[i].fails(n, seen, goal);
                        failed.push(i);
                    }
                }
            }
            self.refuse_hopeless(goal, tracks, &failed)?;
        }
    }

    /// Whether each of these bears the goal: nothing if it does, else what was seen.
    fn looked(
        &mut self,
        goal: &Goal,
        wanted: &[(usize, u32)],
    ) -> Result<Vec<Option<Seen>>, StudyError> {
        let sights: Vec<Sight> = wanted.iter().map(|&which| goal.whole(which)).collect();
        let full = self.at(&sights, Closeness::Look)?;
        let left: Vec<Left> = wanted.iter().map(|&which| self.left(goal, which)).collect();
        let fewer: Vec<Sight> = left
            .iter()
            .zip(&full)
            .filter_map(|(left, seen)| match left {
                Left::Some(sight) => seen.holds().then_some(*sight),
                Left::Everything | Left::Nothing => None,
            })
            .collect();
        let mut fewer = self.at(&fewer, Closeness::Look)?.into_iter();
        let all = full.into_iter().zip(left).map(|(seen, left)| {
            let (seen, gone) = match left {
                Left::Some(_) if seen.holds() => {
                    let after_loss = true;
                    (
                        Seen {
                            after_loss,
                            ..fewer.next()?
                        },
                        false,
                    )
                }
                Left::Some(_) | Left::Everything => (seen, false),
                Left::Nothing => (seen, true),
            };
            (gone || !seen.holds()).then_some(seen)
        });
        Ok(all.collect())
    }

    /// Whether a candidate on so many machines bears the goal.
    pub(super) fn bears(
        &mut self,
        goal: &Goal,
        which: (usize, u32),
        closeness: Closeness,
    ) -> Result<bool, StudyError> {
        let left = self.left(goal, which);
        let mut holds = |sight: Sight| -> Result<bool, StudyError> {
            let seen = match closeness {
                Closeness::Stare => self.settled(sight, closeness)?,
                Closeness::Glance | Closeness::Look | Closeness::Long | Closeness::Longer => {
                    self.one(sight, closeness)?
                }
            };
            Ok(seen.holds())
        };
        if !holds(goal.whole(which))? {
            return Ok(false);
        }
        match left {
            Left::Everything => Ok(true),
            Left::Nothing => Ok(false),
            Left::Some(sight) => holds(sight),
        }
    }

    /// Drops those of which no number of machines bears the load: which do not hold the objectives under next to no load.
    fn refuse_hopeless(
        &mut self,
        goal: &Goal,
        tracks: &mut [Track],
        failed: &[usize],
    ) -> Result<(), StudyError> {
        // What is saturated may bear less.
        let doubtful: Vec<usize> = failed
            .iter()
            .copied()
            .filter(|&i| {
                let t = &tracks[i];
                let saturated = t
                    .last
                    .as_ref()
                    .is_some_and(|(_, s)| s.lack == Some(Lack::Status(Status::Saturated)));
                t.hopeless.is_none() && !saturated
            })
            .collect();
        let sights: Vec<Sight> = doubtful
            .iter()
            .map(|&i| Sight {
                candidate: tracks[i].candidate,
                machines: 1,
                load: match LoadUnit::of(self.scenario) {
                    LoadUnit::PerSecond => goal.load * LIGHT / f64::from(goal.most),
                    LoadUnit::Users => 1.0,
                },
                input: goal.input,
                lost: 0,
            })
            .collect();
        let seen = self.at(&sights, Closeness::Look)?;
        for (&i, seen) in doubtful.iter().zip(seen) {
            let beyond_chance = match &seen.lack {
                None | Some(Lack::Grows(_)) => false,
                Some(Lack::Misses { certain, .. }) => *certain,
                Some(Lack::Status(_) | Lack::Refused(_)) => true,
            };
            if beyond_chance {
                tracks[i].hopeless = Some(Hopeless::Alone);
                tracks[i].last = Some((1, seen));
            }
        }
        Ok(())
    }

    /// Puts those that cost the same in order: the one first whose objectives are farthest from their bounds; of those that are as far, the
    /// simpler.
    fn order(&mut self, goal: &Goal, equal: &mut Vec<(usize, u32)>) -> Result<(), StudyError> {
        let sights: Vec<Sight> = equal.iter().map(|&which| goal.whole(which)).collect();
        let seen = self.at(&sights, Closeness::Look)?;
        let mut with: Vec<(f64, (usize, u32))> = seen
            .iter()
            .map(|s| s.tightness(self.objectives))
            .zip(equal.iter().copied())
            .collect();
        let least = with.iter().map(|w| w.0).fold(f64::INFINITY, f64::min);
        let as_good = |tightness: f64| tightness <= least + ABOUT;
        let weight = |c: usize| (self.candidates[c].shape, self.candidates[c].weight());
        with.sort_by(|a, b| {
            let (near_a, near_b) = (as_good(a.0), as_good(b.0));
            let simpler = weight(a.1.0).1.cmp(&weight(b.1.0).1);
            near_b
                .cmp(&near_a)
                .then(if near_a && near_b {
                    simpler
                } else {
                    a.0.total_cmp(&b.0)
                })
                .then(weight(a.1.0).cmp(&weight(b.1.0)))
                .then(a.1.cmp(&b.1))
        });
        *equal = with.into_iter().map(|(_, which)| which).collect();
        Ok(())
    }
}

/// Difference of the tightest objectives, as shares of their bounds, that is worth no complexity.
const ABOUT: f64 = 0.05;

/// The least cost of which is known that it bears the load.
fn cheapest(tracks: &[Track]) -> Option<f64> {
    let known = tracks.iter().filter_map(|t| Some(t.costs(t.hi?)));
    known.min_by(f64::total_cmp)
}

impl Track {
    /// What so many machines cost.
    pub(super) fn costs(&self, machines: u32) -> f64 {
        self.price * f64::from(machines)
    }

    /// The next number of machines to look at; `None` if nothing more is to be learnt of it.
    fn next(&self, cheapest: Option<f64>, goal: &Goal) -> Option<u32> {
        let most = goal.most;
        if self.hopeless.is_some() {
            return None;
        }
        let affordable = match cheapest {
            Some(cost) if self.price > 0.0 => {
                let same = if goal.ties { SAME } else { -SAME };
                let n =
                    libm::floor((cost + same * cost.max(1.0)) / self.price).min(f64::from(most));
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "within limits"
                )]
                let n = n as u32;
                n
            }
            _ => most,
        };
        // The one that is the cheapest so far may itself do with fewer.
        let own = self.hi.filter(|&hi| {
            cheapest.is_some_and(|cost| self.costs(hi) <= cost * (1.0 + SAME) + SAME)
        });
        if affordable <= self.lo && own.is_none() {
            return None;
        }
        match own.or(self.hi.filter(|hi| *hi <= affordable)) {
            Some(hi) if hi <= self.lo + 1 => None,
            Some(hi) => Some(self.lo + (hi - self.lo) / 2),
            None if cheapest.is_some() => Some(affordable),
            None => Some(self.guess().min(most)),
        }
    }

    /// How many machines to try where none is known to do: by what those that were tried complete, else half as many again.
    fn guess(&self) -> u32 {
        let least = self.lo + 1;
        let Some((n, seen)) = &self.last else {
            return least;
        };
        let more = n + n.div_ceil(2);
        let by_rate = match &seen.lack {
            Some(Lack::Status(Status::Saturated)) => {
                let done = seen.mean(Quantity::Throughput).unwrap_or(0.0);
                let arrived = seen.mean(Quantity::Arrived).unwrap_or(0.0);
                let completed = seen.mean(Quantity::Completed).unwrap_or(0.0).max(1.0);
                let needed = f64::from(*n) * (arrived / completed).max(1.0);
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a float cast saturates"
                )]
                let needed = libm::ceil(needed) as u32;
                if done > 0.0 { needed.min(4 * n) } else { more }
            }
            _ => least,
        };
        by_rate.max(least)
    }

    /// So many machines do not bear the load.
    fn fails(&mut self, machines: u32, seen: Seen, goal: &Goal) {
        self.lo = self.lo.max(machines);
        let saturated = seen.lack == Some(Lack::Status(Status::Saturated));
        let goodness = if saturated {
            seen.mean(Quantity::Throughput).unwrap_or(0.0)
        } else {
            1.0 / (seen.tightness_of_forecast() + 1e-9)
        };
        let many_more = |n: u32| 2 * u64::from(machines) >= 3 * u64::from(n);
        if let Some((n, before, was_saturated)) = self.before
            && many_more(n)
            && was_saturated == saturated
            && goodness < before * (1.0 + BRINGS)
        {
            self.hopeless = Some(Hopeless::Shared);
        }
        if self.before.is_none_or(|(n, ..)| many_more(n)) {
            self.before = Some((machines, goodness, saturated));
        }
        if self.lo >= goal.most {
            self.hopeless = Some(Hopeless::TooMany);
        }
        self.last = Some((machines, seen));
    }
}

impl Seen {
    /// How far the objective that is missed by most is exceeded, as a share of its bound.
    fn tightness_of_forecast(&self) -> f64 {
        if self.forecast.excess.is_finite() {
            self.forecast.excess
        } else {
            1e9
        }
    }
}
