//! The documents are true: what they mention exists, and the commands that they give run.

use std::fs;
use std::path::Path;

use assert_cmd::Command;

const DOCUMENTS: [&str; 3] = ["README.md", "ARCHITECTURE.md", "CHANGELOG.md"];

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn read(name: &str) -> String {
    fs::read_to_string(root().join(name)).unwrap_or_else(|e| panic!("{name}: {e}"))
}

/// The text between `open` and the next `close`, wherever it stands.
fn between<'t>(text: &'t str, open: &str, close: char) -> Vec<&'t str> {
    text.split(open)
        .skip(1)
        .filter_map(|rest| rest.split_once(close).map(|(inner, _)| inner))
        .collect()
}

/// The lines of every fenced block of this kind.
fn blocks(text: &str, kind: &str) -> Vec<String> {
    text.split(&format!("```{kind}\n"))
        .skip(1)
        .filter_map(|rest| rest.split_once("```").map(|(inner, _)| inner.to_owned()))
        .collect()
}

/// Words as a shell splits them; single quotes hold together.
fn words(line: &str) -> Vec<String> {
    let mut words = vec![String::new()];
    let mut quoted = false;
    for c in line.chars() {
        match c {
            '\'' => quoted = !quoted,
            ' ' if !quoted => words.push(String::new()),
            c => words.last_mut().expect("never empty").push(c),
        }
    }
    words.retain(|w| !w.is_empty());
    words
}

/// The `pchsim` commands of README's shell blocks, without comments.
fn commands() -> Vec<Vec<String>> {
    blocks(&read("README.md"), "sh")
        .iter()
        .flat_map(|b| b.lines())
        .map(|l| l.split(" #").next().unwrap_or(l).trim())
        .filter_map(|l| {
            l.strip_prefix("pchsim ")
                .or_else(|| l.strip_prefix("cargo run --release -- "))
        })
        .map(words)
        .collect()
}

#[test]
fn every_path_that_a_document_links_exists() {
    for name in DOCUMENTS {
        let text = read(name);
        let links = between(&text, "](", ')');
        let local: Vec<&&str> = links
            .iter()
            .filter(|l| !l.starts_with("https://"))
            .collect();
        for link in &local {
            assert!(root().join(link).exists(), "{name} links {link}");
        }
        assert!(
            name == "CHANGELOG.md" || local.len() > 5,
            "{name}: {local:?}"
        );
    }
}

#[test]
fn every_path_in_code_exists() {
    const ROOTS: [&str; 8] = [
        "src/",
        "docs/",
        "tests/",
        "benches/",
        "scenarios/",
        "profiles/",
        "examples/",
        "LICENSE",
    ];
    for name in DOCUMENTS {
        let text = read(name);
        let named = text
            .split(|c: char| c.is_whitespace() || "`()[],;:'\"".contains(c))
            .map(|w| w.trim_end_matches('.'))
            .filter(|w| ROOTS.iter().any(|r| w.starts_with(r)));
        for path in named {
            assert!(root().join(path).exists(), "{name} mentions {path}");
        }
    }
}

#[test]
fn every_room_is_described() {
    let text = read("ARCHITECTURE.md");
    for entry in fs::read_dir(root().join("src")).unwrap() {
        let entry = entry.unwrap();
        if entry.path().is_dir() {
            let room = format!("](src/{})", entry.file_name().to_string_lossy());
            assert!(text.contains(&room), "ARCHITECTURE.md lacks {room}");
        }
    }
}

#[test]
fn the_scenario_in_the_readme_is_valid_and_its_commands_run() {
    let dir = tempfile::tempdir().unwrap();
    let scenario = blocks(&read("README.md"), "ron").remove(0);
    fs::write(dir.path().join("thumbnails.ron"), scenario).unwrap();
    fs::create_dir(dir.path().join("scenarios")).unwrap();
    let shipped = "scenarios/scraper.ron";
    fs::copy(root().join(shipped), dir.path().join(shipped)).unwrap();
    // What a calibration would have written.
    let profile = "profiles/cpython-3.11.ron";
    fs::copy(root().join(profile), dir.path().join("my-python.ron")).unwrap();
    let all = commands();
    assert!(all.len() >= 6, "{all:?}");
    for mut command in all {
        // What takes a Python, or minutes, is tried elsewhere: here it is enough that the options are understood.
        if ["validate", "calibrate", "verify", "record"].contains(&command[0].as_str()) {
            command.insert(1, "--help".into());
        }
        if command[0] == "run" || command[0] == "sweep" {
            // As few simulations as there can be: it is the command that is tried.
            command.extend(["--replications".into(), "1".into()]);
        }
        let done = Command::cargo_bin("pchsim")
            .unwrap()
            .current_dir(dir.path())
            .args(&command)
            .output()
            .unwrap();
        let code = done.status.code();
        let strict = command.iter().any(|w| w == "--strict");
        assert!(
            code == Some(0) || strict && code == Some(4),
            "{command:?}: {code:?}\n{}",
            String::from_utf8_lossy(&done.stderr)
        );
    }
}

#[test]
fn the_strategies_of_the_readme_are_understood() {
    let text = read("README.md");
    let table = text
        .split("| name | what it is |")
        .nth(1)
        .and_then(|t| t.split("\n\n").next())
        .unwrap();
    let mut seen = 0;
    for row in table.lines().skip(2) {
        let names = row.split('|').nth(1).unwrap();
        for name in names.split('`').skip(1).step_by(2) {
            if ["spawn", "forkserver"].contains(&name) {
                continue;
            }
            assert!(
                pchsim::scenario::parse_strategy(name).is_ok(),
                "{name} is no strategy"
            );
            seen += 1;
        }
    }
    assert!(seen > 10, "{seen}");
}

/// The columns of the pasted report are those of a report made now.
#[test]
fn the_report_in_the_readme_looks_like_one() {
    let pasted = blocks(&read("README.md"), "text").remove(0);
    let done = Command::cargo_bin("pchsim")
        .unwrap()
        .current_dir(root())
        .args(["run", "scenarios/scraper.ron"])
        .output()
        .unwrap();
    let now = String::from_utf8(done.stdout).unwrap();
    let shape = |text: &str| -> Vec<String> {
        let titles = ["#", "Why", "Objectives", "Best", "repeat"];
        text.lines()
            .filter(|l| titles.iter().any(|t| l.trim_start().starts_with(t)))
            .map(|l| l.split_whitespace().next().unwrap().to_owned())
            .collect()
    };
    assert_eq!(shape(&pasted), shape(&now));
    let header = |text: &str| -> Vec<String> {
        let line = text.lines().find(|l| l.contains("strategy")).unwrap();
        line.split_whitespace().map(Into::into).collect()
    };
    assert_eq!(header(&pasted), header(&now));
}

/// README says how accurate forecasts are in words; the table must bear them out.
#[test]
fn what_the_readme_says_of_accuracy_is_in_the_table() {
    let table = read("docs/accuracy.md");
    let all = table
        .lines()
        .find(|l| l.starts_with("| **all** |"))
        .expect("a row for all cells");
    let cells: Vec<Vec<f64>> = all
        .split('|')
        .skip(3)
        .filter(|c| c.contains('/'))
        .map(|c| {
            c.split('/')
                .map(|n| n.trim().trim_end_matches('%').parse().unwrap())
                .collect()
        })
        .collect();
    let (makespan, p50) = (&cells[0], &cells[1]);
    assert!(makespan[0] <= 1.0 && makespan[1] <= 5.0, "{all}");
    assert!(p50[1] <= 10.0, "{all}");
    let ranking = table
        .lines()
        .find(|l| l.contains("named rightly"))
        .expect("the ranking");
    let numbers: Vec<&str> = ranking
        .split(|c: char| !c.is_ascii_digit())
        .filter(|n| !n.is_empty())
        .collect();
    assert_eq!(numbers[0], numbers[1], "{ranking}");
}
