//! Gates: how much worse a metric may get before a program that compares results (a pipeline, say) is to fail.

use super::{Contrast, FALSE_ALARMS, Row};
use crate::measure::holm;
use crate::quantity::{Unit, metric_name, percent};
use crate::scenario::Metric;
use crate::scenario::units;
use crate::syntax::parse_metric;

/// How much worse a metric may get.
#[derive(Clone, Debug, PartialEq)]
pub struct Gate {
    /// As it was written.
    pub text: String,
    /// The metric.
    pub metric: Metric,
    /// The margin: a share of A's value, or of a share so many points. `p99 5%` is 0.05.
    pub margin: f64,
}

/// Why a gate cannot be read. The messages are sentences for people.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum GateError {
    /// It is not a metric and a margin.
    #[error("`{0}` is no margin: write a metric and by how much it may get worse, as in 'p99 5%'")]
    Form(String),
    /// Its metric is unknown.
    #[error("{0}")]
    Metric(String),
    /// Its margin is no percentage.
    #[error(
        "`{margin}` is no margin of `{text}`: write a percentage of at least 0% and below 100000%, as in 'p99 5%'"
    )]
    Margin {
        /// The whole text.
        text: String,
        /// What stands for the margin.
        margin: String,
    },
}

impl Gate {
    /// Reads a gate: `p99 5%`.
    ///
    /// # Errors
    /// What is wrong with it, and what was expected.
    pub fn parse(text: &str) -> Result<Self, GateError> {
        let words: Vec<&str> = text.split_whitespace().collect();
        // A metric may be two words: `worst p99`.
        let Some((margin, name)) = words.split_last().filter(|(_, name)| !name.is_empty()) else {
            return Err(GateError::Form(text.into()));
        };
        let (margin, name) = (*margin, name.join(" "));
        let metric = parse_metric(&name).map_err(|e| GateError::Metric(e.to_string()))?;
        let share = units::share(margin)
            .ok()
            .filter(|s| margin.ends_with('%') && (0.0..1000.0).contains(s));
        let margin = share.ok_or_else(|| GateError::Margin {
            text: text.into(),
            margin: margin.into(),
        })?;
        Ok(Self {
            text: words.join(" "),
            metric,
            margin,
        })
    }

    /// What it asks of a metric, in words: `p99 at most 5% worse`.
    #[must_use]
    pub fn words(&self) -> String {
        let margin = percent(self.margin);
        let margin = match margin.strip_suffix('%') {
            Some(points) if self.metric.unit() == Unit::Share => format!("{points} points"),
            _ => margin,
        };
        format!("{} at most {margin} worse", metric_name(self.metric))
    }

    /// The probability of a row that is as bad as this where the metric got worse by just the margin; `None` where that is not known.
    fn p(&self, row: &Row) -> Option<f64> {
        let change = row.change?;
        let falls = !self.metric.less_is_better();
        if !change.is_ratio() {
            let worse = if falls { change.reversed() } else { change };
            // What has no ratio has got worse from nothing, which is beyond any margin of it.
            let margin = if self.metric.unit() == Unit::Share {
                self.margin
            } else {
                0.0
            };
            return worse.p_above(margin);
        }
        if !falls {
            return change.p_above(self.margin);
        }
        // A fall by 20% is a rise by 25% the other way; nothing falls by more than 100%.
        let rise = 1.0 / (1.0 - self.margin) - 1.0;
        if self.margin >= 1.0 {
            return Some(1.0);
        }
        change.reversed().p_above(rise)
    }

    /// Whether the change itself, whatever chance did, is beyond the margin.
    fn is_beyond(&self, row: &Row) -> bool {
        let Some(change) = row.change else {
            return false;
        };
        let worse = if self.metric.less_is_better() {
            change.value()
        } else {
            -change.value()
        };
        if change.is_ratio() || self.metric.unit() == Unit::Share {
            worse > self.margin
        } else {
            worse > 0.0
        }
    }
}

/// What a gate says of a row.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum GateVerdict {
    /// It got worse by more than the margin, beyond chance; or it has no value any more.
    Regressed,
    /// It seems to have got worse by more than the margin, but that may be chance.
    Undecided,
    /// It is within the margin, as far as is known.
    Passed,
}

impl GateVerdict {
    /// Name in results.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Regressed => "regressed",
            Self::Undecided => "undecided",
            Self::Passed => "passed",
        }
    }
}

/// A row judged by a gate.
#[derive(Clone, Debug, PartialEq)]
pub struct Gated {
    /// The row.
    pub at: super::RowPlace,
    /// What the gate says of it.
    pub verdict: GateVerdict,
}

impl Contrast {
    /// Judges every case that has the metric of a gate in A, by all gates together: that any of the cases fails which is within its margin
    /// has a chance of at most half of [`FALSE_ALARMS`] (one end of the interval).
    #[must_use]
    pub fn gated(&self, gates: &[Gate]) -> Vec<Vec<Gated>> {
        let places = gates.iter().enumerate().flat_map(|(i, g)| {
            let rows = self.rows().filter(move |(_, r)| r.metric == g.metric);
            rows.filter(|(_, r)| r.a.is_some())
                .map(move |(at, row)| (i, at, row))
        });
        let places: Vec<_> = places.collect();
        let known: Vec<f64> = places
            .iter()
            .filter_map(|(i, _, row)| gates[*i].p(row))
            .collect();
        let mut adjusted = holm(&known).into_iter();
        let mut all = vec![Vec::new(); gates.len()];
        for (i, at, row) in places {
            let gate = &gates[i];
            let p = gate.p(row).and_then(|_| adjusted.next());
            let verdict = if row.b.is_none() || p.is_some_and(|p| p <= FALSE_ALARMS / 2.0) {
                GateVerdict::Regressed
            } else if gate.is_beyond(row) {
                GateVerdict::Undecided
            } else {
                GateVerdict::Passed
            };
            all[i].push(Gated { at, verdict });
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn gates_are_read() {
        let gate = Gate::parse(" p99   5% ").unwrap();
        assert_eq!((gate.metric, gate.margin), (Metric::Percentile(99.0), 0.05));
        assert_eq!(
            (gate.text.as_str(), gate.words()),
            ("p99 5%", "p99 at most 5% worse".into())
        );
        assert_eq!(
            Gate::parse("failures 0.5%").unwrap().words(),
            "failure rate at most 0.5 points worse"
        );
        let worst = Gate::parse("worst p99 5%").unwrap();
        assert_eq!(worst.metric, Metric::Worst(99.0));
        for (text, says) in [
            ("", "as in 'p99 5%'"),
            ("p99", "write a metric and"),
            ("p99 < 5%", "p99 <"),
            ("p99 5", "`5` is no margin of `p99 5`"),
            ("p99 -5%", "at least 0%"),
            ("p99 NaN%", "at least 0%"),
            ("p99 1e99%", "below 100000%"),
            ("speed 5%", "speed"),
            ("p101 5%", "101"),
        ] {
            let said = Gate::parse(text).unwrap_err().to_string();
            assert!(said.contains(says), "{text}: {said}");
        }
    }
}
