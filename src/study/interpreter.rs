//! The interpreters that a study simulated: which they stand for, and how far their numbers were measured.

use crate::cpython::profile::{Profile, Provenance, Tag};

/// What a reader must know of an interpreter to judge a forecast on it.
#[derive(Clone, Debug, PartialEq)]
pub struct Interpreter {
    /// The profile's name.
    pub name: String,
    /// What Python calls itself: `3.14.0`.
    pub version: String,
    /// Whether there is a GIL.
    pub gil: bool,
    /// Whether its fork server imports the program's main module, for its children to inherit.
    pub preloads: bool,
    /// Where and when it was measured, or why it was not, in words.
    pub origin: String,
    /// Parameters read off microbenchmarks, or computed from them.
    pub measured: usize,
    /// Parameters that are estimates.
    pub estimated: usize,
    /// The measurement, where its details are known.
    pub provenance: Option<Provenance>,
}

impl From<&Profile> for Interpreter {
    fn from(p: &Profile) -> Self {
        let count = |wanted: fn(&Tag) -> bool| p.tags.iter().filter(|t| wanted(t)).count();
        Self {
            name: p.name.clone(),
            version: p.version.clone(),
            gil: p.gil,
            preloads: p.params.forkserver_preload_main > 0.5,
            origin: p.origin.clone(),
            measured: count(|t| matches!(t, Tag::Measured(_) | Tag::Derived(_))),
            estimated: count(|t| matches!(t, Tag::Default)),
            provenance: p.provenance.clone(),
        }
    }
}
