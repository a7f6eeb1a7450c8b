//! A study as text for a terminal: answer, comparison, why, objectives, warnings, and the command that repeats the run.

use std::fmt::Write as _;

use super::answer::{answer, judged};
use super::bars::{WIDTH, bar, legend};
use super::comparison::{WIDE, common_prefix, comparison, short_name, single_interpreter};
use super::over_windows::over_windows;
use super::summary::command_lines;
use crate::insight::shares::Shares;
use crate::layout;
use crate::layout::Style;
use crate::layout::{padded, width};
use crate::measure::CONFIDENCE;
use crate::quantity::{Quantity, counted, digits, percent, seconds};
use crate::result::{Forecast, Status, Study};

/// Least width of the words beside a bar, in columns.
const WORDS: usize = 32;

/// The study as text, whose first line is the answer.
pub fn text(study: &Study, style: Style) -> String {
    let mut out = TextWriter {
        out: String::new(),
        style,
    };
    heading(&mut out, study);
    out.line("");
    for line in answer(study) {
        out.prose("", &line.plain());
    }
    out.line("");
    table(&mut out, study);
    out.line("");
    why(&mut out, study);
    over_windows(&mut out, study, |out, cases| case_names(out, study, cases));
    objectives(&mut out, study);
    if style.verbose {
        servers(&mut out, study);
        classes(&mut out, study);
    }
    warnings(&mut out, study);
    out.repeat(&study.command);
    out.out
}

/// The text written so far, in the characters that the style allows.
pub(super) struct TextWriter {
    pub out: String,
    pub style: Style,
}

impl TextWriter {
    pub(super) fn line(&mut self, text: &str) {
        let text = self.style.fit(text.trim_end().to_owned());
        self.out.push_str(&text);
        self.out.push('\n');
    }

    /// Adds lines that are laid out already.
    pub(super) fn lines(&mut self, lines: impl IntoIterator<Item = String>) {
        lines.into_iter().for_each(|l| self.line(&l));
    }

    /// Adds text, wrapped at words; further lines begin with `indent`.
    pub(super) fn prose(&mut self, indent: &str, text: &str) {
        let text = self.style.fit(text.to_owned());
        let words = text.trim_start();
        let begin = &text[..text.len() - words.len()];
        self.lines(layout::words(words, begin, indent, self.style));
    }

    /// Adds entries, wrapped between them; the indents are those of [`layout::entries`].
    pub(super) fn entries(&mut self, all: &[String], separator: &str, first: &str, next: &str) {
        self.lines(layout::entries(all, separator, first, next, self.style));
    }

    /// Adds the command that repeats the run or sweep.
    pub(super) fn repeat(&mut self, command: &str) {
        self.lines(layout::command("repeat: ", command, self.style));
    }
}

fn heading(out: &mut TextWriter, study: &Study) {
    let question = if study.scenario.question.is_empty() {
        String::new()
    } else {
        // A question of several lines is one sentence here.
        let words: Vec<&str> = study.scenario.question.split_whitespace().collect();
        format!(": {}", words.join(" "))
    };
    out.prose("", &format!("{}{question}", study.scenario.name));
    let cores = study.machine.cores.len();
    let mut facts = vec![format!(
        "{cores} {}",
        if cores == 1 { "core" } else { "cores" }
    )];
    facts.extend(single_interpreter(study).map(str::to_owned));
    // Cases without a forecast are abandoned after the first replication.
    let fine = |f: &&Forecast| f.status == Status::Fine || f.status == Status::Saturated;
    let simulated = study.forecasts.iter().filter(fine);
    let (least, most) = simulated.fold((u32::MAX, 0), |(a, b), f| {
        (a.min(f.replications), b.max(f.replications))
    });
    match (least, most) {
        (_, 0) => {}
        (a, b) if a == b => facts.push(counted(a.into(), "replication")),
        (a, b) => facts.push(format!("{a} to {b} replications")),
    }
    facts.extend(warmups(study));
    facts.push(format!("seed {}", study.seed));
    let few = percent(WIDE);
    facts.push(format!(
        "± at {} confidence (other columns: above {few})",
        percent(CONFIDENCE)
    ));
    out.entries(&facts, " · ", "", "  ");
}

/// What is left out at the start, and what follows from that for comparisons.
fn warmups(study: &Study) -> Option<String> {
    let fine = || study.forecasts.iter().filter(|f| f.rank.is_some());
    let (least, most) = (
        fine().map(|f| f.warmup).min()?,
        fine().map(|f| f.warmup).max()?,
    );
    if most.0 == 0 {
        return None;
    }
    let said = if seconds(least) == seconds(most) {
        format!("warm-up of {} left out", seconds(most))
    } else {
        format!(
            "warm-ups of {} to {} left out",
            seconds(least),
            seconds(most)
        )
    };
    let unpaired = fine().any(|f| f.behind_best().is_some() && !f.paired);
    Some(if unpaired {
        format!("{said}, cases compared unpaired")
    } else {
        said
    })
}

fn table(out: &mut TextWriter, study: &Study) {
    let table = comparison(study, WIDE);
    let rows: Vec<Vec<String>> = table.texts().collect();
    let laid = layout::table(&table.columns, &rows, out.style, out.style.verbose);
    out.lines(laid.lines);
    not_shown(out, &laid.left_out);
}

/// Names the columns for which there was no room.
pub(super) fn not_shown(out: &mut TextWriter, titles: &[String]) {
    if !titles.is_empty() && out.style.notes {
        let which = titles.join(", ");
        out.prose(
            "  ",
            &format!("(no room for {which}: --verbose shows all columns)"),
        );
    }
}

/// The names of cases, all of one width: what is common to all interpreters is left out, and what is too long shortened.
fn case_names(out: &TextWriter, study: &Study, cases: &[&Forecast]) -> Vec<String> {
    let several = single_interpreter(study).is_none();
    let prefix = common_prefix(study).len();
    let style = out.style;
    let fit = |text: &str| style.fit(text.to_owned());
    let names: Vec<String> = cases.iter().map(|f| fit(&f.strategy)).collect();
    // Beside a name there has to be room for a bar and some words.
    let most = (out.style.width * 3 / 10).max(16);
    let names = layout::unique(&names, most, out.style.unicode);
    let interpreters: Vec<String> = cases
        .iter()
        .filter(|_| several)
        .map(|f| fit(&f.interpreter[prefix..]))
        .collect();
    let interpreters = layout::unique(&interpreters, most / 2, out.style.unicode);
    let widest = |all: &[String]| all.iter().map(|n| width(n)).max().unwrap_or(0);
    let (wide, wide_too) = (widest(&names), widest(&interpreters));
    let name = |(i, name): (usize, &String)| {
        let mut name = padded(name, wide, false);
        if let Some(interpreter) = interpreters.get(i) {
            let _ = write!(name, "  {}", padded(interpreter, wide_too, false));
        }
        name
    };
    names.iter().enumerate().map(name).collect()
}

/// Shows what the tasks of each strategy spent their time on.
fn why(out: &mut TextWriter, study: &Study) {
    let with: Vec<(&Forecast, Shares)> = study
        .forecasts
        .iter()
        .filter(|f| f.causes.iter().sum::<f64>() > 0.0)
        .map(|f| (f, Shares::new(study, f)))
        .collect();
    if with.is_empty() {
        return;
    }
    out.line("Why: where a task's time goes");
    let style = out.style;
    let fit = |text: &str| style.fit(text.to_owned());
    let cases: Vec<&Forecast> = with.iter().map(|(f, _)| *f).collect();
    let names = case_names(out, study, &cases);
    for ((_, shares), name) in with.iter().zip(&names) {
        let mut first = fit(&format!("  {name}  │{:WIDTH$}│ ", bar(&shares.of)));
        if width(first.trim_end()) > style.width {
            // The words say what the bar shows.
            first = layout::clipped(&fit(&format!("  {name}")), style);
        }
        let next = " ".repeat(width(&first));
        let words = shares.in_words(out.style.verbose);
        // Words that would get a narrow column are put below instead.
        if width(&first) + WORDS > out.style.width {
            out.line(&first);
            out.entries(&words, ", ", "      ", "      ");
        } else {
            out.entries(&words, ", ", &first, &next);
        }
    }
    let shown: Vec<Shares> = with.into_iter().map(|(_, s)| s).collect();
    out.entries(&legend(&shown), "   ", "  ", "  ");
    out.line("");
}

fn objectives(out: &mut TextWriter, study: &Study) {
    let all = judged(study);
    if all.is_empty() {
        return;
    }
    out.line("Objectives");
    for o in all {
        let sign = o.verdict.sign();
        out.prose("    ", &format!("  {sign} {}: {}", o.text, o.by.plain()));
    }
    out.line("");
}

/// Shows the command lines of servers, if strategies name any.
fn servers(out: &mut TextWriter, study: &Study) {
    let lines = command_lines(study);
    if lines.is_empty() {
        return;
    }
    out.line("Servers");
    for line in lines {
        out.prose("      ", &format!("  {line}"));
    }
    out.line("");
}

/// Shows the latencies of each class, if there are several.
fn classes(out: &mut TextWriter, study: &Study) {
    if study.forecasts.first().is_none_or(|f| f.classes.len() < 2) {
        return;
    }
    out.prose("  ", "Latency by class (p50, p95, p99 in seconds)");
    for f in &study.forecasts {
        for c in &f.classes {
            let cell = |q| c.latency(q).map_or("–".into(), |e| digits(e.mean, 3));
            let text = format!(
                "  {}, {}: {}, {}, {}",
                short_name(study, f),
                c.name,
                cell(Quantity::P50),
                cell(Quantity::P95),
                cell(Quantity::P99)
            );
            out.prose("      ", &text);
        }
    }
    out.line("");
}

fn warnings(out: &mut TextWriter, study: &Study) {
    let notes = out.style.notes;
    let mut any = false;
    for w in study.warnings.iter().filter(|w| notes || !w.note) {
        out.prose("  ", &format!("{}: {}", w.label(), w.text));
        any = true;
    }
    if any {
        out.line("");
    }
}
