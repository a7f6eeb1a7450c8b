//! Random streams, each keyed by its purpose.
//!
//! A stream belongs to (seed, replication, role), and a task's own draws to (seed, replication, role, task, draw). It never belongs to a
//! strategy or to a point of a sweep, so that all of them share their draws, and never to the time at which something happens, so that one
//! component's draws do not move another's.

use rand::Rng;
use rand_pcg::Pcg64Dxsm;

/// The purpose of a stream's draws. The numbers are part of every forecast: a role keeps its number for ever.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum StreamRole {
    /// Times between arrivals.
    Arrivals = 0,
    /// The class of each arrival.
    Classes = 1,
    /// Demands of tasks' steps.
    Demands = 2,
    /// Think times of users.
    Think = 3,
    /// Choices of the operating system's scheduler.
    Scheduler = 4,
    /// Races for the GIL.
    Gil = 5,
    /// Lateness of timers and wake-ups.
    Timer = 6,
    /// Failures of steps.
    Failure = 7,
    /// Overshoot of a measuring program's steps.
    Grain = 8,
    /// Time-outs, and pauses between attempts.
    Patience = 9,
    /// Sizes of working memory.
    Sizes = 10,
    /// Requests after which workers are replaced.
    Recycling = 11,
    /// How long the states of a bursty load last.
    Load = 12,
    /// Whether a session goes on.
    Sessions = 13,
    /// When faults happen, and to whom.
    Faults = 14,
    /// Which machine a request goes to.
    Balancing = 15,
    /// When the supervisors of servers look.
    Supervisors = 16,
}

impl StreamRole {
    /// All roles in the order of their numbers.
    #[cfg(test)]
    pub(crate) const ALL: [Self; 17] = [
        Self::Arrivals,
        Self::Classes,
        Self::Demands,
        Self::Think,
        Self::Scheduler,
        Self::Gil,
        Self::Timer,
        Self::Failure,
        Self::Grain,
        Self::Patience,
        Self::Sizes,
        Self::Recycling,
        Self::Load,
        Self::Sessions,
        Self::Faults,
        Self::Balancing,
        Self::Supervisors,
    ];
}

/// 2^64 over the golden ratio, odd: the step of a Weyl sequence.
const WEYL: u64 = 0x9e37_79b9_7f4a_7c15;

/// A bijection of 64 bits whose every output bit depends on every input bit (Stafford's thirteenth variant of the
/// `MurmurHash3` finalizer, as in `SplitMix64`).
#[inline]
const fn mix(mut x: u64) -> u64 {
    x = (x ^ (x >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    x = (x ^ (x >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    x ^ (x >> 31)
}

/// A bijection of `x` for every `key`; neighbouring `x` land far apart.
#[inline]
/// A number made of two, which are not to be told from it: other pairs give others, as good as always.
pub(crate) const fn mixed(a: u64, b: u64) -> u64 {
    mix_keyed(mix(a.wrapping_add(WEYL)), b)
}

const fn mix_keyed(key: u64, x: u64) -> u64 {
    mix(key.wrapping_add(x.wrapping_mul(WEYL)))
}

#[inline]
const fn wide(high: u64, low: u64) -> u128 {
    ((high as u128) << 64) | low as u128
}

/// The common part of all streams of one (seed, replication, role): made once, then every task's stream costs a few
/// nanoseconds.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Streams {
    a: u64,
    b: u64,
}

impl Streams {
    /// The streams of this role in this replication.
    #[must_use]
    pub const fn new(seed: u64, replication: u32, role: StreamRole) -> Self {
        // Bijective in (replication, role) for each seed: two roles or replications of a run never share a key.
        let a = mix_keyed(
            mix(seed.wrapping_add(WEYL)),
            ((replication as u64) << 8) | role as u64,
        );
        Self {
            a,
            b: mix(a ^ WEYL),
        }
    }

    /// The one stream of the role, for draws that are made in a fixed order.
    #[must_use]
    pub fn stream(self) -> Pcg64Dxsm {
        let Self { a, b } = self;
        Pcg64Dxsm::new(
            wide(mix_keyed(a, 1), mix_keyed(b, 2)),
            wide(mix_keyed(a, 3), mix_keyed(b, 4)),
        )
    }

    /// The stream of draw number `draw` of task number `task`: independent of when, and of whether, any other is made.
    #[inline]
    #[must_use]
    pub fn task(self, task: u64, draw: u64) -> Pcg64Dxsm {
        let t = mix_keyed(self.a, task);
        let d = mix_keyed(self.b, draw);
        // The pair (t, d) is one-to-one with (task, draw) and selects the stream; the start is mixed once more, so that
        // it does not stand in a simple relation to the stream.
        Pcg64Dxsm::new(
            wide(mix(t ^ d.rotate_left(32)), t.wrapping_add(d)),
            wide(t, d),
        )
    }
}

/// The stream of a role, for draws that are made in a fixed order.
#[must_use]
pub fn stream(seed: u64, replication: u32, role: StreamRole) -> Pcg64Dxsm {
    Streams::new(seed, replication, role).stream()
}

/// The stream of one draw of one task; see [`Streams::task`], which is cheaper for many tasks.
#[cfg(test)]
#[must_use]
pub(crate) fn task_stream(
    seed: u64,
    replication: u32,
    role: StreamRole,
    task: u64,
    draw: u64,
) -> Pcg64Dxsm {
    Streams::new(seed, replication, role).task(task, draw)
}

/// A uniform number in \[0, 1), one of 2^53 equally spaced values.
#[inline]
pub fn unit<R: Rng + ?Sized>(rng: &mut R) -> f64 {
    const STEP: f64 = 1.0 / (1_u64 << 53) as f64;
    (rng.next_u64() >> 11) as f64 * STEP
}

#[cfg(test)]
mod tests {
    use std::collections::HashSet;

    use statrs::distribution::{ChiSquared, ContinuousCDF, Normal};

    use super::*;

    /// Each statistical test here fails a perfect generator with this probability; the seeds are fixed, so that a test
    /// that passes once passes always.
    const LEVEL: f64 = 1e-4;

    fn firsts(n: u64, mut stream: impl FnMut(u64) -> Pcg64Dxsm) -> Vec<f64> {
        (0..n).map(|k| unit(&mut stream(k))).collect()
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "small counts"
    )]
    fn assert_uniform(values: &[f64], what: &str) {
        const CELLS: usize = 256;
        let mut counts = [0_u32; CELLS];
        for value in values {
            counts[(value * CELLS as f64) as usize] += 1;
        }
        let expected = values.len() as f64 / CELLS as f64;
        let statistic: f64 = counts
            .iter()
            .map(|&c| (f64::from(c) - expected).powi(2) / expected)
            .sum();
        let law = ChiSquared::new((CELLS - 1) as f64).expect("positive freedom");
        let (low, high) = (
            law.inverse_cdf(LEVEL / 2.0),
            law.inverse_cdf(1.0 - LEVEL / 2.0),
        );
        assert!(
            low < statistic && statistic < high,
            "{what}: chi-square {statistic} outside {low}..{high}"
        );
    }

    fn assert_uncorrelated(x: &[f64], y: &[f64], what: &str) {
        // Mean 1/2 and variance 1/12 are known, so that the sum of products is normal with variance n / 144.
        let sum: f64 = x.iter().zip(y).map(|(x, y)| (x - 0.5) * (y - 0.5)).sum();
        let z = sum / (x.len() as f64 / 144.0).sqrt();
        let bound = Normal::standard().inverse_cdf(1.0 - LEVEL / 2.0);
        assert!(z.abs() < bound, "{what}: correlation z {z} beyond {bound}");
    }

    #[test]
    fn first_draws_of_neighbouring_tasks_are_uniform_and_unrelated() {
        const N: u64 = 1 << 18;
        let streams = Streams::new(1, 0, StreamRole::Demands);
        let tasks = firsts(N, |k| streams.task(k, 0));
        assert_uniform(&tasks, "first draws of tasks");
        for lag in [1, 2, 3, 16] {
            assert_uncorrelated(&tasks, &tasks[lag..], &format!("tasks {lag} apart"));
        }
        let second: Vec<f64> = (0..N)
            .map(|k| {
                let mut rng = streams.task(k, 0);
                rng.next_u64();
                unit(&mut rng)
            })
            .collect();
        assert_uniform(&second, "second draws of tasks");
        assert_uncorrelated(&tasks, &second, "first and second draws of a task");
        let draws = firsts(N, |k| streams.task(3, k));
        assert_uniform(&draws, "draws of one task");
        assert_uncorrelated(&draws, &draws[1..], "neighbouring draws of one task");
        assert_uncorrelated(
            &tasks,
            &firsts(N, |k| streams.task(k, 1)),
            "draws 0 and 1 of a task",
        );
        assert_uncorrelated(&tasks, &draws, "task k draw 0 and task 3 draw k");
    }

    #[test]
    fn neighbouring_seeds_replications_and_roles_are_unrelated() {
        const N: u64 = 1 << 16;
        let small = |n: u64| u32::try_from(n).expect("small");
        let seeds = firsts(N, |k| stream(k, 0, StreamRole::Arrivals));
        let replications = firsts(N, |k| stream(0, small(k), StreamRole::Arrivals));
        assert_uniform(&seeds, "seeds");
        assert_uniform(&replications, "replications");
        assert_uncorrelated(&seeds, &seeds[1..], "neighbouring seeds");
        assert_uncorrelated(
            &replications,
            &replications[1..],
            "neighbouring replications",
        );
        for pair in StreamRole::ALL.windows(2) {
            let [mut x, mut y] = [pair[0], pair[1]].map(|role| stream(9, 0, role));
            let (x, y) = (firsts_of(N, &mut x), firsts_of(N, &mut y));
            assert_uniform(&x, "a stream");
            assert_uncorrelated(&x, &y, &format!("{:?} and {:?}", pair[0], pair[1]));
        }
    }

    fn firsts_of(n: u64, rng: &mut Pcg64Dxsm) -> Vec<f64> {
        (0..n).map(|_| unit(rng)).collect()
    }

    #[test]
    fn no_two_keys_meet() {
        let mut seen = HashSet::new();
        for role in StreamRole::ALL {
            for replication in 0..50 {
                assert!(seen.insert(stream(7, replication, role).next_u64()));
                for task in 0..20 {
                    for draw in 0..5 {
                        assert!(
                            seen.insert(task_stream(7, replication, role, task, draw).next_u64())
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn unit_covers_its_range_and_no_more() {
        struct Fixed(u64);
        impl rand::TryRng for Fixed {
            type Error = std::convert::Infallible;
            fn try_next_u32(&mut self) -> Result<u32, Self::Error> {
                Ok(0)
            }
            fn try_next_u64(&mut self) -> Result<u64, Self::Error> {
                Ok(self.0)
            }
            fn try_fill_bytes(&mut self, _: &mut [u8]) -> Result<(), Self::Error> {
                Ok(())
            }
        }
        assert_eq!(unit(&mut Fixed(0)).to_bits(), 0.0_f64.to_bits());
        assert_eq!(
            unit(&mut Fixed(u64::MAX)).to_bits(),
            (1.0 - f64::EPSILON / 2.0).to_bits()
        );
    }

    /// Values that were written down once. If they change, every forecast does: say so in the changelog under "Values".
    #[test]
    fn draws_are_what_they_have_always_been() {
        let mut rng = stream(42, 3, StreamRole::Arrivals);
        let mut task = task_stream(42, 3, StreamRole::Demands, 1000, 2);
        let drawn = [
            rng.next_u64(),
            rng.next_u64(),
            task.next_u64(),
            task.next_u64(),
        ];
        assert_eq!(
            drawn,
            [
                6_967_055_839_243_742_919,
                5_768_593_526_470_666_575,
                3_284_673_529_997_586_388,
                613_591_081_872_732_887,
            ]
        );
        assert_eq!(
            stream(0, 0, StreamRole::Grain).next_u64(),
            4_887_037_354_471_865_476
        );
    }
}
