//! A queue between producers and consumers: `queue.Queue`, `asyncio.Queue`.

use std::collections::VecDeque;

use super::wait_queue::{Ticket, WaitQueue};

/// What became of putting or getting.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum QueueResult<T, W> {
    /// It is done; an item, or nothing, in hand. Who waits on the other side and is to be woken: it asks again.
    Done(T, Option<W>),
    /// The queue is full, or empty: the asker waits, holds this ticket, and asks again when it is woken.
    Waits(Ticket),
}

/// Items in order, with room for so many. Who is woken asks again and may find that another was quicker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub struct Queue<T, W: Copy> {
    items: VecDeque<T>,
    capacity: Option<u64>,
    getters: WaitQueue<W>,
    putters: WaitQueue<W>,
}

impl<T, W: Copy> Queue<T, W> {
    /// An empty queue; without a capacity there is always room.
    pub fn new(capacity: Option<u64>) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
            getters: WaitQueue::default(),
            putters: WaitQueue::default(),
        }
    }

    /// Whether a putter has to wait.
    pub fn is_full(&self) -> bool {
        self.capacity
            .is_some_and(|room| self.items.len() as u64 >= room)
    }

    /// Whether a getter has to wait.
    pub fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Puts an item, or waits for room.
    pub fn put(&mut self, who: W, item: T) -> QueueResult<(), W> {
        if self.is_full() {
            return QueueResult::Waits(self.putters.join(who));
        }
        self.items.push_back(item);
        QueueResult::Done((), self.getters.call_next())
    }

    /// Takes the first item, or waits for one.
    pub fn get(&mut self, who: W) -> QueueResult<T, W> {
        match self.items.pop_front() {
            Some(item) => QueueResult::Done(item, self.putters.call_next()),
            None => QueueResult::Waits(self.getters.join(who)),
        }
    }

    /// A getter that holds this ticket no longer waits.
    pub fn forget_getter(&mut self, ticket: Ticket) {
        self.getters.forget(ticket);
    }

    /// A putter that holds this ticket no longer waits.
    pub fn forget_putter(&mut self, ticket: Ticket) {
        self.putters.forget(ticket);
    }

    /// A getter gives up, whether it still waits (and holds a ticket) or has been woken: who is to be woken in its place.
    pub fn give_up_getting(&mut self, ticket: Option<Ticket>) -> Option<W> {
        if let Some(ticket) = ticket {
            self.getters.forget(ticket);
        }
        (!self.is_empty())
            .then(|| self.getters.call_next())
            .flatten()
    }

    /// The same of a putter.
    pub fn give_up_putting(&mut self, ticket: Option<Ticket>) -> Option<W> {
        if let Some(ticket) = ticket {
            self.putters.forget(ticket);
        }
        (!self.is_full())
            .then(|| self.putters.call_next())
            .flatten()
    }

    /// Those who wait for an item, longest first.
    pub fn getters(&self) -> &WaitQueue<W> {
        &self.getters
    }

    /// Those who wait for room, longest first.
    pub fn putters(&self) -> &WaitQueue<W> {
        &self.putters
    }
}
