pub(crate) mod exec;
pub(crate) mod loop_waits;
pub(crate) mod payload;
pub(crate) mod task;
pub(crate) mod unwind;
