//! Completion candidates for arguments whose values clap does not know: names of scenarios, strategies and profiles. They are proposals
//! only, because the arguments take files and other forms as well.

use std::ffi::OsStr;
use std::path::Path;

use clap_complete::engine::{
    ArgValueCompleter, CompletionCandidate, PathCompleter, ValueCompleter,
};

use crate::advise::Interview;
use crate::profiles::RELEASES;
use crate::profiles::found::found;
use crate::syntax::{STRATEGY_FORMS, embedded, parse_strategy};

/// A scenario to read: shipped, a file, or standard input.
pub(super) fn scenario() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let mut all = shipped_scenarios(current);
        all.extend(ron_files().stdio().complete(current));
        all
    })
}

/// A shipped scenario.
pub(super) fn shipped_scenario() -> ArgValueCompleter {
    ArgValueCompleter::new(shipped_scenarios)
}

/// A profile: shipped, found in a file, or that file.
pub(super) fn profile() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let mut all = profiles(current);
        all.extend(ron_files().complete(current));
        all
    })
}

/// A strategy in its short form, with any numbers, and with `@` on any profile.
pub(super) fn strategy() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| {
        let Some(text) = current.to_str() else {
            return Vec::new();
        };
        match text.rsplit_once('@') {
            Some((strategy, profile)) => profiles(OsStr::new(profile))
                .into_iter()
                .map(|c| c.add_prefix(format!("{strategy}@")))
                .collect(),
            None => strategies(text)
                .into_iter()
                .map(CompletionCandidate::new)
                .collect(),
        }
    })
}

/// An answer to a question of the advisor that takes but a few words.
pub(super) fn answer(key: &'static str) -> ArgValueCompleter {
    ArgValueCompleter::new(move |current: &OsStr| {
        let fits = |w: &&str| current.to_str().is_some_and(|c| w.starts_with(c));
        let words = Interview::words(key).into_iter().filter(fits);
        words.map(CompletionCandidate::new).collect::<Vec<_>>()
    })
}

/// A file of answers.
pub(super) fn answers() -> ArgValueCompleter {
    ArgValueCompleter::new(|current: &OsStr| ron_files().complete(current))
}

fn ron_files() -> PathCompleter {
    PathCompleter::any().filter(|p: &Path| p.extension().is_some_and(|e| e == "ron") && p.is_file())
}

fn named(current: &OsStr, name: &str, help: &str) -> Option<CompletionCandidate> {
    let fits = name.starts_with(current.to_str()?);
    fits.then(|| CompletionCandidate::new(name).help(Some(help.to_owned().into())))
}

fn shipped_scenarios(current: &OsStr) -> Vec<CompletionCandidate> {
    let all = embedded::ALL.iter();
    all.filter_map(|s| named(current, s.name, s.summary))
        .collect()
}

fn profiles(current: &OsStr) -> Vec<CompletionCandidate> {
    let shipped = RELEASES
        .iter()
        .map(|r| (r.name.to_owned(), "shipped".to_owned()));
    let found = found().0.into_iter();
    let found = found.map(|f| (f.profile.name, f.path.display().to_string()));
    // A shipped name always means the shipped profile.
    let found = found.filter(|(name, _)| RELEASES.iter().all(|r| r.name != name));
    let all = shipped.chain(found);
    all.filter_map(|(name, help)| named(current, &name, &help))
        .collect()
}

/// The forms that begin with this text, whose own numbers are kept.
fn strategies(text: &str) -> Vec<String> {
    let bare = without_numbers(text);
    let rests = STRATEGY_FORMS.iter().filter_map(|f| f.strip_prefix(&*bare));
    let whole = rests.map(|rest| format!("{text}{rest}"));
    whole.filter(|s| parse_strategy(s).is_ok()).collect()
}

/// Without every `:` that a number follows, and that number.
fn without_numbers(text: &str) -> String {
    let mut bare = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once(':') {
        bare.push_str(before);
        let number = after.find(|c: char| !c.is_ascii_digit());
        let number = number.unwrap_or(after.len());
        if number == 0 {
            bare.push(':');
        }
        rest = &after[number..];
    }
    bare + rest
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_of_a_strategy_are_kept() {
        let all = |text: &str| strategies(text).join(" ");
        assert_eq!(all("thr"), "threads threads:per-task");
        assert_eq!(all("threads:8"), "threads:8");
        assert_eq!(all("threads:p"), "threads:per-task");
        assert_eq!(all("pool:"), "pool:fork pool:spawn pool:forkserver");
        assert_eq!(all("pool:4:s"), "pool:4:spawn");
        assert_eq!(
            all("asyncio:100+processes:2:f"),
            "asyncio:100+processes:2:fork asyncio:100+processes:2:forkserver"
        );
        assert_eq!(all("no"), "");
        assert_eq!(all("threads:99999999999999999999"), "");
    }

    #[test]
    fn a_text_that_is_no_strategy_has_no_numbers_taken_out() {
        for text in ["", ":", "::", "a:b", "ü:1ü"] {
            let _ = strategies(text);
        }
        assert_eq!(without_numbers("a:1:b:22"), "a:b");
        assert_eq!(without_numbers("a::1:"), "a::");
    }
}
