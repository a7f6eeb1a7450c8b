//! Forecasts held against real runs of the same workload: Python programs made from a scenario, run, and compared.
//!
//! The programs are made like the reference's `workloads.py`, against which the model has been validated: CPU is spent as
//! thread CPU time, so that a demand is a demand on a busy machine too. They are given the random numbers that the
//! simulator draws, so that program and forecast do the same.

mod application;
mod calls;
mod compare;
mod course;
mod crashes;
mod draws;
mod error;
mod estimate;
mod fit;
mod forecast;
mod held;
pub(crate) mod limits;
pub mod machine;
mod memory;
mod notes;
pub(crate) mod own_loop;
mod parallel;
mod pieces;
mod prepare;
mod program;
mod render;
mod retries;
mod run;
mod scarce;
mod serve;
mod steps;
mod table;
mod tree;
mod world;
mod written;

pub use application::ServedProgram;
pub(crate) use compare::Verification;
pub(crate) use course::{VerifySettings, verify};
pub(crate) use estimate::{DurationEstimate, Overheads, estimate};
pub use fit::fit;
pub(crate) use held::{ErrorSummary, Held, METRICS};
pub use prepare::{LeftOut, Planned, Plans, Request, prepare};
pub use program::{GeneratedProgram, ProgramSpec, file_prefix, generate};
pub use render::{json, markdown, text};
pub use run::{ClientFigures, MeasuredRun, ProgramDir, RunError, run_once};
pub(crate) use serve::{ServerHome, VenvError, ready};

use crate::strategy::{Outcome, SimError, SimInput};

/// Runs one replication whose arrivals and demands are those of replication 0, or returns the reason why it cannot.
pub(crate) type SimulateSameDemands<'a> =
    dyn Fn(&SimInput<'_>) -> Result<Outcome, SimError> + Sync + 'a;

/// The real simulator for an interpreter and a strategy.
///
/// # Errors
/// Returns an error when the interpreter cannot do what the strategy needs.
pub fn simulate_same_demands(input: &SimInput<'_>) -> Result<Outcome, SimError> {
    crate::strategy::simulate_demands_of(input, 0)
}
