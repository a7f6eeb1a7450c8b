//! Programs whose worker processes are killed, at the instants at which the scenario's faults kill those of the forecast.

use super::error::ProgramError;
use super::pieces::ExecutorKind;
use super::program::ProgramPlan;
use super::steps::shortest;
use crate::engine::{Nanos, StreamRole, Streams, unit, whole};
use crate::scenario::{Fault, FaultKind, FaultTime};

/// Most crashes of a fault that comes again and again.
const MOST: u64 = 100;
/// How long after the last end a program takes what has not come for lost, beside the longest step.
const LOST_AFTER: f64 = 2.0;

/// A worker that is killed.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Killed {
    /// When, from the beginning.
    pub(super) at: Nanos,
    /// Its number among those that there are then; `None`: drawn.
    pub(super) worker: Option<u32>,
    /// The draw, from 0 to 1.
    pub(super) share: f64,
    /// By which signal.
    pub(super) signal: KillSignal,
    /// After which time it is killed, unless it has ended by then.
    pub(super) grace: Option<Nanos>,
}

/// A signal that ends a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum KillSignal {
    /// SIGKILL.
    Kill,
    /// SIGTERM.
    Term,
    /// SIGINT.
    Int,
}

impl KillSignal {
    /// Its number, which is the same on all systems.
    fn number(self) -> u8 {
        match self {
            Self::Kill => 9,
            Self::Term => 15,
            Self::Int => 2,
        }
    }
}

impl Killed {
    /// Which of so many it is; `None` if there is no such worker.
    pub(super) fn victim(&self, there: usize) -> Option<usize> {
        let drawn = whole((self.share * there as f64).floor());
        let n = self.worker.map_or(drawn, u64::from);
        usize::try_from(n).ok().filter(|n| *n < there)
    }
}

/// Whether workers are killed.
pub(super) fn some(plan: &ProgramPlan<'_>) -> bool {
    plan.source.workload.faults.iter().any(|f| f.kind.kills())
}

/// Whether a fault is a collection.
fn pauses(kind: FaultKind) -> bool {
    match kind {
        FaultKind::Pause { .. } => true,
        FaultKind::Crash { .. }
        | FaultKind::Interrupt { .. }
        | FaultKind::Terminate { .. }
        | FaultKind::Restart { .. }
        | FaultKind::Slow { .. }
        | FaultKind::Down { .. }
        | FaultKind::MachineLost { .. } => false,
    }
}

/// Why a program cannot have the scenario's faults, if it cannot.
pub(super) fn refused(plan: &ProgramPlan<'_>) -> Result<(), ProgramError> {
    let w = plan.source.workload;
    let mut faults = w.faults.iter();
    if let Some(device) = faults.find_map(|f| f.kind.device()) {
        return Err(ProgramError::FaultyDevice(w.devices[device].name.clone()));
    }
    if w.faults.iter().any(|f| pauses(f.kind)) {
        return Err(ProgramError::Pause);
    }
    if w.faults.iter().any(|f| f.kind.rollout().is_some()) {
        return Err(ProgramError::Restart);
    }
    if !some(plan) {
        return Ok(());
    }
    if let Some(server) = plan.server().filter(|_| plan.copies.is_some()) {
        if server.falls() {
            return Err(ProgramError::CrashOfServer(server.version()));
        }
        return Ok(());
    }
    if plan.copies.is_some() {
        return Err(ProgramError::CrashOfCopies);
    }
    if !plan.processes() {
        return Err(ProgramError::CrashOfAll);
    }
    let interrupts = |f: &Fault| match f.kind {
        FaultKind::Interrupt { .. } => true,
        FaultKind::Crash { .. }
        | FaultKind::Pause { .. }
        | FaultKind::Terminate { .. }
        | FaultKind::Restart { .. }
        | FaultKind::Slow { .. }
        | FaultKind::Down { .. }
        | FaultKind::MachineLost { .. } => false,
    };
    if plan.kind == ExecutorKind::Loop && w.faults.iter().any(interrupts) {
        return Err(ProgramError::InterruptOfLoop);
    }
    match plan.kind {
        ExecutorKind::Chunks(_) => Err(ProgramError::CrashOfMap),
        ExecutorKind::MpPool(_) if plan.at_once() => Err(ProgramError::CrashOfMap),
        ExecutorKind::MpPool(_)
        | ExecutorKind::Pool
        | ExecutorKind::Loop
        | ExecutorKind::Sequential
        | ExecutorKind::PerTask => Ok(()),
    }
}

/// When workers of a server are killed, by the draws of replication 0.
pub(super) fn of_server(plan: &ProgramPlan<'_>) -> Vec<Killed> {
    killed(&plan.source.workload.faults, plan.source.seed)
}

/// When workers are killed, by the draws of replication 0.
fn killed(faults: &[Fault], seed: u64) -> Vec<Killed> {
    let streams = Streams::new(seed, 0, StreamRole::Faults);
    let mut all = Vec::new();
    for (number, fault) in (0_u64..).zip(faults) {
        let Some(worker) = fault.kind.victim().filter(|_| fault.kind.kills()) else {
            continue;
        };
        let (signal, grace) = match fault.kind {
            FaultKind::Terminate { grace, .. } => (KillSignal::Term, grace),
            FaultKind::Interrupt { .. } => (KillSignal::Int, None),
            FaultKind::Crash { .. }
            | FaultKind::Pause { .. }
            | FaultKind::Slow { .. }
            | FaultKind::Down { .. }
            | FaultKind::Restart { .. }
            | FaultKind::MachineLost { .. } => (KillSignal::Kill, None),
        };
        let share = |nth: u64| unit(&mut streams.task(number, 2 * nth + 1));
        match &fault.when {
            FaultTime::At(at) => all.push(Killed {
                at: *at,
                worker,
                share: share(1),
                signal,
                grace,
            }),
            FaultTime::Every(interval) => {
                let mut at = Nanos::ZERO;
                for begun in 0..MOST {
                    at += interval.sample(&mut streams.task(number, 2 * begun));
                    all.push(Killed {
                        at,
                        worker,
                        share: share(begun + 1),
                        signal,
                        grace,
                    });
                }
            }
        }
    }
    all.sort_by_key(|k| k.at);
    all
}

/// The part of the program that kills workers, and knows what becomes of their tasks.
pub(super) fn killer(plan: &ProgramPlan<'_>) -> String {
    if !some(plan) || plan.server().is_some() {
        return String::new();
    }
    let lines: Vec<String> = killed(&plan.source.workload.faults, plan.source.seed)
        .iter()
        .map(|k| {
            let worker = k.worker.map_or("None".into(), |n| n.to_string());
            let share = shortest(k.share);
            let at = shortest(k.at.as_secs_f64());
            format!("        ({at}, {worker}, {share}, {}),", k.signal.number())
        })
        .collect();
    include_str!("template/crash.py")
        .replace("{lost_after}", &shortest(LOST_AFTER))
        .replace("{crashes}", &lines.join("\n"))
}

/// An application's text whose answers say which worker they are of.
fn with_names(text: &str) -> String {
    let asgi = "(b\"content-length\", b\"%d\" % len(said))";
    let wsgi = "(\"Content-Length\", str(len(said)))";
    text.replace(
        asgi,
        &format!("{asgi}, (b\"x-worker\", b\"%d\" % os.getpid())"),
    )
    .replace(wsgi, &format!("{wsgi}, (\"X-Worker\", str(os.getpid()))"))
}

/// The program's text with workers that are killed: who waits for them knows that they may be.
pub(super) fn with_crashes(plan: &ProgramPlan<'_>, text: String) -> String {
    if !some(plan) {
        return text;
    }
    if plan.server().is_some() {
        return with_names(&text);
    }
    let replaced = [
        (
            "    t0 = t0 or now()\n",
            "    t0 = begin_crashes(t0 or now())\n",
        ),
        (
            "error = future.exception()\n",
            "error = as_failure(future.exception())\n",
        ),
        ("POOL.submit(work,", "submit(POOL, work,"),
        (
            "asyncio.get_running_loop().run_in_executor(POOL, do,",
            "in_pool(POOL, do,",
        ),
        ("loop.run_in_executor(pool, call,", "in_pool(pool, call,"),
        // A `Pool` whose lock has died with a worker cannot be terminated.
        (
            "    with make_pool() as pool:\n",
            "    with contextlib.nullcontext(make_pool()) as pool:\n",
        ),
        (
            "    left, everything = len(tasks), threading.Event()\n",
            "    left, everything = len(tasks), threading.Event()\n    ended = [now()]\n",
        ),
        (
            "        left -= 1\n",
            "        left -= 1\n        ended.append(now())\n",
        ),
        (
            "        everything.wait()\n        t1 = now()\n        pool.close()\n        pool.join()\n",
            "        t1 = wait_for_what_comes(everything, ended)\n        log.error = [\"Failed\" if lost else error for error, lost in zip(log.error, log.open())]\n",
        ),
        (
            "    def note(self, number, due, error=None):\n",
            "    def open(self):\n        \"\"\"Of each task, whether nothing has been heard.\"\"\"\n        return [a is None and b is None for a, b in zip(self.latency, self.error)]\n\n    def note(self, number, due, error=None):\n",
        ),
        (
            "    print(json.dumps(result))\n",
            "    print(json.dumps(result), flush=True)\n    for worker in multiprocessing.process._children:\n        worker.kill()\n    os._exit(0)\n",
        ),
    ];
    replaced
        .iter()
        .fold(text, |text, (plain, other)| text.replace(plain, other))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::Dist;

    /// At the instants, and of the workers, that a run draws.
    #[test]
    fn crashes_come_by_the_streams_of_a_run() {
        let fault = |when| Fault {
            kind: FaultKind::Crash { worker: None },
            when,
        };
        let mean = Nanos::from_secs(1);
        let faults = [
            fault(FaultTime::At(mean)),
            fault(FaultTime::Every(Dist::Exponential(mean))),
        ];
        let all = killed(&faults, 7);
        assert_eq!(all.len(), 101);
        assert!(all.is_sorted_by_key(|k| k.at));
        let streams = Streams::new(7, 0, StreamRole::Faults);
        let first = Dist::Exponential(mean).sample(&mut streams.task(1, 0));
        let shares: Vec<f64> = all
            .iter()
            .filter(|k| k.at == first)
            .map(|k| k.share)
            .collect();
        assert_eq!(shares, [unit(&mut streams.task(1, 3))]);
    }
}
