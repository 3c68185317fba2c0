// SPDX-License-Identifier: Apache-2.0
//! Packages of every bad shape: refused with a reason, or unpacked, and never a file outside.

use super::*;
use expect_test::{Expect, expect};
use proptest::prelude::*;
use std::fmt::Write as _;
use std::io::Write as _;
use std::os::unix::fs::PermissionsExt;
use zip::write::{SimpleFileOptions, ZipWriter};

const LIMITS: PackageLimits = PackageLimits {
    zipped_bytes_max: 1 << 20,
    unzipped_bytes_max: 100_000,
    entries_max: 100,
    path_bytes_max: 1_024,
};

/// A zip from entries: `name=content`, `dir/`, `link->target`.
fn zip(entries: &[&str]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    let options = SimpleFileOptions::default();
    for entry in entries {
        if let Some((name, target)) = entry.split_once("->") {
            writer.add_symlink(name, target, options).unwrap();
        } else if let Some((name, content)) = entry.split_once('=') {
            writer.start_file(name, options.unix_permissions(0o640)).unwrap();
            writer.write_all(content.as_bytes()).unwrap();
        } else {
            writer.add_directory(*entry, options.unix_permissions(0o755)).unwrap();
        }
    }
    writer.finish().unwrap().into_inner()
}

/// Unpacks into a directory of its own and lists what is there, or says why not.
fn outcome(zip: Vec<u8>) -> String {
    let world = tempfile::tempdir().unwrap();
    let dir = world.path().join("a/b/code");
    std::fs::create_dir_all(&dir).unwrap();
    let result = Package::check(zip.into(), LIMITS).and_then(|package| package.unpack(&dir));

    for outside in [world.path().to_path_buf(), world.path().join("a"), world.path().join("a/b")] {
        assert_eq!(
            std::fs::read_dir(&outside).unwrap().count(),
            1,
            "a file outside in {}",
            outside.display()
        );
    }
    match result {
        Err(error) => format!("refused: {error}\n"),
        Ok(()) => {
            let mut text = String::new();
            list(&dir, &dir, &mut text);
            text
        }
    }
}

fn list(root: &Path, dir: &Path, text: &mut String) {
    let mut paths: Vec<_> =
        std::fs::read_dir(dir).unwrap().map(|entry| entry.unwrap().path()).collect();
    paths.sort();
    for path in paths {
        let name = path.strip_prefix(root).unwrap().display().to_string();
        let metadata = path.symlink_metadata().unwrap();
        let mode = metadata.permissions().mode() & 0o7777;
        if metadata.is_symlink() {
            writeln!(text, "{name} -> {}", std::fs::read_link(&path).unwrap().display()).unwrap();
        } else if metadata.is_dir() {
            writeln!(text, "{mode:o} {name}/").unwrap();
            list(root, &path, text);
        } else {
            writeln!(text, "{mode:o} {name} {}", metadata.len()).unwrap();
        }
    }
}

#[expect(clippy::needless_pass_by_value, reason = "expect_test reads better by value")]
fn check(entries: &[&str], expected: Expect) {
    expected.assert_eq(&outcome(zip(entries)));
}

/// The same, with the bytes of the finished zip changed first.
fn patched(entries: &[&str], patch: impl FnOnce(&mut Vec<u8>)) -> String {
    let mut bytes = zip(entries);
    patch(&mut bytes);
    outcome(bytes)
}

/// Where the first central header starts.
fn central(bytes: &[u8]) -> usize {
    bytes.windows(4).position(|window| window == b"PK\x01\x02").unwrap()
}

#[test]
fn files_keep_their_modes_and_directories_appear() {
    check(
        &["index.py=print()", "lib/", "lib/deep/x.txt=hello", "./dot//two.txt=2", "./"],
        expect![[r"
            755 dot/
            640 dot/two.txt 1
            640 index.py 7
            755 lib/
            755 lib/deep/
            640 lib/deep/x.txt 5
        "]],
    );
}

#[test]
fn a_zip_without_unix_modes_gets_the_usual_ones() {
    let text = patched(&["index.py=1", "lib/"], |bytes| {
        let first = central(bytes);
        let second = first + 4 + central(&bytes[first + 4..]);
        bytes[first + 5] = 0;
        bytes[second + 5] = 0;
    });
    expect![[r"
        644 index.py 1
        755 lib/
    "]]
    .assert_eq(&text);
}

#[test]
fn setuid_is_dropped_and_special_files_are_refused() {
    let with_mode = |mode: u16| {
        patched(&["tool=1"], |bytes| {
            let at = central(bytes) + 40;
            bytes[at..at + 2].copy_from_slice(&mode.to_le_bytes());
        })
    };
    expect!["755 tool 1\n"].assert_eq(&with_mode(0o106_755));
    expect!["refused: the entry `tool` is a device, a pipe or a socket\n"]
        .assert_eq(&with_mode(0o060_644));
    expect!["refused: the entry `tool` is a device, a pipe or a socket\n"]
        .assert_eq(&with_mode(0o010_644));
}

#[test]
fn paths_out_of_the_package_are_refused() {
    check(&["../evil=1"], expect!["refused: the entry `../evil` has `..` in its path\n"]);
    check(&["a/../../evil=1"], expect!["refused: the entry `a/../../evil` has `..` in its path\n"]);
    check(&["/etc/evil=1"], expect!["refused: the entry `/etc/evil` has an absolute path\n"]);
    check(
        &["..\\evil=1"],
        expect![
            "refused: the entry `..\\evil` has a backslash in its path; a zip separates directories with `/`\n"
        ],
    );
}

#[test]
fn links_stay_inside_or_are_refused() {
    check(
        &["a/b/c=1", "a/up->../a/b/c", "short->a/b", "nothing->a/none"],
        expect![[r"
            755 a/
            755 a/b/
            640 a/b/c 1
            a/up -> ../a/b/c
            nothing -> a/none
            short -> a/b
        "]],
    );
    check(
        &["evil->../x"],
        expect!["refused: the entry `evil` is a link that leads out of the package\n"],
    );
    check(
        &["evil->/etc/passwd"],
        expect!["refused: the entry `evil` is a link that leads out of the package\n"],
    );
    // Inside by its text alone, outside through the other link.
    check(
        &["deep/er/root->../..", "evil->deep/er/root/../.."],
        expect!["refused: the entry `evil` is a link that leads out of the package\n"],
    );
    check(
        &["one->two", "two->one"],
        expect!["refused: the entry `one` is a link that leads out of the package\n"],
    );
    check(
        &["dir->/tmp", "dir/evil=1"],
        expect!["refused: the entry `dir/evil` has a path that goes through a file or a link\n"],
    );
}

#[test]
fn a_name_may_come_twice_but_not_as_two_kinds() {
    check(&["x=first", "./x=second!"], expect!["640 x 7\n"]);
    check(
        &["x=1", "x/y=2"],
        expect!["refused: the entry `x/y` has a path that goes through a file or a link\n"],
    );
    check(&["x/", "./x=2"], expect!["refused: the entry `x` is both a directory and a file\n"]);
}

#[test]
fn what_is_too_large_is_refused() {
    let zeros = "0".repeat(60_000);
    let (one, two) = (format!("one={zeros}"), format!("two={zeros}"));
    check(&[&one, &two], expect!["refused: unpacked, the package has more than 100000 bytes\n"]);

    let names: Vec<_> = (0..101).map(|number| format!("{number}=")).collect();
    let names: Vec<_> = names.iter().map(String::as_str).collect();
    check(&names, expect!["refused: the package has more than 100 entries\n"]);

    let deep = format!("{}x=1", "d/".repeat(100));
    check(&[&deep], expect!["refused: the package has more than 100 entries\n"]);
    let long = format!("{}x=1", "d".repeat(256));
    assert!(outcome(zip(&[&long])).ends_with("has a name longer than 255 bytes\n"));
}

#[test]
fn a_header_that_lies_about_its_size_does_not_help() {
    let zeros = format!("bomb={}", "0".repeat(150_000));
    let text = patched(&[&zeros], |bytes| {
        let at = central(bytes) + 24;
        bytes[at..at + 4].copy_from_slice(&1_u32.to_le_bytes());
    });
    expect!["refused: unpacked, the package has more than 100000 bytes\n"].assert_eq(&text);
}

#[test]
fn what_is_no_package_is_refused() {
    expect!["refused: the package is empty\n"].assert_eq(&outcome(Vec::new()));
    expect!["refused: the package is empty\n"].assert_eq(&outcome(zip(&[])));
    expect!["refused: the package cannot be read as a zip\n"]
        .assert_eq(&outcome(b"import os".to_vec()));
    expect!["refused: the zip has 1048577 bytes, more than 1048576\n"]
        .assert_eq(&outcome(vec![0; (1 << 20) + 1]));

    let encrypted = patched(&["x=1"], |bytes| {
        let at = central(bytes) + 8;
        bytes[at] |= 1;
    });
    expect!["refused: the entry `x` is encrypted\n"].assert_eq(&encrypted);

    let corrupt = patched(&["x=11111111111111111111"], |bytes| {
        let at = central(bytes) + 16;
        bytes[at] ^= 0xff;
    });
    expect!["refused: the entry `x` cannot be decompressed\n"].assert_eq(&corrupt);
}

/// Everything that may be in a package, and small.
fn sample() -> Vec<u8> {
    zip(&[
        "index.py=print(1)",
        "lib/",
        "lib/data=0000000000000000000000000000",
        "lib/link->data",
        "bin/run=#!",
    ])
}

#[test]
fn a_package_cut_anywhere_is_refused() {
    let whole = sample();
    for length in 0..whole.len() {
        assert!(outcome(whole[..length].to_vec()).starts_with("refused"), "cut to {length} bytes");
    }
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 1_000, failure_persistence: None, ..ProptestConfig::default() })]

    /// `outcome` itself asserts that nothing is written outside, and no case may panic.
    #[test]
    fn a_damaged_package_never_escapes(damage in prop::collection::vec((any::<prop::sample::Index>(), any::<u8>()), 1..6)) {
        let mut bytes = sample();
        for (index, value) in damage {
            let at = index.index(bytes.len());
            bytes[at] = value;
        }
        outcome(bytes);
    }

    #[test]
    fn any_bytes_are_no_package(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        prop_assert!(outcome(bytes).starts_with("refused"));
    }

    /// Names made of the parts that matter: the package either says why not, or stays inside.
    #[test]
    fn no_name_leads_out(parts in prop::collection::vec("(\\.\\.|\\.|/|a|b|->|=|\\\\)", 1..12)) {
        let entry = parts.concat();
        // The writer of the tests refuses a name that comes twice.
        let is_new = !entry.starts_with("a/b=") && !entry.starts_with("a/b->");
        if is_new && !entry.starts_with("->") && entry.contains('=') {
            outcome(zip(&["a/b=1", &entry]));
        }
    }
}
