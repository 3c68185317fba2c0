// SPDX-License-Identifier: Apache-2.0
//! A program is written down as it waits, and goes on from there in other sandboxes, as often as one likes.

#![allow(
    clippy::tests_outside_test_module,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stderr,
    reason = "the whole file is tests"
)]

mod harness;

use harness::{is_root, limited, options, read_until, start};
use sandbox::{Launcher, Sandbox, SnapshotError, Spec};
use tempfile::NamedTempFile;
use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
use tokio::net::TcpStream;

/// Waits on a connection as a runtime does, and prints what it knows once it may go on.
fn python(before: &str, after: &str) -> Spec {
    let script = format!(
        "import os, socket, sys, threading, tempfile\n{before}\n\
         s = socket.create_connection(('127.0.0.1', 9001))\n\
         s.sendall(b'ready')\nwhat = s.recv(100)\n{after}\n\
         sys.stdout.flush()\ns.sendall(b'done')\ns.recv(100)\n"
    );
    let mut spec = Spec::new(["/usr/bin/python3", "-c", &script]);
    spec.env.push(("PATH".into(), "/usr/local/bin:/usr/bin:/bin".into()));
    spec.cwd = "/tmp".into();
    spec
}

/// Lets a program come to where it waits, and takes a snapshot.
async fn snapshot(launcher: &Launcher, spec: &Spec) -> Result<NamedTempFile, SnapshotError> {
    let sandbox = launcher.launch(spec.clone()).await.unwrap();
    let mut connection = match sandbox.connection {
        Some(connection) => connection,
        None => limited(sandbox.runtime_api.accept()).await.unwrap().0,
    };
    let mut told = [0; 5];
    limited(connection.read_exact(&mut told)).await.unwrap();
    let file = NamedTempFile::new().unwrap();
    let port = connection.peer_addr().unwrap().port();
    limited(sandbox.process.take_snapshot(file.as_file(), port)).await?;
    Ok(file)
}

async fn go_on(launcher: &Launcher, spec: &Spec, file: &NamedTempFile) -> (Sandbox, TcpStream) {
    let mut sandbox = limited(launcher.restore(spec.clone(), file.as_file())).await.unwrap();
    let mut connection = sandbox.connection.take().unwrap();
    connection.write_all(b"go").await.unwrap();
    (sandbox, connection)
}

async fn printed(sandbox: &Sandbox) -> String {
    read_until(sandbox, |text| text.contains("end\n")).await
}

#[tokio::test]
async fn a_program_goes_on_from_a_snapshot_more_than_once() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let before = "known = os.urandom(8).hex(); big = bytearray(b'x' * 5_000_000)\n\
                  open('/tmp/kept', 'w').write(known)\n\
                  shown = open('/tmp/kept'); shown.read(3)\n\
                  r, w = os.pipe(); a, b = socket.socketpair()";
    let after = "os.write(w, b'pipe'); a.send(b'pair')\n\
                 print(known, os.getpid(), what, len(big), open('/tmp/kept').read() == known,\n\
                       shown.read() == known[3:], os.read(r, 9), b.recv(9), 'end')";
    let spec = python(before, after);
    let file = snapshot(&launcher, &spec).await.unwrap();
    let mut seen = Vec::new();
    for _ in 0..3 {
        let (sandbox, _connection) = go_on(&launcher, &spec, &file).await;
        seen.push(printed(&sandbox).await);
    }
    let rest = " 2 b'go' 5000000 True True b'pipe' b'pair' end\n";
    assert!(seen[0].ends_with(rest) && seen[0].len() == 16 + rest.len(), "{seen:?}");
    assert!(seen.iter().all(|text| *text == seen[0]), "{seen:?}");
}

/// Locks and runtimes know threads by their numbers.
#[tokio::test]
async fn threads_keep_their_numbers() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let before = "asked = threading.Event()\n\
                  def wait():\n    asked.wait()\n    seen.append(threading.get_native_id())\n\
                  def ended(count):\n    for _ in range(count):\n        t = threading.Thread(target=int); t.start(); t.join()\n\
                  seen, threads = [], []\n\
                  for gap in (0, 3, 0, 40):\n    ended(gap); t = threading.Thread(target=wait); t.start(); threads.append(t)\n\
                  ended(5)\n\
                  numbers = [t.native_id for t in threads]";
    let after = "asked.set(); [t.join() for t in threads]\n\
                 print(sorted(seen) == numbers, threading.get_native_id(), 'end')";
    let spec = python(before, after);
    let file = snapshot(&launcher, &spec).await.unwrap();
    for _ in 0..2 {
        let (sandbox, _connection) = go_on(&launcher, &spec, &file).await;
        assert_eq!(printed(&sandbox).await, "True 2 end\n");
    }
}

/// What is mapped of a file of `/tmp` is still that file, and code that was loaded from there is still there.
#[tokio::test]
async fn files_of_tmp_stay_mapped() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let before = "import ctypes, mmap, shutil\n\
                  open('/tmp/file', 'wb').write(b'0' * 9000)\n\
                  file = open('/tmp/file', 'r+b')\n\
                  shared = mmap.mmap(file.fileno(), 9000)\n\
                  shown = mmap.mmap(file.fileno(), 9000, access=mmap.ACCESS_READ)\n\
                  own = mmap.mmap(file.fileno(), 9000, access=mmap.ACCESS_COPY)\n\
                  shared[0:1] = b'1'; own[8999:] = b'2'\n\
                  library = next(l.split()[-1] for l in open('/proc/self/maps') if 'libz.so' in l or 'libm.so' in l)\n\
                  shutil.copy(library, '/tmp/loaded.so'); loaded = ctypes.CDLL('/tmp/loaded.so')\n\
                  os.unlink('/tmp/loaded.so')\n\
                  memory = mmap.mmap(-1, 5000); memory[:3] = b'abc'\n\
                  call = getattr(loaded, 'zlibVersion', None) or loaded.floor";
    let after = "shared[1:2] = b'3'; file.seek(0)\n\
                 call()\n\
                 print(file.read(3), shown[:3], own[:1], own[8999:], memory[:3], 'end')";
    let spec = python(before, after);
    let file = snapshot(&launcher, &spec).await.unwrap();
    for _ in 0..2 {
        let (sandbox, _connection) = go_on(&launcher, &spec, &file).await;
        let rest = "b'130' b'130' b'1' b'2' b'abc' end\n";
        assert_eq!(printed(&sandbox).await, rest);
    }
}

#[tokio::test]
async fn memory_that_is_in_two_places_is_an_obstacle() {
    if !is_root() {
        return;
    }
    let launcher = start(&options());
    let before = "import mmap\nnumber = os.memfd_create('twice'); os.truncate(number, 4096)\n\
                  places = [mmap.mmap(number, 4096) for _ in range(2)]\nos.close(number)\n\
                  for name in os.listdir('/proc/self/fd'):\n    \
                  try:\n        is_it = 'memfd' in os.readlink('/proc/self/fd/' + name)\n    \
                  except OSError:\n        continue\n    \
                  if is_it: os.close(int(name))";
    let refused = snapshot(&launcher, &python(before, "")).await;
    assert!(
        matches!(&refused, Err(SnapshotError::Obstacle { what }) if what.contains("twice")),
        "{refused:?}"
    );
}
