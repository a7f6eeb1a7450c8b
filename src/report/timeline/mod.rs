//! A recorded run as a Gantt chart of cores, GILs and threads: the figure itself, as text for a terminal, and as the `timeline` of a
//! case in a result.

mod chart;
mod document;
mod gantt;

pub use chart::{Chart, chart};
pub use document::{Timeline, TimelineKind, TimelineRow};
pub use gantt::{Shown, gantt, quiet};
