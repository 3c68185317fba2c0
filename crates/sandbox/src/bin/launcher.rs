// SPDX-License-Identifier: Apache-2.0
//! The launcher as a program of its own: what the tests of this crate start in place of the server's own binary.

use std::process::ExitCode;

fn main() -> ExitCode {
    sandbox::launcher_main()
}
