//! The known cases of the decision framework: what is received about each, and what simulation recommends.
//!
//! Where they differ the case names the mechanism, and a change that takes that mechanism away has to lead to the received answer.

use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Mutex, OnceLock};

use pchsim::advise::{Advice, Ask, Constraints, Depth, Family, advise};
use pchsim::cpython::profile::Profile;
use pchsim::profiles;
use pchsim::scenario::{Arrivals, Scenario};
use pchsim::syntax::load;

use super::page::{hold, table, three};

/// Where a case is from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum From {
    Scenario,
    Workload,
    Pattern,
    Row,
}

impl From {
    fn name(self) -> &'static str {
        match self {
            Self::Scenario => "scenario",
            Self::Workload => "AI workload",
            Self::Pattern => "pattern",
            Self::Row => "row of the table",
        }
    }
}

/// What simulation says of the received answer.
#[derive(Clone, Copy, Debug)]
enum Said {
    /// The same.
    Same,
    /// It is as good as another one, which is simpler.
    AsGood(Otherwise),
    /// Another one is better.
    Other(Otherwise),
}

/// Why it is not the received one, and what would have to be otherwise.
#[derive(Clone, Copy, Debug)]
struct Otherwise {
    /// What is recommended.
    instead: Family,
    /// The mechanism.
    because: &'static str,
    /// The change after which the received answer is recommended, in words.
    unless: &'static str,
    change: Change,
}

#[derive(Clone, Copy, Debug)]
enum Change {
    /// Fields of the scenario.
    Fields(&'static [(&'static str, &'static str)]),
    /// Costs of the interpreters.
    Costs(fn(&mut Profile)),
    /// What is required.
    Required(fn() -> Constraints),
}

struct Case {
    from: From,
    name: &'static str,
    scenario: &'static str,
    set: &'static [(&'static str, &'static str)],
    constraints: fn() -> Constraints,
    received: &'static [Family],
    said: Said,
}

const HYBRID: &[Family] = &[
    Family::AsyncioFreeThreads,
    Family::AsyncioProcesses,
    Family::AsyncioInterpreters,
];

fn nothing() -> Constraints {
    Constraints::default()
}

/// Tasks change the same objects in place.
fn shared() -> Constraints {
    Constraints {
        shared: Some(true),
        ..Constraints::default()
    }
}

/// A task that crashes must leave the others alone.
fn isolated() -> Constraints {
    Constraints {
        isolated: true,
        ..Constraints::default()
    }
}

fn four_hundred_megabytes() -> Constraints {
    Constraints {
        memory: Some(400 << 20),
        ..Constraints::default()
    }
}

/// A free-threaded interpreter that executes bytecode as fast as the other.
fn as_fast(p: &mut Profile) {
    p.params.cpu_factor = 1.0;
}

const CASES: [Case; 27] = [
    Case {
        from: From::Scenario,
        name: "PDF text extraction, 1000 documents",
        scenario: "pdf_text",
        set: &[],
        constraints: isolated,
        received: &[Family::Processes],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "web scraper, 100 pages",
        scenario: "fetch_pages",
        set: &[],
        constraints: nothing,
        received: &[Family::Asyncio],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "compressing local files (zlib)",
        scenario: "compress_files",
        set: &[],
        constraints: nothing,
        received: &[Family::Threads],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "REST API, 50 requests at once",
        scenario: "rest_api",
        set: &[],
        constraints: nothing,
        received: &[Family::Asyncio],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "matrix multiplication for training",
        scenario: "matmul",
        set: &[],
        constraints: nothing,
        // The library's own threads: Python needs no more than one.
        received: &[Family::SingleThread],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "query over 1M rows, in SQLite",
        scenario: "query_sqlite",
        set: &[],
        constraints: nothing,
        received: &[Family::Threads],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "agent reasoning",
        scenario: "agent_reasoning",
        set: &[],
        constraints: nothing,
        received: &[Family::SingleThread],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "real-time prices from APIs",
        scenario: "price_feeds",
        set: &[],
        constraints: nothing,
        received: &[Family::Asyncio],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "batch image resizing",
        scenario: "images",
        set: &[],
        constraints: nothing,
        received: &[Family::Processes, Family::Threads],
        said: Said::Same,
    },
    Case {
        from: From::Scenario,
        name: "negotiation of several agents",
        scenario: "negotiation",
        set: &[],
        constraints: shared,
        received: &[Family::FreeThreads, Family::AsyncioFreeThreads],
        said: Said::Same,
    },
    Case {
        from: From::Workload,
        name: "API server",
        scenario: "api",
        set: &[
            ("objectives", "[\"p95 < 900ms\"]"),
            ("workload.arrivals.count", "4000"),
        ],
        constraints: nothing,
        received: &[Family::Asyncio],
        said: Said::Other(Otherwise {
            instead: Family::FreeThreads,
            because: "200 requests a second of 4.5 ms are nine tenths of the one core that a loop has, and they wait for it",
            unless: "requests without computing",
            change: Change::Fields(&[
                ("workload.tasks[0].steps[0]", "Cpu(\"1us\")"),
                ("workload.tasks[0].steps[2]", "Cpu(\"1us\")"),
            ]),
        }),
    },
    Case {
        from: From::Workload,
        name: "model inference",
        scenario: "inference",
        set: &[],
        constraints: nothing,
        received: &[Family::FreeThreads],
        said: Said::AsGood(Otherwise {
            instead: Family::Threads,
            because: "nine tenths of the work are C code without the GIL, so that the GIL is not what threads wait for",
            unless: "60 ms of Python before each product",
            change: Change::Fields(&[("workload.tasks[0].steps[1]", "Cpu(\"60ms\")")]),
        }),
    },
    Case {
        from: From::Workload,
        name: "data pipeline: fetch, process, store",
        scenario: "pipeline",
        set: &[],
        constraints: nothing,
        received: HYBRID,
        said: Said::Same,
    },
    Case {
        from: From::Workload,
        name: "chat bot: API calls, CPU for the model",
        scenario: "chat_model",
        set: &[],
        constraints: nothing,
        received: HYBRID,
        said: Said::AsGood(Otherwise {
            instead: Family::FreeThreads,
            because: "a thread for each message in work costs memory, not time",
            unless: "a budget of 400 MiB",
            change: Change::Required(four_hundred_megabytes),
        }),
    },
    Case {
        from: From::Workload,
        name: "web scraper with text parsing",
        scenario: "scraper",
        set: &[],
        constraints: nothing,
        received: HYBRID,
        said: Said::Same,
    },
    Case {
        from: From::Workload,
        name: "vector database queries",
        scenario: "vectordb",
        set: &[],
        constraints: nothing,
        received: &[Family::Asyncio],
        said: Said::Other(Otherwise {
            instead: Family::Prefork,
            because: "two hundred who ask again at once keep one loop busy all the time with the 250 us of Python of each query",
            unless: "queries without computing",
            change: Change::Fields(&[
                ("workload.tasks[0].steps[1]", "Cpu(\"5us\")"),
                ("workload.tasks[0].steps[3]", "Cpu(\"5us\")"),
            ]),
        }),
    },
    Case {
        from: From::Workload,
        name: "report generator",
        scenario: "reports",
        set: &[("workload.arrivals.count", "1000")],
        constraints: nothing,
        received: &[Family::Processes, Family::FreeThreads],
        said: Said::Same,
    },
    Case {
        from: From::Workload,
        name: "real-time monitoring",
        scenario: "monitoring",
        // Every endpoint is asked: else the cheapest is who asks few.
        set: &[(
            "objectives",
            "[\"failures < 2%\", \"memory < 128MiB\", \"p95 < 2s\"]",
        )],
        constraints: nothing,
        received: &[Family::Asyncio],
        said: Said::Same,
    },
    Case {
        from: From::Pattern,
        name: "batch inference, 4 agents sharing a model",
        scenario: "team",
        set: &[],
        constraints: shared,
        received: &[Family::FreeThreads],
        said: Said::Same,
    },
    Case {
        from: From::Pattern,
        name: "web API back end, 50 to 500 requests",
        scenario: "rest_api",
        set: &[
            ("workload.arrivals.users", "500"),
            ("workload.tasks[0].steps[1]", "Io(\"1s\")"),
            ("workload.arrivals.think", "Exponential(\"1s\")"),
            ("workload.arrivals.count", "3000"),
            ("objectives", "[\"p95 < 1200ms\"]"),
        ],
        constraints: nothing,
        received: &[Family::Asyncio],
        said: Said::Same,
    },
    Case {
        from: From::Pattern,
        name: "data pipeline",
        scenario: "fetch_process_store",
        set: &[],
        constraints: nothing,
        received: HYBRID,
        said: Said::Same,
    },
    Case {
        from: From::Pattern,
        name: "distributed, several machines",
        scenario: "distributed",
        set: &[],
        constraints: nothing,
        received: &[Family::Distributed],
        said: Said::Same,
    },
    Case {
        from: From::Row,
        name: "CPU-bound, one after another",
        scenario: "cpu_ordered",
        set: &[],
        constraints: nothing,
        received: &[Family::SingleThread],
        said: Said::Same,
    },
    Case {
        from: From::Row,
        name: "CPU-bound, parallel, shared state",
        scenario: "cpu_shared",
        set: &[],
        constraints: shared,
        received: &[Family::FreeThreads],
        said: Said::Same,
    },
    Case {
        from: From::Row,
        name: "CPU-bound, parallel, isolated",
        scenario: "cpu_isolated",
        set: &[],
        constraints: isolated,
        received: &[Family::Processes],
        said: Said::Same,
    },
    Case {
        from: From::Row,
        name: "I/O-bound, 10 to 100 at once",
        scenario: "io_many",
        set: &[],
        constraints: nothing,
        received: &[Family::Asyncio],
        said: Said::Same,
    },
    Case {
        from: From::Row,
        name: "hybrid",
        scenario: "io_and_cpu",
        set: &[],
        constraints: nothing,
        received: &[Family::AsyncioFreeThreads],
        said: Said::Other(Otherwise {
            instead: Family::AsyncioProcesses,
            because: "the free-threaded interpreter takes 7% more time for the same bytecode, which is more than starting four processes and sending pages to them",
            unless: "a free-threaded interpreter that is as fast",
            change: Change::Costs(as_fast),
        }),
    },
];

/// What is recommended.
fn advised(scenario: &Scenario, profiles: &[Profile], constraints: Constraints) -> Advice {
    let ask = Ask {
        scenario,
        profiles,
        constraints,
        depth: Depth::Answer,
        threads: Some(1),
    };
    advise(&ask, &|_| {}).unwrap()
}

impl Case {
    fn scenario(&self, more: &[(&str, &str)], interpreters: &[&str]) -> Scenario {
        let mut all: Vec<(String, String)> = self
            .set
            .iter()
            .chain(more)
            .map(|(path, value)| ((*path).to_owned(), (*value).to_owned()))
            .collect();
        all.push(("interpreters".into(), format!("{interpreters:?}")));
        // Strategies that are named on an interpreter would need it; those of machines are the only ones that are not tried anyway.
        if !self.received.contains(&Family::Distributed) {
            all.push(("strategies".into(), "[]".into()));
        }
        load(self.scenario, &all).unwrap_or_else(|d| panic!("{}: {d:?}", self.name))
    }

    fn on(&self, interpreters: &[&str]) -> Advice {
        let scenario = self.scenario(&[], interpreters);
        advised(&scenario, &found(interpreters), (self.constraints)())
    }

    /// The advice on the interpreters of the table, which several tests look at.
    fn on_both(&self) -> &'static Advice {
        static MADE: [OnceLock<Advice>; CASES.len()] = [const { OnceLock::new() }; CASES.len()];
        let number = CASES
            .iter()
            .position(|c| c.name == self.name && c.from == self.from);
        MADE[number.expect("a case")].get_or_init(|| self.on(&BOTH))
    }

    /// The advice where the mechanism is taken away.
    fn changed(&self, change: Change) -> Advice {
        let (mut profiles, mut fields, mut constraints) =
            (found(&BOTH), &[][..], (self.constraints)());
        match change {
            Change::Fields(more) => fields = more,
            Change::Costs(cost) => profiles.iter_mut().for_each(cost),
            Change::Required(other) => constraints = other(),
        }
        advised(&self.scenario(fields, &BOTH), &profiles, constraints)
    }
}

const BOTH: [&str; 2] = ["cpython-3.14", "cpython-3.14t"];

fn found(interpreters: &[&str]) -> Vec<Profile> {
    let find = |name: &&str| profiles::find(name).unwrap();
    interpreters.iter().map(find).collect()
}

/// Something of every case, on all cores; in the order of the cases.
fn of_all<T: Send>(make: impl Fn(&Case) -> T + Sync) -> Vec<T> {
    let (next, made) = (AtomicUsize::new(0), Mutex::new(Vec::new()));
    let work = || {
        while let Some((i, case)) = CASES
            .iter()
            .enumerate()
            .nth(next.fetch_add(1, Ordering::Relaxed))
        {
            let of_this = make(case);
            made.lock().unwrap().push((i, of_this));
        }
    };
    std::thread::scope(|threads| {
        let cores = std::thread::available_parallelism().map_or(2, usize::from);
        (0..cores).for_each(|_| drop(threads.spawn(work)));
    });
    let mut made = made.into_inner().unwrap();
    made.sort_by_key(|(i, _)| *i);
    made.into_iter().map(|(_, of_this)| of_this).collect()
}

fn family(advice: &Advice) -> Option<Family> {
    advice.recommendation.as_ref().map(|r| r.family)
}

/// Whether one of these is recommended, or as good as what is.
fn as_good(advice: &Advice, families: &[Family]) -> bool {
    let Some(r) = &advice.recommendation else {
        return false;
    };
    let tied = |f: &Family| {
        r.tied
            .iter()
            .any(|t| t.starts_with(&format!("{} (", f.name())))
    };
    families.iter().any(|f| r.family == *f || tied(f))
}

/// What is wrong with what is recommended for a case.
fn wrong(case: &Case, advice: &Advice) -> Option<String> {
    let family = family(advice);
    let received = |f: Option<Family>| f.is_some_and(|f| case.received.contains(&f));
    let fine = match case.said {
        Said::Same => received(family),
        Said::AsGood(o) => {
            !received(family) && as_good(advice, &[o.instead]) && as_good(advice, case.received)
        }
        Said::Other(o) => as_good(advice, &[o.instead]) && !as_good(advice, case.received),
    };
    if !fine {
        let r = advice.recommendation.as_ref();
        let what = r.map(|r| format!("{} ({}), tied {:?}", r.family.name(), r.strategy, r.tied));
        return Some(format!(
            "{}: {what:?}, binding {:?}",
            case.name, advice.binding
        ));
    }
    let (Said::AsGood(o) | Said::Other(o)) = case.said else {
        return None;
    };
    let changed = case.changed(o.change);
    // What was as good is so no longer; what was better no longer is.
    let leads = as_good(&changed, case.received)
        && match case.said {
            Said::AsGood(o) => !as_good(&changed, &[o.instead]),
            Said::Same | Said::Other(_) => true,
        };
    let what = changed
        .recommendation
        .as_ref()
        .map(|r| (r.family, &r.strategy, &r.tied));
    (!leads).then(|| {
        format!(
            "{}, {}: {what:?}, binding {:?}",
            case.name, o.unless, changed.binding
        )
    })
}

fn names(families: &[Family]) -> String {
    let all: Vec<&str> = families.iter().map(|f| f.name()).collect();
    all.join(" or ")
}

#[test]
fn known_cases() {
    let counts = [From::Scenario, From::Workload, From::Pattern, From::Row]
        .map(|from| CASES.iter().filter(|c| c.from == from).count());
    assert_eq!(counts, [10, 8, 4, 5]);
    let answers: Vec<(&Advice, Option<String>)> = of_all(|case| {
        let advice = case.on_both();
        (advice, wrong(case, advice))
    });
    let wrong: Vec<&String> = answers.iter().filter_map(|(_, w)| w.as_ref()).collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    let rows: Vec<Vec<String>> = CASES
        .iter()
        .zip(&answers)
        .map(|(case, (advice, _))| {
            let r = advice.recommendation.as_ref().expect("held above");
            let said = match case.said {
                Said::Same => "the same".to_owned(),
                Said::AsGood(o) => format!(
                    "as good, and simpler: {}. Not so with {}",
                    o.because, o.unless
                ),
                Said::Other(o) => format!("better: {}. Not so with {}", o.because, o.unless),
            };
            let speedup = r
                .speedup
                .map_or_else(|| "-".to_owned(), |s| format!("x{}", three(s.mean)));
            vec![
                case.name.to_owned(),
                case.from.name().to_owned(),
                format!("`{}`", case.scenario),
                names(case.received),
                r.family.name().to_owned(),
                format!("`{}`", r.strategy),
                speedup,
                said,
            ]
        })
        .collect();
    let head = [
        "case",
        "",
        "scenario",
        "received",
        "recommended",
        "strategy",
        "speed-up#",
        "against what is received",
    ];
    hold("cases", &table(&head, &rows));
}

/// Whether tasks of a case come over time: such runs take seconds.
fn served(case: &Case) -> bool {
    case.scenario(&[], &BOTH).workload.arrivals != Arrivals::Batch
}

/// What is recommended where there is only an older Python, or one with the GIL: the cases where it differs.
fn versions(of: impl Fn(&Case) -> bool + Sync) -> (String, Vec<&'static str>) {
    const VERSIONS: [&[&str]; 2] = [&["cpython-3.11"], &["cpython-3.14"]];
    let answers = of_all(|case| {
        of(case).then(|| {
            let [old, gil] = VERSIONS.map(|v| family(&case.on(v)));
            [old, gil, family(case.on_both())]
        })
    });
    let name = |f: Option<Family>| {
        f.map_or("nothing does what is required", Family::name)
            .to_owned()
    };
    let (mut rows, mut freed) = (Vec::new(), Vec::new());
    for (case, answer) in CASES.iter().zip(answers) {
        let Some([old, gil, free]) = answer else {
            continue;
        };
        if old != gil || gil != free {
            let mut row = vec![case.name.to_owned()];
            row.extend([old, gil, free].map(name));
            rows.push(row);
        }
        if gil != free {
            freed.push(case.scenario);
        }
    }
    (
        table(&["case", "3.11", "3.14", "3.14 or free-threaded"], &rows),
        freed,
    )
}

#[test]
fn the_version_of_python() {
    let (text, freed) = versions(|case| !served(case));
    hold("versions", &text);
    // Where state is shared it takes the free-threaded build to compute in parallel.
    assert_eq!(freed, ["negotiation", "team", "cpu_shared"]);
}

#[test]
#[ignore = "takes a minute; cargo xtask docs runs it"]
fn the_version_of_python_for_servers() {
    let (text, freed) = versions(served);
    hold("versions-served", &text);
    assert!(freed.contains(&"chat_model"), "{freed:?}");
}

/// A hundred images in pure Python, with nothing shared: the way through the tree is shown, and simulation agrees with it.
#[test]
fn a_hundred_images_in_python() {
    let python = [
        ("workload.tasks[0].steps[1].steps[0]", "Cpu(\"120ms\")"),
        ("workload.tasks[0].steps[1].steps[2]", "Cpu(\"180ms\")"),
    ];
    let images = CASES
        .iter()
        .find(|c| c.scenario == "images")
        .expect("a case");
    let advice = advised(&images.scenario(&python, &BOTH), &found(&BOTH), nothing());
    assert_eq!(family(&advice), Some(Family::Processes));
    assert_eq!(advice.path.prior, Family::Processes);
    assert!(advice.path.agrees);
    assert!(
        advice.path.questions.len() >= 3,
        "{:?}",
        advice.path.questions
    );
}
