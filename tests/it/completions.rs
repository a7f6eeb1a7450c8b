//! The scripts of `pchsim completions` in real shells, with real keys: what Tab makes of a line. A shell that is not installed is not
//! tried, and the test says so.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

use crate::world::{World, root, started_in, told, tool};

fn script(shell: &str) -> String {
    told(started_in(root()).args(["completions", shell]), 0).out
}

/// A directory with the script, a scenario of the user's, and a file that is none.
fn workplace(shell: &str) -> (World, PathBuf) {
    let world = World::new();
    for name in ["mine.ron", "my own.ron", "notes.txt"] {
        world.write(name, "");
    }
    world.write(".script", script(shell));
    let file = world.path(".script");
    (world, file)
}

#[expect(clippy::print_stderr, reason = "a test that is skipped says so")]
fn on_path(program: &str) -> bool {
    let found = std::env::split_paths(&std::env::var_os("PATH").unwrap_or_default())
        .any(|d| d.join(program).is_file());
    if !found {
        eprintln!("not tried: there is no {program}");
    }
    found
}

/// A shell, or what starts one on a terminal that can do nothing special.
fn shell(program: &str, world: &World) -> Command {
    let mut command = tool(program, world.dir());
    command.env("TERM", "dumb");
    command
}

/// What a line becomes by the Tab in it, as the words that the program would get.
const LINES: [(&str, &str); 13] = [
    ("pchsim comple\t zsh", "<completions><zsh>"),
    (
        "pchsim advise --workload hyb\t",
        "<advise><--workload><hybrid>",
    ),
    (
        "pchsim advise --current asyncio+p\t",
        "<advise><--current><asyncio+processes>",
    ),
    ("pchsim run scrap\t --seed 2", "<run><scraper><--seed><2>"),
    ("pchsim run min\t", "<run><mine.ron>"),
    ("pchsim run my\t", "<run><my own.ron>"),
    ("pchsim run note\t", "<run><note>"),
    (
        "pchsim run a.ron --strategy threads:p\t",
        "<run><a.ron><--strategy><threads:per-task>",
    ),
    (
        "pchsim run a --strategy=pool:4:s\t",
        "<run><a><--strategy=pool:4:spawn>",
    ),
    (
        "pchsim run a --strategy asyncio@cpython-3.14t\t",
        "<run><a><--strategy><asyncio@cpython-3.14t>",
    ),
    (
        "pchsim run a --strategy threads:8@cpython-3.11\t",
        "<run><a><--strategy><threads:8@cpython-3.11>",
    ),
    ("pchsim init scrap\t", "<init><scraper>"),
    ("pchsim run a --forma\t md", "<run><a><--format><md>"),
];

/// Words that have been quoted so far: bash alone hands them over as they are typed.
const QUOTED: [(&str, &str); 2] = [
    ("pchsim run my\\ o\t", "<run><my own.ron>"),
    ("pchsim run 'my o\t", "<run><my own.ron>"),
];

/// Types these lines into an interactive shell, and gives what it showed.
fn typed(shell: &mut Command, setup: &str, lines: &[(&str, &str)]) -> String {
    let mut child = shell
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut keys = format!("{setup}\n");
    for (line, _) in lines {
        keys += &format!("{line}\n");
    }
    keys += "exit\n";
    child
        .stdin
        .take()
        .unwrap()
        .write_all(keys.as_bytes())
        .unwrap();
    let output = child.wait_with_output().unwrap();
    String::from_utf8_lossy(&output.stdout).into_owned()
}

/// What is typed first: the script, and a pchsim that shows its words instead of running them.
fn shown(file: &Path) -> String {
    let file = file.display();
    format!(
        "source '{file}'; pchsim() {{ if [[ -n $PCHSIM_COMPLETE ]]; then command pchsim \"$@\"; else printf '<%s>' \"$@\"; echo; fi; }}"
    )
}

fn check(shell: &str, shown: &str, lines: &[(&str, &str)]) {
    let shown = shown.replace('\r', "");
    for (line, words) in lines {
        assert!(
            shown.lines().any(|l| l == *words),
            "{shell}: {line:?} is not {words}:\n{shown}"
        );
    }
}

#[test]
fn in_bash() {
    if !on_path("bash") || !on_path("script") {
        return;
    }
    let (world, file) = workplace("bash");
    let mut command = shell("timeout", &world);
    command.args([
        "60",
        "script",
        "-qec",
        "bash --noprofile --norc -i",
        "/dev/null",
    ]);
    let lines = [&LINES[..], &QUOTED].concat();
    check("bash", &typed(&mut command, &shown(&file), &lines), &lines);
}

#[test]
fn in_zsh() {
    if !on_path("zsh") || !on_path("script") {
        return;
    }
    let (world, file) = workplace("zsh");
    let mut command = shell("timeout", &world);
    command.args(["60", "script", "-qec", "zsh -f -i", "/dev/null"]);
    let setup = format!("autoload -U compinit; compinit -u -D; {}", shown(&file));
    check("zsh", &typed(&mut command, &setup, &LINES), &LINES);
}

/// As a function on the `fpath`, as distributions install it: the very first Tab completes.
#[test]
fn in_zsh_from_its_functions() {
    if !on_path("zsh") || !on_path("script") {
        return;
    }
    let (world, file) = workplace("zsh");
    let functions = world.path("functions");
    std::fs::create_dir(&functions).unwrap();
    std::fs::rename(&file, functions.join("_pchsim")).unwrap();
    world.write("empty", "");
    let empty = world.path("empty");
    let mut command = shell("timeout", &world);
    command.args(["60", "script", "-qec", "zsh -f -i", "/dev/null"]);
    let setup = format!(
        "fpath=('{}' $fpath); autoload -U compinit; compinit -u -D; {}",
        functions.display(),
        shown(&empty)
    );
    check("zsh", &typed(&mut command, &setup, &LINES), &LINES);
}

#[test]
fn in_fish() {
    if !on_path("fish") {
        return;
    }
    let (world, file) = workplace("fish");
    for (line, words) in LINES {
        let (before, _) = line.split_once('\t').unwrap();
        let query = format!(
            "source '{}'; complete --do-complete '{before}'",
            file.display()
        );
        let output = shell("fish", &world)
            .args(["--no-config", "--command", &query])
            .output()
            .unwrap();
        let given = String::from_utf8(output.stdout).unwrap();
        let given: Vec<&str> = given
            .lines()
            .map(|l| l.split('\t').next().unwrap_or_default())
            .collect();
        // What is to come of it is the only proposal, or the line has none.
        let at = before.split(' ').count() - 2;
        let word = words.trim_matches(['<', '>']).split("><").nth(at).unwrap();
        let typed = before.rsplit(' ').next().unwrap();
        let right = given == [word] || (given.is_empty() && word == typed);
        assert!(right, "fish: {before:?} is not {word}: {given:?}");
    }
}

/// PowerShell and Elvish are not tried: their scripts are clap's.
#[test]
fn every_shell_has_a_script() {
    for name in ["bash", "zsh", "fish", "powershell", "elvish"] {
        let text = script(name);
        assert!(text.contains("PCHSIM_COMPLETE"), "{name}: {text}");
    }
    let said = told(started_in(root()).args(["completions", "tcsh"]), 2).err;
    assert!(said.contains("bash, zsh, fish"), "{said}");
}

/// What a shell is answered that the program does not know, or when it asks for nothing that there is.
#[test]
fn questions_without_an_answer_end_well() {
    let ask = |shell: &str, words: &[&str], code| {
        let mut command = started_in(root());
        command
            .env("PCHSIM_COMPLETE", shell)
            .env("_CLAP_COMPLETE_INDEX", (words.len().max(1) - 1).to_string())
            .arg("--")
            .args(words);
        told(&mut command, code)
    };
    let unknown = ask("tcsh", &["pchsim", ""], 2);
    assert!(unknown.err.contains("unknown shell"), "{unknown:?}");
    let nothing = ask("bash", &["pchsim", "run", "nosuch"], 0);
    assert_eq!(nothing.out, "");
    // Not a question: the variable is empty.
    let usual = told(started_in(root()).env("PCHSIM_COMPLETE", "").arg("-V"), 0);
    assert!(usual.out.starts_with("pchsim "), "{usual:?}");
}
