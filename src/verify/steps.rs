//! Writes a class of tasks as a Python function, which is the part of a program that its reader will adapt.

use std::fmt::Write as _;

use super::retries::{self, Retry};
use super::tree::{Amount, Call, CallPool, DurationUnit, Offspring, ProgramStep, StepTree};
pub(super) use crate::scenario::literal::python as quoted;
use crate::scenario::units::{format_duration, format_size};
use crate::scenario::{Dist, Releases, WorkingMemory, Workload};

/// How the function of a task is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Flavour {
    /// A plain function that blocks. `travels`: its payload came with it from another thread, process or interpreter.
    Plain { travels: bool },
    /// A coroutine that does its blocking work on the event loop.
    Loop,
    /// A coroutine whose blocking work goes to a pool.
    Offload,
    /// A plain function that a coroutine calls in a worker. Its payload came with the call.
    Call,
}

impl Flavour {
    /// Whether it is a function that blocks in every wait, rather than a coroutine.
    fn blocks(self) -> bool {
        match self {
            Self::Plain { .. } | Self::Call => true,
            Self::Loop | Self::Offload => false,
        }
    }
}

/// A function that is to be written.
#[derive(Clone)]
struct Pending {
    name: String,
    nodes: Vec<ProgramStep>,
    flavour: Flavour,
    /// Share of the objects of imports that it walks first.
    walks: f64,
}

/// Writes the functions of one program.
pub(super) struct Writer<'a> {
    pub(super) flavour: Flavour,
    pub(super) workload: &'a Workload,
    /// Whether each lock is held while a task waits; if so, an event loop needs its own kind of lock.
    pub(super) across: &'a [bool],
    /// Whether retries are written with a `Backoff`.
    pub(super) backoff: bool,
    /// All functions: that of the class, then those of its children and calls.
    functions: Vec<Pending>,
    text: String,
    name: String,
    deadlines: usize,
    /// Retries written so far.
    retries: usize,
    /// How the class's own function is written, and the share of the objects of imports that it walks.
    whole: Flavour,
    touches: f64,
}

/// Writes a function of the class, after those of its children.
pub(super) fn function(
    flavour: Flavour,
    workload: &Workload,
    across: &[bool],
    backoff: bool,
    name: &str,
    tree: &StepTree,
    touches: f64,
) -> String {
    let mut writer = Writer {
        flavour,
        workload,
        across,
        backoff,
        functions: vec![Pending {
            name: name.to_owned(),
            nodes: tree.nodes.clone(),
            flavour,
            walks: touches,
        }],
        text: String::new(),
        name: name.to_owned(),
        deadlines: 0,
        retries: 0,
        whole: flavour,
        touches,
    };
    let mut functions = Vec::new();
    let mut next = 0;
    while let Some(pending) = writer.functions.get(next).cloned() {
        functions.push(writer.one(&pending));
        next += 1;
    }
    functions.reverse();
    functions.join("\n\n")
}

impl Writer<'_> {
    fn one(&mut self, pending: &Pending) -> String {
        self.deadlines = 0;
        self.flavour = pending.flavour;
        let def = if self.flavour.blocks() {
            "def"
        } else {
            "async def"
        };
        self.text = format!("{def} {}(task):\n", pending.name);
        if pending.walks > 0.0 {
            self.work(1, &format!("walk({})", shortest(pending.walks)));
        }
        self.block(&pending.nodes, 1);
        std::mem::take(&mut self.text)
    }

    fn line(&mut self, depth: usize, line: &str) {
        let _ = writeln!(self.text, "{:1$}{line}", "", depth * 4);
    }

    fn block(&mut self, nodes: &[ProgramStep], depth: usize) {
        let before = self.text.len();
        for node in nodes {
            self.node(node, depth);
        }
        let code = |l: &str| !l.trim_start().is_empty() && !l.trim_start().starts_with('#');
        if !self.text[before..].lines().any(code) {
            self.line(depth, "pass");
        }
    }

    /// The variable of the innermost deadline, in plain functions.
    fn late(&self) -> Option<String> {
        (self.flavour.blocks() && self.deadlines > 0).then(|| late_name(self.deadlines))
    }

    /// Writes a step that blocks, and the check of the deadline after it.
    fn work(&mut self, depth: usize, call: &str) {
        let prefix = if self.flavour == Flavour::Offload {
            "task."
        } else {
            ""
        };
        self.line(depth, &format!("{prefix}{call}"));
        if let Some(late) = self.late() {
            self.line(depth, &format!("{late}.check()"));
        }
    }

    fn node(&mut self, node: &ProgramStep, depth: usize) {
        match node {
            ProgramStep::Cpu(a) => {
                let call = timed("cpu", a, DurationUnit::Milliseconds);
                self.work(depth, &call);
            }
            ProgramStep::Releasing(a, releases) => {
                let call = releasing(a, *releases, self.flavour == Flavour::Offload);
                self.work(depth, &call);
            }
            ProgramStep::Native(a) => {
                let call = timed("native", a, DurationUnit::Milliseconds);
                self.work(depth, &call);
            }
            ProgramStep::Team(a, threads) => {
                let (before, after) = match self.flavour {
                    Flavour::Offload => ("call(team, ", format!(", {threads}")),
                    Flavour::Plain { .. } | Flavour::Loop | Flavour::Call => {
                        ("team(", format!(", {threads}"))
                    }
                };
                let call = timed_among(before, a, DurationUnit::Milliseconds, &after);
                self.work(depth, &call);
            }
            ProgramStep::Io(a) => self.io(a, depth),
            ProgramStep::Block(a) => {
                let call = timed("block", a, DurationUnit::Seconds);
                self.work(depth, &call);
            }
            ProgramStep::Transfer(device, a) => self.transfer(*device, a, depth),
            ProgramStep::Lock(lock, inner) => self.lock(*lock, inner, depth),
            ProgramStep::Use(resource, inner) => self.using(*resource, inner, depth),
            ProgramStep::Acquire(lock) => self.half_lock(*lock, "acquire", depth),
            ProgramStep::Release(lock) => self.half_lock(*lock, "release", depth),
            ProgramStep::Shared {
                object,
                count,
                write,
            } => {
                let name = quoted(&self.workload.objects[*object].name);
                let function = if *write { "write" } else { "read" };
                self.work(depth, &format!("{function}({name}, {})", digits(*count)));
            }
            ProgramStep::Put(queue) => self.queue("put", *queue, depth),
            ProgramStep::Get(queue) => self.queue("get", *queue, depth),
            ProgramStep::InlineChildren(children, inner) => {
                self.fan_out(*children, inner, None, depth);
            }
            ProgramStep::Children(children, tree, place) => {
                self.fan_out(*children, &tree.nodes, *place, depth);
            }
            ProgramStep::PayloadIn(n) => self.payload_in("payload", *n, "bytes", depth),
            ProgramStep::ObjectsIn(n) => self.payload_in("objects", *n, "objects", depth),
            ProgramStep::PayloadOut(n) => self.payload_out("payload", *n, depth),
            ProgramStep::ObjectsOut(n) => self.payload_out("objects", *n, depth),
            ProgramStep::Allocate(n) => {
                let n = digits(*n);
                let line = match self.flavour {
                    Flavour::Offload => format!("task.allocate({n})"),
                    _ => format!("task.keep(allocate({n}))"),
                };
                self.line(depth, &line);
            }
            ProgramStep::Leak(n) => self.work(depth, &format!("leak({})", digits(*n))),
            ProgramStep::Hold(memory, place, inner) => {
                self.hold((memory, *place), inner, depth);
            }
            ProgramStep::Timeout(after, inner) => {
                self.timeout(after, inner, depth);
            }
            ProgramStep::Fail(p, place) => {
                // Where tasks note down what a worker does, this would be the worker's, too.
                let noted = self.whole == Flavour::Offload && self.flavour == Flavour::Loop;
                let fails = if noted { "fail_here" } else { "may_fail" };
                let percent = shortest(p * 100.0);
                self.line(depth, &format!("task.{fails}({place})  # {percent}%"));
            }
            ProgramStep::Retry(retry) => self.retry(retry, depth),
            ProgramStep::Repeat(times, inner) => {
                self.line(depth, &format!("for _ in range({}):", digits(*times)));
                self.block(inner, depth + 1);
            }
            ProgramStep::Call(call) => self.call(call, depth),
            ProgramStep::OnLoop(inner) => {
                self.line(depth, "await task.done()");
                self.line(depth, "# On the event loop itself:");
                let around = std::mem::replace(&mut self.flavour, Flavour::Loop);
                self.block(inner, depth);
                self.flavour = around;
            }
        }
    }

    /// The name of a further function, whose text follows.
    fn further(
        &mut self,
        what: &str,
        nodes: &[ProgramStep],
        flavour: Flavour,
        walks: f64,
    ) -> String {
        let name = format!("{}_{what}_{}", self.name, self.functions.len());
        self.functions.push(Pending {
            name: name.clone(),
            nodes: nodes.to_vec(),
            flavour,
            walks,
        });
        name
    }

    fn call(&mut self, call: &Call, depth: usize) {
        if self.flavour == Flavour::Offload {
            self.line(depth, "await task.done()");
        }
        let pool = match &call.to {
            CallPool::Default => "POOL".into(),
            CallPool::OfLoop => "None".into(),
            CallPool::Named(name) => format!("POOLS[{}]", quoted(name)),
        };
        // What the coroutine has walked, it has walked in its own process.
        let walks = if call.pool.apart() { self.touches } else { 0.0 };
        let name = self.further("call", &call.steps, Flavour::Call, walks);
        let (first, end) = call.places;
        let (bytes, objects) = coming(&call.steps);
        let mut arguments = format!("task, {pool}, {name}");
        if first < end {
            let _ = write!(arguments, ", places=({first}, {end})");
        }
        if bytes > 0 || objects > 0 {
            let _ = write!(arguments, ", came=({}, {})", digits(bytes), digits(objects));
        }
        self.line(depth, &format!("await offload({arguments})"));
    }

    fn io(&mut self, amount: &Amount, depth: usize) {
        // `io` is the event loop's where there is one.
        let function = if self.flavour == Flavour::Call {
            "block"
        } else {
            "io"
        };
        let call = timed(function, amount, DurationUnit::Seconds);
        let line = match (self.flavour, self.late()) {
            (Flavour::Plain { .. } | Flavour::Call, Some(late)) => format!("{late}.{call}"),
            (Flavour::Plain { .. } | Flavour::Call, None) => call,
            (Flavour::Loop, _) => format!("await {call}"),
            (Flavour::Offload, _) => format!("await task.{call}"),
        };
        self.line(depth, &line);
    }

    fn transfer(&mut self, device: usize, amount: &Amount, depth: usize) {
        let name = quoted(&self.workload.devices[device].name);
        let late = self
            .late()
            .map_or(String::new(), |late| format!(", {late}"));
        let waits = match self.flavour {
            Flavour::Plain { .. } | Flavour::Call => "transfer",
            Flavour::Loop => "await awaited_transfer",
            Flavour::Offload => "await task.transfer",
        };
        let call = timed_among(
            &format!("{waits}({name}, "),
            amount,
            DurationUnit::Seconds,
            &late,
        );
        self.line(depth, &call);
    }

    fn lock(&mut self, lock: usize, inner: &[ProgramStep], depth: usize) {
        let name = quoted(&self.workload.locks[lock].name);
        let across = self.across.get(lock).copied().unwrap_or(false);
        let line = match self.flavour {
            Flavour::Loop if across => format!("async with LOOP_LOCKS[{name}]:"),
            Flavour::Offload if across => format!("async with task.held_over_waits({name}):"),
            Flavour::Offload => format!("with task.lock({name}):"),
            _ => format!("with lock({name}):"),
        };
        self.line(depth, &line);
        self.block(inner, depth + 1);
    }

    fn using(&mut self, resource: usize, inner: &[ProgramStep], depth: usize) {
        let name = quoted(&self.workload.resources[resource].name);
        let line = match (self.flavour, self.late()) {
            (Flavour::Plain { .. }, Some(late)) => format!("with using({name}, {late}):"),
            (Flavour::Plain { .. }, None) => format!("with using({name}):"),
            (Flavour::Call, Some(late)) => format!("with call_using({name}, {late}):"),
            (Flavour::Call, None) => format!("with call_using({name}):"),
            (Flavour::Loop, _) => format!("async with using({name}):"),
            (Flavour::Offload, _) => format!("async with task.using({name}):"),
        };
        self.line(depth, &line);
        self.block(inner, depth + 1);
    }

    /// Writes the taking or releasing of a lock that overlaps with another one.
    fn half_lock(&mut self, lock: usize, what: &str, depth: usize) {
        let name = quoted(&self.workload.locks[lock].name);
        let across = self.across.get(lock).copied().unwrap_or(false);
        let waits = if what == "acquire" { "await " } else { "" };
        if self.flavour == Flavour::Offload && across {
            self.line(depth, "await task.done()");
        }
        let line = match self.flavour {
            Flavour::Loop | Flavour::Offload if across => {
                format!("{waits}LOOP_LOCKS[{name}].{what}()")
            }
            Flavour::Offload => format!("task.steps.append(({}, {name}))", quoted(what)),
            _ => format!("lock({name}).{what}()"),
        };
        self.line(depth, &line);
    }

    fn queue(&mut self, what: &str, queue: usize, depth: usize) {
        let name = quoted(&self.workload.queues[queue].name);
        let line = match (self.flavour, self.late()) {
            (Flavour::Plain { .. } | Flavour::Call, Some(late)) => {
                format!("{what}({name}, {late})")
            }
            (Flavour::Plain { .. } | Flavour::Call, None) => format!("{what}({name})"),
            (Flavour::Loop, _) if what == "put" => format!("await QUEUES[{name}].put(1)"),
            (Flavour::Loop, _) => format!("await QUEUES[{name}].get()"),
            (Flavour::Offload, _) => format!("await task.{what}({name})"),
        };
        self.line(depth, &line);
    }

    fn fan_out(
        &mut self,
        Offspring { count, need }: Offspring,
        inner: &[ProgramStep],
        place: Option<usize>,
        depth: usize,
    ) {
        let child = self.further("child", inner, self.flavour, 0.0);
        let place = place.map_or(String::new(), |p| format!(", {p}"));
        let mut count = digits(count);
        if let Some(need) = need {
            let _ = write!(count, ", {}", digits(need));
        }
        let function = match (need, self.flavour) {
            (Some(_), Flavour::Call) => "some_one_by_one",
            (Some(_), Flavour::Plain { .. } | Flavour::Loop | Flavour::Offload) => "some_of",
            (None, Flavour::Call) => "one_by_one",
            (None, Flavour::Plain { .. } | Flavour::Loop | Flavour::Offload) => "fan_out",
        };
        let call = format!("{function}(task, {count}, {child}{place})");
        match self.flavour {
            Flavour::Plain { .. } | Flavour::Call => self.line(depth, &call),
            Flavour::Loop => self.line(depth, &format!("await {call}")),
            Flavour::Offload => {
                self.line(depth, "await task.done()");
                self.line(depth, &format!("await {call}"));
            }
        }
    }

    fn payload_in(&mut self, what: &str, n: u64, unit: &str, depth: usize) {
        let line = match self.flavour {
            Flavour::Call => format!("# {} {unit} came with the call: task.came", digits(n)),
            Flavour::Plain { travels: true } => {
                format!("# {} {unit} came with the task: task.came", digits(n))
            }
            Flavour::Offload if what == "payload" => format!("task.payload_in({})", digits(n)),
            Flavour::Offload => format!("task.objects_in({})", digits(n)),
            _ => format!("task.keep({what}({}))", digits(n)),
        };
        self.line(depth, &line);
    }

    fn payload_out(&mut self, what: &str, n: u64, depth: usize) {
        let line = match self.flavour {
            Flavour::Offload => format!("task.{what}_out({})", digits(n)),
            Flavour::Plain { .. } | Flavour::Loop | Flavour::Call => {
                format!("task.result[{}] = {what}({})", quoted(what), digits(n))
            }
        };
        self.line(depth, &line);
    }

    fn hold(
        &mut self,
        (memory, place): (&WorkingMemory, Option<usize>),
        inner: &[ProgramStep],
        depth: usize,
    ) {
        let (mut size, comment) = match place {
            None => (digits(memory.size.mean()), String::new()),
            Some(place) => (
                format!("task.draw({place})"),
                format!("  # {}", memory.size.0.written_as(&|n| format_size(n.0))),
            ),
        };
        if memory.churn > 0 {
            let _ = write!(size, ", {}", shortest(f64::from(memory.churn) / 1e6));
        }
        let waits = inner.iter().any(|n| n.any(&|n| self.waits(n)));
        let prefix = if self.flavour == Flavour::Offload && !waits {
            "task."
        } else {
            ""
        };
        self.line(depth, &format!("with {prefix}hold({size}):{comment}"));
        self.block(inner, depth + 1);
    }

    /// Whether an event loop has to wait in this step.
    fn waits(&self, node: &ProgramStep) -> bool {
        match node {
            ProgramStep::Io(_)
            | ProgramStep::Put(_)
            | ProgramStep::Get(_)
            | ProgramStep::Timeout(..)
            | ProgramStep::Retry(..)
            | ProgramStep::InlineChildren(..)
            | ProgramStep::Children(..)
            | ProgramStep::Call(_)
            | ProgramStep::OnLoop(_) => true,
            ProgramStep::Lock(l, _) | ProgramStep::Acquire(l) | ProgramStep::Release(l) => {
                self.across[*l]
            }
            _ => false,
        }
    }

    fn timeout(&mut self, after: &Amount, inner: &[ProgramStep], depth: usize) {
        let (seconds, comment) = retries::seconds_of(after);
        let line = match (self.flavour, self.late()) {
            (Flavour::Plain { .. } | Flavour::Call, outer) => {
                let outer = outer.map_or(String::new(), |o| format!(", {o}"));
                let late = late_name(self.deadlines + 1);
                format!("with deadline({seconds}{outer}) as {late}:")
            }
            (Flavour::Loop, _) => format!("async with timeout({seconds}):"),
            (Flavour::Offload, _) => format!("async with task.giving_up_after({seconds}):"),
        };
        self.line(depth, &(line + &comment));
        self.deadlines += 1;
        self.block(inner, depth + 1);
        self.deadlines -= 1;
    }

    fn retry(&mut self, retry: &Retry, depth: usize) {
        let late = self.late().map_or(String::new(), |l| format!(", {l}"));
        let attempts = retry.attempts;
        self.retries += 1;
        let step = format!("{} {}", self.name, self.retries);
        let (pause, comment) = retries::pauses(retry, self.backoff, &step);
        let called = self.flavour == Flavour::Call;
        let function = if called { "call_attempts" } else { "attempts" };
        self.line(
            depth,
            &format!("for attempt in {function}({attempts}, {pause}{late}):{comment}"),
        );
        let line = match self.flavour {
            Flavour::Plain { .. } | Flavour::Call => "with attempt:",
            Flavour::Loop => "async with attempt:",
            Flavour::Offload => "async with task.trying(attempt):",
        };
        self.line(depth + 1, line);
        self.block(&retry.steps, depth + 2);
    }
}

/// Bytes and objects of the `PayloadIn` and `ObjectsIn` steps that come along with their task or call, rounds counted.
pub(super) fn coming(nodes: &[ProgramStep]) -> (u64, u64) {
    let (mut bytes, mut objects) = (0u64, 0u64);
    for node in nodes {
        let times = match node {
            ProgramStep::PayloadIn(n) => {
                bytes = bytes.saturating_add(*n);
                continue;
            }
            ProgramStep::ObjectsIn(n) => {
                objects = objects.saturating_add(*n);
                continue;
            }
            ProgramStep::Repeat(times, _) => *times,
            // Children bring nothing along.
            ProgramStep::InlineChildren(..) | ProgramStep::Children(..) => continue,
            _ => 1,
        };
        let (b, o) = coming(node.inner());
        bytes = bytes.saturating_add(b.saturating_mul(times));
        objects = objects.saturating_add(o.saturating_mul(times));
    }
    (bytes, objects)
}

fn late_name(depth: usize) -> String {
    if depth == 1 {
        "late".into()
    } else {
        format!("late_{depth}")
    }
}

/// The arguments of a timed step: its constant, or its place in the table with a comment on what it is drawn from.
fn timed(function: &str, amount: &Amount, unit: DurationUnit) -> String {
    timed_among(&format!("{function}("), amount, unit, "")
}

/// As [`timed`], with other arguments before and after the time.
pub(super) fn timed_among(
    before: &str,
    amount: &Amount,
    unit: DurationUnit,
    after: &str,
) -> String {
    match (&amount.dist, amount.place) {
        (Dist::Constant(time), None) => format!("{before}{}{after})", shortest(unit.of(*time))),
        (dist, Some(place)) => format!("{before}task.draw({place}){after})  # {}", words(dist)),
        (dist, None) => format!("{before}{}{after})  # mean", shortest(dist.mean() / 1e6)),
    }
}

/// The arguments of code that gives the GIL up: how long it runs, how often in a millisecond it gives it up, and for how many nanoseconds
/// each time.
fn releasing(amount: &Amount, releases: Releases, offload: bool) -> String {
    let per_ms = releases.count as f64 / (amount.dist.mean() / 1e6);
    let after = format!(", {}, {}", shortest(per_ms), releases.released.0);
    // A step that is noted down is written as a call with its arguments.
    let before = if offload {
        "call(releasing, "
    } else {
        "releasing("
    };
    timed_among(before, amount, DurationUnit::Milliseconds, &after)
}

/// A distribution as the scenario format writes it.
fn words(dist: &Dist) -> String {
    let t = |t: &crate::engine::Nanos| format_duration(*t);
    match dist {
        Dist::Constant(_) => "recorded".into(),
        Dist::Uniform(a, b) => format!("Uniform({}, {})", t(a), t(b)),
        Dist::Exponential(mean) => format!("Exponential({})", t(mean)),
        Dist::Normal(mean, sd) => format!("Normal({}, {})", t(mean), t(sd)),
        Dist::LogNormal { median, p99 } => {
            format!("LogNormal(median: {}, p99: {})", t(median), t(p99))
        }
        Dist::Gamma { mean, cv } => format!("Gamma(mean: {}, cv: {cv})", t(mean)),
        Dist::Weibull { scale, shape } => format!("Weibull({}, {shape})", t(scale)),
        Dist::Pareto { least, shape } => format!("Pareto({}, {shape})", t(least)),
        Dist::Empirical(values) => format!("Empirical: one of {} values", values.len()),
    }
}

/// A number in a form that both Python and people read.
pub(super) fn shortest(x: f64) -> String {
    let rounded = (x * 1e9).round() / 1e9;
    format!("{rounded}")
}

/// A whole number with its thousands separated.
pub(super) fn digits(n: u64) -> String {
    let plain = n.to_string();
    if plain.len() < 5 {
        return plain;
    }
    let mut out = String::new();
    for (i, c) in plain.chars().enumerate() {
        if i > 0 && (plain.len() - i).is_multiple_of(3) {
            out.push('_');
        }
        out.push(c);
    }
    out
}
