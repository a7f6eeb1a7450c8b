//! Reads the lines of a trace one by one: turns texts into numbers, and says what is wrong with them.

use std::collections::HashMap;

use super::facts::{self, BackgroundTask, MainStretch, Ran};
use super::timestamp::{self, BadTime, TimeUnit};
use super::trace::{
    GilGlances, GilObservation, RecordedPool, RecordedResource, Scope, StepKind, Trace, TraceRow,
};
use crate::engine::Nanos;
use crate::scenario::limits;
use crate::scenario::units::grouped;
use crate::scenario::visible;

/// The greatest number of rows in a trace: 40 bytes of each stay in memory.
pub(super) const MAX_ROWS: usize = 8_000_000;
/// How a wait is written that is one for what another task says.
const SIGNAL: &str = "signal";
const KINDS: &str = "a kind is cpu, native, io, block, blocked, wait, lock:NAME, use:NAME, offload:NAME, payload_in, payload_out or gil";

/// A problem within a line, before the line's number is known.
#[derive(Debug)]
pub(super) struct Problem {
    pub(super) column: Option<String>,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

impl Problem {
    pub(super) fn new(message: impl Into<String>) -> Self {
        Self {
            column: None,
            message: message.into(),
            help: None,
        }
    }

    pub(super) fn at(mut self, column: impl Into<String>) -> Self {
        self.column = Some(column.into());
        self
    }

    pub(super) fn help(mut self, help: impl Into<String>) -> Self {
        self.help = Some(help.into());
        self
    }
}

/// The texts of one line of a trace, whichever format it is written in.
#[derive(Clone, Copy, Default)]
pub(super) struct RowFields<'a> {
    pub(super) task: &'a str,
    pub(super) class: &'a str,
    pub(super) kind: &'a str,
    pub(super) start: Option<&'a str>,
    pub(super) end: Option<&'a str>,
    pub(super) bytes: Option<&'a str>,
    pub(super) lock: Option<&'a str>,
    pub(super) releases: Option<&'a str>,
    pub(super) released: Option<&'a str>,
    pub(super) size: Option<&'a str>,
    pub(super) how: Option<&'a str>,
    pub(super) by: Option<&'a str>,
    pub(super) used: Option<&'a str>,
    pub(super) pid: Option<&'a str>,
    pub(super) process: Option<&'a str>,
}

/// The text in quotes on one line, cut where nobody would read on.
pub(super) fn quoted(text: &str) -> String {
    let (text, more) = match text.char_indices().nth(60) {
        Some((end, _)) => (&text[..end], "…"),
        None => (text, ""),
    };
    format!("\"{}{more}\"", visible(text))
}

/// A text that may hold all of a line, cut where nobody would read on.
pub(super) fn shortened(text: &str) -> String {
    match text.char_indices().nth(200) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

/// A trace that is being read. Names of tasks, classes and locks are replaced by numbers.
pub(super) struct TraceBuilder {
    pub(super) trace: Trace,
    unit: TimeUnit,
    tasks: HashMap<(u32, Box<str>), u32>,
    classes: HashMap<Box<str>, u32>,
    locks: HashMap<Box<str>, u32>,
    resources: HashMap<Box<str>, u32>,
    pools: HashMap<Box<str>, u32>,
    /// Tasks, and the names of those that made them.
    causes: Vec<(u32, Box<str>)>,
}

fn number(map: &mut HashMap<Box<str>, u32>, names: &mut Vec<String>, name: &str) -> u32 {
    if let Some(&n) = map.get(name) {
        return n;
    }
    let n = u32::try_from(names.len()).unwrap_or(u32::MAX);
    map.insert(name.into(), n);
    names.push(name.to_owned());
    n
}

impl TraceBuilder {
    pub(super) fn new(unit: TimeUnit) -> Self {
        Self {
            trace: Trace::default(),
            unit,
            tasks: HashMap::new(),
            classes: HashMap::new(),
            locks: HashMap::new(),
            resources: HashMap::new(),
            pools: HashMap::new(),
            causes: Vec::new(),
        }
    }

    /// The trace, once all rows are read: a task is over, and has its rows, after those that it made.
    pub(super) fn finish(mut self) -> Trace {
        let mut numbers: HashMap<&str, Option<u32>> = HashMap::new();
        if !self.causes.is_empty() {
            for ((_, name), number) in &self.tasks {
                // A name that several classes have tells nothing.
                let known = numbers.entry(name).or_insert(Some(*number));
                *known = known.filter(|n| n == number);
            }
        }
        let found = self
            .causes
            .iter()
            .filter_map(|(task, by)| Some((*task, (*numbers.get(by.as_ref())?)?)));
        self.trace.facts.causes = found.collect();
        self.trace
    }

    pub(super) fn row(&mut self, f: &RowFields<'_>) -> Result<(), Problem> {
        if self.trace.rows.len() + self.trace.facts.len() == MAX_ROWS {
            return Err(Problem::new(format!(
                "the trace has more rows than {}",
                limits::named("MAX_ROWS", MAX_ROWS)
            ))
            .help("a part of it is enough: some thousand tasks of each class"));
        }
        for (text, name) in [(f.task, "task"), (f.class, "class"), (f.kind, "kind")] {
            if text.is_empty() {
                return Err(Problem::new(format!("the {name} is empty")).at(name));
            }
        }
        if matches!(f.kind, "process" | "ran") {
            return self.fact(f);
        }
        let payload = matches!(f.kind, "payload_in" | "payload_out");
        // A payload has no length in time, so its row may lack the end, or both times.
        let (start, end) = match (f.start, f.end) {
            (None, None) if payload => (i64::MIN, i64::MIN),
            (Some(s), None) if payload => {
                let s = self.time(s, "start")?;
                (s, s)
            }
            (s, e) => (self.needed(s, "start")?, self.needed(e, "end")?),
        };
        let length = end.checked_sub(start);
        if length.is_none_or(|l| l < 0) {
            return Err(Problem::new(format!(
                "the end {} lies before the start {}",
                quoted(f.end.unwrap_or_default()),
                quoted(f.start.unwrap_or_default())
            ))
            .at("end"));
        }
        if length.is_some_and(|l| l.unsigned_abs() > limits::MAX_DURATION.0) {
            return Err(
                Problem::new("the step is longer than the limit MAX_DURATION (1000 days)")
                    .at("end")
                    .help("is the unit right? (--unit s, ms, us or ns)"),
            );
        }
        if matches!(f.kind, "main" | "background") {
            return self.stretch(f, start, end);
        }
        let watched = f.kind == "gil";
        let kind = if watched {
            StepKind::Wait
        } else {
            self.kind(f)?
        };
        let class = number(&mut self.classes, &mut self.trace.classes, f.class);
        if self.trace.classes.len() > limits::MAX_NAMES {
            return Err(Problem::new(format!(
                "there are more classes than {}",
                limits::named("MAX_NAMES", limits::MAX_NAMES)
            ))
            .at("class")
            .help("are the columns task and class exchanged?"));
        }
        if watched {
            return self.watched(f, class, length.unwrap_or(0).unsigned_abs());
        }
        let next = u32::try_from(self.tasks.len()).unwrap_or(u32::MAX);
        // Looking up borrowed pairs would need a type of its own, and the copy is short.
        let task = *self.tasks.entry((class, f.task.into())).or_insert(next);
        self.causes.extend(f.by.map(|by| (task, by.into())));
        self.trace.rows.push(TraceRow {
            task,
            class,
            kind,
            start,
            end,
        });
        Ok(())
    }

    /// Adds what was seen of the GIL in `time` nanoseconds, which is not a step of a task.
    fn watched(&mut self, f: &RowFields<'_>, class: u32, time: u64) -> Result<(), Problem> {
        let releases = Self::needed_count(f.releases, "releases")?;
        let Some(released) = f.released else {
            return Err(Problem::new("the released is missing").at("released"));
        };
        let released = self.time(released, "released")?;
        let Some(released) = u64::try_from(released).ok().filter(|r| *r <= time) else {
            return Err(
                Problem::new("the GIL was released for longer than it was looked at")
                    .at("released"),
            );
        };
        let look = GilObservation {
            time,
            releases,
            released,
        };
        let place = class as usize;
        if f.size.is_none() {
            let gil = &mut self.trace.gil;
            gil.resize(gil.len().max(place + 1), GilObservation::default());
            gil[place].add(look);
            return Ok(());
        }
        let threads = Self::needed_count(f.size, "size")?;
        let glances = &mut self.trace.glances;
        glances.resize(glances.len().max(place + 1), GilGlances::default());
        if threads > 1 {
            let alone = libm::pow(look.share(), 1.0 / threads as f64) * time as f64;
            glances[place].together.add(GilObservation {
                released: Nanos::from_f64(alone).0.min(time),
                ..look
            });
        } else {
            glances[place].alone.add(look);
        }
        Ok(())
    }

    fn needed_count(text: Option<&str>, name: &str) -> Result<u64, Problem> {
        let Some(text) = text else {
            return Err(Problem::new(format!("the {name} are missing")).at(name));
        };
        text.parse()
            .map_err(|_| Problem::new(format!("{} is not a whole number", quoted(text))).at(name))
    }

    fn needed(&self, text: Option<&str>, name: &str) -> Result<i64, Problem> {
        match text {
            Some(text) => self.time(text, name),
            None => Err(Problem::new(format!("the {name} is missing")).at(name)),
        }
    }

    fn time(&self, text: &str, name: &str) -> Result<i64, Problem> {
        let unit = self.unit.name();
        timestamp::parse(text, self.unit).map_err(|why| match why {
            BadTime::NotANumber => Problem::new(format!("{} is not a number", quoted(text)))
                .at(name)
                .help(format!(
                    "start and end are numbers of {unit}, like 12.5 (another unit with --unit ms, us or ns)"
                )),
            BadTime::TooLarge => Problem::new(format!("{} {unit} are too many", quoted(text)))
                .at(name)
                .help("is the unit right? (--unit s, ms, us or ns)"),
        })
    }

    fn kind(&mut self, f: &RowFields<'_>) -> Result<StepKind, Problem> {
        let bytes = || match f.bytes {
            None => Err(Problem::new(format!("a {} needs its bytes", f.kind)).at("bytes")),
            Some(text) => match text.parse::<u64>() {
                Ok(n) if n <= limits::MAX_PAYLOAD => Ok(n),
                Ok(_) => Err(Problem::new(format!(
                    "{} bytes are more than the limit MAX_PAYLOAD (64 GiB)",
                    grouped(text)
                ))
                .at("bytes")
                .help("the column `bytes` is what one step hands over, in bytes")),
                Err(_) => Err(Problem::new(format!(
                    "{} is not a whole number of bytes",
                    quoted(text)
                ))
                .at("bytes")),
            },
        };
        Ok(match f.kind {
            "cpu" => StepKind::Cpu,
            "native" => StepKind::Native,
            "io" => StepKind::Io,
            "block" => StepKind::Block,
            "blocked" => StepKind::Blocked,
            "wait" if f.how == Some(SIGNAL) => StepKind::Signal,
            "wait" => StepKind::Wait,
            "payload_in" => StepKind::PayloadIn(bytes()?),
            "payload_out" => StepKind::PayloadOut(bytes()?),
            other => self.scope(other, f)?,
        })
    }

    /// A lock that is held, a resource that is used, or a pool that does the steps.
    fn scope(&mut self, kind: &str, f: &RowFields<'_>) -> Result<StepKind, Problem> {
        let (sort, name) = match kind.split_once(':') {
            Some((sort @ ("lock" | "use" | "offload"), name)) => (sort, Some(name)),
            None if kind == "lock" => ("lock", f.lock),
            _ => {
                return Err(Problem::new(format!("{} is no kind of step", quoted(kind)))
                    .at("kind")
                    .help(KINDS));
            }
        };
        let Some(name) = name.map(str::trim).filter(|n| !n.is_empty()) else {
            let thing = match sort {
                "lock" => "lock",
                "use" => "resource",
                _ => "pool",
            };
            return Err(Problem::new(format!("the {thing} has no name"))
                .at("kind")
                .help("write lock:NAME, or lock with the name in a column lock; use:NAME; offload:NAME"));
        };
        let scope = match sort {
            "lock" => Scope::Lock(number(&mut self.locks, &mut self.trace.locks, name)),
            "use" => Scope::Use(self.resource(name, f)?),
            _ => Scope::Offload(self.pool(name, f)?),
        };
        let most = (self.trace.locks.len())
            .max(self.trace.resources.len())
            .max(self.trace.pools.len());
        if most > limits::MAX_NAMES {
            return Err(Problem::new(format!(
                "there are more locks than {}",
                limits::named("MAX_NAMES", limits::MAX_NAMES)
            ))
            .at("kind")
            .help("give locks of one sort (one for each row, say) one name"));
        }
        Ok(StepKind::Within(scope))
    }

    fn resource(&mut self, name: &str, f: &RowFields<'_>) -> Result<u32, Problem> {
        let size = Self::needed_count(f.size, "size")?;
        if !(1..=limits::MAX_TASKS).contains(&size) {
            return Err(Problem::new(format!(
                "a resource cannot be for {} at once",
                grouped(size)
            ))
            .at("size"));
        }
        let all = &mut self.trace.resources;
        let next = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let place = *self.resources.entry(name.into()).or_insert(next);
        match all.get_mut(place as usize) {
            Some(known) => known.size = known.size.max(size),
            None => all.push(RecordedResource {
                name: name.to_owned(),
                size,
            }),
        }
        Ok(place)
    }

    fn pool(&mut self, name: &str, f: &RowFields<'_>) -> Result<u32, Problem> {
        let fits = |c: char| c.is_ascii_alphanumeric() || matches!(c, '_' | '-');
        if !name.chars().all(fits) {
            return Err(
                Problem::new(format!("{} cannot be the name of a pool", quoted(name)))
                    .at("kind")
                    .help("a pool's name is letters, digits, _ and -"),
            );
        }
        let Some(workers) = f.how.and_then(facts::workers) else {
            return Err(Problem::new("an offload needs the workers of its pool")
                .at("how")
                .help("how is threads:8 or processes:4:fork"));
        };
        let all = &mut self.trace.pools;
        let next = u32::try_from(all.len()).unwrap_or(u32::MAX);
        let place = *self.pools.entry(name.into()).or_insert(next);
        if place == next {
            all.push(RecordedPool {
                name: name.to_owned(),
                workers,
            });
        }
        Ok(place)
    }

    /// What is known of a process, or of the executor that runs a class.
    fn fact(&mut self, f: &RowFields<'_>) -> Result<(), Problem> {
        let facts = &mut self.trace.facts;
        if f.kind == "process" {
            let known = f.process.and_then(|text| serde_json::from_str(text).ok());
            let Some(known) = known else {
                return Err(
                    Problem::new("what is known of the process cannot be read").at("process")
                );
            };
            facts.process(known);
            return Ok(());
        }
        let Some(how) = f.how.and_then(facts::strategy) else {
            return Err(
                Problem::new("it does not say which executor ran the class")
                    .at("how")
                    .help("how is threads:8, threads:per-task, processes:4:fork, pool:4:spawn, asyncio or sequential"),
            );
        };
        let pid = Self::needed_count(f.pid, "pid")?;
        let class = f.class.to_owned();
        let tasks = match f.size {
            Some(_) => Self::needed_count(f.size, "size")?.max(1),
            None => 1,
        };
        facts.ran.push(Ran {
            class,
            how,
            pid,
            tasks,
        });
        Ok(())
    }

    /// A stretch of the main program, or a task that is none.
    fn stretch(&mut self, f: &RowFields<'_>, start: i64, end: i64) -> Result<(), Problem> {
        let length = end.abs_diff(start);
        if f.kind == "main" {
            let used = self.needed(f.used, "used")?;
            let used = u64::try_from(used).unwrap_or(0).min(length);
            let stretch = MainStretch { start, end, used };
            self.trace.facts.main.push(stretch);
        } else {
            let class = f.class.to_owned();
            let known = self.classes.get(f.class);
            let task = known.and_then(|c| self.tasks.get(&(*c, f.task.into())).copied());
            let background = BackgroundTask {
                class,
                task,
                length,
            };
            self.trace.facts.background.push(background);
        }
        Ok(())
    }
}
