//! The approaches that people choose between: families of strategies, each with what it is called, what it gives and what it takes.

use serde::{Deserialize, Serialize};

use crate::scenario::{Pool, Strategy};

/// An approach to concurrency.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Family {
    /// One task after another.
    SingleThread,
    /// Threads under a GIL.
    Threads,
    /// Threads of a free-threaded build.
    FreeThreads,
    /// One event loop that executes all by itself.
    Asyncio,
    /// An event loop with threads for what would block it.
    AsyncioThreads,
    /// The same on a free-threaded build.
    AsyncioFreeThreads,
    /// A pool of processes.
    Processes,
    /// An event loop with a pool of processes.
    AsyncioProcesses,
    /// Copies of a program in processes of their own, as servers have them: each an event loop, a pool of threads, or one task at a time.
    Prefork,
    /// Threads with an interpreter each.
    Interpreters,
    /// An event loop with such.
    AsyncioInterpreters,
    /// Several machines.
    Distributed,
}

impl Family {
    /// All of them, the simplest first.
    pub const ALL: [Self; 12] = [
        Self::SingleThread,
        Self::Threads,
        Self::Asyncio,
        Self::FreeThreads,
        Self::Processes,
        Self::AsyncioThreads,
        Self::AsyncioFreeThreads,
        Self::Interpreters,
        Self::Prefork,
        Self::AsyncioProcesses,
        Self::AsyncioInterpreters,
        Self::Distributed,
    ];

    /// That of a strategy on an interpreter with a GIL or without.
    #[must_use]
    pub fn of(strategy: &Strategy, gil: bool) -> Self {
        if strategy.nodes().is_some() {
            return Self::Distributed;
        }
        let execution = strategy.execution();
        if execution.copies.is_some_and(|n| n > 1) {
            return Self::Prefork;
        }
        let pools: Vec<Pool> = strategy.every_pool().collect();
        let any = |is: &dyn Fn(Pool) -> bool| pools.iter().any(|p| is(*p));
        let processes = any(&|p| p.start().is_some());
        let interpreters = any(&|p| p.apart() && p.start().is_none());
        let threads =
            any(&|p| !p.apart() && p.workers().is_some()) || any(&|p| p == Pool::ThreadEach);
        match (execution.event_loop, processes, interpreters, threads) {
            (true, true, ..) => Self::AsyncioProcesses,
            (true, false, true, _) => Self::AsyncioInterpreters,
            (true, false, false, true) if gil => Self::AsyncioThreads,
            (true, false, false, true) => Self::AsyncioFreeThreads,
            (true, false, false, false) => Self::Asyncio,
            (false, true, ..) => Self::Processes,
            (false, false, true, _) => Self::Interpreters,
            (false, false, false, true) if gil => Self::Threads,
            (false, false, false, true) => Self::FreeThreads,
            (false, false, false, false) => Self::SingleThread,
        }
    }

    /// How much there is to write, to understand and to debug, the simplest first; some are as simple as others.
    #[must_use]
    pub fn complexity(self) -> u32 {
        match self {
            Self::SingleThread => 0,
            Self::Threads | Self::Asyncio => 1,
            Self::FreeThreads | Self::Processes => 2,
            Self::AsyncioThreads | Self::Interpreters | Self::Prefork => 3,
            Self::AsyncioFreeThreads | Self::AsyncioProcesses => 4,
            Self::AsyncioInterpreters => 5,
            Self::Distributed => 6,
        }
    }

    /// Its name.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::SingleThread => "single thread",
            Self::Threads => "threads",
            Self::FreeThreads => "free-threaded threads",
            Self::Asyncio => "asyncio",
            Self::AsyncioThreads => "asyncio with threads",
            Self::AsyncioFreeThreads => "asyncio with free-threaded threads",
            Self::Processes => "processes",
            Self::AsyncioProcesses => "asyncio with processes",
            Self::Prefork => "server processes",
            Self::Interpreters => "sub-interpreters",
            Self::AsyncioInterpreters => "asyncio with sub-interpreters",
            Self::Distributed => "several machines",
        }
    }

    /// Its name, where each kind of task has its own place in it.
    #[must_use]
    pub fn said(self, by_kind: bool) -> String {
        let name = self.name();
        if by_kind {
            format!("{name} by kind of task")
        } else {
            name.to_owned()
        }
    }

    /// Whether its workers are apart: what one of them changes no other sees.
    #[must_use]
    pub fn apart(self) -> bool {
        match self {
            Self::Processes
            | Self::AsyncioProcesses
            | Self::Prefork
            | Self::Interpreters
            | Self::AsyncioInterpreters
            | Self::Distributed => true,
            Self::SingleThread
            | Self::Threads
            | Self::FreeThreads
            | Self::Asyncio
            | Self::AsyncioThreads
            | Self::AsyncioFreeThreads => false,
        }
    }

    /// Whether a task that crashes takes no others with it but those of its worker: workers are processes.
    #[must_use]
    pub fn isolates(self) -> bool {
        match self {
            Self::Processes | Self::AsyncioProcesses | Self::Prefork | Self::Distributed => true,
            Self::SingleThread
            | Self::Threads
            | Self::FreeThreads
            | Self::Asyncio
            | Self::AsyncioThreads
            | Self::AsyncioFreeThreads
            | Self::Interpreters
            | Self::AsyncioInterpreters => false,
        }
    }

    /// Whether it takes a free-threaded build.
    #[must_use]
    pub fn free_threaded(self) -> bool {
        self == Self::FreeThreads || self == Self::AsyncioFreeThreads
    }

    /// Whether its tasks are coroutines of an event loop.
    #[must_use]
    pub fn has_loop(self) -> bool {
        match self {
            Self::Asyncio
            | Self::AsyncioThreads
            | Self::AsyncioFreeThreads
            | Self::AsyncioProcesses
            | Self::AsyncioInterpreters => true,
            Self::SingleThread
            | Self::Threads
            | Self::FreeThreads
            | Self::Processes
            | Self::Prefork
            | Self::Interpreters
            | Self::Distributed => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse_strategy;

    #[test]
    fn every_strategy_has_its_family() {
        for (text, gil, family) in [
            ("sequential", true, Family::SingleThread),
            ("threads:8", true, Family::Threads),
            ("threads:per-task", true, Family::Threads),
            ("threads:8", false, Family::FreeThreads),
            ("asyncio", false, Family::Asyncio),
            ("asyncio+threads:4", true, Family::AsyncioThreads),
            ("asyncio+threads:4", false, Family::AsyncioFreeThreads),
            ("asyncio+processes:4:fork", true, Family::AsyncioProcesses),
            ("asyncio+cpu=processes:4", true, Family::AsyncioProcesses),
            ("asyncio+interpreters:4", true, Family::AsyncioInterpreters),
            ("processes:4:spawn", true, Family::Processes),
            ("pool:4:fork", true, Family::Processes),
            ("interpreters:4", true, Family::Interpreters),
            ("prefork:4(asyncio)", true, Family::Prefork),
            ("gunicorn:4:sync", true, Family::Prefork),
            ("nodes:3(uvicorn:4)", true, Family::Distributed),
        ] {
            let strategy = parse_strategy(text).unwrap().strategy;
            assert_eq!(Family::of(&strategy, gil), family, "{text}");
        }
    }
}
