// SPDX-License-Identifier: Apache-2.0
//! What is told to whoever watches, beside what the seam of targets tells: which rules wanted an event, and what became of those
//! that did not arrive.

use crate::bus::Bus;
use crate::event::Accepted;
use crate::rule::Rule;
use flow::{Fact, Outcome};
use targets::NotTaken;

/// Which rules of a bus wanted an event, and which did not.
pub(crate) fn tell_matched(bus: &Bus, accepted: &Accepted) {
    if !flow::is_watched() {
        return;
    }
    for rule in bus.rules.values().filter(|rule| rule.looks_for_events()) {
        let is_wanted = accepted.wanted.contains(&rule.key.name);
        let outcome = if is_wanted { Outcome::Accepted } else { Outcome::Filtered };
        let fact = || Fact::new(bus.key.arn(), rule.key.arn(), outcome);
        flow::tell(|| fact().in_trace(accepted.trace().root()));
    }
}

/// What became of an event for a target, and why.
pub(crate) fn tell(
    rule: &Rule,
    target: &str,
    accepted: &Accepted,
    outcome: Outcome,
    reason: Option<&NotTaken>,
) {
    flow::tell(|| {
        let fact = Fact::new(rule.key.arn(), target, outcome).in_trace(accepted.trace().root());
        reason.map(ToString::to_string).into_iter().fold(fact, Fact::because)
    });
}
