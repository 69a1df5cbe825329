//! What a newcomer gets from one command, and what each door answers over TLS.

use std::io::ErrorKind;
use std::sync::Arc;

use kit::rest::App;
use kit::{Client, Login, PATIENCE, Server, Version, tls, wait_for};
use reqwest::Method;
use serde_json::{Value, json};
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

#[tokio::test(flavor = "multi_thread")]
async fn one_command_makes_a_certificate_and_every_door_speaks_tls_with_it() {
    let server = Server::start_with_tls("", |data| drop(tls::self_signed(data))).await;
    let certificate = server.data().join("tls/certificate.pem");
    let trusted = std::fs::read_to_string(&certificate).expect("a certificate");
    let addresses = server.addresses();
    let https = addresses.https.as_deref().expect("HTTPS is open");
    let mqtts = addresses.mqtts.as_deref().expect("MQTT over TLS is open");

    let app = App::first_over_tls(https, &server.data(), &certificate).await;
    let ann = app.register("ann", "ann-phone").await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = tls::client_config_of(&trusted, None, &[version]);
        let stream = tls::connect(mqtts, config).await.expect("they shake hands");
        let (mut phone, code, _) = Client::over(stream, &Login::of(&ann, Version::V5))
            .await
            .expect("an answer");
        assert_eq!(code, 0);
        assert_eq!(phone.subscribe(&ann.topic("inbox"), 1).await, 1);
        let draft = json!({ "id": format!("{version:?}"), "to": "ann", "type": 0, "content": { "text": "hello" } });
        phone
            .publish(&ann.topic("outbox"), draft.to_string().as_bytes(), 1)
            .await
            .expect("sent");
        let heard = wait_for_text(&mut phone).await;
        assert_eq!(heard["content"]["text"], "hello");
        phone.disconnect().await;
    }
}

/// The next delivery, acknowledged; the acknowledgement of the draft may come before it.
async fn wait_for_text(phone: &mut Client) -> Value {
    loop {
        match phone.next().await {
            Some(kit::Event::Publish { id, payload, .. }) => {
                phone.ack(id).await.expect("the socket is open");
                return serde_json::from_slice(&payload).expect("JSON");
            }
            Some(_) => {}
            None => panic!("the connection ended"),
        }
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_registration_names_the_doors_by_the_way_it_was_asked() {
    let server = Server::start_with_tls("", |data| drop(tls::self_signed(data))).await;
    let addresses = server.addresses().clone();
    let (https, mqtts) = (addresses.https.expect("open"), addresses.mqtts.expect("open"));
    let certificate = server.data().join("tls/certificate.pem");
    let plain = server.app().await;
    let secret = App::first_over_tls(&https, &server.data(), &certificate).await;
    for (app, ws) in [
        (plain, format!("ws://{}/mqtt", addresses.http)),
        (secret, format!("wss://{https}/mqtt")),
    ] {
        let body = json!({ "ticket": app.ticket("ann").await, "uniqueCode": "ann-phone", "os": "web" });
        let (_, answer) = app.call(Method::POST, "/v1/devices", Some(&body)).await;
        let expected = json!({
            "tcp": format!("mqtt://{}", addresses.mqtt),
            "tls": format!("mqtts://{mqtts}"),
            "ws": ws,
        });
        assert_eq!(answer["mqtt"], expected);
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn with_the_plain_doors_closed_only_tls_is_there() {
    let data = tempfile::tempdir().expect("a folder");
    let folder = data.path().join("data");
    let certificate = tls::self_signed(&folder);
    let mut child = std::process::Command::new(kit::program::godwit())
        .args(["serve", "--http", "off", "--mqtt", "off"])
        .args(["--https", "127.0.0.1:0", "--mqtts", "127.0.0.1:0", "--data"])
        .arg(&folder)
        .stdout(std::process::Stdio::null())
        .stderr(std::process::Stdio::null())
        .spawn()
        .expect("godwit starts");
    let addresses: Value = wait_for("the addresses", || async {
        serde_json::from_slice(&std::fs::read(folder.join("addresses.json")).ok()?).ok()
    })
    .await;
    assert!(
        addresses["http"].is_null() && addresses["mqtt"].is_null(),
        "{addresses}"
    );
    let https = addresses["https"].as_str().expect("HTTPS is open");
    let app = App::first_over_tls(https, &folder, &certificate).await;
    let body = json!({ "ticket": app.ticket("ann").await, "uniqueCode": "ann-phone", "os": "web" });
    let (_, answer) = app.call(Method::POST, "/v1/devices", Some(&body)).await;
    assert_eq!(answer["mqtt"]["tcp"], Value::Null, "{answer}");
    assert_eq!(answer["mqtt"]["ws"], format!("wss://{https}/mqtt"));
    child.kill().expect("it runs");
    child.wait().expect("it ended");
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_need_not_name_its_protocol_but_another_one_is_refused() {
    let server = Server::start_with_tls("", |data| drop(tls::self_signed(data))).await;
    let trusted = std::fs::read_to_string(server.data().join("tls/certificate.pem")).expect("a certificate");
    let addresses = server.addresses();
    let doors = [
        (addresses.mqtts.as_deref(), "mqtt"),
        (addresses.https.as_deref(), "http/1.1"),
    ];
    for (address, protocol) in doors {
        let address = address.expect("open");
        for (offered, agreed) in [(vec![], None), (vec!["h2", protocol], Some(protocol))] {
            let mut config = tls::client_config(&trusted, None);
            config.alpn_protocols = offered.iter().map(|one| one.as_bytes().to_vec()).collect();
            let stream = tls::connect(address, config).await.expect("they shake hands");
            assert_eq!(stream.get_ref().1.alpn_protocol(), agreed.map(str::as_bytes));
        }
        let mut config = tls::client_config(&trusted, None);
        config.alpn_protocols = vec![b"smtp".to_vec()];
        assert!(tls::connect(address, config).await.is_err(), "{protocol}");
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn silent_and_wrong_clients_hold_nobody_up_and_are_counted_by_reason() {
    let settings = "[mqtt]\nconnect_timeout = \"8s\"\n[tls]\nhandshakes = 4\n";
    let server = Server::start_with_tls(settings, |data| drop(tls::self_signed(data))).await;
    let trusted = std::fs::read_to_string(server.data().join("tls/certificate.pem")).expect("a certificate");
    let mqtts = server.addresses().mqtts.clone().expect("open");

    let app = server.app().await;
    let ann = app.register("ann", "ann-phone").await;

    // More of them than handshakes may be under way at once.
    let mut silent = Vec::new();
    for _ in 0..20 {
        silent.push(TcpStream::connect(&mqtts).await.expect("connected"));
    }
    let mut speaks_http = TcpStream::connect(&mqtts).await.expect("connected");
    speaks_http.write_all(b"GET / HTTP/1.1\r\n\r\n").await.expect("sent");
    let hands = tls::connect(&mqtts, tls::client_config(&trusted, None)).await;
    let stream = hands.expect("they shake hands");
    for silent in &silent {
        let nothing = silent.try_read(&mut [0; 1]).expect_err("it is open");
        assert_eq!(nothing.kind(), ErrorKind::WouldBlock, "they were not waited for");
    }
    let (_phone, code, _) = Client::over(stream, &Login::of(&ann, Version::V4))
        .await
        .expect("an answer");
    assert_eq!(code, 0);

    let mut rest = Vec::new();
    let closed = tokio::time::timeout(PATIENCE, silent[0].read_to_end(&mut rest)).await;
    assert!(closed.is_ok() && rest.is_empty(), "a silent client is closed in time");
    let hands = tls::connect(&mqtts, tls::client_config(&trusted, None)).await;
    let mut idle = hands.expect("they shake hands");
    let closed = tokio::time::timeout(PATIENCE, idle.read(&mut [0; 8])).await;
    assert!(closed.is_ok(), "who says no CONNECT is closed in time");
    for reason in ["not_tls", "timeout", "distrusted"] {
        let line = format!("tls_handshakes_refused_total{{door=\"mqtts\",reason=\"{reason}\"}}");
        wait_for(&line, || async {
            // Its alert may be lost with its socket, so it comes until it is heard.
            let distrusts = tls::connect(&mqtts, tls::client_config("", None)).await;
            assert!(distrusts.is_err(), "it trusts nobody");
            metrics(&server).await.contains(&line).then_some(())
        })
        .await;
    }
}

#[tokio::test(flavor = "multi_thread")]
async fn a_client_that_comes_back_resumes_its_session_of_tls() {
    let server = Server::start_with_tls("", |data| drop(tls::self_signed(data))).await;
    let trusted = std::fs::read_to_string(server.data().join("tls/certificate.pem")).expect("a certificate");
    let mqtts = server.addresses().mqtts.clone().expect("open");
    let ann = server.app().await.register("ann", "ann-phone").await;
    for version in [&rustls::version::TLS12, &rustls::version::TLS13] {
        let config = Arc::new(tls::client_config_of(&trusted, None, &[version]));
        let mut kinds = Vec::new();
        for _ in 0..2 {
            let stream = tls::connect_with(&mqtts, &config).await.expect("they shake hands");
            kinds.push(stream.get_ref().1.handshake_kind().expect("done"));
            // Tickets of TLS 1.3 come after the handshake: with the first answer at the latest.
            let (phone, code, _) = Client::over(stream, &Login::of(&ann, Version::V5))
                .await
                .expect("an answer");
            assert_eq!(code, 0);
            phone.disconnect().await;
        }
        assert_eq!(kinds[1], rustls::HandshakeKind::Resumed, "{version:?}: {kinds:?}");
    }
}

pub(crate) async fn metrics(server: &Server) -> String {
    let url = format!("http://{}/metrics", server.addresses().http);
    let answer = kit::http_client().get(url).send().await.expect("an answer");
    answer.text().await.expect("text")
}
