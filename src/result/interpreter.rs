//! The interpreters that a study simulated: which they stand for, and how far their numbers were measured.

use serde::{Deserialize, Serialize};

use crate::cpython::profile::{Profile, Provenance, Tag};

/// What a reader must know of an interpreter to judge a forecast on it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(expecting = "struct Interpreter")]
pub struct InterpreterInfo {
    /// The profile's name.
    pub name: String,
    /// What Python calls itself: `3.14.0`.
    pub version: String,
    /// Whether there is a GIL.
    pub gil: bool,
    /// Where and when it was measured, or why it was not, in words.
    pub origin: String,
    /// Parameters read off microbenchmarks, or computed from them.
    #[serde(rename = "measured_count")]
    pub measured: usize,
    /// Parameters that are estimates.
    #[serde(rename = "estimated_count")]
    pub estimated: usize,
    /// The measurement, where its details are known.
    pub measurement: Option<Measurement>,
    /// Whether its fork server imports the program's main module, for its children to inherit; not written to files: `false` in a result that was read back.
    #[serde(skip)]
    pub preloads: bool,
}

/// When and where an interpreter was measured.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Measurement {
    /// Day, in UTC.
    pub date: String,
    /// Compiler of the interpreter.
    pub compiler: String,
    /// Profile-guided optimization; `None`: not known.
    pub pgo: Option<bool>,
    /// Link-time optimization; `None`: not known.
    pub lto: Option<bool>,
    /// Whether it has assertions.
    pub debug: bool,
    /// Processor.
    pub cpu: String,
    /// Cores that it could use.
    pub cores: u32,
    /// Operating system.
    pub system: String,
    /// How often everything was measured.
    pub rounds: u32,
    /// How much slower than at its best the machine ran meanwhile.
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
        }
    }
}
