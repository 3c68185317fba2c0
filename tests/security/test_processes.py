# SPDX-License-Identifier: Apache-2.0
"""The wall around processes: a function sees, signals and traces its own and no others."""

import os

from harness import processes_with, unique, wait_until


def test_only_its_own_processes_are_seen(probe):
    pids = probe.run("result = [int(name) for name in os.listdir('/proc') if name.isdigit()]")

    assert len(pids) <= 4
    assert max(pids) < 100


def test_the_server_can_not_be_signalled(probe, platform):
    result = probe.run("result = outcome(os.kill, event['pid'], 0)", pid=platform.process.pid)

    assert result in ("ESRCH", "EPERM")


def test_killing_everything_kills_only_itself(probe, platform):
    probe.attempt("os.kill(-1, 9); result = None")

    assert platform.process.poll() is None
    assert probe.run("result = 'ok'") == "ok"


def test_no_capability_is_left(probe):
    status = probe.run("result = text('/proc/self/status')")

    sets = {line.split(":")[0]: int(line.split(":")[1], 16) for line in status.splitlines() if line.startswith("Cap")}
    assert sets == {"CapInh": 0, "CapPrm": 0, "CapEff": 0, "CapBnd": 0, "CapAmb": 0}


def test_seccomp_is_on(probe):
    assert "Seccomp:\t2" in probe.run("result = text('/proc/self/status')")


def test_the_user_is_nobody_in_particular(probe, isolated):
    uid, gid, groups = probe.run("result = [os.getuid(), os.getgid(), os.getgroups()]")

    assert uid != 0
    assert gid != 0
    assert 0 not in groups


def test_every_sandbox_has_a_user_of_its_own(new_probe, isolated):
    """Seen from the host: two functions do not share a uid, so neither can touch the other's processes."""
    if isolated < 2:
        return
    one, other = new_probe(), new_probe()
    uids = {
        probe.run("result = os.stat('/tmp/x' if os.path.exists('/tmp/x') else '/proc/self').st_uid")
        for probe in (one, other)
    }
    maps = [probe.run("result = text('/proc/self/uid_map').split()") for probe in (one, other)]

    assert len(uids) == 2 or maps[0] != maps[1]


def test_names_are_its_own(probe):
    inside = probe.run(
        "result = {name: os.readlink(f'/proc/self/ns/{name}') for name in ('pid', 'mnt', 'net', 'ipc', 'uts')}"
    )

    for name, namespace in inside.items():
        assert namespace != os.readlink(f"/proc/self/ns/{name}"), name  # noqa: PTH115


def test_the_host_name_is_not_told(probe):
    assert probe.run("result = platform.node()") != os.uname().nodename


def test_background_processes_end_with_the_environment(new_probe, platform):
    """A daemon that a function leaves behind is gone once the function is."""
    mark = unique("daemon")
    probe = new_probe(Environment={"Variables": {"PYTHON_MARK": mark}})
    probe.run("subprocess.Popen(['/bin/sh', '-c', 'sleep 1000'], start_new_session=True); result = None")
    assert processes_with(mark)

    probe.function.delete()

    wait_until(lambda: not processes_with(mark), "every process of a deleted function is gone")
