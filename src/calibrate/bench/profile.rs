//! From samples to a profile, with how far each of its parameters can be trusted.

use rayon::prelude::*;

use super::samples::Samples;
use crate::calibrate::{Impossible, derive, derive_all, machine_from};
use crate::cpython::profile::{Build, MachineFacts, PARAMS, Profile, Provenance, Tag};
use crate::engine::Nanos;

/// Groups of samples, one of which is left out at a time, to see how much each parameter depends on them.
const GROUPS: usize = 5;
/// Two calibrations differ by less than this many standard errors in 19 cases of 20: the difference of two has the square
/// root of two times the error of one.
const REPEAT: f64 = 1.96 * std::f64::consts::SQRT_2;
/// Calibrating twice should give the same parameter within this share of it.
const REPEATABLE: f64 = 0.15;
/// Within this, a parameter is good.
const GOOD: f64 = 0.05;
/// A machine that ran so much slower than at its best, in the mean, was too busy.
const BUSY: f64 = 2.0;
/// So was one of whose cores other programs used so large a share.
const OTHERS: f64 = 0.25;
/// So many unreliable parameters, as a share of the measured ones, are too many.
const TOO_MANY: f64 = 0.25;

/// How far a parameter can be trusted.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Quality {
    /// A second calibration will give it within 5 %.
    Good,
    /// Within 15 %.
    Fair,
    /// It may be off by more.
    Unreliable,
    /// Measured once, or a constant of the version: nothing says how it varies.
    Single,
}

/// A parameter's quality.
#[derive(Clone, Debug)]
pub struct Parameter {
    /// Its number in [`PARAMS`].
    pub index: usize,
    /// By what share of its value a second calibration may differ (95 % confidence).
    pub repeats_within: Option<f64>,
    /// The verdict.
    pub quality: Quality,
}

/// What importing a module costs a process.
#[derive(Clone, Debug)]
pub struct ImportCost {
    /// The module.
    pub module: String,
    /// Elapsed time at best speed, in seconds.
    pub wall_s: f64,
    /// CPU time at best speed, in seconds.
    pub cpu_s: f64,
    /// Private memory, in bytes.
    pub memory: f64,
    /// Live container objects.
    pub objects: f64,
}

/// A profile, fresh from the interpreter.
#[derive(Clone, Debug)]
pub struct Calibrated {
    /// The profile, with spreads and provenance.
    pub profile: Profile,
    /// One for every parameter that was measured or derived.
    pub parameters: Vec<Parameter>,
    /// The user's modules.
    pub imports: Vec<ImportCost>,
    /// Benchmarks that failed, and why.
    pub failed: Vec<(String, String)>,
    /// What the machine did to the measurement: sentences that end in what to do. Empty: it can be trusted.
    pub doubts: Vec<String>,
}

/// Derives the profile called `name` from samples; `date` is today in UTC.
pub fn calibrated(samples: &Samples, build: Build, name: &str, date: &str) -> Calibrated {
    let (micro, more) = samples.figures();
    let (mut profile, impossible) = derive_all(&micro, &more, name, 1.0);
    let others: Vec<Profile> = (0..GROUPS)
        .into_par_iter()
        .map(|group| {
            let (micro, more) = samples.without(group, GROUPS).figures();
            derive(&micro, &more, name, 1.0)
        })
        .collect();
    let mut parameters = Vec::new();
    for (index, tag) in profile.tags.clone().into_iter().enumerate() {
        if matches!(tag, Tag::Default | Tag::Absent(_)) {
            continue;
        }
        let value = profile.params.get(index);
        let error = standard_error(others.iter().map(|p| p.params.get(index)));
        // Less than this is rounding: the samples that the parameter depends on were taken once.
        let varied = error > 1e-9 * value;
        if varied {
            let half = 1.96 * error;
            profile.spreads[index] = Some(((value - half).max(0.0), value + half));
        }
        let repeats_within = (varied && value > 0.0).then(|| REPEAT * error / value);
        parameters.push(Parameter {
            index,
            repeats_within,
            quality: match repeats_within {
                None => Quality::Single,
                Some(r) if r <= GOOD => Quality::Good,
                Some(r) if r <= REPEATABLE => Quality::Fair,
                Some(_) => Quality::Unreliable,
            },
        });
    }
    let machine = machine_from(&[(&micro, &more)]);
    let hello = &samples.hello;
    let syscall = samples
        .estimate("getppid_ns")
        .zip(samples.estimate("call_ns"))
        .map_or(machine.syscall, |(with, bare)| {
            Nanos::from_f64((with - bare).max(0.0))
        });
    profile.origin = format!(
        "calibrated on CPython {}, {} rounds, on {date}",
        hello.version, samples.rounds
    );
    profile.provenance = Some(Provenance {
        date: date.into(),
        build,
        machine: MachineFacts {
            system: hello.system.clone(),
            cpu: hello.cpu.clone(),
            cores: hello.cores,
            loop_ns: samples.best_pace(),
            base_slice: machine.base_slice,
            wake_latency: machine.wake_latency,
            wake_send: machine.wake_send,
            wake_cpu: machine.wake_cpu,
            interference: machine.interference,
            pipe_ns_per_byte: machine.pipe_ns_per_byte,
            syscall,
        },
        rounds: samples.rounds,
        slowness: samples.mean_slowness(),
    });
    Calibrated {
        doubts: doubts(samples, &parameters, &impossible),
        imports: imports(samples),
        failed: samples.failed.clone(),
        profile,
        parameters,
    }
}

/// The jackknife's standard error from the values without one group each.
fn standard_error(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let groups = GROUPS as f64;
    let mean = values.clone().sum::<f64>() / groups;
    let squares: f64 = values.map(|v| (v - mean) * (v - mean)).sum();
    ((groups - 1.0) / groups * squares).sqrt()
}

fn imports(samples: &Samples) -> Vec<ImportCost> {
    let figure =
        |what: &str, module: &str| Some(samples.estimate(&format!("{what} {module}"))?.max(0.0));
    samples
        .imported()
        .into_iter()
        .filter_map(|module| {
            Some(ImportCost {
                wall_s: figure("import_ms", &module)? / 1e3,
                cpu_s: figure("import_cpu_ms", &module)? / 1e3,
                memory: figure("import_kb", &module)? * 1024.0,
                objects: figure("import_objects", &module)?,
                module,
            })
        })
        .collect()
}

fn doubts(samples: &Samples, parameters: &[Parameter], impossible: &[Impossible]) -> Vec<String> {
    let mut doubts = Vec::new();
    let slowness = samples.mean_slowness();
    if slowness > BUSY {
        doubts.push(format!(
            "the machine ran {slowness:.1} times slower than at its best: end other programs, or calibrate at a quieter time"
        ));
    }
    let others = samples.mean_others();
    if others > OTHERS {
        doubts.push(format!(
            "other programs used {:.0} % of the cores meanwhile: end them, or calibrate at a quieter time",
            others * 100.0
        ));
    }
    let count = |q: Quality| parameters.iter().filter(|p| p.quality == q).count();
    let (unreliable, measured) = (
        count(Quality::Unreliable),
        parameters.len() - count(Quality::Single),
    );
    if unreliable as f64 > TOO_MANY * measured as f64 {
        doubts.push(format!(
            "{unreliable} of {measured} repeated parameters may differ by more than {:.0} % in a second calibration: measure longer (without --quick), or at a quieter time",
            REPEATABLE * 100.0
        ));
    }
    for i in impossible {
        doubts.push(format!(
            "{} came out as {:.0} ({}), which cannot be, and keeps its default: measure longer, or at a quieter time",
            i.name, i.value, i.how
        ));
    }
    if let Some(limit) = samples.hello.cpu_max.as_deref()
        && !limit.starts_with("max")
    {
        doubts.push(format!(
            "this process may use only part of the CPU (cpu.max is `{limit}`): calibrate outside the container"
        ));
    }
    doubts
}

impl Parameter {
    /// Its name.
    pub fn name(&self) -> &'static str {
        PARAMS[self.index].name
    }
}
