//! Finds the Python interpreters of this machine.

use std::collections::HashSet;
use std::path::{Path, PathBuf};

use super::error::HostError;
use super::interpreter::{Interpreter, ProbeOutput, probe};
use super::paths::{executable, path_directories};
use super::versions::{NEWEST_MINOR, OLDEST_MINOR};

/// The oldest minor version that is looked for; versions below the usable ones are found only to say that they are too old.
const OLDEST_LOOKED_FOR: u32 = 6;
/// The number of interpreters that are asked at the same time.
const AT_ONCE: usize = 4;
const ENVIRONMENT: &str = "virtual environment";

/// A program that looks like an interpreter but cannot be used.
#[derive(Debug)]
pub struct Unusable {
    /// The path of the program.
    pub path: PathBuf,
    /// Why it cannot be used.
    pub reason: HostError,
}

/// A file that may be an interpreter.
#[derive(Clone, Debug)]
struct Candidate {
    path: PathBuf,
    found: &'static str,
    /// Whether it belongs to a virtual environment that the user works in, which makes it an interpreter of its own.
    environment: bool,
}

/// Finds all interpreters, newest first, and the programs that look like one but cannot be used.
///
/// They are looked for on PATH, among those of pyenv, uv and conda, in the active virtual environment and in `.venv` and `venv` of the
/// current directory; on macOS also among those of python.org. Each is run to ask what it is, for at most 10 s. An interpreter that is
/// found in several places is listed once.
#[must_use]
pub fn discover() -> (Vec<Interpreter>, Vec<Unusable>) {
    let mut all = candidates();
    let mut seen = HashSet::new();
    // A file that is found by several names need not be asked twice, but all places where it was found are reported.
    let mut also: Vec<(ExecutableIdentity, &'static str)> = Vec::new();
    all.retain(|c| {
        let key = identity(&c.path);
        let new = seen.insert(key.clone());
        if !new {
            also.push((key, c.found));
        }
        new
    });
    let mut usable: Vec<ProbeOutput> = Vec::new();
    let mut unusable: Vec<Unusable> = Vec::new();
    for (candidate, answer) in all.iter().zip(ask(&all)) {
        match answer {
            Ok(mut probed) => {
                let twins = also
                    .iter()
                    .filter(|(key, _)| *key == identity(&candidate.path));
                let twins: Vec<String> = twins.map(|(_, found)| (*found).to_owned()).collect();
                note(&mut probed.interpreter.found, &twins);
                add(&mut usable, probed, candidate.environment);
            }
            Err(reason) => unusable.push(Unusable {
                path: candidate.path.clone(),
                reason,
            }),
        }
    }
    let mut usable: Vec<_> = usable.into_iter().map(|p| p.interpreter).collect();
    // The sort is stable, so that among equals the interpreter that was found first stays first.
    usable.sort_by_key(|i| std::cmp::Reverse((version_key(&i.version), !i.free_threaded)));
    (usable, unusable)
}

/// Adds an interpreter to those found, or, if it is among them already, the place where it was found.
fn add(usable: &mut Vec<ProbeOutput>, mut probed: ProbeOutput, environment: bool) {
    let wanted = environment || usable.iter().any(|p| same_environment(p, &probed));
    if !wanted {
        // What is listed is not the environment but the interpreter behind it.
        probed.environment = None;
    }
    if let Some(own) = probed.executable.take().filter(|_| !environment) {
        probed.interpreter.path = own;
    }
    match usable.iter_mut().find(|p| same_interpreter(p, &probed)) {
        Some(known) => note(&mut known.interpreter.found, &probed.interpreter.found),
        None => usable.push(probed),
    }
}

fn same_interpreter(a: &ProbeOutput, b: &ProbeOutput) -> bool {
    if a.environment.is_some() || b.environment.is_some() {
        return a.environment == b.environment;
    }
    let (one, other) = (&a.interpreter.path, &b.interpreter.path);
    // Two names of one file count as one interpreter only within an installation, because package managers link the same file into several.
    let linked = || real(&a.base_prefix) == real(&b.base_prefix) && file(one) == file(other);
    real(one) == real(other) || (file(one).is_some() && linked())
}

fn same_environment(a: &ProbeOutput, b: &ProbeOutput) -> bool {
    a.environment.is_some() && a.environment == b.environment
}

fn note(found: &mut Vec<String>, more: &[String]) {
    for one in more {
        if !found.contains(one) {
            found.push(one.clone());
        }
    }
}

/// Asks all candidates what they are, some at a time. The answers are in the order of the candidates.
fn ask(all: &[Candidate]) -> Vec<Result<ProbeOutput, HostError>> {
    let mut answers = Vec::with_capacity(all.len());
    for some in all.chunks(AT_ONCE) {
        std::thread::scope(|scope| {
            let asked: Vec<_> = some
                .iter()
                .map(|c| scope.spawn(|| probe(&c.path, c.found)))
                .collect();
            answers.extend(asked.into_iter().map(|a| match a.join() {
                Ok(answer) => answer,
                Err(panic) => std::panic::resume_unwind(panic),
            }));
        });
    }
    answers
}

/// The numbers of a version such as `3.13.0` or `3.15.0a3`.
pub(super) fn version_key(version: &str) -> Vec<u32> {
    version
        .split('.')
        .map(|part| {
            let digits = part.find(|c: char| !c.is_ascii_digit());
            part[..digits.unwrap_or(part.len())].parse().unwrap_or(0)
        })
        .collect()
}

/// The identity by which files are told apart before they are asked.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
enum ExecutableIdentity {
    /// Any name in the programs' directory of a virtual environment, because the place is what makes it one.
    Environment(PathBuf),
    /// A file of a directory, by whatever name: a free-threaded installation has `python3.14` and `python3.14t` as links to each other.
    File(PathBuf, FileId),
    /// Where the system does not number its files: the path behind symbolic links.
    Path(PathBuf),
}

/// The device and the number of a file, which are the same for all hard links to it.
type FileId = (u64, u64);

fn identity(path: &Path) -> ExecutableIdentity {
    let directory = path.parent().map(real).unwrap_or_default();
    let environment = directory
        .parent()
        .is_some_and(|d| d.join("pyvenv.cfg").is_file());
    if environment {
        return ExecutableIdentity::Environment(directory);
    }
    let real = real(path);
    match (file(&real), real.parent()) {
        (Some(id), Some(directory)) => ExecutableIdentity::File(directory.into(), id),
        _ => ExecutableIdentity::Path(real),
    }
}

/// The identity of the file behind symbolic links, where the system numbers files.
fn file(path: &Path) -> Option<FileId> {
    #[cfg(unix)]
    {
        use std::os::unix::fs::MetadataExt as _;
        path.metadata().ok().map(|m| (m.dev(), m.ino()))
    }
    #[cfg(not(unix))]
    {
        let _ = path;
        None
    }
}

fn real(path: &Path) -> PathBuf {
    path.canonicalize().unwrap_or_else(|_| path.into())
}

/// All files worth asking; the environments that the user works in come first.
fn candidates() -> Vec<Candidate> {
    let mut all = Vec::new();
    let mut add = |path: Option<PathBuf>, found, environment| {
        if let Some(path) = path {
            all.push(Candidate {
                path,
                found,
                environment,
            });
        }
    };
    add(active_environment(), ENVIRONMENT, true);
    for name in [".venv", "venv"] {
        add(python_in(Path::new(name)), ENVIRONMENT, true);
    }
    for path in on_path() {
        add(Some(path), "PATH", false);
    }
    for (found, installations) in installations() {
        for one in installations {
            add(python_in(&one), found, false);
        }
    }
    all
}

/// The interpreter of the active virtual environment, if there is one.
pub(super) fn active_environment() -> Option<PathBuf> {
    python_in(&directory_of("VIRTUAL_ENV")?)
}

/// The directory that an environment variable names, if there is such a directory.
fn directory_of(variable: &str) -> Option<PathBuf> {
    let value = std::env::var_os(variable).filter(|v| !v.is_empty())?;
    Some(PathBuf::from(value)).filter(|p| p.is_dir())
}

/// The interpreter of an installation or a virtual environment.
fn python_in(prefix: &Path) -> Option<PathBuf> {
    let bin = prefix.join("bin");
    let plain = ["python3", "python"].map(|name| bin.join(name));
    let versions = (OLDEST_MINOR..=NEWEST_MINOR).rev();
    let versions = versions.map(|minor| bin.join(format!("python3.{minor}t")));
    plain.into_iter().chain(versions).find(|p| executable(p))
}

fn on_path() -> Vec<PathBuf> {
    let mut names = vec!["python3".to_owned(), "python".to_owned()];
    let plain = names.len();
    for minor in (OLDEST_LOOKED_FOR..=NEWEST_MINOR).rev() {
        names.push(format!("python3.{minor}"));
        if minor >= 13 {
            names.push(format!("python3.{minor}t"));
        }
    }
    names.push("pypy3".into());
    let mut all = Vec::new();
    for directory in path_directories() {
        // A shim runs one of the versions that are listed elsewhere, or reports an error. Only the plain names say which version is chosen.
        let count = if is_shims(&directory) {
            plain
        } else {
            names.len()
        };
        let files = names[..count].iter().map(|name| directory.join(name));
        all.extend(files.filter(|p| executable(p) && !is_placeholder(p)));
    }
    all
}

/// Whether this is the directory of shims (stand-ins for interpreters) of pyenv, asdf or mise.
fn is_shims(directory: &Path) -> bool {
    directory.file_name().is_some_and(|name| name == "shims")
}

/// Whether this is the placeholder `python3` of macOS without its developer tools, which only offers, in a window, to install them.
fn is_placeholder(path: &Path) -> bool {
    cfg!(target_os = "macos")
        && path.starts_with("/usr/bin")
        && !Path::new("/Library/Developer/CommandLineTools").exists()
        && !Path::new("/Applications/Xcode.app").exists()
}

/// The directories that hold an installation each, by the tool that made them.
fn installations() -> Vec<(&'static str, Vec<PathBuf>)> {
    let home = std::env::home_dir().unwrap_or_default();
    let pyenv = directory_of("PYENV_ROOT").unwrap_or_else(|| home.join(".pyenv"));
    let data = directory_of("XDG_DATA_HOME").unwrap_or_else(|| home.join(".local/share"));
    let mut uv = entries(&data.join("uv/python"));
    if let Some(own) = directory_of("UV_PYTHON_INSTALL_DIR") {
        uv.extend(entries(&own));
    }
    let mut all = vec![
        ("pyenv", entries(&pyenv.join("versions"))),
        ("uv", uv),
        ("conda", conda(&home)),
    ];
    if cfg!(target_os = "macos") {
        all[1]
            .1
            .extend(entries(&home.join("Library/Application Support/uv/python")));
        for framework in ["Python", "PythonT"] {
            let versions = format!("/Library/Frameworks/{framework}.framework/Versions");
            all.push(("python.org", entries(Path::new(&versions))));
        }
    }
    all
}

/// The prefixes of conda environments, all of which conda lists in one file.
fn conda(home: &Path) -> Vec<PathBuf> {
    let list = std::fs::read_to_string(home.join(".conda/environments.txt"));
    let listed = list.unwrap_or_default();
    let listed = listed.lines().map(str::trim).filter(|l| !l.is_empty());
    directory_of("CONDA_PREFIX")
        .into_iter()
        .chain(listed.map(PathBuf::from))
        .collect()
}

/// The directories within a directory, sorted by name. Links and hidden directories (such as uv's unfinished downloads) are left out.
fn entries(directory: &Path) -> Vec<PathBuf> {
    let Ok(all) = std::fs::read_dir(directory) else {
        return Vec::new();
    };
    let hidden = |e: &std::fs::DirEntry| e.file_name().to_string_lossy().starts_with('.');
    let mut all: Vec<_> = all
        .filter_map(Result::ok)
        .filter(|e| !hidden(e) && e.file_type().is_ok_and(|t| t.is_dir()))
        .map(|e| e.path())
        .collect();
    all.sort();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_are_ordered_as_numbers() {
        assert!(version_key("3.10.2") > version_key("3.9.18"));
        assert_eq!(version_key("3.15.0a3+"), [3, 15, 0]);
    }

    #[test]
    fn only_directories_that_show_count() {
        let dir = tempfile::tempdir().unwrap();
        for name in ["b", "a", ".temp"] {
            std::fs::create_dir(dir.path().join(name)).unwrap();
        }
        std::fs::write(dir.path().join("file"), "").unwrap();
        assert_eq!(
            entries(dir.path()),
            [dir.path().join("a"), dir.path().join("b")]
        );
        assert!(entries(&dir.path().join("no")).is_empty());
    }
}
