//! Texts as string literals, whatever is in them.

use std::fmt::Write as _;

use super::visible::is_hidden;

/// A text as a string of RON.
pub(crate) fn ron(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\n' => out.push_str("\\n"),
            c if is_hidden(c) => {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{{{:x}}}", u32::from(c));
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// A text as a string of Python, in which nothing is hidden.
pub(crate) fn python(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        // Writing to a string does not fail.
        let _ = match c {
            '"' | '\\' => write!(out, "\\{c}"),
            '\n' => write!(out, "\\n"),
            '\t' => write!(out, "\\t"),
            c if is_hidden(c) && u32::from(c) > 0xffff => write!(out, "\\U{:08x}", u32::from(c)),
            c if is_hidden(c) => write!(out, "\\u{:04x}", u32::from(c)),
            c => write!(out, "{c}"),
        };
    }
    out.push('"');
    out
}

/// A text as a string of JSON or YAML, in which nothing is hidden.
pub(crate) fn json(text: &str) -> String {
    let mut out = String::new();
    for c in serde_json::to_string(text)
        .unwrap_or_else(|_| "\"\"".into())
        .chars()
    {
        if is_hidden(c) {
            for unit in c.encode_utf16(&mut [0; 2]) {
                // Writing to a string does not fail.
                let _ = write!(out, "\\u{unit:04x}");
            }
        } else {
            out.push(c);
        }
    }
    out
}

/// A text as a word of a POSIX shell, in which nothing is hidden: what would be stands as the octal number of its bytes, in the quotes that read it back.
pub(crate) fn shell(text: &str) -> String {
    let plain = |c: char| c.is_ascii_alphanumeric() || "-_./:=+,@%".contains(c);
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    if !text.chars().any(is_hidden) {
        return format!("'{}'", text.replace('\'', "'\\''"));
    }
    let mut out = String::from("$'");
    for c in text.chars() {
        if is_hidden(c) || c == '\'' || c == '\\' {
            for byte in c.encode_utf8(&mut [0; 4]).bytes() {
                // Writing to a string does not fail.
                let _ = write!(out, "\\{byte:03o}");
            }
        } else {
            out.push(c);
        }
    }
    out.push('\'');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nothing_leaves_its_quotes() {
        assert_eq!(ron("a\"b\\\n\u{7}é"), "\"a\\\"b\\\\\\n\\u{7}é\"");
        assert_eq!(python("a\"b\\\n\u{7}é"), "\"a\\\"b\\\\\\n\\u0007é\"");
        assert_eq!(
            json("\u{7}\u{202e}\u{e0041}é"),
            "\"\\u0007\\u202e\\udb40\\udc41é\""
        );
        assert_eq!(python("\u{202e}\u{e0041}é"), "\"\\u202e\\U000e0041é\"");
        assert_eq!(ron("\u{202e}é"), "\"\\u{202e}é\"");
    }

    #[test]
    fn a_shell_reads_back_what_was_meant() {
        assert_eq!(shell("a.ron"), "a.ron");
        assert_eq!(shell("it's"), "'it'\\''s'");
        assert_eq!(
            shell("a'\\\n\u{202e}b"),
            "$'a\\047\\134\\012\\342\\200\\256b'"
        );
        for text in ["a'\\\n\u{202e}1b", "it's", "", "$x `y` \u{7f}é"] {
            let script = format!("printf %s {}", shell(text));
            // Where there is no bash nothing is asked of it.
            if let Ok(done) = std::process::Command::new("bash")
                .args(["-c", &script])
                .output()
            {
                assert_eq!(String::from_utf8_lossy(&done.stdout), text, "{script}");
            }
        }
    }
}
