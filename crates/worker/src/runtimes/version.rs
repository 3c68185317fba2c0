// SPDX-License-Identifier: Apache-2.0
//! What a runtime is called where AWS calls it by an ARN.

use names::Region;
use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// Stable for each runtime, in AWS's form. What it stands for is the runtime that was found on this machine.
pub fn version_arn(region: &Region, runtime: &str) -> String {
    let mut arn = format!("arn:aws:lambda:{region}::runtime:");
    for byte in Sha256::digest(runtime) {
        // A string takes all that is written to it.
        let _ = write!(arn, "{byte:02x}");
    }
    arn
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_is_the_same_every_time() {
        let arn = version_arn(&"eu-west-1".parse().unwrap(), "python3.12");
        assert_eq!(arn, version_arn(&"eu-west-1".parse().unwrap(), "python3.12"));
        assert_ne!(arn, version_arn(&"eu-west-1".parse().unwrap(), "python3.13"));
        let (prefix, digest) = arn.rsplit_once(':').unwrap();
        assert_eq!((prefix, digest.len()), ("arn:aws:lambda:eu-west-1::runtime", 64));
    }
}
