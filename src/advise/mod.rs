//! The advisor: which approach to concurrency to take for a piece of work, why, what else there is, and how to get there.
//!
//! [`advise`] goes through the decision tree that is taught, which is where people start; then it simulates every approach that the constraints
//! allow, over numbers of workers, and decides by the figures. Where the two disagree it names the mechanism that makes the difference. All
//! sentences are made from what was simulated.

mod answered;
mod answers;
mod by_kind;
mod candidates;
mod change;
mod choose;
mod code;
mod constraints;
mod factors;
mod family;
mod groups;
mod make;
mod mechanism;
mod migrate;
mod placement;
mod prior;
mod reasons;
mod result;
mod smaller;
mod survey;
mod unmet;
mod way;
mod weigh;
mod words;

pub use answers::{Answers, ArrivalsAnswer, Interview, Prompt, Startup, WorkKind, current};
pub use change::Lever;
pub use constraints::{Constraints, FreeThreading, Priority};
pub use family::Family;
pub use make::{AdviseError, Ask, Depth, advise};
pub use migrate::{Migration, Pitfall};
pub(crate) use placement::places_said;
pub use placement::{PlaceName, PlacedTasks};
pub use prior::Question;
pub use result::*;
pub use smaller::Proportion;
