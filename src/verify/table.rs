//! The table of a program's tasks: when each arrives, of which kind it is, and its random numbers.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::draws::Drawer;
use super::error::ProgramError;
use super::program::ProgramPlan;
use super::steps::{quoted, shortest};
use crate::engine::{Nanos, StreamRole, stream, unit};
use crate::scenario::{Arrivals, TaskClass, Workload};

/// The number of characters above which a list goes into a file of its own.
const LONGEST_INLINE: usize = 4_000;
/// The greatest number of tasks; with more, nobody would want to run the program.
const MOST_TASKS: u64 = 2_000_000;

/// All tasks of a program.
pub(super) struct TaskTable {
    /// The whole list as one Python expression, where the tasks have no numbers of their own.
    pattern: Option<String>,
    /// The arrival in seconds, the kind and the random numbers of each task.
    rows: Vec<(f64, String, Value)>,
    /// The think times, in seconds.
    think: Vec<f64>,
    users: Option<u32>,
    /// The random numbers of what the main program does before each round; none unless there are rounds.
    serial: Vec<Value>,
    /// The number of rounds that the tasks come in.
    rounds: u64,
}

impl TaskTable {
    /// Draws what replication 0 of the scenario draws.
    pub(super) fn draw(plan: &ProgramPlan<'_>) -> Result<Self, ProgramError> {
        let s = plan.source;
        let w = s.workload;
        let arrivals = arrivals(w, s.seed)?;
        let mut drawer = Drawer::new(s.seed, s.cpu_factor);
        let plain = plan.all_trees().all(|t| t.places.is_empty());
        let pattern = (plain && w.arrivals == Arrivals::Batch)
            .then(|| pattern(w))
            .flatten();
        let recorded = match &w.arrivals {
            Arrivals::Trace(tasks) => tasks.as_slice(),
            _ => &[],
        };
        let rows = (0u64..)
            .zip(&arrivals)
            .map(|(number, &(at, class))| {
                let demands = usize::try_from(number)
                    .ok()
                    .and_then(|n| recorded.get(n))
                    .map_or(&[][..], |t| &t.demands);
                let draws = drawer.task(&plan.trees[class], number, demands)?;
                Ok((at.as_secs_f64(), w.classes[class].name.clone(), draws))
            })
            .collect::<Result<_, ProgramError>>()?;
        let rounds = plan.serial.iter().flat_map(|tree| {
            let after = w.tasks_of_all_rounds();
            // Each copy of a server does it for itself.
            let times = (w.rounds.count).saturating_mul(u64::from(plan.copies.unwrap_or(1)));
            (0..times).map(move |turn| (tree, after.saturating_add(turn)))
        });
        let serial = rounds
            .map(|(tree, number)| drawer.task(tree, number, &[]))
            .collect::<Result<_, ProgramError>>()?;
        Ok(Self {
            pattern,
            rounds: w.rounds.count,
            serial,
            rows,
            think: think(w, s.seed),
            users: plan.users(),
        })
    }

    /// The mean number of random numbers over the tasks.
    pub(super) fn numbers_per_task(&self) -> f64 {
        let all: usize = self.rows.iter().map(|(_, _, v)| numbers(v)).sum();
        all as f64 / self.rows.len().max(1) as f64
    }

    /// When each task arrives, in seconds, and of which class it is.
    pub(super) fn arrivals(&self) -> impl Iterator<Item = (f64, &str)> {
        self.rows.iter().map(|(at, kind, _)| (*at, kind.as_str()))
    }

    /// The random numbers of each task, a line of JSON for each.
    pub(super) fn draws(&self) -> String {
        let mut out = String::new();
        for (_, _, draws) in &self.rows {
            let _ = writeln!(out, "{draws}");
        }
        out
    }

    fn inline(&self) -> bool {
        self.pattern.is_some() && self.think.is_empty()
            || self.lines().len() + self.think.len() * 12 <= LONGEST_INLINE
    }

    fn lines(&self) -> String {
        let mut out = String::new();
        for (at, kind, draws) in &self.rows {
            let _ = writeln!(
                out,
                "        ({}, {}, {draws}),",
                shortest(*at),
                quoted(kind)
            );
        }
        out
    }

    /// The part of the program's text that holds the tasks.
    pub(super) fn text(&self) -> String {
        let mut out = String::from(
            "\n\n# ---------------------------------------------------------------------------- the workload\n",
        );
        if !self.serial.is_empty() {
            let _ = write!(
                out,
                "\nSIZES = [{}] * {}  # Tasks of each round.\n\
                 SERIAL = {}  # With each, the random numbers of what the program does before it.\n",
                self.rows.len() as u64 / self.rounds.max(1),
                self.rounds,
                json!(self.serial)
            );
        }
        if let Some(users) = self.users {
            let _ = write!(
                out,
                "\nUSERS = {users}  # So many, each waiting for an answer before asking again.\n"
            );
            let _ = writeln!(
                out,
                "THINK = {}  # Seconds between an answer and the next request, in this order.",
                if self.inline() {
                    json!(self.think).to_string()
                } else {
                    "[]".into()
                }
            );
        }
        out.push_str("\n\ndef workload():\n    \"\"\"Arrival in seconds, kind and random numbers of every task.\"\"\"\n");
        if let (Some(pattern), true) = (&self.pattern, self.inline()) {
            let _ = writeln!(out, "    return {pattern}");
        } else if self.inline() {
            let _ = write!(out, "    return [\n{}    ]\n", self.lines());
        } else {
            if self.users.is_some() {
                out.push_str("    global THINK\n");
            }
            out.push_str(
                "    with open(os.path.splitext(os.path.abspath(__file__))[0] + \".json\") as file:\n        \
                 data = json.load(file)\n",
            );
            if self.users.is_some() {
                out.push_str("    THINK = data[\"think\"]\n");
            }
            out.push_str("    return [tuple(task) for task in data[\"tasks\"]]\n");
        }
        out
    }

    /// The text of the file beside the program.
    pub(super) fn file(&self) -> Option<String> {
        if self.inline() {
            return None;
        }
        let mut out = String::from("{\"tasks\": [\n");
        for (i, (at, kind, draws)) in self.rows.iter().enumerate() {
            let comma = if i + 1 < self.rows.len() { "," } else { "" };
            let _ = writeln!(out, "[{}, {}, {draws}]{comma}", shortest(*at), quoted(kind));
        }
        let _ = writeln!(out, "], \"think\": {}}}", json!(self.think));
        Some(out)
    }
}

fn numbers(value: &Value) -> usize {
    value
        .as_array()
        .map_or(1, |list| list.iter().map(numbers).sum())
}

/// The arrival and the class of each task, in the order of their numbers.
fn arrivals(w: &Workload, seed: u64) -> Result<Vec<(Nanos, usize)>, ProgramError> {
    let checked = |n: u64| {
        if n > MOST_TASKS {
            return Err(ProgramError::Tasks {
                tasks: n,
                most: MOST_TASKS,
            });
        }
        Ok(n)
    };
    match &w.arrivals {
        Arrivals::Batch => {
            checked(w.tasks_of_all_rounds())?;
            let order = crate::strategy::batch_order(w);
            Ok((0..w.rounds.count)
                .flat_map(|_| &order)
                .map(|&c| (Nanos::ZERO, c.into()))
                .collect())
        }
        Arrivals::Trace(tasks) => {
            checked(tasks.len() as u64)?;
            Ok(tasks.iter().map(|t| (t.at, t.class)).collect())
        }
        Arrivals::Open { count, .. }
        | Arrivals::Varying { count, .. }
        | Arrivals::Sessions { count, .. }
        | Arrivals::Closed { count, .. } => {
            let n = checked(count.unwrap_or(u64::MAX))?;
            let mut rng = stream(seed, 0, StreamRole::Classes);
            Ok((0..n)
                .map(|_| (Nanos::ZERO, class(&w.classes, || unit(&mut rng))))
                .collect())
        }
    }
}

/// The class of an arriving task, drawn as the simulator draws it.
pub(super) fn class(classes: &[TaskClass], mut draw: impl FnMut() -> f64) -> usize {
    if classes.len() < 2 {
        return 0;
    }
    let total: f64 = classes.iter().map(|c| c.weight).sum();
    let mut x = draw() * total;
    for (i, c) in classes.iter().enumerate() {
        if x < c.weight {
            return i;
        }
        x -= c.weight;
    }
    classes.len() - 1
}

/// The number of tasks that a program runs.
pub(super) fn task_count(w: &Workload) -> usize {
    let n = match &w.arrivals {
        Arrivals::Batch => w.tasks_of_all_rounds(),
        Arrivals::Trace(tasks) => tasks.len() as u64,
        Arrivals::Open { count, .. }
        | Arrivals::Varying { count, .. }
        | Arrivals::Sessions { count, .. }
        | Arrivals::Closed { count, .. } => count.unwrap_or(0),
    };
    usize::try_from(n).unwrap_or(usize::MAX)
}

fn think(w: &Workload, seed: u64) -> Vec<f64> {
    let Arrivals::Closed {
        users,
        think,
        count: Some(count),
    } = &w.arrivals
    else {
        return Vec::new();
    };
    let mut rng = stream(seed, 0, StreamRole::Think);
    (0..u64::from(*users) + count)
        .map(|_| think.sample(&mut rng).as_secs_f64())
        .collect()
}

/// A batch without random numbers, as a single expression.
fn pattern(w: &Workload) -> Option<String> {
    let task = |c: &TaskClass| format!("(0.0, {}, ())", quoted(&c.name));
    let (turns, blocks): (Vec<&TaskClass>, Vec<&TaskClass>) =
        w.classes.iter().partition(|c| c.interleave);
    if turns.is_empty() {
        let parts: Vec<_> = blocks
            .iter()
            .map(|c| format!("[{}] * {}", task(c), c.count))
            .collect();
        let round = parts.join(" + ");
        return Some(match w.rounds.count {
            1 => round,
            n => format!("({round}) * {n}"),
        });
    }
    let same = turns.iter().all(|c| c.count == turns[0].count);
    (blocks.is_empty() && same).then(|| {
        let round: Vec<_> = turns.iter().map(|c| task(c)).collect();
        let times = turns[0].count.saturating_mul(w.rounds.count);
        format!("[{}] * {times}", round.join(", "))
    })
}
