//! Several machines that run the same strategy, and what stands before them: a load balancer or a broker, and the network between.

use std::borrow::Cow;

use super::units::{format_duration, format_size};
use super::{Bytes, Fault, MachineSpec, limits};
use crate::engine::Nanos;

/// Several machines that run the same strategy, behind a load balancer. Where a request goes is decided when it comes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Nodes {
    /// Number of machines, at least 1.
    pub count: u32,
    /// Who decides which machine a request goes to.
    pub balancer: Balancer,
    /// What is between the balancer and the machines.
    pub network: Network,
    /// What each machine has, where it is not what the scenario's machine has.
    pub machine: NodeMachine,
    /// How the balancer learns that a machine is gone, or back.
    pub health: HealthCheck,
    /// How the number of machines follows the load; `None`: it does not.
    pub autoscale: Option<Autoscale>,
}

/// How the number of machines follows the load: the horizontal pod autoscaler of Kubernetes, each machine being a replica.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Autoscale {
    /// Fewest machines, at least 1 (`minReplicas`).
    pub min: u32,
    /// Most machines, at least `min` (`maxReplicas`).
    pub max: u32,
    /// The share of the CPU time that the machines have which they should use, in percent, at least 1 (`averageUtilization`).
    pub target: u32,
    /// Time between two looks, above zero (`--horizontal-pod-autoscaler-sync-period`).
    pub every: Nanos,
    /// For how long fewer machines have to suffice before any are taken away (`behavior.scaleDown.stabilizationWindowSeconds`).
    pub cool_down: Nanos,
    /// From when a machine is asked for until its program starts: to find a place for it, fetch its image, start its container.
    pub start: Nanos,
}

impl Autoscale {
    /// Up to so many machines, as Kubernetes does it by default: a target of 80 %, a look every 15 s, fewer after five minutes. A new one starts at once.
    #[must_use]
    pub fn of(min: u32, max: u32) -> Self {
        Self {
            min,
            max,
            target: 80,
            every: Nanos::from_secs(15),
            cool_down: Nanos::from_secs(300),
            start: Nanos::ZERO,
        }
    }

    /// Why these numbers do not go together, where there are so many machines at the start; `None` if they do.
    #[must_use]
    pub fn contradiction(self, count: u32) -> Option<String> {
        let Self { min, max, .. } = self;
        if min > max {
            return Some(format!(
                "at least {min} machines are more than at most {max}"
            ));
        }
        (count < min || count > max).then(|| {
            format!("`count` is the number of machines at the start: {count} is not within {min} and {max}")
        })
    }
}

/// Who decides which machine a request goes to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Balancer {
    /// One after another (the default of nginx and `HAProxy`).
    #[default]
    RoundRobin,
    /// Any, by chance.
    Random,
    /// The one with fewer requests under way of two that are drawn (nginx's `random two least_conn`, Envoy's default): Mitzenmacher, "The
    /// Power of Two Choices in Randomized Load Balancing", 2001.
    TwoChoices,
    /// The one with the fewest requests under way (`least_conn`, `leastconn`): join the shortest queue. Of several, the next in turn.
    LeastOutstanding,
    /// Where the same user was before, by a cookie; who comes for the first time, one after another.
    Sticky,
    /// No balancer, but a broker with one queue: each machine has so many messages at a time, and the others wait in the queue.
    Broker {
        /// Most messages that a machine has at once, at least 1 (`prefetch_count` of AMQP, of each machine).
        prefetch: u32,
    },
}

impl Balancer {
    /// Whether requests wait in a queue of its own, from which they are sent again where a machine is lost with them.
    #[must_use]
    pub fn queues(self) -> bool {
        match self {
            Self::Broker { .. } => true,
            Self::RoundRobin
            | Self::Random
            | Self::TwoChoices
            | Self::LeastOutstanding
            | Self::Sticky => false,
        }
    }
}

/// What is between the balancer and each machine. The balancer's own work is not modelled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network {
    /// How long a message is on its way, in each direction.
    pub latency: Nanos,
    /// What the link of each machine transfers, in bytes a second in each direction, one message after another; `None`: any amount at once.
    pub rate: Option<Bytes>,
}

impl Default for Network {
    /// Two machines in one data centre: some 0.2 ms there and back.
    fn default() -> Self {
        Self {
            latency: Nanos::from_micros(100),
            rate: None,
        }
    }
}

/// What each machine has, where it is not what the scenario's machine has.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct NodeMachine {
    /// Number of cores, at least 1.
    pub cores: Option<u32>,
    /// Limit of its memory, in bytes.
    pub memory: Option<Bytes>,
}

/// How a balancer learns that a machine is gone, or back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct HealthCheck {
    /// Time between two checks of a machine.
    pub every: Nanos,
    /// How long the balancer waits for an answer to one.
    pub timeout: Nanos,
    /// Checks in a row that fail before it sends nothing more there.
    pub fails: u32,
    /// Checks in a row that succeed before it sends requests there again.
    pub passes: u32,
}

impl Default for HealthCheck {
    /// As nginx's `health_check` and `HAProxy`'s `inter`, `fall` and `rise` have it, more or less: every 2 s, three failures, two successes.
    fn default() -> Self {
        Self {
            every: Nanos::from_secs(2),
            timeout: Nanos::from_secs(1),
            fails: 3,
            passes: 2,
        }
    }
}

impl Nodes {
    /// So many machines, all else as it is by default.
    #[must_use]
    pub fn of(count: u32) -> Self {
        Self {
            count: count.max(1),
            balancer: Balancer::default(),
            network: Network::default(),
            machine: NodeMachine::default(),
            health: HealthCheck::default(),
            autoscale: None,
        }
    }

    /// Most machines that there are at a time under these faults.
    #[must_use]
    pub fn most(&self, faults: &[Fault]) -> u32 {
        let by_load = self.autoscale.map_or(0, |a| a.max);
        let surge = faults.iter().filter_map(|f| f.kind.rollout());
        let surge = surge.map(|r| r.max_surge).max().unwrap_or(0);
        self.count.max(by_load).max(1).saturating_add(surge)
    }

    /// Each of the machines, made from the scenario's.
    #[must_use]
    pub fn each<'m>(&self, machine: &'m MachineSpec) -> Cow<'m, MachineSpec> {
        let NodeMachine { cores, memory } = self.machine;
        if cores.is_none() && memory.is_none() {
            return Cow::Borrowed(machine);
        }
        let mut each = machine.clone();
        if let Some(n) = cores {
            each.cores = vec![1.0; n.clamp(1, limits::MAX_CORES) as usize];
            each.visible_cpus = n.max(1);
        }
        each.memory_limit = memory.or(each.memory_limit);
        Cow::Owned(each)
    }

    /// What short forms say of it, each part after a colon; empty for what is as by default.
    pub(crate) fn label(self) -> String {
        let mut label = match self.balancer {
            Balancer::RoundRobin => String::new(),
            Balancer::Random => ":random".into(),
            Balancer::TwoChoices => ":two-choices".into(),
            Balancer::LeastOutstanding => ":least-outstanding".into(),
            Balancer::Sticky => ":sticky".into(),
            Balancer::Broker { prefetch } => format!(":broker={prefetch}"),
        };
        let (network, health) = (Network::default(), HealthCheck::default());
        let mut say = |name: &str, value: Option<String>| {
            if let Some(value) = value {
                label = format!("{label}:{name}={value}");
            }
        };
        let time = |time: Nanos, usual: Nanos| (time != usual).then(|| format_duration(time));
        let number = |n: u32, usual: u32| (n != usual).then(|| n.to_string());
        say("latency", time(self.network.latency, network.latency));
        let rate = self.network.rate;
        say("rate", rate.map(|r| format!("{}/s", format_size(r))));
        say("cores", self.machine.cores.map(|n| n.to_string()));
        say("memory", self.machine.memory.map(format_size));
        say("check", time(self.health.every, health.every));
        say("check-timeout", time(self.health.timeout, health.timeout));
        say("fails", number(self.health.fails, health.fails));
        say("passes", number(self.health.passes, health.passes));
        if let Some(a) = self.autoscale {
            let usual = Autoscale::of(self.count, a.max);
            say("min", number(a.min, usual.min));
            say("max", Some(a.max.to_string()));
            say(
                "target",
                (a.target != usual.target).then(|| format!("{}%", a.target)),
            );
            say("look", time(a.every, usual.every));
            say("cool-down", time(a.cool_down, usual.cool_down));
            say("start", time(a.start, usual.start));
        }
        label
    }
}
