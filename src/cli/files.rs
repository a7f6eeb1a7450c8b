//! The one place that writes files. What cannot be written is refused before the work ([`Files`]), and what is written is whole or
//! not there ([`OutputFile`]): a temporary file beside the target, then a rename.
//!
//! Only a name that is free is written to, or with `--force` a plain file. Devices, pipes, symbolic links, directories and what the
//! command itself reads are refused in any case, whatever other names they have.
//!
//! Directories are made when the first file is about to be written into them, and not before: who interrupts the work, or is told that
//! it failed, finds nothing new.

use std::ffi::OsStr;
use std::fs::{self, File, OpenOptions, TryLockError};
use std::io::{self, BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

use anyhow::Context as _;

use super::exit::UserError;
use super::format::{FileKind, names_a_file};
use super::printer::Printer;
use crate::scenario::visible;
use crate::study::text_fingerprint;
use crate::syntax::input;

/// The directory that examples write to, which is made where it is missing.
const USUAL_FOLDER: &str = "output";
/// What temporary files end in.
const TEMPORARY: &str = ".pchsim-tmp";
/// Bytes of a file's name that its temporary files repeat: names may have 255.
const REPEATED: usize = 160;

/// Which file is meant, whatever name it goes by.
#[derive(Clone, Debug, PartialEq, Eq)]
enum FileIdentity {
    /// Device and inode.
    #[cfg(unix)]
    Number(u64, u64),
    /// What does not exist yet, or has no number here: its directory without detours, and its name.
    Name(PathBuf),
}

impl FileIdentity {
    fn of(path: &Path) -> Self {
        // As it would be opened: a link to an input is the input.
        #[cfg(unix)]
        if let Ok(m) = path.metadata() {
            use std::os::unix::fs::MetadataExt as _;
            return Self::Number(m.dev(), m.ino());
        }
        // Its directory may not be there yet, either.
        let real = path.ancestors().find_map(|there| {
            let place = if there.as_os_str().is_empty() {
                Path::new(".")
            } else {
                there
            };
            let rest = path.strip_prefix(there).ok()?;
            Some(place.canonicalize().ok()?.join(rest))
        });
        Self::Name(real.unwrap_or_else(|| path.to_owned()))
    }
}

/// The directory that a file lies in.
fn parent(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Whether the path means standard output.
pub(super) fn is_stdout(path: &Path) -> bool {
    path.as_os_str() == "-"
}

/// All files of a command: those that it reads, and those that it is going to write.
#[derive(Debug)]
pub(super) struct Files {
    force: bool,
    read: Vec<FileIdentity>,
    claimed: Vec<FileIdentity>,
    /// Directories that are made where they are missing.
    folders: Vec<PathBuf>,
}

impl Files {
    /// With `force` plain files may be replaced.
    pub(super) fn new(force: bool) -> Self {
        Self {
            force,
            read: Vec::new(),
            claimed: Vec::new(),
            // Where examples write to.
            folders: vec![USUAL_FOLDER.into()],
        }
    }

    /// Notes a file that the command reads, so that it is never written to. Anything but a plain file cannot be written to anyway.
    pub(super) fn reads(&mut self, path: impl AsRef<Path>) {
        let path = path.as_ref();
        if path.is_file() {
            self.read.push(FileIdentity::of(path));
        }
    }

    /// Claims a file that the command is going to write. To be called before the work, so that whatever stands in the way is reported at
    /// once.
    pub(super) fn output(&mut self, path: &Path) -> anyhow::Result<OutputFile> {
        self.named(path, None)
    }

    /// As [`Self::output`], for a result that is written in one format only: a name that stands for another format is refused.
    pub(super) fn output_of(&mut self, kind: FileKind, path: &Path) -> anyhow::Result<OutputFile> {
        self.named(path, Some(kind))
    }

    fn named(&mut self, path: &Path, kind: Option<FileKind>) -> anyhow::Result<OutputFile> {
        self.claim(path, self.force, kind)?;
        Ok(OutputFile {
            path: path.to_owned(),
            force: self.force,
            make_folder: self.makes(parent(path)),
        })
    }

    /// As [`Self::output`], for an option: returns `None` where it is not given or means standard output.
    pub(super) fn optional(&mut self, path: Option<&Path>) -> anyhow::Result<Option<OutputFile>> {
        path.filter(|p| !is_stdout(p))
            .map(|p| self.output(p))
            .transpose()
    }

    /// As [`Self::optional`], for a result that is written in one format only.
    pub(super) fn optional_of(
        &mut self,
        kind: FileKind,
        path: Option<&Path>,
    ) -> anyhow::Result<Option<OutputFile>> {
        path.filter(|p| !is_stdout(p))
            .map(|p| self.output_of(kind, p))
            .transpose()
    }

    /// Claims a file that the command keeps open and writes to little by little; the file of an earlier run may be there. Its directory
    /// exists from now on.
    pub(super) fn kept_open(&mut self, path: &Path) -> anyhow::Result<()> {
        self.claim(path, true, None)?;
        if self.makes(parent(path)) {
            make_folder(parent(path))?;
        }
        Ok(())
    }

    /// Whether this directory is made where it is missing.
    fn makes(&self, folder: &Path) -> bool {
        self.folders.iter().any(|f| f == folder)
    }

    fn claim(
        &mut self,
        path: &Path,
        may_exist: bool,
        kind: Option<FileKind>,
    ) -> anyhow::Result<()> {
        let id = FileIdentity::of(path);
        let problem = not_plain(path)
            .or_else(|| {
                let read = self.read.contains(&id);
                read.then(|| {
                    "is read by this command, which would overwrite its own input; write to another file"
                        .to_owned()
                })
            })
            .or_else(|| {
                let twice = self.claimed.contains(&id);
                twice.then(|| "would be written twice by this command; give it two files".to_owned())
            })
            .or_else(|| kind.and_then(|k| k.problem(path)))
            .or_else(|| (!may_exist).then(|| in_the_way(path)).flatten())
            .or_else(|| {
                let folder = parent(path);
                let missing = self.makes(folder) && folder.symlink_metadata().is_err();
                if missing {
                    no_place_for_folder(folder)
                } else {
                    no_place(path)
                }
            });
        refused(path, problem)?;
        self.claimed.push(id);
        Ok(())
    }

    /// Checks a directory that the command is going to write files into. To be called before the work.
    pub(super) fn folder(path: &Path) -> anyhow::Result<()> {
        refused(path, no_place_for_folder(path))
    }

    /// As [`Self::folder`], and from now on files may be claimed in the directory. It is made with the first of them, unless it exists.
    pub(super) fn fill_folder(&mut self, path: &Path) -> anyhow::Result<()> {
        Self::folder(path)?;
        self.folders.push(path.to_owned());
        Ok(())
    }

    /// Returns an error for what would stand in the way of these files, whose names are not yet decided.
    pub(super) fn would_refuse(&self, path: &Path) -> anyhow::Result<()> {
        let read = self.read.contains(&FileIdentity::of(path));
        let problem = not_plain(path)
            .or_else(|| {
                read.then(|| {
                    "is read by this command, which would overwrite its own input; write to another directory".to_owned()
                })
            })
            .or_else(|| {
                let there = !self.force && path.symlink_metadata().is_ok();
                there.then(|| {
                    "exists; choose another directory, or add --force to replace its files"
                        .to_owned()
                })
            });
        refused(path, problem)
    }
}

/// The reason why a directory cannot be made, or cannot take files; `None` if there is none.
fn no_place_for_folder(path: &Path) -> Option<String> {
    let nearest = path.ancestors().find(|p| {
        let here = p.as_os_str().is_empty();
        here || p.symlink_metadata().is_ok()
    });
    let nearest = nearest.map_or(Path::new("."), |p| {
        if p.as_os_str().is_empty() {
            Path::new(".")
        } else {
            p
        }
    });
    if is_stdout(path) {
        Some("means standard output, which this cannot go to; name a directory".to_owned())
    } else if nearest != path && names_a_file(path) {
        Some("is called as a file is, but is to be a directory; name a directory".to_owned())
    } else if nearest.is_dir() {
        takes_no_files(nearest, OsStr::new("folder"))
    } else if nearest == path {
        Some("is no directory; name one to write into".to_owned())
    } else {
        let place = nearest.display();
        Some(format!(
            "cannot be made: {place} is no directory; name another one"
        ))
    }
}

/// Makes a directory, unless it exists.
fn make_folder(path: &Path) -> anyhow::Result<()> {
    fs::create_dir_all(path).with_context(|| format!("cannot make {}", path.display()))
}

/// A path as it is printed.
pub(super) fn called(path: &Path) -> String {
    visible(&path.to_string_lossy())
}

fn refused(path: &Path, problem: Option<String>) -> anyhow::Result<()> {
    match problem {
        None => Ok(()),
        Some(problem) => Err(UserError::new(format!("{} {problem}", called(path))).into()),
    }
}

/// What is at this path, if it is something that is never written to.
fn not_plain(path: &Path) -> Option<String> {
    if is_stdout(path) {
        return Some("means standard output, which this cannot go to; name a file".into());
    }
    let folder = || Some("is a directory; name a file in it".to_owned());
    if path.as_os_str().as_encoded_bytes().ends_with(b"/") {
        return folder();
    }
    if path.file_name().is_none() {
        // `..`, `/` and nothing at all.
        return if path.is_dir() {
            folder()
        } else {
            Some("is not the name of a file".into())
        };
    }
    match path.symlink_metadata() {
        Ok(m) if m.is_file() => None,
        Ok(m) if m.is_dir() => folder(),
        Ok(m) if m.is_symlink() => {
            let to =
                fs::read_link(path).map_or(String::new(), |to| format!(" to {}", to.display()));
            Some(format!(
                "is a symbolic link{to}, which is never written to; name the file itself, or - for standard output"
            ))
        }
        Ok(m) => Some(format!(
            "is {}, which is never written to; name a file, or - for standard output",
            input::special(&m)
        )),
        Err(e) if e.kind() == io::ErrorKind::NotFound => None,
        Err(e) => Some(format!(
            "cannot be a file's name here: {}; name another file",
            reason(&e)
        )),
    }
}

fn in_the_way(path: &Path) -> Option<String> {
    let exists = path.symlink_metadata().is_ok();
    exists.then(|| "exists; choose another name, or add --force to replace it".to_owned())
}

/// The reason why no file can be made at this path; `None` if there is none.
fn no_place(path: &Path) -> Option<String> {
    let folder = parent(path);
    match folder.metadata() {
        Ok(m) if m.is_dir() => takes_no_files(folder, path.file_name()?),
        Ok(_) => Some(format!(
            "cannot be made: {} is no directory; name a file in one",
            folder.display()
        )),
        Err(e) if e.kind() == io::ErrorKind::NotFound => {
            Some("lies in a directory that does not exist; make it first".into())
        }
        Err(e) => Some(format!(
            "lies in a directory that cannot be used ({}); name another file",
            reason(&e)
        )),
    }
}

/// The reason why a directory takes no file of this name; `None` if there is none. It is found by trying, because permissions, quotas and
/// read-only file systems all matter. What killed runs have left there for this name is removed at the same time.
fn takes_no_files(folder: &Path, name: &OsStr) -> Option<String> {
    let tried = Temporary::create(folder, name).err()?;
    Some(format!(
        "cannot be written: its directory takes no new file ({}); name another place",
        reason(&tried)
    ))
}

/// The operating system's reason, without its number.
fn reason(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::ReadOnlyFilesystem => "the file system is read-only".into(),
        io::ErrorKind::NotADirectory => "a part of its path is no directory".into(),
        io::ErrorKind::NotFound => "there can be no files in it".into(),
        io::ErrorKind::InvalidFilename => {
            "the name is too long or has signs that it may not have".into()
        }
        _ => e.to_string(),
    }
}

/// A file that may be written, because it was checked before the work.
#[derive(Clone, Debug)]
pub(super) struct OutputFile {
    path: PathBuf,
    force: bool,
    /// Whether its directory is made where it is missing.
    make_folder: bool,
}

impl OutputFile {
    /// Its name.
    pub(super) fn path(&self) -> &Path {
        &self.path
    }

    /// Writes a text into the file, and reports that.
    pub(super) fn write(&self, text: &str, printer: &Printer) -> anyhow::Result<()> {
        self.write_with(printer, |w| Ok(w.write_all(text.as_bytes())?))
    }

    /// As [`Self::write`], for a content that is too large for memory.
    pub(super) fn write_with(
        &self,
        printer: &Printer,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        self.put(write)?;
        printer.hint(&format!("wrote {}", called(&self.path)));
        Ok(())
    }

    /// Writes the file without reporting it. Whoever looks sees the old file or the new one, never a part of it.
    pub(super) fn put(
        &self,
        write: impl FnOnce(&mut dyn Write) -> anyhow::Result<()>,
    ) -> anyhow::Result<()> {
        let path = &self.path;
        // The work may have taken hours, in which other files may have come into being.
        let problem = not_plain(path).or_else(|| (!self.force).then(|| in_the_way(path)).flatten());
        refused(path, problem)?;
        if self.make_folder {
            make_folder(parent(path))?;
        }
        let cannot = || format!("cannot write {}", path.display());
        let name = path.file_name().unwrap_or(path.as_os_str());
        let temporary = Temporary::create(parent(path), name).with_context(cannot)?;
        let whole = || -> anyhow::Result<()> {
            let mut file = BufWriter::new(&temporary.file);
            write(&mut file)?;
            file.flush()?;
            drop(file);
            if let Ok(old) = path.metadata() {
                // Whoever may read the old file may read the new one, and nobody else.
                temporary.file.set_permissions(old.permissions())?;
            }
            Ok(temporary.file.sync_all()?)
        };
        whole().with_context(cannot)?;
        match temporary.become_file(path, self.force) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => refused(path, in_the_way(path)),
            done => done.with_context(cannot),
        }
    }
}

/// A file that is being written: locked as long as it is, and gone with this value unless it has become the real one.
///
/// Its name begins with a dot and ends in `.pchsim-tmp`. One that no process has locked was left by a run that was killed; the next
/// attempt to write the same file removes it.
#[derive(Debug)]
struct Temporary {
    file: File,
    path: PathBuf,
}

impl Temporary {
    /// A fresh one beside a file of this name.
    fn create(folder: &Path, name: &OsStr) -> io::Result<Self> {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let prefix = prefix(name);
        clear(folder, &prefix);
        loop {
            let number = NEXT.fetch_add(1, Ordering::Relaxed);
            let path = folder.join(format!(
                "{prefix}{}-{number}{TEMPORARY}",
                std::process::id()
            ));
            let file = match OpenOptions::new().write(true).create_new(true).open(&path) {
                Ok(file) => file,
                Err(e) if e.kind() == io::ErrorKind::AlreadyExists => continue,
                Err(e) => return Err(e),
            };
            // Where files cannot be locked, nothing is removed either.
            let taken = matches!(file.try_lock(), Err(TryLockError::WouldBlock));
            let this = Self { file, path };
            // Another run may have taken the file for a leftover before it was locked.
            if !taken && this.path.exists() {
                return Ok(this);
            }
        }
    }

    fn become_file(self, path: &Path, replace: bool) -> io::Result<()> {
        if replace {
            return fs::rename(&self.path, path);
        }
        // A link fails where a rename would replace what another process has just put there.
        match fs::hard_link(&self.path, path) {
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Err(e),
            // Some file systems have no links.
            Err(_) if path.symlink_metadata().is_err() => fs::rename(&self.path, path),
            done => done,
        }
    }
}

impl Drop for Temporary {
    fn drop(&mut self) {
        // After a rename there is nothing left; that it cannot be removed is no news beside the failure.
        let _ = fs::remove_file(&self.path);
    }
}

/// The prefix of the names of all temporary files for a file.
fn prefix(name: &OsStr) -> String {
    let name = name.to_string_lossy();
    if name.len() <= REPEATED {
        return format!(".{name}.");
    }
    let begin: String = name.chars().take(REPEATED / 8).collect();
    format!(".{begin}.{}.", text_fingerprint(&name))
}

/// Removes what killed runs have left.
fn clear(folder: &Path, prefix: &str) {
    let Ok(entries) = fs::read_dir(folder) else {
        return;
    };
    let ours = |name: &str| {
        let numbers = name.strip_prefix(prefix)?.strip_suffix(TEMPORARY)?;
        let (process, number) = numbers.split_once('-')?;
        let digits = |t: &str| !t.is_empty() && t.bytes().all(|b| b.is_ascii_digit());
        (digits(process) && digits(number)).then_some(())
    };
    for entry in entries.flatten() {
        if ours(&entry.file_name().to_string_lossy()).is_none() {
            continue;
        }
        let plain = entry.file_type().is_ok_and(|t| t.is_file());
        // Opening a pipe would wait for its other end.
        if !plain {
            continue;
        }
        let file = OpenOptions::new().write(true).open(entry.path());
        if file.is_ok_and(|f| f.try_lock().is_ok()) {
            // It does not matter which process removes it first.
            let _ = fs::remove_file(entry.path());
        }
    }
}
