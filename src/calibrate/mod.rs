//! Calibration: measures real interpreters and makes profiles of them.

pub mod bench;
mod derive;
pub mod text;

pub(crate) use derive::unmeasured_requests;

pub use derive::{
    Impossible, best_speed, derive, derive_all, machine_from, requester_wins, switches_back,
};
