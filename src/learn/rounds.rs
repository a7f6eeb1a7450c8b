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

/// The part before the first round, or after the last one, is one of the parts between them if it takes at least this share of their median, and at
/// most its inverse; else it is something else (what the program loads, a report).
const OF_THE_SAME_KIND: f64 = 0.5;

/// A program has at most so many phases, of at least so many tasks, and this share of its tasks in them.
const MOST_PHASES: usize = 20;
const LEAST_PHASE: usize = 3;
const MOST: f64 = 0.9;

/// Rounds that a trace shows.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Rounds {
    /// The number of rounds.
    pub(super) count: usize,
    /// The serial CPU time before each round, in nanoseconds; empty where there is none. Where [`Self::parts`] are fewer than the rounds, each
    /// is that share of what was measured, so that all rounds together have what the program had.
    pub(super) serial: Vec<u64>,
    /// The mean of what was neither a round nor CPU time, in nanoseconds, for each round: the main program waited; 0 where that is next to nothing
    /// or not known.
    pub(super) waiting: u64,
    /// Whether the trace says which part of the gaps was CPU time.
    pub(super) measured: bool,
    /// The number of serial parts that were seen: as many as rounds, or only those between them.
    pub(super) parts: usize,
    /// The length of the part before the first round or after the last one, in nanoseconds, where it is one of them; else 0. It is no time of a
    /// task's.
    pub(super) beside: u64,
}

/// What the main program did while no round was under way.
#[derive(Clone, Copy, Debug)]
struct SerialPart {
    /// Nanoseconds in all.
    length: u64,
    /// Nanoseconds of CPU time; all of it where nothing is known of the main program.
    used: u64,
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
    let gaps = rounds.windows(2).map(|w| (w[0].end, w[1].first));
    let between: Vec<SerialPart> = gaps.map(|gap| part(gap, main)).collect();
    let mean =
        |values: &mut dyn Iterator<Item = u64>, n: usize| values.sum::<u64>() as f64 / n as f64;
    let lengths = &mut rounds.iter().map(|r| r.end.abs_diff(r.first));
    let length = mean(lengths, rounds.len());
    let used = mean(&mut between.iter().map(|p| p.used), between.len());
    let rest = mean(&mut between.iter().map(SerialPart::rest), between.len());
    let is_work = used > WORK.max(WORK_SHARE * length);
    let is_waiting = rest > WAIT.max(WAIT_SHARE * length);
    let of = |p: &SerialPart| if is_work { p.used } else { p.length };
    let beside = (is_work || is_waiting)
        .then(|| beside(&rounds, &between, of, main))
        .flatten();
    let mut parts = between;
    parts.extend(beside);
    let share = |time: f64| crate::engine::whole(time * parts.len() as f64 / rounds.len() as f64);
    let rest = mean(&mut parts.iter().map(SerialPart::rest), parts.len());
    Some(Rounds {
        count: rounds.len(),
        serial: if is_work {
            parts.iter().map(|p| share(p.used as f64)).collect()
        } else {
            Vec::new()
        },
        waiting: if is_waiting { share(rest) } else { 0 },
        measured: !main.is_empty(),
        parts: parts.len(),
        beside: beside.map_or(0, |p| p.used + if is_waiting { p.rest() } else { 0 }),
    })
}

impl SerialPart {
    const fn rest(&self) -> u64 {
        self.length.saturating_sub(self.used)
    }
}

/// The serial part before the first round, or else after the last one, if there is one and it is like those between them: a program that begins each
/// round with such a part, or ends it with one, has as many of them as rounds.
fn beside(
    rounds: &[Round],
    between: &[SerialPart],
    of: impl Fn(&SerialPart) -> u64,
    main: &[MainStretch],
) -> Option<SerialPart> {
    let mut usual: Vec<u64> = between.iter().map(&of).collect();
    usual.sort_unstable();
    let usual = usual[usual.len() / 2] as f64;
    let (first, last) = (rounds.first()?.first, rounds.last()?.end);
    // The one that lies before the first task, and not that of a loop that has begun to submit.
    let until_first = |m: &&MainStretch| m.end.min(first).saturating_sub(m.start);
    let before = main
        .iter()
        .filter(|m| m.start < first)
        .max_by_key(until_first)
        .map(|m| m.start);
    let after = main.iter().filter(|m| m.end > last).map(|m| m.end).min();
    let found = [
        before.map(|start| (start, first)),
        after.map(|end| (last, end)),
    ];
    let alike = |p: &SerialPart| {
        let it = of(p) as f64;
        it >= OF_THE_SAME_KIND * usual && OF_THE_SAME_KIND * it <= usual
    };
    found
        .into_iter()
        .flatten()
        .map(|gap| part(gap, main))
        .find(alike)
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

/// What the main program did in a gap; all of it is CPU time if nothing is known of the main program.
fn part((start, end): (i64, i64), main: &[MainStretch]) -> SerialPart {
    let length = end.abs_diff(start);
    // A stretch lies between two submissions, so it may begin with the round before, in which it collects results.
    let within = |m: &&MainStretch| m.start < end && m.end > start;
    let used = main.iter().filter(within).map(|m| m.used).max();
    let unknown = if main.is_empty() { length } else { 0 };
    SerialPart {
        length,
        used: used.unwrap_or(unknown).min(length),
    }
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
        // Four parts between five rounds: five of 2.4 ms are as long.
        assert_eq!((found.parts, found.beside), (4, 0));
        assert_eq!(found.serial, [2_400_000; 4]);
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
        assert_eq!(found.serial, [1_200_000; 4]);
        assert_eq!(found.waiting, 1_200_000);
        // All but 100 us of it: waking a worker takes as long.
        let busy: Vec<MainStretch> = main
            .iter()
            .map(|m| MainStretch {
                used: 2_900_000,
                ..*m
            })
            .collect();
        let found = rounds(&tasks(&[4; 5]), &busy).unwrap();
        assert_eq!((found.serial[0], found.waiting), (2_320_000, 0));
    }

    /// A program that begins each round with serial work, or ends it with some, has as many parts as rounds.
    #[test]
    fn the_first_or_the_last_part_counts_where_it_is_one_of_them() {
        let three = tasks(&[4; 3]);
        let stretch = |start: i64, end: i64, used| MainStretch { start, end, used };
        // Rounds of 10.03 ms begin at 0, at 13.03 ms and at 26.06 ms.
        let between = [
            stretch(30_000, 13_030_000, 3_000_000),
            stretch(13_060_000, 26_060_000, 3_000_000),
        ];
        let with = |more| rounds(&three, &[&between[..], &[more]].concat()).unwrap();
        let total = |r: &Rounds| r.serial.iter().sum::<u64>() / r.parts as u64 * r.count as u64;
        let before = with(stretch(-4_000_000, 0, 3_900_000));
        assert_eq!((before.parts, before.beside), (3, 3_900_000));
        assert_eq!((before.serial.len(), total(&before)), (3, 9_900_000));
        let after = with(stretch(26_090_000, 39_090_000, 2_400_000));
        assert_eq!((after.parts, after.beside), (3, 2_400_000));
        // A second in which the program loads something is none, and neither are some microseconds.
        for other in [
            stretch(-1_000_000_000, 0, 990_000_000),
            stretch(26_090_000, 36_200_000, 40_000),
        ] {
            let found = with(other);
            assert_eq!((found.parts, found.beside), (2, 0), "{other:?}");
            assert_eq!(total(&found), 6_000_000, "{other:?}");
        }
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
