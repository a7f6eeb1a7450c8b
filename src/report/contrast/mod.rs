//! Two results compared, as text for a terminal and as Markdown.

mod markdown;
mod sentences;
mod tables;
mod text;

use sentences::Sayer;

pub use markdown::markdown;
pub use text::text;

use crate::contrast::{Contrast, Differing, GateVerdict, Gated};
use crate::contrast::{Gate, Said};
use crate::layout::words::Words;
use crate::quantity::{counted, list};

/// A gate with what it says of each row.
pub type GatedBy = (Gate, Vec<Gated>);

/// What is said of a comparison, one plain sentence after another.
#[must_use]
pub fn sentences(all: &Contrast) -> Vec<String> {
    let said = all.said();
    let by = Sayer::of(all);
    let words = said.iter().map(|s| sentences::said(&by, s));
    words.map(|w| w.plain()).collect()
}

/// The sentences in words that know names; those of which there may be many are cut.
fn words(all: &Contrast, verbose: bool) -> Vec<Words> {
    /// Most sentences of one kind.
    const MOST: usize = 4;
    let kind = |s: &Said| std::mem::discriminant(s);
    let said = all.said();
    let by = Sayer::of(all);
    let mut shown = Vec::new();
    for (i, s) in said.iter().enumerate() {
        let before = said[..i].iter().filter(|x| kind(x) == kind(s)).count();
        if verbose || before < MOST {
            shown.push(sentences::said(&by, s));
            continue;
        }
        let last = said[i + 1..].iter().all(|x| kind(x) != kind(s));
        if last {
            let more = counted((before + 1 - MOST) as u64, "such case");
            shown.push(Words::default().text(format!("... and {more} more.")));
        }
    }
    shown
}

/// A difference of how the results were made: `seed: 1 in A, 2 in B`.
fn differing(d: &Differing) -> Words {
    /// Most characters of a value; longer ones are cut.
    const LONGEST: usize = 120;
    let value = |v: &Option<String>| match v {
        None => "not given".to_owned(),
        Some(v) if v.chars().count() > LONGEST => {
            v.chars().take(LONGEST).chain(" ...".chars()).collect()
        }
        Some(v) => v.clone(),
    };
    let named = |w: Words, v: &Option<String>| match v {
        Some(_) => w.name(value(v)),
        None => w.text(value(v)),
    };
    let what = Words::default();
    let what = if d.field {
        what.name(&d.what)
    } else {
        what.text(&d.what)
    };
    let from = named(what.text(": "), &d.a).text(" in A, ");
    named(from, &d.b).text(" in B")
}

/// Cases and points that stand in one result only, and cases that work in neither, a line each.
fn alone(all: &Contrast) -> Vec<String> {
    let mut lines = Vec::new();
    let mut broken: Vec<String> = Vec::new();
    for pair in all.points.iter().flat_map(|p| &p.cases) {
        let name = format!("{} ({})", pair.name(), pair.b.status.name());
        if !pair.a.is_fine() && !pair.b.is_fine() && !broken.contains(&name) {
            broken.push(name);
        }
    }
    if !broken.is_empty() {
        lines.push(format!("Without a forecast in both: {}.", list(&broken)));
    }
    for (which, of) in [("A", 0), ("B", 1)] {
        let mut names: Vec<String> = Vec::new();
        for p in &all.points {
            for name in [&p.only_a, &p.only_b][of] {
                if !names.contains(name) {
                    names.push(name.clone());
                }
            }
        }
        if !names.is_empty() {
            lines.push(format!("Only in {which}: {}.", list(&names)));
        }
        let points = [all.points_only_a, all.points_only_b][of];
        if points > 0 {
            lines.push(format!(
                "Only in {which}: {}.",
                counted(points as u64, "point")
            ));
        }
    }
    lines
}

/// What stands above the differences of how the results were made.
fn else_title(all: &Contrast) -> &'static str {
    if all.differs.iter().any(|d| d.field) {
        "What else differs (fields of the scenario as they are simulated: times in ns, sizes in bytes)"
    } else {
        "What else differs"
    }
}

/// How the differences were made, in a few words.
fn how(all: &Contrast) -> Vec<String> {
    let changes = || all.rows().filter_map(|(_, r)| r.change);
    let (any, every) = (
        changes().any(|c| c.is_paired()),
        changes().all(|c| c.is_paired()),
    );
    let mut facts = Vec::new();
    if changes().next().is_some() {
        facts.push(
            match (any, every) {
                (true, true) => "replications compared in pairs (same seed)",
                (true, false) => "replications compared in pairs where both results hold them",
                (false, _) => "means compared (Welch)",
            }
            .to_owned(),
        );
        facts.push("intervals at 95% confidence".to_owned());
        facts.push(format!(
            "better and worse at 5% for all {} differences together (Holm)",
            all.comparisons
        ));
    }
    facts
}

/// What a gate says, its sign first.
fn gate_words(all: &Contrast, (gate, gated): &GatedBy) -> Words {
    let of = |v: GateVerdict| -> Vec<String> {
        let rows = gated.iter().filter(|g| g.verdict == v);
        rows.map(|g| all.case_name(g.at)).collect()
    };
    let (regressed, undecided, passed) = (
        of(GateVerdict::Regressed),
        of(GateVerdict::Undecided),
        of(GateVerdict::Passed),
    );
    let sign = match (regressed.is_empty(), undecided.is_empty()) {
        (false, _) => '✗',
        (true, false) => '?',
        (true, true) => '✓',
    };
    let mut words = Words::default().text(format!("{sign} {}: ", gate.words()));
    let mut first = true;
    for (names, what) in [
        (&regressed, "not kept by "),
        (&undecided, "cannot be told of "),
        (&passed, "kept by "),
    ] {
        if names.is_empty() {
            continue;
        }
        if !first {
            words = words.text("; ");
        }
        words = words.text(what).names(names);
        first = false;
    }
    words
}
