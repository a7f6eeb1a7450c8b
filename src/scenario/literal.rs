//! Texts as string literals, whatever is in them.

use std::fmt::Write as _;

/// A text as a string of RON.
pub(crate) fn ron(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if c.is_control() => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text as a string of Python: what JSON escapes Python reads alike, and nothing is escaped beyond ASCII.
pub(crate) fn python(text: &str) -> String {
    serde_json::to_string(text).unwrap_or_else(|_| "\"\"".into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_quotes() {
        assert_eq!(ron("a\"b\\\n\u{7}é"), "\"a\\\"b\\\\\\n\\u{7}é\"");
        assert_eq!(python("a\"b\\\n\u{7}é"), "\"a\\\"b\\\\\\n\\u0007é\"");
    }
}
