// SPDX-License-Identifier: Apache-2.0
//! The metrics of topics.

use crate::filter::Mismatch;
use crate::message::Message;
use crate::topic::{Protocol, Topic};
use meter::{Measure, Resource};

const PUBLISHED: Measure = Measure::count("NumberOfMessagesPublished");
const PUBLISHED_SIZE: Measure = Measure::bytes("PublishSize");
const DELIVERED: Measure = Measure::count("NumberOfNotificationsDelivered");
const FAILED: Measure = Measure::count("NumberOfNotificationsFailed");
const FILTERED: Measure = Measure::count("NumberOfNotificationsFilteredOut");
const NO_ATTRIBUTES: Measure =
    Measure::count("NumberOfNotificationsFilteredOut-NoMessageAttributes");
const OTHER_ATTRIBUTES: Measure =
    Measure::count("NumberOfNotificationsFilteredOut-MessageAttributes");
const OTHER_BODY: Measure = Measure::count("NumberOfNotificationsFilteredOut-MessageBody");
const NO_JSON: Measure = Measure::count("NumberOfNotificationsFilteredOut-InvalidMessageBody");
const REDRIVEN: Measure = Measure::count("NumberOfNotificationsRedrivenToDlq");
const NOT_REDRIVEN: Measure = Measure::count("NumberOfNotificationsFailedToRedriveToDlq");

impl Topic {
    pub(crate) fn count_published(&self, message: &Message) {
        #[expect(clippy::cast_precision_loss, reason = "256 KB at most")]
        let bytes = message.bytes() as f64;
        self.count(&[(PUBLISHED, 1.0), (PUBLISHED_SIZE, bytes)]);
    }

    pub(crate) fn count_filtered(&self, mismatch: Mismatch) {
        let why = match mismatch {
            Mismatch::NoAttributes => NO_ATTRIBUTES,
            Mismatch::Attributes => OTHER_ATTRIBUTES,
            Mismatch::Body => OTHER_BODY,
            Mismatch::NoJson => NO_JSON,
        };
        self.count(&[(FILTERED, 1.0), (why, 1.0)]);
    }

    pub(crate) fn count_delivered(&self) {
        self.count(&[(DELIVERED, 1.0)]);
    }

    /// As on AWS, each attempt at an endpoint of HTTP counts, and of all others only the last.
    pub(crate) fn count_failed(&self, protocol: Protocol, is_over: bool) {
        if is_over || protocol.is_http() {
            self.count(&[(FAILED, 1.0)]);
        }
    }

    pub(crate) fn count_redriven(&self, is_taken: bool) {
        self.count(&[(if is_taken { REDRIVEN } else { NOT_REDRIVEN }, 1.0)]);
    }

    fn count(&self, values: &[(Measure, f64)]) {
        let resource = || Resource {
            account: self.key.account.clone(),
            region: self.key.region.clone(),
            namespace: "AWS/SNS",
            dimensions: vec![vec![("TopicName", self.key.name.clone())]],
        };
        self.tally.add(resource, values);
    }
}
