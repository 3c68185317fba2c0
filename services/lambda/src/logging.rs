// SPDX-License-Identifier: Apache-2.0
//! The format of a function's log, and which of its lines are kept. Pure.
//!
//! Levels belong to the JSON format: a text log has all lines.

use crate::error::Error;
use api::lambda;
use serde::{Deserialize, Serialize};
use worker::logs;

/// A record: see `settings.rs`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum LogFormat {
    #[default]
    Text,
    Json {
        application: Level,
        system: Level,
    },
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

impl LogFormat {
    /// With the levels that it has unless somebody says otherwise.
    pub(crate) const JSON: Self = Self::Json { application: Level::Info, system: Level::Info };

    /// The format after a request that asked for `asked`.
    pub(crate) fn after(self, asked: &lambda::LoggingConfig) -> Result<Self, Error> {
        let is_json = match asked.log_format {
            Some(lambda::LogFormat::Json) => true,
            Some(lambda::LogFormat::Text) => false,
            None => self != Self::Text,
        };
        let asked_application = asked.application_log_level.map(Level::of_application);
        let asked_system = asked.system_log_level.map(Level::of_system);
        if !is_json {
            if asked_application.is_some() || asked_system.is_some() {
                let text = "LogLevel is not supported when LogFormat is set to \"Text\". Remove LogLevel from your request or change the LogFormat to \"Json\" and try again.";
                return Err(Error::InvalidParameter(text.to_owned()));
            }
            return Ok(Self::Text);
        }
        let (application, system) = match self {
            Self::Text => (Level::Info, Level::Info),
            Self::Json { application, system } => (application, system),
        };
        Ok(Self::Json {
            application: asked_application.unwrap_or(application),
            system: asked_system.unwrap_or(system),
        })
    }

    /// As the API answers it.
    pub(crate) fn config(self, log_group: &str) -> lambda::LoggingConfig {
        let log_group = Some(log_group.to_owned());
        match self {
            Self::Text => lambda::LoggingConfig {
                log_format: Some(lambda::LogFormat::Text),
                log_group,
                ..lambda::LoggingConfig::default()
            },
            Self::Json { application, system } => lambda::LoggingConfig {
                log_format: Some(lambda::LogFormat::Json),
                application_log_level: Some(application.application()),
                system_log_level: Some(system.system()),
                log_group,
            },
        }
    }

    pub(crate) fn runnable(self) -> logs::LogFormat {
        match self {
            Self::Text => logs::LogFormat::Text,
            Self::Json { application, system } => logs::LogFormat::Json {
                application: application.runnable(),
                system: system.runnable(),
            },
        }
    }
}

impl Level {
    fn of_application(level: lambda::ApplicationLogLevel) -> Self {
        match level {
            lambda::ApplicationLogLevel::Trace => Self::Trace,
            lambda::ApplicationLogLevel::Debug => Self::Debug,
            lambda::ApplicationLogLevel::Info => Self::Info,
            lambda::ApplicationLogLevel::Warn => Self::Warn,
            lambda::ApplicationLogLevel::Error => Self::Error,
            lambda::ApplicationLogLevel::Fatal => Self::Fatal,
        }
    }

    fn of_system(level: lambda::SystemLogLevel) -> Self {
        match level {
            lambda::SystemLogLevel::Debug => Self::Debug,
            lambda::SystemLogLevel::Info => Self::Info,
            lambda::SystemLogLevel::Warn => Self::Warn,
        }
    }

    fn application(self) -> lambda::ApplicationLogLevel {
        match self {
            Self::Trace => lambda::ApplicationLogLevel::Trace,
            Self::Debug => lambda::ApplicationLogLevel::Debug,
            Self::Info => lambda::ApplicationLogLevel::Info,
            Self::Warn => lambda::ApplicationLogLevel::Warn,
            Self::Error => lambda::ApplicationLogLevel::Error,
            Self::Fatal => lambda::ApplicationLogLevel::Fatal,
        }
    }

    fn system(self) -> lambda::SystemLogLevel {
        match self {
            Self::Trace | Self::Debug => lambda::SystemLogLevel::Debug,
            Self::Info => lambda::SystemLogLevel::Info,
            Self::Warn | Self::Error | Self::Fatal => lambda::SystemLogLevel::Warn,
        }
    }

    fn runnable(self) -> logs::Level {
        match self {
            Self::Trace => logs::Level::Trace,
            Self::Debug => logs::Level::Debug,
            Self::Info => logs::Level::Info,
            Self::Warn => logs::Level::Warn,
            Self::Error => logs::Level::Error,
            Self::Fatal => logs::Level::Fatal,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const JSON: LogFormat = LogFormat::Json { application: Level::Debug, system: Level::Warn };

    fn asked(
        log_format: Option<lambda::LogFormat>,
        application_log_level: Option<lambda::ApplicationLogLevel>,
    ) -> lambda::LoggingConfig {
        lambda::LoggingConfig {
            log_format,
            application_log_level,
            ..lambda::LoggingConfig::default()
        }
    }

    #[test]
    fn what_is_not_asked_for_stays() {
        let json = Some(lambda::LogFormat::Json);
        let defaults = LogFormat::Json { application: Level::Info, system: Level::Info };
        assert_eq!(LogFormat::Text.after(&asked(json, None)).unwrap(), defaults);
        assert_eq!(JSON.after(&asked(None, None)).unwrap(), JSON);
        let error = Some(lambda::ApplicationLogLevel::Error);
        let changed = LogFormat::Json { application: Level::Error, system: Level::Warn };
        assert_eq!(JSON.after(&asked(None, error)).unwrap(), changed);
        let text = Some(lambda::LogFormat::Text);
        assert_eq!(JSON.after(&asked(text, None)).unwrap(), LogFormat::Text);
    }

    #[test]
    fn text_has_no_levels() {
        let level = Some(lambda::ApplicationLogLevel::Info);
        for (format, before) in [(None, LogFormat::Text), (Some(lambda::LogFormat::Text), JSON)] {
            assert!(before.after(&asked(format, level)).is_err());
        }
    }
}
