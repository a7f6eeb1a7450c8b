//! What a task's time goes into, in words: one table for all that is said of it.

use super::state;
use crate::machine::Cause;

/// What causes mean that do not mean the same under all strategies and interpreters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Means {
    /// Whether tasks wait for a GIL, or else for the world of a free-threaded build, which one thread has stopped; `None`: some for the
    /// one, some for the other.
    pub gil: Option<bool>,
    /// Whether tasks wait for workers, or else (sequential code) for the tasks before them; `None` as above.
    pub workers: Option<bool>,
}

/// The words for a cause.
struct CauseWords {
    /// The letter of a bar; it reads the same without colour.
    letter: char,
    /// The block of a chart that has more than ASCII.
    block: Option<char>,
    /// Beside a number: `worker`.
    noun: &'static str,
    /// What a task does meanwhile, as a noun: `waiting for a worker`, `start-up`.
    waiting: &'static str,
    /// The same as a participle: `starting up`.
    participle: &'static str,
}

/// The table.
fn words(cause: Cause, means: Means) -> CauseWords {
    let of = |letter, noun, waiting| CauseWords {
        letter,
        block: None,
        noun,
        waiting,
        participle: waiting,
    };
    match cause {
        Cause::Running => CauseWords {
            block: Some('█'),
            ..of('#', "running", "running")
        },
        Cause::Core => of('c', "core", state::CORE),
        Cause::Gil => match means.gil {
            Some(true) => of('G', "GIL", state::GIL),
            Some(false) => of('G', "stopped world", state::WORLD),
            None => of(
                'G',
                "GIL",
                "waiting for the GIL (free-threaded: for a stopped world)",
            ),
        },
        Cause::Lock => of('L', "lock", state::LOCK),
        Cause::Pool => match means.workers {
            Some(true) => of('p', "worker", state::WORKER),
            Some(false) => of('p', "queued", "waiting for its turn"),
            None => of('p', "worker", "waiting for a worker (sequential: queued)"),
        },
        Cause::Loop => of('o', "loop", state::LOOP),
        Cause::Ipc => CauseWords {
            participle: "handing over (queues, pickling, pipes)",
            ..of('i', "hand-over", "hand-over (queues, pickling, pipes)")
        },
        Cause::Startup => CauseWords {
            participle: state::STARTUP,
            ..of('s', "start-up", "start-up")
        },
        Cause::Io => CauseWords {
            participle: state::IO,
            ..of('.', "I/O", "I/O")
        },
        Cause::Queue => of('q', "queue", state::QUEUE),
        Cause::Limit => of('l', "limit", state::LIMIT),
        Cause::Contention => of('x', "contention", state::CONTENTION),
    }
}

/// Where it does not matter which of several meanings a cause has.
const ANY: Means = Means {
    gil: Some(true),
    workers: Some(true),
};

/// The letter that stands for a cause in a bar.
pub(crate) fn letter(cause: Cause) -> char {
    words(cause, ANY).letter
}

/// The sign that stands for a cause in a chart.
pub(crate) fn sign(cause: Cause, unicode: bool) -> char {
    let of = words(cause, ANY);
    of.block.filter(|_| unicode).unwrap_or(of.letter)
}

/// A cause beside a number: `78% GIL`.
pub(crate) fn noun(cause: Cause, means: Means) -> &'static str {
    words(cause, means).noun
}

/// What a task does meanwhile, for legends: `hand-over (queues, pickling, pipes)`.
pub(crate) fn waiting(cause: Cause, means: Means) -> &'static str {
    words(cause, means).waiting
}

/// The same for sentences: `handing over (queues, pickling, pipes)`.
pub(crate) fn participle(cause: Cause, means: Means) -> &'static str {
    words(cause, means).participle
}
