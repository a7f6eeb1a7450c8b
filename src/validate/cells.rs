//! Measured cells: what ran (a workload under a strategy, as `workloads.py` means it), and what happened.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use serde::Deserialize;
use serde_json::Value;

use super::trace::read_trace;
use super::work::{Grains, build_workload};
use crate::calibrate::{derive, machine_from};
use crate::cpython::profile::Profile;
use crate::profiles::BASELINE_NS_PER_ITER;
use crate::scenario::{
    MachineSpec, Offload, Pool, ProcessApi, StartMethod, Strategy, Workers, Workload,
};
use crate::syntax::input;

/// What a cell ran: the JSON argument of `workloads.py`. Keys that it does not look at are ignored here too.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Config {
    /// `uniform`, `agents`, `open` or `convoy`.
    pub workload: String,
    /// Name of a function of `workloads.py`.
    pub strategy: String,
    /// Size of the pool; `Some(None)` is the library's default.
    #[serde(default, deserialize_with = "given")]
    pub workers: Option<Option<u32>>,
    /// Start method of process pools.
    pub start: Option<String>,
    /// The run is confined to so many cores.
    pub pin: Option<u32>,
    /// At most so many tasks at once in the event loop.
    pub concurrency: Option<u32>,
    /// Number of tasks.
    pub n: Option<u64>,
    /// How often the steps are repeated.
    pub rounds: Option<u64>,
    /// CPU-bound tasks of a convoy.
    pub hogs: Option<u64>,
    /// Arrivals a second.
    pub rate: Option<f64>,
    /// Seed of the arrivals and sleeps.
    pub seed: Option<u64>,
    /// Cost of Python code on this interpreter, relative to the baseline.
    pub cpu_cost: Option<f64>,
    /// The same for native code.
    pub native_cost: Option<f64>,
    /// Sleep.
    pub io_ms: Option<f64>,
    /// Second sleep.
    pub io2_ms: Option<f64>,
    /// Python.
    pub cpu_ms: Option<f64>,
    /// C code without the GIL.
    pub native_ms: Option<f64>,
    /// Python under the shared lock.
    pub lock_ms: Option<f64>,
    /// Python of a hog.
    pub hog_ms: Option<f64>,
    /// Python of a reasoning agent.
    pub reason_ms: Option<f64>,
    /// Python under the lock of a reasoning agent.
    pub share_ms: Option<f64>,
    /// Sleep of a fetching agent.
    pub fetch_ms: Option<f64>,
    /// Python of a fetching agent.
    pub parse_ms: Option<f64>,
    /// Payload to the worker.
    pub bytes_in: Option<u64>,
    /// Payload back.
    pub bytes_out: Option<u64>,
}

/// `"workers": null` means something else than no `workers` at all.
#[expect(clippy::option_option, reason = "the two are told apart")]
fn given<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::<u32>::deserialize(d).map(Some)
}

/// Latencies of a measured run, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RunLatency {
    /// Median.
    pub p50: f64,
    /// 99th percentile.
    pub p99: f64,
}

/// One measured run.
#[derive(Clone, Debug, Deserialize)]
#[serde(expecting = "struct Run")]
pub struct CellRun {
    /// Seconds until the last result.
    pub makespan_s: f64,
    /// Latencies.
    pub latency_s: RunLatency,
    /// CPU seconds.
    #[serde(default)]
    pub cpu_s: f64,
    /// Voluntary context switches of the main process.
    #[serde(default)]
    pub ctx_voluntary: f64,
    /// Involuntary ones.
    #[serde(default)]
    pub ctx_involuntary: f64,
    /// Slowness of the machine round the run, against its best.
    #[serde(default)]
    pub speed_cost: Vec<f64>,
}

/// One measured cell.
#[derive(Clone, Debug, Deserialize)]
pub struct Cell {
    /// `workload/strategy`.
    pub name: String,
    /// Id of the interpreter.
    pub interpreter: String,
    /// What ran.
    pub config: Config,
    /// What happened, usually three times.
    pub runs: Vec<CellRun>,
    /// Peak proportional set size of the process tree, in MiB.
    pub peak_pss_mb: Option<f64>,
    /// File with the draws that were used.
    pub trace: Option<String>,
}

impl Cell {
    /// The part of the name before `/`.
    pub fn workload(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }

    /// Slowness of the machine round the runs, where it was noted.
    fn slownesses(&self) -> impl Iterator<Item = f64> {
        self.runs
            .iter()
            .flat_map(|r| r.speed_cost.iter().copied())
            .filter(|s| s.is_finite() && *s > 0.0)
    }

    /// Mean slowness of the machine round the runs; 1 where it was not noted.
    pub fn slowness(&self) -> f64 {
        mean(self.slownesses())
    }
}

/// The mean slowness; 1 of none.
fn mean(slowness: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = slowness.fold((0.0, 0u32), |(sum, n), s| (sum + s, n + 1));
    if n == 0 { 1.0 } else { sum / f64::from(n) }
}

/// An interpreter that cells ran on.
#[derive(Clone, Debug)]
pub struct ReferenceInterpreter {
    /// Its profile, at the machine's best speed.
    pub profile: Profile,
    /// One iteration of `burn`'s loop and one block of `native`, in nanoseconds at best speed.
    pub grains: (f64, f64),
    /// How many times as long an iteration takes while another thread of the process makes them, too, as one beside another process: 1
    /// with a GIL.
    pub beside: f64,
    /// Relative cost of Python code that the directory states for it.
    pub cpu_cost: Option<f64>,
}

/// A directory of measurements.
#[derive(Debug)]
pub struct Reference {
    dir: PathBuf,
    /// The machine that everything ran on.
    pub machine: MachineSpec,
    /// The interpreters, by id; the reason where one cannot be used.
    pub interpreters: BTreeMap<String, Result<ReferenceInterpreter, String>>,
    /// The cells in the order of the file: name, interpreter and the reason where one cannot be read.
    pub cells: Vec<Result<Cell, Unread>>,
}

/// A cell that could not be read or simulated.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unread {
    /// The cell's name, or its place in the file.
    pub name: String,
    /// Its interpreter, if that could be read.
    pub interpreter: String,
    /// Why.
    pub reason: String,
}

/// Why a directory cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ReferenceError {
    path: String,
    message: String,
}

/// The file that lists a directory's cells.
const MEASURED: &str = "measured.json";

fn json_file(path: &Path) -> Result<Value, ReferenceError> {
    let error = |message: String| ReferenceError {
        path: path.display().to_string(),
        message,
    };
    let text = input::read_to_string(path).map_err(|e| error(input::reason(&e)))?;
    serde_json::from_str(&text).map_err(|e| error(e.to_string()))
}

impl Reference {
    /// Reads `measured.json` and, for every interpreter named in it, `micro-ID.json` and `more-ID.json`.
    ///
    /// # Errors
    /// Only an unreadable `measured.json`; anything else is kept with its reason for the cells it concerns.
    pub fn read(dir: &Path) -> Result<Self, ReferenceError> {
        let path = dir.join(MEASURED);
        let file = json_file(&path).map_err(|e| ReferenceError {
            message: format!(
                "{}; name a directory of measured runs, which {MEASURED} lists",
                e.message
            ),
            ..e
        })?;
        let rows = file
            .as_array()
            .or_else(|| file["cells"].as_array())
            .ok_or_else(|| ReferenceError {
                path: path.display().to_string(),
                message: "no list of cells: expected {\"cells\": [...]}".into(),
            })?;
        let cells: Vec<_> = rows
            .iter()
            .enumerate()
            .map(|(i, row)| read_cell(i, row))
            .collect();
        let mut ids: Vec<String> = file["interpreters"]
            .as_object()
            .into_iter()
            .flatten()
            .map(|(id, _)| id.clone())
            .collect();
        ids.extend(cells.iter().flatten().map(|c| c.interpreter.clone()));
        ids.sort();
        ids.dedup();

        let files: Vec<_> = ids.iter().map(|id| interpreter_files(dir, id)).collect();
        let usable: Vec<_> = files
            .iter()
            .flatten()
            .map(|(micro, more)| (micro, more))
            .collect();
        let machine = machine_from(&usable);
        let slowness = mean(cells.iter().flatten().flat_map(Cell::slownesses));
        let interpreter = |id: &String, files: &Result<(Value, Value), String>| {
            let (micro, more) = files.as_ref().map_err(Clone::clone)?;
            let figure = |name: &str, or: f64| {
                micro["metrics"][name]
                    .as_f64()
                    .filter(|v| v.is_finite() && *v > 0.0)
                    .unwrap_or(or)
            };
            let profile = derive(micro, more, id, slowness);
            let alone = figure("burn_2procs_over_1x_work", 1.0);
            let beside = figure("burn_2threads_over_1x_work", alone) / alone;
            Ok(ReferenceInterpreter {
                beside: if profile.gil { 1.0 } else { beside.max(1.0) },
                profile,
                grains: (
                    figure("burn_ns_per_iter", BASELINE_NS_PER_ITER),
                    figure("native_us_per_block", 50.0) * 1e3,
                ),
                cpu_cost: file["interpreters"][id]["cpu_cost"].as_f64(),
            })
        };
        let interpreters = ids
            .iter()
            .zip(&files)
            .map(|(id, files)| (id.clone(), interpreter(id, files)))
            .collect();
        Ok(Self {
            dir: dir.to_owned(),
            machine,
            interpreters,
            cells,
        })
    }

    /// The directory.
    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// Everything that a simulation of this cell needs.
    ///
    /// # Errors
    /// Why the cell cannot be forecast.
    pub fn prepare(&self, cell: &Cell) -> Result<PreparedCell, String> {
        let known = self
            .interpreters
            .get(&cell.interpreter)
            .ok_or_else(|| format!("unknown interpreter `{}`", cell.interpreter))?;
        let interpreter = known.as_ref().map_err(Clone::clone)?;
        let slowness = cell.slowness();
        let mut profile = interpreter.profile.slowed(slowness);
        profile.params.cpu_factor = positive("cpu_cost", cell.config.cpu_cost.unwrap_or(1.0))?;
        let mut machine = self.machine.clone();
        if let Some(pin) = cell.config.pin {
            if pin == 0 {
                return Err("`pin` must leave at least one core".into());
            }
            machine.cores.truncate(pin as usize);
            machine.visible_cpus = machine.visible_cpus.min(pin);
        }
        let strategy = strategy(&cell.config)?;
        let trace = match &cell.trace {
            Some(name) => {
                Some(read_trace(&self.dir.join(name)).map_err(|e| format!("trace {name}: {e}"))?)
            }
            None => None,
        };
        let (iteration, block) = interpreter.grains;
        let grains = Grains {
            iteration,
            beside: if machine.visible_cpus > 1 && in_threads(&strategy) {
                iteration * interpreter.beside
            } else {
                iteration
            },
            block,
        };
        let (workload, program_memory) =
            build_workload(&cell.config, trace, &strategy, grains, slowness)?;
        // The program holds its list of tasks from the start; the profile's process does not have one.
        profile.params.base_rss += program_memory;
        Ok(PreparedCell {
            machine,
            profile,
            workload,
            strategy,
        })
    }
}

/// Whether several threads of one interpreter execute tasks.
fn in_threads(strategy: &Strategy) -> bool {
    match strategy.execution().pool {
        Pool::ThreadEach => true,
        Pool::Threads(workers) => workers != Workers::Exactly(1),
        Pool::Nobody | Pool::Processes { .. } | Pool::Interpreters(_) => false,
    }
}

/// What one cell's simulation depends on.
#[derive(Clone, Debug)]
pub struct PreparedCell {
    /// The reference's machine, with the cores that the cell was confined to.
    pub machine: MachineSpec,
    /// The interpreter as slow as the machine was during the runs.
    pub profile: Profile,
    /// The cell's tasks.
    pub workload: Workload,
    /// The cell's strategy.
    pub strategy: Strategy,
}

fn interpreter_files(dir: &Path, id: &str) -> Result<(Value, Value), String> {
    if id.contains(['/', '\\']) || id.is_empty() {
        return Err(format!("`{id}` is not an interpreter's id"));
    }
    let micro = json_file(&dir.join(format!("micro-{id}.json")))
        .map_err(|e| format!("no microbenchmarks: {e}"))?;
    if !micro["metrics"].is_object() {
        return Err(format!("micro-{id}.json has no `metrics`"));
    }
    // Further measurements are optional: what they would tell stays at the table's defaults.
    let path = dir.join(format!("more-{id}.json"));
    let more = if path.exists() {
        json_file(&path).map_err(|e| e.to_string())?
    } else {
        Value::Null
    };
    Ok((micro, more))
}

fn read_cell(index: usize, row: &Value) -> Result<Cell, Unread> {
    let text = |key: &str| row[key].as_str().map(str::to_owned);
    let name = text("name").unwrap_or_else(|| format!("cell {index}"));
    let unread = |reason: String| Unread {
        name: name.clone(),
        interpreter: text("interpreter").unwrap_or_default(),
        reason,
    };
    let cell: Cell = serde_path_to_error::deserialize(row).map_err(|e| unread(e.to_string()))?;
    if cell.runs.is_empty() {
        return Err(unread("it has no runs".into()));
    }
    if cell.runs.iter().any(|r| {
        !(r.makespan_s.is_finite()
            && r.makespan_s > 0.0
            && r.latency_s.p50.is_finite()
            && r.latency_s.p99.is_finite())
    }) {
        return Err(unread("a run's times are not numbers above zero".into()));
    }
    Ok(cell)
}

/// A finite number above zero, or why not.
pub(super) fn positive(name: &str, value: f64) -> Result<f64, String> {
    if value.is_finite() && value > 0.0 {
        Ok(value)
    } else {
        Err(format!("`{name}` must be a number above zero, not {value}"))
    }
}

fn strategy(c: &Config) -> Result<Strategy, String> {
    let workers = || match c.workers {
        Some(Some(0)) => Err("`workers` must be at least 1".to_owned()),
        Some(Some(n)) => Ok(Workers::Exactly(n)),
        Some(None) => Ok(Workers::Auto),
        None => Err(format!("strategy `{}` needs `workers`", c.strategy)),
    };
    let start = || match c.start.as_deref().unwrap_or("spawn") {
        "fork" => Ok(StartMethod::Fork),
        "spawn" => Ok(StartMethod::Spawn),
        "forkserver" => Ok(StartMethod::Forkserver),
        other => Err(format!("unknown start method `{other}`")),
    };
    // `concurrency: 0` counts as none, as in Python.
    let limit = c.concurrency.filter(|n| *n > 0);
    let aio = |offload| Strategy::Asyncio { limit, offload };
    Ok(match c.strategy.as_str() {
        "sequential" => Strategy::Sequential,
        "threads" => Strategy::Threads(workers()?),
        "raw_threads" => Strategy::Threads(Workers::PerTask),
        "processes" => Strategy::Processes {
            workers: workers()?,
            start: start()?,
            api: ProcessApi::Executor,
        },
        "interpreters" => Strategy::Interpreters(workers()?),
        "aio" => aio(Offload::None),
        "aio_threads" => aio(Offload::Threads(workers()?)),
        "aio_processes" => aio(Offload::Processes(workers()?, start()?)),
        "aio_interpreters" => aio(Offload::Interpreters(workers()?)),
        other => return Err(format!("unknown strategy `{other}`")),
    })
}
