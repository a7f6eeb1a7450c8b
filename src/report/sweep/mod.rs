//! What a sweep says: the lines of its file, and from these the table, the chart and what stands out.
//!
//! All of it is made from the rows of the sweep's file, so that a sweep that was interrupted, resumed or looked at a year later says the same.

mod bars;
mod best;
mod canvas;
mod chart;
mod curves;
mod doubt;
mod find;
mod flat;
mod holds;
mod insight;
mod knee;
mod metric;
#[cfg(feature = "parquet")]
mod parquet;
pub(in crate::report) mod stands;
mod table;
mod text;
mod view;
mod waits;

pub use best::{Best, best, best_of_point};
pub(in crate::report) use doubt::doubts;
pub use find::insights;
pub use flat::csv;
pub use insight::{Extent, Insight, InsightCode, Place};
pub use knee::Bend;
pub use metric::Quoted;
#[cfg(feature = "parquet")]
pub use parquet::parquet;
pub use text::text;
pub use waits::Waits;
