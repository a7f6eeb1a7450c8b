//! Changes from one estimate to another: a ratio or a difference of means, with its interval, its p-value, and how many replications would
//! tell it; and how many such statements can be made at once.

use statrs::distribution::{ContinuousCDF, StudentsT};

use super::interval::{CONFIDENCE, Estimate, mean_and_variance, nine_digits, student_t};

/// Most replications that are planned for; what needs more is out of reach.
const MOST_PLANNED: u32 = 1_000_000;

/// Share of cases in which a difference of the planned size is told with the planned number of replications (the usual power of a test).
const POWER: f64 = 0.8;

/// What is known of the two sides of a change.
#[derive(Clone, Copy, Debug)]
pub enum Sides<'a> {
    /// The values of the same replications on both sides, which share their random numbers.
    Paired(&'a [f64], &'a [f64]),
    /// The estimates of both sides, made independently. For sides that share random numbers the interval is too wide rather than too
    /// narrow.
    Unpaired(Estimate, Estimate),
}

/// A change from one mean to another, either as the logarithm of their ratio or as their difference. The logarithm makes both directions
/// alike: from B to A is exactly the inverse.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Change {
    /// Whether it is a ratio; otherwise it is a difference.
    ratio: bool,
    /// The logarithm of the ratio, or the difference.
    effect: f64,
    /// Its standard error; `None` where a side has a single replication.
    error: Option<f64>,
    /// Degrees of freedom of the error.
    freedom: u32,
    /// The squared error of a single replication of both sides.
    each: f64,
    /// Whether replications were compared in pairs.
    paired: bool,
}

/// What a side adds to the error of a change: the standard error of its mean, and its replications.
#[derive(Clone, Copy)]
struct Part {
    error: Option<f64>,
    n: u32,
}

impl Part {
    fn of(e: Estimate) -> Self {
        // The half-width is a multiple of the standard error, by as many degrees of freedom as there are further replications. (With a
        // control variate there is one less: the error is then taken slightly too large.)
        let error = e.half().filter(|_| e.n >= 2);
        Self {
            error: error.map(|half| half / student_t(CONFIDENCE, e.n - 1)),
            n: e.n,
        }
    }

    /// The squared error in units of `scale`.
    fn squared(self, scale: f64) -> Option<f64> {
        self.error.map(|e| (e / scale) * (e / scale))
    }
}

impl Change {
    /// The ratio of B's mean to A's, by the delta method on its logarithm; `None` unless both means are above zero.
    #[must_use]
    pub fn ratio(sides: Sides<'_>) -> Option<Self> {
        let (a, b) = means(sides)?;
        if !(a > 0.0 && b > 0.0) {
            return None;
        }
        Self::made(true, libm::log(b / a), sides, (a, b))
    }

    /// The difference of B's mean from A's.
    #[must_use]
    pub fn difference(sides: Sides<'_>) -> Option<Self> {
        let (a, b) = means(sides)?;
        Self::made(false, b - a, sides, (1.0, 1.0))
    }

    /// The change of this size, where each side counts in units of its `scales`.
    fn made(ratio: bool, effect: f64, sides: Sides<'_>, scales: (f64, f64)) -> Option<Self> {
        let finite = |v: f64| v.is_finite().then_some(v);
        let (error, freedom, each) = match sides {
            Sides::Paired(a, b) => paired(a, b, scales),
            Sides::Unpaired(a, b) => unpaired(Part::of(a), Part::of(b), scales),
        };
        Some(Self {
            ratio,
            effect: finite(effect)?,
            error: error.and_then(finite),
            freedom,
            each,
            paired: matches!(sides, Sides::Paired(..)),
        })
    }

    /// Whether it is a ratio; otherwise it is a difference.
    #[must_use]
    pub fn is_ratio(&self) -> bool {
        self.ratio
    }

    /// Whether replications were compared in pairs; otherwise their means were.
    #[must_use]
    pub fn is_paired(&self) -> bool {
        self.paired
    }

    /// The change: `B / A - 1` of a ratio, `B - A` of a difference.
    #[must_use]
    pub fn value(&self) -> f64 {
        self.shown(self.effect)
    }

    /// The change the other way round.
    #[must_use]
    pub fn reversed(self) -> Self {
        Self {
            effect: -self.effect,
            ..self
        }
    }

    /// An effect as a change.
    fn shown(&self, effect: f64) -> f64 {
        if self.ratio {
            libm::expm1(effect)
        } else {
            effect
        }
    }

    /// A change as an effect.
    fn effect(&self, change: f64) -> f64 {
        if self.ratio {
            libm::log1p(change)
        } else {
            change
        }
    }

    /// The size of the change, by which ratios (or differences) of one unit can be ordered: the logarithm of the greater mean over the
    /// smaller, or the absolute difference.
    #[must_use]
    pub fn size(&self) -> f64 {
        self.effect.abs()
    }

    /// The ends of the interval at [`CONFIDENCE`]; `None` where a side has a single replication.
    #[must_use]
    pub fn interval(&self) -> Option<(f64, f64)> {
        let half = self.error? * student_t(CONFIDENCE, self.freedom);
        Some((
            self.shown(self.effect - half),
            self.shown(self.effect + half),
        ))
    }

    /// The probability of a change as large as this, in either direction, where there is none; `None` without an interval.
    #[must_use]
    pub fn p(&self) -> Option<f64> {
        Some(match self.score(0.0)? {
            0.0 => 1.0,
            score => (2.0 * tail(score.abs(), self.freedom)).min(1.0),
        })
    }

    /// The probability of a change as large as this, upwards, where the true one is `margin`; `None` without an interval. `margin` is a
    /// change as [`value`](Self::value) is one.
    #[must_use]
    pub fn p_above(&self, margin: f64) -> Option<f64> {
        let score = self.score(self.effect(margin))?;
        Some(if score == 0.0 {
            0.5
        } else {
            tail(score, self.freedom)
        })
    }

    /// By how many standard errors it is above an effect.
    fn score(&self, effect: f64) -> Option<f64> {
        let away = self.effect - effect;
        let error = self.error?;
        Some(if away == 0.0 { 0.0 } else { away / error })
    }

    /// How many replications of each side would tell a change of size `change` `POWER` of the time, where one is told at a probability
    /// below `level`; `None` where that is out of reach, or where nothing is known of the spread.
    #[must_use]
    pub fn replications_to_tell(&self, change: f64, level: f64) -> Option<u32> {
        self.error?;
        let target = self.effect(change.abs()).abs();
        let freedom = |n: u32| if self.paired { n - 1 } else { 2 * (n - 1) };
        // So many would do if the spread were known as well as from `n` replications.
        let by = |n: u32| {
            let quantiles =
                student_t(1.0 - level, freedom(n)) + student_t(2.0 * POWER - 1.0, freedom(n));
            let needed = self.each * (quantiles / target) * (quantiles / target);
            (needed <= f64::from(MOST_PLANNED)).then(|| whole_above(needed).max(2))
        };
        // From the most replications this is too few, from too few it is enough; in between more tell more.
        let least = by(MOST_PLANNED)?;
        // (Where the quantiles of many degrees of freedom are as good as equal, rounding may say a little fewer.)
        let enough = by(least).unwrap_or(MOST_PLANNED).max(least);
        let (mut too_few, mut enough) = (least - 1, enough);
        while enough - too_few > 1 {
            let middle = too_few + (enough - too_few) / 2;
            if by(middle).is_some_and(|n| n <= middle) {
                enough = middle;
            } else {
                too_few = middle;
            }
        }
        Some(enough)
    }
}

/// The least whole number that is not below a value between 0 and [`MOST_PLANNED`].
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "within the range that is asked for; casts saturate"
)]
fn whole_above(value: f64) -> u32 {
    libm::ceil(value) as u32
}

fn means(sides: Sides<'_>) -> Option<(f64, f64)> {
    match sides {
        Sides::Paired(a, b) => {
            let n = a.len().min(b.len());
            (n > 0).then(|| (mean_and_variance(&a[..n]).0, mean_and_variance(&b[..n]).0))
        }
        Sides::Unpaired(a, b) => Some((a.mean, b.mean)),
    }
}

fn count(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

/// The standard error of a change in pairs, its degrees of freedom, and the squared error of a single replication.
fn paired(a: &[f64], b: &[f64], scales: (f64, f64)) -> (Option<f64>, u32, f64) {
    let each: Vec<f64> = a
        .iter()
        .zip(b)
        .map(|(x, y)| y / scales.1 - x / scales.0)
        .collect();
    let n = count(each.len());
    let variance = mean_and_variance(&each).1;
    let error = (n >= 2).then(|| libm::sqrt(variance / f64::from(n)));
    (error, n.saturating_sub(1), variance)
}

/// The same of two independent sides, with the degrees of freedom of Welch and Satterthwaite, rounded down.
fn unpaired(a: Part, b: Part, scales: (f64, f64)) -> (Option<f64>, u32, f64) {
    let Some((u, v)) = a.squared(scales.0).zip(b.squared(scales.1)) else {
        return (None, 0, 0.0);
    };
    let further = |p: Part| f64::from(p.n - 1);
    let freedom = if u + v > 0.0 {
        (u + v) * (u + v) / (u * u / further(a) + v * v / further(b))
    } else {
        further(a).min(further(b))
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 1 and the number of replications; casts saturate"
    )]
    // What is whole but for a rounding is whole: results that were read back have rounded intervals.
    let freedom = libm::floor(freedom * (1.0 + 1e-9)).max(1.0) as u32;
    let each = u * f64::from(a.n) + v * f64::from(b.n);
    (Some(libm::sqrt(u + v)), freedom, each)
}

/// The probability that a Student-t variable is above `score`, rounded to nine digits.
fn tail(score: f64, freedom: u32) -> f64 {
    if score == f64::INFINITY {
        return 0.0;
    }
    if score == f64::NEG_INFINITY {
        return 1.0;
    }
    let t = StudentsT::new(0.0, 1.0, f64::from(freedom.max(1)))
        .expect("location, scale and freedom are valid");
    match t.sf(score) {
        p if p > 0.0 => nine_digits(p),
        _ => 0.0,
    }
}

/// The p-values adjusted for being looked at together, by Holm's step-down procedure (Holm 1979): if those are called real that are at most
/// `level` when adjusted, then the chance that any of the called is none is at most `level`, however they depend on one another.
#[must_use]
pub(crate) fn holm(values: &[f64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by(|&a, &b| values[a].total_cmp(&values[b]).then(a.cmp(&b)));
    let mut adjusted = vec![0.0; values.len()];
    let mut so_far = 0.0_f64;
    for (place, &i) in order.iter().enumerate() {
        let left = f64::from(count(values.len() - place));
        so_far = so_far.max((left * values[i]).min(1.0));
        adjusted[i] = so_far;
    }
    adjusted
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_worked_difference() {
        // As in `interval`: standard error sqrt(0.5 + 2), 5 degrees of freedom.
        let (a, b) = ([2.0, 4.0, 6.0, 8.0, 10.0], [1.0, 2.0, 3.0, 4.0, 5.0]);
        let sides = Sides::Unpaired(Estimate::of(&a).unwrap(), Estimate::of(&b).unwrap());
        let c = Change::difference(sides).unwrap();
        assert!((c.value() + 3.0).abs() < 1e-12 && !c.is_paired() && !c.is_ratio());
        let (low, high) = c.interval().unwrap();
        let half = 2.570_582 * 2.5f64.sqrt();
        assert!((low + 3.0 + half).abs() < 1e-5 && (high + 3.0 - half).abs() < 1e-5);
        // t = -1.897367 with 5 degrees of freedom.
        assert!((c.p().unwrap() - 0.116_256).abs() < 1e-5, "{:?}", c.p());
    }

    #[test]
    fn a_worked_ratio_in_pairs() {
        // Means 25 and 50. B over its mean less A over its mean: -0.02, 0, 0, 0.02, whose variance is 0.0008 / 3.
        let (a, b) = ([10.0, 20.0, 30.0, 40.0], [19.0, 40.0, 60.0, 81.0]);
        let c = Change::ratio(Sides::Paired(&a, &b)).unwrap();
        assert!((c.value() - 1.0).abs() < 1e-12 && c.is_paired());
        let half = 3.182_446 * (0.0008f64 / 3.0 / 4.0).sqrt();
        let (low, high) = c.interval().unwrap();
        assert!((low - (2.0 * (-half).exp() - 1.0)).abs() < 1e-6);
        assert!((high - (2.0 * half.exp() - 1.0)).abs() < 1e-6);
    }

    #[test]
    fn there_and_back_is_the_inverse() {
        let (a, b) = ([1.0, 1.2, 0.9, 1.1], [1.5, 1.4, 1.7, 1.6]);
        let there = Change::ratio(Sides::Paired(&a, &b)).unwrap();
        let back = Change::ratio(Sides::Paired(&b, &a)).unwrap();
        assert!(((1.0 + there.value()) * (1.0 + back.value()) - 1.0).abs() < 1e-12);
        assert!((there.p().unwrap() - back.p().unwrap()).abs() < 1e-9);
        assert!((there.reversed().value() - back.value()).abs() < 1e-12);
        let (low, _) = there.interval().unwrap();
        let (_, high) = back.interval().unwrap();
        assert!(((1.0 + low) * (1.0 + high) - 1.0).abs() < 1e-12);
    }

    #[test]
    fn what_has_no_spread_is_certain_and_a_single_replication_tells_nothing() {
        let same = Change::ratio(Sides::Paired(&[2.0; 3], &[2.0; 3])).unwrap();
        assert_eq!((same.value(), same.p()), (0.0, Some(1.0)));
        let other = Change::ratio(Sides::Paired(&[2.0; 3], &[3.0; 3])).unwrap();
        assert_eq!(other.interval(), Some((other.value(), other.value())));
        assert_eq!(other.p(), Some(0.0));
        assert_eq!(
            (other.p_above(0.2), other.p_above(0.6)),
            (Some(0.0), Some(1.0))
        );
        let single = Change::ratio(Sides::Paired(&[2.0], &[3.0])).unwrap();
        assert_eq!((single.interval(), single.p()), (None, None));
        assert_eq!(single.replications_to_tell(0.01, 0.05), None);
        assert!(Change::ratio(Sides::Paired(&[0.0; 3], &[3.0; 3])).is_none());
        assert!(Change::difference(Sides::Paired(&[], &[])).is_none());
    }

    #[test]
    fn a_margin_is_passed_on_one_side() {
        // 10% more, with a standard error of 1% in the logarithm and 9 degrees of freedom.
        let (a, b) = (
            Estimate::new(1.0, Some(0.0), 1.0, 10),
            Estimate::new(1.1, Some(1.1 * 0.01 * 2.262_157_16), 1.1, 10),
        );
        let c = Change::ratio(Sides::Unpaired(a, b)).unwrap();
        // ln(1.1 / 1.08) = 0.018349, so t = 1.8349 with 9 degrees of freedom.
        assert!((c.p_above(0.08).unwrap() - 0.0498).abs() < 1e-3);
        assert!(c.p_above(0.0).unwrap() < 1e-4 && c.p_above(0.2).unwrap() > 0.99);
    }

    #[test]
    fn the_planned_replications_are_those_of_the_textbook() {
        // Standard deviation 1 of the differences, to tell 0.5 at 5% with a power of 80%: 34 pairs.
        let each: Vec<f64> = (0..1000)
            .map(|i| if i % 2 == 0 { 1.0 } else { -1.0 })
            .collect();
        let c = Change::difference(Sides::Paired(&[0.0; 1000], &each)).unwrap();
        assert_eq!(c.replications_to_tell(0.5, 0.05), Some(34));
        // Two independent sides of standard deviation 1: 64 each.
        let one = Estimate::of(&each).unwrap();
        let c = Change::difference(Sides::Unpaired(one, one)).unwrap();
        assert_eq!(c.replications_to_tell(0.5, 0.05), Some(64));
        assert_eq!(c.replications_to_tell(0.0, 0.05), None);
    }

    #[test]
    fn holm_by_a_worked_example() {
        let adjusted = holm(&[0.01, 0.04, 0.03, 0.005]);
        let expected = [0.03, 0.06, 0.06, 0.02];
        for (a, e) in adjusted.iter().zip(expected) {
            assert!((a - e).abs() < 1e-12, "{adjusted:?}");
        }
        assert_eq!(holm(&[]), Vec::<f64>::new());
        assert_eq!(holm(&[0.9, 0.8]), vec![1.0, 1.0]);
    }
}
