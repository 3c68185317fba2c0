// SPDX-License-Identifier: Apache-2.0
//! Whether a function may call itself through other services, and when a loop is ended.
//!
//! Each invocation passes on a trace header whose `Lineage` counts the hops through its function; the AWS SDKs send it
//! along with the calls that the function makes, and deliveries to destinations do. A chain that came by a function
//! sixteen times goes no further, unless the function allows it. What else AWS writes there was not checked.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::function::Function;
use crate::records::NO_PARTS;
use crate::service::Service;
use api::lambda;
use lambda::RecursiveLoop;
use names::TraceHeader;
use wire::Context;

/// Invocations of one function in one chain.
const HOPS_MAX: u64 = 16;

impl Function {
    /// The trace header for the next invocation of this function in the chain of `trace`.
    pub(crate) fn next_hop(&self, trace: &TraceHeader) -> Result<String, Error> {
        let (header, hops) = trace.hop(&self.lineage);
        if hops >= HOPS_MAX && self.recursive_loop != Some(RecursiveLoop::Allow) {
            return Err(Error::Recursive);
        }
        Ok(header)
    }
}

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
