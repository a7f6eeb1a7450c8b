//! What a calibration measured, and robust estimates from it.
//!
//! Every sample lies between two readings of a short reference loop. A sample's *slowness* is the mean of the two over the
//! machine's best: what neighbours cost just then. Costs are divided by it. Of the samples, those count that were taken near the
//! best speed while other programs left the cores alone, or at least the better half; and as whatever disturbs a sample makes
//! it longer, the figure is their lower quartile rather than their median.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Map, Value, json};

use super::ImportGil;
use crate::calibrate::switches_back;
use crate::measure::median;

/// Samples this close to the machine's best speed all count.
const NEAR_BEST: f64 = 1.15;
/// Of the samples, sorted by how disturbed they were, at least this share counts.
const BETTER_SHARE: f64 = 0.5;
/// The reference loop's best is not its very least reading, which a change of clock speed or rounding may have made, but this
/// quantile of all readings.
const BEST_QUANTILE: f64 = 0.02;

/// A wait that ends within so many microseconds of a core's becoming idle was ended by that core at once.
const AT_ONCE_US: f64 = 100.0;
/// Of fewer such waits no share is told.
const FEWEST_WAITS: usize = 5;

/// Figures of pickling large blocks.
const LARGE_BLOCKS: &str = "pickle_bytes_";

/// Times of which the median counts.
const MIDDLING: [&str; 6] = [
    LARGE_BLOCKS,
    "wake_",
    "sleep_cpu_",
    "thread_handoff_apart_",
    "request_",
    "server_tick_",
];

/// What the interpreter says of itself.
#[derive(Clone, Debug, Deserialize)]
pub struct Hello {
    /// `3.13.0`
    pub version: String,
    /// Whether it runs without the GIL now.
    pub free_threaded: bool,
    /// The compiler.
    pub compiler: String,
    /// `sys.getswitchinterval()` in milliseconds.
    pub switch_interval_ms: f64,
    /// `gc.get_threshold()[0]`.
    pub gc_threshold: f64,
    /// Start methods of `multiprocessing`.
    pub methods: Vec<String>,
    /// Operating system, release, architecture.
    pub system: String,
    /// The processor.
    pub cpu: String,
    /// Cores that it may use.
    pub cores: u32,
    /// Load average over the last minute, where known.
    pub load: Option<f64>,
    /// The scheduler's base slice, where it can be read.
    pub base_slice_ns: Option<String>,
    /// The limit of the control group, where there is one.
    pub cpu_max: Option<String>,
    /// Whether the reference loop could be pinned to cores.
    pub pinned: bool,
    /// Whether the standard library is compiled.
    #[serde(default)]
    pub byte_code: ByteCode,
}

/// Byte code of the standard library on disk.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct ByteCode {
    /// So many of the loaded modules have none, although they have just been loaded: it cannot be written.
    pub missing: u32,
    /// Modules that were loaded from files.
    pub loaded: u32,
    /// Where they are.
    pub library: String,
}

/// One line of the program's output.
#[derive(Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "lowercase")]
pub(super) enum BenchRecord {
    Hello(Hello),
    Paces {
        ns: Vec<f64>,
    },
    Start {
        name: String,
        share: f64,
        round: u32,
    },
    Sample {
        figures: Map<String, Value>,
        pace: [f64; 2],
        #[serde(default)]
        others: f64,
    },
    Later {
        arguments: Vec<String>,
    },
    Absent {
        what: String,
        why: String,
    },
    Failed {
        name: String,
        why: String,
    },
    Done {
        rounds: u32,
    },
}

/// One value of a figure.
#[derive(Clone, Debug)]
struct SampleValue {
    value: Value,
    /// Mean reading of the reference loop round it, in nanoseconds an iteration; `None`: sizes, which have no speed.
    pace: Option<f64>,
    /// Share of the cores that others used meanwhile.
    others: f64,
}

/// Everything that one calibration measured.
#[derive(Clone, Debug)]
pub struct Samples {
    /// The interpreter and the machine.
    pub hello: Hello,
    taken: BTreeMap<String, Vec<SampleValue>>,
    paces: Vec<f64>,
    others: Vec<f64>,
    /// What cannot be measured here, and why.
    pub absent: BTreeMap<String, String>,
    /// Benchmarks that failed, and why.
    pub failed: Vec<(String, String)>,
    /// What was seen of the GIL while the user's modules were imported, or why nothing was.
    pub gil: BTreeMap<String, Result<ImportGil, String>>,
    /// How often everything was measured.
    pub rounds: u32,
}

impl Samples {
    pub(super) fn new(hello: Hello) -> Self {
        let absent = ["fork", "spawn", "forkserver"]
            .iter()
            .filter(|m| !hello.methods.iter().any(|have| have == *m))
            .map(|m| {
                let why = format!("this interpreter has no start method `{m}`");
                ((*m).to_owned(), why)
            })
            .collect();
        Self {
            hello,
            taken: BTreeMap::new(),
            paces: Vec::new(),
            others: Vec::new(),
            absent,
            failed: Vec::new(),
            gil: BTreeMap::new(),
            rounds: 0,
        }
    }

    /// Takes in a line of output.
    pub(super) fn take(&mut self, line: BenchRecord) {
        match line {
            BenchRecord::Hello(_) | BenchRecord::Start { .. } | BenchRecord::Later { .. } => {}
            BenchRecord::Paces { ns } => self.paces.extend(ns.into_iter().filter(|x| *x > 0.0)),
            BenchRecord::Sample {
                figures,
                pace,
                others,
            } => {
                let measured = pace.iter().all(|p| p.is_finite() && *p > 0.0);
                let pace = measured.then(|| (pace[0] + pace[1]) / 2.0);
                self.paces.extend(pace);
                self.others.extend(pace.map(|_| others));
                for (name, value) in figures {
                    self.taken.entry(name).or_default().push(SampleValue {
                        value,
                        pace,
                        others,
                    });
                }
            }
            BenchRecord::Absent { what, why } => {
                self.absent.insert(what, why);
            }
            BenchRecord::Failed { name, why } => self.failed.push((name, why)),
            BenchRecord::Done { rounds } => self.rounds = rounds,
        }
    }

    /// One iteration of the reference loop at the machine's best speed, in nanoseconds.
    pub(crate) fn best_pace(&self) -> f64 {
        let mut sorted = self.paces.clone();
        sorted.sort_by(f64::total_cmp);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a place in a list"
        )]
        let at = (sorted.len() as f64 * BEST_QUANTILE) as usize;
        sorted.get(at).copied().unwrap_or(f64::NAN)
    }

    /// How much slower than at its best the machine ran, in the mean over all readings (1.0: at its best).
    pub(crate) fn mean_slowness(&self) -> f64 {
        let mean = self.paces.iter().sum::<f64>() / self.paces.len().max(1) as f64;
        mean / self.best_pace()
    }

    /// Share of the cores that other programs used, in the mean over all samples (0 to 1).
    pub(crate) fn mean_others(&self) -> f64 {
        self.others.iter().sum::<f64>() / self.others.len().max(1) as f64
    }

    /// The same samples without one of `groups` stretches of time: for finding out how much the result depends on when they
    /// were taken, for slow spells last longer than a sample. A figure that was taken once keeps its sample.
    #[must_use]
    pub(crate) fn without(&self, group: usize, groups: usize) -> Self {
        let mut fewer = self.clone();
        for taken in fewer.taken.values_mut() {
            let all = taken.len();
            if all > 1 {
                let mut i = 0;
                taken.retain(|_| {
                    i += 1;
                    (i - 1) * groups / all != group
                });
            }
        }
        fewer
    }

    /// The same samples, held against the best speed that the machine reached in one of `groups` stretches of time: as a calibration
    /// would see them that was made only while the machine ran as it did then.
    #[must_use]
    pub(crate) fn at_the_speed_of(&self, group: usize, groups: usize) -> Self {
        let all = self.paces.len();
        let paces = self.paces.iter().enumerate();
        let of_group: Vec<f64> = paces
            .filter(|(i, _)| i * groups / all == group)
            .map(|(_, pace)| *pace)
            .collect();
        let mut same = self.clone();
        if !of_group.is_empty() {
            same.paces = of_group;
        }
        same
    }

    /// The user's modules whose import was timed.
    pub(crate) fn imported(&self) -> Vec<String> {
        self.taken
            .keys()
            .filter_map(|name| name.strip_prefix("import_ms "))
            .map(str::to_owned)
            .collect()
    }

    /// The figure of this name at the machine's best speed: the lower quartile of the samples that count, of sizes and of copying
    /// large blocks the median.
    pub(crate) fn estimate(&self, name: &str) -> Option<f64> {
        let taken = self.taken.get(name)?;
        let numbers = |t: &SampleValue| t.value.as_f64().filter(|v| v.is_finite());
        self.robust(name, taken, &numbers)
    }

    /// Samples near the best speed, undisturbed, or else the better half, each with its slowness.
    fn counted<'a>(&self, taken: &'a [SampleValue]) -> Vec<(&'a SampleValue, f64)> {
        let best = self.best_pace();
        let disturbed = |t: &SampleValue, slowness: f64| slowness * (1.0 + t.others);
        let mut all: Vec<(&SampleValue, f64)> = taken
            .iter()
            .map(|t| (t, t.pace.map_or(1.0, |p| p / best)))
            .collect();
        all.sort_by(|a, b| disturbed(a.0, a.1).total_cmp(&disturbed(b.0, b.1)));
        let near = all
            .iter()
            .filter(|(t, slowness)| disturbed(t, *slowness) <= NEAR_BEST)
            .count();
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a length of a list"
        )]
        let half = (taken.len() as f64 * BETTER_SHARE).ceil() as usize;
        all.truncate(near.max(half));
        all
    }

    fn robust(
        &self,
        name: &str,
        taken: &[SampleValue],
        number: &dyn Fn(&SampleValue) -> Option<f64>,
    ) -> Option<f64> {
        let timed = is_time(name);
        let mut values: Vec<f64> = self
            .counted(taken)
            .into_iter()
            .filter_map(|(t, slowness)| Some(number(t)? / if timed { slowness } else { 1.0 }))
            .collect();
        values.sort_by(f64::total_cmp);
        let last = values.len().checked_sub(1)?;
        Some(
            // A size is as often too small as too large, and so is the time of copying a large block (it depends on whether the
            // allocator has touched pages left), of waking a core (on how deeply it sleeps), and CPU time that the system counts in ticks.
            if timed && !MIDDLING.iter().any(|prefix| name.starts_with(prefix)) {
                #[expect(
                    clippy::cast_possible_truncation,
                    clippy::cast_sign_loss,
                    reason = "a place in a list"
                )]
                let low = (last as f64 * 0.25).round() as usize;
                values[low]
            } else {
                median(values)
            },
        )
    }

    /// The figures in the two forms that profiles are derived from: the reference's `micro-*.json` and `more-*.json`.
    pub fn figures(&self) -> (Value, Value) {
        let mut metrics = Map::new();
        let mut put = |name: &str, value: f64| metrics.insert(name.into(), json!(value));
        put("switch_interval_ms", self.hello.switch_interval_ms);
        put("gc_threshold", self.hello.gc_threshold);
        if let Some(share) = self.requester_wins() {
            put("gil_requester_wins", share);
        }
        if let Some(share) = self.new_idle() {
            put("new_idle_share", share);
        }
        let mut more = Map::new();
        for name in self.taken.keys() {
            if self.structured(name, &mut more) {
                continue;
            }
            if let Some(value) = self.estimate(name) {
                put(name, value);
            }
        }
        more.insert(
            "machine".into(),
            json!({"cores": self.hello.cores, "base_slice_ns": self.hello.base_slice_ns}),
        );
        let micro = json!({
            "version": self.hello.version,
            "free_threaded": self.hello.free_threaded,
            "runs": self.rounds,
            "gated": true,
            "absent": self.absent,
            "metrics": metrics,
        });
        (micro, Value::Object(more))
    }

    /// Puts a figure that is more than a number where it belongs; whether it was one.
    fn structured(&self, name: &str, more: &mut Map<String, Value>) -> bool {
        let mut put = |path: [&str; 3], value: Value| {
            let mut at = &mut *more;
            for key in &path[..2] {
                if !key.is_empty() {
                    let inner = at.entry(*key).or_insert_with(|| json!({}));
                    let Some(inner) = inner.as_object_mut() else {
                        return;
                    };
                    at = inner;
                }
            }
            at.insert(path[2].into(), value);
        };
        let number = || {
            self.estimate(name)
                .map_or(Value::Null, |value| json!(value))
        };
        if let Some(ms) = name.strip_prefix("sleep_late_us_") {
            let late = self.lateness(name);
            put(
                ["sleep_overshoot_us_by_ms", ms, "p50"],
                late.map_or(Value::Null, |l| json!(l)),
            );
        } else if let Some(rest) = name.strip_prefix("tree_kb_") {
            let row = rest.replace('_', "-");
            let last = self.taken[name].last().map(|t| t.value.clone());
            put(
                ["starts", &row, "processes_kb"],
                last.unwrap_or(Value::Null),
            );
        } else if name == "idle_kb" {
            let last = self.taken[name].last().map(|t| t.value.clone());
            put(
                ["", "", "idle_workloads_process_kb"],
                last.unwrap_or(Value::Null),
            );
        } else if let Some(rest) = name.strip_prefix("contention_") {
            let at = ["_1_thread", "_2_threads"]
                .iter()
                .find_map(|mark| rest.find(mark));
            if let Some(at) = at {
                put(["contention", &rest[..at], &rest[at + 1..]], number());
            }
        } else if let Some(rest) = name.strip_prefix(LARGE_BLOCKS) {
            if let Some((what, size)) = rest.rsplit_once('_') {
                put(["pickle_random_bytes_best", size, what], number());
            }
        } else {
            return matches!(name, "gil_holders" | "new_idle_waits");
        }
        true
    }

    /// Median lateness of sleeps in microseconds: not divided by the slowness, for the processor sleeps.
    fn lateness(&self, name: &str) -> Option<f64> {
        let all: Vec<f64> = self
            .counted(self.taken.get(name)?)
            .into_iter()
            .flat_map(|(t, _)| t.value.as_array().into_iter().flatten())
            .filter_map(Value::as_f64)
            .filter(|v| v.is_finite())
            .collect();
        (!all.is_empty()).then(|| median(all))
    }

    /// The share of the times that a core which becomes idle takes a thread that waits on another at once.
    pub(crate) fn new_idle(&self) -> Option<f64> {
        let waits: Vec<f64> = self
            .counted(self.taken.get("new_idle_waits")?)
            .into_iter()
            .flat_map(|(t, _)| t.value.as_array().into_iter().flatten())
            .filter_map(Value::as_f64)
            .filter(|v| v.is_finite())
            .collect();
        ended_at_once(&waits)
    }

    /// The share of GIL switches back to the thread that held it before the last one.
    fn requester_wins(&self) -> Option<f64> {
        let runs = self.taken.get("gil_holders")?;
        let (mut back, mut switches) = (0.0, 0.0);
        for holders in runs.iter().filter_map(|t| t.value.as_array()).flatten() {
            let holders: Vec<i64> = holders
                .as_array()
                .into_iter()
                .flatten()
                .filter_map(Value::as_i64)
                .collect();
            let (returned, all) = switches_back(&holders);
            back += f64::from(returned);
            switches += f64::from(all);
        }
        (switches > 0.0).then(|| back / switches)
    }
}

/// Of waits in microseconds that began at any time between two timer ticks and ended at the second or at once, the share that ended at once.
/// Of those that ended at the tick some were as short; the longest of all tells how far ticks are apart.
fn ended_at_once(waits: &[f64]) -> Option<f64> {
    let longest = waits.iter().copied().fold(0.0, f64::max);
    if waits.len() < FEWEST_WAITS {
        return None;
    }
    if longest <= AT_ONCE_US {
        return Some(1.0);
    }
    let short = waits.iter().filter(|w| **w <= AT_ONCE_US).count();
    let (all, by_chance) = (waits.len() as f64, AT_ONCE_US / longest);
    Some(((short as f64 / all - by_chance) / (1.0 - by_chance)).max(0.0))
}

/// Whether a figure's name says that it is a time: only times stretch when the machine is slow.
fn is_time(name: &str) -> bool {
    name.split([' ', '_'])
        .any(|word| matches!(word, "ns" | "us" | "ms"))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Of a thousand waits that end at once with the probability p and else at a tick, 4 ms apart, p is told, short of 1 in 40.
    #[test]
    fn waits_that_end_at_once_are_told_from_those_that_a_tick_ends() {
        for p in [0.0, 0.25, 0.5, 1.0] {
            let tick = |i: u32| f64::from(i * 7919 % 1000) * 4.0 + 2.0;
            let waits: Vec<f64> = (0..1000)
                .map(|i| {
                    if f64::from(i) < p * 1000.0 {
                        15.0
                    } else {
                        tick(i)
                    }
                })
                .collect();
            let told = ended_at_once(&waits).expect("enough waits");
            assert!((told - p).abs() < 0.025, "{told} for {p}");
        }
        assert_eq!(ended_at_once(&[10.0; 4]), None);
    }
}
