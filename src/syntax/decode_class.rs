//! Reads classes of tasks.

use super::decode::{Cx, both, or, suggest};
use super::decode_steps::StepReader;
use super::diagnostic::Code;
use super::tree::SyntaxNode;
use super::variants;
use crate::scenario::{StrategyKind, TaskClass, limits};

impl StepReader {
    /// Reads a task class. Fields that have an effect with some arrivals only are warned about by the caller.
    pub(super) fn class(
        &mut self,
        cx: &mut Cx,
        node: &SyntaxNode,
        path: &str,
    ) -> Option<TaskClass> {
        let f = cx.record(node, "a task class", variants::TASK)?;
        let name = cx.required(&f, "name", |cx, n| {
            let name = cx.string(n, "the name")?;
            if name.trim().is_empty() {
                cx.error(Code::Empty, n.span, "a task class needs a name");
                return None;
            }
            Some(name.to_string())
        });
        let count = match f.get("count") {
            Some(_) => cx.optional(&f, "count", |cx, n| {
                cx.int(n, "the number of tasks", 1..=limits::MAX_TASKS, "MAX_TASKS")
            }),
            None => Some(1),
        };
        let weight = match f.get("weight") {
            Some(_) => cx.optional(&f, "weight", |cx, n| cx.factor(n, "a weight")),
            None => Some(1.0),
        };
        let interleave = cx.optional(&f, "interleave", Cx::boolean).unwrap_or(false);
        let touches = match f.get("touches") {
            Some(_) => cx.optional(&f, "touches", |cx, n| {
                cx.share(
                    n,
                    "a share of the inherited objects",
                    "write 0.4 or \"40%\"",
                )
            }),
            None => Some(0.0),
        };
        let cost = or(cx, &f, "cost", Vec::new(), cost);
        let steps = cx.required(&f, "steps", |cx, n| {
            self.steps(cx, n, &format!("{path}.steps"), 1)
        });
        let ((name, count), (weight, steps)) = both(both(name, count), both(weight, steps))?;
        Some(TaskClass {
            name,
            count,
            weight,
            steps,
            touches: touches?,
            interleave,
            cost,
        })
    }
}

/// Reads by which factors a class costs more or less under some kinds of strategies; sorted by kind.
fn cost(cx: &mut Cx, node: &SyntaxNode) -> Option<Vec<(StrategyKind, f64)>> {
    let names = StrategyKind::ALL.map(|(name, _)| name);
    let mut out = Vec::new();
    for (key, value) in cx.table(node, "kind of strategy")? {
        let Some((_, kind)) = StrategyKind::ALL.iter().find(|(name, _)| *name == key.text) else {
            let message = format!("\"{}\" is no kind of strategy", key.text);
            cx.error(Code::UnknownName, key.span, message)
                .help(suggest(&key.text, "kinds", names));
            continue;
        };
        let Some(value) = value else {
            let message = format!("what \"{}\" costs is missing", key.text);
            cx.error(Code::MissingField, key.span, message)
                .help("write a table of factors: {\"asyncio\": 1.3}");
            continue;
        };
        let factor = cx.at(&key.text, |cx| cx.factor(value, "a factor of CPU time"));
        out.extend(factor.map(|f| (*kind, f)));
    }
    out.sort_by_key(|(kind, _)| *kind);
    Some(out)
}
