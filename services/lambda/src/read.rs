// SPDX-License-Identifier: Apache-2.0
//! Reading functions: from memory, always.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::function::Function;
use crate::page::{Marker, Page};
use crate::service::Service;
use crate::version::Version;
use crate::view::{self, ArnForm};
use api::lambda;
use std::ops::ControlFlow;
use std::sync::Arc;
use wire::Context;

/// In a function's ARN without a qualifier.
const UNQUALIFIED_COLONS: usize = 6;

/// A version that a request named, and how it named it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) address: Address,
    pub(crate) function: Arc<Function>,
    pub(crate) version: Arc<Version>,
}

impl Found {
    fn configuration(&self) -> lambda::FunctionConfiguration {
        lambda::FunctionConfiguration {
            function_arn: self.address.arn(),
            ..view::configuration(&self.function.key, &self.version, ArnForm::Unqualified)
        }
    }
}

/// Adds a version to a page, and says whether the page is full.
fn add(
    page: &mut Page<lambda::FunctionConfiguration>,
    function: &Function,
    version: &Version,
    form: ArnForm,
) -> ControlFlow<()> {
    let marker = Marker { name: function.key.name.to_string(), number: version.number };
    page.add(marker, || view::item(&function.key, version, form))
}

impl<I: Invoke> Service<I> {
    /// The same for an invocation: AWS says of a function that is not there that it has no `$LATEST`.
    pub(crate) fn find_invoked(
        &self,
        cx: &Context,
        operation: &'static str,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Found, Error> {
        self.find(cx, operation, name, qualifier).map_err(|error| match error {
            Error::FunctionNotFound { arn } if arn.matches(':').count() == UNQUALIFIED_COLONS => {
                Error::FunctionNotFound { arn: format!("{arn}:$LATEST") }
            }
            error => error,
        })
    }

    pub(crate) fn find(
        &self,
        cx: &Context,
        operation: &'static str,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Found, Error> {
        self.find_address(Address::parse_admitted(cx, operation, name, qualifier)?)
    }

    /// The version that an address leads to.
    pub(crate) fn find_address(&self, address: Address) -> Result<Found, Error> {
        let function = self.table.get(&address.key).ok_or_else(|| address.not_found())?;
        let version = function.find(address.qualifier.as_ref()).cloned();
        let version = version.ok_or_else(|| address.not_found())?;
        Ok(Found { address, function, version })
    }

    pub(crate) fn get(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionInput,
    ) -> Result<lambda::GetFunctionOutput, Error> {
        let found =
            self.find(cx, "GetFunction", &input.function_name, input.qualifier.as_deref())?;
        let tags = &found.function.tags;
        Ok(lambda::GetFunctionOutput {
            configuration: Some(found.configuration()),
            code: Some(self.code_location(cx, &found.version)),
            tags: (!tags.is_empty()).then(|| tags.clone()),
            concurrency: found.function.reserved_concurrency.map(|reserved| lambda::Concurrency {
                reserved_concurrent_executions: Some(view::integer(reserved)),
            }),
            ..lambda::GetFunctionOutput::default()
        })
    }

    fn code_location(&self, cx: &Context, version: &Version) -> lambda::FunctionCodeLocation {
        let record = &version.record;
        if let Some(image) = &record.image {
            return lambda::FunctionCodeLocation {
                repository_type: Some("ECR".to_owned()),
                image_uri: Some(image.uri.clone()),
                resolved_image_uri: Some(image.resolved_uri.clone()),
                ..lambda::FunctionCodeLocation::default()
            };
        }
        let path = format!("/_tinderbox/code/{}", record.code);
        lambda::FunctionCodeLocation {
            repository_type: Some("S3".to_owned()),
            location: Some(self.presign.url(cx, &path)),
            ..lambda::FunctionCodeLocation::default()
        }
    }

    pub(crate) fn get_configuration(
        &self,
        cx: &Context,
        input: &lambda::GetFunctionConfigurationInput,
    ) -> Result<lambda::FunctionConfiguration, Error> {
        let qualifier = input.qualifier.as_deref();
        Ok(self
            .find(cx, "GetFunctionConfiguration", &input.function_name, qualifier)?
            .configuration())
    }

    /// No function here is a replica of another region's: only `ALL` and this region have any.
    pub(crate) fn list(
        &self,
        cx: &Context,
        input: &lambda::ListFunctionsInput,
    ) -> Result<lambda::ListFunctionsOutput, Error> {
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let is_here = input
            .master_region
            .as_deref()
            .is_none_or(|region| region == "ALL" || region == cx.region.as_str());
        if is_here {
            let from = page.from();
            let is_all = input.function_version == Some(lambda::FunctionVersion::All);
            self.table.visit(&cx.account, &cx.region, &from, |function| match is_all {
                true => function
                    .versions()
                    .try_for_each(|version| add(&mut page, function, version, ArnForm::Qualified)),
                false => add(&mut page, function, &function.latest, ArnForm::Unqualified),
            });
        }
        let (next_marker, functions) = page.finish();
        Ok(lambda::ListFunctionsOutput { next_marker, functions })
    }

    pub(crate) fn list_versions(
        &self,
        cx: &Context,
        input: &lambda::ListVersionsByFunctionInput,
    ) -> Result<lambda::ListVersionsByFunctionOutput, Error> {
        let found = self.find(cx, "ListVersionsByFunction", &input.function_name, None)?;
        let mut page = Page::new(input.marker.as_deref(), input.max_items)?;
        let function = &found.function;
        // The break is the page being full, which the page itself remembers.
        let _ = function
            .versions()
            .try_for_each(|version| add(&mut page, function, version, ArnForm::Qualified));
        let (next_marker, versions) = page.finish();
        Ok(lambda::ListVersionsByFunctionOutput { next_marker, versions })
    }

    pub(crate) fn account_settings(&self, cx: &Context) -> lambda::GetAccountSettingsOutput {
        let options = &self.options;
        let usage = self.table.usage(&cx.account, &cx.region);
        let long = |value: u64| Some(view::long(value));
        let layers_bytes = self.layers.code_bytes(&cx.account, &cx.region);
        let unreserved = self.accounts.of(&cx.account, &cx.region).unreserved();
        lambda::GetAccountSettingsOutput {
            account_limit: Some(lambda::AccountLimit {
                total_code_size: long(options.code_bytes_max),
                code_size_unzipped: long(options.package.unzipped_bytes_max),
                code_size_zipped: long(options.package.zipped_bytes_max),
                concurrent_executions: Some(view::integer(options.concurrency_max)),
                unreserved_concurrent_executions: Some(
                    i32::try_from(unreserved).unwrap_or(i32::MAX),
                ),
            }),
            account_usage: Some(lambda::AccountUsage {
                total_code_size: long(usage.code_bytes.saturating_add(layers_bytes)),
                function_count: long(usage.functions as u64),
            }),
        }
    }
}
