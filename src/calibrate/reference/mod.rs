//! Forecasts held against the reference: measured runs of known programs on other machines, with their microbenchmarks.

mod cells;
mod part;
pub mod render;
mod trace;
mod validate;
mod work;

pub use cells::{
    Cell, Config, Interpreter, Prepared, Reference, ReferenceError, Run, RunLatency, Unread,
};
pub use validate::{CellReport, Detail, Rank, Settings, Simulate, Validation, validate};
