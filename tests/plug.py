# SPDX-License-Identifier: Apache-2.0
"""A disk whose plug can be pulled.

The disk is one file of a filesystem in user space (FUSE), under a loop device, under ext4. Like a real disk it has a
volatile cache: what is written counts only after a flush, which the kernel sends where a program calls fsync. `cut`
copies the disk as a loss of power would leave it: all that was flushed, and of the rest those sectors that the disk
happened to have written, in whatever order. Whoever writes is not disturbed, so one run can be cut many times.

The kernel's part of the protocol: include/uapi/linux/fuse.h, version 7.31.
"""

import contextlib
import ctypes
import errno
import mmap
import os
import random
import struct
import subprocess
import threading
from pathlib import Path

SECTOR = 512
CHUNK = 1 << 20
WRITE_MAX = 128 * 1024

GETATTR, SETATTR, OPEN, READ, WRITE, RELEASE = 3, 4, 14, 15, 16, 18
FSYNC, FLUSH, INIT, INTERRUPT, DESTROY, FORGET, BATCH_FORGET = 20, 25, 26, 36, 38, 2, 42
HEADER = struct.Struct("<IIQQIIII")
INIT_ANSWER = struct.Struct("<IIIIHHIIHHI28x")
WRITE_HEADER = 40
BIG_WRITES, MAX_PAGES = 1 << 5, 1 << 22
MS_NOSUID, MS_NODEV = 2, 4

libc = ctypes.CDLL(None, use_errno=True)


def why_not():
    """What is missing for such a disk here, or `None`."""
    if os.geteuid() != 0:
        return "only root can mount a disk"
    if not Path("/dev/fuse").exists() or not Path("/dev/loop-control").exists():
        return "there is no /dev/fuse or no /dev/loop-control here"
    return None


class Plugged:
    """A mounted ext4 of `size` bytes below `home`."""

    def __init__(self, home, size):
        self.file, self.mount = home / "disk", home / "mounted"
        self.flushed = mmap.mmap(-1, size)
        # What was written since the last flush: offset and bytes.
        self.cache = []
        self.flushes = 0
        self.lock = threading.Lock()
        self.file.touch()
        self.mount.mkdir()
        self._attach()
        run("mkfs.ext4", "-q", "-F", "-E", "lazy_itable_init=0,lazy_journal_init=0,nodiscard", self.file)
        run("mount", "-o", "loop", self.file, self.mount)

    def _attach(self):
        self.fuse = os.open("/dev/fuse", os.O_RDWR)
        options = f"fd={self.fuse},rootmode=100000,user_id=0,group_id=0".encode()
        if libc.mount(b"plug", str(self.file).encode(), b"fuse", MS_NOSUID | MS_NODEV, options) != 0:
            raise OSError(ctypes.get_errno(), "mount")
        self.thread = threading.Thread(target=self._serve, daemon=True)
        self.thread.start()

    def discard(self):
        run("umount", "-l", self.mount)
        run("umount", "-l", self.file)
        self.thread.join()
        os.close(self.fuse)

    def cut(self, image, seed):
        """Writes what a loss of power would leave at this moment to the file `image`."""
        chance = random.Random(seed)
        with self.lock:
            left = bytearray(self.flushed)
            cache = list(self.cache)
        chance.shuffle(cache)
        kept = chance.choice([0.0, 0.3, 0.7, 1.0])
        for offset, written in cache:
            for start in range(0, len(written), SECTOR):
                if chance.random() < kept:
                    sector = written[start : start + SECTOR]
                    left[offset + start : offset + start + len(sector)] = sector
        with image.open("wb") as file:
            file.truncate(len(left))
            for start in range(0, len(left), CHUNK):
                chunk = left[start : start + CHUNK]
                if any(chunk):
                    file.seek(start)
                    file.write(chunk)

    # -- the kernel's requests ----------------------------------------------------------------------------------

    def _serve(self):
        while True:
            try:
                request = os.read(self.fuse, WRITE_MAX + 4096)
            except OSError as error:
                if error.errno in (errno.EINTR, errno.ENOENT, errno.EAGAIN):
                    continue
                return  # unmounted
            length, opcode, unique, *_ = HEADER.unpack_from(request)
            if opcode in (FORGET, BATCH_FORGET, INTERRUPT):
                continue
            try:
                error, answer = 0, self._answer(opcode, memoryview(request)[HEADER.size : length])
            except OSError as refused:
                error, answer = -refused.errno, b""
            with contextlib.suppress(OSError):
                os.write(self.fuse, struct.pack("<IiQ", 16 + len(answer), error, unique) + answer)
            if opcode == DESTROY:
                return

    def _answer(self, opcode, body):
        if opcode == INIT:
            _, minor, readahead, flags = struct.unpack_from("<IIII", body)
            flags &= BIG_WRITES | MAX_PAGES
            pages = WRITE_MAX // mmap.PAGESIZE
            return INIT_ANSWER.pack(7, min(minor, 31), readahead, flags, 16, 12, WRITE_MAX, 1, pages, 0, 0)
        if opcode in (GETATTR, SETATTR):
            return struct.pack("<QII", 3600, 0, 0) + self._attributes()
        if opcode == OPEN:
            return struct.pack("<QII", 1, 0, 0)
        if opcode == READ:
            return self._read(*struct.unpack_from("<QQI", body)[1:])
        if opcode == WRITE:
            _, offset, size = struct.unpack_from("<QQI", body)
            with self.lock:
                self.cache.append((offset, bytes(body[WRITE_HEADER : WRITE_HEADER + size])))
            return struct.pack("<II", size, 0)
        if opcode == FSYNC:
            self._flush()
            return b""
        if opcode in (FLUSH, RELEASE, DESTROY):
            return b""
        raise OSError(errno.ENOSYS, "not needed by a disk")

    def _attributes(self):
        size = len(self.flushed)
        return struct.pack(
            "<QQQQQQIIIIIIIIII", 1, size, size // SECTOR, 0, 0, 0, 0, 0, 0, 0o100600, 1, 0, 0, 0, 4096, 0
        )

    def _read(self, offset, size):
        with self.lock:
            found = bytearray(self.flushed[offset : offset + size])
            end = offset + len(found)
            for start, written in self.cache:
                low, high = max(start, offset), min(start + len(written), end)
                if low < high:
                    found[low - offset : high - offset] = written[low - start : high - start]
        return bytes(found)

    def _flush(self):
        with self.lock:
            for offset, written in self.cache:
                self.flushed[offset : offset + len(written)] = written
            self.cache.clear()
            self.flushes += 1


@contextlib.contextmanager
def plugged_again(image, mount):
    """The disk that `cut` left, mounted at `mount`: the kernel recovers its journal, as after any loss of power."""
    mount.mkdir()
    run("mount", "-o", "loop", image, mount)
    try:
        yield mount
    finally:
        run("umount", "-l", mount)
        mount.rmdir()


def run(*command):
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    assert done.returncode == 0, f"{command[0]}: {done.stderr}"
