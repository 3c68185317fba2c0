// SPDX-License-Identifier: Apache-2.0
//! What a service looks like to whoever dispatches requests to it.

use crate::{Body, Context, FaultSpec, Structure};
use bytes::Bytes;
use std::future::Future;
use std::pin::Pin;

pub type BoxFuture<'a, T> = Pin<Box<dyn Future<Output = T> + Send + 'a>>;
pub type Request = http::Request<Bytes>;
pub type Response = http::Response<Body>;

/// A service that can be called over the wire. `#[service]` writes this for each declared trait.
pub trait Endpoint: Send + Sync + 'static {
    fn spec(&self) -> &'static ServiceSpec;

    /// Runs `operation` (an index into `spec().operations`) on a request whose body was read whole.
    /// Never fails: a fault becomes a response in the caller's protocol.
    fn call<'a>(
        &'a self,
        cx: &'a Context,
        route: Route<'a>,
        request: Request,
    ) -> BoxFuture<'a, Response>;
}

/// The protocol a request came in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Protocol {
    RestJson,
    /// `X-Amz-Target`, JSON 1.0
    Json10,
    /// `X-Amz-Target`, JSON 1.1
    Json11,
    /// A form in, XML out.
    Query,
    /// Smithy's RPC version 2: CBOR in and out, the operation in the path.
    RpcCbor,
    /// Amazon S3's. Its service reads and writes the messages itself: most of them are bytes as they come.
    RestXml,
}

/// The protocols of a service, as a type. `#[service]` writes one for each.
pub trait Protocols: 'static {
    const ALL: &'static [Protocol];

    const HAS_REST_JSON: bool = has(Self::ALL, &[Protocol::RestJson]);
    const HAS_JSON: bool = has(Self::ALL, &[Protocol::Json10, Protocol::Json11]);
    const HAS_QUERY: bool = has(Self::ALL, &[Protocol::Query]);
    const HAS_RPC_CBOR: bool = has(Self::ALL, &[Protocol::RpcCbor]);
}

/// Whether any of `wanted` is among `all`.
const fn has(all: &[Protocol], wanted: &[Protocol]) -> bool {
    let mut rest = all;
    while let [one, others @ ..] = rest {
        let mut asked = wanted;
        while let [this, more @ ..] = asked {
            if *one as u8 == *this as u8 {
                return true;
            }
            asked = more;
        }
        rest = others;
    }
    false
}

/// Which operation a request asks for, found from its head alone, so that body limits apply while reading.
#[derive(Debug, Clone)]
pub struct Route<'a> {
    pub protocol: Protocol,
    /// Index into `ServiceSpec::operations`. For `Query` the name stands in the body: `None` until it was read.
    pub operation: Option<usize>,
    /// Path labels, percent-decoded, in the order of the template.
    pub labels: Vec<(&'static str, std::borrow::Cow<'a, str>)>,
}

#[derive(Debug)]
pub struct ServiceSpec {
    /// The name in a SigV4 credential scope: `lambda`, `sts`.
    pub signing_name: &'static str,
    /// The `X-Amz-Target` prefix, for JSON services.
    pub target_prefix: Option<&'static str>,
    pub protocols: &'static [Protocol],
    /// Version of the API, as Query requests carry it: `2011-06-15`.
    pub api_version: &'static str,
    /// XML namespace of Query answers.
    pub xml_namespace: &'static str,
    /// The code of the error that lists broken constraints.
    pub validation: &'static str,
    pub operations: &'static [OperationSpec],
    /// Every error the model declares.
    pub faults: &'static [FaultSpec],
}

impl ServiceSpec {
    /// For `..ServiceSpec::EMPTY`.
    pub const EMPTY: Self = Self {
        signing_name: "",
        target_prefix: None,
        protocols: &[],
        api_version: "",
        xml_namespace: "",
        validation: "ValidationException",
        operations: &[],
        faults: &[],
    };
}

#[derive(Debug, Clone, Copy)]
pub struct OperationSpec {
    /// `CreateFunction`
    pub name: &'static str,
    /// `POST /2015-03-31/functions/{FunctionName}/invocations`, for REST services.
    pub http: Option<&'static str>,
    /// The status of a success.
    pub status: u16,
    /// Bytes; a longer body is refused while it is read.
    pub body_max: usize,
    /// Whether this build has an implementation, as opposed to a declaration.
    pub is_built: bool,
    /// `http`, taken apart for [`crate::route`].
    pub path: Option<PathTemplate>,
    /// What a caller must be allowed: `lambda:InvokeFunction`. Empty: everyone who signed may call it.
    pub action: &'static str,
    /// Members of the input and the output, for operations that are typed. An operation that is not built and has an
    /// input checks requests before it refuses them.
    pub input: Option<&'static Structure>,
    pub output: Option<&'static Structure>,
}

impl OperationSpec {
    /// For `..OperationSpec::EMPTY`.
    pub const EMPTY: Self = Self {
        name: "",
        http: None,
        status: 200,
        body_max: BODY_MAX,
        is_built: false,
        path: None,
        action: "",
        input: None,
        output: None,
    };
}

/// The operations of all parts of a service, in their order. `COUNT` is how many there are.
#[expect(
    clippy::indexing_slicing,
    reason = "runs while it is compiled: a wrong index stops the build"
)]
pub const fn joined<const COUNT: usize>(parts: &[&[OperationSpec]]) -> [OperationSpec; COUNT] {
    let mut all = [OperationSpec::EMPTY; COUNT];
    let (mut count, mut part) = (0, 0);
    while part < parts.len() {
        let mut place = 0;
        while place < parts[part].len() {
            all[count] = parts[part][place];
            (count, place) = (count + 1, place + 1);
        }
        part += 1;
    }
    assert!(count == COUNT, "each operation has a row");
    all
}

/// The limit of a body for operations that declare none: AWS's for most JSON and Query requests.
pub const BODY_MAX: usize = 1_048_576;

#[derive(Debug, Clone, Copy)]
pub struct PathTemplate {
    pub method: &'static str,
    pub segments: &'static [Segment],
    /// Pairs that the query string must hold: `find=LayerVersion`.
    pub query: &'static [(&'static str, &'static str)],
}

/// What stands between two slashes.
#[derive(Debug, Clone, Copy)]
pub enum Segment {
    Literal(&'static str),
    Label(&'static str),
}
