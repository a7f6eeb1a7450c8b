//! Paints a sheet as PNG, at twice the final size and then averaged, so that letters and lines can lie at fractions of a pixel.

use plotters::backend::{BitMapBackend, DrawingBackend};
use plotters::style::text_anchor::{HPos, Pos, VPos};
use plotters::style::{RGBAColor, ShapeStyle};

use crate::charts::drawing::font::{LINE, desc};
use crate::charts::drawing::sheet::{Anchor, Label, Position, Shape, Sheet};
use crate::charts::figure::palette::{Rgb, Theme};

/// Pixels of the file for each point.
const PIXELS: f64 = 2.0;
/// Painted pixels for each pixel of the file, in each direction.
const FINE: usize = 2;

/// Paints a sheet; `out` is the size at which it is shown, in points.
pub(super) fn png(sheet: &Sheet, out: Position, theme: Theme) -> Result<Vec<u8>, String> {
    let (width, height) = size(out);
    let (fine_width, fine_height) = (width * FINE, height * FINE);
    // Filled here, because plotters leaves the last column of a grey rectangle as it was.
    let Rgb(r, g, b) = theme.background();
    let mut fine = [r, g, b].repeat(fine_width * fine_height);
    {
        let size = (side(fine_width)?, side(fine_height)?);
        let mut canvas = BitmapCanvas {
            backend: BitMapBackend::with_buffer(&mut fine, size),
            scale: SCALE * out.0 / sheet.size.0,
            theme,
        };
        for shape in &sheet.shapes {
            canvas.draw(shape)?;
        }
        canvas.backend.present().map_err(|e| e.to_string())?;
    }
    encode(&averaged(&fine, width, height), width, height)
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a sheet is some thousand points wide and high"
)]
fn size((width, height): Position) -> (usize, usize) {
    let of = |points: f64| libm::round(points * PIXELS) as usize;
    (of(width), of(height))
}

fn side(n: usize) -> Result<u32, String> {
    u32::try_from(n).map_err(|e| e.to_string())
}

/// Averages the painted pixels to those of the file.
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

/// Painted pixels for each point of the picture.
const SCALE: f64 = PIXELS * FINE as f64;

struct BitmapCanvas<'a> {
    backend: BitMapBackend<'a>,
    /// Painted pixels for each point of the sheet.
    scale: f64,
    theme: Theme,
}

fn filled(Rgb(r, g, b): Rgb, alpha: f64) -> ShapeStyle {
    ShapeStyle {
        color: RGBAColor(r, g, b, alpha),
        filled: true,
        stroke_width: 0,
    }
}

impl BitmapCanvas<'_> {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "places are on a sheet of some thousand points"
    )]
    fn whole(&self, (x, y): Position) -> (i32, i32) {
        (
            libm::round(x * self.scale) as i32,
            libm::round(y * self.scale) as i32,
        )
    }

    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "marks and lines are some points wide"
    )]
    fn radius(&self, r: f64) -> u32 {
        libm::round(r.max(0.0) * self.scale) as u32
    }

    fn draw(&mut self, shape: &Shape) -> Result<(), String> {
        let theme = self.theme;
        match shape {
            Shape::Line {
                points,
                width,
                dash,
                paint,
            } => {
                let color = paint.color(theme);
                let mut of = |stroke: Vec<Position>| self.line(&stroke, *width, color);
                strokes(points, dash).into_iter().try_for_each(&mut of)
            }
            Shape::Area {
                points,
                paint,
                alpha,
            } => {
                let points: Vec<_> = points.iter().map(|p| self.whole(*p)).collect();
                let style = filled(paint.color(theme), *alpha);
                let done = self.backend.fill_polygon(points, &style);
                done.map_err(|e| e.to_string())
            }
            Shape::Rect { from, to, paint } => {
                self.rect(*from, *to, &filled(paint.color(theme), 1.0))
            }
            Shape::Frame {
                from,
                to,
                width,
                paint,
            } => {
                let style = filled(paint.color(theme), 1.0);
                let (left, top) = (from.0 + width, from.1 + width);
                let (right, bottom) = (to.0 - width, to.1 - width);
                self.rect(*from, (to.0, top), &style)?;
                self.rect((from.0, bottom), *to, &style)?;
                self.rect(*from, (left, to.1), &style)?;
                self.rect((right, from.1), *to, &style)
            }
            Shape::Disc { at, radius, paint } => {
                let (at, radius) = (self.whole(*at), self.radius(*radius));
                let style = filled(paint.color(theme), 1.0);
                let done = self.backend.draw_circle(at, radius, &style, true);
                done.map_err(|e| e.to_string())
            }
            Shape::Text(label) => self.text(label),
            // Groups have no meaning in a file.
            Shape::Open(_) | Shape::Close => Ok(()),
        }
    }

    fn rect(&mut self, from: Position, to: Position, style: &ShapeStyle) -> Result<(), String> {
        let ((left, top), (right, bottom)) = (self.whole(from), self.whole(to));
        // plotters paints the last row and column as well.
        let end = ((right - 1).max(left), (bottom - 1).max(top));
        let done = self.backend.draw_rect((left, top), end, style, true);
        done.map_err(|e| e.to_string())
    }

    /// Draws every piece as a polygon of its own, with discs where they meet: plotters' own joints have holes at sharp bends.
    fn line(&mut self, points: &[Position], width: f64, color: Rgb) -> Result<(), String> {
        let style = filled(color, 1.0);
        let half = width / 2.0;
        for pair in points.windows(2) {
            let ((x1, y1), (x2, y2)) = (pair[0], pair[1]);
            let length = libm::hypot(x2 - x1, y2 - y1);
            if length < 1e-6 {
                continue;
            }
            let (dx, dy) = ((x2 - x1) / length * half, (y2 - y1) / length * half);
            if dx == 0.0 || dy == 0.0 {
                // Horizontal and vertical lines are those of the frame and the grid, and are drawn sharp.
                let from = (x1.min(x2) - dy.abs(), y1.min(y2) - dx.abs());
                let to = (x1.max(x2) + dy.abs(), y1.max(y2) + dx.abs());
                self.rect(from, to, &style)?;
            } else {
                let corners = [
                    (x1 - dy, y1 + dx),
                    (x1 + dy, y1 - dx),
                    (x2 + dy, y2 - dx),
                    (x2 - dy, y2 + dx),
                ];
                let corners = corners.map(|p| self.whole(p));
                let done = self.backend.fill_polygon(corners, &style);
                done.map_err(|e| e.to_string())?;
            }
        }
        let radius = self.radius(half);
        if points.len() > 2 && radius > 1 {
            for p in &points[1..points.len() - 1] {
                let at = self.whole(*p);
                let done = self.backend.draw_circle(at, radius, &style, true);
                done.map_err(|e| e.to_string())?;
            }
        }
        Ok(())
    }

    fn text(&mut self, label: &Label) -> Result<(), String> {
        let size = label.size * self.scale * LINE;
        let across = match label.anchor {
            Anchor::Start => HPos::Left,
            Anchor::Middle => HPos::Center,
            Anchor::End => HPos::Right,
        };
        let color = filled(label.paint.color(self.theme), 1.0).color;
        let style = desc(size, label.bold).color(&color);
        let style = style.pos(Pos::new(across, VPos::Top));
        // plotters puts the base line half a line below the top.
        let (x, y) = self.whole(label.at);
        let (_, half) = self.whole((0.0, size / 2.0 / self.scale));
        let done = self.backend.draw_text(&label.text, &style, (x, y - half));
        done.map_err(|e| e.to_string())
    }
}

/// The strokes of a line, from the lengths of strokes and gaps; the whole line if there are none.
fn strokes(points: &[Position], pattern: &[f64]) -> Vec<Vec<Position>> {
    if pattern.is_empty() {
        return vec![points.to_vec()];
    }
    let mut all = Vec::new();
    let (mut part, mut left) = (0, pattern[0]);
    let mut stroke: Vec<Position> = points.first().copied().into_iter().collect();
    for pair in points.windows(2) {
        let (mut from, to) = (pair[0], pair[1]);
        loop {
            let length = libm::hypot(to.0 - from.0, to.1 - from.1);
            if length < left {
                left -= length;
                if part % 2 == 0 {
                    stroke.push(to);
                }
                break;
            }
            let share = left / length.max(f64::MIN_POSITIVE);
            from = (
                from.0 + (to.0 - from.0) * share,
                from.1 + (to.1 - from.1) * share,
            );
            if part % 2 == 0 {
                stroke.push(from);
                all.push(std::mem::take(&mut stroke));
            } else {
                stroke = vec![from];
            }
            part = (part + 1) % pattern.len();
            left = pattern[part].max(0.5);
        }
    }
    all.push(stroke);
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn dashes_cover_the_line_in_turn() {
        let all = strokes(&[(0.0, 0.0), (10.0, 0.0), (10.0, 10.0)], &[6.0, 2.0]);
        assert_eq!(all[0], [(0.0, 0.0), (6.0, 0.0)]);
        assert_eq!(all[1], [(8.0, 0.0), (10.0, 0.0), (10.0, 4.0)]);
        assert_eq!(all[2], [(10.0, 6.0), (10.0, 10.0)]);
    }
}
