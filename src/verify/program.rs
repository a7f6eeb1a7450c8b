//! Generates one readable Python file for a scenario under one strategy.

use std::fmt::Write as _;

use super::application::{self, ServedProgram};
use super::error::ProgramError;
use super::pieces::{self, ExecutorKind};
use super::scarce;
use super::steps::{Flavour, digits, function, quoted, shortest};
use super::table::TaskTable;
use super::tree::{ProgramStep, StepTree};
use crate::scenario::{
    Arrivals, Execution, Overflow, Pool, ProcessApi, QueueSpec, Rounds, Server, Step, Strategy,
    TaskClass, Workload, strategy_label, visible,
};

/// What a program is made from.
#[derive(Clone, Copy, Debug)]
pub struct ProgramSpec<'a> {
    /// The name of the scenario.
    pub name: &'a str,
    /// The question of the scenario; may be empty.
    pub question: &'a str,
    /// The workload: scaled, and with a number of tasks.
    pub workload: &'a Workload,
    /// The strategy that the program uses.
    pub strategy: &'a Strategy,
    /// The interpreter's factor on CPU demands.
    pub cpu_factor: f64,
    /// The number of cores that the program confines itself to; `None` for all that it is given.
    pub cores: Option<u32>,
    /// The master seed.
    pub seed: u64,
    /// Whether each lock is held while a task waits.
    pub across: &'a [bool],
    /// The command that makes this program again.
    pub command: &'a str,
    /// Notes about the workload as a whole.
    pub notes: &'a [String],
}

/// A program and the files that belong beside it.
#[derive(Clone, Debug, PartialEq)]
pub struct GeneratedProgram {
    /// The name of the program's file without `.py`, which is also the name of a Python module.
    pub stem: String,
    /// The text of the program.
    pub text: String,
    /// The tasks and their random numbers as the text of `stem.json`, where they are too many for the program itself; of an application the
    /// random numbers alone, as that of `stem.jsonl`.
    pub data: Option<String>,
    /// The module that stands for the scenario's imports: the name and the text of its file.
    pub imports: Option<(String, String)>,
    /// Notes on what could not be turned into Python as the scenario means it.
    pub notes: Vec<String>,
    /// The mean number of random numbers that a task has.
    pub numbers_per_task: f64,
    /// The server and the requests, where the program is an application.
    pub served: Option<ServedProgram>,
}

impl GeneratedProgram {
    /// The names and texts of all files, the program first.
    pub fn files(&self) -> Vec<(String, &str)> {
        let mut files = vec![(format!("{}.py", self.stem), self.text.as_str())];
        if let Some(data) = &self.data {
            let lines = if self.served.is_some() { "l" } else { "" };
            files.push((format!("{}.json{lines}", self.stem), data));
        }
        if let Some((name, text)) = &self.imports {
            files.push((name.clone(), text));
        }
        files
    }
}

/// The properties of a program that decide how everything in it is written.
pub(super) struct ProgramPlan<'a> {
    pub(super) source: &'a ProgramSpec<'a>,
    /// The strategy of one copy of the program.
    pub(super) each: &'a Strategy,
    /// The number of copies, for a prefork server.
    pub(super) copies: Option<u32>,
    pub(super) flavour: Flavour,
    pub(super) kind: ExecutorKind,
    pub(super) trees: Vec<StepTree>,
    /// What the main program does before each round, if there are rounds.
    pub(super) serial: Option<StepTree>,
    /// The Python names of the functions of the task classes.
    pub(super) functions: Vec<String>,
}

impl ProgramPlan<'_> {
    pub(super) fn any(&self, is: impl Fn(&ProgramStep) -> bool) -> bool {
        let mut nodes = self.all_trees().flat_map(|t| &t.nodes);
        nodes.any(|n| n.any(&is))
    }

    /// Whether some step needs only some of its children.
    pub(super) fn needs_some(&self) -> bool {
        self.any(|n| n.offspring().is_some_and(|c| c.need.is_some()))
    }

    /// Whether some retry pauses otherwise than by doubling: all retries are then written with a `Backoff`.
    pub(super) fn backs_off(&self) -> bool {
        self.any(|n| matches!(n, ProgramStep::Retry(r) if r.backoff.doubles().is_none()))
    }

    /// The steps of all classes, and of the main program.
    pub(super) fn all_trees(&self) -> impl Iterator<Item = &StepTree> {
        self.trees.iter().chain(&self.serial)
    }

    /// The share of the imports' objects that tasks of this class walk; none where there are no imports.
    pub(super) fn touches(&self, class: &TaskClass) -> f64 {
        imports_module(self.source).map_or(0.0, |_| class.touches)
    }

    /// The number of users who wait for their answers, if there are any.
    pub(super) fn users(&self) -> Option<u32> {
        match self.source.workload.arrivals {
            Arrivals::Closed { users, .. } => Some(users),
            _ => None,
        }
    }

    /// The server that the program is the application of; `None` if it is a program by itself.
    pub(super) fn server(&self) -> Option<Server> {
        self.source.strategy.server()
    }

    /// Whether all tasks are there at once, as a list that `map` is given.
    pub(super) fn at_once(&self) -> bool {
        self.source.workload.arrivals == Arrivals::Batch
    }

    /// Whether work goes to other processes.
    pub(super) fn processes(&self) -> bool {
        self.each.every_pool().any(|pool| pool.start().is_some())
    }

    /// Whether the program has results that it keeps until all of a batch, or of a round, are there.
    pub(super) fn keeps_results(&self) -> bool {
        let result =
            |n: &ProgramStep| matches!(n, ProgramStep::PayloadOut(_) | ProgramStep::ObjectsOut(_));
        self.source.workload.arrivals == Arrivals::Batch && self.any(result)
    }

    /// Whether work goes to sub-interpreters.
    pub(super) fn interpreters(&self) -> bool {
        self.each.every_pool().any(|pool| match pool {
            Pool::Interpreters(_) => true,
            Pool::Nobody | Pool::ThreadEach | Pool::Threads(_) | Pool::Processes { .. } => false,
        })
    }
}

/// How a plain function does its work.
static PLAIN_FUNCTION: Strategy = Strategy::Sequential;

fn plan<'a>(source: &'a ProgramSpec<'a>) -> ProgramPlan<'a> {
    let Execution {
        copies,
        mut event_loop,
        limit: _,
        mut pool,
    } = source.strategy.execution();
    let mut each = source.strategy.each();
    if (source.strategy.server()).is_some_and(Server::calls_endpoints) {
        // Endpoints are plain functions, whatever calls them.
        (each, event_loop, pool) = (&PLAIN_FUNCTION, false, Pool::Nobody);
    }
    let plain = |travels, kind| (Flavour::Plain { travels }, kind);
    let (flavour, kind) = match pool {
        Pool::Nobody if event_loop => (Flavour::Loop, ExecutorKind::Loop),
        Pool::Nobody => plain(false, ExecutorKind::Sequential),
        Pool::ThreadEach => plain(false, ExecutorKind::PerTask),
        Pool::Threads(_) | Pool::Processes { .. } | Pool::Interpreters(_) if event_loop => {
            (Flavour::Offload, ExecutorKind::Loop)
        }
        Pool::Processes {
            api: ProcessApi::Pool { chunksize },
            ..
        } => plain(true, ExecutorKind::MpPool(chunksize.unwrap_or(0))),
        Pool::Processes {
            api: ProcessApi::Executor {
                chunksize: Some(chunk),
            },
            ..
        } if source.workload.arrivals == Arrivals::Batch => {
            plain(true, ExecutorKind::Chunks(chunk))
        }
        Pool::Processes {
            api: ProcessApi::Executor { chunksize: _ },
            ..
        }
        | Pool::Threads(_)
        | Pool::Interpreters(_) => plain(true, ExecutorKind::Pool),
    };
    // Nothing travels to the threads of a server but the request.
    let flavour = match flavour {
        Flavour::Plain { .. } if source.strategy.server().is_some() => {
            Flavour::Plain { travels: false }
        }
        other => other,
    };
    // Children are tasks of their own where they are run by a thread pool or an event loop; elsewhere their parent runs them.
    let own_children = event_loop
        || match pool {
            Pool::ThreadEach | Pool::Threads(_) => true,
            Pool::Nobody | Pool::Processes { .. } | Pool::Interpreters(_) => false,
        };
    let w = source.workload;
    let trees = (w.classes.iter().enumerate())
        .map(|(i, class)| {
            let recorded = matches!(&w.arrivals, Arrivals::Trace(tasks)
                if tasks.iter().any(|t| t.class == i && !t.demands.is_empty()));
            let looped = event_loop.then_some(each);
            StepTree::new(looped, &class.steps, own_children, recorded)
        })
        .collect();
    let serial = (w.rounds != Rounds::default()).then(|| {
        // The main coroutine goes on with it itself.
        let steps = Step::Inline(w.rounds.serial.clone());
        StepTree::new(
            event_loop.then_some(each),
            std::slice::from_ref(&steps),
            own_children,
            false,
        )
    });
    ProgramPlan {
        source,
        serial,
        each,
        copies,
        flavour,
        kind,
        trees,
        functions: names(w),
    }
}

/// What a workload says that programs do not do, if it says that.
fn policy(w: &Workload) -> Option<String> {
    let waits = |q: &&QueueSpec| q.full != Overflow::Wait;
    if w.admission.is_some() {
        Some("it lets in only some tasks (`admission`)".into())
    } else if w.client.is_some() {
        Some("its clients give up or ask again (`client`)".into())
    } else {
        let queue = w.queues.iter().find(waits)?;
        Some(format!(
            "its queue \"{}\" refuses or drops items (`full`)",
            queue.name
        ))
    }
}

/// Why a scenario has no program under this strategy, if it has none.
fn refused(plan: &ProgramPlan<'_>) -> Result<(), ProgramError> {
    let source = plan.source;
    if let Some(policy) = policy(source.workload) {
        return Err(ProgramError::Policy(policy));
    }
    let queues = plan.any(|n| matches!(n, ProgramStep::Put(_) | ProgramStep::Get(_)));
    if queues && plan.interpreters() && plan.kind == ExecutorKind::Pool {
        return Err(ProgramError::QueueOfInterpreters);
    }
    if queues && plan.copies.is_some() {
        return Err(ProgramError::QueueOfCopies);
    }
    scarce::refused(plan)?;
    super::crashes::refused(plan)?;
    if plan.server().is_some() {
        let mut locks = source.workload.locks.iter();
        if let Some(lock) = locks.find(|l| l.shared && plan.copies.is_some()) {
            return Err(ProgramError::LockOfAll(lock.name.clone()));
        }
        if plan.kind == ExecutorKind::Pool && plan.any(|n| n.offspring().is_some()) {
            return Err(ProgramError::ChildrenOfThreads);
        }
    }
    if let Some(device) = super::calls::device_of_several(plan) {
        return Err(ProgramError::DeviceOfAll(device));
    }
    if super::calls::queue_apart(plan) {
        return Err(ProgramError::QueueOfCall);
    }
    Ok(())
}

/// Generates the program of a scenario under a strategy.
///
/// # Errors
/// Returns the reason why the scenario cannot be turned into Python.
pub fn generate(source: &ProgramSpec<'_>) -> Result<GeneratedProgram, ProgramError> {
    let plan = plan(source);
    refused(&plan)?;
    let table = TaskTable::draw(&plan)?;
    let stem = file_prefix(source.name) + &slug(&strategy_label(source.strategy));
    let imports = imports(&plan);
    let notes = super::notes::notes(&plan);
    let mut text = header(&plan, &stem, &notes);
    text.push_str(&settings(&plan, imports.as_ref()));
    text.push_str(&functions(&plan));
    text.push_str(&pieces::steps(&plan));
    text.push_str(&super::world::world(&plan));
    text.push_str(&super::crashes::killer(&plan));
    let (data, served) = if let Some(server) = plan.server() {
        let (app, data) = application::application(&plan, &table);
        text.push_str(&app);
        (data, Some(application::served(&plan, server, &table)))
    } else {
        text.push_str(&table.text());
        text.push_str(&pieces::strategy(&plan));
        text.push_str(&measure(source.workload));
        (table.file(), None)
    };
    let text = super::crashes::with_crashes(&plan, text);
    Ok(GeneratedProgram {
        stem,
        text,
        data,
        imports: imports.map(|(module, text)| (format!("{module}.py"), text)),
        notes,
        numbers_per_task: table.numbers_per_task(),
        served,
    })
}

/// What the names of all files begin with that are made of a scenario.
pub fn file_prefix(scenario: &str) -> String {
    format!("{}_", slug(scenario))
}

/// How a program is measured. The main program loads its data before that; what it forks has them as well, but nothing that starts afresh.
fn measure(workload: &Workload) -> String {
    let text = concat!(
        "\n\n",
        "# ---------------------------------------------------------------------------- measuring\n",
        include_str!("template/canary.py"),
        include_str!("template/measure.py")
    );
    if workload.data == 0 {
        return text.to_owned();
    }
    let (before, after) = (
        "    tasks = workload()\n",
        "    print(json.dumps(result))\n",
    );
    let size = digits(workload.data);
    let made =
        format!("    data = payload({size})  # The main program's own, which nobody writes.\n");
    text.replace(before, &format!("{made}{before}"))
        .replace(after, &format!("    del data\n{after}"))
}

fn header(plan: &ProgramPlan<'_>, stem: &str, notes: &[String]) -> String {
    let s = plan.source;
    let mut out = format!(
        "#!/usr/bin/env python3\n\"\"\"{} under {}: a benchmark of this workload, written by pchsim {}.\n\n",
        one_line(s.name),
        strategy_label(s.strategy),
        env!("CARGO_PKG_VERSION")
    );
    if !s.question.is_empty() {
        let _ = writeln!(out, "{}\n", one_line(s.question));
    }
    let _ = writeln!(out, "Made by:  {}", one_line(s.command));
    match plan.server() {
        Some(server) => {
            let example = plan.functions.first().map_or("", String::as_str);
            out.push_str(&application::usage(server, stem, example));
        }
        None => out.push_str(
            "Needs:    CPython 3.9 or later, nothing else. Linux or macOS.\n\
             Prints:   one JSON line of what happened; a summary on standard error.\n",
        ),
    }
    out.push_str(
        "\nCPU time is spent as this thread's own CPU time, so that it is what the scenario says however busy the machine is.\n\
         To measure your own code, put it into the functions below, in place of what stands there.\n",
    );
    if !notes.is_empty() {
        out.push_str("\nWhat differs from the scenario:\n");
        for note in notes {
            let _ = writeln!(out, "- {}", one_line(note));
        }
    }
    out.push_str("\"\"\"\n\n");
    out
}

/// The text changed so that it cannot end the program's docstring.
fn one_line(text: &str) -> String {
    visible(text).replace('\\', "\\\\").replace("\"\"\"", "'''")
}

/// What programs import. Every program has all of these imports, so that all programs take equally long to start.
pub(super) const STANDARD: [(&str, Option<&str>); 14] = [
    ("asyncio", None),
    ("concurrent.futures", Some("cf")),
    ("contextlib", None),
    ("functools", None),
    ("hashlib", None),
    ("heapq", None),
    ("json", None),
    ("multiprocessing", None),
    ("os", None),
    ("queue", None),
    ("resource", None),
    ("sys", None),
    ("threading", None),
    ("time", None),
];

fn settings(plan: &ProgramPlan<'_>, imports: Option<&(String, String)>) -> String {
    let s = plan.source;
    let mut out = String::new();
    for (module, alias) in STANDARD {
        let alias = alias.map_or(String::new(), |a| format!(" as {a}"));
        let _ = writeln!(out, "import {module}{alias}");
    }
    if let Some((module, _)) = imports {
        let _ = writeln!(
            out,
            "\nimport {module}  # Stands for the modules of your own program."
        );
    }
    if application::limited(plan) {
        out.push_str("\nimport anyio.to_thread\n");
    }
    let _ = write!(
        out,
        "\nCPU_FACTOR = {}  # What a millisecond of cpu() costs on this interpreter: 1 is CPython 3.14.\n",
        shortest(s.cpu_factor)
    );
    if plan.server().is_none() {
        let cores = s.cores.map_or("None".into(), |n| n.to_string());
        let _ = writeln!(
            out,
            "CORES = {cores}  # The program confines itself to so many cores (Linux); None: all."
        );
    }
    out
}

fn functions(plan: &ProgramPlan<'_>) -> String {
    let mut out = String::from(
        "\n# ---------------------------------------------------------------------------- PUT YOUR OWN FUNCTIONS HERE\n\
         #\n# One function for each kind of task. ",
    );
    out.push_str(match plan.flavour {
        Flavour::Plain { .. } | Flavour::Call => {
            "cpu(ms) is Python code, native(ms) C code without the GIL, io(seconds)\n# a wait: replace them by your own calls.\n"
        }
        Flavour::Loop => {
            "cpu(ms) is Python code, native(ms) C code: both block the event loop.\n# `await io(seconds)` is a wait. Replace them by your own calls.\n"
        }
        Flavour::Offload => {
            "Blocking steps (cpu: Python, native: C code) are noted down and go to a\n\
             # worker together at the next wait. Your own: task.call(function, argument), then (result,) = await task.done().\n"
        }
    });
    let s = plan.source;
    if plan.any(|n| matches!(n, ProgramStep::Call(_))) {
        out.push_str(
            "# Functions named ..._call_... are called in a worker, where block(seconds) is a wait: await offload(task, pool, function).\n",
        );
    }
    for ((class, tree), name) in s
        .workload
        .classes
        .iter()
        .zip(&plan.trees)
        .zip(&plan.functions)
    {
        let _ = writeln!(out, "\n\n# {}", one_line(&class.name));
        let touches = plan.touches(class);
        out.push_str(&function(
            plan.flavour,
            s.workload,
            s.across,
            plan.backs_off(),
            name,
            tree,
            touches,
        ));
    }
    if let Some(tree) = &plan.serial {
        out.push_str("\n\n# What the program does by itself before each round.\n");
        out.push_str(&function(
            plan.flavour,
            s.workload,
            s.across,
            plan.backs_off(),
            "serial",
            tree,
            0.0,
        ));
    }
    if plan.server().is_some() {
        // Requests come to them by routes.
        out.push('\n');
        return out;
    }
    out.push_str("\n\n# What is run for each kind of task.\nFUNCTIONS = {\n");
    for (class, name) in s.workload.classes.iter().zip(&plan.functions) {
        let _ = writeln!(out, "    {}: {name},", quoted(&class.name));
    }
    out.push_str("}\n\n");
    out
}

/// The names of the classes as names of Python functions, each used once.
fn names(workload: &Workload) -> Vec<String> {
    let mut taken: Vec<String> = Vec::new();
    for class in &workload.classes {
        let mut name = format!("task_{}", slug(&class.name));
        while taken.contains(&name) || name.contains("_child_") || name.contains("_call_") {
            name = name.replace("_child_", "_child").replace("_call_", "_call") + "_";
        }
        taken.push(name);
    }
    taken
}

/// A text as part of the name of a module.
pub(super) fn slug(text: &str) -> String {
    let mut out = String::new();
    for c in text.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(c.to_ascii_lowercase());
        } else if !out.is_empty() && !out.ends_with('_') {
            out.push('_');
        }
    }
    let out = out.trim_end_matches('_');
    let named = if out.is_empty() { "scenario" } else { out };
    let digit = named.starts_with(|c: char| c.is_ascii_digit());
    format!("{}{named}", if digit { "n" } else { "" })
}

/// The bytes of an imported container and what it refers to, where the scenario does not say how many objects there are.
const ESTIMATED_OBJECT: u64 = 1_000;

/// The module that stands for the scenario's imports, if it has any.
pub(super) fn imports_module(source: &ProgramSpec<'_>) -> Option<String> {
    let any = source.workload.imports != crate::scenario::Imports::default();
    any.then(|| format!("{}_imports", slug(source.name)))
}

/// The name and the text of the module that stands for the imports, if there is any.
fn imports(plan: &ProgramPlan<'_>) -> Option<(String, String)> {
    let source = plan.source;
    let i = source.workload.imports;
    let module = imports_module(source)?;
    let seconds = i.time.as_secs_f64() * source.cpu_factor;
    // Where the scenario does not say how many objects there are, they matter only to processes that copy their pages.
    let walks = (source.workload.classes.iter()).any(|c| plan.touches(c) > 0.0);
    let looked_at = walks || plan.any(|n| matches!(n, ProgramStep::Allocate(_)));
    let objects = i.objects.unwrap_or(if looked_at {
        i.memory / ESTIMATED_OBJECT
    } else {
        0
    });
    let (uses, freeze) = if i.frozen {
        ("\nimport gc\nimport time\n", "gc.freeze()\n")
    } else {
        ("\nimport time\n", "")
    };
    let text = include_str!("template/imports.py")
        .replace("{uses}", uses)
        .replace("{freeze}", freeze)
        .replace("{seconds}", &shortest(seconds))
        .replace("{bytes}", &digits(i.memory))
        .replace("{objects}", &digits(objects));
    Some((module, text))
}
