//! Clients outside: they give requests up after a while, which the program does not learn of, and send them again.
//!
//! A client's own time-out costs the program nothing and tells it nothing: whoever executes the request goes on, and its answer finds nobody (the response is
//! written into a closed connection). What is sent again is a new request.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Work;
use super::task::{Frame, Task};
use crate::cpython::index::{ClassIndex, TaskKey};
use crate::cpython::record::recording::TaskEnd;
use crate::engine::{Nanos, mixed};
use crate::machine::Cause;
use crate::scenario::{Backoff, Client, Dist};
use crate::sync::RetryBudget;

/// The bit that the numbers of requests have that are sent again, and those of others have not; children's have another.
const AGAIN: u64 = 1 << 62;

/// A request that a client waits for, or will send again.
#[derive(Clone, Copy, Debug)]
struct Request {
    /// The task that it is at present.
    key: TaskKey,
    class: ClassIndex,
    /// The number of the task that it was at first.
    first: u64,
    /// When it was sent for the first time, and whether that counts.
    asked: Nanos,
    counted: bool,
    /// How often it has been sent again.
    again: u32,
    /// The last pause before it was sent again.
    paused: Option<Nanos>,
    /// Of all that was sent so far, which it is: what is scheduled for others is stale.
    serial: u64,
}

/// Something that a client does: when, which of all that was sent it is about, and of which request.
type Due = Reverse<(Nanos, u64, u32)>;

/// The clients of a run.
#[derive(Default)]
pub(crate) struct Clients {
    requests: Vec<Option<Request>>,
    free: Vec<u32>,
    /// Requests that somebody waits for or will send again.
    open: u64,
    /// When they give up.
    deadlines: BinaryHeap<Due>,
    /// When they send again.
    again: BinaryHeap<Due>,
    sent: u64,
    budget: Option<RetryBudget>,
    /// Number of requests that were sent again.
    all_resent: u64,
    /// Number of these that count.
    resent: u64,
    /// Number of requests that count and that their clients never had an answer to.
    unanswered: u64,
}

impl Clients {
    /// Number of counted requests that were sent again so far.
    pub(crate) fn resent(&self) -> u64 {
        self.resent
    }

    /// Number of counted requests that ended without an answer so far, however often they were sent.
    pub(crate) fn unanswered(&self) -> u64 {
        self.unanswered
    }

    /// Number of requests that were sent again so far, whether they count or not.
    pub(crate) fn all_resent(&self) -> u64 {
        self.all_resent
    }

    /// When a client does something next; `None` if none does.
    pub(super) fn next(&mut self) -> Option<Nanos> {
        while let Some(&Reverse((_, serial, request))) = self.deadlines.peek() {
            if self.is_current(serial, request) {
                break;
            }
            self.deadlines.pop();
        }
        let first = |heap: &BinaryHeap<Due>| heap.peek().map(|Reverse((at, ..))| *at);
        let (again, gives_up) = (first(&self.again), first(&self.deadlines));
        again.into_iter().chain(gives_up).min()
    }

    fn is_current(&self, serial: u64, request: u32) -> bool {
        self.requests[request as usize].is_some_and(|r| r.serial == serial)
    }

    /// A task has another key from now on.
    pub(super) fn moves(&mut self, task: &Task, to: TaskKey) {
        if let Some(r) = task.request {
            self.get(r).key = to;
        }
    }

    fn get(&mut self, request: u32) -> &mut Request {
        let r = &mut self.requests[request as usize];
        r.as_mut().expect("a request that somebody waits for")
    }

    fn insert(&mut self, request: Request) -> u32 {
        self.open += 1;
        if let Some(free) = self.free.pop() {
            self.requests[free as usize] = Some(request);
            return free;
        }
        self.requests.push(Some(request));
        u32::try_from(self.requests.len() - 1).expect("fewer than 2^32 requests at once")
    }

    fn forget(&mut self, request: u32) {
        self.open -= 1;
        self.requests[request as usize] = None;
        self.free.push(request);
    }
}

impl Work<'_> {
    fn client(&self) -> Option<&Client> {
        self.kernel.program.client.as_ref()
    }

    /// Whether requests may be sent again, as far as is known now.
    pub(super) fn may_come_again(&self) -> bool {
        self.clients.open > 0 && self.client().is_some_and(|c| c.retries > 0)
    }

    /// A client sends a request for the first time.
    pub(super) fn client_asks(&mut self, key: TaskKey) {
        if self.client().is_none() {
            return;
        }
        let task = &self.tasks[key];
        let request = Request {
            key,
            class: task.class,
            first: task.number,
            asked: task.arrival,
            counted: task.counted,
            again: 0,
            paused: None,
            serial: 0,
        };
        let adds = self.client().and_then(|c| c.backoff.budget);
        if let Some(adds) = adds {
            let full = || RetryBudget::full(Backoff::BUDGET_TOKENS);
            let budget = self.clients.budget.get_or_insert_with(full);
            budget.deposit(adds, Backoff::BUDGET_TOKENS);
        }
        let request = self.clients.insert(request);
        self.is_sent(key, request);
    }

    /// A request is on its way, as this task: its client's patience begins.
    fn is_sent(&mut self, key: TaskKey, request: u32) {
        self.clients.sent += 1;
        let serial = self.clients.sent;
        let r = self.clients.get(request);
        (r.key, r.serial) = (key, serial);
        self.tasks[key].request = Some(request);
        let Some(client) = &self.kernel.program.client else {
            return;
        };
        let Some(patience) = &client.timeout else {
            return;
        };
        let time = match patience {
            Dist::Constant(time) => *time,
            drawn => drawn.sample(&mut self.next_patience(key, true)),
        };
        let at = self.kernel.machine.now() + time;
        self.clients.deadlines.push(Reverse((at, serial, request)));
        if client.propagate {
            self.tasks[key].frames.push(Frame::Timeout(at));
        }
        self.announce_arrival();
    }

    /// Clients give up, or send again, whose time has come.
    pub(super) fn clients_act(&mut self) {
        let now = self.kernel.machine.now();
        while let Some(at) = self.clients.next().filter(|&at| at <= now) {
            let c = &mut self.clients;
            let gives_up = (c.deadlines.peek()).is_some_and(|Reverse((due, ..))| *due == at);
            if gives_up && let Some(Reverse((_, _, request))) = c.deadlines.pop() {
                let key = c.get(request).key;
                self.client_gives_up(key);
            } else if let Some(Reverse((_, _, request))) = c.again.pop() {
                self.sends_again(request);
            }
        }
    }

    /// A client has waited for long enough. Whoever has its request goes on with that, for nobody.
    fn client_gives_up(&mut self, key: TaskKey) {
        let ending = TaskEnd::TimedOut;
        let now = self.kernel.machine.now();
        // Users without patience may ask again at once: they have to meet the event limit, too.
        self.kernel.events += 1;
        self.is_nobodys(key);
        if let Some(r) = &mut self.kernel.recorder {
            r.task_ends(key, Some(self.tasks[key].arrival), ending, now);
        }
        self.tasks[key].gone = true;
        self.is_answered(key, ending);
        let counts = &mut self.tasks[key];
        (counts.counted, counts.child_counts) = (false, false);
        self.nudge_all_if_over();
    }

    /// Books the time of a task until now; its time is nobody's from then on.
    fn is_nobodys(&mut self, key: TaskKey) {
        let runs = |&t: &crate::machine::Tid| self.kernel.threads[t].task == Some(key);
        let threads: Vec<_> = self.kernel.threads.keys().filter(runs).collect();
        self.book_lost(key, &threads);
        for thread in threads {
            self.kernel.machine.count_no_more(thread);
        }
    }

    /// The client of this task learns how it ended, or that it has given it up. Returns whether it will not ask for it again.
    #[inline]
    pub(super) fn client_learns(&mut self, key: TaskKey, ending: TaskEnd) -> bool {
        let request = self.tasks[key].request.take();
        request.is_none_or(|request| self.patient_client_learns(key, request, ending))
    }

    fn patient_client_learns(&mut self, key: TaskKey, request: u32, ending: TaskEnd) -> bool {
        let done = ending == TaskEnd::Done || !self.plans_to_send_again(key, request);
        if done {
            let counts = self.clients.get(request).counted && ending != TaskEnd::Done;
            self.clients.unanswered += u64::from(counts);
            self.clients.forget(request);
        }
        self.announce_arrival();
        done
    }

    /// When a request was sent that is this task: for the first time, and as this task.
    #[inline]
    pub(super) fn asked(&self, key: TaskKey) -> Nanos {
        let task = &self.tasks[key];
        let request = task.request.and_then(|r| self.clients.requests[r as usize]);
        request.map_or(task.arrival, |r| r.asked)
    }

    /// A task is about to complete: what its client has waited for before it sent this attempt is part of its latency, and to the program a time
    /// outside.
    pub(super) fn books_earlier_attempts(&mut self, key: TaskKey) {
        let (asked, arrival) = (self.asked(key), self.tasks[key].arrival);
        if asked < arrival {
            self.book(key, Cause::Io, asked, arrival);
        }
    }

    /// Whether a client sends a request again that has not been completed, and then when.
    fn plans_to_send_again(&mut self, key: TaskKey, request: u32) -> bool {
        let Some(client) = &self.kernel.program.client else {
            return false;
        };
        let Request { again, paused, .. } = *self.clients.get(request);
        let budget = self.clients.budget.as_mut();
        if again >= client.retries || budget.is_some_and(|b| !b.withdraw()) {
            return false;
        }
        let backoff = &client.backoff;
        let mut rng = self.next_patience(key, backoff.draws());
        let pause = backoff.pause(again + 1, paused, &mut rng);
        let at = self.kernel.machine.now() + pause;
        // Whatever was scheduled for what was sent before is stale.
        self.clients.sent += 1;
        let serial = self.clients.sent;
        let r = self.clients.get(request);
        (r.again, r.paused, r.serial) = (again + 1, Some(pause), serial);
        self.clients.again.push(Reverse((at, serial, request)));
        true
    }

    /// A client sends a request again.
    fn sends_again(&mut self, request: u32) {
        let Request {
            class,
            first,
            again,
            ..
        } = *self.clients.get(request);
        let now = self.kernel.machine.now();
        let number = AGAIN | mixed(first, u64::from(again)) >> 2;
        let key = self.new_request(number, class, now);
        self.clients.all_resent += 1;
        self.clients.resent += u64::from(self.tasks[key].counted);
        self.is_sent(key, request);
        self.comes(key);
    }
}
