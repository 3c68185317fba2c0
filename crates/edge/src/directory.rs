// SPDX-License-Identifier: Apache-2.0
//! Whose a key is, and what its owner may do: the seam between the edge, which asks for each request, and IAM, which knows.

use crate::access_key::AccessKey;
use crate::session::Session;
use policy::{Named, Principal, Sources};
use std::sync::Arc;

/// Access keys and principals. Every answer comes from memory: it is waited for by each request.
pub trait Directory: Send + Sync + 'static {
    /// The key with this id. One that was deleted or deactivated is not there; one that expired is.
    fn key(&self, access_key_id: &str) -> Option<Signer>;

    /// What a user, or a session of a role, may do now. `arn` is `arn:aws:iam::000000000000:user/path/name`,
    /// `arn:aws:iam::000000000000:role/path/name` or `arn:aws:sts::000000000000:assumed-role/name/session`.
    fn powers(&self, arn: &str) -> Option<Powers>;

    /// The id of a role, by its ARN: `AROA...`.
    fn role_id(&self, role_arn: &str) -> Option<String>;

    /// Whether there is more than one account: only then can a call of root be for another's.
    fn has_several_accounts(&self) -> bool;

    /// What the bearer of a session may do now. `None`: whose session it is, is gone.
    fn session_powers(&self, session: &Session) -> Option<Powers>;
}

/// Who signed, as they stand at this moment.
#[derive(Debug, Clone)]
pub struct Signer {
    pub key: Arc<AccessKey>,
    pub powers: Powers,
}

/// What a principal may do.
#[derive(Debug, Clone)]
pub enum Powers {
    /// Everything in its own account.
    Root,
    /// What policies allow.
    Held(Arc<Entity>),
}

/// A principal with policies. A change of any makes a new one.
#[derive(Debug)]
pub struct Entity {
    pub kind: EntityKind,
    /// `aws:PrincipalTag/...`: of a session its own tags and its role's.
    pub tags: Vec<(String, String)>,
    /// Its own policies and those of its groups.
    pub identity: Vec<Named>,
    pub boundary: Option<Vec<Named>>,
    /// Passed with the call that made the session.
    pub session: Option<Vec<Named>>,
    /// Of a session: seconds since 1970.
    pub issued_at_s: Option<i64>,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub enum EntityKind {
    /// `arn:aws:iam::000000000000:root`
    Root { arn: String },
    /// `arn:aws:iam::000000000000:user/path/name`
    User { arn: String, name: String },
    /// `arn:aws:iam::000000000000:role/path/name`, and of a session of it
    /// `arn:aws:sts::000000000000:assumed-role/name/session`.
    Role { arn: String, session_arn: String },
}

impl Powers {
    /// Of a session whose role is gone. `arn` is the session's.
    pub(crate) fn nothing(arn: &str) -> Self {
        let kind = EntityKind::Role { arn: String::new(), session_arn: arn.to_owned() };
        Self::Held(Arc::new(Entity::without_policies(kind)))
    }
}

impl Entity {
    /// The root of an account, by its ARN.
    pub(crate) fn root(arn: &str) -> Self {
        Self::without_policies(EntityKind::Root { arn: arn.to_owned() })
    }

    const fn without_policies(kind: EntityKind) -> Self {
        Self {
            kind,
            tags: Vec::new(),
            identity: Vec::new(),
            boundary: None,
            session: None,
            issued_at_s: None,
        }
    }

    pub fn principal<'a>(&'a self, account: &'a str) -> Principal<'a> {
        match &self.kind {
            EntityKind::Root { .. } => Principal::Root { account },
            EntityKind::User { arn, .. } => Principal::User { account, arn },
            EntityKind::Role { arn, session_arn } => {
                Principal::Role { account, role_arn: arn, session_arn }
            }
        }
    }

    /// Its policies, and those of the resource.
    pub fn sources<'a>(&'a self, resource: &'a [Named]) -> Sources<'a> {
        Sources {
            identity: &self.identity,
            resource,
            boundary: self.boundary.as_deref(),
            session: self.session.as_deref(),
        }
    }
}
