//! `pchsim verify`: turns a scenario into Python programs, runs them, and compares the measurements with the forecast.

use std::path::{Path, PathBuf};
use std::time::Duration;

use anyhow::Context as _;
use clap::{Args as ClapArgs, ValueEnum, ValueHint};

use super::candidates;
use super::files::{Files, OutputFile, called};
use super::format::{Endings, format};
use super::selection::{ScenarioSource, find_profile};
use super::values::{integer, lasting, limited, seed};
use super::words::{quoted, rough};
use super::{Exit, Printer, UserError};
use crate::cpython::profile::Profile;
use crate::host::{self, HostError, Interpreter};
use crate::measure::Estimate;
use crate::plan::{Plan, load_text, on_one_machine};
use crate::profiles::{self, for_workload, found};
use crate::quantity::metric_text;
use crate::scenario::limits::MAX_CORES;
use crate::scenario::{Arrivals, MachineSpec, Metric, Objective, Scenario, Workload};
use crate::syntax::{Changes, parse_objective};
use crate::verify::limits::{ErrorLimits, explain};
use crate::verify::{
    self, DurationEstimate, LeftOut, Overheads, Planned, Plans, Request, RunError, ServerHome,
    VenvError, Verification, VerifySettings, estimate, machine, prepare, simulate_same_demands,
};

/// How a result is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub(crate) enum Format {
    /// For people.
    Text,
    /// Everything, for programs.
    Json,
    /// For issues and documents.
    Markdown,
}

/// By which names of files they are known.
const ENDINGS: &Endings<Format> = &[
    ("json", Format::Json),
    ("md", Format::Markdown),
    ("txt", Format::Text),
];

/// Turns a scenario into Python programs, runs them, and holds the forecast against what happened.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim verify scraper --scale 0.05
  pchsim verify my.ron --python 3.13 --strategy threads:8 --strategy asyncio
  pchsim verify my.ron --emit benchmarks
  pchsim verify --plan output/plan.json --at 0.8
  pchsim verify api --strategy uvicorn:2 --strategy gunicorn:2:gthread:8 --set workload.arrivals.count=600

With --emit the programs are written and not run: readable benchmarks to put your own functions into.
A strategy that is a server is the real one, with an application made from the scenario, on a free port of 127.0.0.1, asked by a client of ours.
The servers are installed once, at fixed versions, into a virtual environment in your cache directory, or in that of --venv.

Exit codes: 0 done, 1 no strategy could be measured, 2 bad usage or scenario, 4 --strict and a limit exceeded or the machine too busy, 130 interrupted.")]
pub(crate) struct Args {
    /// Name of a shipped scenario, a file, or - for standard input
    #[arg(add = candidates::scenario(), required_unless_present = "plan")]
    pub scenario: Option<String>,

    /// Verify one machine of this plan (what `pchsim plan -o FILE.json` wrote) under its share of the load, scaled to the cores that are here
    #[arg(long, value_name = "FILE", value_hint = ValueHint::FilePath, conflicts_with_all = ["scenario", "strategy", "set", "seed"])]
    pub plan: Option<PathBuf>,
    /// Verify the plan at this multiple of its maximum load, for example 0.8 [default: at the load that it was made for]
    #[arg(long, value_name = "FACTOR", requires = "plan", value_parser = multiple)]
    pub at: Option<f64>,

    /// Run on this Python: a path, a command, or a version such as 3.13 or 3.14t (repeatable) [default: python3]
    #[arg(long, value_name = "NAME_OR_PATH", value_hint = ValueHint::AnyPath)]
    pub python: Vec<String>,
    /// Forecast with this interpreter profile [default: one that was calibrated for this version and is found here, else the
    /// shipped one that is nearest in version]
    #[arg(long, value_name = "NAME_OR_FILE", add = candidates::profile())]
    pub profile: Option<String>,
    /// Verify this strategy (repeatable; instead of the scenario's own); forms as in `pchsim run`
    #[arg(long, value_name = "STRATEGY", add = candidates::strategy())]
    pub strategy: Vec<String>,
    /// Multiply the workload's times (steps, arrivals, thinking) by this; overheads stay what they are
    #[arg(long, value_name = "FACTOR", default_value = "1", value_parser = scale)]
    pub scale: f64,
    /// Timed runs of each strategy; one more measures memory
    #[arg(long, value_name = "N", default_value_t = 3, value_parser = integer::<u32>(1..=1000, "5"))]
    pub runs: u32,
    /// The longest that a single run may take before it is ended
    #[arg(long, value_name = "TIME", default_value = "60s", value_parser = lasting)]
    pub limit: Duration,
    /// Start servers from this virtual environment, which is made if it is not there [default: one for each Python in the user's cache
    /// directory]
    #[arg(long, value_name = "DIR", value_hint = ValueHint::DirPath)]
    pub venv: Option<PathBuf>,
    /// Use this many cores: the programs confine themselves to them (Linux) [default: all]
    #[arg(long, value_name = "N", value_parser = limited("MAX_CORES", MAX_CORES, "8"))]
    pub cores: Option<u32>,
    /// Override a field of the scenario (repeatable), for example workload.tasks.page.count=10
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::check::parse_set)]
    pub set: Vec<(String, String)>,
    /// Master seed [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = seed)]
    pub seed: Option<u64>,

    /// Write the programs to this directory, and run nothing
    #[arg(long, value_name = "DIR", help_heading = "Output", conflicts_with_all = ["output", "format"])]
    pub emit: Option<PathBuf>,
    /// How the result is written [default: by the name of the output file, or text]
    #[arg(long, value_enum, help_heading = "Output")]
    pub format: Option<Format>,
    /// Write the result to this file (.json, .md, .txt) instead of standard output (-)
    #[arg(short, long, value_name = "FILE", help_heading = "Output")]
    pub output: Option<PathBuf>,
    /// Replace files that exist
    #[arg(long, help_heading = "Output")]
    pub force: bool,
    /// Fail (exit code 4) if errors exceed their limits, the ranking is wrong, a run fails, or the machine is too busy to tell
    #[arg(long, help_heading = "Checks")]
    pub strict: bool,
    /// What the errors may be: METRIC=MEDIAN/P90/WORST in percent, separated by commas, or a row of the built-in table; as for `pchsim validate`
    /// [default: other]
    #[arg(long, value_name = "LIMITS", value_parser = limits, help_heading = "Checks")]
    pub limits: Option<ErrorLimits>,
}

/// A user's machine is not the one that the model was developed on.
fn limits(text: &str) -> Result<ErrorLimits, String> {
    ErrorLimits::parse(text, ErrorLimits::OTHER)
}

fn multiple(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(x) if x > 0.0 && x <= 100.0 => Ok(x),
        _ => Err("write a factor above 0 and up to 100: 0.8 is 80% of the maximum load".into()),
    }
}

fn scale(text: &str) -> Result<f64, String> {
    match text.trim().parse::<f64>() {
        Ok(x) if (1e-6..=1e6).contains(&x) => Ok(x),
        _ => Err(
            "write a factor from 0.000001 to 1 000 000: 0.1 makes every time of the workload a tenth"
                .into(),
        ),
    }
}

/// An interpreter (or, for programs that are only written, none) and its profile.
struct VerifyTarget {
    python: Option<Interpreter>,
    profile: Profile,
    notes: Vec<String>,
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// The scenario is not valid or cannot be verified, there is no such interpreter, its programs fail, or an output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let format = format(args.format, args.output.as_deref(), ENDINGS, Format::Text)?;
    let mut files = Files::new(args.force);
    let changes = Changes {
        set: args.set.clone(),
        strategies: args.strategy.clone(),
        seed: args.seed,
        ..Changes::default()
    };
    // It asks for no interpreters, so that no strategy is moved to one.
    let (scenario, planned) = match (&args.plan, &args.scenario) {
        (Some(path), _) => {
            let planned = PlannedMachine::read(path, args, &mut files)?;
            (planned.scenario.clone(), Some(planned))
        }
        (None, name) => {
            let name = name.as_deref().unwrap_or_default();
            (
                ScenarioSource::read(name)?
                    .scenario(&changes, &mut files)?
                    .0,
                None,
            )
        }
    };
    // A machine of the plan has so many cores, and no more.
    let args = &planned.as_ref().map_or_else(
        || args.clone(),
        |p| Args {
            cores: Some(p.cores),
            ..args.clone()
        },
    );
    if let Some(name) = &args.profile {
        profiles::files(name).iter().for_each(|f| files.reads(f));
    }
    let available = machine::cores();
    if args.cores.is_some_and(|n| n > available) && args.emit.is_none() {
        return Err(UserError::new(format!(
            "--cores {} is more than the {available} that this machine has for us; `pchsim run` simulates any number",
            args.cores.unwrap_or_default()
        ))
        .into());
    }
    host::watch_interrupts();
    let command = command(args);
    if let Some(dir) = &args.emit {
        return emit(args, &scenario, dir, &mut files, &command, printer);
    }
    // Before the work, not after it.
    let output = files.optional(args.output.as_deref())?;
    let Some(result) = measure(args, &scenario, &command, printer)? else {
        return Ok(Exit::Interrupted as u8);
    };
    write(format, output.as_ref(), printer, &result)?;
    if let Some(planned) = &planned {
        let said = planned.says(&result);
        // Beside a document for programs it is no part of the result.
        if format == Format::Text && output.is_none() {
            printer.result(&said)?;
        } else {
            said.lines().for_each(|l| printer.hint(l));
        }
    }
    Ok(exit_code(args, &result, printer) as u8)
}

/// The command that makes the same programs.
fn command(args: &Args) -> String {
    let mut words = vec!["pchsim verify".to_owned()];
    words.extend(args.scenario.iter().map(|s| quoted(s)));
    if let Some(plan) = &args.plan {
        words.push(format!("--plan {}", quoted(&plan.display().to_string())));
    }
    if let Some(at) = args.at {
        words.push(format!("--at {at}"));
    }
    for p in &args.python {
        words.push(format!("--python {}", quoted(p)));
    }
    for s in &args.strategy {
        words.push(format!("--strategy {}", quoted(s)));
    }
    if args.scale != 1.0 {
        words.push(format!("--scale {}", args.scale));
    }
    if let Some(n) = args.cores {
        words.push(format!("--cores {n}"));
    }
    for (path, value) in &args.set {
        words.push(format!("--set {}", quoted(&format!("{path}={value}"))));
    }
    if let Some(seed) = args.seed {
        words.push(format!("--seed {seed}"));
    }
    if let Some(profile) = &args.profile {
        words.push(format!("--profile {}", quoted(profile)));
    }
    words.push("--emit DIR".into());
    words.join(" ")
}

/// One machine of a plan, as it can be had here.
struct PlannedMachine {
    scenario: Scenario,
    objectives: Vec<Objective>,
    /// Which load is asked of it, in words.
    load: String,
    /// How many cores it has here.
    cores: u32,
}

impl PlannedMachine {
    fn read(path: &Path, args: &Args, files: &mut Files) -> anyhow::Result<Self> {
        files.reads(path);
        let (name, text) = super::report::text_of(path)?;
        let wrong = |what: String| anyhow::Error::from(UserError::new(what));
        let plan: Plan = serde_json::from_str(&text).map_err(|e| {
            wrong(format!(
                "{name} is no plan of `pchsim plan -o FILE.json`: {e}"
            ))
        })?;
        let source = &plan.source;
        let changes = Changes {
            set: source.set.clone(),
            cores: None,
            interpreters: source.interpreters.clone(),
            strategies: source.strategies.clone(),
            seed: Some(plan.seed),
        };
        let origin = Path::new(&source.name);
        let read = ScenarioSource::handed(source.text.clone(), &source.name, origin);
        let (scenario, _) = read.scenario(&changes, files)?;
        let load = match (args.at, &plan.maximum_load) {
            (None, _) => plan.asked.load,
            (Some(at), Some(most)) => at * most.held,
            (Some(_), None) => {
                return Err(wrong(format!(
                    "{name} states no maximum load, of which --at would be a multiple"
                )));
            }
        };
        let cores = args.cores.unwrap_or_else(machine::cores);
        let Some((one, share)) = on_one_machine(&plan, &scenario, cores, load) else {
            return Err(wrong(format!(
                "{name} holds no plan that could be verified: nothing bears its load"
            )));
        };
        let d = plan.plan.as_ref();
        let (machines, cpus) = d.map_or((1, 1), |d| (d.machines, d.machine.cpus));
        let here = if cores < cpus {
            format!(", scaled from its {cpus} CPUs to {cores}")
        } else {
            String::new()
        };
        let unit = plan.unit();
        Ok(Self {
            scenario: one,
            cores: cpus.min(cores).max(1),
            objectives: plan
                .asked
                .objectives
                .iter()
                .filter_map(|o| parse_objective(o).ok())
                .collect(),
            load: format!(
                "One of {machines} machines{here}: {} of the {} of all",
                load_text(share, unit),
                load_text(load, unit)
            ),
        })
    }

    /// The objectives as measured and as forecast, one in a line.
    fn says(&self, result: &Verification) -> String {
        let mut lines = vec![format!("{}.", self.load)];
        for v in &result.verified {
            for o in &self.objectives {
                let held = match o.metric {
                    Metric::Percentile(p) => v.latencies.percentile(p / 100.0),
                    Metric::MeanLatency => v.latencies.mean(),
                    Metric::Memory => v.metrics[3],
                    Metric::FailureRate => None,
                    Metric::Makespan | Metric::Throughput | Metric::Worst(_) | Metric::Cpu => {
                        lines.push(format!("  {}: not compared here", o.text));
                        continue;
                    }
                };
                let (measured, forecast) = match held {
                    Some(h) => (h.measured, h.forecast),
                    None if o.metric == Metric::FailureRate => {
                        let tasks = self.scenario.workload.arrivals.given_count();
                        let share = |n: f64| n / tasks.unwrap_or(0).max(1) as f64;
                        (share(v.failed.0), share(v.failed.1))
                    }
                    None => {
                        lines.push(format!("  {}: nothing was measured", o.text));
                        continue;
                    }
                };
                let judge = |value: f64| {
                    let held = if o.below {
                        value < o.bound
                    } else {
                        value > o.bound
                    };
                    let text = metric_text(o.metric, Estimate::new(value, None, value, 1));
                    format!("{text}, {}", if held { "held" } else { "missed" })
                };
                lines.push(format!(
                    "  {}: measured {}; forecast {}",
                    o.text,
                    judge(measured),
                    judge(forecast)
                ));
            }
        }
        lines.join("\n") + "\n"
    }
}

/// The interpreters that were asked for, and their profiles.
fn targets(args: &Args, workload: &Workload) -> anyhow::Result<Vec<VerifyTarget>> {
    let found = if args.python.is_empty() {
        vec![host::default()]
    } else {
        args.python.iter().map(|p| host::find(p)).collect()
    };
    found
        .into_iter()
        .map(|python| {
            let python = python.map_err(|e| UserError::new(e.to_string()))?;
            target(args, workload, Some(python))
        })
        .collect()
}

fn target(
    args: &Args,
    workload: &Workload,
    python: Option<Interpreter>,
) -> anyhow::Result<VerifyTarget> {
    let mut notes = Vec::new();
    let profile = match (&args.profile, &python) {
        (Some(name), _) => {
            let profile = find_profile(name)?;
            if let Some(python) = &python
                && (profile.minor != python.minor || profile.gil != python.gil)
            {
                notes.push(format!(
                    "profile {} is for another interpreter than CPython {}",
                    profile.name, python.version
                ));
            }
            profile
        }
        (None, Some(python)) => {
            let (profile, own) = for_python(python);
            if let Some(path) = own {
                notes.push(format!(
                    "forecast with your profile {} ({}, {}); `pchsim verify --profile` names another",
                    profile.name,
                    path.display(),
                    profile.origin
                ));
            } else {
                notes.push(format!(
                    "profile {} was not calibrated on this machine and interpreter (CPython {}{}); calibrate one for better \
                     forecasts, and name it with `pchsim verify --profile`",
                    profile.name,
                    python.version,
                    if python.gil { "" } else { ", free-threaded" },
                ));
            }
            profile
        }
        (None, None) => find_profile("cpython-3.14")?,
    };
    Ok(VerifyTarget {
        python,
        profile: for_workload(profile, workload, find_profile)?,
        notes,
    })
}

/// The user's own profile of this very version, if one lies about; else the shipped one that is nearest in version, of those
/// with or without a GIL. The file of the user's own.
fn for_python(python: &Interpreter) -> (Profile, Option<PathBuf>) {
    let shipped = profiles::shipped();
    let (found, _) = found::found();
    let own = found.into_iter().find(|f| {
        let p = &f.profile;
        p.version == python.version
            && p.gil == python.gil
            && shipped.iter().all(|s| s.name != p.name)
    });
    if let Some(own) = own {
        return (own.profile, Some(own.path));
    }
    let nearest = profiles::nearest(python.minor, python.gil);
    (nearest.unwrap_or_default(), None)
}

fn request<'a>(
    args: &Args,
    scenario: &'a Scenario,
    target: &'a VerifyTarget,
    machine: &'a MachineSpec,
    command: &'a str,
) -> Request<'a> {
    Request {
        scenario,
        interpreter: target.python.as_ref(),
        profile: &target.profile,
        machine,
        cores: args.cores,
        scale: args.scale,
        command,
    }
}

fn machine_of(args: &Args, target: &VerifyTarget) -> MachineSpec {
    let cores = args.cores.unwrap_or_else(machine::cores);
    let minor = target
        .python
        .as_ref()
        .map_or(target.profile.minor, |p| p.minor);
    target.profile.machine(&machine::machine(cores, minor))
}

/// Complains before the work of what would be in the way of programs that are made of this scenario: for which strategies is not known yet,
/// so of any that are called as they will be.
///
/// # Errors
/// The directory cannot be read, or has such a file.
pub(super) fn check_folder(dir: &Path, scenario: &str, files: &Files) -> anyhow::Result<()> {
    if !dir.is_dir() {
        return Ok(());
    }
    let prefix = verify::file_prefix(scenario);
    let entries = std::fs::read_dir(dir).with_context(|| format!("cannot read {}", called(dir)))?;
    let mut names: Vec<PathBuf> = entries.flatten().map(|e| e.path()).collect();
    names.sort();
    for path in names {
        let ending = path.extension().unwrap_or_default();
        let ours = ["py", "json", "jsonl"].iter().any(|e| ending == *e);
        let name = path.file_name().unwrap_or_default().to_string_lossy();
        if ours && name.starts_with(&prefix) {
            files.would_refuse(&path)?;
        }
    }
    Ok(())
}

/// Writes the programs.
fn emit(
    args: &Args,
    scenario: &Scenario,
    dir: &Path,
    files: &mut Files,
    command: &str,
    printer: &Printer,
) -> anyhow::Result<u8> {
    Files::folder(dir)?;
    let asked = match args.python.first() {
        Some(_) => targets(args, &scenario.workload)?.into_iter().next(),
        None => None,
    };
    // Programs can be written without a Python: for the one that `python3` would be, if there is one.
    let target = match asked {
        Some(asked) => asked,
        None => target(args, &scenario.workload, None)?,
    };
    let machine = machine_of(args, &target);
    let request = request(args, scenario, &target, &machine, command);
    let plans =
        prepare(&request, &simulate_same_demands).map_err(|e| UserError::new(e.to_string()))?;
    if plans.planned.is_empty() {
        left_out(&plans, printer);
        return Err(UserError::new("none of the strategies can be turned into a program").into());
    }
    let mut texts: Vec<(PathBuf, &str)> = Vec::new();
    for (name, text) in plans.planned.iter().flat_map(|p| p.program.files()) {
        let path = dir.join(name);
        if !texts.iter().any(|(p, _)| *p == path) {
            texts.push((path, text));
        }
    }
    files.fill_folder(dir)?;
    // All of them before the first is written.
    let outputs = texts
        .iter()
        .map(|(path, _)| files.output(path))
        .collect::<anyhow::Result<Vec<OutputFile>>>()?;
    for (output, (_, text)) in outputs.iter().zip(&texts) {
        output.write(text, printer)?;
    }
    left_out(&plans, printer);
    for planned in &plans.planned {
        for note in &planned.program.notes {
            printer.hint(&format!("note: {}: {note}", planned.label));
        }
    }
    let names: Vec<_> = plans
        .planned
        .iter()
        .map(|p| format!("{}\n", dir.join(format!("{}.py", p.program.stem)).display()))
        .collect();
    printer.result(&names.concat())?;
    Ok(Exit::Done as u8)
}

fn left_out(plans: &Plans, printer: &Printer) {
    for l in &plans.left_out {
        printer.warn(&format!("left out {}: {}", l.label, l.why));
    }
}

/// One interpreter's part of the work.
struct VerifyJob<'a> {
    target: &'a VerifyTarget,
    python: &'a Interpreter,
    machine: MachineSpec,
    plans: Plans,
    expected: DurationEstimate,
    /// Where its servers are started from; nothing where it has none.
    home: Option<ServerHome>,
}

/// The environment for the servers of a plan; none if it has no servers. Where none can be had they are left out, with the reason.
///
/// # Errors
/// The user interrupts.
fn server_home(
    args: &Args,
    python: &Interpreter,
    plans: &mut Plans,
    printer: &Printer,
) -> Result<Option<ServerHome>, HostError> {
    if plans.planned.iter().all(|p| p.program.served.is_none()) {
        return Ok(None);
    }
    match verify::ready(python, args.venv.as_deref(), &|what| printer.hint(what)) {
        Ok(home) => Ok(Some(home)),
        Err(VenvError::Host(HostError::Interrupted)) => Err(HostError::Interrupted),
        Err(why) => {
            let (served, planned): (Vec<_>, Vec<_>) = std::mem::take(&mut plans.planned)
                .into_iter()
                .partition(|p| p.program.served.is_some());
            plans.planned = planned;
            let out = |p: Planned| LeftOut {
                label: p.label,
                why: why.to_string(),
            };
            plans.left_out.extend(served.into_iter().map(out));
            Ok(None)
        }
    }
}

/// Runs the programs, and compares; `None`: interrupted.
fn measure(
    args: &Args,
    scenario: &Scenario,
    command: &str,
    printer: &Printer,
) -> anyhow::Result<Option<Verification>> {
    let targets = targets(args, &scenario.workload)?;
    let settings = VerifySettings {
        runs: args.runs,
        limit: args.limit,
        replications: 7,
        server: None,
    };
    // All that may be refused is looked at before the first program runs.
    let mut parts = Vec::new();
    for target in &targets {
        let Some(python) = &target.python else {
            continue;
        };
        let overheads = match Overheads::measure(python, args.limit) {
            Ok(overheads) => overheads,
            Err(RunError::Interrupted) => return Ok(interrupted(printer)),
            // Whether it can run the programs themselves is seen with the first of them.
            Err(_) => Overheads::USUAL,
        };
        let machine = machine_of(args, target);
        let request = request(args, scenario, target, &machine, command);
        let mut plans =
            prepare(&request, &simulate_same_demands).map_err(|e| UserError::new(e.to_string()))?;
        let Ok(home) = server_home(args, python, &mut plans, printer) else {
            return Ok(interrupted(printer));
        };
        let expected = estimate(
            &request,
            &mut plans,
            &settings,
            &overheads,
            &simulate_same_demands,
        );
        refuse_long(args, &expected)?;
        parts.push(VerifyJob {
            target,
            python,
            machine,
            plans,
            expected,
            home,
        });
    }
    let mut result = Verification {
        scenario: scenario.name.clone(),
        scale: args.scale,
        runs: args.runs,
        cores: args.cores.unwrap_or_else(machine::cores) as usize,
        timed: matches!(
            scenario.workload.arrivals,
            Arrivals::Open { .. } | Arrivals::Varying { .. } | Arrivals::Trace(_)
        ),
        limits: args.limits.unwrap_or(ErrorLimits::OTHER),
        pythons: Vec::new(),
        verified: Vec::new(),
        failures: Vec::new(),
        left_out: Vec::new(),
        notes: Vec::new(),
    };
    for part in &parts {
        let (target, python, plans) = (part.target, part.python, &part.plans);
        let request = request(args, scenario, target, &part.machine, command);
        let programs = plans.planned.len();
        if programs > 0 {
            printer.hint(&format!(
            "running {programs} {}, {} for time and one for memory each, on CPython {} ({}), about {} in all",
            if programs == 1 { "program" } else { "programs" },
            if args.runs == 1 { "one run".into() } else { format!("{} runs", args.runs) },
            python.version,
            python.path.display(),
            rough(part.expected.all()),
        ));
        }
        result.pythons.push((
            python.version.clone(),
            python.path.display().to_string(),
            target.profile.name.clone(),
        ));
        let of_home = part.home.iter().flat_map(|home| &home.notes);
        for note in target.notes.iter().chain(&plans.notes).chain(of_home) {
            if !result.notes.contains(note) {
                result.notes.push(note.clone());
            }
        }
        let left_out = plans.left_out.clone();
        result.left_out.extend(left_out);
        let bar = printer.measuring(&python.tag());
        let settings = VerifySettings {
            server: part.home.clone(),
            ..settings.clone()
        };
        let ran = verify::verify(
            &request,
            python,
            plans,
            (&settings, &part.expected),
            &simulate_same_demands,
            &|what, share| bar.show(what, share),
            &mut result,
        );
        bar.finish();
        match ran {
            Ok(()) => {}
            Err(RunError::Interrupted) => return Ok(interrupted(printer)),
            Err(e) => return Err(e.into()),
        }
    }
    Ok(Some(result))
}

fn interrupted(printer: &Printer) -> Option<Verification> {
    printer.warn("interrupted: the strategies that were measured are not reported");
    None
}

/// Runs that would be ended at their limit are not begun.
fn refuse_long(args: &Args, expected: &DurationEstimate) -> anyhow::Result<()> {
    let limit = args.limit.as_secs_f64();
    let (longest, label) = &expected.longest;
    if *longest <= limit {
        return Ok(());
    }
    // A little below the limit, to one digit.
    let wanted = args.scale * limit * 0.7 / longest;
    let digit = 10f64.powf(wanted.log10().floor());
    let suggested = (wanted / digit).floor().max(1.0) * digit;
    Err(UserError::new(format!(
        "a run of {label} would take about {}, longer than the limit of {}; shorten the workload with --scale {}, or allow more \
         with --limit {}s",
        rough(*longest),
        rough(limit),
        (suggested * 1e9).round() / 1e9,
        (longest * 1.5).ceil(),
    ))
    .into())
}

fn write(
    format: Format,
    output: Option<&OutputFile>,
    printer: &Printer,
    result: &Verification,
) -> anyhow::Result<()> {
    let text = match format {
        Format::Text => verify::text(result, printer.style(false, output.is_some())),
        Format::Json => verify::json(result),
        Format::Markdown => verify::markdown(result),
    };
    match output {
        Some(file) => file.write(&text, printer),
        None => printer.result(&text),
    }
}

fn exit_code(args: &Args, result: &Verification, printer: &Printer) -> Exit {
    if result.verified.is_empty() {
        Exit::Unexpected
    } else if args.strict && !result.sound() {
        say_unsound(result, printer);
        Exit::Untrusted
    } else {
        Exit::Done
    }
}

/// Why `--strict` fails.
fn say_unsound(result: &Verification, printer: &Printer) {
    let excesses = result.excesses();
    if !excesses.is_empty() {
        let strategies = |metric: usize| {
            result.verified.iter().filter_map(move |v| {
                let held = v.metrics[metric].as_ref()?;
                Some((format!("{} on {}", v.label, v.python), held))
            })
        };
        printer.error(&format!(
            "error: forecasts are further off than their limits allow (--limits)\n{}",
            explain(&excesses, strategies).trim_end()
        ));
    }
    if !result.failures.is_empty() {
        printer.error("error: not every strategy could be measured");
    }
    if result.noisy() {
        printer.error("error: the machine was too busy to tell; verify again when it is quiet");
    }
}
