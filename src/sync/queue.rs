//! A queue between producers and consumers, as `queue.Queue` and `asyncio.Queue` are.

use std::collections::VecDeque;

use super::wait_queue::{Ticket, WaitQueue};

/// Answer to a put or a get.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum QueueResult<T, W> {
    /// It succeeded: the item (nothing for a put), and the waiter on the other side to wake, which asks again.
    Done(T, Option<W>),
    /// The queue is full, or empty: the asker waits, holds this ticket, and asks again when it is woken.
    Waits(Ticket),
}

/// Items in order, with a limited capacity. A woken waiter asks again, and may find that another was quicker.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Queue<T, W: Copy> {
    items: VecDeque<T>,
    capacity: Option<u64>,
    getters: WaitQueue<W>,
    putters: WaitQueue<W>,
}

impl<T, W: Copy> Queue<T, W> {
    /// An empty queue; without a capacity it is never full.
    pub(crate) fn new(capacity: Option<u64>) -> Self {
        Self {
            items: VecDeque::new(),
            capacity,
            getters: WaitQueue::default(),
            putters: WaitQueue::default(),
        }
    }

    /// The same with these items in it.
    #[must_use]
    pub(crate) fn with_items(items: impl IntoIterator<Item = T>) -> Self {
        Self {
            items: items.into_iter().collect(),
            ..Self::new(None)
        }
    }

    /// How many items there are.
    pub(crate) fn len(&self) -> usize {
        self.items.len()
    }

    /// Whether a putter has to wait.
    pub(crate) fn is_full(&self) -> bool {
        self.capacity
            .is_some_and(|room| self.items.len() as u64 >= room)
    }

    /// Whether a get has to wait.
    pub(crate) fn is_empty(&self) -> bool {
        self.items.is_empty()
    }

    /// Drops the item that has been there for longest.
    pub(crate) fn drop_oldest(&mut self) {
        self.items.pop_front();
    }

    /// Puts an item, or waits for room.
    pub(crate) fn put(&mut self, who: W, item: T) -> QueueResult<(), W> {
        if self.is_full() {
            return QueueResult::Waits(self.putters.join(who));
        }
        self.items.push_back(item);
        QueueResult::Done((), self.getters.call_next())
    }

    /// Takes the first item, or waits for one.
    pub(crate) fn get(&mut self, who: W) -> QueueResult<T, W> {
        match self.items.pop_front() {
            Some(item) => QueueResult::Done(item, self.putters.call_next()),
            None => QueueResult::Waits(self.getters.join(who)),
        }
    }

    /// Removes the getter that holds this ticket and no longer waits.
    pub(crate) fn forget_getter(&mut self, ticket: Ticket) {
        self.getters.forget(ticket);
    }

    /// Removes the putter that holds this ticket and no longer waits.
    pub(crate) fn forget_putter(&mut self, ticket: Ticket) {
        self.putters.forget(ticket);
    }

    /// Lets a getter give up, whether it still waits (and holds a ticket) or has been woken. Returns the getter to wake in its place.
    pub(crate) fn give_up_getting(&mut self, ticket: Option<Ticket>) -> Option<W> {
        if let Some(ticket) = ticket {
            self.getters.forget(ticket);
        }
        (!self.is_empty())
            .then(|| self.getters.call_next())
            .flatten()
    }

    /// Lets a putter give up, whether it still waits (and holds a ticket) or has been woken. Returns the putter to wake in its place.
    pub(crate) fn give_up_putting(&mut self, ticket: Option<Ticket>) -> Option<W> {
        if let Some(ticket) = ticket {
            self.putters.forget(ticket);
        }
        (!self.is_full())
            .then(|| self.putters.call_next())
            .flatten()
    }

    /// The waiters for an item, the longest waiting first.
    pub(crate) fn getters(&self) -> &WaitQueue<W> {
        &self.getters
    }
}
