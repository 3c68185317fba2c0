// SPDX-License-Identifier: Apache-2.0
//! Reserved concurrency, as it is put, got and given back. Who enforces it is the function's gate.

use crate::Invoke;
use crate::address::Address;
use crate::concurrency::{Holding, UNRESERVED_MIN, to_usize};
use crate::error::Error;
use crate::function::{Function, Key};
use crate::service::Service;
use crate::version::Number;
use crate::view;
use api::lambda;
use wire::Context;

impl<I: Invoke> Service<I> {
    pub(crate) async fn put_concurrency(
        &self,
        cx: &Context,
        input: lambda::PutFunctionConcurrencyInput,
    ) -> Result<lambda::Concurrency, Error> {
        let address = Address::parse(cx, "PutFunctionConcurrency", &input.function_name, None)?;
        let key = address.function_only()?;
        let asked = u32::try_from(input.reserved_concurrent_executions).unwrap_or_default();
        if !self.reserve(&key, Some(asked)).await? {
            return Err(Error::FunctionNotFound { arn: key.qualified_arn(Number::Latest) });
        }
        Ok(lambda::Concurrency { reserved_concurrent_executions: Some(view::integer(asked)) })
    }

    pub(crate) fn get_concurrency(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionConcurrencyInput,
    ) -> Result<lambda::GetFunctionConcurrencyOutput, Error> {
        let address = Address::parse(cx, "GetFunctionConcurrency", &input.function_name, None)?;
        let key = address.function_only()?;
        let function =
            self.table.get(&key).ok_or_else(|| Error::FunctionNotFound { arn: key.arn() })?;
        Ok(lambda::GetFunctionConcurrencyOutput {
            reserved_concurrent_executions: function.reserved_concurrency.map(view::integer),
        })
    }

    pub(crate) async fn delete_concurrency(
        &self,
        cx: &Context,
        input: lambda::DeleteFunctionConcurrencyInput,
    ) -> Result<(), Error> {
        let address = Address::parse(cx, "DeleteFunctionConcurrency", &input.function_name, None)?;
        let key = address.function_only()?;
        if !self.reserve(&key, None).await? {
            return Err(Error::FunctionNotFound { arn: key.arn() });
        }
        Ok(())
    }

    /// Whether there is such a function to reserve for.
    async fn reserve(&self, key: &Key, asked: Option<u32>) -> Result<bool, Error> {
        let account = self.accounts.of(&key.account, &key.region);
        // Before the function's lock, always: two functions may be at it at once.
        let _reserving = account.reserving.lock().await;
        let lock = self.table.lock(key).await;
        let Some(current) = self.table.get(key) else { return Ok(false) };
        let holding = current.holding();
        let provisioned = holding.provisioned;
        if let Some(asked) = asked.filter(|asked| to_usize(*asked) < provisioned) {
            return Err(Error::InvalidParameter(format!(
                " ReservedConcurrentExecutions  {asked} should not be lower than function's total provisioned concurrency [{provisioned}]."
            )));
        }
        let held = Holding { reserved: asked, provisioned }.count();
        if !account.may_hold(holding.count(), held) {
            return Err(Error::InvalidConcurrency(format!(
                "Specified ReservedConcurrentExecutions for function decreases account's UnreservedConcurrentExecution below its minimum value of [{UNRESERVED_MIN}]."
            )));
        }
        let changed = Function { reserved_concurrency: asked, ..(*current).clone() };
        self.records.save(&changed, &[Number::Latest]).await?;
        self.table.put(&lock, changed);
        Ok(true)
    }
}
