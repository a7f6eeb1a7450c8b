//! Journals: blocks of text lines kept in a file, so that a run that is killed can be resumed.
//!
//! The first line of the file says what the blocks belong to. Each block is closed by a line with its number, length and checksum; a block
//! that was being written when the program died has no such line, and is dropped. The meaning of the lines is not known here.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};
use std::time::Duration;

use serde::{Deserialize, Serialize};

use crate::study::text_fingerprint;

/// Version of the file's layout, and of the names in its first line.
const LAYOUT: u32 = 2;
/// The version that named scenarios, plans and profiles by other texts, which this program can no longer compute.
const OTHER_NAMES: u32 = 1;

/// What the blocks belong to, in the order in which differences are reported.
pub(crate) type Owner = Vec<Owned>;

/// One of the inputs that determine the contents of the blocks.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Owned {
    /// Name of the input.
    pub name: String,
    /// Its value, or a hash of it.
    pub value: String,
    /// If the value is a hash: the parts that it is made of, by name, so that differences can be named.
    pub parts: Vec<(String, String)>,
}

/// A difference between the file and what is asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct JournalMismatch {
    /// Name of what differs.
    pub name: String,
    /// Value in the file; `None` if it is not given.
    pub there: Option<String>,
    /// Value asked for; `None` if it is not given.
    pub here: Option<String>,
}

impl JournalMismatch {
    fn text(&self) -> String {
        /// Most characters of a value; longer ones are cut.
        const LONGEST: usize = 80;
        let value = |v: &Option<String>| match v {
            None => "not given".to_owned(),
            Some(v) if v.chars().count() > LONGEST => {
                v.chars().take(LONGEST).chain(" ...".chars()).collect()
            }
            Some(v) => v.clone(),
        };
        let (there, here) = (value(&self.there), value(&self.here));
        format!("{} is {there}, here it is {here}", self.name)
    }
}

/// Text of a difference: `its seed is 1, here it is 2`; of values with parts, those parts that differ.
fn differences(name: &str, whole: &JournalMismatch, parts: &[JournalMismatch]) -> String {
    const SHOWN: usize = 3;
    if parts.is_empty() {
        return format!("its {}", whole.text());
    }
    let shown: Vec<String> = parts
        .iter()
        .take(SHOWN)
        .map(JournalMismatch::text)
        .collect();
    let more = match parts.len().saturating_sub(SHOWN) {
        0 => String::new(),
        n => format!("; and {n} more"),
    };
    format!(
        "its {name} {}: {}{more}",
        if name.ends_with('s') {
            "differ"
        } else {
            "differs"
        },
        shown.join("; ")
    )
}

/// Why a journal cannot be used.
#[derive(Debug, thiserror::Error)]
pub(crate) enum JournalError {
    /// The journal belongs to something else.
    #[error("{} belongs to another sweep: {}", path.display(), differences(&whole.name, whole, parts))]
    Differs {
        /// The file.
        path: PathBuf,
        /// The input that differs.
        whole: JournalMismatch,
        /// The parts of it that differ, if both sides tell what it is made of.
        parts: Vec<JournalMismatch>,
    },
    /// It can no longer be told whether the journal belongs to the same sweep.
    #[error("{} was begun by an earlier version of pchsim, which named scenarios in another way: this version cannot tell whether it is the same sweep", path.display())]
    Earlier {
        /// The file.
        path: PathBuf,
    },
    /// The file is no journal, or a block in its middle is damaged.
    #[error("{} is damaged in line {line}: {what}", path.display())]
    Damaged {
        /// The file.
        path: PathBuf,
        /// Number of the line, from 1.
        line: u64,
        /// What is wrong there.
        what: String,
    },
    /// Another process is writing the journal.
    #[error(transparent)]
    Busy(#[from] JournalLocked),
    /// The file system refused an operation.
    #[error("cannot use {}: {source}", path.display())]
    Io {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
}

/// Another process is writing a journal.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{} is being written by another sweep{}", .path.display(), .process.map_or(String::new(), |p| format!(", process {p}")))]
pub(crate) struct JournalLocked {
    /// The journal.
    pub path: PathBuf,
    /// Id of that process, if it can be read.
    pub process: Option<u32>,
}

#[derive(Serialize, Deserialize)]
#[serde(expecting = "struct Head")]
struct JournalHeader {
    journal: u32,
    /// The writer, for other processes to see: a process id, always as long as [`writer_text`] makes it, so that it can be overwritten.
    #[serde(default)]
    writer: Option<String>,
    /// Names and values of the inputs.
    owner: Vec<(String, String)>,
    /// Parts of hashed values, by the name of the value; earlier versions did not keep them.
    #[serde(default)]
    parts: BTreeMap<String, Vec<(String, String)>>,
}

impl JournalHeader {
    fn of(owner: &Owner) -> Self {
        let parts = owner.iter().filter(|o| !o.parts.is_empty());
        Self {
            journal: LAYOUT,
            writer: Some(writer_text()),
            owner: owner
                .iter()
                .map(|o| (o.name.clone(), o.value.clone()))
                .collect(),
            parts: parts.map(|o| (o.name.clone(), o.parts.clone())).collect(),
        }
    }
}

/// The beginning of the first line, which the writer follows.
const HEAD: &str = "{\"journal\":2,\"writer\":\"";

fn writer_text() -> String {
    format!("{:010}", std::process::id())
}

/// The process that is writing the journal at this path; `None` if there is none, or no journal.
///
/// # Errors
///
/// If the file system refuses.
pub(crate) fn writer(path: &Path) -> Result<Option<JournalLocked>, JournalError> {
    // Opening a named pipe would wait for its other end.
    if !path.symlink_metadata().is_ok_and(|m| m.is_file()) {
        return Ok(None);
    }
    let mut file = File::open(path).map_err(|e| failed(path, e))?;
    match file.try_lock_shared() {
        Ok(()) => Ok(None),
        Err(TryLockError::WouldBlock) => Ok(Some(busy(path, &mut file))),
        Err(TryLockError::Error(e)) => Err(failed(path, e)),
    }
}

/// Whether this file is a journal, or the beginning of one.
#[must_use]
pub(crate) fn is_journal(path: &Path) -> bool {
    let begin = || {
        let mut text = String::new();
        let mut reader = BufReader::new(File::open(path)?.take(12));
        reader.read_to_string(&mut text).map(|_| text)
    };
    let whole = "{\"journal\":2";
    begin().is_ok_and(|text: String| whole.starts_with(&text) || text.starts_with("{\"journal\":"))
}

fn busy(path: &Path, file: &mut File) -> JournalLocked {
    let mut line = String::new();
    // Reads only the beginning of the first line, which may not be complete.
    let begin = (HEAD.len() + writer_text().len()) as u64;
    let read = file
        .seek(SeekFrom::Start(0))
        .and_then(|_| file.take(begin).read_to_string(&mut line));
    let writer = read.ok().and_then(|_| line.strip_prefix(HEAD));
    JournalLocked {
        path: path.to_owned(),
        process: writer.and_then(|w| w.trim_start_matches('0').parse().ok()),
    }
}

/// The line that closes a block.
#[derive(Serialize, Deserialize)]
struct Close {
    finished: u64,
    bytes: u64,
    hash: String,
}

/// The beginning of every closing line, with which no line of a block may begin.
const CLOSE: &[u8] = b"{\"finished\":";

/// A journal that only this process is writing.
#[derive(Debug)]
pub(crate) struct Journal {
    file: File,
    path: PathBuf,
    /// Position and length of each block, in bytes.
    blocks: BTreeMap<u64, (u64, u64)>,
    end: u64,
}

impl Journal {
    /// Creates a journal; previous contents of the file are lost.
    ///
    /// # Errors
    ///
    /// If another process is writing the file, or if the file system refuses.
    pub(crate) fn create(path: &Path, owner: &Owner) -> Result<Self, JournalError> {
        let file = open(path, true)?;
        let mut journal = Self {
            file,
            path: path.to_owned(),
            blocks: BTreeMap::new(),
            end: 0,
        };
        journal.start(owner).map_err(|e| failed(path, e))?;
        Ok(journal)
    }

    /// Resumes a journal, which must belong to the same owner. A last block that was never closed is dropped.
    ///
    /// # Errors
    ///
    /// If the journal belongs to another owner, is damaged, or is being written by another process, or if the file system refuses.
    pub(crate) fn resume(path: &Path, owner: &Owner) -> Result<Self, JournalError> {
        let file = open(path, false)?;
        let mut journal = Self {
            file,
            path: path.to_owned(),
            blocks: BTreeMap::new(),
            end: 0,
        };
        journal.read(owner)?;
        Ok(journal)
    }

    /// Appends a block of whole lines under a number; it survives if this process is killed right after.
    ///
    /// # Errors
    ///
    /// If the file system refuses.
    pub(crate) fn append(&mut self, number: u64, lines: &str) -> Result<(), JournalError> {
        let close = Close {
            finished: number,
            bytes: lines.len() as u64,
            hash: text_fingerprint(lines),
        };
        let written = serde_json::to_string(&close)
            .map_err(io::Error::from)
            .and_then(|close| {
                self.file
                    .write_all(format!("{lines}{close}\n").as_bytes())
                    .map(|()| close.len() + 1)
            });
        let close = written.map_err(|e| failed(&self.path, e))?;
        self.blocks.insert(number, (self.end, lines.len() as u64));
        self.end += (lines.len() + close) as u64;
        Ok(())
    }

    /// The numbers of the blocks.
    pub(crate) fn numbers(&self) -> impl Iterator<Item = u64> + '_ {
        self.blocks.keys().copied()
    }

    /// Whether there is a block of this number.
    #[must_use]
    pub(crate) fn has(&self, number: u64) -> bool {
        self.blocks.contains_key(&number)
    }

    /// Size of all blocks, in bytes.
    #[must_use]
    pub(crate) fn bytes(&self) -> u64 {
        self.blocks.values().map(|b| b.1).sum()
    }

    /// Number of blocks.
    #[must_use]
    pub(crate) fn len(&self) -> usize {
        self.blocks.len()
    }

    /// Whether there is no block.
    #[must_use]
    pub(crate) fn is_empty(&self) -> bool {
        self.blocks.is_empty()
    }

    /// The lines of a block; empty if there is no block of that number.
    ///
    /// # Errors
    ///
    /// If the file system refuses.
    pub(crate) fn lines(&self, number: u64) -> Result<String, JournalError> {
        let Some(&(at, length)) = self.blocks.get(&number) else {
            return Ok(String::new());
        };
        let read = || {
            let mut text = String::new();
            let mut file = &self.file;
            file.seek(SeekFrom::Start(at))?;
            file.take(length).read_to_string(&mut text)?;
            // Blocks are appended at the end.
            file.seek(SeekFrom::End(0))?;
            Ok(text)
        };
        read().map_err(|e| failed(&self.path, e))
    }

    /// Path of the journal.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// Removes the file, because its contents have been saved elsewhere.
    ///
    /// # Errors
    ///
    /// If the file system refuses.
    pub(crate) fn remove(self) -> Result<(), JournalError> {
        std::fs::remove_file(&self.path).map_err(|e| failed(&self.path, e))
    }

    fn start(&mut self, owner: &Owner) -> io::Result<()> {
        let line = serde_json::to_string(&JournalHeader::of(owner))? + "\n";
        self.file.set_len(0)?;
        self.file.seek(SeekFrom::Start(0))?;
        self.file.write_all(line.as_bytes())?;
        self.end = line.len() as u64;
        Ok(())
    }

    fn read(&mut self, owner: &Owner) -> Result<(), JournalError> {
        let path = self.path.clone();
        let mut scan = Scan {
            reader: BufReader::with_capacity(1 << 16, &self.file),
            line: Vec::new(),
            number: 0,
        };
        let io = |e| failed(&path, e);
        let damaged = |line: u64, what: &str| JournalError::Damaged {
            path: path.clone(),
            line,
            what: what.into(),
        };
        if !scan.next().map_err(io)? {
            // The run was killed before anything was finished.
            drop(scan);
            return self.start(owner).map_err(io);
        }
        let head = serde_json::from_slice::<JournalHeader>(&scan.line).ok();
        if head.as_ref().is_some_and(|h| h.journal == OTHER_NAMES) {
            return Err(JournalError::Earlier { path: path.clone() });
        }
        let Some(head) = head.filter(|h| h.journal == LAYOUT) else {
            return Err(damaged(
                1,
                "it does not begin as a journal of this version does",
            ));
        };
        same(&path, &head, owner)?;
        let in_place = scan.line.starts_with(HEAD.as_bytes());
        self.end = scan.line.len() as u64;
        let (mut at, mut block) = (self.end, String::new());
        // Number of the first line that does not fit; forgiven if no closed block follows.
        let mut bad: Option<u64> = None;
        while scan.next().map_err(io)? {
            at += scan.line.len() as u64;
            if !scan.line.starts_with(CLOSE) {
                match std::str::from_utf8(&scan.line) {
                    Ok(text) => block.push_str(text),
                    Err(_) => bad = bad.or(Some(scan.number)),
                }
                continue;
            }
            let close = serde_json::from_slice::<Close>(&scan.line).ok();
            let fits =
                |c: &Close| c.bytes == block.len() as u64 && c.hash == text_fingerprint(&block);
            match close.filter(fits) {
                Some(close) if bad.is_none() => {
                    self.blocks.insert(close.finished, (self.end, close.bytes));
                    self.end = at;
                }
                _ => bad = bad.or(Some(scan.number)),
            }
            block.clear();
            if let Some(line) = bad {
                return Err(damaged(
                    line,
                    "a finished point's lines are not what they were",
                ));
            }
        }
        drop(scan);
        // What follows the last closed block was being written when the program died.
        self.file.set_len(self.end).map_err(io)?;
        if in_place {
            self.file
                .seek(SeekFrom::Start(HEAD.len() as u64))
                .map_err(io)?;
            self.file.write_all(writer_text().as_bytes()).map_err(io)?;
        }
        self.file.seek(SeekFrom::End(0)).map_err(io)?;
        Ok(())
    }
}

/// Reads whole lines, one after another.
struct Scan<R> {
    reader: R,
    line: Vec<u8>,
    number: u64,
}

impl<R: BufRead> Scan<R> {
    /// Reads the next line; `false` at the end, or if the last line is incomplete.
    fn next(&mut self) -> io::Result<bool> {
        self.line.clear();
        self.reader.read_until(b'\n', &mut self.line)?;
        self.number += 1;
        Ok(self.line.ends_with(b"\n"))
    }
}

fn open(path: &Path, fresh: bool) -> Result<File, JournalError> {
    // A process that only asks whether another is writing holds the lock for a moment.
    for attempt in 0.. {
        let mut file = OpenOptions::new()
            .read(true)
            .write(true)
            .create(fresh)
            .truncate(false)
            .open(path)
            .map_err(|e| failed(path, e))?;
        match file.try_lock() {
            // The process that held the lock may have finished, and removed the file, between the two calls.
            Ok(()) if is_still(path, &file) => return Ok(file),
            Err(TryLockError::WouldBlock) if attempt >= 5 => {
                return Err(busy(path, &mut file).into());
            }
            Ok(()) | Err(TryLockError::WouldBlock) => std::thread::sleep(Duration::from_millis(10)),
            Err(TryLockError::Error(e)) => return Err(failed(path, e)),
        }
    }
    Err(failed(path, io::ErrorKind::ResourceBusy.into()))
}

/// Whether the opened file is still the one at this path.
#[cfg(unix)]
fn is_still(path: &Path, file: &File) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let id = |m: std::fs::Metadata| (m.dev(), m.ino());
    file.metadata().map(id).ok() == path.symlink_metadata().map(id).ok()
}

#[cfg(not(unix))]
fn is_still(_: &Path, _: &File) -> bool {
    true
}

fn failed(path: &Path, source: io::Error) -> JournalError {
    JournalError::Io {
        path: path.to_owned(),
        source,
    }
}

fn same(path: &Path, head: &JournalHeader, owner: &Owner) -> Result<(), JournalError> {
    let here: Vec<(String, String)> = JournalHeader::of(owner).owner;
    let Some(whole) = differing(&head.owner, &here).into_iter().next() else {
        return Ok(());
    };
    let there = head.parts.get(&whole.name);
    let here = owner.iter().find(|o| o.name == whole.name);
    let parts = there.zip(here).map(|(t, h)| differing(t, &h.parts));
    Err(JournalError::Differs {
        path: path.to_owned(),
        whole,
        parts: parts.unwrap_or_default(),
    })
}

/// The differences of two lists of names and values: in the order of the second, then those that only the first has.
pub(crate) fn differing(
    there: &[(String, String)],
    here: &[(String, String)],
) -> Vec<JournalMismatch> {
    let values =
        |all: &[(String, String)]| -> BTreeMap<String, String> { all.iter().cloned().collect() };
    let (there_by, here_by) = (values(there), values(here));
    let mut names: Vec<&String> = here.iter().map(|(n, _)| n).collect();
    names.extend(
        there
            .iter()
            .map(|(n, _)| n)
            .filter(|n| !here_by.contains_key(*n)),
    );
    names
        .into_iter()
        .map(|name| JournalMismatch {
            name: name.clone(),
            there: there_by.get(name).cloned(),
            here: here_by.get(name).cloned(),
        })
        .filter(|d| d.there != d.here)
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;

    fn owned(name: &str, value: &str) -> Owned {
        Owned {
            name: name.into(),
            value: value.into(),
            ..Owned::default()
        }
    }

    fn owner(seed: &str) -> Owner {
        vec![owned("version", "1"), owned("seed", seed)]
    }

    fn filled(path: &Path) {
        let mut j = Journal::create(path, &owner("1")).unwrap();
        j.append(3, "{\"a\":1}\n{\"b\":2}\n").unwrap();
        j.append(0, "{\"c\":3}\n").unwrap();
        j.append(7, "").unwrap();
    }

    fn temporary() -> (tempfile::TempDir, PathBuf) {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.journal");
        (dir, path)
    }

    #[test]
    fn blocks_come_back() {
        let (_dir, path) = temporary();
        filled(&path);
        let mut j = Journal::resume(&path, &owner("1")).unwrap();
        assert_eq!(j.numbers().collect::<Vec<_>>(), [0, 3, 7]);
        assert_eq!(j.lines(3).unwrap(), "{\"a\":1}\n{\"b\":2}\n");
        j.append(1, "{\"é\":4}\n").unwrap();
        assert_eq!(j.lines(0).unwrap(), "{\"c\":3}\n");
        assert_eq!(j.lines(1).unwrap(), "{\"é\":4}\n");
        drop(j);
        let j = Journal::resume(&path, &owner("1")).unwrap();
        assert_eq!(
            (j.len(), j.lines(7).unwrap(), j.lines(9).unwrap()),
            (4, String::new(), String::new())
        );
        j.remove().unwrap();
        assert!(!path.exists());
    }

    #[test]
    fn a_file_cut_off_anywhere_keeps_its_whole_blocks() {
        let (_dir, path) = temporary();
        filled(&path);
        let whole = fs::read(&path).unwrap();
        let head = whole.iter().position(|&b| b == b'\n').unwrap() + 1;
        for cut in head..=whole.len() {
            fs::write(&path, &whole[..cut]).unwrap();
            let mut j = Journal::resume(&path, &owner("1")).unwrap();
            let kept = String::from_utf8_lossy(&whole[..cut]);
            let closed = kept
                .split_inclusive('\n')
                .filter(|l| l.starts_with("{\"finished\"") && l.ends_with('\n'))
                .count();
            assert_eq!(j.len(), closed, "cut at {cut}");
            j.append(9, "{}\n").unwrap();
            drop(j);
            let j = Journal::resume(&path, &owner("1")).unwrap();
            assert_eq!((j.len(), j.lines(9).unwrap()), (closed + 1, "{}\n".into()));
        }
    }

    #[test]
    fn damage_in_the_middle_is_told() {
        let (_dir, path) = temporary();
        filled(&path);
        let text = fs::read_to_string(&path).unwrap();
        fs::write(&path, text.replace("{\"b\":2}", "{\"b\":9}")).unwrap();
        let e = Journal::resume(&path, &owner("1")).unwrap_err();
        assert!(matches!(e, JournalError::Damaged { line: 4, .. }), "{e}");
        fs::write(&path, "x\n").unwrap();
        let e = Journal::resume(&path, &owner("1")).unwrap_err();
        assert!(matches!(e, JournalError::Damaged { line: 1, .. }), "{e}");
        for nothing in ["", "{\"journal\":2,\"own"] {
            fs::write(&path, nothing).unwrap();
            assert!(Journal::resume(&path, &owner("1")).unwrap().is_empty());
            assert_eq!(fs::read_to_string(&path).unwrap().lines().count(), 1);
        }
    }

    #[test]
    fn a_journal_with_names_of_another_kind_is_refused_and_kept() {
        let (_dir, path) = temporary();
        filled(&path);
        let text = fs::read_to_string(&path).unwrap();
        let earlier = text.replacen("\"journal\":2", "\"journal\":1", 1);
        fs::write(&path, &earlier).unwrap();
        let e = Journal::resume(&path, &owner("1")).unwrap_err();
        assert!(matches!(e, JournalError::Earlier { .. }), "{e}");
        assert_eq!(fs::read_to_string(&path).unwrap(), earlier);
        let later = text.replacen("\"journal\":2", "\"journal\":3", 1);
        fs::write(&path, later).unwrap();
        let e = Journal::resume(&path, &owner("1")).unwrap_err();
        assert!(matches!(e, JournalError::Damaged { line: 1, .. }), "{e}");
    }

    #[test]
    fn another_owner_is_refused_with_what_differs() {
        let (_dir, path) = temporary();
        filled(&path);
        let e = Journal::resume(&path, &owner("2")).unwrap_err();
        assert!(e.to_string().contains("its seed is 1, here it is 2"), "{e}");
        let mut more = owner("1");
        more.push(owned("precision", "0.02"));
        let e = Journal::resume(&path, &more).unwrap_err();
        let said = "its precision is not given, here it is 0.02";
        assert!(e.to_string().contains(said), "{e}");
        let before = fs::read(&path).unwrap();
        assert_eq!(Journal::create(&path, &owner("2")).unwrap().len(), 0);
        assert_ne!(fs::read(&path).unwrap(), before);
    }

    #[test]
    fn what_a_hash_stands_for_is_told_where_both_sides_know_it() {
        let (_dir, path) = temporary();
        let of = |hash: &str, parts: &[(&str, &str)]| {
            let parts = parts.iter().map(|(n, v)| ((*n).into(), (*v).into()));
            let scenario = Owned {
                parts: parts.collect(),
                ..owned("scenario", hash)
            };
            vec![owned("seed", "1"), scenario]
        };
        let long = "x".repeat(100);
        let was = [("a", "1"), ("b", "2"), ("c", "3"), ("d", "4"), ("e", "5")];
        let says = |asked: &[(&str, &str)]| {
            let e = Journal::resume(&path, &of("bb", asked)).unwrap_err();
            let text = e.to_string();
            text.split_once("another sweep: ").unwrap().1.to_owned()
        };
        drop(Journal::create(&path, &of("aa", &was)).unwrap());
        Journal::resume(&path, &of("aa", &[])).unwrap();
        assert_eq!(
            says(&[("a", "1"), ("b", "9"), ("c", "3"), ("d", "4"), ("e", "5")]),
            "its scenario differs: b is 2, here it is 9"
        );
        assert_eq!(
            says(&[("new", "1"), ("c", &long), ("d", "4"), ("e", "5")]),
            format!(
                "its scenario differs: new is not given, here it is 1; c is 3, here it is {} ...; a is 1, here it is not given; and 1 more",
                "x".repeat(80)
            )
        );
        // All parts that both sides give are equal.
        assert_eq!(says(&was), "its scenario is aa, here it is bb");
        // An earlier version kept only the hash.
        drop(Journal::create(&path, &of("aa", &[])).unwrap());
        assert!(!fs::read_to_string(&path).unwrap().contains("\"a\""));
        assert_eq!(says(&was), "its scenario is aa, here it is bb");
        let without = fs::read_to_string(&path)
            .unwrap()
            .replace(",\"parts\":{}", "");
        fs::write(&path, without).unwrap();
        assert_eq!(says(&was), "its scenario is aa, here it is bb");
        Journal::resume(&path, &of("aa", &was)).unwrap();
    }

    #[test]
    fn two_writers_are_one_too_many() {
        let (_dir, path) = temporary();
        let first = Journal::create(&path, &owner("1")).unwrap();
        for second in [
            Journal::create(&path, &owner("1")),
            Journal::resume(&path, &owner("1")),
        ] {
            assert!(matches!(second, Err(JournalError::Busy(_))));
        }
        drop(first);
        Journal::resume(&path, &owner("1")).unwrap();
    }
}
