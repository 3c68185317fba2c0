// SPDX-License-Identifier: Apache-2.0
//! A policy document, ready to be asked.

use crate::condition::Condition;
use crate::malformed::Malformed;
use crate::pattern::Pattern;
use crate::principal::Principals;
use crate::read;

const DENY_ALL: &str = r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*"}}"#;

/// Condition keys that say who may, or from where.
const LIMITING: [&str; 12] = [
    "aws:PrincipalAccount",
    "aws:PrincipalArn",
    "aws:PrincipalOrgID",
    "aws:PrincipalOrgPaths",
    "aws:SourceAccount",
    "aws:SourceArn",
    "aws:SourceIp",
    "aws:SourceOrgID",
    "aws:SourceVpc",
    "aws:SourceVpce",
    "aws:userid",
    "s3:DataAccessPointAccount",
];

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

    /// What stands for a document that was kept and is not understood: what it denies is not known, so it denies all.
    pub fn deny_all() -> Self {
        Self::parse(DENY_ALL, Kind::Resource).expect("it is a policy")
    }

    /// Whether it allows everyone something, be it under a condition that does not say who or from where.
    pub fn is_public(&self) -> bool {
        self.statements.iter().any(|statement| {
            let everyone = statement.principals.as_ref().is_some_and(Principals::are_everyone);
            let limits = |condition: &Condition| {
                let is_one = |key: &&str| key.eq_ignore_ascii_case(&condition.key);
                !condition.is_negated && !condition.if_exists && LIMITING.iter().any(is_one)
            };
            statement.effect == Effect::Allow
                && everyone
                && !statement.conditions.iter().any(limits)
        })
    }
}
