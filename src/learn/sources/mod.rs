//! Sources that people already have: access logs, spans, profiles. Each becomes a trace, with notes on what had to be guessed.

mod access_log;
mod marshal;
mod prof;
mod spans;
mod speedscope;
mod stacks;

use std::collections::{HashMap, HashSet};

use super::rows::Problem;
use super::trace::{Format, StepKind, Trace, TraceOptions, TraceRow};
use crate::scenario::limits;

/// The greatest number of tasks in a source.
const MAX_TASKS: usize = 2_000_000;
/// So many routes of one server become classes; tasks of others are of the class `other`.
const MAX_ROUTES: usize = 40;
/// The longest name of a class, in characters.
const LONGEST_NAME: usize = 200;

/// The format of a file that begins like this; `None` if it is a trace of our own.
pub(super) fn detect(begin: &[u8]) -> Option<Format> {
    if marshal::is_profile(begin) {
        return Some(Format::Prof);
    }
    let text = String::from_utf8_lossy(begin);
    let text = text.trim_start_matches('\u{feff}').trim_start();
    if text.starts_with('{') {
        return if text.contains("\"resourceSpans\"") {
            Some(Format::Spans)
        } else if text.contains("speedscope") {
            Some(Format::Speedscope)
        } else {
            None
        };
    }
    let first = text.lines().next()?;
    if access_log::is_line(first) {
        Some(Format::AccessLog)
    } else if stacks::is_line(first) {
        Some(Format::Stacks)
    } else {
        None
    }
}

/// Reads a whole source.
pub(super) fn read(bytes: &[u8], format: Format, options: &TraceOptions) -> Result<Trace, Problem> {
    match format {
        Format::AccessLog => access_log::read(&text(bytes)),
        Format::Spans => spans::read(bytes),
        Format::Stacks => stacks::read(&text(bytes), options),
        Format::Speedscope => speedscope::read(bytes, options),
        Format::Prof => prof::read(bytes, options),
        Format::Csv | Format::JsonLines => Err(Problem::new("it is a trace of steps")),
    }
}

/// Logs may hold what clients have sent: it need not be UTF-8.
fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A trace that is being made of tasks.
#[derive(Default)]
struct TaskBuilder {
    trace: Trace,
    classes: HashMap<String, u32>,
    tasks: u32,
}

impl TaskBuilder {
    /// Adds a task with its steps (kind, start, end).
    fn task(&mut self, class: &str, steps: &[(StepKind, i64, i64)]) -> Result<(), Problem> {
        if self.tasks as usize >= MAX_TASKS {
            return Err(Problem::new(format!(
                "there are more tasks than {}",
                limits::named("MAX_TASKS", MAX_TASKS)
            ))
            .help("a part of it is enough: some thousand tasks of each class"));
        }
        let class: String = class.chars().take(LONGEST_NAME).collect();
        let next = u32::try_from(self.classes.len()).unwrap_or(u32::MAX);
        let place = *self.classes.entry(class.clone()).or_insert(next);
        if place == next {
            if self.classes.len() > limits::MAX_NAMES {
                return Err(Problem::new(format!(
                    "there are more classes than {}",
                    limits::named("MAX_NAMES", limits::MAX_NAMES)
                )));
            }
            self.trace.classes.push(class);
        }
        let task = self.tasks;
        self.tasks += 1;
        self.trace
            .rows
            .extend(steps.iter().map(|(kind, start, end)| TraceRow {
                task,
                class: place,
                kind: *kind,
                start: *start,
                end: (*end).max(*start),
            }));
        Ok(())
    }

    fn note(&mut self, text: impl Into<String>) {
        self.trace.notes.push(text.into());
    }
}

/// Classes by method and route, no more than [`MAX_ROUTES`].
#[derive(Default)]
struct Routes {
    known: HashSet<String>,
}

impl Routes {
    /// The class of a request: its path without the query, with what looks like values taken out.
    fn class(&mut self, method: &str, target: &str) -> String {
        let path = target.split(['?', '#']).next().unwrap_or(target);
        let parts: Vec<&str> = path
            .split('/')
            .map(|part| if is_value(part) { "{id}" } else { part })
            .collect();
        let name: String = format!("{method} {}", parts.join("/"))
            .chars()
            .take(LONGEST_NAME)
            .collect();
        if self.known.contains(&name) {
            return name;
        }
        if self.known.len() >= MAX_ROUTES {
            return format!("{} other", method.chars().take(20).collect::<String>());
        }
        self.known.insert(name.clone());
        name
    }
}

/// Whether a part of a path is a number, or a long one of hexadecimal digits.
fn is_value(part: &str) -> bool {
    let digits = !part.is_empty() && part.bytes().all(|b| b.is_ascii_digit());
    let hex = part.len() >= 16 && part.bytes().all(|b| b.is_ascii_hexdigit() || b == b'-');
    digits || hex
}

/// What a profile says of one function: how often it was called, and the seconds in which it computed and waited.
struct Profiled {
    name: String,
    calls: u64,
    computed: f64,
    waited: f64,
}

/// A trace of a profiled function: all calls alike, since a profile holds sums.
fn of_profile(profiled: &Profiled, known: bool) -> Result<Trace, Problem> {
    let calls = profiled.calls.clamp(1, MAX_TASKS as u64);
    let each = |seconds: f64| nanos(seconds / calls as f64);
    let (computed, waited) = (each(profiled.computed), each(profiled.waited));
    if computed <= 0 && waited <= 0 {
        return Err(Problem::new("the profile holds no time"));
    }
    let mut builder = TaskBuilder::default();
    for _ in 0..calls {
        let mut steps = Vec::new();
        if waited > 0 {
            steps.push((StepKind::Io, 0, waited));
        }
        if computed > 0 {
            steps.push((StepKind::Cpu, waited, waited.saturating_add(computed)));
        }
        builder.task(&profiled.name, &steps)?;
    }
    builder.note(format!(
        "a profile holds sums: each of the {calls} calls of {} is given the mean, and its waiting comes before its computing. Which part \
         of Cpu is C code without the GIL is not in it",
        profiled.name
    ));
    if !known {
        builder.note(
            "how often the function was called is not in such a profile: it is taken for one call (--count N says otherwise)",
        );
    }
    Ok(builder.trace)
}

/// Seconds in nanoseconds, within what a duration may be.
#[expect(clippy::cast_possible_truncation, reason = "a float cast saturates")]
fn nanos(seconds: f64) -> i64 {
    let most = limits::MAX_DURATION.0 as f64;
    (seconds * 1e9).clamp(0.0, most) as i64
}

/// Whether a function's file is the program's own, rather than Python's or a library's.
fn is_own(file: &str) -> bool {
    let library = [
        "/lib/python",
        "\\lib\\",
        "/site-packages/",
        "/dist-packages/",
        "<frozen",
        "<string>",
    ];
    !file.is_empty() && file != "~" && !library.iter().any(|part| file.contains(part))
}

/// Names of functions of which profiles are full while a thread waits.
fn is_waiting(name: &str, file: &str) -> bool {
    let base = file.rsplit(['/', '\\']).next().unwrap_or(file);
    match name {
        "sleep" | "recv" | "recv_into" | "recvfrom" | "accept" | "getaddrinfo" | "epoll_wait"
        | "poll" | "do_handshake" => true,
        "select" => matches!(base, "selectors.py" | "" | "select"),
        "wait" | "acquire" | "_wait_for_tstate_lock" => base == "threading.py",
        "readinto" => base == "socket.py",
        "read" | "write" => base == "ssl.py",
        _ => false,
    }
}
