//! Where the lines of finished points are kept while a sweep runs: beside the output file, or in memory.

use std::collections::BTreeMap;
use std::path::Path;

use super::journal::{Journal, JournalError};

/// The lines of finished points.
#[derive(Debug)]
pub(crate) enum Store {
    /// In memory; lost with this process.
    Memory(BTreeMap<u64, String>),
    /// In a journal file.
    Journal(Journal),
}

impl Store {
    /// An empty store in memory.
    pub(crate) const fn memory() -> Self {
        Self::Memory(BTreeMap::new())
    }

    /// Whether a point is finished.
    #[must_use]
    pub(crate) fn has(&self, point: u64) -> bool {
        match self {
            Self::Memory(lines) => lines.contains_key(&point),
            Self::Journal(journal) => journal.has(point),
        }
    }

    /// Number of finished points.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        match self {
            Self::Memory(lines) => lines.len(),
            Self::Journal(journal) => journal.len(),
        }
    }

    /// Numbers of the finished points, in rising order.
    pub(crate) fn points(&self) -> Vec<u64> {
        match self {
            Self::Memory(lines) => lines.keys().copied().collect(),
            Self::Journal(journal) => journal.numbers().collect(),
        }
    }

    /// Size of all lines, in bytes.
    pub(crate) fn bytes(&self) -> u64 {
        match self {
            Self::Memory(lines) => lines.values().map(|l| l.len() as u64).sum(),
            Self::Journal(journal) => journal.bytes(),
        }
    }

    /// Whether no point is finished.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Keeps the lines of a finished point.
    ///
    /// # Errors
    ///
    /// If the journal cannot be written.
    pub(crate) fn keep(&mut self, point: u64, lines: String) -> Result<(), JournalError> {
        match self {
            Self::Memory(all) => {
                all.insert(point, lines);
            }
            Self::Journal(journal) => journal.append(point, &lines)?,
        }
        Ok(())
    }

    /// The lines of a finished point.
    ///
    /// # Errors
    ///
    /// If the journal cannot be read.
    pub(crate) fn lines(&self, point: u64) -> Result<String, JournalError> {
        Ok(match self {
            Self::Memory(all) => all.get(&point).cloned().unwrap_or_default(),
            Self::Journal(journal) => journal.lines(point)?,
        })
    }

    /// Path of the journal file, if there is one.
    pub(crate) fn path(&self) -> Option<&Path> {
        match self {
            Self::Memory(_) => None,
            Self::Journal(journal) => Some(journal.path()),
        }
    }

    /// Removes the store, because the result has been written.
    ///
    /// # Errors
    ///
    /// If the journal cannot be removed.
    pub(crate) fn remove(self) -> Result<(), JournalError> {
        match self {
            Self::Memory(_) => Ok(()),
            Self::Journal(journal) => Ok(journal.remove()?),
        }
    }
}
