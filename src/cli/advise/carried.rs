//! What is measured of what `pchsim advise` recommends: its benchmarks, and its verification.

use std::ffi::OsString;

use anyhow::Context as _;
use clap::{Args as _, FromArgMatches as _};

use super::super::printer::Printer;
use super::super::verify;
use super::super::words::quoted;
use super::Args;
use super::case::Case;
use crate::advise::{Advice, Family};
use crate::host::{self, Scratch};

/// Strategies that are measured: what is recommended, and the single thread.
pub(super) fn measured(advice: &Advice) -> Vec<String> {
    let mut all = Vec::new();
    if let Some(r) = &advice.recommendation {
        all.push(r.strategy.clone());
        if r.family != Family::SingleThread {
            all.push("sequential".into());
        }
    }
    all
}

pub(super) fn benchmark_command(
    args: &Args,
    case: &Case,
    placed: &[(String, String)],
    advice: &Advice,
) -> Option<String> {
    let strategies = measured(advice);
    if strategies.is_empty() {
        return None;
    }
    let kept = args.save.as_ref().map(|p| p.display().to_string());
    // What is kept has all changes in it.
    let (file, set) = match (kept, &args.scenario) {
        (Some(file), _) => (file, Vec::new()),
        (None, Some(name)) if name != "-" => (name.clone(), [&case.set, placed].concat()),
        (None, _) => {
            return Some(
                "keep the scenario with --save FILE.ron, or measure at once with --verify".into(),
            );
        }
    };
    let mut words = vec!["pchsim".to_owned(), "verify".into(), quoted(&file)];
    for s in strategies {
        words.extend(["--strategy".into(), quoted(&s)]);
    }
    for (path, value) in set {
        words.extend(["--set".into(), quoted(&format!("{path}={value}"))]);
    }
    Some(words.join(" "))
}

/// Hands what is recommended to `verify`.
pub(super) fn verified(
    args: &Args,
    case: &Case,
    placed: &[(String, String)],
    advice: &Advice,
    more: &[OsString],
    printer: &Printer,
) -> anyhow::Result<()> {
    let place = Scratch::new().context("cannot make a folder for the scenario")?;
    let name: OsString = match args.scenario.as_deref() {
        Some(name) if name != "-" => name.into(),
        _ => {
            let file = place.path().join("advice.ron");
            place
                .put("advice.ron", &case.text)
                .context("cannot keep the scenario")?;
            file.into()
        }
    };
    let mut words: Vec<OsString> = vec!["verify".into(), name];
    for s in measured(advice) {
        words.extend(["--strategy".into(), s.into()]);
    }
    for (path, value) in case.set.iter().chain(placed) {
        words.extend(["--set".into(), format!("{path}={value}").into()]);
    }
    if args.output.force {
        words.push("--force".into());
    }
    words.extend(more.iter().cloned());
    let matches = verify::Args::augment_args(clap::Command::new("verify")).get_matches_from(words);
    let args = verify::Args::from_arg_matches(&matches)?;
    verify::run(&args, printer)?;
    Ok(())
}

/// The Python to measure on: the one that was named, or of the recommended version, or what there is.
pub(super) fn python_of(named: &str, advice: &Advice, printer: &Printer) -> String {
    if !named.is_empty() {
        return named.to_owned();
    }
    let Some(r) = &advice.recommendation else {
        return "python3".into();
    };
    let short: String = r.version.split('.').take(2).collect::<Vec<_>>().join(".");
    let wanted = if r.family.free_threaded() {
        format!("{short}t")
    } else {
        short
    };
    if host::find(&wanted).is_ok() {
        return wanted;
    }
    printer.hint(&format!(
        "note: there is no Python {wanted} on this machine; what is measured is python3 (name another with --verify=PYTHON)"
    ));
    "python3".into()
}
