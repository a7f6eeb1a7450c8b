//! The cases of a run as figures show them: their names, and which are left out where there are too many.

use super::{BARS, Bar, CURVES, misses};
use crate::charts::figure::Emphasis;
use crate::insight::names::Names;
use crate::result::{Answer, Forecast, Study, Tier};

/// A case in figures.
#[derive(Clone, Copy)]
pub(super) struct PlottedCase<'a> {
    pub case: &'a Forecast,
    /// Decides its looks: its place in the document.
    pub number: usize,
    /// What it is to the answer.
    pub role: Emphasis,
    /// How it stands.
    pub tier: Tier,
}

/// The cases of a run with short names.
pub(super) struct Cases<'a> {
    all: Vec<PlottedCase<'a>>,
    baseline: Option<&'a str>,
    names: Names,
    /// Which case to take, by their places in the document.
    pub answer: Option<Answer>,
}

impl<'a> Cases<'a> {
    pub(super) fn of(run: &'a Study) -> Self {
        let cases: Vec<&Forecast> = run.all().collect();
        let base = cases.iter().position(|c| Some(c.name()) == run.baseline);
        // The hidden baseline was not asked for: it is no candidate.
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

    /// The case at a place in the document.
    pub(super) fn at(&self, place: usize) -> Option<&PlottedCase<'a>> {
        self.all.get(place)
    }

    /// Those that may be taken, the one to take first.
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

    /// The case's bar, with why it has no numbers.
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

    /// As many as curves can be told apart, of those that `has`; and what is said of the others.
    pub(super) fn curves(&self, has: impl Fn(&Forecast) -> bool) -> (Vec<PlottedCase<'a>>, String) {
        self.most(CURVES, has)
    }

    /// As many as bars fit into a figure, of those that `has`; and what is said of the others.
    pub(super) fn bars(&self, has: impl Fn(&Forecast) -> bool) -> (Vec<PlottedCase<'a>>, String) {
        self.most(BARS, has)
    }

    /// So many of the best of those that `has`, and what is said of the others. The baseline is not kept for its own sake: over time it
    /// would take all the room.
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

/// There are [`CURVES`] looks: of two that would look alike the later one takes the first free look.
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

/// Which of `n` things by rank are kept: the first ones, and always the baseline.
pub(super) fn keep(n: usize, most: usize, baseline: Option<usize>) -> Vec<usize> {
    let mut kept: Vec<usize> = (0..n.min(most)).collect();
    if let Some(b) = baseline.filter(|b| *b >= kept.len() && *b < n) {
        kept.pop();
        kept.push(b);
    }
    kept
}

/// The number that decides the looks of the thing at a place: the baseline's is its own (grey), wherever it stands.
pub(super) fn number(place: usize, baseline: Option<usize>) -> usize {
    const BASELINE: usize = 6;
    let Some(b) = baseline else { return place };
    if place == b {
        return BASELINE;
    }
    let among_others = place - usize::from(place > b);
    among_others + usize::from(among_others >= BASELINE)
}

/// `8 of 14 strategies: the best and the baseline`; empty where none is left out.
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
