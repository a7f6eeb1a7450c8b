//! Under which other inputs another approach would be the better one, found by simulating them.

use super::candidates::{Candidate, candidates};
use super::change::Lever;
use super::choose::{Decision, SAME, decide};
use super::family::Family;
use super::survey::{Fared, Goal, Scale, Surveyor, measured, ordered, scene};
use crate::scenario::{Scenario, Strategy, Workers};
use crate::study::{Options, StudyError};

/// Where an alternative becomes better than what is recommended.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Crossing {
    /// The input.
    pub lever: Lever,
    /// The factor of it at which the two are equal, about.
    pub factor: f64,
    /// The factor at which the alternative was seen to be better.
    pub seen: f64,
    /// Whether both were given the numbers of workers that are best there; else they have those that are best for the input as it is.
    pub anew: bool,
}

impl Crossing {
    /// Whether one of the same input, in the same direction, has been seen by then.
    fn comes_before(&self, other: &Self) -> bool {
        self.lever == other.lever
            && (self.seen > 1.0) == (other.seen > 1.0)
            && far(self.seen) <= far(other.seen)
    }

    /// Whether it is within what is looked at as a wrong input, half to double.
    pub(super) fn is_near(&self) -> bool {
        far(self.seen) <= far(WRONG[1])
    }
}

/// What would be decided with an input wrong.
#[derive(Clone, Debug)]
pub(super) struct Wrong {
    /// The input.
    pub lever: Lever,
    /// By which factor.
    pub factor: f64,
    /// What was seen then.
    pub seen: Vec<Fared>,
    /// What is decided by that.
    pub decision: Decision,
}

impl Wrong {
    /// Whether what is taken would not be: where another is no better than it, and no simpler, the advice stands.
    pub(super) fn changes(&self, taken: &Candidate) -> bool {
        let Some(other) = self.decision.take.map(|i| &self.seen[i].candidate) else {
            return true;
        };
        let as_good = |&i: &usize| self.seen[i].candidate.kind() == taken.kind();
        let stands = other.kind() == taken.kind()
            || other.complexity() >= taken.complexity() && self.decision.tied.iter().any(as_good);
        !stands
    }
}

/// Factors that are tried, from the nearest on each side.
const FACTORS: [f64; 5] = [2.0, 4.0, 8.0, 16.0, 32.0];
/// Times an interval in which two cross is halved.
const HALVINGS: u32 = 3;
/// Model events that the search for crossings may take, and that for wrong inputs: what takes longer is left out.
const BUDGET: u64 = 24_000_000;
/// Replications by which it is seen whether an input changes the answer, and by which that is held where it does.
const FIRST_LOOK: u32 = 2;
const SECOND_LOOK: u32 = 8;
/// Factors by which an input may be wrong.
const WRONG: [f64; 2] = [0.5, 2.0];

impl Surveyor<'_> {
    /// For each of the others, where it becomes better than what is taken, the nearest of each input first; of the first `most` of each the
    /// numbers of workers are searched anew.
    pub(super) fn crossings(
        &self,
        scenario: &Scenario,
        goal: &Goal,
        scale: Scale,
        taken: &Candidate,
        (others, most): (&[Candidate], usize),
        wrong: &[Wrong],
    ) -> Result<Vec<Vec<Crossing>>, StudyError> {
        let mut found: Vec<Vec<Crossing>> = others.iter().map(|_| Vec::new()).collect();
        let levers: Vec<Lever> = Lever::ALL
            .into_iter()
            .filter(|l| l.applies(scenario))
            .collect();
        // Each input may take its share.
        let share = BUDGET / levers.len().max(1) as u64;
        for lever in levers {
            for up in [true, false] {
                let begun = self.spent();
                let mut before = 1.0;
                let mut open: Vec<usize> = (0..others.len())
                    .filter(|&i| {
                        found[i]
                            .iter()
                            .all(|c| c.lever != lever || (c.factor > 1.0) != up)
                    })
                    .collect();
                for factor in FACTORS {
                    if open.is_empty() || self.spent() - begun > share / 2 {
                        break;
                    }
                    let factor = if up { factor } else { 1.0 / factor };
                    let some: Vec<Candidate> = open.iter().map(|&i| others[i].clone()).collect();
                    let Some(better) =
                        self.better(scenario, goal, scale, taken, &some, (lever, factor))?
                    else {
                        break;
                    };
                    let crossed: Vec<usize> = open
                        .iter()
                        .zip(&better)
                        .filter(|(_, b)| **b)
                        .map(|(i, _)| *i)
                        .collect();
                    for &i in &crossed {
                        let at = self.halved(
                            scenario,
                            goal,
                            scale,
                            (taken, &others[i]),
                            lever,
                            (before, factor),
                        )?;
                        found[i].push(Crossing {
                            lever,
                            factor: at,
                            seen: factor,
                            anew: false,
                        });
                    }
                    open.retain(|i| !crossed.contains(i));
                    before = factor;
                }
            }
        }
        for list in &mut found {
            list.sort_by(|a, b| far(a.factor).total_cmp(&far(b.factor)));
        }
        let begun = self.spent();
        for (list, other) in found.iter_mut().zip(others) {
            let mut held = Vec::new();
            for crossing in list.drain(..) {
                // What takes too long to search anew says with which workers it was seen.
                if held.len() >= most || self.spent() - begun > BUDGET / 2 {
                    held.push(crossing);
                    continue;
                }
                held.extend(self.anew(scenario, (goal, scale), (taken, other), crossing)?);
            }
            *list = held;
        }
        self.preferred(scenario, (goal, scale), taken, others, (&mut found, wrong))?;
        Ok(found)
    }

    /// Leaves each crossing to what would be taken there, the single thread among them: where several become better than what is taken, the others
    /// have nothing to say. What was decided anew with the same input half or double is not decided again.
    fn preferred(
        &self,
        scenario: &Scenario,
        (goal, scale): (&Goal, Scale),
        taken: &Candidate,
        others: &[Candidate],
        (found, wrong): (&mut [Vec<Crossing>], &[Wrong]),
    ) -> Result<(), StudyError> {
        let all: Vec<Vec<Crossing>> = found.to_vec();
        for (i, list) in found.iter_mut().enumerate() {
            let mut kept = Vec::new();
            for crossing in list.drain(..) {
                let decided = wrong
                    .iter()
                    .find(|w| w.lever == crossing.lever && w.factor == crossing.seen);
                let takes = match decided {
                    Some(w) if !w.changes(taken) => Some(taken.kind()),
                    Some(w) => w.decision.take.map(|t| w.seen[t].candidate.kind()),
                    None => {
                        let rivals = (0..others.len()).filter(|&j| {
                            j == i || all[j].iter().any(|c| c.comes_before(&crossing))
                        });
                        let mut rivals: Vec<Candidate> =
                            rivals.map(|j| others[j].clone()).collect();
                        let whole = self.profiles.iter().position(|p| p.gil).unwrap_or(0);
                        rivals.push(Candidate::single(Strategy::Sequential, whole));
                        self.taken_of(scenario, (goal, scale), (taken, rivals), crossing)?
                    }
                };
                if takes == Some(others[i].kind()) {
                    kept.push(crossing);
                }
            }
            *list = kept;
        }
        Ok(())
    }

    /// What is decided where these cross: between what is taken and those that are better.
    fn taken_of(
        &self,
        scenario: &Scenario,
        (goal, scale): (&Goal, Scale),
        (taken, rivals): (&Candidate, Vec<Candidate>),
        at: Crossing,
    ) -> Result<Option<(Family, bool)>, StudyError> {
        let Some(changed) = at.lever.changed(scenario, at.seen) else {
            return Ok(None);
        };
        let mut once = vec![taken.clone()];
        for c in rivals {
            if !once.contains(&c) {
                once.push(c);
            }
        }
        let mut rivals = once;
        if at.lever == Lever::Cores {
            let cores = scenario.machine.visible_cpus;
            for c in &mut rivals {
                *c = resized(c, cores, changed.machine.visible_cpus);
            }
        }
        let scene = scene(&changed, goal, scale.times);
        let one = Options::default().with_replications(1);
        let seen = self.study(&scene, &rivals, &one, Some(goal.metric))?;
        let take = decide(&seen, goal).take;
        Ok(take.map(|t| seen[t].candidate.kind()))
    }

    /// A crossing with both given the numbers of workers that are best there; `None`: with those the other is no better.
    fn anew(
        &self,
        scenario: &Scenario,
        (goal, scale): (&Goal, Scale),
        kinds: (&Candidate, &Candidate),
        crossing: Crossing,
    ) -> Result<Option<Crossing>, StudyError> {
        let at = |factor: f64| {
            self.best_is_better(scenario, (goal, scale), kinds, (crossing.lever, factor))
        };
        if !at(crossing.seen)? {
            return Ok(None);
        }
        let factor = if at(crossing.factor)? {
            crossing.factor
        } else {
            libm::sqrt(crossing.factor * crossing.seen)
        };
        Ok(Some(Crossing {
            factor,
            anew: true,
            ..crossing
        }))
    }

    /// Whether with an input changed the best of one kind is better than the best of another.
    fn best_is_better(
        &self,
        scenario: &Scenario,
        (goal, scale): (&Goal, Scale),
        (taken, other): (&Candidate, &Candidate),
        (lever, factor): (Lever, f64),
    ) -> Result<bool, StudyError> {
        let Some(changed) = lever.changed(scenario, factor) else {
            return Ok(false);
        };
        let mut all = candidates(
            &changed,
            self.profiles,
            self.constraints,
            scale.breadth,
            self.placed,
        );
        all.retain(|c| c.kind() == taken.kind() || c.kind() == other.kind());
        for own in [taken, other] {
            if !all.contains(own) {
                all.push(own.clone());
            }
        }
        let scene = scene(&changed, goal, scale.times);
        let one = Options::default().with_replications(1);
        let seen = self.study(&scene, &all, &one, Some(goal.metric))?;
        let order = ordered(&seen, goal);
        let best = |of: &Candidate| {
            let mut order = order.iter().map(|&i| &seen[i]);
            order.find(|f| f.candidate.kind() == of.kind())
        };
        let both = best(other).zip(best(taken));
        Ok(both.is_some_and(|(other, taken)| is_better(other, taken, goal)))
    }

    pub(super) fn spent(&self) -> u64 {
        self.events.load(std::sync::atomic::Ordering::Relaxed)
    }

    /// Whether each of these is better than what is taken with an input changed; `None` where it cannot be.
    fn better(
        &self,
        scenario: &Scenario,
        goal: &Goal,
        scale: Scale,
        taken: &Candidate,
        others: &[Candidate],
        (lever, factor): (Lever, f64),
    ) -> Result<Option<Vec<bool>>, StudyError> {
        let Some(changed) = lever.changed(scenario, factor) else {
            return Ok(None);
        };
        let mut some = vec![taken.clone()];
        some.extend(others.iter().cloned());
        if lever == Lever::Cores {
            let cores = scenario.machine.visible_cpus;
            some.iter_mut()
                .for_each(|c| *c = resized(c, cores, changed.machine.visible_cpus));
        }
        let scene = scene(&changed, goal, scale.times);
        let seen = self.study(
            &scene,
            &some,
            &Options::default().with_replications(1),
            Some(goal.metric),
        )?;
        let find = |c: &Candidate| seen.iter().find(|f| f.candidate == *c);
        let taken = find(&some[0]);
        let better = some[1..].iter().map(|c| match (taken, find(c)) {
            (Some(a), Some(b)) => is_better(b, a, goal),
            _ => false,
        });
        Ok(Some(better.collect()))
    }

    /// The factor between these two at which the two cross.
    fn halved(
        &self,
        scenario: &Scenario,
        goal: &Goal,
        scale: Scale,
        (taken, other): (&Candidate, &Candidate),
        lever: Lever,
        (mut worse, mut better): (f64, f64),
    ) -> Result<f64, StudyError> {
        for _ in 0..HALVINGS {
            let middle = libm::sqrt(worse * better);
            let some = std::slice::from_ref(other);
            match self.better(scenario, goal, scale, taken, some, (lever, middle))? {
                Some(is) if is[0] => better = middle,
                Some(_) => worse = middle,
                None => break,
            }
        }
        Ok(libm::sqrt(worse * better))
    }

    /// What would be decided with each input half and double what it is; `None` where nothing changes with it.
    pub(super) fn wrong(
        &self,
        scenario: &Scenario,
        goal: &Goal,
        scale: Scale,
        taken: &Candidate,
        finalists: &[Candidate],
    ) -> Result<Vec<Wrong>, StudyError> {
        let mut all = Vec::new();
        let begun = self.spent();
        for lever in Lever::ALL.into_iter().filter(|l| l.applies(scenario)) {
            for factor in WRONG {
                let Some(changed) = lever.changed(scenario, factor) else {
                    continue;
                };
                let mut some: Vec<Candidate> = finalists.to_vec();
                if lever == Lever::Cores {
                    let cores = scenario.machine.visible_cpus;
                    for c in finalists {
                        let other = resized(c, cores, changed.machine.visible_cpus);
                        if !some.contains(&other) {
                            some.push(other);
                        }
                    }
                }
                if self.spent() - begun > BUDGET {
                    break;
                }
                let scene = scene(&changed, goal, scale.times);
                let options = Options::default().with_replications(FIRST_LOOK);
                let seen = self.study(&scene, &some, &options, Some(goal.metric))?;
                let decision = decide(&seen, goal);
                all.push(Wrong {
                    lever,
                    factor,
                    seen,
                    decision,
                });
            }
        }
        // In two replications much may be chance, and chance is a tie that the simpler wins: that another would be taken is to be seen closely.
        let begun = self.spent();
        for wrong in &mut all {
            let another = wrong.decision.take.is_some() && wrong.changes(taken);
            let changed = wrong.lever.changed(scenario, wrong.factor);
            if let Some(changed) = changed.filter(|_| another)
                && self.spent() - begun < BUDGET
            {
                let some: Vec<Candidate> = wrong.seen.iter().map(|f| f.candidate.clone()).collect();
                let scene = scene(&changed, goal, scale.times);
                let options = Options::default().with_replications(SECOND_LOOK);
                wrong.seen = self.study(&scene, &some, &options, Some(goal.metric))?;
                wrong.decision = decide(&wrong.seen, goal);
            }
        }
        Ok(all)
    }
}

/// How far a factor is from 1, either way.
fn far(factor: f64) -> f64 {
    libm::fabs(libm::log(factor))
}

/// Whether one does what is required and is better than another, by more than a tie.
pub(super) fn is_better(a: &Fared, than: &Fared, goal: &Goal) -> bool {
    if a.standing() > 1 {
        return false;
    }
    let sooner = measured(a, goal)
        .zip(measured(than, goal))
        .is_some_and(|(a, b)| a < b * (1.0 - SAME));
    sooner || than.standing() > 1
}

/// A candidate whose workers were as many as cores, or half or twice as many, with as many of other cores.
fn resized(candidate: &Candidate, from: u32, to: u32) -> Candidate {
    let strategy = &candidate.strategy;
    let of = |n: u32| {
        let workers = f64::from(n) / f64::from(from.max(1)) * f64::from(to);
        libm::round(workers).clamp(1.0, 4096.0)
    };
    let workers = strategy.every_pool().find_map(|p| match p.workers() {
        Some(Workers::Exactly(n)) => Some(n),
        Some(Workers::Auto | Workers::PerTask) | None => None,
    });
    let execution = strategy.execution();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "within limits"
    )]
    let sized = match (execution.copies, workers) {
        (Some(n), _) if n > 1 => strategy.with_workers(of(n) as u32),
        (_, Some(n)) if n <= 2 * from => strategy.with_workers(of(n) as u32),
        _ => strategy.clone(),
    };
    Candidate {
        strategy: sized,
        ..candidate.clone()
    }
}
