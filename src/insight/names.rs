//! Short names of cases: without the interpreter if there is only one, and without the common prefix of all interpreters' names.

use crate::result::Forecast;

/// How the names of a set of cases are shortened.
pub(crate) struct Names {
    single: bool,
    cut: bool,
}

impl Names {
    pub(crate) fn of<'a>(cases: impl Iterator<Item = &'a Forecast>) -> Self {
        let mut interpreters: Vec<&str> = cases.map(|c| c.interpreter.as_str()).collect();
        interpreters.sort_unstable();
        interpreters.dedup();
        let cut = |i: &&str| i.strip_prefix(PREFIX).is_some_and(|r| !r.is_empty());
        Self {
            single: interpreters.len() < 2,
            cut: interpreters.iter().all(cut),
        }
    }

    /// Short name of a case: `threads:8`, or `threads:8 on 3.14t` if there are several interpreters.
    pub(crate) fn short(&self, case: &Forecast) -> String {
        self.of_parts(&case.strategy, &case.interpreter)
    }

    pub(crate) fn of_parts(&self, strategy: &str, interpreter: &str) -> String {
        if self.single {
            return strategy.to_owned();
        }
        let interpreter = if self.cut {
            interpreter.strip_prefix(PREFIX).unwrap_or(interpreter)
        } else {
            interpreter
        };
        format!("{strategy} on {interpreter}")
    }
}

const PREFIX: &str = "cpython-";
