//! Directories for temporary files. Each is locked as long as it is in use, so that what killed runs have left can be told from what others
//! need.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

/// The prefix of the directories' names.
const PREFIX: &str = "pchsim-scratch-";
/// The name of the file in each directory whose lock says that the directory is in use.
const LOCK: &str = ".in-use";
/// The age from which a directory without a lock file is removed: its process was ended before it made one.
const OLD: Duration = Duration::from_secs(3600);

/// A directory of this run's own among the system's temporary files, which is removed when this value is dropped.
#[derive(Debug)]
pub(crate) struct Scratch {
    dir: TempDir,
    /// Held for its lock, never read.
    _lock: File,
}

impl Scratch {
    /// Makes an empty directory for this user alone, and removes those of runs that were killed.
    ///
    /// # Errors
    /// Returns an error when the system refuses.
    pub(crate) fn new() -> io::Result<Self> {
        let base = std::env::temp_dir();
        clear(&base);
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base)?;
        // The file is locked before it gets its final name, so that whoever finds the name finds it locked.
        let early = dir.path().join(".new");
        let lock = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&early)?;
        // Where files cannot be locked, nothing is ever removed.
        let _ = lock.try_lock();
        fs::rename(&early, dir.path().join(LOCK))?;
        Ok(Self { dir, _lock: lock })
    }

    /// The path of the directory.
    #[must_use]
    pub(crate) fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Writes a file into the directory; one of the same name is replaced.
    ///
    /// # Errors
    /// Returns an error when the file cannot be written.
    pub(crate) fn put(&self, name: &str, text: &str) -> io::Result<()> {
        fs::write(self.path().join(name), text)
    }

    /// Makes a directory within the directory, and returns its path.
    ///
    /// # Errors
    /// Returns an error when it cannot be made.
    pub(crate) fn folder(&self, name: &str) -> io::Result<PathBuf> {
        let path = self.path().join(name);
        fs::create_dir(&path)?;
        Ok(path)
    }
}

/// Removes this user's directories that no process has locked.
fn clear(base: &Path) {
    let Ok(entries) = fs::read_dir(base) else {
        return;
    };
    for entry in entries.flatten() {
        let ours = entry.file_name().to_string_lossy().starts_with(PREFIX);
        // Links are not followed, because what they lead to is somebody else's.
        if !ours || !entry.file_type().is_ok_and(|t| t.is_dir()) || !own(&entry.path()) {
            continue;
        }
        let path = entry.path();
        match OpenOptions::new().write(true).open(path.join(LOCK)) {
            Ok(lock) if lock.try_lock().is_ok() => {
                // What cannot be removed is left to the system, which clears this place from time to time.
                let _ = fs::remove_dir_all(&path);
            }
            Err(e) if e.kind() == io::ErrorKind::NotFound && old(&path) => {
                let _ = fs::remove_dir_all(&path);
            }
            _ => {}
        }
    }
}

fn old(path: &Path) -> bool {
    let changed = path.metadata().and_then(|m| m.modified());
    changed.is_ok_and(|t| t.elapsed().is_ok_and(|age| age > OLD))
}

#[cfg(unix)]
fn own(path: &Path) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    let me = rustix::process::geteuid().as_raw();
    path.symlink_metadata().is_ok_and(|m| m.uid() == me)
}

#[cfg(not(unix))]
fn own(_: &Path) -> bool {
    true
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_in_use_stays_and_what_is_left_goes() {
        let mine = Scratch::new().unwrap();
        mine.put("file", "text").unwrap();
        // Nobody holds the lock, as after a run that was killed.
        let left = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap();
        let left = left.keep();
        fs::write(left.join(LOCK), "").unwrap();
        fs::create_dir(left.join("rows")).unwrap();
        // A directory that is being made has no lock yet.
        let fresh = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap();
        let other = Scratch::new().unwrap();
        assert!(!left.exists());
        assert!(mine.path().join("file").exists() && fresh.path().exists());
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
    }
}
