//! The statements about a comparison in words.

use crate::contrast::{
    AnswerChange, CasePair, Contrast, Point, Row, RowPlace, RowVerdict, Said, Tally,
};
use crate::insight::names::Names;
use crate::layout::words::Words;
use crate::measure::{Change, Estimate};
use crate::quantity::{
    Unit, counted, digits, metric_name, metric_text, metric_text_in, metric_title, quantity_text,
    unit_of, whole,
};
use crate::result::{Forecast, Status, Verdict};
use crate::scenario::Metric;

/// Growth from which on a factor says more than a percentage.
const FACTOR: f64 = 1.5;

/// The change as a text: `+12%`, `-0.4%`, `×2.5`, `+1.2 points`.
pub(super) fn change_text(metric: Metric, change: &Change, value: f64) -> String {
    if metric.unit() == Unit::Share {
        return format!("{} points", signed(value * 100.0));
    }
    if !change.is_ratio() {
        let bare = Estimate::new(value, None, value, 0);
        let sign = if value > 0.0 { "+" } else { "" };
        return format!("{sign}{}", quantity_text(metric.unit(), bare));
    }
    if value >= FACTOR {
        format!("×{}", digits(1.0 + value, 3))
    } else {
        format!("{}%", signed(value * 100.0))
    }
}

/// A percentage with its sign: two decimals below 1, one from there on; what rounds to nothing has no sign.
fn signed(percent: f64) -> String {
    let decimals = if percent.abs() < 1.0 { 2 } else { 1 };
    let text = format!("{percent:+.decimals$}");
    let nothing = text.bytes().all(|b| !b.is_ascii_digit() || b == b'0');
    if nothing { "0".into() } else { text }
}

/// The interval of a change as a text: `+10% to +14%`.
pub(super) fn interval_text(metric: Metric, change: &Change) -> Option<String> {
    let (low, high) = change.interval()?;
    let end = |v| change_text(metric, change, v);
    let (low, high) = (end(low), end(high));
    // Both ends are points.
    let low = low.strip_suffix(" points").unwrap_or(&low).to_owned();
    Some(format!("{low} to {high}"))
}

/// Whoever puts a comparison into words: it, and how its cases are called.
pub(super) struct Sayer<'a> {
    all: &'a Contrast,
    names: Names,
}

impl<'a> Sayer<'a> {
    pub(super) fn of(all: &'a Contrast) -> Self {
        let names = names(all);
        Self { all, names }
    }
}

/// The names of the cases of a comparison, as short as they are told apart.
pub(super) fn names(all: &Contrast) -> Names {
    let pairs = all.points.iter().flat_map(|p| &p.cases);
    Names::of(pairs.flat_map(|c| [&c.a, &c.b]))
}

/// Short name of a case, with that in B where it is another one.
pub(super) fn case_name(names: &Names, pair: &CasePair) -> String {
    let (a, b) = (names.short(&pair.a), names.short(&pair.b));
    if a == b { a } else { format!("{a} / {b}") }
}

/// The case of a row, with its point in a sweep.
fn whose(by: &Sayer<'_>, point: usize, case: usize) -> Words {
    let all = by.all;
    let p = &all.points[point];
    let words = Words::default().name(case_name(&by.names, &p.cases[case]));
    if p.at.is_empty() {
        words
    } else {
        words.text(format!(" at {}", p.name()))
    }
}

fn joined(first: Words, then: Words) -> Words {
    Words([first.0, then.0].concat())
}

/// A statement in words: a sentence with its full stop.
pub(super) fn said(by: &Sayer<'_>, said: &Said) -> Words {
    let all = by.all;
    let text = |t: &str| Words::default().text(t);
    match said {
        Said::Nothing => text(&format!(
            "Nothing differs: {} that both results have are the same to the last digit.",
            match all.rows().count() {
                1 => "the one number".to_owned(),
                n => format!("all {n} numbers"),
            }
        )),
        Said::Most(place) => most(by, *place),
        Said::NoneReal => text("Nothing that was compared is really better or worse in B."),
        Said::Tally(tally) => text(&tally_text(tally)),
        Said::Answer { point, change } => answer(by, *point, *change),
        Said::Answers { changed, of } => answers(by, changed, *of),
        Said::Status { point, case } => {
            let pair = &all.points[*point].cases[*case];
            let (a, b) = (pair.a.status, pair.b.status);
            let end = format!(" {} in A, {} in B.", is(a), is(b));
            whose(by, *point, *case).text(end)
        }
        Said::Objective {
            point,
            case,
            objective,
        } => {
            let o = &all.points[*point].cases[*case].objectives[*objective];
            let verb = |v: Verdict| match v {
                Verdict::Met => "meets",
                Verdict::Missed => "misses",
                Verdict::Undecided => "may meet or miss",
            };
            whose(by, *point, *case)
                .text(format!(" {} ", verb(o.a)))
                .name(&o.text)
                .text(format!(" in A, {} it in B.", verb(o.b)))
        }
        Said::Unclear {
            metric,
            rows,
            hardest,
            needed,
        } => unclear(by, *metric, *rows, *hardest, *needed),
    }
}

fn is(s: Status) -> String {
    match s {
        Status::Fine => "works".into(),
        Status::Saturated => "is saturated".into(),
        Status::OutOfMemory => "runs out of memory".into(),
        Status::Deadlock => "deadlocks".into(),
        Status::EventLimit => "was stopped at the event limit".into(),
        Status::ClockEnd => "runs beyond the clock's end".into(),
        Status::Crashed => "crashes".into(),
        Status::NothingCompleted => "completes nothing".into(),
        Status::Unsupported => "is unsupported".into(),
    }
}

/// How a row was compared: the replications.
fn replications(row: &Row) -> String {
    let (Some(a), Some(b), Some(change)) = (row.a, row.b, row.change) else {
        return String::new();
    };
    if change.is_paired() {
        format!("in {}", counted(a.n.min(b.n).into(), "pair"))
    } else if a.n == b.n {
        format!("{} each", counted(a.n.into(), "replication"))
    } else {
        format!("{} and {} replications", a.n, b.n)
    }
}

/// The change with its interval: `+12%, 95% interval +10% to +14%`.
fn change_and_interval(row: &Row) -> String {
    let Some(change) = &row.change else {
        return String::new();
    };
    let value = change_text(row.metric, change, change.value());
    match interval_text(row.metric, change) {
        Some(interval) => format!("{value}, 95% interval {interval}"),
        None => value,
    }
}

fn most(by: &Sayer<'_>, place: RowPlace) -> Words {
    let all = by.all;
    let row = all.row(place);
    let (start, verb) = match (row.verdict, row.a.zip(row.b)) {
        (RowVerdict::Better, Some((a, b))) => ("Better", rises(a, b)),
        (_, Some((a, b))) => ("Worse", rises(a, b)),
        (_, None) => ("Worse", "changes"),
    };
    let values = row.a.zip(row.b).map(|(a, b)| {
        let unit = unit_of(row.metric.unit(), [a.mean, b.mean].into_iter());
        let text = |e: Estimate| metric_text_in(row.metric, e.with_half(None), unit);
        format!("from {} to {}", text(a), text(b))
    });
    let start = Words::default().text(format!("{start}: {} of ", metric_title(row.metric)));
    joined(start, whose(by, place.point, place.case)).text(format!(
        " {verb} {} ({}; {}).",
        values.unwrap_or_default(),
        change_and_interval(row),
        replications(row)
    ))
}

fn rises(a: Estimate, b: Estimate) -> &'static str {
    if b.mean > a.mean { "rises" } else { "falls" }
}

fn tally_text(tally: &Tally) -> String {
    let all: usize = tally.0.iter().sum();
    let words = |v: RowVerdict| match v {
        RowVerdict::Better => "better",
        RowVerdict::Worse => "worse",
        RowVerdict::Negligible => "too small to matter",
        RowVerdict::Unclear => "not to be told apart from chance",
        RowVerdict::Same => "the same to the last digit",
        RowVerdict::Unknown => "of a single replication",
        RowVerdict::Lost => "without a value in B",
        RowVerdict::Gained => "without a value in A",
    };
    let parts = RowVerdict::ALL.into_iter().filter(|v| tally.of(*v) > 0);
    let parts: Vec<String> = parts
        .map(|v| format!("{} {}", tally.of(v), words(v)))
        .collect();
    format!(
        "Of {}: {}.",
        counted(all as u64, "compared number"),
        parts.join(", ")
    )
}

fn answer(by: &Sayer<'_>, point: usize, change: AnswerChange) -> Words {
    let all = by.all;
    let p = &all.points[point];
    let name = |full: &Option<String>| short(by, full.as_deref().unwrap_or("none"));
    let (a, b) = (name(&p.take_a), name(&p.take_b));
    let text = |t: &str| Words::default().text(t);
    match change {
        AnswerChange::Same => text("The case to take is the same in both: ")
            .name(a)
            .text(format!("{}.", told(by, p))),
        AnswerChange::Level => text("The case to take is ")
            .name(a)
            .text(" in A and ")
            .name(b)
            .text(" in B, but in one of them the two are as good as each other."),
        AnswerChange::Changed => {
            let value = |side: fn(&CasePair) -> &Forecast, full: &Option<String>| {
                let mut cases = p.cases.iter().map(side);
                let taken = cases.find(|f| Some(f.name()) == *full);
                let value = taken.and_then(Forecast::primary);
                value.map_or_else(String::new, |e| {
                    let metric = all.metric();
                    format!(" ({} {})", metric_name(metric), metric_text(metric, e))
                })
            };
            text("The case to take changes: ")
                .name(a)
                .text(format!(" in A{}, ", value(|c| &c.a, &p.take_a)))
                .name(b)
                .text(format!(" in B{}.", value(|c| &c.b, &p.take_b)))
        }
        AnswerChange::Lost => text("In B no case has a forecast any more; in A ")
            .name(a)
            .text(" was the one to take."),
        AnswerChange::Gained => text("In A no case has a forecast; in B ")
            .name(b)
            .text(" is the one to take."),
        AnswerChange::None => text("No case has a forecast in either result."),
    }
}

/// What became of the deciding metric of the case to take: `, whose p95 is 12% worse`.
fn told(by: &Sayer<'_>, p: &Point) -> String {
    let all = by.all;
    let taken = |c: &&CasePair| Some(c.a.name()) == p.take_a && Some(c.b.name()) == p.take_b;
    let pair = p.cases.iter().find(taken);
    let row = pair.and_then(|c| c.rows.iter().find(|r| r.metric == all.metric()));
    let Some((row, change)) = row.and_then(|r| Some((r, r.change.as_ref()?))) else {
        return String::new();
    };
    let name = metric_name(row.metric);
    let by = change_text(row.metric, change, change.value());
    match row.verdict {
        RowVerdict::Same => format!(", with the same {name}"),
        RowVerdict::Better => format!(", with a better {name} ({by})"),
        RowVerdict::Worse => format!(", with a worse {name} ({by})"),
        RowVerdict::Negligible => {
            format!(", with a change of {name} that is too small to matter ({by})")
        }
        RowVerdict::Unclear | RowVerdict::Unknown => {
            format!(", with a change of {name} that may be chance ({by})")
        }
        RowVerdict::Lost | RowVerdict::Gained => String::new(),
    }
}

/// A case's full name as short as the others are.
fn short(by: &Sayer<'_>, full: &str) -> String {
    match full.rsplit_once(" on ") {
        Some((strategy, interpreter)) => by.names.of_parts(strategy, interpreter),
        None => full.to_owned(),
    }
}

fn answers(by: &Sayer<'_>, changed: &[usize], of: usize) -> Words {
    /// Most points that are named.
    const MOST: usize = 4;
    let all = by.all;
    let text = |t: String| Words::default().text(t);
    if changed.is_empty() {
        return text(match of {
            1 => "The case to take is the same at the one point that both have.".to_owned(),
            n => format!(
                "The case to take is the same, or as good, at all {n} points that both have."
            ),
        });
    }
    let mut words = text(format!(
        "The case to take changes at {} of {}: ",
        changed.len(),
        counted(of as u64, "point")
    ));
    for (i, point) in changed.iter().take(MOST).enumerate() {
        let p = &all.points[*point];
        let name = |full: &Option<String>| short(by, full.as_deref().unwrap_or("none"));
        let separator = if i > 0 { "; " } else { "" };
        words = words
            .text(format!("{separator}{}: ", p.name()))
            .name(name(&p.take_a))
            .text(" to ")
            .name(name(&p.take_b));
    }
    let more = changed.len().saturating_sub(MOST);
    if more > 0 {
        words = words.text(format!("; and {more} more"));
    }
    words.text(".")
}

fn unclear(
    by: &Sayer<'_>,
    metric: Option<Metric>,
    rows: usize,
    hardest: RowPlace,
    needed: Option<u32>,
) -> Words {
    let all = by.all;
    let row = all.row(hardest);
    let what = match (rows, metric) {
        (1, _) => format!("{} of ", metric_name(row.metric)),
        (n, Some(m)) => format!("{n} differences of {}, hardest ", metric_name(m)),
        (n, None) => format!("{n} differences, hardest {} of ", metric_name(row.metric)),
    };
    let start = Words::default().text(format!("Not to be told apart: {what}"));
    let start = joined(start, whose(by, hardest.point, hardest.case));
    let start = start.text(format!(
        " ({}; {})",
        change_and_interval(row),
        replications(row)
    ));
    let change = row.change.map_or(0.0, |c| c.value().abs());
    let told = change.max(row.matters());
    let size = row
        .change
        .as_ref()
        .map_or_else(String::new, |c| change_text(row.metric, c, told));
    let size = size.trim_start_matches('+');
    start.text(match needed {
        Some(n) => format!(
            ". About {} replications of each would tell a difference of {size} four times in five (--replications {n}).",
            whole(f64::from(n))
        ),
        None => ". No number of replications that is within reach would tell a difference of that size.".to_owned(),
    })
}
