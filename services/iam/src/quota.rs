// SPDX-License-Identifier: Apache-2.0
//! How much there may be of what: AWS's default quotas.

pub(crate) const USERS: usize = 5_000;
pub(crate) const GROUPS: usize = 300;
pub(crate) const ROLES: usize = 1_000;
pub(crate) const POLICIES: usize = 1_500;
pub(crate) const VERSIONS_PER_POLICY: usize = 5;
pub(crate) const ATTACHED_POLICIES: usize = 10;
pub(crate) const GROUPS_PER_USER: usize = 10;
pub(crate) const ACCESS_KEYS_PER_USER: usize = 2;
pub(crate) const TAGS: usize = 50;

/// Characters of a managed policy, without white space.
pub(crate) const POLICY_SIZE: usize = 6_144;
/// Characters of all inline policies of one user, group or role together, without white space.
pub(crate) const USER_POLICY_SIZE: usize = 2_048;
pub(crate) const GROUP_POLICY_SIZE: usize = 5_120;
pub(crate) const ROLE_POLICY_SIZE: usize = 10_240;
/// Characters of a trust policy, without white space.
pub(crate) const TRUST_POLICY_SIZE: usize = 2_048;
