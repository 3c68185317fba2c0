// SPDX-License-Identifier: Apache-2.0
//! The bootstraps that are part of this binary, and their copies on disk.

use std::fs;
use std::io;
use std::path::{Path, PathBuf};

/// Folder, name, content.
const FILES: [(&str, &str, &str); 6] = [
    ("python", "bootstrap.py", include_str!("../../../../runtimes/python/bootstrap.py")),
    ("python", "bootstrap_rare.py", include_str!("../../../../runtimes/python/bootstrap_rare.py")),
    ("python", "bootstrap_stem.py", include_str!("../../../../runtimes/python/bootstrap_stem.py")),
    (
        "python",
        "bootstrap_rehearsal.py",
        include_str!("../../../../runtimes/python/bootstrap_rehearsal.py"),
    ),
    ("nodejs", "bootstrap.cjs", include_str!("../../../../runtimes/nodejs/bootstrap.cjs")),
    ("nodejs", "rehearsal.js", include_str!("../../../../runtimes/nodejs/rehearsal.js")),
];

/// Arguments: the folder of the bootstrap and the file to write. Each file is written whole or not at all. The compiled main
/// file keeps the path of its source in a sandbox, which tracebacks show. What a stem rehearses stays source: functions are.
pub(super) const COMPILE: &str = r"
import sys
from py_compile import PycInvalidationMode, compile
folder, target = sys.argv[1:]
unchecked = PycInvalidationMode.UNCHECKED_HASH
for part in ('rare', 'stem'):
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

/// Brings the files below `directory` up to date. What was compiled from older ones goes first, so that no process ever
/// runs a mixture that stays.
pub(super) fn write(directory: &Path) -> Result<(), PrepareError> {
    for (folder, name, content) in FILES {
        let folder = directory.join(folder);
        let path = folder.join(name);
        if fs::read(&path).is_ok_and(|on_disk| on_disk == content.as_bytes()) {
            continue;
        }
        let fails = |source| PrepareError { path: path.clone(), source };
        fs::create_dir_all(&folder).map_err(fails)?;
        remove_compiled(&folder).map_err(fails)?;
        let draft = folder.join(format!(".{name}.new"));
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
