//! What `pchsim advise` is asked about: a scenario, a recorded program, or answers to its questions.

use std::collections::BTreeMap;
use std::io::IsTerminal as _;
use std::path::{Path, PathBuf};

use serde_json::Value;

use super::super::exit::{Exit, UserError};
use super::super::files::{Files, called};
use super::super::interview;
use super::super::printer::Printer;
use super::super::record;
use super::super::selection::{ScenarioSource, user_error};
use super::super::words::quoted;
use super::Args;
use crate::advise::{ArrivalsAnswer, Constraints, FreeThreading, Interview};
use crate::profiles::nearest;
use crate::scenario::Scenario;
use crate::syntax::{Changes, parse_objective};

/// What advice is given on.
pub(super) struct Case {
    pub scenario: Scenario,
    pub constraints: Constraints,
    /// The text of the scenario.
    pub text: String,
    /// Its name in messages, relative to which its files are looked for.
    pub origin: PathBuf,
    /// What options change in it.
    pub set: Vec<(String, String)>,
    /// The interpreters that they put in place of its own; empty: none.
    pub interpreters: Vec<String>,
    /// Whether they require anything that it does not say.
    pub required: bool,
    /// The options that say the same, for the command that repeats it.
    pub words: Vec<String>,
    /// Of these, what a scenario cannot hold.
    pub asked: Vec<String>,
}

/// What is asked about: a scenario, a recorded program, or answers.
pub(super) fn case(
    args: &Args,
    files: &mut Files,
    printer: &Printer,
) -> anyhow::Result<Option<Case>> {
    if let Some(name) = &args.scenario {
        let source = ScenarioSource::read(name)?;
        return of_scenario_source(args, &source, files).map(Some);
    }
    if !args.program.is_empty() {
        args.program.iter().for_each(|word| files.reads(word));
        let (code, text) = record::recorded(&args.program, printer)?;
        if code == Exit::Interrupted as u8 {
            return Ok(None);
        }
        let nothing = || UserError::new("nothing was recorded that advice could be given on");
        let text = text.ok_or_else(nothing)?;
        let source = ScenarioSource::handed(text, "the recording", Path::new("-"));
        return of_scenario_source(args, &source, files).map(Some);
    }
    of_answers(args, files, printer).map(Some)
}

/// A scenario with what the options require.
fn of_scenario_source(
    args: &Args,
    source: &ScenarioSource,
    files: &mut Files,
) -> anyhow::Result<Case> {
    let mut interview = Interview::default();
    for (key, answer) in args.given() {
        interview
            .answer(key, &answer)
            .map_err(|e| UserError::new(format!("--{key}: {e}")))?;
    }
    let answers = interview.finish().map_err(UserError::new)?;
    let given: BTreeMap<&str, String> = args.given().into_iter().collect();
    let mut changes = Changes {
        set: args.set.clone(),
        seed: args.seed,
        ..Changes::default()
    };
    if given.contains_key("cores") {
        changes
            .set
            .push(("machine.cores".into(), answers.cores.to_string()));
    }
    if given.contains_key("python") {
        changes.interpreters = interpreters(&answers.python, &answers.constraints);
    }
    let (mut scenario, _) = source.scenario(&changes, files)?;
    if let Some((p, most)) = answers.latency {
        let text = format!("p{p} < {}", crate::scenario::units::format_duration(most));
        let objective = user_error(parse_objective)(&text)?;
        scenario.objectives.retain(|o| o.metric != objective.metric);
        scenario.objectives.insert(0, objective);
    }
    let constraints = answers.constraints.clone();
    let words = given.iter().flat_map(|(k, v)| words_of(k, v)).collect();
    let asked = beside(given.iter().map(|(k, v)| (*k, v.as_str())));
    Ok(Case {
        scenario,
        constraints,
        text: source.text.clone(),
        origin: source.origin.clone(),
        set: overrides(&changes),
        interpreters: changes.interpreters,
        required: answers.latency.is_some() || answers.constraints.memory.is_some(),
        words,
        asked,
    })
}

/// The option that gives this answer.
fn words_of(key: &str, answer: &str) -> Vec<String> {
    match (key, answer) {
        ("expensive-startup" | "isolation", "y") => vec![format!("--{key}")],
        ("expensive-startup" | "isolation", _) => vec![format!("--no-{key}")],
        _ => vec![format!("--{key}"), quoted(answer)],
    }
}

/// The options of answers that a scenario does not hold, where they ask for anything.
fn beside<'a>(given: impl Iterator<Item = (&'static str, &'a str)>) -> Vec<String> {
    let asks = |(key, answer): &(&'static str, &str)| match *key {
        "state" => *answer == "shared",
        "isolation" => ["y", "yes", "true"].contains(answer),
        "free-threading" => *answer != "yes",
        "priority" | "current" => true,
        _ => false,
    };
    let all = given.filter(asks).flat_map(|(key, answer)| match key {
        "isolation" => words_of(key, "y"),
        _ => words_of(key, answer),
    });
    all.collect()
}

/// The scenario that answers make.
fn of_answers(args: &Args, files: &mut Files, printer: &Printer) -> anyhow::Result<Case> {
    let mut interview = Interview::default();
    if let Some(path) = &args.work.answers {
        files.reads(path);
        answers_of_file(path, &mut interview)?;
    }
    let given = args.given();
    for (key, answer) in &given {
        interview
            .answer(key, answer)
            .map_err(|e| UserError::new(format!("--{key}: {e}")))?;
    }
    // Scripts are not asked: they have said what the work is.
    let terminal = std::io::stdin().is_terminal();
    let said = args.work.answers.is_some()
        || args.work.defaults
        || (!terminal && args.work.workload.is_some());
    if !said {
        interview::ask(&mut interview)?;
    }
    let answers = interview.finish().map_err(UserError::new)?;
    let by_a_clock = match answers.arrivals {
        ArrivalsAnswer::AtOnce(_) => false,
        ArrivalsAnswer::Rate(_) | ArrivalsAnswer::Users(_) => true,
    };
    if !answers.parallel && by_a_clock {
        printer.hint("note: tasks of which each needs the result of the one before (--order sequential) come when that is there, one at a time: how often they come (--arrivals) decides nothing");
    }
    let names = interpreters(&answers.python, &answers.constraints);
    for (version, name) in answers.python.iter().zip(&names) {
        if *name != format!("cpython-{version}") {
            printer.hint(&format!(
                "note: there is no profile of CPython {version} here; {name}, the nearest, stands for it (`pchsim calibrate` measures one)"
            ));
        }
    }
    let of_3_14 = answers.python.iter().any(|v| minor(v) == Some(14));
    if let Some(free) = names.iter().find(|n| n.ends_with('t')).filter(|_| !of_3_14) {
        printer.hint(&format!(
            "note: {free} stands for the free-threaded build of the Python that was named, of which there is no profile here (`pchsim calibrate` measures one; --free-threading no leaves it out)"
        ));
    }
    let text = answers.scenario(&names);
    let source = ScenarioSource::handed(text, "the scenario of the answers", Path::new("-"));
    let changes = Changes {
        set: args.set.clone(),
        seed: args.seed,
        ..Changes::default()
    };
    let (scenario, _) = source.scenario(&changes, files)?;
    let words = interview
        .given()
        .flat_map(|(k, v)| {
            words_of(
                k,
                if matches!(v, "yes" | "true") && k != "free-threading" {
                    "y"
                } else {
                    v
                },
            )
        })
        .collect();
    Ok(Case {
        scenario,
        constraints: answers.constraints,
        text: source.text,
        origin: source.origin,
        set: overrides(&changes),
        interpreters: Vec::new(),
        required: false,
        words,
        asked: beside(interview.given()),
    })
}

/// Answers of a file, by key: as JSON, or as RON.
fn answers_of_text(text: &str) -> Result<BTreeMap<String, Value>, (usize, usize, String)> {
    let json = match serde_json::from_str(text) {
        Ok(all) => return Ok(all),
        Err(e) => (e.line(), e.column(), e.to_string()),
    };
    let options = ron::Options::default();
    match options.from_str(text) {
        Ok(all) => Ok(all),
        Err(e) => {
            let ron = (e.span.start.line, e.span.start.col, e.code.to_string());
            // What reads further has understood more of it.
            if (json.0, json.1) > (ron.0, ron.1) {
                // Its own words end in the place, which is said before.
                let what = json.2.split(" at line ").next().unwrap_or_default();
                Err((json.0, json.1, what.to_owned()))
            } else {
                Err(ron)
            }
        }
    }
}

fn answers_of_file(path: &Path, interview: &mut Interview) -> anyhow::Result<()> {
    let called = called(path);
    let text = std::fs::read_to_string(path)
        .map_err(|e| UserError::new(format!("cannot read the answers of {called}: {e}")))?;
    let all = answers_of_text(&text).map_err(|(line, column, what)| {
        UserError::new(format!(
            "{called}:{line}:{column}: {what}; expected answers by key, for example {{\"workload\": \"hybrid\", \"cores\": 4}}"
        ))
    })?;
    for (key, answer) in all {
        let question = key.replace('_', "-");
        let yes_no = Interview::words(&question).contains(&"no");
        let answer = match answer {
            // No answer.
            Value::Null => continue,
            Value::Bool(b) if yes_no => if b { "yes" } else { "no" }.to_owned(),
            Value::Bool(b) => b.to_string(),
            Value::Number(n) => n.to_string(),
            Value::String(t) => t,
            Value::Array(_) | Value::Object(_) => {
                return Err(UserError::new(format!(
                    "{called}: {key}: `{answer}` is no single answer: write a text, a number, true or false, or null for none"
                ))
                .into());
            }
        };
        interview
            .answer(&question, &answer)
            .map_err(|e| UserError::new(format!("{called}: {key}: {e}")))?;
    }
    Ok(())
}

/// The profiles of these versions: of each with the GIL and, from 3.14, without.
fn interpreters(versions: &[String], constraints: &Constraints) -> Vec<String> {
    let mut names: Vec<String> = Vec::new();
    for version in versions {
        let exact = format!("cpython-{version}");
        let known = crate::profiles::find(&exact).is_ok();
        let name = if known {
            Some(exact)
        } else {
            nearest(minor(version).unwrap_or(14), true).map(|p| p.name)
        };
        names.extend(name);
    }
    // What may not be taken is simulated all the same, to say what it would bring.
    let free = versions.iter().any(|v| minor(v).is_some_and(|m| m >= 14));
    if free && constraints.free_threading != FreeThreading::No {
        names.push("cpython-3.14t".into());
    }
    names.dedup();
    names
}

/// The second number of a version.
fn minor(version: &str) -> Option<u32> {
    version.strip_prefix("3.")?.parse().ok()
}

/// Changes of fields as overrides.
fn overrides(changes: &Changes) -> Vec<(String, String)> {
    let seed = changes.seed.map(|n| ("seed".to_owned(), n.to_string()));
    changes.set.iter().cloned().chain(seed).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn versions_become_profiles() {
        let yes = Constraints::default();
        assert_eq!(
            interpreters(&["3.14".into()], &yes),
            ["cpython-3.14", "cpython-3.14t"]
        );
        assert_eq!(interpreters(&["3.9".into()], &yes), ["cpython-3.11"]);
    }
}
