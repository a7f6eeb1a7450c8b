//! Statistics of observations: histograms, batch means, intervals, warm-up and drift. Pure: no clock, no files, and the
//! same bits on every platform (transcendental functions come from `libm`, sums are taken in a fixed order).

mod change;
mod draws;
mod histogram;
mod interval;
mod order;
mod rate;
mod series;
mod steady;
mod time_bins;
mod windows;

pub(crate) use change::holm;
pub use change::{Change, Sides};
pub(crate) use draws::Draws;
pub use histogram::Histogram;
pub use interval::{
    CONFIDENCE, Estimate, FEWEST_CONTROLLED, cautious, extended, mean, paired_difference, ratio,
    student_t, unpaired_difference, unpaired_ratio,
};
pub(crate) use order::{element, median};
pub use rate::Completions;
pub use series::{Batch, BatchSeries};
pub(crate) use steady::{drift, growth, mser};
pub(crate) use time_bins::TimeBins;
pub use windows::{Window, Windows};
