//! Servers that are restarted while they serve: the steps that their master takes, and what that came to.
//!
//! gunicorn's arbiter (`arbiter.py: reload`) forks as many new workers as it has, then sends SIGTERM to the oldest beyond that number
//! (`manage_workers`); it waits for neither. So for a while there are twice as many, and the old ones may be told to end before the new
//! ones have imported the application: connections wait in the queue of the socket meanwhile (measured with gunicorn 27.0.1, imports of 0.5 s and a request every
//! 0.1 s: the next five took 0.51, 0.41, 0.32, 0.21 and 0.13 s). uvicorn's supervisor (0.54: `supervisors/multiprocess.py: restart_all`) starts a worker, asks every 0.1 s whether it
//! serves, then terminates an old one, joins it, and goes on to the next. One that does not serve within `timeout_worker_healthcheck` is killed, and the restart
//! given up. (Older versions, to 0.30, terminated first and did not wait.) A worker that is told to end takes in nothing more and finishes what it has. The half second
//! in which uvicorn looks for signals is left out.

use std::collections::VecDeque;

use super::Work;
use super::silence::Killed;
use crate::cpython::finding::Finding;
use crate::cpython::index::CopyIndex;
use crate::cpython::kernel::Liveness;
use crate::engine::Nanos;
use crate::scenario::{Arrivals, StartMethod};

/// What a master does next for a restart.
pub(crate) enum RestartStep {
    /// Starts so many new workers at once.
    StartAll,
    /// Asks these workers to end, by the restart of this number among the faults.
    Stop(u32, Vec<CopyIndex>),
    /// Starts a new worker.
    StartOne,
    /// An old worker has ended, in whose place another serves.
    Ended,
    /// Waits until a worker has ended, or this instant.
    Wait(Nanos),
    /// Kills this new worker, which does not serve in time.
    GivesUp(CopyIndex),
}

/// How long a spawned worker has until it serves (`timeout_worker_healthcheck` of uvicorn).
const UNTIL_READY: Nanos = Nanos::from_secs(5);
/// How often that is looked at.
const LOOK: Nanos = Nanos::from_millis(100);

/// A restart of a server that is under way.
struct Restart {
    fault: u32,
    /// Workers that were there before it and have not been asked to end.
    old: VecDeque<CopyIndex>,
    /// Whether the new ones have been started.
    started: bool,
    /// The worker for whose end the master waits.
    ends: Option<CopyIndex>,
    /// The worker that has been started last, and until when it has to serve.
    comes: Option<(CopyIndex, Nanos)>,
}

/// New workers that do not serve yet, of a restart since this instant.
struct Fresh {
    since: Nanos,
    workers: Vec<CopyIndex>,
    /// Whether all of them have been started.
    complete: bool,
}

/// Restarts of servers and machines, and what they came to.
#[derive(Default)]
pub(crate) struct Restarts {
    now: Option<Restart>,
    asked: VecDeque<u32>,
    fresh: VecDeque<Fresh>,
    /// How often servers or machines were restarted, and when for the first time.
    begun: (u64, Nanos),
    /// Number of these that are over.
    over: u64,
    /// How long the longest of these took, until the last new worker or machine served.
    longest: Nanos,
    /// Workers or machines that had not ended in time, and what these had.
    pub(super) killed: Killed,
}

impl Restarts {
    /// Whether the master is in the middle of one.
    pub(super) fn is_under_way(&self) -> bool {
        self.now.is_some()
    }

    /// Notes that a restart is over, which took so long.
    pub(super) fn is_over(&mut self, took: Nanos) {
        self.over += 1;
        self.longest = self.longest.max(took);
    }
}

impl Work<'_> {
    /// Whether the process of a copy is there, whether or not it serves yet.
    pub(crate) fn is_alive(&self, copy: CopyIndex) -> bool {
        let process = self.copies[copy].home.process;
        self.kernel.processes[process].liveness == Liveness::Alive
    }

    /// The restart of this number among the faults is asked for; whether there is anything to restart.
    pub(crate) fn restart_is_asked(&mut self, fault: u32) -> bool {
        let machines = self.cluster.is_there();
        // Tasks of a trace are a worker's own before they have come.
        let recorded = matches!(self.kernel.program.arrivals, Arrivals::Trace(_));
        if !machines && (recorded || self.living_copies().next().is_none()) {
            self.fault_misses();
            return false;
        }
        let now = self.kernel.machine.now();
        super::one_more(&mut self.restarts.begun, now);
        if machines {
            self.update_machines(fault as usize);
        } else {
            self.restarts.asked.push_back(fault);
        }
        true
    }

    /// What the master does next for a restart; `None`: nothing is to be restarted.
    pub(crate) fn restart_step(&mut self) -> Option<RestartStep> {
        if self.restarts.now.is_none() {
            let fault = self.restarts.asked.pop_front()?;
            let old = self.living_copies().collect();
            self.restarts.fresh.push_back(Fresh {
                since: self.kernel.machine.now(),
                workers: Vec::new(),
                complete: false,
            });
            self.restarts.now = Some(Restart {
                fault,
                old,
                started: false,
                ends: None,
                comes: None,
            });
        }
        let forks = self.kernel.program.layout.life.start == StartMethod::Fork;
        // Each worker has its part of a batch until it has ended.
        if !self.arrivals_from_outside() {
            return self.asks_all_to_end();
        }
        if forks {
            let restart = self.restarts.now.as_mut()?;
            if !std::mem::replace(&mut restart.started, true) {
                for copy in restart.old.clone() {
                    self.is_succeeded(copy);
                }
                return Some(RestartStep::StartAll);
            }
            return self.asks_all_to_end();
        }
        self.replaces_one()
    }

    /// All that were there before are asked to end.
    fn asks_all_to_end(&mut self) -> Option<RestartStep> {
        let restart = self.restarts.now.take()?;
        self.last_is_started();
        Some(RestartStep::Stop(restart.fault, restart.old.into()))
    }

    /// One after another is started, serves, and has an old one asked to end.
    fn replaces_one(&mut self) -> Option<RestartStep> {
        let now = self.kernel.machine.now();
        let restart = self.restarts.now.as_mut()?;
        if let Some(copy) = restart.ends {
            let home = self.copies[copy].home.process;
            let exited = &mut self.kernel.starter(home).exited;
            let Some(at) = exited.iter().position(|&process| process == home) else {
                return Some(RestartStep::Wait(Nanos::MAX));
            };
            exited.remove(at);
            restart.ends = None;
            return Some(RestartStep::Ended);
        }
        let Some((copy, until)) = restart.comes else {
            return self.starts_next();
        };
        if self.is_there(copy) {
            return self.stops_next();
        }
        if now < until && self.is_alive(copy) {
            return Some(RestartStep::Wait(until.min(now + LOOK)));
        }
        self.restarts.now = None;
        self.restarts.fresh.pop_back();
        self.is_succeeded(copy);
        Some(RestartStep::GivesUp(copy))
    }

    /// The next worker is started, if one is to be replaced.
    fn starts_next(&mut self) -> Option<RestartStep> {
        if self.restarts.now.as_ref()?.old.is_empty() {
            self.restarts.now = None;
            self.last_is_started();
            return self.restart_step();
        }
        Some(RestartStep::StartOne)
    }

    /// A new worker serves: an old one is asked to end.
    fn stops_next(&mut self) -> Option<RestartStep> {
        let restart = self.restarts.now.as_mut()?;
        restart.comes = None;
        restart.ends = restart.old.pop_front();
        let (fault, old) = (restart.fault, restart.ends?);
        self.is_succeeded(old);
        Some(RestartStep::Stop(fault, vec![old]))
    }

    /// A restart has started this worker.
    pub(crate) fn restart_starts(&mut self, copy: CopyIndex) {
        let until = self.kernel.machine.now() + UNTIL_READY;
        if let Some(restart) = &mut self.restarts.now {
            restart.comes = Some((copy, until));
        }
        if let Some(fresh) = self.restarts.fresh.back_mut() {
            fresh.workers.push(copy);
        }
    }

    fn last_is_started(&mut self) {
        if let Some(fresh) = self.restarts.fresh.back_mut() {
            fresh.complete = true;
        }
        self.restarts_are_over();
    }

    /// A worker begins to serve.
    pub(crate) fn begins_to_serve(&mut self, copy: CopyIndex) {
        if self.restarts.fresh.is_empty() {
            return;
        }
        for fresh in &mut self.restarts.fresh {
            fresh.workers.retain(|&c| c != copy);
        }
        self.restarts_are_over();
    }

    /// Restarts are over whose new workers all serve.
    fn restarts_are_over(&mut self) {
        let now = self.kernel.machine.now();
        while let Some(fresh) = self.restarts.fresh.front() {
            if !fresh.complete || !fresh.workers.is_empty() {
                return;
            }
            let took = now.since(fresh.since);
            self.restarts.is_over(took);
            self.restarts.fresh.pop_front();
        }
    }

    /// What is found of restarts, for those that look at the end.
    pub(super) fn restart_findings(&self) -> Option<Finding> {
        let r = &self.restarts;
        let (times, at) = r.begun;
        (times > 0).then_some(Finding::Restarts {
            at,
            times,
            unfinished: times - r.over.min(times),
            longest: r.longest,
            killed: r.killed.workers,
            tasks: r.killed.tasks,
        })
    }
}
