//! The result of a study. Fields are in the order of the keys in a result file.

use serde::{Deserialize, Serialize};

use super::forecast::Forecast;
use super::interpreter::InterpreterInfo;
use super::keyed;
use super::standing::{Answer, Standing, answer};
use crate::engine::{Nanos, seconds};
use crate::scenario::{MachineSpec, Metric};

/// The program that made a result.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(expecting = "struct Program")]
pub struct Generator {
    /// Always `pchsim`.
    pub name: String,
    /// Version of the program.
    pub version: String,
}

impl Default for Generator {
    /// This program, in its own version.
    fn default() -> Self {
        Self {
            name: env!("CARGO_PKG_NAME").into(),
            version: env!("CARGO_PKG_VERSION").into(),
        }
    }
}

/// The scenario that was simulated.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ScenarioName {
    /// The scenario's name.
    pub name: String,
    /// The question that it answers; may be empty.
    pub question: String,
    /// Hash of the scenario's content, every override included: equal hashes mean equal scenarios.
    pub hash: String,
}

/// The simulated computer.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "struct Machine")]
pub struct MachineInfo {
    /// Relative speed of each core.
    pub cores: Vec<f64>,
    /// Memory limit in bytes; `None` for no limit.
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

/// A warning, or a note (a mere fact).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Notice {
    /// Code of the warning, as `pchsim explain` takes it.
    pub code: String,
    /// Whether it is a note, and no reason to distrust the numbers.
    pub note: bool,
    /// Text for people.
    pub text: String,
}

impl Notice {
    /// Label before the text: `warning[saturated]`.
    #[must_use]
    pub fn label(&self) -> String {
        let kind = if self.note { "note" } else { "warning" };
        format!("{kind}[{}]", self.code)
    }
}

/// An [`Answer`] with names of cases ([`Forecast::name`]) instead of indices, as a result file has it.
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
    /// The program that made the result.
    pub program: Generator,
    /// The command that repeats the study; empty if no command made it.
    pub command: String,
    /// The scenario that was simulated.
    pub scenario: ScenarioName,
    /// Master seed.
    pub seed: u64,
    /// The simulated computer.
    pub machine: MachineInfo,
    /// The interpreters, in the order of the scenario; empty in the oldest results.
    #[serde(default)]
    pub interpreters: Vec<InterpreterInfo>,
    /// Confidence level of the intervals, from 0 to 1.
    pub confidence: f64,
    /// Precision asked for (relative half-width of the metric's interval).
    pub precision: f64,
    /// Whether the workload was studied in its steady state.
    #[serde(rename = "steady_state")]
    pub steady: bool,
    /// Whether all tasks arrive at once.
    pub batch: bool,
    /// Start of the time that counts in a steady-state study: the latest of all cases.
    #[serde(rename = "warmup_s", with = "seconds")]
    pub warmup: Nanos,
    /// The metric by which the cases are ranked.
    #[serde(rename = "ranked_by", with = "keyed::metric")]
    pub metric: Metric,
    /// Name of the case that speed-ups are relative to.
    pub baseline: Option<String>,
    /// Which case to take; absent in the oldest results ([`Study::answer`] tells it for all).
    #[serde(rename = "answer", default)]
    pub taken: Option<NamedAnswer>,
    /// Every case, best first.
    #[serde(rename = "cases")]
    pub forecasts: Vec<Forecast>,
    /// The sequential baseline, if it was simulated only for comparison.
    pub hidden_baseline: Option<Forecast>,
    /// Warnings and notes.
    pub warnings: Vec<Notice>,
}

impl Study {
    /// What the decision has to know of each case, in their order.
    #[must_use]
    pub fn standings(&self) -> Vec<Standing> {
        self.forecasts.iter().map(Standing::from).collect()
    }

    /// Which case to take; see [`answer`](super::answer).
    #[must_use]
    pub fn answer(&self) -> Option<Answer> {
        answer(&self.standings(), !self.metric.less_is_better())
    }

    /// An answer with names of cases instead of indices.
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
