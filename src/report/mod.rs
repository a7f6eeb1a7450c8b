//! Results as text: [`text()`] for a terminal, [`csv`] for tables, [`markdown`] for issues; the same for sweeps ([`sweep`]) and comparisons ([`contrast`]); explanations
//! of codes. Pure functions: nothing is printed here, and the same result gives the same bytes everywhere.

pub mod advise;
mod answer;
mod bars;
mod comparison;
pub mod contrast;
mod csv;
mod explain;
mod over_windows;
pub mod plan;
pub(crate) mod summary;
pub mod sweep;
mod text;

pub use csv::csv;
pub use explain::{CodeEntry, CodeKind, code_list, codes, explanation};
pub use summary::markdown;
pub use text::text;
