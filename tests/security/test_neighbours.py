# SPDX-License-Identifier: Apache-2.0
"""The wall between functions: no code, memory, files or messages of another."""


def test_a_neighbours_code_is_not_there(new_probe, platform):
    platform.python("SECRET = 'recipe-4711'\ndef handler(event, context): return 1").invoke()

    found = new_probe().run(
        """
        found = []
        for top in ("/var", "/opt", "/tmp", "/home", "/root", "/mnt", "/run", "/srv"):
            for folder, inner, names in os.walk(top):
                # The interpreter, and what is installed for all functions.
                inner[:] = [name for name in inner if os.path.join(folder, name) not in ("/var/lang", "/var/runtime")]
                for name in names:
                    path = os.path.join(folder, name)
                    try:
                        if b"recipe-" + b"4711" in open(path, "rb").read(100_000): found.append(path)
                    except OSError:
                        pass
        result = found
        """
    )

    assert found == []


def test_the_store_of_code_is_not_there(probe, platform):
    names = [path.name for path in (platform.data_dir / "code").iterdir()]
    assert names

    found = probe.run(
        """
        result = [name for name in event["names"] if any(os.path.exists(os.path.join(top, name)) for top in event["tops"])]
        """,
        names=names,
        tops=["/", "/var", "/var/task/..", "/code", str(platform.data_dir / "code"), "/opt"],
    )

    assert found == []


def test_the_same_package_in_two_functions_is_shared_read_only(platform, new_probe):
    """Both see one unpacked copy; neither can leave the other a message in it."""
    one, other = new_probe(), new_probe()
    for attempt in (
        "open('/var/task/note', 'w')",
        "os.utime('/var/task/index.py', (1, 1))",
        "os.link('/var/task/index.py', '/var/task/note')",
    ):
        assert one.run(f"result = outcome(lambda: {attempt})") in ("EROFS", "EACCES", "EPERM")

    assert other.run("result = [os.path.exists('/var/task/note'), os.stat('/var/task/index.py').st_mtime == 1]") == [
        False,
        False,
    ]


def test_a_neighbours_memory_is_not_there(new_probe):
    one, other = new_probe(), new_probe()
    one.run("global held\nheld = 'secret in memory'\nresult = 1")

    found = other.run(
        """
        found = []
        for name in os.listdir("/proc"):
            if name.isdigit() and int(name) != os.getpid():
                found.append([name, text(f"/proc/{name}/environ")[:20], outcome(lambda: open(f"/proc/{name}/mem", "rb"))])
        result = found
        """
    )

    assert all(memory != "ok" or int(pid) < 10 for pid, _, memory in found)
    assert not any("secret" in environment for _, environment, _ in found)


def test_no_message_queue_is_shared(new_probe):
    one, other = new_probe(), new_probe()
    make = "result = syscall(event['make'], 4242, 128, 0o1600 | 0o666)"
    one.run("import platform\n" + make, make=29)

    found = other.run("result = syscall(29, 4242, 0, 0)")

    assert found in ("ENOENT", "EPERM", "ENOSYS")


def test_tmp_is_ones_own(new_probe):
    one, other = new_probe(), new_probe()
    one.run("open('/tmp/secret', 'w').write('x'); result = 1")

    assert other.run("result = os.listdir('/tmp')") == []


def test_a_new_environment_has_an_empty_tmp(new_probe):
    probe = new_probe()
    probe.run("open('/tmp/secret', 'w').write('x'); result = 1")
    probe.function.update_configuration(Description="a new environment")

    assert probe.run("result = os.listdir('/tmp')") == []


def test_dev_shm_is_ones_own(new_probe):
    one, other = new_probe(), new_probe()
    one.run("result = outcome(lambda: open('/dev/shm/secret', 'w').close())")

    assert other.run("result = os.path.exists('/dev/shm/secret')") is False
