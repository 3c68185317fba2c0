// SPDX-License-Identifier: Apache-2.0
//! Code and layers that lie in Amazon S3: read once, with the caller's own permission, and kept like code that came with the request.

use crate::Invoke;
use crate::error::Error;
use crate::service::Service;
use api::lambda::fault;
use bytes::Bytes;
use std::fmt;
use wire::{Blob, BoxFuture, Context, Fault, Result};

/// Which object it is.
#[derive(Debug, Clone, Copy)]
pub struct StoredCode<'a> {
    pub bucket: &'a str,
    pub key: &'a str,
    pub version: Option<&'a str>,
}

/// Whatever gives the bytes of objects: in a server it is Amazon S3. It asks what the caller may.
pub trait ReadCode: fmt::Debug + Send + Sync {
    /// The whole object, unless it is longer than `bytes_max`.
    fn read_code<'a>(
        &'a self,
        cx: &'a Context,
        code: StoredCode<'a>,
        bytes_max: u64,
    ) -> BoxFuture<'a, Result<Bytes>>;
}

/// The members of a request that say where code lies.
pub(crate) struct Members<'a> {
    pub(crate) zip_file: &'a mut Option<Blob>,
    pub(crate) bucket: &'a mut Option<String>,
    pub(crate) key: &'a mut Option<String>,
    pub(crate) version: &'a mut Option<String>,
}

impl<I: Invoke> Service<I> {
    /// Puts the bytes of the object in the place of its name. What else is wrong with the request is found afterwards.
    pub(crate) async fn read_stored_code(&self, cx: &Context, members: Members<'_>) -> Result<()> {
        let Some(stored) = &self.options.stored_code else { return Ok(()) };
        let (Some(bucket), Some(key), None) =
            (members.bucket.as_deref(), members.key.as_deref(), &members.zip_file)
        else {
            return Ok(());
        };
        let code = StoredCode { bucket, key, version: members.version.as_deref() };
        let bytes_max = self.options.package.unzipped_bytes_max;
        let bytes = stored.read_code(cx, code, bytes_max).await;
        let bytes = bytes.map_err(|fault| told(&fault, code))?;
        *members.zip_file = Some(Blob::from(bytes));
        (*members.bucket, *members.key, *members.version) = (None, None, None);
        Ok(())
    }
}

/// What S3 says, in Lambda's words.
fn told(found: &Fault, code: StoredCode<'_>) -> Fault {
    let said = format!("S3 Error Code: {}. S3 Error Message: {}", found.code, found.message);
    match (found.code.as_ref(), found.status) {
        ("AccessDenied", _) => {
            let StoredCode { bucket, key, .. } = code;
            let text = format!(
                "Your access has been denied by S3, please make sure your request credentials have permission to GetObject for {bucket}/{key}. {said}"
            );
            Fault::new("AccessDeniedException", 403, text).with_upper_message()
        }
        (_, 500..) => Fault::internal(),
        _ => fault::invalid_parameter_value(format!("Error occurred while GetObject. {said}")),
    }
}

/// Half of a name, or nobody to ask.
pub(crate) fn incomplete() -> Error {
    let text = "Code in S3 needs S3Bucket and S3Key, and a server that has Amazon S3.";
    Error::InvalidParameter(text.to_owned())
}
