// SPDX-License-Identifier: Apache-2.0
//! What an extension asks for when it subscribes, and what of that is refused. Pure.
//!
//! Recorded from AWS are the two types of error and the two sentences about the port and the types; the others are ours.

use serde::Deserialize;
use std::time::Duration;

/// Through which API an extension subscribes. An environment has subscriptions through one of them.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Api {
    Telemetry,
    /// The older one.
    Logs,
}

/// How records are written for a subscriber: the schema that it asked for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Schema {
    Logs20200815,
    Logs20210318,
    Telemetry20220701,
    /// From here on a function's JSON log is a record and not a text.
    Telemetry20221213,
    Telemetry20250129,
}

/// What records are about.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Category {
    Platform,
    Function,
    Extension,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Subscribed {
    pub(crate) schema: Schema,
    pub(crate) categories: Vec<Category>,
    pub(crate) buffering: Buffering,
    pub(crate) destination: Destination,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Buffering {
    pub(crate) records_max: usize,
    pub(crate) bytes_max: usize,
    pub(crate) timeout: Duration,
}

/// Where records go: always to the sandbox itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Destination {
    Http { port: u16, path: String },
    Tcp { port: u16 },
}

/// The Runtime API's own.
const RESERVED_PORT: u16 = 9001;
const HOSTS: [&str; 2] = ["sandbox.localdomain", "sandbox"];
const PATH_BYTES_MAX: usize = 2048;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Asked {
    schema_version: Option<String>,
    types: Option<Vec<String>>,
    #[serde(default)]
    buffering: AskedBuffering,
    destination: Option<AskedDestination>,
}

#[derive(Deserialize, Default)]
#[serde(rename_all = "camelCase")]
struct AskedBuffering {
    max_items: Option<i64>,
    max_bytes: Option<i64>,
    timeout_ms: Option<i64>,
}

#[derive(Deserialize)]
struct AskedDestination {
    protocol: Option<String>,
    #[serde(rename = "URI")]
    uri: Option<String>,
    port: Option<i64>,
}

impl Api {
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::Telemetry => "Telemetry",
            Self::Logs => "Logs",
        }
    }

    /// The type of the error that says what is wrong with a request.
    pub(crate) const fn invalid(self) -> &'static str {
        match self {
            Self::Telemetry => "ValidationError",
            Self::Logs => "Logs.ValidationError",
        }
    }
}

impl Schema {
    fn parse(api: Api, version: Option<&str>) -> Result<Self, String> {
        match (api, version) {
            (Api::Telemetry, Some("2022-07-01")) => Ok(Self::Telemetry20220701),
            (Api::Telemetry, Some("2022-12-13")) => Ok(Self::Telemetry20221213),
            (Api::Telemetry, Some("2025-01-29")) => Ok(Self::Telemetry20250129),
            (Api::Logs, Some("2020-08-15") | None) => Ok(Self::Logs20200815),
            (Api::Logs, Some("2021-03-18")) => Ok(Self::Logs20210318),
            (Api::Telemetry, None) => Err("schemaVersion is not provided".to_owned()),
            (Api::Telemetry | Api::Logs, Some(other)) => {
                Err(format!("schemaVersion {other} is not supported"))
            }
        }
    }

    pub(crate) const fn api(self) -> Api {
        match self {
            Self::Logs20200815 | Self::Logs20210318 => Api::Logs,
            Self::Telemetry20220701 | Self::Telemetry20221213 | Self::Telemetry20250129 => {
                Api::Telemetry
            }
        }
    }
}

impl Category {
    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Platform => "platform",
            Self::Function => "function",
            Self::Extension => "extension",
        }
    }

    fn parse(name: &str) -> Option<Self> {
        [Self::Platform, Self::Function, Self::Extension]
            .into_iter()
            .find(|category| category.name() == name)
    }
}

/// Reads a request. The error names all that is wrong, as AWS's does.
pub(crate) fn parse(api: Api, body: &[u8]) -> Result<Subscribed, String> {
    let asked: Asked = serde_json::from_slice(body).map_err(|error| error.to_string())?;
    let mut wrong = Vec::new();
    let mut note = |result: Result<(), String>| wrong.extend(result.err());
    let schema = Schema::parse(api, asked.schema_version.as_deref());
    note(schema.as_ref().map(drop).map_err(Clone::clone));
    let destination = destination(asked.destination);
    note(destination.as_ref().map(drop).map_err(Clone::clone));
    let categories = categories(asked.types.unwrap_or_default());
    note(categories.as_ref().map(drop).map_err(Clone::clone));
    let AskedBuffering { max_items, max_bytes, timeout_ms } = asked.buffering;
    let records_max = within("maxItems", max_items, 10_000, 1_000, 10_000);
    let bytes_max = within("maxBytes", max_bytes, 262_144, 262_144, 1_048_576);
    let timeout_ms = within("timeoutMs", timeout_ms, 1_000, 25, 30_000);
    for bound in [&records_max, &bytes_max, &timeout_ms] {
        note(bound.as_ref().map(drop).map_err(Clone::clone));
    }
    match (schema, categories, destination, records_max, bytes_max, timeout_ms) {
        (
            Ok(schema),
            Ok(categories),
            Ok(destination),
            Ok(records_max),
            Ok(bytes_max),
            Ok(timeout),
        ) => {
            let timeout = Duration::from_millis(u64::try_from(timeout).unwrap_or(u64::MAX));
            let buffering = Buffering { records_max, bytes_max, timeout };
            Ok(Subscribed { schema, categories, buffering, destination })
        }
        _ => Err(wrong.join("; ")),
    }
}

fn categories(types: Vec<String>) -> Result<Vec<Category>, String> {
    if types.is_empty() {
        return Err("types should not be empty".to_owned());
    }
    let mut categories = Vec::new();
    for name in types {
        let category = Category::parse(&name).ok_or(format!("type {name} is not supported"))?;
        if !categories.contains(&category) {
            categories.push(category);
        }
    }
    Ok(categories)
}

fn within(
    name: &str,
    value: Option<i64>,
    default: usize,
    min: usize,
    max: usize,
) -> Result<usize, String> {
    let Some(value) = value else { return Ok(default) };
    usize::try_from(value)
        .ok()
        .filter(|value| (min..=max).contains(value))
        .ok_or(format!("{name} should be between {min} and {max}"))
}

fn destination(asked: Option<AskedDestination>) -> Result<Destination, String> {
    let Some(AskedDestination { protocol, uri, port }) = asked else {
        return Err("destination is not provided".to_owned());
    };
    match protocol.as_deref() {
        Some("HTTP") => {
            let uri = uri.ok_or("URI is not provided")?;
            let rest = uri.strip_prefix("http://").ok_or("URI scheme should be http")?;
            let (authority, path) = rest.split_at(rest.find(['/', '?']).unwrap_or(rest.len()));
            let (host, port) = authority.split_once(':').unwrap_or((authority, ""));
            if !HOSTS.contains(&host) {
                return Err(format!("URI host should be {}", HOSTS.join(" or ")));
            }
            if port.is_empty() {
                return Err("URI port is not provided".to_owned());
            }
            let is_plain = path.bytes().all(|byte| byte.is_ascii_graphic());
            if !is_plain || path.len() > PATH_BYTES_MAX {
                return Err("URI path is not valid".to_owned());
            }
            let path = if path.starts_with('/') { path.to_owned() } else { format!("/{path}") };
            Ok(Destination::Http { port: usable_port(port.parse().ok())?, path })
        }
        Some("TCP") => {
            let port = port.ok_or("port is not provided")?;
            Ok(Destination::Tcp { port: usable_port(u16::try_from(port).ok())? })
        }
        Some(other) => Err(format!("protocol {other} is not supported")),
        None => Err("protocol is not provided".to_owned()),
    }
}

fn usable_port(port: Option<u16>) -> Result<u16, String> {
    match port {
        Some(RESERVED_PORT) => Err(format!("port {RESERVED_PORT} is reserved")),
        None | Some(0) => Err("port should be between 1 and 65535".to_owned()),
        Some(port) => Ok(port),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use expect_test::expect;
    use proptest::prelude::*;

    #[test]
    fn what_is_not_said_has_aws_s_defaults() {
        let body = br#"{"schemaVersion":"2022-12-13","types":["platform","function","platform"],
            "destination":{"protocol":"HTTP","URI":"http://sandbox.localdomain:8080"}}"#;
        let subscribed = parse(Api::Telemetry, body).unwrap();
        assert_eq!(subscribed.schema, Schema::Telemetry20221213);
        assert_eq!(subscribed.categories, [Category::Platform, Category::Function]);
        let timeout = Duration::from_secs(1);
        let buffering = Buffering { records_max: 10_000, bytes_max: 262_144, timeout };
        assert_eq!(subscribed.buffering, buffering);
        assert_eq!(subscribed.destination, Destination::Http { port: 8080, path: "/".into() });
        let body = br#"{"types":["extension"],"destination":{"protocol":"TCP","port":9}}"#;
        assert_eq!(parse(Api::Logs, body).unwrap().schema, Schema::Logs20200815);
    }

    #[test]
    fn all_mistakes_are_told_at_once() {
        let wrong = |api, body: &str| parse(api, body.as_bytes()).unwrap_err();
        let http = |uri: &str| {
            let destination = format!(r#"{{"protocol":"HTTP","URI":"{uri}"}}"#);
            wrong(Api::Logs, &format!(r#"{{"types":["platform"],"destination":{destination}}}"#))
        };
        assert_eq!(
            wrong(
                Api::Logs,
                r#"{"types":[],"destination":{"protocol":"HTTP","URI":"http://sandbox"}}"#
            ),
            "URI port is not provided; types should not be empty"
        );
        let told = [
            wrong(Api::Telemetry, "{}"),
            wrong(
                Api::Telemetry,
                r#"{"schemaVersion":"1","types":["x"],"destination":{"protocol":"UDP"},
                    "buffering":{"maxItems":999,"maxBytes":1048577,"timeoutMs":-1}}"#,
            ),
            wrong(
                Api::Logs,
                r#"{"types":["platform"],"destination":{"protocol":"TCP","port":9001}}"#,
            ),
            http("https://sandbox:80"),
            http("http://127.0.0.1:80"),
            http("http://sandbox:0/x"),
            http("http://sandbox:80/ x"),
        ];
        expect![[r#"
            schemaVersion is not provided; destination is not provided; types should not be empty
            schemaVersion 1 is not supported; protocol UDP is not supported; type x is not supported; maxItems should be between 1000 and 10000; maxBytes should be between 262144 and 1048576; timeoutMs should be between 25 and 30000
            port 9001 is reserved
            URI scheme should be http
            URI host should be sandbox.localdomain or sandbox
            port should be between 1 and 65535
            URI path is not valid"#]].assert_eq(&told.join("\n"));
    }

    proptest! {
        #[test]
        fn no_uri_is_too_odd(uri in ".{0,40}") {
            let uri = serde_json::Value::from(format!("http://sandbox{uri}"));
            let body = format!(r#"{{"types":["platform"],"destination":{{"protocol":"HTTP","URI":{uri}}}}}"#);
            if let Ok(Subscribed { destination: Destination::Http { path, .. }, .. }) = parse(Api::Logs, body.as_bytes()) {
                prop_assert!(path.starts_with('/') && !path.contains(['\r', '\n', ' ']));
            }
        }
    }
}
