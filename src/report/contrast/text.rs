//! A comparison as text for a terminal: what changed, the tables, what else differs, gates, warnings, and the command that repeats it.

use super::super::text::{TextWriter, not_shown};
use super::{GatedBy, differing, gate_words, how, tables, words};
use crate::contrast::{Contrast, SideInfo};
use crate::layout::table::Table;
use crate::layout::{self, Style};
use crate::quantity::{counted, list};

/// Most differences of how the results were made that are shown, unless all are asked for.
const DIFFERENCES: usize = 12;

/// The comparison as text; the sentences come first.
#[must_use]
pub fn text(all: &Contrast, gates: &[GatedBy], style: Style) -> String {
    let mut out = TextWriter {
        out: String::new(),
        style,
    };
    heading(&mut out, all);
    out.line("");
    for sentence in words(all, style.verbose) {
        out.prose("", &sentence.plain());
    }
    out.line("");
    for part in [
        tables::decisive(all, style.verbose),
        tables::others(all, style.verbose),
    ] {
        table(&mut out, &part);
    }
    alone(&mut out, all);
    differences(&mut out, all);
    if !gates.is_empty() {
        out.line("Margins");
        for g in gates {
            out.prose("    ", &format!("  {}", gate_words(all, g).plain()));
        }
        out.line("");
    }
    for w in &all.warnings {
        out.prose("  ", &format!("warning: {w}"));
    }
    if !all.warnings.is_empty() {
        out.line("");
    }
    if all.command.is_empty() {
        out.out.truncate(out.out.trim_end().len());
        out.line("");
    } else {
        out.repeat(&all.command);
    }
    out.out
}

fn heading(out: &mut TextWriter, all: &Contrast) {
    for (letter, side) in [("A", &all.a), ("B", &all.b)] {
        out.prose("   ", &format!("{letter}: {}", made(side)));
    }
    out.entries(&how(all), " · ", "", "  ");
}

/// Where a result comes from.
pub(super) fn made(side: &SideInfo) -> String {
    let mut facts = vec![side.name.clone()];
    if side.scenario.name != side.name {
        facts.push(format!("scenario {}", side.scenario.name));
    }
    facts.push(format!("{} {}", side.program.name, side.program.version));
    facts.push(format!("seed {}", side.seed));
    facts.join(", ")
}

fn table(out: &mut TextWriter, table: &Table) {
    if table.rows.is_empty() {
        return;
    }
    out.line(&table.caption);
    let rows: Vec<Vec<String>> = table.texts().collect();
    let laid = layout::table(&table.columns, &rows, out.style, out.style.verbose);
    out.lines(laid.lines);
    not_shown(out, &laid.left_out);
    if table.left_out > 0 {
        let more = counted(table.left_out as u64, "row");
        out.prose("  ", &format!("({more} more: --verbose shows all)"));
    }
    out.line("");
}

/// Cases and points that stand in one result only.
fn alone(out: &mut TextWriter, all: &Contrast) {
    let lines = super::alone(all);
    for line in &lines {
        out.prose("  ", line);
    }
    if !lines.is_empty() {
        out.line("");
    }
}

fn differences(out: &mut TextWriter, all: &Contrast) {
    if all.differs.is_empty() {
        return;
    }
    out.prose("  ", super::else_title(all));
    let most = if out.style.verbose {
        usize::MAX
    } else {
        DIFFERENCES
    };
    for d in all.differs.iter().take(most) {
        out.prose("    ", &format!("  {}", differing(d).plain()));
    }
    let more: Vec<String> = (all.differs.iter().skip(most))
        .map(|d| d.what.clone())
        .collect();
    if !more.is_empty() {
        out.prose(
            "    ",
            &format!("  and {} (--verbose shows all)", list(&more)),
        );
    }
    out.line("");
}
