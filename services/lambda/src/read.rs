// SPDX-License-Identifier: Apache-2.0
//! Reading functions: from memory, always.

use crate::Invoke;
use crate::address::Address;
use crate::error::Error;
use crate::function::Function;
use crate::service::Service;
use crate::version::{Number, Version};
use crate::view::{self, ArnForm};
use api::lambda;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use std::ops::ControlFlow;
use std::sync::Arc;
use wire::Context;

/// AWS gives no longer page, whatever is asked for.
const PAGE_MAX: usize = 50;

/// A version that a request named, and how it named it.
#[derive(Debug)]
pub(crate) struct Found {
    pub(crate) address: Address,
    pub(crate) function: Arc<Function>,
    pub(crate) version: Arc<Version>,
}

impl Found {
    fn configuration(&self) -> lambda::FunctionConfiguration {
        let form = if self.address.qualifier.is_some() {
            ArnForm::Qualified
        } else {
            ArnForm::Unqualified
        };
        view::configuration(&self.function.key, &self.version, form)
    }
}

/// The item a page ended with.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
struct Marker {
    name: String,
    number: Number,
}

impl Marker {
    fn encode(&self) -> String {
        URL_SAFE_NO_PAD.encode(format!("{}:{}", self.name, self.number))
    }

    fn decode(text: &str) -> Option<Self> {
        let text = String::from_utf8(URL_SAFE_NO_PAD.decode(text).ok()?).ok()?;
        let (name, number) = text.split_once(':')?;
        let number = if number == "$LATEST" {
            Number::Latest
        } else {
            Number::Published(number.parse().ok()?)
        };
        Some(Self { name: name.to_owned(), number })
    }
}

/// One page of versions.
struct Page {
    after: Option<Marker>,
    length_max: usize,
    items: Vec<lambda::FunctionConfiguration>,
    last: Option<Marker>,
    has_more: bool,
}

impl Page {
    fn new(marker: Option<&str>, max_items: Option<i32>) -> Result<Self, Error> {
        let after = match marker.filter(|marker| !marker.is_empty()) {
            Some(text) => {
                let invalid = || {
                    Error::InvalidParameter(
                        "The Marker is not one that this operation answered.".to_owned(),
                    )
                };
                Some(Marker::decode(text).ok_or_else(invalid)?)
            }
            None => None,
        };
        let asked = max_items.and_then(|items| usize::try_from(items).ok()).unwrap_or(PAGE_MAX);
        let length_max = asked.clamp(1, PAGE_MAX);
        Ok(Self { after, length_max, items: Vec::new(), last: None, has_more: false })
    }

    fn add(&mut self, function: &Function, version: &Version, form: ArnForm) -> ControlFlow<()> {
        let marker = Marker { name: function.key.name.to_string(), number: version.number };
        if self.after.as_ref().is_some_and(|after| marker <= *after) {
            return ControlFlow::Continue(());
        }
        if self.items.len() >= self.length_max {
            self.has_more = true;
            return ControlFlow::Break(());
        }
        self.items.push(view::item(&function.key, version, form));
        self.last = Some(marker);
        ControlFlow::Continue(())
    }

    fn next_marker(&self) -> Option<String> {
        self.last.as_ref().filter(|_| self.has_more).map(Marker::encode)
    }
}

impl<I: Invoke> Service<I> {
    pub(crate) fn find(
        &self,
        cx: &Context,
        operation: &'static str,
        name: &str,
        qualifier: Option<&str>,
    ) -> Result<Found, Error> {
        let address = Address::parse(cx, operation, name, qualifier)?;
        let function = self.table.get(&address.key).ok_or_else(|| address.not_found())?;
        let version = address.number().and_then(|number| function.version(number)).cloned();
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
        let path = format!("/_tinderbox/code/{}", found.version.record.code);
        let tags = &found.function.tags;
        Ok(lambda::GetFunctionOutput {
            configuration: Some(found.configuration()),
            code: Some(lambda::FunctionCodeLocation {
                repository_type: Some("S3".to_owned()),
                location: Some(self.presign.url(cx, &path)),
                ..lambda::FunctionCodeLocation::default()
            }),
            tags: (!tags.is_empty()).then(|| tags.clone()),
            ..lambda::GetFunctionOutput::default()
        })
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
            let from = page.after.as_ref().map_or_else(String::new, |after| after.name.clone());
            let is_all = input.function_version == Some(lambda::FunctionVersion::All);
            self.table.visit(&cx.account, &cx.region, &from, |function| match is_all {
                true => function
                    .versions()
                    .try_for_each(|version| page.add(function, version, ArnForm::Qualified)),
                false => page.add(function, &function.latest, ArnForm::Unqualified),
            });
        }
        Ok(lambda::ListFunctionsOutput { next_marker: page.next_marker(), functions: page.items })
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
            .try_for_each(|version| page.add(function, version, ArnForm::Qualified));
        Ok(lambda::ListVersionsByFunctionOutput {
            next_marker: page.next_marker(),
            versions: page.items,
        })
    }

    pub(crate) fn account_settings(&self, cx: &Context) -> lambda::GetAccountSettingsOutput {
        let options = &self.options;
        let usage = self.table.usage(&cx.account, &cx.region);
        let long = |value: u64| Some(i64::try_from(value).unwrap_or(i64::MAX));
        let concurrency = Some(i32::try_from(options.concurrency_max).unwrap_or(i32::MAX));
        lambda::GetAccountSettingsOutput {
            account_limit: Some(lambda::AccountLimit {
                total_code_size: long(options.code_bytes_max),
                code_size_unzipped: long(options.package.unzipped_bytes_max),
                code_size_zipped: long(options.package.zipped_bytes_max),
                concurrent_executions: concurrency,
                unreserved_concurrent_executions: concurrency,
            }),
            account_usage: Some(lambda::AccountUsage {
                total_code_size: long(usage.code_bytes),
                function_count: long(usage.functions as u64),
            }),
        }
    }
}
