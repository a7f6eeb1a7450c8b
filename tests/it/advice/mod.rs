//! The advisor over the known cases, and the page of decisions ([docs/decisions.md]), whose figures are written by what is tested here.
//!
//! [docs/decisions.md]: ../../../docs/decisions.md

mod cases;
mod choice;
mod decisions;
mod page;
