// SPDX-License-Identifier: Apache-2.0
//! What can go wrong, whose fault it is, and how AWS says it.

use crate::code::CodeError;
use crate::image;
use crate::package::PackageError;
use crate::records::RecordError;
use api::lambda::fault;
use events::{KeepError, NotKept, OpenError};
use images::ImageError;
use invoke::InvokeError;
use store::{BlobError, CommitError};
use wire::{Blame, Fault};

/// What an operation of AWS Lambda may answer instead of a success.
///
/// The text of a variant that blames the customer is what the customer reads, as AWS words it.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Error {
    // Names
    /// What the front layer of AWS would have refused, had our model of it known.
    #[error(
        "1 validation error detected: Value '{value}' at '{at}' failed to satisfy constraint: {rule}"
    )]
    Constraint { value: String, at: &'static str, rule: String },
    #[error("Function not found: {arn}")]
    FunctionNotFound { arn: String },
    #[error("Function already exist: {name}")]
    FunctionExists { name: String },
    #[error("Functions from '{asked}' are not reachable in this region ('{region}')")]
    OtherRegion { asked: String, region: String },
    #[error(
        "User: {caller} is not authorized to perform: lambda:{operation} on resource: {resource} because no resource-based policy allows the lambda:{operation} action"
    )]
    OtherAccount { caller: String, operation: &'static str, resource: String },
    #[error("The derived qualifier from the function name does not match the specified qualifier.")]
    QualifierMismatch,
    #[error("This operation changes $LATEST only and does not accept the qualifier of {arn}.")]
    QualifierNotAllowed { arn: String },
    #[error("$LATEST version cannot be deleted without deleting the function.")]
    LatestNotDeletable,
    #[error("Deletion of aliases is not currently supported.")]
    AliasNotDeletable,
    #[error(
        "This operation is permitted on Lambda functions only. Aliases and versions do not support this operation. Please specify either a function name or an unqualified function ARN."
    )]
    FunctionsOnly,
    #[error("Cannot find alias arn: {arn}")]
    AliasNotFound { arn: String },
    #[error("Alias already exists: {arn}")]
    AliasExists { arn: String },
    /// Something else that is not there. The text is AWS's, and says what.
    #[error("{0}")]
    NotFound(String),
    #[error("The Lambda code signing configuration {arn} can not be found.")]
    NoSigningConfig { arn: String },
    #[error(
        "Tags on function aliases and versions are not supported. Please specify a function ARN."
    )]
    TagsOnVersion,

    // Values
    /// A rule about one or several members was broken. The text is AWS's.
    #[error("{0}")]
    InvalidParameter(String),
    /// The same about what is left of the account's concurrency, which AWS answers without a `Type`.
    #[error("{0}")]
    InvalidConcurrency(String),
    /// What we cannot enforce, we do not accept.
    #[error("{member} is not available in this build of Tinderbox: {instead}")]
    Unsupported { member: &'static str, instead: &'static str },
    #[error("Could not parse request body into json: {0}")]
    InvalidContent(String),
    #[error("Client context must be {0}")]
    InvalidClientContext(&'static str),
    #[error(
        "{bytes} byte payload is too large for the {kind} invocation type (limit {bytes_max} bytes)"
    )]
    PayloadTooLarge { kind: &'static str, bytes: usize, bytes_max: usize },

    // State
    #[error(
        "The operation cannot be performed at this time. An update is in progress for resource: {arn}"
    )]
    UpdateInProgress { arn: String },
    #[error(
        "The operation cannot be performed at this time. The function is currently in the following state: {state}"
    )]
    WrongState { state: &'static str },
    /// Its snapshot is being taken.
    #[error(
        "Lambda is initializing your function. You can invoke the function when the function state becomes Active."
    )]
    SnapStartNotReady,
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the GetFunction/GetAlias API to retrieve the latest Revision Id"
    )]
    RevisionMismatch,
    #[error(
        "The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"
    )]
    LayerRevisionMismatch,
    #[error("Unable to delete version because the following aliases reference it: [{aliases}]")]
    VersionAliased { aliases: String },
    #[error("No Provisioned Concurrency Config found for this function")]
    NotProvisioned,
    /// Of an alias and its version one has provisioned concurrency already. The text is AWS's.
    #[error("{0}")]
    Provisioned(&'static str),
    #[error("The number of aliases of this function would exceed the limit of {max}.")]
    TooManyAliases { max: usize },
    #[error(
        "The statement id ({sid}) provided already exists. Please provide a new statement id, or remove the existing statement."
    )]
    StatementExists { sid: String },
    #[error(
        "The final policy size ({bytes}) is bigger than the limit ({}).",
        crate::resource_policy::BYTES_MAX
    )]
    PolicyTooLong { bytes: usize },
    /// Something is as the change must not find it. The text is AWS's.
    #[error("{0}")]
    Conflict(String),
    #[error("Cannot {verb} the event source mapping because it is in use.")]
    InUse { verb: &'static str },
    #[error(
        "The number of capacity providers of this account and region would exceed the limit of {max}."
    )]
    TooManyProviders { max: usize },
    #[error(
        "The number of function versions on this capacity provider would exceed the limit of {max}."
    )]
    TooManyVersionsOnProvider { max: usize },
    #[error("The function has no published version that can be invoked without a qualifier.")]
    NoPublishedVersion,
    #[error("The function provided by the arn does not contain a capacity provider configuration")]
    NoCapacityProvider,
    #[error("The number of {what} of this account and region would exceed the limit of {max}.")]
    TooMany { what: &'static str, max: usize },
    #[error("{what} would exceed the limit of {max}.")]
    StorageExceeded { what: &'static str, max: u64 },

    // Packages and invocations
    #[error(
        "The code signing configuration cannot be found. Check that the provided configuration is not deleted: {arn}."
    )]
    SigningConfigNotFound { arn: String },
    #[error(
        "The code signature failed one or more of the validation checks for signature mismatch or expiry, and the code signing policy is set to ENFORCE. Lambda blocks the deployment."
    )]
    CodeNotVerified,
    #[error(transparent)]
    Package(#[from] PackageError),
    #[error("Lambda was not able to unzip the file: {reason}")]
    PackageNotRunnable { reason: String },
    #[error(
        "Could not unzip uploaded file. Please check your file, then try to upload again. ({reason})"
    )]
    LayerNotReadable { reason: String },
    /// An image that was asked for was not taken.
    #[error("the image `{uri}` was not taken")]
    Image {
        uri: String,
        #[source]
        error: ImageError,
    },
    #[error("{reason}")]
    ImageNotRunnable { reason: String },
    #[error("failed to invoke")]
    Invoke(#[from] InvokeError),
    #[error(
        "Lambda has detected your function being invoked in a recursive loop with other Amazon Web Services resources and stopped your function's invocation."
    )]
    Recursive,
    /// The queue has room for no more of this function's events, or of any. The fault's reason is, of AWS's, the one that
    /// does not speak of what runs; which it is there was not checked.
    #[error("too many events wait")]
    TooManyEvents(#[source] events::Refused),

    // Ours
    #[error("failed to keep a package")]
    Code(#[from] CodeError),
    #[error("failed to keep a function")]
    Record(#[from] RecordError),
    #[error("failed to keep an event")]
    Event(#[source] KeepError),
    #[error("failed to open the queue of events")]
    Queue(#[source] OpenError),
}

impl Error {
    /// As many operations of AWS say that something is not there, without saying what.
    pub(crate) fn nothing_there() -> Self {
        Self::NotFound("The resource you requested does not exist.".to_owned())
    }

    pub(crate) const fn blame(&self) -> Blame {
        match self {
            Self::Image { error, .. } => match error.blame() {
                images::Blame::Customer => Blame::Customer,
                images::Blame::Platform => Blame::Platform,
            },
            Self::Code(_)
            | Self::Record(_)
            | Self::Event(_)
            | Self::Queue(_)
            | Self::Package(PackageError::Write { .. })
            | Self::Invoke(InvokeError::StartFailed | InvokeError::ShuttingDown) => Blame::Platform,
            Self::Constraint { .. }
            | Self::FunctionNotFound { .. }
            | Self::FunctionExists { .. }
            | Self::OtherRegion { .. }
            | Self::OtherAccount { .. }
            | Self::QualifierMismatch
            | Self::QualifierNotAllowed { .. }
            | Self::LatestNotDeletable
            | Self::AliasNotDeletable
            | Self::FunctionsOnly
            | Self::AliasNotFound { .. }
            | Self::AliasExists { .. }
            | Self::NotFound(_)
            | Self::NoSigningConfig { .. }
            | Self::Conflict(_)
            | Self::InUse { .. }
            | Self::TooMany { .. }
            | Self::TooManyProviders { .. }
            | Self::TooManyVersionsOnProvider { .. }
            | Self::NoPublishedVersion
            | Self::NoCapacityProvider
            | Self::SigningConfigNotFound { .. }
            | Self::CodeNotVerified
            | Self::LayerRevisionMismatch
            | Self::VersionAliased { .. }
            | Self::TooManyAliases { .. }
            | Self::NotProvisioned
            | Self::Provisioned(_)
            | Self::StatementExists { .. }
            | Self::PolicyTooLong { .. }
            | Self::TagsOnVersion
            | Self::InvalidParameter(_)
            | Self::InvalidConcurrency(_)
            | Self::Unsupported { .. }
            | Self::InvalidContent(_)
            | Self::InvalidClientContext(_)
            | Self::PayloadTooLarge { .. }
            | Self::UpdateInProgress { .. }
            | Self::WrongState { .. }
            | Self::SnapStartNotReady
            | Self::RevisionMismatch
            | Self::StorageExceeded { .. }
            | Self::Package(_)
            | Self::PackageNotRunnable { .. }
            | Self::ImageNotRunnable { .. }
            | Self::LayerNotReadable { .. }
            | Self::Recursive
            | Self::Invoke(
                InvokeError::Throttled { .. }
                | InvokeError::RuntimeNotInstalled(_)
                | InvokeError::SnapStart
                | InvokeError::SnapStartTimeout
                | InvokeError::SnapStartRegeneration(_),
            )
            | Self::TooManyEvents(_) => Blame::Customer,
        }
    }

    /// The status that the client sees.
    pub(crate) fn status(&self) -> u16 {
        self.modelled().map_or(INTERNAL, |fault| fault.status)
    }

    /// The fault for the client, or `None` for what the client must not see.
    fn modelled(&self) -> Option<Fault> {
        let text = self.to_string();
        let fault = match self {
            Self::Constraint { .. } => Fault::validation(text),
            Self::FunctionNotFound { .. }
            | Self::AliasNotFound { .. }
            | Self::NotFound(_)
            | Self::OtherRegion { .. } => fault::resource_not_found(text),
            Self::FunctionExists { .. }
            | Self::AliasExists { .. }
            | Self::Conflict(_)
            | Self::VersionAliased { .. }
            | Self::StatementExists { .. }
            | Self::Provisioned(_)
            | Self::UpdateInProgress { .. }
            | Self::WrongState { .. } => fault::resource_conflict(text),
            Self::InUse { .. } => fault::resource_in_use(text),
            Self::OtherAccount { .. } | Self::NoCapacityProvider => {
                Fault::new("AccessDeniedException", 403, text).with_upper_message()
            }
            Self::TooManyProviders { .. } => fault::capacity_provider_limit_exceeded(text),
            Self::TooManyVersionsOnProvider { .. } => {
                fault::function_versions_per_capacity_provider_limit_exceeded(text)
            }
            Self::NoPublishedVersion => fault::no_published_version(text),
            Self::QualifierMismatch
            | Self::QualifierNotAllowed { .. }
            | Self::LatestNotDeletable
            | Self::AliasNotDeletable
            | Self::FunctionsOnly
            | Self::TagsOnVersion
            | Self::LayerNotReadable { .. }
            | Self::InvalidParameter(_)
            | Self::TooMany { .. }
            | Self::Unsupported { .. } => fault::invalid_parameter_value(text),
            Self::NoSigningConfig { .. } => fault::resource_not_found(text).without_type(),
            Self::InvalidConcurrency(_) => fault::invalid_parameter_value(text).without_type(),
            Self::InvalidContent(_) | Self::InvalidClientContext(_) => {
                fault::invalid_request_content(text)
            }
            Self::PayloadTooLarge { .. } => fault::request_too_large(text),
            Self::RevisionMismatch | Self::LayerRevisionMismatch => {
                fault::precondition_failed(text)
            }
            Self::NotProvisioned => fault::provisioned_concurrency_config_not_found(text),
            Self::TooManyAliases { .. } => fault::alias_limit_exceeded(text),
            Self::SigningConfigNotFound { .. } => fault::code_signing_config_not_found(text),
            Self::CodeNotVerified => fault::code_verification_failed(text),
            Self::PolicyTooLong { .. } => fault::policy_length_exceeded(text),
            Self::StorageExceeded { .. } => fault::code_storage_exceeded(text),
            Self::Package(error) => package_fault(error)?,
            Self::PackageNotRunnable { .. } => fault::invalid_zip_file(text),
            Self::Image { uri, error } => return image::fault_of(uri, error),
            Self::ImageNotRunnable { .. } => fault::resource_conflict(text),
            Self::SnapStartNotReady => fault::snap_start_not_ready(text),
            Self::Invoke(error) => return invoke_fault(error),
            Self::Recursive => fault::recursive_invocation(text),
            Self::TooManyEvents(_) => throttled("CallerRateLimitExceeded"),
            Self::Event(KeepError::Full { .. }) => {
                fault::service("No space is left on the disk of this server.")
            }
            Self::Code(
                CodeError::Commit(CommitError::Full { .. })
                | CodeError::Blob(BlobError::Full { .. }),
            )
            | Self::Record(RecordError::Commit(CommitError::Full { .. })) => {
                fault::code_storage_exceeded("No space is left on the disk of this server.")
            }
            Self::Code(_) | Self::Record(_) | Self::Event(_) | Self::Queue(_) => return None,
        };
        Some(fault)
    }
}

impl From<NotKept> for Error {
    fn from(error: NotKept) -> Self {
        match error {
            NotKept::Refused(refused) => Self::TooManyEvents(refused),
            NotKept::Failed(error) => Self::Event(error),
        }
    }
}

impl From<Error> for Fault {
    fn from(error: Error) -> Self {
        if error.blame() == Blame::Platform {
            tracing::error!(error = &error as &dyn std::error::Error, "operation failed");
        }
        error.modelled().unwrap_or_else(Self::internal)
    }
}

fn package_fault(error: &PackageError) -> Option<Fault> {
    const NOT_A_ZIP: &str =
        "Could not unzip uploaded file. Please check your file, then try to upload again.";
    let fault = match error {
        PackageError::Empty => {
            fault::invalid_parameter_value("Uploaded file must be a non-empty zip")
        }
        PackageError::Unreadable { .. } | PackageError::Corrupt { .. } => {
            fault::invalid_parameter_value(NOT_A_ZIP)
        }
        // AWS has no words for what it would unpack; ours help to find the entry.
        PackageError::Refused { .. } | PackageError::TooManyEntries { .. } => {
            fault::invalid_parameter_value(format!("{NOT_A_ZIP} ({error})"))
        }
        PackageError::ZippedTooLarge { bytes_max, .. } => Fault::new(
            "RequestEntityTooLargeException",
            413,
            format!("Zipped size must be smaller than {bytes_max} bytes"),
        ),
        PackageError::UnzippedTooLarge { bytes_max } => fault::invalid_parameter_value(format!(
            "Unzipped size must be smaller than {bytes_max} bytes"
        )),
        PackageError::Write { .. } => return None,
    };
    Some(fault)
}

fn throttled(reason: &'static str) -> Fault {
    fault::too_many_requests("Rate Exceeded.").with_member("Reason", reason)
}

/// The status that the client sees.
pub(crate) fn status_of(error: &InvokeError) -> u16 {
    invoke_fault(error).map_or(INTERNAL, |fault| fault.status)
}

const INTERNAL: u16 = 500;

fn invoke_fault(error: &InvokeError) -> Option<Fault> {
    match error {
        InvokeError::Throttled { reason } => Some(throttled(reason)),
        InvokeError::RuntimeNotInstalled(hint) => Some(fault::invalid_runtime(hint.clone())),
        InvokeError::SnapStart => Some(fault::snap_start(
            "The afterRestore() runtime hook encountered an error. For more information, check the Amazon CloudWatch logs.",
        )),
        InvokeError::SnapStartTimeout => Some(fault::snap_start_timeout(
            "Lambda couldn't restore the snapshot within the timeout limit.",
        )),
        InvokeError::SnapStartRegeneration(reason) => {
            let text = format!("Lambda couldn't regenerate the snapshot of this version: {reason}");
            Some(fault::snap_start_regeneration_failure(text))
        }
        InvokeError::StartFailed => Some(Fault::internal()),
        InvokeError::ShuttingDown => Some(fault::service("The server is shutting down.")),
    }
}
