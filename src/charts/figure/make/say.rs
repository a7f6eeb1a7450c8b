//! What figures say: titles that state findings, made from the numbers that are drawn. Nothing is said about what is not in the figure, and
//! no more than its numbers support.

use super::cases::{Cases, PlottedCase};
use super::{CurvePoint, Measure, RankMetric};
use crate::charts::figure::ticks::value_text;
use crate::charts::figure::{Series, Stroke};
use crate::insight::shares::Shares;
use crate::measure::Estimate;
use crate::quantity::{Quantity, percent, waiting};
use crate::result::{Forecast, Status, Tier};
use crate::strategy::Cause;

/// Relative difference below which shares are about the same.
const LITTLE: f64 = 0.05;

/// Most names in a title.
const NAMES: usize = 3;

/// A list in words, at most three names: `a, b and 3 more`.
pub(super) fn names(all: &[String]) -> String {
    match all {
        [] => String::new(),
        [only] => only.clone(),
        _ if all.len() > NAMES => format!("{} and {} more", all[..2].join(", "), all.len() - 2),
        [most @ .., last] => format!("{} and {last}", most.join(", ")),
    }
}

/// The title of the comparison: which case to take, and what comes next.
pub(super) fn best(cases: &Cases<'_>, metric: &RankMetric) -> String {
    let leaders = cases.leaders();
    let value = |s: &PlottedCase<'_>| {
        let mean = s.case.primary().map_or(f64::NAN, |e| e.mean);
        value_text(metric.measure, mean)
    };
    let (Some(take), Some(answer)) = (leaders.first(), &cases.answer) else {
        let saturated = cases
            .all()
            .iter()
            .any(|s| s.case.status == Status::Saturated);
        return if saturated {
            "No strategy keeps up with the arrivals".into()
        } else {
            "No strategy has a forecast that means anything".into()
        };
    };
    let label = small(&metric.label);
    let who = names(&leaders.iter().map(|s| cases.name(s)).collect::<Vec<_>>());
    if !answer.meets {
        let verb = if leaders.len() == 1 { "is" } else { "are" };
        return format!(
            "No strategy meets every objective; {who} {verb} nearest, with {} of {}",
            with_article(&label),
            value(take)
        );
    }
    let working = cases.all().iter().filter(|s| s.case.rank.is_some()).count();
    let first = match leaders.len() {
        1 if working == 1 => format!("{who} has {} of {}", with_article(&label), value(take)),
        1 => format!(
            "{who} is best, with {} of {}",
            with_article(&label),
            value(take)
        ),
        _ => format!(
            "{who} do equally well, with {} of about {}",
            with_article(&label),
            value(take)
        ),
    };
    let next = cases
        .all()
        .iter()
        .filter(|s| s.tier == Tier::Meets && s.case.rank > take.case.rank)
        .min_by_key(|s| s.case.rank);
    match next {
        Some(next) => format!("{first}; next is {} with {}", cases.name(next), value(next)),
        None => first,
    }
}

/// The largest speed-up of the cases that work; if others are as good by rank or by value, all of them.
pub(super) fn speedup(cases: &Cases<'_>, shown: &[PlottedCase<'_>], baseline: &str) -> String {
    let gain = |s: &PlottedCase<'_>| {
        let works = !matches!(s.tier, Tier::Fails | Tier::NoForecast);
        let gain = s.case.speedup.filter(|_| works && !s.role.baseline)?;
        Some(gain.mean)
    };
    let largest = |all: &[PlottedCase<'_>]| all.iter().filter_map(gain).reduce(f64::max);
    let (top, of_all) = (largest(shown), largest(cases.all()));
    let those = of_those_shown(top == of_all);
    let Some(most) = top.filter(|&m| m > 1.0) else {
        return format!("Nothing is better than {baseline}{those}");
    };
    let text = value_text(Measure::Factor, most);
    let first = shown.iter().find(|s| gain(s) == Some(most));
    let rank = first.and_then(|s| s.case.rank);
    let tied = |s: &&PlottedCase<'_>| {
        gain(s).is_some_and(|g| {
            (rank.is_some() && s.case.rank == rank) || value_text(Measure::Factor, g) == text
        })
    };
    let all: Vec<String> = (shown.iter().filter(tied)).map(|s| cases.name(s)).collect();
    let who = names(&all);
    if all.len() > 1 {
        format!("{who} do equally well: about {text} against {baseline}{those}")
    } else {
        format!("{who} gains most: {text} against {baseline}{those}")
    }
}

/// The limitation of a superlative if not all strategies are drawn, and one that is not would be ahead.
pub(super) fn of_those_shown(of_all: bool) -> &'static str {
    if of_all { "" } else { ", of those shown" }
}

/// What the tasks of the best case spend their time on, and which case loses most to what.
pub(super) fn causes(cases: &Cases<'_>, shown: &[PlottedCase<'_>], shares: &[Shares]) -> String {
    let largest = |of: &[f64], counts: &dyn Fn(Cause) -> bool| {
        let all = Cause::ALL
            .into_iter()
            .zip(of.iter().copied())
            .filter(|(c, _)| counts(*c));
        all.reduce(|a, b| if b.1 > a.1 { b } else { a })
    };
    let lost = |of: &[f64]| largest(of, &|c| !matches!(c, Cause::Running | Cause::Io));
    let first = shown.iter().position(|s| s.role.leads()).unwrap_or(0);
    let Some((cause, share)) = shares.get(first).and_then(|s| largest(&s.of, &|_| true)) else {
        return "Where the time went".into();
    };
    let means = |i: usize| shares[i].means();
    let says = |i: usize, c: Cause, s: f64| {
        format!(
            "{} of the time of {}'s tasks is {}",
            percent(s),
            cases.name(&shown[i]),
            waiting(c, means(i))
        )
    };
    let other = (0..shown.len())
        .filter(|&i| i != first && !shown[i].role.leads())
        .filter_map(|i| lost(&shares.get(i)?.of).map(|(c, s)| (i, c, s)))
        .reduce(|a, b| if b.2 > a.2 { b } else { a })
        .filter(|(_, c, s)| *s >= 2.0 * LITTLE && (*c != cause || *s > share + LITTLE));
    match other {
        Some((i, c, s)) => format!(
            "{}; of {}'s, {} is {}",
            says(first, cause, share),
            cases.name(&shown[i]),
            percent(s),
            waiting(c, means(i))
        ),
        None => says(first, cause, share),
    }
}

/// Which cases need the least and the most memory.
pub(super) fn memory(cases: &Cases<'_>, shown: &[PlottedCase<'_>]) -> String {
    let of = |s: &PlottedCase<'_>| s.case.get(Quantity::MemoryPeak).map(|e| e.mean);
    let name = |s: &PlottedCase<'_>| cases.name(s);
    let says = least_and_most("memory", Measure::Bytes, shown, of, name);
    let ends = |all: &[PlottedCase<'_>]| {
        let values = || all.iter().filter_map(of);
        (values().reduce(f64::min), values().reduce(f64::max))
    };
    let those = of_those_shown(ends(shown) == ends(cases.all()));
    says + those
}

/// Which of some need the least and the most of something.
fn least_and_most<T>(
    what: &str,
    measure: Measure,
    all: &[T],
    of: impl Fn(&T) -> Option<f64>,
    name: impl Fn(&T) -> String,
) -> String {
    let values = || all.iter().filter_map(|t| Some((t, of(t)?)));
    let least = values().reduce(|a, b| if b.1 < a.1 { b } else { a });
    let most = values().reduce(|a, b| if b.1 > a.1 { b } else { a });
    let text = |v: f64| value_text(measure, v);
    match (least, most) {
        (Some((a, x)), Some((b, y))) if text(x) != text(y) => format!(
            "{} needs the least {what}, {}; {} the most, {}",
            name(a),
            text(x),
            name(b),
            text(y)
        ),
        (Some((a, x)), _) if values().count() == 1 => {
            format!("{} needs {} of {what}", name(a), text(x))
        }
        (Some((_, x)), _) => format!("All need about {} of {what}", text(x)),
        _ => super::capital(what),
    }
}

/// The title of percentiles: how much longer the slowest tasks of the best case take than the median.
pub(super) fn percentiles(cases: &Cases<'_>, shown: &[PlottedCase<'_>]) -> String {
    let Some(s) = shown.iter().find(|s| s.role.leads()).or(shown.first()) else {
        return "Latency percentiles".into();
    };
    let of = |q| s.case.get(q).map(|e: Estimate| e.mean);
    let name = cases.name(s);
    let half = of(Quantity::P50).map(|v| value_text(Measure::Seconds, v));
    let late = [(Quantity::P99, "p99"), (Quantity::P95, "p95")]
        .into_iter()
        .find_map(|(q, word)| Some((word, of(q)?)));
    match (half, late) {
        (Some(half), Some((word, v))) => format!(
            "{name}: half of the tasks within {half}, {word} is {}",
            value_text(Measure::Seconds, v)
        ),
        (Some(half), None) => format!("{name}: half of the tasks within {half}"),
        _ => format!("Latency percentiles of {name}"),
    }
}

/// The latency that a share of a case's tasks does not exceed, from the points of the distribution.
fn quantile(case: &Forecast, share: f64) -> Option<f64> {
    let all = case.detail.latency_quantiles.as_deref()?;
    all.iter().find(|(s, _)| *s >= share).map(|q| q.1)
}

/// The title of a distribution: when half and nearly all tasks of the best case are done, and those of the slowest case shown.
pub(super) fn distribution(cases: &Cases<'_>, shown: &[PlottedCase<'_>], share: f64) -> String {
    let values = || {
        shown
            .iter()
            .filter_map(|s| Some((s, quantile(s.case, share)?)))
    };
    let who = if share > 0.5 {
        format!("{} of the tasks", percent(share))
    } else {
        "Half of the tasks".into()
    };
    let text = |v: f64| value_text(Measure::Seconds, v);
    let least = values().reduce(|a, b| if b.1 < a.1 { b } else { a });
    let most = values().reduce(|a, b| if b.1 > a.1 { b } else { a });
    match (least, most) {
        (Some((a, x)), Some((b, y))) if text(x) != text(y) => format!(
            "{who} take up to {} under {}, up to {} under {}",
            text(x),
            cases.name(a),
            text(y),
            cases.name(b)
        ),
        (Some((a, x)), _) if values().count() == 1 => {
            format!("{who} take up to {} under {}", text(x), cases.name(a))
        }
        (Some((_, x)), _) => format!("{who} take up to {} under every strategy shown", text(x)),
        _ => "Distribution of latencies".into(),
    }
}

/// What stands out in courses over time.
pub(super) struct Standout {
    /// Name of the case that stands out.
    pub name: String,
    /// The largest value, or the largest mean.
    pub value: String,
    /// When the largest value is reached.
    pub at: String,
    /// If there are other cases: `, the most of all`, or that they do not differ.
    pub of_all: &'static str,
}

/// Finds which course over time has the largest value, and when (`peak`), or the largest mean. `part` tells that there are others, which
/// are not shown.
pub(super) fn course(
    series: &[Series],
    measure: Measure,
    peak: bool,
    part: bool,
) -> Option<Standout> {
    let of = |s: &Series| -> Option<(f64, f64)> {
        let mut dots: Vec<(f64, f64)> = s.dots.iter().filter_map(|d| Some((d.x, d.y?))).collect();
        if peak {
            return dots
                .into_iter()
                .reduce(|a, b| if b.1 > a.1 { b } else { a });
        }
        // Steps have equal lengths; the last dot only ends the last step.
        if dots.len() > 1 {
            dots.pop();
        }
        let mean = dots.iter().map(|d| d.1).sum::<f64>() / dots.len() as f64;
        (!dots.is_empty()).then_some((0.0, mean))
    };
    let courses = series.iter().filter(|s| s.stroke != Stroke::Reference);
    let all: Vec<(&Series, (f64, f64))> = courses.filter_map(|s| Some((s, of(s)?))).collect();
    let most = all
        .iter()
        .copied()
        .reduce(|a, b| if b.1.1 > a.1.1 { b } else { a });
    most.map(|(s, (at, value))| {
        let text = value_text(measure, value);
        let alike = |o: &&(&Series, (f64, f64))| value_text(measure, o.1.1) == text;
        Standout {
            name: s.name.clone(),
            at: value_text(Measure::Seconds, at),
            of_all: match all.iter().filter(alike).count() {
                _ if all.len() < 2 => "",
                1 if part => ", the most of those shown",
                1 => ", the most of all",
                _ => "; others reach as much",
            },
            value: text,
        }
    })
}

/// The largest or smallest value of all curves, with its curve and point.
pub(super) fn extreme(series: &[Series], most: bool) -> Option<(&Series, CurvePoint, f64)> {
    let dots = series
        .iter()
        .filter(|s| s.stroke != Stroke::Reference)
        .flat_map(|s| s.dots.iter().map(move |d| (s, *d)))
        .filter_map(|(s, d)| Some((s, d, d.y.filter(|y| y.is_finite())?)));
    dots.reduce(|a, b| {
        let ahead = if most { b.2 > a.2 } else { b.2 < a.2 };
        if ahead { b } else { a }
    })
}

/// The text with a small first letter, unless it begins with an abbreviation.
pub(super) fn small(text: &str) -> String {
    let mut chars = text.chars();
    let (first, second) = (chars.next(), text.chars().nth(1));
    match first {
        Some(c) if !second.is_some_and(char::is_uppercase) => {
            c.to_lowercase().chain(chars).collect()
        }
        _ => text.to_owned(),
    }
}

pub(super) fn with_article(noun: &str) -> String {
    let vowel = noun.starts_with(['a', 'e', 'i', 'o', 'u']);
    format!("{} {noun}", if vowel { "an" } else { "a" })
}
