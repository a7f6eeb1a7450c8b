//! Reads the values that have a unit or a name of their own: durations, sizes, rates, shares, and tables by name.

use super::decode::Cx;
use super::diagnostic::Code;
use super::tree::{Ident, SyntaxKind, SyntaxNode};
use crate::engine::Nanos;
use crate::scenario::units;
use crate::scenario::units::{UnitError, grouped};
use crate::scenario::{Bytes, limits};

impl Cx {
    /// Checks that a list of `what` is not longer than the limit on named things.
    pub(super) fn few_names(&mut self, node: &SyntaxNode, count: usize, what: &str) -> Option<()> {
        if count > limits::MAX_NAMES {
            let message = format!(
                "{} {what} are more than {}",
                grouped(count),
                limits::named("MAX_NAMES", limits::MAX_NAMES)
            );
            self.error(Code::Limit, node.span, message)
                .help(limits::instead("MAX_NAMES"));
            return None;
        }
        Some(())
    }

    fn unit_error(&mut self, node: &SyntaxNode, error: UnitError, help: &str) {
        let (code, message, help) = match error {
            UnitError::Unit(m) => (Code::BadUnit, m, help),
            UnitError::Range(m) => (Code::OutOfRange, m, help),
            // The value is written correctly, so the help is about the limit and not about how to write it.
            UnitError::Limit(limit, m) => (Code::Limit, m, limits::instead(limit)),
        };
        self.error(code, node.span, message).help(help);
    }

    /// Reads a duration with its unit.
    pub(super) fn duration(&mut self, node: &SyntaxNode) -> Option<Nanos> {
        const HELP: &str =
            "durations look like \"250ms\", \"1.5s\" or \"1h30m\" (units: ns, us, ms, s, m, h, d)";
        match &node.kind {
            SyntaxKind::Str(text) => match units::duration(text) {
                Ok(t) => return Some(t),
                Err(e) => self.unit_error(node, e, HELP),
            },
            SyntaxKind::Int(_) | SyntaxKind::Float(_) => {
                self.error(Code::BadUnit, node.span, "a duration needs a unit")
                    .help(HELP);
            }
            _ => {
                self.wrong_type(node, "a duration").help(HELP);
            }
        }
        None
    }

    /// Reads a duration above zero.
    pub(super) fn positive_duration(&mut self, node: &SyntaxNode, what: &str) -> Option<Nanos> {
        let t = self.duration(node)?;
        self.above_zero(node, t, what)
    }

    /// Notes an error if a value is zero.
    pub(super) fn above_zero(
        &mut self,
        node: &SyntaxNode,
        value: Nanos,
        what: &str,
    ) -> Option<Nanos> {
        if value == Nanos::ZERO {
            self.error(
                Code::OutOfRange,
                node.span,
                format!("{what} must be above zero"),
            );
            return None;
        }
        Some(value)
    }

    /// Reads a size with its unit, in bytes.
    pub(super) fn size(&mut self, node: &SyntaxNode) -> Option<Bytes> {
        const HELP: &str = "sizes look like \"50MB\" (millions of bytes) or \"64KiB\" (units: B, kB, MB, GB, TB, PB, EB, KiB, MiB, GiB, TiB, PiB, EiB)";
        match &node.kind {
            SyntaxKind::Str(text) => match units::size(text) {
                Ok(n) => return Some(n),
                Err(e) => self.unit_error(node, e, HELP),
            },
            SyntaxKind::Int(_) | SyntaxKind::Float(_) => {
                self.error(Code::BadUnit, node.span, "a size needs a unit")
                    .help(HELP);
            }
            _ => {
                self.wrong_type(node, "a size").help(HELP);
            }
        }
        None
    }

    /// Reads a rate in events a second: a plain number, or a string with a unit.
    pub(super) fn rate(&mut self, node: &SyntaxNode) -> Option<f64> {
        let x = if let SyntaxKind::Str(text) = &node.kind {
            match units::rate(text) {
                Ok(x) => x,
                Err(e) => {
                    self.unit_error(node, e, "a rate is a number a second, or looks like \"120/s\", \"30/min\" or \"500/h\"");
                    return None;
                }
            }
        } else {
            self.float(node, "a rate (a second)")?
        };
        if x.is_nan() || x <= 0.0 {
            self.error(Code::OutOfRange, node.span, "a rate must be above zero");
            return None;
        }
        if x > limits::MAX_RATE {
            self.error(
                Code::Limit,
                node.span,
                format!(
                    "{} a second is more than {}",
                    grouped(x),
                    limits::named("MAX_RATE", limits::MAX_RATE)
                ),
            )
            .help(limits::instead("MAX_RATE"));
            return None;
        }
        if 1e9 / x > limits::MAX_DURATION.as_f64() {
            self.error(
                Code::Limit,
                node.span,
                "the time between arrivals is longer than the limit MAX_DURATION (1000 days)",
            )
            .help("a rate is a number a second, or looks like \"120/s\", \"30/min\" or \"500/h\"");
            return None;
        }
        Some(x)
    }

    /// Reads what a device transfers, in whole bytes a second.
    pub(super) fn data_rate(&mut self, node: &SyntaxNode) -> Option<Bytes> {
        const HELP: &str = "such rates look like \"200MB/s\" (millions of bytes a second), \"64KiB/s\" or \"1Gbit/s\"";
        let SyntaxKind::Str(text) = &node.kind else {
            if let SyntaxKind::Int(_) | SyntaxKind::Float(_) = node.kind {
                self.error(Code::BadUnit, node.span, "a device's rate needs a unit")
                    .help(HELP);
            } else {
                self.wrong_type(node, "a device's rate").help(HELP);
            }
            return None;
        };
        match units::data_rate(text) {
            Ok(0) => {
                self.error(
                    Code::OutOfRange,
                    node.span,
                    "a device's rate must be a byte a second or more",
                )
                .help(HELP);
                None
            }
            Ok(rate) => Some(rate),
            Err(e) => {
                self.unit_error(node, e, HELP);
                None
            }
        }
    }

    /// Reads a probability between 0 and 1, or in percent.
    pub(super) fn probability(&mut self, node: &SyntaxNode) -> Option<f64> {
        self.share(node, "a probability", "write 0.01 or \"1%\"")
    }

    /// Reads a share between 0 and 1, or in percent. `what` names it, with its article; `help` says how it is written.
    pub(super) fn share(
        &mut self,
        node: &SyntaxNode,
        what: &str,
        help: &'static str,
    ) -> Option<f64> {
        let x = if let SyntaxKind::Str(text) = &node.kind {
            match units::share(text) {
                Ok(x) => x,
                Err(e) => {
                    self.unit_error(node, e, help);
                    return None;
                }
            }
        } else {
            self.float(node, what)?
        };
        if (0.0..=1.0).contains(&x) {
            return Some(x);
        }
        self.error(
            Code::OutOfRange,
            node.span,
            format!("{what} lies between 0 and 1, not {x}"),
        )
        .help(help);
        None
    }

    /// Reads a table by name: `{"a": .., "b": ..}`, or only the names in a list, which then have no values.
    pub(super) fn table<'n>(
        &mut self,
        node: &'n SyntaxNode,
        what: &str,
    ) -> Option<Vec<(Ident, Option<&'n SyntaxNode>)>> {
        let entries: Vec<(Ident, Option<&'n SyntaxNode>)> = match &node.kind {
            SyntaxKind::Map(entries) => entries.iter().map(|(k, v)| (k.clone(), Some(v))).collect(),
            SyntaxKind::List(items) => {
                let named = |cx: &mut Self, n: &'n SyntaxNode| {
                    Some((
                        Ident {
                            text: cx.string(n, what)?.to_string(),
                            span: n.span,
                        },
                        None,
                    ))
                };
                items.iter().filter_map(|n| named(self, n)).collect()
            }
            _ => {
                self.wrong_type(node, &format!("{what}s by name"))
                    .help("write [\"a\", \"b\"], or {\"a\": (..)} to say more about them");
                return None;
            }
        };
        self.few_names(node, entries.len(), &format!("{what}s"))?;
        for (i, (key, _)) in entries.iter().enumerate() {
            if entries[..i].iter().any(|(k, _)| k.text == key.text) {
                self.error(
                    Code::Duplicate,
                    key.span,
                    format!("the {what} \"{}\" is declared twice", key.text),
                );
            } else if key.text.trim().is_empty() {
                let a = if what.starts_with(['a', 'e', 'i', 'o', 'u']) {
                    "an"
                } else {
                    "a"
                };
                self.error(Code::Empty, key.span, format!("{a} {what} needs a name"));
            }
        }
        Some(entries)
    }
}
