// SPDX-License-Identifier: Apache-2.0
//! The service, and which operation is which of its parts.

use crate::live_tail::{self, Sessions};
use crate::measuring::{Metrics, Minutes};
use crate::policies::ResourcePolicies;
use crate::{error, following, get, groups, metric_filters, put, streams, subscriptions, tags};
use api::logs::{
    CloudWatchLogsEndpoint, CreateLogGroupInput, CreateLogStreamInput, DeclaredOperations,
    DeleteLogGroupInput, DeleteLogStreamInput, DeleteMetricFilterInput, DeleteRetentionPolicyInput,
    DeleteSubscriptionFilterInput, DescribeLogGroupsInput, DescribeLogGroupsOutput,
    DescribeLogStreamsInput, DescribeLogStreamsOutput, DescribeMetricFiltersInput,
    DescribeMetricFiltersOutput, DescribeSubscriptionFiltersInput,
    DescribeSubscriptionFiltersOutput, EventOperations, FilterLogEventsInput,
    FilterLogEventsOutput, FilterOperations, GetLogEventsInput, GetLogEventsOutput,
    GroupOperations, ListTagsForResourceInput, ListTagsForResourceOutput, ListTagsLogGroupInput,
    ListTagsLogGroupOutput, PutLogEventsInput, PutLogEventsOutput,
    PutLogGroupDeletionProtectionInput, PutMetricFilterInput, PutRetentionPolicyInput,
    PutSubscriptionFilterInput, StartLiveTailInput, StartLiveTailOutput, StreamOperations,
    TagLogGroupInput, TagOperations, TagResourceInput, TailOperations, TestMetricFilterInput,
    TestMetricFilterOutput, UntagLogGroupInput, UntagResourceInput,
};
use log_store::{Group, GroupKey, Logs};
use names::AccountId;
use std::sync::Arc;
use targets::Deliver;
use tokio::sync::Semaphore;
use wire::{Context, Endpoint, Fault, Result};

#[derive(Debug, Clone)]
pub struct Service {
    pub(crate) logs: Logs,
    pub(crate) policies: ResourcePolicies,
    pub(crate) targets: Arc<dyn Deliver>,
    pub(crate) metrics: Arc<dyn Metrics>,
    pub(crate) minutes: Arc<Minutes>,
    /// For those that send to functions.
    pub(crate) rounds: Arc<Semaphore>,
    pub(crate) sessions: Arc<Sessions>,
}

impl Service {
    /// `targets` get what subscription filters find, and `metrics` what metric filters do, while somebody [`run`](Self::run)s the
    /// service.
    pub fn new(
        logs: Logs,
        policies: ResourcePolicies,
        targets: Arc<dyn Deliver>,
        metrics: Arc<dyn Metrics>,
    ) -> Self {
        let rounds = Arc::new(following::rounds());
        let (minutes, sessions) = Default::default();
        Self { logs, policies, targets, metrics, minutes, rounds, sessions }
    }

    /// Ends the answers that would go on for hours.
    pub fn stop(&self) {
        self.sessions.stop();
    }

    /// Sends events on as they arrive. It does not end.
    pub async fn run(&self) {
        following::run(self).await;
    }

    pub const fn resource_policies(&self) -> &ResourcePolicies {
        &self.policies
    }

    /// Whether an account has log groups or policies of them.
    pub fn holds(&self, account: &AccountId) -> bool {
        self.policies.holds(account)
            || self.logs.all().iter().any(|(key, _)| key.account == *account)
    }

    /// The service, as it is called over the wire.
    pub fn endpoint(self) -> Arc<dyn Endpoint> {
        Arc::new(CloudWatchLogsEndpoint(self))
    }

    /// Works with the groups on a thread that may block.
    pub(crate) async fn work<T: Send + 'static>(
        &self,
        work: impl FnOnce(&Self) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let service = self.clone();
        let done = tokio::task::spawn_blocking(move || work(&service)).await;
        done.unwrap_or_else(|_| Err(Fault::internal()))
    }

    pub(crate) fn group(&self, key: &GroupKey) -> Result<Arc<Group>> {
        match self.logs.group(key) {
            Some(group) => Ok(group),
            // A function may just have begun it.
            None => self.group_to_read(key),
        }
    }

    /// A group as functions left it just now.
    pub(crate) fn group_to_read(&self, key: &GroupKey) -> Result<Arc<Group>> {
        self.logs.flush();
        self.logs.group(key).ok_or_else(error::no_group)
    }
}

/// Each operation is a function that may block.
macro_rules! operations {
    ($($part:ident { $($name:ident($input:ty) -> $output:ty = $work:path;)* })*) => {$(
        impl $part for Service {
            $(async fn $name(&self, cx: &Context, input: $input) -> Result<$output> {
                let cx = cx.clone();
                self.work(move |service| $work(service, &cx, input)).await
            })*
        }
    )*};
}

operations! {
    GroupOperations {
        create_log_group(CreateLogGroupInput) -> () = groups::create;
        delete_log_group(DeleteLogGroupInput) -> () = groups::delete;
        describe_log_groups(DescribeLogGroupsInput) -> DescribeLogGroupsOutput = groups::describe;
        put_retention_policy(PutRetentionPolicyInput) -> () = groups::put_retention;
        delete_retention_policy(DeleteRetentionPolicyInput) -> () = groups::delete_retention;
        put_log_group_deletion_protection(PutLogGroupDeletionProtectionInput) -> () = groups::protect;
    }
    StreamOperations {
        create_log_stream(CreateLogStreamInput) -> () = streams::create;
        delete_log_stream(DeleteLogStreamInput) -> () = streams::delete;
        describe_log_streams(DescribeLogStreamsInput) -> DescribeLogStreamsOutput = streams::describe;
    }
    EventOperations {
        put_log_events(PutLogEventsInput) -> PutLogEventsOutput = put::put;
        get_log_events(GetLogEventsInput) -> GetLogEventsOutput = get::get;
        filter_log_events(FilterLogEventsInput) -> FilterLogEventsOutput = get::filter;
    }
    TagOperations {
        tag_resource(TagResourceInput) -> () = tags::tag;
        untag_resource(UntagResourceInput) -> () = tags::untag;
        list_tags_for_resource(ListTagsForResourceInput) -> ListTagsForResourceOutput = tags::list;
        tag_log_group(TagLogGroupInput) -> () = tags::tag_group;
        untag_log_group(UntagLogGroupInput) -> () = tags::untag_group;
        list_tags_log_group(ListTagsLogGroupInput) -> ListTagsLogGroupOutput = tags::list_of_group;
    }
}

impl FilterOperations for Service {
    async fn put_subscription_filter(
        &self,
        cx: &Context,
        input: PutSubscriptionFilterInput,
    ) -> Result<()> {
        subscriptions::put(self, cx, input).await
    }

    async fn describe_subscription_filters(
        &self,
        cx: &Context,
        input: DescribeSubscriptionFiltersInput,
    ) -> Result<DescribeSubscriptionFiltersOutput> {
        let cx = cx.clone();
        self.work(move |service| subscriptions::describe(service, &cx, input)).await
    }

    async fn delete_subscription_filter(
        &self,
        cx: &Context,
        input: DeleteSubscriptionFilterInput,
    ) -> Result<()> {
        let cx = cx.clone();
        self.work(move |service| subscriptions::delete(service, &cx, input)).await
    }

    async fn put_metric_filter(&self, cx: &Context, input: PutMetricFilterInput) -> Result<()> {
        let cx = cx.clone();
        self.work(move |service| metric_filters::put(service, &cx, input)).await
    }

    async fn describe_metric_filters(
        &self,
        cx: &Context,
        input: DescribeMetricFiltersInput,
    ) -> Result<DescribeMetricFiltersOutput> {
        let cx = cx.clone();
        self.work(move |service| metric_filters::describe(service, &cx, input)).await
    }

    async fn delete_metric_filter(
        &self,
        cx: &Context,
        input: DeleteMetricFilterInput,
    ) -> Result<()> {
        let cx = cx.clone();
        self.work(move |service| metric_filters::delete(service, &cx, input)).await
    }

    async fn test_metric_filter(
        &self,
        _: &Context,
        input: TestMetricFilterInput,
    ) -> Result<TestMetricFilterOutput> {
        get::test_pattern(input)
    }
}

impl TailOperations for Service {
    async fn start_live_tail(
        &self,
        cx: &Context,
        input: StartLiveTailInput,
    ) -> Result<StartLiveTailOutput> {
        live_tail::start(self, cx, input).await
    }
}

impl DeclaredOperations for Service {}
