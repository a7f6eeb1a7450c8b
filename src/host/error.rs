//! What can go wrong with the machine's interpreters, in words for the person at the terminal.

use std::path::PathBuf;
use std::time::Duration;

use super::versions::{NEWEST_MINOR, OLDEST_MINOR};
use crate::syntax::input::reason;

/// Why an interpreter cannot be used, or a program not be run.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No interpreter is called so.
    #[error(
        "no Python interpreter is called `{name}`{hint} Give a path, a command on PATH, or a version such as 3.13 or 3.13t"
    )]
    NotFound {
        /// What was asked for.
        name: String,
        /// The rest of the sentence: a reason, what was found instead, or what may have been meant.
        hint: String,
    },
    /// There is no interpreter at all.
    #[error(
        "no usable Python interpreter was found (CPython 3.{OLDEST_MINOR} to 3.{NEWEST_MINOR} on PATH, in a virtual environment, of pyenv, uv or conda){tried}; name one by its path"
    )]
    Nothing {
        /// `; tried: ...`, or nothing.
        tried: String,
    },
    /// The file is not there.
    #[error("{}: there is no such file", .path.display())]
    Missing {
        /// Which.
        path: PathBuf,
    },
    /// A directory in place of a program.
    #[error("{} is a directory, not an interpreter{hint}", .path.display())]
    Directory {
        /// Which.
        path: PathBuf,
        /// `; did you mean ...?` or nothing.
        hint: String,
    },
    /// A file that may not be executed.
    #[error("{} is not executable; is it an interpreter? (chmod +x makes it executable)", .path.display())]
    NotExecutable {
        /// Which.
        path: PathBuf,
    },
    /// The operating system refuses to start it.
    #[error("cannot start {}: {}", .path.display(), reason(source))]
    CannotStart {
        /// Which.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// It ended with an error when it was asked what it is.
    #[error("{} {how} when it was asked for its version{printed}", .path.display())]
    Crashed {
        /// Which.
        path: PathBuf,
        /// The exit code, unless a signal ended it.
        code: Option<i32>,
        /// How it ended.
        how: String,
        /// `; it printed: ...`, or nothing.
        printed: String,
    },
    /// It answered something else than a Python does.
    #[error("{} does not answer as a Python interpreter does{printed}", .path.display())]
    NotPython {
        /// Which.
        path: PathBuf,
        /// `; it printed: ...`, or nothing.
        printed: String,
    },
    /// It did not answer.
    #[error("{} did not answer within {} s when it was asked for its version{printed}", .path.display(), .limit.as_secs())]
    Hung {
        /// Which.
        path: PathBuf,
        /// How long it was given.
        limit: Duration,
        /// `; it printed: ...`, or nothing.
        printed: String,
    },
    /// A version that this program has no model of.
    #[error("{} is Python {version}; CPython 3.{OLDEST_MINOR} to 3.{NEWEST_MINOR} can be used", .path.display())]
    Version {
        /// Which.
        path: PathBuf,
        /// Its version.
        version: String,
    },
    /// PyPy, GraalPy and so on.
    #[error("{} is {implementation} (Python {version}); only CPython is modelled", .path.display())]
    NotCPython {
        /// Which.
        path: PathBuf,
        /// What it calls itself.
        implementation: String,
        /// The Python version that it implements.
        version: String,
    },
    /// The process that ends what a killed run leaves behind could not be started.
    #[error("cannot start {} to guard the run: {}", .path.display(), reason(source))]
    Guard {
        /// Which program.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// Ctrl-C or SIGTERM came.
    #[error("interrupted")]
    Interrupted,
    /// Neither Linux nor macOS.
    #[error("programs can be run on Linux and macOS only")]
    Unsupported,
}

impl HostError {
    /// Whether this says nothing of one interpreter, and the next one would be refused likewise.
    pub(super) fn concerns_all(&self) -> bool {
        matches!(
            self,
            Self::Guard { .. } | Self::Interrupted | Self::Unsupported
        )
    }
}
