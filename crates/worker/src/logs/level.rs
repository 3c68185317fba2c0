// SPDX-License-Identifier: Apache-2.0
//! How a function's log is written, and which of its lines. Pure.
//!
//! Levels hold in the JSON format only. A line that says no level of its own counts as INFO.

use serde::Deserialize;
use std::borrow::Cow;
use time::OffsetDateTime;
use time::format_description::well_known::Rfc3339;

/// The most detailed first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Level {
    Trace,
    Debug,
    Info,
    Warn,
    Error,
    Fatal,
}

/// The format of a function's log, with the least level of what is kept of it.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub enum LogFormat {
    #[default]
    Text,
    Json {
        /// Of what the function logs.
        application: Level,
        /// Of what the platform says.
        system: Level,
    },
}

impl Level {
    /// The value of `AWS_LAMBDA_LOG_LEVEL`.
    pub const fn name(self) -> &'static str {
        match self {
            Self::Trace => "TRACE",
            Self::Debug => "DEBUG",
            Self::Info => "INFO",
            Self::Warn => "WARN",
            Self::Error => "ERROR",
            Self::Fatal => "FATAL",
        }
    }

    /// Also in the words of logging libraries.
    fn parse(text: &str) -> Option<Self> {
        let named = |names: &[&str]| names.iter().any(|name| text.eq_ignore_ascii_case(name));
        let all = [
            (Self::Trace, ["TRACE", "TRACE"]),
            (Self::Debug, ["DEBUG", "DEBUG"]),
            (Self::Info, ["INFO", "INFORMATION"]),
            (Self::Warn, ["WARN", "WARNING"]),
            (Self::Error, ["ERROR", "ERROR"]),
            (Self::Fatal, ["FATAL", "CRITICAL"]),
        ];
        all.into_iter().find(|(_, names)| named(names)).map(|(level, _)| level)
    }

    /// The level of a line that came without a frame: a JSON object may say its own, with the time that goes with it.
    pub(crate) fn of_line(line: &[u8]) -> Self {
        #[derive(Deserialize)]
        struct Line<'a> {
            #[serde(borrow)]
            level: Option<Cow<'a, str>>,
            #[serde(borrow, alias = "time")]
            timestamp: Option<Cow<'a, str>>,
        }
        let said = || {
            let line: Line<'_> = serde_json::from_slice(line).ok()?;
            OffsetDateTime::parse(&line.timestamp?, &Rfc3339).ok()?;
            Self::parse(&line.level?)
        };
        let may_be_object = line.first() == Some(&b'{');
        may_be_object.then(said).flatten().unwrap_or(Self::Info)
    }
}

impl LogFormat {
    /// Whether what a function logged at `level` is kept. `level` is asked for only where it matters.
    pub(crate) fn keeps(self, level: impl FnOnce() -> Level) -> bool {
        match self {
            Self::Text => true,
            Self::Json { application, .. } => level() >= application,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_line_says_its_level_with_a_time_that_holds() {
        let time = r#""timestamp":"2026-11-23T07:00:00.123Z""#;
        for (line, level) in [
            (format!(r#"{{{time},"level":"debug","message":"x"}}"#), Level::Debug),
            (format!(r#"{{{time},"level":"WARNING"}}"#), Level::Warn),
            (r#"{"time":"2026-11-23T07:00:00+01:00","level":"ERROR"}"#.to_owned(), Level::Error),
            (format!(r#"{{{time},"level":"loud"}}"#), Level::Info),
            (format!("{{{time}}}"), Level::Info),
            (r#"{"timestamp":"yesterday","level":"ERROR"}"#.to_owned(), Level::Info),
            (r#"{"level":"ERROR"}"#.to_owned(), Level::Info),
            (format!(r#"{{{time},"level":7}}"#), Level::Info),
            ("level: ERROR".to_owned(), Level::Info),
            (String::new(), Level::Info),
        ] {
            assert_eq!(Level::of_line(line.as_bytes()), level, "{line}");
        }
    }

    #[test]
    fn text_keeps_all() {
        assert!(LogFormat::Text.keeps(|| unreachable!("nobody asks")));
        let json = LogFormat::Json { application: Level::Warn, system: Level::Info };
        assert!(json.keeps(|| Level::Warn) && !json.keeps(|| Level::Info));
    }

    proptest! {
        #[test]
        fn no_line_is_too_odd(line in proptest::collection::vec(any::<u8>(), 0..100)) {
            let _ = Level::of_line(&[b"{".as_slice(), &line].concat());
        }
    }
}
