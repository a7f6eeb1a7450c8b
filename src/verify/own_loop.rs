//! The costs of the measuring programs' own code. The programs of the reference and those that `verify` writes are built alike.

use crate::scenario::{Execution, Pool, Strategy};

/// Reading the thread's CPU clock, a system call, in nanoseconds at best speed: 590 to 620 with CPython 3.11 and 3.13 on
/// a machine of the reference's class that was at its typical speed.
pub(crate) const CLOCK_NS: f64 = 400.0;
/// What the reference's programs do for a block of native work besides hashing it, in nanoseconds at best speed: the hash object, the digest,
/// the clock.
pub(crate) const CALL_NS: f64 = 1_200.0;
/// The number of iterations of `burn` between two readings of the clock.
pub(crate) const ITERATIONS: f64 = 100.0;

/// What the program's own code does for a task, besides the library and the task, in iterations of the reference loop
/// (51 to 82 ns where they were measured, with CPython 3.11 and 3.13): `_pool`'s loop body (arrival, payload, partial,
/// callback, list) takes 960 and 1,140 ns, the sequential loop with `run_steps` 264 and 309, the coroutines `one` and
/// `body` with `split` 580 and 690, and `_payload` 257 and 339.
const POOL_LOOP: f64 = 16.5;
/// The sequential loop.
const SEQUENTIAL_LOOP: f64 = 4.5;
/// The coroutines.
const COROUTINES: f64 = 10.0;
/// An application of a server finds the task of a request, reads its random numbers, and makes the answer: `route`, `json.loads`, `Task`,
/// `answer`. 2.1 us beyond an application that answers at once, ASGI and WSGI alike, with CPython 3.13.
const APPLICATION: f64 = 43.0;
/// Making a payload, besides its bytes.
const PAYLOAD: f64 = 4.5;

/// What the program's own code does for a task under a strategy, in iterations of the reference loop, and whether it makes the task's
/// payload besides.
pub(crate) fn own_loop(strategy: &Strategy) -> (f64, bool) {
    let Execution {
        event_loop, pool, ..
    } = strategy.execution();
    if strategy.server().is_some() {
        return (APPLICATION, false);
    }
    match pool {
        Pool::Nobody if event_loop => (COROUTINES, false),
        Pool::Nobody | Pool::ThreadEach => (SEQUENTIAL_LOOP, false),
        Pool::Threads(_) | Pool::Processes { .. } | Pool::Interpreters(_) => {
            let own = if event_loop {
                COROUTINES + PAYLOAD
            } else {
                POOL_LOOP
            };
            (own, true)
        }
    }
}
