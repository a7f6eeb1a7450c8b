//! The scenarios that are shipped within the program.

/// A shipped scenario.
#[derive(Clone, Copy, Debug)]
pub struct Embedded {
    /// The name by which `pchsim run NAME` finds it.
    pub name: &'static str,
    /// What the scenario is about, in one line.
    pub summary: &'static str,
    /// The scenario's text, with its comments.
    pub text: &'static str,
}

macro_rules! shipped {
    ($($(($folder:literal))? $name:literal: $summary:literal,)+) => {
        /// Every shipped scenario, in the order in which they are listed.
        pub const ALL: &[Embedded] = &[
            $(Embedded { name: $name, summary: $summary, text: include_str!(concat!("../../scenarios/", $($folder, "/",)? $name, ".ron")) }),+
        ];
    };
}

shipped! {
    "scraper": "100 pages: 1 s of fetching and 0.5 s of extraction each",
    "agents": "10 agents: five reason on shared state, five call APIs, in rounds",
    "unbalanced": "1000 pages: short waits, 50 MB of text, little processing",
    "team": "4 CPU-bound agents that share a model's state",
    "images": "100 independent images: decode, filter in C, write",
    "api": "An API under 50 to 500 requests a second, with a p95 objective",
    "pipeline": "Fetch, process, store: three stages joined by bounded queues",
    "inference": "Batch inference over weights that are shared or copied",
    "chatbot": "Streaming model calls with a little CPU for every token",
    "vectordb": "Many small vector queries from concurrent users",
    "reports": "CPU-heavy reports, requested now and then",
    "monitoring": "Continuous polling of 500 endpoints, light processing",
    "sum_of_squares": "The CPU micro-task of every GIL benchmark",
    "db_rows": "A million rows in batches of a thousand",
    "prices": "Real-time price updates into one shared table",
    "blocked_loop": "A blocking call in an async handler, and where it should go",
    "connection_pool": "Requests behind a pool of ten database connections",
    "etl_disk": "A nightly load of files from one disk, which all workers share",
    "llm_agents": "Agents behind a language model's rate limit, with retries",
    "blas": "Linear algebra whose library starts threads of its own",
    "training_rounds": "A training loop: rounds over workers, a serial update between",
    ("resilience") "evening_peak": "A day of an API, with a peak in the evening",
    ("resilience") "flash_crowd": "Five times as many within ten seconds, for a minute",
    ("resilience") "slow_dependency": "A service that is called answers ten times as slowly for a while",
    ("resilience") "outage": "A database that is away for ten seconds",
    ("resilience") "retry_storm": "Retries that keep a service down after it was slow, and a budget for them",
    ("resilience") "circuit_breaker": "Calls that fail at once while a service is away, and the pages beside them",
    ("resilience") "overload": "More come than a service bears, and it lets in so many",
    ("resilience") "load_shedding": "The same, and whoever has waited for too long is turned away",
    ("resilience") "impatient_clients": "Clients that give up after a second, and ask again",
    ("resilience") "worker_crash": "Workers that crash now and then, and what goes with them",
    ("resilience") "balancing": "Long requests among short ones on four machines: how a balancer chooses",
    ("resilience") "machine_lost": "One of three machines is lost for two minutes",
    ("resilience") "broken_pool": "A worker of a pool that crashes: broken pools, and tasks that are lost",
    ("resilience") "connection_storm": "A database that closes all connections and comes back",
    ("resilience") "collector_pause": "Half a second of garbage collection in one worker, now and then",
    ("resilience") "interrupted": "Workers that are interrupted: SIGINT in pools and servers",
    ("resilience") "rolling_update": "Servers and machines that are restarted while they serve",
    ("resilience") "autoscaling": "As many machines as the load of a morning needs",
    ("resilience") "restarts": "Workers that leak, and are asked to end one by one",
    ("decisions") "pdf_text": "The text of a thousand PDFs, in Python",
    ("decisions") "fetch_pages": "100 pages that are fetched and stored, with nothing computed of them",
    ("decisions") "compress_files": "200 log files compressed by zlib, which gives up the GIL",
    ("decisions") "rest_api": "A REST API that fifty clients ask at once",
    ("decisions") "matmul": "Matrix products of a library that has threads of its own",
    ("decisions") "query_sqlite": "Aggregations of a million rows in a local SQLite file",
    ("decisions") "query_server": "The same aggregations by a database server",
    ("decisions") "agent_reasoning": "One agent that thinks in steps, each after the other",
    ("decisions") "price_feeds": "Prices of sixty markets, asked of their APIs all the time",
    ("decisions") "negotiation": "Six agents that negotiate in rounds over one table of offers",
    ("decisions") "chat_model": "A chat bot that calls an API, and ranks documents by itself",
    ("decisions") "fetch_process_store": "500 records that are fetched, worked on and stored",
    ("decisions") "distributed": "More computing than one machine has cores for",
    ("decisions") "cpu_ordered": "Computing, one thing after another",
    ("decisions") "cpu_shared": "Computing in parallel over a large index that all share",
    ("decisions") "cpu_isolated": "Computing in parallel, with nothing shared",
    ("decisions") "io_many": "Waiting for fifty calls at once",
    ("decisions") "io_and_cpu": "Tasks that wait as well as compute",
    ("decisions") "two_objectives": "Quick requests and heavy ones, for latency or for throughput",
}

/// The shipped scenario of this name. The forms `scraper.ron` and `scenarios/scraper.ron` are understood as well, so that a command from
/// the documentation works outside the repository.
pub fn find(name: &str) -> Option<&'static Embedded> {
    let bare = name.strip_prefix("scenarios/").unwrap_or(name);
    let bare = bare.strip_prefix("resilience/").unwrap_or(bare);
    let bare = bare.strip_prefix("decisions/").unwrap_or(bare);
    let bare = bare.strip_suffix(".ron").unwrap_or(bare);
    ALL.iter().find(|e| e.name == bare)
}

/// The names of all shipped scenarios, in the order in which they are listed.
pub fn names() -> Vec<&'static str> {
    ALL.iter().map(|e| e.name).collect()
}
