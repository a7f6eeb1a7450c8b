//! Profiles from measurements, and forecasts held against real runs.

pub mod bench;
pub mod calibration_text;
mod derive;
pub mod found_profiles;
mod held;
pub mod limits;
pub mod profile_diff;
pub mod profile_file;
pub mod profiles;
mod programs;
pub mod reference;
mod scaled;
pub mod verify;

pub use derive::{
    BASELINE_NS_PER_ITER, Impossible, best_speed, derive, derive_all, machine_from, requester_wins,
    switches_back,
};
pub use held::{Held, METRICS, Summary, element, median};
