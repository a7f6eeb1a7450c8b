//! What a task uses for a while and gives back: permits of semaphores, connections of pools, tokens of rate limits, what circuit breakers let through.
//!
//! Each loop, process (interpreter) or the whole program has an instance of a resource, as its scope says. A semaphore that coroutines
//! await hands its permits over in order (`asyncio.Semaphore`, since CPython 3.11); all others let whoever comes first have them, and a woken waiter asks again:
//! `threading.Semaphore`, the queues inside of `SQLAlchemy`'s `QueuePool` and of asyncpg's `Pool`. A rate limit grants instants in the order of asking; nobody waits for a
//! circuit breaker (`breaker.rs`).

use std::collections::VecDeque;

use super::Work;
use super::flow::{Flow, Mode};
use super::task::Frame;
use super::wait::Waiter;
use crate::cpython::index::{ClassIndex, DomainIndex, ResourceIndex, ResourceNumber, TaskKey};
use crate::cpython::kernel::On;
use crate::cpython::program::Program;
use crate::cpython::record::recording::TaskEnd;
use crate::engine::{Nanos, Total};
use crate::machine::Tid;
use crate::scenario::{ResourceKind, Scope, WhenFull};
use crate::sync::{
    Acquisition, Breaker, BreakerRules, Queue, QueueResult, Semaphore, Ticket, Tokens,
};

/// An instance of a resource.
pub(super) struct Resource {
    /// Which resource of the program it is an instance of.
    pub(super) number: ResourceNumber,
    pub(super) guard: Guard,
    /// When each connection was opened that nobody uses, the longest unused first.
    idle: VecDeque<Nanos>,
    /// Tasks that use it now (never of a rate limit, whose tokens are used up at once).
    used: u64,
}

/// Who decides when a task gets what it asks for.
pub(super) enum Guard {
    /// Permits that are handed over to whoever has waited longest.
    Fair(Semaphore<Waiter>),
    /// Permits that whoever comes first takes; a woken waiter asks again.
    Barging(Queue<(), Waiter>),
    /// Tokens, by their instants.
    Limit(Tokens),
    /// Lets through or refuses, by how earlier uses have ended.
    Breaker(Breaker),
}

impl Guard {
    fn new(kind: &ResourceKind, fair: bool) -> Self {
        let count = kind.capacity();
        match kind {
            ResourceKind::Semaphore { .. } if fair => Self::Fair(Semaphore::new(count)),
            ResourceKind::Semaphore { .. } | ResourceKind::Connections { .. } => {
                Self::Barging(Queue::with_items((0..count).map(|_| ())))
            }
            ResourceKind::RateLimit {
                interval,
                burst,
                window: None,
            } => Self::Limit(Tokens::bucket(interval.0, *burst)),
            ResourceKind::RateLimit {
                burst,
                window: Some(window),
                ..
            } => Self::Limit(Tokens::window(
                usize::try_from(*burst).unwrap_or(usize::MAX),
                window.0,
            )),
            ResourceKind::Breaker {
                failures,
                reset,
                half_open,
            } => Self::Breaker(Breaker::new(BreakerRules {
                failures: *failures,
                reset: reset.0,
                half_open: *half_open,
            })),
        }
    }

    /// Asks for a permit. Who has been `called` has one already, if they are handed over.
    fn ask(&mut self, who: Waiter, called: bool) -> Acquisition {
        match self {
            Self::Fair(_) if called => Acquisition::Granted,
            Self::Fair(permits) => permits.ask(who),
            Self::Barging(permits) => match permits.get(who) {
                QueueResult::Done((), _) => Acquisition::Granted,
                QueueResult::Waits(ticket) => Acquisition::Waits(ticket),
            },
            Self::Limit(_) | Self::Breaker(_) => Acquisition::Granted,
        }
    }

    /// A permit comes back; who is to be woken.
    fn give(&mut self, by: Waiter) -> Option<Waiter> {
        match self {
            Self::Fair(permits) => permits.give(),
            Self::Barging(permits) => match permits.put(by, ()) {
                QueueResult::Done((), next) => next,
                QueueResult::Waits(_) => None,
            },
            Self::Limit(_) | Self::Breaker(_) => None,
        }
    }

    /// A waiter leaves its place in the line.
    fn forget(&mut self, ticket: Ticket) {
        match self {
            Self::Fair(permits) => permits.forget(ticket),
            Self::Barging(permits) => permits.forget_getter(ticket),
            Self::Limit(_) | Self::Breaker(_) => {}
        }
    }

    /// A waiter gives up, whether it still stands in line (with a ticket) or has just been called; who is to be woken in its place.
    fn give_up(&mut self, ticket: Option<Ticket>) -> Option<Waiter> {
        match (self, ticket) {
            (Self::Fair(permits), Some(ticket)) => {
                permits.forget(ticket);
                None
            }
            (Self::Fair(permits), None) => permits.give(),
            (Self::Barging(permits), ticket) => permits.give_up_getting(ticket),
            (Self::Limit(_) | Self::Breaker(_), _) => None,
        }
    }
}

/// All instances, and what tasks have waited for them.
pub(crate) struct Resources {
    /// Those of the whole program, then those of each machine, then those of each domain.
    instances: Vec<Option<Resource>>,
    /// By resource and class of tasks.
    waited: Vec<Vec<Total>>,
    /// How often tasks have asked and how often they were rejected, by resource and class.
    asked: Vec<Vec<Asked>>,
}

/// How often tasks have asked for a resource.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Asked {
    /// In all, where those who find nothing are rejected.
    pub(crate) times: u64,
    /// Rejected because nothing was left.
    pub(crate) rejected: u64,
}

impl Resources {
    pub(super) fn new(program: &Program) -> Self {
        let (resources, classes) = (program.resources.len(), program.classes.len());
        Self {
            instances: Vec::new(),
            waited: vec![vec![Total::ZERO; classes]; resources],
            asked: vec![vec![Asked::default(); classes]; resources],
        }
    }

    /// How often tasks of the class have asked for the resource, where they may be rejected.
    pub(crate) fn asked(&self, number: ResourceNumber, class: ClassIndex) -> Asked {
        self.asked[usize::from(number)][usize::from(class)]
    }

    /// What tasks of the class have waited for the resource.
    pub(crate) fn waited(&self, number: ResourceNumber, class: ClassIndex) -> Total {
        self.waited[usize::from(number)][usize::from(class)]
    }

    pub(super) fn at(&mut self, index: ResourceIndex) -> &mut Resource {
        self.instances[usize::from(index)]
            .as_mut()
            .expect("made when it was first asked for")
    }
}

impl Work<'_> {
    /// The instance of a resource for code of this domain.
    fn resource_of(&mut self, domain: DomainIndex, number: ResourceNumber) -> ResourceIndex {
        let program = self.kernel.program;
        let spec = &program.resources[number];
        let first = match spec.scope {
            Scope::Everywhere => 0,
            Scope::Node => 1 + usize::from(self.kernel.node_of_domain(domain)),
            Scope::Loop | Scope::Process => 1 + program.nodes() as usize + usize::from(domain),
        };
        let index = first * program.resources.len() + usize::from(number);
        let all = &mut self.resources.instances;
        if all.len() <= index {
            all.resize_with(index + 1, || None);
        }
        let fair = program.layout.event_loop && self.kernel.profile.minor >= 11;
        all[index].get_or_insert_with(|| Resource {
            number,
            guard: Guard::new(&spec.kind, fair),
            idle: VecDeque::new(),
            used: 0,
        });
        ResourceIndex::from(index)
    }

    /// The name of the resource that this is an instance of.
    pub(crate) fn resource_name(&self, index: ResourceIndex) -> &str {
        let resources = &self.kernel.program.resources;
        let number = usize::from(index) % resources.len();
        &resources[ResourceNumber::from(number)].name
    }

    /// Whether nothing of any resource is in use, and nobody waits for any: what holds once all tasks have ended.
    pub(crate) fn all_given_back(&self) -> bool {
        let program = self.kernel.program;
        let mut all = self.resources.instances.iter().flatten();
        all.all(|r| {
            let whole = program.resources[r.number].kind.capacity();
            r.used == 0
                && match &r.guard {
                    Guard::Fair(permits) => permits.permits() == whole && permits.line().is_empty(),
                    Guard::Barging(permits) => {
                        permits.len() as u64 == whole && permits.getters().is_empty()
                    }
                    Guard::Limit(_) => true,
                    Guard::Breaker(breaker) => breaker.trials() == 0,
                }
        })
    }

    /// A task comes to a block that uses a resource, or has been called for it.
    pub(super) fn step_enter_use(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        number: ResourceNumber,
    ) -> Flow {
        let index = self.resource_of(self.kernel.threads[tid].domain, number);
        let program = self.kernel.program;
        let full = program.resources[number].full;
        let who = Self::waiter(tid, key, mode);
        if full == WhenFull::Reject {
            self.asked_by(key, number).times += 1;
        }
        if let Guard::Limit(_) = self.resources.at(index).guard {
            return self.take_token(tid, key, mode, index, full);
        }
        if let Guard::Breaker(_) = self.resources.at(index).guard {
            return self.pass_breaker(tid, key, mode, index);
        }
        let before = self
            .waits(who)
            .copied()
            .filter(|w| w.on == On::Resource(index));
        if let Some(ticket) = before.and_then(|w| w.ticket) {
            // Woken by somebody else than the resource: it stands in line anew.
            self.resources.at(index).guard.forget(ticket);
        } else if before.is_none() {
            self.charge_for_asking(tid, who);
        }
        let called = before.is_some_and(|w| w.ticket.is_none());
        match self.resources.at(index).guard.ask(who, called) {
            Acquisition::Granted => {
                if let Some(wait) = before {
                    self.end_wait(who);
                    self.waited_for(key, number, wait.since);
                    if let WhenFull::GiveUp(_) = full {
                        // The time to wait is over: what remains are the deadlines around.
                        self.tasks[key].frames.pop();
                    }
                }
                self.begin_use(tid, key, mode, index)
            }
            Acquisition::Waits(ticket) => {
                match full {
                    WhenFull::Reject => {
                        self.asked_by(key, number).rejected += 1;
                        self.resources.at(index).guard.forget(ticket);
                        self.unwind(tid, key, TaskEnd::Failed, usize::MAX);
                        return Flow::Go;
                    }
                    WhenFull::GiveUp(after) if before.is_none() => {
                        let until = self.kernel.machine.now() + after;
                        self.tasks[key].frames.push(Frame::Timeout(until));
                    }
                    WhenFull::GiveUp(_) | WhenFull::Wait => {}
                }
                self.tasks[key].pc -= 1;
                self.wait(tid, key, mode, On::Resource(index), Some(ticket))
            }
        }
    }

    /// How often tasks of this one's class have asked for a resource.
    pub(super) fn asked_by(&mut self, key: TaskKey, number: ResourceNumber) -> &mut Asked {
        let class = usize::from(self.tasks[key].submitted_as);
        &mut self.resources.asked[usize::from(number)][class]
    }

    /// What asking and giving back costs whoever does it, once for both.
    pub(super) fn charge_for_asking(&mut self, tid: Tid, who: Waiter) {
        let costs = &self.kernel.costs;
        let cost = match who {
            Waiter::Task(_) => costs.aio_semaphore,
            Waiter::Thread(_) => costs.queue_pair,
        };
        self.kernel.machine.charge(tid, cost);
    }

    /// The task has its permit. A connection that is not open, or too old, is opened first.
    fn begin_use(&mut self, tid: Tid, key: TaskKey, mode: Mode, index: ResourceIndex) -> Flow {
        let now = self.kernel.machine.now();
        let program = self.kernel.program;
        let resource = self.resources.at(index);
        let spec = &program.resources[resource.number];
        resource.used += 1;
        let ResourceKind::Connections {
            connect,
            lifetime,
            to,
            ..
        } = spec.kind
        else {
            self.tasks[key].frames.push(Frame::Use(index, now));
            return Flow::Go;
        };
        let idle = resource.idle.pop_front().filter(|opened| {
            lifetime.is_none_or(|l| now.since(*opened) < l)
                && to.is_none_or(|device| self.devices.keeps(device.into(), *opened))
        });
        let opened = idle.unwrap_or(now);
        self.tasks[key].frames.push(Frame::Use(index, opened));
        match to {
            Some(device) if idle.is_none() => {
                self.use_device(tid, key, mode, device.into(), connect)
            }
            None if idle.is_none() && connect > Nanos::ZERO => {
                self.wait_outside(tid, key, mode, connect)
            }
            Some(_) | None => Flow::Go,
        }
    }

    /// A rate limit grants an instant, now or later.
    fn take_token(
        &mut self,
        tid: Tid,
        key: TaskKey,
        mode: Mode,
        index: ResourceIndex,
        full: WhenFull,
    ) -> Flow {
        let now = self.kernel.machine.now();
        self.charge_for_asking(tid, Self::waiter(tid, key, mode));
        let number = self.resources.at(index).number;
        let Guard::Limit(tokens) = &mut self.resources.at(index).guard else {
            return Flow::Go;
        };
        let at = Nanos(tokens.peek(now.0));
        let patience = match full {
            WhenFull::Wait => Nanos::MAX,
            WhenFull::Reject => Nanos::ZERO,
            WhenFull::GiveUp(after) => after,
        };
        if at.since(now) > patience {
            if full == WhenFull::Reject {
                // HTTP 429, whose `Retry-After` says how long.
                self.tasks[key].retry_after = Some(at.since(now));
                self.asked_by(key, number).rejected += 1;
                self.unwind(tid, key, TaskEnd::Failed, usize::MAX);
                return Flow::Go;
            }
            // It waits in vain, and takes no token.
            let until = now + patience;
            self.tasks[key].frames.push(Frame::Timeout(until));
            self.waits_for_token(key, number, until);
            return self.sleep_until(tid, key, mode, On::Token(index), until);
        }
        let at = Nanos(tokens.reserve(now.0));
        self.tasks[key].frames.push(Frame::Token(index, at));
        if at <= now {
            return Flow::Go;
        }
        let until = self.deadline(key).map_or(at, |d| d.min(at));
        self.waits_for_token(key, number, until);
        self.sleep_until(tid, key, mode, On::Token(index), until)
    }

    /// The block is over: what it used comes back.
    pub(super) fn step_leave_use(&mut self, tid: Tid, key: TaskKey, mode: Mode) {
        match self.tasks[key].frames.pop() {
            Some(Frame::Use(index, opened)) => {
                let who = Self::waiter(tid, key, mode);
                self.end_use(tid, who, index, Some(opened));
            }
            Some(Frame::Breaker(index, passage)) => self.breaker_succeeds(index, passage),
            Some(Frame::Token(..)) | None => {}
            Some(other) => self.tasks[key].frames.push(other),
        }
    }

    /// Gives a permit back, and its connection: kept if the pool has room for it, closed if `opened` is `None` or the pool has enough.
    pub(super) fn end_use(
        &mut self,
        tid: Tid,
        who: Waiter,
        index: ResourceIndex,
        opened: Option<Nanos>,
    ) {
        let program = self.kernel.program;
        let resource = self.resources.at(index);
        resource.used -= 1;
        if let ResourceKind::Connections { size, to, .. } = program.resources[resource.number].kind
            && let Some(opened) = opened
            && (resource.idle.len() as u64) < size
            && to.is_none_or(|device| self.devices.keeps(device.into(), opened))
        {
            resource.idle.push_back(opened);
        }
        if let Some(next) = resource.guard.give(who) {
            self.wake(tid, next);
        }
    }

    /// A token that was reserved and not yet there is given back.
    pub(super) fn give_token_back(&mut self, index: ResourceIndex, at: Nanos) {
        let now = self.kernel.machine.now();
        if at <= now {
            return;
        }
        if let Guard::Limit(tokens) = &mut self.resources.at(index).guard {
            tokens.give_back(at.0);
        }
    }

    /// A waiter for a resource gives up: who is to be woken in its place.
    pub(super) fn give_up_resource(
        &mut self,
        key: TaskKey,
        index: ResourceIndex,
        ticket: Option<Ticket>,
        since: Nanos,
    ) -> Option<Waiter> {
        let number = self.resources.at(index).number;
        self.waited_for(key, number, since);
        self.resources.at(index).guard.give_up(ticket)
    }

    /// Takes a waiter out of the line of a resource.
    pub(super) fn forget_resource(&mut self, key: TaskKey, index: ResourceIndex, ticket: Ticket) {
        let number = self.resources.at(index).number;
        if let Some(wait) = self.tasks[key].wait {
            self.waited_for(key, number, wait.since);
        }
        self.resources.at(index).guard.forget(ticket);
    }

    /// Counts the wait for a token that begins now.
    fn waits_for_token(&mut self, key: TaskKey, number: ResourceNumber, until: Nanos) {
        let now = self.kernel.machine.now();
        self.tasks[key].token_until = Some((number, until));
        self.waited_from_to(key, number, now, until);
    }

    /// Takes back what has been counted of a wait for a token beyond the end of the run, which is now.
    pub(super) fn cut_token_wait(&mut self, key: TaskKey) {
        let now = self.kernel.machine.now();
        let task = &self.tasks[key];
        if let Some((number, until)) = task.token_until.filter(|_| task.counted) {
            let class = usize::from(task.submitted_as);
            let waited = &mut self.resources.waited[usize::from(number)][class];
            *waited = Total(waited.0.saturating_sub(u128::from(until.since(now).0)));
        }
    }

    fn waited_for(&mut self, key: TaskKey, number: ResourceNumber, since: Nanos) {
        let now = self.kernel.machine.now();
        self.waited_from_to(key, number, since, now);
    }

    fn waited_from_to(&mut self, key: TaskKey, number: ResourceNumber, from: Nanos, to: Nanos) {
        let task = &self.tasks[key];
        if task.counted {
            let class = usize::from(task.submitted_as);
            self.resources.waited[usize::from(number)][class] += to.since(from);
        }
    }
}
