//! What goes wrong by the scenario's word: devices that slow down or stop, and come back; processes that crash.
//!
//! When a fault happens is drawn from streams of their own, so that every strategy meets the same faults at the same instants as long as none of
//! the times between them depends on what happens.

use super::silence::Killed;
use super::{Death, Work};
use crate::cpython::finding::Finding;
use crate::cpython::index::{CopyIndex, DeviceNumber, NodeIndex};
use crate::cpython::record::recording::FaultRecord;
use crate::cpython::role::{LoopState, MainState, ThreadRole};
use crate::engine::{Nanos, Streams, unit, whole};
use crate::scenario::{Arrivals, Fault, FaultKind, FaultTime, Rollout};

/// What crashes of pools' workers came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct PoolCrashes {
    /// Number of workers of `ProcessPoolExecutor`s that crashed, and when the first did.
    pub(crate) broke: (u64, Nanos),
    /// Number of calls that were pending in their pools then and failed, as tasks.
    pub(crate) pending: u64,
    /// Number of calls that were submitted to a broken pool, and failed at once.
    pub(crate) refused: u64,
    /// Number of workers of `multiprocessing.Pool`s that crashed, and when the first did.
    pub(crate) replaced: (u64, Nanos),
    /// Number of tasks that were lost with them: nobody ever hears of them again.
    pub(crate) lost: u64,
    /// Whether one of these had the lock of a pipe that its pool shares: nobody has it ever again.
    pub(crate) hangs: bool,
}

/// How long gunicorn's handler of SIGINT sleeps before it raises `SystemExit` (`workers/base.py: handle_quit`).
const QUITS: Nanos = Nanos::from_millis(100);

/// Counts one more of those that happen, the first of them at this instant.
pub(crate) fn one_more(count: &mut (u64, Nanos), now: Nanos) {
    if count.0 == 0 {
        count.1 = now;
    }
    count.0 += 1;
}

/// The faults of a run.
pub(crate) struct Faults<'a> {
    all: &'a [Fault],
    streams: Streams,
    /// When supervisors look.
    looks: Streams,
    /// How often each has begun, and when it did so last.
    begun: Vec<u64>,
    last: Vec<Nanos>,
    /// Of each that lasts, whether it is on.
    on: Vec<bool>,
    /// Whether they are still to happen: not once everything is over.
    armed: bool,
    /// Copies of a server that were ended, and what they had taken in.
    pub(super) crashed: Killed,
    /// When another copy answers in the place of the first that crashed.
    back: Back,
    /// Workers of process pools that were ended, and what became of their calls.
    pub(crate) pools: PoolCrashes,
    /// Number of crashes that found no process to end, and when the first did.
    missed: (u64, Nanos),
    /// Processes that were killed for memory, and what copies of a server among them had taken in.
    pub(super) for_memory: Killed,
    /// When the program's only process was ended.
    program: Option<Nanos>,
    /// Of each fault that is on and takes a machine, that machine.
    machines: Vec<Option<NodeIndex>>,
    /// When copies that were asked to end are killed, and by which faults.
    graces: Vec<(Nanos, usize, CopyIndex)>,
    /// Copies that were interrupted and do no more, whose processes are not gone yet.
    quitting: Vec<CopyIndex>,
    /// Number of them that the machine has been told of.
    announced: usize,
}

/// When a copy that was started since the first crash answers for the first time.
#[derive(Clone, Copy, Debug, Default)]
struct Back {
    /// The first copy that was not there at the crash, as long as none of these has answered.
    from: Option<CopyIndex>,
    /// How long after the crash one had; zero if none has.
    took: Nanos,
}

/// What storeys above have to do.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum FaultStrikes {
    /// Nothing.
    Done,
    /// A process ends at once: which, [`Work::victim`] says.
    Kills,
    /// This machine is gone.
    MachineLost(NodeIndex),
    /// This machine is back.
    MachineBack(NodeIndex),
    /// A process is asked to end: which, [`Work::victim`] says.
    Terminates,
    /// The process of this copy was asked to end, and is killed now, for this reason, unless it has.
    Expires(CopyIndex, Death),
    /// A process is interrupted: which, [`Work::victim`] says.
    Interrupts,
    /// A process collects garbage for so long: which, [`Work::victim`] says.
    Pauses(Nanos),
    /// The process of this copy, which was interrupted and does no more, is gone now.
    Gone(CopyIndex),
    /// The server is restarted, or the machines are, one after another.
    Restarts,
    /// This machine, which has been drained or has had its time for that, is stopped.
    MachineStops(NodeIndex),
    /// This machine starts its program.
    MachineStarts(NodeIndex),
}

impl<'a> Faults<'a> {
    /// `machines`: whether machines come and go by themselves, which is called off with the faults.
    pub(super) fn new(
        all: &'a [Fault],
        machines: bool,
        (streams, looks): (Streams, Streams),
    ) -> Self {
        Self {
            all,
            streams,
            looks,
            begun: vec![0; all.len()],
            last: vec![Nanos::ZERO; all.len()],
            on: vec![false; all.len()],
            armed: machines || !all.is_empty(),
            crashed: Killed::default(),
            back: Back::default(),
            pools: PoolCrashes::default(),
            missed: (0, Nanos::ZERO),
            for_memory: Killed::default(),
            program: None,
            machines: vec![None; all.len()],
            graces: Vec::new(),
            quitting: Vec::new(),
            announced: 0,
        }
    }

    /// When the program's only process was ended; `None` as long as it lives.
    #[inline]
    pub(crate) fn program_died(&self) -> Option<Nanos> {
        self.program
    }

    /// Number of faults, and ends of faults, that the machine has been told of.
    pub(super) fn announced(&self) -> usize {
        self.announced
    }

    /// When the supervisor on a machine looks for ends for the first time, where it does so with so much time in between.
    pub(super) fn first_look(&self, node: NodeIndex, each: Nanos) -> Nanos {
        let mut rng = self.looks.task(usize::from(node) as u64, 0);
        each.scale(unit(&mut rng))
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

    pub(super) fn fault_at(&mut self, fault: usize, at: Nanos) {
        self.faults.announced += 1;
        let number = u32::try_from(fault).expect("few faults");
        self.kernel.machine.fault_at(number, at);
    }

    /// Whether nothing is left for a fault to strike.
    pub(super) fn is_over(&self) -> bool {
        let more = || {
            if self.arrivals_from_outside() {
                self.expects_outside()
            } else {
                self.present.iter().any(|&copy| self.has_more(copy))
            }
        };
        // What has been lost with a worker is never over, and nothing happens to it any more.
        self.tasks.alive() == self.lost && !more()
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
        self.faults.announced -= 1;
        if let Some(event) = fault.checked_sub(self.faults.all.len()) {
            return self.machine_event(event);
        }
        let kind = self.faults.all[fault].kind;
        let now = self.kernel.machine.now();
        // Where nothing but faults is to come any more, tasks wait for ever: no further fault helps, unless one of them ends.
        let stuck = self.only_faults_are_left();
        let expires = |&(at, by, _): &(Nanos, usize, CopyIndex)| at == now && by == fault;
        if let Some(first) = self.faults.graces.iter().position(expires) {
            let (.., copy) = self.faults.graces.remove(first);
            let quitting = self.faults.quitting.iter().position(|&c| c == copy);
            if let Some(at) = quitting {
                return FaultStrikes::Gone(self.faults.quitting.swap_remove(at));
            }
            let restart = self.faults.all[fault].kind.rollout().is_some();
            let why = if restart {
                Death::Restart
            } else {
                Death::Crash
            };
            return FaultStrikes::Expires(copy, why);
        }
        if std::mem::take(&mut self.faults.on[fault]) {
            self.adjust_devices();
            self.announce_fault(fault);
            let machine = self.faults.machines[fault].take();
            return machine.map_or(FaultStrikes::Done, FaultStrikes::MachineBack);
        }
        let mut lasting = self.faults.all.iter().zip(&self.faults.on);
        let may_end_well = lasting.any(|(f, on)| *on && f.kind.holds_others_up());
        if stuck && !may_end_well {
            return FaultStrikes::Done;
        }
        self.faults.begun[fault] += 1;
        self.faults.last[fault] = now;
        if self.kernel.recorder.is_some() {
            let record = self.fault_record(fault);
            if let Some(r) = &mut self.kernel.recorder {
                r.fault(record);
            }
        }
        if let Some(lasts) = kind.lasts() {
            self.faults.on[fault] = true;
            self.adjust_devices();
            self.fault_at(fault, now + lasts);
            return match kind {
                FaultKind::MachineLost { .. } => self.machine_is_struck(fault),
                FaultKind::Pause { .. } => FaultStrikes::Pauses(lasts),
                FaultKind::Down { device, .. } => {
                    self.devices.close(device.into(), now);
                    FaultStrikes::Done
                }
                FaultKind::Slow { .. }
                | FaultKind::Crash { .. }
                | FaultKind::Terminate { .. }
                | FaultKind::Interrupt { .. }
                | FaultKind::Restart { .. } => FaultStrikes::Done,
            };
        }
        self.announce_fault(fault);
        match kind {
            FaultKind::Terminate { .. } => FaultStrikes::Terminates,
            FaultKind::Interrupt { .. } => FaultStrikes::Interrupts,
            FaultKind::MachineLost { .. } => self.machine_is_struck(fault),
            FaultKind::Restart { .. } => FaultStrikes::Restarts,
            FaultKind::Crash { .. }
            | FaultKind::Slow { .. }
            | FaultKind::Down { .. }
            | FaultKind::Pause { .. } => FaultStrikes::Kills,
        }
    }

    /// What a fault was when it began last.
    fn fault_record(&self, fault: usize) -> FaultRecord {
        let kind = self.faults.all[fault].kind;
        let from = self.faults.last[fault];
        let until = match kind {
            FaultKind::MachineLost { lasts, .. } => lasts.map(|lasts| from + lasts),
            FaultKind::Slow { .. }
            | FaultKind::Down { .. }
            | FaultKind::Crash { .. }
            | FaultKind::Terminate { .. }
            | FaultKind::Pause { .. }
            | FaultKind::Interrupt { .. }
            | FaultKind::Restart { .. } => Some(from + kind.lasts().unwrap_or_default()),
        };
        let devices = &self.kernel.program.devices;
        FaultRecord {
            what: kind.words(|device| devices[DeviceNumber::from(device)].name.clone()),
            from,
            until,
        }
    }

    /// What has gone wrong so far, each fault as it was when it began last.
    pub(crate) fn faults_so_far(&self) -> Vec<FaultRecord> {
        let begun = (0..self.faults.all.len()).filter(|&fault| self.faults.begun[fault] > 0);
        let mut all: Vec<FaultRecord> = begun.map(|fault| self.fault_record(fault)).collect();
        all.sort_by_key(|f| f.from);
        all
    }

    /// Whether nothing but faults is to happen, and ticks of loops.
    pub(super) fn only_faults_are_left(&self) -> bool {
        self.kernel.machine.pending() <= self.faults.announced + self.ticking
    }

    /// Which machine is gone by this fault; it is remembered for when it is back.
    fn machine_is_struck(&mut self, fault: usize) -> FaultStrikes {
        let there = self.machines_there();
        let named = self.faults.all[fault].kind.machine();
        let struck = match named {
            Some(n) => there
                .into_iter()
                .find(|&node| usize::from(node) == n as usize),
            None => self
                .drawn_victim(fault, there.len())
                .and_then(|n| there.get(n).copied()),
        };
        self.faults.machines[fault] = struck;
        if struck.is_none() {
            one_more(&mut self.faults.missed, self.kernel.machine.now());
        }
        struck.map_or(FaultStrikes::Done, FaultStrikes::MachineLost)
    }

    /// One of so many, drawn for this fault; `None` if there are none.
    fn drawn_victim(&self, fault: usize, there: usize) -> Option<usize> {
        let begun = self.faults.begun[fault];
        let mut rng = self.faults.streams.task(fault as u64, 2 * begun + 1);
        let n = whole((unit(&mut rng) * there as f64).floor());
        let n = usize::try_from(n).expect("an index of a list");
        (n < there).then_some(n)
    }

    /// Number of faults of the scenario; what is announced beyond them are the balancer's checks.
    pub(super) fn faults_of_scenario(&self) -> usize {
        self.faults.all.len()
    }

    /// How the fault of this number replaces machines, and how long these have to end; `None` if it restarts nothing.
    pub(super) fn rollout_of(&self, fault: usize) -> Option<(Rollout, Option<Nanos>)> {
        let kind = self.faults.all[fault].kind;
        kind.rollout().map(|rollout| (rollout, kind.grace()))
    }

    /// A fault has found nothing to strike.
    pub(super) fn fault_misses(&mut self) {
        one_more(&mut self.faults.missed, self.kernel.machine.now());
    }

    /// Whether a fault is on that ends by itself.
    pub(super) fn fault_is_on(&self) -> bool {
        self.faults.on.contains(&true)
    }

    /// The fault of this number has asked a copy to end: it takes in nothing more, and ends once it has nothing left to do.
    pub(crate) fn terminates(&mut self, number: u32, copy: CopyIndex) {
        let fault = number as usize;
        self.stop_taking_in(copy);
        if let Some(grace) = self.faults.all[fault].kind.grace() {
            let at = self.kernel.machine.now() + grace;
            self.faults.graces.push((at, fault, copy));
            self.fault_at(fault, at);
        }
    }

    fn expires_after(&mut self, fault: usize, copy: CopyIndex, time: Nanos) {
        let at = self.kernel.machine.now() + time;
        self.faults.graces.push((at, fault, copy));
        self.fault_at(fault, at);
    }

    /// A copy that the fault of this number has interrupted, and that has lost what it had, is gone when its handler has slept.
    pub(crate) fn quits(&mut self, number: u32, copy: CopyIndex) {
        self.faults.quitting.push(copy);
        self.expires_after(number as usize, copy, QUITS);
    }

    /// Which of so many processes the fault of this number ends, as an index; `None`, which is counted, if there is no such process.
    pub(crate) fn victim(&mut self, number: u32, there: usize) -> Option<usize> {
        let fault = number as usize;
        let worker = self.faults.all[fault].kind.victim()?;
        let found = match worker {
            Some(n) => Some(n as usize).filter(|n| *n < there),
            None => self.drawn_victim(fault, there),
        };
        if found.is_none() {
            one_more(&mut self.faults.missed, self.kernel.machine.now());
        }
        found
    }

    /// The copies of a server that a fault can end, by when they were started.
    pub(crate) fn copies_there(&self) -> Vec<CopyIndex> {
        // Tasks of a trace are a worker's own before they have come: it cannot lose those.
        if matches!(self.kernel.program.arrivals, Arrivals::Trace(_)) {
            return Vec::new();
        }
        self.copies_serving()
    }

    /// The copies that run and have begun to serve, by when they were started.
    pub(crate) fn copies_serving(&self) -> Vec<CopyIndex> {
        (self.living_copies())
            .filter(|&copy| self.is_there(copy))
            .collect()
    }

    /// The program's only process ends, and all with it.
    pub(crate) fn program_dies(&mut self) {
        self.faults.program = Some(self.kernel.machine.now());
    }

    /// A process that is no copy of a server has been killed for memory.
    pub(crate) fn memory_kills(&mut self) {
        let now = self.kernel.machine.now();
        self.faults.for_memory.one_more(now);
    }

    /// Faults that struck nobody, and when the first did: those that found no process, and those that would have come once when all was over.
    fn missed(&self) -> (u64, Nanos) {
        let mut missed = self.faults.missed;
        let over = !self.faults.armed && self.faults.program.is_none();
        let late = |(fault, begun): &(&Fault, &u64)| match fault.when {
            FaultTime::At(_) => **begun == 0,
            FaultTime::Every(_) => false,
        };
        let all = self.faults.all.iter().zip(&self.faults.begun);
        for _ in all.filter(late).filter(|_| over) {
            one_more(&mut missed, self.kernel.machine.now());
        }
        missed
    }

    /// What is found of crashes, for those that look at the end.
    pub(crate) fn crash_findings(&self) -> Vec<Finding> {
        let (crashed, pools) = (self.faults.crashed, self.faults.pools);
        let servers = (crashed.workers > 0).then_some(Finding::CrashedWorkers {
            at: crashed.first,
            workers: crashed.workers,
            tasks: crashed.tasks,
            back: self.faults.back.took,
        });
        let broken = (pools.broke.0 > 0).then_some(Finding::BrokenPool {
            at: pools.broke.1,
            workers: pools.broke.0,
            pending: pools.pending,
            refused: pools.refused,
        });
        let lost = (pools.replaced.0 > 0).then_some(Finding::LostTasks {
            at: pools.replaced.1,
            workers: pools.replaced.0,
            tasks: pools.lost,
            hangs: pools.hangs,
        });
        let gone = self.cluster.lost;
        let machines = (gone.lost.0 > 0).then_some(Finding::LostMachines {
            at: gone.lost.1,
            times: gone.lost.0,
            failed: gone.failed,
            sent_again: gone.sent_again,
            refused: gone.refused,
        });
        let killed = self.faults.for_memory;
        let memory = (killed.workers > 0).then_some(Finding::MemoryKills {
            at: killed.first,
            processes: killed.workers,
        });
        let (times, at) = self.missed();
        let missed = (times > 0).then_some(Finding::MissedFault { at, times });
        servers
            .into_iter()
            .chain(broken)
            .chain(lost)
            .chain(machines)
            .chain(self.restart_findings())
            .chain(missed)
            .chain(memory)
            .collect()
    }

    /// A copy has crashed; the first time whoever is started from now on is looked at.
    pub(super) fn copy_crashes(&mut self) {
        if self.faults.crashed.workers == 0 {
            self.faults.back.from = Some(self.copies.next_key());
        }
    }

    /// A copy has answered a request.
    #[inline]
    pub(super) fn copy_answers(&mut self, copy: CopyIndex) {
        let Some(from) = self.faults.back.from else {
            return;
        };
        if copy >= from {
            let first = self.faults.crashed.first;
            self.faults.back = Back {
                from: None,
                took: self.kernel.machine.now().since(first),
            };
        }
    }

    /// Whether the process of a copy runs, and has begun to serve.
    pub(crate) fn is_there(&self, copy: CopyIndex) -> bool {
        let main = self.copies[copy].main;
        let begins = match self.kernel.threads[main].role {
            ThreadRole::Main(_, state) => state == MainState::Begin,
            ThreadRole::Loop(_, state) => state == LoopState::Begin,
            // The number of a thread that has ended may have been given to another.
            _ => true,
        };
        !begins && self.is_alive(copy)
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
                    FaultKind::Crash { .. }
                    | FaultKind::Interrupt { .. }
                    | FaultKind::Pause { .. }
                    | FaultKind::Terminate { .. }
                    | FaultKind::Restart { .. }
                    | FaultKind::MachineLost { .. } => pace,
                };
            }
            self.device_goes_at(DeviceNumber::from(device), pace);
        }
    }
}
