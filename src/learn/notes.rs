//! What is said of a learnt workload beside it: what the model cannot take from the trace, and which steps go together.

use super::correlation;
use super::structure::{ShapeClass, ShapeNode, ShapedTask};
use super::trace::Scope;
use super::workload::{StepDurations, TimedStep, mean};

/// The number of steps of a class that are compared with each other at most.
const COMPARED: usize = 40;
/// Shares of the time below this are not reported.
const WORTH_SAYING: f64 = 0.05;

/// Reports what the model cannot take from the trace, as shares of the tasks' time.
pub(super) fn measured_times(groups: &[ShapeClass], one_worker: bool, notes: &mut Vec<String>) {
    for g in groups {
        let sum = |f: fn(&ShapedTask) -> u64| g.tasks.iter().map(f).sum::<u64>() as f64;
        // In a batch most tasks wait for their turn most of the time, which says nothing about what they do.
        let whole = sum(|t| t.times.iter().sum::<u64>().saturating_add(t.gaps)).max(1.0);
        let name = &g.name;
        let share = |part: f64| format!("{:.0}%", 100.0 * part / whole);
        let gaps = sum(|t| t.gaps);
        if gaps > WORTH_SAYING * whole {
            notes.push(format!(
                "class {name}: {} of its tasks' time lies between recorded steps and is left out; if it is waiting for \
                 something outside, record it as io",
                share(gaps)
            ));
        }
        // Here the time until they begin is no matter: it is the part of what they do and wait for by themselves.
        let signals = sum(|t| t.signals);
        let own = whole + signals;
        if signals > WORTH_SAYING * own {
            notes.push(format!(
                "class {name}: for {:.0}% of their time its tasks wait for what another task says (a notify, an event), which is no wait for a \
                 lock, and is left out: forecasts without it may be too good. Where it stands for items, write Put in the task that \
                 says it, and Get here",
                100.0 * signals / own
            ));
        }
        let blocked = sum(|t| t.blocked);
        if blocked > WORTH_SAYING * whole {
            notes.push(format!(
                "class {name}: {} of its tasks' time was off the CPU for a reason that the recorder cannot see, and is read \
                 as Io. Waiting for the GIL or a `threading.Lock` looks the same: {}, and compare",
                share(blocked),
                if one_worker {
                    "with --sequential that is left to threads of the program's own; record once more under little load"
                } else {
                    "record once more with --sequential (pools only), or under little load"
                }
            ));
        }
        let overlapping = g.tasks.iter().filter(|t| t.overlaps).count();
        if overlapping > 0 && g.tasks.len() == 1 && offloads(&g.shape) {
            notes.push(format!(
                "class {name}: its only task has several calls in a pool under way at once, so it is the program's main coroutine rather than a task, \
                 and the scenario does the calls one after another. Let asyncio.run() drive that coroutine itself (not within a task \
                 or wait_for): then its calls are the tasks"
            ));
        } else if overlapping > 0 {
            notes.push(format!(
                "class {name}: {overlapping} of {} tasks have steps side by side in time; the scenario does them one after \
                 another (a FanOut may be nearer to the program)",
                g.tasks.len()
            ));
        }
    }
}

/// Whether steps of a task go to a pool.
fn offloads(shape: &[ShapeNode]) -> bool {
    shape.iter().any(|node| match node {
        ShapeNode::Work(_) => false,
        ShapeNode::Within(scope, inner) => match scope {
            Scope::Offload(_) => true,
            Scope::Lock(_) | Scope::Use(_) => offloads(inner),
        },
    })
}

/// The standard deviation of durations, in nanoseconds.
fn spread(values: &[u64]) -> f64 {
    let mean = mean(values);
    let square = |v: &u64| (*v as f64 - mean) * (*v as f64 - mean);
    libm::sqrt(values.iter().map(square).sum::<f64>() / values.len().max(1) as f64)
}

/// Reports steps whose durations are correlated, the most strongly correlated pairs first.
pub(super) fn dependence(
    g: &ShapeClass,
    columns: &[StepDurations],
    brief: f64,
    notes: &mut Vec<String>,
) {
    let mut works = Vec::new();
    work_names(&g.shape, &mut works);
    let last = columns.len().min(COMPARED);
    // What hardly varies has nothing to do with how tasks differ.
    let matters = |k: usize| mean(&columns[k]) >= brief && spread(&columns[k]) >= brief;
    let mut pairs: Vec<(f64, usize, usize)> = Vec::new();
    for a in 0..last {
        for b in a + 1..last {
            if matters(a)
                && matters(b)
                && let Some(rho) = correlation::notable(&columns[a], &columns[b])
            {
                pairs.push((rho, a, b));
            }
        }
    }
    pairs.sort_by(|x, y| {
        y.0.abs()
            .total_cmp(&x.0.abs())
            .then((x.1, x.2).cmp(&(y.1, y.2)))
    });
    let said: Vec<String> = pairs
        .iter()
        .take(3)
        .map(|(rho, a, b)| {
            format!(
                "step {} ({}) and step {} ({}): {rho:.2}",
                a + 1,
                works[*a].name(),
                b + 1,
                works[*b].name()
            )
        })
        .collect();
    if !said.is_empty() {
        let more = match pairs.len() - said.len() {
            0 => String::new(),
            n => format!("; and {n} more"),
        };
        notes.push(format!(
            "class {}: durations of its steps go together (rank correlation; {}{more}), but the scenario draws them \
             independently: the forecast's spread from task to task is too small (positive) or too large (negative). Split \
             the class where short and long tasks differ",
            g.name,
            said.join("; ")
        ));
    }
}

fn work_names(shape: &[ShapeNode], out: &mut Vec<TimedStep>) {
    for node in shape {
        match node {
            ShapeNode::Work(w) => out.push(*w),
            ShapeNode::Within(_, inner) => work_names(inner, out),
        }
    }
}
