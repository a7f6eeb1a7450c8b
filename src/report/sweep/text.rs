//! A sweep as text for a terminal: what was varied, what stands out, the points as a table, the chart, and the command that repeats it.

use std::collections::BTreeSet;

use super::chart::chart;
use super::table::{ColumnQuantity, SweepColumn, SweepTable, across, along, also, letter, long};
use crate::insight::doubts;
use crate::insight::insights;
use crate::insight::view::SweepView;
use crate::layout;
use crate::layout::Style;
use crate::layout::{PIPE, padded, width};
use crate::quantity::{Quantity, counted, metric_name, percent};
use crate::report::comparison::WIDE;
use crate::report::text::TextWriter;
use crate::result::{Sweep, SweptAxis};

/// Most insights that are shown without `--verbose`.
const SENTENCES: usize = 12;

/// The sweep as text for a terminal.
pub fn text(sweep: &Sweep, style: Style) -> String {
    let view = SweepView::new(sweep);
    let mut out = TextWriter {
        out: String::new(),
        style,
    };
    heading(&mut out, &view);
    out.line("");
    stands_out(&mut out, &view);
    tables(&mut out, &view);
    let lines = chart(&view, style);
    if !lines.is_empty() {
        out.lines(lines);
        out.line("");
    }
    let warnings = doubts(sweep);
    for (code, text) in &warnings {
        out.prose("  ", &format!("warning[{code}]: {text}"));
    }
    if !warnings.is_empty() {
        out.line("");
    }
    out.repeat(&sweep.header.command);
    out.out
}

fn heading(out: &mut TextWriter, view: &SweepView<'_>) {
    let header = &view.sweep.header;
    let question = if header.scenario.question.is_empty() {
        String::new()
    } else {
        format!(": {}", header.scenario.question)
    };
    out.prose("", &format!("{}{question}", header.scenario.name));
    out.entries(&facts(view), " · ", "", "  ");
}

/// What was varied, how often each point was simulated, and what the intervals mean.
pub(super) fn facts(view: &SweepView<'_>) -> Vec<String> {
    let header = &view.sweep.header;
    let varied: Vec<String> = header.axes.iter().map(axis).collect();
    let how = if header.zip { ", side by side" } else { "" };
    let mut facts = vec![format!("{}{how}", varied.join("; "))];
    let (done, all) = (view.points.len() as u64, header.points);
    facts.push(if done == all {
        counted(all, "point")
    } else {
        format!("{done} of {} (incomplete)", counted(all, "point"))
    });
    match view.series.as_slice() {
        [] => {}
        [one] if one.name == "it" => {}
        [one] => facts.push(one.name.clone()),
        all => facts.push(format!("{} strategies", all.len())),
    }
    if !header.axes.iter().any(|a| a.path == "machine.cores") {
        facts.push(counted(header.machine.cores.len() as u64, "core"));
    }
    let interpreters: BTreeSet<&str> = view
        .sweep
        .rows
        .iter()
        .map(|r| r.case.interpreter.as_str())
        .collect();
    if let (1, Some(name)) = (interpreters.len(), interpreters.first()) {
        facts.push((*name).to_owned());
    }
    let simulated = view.sweep.rows.iter().filter(|r| r.case.is_fine());
    let (least, most) = simulated.fold((u32::MAX, 0), |(a, b), r| {
        (a.min(r.case.replications), b.max(r.case.replications))
    });
    match (least, most) {
        (_, 0) => {}
        (a, b) if a == b => facts.push(counted(a.into(), "replication")),
        (a, b) => facts.push(format!("{a} to {b} replications")),
    }
    facts.push(format!("seed {}", header.seed));
    facts.push(format!("± at {} confidence", percent(header.confidence)));
    facts
}

/// An axis in words: `cores from 1 to 16 (16 values)`, `interpreter: cpython-3.14, cpython-3.14t`.
fn axis(axis: &SweptAxis) -> String {
    let values: Vec<String> = axis
        .values
        .iter()
        .map(crate::insight::metric::written)
        .collect();
    match (values.as_slice(), &axis.numbers) {
        ([first, .., last], Some(n)) if n.len() > 4 && n.windows(2).all(|w| w[0] < w[1]) => {
            format!("{} from {first} to {last} ({} values)", axis.label, n.len())
        }
        (all, _) if all.len() > 8 => format!("{}: {} values", axis.label, all.len()),
        (all, _) => format!("{}: {}", axis.label, all.join(", ")),
    }
}

fn stands_out(out: &mut TextWriter, view: &SweepView<'_>) {
    let all = insights(view.sweep);
    if all.is_empty() {
        return;
    }
    let shown = if out.style.verbose {
        all.len()
    } else {
        SENTENCES
    };
    if !all[0].is_answer() {
        out.line("No point has a forecast that means anything.");
    }
    for (i, insight) in all.iter().take(shown).enumerate() {
        let text = insight.text();
        if i == 0 && insight.is_answer() {
            out.prose("", &text);
        } else {
            out.prose("    ", &format!("  - {text}"));
        }
    }
    if all.len() > shown {
        let more = all.len() - shown;
        out.prose("    ", &format!("  - and {more} more with --verbose"));
    }
    out.line("");
}

fn tables(out: &mut TextWriter, view: &SweepView<'_>) {
    let all = out.style.verbose;
    for table in chosen(view, all, out.style.width) {
        let mut table = table;
        // Before the layout, because a character that becomes two in ASCII needs room.
        let style = out.style;
        let cells = table.rows.iter_mut().flatten();
        cells.for_each(|c| *c = style.fit(std::mem::take(c)));
        lay_out(out, view, &table);
        out.line("");
    }
    let overall = view.standings.overall();
    let lines = view.series.len() > 1 && view.varied().len() < 2;
    let any = |meets: bool| {
        let mut points = view.points.iter().map(|(p, _)| *p);
        points.any(|p| view.first(p).is_some() && view.meets(p) == meets)
    };
    let mut legend: Vec<String> = Vec::new();
    if overall.as_ref().is_some_and(|t| t.meets) {
        legend.push("** best of all".into());
    }
    if lines && any(true) {
        legend.push("* best of its line, or tied with it".into());
    }
    if any(false) && (view.series.len() > 1 || overall.is_some_and(|t| !t.meets)) {
        legend.push("~ nearest to the objectives where nothing meets them".into());
    }
    if any(true) || any(false) {
        legend.push(format!(
            "± always beside {}, elsewhere where it is above {}",
            metric_name(view.ranking),
            percent(WIDE)
        ));
        out.entries(&legend, "; ", "", "  ");
        out.line("");
    }
}

/// The tables that show this sweep best.
pub(super) fn chosen(view: &SweepView<'_>, all: bool, line: usize) -> Vec<SweepTable> {
    let more = || also(view).into_iter().map(ColumnQuantity::Also);
    match view.varied().len() {
        0 | 1 => {
            let ranked = along(view, &[ColumnQuantity::Ranked], all);
            let second: Vec<ColumnQuantity> = std::iter::once(ColumnQuantity::Ranked)
                .chain(more().take(1))
                .collect();
            let both = along(view, &second, all);
            let mut tables = vec![if both.wide() <= line { both } else { ranked }];
            if all {
                let from = usize::from(tables[0].groups.len() > 2);
                tables.extend(more().skip(from).map(|s| along(view, &[s], all)));
            }
            tables
        }
        2 => {
            // A table that fits in a pipe is split into parts if there is less room.
            let fits = |t: Option<SweepTable>| {
                t.filter(|t| t.wide() <= line.max(PIPE) && t.rows.len() <= 40)
            };
            let best = (view.series.len() > 1).then_some(None);
            let each = (0..view.series.len()).map(Some);
            let few = all || view.series.len() * view.points.len() <= 80;
            let each: Vec<Option<usize>> = each.filter(|_| few || best.is_none()).collect();
            let tables: Vec<SweepTable> = best
                .into_iter()
                .chain(each.iter().copied())
                .filter_map(|s| fits(across(view, s, ColumnQuantity::Ranked)))
                .collect();
            // Metrics only count tasks that complete, so the share that does not stands beside them.
            let failed = ColumnQuantity::Also(Quantity::FailureRate);
            let fails = also(view).contains(&Quantity::FailureRate) && !tables.is_empty();
            let failing = best.into_iter().chain(each).filter(|_| fails);
            let failing = failing.filter_map(|s| fits(across(view, s, failed)));
            let tables: Vec<SweepTable> = tables.into_iter().chain(failing).collect();
            if tables.is_empty() {
                vec![long(view, all)]
            } else {
                tables
            }
        }
        _ => vec![long(view, all)],
    }
}

impl SweepTable {
    /// Width of a line in characters; columns are two apart.
    fn wide(&self) -> usize {
        (0..self.columns.len())
            .map(|c| self.width_of(c) + 2)
            .sum::<usize>()
            - 2
    }

    /// Shortens texts that leave no room beside the widest column of numbers, keeping them distinct.
    fn shorten_names(&mut self, keys: usize, style: Style) {
        let words: Vec<usize> = (0..self.columns.len())
            .filter(|&c| !self.columns[c].number)
            .collect();
        let widest = (keys..self.columns.len())
            .filter(|&c| self.columns[c].number)
            .map(|c| self.width_of(c) + 2)
            .max()
            .unwrap_or(0);
        for &c in &words {
            let all: usize = (0..keys.max(c + 1)).map(|c| self.width_of(c) + 2).sum();
            let over = (all + widest).saturating_sub(style.width + 2);
            if over == 0 {
                continue;
            }
            let most = self.width_of(c).saturating_sub(over).max(8);
            let cells = self.rows.iter().map(|r| r.get(c).cloned());
            let cells: Vec<String> = cells.map(Option::unwrap_or_default).collect();
            let short = layout::unique(&cells, most, style.unicode);
            for (row, text) in self.rows.iter_mut().zip(short) {
                if let Some(cell) = row.get_mut(c) {
                    *cell = text;
                }
            }
            let title = std::mem::take(&mut self.columns[c].title);
            let title = layout::unique(&[title], most, style.unicode).remove(0);
            self.columns[c].title = title;
        }
    }

    fn width_of(&self, column: usize) -> usize {
        let cells = self.rows.iter().filter_map(|r| r.get(column));
        let cells = cells.map(|c| width(c));
        let title = self.columns[column].heading();
        cells.chain([width(&title)]).max().unwrap_or(0)
    }
}

impl SweepColumn {
    /// The heading; like the numbers, it ends in two characters of room for a mark.
    fn heading(&self) -> String {
        if self.marked {
            format!("{}  ", self.title)
        } else {
            self.title.clone()
        }
    }
}

/// Lays the table out: in parts if it is too wide, with letters for the strategies if their names make it so.
fn lay_out(out: &mut TextWriter, view: &SweepView<'_>, table: &SweepTable) {
    if !table.title.is_empty() {
        out.prose("  ", &table.title);
    }
    let line = out.style.width;
    let mut short = SweepTable {
        title: String::new(),
        groups: table.groups.clone(),
        columns: table.columns.clone(),
        rows: table.rows.clone(),
        left_out: table.left_out.clone(),
    };
    let lettered = short.wide() > line && short.columns.iter().any(|c| c.series.is_some());
    if lettered {
        for c in &mut short.columns {
            c.title = c
                .series
                .map_or_else(|| c.title.clone(), |s| letter(s).to_string());
        }
    }
    let keys = short.groups.first().map_or(1, |g| g.1);
    short.shorten_names(keys, out.style);
    let fixed: usize = (0..keys).map(|c| short.width_of(c) + 2).sum();
    // As few equal parts as possible.
    let columns = short.columns.len();
    let room = (line + 2).saturating_sub(fixed).max(1);
    let needed: usize = (keys..columns).map(|c| short.width_of(c) + 2).sum();
    let parts = needed.div_ceil(room).max(1);
    let most = columns.saturating_sub(keys).div_ceil(parts).max(1);
    let mut from = keys;
    while from < columns {
        let mut to = from;
        let mut wide = 0;
        while to < (from + most).min(columns) && (to == from || wide + short.width_of(to) <= room) {
            wide += short.width_of(to) + 2;
            to += 1;
        }
        part(out, &short, keys, from..to);
        if to < columns {
            out.line("");
        }
        from = to;
    }
    let letters =
        table.groups.len() == 2 && table.groups[0].1 == 1 && table.title.starts_with("best");
    if lettered || (letters && view.series.len() > 1) {
        let names = view.series.iter().enumerate();
        let all: Vec<String> = names
            .map(|(s, x)| format!("{} {}", letter(s), x.name))
            .collect();
        out.entries(&all, "   ", "  ", "  ");
    }
}

fn part(out: &mut TextWriter, table: &SweepTable, keys: usize, columns: std::ops::Range<usize>) {
    let style = out.style;
    let chosen: Vec<usize> = (0..keys).chain(columns.clone()).collect();
    let wide: Vec<usize> = chosen.iter().map(|&c| table.width_of(c)).collect();
    if table.groups.iter().any(|g| !g.0.is_empty()) {
        let mut line = String::new();
        let mut first = 0;
        for (text, n) in &table.groups {
            let mine = first..first + n;
            first += n;
            let signs: usize = chosen
                .iter()
                .zip(&wide)
                .filter(|(c, _)| mine.contains(c))
                .map(|(_, w)| w + 2)
                .sum();
            line += &padded(text, signs, false);
        }
        out.lines([layout::clipped(line.trim_end(), out.style)]);
    }
    let cells = |text: &dyn Fn(usize) -> String| {
        let line = chosen
            .iter()
            .zip(&wide)
            .map(|(&c, &w)| padded(&text(c), w, table.columns[c].number));
        let line = line.collect::<Vec<String>>().join("  ");
        layout::clipped(line.trim_end(), style)
    };
    out.line(&cells(&|c| table.columns[c].heading()));
    for (i, row) in table.rows.iter().enumerate() {
        if let Some(n) = table.gap_before(i) {
            out.line(&format!("  ... {n} more, see the file or --verbose ..."));
        }
        out.line(&cells(&|c| row.get(c).cloned().unwrap_or_default()));
    }
}
