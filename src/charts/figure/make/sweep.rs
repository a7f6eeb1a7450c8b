//! Figures of a sweep, over one axis or over two.

use super::cases::{keep, left_out};
use super::points::{SweepCurve, SweepLayout};
use super::{Figure, RankMetric, grid, over};
use crate::quantity::percent;
use crate::result::Sweep;

/// Most strategies over an axis: bands take more room than bare curves.
const MOST: usize = 6;

/// What all figures of a sweep need.
pub(super) struct Context<'a> {
    pub points: SweepLayout<'a>,
    pub metric: RankMetric,
    /// Whether all tasks arrive at once.
    pub batch: bool,
    /// Scenario and confidence, for subtitles.
    pub facts: String,
}

impl<'a> Context<'a> {
    /// The curves that are shown, and a note about the others.
    pub(super) fn drawn_curves(&self) -> (Vec<&SweepCurve<'a>>, String) {
        let curves = &self.points.curves;
        let base = curves.iter().position(|c| c.baseline);
        let kept = keep(curves.len(), MOST, base);
        let note = left_out(curves.len() - kept.len(), curves.len(), base.is_some());
        (kept.into_iter().map(|i| &curves[i]).collect(), note)
    }
}

pub(super) fn figures(sweep: &Sweep) -> Vec<Figure> {
    let header = &sweep.header;
    let context = Context {
        points: SweepLayout::of(sweep),
        metric: RankMetric::of(header.ranked_by),
        batch: header.ranked_by == crate::scenario::Metric::Makespan,
        facts: format!(
            "{} · {} intervals",
            header.scenario.name,
            percent(header.confidence)
        ),
    };
    match context.points.axes.as_slice() {
        [] => Vec::new(),
        [only] => over::figures(&context, *only),
        [first, second, ..] => grid::figures(&context, *first, *second),
    }
}
