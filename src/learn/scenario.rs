//! Writes a learnt workload as a commented scenario.

use std::fmt::Write as _;

use super::arrivals::FittedArrivals;
use super::dist::{duration, ron, rounded, significant};
use super::fit::{Fit, FitVerdict};
use super::table::{d_text, p_text, time};
use super::trace::Scope;
use super::workload::{Learned, LearnedClass, LearnedPayload, LearnedStep};
use crate::scenario::is_hidden;
use crate::scenario::limits::MAX_FACTOR;
use crate::scenario::units::format_duration;

/// The greatest number of characters in a line with a comment.
const LINE: usize = 116;

/// The text in quotes, as RON reads it. Names may contain anything that a trace may contain.
fn quoted(text: &str) -> String {
    let mut out = String::from("\"");
    for c in text.chars() {
        match c {
            '"' | '\\' => {
                out.push('\\');
                out.push(c);
            }
            c if is_hidden(c) => out.push(' '),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

/// How good a fit is, as the text of a comment.
fn worth(fit: &Fit) -> String {
    let n = fit.n;
    let data = format!("mean {}, p99 {}", time(fit.mean), time(fit.p99));
    let both = || {
        format!(
            "mean {} (fit {}), p99 {} (fit {})",
            time(fit.mean),
            time(fit.fitted_mean()),
            time(fit.p99),
            time(fit.fitted_p99())
        )
    };
    let ks = || format!("KS D {}, p {}", d_text(fit.d), p_text(fit.p));
    match fit.verdict {
        FitVerdict::Good | FitVerdict::Fair => {
            format!("n {n}, {}: {}; {}", ks(), fit.verdict.text(), both())
        }
        FitVerdict::Poor => match &fit.rejected {
            Some(dist) => format!(
                "n {n}; no named distribution is near (best {}: {}), so measured values; {}",
                super::dist::name(dist),
                ks(),
                both()
            ),
            None => format!(
                "n {n}; no named distribution is possible, so measured values; {}",
                both()
            ),
        },
        FitVerdict::Constant => format!("n {n}, always the same within 1%: {data}"),
        FitVerdict::Brief => format!("n {n}, too short to matter, so its mean: {data}"),
        FitVerdict::Few => format!("n {n}: too few to fit, so the measured values; {data}"),
        FitVerdict::Discrete => format!("n {n}, a few distinct values in their shares; {data}"),
    }
}

/// Writes the text as comment lines of a readable length.
fn comment(out: &mut String, indent: &str, text: &str) {
    let mut line = format!("{indent}//");
    for word in text.split_whitespace() {
        if line.chars().count() + 1 + word.chars().count() > LINE && !line.ends_with("//") {
            let _ = writeln!(out, "{line}");
            line = format!("{indent}//  ");
        }
        line.push(' ');
        line.push_str(word);
    }
    let _ = writeln!(out, "{line}");
}

fn step(out: &mut String, indent: &str, step: &LearnedStep) {
    match step {
        LearnedStep::Work(work, fit) => {
            let text = format!("{indent}{}({}),", work.name(), ron(&fit.dist, indent));
            let _ = writeln!(out, "{text} // {}", worth(fit));
        }
        LearnedStep::PartlyNative(fit, share) => {
            let _ = writeln!(
                out,
                "{indent}Cpu(time: {}, native: \"{:.0}%\"), // {}",
                ron(&fit.dist, indent),
                100.0 * share,
                worth(fit)
            );
        }
        LearnedStep::Releasing(fit, releases) => {
            let _ = writeln!(
                out,
                "{indent}Cpu(time: {}, releases: {}, released: \"{}\"), // {}",
                ron(&fit.dist, indent),
                releases.count,
                format_duration(releases.released),
                worth(fit)
            );
        }
        LearnedStep::Payload(is_sent, payload) => {
            let name = if *is_sent { "PayloadIn" } else { "PayloadOut" };
            payload_ron(out, indent, name, *payload);
        }
        LearnedStep::Within(scope, name, inner) => {
            let (named, end) = match scope {
                Scope::Lock(_) => (format!("Lock({}, [", quoted(name)), "]),"),
                Scope::Use(_) => (format!("Use({}, [", quoted(name)), "]),"),
                Scope::Offload(_) if name == "default" => ("Offload([".to_owned(), "]),"),
                Scope::Offload(_) => {
                    let to = quoted(name);
                    (format!("Offload(to: {to}, steps: ["), "]),")
                }
            };
            let _ = writeln!(out, "{indent}{named}");
            nested(out, indent, inner, end);
        }
        LearnedStep::Repeat(times, inner) => {
            let _ = writeln!(out, "{indent}Repeat({times}, [");
            nested(out, indent, inner, "]),");
        }
    }
}

fn payload_ron(out: &mut String, indent: &str, name: &str, payload: LearnedPayload) {
    let mean = if payload.same { "" } else { " // mean" };
    let _ = writeln!(out, "{indent}{name}(\"{}B\"),{mean}", payload.bytes);
}

fn nested(out: &mut String, indent: &str, steps: &[LearnedStep], end: &str) {
    let deeper = format!("{indent}    ");
    steps.iter().for_each(|s| step(out, &deeper, s));
    let _ = writeln!(out, "{indent}{end}");
}

impl Learned {
    /// Writes the scenario. It passes `pchsim check`, and leaves machine and strategies to their defaults where nothing is known about
    /// them.
    #[must_use]
    pub fn to_ron(&self) -> String {
        let mut out = String::new();
        let o = &self.options;
        comment(
            &mut out,
            "",
            &format!(
                "Learnt by pchsim {} from {}.",
                env!("CARGO_PKG_VERSION"),
                o.origin
            ),
        );
        comment(
            &mut out,
            "",
            "Each distribution is the best of seven families by likelihood (BIC). D is its Kolmogorov-Smirnov distance to the \
             data; p is by parametric bootstrap, as its parameters come from the same data: below 0.05 the data differ from \
             it visibly.",
        );
        let cpu = match &o.interpreter {
            Some((name, factor)) => format!(
                "CPU times were taken on {name} and are divided by its cpu_factor {factor}: they are for the baseline."
            ),
            None => "CPU times are taken to be the baseline's, CPython 3.14 with the GIL (another one: --interpreter).".into(),
        };
        comment(&mut out, "", &cpu);
        for note in &self.notes {
            comment(&mut out, "", &format!("Note: {note}."));
        }
        let _ = writeln!(out, "(\n    schema: 1,\n    name: {},", quoted(&o.name));
        let _ = writeln!(
            out,
            "    question: \"How should this recorded workload be run?\",\n"
        );
        let memory = o.memory.map_or(String::new(), |bytes| {
            format!(", memory: \"{}MiB\"", bytes >> 20)
        });
        let _ = match (o.cores, o.recorded_on) {
            (Some(n), _) => writeln!(out, "    machine: (cores: {n}),\n"),
            (None, Some(n)) => writeln!(
                out,
                "    machine: (cores: {n}{memory}), // of the machine that this was recorded on\n"
            ),
            (None, None) => writeln!(
                out,
                "    // machine: (cores: 4, memory: \"8GiB\"), // not in a trace: fill in yours\n"
            ),
        };
        if let (Some((name, _)), Some(_)) = (&o.interpreter, o.recorded_on) {
            let _ = writeln!(
                out,
                "    interpreters: [{}], // it was recorded on this one\n",
                quoted(name)
            );
        }
        let _ = writeln!(out, "    workload: (");
        self.arrivals_ron(&mut out);
        if !self.locks.is_empty() {
            let names: Vec<String> = self.locks.iter().map(|l| quoted(l)).collect();
            let _ = writeln!(out, "        locks: [{}],", names.join(", "));
        }
        self.resources_ron(&mut out);
        self.costs_ron(&mut out);
        let _ = writeln!(out, "        tasks: [");
        for class in &self.classes {
            self.class_ron(&mut out, class);
        }
        out.push_str("        ],\n    ),\n");
        self.strategies_ron(&mut out);
        out.push_str(")\n");
        out
    }

    fn resources_ron(&self, out: &mut String) {
        if self.resources.is_empty() {
            return;
        }
        let _ = writeln!(out, "        resources: {{");
        for resource in &self.resources {
            let (name, size) = (quoted(&resource.name), resource.size);
            let _ = writeln!(
                out,
                "            {name}: Semaphore(count: {size}), // as many as were seen to be held at once, or as the program says"
            );
        }
        let _ = writeln!(out, "        }},");
    }

    fn costs_ron(&self, out: &mut String) {
        if let Some(imports) = self.costs.imports {
            let mut fields = vec![format!(
                "time: {}",
                duration(rounded(imports.time.as_f64()))
            )];
            if imports.memory > 0 {
                fields.push(format!("memory: \"{}kB\"", imports.memory / 1000));
            }
            if imports.objects > 0 {
                fields.push(format!("objects: {}", imports.objects));
            }
            let _ = writeln!(
                out,
                "        imports: ({}), // CPU time and growth of the process in imports beyond the standard library's",
                fields.join(", ")
            );
        }
        if let Some(dispatch) = self.costs.dispatch {
            let _ = writeln!(
                out,
                "        dispatch: {}, // CPU time of the server for each request beside its task",
                duration(rounded(dispatch.as_f64()))
            );
        }
    }

    fn strategies_ron(&self, out: &mut String) {
        if self.strategies.is_empty() {
            return;
        }
        out.push('\n');
        if let Some(limit) = self.limit.as_ref().filter(|l| l.class.is_none()) {
            let _ = writeln!(
                out,
                "    // The program lets {} tasks run at once.",
                limit.tasks
            );
        }
        let seen = match &self.seen {
            Some(seen) if seen.is_whole() => " // the first one was recorded".to_owned(),
            Some(seen) => format!(
                " // {:.0}% of the tasks were recorded under the first one",
                100.0 * seen.share
            ),
            None => String::new(),
        };
        let names: Vec<String> = self.strategies.iter().map(|s| quoted(s)).collect();
        let _ = writeln!(out, "    strategies: [{}],{seen}", names.join(", "));
    }

    fn arrivals_ron(&self, out: &mut String) {
        let indent = "        ";
        let count: usize = self.classes.iter().map(|c| c.count).sum();
        let _ = match &self.arrivals {
            FittedArrivals::Batch => writeln!(out, "{indent}arrivals: Batch,"),
            FittedArrivals::Rounds {
                count,
                parts,
                serial,
                waiting,
            } => {
                let work = serial
                    .as_ref()
                    .map(|fit| format!("Cpu({})", ron(&fit.dist, indent)));
                let wait = waiting.map(|w| format!("Io({})", duration(w)));
                let steps: Vec<String> = work.into_iter().chain(wait).collect();
                if steps.is_empty() {
                    writeln!(out, "{indent}arrivals: Rounds(count: {count}),")
                } else {
                    let place = if parts < count {
                        format!("{parts}/{count} of each of the {parts} parts between rounds")
                    } else {
                        "before each round".to_owned()
                    };
                    let how = serial.as_ref().map_or_else(|| "the mean".to_owned(), worth);
                    let steps = steps.join(", ");
                    writeln!(
                        out,
                        "{indent}arrivals: Rounds(count: {count}, serial: [{steps}]), // {place}: {how}"
                    )
                }
            }
            FittedArrivals::Closed { users, think } => writeln!(
                out,
                "{indent}arrivals: Closed(users: {users}, think: {}, count: {count}), // between an answer and the next request: {}",
                ron(&think.dist, indent),
                worth(think)
            ),
            FittedArrivals::Poisson { rate, fit } => writeln!(
                out,
                "{indent}arrivals: Poisson(rate: {rate}, count: {count}), // gaps are exponential: {}",
                worth(fit)
            ),
            FittedArrivals::Renewal { fit, exponential } => {
                let not = match exponential {
                    Some((d, p)) => format!(
                        "; not exponential (KS D {}, p {})",
                        d_text(Some(*d)),
                        p_text(Some(*p))
                    ),
                    None => String::new(),
                };
                writeln!(
                    out,
                    "{indent}arrivals: Renewal(interval: {}, count: {count}), // {}{not}",
                    ron(&fit.dist, indent),
                    worth(fit)
                )
            }
        };
    }

    /// The weight of a class: the number of its tasks, or their share where the total is past what the format takes for a weight.
    fn weight(&self, class: &LearnedClass) -> f64 {
        let all: usize = self.classes.iter().map(|c| c.count).sum();
        let (count, all) = (class.count as f64, all as f64);
        if all <= MAX_FACTOR {
            count
        } else {
            significant(count / all, 4).max(2.0 / MAX_FACTOR)
        }
    }

    fn class_ron(&self, out: &mut String, class: &LearnedClass) {
        if let FittedArrivals::Rounds { count, .. } = self.arrivals
            && class.count * 2 < count
            && self.classes.iter().any(|c| c.count * 2 >= count)
        {
            // Less than one in two rounds: a round has whole tasks.
            return;
        }
        let indent = "                    ";
        let _ = writeln!(
            out,
            "            (\n                name: {},",
            quoted(&class.name)
        );
        let _ = match self.arrivals {
            FittedArrivals::Batch => writeln!(out, "                count: {},", class.count),
            FittedArrivals::Rounds { count, .. } => writeln!(
                out,
                "                count: {}, // in each round",
                ((class.count + count / 2) / count.max(1)).max(1)
            ),
            FittedArrivals::Closed { .. }
            | FittedArrivals::Poisson { .. }
            | FittedArrivals::Renewal { .. } => {
                writeln!(out, "                weight: {},", self.weight(class))
            }
        };
        let counted = match self.arrivals {
            FittedArrivals::Batch | FittedArrivals::Rounds { .. } => true,
            FittedArrivals::Closed { .. }
            | FittedArrivals::Poisson { .. }
            | FittedArrivals::Renewal { .. } => false,
        };
        if self.interleaved && counted {
            let _ = writeln!(out, "                interleave: true,");
        }
        let _ = writeln!(out, "                steps: [");
        if let Some(payload) = class.payload_in {
            payload_ron(out, indent, "PayloadIn", payload);
        }
        match self.costs.hold {
            None => class.steps.iter().for_each(|s| step(out, indent, s)),
            Some(bytes) => {
                let _ = writeln!(
                    out,
                    "{indent}Hold(\"{}kB\", [ // a guess: by how much the processes grew, shared by the tasks under way",
                    bytes / 1000
                );
                nested(out, indent, &class.steps, "]),");
            }
        }
        if let Some(payload) = class.payload_out {
            payload_ron(out, indent, "PayloadOut", payload);
        }
        let _ = writeln!(out, "                ],\n            ),");
    }
}
