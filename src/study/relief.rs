//! What would let a case get by with the machine's memory, judged by its figures rather than by what often helps.

use super::work::number;
use crate::cpython::profile::Profile;
use crate::engine::whole;
use crate::scenario::{
    Arrivals, Carried, Pool, Scenario, StartMethod, Step, Strategy, TaskClass, Workers,
};

/// A change that makes a case need less memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Relief {
    /// Smaller imports: the interpreter and its imports are too much before the first task.
    Imports,
    /// Less data of the main program: with it nothing is left for a task.
    Data,
    /// Imports shared by workers: one worker with imports of its own is too much.
    Sharing,
    /// Tasks that need less: a single one is too much.
    Tasks,
    /// Fewer tasks that wait with their data, or less data: the waiting tasks are too much, not those in work.
    Backlog,
    /// A lower load, or less data: waiting tasks that come from outside are too much.
    Load,
    /// Results that are not kept: a batch has all of them in memory at its end.
    Results,
    /// Fewer workers.
    Workers,
    /// A pool instead of a thread for each task.
    ThreadPool,
    /// A lower concurrency limit of the event loop.
    Limit,
    /// Fewer threads in each worker of a server.
    Threads,
    /// An application that workers of a server inherit, in place of one for each.
    Preload,
    /// Fewer requests of a server's event loop that hold memory at once, by a resource of its own: servers have no limit that waits.
    Permits,
}

impl Relief {
    /// The advice in words.
    pub(super) const fn text(self) -> &'static str {
        match self {
            Self::Imports => "import less",
            Self::Data => "load less data",
            Self::Sharing => "let workers share the imports (threads, or processes by fork)",
            Self::Tasks => "let tasks hold less",
            Self::Backlog => {
                "let fewer tasks wait with their data (a loop with a limit before the pool, asyncio:N+threads:M), or send less"
            }
            Self::Load => "lower the load, or send less",
            Self::Results => "return less",
            Self::Workers => "use fewer workers",
            Self::ThreadPool => "use a pool (threads:N) in place of a thread for each task",
            Self::Limit => "let fewer tasks be under way at once (asyncio:N)",
            Self::Threads => "use fewer threads in each worker",
            Self::Preload => {
                "load the application before the workers are forked (`preload`), so that they share its pages"
            }
            Self::Permits => "let fewer requests hold memory at once (a semaphore: Use)",
        }
    }

    /// Why nothing less will do, if that is so.
    pub(super) const fn because(self) -> Option<&'static str> {
        match self {
            Self::Imports => {
                Some("the interpreter and its imports alone are too much, whatever the strategy")
            }
            Self::Data => Some("the main program's data leaves no room, whatever the strategy"),
            Self::Sharing => Some("one worker with imports of its own leaves no room for a task"),
            Self::Tasks => Some("one task at a time is too much"),
            Self::Backlog | Self::Load => {
                Some("the data of the tasks that wait is too much, however many workers there are")
            }
            Self::Results => Some("the results of the batch are too much together"),
            Self::Workers
            | Self::ThreadPool
            | Self::Limit
            | Self::Threads
            | Self::Preload
            | Self::Permits => None,
        }
    }

    /// Whether the advice applies to a case with this strategy.
    pub(super) fn fits(self, strategy: &Strategy) -> bool {
        let run = strategy.execution();
        match self {
            Self::Imports | Self::Data | Self::Tasks | Self::Results => true,
            Self::Backlog | Self::Load => strategy.every_pool().any(|p| p != Pool::Nobody),
            Self::Sharing => strategy.every_pool().any(Pool::apart),
            Self::Workers => has_more_than_one_worker(strategy),
            Self::ThreadPool => run.pool == Pool::ThreadEach,
            Self::Limit => run.event_loop && run.limit != Some(1) && strategy.server().is_none(),
            Self::Threads => run.copies.is_some() && has_more_than_one(run.pool),
            Self::Preload => strategy
                .lifecycle()
                .is_some_and(|life| life.start == StartMethod::Fork && !life.preload),
            Self::Permits => run.event_loop && strategy.server().is_some(),
        }
    }
}

fn has_more_than_one_worker(strategy: &Strategy) -> bool {
    match strategy.execution().copies {
        Some(copies) => copies > 1,
        None => strategy.every_pool().any(has_more_than_one),
    }
}

fn has_more_than_one(pool: Pool) -> bool {
    pool.workers().is_some_and(|w| w != Workers::Exactly(1))
}

/// The changes that help a case that has run out of memory.
pub(super) fn relief(scenario: &Scenario, profile: &Profile, strategy: &Strategy) -> Vec<Relief> {
    let limit = scenario.machine.memory_limit.unwrap_or(u64::MAX);
    let w = &scenario.workload;
    let imports = w.imports.memory;
    let own = |bytes: f64| imports.saturating_add(whole(bytes));
    let p = &profile.params;
    // A server that does not load the application has workers which do, each by itself.
    let first = match strategy.lifecycle().filter(|life| !life.preload) {
        None => 0.0,
        Some(life) => match life.start {
            StartMethod::Fork => p.fork_private,
            StartMethod::Spawn | StartMethod::Forkserver => p.spawn_private + p.tracker_private,
        },
    };
    let imported = own(p.base_rss + first);
    if imported > limit {
        return vec![Relief::Imports];
    }
    let start = imported.saturating_add(w.data);
    if start > limit {
        return vec![Relief::Data];
    }
    let run = strategy.execution();
    // What the first worker has of the imports a second time.
    let worker = |pool| match pool {
        Pool::Nobody | Pool::ThreadEach | Pool::Threads(_) => 0,
        Pool::Interpreters(_) => own(p.interp_rss),
        Pool::Processes { start, .. } => match start {
            StartMethod::Fork => 0,
            StartMethod::Spawn => own(p.spawn_private + p.tracker_private),
            StartMethod::Forkserver if p.forkserver_preload_main > 0.5 && w.imports.preloaded => {
                own(p.forkserver_private + p.tracker_private)
            }
            StartMethod::Forkserver => own(p.forkserver_child_private + p.tracker_private),
        },
    };
    let worker = strategy.every_pool().map(worker).max().unwrap_or(0);
    if start.saturating_add(worker) > limit {
        return vec![Relief::Sharing];
    }
    let needs = |c: &TaskClass| {
        let sent = carried(&c.steps);
        let made = made(&c.steps, p.container_rss);
        held(&c.steps)
            .saturating_add(sent.bytes_in)
            .saturating_add(sent.bytes_out)
            .saturating_add(made)
    };
    let task = w.classes.iter().map(needs).max().unwrap_or(0);
    if start.saturating_add(worker).saturating_add(task) > limit {
        let shared = worker > 0 && start.saturating_add(task) <= limit;
        return vec![if shared {
            Relief::Sharing
        } else {
            Relief::Tasks
        }];
    }
    // All that workers can have at once fits, so it is what waits for them, or what they have done.
    let each = worker.saturating_add(task);
    let at_once = match run.pool.workers() {
        _ if !strategy.pools().is_empty() => u64::MAX,
        Some(Workers::Exactly(n)) => u64::from(n),
        None if run.pool == Pool::Nobody && !run.event_loop && run.copies.is_none() => 1,
        _ => u64::MAX,
    };
    if start.saturating_add(each.saturating_mul(at_once)) <= limit {
        let all = |bytes: fn(&Carried) -> u64| {
            let of = |c: &TaskClass| bytes(&carried(&c.steps)).saturating_mul(c.count);
            w.classes.iter().map(of).fold(0, u64::saturating_add)
        };
        let (sent, returned) = (all(|c| c.bytes_in), all(|c| c.bytes_out));
        let waits =
            run.pool != Pool::Nobody && w.classes.iter().any(|c| carried(&c.steps).bytes_in > 0);
        match w.arrivals {
            Arrivals::Batch if waits && start.saturating_add(sent) > limit => {
                return vec![Relief::Backlog];
            }
            Arrivals::Batch if start.saturating_add(returned) > limit => {
                return vec![Relief::Results];
            }
            Arrivals::Open { .. } | Arrivals::Varying { .. } | Arrivals::Sessions { .. }
                if waits =>
            {
                return vec![Relief::Load];
            }
            Arrivals::Batch
            | Arrivals::Open { .. }
            | Arrivals::Varying { .. }
            | Arrivals::Sessions { .. }
            | Arrivals::Closed { .. }
            | Arrivals::Trace(_) => {}
        }
    }
    // A loop that offloads everything that holds memory is helped by fewer workers, any other by fewer tasks.
    let ways = [
        Relief::Workers,
        Relief::ThreadPool,
        Relief::Limit,
        Relief::Threads,
        Relief::Preload,
        Relief::Permits,
    ];
    // What workers have by themselves besides tasks and shared imports.
    let copies = u64::from(run.copies.unwrap_or(1));
    let shared = start.saturating_add(whole(p.fork_private).saturating_mul(copies));
    let helps = |w: &Relief| *w != Relief::Preload || imports > 0 && shared <= limit;
    let fitting: Vec<Relief> = (ways.into_iter())
        .filter(|w| w.fits(strategy) && helps(w))
        .collect();
    if fitting.is_empty() {
        return vec![Relief::Tasks];
    }
    fitting
}

/// What travels with a task, and with its result.
fn carried(steps: &[Step]) -> Carried {
    let mut all = Carried::default();
    for step in steps {
        let inside = step
            .inside()
            .map_or(Carried::default(), |i| carried(i.steps));
        for c in [step.carries(), inside] {
            all.bytes_in = all.bytes_in.saturating_add(c.bytes_in);
            // A later result replaces an earlier one.
            all.bytes_out = all.bytes_out.max(c.bytes_out);
        }
    }
    all
}

/// Bytes of the containers that a task creates, which live as long as the task.
fn made(steps: &[Step], each: f64) -> u64 {
    let of = |step: &Step| {
        let own = whole(number(step.containers()) * each);
        let inside = step.inside().map_or(0, |i| {
            made(i.steps, each).saturating_mul(i.runs.by_the_task())
        });
        own.saturating_add(inside)
    };
    steps.iter().map(of).fold(0, u64::saturating_add)
}

/// Most bytes that one task holds at once.
fn held(steps: &[Step]) -> u64 {
    let of = |step: &Step| {
        let inside = step.inside().map_or(0, |i| held(i.steps));
        step.block().saturating_add(inside)
    };
    steps.iter().map(of).max().unwrap_or(0)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{parse, parse_strategy};
    use std::path::Path;

    /// The advice for given imports, memory limit and memory of a task, all in MB; a process of the profile itself has 21 MB.
    fn of(strategy: &str, imports: u64, memory: u64, held: u64) -> Vec<Relief> {
        let text = format!(
            r#"(schema: 1, name: "x", machine: (memory: "{memory}MB"), workload: (arrivals: Batch, imports: (memory: "{imports}MB"),
            tasks: [(name: "t", count: 9, steps: [Cpu("1ms"), Hold("{held}MB", [Hold("{held}MB", [Io("1ms")])])])]))"#
        );
        let scenario = parse(&text, Path::new("it.ron"), &[]).unwrap();
        let strategy = parse_strategy(strategy).unwrap().strategy;
        relief(&scenario, &Profile::default(), &strategy)
    }

    /// The advice for a batch of a hundred tasks, or for open arrivals, with so much data sent and returned.
    fn of_carried(
        strategy: &str,
        arrivals: &str,
        memory: u64,
        sent: u64,
        back: u64,
    ) -> Vec<Relief> {
        let count = if arrivals == "Batch" {
            "count: 100, "
        } else {
            ""
        };
        let text = format!(
            r#"(schema: 1, name: "x", machine: (memory: "{memory}MB"), horizon: "9s", workload: (arrivals: {arrivals},
            tasks: [(name: "t", {count}steps: [PayloadIn("{sent}kB"), Cpu("1ms"), PayloadOut("{back}kB"), Allocate(1000)])]))"#
        );
        let scenario = parse(&text, Path::new("it.ron"), &[]).unwrap();
        let strategy = parse_strategy(strategy).unwrap().strategy;
        relief(&scenario, &Profile::default(), &strategy)
    }

    #[test]
    fn what_waits_is_no_matter_of_workers() {
        use Relief::{Backlog, Load, Results, Tasks, Workers};
        let open = r#"Poisson(rate: "300/s")"#;
        for (strategy, arrivals, memory, sent, back, way) in [
            ("threads:4", "Batch", 300, 5000, 10, Backlog),
            ("threads:1", "Batch", 300, 5000, 10, Backlog),
            ("processes:4:fork", "Batch", 300, 5000, 10, Backlog),
            ("threads:4", open, 300, 5000, 10, Load),
            ("sequential", "Batch", 100, 10, 1000, Results),
            ("threads:4", "Batch", 100, 10, 1000, Results),
            // Here the workers are the reason: forty tasks in work are too much.
            ("threads:40", "Batch", 100, 2000, 10, Workers),
            ("threads:1", "Batch", 100, 90_000, 10, Tasks),
        ] {
            let found = of_carried(strategy, arrivals, memory, sent, back);
            assert_eq!(found, [way], "{strategy} {arrivals} {memory} {sent} {back}");
        }
    }

    #[test]
    fn the_way_out_fits_the_figures() {
        use Relief::{
            Imports, Limit, Permits, Preload, Sharing, Tasks, ThreadPool, Threads, Workers,
        };
        for (strategy, imports, memory, held, ways) in [
            // Nothing fits, whatever is executed.
            ("processes:4:spawn", 100, 90, 1, &[Imports][..]),
            ("sequential", 100, 120, 1, &[Imports]),
            // One more interpreter with its imports does not fit.
            ("processes:4:spawn", 100, 150, 1, &[Sharing]),
            ("processes:1:spawn", 100, 150, 1, &[Sharing]),
            ("asyncio+processes:4:forkserver", 100, 150, 1, &[Sharing]),
            ("interpreters:4", 100, 150, 1, &[Sharing]),
            ("processes:4:fork", 100, 150, 1, &[Workers]),
            ("processes:4:spawn", 100, 250, 1, &[Workers]),
            // A single task does not fit.
            ("threads:4", 0, 150, 100, &[Tasks]),
            ("processes:4:spawn", 0, 150, 70, &[Tasks]),
            // Several tasks at once do not fit.
            ("threads:4", 0, 150, 40, &[Workers]),
            ("threads", 0, 150, 40, &[Workers]),
            ("threads:per-task", 0, 150, 40, &[ThreadPool]),
            ("asyncio", 0, 150, 40, &[Limit]),
            ("asyncio:20", 0, 150, 40, &[Limit]),
            ("asyncio+threads:4", 0, 150, 40, &[Workers, Limit]),
            ("asyncio+threads:1", 0, 150, 40, &[Limit]),
            ("prefork:4(sequential)", 0, 150, 40, &[Workers]),
            ("prefork:4(threads:8)", 0, 150, 40, &[Workers, Threads]),
            ("prefork:4(asyncio)", 0, 150, 40, &[Workers, Limit]),
            // A server has no limit that waits. Workers that import by themselves may share what they import, if that is enough.
            ("uvicorn:1", 0, 150, 40, &[Permits]),
            ("uvicorn:4", 20, 200, 40, &[Workers, Permits]),
            ("hypercorn:2:def", 20, 200, 40, &[Workers, Threads, Permits]),
            ("gunicorn:4:sync", 60, 250, 1, &[Workers, Preload]),
            ("gunicorn:4:sync:preload", 60, 200, 30, &[Workers]),
            (
                "gunicorn:2:gthread:8",
                60,
                250,
                30,
                &[Workers, Threads, Preload],
            ),
            (
                "gunicorn:4:uvicorn",
                60,
                250,
                1,
                &[Workers, Preload, Permits],
            ),
            ("gunicorn:1:gthread:8", 0, 150, 40, &[Threads]),
            ("gunicorn:4:sync", 0, 150, 40, &[Workers]),
            // Nothing is there twice, so the single task does not fit.
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
