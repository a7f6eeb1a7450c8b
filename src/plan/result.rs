//! A plan, as it is shown and written. Fields stand in the order of the keys in the file.

use serde::{Deserialize, Serialize};

use super::prices::MachineType;
use crate::measure::Estimate;
use crate::result::{Generator, Judgement, ScenarioName};

/// The answer to how many machines, of which kind, running what.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Plan {
    /// Version of the format.
    pub schema: u64,
    /// Always `plan`.
    pub kind: String,
    /// The program that made it.
    pub program: Generator,
    /// The command that repeats it.
    pub command: String,
    /// The scenario that was planned for.
    pub scenario: ScenarioName,
    /// The scenario's text, and what was changed of it.
    pub source: PlanSource,
    /// Master seed.
    pub seed: u64,
    /// Confidence level of the intervals.
    pub confidence: f64,
    /// What was asked for.
    pub asked: Asked,
    /// By which prices it counts.
    pub prices: PricesUsed,
    /// Whether the plan bears everything that was asked for.
    pub feasible: bool,
    /// What is in the way where it does not, in words.
    pub binding: Option<String>,
    /// What to deploy; where nothing is feasible what comes nearest.
    pub plan: Option<Deployment>,
    /// What it costs.
    pub cost: Option<Cost>,
    /// What breaks first, and how.
    pub bottleneck: Option<Bottleneck>,
    /// The load from which latency rises fast.
    pub knee: Option<Knee>,
    /// The most that it bears.
    pub maximum_load: Option<MaximumLoad>,
    /// What is next.
    pub runner_up: Option<RunnerUp>,
    /// What the common formula for workers would cost and do.
    pub formula: Option<RunnerUp>,
    /// The plan under more load.
    pub growth: Vec<Growth>,
    /// What wrong inputs would change.
    pub sensitivity: Vec<Sensitivity>,
    /// Load against latency of the plan and of others.
    pub curves: Vec<LoadCurve>,
    /// Of all that was seen under the load with headroom, on any number of machines: what costs more and answers sooner, by rising cost. Points
    /// that hold and points that do not.
    pub frontier: Vec<FrontierPoint>,
    /// Every candidate, and how it fared.
    pub tried: Vec<Tried>,
    /// How much was simulated.
    pub effort: PlanEffort,
}

/// Where the scenario comes from.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct PlanSource {
    /// Its name on the command line.
    pub name: String,
    /// Its text.
    pub text: String,
    /// Fields that were changed: path and value.
    pub set: Vec<(String, String)>,
    /// Interpreters that were asked for.
    pub interpreters: Vec<String>,
    /// Strategies that were asked for.
    pub strategies: Vec<String>,
}

/// What was asked for.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Asked {
    /// The objectives as they were written.
    pub objectives: Vec<String>,
    /// The load.
    pub load: f64,
    /// `per second` or `users`.
    pub load_unit: String,
    /// Whether the load is the peak of one that changes.
    #[serde(default)]
    pub at_peak: bool,
    /// Whether the scenario's faults come in what is simulated.
    #[serde(default)]
    pub with_faults: bool,
    /// Share by which more has to be borne.
    pub headroom_share: f64,
    /// Machines that may be lost while the load itself is borne.
    pub survive_machines: u32,
    /// Workers of one machine that may be lost while the load itself is borne.
    #[serde(default)]
    pub survive_workers: u32,
    /// Most that it may cost a month.
    pub budget_per_month: Option<f64>,
    /// Most machines that are tried.
    pub most_machines: u32,
    /// The kinds of machines that may be taken.
    pub machines: Vec<MachineType>,
}

/// What may be lost while the load itself is still borne.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Survive {
    /// So many whole machines.
    Machines(u32),
    /// So many worker processes of one machine: the copies of a server or of `Prefork`. A pool's processes are none, for a pool that loses one is
    /// broken or starts another.
    Workers(u32),
}

impl Survive {
    /// Machines that may be lost.
    #[must_use]
    pub fn machines(self) -> u32 {
        match self {
            Self::Machines(n) => n,
            Self::Workers(_) => 0,
        }
    }

    /// Workers that may be lost.
    #[must_use]
    pub fn workers(self) -> u32 {
        match self {
            Self::Machines(_) => 0,
            Self::Workers(n) => n,
        }
    }
}

/// By which prices a plan counts.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PricesUsed {
    /// The currency.
    pub currency: String,
    /// When they were so.
    pub date: String,
    /// Whose they are.
    pub source: String,
    /// Whether it is the example that the program brings along.
    pub example: bool,
}

/// What is deployed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Deployment {
    /// The strategy as the scenario would name it, machines included.
    pub strategy: String,
    /// That of each machine.
    pub each: String,
    /// Times that connection pools are as large as the scenario says: `1` unless that makes a plan cheaper.
    #[serde(default = "as_they_are", skip_serializing_if = "is_one")]
    pub pool_factor: u32,
    /// The interpreter.
    pub interpreter: String,
    /// The kind of machine.
    pub machine: MachineType,
    /// Number of machines.
    pub machines: u32,
    /// Processes that execute tasks on each machine.
    pub processes: u32,
    /// Tasks that each machine has in work at once; `None`: any number.
    pub at_once: Option<u64>,
    /// The command that starts a server on each machine, `app:app` for the application; `None` where the strategy is no server's.
    pub command: Option<String>,
    /// What each process may use at once of what is limited.
    pub resources: Vec<PlannedResource>,
    /// Busy share of the cores at the load itself.
    pub utilization_share: Option<f64>,
    /// Most memory of a machine at the load with headroom.
    pub memory_bytes: Option<f64>,
    /// The objectives at the load with headroom.
    pub objectives: Vec<Judgement>,
    /// The objectives at the load itself with as many machines fewer as may be lost.
    pub after_loss: Vec<Judgement>,
    /// A Deployment of Kubernetes.
    pub kubernetes: String,
}

/// A limited resource: what the scenario has, and the least that bears the load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct PlannedResource {
    /// Its name.
    pub name: String,
    /// Whose it is: `process`, `machine` or `all`.
    pub per: String,
    /// What the scenario has.
    pub has: u64,
    /// The least with which the plan bears the load with headroom, which may be more than there is where a plan chooses sizes; `None` where it
    /// does not with what there is.
    pub needs: Option<u64>,
    /// What all processes and machines have together if each has the least.
    #[serde(default)]
    pub in_all: Option<u64>,
}

fn as_they_are() -> u32 {
    1
}

#[expect(
    clippy::trivially_copy_pass_by_ref,
    reason = "serde passes a reference"
)]
fn is_one(times: &u32) -> bool {
    *times == 1
}

/// What a plan costs.
#[derive(Clone, Copy, Debug, PartialEq, Serialize, Deserialize)]
pub struct Cost {
    /// A month.
    pub per_month: f64,
    /// A million tasks at the load itself, all the month; `None` where the load is a number of users.
    pub per_million_tasks: Option<f64>,
}

/// What breaks first.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Bottleneck {
    /// `cores`, `GIL`, `event loop`, `workers`, `resource`, `device`, `memory`, `lock`, `queue`, `limit`, `contention`, `start-up`, `network` or `none`.
    pub kind: String,
    /// In words, with the figure by which it is one.
    pub text: String,
    /// Under which load it was looked at.
    pub at_load: f64,
    /// What happens there.
    pub past: Past,
}

/// What happens past the maximum load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Past {
    /// `grows`: queues grow without bound; `collapses`: less is completed than before; `sheds`: part of the tasks fail or are rejected, and the
    /// others are answered; `slows`: latency rises.
    pub kind: String,
    /// Completed tasks a second.
    pub throughput_per_s: Option<f64>,
    /// Share of tasks that fail, time out or are rejected.
    pub failure_share: Option<f64>,
    /// The latency that is planned by.
    pub latency_s: Option<f64>,
    /// In words.
    pub text: String,
}

/// Where latency begins to rise fast.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Knee {
    /// The load.
    pub load: f64,
    /// By what it was found: `kneedle` (the curve of latency over load) or `asymptotes` (those of a closed network cross there).
    pub by: String,
}

/// The most that a plan bears.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct MaximumLoad {
    /// The greatest load under which every objective was held.
    pub held: f64,
    /// The least load under which one was not; `None` where all that was tried was held.
    pub broken: Option<f64>,
    /// What was broken there, in words.
    pub by: Option<String>,
}

/// Another way, and what separates it from the plan.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct RunnerUp {
    /// The strategy of each machine.
    pub each: String,
    /// Times that connection pools are as large as the scenario says: `1` unless that makes a plan cheaper.
    #[serde(default = "as_they_are", skip_serializing_if = "is_one")]
    pub pool_factor: u32,
    /// The interpreter.
    pub interpreter: String,
    /// The kind of machine.
    pub machine: String,
    /// Number of machines; `None`: no number bears the load.
    pub machines: Option<u32>,
    /// What it costs a month.
    pub per_month: Option<f64>,
    /// The greatest of its objectives' values as a share of the bound, at the load with headroom.
    pub tightness_share: Option<f64>,
    /// What separates them, in words.
    pub text: String,
}

/// The plan under more load.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Growth {
    /// So many times the load.
    pub factor: f64,
    /// The strategy of each machine.
    pub each: Option<String>,
    /// The interpreter.
    pub interpreter: Option<String>,
    /// The kind of machine.
    pub machine: Option<String>,
    /// Number of machines.
    pub machines: Option<u32>,
    /// What it costs a month.
    pub per_month: Option<f64>,
    /// In words.
    pub text: String,
}

/// What a wrong input would change.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Sensitivity {
    /// The input: `load`, `CPU time`, `waiting outside`, `memory`.
    pub input: String,
    /// What it would be, as a multiple.
    pub factor: f64,
    /// Whether the plan is another one then.
    pub changes: bool,
    /// Whether the plan still bears what was asked for.
    pub still_holds: bool,
    /// What it costs a month then; `None` where nothing bears it.
    pub per_month: Option<f64>,
    /// In words.
    pub text: String,
}

/// Load against latency.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadCurve {
    /// Of what.
    pub name: String,
    /// What it costs a month.
    pub per_month: f64,
    /// Points, by rising load.
    pub points: Vec<LoadPoint>,
}

/// A point of such a curve.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct LoadPoint {
    /// The load.
    pub load: f64,
    /// The latency that is planned by; `None` where there is none.
    pub latency_s: Option<Estimate>,
    /// Completed tasks a second.
    pub throughput_per_s: Option<f64>,
    /// Share of tasks that fail.
    pub failure_share: Option<f64>,
    /// Busy share of the cores.
    pub utilization_share: Option<f64>,
    /// Whether every objective is held.
    pub holds: bool,
}

/// Something that costs more, and answers sooner, than the point before.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct FrontierPoint {
    /// What it is.
    pub name: String,
    /// What it costs a month.
    pub per_month: f64,
    /// The latency that is planned by.
    pub latency_s: f64,
    /// Whether every objective is held.
    pub holds: bool,
}

/// How a candidate fared.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Tried {
    /// The strategy of each machine.
    pub each: String,
    /// Times that connection pools are as large as the scenario says: `1` unless that makes a plan cheaper.
    #[serde(default = "as_they_are", skip_serializing_if = "is_one")]
    pub pool_factor: u32,
    /// The interpreter.
    pub interpreter: String,
    /// The kind of machine.
    pub machine: String,
    /// Fewest machines that are known to bear the load.
    pub machines: Option<u32>,
    /// What these cost a month.
    pub per_month: Option<f64>,
    /// So many were not enough, or were never tried because they could not be.
    pub too_few: u32,
    /// Why it was dropped, or that it was taken.
    pub why: String,
}

/// How much was simulated.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlanEffort {
    /// Number of candidates.
    pub candidates: u64,
    /// Of these, how many were simulated at all.
    pub simulated: u64,
    /// Number of looks at one of them under one load.
    pub looks: u64,
    /// Number of replications that were simulated.
    pub simulations: u64,
    /// Number of model events.
    pub events: u64,
}
