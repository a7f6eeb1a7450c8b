//! Sizes of connection pools as a number that a plan chooses: so many times what the scenario has.
//!
//! Only pools that each process or machine has of its own are chosen: what all share is the limit of somebody outside, which no deployment moves.

use std::borrow::Cow;

use super::look::Looker;
use super::search::{Found, Goal, Likely, Track};
use crate::scenario::{ResourceKind, ResourceSpec, Scenario, Scope, Workload};
use crate::strategy::Cause;
use crate::study::StudyError;

/// What is tried beside the pools as they are.
pub(super) const TIMES: [u32; 2] = [2, 4];
/// Share of their time for which tasks wait for something limited from which more of it may help.
const WAITS: f64 = 0.01;

/// Whether its size is chosen.
pub(super) fn is_chosen(resource: &ResourceSpec) -> bool {
    let own = match resource.scope {
        Scope::Loop | Scope::Process | Scope::Node => true,
        Scope::Everywhere => false,
    };
    let pool = match resource.kind {
        ResourceKind::Connections { .. } => true,
        ResourceKind::Semaphore { .. }
        | ResourceKind::RateLimit { .. }
        | ResourceKind::Breaker { .. } => false,
    };
    own && pool
}

/// Makes the pools so many times as large.
fn widen(workload: &mut Workload, times: u32) {
    for resource in workload.resources.iter_mut().filter(|r| is_chosen(r)) {
        match &mut resource.kind {
            ResourceKind::Connections { size, overflow, .. } => {
                *size = size.saturating_mul(u64::from(times));
                *overflow = overflow.saturating_mul(u64::from(times));
            }
            ResourceKind::Semaphore { .. }
            | ResourceKind::RateLimit { .. }
            | ResourceKind::Breaker { .. } => {}
        }
    }
}

/// The scenario with its pools so many times as large.
pub(super) fn with_pools(scenario: &Scenario, times: u32) -> Cow<'_, Scenario> {
    let mut scenario = Cow::Borrowed(scenario);
    if times > 1 {
        widen(&mut scenario.to_mut().workload, times);
    }
    scenario
}

impl Looker<'_> {
    /// What was found, and whether larger pools make it cheaper: tried where tasks wait for something limited on too few machines, for nowhere
    /// else do they change anything.
    pub(super) fn with_larger_pools(
        &mut self,
        goal: &Goal,
        mut found: Found,
    ) -> Result<Found, StudyError> {
        let waits = |t: &Track| {
            let last = t.last.as_ref();
            last.is_some_and(|(_, s)| s.forecast.causes[Cause::Resource as usize] > WAITS)
        };
        let waiting: Vec<usize> = found
            .tracks
            .iter()
            .filter(|t| waits(t))
            .map(|t| t.candidate)
            .collect();
        let larger = |&c: &usize| {
            let of = self.candidates[c].larger_of;
            let known = found.tracks.iter().any(|t| t.candidate == c);
            !known && of.is_some_and(|smaller| waiting.contains(&smaller))
        };
        let larger: Vec<usize> = (0..self.candidates.len()).filter(larger).collect();
        if larger.is_empty() {
            return Ok(found);
        }
        let best = found.best.first().copied();
        let among: Vec<usize> = best.iter().map(|b| b.0).chain(larger).collect();
        // What costs as much with the pools as they are is left as it is.
        let cheaper = Goal {
            ties: best.is_none(),
            ..*goal
        };
        let likely = best.map(|b| Likely::About(b.1));
        let more = self.search_from(&cheaper, &among, likely)?;
        if more.best.first().is_some_and(|first| Some(*first) != best) {
            found.best = more.best;
        }
        let own = |t: &Track| best.is_none_or(|b| t.candidate != b.0);
        found.tracks.extend(more.tracks.into_iter().filter(own));
        Ok(found)
    }
}
