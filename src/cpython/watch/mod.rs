pub(crate) mod deadlock;
pub mod snapshot;
