//! Pools with names: where a step may ask for one, and where not.

use std::path::Path;

use pchsim::syntax::{Severity, check};

/// What is wrong with a scenario whose one task asks for the pool "cpu", under these strategies.
fn errors(strategies: &str) -> Vec<String> {
    let strategies = if strategies.is_empty() {
        String::new()
    } else {
        format!("strategies: {strategies},")
    };
    let text = format!(
        "(schema: 1, name: \"x\", workload: (arrivals: Batch, tasks: [(name: \"t\", steps: [Offload([Cpu(\"1ms\")], \"cpu\")])]), {strategies})"
    );
    let (_, said) = check(&text, Path::new("x.ron"), &[]);
    let errors = said.iter().filter(|d| d.severity == Severity::Error);
    errors.map(|d| d.message.to_string()).collect()
}

/// A pool that no event loop has is a slip; one that some have is a comparison; without event loops it stands for nothing.
#[test]
fn a_pool_has_to_be_somewhere() {
    for fine in [
        "",
        "[Threads(4)]",
        "[Asyncio(pools: {\"cpu\": Threads(4)})]",
        "[Asyncio, Asyncio(pools: {\"cpu\": None})]",
        "[\"prefork:2(asyncio+cpu=threads:4)\"]",
    ] {
        assert_eq!(errors(fine), [""; 0], "{fine}");
    }
    for bad in [
        "[Asyncio]",
        "[Threads(4), Asyncio(pools: {\"cpus\": Threads(4)})]",
        "[\"prefork:2(asyncio+threads:4)\"]",
    ] {
        let said = errors(bad);
        assert!(said.len() == 1 && said[0].contains("\"cpu\""), "{said:?}");
    }
}
