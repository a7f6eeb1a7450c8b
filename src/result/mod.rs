//! Results of simulations: one type from the study that makes a result to every format and back, so that a run and a report of its file
//! next year say the same.
//!
//! A [`Study`] holds one [`Forecast`] for each case (a strategy on an interpreter), best first; a [`Sweep`] one for each case of each
//! point. [`json`] and [`row_lines`] write them, [`read`] reads them back. Which case to take is decided here, once ([`Study::answer`],
//! [`Study::claims`]), and put into words elsewhere.

mod claim;
mod file;
mod forecast;
mod interpreter;
mod keyed;
mod ranked;
mod replications;
mod standing;
mod study;
mod sweep;
mod timeline;
mod windows;

pub use claim::{Claim, Drawback};
pub use file::{
    RESULT, ReadError, ResultRef, SCHEMA, Saved, header_line, json, read, row_lines, sweep,
};
pub use forecast::{
    ClassForecast, CountedFinding, CountingStart, Forecast, ForecastDetail, Judgement, OverTime,
    SpeedupVerdict, Status, Verdict,
};
pub use interpreter::{InterpreterInfo, Measurement};
pub use ranked::Ranked;
pub use replications::ReplicationValues;
pub use standing::{
    Answer, FAILS_MORE, Standing, TIE, Tier, answer, answer_within, excess, fails_more,
};
pub use study::{Generator, MachineInfo, NamedAnswer, Notice, ScenarioName, Study};
pub use sweep::{At, AxisKind, Sweep, SweepHeader, SweepRow, SweptAxis};
pub use timeline::{Timeline, TimelineKind, TimelineRow};
pub use windows::{OverWindows, Recovery};
