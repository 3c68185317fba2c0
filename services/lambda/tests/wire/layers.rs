// SPDX-License-Identifier: Apache-2.0
//! Layers: versions as AWS answers them (recorded 2023-11), and what a function finds in `/opt`.

use crate::platform::{Platform, base64, code, eventually, options, zip};
use expect_test::expect;
use lambda::{Options, PackageLimits};
use serde_json::{Value, json};

const LAYERS: &str = "/2018-10-31/layers";

async fn publish(
    platform: &Platform,
    name: &str,
    files: &[(&str, &str)],
) -> crate::platform::Answer {
    publish_with(platform, name, files, json!({})).await
}

async fn publish_with(
    platform: &Platform,
    name: &str,
    files: &[(&str, &str)],
    members: Value,
) -> crate::platform::Answer {
    let mut input = json!({"Content": {"ZipFile": base64(zip(files))}});
    input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
    platform.call("POST", &format!("{LAYERS}/{name}/versions"), input).await
}

async fn get(platform: &Platform, path: &str) -> crate::platform::Answer {
    platform.call("GET", &format!("{LAYERS}{path}"), Value::Null).await
}

async fn delete(platform: &Platform, path: &str) -> u16 {
    platform.call("DELETE", &format!("{LAYERS}{path}"), Value::Null).await.status
}

fn arn(name: &str, number: u32) -> String {
    format!("arn:aws:lambda:us-east-1:000000000000:layer:{name}:{number}")
}

async fn opt(platform: &Platform, name: &str) -> Value {
    platform.invoke(name, "{}").await.json()["opt"].clone()
}

#[tokio::test]
async fn a_version_is_published_and_got() {
    let platform = Platform::new().await;
    let members = json!({"Description": "d", "CompatibleRuntimes": ["python3.12"], "CompatibleArchitectures": ["arm64", "x86_64"], "LicenseInfo": "MIT"});
    let published = publish_with(&platform, "libs", &[("python/lib.py", "1")], members).await;
    expect![[r#"
        201
        {
          "CompatibleArchitectures": [
            "arm64",
            "x86_64"
          ],
          "CompatibleRuntimes": [
            "python3.12"
          ],
          "Content": {
            "CodeSha256": "SHA256",
            "CodeSize": 127,
            "Location": "LOCATION"
          },
          "CreatedDate": "2026-11-23T04:00:00.000+0000",
          "Description": "d",
          "LayerArn": "arn:aws:lambda:us-east-1:000000000000:layer:libs",
          "LayerVersionArn": "arn:aws:lambda:us-east-1:000000000000:layer:libs:1",
          "LicenseInfo": "MIT",
          "Version": 1
        }"#]]
    .assert_eq(&{
        let content = &published.json()["Content"];
        published
            .show()
            .replace(content["CodeSha256"].as_str().unwrap(), "SHA256")
            .replace(content["Location"].as_str().unwrap(), "LOCATION")
    });
    let platform = platform.restart().await;
    let by_arn = format!("?find=LayerVersion&Arn={}", arn("libs", 1));
    let by_name_as_arn = "/arn%3Aaws%3Alambda%3Aus-east-1%3A000000000000%3Alayer%3Alibs/versions/1";
    for path in ["/libs/versions/1", by_name_as_arn, &by_arn] {
        let got = get(&platform, path).await;
        assert_eq!((got.status, got.json()), (200, published.json()), "{path}");
    }
    let location = published.json()["Content"]["Location"].as_str().unwrap().to_owned();
    let hash = location.split(['/', '?']).find(|part| part.len() == 64).unwrap();
    let path = platform.lambda.zip_path(hash).unwrap();
    assert_eq!(std::fs::read(path).unwrap(), zip(&[("python/lib.py", "1")]));

    let plain = publish(&platform, "plain", &[("a", "1")]).await.json();
    for absent in ["CompatibleRuntimes", "CompatibleArchitectures", "LicenseInfo"] {
        assert_eq!(plain.get(absent), None, "{absent}");
    }
    assert_eq!(plain["Description"], "");
}

#[tokio::test]
async fn a_number_is_never_used_again() {
    let platform = Platform::new().await;
    publish(&platform, "libs", &[("a", "1")]).await;
    publish(&platform, "libs", &[("a", "1")]).await;
    for version in ["1", "2", "2", "7"] {
        assert_eq!(delete(&platform, &format!("/libs/versions/{version}")).await, 204, "{version}");
    }
    assert_eq!(delete(&platform, "/nothing/versions/1").await, 204);
    let platform = platform.restart().await;
    assert_eq!((platform.unpacked().len(), platform.blobs()), (0, 0));
    assert_eq!(get(&platform, "").await.json(), json!({"Layers": []}));
    assert_eq!(publish(&platform, "libs", &[("a", "1")]).await.json()["Version"], 3);
}

#[tokio::test]
async fn layers_are_listed() {
    let platform = Platform::new().await;
    publish_with(&platform, "b", &[("a", "1")], json!({"CompatibleRuntimes": ["python3.11"]}))
        .await;
    publish_with(&platform, "b", &[("a", "1")], json!({"CompatibleRuntimes": ["python3.12"]}))
        .await;
    publish(&platform, "a", &[("a", "1")]).await;
    publish_with(&platform, "a-b", &[("a", "1")], json!({"CompatibleArchitectures": ["arm64"]}))
        .await;
    let list = async |query: &str| {
        let json = get(&platform, query).await.json();
        let show = |item: &Value| {
            format!(
                "{}:{}",
                item["LayerName"].as_str().unwrap(),
                item["LatestMatchingVersion"]["Version"]
            )
        };
        json["Layers"].as_array().unwrap().iter().map(show).collect::<Vec<_>>().join(" ")
    };
    assert_eq!(list("").await, "a:1 a-b:1 b:2");
    assert_eq!(list("?CompatibleRuntime=python3.11").await, "b:1");
    assert_eq!(list("?CompatibleArchitecture=arm64").await, "a-b:1");
    let first = get(&platform, "?MaxItems=2").await.json();
    assert_eq!(list(&format!("?Marker={}", first["NextMarker"].as_str().unwrap())).await, "b:2");

    let versions = async |query: &str| {
        let json = get(&platform, &format!("/b/versions{query}")).await.json();
        let numbers = json["LayerVersions"]
            .as_array()
            .unwrap()
            .iter()
            .map(|item| item["Version"].to_string());
        (numbers.collect::<Vec<_>>().join(" "), json["NextMarker"].as_str().map(str::to_owned))
    };
    assert_eq!(versions("").await, ("2 1".to_owned(), None));
    let (newest, marker) = versions("?MaxItems=1").await;
    assert_eq!(newest, "2");
    assert_eq!(
        versions(&format!("?MaxItems=1&Marker={}", marker.unwrap())).await,
        ("1".to_owned(), None)
    );
    assert_eq!(get(&platform, "/nothing/versions").await.json(), json!({"LayerVersions": []}));
}

#[tokio::test]
async fn a_function_finds_its_layers_in_their_order() {
    let platform = Platform::new().await;
    publish(&platform, "one", &[("lib/a", "1"), ("lib/b", "1"), ("x", "1")]).await;
    publish(&platform, "two", &[("lib/b", "2"), ("x/y", "2")]).await;
    let created =
        platform.create_with("both", json!({"Layers": [arn("one", 1), arn("two", 1)]})).await;
    let sizes =
        [&created.json()["Layers"][0]["CodeSize"], &created.json()["Layers"][1]["CodeSize"]]
            .map(Value::is_u64);
    assert_eq!(sizes, [true, true], "{}", created.show());
    platform.settled("both").await;
    assert_eq!(opt(&platform, "both").await, json!({"lib/a": "1", "lib/b": "2", "x/y": "2"}));

    platform.create_with("reversed", json!({"Layers": [arn("two", 1), arn("one", 1)]})).await;
    platform.create_with("again", json!({"Layers": [arn("one", 1), arn("two", 1)]})).await;
    platform.create_with("single", json!({"Layers": [arn("one", 1)]})).await;
    for name in ["reversed", "again", "single"] {
        platform.settled(name).await;
    }
    assert_eq!(opt(&platform, "reversed").await, json!({"lib/a": "1", "lib/b": "1", "x": "1"}));
    assert_eq!(opt(&platform, "again").await, opt(&platform, "both").await);
    assert_eq!(opt(&platform, "single").await, json!({"lib/a": "1", "lib/b": "1", "x": "1"}));
    // The code, two layers, and each of the two orders once.
    assert_eq!(platform.unpacked().len(), 5);

    let arns = async |name: &str| {
        platform.get(&format!("/{name}/configuration")).await.json()["Layers"].clone()
    };
    assert_eq!(arns("both").await[1]["Arn"], arn("two", 1));
    let updated = platform.configure("both", json!({"Layers": []})).await;
    assert_eq!(updated.json().get("Layers"), None);
    platform.settled("both").await;
    assert_eq!(opt(&platform, "both").await, Value::Null);
    platform.configure("again", json!({"Timeout": 9})).await;
    platform.settled("again").await;
    assert_eq!(arns("again").await.as_array().map(Vec::len), Some(2), "not named, not changed");
}

/// Deleting a layer takes nothing from the functions that have it, and what nobody has is removed.
#[tokio::test]
async fn a_function_keeps_what_it_was_given() {
    let platform = Platform::new().await;
    publish(&platform, "one", &[("a", "1")]).await;
    publish(&platform, "two", &[("b", "2")]).await;
    platform.create_with("hello", json!({"Layers": [arn("one", 1), arn("two", 1)]})).await;
    platform.settled("hello").await;
    platform.publish("hello", json!({})).await;
    for name in ["one", "two"] {
        assert_eq!(delete(&platform, &format!("/{name}/versions/1")).await, 204);
    }
    assert_eq!(opt(&platform, "hello").await, json!({"a": "1", "b": "2"}));
    expect!["400 InvalidParameterValueException: Layer version arn:aws:lambda:us-east-1:000000000000:layer:one:1 does not exist."]
        .assert_eq(&platform.configure("hello", json!({"Layers": [arn("one", 1)]})).await.error());

    // As after a power failure: no directory can be trusted, and all are made again from the zips.
    let dir = platform.close().await;
    std::fs::remove_dir_all(dir.path().join("code")).unwrap();
    let platform = Platform::open(dir, options()).await;
    assert_eq!(opt(&platform, "hello:1").await, json!({"a": "1", "b": "2"}));
    platform.update_code("hello", json!({"ZipFile": code("two")})).await;
    platform.settled("hello").await;
    assert_eq!(opt(&platform, "hello").await, json!({"a": "1", "b": "2"}));

    let platform = platform.restart().await;
    platform.delete("hello").await;
    eventually(|| async {
        (platform.unpacked().is_empty() && platform.blobs() == 0).then_some(())
    })
    .await;
}

#[tokio::test]
async fn which_layers_a_function_may_not_have() {
    let platform = Platform::new().await;
    publish(&platform, "libs", &[("a", "1")]).await;
    publish(&platform, "libs", &[("a", "2")]).await;
    let with = async |layers: Value| {
        platform.create_with("refused", json!({"Layers": layers})).await.error()
    };
    let six: Vec<_> = (0..6).map(|number| arn(&format!("l{number}"), 1)).collect();
    expect!["400 InvalidParameterValueException: Cannot reference more than 5 layers."]
        .assert_eq(&with(json!(six)).await);
    expect!["400 InvalidParameterValueException: Layer version arn:aws:lambda:us-east-1:000000000000:layer:libs:3 does not exist."].assert_eq(&with(json!([arn("libs", 3)])).await);
    expect!["400 InvalidParameterValueException: Two different versions of the same layer are not allowed to be referenced in the same function. arn:aws:lambda:us-east-1:000000000000:layer:libs:1 and arn:aws:lambda:us-east-1:000000000000:layer:libs:2 are versions of the same layer."].assert_eq(&with(json!([arn("libs", 1), arn("libs", 2)])).await);
    expect!["400 InvalidParameterValueException: Layers are not in the same region as the function. Layers are expected to be in region us-east-1."].assert_eq(&with(json!(["arn:aws:lambda:eu-west-1:000000000000:layer:libs:1"])).await);
    expect!["403 AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetLayerVersion on resource: arn:aws:lambda:us-east-1:123456789012:layer:libs:1 because no resource-based policy allows the lambda:GetLayerVersion action"].assert_eq(&with(json!(["arn:aws:lambda:us-east-1:123456789012:layer:libs:1"])).await);
    assert_eq!(platform.get("").await.json()["Functions"], json!([]));
}

#[tokio::test]
async fn layers_and_code_share_one_limit() {
    let limits = Options {
        package: PackageLimits { unzipped_bytes_max: 100, ..options().package },
        ..options()
    };
    let platform = Platform::open(tempfile::tempdir().unwrap(), limits).await;
    for name in ["one", "two"] {
        assert_eq!(publish(&platform, name, &[(name, &"x".repeat(60))]).await.status, 201);
    }
    let fifty = json!({"ZipFile": code(&"y".repeat(50))});
    let with = |layers: &[&str]| json!({"Layers": layers.iter().map(|name| arn(name, 1)).collect::<Vec<_>>()});
    expect!["400 InvalidParameterValueException: Layers consume more than the available size of 100 bytes"].assert_eq(&platform.create_with("f", with(&["one", "two"])).await.error());
    platform.create_with("f", with(&["one"])).await;
    platform.settled("f").await;
    expect!["400 InvalidParameterValueException: Function code combined with layers exceeds the maximum allowed size of 100 bytes. The actual size is 110 bytes."].assert_eq(&platform.update_code("f", fifty.clone()).await.error());
    platform.configure("f", json!({"Layers": []})).await;
    platform.settled("f").await;
    assert_eq!(platform.update_code("f", fifty).await.status, 200);
    platform.settled("f").await;
    expect!["400 InvalidParameterValueException: Function code combined with layers exceeds the maximum allowed size of 100 bytes. The actual size is 110 bytes."].assert_eq(&platform.configure("f", with(&["two"])).await.error());
    let settings = platform.call("GET", "/2016-08-19/account-settings", Value::Null).await.json();
    let sizes = [
        get(&platform, "/one/versions/1").await.json()["Content"]["CodeSize"].clone(),
        get(&platform, "/two/versions/1").await.json()["Content"]["CodeSize"].clone(),
        platform.settled("f").await["CodeSize"].clone(),
    ];
    let sum: i64 = sizes.iter().filter_map(Value::as_i64).sum();
    assert_eq!(settings["AccountUsage"]["TotalCodeSize"], sum);
}

#[tokio::test]
async fn what_a_layer_may_not_be() {
    let platform = Platform::new().await;
    let with = async |members: Value| {
        platform.call("POST", &format!("{LAYERS}/libs/versions"), members).await.error()
    };
    let content = || json!({"ZipFile": base64(zip(&[("a", "1")]))});
    expect!["400 InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again."].assert_eq(&with(json!({"Content": {"ZipFile": "AAAA"}})).await);
    expect!["400 InvalidParameterValueException: Code in S3 needs S3Bucket and S3Key, and a server that has Amazon S3."].assert_eq(&with(json!({"Content": {"S3Bucket": "bucket", "S3Key": "k"}})).await);
    expect![
        "400 InvalidParameterValueException: Please provide a source for the content of the layer."
    ]
    .assert_eq(&with(json!({"Content": {}})).await);
    let runtime = with(json!({"Content": content(), "CompatibleRuntimes": ["cobol"]})).await;
    assert!(runtime.starts_with("400 ValidationException: 1 validation error detected: Value '[cobol]' at 'compatibleRuntimes' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: ["), "{runtime}");
    let mut damaged = zip(&[("a", "1")]);
    let directory = damaged.windows(4).position(|window| window == b"PK\x01\x02").unwrap();
    damaged[directory + 16] ^= 0xff; // the checksum of `a`
    expect!["400 InvalidParameterValueException: Could not unzip uploaded file. Please check your file, then try to upload again. (the entry `a` cannot be decompressed)"].assert_eq(&with(json!({"Content": {"ZipFile": base64(damaged)}})).await);
    assert_eq!(
        (platform.unpacked().len(), platform.blobs()),
        (0, 0),
        "what is refused is not kept"
    );

    for path in [
        "/libs/versions/1",
        "?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:000000000000:layer:libs:1",
    ] {
        expect!["404 ResourceNotFoundException: The resource you requested does not exist."]
            .assert_eq(&get(&platform, path).await.error());
    }
    expect!["400 InvalidParameterValueException: Layer Version Cannot be less than 1"]
        .assert_eq(&get(&platform, "/libs/versions/0").await.error());
    assert_eq!(delete(&platform, "/libs/versions/-1").await, 400);
    expect!["403 AccessDeniedException: User: arn:aws:iam::000000000000:root is not authorized to perform: lambda:GetLayerVersion on resource: arn:aws:lambda:us-east-1:123456789012:layer:libs:1 because no resource-based policy allows the lambda:GetLayerVersion action"]
        .assert_eq(&get(&platform, "?find=LayerVersion&Arn=arn:aws:lambda:us-east-1:123456789012:layer:libs:1").await.error());

    let limits = Options { layers_max: 1, versions_max: 1, ..options() };
    let platform = Platform::open(tempfile::tempdir().unwrap(), limits).await;
    publish(&platform, "one", &[("a", "1")]).await;
    expect!["400 CodeStorageExceededException: The number of layers of this account and region would exceed the limit of 1."].assert_eq(&publish(&platform, "two", &[("a", "1")]).await.error());
    expect!["400 CodeStorageExceededException: The number of versions of this layer would exceed the limit of 1."].assert_eq(&publish(&platform, "one", &[("b", "1")]).await.error());
    assert_eq!(platform.blobs(), 1);
}

#[tokio::test]
async fn a_version_has_a_policy() {
    let platform = Platform::new().await;
    publish(&platform, "libs", &[("a", "1")]).await;
    let policy = format!("{LAYERS}/libs/versions/1/policy");
    expect!["404 ResourceNotFoundException: No policy is associated with the given resource."]
        .assert_eq(&platform.call("GET", &policy, Value::Null).await.error());
    let add = async |query: &str, members: Value| {
        let mut input =
            json!({"StatementId": "all", "Action": "lambda:GetLayerVersion", "Principal": "*"});
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        platform.call("POST", &format!("{policy}{query}"), input).await
    };
    let added = add("", json!({"OrganizationId": "o-1234567890"})).await;
    assert_eq!(added.status, 201);
    expect![[r#"{"Sid":"all","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"arn:aws:lambda:us-east-1:000000000000:layer:libs:1","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}}"#]].assert_eq(added.json()["Statement"].as_str().unwrap());
    expect!["409 ResourceConflictException: The statement id (all) provided already exists. Please provide a new statement id, or remove the existing statement."].assert_eq(&add("", json!({})).await.error());
    expect!["412 PreconditionFailedException: The Revision Id provided does not match the latest Revision Id. Call the GetLayerPolicy API to retrieve the latest Revision Id"].assert_eq(&add("?RevisionId=other", json!({"StatementId": "x"})).await.error());
    let revision = added.json()["RevisionId"].as_str().unwrap().to_owned();
    let second = add(
        &format!("?RevisionId={revision}"),
        json!({"StatementId": "one", "Principal": "123456789012"}),
    )
    .await;
    assert_eq!(second.status, 201);

    let platform = platform.restart().await;
    let got = platform.call("GET", &policy, Value::Null).await.json();
    assert_eq!(got["RevisionId"], second.json()["RevisionId"]);
    expect![[r#"{"Version":"2012-10-17","Id":"default","Statement":[{"Sid":"all","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"arn:aws:lambda:us-east-1:000000000000:layer:libs:1","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1234567890"}}},{"Sid":"one","Effect":"Allow","Principal":{"AWS":"arn:aws:iam::123456789012:root"},"Action":"lambda:GetLayerVersion","Resource":"arn:aws:lambda:us-east-1:000000000000:layer:libs:1"}]}"#]].assert_eq(got["Policy"].as_str().unwrap());

    let remove =
        async |rest: &str| platform.call("DELETE", &format!("{policy}/{rest}"), Value::Null).await;
    expect!["404 ResourceNotFoundException: Statement other is not found in resource policy."]
        .assert_eq(&remove("other").await.error());
    assert_eq!(remove("all?RevisionId=other").await.status, 412);
    assert_eq!((remove("all").await.status, remove("one").await.status), (204, 204));
    assert_eq!(platform.call("GET", &policy, Value::Null).await.status, 404);
    let missing = format!("{LAYERS}/libs/versions/9/policy");
    expect!["404 ResourceNotFoundException: Layer version arn:aws:lambda:us-east-1:000000000000:layer:libs:9 does not exist."].assert_eq(&platform.call("GET", &missing, Value::Null).await.error());
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn functions_and_layers_come_and_go_at_the_same_time() {
    let platform = Platform::new().await;
    for round in 1..=20 {
        publish(&platform, "base", &[("base", "b")]).await;
        publish(&platform, "libs", &[("a", &round.to_string())]).await;
        let path = format!("/libs/versions/{round}");
        let (created, _) = tokio::join!(
            platform
                .create_with("race", json!({"Layers": [arn("base", round), arn("libs", round)]})),
            delete(&platform, &path),
        );
        if created.status == 201 {
            platform.settled("race").await;
            assert_eq!(opt(&platform, "race").await, json!({"a": round.to_string(), "base": "b"}));
            assert_eq!(platform.delete("race").await.status, 204);
        } else {
            assert!(created.error().contains("does not exist"), "{}", created.show());
        }
        delete(&platform, &format!("/base/versions/{round}")).await;
    }
    eventually(|| async {
        platform.delete("nobody").await;
        (platform.unpacked().is_empty() && platform.blobs() == 0).then_some(())
    })
    .await;
}
