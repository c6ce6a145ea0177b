//! Writes a file in the place of another: beside it, and renamed when all of it is there. Who reads meanwhile, and a crash,
//! find the old one.

use std::fs::{self, File};
use std::io::{self, BufWriter, Seek as _, Write};
use std::path::Path;

/// Writes what `write` says to `path`, which `file` was opened for. A device, and a file in a folder that takes no other,
/// are written in place.
///
/// # Errors
/// What keeps it from being written: a full disk, for one. Then the old one stays, where there was one.
pub(crate) fn replace(path: &Path, file: File, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    // Through links: the file behind them is meant.
    let target = path.canonicalize().unwrap_or_else(|_| path.to_owned());
    let plain = file.metadata().is_ok_and(|data| data.is_file());
    let beside = target.parent().filter(|_| plain).map(tempfile::NamedTempFile::new_in);
    let Some(Ok(mut beside)) = beside else {
        return in_place(file, plain, write);
    };
    let mut out = BufWriter::new(beside.as_file_mut());
    write(&mut out)?;
    out.flush()?;
    drop(out);
    fs::set_permissions(beside.path(), file.metadata()?.permissions())?;
    beside.persist(&target).map_err(|error| error.error)?;
    Ok(())
}

fn in_place(mut file: File, plain: bool, write: impl FnOnce(&mut dyn Write) -> io::Result<()>) -> io::Result<()> {
    if plain {
        file.set_len(0)?;
        file.rewind()?;
    }
    let mut out = BufWriter::new(file);
    write(&mut out)?;
    out.flush()
}

#[cfg(test)]
mod tests {
    #![expect(clippy::unwrap_used, reason = "a test may fail")]
    use super::*;

    fn open(path: &Path) -> File {
        let mut options = File::options();
        options.create(true).truncate(false).write(true).open(path).unwrap()
    }

    #[test]
    fn what_can_t_be_written_leaves_what_was_there() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("report.json");
        fs::write(&path, "the old one").unwrap();
        let full = replace(&path, open(&path), |out| {
            out.write_all(b"half of")?;
            Err(io::Error::other("the disk is full"))
        });
        assert!(full.is_err());
        assert_eq!(fs::read_to_string(&path).unwrap(), "the old one");
        replace(&path, open(&path), |out| out.write_all(b"new")).unwrap();
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::read_dir(dir.path()).unwrap().count(), 1);
    }

    #[cfg(unix)]
    #[test]
    fn a_link_stays_one_and_the_mode_stays() {
        use std::os::unix::fs::PermissionsExt as _;
        let dir = tempfile::tempdir().unwrap();
        let (path, link) = (dir.path().join("real"), dir.path().join("link"));
        fs::write(&path, "old").unwrap();
        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        std::os::unix::fs::symlink(&path, &link).unwrap();
        replace(&link, open(&link), |out| out.write_all(b"new")).unwrap();
        assert!(link.is_symlink());
        assert_eq!(fs::read_to_string(&path).unwrap(), "new");
        assert_eq!(fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o640);
    }
}
