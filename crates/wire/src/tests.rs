// SPDX-License-Identifier: Apache-2.0
//! Request bytes in, response bytes out: one sample service in every protocol.

use crate::{
    Access, Authority, Blob, Body, Call, Caller, Constraints, Context, Endpoint, EventStream,
    Fault, FaultSpec, Input, MessageKey, Output, Protocol, Request, Response, Result, Structure,
    Timestamp, enumeration, event_stream, pattern, route, service,
};
use bytes::Bytes;
use expect_test::{Expect, expect};
use http_body_util::BodyExt as _;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::task::Poll;

mod admission;

const NAME: Constraints = Constraints::NONE.length(1, 8).pattern(pattern!("[a-z0-9", "-]+"));

#[service(
    rest_json,
    json10,
    query,
    signing = "box",
    target = "Box_2020",
    version = "2020-01-01",
    namespace = "https://box/doc/",
    faults = &[FaultSpec { code: "NoBox", status: 404, message_key: MessageKey::Upper, query_code: None }]
)]
trait Boxes: Send + Sync + 'static {
    #[operation(http = "POST /2020/boxes", status = 201, body_max = 10_000, on = boxes(name))]
    async fn create_box(&self, cx: &Context, input: CreateBoxInput) -> Result<CreateBoxOutput>;

    #[operation(http = "POST /2020/boxes/{Name}/run", on = open)]
    async fn run_box(&self, cx: &Context, input: RunBoxInput) -> Result<RunBoxOutput>;

    #[operation(http = "GET /2020/boxes", on = open)]
    async fn list_boxes(&self, cx: &Context, input: ListBoxesInput) -> Result<()>;

    #[operation(http = "GET /2020/boxes?find=Lid", status = 204, on = open)]
    async fn find_lid(&self, cx: &Context, input: FindLidInput) -> Result<()>;

    #[operation(http = "GET /2020/boxes/{Name}/life", on = open)]
    async fn watch_box(&self, cx: &Context, input: WatchBoxInput) -> Result<WatchBoxOutput>;

    #[operation(http = "DELETE /2020/boxes/{Name}")]
    fn delete_box();
}

fn boxes(_: &Context, name: &str) -> Access {
    Access::to(format!("box/{name}")).and("lid:Close", Access::anything().fact("lid:Of", [name]))
}

#[derive(Debug, Input)]
#[expect(dead_code, reason = "read through Debug")]
struct CreateBoxInput {
    #[wire(like = NAME)]
    name: String,
    lid: Lid,
    #[wire(range = "1..=9")]
    size: Option<i32>,
    #[wire(name = "KMSKey")]
    kms_key: Option<String>,
    #[wire(length = "0..=1", each = NAME)]
    labels: Option<Vec<String>>,
    #[wire(keys = NAME.sensitive(), sensitive)]
    secrets: Option<BTreeMap<String, String>>,
    kinds: Option<Vec<Kind>>,
    parts: Option<Vec<Part>>,
    since: Option<Timestamp>,
    #[wire(default)]
    is_open: bool,
}

#[derive(Debug, Structure)]
struct Lid {
    #[wire(sensitive)]
    content: Option<Blob>,
    kind: Option<Kind>,
}

#[derive(Debug, Structure)]
struct Part {
    #[wire(like = NAME)]
    name: String,
}

enumeration! {
    enum Kind { Flat = "FLAT", Round = "round" }
}

#[derive(Debug, Output)]
struct CreateBoxOutput {
    name: String,
    lid: Option<Lid>,
    parts: Vec<Part>,
    counts: BTreeMap<String, i32>,
    note: Option<String>,
    made: Timestamp,
}

#[derive(Debug, Input)]
struct RunBoxInput {
    #[wire(label, like = NAME)]
    name: String,
    #[wire(header = "X-Box-Kind")]
    kind: Option<Kind>,
    #[wire(header = "X-Box-Times")]
    times: Option<i32>,
    #[wire(query = "Qualifier")]
    qualifier: Option<String>,
    #[wire(payload)]
    payload: Blob,
}

#[derive(Debug, Output)]
struct RunBoxOutput {
    #[wire(status)]
    status: Option<u16>,
    #[wire(header = "X-Box-Log")]
    log: Option<String>,
    #[wire(payload)]
    payload: Blob,
}

#[derive(Debug, Input)]
struct ListBoxesInput {
    #[wire(query = "keys")]
    keys: Option<Vec<String>>,
    #[wire(query = "MaxItems", range = "1..")]
    max_items: Option<i32>,
}

#[derive(Debug, Input)]
struct FindLidInput {
    #[wire(query = "Arn")]
    arn: String,
}

#[derive(Debug, Input)]
struct WatchBoxInput {
    #[wire(label)]
    name: String,
}

#[derive(Debug, Output)]
struct WatchBoxOutput {
    #[wire(header = "X-Box-Name")]
    name: String,
    #[wire(stream)]
    life: Option<EventStream<BoxEvent>>,
}

event_stream! {
    #[derive(Debug)]
    enum BoxEvent { Piece(BoxPiece), End(BoxEnd) }
}

#[derive(Debug, Output)]
struct BoxPiece {
    #[wire(payload)]
    payload: Blob,
}

#[derive(Debug, Output)]
struct BoxEnd {
    why: Option<String>,
    how: Option<String>,
}

/// Answers with what it was given.
struct Shelf;

impl Boxes for Shelf {
    async fn create_box(&self, _: &Context, input: CreateBoxInput) -> Result<CreateBoxOutput> {
        if input.name == "none" {
            return Err(Fault::new("NoBox", 404, "no <box>")
                .with_member("Why", "gone")
                .with_retry_after(3));
        }
        Ok(CreateBoxOutput {
            note: input.size.map(|size| format!("{size} & {:?}", input.kms_key)),
            counts: input.labels.into_iter().flatten().map(|label| (label, 1)).collect(),
            made: input.since.unwrap_or(Timestamp::from_epoch_ms(1_500)),
            parts: input.parts.unwrap_or_default(),
            lid: Some(input.lid),
            name: input.name,
        })
    }

    async fn watch_box(&self, _: &Context, input: WatchBoxInput) -> Result<WatchBoxOutput> {
        let name = input.name;
        if name == "none" {
            return Err(Fault::new("NoBox", 404, "no <box>"));
        }
        let end = BoxEnd { why: Some("over".to_owned()), how: None };
        let mut events = vec![
            BoxEvent::End(end),
            BoxEvent::Piece(BoxPiece { payload: Blob::default() }),
            BoxEvent::Piece(BoxPiece { payload: Blob::from(b"\x00\xff".to_vec()) }),
        ];
        let life = (name != "dead").then(|| EventStream::new(move |_| Poll::Ready(events.pop())));
        Ok(WatchBoxOutput { name, life })
    }

    async fn run_box(&self, _: &Context, input: RunBoxInput) -> Result<RunBoxOutput> {
        let log =
            format!("{} {:?} {:?} {:?}", input.name, input.kind, input.times, input.qualifier);
        let status = input.times.and_then(|times| u16::try_from(times).ok());
        Ok(RunBoxOutput { status, log: Some(log), payload: input.payload })
    }

    async fn list_boxes(&self, _: &Context, input: ListBoxesInput) -> Result<()> {
        Err(Fault::new("Seen", 418, format!("{:?} {:?}", input.keys, input.max_items)))
    }

    async fn find_lid(&self, _: &Context, input: FindLidInput) -> Result<()> {
        if input.arn == "a:b" { Ok(()) } else { Err(Fault::internal()) }
    }
}

fn context() -> Context {
    Context {
        account: "000000000000".parse().unwrap(),
        region: "us-east-1".parse().unwrap(),
        request_id: "6f2c1c36-93a3-4f7b-9a58-000000000001".parse().unwrap(),
        trace: names::TraceHeader::start(0),
        caller: Caller { arn: String::new(), user_id: String::new(), access_key_id: String::new() },
        authority: Authority::Full,
        endpoint: String::new(),
    }
}

async fn answer(endpoint: &impl Endpoint, request: Request) -> Option<Response> {
    let (head, body) = request.into_parts();
    let copy = http::Request::from_parts(head.clone(), body);
    let route = route(endpoint.spec(), &head)?;
    Some(endpoint.call(&context(), route, copy).await)
}

/// `METHOD target`, headers, an empty line, the body.
fn parse(text: &str) -> Request {
    let (head, body) = text.split_once("\n\n").unwrap_or((text, ""));
    let mut lines = head.lines();
    let (method, target) = lines.next().unwrap().split_once(' ').unwrap();
    let mut request = http::Request::builder().method(method).uri(target);
    for line in lines {
        let (name, value) = line.split_once(": ").unwrap();
        request = request.header(name, value);
    }
    request.body(Bytes::copy_from_slice(body.as_bytes())).unwrap()
}

async fn check(request: &str, expected: Expect) {
    let text = match answer(&BoxesEndpoint(Arc::new(Shelf)), parse(request)).await {
        None => "no route\n".to_owned(),
        Some(response) => {
            let mut text = format!("{}\n", response.status().as_u16());
            for (name, value) in response.headers() {
                text += &format!("{name}: {}\n", value.to_str().unwrap());
            }
            text + "\n" + std::str::from_utf8(response.body().whole().unwrap()).unwrap() + "\n"
        }
    };
    expected.assert_eq(&text);
}

#[tokio::test]
async fn rest_json_bodies() {
    check(
        "POST /2020/boxes\n\n{\"Name\":\"a-1\",\"Lid\":{\"Content\":\"aGk=\",\"Kind\":\"FLAT\",\"Kind2\":[null]},\
         \"Size\":9,\"KMSKey\":\"k\",\"Labels\":null,\"Parts\":[{\"Name\":\"p\"}],\"Since\":1.5e3}",
        expect![[r#"
            201
            content-type: application/json
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001

            {"Name":"a-1","Lid":{"Content":"aGk=","Kind":"FLAT"},"Parts":[{"Name":"p"}],"Counts":{},"Note":"9 & Some(\"k\")","Made":1500}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn labels_headers_query_and_payload() {
    check(
        "POST /2020/boxes/a%2D1/run?Qualifier=x%3A%2Fy%2525+z\nx-box-KIND: round\nX-Box-Times: 202\n\n{not json",
        expect![[r#"
            202
            x-box-log: a-1 Some(Round) Some(202) Some("x:/y%25 z")
            content-type: application/json
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001

            {not json
        "#]],
    )
    .await;
    check(
        "POST /2020/boxes/a/run/",
        expect![[r#"
            200
            x-box-log: a None None None
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001


        "#]],
    )
    .await;
    check(
        "POST /2020/boxes/a/run\nx-box-times: soon",
        expect![[r#"
            400
            content-type: application/json
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001
            x-amzn-errortype: SerializationException

            {"message":"STRING_VALUE can not be converted to an Integer"}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn a_payload_is_not_copied() {
    let payload = Bytes::from(vec![7; 100_000]);
    let request = http::Request::post("/2020/boxes/a/run").body(payload.clone()).unwrap();
    let response = answer(&BoxesEndpoint(Shelf), request).await.unwrap();
    assert_eq!(response.body().whole().unwrap().as_ptr(), payload.as_ptr());
}

#[tokio::test]
async fn literal_query_strings_select_operations() {
    check(
        "GET /2020/boxes?Arn=a%3Ab&find=Lid",
        expect![[r#"
            204
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001


        "#]],
    )
    .await;
    check(
        "GET /2020/boxes?keys=a&keys=b%20c&MaxItems=7&find=Box",
        expect![[r#"
            418
            content-type: application/json
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001
            x-amzn-errortype: Seen

            {"message":"Some([\"a\", \"b c\"]) Some(7)"}
        "#]],
    )
    .await;
    check("PATCH /2020/boxes", expect!["no route\n"]).await;
    check("GET /2020/boxes/a/b/c", expect!["no route\n"]).await;
    check("GET 2020", expect!["no route\n"]).await;
}

#[tokio::test]
async fn one_violation_and_many() {
    check(
        "POST /2020/boxes/a_b/run",
        expect![[r#"
            400
            content-type: application/json
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001
            x-amzn-errortype: ValidationException

            {"message":"1 validation error detected: Value 'a_b' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z0-9-]+"}
        "#]],
    )
    .await;
    let message = async |request: &str| {
        let response = answer(&BoxesEndpoint(Shelf), parse(request)).await.unwrap();
        let body: serde_json::Value =
            serde_json::from_slice(response.body().whole().unwrap()).unwrap();
        body["message"].as_str().unwrap().replace("; ", "\n").replace("detected: ", "detected:\n")
    };
    expect![[r#"
        8 validation errors detected:
        Value '' at 'name' failed to satisfy constraint: Member must have length greater than or equal to 1
        Value '' at 'name' failed to satisfy constraint: Member must satisfy regular expression pattern: [a-z0-9-]+
        Value 'oval' at 'lid.kind' failed to satisfy constraint: Member must satisfy enum value set: [FLAT, round]
        Value '10' at 'size' failed to satisfy constraint: Member must have value less than or equal to 9
        Value '[a, B]' at 'labels' failed to satisfy constraint: Member must have length less than or equal to 1
        Value '[a, B]' at 'labels' failed to satisfy constraint: Member must satisfy constraint: [Member must have length less than or equal to 8, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z0-9-]+, Member must not be null]
        Value at 'secrets' failed to satisfy constraint: Map keys must satisfy constraint: [Member must have length less than or equal to 8, Member must have length greater than or equal to 1, Member must satisfy regular expression pattern: [a-z0-9-]+, Member must not be null]
        Value '[FLAT, oval]' at 'kinds' failed to satisfy constraint: Member must satisfy constraint: [Member must satisfy enum value set: [FLAT, round], Member must not be null]"#]]
    .assert_eq(
        &message(
            "POST /2020/boxes\n\n{\"Name\":\"\",\"Lid\":{\"Kind\":\"oval\"},\"Size\":10,\"Labels\":[\"a\",\"B\"],\
             \"Secrets\":{\"_\":\"s\"},\"Kinds\":[\"FLAT\",\"oval\"]}",
        )
        .await,
    );
    expect![[r#"
        3 validation errors detected:
        Value null at 'name' failed to satisfy constraint: Member must not be null
        Value null at 'lid' failed to satisfy constraint: Member must not be null
        Value null at 'parts.2.member.name' failed to satisfy constraint: Member must not be null"#]]
    .assert_eq(&message("POST /2020/boxes\n\n{\"Name\":null,\"Parts\":[{\"Name\":\"p\"},{}]}").await);
    expect![[r#"
        1 validation error detected:
        Value '0' at 'maxItems' failed to satisfy constraint: Member must have value greater than or equal to 1"#]]
    .assert_eq(&message("GET /2020/boxes?MaxItems=0").await);
}

#[tokio::test]
async fn modelled_faults_in_each_protocol() {
    check(
        "POST /2020/boxes\n\n{\"Name\":\"none\",\"Lid\":{}}",
        expect![[r#"
            404
            content-type: application/json
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001
            x-amzn-errortype: NoBox
            retry-after: 3

            {"Why":"gone","Type":"User","Message":"no <box>"}
        "#]],
    )
    .await;
    check(
        "POST /\nX-Amz-Target: Box_2020.CreateBox\n\n{\"Name\":\"none\",\"Lid\":{}}",
        expect![[r#"
            404
            content-type: application/x-amz-json-1.0
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001
            x-amzn-query-error: NoBox;Sender
            retry-after: 3

            {"__type":"NoBox","Why":"gone","Message":"no <box>"}
        "#]],
    )
    .await;
    check(
        "POST /\n\nAction=CreateBox&Version=2020-01-01&Name=none&Lid.Kind=FLAT",
        expect![[r#"
            404
            content-type: text/xml
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001
            retry-after: 3

            <ErrorResponse xmlns="https://box/doc/"><Error><Type>Sender</Type><Code>NoBox</Code><Message>no &lt;box&gt;</Message></Error><RequestId>6f2c1c36-93a3-4f7b-9a58-000000000001</RequestId></ErrorResponse>
        "#]],
    )
    .await;
    check(
        "GET /2020/boxes?find=Lid&Arn=x",
        expect![[r#"
            500
            content-type: application/json
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001
            x-amzn-errortype: ServiceException

            {"Type":"Service","Message":"An internal error occurred."}
        "#]],
    )
    .await;
}

#[tokio::test]
async fn json_by_target() {
    check(
        "POST /\nX-Amz-Target: Box_2020.CreateBox\n\n{\"Name\":\"a\",\"Lid\":{}}",
        expect![[r#"
            200
            content-type: application/x-amz-json-1.0
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001

            {"Name":"a","Lid":{},"Parts":[],"Counts":{},"Made":1.5}
        "#]],
    )
    .await;
    check("POST /\nX-Amz-Target: Box_2020.Nothing", expect!["no route\n"]).await;
    check("POST /\nX-Amz-Target: Sphere.CreateBox", expect!["no route\n"]).await;
}

#[tokio::test]
async fn query_forms_and_xml() {
    check(
        "POST /\n\nAction=CreateBox&Version=2020-01-01&Name=a&Lid.Kind=round&Lid.Content=aGk%3D&Size=3\
         &Labels.member.1=l&Parts.member.1.Name=p&Parts.member.2.Name=q&IsOpen=true&Since=2026-11-23T04%3A00%3A00Z",
        expect![[r#"
            200
            content-type: text/xml
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001

            <CreateBoxResponse xmlns="https://box/doc/"><CreateBoxResult><Name>a</Name><Lid><Content>aGk=</Content><Kind>round</Kind></Lid><Parts><member><Name>p</Name></member><member><Name>q</Name></member></Parts><Counts><entry><key>l</key><value>1</value></entry></Counts><Note>3 &amp; None</Note><Made>2026-11-23T04:00:00Z</Made></CreateBoxResult><ResponseMetadata><RequestId>6f2c1c36-93a3-4f7b-9a58-000000000001</RequestId></ResponseMetadata></CreateBoxResponse>
        "#]],
    )
    .await;
    check(
        "GET /?Action=CreateBox&Name=none&Lid.Kind=oval",
        expect![[r#"
            400
            content-type: text/xml
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001

            <ErrorResponse xmlns="https://box/doc/"><Error><Type>Sender</Type><Code>ValidationError</Code><Message>1 validation error detected: Value 'oval' at 'lid.kind' failed to satisfy constraint: Member must satisfy enum value set: [FLAT, round]</Message></Error><RequestId>6f2c1c36-93a3-4f7b-9a58-000000000001</RequestId></ErrorResponse>
        "#]],
    )
    .await;
    for (body, code) in
        [("Action=Nothing", "InvalidAction"), ("Version=1", "MissingAction"), ("", "MissingAction")]
    {
        let response =
            answer(&BoxesEndpoint(Shelf), parse(&format!("POST /\n\n{body}"))).await.unwrap();
        let text = std::str::from_utf8(response.body().whole().unwrap()).unwrap();
        assert!(text.contains(&format!("<Code>{code}</Code>")), "{text}");
    }
}

#[tokio::test]
async fn declared_operations_say_that_they_are_not_built() {
    check(
        "DELETE /2020/boxes/a",
        expect![[r#"
            501
            content-type: application/json
            x-amzn-requestid: 6f2c1c36-93a3-4f7b-9a58-000000000001
            x-amzn-errortype: NotImplementedException

            {"message":"DeleteBox is not available in this build of Tinderbox"}
        "#]],
    )
    .await;
    struct Empty;
    impl Boxes for Empty {}
    let response =
        answer(&BoxesEndpoint(Empty), parse("GET /2020/boxes?find=Lid&Arn=x")).await.unwrap();
    assert_eq!(response.status(), 501);
}

#[test]
fn the_specification_says_what_was_declared() {
    let names: Vec<_> =
        SPEC.operations.iter().map(|operation| (operation.name, operation.is_built)).collect();
    expect![[r#"[("CreateBox", true), ("RunBox", true), ("ListBoxes", true), ("FindLid", true), ("WatchBox", true), ("DeleteBox", false)]"#]]
        .assert_eq(&format!("{names:?}"));
    assert_eq!((SPEC.operations[0].status, SPEC.operations[0].body_max), (201, 10_000));
    assert_eq!((SPEC.operations[2].status, SPEC.operations[2].body_max), (200, crate::BODY_MAX));
    assert_eq!(SPEC.protocols, [Protocol::RestJson, Protocol::Json10, Protocol::Query]);
}

#[test]
fn a_route_for_an_operation_that_is_not_there_is_answered() {
    let route =
        crate::Route { protocol: Protocol::Json11, operation: Some(99), labels: Vec::new() };
    let cx = context();
    let response = Call::<BoxesProtocols>::open(&SPEC, &cx, route, parse("POST /")).unwrap_err();
    assert_eq!(response.status(), 404);
}

#[test]
fn structures_are_stored_as_they_are_sent() {
    let stored = r#"{"Content":"aGk=","Kind":"round"}"#;
    let lid: Lid = serde_json::from_str(stored).unwrap();
    assert_eq!(serde_json::to_string(&lid).unwrap(), stored);
    assert_eq!(format!("{lid:?}"), "Lid { content: Some(Blob(2 bytes)), kind: Some(Round) }");
    assert!(serde_json::from_str::<Lid>(r#"{"Kind":"oval"}"#).is_err());
    assert!(serde_json::from_str::<Part>("{}").is_err());
}

proptest::proptest! {
    /// Whatever comes in, something AWS clients can read goes out.
    #[test]
    fn any_request_is_answered(
        name in "[a-zA-Z0-9%+._-]{0,12}",
        query in "[a-zA-Z0-9%+=&.]{0,40}",
        body in proptest::prop_oneof![
            "\\PC{0,60}",
            "\\{\"(Name|Lid|Size|Parts|Since|Labels)\":(null|7|1e99|\"x\"|\\[[0-9{},]{0,4}\\]|\\{\\}|-0.5)\\}?",
            "Action=CreateBox(&(Name|Lid|Size|Parts|Since)(\\.(member|1|entry|key|Kind|Content)){0,3}=[a-z0-9%+]{0,5}){0,4}",
        ],
    ) {
        let runtime = tokio::runtime::Builder::new_current_thread().build().unwrap();
        for head in [
            format!("POST /2020/boxes?{query}"),
            format!("POST /2020/boxes/{name}/run?{query}\nX-Box-Kind: {name}x"),
            format!("GET /2020/boxes?{query}"),
            format!("POST /?{query}"),
            "POST /\nX-Amz-Target: Box_2020.CreateBox".to_owned(),
        ] {
            let request = parse(&format!("{head}\n\n{body}"));
            if let Some(response) = runtime.block_on(answer(&BoxesEndpoint(Shelf), request)) {
                proptest::prop_assert!(response.headers().contains_key("x-amzn-requestid"));
                let is_text = std::str::from_utf8(response.body().whole().unwrap()).is_ok();
                proptest::prop_assert!(is_text && (200..=501).contains(&response.status().as_u16()));
            }
        }
    }
}

/// The event type, content type and payload of each message, read by length alone: checksums are `event_stream`'s test.
fn messages(mut bytes: &[u8]) -> Vec<String> {
    let mut found = Vec::new();
    while !bytes.is_empty() {
        let number = |at: usize| u32::from_be_bytes(bytes[at..at + 4].try_into().unwrap()) as usize;
        let (length, headers) = (number(0), number(4));
        found.push(format!(
            "{}|{}",
            bytes[12..12 + headers].escape_ascii(),
            bytes[12 + headers..length - 4].escape_ascii()
        ));
        bytes = &bytes[length..];
    }
    found
}

#[tokio::test]
async fn a_stream_of_events() {
    let response = answer(&BoxesEndpoint(Shelf), parse("GET /2020/boxes/a/life")).await.unwrap();
    let (head, body) = response.into_parts();
    assert_eq!((head.status.as_u16(), &head.headers["x-box-name"]), (200, &"a".parse().unwrap()));
    assert_eq!(head.headers["content-type"], "application/vnd.amazon.eventstream");
    assert!(matches!(body, Body::Stream(_)));
    let bytes = body.collect().await.unwrap().to_bytes();
    expect![[r#"
        \x0b:event-type\x07\x00\x05Piece\r:content-type\x07\x00\x18application/octet-stream\r:message-type\x07\x00\x05event|\x00\xff
        \x0b:event-type\x07\x00\x05Piece\r:content-type\x07\x00\x18application/octet-stream\r:message-type\x07\x00\x05event|
        \x0b:event-type\x07\x00\x03End\r:content-type\x07\x00\x10application/json\r:message-type\x07\x00\x05event|{\"Why\":\"over\"}"#]]
    .assert_eq(&messages(&bytes).join("\n"));
}

#[tokio::test]
async fn an_answer_without_its_stream_is_whole() {
    for (name, status) in [("dead", 200), ("none", 404)] {
        let request = parse(&format!("GET /2020/boxes/{name}/life"));
        let response = answer(&BoxesEndpoint(Shelf), request).await.unwrap();
        assert_eq!(response.status(), status);
        assert_eq!(response.body().whole().unwrap().is_empty(), name == "dead");
    }
}
