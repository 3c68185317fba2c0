# SPDX-License-Identifier: Apache-2.0
"""The wall around the launcher, which is root: its socket and descriptors never reach a function."""


def test_no_descriptor_leaks_in(probe):
    """Standard streams, the runtime's own connection, and nothing that leads out."""
    found = probe.run(
        """
        result = {}
        for name in os.listdir("/proc/self/fd"):
            try:
                result[name] = os.readlink(f"/proc/self/fd/{name}")
            except OSError:
                pass
        """
    )

    leads = {name: target for name, target in found.items() if not harmless(target)}
    assert leads == {}


def harmless(target):
    return target.startswith(
        ("pipe:", "/dev/null", "/proc/", "/var/task", "/var/runtime", "/dev/urandom", "/tmp", "socket:")
    )


def test_no_socket_is_connected_to_anyone_but_the_runtime_api(probe):
    found = probe.run(
        """
        result = []
        for name in os.listdir("/proc/self/fd"):
            try:
                s = socket.socket(fileno=os.dup(int(name)))
            except (OSError, ValueError):
                continue
            with s:
                if s.family == socket.AF_UNIX:
                    result.append(["unix", name])
                elif s.family in (socket.AF_INET, socket.AF_INET6):
                    try:
                        result.append(["inet", s.getpeername()[1]])
                    except OSError:
                        pass
        """
    )

    assert [kind for kind, _ in found if kind == "unix"] == []
    assert {port for kind, port in found if kind == "inet"} <= {9001}


def test_no_folder_descriptor_leads_out(probe):
    """An open folder of the host would be a door: `..` from it leads around every mount."""
    found = probe.run(
        """
        result = []
        for name in os.listdir("/proc/self/fd"):
            try:
                if stat.S_ISDIR(os.fstat(int(name)).st_mode): result.append(os.listdir(int(name)))
            except OSError:
                pass
        """
    )

    assert all("1" in names or names == [] for names in found), "only /proc/self/fd itself may be open"


def test_a_child_inherits_nothing(probe):
    found = probe.run(
        "result = subprocess.check_output(['/bin/sh', '-c', 'ls /proc/self/fd'], close_fds=False).decode().split()"
    )

    assert set(found) <= {"0", "1", "2", "3"}


def test_no_unix_socket_is_in_sight(probe):
    found = probe.run(
        """
        found = []
        for top in ("/run", "/tmp", "/var", "/dev"):
            for folder, _, names in os.walk(top):
                for name in names:
                    path = os.path.join(folder, name)
                    if stat.S_ISSOCK(os.lstat(path).st_mode): found.append(path)
        result = found
        """
    )

    assert found == []


def test_the_parent_can_not_be_reached(probe):
    """Whatever is process 1 in there, it is not traceable and its files are not readable."""
    found = probe.run(
        """
        result = {
            "mem": outcome(lambda: open("/proc/1/mem", "rb")) if os.getpid() != 1 else "self",
            "root": outcome(os.listdir, "/proc/1/root") if os.getpid() != 1 else "self",
            "fd": outcome(os.listdir, "/proc/1/fd") if os.getpid() != 1 else "self",
        }
        """
    )

    assert set(found.values()) <= {"self", "EACCES", "EPERM", "ENOENT"}


def test_no_setting_of_the_server_leaks_in(probe):
    environment = probe.run("result = dict(os.environ)")

    assert not [name for name in environment if name.startswith(("TINDERBOX", "CARGO", "SSH", "SUDO", "XDG", "PYTEST"))]


def test_the_first_process_can_not_be_signalled_away(new_probe):
    """It is the same user as the function. The kernel keeps signals from it that it has no handler for."""
    probe = new_probe()

    told = probe.run(
        """
        result = {number: outcome(os.kill, 1, number) for number in range(1, 65) if number not in (32, 33)}
        """
    )

    assert set(told.values()) <= {"ok", "EPERM"}
    assert probe.run("result = text('/proc/1/stat').split()[2]") in ("S", "R")
    # It still does its work: it sees the runtime end, and starts it again.
    assert probe.attempt("os._exit(1)").fault()["errorType"] == "Runtime.ExitError"
    assert probe.run("result = 'well'") == "well"


def test_what_is_done_to_the_first_process_hurts_only_the_function_itself(new_probe, platform):
    """Its limits may be lowered by its own user: then the sandbox is replaced."""
    probe, neighbour = new_probe(), new_probe()

    probe.run(
        """
        result = []
        for limit in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC, resource.RLIMIT_AS, resource.RLIMIT_CPU):
            result.append(outcome(resource.prlimit, 1, limit, (0, 0)))
        result.append(outcome(os.setpriority, os.PRIO_PROCESS, 1, 19))
        """
    )
    probe.attempt("os._exit(1)")

    assert neighbour.run("result = 'well'") == "well"
    assert probe.attempt("result = 'well'").status == 200
    assert probe.run("result = 'well'") == "well"
    assert platform.process.poll() is None
