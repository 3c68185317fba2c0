// SPDX-License-Identifier: Apache-2.0
//! How functions run, and how many at once.

use crate::{Invoke, Lambda};
use api::lambda::*;
use wire::{Context, Result};

impl<I: Invoke> InvokeOperations for Lambda<I> {
    async fn invoke(&self, cx: &Context, input: InvokeInput) -> Result<InvokeOutput> {
        Ok(self.service.invoke(cx, input).await?)
    }

    async fn invoke_async(
        &self,
        cx: &Context,
        input: InvokeAsyncInput,
    ) -> Result<InvokeAsyncOutput> {
        Ok(self.service.invoke_async(cx, input).await?)
    }

    async fn invoke_with_response_stream(
        &self,
        cx: &Context,
        input: InvokeWithResponseStreamInput,
    ) -> Result<InvokeWithResponseStreamOutput> {
        Ok(self.service.invoke_with_response_stream(cx, input).await?)
    }
}

impl<I: Invoke> ConcurrencyOperations for Lambda<I> {
    async fn put_function_concurrency(
        &self,
        cx: &Context,
        input: PutFunctionConcurrencyInput,
    ) -> Result<Concurrency> {
        self.change(cx, |service, cx| async move { service.put_concurrency(&cx, input).await })
            .await
    }

    async fn put_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: PutProvisionedConcurrencyConfigInput,
    ) -> Result<PutProvisionedConcurrencyConfigOutput> {
        self.change(cx, |service, cx| async move { service.put_provisioned(&cx, input).await })
            .await
    }

    async fn get_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: GetProvisionedConcurrencyConfigInput,
    ) -> Result<GetProvisionedConcurrencyConfigOutput> {
        Ok(self.service.get_provisioned(cx, &input)?)
    }

    async fn list_provisioned_concurrency_configs(
        &self,
        cx: &Context,
        input: ListProvisionedConcurrencyConfigsInput,
    ) -> Result<ListProvisionedConcurrencyConfigsOutput> {
        Ok(self.service.list_provisioned(cx, &input)?)
    }

    async fn delete_provisioned_concurrency_config(
        &self,
        cx: &Context,
        input: DeleteProvisionedConcurrencyConfigInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_provisioned(&cx, input).await })
            .await
    }

    async fn get_function_concurrency(
        &self,
        cx: &Context,
        input: GetFunctionConcurrencyInput,
    ) -> Result<GetFunctionConcurrencyOutput> {
        Ok(self.service.get_concurrency(cx, &input)?)
    }

    async fn delete_function_concurrency(
        &self,
        cx: &Context,
        input: DeleteFunctionConcurrencyInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_concurrency(&cx, input).await })
            .await
    }
}

impl<I: Invoke> EventInvokeConfigOperations for Lambda<I> {
    async fn put_function_event_invoke_config(
        &self,
        cx: &Context,
        input: PutFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig> {
        self.change(cx, |service, cx| async move { service.put_event_invoke(&cx, input).await })
            .await
    }

    async fn update_function_event_invoke_config(
        &self,
        cx: &Context,
        input: UpdateFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig> {
        self.change(cx, |service, cx| async move { service.update_event_invoke(&cx, input).await })
            .await
    }

    async fn get_function_event_invoke_config(
        &self,
        cx: &Context,
        input: GetFunctionEventInvokeConfigInput,
    ) -> Result<FunctionEventInvokeConfig> {
        Ok(self.service.get_event_invoke(cx, &input)?)
    }

    async fn list_function_event_invoke_configs(
        &self,
        cx: &Context,
        input: ListFunctionEventInvokeConfigsInput,
    ) -> Result<ListFunctionEventInvokeConfigsOutput> {
        Ok(self.service.list_event_invoke(cx, &input)?)
    }

    async fn delete_function_event_invoke_config(
        &self,
        cx: &Context,
        input: DeleteFunctionEventInvokeConfigInput,
    ) -> Result<()> {
        self.change(cx, |service, cx| async move { service.delete_event_invoke(&cx, input).await })
            .await
    }
}

impl<I: Invoke> RuntimeManagementOperations for Lambda<I> {
    async fn get_runtime_management_config(
        &self,
        cx: &Context,
        input: GetRuntimeManagementConfigInput,
    ) -> Result<GetRuntimeManagementConfigOutput> {
        Ok(self.service.get_runtime_management(cx, &input)?)
    }

    async fn put_runtime_management_config(
        &self,
        cx: &Context,
        input: PutRuntimeManagementConfigInput,
    ) -> Result<PutRuntimeManagementConfigOutput> {
        self.change(
            cx,
            |service, cx| async move { service.put_runtime_management(&cx, input).await },
        )
        .await
    }
}

impl<I: Invoke> RecursionOperations for Lambda<I> {
    async fn get_function_recursion_config(
        &self,
        cx: &Context,
        input: GetFunctionRecursionConfigInput,
    ) -> Result<GetFunctionRecursionConfigOutput> {
        Ok(self.service.get_recursion(cx, &input)?)
    }

    async fn put_function_recursion_config(
        &self,
        cx: &Context,
        input: PutFunctionRecursionConfigInput,
    ) -> Result<PutFunctionRecursionConfigOutput> {
        self.change(cx, |service, cx| async move { service.put_recursion(&cx, input).await }).await
    }
}
