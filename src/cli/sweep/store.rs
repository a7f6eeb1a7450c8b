//! The journal of a sweep beside its output file: opened, or why not.

use std::path::{Path, PathBuf};

use super::{Args, Files, Printer, SCENARIO, UserError};
use crate::study::sweep::Store;
use crate::study::sweep::journal::{
    Journal, JournalError, JournalLocked, Owner, is_journal, writer,
};

/// `FILE.journal` of an output file.
fn journal_of(output: &Path) -> PathBuf {
    let mut name = output.as_os_str().to_owned();
    name.push(".journal");
    name.into()
}

/// Whether another sweep is writing this file, which is said then.
pub(super) fn busy(output: &Path, printer: &Printer) -> anyhow::Result<bool> {
    let found = writer(&journal_of(output)).map_err(anyhow::Error::new)?;
    if let Some(busy) = &found {
        say_busy(busy, printer);
    }
    Ok(found.is_some())
}

fn say_busy(busy: &JournalLocked, printer: &Printer) {
    printer.error(&format!(
        "error: {busy}\nhelp: wait for it, or write to another file with -o; a sweep that is ended keeps its finished points, for --resume"
    ));
}

/// Whether an unfinished sweep's journal stands in the way.
pub(super) fn check(output: &Path, args: &Args, files: &mut Files) -> anyhow::Result<()> {
    let path = journal_of(output);
    files.kept_open(&path)?;
    if !path.exists() || args.resume {
        return Ok(());
    }
    if !is_journal(&path) {
        // Nobody has named this file: --force is not meant for it.
        return Err(UserError::new(format!(
            "{} is no journal of a sweep, and finished points would be kept there: move it away, or write to another file with -o",
            path.display()
        ))
        .into());
    }
    if args.force {
        return Ok(());
    }
    Err(UserError::new(format!(
        "{} holds an unfinished sweep: go on with it by --resume, or start anew by --force",
        path.display()
    ))
    .into())
}

/// Beside the output file. `None` when another process is at it, which has been said.
pub(super) fn opened(
    output: &Path,
    args: &Args,
    owner: &Owner,
    printer: &Printer,
) -> anyhow::Result<Option<Store>> {
    let path = journal_of(output);
    let journal = if args.resume && path.exists() {
        Journal::resume(&path, owner)
    } else {
        if args.resume {
            printer.hint(&format!(
                "note: there is no {}: the sweep starts from its beginning",
                path.display()
            ));
        }
        Journal::create(&path, owner)
    };
    match journal {
        Ok(journal) => {
            if !journal.is_empty() {
                printer.hint(&format!(
                    "{} taken from {}",
                    match journal.len() {
                        1 => "1 finished point is".to_owned(),
                        n => format!("{n} finished points are"),
                    },
                    path.display()
                ));
            }
            Ok(Some(Store::Journal(journal)))
        }
        Err(JournalError::Busy(busy)) => {
            say_busy(&busy, printer);
            Ok(None)
        }
        Err(e @ JournalError::Earlier { .. }) => Err(UserError::new(format!(
            "{e}; finish it with the version that began it, write to another file, or start anew by --force without --resume"
        ))
        .into()),
        Err(e @ JournalError::Damaged { .. }) => Err(UserError::new(format!(
            "{e}; nothing can go on from it: write to another file, or start anew by --force without --resume"
        ))
        .into()),
        Err(ref e @ JournalError::Differs { ref whole, ref parts, .. }) => {
            let units = if whole.name == SCENARIO && !parts.is_empty() {
                " (times in ns, sizes in bytes)"
            } else {
                ""
            };
            Err(UserError::new(format!(
                "{e}{units}; repeat that sweep's command to go on with it, write to another file, or start anew by --force without --resume"
            ))
            .into())
        }
        Err(e) => Err(e.into()),
    }
}
