# SPDX-License-Identifier: Apache-2.0
"""The wall around files: a function sees the runtime and its own code, and writes to /tmp alone."""

import pytest


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "/etc",
        "/usr",
        "/usr/bin",
        "/var",
        "/var/task",
        "/var/runtime",
        "/opt",
        "/bin",
        "/dev",
        "/proc",
        "/home",
        "/root",
    ],
)
def test_nothing_but_tmp_can_be_written(probe, path):
    result = probe.run(
        """
        path = os.path.join(event["path"], "planted")
        result = outcome(lambda: open(path, "w").close())
        """,
        path=path,
    )

    assert result in ("EROFS", "EACCES", "EPERM", "ENOENT")


def test_tmp_can_be_written(probe):
    assert probe.run("result = outcome(lambda: open('/tmp/mine', 'w').close())") == "ok"


def test_code_can_not_be_changed(probe):
    result = probe.run(
        """
        result = [outcome(os.chmod, "/var/task/index.py", 0o777), outcome(os.unlink, "/var/task/index.py"),
                  outcome(os.rename, "/var/task/index.py", "/var/task/x"), outcome(os.truncate, "/var/task/index.py", 0)]
        """
    )

    assert not set(result) & {"ok"}


def test_the_hosts_files_are_not_there(probe, platform, secret):
    result = probe.run(
        """
        result = {path: text(path) for path in event["paths"]}
        """,
        paths=[secret, str(platform.data_dir / "store.db"), str(platform.log_path), "/etc/shadow", "/root/.bashrc"],
    )

    assert set(result.values()) <= {"ENOENT", "EACCES", "ENOTDIR"}


def test_the_data_directory_is_nowhere(probe, platform):
    """Neither under its own path nor among the mounts."""
    found = probe.run(
        """
        result = [os.path.exists(event["path"]), text("/proc/self/mountinfo"), text("/proc/mounts")]
        """,
        path=str(platform.data_dir),
    )

    assert found[0] is False
    assert "store.db" not in found[1]


@pytest.mark.parametrize(
    "path",
    [
        "/proc/1/root/etc/shadow",
        "/proc/self/root/../../etc/shadow",
        "/proc/self/cwd/../../../../etc/shadow",
        "/tmp/../etc/shadow",
    ],
)
def test_no_path_leads_around_the_root(probe, path):
    assert probe.run("result = text(event['path'])", path=path) in ("ENOENT", "EACCES", "EPERM")


@pytest.mark.parametrize(
    "path",
    [
        "/proc/sys/kernel/core_pattern",
        "/proc/sys/kernel/modprobe",
        "/proc/sysrq-trigger",
        "/proc/sys/vm/drop_caches",
        "/sys/kernel/uevent_helper",
        "/sys/fs/cgroup/release_agent",
        "/sys/fs/cgroup/memory/release_agent",
        "/sys/fs/cgroup/cgroup.procs",
    ],
)
def test_the_kernels_switches_are_out_of_reach(probe, path):
    result = probe.run("result = outcome(lambda: os.close(os.open(event['path'], os.O_WRONLY)))", path=path)

    assert result in ("ENOENT", "EACCES", "EROFS", "EPERM")


@pytest.mark.parametrize(
    "path",
    ["/proc/kcore", "/proc/kallsyms", "/proc/keys", "/proc/timer_list", "/proc/sched_debug", "/dev/mem", "/dev/kmsg"],
)
def test_the_kernels_secrets_are_out_of_reach(probe, path):
    result = probe.run(
        """
        try:
            with open(event["path"], "rb") as f: result = len(f.read(4096).translate(None, b"0 "))
        except OSError as error:
            result = errno.errorcode[error.errno]
        """,
        path=path,
    )

    # /proc/kallsyms may be there, with every address a zero.
    assert isinstance(result, str) or result == 0 or path == "/proc/kallsyms"
    if path == "/proc/kallsyms" and not isinstance(result, str):
        addresses = probe.run("result = [line.split()[0] for line in open('/proc/kallsyms').readlines()[:50]]")
        assert {int(address, 16) for address in addresses} <= {0}


def test_devices_are_few(probe):
    result = probe.run(
        """
        found = []
        for folder, _, names in os.walk("/dev"):
            for name in names:
                mode = os.lstat(os.path.join(folder, name)).st_mode
                if stat.S_ISBLK(mode) or stat.S_ISCHR(mode): found.append(os.path.join(folder, name))
        result = found
        """
    )

    assert set(result) <= {
        f"/dev/{name}" for name in ("null", "zero", "full", "random", "urandom", "tty", "ptmx", "pts/ptmx")
    }


def test_no_device_can_be_made(probe):
    result = probe.run("result = outcome(os.mknod, '/tmp/disk', 0o666 | stat.S_IFBLK, os.makedev(8, 0))")

    assert result in ("EPERM", "EACCES")


def test_a_set_user_id_program_gives_nothing(probe):
    result = probe.run(
        """
        result = [text("/proc/self/status"), outcome(os.setuid, 0), outcome(os.setgid, 0)]
        """
    )

    assert "NoNewPrivs:\t1" in result[0]
    # In a user namespace there is no other user than its own.
    assert set(result[1:]) <= {"EPERM", "EINVAL"}
