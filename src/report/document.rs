//! Results as their files hold them: what [`json`](super::json()) writes of a run, and the JSON Lines of a sweep, read back. Figures,
//! pages and summaries are made from these alone, so that a result says the same however late it is looked at.

use std::collections::{BTreeMap, BTreeSet};

use serde::Deserialize;
use serde_json::Value;

use super::SCHEMA;
use super::shares::named_with_gil;
use super::timeline::Timeline;
use crate::measure::Estimate;
use crate::study::{FAILS_MORE, Quantity, Standing, Tier};

/// The result of a run or of a sweep.
#[derive(Clone, Debug, PartialEq)]
pub enum Document {
    /// `pchsim run --format json`.
    Run(Box<RunDocument>),
    /// `pchsim sweep -o FILE.jsonl`.
    Sweep(Box<SweepDocument>),
}

/// What made a result.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Program {
    /// Always `pchsim`.
    pub name: String,
    /// Its version.
    pub version: String,
}

/// What was simulated.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct ScenarioName {
    /// The scenario's name.
    pub name: String,
    /// The question that it answers; may be empty.
    pub question: String,
    /// Names the scenario's content.
    pub hash: String,
}

/// On which simulated computer.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct MachineFacts {
    /// Relative speed of each core.
    pub cores: Vec<f64>,
    /// Memory limit.
    pub memory_limit_bytes: Option<u64>,
}

/// An interpreter that was simulated.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct InterpreterFacts {
    /// Name of its profile.
    pub name: String,
    /// What Python calls itself.
    pub version: String,
    /// Whether there is a GIL.
    pub gil: bool,
    /// Where its numbers come from, in words.
    pub origin: String,
    /// Parameters that were measured; where `derived_count` is missing, those computed from measurements as well.
    pub measured_count: u64,
    /// Parameters that were computed from measurements, where the result tells.
    #[serde(default)]
    pub derived_count: Option<u64>,
    /// Parameters that are estimates.
    pub estimated_count: u64,
    /// The measurement, where its details are known.
    pub measurement: Option<Measurement>,
}

/// When and where an interpreter was measured.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct Measurement {
    /// Day, in UTC.
    pub date: String,
    /// Compiler of the interpreter.
    pub compiler: String,
    /// Profile-guided optimization; `None`: not known.
    pub pgo: Option<bool>,
    /// Link-time optimization; `None`: not known.
    pub lto: Option<bool>,
    /// Whether it has assertions.
    pub debug: bool,
    /// Processor.
    pub cpu: String,
    /// Cores that it could use.
    pub cores: u32,
    /// Operating system.
    pub system: String,
    /// How often everything was measured.
    pub rounds: u32,
    /// How much slower than at its best the machine ran meanwhile.
    pub slowness: f64,
}

/// The result of a run.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct RunDocument {
    /// What made it.
    pub program: Program,
    /// The command that repeats it.
    pub command: String,
    /// What was simulated.
    pub scenario: ScenarioName,
    /// Master seed.
    pub seed: u64,
    /// On which simulated computer.
    pub machine: MachineFacts,
    /// The interpreters; empty in results of older versions.
    #[serde(default)]
    pub interpreters: Vec<InterpreterFacts>,
    /// Level of the intervals.
    pub confidence: f64,
    /// Relative half-width asked for.
    pub precision: f64,
    /// Whether the workload was studied in its steady state.
    pub steady_state: bool,
    /// Whether all tasks arrived at once; unknown of older results.
    #[serde(default)]
    pub batch: Option<bool>,
    /// Time left out at the start.
    pub warmup_s: f64,
    /// The metric ranked by, as `--rank-by` takes it.
    pub ranked_by: String,
    /// The case that speed-ups are against.
    pub baseline: Option<String>,
    /// The cases, best first.
    pub cases: Vec<CaseDocument>,
    /// The sequential baseline where it was not asked for.
    pub hidden_baseline: Option<CaseDocument>,
    /// What a reader must know.
    pub warnings: Vec<WarningDocument>,
}

impl RunDocument {
    /// Whether a case's interpreter has a GIL.
    pub(super) fn has_gil(&self, case: &CaseDocument) -> bool {
        let facts = self
            .interpreters
            .iter()
            .find(|i| i.name == case.interpreter);
        facts.map_or_else(|| named_with_gil(&case.interpreter), |i| i.gil)
    }
}

/// A warning or note.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct WarningDocument {
    /// Its code.
    pub code: String,
    /// Whether it is a mere fact.
    pub note: bool,
    /// In words.
    pub text: String,
}

/// An estimate over replications.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
pub struct EstimateDocument {
    /// Mean.
    pub mean: f64,
    /// Lower end of the interval; `None` with a single replication.
    pub low: Option<f64>,
    /// Upper end.
    pub high: Option<f64>,
    /// Median.
    pub median: f64,
    /// Replications.
    pub n: u32,
}

impl EstimateDocument {
    /// As it was computed.
    pub fn estimate(self) -> Estimate {
        Estimate {
            mean: self.mean,
            half: self.high.map(|high| (high - self.mean).abs()),
            median: self.median,
            n: self.n,
        }
    }
}

/// What is forecast of a case (a strategy on an interpreter).
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct CaseDocument {
    /// The strategy in its short form.
    pub strategy: String,
    /// The interpreter.
    pub interpreter: String,
    /// Place, 1 is best; `None` unless the numbers can be taken as they are.
    pub rank: Option<u32>,
    /// Whether it shares its place.
    pub tied: bool,
    /// `fine`, or why there are no numbers.
    pub status: String,
    /// How it stands before its metric counts (see [`Tier`]); absent in results of 0.1.0.
    #[serde(default)]
    pub tier: Option<String>,
    /// Replications simulated.
    pub replications: u32,
    /// Events in all of them.
    pub simulated_events: u64,
    /// How many times better than the baseline.
    pub speedup: Option<EstimateDocument>,
    /// What that means.
    pub speedup_reading: Option<String>,
    /// The estimates by their keys (see [`Quantity::key`]).
    pub estimates: BTreeMap<String, Option<EstimateDocument>>,
    /// Shares of task time, keys like `gil_share`.
    pub time_by_cause: BTreeMap<String, f64>,
    /// The same of the tasks' children, where they have any and a wait for them is told from one for a queue.
    #[serde(default)]
    pub children_time_by_cause: Option<BTreeMap<String, f64>>,
    /// Mean busy share of each core.
    #[serde(default)]
    pub core_busy_shares: Vec<f64>,
    /// The latencies of each class.
    #[serde(default)]
    pub classes: Vec<Value>,
    /// The objectives held against it.
    #[serde(default)]
    pub objectives: Vec<ObjectiveDocument>,
    /// What went wrong.
    #[serde(default)]
    pub findings: Vec<Value>,
    /// The distribution of latencies over all replications, as (share of tasks, latency in seconds that they do not exceed) by rising
    /// share; absent in sweeps.
    #[serde(default)]
    pub latency_quantiles: Option<Vec<(f64, f64)>>,
    /// The course of one replication over time; absent in sweeps.
    #[serde(default)]
    pub over_time: Option<OverTime>,
    /// What cores, GILs and threads did in the first part of one replication; absent in sweeps.
    #[serde(default)]
    pub timeline: Option<Timeline>,
    /// Keys whose names depend on the metric ranked by (`ranked_by_s`, `behind_best_s`, ...), and what later versions add.
    #[serde(flatten)]
    pub others: BTreeMap<String, Value>,
}

/// An objective held against a case.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct ObjectiveDocument {
    /// As it was written.
    pub objective: String,
    /// `met`, `missed` or `undecided`.
    pub verdict: String,
    /// The bound.
    pub bound: f64,
    /// The value.
    pub value: Option<EstimateDocument>,
}

impl ObjectiveDocument {
    /// How far the value is over the bound, as a share of it: 0 unless missed, infinite without a value or with a bound of zero.
    pub fn excess(&self) -> f64 {
        match (self.verdict.as_str(), self.value) {
            ("missed", Some(v)) if self.bound > 0.0 => (v.mean - self.bound).abs() / self.bound,
            ("missed", _) => f64::INFINITY,
            _ => 0.0,
        }
    }
}

/// The course of replication 0, in equal bins of simulated time: means over each bin, but for `memory_peak_bytes`.
#[derive(Clone, Debug, Default, PartialEq, Deserialize)]
pub struct OverTime {
    /// Length of a bin in seconds.
    pub bin_s: f64,
    /// Memory in use.
    pub memory_mean_bytes: Vec<f64>,
    /// Most memory in use within the bin.
    pub memory_peak_bytes: Vec<f64>,
    /// Busy share of all cores.
    pub utilization_share: Vec<f64>,
    /// Share in which some GIL was held.
    pub gil_held_share: Vec<f64>,
    /// Threads ready to run without a core.
    pub run_queue: Vec<f64>,
    /// Tasks that have arrived and are not over.
    pub in_flight: Vec<f64>,
}

impl CaseDocument {
    /// Strategy and interpreter.
    pub fn name(&self) -> String {
        format!("{} on {}", self.strategy, self.interpreter)
    }

    /// The estimate of a quantity.
    pub fn get(&self, q: Quantity) -> Option<EstimateDocument> {
        self.estimates.get(q.key()).copied().flatten()
    }

    /// The metric ranked by; `None` where the case has none.
    pub fn primary(&self) -> Option<EstimateDocument> {
        self.in_unit_of_metric("ranked_by_")
    }

    /// The estimate whose key begins so, and ends in the metric's unit.
    fn in_unit_of_metric(&self, key: &str) -> Option<EstimateDocument> {
        let mut others = self.others.iter();
        let (_, value) = others.find(|(k, _)| k.starts_with(key))?;
        serde_json::from_value(value.clone()).ok()
    }

    /// Whether its numbers can be taken as they are.
    pub fn is_fine(&self) -> bool {
        self.status == "fine"
    }

    /// The metric's difference from that of the first place.
    pub fn behind_best(&self) -> Option<EstimateDocument> {
        self.in_unit_of_metric("behind_best_")
    }

    /// How far it is over the objective that it misses by most (see [`excess`](crate::study::excess)).
    pub fn excess(&self) -> f64 {
        let each = self.objectives.iter().map(ObjectiveDocument::excess);
        each.fold(0.0, f64::max)
    }

    /// How it stands among the others of its run or point, of which one fails as little as `least`.
    fn tier(&self, least: f64) -> Tier {
        let named = self.tier.as_deref();
        if let Some(known) = Tier::ALL.into_iter().find(|t| Some(t.name()) == named) {
            return known;
        }
        if !self.is_fine() {
            Tier::NoForecast
        } else if self
            .get(Quantity::FailureRate)
            .is_some_and(|f| fails_more(f, least))
        {
            Tier::Fails
        } else if self.objectives.iter().any(|o| o.verdict == "missed") {
            Tier::Misses
        } else {
            Tier::Meets
        }
    }
}

/// Whether a failing share is above the least one by more than a trifle, and beyond chance.
pub(super) fn fails_more(fails: EstimateDocument, least: f64) -> bool {
    fails.mean - least > FAILS_MORE && fails.low.is_none_or(|low| low > least)
}

/// How the cases of a run, or of a point of a sweep, stand.
pub fn standings<'a>(cases: impl Iterator<Item = &'a CaseDocument> + Clone) -> Vec<Standing> {
    let failures = cases.clone().filter(|c| c.is_fine());
    let failures = failures.filter_map(|c| c.get(Quantity::FailureRate));
    let least = failures.map(|e| e.mean).fold(f64::INFINITY, f64::min);
    let of = |c: &CaseDocument| Standing {
        tier: c.tier(least),
        rank: c.rank,
        metric: c.primary().map(|e| e.mean),
        excess: c.excess(),
        behind: c.behind_best().map(EstimateDocument::estimate),
    };
    cases.map(of).collect()
}

/// The result of a sweep: the first line of its file, and the others.
#[derive(Clone, Debug, PartialEq)]
pub struct SweepDocument {
    /// What was swept.
    pub header: SweepHeader,
    /// A row for each case of each point, points in canonical order, cases best first.
    pub rows: Vec<SweepRow>,
}

impl SweepDocument {
    /// How many points have rows.
    pub fn points_done(&self) -> u64 {
        let points: BTreeSet<u64> = self.rows.iter().map(|r| r.point).collect();
        points.len() as u64
    }
}

/// The first line of a sweep's file.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SweepHeader {
    /// What made it.
    pub program: Program,
    /// The command that repeats it.
    pub command: String,
    /// What was simulated, before anything was varied.
    pub scenario: ScenarioName,
    /// Master seed.
    pub seed: u64,
    /// The simulated computer, before anything was varied.
    pub machine: MachineFacts,
    /// Names the plan: equal plans, equal points.
    pub plan: String,
    /// What is varied; the last axis runs fastest.
    pub axes: Vec<AxisDocument>,
    /// Whether the axes run side by side, rather than as a grid.
    pub zip: bool,
    /// How many points the plan has.
    pub points: u64,
    /// Whether all tasks arrive at once, where the file says so.
    #[serde(default)]
    pub batch: Option<bool>,
    /// The metric ranked by, as `--rank-by` takes it.
    pub ranked_by: String,
    /// Relative half-width asked for.
    pub precision: f64,
    /// Level of the intervals.
    pub confidence: f64,
}

/// What is varied, and over which values.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct AxisDocument {
    /// The field (`machine.cores`), unique in the sweep.
    pub path: String,
    /// Its name for people (`cores`).
    pub label: String,
    /// The values as they were written: numbers or texts.
    pub values: Vec<Value>,
    /// The same as numbers (durations in seconds, sizes in bytes), where they all are.
    pub numbers: Option<Vec<f64>>,
    /// Unit of `numbers`: `s`, `bytes`, `per_s`, or nothing.
    pub unit: Option<String>,
}

/// What the values of an axis are to whoever asks for the best of a sweep.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AxisKind {
    /// There to choose from: cores, workers, interpreters, strategies.
    Choice,
    /// What the program has to bear: a rate, users, tasks. Its best is looked for under the largest.
    Load,
    /// As it is: the seed, and whatever else describes the work. No value of it is better than another.
    Given,
}

impl AxisKind {
    /// Of an axis by its path. What is not known to be chosen is taken as given: who is best at each of its values is true of any axis.
    pub fn of(path: &str) -> Self {
        const CHOSEN: [&str; 7] = [
            "machine",
            "interpreter",
            "interpreters",
            "strategy",
            "strategies",
            "workers",
            "cores",
        ];
        const LOADS: [&str; 3] = ["rate", "users", "count"];
        let first = path.split(['.', '[']).next().unwrap_or_default();
        let last = path.rsplit('.').next().unwrap_or_default();
        if CHOSEN.contains(&first) {
            Self::Choice
        } else if first == "workload" && LOADS.contains(&last) {
            Self::Load
        } else {
            Self::Given
        }
    }
}

impl AxisDocument {
    /// What its values are to whoever asks for the best. Words name no load.
    pub fn kind(&self) -> AxisKind {
        match AxisKind::of(&self.path) {
            AxisKind::Load if self.numbers.is_none() => AxisKind::Given,
            kind => kind,
        }
    }

    /// Whether its values change nothing but strategies.
    pub fn sets_strategies(&self) -> bool {
        let first = self.path.split(['.', '[']).next().unwrap_or_default();
        ["workers", "strategy", "strategies"].contains(&first)
    }

    /// Whether its values lie in an order that means something. Seeds are numbers, but none is more than another.
    pub fn is_ordered(&self) -> bool {
        self.numbers.is_some() && self.path != "seed"
    }
}

/// A case at a point.
#[derive(Clone, Debug, PartialEq, Deserialize)]
pub struct SweepRow {
    /// Number of the point, from 0.
    pub point: u64,
    /// The point's index on each axis.
    pub index: Vec<usize>,
    /// The point's value on each axis, by path.
    pub at: BTreeMap<String, Value>,
    /// Codes of the point's warnings, notes left out.
    #[serde(default)]
    pub warnings: Vec<String>,
    /// The forecast.
    #[serde(flatten)]
    pub case: CaseDocument,
}

#[derive(Deserialize)]
struct Start {
    schema: Option<u64>,
    kind: Option<String>,
}

/// What a result file is, and the commands that write one.
pub const RESULT: &str =
    "a result of `pchsim run --format json -o FILE` or `pchsim sweep -o FILE.jsonl`";

/// Reads a result file; `name` is what it is called in complaints.
///
/// # Errors
/// A sentence for people: which file, which line, what was expected.
pub fn read(text: &str, name: &str) -> Result<Document, String> {
    let first_line = text.lines().next().unwrap_or_default();
    if let Ok(start) = serde_json::from_str::<Start>(first_line)
        && start.kind.as_deref() == Some("sweep")
    {
        schema(start.schema, name)?;
        return sweep(text, name).map(|s| Document::Sweep(Box::new(s)));
    }
    let start: Start = serde_json::from_str(text)
        .map_err(|e| format!("{name} is not {RESULT}: {e}; make it again with that command"))?;
    schema(start.schema, name)?;
    serde_json::from_str(text)
        .map(|run| Document::Run(Box::new(run)))
        .map_err(|e| format!("{name} is not {RESULT}: {e}"))
}

fn schema(found: Option<u64>, name: &str) -> Result<(), String> {
    match found {
        Some(SCHEMA) => Ok(()),
        Some(other) => Err(format!(
            "{name} has schema {other}, this version of pchsim reads schema {SCHEMA}: make the result again"
        )),
        None => Err(format!(
            "{name} has no `schema`: it is no result of pchsim (run --format json, or sweep -o FILE.jsonl)"
        )),
    }
}

fn sweep(text: &str, name: &str) -> Result<SweepDocument, String> {
    let mut lines = (1..).zip(text.lines());
    let at = |line: usize| move |e| format!("{name}, line {line}: {e}");
    let (_, first) = lines.next().ok_or_else(|| format!("{name} is empty"))?;
    let header = serde_json::from_str(first).map_err(at(1))?;
    let mut rows = lines
        .filter(|(_, l)| !l.trim().is_empty())
        .map(|(n, l)| serde_json::from_str(l).map_err(at(n)))
        .collect::<Result<Vec<SweepRow>, _>>()?;
    // Whatever has been done to the file: points in their order, the best case of each first.
    rows.sort_by_key(|r| (r.point, r.case.rank.unwrap_or(u32::MAX)));
    Ok(SweepDocument { header, rows })
}
