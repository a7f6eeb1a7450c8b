//! Writes a sheet as an SVG document with the font embedded.

use std::fmt::Write as _;

use crate::charts::drawing::font;
use crate::charts::drawing::sheet::{Position, Sheet, TEXT};
use crate::charts::drawing::svg::{Colors, escaped, n, shapes};
use crate::charts::drawing::webfont::Signs;
use crate::charts::figure::palette::Theme;

/// Writes a sheet; `out` is the size at which it is shown, in points; it has a name, a title, and a text about it for those who do not see it.
pub(super) fn svg(
    sheet: &Sheet,
    out: Position,
    theme: Theme,
    (name, title, about): (&str, &str, &str),
) -> String {
    let (width, height) = sheet.size;
    // Several pictures may be in one page.
    let name = escaped(name);
    let mut text = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" width=\"{}\" height=\"{}\" viewBox=\"0 0 {} {}\" role=\"img\" \
         aria-labelledby=\"{name}-title {name}-about\" font-family=\"{}\" font-size=\"{}\" fill=\"{}\">\n\
         <title id=\"{name}-title\">{}</title>\n<desc id=\"{name}-about\">{}</desc>\n",
        n(out.0),
        n(out.1),
        n(width),
        n(height),
        font::FAMILY,
        n(TEXT),
        theme.ink().hex(),
        escaped(title),
        escaped(about),
    );
    let mut signs = Signs::default();
    signs.add(&sheet.shapes);
    let faces = signs.faces();
    if !faces.is_empty() {
        let _ = write!(text, "<style>\n{faces}</style>\n");
    }
    let _ = writeln!(
        text,
        "<rect width=\"{}\" height=\"{}\" fill=\"{}\"/>",
        n(width),
        n(height),
        theme.background().hex()
    );
    shapes(&mut text, &sheet.shapes, Colors::Of(theme));
    text.push_str("</svg>\n");
    text
}
