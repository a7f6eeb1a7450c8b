//! The format in which a result is written: the one that is asked for, or the one that the file's name stands for.

use std::path::Path;

use super::exit::UserError;
use super::files::is_stdout;

/// The endings of file names by which a command's formats are known.
pub(super) type Endings<F> = [(&'static str, F)];

/// The format of a result that goes to `output`: the one that is asked for, else the one that the file's name ends in, else (to
/// standard output) the usual one. Who asks for a format gets it whatever the file is called.
///
/// A name that ends in nothing known is refused: what is in the file would be anybody's guess.
pub(super) fn format<F: Copy>(
    asked: Option<F>,
    output: Option<&Path>,
    endings: &Endings<F>,
    usual: F,
) -> anyhow::Result<F> {
    let file = output.filter(|p| !is_stdout(p));
    let (Some(path), None) = (file, asked) else {
        return Ok(asked.unwrap_or(usual));
    };
    let ending = path
        .extension()
        .map(|e| e.to_string_lossy().to_lowercase())
        .unwrap_or_default();
    if let Some((_, format)) = endings.iter().find(|(e, _)| *e == ending) {
        return Ok(*format);
    }
    if path.is_dir() {
        return Err(UserError::new(format!(
            "{} is a directory; name a file in it",
            path.display()
        ))
        .into());
    }
    let names: Vec<String> = endings.iter().map(|(e, _)| format!(".{e}")).collect();
    let (last, others) = names.split_last().map_or(("", &[][..]), |(l, o)| (l, o));
    Err(UserError::new(format!(
        "{} does not say how the result is written: call it {} or {last}, or add --format",
        path.display(),
        others.join(", ")
    ))
    .into())
}

/// What a command writes into a file in one format only, and the endings of names that say so.
#[derive(Clone, Copy, Debug)]
pub(super) struct FileKind {
    what: &'static str,
    /// The usual one first.
    endings: &'static [&'static str],
    /// Whether it is compressed where the name ends in `.gz`.
    gz: bool,
}

impl FileKind {
    const fn new(what: &'static str, endings: &'static [&'static str]) -> Self {
        Self {
            what,
            endings,
            gz: false,
        }
    }

    /// A scenario.
    pub(super) const SCENARIO: Self = Self::new("a scenario", &["ron"]);
    /// An interpreter's profile.
    pub(super) const PROFILE: Self = Self::new("a profile", &["ron"]);
    /// A picture.
    pub(super) const DIAGRAM: Self = Self::new("a picture", &["svg"]);
    /// A document of Kubernetes.
    pub(super) const YAML: Self = Self::new("YAML", &["yaml", "yml"]);
    /// A report as a page.
    pub(super) const PAGE: Self = Self::new("a page", &["html", "htm"]);
    /// A report as Markdown, which is a plain text as well.
    pub(super) const MARKDOWN: Self = Self::new("Markdown", &["md", "markdown", "txt"]);
    /// The rows that the recorder writes.
    pub(super) const ROWS: Self = Self::new("JSON Lines", &["jsonl", "ndjson"]);
    /// The recorder.
    pub(super) const RECORDER: Self = Self::new("a Python module", &["py"]);
    /// A recorded simulation.
    pub(super) const TRACE: Self = Self {
        gz: true,
        ..Self::new("a Chrome trace", &["json"])
    };

    /// Why a file of this name would be taken for something else. A name without an ending, or with one that names no format
    /// (`my.v2`), promises nothing.
    pub(super) fn problem(&self, path: &Path) -> Option<String> {
        let ending = |p: &Path| p.extension().map(|e| e.to_string_lossy().to_lowercase());
        let mut found = ending(path)?;
        if self.gz && found == "gz" {
            found = ending(Path::new(path.file_stem()?))?;
        }
        let other = OTHERS.contains(&&*found) && !self.endings.contains(&&*found);
        other.then(|| {
            format!(
                "ends in .{found}, but what is written is {}: call it .{}, or leave the ending out",
                self.what, self.endings[0]
            )
        })
    }
}

/// Endings that name a format: those that this program reads or writes, and what results are often asked for in.
const OTHERS: &[&str] = &[
    "csv", "gif", "gz", "htm", "html", "jpeg", "jpg", "json", "jsonl", "markdown", "md", "ndjson",
    "parquet", "pdf", "png", "py", "ron", "svg", "toml", "tsv", "txt", "xls", "xlsx", "xml",
    "yaml", "yml", "zip",
];

/// Whether a name ends as that of a file does.
pub(super) fn names_a_file(path: &Path) -> bool {
    path.extension()
        .is_some_and(|e| OTHERS.contains(&&*e.to_string_lossy().to_lowercase()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_that_promise_another_format_are_refused() {
        let says = |kind: FileKind, name: &str| kind.problem(Path::new(name));
        for (kind, fine) in [
            (FileKind::PAGE, "a/report.html"),
            (FileKind::PAGE, "REPORT.HTM"),
            (FileKind::PAGE, "report"),
            (FileKind::PAGE, "report.v2"),
            (FileKind::PAGE, ".txt"),
            (FileKind::TRACE, "t.json"),
            (FileKind::TRACE, "t.json.gz"),
            (FileKind::TRACE, "t.gz"),
            (FileKind::MARKDOWN, "r.txt"),
            (FileKind::SCENARIO, "my.ron"),
        ] {
            assert_eq!(says(kind, fine), None, "{fine}");
        }
        for (kind, other, call) in [
            (FileKind::PAGE, "report.txt", "call it .html"),
            (FileKind::PAGE, "report.PDF", "ends in .pdf"),
            (FileKind::PAGE, "report.html.gz", "ends in .gz"),
            (FileKind::TRACE, "t.txt", "call it .json"),
            (FileKind::TRACE, "t.csv.gz", "ends in .csv"),
            (FileKind::SCENARIO, "my.json", "call it .ron"),
            (FileKind::ROWS, "t.json", "call it .jsonl"),
            (FileKind::RECORDER, "r.ron", "a Python module"),
        ] {
            let said = says(kind, other).unwrap();
            assert!(
                said.contains(call) && said.contains("leave the ending out"),
                "{other}: {said}"
            );
        }
    }

    #[test]
    fn who_asks_gets_it_and_names_decide_otherwise() {
        let endings = [("json", 1), ("csv", 2), ("txt", 3)];
        let of = |asked, name: Option<&str>| {
            format(asked, name.map(Path::new), &endings, 3).map_err(|e| e.to_string())
        };
        assert_eq!(of(None, None), Ok(3));
        assert_eq!(of(None, Some("-")), Ok(3));
        assert_eq!(of(Some(2), Some("-")), Ok(2));
        assert_eq!(of(None, Some("a/b.json")), Ok(1));
        assert_eq!(of(None, Some("B.JSON")), Ok(1));
        assert_eq!(of(Some(2), Some("b.json")), Ok(2));
        assert_eq!(of(Some(2), Some("b")), Ok(2));
        for unknown in ["b", "b.xls", ".json", "json"] {
            let said = of(None, Some(unknown)).unwrap_err();
            assert!(
                said.contains(".json, .csv or .txt") && said.contains("--format"),
                "{said}"
            );
        }
    }
}
