//! Recorded runs as files: a Chrome trace ([`trace()`]), or a timeline of cores, GILs and threads ([`timeline`]).

pub mod timeline;
mod trace;

pub use trace::{TraceCase, TraceMeta, trace};
