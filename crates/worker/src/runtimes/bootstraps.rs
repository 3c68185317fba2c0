// SPDX-License-Identifier: Apache-2.0
//! The bootstraps that are part of this binary, and their copies on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folder, name, content.
const FILES: [(&str, &str, &str); 13] = [
    ("python", "bootstrap.py", include_str!("../../../../runtimes/python/bootstrap.py")),
    ("python", "bootstrap_rare.py", include_str!("../../../../runtimes/python/bootstrap_rare.py")),
    (
        "python",
        "bootstrap_multi.py",
        include_str!("../../../../runtimes/python/bootstrap_multi.py"),
    ),
    ("python", "bootstrap_stem.py", include_str!("../../../../runtimes/python/bootstrap_stem.py")),
    (
        "python",
        "bootstrap_rehearsal.py",
        include_str!("../../../../runtimes/python/bootstrap_rehearsal.py"),
    ),
    (
        "python",
        "bootstrap_snapshot.py",
        include_str!("../../../../runtimes/python/bootstrap_snapshot.py"),
    ),
    (
        "python",
        "snapshot_restore_py.py",
        include_str!("../../../../runtimes/python/snapshot_restore_py.py"),
    ),
    ("nodejs", "bootstrap.cjs", include_str!("../../../../runtimes/nodejs/bootstrap.cjs")),
    ("nodejs", "multi.cjs", include_str!("../../../../runtimes/nodejs/multi.cjs")),
    ("nodejs", "streaming.cjs", include_str!("../../../../runtimes/nodejs/streaming.cjs")),
    ("nodejs", "rehearsal.js", include_str!("../../../../runtimes/nodejs/rehearsal.js")),
    ("ruby", "bootstrap.rb", include_str!("../../../../runtimes/ruby/bootstrap.rb")),
    ("ruby", "rehearsal.rb", include_str!("../../../../runtimes/ruby/rehearsal.rb")),
];

/// Where the sources of Java's bootstrap are, beside what is compiled from them.
const JAVA_SOURCES: &str = "java-sources";

macro_rules! java_sources {
    ($($name:literal,)*) => {
        [$((JAVA_SOURCES, $name, include_str!(concat!("../../../../runtimes/java/", $name))),)*]
    };
}

const JAVA_FILES: [(&str, &str, &str); 40] = java_sources![
    "bridge/tinderbox/bridge/CoreBridge.java",
    "bridge/tinderbox/bridge/LambdaContext.java",
    "core/com/amazonaws/services/lambda/runtime/Client.java",
    "core/com/amazonaws/services/lambda/runtime/ClientContext.java",
    "core/com/amazonaws/services/lambda/runtime/CognitoIdentity.java",
    "core/com/amazonaws/services/lambda/runtime/Context.java",
    "core/com/amazonaws/services/lambda/runtime/CustomPojoSerializer.java",
    "core/com/amazonaws/services/lambda/runtime/LambdaLogger.java",
    "core/com/amazonaws/services/lambda/runtime/RequestHandler.java",
    "core/com/amazonaws/services/lambda/runtime/RequestStreamHandler.java",
    "core/com/amazonaws/services/lambda/runtime/logging/LogLevel.java",
    "crac/com/amazonaws/services/lambda/crac/CheckpointException.java",
    "crac/com/amazonaws/services/lambda/crac/Context.java",
    "crac/com/amazonaws/services/lambda/crac/Core.java",
    "crac/com/amazonaws/services/lambda/crac/Registered.java",
    "crac/com/amazonaws/services/lambda/crac/Resource.java",
    "crac/com/amazonaws/services/lambda/crac/RestoreException.java",
    "manifest.txt",
    "runtime/tinderbox/runtime/Bean.java",
    "runtime/tinderbox/runtime/Binder.java",
    "runtime/tinderbox/runtime/Bridge.java",
    "runtime/tinderbox/runtime/BridgeLoader.java",
    "runtime/tinderbox/runtime/Bytes.java",
    "runtime/tinderbox/runtime/Failure.java",
    "runtime/tinderbox/runtime/Handler.java",
    "runtime/tinderbox/runtime/HandlerLoader.java",
    "runtime/tinderbox/runtime/Invocation.java",
    "runtime/tinderbox/runtime/JsonException.java",
    "runtime/tinderbox/runtime/JsonReader.java",
    "runtime/tinderbox/runtime/JsonWriter.java",
    "runtime/tinderbox/runtime/Log.java",
    "runtime/tinderbox/runtime/Main.java",
    "runtime/tinderbox/runtime/Randomness.java",
    "runtime/tinderbox/runtime/RuntimeApi.java",
    "runtime/tinderbox/runtime/Several.java",
    "runtime/tinderbox/runtime/Snapshot.java",
    "runtime/tinderbox/runtime/Stem.java",
    "runtime/tinderbox/runtime/Variables.java",
    "runtime/tinderbox/runtime/WarmUp.java",
    "warm/tinderbox/warm/Rehearsal.java",
];

/// Arguments: the folder of the bootstrap and the file to write. Each file is written whole or not at all. The compiled main
/// file keeps the path of its source in a sandbox, which tracebacks show. What a stem rehearses stays source: functions are.
pub(super) const COMPILE: &str = r"
import sys
from py_compile import PycInvalidationMode, compile
folder, target = sys.argv[1:]
unchecked = PycInvalidationMode.UNCHECKED_HASH
for part in ('rare', 'multi', 'stem', 'snapshot'):
    compile(f'{folder}/bootstrap_{part}.py', doraise=True, invalidation_mode=unchecked)
compile(folder + '/bootstrap.py', target, '/var/runtime/bootstrap.py', doraise=True, invalidation_mode=unchecked)
";

#[derive(Debug, thiserror::Error)]
#[error("failed to write `{}`", path.display())]
pub struct PrepareError {
    path: PathBuf,
    #[source]
    source: io::Error,
}

/// `version` is that of an `Installed`. The bytecode of two patch versions is the same but for previews.
pub(super) fn compiled_name(version: &str) -> String {
    let number = version.rsplit(':').next().unwrap_or_default();
    format!("bootstrap-{number}.pyc")
}

pub(super) fn java_sources(directory: &Path) -> PathBuf {
    directory.join(JAVA_SOURCES)
}

pub(super) fn java_files(directory: &Path) -> Vec<PathBuf> {
    let names = JAVA_FILES.iter().map(|(_, name, _)| name).filter(|name| name.ends_with(".java"));
    names.map(|name| java_sources(directory).join(name)).collect()
}

/// Brings the files below `directory` up to date. What was compiled from older ones goes first, so that no process ever
/// runs a mixture that stays.
pub(super) fn write(directory: &Path) -> Result<(), PrepareError> {
    for (place, name, content) in FILES.into_iter().chain(JAVA_FILES) {
        let path = directory.join(place).join(name);
        let folder = path.parent().unwrap_or(directory);
        if fs::read(&path).is_ok_and(|on_disk| on_disk == content.as_bytes()) {
            continue;
        }
        let fails = |source| PrepareError { path: path.clone(), source };
        fs::create_dir_all(folder).map_err(fails)?;
        if place == JAVA_SOURCES {
            super::compile::remove(&directory.join("java")).map_err(fails)?;
        } else {
            remove_compiled(folder).map_err(fails)?;
        }
        let draft = path.with_extension("new");
        fs::write(&draft, content).map_err(fails)?;
        fs::rename(&draft, &path).map_err(fails)?;
    }
    Ok(())
}

fn remove_compiled(folder: &Path) -> io::Result<()> {
    for folder in [folder.to_owned(), folder.join("__pycache__")] {
        let entries = match fs::read_dir(&folder) {
            Ok(entries) => entries,
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            Err(error) => return Err(error),
        };
        for entry in entries {
            let path = entry?.path();
            let name = path.file_name().and_then(|name| name.to_str()).unwrap_or_default();
            if name.starts_with("bootstrap") && name.ends_with(".pyc") {
                fs::remove_file(&path)?;
            }
        }
    }
    Ok(())
}
