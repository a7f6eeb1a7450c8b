//! Fingerprints: short hashes of contents, equal if the contents are equal.

use std::fmt::{self, Write};

use super::sweep::{AxisValue, PlanAxis, SweepPlan};
use crate::result::ScenarioName;
use crate::scenario::Scenario;

/// A hash of the text written to it (FNV-1a, 64 bits), so that a long trace is never in memory as text.
pub(super) struct Fnv(u64);

impl Default for Fnv {
    fn default() -> Self {
        Self(0xcbf2_9ce4_8422_2325)
    }
}

impl Fnv {
    /// The hash of what has been written, as 16 hexadecimal digits.
    pub(super) fn name(&self) -> String {
        format!("{:016x}", self.0)
    }
}

impl Write for Fnv {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0 = text.bytes().fold(self.0, |h, b| {
            (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
        });
        Ok(())
    }
}

/// The hash of what `write` writes, as 16 hexadecimal digits.
fn named(write: impl FnOnce(&mut Fnv) -> fmt::Result) -> String {
    let mut hash = Fnv::default();
    // The hash takes any text, so writing cannot fail.
    let _ = write(&mut hash);
    hash.name()
}

/// The fingerprint of a scenario, from its canonical text (`Scenario::write_canonical`). Comments, layout and defaults that are written
/// out do not change it; everything else does.
pub fn fingerprint(scenario: &Scenario) -> String {
    named(|hash| scenario.write_canonical(hash))
}

/// The fingerprint of a plan, from the paths that it varies and their values, as they are set.
pub fn plan_fingerprint(plan: &SweepPlan) -> String {
    let SweepPlan { axes, zip } = plan;
    named(|hash| {
        writeln!(hash, "pchsim plan 1\nzip {zip}")?;
        for axis in axes {
            let PlanAxis {
                path,
                values,
                // These follow from the path and the values.
                label: _,
                unit: _,
            } = axis;
            writeln!(hash, "axis {} {} {path}", values.len(), path.len())?;
            for AxisValue { text, number: _ } in values {
                writeln!(hash, "{} {text}", text.len())?;
            }
        }
        Ok(())
    })
}

/// The fingerprint of a text.
pub fn text_fingerprint(text: &str) -> String {
    named(|hash| hash.write_str(text))
}

/// The scenario's name, question and fingerprint, for a result.
pub(super) fn scenario_name(scenario: &Scenario) -> ScenarioName {
    ScenarioName {
        name: scenario.name.clone(),
        question: scenario.question.clone(),
        hash: fingerprint(scenario),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Journals close their blocks with this hash, and other programs may compute it: FNV-1a has published values.
    #[test]
    fn texts_have_the_published_hash() {
        assert_eq!(text_fingerprint(""), "cbf29ce484222325");
        assert_eq!(text_fingerprint("a"), "af63dc4c8601ec8c");
        assert_eq!(text_fingerprint("foobar"), "85944171f73967e8");
    }

    fn plan(axes: &[(&str, &[&str])], zip: bool) -> SweepPlan {
        let axes = axes.iter().map(|(path, values)| PlanAxis {
            path: (*path).into(),
            label: "any".into(),
            values: (values.iter())
                .map(|text| AxisValue {
                    text: (*text).into(),
                    number: None,
                })
                .collect(),
            unit: None,
        });
        SweepPlan {
            axes: axes.collect(),
            zip,
        }
    }

    #[test]
    fn plans_differ_by_what_they_vary() {
        let all = [
            plan(&[], false),
            plan(&[("seed", &["1"])], false),
            plan(&[("seed", &["1", "2"])], false),
            plan(&[("seed", &["2", "1"])], false),
            plan(&[("seed", &["1 2"])], false),
            plan(&[("horizon", &["1", "2"])], false),
            plan(&[("seed", &["1", "2"]), ("horizon", &["1", "2"])], false),
            plan(&[("seed", &["1", "2"]), ("horizon", &["1", "2"])], true),
            plan(&[("horizon", &["1", "2"]), ("seed", &["1", "2"])], false),
        ];
        let names: std::collections::BTreeSet<String> = all.iter().map(plan_fingerprint).collect();
        assert_eq!(names.len(), all.len());
        assert_eq!(plan_fingerprint(&all[1]), "447e08d2129766be");
    }
}
