//! Machines that come and go by order: rolling updates, and as many as the load needs.
//!
//! A machine that goes is first taken out of the balancer, so that nothing new is sent there; it is stopped when the last answer is back, or when its
//! time is over, and what it still has then fails (a broker sends it to another). One that comes starts its program after the time that it takes to
//! boot, and gets requests once its checks have passed often enough, as one that was lost and is back.
//!
//! Which machine goes and when one comes is decided as by a Kubernetes deployment: at most `max_unavailable` machines are missing of those that
//! should serve, and at most `max_surge` are there beyond them; machines that are being drained do not count. Machines that serve nobody yet go before
//! others, and of those that serve the newest.

use std::collections::VecDeque;

use typed_index_collections::TiVec;

use super::Work;
use super::faults::FaultStrikes;
use crate::cpython::index::NodeIndex;
use crate::cpython::program::Program;
use crate::engine::{Nanos, Total};
use crate::scenario::{Rollout, TERMINATION_GRACE};

/// Events of a machine beside its checks: it starts its program, its time to be drained is over, it is stopped.
const EVENTS: usize = 3;

/// How far a machine is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Stage {
    /// It is not there.
    Off,
    /// It is asked for, and starts its program at this instant.
    Booting(Nanos),
    /// Its program has been started. Whether it serves, the balancer's checks tell.
    On,
    /// It is sent nothing more, and is stopped at this instant at the latest.
    Draining(Nanos),
}

/// A machine, as whoever orders it knows it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ordered {
    pub(super) stage: Stage,
    /// When it was last asked for.
    asked: Nanos,
    /// Whether it has yet to be replaced by the rolling update that is under way.
    outdated: bool,
}

/// A rolling update that is under way.
#[derive(Clone, Copy, Debug)]
struct Update {
    since: Nanos,
    rollout: Rollout,
    grace: Nanos,
}

/// The machines, and what is to become of them.
pub(crate) struct Fleet {
    pub(super) machines: TiVec<NodeIndex, Ordered>,
    /// Number of machines that should serve.
    pub(super) desired: u32,
    /// Whether there are to be as many machines as are desired, as there are of one that scales.
    scales: bool,
    /// From when a machine that the load needs is asked for until its program starts.
    start: Nanos,
    update: Option<Update>,
    /// Rolling updates that begin when that one is over.
    asked: VecDeque<(Rollout, Option<Nanos>)>,
    /// Machine time until `since`, when there were so many machines.
    time: Total,
    there: u32,
    since: Nanos,
}

impl Fleet {
    pub(super) fn new(program: &Program) -> Self {
        let now = program.machines_at_first();
        let machine = |i: u32| Ordered {
            stage: if i < now { Stage::On } else { Stage::Off },
            asked: Nanos::ZERO,
            outdated: false,
        };
        let scales = program.autoscale();
        Self {
            machines: (0..program.nodes()).map(machine).collect(),
            desired: now,
            scales: scales.is_some(),
            start: scales.map_or(Nanos::ZERO, |s| s.start),
            update: None,
            asked: VecDeque::new(),
            time: Total::ZERO,
            there: now,
            since: Nanos::ZERO,
        }
    }

    /// Machine time until now: of each machine the time for which it was there.
    pub(crate) fn time(&self, now: Nanos) -> Total {
        self.time + Total::from(now.since(self.since)) * u64::from(self.there)
    }

    /// Counts a machine more (or less) from now on.
    fn counts(&mut self, there: u32, now: Nanos) {
        self.time = self.time(now);
        (self.there, self.since) = (there, now);
    }

    /// Whether a machine is there, or on its way, and not being drained.
    fn stays(&self, node: NodeIndex) -> bool {
        match self.machines[node].stage {
            Stage::Booting(_) | Stage::On => true,
            Stage::Off | Stage::Draining(_) => false,
        }
    }

    /// Whether the balancer's checks of a machine mean anything.
    pub(super) fn is_checked(&self, node: NodeIndex) -> bool {
        self.machines[node].stage == Stage::On
    }

    /// Whether a machine is on its way or being drained.
    pub(super) fn moves(&self) -> bool {
        let mut all = self.machines.iter();
        all.any(|m| matches!(m.stage, Stage::Booting(_) | Stage::Draining(_)))
    }

    /// Whether a machine is stopped as soon as it has nothing left to answer.
    pub(super) fn is_drained(&self, node: NodeIndex) -> bool {
        matches!(self.machines[node].stage, Stage::Draining(_))
    }

    /// Whether a machine is not there, by order.
    pub(super) fn is_off(&self, node: NodeIndex) -> bool {
        match self.machines[node].stage {
            Stage::Off | Stage::Booting(_) => true,
            Stage::On | Stage::Draining(_) => false,
        }
    }
}

impl Work<'_> {
    /// The event of this number is due, of those that are not the scenario's faults: checks of machines, and what is ordered.
    pub(super) fn machine_event(&mut self, event: usize) -> FaultStrikes {
        // Machines that come and go for ever have to meet the event limit, too.
        self.kernel.events += 1;
        let nodes = self.fleet.machines.len();
        let Some(order) = event.checked_sub(2 * nodes) else {
            self.health_event(event);
            return FaultStrikes::Done;
        };
        if order == EVENTS * nodes {
            self.scaler_looks();
            return FaultStrikes::Done;
        }
        let (node, now) = (NodeIndex::from(order / EVENTS), self.kernel.machine.now());
        match (order % EVENTS, self.fleet.machines[node].stage) {
            (0, Stage::Booting(at)) if at == now => FaultStrikes::MachineStarts(node),
            (1, Stage::Draining(until)) if until == now => FaultStrikes::MachineStops(node),
            (2, Stage::Draining(_)) if self.has_answered(node) => FaultStrikes::MachineStops(node),
            _ => FaultStrikes::Done,
        }
    }

    /// The number of an event of a machine, of those that are ordered.
    fn order(&self, node: NodeIndex, event: usize) -> usize {
        let nodes = self.fleet.machines.len();
        self.faults_of_scenario() + 2 * nodes + EVENTS * usize::from(node) + event
    }

    /// The number of the event at which the number of machines is looked at.
    pub(super) fn look_event(&self) -> usize {
        let nodes = self.fleet.machines.len();
        self.faults_of_scenario() + (2 + EVENTS) * nodes
    }

    /// A rolling update is asked for.
    pub(crate) fn update_machines(&mut self, fault: usize) {
        let Some(order) = self.rollout_of(fault) else {
            return;
        };
        self.fleet.asked.push_back(order);
        self.machines_move_on();
    }

    /// A machine has nothing left to answer: if it is being drained, it is stopped.
    pub(super) fn is_idle(&mut self, node: NodeIndex) {
        if self.fleet.is_drained(node) {
            let (event, now) = (self.order(node, 2), self.kernel.machine.now());
            self.fault_at(event, now);
        }
    }

    /// Takes a machine out of the balancer.
    fn drains(&mut self, node: NodeIndex, grace: Nanos) {
        let until = self.kernel.machine.now() + grace;
        if self.fleet.machines[node].stage != Stage::On {
            // Its program has not been started.
            self.fleet.machines[node].stage = Stage::Off;
            self.has_machines(-1);
            return;
        }
        self.fleet.machines[node].stage = Stage::Draining(until);
        self.gets_nothing_more(node);
        if self.has_answered(node) {
            self.is_idle(node);
        } else {
            let event = self.order(node, 1);
            self.fault_at(event, until);
        }
    }

    fn has_machines(&mut self, more: i32) {
        let there = self.fleet.there.saturating_add_signed(more);
        let now = self.kernel.machine.now();
        self.fleet.counts(there, now);
    }

    /// Asks for a machine.
    fn boots(&mut self, node: NodeIndex, takes: Nanos) {
        let now = self.kernel.machine.now();
        self.fleet.machines[node] = Ordered {
            stage: Stage::Booting(now + takes),
            asked: now,
            outdated: false,
        };
        self.has_machines(1);
        let event = self.order(node, 0);
        self.fault_at(event, now + takes);
    }

    /// A machine has been stopped, with all that ran on it.
    pub(crate) fn machine_stops(&mut self, node: NodeIndex) {
        let idle = self.has_answered(node);
        self.fleet.machines[node].stage = Stage::Off;
        self.has_machines(-1);
        let lost = self.machine_is_off(node);
        if self.fleet.update.is_some() || !idle {
            self.restarts.killed.tasks += lost;
            if !idle {
                let now = self.kernel.machine.now();
                self.restarts.killed.one_more(now);
            }
        }
        self.machines_move_on();
    }

    /// The program of a machine is started now.
    pub(crate) fn machine_starts(&mut self, node: NodeIndex) {
        self.fleet.machines[node].stage = Stage::On;
        self.machine_is_on(node);
    }

    /// A machine is back that was lost; whether it starts its program now. It is what it would have been updated to.
    pub(super) fn comes_back(&mut self, node: NodeIndex) -> bool {
        self.fleet.machines[node].outdated = false;
        !self.fleet.is_off(node)
    }

    /// Something has changed of a machine: the next ones go, or come.
    pub(super) fn machines_move_on(&mut self) {
        self.update_begins();
        while self.one_moves() {}
        self.update_is_over();
    }

    fn update_begins(&mut self) {
        if self.fleet.update.is_some() {
            return;
        }
        let Some((rollout, grace)) = self.fleet.asked.pop_front() else {
            return;
        };
        for machine in &mut self.fleet.machines {
            machine.outdated = matches!(machine.stage, Stage::Booting(_) | Stage::On);
        }
        self.fleet.update = Some(Update {
            since: self.kernel.machine.now(),
            rollout,
            grace: grace.unwrap_or(TERMINATION_GRACE),
        });
    }

    /// One machine goes or comes, if it may now; whether one did.
    fn one_moves(&mut self) -> bool {
        let all: Vec<NodeIndex> = (self.fleet.machines.keys())
            .filter(|&node| self.is_wanted(node))
            .collect();
        let there = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let ready = all.iter().filter(|&&node| self.is_up(node)).count();
        let ready = u32::try_from(ready).unwrap_or(u32::MAX);
        let outdated = |node: &NodeIndex| self.fleet.machines[*node].outdated;
        let desired = self.fleet.desired;
        let (surge, missing, grace, start) = match self.fleet.update {
            Some(u) => (
                u.rollout.max_surge,
                u.rollout.max_unavailable,
                u.grace,
                u.rollout.boot,
            ),
            None => (0, 0, TERMINATION_GRACE, self.fleet.start),
        };
        let old = all.iter().filter(|node| outdated(node)).count();
        let fresh = there - u32::try_from(old).unwrap_or(u32::MAX);
        let may_come = match self.fleet.update {
            Some(_) => there < desired.saturating_add(surge) && fresh < desired,
            None => self.fleet.scales && there < desired,
        };
        if may_come && let Some(node) = self.free_place() {
            self.boots(node, start);
            return true;
        }
        let goes = if old > 0 {
            let spare = ready > desired.saturating_sub(missing);
            let of_old = || all.iter().copied().filter(|node| outdated(node));
            let unready = of_old().find(|&node| !self.is_up(node));
            unready.or_else(|| of_old().next().filter(|_| spare))
        } else if self.fleet.scales && there > desired {
            let newest = |&node: &NodeIndex| (self.fleet.machines[node].asked, node);
            let unready = all.iter().copied().filter(|&node| !self.is_up(node));
            (unready.max_by_key(newest)).or_else(|| all.iter().copied().max_by_key(newest))
        } else {
            None
        };
        if let Some(node) = goes {
            self.drains(node, grace);
        }
        goes.is_some()
    }

    /// A place at which there is no machine.
    fn free_place(&self) -> Option<NodeIndex> {
        let mut all = self.fleet.machines.iter_enumerated();
        all.find(|(_, m)| m.stage == Stage::Off)
            .map(|(node, _)| node)
    }

    /// An update is over once all machines that stay are new and serve.
    fn update_is_over(&mut self) {
        let Some(update) = self.fleet.update else {
            return;
        };
        let nodes = || self.fleet.machines.keys();
        let there = |node: &NodeIndex| self.is_wanted(*node);
        let waits = nodes()
            .filter(there)
            .any(|node| self.fleet.machines[node].outdated || !self.is_up(node));
        let count = nodes().filter(there).count();
        if waits || self.fleet.moves() || count < self.fleet.desired as usize {
            return;
        }
        self.fleet.update = None;
        let took = self.kernel.machine.now().since(update.since);
        self.restarts.is_over(took);
        if !self.fleet.asked.is_empty() {
            self.machines_move_on();
        }
    }

    /// Whether a machine is there or on its way, and has not been lost.
    pub(super) fn is_wanted(&self, node: NodeIndex) -> bool {
        self.fleet.stays(node) && !self.is_lost_machine(node)
    }
}
