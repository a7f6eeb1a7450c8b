//! The meaning of results: where time goes, which case of a sweep to take, and what stands out along its axes (knees, crossings, what stops
//! paying). Insights are claims: [`Insight::holds`] decides from the rows alone whether one is true, and property tests check every insight
//! against that.

mod best;
mod claim;
mod curves;
mod doubt;
mod find;
mod holds;
pub(crate) mod knee;
pub(crate) mod metric;
pub(crate) mod names;
pub(crate) mod shares;
pub(crate) mod standings;
pub(crate) mod view;
mod waits;

pub use best::{Best, best, best_of_point};
pub use claim::{Coordinate, Extent, Insight, InsightCode};
pub(crate) use doubt::doubts;
pub use find::insights;
pub(crate) use knee::doubles;
pub(crate) use metric::written;
