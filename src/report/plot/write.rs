//! A sheet as SVG.

use plotters::backend::{DrawingBackend, SVGBackend};
use plotters::style::text_anchor::VPos;
use plotters::style::{RGBAColor, ShapeStyle};

use super::font;
use super::sheet::{Label, Place, Shape, Sheet};
use crate::report::figure::Figure;
use crate::report::figure::palette::Rgb;

/// plotters counts in whole units: so many of them are a point.
const FINE: f64 = 10.0;

/// Height of a line over the font's size, as plotters' SVG has it.
const LINE: f64 = 1.24;

pub(super) fn svg(sheet: &Sheet, figure: &Figure) -> Result<String, String> {
    let (width, height) = whole(sheet.size);
    let size = (width.unsigned_abs(), height.unsigned_abs());
    let mut out = String::new();
    {
        let mut backend = SVGBackend::with_string(&mut out, size);
        let background = sheet.theme.background();
        let all = Shape::Rect {
            from: (0.0, 0.0),
            to: sheet.size,
            color: background,
        };
        for shape in std::iter::once(&all).chain(&sheet.shapes) {
            draw(&mut backend, shape)?;
        }
        backend.present().map_err(|e| e.to_string())?;
    }
    finish(&out, sheet, figure)
}

/// Gives the document its size in points, and a title and a description to who cannot see it.
fn finish(out: &str, sheet: &Sheet, figure: &Figure) -> Result<String, String> {
    let (_, body) = out
        .split_once('\n')
        .ok_or("the drawing library wrote no document")?;
    let (width, height) = whole(sheet.size);
    let head = format!(
        "<svg width=\"{}\" height=\"{}\" viewBox=\"0 0 {width} {height}\" role=\"img\" xmlns=\"http://www.w3.org/2000/svg\">\n\
         <title>{}</title>\n<desc>{}</desc>\n",
        sheet.size.0,
        sheet.size.1,
        escaped(&figure.title),
        escaped(&figure.subtitle),
    );
    // The base line stands where it is put, whatever the viewer's font is.
    Ok(head + &body.replace(" dy=\"0.5ex\"", ""))
}

fn escaped(text: &str) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            c if c.is_control() => out.push(' '),
            c => out.push(c),
        }
    }
    out
}

#[expect(
    clippy::cast_possible_truncation,
    reason = "places are on a sheet of some thousand points"
)]
fn whole((x, y): Place) -> (i32, i32) {
    (libm::round(x * FINE) as i32, libm::round(y * FINE) as i32)
}

fn shape_style(color: Rgb, alpha: f64, width: f64) -> ShapeStyle {
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "widths of lines are a few points"
    )]
    let stroke_width = libm::round(width * FINE) as u32;
    ShapeStyle {
        color: RGBAColor(color.0, color.1, color.2, alpha),
        filled: true,
        stroke_width,
    }
}

fn draw(backend: &mut SVGBackend<'_>, shape: &Shape) -> Result<(), String> {
    match shape {
        Shape::Line {
            points,
            width,
            color,
        } => backend.draw_path(
            points.iter().map(|p| whole(*p)),
            &shape_style(*color, 1.0, *width),
        ),
        Shape::Area {
            points,
            color,
            alpha,
        } => backend.fill_polygon(
            points.iter().map(|p| whole(*p)),
            &shape_style(*color, *alpha, 0.0),
        ),
        Shape::Rect { from, to, color } => backend.draw_rect(
            whole(*from),
            whole(*to),
            &shape_style(*color, 1.0, 0.0),
            true,
        ),
        Shape::Disc { at, radius, color } => {
            let style = shape_style(*color, 1.0, *radius);
            backend.draw_circle(
                whole(*at),
                style.stroke_width,
                &shape_style(*color, 1.0, 0.0),
                true,
            )
        }
        Shape::Text(label) => return text(backend, label),
    }
    .map_err(|e| e.to_string())
}

fn text(backend: &mut SVGBackend<'_>, label: &Label) -> Result<(), String> {
    let style = font::style(label, label.size * FINE * LINE, VPos::Center);
    backend
        .draw_text(&label.text, &style, whole(label.at))
        .map_err(|e| e.to_string())
}
