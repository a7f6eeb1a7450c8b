//! The questions that are asked of whoever has no scenario yet, and what may be answered.
//!
//! An [`Interview`] knows no terminal: it says what to ask next and takes text. Flags, files of answers and prompts all go through it.

use std::collections::BTreeMap;

use super::constraints::{Constraints, FreeThreading, Priority};
use super::family::Family;
use crate::engine::{self, Nanos};
use crate::scenario::limits::{MAX_CORES, MAX_TASKS};
use crate::scenario::units::{self, UnitError};

/// A question.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prompt {
    /// Its key: that of a file of answers, and of its flag (`--KEY`).
    pub key: &'static str,
    /// The question itself.
    pub text: &'static str,
    /// What may be answered, with an example.
    pub help: &'static str,
    /// What is taken where nothing is answered.
    pub default: String,
}

/// What a task does mostly.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum WorkKind {
    /// It computes.
    Cpu,
    /// It waits for something outside.
    Io,
    /// Both.
    Hybrid,
}

impl WorkKind {
    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Cpu => "cpu",
            Self::Io => "io",
            Self::Hybrid => "hybrid",
        }
    }
}

/// How tasks come.
#[derive(Clone, Copy, Debug, PartialEq)]
pub enum ArrivalsAnswer {
    /// So many at once.
    AtOnce(u64),
    /// So many a second, at random.
    Rate(f64),
    /// From so many users, each of whom waits for the answer and asks again.
    Users(u32),
}

/// What has to be loaded before a worker can begin.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Startup {
    /// CPU time of it.
    pub time: Nanos,
    /// Memory of it, in bytes.
    pub memory: u64,
}

/// All answers.
#[derive(Clone, Debug, PartialEq)]
pub struct Answers {
    /// What a task does mostly.
    pub workload: WorkKind,
    /// Whether tasks may be executed side by side; else each waits for the one before.
    pub parallel: bool,
    /// How they come.
    pub arrivals: ArrivalsAnswer,
    /// CPU time of a task.
    pub cpu: Nanos,
    /// Time that a task waits.
    pub wait: Nanos,
    /// Bytes that a task is given, and as many that it returns.
    pub payload: u64,
    /// Most that a task may take: percentile and time.
    pub latency: Option<(f64, Nanos)>,
    /// Number of cores.
    pub cores: u32,
    /// What is loaded before a worker can begin.
    pub startup: Option<Startup>,
    /// Versions of Python that may be taken, such as `3.14`.
    pub python: Vec<String>,
    /// The rest.
    pub constraints: Constraints,
}

/// Keys of the questions, in their order.
const KEYS: [&str; 19] = [
    "workload",
    "order",
    "state",
    "arrivals",
    "cpu",
    "wait",
    "payload",
    "latency-ms",
    "percentile",
    "memory-mb",
    "cores",
    "expensive-startup",
    "startup-time",
    "startup-memory",
    "python",
    "free-threading",
    "isolation",
    "priority",
    "current",
];

/// Families by the words of `--current`.
const CURRENT: [(&str, Family); 11] = [
    ("sequential", Family::SingleThread),
    ("threads", Family::Threads),
    ("free-threading", Family::FreeThreads),
    ("processes", Family::Processes),
    ("asyncio", Family::Asyncio),
    ("asyncio+threads", Family::AsyncioThreads),
    ("asyncio+free-threading", Family::AsyncioFreeThreads),
    ("asyncio+processes", Family::AsyncioProcesses),
    ("asyncio+interpreters", Family::AsyncioInterpreters),
    ("interpreters", Family::Interpreters),
    ("servers", Family::Prefork),
];

/// An interview: which questions are still open, and what has been answered.
#[derive(Clone, Debug, Default)]
pub struct Interview {
    given: BTreeMap<&'static str, String>,
}

impl Interview {
    /// The keys of all questions, in their order.
    #[must_use]
    pub fn keys() -> &'static [&'static str] {
        &KEYS
    }

    /// The words that a question takes, where it takes no others.
    #[must_use]
    pub fn words(key: &str) -> Vec<&'static str> {
        words(key)
    }

    /// The next question that has not been answered and that the answers so far leave of interest; `None`: there is none.
    #[must_use]
    pub fn next(&self) -> Option<Prompt> {
        let open = |k: &&&str| !self.given.contains_key(**k) && self.matters(k);
        KEYS.iter().find(open).map(|k| self.prompt(k))
    }

    /// What was answered, by key.
    pub fn given(&self) -> impl Iterator<Item = (&'static str, &str)> {
        KEYS.iter()
            .filter_map(|k| Some((*k, self.given.get(k)?.as_str())))
    }

    /// Takes an answer; an empty one is the default.
    ///
    /// # Errors
    /// There is no such question, or the answer is none: what was expected.
    pub fn answer(&mut self, key: &str, text: &str) -> Result<(), String> {
        let Some(key) = KEYS.iter().copied().find(|k| *k == key) else {
            return Err(format!(
                "there is no question `{key}`; there are {}",
                KEYS.join(", ")
            ));
        };
        let text = match text.trim() {
            "" => self.prompt(key).default,
            text => text.to_owned(),
        };
        parsed(key, &text)?;
        self.given.insert(key, text);
        Ok(())
    }

    /// Whether what has been said leaves a question of interest.
    fn matters(&self, key: &str) -> bool {
        let kind = self.kind();
        match key {
            "wait" => kind != WorkKind::Cpu,
            "percentile" => self.text("latency-ms").trim() != "none",
            "startup-time" | "startup-memory" => is_yes(&self.text("expensive-startup")),
            _ => true,
        }
    }

    fn is_sequential(&self) -> bool {
        let order = self.given.get("order");
        order.is_some_and(|t| t.trim().to_lowercase() == "sequential")
    }

    fn kind(&self) -> WorkKind {
        match self
            .given
            .get("workload")
            .map(|t| t.trim().to_lowercase())
            .as_deref()
        {
            Some("cpu") => WorkKind::Cpu,
            Some("io") => WorkKind::Io,
            _ => WorkKind::Hybrid,
        }
    }

    fn text(&self, key: &'static str) -> String {
        self.given
            .get(key)
            .cloned()
            .unwrap_or_else(|| self.prompt(key).default)
    }

    fn prompt(&self, key: &'static str) -> Prompt {
        let kind = self.kind();
        let by_kind = |cpu: &str, io: &str, hybrid: &str| match kind {
            WorkKind::Cpu => cpu.to_owned(),
            WorkKind::Io => io.to_owned(),
            WorkKind::Hybrid => hybrid.to_owned(),
        };
        let (text, help, default) = match key {
            "workload" => (
                "What does a task do mostly?",
                "cpu (it computes), io (it waits for something outside) or hybrid (both)",
                "hybrid".to_owned(),
            ),
            "order" => (
                "Can tasks be executed side by side?",
                "parallel, or sequential: each needs the result of the one before",
                "parallel".to_owned(),
            ),
            "state" => (
                "Do tasks change the same objects?",
                "isolated, or shared: they change the same objects in place",
                "isolated".to_owned(),
            ),
            "arrivals" => (
                "How do tasks come?",
                "so many at once (100), so many a second (80/s), or from users who wait for their answer (20 users)",
                // Of which each needs the one before do not come by a clock.
                by_kind(
                    "100",
                    "100",
                    if self.is_sequential() { "1000" } else { "80/s" },
                ),
            ),
            "cpu" => (
                "How long does a task compute?",
                "a time with its unit, for example 20ms",
                by_kind("50ms", "1ms", "20ms"),
            ),
            "wait" => (
                "How long does a task wait?",
                "a time with its unit, for example 40ms",
                by_kind("0ms", "100ms", "40ms"),
            ),
            "payload" => (
                "How large is what a task is given, and what it returns?",
                "a size with its unit, for example 10kB",
                "1kB".to_owned(),
            ),
            "latency-ms" => (
                "How long may a task take at most, in ms?",
                "a number of milliseconds, for example 100, or none",
                "none".to_owned(),
            ),
            "percentile" => (
                "For how many of the tasks?",
                "a percentile, for example p95 or p99",
                "p95".to_owned(),
            ),
            "memory-mb" => (
                "How much memory may all of it take, in MB?",
                "a number of megabytes, for example 256, or none",
                "none".to_owned(),
            ),
            "cores" => (
                "How many CPU cores are there?",
                "a whole number, for example 4",
                "4".to_owned(),
            ),
            "expensive-startup" => (
                "Is starting expensive (imports, a model to load)?",
                "y or n",
                "n".to_owned(),
            ),
            "startup-time" => (
                "How long does that take?",
                "a time with its unit, for example 2s",
                "1s".to_owned(),
            ),
            "startup-memory" => (
                "How much memory does it take?",
                "a size with its unit, for example 300MB",
                "200MB".to_owned(),
            ),
            "python" => (
                "Which versions of Python may be taken?",
                "versions with commas between, for example 3.13,3.14",
                "3.14".to_owned(),
            ),
            "free-threading" => (
                "May the free-threaded build be taken?",
                "yes, no, or extensions: an extension that is needed is not ready for it, and enables the GIL again",
                "yes".to_owned(),
            ),
            "isolation" => (
                "Must a task that crashes leave the others alone?",
                "y or n",
                "n".to_owned(),
            ),
            "priority" => (
                "What matters most?",
                "latency, throughput, memory, cost or simplicity",
                if self.text("latency-ms").trim() == "none" {
                    "throughput"
                } else {
                    "latency"
                }
                .to_owned(),
            ),
            _ => (
                "What does the program do today?",
                "sequential, threads, free-threading, processes, asyncio, asyncio+threads, asyncio+free-threading, asyncio+processes, asyncio+interpreters, interpreters or servers",
                "sequential".to_owned(),
            ),
        };
        Prompt {
            key,
            text,
            help,
            default,
        }
    }

    /// All answers, with the default of what was not asked.
    ///
    /// # Errors
    /// Answers that contradict each other.
    pub fn finish(&self) -> Result<Answers, String> {
        let text = |key| self.text(key);
        let value = |key| parsed(key, &self.text(key));
        let number = |key| match value(key) {
            Ok(Value::Number(n)) => Ok(n),
            Ok(_) => Ok(0.0),
            Err(e) => Err(e),
        };
        let latency = match value("latency-ms")? {
            Value::Number(ms) => Some((number("percentile")?, Nanos::from_f64(ms * 1e6))),
            _ => None,
        };
        let memory = match value("memory-mb")? {
            Value::Number(mb) => Some(engine::whole(mb * 1e6)),
            _ => None,
        };
        let startup = if is_yes(&text("expensive-startup")) {
            Some(Startup {
                time: Nanos::from_f64(number("startup-time")?),
                memory: engine::whole(number("startup-memory")?),
            })
        } else {
            None
        };
        let workload = self.kind();
        let wait = if self.matters("wait") || self.given.contains_key("wait") {
            Nanos::from_f64(number("wait")?)
        } else {
            Nanos::ZERO
        };
        let cpu = Nanos::from_f64(number("cpu")?);
        if cpu == Nanos::ZERO && wait == Nanos::ZERO {
            return Err("a task that neither computes nor waits needs no advice: say how long with --cpu or --wait".into());
        }
        let arrivals = match value("arrivals")? {
            Value::Arrivals(a) => a,
            _ => ArrivalsAnswer::AtOnce(100),
        };
        let lower = |key| text(key).trim().to_lowercase();
        let find = |name: &str| CURRENT.iter().find(|c| c.0 == name).map(|c| c.1);
        Ok(Answers {
            workload,
            parallel: lower("order") != "sequential",
            arrivals,
            cpu,
            wait,
            payload: engine::whole(number("payload")?),
            latency,
            cores: whole(number("cores")?),
            startup,
            python: lower("python")
                .split(',')
                .map(|v| v.trim().to_owned())
                .collect(),
            constraints: Constraints {
                memory,
                shared: self.given.get("state").map(|_| lower("state") == "shared"),
                isolated: is_yes(&text("isolation")),
                free_threading: FreeThreading::ALL
                    .into_iter()
                    .find(|f| f.name() == lower("free-threading"))
                    .unwrap_or_default(),
                priority: self
                    .given
                    .get("priority")
                    .and_then(|_| priority(&lower("priority"))),
                current: find(&lower("current")).unwrap_or(Family::SingleThread),
            },
        })
    }
}

fn priority(name: &str) -> Option<Priority> {
    Priority::ALL.into_iter().find(|p| p.name() == name)
}

/// The family that the word of `--current` stands for.
#[must_use]
pub fn current(word: &str) -> Option<Family> {
    CURRENT
        .iter()
        .find(|c| c.0 == word.trim().to_lowercase())
        .map(|c| c.1)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "checked when it was answered"
)]
fn whole(n: f64) -> u32 {
    n as u32
}

fn is_yes(text: &str) -> bool {
    matches!(text.trim().to_lowercase().as_str(), "y" | "yes" | "true")
}

/// What an answer says.
enum Value {
    Number(f64),
    Arrivals(ArrivalsAnswer),
    Nothing,
}

/// The words that a question takes, where it takes no others.
fn words(key: &str) -> Vec<&'static str> {
    match key {
        "workload" => vec!["cpu", "io", "hybrid"],
        "order" => vec!["parallel", "sequential"],
        "state" => vec!["isolated", "shared"],
        "free-threading" => FreeThreading::ALL.map(FreeThreading::name).into(),
        "priority" => Priority::ALL.map(Priority::name).into(),
        "current" => CURRENT.map(|c| c.0).into(),
        _ => Vec::new(),
    }
}

/// What is wrong with a time or a size.
fn why(e: UnitError) -> String {
    let (UnitError::Unit(why) | UnitError::Range(why) | UnitError::Limit(_, why)) = e;
    why
}

/// Most that may be asked of memory and latencies, so that no sum overflows.
const MOST: f64 = 1e12;
/// Least of them: a nanosecond, and a byte.
const LEAST: f64 = 1e-6;

/// Reads an answer.
fn parsed(key: &str, text: &str) -> Result<Value, String> {
    let text = text.trim();
    let lower = text.to_lowercase();
    let one_of = |words: &[&str]| {
        if words.contains(&lower.as_str()) {
            Ok(Value::Nothing)
        } else {
            Err(format!("`{text}` is none of {}", words.join(", ")))
        }
    };
    let amount = |what: &str, example: &str| -> Result<Value, String> {
        match lower
            .trim_end_matches("ms")
            .trim_end_matches("mb")
            .trim()
            .parse::<f64>()
        {
            Ok(n) if (LEAST..=MOST).contains(&n) => Ok(Value::Number(n)),
            _ => Err(format!(
                "`{text}` is no {what} above 0 (from {LEAST} to {MOST:e}, without another unit), such as {example}, nor `none`"
            )),
        }
    };
    let duration = || match units::duration(text) {
        Ok(t) => Ok(Value::Number(t.0 as f64)),
        Err(e) => Err(format!(
            "`{text}`: {}; expected a time with its unit ({}), for example 20ms, 1.5s or 1h30m",
            why(e),
            units::time_units()
        )),
    };
    let size = || match units::size(text) {
        Ok(b) => Ok(Value::Number(b as f64)),
        Err(e) => Err(format!(
            "`{text}`: {}; expected a size with its unit ({}), for example 10kB or 300MB",
            why(e),
            units::size_units()
        )),
    };
    match key {
        "workload" | "order" | "state" | "free-threading" | "priority" | "current" => {
            one_of(&words(key))
        }
        "arrivals" => arrivals(text),
        "cpu" | "wait" | "startup-time" => duration(),
        "payload" | "startup-memory" => size(),
        "latency-ms" | "memory-mb" if lower == "none" => Ok(Value::Nothing),
        "latency-ms" => amount("number of milliseconds", "100"),
        "memory-mb" => amount("number of megabytes", "256"),
        "percentile" => {
            let number = lower.trim_start_matches('p').parse::<f64>();
            match number {
                Ok(p) if p > 0.0 && p < 100.0 => Ok(Value::Number(p)),
                _ => Err(format!(
                    "`{text}` is no percentile between 0 and 100, such as p95 or 99.9"
                )),
            }
        }
        "cores" => match text.parse::<u32>() {
            Ok(n) if (1..=MAX_CORES).contains(&n) => Ok(Value::Number(f64::from(n))),
            _ => Err(format!(
                "`{text}` is no number of cores from 1 to {MAX_CORES}, such as 4"
            )),
        },
        "expensive-startup" | "isolation" => one_of(&["y", "n", "yes", "no", "true", "false"]),
        "python" => {
            let version = |v: &str| {
                let minor = v
                    .trim()
                    .strip_prefix("3.")
                    .and_then(|m| m.parse::<u32>().ok());
                minor.is_some_and(|m| (9..100).contains(&m))
            };
            if !text.is_empty() && text.split(',').all(version) {
                Ok(Value::Nothing)
            } else {
                Err(format!(
                    "`{text}` is no list of versions from 3.9, such as 3.13,3.14 (the free-threaded build is asked for apart)"
                ))
            }
        }
        _ => Ok(Value::Nothing),
    }
}

/// Most users that are asked about.
const MOST_USERS: u32 = 1_000_000;

fn arrivals(text: &str) -> Result<Value, String> {
    let wrong = || {
        format!(
            "`{text}` is none of: so many at once (100), so many a second, a minute or an hour (80/s, 600/min, 5000/h), so many users (20 users); from 1 to {MAX_TASKS} tasks, up to {} a second, from 1 to {MOST_USERS} users",
            crate::scenario::limits::MAX_RATE
        )
    };
    let lower = text.to_lowercase();
    if let Some(n) = lower
        .strip_suffix("users")
        .or_else(|| lower.strip_suffix("user"))
    {
        let n = n
            .trim()
            .parse::<u32>()
            .ok()
            .filter(|n| (1..=MOST_USERS).contains(n));
        return n
            .map(|n| Value::Arrivals(ArrivalsAnswer::Users(n)))
            .ok_or_else(wrong);
    }
    if text.contains('/') {
        let rate = units::rate(text)
            .ok()
            .filter(|r| *r > 0.0 && *r <= crate::scenario::limits::MAX_RATE);
        return rate
            .map(|r| Value::Arrivals(ArrivalsAnswer::Rate(r)))
            .ok_or_else(wrong);
    }
    let n = lower.trim_end_matches("at once").trim().replace('_', "");
    let n = n
        .parse::<u64>()
        .ok()
        .filter(|n| (1..=MAX_TASKS).contains(n));
    n.map(|n| Value::Arrivals(ArrivalsAnswer::AtOnce(n)))
        .ok_or_else(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::parse;

    fn answered(all: &[(&str, &str)]) -> Answers {
        let mut interview = Interview::default();
        for (key, text) in all {
            interview.answer(key, text).unwrap();
        }
        interview.finish().unwrap()
    }

    #[test]
    fn the_example_asks_what_it_needs_and_makes_a_scenario() {
        let mut interview = Interview::default();
        let mut asked = Vec::new();
        while let Some(prompt) = interview.next() {
            asked.push(prompt.key);
            let text = match prompt.key {
                "workload" => "hybrid",
                "latency-ms" => "100",
                "memory-mb" => "256",
                "cores" => "4",
                "expensive-startup" => "n",
                _ => "",
            };
            interview.answer(prompt.key, text).unwrap();
        }
        assert!(
            asked.contains(&"percentile") && !asked.contains(&"startup-time"),
            "{asked:?}"
        );
        let answers = interview.finish().unwrap();
        assert_eq!(answers.latency, Some((95.0, Nanos::from_millis(100))));
        assert_eq!(answers.constraints.memory, Some(256_000_000));
        let text = answers.scenario(&["cpython-3.14".into()]);
        let scenario = parse(&text, std::path::Path::new("advice.ron"), &[]).unwrap();
        assert_eq!(scenario.objectives.len(), 2);
    }

    #[test]
    fn every_answer_makes_a_scenario() {
        for (key, text) in [
            ("workload", "cpu"),
            ("workload", "IO"),
            ("order", "sequential"),
            ("state", "shared"),
            ("arrivals", "1_000"),
            ("arrivals", "30 users"),
            ("arrivals", "600/min"),
            ("cpu", "0"),
            ("payload", "0B"),
            ("payload", "12345B"),
            ("latency-ms", "0.5"),
            ("percentile", "p99.9"),
            ("memory-mb", "0.25"),
            ("expensive-startup", "y"),
            ("python", "3.11,3.14"),
            ("current", "asyncio+threads"),
        ] {
            let answers = answered(&[(key, text)]);
            let text = answers.scenario(&["cpython-3.14".into()]);
            let parsed = parse(&text, std::path::Path::new("advice.ron"), &[]);
            assert!(parsed.is_ok(), "{key}: {text}\n{parsed:?}");
        }
    }

    #[test]
    fn bad_answers_are_told() {
        let mut interview = Interview::default();
        for (key, text) in [
            ("workload", "disk"),
            ("arrivals", "0"),
            ("arrivals", "-3/s"),
            ("arrivals", "many users"),
            ("cpu", "20"),
            ("cpu", "-1ms"),
            ("payload", "big"),
            ("latency-ms", "soon"),
            ("latency-ms", "0"),
            ("latency-ms", "inf"),
            ("latency-ms", "0.0000001"),
            ("latency-ms", "1e300"),
            ("latency-ms", "2s"),
            ("memory-mb", "1GB"),
            ("percentile", "100"),
            ("memory-mb", "-256"),
            ("memory-mb", "NaN"),
            ("cores", "0"),
            ("cores", "four"),
            ("cores", "4.5"),
            ("expensive-startup", "maybe"),
            ("python", "2.7"),
            ("python", "3.14t"),
            ("free-threading", "perhaps"),
            ("priority", "speed"),
            ("current", "goroutines"),
            ("colour", "blue"),
        ] {
            assert!(interview.answer(key, text).is_err(), "{key}: {text}");
        }
        assert!(interview.given().next().is_none());
        // What was written, and what may be.
        for (key, text, expected) in [
            ("cpu", "30days", "ns, us, µs, ms, s, m, h, d"),
            ("wait", "5", "20ms"),
            ("payload", "5XB", "kB, KB, MB"),
            ("arrivals", "80/x", "80/s, 600/min"),
            ("arrivals", "99999999999", "20 users"),
            ("latency-ms", "2s", "number of milliseconds"),
            ("memory-mb", "1GB", "number of megabytes"),
            ("percentile", "95%", "p95"),
            ("current", "go", "free-threading"),
        ] {
            let e = interview.answer(key, text).unwrap_err();
            assert!(
                e.contains(&format!("`{text}`")) && e.contains(expected),
                "{e}"
            );
        }
    }
}
