//! Runs programs for real, and reads the figures that they report.

use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use super::program::GeneratedProgram;
use crate::host::{self, ExitReason, FinishedRun, Interpreter, Scratch};

/// The time between two samples of memory, in the one run in which it is sampled.
pub(super) const MEMORY_INTERVAL: Duration = Duration::from_millis(10);
/// The greatest size of a program's answer, which has a latency for each task: 2 million of them take less than this.
const OUTPUT_LIMIT: u64 = 256 << 20;

/// The figures that a run of a program reports: the JSON line at its end.
#[derive(Clone, Debug, Deserialize)]
pub struct MeasuredRun {
    /// The time until the last result, in seconds.
    pub makespan_s: f64,
    /// The time until the pool was shut down, in seconds.
    pub closed_s: f64,
    /// The kind of each task, in the order of arrival.
    pub kinds: Vec<String>,
    /// The time from the arrival to the end of each task, in seconds; `None` for a task that failed.
    pub latencies_s: Vec<Option<f64>>,
    /// The number of tasks that failed as the scenario says.
    pub failed: u64,
    /// The number of tasks that were given up.
    pub timed_out: u64,
    /// CPU seconds of the process, and of those children that it waited for.
    pub cpu_s: f64,
    /// CPU seconds that the cores spent on any process meanwhile; `None` where the system does not report it.
    #[serde(default)]
    pub busy_s: Option<f64>,
    /// Voluntary context switches of the main process.
    pub ctx_voluntary: f64,
    /// Involuntary context switches of the main process.
    pub ctx_involuntary: f64,
    /// The speed of the cores around the run.
    pub canary_ns: Canaries,
    /// How long after the first kill another worker of a server had answered, in seconds; `None` where none was killed, or none came.
    #[serde(skip)]
    pub back_s: Option<f64>,
    /// What was seen of the client, where the run was that of a server.
    #[serde(skip)]
    pub client: Option<ClientFigures>,
}

/// What was seen of the client of a server, and of what lay between them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ClientFigures {
    /// CPU seconds of the client; `None` where the system does not report them.
    pub cpu_s: Option<f64>,
    /// That time as a share of what the cores had meanwhile.
    pub share: f64,
    /// Whether the client had cores that the server had not.
    pub apart: bool,
    /// Requests in all.
    pub requests: usize,
    /// Requests that were sent 5 ms or more after their time.
    pub late: usize,
    /// Connections that the server did not take.
    pub refused: usize,
    /// Connections that ended, or said something else, before the answer was complete.
    pub broken: usize,
}

impl ClientFigures {
    /// Of several runs that in which the client used most, with the greatest counts.
    pub(crate) fn worst(runs: &[MeasuredRun]) -> Option<Self> {
        let most = |a: Self, b: Self| Self {
            cpu_s: a.cpu_s.into_iter().chain(b.cpu_s).reduce(f64::max),
            share: a.share.max(b.share),
            apart: a.apart && b.apart,
            requests: a.requests,
            late: a.late.max(b.late),
            refused: a.refused.max(b.refused),
            broken: a.broken.max(b.broken),
        };
        runs.iter().filter_map(|r| r.client).reduce(most)
    }
}

/// The time of an iteration of the reference loop on each core in nanoseconds, as the best of a few short samples.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Canaries {
    /// The times before the run.
    pub before: Vec<f64>,
    /// The times after the run.
    pub after: Vec<f64>,
}

impl MeasuredRun {
    /// The latencies of the tasks that succeeded, sorted.
    pub(crate) fn sorted(&self) -> Vec<f64> {
        let mut all: Vec<f64> = self.latencies_s.iter().flatten().copied().collect();
        all.sort_by(f64::total_cmp);
        all
    }

    /// Whether the figures are plausible at all.
    pub(super) fn check(&self, tasks: usize) -> Result<(), String> {
        let times = [self.makespan_s, self.closed_s, self.cpu_s];
        let c = &self.canary_ns;
        let canaries = c.before.iter().chain(&c.after);
        let sound = |x: &f64| x.is_finite() && *x >= 0.0;
        if !times
            .iter()
            .chain(self.latencies_s.iter().flatten())
            .chain(self.busy_s.iter())
            .chain(canaries)
            .all(sound)
            || c.before.is_empty()
            || c.after.is_empty()
        {
            return Err("it reports times that are none".into());
        }
        if self.latencies_s.len() != tasks || self.kinds.len() != tasks {
            return Err(format!(
                "it reports {} tasks, not {tasks}",
                self.latencies_s.len()
            ));
        }
        Ok(())
    }
}

/// Why a run gave no figures.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RunError {
    /// The run was ended at its time limit.
    #[error(
        "ended after {0:.0?}, with all its processes, because it had not finished; allow more with --limit, or shorten it with --scale"
    )]
    TimedOut(Duration),
    /// The user ended the run.
    #[error("interrupted")]
    Interrupted,
    /// The program crashed.
    #[error("it failed ({how}):\n{said}")]
    Crashed {
        /// The exit code or the signal.
        how: String,
        /// The end of what it printed to standard error.
        said: String,
    },
    /// The program ended well, but its answer cannot be understood.
    #[error("its answer cannot be used: {0}")]
    Garbage(String),
    /// The program could not be started.
    #[error("it cannot be run: {0}")]
    Unrunnable(String),
}

/// A directory with a program's files in it, which is removed when this is dropped.
#[derive(Debug)]
pub struct ProgramDir {
    dir: Scratch,
}

impl ProgramDir {
    /// Makes an empty directory for temporary files.
    ///
    /// # Errors
    /// Returns an error when the system refuses.
    pub(crate) fn new() -> std::io::Result<Self> {
        let dir = Scratch::new()?;
        Ok(Self { dir })
    }

    /// Puts a program's files into it.
    ///
    /// # Errors
    /// Returns an error when they cannot be written.
    pub(crate) fn put(&self, program: &GeneratedProgram) -> std::io::Result<()> {
        for (name, text) in program.files() {
            self.dir.put(&name, text)?;
        }
        Ok(())
    }

    /// Makes a directory within it, and returns its path.
    ///
    /// # Errors
    /// Returns an error when it cannot be made.
    pub(crate) fn folder(&self, name: &str) -> std::io::Result<std::path::PathBuf> {
        self.dir.folder(name)
    }

    /// Puts one more file into it.
    ///
    /// # Errors
    /// Returns an error when it cannot be written.
    pub(crate) fn file(&self, name: &str, text: &str) -> std::io::Result<()> {
        self.dir.put(name, text)
    }

    /// The path of the directory.
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }
}

/// Runs a program once; with `memory`, its peak memory is sampled, which costs time.
///
/// # Errors
/// Returns the reason why it gave no figures.
pub fn run_once(
    workshop: &ProgramDir,
    program: &GeneratedProgram,
    python: &Interpreter,
    limit: Duration,
    memory: bool,
    tasks: usize,
) -> Result<(MeasuredRun, Option<u64>), RunError> {
    let mut what = host::Invocation::new(&python.path);
    what.args = vec![format!("{}.py", program.stem).into()];
    what.dir = Some(workshop.path());
    // Nothing in the user's environment may change what the program does.
    what.env = vec![
        ("PYTHONDONTWRITEBYTECODE".into(), "1".into()),
        ("PYTHONSTARTUP".into(), String::new()),
    ];
    what.limit = limit;
    what.sample_memory = memory.then_some(MEMORY_INTERVAL);
    what.output_limit = OUTPUT_LIMIT;
    let mut answer = None;
    let finished = host::run(&what, &mut |line| {
        if line.starts_with("{\"pchsim\"") {
            answer = Some(line.to_owned());
        }
    })
    .map_err(|e| RunError::Unrunnable(e.to_string()))?;
    by_itself(&finished, limit)?;
    if !finished.succeeded() {
        return Err(crashed(&finished));
    }
    let Some(answer) = answer else {
        return Err(RunError::Garbage(
            "it printed no line of results at its end".into(),
        ));
    };
    let measured: MeasuredRun =
        serde_json::from_str(&answer).map_err(|e| RunError::Garbage(e.to_string()))?;
    measured.check(tasks).map_err(RunError::Garbage)?;
    Ok((measured, finished.memory_peak))
}

/// That a program has ended by itself, which may be by failing.
///
/// # Errors
/// Returns the reason for which it was ended.
pub(super) fn by_itself(finished: &FinishedRun, limit: Duration) -> Result<(), RunError> {
    match finished.end {
        ExitReason::TimedOut => Err(RunError::TimedOut(limit)),
        ExitReason::Interrupted => Err(RunError::Interrupted),
        ExitReason::TooMuchOutput => Err(RunError::Garbage("it prints without an end".into())),
        ExitReason::Exited => Ok(()),
    }
}

/// The end of a program that has failed.
pub(super) fn crashed(finished: &FinishedRun) -> RunError {
    let how = match (finished.code, finished.signal) {
        (Some(code), _) => format!("exit code {code}"),
        (None, Some(signal)) => format!("signal {signal}"),
        (None, None) => "unknown end".into(),
    };
    RunError::Crashed {
        how,
        said: finished.stderr.trim_end().to_owned(),
    }
}
