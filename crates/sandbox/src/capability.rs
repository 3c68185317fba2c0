// SPDX-License-Identifier: Apache-2.0
//! What this machine can do for sandboxes, and how to get what it cannot.

use serde::{Deserialize, Serialize};

/// One thing that sandboxes are better with.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Capability {
    /// `user namespaces`, `memory limits`, `nftables`.
    pub name: String,
    pub is_found: bool,
    /// What it gives, in half a sentence.
    pub gives: String,
    /// What was found, or why it was not.
    pub detail: String,
    /// The command that would provide it, or what to change.
    pub remedy: Option<String>,
}
