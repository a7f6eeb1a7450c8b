//! The discrete-event kernel: clock, calendar, random streams. It knows no Python and no cores.

mod calendar;
mod classes;
mod index;
pub mod random;
mod time;

pub use calendar::{Calendar, Key};
pub use classes::Class;
pub(crate) use index::indices;
pub use random::{Role, Streams, stream, unit};
pub use time::{Nanos, Total, seconds, whole};
