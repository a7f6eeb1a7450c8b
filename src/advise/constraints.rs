//! What an approach has to respect, beside what the scenario says of the work.

use serde::{Deserialize, Serialize};

use super::family::Family;

/// What matters most where several approaches do what is required.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Priority {
    /// Each task soon.
    Latency,
    /// Much work in little time.
    #[default]
    Throughput,
    /// Little memory.
    Memory,
    /// Little CPU time.
    Cost,
    /// Little to write and to understand.
    Simplicity,
}

impl Priority {
    /// All of them.
    pub const ALL: [Self; 5] = [
        Self::Latency,
        Self::Throughput,
        Self::Memory,
        Self::Cost,
        Self::Simplicity,
    ];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Latency => "latency",
            Self::Throughput => "throughput",
            Self::Memory => "memory",
            Self::Cost => "cost",
            Self::Simplicity => "simplicity",
        }
    }
}

/// Whether a free-threaded build may be taken.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum FreeThreading {
    /// It may.
    #[default]
    Yes,
    /// It may not.
    No,
    /// An extension module that the program needs is not ready for it: importing it enables the GIL again (`docs.python.org`, "Python
    /// support for free threading"), so that the build has the GIL and its own costs.
    Extensions,
}

impl FreeThreading {
    /// All of them.
    pub const ALL: [Self; 3] = [Self::Yes, Self::No, Self::Extensions];

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Yes => "yes",
            Self::No => "no",
            Self::Extensions => "extensions",
        }
    }
}

/// What an approach has to respect.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Constraints {
    /// Most memory of all processes together, in bytes; `None`: as much as the machine has.
    #[serde(rename = "memory_bytes")]
    pub memory: Option<u64>,
    /// Whether tasks change the same objects in place, which processes and interpreters apart cannot; `None`: where they take a lock of their
    /// process or write a shared object.
    pub shared: Option<bool>,
    /// A task that crashes must not take others with it.
    pub isolated: bool,
    /// Whether a free-threaded build may be taken.
    pub free_threading: FreeThreading,
    /// What matters most; `None`: latency where tasks come one by one or one of the requirements is about it, else throughput.
    pub priority: Option<Priority>,
    /// What the program does today.
    pub current: Family,
}

impl Default for Constraints {
    fn default() -> Self {
        Self {
            memory: None,
            shared: None,
            isolated: false,
            free_threading: FreeThreading::default(),
            priority: None,
            current: Family::SingleThread,
        }
    }
}

impl Constraints {
    /// Why a family cannot be taken, if so.
    #[must_use]
    pub fn excludes(&self, family: Family) -> Option<&'static str> {
        if self.shared == Some(true) && family.apart() {
            return Some(
                "its workers do not share objects, and tasks change the same ones in place",
            );
        }
        if self.isolated && !family.isolates() {
            return Some("a task that crashes takes all others of its process with it");
        }
        if family.free_threaded() {
            return match self.free_threading {
                FreeThreading::Yes => None,
                FreeThreading::No => Some("a free-threaded build is not available"),
                FreeThreading::Extensions => {
                    Some("an extension that is not ready for free-threading enables the GIL again")
                }
            };
        }
        None
    }
}
