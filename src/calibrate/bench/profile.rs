//! From samples to a profile, with how far each of its parameters can be trusted.

use rayon::prelude::*;

use super::ImportGil;
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
    /// How it deals with the GIL, or why that is not known.
    pub gil: Result<ImportGil, String>,
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
    /// What the machine or the installation did to the measurement: sentences that end in what to do. Empty: it can be trusted.
    pub doubts: Vec<String>,
}

/// Derives the profile called `name` from samples; `date` is today in UTC.
pub fn calibrated(samples: &Samples, build: Build, name: &str, date: &str) -> Calibrated {
    let (micro, more) = samples.figures();
    let (mut profile, impossible) = derive_all(&micro, &more, name, 1.0);
    let again = |samples: &Samples| {
        let (micro, more) = samples.figures();
        derive(&micro, &more, name, 1.0)
    };
    let others: Vec<(Profile, Profile)> = (0..GROUPS)
        .into_par_iter()
        .map(|group| {
            (
                again(&samples.without(group, GROUPS)),
                again(&samples.at_the_speed_of(group, GROUPS)),
            )
        })
        .collect();
    let mut parameters = Vec::new();
    for (index, tag) in profile.tags.clone().into_iter().enumerate() {
        if matches!(tag, Tag::Default | Tag::Absent(_)) {
            continue;
        }
        let value = profile.params.get(index);
        let sampling = standard_error(others.iter().map(|(p, _)| p.params.get(index)));
        // Less than this is rounding: the samples that the parameter depends on were taken once.
        let varied = sampling > 1e-9 * value;
        // Every cost is divided by how much slower than at its best the machine was. The best of another calibration is as far from
        // this one's as the bests of this one's stretches are from each other, and moves all costs together.
        let speed = deviation(others.iter().map(|(_, p)| p.params.get(index)));
        let error = sampling.hypot(speed);
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
            halted_after: machine.halted_after,
            new_idle: samples.new_idle(),
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

/// The standard deviation of one value a group.
fn deviation(values: impl Iterator<Item = f64> + Clone) -> f64 {
    let groups = GROUPS as f64;
    let mean = values.clone().sum::<f64>() / groups;
    let squares: f64 = values.map(|v| (v - mean) * (v - mean)).sum();
    (squares / (groups - 1.0)).sqrt()
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
                gil: samples
                    .gil
                    .get(&module)
                    .cloned()
                    .unwrap_or_else(|| Err("nobody has looked".into())),
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
    let code = &samples.hello.byte_code;
    if code.missing > 0 {
        doubts.push(format!(
            "{} of {} loaded modules of the standard library have no byte code, and it cannot be written: every new process compiles them \
             again, which can double its start. Run `python -m compileall -q {}` as somebody who may write there, and calibrate again",
            code.missing, code.loaded, code.library
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
    pub(crate) fn name(&self) -> &'static str {
        PARAMS[self.index].name
    }
}

#[cfg(test)]
mod tests {
    use super::super::samples::BenchRecord;
    use super::*;

    fn line(json: &str) -> BenchRecord {
        serde_json::from_str(json).expect("a line")
    }

    /// Samples of the reference loop's cost on a machine that has these speeds, one stretch of time after the other.
    fn samples(paces: [f64; 5]) -> Samples {
        let hello = r#"{"kind": "hello", "version": "3.13.0", "free_threaded": false, "compiler": "", "switch_interval_ms": 5.0,
            "gc_threshold": 2000, "methods": [], "system": "", "cpu": "", "cores": 2, "load": null, "base_slice_ns": null,
            "cpu_max": null, "pinned": true}"#;
        let BenchRecord::Hello(hello) = line(hello) else {
            panic!("a greeting")
        };
        let mut samples = Samples::new(hello);
        for (stretch, pace) in (0u32..).zip(paces) {
            for i in 0..20 {
                // Readings and samples differ a little by chance.
                let chance = |salt| f64::from((stretch * 20 + i) * salt % 101) * 1e-5;
                let (read, cost) = (pace * (1.0 + chance(37)), pace * (1.0 + chance(53)));
                let text = format!(
                    r#"{{"kind": "sample", "figures": {{"burn_ns_per_iter": {cost}}}, "pace": [{read}, {read}], "others": 0.0}}"#
                );
                samples.take(line(&text));
            }
        }
        samples
    }

    fn claim(paces: [f64; 5]) -> (f64, f64) {
        let c = calibrated(&samples(paces), Build::default(), "test", "2026-01-01");
        let index = Profile::index("cpu_factor").expect("a parameter");
        let found = c.parameters.iter().find(|p| p.index == index);
        let within = found.and_then(|p| p.repeats_within).expect("it varies");
        (c.profile.params.get(index), within)
    }

    /// A machine whose best speed differs from one stretch to the next may give a second calibration any of them.
    #[test]
    fn what_a_second_calibration_may_give_includes_the_machines_best_speed() {
        let (steady, little) = claim([50.0; 5]);
        assert!(little < 0.01, "{little}");
        let (fast, wide) = claim([50.0, 53.0, 51.0, 53.5, 52.0]);
        assert!((fast / steady - 1.0).abs() < 0.01);
        let (slow, _) = claim([53.5, 53.0, 53.2, 53.5, 53.3]);
        assert!(slow / fast - 1.0 > 0.05);
        assert!(
            wide > slow / fast - 1.0,
            "claims {wide}, differs by {}",
            slow / fast - 1.0
        );
    }
}
