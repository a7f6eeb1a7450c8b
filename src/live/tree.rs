//! A snapshot as a tree: processes, their threads, and the tasks in each, children below their parents.

use super::{LabelledSnapshot, Rows, ago, approximately, head, in_thread, join, of_class, words};
use crate::cpython::snapshot::Snapshot;
use crate::layout;
use crate::layout::Style;
use crate::quantity::bytes;

/// A node: a line, and the nodes below it.
struct TreeLine {
    text: String,
    below: Vec<TreeLine>,
}

impl TreeLine {
    fn leaf(text: impl Into<String>) -> Self {
        Self {
            text: text.into(),
            below: Vec::new(),
        }
    }
}

/// The snapshot as a tree, as `python -m asyncio pstree` draws one.
pub fn pstree(labelled: &LabelledSnapshot<'_>, rows: &Rows, style: Style) -> String {
    let s = labelled.snapshot;
    let mut lines = head(labelled, rows, style);
    lines.push(String::new());
    let branch = Branch {
        s,
        rows,
        children: children(s),
    };
    for p in 0..s.processes.len() {
        if s.processes[p].parent.is_none() {
            let node = branch.process(p);
            lines.extend(layout::words(
                &style.fit(node.text.clone()),
                "",
                "    ",
                style,
            ));
            draw(&node.below, "", style, &mut lines);
        }
    }
    join(&lines, style)
}

fn draw(nodes: &[TreeLine], indent: &str, style: Style, lines: &mut Vec<String>) {
    let (fork, last, down) = if style.unicode {
        ("├── ", "└── ", "│   ")
    } else {
        ("|-- ", "`-- ", "|   ")
    };
    for (i, node) in nodes.iter().enumerate() {
        let at_end = i + 1 == nodes.len();
        let sign = if at_end { last } else { fork };
        let further = format!("{indent}{}", if at_end { "    " } else { down });
        let first = format!("{indent}{sign}");
        // A text that continues is put between the lines that lead past it.
        let next = if node.below.is_empty() {
            format!("{further}  ")
        } else {
            format!("{further}{down}")
        };
        let text = style.fit(node.text.clone());
        lines.extend(layout::words(&text, &first, &next, style));
        draw(&node.below, &further, style, lines);
    }
}

/// The children of each task.
fn children(s: &Snapshot) -> Vec<Vec<usize>> {
    let mut of = vec![Vec::new(); s.tasks.len()];
    for (i, t) in s.tasks.iter().enumerate() {
        if let Some(p) = t.parent {
            of[p].push(i);
        }
    }
    of
}

/// Text about tasks that have not been taken in: `... 68 tasks that the program has not got to yet`.
pub(super) fn not_taken_in(s: &Snapshot) -> Option<String> {
    let n = s.totals.not_taken_in;
    let tasks = if n == 1 { "task" } else { "tasks" };
    (n > 0).then(|| format!("... {n} {tasks} that the program has not got to yet"))
}

struct Branch<'a> {
    s: &'a Snapshot,
    rows: &'a Rows,
    children: Vec<Vec<usize>>,
}

impl Branch<'_> {
    fn process(&self, p: usize) -> TreeLine {
        let s = self.s;
        let mut below = Vec::new();
        let threads: Vec<usize> = (0..s.threads.len())
            .filter(|&t| s.threads[t].process == p && self.is_visible(t))
            .collect();
        below.extend(self.some(
            &threads,
            |t| self.thread(t),
            |t| words::kind_of_doing(&s.threads[t].doing),
        ));
        below.extend(self.waiting(p, false));
        let inner: Vec<usize> = (0..s.processes.len())
            .filter(|&c| s.processes[c].parent == Some(p))
            .collect();
        below.extend(self.some(&inner, |c| self.process(c), |_| "processes"));
        if s.processes[p].parent.is_none() && self.rows.class.is_none() {
            below.extend(not_taken_in(s).map(TreeLine::leaf));
        }
        let idle = match (s.threads.iter().all(|t| t.process != p), inner.is_empty()) {
            (false, _) => "",
            (true, true) => ", all threads have ended",
            // What it does beyond starting them is too little to be simulated.
            (true, false) => ", watches over the processes below",
        };
        TreeLine {
            text: format!(
                "{}, {}{idle}",
                s.processes[p].name,
                bytes(approximately(s.processes[p].memory)),
            ),
            below,
        }
    }

    fn is_visible(&self, thread: usize) -> bool {
        let t = &self.s.threads[thread];
        self.rows.class.is_none()
            || t.event_loop
            || t.task.is_some_and(|t| of_class(self.s, self.rows, t))
    }

    /// The nodes of the first of several items, and how many more of each kind there are.
    fn some(
        &self,
        all: &[usize],
        node: impl Fn(usize) -> TreeLine,
        kind: impl Fn(usize) -> &'static str,
    ) -> Vec<TreeLine> {
        let (shown, hidden) = all.split_at(self.rows.visible_rows(all.len()));
        let mut nodes: Vec<TreeLine> = shown.iter().map(|&i| node(i)).collect();
        if !hidden.is_empty() {
            let more = words::more(hidden.iter().map(|&i| kind(i)));
            nodes.push(TreeLine::leaf(more.join(", ")));
        }
        nodes
    }

    fn thread(&self, thread: usize) -> TreeLine {
        let s = self.s;
        let t = &s.threads[thread];
        let mut text = format!(
            "{}: {} (for {})",
            t.name,
            words::doing(s, thread),
            ago(s, t.since)
        );
        let mut below = Vec::new();
        match t.task {
            // A child is put below its parent.
            Some(task) if s.tasks[task].parent.is_some() => {
                text += &format!(", for {}", s.tasks[task].name);
            }
            Some(task) => below.push(self.task(task)),
            None => {}
        }
        if t.event_loop {
            below.extend(self.waiting(t.process, true));
        }
        TreeLine { text, below }
    }

    fn task(&self, task: usize) -> TreeLine {
        let t = &self.s.tasks[task];
        let mut text = format!("{}: ", t.name);
        let child_of_other = t.parent.is_some();
        match in_thread(&t.place) {
            Some(_) if !child_of_other => {}
            _ => {
                text += &format!(
                    "{} (for {}); ",
                    words::place(self.s, task),
                    ago(self.s, t.since)
                );
            }
        }
        text += &words::step(t.step.as_ref());
        text += &super::table::holding(&t.holds);
        TreeLine {
            text,
            below: self.some(
                &self.children[task],
                |c| self.task(c),
                |c| words::kind_of_place(&self.s.tasks[c].place),
            ),
        }
    }

    /// The tasks of a process that no thread executes, by what they wait for: those on its loop, or the others.
    fn waiting(&self, process: usize, on_loop: bool) -> Vec<TreeLine> {
        let s = self.s;
        let looping = s
            .threads
            .iter()
            .any(|t| t.event_loop && t.process == process);
        if looping != on_loop {
            return Vec::new();
        }
        let mut kinds: Vec<(&'static str, Vec<usize>)> = Vec::new();
        for (i, t) in s.tasks.iter().enumerate() {
            let here = t.process.unwrap_or(0) == process
                && t.parent.is_none()
                && in_thread(&t.place).is_none()
                && of_class(s, self.rows, i);
            if !here {
                continue;
            }
            let kind = words::kind_of_place(&t.place);
            match kinds.iter_mut().find(|(k, _)| *k == kind) {
                Some((_, of)) => of.push(i),
                None => kinds.push((kind, vec![i])),
            }
        }
        kinds
            .into_iter()
            .map(|(kind, mut of)| {
                of.sort_by_key(|&i| (s.tasks[i].since, i));
                let tasks = if of.len() == 1 { "task" } else { "tasks" };
                let (shown, hidden) = of.split_at(self.rows.visible_rows(of.len()));
                let mut below: Vec<TreeLine> = shown.iter().map(|&i| self.task(i)).collect();
                if !hidden.is_empty() {
                    below.push(TreeLine::leaf(format!("... {} more", hidden.len())));
                }
                TreeLine {
                    text: format!("{} {tasks} {kind}", of.len()),
                    below,
                }
            })
            .collect()
    }
}
