// SPDX-License-Identifier: Apache-2.0
//! Who asks, and whom a statement means.

use crate::malformed::Malformed;
use crate::node::Node;

/// Who makes a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Principal<'a> {
    /// The root of an account.
    Root { account: &'a str },
    /// `arn:aws:iam::000000000000:user/path/name`
    User { account: &'a str, arn: &'a str },
    /// A session of a role: `arn:aws:iam::000000000000:role/path/name` and
    /// `arn:aws:sts::000000000000:assumed-role/name/session`.
    Role { account: &'a str, role_arn: &'a str, session_arn: &'a str },
    /// `s3.amazonaws.com`, or with the region that it calls from: `logs.eu-west-1.amazonaws.com`.
    Service(&'a str),
    /// Nobody: the request was not signed.
    Anonymous,
}

impl<'a> Principal<'a> {
    pub const fn account(&self) -> Option<&'a str> {
        match self {
            Self::Root { account } | Self::User { account, .. } | Self::Role { account, .. } => {
                Some(account)
            }
            Self::Service(_) | Self::Anonymous => None,
        }
    }
}

/// `Principal` or `NotPrincipal`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Principals {
    pub(crate) is_not: bool,
    who: Box<[Who]>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
enum Who {
    Anyone,
    Account(Box<str>),
    /// A user, a role, or a session of one.
    Arn(Box<str>),
    Service(Box<str>),
    /// Identity providers and S3's canonical users: none of them makes requests here.
    Nobody,
}

/// Whether a policy means the service: by this name, or without the region in it.
fn is_service(meant: &str, name: &str) -> bool {
    let split = |name| -> Option<(&str, &str)> { str::split_once(name, '.') };
    let is_without_region = || {
        let (service, rest) = split(name)?;
        let (_, domain) = split(rest)?;
        Some(domain.contains('.') && split(meant) == Some((service, domain)))
    };
    meant == name || is_without_region() == Some(true)
}

/// How directly a statement means a principal. What it grants depends on that.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Meant {
    /// Its account, which says itself whom it lets.
    Account,
    /// Everyone, or its role.
    Role,
    /// Itself.
    Itself,
}

impl Principals {
    pub(crate) fn read(node: &Node, is_not: bool) -> Result<Self, Malformed> {
        let mut who = Vec::new();
        match node {
            Node::Text(text) if text == "*" => who.push(Who::Anyone),
            Node::Object(kinds) if !kinds.is_empty() => {
                for (kind, values) in kinds {
                    let invalid =
                        |value: &str| Malformed::Principal(format!("\"{kind}\":\"{value}\""));
                    let values = values.texts().ok_or_else(|| invalid(""))?;
                    for value in values {
                        who.push(Who::read(kind, &value).ok_or_else(|| invalid(&value))?);
                    }
                }
            }
            _ => return Err(Malformed::Syntax),
        }
        if who.is_empty() {
            return Err(Malformed::NoPrincipal);
        }
        Ok(Self { is_not, who: who.into() })
    }

    /// Whether they are everyone, or everyone but some.
    pub(crate) fn are_everyone(&self) -> bool {
        self.is_not || self.who.contains(&Who::Anyone)
    }

    /// How the statement means `principal`, if it does.
    pub(crate) fn mean(&self, principal: &Principal<'_>) -> Option<Meant> {
        let meant = self.who.iter().filter_map(|who| who.means(principal)).max();
        match (self.is_not, meant) {
            (false, meant) => meant,
            (true, Some(_)) => None,
            (true, None) => Some(Meant::Role),
        }
    }
}

impl Who {
    fn read(kind: &str, value: &str) -> Option<Self> {
        let is_account =
            |text: &str| text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit());
        match kind {
            "AWS" if value == "*" => Some(Self::Anyone),
            "AWS" if is_account(value) => Some(Self::Account(value.into())),
            "AWS" => {
                let mut parts = value.splitn(6, ':');
                let (arn, partition) = (parts.next()?, parts.next()?);
                let (service, region) = (parts.next()?, parts.next()?);
                let (account, resource) = (parts.next()?, parts.next()?);
                let is_principal = arn == "arn"
                    && partition.starts_with("aws")
                    && matches!(service, "iam" | "sts")
                    && region.is_empty()
                    && is_account(account)
                    && !resource.is_empty()
                    && !value.contains(['*', '?']);
                match resource {
                    _ if !is_principal => None,
                    "root" => Some(Self::Account(account.into())),
                    _ => Some(Self::Arn(value.into())),
                }
            }
            "Service" if value.contains('.') && !value.contains(['*', '?', ' ']) => {
                Some(Self::Service(value.into()))
            }
            "Federated" | "CanonicalUser" if !value.is_empty() => Some(Self::Nobody),
            _ => None,
        }
    }

    fn means(&self, principal: &Principal<'_>) -> Option<Meant> {
        match (self, principal) {
            (Self::Anyone, _) => Some(Meant::Role),
            (Self::Account(account), Principal::Root { account: root }) => {
                (**account == **root).then_some(Meant::Itself)
            }
            (Self::Account(account), principal) => {
                (principal.account() == Some(account)).then_some(Meant::Account)
            }
            (Self::Arn(arn), Principal::User { arn: user, .. }) => {
                (**arn == **user).then_some(Meant::Itself)
            }
            (Self::Arn(arn), Principal::Role { role_arn, session_arn, .. }) => {
                let is_session = (**arn == **session_arn).then_some(Meant::Itself);
                is_session.or_else(|| (**arn == **role_arn).then_some(Meant::Role))
            }
            (Self::Service(service), Principal::Service(name)) => {
                is_service(service, name).then_some(Meant::Itself)
            }
            (Self::Arn(_) | Self::Service(_) | Self::Nobody, _) => None,
        }
    }
}
