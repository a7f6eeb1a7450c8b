//! Finds out whether a program maps rounds over its workers: batches, each of which begins when the one before is over, with work of the
//! main program between them.

use super::facts::MainStretch;
use super::table::time;

/// There have to be at least this number of rounds.
const FEWEST: usize = 3;
/// This share of the rounds has to be alike: of one size, and with all tasks arriving at once.
const ALIKE: f64 = 0.8;
/// Sizes that differ by less than this share are the same: some tasks may not have been recorded.
const SAME_SIZE: f64 = 0.2;
/// Tasks that arrive within this share of their round arrive at once.
const AT_ONCE: f64 = 0.5;
/// A gap has to be as long as this, in nanoseconds, and as this share of a round, to be work of the main program's.
const WORK: f64 = 200_000.0;
const WORK_SHARE: f64 = 0.005;
/// What was neither has to be as long as this, in nanoseconds, and as this share of a round, to be waiting of the main program's: workers that are
/// woken, and results that travel, take some time too, and the model has those by itself.
const WAIT: f64 = 1_000_000.0;
const WAIT_SHARE: f64 = 0.03;

/// A program has at most so many phases, of at least so many tasks, and this share of its tasks in them.
const MOST_PHASES: usize = 20;
const LEAST_PHASE: usize = 3;
const MOST: f64 = 0.9;

/// Rounds that a trace shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rounds {
    /// The number of rounds.
    pub(super) count: usize,
    /// The serial CPU time between one and the next, in nanoseconds; empty where there is none.
    pub(super) serial: Vec<u64>,
    /// The mean of what was neither a round nor CPU time, in nanoseconds: the main program waited; 0 where that is next to nothing or not known.
    pub(super) waiting: u64,
    /// Whether the trace says which part of the gaps was CPU time.
    pub(super) measured: bool,
}

/// One round.
#[derive(Clone, Copy, Debug)]
struct Round {
    first: i64,
    last: i64,
    end: i64,
    tasks: usize,
}

/// The rounds of tasks with these arrivals and ends (in any order).
pub(super) fn rounds(tasks: &[(i64, i64)], main: &[MainStretch]) -> Option<Rounds> {
    let rounds = split(tasks);
    if rounds.len() < FEWEST {
        return None;
    }
    let mut sizes: Vec<usize> = rounds.iter().map(|r| r.tasks).collect();
    sizes.sort_unstable();
    let usual = sizes[sizes.len() / 2];
    let alike = |r: &&Round| {
        let same = r.tasks.abs_diff(usual) as f64 <= SAME_SIZE * usual as f64;
        let length = r.end.abs_diff(r.first) as f64;
        same && r.last.abs_diff(r.first) as f64 <= AT_ONCE * length
    };
    let enough = ALIKE * rounds.len() as f64;
    if usual < 2 || (rounds.iter().filter(alike).count() as f64) < enough {
        return None;
    }
    let gaps: Vec<(i64, i64)> = rounds.windows(2).map(|w| (w[0].end, w[1].first)).collect();
    let serial: Vec<u64> = gaps.iter().map(|gap| serial(*gap, main)).collect();
    let mean =
        |values: &mut dyn Iterator<Item = u64>, n: usize| values.sum::<u64>() as f64 / n as f64;
    let between = mean(&mut serial.iter().copied(), serial.len());
    let lengths = &mut rounds.iter().map(|r| r.end.abs_diff(r.first));
    let length = mean(lengths, rounds.len());
    let is_work = between > WORK.max(WORK_SHARE * length);
    // `serial` is at most the gap, and all of it where nothing is known of the main program.
    let rests = &mut gaps
        .iter()
        .zip(&serial)
        .map(|(gap, used)| gap.1.abs_diff(gap.0).saturating_sub(*used));
    let rest = mean(rests, gaps.len());
    let is_waiting = rest > WAIT.max(WAIT_SHARE * length);
    Some(Rounds {
        count: rounds.len(),
        serial: if is_work { serial } else { Vec::new() },
        waiting: if is_waiting {
            crate::engine::whole(rest)
        } else {
            0
        },
        measured: !main.is_empty(),
    })
}

/// Batches of different tasks, each of which begins when the one before is over: the phases of a program.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Phases {
    count: usize,
    /// Time between the phases, in which no task is under way, in nanoseconds.
    between: u64,
}

impl Phases {
    /// A note about them for the user: a sentence without a full stop.
    pub(super) fn note(&self) -> String {
        format!(
            "tasks come in {} phases, each when all tasks of the one before are over. The scenario has them in one batch, in the same order: \
             there the next phase begins while the last tasks of the one before run, and the {} between phases are left out",
            self.count,
            time(self.between as f64)
        )
    }
}

/// The phases of tasks with these arrivals and ends (in any order); `None` if they do not come in batches that follow each other.
pub(super) fn phases(tasks: &[(i64, i64)]) -> Option<Phases> {
    let groups = split(tasks);
    if !(2..=MOST_PHASES).contains(&groups.len()) {
        return None;
    }
    let at_once = |r: &&Round| {
        r.tasks >= LEAST_PHASE
            && r.last.abs_diff(r.first) as f64 <= AT_ONCE * r.end.abs_diff(r.first) as f64
    };
    let phases: Vec<&Round> = groups.iter().filter(at_once).collect();
    let within: usize = phases.iter().map(|r| r.tasks).sum();
    let gaps = groups.windows(2).map(|w| w[1].first.abs_diff(w[0].end));
    (phases.len() >= 2 && within as f64 >= MOST * tasks.len() as f64).then(|| Phases {
        count: phases.len(),
        between: gaps.fold(0, u64::saturating_add),
    })
}

/// Groups of tasks: each begins when all of the one before are over.
fn split(tasks: &[(i64, i64)]) -> Vec<Round> {
    let mut tasks = tasks.to_vec();
    tasks.sort_unstable();
    let mut rounds: Vec<Round> = Vec::new();
    for (arrival, end) in tasks {
        match rounds.last_mut() {
            Some(round) if arrival < round.end => {
                round.last = arrival;
                round.end = round.end.max(end);
                round.tasks += 1;
            }
            _ => rounds.push(Round {
                first: arrival,
                last: arrival,
                end,
                tasks: 1,
            }),
        }
    }
    rounds
}

/// The CPU time of the main program within a gap; the whole gap if nothing is known of the main program.
fn serial((start, end): (i64, i64), main: &[MainStretch]) -> u64 {
    let gap = end.abs_diff(start);
    if main.is_empty() {
        return gap;
    }
    // A stretch lies between two submissions, so it may begin with the round before, in which it collects results.
    let within = |m: &&MainStretch| m.start < end && m.end > start;
    let used = main.iter().filter(within).map(|m| m.used).max();
    used.unwrap_or(0).min(gap)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Rounds of so many tasks of 10 ms that arrive 10 us apart, with 3 ms between them.
    fn tasks(sizes: &[i64]) -> Vec<(i64, i64)> {
        let mut at = 0;
        let mut out = Vec::new();
        for size in sizes {
            out.extend((0..*size).map(|i| (at + i * 10_000, at + i * 10_000 + 10_000_000)));
            at += 13_000_000 + (size - 1) * 10_000;
        }
        out
    }

    #[test]
    fn batches_that_come_again_are_rounds() {
        let found = rounds(&tasks(&[4; 5]), &[]).unwrap();
        assert_eq!((found.count, found.measured), (5, false));
        assert_eq!(found.serial, [3_000_000; 4]);
        assert_eq!(found.waiting, 0);
        // The main program computed for half of each gap, and waited for the rest.
        let main: Vec<MainStretch> = (0..4)
            .map(|k| MainStretch {
                start: k * 13_030_000 + 30_000,
                end: (k + 1) * 13_030_000,
                used: 1_500_000,
            })
            .collect();
        let found = rounds(&tasks(&[4; 5]), &main).unwrap();
        assert_eq!(found.serial, [1_500_000; 4]);
        assert_eq!(found.waiting, 1_500_000);
        // All but 100 us of it: waking a worker takes as long.
        let busy: Vec<MainStretch> = main
            .iter()
            .map(|m| MainStretch {
                used: 2_900_000,
                ..*m
            })
            .collect();
        let found = rounds(&tasks(&[4; 5]), &busy).unwrap();
        assert_eq!((found.serial[0], found.waiting), (2_900_000, 0));
    }

    #[test]
    fn other_tasks_are_none() {
        // One after another, two rounds, sizes that differ, and tasks that come while others run.
        assert_eq!(rounds(&tasks(&[1; 50]), &[]), None);
        assert_eq!(rounds(&tasks(&[4; 2]), &[]), None);
        assert_eq!(rounds(&tasks(&[1, 9, 3, 14, 2, 6, 1]), &[]), None);
        let open: Vec<(i64, i64)> = (0..100)
            .map(|i| (i * 4_000_000, i * 4_000_000 + 10_000_000))
            .collect();
        assert_eq!(rounds(&open, &[]), None);
        assert_eq!(rounds(&[], &[]), None);
    }

    /// Two maps over one pool, one after the other, are no open arrivals; tasks one by one are no phases.
    #[test]
    fn batches_of_different_tasks_are_phases() {
        let mut two = tasks(&[40]);
        let end = two.iter().map(|t| t.1).max().unwrap();
        two.extend((0..10).map(|i| (end + 5_000_000 + i * 1_000, end + 40_000_000 + i * 1_000)));
        assert_eq!(
            phases(&two),
            Some(Phases {
                count: 2,
                between: 5_000_000
            })
        );
        assert_eq!(phases(&tasks(&[40])), None);
        assert_eq!(phases(&tasks(&[1; 10])), None);
        assert_eq!(phases(&[]), None);
    }

    /// A trace may end with rounds in which tasks were not recorded.
    #[test]
    fn some_rounds_may_be_smaller() {
        let mut sizes = [10; 12];
        sizes[3] = 9;
        sizes[7] = 2;
        assert_eq!(rounds(&tasks(&sizes), &[]).unwrap().count, 12);
    }
}
