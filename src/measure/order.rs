//! Order statistics.

/// The element number `round(p (n - 1))` of a sorted list; halves are rounded to even, as Python does. `None` of an empty list.
pub(crate) fn element<T>(sorted: &[T], p: f64) -> Option<&T> {
    let last = sorted.len().checked_sub(1)?;
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "an index"
    )]
    let index = libm::rint(p * last as f64) as usize;
    sorted.get(index.min(last))
}

/// The median: the middle value, or the mean of the middle two; zero if there are none.
pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    let n = values.len();
    match n {
        0 => 0.0,
        _ if n % 2 == 1 => values[n / 2],
        _ => f64::midpoint(values[n / 2 - 1], values[n / 2]),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn percentiles_are_elements_and_halves_go_to_even() {
        let list: Vec<u32> = (0..6).collect();
        assert_eq!(element(&list, 0.5), Some(&2)); // 2.5 to even
        assert_eq!(element(&list[..4], 0.5), Some(&2)); // 1.5 to even
        assert_eq!(element(&list, 0.99), Some(&5));
        assert_eq!(element(&list[..0], 0.5), None);
        assert!((median(vec![3.0, 1.0, 2.0, 10.0]) - 2.5).abs() < 1e-12);
    }
}
