//! Blocking calls: whoever makes one does nothing else meanwhile, and needs no core.

use pchsim::engine::Nanos;
use pchsim::scenario::{Dist, Offload, Step, Strategy, Workers};
use pchsim::strategy::Finding;

use super::{batch, each, latencies, threads};
use crate::common::{class, cpu, io, machine, ms};

fn block(time: Nanos) -> Step {
    Step::Block(Dist::Constant(time))
}

fn asyncio(offload: Offload) -> Strategy {
    Strategy::Asyncio {
        limit: None,
        offload,
        pools: Vec::new(),
    }
}

fn to_threads(n: u32) -> Strategy {
    asyncio(Offload::Threads(Workers::Exactly(n)))
}

/// Reported (findings, B1): 20 calls of 50 ms through 40 threads of a loop's executor take one of them, on however few cores.
#[test]
fn calls_in_threads_overlap() {
    let mut case = batch(true, to_threads(40), vec![class(20, vec![block(ms(50))])]);
    case.machine = machine(1);
    assert_eq!(latencies(&case), vec![ms(50); 20]);
    case.strategy = threads(4);
    let ends = |n: u64| ms(50 * (n / 4 + 1));
    assert_eq!(latencies(&case), (0..20).map(ends).collect::<Vec<_>>());
}

/// A loop that makes the call itself does nothing else, and says so.
#[test]
fn a_call_on_a_loop_blocks_it() {
    let case = each(
        true,
        asyncio(Offload::None),
        &[vec![block(ms(200))], vec![io(ms(1))], vec![block(ms(200))]],
    );
    let outcome = case.run();
    assert_eq!(outcome.latencies, [ms(200), ms(400), ms(400)]);
    assert_eq!(outcome.cpu, Nanos::ZERO);
    let blocked =
        |f: &Finding| matches!(f, Finding::BlockedLoop { lasted, .. } if *lasted == ms(200));
    assert!(outcome.findings.iter().any(blocked));
    // On a pool of one thread the second call waits for the first, the loop for none.
    let case = each(
        true,
        to_threads(1),
        &[vec![block(ms(200))], vec![io(ms(1))], vec![block(ms(200))]],
    );
    assert_eq!(latencies(&case), [ms(200), ms(1), ms(400)]);
}

/// Nothing interrupts a call: a deadline is noticed when it is over.
#[test]
fn a_call_is_not_interrupted() {
    let steps = vec![
        Step::Timeout(ms(50).into(), vec![block(ms(80)), cpu(ms(100))]),
        cpu(ms(1)),
    ];
    for strategy in [Strategy::Sequential, threads(1), to_threads(1)] {
        let outcome = each(true, strategy.clone(), std::slice::from_ref(&steps)).run();
        assert_eq!(
            (outcome.timed_out, outcome.makespan),
            (1, ms(80)),
            "{strategy:?}"
        );
    }
}
