// SPDX-License-Identifier: Apache-2.0
//! What decides about a resource beside the caller's policies: its own policy, its tags, and whose it is.

use crate::Invoke;
use crate::function::{Function, Key};
use crate::layer::LayerKey;
use crate::permissions::policy_of;
use crate::registry::Place;
use crate::service::Service;
use names::{AccountId, FunctionArn};
use policy::{Facts, Named, Principal, Request, Sources, evaluate};
use std::sync::Arc;

/// Names a function in condition keys.
const FUNCTION_ARN: &str = "lambda:FunctionArn";

impl<I: Invoke> Service<I> {
    pub(crate) fn attached_policies(&self, arn: &str) -> Vec<Named> {
        let of_function = || {
            let arn: FunctionArn = arn.parse().ok()?;
            let function = self.function_of(&arn)?;
            policy_of(&function, arn.qualifier.as_ref()).map(|policy| policy.named().clone())
        };
        of_function().or_else(|| self.policy_of_layer(arn)).into_iter().collect()
    }

    /// The policy of a layer version: `arn:aws:lambda:us-east-1:000000000000:layer:name:1`.
    fn policy_of_layer(&self, arn: &str) -> Option<Named> {
        let mut parts = arn.strip_prefix("arn:aws:lambda:")?.split(':');
        let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let name = (parts.next()? == "layer").then(|| parts.next())??.to_owned();
        let number = parts.next()?.parse().ok()?;
        let version = self.layers.version(&LayerKey { account, region, name }, number)?;
        version.record.policy.as_ref().map(|policy| policy.named().clone())
    }

    pub(crate) fn tag_of(&self, arn: &str, key: &str) -> Option<String> {
        let function = self.function_of(&arn.parse().ok()?)?;
        let mut tags = function.tags.iter();
        let (_, value) = tags.find(|(known, _)| known.eq_ignore_ascii_case(key))?;
        Some(value.clone())
    }

    /// Of an event source mapping: which function it is for.
    pub(crate) fn fact_of(&self, arn: &str, key: &str) -> Option<String> {
        if !key.eq_ignore_ascii_case(FUNCTION_ARN) {
            return None;
        }
        let mut parts = arn.split(':').skip(3);
        let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let uuid = (parts.next()? == "event-source-mapping").then(|| parts.next())??;
        let mapping = self.mappings.get(&Place { account, region }, uuid)?;
        mapping.function_arn().map(ToOwned::to_owned)
    }

    /// Whether the function's policy allows a principal that brings no policies of its own.
    pub(crate) fn allows(
        &self,
        arn: &str,
        principal: Principal<'_>,
        action: &str,
        facts: &dyn Facts,
    ) -> bool {
        let policies = self.attached_policies(arn);
        let resource_account = arn.split(':').nth(4).unwrap_or_default();
        let request = Request { principal, action, resource: arn, resource_account, facts };
        let sources = Sources { resource: &policies, ..Sources::default() };
        evaluate(&request, &sources).is_allowed()
    }

    /// What there is of the account, if there is anything.
    pub(crate) fn holds(&self, account: &AccountId) -> Option<&'static str> {
        if self.table.has_any_of(account) {
            Some("functions")
        } else if self.layers.has_any_of(account) {
            Some("layers")
        } else if self.mappings.has_any_of(account) {
            Some("event source mappings")
        } else if self.signing.has_any_of(account) {
            Some("code signing configurations")
        } else if self.providers.has_any_of(account) {
            Some("capacity providers")
        } else {
            None
        }
    }

    fn function_of(&self, arn: &FunctionArn) -> Option<Arc<Function>> {
        let FunctionArn { region, account, name, .. } = arn.clone();
        self.table.get(&Key { account, region, name })
    }
}
