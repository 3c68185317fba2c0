// SPDX-License-Identifier: Apache-2.0
//! How schedules and their groups are named.

use names::{AccountId, Region};
use wire::Context;

pub(crate) const DEFAULT_GROUP: &str = "default";

/// Which group.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct GroupKey {
    pub(crate) account: AccountId,
    pub(crate) region: Region,
    pub(crate) name: String,
}

/// Which schedule. In the order of their groups, and of their names in these.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct ScheduleKey {
    pub(crate) group: GroupKey,
    pub(crate) name: String,
}

impl GroupKey {
    pub(crate) fn new(cx: &Context, name: impl Into<String>) -> Self {
        Self { account: cx.account.clone(), region: cx.region.clone(), name: name.into() }
    }

    pub(crate) fn arn(&self) -> String {
        format!("arn:aws:scheduler:{}:{}:schedule-group/{}", self.region, self.account, self.name)
    }

    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.strip_prefix("arn:aws:scheduler:")?.splitn(3, ':');
        let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let name = parts.next()?.strip_prefix("schedule-group/")?.to_owned();
        Some(Self { account, region, name })
    }

    /// The name of its record. Names have no slashes.
    pub(crate) fn text(&self) -> String {
        format!("{}/{}/{}", self.account, self.region, self.name)
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let mut parts = text.splitn(3, '/');
        let (account, region) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        Some(Self { account, region, name: parts.next()?.to_owned() })
    }
}

impl ScheduleKey {
    pub(crate) fn new(cx: &Context, group: Option<&str>, name: impl Into<String>) -> Self {
        Self { group: GroupKey::new(cx, group.unwrap_or(DEFAULT_GROUP)), name: name.into() }
    }

    pub(crate) fn arn(&self) -> String {
        let GroupKey { account, region, name: group } = &self.group;
        format!("arn:aws:scheduler:{region}:{account}:schedule/{group}/{}", self.name)
    }

    pub(crate) fn of_arn(arn: &str) -> Option<Self> {
        let mut parts = arn.strip_prefix("arn:aws:scheduler:")?.splitn(3, ':');
        let (region, account) = (parts.next()?.parse().ok()?, parts.next()?.parse().ok()?);
        let (name, schedule) = parts.next()?.strip_prefix("schedule/")?.split_once('/')?;
        let group = GroupKey { account, region, name: name.to_owned() };
        Some(Self { group, name: schedule.to_owned() })
    }

    pub(crate) fn text(&self) -> String {
        format!("{}/{}", self.group.text(), self.name)
    }

    pub(crate) fn of_text(text: &str) -> Option<Self> {
        let (group, name) = text.rsplit_once('/')?;
        Some(Self { group: GroupKey::of_text(group)?, name: name.to_owned() })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_records_and_arns_are_read_as_they_are_written() {
        let key = ScheduleKey::of_text("123456789012/eu-west-1/nightly/re.port-1").unwrap();
        assert_eq!(key.text(), "123456789012/eu-west-1/nightly/re.port-1");
        assert_eq!(ScheduleKey::of_arn(&key.arn()).as_ref(), Some(&key));
        assert_eq!(
            key.arn(),
            "arn:aws:scheduler:eu-west-1:123456789012:schedule/nightly/re.port-1"
        );
        assert_eq!(GroupKey::of_arn(&key.group.arn()), Some(key.group));
        assert_eq!(GroupKey::of_arn("arn:aws:scheduler:eu-west-1:123456789012:schedule/a/b"), None);
        assert_eq!(ScheduleKey::of_text("123456789012/eu-west-1/nightly"), None);
    }
}
