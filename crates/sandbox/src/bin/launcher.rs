// SPDX-License-Identifier: Apache-2.0
//! The launcher as a program of its own: what the tests of this crate start in place of the server's own binary.
//!
//! With `hold` and a command it is a server instead: it keeps a sandbox with that command until it is killed. For the test that
//! kills it.

use sandbox::{Launcher, Options, Spec};
use std::io::Write as _;
use std::process::ExitCode;

fn main() -> ExitCode {
    let mut arguments = std::env::args().skip(1);
    if arguments.next().as_deref() != Some("hold") {
        return sandbox::launcher_main();
    }
    match hold(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}

/// Says `ready` when the sandbox runs, and waits for its end.
fn hold(command: impl Iterator<Item = String>) -> Result<(), Box<dyn std::error::Error>> {
    let launcher = Launcher::start(&Options::default(), ([127, 0, 0, 1], 4566).into())?;
    let runtime = tokio::runtime::Builder::new_current_thread().enable_all().build()?;
    runtime.block_on(async {
        let sandbox = launcher.launch(Spec::new(command)).await?;
        writeln!(std::io::stdout(), "ready")?;
        sandbox.exited().await;
        Ok(())
    })
}
