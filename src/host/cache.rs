//! What outlasts a run: directories in the user's cache, each made by one process at a time.

use std::fs::{self, File};
use std::io;
use std::path::{Path, PathBuf};

/// The user's cache: `XDG_CACHE_HOME`, or where the system has it; `None` where nothing says.
pub(crate) fn cache() -> Option<PathBuf> {
    let named = |name: &str| {
        let path = PathBuf::from(std::env::var_os(name)?);
        path.is_absolute().then_some(path)
    };
    named("XDG_CACHE_HOME").or_else(|| {
        let home = named("HOME")?;
        Some(if cfg!(target_os = "macos") {
            home.join("Library").join("Caches")
        } else {
            home.join(".cache")
        })
    })
}

/// Makes the directory that `path` is to be in, and waits until nobody else makes `path`: until the file that is returned is dropped, others do.
///
/// # Errors
/// Returns an error when the system refuses.
pub(crate) fn locked(path: &Path) -> io::Result<File> {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(".lock");
    let beside = path.with_file_name(name);
    if let Some(parent) = beside.parent() {
        fs::create_dir_all(parent)?;
    }
    let file = File::create(&beside)?;
    // Where files cannot be locked, two who make it at once are in each other's way, and the next attempt mends it.
    let _ = file.lock();
    Ok(file)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_makes_what_others_wait_for() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("new").join("thing");
        let held = locked(&path).unwrap();
        let other = File::open(dir.path().join("new").join("thing.lock")).unwrap();
        assert!(other.try_lock().is_err());
        drop(held);
        assert!(other.try_lock().is_ok());
    }
}
