// SPDX-License-Identifier: Apache-2.0
//! What happens to functions beside invocations that end with a report, by AWS's names.

use crate::Distribution;
use names::{AccountId, Region};

macro_rules! metrics {
    ($($(#[$comment:meta])* $name:ident $unit:literal $spread:literal,)*) => {
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

            /// Whether what is noted of a function counts for its account, too. A count does, a level does not: it is
            /// noted of both.
            pub const fn adds_up(self) -> bool {
                match self { $(Self::$name => $spread,)* }
            }
        }
    };
}

metrics! {
    Invocations "Count" true,
    Errors "Count" true,
    Duration "Milliseconds" true,
    PostRuntimeExtensionsDuration "Milliseconds" true,
    Throttles "Count" true,
    AsyncEventsReceived "Count" true,
    /// From when it was accepted until it is given to the function.
    AsyncEventAge "Milliseconds" true,
    AsyncEventsDropped "Count" true,
    DeadLetterErrors "Count" true,
    DestinationDeliveryFailures "Count" true,
    RecursiveInvocationsDropped "Count" true,
    ProvisionedConcurrencyInvocations "Count" true,
    ProvisionedConcurrencySpilloverInvocations "Count" true,
    ConcurrentExecutions "Count" false,
    /// Of an account.
    UnreservedConcurrentExecutions "Count" false,
    /// Of an account.
    ClaimedAccountConcurrency "Count" false,
    ProvisionedConcurrentExecutions "Count" false,
    /// A share, 1 being all.
    ProvisionedConcurrencyUtilization "Count" false,
}

/// What something is noted of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    pub account: AccountId,
    pub region: Region,
    /// None: the account itself.
    pub function: Option<Box<str>>,
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
