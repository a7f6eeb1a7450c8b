//! Parses RON into a tree in which every value remembers where it stood in the text.
//!
//! The `ron` crate deserializes straight into Rust types: an enum's variant name is lost to `deserialize_any` and to
//! `ron::Value`, so a field that is "a string or a variant" (`"250ms"` or `Exponential("20ms")`), an override by path and
//! an error about two distant fields are all out of reach. This tree makes the three of them simple. What it accepts is a
//! subset of RON (a test holds it to that): no byte strings, characters or number suffixes, and map keys are strings.

use super::variants;

/// The deepest nesting of values; deeper text is refused, because it could exhaust the stack.
pub(super) const MAX_NESTING: usize = 64;

/// A range of bytes in one of the texts that a scenario is made of.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct SourceSpan {
    /// The number of the text: 0 is the file, and each override has a number of its own after that.
    pub(super) source: u32,
    pub(super) start: u32,
    pub(super) end: u32,
}

/// A name in the text: of a field or of a variant.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Ident {
    pub(super) text: String,
    pub(super) span: SourceSpan,
}

/// A value and where it stood.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct SyntaxNode {
    pub(super) span: SourceSpan,
    pub(super) kind: SyntaxKind,
}

/// The kinds of value.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum SyntaxKind {
    /// `None`, which means the same as an absent field.
    None,
    Bool(bool),
    Int(i128),
    /// A number that may be infinite or not a number; the code that reads it reports that.
    Float(f64),
    Str(String),
    List(Vec<SyntaxNode>),
    Map(Vec<(Ident, SyntaxNode)>),
    /// `Name`, `Name(..)` or `(..)`.
    Call {
        name: Option<Ident>,
        args: CallArgs,
    },
}

/// What stands in the parentheses of a [`SyntaxKind::Call`].
#[derive(Clone, Debug, PartialEq)]
pub(super) enum CallArgs {
    /// There are no parentheses, or nothing in them.
    Unit,
    Items(Vec<SyntaxNode>),
    Fields(Vec<(Ident, SyntaxNode)>),
}

impl SyntaxNode {
    /// What kind of value this is, for messages such as "expected ..., found ...".
    pub(super) fn describe(&self) -> String {
        match &self.kind {
            SyntaxKind::None => "`None`".into(),
            SyntaxKind::Bool(b) => format!("`{b}`"),
            SyntaxKind::Int(_) | SyntaxKind::Float(_) => "a number".into(),
            SyntaxKind::Str(_) => "a string".into(),
            SyntaxKind::List(_) => "a list".into(),
            SyntaxKind::Map(_) => "a map".into(),
            SyntaxKind::Call { name: Some(n), .. } => format!("`{}`", n.text),
            SyntaxKind::Call { name: None, .. } => "a record `( )`".into(),
        }
    }
}

impl SyntaxNode {
    /// The value as it is written, if it is a single word.
    pub(super) fn word(&self) -> Option<String> {
        match &self.kind {
            SyntaxKind::Bool(b) => Some(b.to_string()),
            SyntaxKind::Int(i) => Some(i.to_string()),
            SyntaxKind::Call {
                name: Some(name),
                args: CallArgs::Unit,
            } => Some(name.text.clone()),
            SyntaxKind::None
            | SyntaxKind::Float(_)
            | SyntaxKind::Str(_)
            | SyntaxKind::List(_)
            | SyntaxKind::Map(_)
            | SyntaxKind::Call { .. } => None,
        }
    }
}

/// Why a text is not RON, and where.
#[derive(Debug)]
pub(super) struct SyntaxError {
    pub(super) span: SourceSpan,
    pub(super) message: String,
    pub(super) help: Option<String>,
}

type Parsed<T> = Result<T, Box<SyntaxError>>;

/// Parses a whole text. `source` is the number of the text, which its spans carry.
pub(super) fn parse(text: &str, source: u32) -> Parsed<SyntaxNode> {
    let mut p = Parser {
        text,
        at: 0,
        source,
    };
    // Some editors begin every file with a byte order mark.
    p.take('\u{feff}');
    p.space()?;
    p.extensions()?;
    let node = p.value(0)?;
    p.space()?;
    if p.at < text.len() {
        return Err(p.here("nothing may follow the closing bracket of the whole", None));
    }
    Ok(node)
}

/// Whether the text holds nothing but white space and comments.
pub(super) fn is_blank(text: &str) -> bool {
    let mut p = Parser {
        text,
        at: 0,
        source: 0,
    };
    p.take('\u{feff}');
    p.space().is_ok() && p.at == text.len()
}

struct Parser<'t> {
    text: &'t str,
    at: usize,
    source: u32,
}

fn small(n: usize) -> u32 {
    u32::try_from(n).unwrap_or(u32::MAX)
}

fn is_word(c: char) -> bool {
    c.is_alphanumeric() || c == '_'
}

impl<'t> Parser<'t> {
    fn rest(&self) -> &'t str {
        &self.text[self.at..]
    }

    fn peek(&self) -> Option<char> {
        self.rest().chars().next()
    }

    fn span(&self, start: usize) -> SourceSpan {
        SourceSpan {
            source: self.source,
            start: small(start),
            end: small(self.at),
        }
    }

    #[expect(
        clippy::unnecessary_box_returns,
        reason = "goes into a `Result`, where it has to be small"
    )]
    fn fail(
        &self,
        start: usize,
        end: usize,
        message: impl Into<String>,
        help: Option<&str>,
    ) -> Box<SyntaxError> {
        let span = SourceSpan {
            source: self.source,
            start: small(start),
            end: small(end),
        };
        Box::new(SyntaxError {
            span,
            message: message.into(),
            help: help.map(Into::into),
        })
    }

    /// An error about the character or word that comes next.
    #[expect(
        clippy::unnecessary_box_returns,
        reason = "goes into a `Result`, where it has to be small"
    )]
    fn here(&self, message: impl Into<String>, help: Option<&str>) -> Box<SyntaxError> {
        let word: usize = self
            .rest()
            .chars()
            .take_while(|&c| is_word(c))
            .map(char::len_utf8)
            .sum();
        let len = if word > 0 {
            word
        } else {
            self.peek().map_or(0, char::len_utf8)
        };
        self.fail(self.at, self.at + len, message, help)
    }

    fn found(&self) -> String {
        match self.peek() {
            None => "the end of the text".into(),
            Some(c) if is_word(c) => format!(
                "`{}`",
                self.rest()
                    .chars()
                    .take_while(|&c| is_word(c))
                    .take(40)
                    .collect::<String>()
            ),
            Some(c) => format!("`{c}`"),
        }
    }

    fn take(&mut self, c: char) -> bool {
        let yes = self.peek() == Some(c);
        if yes {
            self.at += c.len_utf8();
        }
        yes
    }

    /// Skips white space and comments.
    fn space(&mut self) -> Parsed<()> {
        loop {
            let rest = self.rest();
            self.at += rest.len() - rest.trim_start().len();
            if self.rest().starts_with("//") {
                self.at += self.rest().find('\n').unwrap_or(self.rest().len());
            } else if self.rest().starts_with("/*") {
                self.block_comment()?;
            } else {
                return Ok(());
            }
        }
    }

    fn block_comment(&mut self) -> Parsed<()> {
        let start = self.at;
        let mut depth = 0_u32;
        while self.at < self.text.len() {
            if self.rest().starts_with("/*") {
                depth += 1;
                self.at += 2;
            } else if self.rest().starts_with("*/") {
                depth -= 1;
                self.at += 2;
                if depth == 0 {
                    return Ok(());
                }
            } else {
                self.at += self.peek().map_or(1, char::len_utf8);
            }
        }
        Err(self.fail(
            start,
            start + 2,
            "this comment is never closed",
            Some("end it with `*/`"),
        ))
    }

    /// Skips attributes such as `#![enable(implicit_some)]`, which are allowed for the sake of other tools and have no effect here.
    fn extensions(&mut self) -> Parsed<()> {
        while self.rest().starts_with("#![") {
            let Some(end) = self.rest().find(']') else {
                return Err(self.here("this attribute is never closed", Some("end it with `]`")));
            };
            self.at += end + 1;
            self.space()?;
        }
        Ok(())
    }

    fn word(&mut self) -> &'t str {
        let rest = self.rest();
        let len = rest
            .chars()
            .take_while(|&c| is_word(c))
            .map(char::len_utf8)
            .sum();
        self.at += len;
        &rest[..len]
    }

    fn value(&mut self, depth: usize) -> Parsed<SyntaxNode> {
        if depth > MAX_NESTING {
            return Err(self.here(
                format!("values are nested more than {MAX_NESTING} deep (limit MAX_NESTING)"),
                None,
            ));
        }
        let start = self.at;
        let kind = match self.peek() {
            None => {
                return Err(self.here(
                    "the text ends where a value should stand",
                    Some("is a bracket or a value missing?"),
                ));
            }
            Some('"') => SyntaxKind::Str(self.string()?),
            Some('r')
                if self.rest().starts_with("r\"")
                    || self.rest().starts_with("r#\"")
                    || self.rest().starts_with("r##") =>
            {
                SyntaxKind::Str(self.raw_string()?)
            }
            Some('[') => self.list(depth)?,
            Some('{') => self.map(depth)?,
            Some('(') => SyntaxKind::Call {
                name: None,
                args: self.args(None, depth)?,
            },
            Some('0'..='9' | '.' | '+' | '-') => self.number()?,
            Some('\'') => {
                return Err(self.here(
                    "strings stand in double quotes",
                    Some("write \"...\" instead of '...'"),
                ));
            }
            Some('#') => {
                return Err(self.here(
                    "`#` does not start a comment here",
                    Some("comments start with `//`"),
                ));
            }
            Some(c) if c.is_alphabetic() || c == '_' => return self.named(depth),
            Some(_) => {
                return Err(self.here(format!("expected a value, found {}", self.found()), None));
            }
        };
        Ok(SyntaxNode {
            span: self.span(start),
            kind,
        })
    }

    /// Reads what begins with a word: `true`, `None`, `Some(x)`, `NaN`, or a variant.
    fn named(&mut self, depth: usize) -> Parsed<SyntaxNode> {
        let start = self.at;
        let word = self.word();
        let name_span = self.span(start);
        let kind = match word {
            "true" => SyntaxKind::Bool(true),
            "false" => SyntaxKind::Bool(false),
            "None" => SyntaxKind::None,
            "NaN" => SyntaxKind::Float(f64::NAN),
            "inf" => SyntaxKind::Float(f64::INFINITY),
            _ => {
                let after = self.at;
                self.space()?;
                let args = if self.peek() == Some('(') {
                    self.args(Some(word), depth)?
                } else {
                    self.at = after;
                    CallArgs::Unit
                };
                // An optional value may be written with or without its `Some`.
                if let ("Some", CallArgs::Items(items)) = (word, &args)
                    && items.len() == 1
                {
                    return Ok(items[0].clone());
                }
                SyntaxKind::Call {
                    name: Some(Ident {
                        text: word.into(),
                        span: name_span,
                    }),
                    args,
                }
            }
        };
        Ok(SyntaxNode {
            span: self.span(start),
            kind,
        })
    }

    /// Reads what follows an element: a comma, or the closing bracket. Returns `true` when the closing bracket was there.
    fn closes(&mut self, open: usize, close: char) -> Parsed<bool> {
        self.space()?;
        let comma = self.take(',');
        if comma {
            self.space()?;
        }
        if self.take(close) {
            return Ok(true);
        }
        if self.peek().is_none() {
            return Err(self.fail(
                open,
                open + 1,
                format!("this bracket is never closed by `{close}`"),
                None,
            ));
        }
        if comma {
            return Ok(false);
        }
        let help = match self.peek() {
            Some('=') => "a field's value stands after a colon, as in `name: \"value\"`",
            Some('%') => "a share in percent is a string, as in \"1%\"",
            _ => "is a comma missing before it?",
        };
        Err(self.here(
            format!("expected `,` or `{close}`, found {}", self.found()),
            Some(help),
        ))
    }

    /// Reads an opening bracket. Returns its position, and `true` when it is closed at once.
    fn opens(&mut self, close: char) -> Parsed<(usize, bool)> {
        let open = self.at;
        self.at += 1;
        self.space()?;
        if self.peek().is_none() {
            return Err(self.fail(
                open,
                open + 1,
                format!("this bracket is never closed by `{close}`"),
                None,
            ));
        }
        Ok((open, self.take(close)))
    }

    fn list(&mut self, depth: usize) -> Parsed<SyntaxKind> {
        let (open, mut done) = self.opens(']')?;
        let mut items = Vec::new();
        while !done {
            items.push(self.value(depth + 1)?);
            done = self.closes(open, ']')?;
        }
        Ok(SyntaxKind::List(items))
    }

    fn map(&mut self, depth: usize) -> Parsed<SyntaxKind> {
        let (open, mut done) = self.opens('}')?;
        let mut entries = Vec::new();
        while !done {
            let start = self.at;
            if self.peek() != Some('"') {
                let help = "records stand in round brackets, `(name: ..)`; only a table by name has braces, `{\"state\": ..}`";
                return Err(self.here(
                    format!("expected a name in double quotes, found {}", self.found()),
                    Some(help),
                ));
            }
            let text = self.string()?;
            let key = Ident {
                text,
                span: self.span(start),
            };
            self.colon()?;
            entries.push((key, self.value(depth + 1)?));
            done = self.closes(open, '}')?;
        }
        Ok(SyntaxKind::Map(entries))
    }

    fn colon(&mut self) -> Parsed<()> {
        self.space()?;
        if !self.take(':') {
            let help = (self.peek() == Some('=')).then_some("write `:` instead of `=`");
            return Err(self.here(format!("expected `:`, found {}", self.found()), help));
        }
        self.space()
    }

    /// Whether a field name and its colon come next.
    fn at_field(&mut self) -> Parsed<bool> {
        let start = self.at;
        let is_name = self.peek().is_some_and(|c| c.is_alphabetic() || c == '_');
        let mut yes = false;
        if is_name {
            self.word();
            self.space()?;
            yes = matches!(self.peek(), Some(':' | '='));
        }
        self.at = start;
        Ok(yes)
    }

    /// Reads what stands in parentheses; `name` is the name before them.
    fn args(&mut self, name: Option<&str>, depth: usize) -> Parsed<CallArgs> {
        let (open, mut done) = self.opens(')')?;
        if done {
            return Ok(CallArgs::Unit);
        }
        if !self.at_field()? {
            let mut items = Vec::new();
            while !done {
                if self.at_field()? {
                    return Err(self.mixed(name, &items, depth));
                }
                items.push(self.value(depth + 1)?);
                self.space()?;
                if self.peek() == Some(':') {
                    return Err(self.here(
                        "field names stand without quotes",
                        Some("write `name: ..` instead of `\"name\": ..`"),
                    ));
                }
                done = self.closes(open, ')')?;
            }
            return Ok(CallArgs::Items(items));
        }
        let mut fields = Vec::new();
        while !done {
            if !self.at_field()? {
                return Err(self.here(
                    format!("expected a field name and a colon, found {}", self.found()),
                    Some("fields with and without a name cannot be mixed"),
                ));
            }
            let start = self.at;
            let text = self.word().into();
            let key = Ident {
                text,
                span: self.span(start),
            };
            self.colon()?;
            fields.push((key, self.value(depth + 1)?));
            done = self.closes(open, ')')?;
        }
        Ok(CallArgs::Fields(fields))
    }

    /// An error about a named field, which comes next, after values without names.
    #[expect(
        clippy::unnecessary_box_returns,
        reason = "goes into a `Result`, where it has to be small"
    )]
    fn mixed(
        &mut self,
        name: Option<&str>,
        items: &[SyntaxNode],
        depth: usize,
    ) -> Box<SyntaxError> {
        let start = self.at;
        let known = name.map_or(&[][..], variants::params);
        let field = self.word();
        let value = self.colon().and_then(|()| self.value(depth + 1));
        self.at = start;
        let text = |node: &SyntaxNode| {
            let text = &self.text[node.span.start as usize..node.span.end as usize];
            let short = text.len() <= 40 && !text.contains('\n');
            if short { text } else { ".." }
        };
        let help = match name {
            Some(name) if items.len() <= known.len() => {
                let before = items
                    .iter()
                    .zip(known)
                    .map(|(node, param)| (*param, text(node)));
                let this = (field, value.as_ref().map_or("..", text));
                let named: Vec<String> = (before.chain([this]))
                    .map(|(name, value)| format!("{name}: {value}"))
                    .collect();
                format!("write {name}({})", named.join(", "))
            }
            _ => "give every value its name, as in (name: .., count: ..)".into(),
        };
        self.here(
            format!("`{field}` has a name, and what stands before it has none: fields with and without a name cannot be mixed"),
            Some(&help),
        )
    }

    fn number(&mut self) -> Parsed<SyntaxKind> {
        let start = self.at;
        let sign = self.take('-') || self.take('+');
        if sign && (self.rest().starts_with("inf") || self.rest().starts_with("NaN")) {
            let infinite = self.word() == "inf";
            let negative = self.text[start..].starts_with('-');
            return Ok(SyntaxKind::Float(if infinite {
                if negative {
                    f64::NEG_INFINITY
                } else {
                    f64::INFINITY
                }
            } else {
                f64::NAN
            }));
        }
        let radix = match self.rest().get(..2) {
            Some("0x") => 16,
            Some("0o") => 8,
            Some("0b") => 2,
            _ => 10,
        };
        if radix != 10 {
            self.at += 2;
            let digits: String = self.word().chars().filter(|&c| c != '_').collect();
            let negative = self.text[start..].starts_with('-');
            let value = i128::from_str_radix(&digits, radix)
                .map_err(|_| self.fail(start, self.at, "this is not a number", None))?;
            return Ok(SyntaxKind::Int(if negative { -value } else { value }));
        }
        let bytes = self.text.as_bytes();
        let digits = |at: &mut usize| {
            while bytes
                .get(*at)
                .is_some_and(|b| b.is_ascii_digit() || *b == b'_')
            {
                *at += 1;
            }
        };
        digits(&mut self.at);
        let mut float = false;
        if self.peek() == Some('.') {
            float = true;
            self.at += 1;
            digits(&mut self.at);
        }
        if matches!(bytes.get(self.at), Some(b'e' | b'E')) {
            let after = if matches!(bytes.get(self.at + 1), Some(b'+' | b'-')) {
                self.at + 2
            } else {
                self.at + 1
            };
            if bytes.get(after).is_some_and(u8::is_ascii_digit) {
                float = true;
                self.at = after;
                digits(&mut self.at);
            }
        }
        if self.peek().is_some_and(|c| is_word(c) || c == '%') {
            self.word();
            self.take('%');
            let all = &self.text[start..self.at];
            return Err(self.fail(
                start,
                self.at,
                format!("`{all}` is not a number"),
                Some(&format!("a value with a unit is a string: write \"{all}\"")),
            ));
        }
        let text: String = self.text[start..self.at]
            .chars()
            .filter(|&c| c != '_')
            .collect();
        let whole = if float {
            None
        } else {
            text.parse::<i128>().ok()
        };
        match (whole, text.parse::<f64>()) {
            (Some(i), _) => Ok(SyntaxKind::Int(i)),
            (None, Ok(x)) => Ok(SyntaxKind::Float(x)),
            (None, Err(_)) => {
                Err(self.fail(start, self.at.max(start + 1), "this is not a number", None))
            }
        }
    }

    fn string(&mut self) -> Parsed<String> {
        let start = self.at;
        self.at += 1;
        let mut out = String::new();
        loop {
            let Some(c) = self.peek() else {
                return Err(self.fail(
                    start,
                    start + 1,
                    "this string is never closed",
                    Some("end it with `\"`"),
                ));
            };
            let at = self.at;
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escape(at)?),
                c => out.push(c),
            }
        }
    }

    fn escape(&mut self, start: usize) -> Parsed<char> {
        let c = self.peek();
        self.at += c.map_or(0, char::len_utf8);
        let code = match c {
            Some('n') => return Ok('\n'),
            Some('t') => return Ok('\t'),
            Some('r') => return Ok('\r'),
            Some('0') => return Ok('\0'),
            Some(c @ ('\\' | '"' | '\'')) => return Ok(c),
            Some('x') => {
                let hex = self
                    .rest()
                    .get(..2)
                    .and_then(|h| u32::from_str_radix(h, 16).ok());
                self.at += if hex.is_some() { 2 } else { 0 };
                hex
            }
            Some('u') if self.take('{') => {
                let hex = self.word();
                let value = u32::from_str_radix(hex, 16).ok();
                if self.take('}') { value } else { None }
            }
            _ => None,
        };
        code.and_then(char::from_u32).ok_or_else(|| {
            self.fail(
                start,
                self.at,
                "this escape does not exist",
                Some("a backslash itself is written `\\\\`"),
            )
        })
    }

    fn raw_string(&mut self) -> Parsed<String> {
        let start = self.at;
        self.at += 1;
        let hashes = self.rest().chars().take_while(|&c| c == '#').count();
        self.at += hashes;
        if !self.take('"') {
            return Err(self.here(format!("expected `\"`, found {}", self.found()), None));
        }
        let close = format!("\"{}", "#".repeat(hashes));
        let Some(len) = self.rest().find(&close) else {
            return Err(self.fail(
                start,
                start + 1,
                format!("this string is never closed by `{close}`"),
                None,
            ));
        };
        let out = self.rest()[..len].to_string();
        self.at += len + close.len();
        Ok(out)
    }
}
