//! The virtual environment that real servers are started from: made once for each interpreter, with the packages at fixed versions.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::Deserialize;

use crate::host::{self, ExitReason, FinishedRun, HostError, Interpreter, Invocation};

/// What is installed: the servers at the versions whose sources were read ([`crate::scenario::Server::version`]), and what of theirs decides
/// what a request costs.
const PACKAGES: [(&str, &str); 6] = [
    ("uvicorn", "0.54.0"),
    ("gunicorn", "27.0.1"),
    ("hypercorn", "0.18.0"),
    ("uvicorn-worker", "0.4.0"),
    ("h11", "0.16.0"),
    ("anyio", "4.16.0"),
];

const INSTALLED: &str = include_str!("../template/installed.py");
/// How long the environment may take to be made, and pip to install: a slow registry is not given up early.
const MAKING: Duration = Duration::from_secs(120);
const INSTALLING: Duration = Duration::from_secs(300);
const ASKING: Duration = Duration::from_secs(20);

/// An environment that has all servers.
#[derive(Clone, Debug)]
pub(crate) struct ServerHome {
    /// Its interpreter.
    pub python: PathBuf,
    /// In what it differs from what the forecast is of.
    pub notes: Vec<String>,
}

/// Why there is no environment for servers.
#[derive(Debug, thiserror::Error)]
pub(crate) enum VenvError {
    /// The user's directories are unknown.
    #[error(
        "there is no place for a virtual environment with the servers: neither XDG_CACHE_HOME nor HOME is set; name one with --venv DIR"
    )]
    NoPlace,
    /// The directory cannot be made or locked.
    #[error("cannot use {} for a virtual environment with the servers: {source}; name another with --venv DIR", .path.display())]
    Folder {
        /// The directory.
        path: PathBuf,
        /// Why not.
        source: std::io::Error,
    },
    /// The directory that is named has other things in it.
    #[error(
        "{} is no virtual environment (it has no pyvenv.cfg) and not empty: nothing is installed there; name an environment, or an empty or \
         new directory, with --venv DIR", .path.display()
    )]
    NoVenv {
        /// The directory.
        path: PathBuf,
    },
    /// What is named is no directory.
    #[error("{} is no directory, so it can be no virtual environment; name an environment, or an empty or new directory, with --venv DIR", .path.display())]
    NoFolder {
        /// What is named.
        path: PathBuf,
    },
    /// `python -m venv` fails.
    #[error(
        "{} cannot make a virtual environment for the servers ({why}); Debian and Ubuntu have it in the package python3-venv; or make one \
         elsewhere and name it with --venv DIR", .python.display()
    )]
    Make {
        /// The interpreter.
        python: PathBuf,
        /// What it said last.
        why: String,
    },
    /// pip fails.
    #[error(
        "the servers cannot be installed from the Python registry ({why}); without a network, run `{command}` where there is one, and name that \
         environment with --venv DIR"
    )]
    Install {
        /// What pip said last.
        why: String,
        /// The command that installs them.
        command: String,
    },
    /// An environment of the user's lacks something.
    #[error("the environment {} lacks {missing}: `{command}` installs it", .path.display())]
    Lacks {
        /// The environment.
        path: PathBuf,
        /// Packages.
        missing: String,
        /// The command that installs them.
        command: String,
    },
    /// An environment of the user's has another interpreter.
    #[error(
        "the environment {} has Python {found}, but the forecast is of {wanted}; name the interpreter with --python, or another environment with \
         --venv", .path.display()
    )]
    OtherPython {
        /// The environment.
        path: PathBuf,
        /// Its version.
        found: String,
        /// The version of the interpreter that is verified.
        wanted: String,
    },
    /// The environment's interpreter cannot be asked.
    #[error("the environment {} cannot be used ({why}); name another with --venv DIR", .path.display())]
    Broken {
        /// The environment.
        path: PathBuf,
        /// What its interpreter said last.
        why: String,
    },
    /// A program could not be started at all, or the user interrupts.
    #[error(transparent)]
    Host(#[from] HostError),
}

#[derive(Debug, Deserialize)]
struct Installed {
    python: String,
    packages: BTreeMap<String, Option<String>>,
}

/// An environment of this interpreter with all servers: the one in `given`, else that in the user's cache. What is not there is made.
/// `tell` is called with what takes long.
pub(crate) fn ready(
    python: &Interpreter,
    given: Option<&Path>,
    tell: &dyn Fn(&str),
) -> Result<ServerHome, VenvError> {
    // Programs are started in directories of their own: from there, a relative path would lead elsewhere.
    let path = match given {
        Some(given) => std::path::absolute(given).map_err(|source| VenvError::Folder {
            path: given.into(),
            source,
        })?,
        None => place(python).ok_or(VenvError::NoPlace)?,
    };
    if given.is_some() && path.exists() && !path.is_dir() {
        return Err(VenvError::NoFolder { path });
    }
    if given.is_some() && is_of_others(&path) {
        return Err(VenvError::NoVenv { path });
    }
    let ours = given.is_none() || !interpreter(&path).exists();
    // Another pchsim may be making it just now.
    let lock = if ours {
        Some(host::locked(&path).map_err(|source| VenvError::Folder {
            path: path.clone(),
            source,
        })?)
    } else {
        None
    };
    if !interpreter(&path).exists() {
        tell("making a virtual environment for the servers");
        make(python, &path)?;
    }
    let mut found = asked(&path)?;
    if ours && found.wrong().next().is_some() {
        tell("installing the servers (uvicorn, gunicorn, hypercorn) from the Python registry");
        install(&path)?;
        found = asked(&path)?;
    }
    drop(lock);
    found.check(&path, python)
}

impl Installed {
    /// The packages that are not what the forecast is of: name, version wanted, version found.
    fn wrong(&self) -> impl Iterator<Item = (&'static str, &'static str, Option<&str>)> {
        let one = |(name, version): (&'static str, &'static str)| {
            let found = self.packages.get(name).and_then(Option::as_deref);
            (found != Some(version)).then_some((name, version, found))
        };
        PACKAGES.into_iter().filter_map(one)
    }

    fn check(&self, path: &Path, python: &Interpreter) -> Result<ServerHome, VenvError> {
        if self.python != python.version {
            return Err(VenvError::OtherPython {
                path: path.into(),
                found: self.python.clone(),
                wanted: python.version.clone(),
            });
        }
        let missing: Vec<&str> = (self.wrong())
            .filter(|(_, _, found)| found.is_none())
            .map(|(name, ..)| name)
            .collect();
        if !missing.is_empty() {
            return Err(VenvError::Lacks {
                path: path.into(),
                missing: missing.join(", "),
                command: command(path),
            });
        }
        let notes = self.wrong().map(|(name, wanted, found)| {
            format!(
                "{} has {name} {}, the forecast is of {wanted}",
                path.display(),
                found.unwrap_or_default()
            )
        });
        Ok(ServerHome {
            python: interpreter(path),
            notes: notes.collect(),
        })
    }
}

/// Whether something is there that is not an environment, which making one would write into.
fn is_of_others(path: &Path) -> bool {
    let empty = || fs::read_dir(path).is_ok_and(|mut all| all.next().is_none());
    path.exists() && !path.join("pyvenv.cfg").exists() && !empty()
}

/// Where an environment's interpreter is.
fn interpreter(path: &Path) -> PathBuf {
    path.join("bin").join("python")
}

/// A directory for this very interpreter.
fn place(python: &Interpreter) -> Option<PathBuf> {
    let all = super::super::program::slug(&python.path.to_string_lossy());
    let last: String = all.chars().skip(all.len().saturating_sub(120)).collect();
    let name = format!("servers-{}-{last}", python.version);
    Some(host::cache()?.join("pchsim").join(name))
}

fn run(python: &Path, args: &[&str], limit: Duration) -> Result<(FinishedRun, String), VenvError> {
    let mut what = Invocation::new(python);
    what.args = args.iter().map(Into::into).collect();
    what.limit = limit;
    let mut last = String::new();
    let finished = host::run(&what, &mut |line| line.clone_into(&mut last))?;
    if finished.end == ExitReason::Interrupted {
        return Err(HostError::Interrupted.into());
    }
    Ok((finished, last))
}

/// What a program said when it failed: the last line that says anything.
fn said(finished: &FinishedRun, last: &str) -> String {
    let error =
        (finished.stderr.lines().rev()).find(|l| l.contains("ERROR") || l.contains("Error"));
    let line = error.unwrap_or_else(|| match finished.last_line() {
        "" => last,
        line => line,
    });
    match line.trim() {
        "" => finished.how(),
        line => line.to_owned(),
    }
}

fn make(python: &Interpreter, path: &Path) -> Result<(), VenvError> {
    let (existed, shown) = (path.exists(), path.to_string_lossy());
    let (finished, last) = run(&python.path, &["-m", "venv", &shown], MAKING)?;
    if finished.succeeded() {
        return Ok(());
    }
    // Half an environment would be taken for one. What was there before is the user's.
    if !existed {
        let _ = fs::remove_dir_all(path);
    }
    Err(VenvError::Make {
        python: python.path.clone(),
        why: said(&finished, &last),
    })
}

fn pins() -> Vec<String> {
    PACKAGES
        .iter()
        .map(|(name, version)| format!("{name}=={version}"))
        .collect()
}

fn command(path: &Path) -> String {
    format!(
        "{} -m pip install {}",
        interpreter(path).display(),
        pins().join(" ")
    )
}

fn install(path: &Path) -> Result<(), VenvError> {
    let pins = pins();
    let mut args = vec![
        "-m",
        "pip",
        "install",
        "--quiet",
        "--disable-pip-version-check",
        "--no-input",
    ];
    args.extend(pins.iter().map(String::as_str));
    let (finished, last) = run(&interpreter(path), &args, INSTALLING)?;
    if finished.succeeded() {
        return Ok(());
    }
    Err(VenvError::Install {
        why: said(&finished, &last),
        command: command(path),
    })
}

fn asked(path: &Path) -> Result<Installed, VenvError> {
    let mut args = vec!["-c", INSTALLED];
    args.extend(PACKAGES.iter().map(|(name, _)| *name));
    let (finished, last) = run(&interpreter(path), &args, ASKING)?;
    let answer = serde_json::from_str(&last).ok();
    answer
        .filter(|_| finished.succeeded())
        .ok_or_else(|| VenvError::Broken {
            path: path.into(),
            why: said(&finished, &last),
        })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::scenario::{Endpoints, Server, ServerKind, WorkerClass};

    fn python(version: &str) -> Interpreter {
        Interpreter {
            path: "/opt/a b/bin/python3".into(),
            version: version.into(),
            minor: 13,
            implementation: "CPython".into(),
            free_threaded: false,
            gil: true,
            build: crate::cpython::profile::Build::default(),
            start_methods: Vec::new(),
            interpreters: false,
            process_pools: true,
            found: Vec::new(),
        }
    }

    fn installed(change: &[(&str, Option<&str>)]) -> Installed {
        let mut packages: BTreeMap<String, Option<String>> = PACKAGES
            .iter()
            .map(|(n, v)| ((*n).to_owned(), Some((*v).to_owned())))
            .collect();
        for (name, version) in change {
            packages.insert((*name).to_owned(), version.map(str::to_owned));
        }
        Installed {
            python: "3.13.0".into(),
            packages,
        }
    }

    #[test]
    fn the_versions_are_those_that_were_read() {
        for kind in [
            ServerKind::Uvicorn(Endpoints::Async),
            ServerKind::Gunicorn(WorkerClass::Sync),
            ServerKind::Hypercorn(Endpoints::Async),
        ] {
            let version = Server::new(kind, 2).version();
            let (name, version) = version.split_once(' ').unwrap();
            assert!(PACKAGES.contains(&(name, version)), "{name} {version}");
        }
    }

    #[test]
    fn what_is_missing_or_other_is_said() {
        let path = Path::new("/v");
        let check = |i: &Installed| i.check(path, &python("3.13.0"));
        let home = check(&installed(&[])).unwrap();
        assert_eq!((home.python, home.notes.len()), ("/v/bin/python".into(), 0));
        let older = check(&installed(&[("uvicorn", Some("0.30.0"))])).unwrap();
        assert_eq!(
            older.notes,
            ["/v has uvicorn 0.30.0, the forecast is of 0.54.0"]
        );
        let lacks = check(&installed(&[("hypercorn", None)]))
            .unwrap_err()
            .to_string();
        assert!(lacks.contains("lacks hypercorn"), "{lacks}");
        assert!(lacks.contains("/v/bin/python -m pip install"), "{lacks}");
        let other = installed(&[])
            .check(path, &python("3.12.1"))
            .unwrap_err()
            .to_string();
        assert!(
            other.contains("Python 3.13.0") && other.contains("3.12.1"),
            "{other}"
        );
    }

    #[test]
    fn nothing_is_made_among_other_things() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path();
        assert!(!is_of_others(&path.join("new")) && !is_of_others(path));
        fs::write(path.join("notes.txt"), "mine").unwrap();
        assert!(is_of_others(path) && is_of_others(&path.join("notes.txt")));
        let said = ready(&python("3.13.0"), Some(path), &|_| ()).unwrap_err();
        assert!(said.to_string().contains("has no pyvenv.cfg"), "{said}");
        assert_eq!(fs::read_dir(path).unwrap().count(), 1);
        let file = path.join("notes.txt");
        let said = ready(&python("3.13.0"), Some(&file), &|_| ()).unwrap_err();
        assert!(said.to_string().contains("is no directory"), "{said}");
        fs::write(path.join("pyvenv.cfg"), "").unwrap();
        assert!(!is_of_others(path));
    }

    #[test]
    fn each_interpreter_has_a_place_of_its_own() {
        let names = ["3.13.0", "3.12.1"].map(|v| place(&python(v)));
        if let [Some(a), Some(b)] = &names {
            assert_ne!(a, b);
            assert!(
                a.to_string_lossy()
                    .ends_with("servers-3.13.0-opt_a_b_bin_python3"),
                "{a:?}"
            );
        }
    }
}
