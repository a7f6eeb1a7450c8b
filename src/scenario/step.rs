//! Descriptions of steps, each in one place: the steps inside and how often they run, what a step takes, what it waits for, what it
//! carries, and how it is rebuilt with other times. All code that looks at steps asks here; a new kind of step answers here, and nowhere is
//! there a rule for "all others" ([tests/it/described.rs](../../../tests/it/described.rs) holds that).

use super::{
    Backoff, Bytes, DeviceId, Dist, LockId, ObjectId, QueueId, Releases, ResourceId, Sizes, Step,
    WorkingMemory, Workload,
};
use crate::engine::Nanos;

/// The steps within a step.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Inside<'a> {
    /// The steps, in their order.
    pub steps: &'a [Step],
    /// How often they are executed.
    pub runs: Runs,
}

/// How often the steps within a step are executed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Runs {
    /// Exactly once.
    Once,
    /// So many times, one after another.
    Times(u64),
    /// Until they succeed, at most so many times.
    Attempts(u32),
    /// Once by each of so many children.
    Children(u64),
}

impl Runs {
    /// The greatest number of executions: every attempt but the last fails, and the executions of all children are added.
    #[must_use]
    pub fn at_most(self) -> u64 {
        match self {
            Self::Once => 1,
            Self::Times(n) | Self::Children(n) => n,
            Self::Attempts(n) => u64::from(n),
        }
    }

    /// Number of executions by the task itself if nothing fails; executions by children do not count.
    #[must_use]
    pub fn by_the_task(self) -> u64 {
        match self {
            Self::Once | Self::Attempts(_) => 1,
            Self::Times(n) => n,
            Self::Children(_) => 0,
        }
    }
}

/// How a step spends its own time.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum StepResource {
    /// Python bytecode: CPU, under the GIL where there is one.
    Bytecode,
    /// C code: CPU, without the GIL.
    Native,
    /// Something outside: no CPU.
    Outside,
    /// A blocking call: no CPU either, but whoever executes it is occupied.
    Blocked,
}

/// What a step waits for by itself, beside a core and the GIL; steps inside it have waits of their own.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WaitsFor {
    /// Nothing.
    Never,
    /// Something outside, which takes the same time whatever else runs.
    Outside,
    /// A device, which is the slower the more others use it.
    Device(DeviceId),
    /// A lock that another task may hold.
    Lock(LockId),
    /// An item of a queue, which another task has to put.
    Item(QueueId),
    /// Room in a queue, which another task has to make.
    Room(QueueId),
    /// A resource of which others may use all that there is.
    Resource(ResourceId),
    /// The step's children.
    Children,
    /// The pause before the next attempt.
    Pause,
}

/// Who executes the steps inside a step of a coroutine, where the step itself says so.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Placed<'a> {
    /// A worker of the pool of this name, as one call; without a name one of the default pool.
    Call(Option<&'a str>),
    /// The event loop.
    Loop,
}

/// What a step by itself does with a lock, in the middle of a list of steps.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Locking {
    /// Takes this lock.
    Takes(LockId),
    /// Releases this lock.
    Gives(LockId),
}

/// What travels with a task to the worker, or with the task's result.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Carried {
    /// Bytes on the way to the worker.
    pub bytes_in: Bytes,
    /// Bytes on the way back.
    pub bytes_out: Bytes,
    /// Objects on the way to the worker, each pickled on its own.
    pub objects_in: u64,
    /// Objects on the way back, each pickled on its own.
    pub objects_out: u64,
}

/// Description of a step: the answers to all questions that are asked about it. Fields that do not apply to a step are those of
/// [`StepTraits::PLAIN`].
struct StepTraits<'a> {
    inside: Option<Inside<'a>>,
    takes: Option<(StepResource, &'a Dist)>,
    releases: u64,
    threads: u32,
    waits: WaitsFor,
    locking: Option<Locking>,
    carries: Carried,
    block: Bytes,
    containers: u64,
    may_fail: bool,
    writes: Option<ObjectId>,
    placed: Option<Placed<'a>>,
    tries_again: Option<&'a Backoff>,
}

impl StepTraits<'_> {
    const PLAIN: Self = Self {
        inside: None,
        takes: None,
        releases: 0,
        threads: 1,
        waits: WaitsFor::Never,
        locking: None,
        carries: Carried {
            bytes_in: 0,
            bytes_out: 0,
            objects_in: 0,
            objects_out: 0,
        },
        block: 0,
        containers: 0,
        may_fail: false,
        writes: None,
        placed: None,
        tries_again: None,
    };
}

impl<'a> StepTraits<'a> {
    const fn taking(spent: StepResource, time: &'a Dist) -> Self {
        Self {
            takes: Some((spent, time)),
            ..Self::PLAIN
        }
    }

    const fn around(runs: Runs, steps: &'a [Step]) -> Self {
        Self {
            inside: Some(Inside { steps, runs }),
            ..Self::PLAIN
        }
    }

    const fn waiting(waits: WaitsFor) -> Self {
        Self {
            waits,
            ..Self::PLAIN
        }
    }

    const fn carrying(carries: Carried) -> Self {
        Self {
            carries,
            ..Self::PLAIN
        }
    }
}

impl Workload {
    /// Whether a step of some class, or of the main program between rounds, at any depth, is such a one.
    pub fn any_step(&self, is: impl Fn(&Step) -> bool) -> bool {
        let classes = self.classes.iter().flat_map(|c| &c.steps);
        let mut steps = classes.chain(&self.rounds.serial);
        steps.any(|s| s.any(&is))
    }
}

impl Step {
    /// Describes a step, one arm for each kind.
    fn about(&self) -> StepTraits<'_> {
        let nothing = Carried::default();
        match self {
            Self::Cpu(time) => StepTraits::taking(StepResource::Bytecode, time),
            Self::Releasing(time, releases) => StepTraits {
                releases: releases.count,
                ..StepTraits::taking(StepResource::Bytecode, time)
            },
            Self::Native(time) => StepTraits::taking(StepResource::Native, time),
            Self::Team(time, threads) => StepTraits {
                threads: *threads,
                ..StepTraits::taking(StepResource::Native, time)
            },
            Self::Io(time) => StepTraits {
                waits: WaitsFor::Outside,
                ..StepTraits::taking(StepResource::Outside, time)
            },
            Self::Block(time) => StepTraits::taking(StepResource::Blocked, time),
            Self::Transfer(device, alone) => StepTraits {
                waits: WaitsFor::Device(*device),
                ..StepTraits::taking(StepResource::Outside, alone)
            },
            Self::Lock(lock, steps) => StepTraits {
                waits: WaitsFor::Lock(*lock),
                ..StepTraits::around(Runs::Once, steps)
            },
            Self::Use(resource, steps) => StepTraits {
                waits: WaitsFor::Resource(*resource),
                ..StepTraits::around(Runs::Once, steps)
            },
            Self::Acquire(lock) => StepTraits {
                locking: Some(Locking::Takes(*lock)),
                ..StepTraits::waiting(WaitsFor::Lock(*lock))
            },
            Self::Release(lock) => StepTraits {
                locking: Some(Locking::Gives(*lock)),
                ..StepTraits::PLAIN
            },
            Self::Shared {
                object,
                count: _,
                write,
            } => StepTraits {
                writes: write.then_some(*object),
                ..StepTraits::PLAIN
            },
            Self::Allocate(objects) => StepTraits {
                containers: *objects,
                ..StepTraits::PLAIN
            },
            Self::Leak(_) => StepTraits::PLAIN,
            Self::Put(queue) => StepTraits::waiting(WaitsFor::Room(*queue)),
            Self::Get(queue) => StepTraits::waiting(WaitsFor::Item(*queue)),
            Self::FanOut { count, need, steps } => StepTraits {
                waits: WaitsFor::Children,
                // Those that are not needed are cut short.
                may_fail: need.is_some(),
                ..StepTraits::around(Runs::Children(*count), steps)
            },
            Self::PayloadIn(bytes_in) => StepTraits {
                block: *bytes_in,
                ..StepTraits::carrying(Carried {
                    bytes_in: *bytes_in,
                    ..nothing
                })
            },
            Self::PayloadOut(bytes_out) => StepTraits {
                block: *bytes_out,
                ..StepTraits::carrying(Carried {
                    bytes_out: *bytes_out,
                    ..nothing
                })
            },
            Self::ObjectsIn(objects_in) => StepTraits::carrying(Carried {
                objects_in: *objects_in,
                ..nothing
            }),
            Self::ObjectsOut(objects_out) => StepTraits::carrying(Carried {
                objects_out: *objects_out,
                ..nothing
            }),
            Self::Hold(memory, steps) => StepTraits {
                block: memory.size.mean(),
                ..StepTraits::around(Runs::Once, steps)
            },
            Self::Timeout(_, steps) => StepTraits {
                may_fail: true,
                ..StepTraits::around(Runs::Once, steps)
            },
            Self::Fail(_) => StepTraits {
                may_fail: true,
                ..StepTraits::PLAIN
            },
            Self::Retry {
                attempts,
                backoff,
                steps,
            } => StepTraits {
                tries_again: (*attempts > 1).then_some(backoff),
                waits: if *attempts > 1 && backoff.pauses() {
                    WaitsFor::Pause
                } else {
                    WaitsFor::Never
                },
                may_fail: true,
                ..StepTraits::around(Runs::Attempts(*attempts), steps)
            },
            Self::Repeat(times, steps) => StepTraits::around(Runs::Times(*times), steps),
            Self::Offload { to, steps } => StepTraits {
                placed: Some(Placed::Call(to.as_deref())),
                ..StepTraits::around(Runs::Once, steps)
            },
            Self::Inline(steps) => StepTraits {
                placed: Some(Placed::Loop),
                ..StepTraits::around(Runs::Once, steps)
            },
        }
    }

    /// The steps inside this step; `None` if there can be none.
    #[must_use]
    pub fn inside(&self) -> Option<Inside<'_>> {
        self.about().inside
    }

    /// The shared object that this step writes by itself, if any.
    #[must_use]
    pub fn writes(&self) -> Option<ObjectId> {
        self.about().writes
    }

    /// Whether `is` holds for this step, or for one inside it at any depth.
    pub fn any(&self, is: &impl Fn(&Self) -> bool) -> bool {
        is(self) || (self.inside()).is_some_and(|i| i.steps.iter().any(|s| s.any(is)))
    }

    /// Shows this step, then those inside it at any depth, in their order.
    pub fn each<'a>(&'a self, see: &mut impl FnMut(&'a Self)) {
        see(self);
        for step in self.inside().iter().flat_map(|i| i.steps) {
            step.each(see);
        }
    }

    /// Who executes the steps inside this step of a coroutine; `None` if the step does not say.
    #[must_use]
    pub fn placed(&self) -> Option<Placed<'_>> {
        self.about().placed
    }

    /// The time that the scenario gives this step, and how it is spent; `None` if the step has no time of its own, or if the profile gives
    /// it.
    #[must_use]
    pub fn takes(&self) -> Option<(StepResource, &Dist)> {
        self.about().takes
    }

    /// Number of threads that share the step's CPU time.
    #[must_use]
    pub fn threads(&self) -> u32 {
        self.about().threads
    }

    /// Number of releases of the GIL within the step's own time, if that time is of mean length.
    #[must_use]
    pub fn releases(&self) -> u64 {
        self.about().releases
    }

    /// What this step waits for by itself.
    #[must_use]
    pub fn waits(&self) -> WaitsFor {
        self.about().waits
    }

    /// What this step does with a lock; `None` for a `Lock` around other steps, which takes and releases it.
    #[must_use]
    pub fn locking(&self) -> Option<Locking> {
        self.about().locking
    }

    /// What travels with the task because of this step.
    #[must_use]
    pub fn carries(&self) -> Carried {
        self.about().carries
    }

    /// Bytes that this step writes at once: a payload, or the memory that it holds, on average where that is drawn.
    #[must_use]
    pub fn block(&self) -> Bytes {
        self.about().block
    }

    /// How this step pauses before it executes what is inside again; `None` if it never does.
    #[must_use]
    pub(crate) fn tries_again(&self) -> Option<&Backoff> {
        self.about().tries_again
    }

    /// Whether this step creates containers, which the collector examines.
    #[must_use]
    pub fn allocates(&self) -> bool {
        self.containers() > 0
    }

    /// Number of containers that this step creates, which live as long as its task.
    #[must_use]
    pub fn containers(&self) -> u64 {
        self.about().containers
    }

    /// Whether this step may end the block around it early, or be cut short itself.
    #[must_use]
    pub fn may_fail(&self) -> bool {
        self.about().may_fail
    }

    /// This step with the steps inside it replaced; a step without any is copied.
    #[must_use]
    pub fn around(&self, inside: impl FnOnce(&[Self]) -> Vec<Self>) -> Self {
        match self {
            Self::Lock(lock, steps) => Self::Lock(*lock, inside(steps)),
            Self::Use(resource, steps) => Self::Use(*resource, inside(steps)),
            Self::FanOut { count, need, steps } => Self::FanOut {
                count: *count,
                need: *need,
                steps: inside(steps),
            },
            Self::Hold(memory, steps) => Self::Hold(memory.clone(), inside(steps)),
            Self::Timeout(after, steps) => Self::Timeout(after.clone(), inside(steps)),
            Self::Retry {
                attempts,
                backoff,
                steps,
            } => Self::Retry {
                attempts: *attempts,
                backoff: backoff.clone(),
                steps: inside(steps),
            },
            Self::Repeat(times, steps) => Self::Repeat(*times, inside(steps)),
            Self::Offload { to, steps } => Self::Offload {
                to: to.clone(),
                steps: inside(steps),
            },
            Self::Inline(steps) => Self::Inline(inside(steps)),
            Self::Cpu(_)
            | Self::Releasing(..)
            | Self::Native(_)
            | Self::Team(..)
            | Self::Io(_)
            | Self::Block(_)
            | Self::Transfer(..)
            | Self::Acquire(_)
            | Self::Release(_)
            | Self::Shared { .. }
            | Self::Put(_)
            | Self::Get(_)
            | Self::PayloadIn(_)
            | Self::PayloadOut(_)
            | Self::ObjectsIn(_)
            | Self::ObjectsOut(_)
            | Self::Allocate(_)
            | Self::Leak(_)
            | Self::Fail(_) => self.clone(),
        }
    }

    /// This step and all inside it with every time multiplied: demands, time-outs and backoffs. A shorter step releases the GIL less often,
    /// not for a shorter time.
    #[must_use]
    pub fn scaled(&self, by: f64) -> Self {
        self.times(by, 1.0, 1.0)
    }

    /// This step with so many times the working memory, also in steps within it.
    #[must_use]
    pub(crate) fn holding(&self, times: f64) -> Self {
        self.times(1.0, times, 1.0)
    }

    /// This step with so many times the bytes and objects that travel to a worker and back, also in steps within it.
    #[must_use]
    pub(crate) fn carrying(&self, times: f64) -> Self {
        self.times(1.0, 1.0, times)
    }

    /// This step with so many times the time, the working memory, and what is carried.
    fn times(&self, by: f64, memory: f64, carried: f64) -> Self {
        let inside = |steps: &[Self]| {
            let all = steps.iter();
            all.map(|s| s.times(by, memory, carried)).collect()
        };
        let more = |n: u64| Nanos(n).scale(carried).0;
        match self {
            Self::Cpu(time) => Self::Cpu(time.scaled(by)),
            Self::Releasing(time, releases) => {
                let shorter = time.scaled(by);
                let count = releases.within(Nanos::from_f64(shorter.mean()), time.mean());
                if count == 0 {
                    Self::Cpu(shorter)
                } else {
                    Self::Releasing(shorter, Releases { count, ..*releases })
                }
            }
            Self::Native(time) => Self::Native(time.scaled(by)),
            Self::Team(time, threads) => Self::Team(time.scaled(by), *threads),
            Self::Io(time) => Self::Io(time.scaled(by)),
            Self::Block(time) => Self::Block(time.scaled(by)),
            Self::Transfer(device, alone) => Self::Transfer(*device, alone.scaled(by)),
            Self::Timeout(after, steps) => Self::Timeout(after.scaled(by), inside(steps)),
            Self::Retry {
                attempts,
                backoff,
                steps,
            } => Self::Retry {
                attempts: *attempts,
                backoff: backoff.scaled(by),
                steps: inside(steps),
            },
            Self::Hold(held, steps) => Self::Hold(
                WorkingMemory {
                    size: Sizes(held.size.0.scaled(memory)),
                    churn: held.churn,
                },
                inside(steps),
            ),
            Self::Lock(..)
            | Self::Use(..)
            | Self::Acquire(_)
            | Self::Release(_)
            | Self::Shared { .. }
            | Self::Put(_)
            | Self::Get(_)
            | Self::FanOut { .. }
            | Self::Allocate(_)
            | Self::Leak(_)
            | Self::Fail(_)
            | Self::Repeat(..)
            | Self::Offload { .. }
            | Self::Inline(_) => self.around(inside),
            Self::PayloadIn(bytes) => Self::PayloadIn(more(*bytes)),
            Self::PayloadOut(bytes) => Self::PayloadOut(more(*bytes)),
            Self::ObjectsIn(n) => Self::ObjectsIn(more(*n)),
            Self::ObjectsOut(n) => Self::ObjectsOut(more(*n)),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ms(n: u64) -> Dist {
        Dist::Constant(Nanos::from_millis(n))
    }

    fn given(count: u64) -> Releases {
        Releases {
            count,
            released: Nanos(100),
        }
    }

    fn inner() -> Vec<Step> {
        vec![Step::Io(ms(2))]
    }

    fn retry(attempts: u32, backoff: u64) -> Step {
        Step::Retry {
            attempts,
            backoff: Nanos(backoff).into(),
            steps: inner(),
        }
    }

    fn fan_out(count: u64) -> Step {
        Step::FanOut {
            count,
            need: None,
            steps: inner(),
        }
    }

    fn offload(to: Option<&str>) -> Step {
        Step::Offload {
            to: to.map(Into::into),
            steps: inner(),
        }
    }

    fn shared() -> Step {
        Step::Shared {
            object: 0,
            count: 9,
            write: true,
        }
    }

    /// A list with a step of each kind: a new kind does not compile until it has one.
    macro_rules! of_each_kind {
        ($($kind:pat => $step:expr),* $(,)?) => {{
            fn _complete(step: &Step) {
                match step {
                    $($kind => {})*
                }
            }
            vec![$($step),*]
        }};
    }

    fn all() -> Vec<Step> {
        of_each_kind![
            Step::Cpu(..) => Step::Cpu(ms(1)),
            Step::Releasing(..) => Step::Releasing(ms(1), given(4)),
            Step::Native(..) => Step::Native(ms(1)),
            Step::Team(..) => Step::Team(ms(1), 4),
            Step::Io(..) => Step::Io(ms(1)),
            Step::Transfer(..) => Step::Transfer(2, ms(1)),
            Step::Lock(..) => Step::Lock(5, inner()),
            Step::Acquire(..) => Step::Acquire(5),
            Step::Release(..) => Step::Release(5),
            Step::Shared { .. } => shared(),
            Step::Put(..) => Step::Put(6),
            Step::Get(..) => Step::Get(6),
            Step::FanOut { .. } => fan_out(3),
            Step::PayloadIn(..) => Step::PayloadIn(10),
            Step::PayloadOut(..) => Step::PayloadOut(11),
            Step::ObjectsIn(..) => Step::ObjectsIn(12),
            Step::ObjectsOut(..) => Step::ObjectsOut(13),
            Step::Allocate(..) => Step::Allocate(14),
            Step::Leak(..) => Step::Leak(16),
            Step::Hold(..) => Step::Hold(15.into(), inner()),
            Step::Timeout(..) => Step::Timeout(Nanos(100).into(), inner()),
            Step::Fail(..) => Step::Fail(0.5),
            Step::Retry { .. } => retry(2, 100),
            Step::Repeat(..) => Step::Repeat(7, inner()),
            Step::Offload { .. } => offload(Some("cpu")),
            Step::Inline(..) => Step::Inline(inner()),
            Step::Block(..) => Step::Block(ms(1)),
            Step::Use(..) => Step::Use(4, inner()),
        ]
    }

    /// The steps of [`all`] for which something holds.
    fn which(is: impl Fn(&Step) -> bool) -> Vec<Step> {
        all().into_iter().filter(is).collect()
    }

    #[test]
    fn what_stands_inside_and_how_often_it_runs() {
        let round = |step: &Step| step.inside().map(|i| (i.steps.to_vec(), i.runs));
        for (step, runs, at_most, by_the_task) in [
            (Step::Lock(5, inner()), Runs::Once, 1, 1),
            (Step::Hold(15.into(), inner()), Runs::Once, 1, 1),
            (Step::Use(4, inner()), Runs::Once, 1, 1),
            (Step::Timeout(Nanos(100).into(), inner()), Runs::Once, 1, 1),
            (fan_out(3), Runs::Children(3), 3, 0),
            (retry(2, 100), Runs::Attempts(2), 2, 1),
            (Step::Repeat(7, inner()), Runs::Times(7), 7, 7),
            (offload(Some("cpu")), Runs::Once, 1, 1),
            (Step::Inline(inner()), Runs::Once, 1, 1),
        ] {
            assert_eq!(round(&step), Some((inner(), runs)), "{step:?}");
            assert_eq!((runs.at_most(), runs.by_the_task()), (at_most, by_the_task));
            // A step is found in itself, and deep inside other steps.
            let deep = Step::Hold(1.into(), vec![Step::Repeat(2, vec![step.clone()])]);
            assert!(deep.any(&|s| *s == step) && deep.any(&|s| *s == inner()[0]));
            assert!(!deep.any(&|s| *s == Step::Put(1)));
        }
        assert_eq!(which(|s| s.inside().is_some()).len(), 9);
    }

    #[test]
    fn who_executes_what_is_inside() {
        assert_eq!(
            offload(Some("cpu")).placed(),
            Some(Placed::Call(Some("cpu")))
        );
        assert_eq!(offload(None).placed(), Some(Placed::Call(None)));
        assert_eq!(Step::Inline(inner()).placed(), Some(Placed::Loop));
        assert_eq!(which(|s| s.placed().is_some()).len(), 2);
        let deep = Step::Hold(1.into(), vec![offload(None), Step::Put(1)]);
        let mut seen = Vec::new();
        deep.each(&mut |s| seen.push(s.clone()));
        let [io] = inner().try_into().unwrap();
        assert_eq!(seen, [deep, offload(None), io, Step::Put(1)]);
    }

    #[test]
    fn what_takes_time_and_gives_the_gil_up() {
        let spent = |step: &Step| step.takes().map(|(spent, time)| (spent, time.clone()));
        let bytecode = Some((StepResource::Bytecode, ms(1)));
        assert_eq!(spent(&Step::Cpu(ms(1))), bytecode);
        assert_eq!(spent(&Step::Releasing(ms(1), given(4))), bytecode);
        assert_eq!(
            spent(&Step::Native(ms(1))),
            Some((StepResource::Native, ms(1)))
        );
        assert_eq!(
            spent(&Step::Io(ms(1))),
            Some((StepResource::Outside, ms(1)))
        );
        assert_eq!(
            spent(&Step::Transfer(2, ms(1))),
            Some((StepResource::Outside, ms(1)))
        );
        let team = Step::Team(ms(1), 4);
        assert_eq!(spent(&team), Some((StepResource::Native, ms(1))));
        assert_eq!(which(|s| s.threads() > 1), [team]);
        assert_eq!(
            spent(&Step::Block(ms(1))),
            Some((StepResource::Blocked, ms(1)))
        );
        assert_eq!(which(|s| s.takes().is_some()).len(), 7);
        let releasing = Step::Releasing(ms(1), given(4));
        assert_eq!(releasing.releases(), 4);
        assert_eq!(which(|s| s.releases() > 0), [releasing]);
    }

    #[test]
    fn what_waits_and_for_what() {
        for (step, wait) in [
            (Step::Io(ms(1)), WaitsFor::Outside),
            (Step::Transfer(2, ms(1)), WaitsFor::Device(2)),
            (Step::Lock(5, inner()), WaitsFor::Lock(5)),
            (Step::Use(4, inner()), WaitsFor::Resource(4)),
            (Step::Acquire(5), WaitsFor::Lock(5)),
            (Step::Put(6), WaitsFor::Room(6)),
            (Step::Get(6), WaitsFor::Item(6)),
            (fan_out(3), WaitsFor::Children),
            (retry(2, 100), WaitsFor::Pause),
        ] {
            assert_eq!(step.waits(), wait, "{step:?}");
        }
        assert_eq!(which(|s| s.waits() != WaitsFor::Never).len(), 9);
        // There is nothing to wait for between attempts, or no second attempt.
        assert_eq!(retry(2, 0).waits(), WaitsFor::Never);
        assert_eq!(retry(1, 100).waits(), WaitsFor::Never);
        assert_eq!(Step::Acquire(5).locking(), Some(Locking::Takes(5)));
        assert_eq!(Step::Release(5).locking(), Some(Locking::Gives(5)));
        assert_eq!(which(|s| s.locking().is_some()).len(), 2);
    }

    #[test]
    fn what_carries_writes_and_fails() {
        let carried = |step: Step| {
            let Carried {
                bytes_in,
                bytes_out,
                objects_in,
                objects_out,
            } = step.carries();
            [bytes_in, bytes_out, objects_in, objects_out]
        };
        assert_eq!(carried(Step::PayloadIn(10)), [10, 0, 0, 0]);
        assert_eq!(carried(Step::PayloadOut(11)), [0, 11, 0, 0]);
        assert_eq!(carried(Step::ObjectsIn(12)), [0, 0, 12, 0]);
        assert_eq!(carried(Step::ObjectsOut(13)), [0, 0, 0, 13]);
        assert_eq!(which(|s| s.carries() != Carried::default()).len(), 4);
        let blocks: Vec<Bytes> = which(|s| s.block() > 0).iter().map(Step::block).collect();
        assert_eq!(blocks, [10, 11, 15]);
        let failing = [
            Step::Timeout(Nanos(100).into(), inner()),
            Step::Fail(0.5),
            retry(2, 100),
        ];
        assert_eq!(which(Step::may_fail), failing);
        assert_eq!(which(Step::allocates), [Step::Allocate(14)]);
    }

    /// What is not needed is cut short.
    #[test]
    fn children_may_not_all_be_needed() {
        let some = Step::FanOut {
            count: 3,
            need: Some(2),
            steps: inner(),
        };
        assert!(some.may_fail() && !fan_out(3).may_fail());
        assert_eq!(some.inside(), fan_out(3).inside());
        assert_eq!(some.around(<[Step]>::to_vec), some);
    }

    #[test]
    fn around_changes_what_is_inside_and_nothing_else() {
        for step in all() {
            assert_eq!(step.around(<[Step]>::to_vec), step);
            let other = step.around(|_| vec![Step::Put(1)]);
            match step.inside() {
                None => assert_eq!(other, step),
                Some(inside) => {
                    assert_eq!(other.inside().unwrap().steps, [Step::Put(1)]);
                    assert_eq!(other.inside().unwrap().runs, inside.runs);
                    assert_eq!(other.around(|_| inner()), step);
                }
            }
        }
    }

    #[test]
    fn scaling_multiplies_every_time() {
        for step in all() {
            assert_eq!(step.scaled(1.0), step);
            let half = step.scaled(0.5);
            // What is carried stays; times are halved.
            assert_eq!(half.carries(), step.carries());
            assert_eq!(half.inside().map(|i| i.runs), step.inside().map(|i| i.runs));
            for (a, b) in [(&half, &step)].into_iter().chain(
                (half.inside().iter().flat_map(|i| i.steps))
                    .zip(step.inside().iter().flat_map(|i| i.steps)),
            ) {
                let mean = |s: &Step| s.takes().map(|(spent, time)| (spent, time.mean()));
                assert_eq!(mean(a), mean(b).map(|(spent, mean)| (spent, mean / 2.0)));
            }
        }
        assert_eq!(
            Step::Timeout(Nanos(100).into(), Vec::new()).scaled(0.5),
            Step::Timeout(Nanos(50).into(), Vec::new())
        );
        assert_eq!(retry(2, 100).scaled(0.5).around(|_| inner()), retry(2, 50));
        // A shorter step gives the GIL up less often, and a very short one not at all.
        assert_eq!(
            Step::Releasing(ms(1), given(4)).scaled(0.5),
            Step::Releasing(Dist::Constant(Nanos::from_micros(500)), given(2))
        );
        assert_eq!(
            Step::Releasing(ms(1), given(4)).scaled(0.01),
            Step::Cpu(Dist::Constant(Nanos::from_micros(10)))
        );
    }
}
