// SPDX-License-Identifier: Apache-2.0
//! Names of buckets, and keys.

use crate::fault;
use wire::Result;

const KEY_BYTES_MAX: usize = 1024;
/// Of the id of a version.
const VERSION_BYTES: usize = 32;
const PREFIXES: [&str; 3] = ["xn--", "sthree-", "amzn-s3-demo-"];
const SUFFIXES: [&str; 5] = ["-s3alias", "--ol-s3", ".mrap", "--x-s3", "--table-s3"];

/// Refuses a name that no bucket can have.
pub(crate) fn check_bucket(name: &str) -> Result<()> {
    let is_end = |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit();
    let bytes = name.as_bytes();
    let is_good = (3..=63).contains(&bytes.len())
        && bytes.iter().all(|byte| is_end(*byte) || b".-".contains(byte))
        && bytes.first().is_some_and(|byte| is_end(*byte))
        && bytes.last().is_some_and(|byte| is_end(*byte))
        && !name.contains("..")
        && name.parse::<std::net::Ipv4Addr>().is_err()
        && !PREFIXES.iter().any(|prefix| name.starts_with(prefix))
        && !SUFFIXES.iter().any(|suffix| name.ends_with(suffix));
    if is_good {
        return Ok(());
    }
    let shown: String = name.chars().take(255).collect();
    Err(fault::invalid_bucket_name().with_member("BucketName", shown))
}

pub(crate) fn check_key(key: &str) -> Result<()> {
    if key.len() <= KEY_BYTES_MAX {
        return Ok(());
    }
    Err(fault::key_too_long()
        .with_member("Size", key.len().to_string())
        .with_member("MaxSizeAllowed", KEY_BYTES_MAX.to_string()))
}

/// What has not the form of a version's id is told apart from what is none any more.
pub(crate) fn check_version(id: &str) -> Result<()> {
    let is_letter = |byte: u8| byte.is_ascii_alphanumeric() || b"._-".contains(&byte);
    let is_good = id.len() == VERSION_BYTES && id.bytes().all(is_letter);
    if is_good || id == "null" {
        return Ok(());
    }
    let text = match id {
        "" => "Version id cannot be the empty string",
        _ => "Invalid version id specified",
    };
    let shown: String = id.chars().take(255).collect();
    Err(fault::invalid_argument(text, "versionId", &shown))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_of_buckets_are_those_of_hosts() {
        for name in ["abc", "a.b-c.9", &"a".repeat(63), "1.2.3.4.5"] {
            assert!(check_bucket(name).is_ok(), "{name}");
        }
        for name in [
            "",
            "ab",
            &"a".repeat(64),
            "Abc",
            "a_b",
            "-ab",
            "ab-",
            ".ab",
            "a..b",
            "1.2.3.4",
            "xn--a",
            "a-s3alias",
            "a/b",
            "é1é",
        ] {
            assert!(check_bucket(name).is_err(), "{name}");
        }
        assert!(check_key(&"é".repeat(512)).is_ok());
        assert!(check_key(&"é".repeat(513)).is_err());
        assert!(check_version("null").is_ok() && check_version(&"a".repeat(32)).is_ok());
        for id in ["", "none", &"a".repeat(33), &"/".repeat(32)] {
            assert!(check_version(id).is_err(), "{id}");
        }
    }
}
