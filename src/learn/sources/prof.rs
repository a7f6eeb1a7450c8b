//! What `cProfile` writes: for each function how often it was called, its own time and that of all within, and by whom.

use std::collections::HashMap;

use super::marshal::{self, Value};
use super::{Profiled, is_own, of_profile};
use crate::learn::rows::{Problem, quoted};
use crate::learn::trace::{Trace, TraceOptions};

/// A function that is called at least this often may be guessed to be the task.
const OFTEN: u64 = 10;
/// The longest chain of calls that is followed.
const DEEPEST: usize = 500;

/// A function's key: file, line, name.
type Key = (String, i64, String);

/// What a profile says of a function.
struct Function {
    key: Key,
    calls: u64,
    /// Calls that are not from within itself.
    primitive: u64,
    own: f64,
    whole: f64,
    /// Callers, and the time of all within when called by them.
    callers: Vec<(Key, f64)>,
}

pub(super) fn read(bytes: &[u8], options: &TraceOptions) -> Result<Trace, Problem> {
    let functions = functions(&marshal::read(bytes)?)?;
    let task = task(&functions, options)?;
    let function = &functions[task];
    let waited = Waiting::of(&functions).within(task, 0).min(function.whole);
    let mut trace = of_profile(
        &Profiled {
            name: function.key.2.clone(),
            calls: options.count.unwrap_or(function.primitive.max(1)),
            computed: function.whole - waited,
            waited,
        },
        true,
    )?;
    if options.task.is_none() {
        trace.notes.push(format!(
            "{} is taken for the task: of the program's own functions that are called {OFTEN} times and more it takes most time (--task \
             NAME says otherwise)",
            function.key.2
        ));
    }
    trace.notes.push(
        "cProfile makes Python code slower, calls most: Cpu is too much rather than too little"
            .into(),
    );
    Ok(trace)
}

fn functions(value: &Value) -> Result<Vec<Function>, Problem> {
    let Value::Dict(entries) = value else {
        return Err(unexpected());
    };
    entries
        .iter()
        .map(|(key, value)| function(key, value))
        .collect()
}

fn unexpected() -> Problem {
    Problem::new("the profile does not hold functions with their times")
        .help("expected is a file that cProfile or `python -m cProfile -o FILE` has written")
}

fn function(key: &Value, value: &Value) -> Result<Function, Problem> {
    let Value::Tuple(stats) = value else {
        return Err(unexpected());
    };
    let [primitive, calls, own, whole, Value::Dict(callers)] = stats.as_slice() else {
        return Err(unexpected());
    };
    let callers = callers.iter().map(|(caller, stats)| {
        let Value::Tuple(stats) = stats else {
            return Err(unexpected());
        };
        Ok((
            named(caller)?,
            seconds(stats.last().unwrap_or(&Value::None))?,
        ))
    });
    Ok(Function {
        key: named(key)?,
        calls: count(calls)?,
        primitive: count(primitive)?,
        own: seconds(own)?,
        whole: seconds(whole)?,
        callers: callers.collect::<Result<_, _>>()?,
    })
}

fn named(value: &Value) -> Result<Key, Problem> {
    match value {
        Value::Tuple(parts) => match parts.as_slice() {
            [Value::Text(file), Value::Int(line), Value::Text(name)] => {
                Ok((file.clone(), *line, name.clone()))
            }
            _ => Err(unexpected()),
        },
        _ => Err(unexpected()),
    }
}

fn count(value: &Value) -> Result<u64, Problem> {
    match value {
        Value::Int(n) => u64::try_from(*n).map_err(|_| unexpected()),
        _ => Err(unexpected()),
    }
}

fn seconds(value: &Value) -> Result<f64, Problem> {
    match value {
        Value::Float(t) if t.is_finite() => Ok(t.max(0.0)),
        Value::Int(n) => Ok((*n).max(0) as f64),
        _ => Err(unexpected()),
    }
}

/// The function that is the task: the named one, or the program's own that takes most time and is called often.
fn task(functions: &[Function], options: &TraceOptions) -> Result<usize, Problem> {
    let fits = |f: &Function| match &options.task {
        Some(name) => f.key.2 == *name,
        None => is_own(&f.key.0) && !f.key.2.starts_with('<') && f.calls == f.primitive,
    };
    let best = |least: u64| {
        let all = functions.iter().enumerate();
        all.filter(|(_, f)| fits(f) && f.primitive >= least)
            .max_by(|(_, a), (_, b)| a.whole.total_cmp(&b.whole).then_with(|| b.key.cmp(&a.key)))
            .map(|(i, _)| i)
    };
    let least = if options.task.is_some() { 0 } else { OFTEN };
    best(least)
        .or_else(|| best(0))
        .ok_or_else(|| match &options.task {
            Some(name) => Problem::new(format!("the profile has no function {}", quoted(name)))
                .help("--task takes the name of a function as the profile has it"),
            None => Problem::new("the profile has no function of the program's own")
                .help("--task NAME says which function is a task"),
        })
}

/// Time that is spent in calls that wait, by the functions around them.
struct Waiting<'a> {
    functions: &'a [Function],
    /// Whom each function calls: the place, and the share of the callee's time that is for this caller.
    callees: Vec<Vec<(usize, f64)>>,
    known: HashMap<usize, f64>,
}

impl<'a> Waiting<'a> {
    fn of(functions: &'a [Function]) -> Self {
        let places: HashMap<&Key, usize> = functions
            .iter()
            .enumerate()
            .map(|(i, f)| (&f.key, i))
            .collect();
        let mut callees = vec![Vec::new(); functions.len()];
        for (i, f) in functions.iter().enumerate() {
            let all: f64 = f.callers.iter().map(|(_, t)| t).sum();
            for (caller, time) in &f.callers {
                if let Some(place) = places.get(caller).filter(|p| **p != i && all > 0.0) {
                    callees[*place].push((i, time / all));
                }
            }
        }
        Self {
            functions,
            callees,
            known: HashMap::new(),
        }
    }

    /// Seconds of waiting within a function. Functions that call one another are followed once.
    fn within(&mut self, function: usize, depth: usize) -> f64 {
        if let Some(known) = self.known.get(&function) {
            return *known;
        }
        if depth > DEEPEST {
            return 0.0;
        }
        // Whoever comes here again on the way down adds nothing.
        self.known.insert(function, 0.0);
        let f = &self.functions[function];
        let mut waited = if waits(&f.key) { f.own } else { 0.0 };
        for (callee, share) in self.callees[function].clone() {
            waited += share * self.within(callee, depth + 1);
        }
        self.known.insert(function, waited);
        waited
    }
}

/// Whether a function of C waits: cProfile names those `<built-in method time.sleep>` and `<method 'recv' of '_socket.socket' objects>`.
fn waits((file, _, name): &Key) -> bool {
    let method = |names: &[&str], of: &str| {
        name.contains(of) && names.iter().any(|n| name.contains(&format!("'{n}'")))
    };
    file == "~"
        && ([
            "time.sleep",
            "select.select",
            "posix.waitpid",
            "_socket.getaddrinfo",
        ]
        .iter()
        .any(|n| name.ends_with(&format!("{n}>")))
            || method(
                &[
                    "recv",
                    "recv_into",
                    "recvfrom",
                    "accept",
                    "connect",
                    "send",
                    "sendall",
                ],
                "_socket.socket",
            )
            || method(&["read", "write", "do_handshake"], "_ssl._SSLSocket")
            || method(&["poll"], "select.")
            || method(&["acquire", "__enter__"], "lock"))
}
