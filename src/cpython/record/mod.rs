pub(crate) mod busiest;
pub(crate) mod observe;
pub(crate) mod recorder;
pub mod recording;
