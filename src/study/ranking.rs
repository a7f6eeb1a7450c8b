//! Who is best, who is tied with whom, and how much better than the sequential baseline.

use super::forecast::{Forecast, Status};
use crate::measure::{paired_difference, ratio};

/// Differences below this share of the better case's value are not worth a rank.
pub const TIE: f64 = 0.01;

/// Ranks the cases by their primary metric (`columns[i]`: one value a replication), least first unless `most`. A case ties with
/// the leader of the group before it if their paired difference may be nothing, or is below [`TIE`]. Cases without a steady,
/// complete forecast come last, in their own order. Returns the forecasts in order of rank with their columns.
pub(super) fn rank(
    forecasts: Vec<Forecast>,
    columns: Vec<Vec<f64>>,
    baseline: Option<&[f64]>,
    most: bool,
) -> Vec<Forecast> {
    let mut all: Vec<(Forecast, Vec<f64>)> = forecasts.into_iter().zip(columns).collect();
    let key = |f: &Forecast| match (&f.status, f.primary) {
        (Status::Fine, Some(p)) => (0u8, if most { -p.mean } else { p.mean }),
        (Status::Saturated, _) => (1, 0.0),
        (Status::Unsupported(_), _) => (3, 0.0),
        _ => (2, 0.0),
    };
    // A stable sort: equal cases stay in the order in which they were named.
    all.sort_by(|(a, _), (b, _)| key(a).0.cmp(&key(b).0).then(key(a).1.total_cmp(&key(b).1)));
    let best = all
        .first()
        .map(|(_, column)| column.clone())
        .unwrap_or_default();
    let mut leader = 0;
    for i in 0..all.len() {
        if all[i].0.status != Status::Fine || all[i].0.primary.is_none() {
            continue;
        }
        if i > 0 && ties(&all[i].1, &all[leader].1) {
            all[leader].0.tied = true;
            all[i].0.tied = true;
        } else {
            leader = i;
        }
        let (forecast, column) = &mut all[i];
        forecast.rank = u32::try_from(leader + 1).ok();
        forecast.behind_best = if i == 0 {
            None
        } else {
            paired_difference(column, &best)
        };
        forecast.speedup = baseline.and_then(|b| {
            if most {
                ratio(column, b)
            } else {
                ratio(b, column)
            }
        });
    }
    all.into_iter().map(|(f, _)| f).collect()
}

fn ties(a: &[f64], b: &[f64]) -> bool {
    let Some(difference) = paired_difference(a, b) else {
        return false;
    };
    let size = crate::measure::Estimate::of(b).map_or(0.0, |e| e.mean.abs());
    difference.mean.abs() <= TIE * size || (difference.half.is_some() && difference.covers(0.0))
}
