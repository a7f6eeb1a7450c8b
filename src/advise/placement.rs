//! Where the tasks of each kind are executed, in one program that gives each kind its own: coroutines of one event loop for those that wait, and
//! pools beside it for those that compute or make blocking calls.

use serde::{Deserialize, Serialize};

use super::prior::spent;
use crate::scenario::{NamedPool, Offload, Scenario, Step, StepResource, Strategy, Workers};

/// Where the tasks of one kind are executed.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// By the event loop, all of them.
    Loop,
    /// What they wait for is awaited by the loop; what they compute goes to the pool, stretch by stretch.
    Parts,
    /// Each task as one call of a worker of the pool of this name.
    Pool(String),
}

/// The places of all kinds of tasks, in the order of the scenario's.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Placement(Vec<Place>);

/// Where the tasks of a kind are executed, as it is written for programs.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct PlacedTasks {
    /// Name of the kind of task.
    pub name: String,
    /// `loop`: the event loop executes them; `parts`: it awaits what they wait for, and hands over what they compute; `pool`: each task is one
    /// call of a worker.
    pub place: PlaceName,
    /// The pool; absent where it is the loop, or the pool that all else goes to.
    pub pool: Option<String>,
}

/// A kind of place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum PlaceName {
    /// The event loop.
    Loop,
    /// The loop for what waits, the pool for what computes.
    Parts,
    /// A pool, whole.
    Pool,
}

impl PlacedTasks {
    /// Whether the scenario has to say so, since the strategy alone would execute these tasks elsewhere.
    #[must_use]
    pub fn is_said(&self) -> bool {
        self.place != PlaceName::Parts
    }
}

/// Name of the pool for what computes.
const WORK: &str = "work";
/// Name of the pool for blocking calls.
const BLOCKING: &str = "blocking";
/// Most kinds of tasks that are looked at by themselves.
pub(super) const MOST_KINDS: usize = 8;

/// What a kind of task does for most of its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Does {
    /// It waits, so that others can go on meanwhile.
    Waits,
    /// It computes.
    Computes,
    /// It waits, and in blocking calls.
    Blocks,
}

impl Does {
    fn of(steps: &[Step]) -> Self {
        let cpu = spent(steps, &[StepResource::Bytecode, StepResource::Native]);
        let blocked = spent(steps, &[StepResource::Blocked]);
        let outside = spent(steps, &[StepResource::Outside]);
        if cpu > 0.0 && cpu >= outside + blocked {
            Self::Computes
        } else if blocked > 0.0 {
            Self::Blocks
        } else {
            Self::Waits
        }
    }
}

/// What there is to choose from on an interpreter.
pub(super) struct Pools {
    /// What computing tasks may be handed to.
    pub work: Vec<Offload>,
    /// Numbers of threads for blocking calls.
    pub blocking: Vec<u32>,
}

/// Programs that give each kind of task its own; none where all kinds are alike, or where the scenario says itself where steps are executed.
pub(super) fn by_kind(scenario: &Scenario, pools: &Pools) -> Vec<(Strategy, Placement)> {
    let classes = &scenario.workload.classes;
    let does: Vec<Does> = classes.iter().map(|c| Does::of(&c.steps)).collect();
    let said = scenario.workload.any_step(|s| s.placed().is_some());
    if does.len() > MOST_KINDS || does.iter().all(|d| *d == does[0]) || said {
        return Vec::new();
    }
    let has = |what: Does| does.contains(&what);
    let blocking: Vec<Option<u32>> = if has(Does::Blocks) {
        pools.blocking.iter().copied().map(Some).collect()
    } else {
        vec![None]
    };
    let work: Vec<Offload> = if has(Does::Computes) {
        pools.work.clone()
    } else {
        vec![Offload::None]
    };
    // Where what computes also waits, the loop may await that, and hand over the rest.
    let also_waits = classes.iter().zip(&does).any(|(c, d)| {
        *d == Does::Computes
            && spent(&c.steps, &[StepResource::Outside]) > 0.0
            && spent(&c.steps, &[StepResource::Blocked]) == 0.0
    });
    let mut all = Vec::new();
    for offload in work {
        for threads in &blocking {
            let beside = threads.map(|n| NamedPool {
                name: BLOCKING.into(),
                workers: Offload::Threads(Workers::Exactly(n)),
            });
            let one = one_pool(&does, offload);
            all.push(program(&does, one, beside.clone()));
            if let Some(own) = own_pools(scenario, &does, offload) {
                all.push(program(&does, own, beside.clone()));
            }
            if also_waits {
                all.push(in_parts(&does, offload, beside));
            }
        }
    }
    all
}

/// The pools of a program, and for each kind of task that computes the name of its own.
type Named = (Vec<NamedPool>, Vec<Option<String>>);

/// One pool for all that computes.
fn one_pool(does: &[Does], offload: Offload) -> Named {
    let pools = (offload != Offload::None).then(|| NamedPool {
        name: WORK.into(),
        workers: offload,
    });
    let names = does
        .iter()
        .map(|d| (*d == Does::Computes).then(|| WORK.to_owned()));
    (pools.into_iter().collect(), names.collect())
}

/// A pool for each kind that computes, with as many of the workers as its share of all that is computed; `None` where there is only one such
/// kind, or are not enough workers.
fn own_pools(scenario: &Scenario, does: &[Does], offload: Offload) -> Option<Named> {
    let workers = match crate::scenario::Pool::from(offload).workers()? {
        Workers::Exactly(n) => n,
        Workers::Auto | Workers::PerTask => return None,
    };
    let batch = scenario.workload.arrivals == crate::scenario::Arrivals::Batch;
    let loads: Vec<f64> = scenario
        .workload
        .classes
        .iter()
        .zip(does)
        .map(|(c, d)| {
            let often = if batch { c.count as f64 } else { c.weight };
            let cpu = spent(&c.steps, &[StepResource::Bytecode, StepResource::Native]);
            if *d == Does::Computes {
                often * cpu
            } else {
                0.0
            }
        })
        .collect();
    let kinds = does.iter().filter(|d| **d == Does::Computes).count();
    let sum: f64 = loads.iter().sum();
    if kinds < 2 || sum <= 0.0 || (workers as usize) < kinds {
        return None;
    }
    let mut pools = Vec::new();
    let mut names = Vec::new();
    for (i, load) in loads.iter().enumerate() {
        if does[i] != Does::Computes {
            names.push(None);
            continue;
        }
        let share = libm::round(load / sum * f64::from(workers)).max(1.0);
        let share = u32::try_from(crate::engine::whole(share)).unwrap_or(1);
        let name = format!("{WORK}-{}", pools.len() + 1);
        names.push(Some(name.clone()));
        pools.push(NamedPool {
            name,
            workers: with_workers(offload, share),
        });
    }
    Some((pools, names))
}

fn with_workers(offload: Offload, n: u32) -> Offload {
    let n = Workers::Exactly(n);
    match offload {
        Offload::None => Offload::None,
        Offload::Threads(_) => Offload::Threads(n),
        Offload::Processes(_, start) => Offload::Processes(n, start),
        Offload::Interpreters(_) => Offload::Interpreters(n),
    }
}

/// A loop for what waits, and pools to which all else is handed whole.
fn program(
    does: &[Does],
    (mut pools, names): Named,
    beside: Option<NamedPool>,
) -> (Strategy, Placement) {
    let places = does.iter().zip(names).map(|(d, name)| match (d, name) {
        (Does::Computes, Some(name)) => Place::Pool(name),
        (Does::Blocks, _) => Place::Pool(BLOCKING.into()),
        (Does::Computes | Does::Waits, _) => Place::Loop,
    });
    let places = places.collect();
    pools.extend(beside);
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    (asyncio(Offload::None, pools), Placement(places))
}

/// A loop for what waits and for the waits of what computes, whose stretches of computing go to a pool.
fn in_parts(does: &[Does], offload: Offload, beside: Option<NamedPool>) -> (Strategy, Placement) {
    let places = does.iter().map(|d| match d {
        Does::Waits => Place::Loop,
        Does::Computes => Place::Parts,
        Does::Blocks => Place::Pool(BLOCKING.into()),
    });
    let places = places.collect();
    (
        asyncio(offload, beside.into_iter().collect()),
        Placement(places),
    )
}

fn asyncio(offload: Offload, pools: Vec<NamedPool>) -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload,
        pools,
    }
}

impl Placement {
    /// The scenario in which the steps of each kind of task say where they are executed.
    pub(super) fn placed(&self, scenario: &Scenario) -> Scenario {
        let mut placed = scenario.clone();
        for (class, place) in placed.workload.classes.iter_mut().zip(&self.0) {
            let steps = std::mem::take(&mut class.steps);
            class.steps = match place {
                Place::Loop => vec![Step::Inline(steps)],
                Place::Parts => steps,
                Place::Pool(name) => vec![Step::Offload {
                    to: Some(name.clone()),
                    steps,
                }],
            };
        }
        placed
    }

    /// With the names of the kinds of tasks.
    pub(super) fn named(&self, scenario: &Scenario) -> Vec<PlacedTasks> {
        let classes = scenario.workload.classes.iter().zip(&self.0);
        let one = |(class, place): (&crate::scenario::TaskClass, &Place)| {
            let (kind, pool) = match place {
                Place::Loop => (PlaceName::Loop, None),
                Place::Parts => (PlaceName::Parts, None),
                Place::Pool(name) => (PlaceName::Pool, Some(name.clone())),
            };
            PlacedTasks {
                name: class.name.clone(),
                place: kind,
                pool,
            }
        };
        classes.map(one).collect()
    }
}
