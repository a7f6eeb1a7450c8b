//! Result files: a study as JSON, a sweep as JSON Lines (documented in `docs/output-format.md`), written and read back.

use serde::{Deserialize, Serialize};

use super::forecast::Forecast;
use super::standing::{excess, tiers};
use super::study::Study;
use super::sweep::{Sweep, SweepHeader, SweepRow};

/// Version of the format. It grows when a key changes its meaning or is removed; new keys may appear without that.
pub const SCHEMA: u64 = 1;

/// What a result file is, and the commands that write one, for messages.
pub const RESULT: &str =
    "a result of `pchsim run --format json -o FILE` or `pchsim sweep -o FILE.jsonl`";

/// The contents of a result file.
#[derive(Clone, Debug, PartialEq)]
pub enum Saved {
    /// `pchsim run --format json`.
    Study(Box<Study>),
    /// `pchsim sweep -o FILE.jsonl`.
    Sweep(Box<Sweep>),
}

/// A result that is shown or drawn, wherever it is kept.
#[derive(Clone, Copy, Debug)]
pub enum ResultRef<'a> {
    /// Of a run.
    Study(&'a Study),
    /// Of a sweep.
    Sweep(&'a Sweep),
}

impl<'a> From<&'a Study> for ResultRef<'a> {
    fn from(study: &'a Study) -> Self {
        Self::Study(study)
    }
}

impl<'a> From<&'a Sweep> for ResultRef<'a> {
    fn from(sweep: &'a Sweep) -> Self {
        Self::Sweep(sweep)
    }
}

impl<'a> From<&'a Saved> for ResultRef<'a> {
    fn from(saved: &'a Saved) -> Self {
        match saved {
            Saved::Study(study) => Self::Study(study),
            Saved::Sweep(sweep) => Self::Sweep(sweep),
        }
    }
}

/// Why a result file cannot be read. The messages are sentences for people, and name the file.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ReadError {
    /// The text is in none of the formats.
    #[error("{file} is not {RESULT}: {why}{}", if *.again { "; make it again with that command" } else { "" })]
    NoResult {
        /// The file.
        file: String,
        /// Message of the parser.
        why: String,
        /// Whether it is not even JSON.
        again: bool,
    },
    /// A line of a sweep is damaged.
    #[error("{file}, line {line}: {why}")]
    Line {
        /// The file.
        file: String,
        /// The line, from 1.
        line: usize,
        /// Message of the parser.
        why: String,
    },
    /// The file has another version of the format.
    #[error(
        "{file} has schema {found}, this version of pchsim reads schema {SCHEMA}: make the result again"
    )]
    Schema {
        /// The file.
        file: String,
        /// The version of the file.
        found: u64,
    },
    /// The file is JSON, but no result of this program.
    #[error(
        "{file} has no `schema`: it is no result of pchsim (run --format json, or sweep -o FILE.jsonl)"
    )]
    Foreign {
        /// The file.
        file: String,
    },
}

/// A result together with the keys that identify it as one.
#[derive(Serialize)]
struct Marked<'a, T> {
    schema: u64,
    #[serde(skip_serializing_if = "Option::is_none")]
    kind: Option<&'static str>,
    #[serde(flatten)]
    result: &'a T,
}

const WRITTEN: &str = "keys are strings, and memory takes all";

/// The study as JSON, ending in a newline.
#[must_use]
pub fn json(study: &Study) -> String {
    let marked = Marked {
        schema: SCHEMA,
        kind: None,
        result: study,
    };
    let mut out = serde_json::to_string_pretty(&marked).expect(WRITTEN);
    out.push('\n');
    out
}

/// The first line of a sweep's file, its newline included.
#[must_use]
pub fn header_line(header: &SweepHeader) -> String {
    line(&Marked {
        schema: SCHEMA,
        kind: Some("sweep"),
        result: header,
    })
}

/// The lines of a point's rows, each of which ends in a newline.
#[must_use]
pub fn row_lines(rows: &[SweepRow]) -> String {
    rows.iter().map(line).collect()
}

fn line(value: &impl Serialize) -> String {
    let mut out = serde_json::to_string(value).expect(WRITTEN);
    out.push('\n');
    out
}

#[derive(Deserialize)]
struct Start {
    schema: Option<u64>,
    kind: Option<String>,
}

/// Reads a result; messages call it `file`.
///
/// # Errors
///
/// A sentence for people: which file and line, and what was expected.
pub fn read(text: &str, file: &str) -> Result<Saved, ReadError> {
    let first_line = text.lines().next().unwrap_or_default();
    if let Ok(start) = serde_json::from_str::<Start>(first_line)
        && start.kind.as_deref() == Some("sweep")
    {
        schema(start.schema, file)?;
        let (_, lines) = text.split_once('\n').unwrap_or((text, ""));
        return sweep(first_line, lines, file).map(|s| Saved::Sweep(Box::new(s)));
    }
    let no_result = |again: bool| {
        move |e: serde_json::Error| ReadError::NoResult {
            file: file.to_owned(),
            why: e.to_string(),
            again,
        }
    };
    let start: Start = serde_json::from_str(text).map_err(no_result(true))?;
    schema(start.schema, file)?;
    let mut study: Study = serde_json::from_str(text).map_err(no_result(false))?;
    complete(study.forecasts.iter_mut().collect());
    complete(study.hidden_baseline.iter_mut().collect());
    Ok(Saved::Study(Box::new(study)))
}

fn schema(found: Option<u64>, file: &str) -> Result<(), ReadError> {
    let file = file.to_owned();
    match found {
        Some(SCHEMA) => Ok(()),
        Some(found) => Err(ReadError::Schema { file, found }),
        None => Err(ReadError::Foreign { file }),
    }
}

/// Reads a sweep from its header and the lines of its rows; messages call it `file`.
///
/// # Errors
///
/// As for [`read`].
pub fn sweep(header: &str, lines: &str, file: &str) -> Result<Sweep, ReadError> {
    fn parse<'t, T: Deserialize<'t>>(
        text: &'t str,
        file: &str,
        line: usize,
    ) -> Result<T, ReadError> {
        serde_json::from_str(text).map_err(|e| ReadError::Line {
            file: file.to_owned(),
            line,
            why: e.to_string(),
        })
    }
    let header = parse(header, file, 1)?;
    let lines = (2..).zip(lines.lines());
    let mut rows = lines
        .filter(|(_, l)| !l.trim().is_empty())
        .map(|(n, l)| parse(l, file, n))
        .collect::<Result<Vec<SweepRow>, _>>()?;
    // The order of the rows is restored, whatever has been done to the file: points in order, the best case of each first.
    rows.sort_by_key(|r| (r.point, r.case.rank.unwrap_or(u32::MAX)));
    for point in rows.chunk_by_mut(|a, b| a.point == b.point) {
        point.iter_mut().for_each(|r| r.case.detail.left_out = true);
        complete(point.iter_mut().map(|r| &mut r.case).collect());
    }
    Ok(Sweep { header, rows })
}

/// Completes the cases of a study, or of a point of a sweep, with what the oldest results do not say about them.
fn complete(mut cases: Vec<&mut Forecast>) {
    for case in &mut cases {
        case.excess = excess(&case.objectives);
    }
    tiers(&mut cases);
}
