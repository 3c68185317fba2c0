// SPDX-License-Identifier: Apache-2.0
//! A policy document, ready to be asked.

use crate::condition::Condition;
use crate::malformed::Malformed;
use crate::pattern::Pattern;
use crate::principal::Principals;
use crate::read;

/// What a document is attached to. Each has rules of its own.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Kind {
    /// To a user, a group or a role, as a boundary, or passed with a session: it names no principal.
    Identity,
    /// To a resource: it names principals, and may leave the resource out.
    Resource,
    /// To a role: who may assume it.
    Trust,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Effect {
    Allow,
    Deny,
}

/// A policy document. It was checked, and its patterns are compiled.
#[derive(Debug, PartialEq)]
pub struct Document {
    pub(crate) statements: Box<[Statement]>,
}

#[derive(Debug, PartialEq)]
pub(crate) struct Statement {
    pub(crate) sid: Option<Box<str>>,
    pub(crate) effect: Effect,
    /// `None` in identity policies: whoever has the policy.
    pub(crate) principals: Option<Principals>,
    pub(crate) actions: Set,
    /// `None`: the resource that the document is attached to.
    pub(crate) resources: Option<Set>,
    pub(crate) conditions: Box<[Condition]>,
}

/// `Action` or `NotAction`, `Resource` or `NotResource`.
#[derive(Debug, PartialEq)]
pub(crate) struct Set {
    pub(crate) is_not: bool,
    pub(crate) patterns: Box<[Pattern]>,
}

impl Document {
    /// Reads a document. How long it may be is its keeper's business.
    pub fn parse(text: &str, kind: Kind) -> Result<Self, Malformed> {
        read::document(text, kind)
    }
}
