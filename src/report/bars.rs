//! Shares of time, as a bar of letters and in words.

use crate::insight::shares::{Shares, means_of_all};
use crate::quantity::{Means, letter, noun, percent, waiting};
use crate::strategy::{CAUSES, Cause};

/// Width of a whole bar, in characters.
pub(super) const WIDTH: usize = 20;

impl Shares {
    /// The main causes in words, to be joined by commas: `queued 90%`, `then 78% GIL`, `12% I/O`.
    pub(super) fn in_words(&self, verbose: bool) -> Vec<String> {
        let (least, most) = if verbose { (0.001, 10) } else { (0.05, 3) };
        let mut parts: Vec<String> = self
            .main(least)
            .into_iter()
            .take(most)
            .map(|(c, s)| format!("{} {}", percent(s), self.named(c, most)))
            .collect();
        if let Some(queued) = self.queued.filter(|&q| q >= least) {
            if let Some(first) = parts.first_mut() {
                *first = format!("then {first}");
            }
            parts.insert(0, format!("queued {}", percent(queued)));
        }
        parts
    }

    /// The noun for a cause; for children, what they spend at least a percent of their time on.
    fn named(&self, cause: Cause, most: usize) -> String {
        let Some(of_children) = self.of_children(cause, 0.01) else {
            return noun(cause, self.means()).to_owned();
        };
        // Children are executed by workers, even those of a task of sequential code.
        let of_children_means = Means {
            workers: Some(true),
            ..self.means()
        };
        let parts: Vec<String> = of_children
            .into_iter()
            .take(most)
            .map(|(c, s)| format!("{} {}", percent(s), noun(c, of_children_means)))
            .collect();
        format!("children ({})", parts.join(", "))
    }
}

/// A stacked bar: each cause gets its share of the width (by largest remainders), in the order of [`Cause::ALL`].
pub(super) fn bar(shares: &[f64; CAUSES]) -> String {
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

/// The meanings of the letters that occur in the bars.
pub(super) fn legend(shown: &[Shares]) -> Vec<String> {
    let bars: Vec<String> = shown.iter().map(|s| bar(&s.of)).collect();
    let means = means_of_all(shown.iter());
    Cause::ALL
        .into_iter()
        .filter(|&c| bars.iter().any(|b| b.contains(letter(c))))
        .map(|c| format!("{} {}", letter(c), waiting(c, means)))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Causes have the names that fit the strategies and interpreters shown.
    #[test]
    fn words_fit_what_is_shown() {
        let shares = |gil: bool, sequential: bool, cause: Cause| {
            let mut of = [0.0; CAUSES];
            (of[Cause::Running as usize], of[cause as usize]) = (0.5, 0.5);
            Shares {
                of,
                queued: None,
                children: None,
                sequential,
                gil,
            }
        };
        let (gil, world) = (
            shares(true, false, Cause::Gil),
            shares(false, false, Cause::Gil),
        );
        assert_eq!(gil.in_words(false), ["50% running", "50% GIL"]);
        assert_eq!(world.in_words(false), ["50% running", "50% stopped world"]);
        let one = shares(true, true, Cause::Pool);
        assert_eq!(one.in_words(false), ["50% running", "50% queued"]);
        let many = || shares(true, false, Cause::Pool);
        let last = |all: Vec<Shares>| legend(&all).pop();
        let said = |text: &str| Some(text.to_owned());
        assert_eq!(last(vec![many()]), said("p waiting for a worker"));
        assert_eq!(last(vec![one]), said("p waiting for its turn"));
        let both = vec![many(), shares(false, true, Cause::Pool)];
        assert_eq!(
            last(both),
            said("p waiting for a worker (sequential: queued)")
        );
        // A case whose tasks do not wait in this way does not count.
        let alone = vec![shares(true, false, Cause::Io), world];
        assert_eq!(legend(&alone)[1], "G waiting for a stopped world");
        let both = vec![gil, shares(false, false, Cause::Gil)];
        let expected = "G waiting for the GIL (free-threaded: for a stopped world)";
        assert_eq!(last(both), said(expected));
    }

    #[test]
    fn a_bar_fills_its_width() {
        let mut shares = [0.0; CAUSES];
        (shares[0], shares[2], shares[8]) = (1.0 / 3.0, 1.0 / 3.0, 1.0 / 3.0);
        assert_eq!(bar(&shares).len(), WIDTH);
        assert_eq!(bar(&shares).matches('#').count(), 7);
        assert_eq!(bar(&[0.0; CAUSES]), "");
        assert_eq!(bar(&[1.0 / 12.0; CAUSES]).len(), WIDTH);
    }
}
