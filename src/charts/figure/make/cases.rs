//! The cases of a run as figures show them: their names, and which are left out if there are too many.

use super::{BARS, Bar, CURVES, misses};
use crate::charts::figure::Emphasis;
use crate::insight::names::Names;
use crate::result::{Answer, Forecast, Study, Tier};

/// A case in figures.
#[derive(Clone, Copy)]
pub(super) struct PlottedCase<'a> {
    pub case: &'a Forecast,
    /// Number that determines its looks: its index in the document.
    pub number: usize,
    /// Role of the case in the answer.
    pub role: Emphasis,
    /// Tier of the case.
    pub tier: Tier,
}

/// The cases of a run, with short names.
pub(super) struct Cases<'a> {
    all: Vec<PlottedCase<'a>>,
    baseline: Option<&'a str>,
    names: Names,
    /// The answer, by indices of cases in the document.
    pub answer: Option<Answer>,
}

impl<'a> Cases<'a> {
    pub(super) fn of(run: &'a Study) -> Self {
        let cases: Vec<&Forecast> = run.all().collect();
        let base = cases.iter().position(|c| Some(c.name()) == run.baseline);
        // The hidden baseline was not asked for, so it is no candidate.
        let standings = run.standings();
        let answer = run.answer();
        let role = |i: usize| {
            let leads = answer
                .as_ref()
                .filter(|a| a.take == i || a.tied.contains(&i));
            Emphasis {
                best: leads.is_some_and(|a| a.meets),
                nearest: leads.is_some_and(|a| !a.meets),
                baseline: base == Some(i),
            }
        };
        let all: Vec<PlottedCase> = cases
            .into_iter()
            .enumerate()
            .map(|(i, case)| PlottedCase {
                case,
                number: number(i, base),
                role: role(i),
                tier: standings.get(i).map_or(Tier::NoForecast, |s| s.tier),
            })
            .collect();
        Self {
            names: Names::of(all.iter().map(|s| s.case)),
            baseline: run.baseline.as_deref(),
            all,
            answer,
        }
    }

    /// The case at an index in the document.
    pub(super) fn at(&self, place: usize) -> Option<&PlottedCase<'a>> {
        self.all.get(place)
    }

    /// The case to take, and those that are as good.
    pub(super) fn leaders(&self) -> Vec<&PlottedCase<'a>> {
        let places = self
            .answer
            .iter()
            .flat_map(|a| std::iter::once(a.take).chain(a.tied.iter().copied()));
        places.filter_map(|i| self.at(i)).collect()
    }

    /// All cases that were asked for.
    pub(super) fn all(&self) -> &[PlottedCase<'a>] {
        &self.all
    }

    pub(super) fn name(&self, s: &PlottedCase<'_>) -> String {
        self.names.short(s.case)
    }

    /// The bar of a case, which names the reason if it has no numbers.
    pub(super) fn bar(&self, s: &PlottedCase<'_>) -> Bar {
        let name = self.name(s);
        Bar {
            name: if s.case.is_fine() {
                name
            } else {
                format!("{name} ({})", s.case.status.name())
            },
            role: s.role,
            misses: s.case.is_fine() && misses(s.case),
        }
    }

    /// The cases for which `has` holds, as many as curves can be told apart, and a note about the others.
    pub(super) fn curves(&self, has: impl Fn(&Forecast) -> bool) -> (Vec<PlottedCase<'a>>, String) {
        self.most(CURVES, has)
    }

    /// The cases for which `has` holds, as many as bars fit into a figure, and a note about the others.
    pub(super) fn bars(&self, has: impl Fn(&Forecast) -> bool) -> (Vec<PlottedCase<'a>>, String) {
        self.most(BARS, has)
    }

    /// The best `most` cases for which `has` holds, and a note about the others. The baseline gets no place of its own: over time it would
    /// take all the room.
    pub(super) fn best(
        &self,
        most: usize,
        has: impl Fn(&Forecast) -> bool,
    ) -> (Vec<PlottedCase<'a>>, String) {
        let mut with: Vec<PlottedCase> = self.all.iter().copied().filter(|s| has(s.case)).collect();
        let all = with.len();
        with.truncate(most);
        let note = left_out(all - with.len(), all, false);
        apart(&mut with);
        (with, note)
    }

    fn most(&self, most: usize, has: impl Fn(&Forecast) -> bool) -> (Vec<PlottedCase<'a>>, String) {
        let with: Vec<PlottedCase> = self.all.iter().copied().filter(|s| has(s.case)).collect();
        let base = with
            .iter()
            .position(|s| Some(s.case.name().as_str()) == self.baseline);
        let kept = keep(with.len(), most, base);
        let note = left_out(with.len() - kept.len(), with.len(), base.is_some());
        let mut shown: Vec<PlottedCase> = kept.into_iter().map(|i| with[i]).collect();
        apart(&mut shown);
        (shown, note)
    }
}

/// Gives each case its own of the [`CURVES`] looks: of two that would look alike, the later one takes the first free one.
fn apart(shown: &mut [PlottedCase<'_>]) {
    let mut taken = [false; CURVES];
    for s in shown {
        if taken[s.number % CURVES]
            && let Some(free) = taken.iter().position(|t| !t)
        {
            s.number = free;
        }
        taken[s.number % CURVES] = true;
    }
}

/// Which of `n` ranked things are kept: the first ones, and always the baseline.
pub(super) fn keep(n: usize, most: usize, baseline: Option<usize>) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..n.min(most)).collect();
    if let Some(b) = baseline.filter(|b| *b >= kept.len() && *b < n) {
        kept.pop();
        kept.push(b);
    }
    kept
}

/// The number that determines the looks of the thing at an index: the baseline has its own (grey), whatever its index.
pub(super) fn number(place: usize, baseline: Option<usize>) -> usize {
    const BASELINE: usize = 6;
    let Some(b) = baseline else { return place };
    if place == b {
        return BASELINE;
    }
    let among_others = place - usize::from(place > b);
    among_others + usize::from(among_others >= BASELINE)
}

/// The note about those left out: `8 of 14 strategies: the best and the baseline`; empty if none is.
pub(super) fn left_out(left: usize, of: usize, baseline: bool) -> String {
    if left == 0 {
        return String::new();
    }
    let with = if baseline { " and the baseline" } else { "" };
    format!("{} of {of} strategies: the best{with}", of - left)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_best_and_the_baseline_are_kept() {
        assert_eq!(keep(3, 8, Some(2)), [0, 1, 2]);
        assert_eq!(keep(20, 4, Some(12)), [0, 1, 2, 12]);
        assert_eq!(keep(20, 4, Some(1)), [0, 1, 2, 3]);
        assert_eq!(keep(0, 4, None), [0; 0]);
        assert_eq!(left_out(0, 4, true), "");
        assert_eq!(
            left_out(6, 14, true),
            "8 of 14 strategies: the best and the baseline"
        );
        let numbers = |b| (0..9).map(|i| number(i, b)).collect::<Vec<_>>();
        assert_eq!(numbers(None), [0, 1, 2, 3, 4, 5, 6, 7, 8]);
        assert_eq!(numbers(Some(2)), [0, 1, 6, 2, 3, 4, 5, 7, 8]);
    }
}
