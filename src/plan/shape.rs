//! What is searched: ways to execute tasks, each with the numbers of it that can be chosen.

use crate::cpython::profile::Profile;
use crate::scenario::{
    Arrivals, Endpoints, MachineSpec, NodeMachine, Nodes, Offload, Pool, Scenario, Server,
    ServerKind, Strategy, WorkerClass, Workers, strategy_label,
};

use super::load::{certain_bytecode, certain_cpu, certain_hold};
use super::pools;
use super::prices::MachineType;
use super::words::with_connections;

/// A way to execute tasks, whose numbers are still open.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Shape {
    /// The strategy of each machine, with any numbers.
    each: Strategy,
    /// What stands before several machines.
    nodes: Nodes,
    /// Whether it stands before one as well, because the scenario says so.
    always: bool,
    /// The interpreter by which it is meant, where only one is.
    interpreter: Option<String>,
}

/// A candidate: a shape with numbers on a kind of machine; how many machines it takes is what is looked for.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Candidate {
    /// Index of the shape: the scenario's own come first, in its order.
    pub shape: usize,
    /// Index of the profile.
    pub profile: usize,
    /// Index of the kind of machine.
    pub machine: usize,
    /// Strategy of each machine.
    pub each: Strategy,
    /// Processes that execute tasks on each machine.
    pub processes: u32,
    /// Tasks that each machine has in work at once, where every worker has one at a time; `None`: any number.
    pub slots: Option<u64>,
    /// Times that connection pools are as large as the scenario says.
    pub pool_factor: u32,
    /// Index of the same candidate with the pools as they are, where they are larger.
    pub larger_of: Option<usize>,
    nodes: Nodes,
    always: bool,
}

impl Candidate {
    /// A strategy by itself on a kind of machine, with the first profile.
    pub(super) fn of(each: Strategy, machine: usize) -> Self {
        Self {
            shape: usize::MAX,
            profile: 0,
            machine,
            processes: each.execution().copies.unwrap_or(1),
            slots: slots(&each),
            pool_factor: 1,
            larger_of: None,
            each,
            nodes: Nodes::of(1),
            always: false,
        }
    }

    /// The strategy on so many machines.
    pub(super) fn on(&self, machines: u32) -> Strategy {
        if machines <= 1 && !self.always {
            return self.each.clone();
        }
        let nodes = Nodes {
            count: machines.max(1),
            machine: NodeMachine::default(),
            ..self.nodes
        };
        Strategy::Nodes {
            nodes,
            each: Box::new(self.each.clone()),
        }
    }

    /// The same with so many of its processes fewer, at least one.
    pub(super) fn fewer(&self, lost: u32) -> Self {
        if lost == 0 {
            return self.clone();
        }
        let left = self.processes.saturating_sub(lost).max(1);
        Self {
            processes: left,
            each: self.each.with_workers(left),
            ..self.clone()
        }
    }

    /// How complex it is: of two that are as good the smaller is taken.
    pub(super) fn weight(&self) -> u64 {
        u64::from(self.processes) * 4 + self.slots.unwrap_or(0).min(1 << 20)
    }

    /// The strategy of each machine, as a scenario would name it.
    pub(super) fn label(&self) -> String {
        strategy_label(&self.each)
    }

    /// The same with what was chosen beside it.
    pub(super) fn described(&self) -> String {
        with_connections(&self.label(), self.pool_factor)
    }

    /// Fewest machines of this kind that can bear the load, whatever happens: by the CPU time that its tasks need for certain, and by how many
    /// tasks it has in work at once (Little's law). Where the load is a number of users, one.
    pub(super) fn fewest(
        &self,
        scenario: &Scenario,
        profile: &Profile,
        machine: &MachineType,
        rate: Option<f64>,
    ) -> u32 {
        let Some(rate) = rate else {
            return 1;
        };
        let workload = scenario.workload.under(&self.each);
        // Cores of the scenario may be slower than the profile's, never faster by this.
        let speed = speed_of(&scenario.machine).max(f64::MIN_POSITIVE);
        let factor = profile.params.cpu_factor.min(1.0) / speed;
        let cores = rate * certain_cpu(&workload) * factor / f64::from(machine.cpus);
        let holds = self.slots.map_or(0.0, |slots| {
            rate * certain_hold(&workload) * factor.min(1.0) / slots.max(1) as f64
        });
        // Where there is a GIL, each process executes bytecode on one core at a time.
        let execution = self.each.execution();
        let in_processes = match execution.pool {
            Pool::Nobody | Pool::ThreadEach | Pool::Threads(_) => {
                profile.gil && self.each.pools().is_empty()
            }
            Pool::Processes { .. } | Pool::Interpreters(_) => false,
        };
        let gils = if in_processes {
            rate * certain_bytecode(&workload) * factor / f64::from(self.processes)
        } else {
            0.0
        };
        // Only whole machines more than the load needs on average keep up; a hair less is left to the simulation.
        let least = libm::ceil(cores.max(holds).max(gils) * 0.98 - 1e-9).clamp(1.0, 1e6);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "within limits"
        )]
        let least = least as u32;
        least
    }
}

/// Speed of the scenario's cores, relative to the profile's: that of the first.
fn speed_of(machine: &MachineSpec) -> f64 {
    machine.cores.first().copied().unwrap_or(1.0)
}

/// The machine of the scenario as one of that kind.
pub(super) fn machine_of(scenario: &MachineSpec, kind: &MachineType) -> MachineSpec {
    let mut machine = scenario.clone();
    machine.cores = vec![speed_of(scenario); kind.cpus as usize];
    machine.visible_cpus = kind.cpus;
    machine.memory_limit = Some(kind.memory_bytes);
    machine
}

/// The shapes that are searched: the scenario's own strategies and, where its tasks are requests, servers as people start them.
pub(super) fn shapes(scenario: &Scenario, servers: bool) -> Vec<Shape> {
    let mut all: Vec<Shape> = Vec::new();
    let mut add = |strategy: &Strategy, interpreter: Option<String>| {
        let shape = Shape {
            each: strategy.on_each().clone(),
            nodes: strategy.nodes().copied().unwrap_or(Nodes::of(1)),
            always: strategy.nodes().is_some(),
            interpreter,
        };
        let numbers = |s: &Shape| {
            Numbers {
                processes: 1,
                threads: 1,
            }
            .in_place(&s.each)
        };
        let known = |s: &Shape| {
            (numbers(s), s.nodes.balancer, &s.interpreter)
                == (numbers(&shape), shape.nodes.balancer, &shape.interpreter)
        };
        if !all.iter().any(known) {
            all.push(shape);
        }
    };
    for case in &scenario.strategies {
        add(&case.strategy, case.interpreter.clone());
    }
    if servers {
        for kind in [
            ServerKind::Gunicorn(WorkerClass::Sync),
            ServerKind::Gunicorn(WorkerClass::Gthread(8)),
            ServerKind::Gunicorn(WorkerClass::Uvicorn(Endpoints::Async)),
            ServerKind::Uvicorn(Endpoints::Async),
            ServerKind::Uvicorn(Endpoints::Def),
        ] {
            add(&Strategy::served(Server::new(kind, 2)), None);
        }
    }
    all
}

/// Whether the scenario's tasks are requests, which servers take.
pub(super) fn serves(scenario: &Scenario) -> bool {
    match scenario.workload.arrivals {
        Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Trace(_)
        | Arrivals::Closed { .. } => true,
        Arrivals::Batch => false,
    }
}

/// The numbers of a strategy that can be chosen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Numbers {
    processes: u32,
    threads: u32,
}

impl Numbers {
    /// The strategy with these numbers, where it has such.
    fn in_place(self, strategy: &Strategy) -> Strategy {
        match strategy {
            Strategy::Sequential | Strategy::Threads(Workers::PerTask) => strategy.clone(),
            Strategy::Threads(_) => strategy.with_workers(self.threads),
            Strategy::Asyncio { offload, .. } => match offload {
                Offload::None => strategy.clone(),
                Offload::Threads(_) => strategy.with_workers(self.threads),
                Offload::Processes(..) | Offload::Interpreters(_) => {
                    strategy.with_workers(self.processes)
                }
            },
            Strategy::Processes { .. } | Strategy::Interpreters(_) => {
                strategy.with_workers(self.processes)
            }
            Strategy::Prefork { each, life, .. } => Strategy::Prefork {
                processes: self.processes,
                each: Box::new(self.in_place(each)),
                life: *life,
            },
            Strategy::Server { server, .. } => {
                let kind = match server.kind {
                    ServerKind::Gunicorn(WorkerClass::Gthread(_)) => {
                        ServerKind::Gunicorn(WorkerClass::Gthread(self.threads))
                    }
                    ServerKind::Gunicorn(WorkerClass::Sync | WorkerClass::Uvicorn(_))
                    | ServerKind::Uvicorn(_)
                    | ServerKind::Hypercorn(_)
                    | ServerKind::Celery(_) => server.kind,
                };
                Strategy::served(Server {
                    kind,
                    workers: self.processes,
                    ..*server
                })
            }
            Strategy::Nodes { nodes, each } => Strategy::Nodes {
                nodes: *nodes,
                each: Box::new(self.in_place(each)),
            },
        }
    }
}

/// Tasks that a strategy has in work at once where each worker has one; `None`: an event loop, or a thread for each.
fn slots(strategy: &Strategy) -> Option<u64> {
    let execution = strategy.execution();
    let copies = u64::from(execution.copies.unwrap_or(1));
    let workers = |w: Workers| match w {
        Workers::Exactly(n) => Some(u64::from(n)),
        Workers::Auto | Workers::PerTask => None,
    };
    if execution.event_loop {
        return None;
    }
    let each = match execution.pool {
        Pool::Nobody => Some(1),
        Pool::ThreadEach => None,
        Pool::Threads(w) | Pool::Interpreters(w) | Pool::Processes { workers: w, .. } => workers(w),
    };
    each.map(|n| n * copies)
}

/// Every candidate of the shapes on these machines.
pub(super) fn candidates(
    shapes: &[Shape],
    scenario: &Scenario,
    profiles: &[Profile],
    machines: &[MachineType],
) -> Vec<Candidate> {
    let mut all: Vec<Candidate> = Vec::new();
    for (number, shape) in shapes.iter().enumerate() {
        for (profile, p) in profiles.iter().enumerate() {
            let named = scenario.interpreters.get(profile);
            let meant = |name: &String| *name == p.name || named == Some(name);
            if !shape.interpreter.as_ref().is_none_or(meant) {
                continue;
            }
            for (machine, kind) in machines.iter().enumerate() {
                for each in sized(shape, kind.cpus) {
                    let candidate = Candidate {
                        shape: number,
                        profile,
                        machine,
                        processes: each.execution().copies.unwrap_or(1),
                        slots: slots(&each),
                        pool_factor: 1,
                        larger_of: None,
                        each,
                        nodes: shape.nodes,
                        always: shape.always,
                    };
                    if !all.contains(&candidate) {
                        all.push(candidate);
                    }
                }
            }
        }
    }
    all
}

/// Each of these with larger pools, where the scenario has pools whose size can be chosen.
pub(super) fn larger(all: &[Candidate], scenario: &Scenario) -> Vec<Candidate> {
    if !scenario.workload.resources.iter().any(pools::is_chosen) {
        return Vec::new();
    }
    let each = |(index, candidate): (usize, &Candidate)| {
        pools::TIMES.map(|pool_factor| Candidate {
            pool_factor,
            larger_of: Some(index),
            ..candidate.clone()
        })
    };
    all.iter().enumerate().flat_map(each).collect()
}

/// The strategy of a shape with the numbers that make sense on so many cores: as many processes as cores, half and twice as many; more
/// where each has one task at a time and waits with it; and threads by powers of two.
fn sized(shape: &Shape, cores: u32) -> Vec<Strategy> {
    let one = Numbers {
        processes: 1,
        threads: 1,
    };
    let two = |processes, threads| Numbers { processes, threads }.in_place(&shape.each);
    let chooses_processes = two(2, 1) != one.in_place(&shape.each);
    let chooses_threads = two(1, 2) != one.in_place(&shape.each);
    let alone = slots(&one.in_place(&shape.each)).is_some() && !chooses_threads;
    let mut processes: Vec<u32> = vec![1, cores.div_ceil(2), cores, 2 * cores];
    if alone {
        processes.extend([4 * cores, 8 * cores, 16 * cores]);
    }
    if !chooses_processes {
        processes = vec![1];
    } else if shape.each.lifecycle().is_some() && shape.each.server().is_none() {
        // A single copy is its strategy with a master beside it.
        processes.retain(|&n| n > 1);
        processes.push(2);
    }
    let mut threads: Vec<u32> = vec![2, 4, 8, 16, 32, 64];
    if !chooses_processes {
        threads.extend([1, cores, 128, 256]);
    }
    if !chooses_threads {
        threads = vec![1];
    }
    for list in [&mut processes, &mut threads] {
        list.retain(|&n| n <= 4096);
        list.sort_unstable();
        list.dedup();
    }
    let mut all = Vec::new();
    for &p in &processes {
        for &t in &threads {
            all.push(two(p, t));
        }
    }
    // The numbers that the scenario itself gives.
    if !all.contains(&shape.each) {
        all.push(shape.each.clone());
    }
    all
}
