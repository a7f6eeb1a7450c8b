//! Studies: everything that runs many simulations, with replications until a precision is reached, warm-up, and comparison.
//!
//! A [`Study`](crate::result::Study) holds one [`Forecast`](crate::result::Forecast) for each case (a strategy on an interpreter), best
//! first. Every case sees the same arrivals and demands (common random numbers by (seed, replication)), so cases are compared by the
//! differences of paired replications. Batches and recorded arrivals are terminating: their replications are independent runs from start to
//! end. Open and closed workloads are steady-state: a pilot run of each case finds the warm-up (MSER-5), which is left out (the longest one
//! everywhere, under open arrivals), and replications follow until the metric by which the study ranks is precise enough.

mod cases;
mod comparability;
mod conclude;
mod course;
mod crashes;
mod drive;
mod effort;
mod fingerprint;
mod follow;
mod forecast;
mod holds;
mod judge;
mod options;
mod outline;
mod ranking;
mod relaxed;
mod relief;
mod run;
mod sample;
mod spread;
mod steady;
pub mod sweep;
mod told;
mod track;
mod warning;
mod warning_text;
mod windows;
mod work;

pub use cases::{Case, cases, default_cases, set_workers};
pub(crate) use course::compared;
pub use crashes::{Broken, KilledForMemory, Lost, LostMachines, Missed, Restarted};
pub use fingerprint::{fingerprint, plan_fingerprint, text_fingerprint};
pub(crate) use follow::follow;
pub(crate) use forecast::judge;
pub use judge::judged;
pub use options::{Options, PRECISION, StudyError, StudyProgress};
pub(crate) use outline::{Valued, outline};
pub use relief::Relief;
pub use run::{AskedStudy, run_studies, run_study};
pub(crate) use steady::arrivals_last;
pub(crate) use sweep::journal::differing;
pub use warning::{
    Back, Contended, Convoy, Crashed, FullQueue, GilContentionCost, KilledWorkers,
    Oversubscription, Rejected, Scarce, Slowed, UnfinishedTasks, Warning, WarningCode,
};
