//! What version 0.1.0 wrote is read for ever, and means what it meant: its scenarios, profiles, results and sweeps.

use std::fs;
use std::path::{Path, PathBuf};

use pchsim::charts::figure::figures;
use pchsim::charts::figure::palette::Theme;
use pchsim::charts::plot::svg;
use pchsim::page::{PageInput, page};
use pchsim::profiles;
use pchsim::quantity::Quantity;
use pchsim::report::markdown;
use pchsim::report::sweep;
use pchsim::result::{Answer, Forecast, Saved, Standing, Study, Tier, Verdict, answer};
use pchsim::scenario;
use pchsim::study::fingerprint;
use pchsim::syntax::{Severity, embedded};

use crate::world::{pchsim, root};

fn folder(name: &str) -> PathBuf {
    root().join("tests/data/v1").join(name)
}

/// The files of a folder that end so, by name.
fn files(name: &str, end: &str) -> Vec<PathBuf> {
    let entries = fs::read_dir(folder(name)).unwrap();
    let mut all: Vec<PathBuf> = entries
        .map(|e| e.unwrap().path())
        .filter(|p| p.extension().is_some_and(|e| e == end))
        .collect();
    all.sort();
    assert!(!all.is_empty(), "{name} is empty");
    all
}

fn name(path: &Path) -> String {
    path.file_stem().unwrap().to_string_lossy().into_owned()
}

fn read(path: &Path) -> (String, Saved) {
    let text = fs::read_to_string(path).unwrap();
    let document =
        pchsim::result::read(&text, &path.display().to_string()).unwrap_or_else(|e| panic!("{e}"));
    (text, document)
}

fn results() -> Vec<PathBuf> {
    let mut all = files("results", "json");
    all.extend(files("sweeps", "jsonl"));
    all
}

fn run_document(file: &str) -> Study {
    match read(&folder("results").join(file)).1 {
        Saved::Study(run) => *run,
        Saved::Sweep(_) => panic!("{file} is a run"),
    }
}

fn parsed(path: &Path, overrides: &[(&str, &str)]) -> scenario::Scenario {
    let overrides: Vec<(String, String)> = overrides
        .iter()
        .map(|(k, v)| ((*k).to_owned(), (*v).to_owned()))
        .collect();
    let text = fs::read_to_string(path).unwrap();
    let (scenario, said) = pchsim::syntax::check(&text, path, &overrides);
    let errors = said.iter().filter(|d| d.severity == Severity::Error);
    assert_eq!(
        errors.count(),
        0,
        "{}",
        pchsim::syntax::render(&said, false)
    );
    scenario.unwrap()
}

#[test]
fn scenarios_mean_what_they_meant() {
    let all = files("scenarios", "ron");
    assert_eq!(all.len(), 15);
    for path in all {
        let old = parsed(&path, &[]);
        // Where the shipped one is still the same text, it must be the same scenario too, wherever it is read from.
        let Some(shipped) = embedded::find(&name(&path)) else {
            continue;
        };
        if shipped.text == fs::read_to_string(&path).unwrap() {
            let now = pchsim::syntax::load(shipped.name, &[]).unwrap();
            assert_eq!(format!("{old:?}"), format!("{now:?}"), "{}", path.display());
        }
    }
}

/// Every result names its scenario by a fingerprint of all values, overrides included. It is that of the canonical text, which does not
/// change: a new field, or a new name of a type, is no reason to change a line here.
#[test]
fn scenarios_have_the_fingerprints_that_they_had() {
    for (scenario, overrides, expected) in [
        ("agents", &[][..], "ea9575609f09d1cc"),
        ("api", &[], "057498031cba1206"),
        (
            "api",
            &[("workload.arrivals.rate", "900")],
            "5b81e2ee792798f0",
        ),
        ("api", &[("seed", "2")], "05713a031cb73c75"),
        ("chatbot", &[], "83d5d8e4b2c11b2d"),
        ("db_rows", &[], "226494e266334527"),
        ("images", &[], "452f315dc3087a2b"),
        (
            "images",
            &[("machine.memory", "\"200MiB\"")],
            "92223f20be60d429",
        ),
        ("inference", &[], "683356e66c5f1976"),
        ("monitoring", &[], "072594c86714d89e"),
        ("pipeline", &[], "8b23fff6999c906a"),
        ("prices", &[], "ffb3a277190cca3f"),
        ("reports", &[], "af8952de1a434e27"),
        ("scraper", &[], "b458d1685b6d41d0"),
        ("sum_of_squares", &[], "83fe6bceb5fee8fe"),
        ("team", &[], "3e5083915d9f32c3"),
        ("unbalanced", &[], "df48818d037bb863"),
        ("vectordb", &[], "82ee489070542550"),
    ] {
        let file = folder("scenarios").join(format!("{scenario}.ron"));
        let found = fingerprint(&parsed(&file, overrides));
        assert_eq!(found, expected, "{scenario} {overrides:?}");
    }
}

#[test]
fn profiles_load_and_a_study_uses_them_by_path() {
    for path in files("profiles", "ron") {
        let profile = profiles::find(&path.display().to_string()).unwrap_or_else(|e| panic!("{e}"));
        assert_eq!(profile.name, name(&path));
        let done = pchsim()
            .args(["run", "sum_of_squares", "--strategy", "threads:2"])
            .args(["--replications", "1", "--format", "json", "--interpreter"])
            .arg(&path)
            .output()
            .unwrap();
        let said = String::from_utf8_lossy(&done.stderr);
        assert_eq!(done.status.code(), Some(0), "{said}");
        let text = String::from_utf8(done.stdout).unwrap();
        match pchsim::result::read(&text, "it").unwrap() {
            Saved::Study(run) => assert!(run.forecasts[0].is_fine()),
            Saved::Sweep(_) => panic!("a run"),
        }
    }
}

#[test]
fn results_are_read_summarised_and_plotted() {
    for path in results() {
        let (source, document) = read(&path);
        let what = path.display();
        let summary = markdown(&[(&document).into()], None);
        assert!(summary.len() > 200, "{what}: {summary}");
        assert!(!summary.contains("NaN"), "{what}: {summary}");
        let drawn = figures(&document);
        assert!(drawn.len() > 1, "{what}");
        for figure in &drawn {
            assert!(
                svg(figure, Theme::Light).unwrap().starts_with("<svg"),
                "{what}"
            );
        }
        let shown = PageInput {
            result: (&document).into(),
            source: &source,
            figures: drawn,
        };
        let html = page(&[shown], None).unwrap();
        assert!(html.contains("</html>"), "{what}");
        if let Saved::Sweep(s) = &document {
            assert!(!s.rows.is_empty());
            assert!(sweep::csv(s).lines().count() > s.rows.len(), "{what}");
            // Insights are found without complaint, however few they are.
            let _ = pchsim::insight::insights(s);
        }
    }
}

fn tiers(cases: &[Forecast]) -> (Vec<Standing>, Option<Answer>) {
    let all: Vec<Standing> = cases.iter().map(Standing::from).collect();
    let found = answer(&all, false);
    (all, found)
}

/// Keys that tiers are made of mean what they meant.
#[test]
fn tiers_are_derived_where_0_1_0_wrote_none() {
    for file in [
        "images-small-memory.json",
        "api-saturated.json",
        "scraper.json",
        "chatbot.json",
        "pipeline-one.json",
    ] {
        let run = run_document(file);
        let text = fs::read_to_string(folder("results").join(file)).unwrap();
        assert!(!text.contains("\"tier\""), "{file}");
        let (all, _) = tiers(&run.forecasts);
        for (case, s) in run.forecasts.iter().zip(&all) {
            assert_eq!(
                s.tier == Tier::NoForecast,
                case.rank.is_none(),
                "{file}: {}",
                case.name()
            );
            assert_eq!(s.rank, case.rank);
            assert!(case.primary().is_some() || s.tier == Tier::NoForecast);
            let missed = case.objectives.iter().any(|o| o.verdict == Verdict::Missed);
            if s.tier == Tier::Meets {
                assert!(!missed && s.excess == 0.0, "{file}: {}", case.name());
            } else if s.tier == Tier::Misses {
                assert!(missed && s.excess > 0.0, "{file}: {}", case.name());
            }
        }
    }
    let count = |file: &str, tier: Tier| {
        let (all, _) = tiers(&run_document(file).forecasts);
        all.iter().filter(|s| s.tier == tier).count()
    };
    assert_eq!(count("images-small-memory.json", Tier::NoForecast), 10);
    assert_eq!(count("api-saturated.json", Tier::NoForecast), 9);
    assert!(count("scraper.json", Tier::Meets) > 0 && count("scraper.json", Tier::Misses) > 0);
}

#[test]
fn the_answer_is_the_first_place_where_that_meets_its_objectives() {
    let mut held = 0;
    let mut holds = |cases: &[Forecast], what: &str| {
        let (all, found) = tiers(cases);
        if all[0].tier != Tier::Meets {
            return;
        }
        held += 1;
        let found = found.unwrap_or_else(|| panic!("{what}: no answer"));
        assert_eq!(found.take, 0, "{what}");
        assert!(found.meets, "{what}");
    };
    for path in results() {
        let what = path.display().to_string();
        match read(&path).1 {
            Saved::Study(run) => {
                let best = run.forecasts[0].strategy.clone();
                let meets = tiers(&run.forecasts).0[0].tier == Tier::Meets;
                holds(&run.forecasts, &what);
                // The summary's first sentence after the title names it.
                let summary = markdown(&[(&*run).into()], None);
                assert!(!meets || summary.contains(&best), "{what}: {summary}");
            }
            Saved::Sweep(s) => {
                let points = s.rows.iter().map(|r| r.point).max().unwrap();
                for point in 0..=points {
                    let cases = s.rows.iter().filter(|r| r.point == point);
                    let cases: Vec<Forecast> = cases.map(|r| r.case.clone()).collect();
                    holds(&cases, &format!("{what}, point {point}"));
                }
            }
        }
    }
    assert!(held > 5, "{held}");
}

/// Figures under the keys that 0.1.0 wrote: read by today's quantities, none is lost.
#[test]
fn every_estimate_is_a_quantity_of_today() {
    for file in files("results", "json") {
        let text = fs::read_to_string(&file).unwrap();
        let result: serde_json::Value = serde_json::from_str(&text).unwrap();
        for case in result["cases"].as_array().unwrap() {
            for key in case["estimates"].as_object().unwrap().keys() {
                let known = Quantity::ALL.iter().any(|q| q.key() == key);
                assert!(known, "{}: {key}", file.display());
            }
        }
    }
}

#[test]
fn the_program_reports_and_plots_them() {
    let dir = tempfile::tempdir().unwrap();
    for path in results() {
        let at = |end: &str| dir.path().join(format!("{}.{end}", name(&path)));
        pchsim().arg("report").arg(&path).assert().code(0);
        pchsim()
            .arg("report")
            .arg(&path)
            .arg("--html")
            .arg(at("html"))
            .assert()
            .code(0);
        pchsim()
            .arg("plot")
            .arg(&path)
            .arg("-o")
            .arg(at("plots"))
            .args(["--format", "svg"])
            .assert()
            .code(0);
        assert!(fs::read_dir(at("plots")).unwrap().count() > 1);
    }
}
