// SPDX-License-Identifier: Apache-2.0
//! The policies of layer versions: who else may use one. Whether they may, the edge decides.

use crate::Invoke;
use crate::error::Error;
use crate::layer::{Layer, LayerKey, LayerVersion, LayerVersionRecord};
use crate::layers::number_of;
use crate::resource_policy::{Conditions, Policy, Principal, Statement};
use crate::service::Service;
use api::lambda;
use std::sync::Arc;
use wire::Context;

impl<I: Invoke> Service<I> {
    pub(crate) async fn add_layer_permission(
        &self,
        cx: &Context,
        input: lambda::AddLayerVersionPermissionInput,
    ) -> Result<lambda::AddLayerVersionPermissionOutput, Error> {
        let number = number_of(input.version_number)?;
        let key = self.layer_key(cx, "AddLayerVersionPermission", &input.layer_name)?;
        let principal = Principal::parse(&input.principal).ok_or_else(|| {
            Error::InvalidParameter(
                "The provided principal was invalid. Please check the principal and try again."
                    .to_owned(),
            )
        })?;
        let mut condition = Conditions::default();
        if let Some(organization) = &input.organization_id {
            condition.string_equals.insert("aws:PrincipalOrgID", organization);
        }
        let json = Statement {
            sid: &input.statement_id,
            effect: "Allow",
            principal,
            action: &input.action,
            resource: &key.version_arn(number),
            condition,
        }
        .json();
        let revision_id = self
            .change_layer_policy(&key, number, input.revision_id.as_deref(), |policy| {
                Policy::with(policy, &input.statement_id, json.clone()).map(Some)
            })
            .await?;
        Ok(lambda::AddLayerVersionPermissionOutput {
            statement: Some(json),
            revision_id: Some(revision_id),
        })
    }

    pub(crate) async fn remove_layer_permission(
        &self,
        cx: &Context,
        input: lambda::RemoveLayerVersionPermissionInput,
    ) -> Result<(), Error> {
        let number = number_of(input.version_number)?;
        let key = self.layer_key(cx, "RemoveLayerVersionPermission", &input.layer_name)?;
        self.change_layer_policy(&key, number, input.revision_id.as_deref(), |policy| {
            policy.ok_or_else(no_policy)?.without(&input.statement_id)
        })
        .await?;
        Ok(())
    }

    pub(crate) fn layer_policy(
        &self,
        cx: &Context,
        input: &lambda::GetLayerVersionPolicyInput,
    ) -> Result<lambda::GetLayerVersionPolicyOutput, Error> {
        let number = number_of(input.version_number)?;
        let key = self.layer_key(cx, "GetLayerVersionPolicy", &input.layer_name)?;
        let version = self.layers.version(&key, number).ok_or_else(|| missing(&key, number))?;
        let policy = version.record.policy.as_ref().ok_or_else(no_policy)?;
        Ok(lambda::GetLayerVersionPolicyOutput {
            policy: Some(policy.json()),
            revision_id: Some(version.record.revision_id.clone()),
        })
    }

    /// Changes the policy of a version, and answers the policy's new revision.
    async fn change_layer_policy(
        &self,
        key: &LayerKey,
        number: u64,
        revision_id: Option<&str>,
        change: impl FnOnce(Option<Policy>) -> Result<Option<Policy>, Error>,
    ) -> Result<String, Error> {
        let lock = self.layers.lock().await;
        let layer = self.layers.get(key).ok_or_else(|| missing(key, number))?;
        let version = layer.versions.get(&number).ok_or_else(|| missing(key, number))?;
        if revision_id.is_some_and(|revision_id| revision_id != version.record.revision_id) {
            return Err(Error::LayerRevisionMismatch);
        }
        let record = LayerVersionRecord {
            policy: change(version.record.policy.clone())?,
            revision_id: uuid::Uuid::new_v4().to_string(),
            ..version.record.clone()
        };
        let revision_id = record.revision_id.clone();
        let mut changed = Layer::clone(&layer);
        let version = LayerVersion { number, record, code: version.code.clone() };
        changed.versions.insert(number, Arc::new(version));
        self.layers.put(&lock, key, changed, number).await?;
        Ok(revision_id)
    }
}

fn missing(key: &LayerKey, number: u64) -> Error {
    Error::NotFound(format!("Layer version {} does not exist.", key.version_arn(number)))
}

fn no_policy() -> Error {
    Error::NotFound("No policy is associated with the given resource.".to_owned())
}
