//! Axes as a user gives them: builds a [`SweepPlan`], and tells what a point of it changes in the scenario.

use super::values::{MAX_POINTS, values};
use super::{AxisValue, PlanAxis, SweepPlan, SweepPoint};
use crate::scenario::limits;
use crate::scenario::units::grouped;
use crate::syntax::Changes;

/// What an axis sets at each point.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum AxisTarget {
    /// A field, as `--set` sets it.
    Field,
    /// The cores, as `run --cores` sets them.
    Cores,
    /// The number of workers of every strategy that has any.
    Workers,
    /// The interpreter, as the only one.
    Interpreter,
    /// The strategy, as the only one.
    Strategy,
}

/// A plan under construction, with what its axes set.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Axes {
    plan: SweepPlan,
    targets: Vec<AxisTarget>,
    notes: Vec<String>,
}

impl Axes {
    /// A plan without axes. With `zip` the axes vary side by side, rather than as a grid.
    #[must_use]
    pub(crate) const fn new(zip: bool) -> Self {
        Self {
            plan: SweepPlan {
                axes: Vec::new(),
                zip,
            },
            targets: Vec::new(),
            notes: Vec::new(),
        }
    }

    /// Adds an axis with its values (see [`values()`]): `cores`, `workers`, `interpreter`, `strategy`, or the path of a field of the
    /// scenario. The last axis varies fastest.
    ///
    /// # Errors
    ///
    /// A sentence: what is wrong with the values, or with which axis this one conflicts.
    pub(crate) fn add(&mut self, path: &str, text: &str) -> Result<(), String> {
        let (target, name) = match path {
            "cores" => (AxisTarget::Cores, "machine.cores"),
            "workers" => (AxisTarget::Workers, path),
            "interpreter" => (AxisTarget::Interpreter, path),
            "strategy" => (AxisTarget::Strategy, path),
            _ => (AxisTarget::Field, path),
        };
        for (axis, &other) in self.plan.axes.iter().zip(&self.targets) {
            let cores = [(target, name), (other, axis.path.as_str())]
                .iter()
                .all(|(t, p)| *t == AxisTarget::Cores || is_cores(p));
            let either = target == AxisTarget::Cores || other == AxisTarget::Cores;
            if axis.path == name || (cores && either) {
                return Err(if axis.label == path {
                    format!("{path} is varied twice: write all its values in one list")
                } else {
                    format!(
                        "{} and {path} both say which cores there are: leave one of them out",
                        axis.label
                    )
                });
            }
            if within(name, &axis.path) || within(&axis.path, name) {
                return Err(format!(
                    "{path} and {} cannot both be varied: one lies within the other",
                    axis.path
                ));
            }
        }
        let ranges = !matches!(target, AxisTarget::Interpreter | AxisTarget::Strategy);
        let mut found = values(text, ranges).map_err(|e| format!("{path}: {e}"))?;
        match target {
            AxisTarget::Cores => integer(path, &found.values, "MAX_CORES", limits::MAX_CORES)?,
            AxisTarget::Workers => {
                integer(path, &found.values, "MAX_WORKERS", limits::MAX_WORKERS)?;
            }
            AxisTarget::Interpreter | AxisTarget::Strategy => {
                // `3.14` is a name here, not a number.
                found.values.iter_mut().for_each(|v| v.number = None);
                found.unit = None;
            }
            AxisTarget::Field => {}
        }
        let notes = found.notes.into_iter().map(|n| format!("{path}: {n}"));
        self.notes.extend(notes);
        self.plan.axes.push(PlanAxis {
            path: name.to_owned(),
            label: path.to_owned(),
            values: found.values,
            unit: found.unit,
        });
        self.targets.push(target);
        Ok(())
    }

    /// Checks the axes for conflicts with each other and with `base`, the changes that apply at every point.
    ///
    /// # Errors
    ///
    /// A sentence: which two set the same.
    pub(crate) fn check(&self, base: &Changes) -> Result<(), String> {
        for (axis, &target) in self.plan.axes.iter().zip(&self.targets) {
            let name = &axis.path;
            for (path, value) in &base.set {
                let field = target == AxisTarget::Field && (path == name || within(path, name));
                if field || (target == AxisTarget::Cores && is_cores(path)) {
                    return Err(format!(
                        "--set {path}={value} has no effect where {} is varied: leave one of them out",
                        axis.label
                    ));
                }
            }
            let given = match target {
                AxisTarget::Interpreter => {
                    (!base.interpreters.is_empty()).then_some("--interpreter")
                }
                AxisTarget::Strategy => (!base.strategies.is_empty()).then_some("--strategy"),
                AxisTarget::Field if name == "seed" => base.seed.map(|_| "--seed"),
                _ => None,
            };
            if let Some(option) = given {
                return Err(format!(
                    "{option} has no effect where {name} is varied: leave one of them out"
                ));
            }
        }
        if self.plan.zip {
            self.check_lengths()?;
        }
        if self.plan.len() > MAX_POINTS {
            return Err(format!(
                "the grid has {} points, more than {}: take fewer values, or --zip",
                grouped(self.plan.len()),
                limits::named("MAX_POINTS", MAX_POINTS)
            ));
        }
        Ok(())
    }

    fn check_lengths(&self) -> Result<(), String> {
        let axes = &self.plan.axes;
        let same = |a: &PlanAxis| a.values.len() == axes[0].values.len();
        if axes.iter().all(same) {
            return Ok(());
        }
        let lengths: Vec<String> = axes
            .iter()
            .map(|a| format!("{} has {}", a.label, a.values.len()))
            .collect();
        Err(format!(
            "--zip needs axes of equally many values: {}",
            lengths.join(", ")
        ))
    }

    /// The plan, with labels that are as short as possible and still differ.
    #[must_use]
    pub(crate) fn plan(&self) -> SweepPlan {
        let mut plan = self.plan.clone();
        let short: Vec<String> = plan
            .axes
            .iter()
            .map(|a| last_name(&a.label).to_owned())
            .collect();
        for (axis, label) in plan.axes.iter_mut().zip(&short) {
            if short.iter().filter(|s| *s == label).count() == 1 {
                axis.label.clone_from(label);
            }
        }
        plan
    }

    /// Notes for the user: ranges whose end is not reached.
    #[must_use]
    pub(crate) fn notes(&self) -> &[String] {
        &self.notes
    }

    /// What applies at a point: the changes, and the number of workers if that is varied.
    #[must_use]
    pub(crate) fn changes(&self, point: &SweepPoint, base: &Changes) -> (Changes, Option<u32>) {
        let (mut changes, mut workers) = (base.clone(), None);
        let axes = self.plan.axes.iter().zip(&self.targets);
        for ((axis, target), &index) in axes.zip(&point.index) {
            let Some(value) = axis.values.get(index) else {
                continue;
            };
            let text = value.text.clone();
            match target {
                AxisTarget::Field => changes.set.push((axis.path.clone(), text)),
                AxisTarget::Cores => changes.cores = text.parse().ok(),
                AxisTarget::Workers => workers = text.parse().ok(),
                AxisTarget::Interpreter => changes.interpreters = vec![text],
                AxisTarget::Strategy => changes.strategies = vec![text],
            }
        }
        (changes, workers)
    }

    /// The values of a point in words: `cores = 4, rate = 100`.
    #[must_use]
    pub(crate) fn place(&self, point: &SweepPoint) -> String {
        let at: Vec<String> = self
            .plan()
            .axes
            .iter()
            .zip(&point.index)
            .filter_map(|(a, &i)| Some(format!("{} = {}", a.label, a.values.get(i)?.text)))
            .collect();
        at.join(", ")
    }
}

/// Whether an override of this path determines the cores.
#[must_use]
pub(crate) fn is_cores(path: &str) -> bool {
    const PATHS: [&str; 4] = [
        "machine",
        "machine.cores",
        "machine.speeds",
        "machine.visible_cpus",
    ];
    let field = path.split('[').next().unwrap_or(path);
    PATHS.contains(&field)
}

/// Whether a path leads into what the other path leads to: `machine.cores` lies within `machine`.
fn within(path: &str, outer: &str) -> bool {
    path.strip_prefix(outer)
        .is_some_and(|rest| rest.starts_with(['.', '[']))
}

/// Last part of a path: `count` of `workload.tasks.page.count`.
fn last_name(path: &str) -> &str {
    path.rsplit('.').next().unwrap_or(path)
}

fn integer(path: &str, values: &[AxisValue], limit: &str, most: u32) -> Result<(), String> {
    let fits = |v: &&AxisValue| v.text.parse::<u32>().is_ok_and(|n| (1..=most).contains(&n));
    let Some(other) = values.iter().find(|v| !fits(v)) else {
        return Ok(());
    };
    let text = &other.text;
    let digits = |b: u8| b.is_ascii_digit();
    // Zero is too small, not too large.
    if text.bytes().all(digits) && text.bytes().any(|b| b != b'0') {
        return Err(format!(
            "{path}: {} is more than {}; {}",
            grouped(text),
            limits::named(limit, most),
            limits::instead(limit)
        ));
    }
    Err(format!(
        "{path}: `{text}` is no whole number from 1 to {}; write for example 1,2,4 or 1..16",
        grouped(most)
    ))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn axes(zip: bool, all: &[(&str, &str)]) -> Result<Axes, String> {
        let mut axes = Axes::new(zip);
        for (path, text) in all {
            axes.add(path, text)?;
        }
        axes.check(&Changes::default())?;
        Ok(axes)
    }

    #[test]
    fn points_change_what_their_axes_say() {
        let a = axes(
            false,
            &[
                ("cores", "1..4"),
                ("workers", "2,8"),
                ("workload.arrivals.rate", "50/s,100/s"),
                ("interpreter", "cpython-3.14"),
                ("strategy", "threads,asyncio"),
            ],
        )
        .unwrap();
        let plan = a.plan();
        assert_eq!(plan.len(), 32);
        let labels: Vec<_> = plan.axes.iter().map(|a| a.label.as_str()).collect();
        assert_eq!(
            labels,
            ["cores", "workers", "rate", "interpreter", "strategy"]
        );
        let last = plan.point(31);
        let (changes, workers) = a.changes(&last, &Changes::default());
        assert_eq!(workers, Some(8));
        assert_eq!(
            changes,
            Changes {
                set: vec![("workload.arrivals.rate".into(), "100/s".into())],
                cores: Some(4),
                interpreters: vec!["cpython-3.14".into()],
                strategies: vec!["asyncio".into()],
                seed: None,
            }
        );
        assert_eq!(
            a.place(&last),
            "cores = 4, workers = 8, rate = 100/s, interpreter = cpython-3.14, strategy = asyncio"
        );
    }

    #[test]
    fn labels_that_would_be_the_same_stay_whole() {
        let a = axes(
            false,
            &[
                ("workload.tasks.page.count", "1,2"),
                ("workload.tasks.image.count", "1,2"),
                ("machine.memory", "1GiB"),
            ],
        );
        let plan = a.unwrap().plan();
        let labels: Vec<_> = plan.axes.iter().map(|a| a.label.as_str()).collect();
        assert_eq!(
            labels,
            [
                "workload.tasks.page.count",
                "workload.tasks.image.count",
                "memory"
            ]
        );
    }

    #[test]
    fn what_does_not_go_together_is_refused() {
        for (zip, all, part) in [
            (false, vec![("cores", "1,2"), ("cores", "3")], "twice"),
            (
                false,
                vec![("cores", "1,2"), ("machine.cores", "3")],
                "both say",
            ),
            (
                false,
                vec![("machine.speeds", "[1.0]"), ("cores", "3")],
                "both say",
            ),
            (
                false,
                vec![("machine.hz", "100"), ("machine.hz", "250")],
                "twice",
            ),
            (
                false,
                vec![
                    ("workload.arrivals", "Batch"),
                    ("workload.arrivals.rate", "5/s"),
                ],
                "within",
            ),
            (
                true,
                vec![("cores", "1,2"), ("workers", "1..3")],
                "workers has 3",
            ),
            (
                false,
                vec![("cores", "0..2")],
                "cores: `0` is no whole number from 1 to 4096; write for example",
            ),
            (
                false,
                vec![("cores", "abc")],
                "cores: `abc` is no whole number from 1 to 4096; write for example",
            ),
            (
                false,
                vec![("cores", "1000..5000/1000")],
                "cores: 5000 is more than the limit MAX_CORES (4096); ",
            ),
            (
                false,
                vec![("workers", "100001")],
                "workers: 100 001 is more than the limit MAX_WORKERS (100 000); ",
            ),
            (false, vec![("workers", "1.5")], "`1.5` is no whole number"),
            (
                false,
                vec![("cores", "1..2000"), ("workers", "1..2000")],
                "MAX_POINTS",
            ),
            (false, vec![("seed", "5..1")], "smaller end first"),
        ] {
            let e = axes(zip, &all).expect_err(part);
            assert!(e.contains(part), "{all:?}: {e}");
        }
        assert!(axes(true, &[("cores", "1,2"), ("workers", "4,8")]).is_ok());
    }

    #[test]
    fn what_is_fixed_is_not_varied() {
        let base = Changes {
            set: vec![("workload.arrivals.rate".into(), "5/s".into())],
            cores: None,
            interpreters: vec!["cpython-3.14".into()],
            strategies: vec!["threads".into()],
            seed: Some(1),
        };
        for path in [
            "workload.arrivals.rate",
            "workload.arrivals",
            "interpreter",
            "strategy",
            "seed",
        ] {
            let mut axes = Axes::new(false);
            axes.add(path, "5").unwrap();
            assert!(axes.check(&base).is_err(), "{path}");
        }
        let mut axes = Axes::new(false);
        axes.add("workload.arrivals.count", "5").unwrap();
        axes.check(&base).unwrap();
    }
}
