// SPDX-License-Identifier: Apache-2.0
//! Interpreters in an image: where one is in its root, and how it is asked which it is.
//!
//! Invariants:
//! - links are followed as the image means them: none leads out of its root;
//! - nothing of an image runs outside a sandbox.

use super::identifier::{Identifier, Language};
use super::search::Version;
use crate::env_vars;
use crate::output;
use rustix::fs::{CWD, Mode, OFlags, ResolveFlags, openat, openat2, readlinkat};
use sandbox::{Launcher, Limits, Mount, Spec};
use std::ffi::OsStr;
use std::io;
use std::os::fd::{AsRawFd as _, OwnedFd};
use std::os::unix::ffi::OsStrExt as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

/// Where an interpreter may be in an image that does not say it in its PATH.
const USUAL: [&str; 3] = ["/var/lang", "/usr/local", "/usr"];
/// What tells its version takes far less, also on a machine that is busy.
const TELL_MAX: Duration = Duration::from_secs(60);
const TOLD_BYTES_MAX: usize = 64 << 10;
/// A JVM needs more than the least that a function has.
const MEMORY_BYTES: u64 = 512 << 20;

/// Finds something in a root as the image itself would. `None` if it is not there.
pub(crate) fn open(root: &Path, path: &str, flags: OFlags) -> io::Result<Option<OwnedFd>> {
    use rustix::io::Errno;
    let directory = OFlags::PATH | OFlags::DIRECTORY | OFlags::CLOEXEC;
    let root = openat(CWD, root, directory, Mode::empty())?;
    let flags = flags | OFlags::PATH | OFlags::CLOEXEC;
    match openat2(&root, path, flags, Mode::empty(), ResolveFlags::IN_ROOT) {
        Ok(found) => Ok(Some(found)),
        Err(Errno::NOENT | Errno::NOTDIR | Errno::LOOP) => Ok(None),
        Err(errno) => Err(errno.into()),
    }
}

/// The prefixes of a root that have the interpreter of a runtime, the likeliest first, as paths below the root. `env` is what
/// the image sets: `NAME=value`.
pub(super) fn prefixes(
    root: &Path,
    env: &[String],
    identifier: Identifier,
) -> io::Result<Vec<PathBuf>> {
    let Some(name) = identifier.interpreter() else { return Ok(Vec::new()) };
    let value = |name: &str| env.iter().find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let in_path = value("PATH").unwrap_or_default().split(':').map(str::to_owned);
    let usual = USUAL.iter().map(|prefix| format!("{prefix}/bin"));
    let mut found = Vec::new();
    // Its links lead to elsewhere in it, and so do ours on the way to it.
    let root = root.canonicalize()?;
    for bin in in_path.chain(usual).filter(|bin| bin.starts_with('/')) {
        let Some(place) = place_of(&root, &format!("{bin}/{name}"))? else { continue };
        let Some(prefix) = prefix_of(&place).filter(|prefix| !found.contains(prefix)) else {
            continue;
        };
        // The name that the sandbox runs must be of this very prefix.
        let same = place_of(&root, &format!("{}/bin/{name}", prefix.display()))?;
        if same.is_some_and(|same| same == place) {
            found.push(prefix);
        }
    }
    Ok(found)
}

/// Where a path really leads in a root, without any links.
fn place_of(root: &Path, path: &str) -> io::Result<Option<PathBuf>> {
    let Some(file) = open(root, path, OFlags::empty())? else { return Ok(None) };
    let link = readlinkat(CWD, format!("/proc/self/fd/{}", file.as_raw_fd()), Vec::new())?;
    let place = Path::new(OsStr::from_bytes(link.as_bytes()));
    Ok(place.strip_prefix(root).ok().map(Path::to_path_buf))
}

/// `usr/local` of `usr/local/bin/python3.12`. A root itself is no prefix: all that is in it would be seen twice.
fn prefix_of(interpreter: &Path) -> Option<PathBuf> {
    let bin = interpreter.parent().filter(|bin| bin.file_name() == Some(OsStr::new("bin")))?;
    bin.parent().filter(|prefix| !prefix.as_os_str().is_empty()).map(Path::to_path_buf)
}

/// Has the interpreter in `prefix` of `root` tell its version, in a sandbox.
pub(super) async fn version(
    launcher: &Launcher,
    root: &Path,
    prefix: &Path,
    identifier: Identifier,
) -> Result<Version, String> {
    let name = identifier.interpreter().ok_or("it has no interpreter")?;
    let program = match identifier.language() {
        // It is run where it was built for.
        Language::Ruby { .. } => Path::new("/").join(prefix).join("bin").join(&name),
        _ => Path::new("/var/lang/bin").join(&name),
    };
    let flag = match identifier.language() {
        // Java 8 knows no other.
        Language::Java { .. } => "-version",
        _ => "--version",
    };
    let spec = Spec {
        root: Some(root.to_path_buf()),
        mounts: vec![Mount { source: root.join(prefix), target: "/var/lang".into() }],
        env: env_vars::of_every_function(),
        limits: Limits { memory_bytes: MEMORY_BYTES, ..Limits::default() },
        ..Spec::new([program.display().to_string(), flag.to_owned()])
    };
    let sandbox = launcher.launch(spec).await.map_err(|error| error.to_string())?;
    let told = tokio::time::timeout(TELL_MAX, async {
        sandbox.process.emptied().await;
        output::all(&sandbox.output, TOLD_BYTES_MAX)
    });
    let text = match told.await {
        Ok(Ok(text)) => text,
        Ok(Err(error)) => return Err(error.to_string()),
        Err(_) => return Err(format!("`{name} {flag}` did not end")),
    };
    let text = String::from_utf8_lossy(&text);
    Version::told(&text).ok_or_else(|| {
        let start: String = text.trim().chars().take(200).collect();
        format!("`{name} {flag}` said `{}`", start.escape_debug())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::fs;
    use std::os::unix::fs::symlink;

    fn file(root: &Path, path: &str) {
        let path = root.join(path);
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(path, "").unwrap();
    }

    fn found(root: &Path, env: &[&str], identifier: &str) -> Vec<String> {
        let env: Vec<_> = env.iter().map(|&pair| pair.to_owned()).collect();
        let found = prefixes(root, &env, identifier.parse().unwrap()).unwrap();
        found.into_iter().map(|prefix| prefix.display().to_string()).collect()
    }

    #[test]
    fn what_the_image_has_in_its_path_comes_first() {
        let root = tempfile::tempdir().unwrap();
        for prefix in ["usr", "usr/local", "var/lang", "opt/own"] {
            file(root.path(), &format!("{prefix}/bin/python3.12"));
        }
        assert_eq!(
            found(
                root.path(),
                &["HOME=/", "PATH=/opt/own/bin:relative/bin:/nowhere/bin"],
                "python3.12"
            ),
            ["opt/own", "var/lang", "usr/local", "usr"]
        );
        assert_eq!(found(root.path(), &[], "python3.13"), [""; 0]);
        assert_eq!(found(root.path(), &[], "provided.al2023"), [""; 0]);
    }

    #[test]
    fn links_lead_to_places_in_the_image() {
        let (root, outside) = (tempfile::tempdir().unwrap(), tempfile::tempdir().unwrap());
        file(root.path(), "usr/lib/jvm/java-17/bin/java");
        fs::create_dir_all(root.path().join("etc/alternatives")).unwrap();
        fs::create_dir_all(root.path().join("usr/bin")).unwrap();
        symlink("/usr/lib/jvm/java-17/bin/java", root.path().join("etc/alternatives/java"))
            .unwrap();
        symlink("/etc/alternatives/java", root.path().join("usr/bin/java")).unwrap();
        assert_eq!(found(root.path(), &[], "java17"), ["usr/lib/jvm/java-17"]);

        file(outside.path(), "bin/node");
        fs::create_dir_all(root.path().join("usr/local")).unwrap();
        symlink(outside.path().join("bin"), root.path().join("usr/local/bin")).unwrap();
        symlink("../../../../../../../../usr/bin/env", root.path().join("usr/bin/node")).unwrap();
        assert_eq!(found(root.path(), &["PATH=/usr/local/bin"], "nodejs22.x"), [""; 0]);
    }

    #[test]
    fn what_is_not_there_under_its_name_is_no_prefix() {
        let root = tempfile::tempdir().unwrap();
        file(root.path(), "bin/ruby");
        file(root.path(), "usr/libexec/bin/ruby3.3");
        fs::create_dir_all(root.path().join("usr/bin")).unwrap();
        symlink("../libexec/bin/ruby3.3", root.path().join("usr/bin/ruby")).unwrap();
        assert_eq!(found(root.path(), &["PATH=/bin:/usr/bin"], "ruby3.3"), [""; 0]);
        // As Debian has it.
        file(root.path(), "usr/local/bin/ruby3.3");
        symlink("ruby3.3", root.path().join("usr/local/bin/ruby")).unwrap();
        assert_eq!(found(root.path(), &[], "ruby3.3"), ["usr/local"]);
    }
}
