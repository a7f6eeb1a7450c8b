//! Recorded arrivals and draws: what `workloads.py` really did.

use std::path::Path;

use super::part::Part;

/// A recorded task: when it arrives, in seconds, and its steps.
#[derive(Clone, Debug)]
pub(super) struct Recorded {
    /// Seconds after the start.
    pub(super) at: f64,
    /// Its steps in order.
    pub(super) steps: Vec<Part>,
}

/// Reads a trace file: a list of `[arrival in seconds, [[kind, amount], ...]]`, amounts in seconds for `io`, in baseline
/// milliseconds for CPU and in bytes for payloads.
pub(super) fn read_trace(path: &Path) -> Result<Vec<Recorded>, String> {
    let text = std::fs::read_to_string(path).map_err(|e| e.to_string())?;
    parse_trace(&text)
}

fn parse_trace(text: &str) -> Result<Vec<Recorded>, String> {
    let rows: Vec<(f64, Vec<(String, f64)>)> =
        serde_json::from_str(text).map_err(|e| e.to_string())?;
    let mut tasks = Vec::with_capacity(rows.len());
    for (i, (at, steps)) in rows.into_iter().enumerate() {
        let amounts = steps.iter().map(|(_, amount)| *amount);
        if amounts.chain([at]).any(|x| !x.is_finite() || x < 0.0) {
            return Err(format!(
                "task {i}: times and sizes must be numbers of at least zero"
            ));
        }
        let steps = steps
            .into_iter()
            .map(|(kind, amount)| Part::of(&kind, amount))
            .collect::<Result<_, _>>();
        tasks.push(Recorded {
            at,
            steps: steps.map_err(|e| format!("task {i}: {e}"))?,
        });
    }
    if tasks.is_empty() {
        return Err("it has no tasks".into());
    }
    if tasks.windows(2).any(|w| w[1].at < w[0].at) {
        return Err("arrivals must be in order of time".into());
    }
    Ok(tasks)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_trace_is_read_or_refused_with_its_place() {
        let tasks = parse_trace(r#"[[0.5, [["io", 0.25], ["cpu", 5.0], ["bytes_in", 10]]]]"#)
            .expect("well formed");
        assert_eq!(
            tasks[0].steps,
            vec![Part::Io(0.25), Part::Cpu(5.0), Part::BytesIn(10)]
        );
        for (text, why) in [
            ("[]", "no tasks"),
            (r#"[[0.5, [["nap", 1]]]]"#, "task 0: unknown step `nap`"),
            (r#"[[1, []], [0, []]]"#, "in order"),
            (r#"[[0, [["io", -1]]]]"#, "at least zero"),
            ("{}", "expected"),
        ] {
            let e = parse_trace(text).expect_err("malformed");
            assert!(e.contains(why), "{text}: {e}");
        }
    }
}
