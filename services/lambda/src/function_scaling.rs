// SPDX-License-Identifier: Apache-2.0
//! How many environments a version has on its capacity provider, at least and at most.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::service::Service;
use api::lambda;
use wire::Context;

impl<I: Invoke> Service<I> {
    pub(crate) fn put_scaling(
        &self,
        cx: &Context,
        input: &lambda::PutFunctionScalingConfigInput,
    ) -> Result<lambda::PutFunctionScalingConfigOutput, Error> {
        let operation = "PutFunctionScalingConfig";
        Err(self.unscaled(cx, operation, &input.function_name, &input.qualifier))
    }

    pub(crate) fn get_scaling(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionScalingConfigInput,
    ) -> Result<lambda::GetFunctionScalingConfigOutput, Error> {
        let operation = "GetFunctionScalingConfig";
        Err(self.unscaled(cx, operation, &input.function_name, &input.qualifier))
    }

    /// No function has a capacity provider yet.
    fn unscaled(
        &self,
        cx: &Context,
        operation: &'static str,
        name: &str,
        qualifier: &str,
    ) -> Error {
        let address = match Address::parse(cx, operation, name, Some(qualifier)) {
            Ok(address) => address,
            Err(error) => return error,
        };
        match self.table.get(&address.key) {
            Some(function) if function.find(address.qualifier.as_ref()).is_some() => {
                Error::NoCapacityProvider
            }
            _ => address.not_found(),
        }
    }
}
