//! What forecasts were off by where they were held against measured programs: the page of that is part of the program.

/// The page that `pchsim validate` writes.
const PAGE: &str = include_str!("../../docs/accuracy.md");
/// The column of the 99th percentile in its summary.
const P99: usize = 4;

/// Errors of forecast 99th percentiles over all measured programs: median, 90th percentile and worst, in percent as the page says them.
pub(crate) fn p99_errors() -> Option<[&'static str; 3]> {
    let all = PAGE.lines().find(|l| l.starts_with("| **all** |"))?;
    let cell = all.trim_matches('|').split('|').nth(P99)?;
    let mut figures = cell.split('/').map(str::trim);
    Some([figures.next()?, figures.next()?, figures.next()?])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_page_says_three_percentages_of_p99() {
        let head = PAGE.lines().find(|l| l.starts_with("| strategy |"));
        let title = head.and_then(|l| l.trim_matches('|').split('|').nth(P99));
        assert_eq!(title.map(str::trim), Some("p99"));
        let figures = p99_errors().expect("a row of all");
        assert!(figures.iter().all(|f| f.ends_with('%')), "{figures:?}");
    }
}
