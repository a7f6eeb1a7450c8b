//! A case of a study under way.

use super::sample::Sample;
use super::steady::Warmup;
use crate::engine::Nanos;
use crate::measure::Histogram;
use crate::result::CountingStart;
use crate::strategy::{Effect, Finding};

/// A case under way.
#[derive(Debug)]
pub(super) struct CaseTrack {
    pub samples: Vec<Sample>,
    pub refused: Option<String>,
    /// Where the pilot's warm-up ended, if one was looked for.
    pub pilot: Option<Warmup>,
    /// Start of the time that counts.
    pub start: Nanos,
    /// What that rests on.
    pub begins: CountingStart,
    /// Replications to have.
    pub goal: u32,
    /// The latencies of all samples, where they are kept.
    pub latency: Histogram,
    /// Events of a replication, roughly.
    pub events: u64,
}

impl CaseTrack {
    /// Whether more replications would tell nothing.
    pub(super) fn hopeless(&self) -> bool {
        self.refused.is_some() || self.samples.iter().any(|s| s.findings.iter().any(is_fatal))
    }
}

fn is_fatal(f: &Finding) -> bool {
    f.effect() != Effect::Told
}
