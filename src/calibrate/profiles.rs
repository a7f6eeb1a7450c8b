//! The profiles that are shipped with the program, embedded in it, and one profile by its name.

use std::path::{Path, PathBuf};

use super::found_profiles::{Broken, Found, found};
use super::profile_file::{ProfileError, from_ron, read, similar};
use crate::cpython::profile::{PARAMS, Profile, Tag};

/// A released interpreter that a measured one stands for.
#[derive(Clone, Copy, Debug)]
pub struct Release {
    /// Name of the shipped profile.
    pub name: &'static str,
    /// The interpreter's id in the reference measurements.
    pub measured_as: &'static str,
    /// What the release calls itself.
    pub version: &'static str,
    /// Its minor version.
    pub minor: u32,
    /// Whether the released fork server imports the main module once, where the measured one did not.
    pub preloads_main: bool,
    text: &'static str,
}

/// The shipped profiles.
pub const RELEASES: [Release; 3] = [
    Release {
        name: "cpython-3.14",
        measured_as: "cp314-gil",
        version: "3.14.5",
        minor: 14,
        preloads_main: true,
        text: include_str!("../../profiles/cpython-3.14.ron"),
    },
    Release {
        name: "cpython-3.14t",
        measured_as: "cp314-ft",
        version: "3.14.5",
        minor: 14,
        preloads_main: true,
        text: include_str!("../../profiles/cpython-3.14t.ron"),
    },
    Release {
        name: "cpython-3.11",
        measured_as: "cp311-gil",
        version: "3.11.7",
        minor: 11,
        preloads_main: false,
        text: include_str!("../../profiles/cpython-3.11.ron"),
    },
];

impl Release {
    /// Makes the shipped profile from the measured interpreter's: the release's own name and version, the relative cost
    /// of Python code as the reference states it, and what is known to differ.
    #[must_use]
    pub fn from_measured(&self, measured: &Profile, cpu_cost: Option<f64>) -> Profile {
        let mut p = measured.clone();
        p.name = self.name.into();
        p.version = self.version.into();
        p.minor = self.minor;
        p.origin = format!(
            "{}; stands for {} on a server of that class",
            measured.origin, self.version
        );
        let mut put = |name: &str, value: f64, tag: Tag| {
            let i = PARAMS
                .iter()
                .position(|info| info.name == name)
                .expect("a parameter of the table");
            *p.params.get_mut(i) = value;
            p.tags[i] = tag;
        };
        if let Some(cost) = cpu_cost {
            put(
                "cpu_factor",
                cost,
                Tag::Measured("cpu_cost of the reference cells".into()),
            );
        }
        if self.preloads_main {
            let how =
                "3.14.1 and later preload the main module; the build that was measured did not";
            put("forkserver_preload_main", 1.0, Tag::Derived(how.into()));
        }
        p
    }
}

/// The shipped profiles, in the order of [`RELEASES`].
pub fn shipped() -> Vec<Profile> {
    RELEASES
        .iter()
        .map(|r| from_ron(r.text, r.name).expect("shipped profiles are checked by the tests"))
        .collect()
}

/// Why there is no profile of a name.
#[derive(Debug, thiserror::Error)]
pub enum FindError {
    /// The file that is meant cannot be read, or is not a profile.
    #[error(transparent)]
    File(#[from] ProfileError),
    /// No profile is called so.
    #[error(
        "no interpreter profile is called `{name}`{hint}; there are: {names}; a profile in a file is found by its path, or by \
         its name if it lies here, in ./profiles or in a directory of PCHSIM_PROFILES"
    )]
    Unknown {
        /// What was asked for.
        name: String,
        /// `, did you mean ...?` or nothing.
        hint: String,
        /// All names, shipped ones first.
        names: String,
    },
    /// Two files hold different profiles of the name.
    #[error("two profiles are called `{name}`: {} and {}; name the file", .first.display(), .second.display())]
    Ambiguous {
        /// What was asked for.
        name: String,
        /// One file.
        first: PathBuf,
        /// The other.
        second: PathBuf,
    },
}

/// The profile of this name: a shipped one, else one that [`found`] finds; or the profile in this file (a name that ends in
/// `.ron`: a path from the current directory, else the name of a file in one of the places).
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

/// The found profile that is meant.
fn choose(
    name: &str,
    is_file: bool,
    (all, broken): (Vec<Found>, Vec<Broken>),
) -> Result<Profile, FindError> {
    let file_is = |path: &Path| path.file_name().is_some_and(|f| f == name);
    let meant = |f: &&Found| match is_file {
        true => file_is(&f.path),
        false => f.profile.name == name,
    };
    let mut fitting = all.iter().filter(meant);
    if let Some(first) = fitting.next() {
        // A copy of the same profile is no second one.
        return match fitting.find(|f| f.profile != first.profile) {
            None => Ok(first.profile.clone()),
            Some(second) => Err(FindError::Ambiguous {
                name: name.into(),
                first: first.path.clone(),
                second: second.path.clone(),
            }),
        };
    }
    let is_broken = |b: &Broken| {
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

fn unknown(name: &str, all: &[Found]) -> FindError {
    let shipped = RELEASES.iter().map(|r| r.name);
    let mut names: Vec<&str> = shipped.collect();
    for f in all {
        if !names.contains(&&*f.profile.name) {
            names.push(&f.profile.name);
        }
    }
    // `3.14t` or `python3.14t` is as likely a slip as a misspelt name.
    let version = name.trim_start_matches(|c: char| !c.is_ascii_digit());
    let exact = |n: &&&str| !version.is_empty() && n.strip_prefix("cpython-") == Some(version);
    let near = match names.iter().find(exact) {
        Some(exact) => vec![*exact],
        None => similar(name, names.iter().copied()),
    };
    FindError::Unknown {
        name: name.into(),
        hint: if near.is_empty() {
            String::new()
        } else {
            format!(", did you mean {}?", near.join(" or "))
        },
        names: names.join(", "),
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
    fn a_wrong_name_is_answered_with_a_suggestion() {
        let e = find("3.14t").expect_err("no such name").to_string();
        assert!(e.contains("did you mean cpython-3.14t?"), "{e}");
        let e = find("cpyton-3.11").expect_err("no such name").to_string();
        assert!(e.contains("cpython-3.11"), "{e}");
        let e = find("no/such/file.ron")
            .expect_err("no such file")
            .to_string();
        assert!(e.contains("cannot read"), "{e}");
    }

    fn of(name: &str, file: &str, cpu: f64) -> Found {
        let mut profile = Profile {
            name: name.into(),
            ..Profile::default()
        };
        profile.params.cpu_factor = cpu;
        Found {
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
            e.contains("did you mean laptop?") && e.contains("cpython-3.11, laptop"),
            "{e}"
        );
    }

    #[test]
    fn a_broken_file_matters_when_it_is_meant() {
        let broken = || {
            vec![Broken {
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
