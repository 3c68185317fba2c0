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
    ConcurrentExecutions "Count",
    UnreservedConcurrentExecutions "Count",
    ProvisionedConcurrentExecutions "Count",
    /// Of 1.
    ProvisionedConcurrencyUtilization "None",
    /// What invocations on demand cannot have: what functions hold for themselves, and what runs on the rest.
    ClaimedAccountConcurrency "Count",
    /// Code that nobody signed was deployed all the same.
    SignatureValidationErrors "Count",
    UrlRequestCount "Count",
    UrlRequestLatency "Milliseconds",
    Url4xxCount "Count",
    Url5xxCount "Count",
    PolledEventCount "Count",
    FilteredOutEventCount "Count",
    InvokedEventCount "Count",
    FailedInvokeEventCount "Count",
    DeletedEventCount "Count",
    /// Of an event source mapping that has some.
    ProvisionedPollers "Count",
}

impl Metric {
    /// Whether it says how many there are, and not that something happened: what is true of a function says nothing of its
    /// account.
    pub const fn is_level(self) -> bool {
        matches!(
            self,
            Self::ConcurrentExecutions
                | Self::UnreservedConcurrentExecutions
                | Self::ProvisionedConcurrentExecutions
                | Self::ProvisionedConcurrencyUtilization
                | Self::ClaimedAccountConcurrency
                | Self::ProvisionedPollers
        )
    }
}

/// What something is noted of.
#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub struct Subject {
    pub account: AccountId,
    pub region: Region,
    pub scope: Scope,
}

#[derive(Debug, Clone, PartialEq, Eq, Hash)]
pub enum Scope {
    /// All functions.
    Account,
    /// A function, however it is called.
    Function(Box<str>),
    /// A function, as it is called by one qualifier or by none.
    Resource { function: Box<str>, qualifier: Option<Box<str>> },
    /// An event source mapping, by its id. It says nothing of its function or account.
    Mapping(Box<str>),
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
