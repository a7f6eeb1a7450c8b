//! What a user writes: a scenario's types, units, distributions, validation, and diagnostics with a source span.

mod dist;
pub mod limits;
mod model;

pub use dist::Dist;
pub use model::*;
