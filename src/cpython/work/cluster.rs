//! Several machines behind a load balancer or a broker: where requests go, and the time that they and their answers are on their way.
//!
//! The clients are where the balancer is. A request is under way at a machine from when it is sent there until its answer is back. The balancer's own
//! work takes no time. The link of a machine transfers one message after another in each direction, and each is as long on its way as the
//! network's latency says.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use typed_index_collections::TiVec;

use super::Work;
use super::faults::one_more;
use super::listening::earlier;
use crate::cpython::index::{ClassIndex, CopyIndex, NodeIndex, TaskKey};
use crate::cpython::program::Program;
use crate::cpython::record::recording::TaskEnd;
use crate::engine::{Nanos, StreamRole, Streams, unit, whole};
use crate::machine::Cause;
use crate::scenario::{Balancer, Nodes, transfer_time};

/// A message on its way between the balancer and a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Message {
    /// A request, to the machine.
    Request(TaskKey),
    /// An answer, to the client.
    Answer(TaskKey),
}

/// Messages on their way, by when they arrive; those that arrive together in the order in which they were sent.
#[derive(Default)]
struct OnTheirWay {
    /// Those that arrive no sooner than all that were sent before: nearly all, since every message is as long on its way.
    lane: VecDeque<(Nanos, u64, Message)>,
    /// The others.
    heap: BinaryHeap<Reverse<(Nanos, u64, Message)>>,
    sent: u64,
    /// When the first of all arrives: asked for far more often than it changes.
    next: Option<Nanos>,
}

impl OnTheirWay {
    fn add(&mut self, at: Nanos, message: Message) {
        self.sent += 1;
        let entry = (at, self.sent, message);
        if self.lane.back().is_none_or(|last| last.0 <= at) {
            self.lane.push_back(entry);
        } else {
            self.heap.push(Reverse(entry));
        }
        self.next = earlier(self.next, Some(at));
    }

    /// Takes the first one out if it has arrived by now.
    #[inline]
    fn arrives(&mut self, now: Nanos) -> Option<Message> {
        self.next.filter(|&at| at <= now)?;
        let of_heap = match (self.lane.front(), self.heap.peek()) {
            (Some(in_order), Some(Reverse(other))) => other < in_order,
            (None, Some(_)) => true,
            (_, None) => false,
        };
        let first = if of_heap {
            self.heap.pop().map(|Reverse(entry)| entry)
        } else {
            self.lane.pop_front()
        };
        self.next = earlier(
            self.lane.front().map(|entry| entry.0),
            self.heap.peek().map(|Reverse(entry)| entry.0),
        );
        first.map(|(.., message)| message)
    }

    fn all(&self) -> impl Iterator<Item = (Nanos, u64, Message)> + '_ {
        let heap = self.heap.iter().map(|Reverse(entry)| *entry);
        self.lane.iter().copied().chain(heap)
    }
}

/// A machine, and what the balancer knows of it.
#[derive(Clone, Debug)]
struct Seen {
    /// Requests under way there, by what the balancer knows.
    outstanding: u64,
    /// Whether the balancer sends requests there.
    up: bool,
    /// Whether the machine is gone.
    gone: bool,
    /// Whether it is being checked; a machine that is there and known to be is not looked at.
    checked: bool,
    /// Checks in a row that have failed, and that have succeeded, since the last one of the other kind.
    fails: u32,
    passes: u32,
    /// Requests to which nobody will answer, because the machine has been lost with them.
    unanswered: Vec<TaskKey>,
    /// Until when its link is busy with what has been sent to it, and with what it has sent.
    link: [Nanos; 2],
}

impl Seen {
    /// A machine that is there at the start, or that is not.
    fn begin(there: bool) -> Self {
        Self {
            outstanding: 0,
            up: there,
            gone: !there,
            checked: false,
            fails: 0,
            passes: 0,
            unanswered: Vec::new(),
            link: [Nanos::ZERO; 2],
        }
    }
}

/// What lost machines came to.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct LostMachines {
    /// How often a machine was lost, and when that was for the first time.
    pub(crate) lost: (u64, Nanos),
    /// Number of requests that failed with one of them, or were sent there in vain.
    pub(crate) failed: u64,
    /// Number of messages that a broker sent again to another.
    pub(crate) sent_again: u64,
    /// Number of requests that came while the balancer knew of no machine.
    pub(crate) refused: u64,
}

/// What stands before several machines.
pub(crate) struct Cluster<'a> {
    /// `None`: there is one machine, and nothing stands before it.
    spec: Option<&'a Nodes>,
    nodes: TiVec<NodeIndex, Seen>,
    /// The machine that is next in turn.
    next: usize,
    choices: Streams,
    /// Messages that wait in a broker's queue.
    queue: VecDeque<TaskKey>,
    on_their_way: OnTheirWay,
    /// Number of requests that no machine has yet.
    expected: u64,
    /// Whether a broker sends again what is lost with a machine.
    sends_again: bool,
    /// What lost machines came to.
    pub(crate) lost: LostMachines,
    /// By class of tasks, how long a request and its answer keep a link busy.
    transfers: TiVec<ClassIndex, [Nanos; 2]>,
}

impl<'a> Cluster<'a> {
    pub(super) fn new(program: &'a Program, seed: u64, demands: u32) -> Self {
        let spec = program.cluster.as_ref();
        let rate = spec.and_then(|s| s.network.rate);
        let takes = |bytes: u64| rate.map_or(Nanos::ZERO, |rate| transfer_time(bytes, rate));
        Self {
            spec,
            nodes: (0..program.nodes())
                .map(|i| Seen::begin(i < program.machines_at_first()))
                .collect(),
            next: 0,
            choices: Streams::new(seed, demands, StreamRole::Balancing),
            queue: VecDeque::new(),
            on_their_way: OnTheirWay::default(),
            expected: 0,
            sends_again: program.machines_go() && spec.is_some_and(|s| s.balancer.queues()),
            lost: LostMachines::default(),
            transfers: (program.classes.iter())
                .map(|class| [takes(class.bytes_in), takes(class.bytes_out())])
                .collect(),
        }
    }

    /// Whether requests come by a balancer or a broker.
    #[inline]
    pub(super) fn is_there(&self) -> bool {
        self.spec.is_some()
    }

    /// Whether requests have come that no machine has yet, or that may have to be sent to another: so many are not over.
    pub(super) fn expects(&self, alive: u64) -> bool {
        self.expected > 0 || self.sends_again && alive > 0
    }

    /// When the next message arrives; `None` if none is on its way.
    #[inline]
    pub(super) fn next(&self) -> Option<Nanos> {
        self.on_their_way.next
    }

    /// Messages on their way, and when they arrive.
    pub(crate) fn on_their_way(&self) -> impl Iterator<Item = (Message, Nanos)> + '_ {
        self.on_their_way
            .all()
            .map(|(at, _, message)| (message, at))
    }

    /// Messages that wait in the broker's queue, first come first.
    pub(crate) fn in_queue(&self) -> impl Iterator<Item = TaskKey> + '_ {
        self.queue.iter().copied()
    }

    /// All requests that no copy of the program has.
    pub(super) fn has(&self) -> impl Iterator<Item = TaskKey> + '_ {
        let on_their_way = self.on_their_way.all().map(|(.., message)| {
            let (Message::Request(key) | Message::Answer(key)) = message;
            key
        });
        on_their_way.chain(self.in_queue()).chain(self.unanswered())
    }

    /// Requests to which nobody will answer.
    pub(crate) fn unanswered(&self) -> impl Iterator<Item = TaskKey> + '_ {
        self.nodes.iter().flat_map(|s| s.unanswered.iter().copied())
    }

    /// The machine of this number among those that the balancer sends requests to.
    fn nth_up(&self, n: usize) -> Option<NodeIndex> {
        let up = self.nodes.iter_enumerated().filter(|(_, s)| s.up);
        up.map(|(node, _)| node).nth(n)
    }

    /// The machine that is next in turn, of those that this holds for.
    fn in_turn(&mut self, may: impl Fn(&Seen) -> bool) -> Option<NodeIndex> {
        let n = self.nodes.len();
        let found = (0..n)
            .map(|i| NodeIndex::from((self.next + i) % n))
            .find(|&node| may(&self.nodes[node]))?;
        self.next = (usize::from(found) + 1) % n;
        Some(found)
    }

    /// The machine with the fewest requests under way; of several the next in turn.
    fn least(&mut self, may: impl Fn(&Seen) -> bool) -> Option<NodeIndex> {
        let all = &self.nodes.raw;
        let mut least: Option<(usize, u64)> = None;
        let mut at = self.next;
        for _ in 0..all.len() {
            let seen = &all[at];
            if may(seen) && least.is_none_or(|(_, fewest)| seen.outstanding < fewest) {
                least = Some((at, seen.outstanding));
            }
            at = if at + 1 == all.len() { 0 } else { at + 1 };
        }
        let (least, _) = least?;
        self.next = if least + 1 == all.len() { 0 } else { least + 1 };
        Some(NodeIndex::from(least))
    }

    /// Number of machines that the balancer sends requests to; `None` if there are none.
    fn ups(&self) -> Option<usize> {
        let all = self.nodes.iter().filter(|s| s.up).count();
        (all > 0).then_some(all)
    }

    /// Where a request goes; `None` if no machine may have it now. `before`: where its user was before.
    fn choose(
        &mut self,
        spec: &Nodes,
        request: u64,
        before: Option<NodeIndex>,
    ) -> Option<NodeIndex> {
        let draw = |of: usize, x: f64| {
            let n = usize::try_from(whole((x * of as f64).floor())).unwrap_or_default();
            n.min(of - 1)
        };
        match spec.balancer {
            Balancer::RoundRobin => self.in_turn(|s| s.up),
            Balancer::Random => {
                let all = self.ups()?;
                let mut rng = self.choices.task(request, 0);
                self.nth_up(draw(all, unit(&mut rng)))
            }
            Balancer::TwoChoices => {
                let all = self.ups()?;
                let mut rng = self.choices.task(request, 0);
                let a = draw(all, unit(&mut rng));
                if all == 1 {
                    return self.nth_up(a);
                }
                // Two different ones: the second is drawn from those that are left.
                let b = (a + 1 + draw(all - 1, unit(&mut rng))) % all;
                let (a, b) = (self.nth_up(a)?, self.nth_up(b)?);
                let fewer = self.nodes[b].outstanding < self.nodes[a].outstanding;
                Some(if fewer { b } else { a })
            }
            Balancer::LeastOutstanding => self.least(|s| s.up),
            Balancer::Sticky => {
                (before.filter(|&node| self.nodes[node].up)).or_else(|| self.in_turn(|s| s.up))
            }
            Balancer::Broker { prefetch } => {
                self.least(|s| s.up && s.outstanding < u64::from(prefetch))
            }
        }
    }
}

impl Work<'_> {
    /// A request that is let in goes to the one machine, or where the balancer sends it.
    pub(super) fn routes(&mut self, key: TaskKey) {
        let Some(spec) = self.cluster.spec else {
            return self.connect(key, 1);
        };
        self.cluster.expected += 1;
        let (number, before) = (self.tasks[key].number, self.tasks[key].before);
        match self.cluster.choose(spec, number, before) {
            Some(node) => self.send_request(key, node),
            None if spec.balancer.queues() => self.cluster.queue.push_back(key),
            None => {
                // It knows of no machine: 503.
                self.cluster.expected -= 1;
                self.cluster.lost.refused += 1;
                self.fails_at_balancer(key);
            }
        }
    }

    /// A request fails that no copy of the program has.
    fn fails_at_balancer(&mut self, key: TaskKey) {
        self.tasks[key].ending = TaskEnd::Failed;
        self.ends_outside(key);
        self.nudge_all_if_over();
    }

    fn send_request(&mut self, key: TaskKey, node: NodeIndex) {
        let task = &mut self.tasks[key];
        (task.node, task.routed) = (node, true);
        self.cluster.nodes[node].outstanding += 1;
        let at = self.message_arrives(key, node, 0);
        self.send(at, Message::Request(key));
    }

    /// When a message that is sent now arrives: direction 0 is to the machine, 1 from it.
    fn message_arrives(&mut self, key: TaskKey, node: NodeIndex, direction: usize) -> Nanos {
        let now = self.kernel.machine.now();
        let class = self.tasks[key].submitted_as;
        let takes = self.cluster.transfers[class][direction];
        let latency = self.cluster.spec.map_or(Nanos::ZERO, |s| s.network.latency);
        let link = &mut self.cluster.nodes[node].link[direction];
        *link = (*link).max(now) + takes;
        *link + latency
    }

    fn send(&mut self, at: Nanos, message: Message) {
        if at <= self.kernel.machine.now() {
            return self.message_is_there(message);
        }
        let c = &mut self.cluster;
        let first = c.next().is_none_or(|next| at < next);
        c.on_their_way.add(at, message);
        if first {
            self.announce_arrival();
        }
    }

    /// Messages arrive that were on their way until now.
    pub(super) fn messages_arrive(&mut self) {
        let now = self.kernel.machine.now();
        while let Some(message) = self.cluster.on_their_way.arrives(now) {
            let (Message::Request(key) | Message::Answer(key)) = message;
            self.book_until_now(key, Cause::Io);
            self.message_is_there(message);
        }
    }

    fn message_is_there(&mut self, message: Message) {
        match message {
            Message::Request(key) => {
                self.cluster.expected -= 1;
                let node = self.tasks[key].node;
                if self.cluster.nodes[node].gone {
                    self.cluster.nodes[node].unanswered.push(key);
                    // Of one that has been stopped its connection is refused at once.
                    if self.fleet.is_off(node) {
                        self.restarts.killed.tasks += self.give_unanswered_up(node).0;
                    }
                } else {
                    self.connect(key, 1);
                }
            }
            Message::Answer(key) => self.ends_outside(key),
        }
    }

    /// A machine has answered a request; the client has not heard of it yet.
    pub(super) fn answers(&mut self, key: TaskKey) {
        self.release_data(key);
        self.leaves_process(key);
        let now = self.kernel.machine.now();
        let task = &mut self.tasks[key];
        (task.data, task.since) = (super::Data::default(), now);
        let node = task.node;
        let at = self.message_arrives(key, node, 1);
        self.send(at, Message::Answer(key));
    }

    /// A request to this machine is over: who waits in the broker's queue may go there.
    pub(super) fn request_is_over(&mut self, node: NodeIndex) {
        let Some(spec) = self.cluster.spec else {
            return;
        };
        self.cluster.nodes[node].outstanding -= 1;
        if self.has_answered(node) {
            self.is_idle(node);
        }
        self.send_next(spec);
        if self.cluster.sends_again && self.tasks.alive() == 0 {
            self.nudge_all_if_over();
        }
    }

    /// Sends the first message of the broker's queue to a machine that may have one more; whether there were both.
    fn send_next(&mut self, spec: &Nodes) -> bool {
        let Some(&key) = self.cluster.queue.front() else {
            return false;
        };
        let number = self.tasks[key].number;
        let node = self.cluster.choose(spec, number, None);
        if let Some(node) = node {
            self.cluster.queue.pop_front();
            self.book_until_now(key, Cause::Pool);
            self.send_request(key, node);
        }
        node.is_some()
    }

    /// The machines that are there.
    pub(super) fn machines_there(&self) -> Vec<NodeIndex> {
        let there = self
            .cluster
            .nodes
            .iter_enumerated()
            .filter(|(_, s)| !s.gone);
        there.map(|(node, _)| node).collect()
    }

    /// The copies of the program that live on a machine.
    pub(crate) fn copies_on(&self, node: NodeIndex) -> Vec<CopyIndex> {
        self.living_copies()
            .filter(|&copy| self.copies[copy].node == node)
            .collect()
    }

    /// Nobody will answer to this request: its client waits until the balancer finds out.
    pub(super) fn is_unanswered(&mut self, key: TaskKey) {
        let now = self.kernel.machine.now();
        self.leaves_process(key);
        let task = &mut self.tasks[key];
        task.since = now;
        let node = task.node;
        self.cluster.nodes[node].unanswered.push(key);
    }

    /// A machine is gone, whose copies have been ended.
    pub(crate) fn machine_is_gone(&mut self, node: NodeIndex) {
        one_more(&mut self.cluster.lost.lost, self.kernel.machine.now());
        self.nothing_runs_on(node);
        self.looks_after(node);
        self.machines_move_on();
    }

    /// A machine has been stopped by order. Returns how many requests it still had.
    pub(super) fn machine_is_off(&mut self, node: NodeIndex) -> u64 {
        self.nothing_runs_on(node);
        let (failed, again) = self.give_unanswered_up(node);
        failed + again
    }

    /// All processes of a machine are ended, and nobody answers to who waits at its socket.
    fn nothing_runs_on(&mut self, node: NodeIndex) {
        self.kernel.machine_is_gone(node);
        self.forget_watchdog(node);
        let queued = std::mem::take(&mut self.arrivals.sockets[node].queued);
        let tasks = &self.tasks;
        let pending = (self.listening).take_out(|key| tasks[key].node == node);
        for key in queued.into_iter().chain(pending) {
            self.book_until_now(key, Cause::Pool);
            self.is_unanswered(key);
        }
        self.cluster.nodes[node].gone = true;
    }

    /// A machine is back. It knows of no connection from before: who waits for an answer hears that at once. Returns whether it starts its program:
    /// not if it has been stopped by order meanwhile.
    pub(crate) fn machine_is_back(&mut self, node: NodeIndex) -> bool {
        if !self.comes_back(node) {
            return false;
        }
        self.cluster.nodes[node].gone = false;
        self.looks_after(node);
        self.is_lost_with(node);
        true
    }

    /// A machine that was asked for starts its program: the balancer sends requests there once its checks have passed.
    pub(super) fn machine_is_on(&mut self, node: NodeIndex) {
        let seen = &mut self.cluster.nodes[node];
        (seen.gone, seen.up, seen.fails, seen.passes) = (false, false, 0, 0);
        self.looks_after(node);
    }

    /// The balancer sends nothing more to a machine that is to be stopped.
    pub(super) fn gets_nothing_more(&mut self, node: NodeIndex) {
        self.cluster.nodes[node].up = false;
    }

    /// Whether the balancer sends requests to a machine.
    pub(super) fn is_up(&self, node: NodeIndex) -> bool {
        self.cluster.nodes[node].up
    }

    /// Whether a machine that should be there has been lost.
    pub(super) fn is_lost_machine(&self, node: NodeIndex) -> bool {
        self.cluster.nodes[node].gone && !self.fleet.is_off(node)
    }

    /// Whether all requests to a machine have been answered.
    pub(super) fn has_answered(&self, node: NodeIndex) -> bool {
        self.cluster.nodes[node].outstanding == 0
    }

    /// From now on the checks of a machine matter, until the balancer knows how it is.
    fn looks_after(&mut self, node: NodeIndex) {
        if !std::mem::replace(&mut self.cluster.nodes[node].checked, true) {
            self.check_next(node);
        }
    }

    /// Announces the next check of a machine: they are at whole multiples of the interval.
    fn check_next(&mut self, node: NodeIndex) {
        let Some(spec) = self.cluster.spec else {
            return;
        };
        let (every, now) = (spec.health.every, self.kernel.machine.now());
        let number = self.faults_of_scenario() + 2 * usize::from(node);
        self.fault_at(number, every * (now.0 / every.0.max(1) + 1));
    }

    /// A check of a machine begins, or one that has failed for the last time is over.
    pub(super) fn health_event(&mut self, event: usize) {
        // Machines that come and go for ever have to meet the event limit, too.
        self.kernel.events += 1;
        let node = NodeIndex::from(event / 2);
        if event % 2 == 1 {
            self.is_down(node);
        } else {
            self.check(node);
        }
    }

    /// The balancer checks a machine: whether a copy of the program serves there.
    fn check(&mut self, node: NodeIndex) {
        let Some(spec) = self.cluster.spec else {
            return;
        };
        let serves = self
            .copies_on(node)
            .into_iter()
            .any(|copy| self.is_there(copy));
        let now = self.kernel.machine.now();
        let idle = self.only_faults_are_left();
        let ordered = self.fleet.is_checked(node);
        let seen = &mut self.cluster.nodes[node];
        if !ordered {
            seen.checked = false; // It has been taken out, or has been stopped.
            return;
        }
        let before = seen.up;
        if serves {
            (seen.fails, seen.passes) = (0, seen.passes.saturating_add(1));
            seen.up |= seen.passes >= spec.health.passes;
            seen.checked = !seen.up;
        } else {
            (seen.fails, seen.passes) = (seen.fails.saturating_add(1), 0);
            // Of one that is gone and known to be nothing new is heard until it is back; neither of one where nobody does anything any more.
            seen.checked = seen.up || !seen.gone && !idle;
        }
        let (fails, up, checked) = (seen.fails, seen.up, seen.checked);
        if up && fails == spec.health.fails {
            let number = self.faults_of_scenario() + 2 * usize::from(node) + 1;
            self.fault_at(number, now + spec.health.timeout);
        }
        if checked {
            self.check_next(node);
        }
        if serves && up {
            if !before {
                self.is_looked_at(node);
                self.machines_move_on();
            }
            while self.send_next(spec) {}
        }
    }

    /// The balancer sends nothing more to a machine whose checks have failed, and gives up what it waits for there.
    fn is_down(&mut self, node: NodeIndex) {
        let health = self.cluster.spec.map(|s| s.health).unwrap_or_default();
        let ordered = self.fleet.is_checked(node);
        let seen = &mut self.cluster.nodes[node];
        if seen.fails < health.fails || !ordered {
            return; // It has answered since, or is not asked any more.
        }
        seen.up = false;
        self.is_lost_with(node);
    }

    /// Requests are given up that were lost with their machine.
    fn is_lost_with(&mut self, node: NodeIndex) {
        let (failed, again) = self.give_unanswered_up(node);
        self.cluster.lost.failed += failed;
        self.cluster.lost.sent_again += again;
    }

    /// Clients hear that nobody will answer to their requests; a broker sends them to other machines. Returns how many failed, and how many are
    /// sent again.
    fn give_unanswered_up(&mut self, node: NodeIndex) -> (u64, u64) {
        let Some(spec) = self.cluster.spec else {
            return (0, 0);
        };
        let (mut failed, mut again) = (0, 0);
        for key in std::mem::take(&mut self.cluster.nodes[node].unanswered) {
            self.book_until_now(key, Cause::Io);
            if spec.balancer.queues() {
                again += 1;
                self.cluster.nodes[node].outstanding -= 1;
                self.cluster.expected += 1;
                self.begins_anew(key);
                self.cluster.queue.push_back(key);
            } else {
                failed += 1;
                self.fails_at_balancer(key);
            }
        }
        while self.send_next(spec) {}
        (failed, again)
    }

    /// A task that was lost with its machine is as it was when it came.
    fn begins_anew(&mut self, key: TaskKey) {
        let payload = self.kernel.program.classes[self.tasks[key].submitted_as].bytes_in;
        let task = &mut self.tasks[key];
        task.begins_anew();
        task.payload = payload;
    }
}
