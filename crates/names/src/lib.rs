//! Identifiers that are valid because they exist: accounts, regions, function names, ARNs.

mod account;
mod request_id;

pub use account::{AccountId, InvalidAccountId, InvalidRegion, Region};
pub use request_id::RequestId;
