// SPDX-License-Identifier: Apache-2.0
//! Functions that are container images: their own file system, their own program, and AWS's variables.
//!
//! The image's user is not looked at, as on AWS: a function is whoever its sandbox makes it.

use crate::env_vars;
use crate::extensions::External;
use crate::failure::Failure;
use crate::function::{Function, FunctionImage, Initialization};
use crate::host::Session;
use crate::logs::LogStream;
use crate::runtimes::root::open;
use rustix::fs::OFlags;
use sandbox::Spec;
use std::io;
use std::os::fd::AsRawFd as _;
use std::path::{Path, PathBuf};

/// What a sandbox of an image is made from.
#[derive(Debug)]
pub(crate) struct Prepared {
    pub(crate) spec: Spec,
    pub(crate) external: Option<External>,
}

/// Says how the image of a function is started. The pipes of its extensions are made below `rapid_dir`.
pub(crate) fn prepare(
    function: &Function,
    image: &FunctionImage,
    log: &LogStream,
    session: &Session,
    initialization: Initialization,
    rapid_dir: &Path,
) -> io::Result<Result<Prepared, Failure>> {
    let mut argv = [image.entry_point.as_slice(), &image.command].concat();
    if argv.is_empty() {
        return Ok(Err(Failure::NoCommand));
    }
    let root = image.image.root();
    let mut mounts = Vec::new();
    let extensions = open(&root, "opt/extensions", OFlags::DIRECTORY)?;
    // By the descriptor: the path may have links that mean something else out here.
    let folder =
        extensions.as_ref().map(|fd| PathBuf::from(format!("/proc/self/fd/{}", fd.as_raw_fd())));
    let external = match External::prepare(folder.as_deref(), rapid_dir)? {
        Ok(external) => external,
        Err(failure) => return Ok(Err(failure)),
    };
    if let Some(external) = &external {
        if let Some(failure) = no_shell(&root)? {
            return Ok(Err(failure));
        }
        argv = external.argv(argv);
        mounts.push(external.mount());
    }
    let env = env_vars::all_of_image(function, &image.env, log, session, initialization);
    let cwd = match image.working_directory.as_str() {
        "" => "/",
        directory => directory,
    };
    let limits = function.limits();
    let spec =
        Spec { root: Some(root), mounts, argv, env, cwd: cwd.into(), limits, is_ahead: false };
    Ok(Ok(Prepared { spec, external }))
}

/// Why there are no extensions in an image without a shell, which is what starts them.
pub(crate) fn no_shell(root: &Path) -> io::Result<Option<Failure>> {
    if open(root, "bin/sh", OFlags::empty())?.is_some() {
        return Ok(None);
    }
    let reason = "there are extensions, and no /bin/sh in the image to start them".to_owned();
    Ok(Some(Failure::Extension { error_type: "Extension.LaunchError", reason }))
}
