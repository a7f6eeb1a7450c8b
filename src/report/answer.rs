//! The answer of a study in words: its claims, and which case meets which objective. The terminal, the page and Markdown share these
//! sentences.

use super::comparison::{primary_unit, short_name};
use crate::layout::words::Words;
use crate::measure::Estimate;
use crate::quantity::{
    IntervalDisplay, all_of, digits, estimate, excess_text, list, metric_name, metric_text,
    metric_text_in, rare_percent, signed_estimate,
};
use crate::result::{Claim, Drawback, Forecast, Judgement, Study, Verdict};
use crate::scenario::Metric;

/// The answer of a study, the most important line first.
pub(crate) fn answer(study: &Study) -> Vec<Words> {
    let claims = study.claims();
    claims.iter().flat_map(|c| said(study, c)).collect()
}

/// A claim in words.
fn said(study: &Study, claim: &Claim) -> Vec<Words> {
    let all = &study.forecasts;
    let name = |i: usize| short_name(study, &all[i]);
    let names = |of: &[usize]| of.iter().map(|&i| name(i)).collect::<Vec<_>>();
    let metric = metric_name(study.metric);
    let value = |i: usize| {
        let unit = primary_unit(study);
        let primary = all[i].primary();
        let primary = primary.map(|p| metric_text_in(study.metric, p, unit));
        format!("{metric} {}", primary.unwrap_or_default())
    };
    let than =
        |difference: Estimate, i: usize| apart(difference, all[i].primary().unwrap_or(difference));
    let objective = |case: usize, o: usize| {
        let o = &all[case].objectives[o];
        let value = o.value.map(|v| format!(" ({})", objective_value(o, v)));
        format!("`{}`{}", o.text, value.unwrap_or_default())
    };
    let against = |case: usize, because: &Drawback| match because {
        Drawback::Fails(share) => format!("fails {} of its tasks", rare_percent(*share)),
        Drawback::Misses(o) => format!("misses {}", objective(case, *o)),
        Drawback::Further(o) => format!("is further off with {}", objective(case, *o)),
    };
    let text = |text: &str| Words::default().text(text);
    let ties = |tied: &[usize]| {
        let told = "Tied with it (less than 1% apart, or not to be told apart): ";
        (!tied.is_empty()).then(|| text(told).names(&names(tied)).text("."))
    };
    match claim {
        Claim::Best { case, tied } => {
            let compared = against_baseline(study, &all[*case]);
            let best = text("Best: ")
                .name(name(*case))
                .text(format!(", {}{compared}.", value(*case)));
            std::iter::once(best).chain(ties(tied)).collect()
        }
        Claim::Nearest {
            case,
            tied,
            further,
            objective: o,
            off,
        } => {
            let by = if off.is_finite() {
                format!(" by {}", excess_text(*off))
            } else {
                String::new()
            };
            let nearest = text("No strategy meets every objective. Nearest: ")
                .name(name(*case))
                .text(format!(
                    ", {}; it misses {}{by}.",
                    value(*case),
                    objective(*case, *o)
                ));
            let told = format!("Level with it by {metric}, but further from the objectives: ");
            let level = (!further.is_empty()).then(|| text(&told).names(&names(further)).text("."));
            let lines = std::iter::once(nearest).chain(ties(tied));
            lines.chain(level).collect()
        }
        Claim::Undecided { case, objectives } => {
            let texts: Vec<String> = objectives.iter().map(|&o| objective(*case, o)).collect();
            let texts = list(&texts);
            vec![text(&format!(
                "Undecided at this precision, and taken as met: {texts}."
            ))]
        }
        Claim::Failing { share, .. } => vec![text(&format!(
            "It fails {} of its tasks: latencies and throughput are of the others.",
            rare_percent(*share)
        ))],
        Claim::Fastest {
            case,
            instead,
            costs,
            because,
        } => vec![
            text(&format!("{}: ", first_by(study.metric)))
                .name(name(*case))
                .text(format!(
                    ", {}, but it {}; ",
                    value(*case),
                    against(*case, because)
                ))
                .name(name(*instead))
                .text(format!(" costs {} against it.", than(*costs, *case))),
        ],
        Claim::Next { case, behind, but } => {
            let take = study.answer().map_or(0, |a| a.take);
            let but = but.as_ref();
            let but = but.map_or(String::new(), |b| format!(", but it {}", against(*case, b)));
            vec![
                text("Next: ")
                    .name(name(*case))
                    .text(format!(", {metric} {}{but}.", than(*behind, take))),
            ]
        }
        Claim::DoesNotPay { sequential: true } => vec![text(
            "Concurrency does not pay here: nothing does better than sequential code.",
        )],
        Claim::DoesNotPay { sequential: false } => vec![text(
            "Concurrency does not pay here: sequential code does about as well, or better.",
        )],
        Claim::NoneKeepsUp { case, done } => vec![
            text("No strategy keeps up with the arrivals. Most is done by ")
                .name(name(*case))
                .text(format!(": {} tasks/s.", digits(*done, 3))),
        ],
        Claim::NoForecast => vec![text(
            "No strategy has a forecast that means anything; see the warnings.",
        )],
    }
}

/// The speed-up of a case in words: `, ×11.0 against sequential (clear)`; empty for the baseline itself.
fn against_baseline(study: &Study, f: &Forecast) -> String {
    match (f.speedup, f.reading) {
        (Some(s), Some(r)) if study.baseline.as_deref() != Some(f.name().as_str()) => format!(
            ", ×{} against sequential ({})",
            estimate(s, IntervalDisplay::IfVisible),
            r.text()
        ),
        _ => String::new(),
    }
}

/// The adjective for the best case by a metric.
fn first_by(m: Metric) -> &'static str {
    match m {
        Metric::Makespan | Metric::MeanLatency | Metric::Percentile(_) | Metric::Worst(_) => {
            "Fastest"
        }
        Metric::Throughput => "Most",
        Metric::Memory | Metric::Cpu | Metric::FailureRate => "Least",
    }
}

/// The value of an objective's metric, in the unit that suits it best.
fn objective_value(o: &Judgement, value: Estimate) -> String {
    o.metric().map_or_else(
        || digits(value.mean, 3),
        |metric| metric_text(metric, value),
    )
}

/// A difference relative to a value, in words: `5.2% more`, `3.40 times as much`.
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
    let shown = signed_estimate(relative.scaled(sign * 100.0), IntervalDisplay::IfVisible);
    format!("{shown}% {word}")
}

/// An objective, and the cases that meet it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct ObjectiveVerdict {
    /// Text of the objective, as it was written.
    pub text: String,
    /// The best verdict of any case.
    pub verdict: Verdict,
    /// The cases with that verdict, in words.
    pub by: Words,
}

/// The objectives of a study, and the cases that meet them.
pub(crate) fn judged(study: &Study) -> Vec<ObjectiveVerdict> {
    let count = study.forecasts.first().map_or(0, |f| f.objectives.len());
    let all = study.forecasts.len();
    let name = |f: &Forecast| short_name(study, f);
    let one = |i: usize| {
        let of = |v: Verdict| -> Vec<&Forecast> {
            let judged = |f: &&Forecast| f.objectives.get(i).is_some_and(|o| o.verdict == v);
            study.forecasts.iter().filter(judged).collect()
        };
        let (met, unsure) = (of(Verdict::Met), of(Verdict::Undecided));
        let words = Words::default();
        let by = match met.as_slice() {
            [] => words.text("met by none"),
            [only] => words.text("met by ").name(name(only)).text(" alone"),
            _ if met.len() == all => words.text(format!("met by {}", all_of(all))),
            [first, ..] => words
                .text(format!("met by {} of {all}, first ", met.len()))
                .name(name(first)),
        };
        let by = match unsure.as_slice() {
            [] => by,
            [only] => by.text("; undecided: ").name(name(only)),
            _ => by.text(format!("; undecided: {}", unsure.len())),
        };
        ObjectiveVerdict {
            text: study.forecasts[0].objectives[i].text.clone(),
            verdict: match (met.is_empty(), unsure.is_empty()) {
                (false, _) => Verdict::Met,
                (true, false) => Verdict::Undecided,
                (true, true) => Verdict::Missed,
            },
            by,
        }
    };
    (0..count).map(one).collect()
}
