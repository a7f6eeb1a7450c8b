//! Classes that cost more under one strategy than under another.

use pchsim::engine::Nanos;
use pchsim::scenario::{Arrivals, Dist, Offload, Step, Strategy, StrategyKind, TracedTask};

use super::{each, latencies, threads};
use crate::common::{cpu, io, ms};

#[test]
fn a_class_costs_what_its_strategy_makes_of_it() {
    let asyncio = Strategy::Asyncio {
        limit: None,
        offload: Offload::None,
        pools: Vec::new(),
    };
    let native = Step::Native(Dist::Constant(ms(2)));
    for (strategy, expected) in [(Strategy::Sequential, 16), (threads(1), 22), (asyncio, 13)] {
        let mut case = each(
            true,
            strategy,
            &[vec![cpu(ms(4)), native.clone(), io(ms(10))]],
        );
        case.workload.classes[0].cost =
            vec![(StrategyKind::Threads, 2.0), (StrategyKind::Asyncio, 0.5)];
        assert_eq!(latencies(&case), [ms(expected)]);
        // Recorded demands as well, in place of those of the steps.
        case.workload.arrivals = Arrivals::Trace(vec![TracedTask {
            at: Nanos::ZERO,
            class: 0,
            demands: vec![ms(8), ms(4), ms(10)],
        }]);
        assert_eq!(latencies(&case), [ms(2 * (expected - 10) + 10)]);
    }
}
