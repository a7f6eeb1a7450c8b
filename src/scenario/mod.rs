//! What a user writes: a scenario's types, units, distributions, validation, and diagnostics with a source span.
//!
//! A text goes through four stages: RON with spans (`tree`), overrides by path (`overrides`), reading with all problems
//! collected (`decode*`), and the types that the rest of the program uses ([`Scenario`]). The format is documented in
//! `docs/scenario-format.md`.

mod canonical;
mod capacity;
mod changes;
mod codes;
mod decode;
mod decode_machine;
mod decode_scenario;
mod decode_steps;
mod decode_strategy;
mod decode_values;
mod decode_workload;
mod diagnostic;
mod dist;
mod dist_text;
pub mod embedded;
pub(crate) mod input;
pub mod limits;
mod load;
mod model;
mod objective;
mod overrides;
mod step;
mod strategy;
mod strategy_text;
mod trace;
mod tree;
pub mod units;
mod variants;

pub use capacity::{Part, PastLimit};
pub(crate) use codes::codes;
pub(crate) use decode::{likeness, nearest, suggest, suggested};
pub(crate) use diagnostic::unquoted_words;

pub use changes::{Changed, Changes, Retargeted};
pub use decode::capital;
pub use diagnostic::{Code, Diagnostic, Severity, Source, render, render_within};
pub use dist::Dist;
pub use load::{check, load, parse, read};
pub use model::*;
pub use objective::{parse_metric, parse_objective, parse_ranking};
pub use step::{Carried, Inside, Locking, Runs, Spent, WaitsFor};
pub use strategy::{Execution, Pool};
pub use strategy_text::{SHORT_FORMS, STRATEGY_FORMS, parse_strategy, strategy_label};
