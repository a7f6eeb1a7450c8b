//! How to get from what a program does today to what is recommended: steps, what to look at, how to go back, and what to watch.

use serde::{Deserialize, Serialize};

use super::by_kind;
use super::code::{code, typical};
use super::family::Family;
use super::placement::PlacedTasks;
use super::way::{Made, Way};
use crate::scenario::Strategy;

/// The way from one approach to another.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Migration {
    /// What the program does today.
    pub from: Family,
    /// What it is to do.
    pub to: Family,
    /// How much there is to change: `none`, `small`, `medium` or `large`, and why.
    pub effort: String,
    /// What to do, one after another.
    pub steps: Vec<String>,
    /// Code as it is, in short.
    pub before: String,
    /// Code as it will be.
    pub after: String,
    /// What to look at in the code.
    pub review: Vec<String>,
    /// What may go wrong, by the number in section 19 of `docs/cpython-runtime.md`.
    pub pitfalls: Vec<Pitfall>,
    /// How to go back.
    pub rollback: String,
    /// How to watch it in production, and which figures would show that the forecast was wrong.
    pub watch: Vec<String>,
}

/// Something that goes wrong in programs of this kind.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Pitfall {
    /// Its number in section 19 of `docs/cpython-runtime.md`.
    pub id: String,
    /// What goes wrong.
    pub text: String,
}

/// How much there is to change.
pub(super) fn effort(from: Family, to: ((Family, bool), &Strategy), minor: u32) -> String {
    way(from, to, minor, 2).effort()
}

fn way(
    from: Family,
    ((to, by_kind), strategy): ((Family, bool), &Strategy),
    minor: u32,
    workers: u32,
) -> Way {
    Way {
        from: Made::of(from, &typical(from, workers, minor)),
        to: Made::of(to, strategy),
        by_kind,
        minor,
    }
}

/// The way from a family to a strategy.
pub(super) fn migration(
    from: Family,
    ((to, by_kind), strategy): ((Family, bool), &Strategy),
    (minor, named, placement): (u32, &[&str], &[PlacedTasks]),
    workers: u32,
    figures: &[String],
) -> Migration {
    let way = way(from, ((to, by_kind), strategy), minor, workers);
    let texts = |all: Vec<&str>| all.into_iter().map(str::to_owned).collect::<Vec<_>>();
    let steps = if way.nothing() {
        vec![
            "Leave the program as it is, and keep its figures: what changes the answer stands above.",
        ]
    } else {
        let mut steps = vec![
            "Measure what there is: keep the figures of today's program beside the forecast's baseline.",
        ];
        steps.extend(way.steps());
        steps.push("Run the benchmark (`pchsim verify`, below) on the machine that it is for, and compare with the forecast.");
        steps.push("Switch a part of the load over, watch the figures below, then the rest.");
        steps
    };
    let mut watch = texts(way.watch());
    watch.extend(figures.iter().cloned());
    Migration {
        from,
        to,
        effort: way.effort(),
        steps: texts(steps),
        before: code(&typical(from, workers, minor), named),
        after: if by_kind {
            by_kind::code(strategy, placement)
        } else {
            code(strategy, named)
        },
        review: texts(way.review()),
        pitfalls: way
            .pitfalls()
            .into_iter()
            .map(|(id, text)| Pitfall {
                id: id.into(),
                text: text.into(),
            })
            .collect(),
        rollback: way.rollback().to_owned(),
        watch,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn there_and_back() -> Vec<Migration> {
        let mut all = Vec::new();
        for minor in [11, 14] {
            for from in Family::ALL {
                for to in Family::ALL {
                    let there = typical(to, 4, minor);
                    let named = ["t", "x\"]\nimport os  # \u{202e}"];
                    let m = migration(from, ((to, false), &there), (minor, &named, &[]), 4, &[]);
                    all.push(m);
                }
            }
        }
        all
    }

    fn way_of(from: Family, to: Family) -> Migration {
        let there = typical(to, 4, 14);
        migration(from, ((to, false), &there), (14, &["t"], &[]), 4, &[])
    }

    #[test]
    fn every_way_has_its_steps() {
        for m in there_and_back() {
            let both = format!("{:?} {:?}", m.from, m.to);
            if m.from == m.to {
                assert!(m.effort.starts_with("none"), "{both}");
                assert_eq!(m.before, m.after, "{both}");
                continue;
            }
            assert!(
                m.steps.len() >= 4 && !m.pitfalls.is_empty() && !m.review.is_empty(),
                "{both}"
            );
            // Threads of both builds are written alike: what differs is the build.
            let alike = [
                [Family::Threads, Family::FreeThreads],
                [Family::AsyncioThreads, Family::AsyncioFreeThreads],
            ];
            let same = alike
                .iter()
                .any(|a| a.contains(&m.from) && a.contains(&m.to));
            assert_eq!(m.before == m.after, same, "{both}");
            let twice: std::collections::BTreeSet<_> = m.steps.iter().chain(&m.review).collect();
            assert_eq!(twice.len(), m.steps.len() + m.review.len(), "{both}");
        }
    }

    #[test]
    fn from_one_thread_to_one_thread_there_is_nothing_to_do() {
        let m = way_of(Family::SingleThread, Family::SingleThread);
        assert_eq!(m.steps.len(), 1, "{m:?}");
        assert!(m.review.is_empty() && m.pitfalls.is_empty(), "{m:?}");
        assert!(m.effort.contains("stays as it is"), "{}", m.effort);
    }

    #[test]
    fn what_is_to_be_looked_at_is_what_changes() {
        let has = |all: &[String], what: &str| all.iter().any(|t| t.contains(what));
        let m = way_of(Family::Processes, Family::Threads);
        assert!(
            has(&m.review, "not pickled any more") && has(&m.review, "a lock around each read")
        );
        assert!(has(&m.steps, "of its own") && has(&m.steps, "`submit` and `map` stay"));
        assert!(m.pitfalls.iter().all(|p| p.id != "4.4"));
        let m = way_of(Family::Asyncio, Family::Processes);
        assert!(has(&m.steps, "back into plain functions") && has(&m.review, "picklable"));
        assert!(m.rollback.contains("coroutines"), "{}", m.rollback);
        assert!(m.before.contains("await fetch") && m.after.contains("ProcessPoolExecutor"));
        let m = way_of(Family::AsyncioThreads, Family::AsyncioProcesses);
        assert!(
            !has(&m.steps, "Turn what waits into coroutines")
                && !has(&m.review, "on the loop that may block")
        );
        assert!(m.rollback.contains("run_in_executor"), "{}", m.rollback);
        let m = way_of(Family::Processes, Family::Interpreters);
        assert!(!has(&m.review, "Arguments and results: picklable") && has(&m.review, "PEP 684"));
        let m = way_of(Family::Threads, Family::FreeThreads);
        assert!(has(&m.steps, "Leave the executor") && has(&m.review, "the GIL kept whole"));
        assert_eq!(m.pitfalls.len(), 1, "{:?}", m.pitfalls);
        let m = way_of(Family::FreeThreads, Family::Asyncio);
        assert!(has(&m.steps, "build with the GIL") && !has(&m.watch, "_is_gil_enabled"));
        let m = way_of(Family::Threads, Family::SingleThread);
        assert!(has(&m.steps, "Take the pool out") && !has(&m.review, "coroutines"));
    }

    #[test]
    fn pitfalls_are_those_of_the_document() {
        let document = include_str!("../../docs/cpython-runtime.md");
        for m in there_and_back() {
            for p in &m.pitfalls {
                assert!(document.contains(&format!("| {} (", p.id)), "{p:?}");
            }
        }
    }

    /// All code at once, because a Python takes longer to start than to read it.
    #[test]
    fn the_code_is_python() {
        let codes: Vec<String> = there_and_back()
            .into_iter()
            .flat_map(|m| [m.before, m.after])
            .collect();
        let distinct: std::collections::BTreeSet<&String> = codes.iter().collect();
        let list: Vec<String> = distinct
            .iter()
            .map(|c| crate::scenario::literal::python(c))
            .collect();
        let script = format!(
            "import ast\nfor code in [{}]:\n    ast.parse(code)\n",
            list.join(",")
        );
        // Where there is no Python nothing is asked of it.
        if let Ok(done) = std::process::Command::new("python3")
            .args(["-c", &script])
            .output()
        {
            assert!(
                done.status.success(),
                "{}",
                String::from_utf8_lossy(&done.stderr)
            );
        }
    }
}
