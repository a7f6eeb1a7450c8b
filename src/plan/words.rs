//! What a plan says in words, made from its figures.

use super::load::LoadUnit;
use super::look::{Lack, Seen};
use super::search::{Hopeless, Track};
use crate::measure::Estimate;
use crate::quantity::{
    Quantity, Unit, counted, digits, metric_text, metric_title, percent, quantity_text,
};
use crate::result::Status;
use crate::scenario::{Metric, Objective};

/// A load with its unit: `500/s`, `200 users`.
pub(crate) fn load_text(load: f64, unit: LoadUnit) -> String {
    match unit {
        LoadUnit::PerSecond => format!("{}/s", short(load)),
        LoadUnit::Users => {
            let users = libm::round(load);
            let word = if users == 1.0 { "user" } else { "users" };
            format!("{users} {word}")
        }
    }
}

/// A strategy with what was chosen of its connection pools: `asyncio with 2x the connections`.
pub(crate) fn with_connections(strategy: &str, pool_factor: u32) -> String {
    match pool_factor {
        0 | 1 => strategy.to_owned(),
        n => format!("{strategy} with {n}x the connections"),
    }
}

/// A number with at most three digits that matter, and no zeros behind the point.
pub(crate) fn short(value: f64) -> String {
    let text = digits(value, 3);
    if text.contains('.') {
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        text
    }
}

/// An amount of money: `120 EUR`, `4.5 EUR`, `0.012 EUR`.
pub(crate) fn money(amount: f64, currency: &str) -> String {
    let number = if amount >= 1000.0 {
        format!("{amount:.0}")
    } else if amount >= 10.0 {
        let text = format!("{amount:.2}");
        text.trim_end_matches('0').trim_end_matches('.').to_owned()
    } else {
        short(amount)
    };
    format!("{number} {currency}")
}

/// So many machines of a kind: `3 x 2cpu/4GiB`.
pub(crate) fn machines_text(machines: u32, kind: &str) -> String {
    format!("{machines} x {kind}")
}

/// What is lacking, in words: `p99 latency is 312 ± 8 ms (p99 < 200ms)`.
pub(super) fn lack_text(seen: &Seen, objectives: &[Objective]) -> String {
    let after = if seen.after_loss {
        "after the loss: "
    } else {
        ""
    };
    format!("{after}{}", lack(seen, objectives))
}

fn lack(seen: &Seen, objectives: &[Objective]) -> String {
    match &seen.lack {
        None => "holds".into(),
        Some(Lack::Refused(why)) => why.clone(),
        Some(Lack::Grows(times)) => {
            let now = seen.forecast.primary();
            let now = now.map_or(String::new(), |l| {
                format!(" ({} by then)", quantity_text(Unit::Seconds, l))
            });
            format!("runs of {times} times the usual length still do not settle{now}")
        }
        Some(Lack::Status(status)) => status_text(*status, seen),
        Some(Lack::Misses {
            objective, value, ..
        }) => missed_text(&objectives[*objective], *value),
    }
}

fn missed_text(o: &Objective, value: Option<Estimate>) -> String {
    let is = value.map_or_else(
        || "has no value".into(),
        |v| format!("is {}", metric_text(o.metric, v)),
    );
    let verdict = match value {
        Some(v) if o.below && v.low() < o.bound && v.high() >= o.bound => ", not surely held",
        Some(v) if !o.below && v.high() > o.bound && v.low() <= o.bound => ", not surely held",
        _ => "",
    };
    format!("{} {is} ({}{verdict})", metric_title(o.metric), o.text)
}

fn status_text(status: Status, seen: &Seen) -> String {
    let done = seen.mean(Quantity::Throughput);
    match (status, done) {
        (Status::Saturated, Some(done)) => {
            format!(
                "saturated: completes {} of {}/s",
                short(done),
                short(seen.load)
            )
        }
        _ => status.name().to_owned(),
    }
}

/// How a candidate fared, in words.
pub(super) fn fared(
    track: &Track,
    cheapest: Option<f64>,
    taken: bool,
    objectives: &[Objective],
    currency: &str,
) -> String {
    if taken {
        return "taken".into();
    }
    let last = track.last.as_ref().map(|(n, seen)| {
        let on = counted(u64::from(*n), "machine");
        format!("{} on {on}", lack_text(seen, objectives))
    });
    match (&track.hopeless, track.hi) {
        (Some(Hopeless::Alone), _) => {
            let why = track.last.as_ref().map(|(_, s)| lack_text(s, objectives));
            format!(
                "even next to no load is not borne: {}",
                why.unwrap_or_default()
            )
        }
        (Some(Hopeless::Shared), _) => {
            format!("more machines are no help: {}", last.unwrap_or_default())
        }
        (Some(Hopeless::Workers), _) => "has no worker left on a machine after the loss".into(),
        (Some(Hopeless::TooMany), _) => match last {
            Some(last) => format!("more machines would be needed than are tried: {last}"),
            None => "its tasks alone need more machines than are tried".into(),
        },
        (None, Some(hi)) => {
            let cost = track.costs(hi);
            match cheapest {
                Some(c) if cost > c * (1.0 + 1e-9) => {
                    format!("holds, and costs {} more", money(cost - c, currency))
                }
                _ => "holds at the same cost, and is no better".into(),
            }
        }
        (None, None) => match last {
            Some(last) => format!("cannot be cheaper: {last}"),
            None => format!(
                "its tasks alone need {}: {} at least",
                counted(u64::from(track.bound), "machine"),
                money(track.costs(track.bound), currency)
            ),
        },
    }
}

/// A latency in words.
pub(super) fn latency_text(metric: Metric, value: Estimate) -> String {
    format!("{} of {}", metric_title(metric), metric_text(metric, value))
}

/// A share in words, where it is worth one.
pub(super) fn share_text(share: f64) -> String {
    percent(share)
}
