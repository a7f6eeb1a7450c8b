//! Colours for the text report. They repeat what words and signs say already; the output stream removes them where they
//! are not wanted.

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
        } else if let Some(rest) = line.strip_prefix("warning:") {
            format!("{}{rest}", in_style(yellow, "warning:"))
        } else if let Some(rest) = line.strip_prefix("note:") {
            format!("{}{rest}", in_style(cyan, "note:"))
        } else {
            line.replace('✓', &in_style(green, "✓"))
                .replace('✗', &in_style(red, "✗"))
        };
        out.push_str(&painted);
        out.push('\n');
    }
    out
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
    fn without_colours_nothing_changes() {
        let report = "Best: threads.\n  ✓ p95 < 1s\nwarning: slow\nnote: fine\n";
        let painted = super::paint(report);
        assert_ne!(painted, report);
        assert_eq!(anstream::adapter::strip_str(&painted).to_string(), report);
    }
}
