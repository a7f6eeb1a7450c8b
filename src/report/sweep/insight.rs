//! What stands out in a sweep, as data and in words. How each is found is in `find.rs`, and for users in `docs/sweeps.md`.

use super::knee::Bend;
use super::metric::Quoted;
use crate::study::{digits, list, percent};

/// A value of an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Place {
    /// The axis' name for people (`cores`).
    pub axis: String,
    /// The value as it was written.
    pub text: String,
    /// The value as a number; `None` for words.
    pub number: Option<f64>,
}

impl Place {
    /// `8 cores`, `rate = 200`.
    pub fn text(&self) -> String {
        match self.counted() {
            Some(one) if self.number == Some(1.0) => format!("{} {one}", self.text),
            Some(_) => format!("{} {}", self.text, self.axis),
            None => format!("{} = {}", self.axis, self.text),
        }
    }

    /// The singular of what the axis counts, if it counts things.
    fn counted(&self) -> Option<&str> {
        const PLURALS: [&str; 6] = [
            "cores",
            "workers",
            "processes",
            "threads",
            "tasks",
            "replicas",
        ];
        let plural = self.number.is_some() && PLURALS.contains(&self.axis.as_str());
        plural.then(|| match self.axis.as_str() {
            "processes" => "process",
            other => &other[..other.len() - 1],
        })
    }
}

/// Something that stands out. Strategies are called as the table's columns call them, but for [`Insight::Best`].
#[derive(Clone, Debug, PartialEq)]
pub enum Insight {
    /// The best case of the best point.
    Best {
        /// The case as its row names it.
        case: String,
        /// Where it is, on every axis.
        at: Vec<Place>,
        /// Its value.
        value: Quoted,
        /// How many others are as good at that point.
        tied: usize,
        /// Where loads are swept: the name of the load, of which this is the largest with numbers.
        load: Option<String>,
    },
    /// As good as the best, with less of a resource.
    AsGoodForLess {
        /// The case as its row names it.
        case: String,
        /// How much it needs.
        at: Place,
        /// Its value.
        value: Quoted,
    },
    /// Where strategies meet all objectives.
    Objectives {
        /// The strategies.
        cases: Vec<String>,
        /// Whether these are all that there are.
        all: bool,
        /// The points at which they do.
        where_met: Extent,
    },
    /// Strategies that are best, or as good as the best, at every point.
    BestThroughout {
        /// The strategies.
        cases: Vec<String>,
        /// Whether they are merely as good at some of the points.
        tied: bool,
    },
    /// One strategy overtakes another.
    CrossOver {
        /// Best before.
        before: String,
        /// Best after.
        after: String,
        /// What else is fixed.
        given: Vec<Place>,
        /// The last value at which the one is significantly better, and the first at which the other is.
        between: (Place, Place),
        /// About where the curves meet, on the axis.
        about: f64,
        /// What follows that number: the unit of the axis, or nothing.
        unit: &'static str,
    },
    /// More of a resource gains less than 5 % from here on.
    StopsPaying {
        /// The strategies.
        cases: Vec<String>,
        /// What else is fixed.
        given: Vec<Place>,
        /// The smallest value that is enough.
        at: Place,
        /// The largest value that was swept.
        last: Place,
        /// Value there and at the end; of a single strategy.
        values: Option<(Quoted, Quoted)>,
    },
    /// The last step of a resource still gained 5 % or more.
    StillPays {
        /// The strategy.
        case: String,
        /// What else is fixed.
        given: Vec<Place>,
        /// The last two values swept.
        between: (Place, Place),
        /// Share by which the metric became better.
        gain: f64,
    },
    /// More of a resource makes it worse.
    Retrograde {
        /// The strategy.
        case: String,
        /// What else is fixed.
        given: Vec<Place>,
        /// Where it is best.
        best: (Place, Quoted),
        /// The largest value swept.
        last: (Place, Quoted),
        /// Share by which it is worse there.
        loss: f64,
    },
    /// A curve has a knee.
    Knee {
        /// The strategies with a knee at this value.
        cases: Vec<String>,
        /// What else is fixed.
        given: Vec<Place>,
        /// Where.
        at: Place,
        /// How the curves run; the curve of a time over a resource is looked at as a speed.
        bend: Bend,
        /// The metric.
        metric: String,
        /// Value there; of a single strategy.
        value: Option<Quoted>,
    },
    /// No numbers: saturated, out of memory, deadlocked, not supported, ...
    Fails {
        /// The strategies.
        cases: Vec<String>,
        /// The status of their rows.
        status: String,
        /// At which points.
        at: Extent,
    },
}

/// At which points of a sweep something holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Extent {
    /// At all.
    Everywhere,
    /// At none.
    Nowhere,
    /// From this value on.
    From(Place),
    /// Up to this value.
    UpTo(Place),
    /// At these values (of an axis of words).
    At(Vec<Place>),
    /// At so many of so many points.
    Some(usize, usize),
}

impl Extent {
    fn text(&self) -> String {
        match self {
            Self::Everywhere => "at every point".into(),
            Self::Nowhere => "at no point".into(),
            Self::From(p) => format!("from {} on", p.text()),
            Self::UpTo(p) => format!("up to {}", p.text()),
            Self::At(p) => format!("at {}", places(p)),
            Self::Some(n, of) => format!("at {n} of {of} points"),
        }
    }
}

impl Insight {
    /// Its name for programs.
    pub fn code(&self) -> &'static str {
        match self {
            Self::Best { .. } => "best",
            Self::AsGoodForLess { .. } => "as-good-for-less",
            Self::Objectives { .. } => "objectives",
            Self::BestThroughout { .. } => "best-throughout",
            Self::CrossOver { .. } => "cross-over",
            Self::StopsPaying { .. } => "stops-paying",
            Self::StillPays { .. } => "still-pays",
            Self::Retrograde { .. } => "retrograde",
            Self::Knee { .. } => "knee",
            Self::Fails { .. } => "fails",
        }
    }

    /// Whether the other says the same of another slice of a grid.
    pub(super) fn same_elsewhere(&self, other: &Self) -> bool {
        match (self, other) {
            (
                Self::StopsPaying {
                    cases, at, last, ..
                },
                Self::StopsPaying {
                    cases: c,
                    at: a,
                    last: l,
                    ..
                },
            ) => (cases, at, last) == (c, a, l),
            _ => false,
        }
    }

    /// Takes in the other, which says the same of another slice.
    pub(super) fn also(&mut self, other: &Self) {
        if let (Self::StopsPaying { given, values, .. }, Self::StopsPaying { given: more, .. }) =
            (self, other)
        {
            *values = None;
            for p in more {
                let same = given.iter_mut().find(|g| g.axis == p.axis);
                match same {
                    Some(g) => g.text = format!("{}, {}", g.text, p.text),
                    None => given.push(p.clone()),
                }
            }
        }
    }

    /// In one sentence.
    pub fn text(&self) -> String {
        match self {
            Self::Best {
                case,
                at,
                value,
                tied,
                load,
            } => {
                let what = load.as_ref().map_or("Best of all".to_owned(), |l| {
                    format!("Best under the highest {l} that anything bears")
                });
                let at = if at.is_empty() {
                    String::new()
                } else {
                    format!(" at {}", places(at))
                };
                let tied = match tied {
                    0 => String::new(),
                    1 => " (one other is as good there)".into(),
                    n => format!(" ({n} others are as good there)"),
                };
                format!("{what}: {case}{at}, {}{tied}.", value.named())
            }
            Self::AsGoodForLess { case, at, value } => format!(
                "{case} is as good with {} alone: {}.",
                at.text(),
                value.text()
            ),
            Self::Objectives {
                cases,
                all,
                where_met,
            } => objectives(cases, *all, where_met),
            Self::BestThroughout { cases, tied } => {
                let are = if cases.len() == 1 { "is" } else { "are" };
                let tied = if *tied {
                    ", or as good as the best,"
                } else {
                    ""
                };
                format!("{} {are} best{tied} at every point.", list(cases))
            }
            Self::CrossOver {
                before,
                after,
                given,
                between: (a, b),
                about,
                unit,
            } => crossing(
                given,
                (before, after),
                (a, b),
                &format!("{}{unit}", digits(*about, 3)),
            ),
            Self::StopsPaying {
                cases,
                given,
                at,
                last,
                values,
            } => stops_paying(cases, given, at, last, values.as_ref()),
            Self::StillPays {
                case,
                given,
                between: (a, b),
                gain,
            } => format!(
                "{}{case} still gains at the end: {} better at {} than at {}. Sweep further.",
                prefix(given),
                percent(*gain),
                b.text(),
                a.text()
            ),
            Self::Retrograde {
                case,
                given,
                best,
                last,
                loss,
            } => format!(
                "{}{case} gets worse with more than {}: {} worse at {} ({} there, {} at best).",
                prefix(given),
                best.0.text(),
                percent(*loss),
                last.0.text(),
                last.1.text(),
                best.1.text()
            ),
            Self::Knee {
                cases,
                given,
                at,
                bend,
                metric,
                value,
            } => knee(cases, given, at, *bend, metric, value.as_ref()),
            Self::Fails { cases, status, at } => {
                let are = if cases.len() == 1 { "is" } else { "are" };
                let has = if cases.len() == 1 { "runs" } else { "run" };
                let what = match status.as_str() {
                    "out of memory" => format!("{has} out of memory"),
                    "deadlock" => format!("{has} into a deadlock"),
                    "event limit" => format!("{has} into the limit of events"),
                    "nothing completed" => format!("{has} without completing anything"),
                    "unsupported" => format!("{are} not supported"),
                    other => format!("{are} {other}"),
                };
                match (status.as_str(), at) {
                    ("unsupported", Extent::Everywhere) => format!("{} {what}.", list(cases)),
                    _ => format!("{} {what} {}.", list(cases), at.text()),
                }
            }
        }
    }
}

fn objectives(cases: &[String], all: bool, where_met: &Extent) -> String {
    let meet = if cases.len() == 1 { "meets" } else { "meet" };
    match (where_met, all) {
        (Extent::Nowhere, true) => "No strategy meets all objectives at any point.".into(),
        (at, true) if cases.len() > 1 => {
            format!("All strategies meet all objectives {}.", at.text())
        }
        (at, _) => format!("{} {meet} all objectives {}.", list(cases), at.text()),
    }
}

fn stops_paying(
    cases: &[String],
    given: &[Place],
    at: &Place,
    last: &Place,
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

fn knee(
    cases: &[String],
    given: &[Place],
    at: &Place,
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

/// Of things that are counted there is no half, so no more is said than between which two the change lies.
fn crossing(
    given: &[Place],
    (before, after): (&str, &str),
    (a, b): (&Place, &Place),
    about: &str,
) -> String {
    let whole = |p: &Place| p.counted().is_some() && p.number.is_some_and(|n| n == n.trunc());
    let end = if whole(a) && whole(b) {
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

fn prefix(given: &[Place]) -> String {
    if given.is_empty() {
        String::new()
    } else {
        format!("With {}: ", places(given))
    }
}

fn places(at: &[Place]) -> String {
    let all: Vec<String> = at.iter().map(Place::text).collect();
    all.join(", ")
}
