//! Several machines behind a load balancer or a broker: where requests go, and the time that they and their answers are on their way.
//!
//! The clients are where the balancer is. A request is under way at a machine from when it is sent there until its answer is back. The balancer's own
//! work takes no time. The link of a machine transfers one message after another in each direction, and each is as long on its way as the
//! network's latency says.

use std::cmp::Reverse;
use std::collections::{BinaryHeap, VecDeque};

use typed_index_collections::TiVec;

use super::Work;
use crate::cpython::index::{ClassIndex, NodeIndex, TaskKey};
use crate::cpython::program::Program;
use crate::engine::{Nanos, StreamRole, Streams, unit, whole};
use crate::machine::Cause;
use crate::scenario::{Balancer, Nodes};

/// A message on its way between the balancer and a machine.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Message {
    /// A request, to the machine.
    Request(TaskKey),
    /// An answer, to the client.
    Answer(TaskKey),
}

/// A machine, as the balancer sees it.
#[derive(Clone, Copy, Debug, Default)]
struct Seen {
    /// Requests under way there, by what the balancer knows.
    outstanding: u64,
    /// Until when its link is busy with what has been sent to it, and with what it has sent.
    link: [Nanos; 2],
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
    /// Messages on their way, by when they arrive; those that arrive together in the order in which they were sent.
    on_their_way: BinaryHeap<Reverse<(Nanos, u64, Message)>>,
    sent: u64,
    /// Number of requests that no machine has yet.
    expected: u64,
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
            nodes: vec![Seen::default(); program.nodes() as usize].into(),
            next: 0,
            choices: Streams::new(seed, demands, StreamRole::Balancing),
            queue: VecDeque::new(),
            on_their_way: BinaryHeap::new(),
            sent: 0,
            expected: 0,
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

    /// Whether requests have come that no machine has yet.
    pub(super) fn expects(&self) -> bool {
        self.expected > 0
    }

    /// When the next message arrives; `None` if none is on its way.
    #[inline]
    pub(super) fn next(&self) -> Option<Nanos> {
        self.on_their_way.peek().map(|Reverse((at, ..))| *at)
    }

    /// Messages on their way, and when they arrive.
    pub(crate) fn on_their_way(&self) -> impl Iterator<Item = (Message, Nanos)> + '_ {
        self.on_their_way.iter().map(|Reverse((at, _, m))| (*m, *at))
    }

    /// Messages that wait in the broker's queue, first come first.
    pub(crate) fn in_queue(&self) -> impl Iterator<Item = TaskKey> + '_ {
        self.queue.iter().copied()
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
        let of = self.nodes.iter().filter(|s| may(s));
        let least = of.map(|s| s.outstanding).min()?;
        self.in_turn(|s| may(s) && s.outstanding == least)
    }

    /// Where a request goes; `None` if it has to wait in the broker's queue. `before`: where its user was before.
    fn choose(
        &mut self,
        spec: &Nodes,
        request: u64,
        before: Option<NodeIndex>,
    ) -> Option<NodeIndex> {
        let all = self.nodes.len();
        let draw = |of: usize, x: f64| {
            let n = usize::try_from(whole((x * of as f64).floor())).unwrap_or_default();
            n.min(of - 1)
        };
        match spec.balancer {
            Balancer::RoundRobin => self.in_turn(|_| true),
            Balancer::Random => {
                let mut rng = self.choices.task(request, 0);
                Some(NodeIndex::from(draw(all, unit(&mut rng))))
            }
            Balancer::TwoChoices => {
                let mut rng = self.choices.task(request, 0);
                let a = draw(all, unit(&mut rng));
                if all == 1 {
                    return Some(NodeIndex::from(a));
                }
                // Two different ones: the second is drawn from those that are left.
                let b = (a + 1 + draw(all - 1, unit(&mut rng))) % all;
                let (a, b) = (NodeIndex::from(a), NodeIndex::from(b));
                let fewer = self.nodes[b].outstanding < self.nodes[a].outstanding;
                Some(if fewer { b } else { a })
            }
            Balancer::LeastOutstanding => self.least(|_| true),
            Balancer::Sticky => before.or_else(|| self.in_turn(|_| true)),
            Balancer::Broker { prefetch } => self.least(|s| s.outstanding < u64::from(prefetch)),
        }
    }
}

/// How long so many bytes keep a link busy that transfers `rate` bytes a second.
fn transfer_time(bytes: u64, rate: u64) -> Nanos {
    let ns = (u128::from(bytes) * 1_000_000_000).div_ceil(u128::from(rate.max(1)));
    Nanos(u64::try_from(ns).unwrap_or(u64::MAX))
}

impl Work<'_> {
    /// A request comes: it goes to the one machine, or where the balancer sends it. `before`: where its user was before.
    pub(super) fn comes(&mut self, key: TaskKey, before: Option<NodeIndex>) {
        let Some(spec) = self.cluster.spec else {
            return self.connect(key, 1);
        };
        self.cluster.expected += 1;
        let number = self.tasks[key].number;
        match self.cluster.choose(spec, number, before) {
            Some(node) => self.send_request(key, node),
            None => self.cluster.queue.push_back(key),
        }
    }

    fn send_request(&mut self, key: TaskKey, node: NodeIndex) {
        self.tasks[key].node = node;
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
        c.sent += 1;
        let first = c.next().is_none_or(|next| at < next);
        c.on_their_way.push(Reverse((at, c.sent, message)));
        if first {
            self.announce_arrival();
        }
    }

    /// Messages arrive that were on their way until now.
    pub(super) fn messages_arrive(&mut self) {
        let now = self.kernel.machine.now();
        while let Some(&Reverse((at, _, message))) = self.cluster.on_their_way.peek() {
            if at > now {
                return;
            }
            self.cluster.on_their_way.pop();
            let (Message::Request(key) | Message::Answer(key)) = message;
            let since = self.tasks[key].since;
            self.book(key, Cause::Io, since, now);
            self.tasks[key].since = now;
            self.message_is_there(message);
        }
    }

    fn message_is_there(&mut self, message: Message) {
        match message {
            Message::Request(key) => {
                self.cluster.expected -= 1;
                self.connect(key, 1);
            }
            Message::Answer(key) => self.ends_outside(key),
        }
    }

    /// A machine has answered a request; the client has not heard of it yet.
    pub(super) fn answers(&mut self, key: TaskKey) {
        self.release_data(key);
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
        let Some(&key) = self.cluster.queue.front() else {
            return;
        };
        let number = self.tasks[key].number;
        if let Some(node) = self.cluster.choose(spec, number, None) {
            self.cluster.queue.pop_front();
            let (since, now) = (self.tasks[key].since, self.kernel.machine.now());
            self.book(key, Cause::Pool, since, now);
            self.tasks[key].since = now;
            self.send_request(key, node);
        }
    }
}
