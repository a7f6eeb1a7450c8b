//! What each strategy's tasks spend their time on, in a few sentences: the best, and the others by their largest loss.

use crate::insight::shares::Shares;
use crate::layout::words::Words;
use crate::quantity::{Quantity, participle, percent};
use crate::report::comparison::short_name;
use crate::result::{Forecast, Study};
use crate::strategy::Cause;

/// Least share that is mentioned.
const LITTLE: f64 = 0.05;

/// The largest share that is neither work nor waiting for something outside. What a task's children wait for, the task waits for, too.
fn loss(shares: &Shares) -> (Cause, f64) {
    let spent = shares.with_childrens();
    Cause::ALL
        .into_iter()
        .map(|c| (c, spent[c as usize]))
        .filter(|(c, _)| !matches!(c, Cause::Running | Cause::Io))
        .fold((Cause::Core, 0.0), |a, b| if b.1 > a.1 { b } else { a })
}

/// The main shares in words: `66% waiting for I/O, 33% running`.
fn main_shares(shares: &Shares) -> String {
    let parts: Vec<String> = shares
        .main(LITTLE)
        .into_iter()
        .take(3)
        .map(|(c, s)| format!("{} {}", percent(s), named(shares, c)))
        .collect();
    parts.join(", ")
}

/// A cause in words; for children, what they spend their time on.
fn named(shares: &Shares, cause: Cause) -> String {
    let Some(of_children) = shares.of_children(cause, 0.01) else {
        return participle(cause, shares.means()).to_owned();
    };
    let parts: Vec<String> = of_children
        .into_iter()
        .take(3)
        .map(|(c, s)| format!("{} {}", percent(s), participle(c, shares.means())))
        .collect();
    format!("waiting for children (their time: {})", parts.join(", "))
}

/// A sentence for the best case, and one for each cause that others lose most to.
pub(super) fn because(run: &Study) -> Vec<Words> {
    let answer = run.answer();
    let names = |case| short_name(run, case);
    let place = if answer.as_ref().is_none_or(|a| a.meets) {
        "best"
    } else {
        "nearest"
    };
    let leads = |i: usize| {
        let a = answer.as_ref();
        a.is_some_and(|a| a.take == i || a.tied.contains(&i))
    };
    let mut leaders = Vec::new();
    let mut losers: Vec<(Option<&str>, Vec<String>, f64, f64)> = Vec::new();
    // All cases are compared on the same base: a task without a wait for its turn has had it from the start.
    let mut turns = false;
    for (i, case) in run.forecasts.iter().enumerate() {
        let shares = Shares::new(run, case);
        if shares.of.iter().sum::<f64>() <= 0.0 {
            continue;
        }
        turns |= shares.queued.is_some();
        let name = names(case);
        if leads(i) {
            leaders.push((name, case, shares));
            continue;
        }
        let (cause, share) = loss(&shares);
        // A case whose tasks wait for their turn and then lose nothing is short of workers.
        let queued = shares.queued.unwrap_or(0.0);
        let (cause, share) = if share < 2.0 * LITTLE && queued > 0.5 {
            (None, queued)
        } else if share >= LITTLE {
            (Some(participle(cause, shares.means())), share)
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

/// What the best case, or the first of equally good ones, spends its time on.
fn of_best(leaders: &[(String, &Forecast, Shares)], place: &str, turns: bool) -> Option<Words> {
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
