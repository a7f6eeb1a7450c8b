//! All tests of the library and of the program as their users meet them, in one binary: each binary would link the whole simulator again.
//!
//! `cargo test --test it` runs all of them, `cargo test --test it sweep::` those of one module. They share a process, so no test changes
//! what belongs to it: its environment, its directory, what it does about signals.

#![expect(
    clippy::cast_possible_truncation,
    clippy::cast_possible_wrap,
    clippy::cast_sign_loss,
    reason = "the numbers of tests are small"
)]

mod advice;
mod advise;
mod calibrate;
mod claims;
mod collector;
mod command_line;
mod common;
mod compare;
mod compat;
mod completions;
mod coverage;
mod described;
mod determinism;
mod documented;
mod documents;
mod explain;
mod fake;
mod files;
mod fork_memory;
mod found;
mod host;
mod invariants;
mod kernel;
mod layout;
mod learn;
mod mechanisms;
mod names;
mod objects;
mod output;
mod page;
mod plan;
mod plots;
mod profiles;
mod ps;
mod scenario_files;
mod study;
mod sweep;
mod sweep_output;
mod terminal;
mod theory;
mod timeline;
mod trace;
mod validate;
mod verify;
mod world;
