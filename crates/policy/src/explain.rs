// SPDX-License-Identifier: Apache-2.0
//! Why a decision came out as it did: each statement that has a say, and what keeps it from applying.
//!
//! It looks at everything, so it is slower than `evaluate`, and nobody waits for it but whoever asks why.

use crate::Named;
use crate::condition::View;
use crate::document::{Effect, Statement};
use crate::evaluate::{Request, Source, Sources};
use crate::facts::{Fact, Facts};
use std::cell::RefCell;
use std::sync::Arc;

/// One statement, and whether it applies to the request.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Finding {
    pub source: Source,
    pub policy: Arc<str>,
    pub sid: Option<Box<str>>,
    /// Counted from 0.
    pub index: usize,
    pub effect: Effect,
    pub outcome: Outcome,
}

/// What became of a statement. The first part that does not fit is told; of conditions, all of them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Outcome {
    Applies,
    OtherPrincipal,
    OtherAction,
    OtherResource,
    Conditions(Vec<Unmet>),
}

/// A condition that does not hold.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Unmet {
    pub key: Box<str>,
    /// What the request has under that key. `None`: nothing.
    pub values: Option<Vec<String>>,
}

/// Every statement of every policy that has a say, and the condition keys that were asked for and have no value.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Explanation {
    pub findings: Vec<Finding>,
    pub missing: Vec<String>,
}

/// Looks at each statement. What `evaluate` decides follows from those that apply.
pub fn explain(request: &Request<'_>, sources: &Sources<'_>) -> Explanation {
    let asked = Asked { facts: request.facts, missing: RefCell::default() };
    let request = Request { facts: &asked, ..*request };
    let groups: [(Source, &[Named]); 4] = [
        (Source::Identity, sources.identity),
        (Source::Resource, sources.resource),
        (Source::Boundary, sources.boundary.unwrap_or_default()),
        (Source::Session, sources.session.unwrap_or_default()),
    ];
    let mut findings = Vec::new();
    for (source, documents) in groups {
        for Named { name, document } in documents {
            let found = document.statements.iter().enumerate().map(|(index, statement)| Finding {
                source,
                policy: Arc::clone(name),
                sid: statement.sid.clone(),
                index,
                effect: statement.effect,
                outcome: statement.outcome(&request),
            });
            findings.extend(found);
        }
    }
    Explanation { findings, missing: asked.missing.into_inner() }
}

impl Statement {
    fn outcome(&self, request: &Request<'_>) -> Outcome {
        let view = View { facts: request.facts, without_value: self.effect == Effect::Deny };
        if self.principals.as_ref().is_some_and(|who| who.mean(&request.principal).is_none()) {
            return Outcome::OtherPrincipal;
        }
        if !self.actions.has(request.action, true, view) {
            return Outcome::OtherAction;
        }
        if !self.resources.as_ref().is_none_or(|set| set.has(request.resource, false, view)) {
            return Outcome::OtherResource;
        }
        let unmet = self.conditions.iter().filter(|condition| !condition.holds(view));
        let unmet: Vec<Unmet> = unmet
            .map(|condition| Unmet {
                key: condition.key.clone(),
                values: request.facts.find(&condition.key).map(|fact| texts(&fact)),
            })
            .collect();
        if unmet.is_empty() { Outcome::Applies } else { Outcome::Conditions(unmet) }
    }
}

fn texts(fact: &Fact<'_>) -> Vec<String> {
    fact.values().iter().map(|value| value.clone().into_owned()).collect()
}

/// Remembers what is asked for and not there.
struct Asked<'a> {
    facts: &'a dyn Facts,
    missing: RefCell<Vec<String>>,
}

impl Facts for Asked<'_> {
    fn find(&self, key: &str) -> Option<Fact<'_>> {
        let found = self.facts.find(key);
        let mut missing = self.missing.borrow_mut();
        if found.is_none() && !missing.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            missing.push(key.to_owned());
        }
        found
    }
}
