//! Estimates how long the runs will take. The estimate consists of the time that each program's work is forecast to take, of what a program
//! does besides its work, as measured on this interpreter shortly before, and of the forecast's simulations.

use std::time::{Duration, Instant};

use serde::Deserialize;

use super::course::{VerifySettings, best_loop};
use super::forecast::Conditions;
use super::prepare::{LeftOut, Plans, Request};
use super::program::GeneratedProgram;
use super::run::RunError;
use super::serve::ModuleSizes;
use crate::host::{self, ExitReason, Interpreter, Scratch};

/// The estimated time of the runs.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct DurationEstimate {
    /// The time of the longest run in seconds, and its strategy.
    pub longest: (f64, String),
    /// The time of each planned strategy in seconds: all of its runs, and its simulations.
    pub each: Vec<f64>,
}

impl DurationEstimate {
    /// The time of all strategies together, in seconds.
    #[must_use]
    pub(crate) fn all(&self) -> f64 {
        self.each.iter().sum()
    }
}

/// The time that programs spend besides their work, on this interpreter and machine.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Overheads {
    /// Starting the interpreter with what it imports, and ending it, in seconds.
    pub start: f64,
    /// One of the two measurements of the cores' speed, in seconds.
    pub reading: f64,
    /// An iteration of the reference loop, in nanoseconds.
    pub loop_ns: f64,
    /// Reading one byte of the program's text, in nanoseconds.
    pub code_byte: f64,
    /// Reading one byte of its data, in nanoseconds.
    pub data_byte: f64,
    /// The time in seconds in which a program gets one second of a core: more than one where other programs want the cores too.
    pub stretch: f64,
}

/// The figures that the probe prints.
#[derive(Deserialize)]
struct SpeedProbe {
    reading_s: f64,
    loop_ns: f64,
    code_byte_ns: f64,
    data_byte_ns: f64,
    stretch: f64,
    own_s: f64,
}

/// The probe: a program that does nothing but what all programs do.
const PROBE: &str = include_str!("template/probe.py");
/// It takes a tenth of a second: even on a machine that is busy with other things it is not given up before, however short the runs
/// are to be.
const PATIENCE: Duration = Duration::from_secs(5);
/// The first start reads the interpreter from disk, the others are like those of the runs.
const STARTS: usize = 3;

/// What a run of a server takes beside that of a program, in seconds: its imports and the start of its workers, the wait until they rest,
/// two readings of the cores' speed by interpreters of their own, and its end.
const AROUND_SERVER: f64 = 2.5;

impl Overheads {
    /// Usual values, for an interpreter that the probe does not run on.
    pub(crate) const USUAL: Self = Self {
        start: 0.25,
        reading: 0.02,
        loop_ns: 60.0,
        code_byte: 500.0,
        data_byte: 20.0,
        stretch: 1.0,
    };

    /// Measures them by some starts of the interpreter, each of which may take as long as a run (`limit`) at most, or five seconds if that
    /// is more.
    ///
    /// # Errors
    /// Returns an error when the interpreter cannot be run, or the user interrupts.
    pub(crate) fn measure(python: &Interpreter, limit: Duration) -> Result<Self, RunError> {
        let unrunnable = |e: std::io::Error| RunError::Unrunnable(e.to_string());
        let scratch = Scratch::new().map_err(unrunnable)?;
        scratch.put("probe.py", PROBE).map_err(unrunnable)?;
        let mut best: Option<Self> = None;
        let mut stretch = f64::INFINITY;
        for _ in 0..STARTS {
            let mut program = host::Invocation::new(&python.path);
            program.args = vec!["probe.py".into()];
            program.dir = Some(scratch.path());
            program.env = vec![("PYTHONDONTWRITEBYTECODE".into(), "1".into())];
            program.limit = limit.max(PATIENCE);
            let mut answer = None;
            let begun = Instant::now();
            let finished = host::run(&program, &mut |line| answer = Some(line.to_owned()))
                .map_err(|e| RunError::Unrunnable(e.to_string()))?;
            let wall = begun.elapsed().as_secs_f64();
            if finished.end == ExitReason::Interrupted {
                return Err(RunError::Interrupted);
            }
            let probed = answer
                .filter(|_| finished.succeeded())
                .and_then(|a| serde_json::from_str::<SpeedProbe>(&a).ok());
            let Some(p) = probed else {
                return Err(RunError::Crashed {
                    how: finished.how(),
                    said: finished.stderr.trim_end().to_owned(),
                });
            };
            let this = Self {
                start: (wall - p.own_s).max(0.0),
                reading: p.reading_s,
                loop_ns: p.loop_ns,
                code_byte: p.code_byte_ns,
                data_byte: p.data_byte_ns,
                stretch: 1.0,
            };
            stretch = stretch.min(p.stretch.clamp(1.0, 100.0));
            if best.is_none_or(|b| this.start < b.start) {
                best = Some(this);
            }
        }
        let best = best.ok_or_else(|| RunError::Garbage("it printed nothing".into()))?;
        Ok(Self { stretch, ..best })
    }

    /// The time of a run from its start to its end, in seconds. Its work takes `work` seconds on cores of its own, and `cpu` of them on
    /// some core.
    #[must_use]
    pub(crate) fn run(&self, program: &GeneratedProgram, imports: f64, work: f64, cpu: f64) -> f64 {
        let bytes = |n: usize| n as f64 / 1e9;
        let data = program.data.as_ref().map_or(0, String::len);
        let read = bytes(program.text.len()) * self.code_byte + bytes(data) * self.data_byte;
        // Work that runs on several cores at once is slowed down on all of them at the same time.
        let waits = (self.stretch - 1.0) * (cpu.min(work) + imports);
        self.start + 2.0 * self.reading + read + imports + work + waits
    }
}

/// Forecasts how long the runs take. Strategies that cannot be forecast are taken out of the plan, with the reason.
pub(crate) fn estimate(
    request: &Request<'_>,
    plans: &mut Plans,
    settings: &VerifySettings,
    overheads: &Overheads,
    simulate: &super::SimulateSameDemands<'_>,
) -> DurationEstimate {
    let conditions = Conditions {
        slowness: (overheads.loop_ns / best_loop(request).max(1.0)).clamp(0.2, 20.0),
        modules: ModuleSizes::default(),
    };
    let imports = plans.workload.imports.time.as_secs_f64();
    let mut estimate = DurationEstimate::default();
    for planned in std::mem::take(&mut plans.planned) {
        let forecaster = planned.forecaster(request, plans, conditions);
        let begun = Instant::now();
        match forecaster.simulate(0, simulate) {
            Ok(run) => {
                let simulation = begun.elapsed().as_secs_f64();
                let around = planned
                    .program
                    .served
                    .as_ref()
                    .map_or(0.0, |_| AROUND_SERVER);
                let seconds =
                    around + overheads.run(&planned.program, imports, run.closed, run.cpu);
                if seconds > estimate.longest.0 {
                    estimate.longest = (seconds, planned.label.clone());
                }
                // One more run is needed to sample memory.
                let runs = f64::from(settings.runs + 1) * seconds;
                let simulations = f64::from(settings.replications.max(1)) * simulation;
                estimate.each.push(runs + simulations);
                plans.planned.push(planned);
            }
            Err(why) => plans.left_out.push(LeftOut {
                label: planned.label,
                why: why.to_string(),
            }),
        }
    }
    estimate
}

#[cfg(test)]
mod tests {
    use super::super::program::generate;
    use super::super::{ProgramSpec, prepare, simulate_same_demands};
    use super::*;
    use crate::cpython::profile::Profile;
    use crate::scenario::{MachineSpec, Scenario};
    use crate::syntax::{parse, parse_strategy};

    const OVERHEADS: Overheads = Overheads {
        start: 0.5,
        reading: 0.25,
        loop_ns: 60.0,
        code_byte: 1000.0,
        data_byte: 100.0,
        stretch: 1.0,
    };

    fn scenario(imports: &str) -> Scenario {
        let text = format!(
            r#"(schema: 1, name: "e", machine: (cores: 2), workload: (arrivals: Batch, {imports}
                tasks: [(name: "t", count: 10, steps: [Io("100ms")])]), strategies: [Sequential, Threads(workers: 5)])"#
        );
        parse(&text, std::path::Path::new("e.ron"), &[]).unwrap()
    }

    #[test]
    fn everything_that_a_run_does_counts() {
        let s = scenario("");
        let strategy = parse_strategy("sequential").unwrap().strategy;
        let mut program = generate(&ProgramSpec {
            name: &s.name,
            question: "",
            workload: &s.workload,
            strategy: &strategy,
            cpu_factor: 1.0,
            cores: None,
            seed: 1,
            across: &[],
            command: "",
            notes: &[],
        })
        .unwrap();
        program.text = "x".repeat(1_000_000);
        program.data = Some("y".repeat(2_000_000));
        // Start, two readings, 1 s of code, 0.2 s of data, imports and work.
        let seconds = OVERHEADS.run(&program, 3.0, 10.0, 4.0);
        assert!(
            (seconds - (0.5 + 0.5 + 1.0 + 0.2 + 3.0 + 10.0)).abs() < 1e-9,
            "{seconds}"
        );
        // Others want the cores: computing takes twice as long, waiting does not.
        let shared = Overheads {
            stretch: 2.0,
            ..OVERHEADS
        };
        assert!((shared.run(&program, 3.0, 10.0, 4.0) - seconds - 7.0).abs() < 1e-9);
        assert!((shared.run(&program, 0.0, 10.0, 40.0) - seconds - 7.0).abs() < 1e-9);
    }

    #[test]
    fn all_runs_of_all_programs_count() {
        let estimated = |imports: &str, runs: u32| {
            let s = scenario(imports);
            let profile = Profile::default();
            let machine = MachineSpec::with_cores(2);
            let request = Request {
                scenario: &s,
                interpreter: None,
                profile: &profile,
                machine: &machine,
                cores: None,
                scale: 1.0,
                command: "",
            };
            let mut plans = prepare(&request, &simulate_same_demands).unwrap();
            let settings = VerifySettings {
                runs,
                limit: Duration::from_secs(60),
                replications: 1,
                server: None,
            };
            estimate(
                &request,
                &mut plans,
                &settings,
                &OVERHEADS,
                &simulate_same_demands,
            )
        };
        // 1 s one after another, 0.2 s five at a time; start and readings 1 s, a second or so of code: 4 times each.
        let e = estimated("", 3);
        assert_eq!(e.each.len(), 2);
        let code = |seconds: f64, work: f64| seconds / 4.0 - 1.0 - work;
        let (sequential, threads) = (code(e.each[0], 1.0), code(e.each[1], 0.2));
        assert!((0.001..0.2).contains(&sequential), "{e:?}");
        assert!((sequential - threads).abs() < 0.05, "{e:?}");
        assert_eq!(e.longest.1, "sequential");
        assert!((e.all() - e.each.iter().sum::<f64>()).abs() < 1e-9);
        // Twice as many runs, twice as long, but for the simulations.
        let twice = estimated("", 7).all() / e.all();
        assert!((1.98..2.02).contains(&twice), "{twice}");
        // Imports are made before the work, in each run of each program.
        let more = estimated("imports: (time: \"2s\", memory: \"1MB\"),", 3).all() - e.all();
        assert!((15.8..16.4).contains(&more), "{more}");
    }
}
