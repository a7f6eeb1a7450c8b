//! Two profiles side by side: which costs differ, and by how much.

use crate::cpython::profile::{Curve, PARAMS, Profile};

/// One cost in two profiles.
#[derive(Clone, Debug, PartialEq)]
pub struct Difference {
    /// The parameter, or a point of a curve: `dumps of 100000 bytes`.
    pub name: String,
    /// Its unit, as in [`PARAMS`].
    pub unit: &'static str,
    /// Its value in the first profile.
    pub first: f64,
    /// Its value in the second profile.
    pub second: f64,
}

impl Difference {
    /// The second value for each unit of the first; infinite where only the first is zero, none where both are.
    #[must_use]
    pub fn ratio(&self) -> Option<f64> {
        match (self.first == 0.0, self.second == 0.0) {
            (true, true) => None,
            (true, false) => Some(f64::INFINITY),
            _ => Some(self.second / self.first),
        }
    }

    /// By what share of the smaller value the larger exceeds it: 0 where they are equal, 1 where it is twice as large,
    /// infinite where one is zero.
    #[must_use]
    pub fn share(&self) -> f64 {
        let (low, high) = (self.first.min(self.second), self.first.max(self.second));
        if low == high { 0.0 } else { high / low - 1.0 }
    }
}

/// Every parameter, and every point of the curves of pickling, in both profiles; those that differ most come first, and in the
/// order of the table where they differ equally.
#[must_use]
pub fn differences(first: &Profile, second: &Profile) -> Vec<Difference> {
    let mut all: Vec<_> = PARAMS
        .iter()
        .enumerate()
        .map(|(i, info)| Difference {
            name: info.name.into(),
            unit: info.unit,
            first: first.params.get(i),
            second: second.params.get(i),
        })
        .collect();
    all.extend(of_curves("dumps", &first.dumps, &second.dumps));
    all.extend(of_curves("loads", &first.loads, &second.loads));
    all.sort_by(|a, b| b.share().total_cmp(&a.share()));
    all
}

/// Two curves at each size that one of them has a point for.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are numbers of bytes: whole, at least zero, far below 2^53"
)]
fn of_curves(name: &str, first: &Curve, second: &Curve) -> Vec<Difference> {
    let mut sizes: Vec<u64> = first
        .0
        .iter()
        .chain(&second.0)
        .map(|p| p.0 as u64)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    let at = |curve: &Curve, size| curve.at(size, 1.0).as_f64();
    sizes
        .into_iter()
        .map(|size| Difference {
            name: format!("{name} of {size} bytes"),
            unit: "ns",
            first: at(first, size),
            second: at(second, size),
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_largest_difference_comes_first() {
        let a = Profile::default();
        let mut b = a.clone();
        b.params.tpe_submit = a.params.tpe_submit * 0.25;
        b.params.gil_take = a.params.gil_take * 2.0;
        b.params.lock_spin = 5.0;
        b.dumps = Curve(vec![(0.0, 0.0), (1e5, 9e3), (1e6, 3.8e5), (1e7, 6.7e6)]);
        let all = differences(&a, &b);
        let top: Vec<_> = all
            .iter()
            .take(5)
            .map(|d| (&*d.name, d.share(), d.ratio()))
            .collect();
        assert_eq!(
            top,
            [
                ("lock_spin", f64::INFINITY, Some(f64::INFINITY)),
                ("tpe_submit", 3.0, Some(0.25)),
                ("gil_take", 1.0, Some(2.0)),
                ("dumps of 100000 bytes", 0.5, Some(1.5)),
                ("cpu_factor", 0.0, Some(1.0)),
            ]
        );
        let back = differences(&b, &a);
        assert_eq!((&*back[0].name, back[0].ratio()), ("lock_spin", Some(0.0)));
    }
}
