//! How a result is written: as asked for, or as the name of its file says.

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

#[cfg(test)]
mod tests {
    use super::*;

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
