//! Shares of time as a bar of letters, and in words.

use crate::strategy::Cause;
use crate::study::{Forecast, percent};

/// Characters of a whole bar.
const WIDTH: usize = 40;

/// The letter that stands for a cause in a bar; a letter reads the same without colour.
pub(super) fn letter(c: Cause) -> char {
    match c {
        Cause::Running => '#',
        Cause::Core => 'c',
        Cause::Gil => 'G',
        Cause::Lock => 'L',
        Cause::Pool => 'p',
        Cause::Loop => 'o',
        Cause::Ipc => 'i',
        Cause::Startup => 's',
        Cause::Io => '.',
        Cause::Queue => 'q',
    }
}

/// What a cause means to a reader.
pub(super) fn words(c: Cause) -> &'static str {
    match c {
        Cause::Running => "running",
        Cause::Core => "waiting for a core",
        Cause::Gil => "waiting for the GIL",
        Cause::Lock => "waiting for a lock",
        Cause::Pool => "queued for a worker",
        Cause::Loop => "waiting for the event loop",
        Cause::Ipc => "hand-over (pickling, pipes)",
        Cause::Startup => "start-up",
        Cause::Io => "I/O",
        Cause::Queue => "waiting for a queue or children",
    }
}

/// A stacked bar: each cause gets its share of the width (largest remainders), in the order of [`Cause::ALL`].
pub(super) fn bar(shares: &[f64; 10]) -> String {
    #[expect(clippy::cast_precision_loss, reason = "a small constant")]
    let exact: Vec<f64> = shares
        .iter()
        .map(|s| s.clamp(0.0, 1.0) * WIDTH as f64)
        .collect();
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the width"
    )]
    let mut cells: Vec<usize> = exact.iter().map(|e| libm::floor(*e) as usize).collect();
    let total: f64 = shares.iter().sum();
    if total > 0.0 {
        let mut order: Vec<usize> = (0..shares.len()).collect();
        order.sort_by(|&a, &b| {
            libm::modf(exact[b])
                .0
                .total_cmp(&libm::modf(exact[a]).0)
                .then(a.cmp(&b))
        });
        let missing = WIDTH.saturating_sub(cells.iter().sum());
        order
            .iter()
            .filter(|&&i| shares[i] > 0.0)
            .take(missing)
            .for_each(|&i| cells[i] += 1);
    }
    Cause::ALL
        .iter()
        .zip(cells)
        .flat_map(|(&c, n)| std::iter::repeat_n(letter(c), n))
        .collect()
}

/// The main causes in words: `78% waiting for the GIL, 12% I/O`.
pub(super) fn in_words(f: &Forecast, verbose: bool) -> String {
    let (least, most) = if verbose { (0.001, 10) } else { (0.05, 3) };
    let parts: Vec<String> = f
        .main_causes(least)
        .into_iter()
        .take(most)
        .map(|(c, s)| format!("{} {}", percent(s), words(c)))
        .collect();
    parts.join(", ")
}

/// What the letters of the bars mean, of the causes that occur.
pub(super) fn legend(forecasts: &[Forecast]) -> String {
    let parts: Vec<String> = Cause::ALL
        .into_iter()
        .filter(|&c| forecasts.iter().any(|f| f.causes[c as usize] >= 0.005))
        .map(|c| format!("{} {}", letter(c), words(c)))
        .collect();
    parts.join("  ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bar_fills_its_width() {
        let mut shares = [0.0; 10];
        (shares[0], shares[2], shares[8]) = (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0);
        assert_eq!(bar(&shares).len(), WIDTH);
        assert_eq!(bar(&shares).matches('#').count(), 14);
        assert_eq!(bar(&[0.0; 10]), "");
        assert_eq!(bar(&[0.1; 10]).len(), WIDTH);
    }
}
