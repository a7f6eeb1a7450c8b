//! Compiles a strategy tree and a workload to a [`Program`]: flat instructions, and the executors that run them.

use super::SimError;
use crate::cpython::Program;
use crate::cpython::profile::Profile;
use crate::cpython::program::{Class, ClassIndex, Demand, Executor, Instr, Layout};
use crate::engine::whole;
use crate::scenario::{
    Arrivals, Dist, Imports, Inside, MachineSpec, Offload, ProcessApi, StartMethod, Step, Strategy,
    WaitsFor, Workers, Workload,
};

/// Loops are unrolled as long as they come to at most so many instructions.
const UNROLLED: usize = 4096;

struct Compiler {
    dists: Vec<Dist>,
    /// Classes of children, in order of appearance.
    children: Vec<Class>,
    /// For each lock, whether it is ever held across a wait.
    across: Vec<bool>,
    /// Share (0 to 1) of the program's objects that the steps of the class being compiled walk.
    touches: f64,
    /// Pairs of locks: the second is taken while the first is held.
    nested: Vec<(usize, usize)>,
}

/// Compiles a workload for a strategy on a machine.
///
/// # Errors
///
/// If the interpreter or the library cannot do what the strategy asks.
pub fn compile(
    machine: &MachineSpec,
    profile: &Profile,
    workload: &Workload,
    strategy: &Strategy,
) -> Result<Program, SimError> {
    let layout = layout(machine, profile, strategy)?;
    let mut c = Compiler {
        dists: Vec::new(),
        children: Vec::new(),
        across: vec![false; workload.locks.len()],
        touches: 0.0,
        nested: Vec::new(),
    };
    let mut classes: Vec<Class> = workload
        .classes
        .iter()
        .map(|class| {
            c.touches = class.touches;
            let mut held = Vec::new();
            let mut code = Vec::new();
            c.steps(&class.steps, &mut code, &mut held);
            code.push(Instr::End);
            let bytes_in = bytes_in(&code);
            Class {
                name: class.name.clone(),
                code,
                bytes_in,
                objects: objects(&class.steps),
                weight: class.weight,
                touches: class.touches,
            }
        })
        .collect();
    let own_classes = classes.len();
    // The number of a class of children becomes its index after the workload's own classes.
    for class in classes.iter_mut().chain(&mut c.children) {
        for instr in &mut class.code {
            if let Some(class) = instr.children_mut() {
                *class = ClassIndex::from(own_classes + usize::from(*class));
            }
        }
    }
    classes.append(&mut c.children);
    c.taking_waits();
    Ok(Program {
        classes: classes.into(),
        own_classes,
        means: c.dists.iter().map(Dist::exact_mean).collect(),
        dists: c.dists.into(),
        arrivals: workload.arrivals.clone(),
        batch: if workload.arrivals == Arrivals::Batch {
            batch_order(workload)
        } else {
            Vec::new()
        },
        locks: workload.locks.clone().into(),
        queues: workload.queues.clone().into(),
        objects: workload.objects.clone().into(),
        resources: workload.resources.clone().into(),
        lock_across_wait: c.across.into(),
        layout,
        import_time: workload.imports.time,
        import_memory: workload.imports.memory,
        live_objects: if workload.imports.frozen {
            0
        } else {
            workload.imports.objects.unwrap_or(0)
        },
        object_memory: object_memory(profile, &workload.imports),
        frozen: workload.imports.frozen,
        preloadable: workload.imports.preloaded,
        untouched_payload: workload.untouched_payload,
        dispatch: workload.dispatch,
        cpu_grain: workload.cpu_grain,
        native_grain: workload.native_grain,
    })
}

/// Bytes of imported memory that are objects. If the scenario does not give their number, all of it is, at the profile's density.
fn object_memory(profile: &Profile, imports: &Imports) -> u64 {
    imports.objects.map_or(imports.memory, |objects| {
        let each = whole(profile.params.object_rss);
        imports.memory.min(objects.saturating_mul(each))
    })
}

/// Bytes that travel to a worker with a task.
fn bytes_in(code: &[Instr]) -> u64 {
    code.iter()
        .map(|i| i.payload_in())
        .fold(0, u64::saturating_add)
}

/// Small objects of a task's steps that are pickled one by one, on the way to a worker and back.
fn objects(steps: &[Step]) -> (u64, u64) {
    let (mut there, mut back) = (0u64, 0u64);
    for step in steps {
        let carried = step.carries();
        there = there.saturating_add(carried.objects_in);
        back = back.saturating_add(carried.objects_out);
        if let Some(Inside { steps, runs }) = step.inside() {
            let times = runs.by_the_task();
            let (t, b) = objects(steps);
            there = there.saturating_add(t.saturating_mul(times));
            back = back.saturating_add(b.saturating_mul(times));
        }
    }
    (there, back)
}

/// Classes of a batch in order of arrival: one class after another, but classes that interleave take turns.
pub fn batch_order(workload: &Workload) -> Vec<ClassIndex> {
    let numbered = || (0..).map(ClassIndex::from).zip(&workload.classes);
    let mut order = Vec::new();
    let mut left: Vec<(ClassIndex, u64)> = numbered()
        .filter(|(_, c)| c.interleave)
        .map(|(i, c)| (i, c.count))
        .collect();
    let mut interleaved = Vec::new();
    while left.iter().any(|&(_, n)| n > 0) {
        for (i, n) in &mut left {
            if *n > 0 {
                *n -= 1;
                interleaved.push(*i);
            }
        }
    }
    let mut pending = Some(interleaved);
    for (i, class) in numbered() {
        if class.interleave {
            order.extend(pending.take().into_iter().flatten());
        } else {
            order.extend((0..class.count).map(|_| i));
        }
    }
    order
}

impl Compiler {
    fn demand(&mut self, dist: &Dist) -> Demand {
        if let Dist::Constant(time) = dist {
            return Demand::Constant(*time);
        }
        let number = self
            .dists
            .iter()
            .position(|d| d == dist)
            .unwrap_or_else(|| {
                self.dists.push(dist.clone());
                self.dists.len() - 1
            });
        Demand::Drawn(number.into())
    }

    /// Notes a wait: all locks that are held now are held across it.
    fn waits(&mut self, held: &[usize]) {
        for &lock in held {
            self.across[lock] = true;
        }
    }

    /// Completes which locks are held across waits: a lock that is itself awaited makes every lock held around it held across a wait.
    fn taking_waits(&mut self) {
        loop {
            let before = self.across.clone();
            for &(outer, inner) in &self.nested {
                self.across[outer] |= self.across[inner];
            }
            if self.across == before {
                return;
            }
        }
    }

    fn steps(&mut self, steps: &[Step], code: &mut Vec<Instr>, held: &mut Vec<usize>) {
        for step in steps {
            self.step(step, code, held);
        }
    }

    fn step(&mut self, step: &Step, code: &mut Vec<Instr>, held: &mut Vec<usize>) {
        match step.waits() {
            WaitsFor::Outside
            | WaitsFor::Item(_)
            | WaitsFor::Room(_)
            | WaitsFor::Resource(_)
            | WaitsFor::Children
            | WaitsFor::Pause => {
                self.waits(held);
            }
            // Whether taking a lock is a wait depends on who holds the lock across one: see `taking_waits`.
            WaitsFor::Lock(_) | WaitsFor::Never => {}
        }
        match step {
            Step::Cpu(d) => {
                let d = self.demand(d);
                code.push(Instr::Cpu(d));
            }
            Step::Releasing(d, releases) => {
                let mean = d.mean();
                let d = self.demand(d);
                code.push(Instr::Releasing(d, mean, *releases));
            }
            Step::Native(d) => {
                let d = self.demand(d);
                code.push(Instr::Native(d));
            }
            Step::Io(d) => {
                let d = self.demand(d);
                code.push(Instr::Io(d));
            }
            Step::Block(d) => {
                let d = self.demand(d);
                code.push(Instr::Block(d));
            }
            Step::Lock(lock, inner) => {
                self.step(&Step::Acquire(*lock), code, held);
                self.steps(inner, code, held);
                self.step(&Step::Release(*lock), code, held);
            }
            Step::Use(resource, inner) => {
                code.push(Instr::EnterUse((*resource).into()));
                self.steps(inner, code, held);
                code.push(Instr::LeaveUse((*resource).into()));
            }
            Step::Acquire(lock) => {
                self.nested.extend(held.iter().map(|&outer| (outer, *lock)));
                held.push(*lock);
                code.push(Instr::Acquire((*lock).into()));
            }
            Step::Release(lock) => {
                if let Some(at) = held.iter().rposition(|l| l == lock) {
                    held.remove(at);
                }
                code.push(Instr::Release((*lock).into()));
            }
            Step::Shared {
                object,
                count,
                write,
            } => {
                code.push(Instr::Shared {
                    object: (*object).into(),
                    count: *count,
                    write: *write,
                });
            }
            Step::Put(q) => code.push(Instr::Put((*q).into())),
            Step::Get(q) => code.push(Instr::Get((*q).into())),
            Step::FanOut { count, steps } => {
                let mut inner = Vec::new();
                self.steps(steps, &mut inner, &mut Vec::new());
                inner.push(Instr::End);
                let bytes_in = bytes_in(&inner);
                let class = ClassIndex::from(self.children.len());
                self.children.push(Class {
                    name: "child".into(),
                    code: inner,
                    bytes_in,
                    objects: (0, 0),
                    weight: 0.0,
                    touches: self.touches,
                });
                code.push(Instr::FanOut {
                    class,
                    count: *count,
                });
            }
            Step::PayloadIn(n) => code.push(Instr::PayloadIn(*n)),
            Step::PayloadOut(n) => code.push(Instr::PayloadOut(*n)),
            Step::ObjectsIn(_) | Step::ObjectsOut(_) => {}
            Step::Allocate(n) => code.push(Instr::Allocate(*n)),
            Step::Hold(bytes, inner) => {
                code.push(Instr::EnterHold(*bytes));
                self.steps(inner, code, held);
                code.push(Instr::LeaveHold);
            }
            Step::Timeout(after, inner) => {
                code.push(Instr::EnterTimeout(*after));
                self.steps(inner, code, held);
                code.push(Instr::LeaveTimeout);
            }
            Step::Fail(p) => code.push(Instr::Fail(*p)),
            Step::Retry {
                attempts,
                backoff,
                steps,
            } => {
                code.push(Instr::EnterRetry {
                    attempts: *attempts,
                    backoff: *backoff,
                });
                self.steps(steps, code, held);
                code.push(Instr::LeaveRetry);
            }
            Step::Repeat(times, inner) => self.repeat(*times, inner, code, held),
        }
    }

    fn repeat(&mut self, times: u64, inner: &[Step], code: &mut Vec<Instr>, held: &mut Vec<usize>) {
        if times == 0 {
            return;
        }
        let start = code.len();
        code.push(Instr::EnterRepeat(times));
        self.steps(inner, code, held);
        let round = code.len() - start - 1;
        // A small loop is unrolled: parts of a coroutine may then reach from one round into the next.
        let rounds = usize::try_from(times).unwrap_or(usize::MAX);
        if round.saturating_mul(rounds) <= UNROLLED {
            code.remove(start);
            let body: Vec<Instr> = code[start..].to_vec();
            for _ in 1..rounds {
                code.extend_from_slice(&body);
            }
        } else {
            code.push(Instr::LeaveRepeat);
        }
    }
}

/// Why the interpreter cannot start processes in the way that the strategy wants; `None` if it can.
fn missing_start<'a>(profile: &'a Profile, strategy: &Strategy) -> Option<&'a str> {
    let start = strategy.execution().pool.start()?;
    profile.lacks(match start {
        StartMethod::Fork => "fork_call",
        StartMethod::Spawn => "spawn_call",
        StartMethod::Forkserver => "forkserver_call",
    })
}

fn layout(
    machine: &MachineSpec,
    profile: &Profile,
    strategy: &Strategy,
) -> Result<Layout, SimError> {
    let cpus = machine.visible_cpus.max(1);
    if let Some(why) = missing_start(profile, strategy) {
        return Err(SimError::Unsupported(format!("{}: {why}", profile.name)));
    }
    // Defaults of concurrent.futures (facts sheet 1): min(32, cpus + 4) threads, one process for each cpu.
    let threads = |w: Workers| match w {
        Workers::Auto | Workers::PerTask => (cpus + 4).min(32),
        Workers::Exactly(n) => n.max(1),
    };
    let processes = |w: Workers| match w {
        Workers::Auto | Workers::PerTask => cpus,
        Workers::Exactly(n) => n.max(1),
    };
    let interpreters = |w: Workers| {
        if profile.params.interp_create > 0.0 {
            Ok(Executor::Interpreters(threads(w)))
        } else {
            Err(SimError::Unsupported(format!(
                "{} has no InterpreterPoolExecutor (CPython 3.14 and later have); leave the strategy out or name another interpreter",
                profile.name
            )))
        }
    };
    let one = |event_loop, limit, executor| Layout {
        copies: 1,
        event_loop,
        limit,
        executor,
    };
    Ok(match strategy {
        Strategy::Sequential => one(false, None, Executor::Inline),
        Strategy::Threads(Workers::PerTask) => one(false, None, Executor::RawThreads),
        Strategy::Threads(w) => one(false, None, Executor::Threads(threads(*w))),
        Strategy::Processes {
            workers,
            start,
            api: ProcessApi::Executor,
        } => one(
            false,
            None,
            Executor::Processes(processes(*workers), *start),
        ),
        Strategy::Processes {
            workers,
            start,
            api: ProcessApi::Pool { chunksize },
        } => one(
            false,
            None,
            Executor::MpPool(processes(*workers), *start, chunksize.unwrap_or(0)),
        ),
        Strategy::Interpreters(w) => one(false, None, interpreters(*w)?),
        Strategy::Asyncio { limit, offload } => {
            let executor = match offload {
                Offload::None => Executor::Inline,
                Offload::Threads(w) => Executor::Threads(threads(*w)),
                Offload::Processes(w, start) => Executor::Processes(processes(*w), *start),
                Offload::Interpreters(w) => interpreters(*w)?,
            };
            one(true, *limit, executor)
        }
        Strategy::Prefork { processes, each } => {
            let inner = layout(machine, profile, each)?;
            if inner.copies > 1 {
                return Err(SimError::Unsupported(
                    "a prefork server inside a prefork server".into(),
                ));
            }
            Layout {
                copies: (*processes).max(1),
                ..inner
            }
        }
    })
}
