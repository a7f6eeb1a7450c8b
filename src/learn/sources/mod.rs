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
/// So many lines at the beginning of a file are looked at.
const LOOKED_AT: usize = 20;
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
    if is_header(text.lines().next()?) {
        return None;
    }
    // The first line may be junk: what a scanner has sent, or the end of a line of which the rest is in another file.
    let looked_at: Vec<&str> = text
        .lines()
        .filter(|l| !l.trim().is_empty())
        .take(LOOKED_AT)
        .collect();
    let most = |is_line: &dyn Fn(&str) -> bool| {
        let fitting = looked_at.iter().filter(|l| is_line(l)).count();
        2 * fitting >= looked_at.len().max(1)
    };
    if most(&access_log::is_line) {
        Some(Format::AccessLog)
    } else if most(&stacks::is_line) || stacks::is_cut(text) {
        Some(Format::Stacks)
    } else {
        None
    }
}

/// Whether a line is the header line of a trace of our own.
fn is_header(line: &str) -> bool {
    let has = |name: &str| {
        let mut cells = line.split([',', ';', '\t']);
        cells.any(|c| c.trim().trim_matches('"').eq_ignore_ascii_case(name))
    };
    has("task") && has("start")
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
    /// Requests of other routes.
    others: usize,
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
            self.others += 1;
            return format!("{} other", method.chars().take(20).collect::<String>());
        }
        self.known.insert(name.clone());
        name
    }

    /// What is said of the requests whose routes are no classes of their own.
    fn note(&self) -> Option<String> {
        (self.others > 0).then(|| {
            format!(
                "the log has more than {MAX_ROUTES} routes: the first {MAX_ROUTES} are classes, and {} requests of others are put together \
                 as `GET other` and the like, each method by itself. Numbers in paths become {{id}}; replace other values in the log, or \
                 take a part of it",
                self.others
            )
        })
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

/// Names of functions of which profiles are full while a thread waits: those of the standard library, by the files that they are in, and
/// those of C libraries (py-spy's `--native`). Profilers name a function with its module or class, or without.
fn is_waiting(name: &str, file: &str) -> bool {
    let (owner, name) = match name.rsplit_once('.') {
        Some((owner, name)) => (owner.rsplit('.').next().unwrap_or(owner), name),
        None => ("", name),
    };
    let path = file.replace('\\', "/");
    let within = |known: &str| {
        let rest = path.strip_suffix(known);
        rest.is_some_and(|r| r.is_empty() || r.ends_with('/'))
    };
    match name {
        "sleep" | "recv" | "recv_into" | "recvfrom" | "recvfrom_into" | "accept"
        | "getaddrinfo" | "epoll_wait" | "poll" | "do_handshake"
        // The kernel and C libraries; a thread waits for a lock of Python's in PyThread_acquire_lock_timed, and elsewhere for the GIL.
        | "nanosleep"
        | "clock_nanosleep"
        | "usleep"
        | "epoll_pwait"
        | "epoll_pwait2"
        | "ppoll"
        | "pselect"
        | "pselect6"
        | "recvmsg"
        | "accept4"
        | "wait4"
        | "waitpid"
        | "waitid"
        | "kevent"
        | "sigwait"
        | "sem_wait"
        | "sem_timedwait"
        | "sem_clockwait"
        | "PyThread_acquire_lock_timed"
        | "pysleep" => true,
        "select" => {
            path.is_empty() || path.contains(".so") || within("selectors.py") || within("select")
        }
        "wait" | "acquire" | "join" | "_wait_for_tstate_lock" => {
            within("threading.py")
                || (name != "join" && within("multiprocessing/synchronize.py"))
                || (name == "wait"
                    && [
                        "subprocess.py",
                        "multiprocessing/connection.py",
                        "multiprocessing/popen_fork.py",
                    ]
                    .iter()
                    .any(|f| within(f)))
                || (path.is_empty() && is_of_locks(owner, name))
        }
        "get" | "put" => {
            within("queue.py")
                || within("multiprocessing/queues.py")
                || (path.is_empty() && matches!(owner, "queue" | "Queue" | "SimpleQueue"))
        }
        "_recv" | "_send" | "_poll" | "_recv_bytes" | "recv_bytes" => {
            within("multiprocessing/connection.py")
        }
        "_wait" | "_try_wait" | "communicate" | "_communicate" => within("subprocess.py"),
        "connect" | "create_connection" | "sendall" => {
            within("socket.py") || within("ssl.py") || path.contains(".so")
        }
        "readinto" => within("socket.py"),
        "read" | "write" => within("ssl.py"),
        _ => false,
    }
}

/// Whether a function whose file is not known is one of a lock, by the class that it is of.
fn is_of_locks(owner: &str, name: &str) -> bool {
    match name {
        "wait" => matches!(owner, "Condition" | "Event" | "Barrier"),
        "acquire" => matches!(owner, "lock" | "Lock" | "RLock" | "Semaphore" | "Condition"),
        "join" => owner == "Thread",
        _ => false,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn formats_by_how_files_begin() {
        let line = "::1 - - [10/Oct/2025:13:00:00 +0000] \"GET / HTTP/1.1\" 200 1";
        let junk = "::1 - - [10/Oct/2025:13:00:00 +0000] \"\\x16\\x03\\x01\\x00\" 400 150 \"-\" \"-\" 0.012";
        for log in [
            line.to_owned(),
            format!("{junk}\n{line}\n"),
            format!("\n/offers HTTP/1.1\" 200 1\n{line}\n{line}\n"),
        ] {
            assert_eq!(detect(log.as_bytes()), Some(Format::AccessLog), "{log}");
        }
        let deep = vec!["f (shop.py:1)"; 5_000].join(";");
        for stacks in [
            "a;b 5",
            "a;b -5",
            "a;b 0.5\n",
            "main (shop.py:3) 7",
            &format!("{deep} 7"),
            &deep[..1 << 15],
        ] {
            assert_eq!(
                detect(stacks.as_bytes()),
                Some(Format::Stacks),
                "{stacks:.40}"
            );
        }
        for own in [
            "task;class;kind;start;end\n1;page 7;io;0;page 1",
            "start;end;kind;task;class\n0.0;0.1;io;1;page 1\n0.1;0.2;io;2;page 1",
            "task,class\n",
            "a;b\nc;d\n",
            "{}",
            "",
        ] {
            assert_eq!(detect(own.as_bytes()), None, "{own}");
        }
    }

    #[test]
    fn functions_that_wait() {
        for (name, file) in [
            ("sleep", ""),
            ("time.sleep", ""),
            ("time.sleep", "~"),
            ("get", "queue.py"),
            ("Queue.get", "/usr/lib/python3.13/queue.py"),
            ("_queue.SimpleQueue.get", ""),
            ("_recv", "multiprocessing/connection.py"),
            (
                "Connection._recv",
                "C:\\Python\\Lib\\multiprocessing\\connection.py",
            ),
            ("_wait", "subprocess.py"),
            ("Popen._wait", "/usr/lib/python3.13/subprocess.py"),
            ("clock_nanosleep", "libc.so.6"),
            ("select", "selectors.py"),
            ("EpollSelector.select", "selectors.py"),
            ("select.select", ""),
            ("wait", "threading.py"),
            ("join", "threading.py"),
            ("_thread.lock.acquire", ""),
            ("connect", "libc.so.6"),
        ] {
            assert!(is_waiting(name, file), "{name} ({file})");
        }
        for (name, file) in [
            ("get", "shop.py"),
            ("dict.get", ""),
            ("wait", "shop.py"),
            ("get", "myqueue.py"),
            ("_recv", "urllib3/connection.py"),
            ("join", "posixpath.py"),
            ("str.join", ""),
            ("asleep", ""),
            ("take_gil", "libpython3.13.so"),
            ("select", "shop.py"),
        ] {
            assert!(!is_waiting(name, file), "{name} ({file})");
        }
    }
}
