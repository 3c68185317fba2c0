// SPDX-License-Identifier: Apache-2.0
//! The decision, as IAM makes it.
//!
//! A `Deny` anywhere ends it. Within one account, either the principal's own policies allow (and its boundary and its
//! session's policies do too, where there are such), or the resource's policy does. Across accounts both must.
//!
//! A role's trust policy is the resource's policy of `sts:AssumeRole` on the role.

use crate::Named;
use crate::condition::View;
use crate::document::{Effect, Set, Statement};
use crate::facts::Facts;
use crate::principal::{Meant, Principal};
use std::sync::Arc;

/// Who wants to do what, with what.
#[derive(Clone, Copy)]
pub struct Request<'a> {
    pub principal: Principal<'a>,
    /// `lambda:InvokeFunction`
    pub action: &'a str,
    /// An ARN, or `*` where an action is for none.
    pub resource: &'a str,
    pub resource_account: &'a str,
    pub facts: &'a dyn Facts,
}

impl std::fmt::Debug for Request<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Request")
            .field("principal", &self.principal)
            .field("action", &self.action)
            .field("resource", &self.resource)
            .finish_non_exhaustive()
    }
}

/// The policies that have a say.
#[derive(Debug, Clone, Copy, Default)]
pub struct Sources<'a> {
    /// The principal's own, and those of its groups.
    pub identity: &'a [Named],
    /// The resource's: of a role, its trust policy.
    pub resource: &'a [Named],
    /// `None`: there is no boundary. One without documents allows nothing.
    pub boundary: Option<&'a [Named]>,
    /// Passed when the session was made. `None`: none were.
    pub session: Option<&'a [Named]>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Source {
    Identity,
    Resource,
    Boundary,
    Session,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Answer {
    Allow,
    ExplicitDeny,
    ImplicitDeny,
}

/// The answer, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decision {
    pub answer: Answer,
    /// Whose policies decided: those that allowed, that denied, or that did not allow.
    pub source: Source,
    /// `None` for an implicit deny: no statement made it.
    pub decider: Option<Decider>,
}

/// The statement that decided.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Decider {
    pub policy: Arc<str>,
    pub sid: Option<Box<str>>,
    /// Counted from 0.
    pub index: usize,
}

impl Decision {
    pub fn is_allowed(&self) -> bool {
        self.answer == Answer::Allow
    }

    const fn implicit(source: Source) -> Self {
        Self { answer: Answer::ImplicitDeny, source, decider: None }
    }

    fn of(answer: Answer, source: Source, found: Found<'_>) -> Self {
        let Found { name, statement, index, .. } = found;
        let decider = Decider { policy: Arc::clone(name), sid: statement.sid.clone(), index };
        Self { answer, source, decider: Some(decider) }
    }
}

/// A statement that applies to the request.
#[derive(Clone, Copy)]
struct Found<'a> {
    name: &'a Arc<str>,
    statement: &'a Statement,
    index: usize,
    meant: Meant,
}

/// Decides.
pub fn evaluate(request: &Request<'_>, sources: &Sources<'_>) -> Decision {
    let groups = [
        (Source::Identity, Some(sources.identity)),
        (Source::Resource, Some(sources.resource)),
        (Source::Boundary, sources.boundary),
        (Source::Session, sources.session),
    ];
    for (source, documents) in groups {
        let denied = documents.and_then(|documents| find(documents, request, Effect::Deny));
        if let Some(found) = denied {
            return Decision::of(Answer::ExplicitDeny, source, found);
        }
    }

    let granted = find(sources.resource, request, Effect::Allow);
    if granted.is_none() && needs_trust(request.action) {
        return Decision::implicit(Source::Resource);
    }
    let by_resource = |found| Decision::of(Answer::Allow, Source::Resource, found);
    let Some(account) = request.principal.account() else {
        return granted.map_or(Decision::implicit(Source::Resource), by_resource);
    };
    if account != request.resource_account {
        let own = own(request, sources);
        return match granted {
            Some(_) => own,
            None if own.is_allowed() => Decision::implicit(Source::Resource),
            None => own,
        };
    }
    match granted {
        Some(found) if found.meant == Meant::Itself => by_resource(found),
        // Who is meant as one of many stays within the boundary and the session's policies.
        Some(found) if found.meant == Meant::Role => {
            limit(request, sources).unwrap_or_else(|| by_resource(found))
        }
        _ => own(request, sources),
    }
}

/// Whether only a role that trusts the principal lets it: of its own account's policies none is enough.
pub fn needs_trust(action: &str) -> bool {
    ["sts:AssumeRole", "sts:TagSession"].iter().any(|name| name.eq_ignore_ascii_case(action))
}

/// What the principal's own policies say.
fn own(request: &Request<'_>, sources: &Sources<'_>) -> Decision {
    let found = match request.principal {
        // Root has no policies, and may do all that its account may.
        Principal::Root { .. } => None,
        _ => match find(sources.identity, request, Effect::Allow) {
            Some(found) => Some(found),
            None => return Decision::implicit(Source::Identity),
        },
    };
    if let Some(denied) = limit(request, sources) {
        return denied;
    }
    match found {
        Some(found) => Decision::of(Answer::Allow, Source::Identity, found),
        None => Decision { answer: Answer::Allow, source: Source::Identity, decider: None },
    }
}

/// The deny of a boundary, or of the session's policies, that do not allow the request.
fn limit(request: &Request<'_>, sources: &Sources<'_>) -> Option<Decision> {
    [(Source::Boundary, sources.boundary), (Source::Session, sources.session)]
        .into_iter()
        .filter_map(|(source, documents)| Some((source, documents?)))
        .find(|(_, documents)| find(documents, request, Effect::Allow).is_none())
        .map(|(source, _)| Decision::implicit(source))
}

/// The statement with this effect that applies, and means the principal most directly.
fn find<'a>(documents: &'a [Named], request: &Request<'_>, effect: Effect) -> Option<Found<'a>> {
    let mut best: Option<Found<'a>> = None;
    for Named { name, document } in documents {
        for (index, statement) in document.statements.iter().enumerate() {
            if statement.effect != effect {
                continue;
            }
            let Some(meant) = statement.applies(request) else { continue };
            if meant == Meant::Itself {
                return Some(Found { name, statement, index, meant });
            }
            if best.is_none_or(|best| best.meant < meant) {
                best = Some(Found { name, statement, index, meant });
            }
        }
    }
    best
}

impl Statement {
    /// How directly it means the principal, when all of it applies.
    fn applies(&self, request: &Request<'_>) -> Option<Meant> {
        let view = View { facts: request.facts, without_value: self.effect == Effect::Deny };
        let meant = match &self.principals {
            Some(principals) => principals.mean(&request.principal)?,
            None => Meant::Itself,
        };
        let applies = self.actions.has(request.action, true, view)
            && self.resources.as_ref().is_none_or(|set| set.has(request.resource, false, view))
            && self.conditions.iter().all(|condition| condition.holds(view));
        applies.then_some(meant)
    }
}

impl Set {
    pub(crate) fn has(&self, text: &str, fold: bool, view: View<'_>) -> bool {
        let mut is_decided = true;
        for pattern in &self.patterns {
            match pattern.fits(text, fold, view.facts) {
                Some(true) => return !self.is_not,
                Some(false) => {}
                None => is_decided = false,
            }
        }
        self.is_not && (is_decided || view.without_value)
    }
}
