//! Loads a [`Scenario`] from a file, from the shipped scenarios or from standard input.

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::decode::{Cx, closest};
use super::decode_scenario;
use super::diagnostic::{Code, Diagnostic, Severity, SourceText};
use super::{embedded, input, overrides, tree};
use crate::scenario::{Scenario, limits};

/// Parses and validates a scenario. `origin` is the path of its file: its name in messages, and the place relative to which trace files are
/// looked for. `overrides` are pairs of a path and a value, as in `("machine.cores", "8")`. All problems are returned, not only the first.
///
/// # Errors
/// All problems, warnings among them, of a scenario that is not valid.
pub fn parse(
    text: &str,
    origin: &Path,
    overrides: &[(String, String)],
) -> Result<Scenario, Vec<Diagnostic>> {
    parse_with_files(text, origin, overrides).map(|(scenario, _)| scenario)
}

/// As [`parse`]; also returns the files that the scenario reads besides its own.
pub(super) fn parse_with_files(
    text: &str,
    origin: &Path,
    overrides: &[(String, String)],
) -> Result<(Scenario, Vec<PathBuf>), Vec<Diagnostic>> {
    let (scenario, diagnostics, files) = decoded(text, origin, overrides);
    match scenario {
        Some(scenario) => Ok((scenario, files)),
        None => Err(diagnostics
            .into_iter()
            .filter(|d| d.severity == Severity::Error)
            .collect()),
    }
}

/// As [`parse`], with the warnings too: returns the scenario if there is no error, and all errors and warnings.
pub fn check(
    text: &str,
    origin: &Path,
    overrides: &[(String, String)],
) -> (Option<Scenario>, Vec<Diagnostic>) {
    let (scenario, diagnostics, _) = decoded(text, origin, overrides);
    (scenario, diagnostics)
}

fn decoded(
    text: &str,
    origin: &Path,
    overrides: &[(String, String)],
) -> (Option<Scenario>, Vec<Diagnostic>, Vec<PathBuf>) {
    let nothing = |d: Diagnostic| (None, vec![d], Vec::new());
    let source = SourceText::new(origin.to_string_lossy(), text);
    if text.len() as u64 > limits::MAX_FILE_BYTES {
        let message = "the scenario is longer than the limit MAX_FILE_BYTES (4 MiB)";
        let mut d = Diagnostic::without_text(Code::Limit, &source.name, message);
        d.help(limits::instead("MAX_FILE_BYTES"));
        return nothing(d);
    }
    if tree::is_blank(text) {
        let mut d = Diagnostic::without_text(
            Code::EmptyFile,
            &source.name,
            format!("{} holds no scenario", source.name),
        );
        d.help("`pchsim init scraper` writes one to start from");
        return nothing(d);
    }
    let root = match tree::parse(text, 0) {
        Ok(root) => root,
        Err(e) => {
            let mut d = Diagnostic::new(
                Code::Syntax,
                &source,
                e.span.start as usize..e.span.end as usize,
                e.message,
            );
            d.help = e.help.map(Into::into);
            return nothing(d);
        }
    };
    let base = origin.parent().unwrap_or(Path::new(""));
    let with = |overrides: &[(String, String)]| {
        let mut root = root.clone();
        let mut cx = Cx::new(Arc::clone(&source));
        for (path, value) in overrides {
            overrides::apply(&mut cx, &mut root, path, value);
        }
        let scenario = decode_scenario::scenario(&mut cx, &root, base);
        (scenario, cx)
    };
    let (scenario, mut cx) = with(overrides);
    if !overrides.is_empty() {
        blame_overrides(&mut cx.diagnostics, &source, overrides, |some| {
            with(some).1.diagnostics
        });
    }
    let mut diagnostics = cx.diagnostics;
    let failed = diagnostics.iter().any(|d| d.severity == Severity::Error);
    if scenario.is_none() && !failed {
        diagnostics.push(Diagnostic::without_text(
            Code::Syntax,
            &origin.to_string_lossy(),
            "this is not a scenario",
        ));
    }
    // Diagnostics are in the order of the text: those of the file first, then those of the overrides.
    diagnostics.sort_by_key(|d| (d.source.name == "--set", d.span.start));
    (scenario.filter(|_| !failed), diagnostics, cx.files)
}

/// Moves the diagnostics of limits to the override that is to blame.
///
/// A limit on several values together is noted where the scenario's text has one of these values. But the text itself may be within the
/// limit, and an override is what exceeds it; then that override has to be changed. To blame is the override with which the limit is
/// exceeded for the first time, as they are applied one after another. `diagnose` says what is wrong if only some of the overrides are
/// applied.
fn blame_overrides(
    diagnostics: &mut [Diagnostic],
    text: &Arc<SourceText>,
    overrides: &[(String, String)],
    diagnose: impl Fn(&[(String, String)]) -> Vec<Diagnostic>,
) {
    let past = |d: &Diagnostic| d.code == Code::Limit && Arc::ptr_eq(&d.source, text);
    let mut open: Vec<&mut Diagnostic> = diagnostics.iter_mut().filter(|d| past(d)).collect();
    for count in 0..=overrides.len() {
        if open.is_empty() {
            return;
        }
        let found = diagnose(&overrides[..count]);
        let blamed = count.checked_sub(1).map(|i| &overrides[i]);
        open.retain_mut(|d| {
            if !found.iter().any(|f| past(f) && f.path == d.path) {
                return true;
            }
            if let Some((path, value)) = blamed {
                let source = overrides::source(path, value);
                d.span = source.text.len() - value.len()..source.text.len();
                d.source = source;
            }
            false
        });
    }
}

/// Reads and parses a scenario: by the path of its file, by the name of a shipped scenario (`scraper`), or from standard input (`-`).
///
/// # Errors
/// The file cannot be read, or as of [`parse`].
pub fn load(target: &str, overrides: &[(String, String)]) -> Result<Scenario, Vec<Diagnostic>> {
    let (text, origin) = read(target).map_err(|d| vec![d])?;
    parse(&text, &origin, overrides)
}

/// Reads the text of a scenario, and returns it with the path that [`parse`] takes as its origin. A file takes precedence over a shipped
/// scenario of the same name; a directory does not.
///
/// # Errors
/// There is no such file or shipped scenario, or it is too large or not UTF-8.
pub fn read(target: &str) -> Result<(String, PathBuf), Diagnostic> {
    let path = Path::new(target);
    if target == "-" {
        let mut bytes = Vec::new();
        let read = std::io::stdin()
            .lock()
            .take(limits::MAX_FILE_BYTES + 1)
            .read_to_end(&mut bytes);
        return match read {
            Ok(_) => Ok((
                utf8(bytes, "standard input")?,
                PathBuf::from("standard input"),
            )),
            Err(e) => Err(cannot_read("standard input", &input::reason(&e))),
        };
    }
    let metadata = fs::metadata(path);
    if !metadata.as_ref().is_ok_and(fs::Metadata::is_file)
        && let Some(shipped) = embedded::find(target)
    {
        return Ok((
            shipped.text.to_string(),
            PathBuf::from(format!("{}.ron", shipped.name)),
        ));
    }
    let bytes = match metadata {
        Ok(m) if m.is_dir() => {
            let mut d = cannot_read(target, "it is a directory");
            d.help("name a scenario file in it");
            return Err(d);
        }
        // A file that a shell has handed over has no length that could be checked before, so what is read is limited in any case.
        Ok(_) => input::open(path).and_then(|f| {
            let mut bytes = Vec::new();
            f.take(limits::MAX_FILE_BYTES + 1).read_to_end(&mut bytes)?;
            Ok(bytes)
        }),
        Err(e) => Err(e),
    };
    let bytes = bytes.map_err(|e| {
        let mut d = cannot_read(target, &input::reason(&e));
        if e.kind() == std::io::ErrorKind::NotFound {
            let names = embedded::names();
            let stem = path
                .file_stem()
                .map(|s| s.to_string_lossy().into_owned())
                .unwrap_or_default();
            let guess = closest(&stem, &names).map_or(String::new(), |n| {
                format!("did you mean the shipped scenario `{n}`? ")
            });
            d.help(format!("{guess}Shipped with pchsim: {}", names.join(", ")));
        }
        d
    })?;
    Ok((utf8(bytes, target)?, path.to_path_buf()))
}

fn cannot_read(name: &str, why: &str) -> Diagnostic {
    Diagnostic::without_text(
        Code::CannotRead,
        name,
        format!("{name} cannot be read: {why}"),
    )
}

fn utf8(bytes: Vec<u8>, name: &str) -> Result<String, Diagnostic> {
    String::from_utf8(bytes).map_err(|e| {
        let at = e.utf8_error().valid_up_to();
        let line = e.as_bytes()[..at].split(|b| *b == b'\n').count();
        let mut d = Diagnostic::without_text(
            Code::NotUtf8,
            name,
            format!("{name} is not UTF-8 text: byte {at}, in line {line}"),
        );
        d.help("save the file as UTF-8");
        d
    })
}
