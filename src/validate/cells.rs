//! Reads measured cells: what each cell ran (a workload under a strategy, in terms of `workloads.py`), and what was measured.

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
    MachineSpec, Offload, Pool, PoolLife, ProcessApi, StartMethod, Strategy, Workers, Workload,
};
use crate::syntax::input;

/// What a cell ran: the JSON argument of `workloads.py`. Keys that `workloads.py` ignores are ignored here too.
#[derive(Clone, Debug, Default, Deserialize)]
pub struct Config {
    /// The workload: `uniform`, `agents`, `open` or `convoy`.
    pub workload: String,
    /// The strategy: the name of a function of `workloads.py`.
    pub strategy: String,
    /// The size of the pool; `Some(None)` is the library's default.
    #[serde(default, deserialize_with = "given")]
    pub workers: Option<Option<u32>>,
    /// The start method of process pools.
    pub start: Option<String>,
    /// The number of cores that the run is confined to.
    pub pin: Option<u32>,
    /// The number of tasks that may be under way at once in the event loop.
    pub concurrency: Option<u32>,
    /// The number of tasks.
    pub n: Option<u64>,
    /// The number of times that the steps are repeated.
    pub rounds: Option<u64>,
    /// The number of CPU-bound tasks in a convoy.
    pub hogs: Option<u64>,
    /// The rate of arrivals, a second.
    pub rate: Option<f64>,
    /// The seed of the arrivals and sleeps.
    pub seed: Option<u64>,
    /// The cost of Python code on this interpreter, relative to the baseline.
    pub cpu_cost: Option<f64>,
    /// The cost of native code on this interpreter, relative to the baseline.
    pub native_cost: Option<f64>,
    /// The sleep of a task, in milliseconds.
    pub io_ms: Option<f64>,
    /// The second sleep of a task, in milliseconds.
    pub io2_ms: Option<f64>,
    /// Python code of a task, in milliseconds.
    pub cpu_ms: Option<f64>,
    /// C code that runs without the GIL, in milliseconds.
    pub native_ms: Option<f64>,
    /// Python code under the shared lock, in milliseconds.
    pub lock_ms: Option<f64>,
    /// Python code of a hog, in milliseconds.
    pub hog_ms: Option<f64>,
    /// Python code of a reasoning agent, in milliseconds.
    pub reason_ms: Option<f64>,
    /// Python code of a reasoning agent under the lock, in milliseconds.
    pub share_ms: Option<f64>,
    /// The sleep of a fetching agent, in milliseconds.
    pub fetch_ms: Option<f64>,
    /// Python code of a fetching agent, in milliseconds.
    pub parse_ms: Option<f64>,
    /// The payload sent to the worker, in bytes.
    pub bytes_in: Option<u64>,
    /// The payload sent back, in bytes.
    pub bytes_out: Option<u64>,
}

/// `"workers": null` has another meaning than the absence of `workers`, so the two are told apart.
#[expect(clippy::option_option, reason = "the two are told apart")]
fn given<'de, D: serde::Deserializer<'de>>(d: D) -> Result<Option<Option<u32>>, D::Error> {
    Option::<u32>::deserialize(d).map(Some)
}

/// Latencies of a measured run, in seconds.
#[derive(Clone, Copy, Debug, Deserialize)]
pub struct RunLatency {
    /// The median.
    pub p50: f64,
    /// The 99th percentile.
    pub p99: f64,
}

/// One measured run.
#[derive(Clone, Debug, Deserialize)]
#[serde(expecting = "struct Run")]
pub struct CellRun {
    /// The time until the last result, in seconds.
    pub makespan_s: f64,
    /// The latencies of the tasks.
    pub latency_s: RunLatency,
    /// CPU seconds.
    #[serde(default)]
    pub cpu_s: f64,
    /// Voluntary context switches of the main process.
    #[serde(default)]
    pub ctx_voluntary: f64,
    /// Involuntary context switches of the main process.
    #[serde(default)]
    pub ctx_involuntary: f64,
    /// How slow the machine was around the run, relative to its best speed.
    #[serde(default)]
    pub speed_cost: Vec<f64>,
}

/// One measured cell.
#[derive(Clone, Debug, Deserialize)]
pub struct Cell {
    /// The name, in the form `workload/strategy`.
    pub name: String,
    /// The id of the interpreter.
    pub interpreter: String,
    /// What the cell ran.
    pub config: Config,
    /// The measured runs, usually three.
    pub runs: Vec<CellRun>,
    /// The peak proportional set size of the process tree, in MiB.
    pub peak_pss_mb: Option<f64>,
    /// The file with the draws that were used.
    pub trace: Option<String>,
}

impl Cell {
    /// The workload's name: the part of the cell's name before `/`.
    pub(crate) fn workload(&self) -> &str {
        self.name.split('/').next().unwrap_or(&self.name)
    }

    /// How slow the machine was around the runs in which that was recorded.
    fn slownesses(&self) -> impl Iterator<Item = f64> {
        self.runs
            .iter()
            .flat_map(|r| r.speed_cost.iter().copied())
            .filter(|s| s.is_finite() && *s > 0.0)
    }

    /// The mean slowness of the machine around the runs; 1 where it was not recorded.
    pub fn slowness(&self) -> f64 {
        mean(self.slownesses())
    }
}

/// The mean of some slownesses; 1 if there are none.
fn mean(slowness: impl Iterator<Item = f64>) -> f64 {
    let (sum, n) = slowness.fold((0.0, 0u32), |(sum, n), s| (sum + s, n + 1));
    if n == 0 { 1.0 } else { sum / f64::from(n) }
}

/// An interpreter that cells ran on.
#[derive(Clone, Debug)]
pub struct ReferenceInterpreter {
    /// The interpreter's profile, at the machine's best speed.
    pub profile: Profile,
    /// The times of one iteration of `burn`'s loop and of one block of `native`, in nanoseconds at best speed.
    pub grains: (f64, f64),
    /// How many times as long an iteration takes while another thread of the same process iterates too, compared with one beside another
    /// process; 1 with a GIL.
    pub beside: f64,
    /// The relative cost of Python code that the directory states for the interpreter.
    pub cpu_cost: Option<f64>,
}

/// A directory of measurements.
#[derive(Debug)]
pub struct Reference {
    dir: PathBuf,
    /// The machine that all cells ran on.
    pub machine: MachineSpec,
    /// The interpreters by id, with the reason where one cannot be used.
    pub interpreters: BTreeMap<String, Result<ReferenceInterpreter, String>>,
    /// The cells in the order of the file, with name, interpreter and reason where one cannot be read.
    pub cells: Vec<Result<Cell, Unread>>,
}

/// A cell that could not be read or simulated.
#[derive(Clone, Debug, PartialEq, Eq, serde::Serialize)]
pub struct Unread {
    /// The cell's name, or its position in the file.
    pub name: String,
    /// The id of its interpreter, if that could be read.
    pub interpreter: String,
    /// The reason why the cell could not be read or simulated.
    pub reason: String,
}

/// Why a directory cannot be used at all.
#[derive(Debug, thiserror::Error)]
#[error("{path}: {message}")]
pub struct ReferenceError {
    path: String,
    message: String,
}

/// The name of the file that lists a directory's cells.
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
    /// Only an unreadable `measured.json` is an error here; any other problem is kept, as the reason why the cells that it concerns cannot
    /// be used.
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

    /// The path of the directory.
    pub(crate) fn dir(&self) -> &Path {
        &self.dir
    }

    /// Collects everything that a simulation of this cell needs.
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
        // The program holds its list of tasks from the start, and the process that the profile was measured in has none.
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

/// What the simulation of one cell depends on.
#[derive(Clone, Debug)]
pub struct PreparedCell {
    /// The machine of the reference, with the cores that the cell was confined to.
    pub machine: MachineSpec,
    /// The interpreter, slowed down as the machine was during the runs.
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
    // Further measurements are optional; what they would tell stays at the defaults of the parameter table.
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

/// A finite number above zero, or the reason why the value is not one.
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
    // `concurrency: 0` means no limit, as in Python.
    let limit = c.concurrency.filter(|n| *n > 0);
    let aio = |offload| Strategy::Asyncio {
        limit,
        offload,
        pools: Vec::new(),
    };
    Ok(match c.strategy.as_str() {
        "sequential" => Strategy::Sequential,
        "threads" => Strategy::Threads(workers()?),
        "raw_threads" => Strategy::Threads(Workers::PerTask),
        "processes" => Strategy::Processes {
            workers: workers()?,
            start: start()?,
            api: ProcessApi::EXECUTOR,
            life: PoolLife::default(),
        },
        "interpreters" => Strategy::Interpreters(workers()?),
        "aio" => aio(Offload::None),
        "aio_threads" => aio(Offload::Threads(workers()?)),
        "aio_processes" => aio(Offload::Processes(workers()?, start()?)),
        "aio_interpreters" => aio(Offload::Interpreters(workers()?)),
        other => return Err(format!("unknown strategy `{other}`")),
    })
}
