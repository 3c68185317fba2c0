// SPDX-License-Identifier: Apache-2.0
//! What services send to, by the operations that clients call, after the policies were asked.

use crate::opening::Later;
use api::eventbridge::{
    BusOperations as _, DescribeEventBusInput, EventBridgeEndpoint, EventOperations as _,
    PutEventsInput,
};
use api::lambda::{InvocationType, InvokeInput, InvokeOperations as _, LambdaEndpoint};
use api::logs::{
    CloudWatchLogsEndpoint, CreateLogStreamInput, DescribeLogStreamsInput, EventOperations as _,
    InputLogEvent, PutLogEventsInput, StreamOperations as _,
};
use api::sns::{
    GetTopicAttributesInput, PublishOperations as _, SnsEndpoint, TopicOperations as _,
};
use api::sqs::{GetQueueUrlInput, MessageOperations as _, QueueOperations as _, SqsEndpoint};
use edge::Edge;
use eventbridge::EventBridge;
use flow::{Fact, Outcome};
use lambda::Lambda;
use names::{FunctionArn, QueueArn, RequestId, TraceHeader, TraceId};
use s3::S3;
use sns::Sns;
use sqs::Sqs;
use std::fmt;
use std::sync::Arc;
use targets::{Deliver, NotTaken, Parcel, Sender};
use wire::{Access, Authority, BoxFuture, Context};

/// Every service that something can be sent to. Who sends before one is open waits for it.
pub(crate) struct Targets {
    pub(crate) edge: Later<Arc<Edge>>,
    pub(crate) lambda: Later<LambdaEndpoint<Lambda>>,
    pub(crate) queues: Later<SqsEndpoint<Sqs>>,
    pub(crate) topics: Later<SnsEndpoint<Sns>>,
    pub(crate) buses: Later<EventBridgeEndpoint<EventBridge>>,
    pub(crate) objects: Later<S3>,
    pub(crate) groups: Later<CloudWatchLogsEndpoint<logs::Service>>,
}

impl fmt::Debug for Targets {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Targets")
    }
}

impl Deliver for Targets {
    fn check<'a>(
        &'a self,
        sender: &'a Sender,
        target_arn: &'a str,
    ) -> BoxFuture<'a, Result<(), NotTaken>> {
        Box::pin(async move {
            let trace = TraceHeader::start(0);
            if let Some(object) = target_arn.strip_prefix(OBJECTS) {
                let (bucket, key) = object.split_once('/').unwrap_or((object, ""));
                let cx = self.context(sender, trace, region_of(sender)).await?;
                return Ok(self.objects.wait().await.check_write(&cx, bucket, key)?);
            }
            let target = Target::parse(target_arn)?;
            let cx = self.admit(sender, trace, &target).await?;
            match target.service {
                Service::Lambda => self.invoke(&cx, dry_run(target.arn)).await,
                Service::Sqs => {
                    let SqsEndpoint(queues) = self.queues.wait().await;
                    let input = GetQueueUrlInput {
                        queue_name: target.name.to_owned(),
                        ..GetQueueUrlInput::default()
                    };
                    Ok(queues.get_queue_url(&cx, input).await.map(drop)?)
                }
                Service::Sns => {
                    let SnsEndpoint(topics) = self.topics.wait().await;
                    let input = GetTopicAttributesInput { topic_arn: target.arn.to_owned() };
                    Ok(topics.get_topic_attributes(&cx, input).await.map(drop)?)
                }
                Service::Events => {
                    let EventBridgeEndpoint(buses) = self.buses.wait().await;
                    let input = DescribeEventBusInput { name: Some(target.arn.to_owned()) };
                    Ok(buses.describe_event_bus(&cx, input).await.map(drop)?)
                }
                Service::Logs => {
                    let CloudWatchLogsEndpoint(groups) = self.groups.wait().await;
                    let input = DescribeLogStreamsInput {
                        log_group_identifier: Some(target.arn.to_owned()),
                        limit: Some(1),
                        ..DescribeLogStreamsInput::default()
                    };
                    Ok(groups.describe_log_streams(&cx, input).await.map(drop)?)
                }
            }
        })
    }

    fn deliver<'a>(
        &'a self,
        sender: &'a Sender,
        trace: TraceHeader,
        parcel: Parcel,
    ) -> BoxFuture<'a, Result<(), NotTaken>> {
        Box::pin(async move {
            // Cloned while somebody watches only.
            // Functions tell of their records themselves: they know the requests.
            let is_told = flow::is_watched() && sender.source_arn().parse::<FunctionArn>().is_err();
            let watched = is_told.then(|| (trace.root(), parcel.target_arn()));
            let taken = self.send(sender, trace, parcel).await;
            if let Some((trace, target)) = watched {
                tell(sender, target, trace, &taken);
            }
            taken
        })
    }
}

impl Targets {
    /// With a place for each that is opened later.
    pub(crate) fn later() -> Self {
        let (edge, lambda, buses) = (Later::new(), Later::new(), Later::new());
        let (queues, topics, objects) = (Later::new(), Later::new(), Later::new());
        Self { edge, lambda, queues, topics, buses, objects, groups: Later::new() }
    }

    async fn send(
        &self,
        sender: &Sender,
        trace: TraceHeader,
        parcel: Parcel,
    ) -> Result<(), NotTaken> {
        match parcel {
            Parcel::Invocation { function_arn, payload } => {
                let cx = self.admit(sender, trace, &Target::parse(&function_arn)?).await?;
                let input = InvokeInput {
                    function_name: function_arn,
                    invocation_type: Some(InvocationType::Event),
                    payload,
                    ..InvokeInput::default()
                };
                self.invoke(&cx, input).await
            }
            Parcel::Message { queue, mut input } => {
                let arn = queue.to_string();
                let cx = self.admit(sender, trace, &Target::parse(&arn)?).await?;
                input.queue_url = queue.url_path();
                let SqsEndpoint(queues) = self.queues.wait().await;
                Ok(queues.send_message(&cx, input).await.map(drop)?)
            }
            Parcel::Notification { input } => {
                let arn = input.topic_arn.clone().unwrap_or_default();
                let cx = self.admit(sender, trace, &Target::parse(&arn)?).await?;
                let SnsEndpoint(topics) = self.topics.wait().await;
                Ok(topics.publish(&cx, input).await.map(drop)?)
            }
            Parcel::Events { bus_arn, input } => {
                let cx = self.admit(sender, trace, &Target::parse(&bus_arn)?).await?;
                // Events are the sender's, wherever they are put.
                let account = account_of(sender).parse();
                let cx = Context { account: account.unwrap_or(cx.account), ..cx };
                self.put_events(&cx, &bus_arn, input).await
            }
            Parcel::Object { bucket, key, body } => {
                let cx = self.context(sender, trace, region_of(sender)).await?;
                // It asks the policies itself, as it does for all calls.
                Ok(self.objects.wait().await.write(&cx, &bucket, &key, body.into_bytes()).await?)
            }
            Parcel::LogEvent { group_arn, stream, event } => {
                self.send_log_event(sender, trace, &group_arn, &stream, event).await
            }
        }
    }

    async fn send_log_event(
        &self,
        sender: &Sender,
        trace: TraceHeader,
        group_arn: &str,
        stream: &str,
        event: InputLogEvent,
    ) -> Result<(), NotTaken> {
        let group_arn = group_arn.trim_end_matches(":*");
        let arn = format!("{group_arn}:log-stream:{stream}");
        let target = Target::parse(&arn)?;
        let cx = self.admit(sender, trace.clone(), &target).await?;
        let Some((_, group)) = group_arn.rsplit_once(':') else {
            return Err(NotTaken::no_such_target(group_arn));
        };
        match self.put_log_event(&cx, group, stream, event.clone()).await {
            Err(NotTaken::Never { code, .. }) if code == "ResourceNotFoundException" => {}
            result => return result,
        }
        let asked = self.context(sender, trace, target.region).await?;
        let resource = || Access::to(format!("{group_arn}:*"));
        let asked = asked.authority.check(&asked, "logs:CreateLogStream", resource);
        asked.map_err(NotTaken::denied)?;
        self.create_log_stream(&cx, group, stream).await?;
        self.put_log_event(&cx, group, stream, event).await
    }

    /// The context of a call that the sender may make: as the target's own account.
    async fn admit(
        &self,
        sender: &Sender,
        trace: TraceHeader,
        target: &Target<'_>,
    ) -> Result<Context, NotTaken> {
        let unknown = || NotTaken::no_such_target(target.arn);
        // Before it is open nobody knows its policies.
        match target.service {
            Service::Lambda => _ = self.lambda.wait().await,
            Service::Sns => _ = self.topics.wait().await,
            Service::Sqs => _ = self.queues.wait().await,
            Service::Events => _ = self.buses.wait().await,
            Service::Logs => _ = self.groups.wait().await,
        }
        let mut cx = self.context(sender, trace, target.region).await?;
        // A service needs nobody's leave to tell an account's own buses what happened in it.
        let is_news = target.service == Service::Events
            && matches!(sender, Sender::Service { .. })
            && account_of(sender) == target.account;
        if !is_news {
            let asked = cx.authority.check(&cx, target.service.action(), || Access::to(target.arn));
            asked.map_err(NotTaken::denied)?;
        }
        cx.account = target.account.parse().map_err(|_| unknown())?;
        cx.authority = Authority::Full;
        Ok(cx)
    }

    /// The context of a call of the sender's, before anybody was asked about it.
    async fn context(
        &self,
        sender: &Sender,
        trace: TraceHeader,
        region: &str,
    ) -> Result<Context, NotTaken> {
        let nobodys = || NotTaken::no_such_target(sender.source_arn());
        let edge = self.edge.wait().await;
        let account = account_of(sender);
        let (caller, authority) = match sender {
            Sender::Service { name, source_arn, .. } => edge.act_for(name, source_arn, account),
            Sender::Role { arn, session, .. } => edge.act_as(arn, session),
        };
        Ok(Context {
            account: account.parse().map_err(|_| nobodys())?,
            region: region.parse().map_err(|_| nobodys())?,
            request_id: RequestId::random(),
            trace,
            caller,
            authority,
            endpoint: String::new(),
        })
    }

    async fn invoke(&self, cx: &Context, input: InvokeInput) -> Result<(), NotTaken> {
        let LambdaEndpoint(lambda) = self.lambda.wait().await;
        Ok(lambda.invoke(cx, input).await.map(drop)?)
    }

    async fn put_log_event(
        &self,
        cx: &Context,
        group: &str,
        stream: &str,
        event: InputLogEvent,
    ) -> Result<(), NotTaken> {
        let CloudWatchLogsEndpoint(groups) = self.groups.wait().await;
        let input = PutLogEventsInput {
            log_group_name: group.to_owned(),
            log_stream_name: stream.to_owned(),
            log_events: vec![event],
            ..PutLogEventsInput::default()
        };
        match groups.put_log_events(cx, input).await?.rejected_log_events_info {
            None => Ok(()),
            Some(_) => Err(NotTaken::Never {
                code: "InvalidParameterException".to_owned(),
                message: "The time of the event is too far away for the log group.".to_owned(),
            }),
        }
    }

    async fn create_log_stream(
        &self,
        cx: &Context,
        group: &str,
        stream: &str,
    ) -> Result<(), NotTaken> {
        let CloudWatchLogsEndpoint(groups) = self.groups.wait().await;
        let input = CreateLogStreamInput {
            log_group_name: group.to_owned(),
            log_stream_name: stream.to_owned(),
        };
        match groups.create_log_stream(cx, input).await {
            // Somebody else was faster.
            Err(fault) if fault.code == "ResourceAlreadyExistsException" => Ok(()),
            made => Ok(made?),
        }
    }

    async fn put_events(
        &self,
        cx: &Context,
        bus_arn: &str,
        mut input: PutEventsInput,
    ) -> Result<(), NotTaken> {
        for entry in &mut input.entries {
            entry.event_bus_name = Some(bus_arn.to_owned());
        }
        let EventBridgeEndpoint(buses) = self.buses.wait().await;
        let entries = buses.put_events(cx, input).await?.entries.unwrap_or_default();
        let Some(failed) = entries.into_iter().find(|entry| entry.error_code.is_some()) else {
            return Ok(());
        };
        let code = failed.error_code.unwrap_or_default();
        let message = failed.error_message.unwrap_or_default();
        match code.as_str() {
            "ThrottlingException" | "InternalFailure" => Err(NotTaken::NotNow { code, message }),
            _ => Err(NotTaken::Never { code, message }),
        }
    }
}

/// Who sends: the owner of what a service sends for, or of the role.
fn account_of(sender: &Sender) -> &str {
    match sender {
        Sender::Service { source_account, .. } => source_account.as_str(),
        Sender::Role { arn, .. } => arn.split(':').nth(4).unwrap_or_default(),
    }
}

/// Where what it sends for is.
fn region_of(sender: &Sender) -> &str {
    sender.source_arn().split(':').nth(3).unwrap_or_default()
}

/// Tells who watches what became of a parcel.
fn tell(sender: &Sender, target: String, trace: TraceId, taken: &Result<(), NotTaken>) {
    flow::tell(|| {
        let fact = |outcome| Fact::new(sender.source_arn(), target, outcome).in_trace(trace);
        let Err(not_taken) = taken else { return fact(Outcome::Delivered) };
        fact(outcome(not_taken)).because(not_taken.to_string())
    });
}

fn outcome(not_taken: &NotTaken) -> Outcome {
    match not_taken {
        NotTaken::Never { code, .. } if code.starts_with("AccessDenied") => Outcome::NotAllowed,
        NotTaken::Never { .. } => Outcome::Failed,
        NotTaken::NotNow { code, .. } if code.contains("Throttl") || code.contains("TooMany") => {
            Outcome::Throttled
        }
        NotTaken::NotNow { .. } => Outcome::Retried,
    }
}

fn dry_run(function_arn: &str) -> InvokeInput {
    InvokeInput {
        function_name: function_arn.to_owned(),
        invocation_type: Some(InvocationType::DryRun),
        ..InvokeInput::default()
    }
}

/// Before the bucket.
const OBJECTS: &str = "arn:aws:s3:::";

/// What an ARN says.
struct Target<'a> {
    arn: &'a str,
    service: Service,
    region: &'a str,
    account: &'a str,
    name: &'a str,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Service {
    Events,
    Lambda,
    Logs,
    Sns,
    Sqs,
}

impl Service {
    const fn action(self) -> &'static str {
        match self {
            Self::Events => "events:PutEvents",
            Self::Lambda => "lambda:InvokeFunction",
            Self::Logs => "logs:PutLogEvents",
            Self::Sns => "sns:Publish",
            Self::Sqs => "sqs:SendMessage",
        }
    }
}

impl<'a> Target<'a> {
    fn parse(arn: &'a str) -> Result<Self, NotTaken> {
        let parts: Vec<&str> = arn.splitn(6, ':').collect();
        let service = |name: &str| {
            Some(match name {
                "events" if arn.contains(":event-bus/") => Service::Events,
                "lambda" if arn.parse::<FunctionArn>().is_ok() => Service::Lambda,
                "logs" if arn.contains(":log-group:") => Service::Logs,
                "sns" => Service::Sns,
                "sqs" if arn.parse::<QueueArn>().is_ok() => Service::Sqs,
                _ => return None,
            })
        };
        match *parts {
            ["arn", _, service_name, region, account, name] => {
                let service = service(service_name);
                service.map(|service| Self { arn, service, region, account, name })
            }
            _ => None,
        }
        .ok_or_else(|| NotTaken::no_such_target(arn))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_says_what_is_called() {
        let service = |arn| Target::parse(arn).map(|target| target.service).ok();
        assert_eq!(
            service("arn:aws:lambda:us-east-1:123456789012:function:f:live"),
            Some(Service::Lambda)
        );
        assert_eq!(service("arn:aws:sqs:us-east-1:123456789012:q.fifo"), Some(Service::Sqs));
        assert_eq!(service("arn:aws:sns:us-east-1:123456789012:t"), Some(Service::Sns));
        assert_eq!(
            service("arn:aws:events:us-east-1:123456789012:event-bus/b"),
            Some(Service::Events)
        );
        assert_eq!(
            service("arn:aws:logs:us-east-1:123456789012:log-group:/aws/events/g"),
            Some(Service::Logs)
        );
        assert_eq!(service("arn:aws:logs:us-east-1:123456789012:destination:d"), None);
        assert_eq!(service("arn:aws:events:us-east-1:123456789012:rule/r"), None);
        assert_eq!(service("arn:aws:lambda:us-east-1:123456789012:layer:f"), None);
        assert_eq!(service("arn:aws:kinesis:us-east-1:123456789012:stream/s"), None);
        assert_eq!(service("queue"), None);
    }
}
