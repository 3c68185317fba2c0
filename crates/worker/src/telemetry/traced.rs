// SPDX-License-Identifier: Apache-2.0
//! What is told of an invocation whose trace is sampled: its place in the trace, and the segment of its function.

use super::{Before, Tracing};
use crate::event::Event;
use crate::function::Function;
use segments::{Error, FunctionSegment, Interval, Sampled};
use std::time::Duration;

#[derive(Debug)]
pub(crate) struct Traced {
    /// `Root=...;Parent=...;Sampled=1`, as the runtime gets it.
    header: String,
    sampled: Sampled,
    /// What the log calls it.
    span_id: String,
    function: String,
    arn: String,
    pub(crate) error: Option<Error>,
}

/// When what happened, counted from the start of the invocation.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Course {
    pub(crate) started_us: u64,
    /// What came before it, and how long ago that was over.
    pub(crate) before: Option<(Before, Duration)>,
    /// Until when the environment initialised inside the invocation.
    pub(crate) initialised: Option<Duration>,
    pub(crate) answered: Duration,
    pub(crate) ended: Duration,
}

impl Traced {
    pub(crate) fn new(function: &Function, event: &Event) -> Option<Box<Self>> {
        let sampled = Sampled::clone(event.sampled.as_ref()?);
        let span_id = match &sampled.platform {
            Some(ids) => ids.segment.to_string(),
            None => Tracing::parent(&event.trace_id).unwrap_or_default().to_owned(),
        };
        Some(Box::new(Self {
            header: event.trace_id.clone(),
            sampled,
            span_id,
            function: function.name.clone(),
            arn: event.invoked_arn.clone(),
            error: None,
        }))
    }

    pub(crate) fn tracing(&self) -> Tracing<'_> {
        Tracing::new(&self.span_id, &self.header)
    }

    /// Hands on the segment of the function, if the platform makes one.
    pub(crate) fn tell(&self, request_id: &str, course: Course) {
        let (Some(ids), Some(sink)) = (&self.sampled.platform, &self.sampled.sink) else { return };
        let (initialization, restore) = course.before();
        let begun = course.initialised.unwrap_or_default();
        let segment = FunctionSegment {
            ids,
            function: segments::Function {
                name: &self.function,
                arn: &self.arn,
                account: &self.sampled.owner.account,
            },
            request_id,
            initialization,
            restore,
            invocation: course.between(begun, course.answered.max(begun)),
            overhead: course.between(course.answered.max(begun), course.ended),
            error: self.error.as_ref(),
        };
        sink.keep(&self.sampled.owner, segment.document());
    }
}

impl Course {
    fn at(&self, after: Duration) -> u64 {
        self.started_us.saturating_add(us(after))
    }

    fn between(&self, from: Duration, to: Duration) -> Interval {
        Interval { start_us: self.at(from), end_us: self.at(to) }
    }

    /// When the environment was initialised, and when it was restored.
    fn before(&self) -> (Option<Interval>, Option<Interval>) {
        if let Some(until) = self.initialised {
            return (Some(self.between(Duration::ZERO, until)), None);
        }
        let Some((before, ago)) = self.before else { return (None, None) };
        let end_us = self.started_us.saturating_sub(us(ago));
        let lasted = |whole| Interval { start_us: end_us.saturating_sub(us(whole)), end_us };
        match before {
            Before::Init(whole) => (Some(lasted(whole)), None),
            Before::Restore { whole, .. } => (None, Some(lasted(whole))),
        }
    }
}

fn us(duration: Duration) -> u64 {
    u64::try_from(duration.as_micros()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_came_before_an_invocation_is_where_it_was() {
        let ms = Duration::from_millis;
        let course = Course {
            started_us: 10_000_000,
            before: Some((Before::Init(ms(100)), ms(2))),
            initialised: None,
            answered: ms(5),
            ended: ms(6),
        };
        let init = Interval { start_us: 9_898_000, end_us: 9_998_000 };
        assert_eq!(course.before(), (Some(init), None));
        let restored = Before::Restore { whole: ms(9), runtime_s: ms(1) };
        let restored = Course { before: Some((restored, ms(0))), ..course };
        let restore = Interval { start_us: 9_991_000, end_us: 10_000_000 };
        assert_eq!(restored.before(), (None, Some(restore)));
        let inside = Course { before: None, initialised: Some(ms(80)), ..course };
        let init = Interval { start_us: 10_000_000, end_us: 10_080_000 };
        assert_eq!(inside.before(), (Some(init), None));
        assert_eq!(Course { before: None, ..course }.before(), (None, None));
    }
}
