//! A snapshot as two tables, with a row for each thread, and one for each task that no thread executes, as `python -m asyncio ps` lists
//! tasks.

use super::{LabelledSnapshot, Rows, ago, head, in_thread, join, of_class, words};
use crate::cpython::snapshot::{Snapshot, ThreadActivity};
use crate::layout;
use crate::layout::Column;
use crate::layout::Style;

/// The snapshot as tables.
pub fn ps(labelled: &LabelledSnapshot<'_>, rows: &Rows, style: Style) -> String {
    let s = labelled.snapshot;
    let mut lines = head(labelled, rows, style);
    lines.push(String::new());
    threads(s, rows, style, &mut lines);
    tasks(s, rows, style, &mut lines);
    join(&lines, style)
}

/// The order of rows: threads that hold others up come first, then those that wait, longest first, then idle ones.
fn urgency(s: &Snapshot, thread: usize) -> (u8, u64, usize) {
    let t = &s.threads[thread];
    let class = match t.doing {
        ThreadActivity::Running(..) => 0,
        ThreadActivity::Idle
        | ThreadActivity::WaitsForWork(_)
        | ThreadActivity::WaitsForArrival(_)
        | ThreadActivity::WaitsForResults(_)
        | ThreadActivity::Select(_) => 2,
        _ => 1,
    };
    (class, t.since.0, thread)
}

fn threads(s: &Snapshot, rows: &Rows, style: Style, lines: &mut Vec<String>) {
    let wanted = |i: &usize| {
        rows.class.is_none() || s.threads[*i].task.is_some_and(|t| of_class(s, rows, t))
    };
    let mut order: Vec<usize> = (0..s.threads.len()).filter(wanted).collect();
    if order.is_empty() {
        return;
    }
    order.sort_by_key(|&i| urgency(s, i));
    let hidden = order.split_off(rows.visible_rows(order.len()));
    let several = s.processes.len() > 1;
    let mut table = TextTable::new(if several {
        &["PROCESS", "THREAD", "STATE", "FOR", "TASK", "STEP"]
    } else {
        &["THREAD", "STATE", "FOR", "TASK", "STEP"]
    });
    for i in order {
        let t = &s.threads[i];
        let (task, step) = t.task.map_or((String::new(), String::new()), |k| {
            let task = &s.tasks[k];
            (task.name.clone(), words::step(task.step.as_ref()))
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
    table.write(style, lines);
    if !hidden.is_empty() {
        let more = words::more(
            hidden
                .iter()
                .map(|&i| words::kind_of_doing(&s.threads[i].doing)),
        );
        lines.extend(layout::entries(&more, ", ", "", "    ", style));
    }
}

fn tasks(s: &Snapshot, rows: &Rows, style: Style, lines: &mut Vec<String>) {
    let waiting = |i: &usize| in_thread(&s.tasks[*i].place).is_none() && of_class(s, rows, *i);
    let mut order: Vec<usize> = (0..s.tasks.len()).filter(waiting).collect();
    if order.is_empty() && s.totals.not_taken_in == 0 {
        return;
    }
    lines.push(String::new());
    order.sort_by_key(|&i| (s.tasks[i].since, i));
    let hidden = order.split_off(rows.visible_rows(order.len()));
    if !order.is_empty() {
        let parents = order.iter().any(|&i| s.tasks[i].parent.is_some());
        let mut table = TextTable::new(if parents {
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
                words::step(t.step.as_ref()),
            ];
            if parents {
                row.push(t.parent.map_or(String::new(), |p| s.tasks[p].name.clone()));
            }
            table.rows.push(row);
        }
        table.write(style, lines);
    }
    if !hidden.is_empty() {
        let more = words::more(
            hidden
                .iter()
                .map(|&i| words::kind_of_place(&s.tasks[i].place)),
        );
        lines.extend(layout::entries(&more, ", ", "", "    ", style));
    }
    if let Some(text) = super::tree::not_taken_in(s) {
        lines.extend(layout::words(&text, "", "    ", style));
    }
}

/// Text about held locks: `, holds lock 'db'`.
pub(super) fn holding(held: &[String]) -> String {
    held.iter()
        .flat_map(|l| [", holds lock '", l, "'"])
        .collect()
}

/// The columns of both tables that are left out if there is no room, in this order.
const DISPENSABLE: [&str; 4] = ["AGE", "AWAITED BY", "STEP", "FOR"];

/// A table of texts.
struct TextTable {
    titles: Vec<&'static str>,
    rows: Vec<Vec<String>>,
}

impl TextTable {
    fn new(titles: &[&'static str]) -> Self {
        Self {
            titles: titles.to_vec(),
            rows: Vec::new(),
        }
    }

    fn write(&self, style: Style, lines: &mut Vec<String>) {
        let column = |&title: &&'static str| {
            let order = DISPENSABLE.iter().position(|&d| d == title);
            let order = order.map_or(0, |i| DISPENSABLE.len() - i);
            let prose = matches!(title, "STATE" | "STEP");
            Column {
                title: title.to_owned(),
                dispensable: u8::try_from(order).unwrap_or(u8::MAX),
                prose,
                name: !prose && title != "FOR" && title != "AGE",
                key: title == self.titles[0],
                ..Column::default()
            }
        };
        let columns: Vec<Column> = self.titles.iter().map(column).collect();
        let mut laid = layout::table(&columns, &self.rows, style, false);
        let all = "-".repeat(laid.width);
        laid.lines.insert(1.min(laid.lines.len()), all);
        lines.extend(laid.lines);
        if !laid.left_out.is_empty() {
            let which = laid.left_out.join(", ");
            let text = format!("(no room for {which} in {} columns)", style.width);
            lines.extend(layout::words(&text, "", "  ", style));
        }
    }
}
