// SPDX-License-Identifier: Apache-2.0
//! Simulations: what requests bring, and what is kept, put together.

use crate::accounts::Account;
use crate::directory::{account_and_resource, holder};
use crate::document::Kind;
use crate::held::{Held, held};
use crate::page::{Page, page};
use crate::record::Entity;
use crate::simulation::{Given, Simulated, Simulation, facts};
use crate::{Iam, aws_managed, error, managed};
use api::iam::*;
use names::AccountId;
use std::sync::Arc;
use wire::{Context, Result};

const INPUT: &str = "PolicyInputList";
const BOUNDARY: &str = "PermissionsBoundaryPolicyInputList";

/// What the inputs of both simulations have in common.
macro_rules! asked {
    ($input:ident) => {
        Asked {
            action_names: $input.action_names,
            resource_arns: $input.resource_arns,
            resource_policy: $input.resource_policy,
            resource_owner: $input.resource_owner,
            caller_arn: $input.caller_arn,
            context_entries: $input.context_entries,
            resource_handling_option: $input.resource_handling_option,
            max_items: $input.max_items,
            marker: $input.marker,
        }
    };
}

impl SimulationOperations for Iam {
    async fn simulate_custom_policy(
        &self,
        cx: &Context,
        input: SimulateCustomPolicyInput,
    ) -> Result<SimulateCustomPolicyOutput> {
        if input.ordered_organization_policy_input_list.is_some_and(|list| !list.is_empty()) {
            return Err(fault::invalid_input(
                "OrderedOrganizationPolicyInputList is not supported by this build of Tinderbox: there are no organizations.",
            ));
        }
        let asked = asked!(input);
        let identity = Given::list(INPUT, &input.policy_input_list)?;
        let boundary = boundary(input.permissions_boundary_policy_input_list.as_deref())?;
        let Page { items: evaluation_results, is_truncated, marker } =
            self.simulate(cx, asked, identity, boundary, None)?;
        Ok(SimulateCustomPolicyOutput { evaluation_results, is_truncated, marker })
    }

    async fn simulate_principal_policy(
        &self,
        cx: &Context,
        input: SimulatePrincipalPolicyInput,
    ) -> Result<SimulatePrincipalPolicyOutput> {
        let asked = asked!(input);
        let source = self.policy_source(cx, &input.policy_source_arn)?;
        let excluded = input.policy_exclusion_list.unwrap_or_default();
        let (mut identity, attached) = self
            .accounts
            .with(&cx.account, |account| policies(account, &cx.account, &source, &excluded))?;
        identity.extend(Given::list(INPUT, &input.policy_input_list.unwrap_or_default())?);
        let boundary = boundary(input.permissions_boundary_policy_input_list.as_deref())?;
        let Page { items: evaluation_results, is_truncated, marker } =
            self.simulate(cx, asked, identity, boundary.or(attached), Some(&source))?;
        Ok(SimulatePrincipalPolicyOutput { evaluation_results, is_truncated, marker })
    }

    async fn get_context_keys_for_custom_policy(
        &self,
        _: &Context,
        input: GetContextKeysForCustomPolicyInput,
    ) -> Result<GetContextKeysForCustomPolicyOutput> {
        let context_key_names = keys(&Given::list(INPUT, &input.policy_input_list)?);
        Ok(GetContextKeysForCustomPolicyOutput { context_key_names })
    }

    async fn get_context_keys_for_principal_policy(
        &self,
        cx: &Context,
        input: GetContextKeysForPrincipalPolicyInput,
    ) -> Result<GetContextKeysForPrincipalPolicyOutput> {
        let source = self.policy_source(cx, &input.policy_source_arn)?;
        let (mut given, _) = self
            .accounts
            .with(&cx.account, |account| policies(account, &cx.account, &source, &[]))?;
        given.extend(Given::list(INPUT, &input.policy_input_list.unwrap_or_default())?);
        Ok(GetContextKeysForPrincipalPolicyOutput { context_key_names: keys(&given) })
    }
}

/// What both simulations are asked.
struct Asked {
    action_names: Vec<String>,
    resource_arns: Option<Vec<String>>,
    resource_policy: Option<String>,
    resource_owner: Option<String>,
    caller_arn: Option<String>,
    context_entries: Option<Vec<ContextEntry>>,
    resource_handling_option: Option<String>,
    max_items: Option<i32>,
    marker: Option<String>,
}

impl Iam {
    /// The user, the group or the role with this ARN, of the caller's account.
    fn policy_source(&self, cx: &Context, arn: &str) -> Result<Arc<Entity>> {
        let (_, resource) = account_and_resource(arn)
            .filter(|(_, resource)| resource.contains('/'))
            .ok_or_else(|| error::invalid_arn(arn))?;
        self.accounts.with(&cx.account, |account| {
            let found = holder(account, arn).filter(|entity| entity.arn(&cx.account) == arn);
            found
                .cloned()
                .ok_or_else(|| fault::no_such_entity(format!("The {resource} cannot be found.")))
        })
    }

    /// A page of what is decided. `source` is whose policies these are, if anybody's.
    fn simulate(
        &self,
        cx: &Context,
        asked: Asked,
        identity: Vec<Given>,
        boundary: Option<Vec<Given>>,
        source: Option<&Entity>,
    ) -> Result<Page<EvaluationResult>> {
        if asked.resource_handling_option.is_some() {
            return Err(fault::invalid_input(
                "ResourceHandlingOption is for Amazon EC2, which is not in this build of Tinderbox.",
            ));
        }
        let caller = caller(cx, asked.caller_arn, source)?;
        if asked.resource_policy.is_some() && caller.arn.is_empty() {
            return Err(fault::invalid_input("A resource policy needs a caller: CallerArn."));
        }
        let resource =
            asked.resource_policy.map(|text| Given::read("ResourcePolicy", &text, Kind::Resource));
        let simulation = Simulation {
            identity,
            resource: resource.transpose()?.into_iter().collect(),
            boundary,
            owner: owner(asked.resource_owner, &caller)?,
            facts: facts(asked.context_entries.unwrap_or_default(), self.facts_of(&caller))?,
            resources: asked.resource_arns.filter(|arns| arns.iter().any(|arn| arn != "*")),
            caller,
        };
        if let Some(action) = asked.action_names.iter().find(|action| !action.contains(':')) {
            return Err(fault::invalid_input(format!("Invalid Input Action: {action}")));
        }
        let numbered = asked.action_names.into_iter().enumerate();
        let numbered = numbered.map(|(index, action)| (format!("{index:08}"), action));
        let Page { items, is_truncated, marker } =
            page(numbered, asked.marker.as_deref(), asked.max_items)?;
        simulation.check_size(items.len())?;
        let items = items.into_iter().map(|action| simulation.result(action)).collect();
        Ok(Page { items, is_truncated, marker })
    }

    /// The condition keys that say who calls.
    fn facts_of(&self, caller: &Simulated) -> Vec<(String, String)> {
        if caller.arn.is_empty() {
            return Vec::new();
        }
        let mut facts = vec![
            ("aws:PrincipalArn".to_owned(), caller.arn.clone()),
            ("aws:PrincipalAccount".to_owned(), caller.account.clone()),
        ];
        self.of_entity(&caller.arn, |entity| {
            if entity.user().is_some() {
                facts.push(("aws:PrincipalType".to_owned(), "User".to_owned()));
                facts.push(("aws:username".to_owned(), entity.name.clone()));
                facts.push(("aws:userid".to_owned(), entity.id.clone()));
            }
            facts.extend(
                entity
                    .tags
                    .iter()
                    .map(|(key, value)| (format!("aws:PrincipalTag/{key}"), value.clone())),
            );
            Some(())
        });
        facts
    }
}

/// Who is taken to call: who is named, or whose policies these are.
fn caller(cx: &Context, named: Option<String>, source: Option<&Entity>) -> Result<Simulated> {
    let Some(arn) = named else {
        let source = source.filter(|entity| entity.kind() != crate::record::Kind::Group);
        let arn = source.map(|entity| entity.arn(&cx.account)).unwrap_or_default();
        return Ok(Simulated { account: cx.account.to_string(), arn });
    };
    let is_good =
        |resource: &str| ["user/", "role/", "group/"].iter().any(|kind| resource.starts_with(kind));
    match account_and_resource(&arn) {
        Some((account, resource)) if is_good(resource) => {
            Ok(Simulated { account: account.to_owned(), arn })
        }
        _ => Err(error::invalid_arn(&arn)),
    }
}

/// The account of resources whose ARNs have none.
fn owner(given: Option<String>, caller: &Simulated) -> Result<String> {
    let Some(given) = given else { return Ok(caller.account.clone()) };
    // AWS takes the ARN of an account, too.
    let id = account_and_resource(&given).map_or(given.as_str(), |(account, _)| account);
    match id.parse::<AccountId>() {
        Ok(account) => Ok(account.to_string()),
        Err(_) => Err(fault::invalid_input(format!("Invalid resource owner: {given}"))),
    }
}

/// The policies of an entity but for those that are excluded, and its boundary.
fn policies(
    account: &Account,
    id: &AccountId,
    entity: &Entity,
    excluded: &[PolicyIdentifier],
) -> Result<(Vec<Given>, Option<Vec<Given>>)> {
    let identity = held(account, id, entity)
        .filter(|held| !excluded.iter().any(|identifier| excludes(identifier, held)))
        .map(|held| Given::read(held.id(), held.text(), Kind::Identity))
        .collect::<Result<_>>()?;
    let is_bounded = !excluded.iter().any(|identifier| {
        identifier.policy_type == Some(PolicyIdentifierPolicyType::PermissionBoundary)
    });
    let boundary = entity.boundary.as_ref().filter(|_| is_bounded).map(|arn| {
        let policy = managed::find(account, id, arn).into_iter();
        policy
            .map(|policy| Given::read(policy.name.clone(), policy.document(), Kind::Identity))
            .collect()
    });
    Ok((identity, boundary.transpose()?))
}

fn excludes(identifier: &PolicyIdentifier, held: &Held<'_>) -> bool {
    use PolicyIdentifierPolicyType::*;
    match held {
        Held::Inline { holder, name, .. } => {
            let is_it = |inline: &InlinePolicyIdentifier| {
                inline.policy_name == *name
                    && inline.attachment_name == holder.name
                    && inline.attachment_type.as_str() == holder.kind().as_str()
            };
            identifier.policy_type == Some(Inline)
                || identifier.inline_policy_identifier.as_ref().is_some_and(is_it)
        }
        Held::Managed { arn, .. } => {
            let is_awss = arn.starts_with(&format!("arn:aws:iam::{}:", aws_managed::ACCOUNT));
            let kind = if is_awss { AwsManaged } else { UserManaged };
            identifier.policy_type == Some(kind) || identifier.policy_arn.as_deref() == Some(*arn)
        }
    }
}

/// The one boundary that a request may bring.
fn boundary(texts: Option<&[String]>) -> Result<Option<Vec<Given>>> {
    match texts {
        None | Some([]) => Ok(None),
        Some([_]) => Given::list(BOUNDARY, texts.unwrap_or_default()).map(Some),
        Some(_) => Err(fault::invalid_input("A simulation has one permissions boundary at most.")),
    }
}

fn keys(given: &[Given]) -> Vec<String> {
    let mut keys: Vec<String> = Vec::new();
    for key in given.iter().flat_map(Given::context_keys) {
        if !keys.iter().any(|known| known.eq_ignore_ascii_case(key)) {
            keys.push(key.to_owned());
        }
    }
    keys
}
