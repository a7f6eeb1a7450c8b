//! The discrete-event kernel: clock, calendar, random streams. It knows no Python and no cores.

mod time;

pub use time::Nanos;
