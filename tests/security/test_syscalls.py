# SPDX-License-Identifier: Apache-2.0
"""The wall of system calls: what could widen a sandbox is refused by the kernel before it is looked at."""

import platform

import pytest

# Numbers on x86_64; since 424 they are the same everywhere.
NUMBERS = {
    "x86_64": {
        "mount": 165, "umount2": 166, "pivot_root": 155, "chroot": 161, "unshare": 272, "setns": 308, "ptrace": 101,
        "process_vm_readv": 310, "process_vm_writev": 311, "bpf": 321, "perf_event_open": 298, "userfaultfd": 323,
        "keyctl": 250, "add_key": 248, "request_key": 249, "kexec_load": 246, "init_module": 175, "finit_module": 313,
        "delete_module": 176, "reboot": 169, "swapon": 167, "swapoff": 168, "acct": 163, "quotactl": 179, "syslog": 103,
        "iopl": 172, "ioperm": 173, "open_by_handle_at": 304, "name_to_handle_at": 303, "clock_settime": 227,
        "settimeofday": 164, "adjtimex": 159, "vhangup": 153, "sethostname": 170, "setdomainname": 171, "lookup_dcookie": 212,
        "kcmp": 312, "fanotify_init": 300, "kexec_file_load": 320, "move_pages": 279, "migrate_pages": 256, "modify_ldt": 154,
    },
    "aarch64": {
        "mount": 40, "umount2": 39, "pivot_root": 41, "chroot": 51, "unshare": 97, "setns": 268, "ptrace": 117,
        "process_vm_readv": 270, "process_vm_writev": 271, "bpf": 280, "perf_event_open": 241, "userfaultfd": 282,
        "keyctl": 219, "add_key": 217, "request_key": 218, "kexec_load": 104, "init_module": 105, "finit_module": 273,
        "delete_module": 106, "reboot": 142, "swapon": 224, "swapoff": 225, "acct": 89, "quotactl": 60, "syslog": 116,
        "open_by_handle_at": 265, "name_to_handle_at": 264, "clock_settime": 112, "settimeofday": 170, "adjtimex": 171,
        "vhangup": 58, "sethostname": 161, "setdomainname": 162, "lookup_dcookie": 18, "kcmp": 272, "fanotify_init": 262,
        "kexec_file_load": 294, "move_pages": 239, "migrate_pages": 238,
    },
}[platform.machine()]  # fmt: skip
NUMBERS |= {
    "io_uring_setup": 425, "io_uring_enter": 426, "io_uring_register": 427, "open_tree": 428, "move_mount": 429,
    "fsopen": 430, "fsconfig": 431, "fsmount": 432, "fspick": 433, "mount_setattr": 442, "pidfd_getfd": 438,
    "quotactl_fd": 443, "open_tree_attr": 467,
}  # fmt: skip
# `ptrace` with request 0 (traceme) would be harmless; the others fail on their arguments when they are let through.
REFUSED = {"EPERM", "ENOSYS", "EACCES"}
NEW_NAMESPACES = {
    "user": 0x10000000, "mount": 0x00020000, "pid": 0x20000000, "net": 0x40000000, "ipc": 0x08000000, "uts": 0x04000000,
    "cgroup": 0x02000000, "time": 0x00000080,
}  # fmt: skip


@pytest.mark.parametrize("name", sorted(NUMBERS))
def test_a_call_that_no_function_needs(probe, name):
    result = probe.run("result = syscall(event['number'], 0, 0, 0, 0, 0)", number=NUMBERS[name])

    assert result in REFUSED, f"{name}: {result}"


@pytest.mark.parametrize("kind", sorted(NEW_NAMESPACES))
def test_no_namespace_can_be_made(probe, kind):
    """By `unshare` and by `clone`: a user namespace would give every capability inside it."""
    clone = 56 if platform.machine() == "x86_64" else 220
    result = probe.run(
        """
        result = [syscall(event["unshare"], event["flag"])]
        parent = os.getpid()
        if event["flag"] != 0x80:  # in `clone` this bit is part of the signal number
            result.append(syscall(event["clone"], event["flag"] | signal.SIGCHLD, 0, 0, 0, 0))
            if os.getpid() != parent: os._exit(0)
        """,
        unshare=NUMBERS["unshare"],
        clone=clone,
        flag=NEW_NAMESPACES[kind],
    )

    assert set(result) <= REFUSED


def test_clone3_is_not_there(probe):
    """Its flags lie in memory, where a filter can not look. C libraries fall back to clone."""
    assert probe.run("result = syscall(435, 0, 0)") == "ENOSYS"


def test_a_terminal_can_not_be_typed_into(probe):
    """TIOCSTI puts characters into the input of whoever owns the terminal."""
    result = probe.run(
        """
        import fcntl
        result = outcome(fcntl.ioctl, 0, 0x5412, b"x")
        """
    )

    assert result == "EPERM"


@pytest.mark.parametrize("name", ["mount", "unshare", "ptrace", "bpf"])
def test_the_filter_can_not_be_left_by_another_architecture(probe, name):
    """The same calls under their x32 numbers."""
    if platform.machine() != "x86_64":
        pytest.skip("x86_64 alone has a second set of numbers")
    number = {"ptrace": 521}.get(name, NUMBERS[name])
    attempt = probe.attempt(f"result = syscall(0x40000000 | {number}, 0, 0, 0, 0, 0)")

    assert attempt.error == "Unhandled" or attempt.json() in REFUSED


def test_no_program_gains_by_being_set_user_id(probe):
    result = probe.run(
        """
        found = [p for p in ("/bin/su", "/usr/bin/su", "/bin/mount", "/usr/bin/passwd") if os.path.exists(p)]
        result = [subprocess.run(["/bin/sh", "-c", "id -u"], capture_output=True, text=True).stdout.strip(), found]
        """
    )

    assert result[0] != "0"


def test_ordinary_programs_are_not_hindered(probe):
    """A wall that breaks customers' code is no use: threads, children, pipes, sockets, maps all work."""
    result = probe.run(
        """
        import concurrent.futures, mmap, multiprocessing.dummy, sqlite3, ssl, tempfile
        with concurrent.futures.ThreadPoolExecutor(8) as pool: total = sum(pool.map(int, range(100)))
        child = subprocess.run(["/bin/sh", "-c", "echo hi | cat"], capture_output=True, text=True).stdout
        a, b = socket.socketpair(); a.send(b"x"); pair = b.recv(1)
        with tempfile.TemporaryFile() as f:
            f.write(b"y" * 4096); f.flush(); mapped = mmap.mmap(f.fileno(), 4096)[0]
        db = sqlite3.connect("/tmp/db"); db.execute("create table t (a)"); db.commit()
        result = [total, child, pair.decode(), mapped, os.cpu_count() > 0]
        """
    )

    assert result == [4950, "hi\n", "x", 121, True]
