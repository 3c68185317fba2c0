// SPDX-License-Identifier: Apache-2.0
//! Access keys.

use crate::page::{Page, page};
use crate::{Iam, error, view};
use api::iam::*;
use wire::{Context, Result};

impl AccessKeyOperations for Iam {
    async fn create_access_key(
        &self,
        cx: &Context,
        input: CreateAccessKeyInput,
    ) -> Result<CreateAccessKeyOutput> {
        let (owner, user_name) = self.owner(cx, input.user_name.as_deref())?;
        let key = self.make_key(&cx.account, &owner).await?;
        let access_key = AccessKey {
            user_name,
            access_key_id: key.id,
            status: StatusType::Active,
            secret_access_key: key.secret,
            create_date: Some(key.record.created),
        };
        Ok(CreateAccessKeyOutput { access_key })
    }

    async fn delete_access_key(&self, cx: &Context, input: DeleteAccessKeyInput) -> Result<()> {
        let (owner, _) = self.owner(cx, input.user_name.as_deref())?;
        let id = &input.access_key_id;
        self.change_keys(&cx.account, &owner, |keys| match keys.remove(id) {
            Some(_) => Ok(()),
            None => Err(error::no_such_access_key(id)),
        })
        .await
    }

    async fn list_access_keys(
        &self,
        cx: &Context,
        input: ListAccessKeysInput,
    ) -> Result<ListAccessKeysOutput> {
        let (owner, user_name) = self.owner(cx, input.user_name.as_deref())?;
        let keys = self.keys_of(cx, &owner);
        let views =
            keys.iter().map(|(id, key)| (id, view::access_key(id, key, user_name.as_deref())));
        let page = page(views, input.marker.as_deref(), input.max_items)?;
        let Page { items: access_key_metadata, is_truncated, marker } = page;
        Ok(ListAccessKeysOutput { access_key_metadata, is_truncated, marker })
    }

    async fn update_access_key(&self, cx: &Context, input: UpdateAccessKeyInput) -> Result<()> {
        let (owner, _) = self.owner(cx, input.user_name.as_deref())?;
        let id = &input.access_key_id;
        let is_active = match input.status {
            StatusType::Active => true,
            StatusType::Inactive => false,
            StatusType::Expired => {
                return Err(fault::invalid_input("An access key can not be made Expired."));
            }
        };
        self.change_keys(&cx.account, &owner, |keys| match keys.get_mut(id) {
            Some(key) => {
                key.is_active = is_active;
                Ok(())
            }
            None => Err(error::no_such_access_key(id)),
        })
        .await
    }
}
