//! A recorded run as a Gantt chart of cores, GILs and threads: the figure itself, as text for a terminal, and as the `timeline` of a
//! case in a result.

mod chart;
mod document;
mod gantt;
mod page;

pub use chart::{Layout, chart};
pub use document::{Timeline, TimelineKind, TimelineRow};
pub use gantt::{Shown, gantt};
pub use page::{Head, drawn, ended, page};
