//! Synchronization objects by themselves: who gets what they guard, who waits, and who is woken.
//!
//! They know no clock, no costs and no simulator. They are generic over the waiters, and can be cloned, compared and hashed. Each has three
//! operations: to ask (the request is granted, or the asker waits and holds a `Ticket`); to give (which returns whom to wake; whether the
//! woken waiter has the thing already or has to ask again is the object's `LockHandoff`); and to forget a ticket, in constant time. What
//! waiting means (a thread parks, a coroutine suspends) and what it costs is up to the users of the objects.

mod breaker;
mod codel;
mod device;
mod lock;
mod queue;
mod retry_budget;
mod semaphore;
mod tokens;
mod wait_queue;

pub(crate) use breaker::{Breaker, BreakerRules, Passage};
pub(crate) use codel::StandingQueue;
pub use device::DeviceTotals;
pub(crate) use device::{Device, Sharing, Used};
pub(crate) use lock::{Acquisition, Lock, LockHandoff};
pub(crate) use queue::{Queue, QueueResult};
pub(crate) use retry_budget::RetryBudget;
pub(crate) use semaphore::Semaphore;
pub(crate) use tokens::Tokens;
pub(crate) use wait_queue::{Ticket, WaitQueue};

#[cfg(test)]
mod tests;
