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
mod standing;
mod study;
mod sweep;
mod timeline;

pub use claim::{Against, Claim};
pub use file::{
    RESULT, ReadError, ResultRef, SCHEMA, Saved, header_line, json, read, row_lines, sweep,
};
pub use forecast::{
    Begin, ClassForecast, Detail, Forecast, Found, Judgement, OverTime, Reading, Status, Verdict,
};
pub use interpreter::{Interpreter, Measurement};
pub use ranked::Ranked;
pub use standing::{
    Answer, FAILS_MORE, Standing, TIE, Tier, answer, answer_within, excess, fails_more,
};
pub use study::{Machine, Notice, Program, ScenarioName, Study, Taken};
pub use sweep::{At, AxisKind, Sweep, SweepHeader, SweepRow, SweptAxis};
pub use timeline::{Timeline, TimelineKind, TimelineRow};
