//! Generators of servers by name, and of when processes begin and end.

use pchsim::engine::Nanos;
use pchsim::scenario::{
    CeleryPool, Endpoints, Lifecycle, PoolLife, Server, ServerKind, StartMethod, Strategy,
    WorkerClass,
};
use proptest::option;
use proptest::prelude::{BoxedStrategy, Just, any, prop_oneof};
use proptest::strategy::Strategy as Gen;

/// Times after which silent workers are killed.
fn timeout() -> BoxedStrategy<Nanos> {
    (1_u64..2_000_000_000).prop_map(Nanos).boxed()
}

/// A server of these workers, which lives like this; without a time-out where that does not go together.
pub(super) fn prefork(processes: u32, each: Strategy, life: Lifecycle) -> Strategy {
    let life = match life.contradiction_with(&each) {
        None => life,
        Some(_) => Lifecycle {
            timeout: None,
            graceful_timeout: None,
            ..life
        },
    };
    Strategy::Prefork {
        processes,
        each: Box::new(each),
        life,
    }
}

/// Servers by name.
pub(super) fn servers() -> BoxedStrategy<Strategy> {
    let endpoints = || prop_oneof![Just(Endpoints::Async), Just(Endpoints::Def)];
    let class = prop_oneof![
        Just(WorkerClass::Sync),
        (1_u32..4).prop_map(WorkerClass::Gthread),
        endpoints().prop_map(WorkerClass::Uvicorn),
    ];
    let pool = prop_oneof![Just(CeleryPool::Prefork), Just(CeleryPool::Threads)];
    let kind = prop_oneof![
        endpoints().prop_map(ServerKind::Uvicorn),
        endpoints().prop_map(ServerKind::Hypercorn),
        class.prop_map(ServerKind::Gunicorn),
        pool.prop_map(ServerKind::Celery),
    ];
    let recycled = option::of((1_u32..4, 0_u32..3));
    // gunicorn takes whole seconds.
    let seconds = (0_u64..3).prop_map(Nanos::from_secs);
    let watch = (option::of(1_u32..4), option::of(seconds));
    (kind, 1_u32..4, any::<(bool, bool)>(), recycled, watch)
        .prop_map(
            |(kind, workers, (preload, keep_alive), recycled, (backlog, timeout))| {
                let plain = Server::new(kind, workers);
                let server = Server {
                    preload,
                    max_requests: recycled.map(|(most, _)| most),
                    jitter: recycled.map_or(0, |(_, jitter)| jitter),
                    keep_alive,
                    backlog,
                    timeout: timeout.filter(|_| matches!(kind, ServerKind::Gunicorn(_))),
                    ..plain
                };
                // What does not go together is refused where it is read.
                Strategy::served(server.contradiction().map_or(server, |_| plain))
            },
        )
        .boxed()
}

/// When workers of pools end, and what they inherit: half of the time nothing is said.
pub(super) fn pool_lives() -> BoxedStrategy<PoolLife> {
    let any = (option::of(1_u32..4), any::<bool>());
    let lives = any.prop_map(|(max_tasks_per_child, preload)| PoolLife {
        max_tasks_per_child,
        preload: if preload {
            vec!["app".into()]
        } else {
            Vec::new()
        },
    });
    prop_oneof![Just(PoolLife::default()), lives].boxed()
}

/// How workers of a server begin and end, half of the time as in the plain form.
pub(super) fn lives() -> BoxedStrategy<Lifecycle> {
    let start = prop_oneof![Just(StartMethod::Fork), Just(StartMethod::Spawn)];
    let any = (
        start,
        any::<bool>(),
        any::<bool>(),
        option::of((1_u32..4, 0_u32..3)),
        (
            option::of(1_u32..4),
            option::of((timeout(), option::of(timeout()))),
        ),
    );
    let lives = any.prop_map(|(start, preload, freeze, recycled, (backlog, timeout))| {
        let preload = preload && start == StartMethod::Fork;
        Lifecycle {
            start,
            preload,
            freeze: freeze && preload,
            max_requests: recycled.map(|(most, _)| most),
            jitter: recycled.map_or(0, |(_, jitter)| jitter),
            backlog,
            timeout: timeout.map(|(after, _)| after),
            graceful_timeout: timeout.and_then(|(_, graceful)| graceful),
        }
    });
    prop_oneof![Just(Lifecycle::default()), lives].boxed()
}
