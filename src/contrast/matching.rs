//! Which case of one result is which of the other.

use crate::result::Forecast;

/// Indices of cases of two lists.
pub(super) struct Matched {
    /// Those that both have, in the order of the first list.
    pub both: Vec<(usize, usize)>,
    /// Those that only the first has.
    pub only_a: Vec<usize>,
    /// Those that only the second has.
    pub only_b: Vec<usize>,
}

/// Matches cases by strategy and interpreter. Where no name is in both, and each side has one interpreter, by the strategy: what differs is
/// then the interpreter. Where each side has a single case, these two are compared whatever they are called.
pub(super) fn matched(a: &[Forecast], b: &[Forecast]) -> Matched {
    let mut both = pairs(a, b, |x, y| {
        x.strategy == y.strategy && x.interpreter == y.interpreter
    });
    if both.is_empty() && single_interpreter(a) && single_interpreter(b) {
        both = pairs(a, b, |x, y| x.strategy == y.strategy);
    }
    if both.is_empty() && a.len() == 1 && b.len() == 1 {
        both.push((0, 0));
    }
    Matched {
        only_a: (0..a.len())
            .filter(|i| !both.iter().any(|p| p.0 == *i))
            .collect(),
        only_b: (0..b.len())
            .filter(|i| !both.iter().any(|p| p.1 == *i))
            .collect(),
        both,
    }
}

/// Pairs of cases that are the same, each in one pair at most.
fn pairs(
    a: &[Forecast],
    b: &[Forecast],
    same: impl Fn(&Forecast, &Forecast) -> bool,
) -> Vec<(usize, usize)> {
    let mut all: Vec<(usize, usize)> = Vec::new();
    for (i, x) in a.iter().enumerate() {
        let free = |j: &usize| !all.iter().any(|p| p.1 == *j);
        let found = (0..b.len()).find(|j| same(x, &b[*j]) && free(j));
        all.extend(found.map(|j| (i, j)));
    }
    all
}

fn single_interpreter(cases: &[Forecast]) -> bool {
    let first = cases.first().map(|f| &f.interpreter);
    first.is_some_and(|first| cases.iter().all(|f| f.interpreter == *first))
}
