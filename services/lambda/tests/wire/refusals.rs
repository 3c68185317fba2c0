// SPDX-License-Identifier: Apache-2.0
//! What a function may not be, in AWS's words where AWS has some.

use crate::platform::{Platform, base64, code, zip};
use expect_test::{Expect, expect};
use serde_json::{Value, json};

async fn check(cases: &[(Value, Expect)]) {
    let platform = Platform::new().await;
    for (members, expected) in cases {
        expected.assert_eq(&platform.create_with("refused", members.clone()).await.error());
    }
    assert_eq!(platform.get("").await.json()["Functions"], json!([]));
    assert_eq!(
        (platform.unpacked().len(), platform.blobs()),
        (0, 0),
        "a refused upload is not kept"
    );
}

#[tokio::test]
async fn packages() {
    let code = |bytes: Vec<u8>| json!({"Code": {"ZipFile": base64(bytes)}});
    let large = "0".repeat(10_001);
    check(&[
        (code(b"import os".to_vec()), expect!["400 InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again."]),
        (code(zip(&[])), expect!["400 InvalidParameterValueException: Uploaded file must be a non-empty zip"]),
        (code(Vec::new()), expect!["400 InvalidParameterValueException: Uploaded file must be a non-empty zip"]),
        (code(vec![0; 5_001]), expect!["413 RequestEntityTooLargeException: Zipped size must be smaller than 5000 bytes"]),
        (code(zip(&[("big", &large)])), expect!["400 InvalidParameterValueException: Unzipped size must be smaller than 10000 bytes"]),
        (code(zip(&[("../evil", "1")])), expect!["400 InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again. (the entry `../evil` has `..` in its path)"]),
        (json!({"Code": {}}), expect!["400 InvalidParameterValueException: Please provide a source for function code."]),
        (json!({"Code": {"S3Bucket": "bucket", "S3Key": "key"}}), expect!["400 InvalidParameterValueException: Code in S3 needs S3Bucket and S3Key, and a server that has Amazon S3."]),
        (
            json!({"Code": {"ZipFile": "UEs=", "S3Bucket": "bucket", "S3Key": "key"}}),
            expect!["400 InvalidParameterValueException: Please do not provide other FunctionCode parameters when providing a ZipFile."],
        ),
        (json!({"Code": {"ImageUri": "image"}}), expect!["400 InvalidParameterValueException: Please provide a source for function code."]),
        (json!({"ImageConfig": {"Command": ["x"]}}), expect!["400 InvalidParameterValueException: Please don't provide ImageConfig when the intended function PackageType is Zip."]),
        (json!({"PackageType": "Image", "Code": {"ImageUri": "image"}}), expect!["400 InvalidParameterValueException: Please don't provide Handler or Runtime or Layer when the intended function PackageType is Image."]),
        (json!({"PackageType": "Image", "Runtime": null, "Handler": null, "Code": {"ImageUri": "image"}}), expect!["400 InvalidParameterValueException: Source image image is not valid. Provide a valid source image."]),
        (json!({"PackageType": "Image", "Runtime": null, "Handler": null}), expect!["400 InvalidParameterValueException: Please provide ImageUri when creating a function with packageType Image."]),
    ])
    .await;
}

#[tokio::test]
async fn names_and_roles() {
    check(&[
        (json!({"FunctionName": "a".repeat(65)}), expect!["400 InvalidParameterValueException: 1 validation error detected: Value 'aaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaaa' at 'functionName' failed to satisfy constraint: Member must have length less than or equal to 64"]),
        (
            json!({"FunctionName": "arn:aws:lambda:eu-west-1:000000000000:function:f"}),
            expect!["404 ResourceNotFoundException: Functions from 'eu-west-1' are not reachable in this region ('us-east-1')"],
        ),
        (
            json!({"FunctionName": "arn:aws:lambda:us-east-1:111122223333:function:f"}),
            expect!["403 AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:CreateFunction on resource: arn:aws:lambda:us-east-1:111122223333:function:f because no resource-based policy allows the lambda:CreateFunction action"],
        ),
        (json!({"Role": "r1"}), expect![[r#"400 ValidationException: 1 validation error detected: Value 'r1' at 'role' failed to satisfy constraint: Member must satisfy regular expression pattern: arn:(aws[a-zA-Z-]*)?:iam::\d{12}:role/?[a-zA-Z_0-9+=,.@\-_/]+"#]]),
    ])
    .await;
}

#[tokio::test]
async fn settings() {
    let many: serde_json::Map<String, Value> =
        (0..51).map(|number| (number.to_string(), json!(""))).collect();
    check(&[
        (json!({"Runtime": null}), expect!["400 InvalidParameterValueException: Runtime and Handler are mandatory parameters for functions created with deployment packages."]),
        (json!({"Handler": null}), expect!["400 InvalidParameterValueException: Runtime and Handler are mandatory parameters for functions created with deployment packages."]),
        (json!({"Runtime": "python3.99"}), expect!["400 InvalidParameterValueException: Value python3.99 at 'runtime' failed to satisfy constraint: Member must satisfy enum value set: [nodejs, nodejs4.3, nodejs6.10, nodejs8.10, nodejs10.x, nodejs12.x, nodejs14.x, nodejs16.x, nodejs18.x, nodejs20.x, nodejs22.x, nodejs24.x, java8, java8.al2, java11, java17, java21, java25, python2.7, python3.6, python3.7, python3.8, python3.9, python3.10, python3.11, python3.12, python3.13, python3.14, dotnetcore1.0, dotnetcore2.0, dotnetcore2.1, dotnetcore3.1, dotnet6, dotnet8, dotnet10, nodejs4.3-edge, go1.x, ruby2.5, ruby2.7, ruby3.2, ruby3.3, ruby3.4, ruby4.0, provided, provided.al2, provided.al2023, nodejs26.x, python3.15, java8.al2023, java11.al2023, java17.al2023, custom] or be a valid ARN"]),
        (json!({"Timeout": 901}), expect!["400 ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"]),
        (json!({"Timeout": 0}), expect!["400 ValidationException: 1 validation error detected: Value '0' at 'timeout' failed to satisfy constraint: Member must have value greater than or equal to 1"]),
        (json!({"MemorySize": 10_241}), expect!["400 ValidationException: 1 validation error detected: Value '10241' at 'memorySize' failed to satisfy constraint: Member must have value less than or equal to 10240"]),
        (json!({"EphemeralStorage": {"Size": 10_241}}), expect!["400 ValidationException: 1 validation error detected: Value '10241' at 'ephemeralStorage.size' failed to satisfy constraint: Member must have value less than or equal to 10240"]),
        (
            json!({"Environment": {"Variables": {"AWS_REGION": "x", "OK": "1", "LAMBDA_TASK_ROOT": "y"}}}),
            expect!["400 InvalidParameterValueException: Lambda was unable to configure your environment variables because the environment variables you have provided contains reserved keys that are currently not supported for modification. Reserved keys used in this request: AWS_REGION, LAMBDA_TASK_ROOT"],
        ),
        (json!({"Tags": many}), expect!["400 InvalidParameterValueException: Number of tags exceeds resource tag limit."]),
    ])
    .await;
    let platform = Platform::new().await;
    let large = platform
        .create_with("large", json!({"Environment": {"Variables": {"BIG": "x".repeat(4_096)}}}))
        .await
        .error();
    assert!(large.starts_with("400 InvalidParameterValueException: Lambda was unable to configure your environment variables because the environment variables you have provided exceeded the 4KB limit. String measured: {\"BIG\":\"xxx"), "{large}");
}

#[tokio::test]
async fn levels_need_the_json_format() {
    let platform = Platform::new().await;
    for level in [
        json!({"ApplicationLogLevel": "INFO"}),
        json!({"SystemLogLevel": "WARN", "LogFormat": "Text"}),
    ] {
        expect![[r#"400 InvalidParameterValueException: LogLevel is not supported when LogFormat is set to "Text". Remove LogLevel from your request or change the LogFormat to "Json" and try again."#]]
            .assert_eq(&platform.create_with("levels", json!({"LoggingConfig": level})).await.error());
    }
}

#[tokio::test]
async fn what_this_build_cannot_enforce() {
    let other = if cfg!(target_arch = "aarch64") { "x86_64" } else { "arm64" };
    let platform = Platform::new().await;
    for members in [
        json!({"Architectures": [other]}),
        json!({"KMSKeyArn": "arn:aws:kms:us-east-1:000000000000:key/k"}),
        json!({"FileSystemConfigs": [{"Arn": "arn:aws:elasticfilesystem:us-east-1:000000000000:access-point/fsap-0123456789abcdef0", "LocalMountPath": "/mnt/x"}]}),
        json!({"DurableConfig": {"ExecutionTimeout": 60}}),
    ] {
        let answer = platform.create_with("refused", members.clone()).await;
        let error = answer.error();
        assert!(
            answer.status == 400 && error.contains("is not available in this build of Tinderbox"),
            "{members}: {error}"
        );
    }
}

#[tokio::test]
async fn updates_follow_the_same_rules() {
    let platform = Platform::new().await;
    platform.create("hello").await;
    let before = platform.settled("hello").await;
    expect!["400 ValidationException: 1 validation error detected: Value '901' at 'timeout' failed to satisfy constraint: Member must have value less than or equal to 900"].assert_eq(&platform.configure("hello", json!({"Timeout": 901})).await.error());
    expect!["404 ResourceNotFoundException: Function not found: arn:aws:lambda:us-east-1:000000000000:function:nobody"].assert_eq(&platform.configure("nobody", json!({"Timeout": 9})).await.error());
    expect!["400 InvalidParameterValueException: Please provide a source for function code."]
        .assert_eq(&platform.update_code("hello", json!({})).await.error());
    expect!["400 InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again."]
        .assert_eq(&platform.update_code("hello", json!({"ZipFile": "AAAA"})).await.error());
    expect!["400 InvalidParameterValueException: This operation changes $LATEST only and does not accept the qualifier of arn:aws:lambda:us-east-1:000000000000:function:hello:1."]
        .assert_eq(&platform.update_code("hello:1", json!({"ZipFile": code("x")})).await.error());
    assert_eq!(platform.settled("hello").await, before);
}
