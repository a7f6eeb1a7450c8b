//! Compares forecasts with the reference: measured runs of known programs on other machines, with the microbenchmarks of these.

mod cell_step;
mod cells;
mod compare;
mod releases;
pub mod render;
mod scaled;
mod trace;
mod work;

pub use cells::{
    Cell, CellRun, Config, PreparedCell, Reference, ReferenceError, ReferenceInterpreter,
    RunLatency, Unread,
};
pub use compare::{
    CellDetail, CellReport, Rank, SimulateCell, ValidateSettings, Validation, validate,
};
pub use releases::of_set;
