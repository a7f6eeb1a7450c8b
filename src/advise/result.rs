//! Advice, as it is written for programs. Fields are in the order of the keys.

use serde::{Deserialize, Serialize};

use super::change::Lever;
use super::constraints::{Constraints, Priority};
use super::family::Family;
use super::migrate::Migration;
use super::placement::PlacedTasks;
use super::prior::Question;
use super::smaller::Proportion;
use crate::measure::Estimate;
use crate::result::{Generator, Judgement, ScenarioName, SpeedupVerdict};

/// A recommendation with all that stands beside it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Advice {
    /// Version of the format of results.
    pub schema: u32,
    /// The program that made it.
    pub program: Generator,
    /// The command that repeats it; empty if no command made it.
    pub command: String,
    /// What it is about.
    pub scenario: ScenarioName,
    /// Master seed.
    pub seed: u64,
    /// Confidence level of the intervals, from 0 to 1.
    pub confidence: f64,
    /// Cores of the machine.
    pub cores: u32,
    /// Interpreters that may be taken.
    pub interpreters: Vec<String>,
    /// What had to be respected.
    pub constraints: Constraints,
    /// What was required, as objectives are written.
    pub requirements: Vec<String>,
    /// What mattered most.
    pub priority: Priority,
    /// The metric that this came to, as objectives name it.
    pub ranked_by: String,
    /// What to take; absent where nothing meets what is required.
    pub recommendation: Option<Recommendation>,
    /// Where nothing does: what comes nearest.
    pub nearest: Option<Approach>,
    /// Where nothing does: what stands in the way.
    pub binding: Option<String>,
    /// Where nothing does: every requirement that stands in the way.
    #[serde(default)]
    pub unmet: Vec<Unmet>,
    /// The decision tree.
    pub path: Path,
    /// The single thread, which everything is held against.
    pub baseline: Option<Approach>,
    /// The best of every other family, the best first.
    pub alternatives: Vec<Alternative>,
    /// The best of each family that was simulated and is further behind, or cannot be taken: no more is said of it than its figure, or why.
    #[serde(default)]
    pub further: Vec<Further>,
    /// What a wrong input would change.
    pub sensitivity: Vec<Sensitivity>,
    /// What would be taken if something else mattered most.
    pub priorities: Vec<ByPriority>,
    /// When another choice than the best is sensible.
    pub second_best: Option<String>,
    /// An approach for each kind of task, where there are several.
    pub groups: Vec<Group>,
    /// To each kind of task its own, beside what is best for all alike; absent where the kinds are alike, or there is only one.
    pub split: Option<Split>,
    /// What else bears on the case.
    pub factors: Vec<Factor>,
    /// How to get there.
    pub migration: Option<Migration>,
    /// The command that measures what is recommended beside the single thread; absent if no command made the advice.
    pub benchmark: Option<String>,
    /// By how much smaller work was simulated than that which is meant, where that would take too long; all figures are of what is meant.
    #[serde(default)]
    pub proportion: Option<Proportion>,
    /// How much was simulated.
    pub effort: AdviceEffort,
}

/// An approach with its figures.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Approach {
    /// Its family.
    pub family: Family,
    /// Where the tasks of each kind are executed, where each kind has its own; else empty.
    #[serde(default)]
    pub placement: Vec<PlacedTasks>,
    /// The strategy, as `--strategy` takes it.
    pub strategy: String,
    /// The interpreter.
    pub interpreter: String,
    /// Version of the interpreter, such as `3.14.7`.
    pub version: String,
    /// How it ended, where it has no meaningful forecast.
    pub status: Option<String>,
    /// Whether it meets every requirement.
    pub meets: bool,
    /// Why it cannot be taken, if so.
    pub excluded: Option<String>,
    /// Value of the metric that matters most.
    pub value: Option<Estimate>,
    /// Time until all is done, in seconds, of a batch.
    pub makespan_s: Option<Estimate>,
    /// Median latency in seconds.
    pub latency_p50_s: Option<Estimate>,
    /// 95th percentile of latency in seconds.
    pub latency_p95_s: Option<Estimate>,
    /// 99th percentile of latency in seconds.
    pub latency_p99_s: Option<Estimate>,
    /// Tasks a second that it completes where there is always work.
    pub capacity_per_s: Option<Estimate>,
    /// How many times as fast as the single thread it is at that.
    pub speedup: Option<Estimate>,
    /// What that means.
    pub speedup_reading: Option<SpeedupVerdict>,
    /// Peak memory of all its processes in bytes.
    pub memory_bytes: Option<Estimate>,
    /// Of these, what each worker adds to a single thread, where it has workers.
    pub memory_per_worker_bytes: Option<f64>,
    /// CPU time of all its processes in seconds; absent where a horizon cuts the runs, so that they do not do the same tasks.
    pub cpu_s: Option<Estimate>,
    /// CPU time of a completed task in seconds, where a horizon cuts the runs.
    #[serde(default)]
    pub cpu_per_task_s: Option<Estimate>,
    /// Share of the cores that is busy, from 0 to 1.
    pub utilization_share: Option<Estimate>,
    /// What became of each requirement.
    pub requirements: Vec<Judgement>,
}

impl Approach {
    /// How it is called.
    #[must_use]
    pub fn called(&self) -> String {
        self.family.said(!self.placement.is_empty())
    }
}

/// What to take.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Recommendation {
    /// The approach.
    #[serde(flatten)]
    pub approach: Approach,
    /// In one line, as people say it.
    pub title: String,
    /// The calls of the library, as they are written.
    pub calls: Vec<String>,
    /// Why, in sentences made from the figures.
    pub reasons: Vec<String>,
    /// Other approaches that are as good.
    pub tied: Vec<String>,
    /// How much there is to change.
    pub migration_effort: String,
}

impl std::ops::Deref for Recommendation {
    type Target = Approach;

    fn deref(&self) -> &Approach {
        &self.approach
    }
}

/// The way through the decision tree, and what simulation says of where it leads.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Path {
    /// The questions with their answers.
    pub questions: Vec<Question>,
    /// Where they lead.
    pub prior: Family,
    /// Whether the recommendation is that.
    pub agrees: bool,
    /// Where it is not: which mechanism makes the difference.
    pub why: Option<String>,
}

/// A requirement that stands in the way, where nothing does what is required.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Unmet {
    /// The requirement: an objective as it is written, or what is said of isolation, state or builds.
    pub requirement: String,
    /// Whether something meets it, so that it is in the way only together with others.
    pub met: bool,
    /// What meets it or comes nearest to it, on its interpreter; of what is no objective: what would be taken without it.
    pub nearest: Option<String>,
    /// That one's value of what is required; of what is no objective: of what matters most.
    pub value: Option<Estimate>,
    /// The same of a task by itself, with nothing in its way, where that alone is more than is allowed: then only a shorter task does it.
    pub alone: Option<Estimate>,
    /// In words.
    pub text: String,
}

/// Another approach.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Alternative {
    /// The approach.
    #[serde(flatten)]
    pub approach: Approach,
    /// What it gives and what it takes, against what is recommended.
    pub trade_off: String,
    /// When it would be the better choice.
    pub wins: Vec<Condition>,
}

/// An approach that was simulated, and is not among the alternatives.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Further {
    /// Its family.
    pub family: Family,
    /// The strategy, as `--strategy` takes it.
    pub strategy: String,
    /// The interpreter.
    pub interpreter: String,
    /// What it is called, and its figure or what stands in its way.
    pub text: String,
}

/// When an alternative is the better choice.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Condition {
    /// In words.
    pub text: String,
    /// The input that would have to be otherwise, where it is one.
    pub input: Option<Lever>,
    /// By which factor: where the two are equal.
    pub factor: Option<f64>,
}

/// What another value of an input does to the answer.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The input.
    pub input: Lever,
    /// How it is called.
    pub name: String,
    /// By which factor it is wrong.
    pub factor: f64,
    /// Whether another approach would be recommended.
    pub changes: bool,
    /// What would be; absent: nothing.
    pub becomes: Option<String>,
    /// In words.
    pub text: String,
}

/// What is taken if this matters most.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct ByPriority {
    /// What matters most.
    pub priority: Priority,
    /// What would be recommended; absent: nothing meets the requirements.
    pub family: Option<Family>,
    /// Its strategy on its interpreter.
    pub strategy: Option<String>,
    /// In words, with the figure that decides.
    pub text: String,
}

/// A kind of task.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Group {
    /// Name of the class.
    pub name: String,
    /// Share of its own time that a task waits.
    pub waiting_share: f64,
    /// What it would take by itself.
    pub family: Option<Family>,
    /// With its strategy and interpreter.
    pub strategy: Option<String>,
    /// 95th percentile of its latency within what is recommended for all, in seconds.
    pub latency_p95_s: Option<Estimate>,
    /// Where its tasks are executed within what is recommended, and how they meet the others.
    pub text: String,
}

/// The best program that gives each kind of task its own, beside the best of those that treat all alike.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Split {
    /// The strategy on its interpreter.
    pub strategy: String,
    /// Where the tasks of each kind are executed.
    pub placement: Vec<PlacedTasks>,
    /// Value of the metric that matters most.
    pub value: Option<Estimate>,
    /// Whether it is what is recommended: better than what treats all alike, by more than a tie and chance.
    pub better: bool,
    /// In words, beside the other.
    pub text: String,
}

/// Something else that bears on the case.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Factor {
    /// What it is about.
    pub about: String,
    /// What is said.
    pub text: String,
}

/// How much was simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdviceEffort {
    /// Candidates: strategies with their numbers of workers, on interpreters.
    pub candidates: u64,
    /// Simulations.
    pub simulations: u64,
    /// Model events.
    pub events: u64,
    /// Tasks of one run in a close look; absent where a horizon or a trace ends it.
    #[serde(default)]
    pub tasks_per_run: Option<u64>,
    /// Tasks that the scenario counts itself, where it does: a load that goes on is simulated for as long as it takes to tell approaches apart.
    #[serde(default)]
    pub tasks_in_scenario: Option<u64>,
}
