//! Limits on what a scenario may ask for. A scenario that exceeds one is refused with the limit's name. They lie far above sensible use,
//! and below what would exhaust memory or patience.

use super::{Bytes, units::grouped};
use crate::engine::Nanos;

/// Names a limit in a message, with its value.
pub(crate) fn named(limit: &str, most: impl std::fmt::Display) -> String {
    format!("the limit {limit} ({})", grouped(most))
}

/// Advice for a number that exceeds a limit, by the limit's name. Limits of a single field have their advice beside that field.
pub(crate) fn instead(limit: &str) -> &'static str {
    match limit {
        "MAX_TASKS" => {
            "simulate a part: some ten thousand tasks, or a shorter time, say as much about latencies and tasks a second; the makespan \
             of a batch grows with the number of its tasks"
        }
        "MAX_WORKERS" => {
            "take fewer: a pool needs no more workers than there are tasks at once; several machines are \
             `Nodes(count: 3, each: ..)`"
        }
        "MAX_NODES" => "simulate fewer machines with as much less load: each does what it does",
        "MAX_CORES" => "a computer has no more: several of them are `Nodes(count: 3, each: ..)`",
        "MAX_REPLICATIONS" => {
            "leave the number out: replications are added until the result is precise, or --precision says how precise it has to be"
        }
        "MAX_CHILDREN" | "MAX_STEPS_PER_TASK" => {
            "draw several steps together: ten times as long, a tenth as often"
        }
        "MAX_ATTEMPTS" => {
            "clients give up long before: where the other side comes back at all, it does within some attempts"
        }
        "MAX_RELEASES_PER_TASK" => {
            "repeats, children and retries multiply: make them or `releases` fewer, or simulate shorter tasks; code that is mostly \
             without the GIL is `Native`"
        }
        "MAX_OBJECTS" => "simulate a part of the data, or objects that each stand for several",
        "MAX_ACCESSES" => {
            "so many take hours: simulate a shorter stretch, which says as much about who waits for whom"
        }
        "MAX_NAMES" => {
            "put together what is alike: one class of tasks with a distribution stands for many"
        }
        "MAX_STEPS" => {
            "write steps that come again as Repeat(times, [..]), or draw several together"
        }
        "MAX_STEP_DEPTH" => "write steps beside each other that need not stand within each other",
        "MAX_RATE" => "tasks that arrive faster than one a nanosecond arrive at once: write Batch",
        "MAX_WINDOWS" => "make the windows longer: percentiles want some hundred tasks in each",
        "MAX_DURATION" => "simulate a shorter time: a steady state is reached long before",
        "MAX_SIZE" => "simulate a part of the data",
        "MAX_FACTOR" => "such values are relative, and near 1: is the unit in the wrong place?",
        "MAX_FILE_BYTES" => {
            "steps that are alike are written once, as Repeat(times, [..]) or with a `count`; recorded tasks belong into a trace"
        }
        "MAX_TRACE_BYTES" => "a part of it is enough: some thousand tasks of each class",
        _ => "take less of it",
    }
}

/// Most tasks of a run. Their statistics are streamed in bounded memory.
pub const MAX_TASKS: u64 = 200_000_000;
/// Most tasks and children in memory at once (some hundred bytes each): all of a batch or a trace, the requests of users, and what piles up
/// on average if tasks arrive faster than they can be done.
pub const MAX_TASKS_AT_ONCE: u64 = 10_000_000;
/// Most workers of a pool, users of a closed workload, processes of a prefork server, and the like.
pub const MAX_WORKERS: u32 = 100_000;
/// Most threads that a strategy has at once, those of all processes of a prefork server included.
pub const MAX_THREADS: u64 = 1_000_000;
/// Most processes and interpreters that a strategy has at once, those of a prefork server included, and most that take the places of others
/// in a run.
pub const MAX_PROCESSES: u64 = 100_000;
/// Most cases that are compared: strategies times interpreters.
pub const MAX_CASES: u64 = 10_000;
/// Most numbers that a study keeps: replications times cases times the numbers of each (its figures, each core, each class of tasks).
pub const MAX_KEPT_NUMBERS: u64 = 250_000_000;
/// Most rows of a sweep: its points times the cases at each.
pub const MAX_CELLS: u64 = 1_000_000;
/// Most steps of a scenario as written, over all classes.
pub const MAX_STEPS: usize = 10_000;
/// Greatest depth of steps within steps.
pub const MAX_STEP_DEPTH: usize = 16;
/// Most attempts of one retry.
pub const MAX_ATTEMPTS: u32 = 1_000;
/// Most steps that one task executes, with repeats and fan-outs multiplied out.
pub const MAX_STEPS_PER_TASK: u64 = 10_000_000;
/// Most steps that all tasks of a run execute together.
pub const MAX_STEPS_PER_RUN: u64 = 20_000_000_000;
/// Most releases of the GIL by the steps of one task, with repeats and fan-outs multiplied out: each may be an event or more.
pub const MAX_RELEASES_PER_TASK: u64 = 100_000_000;
/// Most Python objects of one step, or of a program.
pub const MAX_OBJECTS: u64 = 10_000_000_000;
/// Most accesses of a shared object in one step: at some ten nanoseconds each they take hours.
pub const MAX_ACCESSES: u64 = 1_000_000_000_000;
/// Most children of one fan-out.
pub const MAX_CHILDREN: u64 = 1_000_000;
/// Most replications of a simulation.
pub const MAX_REPLICATIONS: u32 = 100_000;
/// Most cores of the simulated computer.
pub const MAX_CORES: u32 = 4_096;

/// Most machines behind a balancer.
pub const MAX_NODES: u32 = 1_000;
/// Most task classes, locks, queues, objects, strategies or interpreters, each.
pub const MAX_NAMES: usize = 1_000;
/// Most windows of time in which tasks are counted apart.
pub const MAX_WINDOWS: usize = 500;
/// Longest single duration (a thousand days): sums of many still fit the clock of 584 years.
pub const MAX_DURATION: Nanos = Nanos::from_secs(1_000 * 86_400);
/// Greatest single size (1 PB).
pub const MAX_SIZE: Bytes = 1_000_000_000_000_000;
/// Most memory of all processes of a run together (1 EB): beyond it a run ends as out of memory, whatever the machine has.
pub const MAX_MEMORY: Bytes = 1_000_000_000_000_000_000;
/// Greatest payload of one step (64 GiB): it travels in chunks of a pipe's capacity, each of which is an event.
pub const MAX_PAYLOAD: Bytes = 64 << 30;
/// Most arrivals a second: one a nanosecond, the resolution of the clock.
pub const MAX_RATE: f64 = 1e9;
/// Most bytes of a scenario file.
pub const MAX_FILE_BYTES: u64 = 4 * 1024 * 1024;
/// Most bytes of a trace file.
pub const MAX_TRACE_BYTES: u64 = 512 * 1024 * 1024;
/// Greatest value of a parameter without unit (shapes, coefficients of variation, core speeds, weights), whose inverse is the least: within
/// these bounds the arithmetic of the distributions is sound.
pub const MAX_FACTOR: f64 = 1e6;
