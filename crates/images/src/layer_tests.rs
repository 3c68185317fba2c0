// SPDX-License-Identifier: Apache-2.0
//! What layers may do, and above all what they may not.

use super::*;
use crate::options::Options;
use std::fs;
use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};
use std::path::Path;

/// An entry, with any name that fits into a header.
pub(crate) fn entry(kind: EntryType, name: &str, content: &[u8], link: &str, mode: u32) -> Vec<u8> {
    let mut header = Header::new_gnu();
    let old = header.as_old_mut();
    old.name[..name.len()].copy_from_slice(name.as_bytes());
    old.linkname[..link.len()].copy_from_slice(link.as_bytes());
    header.set_entry_type(kind);
    header.set_mode(mode);
    header.set_mtime(1_700_000_000);
    header.set_size(content.len() as u64);
    header.set_cksum();
    let mut bytes = header.as_bytes().to_vec();
    bytes.extend(content);
    bytes.resize(bytes.len().next_multiple_of(512), 0);
    bytes
}

pub(crate) fn file(name: &str, content: &str) -> Vec<u8> {
    entry(EntryType::Regular, name, content.as_bytes(), "", 0o644)
}

pub(crate) fn folder(name: &str, mode: u32) -> Vec<u8> {
    entry(EntryType::Directory, name, b"", "", mode)
}

pub(crate) fn link(name: &str, target: &str) -> Vec<u8> {
    entry(EntryType::Symlink, name, b"", target, 0o777)
}

fn hard_link(name: &str, target: &str) -> Vec<u8> {
    entry(EntryType::Link, name, b"", target, 0o644)
}

fn pax(records: &[(&str, &str)]) -> Vec<u8> {
    let mut text = String::new();
    for (key, value) in records {
        let rest = format!(" {key}={value}\n");
        let digits = (rest.len() + 2).to_string().len();
        text.push_str(&format!("{}{rest}", rest.len() + digits));
    }
    entry(EntryType::XHeader, "pax", text.as_bytes(), "", 0o644)
}

fn unpack_with(options: &Options, to: &Path, entries: &[Vec<u8>]) -> Result<Notes, ImageError> {
    let budget = Budget::new(options);
    unpack(entries.concat().as_slice(), Tree::open(to).unwrap(), &budget)
}

fn unpack_at(to: &Path, entries: &[Vec<u8>]) -> Result<Notes, ImageError> {
    unpack_with(&Options::default(), to, entries)
}

/// A folder with a file outside, and one to unpack into, beside each other.
fn folders() -> (tempfile::TempDir, std::path::PathBuf, std::path::PathBuf) {
    let folder = tempfile::tempdir().unwrap();
    let (outside, inside) = (folder.path().join("outside"), folder.path().join("inside"));
    fs::create_dir(&outside).unwrap();
    fs::create_dir(&inside).unwrap();
    fs::write(outside.join("file"), "untouched").unwrap();
    fs::set_permissions(outside.join("file"), fs::Permissions::from_mode(0o600)).unwrap();
    fs::set_permissions(&outside, fs::Permissions::from_mode(0o700)).unwrap();
    (folder, outside, inside)
}

#[test]
fn files_directories_and_links_are_made() {
    let (_folder, _, inside) = folders();
    let entries = [
        folder("./", 0o755),
        folder("usr/", 0o755),
        file("usr/a", "one"),
        file("usr/a", "two"),
        hard_link("usr/b", "usr/a"),
        link("bin", "usr"),
        file("bin/c", "through a link"),
        entry(EntryType::Regular, "usr/run", b"#!", "", 0o6755),
    ];
    let notes = unpack_at(&inside, &entries).unwrap();
    let read = |name: &str| fs::read_to_string(inside.join(name)).unwrap();
    assert_eq!(
        (read("usr/a"), read("usr/b"), read("usr/c")),
        ("two".into(), "two".into(), "through a link".into())
    );
    let metadata = |name: &str| fs::metadata(inside.join(name)).unwrap();
    assert_eq!(metadata("usr/a").ino(), metadata("usr/b").ino());
    assert_eq!(metadata("usr/a").mtime(), 1_700_000_000);
    assert_eq!(metadata("usr/run").mode() & 0o7777, 0o755, "no set-user-id bit");
    assert_eq!(notes.entries, 8);
    assert!(notes.implicit.is_empty());
}

#[test]
fn a_link_has_no_bytes_whatever_its_header_says() {
    let (_folder, _, inside) = folders();
    let mut linked = hard_link("b", "a");
    let mut header = Header::from_byte_slice(&linked).clone();
    header.set_size(5000);
    header.set_cksum();
    linked[..512].copy_from_slice(header.as_bytes());
    unpack_at(&inside, &[file("a", "1"), linked, file("c", "2")]).unwrap();
    assert_eq!(fs::read_to_string(inside.join("b")).unwrap(), "1");
    assert_eq!(fs::read_to_string(inside.join("c")).unwrap(), "2");
}

#[test]
fn long_names_come_in_headers_of_their_own() {
    let (_folder, _, inside) = folders();
    let long = format!("{}/{}", "d".repeat(150), "f".repeat(200));
    let entries = [
        pax(&[("path", &long), ("mtime", "1600000000.5")]),
        file("short", "pax"),
        entry(EntryType::GNULongName, "././@LongLink", format!("{long}2\0").as_bytes(), "", 0),
        file("short", "gnu"),
    ];
    unpack_at(&inside, &entries).unwrap();
    assert_eq!(fs::read_to_string(inside.join(&long)).unwrap(), "pax");
    assert_eq!(fs::metadata(inside.join(&long)).unwrap().mtime(), 1_600_000_000);
    assert_eq!(fs::read_to_string(inside.join(format!("{long}2"))).unwrap(), "gnu");
}

#[test]
fn nothing_is_written_outside() {
    let absolute = |name: &str| {
        let (_folder, outside, inside) = folders();
        let target = outside.join(name).display().to_string();
        (_folder, outside, inside, target)
    };
    for attack in [
        |_: &str| vec![file("../outside/file", "bad")],
        |_: &str| vec![file("a/../../outside/file", "bad")],
        |target: &str| vec![file(target, "bad")],
        |target: &str| vec![link("l", target), file("l", "bad")],
        |target: &str| vec![link("l", target), folder("l", 0o777), file("l/x", "bad")],
        |_: &str| vec![link("l", "../outside"), file("l/file", "bad")],
        |_: &str| vec![link("l", "../outside"), folder("l/", 0o777)],
        |_: &str| vec![link("l", "../outside"), folder("l/new", 0o777)],
        |target: &str| vec![hard_link("h", target), file("h", "bad")],
        |_: &str| vec![hard_link("h", "../outside/file"), file("h", "bad")],
        |_: &str| vec![link("l", "../outside"), hard_link("h", "l/file"), file("h", "bad")],
        |_: &str| vec![link("l", "/proc/self/cwd"), file("l/x", "bad")],
        |_: &str| vec![pax(&[("path", "../outside/file")]), file("x", "bad")],
        |_: &str| vec![pax(&[("linkpath", "../outside/file")]), hard_link("x", "y")],
        |_: &str| vec![file(".wh...", "")],
        |_: &str| vec![file("a/.wh...", "")],
    ] {
        let (_folder, outside, inside, target) = absolute("file");
        let result = unpack_at(&inside, &attack(&target));
        assert_eq!(fs::read_to_string(outside.join("file")).unwrap(), "untouched", "{result:?}");
        assert_eq!(fs::metadata(outside.join("file")).unwrap().mode() & 0o7777, 0o600);
        assert_eq!(fs::metadata(outside.join("file")).unwrap().nlink(), 1);
        assert_eq!(fs::metadata(&outside).unwrap().mode() & 0o7777, 0o700, "{result:?}");
        assert_eq!(fs::read_dir(&outside).unwrap().count(), 1, "{result:?}");
        assert_eq!(fs::read_dir(outside.parent().unwrap()).unwrap().count(), 2, "{result:?}");
    }
}

#[test]
fn a_directory_that_exists_outside_is_not_touched_through_a_link_that_leads_nowhere_inside() {
    let (_folder, outside, inside) = folders();
    let entries = [link("l", outside.to_str().unwrap()), file("l/x", "bad")];
    let refused = unpack_at(&inside, &entries);
    assert!(matches!(refused, Err(ImageError::Refused { .. })), "{refused:?}");
    assert_eq!(fs::metadata(&outside).unwrap().mode() & 0o7777, 0o700);
}

#[test]
fn what_is_not_a_file_is_left_out() {
    let (_folder, _, inside) = folders();
    let entries = [
        entry(EntryType::Char, "null", b"", "", 0o666),
        entry(EntryType::Block, "disk", b"", "", 0o666),
        entry(EntryType::Fifo, "pipe", b"", "", 0o666),
    ];
    unpack_at(&inside, &entries).unwrap();
    assert_eq!(fs::read_dir(&inside).unwrap().count(), 0);
}

#[test]
fn bombs_are_stopped() {
    let (_folder, _, inside) = folders();
    let few = Options { image_entries_max: 3, ..Options::default() };
    let many: Vec<_> = (0..4).map(|number| file(&number.to_string(), "")).collect();
    let stopped = unpack_with(&few, &inside, &many);
    assert!(matches!(stopped, Err(ImageError::TooLarge { what: "files", max: 3 })), "{stopped:?}");
    let deep = "a/".repeat(45) + "a";
    let stopped = unpack_with(&few, &inside, &[file(&deep, "")]);
    assert!(matches!(stopped, Err(ImageError::TooLarge { .. })), "directories count: {stopped:?}");

    // It says that its name has a gigabyte; none of it is read.
    let mut header = Header::new_gnu();
    header.set_entry_type(EntryType::GNULongName);
    header.set_size(1 << 30);
    header.set_cksum();
    let stopped = unpack_at(&inside, &[header.as_bytes().to_vec()]);
    assert!(matches!(stopped, Err(ImageError::Refused { .. })), "{stopped:?}");
}

#[test]
fn the_end_of_a_tar_file_may_be_missing() {
    let (_folder, _, inside) = folders();
    let mut bytes = file("a", "1");
    bytes.truncate(513);
    unpack_at(&inside, &[bytes]).unwrap();
    assert_eq!(fs::read_to_string(inside.join("a")).unwrap(), "1");
}

#[test]
fn damage_is_told() {
    let (_folder, _, inside) = folders();
    let mut bytes = file("a", "content");
    bytes.truncate(515);
    let damaged = unpack_at(&inside, &[bytes]);
    assert!(damaged.is_err(), "{damaged:?}");
    let junk = unpack_at(&inside, &[vec![7; 2048]]);
    assert!(matches!(junk, Err(ImageError::Malformed { .. })), "{junk:?}");
}

#[test]
fn what_is_hidden_and_passed_through_is_noted() {
    let (_folder, _, inside) = folders();
    let entries = [
        folder("a", 0o755),
        file("a/.wh.gone", ""),
        file("b/.wh..wh..opq", ""),
        file(".wh..wh.plnk", ""),
        file("c/d/e", ""),
        hard_link("c/f", "lib/below"),
    ];
    let notes = unpack_at(&inside, &entries).unwrap();
    assert_eq!(notes.whiteouts, [b"a/gone"]);
    assert_eq!(notes.opaque, [b"b"]);
    assert_eq!(notes.implicit, BTreeSet::from([b"c".to_vec(), b"c/d".to_vec()]));
    assert_eq!(notes.links, [(b"c/f".to_vec(), b"lib/below".to_vec())]);
}

mod any {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn no_bytes_lead_out_or_panic(bytes in proptest::collection::vec(any::<u8>(), 0..2000)) {
            let (_folder, outside, inside) = folders();
            let _ = unpack_at(&inside, &[bytes]);
            prop_assert_eq!(fs::read_dir(outside).unwrap().count(), 1);
        }
    }
}
