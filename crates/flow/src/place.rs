// SPDX-License-Identifier: Apache-2.0
//! What places are called that things flow from and to.

/// A call of a client.
pub const API: &str = "api";
/// The queue of asynchronous invocations.
pub const EVENTS: &str = "events";
/// What nobody gets goes there.
pub const NOBODY: &str = "nobody";

/// What kind of thing a place is, in one word.
pub fn kind(place: &str) -> &str {
    let Some((service, rest)) = parts(place) else { return place };
    match service {
        "sqs" => "queue",
        "sns" => "topic",
        "s3" => "bucket",
        "logs" => "log-group",
        "scheduler" => "schedule",
        "lambda" if rest.starts_with("function:") => "function",
        "events" if rest.starts_with("rule/") => "rule",
        "events" if rest.starts_with("event-bus/") => "bus",
        other => other,
    }
}

/// What it is called among its kind.
pub fn name(place: &str) -> &str {
    let Some((_, rest)) = parts(place) else { return place };
    let prefixes = ["function:", "log-group:", "rule/", "event-bus/", "schedule/"];
    let name = prefixes.iter().find_map(|prefix| rest.strip_prefix(prefix)).unwrap_or(rest);
    name.strip_suffix(":*").unwrap_or(name)
}

/// Service and resource of an ARN.
fn parts(place: &str) -> Option<(&str, &str)> {
    let mut parts = place.strip_prefix("arn:")?.splitn(5, ':').skip(1);
    Some((parts.next()?, parts.nth(2)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_have_a_kind_and_a_name() {
        let check = |place: &str, expected: (&str, &str)| {
            assert_eq!((kind(place), name(place)), expected, "{place}");
        };
        check("api", ("api", "api"));
        check("sns.amazonaws.com", ("sns.amazonaws.com", "sns.amazonaws.com"));
        check("arn:aws:sqs:us-east-1:000000000000:q.fifo", ("queue", "q.fifo"));
        check("arn:aws:sns:us-east-1:000000000000:t", ("topic", "t"));
        check("arn:aws:s3:::bucket", ("bucket", "bucket"));
        check("arn:aws:lambda:us-east-1:000000000000:function:f:live", ("function", "f:live"));
        check("arn:aws:logs:us-east-1:000000000000:log-group:/a/b:*", ("log-group", "/a/b"));
        check("arn:aws:events:us-east-1:000000000000:rule/bus/r", ("rule", "bus/r"));
        check("arn:aws:events:us-east-1:000000000000:event-bus/b", ("bus", "b"));
        check("arn:aws:scheduler:us-east-1:000000000000:schedule/g/s", ("schedule", "g/s"));
        check("arn:aws:kinesis:us-east-1:000000000000:stream/s", ("kinesis", "stream/s"));
        check("arn:aws", ("arn:aws", "arn:aws"));
    }
}
