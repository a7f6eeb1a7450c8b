//! Insights: what stands out in a sweep, as data and in words. How each is found is in `find.rs` and, for users, in `docs/sweeps.md`.

mod words;

use self::words::{
    at_places, costs, crossing, failing, how_often, knee, missed, objectives, places, prefix,
    share, stops_paying, undecided_text,
};
use super::knee::Bend;
use super::metric::Quoted;
use super::waits::Waits;
use crate::measure::Estimate;
use crate::quantity::{digits, list, percent};
use crate::result::Status;
use crate::syntax::codes;

/// A value on an axis.
#[derive(Clone, Debug, PartialEq)]
pub struct Coordinate {
    /// Name of the axis for people (`cores`).
    pub axis: String,
    /// The value as it was written.
    pub text: String,
    /// The value as a number; `None` if it is text.
    pub number: Option<f64>,
    /// If axes vary side by side: the values of the other axes there. No single axis explains anything by itself then.
    pub beside: Vec<Coordinate>,
}

impl Coordinate {
    /// The value in words: `8 cores`, `rate = 200`, `2 cores with memory = 1GiB`.
    pub fn text(&self) -> String {
        let text = match self.counted() {
            Some(one) if self.number == Some(1.0) => format!("{} {one}", self.text),
            Some(_) => format!("{} {}", self.text, self.axis),
            None => format!("{} = {}", self.axis, self.text),
        };
        if self.beside.is_empty() {
            text
        } else {
            format!("{text} with {}", places(&self.beside))
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

codes! {
    /// The kinds of insight. The text of each is stable.
    pub enum InsightCode {
        /// The case to take of all that there is to choose from.
        Best = "best",
        /// Nothing meets the objectives; the case that misses them by least.
        Nearest = "nearest",
        /// By the metric alone another case is best, but it misses an objective or fails more tasks.
        Faster = "faster",
        /// Where something is given (a seed, what a task does): at how many of its values a case is the one to take.
        BestAt = "best-at",
        /// Where something is given: by the metric alone another case would be best at some of its values, but it stands lower there.
        FasterAt = "faster-at",
        /// As good as the best, with less of a resource.
        AsGoodForLess = "as-good-for-less",
        /// At which points strategies meet all objectives.
        Objectives = "objectives",
        /// Strategies that are best, or as good as the best, at every point.
        BestThroughout = "best-throughout",
        /// One strategy overtakes another.
        CrossOver = "cross-over",
        /// More of a resource gains less than 5 % from here on.
        StopsPaying = "stops-paying",
        /// The last step of a resource still gained 5 % or more.
        StillPays = "still-pays",
        /// More of a resource makes it worse.
        Retrograde = "retrograde",
        /// A curve bends: the point of diminishing returns.
        Knee = "knee",
        /// A strategy has no numbers at some points: it is saturated, runs out of memory, ...
        Fails = "fails",
    }
}

/// An insight: something that stands out in a sweep. Strategies have the names of the table's columns, except in [`Insight::Best`].
#[derive(Clone, Debug, PartialEq)]
pub enum Insight {
    /// The case to take over all choices.
    Best {
        /// Name of the case, as in its row.
        case: String,
        /// Its values on every axis.
        at: Vec<Coordinate>,
        /// Its value.
        value: Quoted,
        /// Number of other cases that are as good at that point.
        tied: usize,
        /// If loads are swept: name of the load, of which this is the largest value with numbers.
        load: Option<String>,
        /// Share of its tasks that fail; given if any case of the sweep fails tasks.
        fails: Option<Estimate>,
        /// Objectives that it meets or misses by chance.
        undecided: Vec<String>,
    },
    /// No case meets the objectives; this one misses them by least.
    Nearest {
        /// Name of the case, as in its row.
        case: String,
        /// Its values on every axis.
        at: Vec<Coordinate>,
        /// Its value.
        value: Quoted,
        /// The objective that it misses by most.
        objective: String,
        /// How far it misses that objective, as a share of the bound; infinite if it has no value.
        excess: f64,
        /// As for [`Insight::Best`].
        load: Option<String>,
        /// As for [`Insight::Best`].
        fails: Option<Estimate>,
        /// Whether others meet the objectives, but fail more tasks.
        others_fail: bool,
    },
    /// Another case is best by the metric alone, but is in a lower tier.
    Faster {
        /// Name of the case, as in its row.
        case: String,
        /// Its values on every axis.
        at: Vec<Coordinate>,
        /// Its value.
        value: Quoted,
        /// The objective that it misses by most, and how far, as a share of the bound.
        misses: Option<(String, f64)>,
        /// If it fails more tasks: its failing share, and that of the case to take.
        fails: Option<(Estimate, Estimate)>,
        /// The case to take.
        taken: String,
        /// How much worse the value of the case to take is, as a share of this value.
        cost: f64,
    },
    /// If something is given (a seed, what a task does): at how many of its values this case is the one to take.
    BestAt {
        /// Name of the case, as in its row.
        case: String,
        /// Its values on the axes of choices.
        at: Vec<Coordinate>,
        /// Number of values at which it is the case to take, or as good as that.
        count: usize,
        /// Number of values in all.
        of: usize,
        /// Names of the axes that are given.
        given: Vec<String>,
        /// Whether the axes vary side by side, so that each point is a setting of its own.
        side_by_side: bool,
        /// Whether it is only as good as the case to take at some of the values.
        tied: bool,
        /// Whether it meets the objectives at these values; otherwise it is only the nearest.
        meets: bool,
        /// Its least and its largest value.
        range: Option<(Quoted, Quoted)>,
        /// If loads are swept as well: name of the load, of which the largest value with numbers counts.
        load: Option<String>,
        /// The least and the largest share of its tasks that fail; given if any case of the sweep fails tasks.
        fails: Option<(f64, f64)>,
    },
    /// If something is given: another case would be best at some of its values by the metric alone, but is in a lower tier there.
    FasterAt {
        /// Name of the case, as in its row.
        case: String,
        /// Its values on the axes of choices.
        at: Vec<Coordinate>,
        /// Number of values at which that is so.
        count: usize,
        /// Number of values in all.
        of: usize,
        /// Names of the axes that are given.
        given: Vec<String>,
        /// Whether the axes vary side by side, so that each point is a setting of its own.
        side_by_side: bool,
        /// Name of the metric.
        metric: String,
        /// The objectives that it misses at any of these values.
        misses: Vec<String>,
        /// The least and the largest share of its tasks that fail there, if it fails more than the case to take.
        fails: Option<(f64, f64)>,
        /// How much worse the values of the case to take are, as shares of its values: the least, and the greatest.
        cost: (f64, f64),
    },
    /// Another case is as good as the best, with less of a resource.
    AsGoodForLess {
        /// Name of the case, as in its row.
        case: String,
        /// Values on the other axes.
        given: Vec<Coordinate>,
        /// The amount of the resource that it needs.
        at: Coordinate,
        /// Its value.
        value: Quoted,
    },
    /// Strategies that meet all objectives, and where.
    Objectives {
        /// The strategies.
        cases: Vec<String>,
        /// Whether these are all strategies of the sweep.
        all: bool,
        /// The points at which they meet them; undecided objectives count as met.
        where_met: Extent,
        /// Number of these points at which chance decides, for all strategies taken together.
        undecided: usize,
        /// Number of these points, for all strategies taken together.
        met: usize,
    },
    /// Strategies that are best, or as good as the best, at every point.
    BestThroughout {
        /// The strategies.
        cases: Vec<String>,
        /// Whether they are only as good as the best at some of the points.
        tied: bool,
    },
    /// One strategy overtakes another along an axis.
    CrossOver {
        /// The strategy that is best before.
        before: String,
        /// The strategy that is best after.
        after: String,
        /// Values on the other axes.
        given: Vec<Coordinate>,
        /// The last value at which the first is significantly better, and the first at which the other is.
        between: (Coordinate, Coordinate),
        /// Approximate value at which the curves meet.
        about: f64,
        /// Text after that number: the unit of the axis, or nothing.
        unit: &'static str,
    },
    /// More of a resource gains less than 5 % from here on.
    StopsPaying {
        /// The strategies.
        cases: Vec<String>,
        /// Values on the other axes.
        given: Vec<Coordinate>,
        /// The smallest value that is enough.
        at: Coordinate,
        /// The largest value that was swept.
        last: Coordinate,
        /// The metric at these two values; of a single strategy.
        values: Option<(Quoted, Quoted)>,
    },
    /// The last step of a resource still gained 5 % or more.
    StillPays {
        /// The strategy.
        case: String,
        /// Values on the other axes.
        given: Vec<Coordinate>,
        /// The last two values that were swept.
        between: (Coordinate, Coordinate),
        /// Gain from one to the other, as a share of the metric.
        gain: f64,
        /// What tasks still wait for that the axis provides, if that suffices for as large a gain again.
        waits: Option<Waits>,
    },
    /// More of a resource makes it worse.
    Retrograde {
        /// The strategy.
        case: String,
        /// Values on the other axes.
        given: Vec<Coordinate>,
        /// The value at which it is best, with the metric there.
        best: (Coordinate, Quoted),
        /// The largest value that was swept, with the metric there.
        last: (Coordinate, Quoted),
        /// How much worse it is there, as a share of the metric.
        loss: f64,
    },
    /// A curve has a knee.
    Knee {
        /// The strategies with a knee at this value.
        cases: Vec<String>,
        /// Values on the other axes.
        given: Vec<Coordinate>,
        /// The value at the knee.
        at: Coordinate,
        /// How the curves run; the curve of a time over a resource is treated as a speed.
        bend: Bend,
        /// Name of the metric.
        metric: String,
        /// The metric at the knee; of a single strategy.
        value: Option<Quoted>,
    },
    /// Strategies without numbers: saturated, out of memory, deadlocked, not supported, ...
    Fails {
        /// The strategies.
        cases: Vec<String>,
        /// The status of their rows there.
        status: Status,
        /// The points at which that is so.
        at: Extent,
    },
}

/// The points of a sweep at which something holds.
#[derive(Clone, Debug, PartialEq)]
pub enum Extent {
    /// At all points.
    Everywhere,
    /// At no point.
    Nowhere,
    /// From this value on.
    From(Coordinate),
    /// Up to this value.
    UpTo(Coordinate),
    /// At these values (of an axis of words).
    At(Vec<Coordinate>),
    /// At so many points, of so many.
    Some(usize, usize),
}

impl Extent {
    fn text(&self, of_several: bool) -> String {
        // Equal counts need not be counts of the same points.
        let each = if of_several { " each" } else { "" };
        match self {
            Self::Everywhere => "at every point".into(),
            Self::Nowhere => "at no point".into(),
            Self::From(p) => format!("from {} on", p.text()),
            Self::UpTo(p) => format!("up to {}", p.text()),
            Self::At(p) => format!("at {}", places(p)),
            Self::Some(n, of) => format!("at {n} of {of} points{each}"),
        }
    }
}

impl Insight {
    /// The kind of the insight.
    pub(crate) fn kind(&self) -> InsightCode {
        match self {
            Self::Best { .. } => InsightCode::Best,
            Self::Nearest { .. } => InsightCode::Nearest,
            Self::Faster { .. } => InsightCode::Faster,
            Self::BestAt { .. } => InsightCode::BestAt,
            Self::FasterAt { .. } => InsightCode::FasterAt,
            Self::AsGoodForLess { .. } => InsightCode::AsGoodForLess,
            Self::Objectives { .. } => InsightCode::Objectives,
            Self::BestThroughout { .. } => InsightCode::BestThroughout,
            Self::CrossOver { .. } => InsightCode::CrossOver,
            Self::StopsPaying { .. } => InsightCode::StopsPaying,
            Self::StillPays { .. } => InsightCode::StillPays,
            Self::Retrograde { .. } => InsightCode::Retrograde,
            Self::Knee { .. } => InsightCode::Knee,
            Self::Fails { .. } => InsightCode::Fails,
        }
    }

    /// The code of the insight, which stays the same between versions.
    pub fn code(&self) -> &'static str {
        self.kind().as_str()
    }

    /// Whether it answers which case to take.
    pub fn is_answer(&self) -> bool {
        matches!(
            self,
            Self::Best { .. } | Self::Nearest { .. } | Self::BestAt { .. }
        )
    }

    /// Whether another insight says the same about another slice of a grid.
    pub(crate) fn same_elsewhere(&self, other: &Self) -> bool {
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

    /// Merges another insight, which says the same about another slice.
    pub(crate) fn also(&mut self, other: &Self) {
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

    /// The insight as a sentence.
    pub fn text(&self) -> String {
        match self {
            Self::Best {
                case,
                at,
                value,
                tied,
                load,
                fails,
                undecided,
            } => {
                let what = load.as_ref().map_or("Best of all".to_owned(), |l| {
                    format!("Best under the highest {l} that anything bears")
                });
                let tied = match tied {
                    0 => String::new(),
                    1 => " (one other is as good there)".into(),
                    n => format!(" ({n} others are as good there)"),
                };
                format!(
                    "{what}: {case}{}, {}{tied}{}{}.",
                    at_places(at),
                    value.named(),
                    failing(*fails),
                    undecided_text(undecided)
                )
            }
            Self::Nearest {
                case,
                at,
                value,
                objective,
                excess,
                load,
                fails,
                others_fail,
            } => {
                let without = if *others_fail {
                    " without failing more tasks than others"
                } else {
                    ""
                };
                let where_ = load.as_ref().map_or(" at any point".to_owned(), |l| {
                    format!(" under the highest {l} that anything bears")
                });
                format!(
                    "No strategy meets all objectives{without}{where_}; nearest: {case}{}, {}, misses {}{}.",
                    at_places(at),
                    value.named(),
                    missed(objective, *excess),
                    failing(*fails)
                )
            }
            Self::Faster {
                case,
                at,
                value,
                misses,
                fails,
                taken,
                cost,
            } => {
                let mut why: Vec<String> = Vec::new();
                if let Some((mine, others)) = fails {
                    why.push(format!(
                        "{} of its tasks fail, against {}",
                        share(*mine),
                        share(*others)
                    ));
                }
                if let Some((objective, excess)) = misses {
                    why.push(format!("it misses {}", missed(objective, *excess)));
                }
                // The same strategy may be the better choice with other values.
                let taken = if taken == case {
                    "what is named above".to_owned()
                } else {
                    taken.clone()
                };
                let cost = costs(*cost);
                format!(
                    "By {} alone {case}{} would be best ({}), but {}; {} of {taken} is {cost}.",
                    value.metric,
                    at_places(at),
                    value.text(),
                    why.join(", and "),
                    value.metric,
                )
            }
            Self::BestAt { .. } => self.best_at(),
            Self::FasterAt {
                case,
                at,
                count,
                of,
                given,
                side_by_side,
                metric,
                misses,
                fails,
                cost: (least, most),
            } => {
                let mut why: Vec<String> = Vec::new();
                match fails {
                    Some((a, b)) if percent(*a) == percent(*b) => {
                        why.push(format!("{} of its tasks fail there", percent(*a)));
                    }
                    Some((a, b)) => {
                        why.push(format!(
                            "{} to {} of its tasks fail there",
                            percent(*a),
                            percent(*b)
                        ));
                    }
                    None => {}
                }
                if !misses.is_empty() {
                    let quoted: Vec<String> = misses.iter().map(|o| format!("`{o}`")).collect();
                    why.push(format!("it misses {}", list(&quoted)));
                }
                let (least, most) = (costs(*least), costs(*most));
                let cost = match (least.split_once(' '), most.split_once(' ')) {
                    _ if least == most => most,
                    (Some((a, how)), Some((b, same))) if how == same => format!("{a} to {b} {how}"),
                    _ => format!("{least} to {most}"),
                };
                format!(
                    "By {metric} alone {case}{} would be best {}, but {}; {metric} of what is named above is {cost} there.",
                    at_places(at),
                    how_often(*count, *of, given, *side_by_side),
                    why.join(", and ")
                )
            }
            Self::AsGoodForLess {
                case,
                given,
                at,
                value,
            } => format!(
                "{}{case} is as good with {} alone: {}.",
                prefix(given),
                at.text(),
                value.text()
            ),
            Self::Objectives {
                cases,
                all,
                where_met,
                undecided,
                met,
            } => objectives(cases, *all, where_met, *undecided, *met),
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
                waits,
            } => {
                let step = format!(
                    "{} better at {} than at {}",
                    percent(*gain),
                    b.text(),
                    a.text()
                );
                match waits {
                    Some(w) => format!(
                        "{}{case} still gains at the end: {step}. {} at {}: more may help.",
                        prefix(given),
                        w.text(),
                        b.text()
                    ),
                    None => format!("{}{case} gains up to the end: it is {step}.", prefix(given)),
                }
            }
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
                let what = match status {
                    Status::OutOfMemory => format!("{has} out of memory"),
                    Status::Deadlock => format!("{has} into a deadlock"),
                    Status::EventLimit => format!("{has} into the limit of events"),
                    Status::ClockEnd => format!("{has} for longer than the clock can tell"),
                    Status::Crashed => format!("{has} until its only process crashes"),
                    Status::NothingCompleted => format!("{has} without completing anything"),
                    Status::Unsupported => format!("{are} not supported"),
                    Status::Saturated | Status::Fine => format!("{are} {}", status.name()),
                };
                match (status, at) {
                    (Status::Unsupported, Extent::Everywhere) => format!("{} {what}.", list(cases)),
                    _ => format!("{} {what} {}.", list(cases), at.text(cases.len() > 1)),
                }
            }
        }
    }
}

impl Insight {
    /// The sentence of [`Insight::BestAt`].
    fn best_at(&self) -> String {
        let Self::BestAt {
            case,
            at,
            count,
            of,
            given,
            side_by_side,
            tied,
            meets,
            range,
            load,
            fails,
        } = self
        else {
            return String::new();
        };
        let how = match (meets, tied) {
            (true, true) => "is best, or as good as the best,",
            (true, false) => "is best",
            (false, true) => "is nearest to the objectives, or as near as any,",
            (false, false) => "is nearest to the objectives, which nothing meets,",
        };
        let how_often = how_often(*count, *of, given, *side_by_side);
        let load = load.as_ref().map_or(String::new(), |l| {
            format!(" under the highest {l} that anything bears there")
        });
        let range = match range {
            Some((a, b)) if a.value.mean == b.value.mean => format!("; {}", a.named()),
            Some((a, b)) if a.mean_text() == b.mean_text() => {
                format!("; {} {}", a.metric, a.mean_text())
            }
            Some((a, b)) => format!("; {} {} to {}", a.metric, a.mean_text(), b.mean_text()),
            None => String::new(),
        };
        let fails = match fails {
            None => String::new(),
            Some((_, b)) if *b == 0.0 => "; none of its tasks fail".into(),
            Some((a, b)) if a == b => format!("; {} of its tasks fail", percent(*a)),
            Some((a, b)) => format!("; {} to {} of its tasks fail", percent(*a), percent(*b)),
        };
        format!(
            "{case}{} {how} {how_often}{load}{range}{fails}.",
            at_places(at)
        )
    }
}
