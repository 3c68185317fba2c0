// SPDX-License-Identifier: Apache-2.0
//! What happens to functions beside invocations that end with a report, by AWS's names.

use crate::Distribution;
use names::{AccountId, Region};

macro_rules! metrics {
    ($($(#[$comment:meta])* $name:ident $unit:literal,)*) => {
        /// A metric of the namespace `AWS/Lambda`.
        #[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
        pub enum Metric {
            $($(#[$comment])* $name,)*
        }

        impl Metric {
            pub const fn name(self) -> &'static str {
                match self { $(Self::$name => stringify!($name),)* }
            }

            /// CloudWatch's word.
            pub const fn unit(self) -> &'static str {
                match self { $(Self::$name => $unit,)* }
            }
        }
    };
}

metrics! {
    Invocations "Count",
    Errors "Count",
    Duration "Milliseconds",
    PostRuntimeExtensionsDuration "Milliseconds",
    Throttles "Count",
    AsyncEventsReceived "Count",
    /// From when it was accepted until it is given to the function.
    AsyncEventAge "Milliseconds",
    AsyncEventsDropped "Count",
    DeadLetterErrors "Count",
    DestinationDeliveryFailures "Count",
    RecursiveInvocationsDropped "Count",
    ProvisionedConcurrencyInvocations "Count",
    ProvisionedConcurrencySpilloverInvocations "Count",
}

/// What something is noted of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    pub account: AccountId,
    pub region: Region,
    pub function: Box<str>,
    /// The qualifier that it was called by.
    pub qualifier: Option<Box<str>>,
}

/// What was noted of a subject in one minute.
#[derive(Debug, Clone, PartialEq)]
pub struct Note {
    pub subject: Subject,
    pub metric: Metric,
    /// Since 1970.
    pub minute: u64,
    pub values: Distribution,
}
