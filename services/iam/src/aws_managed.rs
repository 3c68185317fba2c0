// SPDX-License-Identifier: Apache-2.0
//! The policies that AWS manages, of those that users of Lambda attach.
//!
//! Their documents are AWS's, each as of the version that is named, except that of `ReadOnlyAccess`, which is shortened to the
//! services that users of Lambda meet. README.md says where they come from.

use crate::record::{ManagedPolicy, Version};
use std::collections::BTreeMap;
use std::sync::{Arc, LazyLock};
use wire::Timestamp;

/// What stands in an ARN where the account would.
pub(crate) const ACCOUNT: &str = "aws";

struct Published {
    name: &'static str,
    path: &'static str,
    version: u32,
    created: &'static str,
    updated: &'static str,
    document: &'static str,
}

macro_rules! published {
    ($($path:literal $name:literal v $version:literal $created:literal $updated:literal;)*) => {
        &[$(Published {
            name: $name,
            path: $path,
            version: $version,
            created: $created,
            updated: $updated,
            document: include_str!(concat!("../aws-managed/", $name, ".json")),
        }),*]
    };
}

/// Path, name, version, and the days when the policy and this version of it were made.
const PUBLISHED: &[Published] = published! {
    "/service-role/" "AWSLambdaBasicExecutionRole" v 1 "2015-04-09" "2015-04-09";
    "/service-role/" "AWSLambdaDynamoDBExecutionRole" v 1 "2015-04-09" "2015-04-09";
    "/service-role/" "AWSLambdaKinesisExecutionRole" v 2 "2015-04-09" "2018-11-19";
    "/service-role/" "AWSLambdaMSKExecutionRole" v 2 "2020-08-11" "2022-08-02";
    "/service-role/" "AWSLambdaRole" v 1 "2015-02-06" "2015-02-06";
    "/service-role/" "AWSLambdaSQSQueueExecutionRole" v 1 "2018-06-14" "2018-06-14";
    "/service-role/" "AWSLambdaVPCAccessExecutionRole" v 3 "2016-02-11" "2024-01-05";
    "/" "AWSLambdaInvocation-DynamoDB" v 1 "2015-02-06" "2015-02-06";
    "/" "AWSLambda_FullAccess" v 5 "2020-11-17" "2026-02-11";
    "/" "AWSLambda_ReadOnlyAccess" v 2 "2020-11-17" "2023-07-27";
    "/" "AWSXRayDaemonWriteAccess" v 2 "2018-08-28" "2024-02-13";
    "/" "AdministratorAccess" v 1 "2015-02-06" "2015-02-06";
    "/" "AmazonS3FullAccess" v 2 "2015-02-06" "2021-09-27";
    "/" "AmazonS3ReadOnlyAccess" v 3 "2015-02-06" "2023-08-10";
    "/" "AmazonSNSFullAccess" v 1 "2015-02-06" "2015-02-06";
    "/" "AmazonSQSFullAccess" v 1 "2015-02-06" "2015-02-06";
    "/" "CloudWatchLogsFullAccess" v 3 "2015-02-06" "2025-05-20";
    "/" "CloudWatchLogsReadOnlyAccess" v 6 "2015-02-06" "2023-11-26";
    "/" "IAMFullAccess" v 2 "2015-02-06" "2019-06-21";
    "/" "IAMReadOnlyAccess" v 4 "2015-02-06" "2018-01-25";
    "/" "PowerUserAccess" v 12 "2015-02-06" "2026-02-12";
    "/" "ReadOnlyAccess" v 1 "2015-02-06" "2015-02-06";
};

/// By the path and name that end their ARNs.
static POLICIES: LazyLock<BTreeMap<String, Arc<ManagedPolicy>>> = LazyLock::new(|| {
    PUBLISHED.iter().map(|published| (key(published), Arc::new(policy(published)))).collect()
});

/// `service-role/AWSLambdaRole`
fn key(published: &Published) -> String {
    format!("{}{}", published.path.trim_start_matches('/'), published.name)
}

fn policy(published: &Published) -> ManagedPolicy {
    let day = |text| Timestamp::parse(&format!("{text}T00:00:00Z")).expect("each is a day");
    let version =
        Version { document: published.document.to_owned(), created: day(published.updated) };
    ManagedPolicy {
        name: published.name.to_owned(),
        path: published.path.to_owned(),
        id: id(published.name),
        description: None,
        created: day(published.created),
        updated: day(published.updated),
        tags: BTreeMap::new(),
        default_version: published.version,
        last_version: published.version,
        versions: BTreeMap::from([(published.version, version)]),
    }
}

/// The same at every start. AWS's own are not known for all of them.
fn id(name: &str) -> String {
    const LETTERS: &[u8; 32] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZ234567";
    // FNV-1a, a letter for each five bits.
    let hash = name.bytes().fold(0x6c62_272e_07bb_0142_62b8_2175_6295_c58d_u128, |hash, byte| {
        (hash ^ u128::from(byte)).wrapping_mul(0x0000_0000_0100_0000_0000_0000_0000_013b)
    });
    let letter = |place: u32| {
        let bits = usize::try_from((hash >> (5 * place)) & 31).unwrap_or_default();
        LETTERS.get(bits).copied().map(char::from)
    };
    format!("ANPA{}", (0..17).filter_map(letter).collect::<String>())
}

/// The policy that `path_and_name` names.
pub(crate) fn find(path_and_name: &str) -> Option<&'static Arc<ManagedPolicy>> {
    POLICIES.get(path_and_name)
}

/// All, in the order of their paths and names.
pub(crate) fn all() -> impl Iterator<Item = &'static Arc<ManagedPolicy>> {
    POLICIES.values()
}
