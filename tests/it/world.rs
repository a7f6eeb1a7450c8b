//! The world in which tests run programs: of the environment that the tests happen to run in there is what is named here, and nothing
//! else. A `CI` alone gives colours to a terminal, a `COLUMNS` breaks lines, a `PCHSIM_PROFILES` adds interpreters.

use std::ffi::OsStr;
use std::fs;
#[cfg(unix)]
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

use pchsim::host::{self, Interpreter};
use serde_json::Value;
use tempfile::TempDir;

/// The program that is tested.
const PROGRAM: &str = env!("CARGO_BIN_EXE_pchsim");

/// What is the same as outside: where programs and their libraries are found, where temporary files go, where coverage is counted;
/// and without what no program starts on Windows.
const KEPT: [&str; 11] = [
    "PATH",
    "LD_LIBRARY_PATH",
    "TMPDIR",
    "LLVM_PROFILE_FILE",
    "TEMP",
    "TMP",
    "SystemRoot",
    "SystemDrive",
    "windir",
    "ComSpec",
    "PATHEXT",
];

/// Where the sources are, with the data that tests are about.
pub(crate) fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

/// The program's file.
pub(crate) fn program() -> &'static Path {
    Path::new(PROGRAM)
}

/// A command in this directory, with no more of the environment than is named. The directory is home, unless the sources are in it.
fn in_world(mut command: Command, dir: &Path) -> Command {
    let home = if dir == root() {
        Path::new(env!("CARGO_TARGET_TMPDIR"))
    } else {
        dir
    };
    let kept = KEPT.into_iter();
    let kept = kept.filter_map(|name| Some((name, std::env::var_os(name)?)));
    command
        .env_clear()
        .envs(kept)
        .env("LANG", "C.UTF-8")
        .env("HOME", home)
        .env("USERPROFILE", home)
        .current_dir(dir)
        .stdin(Stdio::null());
    command
}

/// Another program in this directory. It finds the tested one on its PATH.
pub(crate) fn tool(name: impl AsRef<OsStr>, dir: &Path) -> Command {
    let own = program().parent().unwrap().to_owned();
    let others = std::env::var_os("PATH").unwrap_or_default();
    let path = std::env::join_paths(std::iter::once(own).chain(std::env::split_paths(&others)));
    let mut command = in_world(Command::new(name), dir);
    command.env("PATH", path.unwrap());
    command
}

/// A line of a shell's in this directory.
pub(crate) fn shell(line: &str, dir: &Path) -> Command {
    let mut command = tool("sh", dir);
    command.args(["-c", line]);
    command
}

/// The program in this directory, to be started by whoever asks.
pub(crate) fn started_in(dir: &Path) -> Command {
    in_world(Command::new(PROGRAM), dir)
}

/// The same, to be run and asked what came of it.
pub(crate) fn pchsim_in(dir: impl AsRef<Path>) -> assert_cmd::Command {
    assert_cmd::Command::from_std(started_in(dir.as_ref()))
}

/// The program where the sources are.
pub(crate) fn pchsim() -> assert_cmd::Command {
    pchsim_in(root())
}

/// A program of these lines. Another process writes it: where this one did, a child that another test starts at this moment would hold the
/// file open for writing, and a file that is written to cannot be run.
#[cfg(unix)]
pub(crate) fn script(path: &Path, text: &str) {
    let line = "cat >\"$0\" && chmod 755 \"$0\"";
    let mut writer = shell(line, path.parent().unwrap());
    let mut writer = writer.arg(path).stdin(Stdio::piped()).spawn().unwrap();
    let mut input = writer.stdin.take().unwrap();
    input.write_all(text.as_bytes()).unwrap();
    drop(input);
    assert!(writer.wait().unwrap().success(), "{}", path.display());
}

/// The Python that the program takes by itself in this world; where there is none the test says so and is done.
#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
pub(crate) fn python() -> Option<Interpreter> {
    // What tests run themselves is guarded as the program's runs are: the first that says so says it for all.
    host::guard_with(program().to_owned());
    let found = host::find("python3");
    if let Err(e) = &found {
        eprintln!("skipped: {e}");
    }
    found.ok()
}

/// What a program has said, and the code that it ended with.
#[derive(Debug)]
pub(crate) struct Said {
    /// Of its own accord; not where a signal ended it.
    pub(crate) code: Option<i32>,
    /// Standard output.
    pub(crate) out: String,
    /// Standard error.
    pub(crate) err: String,
}

impl From<Output> for Said {
    fn from(output: Output) -> Self {
        let text = |bytes| String::from_utf8(bytes).expect("a program speaks UTF-8");
        Self {
            code: output.status.code(),
            out: text(output.stdout),
            err: text(output.stderr),
        }
    }
}

impl Said {
    /// The result that was asked for as JSON.
    pub(crate) fn json(&self) -> Value {
        serde_json::from_str(&self.out).unwrap_or_else(|e| panic!("{e}: {self:?}"))
    }
}

/// A text in one line, with single blanks.
pub(crate) fn words(text: &str) -> String {
    text.split_whitespace().collect::<Vec<_>>().join(" ")
}

/// A directory of a test's own, which is the home of who runs the program in it.
pub(crate) struct World(TempDir);

impl World {
    /// An empty one.
    pub(crate) fn new() -> Self {
        Self(TempDir::new().unwrap())
    }

    /// One with this file in it.
    pub(crate) fn with(name: &str, text: impl AsRef<[u8]>) -> Self {
        let world = Self::new();
        world.write(name, text);
        world
    }

    /// Where it is.
    pub(crate) fn dir(&self) -> &Path {
        self.0.path()
    }

    /// Where a file of it is.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir().join(name)
    }

    /// Writes a file, and makes the directories that it is in.
    pub(crate) fn write(&self, name: &str, text: impl AsRef<[u8]>) {
        let path = self.path(name);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, text).unwrap();
    }

    /// What a file holds.
    pub(crate) fn bytes(&self, name: &str) -> Vec<u8> {
        fs::read(self.path(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
    }

    /// The same as text.
    pub(crate) fn read(&self, name: &str) -> String {
        String::from_utf8(self.bytes(name)).unwrap()
    }

    /// The program with the words of this line, to be started by whoever asks.
    pub(crate) fn command(&self, line: &str) -> Command {
        let mut command = started_in(self.dir());
        command.args(line.split_whitespace());
        command
    }

    /// What comes of a line.
    pub(crate) fn run(&self, line: &str) -> Said {
        self.command(line).output().unwrap().into()
    }

    /// What a line says that must end with this code.
    pub(crate) fn told(&self, line: &str, code: i32) -> Said {
        told(&mut self.command(line), code)
    }
}

/// What a command says that must end with this code.
pub(crate) fn told(command: &mut Command, code: i32) -> Said {
    let said = Said::from(command.output().unwrap());
    assert_eq!(said.code, Some(code), "{command:?}: {said:?}");
    said
}

/// Whatever tests start is started here: another way in would bring the environment of whoever runs them.
#[test]
fn nothing_is_started_outside_this_world() {
    let mut open = vec![root().join("tests/it")];
    let mut files = 0;
    while let Some(dir) = open.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                open.push(path);
                continue;
            }
            if path.extension().is_none_or(|e| e != "rs") || path.ends_with(file!()) {
                continue;
            }
            files += 1;
            let text = fs::read_to_string(&path).unwrap();
            for way in [
                "CARGO_BIN_EXE",
                "cargo_bin",
                "Command::new",
                "CommandCargoExt",
            ] {
                assert!(!text.contains(way), "{}: {way}", path.display());
            }
        }
    }
    assert!(files > 60, "{files} files of tests");
}
