//! Names that hide something (a turned direction, an end of line, an escape of the terminal, a blank without width) are printed with every
//! sign of theirs seen, by whatever command.

use std::fs;
use std::path::Path;

use pchsim::layout::Style;
use pchsim::report::text;
use pchsim::strategy::simulate;
use pchsim::study::{Options, run_study};
use pchsim::syntax::load;
use proptest::prelude::*;

use crate::world::{pchsim_in, tool};

/// What must not be printed as it is.
fn hides(c: char) -> bool {
    c.is_control()
        || "\u{ad}\u{61c}\u{feff}\u{200b}\u{200c}\u{200d}\u{200e}\u{200f}\u{2028}\u{2029}\u{2060}\u{e0041}".contains(c)
        || ('\u{202a}'..='\u{202e}').contains(&c)
        || ('\u{2066}'..='\u{2069}').contains(&c)
}

const HIDDEN: [char; 16] = [
    '\n',
    '\r',
    '\t',
    '\u{7}',
    '\u{1b}',
    '\u{7f}',
    '\u{9b}',
    '\u{85}',
    '\u{ad}',
    '\u{200b}',
    '\u{200d}',
    '\u{2028}',
    '\u{202e}',
    '\u{2066}',
    '\u{feff}',
    '\u{e0041}',
];

fn seen(what: &str, text: &str) {
    for line in text.lines() {
        assert!(!line.chars().any(hides), "{what}: {line:?}");
        assert!(!line.starts_with("Best: forged"), "{what}: {text}");
    }
}

fn escaped(name: &str) -> String {
    let of = |c: char| match c {
        '"' | '\\' => format!("\\{c}"),
        c if c.is_ascii_graphic() || c == ' ' => c.to_string(),
        c => format!("\\u{{{:x}}}", u32::from(c)),
    };
    name.chars().map(of).collect()
}

#[test]
fn whatever_is_printed_hides_nothing() {
    let dir = tempfile::tempdir().unwrap();
    let names: Vec<String> = HIDDEN.iter().map(|c| format!("a{c}Best: forged")).collect();
    let tasks: Vec<String> = names
        .iter()
        .map(|n| {
            format!(
                "(name: \"{}\", count: 2, steps: [Cpu(\"2ms\"), Io(\"5ms\")])",
                escaped(n)
            )
        })
        .collect();
    let all: String = HIDDEN.iter().collect();
    let text = format!(
        "(schema: 1, name: \"s{0}Best: forged\", question: \"q{0}?\", machine: (cores: 2), interpreters: [\"cpython-3.14\"],
          strategies: [\"threads:2\", \"processes:2:fork\"], workload: (arrivals: Batch, tasks: [{1}]))",
        escaped(&all),
        tasks.join(", ")
    );
    let file = "a\u{202e}b\u{200b}.ron";
    fs::write(dir.path().join(file), text).unwrap();
    for args in [
        &["check", file][..],
        &["run", file, "-v", "--replications", "2"],
        &["run", file, "--format", "markdown", "--replications", "2"],
        &["run", file, "--set", "workload.tasks[0].name=1"],
        &[
            "run",
            file,
            "--set",
            "name=\"x\u{202e}\"",
            "--replications",
            "2",
        ],
        &["check", "no\u{202e}where\u{1b}[31m.ron"],
        &["ps", file, "--at", "5ms"],
        &["pstree", file, "--at", "5ms"],
        &["timeline", file],
        &["advise", file, "--quick"],
        &["verify", file, "--emit", "programs"],
        &["run", file, "--plots", "figures", "--replications", "2"],
        &["advise", file, "--quick", "--diagram", "d.svg"],
    ] {
        let output = pchsim_in(dir.path()).args(args).output().unwrap();
        let code = output.status.code().unwrap();
        assert!(
            code == 0 || code == 2 && (args.contains(&"--set") || args[0] == "check"),
            "{args:?} {output:?}"
        );
        for stream in [&output.stdout, &output.stderr] {
            seen(&args.join(" "), &String::from_utf8(stream.clone()).unwrap());
        }
    }
    let mut programs = 0;
    for folder in ["programs", "figures", "."] {
        for entry in fs::read_dir(dir.path().join(folder)).unwrap().flatten() {
            let path = entry.path();
            let ending = path.extension().unwrap_or_default();
            if ending == "py" || ending == "svg" {
                programs += 1;
                // In a figure the blanks of a name are blanks of its text.
                let text = fs::read_to_string(&path).unwrap();
                let text = if ending == "svg" {
                    text.replace(['\t', '\n'], " ")
                } else {
                    text
                };
                seen(&path.display().to_string(), &text);
                is_python(&path);
            }
        }
    }
    assert!(programs >= 4, "{programs}");
}

/// Where there is a Python, it reads the program.
fn is_python(path: &Path) {
    if path.extension().is_none_or(|e| e != "py") {
        return;
    }
    let read = tool("python3", path.parent().unwrap())
        .args(["-c", "import ast, sys; ast.parse(open(sys.argv[1]).read())"])
        .arg(path)
        .output();
    if let Ok(read) = read {
        assert!(
            read.status.success(),
            "{}",
            String::from_utf8_lossy(&read.stderr)
        );
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn a_report_of_any_names_hides_nothing(
        names in prop::collection::vec(any::<String>(), 3),
        hidden in prop::sample::select(&HIDDEN[..]),
        wide in 40usize..140,
        unicode in any::<bool>(),
    ) {
        thread_local! {
            static STUDY: pchsim::result::Study = {
                let scenario = load("scraper", &["interpreters=[\"cpython-3.14\"]".into(), "strategies=[\"threads:4\", \"sequential\"]".into()]
                    .map(|s: String| s.split_once('=').map(|(a, b)| (a.to_owned(), b.to_owned())).unwrap())).unwrap();
                let profiles = [pchsim::profiles::find("cpython-3.14").unwrap()];
                let options = Options { replications: Some(2), max_events: 20_000, ..Options::default() };
                run_study(&scenario, &profiles, &options, simulate, &|_| {}).unwrap()
            };
        }
        let mut study = STUDY.with(Clone::clone);
        study.scenario.name = format!("{}{hidden}", names[0]);
        study.scenario.question = format!("{}{hidden}?", names[1]);
        for f in &mut study.forecasts {
            for c in &mut f.classes {
                c.name = format!("{}{hidden}{}", names[2], c.name);
            }
        }
        study.command = format!("pchsim run {hidden}");
        let style = Style { width: wide, unicode, verbose: true, ..Style::default() };
        let said = text(&study, style);
        for line in said.lines() {
            prop_assert!(!line.chars().any(hides), "{line:?}");
        }
    }
}
