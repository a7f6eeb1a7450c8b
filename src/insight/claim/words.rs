//! Parts of the sentences of insights.

use super::{Coordinate, Extent};
use crate::insight::knee::Bend;
use crate::insight::metric::Quoted;
use crate::measure::Estimate;
use crate::quantity::quantity_text;
use crate::quantity::{Unit, digits, list, percent};

/// At how many values of what is given something holds, in words.
pub(super) fn how_often(count: usize, of: usize, given: &[String], side_by_side: bool) -> String {
    let (one, many) = match given {
        _ if side_by_side => ("point".to_owned(), "points".to_owned()),
        [seed] if seed == "seed" => ("seed".to_owned(), "seeds".to_owned()),
        [only] => (format!("value of {only}"), format!("values of {only}")),
        all => (
            format!("combination of {}", list(all)),
            format!("combinations of {}", list(all)),
        ),
    };
    match (count, of) {
        (0, _) => format!("at no {one}"),
        (n, of) if n == of => format!("at every {one}"),
        (n, of) => format!("at {n} of {of} {many}"),
    }
}

/// How much worse a value is, from a share: `34% higher`, `10 times as high`.
pub(super) fn costs(share: f64) -> String {
    if share >= 1.0 {
        format!("{} times as high", digits(1.0 + share, 2))
    } else {
        let side = if share < 0.0 { "lower" } else { "higher" };
        format!("{} {side}", percent(share.abs()))
    }
}

pub(super) fn at_places(at: &[Coordinate]) -> String {
    if at.is_empty() {
        String::new()
    } else {
        format!(" at {}", places(at))
    }
}

pub(super) fn share(e: Estimate) -> String {
    if e.mean == 0.0 {
        "none".into()
    } else {
        quantity_text(Unit::Share, e)
    }
}

/// What is said of failing tasks after a value, which only counts tasks that complete.
pub(super) fn failing(fails: Option<Estimate>) -> String {
    match fails {
        None => String::new(),
        Some(f) if f.mean == 0.0 => "; none of its tasks fail".into(),
        Some(f) => format!("; {} of its tasks fail", share(f)),
    }
}

pub(super) fn undecided_text(objectives: &[String]) -> String {
    if objectives.is_empty() {
        return String::new();
    }
    let quoted: Vec<String> = objectives.iter().map(|o| format!("`{o}`")).collect();
    format!("; chance decides whether it meets {}", list(&quoted))
}

pub(super) fn missed(objective: &str, excess: f64) -> String {
    if excess.is_finite() {
        format!("`{objective}` by {}", crate::quantity::excess_text(excess))
    } else {
        format!("`{objective}`")
    }
}

pub(super) fn objectives(
    cases: &[String],
    all: bool,
    where_met: &Extent,
    undecided: usize,
    of: usize,
) -> String {
    let meet = if cases.len() == 1 { "meets" } else { "meet" };
    let text = met(cases, all, where_met, meet);
    let chance = match undecided {
        0 => return text,
        n if n == of && n > 1 => "chance decides at each of them".to_owned(),
        1 if of == 1 => "chance decides there".to_owned(),
        1 => "chance decides at one of them".to_owned(),
        n => format!("chance decides at {n} of them"),
    };
    format!("{} ({chance}).", text.trim_end_matches('.'))
}

fn met(cases: &[String], all: bool, where_met: &Extent, meet: &str) -> String {
    match (where_met, all) {
        (Extent::Nowhere, true) => "No strategy meets all objectives at any point.".into(),
        (at, true) if cases.len() > 1 => {
            format!("All strategies meet all objectives {}.", at.text(true))
        }
        (at, _) => format!(
            "{} {meet} all objectives {}.",
            list(cases),
            at.text(cases.len() > 1)
        ),
    }
}

pub(super) fn stops_paying(
    cases: &[String],
    given: &[Coordinate],
    at: &Coordinate,
    last: &Coordinate,
    values: Option<&(Quoted, Quoted)>,
) -> String {
    let gain = if cases.len() == 1 { "gains" } else { "gain" };
    let numbers = values.map_or(String::new(), |(here, end)| {
        format!(" ({} there, {} at {})", here.text(), end.text(), last.text)
    });
    format!(
        "{}{} {gain} less than 5% from more than {}, up to {}{numbers}.",
        prefix(given),
        list(cases),
        at.text(),
        last.text()
    )
}

pub(super) fn knee(
    cases: &[String],
    given: &[Coordinate],
    at: &Coordinate,
    bend: Bend,
    metric: &str,
    value: Option<&Quoted>,
) -> String {
    let how = match bend {
        Bend::LevelsOff => "gains come fast up to there and slowly after it".to_owned(),
        Bend::TakesOff => format!("{metric} rises slowly up to there and fast after it"),
        Bend::BottomsOut => format!("{metric} falls fast up to there and slowly after it"),
        Bend::DropsOff => format!("{metric} holds up to there and falls fast after it"),
    };
    let value = value.map_or(String::new(), |v| format!(" ({})", v.text()));
    format!(
        "{}{}: knee at {}{value}; {how}.",
        prefix(given),
        list(cases),
        at.text()
    )
}

/// The sentence about a crossing. Things that are counted have no halves, so for these only the two values between which it lies are given.
pub(super) fn crossing(
    given: &[Coordinate],
    (before, after): (&str, &str),
    (a, b): (&Coordinate, &Coordinate),
    about: &str,
) -> String {
    let whole = |p: &Coordinate| p.counted().is_some() && p.number.is_some_and(|n| n == n.trunc());
    let end = if (whole(a) && whole(b)) || !a.beside.is_empty() {
        String::new()
    } else {
        format!(": they cross at about {about}")
    };
    format!(
        "{}{before} is better up to {}, {after} from {} on{end}.",
        prefix(given),
        a.text(),
        b.text(),
    )
}

pub(super) fn prefix(given: &[Coordinate]) -> String {
    if given.is_empty() {
        String::new()
    } else {
        format!("With {}: ", places(given))
    }
}

pub(super) fn places(at: &[Coordinate]) -> String {
    let all: Vec<String> = at.iter().map(Coordinate::text).collect();
    all.join(", ")
}
