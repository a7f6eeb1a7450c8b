//! The profiles that are shipped with the program, embedded in it.

use std::path::Path;

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

/// The shipped profile of this name, or the profile in this file (a name that ends in `.ron`).
pub fn find(name_or_file: &str) -> Result<Profile, ProfileError> {
    if let Some(release) = RELEASES.iter().find(|r| r.name == name_or_file) {
        return from_ron(release.text, release.name);
    }
    let path = Path::new(name_or_file);
    if path.extension().is_some_and(|e| e == "ron") {
        return read(path);
    }
    let names = || RELEASES.iter().map(|r| r.name);
    // `3.14t` or `python3.14t` is as likely a slip as a misspelt name.
    let version = name_or_file.trim_start_matches(|c: char| !c.is_ascii_digit());
    let near = match names()
        .find(|n| !version.is_empty() && n.strip_prefix("cpython-") == Some(version))
    {
        Some(exact) => vec![exact],
        None => similar(name_or_file, names()),
    };
    let hint = if near.is_empty() {
        String::new()
    } else {
        format!(", did you mean {}?", near.join(" or "))
    };
    Err(ProfileError::Unknown {
        name: name_or_file.into(),
        hint,
        shipped: names().collect::<Vec<_>>().join(", "),
    })
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
}
