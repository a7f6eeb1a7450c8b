//! `pchsim check FILE...`: says whether scenarios are valid, and everything that is wrong with them.

use std::collections::BTreeMap;
use std::io::{self, Write as _};

use clap::{Args as ClapArgs, ValueEnum};
use serde::Serialize;

use super::candidates;
use super::explain;
use super::printer::Printer;
use super::selection::unknown_interpreters;
use super::terminal::Terminal;
use crate::scenario::visible;
use crate::syntax::{self, Code, Diagnostic, Severity};

/// Checks scenarios without running them.
#[derive(Clone, Debug, ClapArgs)]
pub struct Args {
    /// Scenario files, names of shipped scenarios, or `-` for standard input
    #[arg(required = true, value_name = "FILE", add = candidates::scenario())]
    pub files: Vec<String>,
    /// How problems are reported
    #[arg(long, value_enum, default_value_t = Format::Text)]
    pub format: Format,
    /// Override a field of the scenario (repeatable), for example machine.cores=8
    #[arg(long = "set", value_name = "PATH=VALUE", value_parser = parse_set)]
    pub set: Vec<(String, String)>,
}

/// The formats of a check's report.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
pub enum Format {
    /// For people: problems on stderr with the text underlined, one line for each file on stdout
    Text,
    /// One JSON document on stdout
    Json,
}

/// Splits `path=value` for clap.
///
/// # Errors
/// What was expected, for clap to say.
pub(crate) fn parse_set(text: &str) -> Result<(String, String), String> {
    match text.split_once('=') {
        Some((path, value)) if !path.trim().is_empty() => {
            Ok((path.trim().to_string(), value.trim().to_string()))
        }
        _ => Err("expected PATH=VALUE, for example machine.cores=8".into()),
    }
}

/// A diagnostic in the JSON report.
#[derive(Serialize)]
struct JsonDiagnostic<'d> {
    code: &'static str,
    severity: &'static str,
    message: &'d str,
    path: &'d str,
    source: &'d str,
    #[serde(skip_serializing_if = "Option::is_none")]
    line: Option<usize>,
    #[serde(skip_serializing_if = "Option::is_none")]
    column: Option<usize>,
    /// First and past-the-last byte of what is meant.
    bytes: [usize; 2],
    #[serde(skip_serializing_if = "Option::is_none")]
    help: Option<&'d str>,
    #[serde(skip_serializing_if = "Option::is_none")]
    /// Always `null`; earlier versions had the key.
    note: Option<&'d str>,
}

impl<'d> From<&'d Diagnostic> for JsonDiagnostic<'d> {
    fn from(d: &'d Diagnostic) -> Self {
        let place = d.line_column();
        Self {
            code: d.code.as_str(),
            severity: if d.severity == Severity::Error {
                "error"
            } else {
                "warning"
            },
            message: &d.message,
            path: &d.path,
            source: &d.source.name,
            line: place.map(|p| p.0),
            column: place.map(|p| p.1),
            bytes: [d.span.start, d.span.end],
            help: d.help.as_deref(),
            note: None,
        }
    }
}

#[derive(Serialize)]
struct JsonFile<'d> {
    file: &'d str,
    valid: bool,
    diagnostics: Vec<JsonDiagnostic<'d>>,
}

fn check_one(file: &str, overrides: &[(String, String)]) -> (bool, Vec<Diagnostic>) {
    match syntax::read(file) {
        Ok((text, origin)) => {
            let (scenario, mut diagnostics) = syntax::check(&text, &origin, overrides);
            // A run resolves them too, and fails.
            let unknown = unknown_interpreters(&text, &origin, overrides)
                .into_iter()
                .map(|e| Diagnostic::without_text(Code::UnknownName, file, e.to_string()));
            let known = diagnostics.len();
            diagnostics.extend(unknown);
            let valid = scenario.is_some() && diagnostics.len() == known;
            (valid, diagnostics)
        }
        Err(d) => (false, vec![d]),
    }
}

/// Checks every file; 0 when all are valid (warnings allowed), else 2. An `io::Error` in the result is one of writing to
/// stdout: the caller decides what a broken pipe means.
///
/// # Errors
/// Standard output cannot be written.
pub fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let results: Vec<(&String, bool, Vec<Diagnostic>)> = args
        .files
        .iter()
        .map(|f| {
            let (valid, diagnostics) = check_one(f, &args.set);
            (f, valid, diagnostics)
        })
        .collect();
    match args.format {
        Format::Json => {
            let files: Vec<JsonFile<'_>> = results
                .iter()
                .map(|(file, valid, diagnostics)| JsonFile {
                    file,
                    valid: *valid,
                    diagnostics: diagnostics.iter().map(Into::into).collect(),
                })
                .collect();
            let document = BTreeMap::from([
                ("schema", serde_json::json!(1)),
                ("files", serde_json::to_value(files)?),
            ]);
            writeln!(io::stdout(), "{}", serde_json::to_string_pretty(&document)?)?;
        }
        Format::Text => {
            let Terminal {
                messages, styled, ..
            } = printer.terminal;
            for (file, valid, diagnostics) in &results {
                if !diagnostics.is_empty() {
                    printer.excerpt(&syntax::render_within(diagnostics, styled, messages));
                }
                let count = |s: Severity| diagnostics.iter().filter(|d| d.severity == s).count();
                let (errors, warnings) = (count(Severity::Error), count(Severity::Warning));
                writeln!(
                    io::stdout(),
                    "{}: {}",
                    visible(file),
                    verdict(*valid, errors, warnings)
                )?;
            }
            let all: Vec<&Diagnostic> = results.iter().flat_map(|(_, _, d)| d).collect();
            explain::hint(&all).iter().for_each(|h| printer.hint(h));
        }
    }
    Ok(if results.iter().all(|(_, valid, _)| *valid) {
        0
    } else {
        2
    })
}

fn verdict(valid: bool, errors: usize, warnings: usize) -> String {
    let many = |n: usize, what: &str| format!("{n} {what}{}", if n == 1 { "" } else { "s" });
    match (valid, warnings) {
        (true, 0) => "valid".into(),
        (true, n) => format!("valid, {}", many(n, "warning")),
        (false, 0) => many(errors, "error"),
        (false, n) => format!("{}, {}", many(errors, "error"), many(n, "warning")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(files: &[&str], format: Format) -> u8 {
        let args = Args {
            files: files.iter().map(ToString::to_string).collect(),
            format,
            set: Vec::new(),
        };
        let printer = Printer {
            quiet: 0,
            verbose: 0,
            progress: false,
            terminal: Terminal::default(),
        };
        run(&args, &printer).unwrap()
    }

    #[test]
    fn the_exit_code_tells_valid_from_invalid() {
        for format in [Format::Text, Format::Json] {
            assert_eq!(check(&["scraper", "api"], format), 0);
            assert_eq!(check(&["scraper", "no-such-file.ron"], format), 2);
            assert_eq!(check(&["tests/data/bad/warn-unused.ron"], format), 0);
            assert_eq!(check(&["tests/data/bad/nan-inf.ron"], format), 2);
        }
    }

    #[test]
    fn interpreters_are_looked_up() {
        let set = |value: &str| [("interpreters".to_owned(), format!("[\"{value}\"]"))];
        assert!(check_one("api", &set("cpython-3.14")).0);
        let (valid, said) = check_one("api", &set("cpython-3.14x"));
        assert!(
            !valid && said[0].message.contains("cpython-3.14"),
            "{said:?}"
        );
    }

    #[test]
    fn overrides_are_split_at_the_first_equals_sign() {
        assert_eq!(parse_set("a.b=c=d"), Ok(("a.b".into(), "c=d".into())));
        assert!(parse_set("a.b").is_err() && parse_set("=3").is_err());
    }
}
