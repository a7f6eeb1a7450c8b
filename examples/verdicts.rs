//! Do studies say the same with ten times the effort? Every shipped scenario (or those that are named) is studied with default options, and
//! again with ten times the replications of its best case for every case. Prints a table as Markdown; exit code 1 if anything that the
//! default study says is contradicted.
//!
//! ```text
//! cargo run --release --example verdicts                   every shipped scenario; minutes
//! cargo run --release --example verdicts -- scraper api    these
//! ```
#![expect(clippy::print_stdout, reason = "the table is the result")]

use std::process::ExitCode;

use anyhow::{Context as _, anyhow};
use pchsim::cpython::profile::Profile;
use pchsim::profiles;
use pchsim::result::{Forecast, Study, Verdict};
use pchsim::strategy::simulate;
use pchsim::study::{Options, run_study};
use pchsim::syntax::embedded;

/// How many times the replications of the best the reference has.
const TIMES: u32 = 10;

/// Most events of a reference: what it would cost beyond that is taken off its replications, so that all ends within minutes.
const MOST_EVENTS: u64 = 2_000_000_000;

fn main() -> ExitCode {
    let named: Vec<String> = std::env::args().skip(1).collect();
    let names: Vec<&str> = if named.is_empty() {
        embedded::names()
    } else {
        named.iter().map(String::as_str).collect()
    };
    println!(
        "| scenario | events, default | events, reference | replications of the best | of the reference | case to take | verdicts | order |"
    );
    println!("| --- | ---: | ---: | ---: | ---: | --- | --- | --- |");
    let (mut same, mut details) = (0, Vec::new());
    for name in &names {
        match compare(name) {
            Ok(found) if found.is_empty() => same += 1,
            Ok(found) => details.extend(found.into_iter().map(|f| format!("{name}: {f}"))),
            Err(e) => details.push(format!("{name}: failed: {e:#}")),
        }
    }
    println!();
    for line in &details {
        println!("- {line}");
    }
    println!("\n{same} of {} the same verdicts", names.len());
    if same == names.len() {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    }
}

/// Studies a scenario twice and prints its row; what the two contradict each other in.
fn compare(name: &str) -> anyhow::Result<Vec<String>> {
    let scenario =
        pchsim::syntax::load(name, &[]).map_err(|d| anyhow!(pchsim::syntax::render(&d, false)))?;
    let profiles: Vec<Profile> = scenario
        .interpreters
        .iter()
        .map(|i| profiles::find(i).with_context(|| format!("profile {i}")))
        .collect::<anyhow::Result<_>>()?;
    let study = |options: &Options| run_study(&scenario, &profiles, options, simulate, &|_| {});
    let default = study(&Options::default())?;
    let best = default.answer().map_or(0, |a| a.take);
    let had = default.forecasts[best].replications;
    let replications = affordable(&default, TIMES * had).max(had);
    let reference = study(&Options {
        replications: Some(replications),
        event_budget: u64::MAX,
        ..Options::default()
    })?;
    let (case, verdicts, order) = (
        take(&default, &reference),
        verdicts(&default, &reference),
        order(&default, &reference),
    );
    let word = |found: &[String]| match found.len() {
        0 => "same".to_owned(),
        n => format!("**{n} contradicted**"),
    };
    println!(
        "| {name} | {:.1} M | {:.1} M | {had} | {replications} | {} | {} | {} |",
        millions(events(&default)),
        millions(events(&reference)),
        word(&case),
        word(&verdicts),
        word(&order)
    );
    Ok([case, verdicts, order].concat())
}

/// So many replications of every case, or as many as [`MOST_EVENTS`] reach for.
fn affordable(study: &Study, wanted: u32) -> u32 {
    let each: u64 = all(study)
        .map(|f| f.events / u64::from(f.replications.max(1)))
        .sum();
    let most = MOST_EVENTS / each.max(1);
    wanted.min(u32::try_from(most).unwrap_or(u32::MAX))
}

/// Every case that was simulated.
fn all(study: &Study) -> impl Iterator<Item = &Forecast> {
    study.forecasts.iter().chain(&study.hidden_baseline)
}

fn events(study: &Study) -> u64 {
    all(study).map(|f| f.events).sum()
}

fn millions(events: u64) -> f64 {
    events as f64 / 1e6
}

fn named<'s>(study: &'s Study, name: &str) -> Option<&'s Forecast> {
    study.forecasts.iter().find(|f| f.name() == name)
}

/// The case to take is the reference's, or one that the reference holds to be as good.
fn take(default: &Study, reference: &Study) -> Vec<String> {
    let name = |s: &Study, i: usize| s.forecasts[i].name();
    match (default.answer(), reference.answer()) {
        (None, None) => Vec::new(),
        (Some(a), Some(b)) => {
            let taken = name(default, a.take);
            let mut good = b.tied.iter().chain([&b.take]);
            if good.any(|&i| name(reference, i) == taken) {
                return Vec::new();
            }
            vec![format!(
                "takes {taken}, the reference {}",
                name(reference, b.take)
            )]
        }
        (a, b) => vec![format!("has an answer: {}, {}", a.is_some(), b.is_some())],
    }
}

/// Objectives of which one says met and the other missed. What is undecided contradicts nothing.
fn verdicts(default: &Study, reference: &Study) -> Vec<String> {
    let mut found = Vec::new();
    for a in &default.forecasts {
        let Some(b) = named(reference, &a.name()) else {
            continue;
        };
        for (place, (x, y)) in a.objectives.iter().zip(&b.objectives).enumerate() {
            let decided = |v: Verdict| v != Verdict::Undecided;
            if x.verdict != y.verdict && decided(x.verdict) && decided(y.verdict) {
                found.push(format!(
                    "objective {place} of {}: {:?}, by the reference {:?}",
                    a.name(),
                    x.verdict,
                    y.verdict
                ));
            }
        }
    }
    found
}

/// Pairs of cases that both studies rank, each of them apart, but the other way round.
fn order(default: &Study, reference: &Study) -> Vec<String> {
    let mut found = Vec::new();
    for (i, a) in default.forecasts.iter().enumerate() {
        for b in &default.forecasts[i + 1..] {
            let there = named(reference, &a.name()).zip(named(reference, &b.name()));
            let Some((x, y)) = there else { continue };
            // Equal ranks are ties.
            let ranks = a.rank.zip(b.rank).zip(x.rank.zip(y.rank));
            if ranks.is_some_and(|((a, b), (x, y))| a < b && x > y) {
                found.push(format!(
                    "{} before {}, by the reference after it",
                    a.name(),
                    b.name()
                ));
            }
        }
    }
    found
}
