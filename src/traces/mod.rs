//! A recorded run, written out: as a Chrome trace ([`trace()`]), and as a timeline of cores, GILs and threads ([`timeline`]).

pub mod timeline;
mod trace;

pub use trace::{TraceCase, TraceMeta, trace};
