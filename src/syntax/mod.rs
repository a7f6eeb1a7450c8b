//! The scenario format: parsing its text, diagnostics with a place in it, changes by path, its canonical form, and the shipped scenarios.
//!
//! A text goes through four stages: RON with spans (`tree`), overrides by path (`overrides`), reading, which collects all problems
//! (`decode*`), and the types that the rest of the program uses ([`Scenario`](crate::scenario::Scenario)). The format is documented in
//! `docs/scenario-format.md`.

mod canonical;
mod changes;
mod codes;
mod decode;
mod decode_admission;
mod decode_arrivals;
mod decode_class;
mod decode_cpu;
mod decode_devices;
mod decode_dist;
mod decode_faults;
mod decode_machine;
mod decode_nodes;
mod decode_pools;
mod decode_resources;
mod decode_retry;
mod decode_scenario;
mod decode_server;
mod decode_steps;
mod decode_strategy;
mod decode_values;
mod decode_workload;
mod diagnostic;
mod dist_text;
pub mod embedded;
pub(crate) mod input;
mod load;
mod objective;
mod overrides;
mod strategy_text;
mod trace;
mod tree;
mod variants;
mod written;

pub(crate) use codes::codes;
pub(crate) use decode::{likeness, nearest, suggest, suggested};
pub(crate) use diagnostic::unquoted_words;

pub use changes::{Changed, Changes, Retargeted};
pub(crate) use decode::capital;
pub use diagnostic::{Code, Diagnostic, Severity, SourceText, render, render_within};
pub use load::{check, load, parse, read};
pub use objective::{ObjectiveError, parse_metric, parse_objective, parse_ranking};
pub use strategy_text::{STRATEGY_FORMS, parse_strategy};
pub(crate) use written::{rewritten, value_at};
