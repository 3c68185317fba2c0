// SPDX-License-Identifier: Apache-2.0
//! Fixture tests: the right text in the right file, for both versions.

use super::*;
use std::fs;

/// A directory of plain files that stands for a cgroup file system.
struct Fixture {
    directory: tempfile::TempDir,
}

impl Fixture {
    fn new() -> Self {
        Self { directory: tempfile::tempdir().unwrap() }
    }

    /// Makes a group's directory with `files`, as the kernel would, and opens it.
    fn directory(&self, version: Version, files: &[(&str, &str)]) -> Directory {
        for (name, text) in files {
            fs::write(self.directory.path().join(name), text).unwrap();
        }
        Directory::open(version, CWD, self.directory.path()).unwrap()
    }

    fn text(&self, name: &str) -> String {
        fs::read_to_string(self.directory.path().join(name)).unwrap()
    }
}

#[test]
fn version_1_files_get_what_they_expect() {
    let fixture = Fixture::new();
    let open = |files: &[(&str, &str)]| fixture.directory(Version::V1, files);

    let memory = memory::Memory(open(&[
        ("memory.limit_in_bytes", ""),
        ("memory.memsw.limit_in_bytes", ""),
        ("memory.max_usage_in_bytes", "4096\n"),
        ("memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 3\n"),
        ("memory.usage_in_bytes", "1000\n"),
        (
            "memory.stat",
            "cache 99\nrss 400\nrss_huge 7\nshmem 50\ninactive_anon 99\ninactive_file 20\n\
             active_file 30\ntotal_rss 99\n",
        ),
        ("cgroup.event_control", ""),
        ("memory.force_empty", ""),
    ]));
    memory.set_limit(1 << 20).unwrap();
    assert_eq!(fixture.text("memory.limit_in_bytes"), "1048576");
    assert_eq!(fixture.text("memory.memsw.limit_in_bytes"), "1048576");
    assert_eq!(memory.peak().unwrap().bytes().unwrap(), 4096);
    assert_eq!(memory.kill_count().unwrap(), 3);
    let kinds = memory::Kinds { spare_bytes: 50, kept_bytes: 450 };
    assert_eq!((memory.bytes().unwrap(), memory.kinds().unwrap()), (1000, kinds));
    let alarm = memory.alarm(2 << 20).unwrap();
    assert!(memory.is_alarm_slow() && !alarm.is_urgent());
    alarm.acknowledge().unwrap();
    assert!(fixture.text("cgroup.event_control").ends_with(" 2097152"));
    memory.reclaim(4096).unwrap();
    assert_eq!(fixture.text("memory.force_empty"), "0");

    let cpu = cpu::Cpu(open(&[
        ("cpu.shares", ""),
        ("cpu.cfs_period_us", ""),
        ("cpu.cfs_quota_us", ""),
        ("cpu.cfs_burst_us", ""),
    ]));
    cpu.set_shares(74).unwrap();
    cpu.set_quota(7_235).unwrap();
    assert_eq!(fixture.text("cpu.shares"), "74");
    assert_eq!(fixture.text("cpu.cfs_period_us"), "100000");
    assert_eq!(fixture.text("cpu.cfs_quota_us"), "7235");
    assert_eq!(fixture.text("cpu.cfs_burst_us"), "7235");

    let pids = pids::Pids(open(&[("pids.max", "max\n")]));
    pids.set_limit(1024).unwrap();
    assert_eq!(fixture.text("pids.max"), "1024");

    let freezer = freezer::Freezer(open(&[("freezer.state", "THAWED\n")]));
    freezer.freeze().unwrap();
    assert!(freezer.is_frozen().unwrap());
    freezer.thaw().unwrap();
    assert_eq!(fixture.text("freezer.state"), "THAWED");
}

#[test]
fn version_2_files_get_what_they_expect() {
    let fixture = Fixture::new();
    let open = |files: &[(&str, &str)]| fixture.directory(Version::V2, files);

    let memory = memory::Memory(open(&[
        ("memory.max", "max\n"),
        ("memory.swap.max", "max\n"),
        ("memory.peak", "8192\n"),
        ("memory.events", "low 0\nhigh 0\nmax 9\noom 1\noom_kill 2\noom_group_kill 0\n"),
        ("memory.current", "1000\n"),
        (
            "memory.stat",
            "anon 400\nfile 99\nkernel 99\nshmem 50\ninactive_file 20\nactive_file 30\n\
             slab_reclaimable 40\nslab_unreclaimable 99\n",
        ),
        ("memory.high", "max\n"),
        ("memory.reclaim", ""),
    ]));
    memory.set_limit(1 << 20).unwrap();
    assert_eq!(fixture.text("memory.max"), "1048576");
    assert_eq!(fixture.text("memory.swap.max"), "0");
    assert_eq!(memory.peak().unwrap().bytes().unwrap(), 8192);
    assert_eq!(memory.kill_count().unwrap(), 2);
    let kinds = memory::Kinds { spare_bytes: 90, kept_bytes: 450 };
    assert_eq!((memory.bytes().unwrap(), memory.kinds().unwrap()), (1000, kinds));
    let alarm = memory.alarm(2 << 20).unwrap();
    assert!(!memory.is_alarm_slow() && alarm.is_urgent());
    alarm.acknowledge().unwrap();
    assert_eq!(fixture.text("memory.high"), "2097152");
    memory.silence().unwrap();
    assert_eq!(fixture.text("memory.high"), "max");
    memory.reclaim(4096).unwrap();
    assert_eq!(fixture.text("memory.reclaim"), "4096");

    let cpu = cpu::Cpu(open(&[("cpu.weight", ""), ("cpu.max", ""), ("cpu.max.burst", "")]));
    cpu.set_shares(1024).unwrap();
    cpu.set_quota(50_000).unwrap();
    assert_eq!(fixture.text("cpu.weight"), "39");
    assert_eq!(fixture.text("cpu.max"), "50000 100000");
    assert_eq!(fixture.text("cpu.max.burst"), "50000");

    let freezer = freezer::Freezer(open(&[
        ("cgroup.freeze", ""),
        ("cgroup.events", "populated 1\nfrozen 1\n"),
    ]));
    freezer.freeze().unwrap();
    assert_eq!(fixture.text("cgroup.freeze"), "1");
    assert!(freezer.is_frozen().unwrap());
}

#[test]
fn a_missing_file_is_an_error_where_the_limit_would_not_hold() {
    let fixture = Fixture::new();
    let directory = || fixture.directory(Version::V1, &[]);
    assert!(memory::Memory(directory()).set_limit(1).is_err());
    assert!(cpu::Cpu(directory()).set_shares(1).is_err());
    assert!(pids::Pids(directory()).set_limit(1).is_err());
    assert!(freezer::Freezer(directory()).freeze().is_err());
}

#[test]
fn a_machine_with_both_versions_is_understood() {
    let fixture = Fixture::new();
    let root = fixture.directory.path();
    for name in ["memory", "cpu,cpuacct", "pids", "freezer", "unified"] {
        fs::create_dir(root.join(name)).unwrap();
    }
    fs::write(root.join("unified/cgroup.controllers"), "hugetlb\n").unwrap();
    fs::write(root.join("unified/cgroup.procs"), "").unwrap();
    let root = root.display();
    let mounts = format!(
        "27 1 254:0 / / rw - ext4 /dev/vda rw\n\
         35 31 0:32 / {root}/memory rw,relatime - cgroup cgroup rw,memory\n\
         36 31 0:29 / {root}/cpu,cpuacct rw,relatime shared:9 - cgroup cgroup rw,cpu,cpuacct\n\
         37 31 0:34 / {root}/freezer rw,relatime - cgroup cgroup rw,freezer\n\
         41 31 0:38 / {root}/unified rw,relatime - cgroup2 cgroup2 rw\n\
         39 31 0:36 / {root}/pids rw,relatime - cgroup cgroup rw,pids\n\
         40 31 0:37 / {root}/nowhere rw,relatime - cgroup cgroup rw,name=systemd\n"
    );

    let layout = Layout::find(&mounts, "0::/\n");

    let at = |version, name: &str| Some(Place { version, path: format!("{root}/{name}").into() });
    assert_eq!(
        layout,
        Layout {
            memory: at(Version::V1, "memory"),
            cpu: at(Version::V1, "cpu,cpuacct"),
            pids: at(Version::V1, "pids"),
            freezer: at(Version::V2, "unified"),
        }
    );
}

#[test]
fn groups_come_and_go() {
    let fixture = Fixture::new();
    let root = fixture.directory.path();
    let layout = Layout {
        memory: Some(Place { version: Version::V1, path: root.to_owned() }),
        ..Layout::default()
    };
    let tree = Tree::create(&layout, "tinderbox-1");
    assert!(tree.has_memory() && !tree.has_cpu());
    tree.create_group("7").unwrap();
    assert!(root.join("tinderbox-1/7").is_dir());
    assert!(tree.open_group("8").is_err());
    tree.remove_group("7").unwrap();
    tree.remove_group("7").unwrap();
    assert!(!root.join("tinderbox-1/7").exists());

    tree.create_group("9").unwrap();
    assert_eq!(layout.list("tinderbox-"), ["tinderbox-1"]);
    layout.remove_tree("tinderbox-1").unwrap();
    assert_eq!(layout.list("tinderbox-"), Vec::<String>::new());
}
