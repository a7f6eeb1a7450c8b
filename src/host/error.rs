//! What can go wrong with interpreters and with running programs on them, in words for the person at the terminal.

use std::path::PathBuf;
use std::time::Duration;

use super::versions::{NEWEST_MINOR, OLDEST_MINOR};
use crate::syntax::input::reason;

/// Why an interpreter cannot be used, or a program cannot be run.
#[derive(Debug, thiserror::Error)]
pub enum HostError {
    /// No interpreter has this name.
    #[error(
        "no Python interpreter is called `{name}`{hint} Give a path, a command on PATH, or a version such as 3.13 or 3.13t"
    )]
    NotFound {
        /// The name that was asked for.
        name: String,
        /// The rest of the sentence: a reason, what was found instead, or what may have been meant.
        hint: String,
    },
    /// There is no usable interpreter at all.
    #[error(
        "no usable Python interpreter was found (CPython 3.{OLDEST_MINOR} to 3.{NEWEST_MINOR} on PATH, in a virtual environment, of pyenv, uv or conda){tried}; name one by its path"
    )]
    Nothing {
        /// The text `; tried: ...`, or empty.
        tried: String,
    },
    /// There is no file of this path.
    #[error("{}: there is no such file", .path.display())]
    Missing {
        /// The path of the file.
        path: PathBuf,
    },
    /// The path is that of a directory and not of a program.
    #[error("{} is a directory, not an interpreter{hint}", .path.display())]
    Directory {
        /// The path of the directory.
        path: PathBuf,
        /// The text `; did you mean ...?`, or empty.
        hint: String,
    },
    /// The file may not be executed.
    #[error("{} is not executable; is it an interpreter? (chmod +x makes it executable)", .path.display())]
    NotExecutable {
        /// The path of the file.
        path: PathBuf,
    },
    /// The operating system refuses to start the program.
    #[error("cannot start {}: {}", .path.display(), reason(source))]
    CannotStart {
        /// The path of the program.
        path: PathBuf,
        /// Why the operating system refused.
        source: std::io::Error,
    },
    /// The program ended with an error when it was asked what it is.
    #[error("{} {how} when it was asked for its version{printed}", .path.display())]
    Crashed {
        /// The path of the program.
        path: PathBuf,
        /// The exit code, unless a signal ended it.
        code: Option<i32>,
        /// How it ended, in words.
        how: String,
        /// The text `; it printed: ...`, or empty.
        printed: String,
    },
    /// The program gave an answer that a Python does not give.
    #[error("{} does not answer as a Python interpreter does{printed}", .path.display())]
    NotPython {
        /// The path of the program.
        path: PathBuf,
        /// The text `; it printed: ...`, or empty.
        printed: String,
    },
    /// The program did not answer in time.
    #[error("{} did not answer within {} s when it was asked for its version{printed}", .path.display(), .limit.as_secs())]
    Hung {
        /// The path of the program.
        path: PathBuf,
        /// How long it was given.
        limit: Duration,
        /// The text `; it printed: ...`, or empty.
        printed: String,
    },
    /// The interpreter has a version that this program has no model of.
    #[error("{} is Python {version}; CPython 3.{OLDEST_MINOR} to 3.{NEWEST_MINOR} can be used", .path.display())]
    Version {
        /// The path of the interpreter.
        path: PathBuf,
        /// The interpreter's version.
        version: String,
    },
    /// The interpreter is not CPython but PyPy, GraalPy or another implementation.
    #[error("{} is {implementation} (Python {version}); only CPython is modelled", .path.display())]
    NotCPython {
        /// The path of the interpreter.
        path: PathBuf,
        /// The name of the implementation, as the interpreter reports it.
        implementation: String,
        /// The Python version that it implements.
        version: String,
    },
    /// The guard, a process that ends what a killed run leaves behind, could not be started.
    #[error("cannot start {} to guard the run: {}", .path.display(), reason(source))]
    Guard {
        /// The path of the program that was to be the guard.
        path: PathBuf,
        /// Why the operating system refused.
        source: std::io::Error,
    },
    /// The run was interrupted by Ctrl-C or SIGTERM.
    #[error("interrupted")]
    Interrupted,
    /// The operating system is neither Linux nor macOS.
    #[error("programs can be run on Linux and macOS only")]
    Unsupported,
}

impl HostError {
    /// Whether the error is not about one interpreter, so that the next one would be refused in the same way.
    pub(super) fn concerns_all(&self) -> bool {
        matches!(
            self,
            Self::Guard { .. } | Self::Interrupted | Self::Unsupported
        )
    }
}
