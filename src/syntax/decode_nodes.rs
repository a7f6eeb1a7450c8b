//! Reads several machines behind a load balancer or a broker.

use super::decode::{Cx, Fields, both};
use super::decode_strategy::times;
use super::diagnostic::Code;
use super::strategy_text::{Parts, time, whole};
use super::tree::{CallArgs, SyntaxKind, SyntaxNode};
use super::variants::{self, BalancerName};
use crate::engine::Nanos;
use crate::scenario::units::{self, UnitError};
use crate::scenario::{
    Balancer, Bytes, HealthCheck, Network, NodeMachine, Nodes, Scenario, limits,
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
    let ((count, balancer), ((network, machine), health)) =
        both(both(count, balancer), both(both(network, machine), health))?;
    Some(Nodes {
        count,
        balancer,
        network,
        machine,
        health,
    })
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
    let most = counts.map(|nodes| nodes.count).max();
    for (i, (fault, item)) in scenario.workload.faults.iter().zip(items).enumerate() {
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
