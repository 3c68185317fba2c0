// SPDX-License-Identifier: Apache-2.0
//! Names are stored as the texts they are, and parsed when they are read.

use crate::{
    AccountId, FunctionArn, FunctionName, FunctionReference, Partition, Qualifier, Region,
    RequestId,
};
use serde::{Deserialize, Deserializer, Serialize, Serializer, de};
use std::borrow::Cow;

macro_rules! as_text {
    ($($name:ty),*) => {$(
        impl Serialize for $name {
            fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
                serializer.collect_str(self)
            }
        }

        impl<'de> Deserialize<'de> for $name {
            fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
                <Cow<'_, str>>::deserialize(deserializer)?.parse().map_err(de::Error::custom)
            }
        }
    )*};
}

as_text!(
    AccountId,
    FunctionArn,
    FunctionName,
    FunctionReference,
    Partition,
    Qualifier,
    Region,
    RequestId
);
