//! The simulator held against what queueing theory says exactly, with every overhead of the runtime and the machine set to
//! zero: what is left is a queue.
//!
//! **Level.** A statistical test asks whether the exact value lies in the two-sided 99 % Student interval of independent
//! replications. The seeds are fixed: a test passes always or never. About sixty intervals are looked at, so that even a
//! perfect simulator misses at least one of them for 45 % of the choices of [`support::SEED`]. It was chosen once; should a
//! change of what is drawn move an interval off its value, run that case with four times as many tasks: the interval halves,
//! and an honest value comes back in, while an error stays out.
//!
//! **Exact tests** (`exact.rs`) ask for equality to the nanosecond with a recursion over the same arrivals and demands.

mod balancing;
mod batch;
mod closed;
mod exact;
mod excess;
mod horizon;
mod loss;
mod metastable;
mod open;
mod sharing;
mod staffing;
mod support;
