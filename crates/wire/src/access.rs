// SPDX-License-Identifier: Apache-2.0
//! What a call needs its caller to be allowed, and who says whether it is.
//!
//! An operation declares what it acts on; the dispatch asks the context's [`Authority`] before the service is called.

use crate::Context;
use std::borrow::Cow;
use std::fmt;
use std::sync::Arc;

/// What an operation acts on, for one of its calls.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Access {
    /// An ARN, or `*` where the action is for no resource in particular.
    pub resource: String,
    /// Condition keys that come of the request's input: `lambda:Layer`, `aws:RequestTag/team`.
    pub facts: Vec<(Cow<'static, str>, Vec<String>)>,
    /// Further actions that the call needs: `iam:PassRole` on a role.
    pub also: Vec<(&'static str, Self)>,
}

impl Access {
    /// For actions that are for no resource in particular.
    pub fn anything() -> Self {
        Self::to("*")
    }

    pub fn to(resource: impl Into<String>) -> Self {
        Self { resource: resource.into(), facts: Vec::new(), also: Vec::new() }
    }

    /// A condition key without values is not there.
    #[must_use]
    pub fn fact<V: Into<String>>(
        mut self,
        key: impl Into<Cow<'static, str>>,
        values: impl IntoIterator<Item = V>,
    ) -> Self {
        let values: Vec<String> = values.into_iter().map(Into::into).collect();
        if !values.is_empty() {
            self.facts.push((key.into(), values));
        }
        self
    }

    /// `aws:RequestTag/...` and `aws:TagKeys`
    #[must_use]
    pub fn tags<'t>(self, tags: impl IntoIterator<Item = (&'t str, &'t str)> + Clone) -> Self {
        let keys = tags.clone().into_iter().map(|(key, _)| key);
        let with_keys = self.fact("aws:TagKeys", keys);
        tags.into_iter().fold(with_keys, |access, (key, value)| {
            access.fact(format!("aws:RequestTag/{key}"), [value])
        })
    }

    #[must_use]
    pub fn and(mut self, action: &'static str, access: Self) -> Self {
        self.also.push((action, access));
        self
    }
}

/// What the caller may do.
#[derive(Clone)]
pub enum Authority {
    /// Everything in its account: root, and this server for itself.
    Full,
    Limited(Arc<dyn Authorize>),
}

/// Says whether a caller may do something.
pub trait Authorize: Send + Sync {
    /// `Err` is the sentence that the caller reads.
    fn authorize(&self, cx: &Context, action: &str, access: &Access) -> Result<(), String>;
}

impl Authority {
    /// Whether the caller may do what `on` says, and all else that needs.
    pub fn check(
        &self,
        cx: &Context,
        action: &str,
        on: impl FnOnce() -> Access,
    ) -> Result<(), String> {
        let Self::Limited(limited) = self else { return Ok(()) };
        let access = on();
        limited.authorize(cx, action, &access)?;
        access.also.iter().try_for_each(|(action, access)| limited.authorize(cx, action, access))
    }
}

impl fmt::Debug for Authority {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Full => "Full",
            Self::Limited(_) => "Limited",
        })
    }
}
