//! Finds the profiles that lie in the directories where the user works.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::file::{ProfileError, from_ron};
use crate::cpython::profile::Profile;
use crate::syntax::input;

/// The environment variable that lists further directories of profiles, as PATH lists directories.
pub(crate) const PROFILES_VARIABLE: &str = "PCHSIM_PROFILES";
/// The greatest size of a profile file, in bytes; larger files are not looked at.
const SIZE_LIMIT: u64 = 4 << 20;

/// A profile that was found, and its file.
#[derive(Clone, Debug)]
pub(crate) struct FoundProfile {
    /// The path of the file.
    pub path: PathBuf,
    /// The profile that the file holds.
    pub profile: Profile,
}

/// A file that is meant to be a profile but cannot be read as one.
#[derive(Debug)]
pub(crate) struct BrokenProfile {
    /// The path of the file.
    pub path: PathBuf,
    /// The name that the file seems to give its profile.
    pub name: Option<String>,
    /// What is wrong with the file.
    pub error: ProfileError,
}

/// Finds the profile files (`*.ron`) of the current directory, of `./profiles` and of the directories of `PCHSIM_PROFILES`, in this order
/// and by name within each. Also returns the profiles that are broken. Other RON files, such as scenarios, are passed over.
#[must_use]
pub(crate) fn found() -> (Vec<FoundProfile>, Vec<BrokenProfile>) {
    let mut places = vec![PathBuf::new(), PathBuf::from("profiles")];
    if let Some(more) = std::env::var_os(PROFILES_VARIABLE) {
        places.extend(std::env::split_paths(&more).filter(|p| !p.as_os_str().is_empty()));
    }
    found_in(&places)
}

/// As [`found`], for the given directories; the empty path is the current directory.
pub(crate) fn found_in(places: &[PathBuf]) -> (Vec<FoundProfile>, Vec<BrokenProfile>) {
    let (mut all, mut broken) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for path in places.iter().flat_map(|place| files(place)) {
        if !seen.insert(path.canonicalize().unwrap_or_else(|_| path.clone())) {
            continue;
        }
        let shown = path.display().to_string();
        let read = input::read_to_string(&path);
        match read {
            Ok(text) => match from_ron(&text, &shown) {
                Ok(profile) => all.push(FoundProfile { path, profile }),
                Err(_) if !looks_like_profile(&text) => {}
                Err(error) => broken.push(BrokenProfile {
                    path,
                    name: named(&text),
                    error,
                }),
            },
            // The file is not readable text, so only the directory in which it lies can tell that it is meant to be a profile.
            Err(source) if path.parent().is_some_and(|d| d.ends_with("profiles")) => {
                let error = ProfileError::Unreadable {
                    path: shown,
                    source,
                };
                broken.push(BrokenProfile {
                    path,
                    name: None,
                    error,
                });
            }
            Err(_) => {}
        }
    }
    (all, broken)
}

/// The files of a directory whose names end in `.ron`, sorted by path.
fn files(place: &Path) -> Vec<PathBuf> {
    let here = place.as_os_str().is_empty();
    let Ok(entries) = std::fs::read_dir(if here { Path::new(".") } else { place }) else {
        return Vec::new();
    };
    let small_file = |p: &PathBuf| {
        p.metadata()
            .is_ok_and(|m| m.is_file() && m.len() <= SIZE_LIMIT)
    };
    let mut all: Vec<_> = entries
        .filter_map(|e| Some(place.join(e.ok()?.file_name())))
        .filter(|p| p.extension().is_some_and(|e| e == "ron") && small_file(p))
        .collect();
    all.sort();
    all
}

/// Whether a text that could not be read as a profile is meant to be one: it has the fields of a profile, and none of a scenario.
fn looks_like_profile(text: &str) -> bool {
    let has = |field: &str| {
        text.lines().any(|l| {
            let l = l.trim_start_matches([' ', '\t', '(']);
            l.strip_prefix(field)
                .is_some_and(|rest| rest.trim_start().starts_with(':'))
        })
    };
    !has("workload") && (has("params") || has("gil") || has("origin"))
}

/// The name that stands behind `name:` in a text.
fn named(text: &str) -> Option<String> {
    let line = text
        .lines()
        .find_map(|l| l.trim_start_matches([' ', '\t', '(']).strip_prefix("name:"))?;
    Some(line.split('"').nth(1)?.to_owned())
}

#[cfg(test)]
mod tests {
    use super::super::file::to_ron;
    use super::*;

    #[test]
    fn profiles_are_told_from_other_files() {
        let dir = tempfile::tempdir().unwrap();
        let put = |name: &str, text: &str| std::fs::write(dir.path().join(name), text).unwrap();
        let text = to_ron(&Profile::default());
        put("b.ron", &text);
        put("a.ron", &text);
        put("broken.ron", &text.replace("gil: true", "gil: maybe"));
        put("scenario.ron", "(schema: 1, name: \"x\",\n workload: ())");
        put("other.ron", "[1, 2]");
        put("text.txt", &text);
        std::fs::create_dir(dir.path().join("c.ron")).unwrap();
        let place = dir.path().to_path_buf();
        let (all, broken) = found_in(&[place.clone(), place.clone(), place.join("no")]);
        let names: Vec<_> = all.iter().map(|f| f.path.file_name().unwrap()).collect();
        assert_eq!(names, ["a.ron", "b.ron"]);
        assert_eq!(broken.len(), 1, "{broken:?}");
        assert_eq!(broken[0].name.as_deref(), Some("default"));
        assert!(broken[0].error.to_string().contains("broken.ron:"));
    }
}
