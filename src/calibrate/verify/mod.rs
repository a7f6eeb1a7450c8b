//! Forecasts held against real runs of the same workload: Python programs made from a scenario, run, and compared.

mod draws;
mod notes;
mod pieces;
mod program;
mod steps;
mod table;
mod tree;

pub use program::{Program, Source, generate};
