//! The result of a study. The order of the fields is that of the keys in a result's file.

use serde::{Deserialize, Serialize};

use super::forecast::Forecast;
use super::interpreter::InterpreterInfo;
use super::keyed;
use super::standing::{Answer, Standing, answer};
use crate::engine::{Nanos, seconds};
use crate::scenario::{MachineSpec, Metric};

/// What made a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "struct Program")]
pub struct Generator {
    /// Always `pchsim`.
    pub name: String,
    /// Its version.
    pub version: String,
}

impl Default for Generator {
    /// This program.
    fn default() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// What was simulated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioName {
    /// The scenario's name.
    pub name: String,
    /// The question that it answers; may be empty.
    pub question: String,
    /// Names the scenario's content (every override included): equal hashes, equal scenarios.
    pub hash: String,
}

/// On which simulated computer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "struct Machine")]
pub struct MachineInfo {
    /// Relative speed of each core.
    pub cores: Vec<f64>,
    /// Memory limit.
    pub memory_limit_bytes: Option<u64>,
}

impl From<&MachineSpec> for MachineInfo {
    fn from(machine: &MachineSpec) -> Self {
        Self {
            cores: machine.cores.clone(),
            memory_limit_bytes: machine.memory_limit,
        }
    }
}

/// A warning, or a note: a mere fact.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Its code, as `pchsim explain` takes it.
    pub code: String,
    /// Whether it is a mere fact, and no reason to distrust what was computed.
    pub note: bool,
    /// In words.
    pub text: String,
}

impl Notice {
    /// What stands before its text: `warning[saturated]`.
    #[must_use]
    pub fn label(&self) -> String {
        let kind = if self.note { "note" } else { "warning" };
        format!("{kind}[{}]", self.code)
    }
}

/// An [`Answer`] with the names of cases ([`Forecast::name`]) instead of their places, as a result's file has it.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "struct Taken")]
pub struct NamedAnswer {
    /// See [`Answer::take`].
    pub take: String,
    /// See [`Answer::meets`].
    pub meets: bool,
    /// See [`Answer::tied`].
    pub tied: Vec<String>,
    /// See [`Answer::fastest`].
    pub fastest: Option<String>,
}

/// A comparison of strategies on one workload.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Study {
    /// What made it.
    pub program: Generator,
    /// The command that repeats it; empty where no command made it.
    pub command: String,
    /// What was simulated.
    pub scenario: ScenarioName,
    /// Master seed.
    pub seed: u64,
    /// The simulated computer.
    pub machine: MachineInfo,
    /// The interpreters, in the order of the scenario; none in the oldest results.
    #[serde(default)]
    pub interpreters: Vec<InterpreterInfo>,
    /// Level of the intervals.
    pub confidence: f64,
    /// Precision asked for (relative half-width of the metric's interval).
    pub precision: f64,
    /// Whether the workload was studied in its steady state.
    #[serde(rename = "steady_state")]
    pub steady: bool,
    /// Whether all tasks arrive at once.
    pub batch: bool,
    /// Start of the time that counts (steady workloads): the latest of all cases.
    #[serde(rename = "warmup_s", with = "seconds")]
    pub warmup: Nanos,
    /// What the cases are ranked by.
    #[serde(rename = "ranked_by", with = "keyed::metric")]
    pub metric: Metric,
    /// Name of the case that speed-ups are against.
    pub baseline: Option<String>,
    /// Which case to take; not in the oldest results ([`Study::answer`] says it of all).
    #[serde(rename = "answer", default)]
    pub taken: Option<NamedAnswer>,
    /// Every case, best first.
    #[serde(rename = "cases")]
    pub forecasts: Vec<Forecast>,
    /// The sequential baseline, if it was simulated only to be compared with.
    pub hidden_baseline: Option<Forecast>,
    /// What a reader must know.
    pub warnings: Vec<Notice>,
}

impl Study {
    /// How the cases stand, in their order.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        self.forecasts.iter().map(Standing::from).collect()
    }

    /// Which case to take; see [`answer`](super::answer).
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        answer(&self.standings(), !self.metric.less_is_better())
    }

    /// The same by names.
    #[must_use]
    pub fn named(&self, answer: &Answer) -> NamedAnswer {
        let name = |&i: &usize| self.forecasts[i].name();
        NamedAnswer {
            take: name(&answer.take),
            meets: answer.meets,
            tied: answer.tied.iter().map(name).collect(),
            fastest: answer.fastest.as_ref().map(name),
        }
    }

    /// All cases, the hidden baseline included.
    pub fn all(&self) -> impl Iterator<Item = &Forecast> + Clone {
        self.forecasts.iter().chain(&self.hidden_baseline)
    }
}
