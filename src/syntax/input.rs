//! Opens input files. All input files are opened here, so that a file that may never end is refused at once rather than waited for.
//!
//! A named pipe, a device or a socket on disk is not accepted as input: opening it may block for ever, and reading it may never reach an
//! end. This does not hold for what the caller has handed over open: `/dev/stdin` and what a shell's `<(command)` is replaced by
//! (`/dev/fd/63`, `/proc/self/fd/11`) are names of this process's file descriptors. They are mostly pipes, and are read to their end. They
//! are recognized by the directory that they lie in, because the same pipe would look no different under another name. (A shell on a system
//! without `/dev/fd` makes a named pipe for `<(command)`, and that is refused.)

use std::fs::{self, File, Metadata};
use std::io::{self, Read as _};
use std::path::{Path, PathBuf};

/// Opens a file for reading.
///
/// # Errors
/// Returns an error if the file cannot be opened, is a directory, or is a special file that may never end.
pub(crate) fn open(path: &Path) -> io::Result<File> {
    let about = fs::metadata(path)?;
    if about.is_dir() {
        let text = "it is a directory; name a file in it";
        return Err(io::Error::new(io::ErrorKind::IsADirectory, text));
    }
    if !about.is_file() && !handed_over(path) {
        let text = format!(
            "it is {}, which may never end; name a file",
            special(&about)
        );
        return Err(io::Error::new(io::ErrorKind::InvalidInput, text));
    }
    File::open(path)
}

/// Reads the whole text of a file.
///
/// # Errors
/// Returns the errors of [`open`], and an error if the file cannot be read or is not UTF-8.
pub(crate) fn read_to_string(path: &Path) -> io::Result<String> {
    let mut text = String::new();
    open(path)?.read_to_string(&mut text)?;
    Ok(text)
}

/// Why the operating system did not let a file be read, in words and without the error's number.
pub(crate) fn reason(e: &io::Error) -> String {
    match e.kind() {
        io::ErrorKind::NotFound => "there is no such file".into(),
        io::ErrorKind::PermissionDenied => "permission denied".into(),
        io::ErrorKind::InvalidData => "it is not UTF-8 text".into(),
        io::ErrorKind::NotADirectory => "a part of its path is no directory".into(),
        io::ErrorKind::InvalidFilename => {
            "the name is too long or has signs that it may not have".into()
        }
        _ => {
            let text = e.to_string();
            let number = e.raw_os_error().map(|n| format!(" (os error {n})"));
            let bare = number.and_then(|n| text.strip_suffix(&n).map(str::to_owned));
            // In lower case, because it becomes part of a sentence.
            bare.map_or(text, |bare| {
                let mut letters = bare.chars();
                let first = letters.next().map(|c| c.to_ascii_lowercase());
                first.into_iter().chain(letters).collect()
            })
        }
    }
}

/// Whether a path names a file descriptor that this process was started with.
fn handed_over(path: &Path) -> bool {
    let folder = path.parent().filter(|p| !p.as_os_str().is_empty());
    let folder = folder.unwrap_or(Path::new("."));
    // `/dev/stdin` is a link to such a descriptor, and `/dev/fd` is a link to the directory that holds them.
    if path.file_name().is_some_and(|n| n == "stdin") && folder == Path::new("/dev") {
        return true;
    }
    let real: Option<PathBuf> = folder.canonicalize().ok();
    real.is_some_and(|folder| {
        let own = ["/dev/fd", "/proc/self/fd"].map(|p| Path::new(p).canonicalize().ok());
        own.into_iter().flatten().any(|f| f == folder)
    })
}

/// The kind of a special file, which is neither a regular file, a directory nor a link, in words.
pub(crate) fn special(about: &Metadata) -> &'static str {
    #[cfg(unix)]
    {
        use std::os::unix::fs::FileTypeExt as _;
        let t = about.file_type();
        if t.is_fifo() {
            return "a named pipe";
        }
        if t.is_socket() {
            return "a socket";
        }
    }
    let _ = about;
    "a device"
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn files_are_read_and_directories_are_not() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        fs::write(&file, "text").unwrap();
        assert_eq!(read_to_string(&file).unwrap(), "text");
        let said = open(dir.path()).unwrap_err().to_string();
        assert!(said.contains("is a directory"), "{said}");
        let missing = open(&dir.path().join("b")).unwrap_err();
        assert_eq!(missing.kind(), io::ErrorKind::NotFound);
    }

    #[test]
    fn reasons_are_words_without_numbers() {
        let dir = tempfile::tempdir().unwrap();
        let file = dir.path().join("a");
        fs::write(&file, b"\xff").unwrap();
        let said = |path: &Path| reason(&read_to_string(path).unwrap_err());
        assert_eq!(said(&file), "it is not UTF-8 text");
        assert_eq!(said(&dir.path().join("b")), "there is no such file");
        assert_eq!(said(dir.path()), "it is a directory; name a file in it");
        #[cfg(unix)]
        {
            let within = said(&file.join("b"));
            assert_eq!(within, "a part of its path is no directory");
            let circle = dir.path().join("circle");
            std::os::unix::fs::symlink(&circle, &circle).unwrap();
            let text = said(&circle);
            assert!(!text.contains("os error"), "{text}");
            assert!(text.starts_with(|c: char| c.is_lowercase()), "{text}");
        }
    }

    #[cfg(unix)]
    #[test]
    fn what_may_never_end_is_refused() {
        for device in ["/dev/zero", "/dev/null", "/dev/../dev/zero"] {
            let said = open(Path::new(device)).unwrap_err().to_string();
            assert!(said.contains("is a device"), "{device}: {said}");
        }
        assert!(handed_over(Path::new("/dev/stdin")));
        if Path::new("/dev/fd").exists() {
            assert!(handed_over(Path::new("/dev/fd/63")));
            assert!(handed_over(Path::new("/dev/../dev/fd/63")));
        }
        for other in ["/dev/tty", "stdin", "fd/63", "/tmp/pipe", ""] {
            assert!(!handed_over(Path::new(other)), "{other}");
        }
    }
}
