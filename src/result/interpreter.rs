//! The interpreters that a study simulated: which build each stands for, and how far its numbers were measured.

use serde::{Deserialize, Serialize};

use crate::cpython::profile::{Profile, Provenance, Tag};
use crate::engine::Nanos;
use crate::scenario::RequestHandling;

/// What a reader has to know of an interpreter to judge a forecast on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct InterpreterInfo {
    /// Name of the profile.
    pub name: String,
    /// Version, as Python gives it: `3.14.0`.
    pub version: String,
    /// Whether the build has a GIL.
    pub gil: bool,
    /// Where and when it was measured, or why it was not, in words.
    pub origin: String,
    /// Number of parameters that were read off microbenchmarks, or computed from them.
    #[serde(rename = "measured_count")]
    pub measured: usize,
    /// Number of parameters that are estimates.
    #[serde(rename = "estimated_count")]
    pub estimated: usize,
    /// Details of the measurement, where they are known.
    pub measurement: Option<Measurement>,
    /// Whether the fork server imports the program's main module, which its children then inherit; not written to files, so `false` in a
    /// result that was read back.
    #[serde(skip)]
    pub preloads: bool,
    /// CPU time of a server's own handling of a request, in the order of [`RequestHandling::ALL`]; not written to files, so empty in a
    /// result that was read back.
    #[serde(skip)]
    pub requests: Vec<Nanos>,
}

/// When and where an interpreter was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Day of the measurement, in UTC.
    pub date: String,
    /// Compiler that built the interpreter.
    pub compiler: String,
    /// Whether it was built with profile-guided optimization; `None` if unknown.
    pub pgo: Option<bool>,
    /// Whether it was built with link-time optimization; `None` if unknown.
    pub lto: Option<bool>,
    /// Whether it was built with assertions.
    pub debug: bool,
    /// Processor.
    pub cpu: String,
    /// Number of cores that it could use.
    pub cores: u32,
    /// Operating system.
    pub system: String,
    /// How often each microbenchmark was run.
    pub rounds: u32,
    /// Mean slowness of the machine during the measurement (1.0: at its best).
    pub slowness: f64,
}

impl From<&Provenance> for Measurement {
    fn from(p: &Provenance) -> Self {
        Self {
            date: p.date.clone(),
            compiler: p.build.compiler.clone(),
            pgo: p.build.pgo,
            lto: p.build.lto,
            debug: p.build.debug,
            cpu: p.machine.cpu.clone(),
            cores: p.machine.cores,
            system: p.machine.system.clone(),
            rounds: p.rounds,
            slowness: p.slowness,
        }
    }
}

impl From<&Profile> for InterpreterInfo {
    fn from(p: &Profile) -> Self {
        let count = |wanted: fn(&Tag) -> bool| p.tags.iter().filter(|t| wanted(t)).count();
        Self {
            name: p.name.clone(),
            version: p.version.clone(),
            gil: p.gil,
            origin: p.origin.clone(),
            measured: count(|t| matches!(t, Tag::Measured(_) | Tag::Derived(_))),
            estimated: count(|t| matches!(t, Tag::Default)),
            measurement: p.provenance.as_ref().map(Measurement::from),
            preloads: p.params.forkserver_preload_main > 0.5,
            requests: RequestHandling::ALL.map(|r| p.params.request(r)).into(),
        }
    }
}
