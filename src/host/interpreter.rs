//! Asks an interpreter what it is: its version, its build and what it can do.

use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use super::error::HostError;
use super::run::{ExitReason, FinishedRun, Invocation, run};
use super::versions::{NEWEST_MINOR, OLDEST_MINOR};
use crate::cpython::profile::Build;
use crate::scenario::{StartMethod, is_hidden};

/// The time within which an interpreter has to say what it is.
const PROBE_LIMIT: Duration = Duration::from_secs(10);
/// The most bytes that an answer may have.
const PROBE_OUTPUT: u64 = 1 << 20;
const SCRIPT: &str = include_str!("probe.py");
/// The text that an answer starts with.
const PREFIX: &str = "pchsim-probe ";

/// A CPython on this machine that can be used.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Interpreter {
    /// The absolute path of the executable.
    pub path: PathBuf,
    /// The version, such as `3.13.0`.
    pub version: String,
    /// The minor version, such as 13.
    pub minor: u32,
    /// The name of the implementation as the interpreter reports it: `CPython`.
    pub implementation: String,
    /// Whether it is a free-threaded build.
    pub free_threaded: bool,
    /// Whether there is a GIL when the interpreter runs; in a free-threaded build it can be switched on (`PYTHON_GIL=1`).
    pub gil: bool,
    /// How the interpreter was built.
    pub build: Build,
    /// The ways in which it can start processes.
    pub start_methods: Vec<StartMethod>,
    /// Whether there is `concurrent.futures.InterpreterPoolExecutor`.
    pub interpreters: bool,
    /// Whether process pools work: `_multiprocessing` is there, and the system has semaphores.
    pub process_pools: bool,
    /// The places where it was found: `PATH`, `pyenv`, `uv`, `conda`, `virtual environment`, `given`, ...
    pub found: Vec<String>,
}

impl Interpreter {
    /// The version as one asks for it: `3.13`, or `3.13t` for a free-threaded build.
    #[must_use]
    pub fn tag(&self) -> String {
        let suffix = if self.free_threaded { "t" } else { "" };
        format!("3.{}{suffix}", self.minor)
    }
}

/// An interpreter, and what is needed to tell it from others.
#[derive(Clone, Debug)]
pub(super) struct ProbeOutput {
    pub(super) interpreter: Interpreter,
    /// The path of the executable as the interpreter itself reports it; may be missing.
    pub(super) executable: Option<PathBuf>,
    /// The virtual environment that the interpreter belongs to, if any.
    pub(super) environment: Option<PathBuf>,
    /// The prefix of the installation that the interpreter belongs to.
    pub(super) base_prefix: PathBuf,
}

#[derive(Deserialize)]
struct ProbeAnswer {
    version: String,
    major: u32,
    minor: u32,
    implementation: String,
    executable: PathBuf,
    prefix: PathBuf,
    base_prefix: PathBuf,
    compiler: String,
    #[serde(flatten)]
    details: Option<Details>,
}

/// The details that interpreters of too old versions are not asked for.
#[derive(Deserialize)]
struct Details {
    pgo: Option<bool>,
    lto: Option<bool>,
    debug: bool,
    free_threaded: bool,
    gil: bool,
    start_methods: Vec<String>,
    interpreters: bool,
    process_pools: bool,
}

/// Runs a program to ask it what it is. `path` is kept as the interpreter's path.
pub(super) fn probe(path: &Path, found: &str) -> Result<ProbeOutput, HostError> {
    check_file(path)?;
    match ask(path, found, &["-I"]) {
        // Python 2 does not know `-I`. It is asked again without, so that it is refused for its version and not for its complaint.
        Err(HostError::Crashed { code: Some(2), .. }) => ask(path, found, &["-E", "-s"]),
        answer => answer,
    }
}

fn ask(path: &Path, found: &str, isolated: &[&str]) -> Result<ProbeOutput, HostError> {
    let (mut answer, mut printed) = (None, String::new());
    let finished = run(
        &Invocation {
            args: isolated
                .iter()
                .chain(&["-c", SCRIPT])
                .map(Into::into)
                .collect(),
            limit: PROBE_LIMIT,
            output_limit: PROBE_OUTPUT,
            ..Invocation::new(path)
        },
        &mut |line| match line.strip_prefix(PREFIX) {
            Some(json) => answer = Some(json.to_owned()),
            None if printed.len() < 1000 => {
                printed.extend(line.chars().take(200));
                printed.push('\n');
            }
            None => {}
        },
    )?;
    check_end(path, &finished, &printed)?;
    let answer = answer.and_then(|json| serde_json::from_str::<ProbeAnswer>(&json).ok());
    match answer {
        Some(answer) => understood(path, found, answer),
        None => Err(HostError::NotPython {
            path: path.into(),
            printed: quote(&printed, &finished.stderr),
        }),
    }
}

fn check_file(path: &Path) -> Result<(), HostError> {
    let Ok(about) = path.metadata() else {
        return Err(HostError::Missing { path: path.into() });
    };
    if about.is_dir() {
        let inside = ["bin/python3", "bin/python"].map(|p| path.join(p));
        let hint = inside.iter().find(|p| p.is_file());
        let hint = hint.map(|p| format!("; did you mean {}?", p.display()));
        return Err(HostError::Directory {
            path: path.into(),
            hint: hint.unwrap_or_default(),
        });
    }
    if !super::paths::executable(path) {
        return Err(HostError::NotExecutable { path: path.into() });
    }
    Ok(())
}

fn check_end(path: &Path, finished: &FinishedRun, printed: &str) -> Result<(), HostError> {
    let path = path.to_path_buf();
    let printed = quote(printed, &finished.stderr);
    match (finished.end, finished.code, finished.signal) {
        (ExitReason::Interrupted, ..) => Err(HostError::Interrupted),
        (ExitReason::TimedOut, ..) => Err(HostError::Hung {
            path,
            limit: PROBE_LIMIT,
            printed,
        }),
        (ExitReason::TooMuchOutput, ..) => Err(HostError::NotPython { path, printed }),
        (ExitReason::Exited, Some(0), _) => Ok(()),
        (ExitReason::Exited, code, signal) => Err(HostError::Crashed {
            path,
            code,
            how: match (code, signal) {
                (Some(code), _) => format!("ended with exit code {code}"),
                (None, Some(signal)) => format!("was ended by signal {signal}"),
                (None, None) => "ended with an error".into(),
            },
            printed,
        }),
    }
}

/// What a program printed, short enough for a message. The last line of a traceback says most.
fn quote(stdout: &str, stderr: &str) -> String {
    let last = |text: &str| text.trim().lines().last().map(str::to_owned);
    let first = |text: &str| text.trim().lines().next().map(str::to_owned);
    match last(stderr).or_else(|| first(stdout)) {
        Some(line) => {
            let shown: String = line.chars().filter(|c| !is_hidden(*c)).take(200).collect();
            format!("; it printed: {shown}")
        }
        None => String::new(),
    }
}

fn understood(path: &Path, found: &str, answer: ProbeAnswer) -> Result<ProbeOutput, HostError> {
    if answer.implementation != "CPython" {
        return Err(HostError::NotCPython {
            path: path.into(),
            implementation: answer.implementation,
            version: answer.version,
        });
    }
    let known = (OLDEST_MINOR..=NEWEST_MINOR).contains(&answer.minor);
    let Some(details) = answer.details.filter(|_| answer.major == 3 && known) else {
        return Err(HostError::Version {
            path: path.into(),
            version: answer.version,
        });
    };
    let method = |name: &String| match name.as_str() {
        "fork" => Some(StartMethod::Fork),
        "spawn" => Some(StartMethod::Spawn),
        "forkserver" => Some(StartMethod::Forkserver),
        _ => None,
    };
    let environment = (answer.prefix != answer.base_prefix).then_some(answer.prefix);
    Ok(ProbeOutput {
        interpreter: Interpreter {
            path: std::path::absolute(path).unwrap_or_else(|_| path.into()),
            version: answer.version,
            minor: answer.minor,
            implementation: answer.implementation,
            free_threaded: details.free_threaded,
            gil: details.gil,
            build: Build {
                compiler: answer.compiler,
                pgo: details.pgo,
                lto: details.lto,
                debug: details.debug,
            },
            start_methods: details.start_methods.iter().filter_map(method).collect(),
            interpreters: details.interpreters,
            process_pools: details.process_pools,
            found: vec![found.into()],
        },
        executable: Some(answer.executable).filter(|e| e.is_file()),
        environment,
        base_prefix: answer.base_prefix,
    })
}
