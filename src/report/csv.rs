//! Forecasts as CSV: a row for each case, plain numbers, with units in the names of the columns.

use crate::measure::Estimate;
use crate::quantity::Quantity;
use crate::result::Study;
use crate::strategy::Cause;

/// The study as CSV. Every quantity has three columns: `KEY`, `KEY_low` and `KEY_high` (the 95 % interval); empty cells are
/// quantities without a meaningful value.
pub fn csv(study: &Study) -> String {
    let mut w = csv::WriterBuilder::new().from_writer(Vec::new());
    let mut header: Vec<String> = [
        "scenario",
        "seed",
        "rank",
        "tied",
        "strategy",
        "interpreter",
        "status",
        "replications",
    ]
    .map(Into::into)
    .into();
    for key in Quantity::ALL
        .map(Quantity::key)
        .into_iter()
        .chain(["speedup"])
    {
        header.extend([key.to_owned(), format!("{key}_low"), format!("{key}_high")]);
    }
    header.extend(Cause::ALL.map(|c| format!("{}_share", c.name())));
    let mut rows = vec![header];
    for f in &study.forecasts {
        let mut row = vec![
            study.scenario.name.clone(),
            study.seed.to_string(),
            f.rank.map_or(String::new(), |r| r.to_string()),
            f.tied.to_string(),
            f.strategy.clone(),
            f.interpreter.clone(),
            f.status.name().to_owned(),
            f.replications.to_string(),
        ];
        for e in f.values.iter().chain([&f.speedup]) {
            row.extend(cells(e.as_ref()));
        }
        row.extend(f.causes.iter().map(f64::to_string));
        rows.push(row);
    }
    for row in rows {
        w.write_record(&row)
            .expect("writing to memory does not fail, and all rows are equally long");
    }
    String::from_utf8(w.into_inner().expect("memory is flushed")).expect("text was written")
}

fn cells(e: Option<&Estimate>) -> [String; 3] {
    match e {
        None => Default::default(),
        Some(e) if e.half().is_none() => [e.mean.to_string(), String::new(), String::new()],
        Some(e) => [
            e.mean.to_string(),
            e.low().to_string(),
            e.high().to_string(),
        ],
    }
}
