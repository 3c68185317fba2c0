// SPDX-License-Identifier: Apache-2.0
//! Layers over each other.

use super::*;
use crate::budget::Budget;
use crate::layer::tests::{file, folder, link};
use crate::options::Options;
use std::fs;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;

struct Stack {
    folder: tempfile::TempDir,
    root: Tree,
    count: u32,
}

impl Stack {
    fn new() -> Self {
        let folder = tempfile::tempdir().unwrap();
        fs::create_dir(folder.path().join("root")).unwrap();
        let root = Tree::open(&folder.path().join("root")).unwrap();
        Self { folder, root, count: 0 }
    }

    fn add(&mut self, entries: &[Vec<u8>]) {
        self.try_add(entries).unwrap();
    }

    fn try_add(&mut self, entries: &[Vec<u8>]) -> Result<(), ImageError> {
        self.count += 1;
        let path = self.folder.path().join(self.count.to_string());
        fs::create_dir(&path).unwrap();
        let budget = Budget::new(&Options::default());
        let tree = Tree::open(&path).unwrap();
        let notes = crate::layer::unpack(entries.concat().as_slice(), tree, &budget).unwrap();
        add(&self.root, &Tree::open(&path).unwrap(), &notes)
    }

    fn path(&self, name: &str) -> std::path::PathBuf {
        self.folder.path().join("root").join(name)
    }

    fn read(&self, name: &str) -> Option<String> {
        fs::read_to_string(self.path(name)).ok()
    }
}

#[test]
fn the_later_layer_is_over_the_earlier() {
    let mut stack = Stack::new();
    stack.add(&[folder("a", 0o700), file("a/x", "1"), file("a/y", "1"), file("z", "1")]);
    stack.add(&[folder("a", 0o755), file("a/y", "2"), file("a/.wh.x", ""), file("z/inside", "2")]);
    assert_eq!((stack.read("a/x"), stack.read("a/y")), (None, Some("2".into())));
    assert_eq!(stack.read("z/inside").as_deref(), Some("2"), "a directory in place of a file");
    assert_eq!(fs::metadata(stack.path("a")).unwrap().mode() & 0o777, 0o755);
}

#[test]
fn an_opaque_directory_shows_nothing_from_below() {
    let mut stack = Stack::new();
    stack.add(&[file("a/x", "1"), file("a/deep/y", "1"), file("b", "1")]);
    stack.add(&[folder("a", 0o755), file("a/.wh..wh..opq", ""), file("a/z", "2")]);
    let left: Vec<_> =
        fs::read_dir(stack.path("a")).unwrap().flatten().map(|e| e.file_name()).collect();
    assert_eq!((left, stack.read("b")), (vec!["z".into()], Some("1".into())));
}

#[test]
fn what_a_layer_has_itself_is_not_hidden_by_its_own_whiteouts() {
    let mut stack = Stack::new();
    stack.add(&[file("a", "1")]);
    stack.add(&[file("a", "2"), file(".wh.a", "")]);
    assert_eq!(stack.read("a").as_deref(), Some("2"));
}

#[test]
fn a_layer_passes_through_links_of_those_below() {
    let mut stack = Stack::new();
    stack.add(&[folder("usr/bin", 0o755), link("bin", "usr/bin"), link("out", "../../../..")]);
    stack.add(&[file("bin/x", "2"), file("out/y", "2")]);
    assert_eq!(stack.read("usr/bin/x").as_deref(), Some("2"));
    assert_eq!(stack.read("y").as_deref(), Some("2"), "up from the root is the root");
    stack.add(&[folder("bin", 0o755), file("bin/own", "3")]);
    assert_eq!((stack.read("bin/own"), stack.read("bin/x")), (Some("3".into()), None));
}

#[test]
fn whiteouts_remove_nothing_outside() {
    let mut stack = Stack::new();
    let victim = stack.folder.path().join("victim");
    fs::write(&victim, "here").unwrap();
    stack.add(&[link("out", ".."), link("abs", stack.folder.path().to_str().unwrap())]);
    stack.add(&[
        file("out/.wh.victim", ""),
        file("abs/.wh.victim", ""),
        file("out/.wh..wh..opq", ""),
    ]);
    assert!(victim.is_file());
}

#[test]
fn a_hard_link_to_a_layer_below_is_one_file_and_one_to_nothing_is_refused() {
    let hard_link = |target: &str| {
        crate::layer::tests::entry(tar::EntryType::Link, "second", b"", target, 0o644)
    };
    let mut stack = Stack::new();
    stack.add(&[file("first", "1")]);
    stack.add(&[hard_link("first")]);
    assert_eq!(stack.read("second").as_deref(), Some("1"));
    let refused = stack.try_add(&[hard_link("nowhere/at/all")]);
    assert!(matches!(refused, Err(ImageError::Refused { .. })), "{refused:?}");
}

#[test]
fn files_are_shared_with_their_layers() {
    let mut stack = Stack::new();
    stack.add(&[file("a", "1")]);
    let inode = |path: &Path| fs::metadata(path).unwrap().ino();
    assert_eq!(inode(&stack.path("a")), inode(&stack.folder.path().join("1/a")));
}

#[test]
fn mount_points_are_made_and_nothing_of_a_layer_is_written_to() {
    let mut stack = Stack::new();
    stack.add(&[
        file("proc", "a file where a directory must be"),
        link("tmp", "/nowhere"),
        link("opt", "usr/opt"),
        folder("usr/opt", 0o755),
        link("etc/resolv.conf", "/run/resolv.conf"),
        file("etc/passwd", "root:x:0:0::/:/bin/sh\n"),
    ]);
    add_mount_points(&stack.root).unwrap();
    for point in MOUNT_POINTS {
        assert!(stack.path(point).is_dir(), "{point}");
    }
    for point in MOUNT_FILES {
        assert!(fs::symlink_metadata(stack.path(point)).unwrap().is_file(), "{point}");
    }
    assert!(
        fs::symlink_metadata(stack.path("opt")).unwrap().is_symlink(),
        "it leads to a directory"
    );
    assert!(stack.read("etc/passwd").unwrap().starts_with("root"));
}
