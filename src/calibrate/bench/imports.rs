//! How often importing a module gives the GIL up: the recorder's watch over the GIL, in processes of their own after everything else,
//! so that it disturbs no other figure.

use std::path::Path;
use std::time::{Duration, Instant};

use super::samples::Samples;
use super::{BenchError, BenchPlan, BenchProgress, PATIENCE, program};
use crate::host::{self, ExitReason};
use crate::learn::{GilObservation, GilUse, StepKind, Trace, recorder};

/// Enough of looking at one module: some hundred releases of what reads files.
const ENOUGH: Duration = Duration::from_millis(20);
/// So many imports of one module at least, unless they take too long.
const RUNS: usize = 4;
/// The longest time for one module, and as a share of the time for everything else.
pub(super) const LONGEST: Duration = Duration::from_secs(10);
pub(super) const SHARE: f64 = 1.0 / 3.0;
/// An import that was on a core for less of its time tells nothing: times are scaled by this share, and others had the cores.
const ON_CORE: f64 = 0.8;
/// What the recorder's complaints begin with.
const COMPLAINT: &str = "pchsim recorder: ";

/// What the watch over the GIL saw of an import.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ImportGil {
    /// What that means.
    pub gil_use: GilUse,
    /// What was seen, in the better half of some imports.
    pub seen: GilObservation,
}

/// One import.
struct ImportRun {
    seen: GilObservation,
    /// The share of its time in which it was on a core.
    on_core: f64,
}

/// Looks at the imports that could be measured; what is seen, or why nothing is, goes to the samples.
pub(super) fn look(
    python: &Path,
    folder: &Path,
    plan: &BenchPlan,
    samples: &mut Samples,
    progress: &mut dyn FnMut(&BenchProgress<'_>),
) -> Result<(), BenchError> {
    let hello = &samples.hello;
    let impossible = if hello.free_threaded {
        Some("this interpreter runs without a GIL")
    } else if !cfg!(target_os = "linux") {
        Some("only Linux shows it")
    } else if hello.cores < 2 {
        Some("it needs a second core to be seen")
    } else {
        None
    };
    let (modules, e) = (samples.imported(), plan.expected);
    for (i, module) in modules.iter().enumerate() {
        let seen = if let Some(why) = impossible {
            Err(why.to_owned())
        } else {
            let share = i as f64 / modules.len() as f64;
            progress(&BenchProgress {
                what: &format!("the GIL in import {module}"),
                share: e.share(e.bench + e.later + e.servers, e.imports, share),
                round: samples.rounds,
            });
            let length = samples.estimate(&format!("import_ms {module}"));
            one(python, folder, plan, module, length.unwrap_or(0.0))?
        };
        samples.gil.insert(module.clone(), seen);
    }
    Ok(())
}

/// One module, which takes about `ms` milliseconds.
fn one(
    python: &Path,
    folder: &Path,
    plan: &BenchPlan,
    module: &str,
    ms: f64,
) -> Result<Result<ImportGil, String>, BenchError> {
    let (begun, longest) = (Instant::now(), plan.time.mul_f64(SHARE).min(LONGEST));
    let rows = folder.join("gil");
    let script = folder.join("importing.py").display().to_string();
    let (mut runs, mut complaint) = (Vec::new(), None);
    loop {
        std::fs::create_dir_all(&rows)?;
        let words = [script.clone(), module.to_owned(), format!("{ms:.3}")];
        let mut program = program(python, &plan.folder, &words, PATIENCE);
        let environment = [
            (recorder::TRACE_VARIABLE, rows.display().to_string()),
            (recorder::RELEASES_VARIABLE, "1".to_owned()),
        ];
        program.env = environment.map(|(k, v)| (k.to_owned(), v)).into();
        let finished = host::run(&program, &mut |_| {})?;
        let text = recorder::collect(&rows)?;
        std::fs::remove_dir_all(&rows)?;
        if finished.end == ExitReason::Interrupted {
            return Err(BenchError::Interrupted);
        }
        if !finished.succeeded() {
            return Ok(Err(finished.how_and_why()));
        }
        let said = finished.stderr.lines();
        complaint = complaint.or(said
            .filter_map(|l| l.strip_prefix(COMPLAINT))
            .map(str::to_owned)
            .next());
        runs.extend(
            recorder::parse(&text, module)
                .ok()
                .and_then(|t| run(&t, module)),
        );
        let seen = better_half(&mut runs);
        let enough = runs.len() >= RUNS && u128::from(seen.time) >= ENOUGH.as_nanos();
        if enough || begun.elapsed() > longest || (complaint.is_some() && runs.is_empty()) {
            let why = || {
                complaint.unwrap_or_else(|| "it was seen for too short a time: it is over too soon, waits, or other programs had the cores".into())
            };
            let gil_use = GilUse::seen(seen).ok_or_else(why);
            return Ok(gil_use.map(|gil_use| ImportGil { gil_use, seen }));
        }
    }
}

/// What a recorded import tells; `None`: the watch saw nothing of it.
fn run(trace: &Trace, module: &str) -> Option<ImportRun> {
    let class = trace.classes.iter().position(|c| c == module)?;
    let seen = *trace.gil.get(class).filter(|w| w.time > 0)?;
    let spent = |wanted: fn(StepKind) -> bool| -> i64 {
        let rows = trace.rows.iter().filter(|r| wanted(r.kind));
        rows.map(|r| r.end - r.start).sum()
    };
    let (on, all) = (
        spent(|k| k == StepKind::Cpu),
        spent(|k| matches!(k, StepKind::Cpu | StepKind::Blocked)),
    );
    Some(ImportRun {
        seen,
        on_core: on as f64 / all.max(1) as f64,
    })
}

/// What the runs together saw that were least disturbed: a thread that loses its core without the GIL is long without it.
fn better_half(runs: &mut [ImportRun]) -> GilObservation {
    runs.sort_by(|a, b| b.on_core.total_cmp(&a.on_core));
    let mut sum = GilObservation::default();
    let better = runs[..runs.len().div_ceil(2)].iter();
    for ImportRun { seen, .. } in better.filter(|r| r.on_core >= ON_CORE) {
        sum.time += seen.time;
        sum.releases += seen.releases;
        sum.released += seen.released;
    }
    sum
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn undisturbed_imports_count() {
        let run = |releases, on_core| ImportRun {
            seen: GilObservation {
                time: 1_000,
                releases,
                released: 10,
            },
            on_core,
        };
        let mut runs = [run(1, 0.9), run(10, 0.99), run(100, 1.0)];
        let sum = better_half(&mut runs);
        assert_eq!((sum.time, sum.releases, sum.released), (2_000, 110, 20));
        for nothing in [&mut [][..], &mut [run(1, 0.7)]] {
            assert_eq!(better_half(nothing), GilObservation::default());
        }
    }

    #[test]
    fn rows_of_an_import_are_read() {
        let text = r#"{"task": "gil", "class": "m", "kind": "gil", "start": 0, "end": 0.002, "releases": 7, "released": 0.00001}
            {"task": "1", "class": "m", "kind": "cpu", "start": 0, "end": 0.03}
            {"task": "1", "class": "m", "kind": "blocked", "start": 0.03, "end": 0.04}"#;
        let trace = recorder::parse(text, "t").unwrap();
        let run = run(&trace, "m").unwrap();
        assert_eq!((run.seen.time, run.seen.releases), (2_000_000, 7));
        assert!((run.on_core - 0.75).abs() < 1e-9, "{}", run.on_core);
    }
}
