//! Collapsed stacks, as `py-spy record --format raw` writes them: frames from the outermost one, separated by semicolons, and a number of
//! samples. py-spy takes 100 samples a second.

use std::collections::HashMap;

use super::{Profiled, is_own, is_waiting, of_profile};
use crate::learn::rows::{Problem, quoted};
use crate::learn::trace::{Trace, TraceOptions};

/// Samples a second of py-spy and most others.
const RATE: f64 = 100.0;
/// The greatest number of frames of a stack that are looked at.
const DEEPEST: usize = 2_000;

/// A frame of a stack.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) struct Frame<'a> {
    pub(super) name: &'a str,
    /// The file, empty where that is not known.
    pub(super) file: &'a str,
}

/// A stack, the outermost frame first, and its seconds.
pub(super) type Stack<'a> = (Vec<Frame<'a>>, f64);

/// The most frames of a stack that fit into a line that could be of a table as well.
const FEW: usize = 50;

/// Whether a line is a stack with a number, be it a number of samples or not.
pub(super) fn is_line(line: &str) -> bool {
    line.trim_end()
        .rsplit_once(' ')
        .is_some_and(|(stack, count)| {
            count.parse::<f64>().is_ok() && (stack.contains(';') || stack.ends_with(')'))
        })
}

/// Whether a text that has no line end is the beginning of a deep stack.
pub(super) fn is_cut(text: &str) -> bool {
    !text.contains('\n') && text.split(';').nth(FEW).is_some()
}

fn split(line: &str) -> Option<(&str, f64)> {
    let (stack, count) = line.trim_end().rsplit_once(' ')?;
    let digits = !count.is_empty() && count.bytes().all(|b| b.is_ascii_digit());
    let count: f64 = count.parse().ok().filter(|_| digits && count.len() <= 15)?;
    (!stack.trim().is_empty()).then_some((stack, count))
}

/// `name (file.py:12)` as py-spy writes it, or just a name.
fn frame(text: &str) -> Frame<'_> {
    let text = text.trim();
    let Some((name, place)) = text.strip_suffix(')').and_then(|t| t.rsplit_once(" (")) else {
        return Frame {
            name: text,
            file: "",
        };
    };
    let file = match place.rsplit_once(':') {
        Some((file, line)) if line.bytes().all(|b| b.is_ascii_digit()) => file,
        _ => place,
    };
    Frame { name, file }
}

pub(super) fn read(text: &str, options: &TraceOptions) -> Result<Trace, Problem> {
    let mut stacks: Vec<Stack<'_>> = Vec::new();
    for (i, line) in text
        .lines()
        .enumerate()
        .filter(|(_, l)| !l.trim().is_empty())
    {
        let Some((stack, count)) = split(line) else {
            return Err(Problem::new(format!(
                "read as collapsed stacks, line {} is no stack with a whole number of samples: {}",
                i + 1,
                quoted(line)
            ))
            .help("expected are frames separated by semicolons, a blank, and a number, as py-spy record --format raw writes them"));
        };
        stacks.push((
            stack.split(';').take(DEEPEST).map(frame).collect(),
            count / RATE,
        ));
    }
    let mut trace = learn(&stacks, None, options)?;
    trace
        .notes
        .push("a sample is taken for 10 ms (py-spy's rate of 100 a second)".into());
    Ok(trace)
}

/// The function that is the task: the named one, or the outermost of the program's own that has most of the time.
fn task<'a>(stacks: &[Stack<'a>], options: &TraceOptions) -> Result<Frame<'a>, Problem> {
    let mut seconds: HashMap<Frame<'a>, f64> = HashMap::new();
    for (stack, time) in stacks {
        let wanted = |f: &&Frame<'a>| match &options.task {
            Some(name) => f.name == name,
            None => {
                !f.name.starts_with('<') && (f.file.is_empty() || is_own(f.file)) && !is_runner(f)
            }
        };
        if let Some(frame) = stack.iter().find(wanted) {
            *seconds.entry(*frame).or_default() += time;
        }
    }
    let best = seconds.into_iter().max_by(|(a, x), (b, y)| {
        x.total_cmp(y)
            .then_with(|| (b.name, b.file).cmp(&(a.name, a.file)))
    });
    best.map(|(frame, _)| frame)
        .ok_or_else(|| match &options.task {
            Some(name) => Problem::new(format!("no stack has a function {}", quoted(name)))
                .help("--task takes the name of a function as the profile has it"),
            None => Problem::new("no stack has a function of the program's own")
                .help("--task NAME says which function is a task"),
        })
}

/// Whether a thread waits, by the innermost frame. Futexes are waited on for locks, and for the GIL, which is no waiting for anything outside:
/// the functions around them tell.
fn waits(stack: &[Frame<'_>]) -> bool {
    let is_futex = |f: &Frame<'_>| {
        f.file.contains(".so")
            && ["futex", "pthread_cond", "syscall"]
                .iter()
                .any(|n| f.name.contains(n))
    };
    let telling = stack.iter().rev().find(|f| !is_futex(f));
    telling.is_some_and(|f| is_waiting(f.name, f.file))
}

/// Frames that are no functions: threads and processes, as profilers name them.
fn is_runner(frame: &Frame<'_>) -> bool {
    let named = |text: &str| text.starts_with("thread ") || text.starts_with("process ");
    named(frame.file) || (frame.file.is_empty() && named(frame.name))
}

/// A trace of the function that is the task; `calls` of it where the profile has them.
pub(super) fn learn(
    stacks: &[Stack<'_>],
    calls: Option<&dyn Fn(Frame<'_>) -> u64>,
    options: &TraceOptions,
) -> Result<Trace, Problem> {
    let task = task(stacks, options)?;
    let (mut computed, mut waited) = (0.0, 0.0);
    for (stack, time) in stacks.iter().filter(|(s, _)| s.contains(&task)) {
        let waits = waits(stack);
        *(if waits { &mut waited } else { &mut computed }) += time;
    }
    let known = options.count.or_else(|| calls.map(|calls| calls(task)));
    let mut trace = of_profile(
        &Profiled {
            name: task.name.to_owned(),
            calls: known.unwrap_or(1),
            computed,
            waited,
        },
        known.is_some(),
    )?;
    if options.task.is_none() {
        trace.notes.push(format!(
            "{} is taken for the task, because it is the outermost function with most of the time (--task NAME says otherwise)",
            task.name
        ));
    }
    Ok(trace)
}
