//! A sheet as PNG. Painted at twice the final size and then averaged: letters and lines stand at fractions of a pixel.

use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::text_anchor::VPos;
use plotters::style::{RGBAColor, ShapeStyle};

use super::font::{self, LINE};
use super::sheet::{Label, Place, Shape, Sheet};
use crate::report::figure::palette::Rgb;

/// Pixels of the file a point.
const PIXELS: f64 = 2.0;
/// Painted pixels a pixel of the file, in each direction.
const FINE: usize = 2;

pub(super) fn png(sheet: &Sheet) -> Result<Vec<u8>, String> {
    let (width, height) = size(sheet);
    let (fine_width, fine_height) = (width * FINE, height * FINE);
    let mut fine = vec![0; fine_width * fine_height * 3];
    {
        let size = (side(fine_width)?, side(fine_height)?);
        let mut backend = BitMapBackend::with_buffer(&mut fine, size);
        let all = Shape::Rect {
            from: (0.0, 0.0),
            to: sheet.size,
            color: sheet.theme.background(),
        };
        for shape in std::iter::once(&all).chain(&sheet.shapes) {
            draw(&mut backend, shape)?;
        }
        backend.present().map_err(|e| e.to_string())?;
    }
    encode(&averaged(&fine, width, height), width, height)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sheet is some thousand points wide and high"
)]
fn size(sheet: &Sheet) -> (usize, usize) {
    let of = |points: f64| libm::round(points * PIXELS) as usize;
    (of(sheet.size.0), of(sheet.size.1))
}

fn side(n: usize) -> Result<u32, String> {
    u32::try_from(n).map_err(|e| e.to_string())
}

/// Each pixel as the mean of those that were painted for it.
fn averaged(fine: &[u8], width: usize, height: usize) -> Vec<u8> {
    let stride = width * FINE * 3;
    let mut out = Vec::with_capacity(width * height * 3);
    for y in 0..height {
        for x in 0..width {
            for channel in 0..3 {
                let mut sum = 0_usize;
                for dy in 0..FINE {
                    let row = (y * FINE + dy) * stride;
                    for dx in 0..FINE {
                        sum += usize::from(fine[row + (x * FINE + dx) * 3 + channel]);
                    }
                }
                let mean = (sum + FINE * FINE / 2) / (FINE * FINE);
                out.push(u8::try_from(mean).unwrap_or(u8::MAX));
            }
        }
    }
    out
}

fn encode(pixels: &[u8], width: usize, height: usize) -> Result<Vec<u8>, String> {
    let mut out = Vec::new();
    let mut encoder = png::Encoder::new(&mut out, side(width)?, side(height)?);
    encoder.set_color(png::ColorType::Rgb);
    encoder.set_depth(png::BitDepth::Eight);
    encoder.set_compression(png::Compression::Default);
    let dots = Some(png::PixelDimensions {
        // 144 dots an inch: at its natural size the picture is as large as the SVG.
        xppu: 5669,
        yppu: 5669,
        unit: png::Unit::Meter,
    });
    encoder.set_pixel_dims(dots);
    let mut writer = encoder.write_header().map_err(|e| e.to_string())?;
    writer.write_image_data(pixels).map_err(|e| e.to_string())?;
    writer.finish().map_err(|e| e.to_string())?;
    Ok(out)
}

/// Painted pixels a point.
#[expect(clippy::cast_precision_loss, reason = "a small constant")]
const SCALE: f64 = PIXELS * FINE as f64;

#[expect(
    clippy::cast_possible_truncation,
    reason = "places are on a sheet of some thousand points"
)]
fn whole((x, y): Place) -> (i32, i32) {
    (libm::round(x * SCALE) as i32, libm::round(y * SCALE) as i32)
}

fn filled(color: Rgb, alpha: f64) -> ShapeStyle {
    ShapeStyle {
        color: RGBAColor(color.0, color.1, color.2, alpha),
        filled: true,
        stroke_width: 0,
    }
}

fn draw(backend: &mut BitMapBackend<'_>, shape: &Shape) -> Result<(), String> {
    match shape {
        Shape::Line {
            points,
            width,
            color,
        } => return line(backend, points, *width, *color),
        Shape::Area {
            points,
            color,
            alpha,
        } => backend.fill_polygon(points.iter().map(|p| whole(*p)), &filled(*color, *alpha)),
        Shape::Rect { from, to, color } => {
            let ((left, top), (right, bottom)) = (whole(*from), whole(*to));
            // plotters paints the last row and column as well.
            let end = ((right - 1).max(left), (bottom - 1).max(top));
            backend.draw_rect((left, top), end, &filled(*color, 1.0), true)
        }
        Shape::Disc { at, radius, color } => {
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "marks are some points wide"
            )]
            let radius = libm::round(radius * SCALE) as u32;
            backend.draw_circle(whole(*at), radius, &filled(*color, 1.0), true)
        }
        Shape::Text(label) => return text(backend, label),
    }
    .map_err(|e| e.to_string())
}

/// Every piece as a polygon of its own, and discs where they meet: plotters' own joints show holes at sharp bends.
fn line(
    backend: &mut BitMapBackend<'_>,
    points: &[Place],
    width: f64,
    color: Rgb,
) -> Result<(), String> {
    let style = filled(color, 1.0);
    let half = width / 2.0;
    for pair in points.windows(2) {
        let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
        let length = libm::hypot(x2 - x1, y2 - y1);
        if length < 1e-6 {
            continue;
        }
        let (dx, dy) = ((x2 - x1) / length * half, (y2 - y1) / length * half);
        let drawn = if dx == 0.0 || dy == 0.0 {
            // Level and upright lines are the frame's and the grid's: sharp.
            let from = (x1.min(x2) - dy.abs(), y1.min(y2) - dx.abs());
            let to = (x1.max(x2) + dy.abs(), y1.max(y2) + dx.abs());
            let ((left, top), (right, bottom)) = (whole(from), whole(to));
            let end = ((right - 1).max(left), (bottom - 1).max(top));
            backend.draw_rect((left, top), end, &style, true)
        } else {
            let corners = [
                (x1 - dy, y1 + dx),
                (x1 + dy, y1 - dx),
                (x2 + dy, y2 - dx),
                (x2 - dy, y2 + dx),
            ];
            backend.fill_polygon(corners.map(whole), &style)
        };
        drawn.map_err(|e| e.to_string())?;
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "lines are a few points wide"
    )]
    let radius = libm::round(half * SCALE) as u32;
    if points.len() > 2 && radius > 1 {
        for p in &points[1..points.len() - 1] {
            backend
                .draw_circle(whole(*p), radius, &style, true)
                .map_err(|e| e.to_string())?;
        }
    }
    Ok(())
}

fn text(backend: &mut BitMapBackend<'_>, label: &Label) -> Result<(), String> {
    let size = label.size * SCALE * LINE;
    let style = font::style(label, size, VPos::Top);
    // plotters puts the base line half a line below the top.
    let (x, y) = whole(label.at);
    let (_, half) = whole((0.0, size / 2.0 / SCALE));
    backend
        .draw_text(&label.text, &style, (x, y - half))
        .map_err(|e| e.to_string())
}
