// SPDX-License-Identifier: Apache-2.0
//! What goes wrong, in AWS's words where they are known.

use api::logs::fault;
use std::error::Error;
use std::io;
use wire::Fault;

pub(crate) fn no_group() -> Fault {
    fault::resource_not_found("The specified log group does not exist.")
}

pub(crate) fn no_stream() -> Fault {
    fault::resource_not_found("The specified log stream does not exist.")
}

pub(crate) fn bad_token() -> Fault {
    fault::invalid_parameter("The specified nextToken is invalid.")
}

pub(crate) fn bad_pattern() -> Fault {
    fault::invalid_parameter("Invalid filter pattern")
}

/// An error of ours. Its chain goes to the log.
pub(crate) fn internal(error: &(dyn Error + 'static)) -> Fault {
    tracing::error!(error, "log groups not available");
    fault::service_unavailable("The service cannot complete the request.")
}

/// What a change of a group's settings may end with.
#[derive(Debug)]
pub(crate) struct Refused(pub(crate) Fault);

impl From<io::Error> for Refused {
    fn from(error: io::Error) -> Self {
        Self(internal(&error))
    }
}
