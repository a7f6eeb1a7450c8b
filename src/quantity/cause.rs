//! Causes of task time in words: one table for all texts.

use super::state;
use crate::machine::Cause;

/// Which of their meanings causes have that do not mean the same under all strategies and interpreters.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Means {
    /// Whether tasks wait for a GIL, or else for a world that a thread of a free-threaded build has stopped; `None`: some tasks wait for
    /// the one, some for the other.
    pub gil: Option<bool>,
    /// Whether tasks wait for workers, or else (sequential code) for the tasks before them; `None`: some for the one, some for the other.
    pub workers: Option<bool>,
}

/// The words for one cause.
struct CauseWords {
    /// Letter in a bar, which reads the same without colour.
    letter: char,
    /// Block character in a chart that is not limited to ASCII.
    block: Option<char>,
    /// Noun beside a number: `worker`.
    noun: &'static str,
    /// What a task does meanwhile, as a noun: `waiting for a worker`, `start-up`.
    waiting: &'static str,
    /// What a task does meanwhile, as a participle: `starting up`.
    participle: &'static str,
}

/// The table of words.
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
        Cause::Resource => of('r', "resource", state::RESOURCE),
    }
}

/// Meanings to use where it does not matter which of several a cause has.
const ANY: Means = Means {
    gil: Some(true),
    workers: Some(true),
};

/// Letter of a cause in a bar.
pub(crate) fn letter(cause: Cause) -> char {
    words(cause, ANY).letter
}

/// Character of a cause in a chart.
pub(crate) fn sign(cause: Cause, unicode: bool) -> char {
    let of = words(cause, ANY);
    of.block.filter(|_| unicode).unwrap_or(of.letter)
}

/// Noun for a cause beside a number: `78% GIL`.
pub(crate) fn noun(cause: Cause, means: Means) -> &'static str {
    words(cause, means).noun
}

/// What a task does meanwhile, as a noun for legends: `hand-over (queues, pickling, pipes)`.
pub(crate) fn waiting(cause: Cause, means: Means) -> &'static str {
    words(cause, means).waiting
}

/// What a task does meanwhile, as a participle for sentences: `handing over (queues, pickling, pipes)`.
pub(crate) fn participle(cause: Cause, means: Means) -> &'static str {
    words(cause, means).participle
}
