//! Reads the whole scenario: its own fields, what to compare and what to aim for. The machine and the workload are read in files of their
//! own.

use std::path::Path;

use super::decode::{Cx, Fields, both, or, suggest};
use super::decode_machine::machine;
use super::decode_workload::{fork_no_effect, workload};
use super::diagnostic::{Code, Severity};
use super::tree::{CallArgs, SourceSpan, SyntaxKind, SyntaxNode};
use super::{decode_nodes, decode_pools, decode_strategy, objective, variants};
use crate::engine::Nanos;
use crate::scenario::units::grouped;
use crate::scenario::{
    Arrivals, Balancer, Execution, MachineSpec, Metric, Objective, Offload, PastLimit, Placed,
    Pool, Scenario, ScenarioPart, Step, StepResource, Strategy, StrategyCase, TaskClass, Workers,
    Workload, limits, strategy_label,
};

/// The version of the format that this program reads.
pub(super) const SCHEMA: i128 = 1;

/// The interpreters that are compared when a scenario names none.
const DEFAULT_INTERPRETERS: [&str; 2] = ["cpython-3.14", "cpython-3.14t"];

/// Reads the scenario from a tree. `base` is the directory where trace files are looked for. Returns `None` when there were errors.
pub(super) fn scenario(cx: &mut Cx, root: &SyntaxNode, base: &Path) -> Option<Scenario> {
    if !matches!(root.kind, SyntaxKind::Call { .. }) {
        cx.wrong_type(root, "a record `(schema: 1, name: .., workload: ..)`")
            .help("the whole scenario stands in round brackets");
        return None;
    }
    // The version is checked before anything else, because another version may well have other fields.
    schema(cx, root)?;
    let f = cx.record(root, "the scenario", variants::SCENARIO)?;
    let name = cx.required(&f, "name", |cx, n| {
        let name = cx.string(n, "the name")?;
        if name.trim().is_empty() {
            cx.error(Code::Empty, n.span, "the scenario needs a name");
            return None;
        }
        Some(name.to_string())
    });
    let question = or(cx, &f, "question", String::new(), |cx, n| {
        Some(cx.string(n, "the question")?.to_string())
    });
    let machine = or(cx, &f, "machine", MachineSpec::default(), machine);
    let interpreters = or(
        cx,
        &f,
        "interpreters",
        DEFAULT_INTERPRETERS.map(String::from).to_vec(),
        interpreters,
    );
    let horizon = cx.optional(&f, "horizon", |cx, n| {
        cx.positive_duration(n, "the horizon")
    });
    cx.horizon = horizon;
    let warmup = cx.optional(&f, "warmup", Cx::duration);
    let workload = cx.required(&f, "workload", |cx, n| workload(cx, n, base, horizon));
    let strategies = or(cx, &f, "strategies", Vec::new(), |cx, n| {
        strategies(cx, n, &interpreters)
    });
    let replications = cx.optional(&f, "replications", |cx, n| {
        cx.int32(
            n,
            "the number of replications",
            1..=limits::MAX_REPLICATIONS,
            "MAX_REPLICATIONS",
        )
    });
    let objectives = or(cx, &f, "objectives", Vec::new(), objectives);
    let rank_by = cx.optional(&f, "rank_by", rank_by);
    let seed = or(cx, &f, "seed", 1, |cx, n| {
        cx.int(n, "the seed", 0..=u64::MAX, "of 64 bits")
    });
    let windows = cx.optional(&f, "windows", |cx, n| {
        let width = cx.positive_duration(n, "the length of a window")?;
        windows(cx, n, width, workload.as_ref(), horizon)
    });
    check_warmup(cx, &f, warmup, horizon, workload.as_ref());
    // For a batch the default is no warm-up, because all of its tasks count.
    let batch = (workload.as_ref()).is_some_and(|w| matches!(w.arrivals, Arrivals::Batch));
    let (name, workload) = both(name, workload)?;
    let scenario = Scenario {
        name,
        question,
        machine,
        interpreters,
        workload,
        strategies,
        replications,
        warmup: warmup.filter(|_| !batch),
        horizon,
        windows,
        objectives,
        rank_by,
        seed,
    };
    // In a scenario with other errors some parts only stand in for what could not be read, so limits are checked without errors only.
    if cx.diagnostics.iter().all(|d| d.severity != Severity::Error) {
        for past in scenario.past_limits(None) {
            past_limit(cx, root, &f, past);
        }
        // A scenario without strategies of its own is compared under all kinds, some of which inherit. Without imports there is nothing to
        // inherit, which is reported elsewhere.
        let (all, imports) = (&scenario.strategies, &scenario.workload.imports);
        let inherits = |c: &StrategyCase| c.strategy.may_inherit();
        if !all.is_empty()
            && imports.memory > 0
            && !all.iter().any(inherits)
            && let Some(node) = f.get("workload")
        {
            cx.at("workload", |cx| fork_no_effect(cx, node));
        }
        if let Some(node) = f.get("workload").filter(|_| !all.is_empty()) {
            decode_nodes::check_faults(cx, node, &scenario);
        }
        if let Some(node) = f.get("strategies") {
            decode_pools::check(cx, node, &scenario);
            warn_of_blocked_loops(cx, node, &scenario);
            nothing_to_inherit(cx, node, &scenario);
            nobody_connects(cx, node, &scenario);
            starved_by_brokers(cx, node, &scenario);
        }
    }
    Some(scenario)
}

/// Checks that windows of this length have an effect, and are not too many.
fn windows(
    cx: &mut Cx,
    node: &SyntaxNode,
    width: Nanos,
    workload: Option<&Workload>,
    horizon: Option<Nanos>,
) -> Option<Nanos> {
    let arrivals = workload.map(|w| &w.arrivals);
    if arrivals == Some(&Arrivals::Batch) {
        cx.warn(
            Code::NoEffect,
            node.span,
            "`windows` tell tasks apart by when they arrive: those of a batch arrive at once",
        )
        .help("leave it out");
    }
    let load_ends = match arrivals {
        Some(Arrivals::Varying { load, .. }) => load.ends(),
        _ => None,
    };
    let end = load_ends.into_iter().chain(horizon).min();
    let most = u64::try_from(limits::MAX_WINDOWS).unwrap_or(u64::MAX);
    let count = end.map_or(0, |end| end.0.div_ceil(width.0));
    if count > most {
        let message = format!(
            "{} windows are more than {}",
            grouped(count),
            limits::named("MAX_WINDOWS", most)
        );
        cx.error(Code::Limit, node.span, message)
            .help(limits::instead("MAX_WINDOWS"));
        return None;
    }
    Some(width)
}

/// Warns of strategies that say what their workers inherit of imports, where there are none.
fn nothing_to_inherit(cx: &mut Cx, node: &SyntaxNode, scenario: &Scenario) {
    let (SyntaxKind::List(items), w) = (&node.kind, &scenario.workload) else {
        return;
    };
    let imports = &w.imports;
    let none = imports.time == Nanos::ZERO && imports.memory == 0 && w.data == 0;
    if !none || imports.objects.unwrap_or(0) > 0 {
        return;
    }
    for (i, (case, item)) in scenario.strategies.iter().zip(items).enumerate() {
        let strategy = &case.strategy;
        let freezes = strategy.lifecycle().is_some_and(|life| life.freeze);
        let loads = strategy.server().is_some_and(|server| server.preload);
        let preloads = loads || !strategy.pool_life().preload.is_empty();
        for (word, said) in [("freeze", freezes), ("preload", preloads)] {
            if said {
                cx.at(&format!("strategies[{i}]"), |cx| {
                    cx.warn(
                        Code::NoEffect,
                        item.span,
                        format!("`{word}` has no effect where nothing is imported"),
                    )
                    .help("say what the program imports, `imports: (time: \"80ms\", memory: \"40MB\")`, or leave it out");
                });
            }
        }
    }
}

/// Warns of strategies that say how connections wait, or when workers are killed, where no tasks come from outside that could: those of a batch or a
/// trace are the workers' own from the start.
fn nobody_connects(cx: &mut Cx, node: &SyntaxNode, scenario: &Scenario) {
    let SyntaxKind::List(items) = &node.kind else {
        return;
    };
    let (what, watched) = match &scenario.workload.arrivals {
        Arrivals::Open { .. }
        | Arrivals::Varying { .. }
        | Arrivals::Sessions { .. }
        | Arrivals::Closed { .. } => return,
        Arrivals::Batch => ("a batch", true),
        Arrivals::Trace(_) => ("a trace", false),
    };
    for (i, (case, item)) in scenario.strategies.iter().zip(items).enumerate() {
        if case.strategy.nodes().is_some() {
            continue; // Tasks are sent to several machines whatever the arrivals.
        }
        let (backlog, kills) = match (case.strategy.server(), case.strategy.lifecycle()) {
            // What is given, not what is the server's default.
            (Some(server), _) => (
                server.backlog.is_some(),
                server.timeout.or(server.graceful_timeout).is_some(),
            ),
            (None, Some(life)) => (life.backlog.is_some(), life.timeout.is_some()),
            (None, None) => continue,
        };
        let why = format!("the tasks of {what} are the workers' own before they come");
        let said = [
            ("backlog", backlog, "nobody waits for a connection"),
            ("timeout", kills && !watched, "no worker is killed"),
        ];
        for (word, _, so) in said.into_iter().filter(|(_, given, _)| *given) {
            cx.at(&format!("strategies[{i}]"), |cx| {
                cx.warn(
                    Code::NoEffect,
                    item.span,
                    format!("`{word}` has no effect with these arrivals: {why}, and {so}"),
                )
                .help("let tasks come from outside (Poisson, Closed, ..), or leave it out");
            });
        }
    }
}

/// Warns of brokers that give a machine fewer messages at a time than it has workers.
fn starved_by_brokers(cx: &mut Cx, node: &SyntaxNode, scenario: &Scenario) {
    let SyntaxKind::List(items) = &node.kind else {
        return;
    };
    for (i, (case, item)) in scenario.strategies.iter().zip(items).enumerate() {
        let balancer = case.strategy.nodes().map(|nodes| nodes.balancer);
        let Some(Balancer::Broker { prefetch }) = balancer else {
            continue;
        };
        let Execution { copies, pool, .. } = case.strategy.execution();
        let each = match pool.workers() {
            Some(Workers::Exactly(n)) => n,
            Some(Workers::Auto | Workers::PerTask) | None => 1,
        };
        let workers = copies.unwrap_or(1).saturating_mul(each);
        if prefetch >= workers {
            continue;
        }
        cx.at(&format!("strategies[{i}]"), |cx| {
            let idle = workers - prefetch;
            let message = format!("a machine has {prefetch} messages at a time at most, so that {idle} of its {workers} workers have no effect, however many wait");
            cx.warn(Code::NoEffect, item.span, message)
                .help(format!("let `prefetch` be {workers} or more, or have fewer workers"));
        });
    }
}

/// Warns of strategies whose event loop would make blocking calls itself.
fn warn_of_blocked_loops(cx: &mut Cx, node: &SyntaxNode, scenario: &Scenario) {
    let SyntaxKind::List(items) = &node.kind else {
        return;
    };
    for (i, (case, item)) in scenario.strategies.iter().zip(items).enumerate() {
        let Execution {
            event_loop, pool, ..
        } = case.strategy.execution();
        if !event_loop {
            continue;
        }
        let offloads = pool != Pool::Nobody;
        let blocking = |c: &&TaskClass| {
            let mut steps = c.steps.iter();
            steps.any(|s| blocks_loop(s, &case.strategy, offloads))
        };
        let Some(class) = scenario.workload.classes.iter().find(blocking) else {
            continue;
        };
        let (name, label) = (&class.name, strategy_label(&case.strategy));
        let help = if offloads {
            "they stand within `Inline`, or an `Offload` to a pool that has nobody: take them out, or give the pool threads; or write Io for what \
             the program awaits"
        } else {
            "offload them, as in Asyncio(offload: Threads(workers: 40)); or write Io for what the program awaits"
        };
        cx.at(&format!("strategies[{i}]"), |cx| {
            cx.warn(
                Code::BlocksLoop,
                item.span,
                format!("the event loop of {label} makes the blocking calls of \"{name}\" itself: while one lasts, nothing else of the loop goes on"),
            )
            .help(help);
        });
    }
}

/// Whether a step of a coroutine makes a blocking call on its event loop, where it is not `offloaded`.
fn blocks_loop(step: &Step, strategy: &Strategy, offloaded: bool) -> bool {
    let stays = |to: Option<&str>| {
        let mut pools = strategy.pools().iter();
        let pool = pools.find(|p| to == Some(&p.name));
        pool.is_some_and(|p| p.workers == Offload::None)
    };
    let offloaded = match step.placed() {
        Some(Placed::Call(to)) if !stays(to) => return false,
        Some(Placed::Call(_) | Placed::Loop) => false,
        None => offloaded,
    };
    let blocks = matches!(step.takes(), Some((StepResource::Blocked, _)));
    let mut inside = step.inside().map_or(&[][..], |i| i.steps).iter();
    blocks && !offloaded || inside.any(|s| blocks_loop(s, strategy, offloaded))
}

/// Notes that a limit is exceeded: at the field that the limit is about, or at the whole scenario where that field is not given.
fn past_limit(cx: &mut Cx, root: &SyntaxNode, f: &Fields<'_>, past: PastLimit) {
    let field = |name: &str| f.get(name).map(|n| (name.to_owned(), n.span));
    let place = match past.part {
        ScenarioPart::Arrivals => f.get("workload").and_then(|n| match &n.kind {
            SyntaxKind::Call {
                args: CallArgs::Fields(fields),
                ..
            } => fields
                .iter()
                .find(|(k, _)| k.text == "arrivals")
                .map(|(_, n)| ("workload.arrivals".to_owned(), n.span)),
            _ => None,
        }),
        ScenarioPart::Strategy(i) => f.get("strategies").and_then(|n| match &n.kind {
            SyntaxKind::List(items) => items.get(i).map(|n| (format!("strategies[{i}]"), n.span)),
            _ => None,
        }),
        ScenarioPart::Cases => field("strategies").or_else(|| field("interpreters")),
        ScenarioPart::Replications => field("replications"),
    };
    let (path, span) = place.unwrap_or_else(|| {
        let start = root.span.start;
        (
            String::new(),
            SourceSpan {
                end: start + 1,
                ..root.span
            },
        )
    });
    let note = |cx: &mut Cx| {
        cx.error(Code::Limit, span, past.message).help(past.help);
    };
    if path.is_empty() {
        note(cx);
    } else {
        cx.at(&path, note);
    }
}

/// Notes what a warm-up cannot be combined with.
fn check_warmup(
    cx: &mut Cx,
    f: &Fields<'_>,
    warmup: Option<Nanos>,
    horizon: Option<Nanos>,
    workload: Option<&Workload>,
) {
    if let (Some(w), Some(h), Some(node)) = (warmup, horizon, f.get("warmup"))
        && w >= h
    {
        cx.at("warmup", |cx| {
            cx.error(
                Code::Conflict,
                node.span,
                "the warm-up lasts until the horizon or longer: nothing would be counted",
            )
            .help("shorten it, or move the horizon");
        });
    }
    if let (
        Some(Workload {
            arrivals: Arrivals::Batch,
            ..
        }),
        Some(node),
    ) = (workload, f.get("warmup"))
    {
        cx.at("warmup", |cx| {
            cx.warn(
                Code::NoEffect,
                node.span,
                "a batch has no warm-up: every task counts",
            )
            .help("remove `warmup`");
        });
    }
}

fn schema(cx: &mut Cx, root: &SyntaxNode) -> Option<()> {
    let fields = match &root.kind {
        SyntaxKind::Call {
            args: CallArgs::Fields(fields),
            ..
        } => fields.as_slice(),
        _ => &[],
    };
    let has = |name: &str| fields.iter().any(|(k, _)| k.text == name);
    if has("params") && has("gil") && !has("workload") {
        cx.error(
            Code::Schema,
            SourceSpan {
                end: root.span.start + 1,
                ..root.span
            },
            "this is the profile of an interpreter, not a scenario",
        )
        .help("run a scenario on it with `--interpreter FILE`, or look at it with `pchsim profiles show FILE`");
        return None;
    }
    let help = format!("write `schema: {SCHEMA}` as the first field");
    let Some((_, node)) = fields.iter().find(|(k, _)| k.text == "schema") else {
        let span = SourceSpan {
            end: root.span.start + 1,
            ..root.span
        };
        cx.error(
            Code::Schema,
            span,
            "the scenario does not say which version of the format it is written in",
        )
        .help(help);
        return None;
    };
    match node.kind {
        SyntaxKind::Int(SCHEMA) => Some(()),
        SyntaxKind::Int(other) => {
            cx.at("schema", |cx| {
                cx.error(Code::Schema, node.span, format!("this program reads version {SCHEMA} of the format, not {other}"))
                    .help("use the pchsim that the scenario was written for, or rewrite it by docs/scenario-format.md");
            });
            None
        }
        _ => {
            cx.at("schema", |cx| {
                cx.error(
                    Code::Schema,
                    node.span,
                    "the version of the format is a whole number",
                )
                .help(help);
            });
            None
        }
    }
}

fn interpreters(cx: &mut Cx, node: &SyntaxNode) -> Option<Vec<String>> {
    let single = std::slice::from_ref(node);
    let items = if matches!(node.kind, SyntaxKind::Str(_)) {
        single
    } else {
        cx.list(node, "interpreters")?
    };
    if items.is_empty() {
        cx.error(Code::Empty, node.span, "at least one interpreter is needed")
            .help("for example [\"cpython-3.14\", \"cpython-3.14t\"]");
        return None;
    }
    cx.few_names(node, items.len(), "interpreters")?;
    let mut out: Vec<String> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| {
            let Some(name) = cx.interpreter(item) else {
                return;
            };
            if out.contains(&name) {
                cx.error(
                    Code::Duplicate,
                    item.span,
                    format!("the interpreter \"{name}\" is named twice"),
                );
            } else {
                out.push(name);
            }
        });
    }
    Some(out)
}

fn strategies(
    cx: &mut Cx,
    node: &SyntaxNode,
    interpreters: &[String],
) -> Option<Vec<StrategyCase>> {
    let items = cx.list(node, "strategies")?;
    cx.few_names(node, items.len(), "strategies")?;
    let mut out: Vec<StrategyCase> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| {
            let Some(case) = decode_strategy::case(cx, item) else {
                return;
            };
            if let Some(name) = &case.interpreter
                && !interpreters.contains(name)
            {
                cx.error(
                    Code::UnknownName,
                    item.span,
                    format!("the interpreter \"{name}\" is not one of the scenario's"),
                )
                .help(format!(
                    "{}; or add it to `interpreters`; --interpreter NAME runs all strategies on that one",
                    suggest(name, "named there", interpreters.iter().map(String::as_str))
                ));
            } else if out.contains(&case) {
                let label = crate::scenario::strategy_label(&case.strategy);
                cx.error(
                    Code::Duplicate,
                    item.span,
                    format!("the strategy \"{label}\" is listed twice"),
                );
            }
            out.push(case);
        });
    }
    Some(out)
}

fn objectives(cx: &mut Cx, node: &SyntaxNode) -> Option<Vec<Objective>> {
    let items = cx.list(node, "objectives")?;
    let mut out: Vec<Objective> = Vec::new();
    for (i, item) in items.iter().enumerate() {
        cx.at_index(i, |cx| {
            let Some(text) = cx.string(item, "an objective") else {
                return;
            };
            match objective::parse_objective(text) {
                Ok(o) => match out.iter().find(|known| known.same_as(&o)) {
                    None => out.push(o),
                    Some(known) => {
                        let message = format!("this objective says the same as \"{}\"", known.text);
                        cx.warn(Code::Duplicate, item.span, message)
                            .help("remove one of the two");
                    }
                },
                Err(e) => {
                    cx.error(Code::BadObjective, item.span, e.to_string())
                        .help(objective::HELP);
                }
            }
        });
    }
    Some(out)
}

fn rank_by(cx: &mut Cx, node: &SyntaxNode) -> Option<Metric> {
    let text = cx.string(node, "a metric")?;
    match objective::parse_ranking(text) {
        Ok(metric) => Some(metric),
        Err(e) => {
            cx.error(Code::BadObjective, node.span, e.to_string());
            None
        }
    }
}
