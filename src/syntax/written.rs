//! A scenario's text with overrides made in it, written anew: comments and layout are lost, all else is said as it was.

use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;

use super::decode::Cx;
use super::diagnostic::{Code, Diagnostic, SourceText};
use super::tree::{CallArgs, SyntaxKind, SyntaxNode};
use super::{overrides, tree};
use crate::scenario::literal;

/// Columns that a value may take to stand on one line.
const LINE: usize = 100;

/// The text with these overrides made in it.
///
/// # Errors
/// What is wrong with the text, or with an override.
pub(crate) fn rewritten(
    text: &str,
    origin: &Path,
    set: &[(String, String)],
) -> Result<String, Vec<Diagnostic>> {
    let root = changed(text, origin, set)?;
    let mut out = String::new();
    write(&mut out, &root, 0);
    out.push('\n');
    Ok(out)
}

/// The value at a path of names and places, such as `workload`, `tasks`, `0`, `steps`, on one line, as an override takes it; `None`: there is
/// none.
///
/// # Errors
/// What is wrong with the text, or with an override.
pub(crate) fn value_at(
    text: &str,
    origin: &Path,
    set: &[(String, String)],
    path: &[&str],
) -> Result<Option<String>, Vec<Diagnostic>> {
    let root = changed(text, origin, set)?;
    let mut node = &root;
    for part in path {
        let next = match &node.kind {
            SyntaxKind::Map(entries)
            | SyntaxKind::Call {
                args: CallArgs::Fields(entries),
                ..
            } => entries.iter().find(|(k, _)| k.text == *part).map(|e| &e.1),
            SyntaxKind::List(items)
            | SyntaxKind::Call {
                args: CallArgs::Items(items),
                ..
            } => part.parse::<usize>().ok().and_then(|i| items.get(i)),
            SyntaxKind::Call { .. }
            | SyntaxKind::None
            | SyntaxKind::Bool(_)
            | SyntaxKind::Int(_)
            | SyntaxKind::Float(_)
            | SyntaxKind::Str(_) => None,
        };
        let Some(next) = next else {
            return Ok(None);
        };
        node = next;
    }
    Ok(Some(on_one_line(node)))
}

fn changed(
    text: &str,
    origin: &Path,
    set: &[(String, String)],
) -> Result<SyntaxNode, Vec<Diagnostic>> {
    let source = SourceText::new(origin.to_string_lossy(), text);
    let mut root = tree::parse(text, 0).map_err(|e| {
        let span = e.span.start as usize..e.span.end as usize;
        vec![Diagnostic::new(Code::Syntax, &source, span, e.message)]
    })?;
    let mut cx = Cx::new(Arc::clone(&source));
    for (path, value) in set {
        overrides::apply(&mut cx, &mut root, path, value);
    }
    if cx.diagnostics.is_empty() {
        Ok(root)
    } else {
        Err(cx.diagnostics)
    }
}

fn on_one_line(node: &SyntaxNode) -> String {
    let joined = |items: &[SyntaxNode]| {
        let items: Vec<String> = items.iter().map(on_one_line).collect();
        items.join(", ")
    };
    match &node.kind {
        SyntaxKind::None => "None".into(),
        SyntaxKind::Bool(b) => b.to_string(),
        SyntaxKind::Int(i) => i.to_string(),
        // Debug keeps the point, so that it is read as the same kind of number.
        SyntaxKind::Float(x) => format!("{x:?}"),
        SyntaxKind::Str(s) => literal::ron(s),
        SyntaxKind::List(items) => format!("[{}]", joined(items)),
        SyntaxKind::Map(entries) => {
            let all = entries
                .iter()
                .map(|(k, v)| format!("{}: {}", literal::ron(&k.text), on_one_line(v)));
            format!("{{{}}}", all.collect::<Vec<_>>().join(", "))
        }
        SyntaxKind::Call { name, args } => {
            let name = name.as_ref().map_or("", |n| n.text.as_str());
            match args {
                CallArgs::Unit if name.is_empty() => "()".into(),
                CallArgs::Unit => name.into(),
                CallArgs::Items(items) => format!("{name}({})", joined(items)),
                CallArgs::Fields(fields) => {
                    let all = fields
                        .iter()
                        .map(|(k, v)| format!("{}: {}", k.text, on_one_line(v)));
                    format!("{name}({})", all.collect::<Vec<_>>().join(", "))
                }
            }
        }
    }
}

/// Writes a value, which begins where the line stands: on one line where it fits, else an entry a line.
fn write(out: &mut String, node: &SyntaxNode, depth: usize) {
    let short = on_one_line(node);
    if depth > 0 && short.len() + 4 * depth <= LINE {
        out.push_str(&short);
        return;
    }
    let inner = "    ".repeat(depth + 1);
    let outer = "    ".repeat(depth);
    let entry = |out: &mut String, key: &str, value: &SyntaxNode| {
        let _ = write!(out, "{inner}{key}");
        write(out, value, depth + 1);
        out.push_str(",\n");
    };
    match &node.kind {
        SyntaxKind::List(items) => {
            out.push_str("[\n");
            items.iter().for_each(|n| entry(out, "", n));
            let _ = write!(out, "{outer}]");
        }
        SyntaxKind::Map(entries) => {
            out.push_str("{\n");
            for (k, v) in entries {
                entry(out, &format!("{}: ", literal::ron(&k.text)), v);
            }
            let _ = write!(out, "{outer}}}");
        }
        SyntaxKind::Call {
            name,
            args: CallArgs::Items(items),
        } => {
            let _ = writeln!(out, "{}(", name.as_ref().map_or("", |n| n.text.as_str()));
            items.iter().for_each(|n| entry(out, "", n));
            let _ = write!(out, "{outer})");
        }
        SyntaxKind::Call {
            name,
            args: CallArgs::Fields(fields),
        } => {
            let _ = writeln!(out, "{}(", name.as_ref().map_or("", |n| n.text.as_str()));
            for (k, v) in fields {
                entry(out, &format!("{}: ", k.text), v);
            }
            let _ = write!(out, "{outer})");
        }
        SyntaxKind::None
        | SyntaxKind::Bool(_)
        | SyntaxKind::Int(_)
        | SyntaxKind::Float(_)
        | SyntaxKind::Str(_)
        | SyntaxKind::Call {
            args: CallArgs::Unit,
            ..
        } => out.push_str(&short),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::{embedded, parse};

    /// All that a scenario says.
    fn canonical(text: &str, set: &[(String, String)]) -> String {
        let mut out = String::new();
        let scenario = parse(text, Path::new("x.ron"), set).unwrap();
        scenario.write_canonical(&mut out).unwrap();
        out
    }

    #[test]
    fn every_shipped_scenario_is_the_same_when_written_anew() {
        for shipped in embedded::ALL {
            let origin = Path::new(shipped.name);
            let anew = rewritten(shipped.text, origin, &[]).unwrap();
            assert_eq!(
                canonical(shipped.text, &[]),
                canonical(&anew, &[]),
                "{anew}"
            );
        }
    }

    #[test]
    fn overrides_are_made_and_strings_stay_strings() {
        let text = r#"(schema: 1, name: "a\"b\n\\", machine: (cores: 2), interpreters: ["cpython-3.14"],
            workload: (arrivals: Batch, tasks: [(name: "t", count: 3, steps: [Cpu("1ms"), Io(Gamma(mean: "1ms", cv: 0.5))])]))"#;
        let set = [
            ("machine.cores".to_owned(), "8".to_owned()),
            ("workload.tasks[0].steps[0]".into(), "Cpu(\"9ms\")".into()),
        ];
        let origin = Path::new("x.ron");
        let anew = rewritten(text, origin, &set).unwrap();
        assert_eq!(canonical(&anew, &[]), canonical(text, &set));
        let path = ["workload", "tasks", "0", "steps"];
        let steps = value_at(text, origin, &set, &path).unwrap().unwrap();
        assert_eq!(steps, "[Cpu(\"9ms\"), Io(Gamma(mean: \"1ms\", cv: 0.5))]");
        assert_eq!(
            value_at(text, origin, &[], &["workload", "none"]).unwrap(),
            None
        );
        assert!(rewritten("(", origin, &[]).is_err());
    }
}
