//! Shows the fits as a table for a terminal.

use super::dist::name;
use super::fit::Fit;
use super::workload::Learned;
use crate::engine::Nanos;
use crate::quantity::seconds;
use crate::scenario::{Dist, visible};

/// A p-value as shown in a table; it is known to a hundredth or so.
pub(super) fn p_text(p: Option<f64>) -> String {
    match p {
        None => "–".into(),
        Some(p) if p < 0.01 => "<0.01".into(),
        Some(p) => format!("{p:.2}"),
    }
}

/// A Kolmogorov-Smirnov distance as shown in a table.
pub(super) fn d_text(d: Option<f64>) -> String {
    d.map_or("–".into(), |d| format!("{d:.3}"))
}

/// A duration in nanoseconds as a person reads it.
pub(super) fn time(ns: f64) -> String {
    if ns.is_finite() {
        seconds(Nanos::from_f64(ns))
    } else {
        "infinite".into()
    }
}

/// The distribution with its parameters, short enough for a cell of a table.
fn short(dist: &Dist) -> String {
    let t = |n: &Nanos| seconds(*n);
    let name = name(dist);
    match dist {
        Dist::Constant(v) | Dist::Exponential(v) => format!("{name} {}", t(v)),
        Dist::Uniform(a, b) => format!("{name} {} to {}", t(a), t(b)),
        Dist::Normal(m, s) => format!("{name} {}, sd {}", t(m), t(s)),
        Dist::LogNormal { median, p99 } => format!("{name} {}, p99 {}", t(median), t(p99)),
        Dist::Gamma { mean, cv } => format!("{name} {}, cv {cv:.2}", t(mean)),
        Dist::Weibull { scale, shape } => format!("{name} {}, shape {shape:.2}", t(scale)),
        Dist::Pareto { least, shape } => format!("{name} {}, shape {shape:.2}", t(least)),
        Dist::Empirical(values) => format!("{name}, {} values", values.len()),
    }
}

/// A class's name in a cell of a table: so many columns at most.
fn cell(name: &str) -> String {
    const MOST: usize = 48;
    let name = visible(name);
    if name.chars().count() <= MOST {
        return name;
    }
    let begin: String = name.chars().take(MOST - 1).collect();
    begin + "…"
}

fn row(class: String, step: String, fit: &Fit) -> Vec<String> {
    vec![
        class,
        step,
        fit.n.to_string(),
        time(fit.mean),
        short(&fit.dist),
        d_text(fit.d),
        p_text(fit.p),
        fit.verdict.text().into(),
    ]
}

impl Learned {
    /// The table of fits, one a line: class, step, number of values, mean, distribution, Kolmogorov-Smirnov D, its p-value, verdict.
    #[must_use]
    pub fn table(&self) -> String {
        let titles = [
            "class",
            "step",
            "n",
            "mean",
            "distribution",
            "KS D",
            "p",
            "fit",
        ];
        let mut rows = vec![titles.map(str::to_owned).to_vec()];
        rows.extend(
            self.fits()
                .into_iter()
                .map(|(class, step, fit)| row(cell(&class), step, fit)),
        );
        let width = |k: usize| rows.iter().map(|r| r[k].chars().count()).max().unwrap_or(0);
        let widths: Vec<usize> = (0..titles.len()).map(width).collect();
        let mut out = String::new();
        for cells in &rows {
            let mut line = String::new();
            for (k, cell) in cells.iter().enumerate() {
                let blanks = " ".repeat(widths[k] - cell.chars().count());
                // Columns of numbers are aligned to the right.
                let text = if matches!(k, 2 | 3 | 5 | 6) {
                    blanks + cell
                } else {
                    cell.clone() + &blanks
                };
                line.push_str(&text);
                line.push_str("  ");
            }
            out.push_str(line.trim_end());
            out.push('\n');
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_from_outside_stay_in_their_cells() {
        assert_eq!(
            cell("GET /a\n\u{202e}b\u{1b}[1m"),
            "GET /a\\n\\u{202e}b\\u{1b}[1m"
        );
        assert_eq!(cell("GET /päge"), "GET /päge");
        let long = cell(&"x".repeat(100_000));
        assert_eq!((long.chars().count(), long.chars().last()), (48, Some('…')));
    }
}
