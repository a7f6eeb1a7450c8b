//! Workers of a server that are killed while it is asked, at the instants at which the scenario's faults kill those of the forecast.

use std::collections::BTreeMap;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread::sleep;
use std::time::{Duration, Instant};

use super::super::application::ServedProgram;
use super::super::crashes::{KillSignal, Killed};
use crate::engine::Nanos;
use crate::host::Companion;

/// How often is looked whether all is over.
const LOOK: Duration = Duration::from_millis(20);

/// What was killed.
#[derive(Clone, Debug, Default)]
pub(super) struct Struck {
    /// When a worker was killed for the first time, from the beginning, and the workers that there were.
    first: Option<(Duration, Vec<u32>)>,
}

impl Struck {
    /// How long after the first kill a worker that was started since then had answered. `firsts`: when each had for the first time.
    pub(super) fn back(&self, firsts: &BTreeMap<u32, Duration>) -> Option<Duration> {
        let (at, there) = self.first.as_ref()?;
        let new = firsts
            .iter()
            .filter(|(pid, done)| !there.contains(pid) && *done > at);
        new.map(|(_, done)| done.saturating_sub(*at)).min()
    }
}

/// What is still to happen, when.
enum Due<'a> {
    Strikes(&'a Killed),
    /// The time is over that a process had to end by itself.
    Expires(u32),
}

/// Kills workers, each at its time from `begun` on, until `over`.
pub(super) fn kill(
    companion: &Companion,
    served: &ServedProgram,
    ready: &Path,
    (begun, over): (Instant, &AtomicBool),
) -> Struck {
    let mut struck = Struck::default();
    let strikes = served.kills.iter().map(|k| (time(k.at), Due::Strikes(k)));
    let mut due: Vec<(Duration, Due<'_>)> = strikes.collect();
    while let Some(next) = (0..due.len()).min_by_key(|&i| due[i].0) {
        let (at, what) = due.swap_remove(next);
        while begun.elapsed() < at {
            if over.load(Ordering::SeqCst) || companion.over() {
                return struck;
            }
            sleep(at.saturating_sub(begun.elapsed()).min(LOOK));
        }
        let there = workers(companion, served, ready);
        match what {
            Due::Strikes(kill) => {
                let Some(&pid) = kill.victim(there.len()).and_then(|n| there.get(n)) else {
                    continue;
                };
                if let Some(grace) = kill.grace {
                    due.push((at + time(grace), Due::Expires(pid)));
                }
                if kill.signal != KillSignal::Term {
                    struck
                        .first
                        .get_or_insert_with(|| (begun.elapsed(), there.clone()));
                }
                send(pid, kill.signal);
            }
            Due::Expires(pid) if companion.children().contains(&pid) => {
                struck
                    .first
                    .get_or_insert_with(|| (begun.elapsed(), there.clone()));
                send(pid, KillSignal::Kill);
            }
            Due::Expires(_) => {}
        }
    }
    struck
}

fn time(at: Nanos) -> Duration {
    Duration::from_nanos(at.0)
}

/// The workers that have loaded the application, in the order in which they were started. Children of a server that has loaded it itself are its
/// workers, all of them.
fn workers(companion: &Companion, served: &ServedProgram, ready: &Path) -> Vec<u32> {
    let mut there = companion.children();
    if !served.server.preload {
        there.retain(|pid| ready.join(pid.to_string()).exists());
    }
    there
}

#[cfg(unix)]
fn send(pid: u32, signal: KillSignal) {
    use rustix::process::Signal;
    let signal = match signal {
        KillSignal::Kill => Signal::KILL,
        KillSignal::Term => Signal::TERM,
        KillSignal::Int => Signal::INT,
    };
    crate::host::send(pid, signal);
}

#[cfg(not(unix))]
fn send(_: u32, _: KillSignal) {}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of those that have answered after the first kill only one was not there at it.
    #[test]
    fn whoever_was_there_is_not_back() {
        let s = Duration::from_secs;
        let struck = Struck {
            first: Some((s(3), vec![7, 8])),
        };
        let firsts = BTreeMap::from([(7, s(1)), (8, s(4)), (9, s(6)), (12, s(5))]);
        assert_eq!(struck.back(&firsts), Some(s(2)));
        assert_eq!(struck.back(&BTreeMap::from([(8, s(4))])), None);
        assert_eq!(Struck::default().back(&firsts), None);
    }
}
