//! The metric at each text value of an axis, as bars.

use super::table::in_unit;
use crate::insight::view::{SeriesPoint, Slice, SweepView};
use crate::layout::Style;
use crate::layout::{padded, unique, width};
use crate::quantity::{IntervalDisplay, estimate, metric_name};

/// Most bars that fit a screen.
const BARS: usize = 26;
/// Length of the longest bar, in characters.
const BAR: usize = 36;

/// A bar for each strategy at each value; if there are too many, only for the best strategy.
pub(super) fn bars(
    view: &SweepView<'_>,
    along: usize,
    slices: &[Slice],
    style: Style,
) -> Vec<String> {
    let [slice] = slices else { return Vec::new() };
    let mut all: Vec<(usize, usize, SeriesPoint<'_>)> = (0..view.series.len())
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
    let names: Vec<String> = all
        .iter()
        .map(|(i, s, _)| style.fit(name(*i, *s)))
        .collect();
    let names = unique(&names, style.width * 2 / 5, style.unicode);
    let wide = names.iter().map(|n| width(n)).max().unwrap_or(0);
    let texts = all.iter().filter_map(|(_, _, d)| {
        let value = d.value?.scaled(1.0 / scale);
        let text = format!("{} {unit}", estimate(value, IntervalDisplay::Always));
        Some(style.fit(text.trim_end().to_owned()))
    });
    let texts: Vec<String> = texts.collect();
    let longest = texts.iter().map(|t| width(t)).max().unwrap_or(0);
    // Two characters precede the name, two follow it, and one follows the bar.
    let room = style.width.saturating_sub(wide + longest + 5).clamp(4, BAR);
    let lines = all.iter().zip(names.iter().zip(&texts));
    let lines = lines.filter_map(|((_, _, d), (name, text))| {
        Some(format!(
            "  {}  {} {text}",
            padded(name, wide, false),
            bar(d.value?.mean / most, room, style)
        ))
    });
    let title = if few { " of the best strategy" } else { "" };
    std::iter::once(format!("{}{title}", metric_name(view.ranking)))
        .chain(lines)
        .collect()
}

fn bar(share: f64, longest: usize, style: Style) -> String {
    const PARTS: [&str; 8] = ["", "▏", "▎", "▍", "▌", "▋", "▊", "▉"];
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "shares are 0 to 1"
    )]
    let eighths = libm::round(share.clamp(0.0, 1.0) * (longest * 8) as f64) as usize;
    if !style.unicode {
        return "#".repeat((eighths / 8).max(1));
    }
    let eighths = eighths.max(1);
    format!("{}{}", "█".repeat(eighths / 8), PARTS[eighths % 8])
}
