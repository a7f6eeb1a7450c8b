//! Microbenchmarks of a real interpreter: embedded Python programs, run by it, and what they tell.

mod expect;
mod imports;
mod profile;
mod samples;
mod servers;

use std::path::{Path, PathBuf};
use std::time::Duration;

pub use expect::{BenchCosts, CannotImport, Expected, costs, expected};
pub(crate) use imports::ImportGil;
pub use profile::{Calibrated, ImportCost, Parameter, Quality, calibrated};
pub use samples::{Hello, Samples};
pub(crate) use servers::of as server_bench;

use crate::host::{self, ExitReason, FinishedRun, HostError, Invocation, Scratch};
use crate::learn::recorder::{GIL_WATCH, RECORDER};
use crate::scenario::RequestHandling;
use samples::BenchRecord;

/// The programs, by file name.
const FILES: [(&str, &str); 8] = [
    ("bench.py", include_str!("bench.py")),
    ("importing.py", include_str!("importing.py")),
    ("pchsim_recorder.py", RECORDER),
    ("pchsim_gil.py", GIL_WATCH),
    ("pace.py", include_str!("pace.py")),
    ("servers.py", include_str!("servers.py")),
    ("serving.py", SERVING),
    ("starts.py", include_str!("starts.py")),
];

/// The program that becomes a server, for whoever measures one.
pub(crate) const SERVING: &str = include_str!("serving.py");

/// How long a quick calibration repeats its measurements: ten seconds with everything else.
pub(crate) const QUICK: Duration = Duration::from_secs(6);
/// How long a full one does: two minutes at most with everything else.
pub(crate) const FULL: Duration = Duration::from_secs(95);

/// A machine with other things to do takes longer; past this, something hangs.
pub(crate) const PATIENCE: Duration = Duration::from_secs(60);

/// What is to be measured.
#[derive(Clone, Debug)]
pub struct BenchPlan {
    /// How long; everything is measured once in any case.
    pub time: Duration,
    /// An interpreter that takes longer than this is ended.
    pub limit: Duration,
    /// The user's modules whose import is to be timed.
    pub imports: Vec<String>,
    /// The servers whose handling of requests is to be measured.
    pub servers: Vec<RequestHandling>,
    /// Where the user's modules are looked for besides the usual places.
    pub folder: PathBuf,
    /// How long it takes, for the progress; zero where nobody has asked.
    pub expected: Expected,
}

/// What is being done.
#[derive(Clone, Debug)]
pub struct BenchProgress<'a> {
    /// What is being measured.
    pub what: &'a str,
    /// How much of the time is over, from 0 to 1.
    pub share: f64,
    /// Rounds finished.
    pub round: u32,
}

/// Why an interpreter could not be measured.
#[derive(Debug, thiserror::Error)]
pub enum BenchError {
    /// The program could not be run at all.
    #[error(transparent)]
    Host(#[from] HostError),
    /// The folder for the programs could not be made.
    #[error("cannot write the microbenchmarks to a temporary folder: {0}")]
    Folder(#[from] std::io::Error),
    /// It did not end in time and was ended.
    #[error(
        "{python} was ended after {seconds} s: the microbenchmarks should have been done long before{last}"
    )]
    Hung {
        /// The interpreter.
        python: String,
        /// After how long.
        seconds: u64,
        /// `, the last was ...` or nothing.
        last: String,
    },
    /// It ended with an error.
    #[error("{python} {how} while it ran the microbenchmarks{last}{stderr}")]
    Crashed {
        /// The interpreter.
        python: String,
        /// How it ended.
        how: String,
        /// `, the last was ...` or nothing.
        last: String,
        /// What it wrote to standard error, on lines of its own.
        stderr: String,
    },
    /// It printed something else.
    #[error("{python} printed what is not a measurement: `{line}`; is it really CPython?")]
    Garbage {
        /// The interpreter.
        python: String,
        /// What it printed.
        line: String,
    },
    /// The user interrupted it.
    #[error("interrupted")]
    Interrupted,
}

/// Runs the microbenchmarks.
///
/// # Errors
/// When the interpreter cannot be run, hangs, crashes or prints something else, or when the user interrupts.
pub fn measure(
    python: &Path,
    plan: &BenchPlan,
    progress: &mut dyn FnMut(&BenchProgress<'_>),
) -> Result<Samples, BenchError> {
    let folder = Scratch::new()?;
    for (name, text) in FILES {
        folder.put(name, text)?;
    }
    let settings = serde_json::json!({
        "seconds": plan.time.as_secs_f64(), "imports": plan.imports, "folder": plan.folder,
    });
    let mut reader = BenchReader::default();
    let bench = ["bench.py".to_owned(), settings.to_string()];
    let program = program(python, folder.path(), &bench, plan.limit);
    let expected = plan.expected;
    let finished = host::run(&program, &mut |line| {
        reader.line(line, &mut |p| {
            progress(&BenchProgress {
                share: expected.share(Duration::ZERO, expected.bench, p.share),
                ..p.clone()
            });
        });
    })?;
    let mut samples = reader.ended(python, &finished)?;
    let all = std::mem::take(&mut reader.later);
    for (i, arguments) in all.iter().enumerate() {
        let share = i as f64 / all.len() as f64;
        progress(&BenchProgress {
            what: &arguments.join(" "),
            share: expected.share(expected.bench, expected.later, share),
            round: samples.rounds,
        });
        let words = [&["starts.py".to_owned()], arguments.as_slice()].concat();
        later(python, folder.path(), &words, &mut samples)?;
    }
    servers::ask(python, folder.path(), plan, &mut samples, progress)?;
    imports::look(python, folder.path(), plan, &mut samples, progress)?;
    Ok(samples)
}

fn program<'a>(
    python: &'a Path,
    folder: &'a Path,
    arguments: &[String],
    limit: Duration,
) -> Invocation<'a> {
    let mut program = Invocation::new(python);
    program.args = ["-W", "ignore"].map(Into::into).to_vec();
    program.args.extend(arguments.iter().map(Into::into));
    program.dir = Some(folder);
    program.limit = limit;
    program
}

/// A measurement that has to be made while no other process of the interpreter is about. If it fails, so says the result, and
/// what it would have told stays at its default.
fn later(
    python: &Path,
    folder: &Path,
    arguments: &[String],
    samples: &mut Samples,
) -> Result<(), BenchError> {
    let mut lines = Vec::new();
    let program = program(python, folder, arguments, PATIENCE);
    let finished = host::run(&program, &mut |line| lines.push(line.to_owned()))?;
    if finished.end == ExitReason::Interrupted {
        return Err(BenchError::Interrupted);
    }
    if !finished.succeeded() {
        let what = arguments[1..].join(" ");
        samples.failed.push((what, finished.how_and_why()));
    }
    for line in lines {
        if let Ok(sample @ BenchRecord::Sample { .. }) = serde_json::from_str(&line) {
            samples.take(sample);
        }
    }
    Ok(())
}

/// Takes the program's lines in.
#[derive(Default)]
struct BenchReader {
    samples: Option<Samples>,
    garbage: Option<String>,
    last: Option<String>,
    later: Vec<Vec<String>>,
    done: bool,
}

impl BenchReader {
    /// What was measured, if the program ended as it should.
    fn ended(&mut self, python: &Path, finished: &FinishedRun) -> Result<Samples, BenchError> {
        let python = python.display().to_string();
        let last = (self.last.take()).map_or(String::new(), |l| format!(", the last was `{l}`"));
        match finished.end {
            ExitReason::Interrupted => return Err(BenchError::Interrupted),
            ExitReason::TimedOut => {
                return Err(BenchError::Hung {
                    python,
                    seconds: finished.wall.as_secs(),
                    last,
                });
            }
            _ => {}
        }
        if let Some(line) = self.garbage.take() {
            return Err(BenchError::Garbage { python, line });
        }
        match self.samples.take() {
            Some(samples) if finished.succeeded() && self.done => Ok(samples),
            _ => Err(BenchError::Crashed {
                python,
                how: finished.how(),
                last,
                stderr: match finished.stderr.trim() {
                    "" => String::new(),
                    text => format!(":\n{text}"),
                },
            }),
        }
    }

    fn line(&mut self, line: &str, progress: &mut dyn FnMut(&BenchProgress<'_>)) {
        let parsed: BenchRecord = match serde_json::from_str(line) {
            Ok(parsed) => parsed,
            Err(_) if line.trim().is_empty() => return,
            Err(_) => {
                self.garbage
                    .get_or_insert_with(|| line.chars().take(200).collect());
                return;
            }
        };
        match parsed {
            BenchRecord::Hello(hello) => self.samples = Some(Samples::new(hello)),
            BenchRecord::Later { arguments } => self.later.push(arguments),
            BenchRecord::Start { name, share, round } => {
                progress(&BenchProgress {
                    what: &name,
                    share,
                    round,
                });
                self.last = Some(name);
            }
            other => {
                self.done |= matches!(other, BenchRecord::Done { .. });
                if let Some(samples) = &mut self.samples {
                    samples.take(other);
                }
            }
        }
    }
}
