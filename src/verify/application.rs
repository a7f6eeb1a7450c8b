//! The application of a server under test: the same functions as in other programs, each behind a route.

use std::fmt::Write as _;
use std::time::Duration;

use super::crashes::{self, Killed};
use super::pieces::ExecutorKind;
use super::program::ProgramPlan;
use super::serve::Asked;
use super::steps::{digits, quoted};
use super::table::TaskTable;
use crate::scenario::Server;

/// What whoever runs an application's server has to know.
#[derive(Clone, Debug, PartialEq)]
pub struct ServedProgram {
    /// The server, with the words of its own command line.
    pub server: Server,
    /// The requests, in the order of their numbers.
    pub(crate) asked: Vec<Asked>,
    /// The class of the task of each of them.
    pub(crate) kinds: Vec<String>,
    /// Workers that are killed meanwhile.
    pub(super) kills: Vec<Killed>,
}

impl ServedProgram {
    /// The path of request number `number`, from 0; `None` where there are not so many.
    #[must_use]
    pub fn path(&self, number: usize) -> Option<&str> {
        self.asked.get(number).map(|a| a.path.as_str())
    }
}

/// The text of the application, behind steps and world; the random numbers of its tasks as the text of a file, a line each.
pub(super) fn application(plan: &ProgramPlan<'_>, table: &TaskTable) -> (String, Option<String>) {
    let drawn = plan.trees.iter().any(|t| !t.places.is_empty());
    let mut out = routes(plan, drawn);
    let asgi = include_str!("template/asgi.py");
    if limited(plan) {
        out.push_str(&asgi.replace(ON_LOOP, BY_THE_LIMITER).replace(OPEN_LOOP, ""));
    } else if plan.kind == ExecutorKind::Loop {
        out.push_str(asgi);
    } else {
        out.push_str(include_str!("template/wsgi.py"));
    }
    (out, drawn.then(|| table.draws()))
}

/// Who calls a task's function.
const ON_LOOP: &str = "        await body(function, Task(draws))\n";
/// `AnyIO`'s limiter, as by Starlette's `run_in_threadpool`, by which `FastAPI` calls endpoints that are plain functions.
const BY_THE_LIMITER: &str =
    "        await anyio.to_thread.run_sync(function, Task(draws))  # In one of 40 threads.\n";
/// Only coroutines have something that belongs to their event loop.
const OPEN_LOOP: &str = "            open_loop()\n";

/// Whether endpoints are plain functions that the limiter's threads call.
pub(super) fn limited(plan: &ProgramPlan<'_>) -> bool {
    plan.server().is_some_and(Server::calls_endpoints)
}

fn routes(plan: &ProgramPlan<'_>, drawn: bool) -> String {
    let example = plan.functions.first().map_or("", String::as_str);
    let draws = if drawn {
        "json.loads(DRAWS[int(number)]) if function else ()"
    } else {
        "()"
    };
    let mut out = include_str!("template/routes.py")
        .replace("{example}", example)
        .replace("{draws}", draws);
    out.push_str("\n\nROUTES = {\n");
    for name in &plan.functions {
        let _ = writeln!(out, "    {}: {name},", quoted(name));
    }
    out.push_str("}\n");
    if drawn {
        out.push_str(
            "with open(os.path.splitext(os.path.abspath(__file__))[0] + \".jsonl\") as file:\n    \
             DRAWS = file.read().splitlines()  # A list of random numbers for each place of a task's function, a line for each task.\n",
        );
    }
    let data = plan.source.workload.data;
    if data > 0 {
        let _ = writeln!(
            out,
            "DATA = payload({})  # The application's own, which nobody writes.",
            digits(data)
        );
    }
    out
}

/// The requests of the tasks of a table: when each is sent, and for what.
pub(super) fn served(plan: &ProgramPlan<'_>, server: Server, table: &TaskTable) -> ServedProgram {
    let classes = &plan.source.workload.classes;
    let route = |kind: &str| {
        let class = classes.iter().position(|c| c.name == kind);
        class.map_or("", |class| plan.functions[class].as_str())
    };
    let (mut asked, mut kinds) = (Vec::new(), Vec::new());
    for (number, (at, kind)) in table.arrivals().enumerate() {
        asked.push(Asked {
            at: Duration::from_secs_f64(at.max(0.0)),
            path: format!("/{}/{number}", route(kind)),
        });
        kinds.push(kind.to_owned());
    }
    ServedProgram {
        server,
        asked,
        kinds,
        kills: crashes::of_server(plan),
    }
}

/// How the application is started and asked, for the head of its text.
pub(super) fn usage(server: Server, stem: &str, example: &str) -> String {
    let listening = server.listening(8000).join(" ");
    let words = server.words(stem);
    let (app, before) = words
        .split_last()
        .map_or(("", &[][..]), |(app, before)| (app.as_str(), before));
    let limiter = if server.calls_endpoints() {
        ", anyio"
    } else {
        ""
    };
    format!(
        "Needs:    CPython 3.10 or later, {}{limiter}. Linux or macOS.\n\
         Start:    {} {listening} {app}\n\
         Ask:      curl http://127.0.0.1:8000/{example}/0 (the number is that of the task; 503: it has failed, 504: it was given up).\n\
         \x20         `pchsim verify` sends each request at its time over a connection of its own{}, and measures.\n",
        server.version(),
        before.join(" "),
        if server.keep_alive {
            ", or over one that was kept"
        } else {
            ""
        }
    )
}
