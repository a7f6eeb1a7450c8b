//! The queue of a server's listening socket, and connections that find it full.
//!
//! All workers share one queue. Linux drops the request for a connection (SYN) that finds it full (`tcp_v4_conn_request`, with
//! `tcp_abort_on_overflow` at 0, its default), so the client, which hears nothing, sends it again: since Linux 6.5 after 1 s five times
//! (`tcp_syn_linear_timeouts`), then after twice as long each time, and gives up (`ETIMEDOUT`) when the eleventh has had no answer
//! for 64 s, 131 s after the first (`tcp_syn_retries`, 6). Measured on 127.0.0.1 with Linux 6.18: of a queue with a backlog of 2, the
//! fourth connection was made when the queue had room at 1.0, 2.0, 4.1, 5.1, 7.1 or 19.4 s (the kernel's timers round such times up by
//! up to 32 ms). So who comes to a full queue is late, and not refused. Before 6.5 the waits doubled from the first on.

use std::cmp::Reverse;
use std::collections::BinaryHeap;

use super::Work;
use crate::cpython::index::{CopyIndex, TaskKey};
use crate::cpython::record::recording::TaskEnd;
use crate::engine::{Nanos, Total};
use crate::machine::Cause;
use crate::scenario::{Accepting, Scope};

/// Number of waits of a second before they double: one by the initial time-out, and those of `tcp_syn_linear_timeouts`.
const LINEAR: u32 = 5;
/// Most times that a connection is asked for: once, and `tcp_syn_retries` times after those of `tcp_syn_linear_timeouts`.
const ATTEMPTS: u32 = 11;

/// How long a client waits for an answer to the request that it has sent for the `sent`th time, from 1.
pub(crate) fn wait_for_answer(sent: u32) -> Nanos {
    Nanos::from_secs(1 << sent.saturating_sub(LINEAR).min(ATTEMPTS))
}

/// The earlier of two instants, each of which there may be none of.
#[inline]
pub(super) fn earlier(a: Option<Nanos>, b: Option<Nanos>) -> Option<Nanos> {
    match (a, b) {
        (Some(a), Some(b)) => Some(a.min(b)),
        (one, None) | (None, one) => one,
    }
}

/// A connection that is not made yet: when it is asked for again, its turn, its task, and how often it has been asked for.
type Pending = (Nanos, u64, TaskKey, u32);

/// What connections that found the queue full lost to that.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Dropped {
    /// Number of connections that found the queue full.
    pub(crate) connections: u64,
    /// How many of these were given up.
    pub(crate) given_up: u64,
    /// How many of these had a place in the queue later.
    pub(crate) got_in: u64,
    /// How long after they had come for the first time those had their places, in all.
    pub(crate) waited: Total,
    /// Most connections that waited at once, those in the queue included.
    pub(crate) most: u64,
}

/// Connections that found the queue full, and what that cost.
#[derive(Default)]
pub(crate) struct Listening {
    pending: BinaryHeap<Reverse<Pending>>,
    turn: u64,
    dropped: Dropped,
    /// Whether those act at present who are due: when somebody comes next is told once they all have.
    due: bool,
}

impl Listening {
    /// When the next connection is asked for again; `None` if none is.
    pub(super) fn next(&self) -> Option<Nanos> {
        self.pending.peek().map(|Reverse((at, ..))| *at)
    }

    /// What connections have lost so far to a full queue.
    pub(crate) fn dropped(&self) -> Dropped {
        self.dropped
    }

    /// Takes out the connections for which this holds.
    pub(super) fn take_out(&mut self, which: impl Fn(TaskKey) -> bool) -> Vec<TaskKey> {
        let (out, stay): (Vec<_>, Vec<_>) = std::mem::take(&mut self.pending)
            .into_sorted_vec()
            .into_iter()
            .rev()
            .partition(|Reverse((_, _, key, _))| which(*key));
        self.pending = stay.into();
        out.into_iter().map(|Reverse((_, _, key, _))| key).collect()
    }

    /// Connections that are not made yet: each with the instant at which it is asked for again.
    pub(crate) fn pending(&self) -> impl Iterator<Item = (TaskKey, Nanos)> + '_ {
        self.pending
            .iter()
            .map(|Reverse((at, _, key, _))| (*key, *at))
    }
}

impl Work<'_> {
    /// Tells the machine when somebody comes next: for the first time, or again.
    pub(super) fn announce_arrival(&mut self) {
        if self.listening.due {
            return;
        }
        let again = earlier(self.listening.next(), self.clients.next());
        let next = earlier(self.arrivals.announced, self.cluster.next());
        match earlier(next, again) {
            Some(at) => self.kernel.machine.arrive_at(at),
            // A client may have been about to give up what it has got by now.
            None if self.kernel.program.client.is_some() => self.kernel.machine.nobody_comes(),
            None => {}
        }
    }

    /// The instant has come that was announced: those come again who found the queue full, messages arrive that were on their way, then whoever
    /// comes for the first time.
    pub(crate) fn arrivals_due(&mut self) {
        let now = self.kernel.machine.now();
        self.listening.due = true;
        if self.kernel.program.client.is_some() {
            self.clients_act();
        }
        if self.listening.next().is_some_and(|at| at <= now) {
            self.ask_again();
        }
        self.messages_arrive();
        if self.arrivals.announced.is_some_and(|at| at <= now) {
            self.arrivals.announced = None;
            self.arrive();
        }
        self.listening.due = false;
        self.announce_arrival();
    }

    /// Whether a copy has as many connections as it takes at once.
    #[inline]
    pub(super) fn has_all_connections(&self, copy: CopyIndex) -> bool {
        let most = self.kernel.program.layout.connections.unwrap_or(u64::MAX);
        self.copies[copy].outstanding >= most.min(self.pushes_back_at())
    }

    /// Wakes them if no more tasks come, after a task has ended that no copy has.
    pub(super) fn nudge_all_if_over(&mut self) {
        if self.arrivals_from_outside() && !self.expects_outside() {
            self.nudge_all();
        }
    }

    /// A client asks for a connection for the `sent`th time: it gets a place in the queue, or hears nothing.
    pub(super) fn connect(&mut self, key: TaskKey, sent: u32) {
        let node = self.tasks[key].node;
        let queued = self.arrivals.sockets[node].queued.len() as u64;
        if self
            .kernel
            .program
            .layout
            .queue
            .is_some_and(|holds| queued >= holds)
        {
            self.dropped(key, sent);
            return;
        }
        if sent > 1 {
            let late = self.kernel.machine.now().since(self.tasks[key].arrival);
            self.listening.dropped.got_in += 1;
            self.listening.dropped.waited += late;
        }
        self.arrivals.sockets[node].queued.push_back(key);
        self.stands_in_line(key, Scope::Everywhere);
        match self.kernel.program.layout.accepting {
            Accepting::InTurn => self.wake_first_acceptor(node),
            Accepting::Herd(waiting) => self.wake_the_herd(node, waiting),
        }
    }

    /// The queue is full: the client asks again later, or gives up when it has asked often enough.
    fn dropped(&mut self, key: TaskKey, sent: u32) {
        let node = self.tasks[key].node;
        let queued = self.arrivals.sockets[node].queued.len() as u64;
        let at = self.kernel.machine.now() + wait_for_answer(sent);
        let l = &mut self.listening;
        l.turn += 1;
        l.pending.push(Reverse((at, l.turn, key, sent)));
        l.dropped.connections += u64::from(sent == 1);
        l.dropped.most = l.dropped.most.max(queued + l.pending.len() as u64);
    }

    /// Clients that have waited for an answer ask again, or give up.
    pub(super) fn ask_again(&mut self) {
        let now = self.kernel.machine.now();
        while let Some(&Reverse((at, _, key, sent))) = self.listening.pending.peek() {
            if at > now {
                return;
            }
            self.listening.pending.pop();
            self.book_until_now(key, Cause::Pool);
            if sent < ATTEMPTS {
                self.connect(key, sent + 1);
                continue;
            }
            self.listening.dropped.given_up += 1;
            self.tasks[key].ending = TaskEnd::TimedOut;
            self.ends_outside(key);
            self.nudge_all_if_over();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// As measured, and as `Documentation/networking/ip-sysctl.rst` has it: the last at 67 s, given up at 131 s.
    #[test]
    fn connections_are_asked_for_as_by_linux() {
        let mut at = Nanos::ZERO;
        let times: Vec<u64> = (1..=ATTEMPTS)
            .map(|sent| {
                at += wait_for_answer(sent);
                at.0 / 1_000_000_000
            })
            .collect();
        assert_eq!(times, [1, 2, 3, 4, 5, 7, 11, 19, 35, 67, 131]);
    }
}
