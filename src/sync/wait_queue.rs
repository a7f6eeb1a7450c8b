//! Waiting lines: those who wait for one thing, in order.

use std::hash::{Hash, Hasher};

/// A place in a [`WaitQueue`]. With it, a waiter that gives up is removed in constant time, wherever in the line it stands. A ticket is valid
/// until its holder is taken out of the line, by [`WaitQueue::call_next`] or [`WaitQueue::forget`]; after that the place may be given to another
/// waiter.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) struct Ticket(u32);

/// Stands for no place in the chains.
const NOWHERE: u32 = u32::MAX;

#[derive(Clone, Copy, Debug)]
struct Slot<W> {
    who: W,
    before: u32,
    after: u32,
}

/// A line of waiters, the longest waiting first. Joining, taking the first and forgetting any take constant time.
///
/// Lines are equal if the same waiters wait in the same order, whatever their tickets are.
#[derive(Clone, Debug)]
pub(crate) struct WaitQueue<W> {
    places: Vec<Slot<W>>,
    /// Free places, chained along `after`.
    free: u32,
    first: u32,
    last: u32,
    len: usize,
}

impl<W> Default for WaitQueue<W> {
    fn default() -> Self {
        Self {
            places: Vec::new(),
            free: NOWHERE,
            first: NOWHERE,
            last: NOWHERE,
            len: 0,
        }
    }
}

impl<W: Copy> WaitQueue<W> {
    /// Adds a waiter at the end of the line.
    ///
    /// # Panics
    ///
    /// If 2³² - 1 waiters are in the line already.
    pub(crate) fn join(&mut self, who: W) -> Ticket {
        let place = Slot {
            who,
            before: self.last,
            after: NOWHERE,
        };
        let at = if self.free == NOWHERE {
            self.places.push(place);
            let at = self.places.len() - 1;
            u32::try_from(at)
                .ok()
                .filter(|&at| at != NOWHERE)
                .expect("fewer than 2^32 wait")
        } else {
            let at = self.free;
            self.free = self.places[at as usize].after;
            self.places[at as usize] = place;
            at
        };
        match self.last {
            NOWHERE => self.first = at,
            last => self.places[last as usize].after = at,
        }
        self.last = at;
        self.len += 1;
        Ticket(at)
    }

    /// Removes the waiter who has waited longest.
    pub(crate) fn call_next(&mut self) -> Option<W> {
        (self.first != NOWHERE).then(|| self.forget(Ticket(self.first)))
    }

    /// Removes the holder of a ticket, who no longer waits.
    pub(crate) fn forget(&mut self, ticket: Ticket) -> W {
        let Ticket(at) = ticket;
        let Slot { who, before, after } = self.places[at as usize];
        match before {
            NOWHERE => self.first = after,
            before => self.places[before as usize].after = after,
        }
        match after {
            NOWHERE => self.last = before,
            after => self.places[after as usize].before = before,
        }
        self.places[at as usize].after = self.free;
        self.free = at;
        self.len -= 1;
        who
    }

    /// The waiter who has waited longest.
    pub(crate) fn first(&self) -> Option<W> {
        self.iter().next()
    }

    /// Number of waiters.
    #[cfg(test)]
    pub(crate) fn len(&self) -> usize {
        self.len
    }

    /// Whether the line has no waiters.
    pub(crate) fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// The waiters, the longest waiting first.
    pub(crate) fn iter(&self) -> impl Iterator<Item = W> + '_ {
        let mut at = self.first;
        std::iter::from_fn(move || {
            let place = self.places.get(at as usize)?;
            at = place.after;
            Some(place.who)
        })
    }
}

impl<W: Copy + PartialEq> PartialEq for WaitQueue<W> {
    fn eq(&self, other: &Self) -> bool {
        self.iter().eq(other.iter())
    }
}

impl<W: Copy + Eq> Eq for WaitQueue<W> {}

impl<W: Copy + Hash> Hash for WaitQueue<W> {
    fn hash<H: Hasher>(&self, state: &mut H) {
        self.len.hash(state);
        for who in self.iter() {
            who.hash(state);
        }
    }
}
