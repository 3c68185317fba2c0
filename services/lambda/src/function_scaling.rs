// SPDX-License-Identifier: Apache-2.0
//! How many environments a version has on its capacity provider, at least and at most.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::function::Function;
use crate::service::Service;
use crate::tasks;
use crate::version::{Number, State, Version};
use api::lambda;
use serde::{Deserialize, Serialize};
use std::sync::Arc;
use wire::Context;

/// What AWS starts unless it is told otherwise.
const MIN_DEFAULT: u32 = 3;

/// A record: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct ScalingBounds {
    min: Option<u32>,
    max: Option<u32>,
}

/// What was asked for last, and what held before it. A record: a new member needs `#[serde(default)]`.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Scaling {
    requested: ScalingBounds,
    before: ScalingBounds,
}

impl Scaling {
    pub(crate) fn requested(self) -> ScalingBounds {
        self.requested
    }
}

impl ScalingBounds {
    pub(crate) fn min(self) -> usize {
        let min = self.min.unwrap_or(MIN_DEFAULT).min(self.max.unwrap_or(u32::MAX));
        usize::try_from(min).unwrap_or(usize::MAX)
    }

    /// Unless it is said, as many as the provider and the machine have room for.
    pub(crate) fn max(self) -> usize {
        self.max.map_or(usize::MAX, |max| usize::try_from(max).unwrap_or(usize::MAX))
    }

    /// No environments at all: the version is switched off.
    fn is_off(self) -> bool {
        self.max == Some(0)
    }

    fn view(self) -> Option<lambda::FunctionScalingConfig> {
        let count = |count: Option<u32>| count.and_then(|count| i32::try_from(count).ok());
        (self != Self::default()).then(|| lambda::FunctionScalingConfig {
            min_execution_environments: count(self.min),
            max_execution_environments: count(self.max),
        })
    }

    fn read(config: Option<lambda::FunctionScalingConfig>) -> Result<Self, Error> {
        let config = config.unwrap_or_default();
        let count = |count: Option<i32>| count.and_then(|count| u32::try_from(count).ok());
        let (min, max) =
            (count(config.min_execution_environments), count(config.max_execution_environments));
        if let (Some(min), Some(max)) = (min, max)
            && min > max
        {
            return Err(Error::InvalidParameter(format!(
                "MinExecutionEnvironments ({min}) must not be greater than MaxExecutionEnvironments ({max})."
            )));
        }
        Ok(Self { min, max })
    }
}

impl<I: Invoke> Service<I> {
    pub(crate) async fn put_scaling(
        self: &Arc<Self>,
        cx: &Context,
        input: lambda::PutFunctionScalingConfigInput,
    ) -> Result<lambda::PutFunctionScalingConfigOutput, Error> {
        const OPERATION: &str = "PutFunctionScalingConfig";
        let requested = ScalingBounds::read(input.function_scaling_config)?;
        let address = Address::parse(cx, OPERATION, &input.function_name, Some(&input.qualifier))?;
        let lock = self.table.lock(&address.key).await;
        let (current, version) = self.scaled(&address)?;
        if let State::Failed(_) = version.record.state {
            return Err(Error::WrongState { state: "Failed" });
        }
        let before = self.applied(&current, &version);
        let number = version.number;
        let mut record = version.record.clone();
        let state = match (requested.is_off(), &record.state) {
            (true, _) => {
                (record.state, record.update) = (State::Deactivated, None);
                lambda::State::Deactivating
            }
            (false, State::Deactivated) => {
                (record.state, record.update) = (State::Pending, None);
                lambda::State::Pending
            }
            (false, State::Pending) => lambda::State::Pending,
            (false, State::Active | State::Failed(_)) => lambda::State::Active,
        };
        record.revise();
        let mut changed = current.with_version(version.with_record(record));
        changed.scaling.insert(number.to_string(), Scaling { requested, before });
        self.records.save(&changed, &[number]).await?;
        let changed = self.table.put(&lock, changed);
        drop(lock);
        self.manage(&changed);
        if state == lambda::State::Pending {
            tasks::background(Arc::clone(self).settle(address.key, None));
        }
        Ok(lambda::PutFunctionScalingConfigOutput { function_state: Some(state) })
    }

    pub(crate) fn get_scaling(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionScalingConfigInput,
    ) -> Result<lambda::GetFunctionScalingConfigOutput, Error> {
        const OPERATION: &str = "GetFunctionScalingConfig";
        let address = Address::parse(cx, OPERATION, &input.function_name, Some(&input.qualifier))?;
        let (function, version) = self.scaled(&address)?;
        let requested = function.scaling(version.number).requested;
        Ok(lambda::GetFunctionScalingConfigOutput {
            function_arn: Some(address.arn()),
            applied_function_scaling_config: self.applied(&function, &version).view(),
            requested_function_scaling_config: requested.view(),
        })
    }

    fn scaled(&self, address: &Address) -> Result<(Arc<Function>, Arc<Version>), Error> {
        let function = self.table.get(&address.key).ok_or_else(|| address.not_found())?;
        let version = function.find(address.qualifier.as_ref()).cloned();
        let version = version.ok_or_else(|| address.not_found())?;
        match version.is_managed() {
            true => Ok((function, version)),
            false => Err(Error::NoCapacityProvider),
        }
    }

    /// What holds: what was asked for, once there are as many environments as it says.
    fn applied(&self, function: &Function, version: &Version) -> ScalingBounds {
        let Scaling { requested, before } = function.scaling(version.number);
        let (min, max) = (requested.min(), requested.max());
        let progress = self.invoker.managed(version.deployment());
        let is_met = match progress {
            Some(progress) => (min..=max).contains(&progress.available),
            None => requested.is_off(),
        };
        if is_met { requested } else { before }
    }
}

impl Function {
    pub(crate) fn scaling(&self, number: Number) -> Scaling {
        self.scaling.get(&number.to_string()).copied().unwrap_or_default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(min: Option<i32>, max: Option<i32>) -> Result<ScalingBounds, Error> {
        ScalingBounds::read(Some(lambda::FunctionScalingConfig {
            min_execution_environments: min,
            max_execution_environments: max,
        }))
    }

    #[test]
    fn there_are_three_unless_somebody_says_otherwise() {
        let bounds = |min, max| {
            let bounds = read(min, max).unwrap();
            (bounds.min(), bounds.max(), bounds.is_off())
        };
        assert_eq!(bounds(None, None), (3, usize::MAX, false));
        assert_eq!(bounds(None, Some(2)), (2, 2, false));
        assert_eq!(bounds(Some(5), None), (5, usize::MAX, false));
        assert_eq!(bounds(Some(0), Some(0)), (0, 0, true));
        assert!(read(Some(2), Some(1)).is_err());
        assert_eq!(ScalingBounds::read(None).unwrap().view(), None);
    }
}
