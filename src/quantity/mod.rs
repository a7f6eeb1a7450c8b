//! Quantities and how numbers are put into words: the quantities of a forecast, their units, numbers as people read them, metrics and
//! causes in words. Each word stands here once.

mod cause;
mod list;
mod metric;
mod numbers;
pub(crate) mod state;
mod unit;

pub(crate) use cause::{Means, letter, noun, participle, sign, waiting};
pub use list::{LATENCIES, Quantity, Unit};
pub(crate) use metric::{
    IntervalDisplay, estimate, metric_text, metric_text_in, metric_title, quantity_text,
    signed_estimate, unit_of,
};
pub use metric::{metric_name, metric_named};
pub(crate) use numbers::{
    all_of, bytes, counted, decimals, digits, excess_text, list, percent, rare_percent, seconds,
    time, time_unit, whole,
};
pub(crate) use unit::{in_family, metric_in_family, shared_unit};
