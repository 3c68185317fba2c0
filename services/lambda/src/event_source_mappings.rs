// SPDX-License-Identifier: Apache-2.0
//! Event source mappings, as they are created, read, changed and deleted.
//!
//! Queues are polled (`polling.rs`), and states say how far their pollers are. Nothing polls other sources yet, and no state says
//! otherwise: a mapping that is asked to be enabled settles as `Disabled`, with the reason in `StateTransitionReason`, and what
//! was asked for is kept for the day there are pollers.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::event_source::{self, Kind};
use crate::page::{Marker, Page};
use crate::registry::Place;
use crate::service::Service;
use crate::validate;
use crate::version::Number;
use api::lambda;
use event_sources::Problem;
use lambda::EventSourceMappingConfiguration;
use names::FunctionReference;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::ops::ControlFlow;
use std::sync::Arc;
use wire::Context;

const NO_POLLER: &str = "No poller is available in this build of Tinderbox";

/// A mapping, in the store as in memory: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Mapping {
    /// All but its state.
    pub(crate) config: EventSourceMappingConfiguration,
    pub(crate) is_enabled: bool,
    /// It is there until what runs of it has ended.
    #[serde(default)]
    pub(crate) is_deleted: bool,
    pub(crate) tags: BTreeMap<String, String>,
}

impl Mapping {
    fn kind(&self) -> Option<Kind> {
        let is_self_managed = self.config.self_managed_event_source.is_some();
        Kind::of(self.config.event_source_arn.as_deref(), is_self_managed)
    }

    /// As a change of it is answered.
    fn changing(&self, state: &str) -> EventSourceMappingConfiguration {
        self.in_state(state, self.kind().map(Kind::user_action).unwrap_or_default())
    }

    fn in_state(&self, state: &str, reason: &str) -> EventSourceMappingConfiguration {
        EventSourceMappingConfiguration {
            state: Some(state.to_owned()),
            state_transition_reason: Some(reason.to_owned()),
            ..self.config.clone()
        }
    }

    pub(crate) fn function_arn(&self) -> Option<&str> {
        self.config.function_arn.as_deref()
    }

    fn leads_to(&self, function_arn: &str) -> bool {
        self.function_arn() == Some(function_arn)
    }
}

impl<I: Invoke> Service<I> {
    /// A mapping as it stands.
    fn view_mapping(&self, id: &str, mapping: &Mapping) -> EventSourceMappingConfiguration {
        let standing = self.pollers.as_ref().and_then(|pollers| pollers.standing(id));
        let transition = standing.as_ref().and_then(|standing| standing.transition);
        let last_result = standing.and_then(|standing| standing.last_result);
        let mut view = match (transition, mapping.is_enabled) {
            _ if mapping.is_deleted => mapping.changing("Deleting"),
            (Some(transition), _) => mapping.changing(transition),
            (None, false) => mapping.changing("Disabled"),
            (None, true) if self.is_polled(mapping) => mapping.changing("Enabled"),
            (None, true) => mapping.in_state("Disabled", NO_POLLER),
        };
        view.last_processing_result = last_result.or(view.last_processing_result);
        view
    }

    fn is_polled(&self, mapping: &Mapping) -> bool {
        self.pollers.is_some() && mapping.polled().is_some()
    }

    /// Whether a queue can be polled for the function of its mapping: it is there, the function's role may do what that
    /// takes, and messages stay hidden for as long as the function may take.
    async fn check_source(
        &self,
        config: &EventSourceMappingConfiguration,
        function_arn: &str,
    ) -> Result<(), Error> {
        let Some(pollers) = &self.pollers else { return Ok(()) };
        let arn = config.event_source_arn.as_deref().unwrap_or_default();
        let Ok(queue) = arn.parse() else { return Ok(()) };
        let found = function_arn.parse().ok().and_then(|arn| self.find_arn(&arn));
        let owner = found.ok_or_else(missing)?.owner();
        let refused = |problem: Problem| Error::InvalidParameter(problem.to_string());
        let reach = pollers.sources().reach(&queue, &owner).map_err(refused)?;
        let visibility = reach.visibility().await.map_err(refused)?;
        if visibility < owner.timeout {
            return Err(Error::InvalidParameter(format!(
                "Queue visibility timeout: {} seconds is less than Function timeout: {} seconds",
                visibility.as_secs(),
                owner.timeout.as_secs()
            )));
        }
        Ok(())
    }

    pub(crate) async fn create_mapping(
        &self,
        cx: &Context,
        mut input: lambda::CreateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration, Error> {
        check_key(input.kms_key_arn.as_deref())?;
        let is_self_managed = input.self_managed_event_source.is_some();
        let kind = Kind::of(input.event_source_arn.as_deref(), is_self_managed)
            .ok_or_else(|| Error::InvalidParameter("Unrecognized event source.".to_owned()))?;
        let function_arn = self.mapped(cx, "CreateEventSourceMapping", &input.function_name)?;
        let tags = input.tags.take().unwrap_or_default();
        validate::check_tags(&tags)?;
        let is_enabled = input.enabled.unwrap_or(true);
        let mut config = event_source::of_new(kind, input)?;
        if kind == Kind::Sqs && other_region(cx, config.event_source_arn.as_deref()) {
            return Err(Error::InvalidParameter("Unrecognized event source.".to_owned()));
        }
        self.check_source(&config, &function_arn).await?;

        let place = Place::of(cx);
        let lock = self.mappings.lock().await;
        let max = self.options.mappings_max;
        if self.mappings.count(&place) >= max {
            return Err(Error::TooMany { what: "event source mappings", max });
        }
        self.check_new(&place, kind, &config, &function_arn)?;
        let id = uuid::Uuid::new_v4().to_string();
        config.event_source_mapping_arn = Some(arn(cx, &id));
        config.function_arn = Some(function_arn);
        config.last_modified = Some((self.options.clock)());
        config.uuid = Some(id.clone());
        let mapping = Mapping { config, is_enabled, is_deleted: false, tags };
        let mapping = self.mappings.put(&lock, &place, &id, mapping).await?;
        if is_enabled {
            self.poll(&mapping, "Creating");
        }
        Ok(mapping.changing("Creating"))
    }

    pub(crate) fn get_mapping(
        &self,
        cx: &Context,
        input: &lambda::GetEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration, Error> {
        let mapping = self.mappings.get(&Place::of(cx), &input.uuid);
        Ok(self.view_mapping(&input.uuid, &*mapping.ok_or_else(Error::nothing_there)?))
    }

    pub(crate) fn list_mappings(
        &self,
        cx: &Context,
        input: &lambda::ListEventSourceMappingsInput,
    ) -> Result<lambda::ListEventSourceMappingsOutput, Error> {
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let name = input.function_name.as_deref().filter(|name| !name.is_empty());
        let function = match name {
            Some(name) => Some(Address::parse(cx, "ListEventSourceMappings", name, None)?),
            None => None,
        };
        let source = input.event_source_arn.as_deref().filter(|arn| !arn.is_empty());
        let is_asked_for = |mapping: &Mapping| {
            let config = &mapping.config;
            source.is_none_or(|source| config.event_source_arn.as_deref() == Some(source))
                && function.as_ref().is_none_or(|address| match address.qualifier {
                    Some(_) => mapping.leads_to(&address.arn()),
                    None => leads_to_any(mapping, address),
                })
        };
        let from = page.from();
        self.mappings.visit(&Place::of(cx), &from, |id, mapping| {
            if !is_asked_for(mapping) {
                return ControlFlow::Continue(());
            }
            let marker = Marker { name: id.to_owned(), number: Number::Latest };
            page.add(marker, || self.view_mapping(id, mapping))
        });
        let (next_marker, event_source_mappings) = page.finish();
        Ok(lambda::ListEventSourceMappingsOutput { next_marker, event_source_mappings })
    }

    pub(crate) async fn update_mapping(
        &self,
        cx: &Context,
        mut input: lambda::UpdateEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration, Error> {
        check_key(input.kms_key_arn.as_deref())?;
        let place = Place::of(cx);
        let lock = self.mappings.lock().await;
        let id = std::mem::take(&mut input.uuid);
        let current = self.mappings.get(&place, &id).ok_or_else(Error::nothing_there)?;
        let kind = current.kind().ok_or_else(Error::nothing_there)?;
        check_stays(&current, "update")?;
        let mut mapping = Mapping::clone(&current);
        let is_enabled = input.enabled.unwrap_or(mapping.is_enabled);
        let state = match (mapping.is_enabled, is_enabled) {
            (true, false) => "Disabling",
            (false, true) => "Enabling",
            _ => "Updating",
        };
        if let Some(name) = input.function_name.take().filter(|name| !name.is_empty()) {
            let function_arn = self.mapped(cx, "UpdateEventSourceMapping", &name)?;
            if !current.leads_to(&function_arn) {
                self.check_new(&place, kind, &mapping.config, &function_arn)?;
            }
            mapping.config.function_arn = Some(function_arn);
        }
        mapping.config = event_source::after_update(kind, mapping.config, input)?;
        mapping.config.last_modified = Some((self.options.clock)());
        mapping.is_enabled = is_enabled;
        if is_enabled {
            let function_arn = mapping.config.function_arn.as_deref().unwrap_or_default();
            self.check_source(&mapping.config, function_arn).await?;
        }
        let mapping = self.mappings.put(&lock, &place, &id, mapping).await?;
        match (is_enabled, &self.pollers) {
            (true, _) => self.poll(&mapping, state),
            (false, Some(pollers)) => pollers.pause(&id, state),
            (false, None) => {}
        }
        Ok(mapping.changing(state))
    }

    pub(crate) async fn delete_mapping(
        self: &Arc<Self>,
        cx: &Context,
        input: lambda::DeleteEventSourceMappingInput,
    ) -> Result<EventSourceMappingConfiguration, Error> {
        let place = Place::of(cx);
        let lock = self.mappings.lock().await;
        let current = self.mappings.get(&place, &input.uuid).ok_or_else(Error::nothing_there)?;
        check_stays(&current, "delete")?;
        match &self.pollers {
            Some(pollers) if pollers.standing(&input.uuid).is_some() => {
                let deleted = Mapping { is_deleted: true, ..Mapping::clone(&current) };
                self.mappings.put(&lock, &place, &input.uuid, deleted).await?;
                pollers.pause(&input.uuid, "Deleting");
                self.remove_soon(place, input.uuid);
            }
            _ => self.mappings.remove(&lock, &place, &input.uuid).await?,
        }
        Ok(current.changing("Deleting"))
    }

    /// The ARN of the function a mapping leads to, as it was addressed. It must be there.
    fn mapped(&self, cx: &Context, operation: &'static str, name: &str) -> Result<String, Error> {
        let address = Address::parse(cx, operation, name, None)?;
        let function = self.table.get(&address.key).ok_or_else(missing)?;
        function.find(address.qualifier.as_ref()).ok_or_else(missing)?;
        function.check_without_tenants("Event source mappings are")?;
        Ok(address.arn())
    }

    /// A source leads to a function once.
    fn check_new(
        &self,
        place: &Place,
        kind: Kind,
        config: &EventSourceMappingConfiguration,
        function_arn: &str,
    ) -> Result<(), Error> {
        let mut same: Option<(String, Arc<Mapping>)> = None;
        self.mappings.visit(place, "", |id, mapping| {
            let other = &mapping.config;
            let is_same = mapping.leads_to(function_arn)
                && other.event_source_arn == config.event_source_arn
                && other.self_managed_event_source == config.self_managed_event_source
                && other.topics == config.topics
                && other.queues == config.queues;
            if is_same {
                same = Some((id.to_owned(), Arc::clone(mapping)));
                return ControlFlow::Break(());
            }
            ControlFlow::Continue(())
        });
        let Some((id, _)) = same else { return Ok(()) };
        let source = config.event_source_arn.as_deref().unwrap_or_default();
        let name = function_arn.split(':').nth(6).unwrap_or_default();
        let what = match kind {
            Kind::Sqs => format!(
                "An event source mapping with SQS arn (\" {source} \") and function (\" {name} \") already exists."
            ),
            _ => format!(
                "The event source arn (\" {source} \") and function (\" {name} \") provided mapping already exists."
            ),
        };
        let hint = format!("Please update or delete the existing mapping with UUID {id}");
        Err(Error::Conflict(format!("{what} {hint}")))
    }
}

fn missing() -> Error {
    Error::InvalidParameter("Function does not exist".to_owned())
}

/// What is being deleted is not changed.
fn check_stays(mapping: &Mapping, verb: &'static str) -> Result<(), Error> {
    match mapping.is_deleted {
        true => Err(Error::InUse { verb }),
        false => Ok(()),
    }
}

/// Functions are mapped to queues of their own region.
fn other_region(cx: &Context, arn: Option<&str>) -> bool {
    arn.and_then(|arn| arn.split(':').nth(3)).is_some_and(|region| region != cx.region.as_str())
}

/// Whether a mapping leads to a function, whichever version of it.
fn leads_to_any(mapping: &Mapping, address: &Address) -> bool {
    let arn = mapping.config.function_arn.as_deref().unwrap_or_default();
    arn.parse::<FunctionReference>().is_ok_and(|reference| reference.name == address.key.name)
}

fn check_key(kms_key_arn: Option<&str>) -> Result<(), Error> {
    match kms_key_arn.filter(|arn| !arn.is_empty()) {
        Some(_) => {
            Err(Error::Unsupported { member: "KMSKeyArn", instead: "filters are kept as they are" })
        }
        None => Ok(()),
    }
}

pub(crate) fn arn(cx: &Context, id: &str) -> String {
    format!("arn:aws:lambda:{}:{}:event-source-mapping:{id}", cx.region, cx.account)
}
