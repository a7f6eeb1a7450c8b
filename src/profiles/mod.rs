//! Interpreter profiles: those that are shipped within the program, those that lie where the user works, their files, and how two profiles
//! differ.

pub(crate) mod diff;
pub mod file;
pub(crate) mod found;

use std::path::{Path, PathBuf};

use crate::cpython::profile::Profile;
use crate::scenario::{Scenario, Workload};
use crate::syntax::suggested;
use file::{ProfileError, from_ron, read, similar};
use found::{BrokenProfile, FoundProfile, found};

/// The cost of one iteration of the reference loop (`burn_ns_per_iter`), in nanoseconds, on the interpreter that CPU demands are stated
/// for.
///
/// It is the cost on the shipped `cpython-3.14`, measured in `tests/data/reference-second`.
pub(crate) const BASELINE_NS_PER_ITER: f64 = 32.48;

/// A released interpreter, and what its shipped profile was made from.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    /// The name of the shipped profile.
    pub name: &'static str,
    /// Where the profile's figures come from.
    pub source: ProfileSource,
    /// Which build was measured, and what that build is not.
    pub build: &'static str,
    text: &'static str,
}

/// Where the figures of a shipped profile come from.
#[derive(Clone, Copy, Debug)]
pub enum ProfileSource {
    /// The figures are those of an interpreter in a set of reference measurements. Another set may have another build under the same id;
    /// the version tells them apart.
    Measured {
        /// The interpreter's id in the set.
        id: &'static str,
        /// The version that the interpreter reports.
        version: &'static str,
        /// A calibration of the same build on another machine, in the directory of the set. It measured what the set did not: what it costs
        /// to give the GIL up while no thread waits, and to wake a thread that does.
        wake_ups: Option<&'static str>,
    },
    /// The figures are those of another release's profile, multiplied by the ratio of two calibrations. Both calibrations lie in the
    /// directory of that release's set; see `scaled`.
    Scaled {
        /// The name of the other release.
        base: &'static str,
        /// The file of the calibration of an interpreter of the other release's version.
        from: &'static str,
        /// The file of the calibration of this release's interpreter.
        to: &'static str,
    },
}

/// The releases with a shipped profile.
///
/// `cpython-3.14` is the baseline. 3.12 and 3.13 are left out: the builds that were at hand were made without PGO, and compared with them
/// 3.14 would look twice as fast as it is.
pub const RELEASES: [Release; 4] = [
    Release {
        name: "cpython-3.14",
        source: ProfileSource::Measured {
            id: "cp314-gil",
            version: "3.14.7",
            wake_ups: Some("released/cpython-3.14.7-elsewhere.ron"),
        },
        build: "built by gcc 12 with PGO, without LTO (distributions have both)",
        text: include_str!("../../profiles/cpython-3.14.ron"),
    },
    Release {
        name: "cpython-3.14t",
        source: ProfileSource::Measured {
            id: "cp314-ft",
            version: "3.14.7",
            wake_ups: None,
        },
        build: "built by gcc 12 with PGO, without LTO, as cpython-3.14 was but for --disable-gil",
        text: include_str!("../../profiles/cpython-3.14t.ron"),
    },
    Release {
        name: "cpython-3.15",
        source: ProfileSource::Scaled {
            base: "cpython-3.14",
            from: "released/cpython-3.14.10.ron",
            to: "released/cpython-3.15.2.ron",
        },
        build: "Debian's builds by gcc 16 with PGO and LTO, on one machine; a 3.15 built as cpython-3.14 was is not measured",
        text: include_str!("../../profiles/cpython-3.15.ron"),
    },
    Release {
        name: "cpython-3.11",
        source: ProfileSource::Measured {
            id: "cp311-gil",
            version: "3.11.7",
            wake_ups: None,
        },
        build: "built by pyenv without PGO and LTO, so slower than a distribution's 3.11; on a slower machine than cpython-3.14, \
                relative to a 3.15 alpha with PGO there",
        text: include_str!("../../profiles/cpython-3.11.ron"),
    },
];

impl Release {
    /// Whether `profile`, which is that of an interpreter in a set, belongs to this release.
    pub(crate) fn is(&self, profile: &Profile) -> bool {
        matches!(self.source, ProfileSource::Measured { id, version, .. } if profile.name == id && profile.version == version)
    }
}

/// The shipped profiles, in the order of [`RELEASES`].
pub fn shipped() -> Vec<Profile> {
    RELEASES
        .iter()
        .map(|r| from_ron(r.text, r.name).expect("shipped profiles are checked by the tests"))
        .collect()
}

/// The shipped profile that is nearest to Python 3.`minor` in version, of those with or without a GIL.
pub fn nearest(minor: u32, gil: bool) -> Option<Profile> {
    let distance = |p: &Profile| (p.gil != gil, p.minor.abs_diff(minor), p.minor);
    let cpython = |p: &Profile| p.name.starts_with("cpython-");
    shipped().into_iter().filter(cpython).min_by_key(distance)
}

/// Why no profile could be found by a name.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The file that is meant cannot be read, or is not a profile.
    #[error(transparent)]
    File(#[from] ProfileError),
    /// No profile has this name.
    #[error(
        "no interpreter profile is called `{name}`; {suggestion}. A profile in a file is found by its path, or by its name if it \
         lies here, in ./profiles or in a directory of PCHSIM_PROFILES"
    )]
    Unknown {
        /// The name that was asked for.
        name: String,
        /// The names that may have been meant, and all names, with the shipped ones first.
        suggestion: String,
    },
    /// Two files hold different profiles of the name.
    #[error("two profiles are called `{name}`: {} and {}; name the file", .first.display(), .second.display())]
    Ambiguous {
        /// The name that was asked for.
        name: String,
        /// The first file.
        first: PathBuf,
        /// The second file.
        second: PathBuf,
    },
}

/// Finds a profile by its name or by its file.
///
/// A name is that of a shipped profile, or else of one that `found()` finds. A name that ends in `.ron` is that of a file:
/// a path from the current directory, or else the name of a file in one of the places where profiles are looked for.
///
/// # Errors
/// See [`FindError`].
pub fn find(name_or_file: &str) -> Result<Profile, FindError> {
    if let Some(release) = RELEASES.iter().find(|r| r.name == name_or_file) {
        return Ok(from_ron(release.text, release.name)?);
    }
    let path = Path::new(name_or_file);
    let is_file = path.extension().is_some_and(|e| e == "ron");
    if is_file && (path.exists() || path.components().count() > 1) {
        return Ok(read(path)?);
    }
    choose(name_or_file, is_file, found())
}

/// The profiles of a scenario's interpreters, in their order, each for the CPU times that the scenario gives.
///
/// # Errors
/// What `find` says of a name.
pub(crate) fn of_scenario<E>(
    scenario: &Scenario,
    mut find: impl FnMut(&str) -> Result<Profile, E>,
) -> Result<Vec<Profile>, E> {
    let names = scenario.interpreters.iter();
    names
        .map(|name| for_workload(find(name)?, &scenario.workload, &mut find))
        .collect()
}

/// This profile, for the CPU times that the workload gives.
///
/// # Errors
/// What `find` says of the interpreter that the times were taken on.
pub(crate) fn for_workload<E>(
    profile: Profile,
    workload: &Workload,
    find: impl FnOnce(&str) -> Result<Profile, E>,
) -> Result<Profile, E> {
    match &workload.measured_on {
        None => Ok(profile),
        Some(name) => Ok(profile.for_times_of(&find(name)?)),
    }
}

/// The names of all profiles that a scenario needs: of its interpreters, and of the one that its CPU times were taken on.
pub(crate) fn names(scenario: &Scenario) -> impl Iterator<Item = &str> {
    let measured = scenario.workload.measured_on.as_deref();
    scenario
        .interpreters
        .iter()
        .map(String::as_str)
        .chain(measured)
}

/// The files that [`find`] reads for this name; empty for a shipped profile.
#[must_use]
pub(crate) fn files(name_or_file: &str) -> Vec<PathBuf> {
    if RELEASES.iter().any(|r| r.name == name_or_file) {
        return Vec::new();
    }
    let path = Path::new(name_or_file);
    if path.extension().is_some_and(|e| e == "ron") && path.exists() {
        return vec![path.to_owned()];
    }
    let is_it = |f: &FoundProfile| {
        f.profile.name == name_or_file || f.path.file_name().is_some_and(|n| n == name_or_file)
    };
    let (all, _) = found();
    all.into_iter().filter(is_it).map(|f| f.path).collect()
}

/// Chooses the profile that is meant among those found.
fn choose(
    name: &str,
    is_file: bool,
    (all, broken): (Vec<FoundProfile>, Vec<BrokenProfile>),
) -> Result<Profile, FindError> {
    let file_is = |path: &Path| path.file_name().is_some_and(|f| f == name);
    let meant = |f: &&FoundProfile| {
        if is_file {
            file_is(&f.path)
        } else {
            f.profile.name == name
        }
    };
    let mut fitting = all.iter().filter(meant);
    if let Some(first) = fitting.next() {
        // A copy of the same profile does not count as a second one.
        return match fitting.find(|f| f.profile != first.profile) {
            None => Ok(first.profile.clone()),
            Some(second) => Err(FindError::Ambiguous {
                name: name.into(),
                first: first.path.clone(),
                second: second.path.clone(),
            }),
        };
    }
    let is_broken = |b: &BrokenProfile| {
        file_is(&b.path)
            || b.name.as_deref() == Some(name)
            || b.path.file_stem() == Some(name.as_ref())
    };
    match broken.into_iter().find(is_broken) {
        Some(broken) => Err(broken.error.into()),
        None if is_file => Ok(read(Path::new(name))?),
        None => Err(unknown(name, &all)),
    }
}

fn unknown(name: &str, all: &[FoundProfile]) -> FindError {
    let shipped = RELEASES.iter().map(|r| r.name);
    let mut names: Vec<&str> = shipped.collect();
    for f in all {
        if !names.contains(&&*f.profile.name) {
            names.push(&f.profile.name);
        }
    }
    // A version such as `3.14t` or `python3.14t` is as likely a slip as a misspelt name.
    let version = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let exact = |n: &&&str| !version.is_empty() && n.strip_prefix("cpython-") == Some(version);
    let near = match names.iter().find(exact) {
        Some(exact) => vec![*exact],
        None => similar(name, names.iter().copied()),
    };
    FindError::Unknown {
        name: name.into(),
        suggestion: suggested(&near, "there are", names.iter().copied()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn shipped_profiles_are_found_by_name() {
        for (release, profile) in RELEASES.iter().zip(shipped()) {
            assert_eq!(find(release.name).expect("shipped"), profile);
            assert_eq!(profile.name, release.name);
        }
        assert!(!find("cpython-3.14t").expect("shipped").gil);
    }

    #[test]
    fn demands_are_stated_for_the_first_of_them() {
        let first = &shipped()[0].params;
        assert_eq!(first.cpu_factor, 1.0);
        assert!((first.check_gap / BASELINE_NS_PER_ITER - 1.0).abs() < 1e-3);
    }

    #[test]
    fn a_wrong_name_is_answered_with_a_suggestion() {
        let e = find("3.14t").expect_err("no such name").to_string();
        assert!(
            e.contains("; did you mean `cpython-3.14t`? There are: `cpython-3.14`"),
            "{e}"
        );
        let e = find("cpyton-3.11").expect_err("no such name").to_string();
        assert!(e.contains("cpython-3.11"), "{e}");
        let e = find("no/such/file.ron")
            .expect_err("no such file")
            .to_string();
        assert!(e.contains("cannot read"), "{e}");
    }

    fn of(name: &str, file: &str, cpu: f64) -> FoundProfile {
        let mut profile = Profile {
            name: name.into(),
            ..Profile::default()
        };
        profile.params.cpu_factor = cpu;
        FoundProfile {
            path: file.into(),
            profile,
        }
    }

    #[test]
    fn two_of_a_name_are_told_apart_by_their_files_only() {
        let all = || {
            (
                vec![of("mine", "a.ron", 1.0), of("mine", "b/c.ron", 2.0)],
                Vec::new(),
            )
        };
        let e = choose("mine", false, all())
            .expect_err("ambiguous")
            .to_string();
        assert!(e.contains("a.ron and b/c.ron"), "{e}");
        let chosen = choose("c.ron", true, all()).expect("one");
        assert_eq!(chosen.params.cpu_factor, 2.0);
        let copies = (
            vec![of("mine", "a.ron", 1.0), of("mine", "b.ron", 1.0)],
            Vec::new(),
        );
        assert!(choose("mine", false, copies).is_ok());
    }

    #[test]
    fn found_names_are_suggested() {
        let e = choose(
            "laptip",
            false,
            (vec![of("laptop", "a.ron", 1.0)], Vec::new()),
        );
        let e = e.expect_err("no such name").to_string();
        assert!(
            e.contains("did you mean `laptop`?") && e.contains("`cpython-3.11`, `laptop`. A"),
            "{e}"
        );
    }

    #[test]
    fn a_broken_file_matters_when_it_is_meant() {
        let broken = || {
            vec![BrokenProfile {
                path: "x/mine.ron".into(),
                name: Some("laptop".into()),
                error: from_ron("(", "x/mine.ron").expect_err("broken"),
            }]
        };
        for name in ["mine", "laptop"] {
            let e = choose(name, false, (Vec::new(), broken())).expect_err("broken");
            assert!(e.to_string().starts_with("x/mine.ron:1:"), "{e}");
        }
        let e = choose("other", false, (Vec::new(), broken())).expect_err("unknown");
        assert!(matches!(e, FindError::Unknown { .. }));
    }
}
