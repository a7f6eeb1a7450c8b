//! Reading values off the tree of a scenario's text: the functions that all parts of the format share.
//!
//! Problems are collected rather than returned, so that a user gets all of them at once. Where a function returns `None`, there was a
//! problem and it has been noted.

use std::ops::RangeInclusive;
use std::path::PathBuf;
use std::sync::Arc;

use super::diagnostic::{Code, Diagnostic, SourceText, shorten};
use super::tree::{CallArgs, SourceSpan, SyntaxKind, SyntaxNode};
use super::variants;
use crate::scenario::limits;
use crate::scenario::units::grouped;

/// Diagnostics that are kept at most; more are of no use to anyone.
const MAX_DIAGNOSTICS: usize = 50;

/// The state of reading: the texts that are read, and the problems found so far.
pub(super) struct Cx {
    pub(super) sources: Vec<Arc<SourceText>>,
    pub(super) diagnostics: Vec<Diagnostic>,
    /// The files besides the scenario's own that it reads.
    pub(super) files: Vec<PathBuf>,
    /// When the scenario's runs end, once that has been read.
    pub(super) horizon: Option<crate::engine::Nanos>,
    path: String,
    /// A diagnostic that takes help and notes once there are too many diagnostics; it is never shown.
    overflow: Option<Diagnostic>,
}

/// The fields of a record or the parameters of a variant, given in the text with or without their names.
pub(super) struct Fields<'n> {
    found: Vec<(&'n str, &'n SyntaxNode)>,
    /// Fields that are absent, but for which an unknown field in the text is most likely a slip; they are not reported as missing as well.
    slips: Vec<&'static str>,
    span: SourceSpan,
    what: String,
}

impl<'n> Fields<'n> {
    /// The value of a field, if the field is given.
    pub(super) fn get(&self, name: &str) -> Option<&'n SyntaxNode> {
        self.found.iter().find(|(n, _)| *n == name).map(|(_, v)| *v)
    }
}

/// The candidate most like `word`, if any is near.
pub(crate) fn nearest<'c>(
    word: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> Option<&'c str> {
    // Measuring likeness takes time proportional to the product of the lengths, and no real name is so long.
    const LONGEST: usize = 100;
    if word.len() > LONGEST {
        return None;
    }
    let lower = word.to_lowercase();
    let scored = candidates
        .into_iter()
        .filter(|c| c.len() <= LONGEST)
        .map(|c| (likeness(&lower, &c.to_lowercase()), c));
    scored
        .filter(|(score, _)| *score > 0.0)
        // Of equally likely candidates the first is taken, because lists are in the order of how often their entries are used.
        .fold(None, |best: Option<(f64, &str)>, (score, c)| match best {
            Some((s, _)) if s >= score => best,
            _ => Some((score, c)),
        })
        .map(|(_, c)| c)
}

/// How much `word` is like a known word: above 0 where the known word may have been meant, and more the likelier that is.
///
/// A word may have been meant if it is off by a slip of the keys (two letters exchanged, one too many, one too few or one wrong; in long
/// words two of these), or if it has the same beginning and most of the letters. Slips rank before mere likeness, which says nothing about
/// short words: `Cup` shares only one letter in the same place with `Cpu`.
pub(crate) fn likeness(word: &str, known: &str) -> f64 {
    let (short, long) = {
        let (a, b) = (word.chars().count(), known.chars().count());
        (a.min(b), a.max(b))
    };
    let allowed = match short {
        0 | 1 => 0,
        2..=5 => 1,
        _ => 2,
    };
    let slips = if long - short <= allowed {
        strsim::osa_distance(word, known)
    } else {
        long
    };
    let alike = strsim::jaro_winkler(word, known);
    let share = slips as f64 / long.max(1) as f64;
    if slips <= allowed {
        2.0 - share + alike / 100.0
    } else if alike > 0.8 {
        alike
    } else {
        0.0
    }
}

/// A suggestion for a sentence's end or as a sentence of its own: "did you mean `x`? Known here: `a`, `b`", or "known here: `a`, `b`" where
/// no candidate is near.
pub(crate) fn suggest<'c>(
    word: &str,
    what: &str,
    candidates: impl IntoIterator<Item = &'c str> + Clone,
) -> String {
    let near = nearest(word, candidates.clone());
    suggested(near.as_slice(), what, candidates)
}

/// As [`suggest`], with the near candidates already known.
pub(crate) fn suggested<'c>(
    near: &[&str],
    what: &str,
    candidates: impl IntoIterator<Item = &'c str>,
) -> String {
    const MOST: usize = 30;
    let quoted = |name: &str| format!("`{name}`");
    let mut names: Vec<String> = candidates.into_iter().map(quoted).collect();
    if names.len() > MOST {
        names.truncate(MOST);
        names.push("...".into());
    }
    let known = if names.is_empty() {
        "there are none".to_owned()
    } else {
        format!("{what}: {}", names.join(", "))
    };
    if near.is_empty() {
        return known;
    }
    let near: Vec<String> = near.iter().map(|n| quoted(n)).collect();
    format!("did you mean {}? {}", near.join(" or "), capital(&known))
}

/// The text with a capital first letter, as a sentence begins.
pub(crate) fn capital(text: &str) -> String {
    let mut signs = text.chars();
    let first = signs.next().into_iter().flat_map(char::to_uppercase);
    first.chain(signs).collect()
}

impl Cx {
    pub(super) fn new(source: Arc<SourceText>) -> Self {
        let overflow = None;
        Self {
            sources: vec![source],
            diagnostics: Vec::new(),
            files: Vec::new(),
            horizon: None,
            path: String::new(),
            overflow,
        }
    }

    /// Runs `f` with `.segment` (or `[3]`, as is) appended to the path that diagnostics carry.
    pub(super) fn at<T>(&mut self, segment: &str, f: impl FnOnce(&mut Self) -> T) -> T {
        let len = self.path.len();
        if !self.path.is_empty() && !segment.starts_with('[') {
            self.path.push('.');
        }
        self.path.push_str(segment);
        let out = f(self);
        self.path.truncate(len);
        out
    }

    /// As [`Self::at`] for the entry of a list.
    pub(super) fn at_index<T>(&mut self, index: usize, f: impl FnOnce(&mut Self) -> T) -> T {
        self.at(&format!("[{index}]"), f)
    }

    /// Notes an error; the caller may add help to it.
    pub(super) fn error(
        &mut self,
        code: Code,
        span: SourceSpan,
        message: impl Into<Box<str>>,
    ) -> &mut Diagnostic {
        let source = &self.sources[(span.source as usize).min(self.sources.len() - 1)];
        let mut d = Diagnostic::new(
            code,
            source,
            span.start as usize..span.end as usize,
            message,
        );
        d.path = shorten(self.path.as_str().into());
        if self.diagnostics.len() >= MAX_DIAGNOSTICS {
            return self.overflow.insert(d);
        }
        self.diagnostics.push(d);
        let last = self.diagnostics.len() - 1;
        &mut self.diagnostics[last]
    }

    /// Notes a warning; the caller may add help to it.
    pub(super) fn warn(
        &mut self,
        code: Code,
        span: SourceSpan,
        message: impl Into<Box<str>>,
    ) -> &mut Diagnostic {
        self.error(code, span, message).warning()
    }

    /// Notes an error: a value of another kind is needed here.
    pub(super) fn wrong_type(&mut self, node: &SyntaxNode, expected: &str) -> &mut Diagnostic {
        self.error(
            Code::WrongType,
            node.span,
            format!("expected {expected}, found {}", node.describe()),
        )
    }

    /// Reads a record `(a: .., b: ..)` that may have these fields and no others.
    pub(super) fn record<'n>(
        &mut self,
        node: &'n SyntaxNode,
        what: &str,
        known: &[&'static str],
    ) -> Option<Fields<'n>> {
        match &node.kind {
            SyntaxKind::Call {
                args: CallArgs::Items(_),
                ..
            } => {
                self.error(
                    Code::WrongType,
                    node.span,
                    format!("the fields of {what} need their names"),
                )
                .help(format!("write ({}: ..)", known.first().unwrap_or(&"name")));
                None
            }
            SyntaxKind::Call { name: None, .. } => self.params(node, what, known),
            _ => {
                let first = known.first().unwrap_or(&"name");
                let d = self.wrong_type(node, &format!("a record `({first}: ..)`"));
                // A record with a single field is easily mistaken for the value of that field.
                if let ([only], Some(value)) = (known, node.word()) {
                    d.help(format!("write ({only}: {value})"));
                }
                None
            }
        }
    }

    /// Reads the parameters of a variant, given by name or in the order of `known`.
    pub(super) fn params<'n>(
        &mut self,
        node: &'n SyntaxNode,
        what: &str,
        known: &[&'static str],
    ) -> Option<Fields<'n>> {
        let SyntaxKind::Call { args, .. } = &node.kind else {
            self.wrong_type(node, what);
            return None;
        };
        let mut found: Vec<(&'n str, &'n SyntaxNode)> = Vec::new();
        let mut slips = Vec::new();
        match args {
            CallArgs::Unit => {}
            CallArgs::Items(items) => {
                for (i, item) in items.iter().enumerate() {
                    if let Some(name) = known.get(i) {
                        found.push((name, item));
                    } else {
                        let message = format!(
                            "{what} takes {} at most, this is value {}",
                            plural(known.len(), "value"),
                            i + 1
                        );
                        self.error(Code::UnknownField, item.span, message).help(
                            if known.is_empty() {
                                "leave the brackets empty".into()
                            } else {
                                format!("in this order: {}", known.join(", "))
                            },
                        );
                        break;
                    }
                }
            }
            CallArgs::Fields(fields) => {
                for (key, value) in fields {
                    if !known.contains(&key.text.as_str()) {
                        // Looking for the field that was meant takes time, and past the greatest number of diagnostics nobody is told.
                        let told = self.diagnostics.len() < MAX_DIAGNOSTICS;
                        let elsewhere = variants::record_of(&key.text);
                        let called = variants::called(&key.text).filter(|c| known.contains(c));
                        let near = called.or_else(|| {
                            let near = || nearest(&key.text, known.iter().copied());
                            (told && elsewhere.is_none()).then(near).flatten()
                        });
                        slips.extend(known.iter().find(|k| Some(**k) == near));
                        let d = self.error(
                            Code::UnknownField,
                            key.span,
                            format!("{what} has no field `{}`", key.text),
                        );
                        if known.is_empty() {
                            d.help("it takes none");
                        } else if told {
                            let fields =
                                suggested(near.as_slice(), "its fields", known.iter().copied());
                            d.help(match elsewhere {
                                Some(record) => {
                                    format!("`{}` belongs into {record}; {fields}", key.text)
                                }
                                None => fields,
                            });
                        }
                    } else if found.iter().any(|(n, _)| *n == key.text) {
                        self.error(
                            Code::Duplicate,
                            key.span,
                            format!("the field `{}` is given twice", key.text),
                        );
                    } else {
                        found.push((key.text.as_str(), value));
                    }
                }
            }
        }
        found.retain(|(_, v)| v.kind != SyntaxKind::None);
        let span = match &node.kind {
            SyntaxKind::Call { name: Some(n), .. } => n.span,
            _ => SourceSpan {
                end: node.span.start + u32::from(node.span.end > node.span.start),
                ..node.span
            },
        };
        Some(Fields {
            found,
            slips,
            span,
            what: what.to_string(),
        })
    }

    /// Reads the name of a variant, which must be one of `known`; strings and other values are refused.
    pub(super) fn variant<'n>(
        &mut self,
        node: &'n SyntaxNode,
        what: &str,
        known: &[&'static str],
    ) -> Option<&'n str> {
        let SyntaxKind::Call {
            name: Some(name), ..
        } = &node.kind
        else {
            let message = format!("expected {what}, found {}", node.describe());
            self.error(Code::WrongType, node.span, message)
                .help(format!("one of {}", known.join(", ")));
            return None;
        };
        if known.contains(&name.text.as_str()) {
            return Some(&name.text);
        }
        self.error(
            Code::UnknownVariant,
            name.span,
            format!("`{}` is not {what}", name.text),
        )
        .help(suggest(&name.text, "known here", known.iter().copied()));
        None
    }

    /// Reads a field that may be absent.
    pub(super) fn optional<'n, T>(
        &mut self,
        f: &Fields<'n>,
        name: &str,
        read: impl FnOnce(&mut Self, &'n SyntaxNode) -> Option<T>,
    ) -> Option<T> {
        let node = f.get(name)?;
        self.at(name, |cx| read(cx, node))
    }

    /// Reads a field that must be given.
    pub(super) fn required<'n, T>(
        &mut self,
        f: &Fields<'n>,
        name: &str,
        read: impl FnOnce(&mut Self, &'n SyntaxNode) -> Option<T>,
    ) -> Option<T> {
        if f.get(name).is_none() {
            if f.slips.contains(&name) {
                return None;
            }
            self.error(
                Code::MissingField,
                f.span,
                format!("{} needs `{name}`", f.what),
            );
            return None;
        }
        self.optional(f, name, read)
    }

    pub(super) fn string<'n>(&mut self, node: &'n SyntaxNode, what: &str) -> Option<&'n str> {
        if let SyntaxKind::Str(s) = &node.kind {
            return Some(s);
        }
        self.wrong_type(node, &format!("{what} as a string"))
            .help("strings stand in double quotes");
        None
    }

    /// Reads the name or file of an interpreter's profile, which is looked up by whoever runs the scenario.
    pub(super) fn interpreter(&mut self, node: &SyntaxNode) -> Option<String> {
        let name = self.string(node, "an interpreter's name")?;
        if name.trim().is_empty() {
            self.error(Code::Empty, node.span, "an interpreter needs a name");
            return None;
        }
        Some(name.to_owned())
    }

    pub(super) fn boolean(&mut self, node: &SyntaxNode) -> Option<bool> {
        if let SyntaxKind::Bool(b) = node.kind {
            return Some(b);
        }
        self.wrong_type(node, "`true` or `false`");
        None
    }

    /// Reads a list. Any other value is an error.
    pub(super) fn list<'n>(
        &mut self,
        node: &'n SyntaxNode,
        what: &str,
    ) -> Option<&'n [SyntaxNode]> {
        if let SyntaxKind::List(items) = &node.kind {
            if items.len() > 10 * limits::MAX_STEPS {
                self.error(
                    Code::Limit,
                    node.span,
                    format!(
                        "{} entries are more than the limit of {}",
                        grouped(items.len()),
                        grouped(10 * limits::MAX_STEPS)
                    ),
                )
                .help("what is this many belongs into a trace, or is drawn from a distribution");
                return None;
            }
            return Some(items);
        }
        self.wrong_type(node, &format!("a list of {what}"))
            .help("lists stand in square brackets: [ .. ]");
        None
    }

    /// Reads a finite number.
    pub(super) fn float(&mut self, node: &SyntaxNode, what: &str) -> Option<f64> {
        let x = match node.kind {
            SyntaxKind::Int(i) => i as f64,
            SyntaxKind::Float(x) => x,
            _ => {
                self.wrong_type(node, &format!("{what} as a number"));
                return None;
            }
        };
        if x.is_finite() {
            return Some(x);
        }
        self.error(
            Code::OutOfRange,
            node.span,
            format!("{what} must be a finite number, not {x}"),
        );
        None
    }

    /// Reads a number above zero that is neither absurdly small nor absurdly large.
    pub(super) fn factor(&mut self, node: &SyntaxNode, what: &str) -> Option<f64> {
        let x = self.float(node, what)?;
        if x <= 0.0 {
            self.error(
                Code::OutOfRange,
                node.span,
                format!("{what} must be above zero"),
            );
            return None;
        }
        if !(1.0 / limits::MAX_FACTOR..=limits::MAX_FACTOR).contains(&x) {
            let message = format!(
                "{what} must lie within the limit MAX_FACTOR ({:e}) and its inverse",
                limits::MAX_FACTOR
            );
            self.error(Code::Limit, node.span, message)
                .help(limits::instead("MAX_FACTOR"));
            return None;
        }
        Some(x)
    }

    /// Reads a whole number within a range whose upper end is a named limit.
    pub(super) fn int(
        &mut self,
        node: &SyntaxNode,
        what: &str,
        range: RangeInclusive<u64>,
        limit: &str,
    ) -> Option<u64> {
        let help = limits::instead(limit);
        self.int_or(node, what, range, limit, help)
    }

    /// As [`Self::int`], with help on what to do where the number is past the limit.
    pub(super) fn int_or(
        &mut self,
        node: &SyntaxNode,
        what: &str,
        range: RangeInclusive<u64>,
        limit: &str,
        help: &str,
    ) -> Option<u64> {
        let value = match node.kind {
            SyntaxKind::Int(i) => i,
            #[expect(
                clippy::cast_possible_truncation,
                reason = "whole, and far below the type's limits"
            )]
            SyntaxKind::Float(x) if x.is_finite() && x.fract() == 0.0 && x.abs() < 1e18 => {
                x as i128
            }
            SyntaxKind::Float(x) => {
                self.error(
                    Code::OutOfRange,
                    node.span,
                    format!("{what} must be a whole number, not {x}"),
                );
                return None;
            }
            _ => {
                self.wrong_type(node, &format!("{what} as a whole number"));
                return None;
            }
        };
        if value < i128::from(*range.start()) {
            self.error(
                Code::OutOfRange,
                node.span,
                format!("{what} must be at least {}, not {value}", range.start()),
            );
            return None;
        }
        if value > i128::from(*range.end()) {
            self.error(
                Code::Limit,
                node.span,
                format!(
                    "{what} is {}, more than {}",
                    grouped(value),
                    limits::named(limit, range.end())
                ),
            )
            .help(help);
            return None;
        }
        u64::try_from(value).ok()
    }

    /// As [`Self::int`] for a number of 32 bits.
    pub(super) fn int32(
        &mut self,
        node: &SyntaxNode,
        what: &str,
        range: RangeInclusive<u32>,
        limit: &str,
    ) -> Option<u32> {
        let value = self.int(
            node,
            what,
            u64::from(*range.start())..=u64::from(*range.end()),
            limit,
        )?;
        u32::try_from(value).ok()
    }
}

/// Both values, if both could be read.
pub(super) fn both<A, B>(a: Option<A>, b: Option<B>) -> Option<(A, B)> {
    a.zip(b)
}

/// Reads a field that is its default where it is absent. Where it is wrong, the problem is noted and the default stands in for it.
pub(super) fn or<'n, T>(
    cx: &mut Cx,
    f: &Fields<'n>,
    name: &str,
    default: T,
    read: impl FnOnce(&mut Cx, &'n SyntaxNode) -> Option<T>,
) -> T {
    cx.optional(f, name, read).unwrap_or(default)
}

/// The name in a list that is most like `word`, if any is near; for messages about files and scenarios.
pub(super) fn closest(word: &str, names: &[&str]) -> Option<String> {
    nearest(word, names.iter().copied()).map(str::to_string)
}

/// A count with its noun: "1 value", "2 values".
pub(super) fn plural(n: usize, word: &str) -> String {
    if n == 1 {
        format!("1 {word}")
    } else {
        format!("{n} {word}s")
    }
}
