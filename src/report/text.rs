//! The report for a terminal: verdict, comparison, why, objectives, warnings, and the command that repeats the run.

use std::fmt::Write as _;

use super::bars::{WIDTH, bar, legend};
use super::grid::{
    Grid, Interval, WIDE, common_prefix, estimate, metric_name, metric_text, metric_text_in,
    primary_unit, short_name, sign, single_interpreter,
};
use super::layout::{self, padded, width};
use super::shares::Shares;
use super::{Meta, Style};
use crate::measure::{CONFIDENCE, Estimate};
use crate::scenario::Metric;
use crate::study::{
    Against, Claim, Forecast, Judgement, Status, Study, Verdict, all_of, counted, digits, list,
    percent, seconds,
};

/// Words beside a bar have so many columns at least.
const WORDS: usize = 32;

/// The study as a text that answers in its first line.
pub fn text(study: &Study, meta: &Meta, style: Style) -> String {
    let mut out = Text {
        out: String::new(),
        style,
    };
    heading(&mut out, study);
    out.line("");
    for line in verdict(study).iter().flat_map(|t| t.lines()) {
        out.prose("", line);
    }
    out.line("");
    table(&mut out, study);
    out.line("");
    why(&mut out, study);
    objectives(&mut out, study);
    if style.verbose {
        classes(&mut out, study);
    }
    warnings(&mut out, study);
    out.repeat(&meta.command);
    out.out
}

/// What has been written, in the signs that may be used.
pub(super) struct Text {
    pub out: String,
    pub style: Style,
}

impl Text {
    pub(super) fn line(&mut self, text: &str) {
        let text = self.style.fit(text.trim_end().to_owned());
        self.out.push_str(&text);
        self.out.push('\n');
    }

    /// Lines that are laid out already.
    pub(super) fn lines(&mut self, lines: impl IntoIterator<Item = String>) {
        lines.into_iter().for_each(|l| self.line(&l));
    }

    /// Words that may go on in the next line, which then begins with this indent.
    pub(super) fn prose(&mut self, indent: &str, text: &str) {
        let text = self.style.fit(text.to_owned());
        let words = text.trim_start();
        let begin = &text[..text.len() - words.len()];
        self.lines(layout::words(words, begin, indent, self.style));
    }

    /// Entries that may go on in the next line; both indents as of [`layout::entries`].
    pub(super) fn entries(&mut self, all: &[String], separator: &str, first: &str, next: &str) {
        self.lines(layout::entries(all, separator, first, next, self.style));
    }

    /// The command that makes the same again.
    pub(super) fn repeat(&mut self, command: &str) {
        self.lines(layout::command("repeat: ", command, self.style));
    }
}

fn heading(out: &mut Text, study: &Study) {
    let question = if study.question.is_empty() {
        String::new()
    } else {
        format!(": {}", study.question)
    };
    out.prose("", &format!("{}{question}", study.name));
    let cores = study.machine.cores.len();
    let mut facts = vec![format!(
        "{cores} {}",
        if cores == 1 { "core" } else { "cores" }
    )];
    facts.extend(single_interpreter(study).map(str::to_owned));
    // Cases without a forecast are given up after the first replication.
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

/// What is left out at the start, and what follows for comparisons.
fn warmups(study: &Study) -> Option<String> {
    let fine = || study.forecasts.iter().filter(|f| f.rank.is_some());
    let (least, most) = (
        fine().map(|f| f.warmup).min()?,
        fine().map(|f| f.warmup).max()?,
    );
    if !study.steady || most.0 == 0 {
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
    let unpaired = fine().any(|f| f.behind_best.is_some() && !f.paired);
    Some(if unpaired {
        format!("{said}, cases compared unpaired")
    } else {
        said
    })
}

/// The answer in a few lines.
fn verdict(study: &Study) -> Vec<String> {
    study.claims().iter().map(|c| said(study, c)).collect()
}

/// A claim in words.
pub(super) fn said(study: &Study, claim: &Claim) -> String {
    let all = &study.forecasts;
    let name = |i: usize| short_name(study, &all[i]);
    let metric = metric_name(study.metric);
    let value = |i: usize| {
        let unit = primary_unit(study);
        let primary = all[i]
            .primary
            .map(|p| metric_text_in(study.metric, p, unit));
        format!("{metric} {}", primary.unwrap_or_default())
    };
    let than =
        |difference: Estimate, i: usize| apart(difference, all[i].primary.unwrap_or(difference));
    let objective = |case: usize, o: usize| {
        let o = &all[case].objectives[o];
        let value = o.value.map(|v| format!(" ({})", objective_value(o, v)));
        format!("`{}`{}", o.text, value.unwrap_or_default())
    };
    let against = |case: usize, because: &Against| match because {
        Against::Fails(share) => {
            format!("fails {} of its tasks", crate::study::rare_percent(*share))
        }
        Against::Misses(o) => format!("misses {}", objective(case, *o)),
        Against::Further(o) => format!("is further off with {}", objective(case, *o)),
    };
    let ties = |tied: &[usize]| match tied {
        [] => String::new(),
        some => {
            let names: Vec<String> = some.iter().map(|&i| name(i)).collect();
            format!(
                "\nTied with it (less than 1% apart, or not to be told apart): {}.",
                list(&names)
            )
        }
    };
    match claim {
        Claim::Best { case, tied } => format!(
            "Best: {}, {}{}.{}",
            name(*case),
            value(*case),
            against_baseline(study, &all[*case]),
            ties(tied)
        ),
        Claim::Nearest {
            case,
            tied,
            further,
            objective: o,
            off,
        } => {
            let by = if off.is_finite() {
                format!(" by {}", crate::study::excess_text(*off))
            } else {
                String::new()
            };
            let further = match further.as_slice() {
                [] => String::new(),
                some => {
                    let names: Vec<String> = some.iter().map(|&i| name(i)).collect();
                    format!(
                        "\nLevel with it by {metric}, but further from the objectives: {}.",
                        list(&names)
                    )
                }
            };
            format!(
                "No strategy meets every objective. Nearest: {}, {}; it misses {}{by}.{}{further}",
                name(*case),
                value(*case),
                objective(*case, *o),
                ties(tied)
            )
        }
        Claim::Undecided { case, objectives } => {
            let texts: Vec<String> = objectives.iter().map(|&o| objective(*case, o)).collect();
            format!(
                "Undecided at this precision, and taken as met: {}.",
                list(&texts)
            )
        }
        Claim::Failing { share, .. } => format!(
            "It fails {} of its tasks: latencies and throughput are of the others.",
            crate::study::rare_percent(*share)
        ),
        Claim::Fastest {
            case,
            instead,
            costs,
            because,
        } => {
            let but = against(*case, because);
            format!(
                "{}: {}, {}, but it {but}; {} costs {} against it.",
                first_by(study.metric),
                name(*case),
                value(*case),
                name(*instead),
                than(*costs, *case)
            )
        }
        Claim::Next { case, behind, but } => {
            let take = study.answer().map_or(0, |a| a.take);
            let but = but
                .as_ref()
                .map_or(String::new(), |b| format!(", but it {}", against(*case, b)));
            format!(
                "Next: {}, {metric} {}{but}.",
                name(*case),
                than(*behind, take)
            )
        }
        Claim::DoesNotPay { sequential: true } => {
            "Concurrency does not pay here: nothing does better than sequential code.".into()
        }
        Claim::DoesNotPay { sequential: false } => {
            "Concurrency does not pay here: sequential code does about as well, or better.".into()
        }
        Claim::NoneKeepsUp { case, done } => format!(
            "No strategy keeps up with the arrivals. Most is done by {}: {} tasks/s.",
            name(*case),
            digits(*done, 3)
        ),
        Claim::NoForecast => {
            "No strategy has a forecast that means anything; see the warnings.".into()
        }
    }
}

/// `, ×11.0 against sequential (clear)`; nothing for the baseline itself.
fn against_baseline(study: &Study, f: &Forecast) -> String {
    match (f.speedup, f.reading()) {
        (Some(s), Some(r)) if study.baseline.as_deref() != Some(f.name().as_str()) => format!(
            ", ×{} against sequential ({})",
            estimate(s, Interval::IfVisible),
            r.text()
        ),
        _ => String::new(),
    }
}

/// What the first by the metric alone is called.
fn first_by(m: Metric) -> &'static str {
    match m {
        Metric::Makespan | Metric::MeanLatency | Metric::Percentile(_) => "Fastest",
        Metric::Throughput => "Most",
        Metric::Memory | Metric::Cpu | Metric::FailureRate => "Least",
    }
}

/// An objective's value in a unit of its own.
fn objective_value(o: &Judgement, value: Estimate) -> String {
    o.metric().map_or_else(
        || digits(value.mean, 3),
        |metric| metric_text(metric, value),
    )
}

/// A difference from a value: `5.2% more`, `3.40 times as much`.
fn apart(difference: Estimate, from: Estimate) -> String {
    let relative = difference.scaled(1.0 / from.mean.abs().max(f64::MIN_POSITIVE));
    if relative.mean >= 1.0 {
        return format!("{} times as much", digits(1.0 + relative.mean, 3));
    }
    let (sign, word) = if relative.mean < 0.0 {
        (-1.0, "less")
    } else {
        (1.0, "more")
    };
    let shown = estimate(relative.scaled(sign * 100.0), Interval::IfVisible);
    format!("{shown}% {word}")
}

fn table(out: &mut Text, study: &Study) {
    let grid = Grid::new(study);
    let laid = layout::table(&grid.columns, &grid.rows, out.style, out.style.verbose);
    out.lines(laid.lines);
    not_shown(out, &laid.left_out);
}

/// Which columns had no room.
pub(super) fn not_shown(out: &mut Text, titles: &[String]) {
    if !titles.is_empty() && out.style.notes {
        let which = titles.join(", ");
        out.prose(
            "  ",
            &format!("(no room for {which}: --verbose shows all columns)"),
        );
    }
}

/// Where the time of each strategy's tasks went.
fn why(out: &mut Text, study: &Study) {
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
    let several = single_interpreter(study).is_none();
    let prefix = common_prefix(study).len();
    let style = out.style;
    let fit = |text: &str| style.fit(text.to_owned());
    let names: Vec<String> = with.iter().map(|(f, _)| fit(&f.strategy_label)).collect();
    // Beside a name there must be room for a bar and some words.
    let most = (out.style.width * 3 / 10).max(16);
    let names = layout::unique(&names, most, out.style.unicode);
    let interpreters: Vec<String> = with
        .iter()
        .filter(|_| several)
        .map(|(f, _)| fit(&f.interpreter[prefix..]))
        .collect();
    let interpreters = layout::unique(&interpreters, most / 2, out.style.unicode);
    let widest = |all: &[String]| all.iter().map(|n| width(n)).max().unwrap_or(0);
    let (wide, wide_too) = (widest(&names), widest(&interpreters));
    for (i, (_, shares)) in with.iter().enumerate() {
        let mut name = padded(&names[i], wide, false);
        if let Some(interpreter) = interpreters.get(i) {
            let _ = write!(name, "  {}", padded(interpreter, wide_too, false));
        }
        let mut first = fit(&format!("  {name}  │{:WIDTH$}│ ", bar(&shares.of)));
        if width(first.trim_end()) > style.width {
            // The words say what the bar shows.
            first = layout::clipped(&fit(&format!("  {name}")), style);
        }
        let next = " ".repeat(width(&first));
        let words = shares.in_words(out.style.verbose);
        // Where the words would stand in a narrow column they go below.
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

fn objectives(out: &mut Text, study: &Study) {
    let count = study.forecasts.first().map_or(0, |f| f.objectives.len());
    if count == 0 {
        return;
    }
    let all = study.forecasts.len();
    out.line("Objectives");
    for i in 0..count {
        let of = |v: Verdict| -> Vec<&Forecast> {
            let judged = |f: &&Forecast| f.objectives[i].verdict == v;
            study.forecasts.iter().filter(judged).collect()
        };
        let (met, unsure) = (of(Verdict::Met), of(Verdict::Undecided));
        let best = match (met.is_empty(), unsure.is_empty()) {
            (false, _) => Verdict::Met,
            (true, false) => Verdict::Undecided,
            (true, true) => Verdict::Missed,
        };
        let by = match met.as_slice() {
            [] => "met by none".to_owned(),
            [only] => format!("met by {} alone", short_name(study, only)),
            _ if met.len() == all => format!("met by {}", all_of(all)),
            [first, ..] => format!(
                "met by {} of {all}, first {}",
                met.len(),
                short_name(study, first)
            ),
        };
        let unsure = match unsure.as_slice() {
            [] => String::new(),
            [only] => format!("; undecided: {}", short_name(study, only)),
            _ => format!("; undecided: {}", unsure.len()),
        };
        let text = &study.forecasts[0].objectives[i].text;
        out.prose("    ", &format!("  {} {text}: {by}{unsure}", sign(best)));
    }
    out.line("");
}

/// Latencies of each class, for workloads with several.
fn classes(out: &mut Text, study: &Study) {
    if study.forecasts.first().is_none_or(|f| f.classes.len() < 2) {
        return;
    }
    out.prose("  ", "Latency by class (p50, p95, p99 in seconds)");
    for f in &study.forecasts {
        for c in &f.classes {
            let cell = |i: usize| c.latencies[i].map_or("–".into(), |e| digits(e.mean, 3));
            let text = format!(
                "  {}, {}: {}, {}, {}",
                short_name(study, f),
                c.name,
                cell(1),
                cell(3),
                cell(4)
            );
            out.prose("      ", &text);
        }
    }
    out.line("");
}

fn warnings(out: &mut Text, study: &Study) {
    let notes = out.style.notes;
    let mut any = false;
    for w in study.warnings.iter().filter(|w| notes || !w.is_note()) {
        out.prose("  ", &format!("{}: {}", w.label(), w.text()));
        any = true;
    }
    if any {
        out.line("");
    }
}
