//! Makes shipped profiles anew from the measurements that they come from.

use super::cells::{Reference, ReferenceInterpreter};
use super::scaled::{at_speed_of, scaled};
use crate::calibrate::unmeasured_requests;
use crate::cpython::profile::{Profile, Tag};
use crate::profiles::file::{ProfileError, read};
use crate::profiles::{ProfileSource, RELEASES, Release};

/// What a set of reference measurements has no figures for, as its threads ran on two cores: see [`ProfileSource::Measured`].
const WAKE_UPS: [&str; 2] = ["gil_pair", "gil_signal"];

/// Makes the shipped profile of a release anew from the set that it was measured in; returns `None` if this is another set.
///
/// # Errors
/// Returns an error if a calibration in the set's directory is not a profile.
pub fn of_set(release: &Release, set: &Reference) -> Result<Option<Profile>, ProfileError> {
    let profile = match release.source {
        ProfileSource::Measured { wake_ups, .. } => {
            let mut usable = set.interpreters.values().flatten();
            let profile = usable
                .find(|i| release.is(&i.profile))
                .map(|i| measured(release, i));
            match (profile, wake_ups.map(|file| set.dir().join(file))) {
                (Some(mut p), Some(file)) if file.exists() => {
                    at_speed_of(&mut p, &read(&file)?, &WAKE_UPS);
                    Some(p)
                }
                (profile, _) => profile,
            }
        }
        ProfileSource::Scaled { base, from, to } => {
            let base = RELEASES.iter().find(|r| r.name == base);
            let base = of_set(base.expect("a release"), set)?;
            let (from, to) = (set.dir().join(from), set.dir().join(to));
            match base {
                Some(base) if from.exists() && to.exists() => {
                    Some(from_base(release, &base, &read(&from)?, &read(&to)?))
                }
                _ => None,
            }
        }
    };
    Ok(profile.map(|mut p| {
        // They follow `cpu_factor`, which is this release's only now.
        unmeasured_requests(&mut p);
        p
    }))
}

fn measured(release: &Release, interpreter: &ReferenceInterpreter) -> Profile {
    let mut p = interpreter.profile.clone();
    p.name = release.name.into();
    p.origin = format!("{}; {}", p.origin, release.build);
    if let Some(cost) = interpreter.cpu_cost {
        let i = Profile::index("cpu_factor").expect("a parameter of the table");
        p.params.cpu_factor = cost;
        p.tags[i] = Tag::Measured("cpu_cost of the reference cells".into());
    }
    p
}

fn from_base(release: &Release, base: &Profile, from: &Profile, to: &Profile) -> Profile {
    let mut p = scaled(base, from, to);
    p.name = release.name.into();
    p.origin = format!(
        "{} times the ratio of calibrations of CPython {} to {} where these differ by more than their spreads; {}",
        base.name, to.version, from.version, release.build
    );
    p
}
