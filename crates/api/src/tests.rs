// SPDX-License-Identifier: Apache-2.0
//! Declared services on the wire: request bytes in, what the service saw, response bytes out.

use crate::SERVICES;
use crate::lambda::*;
use crate::sts::{GetCallerIdentityInput, GetCallerIdentityOutput, Sts, StsEndpoint};
use bytes::Bytes;
use expect_test::{Expect, expect};
use std::collections::BTreeSet;
use std::sync::{Arc, Mutex};
use wire::{Caller, Constraints, Context, Endpoint, Result, Segment, Shape, Structure, route};

/// Keeps what it was asked, and answers what was recorded from AWS where we have it.
#[derive(Default)]
struct Recorder {
    seen: Mutex<String>,
}

impl Recorder {
    fn see(&self, input: &impl std::fmt::Debug) {
        *self.seen.lock().unwrap() = format!("{input:?}");
    }
}

impl FunctionOperations for Recorder {
    async fn create_function(
        &self,
        _: &Context,
        input: CreateFunctionInput,
    ) -> Result<FunctionConfiguration> {
        self.see(&input);
        Ok(FunctionConfiguration {
            function_name: input.function_name,
            runtime: input.runtime,
            state: Some(State::Pending),
            state_reason_code: Some(StateReasonCode::Creating),
            environment: input.environment.map(|environment| EnvironmentResponse {
                variables: environment.variables,
                error: None,
            }),
            ..FunctionConfiguration::default()
        })
    }

    async fn get_function(
        &self,
        _: &Context,
        input: GetFunctionInput,
    ) -> Result<GetFunctionOutput> {
        self.see(&input);
        Err(fault::resource_not_found("Function not found: x"))
    }

    async fn delete_function(
        &self,
        _: &Context,
        _: DeleteFunctionInput,
    ) -> Result<DeleteFunctionOutput> {
        Ok(DeleteFunctionOutput { status_code: Some(204) })
    }
}

impl InvokeOperations for Recorder {
    async fn invoke(&self, _: &Context, input: InvokeInput) -> Result<InvokeOutput> {
        self.see(&input);
        if input.invocation_type == Some(InvocationType::Event) {
            return Ok(InvokeOutput { status_code: Some(202), ..InvokeOutput::default() });
        }
        if input.tenant_id.is_some() {
            let throttle = fault::too_many_requests("Rate Exceeded.");
            return Err(throttle
                .with_member("Reason", "ReservedFunctionConcurrentInvocationLimitExceeded")
                .with_retry_after(1));
        }
        Ok(InvokeOutput {
            executed_version: Some("$LATEST".to_owned()),
            function_error: Some("Unhandled".to_owned()),
            payload: input.payload,
            ..InvokeOutput::default()
        })
    }
}

impl VersionOperations for Recorder {}

impl AliasOperations for Recorder {}

impl ConcurrencyOperations for Recorder {}

impl EventInvokeConfigOperations for Recorder {}

impl EventSourceMappingOperations for Recorder {}

impl FunctionUrlOperations for Recorder {}

impl PolicyOperations for Recorder {}

impl LayerOperations for Recorder {}

impl TagOperations for Recorder {
    async fn untag_resource(&self, _: &Context, input: UntagResourceInput) -> Result<()> {
        self.see(&input);
        Ok(())
    }
}

impl RuntimeManagementOperations for Recorder {}

impl RecursionOperations for Recorder {}

impl CodeSigningOperations for Recorder {}

impl CapacityProviderOperations for Recorder {}

impl DurableExecutionOperations for Recorder {}

impl Sts for Recorder {
    async fn get_caller_identity(
        &self,
        cx: &Context,
        _: GetCallerIdentityInput,
    ) -> Result<GetCallerIdentityOutput> {
        Ok(GetCallerIdentityOutput {
            user_id: cx.caller.user_id.clone(),
            account: cx.account.to_string(),
            arn: cx.caller.arn.clone(),
        })
    }
}

fn context() -> Context {
    Context {
        account: "000000000000".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        request_id: "6f2c1c36-93a3-4f7b-9a58-000000000001".parse().unwrap(),
        trace: names::TraceHeader::start(0),
        caller: Caller {
            arn: "arn:aws:iam::000000000000:root".to_owned(),
            user_id: "000000000000".to_owned(),
            access_key_id: "test".to_owned(),
        },
        authority: wire::Authority::Full,
        endpoint: "http://127.0.0.1:4566".to_owned(),
    }
}

/// `METHOD target`, headers, an empty line, the body.
async fn send(endpoint: &impl Endpoint, text: &str) -> String {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = http::Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    let (head, ()) = request.body(()).unwrap().into_parts();
    let route = route(endpoint.spec(), &head).expect("the request has a route");
    let request = http::Request::from_parts(head.clone(), Bytes::copy_from_slice(body.as_bytes()));
    let response = endpoint.call(&context(), route, request).await;
    let mut text = format!("{}\n", response.status().as_u16());
    for (name, value) in response.headers().iter().filter(|(name, _)| *name != "x-amzn-requestid") {
        text += &format!("{name}: {}\n", value.to_str().unwrap());
    }
    assert_eq!(response.headers()["x-amzn-requestid"], "6f2c1c36-93a3-4f7b-9a58-000000000001");
    text + std::str::from_utf8(response.body().whole().unwrap()).unwrap()
}

async fn check(request: &str, seen: Expect, answer: Expect) {
    let recorder = Arc::new(Recorder::default());
    let text = send(&LambdaEndpoint(recorder.clone()), request).await;
    seen.assert_eq(&recorder.seen.lock().unwrap());
    answer.assert_eq(&text);
}

#[tokio::test]
async fn create_function() {
    check(
        "POST /2015-03-31/functions\n\n{\"FunctionName\":\"hello\",\"Runtime\":\"python3.12\",\
         \"Role\":\"arn:aws:iam::000000000000:role/r\",\"Handler\":\"index.handler\",\"Code\":{\"ZipFile\":\"aGVsbG8=\"},\
         \"Timeout\":3,\"Environment\":{\"Variables\":{\"SECRET\":\"s3cr3t\"}},\"Architectures\":[\"arm64\"],\
         \"Tags\":{\"k\":\"v\"},\"VpcConfig\":{\"SubnetIds\":[],\"SecurityGroupIds\":[]}}",
        expect![[r#"CreateFunctionInput { function_name: "hello", runtime: Some("python3.12"), role: "arn:aws:iam::000000000000:role/r", handler: Some("index.handler"), code: FunctionCode { zip_file: Some(Blob(5 bytes)), s3_bucket: None, s3_key: None, s3_object_version: None, s3_object_storage_mode: None, image_uri: None, source_kms_key_arn: None }, description: None, timeout: Some(3), memory_size: None, publish: false, publish_to: None, vpc_config: Some(VpcConfig { subnet_ids: Some([]), security_group_ids: Some([]), ipv6_allowed_for_dual_stack: None }), package_type: None, dead_letter_config: None, environment: Some(Environment { variable_count: Some(1) }), kms_key_arn: None, tracing_config: None, tags: Some({"k": "v"}), layers: None, file_system_configs: None, code_signing_config_arn: None, image_config: None, architectures: Some([Arm64]), ephemeral_storage: None, snap_start: None, logging_config: None, tenancy_config: None, capacity_provider_config: None, durable_config: None, runtime_config: None, accelerator_config: None }"#]],
        expect![[r#"
            201
            content-type: application/json
            {"FunctionName":"hello","FunctionArn":"","Runtime":"python3.12","Role":"","CodeSize":0,"Description":"","Timeout":0,"MemorySize":0,"LastModified":"","CodeSha256":"","Version":"","Environment":{"Variables":{"SECRET":"s3cr3t"}},"RevisionId":"","State":"Pending","StateReasonCode":"Creating"}"#]],
    )
    .await;
}

#[tokio::test]
async fn create_function_refuses_what_the_model_refuses() {
    check(
        "POST /2015-03-31/functions\n\n{\"FunctionName\":\"a b\",\"Code\":{\"S3Bucket\":\"b.\"},\"MemorySize\":64,\
         \"Environment\":{\"Variables\":{\"1\":\"x\"}},\"Architectures\":[\"mips\"],\"PackageType\":\"Jar\"}",
        expect![[r#""#]],
        expect![[r#"
            400
            content-type: application/json
            x-amzn-errortype: ValidationException
            {"message":"8 validation errors detected: Value 'a b' at 'functionName' failed to satisfy constraint: Member must satisfy regular expression pattern: (arn:(aws[a-zA-Z-]*)?:lambda:)?((eusc-)?[a-z]{2}((-gov)|(-iso([a-z]?)))?-[a-z]+-\\d{1}:)?(\\d{12}:)?(function:)?([a-zA-Z0-9-_]+)(:(\\$LATEST|[a-zA-Z0-9-_]+))?; Value null at 'role' failed to satisfy constraint: Member must not be null; Value 'b.' at 'code.s3Bucket' failed to satisfy constraint: Member must have length greater than or equal to 3; Value 'b.' at 'code.s3Bucket' failed to satisfy constraint: Member must satisfy regular expression pattern: [0-9A-Za-z\\.\\-_]*(?<!\\.); Value '64' at 'memorySize' failed to satisfy constraint: Member must have value greater than or equal to 128; Value 'Jar' at 'packageType' failed to satisfy constraint: Member must satisfy enum value set: [Zip, Image]; Value at 'environment.variables' failed to satisfy constraint: Map keys must satisfy constraint: [Member must satisfy regular expression pattern: [a-zA-Z]([a-zA-Z0-9_])+, Member must not be null]; Value '[mips]' at 'architectures' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [x86_64, arm64], Member must not be null]"}"#]],
    )
    .await;
}

#[tokio::test]
async fn get_function_by_encoded_arn() {
    check(
        "GET /2015-03-31/functions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello?Qualifier=%24LATEST",
        expect![[r#"GetFunctionInput { function_name: "arn:aws:lambda:us-east-1:000000000000:function:hello", qualifier: Some("$LATEST") }"#]],
        expect![[r#"
            404
            content-type: application/json
            x-amzn-errortype: ResourceNotFoundException
            {"Type":"User","Message":"Function not found: x"}"#]],
    )
    .await;
}

#[tokio::test]
async fn invoke() {
    check(
        "POST /2015-03-31/functions/hello:live/invocations\nX-Amz-Log-Type: Tail\nX-Amz-Client-Context: e30=\n\n{\"a\":1}",
        expect![[r#"InvokeInput { function_name: "hello:live", invocation_type: None, log_type: Some(Tail), client_context: Some("e30="), durable_execution_name: None, payload: Blob(7 bytes), qualifier: None, tenant_id: None }"#]],
        expect![[r#"
            200
            x-amz-function-error: Unhandled
            x-amz-executed-version: $LATEST
            content-type: application/json
            {"a":1}"#]],
    )
    .await;
    check(
        "POST /2015-03-31/functions/hello/invocations\nX-Amz-Invocation-Type: Event\n\n{}",
        expect![[r#"InvokeInput { function_name: "hello", invocation_type: Some(Event), log_type: None, client_context: None, durable_execution_name: None, payload: Blob(2 bytes), qualifier: None, tenant_id: None }"#]],
        expect![[r#"
            202
        "#]],
    )
    .await;
    check(
        "POST /2015-03-31/functions/hello/invocations\nX-Amz-Tenant-Id: t\n\n{}",
        expect![[r#"InvokeInput { function_name: "hello", invocation_type: None, log_type: None, client_context: None, durable_execution_name: None, payload: Blob(2 bytes), qualifier: None, tenant_id: Some("t") }"#]],
        expect![[r#"
            429
            content-type: application/json
            x-amzn-errortype: TooManyRequestsException
            retry-after: 1
            {"Reason":"ReservedFunctionConcurrentInvocationLimitExceeded","Type":"User","message":"Rate Exceeded."}"#]],
    )
    .await;
    check(
        "POST /2015-03-31/functions/hello/invocations\nX-Amz-Invocation-Type: Later\n\n{}",
        expect![[r#""#]],
        expect![[r#"
            400
            content-type: application/json
            x-amzn-errortype: ValidationException
            {"message":"1 validation error detected: Value 'Later' at 'invocationType' failed to satisfy constraint: Member must satisfy enum value set: [Event, RequestResponse, DryRun]"}"#]],
    )
    .await;
}

#[tokio::test]
async fn delete_and_untag() {
    check(
        "DELETE /2015-03-31/functions/hello",
        expect![[r#""#]],
        expect![[r#"
        204
    "#]],
    )
    .await;
    check(
        "DELETE /2017-03-31/tags/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello?tagKeys=a&tagKeys=b",
        expect![[r#"UntagResourceInput { resource: "arn:aws:lambda:us-east-1:000000000000:function:hello", tag_keys: ["a", "b"] }"#]],
        expect![[r#"
            204
        "#]],
    )
    .await;
}

#[tokio::test]
async fn operations_that_are_not_built_say_so() {
    check(
        "GET /2019-09-30/functions/hello/provisioned-concurrency?List=ALL",
        expect![[r#""#]],
        expect![[r#"
        501
        content-type: application/json
        x-amzn-errortype: NotImplementedException
        {"message":"ListProvisionedConcurrencyConfigs is not available in this build of Tinderbox"}"#]],
    )
    .await;
    // Its input is checked first.
    check(
        "PUT /2025-11-30/functions/hello/function-scaling-config?Qualifier=live",
        expect![[r#""#]],
        expect![[r#"
            400
            content-type: application/json
            x-amzn-errortype: ValidationException
            {"message":"1 validation error detected: Value 'live' at 'qualifier' failed to satisfy constraint: Member must satisfy regular expression pattern: (\\$LATEST\\.PUBLISHED|[0-9]+)"}"#]],
    )
    .await;
    check(
        "POST /2025-12-01/durable-execution-callbacks/YQ==/fail\n\n{\"ErrorMessage\":1}",
        expect![[r#""#]],
        expect![[r#"
            400
            content-type: application/json
            x-amzn-errortype: SerializationException
            {"message":"NUMBER_VALUE can not be converted to a String"}"#]],
    )
    .await;
    check(
        "POST /2025-12-01/durable-execution-callbacks/YQ==/fail\n\n{\"ErrorMessage\":\"x\"}",
        expect![[r#""#]],
        expect![[r#"
            501
            content-type: application/json
            x-amzn-errortype: NotImplementedException
            {"message":"SendDurableExecutionCallbackFailure is not available in this build of Tinderbox"}"#]],
    )
    .await;
    // Typed, and left out by this implementation.
    check(
        "GET /2016-08-19/account-settings",
        expect![[r#""#]],
        expect![[r#"
        501
        content-type: application/json
        x-amzn-errortype: NotImplementedException
        {"message":"GetAccountSettings is not available in this build of Tinderbox"}"#]],
    )
    .await;
}

#[tokio::test]
async fn caller_identity() {
    let endpoint = StsEndpoint(Recorder::default());
    expect![[r#"
        200
        content-type: text/xml
        <GetCallerIdentityResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><GetCallerIdentityResult><UserId>000000000000</UserId><Account>000000000000</Account><Arn>arn:aws:iam::000000000000:root</Arn></GetCallerIdentityResult><ResponseMetadata><RequestId>6f2c1c36-93a3-4f7b-9a58-000000000001</RequestId></ResponseMetadata></GetCallerIdentityResponse>"#]]
        .assert_eq(&send(&endpoint, "POST /\n\nAction=GetCallerIdentity&Version=2011-06-15").await);
    expect![[r#"
        501
        content-type: text/xml
        <ErrorResponse xmlns="https://sts.amazonaws.com/doc/2011-06-15/"><Error><Type>Receiver</Type><Code>NotImplementedException</Code><Message>GetFederationToken is not available in this build of Tinderbox</Message></Error><RequestId>6f2c1c36-93a3-4f7b-9a58-000000000001</RequestId></ErrorResponse>"#]]
        .assert_eq(&send(&endpoint, "POST /\n\nAction=GetFederationToken&Version=2011-06-15").await);
}

/// Each operation is found by its own template, with labels that need decoding.
#[test]
fn every_lambda_operation_has_its_own_route() {
    assert_eq!(SPEC.operations.len(), 91);
    for (index, operation) in SPEC.operations.iter().enumerate() {
        let template = operation.path.expect("each operation of REST has a path");
        let segments = template.segments.iter().map(|segment| match segment {
            Segment::Literal(literal) => *literal,
            Segment::Label(_) => "a%3Ab%2Fc",
        });
        let path = segments.collect::<Vec<_>>().join("/");
        let query: Vec<_> =
            template.query.iter().map(|(name, value)| format!("{name}={value}")).collect();
        for target in
            [format!("/{path}?{}", query.join("&")), format!("/{path}/?x=y&{}", query.join("&"))]
        {
            let request =
                http::Request::builder().method(template.method).uri(&target).body(()).unwrap();
            let (head, ()) = request.into_parts();
            let route = route(&SPEC, &head).unwrap_or_else(|| panic!("{target} has a route"));
            assert_eq!(route.operation, Some(index), "{} at {target}", operation.name);
            assert!(route.labels.iter().all(|(_, text)| text == "a:b/c"), "{:?}", route.labels);
        }
    }
}

#[test]
fn operations_and_errors_are_declared_once() {
    for service in SERVICES {
        let has_messages = service.signing_name != "s3";
        let names: BTreeSet<_> =
            service.operations.iter().map(|operation| operation.name).collect();
        assert_eq!(names.len(), service.operations.len(), "{}", service.signing_name);
        let codes: BTreeSet<_> = service.faults.iter().map(|fault| fault.code).collect();
        assert_eq!(codes.len(), service.faults.len(), "{}", service.signing_name);
        assert!(
            service
                .operations
                .iter()
                .all(|operation| (operation.is_built && has_messages) == operation.output.is_some())
        );
    }
}

/// Patterns are compiled at first use: here is each one's.
#[test]
fn every_pattern_compiles() {
    fn visit_constraints(constraints: &Constraints, count: &mut usize) {
        if let Some(pattern) = constraints.pattern {
            let _ = (pattern.is_match)("a");
            *count += 1;
        }
        for part in [constraints.each, constraints.keys].into_iter().flatten() {
            visit_constraints(part, count);
        }
    }
    fn visit_structure(structure: &Structure, count: &mut usize) {
        for member in structure.members {
            visit_constraints(&member.constraints, count);
            visit_shape(member.shape, count);
        }
    }
    fn visit_shape(shape: Shape, count: &mut usize) {
        match shape {
            Shape::List(item) | Shape::Map(item) => visit_shape(*item, count),
            Shape::Structure(structure) => visit_structure(structure, count),
            _ => {}
        }
    }
    let mut count = 0;
    for operation in SERVICES.iter().flat_map(|service| service.operations) {
        for structure in [operation.input, operation.output].into_iter().flatten() {
            visit_structure(structure, &mut count);
        }
    }
    assert!(count > 50, "{count} patterns");
}

#[test]
fn patterns_that_are_tested_by_hand() {
    let is_match =
        |constraints: Constraints, text: &str| (constraints.pattern.unwrap().is_match)(text);
    for (text, expected) in [
        ("hello", true),
        ("hello.world:$LATEST.PUBLISHED", true),
        ("us-east-1:000000000000:function:hello:1", true),
        ("arn:aws:lambda:us-east-1:000000000000:function:hello:live", true),
        ("arn:aws:lambda:us-east-1:000000000000:layer:hello:live:x", false),
        ("hello world", false),
        ("", false),
    ] {
        assert_eq!(is_match(constraints::NAMESPACED_FUNCTION_NAME, text), expected, "{text}");
    }
    for (text, expected) in
        [("$LATEST.PUBLISHED", true), ("live", true), ("7", true), ("a.b", false), ("", false)]
    {
        let qualifier = constraints::NUMERIC_LATEST_PUBLISHED_OR_ALIAS_QUALIFIER;
        assert_eq!(is_match(qualifier, text), expected, "{text}");
    }
    for (text, expected) in
        [("live", true), ("7a", true), ("-", true), ("7", false), ("a b", false), ("", false)]
    {
        assert_eq!(is_match(constraints::ALIAS, text), expected, "{text}");
    }
    for (text, expected) in [
        ("hello", true),
        ("hello:live", true),
        ("hello:7", false),
        ("000000000000:7", true),
        ("arn:aws:lambda:us-east-1:000000000000:function:hello:7a", true),
        ("arn:aws:lambda:us-east-1:000000000000:function:hello:$LATEST", false),
        ("hello:", false),
        ("", false),
    ] {
        assert_eq!(is_match(constraints::FUNCTION_URL_FUNCTION_NAME, text), expected, "{text}");
    }
    for (text, expected) in [("live", true), ("7", false), ("$LATEST", false), ("7-", true)] {
        assert_eq!(is_match(constraints::FUNCTION_URL_QUALIFIER, text), expected, "{text}");
    }
    for (text, expected) in
        [("people", true), ("_a.b c", true), ("system.users", false), ("a$", false), (".a", false)]
    {
        assert_eq!(is_match(constraints::COLLECTION_NAME, text), expected, "{text}");
    }
    for (text, expected) in [("my.bucket-1", true), ("bucket.", false), ("b c", false), ("", true)]
    {
        assert_eq!(is_match(constraints::S3_BUCKET, text), expected, "{text}");
    }
    for (text, expected) in
        [("Größe 東京_.:/=+-@", true), ("a\u{2028}b", true), ("a\tb", false), ("a*b", false)]
    {
        assert_eq!(is_match(constraints::TAG_KEY, text), expected, "{text}");
    }
}

#[test]
fn what_is_stored_is_read_again() {
    let stored = FunctionConfiguration {
        function_name: "hello".to_owned(),
        timeout: 3,
        architectures: Some(vec![Architecture::Arm64]),
        tenancy_config: Some(TenancyConfig {
            tenant_isolation_mode: TenantIsolationMode::PerTenant,
        }),
        ..FunctionConfiguration::default()
    };
    let json = serde_json::to_string(&stored).unwrap();
    assert_eq!(serde_json::from_str::<FunctionConfiguration>(&json).unwrap(), stored);
}
