// SPDX-License-Identifier: Apache-2.0
//! Whether any of a service's policies may deny something, known without reading them.
//!
//! What holds many policies reads each when it is first asked. Who would be bound by nothing but a `Deny` need not be asked about at all
//! while there is none.

use std::sync::atomic::{AtomicBool, Ordering};

/// Notes the policies that are kept. It forgets none: one that denied and is gone costs time, and changes no decision.
#[derive(Debug, Default)]
pub struct Denials(AtomicBool);

impl Denials {
    /// `policy` is kept from now on. To be called before it is one that a call is decided by.
    pub fn note(&self, policy: Option<&str>) {
        // A letter may be written as its number.
        if policy.is_some_and(|text| text.contains("Deny") || text.contains("\\u")) {
            self.0.store(true, Ordering::Release);
        }
    }

    /// Whether there may be one.
    pub fn may_be(&self) -> bool {
        self.0.load(Ordering::Acquire)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_denial_is_noted_however_it_is_written() {
        let may_deny = |text| {
            let denials = Denials::default();
            denials.note(text);
            denials.may_be()
        };
        assert!(!may_deny(None));
        assert!(!may_deny(Some(
            r#"{"Statement":{"Effect":"Allow","Principal":"*","Action":"*"}}"#
        )));
        assert!(may_deny(Some(r#"{"Statement":{"Effect":"Deny","Principal":"*","Action":"*"}}"#)));
        assert!(may_deny(Some(r#"{"Statement":{"Effect":"\u0044eny","Principal":"*"}}"#)));
    }
}
