//! The comparison as a grid of short texts: one row a case, one unit a column. Text and Markdown lay it out.

use super::layout::Column;
use super::unit::{in_family, metric_in_family, shared_unit};
use crate::measure::Estimate;
use crate::scenario::Metric;
use crate::study::{
    Forecast, Judgement, Quantity, Status, Study, Tier, Unit, Verdict, decimals, digits, whole,
};

/// The columns of a run's table that are left out where there is no room, in this order. A batch is judged by its makespan: its latencies are
/// the times at which parts of it are done, its throughput says the same again. The metric's own column always stays.
const BATCH: [Dispensable; 9] = [
    Dispensable::Of(Quantity::P95),
    Dispensable::Of(Quantity::Cpu),
    Dispensable::Of(Quantity::P50),
    Dispensable::Of(Quantity::P99),
    Dispensable::Of(Quantity::Throughput),
    Dispensable::Of(Quantity::MemoryPeak),
    Dispensable::VsSequential,
    Dispensable::Judged,
    Dispensable::Meets,
];
/// The same where tasks go on arriving: what keeps up has the throughput of the arrivals.
const STEADY: [Dispensable; 10] = [
    Dispensable::Of(Quantity::Cpu),
    Dispensable::Of(Quantity::P50),
    Dispensable::Of(Quantity::Throughput),
    Dispensable::Of(Quantity::Makespan),
    Dispensable::Of(Quantity::P99),
    Dispensable::Of(Quantity::P95),
    Dispensable::Of(Quantity::MemoryPeak),
    Dispensable::VsSequential,
    Dispensable::Judged,
    Dispensable::Meets,
];

/// A column that there may be no room for.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Dispensable {
    Of(Quantity),
    /// A quantity that an objective is about, wherever it stands in the list.
    Judged,
    Meets,
    VsSequential,
}

impl Dispensable {
    /// How soon it goes: the first of the list has the highest number.
    fn order(self, study: &Study) -> u8 {
        let list: &[Self] = if study.steady { &STEADY } else { &BATCH };
        let judged = |q: Quantity| {
            let objectives = study.forecasts.first().map(|f| &f.objectives);
            let mut metrics = objectives
                .into_iter()
                .flatten()
                .filter_map(Judgement::metric);
            metrics.any(|m| m.quantity() == Some(q))
        };
        let at = |d| list.iter().position(|&l| l == d);
        // What an objective is about stays longer than how cases compare, which the first line says of the best, too; but not longer
        // than what that column says of a case without a forecast.
        let judges = matches!(self, Self::Of(q) if judged(q));
        let fine = study.forecasts.iter().all(|f| f.status == Status::Fine);
        match self {
            Self::Of(_) if judges && fine => at(Self::Judged),
            Self::Of(_) if judges => at(Self::VsSequential),
            Self::VsSequential if !fine => at(Self::Judged),
            other => at(other),
        }
        .map_or(0, |i| u8::try_from(list.len() - i).unwrap_or(u8::MAX))
    }
}

/// The comparison, cell by cell.
pub(super) struct Grid {
    pub columns: Vec<Column>,
    pub rows: Vec<Vec<String>>,
}

/// Other columns than the one that decides show their interval only where it is wider than this share of the mean: what
/// stands alone is known better.
pub(super) const WIDE: f64 = 0.05;

impl Grid {
    pub(super) fn new(study: &Study) -> Self {
        let mut grid = Self {
            columns: Vec::new(),
            rows: vec![Vec::new(); study.forecasts.len()],
        };
        grid.push(study, "#", true, |f| match f.rank {
            Some(r) if f.tied => format!("{r}="),
            Some(r) => r.to_string(),
            None => "–".into(),
        });
        grid.last().key = true;
        grid.push(study, "strategy", false, |f| f.strategy_label.clone());
        grid.last().key = true;
        grid.last().name = true;
        if single_interpreter(study).is_none() {
            let prefix = common_prefix(study);
            let title = prefix.strip_suffix('-').unwrap_or("interpreter");
            grid.push(study, title, false, |f| {
                f.interpreter[prefix.len()..].to_owned()
            });
            grid.last().key = true;
            grid.last().name = true;
        }
        let primary = primary_quantity(study.metric);
        // Beside the name: what fails is not to be overlooked for its latencies.
        let failures = |f: &Forecast| f.get(Quantity::FailureRate).is_some_and(|e| e.mean > 0.0);
        if study.forecasts.iter().any(failures) {
            grid.quantity(study, "failed", Quantity::FailureRate, primary);
        }
        if primary.is_none() {
            let get = |f: &Forecast| f.primary;
            let unit = primary_unit(study);
            grid.numbers(study, &metric_name(study.metric), unit, true, get);
        }
        if !study.steady || primary == Some(Quantity::Makespan) {
            grid.quantity(study, "makespan", Quantity::Makespan, primary);
        }
        let compared = study.baseline.is_some();
        if compared {
            grid.push(study, "vs sequential", false, |f| {
                match (f.speedup, f.reading()) {
                    _ if Some(f.name()) == study.baseline => "baseline".into(),
                    // Less work done sooner is no speed-up.
                    (Some(s), Some(_)) if f.tier == Tier::Fails => {
                        format!("×{} fails more", digits(s.mean, 3))
                    }
                    (Some(s), Some(r)) => format!("×{} {}", digits(s.mean, 3), r.text()),
                    _ => not_fine(f),
                }
            });
            grid.last().dispensable = Dispensable::VsSequential.order(study);
        } else if study.forecasts.iter().any(|f| f.status != Status::Fine) {
            grid.push(study, "status", false, not_fine);
        }
        for (title, q) in [
            ("p50", Quantity::P50),
            ("p95", Quantity::P95),
            ("p99", Quantity::P99),
            ("tasks/s", Quantity::Throughput),
            ("CPU", Quantity::Cpu),
            ("memory", Quantity::MemoryPeak),
        ] {
            grid.quantity(study, title, q, primary);
        }
        if study.forecasts.iter().any(|f| !f.objectives.is_empty()) {
            grid.push(study, "meets", false, |f| {
                f.objectives.iter().map(|o| sign(o.verdict)).collect()
            });
            grid.last().dispensable = Dispensable::Meets.order(study);
        }
        grid
    }

    fn push(
        &mut self,
        study: &Study,
        title: &str,
        number: bool,
        cell: impl Fn(&Forecast) -> String,
    ) {
        self.columns.push(Column {
            title: title.into(),
            number,
            ..Column::default()
        });
        for (row, f) in self.rows.iter_mut().zip(&study.forecasts) {
            row.push(cell(f));
        }
    }

    fn quantity(&mut self, study: &Study, title: &str, q: Quantity, primary: Option<Quantity>) {
        let get = |f: &Forecast| f.get(q);
        let unit = if in_family(study.steady, q) {
            family_unit(study)
        } else {
            shared_unit(q.unit(), means(study, &get))
        };
        self.numbers(study, title, unit, primary == Some(q), get);
        if primary != Some(q) {
            self.last().dispensable = Dispensable::Of(q).order(study);
        }
    }

    fn last(&mut self) -> &mut Column {
        self.columns.last_mut().expect("just added")
    }

    fn numbers(
        &mut self,
        study: &Study,
        title: &str,
        (scale, name): (f64, &'static str),
        decides: bool,
        get: impl Fn(&Forecast) -> Option<Estimate>,
    ) {
        self.push(study, title, true, |f| {
            get(f).map_or("–".into(), |e| {
                let interval = match e.relative() {
                    _ if decides => Interval::Always,
                    Some(r) if r <= WIDE => Interval::Never,
                    _ => Interval::IfVisible,
                };
                estimate(e.scaled(1.0 / scale), interval)
            })
        });
        self.last().unit = name;
    }
}

/// The means of a column.
fn means<'a>(
    study: &'a Study,
    get: &'a impl Fn(&Forecast) -> Option<Estimate>,
) -> impl Iterator<Item = f64> + 'a {
    study.forecasts.iter().filter_map(get).map(|e| e.mean)
}

/// The unit of the family.
fn family_unit(study: &Study) -> (f64, &'static str) {
    let ranked = metric_in_family(study.steady, study.metric);
    let columns = Quantity::ALL
        .into_iter()
        .filter(|&q| in_family(study.steady, q));
    let columns: Vec<Quantity> = columns.collect();
    let all = study.forecasts.iter().flat_map(|f| {
        let columns = columns.iter().filter_map(|&q| f.get(q));
        columns.chain(f.primary.filter(|_| ranked))
    });
    shared_unit(Unit::Seconds, all.map(|e| e.mean))
}

/// The unit in which the metric that ranks is read, in the table and in sentences.
pub(super) fn primary_unit(study: &Study) -> (f64, &'static str) {
    if metric_in_family(study.steady, study.metric) {
        family_unit(study)
    } else {
        shared_unit(study.metric.unit(), means(study, &|f: &Forecast| f.primary))
    }
}

/// When an interval is written beside its mean.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(super) enum Interval {
    /// Wherever there is one.
    Always,
    /// Only where it is at least one unit of the mean's last digit.
    IfVisible,
    /// Nowhere.
    Never,
}

/// `12.4 ± 0.3`: both with the decimals of the mean's three significant digits.
pub(super) fn estimate(e: Estimate, interval: Interval) -> String {
    let d = decimals(e.mean, 3);
    let mean = digits(e.mean, 3);
    let last_digit = libm::pow(10.0, -f64::from(u32::try_from(d).unwrap_or(0)));
    match e.half {
        Some(half) if interval != Interval::Never && half >= last_digit / 2.0 => {
            let half = if d == 0 {
                whole(half)
            } else {
                format!("{half:.d$}")
            };
            format!("{mean} ± {half}")
        }
        Some(_) if interval == Interval::Always => format!("{mean} ± <{last_digit:.d$}"),
        _ => mean,
    }
}

fn not_fine(f: &Forecast) -> String {
    if f.status == Status::Fine {
        String::new()
    } else {
        f.status.name().into()
    }
}

pub(super) fn sign(v: Verdict) -> char {
    match v {
        Verdict::Met => '✓',
        Verdict::Missed => '✗',
        Verdict::Undecided => '?',
    }
}

/// The interpreter, if all cases have the same.
pub(super) fn single_interpreter(study: &Study) -> Option<&str> {
    let first = study.forecasts.first()?;
    study
        .forecasts
        .iter()
        .all(|f| f.interpreter == first.interpreter)
        .then_some(first.interpreter.as_str())
}

/// What the names of all interpreters begin with, up to a hyphen, if they are long for it: `cpython-`.
pub(super) fn common_prefix(study: &Study) -> &'static str {
    let all = |prefix: &str| {
        let cut = |f: &Forecast| {
            f.interpreter
                .strip_prefix(prefix)
                .is_some_and(|r| !r.is_empty())
        };
        study.forecasts.iter().all(cut)
    };
    if all("cpython-") { "cpython-" } else { "" }
}

/// The case's name as the report's reader knows it: without the interpreter where there is only one.
pub(super) fn short_name(study: &Study, f: &Forecast) -> String {
    if single_interpreter(study).is_some() {
        f.strategy_label.clone()
    } else {
        f.name()
    }
}

/// The table's column that shows the metric; `None` where it has none of its own.
pub(super) fn primary_quantity(m: Metric) -> Option<Quantity> {
    m.quantity().filter(|q| {
        let shown = [
            Quantity::Makespan,
            Quantity::Throughput,
            Quantity::P50,
            Quantity::P95,
            Quantity::P99,
            Quantity::MemoryPeak,
            Quantity::Cpu,
        ];
        shown.contains(q)
    })
}

/// The metric in words.
pub fn metric_name(m: Metric) -> String {
    match m {
        Metric::Makespan => "makespan".into(),
        Metric::Throughput => "throughput".into(),
        Metric::MeanLatency => "mean latency".into(),
        Metric::Percentile(p) => format!("p{p}"),
        Metric::Memory => "peak memory".into(),
        Metric::Cpu => "CPU time".into(),
        Metric::FailureRate => "failure rate".into(),
    }
}

/// An estimate of a metric in a unit of its own: `12.4 ± 0.3 ms`.
pub(super) fn metric_text(m: Metric, e: Estimate) -> String {
    metric_text_in(m, e, shared_unit(m.unit(), std::iter::once(e.mean)))
}

/// An estimate of a metric in the unit that it has elsewhere, too.
pub(super) fn metric_text_in(m: Metric, e: Estimate, (scale, name): (f64, &str)) -> String {
    let number = estimate(e.scaled(1.0 / scale), Interval::Always);
    let name = if m.unit() == Unit::PerSecond {
        "tasks/s"
    } else {
        name
    };
    if name == "%" {
        format!("{number}%")
    } else {
        format!("{number} {name}").trim_end().to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn intervals_have_the_decimals_of_their_mean() {
        let e = |mean, half| Estimate {
            mean,
            half,
            median: mean,
            n: 10,
        };
        assert_eq!(
            estimate(e(12.41, Some(0.31)), Interval::Always),
            "12.4 ± 0.3"
        );
        assert_eq!(
            estimate(e(12.41, Some(0.01)), Interval::Always),
            "12.4 ± <0.1"
        );
        assert_eq!(estimate(e(12.41, Some(0.01)), Interval::IfVisible), "12.4");
        assert_eq!(estimate(e(171.2, Some(3.02)), Interval::Always), "171 ± 3");
        assert_eq!(estimate(e(12.41, None), Interval::Always), "12.4");
        assert_eq!(
            estimate(e(0.012, Some(0.5)), Interval::Always),
            "0.0120 ± 0.5000"
        );
        assert_eq!(
            metric_text(Metric::Percentile(95.0), e(0.012_4, Some(0.000_3))),
            "12.4 ± 0.3 ms"
        );
        assert_eq!(metric_text(Metric::FailureRate, e(0.012_4, None)), "1.24%");
    }
}
