//! As many machines as the load needs: the horizontal pod autoscaler of Kubernetes.
//!
//! At each look (`replica_calculator.go: GetResourceReplicas`) the CPU time that the ready machines have used since the look before, over what they had, is
//! held against the target. Within 10 % of it nothing changes (`--horizontal-pod-autoscaler-tolerance`). Otherwise the number that would meet it is
//! *ceil(utilisation / target x ready)*; where that is more and machines are on their way, these count as idle, and so keep others from being asked for too
//! soon. At most as many as there are, or four, are added within 15 s (the default policies of `behavior.scaleUp`). Fewer are kept only once none of the looks within the stabilisation
//! window has wanted more (`behavior.scaleDown.stabilizationWindowSeconds`).

use std::collections::VecDeque;

use typed_index_collections::TiVec;

use super::Work;
use crate::cpython::index::NodeIndex;
use crate::engine::{Nanos, whole};
use crate::scenario::Autoscale;

/// Share by which the utilisation may be off its target.
const TOLERANCE: f64 = 0.1;
/// The time for which the number of machines at its start limits how many are added, and how many may be added in any case.
const PERIOD: Nanos = Nanos::from_secs(15);
const ADDED: u32 = 4;

/// What has been seen of the machines and their load.
#[derive(Default)]
pub(crate) struct Scaler {
    /// Of each machine, since when it is ready and looked at, and the CPU time that its cores had given until then.
    seen: TiVec<NodeIndex, Option<(Nanos, Nanos)>>,
    /// What the looks within the stabilisation window have wanted.
    wanted: VecDeque<(Nanos, u32)>,
    /// Machines that were added within the last period.
    added: VecDeque<(Nanos, u32)>,
}

/// The number of machines that a look wants before it is limited: `used` of each ready one, over what it had, and how many are on
/// their way.
fn wanted(used: &[f64], coming: u32, current: u32, target: f64) -> u32 {
    if used.is_empty() {
        return current;
    }
    let ready = used.len() as f64;
    let sum: f64 = used.iter().sum();
    let off = |ratio: f64| (ratio - 1.0).abs() > TOLERANCE;
    let number = |x: f64| u32::try_from(whole(x.ceil())).unwrap_or(u32::MAX);
    let ratio = sum / ready / target;
    if coming == 0 || ratio <= 1.0 {
        return if off(ratio) {
            number(ratio * ready)
        } else {
            current
        };
    }
    let all = ready + f64::from(coming);
    let with_them = sum / all / target;
    if !off(with_them) || with_them < 1.0 {
        return current;
    }
    number(with_them * all).max(current)
}

impl Scaler {
    /// Drops what is too long ago.
    fn forget(&mut self, now: Nanos, window: Nanos) {
        let old = |list: &VecDeque<(Nanos, u32)>, kept: Nanos| {
            list.front().is_some_and(|(at, _)| now.since(*at) >= kept)
        };
        while old(&self.wanted, window) {
            self.wanted.pop_front();
        }
        while old(&self.added, PERIOD) {
            self.added.pop_front();
        }
    }

    /// The number of machines from now on, where a look wants so many.
    fn decides(&mut self, wants: u32, current: u32, spec: Autoscale, now: Nanos) -> u32 {
        self.forget(now, spec.cool_down);
        let wants = wants.clamp(spec.min, spec.max);
        self.wanted.push_back((now, wants));
        if wants > current {
            let added: u32 = self.added.iter().map(|(_, n)| n).sum();
            let before = current.saturating_sub(added);
            let most = before.saturating_mul(2).max(before.saturating_add(ADDED));
            let desired = wants.min(most).max(current);
            if desired > current {
                self.added.push_back((now, desired - current));
            }
            return desired;
        }
        let largest = self.wanted.iter().map(|(_, n)| *n).max();
        largest.unwrap_or(wants).min(current)
    }
}

impl Work<'_> {
    /// Announces the first look at the machines' load, where their number follows it.
    pub(crate) fn announce_look(&mut self) {
        if let Some(spec) = self.kernel.program.autoscale() {
            let event = self.look_event();
            let now = self.kernel.machine.now();
            self.fault_at(event, spec.every * (now.0 / spec.every.0.max(1) + 1));
        }
    }

    /// The machines' load is looked at.
    pub(super) fn scaler_looks(&mut self) {
        let Some(spec) = self.kernel.program.autoscale() else {
            return;
        };
        // Where nothing else is to happen any more no machine helps.
        if self.only_faults_are_left() && !self.fleet.moves() && !self.fault_is_on() {
            return;
        }
        let now = self.kernel.machine.now();
        let (used, coming) = self.used_since();
        let current = self.fleet.desired;
        let target = f64::from(spec.target) / 100.0;
        let wants = wanted(&used, coming, current, target);
        self.fleet.desired = self.scaler.decides(wants, current, spec, now);
        if self.fleet.desired != current {
            self.machines_move_on();
        }
        self.announce_look();
    }

    /// Of each ready machine, the share of its CPU time that was used since the last look, or since it has been ready; and the number of
    /// machines that are on their way.
    fn used_since(&mut self) -> (Vec<f64>, u32) {
        let now = self.kernel.machine.now();
        let cores = f64::from(self.kernel.machine.cores_each());
        let (mut used, mut coming) = (Vec::new(), 0);
        self.scaler.seen.resize(self.fleet.machines.len(), None);
        for node in self.fleet.machines.keys() {
            if !self.is_wanted(node) {
                self.scaler.seen[node] = None;
            } else if self.is_up(node) {
                let busy = self.kernel.machine.busy_on(u32::from(node));
                let before = self.scaler.seen[node].replace((now, busy));
                match before {
                    Some((since, until_then)) if now > since => {
                        let had = now.since(since).as_f64() * cores;
                        used.push(busy.since(until_then).as_f64() / had);
                    }
                    _ => coming += 1,
                }
            } else {
                coming += 1;
            }
        }
        (used, coming)
    }

    /// A machine has become ready: what it does from now on counts.
    pub(super) fn is_looked_at(&mut self, node: NodeIndex) {
        if self.kernel.program.autoscale().is_some() {
            let busy = self.kernel.machine.busy_on(u32::from(node));
            self.scaler.seen.resize(self.fleet.machines.len(), None);
            self.scaler.seen[node] = Some((self.kernel.machine.now(), busy));
        }
    }

    /// Notes what the machines have done that are there at the start.
    pub(crate) fn first_look(&mut self) {
        for node in self.fleet.machines.keys() {
            if self.is_up(node) {
                self.is_looked_at(node);
            }
        }
        self.announce_look();
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn spec() -> Autoscale {
        Autoscale {
            min: 2,
            max: 20,
            target: 50,
            every: Nanos::from_secs(15),
            cool_down: Nanos::from_secs(300),
            start: Nanos::ZERO,
        }
    }

    /// The cases of `replica_calculator_test.go` in short: up, down, within the tolerance, and with pods that are not ready.
    #[test]
    fn as_many_are_wanted_as_meet_the_target() {
        assert_eq!(wanted(&[1.0; 4], 0, 4, 0.5), 8);
        assert_eq!(wanted(&[0.1; 10], 0, 10, 0.5), 2);
        assert_eq!(wanted(&[0.54; 4], 0, 4, 0.5), 4);
        assert_eq!(wanted(&[0.56; 4], 0, 4, 0.5), 5);
        // Those on their way count as idle: 4 of 8 at their limit are on target.
        assert_eq!(wanted(&[1.0; 4], 4, 8, 0.5), 8);
        assert_eq!(wanted(&[1.0; 4], 2, 6, 0.5), 8);
        assert_eq!(wanted(&[], 3, 3, 0.5), 3);
    }

    /// 2 to 6 (four more), then to 12 once 15 s are over; down only when five minutes are.
    #[test]
    fn up_at_once_and_down_late() {
        let mut scaler = Scaler::default();
        let at = Nanos::from_secs;
        assert_eq!(scaler.decides(50, 2, spec(), at(15)), 6);
        assert_eq!(scaler.decides(50, 6, spec(), at(25)), 6);
        assert_eq!(scaler.decides(50, 6, spec(), at(30)), 12);
        assert_eq!(scaler.decides(50, 12, spec(), at(45)), 20);
        assert_eq!(scaler.decides(3, 20, spec(), at(344)), 20);
        assert_eq!(scaler.decides(3, 20, spec(), at(345)), 3);
        assert_eq!(scaler.decides(1, 3, spec(), at(700)), 2);
    }
}
