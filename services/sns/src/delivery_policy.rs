// SPDX-License-Identifier: Apache-2.0
//! Delivery policies: how often an endpoint of HTTP or HTTPS is tried again, how fast it gets messages, and of what content type. Pure.
//!
//! A subscription's own policy goes before its topic's, and that before AWS's default. How delays grow between the first and the
//! last of the backoff phase, AWS shows in a picture only: where the shortest and the longest are the same, nothing depends on it.

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};
use std::time::Duration;

const RETRIES_MAX: u32 = 100;
const DELAY_MAX: u32 = 3_600;
/// Of all retries together.
const SECONDS_MAX: f64 = 3_600.0;
const CONTENT_TYPE: &str = "text/plain; charset=UTF-8";
const CONTENT_TYPES: [&str; 12] = [
    "application/atom+xml",
    "application/json",
    "application/octet-stream",
    "application/soap+xml",
    "application/x-www-form-urlencoded",
    "application/xhtml+xml",
    "application/xml",
    "text/css",
    "text/csv",
    "text/html",
    "text/plain",
    "text/xml",
];

/// `healthyRetryPolicy`
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct Retries {
    min_delay_target: u32,
    max_delay_target: u32,
    num_retries: u32,
    num_max_delay_retries: u32,
    num_no_delay_retries: u32,
    num_min_delay_retries: u32,
    backoff_function: Backoff,
}

#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Backoff {
    Arithmetic,
    Exponential,
    Geometric,
    #[default]
    Linear,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Throttle {
    max_receives_per_second: Option<u32>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub(crate) struct Request {
    header_content_type: Option<String>,
}

/// As a subscription says it, and as it is in force.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
pub(crate) struct DeliveryPolicy {
    healthy_retry_policy: Option<Retries>,
    /// Was never more than a name.
    sickly_retry_policy: Option<()>,
    throttle_policy: Option<Throttle>,
    request_policy: Option<Request>,
    guaranteed: bool,
}

/// As a topic says it.
#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(default, deny_unknown_fields)]
struct TopicPolicy {
    http: Http,
}

#[derive(Debug, Clone, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", default, deny_unknown_fields)]
struct Http {
    default_healthy_retry_policy: Option<Retries>,
    default_sickly_retry_policy: Option<()>,
    default_throttle_policy: Option<Throttle>,
    default_request_policy: Option<Request>,
    disable_subscription_overrides: bool,
}

impl Default for Retries {
    fn default() -> Self {
        Self {
            min_delay_target: 20,
            max_delay_target: 20,
            num_retries: 3,
            num_max_delay_retries: 0,
            num_no_delay_retries: 0,
            num_min_delay_retries: 0,
            backoff_function: Backoff::Linear,
        }
    }
}

impl Retries {
    /// How long to wait after so many failures. `None`: it was tried often enough.
    fn after(&self, failures: u32) -> Option<f64> {
        let Self { num_retries, num_no_delay_retries, num_min_delay_retries, .. } = *self;
        let (least, most) = (f64::from(self.min_delay_target), f64::from(self.max_delay_target));
        let early = num_no_delay_retries + num_min_delay_retries;
        let backoffs = num_retries.saturating_sub(early + self.num_max_delay_retries);
        match failures {
            0 => Some(0.0),
            _ if failures > num_retries => None,
            _ if failures <= num_no_delay_retries => Some(0.0),
            _ if failures <= early => Some(least),
            _ if failures > early + backoffs => Some(most),
            _ => {
                let part = f64::from(failures - early) / f64::from(backoffs);
                Some(match self.backoff_function {
                    Backoff::Linear => least + (most - least) * part,
                    Backoff::Arithmetic => least + (most - least) * part * part,
                    Backoff::Geometric => least * (most / least).powf(part),
                    Backoff::Exponential => least + (most - least) * (part * 10.0).exp2() / 1_024.0,
                })
            }
        }
    }

    fn check(&self) -> Result<(), String> {
        let Self { min_delay_target, max_delay_target, num_retries, .. } = *self;
        let all =
            [self.num_no_delay_retries, self.num_min_delay_retries, self.num_max_delay_retries];
        let phases = all.iter().fold(0_u32, |sum, part| sum.saturating_add(*part));
        if !(1..=DELAY_MAX).contains(&min_delay_target) {
            return Err("minDelayTarget must be between 1 and 3600".to_owned());
        }
        if !(min_delay_target..=DELAY_MAX).contains(&max_delay_target) {
            return Err("maxDelayTarget must be between minDelayTarget and 3600".to_owned());
        }
        if num_retries > RETRIES_MAX {
            return Err("numRetries must be between 0 and 100".to_owned());
        }
        if phases > num_retries {
            return Err("numRetries must not be less than the retries of the phases".to_owned());
        }
        let seconds: f64 = (1..=num_retries).filter_map(|failures| self.after(failures)).sum();
        if seconds > SECONDS_MAX {
            return Err(
                "the total delay of all retries must not be more than 3600 seconds".to_owned()
            );
        }
        Ok(())
    }
}

impl DeliveryPolicy {
    /// A subscription's.
    pub(crate) fn parse(text: &str) -> Result<Self, String> {
        let policy: Self = serde_json::from_str(text).map_err(|error| error.to_string())?;
        check(&policy.healthy_retry_policy, &policy.throttle_policy, &policy.request_policy)?;
        Ok(policy)
    }

    /// The one in force, of what a topic and a subscription say, each good.
    pub(crate) fn effective(topic: Option<&str>, subscription: Option<&str>) -> Self {
        let http = topic.and_then(|text| topic_policy(text).ok()).unwrap_or_default();
        let own = subscription.filter(|_| !http.disable_subscription_overrides);
        let own = own.and_then(|text| Self::parse(text).ok()).unwrap_or_default();
        let request = Request { header_content_type: Some(CONTENT_TYPE.to_owned()) };
        Self {
            healthy_retry_policy: own
                .healthy_retry_policy
                .or(http.default_healthy_retry_policy)
                .or_else(|| Some(Retries::default())),
            throttle_policy: own.throttle_policy.or(http.default_throttle_policy),
            request_policy: own.request_policy.or(http.default_request_policy).or(Some(request)),
            ..Self::default()
        }
    }

    pub(crate) fn retry_after(&self, failures: u32) -> Option<Duration> {
        let retries = self.healthy_retry_policy.as_ref()?;
        Some(Duration::from_secs_f64(retries.after(failures)?))
    }

    /// How far two posts are apart at least.
    pub(crate) fn gap(&self) -> Option<Duration> {
        let rate = self.throttle_policy.as_ref()?.max_receives_per_second?;
        Some(Duration::from_secs(1) / rate)
    }

    pub(crate) fn content_type(&self) -> &str {
        let told =
            self.request_policy.as_ref().and_then(|told| told.header_content_type.as_deref());
        told.unwrap_or(CONTENT_TYPE)
    }

    pub(crate) fn text(&self) -> String {
        serde_json::to_string(self).unwrap_or_default()
    }
}

/// A topic's.
pub(crate) fn check_topic(text: &str) -> Result<(), String> {
    topic_policy(text).map(drop)
}

/// `EffectiveDeliveryPolicy` of a topic.
pub(crate) fn effective_of_topic(topic: Option<&str>) -> String {
    let http = topic.and_then(|text| topic_policy(text).ok()).unwrap_or_default();
    let policy = DeliveryPolicy::effective(topic, None);
    let mut told = json!({
        "defaultHealthyRetryPolicy": policy.healthy_retry_policy,
        "disableSubscriptionOverrides": http.disable_subscription_overrides,
        "defaultRequestPolicy": policy.request_policy,
    });
    if let (Some(throttle), Value::Object(told)) = (&policy.throttle_policy, &mut told) {
        told.insert("defaultThrottlePolicy".to_owned(), json!(throttle));
    }
    json!({ "http": told }).to_string()
}

fn topic_policy(text: &str) -> Result<Http, String> {
    let TopicPolicy { http } = serde_json::from_str(text).map_err(|error| error.to_string())?;
    check(
        &http.default_healthy_retry_policy,
        &http.default_throttle_policy,
        &http.default_request_policy,
    )?;
    Ok(http)
}

fn check(
    retries: &Option<Retries>,
    throttle: &Option<Throttle>,
    request: &Option<Request>,
) -> Result<(), String> {
    retries.as_ref().map_or(Ok(()), Retries::check)?;
    if throttle.as_ref().is_some_and(|throttle| throttle.max_receives_per_second == Some(0)) {
        return Err("maxReceivesPerSecond must be at least 1".to_owned());
    }
    let told = request.as_ref().and_then(|request| request.header_content_type.as_deref());
    let is_known = |told: &str| {
        let kind = told.split(';').next().unwrap_or_default().trim();
        CONTENT_TYPES.contains(&kind) && told.bytes().all(|byte| (b' '..=b'~').contains(&byte))
    };
    match told {
        Some(told) if !is_known(told) => Err(format!("headerContentType {told} is not supported")),
        _ => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;

    fn delays(policy: &str) -> Vec<u64> {
        let policy = DeliveryPolicy::effective(None, Some(policy));
        (1..)
            .map_while(|failures| policy.retry_after(failures))
            .map(|delay| delay.as_secs())
            .collect()
    }

    #[test]
    fn retries_go_through_their_four_phases() {
        assert_eq!(delays("{}"), [20, 20, 20]);
        assert_eq!(delays(r#"{"healthyRetryPolicy": {"numRetries": 0}}"#), [0; 0]);
        let of = |function: &str| {
            delays(&format!(
                r#"{{"healthyRetryPolicy": {{"minDelayTarget": 1, "maxDelayTarget": 60, "numRetries": 12,
                "numNoDelayRetries": 2, "numMinDelayRetries": 2, "numMaxDelayRetries": 3, "backoffFunction": "{function}"}}}}"#
            ))
        };
        assert_eq!(of("linear"), [0, 0, 1, 1, 12, 24, 36, 48, 60, 60, 60, 60]);
        assert_eq!(of("arithmetic"), [0, 0, 1, 1, 3, 10, 22, 38, 60, 60, 60, 60]);
        assert_eq!(of("geometric"), [0, 0, 1, 1, 2, 5, 11, 26, 60, 60, 60, 60]);
        assert_eq!(of("exponential"), [0, 0, 1, 1, 1, 1, 4, 15, 60, 60, 60, 60]);
    }

    #[test]
    fn what_can_not_be_is_refused() {
        let refused = |policy: &str| DeliveryPolicy::parse(policy).unwrap_err();
        for (policy, reason) in [
            (r#"{"healthyRetryPolicy": {"minDelayTarget": 0}}"#, "minDelayTarget"),
            (r#"{"healthyRetryPolicy": {"minDelayTarget": 21}}"#, "maxDelayTarget"),
            (r#"{"healthyRetryPolicy": {"maxDelayTarget": 3601}}"#, "maxDelayTarget"),
            (r#"{"healthyRetryPolicy": {"numRetries": 101}}"#, "numRetries"),
            (r#"{"healthyRetryPolicy": {"numNoDelayRetries": 4}}"#, "phases"),
            (
                r#"{"healthyRetryPolicy": {"numRetries": 100, "minDelayTarget": 40, "maxDelayTarget": 40}}"#,
                "3600",
            ),
            (r#"{"healthyRetryPolicy": {"backoffFunction": "fast"}}"#, "fast"),
            (r#"{"throttlePolicy": {"maxReceivesPerSecond": 0}}"#, "maxReceivesPerSecond"),
            (r#"{"requestPolicy": {"headerContentType": "image/png"}}"#, "headerContentType"),
            (r#"{"http": {}}"#, "http"),
            ("[", "EOF"),
        ] {
            assert!(refused(policy).contains(reason), "{policy}: {}", refused(policy));
        }
        assert!(check_topic(r#"{"healthyRetryPolicy": {}}"#).is_err());
    }

    #[test]
    fn a_subscription_goes_before_its_topic_unless_that_says_no() {
        let topic = |more: &str| {
            format!(
                r#"{{"http": {{"defaultHealthyRetryPolicy": {{"numRetries": 5}}, "defaultThrottlePolicy": {{"maxReceivesPerSecond": 4}}{more}}}}}"#
            )
        };
        let own = r#"{"healthyRetryPolicy": {"numRetries": 1}, "requestPolicy": {"headerContentType": "application/json"}}"#;
        let policy = DeliveryPolicy::effective(Some(&topic("")), Some(own));
        assert!(policy.retry_after(1).is_some() && policy.retry_after(2).is_none());
        assert_eq!(
            (policy.gap(), policy.content_type()),
            (Some(Duration::from_millis(250)), "application/json")
        );
        let policy = DeliveryPolicy::effective(
            Some(&topic(r#", "disableSubscriptionOverrides": true"#)),
            Some(own),
        );
        assert!(policy.retry_after(5).is_some() && policy.retry_after(6).is_none());
        assert_eq!(policy.content_type(), CONTENT_TYPE);
        expect![[r#"{"healthyRetryPolicy":{"minDelayTarget":20,"maxDelayTarget":20,"numRetries":3,"numMaxDelayRetries":0,"numNoDelayRetries":0,"numMinDelayRetries":0,"backoffFunction":"linear"},"sicklyRetryPolicy":null,"throttlePolicy":null,"requestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"guaranteed":false}"#]]
            .assert_eq(&DeliveryPolicy::effective(None, None).text());
        expect![[r#"{"http":{"defaultHealthyRetryPolicy":{"backoffFunction":"linear","maxDelayTarget":20,"minDelayTarget":20,"numMaxDelayRetries":0,"numMinDelayRetries":0,"numNoDelayRetries":0,"numRetries":3},"defaultRequestPolicy":{"headerContentType":"text/plain; charset=UTF-8"},"disableSubscriptionOverrides":false}}"#]]
            .assert_eq(&effective_of_topic(None));
    }
}
