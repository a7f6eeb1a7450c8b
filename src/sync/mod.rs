//! Waiting objects by themselves: who gets what they guard, who waits, and who is woken.
//!
//! No clock, no costs and no simulator: the objects are generic over who waits, and can be cloned, compared and hashed. Each knows
//! three operations: to ask (it is granted, or the asker waits and holds a [`Ticket`]), to give (whom to wake, and whether the thing is
//! theirs already or they ask again, which is the object's [`LockHandoff`]), and to forget a ticket, in constant time. What waiting means (a
//! thread parks, a coroutine suspends) and what all of it costs is the affair of those who use them.

mod lock;
mod queue;
mod semaphore;
mod wait_queue;

pub use lock::{Acquisition, Lock, LockHandoff};
pub use queue::{Queue, QueueResult};
pub use semaphore::Semaphore;
pub use wait_queue::{Ticket, WaitQueue};

#[cfg(test)]
mod tests;
