//! Makes the profile of one interpreter from that of another, by the ratio of two calibrations on the same machine.

use crate::cpython::profile::{Profile, Tag};
use crate::profiles::diff::{ParamDifference, differences};

/// `base` with each parameter times the ratio of `to` to `from`, two calibrations on one machine: what an interpreter like that
/// of `to` would be where `base` was measured, if `base` is of an interpreter like that of `from`.
///
/// A ratio counts only where the two calibrations differ by more than both their spreads: these do not overlap. Elsewhere, and where
/// a value was measured once and so has no spread, noise may be all there is to it, and the value stays that of `base`.
#[must_use]
pub(super) fn scaled(base: &Profile, from: &Profile, to: &Profile) -> Profile {
    let mut p = base.clone();
    p.version.clone_from(&to.version);
    p.minor = to.minor;
    for difference in differences(from, to) {
        let (Some(i), Some(ratio)) = (Profile::index(&difference.name), certain(&difference))
        else {
            continue;
        };
        if matches!(p.tags[i], Tag::Absent(_)) {
            continue;
        }
        *p.params.get_mut(i) *= ratio;
        p.tags[i] = Tag::Derived(format!(
            "{}'s times the ratio of calibrations of {} and {} on one machine, {ratio:.3}",
            base.name, to.version, from.version
        ));
    }
    p
}

/// Gives `p` these parameters, times in nanoseconds, of a calibration of the same build on another machine, at the speed of the machine
/// that `p` was measured on: by the time of an iteration of the reference loop on both.
pub(super) fn at_speed_of(p: &mut Profile, calibration: &Profile, names: &[&str]) {
    let speed = p.params.check_gap / calibration.params.check_gap;
    for i in names.iter().filter_map(|name| Profile::index(name)) {
        *p.params.get_mut(i) = calibration.params.get(i) * speed;
        p.spreads[i] = None;
        p.tags[i] = Tag::Derived(format!(
            "{speed:.3} of what a calibration of CPython {} on another machine says, by the loop's time on both",
            calibration.version
        ));
    }
}

/// The ratio of two values that differ by more than their spreads. A calibration in which something costs nothing has not measured it, so
/// it gives no ratio.
fn certain(difference: &ParamDifference) -> Option<f64> {
    let beyond = difference.beyond_spreads().unwrap_or(false);
    difference
        .ratio()
        .filter(|ratio| beyond && *ratio > 0.0 && ratio.is_finite())
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A calibration in which these parameters have these values, each known to a tenth.
    fn calibrated(minor: u32, values: &[(&str, f64)]) -> Profile {
        let mut p = Profile {
            version: format!("3.{minor}.1"),
            minor,
            ..Profile::default()
        };
        for (name, value) in values {
            let i = Profile::index(name).unwrap();
            *p.params.get_mut(i) = *value;
            p.spreads[i] = Some((value * 0.9, value * 1.1));
        }
        p
    }

    #[test]
    fn only_what_is_no_noise_is_scaled() {
        let from = calibrated(
            14,
            &[("tpe_submit", 100.0), ("lock_pair", 100.0), ("park", 0.0)],
        );
        let mut to = calibrated(
            15,
            &[("tpe_submit", 150.0), ("lock_pair", 115.0), ("park", 100.0)],
        );
        to.params.base_rss = 2.0 * from.params.base_rss;
        let mut base = calibrated(14, &[]);
        base.name = "base".into();
        base.params.tpe_submit = 10.0;
        let p = scaled(&base, &from, &to);
        assert_eq!((&*p.version, p.minor), ("3.15.1", 15));
        let mut expected = base.params.clone();
        expected.tpe_submit = 15.0;
        assert_eq!(p.params, expected);
        let of = |name: &str| p.tags[Profile::index(name).unwrap()].clone();
        let Tag::Derived(how) = of("tpe_submit") else {
            panic!("{:?}", of("tpe_submit"))
        };
        assert!(how.starts_with("base's times the ratio") && how.ends_with("1.500"));
        assert_eq!(of("lock_pair"), Tag::Default);
    }

    #[test]
    fn what_was_measured_elsewhere_is_taken_over_at_this_speed() {
        let mut p = calibrated(14, &[("check_gap", 30.0), ("unpark", 5.0)]);
        let elsewhere = calibrated(14, &[("check_gap", 40.0), ("gil_signal", 2000.0)]);
        at_speed_of(&mut p, &elsewhere, &["gil_signal"]);
        let mut expected = calibrated(14, &[("check_gap", 30.0), ("unpark", 5.0)]).params;
        expected.gil_signal = 1500.0;
        assert_eq!(p.params, expected);
        let how = &p.tags[Profile::index("gil_signal").unwrap()];
        assert!(matches!(how, Tag::Derived(t) if t.starts_with("0.750 of")));
    }

    #[test]
    fn what_the_base_cannot_do_has_no_ratio() {
        let mut base = Profile::default();
        let i = Profile::index("fork_call").unwrap();
        base.tags[i] = Tag::Absent("no fork".into());
        let (from, to) = (
            calibrated(14, &[("fork_call", 100.0)]),
            calibrated(15, &[("fork_call", 200.0)]),
        );
        assert_eq!(scaled(&base, &from, &to).tags[i], base.tags[i]);
    }
}
