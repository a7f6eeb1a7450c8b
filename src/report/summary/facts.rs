//! What a result rests on: interpreters, machine, seed, precision, versions.

use crate::engine::Nanos;
use crate::insight::metric::written;
use crate::quantity::{bytes, counted, digits, percent};
use crate::result::{
    Generator, InterpreterInfo, MachineInfo, Measurement, ScenarioName, Study, SweepHeader,
};
use crate::scenario::{RequestHandling, Server, Strategy};
use crate::study::sweep::is_cores;
use crate::syntax::capital;

type FactRows = Vec<(String, Vec<String>)>;

fn fact(name: &str, values: impl IntoIterator<Item = String>) -> (String, Vec<String>) {
    (name.into(), values.into_iter().collect())
}

pub(super) fn of_run(run: &Study) -> FactRows {
    let mut all = interpreters(run);
    all.push(fact("Simulated machine", [machine(&run.machine)]));
    let lines = command_lines(run);
    if !lines.is_empty() {
        all.push(fact("Servers", lines));
    }
    let counts = || {
        run.forecasts
            .iter()
            .map(|c| c.replications)
            .filter(|&n| n > 0)
    };
    let replications = match (counts().min(), counts().max()) {
        (Some(1), Some(1)) => "1 replication, so no intervals".to_owned(),
        (Some(a), Some(b)) if a == b => format!("{a} replications of every strategy"),
        (Some(a), Some(b)) => format!("{a} to {b} replications of a strategy"),
        _ => "nothing was simulated".into(),
    };
    all.push(fact(
        "Statistics",
        [
            replications,
            precision(run.confidence, run.precision),
            "Strategies see the same arrivals and demands, and are compared by paired differences"
                .into(),
        ],
    ));
    let kind = if run.steady {
        format!(
            "Steady state; the first {} of simulated time are left out as warm-up",
            crate::quantity::seconds(run.warmup)
        )
    } else if run.batch {
        "A batch: all tasks arrive at once, and the run ends with the last of them".into()
    } else if run.warmup > Nanos::ZERO {
        format!(
            "Runs from start to end; tasks of the first {} are left out as warm-up",
            crate::quantity::seconds(run.warmup)
        )
    } else {
        "Runs from start to end, nothing left out".into()
    };
    all.push(fact("Kind of study", [kind]));
    all.extend(identity(run.seed, &run.scenario, &run.program));
    all
}

/// What starts the servers that strategies name, each once: short form, command line, and whose sources say what it does.
pub(in crate::report) fn command_lines(run: &Study) -> Vec<String> {
    let mut all: Vec<String> = Vec::new();
    for forecast in &run.forecasts {
        let strategy = forecast.known_strategy();
        if let Some(server) = strategy.as_ref().and_then(Strategy::server) {
            let line = format!(
                "{}: {} ({}{})",
                forecast.strategy,
                server.command_line(),
                server.version(),
                handling(run, server, &forecast.interpreter)
            );
            if !all.contains(&line) {
                all.push(line);
            }
        }
    }
    all
}

/// What a request's own handling costs on an interpreter, as its profile has it; empty if it is unknown, or there is none.
fn handling(run: &Study, server: Server, interpreter: &str) -> String {
    let at = (RequestHandling::ALL.iter()).position(|r| server.request() == Some(*r));
    let mut profiles = run.interpreters.iter();
    let profile = profiles.find(|i| i.name == interpreter);
    let time = at.zip(profile).and_then(|(at, i)| i.requests.get(at));
    time.map_or(String::new(), |time| {
        format!(
            "; request: {} of CPU time on {interpreter}",
            crate::quantity::seconds(*time)
        )
    })
}

pub(super) fn of_sweep(header: &SweepHeader) -> FactRows {
    let axes = header.axes.iter().map(|a| {
        let values: Vec<String> = a.values.iter().map(written).collect();
        format!("{} ({}): {}", a.label, a.path, short(&values))
    });
    let grid = match (header.axes.len(), header.zip) {
        (0 | 1, _) => "",
        (_, true) => ", the axes side by side",
        (_, false) => ", a grid of all axes",
    };
    let points = format!("{}{grid}", counted(header.points, "point"));
    let mut all = vec![
        fact("What is varied", axes.chain([points])),
        fact("Simulated machine", [machine_of_sweep(header)]),
        fact(
            "Statistics",
            [precision(header.confidence, header.precision)],
        ),
    ];
    all.extend(identity(header.seed, &header.scenario, &header.program));
    all
}

/// A list of values; a long one by its ends.
fn short(values: &[String]) -> String {
    match values {
        [a, b, .., z] if values.len() > 12 => format!("{a}, {b}, … {z} ({} values)", values.len()),
        _ => values.join(", "),
    }
}

fn precision(confidence: f64, wanted: f64) -> String {
    format!(
        "Replicated until the {} confidence interval of the ranked metric was within ± {} of its mean, or a limit was reached",
        percent(confidence),
        percent(wanted)
    )
}

fn identity(seed: u64, scenario: &ScenarioName, program: &Generator) -> FactRows {
    vec![
        fact("Seed", [seed.to_string()]),
        fact(
            "Made by",
            [format!(
                "{} {}, result schema {}; scenario hash {}",
                program.name,
                program.version,
                crate::result::SCHEMA,
                scenario.hash
            )],
        ),
    ]
}

fn machine(m: &MachineInfo) -> String {
    format!("{}, {}", cores(m), memory(m))
}

/// The machine of a sweep; what an axis varies differs from point to point.
fn machine_of_sweep(header: &SweepHeader) -> String {
    let varied = |of: fn(&str) -> bool| header.axes.iter().any(|a| of(&a.path));
    let cores = if varied(|path| is_cores(path) && path != "machine.visible_cpus") {
        "as many cores as stand at each point".to_owned()
    } else {
        cores(&header.machine)
    };
    let memory = if varied(|path| path == "machine" || path == "machine.memory") {
        "the memory that stands at each point".to_owned()
    } else {
        memory(&header.machine)
    };
    format!("{cores}, {memory}")
}

fn cores(m: &MachineInfo) -> String {
    let even = m.cores.iter().all(|&c| c == 1.0);
    let mut text = counted(m.cores.len() as u64, "core");
    if !even {
        let speeds: Vec<String> = m.cores.iter().map(|&c| digits(c, 3)).collect();
        text += &format!(" of relative speeds {}", short(&speeds));
    }
    text
}

fn memory(m: &MachineInfo) -> String {
    let limit = m.memory_limit_bytes.map(|b| bytes(b as f64));
    match limit {
        Some(limit) => format!("at most {limit} of memory"),
        None => "memory without limit".into(),
    }
}

fn interpreters(run: &Study) -> FactRows {
    if run.interpreters.is_empty() {
        let mut names: Vec<String> = run
            .forecasts
            .iter()
            .map(|c| c.interpreter.clone())
            .collect();
        names.sort();
        names.dedup();
        names.push(
            "The result does not say how they were measured: an older version made it".into(),
        );
        return vec![fact("Interpreters", names)];
    }
    run.interpreters
        .iter()
        .map(|i| fact(&format!("Profile {}", i.name), profile(i)))
        .collect()
}

fn profile(i: &InterpreterInfo) -> Vec<String> {
    let gil = if i.gil { "with a GIL" } else { "free-threaded" };
    let mut all = vec![
        format!("CPython {}, {gil}", i.version),
        capital(&i.origin),
        parameters(i),
    ];
    match &i.measurement {
        Some(m) => all.extend(measurement(m)),
        None => {
            all.push("The profile does not name the machine and the day of its measurement".into());
        }
    }
    all
}

fn parameters(i: &InterpreterInfo) -> String {
    format!(
        "{} parameters measured or derived from measurements, {} estimated",
        i.measured, i.estimated
    )
}

fn measurement(m: &Measurement) -> [String; 2] {
    let flag = |name: &str, known: Option<bool>| match known {
        Some(true) => format!(", {name}"),
        Some(false) => format!(", no {name}"),
        None => String::new(),
    };
    let debug = if m.debug { ", debug build" } else { "" };
    [
        format!(
            "Measured on {}: {}, {} {}, {}; in {} {}, {} times slower than at the machine's best",
            m.date,
            m.cpu,
            m.cores,
            if m.cores == 1 { "core" } else { "cores" },
            m.system,
            m.rounds,
            if m.rounds == 1 { "round" } else { "rounds" },
            digits(m.slowness, 3)
        ),
        format!(
            "Build: {}{}{}{debug}",
            m.compiler,
            flag("PGO", m.pgo),
            flag("LTO", m.lto)
        ),
    ]
}
