//! One replication: joins the storeys of the runtime, and passes the machine's upcalls to them.

use super::Finding;
use super::executors::Executors;
use super::kernel::{Kernel, Roles, drive};
use super::limits::RunLimits;
use super::profile::Profile;
use super::program::Program;
use super::record::observer::Observed;
use super::role::RoleAction;
use super::watch::{self, RunEnd, Snapshot};
use super::work::Work;
use crate::engine::Nanos;
use crate::machine::{SchedState, Tid, Upcall};
use crate::scenario::MachineSpec;

/// Why the event loop of a replication stopped.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Stop {
    /// No event is left.
    Idle,
    /// The clock has reached the requested instant.
    Time,
    /// Memory has passed its limit.
    Memory,
    /// The number of events has passed its limit.
    Events,
    /// The clock has reached the last instant that it can represent.
    Clock,
    /// The program's only process has been killed.
    Killed,
}

/// What becomes of a run whose memory has passed the limit.
enum MemoryKill {
    /// Nobody is killed for it: the run ends.
    Nobody,
    /// The largest process has been killed.
    Killed,
    /// So has it, and this thread, which had to stop in the middle of its acts, goes on.
    LetsGoOn(Tid),
}

/// One replication in progress.
pub(crate) struct Sim<'a> {
    work: Work<'a>,
    executors: Executors,
    findings: Vec<Finding>,
}

impl<'a> Sim<'a> {
    /// A replication at time 0.
    pub(crate) fn new(
        spec: &MachineSpec,
        profile: &'a Profile,
        program: &'a Program,
        seed: u64,
        replication: u32,
        limits: RunLimits,
    ) -> Self {
        let kernel = Kernel::new(spec, profile, program, seed, replication, limits);
        let mut work = Work::new(kernel, seed, replication);
        let executors = Executors::new(&mut work);
        Self {
            work,
            executors,
            findings: Vec::new(),
        }
    }

    /// Runs to the end and reports.
    pub(crate) fn run(mut self) -> Observed {
        let stop = self.go(self.work.kernel.limits.horizon);
        if stop == Stop::Idle && self.work.tasks.alive() > 0 && !self.work.only_lost_are_left() {
            let deadlock = watch::deadlock(&self.work, &self.executors);
            self.findings.push(deadlock);
        }
        debug_assert!(
            stop != Stop::Idle
                || self.work.tasks.alive() > 0
                || self.work.all_given_back() && self.work.devices.unused(),
            "a resource or device is in use though nobody uses it"
        );
        self.work.settle_transfers();
        self.work.kernel.machine.finish();
        self.work.settle_in_flight();
        self.findings.extend(watch::findings(&self.work));
        watch::observed(self.work, self.findings)
    }

    /// Runs up to an instant, everything at it included, and describes the state there.
    pub(crate) fn snapshot(mut self, at: Nanos) -> Snapshot {
        let horizon = self.work.kernel.limits.horizon.unwrap_or(Nanos::MAX);
        let end = match self.go(Some(at.min(horizon))) {
            Stop::Time if horizon <= at => Some(RunEnd::Horizon),
            Stop::Time => None,
            Stop::Idle if self.work.only_lost_are_left() => Some(RunEnd::Done),
            Stop::Idle if self.work.tasks.alive() > 0 => Some(RunEnd::Deadlock),
            Stop::Idle => Some(RunEnd::Done),
            Stop::Memory => Some(RunEnd::OutOfMemory),
            Stop::Events => Some(RunEnd::EventLimit),
            Stop::Clock => Some(RunEnd::ClockEnd),
            Stop::Killed => Some(RunEnd::Killed),
        };
        watch::picture(&self.work, &self.executors, end).0
    }

    /// Runs until nothing is left to happen, a limit is passed, or it is this time.
    fn go(&mut self, until: Option<Nanos>) -> Stop {
        if let Some(until) = until {
            self.work.kernel.machine.end_at(until);
        }
        loop {
            if self.work.faults.armed() {
                self.work.call_faults_off();
                if let Some(at) = self.work.faults.program_died() {
                    self.findings.push(Finding::ProgramCrashed { at });
                    return Stop::Killed;
                }
            }
            let up = if let Some((at, bytes)) = self.work.kernel.memory.exceeded {
                match self.kills_for_memory() {
                    MemoryKill::LetsGoOn(tid) => Upcall::OnCore(tid),
                    MemoryKill::Killed => continue,
                    MemoryKill::Nobody => {
                        self.findings.push(Finding::OutOfMemory { at, bytes });
                        return Stop::Memory;
                    }
                }
            } else {
                let kernel = &mut self.work.kernel;
                if kernel.over_limit() {
                    let at = kernel.machine.now();
                    self.findings.push(Finding::EventLimit { at });
                    return Stop::Events;
                }
                match kernel.machine.advance() {
                    Some(up) => up,
                    None => return Stop::Idle,
                }
            };
            match up {
                Upcall::OnCore(tid) => drive(self, tid),
                Upcall::Timer(tid) => {
                    self.work.transfer_timed_out(tid);
                    if !self.work.looks_in_vain(tid) {
                        self.work.kernel.timer(tid);
                    }
                }
                Upcall::Device(device) => self.work.transfers_end(device),
                Upcall::Fault(fault) => self.executors.fault(&mut self.work, fault),
                Upcall::Arrival => self.work.arrivals_due(),
                Upcall::Check => self.work.kernel.look_ahead(),
                Upcall::End => return self.at_end(),
            }
        }
    }

    /// Has the largest process killed, if that is what the machine does beyond its memory.
    #[cold]
    fn kills_for_memory(&mut self) -> MemoryKill {
        if !self.work.kernel.memory_kill {
            return MemoryKill::Nobody;
        }
        let exceeded = self.work.kernel.memory.exceeded.take();
        if !self.executors.kill_largest(&mut self.work) {
            self.work.kernel.memory.exceeded = exceeded;
            return MemoryKill::Nobody;
        }
        let kernel = &mut self.work.kernel;
        if kernel.memory.exceeded.is_none()
            && let Some(tid) = kernel.cut.take()
            && kernel.machine.state(tid) == SchedState::Running
        {
            return MemoryKill::LetsGoOn(tid);
        }
        MemoryKill::Killed
    }

    /// The machine's clock stands where it was to stop, or can go no further.
    fn at_end(&mut self) -> Stop {
        let at = self.work.kernel.machine.now();
        if at < Nanos::CLOCK_END {
            return Stop::Time;
        }
        self.findings.push(Finding::ClockEnd { at });
        Stop::Clock
    }
}

impl<'a> Roles<'a> for Sim<'a> {
    #[inline]
    fn kernel(&mut self) -> &mut Kernel<'a> {
        &mut self.work.kernel
    }

    fn refill(&mut self, tid: Tid) {
        self.executors.refill(&mut self.work, tid);
    }

    fn does(&mut self, tid: Tid, action: RoleAction) {
        self.executors.does(&mut self.work, tid, action);
    }
}
