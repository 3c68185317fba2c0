// SPDX-License-Identifier: Apache-2.0
//! Why a call is allowed or denied, for whoever runs the server: decided as [`crate::guard`] decides, and told statement by
//! statement.
//!
//! Not looked at: what travels in the token of a session (its own policies and tags).

use crate::directory::{Entity, Powers};
use crate::facts::{Origin, RequestFacts};
use crate::guard::{Case, Mode, account_of, article, kind, sentence, unlocks};
use crate::{Edge, clock};
use names::{Region, RequestId, TraceHeader};
use policy::{Answer, Decision, Effect, Fact, FactList, Facts, Finding, Outcome, Unmet};
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wire::{Access, Authority, Caller, Context};

/// Keys that only a request has, and those of its own that are not known.
const OF_REQUESTS: [&str; 3] = ["aws:SourceIp", "aws:UserAgent", "aws:Referer"];
const USER_ID: &str = "aws:userid";

/// A call that somebody made, or could make.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub struct Question {
    /// The id of an access key, or the ARN of a user, a role, a session of one, or an account's root.
    pub who: String,
    /// `lambda:InvokeFunction`
    pub action: String,
    /// An ARN, or `*`.
    pub resource: String,
    /// Condition keys and their values.
    pub context: Vec<(String, String)>,
    /// Of requests, where the resource's ARN has none.
    pub region: String,
}

/// What is decided, and how it came to that.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Explanation {
    pub is_allowed: bool,
    /// The decision in words. Of a denial it begins with what its caller reads.
    pub sentence: String,
    /// Every statement that has a say.
    pub statements: Vec<ExplainedStatement>,
    /// Condition keys that were looked at and have no value.
    pub missing_context: Vec<String>,
}

#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExplainedStatement {
    /// `identity-based policy`
    pub kind: String,
    pub policy: String,
    /// Counted from 1.
    pub number: usize,
    pub sid: Option<String>,
    /// `Allow` or `Deny`
    pub effect: String,
    /// What becomes of it: `applies`, `is for other actions`.
    pub outcome: String,
}

/// Nobody can be asked about.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
pub enum Unexplained {
    #[error("there is no user, role, session or access key `{0}`")]
    NoSuchCaller(String),
    #[error("`{0}` is a session's key: what it may do is in its token; ask for the session's ARN")]
    Session(String),
    #[error("`{0}` is not a region")]
    Region(String),
}

/// Who would call.
struct Suspect {
    caller: Caller,
    entity: Arc<Entity>,
    is_root: bool,
}

impl Edge {
    /// Decides about a call as if it was made now, and says why.
    pub fn explain(&self, question: &Question) -> Result<Explanation, Unexplained> {
        let suspect = self.suspect(&question.who)?;
        let Suspect { caller, entity, is_root } = &suspect;
        let region = question.resource.split(':').nth(3).filter(|region| !region.is_empty());
        let region = region.unwrap_or(&question.region);
        let region: Region = region.parse().map_err(|_| Unexplained::Region(region.to_owned()))?;
        let unknown = || Unexplained::NoSuchCaller(question.who.clone());
        let account = account_of(&caller.arn).and_then(|account| account.parse().ok());
        let cx = Context {
            account: account.ok_or_else(unknown)?,
            region,
            request_id: RequestId::random(),
            trace: TraceHeader::start(clock::epoch_seconds()),
            caller: caller.clone(),
            authority: Authority::Full,
            endpoint: String::new(),
        };
        let access = Access::to(question.resource.as_str());
        let case = Case::new(&self.guard, &cx, &access);
        let (origin, resources) = (Origin::nowhere(), case.resources);
        let facts = Supposed {
            given: question.context.iter().map(|(key, value)| (key, value)).collect(),
            others: RequestFacts {
                cx: &cx,
                entity: Some(entity),
                service: None,
                origin: &origin,
                access: &access,
                resources,
            },
        };
        let request = case.request(entity.principal(cx.account.as_str()), &question.action, &facts);
        let sources = entity.sources(&case.attached);
        let decision = policy::evaluate(&request, &sources);
        let policy::Explanation { findings, missing } = policy::explain(&request, &sources);
        let is_own = case.account == cx.account.as_str();
        let is_unlocked = *is_root && is_own && unlocks(&question.action);
        let mut told = in_words(&cx, &question.action, &case.resource, &decision, *is_root);
        if is_unlocked && !decision.is_allowed() {
            told.push_str("; root may nevertheless: it can change every policy of its account");
        }
        match self.guard.mode {
            _ if !is_own || *is_root => {}
            Mode::Enforce => {}
            Mode::Warn if decision.is_allowed() => {}
            Mode::Warn => told.push_str("; identity.mode is warn: the call is logged and done"),
            Mode::Off => told.push_str("; identity.mode is off: nobody asks within the account"),
        }
        Ok(Explanation {
            is_allowed: decision.is_allowed() || is_unlocked,
            sentence: told,
            statements: findings.iter().map(explained).collect(),
            missing_context: missing,
        })
    }

    fn suspect(&self, who: &str) -> Result<Suspect, Unexplained> {
        let unknown = || Unexplained::NoSuchCaller(who.to_owned());
        let (caller, powers) = if who.starts_with("arn:") {
            let powers = self.identity.powers_of(who).ok_or_else(unknown)?;
            let (arn, user_id) = (who.to_owned(), String::new());
            (Caller { arn, user_id, access_key_id: String::new() }, powers)
        } else {
            let signer = self.identity.find(who, None).ok_or_else(|| match who {
                id if id.starts_with("ASIA") => Unexplained::Session(id.to_owned()),
                _ => unknown(),
            })?;
            (signer.key.caller.clone(), signer.powers)
        };
        let (entity, is_root) = match powers {
            Powers::Root => (Arc::new(Entity::root(&caller.arn)), true),
            Powers::Held(entity) => (entity, false),
        };
        Ok(Suspect { caller, entity, is_root })
    }
}

/// Facts as they are given, and as they follow from who calls. Nothing is made up of the request itself.
struct Supposed<'a> {
    given: FactList,
    others: RequestFacts<'a>,
}

impl Facts for Supposed<'_> {
    fn find(&self, key: &str) -> Option<Fact<'_>> {
        let is_unknown = OF_REQUESTS.iter().any(|known| known.eq_ignore_ascii_case(key))
            || (key.eq_ignore_ascii_case(USER_ID) && self.others.cx.caller.user_id.is_empty());
        let given = self.given.find(key);
        if is_unknown { given } else { given.or_else(|| self.others.find(key)) }
    }
}

fn in_words(
    cx: &Context,
    action: &str,
    resource: &str,
    decision: &Decision,
    is_root: bool,
) -> String {
    let caller = &cx.caller.arn;
    let decider = decision.decider.as_ref().map(|decider| {
        let sid = decider.sid.as_deref().map(|sid| format!(" (Sid {sid})")).unwrap_or_default();
        let (number, policy) = (decider.index + 1, &decider.policy);
        format!(
            "statement {number}{sid} of {policy}, {} {}",
            article(decision.source),
            kind(decision.source)
        )
    });
    match (decision.answer, decider) {
        (Answer::Allow, Some(decider)) => {
            format!("{caller} may perform {action} on {resource}: {decider}, allows it")
        }
        (Answer::Allow, None) if is_root => {
            format!(
                "{caller} may perform {action} on {resource}: root may do in its account what no policy of a resource denies"
            )
        }
        (Answer::Allow, None) => format!("{caller} may perform {action} on {resource}"),
        (_, Some(decider)) => {
            format!("{}: {decider}, denies it", sentence(caller, action, resource, decision))
        }
        (_, None) => sentence(caller, action, resource, decision),
    }
}

fn explained(finding: &Finding) -> ExplainedStatement {
    ExplainedStatement {
        kind: kind(finding.source).to_owned(),
        policy: finding.policy.to_string(),
        number: finding.index + 1,
        sid: finding.sid.as_deref().map(ToOwned::to_owned),
        effect: match finding.effect {
            Effect::Allow => "Allow",
            Effect::Deny => "Deny",
        }
        .to_owned(),
        outcome: match &finding.outcome {
            Outcome::Applies => "applies".to_owned(),
            Outcome::OtherPrincipal => "is for other principals".to_owned(),
            Outcome::OtherAction => "is for other actions".to_owned(),
            Outcome::OtherResource => "is for other resources".to_owned(),
            Outcome::Conditions(unmet) => {
                let unmet: Vec<String> = unmet.iter().map(unmet_in_words).collect();
                unmet.join(", and ")
            }
        },
    }
}

fn unmet_in_words(unmet: &Unmet) -> String {
    let key = &unmet.key;
    match &unmet.values {
        None => format!("its condition on {key} does not hold: the request has none"),
        Some(values) => {
            let values = values.join(", ");
            format!("its condition on {key} does not hold: the request has {values}")
        }
    }
}
