// SPDX-License-Identifier: Apache-2.0
//! Who may call an operation.

use super::{BoxesEndpoint, Shelf, context, parse};
use crate::{Access, Authority, Authorize, Context, Endpoint, Request, route};
use std::sync::{Arc, Mutex};

/// Denies what its name says, and remembers what it was asked.
struct Denies(&'static str, Mutex<Vec<String>>);

impl Authorize for Denies {
    fn authorize(&self, _: &Context, action: &str, access: &Access) -> Result<(), String> {
        let Access { resource, facts, .. } = access;
        self.1.lock().unwrap().push(format!("{action} {resource} {facts:?}"));
        if action == self.0 { Err(format!("no {action}")) } else { Ok(()) }
    }
}

/// The answer to `request`, and what the authority was asked.
async fn denied(action: &'static str, request: &str) -> (String, Vec<String>) {
    let denies = Arc::new(Denies(action, Mutex::default()));
    let cx = Context { authority: Authority::Limited(Arc::clone(&denies) as _), ..context() };
    let (head, body) = parse(request).into_parts();
    let route = route(BoxesEndpoint(Shelf).spec(), &head).unwrap();
    let request = Request::from_parts(head.clone(), body);
    let response = BoxesEndpoint(Shelf).call(&cx, route, request).await;
    let text = String::from_utf8_lossy(response.body().whole().unwrap()).into_owned();
    let asked = denies.1.lock().unwrap().clone();
    (format!("{} {text}", response.status().as_u16()), asked)
}

#[tokio::test]
async fn who_may_not_is_refused_before_the_service_is_called() {
    const CREATE: &str = "POST /2020/boxes\n\n{\"Name\":\"a\",\"Lid\":{\"Open\":true}}";
    let (answer, asked) = denied("box:CreateBox", CREATE).await;
    assert_eq!(answer, r#"403 {"Message":"no box:CreateBox"}"#);
    assert_eq!(asked, ["box:CreateBox box/a []"]);
    let (answer, asked) = denied("lid:Close", CREATE).await;
    assert_eq!(answer, r#"403 {"Message":"no lid:Close"}"#);
    assert_eq!(asked[1], r#"lid:Close * [("lid:Of", ["a"])]"#);
    let (answer, _) = denied("", CREATE).await;
    assert!(answer.starts_with("201 "), "{answer}");
    let json =
        "POST /\nx-amz-target: Box_2020.CreateBox\n\n{\"Name\":\"a\",\"Lid\":{\"Open\":true}}";
    let (answer, _) = denied("box:CreateBox", json).await;
    assert!(answer.starts_with("400 ") && answer.contains("AccessDeniedException"), "{answer}");
    let form = "POST /\n\nAction=CreateBox&Name=a&Lid.Open=true";
    let (answer, _) = denied("box:CreateBox", form).await;
    assert!(answer.starts_with("403 ") && answer.contains("<Code>AccessDenied</Code>"), "{answer}");
    // An operation that is open to everyone asks nobody.
    let (answer, asked) = denied("", "GET /2020/boxes\n\n").await;
    assert!(answer.starts_with("418 ") && asked.is_empty(), "{answer}");
}
