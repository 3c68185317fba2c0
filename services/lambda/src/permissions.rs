// SPDX-License-Identifier: Apache-2.0
//! The resource policies of functions, versions and aliases, by statement and by document.
//!
//! Both families of operations see the same policy. Its revision is that of what it is attached to: adding a statement
//! is a new revision of the function, the version or the alias.

use crate::Invoke;
use crate::address::Address;
use crate::alias::Alias;
use crate::error::Error;
use crate::function::Function;
use crate::records::Part;
use crate::resource_policy::{Conditions, Policy, Principal, Statement};
use crate::service::Service;
use crate::version::Version;
use api::lambda;
use names::Qualifier;
use std::sync::Arc;
use wire::Context;

const NO_POLICY: &str = "No policy is associated with the given resource.";

/// What has a policy of its own.
#[derive(Debug)]
enum Holder<'a> {
    /// The function itself, as `$LATEST`, or a version.
    Version(&'a Arc<Version>),
    Alias(&'a str, &'a Arc<Alias>),
}

impl<'a> Holder<'a> {
    fn find(function: &'a Function, qualifier: Option<&'a Qualifier>) -> Option<Self> {
        match qualifier {
            Some(Qualifier::Alias(name)) => {
                function.aliases.get(name).map(|alias| Self::Alias(name, alias))
            }
            _ => function.find(qualifier).map(Self::Version),
        }
    }

    fn policy(&self) -> Option<&'a Policy> {
        match self {
            Self::Version(version) => version.record.policy.as_ref(),
            Self::Alias(_, alias) => alias.policy.as_ref(),
        }
    }

    fn revision_id(&self) -> &'a str {
        match self {
            Self::Version(version) => &version.record.revision_id,
            Self::Alias(_, alias) => &alias.revision_id,
        }
    }

    fn check_revision(&self, asked: Option<&str>) -> Result<(), Error> {
        match asked {
            Some(asked) if asked != self.revision_id() => Err(Error::RevisionMismatch),
            _ => Ok(()),
        }
    }

    /// The function with another policy here, and the part of it that changed.
    fn with_policy(&self, function: &Function, policy: Option<Policy>) -> (Function, Part) {
        match self {
            Self::Version(version) => {
                let mut record = version.record.clone();
                record.policy = policy;
                record.revise();
                let changed = function.with_version(version.with_record(record));
                (changed, Part::Version(version.number))
            }
            Self::Alias(name, alias) => {
                let revision_id = uuid::Uuid::new_v4().to_string();
                let alias = Alias { policy, revision_id, ..Alias::clone(alias) };
                (function.with_alias(name, Some(alias)), Part::Alias((*name).to_owned()))
            }
        }
    }
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn add_permission(
        &self,
        cx: &Context,
        input: lambda::AddPermissionInput,
    ) -> Result<lambda::AddPermissionOutput, Error> {
        let address =
            Address::parse(cx, "AddPermission", &input.function_name, input.qualifier.as_deref())?;
        check_not_latest(&address)?;
        let invalid = || {
            Error::InvalidParameter(
                "The provided principal was invalid. Please check the principal and try again."
                    .to_owned(),
            )
        };
        let principal = Principal::parse(&input.principal).ok_or_else(invalid)?;
        let json = Statement {
            sid: &input.statement_id,
            effect: "Allow",
            principal,
            action: &input.action,
            resource: &address.arn(),
            condition: conditions(&input),
        }
        .json();
        self.change_policy(&address, input.revision_id.as_deref(), missing, |policy| {
            Policy::with(policy, &input.statement_id, json.clone()).map(Some)
        })
        .await?;
        Ok(lambda::AddPermissionOutput { statement: Some(json) })
    }

    pub(crate) async fn remove_permission(
        &self,
        cx: &Context,
        input: lambda::RemovePermissionInput,
    ) -> Result<(), Error> {
        let qualifier = input.qualifier.as_deref();
        let address = Address::parse(cx, "RemovePermission", &input.function_name, qualifier)?;
        check_not_latest(&address)?;
        let missing = |address: &Address| match &address.qualifier {
            None => Error::NotFound(format!("No policy found for: {}", address.arn())),
            Some(_) => missing(address),
        };
        self.change_policy(&address, input.revision_id.as_deref(), missing, |policy| {
            policy
                .ok_or_else(|| Error::NotFound(NO_POLICY.to_owned()))?
                .without(&input.statement_id)
        })
        .await?;
        Ok(())
    }

    pub(crate) fn get_policy(
        &self,
        cx: &Context,
        input: &lambda::GetPolicyInput,
    ) -> Result<lambda::GetPolicyOutput, Error> {
        let address =
            Address::parse(cx, "GetPolicy", &input.function_name, input.qualifier.as_deref())?;
        let (policy, revision_id) = self.policy(&address)?;
        Ok(lambda::GetPolicyOutput { policy: Some(policy), revision_id: Some(revision_id) })
    }

    pub(crate) async fn put_resource_policy(
        &self,
        cx: &Context,
        input: lambda::PutResourcePolicyInput,
    ) -> Result<lambda::PutResourcePolicyOutput, Error> {
        let address = resource(cx, "PutResourcePolicy", &input.resource_arn)?;
        check_not_latest(&address)?;
        let policy = Policy::parse(&input.policy, &address.arn())?;
        let json = policy.json();
        let revision_id = self
            .change_policy(&address, input.revision_id.as_deref(), missing, |_| Ok(Some(policy)))
            .await?;
        Ok(lambda::PutResourcePolicyOutput { policy: Some(json), revision_id: Some(revision_id) })
    }

    pub(crate) fn get_resource_policy(
        &self,
        cx: &Context,
        input: &lambda::GetResourcePolicyInput,
    ) -> Result<lambda::GetResourcePolicyOutput, Error> {
        let address = resource(cx, "GetResourcePolicy", &input.resource_arn)?;
        let (policy, revision_id) = self.policy(&address)?;
        Ok(lambda::GetResourcePolicyOutput { policy: Some(policy), revision_id: Some(revision_id) })
    }

    pub(crate) async fn delete_resource_policy(
        &self,
        cx: &Context,
        input: lambda::DeleteResourcePolicyInput,
    ) -> Result<(), Error> {
        let address = resource(cx, "DeleteResourcePolicy", &input.resource_arn)?;
        check_not_latest(&address)?;
        self.change_policy(
            &address,
            input.revision_id.as_deref(),
            missing,
            |policy| match policy {
                Some(_) => Ok(None),
                None => Err(Error::NotFound(NO_POLICY.to_owned())),
            },
        )
        .await?;
        Ok(())
    }

    /// The policy that is there, and its revision.
    fn policy(&self, address: &Address) -> Result<(String, String), Error> {
        let function = self
            .table
            .get(&address.key)
            .ok_or_else(|| Error::FunctionNotFound { arn: address.key.arn() })?;
        let holder = with_policy(&function, address.qualifier.as_ref());
        let policy = holder
            .and_then(|holder| Some((holder.policy()?.json(), holder.revision_id().to_owned())));
        policy.ok_or_else(Error::nothing_there)
    }

    /// Changes the policy of what `address` names, and answers the new revision.
    async fn change_policy(
        &self,
        address: &Address,
        revision_id: Option<&str>,
        missing: impl FnOnce(&Address) -> Error,
        change: impl FnOnce(Option<Policy>) -> Result<Option<Policy>, Error>,
    ) -> Result<String, Error> {
        let qualifier = address.qualifier.as_ref();
        let lock = self.table.lock(&address.key).await;
        let Some(current) = self.table.get(&address.key) else { return Err(missing(address)) };
        let Some(holder) = Holder::find(&current, qualifier) else { return Err(missing(address)) };
        holder.check_revision(revision_id)?;
        let policy = change(holder.policy().cloned())?;
        let (changed, part) = holder.with_policy(&current, policy);
        self.records.save(&changed, [part]).await?;
        let changed = self.table.put(&lock, changed);
        let revision_id = Holder::find(&changed, qualifier).map(|holder| holder.revision_id());
        Ok(revision_id.unwrap_or_default().to_owned())
    }
}

/// What has no qualifier has the function's own policy; `$LATEST` named as such has none.
fn with_policy<'a>(function: &'a Function, qualifier: Option<&'a Qualifier>) -> Option<Holder<'a>> {
    match qualifier {
        Some(Qualifier::Latest) => None,
        qualifier => Holder::find(function, qualifier),
    }
}

/// The policy that decides about calls of the function by this qualifier.
pub(crate) fn policy_of<'a>(
    function: &'a Function,
    qualifier: Option<&'a Qualifier>,
) -> Option<&'a Policy> {
    with_policy(function, qualifier)?.policy()
}

/// As AWS says that what a policy is for is not there.
fn missing(address: &Address) -> Error {
    match &address.qualifier {
        Some(Qualifier::Alias(_)) => Error::AliasNotFound { arn: address.arn() },
        _ => address.not_found(),
    }
}

fn check_not_latest(address: &Address) -> Result<(), Error> {
    match address.qualifier {
        Some(Qualifier::Latest) => Err(Error::InvalidParameter(
            "We currently do not support adding policies for $LATEST.".to_owned(),
        )),
        _ => Ok(()),
    }
}

/// The function, version or alias with this ARN.
fn resource(cx: &Context, operation: &'static str, arn: &str) -> Result<Address, Error> {
    if arn.split(':').nth(5) != Some("function") {
        return Err(Error::Unsupported {
            member: "A policy on this kind of resource",
            instead: "functions, versions and aliases have policies",
        });
    }
    Address::parse(cx, operation, arn, None)
}

fn conditions(input: &lambda::AddPermissionInput) -> Conditions<'_> {
    let mut conditions = Conditions::default();
    let equals = [
        ("AWS:SourceAccount", input.source_account.as_deref()),
        ("lambda:EventSourceToken", input.event_source_token.as_deref()),
        ("aws:PrincipalOrgID", input.principal_org_id.as_deref()),
        (
            "lambda:FunctionUrlAuthType",
            input.function_url_auth_type.map(lambda::FunctionUrlAuthType::as_str),
        ),
    ];
    let is_given = |(key, value): (&'static str, Option<_>)| Some((key, value?));
    conditions.string_equals.extend(equals.into_iter().filter_map(is_given));
    conditions.arn_like.extend(is_given(("AWS:SourceArn", input.source_arn.as_deref())));
    let via_url = input.invoked_via_function_url.map(|via| if via { "true" } else { "false" });
    conditions.bool.extend(is_given(("lambda:InvokedViaFunctionUrl", via_url)));
    conditions
}
