//! The documents are true: what they mention exists. That their commands run, and print what is shown, is in documented.rs.

use std::fs;
use std::path::Path;

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
            let file = link.split('#').next().unwrap_or(link);
            assert!(root().join(file).exists(), "{name} links {link}");
        }
        assert!(
            name == "CHANGELOG.md" || local.len() > 5,
            "{name}: {local:?}"
        );
    }
}

/// What the headings of a document are called in links to them.
fn headings(text: &str) -> impl Iterator<Item = String> {
    let titles = text.lines().filter(|l| l.starts_with('#'));
    titles.map(|l| {
        let kept = |c: &char| c.is_alphanumeric() || " -_".contains(*c);
        let title: String = l
            .trim_start_matches('#')
            .trim()
            .chars()
            .filter(kept)
            .collect();
        title.to_lowercase().replace(' ', "-")
    })
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
            .map(|w| w.split('#').next().unwrap_or(w).trim_end_matches('.'))
            .filter(|w| ROOTS.iter().any(|r| w.starts_with(r)));
        for path in named {
            let (path, anchor) = path.split_once('#').unwrap_or((path, ""));
            assert!(root().join(path).exists(), "{name} mentions {path}");
            let there = anchor.is_empty() || headings(&read(path)).any(|h| h == anchor);
            assert!(there, "{name} mentions {path}#{anchor}");
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

/// The table of rooms stands from the bottom up, and what a room's code names of the crate stands above its own row.
#[test]
fn rooms_import_only_what_stands_below_them() {
    let text = read("ARCHITECTURE.md");
    let rooms: Vec<&str> = text
        .lines()
        .filter_map(|l| l.strip_prefix("| [src/")?.split("/]").next())
        .collect();
    assert!(rooms.len() > 10, "{rooms:?}");
    let mut named = 0;
    for (floor, room) in rooms.iter().enumerate() {
        let mut to_read = vec![root().join("src").join(room)];
        while let Some(path) = to_read.pop() {
            if path.is_dir() {
                to_read.extend(fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
                continue;
            }
            if path.extension().is_none_or(|e| e != "rs") {
                continue;
            }
            let code = fs::read_to_string(&path).unwrap();
            let code = code
                .lines()
                .filter(|l| !l.trim_start().starts_with("//"))
                .flat_map(|l| l.split("crate::").skip(1));
            for rest in code {
                let name = rest.split(|c: char| !c.is_ascii_alphanumeric() && c != '_');
                let name = name.into_iter().next().unwrap_or_default();
                let Some(other) = rooms.iter().position(|r| *r == name) else {
                    continue;
                };
                named += 1;
                assert!(other <= floor, "{} names crate::{name}", path.display());
            }
        }
    }
    assert!(named > 300, "{named}");
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
