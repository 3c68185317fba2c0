// SPDX-License-Identifier: Apache-2.0
//! AssumeRole.
//!
//! Whether a caller that policies bind may assume the role, the dispatch has asked: the role's trust policy is a part of that.
//! What binds root is the trust policy alone, and it is asked here.

use crate::{Service, now_s};
use api::iam::{GetRoleInput, Role, RoleOperations};
use api::sts::{AssumeRoleInput, AssumeRoleOutput, AssumedRoleUser, PolicyDescriptor, fault};
use edge::Session;
use names::AccountId;
use percent_encoding::percent_decode_str;
use policy::{Document, FactList, Kind, Named, Principal, Request, Sources};
use std::sync::Arc;
use wire::{Authority, Context, Fault, Result};

const ACTION: &str = "sts:AssumeRole";
/// An hour: unless the call says otherwise, and at most if a session of a role makes another.
const DURATION_S_DEFAULT: i32 = 3_600;
/// Characters of a policy that is passed.
const POLICY_SIZE_MAX: usize = 2_048;
const POLICY_ARNS_MAX: usize = 10;

impl<R: RoleOperations> Service<R> {
    pub(crate) async fn assume(
        &self,
        cx: &Context,
        input: AssumeRoleInput,
    ) -> Result<AssumeRoleOutput> {
        refuse_what_is_not_built(&input)?;
        let denied = || denied(cx, &input.role_arn);
        let (account, name) = account_and_name(&input.role_arn)
            .ok_or_else(|| Fault::validation(format!("{} is invalid", input.role_arn)))?;
        let of_role =
            Context { account: account.clone(), authority: Authority::Full, ..cx.clone() };
        let asked = GetRoleInput { role_name: name.to_owned() };
        // That there is none is nobody's business.
        let found = self.roles.get_role(&of_role, asked).await.map_err(|_| denied())?;
        let role = found.role;
        if role.arn != input.role_arn {
            return Err(denied());
        }
        if matches!(cx.authority, Authority::Full) && !trusts(&role, cx, &account, &input) {
            return Err(denied());
        }

        let policy_arns = policy_arns(input.policy_arns.unwrap_or_default())?;
        check_policy(input.policy.as_deref())?;
        let issued_at_s = now_s();
        let duration_s = duration_s(cx, &role, input.duration_seconds)?;
        let session_name = input.role_session_name;
        let user = AssumedRoleUser {
            assumed_role_id: format!("{}:{session_name}", role.role_id),
            arn: format!("arn:aws:sts::{account}:assumed-role/{name}/{session_name}"),
        };
        let session = Session {
            account,
            arn: user.arn.clone(),
            user_id: user.assumed_role_id.clone(),
            holder_id: role.role_id,
            issued_at_s,
            expires_at_s: issued_at_s.saturating_add(i64::from(duration_s)),
            policy: input.policy,
            policy_arns,
            tags: input
                .tags
                .unwrap_or_default()
                .into_iter()
                .map(|tag| (tag.key, tag.value))
                .collect(),
        };
        Ok(AssumeRoleOutput {
            credentials: Some(self.issue(session)),
            assumed_role_user: Some(user),
            ..AssumeRoleOutput::default()
        })
    }
}

/// A device, a source identity, a context of another provider: what would have to be looked at, and is not.
fn refuse_what_is_not_built(input: &AssumeRoleInput) -> Result<()> {
    let member = if input.serial_number.is_some() || input.token_code.is_some() {
        "MFA"
    } else if input.source_identity.is_some() {
        "SourceIdentity"
    } else if input.provided_contexts.is_some() {
        "ProvidedContexts"
    } else if input.transitive_tag_keys.as_ref().is_some_and(|keys| !keys.is_empty()) {
        "TransitiveTagKeys"
    } else {
        return Ok(());
    };
    Err(Fault::validation(format!("{member} is not supported by this build of Tinderbox")))
}

/// The account and the name in the ARN of a role.
fn account_and_name(arn: &str) -> Option<(AccountId, &str)> {
    let (account, resource) = arn.strip_prefix("arn:aws:iam::")?.split_once(":role/")?;
    let name = resource.rsplit('/').next().filter(|name| !name.is_empty())?;
    Some((account.parse().ok()?, name))
}

/// As AWS says it, be there such a role or not.
fn denied(cx: &Context, role_arn: &str) -> Fault {
    let caller = &cx.caller.arn;
    Fault::new(
        "AccessDenied",
        403,
        format!("User: {caller} is not authorized to perform: {ACTION} on resource: {role_arn}"),
    )
}

/// Whether the role's trust policy lets the root of the caller's account assume it.
fn trusts(role: &Role, cx: &Context, account: &AccountId, input: &AssumeRoleInput) -> bool {
    let encoded = role.assume_role_policy_document.as_deref().unwrap_or_default();
    let Ok(text) = percent_decode_str(encoded).decode_utf8() else { return false };
    let Ok(document) = Document::parse(&text, Kind::Trust) else { return false };
    let mut facts: FactList =
        [("sts:RoleSessionName", input.role_session_name.as_str())].into_iter().collect();
    if let Some(id) = &input.external_id {
        facts.add("sts:ExternalId", id.as_str());
    }
    facts.add("aws:PrincipalArn", cx.caller.arn.as_str());
    facts.add("aws:PrincipalAccount", cx.account.as_str());
    let request = Request {
        principal: Principal::Root { account: cx.account.as_str() },
        action: ACTION,
        resource: &role.arn,
        resource_account: account.as_str(),
        facts: &facts,
    };
    let trust = [Named { name: "trust policy".into(), document: Arc::new(document) }];
    let sources = Sources { resource: &trust, ..Sources::default() };
    policy::evaluate(&request, &sources).is_allowed()
}

fn policy_arns(given: Vec<PolicyDescriptor>) -> Result<Vec<String>> {
    let arns: Vec<String> = given.into_iter().filter_map(|policy| policy.arn).collect();
    if arns.len() > POLICY_ARNS_MAX {
        return Err(fault::packed_policy_too_large(format!(
            "At most {POLICY_ARNS_MAX} policies can be passed by their ARNs"
        )));
    }
    Ok(arns)
}

fn check_policy(text: Option<&str>) -> Result<()> {
    let Some(text) = text else { return Ok(()) };
    if text.chars().count() > POLICY_SIZE_MAX {
        return Err(fault::packed_policy_too_large(format!(
            "A policy that is passed has at most {POLICY_SIZE_MAX} characters"
        )));
    }
    Document::parse(text, Kind::Identity)
        .map(drop)
        .map_err(|malformed| fault::malformed_policy_document(malformed.to_string()))
}

fn duration_s(cx: &Context, role: &Role, asked: Option<i32>) -> Result<i32> {
    let duration_s = asked.unwrap_or(DURATION_S_DEFAULT);
    let of_role = role.max_session_duration.unwrap_or(DURATION_S_DEFAULT);
    if cx.caller.arn.contains(":assumed-role/") && duration_s > DURATION_S_DEFAULT {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the 1 hour session limit for roles assumed by role chaining",
        ));
    }
    if duration_s > of_role {
        return Err(Fault::validation(
            "The requested DurationSeconds exceeds the MaxSessionDuration set for this role.",
        ));
    }
    Ok(duration_s)
}
