// SPDX-License-Identifier: Apache-2.0
//! When a function moves to a newer version of its runtime: always, since it runs on the newest that matches.

use crate::Invoke;
use crate::error::Error;
use crate::function::Key;
use crate::read::Found;
use crate::service::Service;
use api::lambda;
use wire::Context;

impl<I: Invoke> Service<I> {
    pub(crate) fn get_runtime_management(
        &self,
        cx: &Context,
        input: &lambda::GetRuntimeManagementConfigInput,
    ) -> Result<lambda::GetRuntimeManagementConfigOutput, Error> {
        let qualifier = input.qualifier.as_deref();
        let found = self.find(cx, "GetRuntimeManagementConfig", &input.function_name, qualifier)?;
        Ok(lambda::GetRuntimeManagementConfigOutput {
            update_runtime_on: Some(lambda::UpdateRuntimeOn::Auto),
            function_arn: Some(version_arn(&found)),
            runtime_version_arn: None,
        })
    }

    /// Nothing is kept: only what every function has is accepted.
    pub(crate) fn put_runtime_management(
        &self,
        cx: &Context,
        input: &lambda::PutRuntimeManagementConfigInput,
    ) -> Result<lambda::PutRuntimeManagementConfigOutput, Error> {
        let qualifier = input.qualifier.as_deref();
        let found = self.find(cx, "PutRuntimeManagementConfig", &input.function_name, qualifier)?;
        if input.update_runtime_on != lambda::UpdateRuntimeOn::Auto {
            return Err(Error::Unsupported {
                member: "UpdateRuntimeOn other than Auto",
                instead: "functions run on the newest matching runtime of this machine",
            });
        }
        if input.runtime_version_arn.is_some() {
            return Err(Error::Unsupported {
                member: "RuntimeVersionArn",
                instead: "functions run on the newest matching runtime of this machine",
            });
        }
        Ok(lambda::PutRuntimeManagementConfigOutput {
            update_runtime_on: lambda::UpdateRuntimeOn::Auto,
            function_arn: version_arn(&found),
            runtime_version_arn: None,
        })
    }
}

/// With the version, also for the function itself.
fn version_arn(found: &Found) -> String {
    match &found.address.qualifier {
        Some(_) => found.address.arn(),
        None => Key::qualified_arn(&found.function.key, found.version.number),
    }
}
