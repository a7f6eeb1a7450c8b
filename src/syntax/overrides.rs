//! Overrides of single values by their path: `--set machine.cores=8`.

use std::sync::Arc;

use super::decode::{Cx, plural, suggest};
use super::diagnostic::{Code, SourceText};
use super::tree::{CallArgs, Ident, SourceSpan, SyntaxKind, SyntaxNode};
use super::{tree, variants};

/// One part of a path: the name of a field, or an index into a list.
enum Segment {
    Name(Ident),
    Index(usize, SourceSpan),
}

/// The text of an override, for diagnostics to point into.
pub(super) fn source(path: &str, value: &str) -> Arc<SourceText> {
    SourceText::new("--set", format!("{path}={value}"))
}

/// Puts `value` at `path` in the tree. What the path leads to is checked like everything else when the tree is read, so that a field that
/// does not exist is reported with the candidates; only a path that leads nowhere is reported here.
pub(super) fn apply(cx: &mut Cx, root: &mut SyntaxNode, path: &str, value: &str) {
    let number = u32::try_from(cx.sources.len()).unwrap_or(u32::MAX);
    cx.sources.push(source(path, value));
    let Some(segments) = split(cx, path, number) else {
        return;
    };
    let mut node = match tree::parse(value, number) {
        Ok(node) => node,
        Err(e)
            if value.trim_start().starts_with(['[', '(', '{', '"'])
                || value.starts_with(char::is_uppercase) =>
        {
            let shift = u32::try_from(path.len() + 1).unwrap_or(0);
            let span = SourceSpan {
                source: number,
                start: e.span.start + shift,
                end: e.span.end + shift,
            };
            let d = cx.error(Code::Syntax, span, e.message);
            d.help = e.help.map(Into::into);
            return;
        }
        // A value that is not RON is taken as a string, as in `machine.memory=8GiB` or `strategies[0]=threads:8`: quotes within quotes are
        // awkward in every shell.
        Err(_) => SyntaxNode {
            span: SourceSpan::default(),
            kind: SyntaxKind::Str(value.to_string()),
        },
    };
    let bare = matches!(&node.kind, SyntaxKind::Call { name: Some(n), args: CallArgs::Unit } if n.text.starts_with(char::is_lowercase));
    if bare {
        node.kind = SyntaxKind::Str(value.to_string());
    }
    // Spans within the value are relative to the value alone; they are shifted to where the value stands in the override.
    let shift = u32::try_from(path.len() + 1).unwrap_or(0);
    if node.span == SourceSpan::default() {
        node.span = SourceSpan {
            source: number,
            start: 0,
            end: u32::try_from(value.len()).unwrap_or(0),
        };
    }
    shift_spans(&mut node, shift);
    place(cx, root, &segments, node);
}

fn shift_spans(node: &mut SyntaxNode, by: u32) {
    let shift = |s: &mut SourceSpan| {
        s.start += by;
        s.end += by;
    };
    shift(&mut node.span);
    match &mut node.kind {
        SyntaxKind::List(items)
        | SyntaxKind::Call {
            args: CallArgs::Items(items),
            ..
        } => items.iter_mut().for_each(|n| shift_spans(n, by)),
        SyntaxKind::Map(entries)
        | SyntaxKind::Call {
            args: CallArgs::Fields(entries),
            ..
        } => {
            for (k, n) in entries {
                shift(&mut k.span);
                shift_spans(n, by);
            }
        }
        _ => {}
    }
    if let SyntaxKind::Call { name: Some(n), .. } = &mut node.kind {
        shift(&mut n.span);
    }
}

/// Splits a path such as `workload.tasks[0].count` into segments.
fn split(cx: &mut Cx, path: &str, source: u32) -> Option<Vec<Segment>> {
    let span = |start: usize, end: usize| SourceSpan {
        source,
        start: u32::try_from(start).unwrap_or(0),
        end: u32::try_from(end).unwrap_or(0),
    };
    let mut out = Vec::new();
    let mut at = 0;
    for part in path.split('.') {
        let (name, mut rest) = part.split_at(part.find('[').unwrap_or(part.len()));
        if name.is_empty() && (rest.is_empty() || !out.is_empty() || at == 0) {
            cx.error(
                Code::BadOverride,
                span(at, (at + part.len()).max(at + 1)),
                "a name is missing in this path",
            )
            .help("paths look like machine.cores or workload.tasks[0].count");
            return None;
        }
        out.push(Segment::Name(Ident {
            text: name.to_string(),
            span: span(at, at + name.len()),
        }));
        let mut offset = at + name.len();
        while let Some(inner) = rest.strip_prefix('[') {
            let index = inner
                .find(']')
                .and_then(|end| Some((inner[..end].parse().ok()?, end)));
            let Some((index, end)) = index else {
                cx.error(
                    Code::BadOverride,
                    span(offset, at + part.len()),
                    "an index is a whole number in square brackets",
                )
                .help("for example tasks[0]");
                return None;
            };
            out.push(Segment::Index(index, span(offset, offset + end + 2)));
            offset += end + 2;
            rest = &inner[end + 1..];
        }
        if !rest.is_empty() {
            cx.error(
                Code::BadOverride,
                span(offset, at + part.len()),
                "only a dot may follow an index",
            );
            return None;
        }
        at += part.len() + 1;
    }
    Some(out)
}

fn place(cx: &mut Cx, node: &mut SyntaxNode, segments: &[Segment], value: SyntaxNode) {
    let Some((first, rest)) = segments.split_first() else {
        *node = value;
        return;
    };
    let child = match first {
        Segment::Name(name) => by_name(cx, node, name),
        Segment::Index(index, span) => by_index(cx, node, *index, *span),
    };
    if let Some(child) = child {
        place(cx, child, rest, value);
    }
}

fn by_index<'n>(
    cx: &mut Cx,
    node: &'n mut SyntaxNode,
    index: usize,
    span: SourceSpan,
) -> Option<&'n mut SyntaxNode> {
    let what = node.describe();
    let items = match &mut node.kind {
        SyntaxKind::List(items)
        | SyntaxKind::Call {
            args: CallArgs::Items(items),
            ..
        } => items,
        SyntaxKind::Call {
            name: Some(n),
            args: CallArgs::Fields(fields),
        } => {
            // An index such as `[0]` also works on named parameters, as in `Timeout(after: .., steps: ..)`.
            let wanted = variants::params(&n.text).get(index).copied();
            let found = fields
                .iter_mut()
                .find(|(k, _)| Some(k.text.as_str()) == wanted);
            if found.is_none() {
                cx.error(
                    Code::BadOverride,
                    span,
                    format!("{what} has no value number {index}"),
                );
            }
            return found.map(|(_, n)| n);
        }
        _ => {
            cx.error(
                Code::BadOverride,
                span,
                format!("{what} has no entries to count"),
            )
            .help("use a dot and a name for a field");
            return None;
        }
    };
    let len = items.len();
    if index >= len {
        cx.error(
            Code::BadOverride,
            span,
            format!(
                "there is no entry number {index}: {what} has {}",
                plural(len, "entry").replace("entrys", "entries")
            ),
        )
        .help(if len == 0 {
            "nothing can be set in an empty list".into()
        } else {
            format!("the first is [0], the last [{}]", len - 1)
        });
        return None;
    }
    items.get_mut(index)
}

fn by_name<'n>(cx: &mut Cx, node: &'n mut SyntaxNode, name: &Ident) -> Option<&'n mut SyntaxNode> {
    let fresh = || SyntaxNode {
        span: name.span,
        kind: SyntaxKind::Call {
            name: None,
            args: CallArgs::Unit,
        },
    };
    let what = node.describe();
    if matches!(node.kind, SyntaxKind::List(_)) {
        let at = position(cx, node, name)?;
        let only_a_name = matches!(&node.kind, SyntaxKind::List(items) if matches!(items[at].kind, SyntaxKind::Str(_)));
        if !only_a_name {
            let SyntaxKind::List(items) = &mut node.kind else {
                return None;
            };
            return items.get_mut(at);
        }
        name_table(node);
    }
    if node.kind == SyntaxKind::None {
        node.kind = SyntaxKind::Call {
            name: None,
            args: CallArgs::Unit,
        };
    }
    let entries = match &mut node.kind {
        SyntaxKind::Map(entries) => entries,
        SyntaxKind::Call {
            name: variant,
            args,
        } => {
            let params = variant
                .as_ref()
                .map_or(&[][..], |n| variants::params(&n.text));
            if let CallArgs::Items(items) = args {
                // The parameters have no names in the text; they are given their names here.
                if items.len() > params.len() {
                    cx.error(
                        Code::BadOverride,
                        name.span,
                        format!("{what} has no field `{}`", name.text),
                    );
                    return None;
                }
                let named = params.iter().zip(items.drain(..));
                *args = CallArgs::Fields(
                    named
                        .map(|(p, n)| {
                            (
                                Ident {
                                    text: (*p).to_string(),
                                    span: n.span,
                                },
                                n,
                            )
                        })
                        .collect(),
                );
            }
            if let CallArgs::Unit = args {
                *args = CallArgs::Fields(Vec::new());
            }
            let CallArgs::Fields(fields) = args else {
                return None;
            };
            fields
        }
        _ => {
            cx.error(
                Code::BadOverride,
                name.span,
                format!("{what} has no field `{}`", name.text),
            );
            return None;
        }
    };
    let at = entries
        .iter()
        .position(|(k, _)| k.text == name.text)
        .unwrap_or_else(|| {
            entries.push((name.clone(), fresh()));
            entries.len() - 1
        });
    // From here on, a problem with this field is a problem of the override.
    entries.get_mut(at).map(|(_, n)| n)
}

/// The index of the entry of this name in a list.
fn position(cx: &mut Cx, list: &SyntaxNode, name: &Ident) -> Option<usize> {
    let SyntaxKind::List(items) = &list.kind else {
        return None;
    };
    let at = items.iter().position(|n| entry_name(n) == Some(&name.text));
    if at.is_none() {
        let names: Vec<&str> = items.iter().filter_map(entry_name).collect();
        cx.error(
            Code::BadOverride,
            name.span,
            format!("no entry of the list is named \"{}\"", name.text),
        )
        .help(suggest(&name.text, "its entries", names.iter().copied()));
    }
    at
}

/// Turns a list of names such as `["state"]` into the equivalent table `{"state": ()}`, in which there is room for fields.
fn name_table(node: &mut SyntaxNode) {
    let SyntaxKind::List(items) = &mut node.kind else {
        return;
    };
    let entries = items.drain(..).filter_map(|n| match n.kind {
        SyntaxKind::Str(text) => Some((
            Ident { text, span: n.span },
            SyntaxNode {
                span: n.span,
                kind: SyntaxKind::Call {
                    name: None,
                    args: CallArgs::Unit,
                },
            },
        )),
        _ => None,
    });
    node.kind = SyntaxKind::Map(entries.collect());
}

fn entry_name(node: &SyntaxNode) -> Option<&str> {
    match &node.kind {
        SyntaxKind::Str(s) => Some(s),
        SyntaxKind::Call {
            args: CallArgs::Fields(f),
            ..
        } => f
            .iter()
            .find(|(k, _)| k.text == "name")
            .and_then(|(_, v)| match &v.kind {
                SyntaxKind::Str(s) => Some(s.as_str()),
                _ => None,
            }),
        _ => None,
    }
}
