//! The limits on the errors of forecasts: one table for `validate` and `verify`, and a check of what exceeds it.

use std::fmt::Write as _;

use serde_json::{Value, json};

use super::held::{ErrorSummary, Held, METRICS};

/// The limits on the errors of one metric, as fractions.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorLimit {
    /// The limit on their median.
    pub median: f64,
    /// The limit on their 90th percentile.
    pub p90: f64,
    /// The limit on the greatest error.
    pub worst: f64,
}

impl ErrorLimit {
    const fn percent(median: f64, p90: f64, worst: f64) -> Self {
        Self {
            median: median / 100.0,
            p90: p90 / 100.0,
            worst: worst / 100.0,
        }
    }

    /// Each figure of a summary with its limit.
    fn figures(self, s: &ErrorSummary) -> [(&'static str, f64, f64); 3] {
        [
            ("median", s.median, self.median),
            ("90th percentile", s.p90, self.p90),
            ("worst", s.worst, self.worst),
        ]
    }
}

/// The limits for all forecasts of a set.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct ErrorLimits {
    /// The limits by metric, in the order of [`METRICS`]; `None` for a metric that is reported but not limited.
    pub metrics: [Option<ErrorLimit>; 4],
    /// The number of workloads whose best strategy may be named wrongly.
    pub wrong: usize,
}

/// The table of limits, with a row for each kind of machine. p50 is reported, and is limited only where a user asks for it.
const TABLE: [(&str, ErrorLimits); 2] = [
    ("reference", ErrorLimits::REFERENCE),
    ("other", ErrorLimits::OTHER),
];

impl ErrorLimits {
    /// The limits for the machine that the model was developed on: what holds there today. They are tightened whenever the figures improve.
    pub(crate) const REFERENCE: Self = Self {
        metrics: [
            Some(ErrorLimit::percent(0.5, 3.5, 14.5)),
            None,
            Some(ErrorLimit::percent(0.5, 3.5, 15.0)),
            Some(ErrorLimit::percent(2.0, 6.0, 17.0)),
        ],
        wrong: 0,
    };
    /// The limits for any other machine, with its interpreters measured there.
    pub(crate) const OTHER: Self = Self {
        metrics: [
            Some(ErrorLimit::percent(1.0, 6.0, 15.0)),
            None,
            Some(ErrorLimit::percent(2.0, 10.0, 20.0)),
            Some(ErrorLimit::percent(3.0, 8.0, 20.0)),
        ],
        wrong: 0,
    };

    /// Reads what a user writes: the name of a row of the table, or `makespan=1/6/15,ranking=1`: percent at most for the median, the
    /// 90th percentile and the worst error of a metric, and so many workloads ranked wrongly. What is not named stays as in `base`.
    ///
    /// # Errors
    /// Says what is wrong, and what can be written instead.
    pub fn parse(text: &str, base: Self) -> Result<Self, String> {
        let mut limits = base;
        let mut named = Vec::new();
        for part in text.split(',').map(str::trim) {
            if let Some((_, row)) = TABLE.iter().find(|(name, _)| *name == part) {
                if !named.is_empty() {
                    return Err(format!("`{part}` replaces all limits: write it first"));
                }
                limits = *row;
                named.push(part);
                continue;
            }
            let (name, value) = part.split_once('=').ok_or_else(|| expected(part))?;
            let (name, value) = (name.trim(), value.trim());
            if named.contains(&name) {
                return Err(format!("`{name}` is limited twice"));
            }
            if name == "ranking" {
                limits.wrong = value.parse().map_err(|_| {
                    format!(
                        "`ranking={value}`: write how many workloads may have their best strategy named wrongly, for example ranking=0"
                    )
                })?;
            } else if let Some(metric) = METRICS.iter().position(|m| *m == name) {
                limits.metrics[metric] = Some(three(name, value)?);
            } else {
                return Err(expected(part));
            }
            named.push(name);
        }
        Ok(limits)
    }

    /// The figures that exceed their limits, in the order of the table. `right` is the number of workloads, out of `ranked`, whose best
    /// strategy was named correctly. What was not measured exceeds nothing.
    pub(crate) fn excesses(
        &self,
        summaries: &[ErrorSummary; 4],
        (right, ranked): (usize, usize),
    ) -> Vec<Excess> {
        let mut found = Vec::new();
        for (metric, (limit, s)) in self.metrics.iter().zip(summaries).enumerate() {
            let figures = limit
                .filter(|_| s.cells > 0)
                .map(|limit| limit.figures(s))
                .into_iter()
                .flatten();
            found.extend(figures.filter(|(_, value, limit)| value > limit).map(
                |(figure, value, limit)| Excess::Error {
                    metric,
                    figure,
                    value,
                    limit,
                },
            ));
        }
        let wrong = ranked.saturating_sub(right);
        if wrong > self.wrong {
            found.push(Excess::Ranking {
                wrong,
                ranked,
                allowed: self.wrong,
            });
        }
        found
    }

    /// The errors of each limited metric with their limits, and whether these are kept, as JSON for programs.
    pub fn json(&self, summaries: &[ErrorSummary; 4], (right, ranked): (usize, usize)) -> Value {
        let excesses = self.excesses(summaries, (right, ranked));
        let metrics: Vec<_> = self
            .metrics
            .iter()
            .zip(summaries)
            .enumerate()
            .filter_map(|(metric, (limit, s))| {
                let limit = (*limit)?;
                let kept = !excesses.iter().any(|e| e.metric() == Some(metric));
                Some(json!({
                    "metric": METRICS[metric], "cells": s.cells,
                    "median": s.median, "p90": s.p90, "worst": s.worst,
                    "limit_median": limit.median, "limit_p90": limit.p90, "limit_worst": limit.worst,
                    "kept": (s.cells > 0).then_some(kept),
                }))
            })
            .collect();
        json!({
            "kept": excesses.is_empty(),
            "metrics": metrics,
            "ranking": {
                "wrong": ranked.saturating_sub(right), "limit_wrong": self.wrong,
                "kept": (ranked > 0).then_some(excesses.iter().all(|e| e.metric().is_some())),
            },
        })
    }
}

/// What can be written for limits, for the message to someone who wrote something else.
fn expected(part: &str) -> String {
    let rows: Vec<_> = TABLE.iter().map(|(name, _)| *name).collect();
    format!(
        "`{part}` is no limit: write METRIC=MEDIAN/P90/WORST in percent, for example makespan=1/6/15, with {}; ranking=N; or {}",
        METRICS.join(", "),
        rows.join(" or ")
    )
}

/// The limits of one metric in the form `1/6/15`.
fn three(name: &str, value: &str) -> Result<ErrorLimit, String> {
    let numbers: Option<Vec<f64>> = value
        .split('/')
        .map(|n| n.trim().trim_end_matches('%').trim_end().parse().ok())
        .map(|n| n.filter(|n: &f64| n.is_finite() && *n >= 0.0))
        .collect();
    match numbers.as_deref() {
        Some([median, p90, worst]) if median <= p90 && p90 <= worst => {
            Ok(ErrorLimit::percent(*median, *p90, *worst))
        }
        Some([_, _, _]) => Err(format!(
            "`{name}={value}`: the median's limit comes first and the worst's last, so none may be less than the one before"
        )),
        _ => Err(format!(
            "`{name}={value}`: write three percentages from 0, for the median, the 90th percentile and the worst error, for example \
             {name}=1/6/15"
        )),
    }
}

/// The fraction by which the forecast's best strategy may be slower than the measured best and still count as named correctly.
const RANK_TOLERANCE: f64 = 0.10;

/// Whether a best strategy counts as named correctly if it is really slower than the measured best by this fraction.
pub(crate) fn named_rightly(loss: f64) -> bool {
    // Exactly a tenth counts as within a tenth, whatever the division rounds to.
    loss <= RANK_TOLERANCE + 1e-9
}

/// A figure that exceeds its limit.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) enum Excess {
    /// A figure of a metric's errors, as fractions.
    Error {
        /// The index of the metric in [`METRICS`].
        metric: usize,
        /// The name of the figure: `median`, `90th percentile` or `worst`.
        figure: &'static str,
        /// The value of the figure.
        value: f64,
        /// The limit that it exceeds.
        limit: f64,
    },
    /// The number of workloads whose best strategy was named wrongly.
    Ranking {
        /// The number of workloads named wrongly.
        wrong: usize,
        /// The number of workloads that were ranked.
        ranked: usize,
        /// The number that may be named wrongly.
        allowed: usize,
    },
}

impl Excess {
    /// The index of the metric in [`METRICS`]; `None` for the ranking.
    pub(crate) fn metric(&self) -> Option<usize> {
        match self {
            Self::Error { metric, .. } => Some(*metric),
            Self::Ranking { .. } => None,
        }
    }
}

/// Shown with two decimal places, because a limit may be missed by less than one place shows.
fn percent(fraction: f64) -> String {
    format!("{:.2}%", fraction * 100.0)
}

impl std::fmt::Display for Excess {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            Self::Error {
                metric,
                figure,
                value,
                limit,
            } => write!(
                f,
                "{}: the {figure} error is {}, {:.2} points above the limit of {}",
                METRICS[*metric],
                percent(*value),
                (value - limit) * 100.0,
                percent(*limit)
            ),
            Self::Ranking {
                wrong,
                ranked,
                allowed,
            } => write!(
                f,
                "ranking: the best strategy is named wrongly for {wrong} of {ranked} workloads, {allowed} may be"
            ),
        }
    }
}

/// The number of worst cells that are named for a metric that exceeds its limits.
const NAMED: usize = 5;

/// The excesses for people, one on a line, with the worst cells of each metric below it. `cells` returns the names and figures of a metric.
pub(crate) fn explain<'a, C>(excesses: &[Excess], cells: impl Fn(usize) -> C) -> String
where
    C: Iterator<Item = (String, &'a Held)>,
{
    let mut out = String::new();
    for (i, excess) in excesses.iter().enumerate() {
        let _ = writeln!(out, "  {excess}");
        let metric = excess.metric();
        if let Some(metric) = metric
            && excesses.get(i + 1).and_then(Excess::metric) != Some(metric)
        {
            let mut worst: Vec<_> = cells(metric).filter(|(_, h)| h.error() > 0.0).collect();
            worst.sort_by(|a, b| b.1.error().total_cmp(&a.1.error()));
            for (name, held) in worst.iter().take(NAMED) {
                let _ = writeln!(
                    out,
                    "    {name}: {} (plainly {:+.1}%)",
                    percent(held.error()),
                    held.relative() * 100.0
                );
            }
        }
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn summary(median: f64, p90: f64, worst: f64) -> ErrorSummary {
        ErrorSummary {
            cells: 10,
            median,
            p90,
            worst,
            relative: median,
        }
    }

    #[test]
    fn what_is_written_is_read() {
        let base = ErrorLimits::REFERENCE;
        let parsed = ErrorLimits::parse("makespan=1/6/15, p99 = 2%/10 %/20.5,ranking=1", base)
            .expect("valid");
        assert_eq!(parsed.metrics[0], Some(ErrorLimit::percent(1.0, 6.0, 15.0)));
        assert_eq!(
            parsed.metrics[2],
            Some(ErrorLimit::percent(2.0, 10.0, 20.5))
        );
        assert_eq!((parsed.metrics[3], parsed.wrong), (base.metrics[3], 1));
        assert_eq!(ErrorLimits::parse("other", base), Ok(ErrorLimits::OTHER));
        let mixed = ErrorLimits::parse("other,p50=5/20/80", base).expect("valid");
        assert_eq!(mixed.metrics[0], ErrorLimits::OTHER.metrics[0]);
        assert_eq!(mixed.metrics[1], Some(ErrorLimit::percent(5.0, 20.0, 80.0)));
    }

    #[test]
    fn nonsense_is_refused_with_a_way_out() {
        for (text, says) in [
            ("", "makespan=1/6/15"),
            ("makespan", "METRIC=MEDIAN/P90/WORST"),
            ("makepsan=1/6/15", "makespan, p50, p99, memory"),
            ("makespan=1/6", "three percentages"),
            ("makespan=1/6/15/20", "three percentages"),
            ("makespan=1/six/15", "three percentages"),
            ("makespan=-1/6/15", "three percentages"),
            ("makespan=1/inf/inf", "three percentages"),
            ("makespan=15/6/1", "comes first"),
            ("makespan=1/6/15,makespan=1/6/15", "twice"),
            ("ranking=most", "ranking=0"),
            ("p99=1/6/15,other", "write it first"),
        ] {
            let e = ErrorLimits::parse(text, ErrorLimits::REFERENCE).expect_err(text);
            assert!(e.contains(says), "{text}: {e}");
        }
    }

    #[test]
    fn what_is_greater_than_its_limit_is_an_excess() {
        let times = Some(ErrorLimit::percent(0.5, 4.0, 15.0));
        let limits = ErrorLimits {
            metrics: [
                times,
                None,
                times,
                Some(ErrorLimit::percent(2.0, 7.0, 32.0)),
            ],
            wrong: 0,
        };
        let kept = summary(0.005, 0.04, 0.15);
        let p50 = summary(1.0, 1.0, 1.0);
        let none = ErrorSummary::of(std::iter::empty());
        assert_eq!(limits.excesses(&[kept, p50, kept, none], (3, 3)), []);
        let found = limits.excesses(&[summary(0.001, 0.06, 0.2), p50, kept, none], (2, 3));
        let shown: Vec<_> = found.iter().map(ToString::to_string).collect();
        assert_eq!(
            shown,
            [
                "makespan: the 90th percentile error is 6.00%, 2.00 points above the limit of 4.00%",
                "makespan: the worst error is 20.00%, 5.00 points above the limit of 15.00%",
                "ranking: the best strategy is named wrongly for 1 of 3 workloads, 0 may be",
            ]
        );
        let json = limits.json(&[summary(0.001, 0.06, 0.2), p50, kept, none], (2, 3));
        assert_eq!(json["kept"], false);
        assert_eq!(json["metrics"][0]["kept"], false);
        assert_eq!(json["metrics"][1]["kept"], true);
        assert_eq!(json["metrics"][2]["kept"], Value::Null);
        assert_eq!(json["ranking"]["kept"], false);
    }

    #[test]
    fn the_worst_cells_stand_below_their_metric() {
        let cells = [1.3, 1.1, 1.6].map(|forecast| Held::new(vec![1.0], forecast).expect("a run"));
        let excesses = ErrorLimits::REFERENCE.excesses(
            &[
                ErrorSummary::of(cells.iter()),
                ErrorSummary::of(std::iter::empty()),
                ErrorSummary::of(std::iter::empty()),
                ErrorSummary::of(std::iter::empty()),
            ],
            (0, 0),
        );
        let text = explain(&excesses, |_| {
            cells
                .iter()
                .enumerate()
                .map(|(i, h)| (format!("cell {i}"), h))
        });
        let lines: Vec<_> = text.lines().map(str::trim).collect();
        assert_eq!(lines.len(), 6, "{text}");
        assert_eq!(lines[3], "cell 2: 60.00% (plainly +60.0%)");
    }
}
