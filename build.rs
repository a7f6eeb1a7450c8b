//! Tells the program which commit and target it is built from, for `pchsim --version`. Results never say either: the same version gives
//! the same bytes, whatever it was built on.
//!
//! `PCHSIM_BUILT_FROM` is one of
//!
//! - `commit 0123456789ab`: sources of that commit, by git or by what cargo has written into a package;
//! - `commit 0123456789ab with changes`: what is compiled differs from it;
//! - `commit unknown`: an archive of sources without either;
//! - `debug build`: whatever the commit. It would have to be compiled anew after each one.

use std::path::Path;
use std::process::Command;

/// What is compiled, beside the dependencies that the lock file pins.
const COMPILED: [&str; 6] = [
    "Cargo.toml",
    "Cargo.lock",
    "build.rs",
    "src",
    "profiles",
    "scenarios",
];
/// Digits of a commit that are shown.
const SHOWN: usize = 12;

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let variable = |name: &str| std::env::var(name).unwrap_or_default();
    println!("cargo::rustc-env=PCHSIM_TARGET={}", variable("TARGET"));
    let built_from = if variable("PROFILE") == "debug" {
        "debug build".to_owned()
    } else {
        packaged()
            .or_else(checked_out)
            .unwrap_or_else(|| "commit unknown".to_owned())
    };
    println!("cargo::rustc-env=PCHSIM_BUILT_FROM={built_from}");
}

fn told(commit: &str, changed: bool) -> Option<String> {
    let digits = commit.get(..SHOWN)?;
    let hexadecimal = digits.bytes().all(|b| b.is_ascii_hexdigit());
    let changes = if changed { " with changes" } else { "" };
    hexadecimal.then(|| format!("commit {digits}{changes}"))
}

/// By the note that `cargo package` leaves. It comes first: a package may be unpacked within another project's repository.
fn packaged() -> Option<String> {
    let note = ".cargo_vcs_info.json";
    if !Path::new(note).exists() {
        return None;
    }
    println!("cargo::rerun-if-changed={note}");
    let text = std::fs::read_to_string(note).ok()?;
    let (_, commit) = text.split_once("\"sha1\": \"")?;
    told(commit, text.contains("\"dirty\": true"))
}

/// By the repository whose top these sources are.
fn checked_out() -> Option<String> {
    let top = git(&["rev-parse", "--show-toplevel"])?;
    if Path::new(&top).canonicalize().ok()? != Path::new(".").canonicalize().ok()? {
        return None;
    }
    // Another commit is another HEAD, or another value of the branch that it names. A missing file would have this run at each build.
    let branch = git(&["symbolic-ref", "--quiet", "HEAD"]);
    for name in ["HEAD", "packed-refs"].into_iter().chain(branch.as_deref()) {
        let file = git(&["rev-parse", "--git-path", name])?;
        if Path::new(&file).exists() {
            println!("cargo::rerun-if-changed={file}");
        }
    }
    for path in COMPILED {
        println!("cargo::rerun-if-changed={path}");
    }
    let commit = git(&["rev-parse", "HEAD"])?;
    let mut status = vec!["--no-optional-locks", "status", "--porcelain", "--"];
    status.extend(COMPILED);
    told(&commit, !git(&status)?.is_empty())
}

/// What git answers, if there is one and it does.
fn git(words: &[&str]) -> Option<String> {
    let mut command = Command::new("git");
    command.args(words);
    // Within a hook these name the repository that the hook is of.
    for variable in ["GIT_DIR", "GIT_WORK_TREE", "GIT_INDEX_FILE"] {
        command.env_remove(variable);
    }
    let output = command.output().ok().filter(|o| o.status.success())?;
    let text = String::from_utf8(output.stdout).ok()?;
    Some(text.trim_end().to_owned())
}
