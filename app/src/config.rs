// SPDX-License-Identifier: Apache-2.0
//! The configuration of a server: defaults, file, environment, flags, in this order; the later one wins.
//!
//! Every section is the `Options` of the component that it configures. All sections are read before anything starts,
//! and every mistake is told at once, each with the key it stands under.

use anyhow::{Context, bail};
use serde::de::DeserializeOwned;
use std::collections::BTreeSet;
use std::path::{Path, PathBuf};
use toml::{Table, Value};

/// What a variable of the process environment begins with, if it is a setting: `TINDERBOX_SANDBOX__NETWORK=none`.
const ENV_PREFIX: &str = "TINDERBOX_";

#[derive(Debug, Clone)]
pub(crate) struct Config {
    pub(crate) server: Server,
    pub(crate) sandbox: sandbox::Options,
    pub(crate) images: images::Options,
    pub(crate) runtimes: worker::runtimes::Options,
    pub(crate) stems: worker::stems::Options,
    pub(crate) snapshots: worker::snapshots::Options,
    pub(crate) invoke: invoke::Options,
    pub(crate) events: events::Options,
    pub(crate) event_sources: event_sources::Options,
    pub(crate) logs: log_store::Options,
    pub(crate) edge: edge::Options,
    pub(crate) identity: edge::IdentityOptions,
    pub(crate) store: store::Options,
    pub(crate) usage: usage::Options,
    pub(crate) cloudwatch: cloudwatch::Options,
    pub(crate) eventbridge: eventbridge::Options,
    pub(crate) scheduler: scheduler::Options,
    pub(crate) sns: sns::Options,
    pub(crate) sqs: sqs::Options,
    pub(crate) recordings: recordings::Options,
    pub(crate) s3: s3::Options,
    pub(crate) traces: traces::Options,
}

#[derive(Debug, Clone, serde::Deserialize)]
#[serde(default, deny_unknown_fields)]
pub(crate) struct Server {
    /// Address and port to listen on. Default: 127.0.0.1:4566.
    pub(crate) listen: String,
    /// Where everything is kept. Default: ./tinderbox-data.
    pub(crate) data_dir: PathBuf,
    /// The account of this server: twelve digits. Default: 000000000000.
    pub(crate) account: String,
    /// The region functions live in where a request names none. Default: us-east-1.
    pub(crate) region: String,
    /// What the server logs: error, warn, info or debug. Default: info.
    pub(crate) log_level: String,
    /// How the server logs: text or json. Default: text.
    pub(crate) log_format: LogFormat,
    /// Seconds that running invocations get when the server is asked to stop. Default: 30.
    pub(crate) stop_patience_seconds: u64,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub(crate) enum LogFormat {
    Text,
    Json,
}

impl Default for Server {
    fn default() -> Self {
        Self {
            listen: "127.0.0.1:4566".into(),
            data_dir: "tinderbox-data".into(),
            account: "000000000000".into(),
            region: "us-east-1".into(),
            log_level: "info".into(),
            log_format: LogFormat::Text,
            stop_patience_seconds: 30,
        }
    }
}

impl Config {
    /// Puts the layers together. `env` is the process environment, `flags` are `section.key` and value.
    pub(crate) fn load(
        file: Option<&Path>,
        env: impl Iterator<Item = (String, String)>,
        flags: &[(&str, String)],
    ) -> anyhow::Result<Self> {
        let mut table = match file {
            Some(path) => {
                let text = std::fs::read_to_string(path).with_context(|| {
                    format!("cannot read the configuration file {}", path.display())
                })?;
                text.parse::<Table>()
                    .with_context(|| format!("{} is not valid TOML", path.display()))?
            }
            None => Table::new(),
        };
        for (name, value) in env {
            if let Some((section, key)) =
                name.strip_prefix(ENV_PREFIX).and_then(|name| name.split_once("__"))
            {
                set(&mut table, &section.to_ascii_lowercase(), &key.to_ascii_lowercase(), &value);
            }
        }
        for (path, value) in flags {
            if let Some((section, key)) = path.split_once('.') {
                set(&mut table, section, key, value);
            }
        }
        Self::read(table)
    }

    fn read(mut table: Table) -> anyhow::Result<Self> {
        let mut mistakes = Vec::new();
        let config = Self {
            server: section(&mut table, "server", &mut mistakes),
            sandbox: section(&mut table, "sandbox", &mut mistakes),
            images: section(&mut table, "images", &mut mistakes),
            runtimes: section(&mut table, "runtimes", &mut mistakes),
            stems: section(&mut table, "stems", &mut mistakes),
            snapshots: section(&mut table, "snapshots", &mut mistakes),
            invoke: section(&mut table, "invoke", &mut mistakes),
            events: section(&mut table, "events", &mut mistakes),
            event_sources: section(&mut table, "event_sources", &mut mistakes),
            logs: section(&mut table, "logs", &mut mistakes),
            edge: section(&mut table, "edge", &mut mistakes),
            identity: section(&mut table, "identity", &mut mistakes),
            store: section(&mut table, "store", &mut mistakes),
            usage: section(&mut table, "usage", &mut mistakes),
            cloudwatch: section(&mut table, "cloudwatch", &mut mistakes),
            eventbridge: section(&mut table, "eventbridge", &mut mistakes),
            scheduler: section(&mut table, "scheduler", &mut mistakes),
            sns: section(&mut table, "sns", &mut mistakes),
            sqs: section(&mut table, "sqs", &mut mistakes),
            recordings: section(&mut table, "recordings", &mut mistakes),
            s3: section(&mut table, "s3", &mut mistakes),
            traces: section(&mut table, "traces", &mut mistakes),
        };
        config.server.check(&mut mistakes);
        config.check_identity(&mut mistakes);
        mistakes.extend(config.traces.mistake().map(|mistake| format!("traces.{mistake}")));
        let unknown: BTreeSet<&String> = table.keys().collect();
        mistakes
            .extend(unknown.into_iter().map(|name| format!("{name}: there is no such section")));
        if mistakes.is_empty() {
            return Ok(config);
        }
        bail!("the configuration has {} mistake(s):\n  {}", mistakes.len(), mistakes.join("\n  "));
    }
}

impl Config {
    /// Whoever reaches a server of no policies may do everything.
    fn check_identity(&self, mistakes: &mut Vec<String>) {
        let listens = self.server.listen.parse::<std::net::SocketAddr>();
        let is_reachable = listens.is_ok_and(|address| !address.ip().is_loopback());
        if self.identity.mode == edge::Mode::Off && is_reachable {
            mistakes.push(format!(
                "identity.mode: off is for loopback only, and the server listens on {}",
                self.server.listen
            ));
        }
    }
}

impl Server {
    fn check(&self, mistakes: &mut Vec<String>) {
        if let Err(error) = self.listen.parse::<std::net::SocketAddr>() {
            mistakes
                .push(format!("server.listen: `{}` is not ADDRESS:PORT ({error})", self.listen));
        }
        if let Err(error) = self.account.parse::<names::AccountId>() {
            mistakes.push(format!("server.account: {error}"));
        }
        if let Err(error) = self.region.parse::<names::Region>() {
            mistakes.push(format!("server.region: {error}"));
        }
        if self.log_level.parse::<tracing::Level>().is_err() {
            mistakes.push(format!(
                "server.log_level: `{}` is not error, warn, info or debug",
                self.log_level
            ));
        }
    }
}

/// Takes one section out of the table. Each bad key is told apart, so that all are told at once.
fn section<T: DeserializeOwned + Default>(
    table: &mut Table,
    name: &str,
    mistakes: &mut Vec<String>,
) -> T {
    let keys = match table.remove(name) {
        None => return T::default(),
        Some(Value::Table(keys)) => keys,
        Some(_) => {
            mistakes.push(format!("{name}: must be a section"));
            return T::default();
        }
    };
    let before = mistakes.len();
    for (key, value) in &keys {
        let alone = Table::from_iter([(key.clone(), value.clone())]);
        if let Err(error) = T::deserialize(Value::Table(alone)) {
            mistakes.push(format!("{name}.{key}: {}", error.message()));
        }
    }
    if mistakes.len() > before {
        return T::default();
    }
    T::deserialize(Value::Table(keys)).unwrap_or_else(|error| {
        mistakes.push(format!("{name}: {}", error.message()));
        T::default()
    })
}

/// Sets one key from text: a number, a boolean or a list if it reads as one, or else a string.
fn set(table: &mut Table, section: &str, key: &str, text: &str) {
    let keys = table.entry(section).or_insert_with(|| Value::Table(Table::new()));
    if let Value::Table(keys) = keys {
        let is_text = matches!(key, "account" | "listen" | "region" | "data_dir");
        let read = format!("value = {text}")
            .parse::<Table>()
            .ok()
            .and_then(|mut table| table.remove("value"));
        let value = read.filter(|_| !is_text).unwrap_or_else(|| Value::String(text.to_owned()));
        keys.insert(key.to_owned(), value);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn env(pairs: &[(&str, &str)]) -> impl Iterator<Item = (String, String)> {
        pairs
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect::<Vec<_>>()
            .into_iter()
    }

    #[test]
    fn flags_win_over_the_environment() {
        let env = env(&[
            ("TINDERBOX_SERVER__REGION", "eu-west-1"),
            ("TINDERBOX_INVOKE__IDLE_MAX_MS", "7"),
            ("HOME", "/"),
        ]);
        let config = Config::load(None, env, &[("server.region", "eu-central-1".into())]).unwrap();
        assert_eq!((config.server.region.as_str(), config.invoke.idle_max_ms), ("eu-central-1", 7));
    }

    #[test]
    fn all_mistakes_are_told_at_once_each_with_its_key() {
        let table =
            "[server]\naccount = 'x'\ncolour = 1\n[invoke]\nidle_max_ms = 'soon'\n[nonsense]\n";
        let error = Config::read(table.parse().unwrap()).unwrap_err().to_string();
        for key in ["server.colour", "invoke.idle_max_ms", "nonsense"] {
            assert!(error.contains(key), "{key} is missing in: {error}");
        }
    }

    #[test]
    fn identity_is_off_on_loopback_only() {
        let load = |listen: &str, mode: &str| {
            Config::load(
                None,
                env(&[]),
                &[("server.listen", listen.into()), ("identity.mode", mode.into())],
            )
        };
        assert_eq!(load("127.0.0.1:4566", "off").unwrap().identity.mode, edge::Mode::Off);
        assert_eq!(load("[::1]:4566", "off").unwrap().identity.mode, edge::Mode::Off);
        assert_eq!(load("0.0.0.0:4566", "warn").unwrap().identity.mode, edge::Mode::Warn);
        let error = load("0.0.0.0:4566", "off").unwrap_err().to_string();
        assert!(error.contains("identity.mode: off is for loopback only"), "{error}");
        assert!(load("127.0.0.1:4566", "maybe").is_err());
    }

    #[test]
    fn an_account_stays_text() {
        let config =
            Config::load(None, env(&[]), &[("server.account", "123456789012".into())]).unwrap();
        assert_eq!(config.server.account, "123456789012");
    }
}
