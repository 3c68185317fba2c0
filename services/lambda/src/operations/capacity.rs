// SPDX-License-Identifier: Apache-2.0
//! Capacity providers.

use crate::{Invoke, Lambda};
use api::lambda::*;
use wire::{Context, Result};

impl<I: Invoke> CapacityProviderOperations for Lambda<I> {
    async fn create_capacity_provider(
        &self,
        cx: &Context,
        input: CreateCapacityProviderInput,
    ) -> Result<CreateCapacityProviderOutput> {
        self.change(cx, |service, cx| async move { service.create_provider(&cx, input).await })
            .await
    }

    async fn get_capacity_provider(
        &self,
        cx: &Context,
        input: GetCapacityProviderInput,
    ) -> Result<GetCapacityProviderOutput> {
        Ok(self.service.get_provider(cx, &input)?)
    }

    async fn list_capacity_providers(
        &self,
        cx: &Context,
        input: ListCapacityProvidersInput,
    ) -> Result<ListCapacityProvidersOutput> {
        Ok(self.service.list_providers(cx, &input)?)
    }

    async fn update_capacity_provider(
        &self,
        cx: &Context,
        input: UpdateCapacityProviderInput,
    ) -> Result<UpdateCapacityProviderOutput> {
        self.change(cx, |service, cx| async move { service.update_provider(&cx, input).await })
            .await
    }

    async fn delete_capacity_provider(
        &self,
        cx: &Context,
        input: DeleteCapacityProviderInput,
    ) -> Result<DeleteCapacityProviderOutput> {
        self.change(cx, |service, cx| async move { service.delete_provider(&cx, input).await })
            .await
    }

    async fn list_function_versions_by_capacity_provider(
        &self,
        cx: &Context,
        input: ListFunctionVersionsByCapacityProviderInput,
    ) -> Result<ListFunctionVersionsByCapacityProviderOutput> {
        Ok(self.service.list_provided_versions(cx, &input)?)
    }

    async fn put_function_scaling_config(
        &self,
        cx: &Context,
        input: PutFunctionScalingConfigInput,
    ) -> Result<PutFunctionScalingConfigOutput> {
        self.change(cx, |service, cx| async move { service.put_scaling(&cx, input).await }).await
    }

    async fn get_function_scaling_config(
        &self,
        cx: &Context,
        input: GetFunctionScalingConfigInput,
    ) -> Result<GetFunctionScalingConfigOutput> {
        Ok(self.service.get_scaling(cx, &input)?)
    }
}
