//! What a step, an instruction, a strategy or a finding is stands in one place each, and everybody else asks there. A rule for "all others"
//! anywhere else would decide about a new kind without anyone having thought of it, so there is none: the sources are read for it.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

use syn::punctuated::Punctuated;
use syn::visit::{self, Visit};
use syn::{Expr, Pat, Token};

use crate::world;

/// The types, and the files that define them.
const DESCRIBED: [(&str, &str); 4] = [
    ("Step", "scenario/model.rs"),
    ("Strategy", "scenario/model.rs"),
    ("Instr", "cpython/program.rs"),
    ("Finding", "cpython/finding.rs"),
];

/// What the descriptions are made of: whoever asks takes every answer into account.
const ANSWERS: [(&str, &str); 9] = [
    ("Runs", "scenario/step.rs"),
    ("StepResource", "scenario/step.rs"),
    ("WaitsFor", "scenario/step.rs"),
    ("Locking", "scenario/step.rs"),
    ("Pool", "scenario/strategy.rs"),
    ("OffloadSide", "cpython/program.rs"),
    ("Awaited", "cpython/program.rs"),
    ("OnCore", "cpython/program.rs"),
    ("Effect", "cpython/finding.rs"),
];

/// One file, read for classifications that leave a rest.
struct Reader<'a> {
    file: &'a str,
    /// Names that mean the described types in this file.
    described: BTreeSet<&'static str>,
    answers: BTreeSet<&'static str>,
    /// The type whose `impl` is being read.
    own: Option<String>,
    found: Vec<String>,
}

/// The way from a pattern to one within it.
type Way = Vec<(String, usize)>;

impl Reader<'_> {
    fn told(&mut self, line: usize, what: &str) {
        self.found.push(format!("src/{}:{line}: {what}", self.file));
    }

    /// Whether a path names a variant of one of these types.
    fn names(&self, path: &syn::Path, types: &BTreeSet<&'static str>) -> bool {
        let Some(before) = path.segments.iter().rev().nth(1) else {
            return false;
        };
        let name = before.ident.to_string();
        match &self.own {
            Some(own) if name == "Self" => types.contains(own.as_str()),
            _ => types.contains(name.as_str()),
        }
    }

    /// Where variants of these types stand in a pattern.
    fn places(&self, pat: &Pat, types: &BTreeSet<&'static str>, way: &Way, out: &mut Vec<Way>) {
        let path = match pat {
            Pat::TupleStruct(p) => Some(&p.path),
            Pat::Struct(p) => Some(&p.path),
            Pat::Path(p) => Some(&p.path),
            _ => None,
        };
        if path.is_some_and(|p| self.names(p, types)) && !out.contains(way) {
            out.push(way.clone());
        }
        for (step, inner) in inside(pat) {
            let mut way = way.clone();
            way.extend(step);
            self.places(inner, types, &way, out);
        }
    }

    fn mentions(&self, pat: &Pat) -> bool {
        let mut places = Vec::new();
        self.places(pat, &self.described, &Way::new(), &mut places);
        !places.is_empty()
    }

    fn arms(&mut self, arms: &[(&Pat, usize)]) {
        let types = &self.described | &self.answers;
        let mut places = Vec::new();
        for (pat, _) in arms {
            self.places(pat, &types, &Way::new(), &mut places);
        }
        for (pat, line) in arms {
            if places.iter().any(|way| is_rest(pat, way)) {
                self.told(*line, "an arm for all others");
            }
        }
    }
}

/// The patterns right within a pattern, and how each is come to; alternatives and references are no step on the way.
fn inside(pat: &Pat) -> Vec<(Option<(String, usize)>, &Pat)> {
    let name = |path: &syn::Path| {
        path.segments
            .last()
            .map_or_else(String::new, |s| s.ident.to_string())
    };
    let numbered = |name: String, elems: &'_ Punctuated<Pat, Token![,]>| {
        let count = elems.len();
        (0..count).map(move |i| Some((name.clone(), i)))
    };
    match pat {
        Pat::Or(p) => p.cases.iter().map(|c| (None, c)).collect(),
        Pat::Paren(p) => vec![(None, &*p.pat)],
        Pat::Reference(p) => vec![(None, &*p.pat)],
        Pat::Guard(p) => vec![(None, &*p.pat)],
        Pat::Ident(p) => p.subpat.iter().map(|(_, p)| (None, &**p)).collect(),
        Pat::Tuple(p) => numbered(String::new(), &p.elems).zip(&p.elems).collect(),
        Pat::TupleStruct(p) => numbered(name(&p.path), &p.elems).zip(&p.elems).collect(),
        Pat::Struct(p) => p
            .fields
            .iter()
            .map(|f| {
                let member = match &f.member {
                    syn::Member::Named(ident) => ident.to_string(),
                    syn::Member::Unnamed(index) => index.index.to_string(),
                };
                (Some((format!("{}.{member}", name(&p.path)), 0)), &*f.pat)
            })
            .collect(),
        _ => Vec::new(),
    }
}

/// Whether a pattern takes whatever stands at a place: `_` or a name there, or on the way to it.
fn is_rest(pat: &Pat, way: &[(String, usize)]) -> bool {
    match pat {
        Pat::Wild(_) => true,
        // `None` and constants are no names for whatever comes.
        Pat::Ident(p) if p.subpat.is_none() => {
            p.ident.to_string().starts_with(|c: char| c.is_lowercase())
        }
        // What is not asked for may yet come to another arm.
        Pat::Guard(_) => false,
        _ => inside(pat).into_iter().any(|(step, inner)| match step {
            None => is_rest(inner, way),
            Some(step) => way.first() == Some(&step) && is_rest(inner, &way[1..]),
        }),
    }
}

/// `#[cfg(test)]`: tests may look for the one thing that they expect.
fn is_test(attrs: &[syn::Attribute]) -> bool {
    attrs.iter().any(|a| {
        a.path().is_ident("test")
            || a.path().is_ident("cfg")
                && a.parse_args::<syn::Path>()
                    .is_ok_and(|p| p.is_ident("test"))
    })
}

impl<'ast> Visit<'ast> for Reader<'_> {
    fn visit_item_mod(&mut self, item: &'ast syn::ItemMod) {
        if !is_test(&item.attrs) {
            visit::visit_item_mod(self, item);
        }
    }

    fn visit_item_impl(&mut self, item: &'ast syn::ItemImpl) {
        let own = match &*item.self_ty {
            syn::Type::Path(p) => p.path.segments.last().map(|s| s.ident.to_string()),
            _ => None,
        };
        let outer = std::mem::replace(&mut self.own, own);
        visit::visit_item_impl(self, item);
        self.own = outer;
    }

    fn visit_use_rename(&mut self, item: &'ast syn::UseRename) {
        if self.described.contains(item.ident.to_string().as_str()) && item.rename != "_" {
            self.told(item.ident.span().start().line, "goes by another name");
        }
    }

    fn visit_use_path(&mut self, item: &'ast syn::UsePath) {
        let variants = !matches!(*item.tree, syn::UseTree::Path(_));
        if variants && self.described.contains(item.ident.to_string().as_str()) {
            self.told(item.ident.span().start().line, "variants without its name");
        }
        visit::visit_use_path(self, item);
    }

    fn visit_expr_match(&mut self, item: &'ast syn::ExprMatch) {
        let line = |arm: &syn::Arm| arm.fat_arrow_token.spans[0].start().line;
        let arms: Vec<(&Pat, usize)> = item.arms.iter().map(|a| (&a.pat, line(a))).collect();
        self.arms(&arms);
        visit::visit_expr_match(self, item);
    }

    fn visit_expr_let(&mut self, item: &'ast syn::ExprLet) {
        if self.mentions(&item.pat) {
            self.told(
                item.let_token.span.start().line,
                "`if let` leaves the others out",
            );
        }
        visit::visit_expr_let(self, item);
    }

    fn visit_local(&mut self, item: &'ast syn::Local) {
        let diverges = item.init.as_ref().is_some_and(|i| i.diverge.is_some());
        if diverges && self.mentions(&item.pat) {
            self.told(
                item.let_token.span.start().line,
                "`let else` leaves the others out",
            );
        }
        visit::visit_local(self, item);
    }

    /// The arguments of macros are code, too.
    fn visit_macro(&mut self, item: &'ast syn::Macro) {
        let line = item.bang_token.span.start().line;
        if item.path.is_ident("matches") {
            let parts = item.parse_body_with(|input: syn::parse::ParseStream<'_>| {
                let expr: Expr = input.parse()?;
                input.parse::<Token![,]>()?;
                let pat = Pat::parse_multi_with_leading_vert(input)?;
                let guard = if input.peek(Token![if]) {
                    input.parse::<Token![if]>()?;
                    Some(input.parse::<Expr>()?)
                } else {
                    None
                };
                input.parse::<Option<Token![,]>>()?;
                Ok((expr, pat, guard))
            });
            match parts {
                Ok((expr, pat, guard)) => {
                    if self.mentions(&pat) {
                        self.told(line, "`matches!` leaves the others out");
                    }
                    read_apart(self, &expr);
                    guard.iter().for_each(|g| read_apart(self, g));
                }
                Err(e) => self.told(line, &format!("cannot be read: {e}")),
            }
            return;
        }
        let list = Punctuated::<Expr, Token![,]>::parse_terminated;
        if let Ok(list) = item.parse_body_with(list) {
            list.iter().for_each(|e| read_apart(self, e));
        }
    }
}

/// Reads code that does not live as long as the file's.
fn read_apart(reader: &mut Reader<'_>, code: &Expr) {
    let mut inner = Reader {
        file: reader.file,
        described: reader.described.clone(),
        answers: reader.answers.clone(),
        own: reader.own.clone(),
        found: Vec::new(),
    };
    inner.visit_expr(code);
    reader.found.append(&mut inner.found);
}

/// What is to be said of a file of these contents.
fn read(file: &str, text: &str) -> Vec<String> {
    let syntax = syn::parse_file(text).unwrap_or_else(|e| panic!("{file}: {e}"));
    // A file may have a type of its own by the name.
    let others: BTreeSet<String> = syntax
        .items
        .iter()
        .filter_map(|item| match item {
            syn::Item::Enum(e) => Some(e.ident.to_string()),
            syn::Item::Struct(s) => Some(s.ident.to_string()),
            _ => None,
        })
        .collect();
    let meant = |all: &[(&'static str, &'static str)]| {
        all.iter()
            .filter(|(name, home)| *home == file || !others.contains(*name))
            .map(|(name, _)| *name)
            .collect()
    };
    let mut reader = Reader {
        file,
        described: meant(&DESCRIBED),
        answers: meant(&ANSWERS),
        own: None,
        found: Vec::new(),
    };
    reader.visit_file(&syntax);
    reader.found
}

fn sources(folder: &Path, out: &mut Vec<PathBuf>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            sources(&path, out);
        } else if path.extension().is_some_and(|e| e == "rs") {
            out.push(path);
        }
    }
}

#[test]
fn nothing_is_decided_for_kinds_that_nobody_has_thought_of() {
    let root = world::root().join("src");
    let mut files = Vec::new();
    sources(&root, &mut files);
    files.sort();
    assert!(files.len() > 100, "{}", files.len());
    let mut found = Vec::new();
    let mut defined = BTreeSet::new();
    for path in &files {
        let name = path
            .strip_prefix(&root)
            .unwrap()
            .to_string_lossy()
            .replace('\\', "/");
        let text = fs::read_to_string(path).unwrap();
        for (kind, home) in DESCRIBED.iter().chain(&ANSWERS) {
            if *home == name && text.contains(&format!("enum {kind} {{")) {
                defined.insert(*kind);
            }
        }
        found.extend(read(&name, &text));
    }
    assert!(
        found.is_empty(),
        "say what holds for every kind, or ask its description (scenario/step.rs, scenario/strategy.rs, cpython/program.rs, cpython/finding.rs):\n{}",
        found.join("\n")
    );
    // What is not defined where it is looked for would be looked for in vain.
    let all = DESCRIBED.len() + ANSWERS.len();
    assert_eq!(
        defined.len(),
        all,
        "only {defined:?} are where they are looked for"
    );
}

/// The reader sees what it is there to see, and nothing else.
#[test]
fn a_rest_is_found_in_every_form() {
    let body = |code: &str| read("it.rs", &format!("fn f() {{ {code} }}"));
    for bad in [
        "match s { Step::Io(_) => 1, _ => 0 }",
        "match s { Step::Io(_) => 1, other => 0 }",
        "match &s { &Step::Io(_) => 1, &other => 0 }",
        "match s { crate::scenario::Step::Io(_) => 1, _ => 0 }",
        "match s { Some(Instr::End) => 1, None | Some(_) => 0 }",
        "match s { Some(Instr::End) => 1, _ => 0 }",
        "match (a, b) { (1, Strategy::Sequential) => 1, (_, _) => 0, }",
        "match (a, b) { (Finding::EventLimit { .. }, 1) => 1, (other, _) => 0, }",
        "match s { Step::Io(_) => 1, Step::Get(_) | _ => 0 }",
        "match s { Step::Io(_) => match t { Step::Put(_) => 1, _ => 2 }, Step::Get(_) => 3 }",
        "match s.inside { Some(Inside { runs: Runs::Once, .. }) => 1, Some(Inside { runs: _, .. }) | None => 0 }",
        "match s.waits() { WaitsFor::Never => 1, _ => 0 }",
        "if let Step::Io(_) = s {}",
        "while let Some(Step::Io(_)) = s {}",
        "let Strategy::Asyncio { limit, .. } = s else { return };",
        "matches!(s, Step::Io(_) | Step::Put(_))",
        "assert!(all.iter().any(|s| matches!(s, Step::Io(t) if t == 1)), \"{}\", 1)",
        "use crate::scenario::Step as S;",
        "use crate::scenario::{Step::*, Dist};",
        "use crate::scenario::Step::{Io, Put};",
    ] {
        assert_eq!(body(bad).len(), 1, "{bad}: {:?}", body(bad));
    }
    let own = "impl Step { fn f(&self) { match self { Self::Io(_) => 1, _ => 0 } } }";
    assert_eq!(read("it.rs", own), ["src/it.rs:1: an arm for all others"]);
    for good in [
        "match s { Step::Io(_) => 1, Step::Put(_) | Step::Get(_) => 0 }",
        "match s { Step::Io(Dist::Constant(_)) => 1, Step::Io(_) => 0 }",
        "match s { Some(Instr::End) => 1, None => 0 }",
        "match (a, b) { (1, Strategy::Sequential) => 1, (_, Strategy::Threads(_)) => 0, }",
        "match s { Step::Repeat(n, _) if n > 1 => 1, Step::Repeat(..) => 0 }",
        "match n { 1 => Step::Io(a), _ => Step::Put(b) }",
        "let Step::Io(_) = s;",
        "if let Some(Locking::Takes(l)) = s.locking() {}",
        "match name { Named::Step => 1, _ => 0 }",
        "use crate::scenario::{Dist, Step, Strategy as _};",
    ] {
        assert_eq!(body(good), [""; 0], "{good}");
    }
    // Tests look for what they expect, and a file may have a type of its own by such a name.
    for good in [
        "#[cfg(test)] mod tests { fn f() { if let Step::Io(_) = s {} } }",
        "enum Step { A, B } fn f() { match s { Step::A => 1, _ => 0 } }",
    ] {
        assert_eq!(read("it.rs", good), [""; 0], "{good}");
    }
}
