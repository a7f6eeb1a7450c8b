//! The options that all simulating commands share: what to compare, and how much to simulate.

use std::path::{Path, PathBuf};

use clap::Args;

use super::candidates;
use super::exit::UserError;
use super::files::Files;
use super::values::{integer, limited, seed};
use crate::cpython::profile::Profile;
use crate::profiles::{self, FindError};
use crate::scenario::Scenario;
use crate::scenario::limits::MAX_REPLICATIONS;
use crate::study::Options;
use crate::study::sweep::is_cores;
use crate::syntax::{self, Changed, Changes, Diagnostic, parse_ranking};

/// What to compare.
#[derive(Clone, Debug, Default, Args)]
pub struct Selection {
    /// Compare this strategy (repeatable; instead of the scenario's own)
    ///
    /// Forms: sequential, threads, threads:8, threads:per-task, processes:4:fork (or spawn, forkserver), processes:4:fork:20
    /// (chunks of 20), pool:4:spawn, pool:4:spawn:20, interpreters:4, asyncio, asyncio:100 (at most 100 tasks at once), asyncio+threads:4,
    /// asyncio+processes:4:fork, asyncio+interpreters:4, prefork:4(asyncio). Without a number: as many as the library
    /// takes by itself. With @cpython-3.14t after it, on that interpreter only. Tables name strategies in this form, too.
    #[arg(long, value_name = "STRATEGY", add = candidates::strategy(), help_heading = "What to compare")]
    pub strategy: Vec<String>,
    /// Compare on this interpreter (repeatable; instead of the scenario's own)
    #[arg(long, value_name = "NAME", add = candidates::profile(), help_heading = "What to compare")]
    pub interpreter: Vec<String>,
    /// Override a field of the scenario (repeatable), for example machine.cores=8
    #[arg(long, value_name = "PATH=VALUE", value_parser = super::check::parse_set, help_heading = "What to compare")]
    pub set: Vec<(String, String)>,
}

/// How much to simulate.
#[derive(Clone, Debug, Args)]
pub struct Effort {
    /// Rank by this metric (makespan, throughput, mean, p95, p99..., memory, cpu) [default: the scenario's `rank_by`, or makespan of batches, else the first latency objective or p95]
    #[arg(long, value_name = "METRIC", help_heading = "What to compare")]
    pub rank_by: Option<String>,

    /// Master seed [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = seed, help_heading = "How much to simulate")]
    pub seed: Option<u64>,
    /// Run exactly this many replications [default: until --precision is reached]
    #[arg(long, value_name = "N", value_parser = limited("MAX_REPLICATIONS", MAX_REPLICATIONS, "30"), help_heading = "How much to simulate")]
    pub replications: Option<u32>,
    /// Simulate until the confidence interval of the ranked metric is this narrow for every strategy (half its width over the mean) [default: 2%,
    /// but only for the best and what may be as good]
    #[arg(long, value_name = "PERCENT", value_parser = precision, help_heading = "How much to simulate")]
    pub precision: Option<f64>,
    /// Stop a single simulation after this many events
    #[arg(long, value_name = "N", value_parser = integer::<u64>(1..=u64::MAX, "10000000"), help_heading = "How much to simulate")]
    pub max_events: Option<u64>,
    /// Worker threads; the result does not depend on them [default: one for each core]
    #[arg(long, value_name = "N", value_parser = integer::<u32>(1..=4096, "2"), help_heading = "How much to simulate")]
    pub threads: Option<u32>,
}

impl Selection {
    /// What it changes in a scenario.
    pub(super) fn changes(&self, seed: Option<u64>) -> Changes {
        Changes {
            set: self.set.clone(),
            cores: None,
            interpreters: self.interpreter.clone(),
            strategies: self.strategy.clone(),
            seed,
        }
    }

    /// `what` (`--cores 8`) and `--set` must not both say which cores there are: whichever won, the other would be ignored in
    /// silence.
    pub(super) fn refuse_cores(&self, what: &str) -> anyhow::Result<()> {
        match self.set.iter().find(|(path, _)| is_cores(path)) {
            None => Ok(()),
            Some((path, value)) => Err(UserError::new(format!(
                "{what} and --set {path}={value} both say which cores there are: leave one of them out"
            ))
            .into()),
        }
    }

    /// The options that repeat it.
    pub(super) fn words(&self, add: &mut impl FnMut(&str, String)) {
        for s in &self.strategy {
            add("--strategy", s.clone());
        }
        for i in &self.interpreter {
            add("--interpreter", i.clone());
        }
        for (path, value) in &self.set {
            add("--set", format!("{path}={value}"));
        }
    }
}

impl Effort {
    /// The options of a study.
    pub(super) fn options(&self) -> anyhow::Result<Options> {
        let defaults = match self.precision {
            Some(asked) => Options::default().to_precision(asked),
            None => Options::default(),
        };
        Ok(Options {
            replications: self.replications,
            max_events: self.max_events.unwrap_or(defaults.max_events),
            threads: self.threads.map(|n| n as usize),
            metric: self
                .rank_by
                .as_deref()
                .map(user_error(parse_ranking))
                .transpose()?,
            ..defaults
        })
    }

    /// The options that repeat it: all that the result depends on but the seed.
    pub(super) fn words(&self, add: &mut impl FnMut(&str, String)) {
        if let Some(m) = &self.rank_by {
            add("--rank-by", m.clone());
        }
        if let Some(n) = self.replications {
            add("--replications", n.to_string());
        }
        if let Some(p) = self.precision {
            add("--precision", p.to_string());
        }
        if let Some(n) = self.max_events {
            add("--max-events", n.to_string());
        }
    }
}

fn precision(text: &str) -> Result<f64, String> {
    let value = match text.strip_suffix('%') {
        Some(p) => p.trim().parse::<f64>().map(|p| p / 100.0),
        None => text.trim().parse(),
    };
    match value {
        Ok(p) if p > 0.0 && p < 1.0 => Ok(p),
        _ => Err("write a share above 0 and below 100%: 2%, or 0.02".into()),
    }
}

/// A scenario's text, read once.
pub(super) struct ScenarioSource {
    pub text: String,
    pub origin: PathBuf,
    /// Where it was read from, if from a file.
    file: Option<PathBuf>,
}

impl ScenarioSource {
    /// Reads a file, a shipped scenario or standard input.
    pub(super) fn read(name: &str) -> anyhow::Result<Self> {
        let (text, origin) = syntax::read(name).map_err(|d| rendered(&[d]))?;
        let file = PathBuf::from(name);
        let file = file.is_file().then_some(file);
        Ok(Self { text, origin, file })
    }

    /// A scenario whose text has been read already from the file or pipe of this path.
    pub(super) fn handed(text: String, called: &str, path: &Path) -> Self {
        Self {
            text,
            origin: PathBuf::from(called),
            file: path.is_file().then(|| path.to_owned()),
        }
    }

    /// The scenario with these changes; `files` learns what is read for it. Which strategies are moved to other interpreters is a note, to
    /// be said once nothing is left that may refuse the work.
    pub(super) fn scenario(
        &self,
        changes: &Changes,
        files: &mut Files,
    ) -> anyhow::Result<(Scenario, Option<String>)> {
        let changed = self.changed(changes)?;
        self.file
            .iter()
            .chain(&changed.files)
            .for_each(|f| files.reads(f));
        for name in profiles::names(&changed.scenario) {
            profiles::files(name).iter().for_each(|f| files.reads(f));
        }
        let which: Vec<String> = changed
            .retargeted
            .iter()
            .map(|r| format!("{} (for {})", r.strategy, r.from))
            .collect();
        let note = (!which.is_empty()).then(|| {
            format!(
                "note: run on {} instead of the interpreter that the scenario names for them (On(..)): {}.",
                changed.scenario.interpreters.join(" and "),
                which.join(", ")
            )
        });
        Ok((changed.scenario, note))
    }

    /// The scenario with these changes.
    pub(super) fn changed(&self, changes: &Changes) -> anyhow::Result<Changed> {
        changes.parse(&self.text, &self.origin).map_err(|d| {
            // Strategies may be wrong for no other reason.
            let unknown = unknown_interpreters(&self.text, &self.origin, &changes.set);
            match unknown.into_iter().next() {
                Some(unknown) => UserError::new(unknown.to_string()).into(),
                None => rendered(&d),
            }
        })
    }
}

/// Which of the interpreters that a scenario names nobody knows, whatever its strategies say of them; none where more than the strategies is
/// wrong with it.
pub(super) fn unknown_interpreters(
    text: &str,
    origin: &Path,
    set: &[(String, String)],
) -> Vec<FindError> {
    let mut set = set.to_vec();
    set.push(("strategies".into(), "[]".into()));
    let (scenario, _) = syntax::check(text, origin, &set);
    let Some(scenario) = scenario else {
        return Vec::new();
    };
    let names = profiles::names(&scenario);
    names.filter_map(|n| profiles::find(n).err()).collect()
}

/// Diagnostics as the user's error.
pub(super) fn rendered(diagnostics: &[Diagnostic]) -> anyhow::Error {
    UserError::Diagnostics {
        context: None,
        all: diagnostics.to_vec(),
    }
    .into()
}

/// The profile of this name.
pub(super) fn find_profile(name: &str) -> anyhow::Result<Profile> {
    profiles::find(name).map_err(|e| UserError::new(e.to_string()).into())
}

/// A parser of the user's words whose complaint is the user's error.
pub(super) fn user_error<T, E: std::fmt::Display>(
    parse: fn(&str) -> Result<T, E>,
) -> impl Fn(&str) -> anyhow::Result<T> {
    move |text| parse(text).map_err(|e| UserError::new(e.to_string()).into())
}
