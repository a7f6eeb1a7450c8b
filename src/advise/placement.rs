//! Where the tasks of each kind are executed, in one program that gives each kind its own: coroutines of one event loop for those that wait, and
//! pools beside it for those that compute or make blocking calls.

use serde::{Deserialize, Serialize};

use super::prior::spent;
use crate::scenario::{
    NamedPool, Offload, Placed, Scenario, Step, StepResource, Strategy, Workers,
};

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

/// Where a scenario says that the tasks of each kind are executed, if it says so of all steps of a kind together.
pub(crate) fn places_said(scenario: &Scenario) -> Option<Vec<PlacedTasks>> {
    let (_, placement) = Placement::said(scenario)?;
    Some(placement.named(scenario))
}

/// The place of all these steps together, and the steps by themselves; `None` where single ones of them say where they are executed.
fn place_of(steps: &[Step]) -> Option<(Place, &[Step])> {
    let (place, steps) = match steps {
        [one] => match (one.placed(), one.inside()) {
            (Some(Placed::Loop), Some(inside)) => (Place::Loop, inside.steps),
            (Some(Placed::Call(Some(name))), Some(inside)) => {
                (Place::Pool(name.to_owned()), inside.steps)
            }
            (Some(_), _) => return None,
            (None, _) => (Place::Parts, steps),
        },
        several => (Place::Parts, several),
    };
    let single = steps.iter().any(|s| s.any(&|s| s.placed().is_some()));
    (!single).then_some((place, steps))
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
    /// The places that a scenario says itself, of all steps of a kind of task together, and the scenario without them; `None` where it says none, or
    /// those of single steps. So a scenario that was kept with what is recommended is the same question as before.
    pub(super) fn said(scenario: &Scenario) -> Option<(Scenario, Self)> {
        let mut plain = scenario.clone();
        let mut places = Vec::new();
        for class in &mut plain.workload.classes {
            let (place, steps) = place_of(&class.steps)?;
            let steps = steps.to_vec();
            places.push(place);
            class.steps = steps;
        }
        let any = places.iter().any(|p| *p != Place::Parts);
        any.then_some((plain, Self(places)))
    }

    /// These places in a program of this strategy; `None` where it has no loop that could tell kinds of tasks apart, or not the pools.
    pub(super) fn within(&self, strategy: &Strategy) -> Option<Self> {
        let offloads = strategy.offload().unwrap_or(Offload::None) != Offload::None;
        let has = |place: &Place| match place {
            Place::Loop | Place::Parts => true,
            Place::Pool(name) => strategy.pools().iter().any(|p| p.name == *name),
        };
        let pools = offloads || !strategy.pools().is_empty();
        if !strategy.execution().event_loop || !pools || !self.0.iter().all(has) {
            return None;
        }
        // Without a pool for it, what is handed over in parts stays on the loop.
        let place = |p: &Place| match p {
            Place::Parts if !offloads => Place::Loop,
            Place::Loop | Place::Parts | Place::Pool(_) => p.clone(),
        };
        Some(Self(self.0.iter().map(place).collect()))
    }

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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse_strategy;

    fn scenario(first: &str, second: &str, strategy: &str) -> Scenario {
        let text = format!(
            "(schema: 1, name: \"x\", interpreters: [\"cpython-3.14\"], strategies: [\"{strategy}\"],
              workload: (arrivals: Batch, tasks: [(name: \"a\", count: 4, steps: {first}), (name: \"b\", count: 4, steps: {second})]))"
        );
        Scenario::parse(&text, &[]).unwrap()
    }

    /// A scenario with the places of what is recommended is the scenario as it was, and the places.
    #[test]
    fn places_that_are_said_are_read_back() {
        let plain = scenario(
            "[Cpu(\"5ms\")]",
            "[Io(\"5ms\"), Cpu(\"1ms\")]",
            "asyncio+work=processes:2",
        );
        assert!(Placement::said(&plain).is_none());
        let places = Placement(vec![Place::Pool("work".into()), Place::Loop]);
        let placed = places.placed(&plain);
        let (without, said) = Placement::said(&placed).unwrap();
        assert_eq!((&without.workload, &said), (&plain.workload, &places));
        let strategy = |text: &str| parse_strategy(text).unwrap().strategy;
        assert_eq!(
            places.within(&strategy("asyncio+work=processes:2")),
            Some(places.clone())
        );
        for other in [
            "sequential",
            "threads:4",
            "asyncio",
            "asyncio+processes:2",
            "asyncio+cpu=processes:2",
        ] {
            assert_eq!(places.within(&strategy(other)), None, "{other}");
        }
        // Of single steps it is the scenario's own affair.
        let single = scenario(
            "[Cpu(\"5ms\"), Offload(to: \"work\", steps: [Cpu(\"5ms\")])]",
            "[Io(\"5ms\")]",
            "asyncio+work=processes:2",
        );
        assert!(Placement::said(&single).is_none());
    }
}
