// SPDX-License-Identifier: Apache-2.0
//! Operations on buses.

use crate::address::BusKey;
use crate::bus::{Bus, BusRecord};
use crate::page::page;
use crate::rule::invalid;
use crate::{EventBridge, clock, permissions, tags};
use api::eventbridge::{self, BusOperations, fault};
use std::sync::Arc;
use wire::{Context, Result};

impl BusOperations for EventBridge {
    async fn create_event_bus(
        &self,
        cx: &Context,
        input: eventbridge::CreateEventBusInput,
    ) -> Result<eventbridge::CreateEventBusOutput> {
        if input.event_source_name.is_some() {
            return Err(unavailable("EventSourceName"));
        }
        check_settings(&input.kms_key_identifier, &input.dead_letter_config, &input.log_config)?;
        if input.name.contains('/') {
            return Err(invalid("Event bus name must not contain '/'."));
        }
        let key = BusKey::new(cx, &input.name);
        let tags = tags::with(Default::default(), input.tags.unwrap_or_default())?;

        let changing = self.service.changing().await;
        if self.service.table.bus(&key).is_some() {
            let text = format!("Event bus {} already exists.", input.name);
            return Err(fault::resource_already_exists(text));
        }
        let buses = self.service.table.of_region(&cx.account, &cx.region);
        if buses.iter().filter(|bus| !bus.key.is_default()).count()
            >= self.service.options.buses_max
        {
            return Err(fault::limit_exceeded(
                "The requested resource exceeds the maximum number allowed.",
            ));
        }
        let now = Some(clock::now().epoch_ms());
        let record = BusRecord {
            description: input.description.clone(),
            policy: None,
            tags,
            created_ms: now,
            modified_ms: now,
        };
        let output = eventbridge::CreateEventBusOutput {
            event_bus_arn: Some(key.arn()),
            description: input.description,
            ..eventbridge::CreateEventBusOutput::default()
        };
        self.service.put_bus(&changing, Bus::new(key, record)).await?;
        Ok(output)
    }

    async fn delete_event_bus(
        &self,
        cx: &Context,
        input: eventbridge::DeleteEventBusInput,
    ) -> Result<()> {
        let changing = self.service.changing().await;
        let key = BusKey::new(cx, &input.name);
        if key.is_default() {
            return Err(invalid("Cannot delete event bus default."));
        }
        // To delete what is not there is no error.
        let Some(bus) = self.service.table.bus(&key) else { return Ok(()) };
        if !bus.rules.is_empty() {
            return Err(invalid(format!(
                "Event bus {} can't be deleted since it has rules.",
                key.name
            )));
        }
        self.service.delete_bus(&changing, &bus).await
    }

    async fn describe_event_bus(
        &self,
        cx: &Context,
        input: eventbridge::DescribeEventBusInput,
    ) -> Result<eventbridge::DescribeEventBusOutput> {
        let bus = self.service.find_bus(cx, input.name.as_deref())?;
        Ok(eventbridge::DescribeEventBusOutput {
            name: Some(bus.key.name.clone()),
            arn: Some(bus.key.arn()),
            description: bus.record.description.clone(),
            policy: bus.record.policy.clone(),
            creation_time: bus.record.created(),
            last_modified_time: bus.record.modified(),
            ..eventbridge::DescribeEventBusOutput::default()
        })
    }

    async fn list_event_buses(
        &self,
        cx: &Context,
        input: eventbridge::ListEventBusesInput,
    ) -> Result<eventbridge::ListEventBusesOutput> {
        let prefix = input.name_prefix.unwrap_or_default();
        let buses = self.service.table.of_region(&cx.account, &cx.region);
        let buses = buses.into_iter().filter(|bus| bus.key.name.starts_with(&prefix));
        let (buses, next_token) =
            page(buses, |bus| &bus.key.name, input.next_token.as_deref(), input.limit)?;
        let bus = |bus: Arc<Bus>| eventbridge::EventBus {
            name: Some(bus.key.name.clone()),
            arn: Some(bus.key.arn()),
            description: bus.record.description.clone(),
            policy: bus.record.policy.clone(),
            creation_time: bus.record.created(),
            last_modified_time: bus.record.modified(),
            managed_by: None,
        };
        let event_buses = Some(buses.into_iter().map(bus).collect());
        Ok(eventbridge::ListEventBusesOutput { event_buses, next_token })
    }

    async fn update_event_bus(
        &self,
        cx: &Context,
        input: eventbridge::UpdateEventBusInput,
    ) -> Result<eventbridge::UpdateEventBusOutput> {
        check_settings(&input.kms_key_identifier, &input.dead_letter_config, &input.log_config)?;
        let description = input.description.clone();
        let change = |record: &mut BusRecord| {
            record.description = description;
            Ok(())
        };
        let bus = self.change_bus(cx, input.name.as_deref(), change).await?;
        Ok(eventbridge::UpdateEventBusOutput {
            arn: Some(bus.arn()),
            name: Some(bus.name),
            description: input.description,
            ..eventbridge::UpdateEventBusOutput::default()
        })
    }

    async fn put_permission(
        &self,
        cx: &Context,
        input: eventbridge::PutPermissionInput,
    ) -> Result<()> {
        let name = input.event_bus_name.clone();
        let arn = BusKey::named(cx, name.as_deref())?.arn();
        let change = |record: &mut BusRecord| {
            record.policy = Some(permissions::with(record.policy.as_deref(), &arn, input)?);
            Ok(())
        };
        self.change_bus(cx, name.as_deref(), change).await.map(drop)
    }

    async fn remove_permission(
        &self,
        cx: &Context,
        input: eventbridge::RemovePermissionInput,
    ) -> Result<()> {
        let change = |record: &mut BusRecord| {
            record.policy = permissions::without(record.policy.as_deref(), &input)?;
            Ok(())
        };
        self.change_bus(cx, input.event_bus_name.as_deref(), change).await.map(drop)
    }
}

impl EventBridge {
    pub(crate) async fn change_bus(
        &self,
        cx: &Context,
        name: Option<&str>,
        change: impl FnOnce(&mut BusRecord) -> Result<()>,
    ) -> Result<BusKey> {
        let changing = self.service.changing().await;
        let bus = self.service.find_bus(cx, name)?;
        let mut record = bus.record.clone();
        change(&mut record)?;
        record.modified_ms = Some(clock::now().epoch_ms());
        record.created_ms = record.created_ms.or(record.modified_ms);
        self.service.put_bus(&changing, bus.with_record(record)).await?;
        Ok(bus.key.clone())
    }
}

/// What is for encryption with keys of one's own, which there is none of, and logs of buses.
fn check_settings(
    key: &Option<String>,
    dead_letters: &Option<eventbridge::DeadLetterConfig>,
    logs: &Option<eventbridge::LogConfig>,
) -> Result<()> {
    if key.as_ref().is_some_and(|key| !key.is_empty()) {
        return Err(unavailable("KmsKeyIdentifier"));
    }
    if dead_letters.as_ref().is_some_and(|config| config.arn.is_some()) {
        return Err(unavailable("DeadLetterConfig of a bus"));
    }
    let level = logs.as_ref().and_then(|logs| logs.level);
    if level.is_some_and(|level| level != eventbridge::Level::Off) {
        return Err(unavailable("LogConfig"));
    }
    Ok(())
}

/// What AWS has and this build has not.
pub(crate) fn unavailable(what: &str) -> wire::Fault {
    invalid(format!("{what} is not available in this build of Tinderbox."))
}
