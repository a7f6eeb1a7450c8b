//! The documents are true: what they mention exists. That their commands run, and print what is shown, is in documented.rs.

use std::fs;
use std::path::{Path, PathBuf};

use crate::world::root;

const DOCUMENTS: [&str; 4] = [
    "README.md",
    "ARCHITECTURE.md",
    "CHANGELOG.md",
    "CONTRIBUTING.md",
];

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

/// The Rust files of a folder, or the file itself.
fn rust_files(place: PathBuf) -> Vec<PathBuf> {
    let (mut files, mut to_read) = (Vec::new(), vec![place]);
    while let Some(path) = to_read.pop() {
        if path.is_dir() {
            to_read.extend(fs::read_dir(path).unwrap().map(|e| e.unwrap().path()));
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    files
}

/// The first names behind `prefix` in a file's code, comments left out.
fn named(path: &Path, prefix: &str) -> Vec<String> {
    let code = fs::read_to_string(path).unwrap();
    let code = code.lines().filter(|l| !l.trim_start().starts_with("//"));
    let behind = code.flat_map(|l| l.split(prefix).skip(1));
    let end = |c: char| !c.is_ascii_alphanumeric() && c != '_';
    behind
        .map(|rest| rest.split(end).next().unwrap_or_default().to_owned())
        .collect()
}

/// Holds that a file, which stands in this row of a table from the bottom up, names nothing of a row above; how many names it has in the table.
fn stands_below(rows: &[Vec<&str>], floor: usize, path: &Path, prefix: &str) -> usize {
    let row = |name: &String| {
        let is = |place: &&str| place.trim_end_matches(".rs") == name;
        rows.iter().position(|places| places.iter().any(is))
    };
    let names = named(path, prefix);
    let known = names.iter().filter_map(|name| Some((name, row(name)?)));
    known
        .map(|(name, other)| assert!(other <= floor, "{} names {prefix}{name}", path.display()))
        .count()
}

/// The table of rooms stands from the bottom up, and what a room's code names of the crate stands above its own row.
#[test]
fn rooms_import_only_what_stands_below_them() {
    let text = read("ARCHITECTURE.md");
    let rooms: Vec<Vec<&str>> = text
        .lines()
        .filter_map(|l| Some(vec![l.strip_prefix("| [src/")?.split("/]").next()?]))
        .collect();
    assert!(rooms.len() > 10, "{rooms:?}");
    let mut named = 0;
    for (floor, room) in rooms.iter().enumerate() {
        for file in rust_files(root().join("src").join(room[0])) {
            named += stands_below(&rooms, floor, &file, "crate::");
        }
    }
    assert!(named > 300, "{named}");
}

/// So does that of the storeys of the runtime; it has all that is there, and nobody goes round it through the runtime's face.
#[test]
fn storeys_import_only_what_stands_below_them() {
    let text = read("ARCHITECTURE.md");
    let table = between(&text, "\n## Storeys of the runtime\n", '#')[0];
    let storeys: Vec<Vec<&str>> = table
        .lines()
        .filter_map(|l| l.strip_prefix("| [")?.split(" | ").next())
        .map(|cell| {
            let places = cell.split("](").zip(cell.split('['));
            let names = places.map(|(_, name)| name.split(']').next().unwrap());
            names.map(|p| p.trim_end_matches('/')).collect()
        })
        .collect();
    let runtime = root().join("src/cpython");
    for entry in fs::read_dir(&runtime).unwrap() {
        let entry = entry.unwrap().file_name().into_string().unwrap();
        let known = storeys.iter().flatten().any(|place| *place == entry);
        assert!(known || entry == "mod.rs", "the table lacks {entry}");
    }
    let mut total = 0;
    for (floor, places) in storeys.iter().enumerate() {
        for place in places.iter().map(|p| runtime.join(p)) {
            for file in rust_files(place.clone()) {
                total += stands_below(&storeys, floor, &file, "crate::cpython::");
                if file == place || file == place.join("mod.rs") {
                    total += stands_below(&storeys, floor, &file, "super::");
                }
                let around = named(&file, "crate::cpython::").into_iter();
                let around = around.chain(named(&file, "super::super"));
                let mut face = around.filter(|n| !n.starts_with(|c: char| c.is_ascii_lowercase()));
                assert_eq!(face.next(), None, "{}", file.display());
            }
        }
    }
    assert!(total > 100, "{total}");
}

/// Code and documents cite sections of the facts sheet: all of them are there.
#[test]
fn every_citation_of_the_facts_sheet_resolves() {
    let sheet = read("docs/cpython-runtime.md");
    let sections: Vec<&str> = sheet
        .lines()
        .filter_map(|l| l.strip_prefix("## ").or_else(|| l.strip_prefix("### ")))
        .filter_map(|heading| Some(heading.split(' ').next()?.trim_end_matches('.')))
        .collect();
    assert!(
        sections.contains(&"14.3") && sections.contains(&"21"),
        "{sections:?}"
    );
    let mut texts = rust_files(root().join("src"));
    texts.extend(DOCUMENTS.map(|d| root().join(d)));
    let mut cited = 0;
    for path in texts {
        let text = fs::read_to_string(&path).unwrap();
        for rest in text.split("facts sheet ").skip(1) {
            // "3.2 to 3.9", "4.1 and 4.3", "5, 6 and 13"
            let words = rest.split([' ', '\n', ')', ':', ';', '/']);
            let words = words.take_while(|w| {
                matches!(*w, "to" | "and" | "") || w.starts_with(|c: char| c.is_ascii_digit())
            });
            for number in words.filter(|w| w.starts_with(|c: char| c.is_ascii_digit())) {
                let number = number.trim_end_matches([',', '.']);
                cited += 1;
                assert!(
                    sections.contains(&number),
                    "{}: facts sheet {number}",
                    path.display()
                );
            }
        }
    }
    assert!(cited > 15, "{cited}");
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
                pchsim::syntax::parse_strategy(name).is_ok(),
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
