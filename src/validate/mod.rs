//! Compares forecasts with the reference: measured runs of known programs on other machines, with the microbenchmarks of these.

mod cells;
mod compare;
mod part;
mod releases;
pub mod render;
mod scaled;
mod trace;
mod work;

pub use cells::{
    Cell, Config, Interpreter, Prepared, Reference, ReferenceError, Run, RunLatency, Unread,
};
pub use compare::{CellReport, Detail, Rank, Settings, Simulate, Validation, validate};
pub use releases::of_set;
