// SPDX-License-Identifier: Apache-2.0
//! What policies would decide, as IAM's simulator answers it.
//!
//! A simulation is put together from what the request brings and what is kept (`operations/simulation.rs`), and then asked about
//! each action, on each resource.

use crate::document::Kind;
use api::iam::{
    ContextEntry, ContextKeyType, EvaluationResult, PermissionsBoundaryDecisionDetail,
    PolicyEvaluationDecisionType as Verdict, Position, ResourceSpecificResult, Statement, fault,
};
use policy::{
    Answer, Document, Effect, Explanation, FactList, Facts as _, Finding, Named, Outcome,
    Principal, Request, Source, Sources, Span,
};
use std::collections::BTreeMap;
use std::sync::Arc;
use wire::Result;

/// Statements that one request may have looked at: those of all policies, for each action and resource.
const STATEMENTS_MAX: usize = 1_000_000;
/// As AWS answers it, although its model has other values.
const TYPE: &str = "IAM Policy";
const RESOURCE_TYPE: &str = "Resource Policy";

/// A policy of the simulation.
#[derive(Debug)]
pub(crate) struct Given {
    /// What the answer calls it.
    id: String,
    document: Arc<Document>,
    spans: Vec<Span>,
}

/// What is asked, and who has a say.
#[derive(Debug, Default)]
pub(crate) struct Simulation {
    pub(crate) identity: Vec<Given>,
    pub(crate) resource: Vec<Given>,
    pub(crate) boundary: Option<Vec<Given>>,
    pub(crate) caller: Simulated,
    /// Of resources whose ARNs have no account.
    pub(crate) owner: String,
    pub(crate) facts: FactList,
    /// `None`: all.
    pub(crate) resources: Option<Vec<String>>,
}

/// Who is taken to call.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Simulated {
    pub(crate) account: String,
    /// Of a user, a group or a role. Empty: nobody in particular.
    pub(crate) arn: String,
}

impl Given {
    /// Reads a policy that a request brings, or that is kept.
    pub(crate) fn read(id: impl Into<String>, text: &str, kind: Kind) -> Result<Self> {
        let document = Document::parse(text, kind)
            .map_err(|malformed| fault::invalid_input(malformed.to_string()))?;
        Ok(Self { id: id.into(), document: Arc::new(document), spans: policy::spans(text) })
    }

    /// The policies of a list that a request brings.
    pub(crate) fn list(name: &str, texts: &[String]) -> Result<Vec<Self>> {
        let read = |(index, text): (usize, &String)| {
            Self::read(format!("{name}.{}", index + 1), text, Kind::Identity)
        };
        texts.iter().enumerate().map(read).collect()
    }

    pub(crate) fn context_keys(&self) -> impl Iterator<Item = &str> {
        self.document.context_keys().into_iter()
    }
}

/// What is decided of one action on one resource.
struct Decided {
    verdict: Verdict,
    statements: Vec<Statement>,
    missing: Vec<String>,
    boundary: Option<PermissionsBoundaryDecisionDetail>,
    /// What each side says, where the resource is another account's.
    sides: Option<BTreeMap<String, Verdict>>,
}

impl Simulation {
    /// Refuses what would take too long.
    pub(crate) fn check_size(&self, action_count: usize) -> Result<()> {
        let lists = [Some(&self.identity), Some(&self.resource), self.boundary.as_ref()];
        let statements: usize =
            lists.into_iter().flatten().flatten().map(|given| given.spans.len()).sum();
        let resources = self.resources.as_ref().map_or(1, Vec::len);
        let count = statements.saturating_mul(resources).saturating_mul(action_count);
        if count > STATEMENTS_MAX {
            return Err(fault::invalid_input(format!(
                "The simulation would look at {count} statements; at most {STATEMENTS_MAX} are looked at for one request."
            )));
        }
        Ok(())
    }

    /// What is decided of an action: of all resources the strictest, and of each its own.
    pub(crate) fn result(&self, action: String) -> EvaluationResult {
        let Some(resources) = &self.resources else {
            let decided = self.decide(&action, "*");
            return EvaluationResult {
                eval_action_name: action,
                eval_resource_name: Some("*".to_owned()),
                eval_decision: decided.verdict,
                matched_statements: decided.statements,
                missing_context_values: decided.missing,
                organizations_decision_detail: None,
                permissions_boundary_decision_detail: decided.boundary,
                eval_decision_details: decided.sides,
                resource_specific_results: None,
            };
        };
        let each: Vec<_> = resources
            .iter()
            .map(|resource| specific(resource, self.decide(&action, resource)))
            .collect();
        EvaluationResult {
            eval_action_name: action,
            eval_resource_name: Some(match resources.as_slice() {
                [one] => one.clone(),
                _ => "*".to_owned(),
            }),
            eval_decision: each
                .iter()
                .map(|result| result.eval_resource_decision)
                .max_by_key(|verdict| strictness(*verdict))
                .unwrap_or(Verdict::ImplicitDeny),
            matched_statements: union(each.iter().flat_map(|result| &result.matched_statements)),
            missing_context_values: union(
                each.iter().flat_map(|result| &result.missing_context_values),
            ),
            organizations_decision_detail: None,
            permissions_boundary_decision_detail: each
                .iter()
                .filter_map(|result| result.permissions_boundary_decision_detail.clone())
                .min_by_key(|detail| detail.allowed_by_permissions_boundary),
            eval_decision_details: Some(strictest(&each)),
            resource_specific_results: Some(each),
        }
    }

    fn decide(&self, action: &str, resource: &str) -> Decided {
        let in_arn = resource.split(':').nth(4).filter(|account| !account.is_empty());
        let resource_account = in_arn.unwrap_or(&self.owner);
        let Simulated { account, arn } = &self.caller;
        let principal = match arn.contains(":role/") {
            true => Principal::Role { account, role_arn: arn, session_arn: arn },
            false => Principal::User { account, arn },
        };
        let facts = &self.facts;
        let request = Request { principal, action, resource, resource_account, facts };
        let identity = named(&self.identity);
        let resource_policies = named(&self.resource);
        let boundary = self.boundary.as_deref().map(named);
        let sources = Sources {
            identity: &identity,
            resource: &resource_policies,
            boundary: boundary.as_deref(),
            session: None,
        };
        let verdict = match policy::evaluate(&request, &sources).answer {
            Answer::Allow => Verdict::Allowed,
            Answer::ExplicitDeny => Verdict::ExplicitDeny,
            Answer::ImplicitDeny => Verdict::ImplicitDeny,
        };
        let Explanation { findings, missing } = policy::explain(&request, &sources);
        let crosses = account != resource_account;
        Decided {
            verdict,
            statements: self.matched(verdict, &findings),
            missing,
            boundary: boundary.map(|_| PermissionsBoundaryDecisionDetail {
                allowed_by_permissions_boundary: side(&findings, Source::Boundary)
                    == Verdict::Allowed,
            }),
            sides: crosses.then(|| {
                let sides = [(TYPE, Source::Identity), (RESOURCE_TYPE, Source::Resource)];
                let told = |(name, source): (&str, _)| (name.to_owned(), side(&findings, source));
                sides.map(told).into_iter().collect()
            }),
        }
    }

    /// The statements that made the decision, of the principal's policies and the resource's.
    fn matched(&self, verdict: Verdict, findings: &[Finding]) -> Vec<Statement> {
        let effect = match verdict {
            Verdict::Allowed => Effect::Allow,
            Verdict::ExplicitDeny => Effect::Deny,
            Verdict::ImplicitDeny => return Vec::new(),
        };
        let applying = applying(findings).filter(|finding| finding.effect == effect);
        applying
            .filter_map(|finding| {
                let (list, kind) = match finding.source {
                    Source::Identity => (&self.identity, TYPE),
                    Source::Resource => (&self.resource, RESOURCE_TYPE),
                    Source::Boundary | Source::Session => return None,
                };
                let given = list.get(finding.policy.parse::<usize>().ok()?)?;
                let span = given.spans.get(finding.index)?;
                Some(Statement {
                    source_policy_id: Some(given.id.clone()),
                    source_policy_type: Some(kind.to_owned()),
                    start_position: Some(position(span.start)),
                    end_position: Some(position(span.end)),
                })
            })
            .collect()
    }
}

/// Under their places in the list, since two policies may have one name.
fn named(given: &[Given]) -> Vec<Named> {
    let named = |(index, given): (usize, &Given)| Named {
        name: index.to_string().into(),
        document: Arc::clone(&given.document),
    };
    given.iter().enumerate().map(named).collect()
}

fn applying(findings: &[Finding]) -> impl Iterator<Item = &Finding> {
    findings.iter().filter(|finding| finding.outcome == Outcome::Applies)
}

/// What the policies of one kind say.
fn side(findings: &[Finding], source: Source) -> Verdict {
    let has = |effect| {
        applying(findings).any(|finding| finding.source == source && finding.effect == effect)
    };
    if has(Effect::Deny) {
        Verdict::ExplicitDeny
    } else if has(Effect::Allow) {
        Verdict::Allowed
    } else {
        Verdict::ImplicitDeny
    }
}

fn specific(resource: &str, decided: Decided) -> ResourceSpecificResult {
    ResourceSpecificResult {
        eval_resource_name: resource.to_owned(),
        eval_resource_decision: decided.verdict,
        matched_statements: decided.statements,
        missing_context_values: decided.missing,
        eval_decision_details: decided.sides,
        permissions_boundary_decision_detail: decided.boundary,
    }
}

const fn strictness(verdict: Verdict) -> u8 {
    match verdict {
        Verdict::Allowed => 0,
        Verdict::ImplicitDeny => 1,
        Verdict::ExplicitDeny => 2,
    }
}

/// Of each side what it says most strictly. Nothing, where no resource is another account's.
fn strictest(each: &[ResourceSpecificResult]) -> BTreeMap<String, Verdict> {
    let mut all: BTreeMap<String, Verdict> = BTreeMap::new();
    for (name, verdict) in
        each.iter().filter_map(|one| one.eval_decision_details.as_ref()).flatten()
    {
        let known = all.entry(name.clone()).or_insert(*verdict);
        if strictness(*verdict) > strictness(*known) {
            *known = *verdict;
        }
    }
    all
}

fn union<'a, T: Clone + PartialEq + 'a>(items: impl Iterator<Item = &'a T>) -> Vec<T> {
    items.fold(Vec::new(), |mut all, item| {
        if !all.contains(item) {
            all.push(item.clone());
        }
        all
    })
}

fn position(at: policy::Position) -> Position {
    let number = |number| i32::try_from(number).unwrap_or(i32::MAX);
    Position { line: number(at.line), column: number(at.column) }
}

/// What the request says of itself, and what follows from who calls.
pub(crate) fn facts(
    entries: Vec<ContextEntry>,
    of_caller: impl IntoIterator<Item = (String, String)>,
) -> Result<FactList> {
    let mut facts = FactList::default();
    for entry in entries {
        let key = entry.context_key_name.filter(|key| key.contains(':'));
        let key = key.ok_or_else(|| fault::invalid_input("A context entry needs a key."))?;
        let values = entry.context_key_values.unwrap_or_default();
        if facts.find(&key).is_some() {
            return Err(fault::invalid_input(format!("The context key {key} is given twice.")));
        }
        if values.len() != 1 && !entry.context_key_type.is_none_or(is_list) {
            return Err(fault::invalid_input(format!(
                "The context key {key} is of a type with one value, and has {}.",
                values.len()
            )));
        }
        values.into_iter().for_each(|value| facts.add(&key, value));
    }
    for (key, value) in of_caller {
        if facts.find(&key).is_none() {
            facts.add(&key, value);
        }
    }
    Ok(facts)
}

const fn is_list(kind: ContextKeyType) -> bool {
    use ContextKeyType::*;
    match kind {
        StringList | NumericList | BooleanList | IpList | BinaryList | DateList => true,
        String | Numeric | Boolean | Ip | Binary | Date => false,
    }
}
