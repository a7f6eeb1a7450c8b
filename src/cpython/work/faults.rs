//! What goes wrong by the scenario's word: devices that slow down or stop, and come back; workers that crash.
//!
//! When a fault happens is drawn from streams of their own, so that every strategy meets the same faults at the same instants as long as none of
//! the times between them depends on what happens.

use super::silence::Killed;
use super::{Copy, Work};
use crate::cpython::index::{CopyIndex, DeviceNumber};
use crate::cpython::kernel::Liveness;
use crate::cpython::role::{LoopState, MainState, ThreadRole};
use crate::engine::{Nanos, Streams, unit, whole};
use crate::scenario::{Arrivals, Fault, FaultKind, FaultTime};

/// The faults of a run.
pub(crate) struct Faults<'a> {
    all: &'a [Fault],
    streams: Streams,
    /// How often each has begun.
    begun: Vec<u64>,
    /// Of each that lasts, whether it is on.
    on: Vec<bool>,
    /// Whether they are still to happen: not once everything is over.
    armed: bool,
    /// Processes that were ended, and what they had taken in.
    pub(super) crashed: Killed,
    /// Number of them that the machine has been told of.
    announced: usize,
}

/// What storeys above have to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultStrikes {
    /// Nothing.
    Done,
    /// The process of this copy ends.
    Kills(CopyIndex),
}

impl<'a> Faults<'a> {
    pub(super) fn new(all: &'a [Fault], streams: Streams) -> Self {
        Self {
            all,
            streams,
            begun: vec![0; all.len()],
            on: vec![false; all.len()],
            armed: !all.is_empty(),
            crashed: Killed::default(),
            announced: 0,
        }
    }

    /// Processes that were ended so far.
    pub(crate) fn crashed(&self) -> Killed {
        self.crashed
    }

    /// Number of faults, and ends of faults, that the machine has been told of.
    pub(super) fn announced(&self) -> usize {
        self.announced
    }

    /// Whether faults are still to happen.
    #[inline]
    pub(crate) fn armed(&self) -> bool {
        self.armed
    }
}

impl Work<'_> {
    /// Announces the first of all faults.
    pub(crate) fn announce_faults(&mut self) {
        for fault in 0..self.faults.all.len() {
            self.announce_fault(fault);
        }
    }

    /// Announces when a fault begins next; one that happens at an instant has happened then.
    fn announce_fault(&mut self, fault: usize) {
        let now = self.kernel.machine.now();
        let begun = self.faults.begun[fault];
        let at = match &self.faults.all[fault].when {
            FaultTime::At(at) if begun == 0 => *at,
            FaultTime::At(_) => return,
            FaultTime::Every(interval) => {
                let mut rng = self.faults.streams.task(fault as u64, 2 * begun);
                now + interval.sample(&mut rng)
            }
        };
        self.fault_at(fault, at);
    }

    fn fault_at(&mut self, fault: usize, at: Nanos) {
        self.faults.announced += 1;
        let number = u32::try_from(fault).expect("few faults");
        self.kernel.machine.fault_at(number, at);
    }

    /// Whether nothing is left for a fault to strike.
    fn is_over(&self) -> bool {
        let more = || {
            if self.arrivals_from_outside() {
                self.expects_outside()
            } else {
                self.copies.keys().any(|copy| self.has_more(copy))
            }
        };
        self.tasks.alive() == 0 && !more()
    }

    /// Calls the faults off that are still to come once everything is over: they would only put the end of the run off.
    pub(crate) fn call_faults_off(&mut self) {
        if self.is_over() {
            self.faults.armed = false;
            self.kernel.machine.no_more_faults();
        }
    }

    /// A fault begins, or ends.
    pub(crate) fn fault_strikes(&mut self, number: u32) -> FaultStrikes {
        let fault = number as usize;
        let kind = self.faults.all[fault].kind;
        let now = self.kernel.machine.now();
        self.faults.announced -= 1;
        // Where nothing but faults is to come any more, tasks wait for ever: no further fault helps, unless one of them ends.
        let stuck = self.kernel.machine.pending() <= self.faults.announced + self.ticking;
        if std::mem::take(&mut self.faults.on[fault]) {
            self.adjust_devices();
            self.announce_fault(fault);
            return FaultStrikes::Done;
        }
        if stuck && !self.faults.on.contains(&true) {
            return FaultStrikes::Done;
        }
        self.faults.begun[fault] += 1;
        if let Some(lasts) = kind.lasts() {
            self.faults.on[fault] = true;
            self.adjust_devices();
            self.fault_at(fault, now + lasts);
            return FaultStrikes::Done;
        }
        self.announce_fault(fault);
        match self.victim(fault, kind) {
            Some(copy) => FaultStrikes::Kills(copy),
            None => FaultStrikes::Done,
        }
    }

    /// The copy of a server that a fault ends; `None` if there is none.
    fn victim(&self, fault: usize, kind: FaultKind) -> Option<CopyIndex> {
        let worker = match kind {
            FaultKind::Crash { worker } => worker,
            FaultKind::Slow { .. } | FaultKind::Down { .. } => return None,
        };
        // Tasks of a trace are a worker's own before they have come: it cannot lose those.
        let recorded = matches!(self.kernel.program.arrivals, Arrivals::Trace(_));
        if !self.kernel.program.layout.has_master() || recorded {
            return None;
        }
        let there: Vec<CopyIndex> = (self.copies.keys())
            .filter(|&copy| self.is_there(copy))
            .collect();
        let index = if let Some(n) = worker {
            n as usize
        } else {
            let begun = self.faults.begun[fault];
            let mut rng = self.faults.streams.task(fault as u64, 2 * begun + 1);
            let n = whole((unit(&mut rng) * there.len() as f64).floor());
            usize::try_from(n).expect("an index of a list")
        };
        there.get(index).copied()
    }

    /// Whether the process of a copy runs, and has begun to serve.
    fn is_there(&self, copy: CopyIndex) -> bool {
        let Copy { main, home, .. } = self.copies[copy];
        let begins = match self.kernel.threads[main].role {
            ThreadRole::Main(_, state) => state == MainState::Begin,
            ThreadRole::Loop(_, state) => state == LoopState::Begin,
            // The number of a thread that has ended may have been given to another.
            _ => true,
        };
        !begins && self.kernel.processes[home.process].liveness == Liveness::Alive
    }

    /// Gives each device the pace that the faults leave it: the slowest of those that are on.
    fn adjust_devices(&mut self) {
        for device in 0..self.kernel.program.devices.len() {
            let mut pace = 1.0_f64;
            for (fault, on) in self.faults.all.iter().zip(&self.faults.on) {
                if !on || fault.kind.device() != Some(device) {
                    continue;
                }
                pace = match fault.kind {
                    FaultKind::Slow { factor, .. } => pace.min(1.0 / factor),
                    FaultKind::Down { .. } => 0.0,
                    FaultKind::Crash { .. } => pace,
                };
            }
            self.device_goes_at(DeviceNumber::from(device), pace);
        }
    }
}
