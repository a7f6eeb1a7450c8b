//! A study's windows of time as text: the load, and how latencies follow it, a line a case.

use super::text::TextWriter;
use crate::layout::{padded, width};
use crate::quantity::{digits, percent, seconds};
use crate::result::{Forecast, Judgement, OverWindows, Study};

/// Most columns of a course.
const COLUMNS: usize = 60;
/// Heights of a course, lowest first.
const BARS: [char; 8] = ['▁', '▂', '▃', '▄', '▅', '▆', '▇', '█'];
/// The same for terminals that know letters only.
const PLAIN: [char; 8] = ['_', '.', '-', '~', '=', '+', '*', '#'];

/// Shows latencies by when tasks arrived, if the study has windows. `names` gives each case's name in a column of its own.
pub(super) fn over_windows(
    out: &mut TextWriter,
    study: &Study,
    names: impl FnOnce(&mut TextWriter, &[&Forecast]) -> Vec<String>,
) {
    let with: Vec<(&Forecast, &OverWindows)> = (study.forecasts.iter())
        .filter_map(|f| Some((f, f.detail.windows.as_ref()?)))
        .filter(|(_, w)| w.arrived.len() > 1)
        .collect();
    let Some((_, first)) = with.first() else {
        return;
    };
    let cases: Vec<&Forecast> = with.iter().map(|(f, _)| *f).collect();
    let names = names(out, &cases);
    let wide = names.iter().map(|n| width(n)).max().unwrap_or(0).max(8);
    let room = out.style.width.saturating_sub(wide + 8);
    let columns = first.arrived.len().min(COLUMNS).min(room.max(10));
    let each = at(first.width_s);
    out.prose(
        "  ",
        &format!("Over time: p99 by when tasks arrived, in windows of {each}"),
    );
    let rates: Vec<Option<f64>> = (first.arrived.iter())
        .map(|n| Some(n / first.width_s))
        .collect();
    let (least, most) = range(&rates);
    let course = course(&rates, (0.0, most), columns, out.style.unicode, |x| x);
    let text = format!("{} to {} a second", digits(least, 3), digits(most, 3));
    entry(out, &padded("arrivals", wide, false), &course, &[text]);
    // One scale for all cases, by powers, so that a course that is twice as high everywhere is seen to be.
    let all: Vec<Option<f64>> = with
        .iter()
        .flat_map(|(_, w)| w.p99_s.iter().copied())
        .collect();
    let (low, high) = range(&all);
    for ((f, w), name) in with.iter().zip(&names) {
        let line = self::course(&w.p99_s, (low, high), columns, out.style.unicode, |x| {
            libm::log(x.max(1e-9))
        });
        entry(out, &padded(name, wide, false), &line, &words(f, w));
    }
    out.line("");
}

/// A line of the table: name, course, and what is said of it, which goes below where there is no room beside.
fn entry(out: &mut TextWriter, name: &str, course: &str, words: &[String]) {
    let bar = if out.style.unicode { '│' } else { '|' };
    let first = format!("  {name}  {bar}{course}{bar} ");
    let longest = words.iter().map(|w| width(w)).max().unwrap_or(0);
    if width(&first) + longest > out.style.width {
        out.line(&first);
        out.entries(words, "; ", "      ", "      ");
    } else {
        let next = " ".repeat(width(&first));
        out.entries(words, "; ", &first, &next);
    }
}

fn range(values: &[Option<f64>]) -> (f64, f64) {
    let known = || values.iter().flatten().copied();
    (
        known().fold(f64::INFINITY, f64::min),
        known().fold(0.0, f64::max),
    )
}

/// The values as heights, the highest of neighbours where there are more values than columns; blank where there is none.
fn course(
    values: &[Option<f64>],
    (low, high): (f64, f64),
    columns: usize,
    unicode: bool,
    scale: impl Fn(f64) -> f64,
) -> String {
    let bars = if unicode { BARS } else { PLAIN };
    let (low, high) = (scale(low), scale(high));
    let column = |c: usize| {
        let (from, to) = (
            c * values.len() / columns,
            ((c + 1) * values.len()).div_ceil(columns),
        );
        let highest = values[from..to].iter().flatten().copied().reduce(f64::max);
        highest.map_or(' ', |x| {
            let share = (scale(x) - low) / (high - low).max(1e-12);
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "between 0 and 8"
            )]
            let height = (share.clamp(0.0, 1.0) * 8.0) as usize;
            bars[height.min(7)]
        })
    };
    (0..columns).map(column).collect()
}

fn at(s: f64) -> String {
    seconds(crate::engine::Nanos::from_secs_f64(s))
}

/// What is said of a case: the best and the worst window, and for how long objectives were not met.
fn words(f: &Forecast, w: &OverWindows) -> Vec<String> {
    let mut out = Vec::new();
    let known = w
        .p99_s
        .iter()
        .enumerate()
        .filter_map(|(i, p)| Some((i, (*p)?)));
    let worst = known.clone().max_by(|a, b| a.1.total_cmp(&b.1));
    let best = known.min_by(|a, b| a.1.total_cmp(&b.1));
    if let (Some((_, best)), Some((i, worst))) = (best, worst) {
        out.push(format!(
            "{} to {}, worst at {}",
            at(best),
            at(worst),
            at(w.from_s + i as f64 * w.width_s)
        ));
    }
    let failed: f64 = w.failed.iter().sum();
    let arrived: f64 = w.arrived.iter().sum();
    if failed > 0.0 {
        let highest = (w.failed.iter().zip(&w.arrived).enumerate())
            .filter(|(_, (_, arrived))| **arrived > 0.0)
            .map(|(i, (failed, arrived))| (i, failed / arrived))
            .max_by(|a, b| a.1.total_cmp(&b.1));
        if let Some((i, share)) = highest {
            out.push(format!(
                "{} failed, at most {} of a window's at {}",
                percent(failed / arrived),
                percent(share),
                at(w.from_s + i as f64 * w.width_s)
            ));
        }
    }
    out.extend(f.objectives.iter().filter_map(missed));
    out
}

/// For how long an objective was not met, if windows tell and it was not.
fn missed(j: &Judgement) -> Option<String> {
    let r = j.recovery.as_ref()?;
    let from = r.from_s?;
    let still = if r.still_missed_share > 0.0 {
        let share = percent(r.still_missed_share);
        format!(", to the end in {share} of the replications")
    } else {
        String::new()
    };
    // In some of the replications only: when and for how long is of those, not of the others that have met it.
    let often = if r.missed_share < 1.0 {
        format!(" in {} of the replications,", percent(r.missed_share))
    } else {
        String::new()
    };
    let for_long = match r.longest_s.half() {
        _ if r.missed_share < 1.0 => {
            let mean = r.longest_s.mean / r.missed_share.max(f64::MIN_POSITIVE);
            format!("there for {} on average", at(mean))
        }
        Some(half) if half > 0.05 * r.longest_s.mean => {
            format!("for {} ± {}", at(r.longest_s.mean), at(half))
        }
        _ => format!("for {}", at(r.longest_s.mean)),
    };
    Some(format!(
        "`{}` missed{often} {for_long} from {}{still}",
        j.text,
        at(from)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_course_keeps_peaks() {
        let values: Vec<Option<f64>> = (0..100)
            .map(|i| (i != 50).then_some(if i == 33 { 8.0 } else { 1.0 }))
            .collect();
        let line = course(&values, (0.0, 8.0), 10, true, |x| x);
        assert_eq!(line, "▂▂▂█▂▂▂▂▂▂");
        assert_eq!(course(&values[50..51], (0.0, 8.0), 1, true, |x| x), " ");
        assert_eq!(course(&values, (0.0, 8.0), 10, false, |x| x), "...#......");
    }
}
