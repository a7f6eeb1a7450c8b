//! Finds one interpreter by name, and the one that is meant when none is named.

use std::path::{Path, PathBuf};

use super::discover::{active_environment, discover, version_key};
use super::error::HostError;
use super::interpreter::{Interpreter, ProbeOutput, probe};
use super::paths::{executable, path_directories};

/// Finds the interpreter with this path, this command name, or this version: `./venv/bin/python`, `python3`, `3.13`, `3.13.0`, `3.13t`,
/// `python3.13`.
///
/// # Errors
/// Returns an error if there is none, or if it cannot be used; see [`HostError`].
pub fn find(name_or_path: &str) -> Result<Interpreter, HostError> {
    let name = name_or_path.trim();
    if name.contains(std::path::MAIN_SEPARATOR) {
        return given(Path::new(name));
    }
    let Some(wanted) = PythonQuery::parse(name) else {
        return command(name);
    };
    // The command of that name is tried first, because it is found fast. It may turn out to be another version, or a stand-in that leads
    // nowhere.
    let quick = on_path(&wanted.command()).map(|path| resolved(&path));
    match quick {
        Some(Ok(found)) if wanted.fits(&found) => return Ok(found),
        Some(Err(e)) if e.concerns_all() => return Err(e),
        _ => {}
    }
    let (all, unusable) = discover();
    if let Some(found) = all.iter().find(|i| wanted.fits(i)) {
        return Ok(found.clone());
    }
    let unfit =
        |e: &HostError| matches!(e, HostError::Version { version, .. } if wanted.matches(version));
    let reason = unusable.into_iter().find(|u| unfit(&u.reason));
    Err(HostError::NotFound {
        name: name.into(),
        hint: match reason {
            Some(unusable) => format!(": {}.", unusable.reason),
            None => listed(&all),
        },
    })
}

/// Finds the interpreter that is meant when none is named: that of the active virtual environment, else `python3` on PATH, else `python`,
/// else the newest that is found anywhere.
///
/// # Errors
/// Returns an error if there is no interpreter that can be used.
pub fn default() -> Result<Interpreter, HostError> {
    let mut tried = Vec::new();
    let first = [active_environment(), on_path("python3"), on_path("python")];
    for path in first.into_iter().flatten() {
        match resolved(&path) {
            Ok(found) => return Ok(found),
            Err(e) if e.concerns_all() => return Err(e),
            Err(e) => tried.push(e.to_string()),
        }
    }
    let (all, _) = discover();
    match all.into_iter().next() {
        Some(found) => Ok(found),
        None if tried.is_empty() => Err(HostError::Nothing {
            tried: String::new(),
        }),
        None => Err(HostError::Nothing {
            tried: format!("; tried: {}", tried.join("; ")),
        }),
    }
}

/// The interpreter with this path, as the user wrote it. A wrapper's path stays the wrapper's, except for a shim's.
fn given(path: &Path) -> Result<Interpreter, HostError> {
    let probed = probe(path, "given")?;
    Ok(if is_shim(path) {
        behind(probed)
    } else {
        probed.interpreter
    })
}

fn command(name: &str) -> Result<Interpreter, HostError> {
    match on_path(name) {
        Some(path) => resolved(&path),
        None => Err(HostError::NotFound {
            name: name.into(),
            hint: if Path::new(name).exists() {
                format!(" on PATH; did you mean ./{name}?")
            } else {
                listed(&discover().0)
            },
        }),
    }
}

/// The interpreter of a command on PATH. For a shim (a stand-in, which costs time at each start) it is the interpreter behind it.
fn resolved(path: &Path) -> Result<Interpreter, HostError> {
    let probed = probe(path, "PATH")?;
    Ok(if is_shim(path) {
        behind(probed)
    } else {
        probed.interpreter
    })
}

fn is_shim(path: &Path) -> bool {
    path.parent()
        .and_then(Path::file_name)
        .is_some_and(|d| d == "shims")
}

fn behind(probed: ProbeOutput) -> Interpreter {
    let mut interpreter = probed.interpreter;
    if let Some(executable) = probed.executable {
        interpreter.path = executable;
    }
    interpreter
}

fn listed(all: &[Interpreter]) -> String {
    if all.is_empty() {
        return "; none was found at all.".into();
    }
    let each: Vec<_> = all
        .iter()
        .map(|i| {
            let suffix = if i.free_threaded { "t" } else { "" };
            format!("{}{suffix} ({})", i.version, i.path.display())
        })
        .collect();
    format!("; found: {}.", each.join(", "))
}

fn on_path(name: &str) -> Option<PathBuf> {
    if name.is_empty() {
        return None;
    }
    path_directories()
        .into_iter()
        .map(|d| d.join(name))
        .find(|p| executable(p))
}

/// A version that the user asks for.
#[derive(Clone, Debug, PartialEq, Eq)]
struct PythonQuery {
    /// The numbers of the version: `3.13` or `3.13.0`.
    version: String,
    free_threaded: bool,
}

impl PythonQuery {
    /// Reads a version such as `3.13`, `3.13t`, `3.13.0t` or `python3.13`.
    fn parse(name: &str) -> Option<Self> {
        let version = name.strip_prefix("python").unwrap_or(name);
        let (version, free_threaded) = match version.strip_suffix('t') {
            Some(version) => (version, true),
            None => (version, false),
        };
        let parts: Vec<_> = version.split('.').collect();
        let number = |p: &&str| !p.is_empty() && p.bytes().all(|b| b.is_ascii_digit());
        let well_formed = (2..=3).contains(&parts.len()) && parts.iter().all(number);
        well_formed.then(|| Self {
            version: version.into(),
            free_threaded,
        })
    }

    fn command(&self) -> String {
        let minor: Vec<_> = self.version.split('.').take(2).collect();
        let suffix = if self.free_threaded { "t" } else { "" };
        format!("python{}{suffix}", minor.join("."))
    }

    fn matches(&self, version: &str) -> bool {
        version_key(version).starts_with(&version_key(&self.version))
    }

    fn fits(&self, i: &Interpreter) -> bool {
        self.matches(&i.version) && i.free_threaded == self.free_threaded
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_told_from_commands() {
        let wanted = PythonQuery::parse("python3.13t").expect("a version");
        assert!(wanted.free_threaded && wanted.command() == "python3.13t");
        let wanted = PythonQuery::parse("3.13.1").expect("a version");
        assert!(wanted.command() == "python3.13" && !wanted.free_threaded);
        assert!(wanted.matches("3.13.1") && !wanted.matches("3.13.10") && !wanted.matches("3.1.1"));
        for name in [
            "python3", "python", "3", "pypy3.10", "3.x", "", "t", "3..1", "3.13.0.1",
        ] {
            assert_eq!(PythonQuery::parse(name), None, "{name}");
        }
    }
}
