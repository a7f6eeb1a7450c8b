//! Rank correlation: whether two durations of the same tasks are correlated, which the simulator does not model.

/// The number of values that are compared at most, taken at even distances from the sample.
const MOST: usize = 20_000;
/// The least number of pairs; fewer tell nothing.
const FEWEST: usize = 20;

/// Spearman's rank correlation (-1 to 1) of two samples of the same tasks. It is returned only if it is at least 0.3 in size and unlikely
/// to be chance (more than 3.3 standard errors of independent samples: one in a thousand).
pub(super) fn notable(a: &[u64], b: &[u64]) -> Option<f64> {
    let n = a.len().min(b.len());
    if n < FEWEST {
        return None;
    }
    let step = n.div_ceil(MOST);
    let pick = |v: &[u64]| -> Vec<u64> { v[..n].iter().copied().step_by(step).collect() };
    let (a, b) = (ranks(&pick(a)), ranks(&pick(b)));
    let rho = pearson(&a, &b)?;
    let enough = rho.abs() * libm::sqrt(a.len() as f64 - 1.0) > 3.3;
    (rho.abs() >= 0.3 && enough).then_some(rho)
}

/// The rank of each value; equal values share the mean of their ranks.
fn ranks(values: &[u64]) -> Vec<f64> {
    let mut order: Vec<usize> = (0..values.len()).collect();
    order.sort_by_key(|&i| values[i]);
    let mut out = vec![0.0; values.len()];
    let mut i = 0;
    while i < order.len() {
        let mut j = i + 1;
        while j < order.len() && values[order[j]] == values[order[i]] {
            j += 1;
        }
        for &k in &order[i..j] {
            out[k] = (i + j - 1) as f64 / 2.0;
        }
        i = j;
    }
    out
}

fn pearson(a: &[f64], b: &[f64]) -> Option<f64> {
    let n = a.len() as f64;
    let mean = |v: &[f64]| v.iter().sum::<f64>() / n;
    let (ma, mb) = (mean(a), mean(b));
    let (mut ab, mut aa, mut bb) = (0.0, 0.0, 0.0);
    for (x, y) in a.iter().zip(b) {
        ab += (x - ma) * (y - mb);
        aa += (x - ma) * (x - ma);
        bb += (y - mb) * (y - mb);
    }
    let rho = ab / libm::sqrt(aa * bb);
    rho.is_finite().then_some(rho)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_what_is_strong_and_certain() {
        let up: Vec<u64> = (0..100).collect();
        let down: Vec<u64> = (0..100).map(|i| 10_000 - i * i).collect();
        // Multiples of 37 modulo 101 go through the ranks without any order that matters.
        let mixed: Vec<u64> = (0..100).map(|i| i * i * 37 % 101).collect();
        assert_eq!(notable(&up, &up), Some(1.0));
        assert_eq!(notable(&up, &down), Some(-1.0));
        assert_eq!(notable(&up, &mixed), None);
        assert_eq!(notable(&up[..10], &up[..10]), None);
        assert_eq!(notable(&up, &[5; 100]), None);
    }
}
