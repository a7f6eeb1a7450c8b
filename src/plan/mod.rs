//! Capacity planning: which machines, how many, and what runs on them, for a load at objectives, for the least money; what that bears, what
//! breaks first, and what another load or other inputs would change.
//!
//! [`plan`] searches candidates (strategies, interpreters, numbers of workers and threads, kinds of machines and their number) by simulation:
//! branch and bound over costs, bisection over numbers of machines, which is monotone, and common random numbers throughout. What is
//! recommended is looked at more closely than what is dropped, and an objective that is not met beyond chance counts as missed.

mod beside;
mod capacity;
mod deploy;
mod load;
mod look;
mod make;
mod pools;
mod prices;
mod result;
mod scene;
mod search;
mod shape;
mod shortfall;
#[cfg(test)]
mod tests;
mod words;

pub use load::LoadUnit;
pub(crate) use load::{Input, at_load, mean_length, own_load};
pub use make::{Ask, PlanError, plan};
pub use prices::{Amount, HOURS_OF_A_MONTH, MachineType, PriceError, PriceList};
pub use result::*;
pub use scene::{on_one_machine, scene};
pub(crate) use words::{load_text, money, short, with_connections};
