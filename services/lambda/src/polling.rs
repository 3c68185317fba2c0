// SPDX-License-Identifier: Apache-2.0
//! Functions as the pollers of event source mappings see them, and mappings as pollers do.
//!
//! A batch is run as an invocation that waits for its answer, on the version or alias of its mapping.

use crate::Invoke;
use crate::address::Address;
use crate::concurrency::Gate;
use crate::error::Error;
use crate::event_source_mappings::Mapping;
use crate::function::Key;
use crate::read::Found;
use crate::registry::Place;
use crate::service::Service;
use crate::traces::header_for;
use crate::watched;
use bytes::Bytes;
use event_patterns::Pattern;
use event_sources::{
    Answer, Counted, Functions, NotInvoked, Options, Owner, Pollers, Scaling, Sources,
};
use meter::Metric;
use names::{FunctionArn, RequestId, TraceHeader};
use recordings::Kind;
use std::sync::{Arc, Weak};
use std::time::Duration;
use wire::BoxFuture;
use worker::Event;

/// How many provisioned pollers there are where a mapping does not say.
const POLLERS_MIN: i32 = 2;
const POLLERS_MAX: i32 = 200;

/// The pollers that a service owns do not keep it.
#[derive(Debug)]
struct Polled<I>(Weak<Service<I>>);

pub(crate) fn pollers<I: Invoke>(
    service: &Weak<Service<I>>,
    sources: Sources,
    options: &Options,
) -> Pollers {
    Pollers::new(sources, Arc::new(Polled(Weak::clone(service))), options)
}

impl<I: Invoke> Polled<I> {
    fn find(&self, function: &str) -> Option<(Arc<Service<I>>, Found)> {
        let service = self.0.upgrade()?;
        let found = service.find_arn(&function.parse().ok()?)?;
        Some((service, found))
    }
}

impl<I: Invoke> Functions for Polled<I> {
    fn owner(&self, function: &str) -> Option<Owner> {
        let (_, found) = self.find(function)?;
        Some(found.owner())
    }

    fn is_loop(&self, function: &str, trace: &TraceHeader) -> bool {
        let Some((service, found)) = self.find(function) else { return false };
        let is_loop = found.function.next_hop(trace).is_err();
        if is_loop {
            let (key, qualifier) = (&found.address.key, found.address.qualifier.as_ref());
            service.note(key, qualifier, Metric::RecursiveInvocationsDropped);
        }
        is_loop
    }

    fn invoke<'a>(
        &'a self,
        function: &'a str,
        event: Bytes,
        traces: &'a [TraceHeader],
    ) -> BoxFuture<'a, Result<Answer, NotInvoked>> {
        Box::pin(async move {
            let Some((service, found)) = self.find(function) else {
                let reason = "The function does not exist".to_owned();
                return Err(NotInvoked { reason, is_throttled: false });
            };
            let ran = service.run_batch(found, event, traces).await;
            ran.map_err(|error| {
                tracing::debug!(
                    function,
                    error = &error as &dyn std::error::Error,
                    "batch not run"
                );
                not_invoked(&error)
            })
        })
    }

    fn count(&self, mapping: &event_sources::Mapping, counted: Counted, events: usize) {
        if !mapping.counts_events || events == 0 {
            return;
        }
        let metric = match counted {
            Counted::Polled => Metric::PolledEventCount,
            Counted::FilteredOut => Metric::FilteredOutEventCount,
            Counted::Invoked => Metric::InvokedEventCount,
            Counted::FailedInvoke => Metric::FailedInvokeEventCount,
            Counted::Deleted => Metric::DeletedEventCount,
        };
        if let Some(service) = self.0.upgrade() {
            service.note_events(mapping, metric, events);
        }
    }
}

/// In AWS's words, as far as it has some.
fn not_invoked(error: &Error) -> NotInvoked {
    NotInvoked { reason: watched::reason(error), is_throttled: watched::is_throttle(error) }
}

impl Found {
    pub(crate) fn owner(&self) -> Owner {
        let settings = &self.version.record.settings;
        Owner {
            name: self.address.key.name.to_string(),
            role: settings.role.clone(),
            timeout: Duration::from_secs(settings.timeout_s.into()),
        }
    }
}

impl<I: Invoke> Service<I> {
    /// The function of an ARN as it is now. `None` when it is no more.
    pub(crate) fn find_arn(&self, arn: &FunctionArn) -> Option<Found> {
        let FunctionArn { account, region, name, qualifier, .. } = arn.clone();
        let key = Key { account, region, name };
        let function = self.table.get(&key)?;
        let version = Arc::clone(function.find(qualifier.as_ref())?);
        Some(Found { address: Address { key, qualifier }, function, version })
    }

    /// Runs a batch that was received. An error means that it did not come to the function.
    async fn run_batch(
        &self,
        mut found: Found,
        payload: Bytes,
        traces: &[TraceHeader],
    ) -> Result<Answer, Error> {
        let lineage = &found.function.lineage;
        let trace = match traces.iter().max_by_key(|trace| trace.hop(lineage).1) {
            Some(trace) => trace.clone(),
            None => TraceHeader::start(self.now_s()),
        };
        found.route();
        let request_id = RequestId::random();
        let (sampled, told) = self.trace(&found, &trace, request_id);
        let below = header_for(&trace, sampled.as_deref());
        let event = Event {
            request_id,
            payload,
            invoked_arn: found.address.arn(),
            client_context: None,
            cognito_identity: None,
            tenant_id: None,
            trace_id: found.function.next_hop(below.as_ref().unwrap_or(&trace))?,
            sampled,
            response: None,
            wants_log_tail: false,
        };
        let admitted =
            self.enter(found, event, Kind::RequestResponse, Gate::enter).await?.telling(told);
        let outcome = self.run(admitted).await?;
        Ok(Answer {
            payload: outcome.payload,
            is_function_error: outcome.is_function_error,
            request_id,
            trace: trace.root(),
        })
    }

    fn now_s(&self) -> u64 {
        u64::try_from((self.options.clock)().epoch_ms() / 1_000).unwrap_or_default()
    }

    /// Polls for the mappings that are enabled, and goes on with what a crash interrupted.
    pub(crate) fn begin_polling(self: &Arc<Self>) {
        for (place, id, mapping) in self.mappings.all() {
            if mapping.is_deleted {
                self.remove_soon(place, id);
            } else if mapping.is_enabled {
                self.poll(&mapping, "Enabling");
            }
        }
    }

    /// Polls for a mapping, if somebody can.
    pub(crate) fn poll(&self, mapping: &Mapping, transition: &'static str) {
        if let (Some(pollers), Some(polled)) = (&self.pollers, mapping.polled()) {
            pollers.poll(polled, transition);
        }
    }

    /// Removes a mapping once what runs of it has ended.
    pub(crate) fn remove_soon(self: &Arc<Self>, place: Place, id: String) {
        let service = Arc::clone(self);
        crate::tasks::background(async move {
            if let Some(pollers) = &service.pollers {
                pollers.settled(&id).await;
            }
            let lock = service.mappings.lock().await;
            if let Err(error) = service.mappings.remove(&lock, &place, &id).await {
                tracing::error!(
                    mapping = id,
                    error = &error as &dyn std::error::Error,
                    "mapping not removed"
                );
            }
            if let Some(pollers) = &service.pollers {
                pollers.forget(&id);
            }
        });
    }
}

impl Mapping {
    /// What its poller needs to know. `None` for kinds of sources that are not polled in this build.
    pub(crate) fn polled(&self) -> Option<event_sources::Mapping> {
        let config = &self.config;
        let queue = config.event_source_arn.as_deref()?.parse().ok()?;
        let filters =
            config.filter_criteria.as_ref().and_then(|filters| filters.filters.as_deref());
        let filters =
            filters.unwrap_or_default().iter().filter_map(|filter| filter.pattern.as_deref());
        let concurrency_max =
            config.scaling_config.as_ref().and_then(|scaling| scaling.maximum_concurrency);
        let scaling = match &config.provisioned_poller_config {
            Some(asked) => Scaling::provisioned(
                size(asked.minimum_pollers.unwrap_or(POLLERS_MIN)),
                size(asked.maximum_pollers.unwrap_or(POLLERS_MAX)),
            ),
            None => Scaling::on_demand(concurrency_max.map(size)),
        };
        let metrics = config.metrics_config.as_ref().and_then(|metrics| metrics.metrics.as_deref());
        let event_count = api::lambda::EventSourceMappingMetric::EventCount;
        Some(event_sources::Mapping {
            id: config.uuid.clone()?,
            queue,
            function: config.function_arn.clone()?,
            batch_size: size(config.batch_size?),
            window: Duration::from_secs(
                config.maximum_batching_window_in_seconds.unwrap_or_default().unsigned_abs().into(),
            ),
            // They were checked when the mapping was kept. A pattern that is none is for nothing.
            filters: filters.map(Pattern::parse).collect::<Result<_, _>>().ok()?,
            reports_failures: config
                .function_response_types
                .as_ref()
                .is_some_and(|types| !types.is_empty()),
            scaling,
            counts_events: metrics.unwrap_or_default().contains(&event_count),
        })
    }
}

fn size(number: i32) -> usize {
    usize::try_from(number).unwrap_or_default()
}
