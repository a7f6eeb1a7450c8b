//! Pools of an event loop that have names: what strategies have, and what steps ask for.

use super::decode::{Cx, suggest};
use super::decode_strategy;
use super::diagnostic::Code;
use super::tree::{SyntaxKind, SyntaxNode};
use crate::scenario::{NamedPool, Offload, Placed, Scenario, Workload, strategy_label};

/// What a pool may be called: short forms and commands show it without quotes.
///
/// # Errors
/// What is wrong with the name.
pub(super) fn pool_name(text: &str) -> Result<&str, String> {
    let allowed = |c: char| c.is_ascii_alphanumeric() || c == '_' || c == '-';
    if text.is_empty() {
        return Err("a pool needs a name".into());
    }
    match text.chars().find(|&c| !allowed(c)) {
        None => Ok(text),
        Some(c) => Err(format!(
            "`{c}` cannot stand in the name of a pool (\"{text}\"): letters, digits, `_` and `-` can"
        )),
    }
}

/// In the order of the names, so that strategies that differ in nothing else are the same.
pub(super) fn sorted(mut pools: Vec<NamedPool>) -> Vec<NamedPool> {
    pools.sort_by(|a, b| a.name.cmp(&b.name));
    pools
}

/// The pools of an event loop: `{"cpu": Processes(4), "files": Threads(40)}`.
pub(super) fn pools(cx: &mut Cx, node: &SyntaxNode) -> Option<Vec<NamedPool>> {
    const HELP: &str = "write {\"cpu\": Processes(4), \"files\": Threads(40)}";
    if !matches!(node.kind, SyntaxKind::Map(_)) {
        cx.wrong_type(node, "pools by name").help(HELP);
        return None;
    }
    let table = cx.table(node, "pool")?;
    let mut out = Vec::new();
    let mut whole = true;
    for (key, value) in &table {
        let workers = cx.at(&key.text, |cx| {
            if let Err(message) = pool_name(&key.text) {
                cx.error(Code::BadStrategy, key.span, message).help(HELP);
                return None;
            }
            let value = (*value)?;
            if value.kind == SyntaxKind::None {
                return Some(Offload::None);
            }
            decode_strategy::offload(cx, value)
        });
        match workers {
            Some(workers) => out.push(NamedPool {
                name: key.text.clone(),
                workers,
            }),
            None => whole = false,
        }
    }
    whole.then(|| sorted(out))
}

/// Names of the pools that steps of the workload ask for, each once, with the first class that does.
fn asked_for(workload: &Workload) -> Vec<(&str, &str)> {
    let mut out: Vec<(&str, &str)> = Vec::new();
    let classes = (workload.classes.iter()).map(|c| (c.name.as_str(), &c.steps));
    let main = ("the main program", &workload.rounds.serial);
    for (class, steps) in classes.chain([main]) {
        for step in steps {
            step.each(&mut |s| {
                if let Some(Placed::Call(Some(to))) = s.placed()
                    && !out.iter().any(|(name, _)| *name == to)
                {
                    out.push((to, class));
                }
            });
        }
    }
    out
}

/// Checks that every pool that steps ask for is one of some strategy's, where strategies with an event loop are named at all. Where only
/// some of them have it, the others offload to their default, which the study notes.
pub(super) fn check(cx: &mut Cx, node: &SyntaxNode, scenario: &Scenario) {
    let SyntaxKind::List(items) = &node.kind else {
        return;
    };
    let mut loops = (scenario.strategies.iter().zip(items).enumerate())
        .filter(|(_, (case, _))| case.strategy.execution().event_loop);
    let Some((i, (case, item))) = loops.next() else {
        return;
    };
    let known: Vec<&str> = (scenario.strategies.iter())
        .flat_map(|c| c.strategy.pools())
        .map(|p| p.name.as_str())
        .collect();
    for (name, class) in asked_for(&scenario.workload) {
        if known.contains(&name) {
            continue;
        }
        let give = format!("give it one, Asyncio(pools: {{\"{name}\": Threads(40)}})");
        let help = if known.is_empty() {
            format!("no strategy has pools with names; {give}")
        } else {
            let there_are = suggest(name, "pools here", known.iter().copied());
            format!("{there_are}; or {give}")
        };
        let label = strategy_label(&case.strategy);
        cx.at(&format!("strategies[{i}]"), |cx| {
            cx.error(
                Code::UnknownName,
                item.span,
                format!(
                    "the steps of \"{class}\" offload to the pool \"{name}\", which {label} does not have, nor any other strategy"
                ),
            )
            .help(help);
        });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_need_no_quotes() {
        for good in ["cpu", "CPU-2", "_files", "8", "processes"] {
            assert_eq!(pool_name(good), Ok(good));
        }
        for (bad, said) in [
            ("", "needs a name"),
            ("a b", "` ` cannot"),
            ("c+d", "`+` cannot"),
            ("e=f", "`=` cannot"),
            ("g:1", "`:` cannot"),
            ("h@i", "`@` cannot"),
            ("größe", "`ö` cannot"),
        ] {
            let message = pool_name(bad).unwrap_err();
            assert!(message.contains(said), "{message}");
        }
    }
}
