//! Learns a workload from a recorded trace: steps with fitted distributions, arrivals, and a scenario that holds them.
//!
//! A trace ([`Trace`]) is a table of steps: which task of which class did what, from when to when. [`learn`] finds the sequence of steps of
//! each class and fits a named distribution to every step ([`fit`]) and to the time between arrivals. [`Learned::to_ron`] writes them as a
//! commented scenario. Nothing here runs a program or reads a clock: the same trace gives the same bytes.

mod arrivals;
mod caused;
mod correlation;
mod dist;
mod facts;
mod fit;
mod gil;
mod limit;
mod load;
mod mle;
mod notes;
mod process;
pub(crate) mod recorder;
mod rounds;
mod rows;
mod scenario;
mod seen;
mod sources;
mod structure;
mod table;
mod timestamp;
mod trace;
mod workload;

pub(crate) use arrivals::{ArrivalsChoice, FittedArrivals};
pub use facts::{BackgroundTask, MainStretch, ProcessFacts, Ran, RunFacts};
pub use fit::{Fit, FitVerdict, fit};
pub use gil::GilUse;
pub use process::{CoreDelay, LearnedImports, ProcessCosts};
pub use seen::SeenStrategy;
pub(crate) use timestamp::TimeUnit;
pub use trace::{
    Format, GilGlances, GilObservation, RecordedPool, RecordedResource, Scope, StepKind, Trace,
    TraceError, TraceOptions, TraceRow,
};
pub use workload::{
    LearnError, Learned, LearnedClass, LearnedPayload, LearnedStep, Observed, Options, TimedStep,
    learn,
};
