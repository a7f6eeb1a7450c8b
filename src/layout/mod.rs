//! Text in lines of a terminal: words and entries wrapped, names shortened, tables laid out. Widths are counted in columns as a terminal
//! shows them (a Chinese character takes two, a combining accent none).
//!
//! The width of a line is decided by the caller ([`crate::layout::Style::width`]); nothing here looks at a terminal. Columns of a table
//! have a rank ([`Column::dispensable`]): if there is no room, the column with the highest rank is left out first.

pub(crate) mod table;
pub(crate) mod words;

use crate::scenario::{is_hidden, visible};
use unicode_width::{UnicodeWidthChar as _, UnicodeWidthStr as _};

/// Width of a line, in columns, if no terminal determines it: in files and pipes.
pub(crate) const PIPE: usize = 120;
/// Least width of a line, in columns: in less no table can be read.
pub const LEAST: usize = 40;
/// Most columns of a line of sentences: longer lines are hard to read, however wide the terminal is.
const PROSE: usize = 120;
/// Least width of a shortened name, in columns.
const NAME: usize = 8;

/// Width of the text in a terminal, in columns.
pub fn width(text: &str) -> usize {
    text.width()
}

/// The text padded to a width of `to` columns, with blanks before it (`right`) or after it.
pub(crate) fn padded(text: &str, to: usize, right: bool) -> String {
    let blanks = " ".repeat(to.saturating_sub(width(text)));
    if right {
        blanks + text
    } else {
        text.to_owned() + &blanks
    }
}

/// The beginning of a text that is at most `most` columns wide.
fn head(text: &str, most: usize) -> &str {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += c.width().unwrap_or(0);
        if used > most {
            return &text[..at];
        }
    }
    text
}

/// The end of a text that is at most `most` columns wide.
fn tail(text: &str, most: usize) -> &str {
    let mut used = 0;
    let mut from = text.len();
    for (at, c) in text.char_indices().rev() {
        used += c.width().unwrap_or(0);
        if used > most {
            break;
        }
        from = at;
    }
    &text[from..]
}

fn dots(unicode: bool) -> &'static str {
    if unicode { "…" } else { ".." }
}

/// The text, at most `most` columns wide, with its middle cut so that `end` columns of its end stay.
fn cut(text: &str, most: usize, end: usize, unicode: bool) -> String {
    if width(text) <= most {
        return text.to_owned();
    }
    let dots = dots(unicode);
    let Some(room) = most.checked_sub(dots.len().min(width(dots))) else {
        return head(text, most).to_owned();
    };
    let end = tail(text, end.min(room));
    format!("{}{dots}{end}", head(text, room - width(end)))
}

/// The names, each at most `most` columns wide. Wider names lose their middle, since the end distinguishes names more often, and stay
/// distinct. If no cut distinguishes two names, they are numbered.
pub fn unique(names: &[String], most: usize, unicode: bool) -> Vec<String> {
    let room = most.saturating_sub(width(dots(unicode)));
    let mut out: Vec<String> = Vec::with_capacity(names.len());
    // Names that fit stay; a cut name must equal neither one of them nor another cut name.
    let whole = |text: &str| names.iter().any(|n| n == text && width(n) <= most);
    for (i, name) in names.iter().enumerate() {
        if width(name) <= most {
            out.push(name.clone());
            continue;
        }
        if let Some(same) = names[..i].iter().position(|n| n == name) {
            out.push(out[same].clone());
            continue;
        }
        // Half of the room goes to the end, then more, then less.
        let half = room / 2;
        let ends = || (half..=room).chain((0..half).rev());
        let free = |text: &String| !whole(text) && !out.contains(text);
        // A cut that shows where the name differs from the others, otherwise any that no other name has.
        let tells = |end: &usize| {
            let mine = cut(name, most, *end, unicode);
            let mut others = names.iter().filter(|n| *n != name && width(n) > most);
            others.all(|n| cut(n, most, *end, unicode) != mine)
        };
        let as_cut = |end: usize| cut(name, most, end, unicode);
        let found = ends()
            .filter(tells)
            .map(as_cut)
            .find(free)
            .or_else(|| ends().map(as_cut).find(free))
            .or_else(|| {
                (1..=names.len()).find_map(|n| {
                    let number = format!("~{n}");
                    let room = most.checked_sub(number.len())?;
                    Some(cut(name, room, room / 2, unicode) + &number).filter(free)
                })
            });
        out.push(found.unwrap_or_else(|| cut(name, most, half, unicode)));
    }
    out
}

/// The line, cut where there is no room for more of it.
pub(crate) fn clipped(line: &str, style: Style) -> String {
    cut(&visible(line), style.width, 0, style.unicode)
}

/// Wraps words into lines of a readable width: the first line begins with `first`, the others with `next`. A word that is longer than a
/// line is broken at the end of the line.
pub fn words(text: &str, first: &str, next: &str, style: Style) -> Vec<String> {
    let text = visible(text);
    let pieces: Vec<&str> = text.split(' ').collect();
    wrapped(&pieces, " ", first, next, style)
}

/// Wraps the entries of a legend or list, with a separator between them, so that lines end between entries. Only an entry that is longer
/// than a line is broken, between words.
pub fn entries(
    all: &[String],
    separator: &str,
    first: &str,
    next: &str,
    style: Style,
) -> Vec<String> {
    let all: Vec<String> = all.iter().map(|e| style.fit(e.clone())).collect();
    let pieces: Vec<&str> = all.iter().map(String::as_str).collect();
    wrapped(
        &pieces,
        &style.fit(separator.to_owned()),
        first,
        next,
        style,
    )
}

fn wrapped(pieces: &[&str], separator: &str, first: &str, next: &str, style: Style) -> Vec<String> {
    let most = style.width.min(PROSE);
    // A comma stays with its entry; blanks between entries are dropped at the end of a line.
    let kept = if separator.starts_with(' ') {
        ""
    } else {
        separator.trim_end()
    };
    let mut lines: Vec<String> = Vec::new();
    let mut line = first.to_owned();
    let mut empty = true;
    for (i, piece) in pieces.iter().enumerate() {
        let end = if i + 1 < pieces.len() { width(kept) } else { 0 };
        if !empty {
            if width(&line) + width(separator) + width(piece) + end <= most {
                line.push_str(separator);
                line.push_str(piece);
                continue;
            }
            line.push_str(kept);
            lines.push(std::mem::replace(&mut line, next.to_owned()));
        }
        empty = false;
        if width(&line) + width(piece) + end <= most {
            line.push_str(piece);
            continue;
        }
        let mut rest = piece.trim_start();
        if rest.contains(' ') {
            let words: Vec<&str> = rest.split(' ').collect();
            // There must be room for the separator at its end, too.
            let room = Style {
                width: most - end,
                ..style
            };
            let mut inner = wrapped(&words, " ", &line, &format!("{next}  "), room);
            line = inner.pop().unwrap_or_default();
            lines.append(&mut inner);
            continue;
        }
        while width(&line) + width(rest) + end > most {
            let fits = head(rest, most.saturating_sub(width(&line) + end).max(1));
            // A character that is wider than the line is put there all the same.
            let at = if fits.is_empty() {
                rest.chars().next().map_or(rest.len(), char::len_utf8)
            } else {
                fits.len()
            };
            if at == rest.len() {
                break;
            }
            line.push_str(&rest[..at]);
            rest = &rest[at..];
            lines.push(std::mem::replace(&mut line, next.to_owned()));
        }
        line.push_str(rest);
    }
    lines.push(line);
    lines.iter().map(|l| l.trim_end().to_owned()).collect()
}

/// Wraps a command so that a shell takes the lines as one: it is broken between words, with a backslash at each line's end. A word that is
/// longer than a line stays whole, so that it can be copied.
pub(crate) fn command(label: &str, text: &str, style: Style) -> Vec<String> {
    let mut lines: Vec<String> = Vec::new();
    let mut line = label.to_owned();
    let mut begun = false;
    for word in shell_words(&visible(text)) {
        // Two columns are reserved for the backslash that may follow.
        if begun && width(&line) + 1 + width(word) + 2 > style.width {
            lines.push(format!("{line} \\"));
            line = format!("    {word}");
            continue;
        }
        if begun {
            line.push(' ');
        }
        line.push_str(word);
        begun = true;
    }
    lines.push(line);
    lines
}

/// The words of a command, with their quotes.
fn shell_words(text: &str) -> Vec<&str> {
    let mut words = Vec::new();
    let (mut quote, mut escaped, mut from) = (None, false, None);
    for (at, c) in text.char_indices() {
        if c == ' ' && quote.is_none() && !escaped {
            if let Some(start) = from.take() {
                words.push(&text[start..at]);
            }
            continue;
        }
        from.get_or_insert(at);
        match quote {
            _ if escaped => escaped = false,
            None if c == '\\' => escaped = true,
            None if c == '\'' || c == '"' => quote = Some(c),
            Some(q) if c == q => quote = None,
            _ => {}
        }
    }
    if let Some(start) = from {
        words.push(&text[start..]);
    }
    words
}

/// A column of a table.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Column {
    /// Title, without the unit.
    pub title: String,
    /// Unit of the numbers; empty if there is none.
    pub unit: &'static str,
    /// Whether its cells are numbers, which are aligned right.
    pub number: bool,
    /// Rank for leaving columns out if there is no room: the highest first; columns of rank 0 stay.
    pub dispensable: u8,
    /// Whether its cells are names, which may be shortened.
    pub name: bool,
    /// Whether its cells are sentences, which are wrapped within their row if the table is too wide.
    pub prose: bool,
    /// Whether it identifies the row: if the table is split into parts, it is repeated in each.
    pub key: bool,
}

impl Column {
    /// A column of texts, or of numbers in a unit.
    #[must_use]
    pub(crate) fn new(title: impl Into<String>, unit: &'static str, number: bool) -> Self {
        Self {
            title: title.into(),
            unit,
            number,
            ..Self::default()
        }
    }

    /// The heading, with the unit: `p95 (ms)`.
    pub(crate) fn heading(&self) -> String {
        if self.unit.is_empty() {
            self.title.clone()
        } else {
            format!("{} ({})", self.title, self.unit)
        }
    }
}

/// A table that has been laid out.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LaidOutTable {
    /// Headings and rows; if there are several parts, with an empty line between them.
    pub lines: Vec<String>,
    /// Headings of the columns that had no room.
    pub left_out: Vec<String>,
    /// Width of the widest line, in columns.
    pub width: usize,
}

/// Lays a table out. If it is too wide, names are cut to three tenths of the line and sentences wrapped; then columns are left out by rank
/// (or, with `all`, put in further parts below); then names are shortened as far as necessary.
pub fn table(columns: &[Column], rows: &[Vec<String>], style: Style, all: bool) -> LaidOutTable {
    // Before the layout, because a character that becomes two in ASCII needs room.
    let fit = |text: &String| style.fit(text.clone());
    let mut cells: Vec<Vec<String>> = rows
        .iter()
        .map(|r| {
            (0..columns.len())
                .map(|i| r.get(i).map(fit).unwrap_or_default())
                .collect()
        })
        .collect();
    let titles: Vec<String> = columns.iter().map(|c| fit(&c.title)).collect();
    let wide = |cells: &[Vec<String>], i: usize| {
        let all = cells.iter().map(|r| width(&r[i]));
        all.chain([width(&titles[i]), width(columns[i].unit)])
            .max()
            .unwrap_or(0)
    };
    let total = |cells: &[Vec<String>], kept: &[usize]| {
        let sum: usize = kept.iter().map(|&i| wide(cells, i) + 2).sum();
        sum.saturating_sub(2)
    };
    let mut kept: Vec<usize> = (0..columns.len()).collect();
    let names = |kept: &[usize]| -> Vec<usize> {
        let all = kept.iter().copied();
        all.filter(|&i| columns[i].name).collect()
    };
    if total(&cells, &kept) > style.width {
        for i in names(&kept) {
            shorten(&mut cells, i, (style.width * 3 / 10).max(NAME), style);
        }
    }
    // The width of columns of sentences that are narrower than their sentences.
    let mut folded: Vec<Option<usize>> = vec![None; columns.len()];
    let mut left_out: Vec<usize> = Vec::new();
    while total(&cells, &kept) > style.width {
        if fold(
            columns,
            &kept,
            &|i| wide(&cells, i),
            style.width,
            &mut folded,
        ) {
            break;
        }
        if all {
            break;
        }
        let order = (0..kept.len()).filter(|&k| columns[kept[k]].dispensable > 0);
        let Some(at) = order.max_by_key(|&k| columns[kept[k]].dispensable) else {
            break;
        };
        left_out.push(kept.remove(at));
    }
    let wraps = kept.iter().any(|&i| folded[i].is_some());
    let mut parts: Vec<Vec<usize>> = vec![kept.clone()];
    if !wraps && total(&cells, &kept) > style.width {
        let (keys, others): (Vec<usize>, Vec<usize>) = kept.iter().partition(|&&i| columns[i].key);
        // The widest of the other columns needs room beside the keys.
        let need = others.iter().map(|&i| wide(&cells, i) + 2).max();
        let need = need.unwrap_or(0);
        for i in names(&keys).into_iter().rev() {
            let over = (total(&cells, &keys) + need).saturating_sub(style.width);
            let room = wide(&cells, i).saturating_sub(over).max(NAME);
            shorten(&mut cells, i, room, style);
        }
        for i in names(&others) {
            let room = style.width.saturating_sub(total(&cells, &keys) + 2);
            shorten(&mut cells, i, room.max(NAME), style);
        }
        parts = Vec::new();
        let mut part = keys.clone();
        for i in others {
            part.push(i);
            if total(&cells, &part) > style.width && part.len() > keys.len() + 1 {
                part.pop();
                parts.push(std::mem::replace(&mut part, keys.clone()));
                part.push(i);
            }
        }
        parts.push(part);
    }
    let mut laid = LaidOutTable {
        left_out: left_out.iter().map(|&i| titles[i].clone()).collect(),
        ..LaidOutTable::default()
    };
    for part in &parts {
        if !laid.lines.is_empty() {
            laid.lines.push(String::new());
        }
        let lines = |text: &dyn Fn(usize) -> String| -> Vec<String> {
            // Each cell as lines of its own.
            let cell = |&i: &usize| match folded[i] {
                Some(most) => words(
                    &text(i),
                    "",
                    "",
                    Style {
                        width: most,
                        ..style
                    },
                ),
                None => vec![text(i)],
            };
            let all: Vec<Vec<String>> = part.iter().map(cell).collect();
            let high = all.iter().map(Vec::len).max().unwrap_or(0);
            let line = |n: usize| {
                let cells = part.iter().zip(&all).map(|(&i, cell)| {
                    let text = cell.get(n).map_or("", String::as_str);
                    let most = folded[i].unwrap_or_else(|| wide(&cells, i));
                    padded(text, most, columns[i].number)
                });
                let line = cells.collect::<Vec<_>>().join("  ");
                clipped(line.trim_end(), style)
            };
            (0..high).map(line).collect()
        };
        laid.lines.extend(lines(&|i| titles[i].clone()));
        if part.iter().any(|&i| !columns[i].unit.is_empty()) {
            laid.lines.extend(lines(&|i| columns[i].unit.to_owned()));
        }
        let rows = cells.iter().flat_map(|row| lines(&|i| row[i].clone()));
        laid.lines.extend(rows);
        let most: usize = part
            .iter()
            .map(|&i| folded[i].unwrap_or_else(|| wide(&cells, i)) + 2)
            .sum();
        laid.width = laid.width.max(most.saturating_sub(2).min(style.width));
    }
    laid
}

/// Divides the room that other columns leave among columns of sentences: each gets as much as it needs, as long as all get their part.
/// Returns whether that suffices for reading.
fn fold(
    columns: &[Column],
    kept: &[usize],
    wide: &dyn Fn(usize) -> usize,
    line: usize,
    folded: &mut [Option<usize>],
) -> bool {
    /// Least width of a column of sentences, in columns.
    const SENTENCE: usize = 24;
    let (mut prose, others): (Vec<usize>, Vec<usize>) =
        kept.iter().partition(|&&i| columns[i].prose);
    if prose.is_empty() {
        return false;
    }
    let gaps = 2 * (kept.len() - 1);
    let taken: usize = others.iter().map(|&i| wide(i)).sum();
    let Some(mut room) = line.checked_sub(taken + gaps) else {
        return false;
    };
    // The narrowest comes first: the room that it does not need is for the others.
    prose.sort_by_key(|&i| wide(i));
    let mut left = prose.len();
    let mut given = Vec::new();
    for &i in &prose {
        let most = wide(i).min(room / left);
        if most < SENTENCE.min(wide(i)) {
            return false;
        }
        given.push((i, most));
        room -= most;
        left -= 1;
    }
    for (i, most) in given {
        folded[i] = Some(most);
    }
    true
}

fn shorten(cells: &mut [Vec<String>], column: usize, most: usize, style: Style) {
    let names: Vec<String> = cells.iter().map(|r| r[column].clone()).collect();
    let short = unique(&names, most, style.unicode);
    for (row, name) in cells.iter_mut().zip(short) {
        row[column] = name;
    }
}

/// Style of a report for people.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Whether characters outside ASCII may be used.
    pub unicode: bool,
    /// Width of a line, in columns: only what must not be broken (a word of a command) may be wider.
    pub width: usize,
    /// Whether to show more: all columns, causes and classes instead of the main ones.
    pub verbose: bool,
    /// Whether to add notes (warnings are always shown, because without them the numbers would mislead).
    pub notes: bool,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            unicode: true,
            width: PIPE,
            verbose: false,
            notes: true,
        }
    }
}

impl Style {
    /// The lines one below another, each as [`Self::fit`] has it.
    pub(crate) fn fit_lines(self, lines: Vec<String>) -> String {
        let mut out = String::new();
        for line in lines {
            out.push_str(&self.fit(line));
            out.push('\n');
        }
        out
    }

    /// The line with all that is hidden in it visible and, without Unicode, in its nearest form in ASCII.
    pub(crate) fn fit(self, text: String) -> String {
        let text = if text.chars().any(is_hidden) {
            visible(&text)
        } else {
            text
        };
        if self.unicode {
            return text;
        }
        let mut out = String::with_capacity(text.len());
        for c in text.chars() {
            match c {
                '±' => out.push_str("+-"),
                '×' => out.push('x'),
                '✓' => out.push('y'),
                '✗' => out.push('n'),
                '—' | '–' | '─' => out.push('-'),
                '…' => out.push_str(".."),
                '·' | '│' => out.push('|'),
                c if c.is_ascii() => out.push(c),
                _ => out.push('?'),
            }
        }
        out
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn style(width: usize) -> Style {
        Style {
            width,
            ..Style::default()
        }
    }

    #[test]
    fn what_is_laid_out_hides_nothing() {
        let odd = "a\u{202e}b\nc\u{1b}[31m\u{200b}d";
        let s = style(40);
        let column = Column::new(odd, "", false);
        let mut all = words(odd, "", "  ", s);
        all.extend(entries(&texts(&[odd, odd]), ", ", "", "  ", s));
        all.extend(table(&[column], &[texts(&[odd])], s, false).lines);
        all.extend(command("repeat: ", odd, s));
        all.push(clipped(odd, s));
        for line in all {
            assert!(!line.chars().any(is_hidden), "{line:?}");
        }
    }

    fn texts(all: &[&str]) -> Vec<String> {
        all.iter().map(|&t| t.to_owned()).collect()
    }

    #[test]
    fn cut_names_stay_different() {
        let names = texts(&[
            "prefork:40(asyncio+threads:25)",
            "prefork:40(asyncio+threads:26)",
            "prefork:41(asyncio+threads:26)",
            "threads:8",
        ]);
        for most in 8..31 {
            let short = unique(&names, most, true);
            let different: std::collections::BTreeSet<_> = short.iter().collect();
            assert_eq!(different.len(), 4, "{most}: {short:?}");
            assert!(short.iter().all(|n| width(n) <= most), "{most}: {short:?}");
            if most >= 9 {
                assert_eq!(short[3], "threads:8");
            }
        }
        let short = unique(&names, 16, false);
        assert_eq!(short[0], "prefork..ads:25)");
        assert_eq!(short[1], "prefork:40..:26)");
        assert_eq!(short[2], "prefork:41..:26)");
        let same = texts(&["aaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaaa", "aaaaaaaaaaaaaaa"]);
        let short = unique(&same, 8, true);
        assert_ne!(short[0], short[1]);
        assert_eq!(short[0], short[2]);
    }

    #[test]
    fn wide_letters_count_twice() {
        let names = texts(&["画像処理パイプライン一", "画像処理パイプライン二"]);
        let short = unique(&names, 9, true);
        assert_eq!(short, ["画像…ン一", "画像…ン二"]);
        assert_eq!(padded("画", 4, true), "  画");
    }

    #[test]
    fn legends_break_between_entries() {
        let all = texts(&[
            "# running",
            "i hand-over (queues, pickling, pipes)",
            ". I/O",
        ]);
        let lines = entries(&all, "   ", "  ", "  ", style(50));
        assert_eq!(
            lines,
            [
                "  # running",
                "  i hand-over (queues, pickling, pipes)   . I/O"
            ]
        );
        let list = texts(&["78% GIL", "12% running"]);
        assert_eq!(
            entries(&list, ", ", "", "> ", style(12)),
            ["78% GIL,", "> 12%", ">   running"]
        );
        assert_eq!(
            words("aaaa bbbb cccc", "- ", "  ", style(7)),
            ["- aaaa", "  bbbb", "  cccc"]
        );
        assert_eq!(
            words("aaaaaaaaaa", "", " ", style(5)),
            ["aaaaa", " aaaa", " a"]
        );
    }

    #[test]
    fn a_command_stays_one() {
        let text = "pchsim run 'a  b.ron' --set machine.cores=8 --assert 'p99 < 1s' --seed 7";
        let lines = command("repeat: ", text, style(40));
        assert_eq!(
            lines,
            [
                "repeat: pchsim run 'a  b.ron' --set \\",
                "    machine.cores=8 --assert \\",
                "    'p99 < 1s' --seed 7"
            ]
        );
    }

    #[test]
    fn columns_go_by_their_order() {
        let column = |title: &str, dispensable, name: bool| Column {
            title: title.into(),
            number: !name,
            name,
            key: name,
            dispensable,
            ..Column::default()
        };
        let columns = [
            column("strategy", 0, true),
            column("p50", 2, false),
            column("p99", 1, false),
            column("makespan", 0, false),
        ];
        let rows = [
            texts(&["asyncio+processes:4:fork", "1.00", "2.00", "12.4 ± 0.3"]),
            texts(&["asyncio+processes:8:fork", "1.00", "2.00", "12.4 ± 0.3"]),
        ];
        let wide = table(&columns, &rows, style(60), false);
        assert_eq!((wide.lines.len(), wide.left_out.len()), (3, 0));
        let some = table(&columns, &rows, style(42), false);
        assert!(some.left_out.is_empty(), "{some:?}");
        let less = table(&columns, &rows, style(28), false);
        assert_eq!(less.left_out, ["p50"]);
        assert!(less.lines.iter().all(|l| width(l) <= 28), "{less:?}");
        let parts = table(&columns, &rows, style(28), true);
        assert!(parts.left_out.is_empty());
        assert_eq!(parts.lines.len(), 7, "{parts:?}");
        assert!(parts.lines.iter().all(|l| width(l) <= 28), "{parts:?}");
    }
}
