//! The sweep as Markdown, to be pasted into an issue or a design document.

use super::doubt::doubts;
use super::find::insights;
use super::table::{Table, letter};
use super::text::{chosen, facts};
use super::view::View;
use crate::report::Meta;
use crate::report::document::SweepDocument;
use crate::report::layout::PIPE;
use crate::report::markdown::escaped;

/// The sweep as Markdown: what was varied, what stands out, the points, warnings, command.
pub fn markdown(sweep: &SweepDocument, meta: &Meta) -> String {
    let view = View::new(sweep);
    let header = &sweep.header;
    let mut lines = vec![format!("# {}", header.scenario.name), String::new()];
    if !header.scenario.question.is_empty() {
        lines.extend([escaped(&header.scenario.question), String::new()]);
    }
    lines.extend([escaped(&facts(&view).join(", ")), String::new()]);
    let found = insights(sweep);
    if !found.is_empty() {
        lines.extend(["## What stands out".into(), String::new()]);
        lines.extend(found.iter().map(|i| format!("- {}", escaped(&i.text()))));
        lines.push(String::new());
    }
    lines.extend(["## Points".into(), String::new()]);
    for t in chosen(&view, false, PIPE) {
        table(&mut lines, &view, &t);
    }
    let doubts: Vec<String> = doubts(sweep)
        .iter()
        .map(|(code, text)| format!("- {}: {}", escaped(code), escaped(text)))
        .collect();
    if !doubts.is_empty() {
        lines.extend(["## Warnings".into(), String::new()]);
        lines.extend(doubts);
        lines.push(String::new());
    }
    lines.push(format!(
        "Repeat with `{}` (pchsim {}).",
        meta.command, meta.version
    ));
    lines.push(String::new());
    lines.join("\n")
}

fn table(lines: &mut Vec<String>, view: &View<'_>, table: &Table) {
    if !table.title.is_empty() {
        lines.extend([escaped(&table.title), String::new()]);
    }
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    // A heading over several columns becomes a part of each of them.
    let over = table.groups.iter().flat_map(|(t, n)| vec![t.as_str(); *n]);
    let over = over.chain(std::iter::repeat(""));
    let heading = |(c, over): (&super::table::Column, &str)| match over {
        "" => escaped(&c.title),
        over if c.series.is_some() => escaped(&format!("{}, {over}", c.title)),
        over => escaped(&format!("{over} {}", c.title)),
    };
    lines.push(row(table.columns.iter().zip(over).map(heading).collect()));
    let side = |c: &super::table::Column| if c.number { "--:" } else { ":--" }.to_owned();
    lines.push(row(table.columns.iter().map(side).collect()));
    for (i, cells) in table.rows.iter().enumerate() {
        if let Some(n) = table.gap_before(i) {
            let mut gap = vec![String::new(); table.columns.len()];
            gap[0] = format!("... {n} more ...");
            lines.push(row(gap));
        }
        lines.push(row(cells.iter().map(|c| cell(c)).collect()));
    }
    lines.push(String::new());
    if table.title.starts_with("best") && table.groups.len() == 2 {
        let names = view.series.iter().enumerate();
        let all: Vec<String> = names
            .map(|(s, x)| format!("{} is {}", letter(s), escaped(&x.name)))
            .collect();
        lines.extend([all.join(", "), String::new()]);
    }
}

/// The marks of the best are bold here; the nearest, where nothing meets the objectives, is told by a word.
fn cell(text: &str) -> String {
    if let Some(nearest) = text.trim_end().strip_suffix('~') {
        return format!("{} (nearest)", escaped(nearest.trim()));
    }
    let bare = escaped(text.trim().trim_end_matches('*').trim_end());
    if text.trim_end().ends_with('*') {
        format!("**{bare}**")
    } else {
        bare
    }
}
