//! The profiles that lie where the user works.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::file::{ProfileError, from_ron};
use crate::cpython::profile::Profile;
use crate::syntax::input;

/// The environment variable that lists further directories of profiles, as PATH lists directories.
pub const PROFILES_VARIABLE: &str = "PCHSIM_PROFILES";
/// No profile is larger, bytes; what is larger is not looked at.
const SIZE_LIMIT: u64 = 4 << 20;

/// A profile and its file.
#[derive(Clone, Debug)]
pub struct FoundProfile {
    /// Which file.
    pub path: PathBuf,
    /// What it says.
    pub profile: Profile,
}

/// A file that should be a profile and is none.
#[derive(Debug)]
pub struct BrokenProfile {
    /// Which file.
    pub path: PathBuf,
    /// The name that it seems to give.
    pub name: Option<String>,
    /// What is wrong with it.
    pub error: ProfileError,
}

/// The profile files (`*.ron`) of the current directory, of `./profiles` and of the directories of `PCHSIM_PROFILES`, in this
/// order and by name; and those that are broken. Other RON files, such as scenarios, are passed over.
#[must_use]
pub fn found() -> (Vec<FoundProfile>, Vec<BrokenProfile>) {
    let mut places = vec![PathBuf::new(), PathBuf::from("profiles")];
    if let Some(more) = std::env::var_os(PROFILES_VARIABLE) {
        places.extend(std::env::split_paths(&more).filter(|p| !p.as_os_str().is_empty()));
    }
    found_in(&places)
}

/// The same for these directories; the empty path is the current one.
pub fn found_in(places: &[PathBuf]) -> (Vec<FoundProfile>, Vec<BrokenProfile>) {
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
            // Neither text nor readable: nobody can say that it is meant to be a profile, unless by its place.
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

/// The files of a directory whose names end in `.ron`, sorted.
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

/// Whether a text that is no profile is meant to be one: it has a profile's fields, and not a scenario's.
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

/// What stands behind `name:`.
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
