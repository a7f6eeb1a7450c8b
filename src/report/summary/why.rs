//! What the time of each strategy's tasks goes into, in a few sentences: the best, and the others by what they lose most to.

use super::Words;
use super::run::{Stands, names_of};
use crate::report::document::{CaseDocument, RunDocument};
use crate::report::shares::Shares;
use crate::strategy::Cause;
use crate::study::{Quantity, percent};

/// Smaller shares are not worth a word.
const LITTLE: f64 = 0.05;

/// The largest share that is neither work nor waiting for something outside; what its children wait for a task waits for too.
fn loss(shares: &Shares) -> (Cause, f64) {
    let spent = shares.with_childrens();
    Cause::ALL
        .into_iter()
        .map(|c| (c, spent[c as usize]))
        .filter(|(c, _)| !matches!(c, Cause::Running | Cause::Io))
        .fold((Cause::Core, 0.0), |a, b| if b.1 > a.1 { b } else { a })
}

/// The main shares: `66% waiting for I/O, 33% running`.
fn main_shares(shares: &Shares) -> String {
    let parts: Vec<String> = shares
        .main(LITTLE)
        .into_iter()
        .take(3)
        .map(|(c, s)| format!("{} {}", percent(s), named(shares, c)))
        .collect();
    parts.join(", ")
}

/// A cause; of children what they spend their time with.
fn named(shares: &Shares, cause: Cause) -> String {
    let Some(of_children) = shares.of_children(cause, 0.01) else {
        return words(cause, shares).to_owned();
    };
    let parts: Vec<String> = of_children
        .into_iter()
        .take(3)
        .map(|(c, s)| format!("{} {}", percent(s), words(c, shares)))
        .collect();
    format!("waiting for children (their time: {})", parts.join(", "))
}

fn words(c: Cause, shares: &Shares) -> &'static str {
    match c {
        Cause::Running => "running",
        Cause::Core => "waiting for a core",
        Cause::Gil if shares.gil => "waiting for the GIL",
        Cause::Gil => "waiting for a stopped world",
        Cause::Lock => "waiting for a lock",
        Cause::Pool if shares.sequential => "waiting for its turn",
        Cause::Pool => "waiting for a worker",
        Cause::Loop => "waiting for the event loop",
        Cause::Ipc => "handing over (queues, pickling, pipes)",
        Cause::Startup => "starting up",
        Cause::Io => "waiting for I/O",
        Cause::Queue => "waiting for a queue or children",
        Cause::Limit => "waiting for the concurrency limit",
        Cause::Contention => "waiting for a contended object",
    }
}

/// A sentence for the best, and one for each cause that others lose to.
pub(super) fn because(run: &RunDocument, stands: &Stands) -> Vec<Words> {
    let batch = run.batch.unwrap_or(run.ranked_by == "makespan");
    let names = names_of(run);
    let place = if stands.answer.as_ref().is_none_or(|a| a.meets) {
        "best"
    } else {
        "nearest"
    };
    let mut leaders = Vec::new();
    let mut losers: Vec<(Option<&str>, Vec<String>, f64, f64)> = Vec::new();
    // One base for all that are compared: who waits for no turn has had it from the start.
    let mut turns = false;
    for (i, case) in run.cases.iter().enumerate() {
        let shares = Shares::of_case(case, batch, run.has_gil(case));
        if shares.of.iter().sum::<f64>() <= 0.0 {
            continue;
        }
        turns |= shares.queued.is_some();
        let name = names.short(case);
        if stands.leads(i) {
            leaders.push((name, case, shares));
            continue;
        }
        let (cause, share) = loss(&shares);
        // What waits for its turn and then loses nothing is short of hands.
        let queued = shares.queued.unwrap_or(0.0);
        let (cause, share) = if share < 2.0 * LITTLE && queued > 0.5 {
            (None, queued)
        } else if share >= LITTLE {
            (Some(words(cause, &shares)), share)
        } else {
            continue;
        };
        match losers.iter_mut().find(|(c, ..)| *c == cause) {
            Some((_, of, least, most)) => {
                of.push(name);
                (*least, *most) = (least.min(share), most.max(share));
            }
            None => losers.push((cause, vec![name], share, share)),
        }
    }
    let mut all: Vec<Words> = of_best(&leaders, place, turns).into_iter().collect();
    for (cause, names, least, most) in losers {
        let share = range(least, most);
        let say = match cause {
            None => format!(
                ": a task waits {share} of its time for its turn; too few are under way at once."
            ),
            Some(what) => format!(
                ": {share} of a task's time{} goes into {what}.",
                if turns { " once it is its turn" } else { "" }
            ),
        };
        all.push(Words::default().names(&names).text(say));
    }
    all
}

/// What the best, or the first of equally good ones, spends its time with.
fn of_best(leaders: &[(String, &CaseDocument, Shares)], place: &str, turns: bool) -> Option<Words> {
    let (_, case, shares) = leaders.first()?;
    let names: Vec<String> = leaders.iter().map(|(name, ..)| name.clone()).collect();
    let (_, lost) = loss(shares);
    let loses = if lost < LITTLE {
        "; hardly anything is lost"
    } else {
        ""
    };
    let busy = case.get(Quantity::Utilization).map_or(String::new(), |u| {
        format!("; the cores are busy {} of the time", percent(u.mean))
    });
    let first = if names.len() > 1 {
        "; shares of the first"
    } else {
        ""
    };
    let turn = if turns {
        ", once it is a task's turn"
    } else {
        ""
    };
    let of = format!(" ({place}{first}){turn}");
    Some(
        Words::default()
            .names(&names)
            .text(format!("{of}: {}{loses}{busy}.", main_shares(shares))),
    )
}

fn range(least: f64, most: f64) -> String {
    let (a, b) = (percent(least), percent(most));
    if a == b { a } else { format!("{a} to {b}") }
}
