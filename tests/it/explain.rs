//! `pchsim explain`: every explanation's example is run. It triggers its code and no other, the program says what is shown, and what is
//! mended is free of it. `cargo xtask docs` writes the outputs, and the tables of the documents, anew.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;

use pchsim::insight::{InsightCode, insights};
use pchsim::report::{CodeEntry, CodeKind, codes};
use pchsim::result::{Saved, read};
use rayon::prelude::*;

use crate::world::{self, root};

/// Columns of what is shown: with what stands before it a terminal of eighty has room for it.
const COLUMNS: &str = "76";

fn updates() -> bool {
    std::env::var("PCHSIM_DOCS").is_ok_and(|v| v == "update")
}

/// Where an explanation is written.
fn file_of(entry: &CodeEntry) -> PathBuf {
    let room = match entry.said {
        CodeKind::Error | CodeKind::Warning => "src/syntax",
        CodeKind::Doubt | CodeKind::Note => "src/study",
        CodeKind::Insight => "src/insight",
    };
    root()
        .join(room)
        .join("explain")
        .join(format!("{}.md", entry.code))
}

/// Runs a command line as a shell does, with both streams in one file if `together`.
fn shell(line: &str, dir: &Path, together: bool) -> Output {
    let line = if together {
        format!("{{ {line}; }} 2>&1")
    } else {
        line.to_owned()
    };
    let mut command = world::shell(&line, dir);
    command.env("COLUMNS", COLUMNS).output().unwrap()
}

/// An explanation's example.
#[derive(Default)]
struct Example {
    /// Names and texts.
    files: Vec<(String, String)>,
    /// The command that is said something about, and the lines that are shown of what it says.
    command: String,
    shown: Vec<String>,
    /// Lines of the last file that go, and that come instead.
    diff: Vec<(Vec<String>, Vec<String>)>,
    /// The command that is right, where it is another one.
    mended: Option<String>,
}

impl Example {
    fn of(entry: &CodeEntry) -> Self {
        let mut out = Self::default();
        let mut name = None;
        let mut lines = entry.explanation.lines();
        while let Some(line) = lines.next() {
            if let Some(file) = line.strip_prefix("<!-- file: ") {
                name = file.strip_suffix(" -->");
            }
            let Some(kind) = line.strip_prefix("```") else {
                continue;
            };
            let block: Vec<String> = lines
                .by_ref()
                .take_while(|l| *l != "```")
                .map(str::to_owned)
                .collect();
            match kind {
                "console" => {
                    let command = block[0].strip_prefix("$ ").expect("a command");
                    assert!(out.command.is_empty(), "{}: two commands", entry.code);
                    command.clone_into(&mut out.command);
                    out.shown = block[1..].to_vec();
                }
                "diff" => {
                    for line in &block {
                        let (sign, text) = line.split_at(1);
                        match sign {
                            "-" => out.diff.push((vec![text.into()], Vec::new())),
                            "+" => out
                                .diff
                                .last_mut()
                                .expect("a line that goes")
                                .1
                                .push(text.into()),
                            _ => panic!("{}: {line}", entry.code),
                        }
                    }
                }
                "sh" => out.mended = Some(block.join("\n")),
                _ => {
                    let name = name.take().expect("a file's name above its text");
                    out.files.push((name.to_owned(), block.join("\n") + "\n"));
                }
            }
        }
        assert!(!out.command.is_empty(), "{}: no command", entry.code);
        out
    }

    /// Writes the files, as they are or mended.
    fn write(&self, dir: &Path, mended: bool) {
        let last = self.files.len().saturating_sub(1);
        for (i, (name, text)) in self.files.iter().enumerate() {
            let mut text = text.clone();
            if mended && i == last {
                for (gone, instead) in &self.diff {
                    let (gone, instead) = (gone.join("\n") + "\n", instead.join("\n") + "\n");
                    assert_eq!(text.matches(&gone).count(), 1, "{gone} in\n{text}");
                    text = text.replace(&gone, &instead);
                }
            }
            fs::write(dir.join(name), text).unwrap();
        }
    }
}

/// A profile of which nothing was measured, for the example that needs one.
fn write_guess(dir: &Path) {
    let profile = fs::read_to_string(root().join("profiles/cpython-3.14.ron")).unwrap();
    let guessed = profile
        .lines()
        .map(|line| match line.split_once(", tag: ") {
            Some((before, _)) => format!("{before}, tag: Default),\n"),
            None => format!("{line}\n"),
        });
    fs::write(dir.join("guess.ron"), guessed.collect::<String>()).unwrap();
}

/// The codes in what a command says, and whether it succeeds; of a sweep the sentence of the code that is asked for as well.
fn said(entry: &CodeEntry, command: &str, dir: &Path) -> (BTreeSet<String>, bool, Option<String>) {
    let texts = |of: &serde_json::Value| -> BTreeSet<String> {
        let all = of.as_array().unwrap().iter();
        all.map(|d| d["code"].as_str().unwrap().to_owned())
            .collect()
    };
    if entry.said == CodeKind::Insight {
        let output = shell(&format!("{command} -o said.jsonl --force"), dir, false);
        let text = fs::read_to_string(dir.join("said.jsonl"));
        let text = text.unwrap_or_else(|e| panic!("{command}: {e}\n{output:?}"));
        let Ok(Saved::Sweep(sweep)) = read(&text, "said.jsonl") else {
            panic!("{command}: no sweep")
        };
        let all = insights(&sweep);
        let sentence = all.iter().find(|i| i.code() == entry.code);
        let sentence = sentence.map(pchsim::insight::Insight::text);
        let codes = all.iter().map(|i| i.code().to_owned()).collect();
        return (codes, output.status.success(), sentence);
    }
    let output = shell(&format!("{command} --format json"), dir, false);
    let text = String::from_utf8(output.stdout.clone()).unwrap();
    // What another command before it says is no document.
    let json = &text[text
        .find('{')
        .unwrap_or_else(|| panic!("{command}: {output:?}"))..];
    let json: serde_json::Value = serde_json::from_str(json).unwrap();
    let codes = if matches!(entry.said, CodeKind::Error | CodeKind::Warning) {
        let all = &json["files"][0]["diagnostics"];
        let severities = all.as_array().unwrap().iter();
        let mut severities = severities.map(|d| d["severity"].as_str().unwrap());
        assert!(
            severities.all(|s| s == entry.said.word()),
            "{}: {all}",
            entry.code
        );
        texts(all)
    } else {
        let notes = json["warnings"].as_array().unwrap().iter();
        let mut notes = notes.map(|w| w["note"].as_bool().unwrap());
        assert!(
            notes.all(|n| n == (entry.said == CodeKind::Note)),
            "{}: {json}",
            entry.code
        );
        texts(&json["warnings"])
    };
    (codes, output.status.success(), None)
}

/// What is shown of a text report: the lines of a sentence, which begins so or is this one.
fn excerpt(output: &str, begins: &str, whole: Option<&str>) -> Vec<String> {
    let lines: Vec<&str> = output.lines().collect();
    let inner = |l: &str| l.trim_start().trim_start_matches("- ").to_owned();
    let found = (0..lines.len()).find_map(|i| match whole {
        Some(sentence) => (i..lines.len().min(i + 8)).find_map(|j| {
            let joined: Vec<String> = lines[i..=j].iter().map(|l| inner(l)).collect();
            (joined.join(" ") == sentence).then(|| i..j + 1)
        }),
        None if lines[i].starts_with(begins) => {
            let more = lines[i + 1..].iter().take_while(|l| l.starts_with("  "));
            Some(i..i + 1 + more.count())
        }
        None => None,
    });
    let found = found.unwrap_or_else(|| panic!("no {begins} {whole:?} in\n{output}"));
    let shown = lines[found].iter().map(|l| (*l).to_owned());
    let dots = || std::iter::once("...".to_owned());
    dots().chain(shown).chain(dots()).collect()
}

/// Runs an explanation's example; what is wrong with it.
fn problem(entry: &CodeEntry) -> Option<String> {
    let example = Example::of(entry);
    let dir = tempfile::tempdir().unwrap();
    let dir = dir.path();
    if entry.code == "estimated-profile" {
        write_guess(dir);
    }
    example.write(dir, false);
    let (found, succeeds, sentence) = said(entry, &example.command, dir);
    let alone = entry.said == CodeKind::Insight || found.len() == 1;
    if !found.contains(entry.code) || !alone {
        return Some(format!(
            "{}: `{}` says {found:?}",
            entry.code, example.command
        ));
    }
    if succeeds == (entry.said == CodeKind::Error) {
        return Some(format!(
            "{}: exit code of `{}`",
            entry.code, example.command
        ));
    }
    let output = shell(&example.command, dir, true).stdout;
    let output = String::from_utf8(output).unwrap();
    let shown = match entry.said {
        // But for the line that leads to this very explanation.
        CodeKind::Error | CodeKind::Warning => {
            let hint = format!("`pchsim explain {}` says more", entry.code);
            assert!(output.lines().any(|l| l == hint), "{output}");
            let kept = output.lines().filter(|l| *l != hint);
            kept.map(|l| l.trim_end().to_owned()).collect()
        }
        CodeKind::Doubt | CodeKind::Note | CodeKind::Insight => {
            let begins = format!("{}[{}]: ", entry.said.word(), entry.code);
            excerpt(&output, &begins, sentence.as_deref())
        }
    };
    if shown != example.shown {
        let text = fs::read_to_string(file_of(entry)).unwrap();
        let block = |lines: &[String]| {
            let lines: String = lines.iter().flat_map(|l| [l, "\n"]).collect();
            format!("```console\n$ {}\n{lines}```\n", example.command)
        };
        let (old, new) = (block(&example.shown), block(&shown));
        if !updates() {
            return Some(format!(
                "{}: shown is\n{old}said is\n{new}cargo xtask docs writes it anew",
                entry.code
            ));
        }
        assert_eq!(text.matches(&old).count(), 1, "{}", entry.code);
        fs::write(file_of(entry), text.replace(&old, &new)).unwrap();
    }
    // What stands out in a sweep is nothing to mend.
    if entry.said == CodeKind::Insight {
        return None;
    }
    if example.diff.is_empty() && example.mended.is_none() {
        return Some(format!("{}: nothing is mended", entry.code));
    }
    example.write(dir, true);
    let command = example.mended.as_ref().unwrap_or(&example.command);
    let (found, succeeds, _) = said(entry, command, dir);
    (!found.is_empty() || !succeeds)
        .then(|| format!("{}, mended: `{command}` says {found:?}", entry.code))
}

#[test]
fn every_example_says_what_is_shown_and_is_mended() {
    let all = codes();
    let problems: Vec<String> = all.par_iter().filter_map(problem).collect();
    assert!(problems.is_empty(), "{}", problems.join("\n\n"));
}

/// A table of a document: what stands between its heading and the next empty line is these rows.
fn holds_table(document: &str, heading: &str, rows: &[String]) {
    let path = root().join(document);
    let text = fs::read_to_string(&path).unwrap();
    let (before, rest) = text
        .split_once(&format!("{heading}\n"))
        .unwrap_or_else(|| panic!("{document} has no {heading}"));
    let end = rest.find("\n\n").map_or(rest.len(), |i| i + 1);
    let (old, after) = rest.split_at(end);
    let columns = heading.matches('|').count() - 1;
    let new = format!("|{}\n{}\n", " --- |".repeat(columns), rows.join("\n"));
    if updates() && old != new {
        fs::write(&path, format!("{before}{heading}\n{new}{after}")).unwrap();
    } else {
        assert!(
            old == new,
            "{document}: the table of codes is no longer right; cargo xtask docs writes it anew"
        );
    }
}

#[test]
fn tables_of_documents_hold_every_code() {
    let all = codes();
    let of = |said: &'static [CodeKind]| all.iter().filter(|e| said.contains(&e.said));
    let problems = of(&[CodeKind::Error, CodeKind::Warning]);
    let row = |e: &CodeEntry| format!("| `{}` | {} | {} |", e.code, e.said.word(), e.meaning);
    let rows: Vec<String> = problems.map(row).collect();
    holds_table(
        "docs/scenario-format.md",
        "| code | kind | meaning |",
        &rows,
    );
    let rows: Vec<String> = of(&[CodeKind::Doubt, CodeKind::Note]).map(row).collect();
    holds_table(
        "docs/output-format.md",
        "| `code` | kind | meaning |",
        &rows,
    );
    let text = fs::read_to_string(root().join("docs/sweeps.md")).unwrap();
    for code in InsightCode::ALL {
        let quoted = format!("(`{code}`)");
        assert!(
            text.contains(&quoted),
            "docs/sweeps.md does not mention {quoted}"
        );
    }
}

/// What the program prints, on both streams, and its exit code.
fn pchsim(line: &str) -> (String, String, i32) {
    let said = world::Said::from(shell(&format!("pchsim {line}"), root(), false));
    (said.out, said.err, said.code.unwrap())
}

#[test]
fn all_codes_are_listed() {
    let (list, said, code) = pchsim("explain");
    assert_eq!((said.as_str(), code), ("", 0));
    for e in codes() {
        let listed = list
            .lines()
            .any(|l| l.split_whitespace().next() == Some(e.code));
        assert!(listed, "{} in\n{list}", e.code);
    }
    let narrow = pchsim("explain --width 40").0;
    assert!(narrow.lines().all(|l| l.chars().count() <= 40), "{narrow}");
    insta::assert_snapshot!(list);
}

#[test]
fn a_code_is_found_as_it_stands_in_a_message() {
    let (text, said, code) = pchsim("explain missing-field");
    assert_eq!((said.as_str(), code), ("", 0));
    insta::assert_snapshot!(text);
    for form in [
        "'error[missing-field]'",
        "Missing_Field",
        "'error[missing-field]: absent'",
    ] {
        assert_eq!(pchsim(&format!("explain {form}")).0, text, "{form}");
    }
    let (text, ..) = pchsim("explain 'out of memory'");
    assert!(text.starts_with("warning[out-of-memory]: "), "{text}");
}

#[test]
fn what_is_no_code_is_answered() {
    for (given, answer) in [
        (
            "limt",
            "error: `limt` is no code of this program; did you mean `limit`? `pchsim explain` lists all",
        ),
        (
            "zzzzzz",
            "error: `zzzzzz` is no code of this program; `pchsim explain` lists all",
        ),
        (
            "''",
            "error: `` is no code of this program; `pchsim explain` lists all",
        ),
    ] {
        let (text, said, code) = pchsim(&format!("explain {given}"));
        let joined: Vec<&str> = said.lines().map(str::trim).collect();
        assert_eq!(
            (text.as_str(), joined.join(" ").as_str(), code),
            ("", answer, 2)
        );
    }
}

#[test]
fn problems_of_a_scenario_lead_to_their_explanations() {
    let hints = |line: &str| {
        let (_, said, _) = pchsim(line);
        let hints = said.lines().filter(|l| l.contains("pchsim explain"));
        hints.map(str::to_owned).collect::<Vec<_>>()
    };
    let bad = "tests/data/bad/rate-zero.ron";
    let one = ["`pchsim explain out-of-range` says more"];
    assert_eq!(hints(&format!("check {bad}")), one);
    assert_eq!(hints(&format!("run {bad}")), one);
    assert_eq!(hints(&format!("check {bad} {bad} scraper")), one);
    let two = hints(&format!("check {bad} tests/data/bad/never-put.ron"));
    assert_eq!(
        two,
        ["`pchsim explain CODE` says more of each: out-of-range, never-put"]
    );
    for line in ["check scraper", "check -q", "run -q", "check --format json"] {
        let line = if line.contains("scraper") {
            line.into()
        } else {
            format!("{line} {bad}")
        };
        assert!(hints(&line).is_empty(), "{line}");
    }
}
