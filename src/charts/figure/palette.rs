//! Colours, dashes and marks of figures in both themes, the same on a page and in a file.
//!
//! The colours of curves were searched for: each has a contrast of at least 3:1 with its background, and any two are as far apart as eight
//! can be for people who see no red, no green or no blue; tests check both. No colour stands alone: curves have marks or dashes as well,
//! layers a fixed order and seams, bars stripes.

use crate::machine::{CAUSES, Cause};

/// The background on which a figure is drawn.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Theme {
    /// Dark on white.
    Light,
    /// Light on near-black.
    Dark,
}

/// A colour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rgb(pub u8, pub u8, pub u8);

/// The mark at a curve's points. It is filled, or an outline if the case misses an objective.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Marker {
    /// A circle.
    Circle,
    /// A square.
    Square,
    /// A triangle, its tip up.
    Triangle,
    /// A square on its tip.
    Diamond,
    /// A triangle, its tip down.
    Down,
    /// A star with five points.
    Star,
    /// A triangle, its tip to the right.
    Right,
    /// A triangle, its tip to the left.
    Left,
}

impl Marker {
    /// The corners around the middle, in radii; empty for a circle.
    pub(crate) fn corners(self) -> &'static [(f64, f64)] {
        match self {
            Self::Circle => &[],
            Self::Square => &[(-0.9, -0.9), (0.9, -0.9), (0.9, 0.9), (-0.9, 0.9)],
            Self::Triangle => &[(0.0, -1.25), (1.15, 0.9), (-1.15, 0.9)],
            Self::Diamond => &[(0.0, -1.3), (1.3, 0.0), (0.0, 1.3), (-1.3, 0.0)],
            Self::Down => &[(0.0, 1.25), (1.15, -0.9), (-1.15, -0.9)],
            Self::Star => &[
                (0.0, -1.45),
                (0.38, -0.52),
                (1.38, -0.45),
                (0.61, 0.2),
                (0.85, 1.17),
                (0.0, 0.64),
                (-0.85, 1.17),
                (-0.61, 0.2),
                (-1.38, -0.45),
                (-0.38, -0.52),
            ],
            Self::Right => &[(1.25, 0.0), (-0.9, 1.15), (-0.9, -1.15)],
            Self::Left => &[(-1.25, 0.0), (0.9, 1.15), (0.9, -1.15)],
        }
    }
}

const fn rgb(hex: u32) -> Rgb {
    let [_, r, g, b] = hex.to_be_bytes();
    Rgb(r, g, b)
}

/// Number of colours of curves; further curves begin again.
pub(crate) const CURVES: usize = 8;
/// Number of colours of layers.
pub(crate) const LAYERS: usize = CAUSES + 1;

/// The layer of pickling. Its number stays what it is in timelines that were written when there were twelve causes; later causes follow it.
pub(crate) const PICKLING: usize = 12;

/// The layer of a cause.
#[must_use]
pub(crate) fn layer_of(cause: Cause) -> usize {
    let number = cause as usize;
    number + usize::from(number >= PICKLING)
}

/// The cause of a layer; `None` for pickling, and beyond the last layer.
#[must_use]
pub(crate) fn cause_of(layer: usize) -> Option<Cause> {
    Cause::ALL.into_iter().find(|&c| layer_of(c) == layer)
}

const SERIES_LIGHT: [Rgb; CURVES] = [
    rgb(0x28_5DFF),
    rgb(0xCB_4B4B),
    rgb(0x11_6B85),
    rgb(0x9F_66C6),
    rgb(0x9B_4000),
    rgb(0x19_9E90),
    rgb(0x4D_4D4D),
    rgb(0xCD_7808),
];
const SERIES_DARK: [Rgb; CURVES] = [
    rgb(0x10_8CA4),
    rgb(0xDB_6028),
    rgb(0x28_B98E),
    rgb(0xCD_70E4),
    rgb(0xF5_DD49),
    rgb(0x18_E4FF),
    rgb(0xC7_C7C7),
    rgb(0x8C_C506),
];
/// In the order of `Cause`: running, core, GIL, lock, worker, loop, hand-over, start-up, I/O, queue, limit, contended object; then pickling; then resource (`layer_of`).
const LAYERS_LIGHT: [Rgb; LAYERS] = [
    rgb(0x00_8F68),
    rgb(0xC7_7F00),
    rgb(0xD0_3A2B),
    rgb(0x8E_4EC6),
    rgb(0x00_72B2),
    rgb(0x3A_95D2),
    rgb(0x8C_7A00),
    rgb(0x6E_4A2E),
    rgb(0x8A_9099),
    rgb(0x2F_6F6B),
    rgb(0xCC_6699),
    rgb(0x7A_1F4B),
    rgb(0x4D_4D4D),
    rgb(0x1F_4E9E),
];
const LAYERS_DARK: [Rgb; LAYERS] = [
    rgb(0x2D_C99B),
    rgb(0xF0_A830),
    rgb(0xF0_5F50),
    rgb(0xB9_86E8),
    rgb(0x3F_8FD0),
    rgb(0x82_C4F0),
    rgb(0xC9_BC3C),
    rgb(0xB0_835E),
    rgb(0x8B_929C),
    rgb(0x5F_ABA6),
    rgb(0xE5_8DB6),
    rgb(0xFF_D0A8),
    rgb(0xC7_C7C7),
    rgb(0x9F_E86B),
];
/// Cividis, which is even for every kind of colour vision, and in grey.
const HEAT: [Rgb; 7] = [
    rgb(0x00_224E),
    rgb(0x2B_3F6C),
    rgb(0x56_5C6C),
    rgb(0x7D_7C78),
    rgb(0xA5_9C74),
    rgb(0xD2_C060),
    rgb(0xFE_E838),
];

impl Theme {
    /// The background.
    pub fn background(self) -> Rgb {
        self.pick(0xFF_FFFF, 0x16_181D)
    }

    /// Colour of important texts.
    pub(crate) fn ink(self) -> Rgb {
        self.pick(0x1B_1F24, 0xEC_EFF3)
    }

    /// Colour of texts beside the picture: ticks, the subtitle, legends.
    pub(crate) fn quiet(self) -> Rgb {
        self.pick(0x4F_5761, 0xB3_BAC4)
    }

    /// The frame's lines.
    pub(crate) fn frame(self) -> Rgb {
        self.pick(0x6B_737D, 0x8B_939D)
    }

    /// Lines at ticks.
    pub(crate) fn grid(self) -> Rgb {
        self.pick(0xE2_E6EA, 0x2C_3138)
    }

    /// A reference for comparison.
    pub(crate) fn reference(self) -> Rgb {
        self.pick(0x78_808A, 0x98_A0AA)
    }

    /// Colour of the curve with this number.
    pub(crate) fn series(self, number: usize) -> Rgb {
        let all = match self {
            Self::Light => &SERIES_LIGHT,
            Self::Dark => &SERIES_DARK,
        };
        all[number % all.len()]
    }

    /// Colour of the layer or kind of span with this number.
    pub(crate) fn layer(self, number: usize) -> Rgb {
        let all = match self {
            Self::Light => &LAYERS_LIGHT,
            Self::Dark => &LAYERS_DARK,
        };
        all[number % all.len()]
    }

    fn pick(self, light: u32, dark: u32) -> Rgb {
        rgb(match self {
            Self::Light => light,
            Self::Dark => dark,
        })
    }
}

impl Rgb {
    /// The colour as text: `#0072B2`.
    pub(crate) fn hex(self) -> String {
        format!("#{:02X}{:02X}{:02X}", self.0, self.1, self.2)
    }

    /// Black or white, whichever is more readable on this colour.
    #[must_use]
    pub(crate) fn text_on(self) -> Self {
        let (black, white) = (rgb(0), rgb(0xFF_FFFF));
        if contrast(self, black) >= contrast(self, white) {
            black
        } else {
            white
        }
    }
}

/// The colour of a cell by how good it is, 0 (worst, dark blue) to 1 (best, yellow); the same on both backgrounds.
pub(crate) fn heat(good: f64) -> Rgb {
    let steps = HEAT.len() - 1;
    let at = if good.is_finite() {
        good.clamp(0.0, 1.0) * steps as f64
    } else {
        0.0
    };
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "between 0 and the steps"
    )]
    let low = (libm::floor(at) as usize).min(steps - 1);
    let part = at - low as f64;
    let (a, b) = (HEAT[low], HEAT[low + 1]);
    Rgb(
        mix(a.0, b.0, part),
        mix(a.1, b.1, part),
        mix(a.2, b.2, part),
    )
}

#[expect(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "between two bytes"
)]
fn mix(a: u8, b: u8, part: f64) -> u8 {
    libm::round(f64::from(a) + (f64::from(b) - f64::from(a)) * part) as u8
}

/// The layer whose colour, a grey, is given to bars that the answer does not name.
pub(crate) const OTHER: usize = 8;

/// Lengths of the strokes and gaps of lines at objectives' bounds, in points.
pub(crate) const LIMIT: [f64; 4] = [11.0, 3.0, 2.0, 3.0];

/// Lengths of the strokes and gaps of the baseline's curve, in points.
pub(crate) const BASELINE: [f64; 2] = [7.0, 4.0];

/// Lengths of the strokes and gaps of the curve with this number, in points; empty for a solid line.
pub(crate) fn dash(number: usize) -> &'static [f64] {
    const DASHES: [&[f64]; 8] = [
        &[],
        &[8.0, 4.0],
        &[2.5, 3.0],
        &[9.0, 3.0, 2.5, 3.0],
        &[14.0, 4.0],
        &[5.0, 3.0],
        &[9.0, 3.0, 2.5, 3.0, 2.5, 3.0],
        &[1.5, 2.0],
    ];
    DASHES[number % DASHES.len()]
}

/// The mark of the curve with this number.
pub(crate) fn marker(number: usize) -> Marker {
    const MARKERS: [Marker; 8] = [
        Marker::Circle,
        Marker::Square,
        Marker::Triangle,
        Marker::Diamond,
        Marker::Down,
        Marker::Star,
        Marker::Right,
        Marker::Left,
    ];
    MARKERS[number % MARKERS.len()]
}

/// The contrast of two colours, from 1 to 21 (Web Content Accessibility Guidelines 2).
pub(crate) fn contrast(a: Rgb, b: Rgb) -> f64 {
    let (a, b) = (luminance(a), luminance(b));
    (a.max(b) + 0.05) / (a.min(b) + 0.05)
}

fn luminance(c: Rgb) -> f64 {
    0.2126 * linear(c.0) + 0.7152 * linear(c.1) + 0.0722 * linear(c.2)
}

/// Converts a colour component to linear light.
fn linear(byte: u8) -> f64 {
    let v = f64::from(byte) / 255.0;
    if v <= 0.040_45 {
        v / 12.92
    } else {
        libm::pow((v + 0.055) / 1.055, 2.4)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn everything_stands_out_from_its_background() {
        for theme in [Theme::Light, Theme::Dark] {
            let against = |c: Rgb| contrast(c, theme.background());
            for i in 0..13 {
                for c in [theme.series(i), theme.layer(i)] {
                    assert!(against(c) >= 3.0, "{theme:?} {} {}", c.hex(), against(c));
                    assert!(contrast(c, c.text_on()) >= 4.4, "text on {}", c.hex());
                }
            }
            assert!(against(theme.ink()) >= 12.0);
            assert!(against(theme.quiet()) >= 7.0);
            assert!(against(theme.frame()) >= 3.0);
            assert!(against(theme.reference()) >= 3.0);
        }
    }

    type Three = [f64; 3];

    fn times(m: [Three; 3], v: Three) -> Three {
        m.map(|row| row[0] * v[0] + row[1] * v[1] + row[2] * v[2])
    }

    /// A colour in a space in which equal distances look alike (Ottosson 2020), from its linear components.
    fn oklab(c: Three) -> Three {
        let lms = times(
            [
                [0.412_221_470_8, 0.536_332_536_3, 0.051_445_992_9],
                [0.211_903_498_2, 0.680_699_545_1, 0.107_396_956_6],
                [0.088_302_461_9, 0.281_718_837_6, 0.629_978_700_5],
            ],
            c.map(|v| v.clamp(0.0, 1.0)),
        );
        times(
            [
                [0.210_454_255_3, 0.793_617_785_0, -0.004_072_046_8],
                [1.977_998_495_1, -2.428_592_205_0, 0.450_593_709_9],
                [0.025_904_037_1, 0.782_771_766_2, -0.808_675_766_0],
            ],
            lms.map(libm::cbrt),
        )
    }

    #[test]
    fn curves_are_told_apart_by_whoever_sees_fewer_colours() {
        // Machado, Oliveira and Fernandes 2009, at full severity: no red, no green, no blue.
        let seen = [
            [[1.0, 0.0, 0.0], [0.0, 1.0, 0.0], [0.0, 0.0, 1.0]],
            [
                [0.152_286, 1.052_583, -0.204_868],
                [0.114_503, 0.786_281, 0.099_216],
                [-0.003_882, -0.048_116, 1.051_998],
            ],
            [
                [0.367_322, 0.860_646, -0.227_968],
                [0.280_085, 0.672_501, 0.047_413],
                [-0.011_820, 0.042_940, 0.968_881],
            ],
            [
                [1.255_528, -0.076_749, -0.178_779],
                [-0.078_411, 0.930_809, 0.147_602],
                [0.004_733, 0.691_367, 0.303_900],
            ],
        ];
        for theme in [Theme::Light, Theme::Dark] {
            for (i, eye) in seen.into_iter().enumerate() {
                let colors: Vec<Three> = (0..8)
                    .map(|n| {
                        let Rgb(r, g, b) = theme.series(n);
                        oklab(times(eye, [linear(r), linear(g), linear(b)]))
                    })
                    .collect();
                for (m, a) in colors.iter().enumerate() {
                    for (n, b) in colors[..m].iter().enumerate() {
                        let apart = libm::sqrt((0..3).map(|k| (a[k] - b[k]).powi(2)).sum());
                        assert!(
                            apart > 0.08,
                            "{theme:?}, eye {i}: {n} and {m} by {apart:.3}"
                        );
                    }
                }
            }
        }
    }

    #[test]
    fn heat_goes_from_end_to_end() {
        assert_eq!(heat(0.0), HEAT[0]);
        assert_eq!(heat(1.0), HEAT[6]);
        assert_eq!(heat(0.5), HEAT[3]);
        assert_eq!(heat(f64::NAN), HEAT[0]);
        assert_eq!(heat(7.0), HEAT[6]);
    }
}
