//! The metric at each word of an axis, as bars.

use super::table::in_unit;
use super::view::{Dot, Slice, View};
use crate::report::Style;
use crate::report::grid::{Interval, estimate};

/// Bars that still fit a screen.
const BARS: usize = 26;
/// Signs of the longest bar.
const BAR: usize = 36;

/// A bar for each strategy at each word; with too many of them, for the best one.
pub(super) fn bars(view: &View<'_>, along: usize, slices: &[Slice], style: Style) -> Vec<String> {
    let [slice] = slices else { return Vec::new() };
    let mut all: Vec<(usize, usize, Dot<'_>)> = (0..view.series.len())
        .flat_map(|s| {
            view.curve(s, along, slice)
                .into_iter()
                .map(move |d| (d.index, s, d))
        })
        .filter(|(_, _, d)| d.value.is_some())
        .collect();
    all.sort_by_key(|(i, s, _)| (*i, *s));
    let few = all.len() > BARS;
    if few {
        all.retain(|(_, s, d)| view.leads(*s, d.row.point));
        all.dedup_by_key(|(i, _, _)| *i);
    }
    let most = all
        .iter()
        .filter_map(|x| x.2.value)
        .map(|v| v.mean)
        .fold(0.0, f64::max);
    if all.len() < 2 || all.len() > BARS || most <= 0.0 {
        return Vec::new();
    }
    let (scale, unit, _) = in_unit(view);
    let name = |i: usize, s: usize| {
        let word = view.written(along, i);
        if view.series.len() == 1 {
            word
        } else {
            format!("{word}  {}", view.series[s].name)
        }
    };
    let names = all.iter().map(|(i, s, _)| name(*i, *s).chars().count());
    let wide = names.max().unwrap_or(0);
    let lines = all.iter().filter_map(|(i, s, d)| {
        let value = d.value?;
        let text = estimate(value.estimate().scaled(1.0 / scale), Interval::Always);
        let name = name(*i, *s);
        let blanks = " ".repeat(wide - name.chars().count());
        Some(format!(
            "  {name}{blanks}  {} {text} {unit}",
            bar(value.mean / most, style)
        ))
    });
    let title = if few { " of the best strategy" } else { "" };
    std::iter::once(format!("{}{title}", view.ranking.name))
        .chain(lines.map(|l| l.trim_end().to_owned()))
        .collect()
}

fn bar(share: f64, style: Style) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shares are 0 to 1"
    )]
    let eighths = libm::round(share.clamp(0.0, 1.0) * (BAR * 8) as f64) as usize;
    if !style.unicode {
        return "#".repeat((eighths / 8).max(1));
    }
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    let eighths = eighths.max(1);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}
