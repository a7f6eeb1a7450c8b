//! Colours for the text report. They only repeat what words and signs say already; the output stream removes them where they are not
//! wanted.

use anstyle::{AnsiColor, Style};

/// The report with its verdict, ticks and warnings set off.
pub(super) fn paint(report: &str) -> String {
    let (bold, green, red) = (
        Style::new().bold(),
        color(AnsiColor::Green),
        color(AnsiColor::Red),
    );
    let (yellow, cyan) = (
        color(AnsiColor::Yellow).bold(),
        color(AnsiColor::Cyan).bold(),
    );
    let mut out = String::with_capacity(report.len() + 256);
    for line in report.lines() {
        let painted = if line.starts_with("Best: ") {
            in_style(bold, line)
        } else if let Some((label, rest)) = labelled(line, "warning[") {
            format!("{}{rest}", in_style(yellow, label))
        } else if let Some((label, rest)) = labelled(line, "note[") {
            format!("{}{rest}", in_style(cyan, label))
        } else {
            line.replace('✓', &in_style(green, "✓"))
                .replace('✗', &in_style(red, "✗"))
        };
        out.push_str(&painted);
        out.push('\n');
    }
    out
}

/// What a warning or a note begins with (`warning[saturated]:`), and the rest of its line.
fn labelled<'l>(line: &'l str, kind: &str) -> Option<(&'l str, &'l str)> {
    let code = line.strip_prefix(kind)?;
    line.split_at_checked(kind.len() + code.find("]:")? + 2)
}

/// A timeline with its slices in colours: what runs stands out, what waits is told apart.
pub(super) fn paint_timeline(chart: &str) -> String {
    let mut out = String::with_capacity(chart.len() * 2);
    for line in chart.lines() {
        let bar = if line.contains('│') { '│' } else { '|' };
        let mut parts = line.splitn(3, bar);
        match (parts.next(), parts.next(), parts.next()) {
            (Some(name), Some(slices), Some(share)) => {
                out.push_str(&in_style(Style::new().bold(), name));
                out.push(bar);
                slices_in_colours(slices, &mut out);
                out.push(bar);
                out.push_str(share);
            }
            _ => out.push_str(line),
        }
        out.push('\n');
    }
    out
}

fn slices_in_colours(slices: &str, out: &mut String) {
    let style = |sign: char| match sign {
        '█' | '#' => Some(color(AnsiColor::Green)),
        '▓' | '=' => Some(color(AnsiColor::Blue)),
        'G' => Some(color(AnsiColor::Red)),
        'c' => Some(color(AnsiColor::Yellow)),
        'L' | 'q' | 'l' => Some(color(AnsiColor::Magenta)),
        'P' | 'i' => Some(color(AnsiColor::Cyan)),
        's' => Some(color(AnsiColor::BrightYellow)),
        '.' | '·' | '-' | '▁' | '_' => Some(color(AnsiColor::BrightBlack)),
        _ => None,
    };
    let mut last = None;
    for sign in slices.chars() {
        let now = style(sign);
        if now != last {
            if let Some(style) = last {
                out.push_str(&format!("{style:#}"));
            }
            if let Some(style) = now {
                out.push_str(&style.to_string());
            }
            last = now;
        }
        out.push(sign);
    }
    if let Some(style) = last {
        out.push_str(&format!("{style:#}"));
    }
}

fn color(c: AnsiColor) -> Style {
    c.on_default()
}

fn in_style(style: Style, text: &str) -> String {
    format!("{style}{text}{style:#}")
}

#[cfg(test)]
mod tests {
    #[test]
    fn a_timeline_without_colours_is_what_it_was() {
        let chart = "        0 ms\nCores\n  core 0│██GG ▁·│  50%\n  a|b#| 3%\n";
        let painted = super::paint_timeline(chart);
        assert_ne!(painted, chart);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), chart);
    }

    #[test]
    fn without_colours_nothing_changes() {
        let report = "Best: threads.\n  ✓ p95 < 1s\nwarning[saturated]: slow\nnote[convoy]: fine\n";
        let painted = super::paint(report);
        assert!(painted.contains("warning[saturated]:\u{1b}"), "{painted:?}");
        assert!(painted.contains("note[convoy]:\u{1b}"), "{painted:?}");
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), report);
    }
}
