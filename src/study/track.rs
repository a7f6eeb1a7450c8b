//! The state of a case during a study.

use super::sample::Sample;
use super::steady::Warmup;
use crate::engine::Nanos;
use crate::measure::Histogram;
use crate::result::CountingStart;
use crate::strategy::{Effect, Finding};

/// The state of a case during a study.
#[derive(Debug)]
pub(super) struct CaseTrack {
    pub samples: Vec<Sample>,
    pub refused: Option<String>,
    /// Where the pilot's warm-up ended, if it was to be found.
    pub pilot: Option<Warmup>,
    /// Start of the time that counts.
    pub start: Nanos,
    /// How that start was determined.
    pub begins: CountingStart,
    /// Number of replications to have at the end of the round.
    pub goal: u32,
    /// Latencies of all samples, if they are kept.
    pub latency: Histogram,
    /// Estimated events of a replication.
    pub events: u64,
}

impl CaseTrack {
    /// Whether further replications would tell nothing.
    pub(super) fn hopeless(&self) -> bool {
        self.refused.is_some() || self.samples.iter().any(|s| s.findings.iter().any(is_fatal))
    }
}

fn is_fatal(f: &Finding) -> bool {
    f.effect() != Effect::Told
}
