//! The scenario that the answers to the questions make.

use std::fmt::Write as _;

use super::answers::{Answers, ArrivalsAnswer};
use crate::engine::Nanos;
use crate::scenario::literal;
use crate::scenario::units::{format_duration, format_size};

/// Tasks of a run in which they come one after another, or for as long as is simulated.
const TASKS: u64 = 1_000;

impl Answers {
    /// The scenario that the answers make, as its text: it can be kept, changed, and given to every other command.
    #[must_use]
    pub fn scenario(&self, interpreters: &[String]) -> String {
        let names: Vec<String> = interpreters.iter().map(|n| literal::ron(n)).collect();
        let (arrivals, count) = match self.arrivals {
            _ if !self.parallel => {
                let n = match self.arrivals {
                    ArrivalsAnswer::AtOnce(n) => n,
                    ArrivalsAnswer::Rate(_) | ArrivalsAnswer::Users(_) => TASKS,
                };
                // Each task needs the one before: one who asks, and waits for the answer.
                (format!("Closed(users: 1, think: \"0\", count: {n})"), 1)
            }
            ArrivalsAnswer::AtOnce(n) => ("Batch".into(), n),
            ArrivalsAnswer::Rate(rate) => (format!("Poisson(rate: {rate}, count: {TASKS})"), 1),
            ArrivalsAnswer::Users(n) => (
                format!(
                    "Closed(users: {n}, think: \"0\", count: {})",
                    TASKS.max(u64::from(n) * 10)
                ),
                1,
            ),
        };
        let mut steps = Vec::new();
        if self.payload > 0 {
            steps.push(format!("PayloadIn(\"{}\")", format_size(self.payload)));
        }
        if self.wait > Nanos::ZERO {
            steps.push(format!(
                "Io(Gamma(mean: \"{}\", cv: {SPREAD}))",
                format_duration(self.wait)
            ));
        }
        if self.cpu > Nanos::ZERO {
            steps.push(format!(
                "Cpu(Gamma(mean: \"{}\", cv: {SPREAD}))",
                format_duration(self.cpu)
            ));
        }
        if self.payload > 0 {
            steps.push(format!("PayloadOut(\"{}\")", format_size(self.payload)));
        }
        let mut objectives = Vec::new();
        if let Some((p, most)) = self.latency {
            objectives.push(format!("\"p{p} < {}\"", format_duration(most)));
        }
        if let Some(memory) = self.constraints.memory {
            objectives.push(format!("\"memory < {}\"", format_size(memory)));
        }
        let mut text = String::new();
        // Writing to a string does not fail.
        let _ = writeln!(
            text,
            "// Made by `pchsim advise` from its answers: times are means, drawn with a coefficient of variation of {SPREAD}."
        );
        let _ = writeln!(text, "(\n    schema: 1,\n    name: \"advice\",");
        let _ = writeln!(
            text,
            "    question: \"Which approach to concurrency for this {} workload?\",",
            self.workload.name()
        );
        let _ = writeln!(text, "    machine: (cores: {}),", self.cores);
        let _ = writeln!(text, "    interpreters: [{}],", names.join(", "));
        let _ = writeln!(text, "    workload: (\n        arrivals: {arrivals},");
        let _ = writeln!(
            text,
            "        tasks: [(name: \"task\", count: {count}, steps: [{}])],",
            steps.join(", ")
        );
        if let Some(s) = self.startup {
            let _ = writeln!(
                text,
                "        imports: (time: \"{}\", memory: \"{}\"),",
                format_duration(s.time),
                format_size(s.memory)
            );
        }
        let _ = writeln!(text, "    ),");
        if !objectives.is_empty() {
            let _ = writeln!(text, "    objectives: [{}],", objectives.join(", "));
        }
        let _ = writeln!(text, ")");
        text
    }
}

/// Coefficient of variation of what tasks take: what the answers do not say.
const SPREAD: f64 = 0.25;
