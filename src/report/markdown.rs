//! The comparison as Markdown, to be pasted into an issue or a design document.

use super::Meta;
use super::grid::{Grid, WIDE, metric_name, short_name, sign};
use super::shares::Shares;
use super::text::said;
use crate::measure::CONFIDENCE;
use crate::study::{Study, percent};

/// The study as Markdown: comparison, why, objectives, warnings, command.
pub fn markdown(study: &Study, meta: &Meta) -> String {
    let mut lines = vec![format!("# {}", escaped(&study.name)), String::new()];
    if !study.question.is_empty() {
        lines.extend([escaped(&study.question), String::new()]);
    }
    let cores = study.machine.cores.len();
    let cores = if cores == 1 {
        "1 core".into()
    } else {
        format!("{cores} cores")
    };
    lines.push(format!(
        "{cores}, seed {}, ranked by {}; ± is the {} confidence interval (other columns: above {}).",
        study.seed,
        metric_name(study.metric),
        percent(CONFIDENCE),
        percent(WIDE)
    ));
    lines.push(String::new());
    let claims = study.claims();
    let said = claims.iter().map(|c| said(study, c));
    lines.extend(said.map(|c| escaped(&c)));
    lines.push(String::new());
    let grid = Grid::new(study);
    let row = |cells: Vec<String>| format!("| {} |", cells.join(" | "));
    lines.push(row(grid
        .columns
        .iter()
        .map(|c| escaped(&c.heading()))
        .collect()));
    lines.push(row(grid
        .columns
        .iter()
        .map(|c| if c.number { "--:".into() } else { ":--".into() })
        .collect()));
    lines.extend(
        grid.rows
            .iter()
            .map(|r| row(r.iter().map(|c| escaped(c)).collect())),
    );
    lines.push(String::new());
    let explained = study
        .forecasts
        .iter()
        .filter(|f| f.causes.iter().sum::<f64>() > 0.0);
    let reasons: Vec<String> = explained
        .map(|f| {
            format!(
                "- {}: {}",
                escaped(&short_name(study, f)),
                Shares::new(study, f).in_words(false).join(", ")
            )
        })
        .collect();
    if !reasons.is_empty() {
        lines.extend(["## Where the time goes".into(), String::new()]);
        lines.extend(reasons);
        lines.push(String::new());
    }
    if study.forecasts.iter().any(|f| !f.objectives.is_empty()) {
        lines.extend(["## Objectives".into(), String::new()]);
        for f in &study.forecasts {
            let each: Vec<String> = f
                .objectives
                .iter()
                .map(|o| format!("{} `{}`", sign(o.verdict), o.text))
                .collect();
            lines.push(format!(
                "- {}: {}",
                escaped(&short_name(study, f)),
                each.join(", ")
            ));
        }
        lines.push(String::new());
    }
    if !study.warnings.is_empty() {
        lines.extend(["## Warnings".into(), String::new()]);
        lines.extend(
            study
                .warnings
                .iter()
                .map(|w| format!("- {}: {}", w.code(), escaped(&w.text()))),
        );
        lines.push(String::new());
    }
    lines.push(format!(
        "Repeat with `{}` (pchsim {}).",
        meta.command, meta.version
    ));
    lines.push(String::new());
    lines.join("\n")
}

/// A cell must not end its row, and what users called things must not be taken for tags.
pub(super) fn escaped(text: &str) -> String {
    marked_off(text, |c, next| c == '|' || c == '<' && begins_tag(next))
}

/// In one line, a backslash before the signs that are picked.
pub(super) fn marked_off(text: &str, mut pick: impl FnMut(char, Option<char>) -> bool) -> String {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        let c = if c == '\n' || c == '\r' { ' ' } else { c };
        if pick(c, chars.peek().copied()) {
            out.push('\\');
        }
        out.push(c);
    }
    out
}

/// Whether a `<` before this sign begins a tag.
pub(super) fn begins_tag(next: Option<char>) -> bool {
    next.is_some_and(|c| c.is_ascii_alphabetic() || "/!?".contains(c))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_no_markup() {
        assert_eq!(
            escaped("<img src=x>|\n</b> a < 1s"),
            "\\<img src=x>\\| \\</b> a < 1s"
        );
        assert_eq!(escaped("`p95 < 2s`"), "`p95 < 2s`");
    }
}
