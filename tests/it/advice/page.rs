//! Blocks of docs/decisions.md that are made of figures: `PCHSIM_DOCS=update` (`cargo xtask docs`) writes them anew.

use std::fmt::Write as _;
use std::fs;
use std::sync::Mutex;

use crate::world::root;

/// Tests run at the same time, and each writes a block of one file.
static WRITING: Mutex<()> = Mutex::new(());

/// Holds a block of the page against what it should be, or writes it.
///
/// A block stands between `<!-- figures: NAME -->` and `<!-- end -->`.
pub(super) fn hold(name: &str, text: &str) {
    let writing = WRITING
        .lock()
        .unwrap_or_else(std::sync::PoisonError::into_inner);
    let path = root().join("docs/decisions.md");
    let page = fs::read_to_string(&path).unwrap();
    let open = format!("<!-- figures: {name} -->\n");
    let from = page
        .find(&open)
        .unwrap_or_else(|| panic!("docs/decisions.md has no block {name}"))
        + open.len();
    let to = from + page[from..].find("<!-- end -->").expect("an end");
    let shown = &page[from..to];
    if std::env::var("PCHSIM_DOCS").is_ok_and(|v| v == "update") {
        if shown != text {
            fs::write(&path, format!("{}{text}{}", &page[..from], &page[to..])).unwrap();
        }
        return;
    }
    drop(writing);
    assert_eq!(shown, text, "docs/decisions.md, {name}: cargo xtask docs");
}

/// A table in Markdown: its head, then rows. Columns whose head ends in `#` are of numbers.
pub(super) fn table(head: &[&str], rows: &[Vec<String>]) -> String {
    let mut out = String::new();
    let line = |cells: Vec<&str>| format!("| {} |\n", cells.join(" | "));
    out += &line(head.iter().map(|h| h.trim_end_matches('#')).collect());
    let rule = |h: &&str| if h.ends_with('#') { "---:" } else { "---" };
    out += &line(head.iter().map(rule).collect());
    for row in rows {
        assert_eq!(row.len(), head.len(), "{row:?}");
        let _ = write!(out, "{}", line(row.iter().map(String::as_str).collect()));
    }
    out
}

/// A number with three digits that count, and never in powers of ten.
pub(super) fn three(x: f64) -> String {
    let digits = match x.abs() {
        x if x >= 99.95 => 0,
        x if x >= 9.995 => 1,
        x if x >= 0.9995 => 2,
        _ => 3,
    };
    format!("{x:.digits$}")
}
