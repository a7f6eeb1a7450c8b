//! Real interpreters measured into profiles.

pub mod bench;
mod derive;
pub mod text;

pub use derive::{
    BASELINE_NS_PER_ITER, Impossible, best_speed, derive, derive_all, machine_from, requester_wins,
    switches_back,
};
