//! Profiles from measurements, and forecasts held against real runs.

mod cells;
mod derive;
mod held;
mod part;
pub mod profile_file;
pub mod profiles;
pub mod render;
mod trace;
mod validate;
mod work;

pub use cells::{
    Cell, Config, Interpreter, Prepared, Reference, ReferenceError, Run, RunLatency, Unread,
};
pub use derive::{
    BASELINE_NS_PER_ITER, TYPICAL_SLOWNESS, best_speed, derive, machine_from, requester_wins,
};
pub use held::{Held, METRICS, Summary, element, median};
pub use validate::{CellReport, Detail, Rank, Settings, Simulate, Validation, validate};
