//! Reads a trace: CSV with a header line, or JSON Lines, with one step of one task in each line.

use std::io::{BufRead, BufReader, Read};
use std::path::Path;

use serde::Deserialize;
use serde_json::value::RawValue;

use super::facts::RunFacts;
use super::rows::{Problem, RowFields, TraceBuilder, quoted, shortened};
use super::sources;
use super::timestamp::TimeUnit;
use crate::scenario::{Offload, limits};
use crate::syntax::input;

/// The longest line, in bytes.
const MAX_LINE: u64 = 1 << 20;
/// So many bytes at the beginning of a file tell what it is.
const BEGIN: usize = 1 << 16;
/// So many columns of a header line are named in an error.
const SHOWN: usize = 10;
const FIELDS: &str = "task, class, kind (or step), start, end, and where needed bytes or lock";

/// The kind of a recorded step.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum StepKind {
    /// The task runs Python code; the row's length is CPU time.
    Cpu,
    /// The task runs C code that has released the GIL.
    Native,
    /// The task waits for something outside the program.
    Io,
    /// The task is off the CPU for a reason that the recorder cannot see. It is read as [`StepKind::Io`], and reported.
    Blocked,
    /// The task waits for something that the simulation itself produces: a worker, the event loop, a lock, a child task. Such rows are left
    /// out.
    Wait,
    /// The task waits for what another task says: a notify, an event. It is left out as well, and reported: the simulation produces it only where the
    /// scenario has steps for it.
    Signal,
    /// The task blocks whoever runs it, be it an event loop.
    Block,
    /// Rows within are done under or in this.
    Within(Scope),
    /// This number of bytes is sent to the worker.
    PayloadIn(u64),
    /// This number of bytes is sent back.
    PayloadOut(u64),
}

/// What steps are done under or in.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Scope {
    /// The task holds the lock of this index in [`Trace::locks`].
    Lock(u32),
    /// The task uses the resource of this index in [`Trace::resources`].
    Use(u32),
    /// A worker of the pool of this index in [`Trace::pools`] does the steps as one call, while the task's event loop goes on.
    Offload(u32),
}

/// A resource of which a trace shows the uses: a semaphore, or a pool.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedResource {
    /// The name that the program has for it.
    pub name: String,
    /// How many tasks may use it at once, as far as it was seen; at least 1.
    pub size: u64,
}

/// A pool to which event loops offload calls.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedPool {
    /// A name of letters, digits, `_` and `-`; `default` is the loop's own.
    pub name: String,
    /// Its workers.
    pub workers: Offload,
}

/// One line of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TraceRow {
    /// The task's number, in order of first appearance.
    pub task: u32,
    /// The task's class, as an index into [`Trace::classes`].
    pub class: u32,
    /// What the task did.
    pub kind: StepKind,
    /// The start, in nanoseconds of the trace's own clock.
    pub start: i64,
    /// The end on the same clock; never before `start`.
    pub end: i64,
}

/// A trace in memory.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Trace {
    /// The rows, in the order of the file.
    pub rows: Vec<TraceRow>,
    /// Names of the classes.
    pub classes: Vec<String>,
    /// Names of the locks.
    pub locks: Vec<String>,
    /// What was seen of the GIL while each class ran, by the index in [`Trace::classes`]; shorter than that where nothing was seen.
    pub gil: Vec<GilObservation>,
    /// What an ordinary recording saw of it in passing, likewise.
    pub glances: Vec<GilGlances>,
    /// Resources that tasks use.
    pub resources: Vec<RecordedResource>,
    /// Pools that event loops offload calls to.
    pub pools: Vec<RecordedPool>,
    /// What is known of the processes rather than of the tasks.
    pub facts: RunFacts,
    /// What had to be guessed to make a trace of another source: sentences without a full stop.
    pub notes: Vec<String>,
}

/// What was seen of the GIL while tasks of a class ran.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GilObservation {
    /// The time for which the GIL was watched, in nanoseconds.
    pub time: u64,
    /// The number of times that the GIL was given up meanwhile.
    pub releases: u64,
    /// The time in which no thread held it, in nanoseconds.
    pub released: u64,
}

/// What was seen of the GIL in passing, while a program ran as it does.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct GilGlances {
    /// While one thread ran code of the class.
    pub alone: GilObservation,
    /// While several did, each of which may have held the GIL: `released` is for how long one of them alone would have been without it, if
    /// each is so as often as the others.
    pub together: GilObservation,
}

impl GilObservation {
    /// Adds what was seen in another look.
    pub(super) fn add(&mut self, look: Self) {
        self.time = self.time.saturating_add(look.time);
        self.releases = self.releases.saturating_add(look.releases);
        self.released = self.released.saturating_add(look.released);
    }

    /// The share of the time in which no thread held the GIL.
    pub(crate) fn share(&self) -> f64 {
        self.released as f64 / self.time.max(1) as f64
    }
}

/// The format of a trace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Format {
    /// A header line, then one line for each step. Cells are separated by commas, semicolons or tabs, as in the header line.
    Csv,
    /// One JSON object in each line.
    JsonLines,
    /// An access log: the common or combined format of Apache httpd, nginx and gunicorn, with a duration behind or without.
    AccessLog,
    /// OpenTelemetry spans: OTLP as JSON, one export a line.
    Spans,
    /// Collapsed stacks with numbers of samples, as py-spy's raw format has them.
    Stacks,
    /// speedscope's JSON.
    Speedscope,
    /// What cProfile writes.
    Prof,
}

/// What the reader cannot know from the trace itself.
#[derive(Clone, Debug, Default)]
pub struct TraceOptions {
    /// The unit of `start` and `end`.
    pub unit: TimeUnit,
    /// The format; `None` to tell it by how the file begins, or else by its extension (`.csv`, `.tsv`, `.jsonl`, `.ndjson`).
    pub format: Option<Format>,
    /// The function of a profile that is a task; `None` to guess it.
    pub task: Option<String>,
    /// How often it was called; `None` for what the profile says.
    pub count: Option<u64>,
}

/// What is wrong with a trace: where, what was found there, and what was expected.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{}{}{message}{}", .file, .place.as_deref().map_or(": ".into(), |p| format!(", {p}: ")), .help.as_deref().map_or(String::new(), |h| format!("\nhelp: {h}")))]
pub struct TraceError {
    /// The file's name.
    pub file: String,
    /// The line and the column, if it is about one: `line 3, column 4 (start)`.
    pub place: Option<String>,
    /// What is wrong, with the offending text.
    pub message: String,
    /// What is expected, or what to do.
    pub help: Option<String>,
}

impl Trace {
    /// Reads a trace from a file of at most [`limits::MAX_TRACE_BYTES`] and 8 million rows.
    ///
    /// # Errors
    ///
    /// Returns the place in the file, the offending text, and what is expected.
    pub fn read(path: &Path, options: &TraceOptions) -> Result<Self, TraceError> {
        let name = path.display().to_string();
        let cannot = |e: &std::io::Error| TraceError {
            file: name.clone(),
            place: None,
            message: format!("the trace cannot be read: {}", input::reason(e)),
            help: Some(format!(
                "name a trace: CSV with a header line, or JSON Lines, with the fields {FIELDS}"
            )),
        };
        let file = input::open(path).map_err(|e| cannot(&e))?;
        let extension = path
            .extension()
            .map(|e| e.to_string_lossy().to_ascii_lowercase());
        let named = match extension.as_deref() {
            Some("csv" | "tsv") => Some(Format::Csv),
            Some("jsonl" | "ndjson") => Some(Format::JsonLines),
            _ => None,
        };
        Self::parse_named(file, &name, named, options)
    }

    /// Reads a trace from a stream, whose name in messages is `name`.
    ///
    /// # Errors
    ///
    /// Returns the errors of [`Trace::read`].
    pub fn parse(input: impl Read, name: &str, options: &TraceOptions) -> Result<Self, TraceError> {
        Self::parse_named(input, name, None, options)
    }

    /// Reads a trace from a stream; `named` is the format that the file's name stands for.
    fn parse_named(
        input: impl Read,
        name: &str,
        named: Option<Format>,
        options: &TraceOptions,
    ) -> Result<Self, TraceError> {
        let error = |place: Option<String>, p: Problem| TraceError {
            file: name.to_owned(),
            place: match (place, p.column) {
                (Some(line), Some(column)) => Some(format!("{line}, {column}")),
                (line, _) => line,
            },
            message: p.message,
            help: p.help,
        };
        let mut input = BufReader::with_capacity(BEGIN, input);
        let begin = input.fill_buf().unwrap_or_default();
        let format = options.format.or_else(|| sources::detect(begin)).or(named);
        if let Some(format) = format.filter(|f| !matches!(f, Format::Csv | Format::JsonLines)) {
            let mut bytes = Vec::new();
            let most = limits::MAX_TRACE_BYTES + 1;
            let read = input.take(most).read_to_end(&mut bytes);
            let read =
                read.map_err(|e| Problem::new(format!("cannot be read: {}", input::reason(&e))));
            return read
                .and_then(|n| match n as u64 {
                    n if n == most => Err(too_long()),
                    _ => sources::read(&bytes, format, options),
                })
                .map_err(|p| error(None, p));
        }
        let mut lines = LineReader {
            input,
            line: 0,
            first: 0,
            bytes: 0,
            text: String::new(),
        };
        let mut builder = TraceBuilder::new(options.unit);
        let read = match lines.next_filled() {
            Err(p) => Err(p),
            Ok(false) => {
                return Err(error(None, Problem::new("the trace is empty").help(format!(
                    "one line a step, CSV with a header line or JSON Lines, with the fields {FIELDS}"
                ))));
            }
            Ok(true) => match format.unwrap_or_else(|| guess(&lines.text)) {
                Format::Csv => csv_lines(&mut lines, &mut builder),
                Format::JsonLines => json_lines(&mut lines, &mut builder),
                Format::AccessLog
                | Format::Spans
                | Format::Stacks
                | Format::Speedscope
                | Format::Prof => Ok(()),
            },
        };
        read.map_err(|p| error(Some(format!("line {}", lines.first)), p))?;
        let trace = builder.finish();
        if trace.rows.is_empty() && trace.facts.is_empty() {
            return Err(error(
                None,
                Problem::new("the trace holds no step, only a header line"),
            ));
        }
        Ok(trace)
    }
}

fn too_long() -> Problem {
    Problem::new("the trace is longer than the limit MAX_TRACE_BYTES (512 MiB)")
        .help("a part of it is enough: some thousand tasks of each class")
}

fn guess(first: &str) -> Format {
    if first.trim_start().starts_with(['{', '[']) {
        Format::JsonLines
    } else {
        Format::Csv
    }
}

/// The lines of the file, one at a time, and how much has been read so far.
struct LineReader<R> {
    input: BufReader<R>,
    line: u64,
    /// The line with which [`Self::text`] begins: quoted cells may hold line breaks.
    first: u64,
    bytes: u64,
    text: String,
}

impl<R: Read> LineReader<R> {
    /// Reads the next line that is not blank, without its line end. Returns false at the end of the file.
    fn next_filled(&mut self) -> Result<bool, Problem> {
        loop {
            self.first = self.line + 1;
            let Some(text) = self.read_line()? else {
                return Ok(false);
            };
            if !text.trim().is_empty() {
                self.text = text;
                return Ok(true);
            }
        }
    }

    /// Adds the next line to this one, whose last cell has a line break in it. Returns false at the end of the file.
    fn add_line(&mut self) -> Result<bool, Problem> {
        let Some(text) = self.read_line()? else {
            return Ok(false);
        };
        self.text.push('\n');
        self.text.push_str(&text);
        if self.text.len() as u64 > MAX_LINE {
            return Err(
                Problem::new("a quoted cell that begins here is longer than 1 MiB")
                    .help("is a quotation mark missing?"),
            );
        }
        Ok(true)
    }

    /// Reads a line without its end; `None` at the end of the file.
    fn read_line(&mut self) -> Result<Option<String>, Problem> {
        let mut bytes = Vec::new();
        self.line += 1;
        let n = (&mut self.input)
            .take(MAX_LINE + 1)
            .read_until(b'\n', &mut bytes)
            .map_err(|e| Problem::new(format!("cannot be read: {}", input::reason(&e))))?
            as u64;
        if n == 0 {
            return Ok(None);
        }
        self.bytes += n;
        if n > MAX_LINE {
            return Err(Problem::new("the line is longer than 1 MiB"));
        }
        if self.bytes > limits::MAX_TRACE_BYTES {
            return Err(too_long());
        }
        let mut text = String::from_utf8(bytes).map_err(|e| {
            let good = e.utf8_error().valid_up_to();
            let column = String::from_utf8_lossy(&e.as_bytes()[..good])
                .chars()
                .count()
                + 1;
            Problem::new("this is not UTF-8 text")
                .at(format!("column {column}"))
                .help("save the file as UTF-8")
        })?;
        if self.line == 1 && text.starts_with('\u{feff}') {
            text.remove(0);
        }
        text.truncate(text.trim_end_matches(['\n', '\r']).len());
        Ok(Some(text))
    }
}

/// The positions of the fields in a line of CSV.
struct Columns {
    task: usize,
    class: usize,
    kind: usize,
    start: usize,
    end: usize,
    bytes: Option<usize>,
    lock: Option<usize>,
    releases: Option<usize>,
    released: Option<usize>,
    size: Option<usize>,
    how: Option<usize>,
}

impl Columns {
    fn find(header: &[String]) -> Result<Self, Problem> {
        let find = |names: &[&str]| {
            header
                .iter()
                .position(|h| names.contains(&h.trim().to_ascii_lowercase().as_str()))
        };
        let need = |names: &[&str]| {
            find(names).ok_or_else(|| {
                Problem::new(format!(
                    "read as CSV, the header line has no column {} (it has {})",
                    names.join(" or "),
                    named(header)
                ))
                .help(format!(
                    "the columns are {FIELDS}; others are ignored. If it is no CSV, --format says what it is: access-log, spans, stacks, speedscope, prof"
                ))
            })
        };
        Ok(Self {
            task: need(&["task"])?,
            class: need(&["class"])?,
            kind: need(&["kind", "step"])?,
            start: need(&["start"])?,
            end: need(&["end"])?,
            bytes: find(&["bytes"]),
            lock: find(&["lock"]),
            releases: find(&["releases"]),
            released: find(&["released"]),
            size: find(&["size"]),
            how: find(&["how"]),
        })
    }

    fn of(&self, name: &str) -> Option<usize> {
        match name {
            "task" => Some(self.task),
            "class" => Some(self.class),
            "kind" => Some(self.kind),
            "start" => Some(self.start),
            "end" => Some(self.end),
            "bytes" => self.bytes,
            "lock" => self.lock,
            "releases" => self.releases,
            "released" => self.released,
            "size" => self.size,
            "how" => self.how,
            _ => None,
        }
    }
}

/// The names of the first columns: a line that is no header line may have thousands.
fn named(header: &[String]) -> String {
    let names: Vec<&str> = header.iter().take(SHOWN).map(String::as_str).collect();
    let names = shortened(&names.join(", "));
    match header.len().saturating_sub(SHOWN) {
        0 => names,
        more => format!("{names} and {more} more"),
    }
}

/// Whether a line of CSV ends within a quoted cell, which then has a line break in it.
fn is_open(text: &str, separator: u8) -> bool {
    let (mut quoted, mut begins) = (false, true);
    for byte in text.bytes() {
        if quoted {
            quoted = byte != b'"';
        } else if byte == b'"' {
            // Within a cell that is not quoted a quotation mark is a character as any; two of them in a quoted one leave it and come back.
            quoted = begins;
        } else if byte == separator {
            begins = true;
        } else if !byte.is_ascii_whitespace() {
            begins = false;
        }
    }
    quoted
}

/// Reads the rest of the cells of this line, which may have line breaks in quotes.
fn whole<R: Read>(lines: &mut LineReader<R>, separator: u8) -> Result<(), Problem> {
    while lines.text.contains('"') && is_open(&lines.text, separator) {
        if !lines.add_line()? {
            return Err(Problem::new(format!(
                "a quoted cell begins here that does not end: {}",
                quoted(&lines.text)
            ))
            .help("a quotation mark is missing; one within a quoted cell is written twice"));
        }
    }
    Ok(())
}

/// Splits a line of CSV into its cells. A quoted cell may contain the separator, and line breaks.
fn cells(text: &str, separator: u8) -> Result<Vec<String>, Problem> {
    if !text.contains('"') {
        // Most lines are like this, and a reader for each of them would cost more than everything else.
        let cells = text.split(char::from(separator));
        return Ok(cells.map(|c| c.trim().to_owned()).collect());
    }
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .trim(csv::Trim::All)
        .delimiter(separator)
        .from_reader(text.as_bytes());
    let mut record = csv::StringRecord::new();
    match reader.read_record(&mut record) {
        Ok(_) => Ok(record.iter().map(str::to_owned).collect()),
        Err(e) => Err(Problem::new(format!(
            "cannot be understood: {}",
            shortened(&e.to_string())
        ))),
    }
}

fn csv_lines<R: Read>(
    lines: &mut LineReader<R>,
    builder: &mut TraceBuilder,
) -> Result<(), Problem> {
    let separator = [b',', b';', b'\t']
        .into_iter()
        .max_by_key(|s| lines.text.bytes().filter(|b| b == s).count())
        .unwrap_or(b',');
    whole(lines, separator)?;
    let header = cells(&lines.text, separator)?;
    let columns = Columns::find(&header)?;
    while lines.next_filled()? {
        whole(lines, separator)?;
        let row = cells(&lines.text, separator)?;
        if row.len() != header.len() {
            return Err(Problem::new(format!(
                "it has {} fields, but the header line has {}: {}",
                row.len(),
                header.len(),
                quoted(&lines.text)
            )));
        }
        let cell = |i: usize| row[i].as_str();
        let filled = |i: usize| Some(cell(i)).filter(|t| !t.is_empty());
        let fields = RowFields {
            task: cell(columns.task),
            class: cell(columns.class),
            kind: cell(columns.kind),
            start: filled(columns.start),
            end: filled(columns.end),
            bytes: columns.bytes.and_then(filled),
            lock: columns.lock.and_then(filled),
            releases: columns.releases.and_then(filled),
            released: columns.released.and_then(filled),
            size: columns.size.and_then(filled),
            how: columns.how.and_then(filled),
            ..RowFields::default()
        };
        builder.row(&fields).map_err(|mut p| {
            if let Some(i) = p.column.as_deref().and_then(|c| columns.of(c)) {
                p.column = Some(format!("column {} ({})", i + 1, header[i]));
            }
            p
        })?;
    }
    Ok(())
}

/// One line of JSON Lines. Numbers are kept as texts, so that none of their digits is lost.
#[derive(Deserialize)]
struct JsonRow<'a> {
    #[serde(borrow)]
    task: &'a RawValue,
    class: String,
    #[serde(alias = "step")]
    kind: String,
    #[serde(borrow)]
    start: Option<&'a RawValue>,
    #[serde(borrow)]
    end: Option<&'a RawValue>,
    #[serde(borrow)]
    bytes: Option<&'a RawValue>,
    lock: Option<String>,
    #[serde(borrow)]
    releases: Option<&'a RawValue>,
    #[serde(borrow)]
    released: Option<&'a RawValue>,
    #[serde(borrow)]
    size: Option<&'a RawValue>,
    how: Option<String>,
    by: Option<String>,
    #[serde(borrow)]
    used: Option<&'a RawValue>,
    #[serde(borrow)]
    pid: Option<&'a RawValue>,
    #[serde(borrow)]
    process: Option<&'a RawValue>,
}

fn json_lines<R: Read>(
    lines: &mut LineReader<R>,
    builder: &mut TraceBuilder,
) -> Result<(), Problem> {
    loop {
        if lines.text.trim_start().starts_with('[') {
            return Err(Problem::new("the line is a JSON list")
                .help(format!("one JSON object a line, with {FIELDS}")));
        }
        let row: JsonRow<'_> = serde_json::from_str(&lines.text).map_err(|e| {
            let why = e.to_string();
            let why = why.split(" at line ").next().unwrap_or(&why).to_owned();
            Problem::new(format!("{}, in {}", shortened(&why), quoted(&lines.text)))
                .at(format!("column {}", e.column()))
                .help(format!("one JSON object a line, with {FIELDS}"))
        })?;
        let text = |v: Option<&'_ RawValue>| v.map(|v| v.get().to_owned()).filter(|t| t != "null");
        let task = row.task.get();
        let (start, end, bytes) = (text(row.start), text(row.end), text(row.bytes));
        let (releases, released) = (text(row.releases), text(row.released));
        let (size, used, pid) = (text(row.size), text(row.used), text(row.pid));
        let fields = RowFields {
            task: task.trim_matches('"'),
            class: row.class.trim(),
            kind: row.kind.trim(),
            start: start.as_deref(),
            end: end.as_deref(),
            bytes: bytes.as_deref(),
            lock: row.lock.as_deref(),
            releases: releases.as_deref(),
            released: released.as_deref(),
            size: size.as_deref(),
            how: row.how.as_deref(),
            by: row.by.as_deref(),
            used: used.as_deref(),
            pid: pid.as_deref(),
            process: row.process.map(RawValue::get),
        };
        builder.row(&fields).map_err(|mut p| {
            p.column = p.column.map(|c| format!("field {c}"));
            p
        })?;
        if !lines.next_filled()? {
            return Ok(());
        }
    }
}
