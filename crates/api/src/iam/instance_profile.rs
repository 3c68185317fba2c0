// SPDX-License-Identifier: Apache-2.0
//! Instance profiles: there are no instances, and none of these is built.

use wire::operations;

/// Instance profiles: there are no instances, and none of these is built.
#[operations("iam")]
pub trait InstanceProfileOperations: Send + Sync + 'static {
    fn add_role_to_instance_profile();

    fn create_instance_profile();

    fn delete_instance_profile();

    fn get_instance_profile();

    fn list_instance_profile_tags();

    fn list_instance_profiles();

    fn remove_role_from_instance_profile();

    fn tag_instance_profile();

    fn untag_instance_profile();
}
