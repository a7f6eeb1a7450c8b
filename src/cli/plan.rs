//! `pchsim plan`: the cheapest machines, and what runs on them, for a load at objectives.

use std::path::PathBuf;

use anyhow::Context as _;
use clap::Args as ClapArgs;

use super::candidates;
use super::exit::{Exit, UserError};
use super::files::Files;
use super::format::FileKind;
use super::output::Output;
use super::printer::Printer;
use super::selection::{ScenarioSource, Selection, find_profile, user_error};
use super::values::{integer, limited, seed};
use super::words::quoted;
use crate::charts::figure::{Figure, plan_figures};
use crate::page::{self, plan_page};
use crate::plan::{
    Amount, Ask, LoadUnit, Plan, PlanError, PlanSource, PriceList, Survive, load_text, plan, scene,
};
use crate::profiles::of_scenario;
use crate::report;
use crate::scenario::Scenario;
use crate::scenario::limits::MAX_NODES;
use crate::scenario::units;
use crate::strategy::{course, record, simulate};
use crate::study::{Options, StudyError, StudyProgress, follow, run_study};
use crate::syntax::parse_objective;
use crate::traces::timeline::timeline;

/// What `pchsim plan` is told.
#[derive(Clone, Debug, ClapArgs)]
#[command(
    after_long_help = "The plan is the cheapest number of machines, with what runs on each, that holds every objective beyond chance under the load with headroom, and under the load itself after the loss that --survive names (machines, or workers of one). Searched are the scenario's own strategies and, unless --own-strategies says otherwise, servers as people start them (gunicorn sync, gthread and uvicorn workers, uvicorn with async def and def endpoints), with numbers of workers and threads, on every interpreter of the scenario.

The scenario says what a task does and how tasks come (at random, in sessions, over a day); --load says how many. Of a load that changes it is the peak.

Examples:
  pchsim plan api --objective 'p99 < 2s' --load 500/s
  pchsim plan api --objective 'p95 < 600ms' --load 500/s --growth 3x --survive 1 --machines 2cpu/4GiB,4cpu/8GiB
  pchsim plan my.ron --objective 'p99 < 200ms' --budget '300 EUR/month' --prices my-prices.ron -o output/plan.json
  pchsim plan --example-prices > my-prices.ron

Exit codes: 0 done, 2 bad usage or scenario, 3 nothing bears the load at these objectives (within the budget)."
)]
pub(crate) struct Args {
    /// Name of a shipped scenario, a file, or - for standard input
    #[arg(add = candidates::scenario(), required_unless_present = "example_prices")]
    pub scenario: Option<String>,

    /// Hold this, for example 'p99 < 200ms', 'memory < 4GiB' or 'failures < 0.1%' (repeatable) [default: the scenario's own]
    #[arg(long, value_name = "CONDITION", help_heading = "What to plan for")]
    pub objective: Vec<String>,
    /// Plan for this load, for example 500/s, or '200 users' where the scenario has users who wait for their answer [default: the scenario's own]
    #[arg(long, value_name = "RATE", help_heading = "What to plan for")]
    pub load: Option<String>,
    /// Plan for this multiple of the load as well (repeatable) [default: 2x and 10x]
    #[arg(long, value_name = "FACTOR", help_heading = "What to plan for")]
    pub growth: Vec<String>,
    /// Bear so much more than the load
    #[arg(
        long,
        value_name = "PERCENT",
        default_value = "30%",
        help_heading = "What to plan for"
    )]
    pub headroom: String,
    /// Bear the load with so many machines lost ('1 machine', or just 1), or so many worker processes of a machine ('1 worker')
    #[arg(
        long,
        value_name = "LOSS",
        default_value = "0",
        help_heading = "What to plan for"
    )]
    pub survive: String,
    /// Spend no more than this, for example '300 EUR/month'
    #[arg(long, value_name = "AMOUNT", help_heading = "What to plan for")]
    pub budget: Option<String>,

    /// Take these kinds of machines, for example 4cpu/8GiB,8cpu/16GiB [default: those of the prices]
    #[arg(long, value_name = "MACHINES", help_heading = "What may be taken")]
    pub machines: Option<String>,
    /// Take prices from this file [default: an example that comes with the program]
    #[arg(long, value_name = "FILE", help_heading = "What may be taken")]
    pub prices: Option<PathBuf>,
    /// Take at most so many machines
    #[arg(long, value_name = "N", default_value_t = 100, value_parser = limited("MAX_NODES", MAX_NODES, "20"), help_heading = "What may be taken")]
    pub most_machines: u32,
    /// Take the scenario's own strategies only, no servers
    #[arg(long, help_heading = "What may be taken")]
    pub own_strategies: bool,
    /// Print the example of prices, to copy and to change, and do nothing else
    #[arg(long, help_heading = "What may be taken", exclusive = true)]
    pub example_prices: bool,
    /// What may run.
    #[command(flatten)]
    pub selection: Selection,

    /// Master seed [default: the scenario's]
    #[arg(long, value_name = "N", value_parser = seed, help_heading = "How much to simulate")]
    pub seed: Option<u64>,
    /// Worker threads; the plan does not depend on them [default: one for each core]
    #[arg(long, value_name = "N", value_parser = integer::<u32>(1..=4096, "2"), help_heading = "How much to simulate")]
    pub threads: Option<u32>,

    /// Where the result is written, and how.
    #[command(flatten)]
    pub output: Output,
    /// List every candidate, and why it was dropped
    #[arg(long, help_heading = "Output")]
    pub explain: bool,
    /// Write a Deployment of Kubernetes to this file (.yaml) as well
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub kubernetes: Option<PathBuf>,
    /// Write a page to this file (.html) as well: load against latency, cost against load, and what happens at the knee
    #[arg(long, value_name = "FILE", help_heading = "Output")]
    pub html: Option<PathBuf>,
}

/// Runs the subcommand; the exit code.
///
/// # Errors
/// What is asked for, the scenario or the prices are not valid, or an output cannot be written.
pub(crate) fn run(args: &Args, printer: &Printer) -> anyhow::Result<u8> {
    if args.example_prices {
        printer.result(PriceList::example_text())?;
        return Ok(Exit::Done as u8);
    }
    let name = args.scenario.as_deref().unwrap_or_default();
    args.output.format()?;
    let mut files = Files::new(args.output.force);
    let source = ScenarioSource::read(name)?;
    let (scenario, note) = source.scenario(&args.selection.changes(args.seed), &mut files)?;
    let prices = prices(args, &mut files)?;
    let output = args.output.place(&mut files)?;
    let kubernetes = files.optional_of(FileKind::YAML, args.kubernetes.as_deref())?;
    let html = files.optional_of(FileKind::PAGE, args.html.as_deref())?;
    let profiles = of_scenario(&scenario, find_profile)?;
    let wrong = |text: String| anyhow::Error::from(UserError::new(text));
    let machines = match &args.machines {
        Some(text) => prices
            .of_sizes(text)
            .map_err(|e| wrong(format!("--machines: {e}")))?,
        None => prices.machines.clone(),
    };
    let objectives = if args.objective.is_empty() {
        scenario.objectives.clone()
    } else {
        let all = args.objective.iter();
        all.map(|o| user_error(parse_objective)(o))
            .collect::<anyhow::Result<Vec<_>>>()?
    };
    let ask = Ask {
        scenario: &scenario,
        profiles: &profiles,
        objectives,
        load: load(args.load.as_deref(), &scenario)?,
        growth: growth(&args.growth)?,
        budget: budget(args.budget.as_deref(), &prices)?,
        prices: &prices,
        machines,
        headroom: headroom(&args.headroom)?,
        survive: survive(&args.survive)?,
        most: args.most_machines,
        servers: !args.own_strategies,
        only_answer: false,
        threads: args.threads.map(|n| n as usize),
    };
    note.iter().for_each(|note| printer.hint(note));
    let progress = printer.progress_bar();
    let made = plan(&ask, &|done| {
        progress.show(StudyProgress {
            done,
            planned: done,
        });
    });
    progress.finish();
    let mut plan = made.map_err(|e| match e {
        PlanError::Study(StudyError::Threads(_)) => anyhow::Error::new(e),
        _ => wrong(e.to_string()),
    })?;
    plan.command = command(args, plan.seed);
    plan.source = PlanSource {
        name: name.to_owned(),
        text: source.text.clone(),
        set: args.selection.set.clone(),
        interpreters: args.selection.interpreter.clone(),
        strategies: args.selection.strategy.clone(),
    };
    output.write(
        &plan,
        |style| report::plan::text(&plan, args.explain, style),
        printer,
    )?;
    if let Some(file) = &kubernetes {
        let text = plan.plan.as_ref().map_or("", |d| &d.kubernetes);
        file.write(text, printer)?;
    }
    if let Some(file) = &html {
        let mut figures = plan_figures(&plan);
        figures.extend(at_the_knee(&plan, &scenario, args)?);
        let source = serde_json::to_string_pretty(&plan)?;
        let text = plan_page(&plan, &figures, &source).context("cannot make the page")?;
        file.write(&text, printer)?;
    }
    Ok(exit_code(&plan, printer) as u8)
}

/// The timeline of the plan at its knee, or at the maximum load where the curve has none.
fn at_the_knee(plan: &Plan, scenario: &Scenario, args: &Args) -> anyhow::Result<Option<Figure>> {
    let knee = plan.knee.as_ref().map(|k| k.load);
    let most = plan.maximum_load.as_ref().map(|m| m.held);
    let Some((load, which)) = knee
        .map(|l| (l, "its knee"))
        .or(most.map(|l| (l, "its maximum")))
    else {
        return Ok(None);
    };
    let Some(scene) = scene(plan, scenario, load) else {
        return Ok(None);
    };
    let profiles = of_scenario(&scene, find_profile)?;
    let options = Options {
        replications: Some(1),
        threads: args.threads.map(|n| n as usize),
        ..Options::default()
    };
    let mut study = run_study(&scene, &profiles, &options, simulate, &|_| {})?;
    follow(
        &mut study, &scene, &profiles, &options, course, record, timeline,
    )?;
    let figure = page::timeline((&study).into());
    Ok(figure.map(|f| Figure {
        title: format!("The plan at {which}, {}", load_text(load, plan.unit())),
        ..f
    }))
}

fn exit_code(plan: &Plan, printer: &Printer) -> Exit {
    if plan.feasible {
        return Exit::Done;
    }
    let why = plan.binding.as_deref().unwrap_or("nothing bears the load");
    printer.warn(&format!("failed: no plan holds what is asked for: {why}"));
    Exit::ObjectiveMissed
}

fn prices(args: &Args, files: &mut Files) -> anyhow::Result<PriceList> {
    let Some(path) = &args.prices else {
        return Ok(PriceList::example());
    };
    files.reads(path);
    let called = path.display().to_string();
    let text = std::fs::read_to_string(path)
        .map_err(|e| UserError::new(format!("cannot read the prices of {called}: {e}")))?;
    let list = PriceList::read(&text, &called).map_err(|e| UserError::new(e.to_string()))?;
    Ok(list)
}

/// The load as it is written.
fn load(text: Option<&str>, scenario: &Scenario) -> anyhow::Result<Option<f64>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let users = text
        .trim()
        .strip_suffix("users")
        .or_else(|| text.trim().strip_suffix("user"));
    let value = match (LoadUnit::of(scenario), users) {
        (LoadUnit::Users, Some(n)) => {
            let n = n.trim().parse::<u32>().ok().filter(|n| *n > 0);
            let n = n.ok_or_else(|| {
                UserError::new(format!(
                    "--load {text}: that is no whole number of users above 0, such as '200 users'"
                ))
            })?;
            f64::from(n)
        }
        (LoadUnit::Users, None) => {
            return Err(UserError::new(format!(
                "--load {text}: the scenario has users who wait for their answers before they ask again, so its load is a number of them, such as '200 users'"
            ))
            .into());
        }
        (LoadUnit::PerSecond, Some(_)) => {
            return Err(UserError::new(format!(
                "--load {text}: the scenario's tasks come whether others are over or not, so its load is a rate, such as 500/s"
            ))
            .into());
        }
        (LoadUnit::PerSecond, None) => {
            let rate = units::rate(text)
                .ok()
                .filter(|r| *r > 0.0 && *r <= crate::scenario::limits::MAX_RATE);
            rate.ok_or_else(|| {
                let bare = text.trim().parse::<f64>().is_ok_and(f64::is_finite);
                let why = if bare {
                    "that has no unit"
                } else {
                    "that is no rate above 0 and up to 1000000000/s"
                };
                UserError::new(format!(
                    "--load {text}: {why}: write 500/s, 30000/min or 2000000/h"
                ))
            })?
        }
    };
    Ok(Some(value))
}

/// The multiples of the load.
fn growth(all: &[String]) -> anyhow::Result<Vec<f64>> {
    let mut factors = vec![2.0, 10.0];
    for text in all {
        let number = text.trim().trim_end_matches(['x', 'X']).trim();
        let factor = number.parse::<f64>().ok();
        let factor = factor.filter(|f| f.is_finite() && *f > 0.0 && *f <= 1e4);
        let factor = factor.ok_or_else(|| {
            UserError::new(format!(
                "--growth {text}: that is no multiple of the load above 0, such as 2x or 1.5x"
            ))
        })?;
        factors.push(factor);
    }
    factors.retain(|f| *f != 1.0);
    factors.sort_by(f64::total_cmp);
    factors.dedup();
    Ok(factors)
}

fn budget(text: Option<&str>, prices: &PriceList) -> anyhow::Result<Option<f64>> {
    let Some(text) = text else {
        return Ok(None);
    };
    let amount = Amount::read(text).and_then(|a| a.in_currency(&prices.currency));
    let amount = amount.map_err(|e| UserError::new(format!("--budget: {e}")))?;
    Ok(Some(amount))
}

/// What may be lost.
fn survive(text: &str) -> anyhow::Result<Survive> {
    let (number, what) = match text.trim().split_once(char::is_whitespace) {
        Some((number, what)) => (number, what.trim()),
        None => (text.trim(), "machines"),
    };
    let n = number.parse::<u32>().ok().filter(|n| *n <= MAX_NODES);
    match (n, what) {
        (Some(n), "machine" | "machines") => Ok(Survive::Machines(n)),
        (Some(n), "worker" | "workers") => Ok(Survive::Workers(n)),
        _ => Err(UserError::new(format!(
            "--survive {text}: write how many machines may be lost, up to {MAX_NODES}, such as 1 or '1 machine', or how many workers of a machine, such as '1 worker'"
        ))
        .into()),
    }
}

fn headroom(text: &str) -> anyhow::Result<f64> {
    let share = units::share(text).ok();
    let share = share.filter(|s| s.is_finite() && (0.0..=100.0).contains(s));
    let share = share.ok_or_else(|| {
        UserError::new(format!(
            "--headroom {text}: that is no share of the load from 0 to 10000%, such as 30%"
        ))
    })?;
    Ok(share)
}

/// The command that repeats the plan.
fn command(args: &Args, seed: u64) -> String {
    let name = args.scenario.as_deref().unwrap_or_default();
    let mut words = vec!["pchsim".to_owned(), "plan".into(), quoted(name)];
    let mut add = |name: &str, value: String| words.extend([name.to_owned(), quoted(&value)]);
    args.selection.words(&mut add);
    for o in &args.objective {
        add("--objective", o.clone());
    }
    if let Some(load) = &args.load {
        add("--load", load.clone());
    }
    for g in &args.growth {
        add("--growth", g.clone());
    }
    add("--headroom", args.headroom.clone());
    if args.survive.trim() != "0" {
        add("--survive", args.survive.clone());
    }
    if let Some(b) = &args.budget {
        add("--budget", b.clone());
    }
    if let Some(m) = &args.machines {
        add("--machines", m.clone());
    }
    if let Some(p) = &args.prices {
        add("--prices", p.display().to_string());
    }
    add("--most-machines", args.most_machines.to_string());
    add("--seed", seed.to_string());
    if args.own_strategies {
        words.push("--own-strategies".into());
    }
    words.join(" ")
}
