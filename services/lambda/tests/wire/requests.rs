// SPDX-License-Identifier: Apache-2.0
//! A valid request of every operation of AWS Lambda, on a platform that has something of each kind.

use crate::platform::{FUNCTIONS, Platform, ROLE, base64, code, zip};
use serde_json::{Value, json};

pub(crate) const HELLO: &str = "arn:aws:lambda:us-east-1:000000000000:function:hello";
const QUEUE: &str = "arn:aws:sqs:us-east-1:000000000000:queue";
const STREAM: &str = "arn:aws:kinesis:us-east-1:000000000000:stream/s";
const PROFILE: &str = "arn:aws:signer:us-east-1:000000000000:/signing-profiles/p";
const EXECUTION: &str = "/2025-12-01/durable-executions/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Afunction%3Ahello%3A1%2Fdurable-execution%2Fa%2Fb";

/// Operation, method, path and body.
pub(crate) type Request = (&'static str, &'static str, String, Value);

/// Two versions, an alias, a layer, a URL, a policy, a mapping, a signing configuration and more, of one function.
pub(crate) async fn fill(platform: &Platform) -> Vec<Request> {
    platform.create("hello").await;
    platform.publish("hello", json!({})).await;
    platform.update_code("hello", json!({"ZipFile": code("two")})).await;
    platform.settled("hello").await;
    platform.publish("hello", json!({})).await;
    let call = async |method: &str, path: &str, body: Value| {
        let answer = platform.call(method, path, body).await;
        assert!(answer.status < 300, "{method} {path}: {}", answer.show());
        answer.json()
    };
    call(
        "POST",
        &format!("{FUNCTIONS}/hello/aliases"),
        json!({"Name": "live", "FunctionVersion": "1"}),
    )
    .await;
    let layer = json!({"Content": {"ZipFile": base64(zip(&[("a", "1")]))}});
    call("POST", "/2018-10-31/layers/libs/versions", layer).await;
    call("POST", "/2021-10-31/functions/hello/url", json!({"AuthType": "NONE"})).await;
    let mapping = json!({"FunctionName": "hello", "EventSourceArn": QUEUE});
    let mapping = call("POST", "/2015-03-31/event-source-mappings", mapping).await;
    let signing = json!({"AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]}});
    let signing = call("POST", "/2020-04-22/code-signing-configs", signing).await;
    let signing = signing["CodeSigningConfig"]["CodeSigningConfigArn"].as_str().unwrap();
    requests(mapping["UUID"].as_str().unwrap(), signing)
}

fn requests(mapping: &str, signing: &str) -> Vec<Request> {
    let mut all = functions();
    all.extend(versions());
    all.extend(concurrency());
    all.extend(event_invoke_and_urls());
    all.extend(mappings(mapping));
    all.extend(code_signing(signing));
    all.extend(policies());
    all.extend(layers());
    all.extend(capacity());
    all.extend(durable());
    all
}

fn row(operation: &'static str, method: &'static str, path: &str, body: Value) -> Request {
    (operation, method, path.to_owned(), body)
}

fn functions() -> Vec<Request> {
    let settings = json!({"Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler", "Description": "d", "Timeout": 5,
        "MemorySize": 256, "EphemeralStorage": {"Size": 600}, "Environment": {"Variables": {"WHO": "me", "OTHER": "c"}},
        "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": ["sg-1"]}, "TracingConfig": {"Mode": "Active"},
        "LoggingConfig": {"LogGroup": "/a"}, "Layers": ["arn:aws:lambda:us-east-1:000000000000:layer:libs:1"],
        "SnapStart": {"ApplyOn": "None"}, "KMSKeyArn": "", "DeadLetterConfig": {"TargetArn": ""}, "FileSystemConfigs": []});
    let mut create = json!({"FunctionName": "new", "Code": {"ZipFile": code("one")}, "Publish": true, "PackageType": "Zip",
        "Tags": {"a": "1"}});
    create.as_object_mut().unwrap().extend(settings.as_object().unwrap().clone());
    let tags = format!("/2017-03-31/tags/{HELLO}");
    vec![
        row("CreateFunction", "POST", FUNCTIONS, create),
        row("GetFunction", "GET", &format!("{FUNCTIONS}/hello?Qualifier=live"), Value::Null),
        row(
            "GetFunctionConfiguration",
            "GET",
            &format!("{FUNCTIONS}/{HELLO}/configuration?Qualifier=1"),
            Value::Null,
        ),
        row(
            "ListFunctions",
            "GET",
            &format!(
                "{FUNCTIONS}?FunctionVersion=ALL&MasterRegion=us-east-1&Marker=aGVsbG86MQ&MaxItems=2"
            ),
            Value::Null,
        ),
        row(
            "UpdateFunctionCode",
            "PUT",
            &format!("{FUNCTIONS}/hello/code"),
            json!({"ZipFile": code("three"), "Publish": false, "DryRun": true, "Architectures": ["x86_64"], "RevisionId": "x"}),
        ),
        row(
            "UpdateFunctionConfiguration",
            "PUT",
            &format!("{FUNCTIONS}/hello/configuration"),
            settings,
        ),
        row("DeleteFunction", "DELETE", &format!("{FUNCTIONS}/gone?Qualifier=7"), Value::Null),
        row("GetAccountSettings", "GET", "/2016-08-19/account-settings", Value::Null),
        row(
            "Invoke",
            "POST",
            &format!("{FUNCTIONS}/hello/invocations?Qualifier=live"),
            json!({"a": [1, null]}),
        ),
        row(
            "InvokeWithResponseStream",
            "POST",
            "/2021-11-15/functions/hello/response-streaming-invocations?Qualifier=live",
            json!({"a": 1}),
        ),
        row("InvokeAsync", "POST", "/2014-11-13/functions/hello/invoke-async", json!({"a": 1})),
        row("TagResource", "POST", &tags, json!({"Tags": {"a": "1", "b": ""}})),
        row("UntagResource", "DELETE", &format!("{tags}?tagKeys=a&tagKeys=c"), Value::Null),
        row("ListTags", "GET", &tags, Value::Null),
    ]
}

fn versions() -> Vec<Request> {
    let of = format!("{FUNCTIONS}/hello");
    let weights = json!({"AdditionalVersionWeights": {"2": 0.5}});
    vec![
        row(
            "PublishVersion",
            "POST",
            &format!("{of}/versions"),
            json!({"CodeSha256": "", "Description": "d", "RevisionId": "x"}),
        ),
        row(
            "ListVersionsByFunction",
            "GET",
            &format!("{of}/versions?Marker=aGVsbG86MQ&MaxItems=3"),
            Value::Null,
        ),
        row(
            "CreateAlias",
            "POST",
            &format!("{of}/aliases"),
            json!({"Name": "a", "FunctionVersion": "1", "Description": "d", "RoutingConfig": weights}),
        ),
        row("GetAlias", "GET", &format!("{of}/aliases/live"), Value::Null),
        row(
            "UpdateAlias",
            "PUT",
            &format!("{of}/aliases/live"),
            json!({"FunctionVersion": "1", "RevisionId": "x", "RoutingConfig": weights}),
        ),
        row("DeleteAlias", "DELETE", &format!("{of}/aliases/gone"), Value::Null),
        row(
            "ListAliases",
            "GET",
            &format!("{of}/aliases?FunctionVersion=1&MaxItems=1&Marker=bGl2ZTokTEFURVNU"),
            Value::Null,
        ),
        row(
            "GetRuntimeManagementConfig",
            "GET",
            "/2021-07-20/functions/hello/runtime-management-config?Qualifier=1",
            Value::Null,
        ),
        row(
            "PutRuntimeManagementConfig",
            "PUT",
            "/2021-07-20/functions/hello/runtime-management-config",
            json!({"UpdateRuntimeOn": "Auto"}),
        ),
        row(
            "GetFunctionRecursionConfig",
            "GET",
            "/2024-08-31/functions/hello/recursion-config",
            Value::Null,
        ),
        row(
            "PutFunctionRecursionConfig",
            "PUT",
            "/2024-08-31/functions/hello/recursion-config",
            json!({"RecursiveLoop": "Allow"}),
        ),
    ]
}

fn concurrency() -> Vec<Request> {
    let provisioned = "/2019-09-30/functions/hello/provisioned-concurrency";
    let of_alias = format!("{provisioned}?Qualifier=live");
    vec![
        row(
            "PutFunctionConcurrency",
            "PUT",
            "/2017-10-31/functions/hello/concurrency",
            json!({"ReservedConcurrentExecutions": 5}),
        ),
        row(
            "GetFunctionConcurrency",
            "GET",
            "/2019-09-30/functions/hello/concurrency",
            Value::Null,
        ),
        row(
            "DeleteFunctionConcurrency",
            "DELETE",
            "/2017-10-31/functions/hello/concurrency",
            Value::Null,
        ),
        row(
            "PutProvisionedConcurrencyConfig",
            "PUT",
            &of_alias,
            json!({"ProvisionedConcurrentExecutions": 1}),
        ),
        row("GetProvisionedConcurrencyConfig", "GET", &of_alias, Value::Null),
        row(
            "ListProvisionedConcurrencyConfigs",
            "GET",
            &format!("{provisioned}?List=ALL&MaxItems=2"),
            Value::Null,
        ),
        row("DeleteProvisionedConcurrencyConfig", "DELETE", &of_alias, Value::Null),
    ]
}

fn event_invoke_and_urls() -> Vec<Request> {
    let event_invoke = "/2019-09-25/functions/hello/event-invoke-config";
    let of_alias = format!("{event_invoke}?Qualifier=live");
    let retries = json!({"MaximumRetryAttempts": 1, "MaximumEventAgeInSeconds": 60,
        "DestinationConfig": {"OnSuccess": {"Destination": QUEUE}, "OnFailure": {}}});
    let (url, cors) = (
        "/2021-10-31/functions/hello/url",
        json!({"AllowOrigins": ["*"], "AllowMethods": ["GET"], "MaxAge": 1}),
    );
    vec![
        row("PutFunctionEventInvokeConfig", "PUT", &of_alias, retries.clone()),
        row("UpdateFunctionEventInvokeConfig", "POST", &of_alias, retries),
        row("GetFunctionEventInvokeConfig", "GET", &of_alias, Value::Null),
        row(
            "ListFunctionEventInvokeConfigs",
            "GET",
            &format!("{event_invoke}/list?MaxItems=1&Marker=bGl2ZTokTEFURVNU"),
            Value::Null,
        ),
        row("DeleteFunctionEventInvokeConfig", "DELETE", event_invoke, Value::Null),
        row(
            "CreateFunctionUrlConfig",
            "POST",
            &format!("{url}?Qualifier=live"),
            json!({"AuthType": "AWS_IAM", "Cors": cors, "InvokeMode": "BUFFERED"}),
        ),
        row("GetFunctionUrlConfig", "GET", url, Value::Null),
        row(
            "ListFunctionUrlConfigs",
            "GET",
            "/2021-10-31/functions/hello/urls?MaxItems=1&Marker=bGl2ZTokTEFURVNU",
            Value::Null,
        ),
        row("UpdateFunctionUrlConfig", "PUT", url, json!({"AuthType": "NONE", "Cors": cors})),
        row("DeleteFunctionUrlConfig", "DELETE", &format!("{url}?Qualifier=gone"), Value::Null),
    ]
}

fn mappings(mapping: &str) -> Vec<Request> {
    let mappings = "/2015-03-31/event-source-mappings";
    let source = json!({"FunctionName": "hello:live", "EventSourceArn": STREAM, "StartingPosition": "LATEST", "BatchSize": 5,
        "MaximumBatchingWindowInSeconds": 1, "ParallelizationFactor": 2, "TumblingWindowInSeconds": 3, "MaximumRecordAgeInSeconds": 60,
        "MaximumRetryAttempts": 1, "BisectBatchOnFunctionError": true, "Tags": {"a": "1"}, "FunctionResponseTypes": ["ReportBatchItemFailures"],
        "FilterCriteria": {"Filters": [{"Pattern": "{\"data\":{\"a\":[1]}}"}]}, "DestinationConfig": {"OnFailure": {"Destination": QUEUE}}});
    let update = json!({"FunctionName": "hello", "Enabled": false, "BatchSize": 10, "ScalingConfig": {"MaximumConcurrency": 2}});
    vec![
        row("CreateEventSourceMapping", "POST", mappings, source),
        row("GetEventSourceMapping", "GET", &format!("{mappings}/{mapping}"), Value::Null),
        row(
            "ListEventSourceMappings",
            "GET",
            &format!("{mappings}/?FunctionName=hello&EventSourceArn={QUEUE}&MaxItems=5"),
            Value::Null,
        ),
        row("UpdateEventSourceMapping", "PUT", &format!("{mappings}/{mapping}"), update),
        row(
            "DeleteEventSourceMapping",
            "DELETE",
            &format!("{mappings}/6f2c1c36-93a3-4f7b-9a58-000000000001"),
            Value::Null,
        ),
    ]
}

fn code_signing(signing: &str) -> Vec<Request> {
    let (configs, of_hello) =
        ("/2020-04-22/code-signing-configs", "/2020-06-30/functions/hello/code-signing-config");
    let config = json!({"Description": "d", "AllowedPublishers": {"SigningProfileVersionArns": [PROFILE]},
        "CodeSigningPolicies": {"UntrustedArtifactOnDeployment": "Warn"}});
    vec![
        row("CreateCodeSigningConfig", "POST", configs, config.clone()),
        row("GetCodeSigningConfig", "GET", &format!("{configs}/{signing}"), Value::Null),
        row("ListCodeSigningConfigs", "GET", &format!("{configs}?MaxItems=2"), Value::Null),
        row("UpdateCodeSigningConfig", "PUT", &format!("{configs}/{signing}"), config),
        row(
            "DeleteCodeSigningConfig",
            "DELETE",
            &format!("{configs}/{}0", &signing[..signing.len() - 1]),
            Value::Null,
        ),
        row(
            "ListFunctionsByCodeSigningConfig",
            "GET",
            &format!("{configs}/{signing}/functions?MaxItems=2"),
            Value::Null,
        ),
        row(
            "PutFunctionCodeSigningConfig",
            "PUT",
            of_hello,
            json!({"CodeSigningConfigArn": signing}),
        ),
        row("GetFunctionCodeSigningConfig", "GET", of_hello, Value::Null),
        row("DeleteFunctionCodeSigningConfig", "DELETE", of_hello, Value::Null),
    ]
}

fn policies() -> Vec<Request> {
    let of = format!("{FUNCTIONS}/hello/policy");
    let whole = format!("/2026-07-09/resource-policy/{HELLO}");
    let document = json!({"Version": "2012-10-17", "Statement": [
        {"Effect": "Allow", "Principal": "*", "Action": "lambda:InvokeFunction", "Resource": HELLO}]});
    let statement = json!({"StatementId": "s", "Action": "lambda:InvokeFunction", "Principal": "s3.amazonaws.com",
        "SourceArn": "arn:aws:s3:::b", "SourceAccount": "123456789012", "RevisionId": "x", "PrincipalOrgID": "o-1234567890"});
    vec![
        row("AddPermission", "POST", &format!("{of}?Qualifier=live"), statement),
        row(
            "RemovePermission",
            "DELETE",
            &format!("{of}/s?Qualifier=live&RevisionId=x"),
            Value::Null,
        ),
        row("GetPolicy", "GET", &format!("{of}?Qualifier=live"), Value::Null),
        row("PutResourcePolicy", "PUT", &whole, json!({"Policy": document.to_string()})),
        row("GetResourcePolicy", "GET", &whole, Value::Null),
        row(
            "DeleteResourcePolicy",
            "DELETE",
            &format!("{whole}?RevisionId=6f2c1c36-93a3-4f7b-9a58-000000000001"),
            Value::Null,
        ),
    ]
}

fn layers() -> Vec<Request> {
    let of = "/2018-10-31/layers/libs/versions";
    let publish = json!({"Content": {"ZipFile": base64(zip(&[("a", "1")]))}, "Description": "d",
        "CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["x86_64"], "LicenseInfo": "MIT"});
    let permission =
        json!({"StatementId": "s", "Action": "lambda:GetLayerVersion", "Principal": "*"});
    vec![
        row("PublishLayerVersion", "POST", of, publish),
        row("GetLayerVersion", "GET", &format!("{of}/1"), Value::Null),
        row(
            "GetLayerVersionByArn",
            "GET",
            "/2018-10-31/layers?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:000000000000:layer:libs:1",
            Value::Null,
        ),
        row(
            "ListLayers",
            "GET",
            "/2018-10-31/layers?CompatibleRuntime=python3.12&CompatibleArchitecture=x86_64&MaxItems=3",
            Value::Null,
        ),
        row("ListLayerVersions", "GET", &format!("{of}?Marker=bGliczox"), Value::Null),
        row("DeleteLayerVersion", "DELETE", "/2018-10-31/layers/gone/versions/1", Value::Null),
        row("AddLayerVersionPermission", "POST", &format!("{of}/1/policy"), permission),
        row("GetLayerVersionPolicy", "GET", &format!("{of}/1/policy"), Value::Null),
        row("RemoveLayerVersionPermission", "DELETE", &format!("{of}/1/policy/s"), Value::Null),
    ]
}

fn capacity() -> Vec<Request> {
    let providers = "/2025-11-30/capacity-providers";
    let provider = json!({"CapacityProviderName": "p", "VpcConfig": {"SubnetIds": ["subnet-1"], "SecurityGroupIds": []},
        "PermissionsConfig": {"CapacityProviderOperatorRoleArn": ROLE}});
    let scaling = "/2025-11-30/functions/gone/function-scaling-config?Qualifier=1";
    vec![
        row("CreateCapacityProvider", "POST", providers, provider),
        row("GetCapacityProvider", "GET", &format!("{providers}/p"), Value::Null),
        row(
            "ListCapacityProviders",
            "GET",
            &format!("{providers}?State=Active&MaxItems=1"),
            Value::Null,
        ),
        row(
            "UpdateCapacityProvider",
            "PUT",
            &format!("{providers}/p"),
            json!({"PropagateTags": {"Mode": "None"}}),
        ),
        row("DeleteCapacityProvider", "DELETE", &format!("{providers}/p"), Value::Null),
        row(
            "ListFunctionVersionsByCapacityProvider",
            "GET",
            &format!("{providers}/p/function-versions?MaxItems=1"),
            Value::Null,
        ),
        row(
            "PutFunctionScalingConfig",
            "PUT",
            scaling,
            json!({"FunctionScalingConfig": {"MinExecutionEnvironments": 1}}),
        ),
        row("GetFunctionScalingConfig", "GET", scaling, Value::Null),
    ]
}

fn durable() -> Vec<Request> {
    let callbacks = "/2025-12-01/durable-execution-callbacks/YQ==";
    let update = json!({"Id": "a", "Type": "STEP", "Action": "START", "StepOptions": {"NextAttemptDelaySeconds": 1}});
    let error = json!({"ErrorMessage": "m", "ErrorType": "t", "StackTrace": ["s"]});
    vec![
        row(
            "CheckpointDurableExecution",
            "POST",
            &format!("{EXECUTION}/checkpoint"),
            json!({"CheckpointToken": "YQ==", "Updates": [update]}),
        ),
        row(
            "GetDurableExecutionState",
            "GET",
            &format!("{EXECUTION}/state?CheckpointToken=YQ==&MaxItems=1"),
            Value::Null,
        ),
        row(
            "GetDurableExecution",
            "GET",
            &format!("{EXECUTION}?IncludeExecutionData=true"),
            Value::Null,
        ),
        row(
            "GetDurableExecutionHistory",
            "GET",
            &format!("{EXECUTION}/history?ReverseOrder=true&MaxItems=1"),
            Value::Null,
        ),
        row(
            "ListDurableExecutionsByFunction",
            "GET",
            "/2025-12-01/functions/hello/durable-executions?Statuses=RUNNING&StartedAfter=2026-01-01T00:00:00Z",
            Value::Null,
        ),
        row("StopDurableExecution", "POST", &format!("{EXECUTION}/stop"), error.clone()),
        row(
            "SendDurableExecutionCallbackSuccess",
            "POST",
            &format!("{callbacks}/succeed"),
            json!("done"),
        ),
        row("SendDurableExecutionCallbackFailure", "POST", &format!("{callbacks}/fail"), error),
        row(
            "SendDurableExecutionCallbackHeartbeat",
            "POST",
            &format!("{callbacks}/heartbeat"),
            Value::Null,
        ),
        row("PauseDurableExecution", "POST", &format!("{EXECUTION}/pause"), json!({"Reason": "r"})),
        row(
            "ResumeDurableExecution",
            "POST",
            &format!("{EXECUTION}/resume"),
            json!({"ClientToken": "t"}),
        ),
        row("DeleteDurableExecution", "DELETE", EXECUTION, Value::Null),
    ]
}
