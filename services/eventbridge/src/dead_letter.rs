// SPDX-License-Identifier: Apache-2.0
//! What is told of an event that did not reach its target, with the event, in the attributes that EventBridge adds. Pure.

use api::sqs::{MessageAttributeValue, MessageAttributes, SendMessageInput};
use targets::NotTaken;

/// Why there is no other attempt.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Exhausted {
    Attempts,
    Age,
}

impl Exhausted {
    const fn as_str(self) -> &'static str {
        match self {
            Self::Attempts => "MaximumRetryAttempts",
            Self::Age => "MaximumEventAgeInSeconds",
        }
    }
}

/// The last word about a delivery.
#[derive(Debug)]
pub(crate) struct Failure<'a> {
    pub(crate) rule_arn: &'a str,
    pub(crate) target_arn: &'a str,
    pub(crate) reason: &'a NotTaken,
    pub(crate) exhausted: Option<Exhausted>,
    /// Attempts after the first one.
    pub(crate) retries: u32,
}

/// The queue's URL is filled in by whoever sends it.
pub(crate) fn message(event: &str, failure: &Failure<'_>) -> SendMessageInput {
    let (NotTaken::Never { message, .. } | NotTaken::NotNow { message, .. }) = failure.reason;
    let texts = [
        ("RULE_ARN", failure.rule_arn),
        ("TARGET_ARN", failure.target_arn),
        ("ERROR_CODE", error_code(failure.reason)),
        ("ERROR_MESSAGE", message.as_str()),
        ("EXHAUSTED_RETRY_CONDITION", failure.exhausted.map_or("", Exhausted::as_str)),
    ];
    let mut attributes: MessageAttributes = texts
        .into_iter()
        .filter(|(_, text)| !text.is_empty())
        .map(|(name, text)| (name.to_owned(), attribute("String", text)))
        .collect();
    if failure.retries > 0 || failure.exhausted.is_some() {
        let retries = attribute("Number", &failure.retries.to_string());
        attributes.insert("RETRY_ATTEMPTS".to_owned(), retries);
    }
    SendMessageInput {
        message_body: event.to_owned(),
        message_attributes: Some(attributes),
        ..SendMessageInput::default()
    }
}

fn attribute(data_type: &str, text: &str) -> MessageAttributeValue {
    MessageAttributeValue {
        data_type: data_type.to_owned(),
        string_value: Some(text.to_owned()),
        ..MessageAttributeValue::default()
    }
}

/// What EventBridge calls an error of the service that it sent to.
fn error_code(reason: &NotTaken) -> &str {
    let (NotTaken::Never { code, .. } | NotTaken::NotNow { code, .. }) = reason;
    let own = ["INVALID_JSON", "THIRD_ACCOUNT_HOP_DETECTED"];
    if own.contains(&code.as_str()) {
        return code;
    }
    let code = code.rsplit('.').next().unwrap_or_default();
    let is = |part: &str| code.contains(part);
    match reason {
        _ if is("AccessDenied") || is("AuthorizationError") => "NO_PERMISSIONS",
        _ if is("NotFound") || is("NonExistentQueue") || is("QueueDoesNotExist") => "NO_RESOURCE",
        _ if is("Throttl") || is("TooManyRequests") || is("OverLimit") => "THROTTLING",
        _ if is("InvalidRequestContent") => "INVALID_JSON",
        _ if is("Invalid") || is("Validation") => "INVALID_PARAMETER",
        NotTaken::NotNow { .. } => "INTERNAL_ERROR",
        NotTaken::Never { .. } => "SDK_CLIENT_ERROR",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn never(code: &str) -> NotTaken {
        NotTaken::Never { code: code.to_owned(), message: "m".to_owned() }
    }

    #[test]
    fn a_dead_letter_says_what_happened() {
        let reason = NotTaken::NotNow {
            code: "TooManyRequestsException".to_owned(),
            message: "Slow".to_owned(),
        };
        let failure = Failure {
            rule_arn: "r",
            target_arn: "t",
            reason: &reason,
            exhausted: Some(Exhausted::Attempts),
            retries: 3,
        };
        let message = message("{}", &failure);
        let attributes = message.message_attributes.unwrap();
        let text =
            |name: &str| attributes.get(name).and_then(|value| value.string_value.as_deref());
        assert_eq!(message.message_body, "{}");
        assert_eq!(
            [
                "RULE_ARN",
                "TARGET_ARN",
                "ERROR_CODE",
                "ERROR_MESSAGE",
                "EXHAUSTED_RETRY_CONDITION",
                "RETRY_ATTEMPTS"
            ]
            .map(text),
            ["r", "t", "THROTTLING", "Slow", "MaximumRetryAttempts", "3"].map(Some)
        );
    }

    #[test]
    fn errors_have_eventbridges_names() {
        for (code, expected) in [
            ("AccessDeniedException", "NO_PERMISSIONS"),
            ("ResourceNotFoundException", "NO_RESOURCE"),
            ("AWS.SimpleQueueService.NonExistentQueue", "NO_RESOURCE"),
            ("NotFound", "NO_RESOURCE"),
            ("InvalidRequestContentException", "INVALID_JSON"),
            ("InvalidParameter", "INVALID_PARAMETER"),
            ("INVALID_JSON", "INVALID_JSON"),
            ("Odd", "SDK_CLIENT_ERROR"),
        ] {
            assert_eq!(error_code(&never(code)), expected, "{code}");
        }
        let late = NotTaken::NotNow { code: "ServiceException".to_owned(), message: String::new() };
        assert_eq!(error_code(&late), "INTERNAL_ERROR");
    }
}
