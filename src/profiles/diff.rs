//! Compares two profiles: which costs differ, and by how much.

use crate::cpython::profile::{CostCurve, PARAMS, Profile, Tag};

/// One cost as it is in two profiles.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct ParamDifference {
    /// The name of the parameter, or a point of a curve such as `dumps of 100000 bytes`.
    pub name: String,
    /// The unit of the values, as in [`PARAMS`].
    pub unit: &'static str,
    /// The value in the first profile; `None` if that interpreter cannot do the thing that this is the cost of.
    pub first: Option<f64>,
    /// The value in the second profile; `None` for the same reason.
    pub second: Option<f64>,
    /// The 95% confidence interval of the first value, where it was measured.
    pub first_spread: Option<(f64, f64)>,
    /// The 95% confidence interval of the second value, where it was measured.
    pub second_spread: Option<(f64, f64)>,
}

impl ParamDifference {
    /// The second value divided by the first. It is infinite where only the first value is zero, and `None` where both are zero or one is
    /// absent.
    #[must_use]
    pub(crate) fn ratio(&self) -> Option<f64> {
        match (self.first?, self.second?) {
            (0.0, 0.0) => None,
            (0.0, _) => Some(f64::INFINITY),
            (first, second) => Some(second / first),
        }
    }

    /// Whether the two confidence intervals do not overlap, so that the values differ by more than measuring noise. `None` where an
    /// interval is not known.
    #[must_use]
    pub(crate) fn beyond_spreads(&self) -> Option<bool> {
        let ((low, high), (least, greatest)) = (self.first_spread?, self.second_spread?);
        Some(high < least || greatest < low)
    }

    /// How much larger the larger value is, as a share of the smaller one: 0 where they are equal or both absent, 1 where one is twice the
    /// other, and infinite where only one is zero or absent.
    #[must_use]
    pub(crate) fn share(&self) -> f64 {
        match (self.first, self.second) {
            (Some(a), Some(b)) if a == b => 0.0,
            (Some(a), Some(b)) => a.max(b) / a.min(b) - 1.0,
            (None, None) => 0.0,
            _ => f64::INFINITY,
        }
    }
}

/// Compares every parameter, and every point of the curves of pickling, of two profiles. Those that differ most come first; those that
/// differ equally are in the order of the table.
#[must_use]
pub(crate) fn differences(first: &Profile, second: &Profile) -> Vec<ParamDifference> {
    let mut all: Vec<_> = PARAMS
        .iter()
        .enumerate()
        .map(|(i, info)| ParamDifference {
            name: info.name.into(),
            unit: info.unit,
            first: value(first, i),
            second: value(second, i),
            first_spread: first.spreads[i],
            second_spread: second.spreads[i],
        })
        .collect();
    all.extend(of_curves("dumps", &first.dumps, &second.dumps));
    all.extend(of_curves("loads", &first.loads, &second.loads));
    all.extend(of_curves("receives", &first.receives, &second.receives));
    all.sort_by(|a, b| b.share().total_cmp(&a.share()));
    all
}

fn value(profile: &Profile, index: usize) -> Option<f64> {
    let absent = matches!(profile.tags[index], Tag::Absent(_));
    (!absent).then(|| profile.params.get(index))
}

/// Compares two curves at each size that one of them has a point for.
#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "sizes are numbers of bytes: whole, at least zero, far below 2^53"
)]
fn of_curves(name: &str, first: &CostCurve, second: &CostCurve) -> Vec<ParamDifference> {
    let mut sizes: Vec<u64> = first
        .0
        .iter()
        .chain(&second.0)
        .map(|p| p.0 as u64)
        .collect();
    sizes.sort_unstable();
    sizes.dedup();
    let at = |curve: &CostCurve, size| curve.at(size, 1.0).as_f64();
    sizes
        .into_iter()
        .map(|size| ParamDifference {
            name: format!("{name} of {size} bytes"),
            unit: "ns",
            first: Some(at(first, size)),
            second: Some(at(second, size)),
            first_spread: None,
            second_spread: None,
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
        b.dumps = CostCurve(vec![(0.0, 0.0), (1e5, 9e3), (1e6, 3.8e5), (1e7, 6.7e6)]);
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

    #[test]
    fn spreads_tell_a_difference_from_noise() {
        let between = |first_spread, second_spread| ParamDifference {
            name: "x".into(),
            unit: "ns",
            first: Some(10.0),
            second: Some(12.0),
            first_spread,
            second_spread,
        };
        let beyond = |a, b| between(a, b).beyond_spreads();
        assert_eq!(beyond(Some((9.0, 10.9)), Some((11.0, 13.0))), Some(true));
        assert_eq!(beyond(Some((11.5, 13.0)), Some((9.0, 11.0))), Some(true));
        assert_eq!(beyond(Some((9.0, 11.5)), Some((11.0, 13.0))), Some(false));
        assert_eq!(beyond(None, Some((11.0, 13.0))), None);
    }

    #[test]
    fn what_an_interpreter_cannot_do_costs_nothing_and_differs() {
        let a = Profile::default();
        let mut b = a.clone();
        b.tags[Profile::index("fork_call").unwrap()] = Tag::Absent("no fork".into());
        let all = differences(&a, &b);
        assert_eq!(
            (&*all[0].name, all[0].second, all[0].ratio()),
            ("fork_call", None, None)
        );
        assert!(all[0].share().is_infinite() && all[1].share() == 0.0);
        assert!(differences(&b, &b).iter().all(|d| d.share() == 0.0));
    }
}
