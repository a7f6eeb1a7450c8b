//! The recorder that runs inside the user's Python program, and the reader of what it has written.
//!
//! The recorder is pure Python: a module that users may copy, and others that watch the libraries which run tasks. It is injected by a `sitecustomize` module in a directory that stands first in
//! `PYTHONPATH`. So the program's own command stays as it is (`python -m`, a console script, `uv run`), and every interpreter that the
//! program starts (spawned workers, the fork server) is recorded too. Each process appends to a file of its own, all rows of a task at
//! once, so that a worker that is killed loses at most the rows of its unfinished tasks.

use std::fs;
use std::path::Path;

use super::trace::{Format, Trace, TraceError, TraceOptions};
use crate::scenario::limits;

/// The recorder's source: a module that users may copy, for its `task` and `step`.
pub(crate) const RECORDER: &str = include_str!("recorder/pchsim_recorder.py");
const SITE: &str = include_str!("recorder/sitecustomize.py");

/// The watch over the GIL, which needs [`RECORDER`] beside it.
pub(crate) const GIL_WATCH: &str = include_str!("recorder/pchsim_gil.py");

/// The recorder's modules by file name, to be put into a directory in `PYTHONPATH`.
pub(crate) const MODULES: [(&str, &str); 10] = [
    ("pchsim_recorder.py", RECORDER),
    ("sitecustomize.py", SITE),
    ("pchsim_gil.py", GIL_WATCH),
    ("pchsim_hooks.py", include_str!("recorder/pchsim_hooks.py")),
    ("pchsim_facts.py", include_str!("recorder/pchsim_facts.py")),
    (
        "pchsim_executors.py",
        include_str!("recorder/pchsim_executors.py"),
    ),
    ("pchsim_items.py", include_str!("recorder/pchsim_items.py")),
    ("pchsim_loops.py", include_str!("recorder/pchsim_loops.py")),
    (
        "pchsim_resources.py",
        include_str!("recorder/pchsim_resources.py"),
    ),
    (
        "pchsim_servers.py",
        include_str!("recorder/pchsim_servers.py"),
    ),
];

/// The environment variable that tells the recorder where to write: a directory (which gets a file for each process) or a file.
pub(crate) const TRACE_VARIABLE: &str = "PCHSIM_TRACE";
/// The environment variable that makes every thread pool have one worker.
pub(crate) const SEQUENTIAL_VARIABLE: &str = "PCHSIM_RECORD_SEQUENTIAL";

/// The environment variable that makes the recorder watch how often tasks give the GIL up.
pub(crate) const RELEASES_VARIABLE: &str = "PCHSIM_RECORD_RELEASES";

/// Collects all rows that the processes have written into a directory, as one text. An incomplete last line of a killed process is left
/// out.
///
/// # Errors
///
/// Returns an error if a file cannot be read, or if the files together are longer than [`limits::MAX_TRACE_BYTES`].
pub(crate) fn collect(dir: &Path) -> std::io::Result<String> {
    let mut files: Vec<_> = fs::read_dir(dir)?
        .map(|e| e.map(|e| e.path()))
        .collect::<Result<_, _>>()?;
    files.retain(|p| p.extension().is_some_and(|e| e == "jsonl"));
    files.sort();
    let mut length = 0;
    for file in &files {
        length += fs::metadata(file)?.len();
    }
    if length > limits::MAX_TRACE_BYTES {
        return Err(std::io::Error::other(
            "the program wrote more than the limit MAX_TRACE_BYTES (512 MiB); record a shorter run",
        ));
    }
    let mut all = String::new();
    for file in &files {
        let text = String::from_utf8_lossy(&fs::read(file)?).into_owned();
        let whole = text.rfind('\n').map_or(0, |end| end + 1);
        all.push_str(&text[..whole]);
    }
    Ok(all)
}

/// Reads collected rows as a trace; `name` is the name of the rows in messages.
///
/// # Errors
///
/// As [`Trace::parse`].
pub(crate) fn parse(rows: &str, name: &str) -> Result<Trace, TraceError> {
    let options = TraceOptions {
        format: Some(Format::JsonLines),
        ..TraceOptions::default()
    };
    Trace::parse(rows.as_bytes(), name, &options)
}
