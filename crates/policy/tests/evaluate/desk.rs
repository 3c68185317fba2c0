// SPDX-License-Identifier: Apache-2.0
//! A request and the policies that have a say, put together in a line or two.

use policy::{Document, FactList, Kind, Named, Principal, Request, Source, Sources, evaluate};
use std::sync::Arc;

pub(crate) const ACCOUNT: &str = "111122223333";
pub(crate) const OTHER: &str = "444455556666";
pub(crate) const ANA: Principal<'_> =
    Principal::User { account: ACCOUNT, arn: "arn:aws:iam::111122223333:user/ana" };
pub(crate) const SESSION: Principal<'_> = Principal::Role {
    account: ACCOUNT,
    role_arn: "arn:aws:iam::111122223333:role/path/worker",
    session_arn: "arn:aws:sts::111122223333:assumed-role/worker/s1",
};

/// A request on the desk, to be decided.
pub(crate) struct Desk<'a> {
    pub(crate) principal: Principal<'a>,
    pub(crate) action: &'a str,
    pub(crate) resource: &'a str,
    pub(crate) resource_account: &'a str,
    pub(crate) facts: FactList,
    identity: Vec<Named>,
    resources: Vec<Named>,
    boundary: Option<Vec<Named>>,
    session: Option<Vec<Named>>,
}

impl<'a> Desk<'a> {
    pub(crate) fn new(principal: Principal<'a>, action: &'a str, resource: &'a str) -> Self {
        Self {
            principal,
            action,
            resource,
            resource_account: ACCOUNT,
            facts: FactList::default(),
            identity: Vec::new(),
            resources: Vec::new(),
            boundary: None,
            session: None,
        }
    }

    /// `statements` is what stands between the brackets of `Statement`.
    pub(crate) fn with(mut self, source: Source, statements: &str) -> Self {
        let kind = if source == Source::Resource { Kind::Resource } else { Kind::Identity };
        let text = format!(r#"{{"Version":"2012-10-17","Statement":[{statements}]}}"#);
        let document =
            Document::parse(&text, kind).unwrap_or_else(|error| panic!("{error}: {text}"));
        let named = Named { name: format!("{source:?}").into(), document: Arc::new(document) };
        match source {
            Source::Identity => self.identity.push(named),
            Source::Resource => self.resources.push(named),
            Source::Boundary => self.boundary.get_or_insert_default().push(named),
            Source::Session => self.session.get_or_insert_default().push(named),
        }
        self
    }

    pub(crate) fn fact(mut self, key: &str, value: &str) -> Self {
        self.facts.add(key, value);
        self
    }

    pub(crate) fn of_account(mut self, account: &'a str) -> Self {
        self.resource_account = account;
        self
    }

    /// `Allow by Identity: Sid 0`
    pub(crate) fn decide(&self) -> String {
        let request = Request {
            principal: self.principal,
            action: self.action,
            resource: self.resource,
            resource_account: self.resource_account,
            facts: &self.facts,
        };
        let sources = Sources {
            identity: &self.identity,
            resource: &self.resources,
            boundary: self.boundary.as_deref(),
            session: self.session.as_deref(),
        };
        let decision = evaluate(&request, &sources);
        let decider = decision.decider.map(|decider| {
            let sid = decider.sid.unwrap_or_default();
            format!(": {sid} {}", decider.index)
        });
        format!("{:?} by {:?}{}", decision.answer, decision.source, decider.unwrap_or_default())
    }
}
