//! The parts of a sweep's result as they are made: its header, and the rows of a point.

use serde_json::Value;

use super::{AxisValue, PlanAxis, SweepPlan, SweepPoint};
use crate::measure::CONFIDENCE;
use crate::result::{
    At, Forecast, ForecastDetail, Generator, MachineInfo, Study, SweepHeader, SweepRow, SweptAxis,
};
use crate::scenario::Scenario;
use crate::study::fingerprint::scenario_name;
use crate::study::{Options, plan_fingerprint};

impl SweepPlan {
    /// The axes of the plan, as the header of the sweep gives them.
    #[must_use]
    pub fn swept(&self) -> Vec<SweptAxis> {
        let axis = |a: &PlanAxis| SweptAxis {
            path: a.path.clone(),
            label: a.label.clone(),
            values: a.values.iter().map(as_written).collect(),
            numbers: a.values.iter().map(|v| v.number).collect(),
            unit: a.unit.map(Into::into),
        };
        self.axes.iter().map(axis).collect()
    }
}

/// The value as a number if it was written as one, else as text: `8`, `0.5`, `"10ms"`, `"cpython-3.14"`. A text that merely looks like a
/// number (a version) stays a text, which the plan knows.
fn as_written(value: &AxisValue) -> Value {
    let text = value.text.as_str();
    if value.number.is_none() {
        return text.into();
    }
    match (text.parse::<u64>(), text.parse::<f64>()) {
        (Ok(n), _) => n.into(),
        (_, Ok(n)) if n.is_finite() => n.into(),
        _ => text.into(),
    }
}

/// The header of a sweep of this scenario, without the command that repeats it.
#[must_use]
pub fn header(scenario: &Scenario, plan: &SweepPlan, options: &Options) -> SweepHeader {
    SweepHeader {
        program: Generator::default(),
        command: String::new(),
        scenario: scenario_name(scenario),
        seed: scenario.seed,
        machine: MachineInfo::from(&scenario.machine),
        plan: plan_fingerprint(plan),
        axes: plan.swept(),
        zip: plan.zip,
        points: plan.len(),
        ranked_by: options.primary(scenario),
        precision: options.precision,
        confidence: CONFIDENCE,
    }
}

/// The rows of a point, one for each case, best first.
#[must_use]
pub fn rows(header: &SweepHeader, point: &SweepPoint, study: &Study) -> Vec<SweepRow> {
    let axes = header.axes.iter().zip(&point.index);
    let at = axes.filter_map(|(a, &i)| Some((a.path.clone(), a.values.get(i)?.clone())));
    let at = At(at.collect());
    let warnings = study.warnings.iter().filter(|w| !w.note);
    let warnings: Vec<String> = warnings.map(|w| w.code.clone()).collect();
    let row = |case: &Forecast| SweepRow {
        point: point.number,
        index: point.index.clone(),
        at: at.clone(),
        warnings: warnings.clone(),
        case: Forecast {
            detail: ForecastDetail {
                left_out: true,
                ..ForecastDetail::default()
            },
            ..case.clone()
        },
    };
    study.forecasts.iter().map(row).collect()
}
