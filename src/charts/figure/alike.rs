//! Curves that coincide: drawn as one line whose label names them all, so that none is hidden under another.

use super::ticks::Ruler;
use super::{CurvePoint, Emphasis, LinePlot, Series, Stroke};
use crate::charts::scale::grouped;

/// Greatest distance of curves that are drawn as one, as a share of an axis: about the width of a line.
const NEAR: f64 = 0.006;

/// The same for curves of many points, which have some jitter: about the width of a thick line.
const NEAR_PLAIN: f64 = 0.015;

/// Position along an edge of a cross for `x`: beside the crosses that are there already, towards the `middle`.
pub(crate) fn beside(x: f64, middle: f64, crosses: &[(f64, f64)]) -> f64 {
    let step = if x > middle { -13.0 } else { 13.0 };
    let taken = |x: f64| crosses.iter().any(|c| (c.0 - x).abs() < 10.0);
    (0..40)
        .map(|i| x + step * f64::from(i))
        .find(|&x| !taken(x))
        .unwrap_or(x)
}

/// A line that stands for one curve, or for several that coincide.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct CoincidentCurves {
    /// Indices of the curves; the first one is drawn.
    pub members: Vec<usize>,
    /// Name in the legend.
    pub name: String,
    /// Their role in the answer, all of them taken together.
    pub role: Emphasis,
}

impl LinePlot {
    /// The curves as they are drawn, in the order of the legend, with coinciding curves as one line.
    pub(crate) fn together(&self) -> Vec<CoincidentCurves> {
        let ruler = |axis, values: &mut dyn Iterator<Item = f64>, snug| {
            // The number of ticks determines where an axis ends, but hardly affects its length.
            Ruler::new(axis, values, 6, snug)
        };
        let dots = || self.series.iter().flat_map(|s| &s.dots);
        let x = ruler(&self.x, &mut dots().map(|d| d.x), true);
        let y = ruler(&self.y, &mut dots().filter_map(|d| d.y), false);
        let near = |ruler: &Ruler, a: f64, b: f64, most: f64| {
            a == b
                || (ruler.place(a).zip(ruler.place(b))).is_some_and(|(a, b)| (a - b).abs() <= most)
        };
        let same = |a: &CurvePoint, b: &CurvePoint, most: f64| {
            let level = match (a.y, b.y) {
                (Some(a), Some(b)) => near(&y, a, b, most),
                (None, None) => true,
                _ => false,
            };
            level && near(&x, a.x, b.x, most) && a.flaw == b.flaw && a.misses == b.misses
        };
        let alike = |a: &Series, b: &Series| {
            let most = match a.stroke {
                Stroke::Plain => NEAR_PLAIN,
                _ => NEAR,
            };
            a.stroke == b.stroke
                && a.stroke != Stroke::Reference
                && !a.dots.is_empty()
                && a.dots.len() == b.dots.len()
                && a.dots.iter().zip(&b.dots).all(|(a, b)| same(a, b, most))
        };
        grouped(&self.series, alike)
            .into_iter()
            .map(|mut members| {
                // A curve that the answer names, or a baseline, determines the looks of the line.
                let weight = |i: &usize| {
                    let role = self.series[*i].role;
                    (!role.leads(), !role.baseline, *i)
                };
                members.sort_by_key(weight);
                let of =
                    |get: fn(Emphasis) -> bool| members.iter().any(|&i| get(self.series[i].role));
                CoincidentCurves {
                    name: self.name(&members),
                    role: Emphasis {
                        best: of(|r| r.best),
                        nearest: of(|r| r.nearest),
                        baseline: of(|r| r.baseline),
                    },
                    members,
                }
            })
            .collect()
    }

    fn name(&self, members: &[usize]) -> String {
        let names: Vec<String> = members
            .iter()
            .map(|&i| self.series[i].role.name(&self.series[i].name))
            .collect();
        match names.as_slice() {
            [only] => only.clone(),
            [most @ .., last] => format!("{} and {last}: one line", most.join(", ")),
            [] => String::new(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::charts::figure::{Axis, Measure, Scale};

    fn lines(curves: &[&[f64]]) -> LinePlot {
        let axis = |measure| Axis {
            label: "a".into(),
            measure,
            scale: Scale::FromZero,
            categories: Vec::new(),
        };
        let series = curves.iter().enumerate().map(|(number, ys)| Series {
            name: format!("c{number}"),
            number,
            role: Emphasis {
                baseline: number == 2,
                ..Emphasis::default()
            },
            stroke: Stroke::Marked,
            dots: (0..)
                .zip(*ys)
                .map(|(x, &y)| CurvePoint {
                    y: (!y.is_nan()).then_some(y),
                    ..CurvePoint::at(f64::from(x), 0.0)
                })
                .collect(),
        });
        LinePlot {
            x: axis(Measure::Number),
            y: axis(Measure::Seconds),
            series: series.collect(),
            limits: Vec::new(),
        }
    }

    #[test]
    fn curves_on_one_another_are_one_line_that_names_them_all() {
        let gap = f64::NAN;
        let f = lines(&[
            &[1.0, 2.0, 3.0],
            &[1.0, 2.1, 3.0],
            &[1.001, 2.001, 2.999],
            &[1.0, gap, 3.0],
            &[1.0, gap, 3.001],
        ]);
        let all = f.together();
        let members: Vec<&[usize]> = all.iter().map(|t| t.members.as_slice()).collect();
        assert_eq!(members, [&[2, 0][..], &[1], &[3, 4]]);
        assert_eq!(all[0].name, "c2 (baseline) and c0: one line");
        assert!(all[0].role.baseline && !all[1].role.baseline);
        assert_eq!(all[1].name, "c1");
    }
}
