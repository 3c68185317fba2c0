// SPDX-License-Identifier: Apache-2.0
//! The only error the wire knows.

use crate::Protocol;
use std::borrow::Cow;

pub type Result<T, E = Fault> = std::result::Result<T, E>;

/// Whose fault an error is. Alarms and retries read this, never a message.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Blame {
    /// The caller must change something: 4xx.
    Customer,
    /// We must: 5xx.
    Platform,
}

/// How the message member of an error body is spelt. AWS Lambda is not uniform in this.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum MessageKey {
    Lower,
    Upper,
}

/// An error that a service's model declares.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct FaultSpec {
    pub code: &'static str,
    pub status: u16,
    pub message_key: MessageKey,
    /// What the Query protocol calls it, where that is something else.
    pub query_code: Option<&'static str>,
}

impl FaultSpec {
    pub fn fault(&self, message: impl Into<String>) -> Fault {
        let mut fault = Fault::new(self.code, self.status, message);
        fault.message_key = self.message_key;
        fault.query_code = self.query_code;
        fault.is_modelled = true;
        fault
    }
}

/// An error as AWS clients see it.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("{code} ({status}): {message}")]
pub struct Fault {
    /// The modelled name, as `x-amzn-ErrorType` carries it: `ResourceNotFoundException`.
    pub code: Cow<'static, str>,
    /// What the Query protocol calls it, where that is something else.
    pub query_code: Option<&'static str>,
    /// The HTTP status.
    pub status: u16,
    /// The text for the client. It never says more than the client may know.
    pub message: String,
    pub message_key: MessageKey,
    /// Whether the service's model declares it, as opposed to an error of the layer in front of all
    /// services. REST-JSON bodies of modelled errors carry a `Type`. An endpoint sets it, and the
    /// message key, for every code in its `ServiceSpec::faults`.
    pub is_modelled: bool,
    /// Whether the body has a `Type` if the error is modelled. A few of AWS's have none.
    pub has_type: bool,
    /// Further members of the body: `Reason` of a throttle.
    pub members: Vec<(&'static str, String)>,
    /// Seconds, sent as `Retry-After`.
    pub retry_after: Option<u32>,
}

impl Fault {
    pub fn new(code: &'static str, status: u16, message: impl Into<String>) -> Self {
        Self {
            code: Cow::Borrowed(code),
            query_code: None,
            status,
            message: message.into(),
            message_key: MessageKey::Lower,
            is_modelled: false,
            has_type: true,
            members: Vec::new(),
            retry_after: None,
        }
    }

    #[must_use]
    pub fn with_upper_message(mut self) -> Self {
        self.message_key = MessageKey::Upper;
        self
    }

    #[must_use]
    pub fn with_query_code(mut self, code: &'static str) -> Self {
        self.query_code = Some(code);
        self
    }

    #[must_use]
    pub fn with_member(mut self, name: &'static str, value: impl Into<String>) -> Self {
        self.members.push((name, value.into()));
        self
    }

    #[must_use]
    pub fn without_type(mut self) -> Self {
        self.has_type = false;
        self
    }

    #[must_use]
    pub fn with_retry_after(mut self, seconds: u32) -> Self {
        self.retry_after = Some(seconds);
        self
    }

    pub const fn blame(&self) -> Blame {
        if self.status < 500 { Blame::Customer } else { Blame::Platform }
    }

    /// A constraint of the model was not met. The caller gets AWS's sentence.
    pub fn validation(message: impl Into<String>) -> Self {
        Self::new("ValidationException", 400, message)
    }

    /// The body, a label, a header or a query member could not be read.
    pub fn serialization(message: impl ToString) -> Self {
        Self::new("SerializationException", 400, message.to_string())
    }

    pub fn unknown_operation() -> Self {
        Self::new("UnknownOperationException", 404, "")
    }

    /// The caller may not do this. Each protocol has its own way to say so.
    pub fn access_denied(protocol: Protocol, sentence: impl Into<String>) -> Self {
        match protocol {
            Protocol::RestJson => {
                Self::new("AccessDeniedException", 403, sentence).with_upper_message()
            }
            Protocol::Json10 | Protocol::Json11 => {
                Self::new("AccessDeniedException", 400, sentence)
            }
            Protocol::Query | Protocol::RpcCbor | Protocol::RestXml => {
                Self::new("AccessDenied", 403, sentence)
            }
        }
    }

    /// Declared in `api`, without an implementation in this build.
    pub fn not_implemented(operation: &str) -> Self {
        Self::new(
            "NotImplementedException",
            501,
            format!("{operation} is not available in this build of Tinderbox"),
        )
    }

    /// An internal error. Its cause was logged by whoever made this; the client gets none of it.
    pub fn internal() -> Self {
        Self {
            is_modelled: true,
            ..Self::new("ServiceException", 500, "An internal error occurred.")
        }
        .with_upper_message()
    }

    /// What `faults` say of this code: the key of its message, and that it is modelled.
    #[must_use]
    pub(crate) fn modelled_by(mut self, faults: &[FaultSpec]) -> Self {
        if let Some(spec) = faults.iter().find(|spec| spec.code == self.code) {
            self.message_key = spec.message_key;
            self.is_modelled = true;
        }
        self
    }
}

/// Declares the errors of a service's model: the table `MODELLED`, and a function that makes each. A service that speaks Query
/// beside another protocol says what each is called there: `"QueueNameExists" = "QueueAlreadyExists", 400, Lower`.
///
/// ```
/// wire::faults! {
///     resource_not_found: "ResourceNotFoundException", 404, Upper;
/// }
///
/// let fault = resource_not_found("Function not found: x");
/// assert_eq!(fault.status, 404);
/// assert_eq!(MODELLED.len(), 1);
/// ```
#[macro_export]
macro_rules! faults {
    (@query) => { None };
    (@query $query:literal) => { Some($query) };
    ($($name:ident: $code:literal $(= $query:literal)?, $status:literal, $key:ident;)*) => {
        /// Every error of the model, for the service's endpoint.
        pub const MODELLED: &[$crate::FaultSpec] = &[$(
            $crate::FaultSpec {
                code: $code,
                status: $status,
                message_key: $crate::MessageKey::$key,
                query_code: $crate::faults!(@query $($query)?),
            }
        ),*];

        $(
            #[doc = concat!("`", $code, "`, ", stringify!($status), ".")]
            pub fn $name(message: impl Into<String>) -> $crate::Fault {
                $crate::FaultSpec {
                    code: $code,
                    status: $status,
                    message_key: $crate::MessageKey::$key,
                    query_code: $crate::faults!(@query $($query)?),
                }
                .fault(message)
            }
        )*
    };
}
