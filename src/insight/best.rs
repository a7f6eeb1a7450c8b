//! The best point of a sweep, whether the sweep is finished or still running.

use std::cmp::Ordering;

use super::metric::written;
use super::standings::Standings;
use crate::measure::Estimate;
use crate::quantity::{Quantity, metric_name, metric_text};
use crate::result::{AxisKind, Sweep, SweepHeader, SweepRow, Tier, fails_more};
use crate::scenario::Metric;

/// The case to take at the best point.
#[derive(Clone, Debug, PartialEq)]
pub struct Best {
    /// Number of the point, from 0.
    pub point: u64,
    /// Values at the point, as name and value for each axis.
    pub at: Vec<(String, String)>,
    /// The strategy in its short form.
    pub strategy: String,
    /// Name of the interpreter.
    pub interpreter: String,
    /// Value of the metric by which the sweep ranks.
    pub value: Estimate,
    /// Tier of the case within its point.
    pub tier: Tier,
    excess: f64,
    fails: Option<Estimate>,
    /// The load that the case bears, if a load is swept.
    load: Option<f64>,
    ranking: Metric,
}

impl Best {
    /// Whether it is better than another: it bears a larger load; else it fails fewer tasks, or is in a better tier, or comes nearer to the
    /// objectives; and only then by its metric. Of equally good points, the one with the lower number is better.
    pub fn is_better_than(&self, other: &Self) -> bool {
        let load = |b: &Self| b.load.unwrap_or(0.0);
        let fails = |a: &Self, b: &Self| {
            a.fails
                .zip(b.fails)
                .is_some_and(|(a, b)| fails_more(a, b.mean))
        };
        let metric = |a: &Self, b: &Self| self.ranking.better(a.value.mean, b.value.mean);
        load(other)
            .total_cmp(&load(self))
            .then_with(|| fails(self, other).cmp(&fails(other, self)))
            .then_with(|| self.tier.cmp(&other.tier))
            .then_with(|| self.excess.total_cmp(&other.excess))
            .then_with(|| metric(other, self).cmp(&metric(self, other)))
            .then_with(|| self.point.cmp(&other.point))
            == Ordering::Less
    }

    /// A short text: `processes:4, cores 8: makespan 12.4 ± 0.3 s`.
    pub fn text(&self) -> String {
        let at: Vec<String> = self.at.iter().map(|(l, v)| format!("{l} {v}")).collect();
        let standings = match self.tier {
            Tier::Meets | Tier::NoForecast => "",
            Tier::Misses => " (misses an objective)",
            Tier::Fails => " (fails more than others)",
        };
        format!(
            "{}, {}: {} {}{standings}",
            self.strategy,
            at.join(", "),
            metric_name(self.ranking),
            metric_text(self.ranking, self.value)
        )
    }
}

/// The case to take over all points (under the heaviest load, if a load is swept). `None` if no case has a meaningful forecast, or if the
/// values of an axis are given: then no point is better than another.
pub fn best(sweep: &Sweep) -> Option<Best> {
    let standings = Standings::new(sweep);
    let settings = standings.settings();
    let [only] = settings.as_slice() else {
        return None;
    };
    if standings.is_given() {
        return None;
    }
    let row = standings.best(&only.rows)?.row;
    let ranking = sweep.header.ranked_by;
    let axes = &sweep.header.axes;
    let axes = axes.iter().map(|a| (a.path.as_str(), a.label.as_str()));
    let load = only.load.and_then(|(a, i)| {
        let numbers = sweep.header.axes.get(a)?.numbers.as_ref()?;
        numbers.get(i).copied()
    });
    one(&standings, row, &sweep.rows[row], axes, load, ranking)
}

/// The case to take at one point, from its rows; the best of all follows by [`Best::is_better_than`]. `None` as for [`best`].
pub fn best_of_point(header: &SweepHeader, rows: &[SweepRow]) -> Option<Best> {
    let mut standings = Standings::none(header);
    if standings.is_given() {
        return None;
    }
    standings.add(rows);
    standings.look_across();
    let row = standings.at(rows.first()?.point)?.row;
    let axes = &header.axes;
    let load = (0..axes.len())
        .find(|&a| standings.kind(a) == AxisKind::Load)
        .and_then(|a| {
            let at = *rows[row].index.get(a)?;
            axes[a].numbers.as_ref()?.get(at).copied()
        });
    let names = axes.iter().map(|a| (a.path.as_str(), a.label.as_str()));
    one(&standings, row, &rows[row], names, load, header.ranked_by)
}

fn one<'a>(
    standings: &Standings,
    place: usize,
    row: &SweepRow,
    axes: impl Iterator<Item = (&'a str, &'a str)>,
    load: Option<f64>,
    ranking: Metric,
) -> Option<Best> {
    let stood = &standings.rows[place];
    let at = axes.filter_map(|(path, label)| {
        let at = row.at.get(path)?;
        Some((label.to_owned(), written(at)))
    });
    Some(Best {
        point: row.point,
        at: at.collect(),
        strategy: row.case.strategy.clone(),
        interpreter: row.case.interpreter.clone(),
        value: stood.value?,
        tier: stood.within.tier,
        excess: stood.within.excess,
        fails: row.case.get(Quantity::FailureRate),
        load,
        ranking,
    })
}
