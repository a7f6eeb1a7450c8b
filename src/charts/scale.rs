//! How values are laid out along an axis, and which curves coincide: one rule for the charts of the terminal, of files and of the page, so
//! that a sweep looks alike wherever it is shown.

use super::figure::Scale;
use crate::insight::doubles;

/// Ratio of values from which on a logarithmic scale is used: on a linear one, the small ones would lie on the floor.
pub(crate) const FAR: f64 = 10.0;

/// The scale of a vertical axis for curves or dots (bars begin at zero, whatever they show): logarithmic if the values are [`FAR`] apart;
/// from zero if the least is below two fifths of the greatest, or if differences are only noise (`noise` is half the width of a usual
/// interval); otherwise only as far as the values reach.
pub(crate) fn upward(values: impl IntoIterator<Item = f64>, noise: f64) -> Scale {
    let Some((low, high)) = range(values) else {
        return Scale::FromZero;
    };
    if low > 0.0 && high / low >= FAR {
        Scale::Log
    } else if low > 0.4 * high && high - low > 4.0 * noise {
        Scale::Linear
    } else {
        Scale::FromZero
    }
}

/// The scale of a horizontal axis for rising values: by powers of two if each value is a number of doublings of the one before, by powers
/// of ten if steps grow in proportion otherwise, else linear. It starts from zero if zero is not far, unless `count` tells that the values
/// count things, of which there is never none.
pub(crate) fn across(values: &[f64], count: bool) -> Scale {
    if doubles(values) {
        let doublings = |w: &[f64]| {
            let n = libm::log2(w[1] / w[0]);
            (n - libm::round(n)).abs() < 1e-9
        };
        return if values.windows(2).all(doublings) {
            Scale::Log2
        } else {
            Scale::Log
        };
    }
    match range(values.iter().copied()) {
        Some((low, high)) if !count && low >= 0.0 && low * 2.0 <= high => Scale::FromZero,
        _ => Scale::Linear,
    }
}

/// Groups curves that coincide, in order; each is compared with the first of its group. A curve is given by its height at each horizontal
/// position (0 to 1; `None` if it has no value there). Two coincide if they have values at the same positions and are nowhere more than
/// `apart` from each other.
pub(crate) fn coincident(curves: &[Vec<Option<f64>>], apart: f64) -> Vec<Vec<usize>> {
    let on = |a: &[Option<f64>], b: &[Option<f64>]| {
        a.len() == b.len()
            && a.iter().zip(b).all(|(a, b)| match (a, b) {
                (Some(a), Some(b)) => (a - b).abs() <= apart,
                (None, None) => true,
                _ => false,
            })
    };
    grouped(curves, |a, b| on(a, b))
}

/// Groups alike items, in order; each is compared with the first of its group, so that no group is wider than two steps.
pub(crate) fn grouped<T>(all: &[T], alike: impl Fn(&T, &T) -> bool) -> Vec<Vec<usize>> {
    let mut groups: Vec<Vec<usize>> = Vec::new();
    for (i, one) in all.iter().enumerate() {
        match groups.iter_mut().find(|g| alike(&all[g[0]], one)) {
            Some(group) => group.push(i),
            None => groups.push(vec![i]),
        }
    }
    groups
}

fn range(values: impl IntoIterator<Item = f64>) -> Option<(f64, f64)> {
    let finite = values.into_iter().filter(|v| v.is_finite());
    finite.fold(None, |all, v| {
        Some(all.map_or((v, v), |(low, high): (f64, f64)| (low.min(v), high.max(v))))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_far_apart_stand_by_powers() {
        assert_eq!(upward([0.1, 1.0], 0.0), Scale::Log);
        assert_eq!(upward([0.1, 0.99], 0.0), Scale::FromZero);
        assert_eq!(upward([0.0, 0.99], 0.0), Scale::FromZero);
        assert_eq!(upward([0.9, 1.0], 0.001), Scale::Linear);
        assert_eq!(upward([0.9, 1.0], 0.1), Scale::FromZero);
        assert_eq!(upward([], 0.0), Scale::FromZero);
        assert_eq!(upward([f64::NAN, f64::INFINITY], 0.0), Scale::FromZero);
    }

    #[test]
    fn steps_across_decide_how_it_is_laid_out() {
        assert_eq!(across(&[1.0, 2.0, 4.0, 8.0], true), Scale::Log2);
        assert_eq!(across(&[1.0, 4.0, 8.0], true), Scale::Log2);
        assert_eq!(across(&[10.0, 20.0, 50.0, 100.0], false), Scale::Log);
        assert_eq!(across(&[1.0, 2.0, 3.0, 4.0, 8.0], true), Scale::Linear);
        assert_eq!(across(&[100.0, 200.0, 300.0], false), Scale::FromZero);
        assert_eq!(across(&[200.0, 250.0, 300.0], false), Scale::Linear);
        assert_eq!(across(&[0.0, 2.0, 4.0, 8.0], true), Scale::Linear);
        assert_eq!(across(&[1.0, 16.0], true), Scale::Linear);
        assert_eq!(across(&[], false), Scale::Linear);
    }

    #[test]
    fn curves_that_grow_in_proportion_are_told() {
        assert!(doubles(&[1.0, 2.0, 4.0, 8.0]));
        assert!(doubles(&[10.0, 30.0, 100.0]));
        assert!(!doubles(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0, 7.0, 8.0]));
        assert!(!doubles(&[0.0, 2.0, 4.0, 8.0]));
        assert!(!doubles(&[1.0, 16.0]));
    }

    #[test]
    fn curves_on_one_another_are_one_group() {
        let curve = |v: &[f64]| v.iter().map(|&v| (v >= 0.0).then_some(v)).collect();
        let all: Vec<Vec<Option<f64>>> = vec![
            curve(&[0.1, 0.2, 0.3]),
            curve(&[0.1, 0.5, 0.3]),
            curve(&[0.11, 0.2, 0.29]),
            curve(&[0.1, 0.2, -1.0]),
            curve(&[0.1, 0.51, 0.3]),
        ];
        assert_eq!(coincident(&all, 0.02), [vec![0, 2], vec![1, 4], vec![3]]);
        assert_eq!(coincident(&all, 0.0).len(), 5);
        assert!(coincident(&[], 0.1).is_empty());
    }
}
