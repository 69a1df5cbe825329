//! Every way to ask badly is a 4xx problem with a code, never a 5xx.

use std::time::Duration;

use godwit_gateway::Gateway;
use reqwest::Method;
use serde_json::json;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

use crate::house::{Answer, House, send};

fn assert_is_problem(answer: &Answer, (status, code): (u16, &str), what: &str) {
    assert_eq!(answer.problem(), (status, code), "{what}: {}", answer.text);
    assert_eq!(answer.header("content-type"), "application/problem+json", "{what}");
    assert_eq!(answer.json["status"], status, "{what}");
    assert_eq!(answer.json["type"], format!("/docs#{code}"), "{what}");
    assert_eq!(answer.json["requestId"], answer.header("request-id"), "{what}");
    assert_eq!(answer.json["retryable"], false, "{what}");
    for field in ["title", "detail", "requestId"] {
        assert!(!answer.field(field).is_empty(), "{what}: {field}");
    }
}

#[tokio::test]
async fn a_place_or_method_that_is_not_there_is_a_problem() {
    let house = House::start().await;
    for (method, path, expected) in [
        (Method::GET, "/nowhere", (404, "not_found")),
        (Method::DELETE, "/v1/devices/none", (404, "not_found")),
        (Method::GET, "/v1/tickets", (405, "method_not_allowed")),
        (Method::PATCH, "/v1/groups/team", (405, "method_not_allowed")),
    ] {
        let answer = send(house.request(method, path).bearer_auth(&house.token)).await;
        assert_is_problem(&answer, expected, path);
    }
    let wrong_method = send(house.request(Method::PUT, "/v1/tickets")).await;
    assert_eq!(wrong_method.header("allow"), "POST");
}

#[tokio::test]
async fn a_body_that_cannot_be_used_is_a_problem() {
    let house = House::start().await;
    let json = "application/json";
    let not_text: &[u8] = b"{\"userId\":\"\xff\"}";
    for (path, kind, body, expected) in [
        ("/v1/tickets", "text/plain", &b"{}"[..], (415, "unsupported_media_type")),
        ("/v1/messages", "", b"{}", (415, "unsupported_media_type")),
        ("/v1/tickets", json, b"{\"userId\":", (400, "malformed")),
        ("/v1/tickets", json, b"", (400, "malformed")),
        ("/v1/tickets", json, not_text, (400, "malformed")),
        ("/v1/messages", json, b"[1]", (400, "malformed")),
        ("/v1/messages", json, not_text, (400, "malformed")),
        ("/v1/tickets", json, b"{}", (422, "invalid_field")),
        ("/v1/tickets", json, br#"{"userId":"a b"}"#, (422, "invalid_field")),
        ("/v1/tickets", json, br#"{"userId":"a","x":1}"#, (422, "invalid_field")),
        (
            "/v1/tickets",
            json,
            br#"{"userId":"a","userId":"b"}"#,
            (422, "invalid_field"),
        ),
        (
            "/v1/tickets",
            json,
            br#"{"userId":"a","ttlSeconds":-1}"#,
            (422, "invalid_field"),
        ),
        (
            "/v1/groups",
            json,
            br#"{"name":"x","members":"bob"}"#,
            (422, "invalid_field"),
        ),
    ] {
        let request = house.request(Method::POST, path).bearer_auth(&house.token).body(body);
        let request = if kind.is_empty() {
            request
        } else {
            request.header("content-type", kind)
        };
        assert_is_problem(&send(request).await, expected, &String::from_utf8_lossy(body));
    }
}

#[tokio::test]
async fn a_path_or_query_that_says_nothing_is_a_problem() {
    let house = House::start().await;
    let long = format!("/v1/groups/{}", "x".repeat(4_000));
    let messages = "/v1/conversations/g-0-1/messages";
    for query in [
        "limit=x",
        "limit=0",
        "after=-1",
        "after=99999999999999999999",
        "page=1",
        "after=1&after=2",
    ] {
        let answer = house.get(&house.token, &format!("{messages}?{query}")).await;
        assert_is_problem(&answer, (422, "invalid_field"), query);
    }
    for (path, expected) in [
        ("/v1/conversations/%ff/messages", (400, "malformed")),
        ("/v1/groups/%ff", (400, "malformed")),
        ("/v1/groups/a%20b", (422, "invalid_field")),
        (&long, (422, "invalid_field")),
        ("/v1/messages/1", (422, "invalid_field")),
    ] {
        assert_is_problem(&house.get(&house.token, path).await, expected, path);
    }
}

#[tokio::test]
async fn without_credentials_nothing_is_open() {
    let house = House::start().await;
    for token in [None, Some("nonsense"), Some("gwd_a_b"), Some("a.b.c")] {
        for path in [
            "/v1/groups/team",
            "/v1/messages/1",
            "/v1/accounts/a/inbox",
            "/v1/conversations/g-0-1/messages",
        ] {
            let request = house.request(Method::GET, path);
            let request = match token {
                Some(token) => request.bearer_auth(token),
                None => request,
            };
            let answer = send(request).await;
            assert_is_problem(&answer, (401, "unauthenticated"), path);
            assert!(answer.header("www-authenticate").starts_with("Bearer "));
        }
    }
}

#[tokio::test]
async fn a_body_over_the_limit_is_too_large_whether_it_says_so_or_not() {
    let house = House::start_with(|gateway: &mut Gateway| gateway.settings.body_bytes_max = 1_000).await;
    let body = json!({"userId": "x".repeat(2_000)});
    let declared = house.post(&house.token, "/v1/tickets", &body).await;
    assert_is_problem(&declared, (413, "too_large"), "with a length");

    let mut socket = TcpStream::connect(house.address).await.expect("a connection");
    let head = format!(
        "POST /v1/tickets HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nTransfer-Encoding: chunked\r\n\r\n7d0\r\n{}\r\n0\r\n\r\n",
        house.token,
        " ".repeat(2_000)
    );
    socket.write_all(head.as_bytes()).await.expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 413 "), "{answer}");
    assert!(answer.contains("\"code\":\"too_large\""), "{answer}");
}

#[tokio::test]
async fn a_body_that_does_not_arrive_is_not_waited_for() {
    let house =
        House::start_with(|gateway: &mut Gateway| gateway.settings.body_timeout = Duration::from_millis(300)).await;
    let mut socket = TcpStream::connect(house.address).await.expect("a connection");
    let head = format!(
        "POST /v1/tickets HTTP/1.1\r\nHost: x\r\nConnection: close\r\nAuthorization: Bearer {}\r\n\
         Content-Type: application/json\r\nContent-Length: 20\r\n\r\n{{\"us",
        house.token
    );
    socket.write_all(head.as_bytes()).await.expect("written");
    let mut answer = String::new();
    socket.read_to_string(&mut answer).await.expect("answered");
    assert!(answer.starts_with("HTTP/1.1 408 "), "{answer}");
    assert!(answer.contains("\"retryable\":true"), "{answer}");
}

#[tokio::test]
async fn a_panic_is_a_problem_of_ours_and_the_door_stays_open() {
    let broken = |gateway: &mut Gateway| gateway.metrics = Box::new(|| panic!("a broken probe"));
    let house = House::start_with(broken).await;
    let answer = send(house.request(Method::GET, "/metrics")).await;
    assert_eq!(answer.problem(), (500, "internal"));
    assert!(!answer.text.contains("broken probe"), "{}", answer.text);
    send(house.request(Method::GET, "/healthz")).await.expect(200);
}

#[tokio::test]
async fn every_answer_carries_an_id_and_safe_headers() {
    let house = House::start().await;
    let given = send(house.request(Method::GET, "/healthz").header("request-id", "mine-1")).await;
    assert_eq!(given.header("request-id"), "mine-1");
    let harmful = send(house.request(Method::GET, "/healthz").header("request-id", "a b<c>")).await;
    assert!(harmful.header("request-id").len() == 36, "{harmful:?}");
    for path in ["/healthz", "/nowhere", "/docs", "/openapi.json"] {
        let answer = send(house.request(Method::GET, path)).await;
        assert_eq!(answer.header("x-content-type-options"), "nosniff", "{path}");
        assert_eq!(answer.header("referrer-policy"), "no-referrer", "{path}");
        assert!(
            answer
                .header("content-security-policy")
                .contains("frame-ancestors 'none'"),
            "{path}"
        );
        assert_eq!(answer.header("access-control-allow-origin"), "", "{path}");
    }
}

#[tokio::test]
async fn readiness_says_why_not() {
    let house = House::start().await;
    let ready = send(house.request(Method::GET, "/readyz")).await.expect(200);
    assert_eq!(ready.json, json!({"ready": true, "reasons": []}));
    let stopping = |gateway: &mut Gateway| gateway.not_ready = Box::new(|| vec!["the server is stopping".to_owned()]);
    let warned = |gateway: &mut Gateway| gateway.warnings = Box::new(|| vec!["retention is halted".to_owned()]);
    let house = House::start_with(warned).await;
    let ready = send(house.request(Method::GET, "/readyz")).await.expect(200);
    assert_eq!(
        ready.json,
        json!({"ready": true, "reasons": [], "warnings": ["retention is halted"]})
    );
    let house = House::start_with(stopping).await;
    let answer = send(house.request(Method::GET, "/readyz")).await.expect(503);
    assert_eq!(
        answer.json,
        json!({"ready": false, "reasons": ["the server is stopping"]})
    );
}

#[tokio::test]
async fn pages_of_other_origins_are_let_in_only_by_name() {
    let origin = "https://admin.example.org";
    let open = |gateway: &mut Gateway| gateway.settings.cors_origins = vec![origin.to_owned()];
    let house = House::start_with(open).await;
    for (from, expected) in [(origin, origin), ("https://evil.example", "")] {
        let request = house.request(Method::GET, "/healthz").header("origin", from);
        assert_eq!(send(request).await.header("access-control-allow-origin"), expected);
    }
}
