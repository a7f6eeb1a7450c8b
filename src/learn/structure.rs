//! Groups recorded tasks into classes: which steps a task did, in which order, and which order is the usual one in its class.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::trace::{Scope, StepKind, Trace, TraceRow};
use super::workload::TimedStep;

/// The deepest nesting of locks, resources and pools; rows that are nested deeper are read as if under these only.
const DEEPEST: usize = 8;
/// The number of steps of a task that are kept apart; longer sequences are summed up.
const LONGEST: usize = 200;
/// Tasks of a different shape become a class of their own if they are at least this share.
pub(super) const OWN_CLASS: f64 = 0.05;
/// Rows of [`StepKind::Blocked`] that are below this share of the time of a class's steps are left out.
const UNSEEN: f64 = 0.1;
/// What is not known of the use of a resource is worth a step if it is longer than this (in nanoseconds), and than a part of the use.
const LEAST_UNKNOWN: u64 = 200_000;
const UNKNOWN_SHARE: u64 = 20;
/// A lock that is held for less than this (in nanoseconds) on average, and for less than one such part of the time, is no step.
const BRIEF_HOLD: u64 = 200_000;
const IDLE_LOCK: u64 = 100;
/// Where the most common shape has a smaller share than this, every task is summed up.
const COMMON: f64 = 0.5;

/// A step's place in the shape of a task.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(super) enum ShapeNode {
    /// A step with a duration.
    Work(TimedStep),
    /// Steps under a lock, with a resource, or in a pool.
    Within(Scope, Vec<ShapeNode>),
}

/// One task as recorded.
#[derive(Clone, Debug, Default)]
pub(super) struct ShapedTask {
    /// The number of the task in the trace.
    pub number: u32,
    /// The start of the task's first row.
    pub arrival: i64,
    /// The end of the task's last row.
    pub end: i64,
    pub shape: Vec<ShapeNode>,
    /// The durations of the [`ShapeNode::Work`]s of `shape`, depth first.
    pub times: Vec<u64>,
    pub payload_in: Option<u64>,
    pub payload_out: Option<u64>,
    /// What its calls in pools send and get back.
    pub offloaded: Vec<OffloadedBytes>,
    /// The time in rows of each kind, whether it is part of [`Self::times`] or not.
    pub io: u64,
    pub blocked: u64,
    pub waited: u64,
    /// Time in waits for what other tasks say.
    pub signals: u64,
    /// The time between rows, about which nothing is known.
    pub gaps: u64,
    /// Whether rows overlap in time.
    pub overlaps: bool,
}

/// Bytes that an offloaded call sends, or gets back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct OffloadedBytes {
    /// The index of the pool in the trace.
    pub pool: u32,
    pub is_sent: bool,
    pub bytes: u64,
}

/// Tasks of one shape.
#[derive(Clone, Debug)]
pub(super) struct ShapeClass {
    pub name: String,
    /// The class's index in the trace.
    pub class: usize,
    pub shape: Vec<ShapeNode>,
    pub tasks: Vec<ShapedTask>,
    /// Arrivals and ends of tasks of the class whose steps are too rare to be written: they count as tasks of the most common shape.
    pub rare: Vec<(i64, i64)>,
}

impl ShapeClass {
    /// The number of tasks that it stands for.
    pub(super) fn count(&self) -> usize {
        self.tasks.len() + self.rare.len()
    }
}

/// The groups into which the classes of a trace are split.
#[derive(Clone, Debug, Default)]
pub(super) struct Grouping {
    pub groups: Vec<ShapeClass>,
    /// Notes for the user about what was summed up, split or left out.
    pub notes: Vec<String>,
}

/// For each class: whether its rows of [`StepKind::Blocked`] (off the CPU for an unknown reason) are so short in total that they are taken for
/// effects of the operating system. As steps they would only make equal tasks look different.
fn quiet(trace: &Trace) -> Vec<bool> {
    let mut sums = vec![(0_u64, 0_u64); trace.classes.len()];
    for row in &trace.rows {
        let sum = &mut sums[row.class as usize];
        let length = row.end.abs_diff(row.start);
        match row.kind {
            StepKind::Blocked => sum.0 = sum.0.saturating_add(length),
            StepKind::Cpu | StepKind::Native | StepKind::Io | StepKind::Block => {
                sum.1 = sum.1.saturating_add(length);
            }
            _ => {}
        }
    }
    sums.iter()
        .map(|(blocked, known)| (*blocked as f64) < UNSEEN * (*blocked as f64 + *known as f64))
        .collect()
}

/// For each lock: whether it is held so briefly, and for such a small part of the tasks' time, that nobody waits for it for long. As steps such
/// locks would only make equal tasks look different, as the recorder stops to watch them.
fn idle_locks(trace: &Trace) -> Vec<bool> {
    let mut held = vec![(0_u64, 0_u64); trace.locks.len()];
    let mut all = 0_u64;
    for row in &trace.rows {
        let length = row.end.abs_diff(row.start);
        match row.kind {
            StepKind::Within(Scope::Lock(lock)) => {
                let (sum, times) = &mut held[lock as usize];
                *sum = sum.saturating_add(length);
                *times += 1;
            }
            StepKind::Cpu | StepKind::Native | StepKind::Io | StepKind::Block => {
                all = all.saturating_add(length);
            }
            _ => {}
        }
    }
    held.iter()
        .map(|(sum, times)| *sum < BRIEF_HOLD.saturating_mul(*times) && *sum < all / IDLE_LOCK)
        .collect()
}

/// The tasks of the trace with their classes, in the order of their first rows in the file. Tasks without any step are left out.
fn tasks(trace: &Trace, idle: &[bool]) -> Vec<(u32, ShapedTask)> {
    let quiet = quiet(trace);
    let kept = |r: &&TraceRow| match r.kind {
        StepKind::Blocked => !quiet[r.class as usize],
        StepKind::Within(Scope::Lock(lock)) => !idle[lock as usize],
        _ => true,
    };
    let mut rows: Vec<&TraceRow> = trace.rows.iter().filter(kept).collect();
    // At the same start, the row of a lock comes before what is done under it, the longest first; otherwise rows keep the order of the file.
    rows.sort_by_key(|r| {
        let around = matches!(r.kind, StepKind::Within(_));
        let length = if around { r.end.abs_diff(r.start) } else { 0 };
        (r.task, r.start, !around, std::cmp::Reverse(length))
    });
    let mut out = Vec::new();
    for rows in rows.chunk_by(|a, b| a.task == b.task) {
        let task = task(rows);
        if !task.times.is_empty() {
            out.push((rows[0].class, task));
        }
    }
    out
}

fn task(rows: &[&TraceRow]) -> ShapedTask {
    let mut task = ShapedTask::default();
    let mut timed = Vec::new();
    for row in rows {
        match row.kind {
            StepKind::PayloadIn(bytes) | StepKind::PayloadOut(bytes) => {
                let is_sent = matches!(row.kind, StepKind::PayloadIn(_));
                match offloaded_at(rows, row.start) {
                    Some(pool) => task.offloaded.push(OffloadedBytes {
                        pool,
                        is_sent,
                        bytes,
                    }),
                    None if is_sent => {
                        task.payload_in = Some(task.payload_in.unwrap_or(0).saturating_add(bytes));
                    }
                    None => task.payload_out = Some(bytes),
                }
            }
            _ => timed.push(*row),
        }
    }
    let Some(first) = timed.first() else {
        return task;
    };
    task.number = first.task;
    task.arrival = first.start;
    task.end = timed.iter().map(|r| r.end).max().unwrap_or(first.end);
    let mut reader = ShapeReader {
        rows: &timed,
        next: 0,
        covered: first.start,
        busy: first.start,
        held: Vec::new(),
        task: &mut task,
    };
    let shape = reader.nodes(i64::MAX);
    task.shape = shape;
    task
}

/// The pool in which a call of the task was under way then.
fn offloaded_at(rows: &[&TraceRow], at: i64) -> Option<u32> {
    rows.iter()
        .filter(|r| (r.start..=r.end).contains(&at))
        .find_map(|r| match r.kind {
            StepKind::Within(Scope::Offload(pool)) => Some(pool),
            _ => None,
        })
}

/// Reads the rows of one task, sorted by their starts, into nested nodes.
struct ShapeReader<'a> {
    rows: &'a [&'a TraceRow],
    next: usize,
    /// The time up to which the rows read so far cover the task.
    covered: i64,
    /// The same without waiting, because rows that lie in a wait do not overlap with it.
    busy: i64,
    held: Vec<Scope>,
    task: &'a mut ShapedTask,
}

impl ShapeReader<'_> {
    fn nodes(&mut self, until: i64) -> Vec<ShapeNode> {
        let mut out: Vec<ShapeNode> = Vec::new();
        while let Some(row) = self.rows.get(self.next).filter(|r| r.start < until) {
            self.next += 1;
            let length = row.end.abs_diff(row.start);
            let work = match row.kind {
                StepKind::Within(scope)
                    if self.held.len() >= DEEPEST || self.held.contains(&scope) =>
                {
                    continue;
                }
                StepKind::Within(scope) => {
                    out.extend(self.within(scope, row, until));
                    continue;
                }
                StepKind::Cpu => Some(TimedStep::Cpu),
                StepKind::Native => Some(TimedStep::Native),
                StepKind::Io => Some(TimedStep::Io),
                StepKind::Block => Some(TimedStep::Block),
                StepKind::Blocked => {
                    self.task.blocked += length;
                    Some(TimedStep::Io)
                }
                StepKind::Wait => {
                    self.task.waited += length;
                    None
                }
                StepKind::Signal => {
                    self.task.signals += length;
                    None
                }
                StepKind::PayloadIn(_) | StepKind::PayloadOut(_) => None,
            };
            self.cover(row);
            let Some(work) = work else { continue };
            if work == TimedStep::Io {
                self.task.io += length;
            }
            if out.last() == Some(&ShapeNode::Work(work))
                && let Some(time) = self.task.times.last_mut()
            {
                *time += length;
            } else {
                out.push(ShapeNode::Work(work));
                self.task.times.push(length);
            }
        }
        out
    }

    fn within(&mut self, scope: Scope, row: &TraceRow, until: i64) -> Option<ShapeNode> {
        self.task.gaps += u64::try_from(row.start.saturating_sub(self.covered)).unwrap_or(0);
        self.covered = self.covered.max(row.start);
        self.held.push(scope);
        let known = self.next;
        let mut inner = self.nodes(row.end.min(until));
        self.held.pop();
        match scope {
            Scope::Use(_) => self.unknown(row, &mut inner),
            Scope::Lock(_) | Scope::Offload(_) => {}
        }
        if inner.is_empty() {
            match scope {
                Scope::Lock(_) if self.next == known => {}
                // It was held while the task waited for something else of the program's: there is nothing to simulate.
                Scope::Lock(_) | Scope::Use(_) | Scope::Offload(_) => return None,
            }
            // The trace does not say what was done under the lock, so it is taken for Python code.
            inner.push(ShapeNode::Work(TimedStep::Cpu));
            self.task.times.push(row.end.abs_diff(row.start));
            self.covered = self.covered.max(row.end);
            self.busy = self.busy.max(row.end);
        }
        Some(ShapeNode::Within(scope, inner))
    }

    /// The time from the last row within a use of a resource to its end. Nobody knows what was done, but others could not use the resource,
    /// so it counts, as waiting for whatever it is.
    fn unknown(&mut self, row: &TraceRow, inner: &mut Vec<ShapeNode>) {
        let rest = u64::try_from(row.end.saturating_sub(self.covered)).unwrap_or(0);
        let whole = row.end.abs_diff(row.start);
        if rest <= LEAST_UNKNOWN.max(whole / UNKNOWN_SHARE) {
            return;
        }
        self.task.blocked = self.task.blocked.saturating_add(rest);
        self.task.io = self.task.io.saturating_add(rest);
        self.covered = self.covered.max(row.end);
        self.busy = self.busy.max(row.end);
        let io = ShapeNode::Work(TimedStep::Io);
        if inner.last() == Some(&io)
            && let Some(time) = self.task.times.last_mut()
        {
            *time = time.saturating_add(rest);
        } else {
            inner.push(io);
            self.task.times.push(rest);
        }
    }

    fn cover(&mut self, row: &TraceRow) {
        let gap = row.start.saturating_sub(self.covered);
        self.task.gaps += u64::try_from(gap).unwrap_or(0);
        self.covered = self.covered.max(row.end);
        if matches!(row.kind, StepKind::Wait | StepKind::Signal) {
            return;
        }
        // The clocks of several threads, and rounded times, overlap by a little without this meaning anything.
        let slack = 50_000.max(row.end.abs_diff(row.start) / 20);
        if row.start < self.busy && self.busy.abs_diff(row.start) > slack {
            self.task.overlaps = true;
        }
        self.busy = self.busy.max(row.end);
    }
}

/// The task's totals: one step of each kind, then each lock once with its own totals.
fn sum_up(shape: &[ShapeNode], times: &[u64]) -> (Vec<ShapeNode>, Vec<u64>) {
    fn add(
        nodes: &[ShapeNode],
        times: &mut std::slice::Iter<'_, u64>,
        path: &mut Vec<Scope>,
        totals: &mut BTreeMap<Vec<Scope>, BTreeMap<TimedStep, u64>>,
    ) {
        for node in nodes {
            match node {
                ShapeNode::Work(w) => {
                    let total = totals
                        .entry(path.clone())
                        .or_default()
                        .entry(*w)
                        .or_default();
                    *total += times.next().copied().unwrap_or(0);
                }
                ShapeNode::Within(scope, inner) => {
                    path.push(*scope);
                    add(inner, times, path, totals);
                    path.pop();
                }
            }
        }
    }
    let mut totals = BTreeMap::new();
    add(shape, &mut times.iter(), &mut Vec::new(), &mut totals);
    let (mut nodes, mut sums) = (Vec::new(), Vec::new());
    for (path, works) in totals {
        let mut inner: Vec<ShapeNode> = Vec::new();
        for (work, total) in works {
            inner.push(ShapeNode::Work(work));
            sums.push(total);
        }
        for scope in path.into_iter().rev() {
            inner = vec![ShapeNode::Within(scope, inner)];
        }
        nodes.extend(inner);
    }
    (nodes, sums)
}

/// The indices of the tasks of each shape. The most common shape comes first; of equally common ones, the one that appeared first.
fn by_shape(tasks: &[ShapedTask]) -> Vec<Vec<usize>> {
    let mut groups: HashMap<&[ShapeNode], Vec<usize>> = HashMap::new();
    for (i, task) in tasks.iter().enumerate() {
        groups.entry(&task.shape).or_default().push(i);
    }
    let mut groups: Vec<Vec<usize>> = groups.into_values().collect();
    groups.sort_by_key(|g| (usize::MAX - g.len(), g[0]));
    groups
}

/// Groups the classes of the trace by shape, in the order in which the groups first arrive.
pub(super) fn group(trace: &Trace) -> Grouping {
    let mut classes: Vec<Vec<ShapedTask>> = vec![Vec::new(); trace.classes.len()];
    let idle = idle_locks(trace);
    for (class, task) in tasks(trace, &idle) {
        classes[class as usize].push(task);
    }
    let mut out = Grouping::default();
    for (name, _) in trace.locks.iter().zip(idle).filter(|(_, idle)| *idle) {
        out.notes.push(format!(
            "lock {name} is held for less than a hundredth of the tasks' time, and briefly: it is left out"
        ));
    }
    let present: HashSet<usize> = trace.rows.iter().map(|r| r.class as usize).collect();
    for (number, (name, tasks)) in trace.classes.iter().zip(classes).enumerate() {
        if tasks.is_empty() && !present.contains(&number) {
            // Its tasks were taken out before, which was said.
        } else if tasks.is_empty() {
            out.notes.push(format!(
                "class {name} has no step with a duration: it is left out"
            ));
        } else {
            class((number, name), tasks, &mut out);
        }
    }
    distinct_names(&mut out.groups);
    out.groups
        .sort_by_key(|g| g.tasks.iter().map(|t| t.arrival).min().unwrap_or(i64::MAX));
    out
}

fn class((number, name): (usize, &str), mut tasks: Vec<ShapedTask>, out: &mut Grouping) {
    let total = tasks.len();
    let mut shapes = by_shape(&tasks);
    let share = |n: usize| n as f64 / total as f64;
    let longest = tasks.iter().map(|t| t.times.len()).max().unwrap_or(0);
    let scattered = shapes.len() > 2 && share(shapes[0].len()) < COMMON;
    if scattered || longest > LONGEST {
        out.notes.push(format!(
            "class {name}: its {total} tasks have {} sequences of up to {longest} steps; each task was summed up to one \
             step of a kind (a step of the scenario is longer, and there are fewer, than in the program)",
            shapes.len()
        ));
        for task in &mut tasks {
            (task.shape, task.times) = sum_up(&task.shape, &task.times);
        }
        shapes = by_shape(&tasks);
    }
    let usual = out.groups.len();
    let mut rare = Vec::new();
    let mut slots: Vec<Option<ShapedTask>> = tasks.into_iter().map(Some).collect();
    for (k, members) in shapes.into_iter().enumerate() {
        if k > 0 && share(members.len()) < OWN_CLASS {
            rare.extend(members.iter().filter_map(|&i| slots[i].take()));
            continue;
        }
        let name = if k == 0 {
            name.to_owned()
        } else {
            out.notes.push(format!(
                "class {name}: {} of {total} tasks do other steps and became the class {name}-{}",
                members.len(),
                k + 1
            ));
            format!("{name}-{}", k + 1)
        };
        let tasks: Vec<ShapedTask> = members.iter().filter_map(|&i| slots[i].take()).collect();
        let shape = tasks[0].shape.clone();
        out.groups.push(ShapeClass {
            name,
            class: number,
            shape,
            tasks,
            rare: Vec::new(),
        });
    }
    if !rare.is_empty() {
        let others = rare.len();
        out.groups[usual].rare = as_usual(rare, &out.groups[usual].tasks);
        out.notes.push(format!(
            "class {name}: {others} of {total} tasks do other steps, each sequence in fewer than 5% of the tasks: their own steps are left out, and \
             by their time they count as {} that do the usual ones",
            out.groups[usual].rare.len()
        ));
    }
}

/// Arrivals and ends of so many of the rare tasks, the longest ones, as the usual ones would take the time of all rare ones.
fn as_usual(mut rare: Vec<ShapedTask>, usual: &[ShapedTask]) -> Vec<(i64, i64)> {
    let work = |t: &ShapedTask| t.times.iter().sum::<u64>();
    let of = |tasks: &[ShapedTask]| tasks.iter().map(work).sum::<u64>() as f64;
    let mean = (of(usual) / usual.len().max(1) as f64).max(1.0);
    let count = crate::engine::whole(of(&rare) / mean);
    rare.sort_by_key(|t| std::cmp::Reverse(work(t)));
    rare.truncate(usize::try_from(count).unwrap_or(usize::MAX));
    rare.iter().map(|t| (t.arrival, t.end)).collect()
}

/// Renames groups with the same name: a class that was split may have got the name of another.
fn distinct_names(groups: &mut [ShapeClass]) {
    let mut seen: HashMap<String, usize> = HashMap::new();
    for group in groups {
        while let Some(n) = seen.get_mut(&group.name) {
            *n += 1;
            group.name = format!("{}-{n}", group.name);
        }
        seen.insert(group.name.clone(), 1);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::learn::{TimeUnit, TraceOptions};

    fn read(csv: &str) -> Trace {
        let options = TraceOptions {
            unit: TimeUnit::Nanoseconds,
            ..TraceOptions::default()
        };
        Trace::parse(csv.as_bytes(), "t.csv", &options).unwrap()
    }

    #[test]
    fn equal_neighbours_are_one_step_and_waits_none() {
        use TimedStep::{Cpu, Io};
        let trace = read(
            "task,class,kind,start,end\n1,a,wait,0,10000\n1,a,cpu,10000,20000\n1,a,cpu,20000,25000\n1,a,blocked,25000,40000\n\
             1,a,io,40000,50000\n1,a,cpu,60000,61000\n",
        );
        let g = group(&trace);
        let task = &g.groups[0].tasks[0];
        assert_eq!(task.shape, [Cpu, Io, Cpu].map(ShapeNode::Work));
        assert_eq!(task.times, [15_000, 25_000, 1_000]);
        assert_eq!(
            (task.arrival, task.waited, task.blocked, task.gaps),
            (0, 10_000, 15_000, 10_000)
        );
        assert!(!task.overlaps);
    }

    #[test]
    fn what_is_done_under_a_lock_stands_in_it() {
        let trace = read(
            "task,class,kind,start,end,bytes\n1,a,cpu,0,100,\n1,a,lock:m,100,400,\n1,a,cpu,100,300,\n1,a,io,300,400,\n\
             1,a,lock:n,400,450,\n1,a,payload_in,,,77\n",
        );
        let g = group(&trace);
        let task = &g.groups[0].tasks[0];
        let cpu = || ShapeNode::Work(TimedStep::Cpu);
        assert_eq!(
            task.shape,
            [
                cpu(),
                ShapeNode::Within(Scope::Lock(0), vec![cpu(), ShapeNode::Work(TimedStep::Io)]),
                ShapeNode::Within(Scope::Lock(1), vec![cpu()])
            ]
        );
        assert_eq!(task.times, [100, 200, 100, 50]);
        assert_eq!(task.payload_in, Some(77));
    }

    /// A query of which only the sending was recorded holds its connection for all of its time. A lock that takes no time is no step.
    #[test]
    fn what_is_not_known_of_a_use_counts() {
        let g = group(&read(
            "task,class,kind,start,end,size\n1,a,use:db,0,90000000,2\n1,a,cpu,0,10000000,\n1,a,lock:m,95000000,95001000,\n1,a,cpu,95000000,96000000,\n",
        ));
        let task = &g.groups[0].tasks[0];
        let used = [TimedStep::Cpu, TimedStep::Io]
            .map(ShapeNode::Work)
            .to_vec();
        assert_eq!(
            task.shape,
            [
                ShapeNode::Within(Scope::Use(0), used),
                ShapeNode::Work(TimedStep::Cpu)
            ]
        );
        assert_eq!(task.times, [10_000_000, 80_000_000, 1_000_000]);
        assert!(g.notes[0].contains("lock m is held"), "{:?}", g.notes);
    }

    #[test]
    fn other_shapes_are_split_or_left_out() {
        let mut csv = String::from("task,class,kind,start,end\n");
        for i in 0..100 {
            let t = i * 1_000;
            if i < 90 {
                csv += &format!("{i},a,io,{t},{}\n", t + 500);
            }
            if i < 99 {
                csv += &format!("{i},a,cpu,{},{}\n", t + 500, t + 600);
            } else {
                csv += &format!("{i},a,native,{},{}\n", t + 500, t + 600);
            }
        }
        let g = group(&read(&csv));
        let names: Vec<(&str, usize)> = g
            .groups
            .iter()
            .map(|g| (g.name.as_str(), g.tasks.len()))
            .collect();
        assert_eq!(names, [("a", 90), ("a-2", 9)]);
        // The one that is left out takes a sixth of the time of the others.
        assert_eq!((g.groups[0].count(), g.notes.len()), (90, 2));
    }

    #[test]
    fn rare_tasks_count_by_their_time() {
        let task = |arrival, time| ShapedTask {
            arrival,
            end: arrival + 10_000,
            times: vec![time],
            ..ShapedTask::default()
        };
        let usual = [task(0, 500), task(1, 700)];
        let rare = vec![task(2, 20), task(3, 600), task(4, 700)];
        assert_eq!(as_usual(rare, &usual), [(4, 10_004), (3, 10_003)]);
        assert_eq!(as_usual(vec![task(2, 200)], &usual), []);
    }

    #[test]
    fn tasks_without_a_common_shape_are_summed_up() {
        let mut csv = String::from("task,class,kind,start,end\n");
        for i in 0..40 {
            let mut t = i * 100_000;
            for _ in 0..=i % 8 {
                csv += &format!(
                    "{i},a,io,{t},{}\n{i},a,cpu,{},{}\n",
                    t + 100,
                    t + 100,
                    t + 150
                );
                t += 150;
            }
        }
        let g = group(&read(&csv));
        assert_eq!(g.groups.len(), 1);
        assert_eq!(g.groups[0].shape.len(), 2);
        let task = &g.groups[0].tasks[7];
        let io = usize::from(task.shape[0] != ShapeNode::Work(TimedStep::Io));
        assert_eq!((task.times[io], task.times[1 - io]), (800, 400));
        assert!(g.notes[0].contains("summed up"));
    }
}
