// SPDX-License-Identifier: Apache-2.0
//! The service with a store of its own, and a worker that reads the code instead of running it.

use api::lambda::LambdaEndpoint;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use http_body_util::BodyExt as _;
use invoke::{InvokeError, Managed, Provisioned, Shortage, Wanted};
use lambda::{Invoke, Lambda, Options, PackageLimits, Presign};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::io::{Cursor, Write as _};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex, Weak};
use std::time::Duration;
use store::Store;
use tokio::sync::Semaphore;
use wire::{Caller, Context, Endpoint as _, Timestamp};
use worker::{Deployment, Event, Function, Outcome, Part};
use zip::write::{SimpleFileOptions, ZipWriter};

pub(crate) const FUNCTIONS: &str = "/2015-03-31/functions";
pub(crate) const ROLE: &str = "arn:aws:iam::000000000000:role/test";

/// Deployment, version, qualifier and count.
pub(crate) type Provision = (Deployment, String, String, usize);

/// Answers each event with the text of `index.py`, the version, the environment variable `WHO` and what is in `/opt`.
#[derive(Debug, Clone)]
pub(crate) struct Reader {
    pub(crate) events: Arc<Mutex<Vec<Event>>>,
    pub(crate) retired: Arc<Mutex<Vec<Deployment>>>,
    /// An invocation waits here after it has begun and before it reads.
    pub(crate) gate: Arc<Semaphore>,
    pub(crate) begun: Arc<Semaphore>,
    pub(crate) error: Arc<Mutex<Option<InvokeError>>>,
    /// Weak until a test asks for it: what the worker holds, the service keeps.
    pub(crate) last: Arc<Mutex<Weak<Function>>>,
    /// What it writes of a streamed response to the event `"stream"`.
    pub(crate) parts: Arc<Mutex<Vec<Part>>>,
    /// What is to be provisioned, by owner.
    pub(crate) wanted: Arc<Mutex<BTreeMap<String, Vec<Provision>>>>,
    /// What is to be on capacity providers, by owner.
    pub(crate) managed: Arc<Mutex<BTreeMap<String, Vec<Managed>>>>,
    /// What each provider has.
    pub(crate) vcpus: Arc<Mutex<BTreeMap<String, u32>>>,
    /// Why no environment on a provider starts.
    pub(crate) shortage: Arc<Mutex<Option<Shortage>>>,
}

impl Reader {
    fn new() -> Self {
        Self {
            events: Arc::default(),
            retired: Arc::default(),
            gate: Arc::new(Semaphore::new(1_000)),
            begun: Arc::new(Semaphore::new(0)),
            error: Arc::default(),
            last: Arc::default(),
            parts: Arc::default(),
            wanted: Arc::default(),
            managed: Arc::default(),
            vcpus: Arc::default(),
            shortage: Arc::default(),
        }
    }
}

impl Invoke for Reader {
    async fn invoke(
        &self,
        function: &Arc<Function>,
        event: Event,
        provisioned: Option<&str>,
    ) -> Result<Outcome, InvokeError> {
        if let Some(error) = self.error.lock().unwrap().take() {
            return Err(error);
        }
        *self.last.lock().unwrap() = Arc::downgrade(function);
        self.begun.add_permits(1);
        let _permit = self.gate.acquire().await.unwrap();
        let retired = self.retired.lock().unwrap().contains(&function.deployment);
        let code = std::fs::read_to_string(function.code_dir.join("index.py"));
        let who =
            function.env_vars.iter().find(|(key, _)| key == "WHO").map(|(_, value)| value.clone());
        let is_function_error = event.payload == "\"fail\"";
        if event.payload == "\"stream\""
            && let Some(response) = &event.response
        {
            let parts = std::mem::take(&mut *self.parts.lock().unwrap());
            for part in parts {
                response.write(part).await.unwrap();
            }
            return Ok(Outcome {
                payload: Bytes::new(),
                is_function_error,
                log_tail: "log".into(),
            });
        }
        self.events.lock().unwrap().push(event);
        let mut answer = json!({
            "code": code.unwrap_or_else(|error| error.to_string()),
            "version": function.version, "who": who, "retired": retired,
            "opt": function.layers_dir.as_deref().map(files),
        });
        if let Some(qualifier) = provisioned {
            answer["provisioned"] = qualifier.into();
        }
        Ok(Outcome {
            payload: answer.to_string().into(),
            is_function_error,
            log_tail: Bytes::from(vec![b'x'; 5_000]),
        })
    }

    /// Of every runtime there is a newest version and an old one, whose id is `old`.
    fn runtime_version(&self, runtime: &str, id: Option<&str>) -> Result<String, String> {
        let newest: String =
            Sha256::digest(runtime).iter().map(|byte| format!("{byte:02x}")).collect();
        match id {
            None => Ok(newest),
            Some(id) if id == newest || id == "old" => Ok(id.to_owned()),
            Some(id) => Err(format!("no version {id}")),
        }
    }

    fn retire(&self, deployment: Deployment) {
        self.retired.lock().unwrap().push(deployment);
    }

    fn provision(&self, owner: &str, wanted: Vec<Wanted>) {
        let wanted = wanted.into_iter().map(|one| {
            let Wanted { function, qualifier, count } = one;
            (function.deployment, function.version.clone(), qualifier, count)
        });
        self.wanted.lock().unwrap().insert(owner.to_owned(), wanted.collect());
    }

    /// Half of what is wanted is there.
    fn provisioned(&self, deployment: Deployment, qualifier: &str) -> Option<Provisioned> {
        let wanted = self.wanted.lock().unwrap();
        let is_it = |one: &&Provision| one.0 == deployment && one.2 == qualifier;
        let (_, _, _, count) = wanted.values().flatten().find(is_it)?;
        Some(Provisioned { allocated: *count, available: count / 2, shortage: None })
    }

    fn manage(&self, owner: &str, wanted: Vec<Managed>) {
        self.managed.lock().unwrap().insert(owner.to_owned(), wanted);
    }

    /// As many as are wanted at least are there at once.
    fn managed(&self, deployment: Deployment) -> Option<Provisioned> {
        let managed = self.managed.lock().unwrap();
        let is_it = |one: &&Managed| one.function.deployment == deployment;
        let available = managed.values().flatten().find(is_it)?.min;
        let shortage = *self.shortage.lock().unwrap();
        Some(Provisioned { allocated: available, available, shortage })
    }

    async fn managed_settled(&self, deployment: Deployment) -> Option<Provisioned> {
        self.managed(deployment)
    }

    fn limit_provider(&self, provider: &str, vcpus_max: u32) {
        self.vcpus.lock().unwrap().insert(provider.to_owned(), vcpus_max);
    }
}

/// The files under a directory, with their content.
fn files(dir: &Path) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    let mut ahead = vec![dir.to_path_buf()];
    while let Some(directory) = ahead.pop() {
        for entry in std::fs::read_dir(directory).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                ahead.push(path);
            } else {
                let name = path.strip_prefix(dir).unwrap().to_str().unwrap().to_owned();
                found.insert(name, std::fs::read_to_string(path).unwrap());
            }
        }
    }
    found
}

pub(crate) struct Platform {
    pub(crate) dir: tempfile::TempDir,
    pub(crate) lambda: Lambda<Reader>,
    pub(crate) reader: Reader,
    endpoint: LambdaEndpoint<Lambda<Reader>>,
}

/// A response, taken apart.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: http::HeaderMap,
    pub(crate) body: Bytes,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(|value| value.to_str().unwrap())
    }

    /// Status, error name and body, with what differs from run to run taken out.
    pub(crate) fn show(&self) -> String {
        let mut text = self.status.to_string();
        if let Some(error) = self.header("x-amzn-errortype") {
            text.push_str(&format!(" {error}"));
        }
        let mut json = self.json();
        redact(&mut json);
        if json != Value::Null {
            text.push_str(&format!("\n{}", serde_json::to_string_pretty(&json).unwrap()));
        }
        text
    }

    /// Status, error name and message on one line.
    pub(crate) fn error(&self) -> String {
        let json = self.json();
        let message = json.get("message").or(json.get("Message")).and_then(Value::as_str);
        let message = message.unwrap_or_default();
        format!(
            "{} {}: {message}",
            self.status,
            self.header("x-amzn-errortype").unwrap_or_default()
        )
    }
}

fn redact(json: &mut Value) {
    match json {
        Value::Object(members) => {
            for (name, value) in members {
                if name == "RevisionId" {
                    *value = "REVISION".into();
                }
                redact(value);
            }
        }
        Value::Array(items) => items.iter_mut().for_each(redact),
        _ => {}
    }
}

pub(crate) fn zip(files: &[(&str, &str)]) -> Vec<u8> {
    let mut writer = ZipWriter::new(Cursor::new(Vec::new()));
    for (name, content) in files {
        writer.start_file(*name, SimpleFileOptions::default().unix_permissions(0o644)).unwrap();
        writer.write_all(content.as_bytes()).unwrap();
    }
    writer.finish().unwrap().into_inner()
}

pub(crate) fn base64(bytes: impl AsRef<[u8]>) -> String {
    STANDARD.encode(bytes)
}

/// The zip of a function with this code, as it stands in a request.
pub(crate) fn code(text: &str) -> String {
    base64(zip(&[("index.py", text)]))
}

pub(crate) fn context() -> Context {
    Context {
        account: "000000000000".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        request_id: names::RequestId::random(),
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

pub(crate) fn options() -> Options {
    Options {
        package: PackageLimits {
            unzipped_bytes_max: 10_000,
            zipped_bytes_max: 5_000,
            ..PackageLimits::default()
        },
        clock: || Timestamp::from_epoch_ms(1_795_406_400_000),
        ..Options::default()
    }
}

impl Platform {
    pub(crate) async fn new() -> Self {
        Self::open(tempfile::tempdir().unwrap(), options()).await
    }

    pub(crate) async fn open(dir: tempfile::TempDir, options: Options) -> Self {
        let store = Store::open(dir.path(), store::Options::default()).unwrap();
        let reader = Reader::new();
        let presign = Presign::new(|cx, path| {
            format!("{}{path}?signed-for={}", cx.endpoint, cx.caller.access_key_id)
        });
        let code_dir = dir.path().join("code");
        let lambda = Lambda::open(store, code_dir, reader.clone(), presign, options).await.unwrap();
        Self { dir, endpoint: LambdaEndpoint(lambda.clone()), lambda, reader }
    }

    /// Goes down.
    pub(crate) async fn close(self) -> tempfile::TempDir {
        let Self { dir, lambda, endpoint, reader: _ } = self;
        drop((lambda, endpoint));
        // Background work may hold the store a moment longer.
        let path = dir.path().to_path_buf();
        eventually(|| async {
            Store::open(&path, store::Options::default()).is_ok().then_some(())
        })
        .await;
        dir
    }

    /// Goes down, and comes up again on the same directory.
    pub(crate) async fn restart(self) -> Self {
        Self::open(self.close().await, options()).await
    }

    pub(crate) async fn send(
        &self,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        self.send_as(&context(), method, path, headers, body).await
    }

    pub(crate) async fn send_as(
        &self,
        cx: &Context,
        method: &str,
        path: &str,
        headers: &[(&str, &str)],
        body: impl Into<Bytes>,
    ) -> Answer {
        let mut request = http::Request::builder().method(method).uri(path);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let (head, ()) = request.body(()).unwrap().into_parts();
        let for_route = head.clone();
        let route = wire::route(self.endpoint.spec(), &for_route).expect("a known operation");
        let response =
            self.endpoint.call(cx, route, http::Request::from_parts(head, body.into())).await;
        let (head, body) = response.into_parts();
        let body = body.collect().await.expect("a body that is made to its end").to_bytes();
        Answer { status: head.status.as_u16(), headers: head.headers, body }
    }

    pub(crate) async fn call(&self, method: &str, path: &str, body: Value) -> Answer {
        let body = if body == Value::Null { Bytes::new() } else { body.to_string().into() };
        self.send(method, path, &[("content-type", "application/json")], body).await
    }

    pub(crate) async fn get(&self, path: &str) -> Answer {
        self.call("GET", &format!("{FUNCTIONS}{path}"), Value::Null).await
    }

    /// Creates a function with these members besides the usual ones.
    pub(crate) async fn create_with(&self, name: &str, members: Value) -> Answer {
        let mut input = json!({
            "FunctionName": name, "Runtime": "python3.12", "Role": ROLE, "Handler": "index.handler",
            "Code": {"ZipFile": code("one")},
        });
        input.as_object_mut().unwrap().extend(members.as_object().unwrap().clone());
        self.call("POST", FUNCTIONS, input).await
    }

    /// Creates a function and waits until it is active.
    pub(crate) async fn create(&self, name: &str) {
        let answer = self.create_with(name, json!({})).await;
        assert_eq!(answer.status, 201, "{}", answer.show());
        self.settled(name).await;
    }

    /// Waits until nothing is in progress, and answers the configuration.
    pub(crate) async fn settled(&self, name: &str) -> Value {
        eventually(|| async {
            let json = self.get(&format!("/{name}/configuration")).await.json();
            let is_settling =
                json["State"] == "Pending" || json["LastUpdateStatus"] == "InProgress";
            (!is_settling).then_some(json)
        })
        .await
    }

    pub(crate) async fn update_code(&self, name: &str, members: Value) -> Answer {
        self.call("PUT", &format!("{FUNCTIONS}/{name}/code"), members).await
    }

    pub(crate) async fn configure(&self, name: &str, members: Value) -> Answer {
        self.call("PUT", &format!("{FUNCTIONS}/{name}/configuration"), members).await
    }

    pub(crate) async fn publish(&self, name: &str, members: Value) -> Answer {
        self.call("POST", &format!("{FUNCTIONS}/{name}/versions"), members).await
    }

    pub(crate) async fn delete(&self, path: &str) -> Answer {
        self.call("DELETE", &format!("{FUNCTIONS}/{path}"), Value::Null).await
    }

    pub(crate) async fn invoke(&self, name: &str, body: &str) -> Answer {
        self.send("POST", &format!("{FUNCTIONS}/{name}/invocations"), &[], body.to_owned()).await
    }

    /// Names in the directory of unpacked packages, marks left out.
    pub(crate) fn unpacked(&self) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.dir.path().join("code")).unwrap();
        entries
            .map(|entry| entry.unwrap().path())
            .filter(|path| path.extension().is_none())
            .collect()
    }

    pub(crate) fn blobs(&self) -> usize {
        let shards = std::fs::read_dir(self.dir.path().join("blobs")).unwrap();
        shards.map(|shard| std::fs::read_dir(shard.unwrap().path()).unwrap().count()).sum()
    }
}

/// Asks until there is an answer.
pub(crate) async fn eventually<T, F: Future<Output = Option<T>>>(mut ask: impl FnMut() -> F) -> T {
    let asked = async {
        loop {
            if let Some(answer) = ask().await {
                return answer;
            }
            tokio::time::sleep(Duration::from_millis(2)).await;
        }
    };
    tokio::time::timeout(Duration::from_secs(20), asked).await.expect("the condition comes true")
}
