//! Changes to a scenario: what a command line or a point of a sweep asks for in place of what the scenario's text says.

use std::path::{Path, PathBuf};

use super::diagnostic::{Code, Diagnostic, SourceText};
use super::load::parse_with_files;
use super::parse_strategy;
use crate::scenario::units::grouped;
use crate::scenario::{
    Offload, PastLimit, Scenario, ScenarioPart, Server, Strategy, StrategyCase, Workers, limits,
    strategy_label,
};

/// Changes to a scenario's text that a command line or a point of a sweep asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Changes {
    /// Overrides: pairs of a path and a value, as in `("machine.cores", "8")`.
    pub set: Vec<(String, String)>,
    /// The number of cores, all equal and all visible to the program.
    pub cores: Option<u32>,
    /// The interpreters to compare instead of the scenario's own; empty keeps its own.
    pub interpreters: Vec<String>,
    /// The strategies to compare instead of the scenario's own, as [`parse_strategy`] takes them; empty keeps its own.
    pub strategies: Vec<String>,
    /// The master seed.
    pub seed: Option<u64>,
}

/// A scenario with the changes made.
#[derive(Clone, Debug)]
pub struct Changed {
    /// The scenario.
    pub scenario: Scenario,
    /// The strategies that were meant for an interpreter which is not among those asked for; they run on all of those instead.
    pub retargeted: Vec<Retargeted>,
    /// The files that the scenario reads besides its own, which are recorded arrivals.
    pub files: Vec<PathBuf>,
}

/// A strategy that runs on other interpreters than the one that its `On(..)` names.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Retargeted {
    /// The strategy's short form.
    pub strategy: String,
    /// The interpreter that the strategy was meant for.
    pub from: String,
}

impl Changes {
    /// Parses a scenario's text and makes the changes; see [`parse`](super::parse) for `origin`.
    ///
    /// # Errors
    /// Returns everything that is wrong with the text, the overrides and the strategies.
    pub fn parse(&self, text: &str, origin: &Path) -> Result<Changed, Vec<Diagnostic>> {
        let (mut scenario, files) = parse_with_files(text, origin, &self.set)?;
        if let Some(seed) = self.seed {
            scenario.seed = seed;
        }
        if let Some(n) = self.cores {
            check_cores(n)?;
            scenario.machine.cores = vec![1.0; n as usize];
            scenario.machine.visible_cpus = n;
        }
        if !self.strategies.is_empty() {
            scenario.strategies = self
                .strategies
                .iter()
                .map(|s| parse_strategy(s).map_err(|d| vec![d]))
                .collect::<Result<_, _>>()?;
        }
        let retargeted = self.take_interpreters(&mut scenario);
        let past = scenario.past_limits(None);
        if !past.is_empty() {
            let explain = |p: PastLimit| past_limit(&scenario, origin, p);
            return Err(past.into_iter().map(explain).collect());
        }
        Ok(Changed {
            scenario,
            retargeted,
            files,
        })
    }

    /// Puts the interpreters that are asked for in place of the scenario's, and returns the strategies whose interpreter is no longer
    /// there.
    ///
    /// Strategy and interpreter are two separate questions, and whoever asks for an interpreter asks it of every strategy. So a strategy
    /// that was meant for an interpreter that is no longer there runs on all that are.
    fn take_interpreters(&self, scenario: &mut Scenario) -> Vec<Retargeted> {
        if self.interpreters.is_empty() {
            if !self.strategies.is_empty() {
                // A strategy such as `--strategy threads:8@cpython-3.14t` names its interpreter itself, which then joins the list.
                for name in scenario
                    .strategies
                    .iter()
                    .filter_map(|c| c.interpreter.as_ref())
                {
                    if !scenario.interpreters.contains(name) {
                        scenario.interpreters.push(name.clone());
                    }
                }
            }
            return Vec::new();
        }
        scenario.interpreters.clone_from(&self.interpreters);
        let mut retargeted = Vec::new();
        for case in &mut scenario.strategies {
            if let Some(from) = case
                .interpreter
                .take_if(|name| !self.interpreters.contains(name))
            {
                retargeted.push(Retargeted {
                    strategy: strategy_label(&case.strategy),
                    from,
                });
            }
        }
        scenario.strategies = once(&scenario.strategies);
        retargeted
    }
}

/// Removes strategies that would run twice on the same interpreter: a strategy for a single interpreter is dropped where the same strategy
/// runs on all interpreters.
fn once(strategies: &[StrategyCase]) -> Vec<StrategyCase> {
    let mut kept: Vec<StrategyCase> = Vec::new();
    for case in strategies {
        let everywhere = StrategyCase {
            strategy: case.strategy.clone(),
            interpreter: None,
        };
        let covered = case.interpreter.is_some() && strategies.contains(&everywhere);
        if !covered && !kept.contains(case) {
            kept.push(case.clone());
        }
    }
    kept
}

/// The error for changes each of which is within the limits, while the scenario that they make together is past one.
fn past_limit(scenario: &Scenario, origin: &Path, past: PastLimit) -> Diagnostic {
    let case = match past.part {
        ScenarioPart::Strategy(i) => scenario.strategies.get(i),
        _ => None,
    };
    let mut d = match case {
        Some(case) => {
            let label = strategy_label(&case.strategy);
            let all = 0..label.len();
            Diagnostic::new(
                Code::Limit,
                &SourceText::new("--strategy", label),
                all,
                past.message,
            )
        }
        None => Diagnostic::without_text(Code::Limit, &origin.to_string_lossy(), past.message),
    };
    d.help(past.help);
    d
}

fn check_cores(n: u32) -> Result<(), Vec<Diagnostic>> {
    let (code, message, help) = match n {
        0 => (
            Code::OutOfRange,
            "the number of cores must be at least 1, not 0".to_owned(),
            "leave --cores out for the scenario's own",
        ),
        1..=limits::MAX_CORES => return Ok(()),
        _ => (
            Code::Limit,
            format!(
                "the number of cores is {}, more than {}",
                grouped(n),
                limits::named("MAX_CORES", limits::MAX_CORES)
            ),
            limits::instead("MAX_CORES"),
        ),
    };
    let text = n.to_string();
    let source = SourceText::new("--cores", &*text);
    let mut d = Diagnostic::new(code, &source, 0..text.len(), message);
    d.help(help);
    Err(vec![d])
}

impl Strategy {
    /// Returns the same strategy with `n` workers: threads or processes of its pool, or processes of a prefork server. A strategy without a
    /// pool (sequential, a thread for each task, an event loop by itself) is returned as it is.
    #[must_use]
    pub(crate) fn with_workers(&self, n: u32) -> Self {
        let workers = Workers::Exactly(n);
        match self {
            Self::Sequential | Self::Threads(Workers::PerTask) => self.clone(),
            Self::Threads(_) => Self::Threads(workers),
            Self::Processes {
                start, api, life, ..
            } => Self::Processes {
                workers,
                start: *start,
                api: *api,
                life: life.clone(),
            },
            Self::Interpreters(_) => Self::Interpreters(workers),
            Self::Asyncio {
                limit,
                offload,
                pools,
            } => Self::Asyncio {
                limit: *limit,
                offload: match offload {
                    Offload::None => Offload::None,
                    Offload::Threads(_) => Offload::Threads(workers),
                    Offload::Processes(_, start) => Offload::Processes(workers, *start),
                    Offload::Interpreters(_) => Offload::Interpreters(workers),
                },
                // What has a name was given its own number.
                pools: pools.clone(),
            },
            // A server of celery has its workers in a pool, others are processes: all of them are what its command line counts.
            Self::Server { server, .. } => Self::served(Server {
                workers: n,
                ..*server
            }),
            Self::Nodes { nodes, each } => Self::Nodes {
                nodes: *nodes,
                each: Box::new(each.with_workers(n)),
            },
            Self::Prefork { each, life, .. } => Self::Prefork {
                processes: n,
                each: each.clone(),
                life: *life,
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::syntax::embedded;

    fn changed(changes: &Changes) -> Result<Changed, Vec<Diagnostic>> {
        let text = embedded::find("scraper").unwrap().text;
        changes.parse(text, Path::new("scraper.ron"))
    }

    #[test]
    fn workers_are_set_where_there_are_any() {
        for (before, after) in [
            ("sequential", "sequential"),
            ("asyncio:5", "asyncio:5"),
            ("threads", "threads:7"),
            ("threads:per-task", "threads:per-task"),
            ("pool:4:spawn:20", "pool:7:spawn:20"),
            ("processes:fork", "processes:7:fork"),
            ("processes:4:fork:20", "processes:7:fork:20"),
            ("interpreters:2", "interpreters:7"),
            ("asyncio+threads:4", "asyncio+threads:7"),
            ("asyncio:9+processes:2:spawn", "asyncio:9+processes:7:spawn"),
            (
                "asyncio+threads:4+cpu=threads:2",
                "asyncio+threads:7+cpu=threads:2",
            ),
            ("prefork:4(threads:8)", "prefork:7(threads:8)"),
            (
                "prefork:4:spawn:max-requests=9:jitter=3(asyncio)",
                "prefork:7:spawn:max-requests=9:jitter=3(asyncio)",
            ),
            (
                "prefork:4:freeze(sequential)",
                "prefork:7:freeze(sequential)",
            ),
            (
                "processes:4:spawn:max-tasks=25",
                "processes:7:spawn:max-tasks=25",
            ),
            ("pool:4:fork:20:max-tasks=25", "pool:7:fork:20:max-tasks=25"),
            (
                "processes:4:forkserver:preload=app/shop.models",
                "processes:7:forkserver:preload=app/shop.models",
            ),
        ] {
            let strategy = parse_strategy(before).unwrap().strategy;
            assert_eq!(strategy_label(&strategy.with_workers(7)), after);
        }
    }

    /// The short forms of strategies with their interpreters, as `--strategy` takes them.
    fn labels(strategies: &[StrategyCase]) -> Vec<String> {
        strategies
            .iter()
            .map(|c| {
                let on = c.interpreter.as_ref().map(|i| format!("@{i}"));
                strategy_label(&c.strategy) + &on.unwrap_or_default()
            })
            .collect()
    }

    fn on(interpreters: &[&str], strategies: &[&str]) -> Changed {
        changed(&Changes {
            interpreters: interpreters.iter().map(|&i| i.into()).collect(),
            strategies: strategies.iter().map(|&s| s.into()).collect(),
            ..Changes::default()
        })
        .unwrap()
    }

    #[test]
    fn every_strategy_runs_on_an_interpreter_that_is_asked_for() {
        let c = on(&["mine.ron"], &[]);
        assert_eq!(
            labels(&c.scenario.strategies),
            [
                "sequential",
                "asyncio",
                "asyncio+threads:4",
                "asyncio+processes:4:forkserver",
                "threads:32"
            ]
        );
        let from: Vec<&str> = c.retargeted.iter().map(|r| &*r.from).collect();
        assert_eq!(from, ["cpython-3.14", "cpython-3.14t", "cpython-3.14"]);
        assert_eq!(c.retargeted[1].strategy, "asyncio+threads:4");
    }

    #[test]
    fn a_strategy_stays_on_an_interpreter_that_is_still_there() {
        let c = on(&["cpython-3.14t", "mine.ron"], &[]);
        assert_eq!(
            labels(&c.scenario.strategies),
            [
                "sequential",
                "asyncio",
                "asyncio+threads:4@cpython-3.14t",
                "asyncio+processes:4:forkserver",
                "threads:32"
            ]
        );
        assert_eq!(c.retargeted.len(), 2);
    }

    #[test]
    fn the_same_strategy_runs_once_on_an_interpreter() {
        let c = on(
            &["mine.ron", "b"],
            &[
                "threads:2@a",
                "threads:2",
                "threads:2@b",
                "asyncio@c",
                "asyncio@a",
                "asyncio@b",
            ],
        );
        assert_eq!(labels(&c.scenario.strategies), ["threads:2", "asyncio"]);
        assert_eq!(c.retargeted.len(), 3);
        // Where no change is asked for, nothing is changed.
        let own = changed(&Changes::default()).unwrap();
        assert!(own.retargeted.is_empty() && own.scenario.strategies.len() == 5);
    }

    #[test]
    fn cores_are_all_visible() {
        let with = |cores| {
            changed(&Changes {
                cores: Some(cores),
                ..Changes::default()
            })
        };
        let machine = with(6).unwrap().scenario.machine;
        assert_eq!((machine.cores.len(), machine.visible_cpus), (6, 6));
        assert!(with(0).is_err() && with(5_000).is_err());
    }

    #[test]
    fn a_strategy_brings_its_interpreter() {
        let c = changed(&Changes {
            strategies: vec!["threads:2@cpython-3.11".into()],
            seed: Some(9),
            ..Changes::default()
        });
        let s = c.unwrap().scenario;
        assert!(s.interpreters.contains(&"cpython-3.11".to_owned()) && s.seed == 9);
    }
}
