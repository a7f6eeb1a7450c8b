//! Sweeps made by hand: a value for each strategy at each point.

use pchsim::engine::Nanos;
use pchsim::measure::Estimate;
use pchsim::quantity::{LATENCIES, Quantity};
use pchsim::result::{
    CountingStart, Forecast, ForecastDetail, Generator, Judgement, MachineInfo, Notice, Ranked,
    ScenarioName, Status, Study, Sweep, SweepHeader, Tier, Verdict, excess, header_line, row_lines,
    sweep,
};
use pchsim::scenario::Metric;
use pchsim::strategy::CAUSES;
use pchsim::study::Warning;
use pchsim::study::sweep::{AxisValue, PlanAxis, SweepPlan, SweepPoint, rows};

/// What a strategy reaches: mean and half-width, or why nothing.
pub(crate) type Reached = Result<(f64, f64), Status>;

/// Strategy, interpreter, and what it reaches.
pub(crate) type Made = (String, String, Reached);

/// An axis of numbers that are written as they are.
pub(crate) fn numbers(path: &str, label: &str, values: &[f64]) -> PlanAxis {
    PlanAxis {
        path: path.into(),
        label: label.into(),
        values: values
            .iter()
            .map(|v| AxisValue {
                text: v.to_string(),
                number: Some(*v),
            })
            .collect(),
        unit: None,
    }
}

/// An axis of words.
pub(crate) fn words(path: &str, label: &str, values: &[&str]) -> PlanAxis {
    PlanAxis {
        path: path.into(),
        label: label.into(),
        values: values
            .iter()
            .map(|v| AxisValue {
                text: (*v).into(),
                number: None,
            })
            .collect(),
        unit: None,
    }
}

pub(crate) fn grid(axes: Vec<PlanAxis>) -> SweepPlan {
    SweepPlan { axes, zip: false }
}

pub(crate) fn header(plan: &SweepPlan, ranked_by: Metric) -> SweepHeader {
    SweepHeader {
        program: Generator {
            name: "pchsim".into(),
            version: "0.1.0".into(),
        },
        command: "pchsim sweep made --seed 1".into(),
        scenario: ScenarioName {
            name: "made".into(),
            question: "How long does it take?".into(),
            hash: "0123456789abcdef".into(),
        },
        seed: 1,
        machine: machine(),
        plan: "fedcba9876543210".into(),
        axes: plan.swept(),
        zip: plan.zip,
        points: plan.len(),
        ranked_by,
        precision: 0.02,
        confidence: 0.95,
    }
}

fn machine() -> MachineInfo {
    MachineInfo {
        cores: vec![1.0; 4],
        memory_limit_bytes: None,
    }
}

fn estimate(mean: f64, half: f64) -> Estimate {
    Estimate::new(mean, Some(half), mean, 10)
}

fn forecast((label, interpreter, reached): Made, metric: Metric, goal: Option<f64>) -> Forecast {
    let primary = reached.as_ref().ok().map(|&(m, h)| estimate(m, h));
    let mut values = [None; Quantity::COUNT];
    let saturated = matches!(reached, Err(Status::Saturated));
    let mut set = |q: Quantity, e: Option<Estimate>| values[q as usize] = e;
    match metric {
        Metric::Throughput => set(Quantity::Throughput, primary),
        Metric::Makespan => {
            set(Quantity::Makespan, primary);
            set(
                Quantity::Throughput,
                primary.map(|p| estimate(1000.0 / p.mean, 1.0 / p.mean)),
            );
        }
        _ => {
            LATENCIES.iter().for_each(|&q| set(q, primary));
            let rate = primary.map(|_| estimate(199.5, 0.5));
            set(
                Quantity::Throughput,
                rate.or(saturated.then(|| estimate(150.25, 20.0))),
            );
        }
    }
    let memory = primary.map(|p| estimate(5e7 * (1.0 + p.mean / 100.0), 2e4));
    set(Quantity::MemoryPeak, memory);
    let mut causes = [0.0; CAUSES];
    (causes[0], causes[2]) = (0.75, 0.25);
    let verdict = |goal: f64| match primary {
        Some(p) if p.high() < goal => Verdict::Met,
        Some(p) if p.low() < goal => Verdict::Undecided,
        _ => Verdict::Missed,
    };
    let objectives = goal.map(|g| Judgement {
        text: format!("p95 < {g}s"),
        verdict: verdict(g),
        value: primary,
        bound: g,
        recovery: None,
    });
    Forecast {
        strategy: label,
        interpreter,
        replications: if reached.is_ok() { 10 } else { 2 },
        status: reached.err().unwrap_or(Status::Fine),
        rank: None,
        tied: false,
        tier: match (&primary, objectives.as_ref()) {
            (None, _) => Tier::NoForecast,
            (_, Some(o)) if o.verdict == Verdict::Missed => Tier::Misses,
            _ => Tier::Meets,
        },
        excess: excess(objectives.as_slice()),
        added: false,
        warmup: Nanos::ZERO,
        begins: CountingStart::Whole,
        paired: true,
        values,
        classes: Vec::new(),
        causes,
        children: None,
        cores: vec![0.5; 2],
        ranked: Ranked {
            unit: metric.unit(),
            value: primary,
            behind_best: None,
        },
        speedup: None,
        reading: None,
        objectives: objectives.into_iter().collect(),
        findings: Vec::new(),
        events: 1000,
        detail: ForecastDetail::default(),
        refusal: None,
    }
}

/// A study of these cases, ranked: those whose intervals overlap the one before share its rank.
pub(crate) fn study(cases: Vec<Made>, metric: Metric, goal: Option<f64>) -> Study {
    let mut all: Vec<Forecast> = cases
        .into_iter()
        .map(|c| forecast(c, metric, goal))
        .collect();
    let sign = if metric == Metric::Throughput {
        -1.0
    } else {
        1.0
    };
    let key = |f: &Forecast| f.primary().map_or(f64::INFINITY, |p| sign * p.mean);
    all.sort_by(|a, b| key(a).total_cmp(&key(b)));
    for i in 0..all.len() {
        let Some(mine) = all[i].primary() else {
            continue;
        };
        let before = i.checked_sub(1).and_then(|j| Some((j, all[j].primary()?)));
        match before {
            Some((j, p)) if p.high() >= mine.low() && mine.high() >= p.low() => {
                all[i].rank = all[j].rank;
                (all[i].tied, all[j].tied) = (true, true);
            }
            _ => all[i].rank = Some(u32::try_from(i).unwrap() + 1),
        }
    }
    let doubtful = all.iter().any(|f| f.status == Status::Saturated);
    Study {
        program: Generator::default(),
        command: String::new(),
        scenario: ScenarioName::default(),
        seed: 1,
        machine: machine(),
        interpreters: Vec::new(),
        confidence: 0.95,
        precision: 0.02,
        steady: false,
        batch: true,
        warmup: Nanos::ZERO,
        metric,
        baseline: None,
        taken: None,
        forecasts: all,
        hidden_baseline: None,
        warnings: if doubtful {
            vec![Notice::from(&Warning::FewReplications { replications: 2 })]
        } else {
            Vec::new()
        },
    }
}

/// The sweep in which each point has these cases.
pub(crate) fn sweep_of(
    plan: &SweepPlan,
    metric: Metric,
    goal: Option<f64>,
    cases: impl Fn(&SweepPoint) -> Vec<Made>,
) -> Sweep {
    let header = header(plan, metric);
    let points = (0..plan.len()).map(|n| plan.point(n));
    let lines: String = points
        .map(|p| row_lines(&rows(&header, &p, &study(cases(&p), metric, goal))))
        .collect();
    sweep(&header_line(&header), &lines, "the sweep").unwrap()
}

/// A sweep over one axis: for each strategy its value by the number on the axis, each 1 % wide.
pub(crate) fn curves(axis: PlanAxis, metric: Metric, of: &[(&str, &dyn Fn(f64) -> f64)]) -> Sweep {
    let plan = grid(vec![axis]);
    sweep_of(&plan, metric, None, |p| {
        let x = plan.axes[0].values[p.index[0]].number.unwrap();
        let case = |(name, f): &(&str, &dyn Fn(f64) -> f64)| {
            let y = f(x);
            (
                (*name).to_owned(),
                "cpython-3.14".to_owned(),
                Ok((y, y.abs() * 0.01)),
            )
        };
        of.iter().map(case).collect()
    })
}

pub(crate) const MAKESPAN: Metric = Metric::Makespan;
pub(crate) const P95: Metric = Metric::Percentile(95.0);

/// 1, 2, ..., n.
pub(crate) fn upto(n: u32) -> Vec<f64> {
    (1..=n).map(f64::from).collect()
}

/// 1, 2, 4, ..., n of them.
pub(crate) fn doubled(n: u32) -> Vec<f64> {
    (0..n).map(|i| f64::from(1u32 << i)).collect()
}
