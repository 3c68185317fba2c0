// SPDX-License-Identifier: Apache-2.0
//! What policies may want to know of what services keep. Before a service is open nobody asks: calls wait for it.

use crate::opening::Later;
use api::eventbridge::EventBridgeEndpoint;
use api::lambda::LambdaEndpoint;
use api::logs::CloudWatchLogsEndpoint;
use api::sns::SnsEndpoint;
use api::sqs::SqsEndpoint;
use edge::Resources;
use eventbridge::EventBridge;
use lambda::Lambda;
use policy::Named;
use sns::Sns;
use sqs::Sqs;

/// A service that is open later.
pub(crate) struct LaterResources<T>(pub(crate) Later<T>);

/// The same of one that is open.
pub(crate) trait Attached: Send + Sync + 'static {
    fn policies(&self, arn: &str) -> Vec<Named>;

    fn policies_for_services(&self, arn: &str) -> Vec<Named> {
        let _ = arn;
        Vec::new()
    }

    fn tag(&self, arn: &str, key: &str) -> Option<String>;

    fn fact(&self, arn: &str, key: &str) -> Option<String> {
        let _ = (arn, key);
        None
    }

    /// Functions and layers have no policies but those that `AddPermission` writes: they allow.
    fn may_deny(&self) -> bool {
        false
    }
}

impl<T: Attached> Resources for LaterResources<T> {
    fn policies(&self, arn: &str) -> Vec<Named> {
        self.0.get().map(|service| service.policies(arn)).unwrap_or_default()
    }

    fn policies_for_services(&self, arn: &str) -> Vec<Named> {
        self.0.get().map(|service| service.policies_for_services(arn)).unwrap_or_default()
    }

    fn tag(&self, arn: &str, key: &str) -> Option<String> {
        self.0.get()?.tag(arn, key)
    }

    fn fact(&self, arn: &str, key: &str) -> Option<String> {
        self.0.get()?.fact(arn, key)
    }

    /// What is not open yet may.
    fn may_deny(&self) -> bool {
        self.0.get().is_none_or(Attached::may_deny)
    }
}

impl Attached for EventBridgeEndpoint<EventBridge> {
    fn policies(&self, arn: &str) -> Vec<Named> {
        self.0.attached_policies(arn)
    }

    fn tag(&self, arn: &str, key: &str) -> Option<String> {
        self.0.tag_of(arn, key)
    }

    fn may_deny(&self) -> bool {
        self.0.may_deny()
    }
}

impl Attached for LambdaEndpoint<Lambda> {
    fn policies(&self, arn: &str) -> Vec<Named> {
        self.0.attached_policies(arn)
    }

    fn tag(&self, arn: &str, key: &str) -> Option<String> {
        self.0.tag_of(arn, key)
    }

    fn fact(&self, arn: &str, key: &str) -> Option<String> {
        self.0.fact_of(arn, key)
    }
}

/// Log groups have no policies that callers meet. Their tags are on the disk, and not asked for.
impl Attached for CloudWatchLogsEndpoint<logs::Service> {
    fn policies(&self, _: &str) -> Vec<Named> {
        Vec::new()
    }

    fn policies_for_services(&self, arn: &str) -> Vec<Named> {
        self.0.resource_policies().of_arn(arn)
    }

    fn tag(&self, _: &str, _: &str) -> Option<String> {
        None
    }
}

impl Attached for SnsEndpoint<Sns> {
    fn policies(&self, arn: &str) -> Vec<Named> {
        self.0.attached_policies(arn)
    }

    fn tag(&self, arn: &str, key: &str) -> Option<String> {
        self.0.tag_of(arn, key)
    }

    fn may_deny(&self) -> bool {
        self.0.may_deny()
    }
}

impl Attached for SqsEndpoint<Sqs> {
    fn policies(&self, arn: &str) -> Vec<Named> {
        self.0.attached_policies(arn)
    }

    fn tag(&self, arn: &str, key: &str) -> Option<String> {
        self.0.tag_of(arn, key)
    }

    fn may_deny(&self) -> bool {
        self.0.may_deny()
    }
}
