//! The page at `/try` in a real browser, against a real server that is killed and started again.

mod page;
mod webdriver;

use std::process::Command;

use kit::{Server, program};
use page::{Page, numbered};
use serde_json::{Value, json};
use tokio::sync::Mutex;

/// One browser at a time: they are heavy, and their clocks should not disturb each other.
static TURN: Mutex<()> = Mutex::const_new(());

/// Whether there is a browser to drive. Said loudly when not; with `GODWIT_REQUIRE_BROWSER` that is a failure.
fn has_browser() -> bool {
    ["chromium", "chromedriver"]
        .iter()
        .all(|name| program::is_here(name, "GODWIT_REQUIRE_BROWSER"))
}

#[tokio::test(flavor = "multi_thread")]
async fn what_alice_writes_shows_on_bobs_phone_and_its_way_on_the_strip() {
    if !has_browser() {
        return;
    }
    let _turn = TURN.lock().await;
    let server = Server::start().await;
    let page = Page::open(&server).await;
    page.write("alice", "Hello Bob").await;
    let says = [
        ("accepted", "ms · PUBACK"),
        ("stored", "seq 1 · convSeq 1"),
        ("delivered", "Bob’s seq 1"),
    ];
    page.expect_journey("Hello Bob", "delivered", &says).await;
    assert_eq!(page.shown("bob").await, ["Hello Bob"]);
    assert_eq!(page.shown("alice").await, ["Hello Bob"]);
    page.write("bob", "Hello Alice").await;
    let says = [("stored", "seq 2 · convSeq 2")];
    page.expect_journey("Hello Alice", "delivered", &says).await;
    assert_eq!(page.shown("alice").await, ["Hello Bob", "Hello Alice"]);
    page.expect_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_was_offline_gets_what_waited_once_and_in_order() {
    if !has_browser() {
        return;
    }
    let _turn = TURN.lock().await;
    let server = Server::start().await;
    let page = Page::open(&server).await;
    page.switch("bob").await;
    page.expect_state("bob", "offline").await;
    for text in numbered("waits", 1..=3) {
        page.write("alice", &text).await;
        page.expect_journey(&text, "stored", &[("delivered", "waits for Bob")])
            .await;
    }
    let waits = page.text_of("[data-phone=\"bob\"] .waits").await;
    assert_eq!(waits, "3 messages wait for Bob");
    assert!(page.shown("bob").await.is_empty());
    page.write("bob", "from the tunnel").await;
    page.switch("bob").await;
    page.expect_delivered("waits 3").await;
    page.expect_delivered("from the tunnel").await;
    let mut shown = page.expect_shown("bob", 4).await;
    shown.retain(|text| text != "from the tunnel");
    assert_eq!(shown, numbered("waits", 1..=3));
    assert_eq!(page.expect_shown("alice", 4).await.len(), 4);
    page.expect_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn a_phone_that_is_away_shows_its_pushes_with_the_number_on_its_icon_and_what_is_taken_back() {
    if !has_browser() {
        return;
    }
    let _turn = TURN.lock().await;
    let server = Server::start_simulating_push().await;
    let page = Page::open(&server).await;
    page.write("alice", "seen at once").await;
    page.expect_delivered("seen at once").await;
    page.switch("bob").await;
    page.expect_state("bob", "offline").await;
    page.write("alice", "are you there?").await;
    page.expect_pushes("bob", &[("try-alice", "are you there?", "shown")])
        .await;
    page.expect_badge("bob", "1").await;
    // Nothing is pushed to whoever is here, and nothing that Bob has.
    assert!(page.pushes("alice").await.is_empty());
    let script =
        "return document.querySelector('[data-phone=\"alice\"] [data-server-id]:last-of-type').dataset.serverId";
    let message = page.browser.run(script, &[]).await;
    let path = format!("/v1/messages/{}", message.as_str().expect("an id"));
    let app = server.app().await;
    let (status, answer) = app.call(reqwest::Method::DELETE, &path, None).await;
    assert!(status.is_success(), "{answer}");
    page.expect_pushes("bob", &[("try-alice", "are you there?", "withdrawn")])
        .await;
    page.expect_badge("bob", "").await;
    page.write("alice", "once more").await;
    let both = [
        ("try-alice", "are you there?", "withdrawn"),
        ("try-alice", "once more", "shown"),
    ];
    page.expect_pushes("bob", &both).await;
    page.expect_badge("bob", "1").await;
    page.switch("bob").await;
    page.expect_delivered("once more").await;
    page.expect_pushes("bob", &[]).await;
    page.expect_badge("bob", "").await;
    page.expect_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn the_button_and_the_curl_line_send_the_same_by_rest() {
    if !has_browser() {
        return;
    }
    let _turn = TURN.lock().await;
    let server = Server::start().await;
    let page = Page::open(&server).await;
    page.browser.type_into("#rest input[name=text]", ", it's here").await;
    let text = "Your parcel is on its way, it's here";
    page.browser.click("#send-by-rest").await;
    page.expect_journey(text, "delivered", &[("accepted", "ms · HTTP")])
        .await;
    assert_eq!(page.shown("bob").await, [text]);
    if program::is_here("curl", "GODWIT_REQUIRE_BROWSER") {
        let line = page.text_of("#curl").await;
        let pasted = Command::new("sh").args(["-c", &line]).output().expect("a shell");
        let answer: Value = serde_json::from_slice(&pasted.stdout).expect("JSON");
        assert!(answer["serverId"].is_string(), "{answer}");
        assert_eq!(page.expect_shown("bob", 2).await, [text, text]);
    }
    page.expect_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn over_a_killed_server_nothing_is_lost_and_nothing_comes_twice() {
    if !has_browser() {
        return;
    }
    let _turn = TURN.lock().await;
    let mut server = Server::start().await;
    let page = Page::open(&server).await;
    page.write("alice", "message 1").await;
    page.expect_delivered("message 1").await;
    // Some of these are stored, some on the way, some not sent yet when the server dies.
    let write_at_once = "const form = document.querySelector('[data-phone=\"alice\"] .composer'); \
        for (let n = 2; n <= 20; n++) { form.querySelector('input').value = `message ${n}`; form.requestSubmit(); }";
    page.browser.run(write_at_once, &[]).await;
    server.kill();
    page.expect_state("alice", "connecting").await;
    for text in numbered("message", 21..=23) {
        page.write("alice", &text).await;
    }
    server.restart().await;
    page.expect_state("bob", "online").await;
    page.expect_delivered("message 23").await;
    assert_eq!(page.expect_shown("bob", 23).await, numbered("message", 1..=23));
    assert_eq!(page.expect_shown("alice", 23).await, numbered("message", 1..=23));
    page.write("bob", "all here").await;
    page.expect_journey("all here", "delivered", &[("stored", "seq 24 · convSeq 24")])
        .await;
    page.expect_no_complaints().await;
}

#[tokio::test(flavor = "multi_thread")]
async fn opening_the_page_again_shows_what_was_said() {
    if !has_browser() {
        return;
    }
    let _turn = TURN.lock().await;
    let server = Server::start().await;
    let page = Page::open(&server).await;
    page.write("alice", "remember me").await;
    page.expect_delivered("remember me").await;
    page.browser
        .open(&format!("http://{}/try", server.addresses().http))
        .await;
    assert_eq!(page.expect_shown("bob", 1).await, ["remember me"]);
    assert_eq!(page.expect_shown("alice", 1).await, ["remember me"]);
    page.write("bob", "I do").await;
    page.expect_delivered("I do").await;
    assert_eq!(page.shown("alice").await, ["remember me", "I do"]);
}

#[tokio::test(flavor = "multi_thread")]
async fn a_second_tab_takes_the_phones_over_and_they_come_back_when_asked() {
    if !has_browser() {
        return;
    }
    let _turn = TURN.lock().await;
    let server = Server::start().await;
    let page = Page::open(&server).await;
    page.browser.run("window.open('/try')", &[]).await;
    page.expect_state("alice", "elsewhere").await;
    page.expect_state("bob", "elsewhere").await;
    page.switch("alice").await;
    page.expect_state("alice", "online").await;
    page.switch("bob").await;
    page.expect_state("bob", "online").await;
    page.write("alice", "here again").await;
    page.expect_delivered("here again").await;
}

#[tokio::test(flavor = "multi_thread")]
async fn other_sites_and_borrowed_names_get_no_demo_phones() {
    let server = Server::start().await;
    let address = &server.addresses().http;
    let own = format!("http://{address}");
    for (host, origin) in [
        (address.as_str(), "https://evil.example"),
        (address.as_str(), "null"),
        ("evil.example:8080", "http://evil.example:8080"),
    ] {
        let (status, answer) = ask_session(&own, host, origin).await;
        assert_eq!(status, 403, "{host} {origin}");
        assert_eq!(answer["code"], "forbidden", "{answer}");
    }
    let (status, answer) = ask_session(&own, address, &own).await;
    assert_eq!(status, 200, "{answer}");
    let token = answer["rest"]["accessToken"].as_str().expect("a token");
    let app = server.app().await;
    let message = json!({ "to": "try-bob", "type": 0, "content": { "text": "by token" } });
    let (status, _) = app
        .call_as(token, reqwest::Method::POST, "/v1/messages", Some(&message))
        .await;
    assert!(status.is_success());
    let ticket = json!({ "userId": "try-bob" });
    let (status, _) = app
        .call_as(token, reqwest::Method::POST, "/v1/tickets", Some(&ticket))
        .await;
    assert_eq!(
        status, 403,
        "the token of the page sends messages and does nothing else"
    );
}

async fn ask_session(base: &str, host: &str, origin: &str) -> (u16, Value) {
    let request = kit::http_client()
        .post(format!("{base}/try/session"))
        .header("Host", host)
        .header("Origin", origin)
        .json(&json!({ "uniqueCode": "a" }));
    let answer = request.send().await.expect("the door answers");
    let status = answer.status().as_u16();
    (status, answer.json().await.unwrap_or_default())
}
