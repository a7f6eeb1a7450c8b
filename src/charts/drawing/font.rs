//! The font that comes with the program: Inter, reduced to the characters that figures need.

use std::sync::Once;

use plotters::style::{FontDesc, FontFamily, FontStyle, register_font};

/// Font families that an SVG file asks for: the embedded font and, where viewers ignore that, fallbacks.
pub(crate) const FAMILY: &str = "Inter, Helvetica, Arial, sans-serif";

/// Line height of Inter relative to its size (ascent and descent of its `hhea` table); plotters counts font sizes in these heights.
pub(crate) const LINE: f64 = (2728.0 + 680.0) / 2816.0;

pub(crate) static REGULAR: &[u8] = include_bytes!("fonts/Inter-Regular.otf");
pub(crate) static BOLD: &[u8] = include_bytes!("fonts/Inter-Bold.otf");
static REGISTERED: Once = Once::new();

/// Registers the font with plotters, once for the program.
pub(crate) fn register() {
    REGISTERED.call_once(|| {
        for (style, bytes) in [(FontStyle::Normal, REGULAR), (FontStyle::Bold, BOLD)] {
            // A font that cannot be read makes every drawing fail with that reason, which is reported there.
            let _ = register_font(FAMILY, style, bytes);
        }
    });
}

/// Width of a text in points.
pub(crate) fn width(text: &str, size: f64, bold: bool) -> f64 {
    // Measured at a large size, because plotters counts in whole pixels.
    const LARGE: f64 = 200.0;
    (desc(LARGE * LINE, bold).box_size(text)).map_or(0.0, |(w, _)| f64::from(w) * size / LARGE)
}

/// The font as plotters describes it.
pub(crate) fn desc(size: f64, bold: bool) -> FontDesc<'static> {
    let style = if bold {
        FontStyle::Bold
    } else {
        FontStyle::Normal
    };
    FontDesc::new(FontFamily::Name(FAMILY), size, style)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_have_a_width() {
        register();
        let (narrow, wide) = (width("iii", 12.0, false), width("MMM", 12.0, false));
        assert!(narrow > 5.0 && wide > 2.0 * narrow, "{narrow} {wide}");
        assert!(width("MMM", 12.0, true) > wide);
        assert_eq!(width("", 12.0, false), 0.0);
        for sign in "µ×≥≤−…–·→°αΩ∞".chars() {
            let missing = width("\u{10FFFD}", 12.0, false);
            assert_ne!(width(&sign.to_string(), 12.0, false), missing, "{sign}");
        }
    }
}
