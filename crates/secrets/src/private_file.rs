// SPDX-License-Identifier: Apache-2.0
//! Files for their owner alone.

use std::fs::{self, File, OpenOptions};
use std::io::{self, Write as _};
use std::os::unix::fs::{MetadataExt as _, OpenOptionsExt as _};
use std::path::{Path, PathBuf};

#[derive(Debug, thiserror::Error)]
pub enum PrivateFileError {
    #[error("failed to {step} `{}`", path.display())]
    File {
        step: &'static str,
        path: PathBuf,
        #[source]
        source: io::Error,
    },
    #[error("`{}` holds a secret and others may read it: its mode is {mode:o}, not 600", path.display())]
    Exposed { path: PathBuf, mode: u32 },
}

/// The text of a file that nobody but its owner may read. `None`: there is none.
pub fn read_private(path: &Path) -> Result<Option<String>, PrivateFileError> {
    let failed = |source| PrivateFileError::File { step: "read", path: path.into(), source };
    let mode = match fs::metadata(path) {
        Ok(metadata) => metadata.mode() & 0o777,
        Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
        Err(error) => return Err(failed(error)),
    };
    if mode & 0o077 != 0 {
        return Err(PrivateFileError::Exposed { path: path.into(), mode });
    }
    fs::read_to_string(path).map(Some).map_err(failed)
}

/// Writes such a file: it is there whole, or not at all.
pub fn write_private(path: &Path, text: &str) -> Result<(), PrivateFileError> {
    let write = || -> io::Result<()> {
        let temporary = path.with_extension("new");
        match fs::remove_file(&temporary) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
        let mut file =
            OpenOptions::new().write(true).create_new(true).mode(0o600).open(&temporary)?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        fs::rename(&temporary, path)?;
        File::open(path.parent().unwrap_or(Path::new(".")))?.sync_all()
    };
    write().map_err(|source| PrivateFileError::File { step: "write", path: path.into(), source })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::os::unix::fs::PermissionsExt as _;

    #[test]
    fn a_file_that_others_may_read_is_refused() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("secret");
        assert!(read_private(&path).unwrap().is_none());
        write_private(&path, "a").unwrap();
        write_private(&path, "b").unwrap();
        assert_eq!(read_private(&path).unwrap().as_deref(), Some("b"));
        assert_eq!(fs::metadata(&path).unwrap().mode() & 0o777, 0o600);

        fs::set_permissions(&path, fs::Permissions::from_mode(0o640)).unwrap();
        let error = read_private(&path).unwrap_err();
        assert!(matches!(error, PrivateFileError::Exposed { mode: 0o640, .. }), "{error}");
    }
}
