//! Sweeps as text: the table, the chart and the insights for a terminal; the rows as CSV and Parquet.
//!
//! All of it is made from the rows of the sweep's file, so that a sweep that was interrupted, resumed or looked at a year later says the
//! same.

mod bars;
mod canvas;
mod chart;
mod flat;
#[cfg(feature = "parquet")]
mod parquet;
mod table;
mod text;

pub use flat::csv;
#[cfg(feature = "parquet")]
pub use parquet::parquet;
pub use text::text;
