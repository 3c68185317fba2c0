// SPDX-License-Identifier: Apache-2.0
//! Event source mappings.

use crate::{Invoke, Lambda};
use api::lambda::*;
use wire::{Context, Result};

impl<I: Invoke> EventSourceMappingOperations for Lambda<I> {
    async fn create_event_source_mapping(
        &self,
        cx: &Context,
        input: CreateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration> {
        self.change(cx, |service, cx| async move { service.create_mapping(&cx, input).await }).await
    }

    async fn get_event_source_mapping(
        &self,
        cx: &Context,
        input: GetEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration> {
        Ok(self.service.get_mapping(cx, &input)?)
    }

    async fn list_event_source_mappings(
        &self,
        cx: &Context,
        input: ListEventSourceMappingsInput,
    ) -> Result<ListEventSourceMappingsOutput> {
        Ok(self.service.list_mappings(cx, &input)?)
    }

    async fn update_event_source_mapping(
        &self,
        cx: &Context,
        input: UpdateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration> {
        self.change(cx, |service, cx| async move { service.update_mapping(&cx, input).await }).await
    }

    async fn delete_event_source_mapping(
        &self,
        cx: &Context,
        input: DeleteEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration> {
        self.change(cx, |service, cx| async move { service.delete_mapping(&cx, input).await }).await
    }
}
