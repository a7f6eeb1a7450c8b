//! What README and docs show is what the program does: every command is run, and where an output is shown it is compared.
//!
//! - A `console` block holds commands (`$ pchsim ...`) with their outputs, standard output and standard error as they come. A line
//!   `...` stands for any number of lines. `; echo $?` after a command shows its exit code; without it the command has to succeed.
//! - A `sh` block holds commands alone: they have to succeed, with as few simulations as can be.
//! - `<!-- file: NAME -->` above a block writes the block to that file, for the commands after it.
//! - What measures a machine (see [`MEASURES`]) is shown in `text` blocks and is not run here; the ignored test runs it to its end (.ci/real).
//!
//! Commands of a document are run in its order, in a directory of its own. `cargo xtask docs` writes the outputs
//! anew: before and after a `...` as many lines are kept as there were.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::{root, shell};

/// Commands whose output depends on the machine that they run on.
const MEASURES: [&str; 3] = ["calibrate", "verify", "record"];
/// What else depends on a measurement, or takes minutes (.ci/run compares docs/accuracy.md).
const ELSEWHERE: [&str; 3] = [
    "validate tests/data",
    "--interpreter my-python.ron",
    "p3.13.ron",
];

fn documents() -> Vec<PathBuf> {
    let docs = fs::read_dir(root().join("docs")).unwrap();
    let mut all: Vec<PathBuf> = docs.map(|e| e.unwrap().path()).collect();
    all.retain(|p| p.extension().is_some_and(|e| e == "md"));
    all.sort();
    all.insert(0, root().join("README.md"));
    all
}

/// A fenced block: where its lines are in the document, its language, and the file that it is written to.
struct Block<'t> {
    lines: std::ops::Range<usize>,
    kind: &'t str,
    file: Option<&'t str>,
}

fn blocks<'t>(lines: &[&'t str]) -> Vec<Block<'t>> {
    let mut found = Vec::new();
    let mut at = 0;
    while at < lines.len() {
        if let Some(kind) = lines[at].strip_prefix("```") {
            let length = lines[at + 1..].iter().position(|l| *l == "```");
            let end = at + 1 + length.unwrap_or_else(|| panic!("{}: no end", lines[at]));
            let before = lines[..at].iter().rev().find(|l| !l.trim().is_empty());
            let file = before.and_then(|l| l.strip_prefix("<!-- file: ")?.strip_suffix(" -->"));
            let lines = at + 1..end;
            found.push(Block { lines, kind, file });
            at = end;
        }
        at += 1;
    }
    found
}

/// Puts files that a command takes for granted (tests/data/documents) where it runs, unless an earlier command has made them.
fn provide(line: &str, dir: &Path) {
    for entry in fs::read_dir(root().join("tests/data/documents")).unwrap() {
        let from = entry.unwrap().path();
        let name = from.file_name().unwrap().to_string_lossy().into_owned();
        let to = dir.join(&name);
        if line.contains(&name) && !line.contains(&format!("-o {name}")) && !to.exists() {
            fs::copy(&from, to).unwrap();
        }
    }
}

/// Runs a command line of a document; what it prints, on both streams as they come, and its exit code.
fn run(line: &str, dir: &Path) -> (String, i32) {
    provide(line, dir);
    let output = tempfile::tempfile().unwrap();
    let status = shell(line, dir)
        .stdout(output.try_clone().unwrap())
        .stderr(output.try_clone().unwrap())
        .status()
        .unwrap();
    let mut text = String::new();
    let mut output = output;
    std::io::Seek::rewind(&mut output).unwrap();
    std::io::Read::read_to_string(&mut output, &mut text).unwrap();
    (text, status.code().unwrap_or(-1))
}

fn measures(command: &str) -> bool {
    // To learn from a trace is no measurement.
    let learns = command.contains(" --trace ") || command.contains(" --emit");
    !learns
        && MEASURES
            .iter()
            .any(|m| command.split(' ').nth(1) == Some(m))
}

/// Whether an output is what is shown, `...` standing for any lines.
fn matches(shown: &[&str], output: &[&str]) -> bool {
    match shown.split_first() {
        None => output.is_empty(),
        Some((&"...", rest)) => (0..=output.len()).any(|skipped| matches(rest, &output[skipped..])),
        Some((first, rest)) => output.first() == Some(first) && matches(rest, &output[1..]),
    }
}

/// The output as it is to be shown: left out is what was left out before. A part after a `...` begins at the line that is most like its first
/// one; the last part ends with the output.
fn elided<'t>(shown: &[&str], output: &[&'t str]) -> Vec<&'t str> {
    let parts: Vec<&[&str]> = shown.split(|l| *l == "...").collect();
    if parts.len() == 1 {
        return output.to_vec();
    }
    let (mut kept, mut at) = (Vec::new(), 0);
    for (i, part) in parts.iter().enumerate() {
        let last = i + 1 == parts.len();
        if let (true, Some(first)) = (i > 0, part.first()) {
            let like = |line: &&str| strsim::jaro_winkler(first, line);
            let best = (at..output.len()).max_by(|&a, &b| {
                like(&output[a])
                    .total_cmp(&like(&output[b]))
                    .then(b.cmp(&a))
            });
            at = best.unwrap_or(at);
        }
        let end = if last && !part.is_empty() {
            output.len()
        } else {
            (at + part.len()).min(output.len())
        };
        kept.extend_from_slice(&output[at..end]);
        at = end;
        if !last {
            kept.push("...");
        }
    }
    kept
}

/// Runs what a document shows; the document as it should be.
fn rerun(path: &Path) -> (String, String) {
    let text = fs::read_to_string(path).unwrap();
    let lines: Vec<&str> = text.lines().collect();
    let dir = tempfile::tempdir().unwrap();
    let (mut new, mut copied) = (Vec::<String>::new(), 0);
    for block in blocks(&lines) {
        let inner = &lines[block.lines.clone()];
        if let Some(name) = block.file {
            fs::write(dir.path().join(name), inner.join("\n") + "\n").unwrap();
        }
        match block.kind {
            "sh" => inner.iter().for_each(|l| succeeds(l, dir.path())),
            "console" => {
                new.extend(
                    lines[copied..block.lines.start]
                        .iter()
                        .map(ToString::to_string),
                );
                new.extend(shown_anew(inner, dir.path()));
                copied = block.lines.end;
            }
            _ => {}
        }
    }
    new.extend(lines[copied..].iter().map(ToString::to_string));
    (text.clone(), new.join("\n") + "\n")
}

/// Runs a command of which no output is shown.
fn succeeds(line: &str, dir: &Path) {
    let command = line.split(" #").next().unwrap_or(line).trim();
    let skipped = measures(command) || ELSEWHERE.iter().any(|e| command.contains(e));
    if !command.starts_with("pchsim ") || skipped {
        return;
    }
    // It is the command that is tried, so the fewest simulations will do.
    let simulates = ["pchsim run", "pchsim sweep"]
        .iter()
        .any(|c| command.starts_with(c));
    let few = if simulates { " --replications 1" } else { "" };
    let (output, code) = run(&format!("{command}{few}"), dir);
    assert_eq!(code, 0, "{command}\n{output}");
}

/// A `console` block with the outputs of now, or as they are where they match.
fn shown_anew(block: &[&str], dir: &Path) -> Vec<String> {
    let mut new = Vec::new();
    let mut at = 0;
    while at < block.len() {
        let line = block[at]
            .strip_prefix("$ ")
            .unwrap_or_else(|| panic!("no command: {}", block[at]));
        let end = block[at + 1..].iter().position(|l| l.starts_with("$ "));
        let end = end.map_or(block.len(), |n| at + 1 + n);
        let shown = &block[at + 1..end];
        let (output, code) = run(line, dir);
        assert_eq!(code, 0, "{line}\n{output}");
        let output: Vec<&str> = output.lines().collect();
        new.push(block[at].to_owned());
        if matches(shown, &output) {
            new.extend(shown.iter().map(ToString::to_string));
        } else {
            new.extend(elided(shown, &output).iter().map(ToString::to_string));
        }
        at = end;
    }
    new
}

#[test]
fn outputs_in_documents_are_those_of_the_commands() {
    let update = std::env::var("PCHSIM_DOCS").is_ok_and(|v| v == "update");
    let mut shown = 0;
    for path in documents() {
        let (old, new) = rerun(&path);
        shown += old.matches("\n$ pchsim").count();
        if update && old != new {
            fs::write(&path, new).unwrap();
            continue;
        }
        let differs = old.lines().zip(new.lines()).find(|(o, n)| o != n);
        assert!(
            old == new,
            "{}: outputs are no longer those of the commands, first here:\n- {}\n+ {}\ncargo xtask docs writes them anew",
            path.display(),
            differs.map_or("", |d| d.0),
            differs.map_or("", |d| d.1)
        );
    }
    assert!(shown >= 8, "{shown} outputs");
}

/// Commands that measure: run to their end, with as little work as they allow. On a real machine only (.ci/real).
#[test]
#[ignore = "measures this machine, for minutes"]
fn commands_that_measure_come_to_their_end() {
    for path in documents() {
        let text = fs::read_to_string(&path).unwrap();
        let lines: Vec<&str> = text.lines().collect();
        let dir = tempfile::tempdir().unwrap();
        for block in blocks(&lines) {
            let inner = &lines[block.lines.clone()];
            if let Some(name) = block.file {
                fs::write(dir.path().join(name), inner.join("\n") + "\n").unwrap();
            }
            for line in inner {
                let line = line.strip_prefix("$ ").unwrap_or(line);
                let command = line.split(" #").next().unwrap_or(line).trim();
                if !command.starts_with("pchsim ") || !measures(command) {
                    continue;
                }
                let less = match command.split(' ').nth(1) {
                    Some("calibrate") => " --quick --force",
                    Some("verify") if !command.contains("--runs") => " --runs 1",
                    _ => "",
                };
                let python = command
                    .replace(" 3.13 ", " python3 ")
                    .replace("-- python ", "-- python3 ");
                let (output, code) = run(&format!("{python}{less}"), dir.path());
                assert_eq!(code, 0, "{command}\n{output}");
            }
        }
    }
}

#[test]
fn what_is_left_out_is_left_out_again() {
    let shown = ["a 1", "...", "c 1", "d 1", "...", "z"];
    let output = ["a 2", "b 2", "c 2", "d 2", "e 2", "z"];
    assert!(matches(&shown, &["a 1", "b", "c 1", "d 1", "z"]));
    assert!(!matches(&shown, &output));
    assert_eq!(
        elided(&shown, &output),
        ["a 2", "...", "c 2", "d 2", "...", "z"]
    );
    assert_eq!(elided(&["a 1", "..."], &output), ["a 2", "..."]);
}
