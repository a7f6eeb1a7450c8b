//! The discrete-event kernel: clock, calendar, random streams. It knows no Python and no cores.

mod calendar;
mod classes;
mod index;
pub mod random;
mod time;

pub use calendar::{Calendar, EventKey};
pub use classes::EventClass;
pub(crate) use index::indices;
pub(crate) use random::mixed;
pub use random::{StreamRole, Streams, stream, unit};
pub use time::{Nanos, Total, seconds, whole};
