// SPDX-License-Identifier: Apache-2.0
//! Several directories as one, the later over the earlier: how the layers of a function become `/opt`.
//!
//! Files are linked, not copied: a merged directory costs its names. Of two entries with one path the later stays;
//! only two directories become one. Nothing is ever written through a link.
//!
//! Blocks. Not here: where the directory is, and what happens when this fails.

use rustix::io::Errno;
use std::collections::BTreeMap;
use std::fs::{self, Permissions};
use std::io;
use std::os::unix::fs::{PermissionsExt, symlink};
use std::path::{Path, PathBuf};

/// Fills `target`, which is there and empty.
pub(crate) fn merge(parts: &[PathBuf], target: &Path) -> io::Result<()> {
    let mut modes = BTreeMap::new();
    for part in parts {
        let mut ahead = vec![PathBuf::new()];
        while let Some(directory) = ahead.pop() {
            for entry in fs::read_dir(part.join(&directory))? {
                let entry = entry?;
                let path = directory.join(entry.file_name());
                let place = target.join(&path);
                let metadata = entry.metadata()?;
                if metadata.is_dir() {
                    make_directory(&place)?;
                    modes.insert(path.clone(), metadata.permissions().mode());
                    ahead.push(path);
                } else {
                    if clear(&place)? {
                        modes.retain(|other, _| !other.starts_with(&path));
                    }
                    link(&entry.path(), metadata.is_symlink(), &place)?;
                }
            }
        }
    }
    // Last, and children first: a directory may forbid what its own children needed.
    for (path, mode) in modes.iter().rev() {
        fs::set_permissions(target.join(path), Permissions::from_mode(*mode))?;
    }
    Ok(())
}

fn make_directory(place: &Path) -> io::Result<()> {
    match fs::symlink_metadata(place) {
        Ok(earlier) if earlier.is_dir() => return Ok(()),
        Ok(_) => fs::remove_file(place)?,
        Err(error) if error.kind() == io::ErrorKind::NotFound => {}
        Err(error) => return Err(error),
    }
    fs::create_dir(place)
}

/// Removes what is there, and says whether it was a directory.
fn clear(place: &Path) -> io::Result<bool> {
    match fs::symlink_metadata(place) {
        Ok(earlier) if earlier.is_dir() => fs::remove_dir_all(place).map(|()| true),
        Ok(_) => fs::remove_file(place).map(|()| false),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(false),
        Err(error) => Err(error),
    }
}

fn link(source: &Path, is_symlink: bool, place: &Path) -> io::Result<()> {
    if is_symlink {
        return symlink(fs::read_link(source)?, place);
    }
    let has_no_more_links = |error: &io::Error| {
        [Errno::MLINK, Errno::XDEV]
            .iter()
            .any(|errno| error.raw_os_error() == Some(errno.raw_os_error()))
    };
    match fs::hard_link(source, place) {
        Err(error) if has_no_more_links(&error) => fs::copy(source, place).map(drop),
        linked => linked,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;
    use std::os::unix::fs::MetadataExt;

    /// Paths of two names deep, and what is there: a directory, a link, or a file that says which part it is of.
    type Entries = Vec<(String, u8)>;

    fn build(dir: &Path, part: usize, entries: &Entries) {
        fs::create_dir(dir).unwrap();
        for (path, kind) in entries {
            let place = dir.join(path);
            let parent = place.parent().unwrap();
            if fs::create_dir_all(parent).is_err() || fs::symlink_metadata(&place).is_ok() {
                continue;
            }
            match kind {
                0 => fs::create_dir(&place).unwrap(),
                1 => symlink("nowhere", &place).unwrap(),
                _ => fs::write(&place, part.to_string()).unwrap(),
            }
        }
    }

    /// What is under `dir`, by path: `/` for a directory, `->` for a link, else the content.
    fn list(dir: &Path) -> BTreeMap<PathBuf, String> {
        let mut found = BTreeMap::new();
        let mut ahead = vec![dir.to_path_buf()];
        while let Some(directory) = ahead.pop() {
            for entry in fs::read_dir(&directory).unwrap() {
                let path = entry.unwrap().path();
                let metadata = fs::symlink_metadata(&path).unwrap();
                let shown = if metadata.is_dir() {
                    ahead.push(path.clone());
                    "/".to_owned()
                } else if metadata.is_symlink() {
                    "->".to_owned()
                } else {
                    fs::read_to_string(&path).unwrap()
                };
                found.insert(path.strip_prefix(dir).unwrap().to_path_buf(), shown);
            }
        }
        found
    }

    /// The same by definition: each part over the ones before.
    fn over(parts: &[BTreeMap<PathBuf, String>]) -> BTreeMap<PathBuf, String> {
        let mut result: BTreeMap<PathBuf, String> = BTreeMap::new();
        for part in parts {
            for (path, shown) in part {
                if shown != "/" {
                    result.retain(|other, _| !other.starts_with(path));
                }
                result.insert(path.clone(), shown.clone());
            }
        }
        result
    }

    proptest! {
        #[test]
        fn the_later_is_over_the_earlier(
            parts in prop::collection::vec(prop::collection::vec(("[ab](/[ab])?(/[ab])?", 0_u8..4), 0..6), 1..4)
        ) {
            let world = tempfile::tempdir().unwrap();
            let dirs: Vec<_> = (0..parts.len()).map(|part| world.path().join(part.to_string())).collect();
            for (part, entries) in parts.iter().enumerate() {
                build(&dirs[part], part, entries);
            }
            let before: Vec<_> = dirs.iter().map(|dir| list(dir)).collect();
            let target = world.path().join("target");
            fs::create_dir(&target).unwrap();
            merge(&dirs, &target).unwrap();
            prop_assert_eq!(list(&target), over(&before));
            let after: Vec<_> = dirs.iter().map(|dir| list(dir)).collect();
            prop_assert_eq!(after, before, "the parts stay as they were");
        }
    }

    #[test]
    fn modes_stay_and_files_are_not_copied() {
        let world = tempfile::tempdir().unwrap();
        let (part, target) = (world.path().join("part"), world.path().join("target"));
        fs::create_dir_all(part.join("bin")).unwrap();
        fs::create_dir(&target).unwrap();
        fs::write(part.join("bin/tool"), "1").unwrap();
        fs::set_permissions(part.join("bin/tool"), Permissions::from_mode(0o555)).unwrap();
        fs::set_permissions(part.join("bin"), Permissions::from_mode(0o750)).unwrap();
        merge(std::slice::from_ref(&part), &target).unwrap();
        let (tool, bin) = (
            fs::metadata(target.join("bin/tool")).unwrap(),
            fs::metadata(target.join("bin")).unwrap(),
        );
        assert_eq!((tool.mode() & 0o777, bin.mode() & 0o777), (0o555, 0o750));
        assert_eq!(tool.ino(), fs::metadata(part.join("bin/tool")).unwrap().ino());
    }

    #[test]
    fn nothing_is_written_through_a_link() {
        let world = tempfile::tempdir().unwrap();
        let outside = world.path().join("outside");
        let (one, two, target) =
            (world.path().join("1"), world.path().join("2"), world.path().join("target"));
        for dir in [&outside, &one, &target] {
            fs::create_dir(dir).unwrap();
        }
        fs::create_dir_all(two.join("lib")).unwrap();
        symlink(&outside, one.join("lib")).unwrap();
        fs::write(two.join("lib/x"), "").unwrap();
        merge(&[one, two], &target).unwrap();
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 0);
        assert!(fs::symlink_metadata(target.join("lib")).unwrap().is_dir());
    }
}
