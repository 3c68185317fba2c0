// SPDX-License-Identifier: Apache-2.0
//! The command of a function on `provided`: its own `bootstrap`.

use std::path::Path;

/// `/var/task/bootstrap`, or else `/opt/bootstrap`, as a sandbox will see it. None is AWS's `Runtime.InvalidEntrypoint`:
/// "Couldn't find valid bootstrap(s): [/var/task/bootstrap /opt/bootstrap]".
///
/// Whether it may be executed is seen when it is: AWS takes a file without the permission, and fails to start it.
pub fn provided_argv(code_dir: &Path, layers_dir: Option<&Path>) -> Option<Vec<String>> {
    let places = [(Some(code_dir), "/var/task/bootstrap"), (layers_dir, "/opt/bootstrap")];
    places.into_iter().find_map(|(folder, argument)| {
        // A link may lead to where only the sandbox has something.
        let metadata = folder?.join("bootstrap").symlink_metadata().ok()?;
        (!metadata.is_dir()).then(|| vec![argument.to_owned()])
    })
}
