//! Texts from outside (names of scenarios, tasks, files) as they may be shown to people: on one line, and every sign of it seen.

/// Whether a character is not seen where it is printed, but does something: it moves the cursor, ends the line, turns the direction of what
/// follows, or makes two texts look alike that are not.
pub(crate) fn is_hidden(c: char) -> bool {
    c.is_control()
        || matches!(c,
            // Soft hyphen, joiners, fillers, separators of vowels.
            '\u{ad}' | '\u{34f}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' | '\u{180b}'..='\u{180f}' | '\u{3164}' | '\u{ffa0}'
            // Direction, zero-width blanks and joiners, ends of lines and paragraphs, invisible operators.
            | '\u{61c}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' | '\u{2060}'..='\u{206f}' | '\u{feff}'
            // Annotations, no characters at all, shorthand and musical format controls, tags.
            | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' | '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}'
            | '\u{e0000}'..='\u{e0fff}')
}

/// The text with every hidden character written as its escape. This is the one function by which a text that came from outside is made fit
/// to be printed; what it has made it leaves as it is.
pub(crate) fn visible(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if !is_hidden(c) {
            out.push(c);
        } else if c.is_ascii() {
            // `\n`, `\t` and `\r` by their letters.
            out.extend(c.escape_default());
        } else {
            out.extend(c.escape_unicode());
        }
    }
    out
}

/// As [`visible`], for a text of lines: each stays a line.
pub(crate) fn visible_lines(text: &str) -> String {
    let lines: Vec<String> = text.split('\n').map(visible).collect();
    lines.join("\n")
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn what_hides_is_written_as_an_escape() {
        assert_eq!(
            visible("a\u{202e}b\n\u{1b}[31m\u{200b}\u{9b}"),
            "a\\u{202e}b\\n\\u{1b}[31m\\u{200b}\\u{9b}"
        );
        assert_eq!(visible("Größe 画像 é — ±"), "Größe 画像 é — ±");
        assert_eq!(visible_lines("a\tb\nc\u{2028}"), "a\\tb\nc\\u{2028}");
    }

    proptest! {
        #[test]
        fn nothing_hides_in_what_is_visible(text in any::<String>()) {
            let once = visible(&text);
            prop_assert!(!once.chars().any(is_hidden), "{once:?}");
            prop_assert_eq!(visible(&once), once);
        }
    }
}
