//! What lets a case get by with the machine's memory: what the figures say, not what often helps.

use crate::cpython::profile::Profile;
use crate::scenario::{Pool, Scenario, StartMethod, Step, Strategy, Workers};

/// What makes a case need less memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relief {
    /// Nothing but smaller imports: the interpreter and what it imports are too much before the first task.
    Imports,
    /// Imports that workers share: one worker with imports of its own is too much.
    Sharing,
    /// Tasks that need less: one of them is too much.
    Tasks,
    /// Fewer workers.
    Workers,
    /// A pool in place of a thread for each task.
    ThreadPool,
    /// Fewer tasks at once on the event loop.
    Limit,
}

impl Relief {
    /// What to do.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Imports => "import less",
            Self::Sharing => "let workers share the imports (threads, or processes by fork)",
            Self::Tasks => "let tasks hold less",
            Self::Workers => "use fewer workers",
            Self::ThreadPool => "use a pool (threads:N) in place of a thread for each task",
            Self::Limit => "let fewer tasks be under way at once (asyncio:N)",
        }
    }

    /// Why nothing less will do, where that is so.
    pub(super) const fn because(self) -> Option<&'static str> {
        match self {
            Self::Imports => {
                Some("the interpreter and its imports alone are too much, whatever the strategy")
            }
            Self::Sharing => Some("a single worker with imports of its own is too much"),
            Self::Tasks => Some("one task at a time is too much"),
            Self::Workers | Self::ThreadPool | Self::Limit => None,
        }
    }

    /// Whether a case with this strategy can do that.
    pub(super) fn fits(self, strategy: &Strategy) -> bool {
        let run = strategy.execution();
        match self {
            Self::Imports | Self::Tasks => true,
            Self::Sharing => run.pool.apart(),
            Self::Workers => has_more_than_one_worker(strategy),
            Self::ThreadPool => run.pool == Pool::ThreadEach,
            Self::Limit => run.event_loop && run.limit != Some(1),
        }
    }
}

fn has_more_than_one_worker(strategy: &Strategy) -> bool {
    let run = strategy.execution();
    let several = |w: Workers| w != Workers::Exactly(1);
    run.copies.is_some_and(|n| n > 1) || run.pool.workers().is_some_and(several)
}

/// What helps a case that has run out of memory.
pub(super) fn relief(scenario: &Scenario, profile: &Profile, strategy: &Strategy) -> Vec<Relief> {
    let limit = scenario.machine.memory_limit.unwrap_or(u64::MAX);
    let w = &scenario.workload;
    let imports = w.imports.memory;
    let own = |bytes: f64| imports.saturating_add(whole(bytes));
    let p = &profile.params;
    let start = own(p.base_rss);
    if start > limit {
        return vec![Relief::Imports];
    }
    let run = strategy.execution();
    // What there is of the imports a second time with the first worker.
    let worker = match run.pool {
        Pool::Nobody | Pool::ThreadEach | Pool::Threads(_) => 0,
        Pool::Interpreters(_) => own(p.interp_rss),
        Pool::Processes { start, .. } => match start {
            StartMethod::Fork => 0,
            StartMethod::Spawn => own(p.spawn_private),
            StartMethod::Forkserver if p.forkserver_preload_main > 0.5 => own(p.forkserver_private),
            StartMethod::Forkserver => own(p.forkserver_child_private),
        },
    };
    if start.saturating_add(worker) > limit {
        return vec![Relief::Sharing];
    }
    let held = w.classes.iter().map(|c| held(&c.steps)).max().unwrap_or(0);
    if start.saturating_add(worker).saturating_add(held) > limit {
        return vec![Relief::Tasks];
    }
    // A loop that offloads all that holds memory is helped by fewer workers, else by fewer tasks.
    let ways = [Relief::Workers, Relief::ThreadPool, Relief::Limit];
    let fitting: Vec<Relief> = ways.into_iter().filter(|w| w.fits(strategy)).collect();
    if fitting.is_empty() {
        return vec![Relief::Tasks];
    }
    fitting
}

/// Most bytes that one task holds at once.
fn held(steps: &[Step]) -> u64 {
    let of = |step: &Step| {
        let inside = step.inside().map_or(0, |i| held(i.steps));
        step.block().saturating_add(inside)
    };
    steps.iter().map(of).max().unwrap_or(0)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a float cast saturates"
)]
fn whole(bytes: f64) -> u64 {
    bytes as u64
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{parse, parse_strategy};
    use std::path::Path;

    /// The ways out with imports, memory and a task that holds so much (all in MB); a process of the profile has 21 MB by itself.
    fn of(strategy: &str, imports: u64, memory: u64, held: u64) -> Vec<Relief> {
        let text = format!(
            r#"(schema: 1, name: "x", machine: (memory: "{memory}MB"), workload: (arrivals: Batch, imports: (memory: "{imports}MB"),
            tasks: [(name: "t", count: 9, steps: [Cpu("1ms"), Hold("{held}MB", [Hold("{held}MB", [Io("1ms")])])])]))"#
        );
        let scenario = parse(&text, Path::new("it.ron"), &[]).unwrap();
        let strategy = parse_strategy(strategy).unwrap().strategy;
        relief(&scenario, &Profile::default(), &strategy)
    }

    #[test]
    fn the_way_out_fits_the_figures() {
        use Relief::{Imports, Limit, Sharing, Tasks, ThreadPool, Workers};
        for (strategy, imports, memory, held, ways) in [
            // Nothing fits, whatever runs.
            ("processes:4:spawn", 100, 90, 1, &[Imports][..]),
            ("sequential", 100, 120, 1, &[Imports]),
            // One more interpreter with its imports does not.
            ("processes:4:spawn", 100, 150, 1, &[Sharing]),
            ("processes:1:spawn", 100, 150, 1, &[Sharing]),
            ("asyncio+processes:4:forkserver", 100, 150, 1, &[Sharing]),
            ("interpreters:4", 100, 150, 1, &[Sharing]),
            ("processes:4:fork", 100, 150, 1, &[Workers]),
            ("processes:4:spawn", 100, 250, 1, &[Workers]),
            // A task alone does not.
            ("threads:4", 0, 150, 100, &[Tasks]),
            ("processes:4:spawn", 0, 150, 70, &[Tasks]),
            // Several at once do not.
            ("threads:4", 0, 150, 40, &[Workers]),
            ("threads", 0, 150, 40, &[Workers]),
            ("threads:per-task", 0, 150, 40, &[ThreadPool]),
            ("asyncio", 0, 150, 40, &[Limit]),
            ("asyncio:20", 0, 150, 40, &[Limit]),
            ("asyncio+threads:4", 0, 150, 40, &[Workers, Limit]),
            ("asyncio+threads:1", 0, 150, 40, &[Limit]),
            ("prefork:4(sequential)", 0, 150, 40, &[Workers]),
            // Nothing is there twice, so it must be the one.
            ("sequential", 0, 150, 40, &[Tasks]),
            ("threads:1", 0, 150, 40, &[Tasks]),
            ("asyncio:1", 0, 150, 40, &[Tasks]),
        ] {
            let found = of(strategy, imports, memory, held);
            assert_eq!(found, ways, "{strategy} {imports} {memory} {held}");
            let strategy = parse_strategy(strategy).unwrap().strategy;
            assert!(found.iter().all(|w| w.fits(&strategy)), "{found:?}");
        }
    }
}
