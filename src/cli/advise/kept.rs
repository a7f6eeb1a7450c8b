//! The scenario that is kept of what was asked and recommended.

use super::super::selection::rendered;
use super::super::words::quoted;
use super::Args;
use super::carried::measured;
use super::case::Case;
use crate::advise::{Advice, PlaceName, places_said};
use crate::scenario::{literal, strategy_label, visible};
use crate::syntax;

/// The overrides that give each kind of task its place, where that is recommended, and take away what the scenario says otherwise.
pub(super) fn placed(case: &Case, advice: &Advice) -> anyhow::Result<Vec<(String, String)>> {
    let Some(r) = &advice.recommendation else {
        return Ok(Vec::new());
    };
    let said = places_said(&case.scenario).unwrap_or_default();
    let mut all = Vec::new();
    for i in 0..case.scenario.workload.classes.len() {
        let own = said.get(i).filter(|p| p.is_said());
        let wanted = r.placement.get(i).filter(|p| p.is_said());
        if own == wanted {
            continue;
        }
        let number = i.to_string();
        let mut path = vec!["workload", "tasks", &number, "steps"];
        // What is inside of what the scenario says.
        match own.map(|p| p.place) {
            Some(PlaceName::Loop) => path.extend(["0", "0"]),
            Some(PlaceName::Pool) => path.extend(["0", "steps"]),
            Some(PlaceName::Parts) | None => {}
        }
        let steps = syntax::value_at(&case.text, &case.origin, &case.set, &path);
        let Some(steps) = steps.map_err(|d| rendered(&d))? else {
            continue;
        };
        let around = match wanted {
            Some(place) => match &place.pool {
                Some(pool) => format!("[Offload(to: \"{pool}\", steps: {steps})]"),
                None => format!("[Inline({steps})]"),
            },
            None => steps,
        };
        all.push((format!("workload.tasks[{i}].steps"), around));
    }
    if !all.is_empty() {
        // No other strategy has the pools.
        all.push(("strategies".into(), listed(&measured(advice))));
    }
    Ok(all)
}

/// Texts as a list of a scenario.
fn listed(all: &[String]) -> String {
    let all: Vec<String> = all.iter().map(|t| literal::ron(t)).collect();
    format!("[{}]", all.join(", "))
}

/// The strategies of the scenario as it is kept: what is recommended first, then its own, or the single thread where it has none; only these two
/// where its own have not the pools. Of several interpreters each is named.
fn strategies(case: &Case, advice: &Advice, own: bool) -> Vec<String> {
    let Some(r) = &advice.recommendation else {
        return Vec::new();
    };
    let several = advice.interpreters.len() > 1;
    let on = |strategy: &str, interpreter: &str| {
        let place = advice.interpreters.iter().position(|n| n == interpreter);
        let name = place.and_then(|i| case.scenario.interpreters.get(i));
        match name.filter(|_| several) {
            Some(name) => format!("{strategy}@{name}"),
            None => strategy.to_owned(),
        }
    };
    let mut all = vec![on(&r.strategy, &r.interpreter)];
    let kept = case.scenario.strategies.iter().filter(|_| own);
    all.extend(kept.map(|c| {
        let at = c.interpreter.as_ref();
        let at = at.map_or(String::new(), |i| format!("@{i}"));
        format!("{}{at}", strategy_label(&c.strategy))
    }));
    if let Some(single) = advice.baseline.as_ref().filter(|_| all.len() == 1) {
        all.push(on(&single.strategy, &single.interpreter));
    }
    let mut once: Vec<String> = Vec::new();
    for s in all {
        if !once.contains(&s) {
            once.push(s);
        }
    }
    once
}

/// The scenario as it is kept: with what options changed and required, what is recommended first among its strategies, and with the place of each
/// kind of task where it has one.
pub(super) fn kept(args: &Args, case: &Case, advice: &Advice) -> anyhow::Result<String> {
    let mut set = case.set.clone();
    if case.required {
        set.push(("objectives".into(), listed(&advice.requirements)));
    }
    if !case.interpreters.is_empty() {
        set.push(("interpreters".into(), listed(&case.interpreters)));
    }
    let mut places = placed(case, advice)?;
    let others = places.len();
    places.retain(|(path, _)| path != "strategies");
    let strategies = strategies(case, advice, places.len() == others);
    set.extend(places);
    if !strategies.is_empty() {
        set.retain(|(path, _)| path != "strategies");
        set.push(("strategies".into(), listed(&strategies)));
    }
    if set.is_empty() {
        return Ok(case.text.clone());
    }
    let text = syntax::rewritten(&case.text, &case.origin, &set).map_err(|d| rendered(&d))?;
    let again = match &args.save {
        Some(file) if !case.asked.is_empty() => format!(
            "// What was asked besides: pchsim advise {} {}\n",
            visible(&quoted(&file.display().to_string())),
            case.asked.join(" ")
        ),
        Some(_) | None => String::new(),
    };
    Ok(format!(
        "// Made by `pchsim advise`, with what its options changed and what it recommends first among the strategies.\n{again}{text}"
    ))
}
