//! The snapshot as two tables, a row a thread and a row a task that no thread stands for, as `python -m asyncio ps` lists tasks.

use super::{Rows, Taken, ago, head, in_thread, join, of_class, words};
use crate::cpython::snapshot::{Doing, Snapshot};
use crate::report::Style;

/// The snapshot as tables.
pub fn ps(taken: &Taken<'_>, rows: &Rows, style: Style) -> String {
    let s = taken.snapshot;
    let mut lines = head(taken, rows);
    lines.push(String::new());
    threads(s, rows, &mut lines);
    tasks(s, rows, &mut lines);
    join(lines, style)
}

/// The order of the rows: what holds others up first, then who waits, longest first, then who has nothing to do.
fn urgency(s: &Snapshot, thread: usize) -> (u8, u64, usize) {
    let t = &s.threads[thread];
    let class = match t.doing {
        Doing::Running(..) => 0,
        Doing::Idle
        | Doing::WaitsForWork(_)
        | Doing::WaitsForArrival(_)
        | Doing::WaitsForResults(_)
        | Doing::Select(_) => 2,
        _ => 1,
    };
    (class, t.since.0, thread)
}

fn threads(s: &Snapshot, rows: &Rows, lines: &mut Vec<String>) {
    let wanted = |i: &usize| {
        rows.class.is_none() || s.threads[*i].task.is_some_and(|t| of_class(s, rows, t))
    };
    let mut order: Vec<usize> = (0..s.threads.len()).filter(wanted).collect();
    if order.is_empty() {
        return;
    }
    order.sort_by_key(|&i| urgency(s, i));
    let hidden = order.split_off(rows.shown(order.len()));
    let several = s.processes.len() > 1;
    let mut table = Table::new(if several {
        &["PROCESS", "THREAD", "STATE", "FOR", "TASK", "STEP"]
    } else {
        &["THREAD", "STATE", "FOR", "TASK", "STEP"]
    });
    for i in order {
        let t = &s.threads[i];
        let (task, step) = t.task.map_or((String::new(), String::new()), |k| {
            let task = &s.tasks[k];
            (task.name.clone(), words::step(&task.step))
        });
        let mut row = vec![
            t.name.clone(),
            words::doing(s, i),
            ago(s, t.since),
            task,
            step,
        ];
        if several {
            row.insert(0, s.processes[t.process].name.clone());
        }
        table.rows.push(row);
    }
    table.write(lines);
    if !hidden.is_empty() {
        lines.push(words::more(
            hidden
                .iter()
                .map(|&i| words::kind_of_doing(&s.threads[i].doing)),
        ));
    }
}

fn tasks(s: &Snapshot, rows: &Rows, lines: &mut Vec<String>) {
    let waiting = |i: &usize| in_thread(&s.tasks[*i].place).is_none() && of_class(s, rows, *i);
    let mut order: Vec<usize> = (0..s.tasks.len()).filter(waiting).collect();
    if order.is_empty() && s.totals.not_taken_in == 0 {
        return;
    }
    lines.push(String::new());
    order.sort_by_key(|&i| (s.tasks[i].since, i));
    let hidden = order.split_off(rows.shown(order.len()));
    if !order.is_empty() {
        let parents = order.iter().any(|&i| s.tasks[i].parent.is_some());
        let mut table = Table::new(if parents {
            &["TASK", "STATE", "FOR", "AGE", "STEP", "AWAITED BY"]
        } else {
            &["TASK", "STATE", "FOR", "AGE", "STEP"]
        });
        for i in order {
            let t = &s.tasks[i];
            let mut row = vec![
                t.name.clone(),
                words::place(s, i) + &holding(&t.holds),
                ago(s, t.since),
                ago(s, t.arrived),
                words::step(&t.step),
            ];
            if parents {
                row.push(t.parent.map_or(String::new(), |p| s.tasks[p].name.clone()));
            }
            table.rows.push(row);
        }
        table.write(lines);
    }
    if !hidden.is_empty() {
        lines.push(words::more(
            hidden
                .iter()
                .map(|&i| words::kind_of_place(&s.tasks[i].place)),
        ));
    }
    lines.extend(super::tree::not_taken_in(s));
}

/// `, holds lock 'db'`
pub(super) fn holding(held: &[String]) -> String {
    held.iter().map(|l| format!(", holds lock '{l}'")).collect()
}

/// Columns as wide as their cells; the last is not filled up.
struct Table {
    titles: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl Table {
    fn new(titles: &[&'static str]) -> Self {
        Self {
            titles: titles.to_vec(),
            rows: Vec::new(),
        }
    }

    fn write(&self, lines: &mut Vec<String>) {
        let wide = |text: &str| text.chars().count();
        let widths: Vec<usize> = self
            .titles
            .iter()
            .enumerate()
            .map(|(i, title)| {
                let cells = self.rows.iter().map(|r| wide(&r[i]));
                cells.chain([wide(title)]).max().unwrap_or(0)
            })
            .collect();
        let line = |cells: &mut dyn Iterator<Item = &str>| {
            let padded: Vec<String> = cells
                .zip(&widths)
                .map(|(cell, &width)| format!("{cell:width$}"))
                .collect();
            padded.join("  ").trim_end().to_owned()
        };
        lines.push(line(&mut self.titles.iter().copied()));
        let all = widths.iter().sum::<usize>() + 2 * (widths.len() - 1);
        lines.push("-".repeat(all));
        for row in &self.rows {
            lines.push(line(&mut row.iter().map(String::as_str)));
        }
    }
}
