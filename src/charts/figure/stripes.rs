//! Stripes that fill a rectangle, where a single colour would say too little.

/// Distance of the stripes along an edge.
const STEP: f64 = 6.0;

/// Most stripes of a rectangle.
const MOST: u32 = 2_000;

/// A position, from the upper left corner.
type Xy = (f64, f64);

/// The ends of slanting lines that fill a rectangle between its corners: each line rises to the right at 45 degrees.
pub(crate) fn stripes(from: Xy, to: Xy) -> Vec<[Xy; 2]> {
    let (w, h) = (to.0 - from.0, to.1 - from.1);
    if !(w > 0.0 && h > 0.0 && w.is_finite() && h.is_finite()) {
        return Vec::new();
    }
    let at = (0..MOST).map(|i| STEP * (f64::from(i) + 0.5));
    at.take_while(|&at| at < w + h)
        .map(|at| {
            let a = if at <= h {
                (from.0, from.1 + at)
            } else {
                (from.0 + at - h, to.1)
            };
            let b = if at <= w {
                (from.0 + at, from.1)
            } else {
                (to.0, from.1 + at - w)
            };
            [a, b]
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stripes_stay_within() {
        for (from, to) in [
            ((0.0, 0.0), (100.0, 20.0)),
            ((5.0, 5.0), (9.0, 80.0)),
            ((0.0, 0.0), (2.0, 2.0)),
        ] {
            let all = stripes(from, to);
            for (x, y) in all.iter().flatten() {
                assert!((from.0..=to.0).contains(x) && (from.1..=to.1).contains(y));
            }
            for [a, b] in &all {
                assert!(((b.0 - a.0) - (a.1 - b.1)).abs() < 1e-9, "45 degrees");
            }
        }
        assert!(stripes((0.0, 0.0), (0.0, 5.0)).is_empty());
        assert!(stripes((0.0, 0.0), (f64::INFINITY, 5.0)).is_empty());
    }
}
