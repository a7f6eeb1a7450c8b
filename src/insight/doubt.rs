//! Warnings about a sweep's points in words: what is doubtful, what helps, and at which values.

use std::collections::{BTreeMap, BTreeSet};

use super::find::suffix;
use super::metric::written;
use super::standings::Standings;
use crate::quantity::percent;
use crate::result::{Sweep, SweepRow, SweptAxis};
use crate::study::WarningCode;

/// Most values that are named; longer lists are cut.
const SHOWN: usize = 4;

/// Number of replications above which more take very long: the tails are long then, and more of the same tells next to nothing.
const MANY: f64 = 5_000.0;

/// The doubts, each as the code of its warning and a text with the values at which it applies. What the table or the sentences say already
/// is left out.
pub(crate) fn doubts(sweep: &Sweep) -> Vec<(&str, String)> {
    let mut points: BTreeMap<&str, BTreeSet<u64>> = BTreeMap::new();
    for row in &sweep.rows {
        for code in &row.warnings {
            points.entry(code).or_default().insert(row.point);
        }
    }
    let text = |(code, at)| {
        let known = WarningCode::ALL.iter().find(|c| c.as_str() == code);
        let what = match known {
            Some(
                WarningCode::Saturated
                | WarningCode::OutOfMemory
                | WarningCode::Deadlock
                | WarningCode::NothingCompleted
                | WarningCode::ObjectiveMissed,
            ) => return None,
            Some(WarningCode::NotConverged) => imprecise(sweep, &at),
            Some(WarningCode::FewReplications) => {
                "too few replications for intervals that can be trusted; run at least 5 (--replications 5)".into()
            }
            Some(WarningCode::WarmupUncertain) => {
                "the run is too short to tell where a warm-up ends; set `warmup` in the scenario, or simulate more arrivals".into()
            }
            Some(WarningCode::WarmupCut) => {
                "half the run was over before the `warmup` of the scenario, so less is left out; simulate more tasks to leave out all of it".into()
            }
            Some(WarningCode::EventLimit) => {
                "a simulation was stopped at its limit of events, so what it would reach is not known; raise --max-events, or simulate fewer tasks".into()
            }
            Some(WarningCode::ClockEnd) => {
                "a simulation was stopped at the end of its clock of 584 years; shorten the steps' times, or simulate fewer tasks".into()
            }
            Some(WarningCode::FailuresDiffer) => {
                "strategies fail different shares of their tasks, and metrics are of those that complete; compare the failed shares first".into()
            }
            _ => format!("`{code}`; `pchsim run` with these values says what it is about"),
        };
        Some((code, format!("{what} ({})", where_at(sweep, &at))))
    };
    points.into_iter().filter_map(text).collect()
}

/// The text about a precision that was not reached, with the option that goes on until it is: it lifts the limits of replications and
/// events. Only the case to take matters, unless all cases had to reach it; the others have the replications that show they are no better.
fn imprecise(sweep: &Sweep, at: &BTreeSet<u64>) -> String {
    let asked = sweep.header.precision;
    let standings = Standings::new(sweep);
    let wide = |row: &SweepRow| {
        let e = row.case.primary().filter(|_| row.case.is_fine())?;
        let relative = (e.high? - e.low?) / 2.0 / e.mean.abs();
        (relative > asked && relative.is_finite()).then_some((relative, row.case.replications))
    };
    let answers = at.iter().filter_map(|&p| standings.at(p));
    let answers: Vec<(f64, u32)> = answers.filter_map(|t| wide(&sweep.rows[t.row])).collect();
    let rows = sweep.rows.iter().filter(|r| at.contains(&r.point));
    let wide = if answers.is_empty() {
        rows.filter_map(wide).collect()
    } else {
        answers
    };
    let needed = wide
        .iter()
        .map(|&(relative, have)| f64::from(have) * (relative / asked) * (relative / asked))
        .fold(0.0, f64::max);
    let widest = wide.iter().map(|w| w.0).fold(0.0, f64::max);
    let reached = if widest > 0.0 {
        format!(" (the widest interval is ± {})", percent(widest))
    } else {
        String::new()
    };
    let unit = libm::pow(
        10.0,
        (libm::floor(libm::log10(needed.max(1.0))) - 1.0).max(0.0),
    );
    let long = if needed <= 0.0 {
        String::new()
    } else if needed <= MANY {
        format!(
            " (about {:.0} replications)",
            libm::ceil(needed / unit) * unit
        )
    } else {
        ", for days perhaps".into()
    };
    // A number that was asked for is not exceeded.
    let fixed = sweep
        .header
        .command
        .split(' ')
        .any(|w| w == "--replications");
    let instead = if fixed {
        " in place of --replications"
    } else {
        ""
    };
    format!(
        "the precision of {} was not reached{reached}; --precision {}{instead} goes on until it is{long}",
        percent(asked),
        written_share(asked)
    )
}

/// A share, written so that it reads back as the same number.
fn written_share(share: f64) -> String {
    let short = percent(share);
    let back = short.strip_suffix('%').and_then(|p| p.parse::<f64>().ok());
    if back.is_some_and(|p| p / 100.0 == share) {
        short
    } else {
        share.to_string()
    }
}

/// The values at which something applies: of the axis that decides it, or of all axes; long lists are cut.
fn where_at(sweep: &Sweep, at: &BTreeSet<u64>) -> String {
    let mut points: BTreeMap<u64, &SweepRow> = BTreeMap::new();
    for row in &sweep.rows {
        points.entry(row.point).or_insert(row);
    }
    let of = points.len();
    if at.len() == of {
        return "at every point".into();
    }
    let axes = &sweep.header.axes;
    let varied: Vec<usize> = (0..axes.len())
        .filter(|&a| axes[a].values.len() > 1)
        .collect();
    // An axis decides if its values at all points concerned occur at no other point.
    let decides = |&a: &usize| {
        let of = |wanted: bool| -> BTreeSet<usize> {
            let chosen = points.iter().filter(|(p, _)| at.contains(p) == wanted);
            chosen
                .filter_map(|(_, r)| r.index.get(a).copied())
                .collect()
        };
        of(true).is_disjoint(&of(false))
    };
    let zip = Standings::new(sweep).is_zip();
    let deciding: Vec<usize> = varied.iter().copied().filter(decides).collect();
    let named: Vec<usize> = match deciding.as_slice() {
        [only] if !zip => vec![*only],
        _ => varied,
    };
    let mut texts: Vec<String> = Vec::new();
    for (_, row) in points.iter().filter(|(p, _)| at.contains(p)) {
        let place: Vec<String> = named
            .iter()
            .map(|&a| name(&axes[a], row, named.len() > 1))
            .collect();
        let text = place.join(", ");
        if !texts.contains(&text) {
            texts.push(text);
        }
    }
    let cut = texts.len() > SHOWN;
    let n = texts.len();
    let shown = if cut {
        let (first, last) = (texts[..SHOWN - 1].to_vec(), texts[n - 1].clone());
        (first, Some(last))
    } else {
        (texts, None)
    };
    let separator = if named.len() > 1 { "; " } else { ", " };
    let list = match shown {
        (first, Some(last)) => format!("{}{separator}…{separator}{last}", first.join(separator)),
        (all, None) => all.join(separator),
    };
    let list = match named.as_slice() {
        [only] => format!("{} = {list}", axes[*only].label),
        _ => list,
    };
    let count = at.len();
    if cut || at.len() > 1 {
        format!("at {count} of {of} points: {list}")
    } else {
        format!("at {list}")
    }
}

/// The value of an axis at a point, preceded by the axis's name if `named`.
fn name(axis: &SweptAxis, row: &SweepRow, named: bool) -> String {
    let mut value = row.at.get(&axis.path).map(written).unwrap_or_default();
    // A bare number is followed by its unit: `rate = 400/s`.
    if value.parse::<f64>().is_ok() {
        value += suffix(axis.unit.as_deref());
    }
    if named {
        format!("{} = {value}", axis.label)
    } else {
        value
    }
}
