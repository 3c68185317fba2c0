// SPDX-License-Identifier: Apache-2.0
//! By which rules SDKs sample outside of functions: AWS's default one, which every account has. Pure.

use api::xray::{
    GetSamplingRulesOutput, GetSamplingTargetsInput, GetSamplingTargetsOutput, SamplingRule,
    SamplingRuleRecord, SamplingTargetDocument, UnprocessedStatistics,
};
use wire::Timestamp;

const DEFAULT: &str = "Default";
/// A request each second,
const RESERVOIR: i32 = 1;
/// and 5 % of the others.
const RATE: f64 = 0.05;
/// Seconds after which an SDK asks again.
const INTERVAL_S: i32 = 10;
const QUOTA_MS: i64 = 5 * 60 * 1_000;
/// The rule was never changed.
const MADE: Timestamp = Timestamp::from_epoch_ms(0);

pub(crate) fn rules() -> GetSamplingRulesOutput {
    let any = || "*".to_owned();
    let rule = SamplingRule {
        rule_name: Some(DEFAULT.to_owned()),
        rule_arn: None,
        resource_arn: any(),
        priority: 10_000,
        fixed_rate: RATE,
        reservoir_size: RESERVOIR,
        service_name: any(),
        service_type: any(),
        host: any(),
        http_method: any(),
        url_path: any(),
        version: 1,
        attributes: Some(Default::default()),
        sampling_rate_boost: None,
    };
    let record = SamplingRuleRecord {
        sampling_rule: Some(rule),
        created_at: Some(MADE),
        modified_at: Some(MADE),
    };
    GetSamplingRulesOutput { sampling_rule_records: Some(vec![record]), next_token: None }
}

pub(crate) fn targets(input: &GetSamplingTargetsInput, now: Timestamp) -> GetSamplingTargetsOutput {
    let (mut targets, mut unprocessed) = (Vec::new(), Vec::new());
    for statistics in &input.sampling_statistics_documents {
        if statistics.rule_name != DEFAULT {
            unprocessed.push(UnprocessedStatistics {
                rule_name: Some(statistics.rule_name.clone()),
                error_code: Some("400".to_owned()),
                message: Some("Unknown rule".to_owned()),
            });
            continue;
        }
        targets.push(SamplingTargetDocument {
            rule_name: Some(DEFAULT.to_owned()),
            fixed_rate: Some(RATE),
            reservoir_quota: Some(RESERVOIR),
            reservoir_quota_ttl: Some(Timestamp::from_epoch_ms(now.epoch_ms() + QUOTA_MS)),
            interval: Some(INTERVAL_S),
            sampling_boost: None,
        });
    }
    GetSamplingTargetsOutput {
        sampling_target_documents: Some(targets),
        last_rule_modification: Some(MADE),
        unprocessed_statistics: Some(unprocessed),
        unprocessed_boost_statistics: None,
    }
}
