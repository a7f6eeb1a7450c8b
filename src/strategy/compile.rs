//! Compiles a strategy tree and a workload to a [`Program`]: flat instructions, and the executors that run them.

use super::SimError;
use super::layout::{layout, named_executors, threads};
use crate::cpython::Program;
use crate::cpython::profile::Profile;
use crate::cpython::program::{
    Call, Class, ClassIndex, Demand, Executor, ExecutorIndex, Instr, Layout, NamedExecutor,
};
use crate::engine::whole;
use crate::scenario::{
    Arrivals, Backoff, Dist, FaultKind, Imports, Inside, MachineSpec, Placed, Pool, Rounds, Server,
    Sizes, Step, Strategy, WaitsFor, Workers, WorkingMemory, Workload,
};

/// Loops are unrolled as long as they come to at most so many instructions.
const UNROLLED: usize = 4096;

struct Compiler {
    dists: Vec<Dist>,
    /// How retries pause between their attempts.
    backoffs: Vec<Backoff>,
    /// Classes of children, in order of appearance.
    children: Vec<Class>,
    /// For each lock, whether it is ever held across a wait.
    across: Vec<bool>,
    /// Share (0 to 1) of the program's objects that the steps of the class being compiled walk.
    touches: f64,
    /// Pairs of locks: the second is taken while the first is held.
    nested: Vec<(usize, usize)>,
    /// For each lock, whether a worker takes it within a call.
    called: Vec<bool>,
    /// How the program executes its tasks, and the executors that have names.
    layout: Layout,
    pools: Vec<NamedExecutor>,
    /// Number of threads of an event loop's own default executor.
    default_threads: u32,
    /// Steps that a worker executes as one call.
    calls: Vec<Call>,
    /// Whether the steps being compiled are those of a call, or such as stay on the event loop.
    within: Within,
}

/// Who executes the steps being compiled.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Within {
    /// Whoever the strategy has for each of them.
    Task,
    /// A worker, as one call.
    Call,
    /// The event loop.
    Loop,
}

/// What becomes of a step that says who executes the steps inside it.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Placement {
    /// Nothing: whoever comes to them executes them.
    InPlace,
    /// They are a call, which this executor gets.
    Call(ExecutorIndex),
    /// They stay on the loop.
    Loop,
}

/// Why a strategy cannot be compared with those that a fault of the workload strikes; `None` if it can.
fn unstruck(workload: &Workload, strategy: &Strategy, layout: &Layout) -> Option<&'static str> {
    let faults = |which: fn(FaultKind) -> bool| workload.faults.iter().any(|f| which(f.kind));
    let one_process = match layout.executor {
        Executor::Inline
        | Executor::RawThreads
        | Executor::Threads(_)
        | Executor::Interpreters(_) => {
            let of_processes = |pool: Pool| match pool {
                Pool::Processes { .. } => true,
                Pool::Nobody | Pool::ThreadEach | Pool::Threads(_) | Pool::Interpreters(_) => false,
            };
            !layout.has_master() && !strategy.every_pool().any(of_processes)
        }
        Executor::Processes(..) | Executor::MpPool(..) => false,
    };
    match strategy.nodes() {
        None if faults(FaultKind::takes_machine) => Some(
            "the scenario's faults have a machine lost, which is found out by a balancer: write nodes:1(..) for one machine, nodes:3(..) for three",
        ),
        Some(_) if one_process && faults(FaultKind::kills) => Some(
            "the scenario's faults end worker processes, and nobody starts the only process of a machine again: have a server or a prefork on each",
        ),
        None if !layout.has_master() && faults(|k| k.rollout().is_some()) => Some(
            "the scenario's faults restart a server while it serves, and nobody starts a program without a master again: have a server or a prefork, or \
             machines behind a balancer (nodes:2(..))",
        ),
        None | Some(_) => None,
    }
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
    let workload = &*workload.under(strategy);
    let machine = &*strategy.machine(machine);
    let cluster = strategy.nodes().copied();
    if cluster.is_some() && workload.rounds != Rounds::default() {
        return Err(SimError::Unsupported(
            "machines behind a balancer have no rounds: `Rounds` is a program that waits for all its tasks".into(),
        ));
    }
    let request = strategy.server().and_then(Server::request);
    let layout = layout(machine, profile, strategy)?;
    if let Some(why) = unstruck(workload, strategy, &layout) {
        return Err(SimError::Unsupported(why.into()));
    }
    let frozen = workload.imports.frozen || layout.life.freeze;
    let mut c = Compiler {
        dists: Vec::new(),
        backoffs: Vec::new(),
        children: Vec::new(),
        across: vec![false; workload.locks.len()],
        touches: 0.0,
        nested: Vec::new(),
        called: vec![false; workload.locks.len()],
        layout,
        pools: named_executors(machine, profile, strategy)?,
        default_threads: threads(machine, Workers::Auto),
        calls: Vec::new(),
        within: Within::Task,
    };
    let mut classes: Vec<Class> = workload
        .classes
        .iter()
        .map(|class| {
            c.touches = class.touches;
            let mut held = Vec::new();
            let mut code = Vec::new();
            if let Some(handling) = request {
                c.on_loop(&mut code, |_, code| code.push(Instr::Handle(handling)));
            }
            c.steps(&class.steps, &mut code, &mut held);
            code.push(Instr::End);
            let bytes_in = bytes_in(&code);
            Class {
                name: class.name.clone(),
                code,
                bytes_in,
                objects: c.objects(&class.steps),
                weight: class.weight,
                touches: class.touches,
            }
        })
        .collect();
    let own_classes = classes.len();
    let serial = c.serial(&workload.rounds.serial);
    // The number of a class of children becomes its index after the workload's own classes.
    for class in classes.iter_mut().chain(&mut c.children) {
        for instr in &mut class.code {
            if let Some(class) = instr.children_mut() {
                *class = ClassIndex::from(own_classes + usize::from(*class));
            }
        }
    }
    classes.append(&mut c.children);
    let serial = serial.map(|class| {
        classes.push(class);
        ClassIndex::from(classes.len() - 1)
    });
    c.taking_waits();
    c.locks_of_calls(workload)?;
    let order = if workload.arrivals == Arrivals::Batch {
        batch_order(workload)
    } else {
        Vec::new()
    };
    // Several machines have no list in common: a batch is sent to them.
    let (batch, listed) = match cluster {
        None => (order, Vec::new()),
        Some(_) => (Vec::new(), order),
    };
    Ok(Program {
        classes: classes.into(),
        own_classes,
        means: c.dists.iter().map(Dist::exact_mean).collect(),
        dists: c.dists.into(),
        backoffs: c.backoffs.into(),
        arrivals: workload.arrivals.clone(),
        batch,
        listed,
        cluster,
        rounds: workload.rounds.count,
        serial,
        locks: workload.locks.clone().into(),
        queues: workload.queues.clone().into(),
        objects: workload.objects.clone().into(),
        resources: workload.resources.clone().into(),
        devices: workload.devices.clone().into(),
        faults: workload.faults.clone(),
        admission: workload.admission,
        client: workload.client.clone(),
        lock_across_wait: c.across.into(),
        layout,
        pools: c.pools,
        calls: c.calls.into(),
        import_time: workload.imports.time,
        import_memory: workload.imports.memory,
        data_memory: workload.data,
        live_objects: if frozen {
            0
        } else {
            workload.imports.objects.unwrap_or(0)
        },
        object_memory: object_memory(profile, &workload.imports),
        frozen,
        preloadable: workload.imports.preloaded,
        untouched_payload: workload.untouched_payload,
        dispatch: workload.dispatch,
        cpu_grain: workload.cpu_grain,
        native_grain: workload.native_grain,
        python_teams: workload.python_teams,
        ready: workload.ready,
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
    /// Small objects of steps that are pickled one by one, on the way to a worker and back: those of calls go with these, and what stays on
    /// the loop goes nowhere.
    fn objects(&self, steps: &[Step]) -> (u64, u64) {
        let (mut there, mut back) = (0u64, 0u64);
        for step in steps {
            let carried = step.carries();
            there = there.saturating_add(carried.objects_in);
            back = back.saturating_add(carried.objects_out);
            if let Some(Inside { steps, runs }) = step.inside()
                && self.placement(step) == Placement::InPlace
            {
                let times = runs.by_the_task();
                let (t, b) = self.objects(steps);
                there = there.saturating_add(t.saturating_mul(times));
                back = back.saturating_add(b.saturating_mul(times));
            }
        }
        (there, back)
    }

    /// Compiles, at the top of a task, what stays on the loop, whatever the strategy offloads.
    fn on_loop(&mut self, code: &mut Vec<Instr>, inner: impl FnOnce(&mut Self, &mut Vec<Instr>)) {
        let offloads = self.layout.event_loop && self.layout.executor != Executor::Inline;
        if !offloads {
            return inner(self, code);
        }
        self.within = Within::Loop;
        code.push(Instr::EnterInline);
        inner(self, code);
        code.push(Instr::LeaveInline);
        self.within = Within::Task;
    }

    /// The class of what the main program does by itself before each round; `None` if that is nothing.
    fn serial(&mut self, steps: &[Step]) -> Option<Class> {
        if steps.is_empty() {
            return None;
        }
        self.touches = 0.0;
        let mut code = Vec::new();
        self.on_loop(&mut code, |c, code| c.steps(steps, code, &mut Vec::new()));
        code.push(Instr::End);
        Some(Class {
            name: "serial".into(),
            code,
            bytes_in: 0,
            objects: (0, 0),
            weight: 0.0,
            touches: 0.0,
        })
    }

    /// What becomes of the steps inside a step, by what it says itself and what the strategy has.
    fn placement(&self, step: &Step) -> Placement {
        let Some(placed) = step.placed().filter(|_| self.layout.event_loop) else {
            return Placement::InPlace;
        };
        let on_loop = if self.layout.executor == Executor::Inline || self.within == Within::Loop {
            Placement::InPlace
        } else {
            Placement::Loop
        };
        match (self.within, placed) {
            // A worker can neither await another nor go back to the loop.
            (Within::Call, Placed::Call(_) | Placed::Loop) => Placement::InPlace,
            (Within::Task | Within::Loop, Placed::Loop) => on_loop,
            (Within::Task | Within::Loop, Placed::Call(to)) => {
                let named = to.and_then(|name| self.pool(Some(name)));
                let to = match named {
                    None if self.layout.executor != Executor::Inline => ExecutorIndex::DEFAULT,
                    // One past the last: the loop's own default executor, should it not be there yet.
                    None => self.pool(None).unwrap_or(self.after_pools()),
                    Some(named) => named,
                };
                match usize::from(to).checked_sub(1).map(|i| self.pools.get(i)) {
                    Some(Some(pool)) if pool.executor == Executor::Inline => on_loop,
                    _ => Placement::Call(to),
                }
            }
        }
    }

    /// The executor of this name; `None`: the event loop's own default executor.
    fn pool(&self, name: Option<&str>) -> Option<ExecutorIndex> {
        let mut pools = self.pools.iter();
        let at = pools.position(|p| p.name.as_deref() == name)?;
        Some(ExecutorIndex::from(at + 1))
    }

    fn after_pools(&self) -> ExecutorIndex {
        ExecutorIndex::from(self.pools.len() + 1)
    }

    /// Compiles the steps inside a step that says who executes them.
    fn placed(
        &mut self,
        step: &Step,
        inner: &[Step],
        code: &mut Vec<Instr>,
        held: &mut Vec<usize>,
    ) {
        let around = self.within;
        match self.placement(step) {
            Placement::InPlace => self.steps(inner, code, held),
            Placement::Loop => {
                self.waits(held);
                self.within = Within::Loop;
                code.push(Instr::EnterInline);
                self.steps(inner, code, held);
                code.push(Instr::LeaveInline);
            }
            Placement::Call(to) => {
                self.waits(held);
                if to == self.after_pools() {
                    self.pools.push(NamedExecutor {
                        name: None,
                        executor: Executor::Threads(self.default_threads),
                    });
                }
                self.within = Within::Call;
                let call = self.calls.len().into();
                let objects = self.objects(inner);
                self.calls.push(Call { to, objects });
                let at = code.len();
                code.push(Instr::EnterCall(call, 0));
                self.steps(inner, code, held);
                let length = u32::try_from(code.len() - at - 1).unwrap_or(u32::MAX);
                code[at] = Instr::EnterCall(call, length);
                code.push(Instr::LeaveCall);
            }
        }
        self.within = around;
    }

    /// Refuses locks that would have to be of two kinds.
    fn locks_of_calls(&self, workload: &Workload) -> Result<(), SimError> {
        let both = |(across, called): (&bool, &bool)| *across && *called;
        let Some(lock) = self.across.iter().zip(&self.called).position(both) else {
            return Ok(());
        };
        Err(SimError::Unsupported(format!(
            "the lock \"{}\" is taken within Offload, by a worker (threading.Lock), and held over a wait of the event loop elsewhere \
             (asyncio.Lock), but no lock of Python is both; take it around the Offload",
            workload.locks[lock].name
        )))
    }

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
        if self.within == Within::Call {
            return; // Who waits is the worker, and the locks are its own.
        }
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
            | WaitsFor::Device(_)
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
            Step::Team(d, threads) => {
                let d = self.demand(d);
                code.push(Instr::Team(d, *threads));
            }
            Step::Io(d) => {
                let d = self.demand(d);
                code.push(Instr::Io(d));
            }
            Step::Block(d) => {
                let d = self.demand(d);
                code.push(Instr::Block(d));
            }
            Step::Transfer(device, alone) => {
                let d = self.demand(alone);
                code.push(Instr::Transfer((*device).into(), d));
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
                if self.within == Within::Call {
                    self.called[*lock] = true;
                } else {
                    self.nested.extend(held.iter().map(|&outer| (outer, *lock)));
                }
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
            Step::FanOut { count, need, steps } => {
                let mut inner = Vec::new();
                // Children of what stays on the loop do so, too.
                let on_loop = self.within == Within::Loop;
                inner.extend(on_loop.then_some(Instr::EnterInline));
                self.steps(steps, &mut inner, &mut Vec::new());
                inner.extend(on_loop.then_some(Instr::LeaveInline));
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
                    need: *need,
                });
            }
            Step::PayloadIn(n) => code.push(Instr::PayloadIn(*n)),
            Step::PayloadOut(n) => code.push(Instr::PayloadOut(*n)),
            Step::ObjectsIn(_) | Step::ObjectsOut(_) => {}
            Step::Allocate(n) => code.push(Instr::Allocate(*n)),
            Step::Leak(n) => code.push(Instr::Leak(*n)),
            Step::Hold(WorkingMemory { size, churn }, inner) => {
                code.push(match self.demand(&size.0) {
                    Demand::Constant(size) => Instr::EnterHold(Sizes::bytes(size), *churn),
                    Demand::Drawn(dist) => Instr::EnterHoldDrawn(dist, *churn),
                });
                self.steps(inner, code, held);
                code.push(Instr::LeaveHold);
            }
            Step::Timeout(after, inner) => {
                let after = self.demand(after);
                code.push(Instr::EnterTimeout(after));
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
                    backoff: self.backoffs.len().into(),
                });
                self.backoffs.push(backoff.clone());
                self.steps(steps, code, held);
                code.push(Instr::LeaveRetry);
            }
            Step::Repeat(times, inner) => self.repeat(*times, inner, code, held),
            Step::Offload { to: _, steps } | Step::Inline(steps) => {
                self.placed(step, steps, code, held);
            }
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
