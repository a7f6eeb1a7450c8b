//! Directories for temporary files: locked as long as they are in use, so that what killed runs have left is told from what others need.

use std::fs::{self, File, OpenOptions};
use std::io;
use std::path::{Path, PathBuf};
use std::time::Duration;

use tempfile::TempDir;

/// How their names begin.
const PREFIX: &str = "pchsim-scratch-";
/// The file in each whose lock says that it is in use.
const LOCK: &str = ".in-use";
/// What has no lock file for so long never got as far.
const OLD: Duration = Duration::from_secs(3600);

/// A directory of this run's own among the system's temporary files; it goes with this value.
#[derive(Debug)]
pub struct Scratch {
    dir: TempDir,
    /// Held, never read.
    _lock: File,
}

impl Scratch {
    /// An empty one, for this user alone. Those of runs that were killed are removed.
    ///
    /// # Errors
    /// When the system refuses.
    pub fn new() -> io::Result<Self> {
        let base = std::env::temp_dir();
        clear(&base);
        let dir = tempfile::Builder::new().prefix(PREFIX).tempdir_in(base)?;
        // Locked before it has its name: who finds the name finds it locked.
        let early = dir.path().join(".new");
        let lock = OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&early)?;
        // Where files cannot be locked, nothing is ever cleared.
        let _ = lock.try_lock();
        fs::rename(&early, dir.path().join(LOCK))?;
        Ok(Self { dir, _lock: lock })
    }

    /// Where it is.
    #[must_use]
    pub fn path(&self) -> &Path {
        self.dir.path()
    }

    /// Puts a file into it; one of the same name is replaced.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn put(&self, name: &str, text: &str) -> io::Result<()> {
        fs::write(self.path().join(name), text)
    }

    /// Makes a directory in it.
    ///
    /// # Errors
    /// When it cannot be made.
    pub fn folder(&self, name: &str) -> io::Result<PathBuf> {
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
        // Not by a link: what it leads to is somebody else's.
        if !ours || !entry.file_type().is_ok_and(|t| t.is_dir()) || !own(&entry.path()) {
            continue;
        }
        let path = entry.path();
        match OpenOptions::new().write(true).open(path.join(LOCK)) {
            Ok(lock) if lock.try_lock().is_ok() => {
                // What cannot be removed is left to the system, which clears this place now and then.
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
        // As a killed run leaves it: nobody holds the lock.
        let left = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap();
        let left = left.keep();
        fs::write(left.join(LOCK), "").unwrap();
        fs::create_dir(left.join("rows")).unwrap();
        // One that is being made has no lock yet.
        let fresh = tempfile::Builder::new().prefix(PREFIX).tempdir().unwrap();
        let other = Scratch::new().unwrap();
        assert!(!left.exists());
        assert!(mine.path().join("file").exists() && fresh.path().exists());
        let path = other.path().to_owned();
        drop(other);
        assert!(!path.exists());
    }
}
