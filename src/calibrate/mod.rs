//! Real interpreters measured into profiles.

pub mod bench;
mod derive;
pub mod text;

pub use derive::{
    Impossible, best_speed, derive, derive_all, machine_from, requester_wins, switches_back,
};
