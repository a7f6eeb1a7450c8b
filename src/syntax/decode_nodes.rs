//! Reads several machines behind a load balancer or a broker.

use super::decode::{Cx, Fields, both};
use super::decode_strategy::times;
use super::diagnostic::Code;
use super::strategy_text::{Parts, time, whole};
use super::tree::{CallArgs, SyntaxKind, SyntaxNode};
use super::variants::{self, BalancerName};
use crate::engine::{Nanos, whole as whole_number};
use crate::scenario::units::{self, UnitError};
use crate::scenario::{
    Autoscale, Balancer, Bytes, HealthCheck, Network, NodeMachine, Nodes, Scenario, limits,
};

/// What is said where machines stand within what belongs to one.
pub(super) const NESTED: &str = "machines cannot stand within what one of them runs";

/// Reads the parameters of `Nodes` but `each`.
pub(super) fn nodes(cx: &mut Cx, f: &Fields<'_>) -> Option<Nodes> {
    let count = cx.required(f, "count", |cx, n| {
        let most = limits::MAX_NODES;
        cx.int32(n, "the number of machines", 1..=most, "MAX_NODES")
    });
    let balancer = match f.get("balancer") {
        Some(_) => cx.optional(f, "balancer", balancer),
        None => Some(Balancer::default()),
    };
    let network = match f.get("network") {
        Some(_) => cx.optional(f, "network", network),
        None => Some(Network::default()),
    };
    let machine = match f.get("machine") {
        Some(_) => cx.optional(f, "machine", machine),
        None => Some(NodeMachine::default()),
    };
    let health = match f.get("health") {
        Some(_) => cx.optional(f, "health", health),
        None => Some(HealthCheck::default()),
    };
    let autoscale = match f.get("autoscale") {
        Some(_) => cx.optional(f, "autoscale", |cx, n| autoscale(cx, n, count)),
        None => Some(None),
    };
    let ((count, balancer), ((network, machine), (health, autoscale))) = both(
        both(count, balancer),
        both(both(network, machine), both(health, autoscale)),
    )?;
    Some(Nodes {
        count,
        balancer,
        network,
        machine,
        health,
        autoscale,
    })
}

/// Reads how the number of machines follows the load; there are `count` at the start.
#[expect(
    clippy::option_option,
    reason = "what cannot be read is something else than what is not there"
)]
fn autoscale(cx: &mut Cx, node: &SyntaxNode, count: Option<u32>) -> Option<Option<Autoscale>> {
    let f = cx.record(node, "autoscaling", variants::AUTOSCALE)?;
    let machines = |cx: &mut Cx, n: &SyntaxNode| {
        let most = limits::MAX_NODES;
        cx.int32(n, "the number of machines", 1..=most, "MAX_NODES")
    };
    let max = cx.required(&f, "max", machines);
    let min = match f.get("min") {
        Some(_) => cx.optional(&f, "min", machines),
        None => count,
    };
    let (min, max) = both(min, max)?;
    let mut read = Autoscale::of(min, max);
    if f.get("target").is_some() {
        read.target = cx.optional(&f, "target", target)?;
    }
    if f.get("every").is_some() {
        read.every = cx.optional(&f, "every", |cx, n| {
            cx.positive_duration(n, "the time between two looks")
        })?;
    }
    for (name, time) in [
        ("cool_down", &mut read.cool_down),
        ("start", &mut read.start),
    ] {
        if f.get(name).is_some() {
            *time = cx.optional(&f, name, Cx::duration)?;
        }
    }
    if let Some(why) = read.contradiction(count?) {
        cx.error(Code::Conflict, node.span, why)
            .help("let `min` be at most `count`, and `max` at least that");
        return None;
    }
    Some(Some(read))
}

/// A share of the CPU time, in whole percent.
fn target(cx: &mut Cx, n: &SyntaxNode) -> Option<u32> {
    let share = cx.probability(n)?;
    let percent = in_percent(share);
    if percent.is_none() {
        let why = "the CPU time to use is a whole percentage from 1% to 100%, as in Kubernetes";
        cx.error(Code::OutOfRange, n.span, why)
            .help("write \"60%\"");
    }
    percent
}

/// A share in percent, if that is a whole number from 1 on.
fn in_percent(share: f64) -> Option<u32> {
    let percent = (share * 100.0).round();
    let near = (share * 100.0 - percent).abs() < 1e-9;
    let whole = u32::try_from(whole_number(percent)).ok()?;
    (near && whole >= 1).then_some(whole)
}

fn balancer(cx: &mut Cx, node: &SyntaxNode) -> Option<Balancer> {
    let name = cx.variant(node, "a balancer", variants::BALANCERS)?;
    let f = cx.params(node, &format!("`{name}`"), variants::params(name))?;
    Some(match BalancerName::named(name)? {
        BalancerName::RoundRobin => Balancer::RoundRobin,
        BalancerName::Random => Balancer::Random,
        BalancerName::TwoChoices => Balancer::TwoChoices,
        BalancerName::LeastOutstanding => Balancer::LeastOutstanding,
        BalancerName::Sticky => Balancer::Sticky,
        BalancerName::Broker => {
            let most = "the messages that a machine has at once";
            let prefetch = cx.required(&f, "prefetch", |cx, n| {
                cx.int32(n, most, 1..=u32::MAX, "of 32 bits")
            })?;
            Balancer::Broker { prefetch }
        }
    })
}

fn network(cx: &mut Cx, node: &SyntaxNode) -> Option<Network> {
    let f = cx.record(node, "a network", variants::NETWORK)?;
    let mut network = Network::default();
    if f.get("latency").is_some() {
        network.latency = cx.optional(&f, "latency", Cx::duration)?;
    }
    if f.get("rate").is_some() {
        network.rate = Some(cx.optional(&f, "rate", Cx::data_rate)?);
    }
    Some(network)
}

fn machine(cx: &mut Cx, node: &SyntaxNode) -> Option<NodeMachine> {
    let f = cx.record(node, "each machine", variants::NODE_MACHINE)?;
    let mut machine = NodeMachine::default();
    if f.get("cores").is_some() {
        let most = limits::MAX_CORES;
        machine.cores = Some(cx.optional(&f, "cores", |cx, n| {
            cx.int32(n, "the number of cores", 1..=most, "MAX_CORES")
        })?);
    }
    if f.get("memory").is_some() {
        machine.memory = Some(cx.optional(&f, "memory", |cx, n| {
            let size = cx.size(n)?;
            if size == 0 {
                cx.error(Code::OutOfRange, n.span, "each machine needs some memory")
                    .help("leave `memory` out for what the scenario's machine has");
                return None;
            }
            Some(size)
        })?);
    }
    Some(machine)
}

fn health(cx: &mut Cx, node: &SyntaxNode) -> Option<HealthCheck> {
    let f = cx.record(node, "a health check", variants::HEALTH)?;
    let mut health = HealthCheck::default();
    for (name, time) in [
        ("every", &mut health.every),
        ("timeout", &mut health.timeout),
    ] {
        if f.get(name).is_some() {
            *time = cx.optional(&f, name, |cx, n| {
                cx.positive_duration(n, "a time of a health check")
            })?;
        }
    }
    let in_a_row = "checks in a row";
    health.fails = times(cx, &f, "fails", in_a_row, 1)?.unwrap_or(health.fails);
    health.passes = times(cx, &f, "passes", in_a_row, 1)?.unwrap_or(health.passes);
    if health.timeout > health.every {
        let why = "a check cannot last longer than until the next one";
        cx.error(Code::Conflict, node.span, why)
            .help("`timeout` is at most `every`");
        return None;
    }
    Some(health)
}

/// Reads what follows the number of machines in a short form.
pub(super) fn short(count: u32, parts: &mut Parts<'_>) -> Result<Nodes, String> {
    const WORDS: [&str; 6] = [
        "round-robin",
        "random",
        "two-choices",
        "least-outstanding",
        "sticky",
        "broker=8",
    ];
    let mut nodes = Nodes::of(count);
    let broker = parts.take("broker");
    nodes.balancer = match (parts.rest.next(), broker) {
        (None, None) => Balancer::default(),
        (None, Some(n)) => Balancer::Broker {
            prefetch: whole(n, "the messages that a machine has at once")?,
        },
        (Some("round-robin"), None) => Balancer::RoundRobin,
        (Some("random"), None) => Balancer::Random,
        (Some("two-choices"), None) => Balancer::TwoChoices,
        (Some("least-outstanding"), None) => Balancer::LeastOutstanding,
        (Some("sticky"), None) => Balancer::Sticky,
        (Some(_), Some(_)) => return Err("a broker stands in place of a balancer".into()),
        (Some(word), None) => {
            return Err(format!(
                "`{word}` is not a balancer; {}",
                super::decode::suggest(word, "known here", WORDS)
            ));
        }
    };
    let size = |text: &str| units::size(text).map_err(|e| why(e, "sizes look like 8GiB"));
    if let Some(t) = parts.take("latency") {
        nodes.network.latency = time(t)?;
    }
    if let Some(text) = parts.take("rate") {
        nodes.network.rate = Some(rate(text)?);
    }
    if let Some(n) = parts.take("cores") {
        let n = whole(n, "the number of cores")?;
        if n > limits::MAX_CORES {
            return Err(format!("{n} cores are more than {}", limits::MAX_CORES));
        }
        nodes.machine.cores = Some(n);
    }
    if let Some(text) = parts.take("memory") {
        nodes.machine.memory = match size(text)? {
            0 => return Err("each machine needs some memory".into()),
            bytes => Some(bytes),
        };
    }
    for (name, to) in [
        ("check", &mut nodes.health.every),
        ("check-timeout", &mut nodes.health.timeout),
    ] {
        if let Some(text) = parts.take(name) {
            *to = time(text)?;
            if *to == Nanos::ZERO {
                return Err(format!("a `{name}` of 0 is no time"));
            }
        }
    }
    if nodes.health.timeout > nodes.health.every {
        return Err("a check cannot last longer than until the next one".into());
    }
    nodes.autoscale = short_autoscale(nodes.count, parts)?;
    for (name, to) in [
        ("fails", &mut nodes.health.fails),
        ("passes", &mut nodes.health.passes),
    ] {
        if let Some(n) = parts.take(name) {
            *to = whole(n, "checks in a row")?;
        }
    }
    Ok(nodes)
}

/// Reads how the number of machines follows the load from a short form, which says `max` of it at least.
fn short_autoscale(count: u32, parts: &mut Parts<'_>) -> Result<Option<Autoscale>, String> {
    let machines = "the number of machines";
    let min = parts.take("min").map(|n| whole(n, machines)).transpose()?;
    let Some(max) = parts.take("max") else {
        let others = ["target", "look", "cool-down", "start"];
        let given = others.into_iter().any(|name| parts.take(name).is_some());
        return if given || min.is_some() {
            Err("the number of machines follows the load up to `max`, which is missing".into())
        } else {
            Ok(None)
        };
    };
    let mut read = Autoscale::of(min.unwrap_or(count), whole(max, machines)?);
    if let Some(text) = parts.take("target") {
        let share = text.strip_suffix('%').and_then(|n| n.parse::<u32>().ok());
        read.target = (share.filter(|n| (1..=100).contains(n)))
            .ok_or_else(|| format!("`target` is a whole percentage such as 60%, not `{text}`"))?;
    }
    for (name, to) in [
        ("look", &mut read.every),
        ("cool-down", &mut read.cool_down),
        ("start", &mut read.start),
    ] {
        if let Some(text) = parts.take(name) {
            *to = time(text)?;
        }
    }
    if read.every == Nanos::ZERO {
        return Err("a `look` of 0 is no time".into());
    }
    if read.max > limits::MAX_NODES {
        return Err(format!(
            "{max} machines are more than {}",
            limits::MAX_NODES
        ));
    }
    read.contradiction(count).map_or(Ok(Some(read)), Err)
}

fn why(e: UnitError, help: &str) -> String {
    match e {
        UnitError::Unit(why) | UnitError::Range(why) | UnitError::Limit(_, why) => {
            format!("{why}; {help}")
        }
    }
}

fn rate(text: &str) -> Result<Bytes, String> {
    let help = "such rates look like 200MB/s or 1Gbit/s";
    match units::data_rate(text) {
        Ok(0) => Err("a link transfers a byte a second or more".into()),
        Ok(rate) => Ok(rate),
        Err(e) => Err(why(e, help)),
    }
}

/// Refuses faults that take a machine which no strategy has. (Where some have it, a note of the study says which have not.)
pub(super) fn check_faults(cx: &mut Cx, workload: &SyntaxNode, scenario: &Scenario) {
    let SyntaxKind::Call {
        args: CallArgs::Fields(fields),
        ..
    } = &workload.kind
    else {
        return;
    };
    let Some((_, list)) = fields.iter().find(|(name, _)| name.text == "faults") else {
        return;
    };
    let SyntaxKind::List(items) = &list.kind else {
        return;
    };
    let counts = scenario
        .strategies
        .iter()
        .filter_map(|c| c.strategy.nodes());
    let most = counts.map(|nodes| nodes.most(&[])).max();
    for (i, (fault, item)) in scenario.workload.faults.iter().zip(items).enumerate() {
        let surge = fault.kind.rollout().map_or(0, |r| r.max_surge);
        if most.is_some_and(|most| most.saturating_add(surge) > limits::MAX_NODES) {
            let why = format!(
                "with those that are added there would be more than {} machines",
                limits::MAX_NODES
            );
            cx.at(&format!("workload.faults[{i}]"), |cx| {
                cx.error(Code::Limit, item.span, why)
                    .help("let `max_surge` be smaller");
            });
        }
        if !fault.kind.takes_machine() {
            continue;
        }
        let why = match (most, fault.kind.machine()) {
            (None, _) => "no strategy has several machines, of which one could be lost".to_owned(),
            (Some(count), Some(n)) if n >= count => {
                format!(
                    "no strategy has a machine {n}: they count from 0, and there are {count} at most"
                )
            }
            (Some(_), _) => continue,
        };
        cx.at(&format!("workload.faults[{i}]"), |cx| {
            cx.error(Code::Conflict, item.span, why)
                .help("write a strategy such as \"nodes:3(uvicorn:4)\", or leave the fault out");
        });
    }
}
