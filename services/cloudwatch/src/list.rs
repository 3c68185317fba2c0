// SPDX-License-Identifier: Apache-2.0
//! ListMetrics.

use crate::CloudWatch;
use crate::series::{DAY_S, MetricKey, Place};
use api::cloudwatch::{DimensionFilter, ListMetricsInput, ListMetricsOutput, fault};
use wire::{Context, Result};

/// Metrics in one answer.
const PAGE: usize = 500;
/// Metrics without a value in this time are not listed.
const LISTED_S: u64 = 14 * DAY_S;
const RECENT_S: u64 = 3 * 3_600;

impl CloudWatch {
    pub(crate) async fn list(
        &self,
        cx: &Context,
        input: ListMetricsInput,
    ) -> Result<ListMetricsOutput> {
        if input.include_linked_accounts == Some(true) {
            return Err(fault::invalid_parameter_value(
                "IncludeLinkedAccounts is not available in this build of Tinderbox",
            ));
        }
        let age_max_s = if input.recently_active.is_some() { RECENT_S } else { LISTED_S };
        let since_s = self.now_s().saturating_sub(age_max_s);
        let place = Place { account: cx.account.clone(), region: cx.region.clone() };
        let filters = input.dimensions.as_deref().unwrap_or_default();
        let fits = |metric: &MetricKey| {
            input.namespace.as_deref().is_none_or(|wanted| *metric.namespace == *wanted)
                && input.metric_name.as_deref().is_none_or(|wanted| *metric.name == *wanted)
                && filters.iter().all(|filter| has(metric, filter))
        };
        let after = input.next_token.as_deref().map(|token| decode(token, &place)).transpose()?;
        let table = self.0.metrics.table().await.map_err(crate::internal)?;
        let mut metrics = Vec::new();
        let mut last: Option<&MetricKey> = after.as_ref();
        let mut has_more = false;
        for (key, series) in table.of_place(&place, after.as_ref()) {
            // The units of a metric follow each other.
            if last == Some(&key.metric) || series.last_s < since_s || !fits(&key.metric) {
                continue;
            }
            if metrics.len() == PAGE {
                has_more = true;
                break;
            }
            metrics.push(key.metric.view());
            last = Some(&key.metric);
        }
        let next_token = last.filter(|_| has_more).map(encode);
        Ok(ListMetricsOutput { metrics: Some(metrics), next_token, owning_accounts: None })
    }
}

fn has(metric: &MetricKey, filter: &DimensionFilter) -> bool {
    metric.dimensions.iter().any(|(name, value)| {
        **name == *filter.name && filter.value.as_deref().is_none_or(|wanted| **value == *wanted)
    })
}

/// Where a page ended: the last metric of it, as JSON.
fn encode(metric: &MetricKey) -> String {
    let MetricKey { namespace, name, dimensions, .. } = metric;
    serde_json::json!([namespace, name, dimensions]).to_string()
}

fn decode(token: &str, place: &Place) -> Result<MetricKey> {
    type Parts = (Box<str>, Box<str>, Vec<(Box<str>, Box<str>)>);
    let (namespace, name, dimensions): Parts = serde_json::from_str(token)
        .map_err(|_| fault::invalid_parameter_value("Request parameter NextToken is invalid"))?;
    Ok(MetricKey { place: place.clone(), namespace, name, dimensions })
}
