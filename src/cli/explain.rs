//! `pchsim explain CODE`: explains at length what an error, a warning, a note or an insight means.

use clap::Args as ClapArgs;
use clap::builder::{PossibleValue, StringValueParser, TypedValueParser};

use super::{Printer, UserError};
use crate::report::{CodeEntry, code_list, codes, explanation};
use crate::syntax::{Diagnostic, nearest};

/// Explains codes.
#[derive(Clone, Debug, ClapArgs)]
#[command(after_long_help = "Examples:
  pchsim explain
  pchsim explain missing-field
  pchsim explain 'warning[saturated]'")]
pub(crate) struct Args {
    /// The code as it stands in the message, with or without what is round it; without one all are listed
    #[arg(value_name = "CODE", value_parser = AnyCode, hide_possible_values = true)]
    pub code: Option<String>,
}

/// Any text is taken, so that what is no code is answered here; the codes are named to who completes command lines.
#[derive(Clone, Copy, Debug)]
struct AnyCode;

impl TypedValueParser for AnyCode {
    type Value = String;

    fn parse_ref(
        &self,
        cmd: &clap::Command,
        arg: Option<&clap::Arg>,
        value: &std::ffi::OsStr,
    ) -> Result<String, clap::Error> {
        StringValueParser::new().parse_ref(cmd, arg, value)
    }

    fn possible_values(&self) -> Option<Box<dyn Iterator<Item = PossibleValue> + '_>> {
        let value = |e: CodeEntry| PossibleValue::new(e.code).help(e.meaning);
        Some(Box::new(codes().into_iter().map(value)))
    }
}

/// Prints the explanation of a code, or the list of all.
///
/// # Errors
/// There is no such code, or standard output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    let style = printer.style(false, false);
    let text = match &args.code {
        None => code_list(style),
        Some(text) => {
            let all = codes();
            let found = candidates(text);
            let is = |code: &String| all.iter().find(|e| e.code == *code);
            let entry = found.iter().find_map(is);
            explanation(entry.ok_or_else(|| unknown(text, &found, &all))?, style)
        }
    };
    printer.result(&text)?;
    Ok(0)
}

/// What may be the code in what somebody has copied from a message, be it the code (`limit`), its begin (`error[limit]:`) or all of it, or
/// reads in a table (`out of memory`): the likeliest first.
fn candidates(text: &str) -> Vec<String> {
    // A message may quote brackets of its own, before its code as well: `a.ron:3: tasks[0]: error[limit]`.
    let bracketed = text
        .split('[')
        .skip(1)
        .filter_map(|rest| rest.split(']').next());
    let begin = text.split(':').next();
    let mut all: Vec<String> = Vec::new();
    for code in bracketed.chain([text]).chain(begin).map(plain) {
        if !code.is_empty() && !all.contains(&code) {
            all.push(code);
        }
    }
    all
}

/// A code without what may stand round it, as the program writes it.
fn plain(text: &str) -> String {
    let trimmed = text.trim_matches(|c: char| c.is_whitespace() || "`'\":[]".contains(c));
    let code = trimmed.to_lowercase().replace([' ', '_'], "-");
    // As a sweep's table has it, for want of room.
    if code == "none-done" {
        "nothing-completed".into()
    } else {
        code
    }
}

fn unknown(text: &str, codes: &[String], all: &[CodeEntry]) -> UserError {
    let near = |code: &String| nearest(code, all.iter().map(|e| e.code));
    let meant = codes.iter().find_map(near);
    let meant = meant.map_or(String::new(), |n| format!("did you mean `{n}`? "));
    UserError::new(format!(
        "`{text}` is no code of this program; {meant}`pchsim explain` lists all"
    ))
}

/// Where more is said about these problems; nothing where there are none.
pub(super) fn hint(problems: &[&Diagnostic]) -> Option<String> {
    let mut codes: Vec<&str> = Vec::new();
    for d in problems {
        if !codes.contains(&d.code.as_str()) {
            codes.push(d.code.as_str());
        }
    }
    match codes.as_slice() {
        [] => None,
        [one] => Some(format!("`pchsim explain {one}` says more")),
        all => Some(format!(
            "`pchsim explain CODE` says more of each: {}",
            all.join(", ")
        )),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::Code;

    /// The code that is explained.
    fn explained(text: &str) -> Option<&'static str> {
        let all = codes();
        let is = |code: &String| all.iter().find(|e| e.code == *code);
        candidates(text).iter().find_map(is).map(|e| e.code)
    }

    #[test]
    fn what_is_round_a_code_is_forgiven() {
        for (text, code) in [
            ("limit", Some("limit")),
            (" Limit ", Some("limit")),
            ("limit:", Some("limit")),
            ("limit: too much", Some("limit")),
            ("error[limit]", Some("limit")),
            ("warning[limit]", Some("limit")),
            ("error[limit]: too much", Some("limit")),
            ("warning[saturated]:", Some("saturated")),
            ("[limit]", Some("limit")),
            ("`limit`", Some("limit")),
            ("out of memory", Some("out-of-memory")),
            ("OUT_OF_MEMORY", Some("out-of-memory")),
            ("none done", Some("nothing-completed")),
            (
                "note[convoy]: a convoy: back from I/O, tasks [of a] wait: `x` under threads:8.\n  Compute in processes.",
                Some("convoy"),
            ),
            (
                "a.ron: tasks[0].steps[1]: error[limit]: too much",
                Some("limit"),
            ),
            ("warning", None),
            ("", None),
            ("[", None),
            ("]", None),
        ] {
            assert_eq!(explained(text), code, "{text}");
        }
    }

    #[test]
    fn every_status_is_a_code() {
        for status in [
            "saturated",
            "out of memory",
            "deadlock",
            "event limit",
            "clock end",
            "nothing completed",
            "none done",
            "unsupported",
        ] {
            assert!(explained(status).is_some(), "{status}");
        }
    }

    #[test]
    fn a_hint_names_each_code_once() {
        let d = |code| Diagnostic::without_text(code, "a.ron", "");
        let (a, b) = (d(Code::Limit), d(Code::Syntax));
        assert_eq!(hint(&[]), None);
        assert_eq!(
            hint(&[&a, &a]).as_deref(),
            Some("`pchsim explain limit` says more")
        );
        assert_eq!(
            hint(&[&a, &b, &a]).as_deref(),
            Some("`pchsim explain CODE` says more of each: limit, syntax")
        );
    }
}
