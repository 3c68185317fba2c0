// SPDX-License-Identifier: Apache-2.0
//! Code and layers that lie in Amazon S3: `lambda` names them, `s3` reads them for the caller.

use bytes::Bytes;
use lambda::{ReadCode, StoredCode};
use s3::S3;
use wire::{BoxFuture, Context, Result};

#[derive(Debug)]
pub(crate) struct CodeInBuckets(pub(crate) S3);

impl ReadCode for CodeInBuckets {
    fn read_code<'a>(
        &'a self,
        cx: &'a Context,
        code: StoredCode<'a>,
        bytes_max: u64,
    ) -> BoxFuture<'a, Result<Bytes>> {
        let StoredCode { bucket, key, version } = code;
        Box::pin(self.0.read(cx, bucket, key, version, bytes_max))
    }
}
