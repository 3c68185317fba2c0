// SPDX-License-Identifier: Apache-2.0
//! What is kept of accounts, users, groups, roles and managed policies.

use names::AccountId;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;
use wire::Timestamp;

/// What has policies.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Kind {
    User,
    Group,
    Role,
}

impl Kind {
    /// As ARNs and keys spell it.
    pub(crate) const fn as_str(self) -> &'static str {
        match self {
            Self::User => "user",
            Self::Group => "group",
            Self::Role => "role",
        }
    }

    /// As AWS's messages begin with it.
    pub(crate) const fn title(self) -> &'static str {
        match self {
            Self::User => "User",
            Self::Group => "Group",
            Self::Role => "Role",
        }
    }

    pub(crate) const fn id_prefix(self) -> &'static str {
        match self {
            Self::User => "AIDA",
            Self::Group => "AGPA",
            Self::Role => "AROA",
        }
    }
}

impl fmt::Display for Kind {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.as_str())
    }
}

/// A user, a group or a role.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Entity {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) created: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
    /// Documents of inline policies, by name.
    pub(crate) inline: BTreeMap<String, String>,
    /// ARNs of managed policies.
    pub(crate) attached: BTreeSet<String>,
    /// The ARN of the permissions boundary.
    pub(crate) boundary: Option<String>,
    pub(crate) part: Part,
}

/// What only users, or only roles, have.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) enum Part {
    User(UserPart),
    Group,
    Role(RolePart),
}

#[derive(Debug, Clone, Default, Serialize, Deserialize)]
pub(crate) struct UserPart {
    /// Names of groups, in lower case.
    pub(crate) groups: BTreeSet<String>,
    pub(crate) access_keys: BTreeMap<String, KeyRecord>,
}

/// How long a role's sessions last at most, unless it says so: an hour.
pub(crate) const SESSION_SECONDS_DEFAULT: i32 = 3_600;

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct RolePart {
    pub(crate) trust: String,
    pub(crate) description: Option<String>,
    pub(crate) session_seconds_max: i32,
}

/// An access key, by its id.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct KeyRecord {
    pub(crate) created: Timestamp,
    pub(crate) is_active: bool,
    /// The secret, sealed for the key's id, in base64.
    pub(crate) sealed_secret: String,
}

impl Entity {
    pub(crate) const fn kind(&self) -> Kind {
        match self.part {
            Part::User(_) => Kind::User,
            Part::Group => Kind::Group,
            Part::Role(_) => Kind::Role,
        }
    }

    pub(crate) fn arn(&self, account: &AccountId) -> String {
        format!("arn:aws:iam::{account}:{}{}{}", self.kind(), self.path, self.name)
    }

    pub(crate) const fn user(&self) -> Option<&UserPart> {
        match &self.part {
            Part::User(user) => Some(user),
            Part::Group | Part::Role(_) => None,
        }
    }

    pub(crate) const fn role(&self) -> Option<&RolePart> {
        match &self.part {
            Part::Role(role) => Some(role),
            Part::User(_) | Part::Group => None,
        }
    }

    /// Whether AWS services alone may change it.
    pub(crate) fn is_protected(&self) -> bool {
        self.kind() == Kind::Role && self.path.starts_with("/aws-service-role/")
    }
}

/// A managed policy and its versions.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct ManagedPolicy {
    pub(crate) name: String,
    pub(crate) path: String,
    pub(crate) id: String,
    pub(crate) description: Option<String>,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) tags: BTreeMap<String, String>,
    /// The version that is in force.
    pub(crate) default_version: u32,
    /// Numbers are not used again.
    pub(crate) last_version: u32,
    pub(crate) versions: BTreeMap<u32, Version>,
}

#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct Version {
    pub(crate) document: String,
    pub(crate) created: Timestamp,
}

impl ManagedPolicy {
    /// `account` is `aws` for AWS's own.
    pub(crate) fn arn(&self, account: &str) -> String {
        format!("arn:aws:iam::{account}:policy{}{}", self.path, self.name)
    }

    /// The document that is in force.
    pub(crate) fn document(&self) -> &str {
        self.versions.get(&self.default_version).map_or("", |version| &version.document)
    }
}

/// What is kept of an account as a whole.
#[derive(Debug, Clone, Serialize, Deserialize)]
pub(crate) struct AccountRecord {
    pub(crate) created: Timestamp,
    pub(crate) alias: Option<String>,
    /// Of its root.
    pub(crate) access_keys: BTreeMap<String, KeyRecord>,
}
