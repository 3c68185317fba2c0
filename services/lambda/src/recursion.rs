// SPDX-License-Identifier: Apache-2.0
//! Whether a function may call itself through other services.
//!
//! Stored and answered: no service here leads back to a function yet, so there is no loop to end.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::function::Function;
use crate::records::NO_PARTS;
use crate::service::Service;
use api::lambda;
use lambda::RecursiveLoop;
use wire::Context;

impl<I: Invoke> Service<I> {
    pub(crate) fn get_recursion(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionRecursionConfigInput,
    ) -> Result<lambda::GetFunctionRecursionConfigOutput, Error> {
        let address = Address::parse(cx, "GetFunctionRecursionConfig", &input.function_name, None)?;
        let key = address.function_only()?;
        let function =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        let recursive_loop = function.recursive_loop.unwrap_or(RecursiveLoop::Terminate);
        Ok(lambda::GetFunctionRecursionConfigOutput { recursive_loop: Some(recursive_loop) })
    }

    pub(crate) async fn put_recursion(
        &self,
        cx: &Context,
        input: lambda::PutFunctionRecursionConfigInput,
    ) -> Result<lambda::PutFunctionRecursionConfigOutput, Error> {
        let address = Address::parse(cx, "PutFunctionRecursionConfig", &input.function_name, None)?;
        let key = address.function_only()?;
        let lock = self.table.lock(&key).await;
        let current =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        let recursive_loop = Some(input.recursive_loop);
        let changed = Function { recursive_loop, ..Function::clone(&current) };
        self.records.save(&changed, NO_PARTS).await?;
        self.table.put(&lock, changed);
        Ok(lambda::PutFunctionRecursionConfigOutput { recursive_loop })
    }
}
