//! An operator lets go of what retention dares not drop by itself: of a stopped server, and of one that goes on running.

use kit::program::{answer, run};
use kit::{Client, Login, Server, Version};
use reqwest::Method;
use serde_json::{Value, json};

use crate::{devices, publish_all, text};

const SMALL: &str = "[storage]\nsegment_size = \"64KiB\"\n";
const LIMITED: &str = "[storage]\nsegment_size = \"64KiB\"\n[retention]\nsize = \"300KiB\"\ncheck_delay = \"50ms\"\n";

async fn warnings(server: &Server) -> String {
    let url = format!("http://{}/readyz", server.addresses().http);
    let answer = kit::http_client().get(url).send().await.unwrap();
    answer.text().await.unwrap()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_retention_dares_not_drop_goes_on_an_operators_word_and_the_server_runs_on() {
    let mut server = Server::start_with(SMALL).await;
    let app = server.app().await;
    let [alice, bob] = devices(&app, &["alice", "bob"]).await.try_into().unwrap();
    let (mut sender, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, Version::V5)).await;
    let padding = "x".repeat(8_000);
    let drafts = (0..120).map(|n| text(&format!("p{n}"), "bob", &padding));
    publish_all(&mut sender, &alice.topic("outbox"), drafts).await;
    server.stop();

    // Stopped: its folder is opened for the question, and nothing goes.
    let folder = tempfile::tempdir().unwrap();
    let (config, data) = (folder.path().join("godwit.toml"), server.data());
    std::fs::write(&config, LIMITED).unwrap();
    let (config, data) = (config.to_str().unwrap(), data.to_str().unwrap());
    let dry = answer(&["archive", "retain", "--json", "--config", config, "--data", data]);
    assert_eq!(
        (&dry["dropped"], &dry["limited"]),
        (&json!(false), &json!(true)),
        "{dry}"
    );
    assert!(dry["halt"].as_str().unwrap().contains("would go at once"), "{dry}");
    assert!(dry["bytes"].as_u64() > Some(dry["of"].as_u64().unwrap() / 2), "{dry}");

    server.configure(LIMITED);
    server.restart().await;
    kit::wait_for("the warning", || async {
        warnings(&server).await.contains("godwit archive retain").then_some(())
    })
    .await;
    assert!(server.log().contains("godwit archive retain"), "{}", server.log());
    let app = app.at(&server.addresses().http);
    let floor = async || {
        let path = format!("/v1/accounts/{}/inbox?after=0&limit=1", bob.account);
        app.call_as(&bob.token, Method::GET, &path, None).await.1["floor"].clone()
    };
    let (mut there, _) = Client::connect(&server.addresses().mqtt, &Login::of(&alice, Version::V5)).await;
    let asked = answer(&["archive", "retain", "--json", "--data", data]);
    assert_eq!((&asked["dropped"], &asked["halt"]), (&json!(false), &dry["halt"]));
    assert_eq!(floor().await, 1, "a question drops nothing");

    let done = answer(&["archive", "retain", "--yes", "--json", "--data", data]);
    assert_eq!(
        (&done["dropped"], &done["halt"]),
        (&json!(true), &Value::Null),
        "{done}"
    );
    assert!(done["segments"].as_u64() > Some(0), "{done}");
    assert!(floor().await.as_u64() > Some(60), "{done}");
    let last = text("last", "bob", "still here");
    assert_eq!(
        there.publish_and_wait(&alice.topic("outbox"), &last).await,
        0,
        "it ran on"
    );
    kit::wait_for("the end of the warning", || async {
        (!warnings(&server).await.contains("retention")).then_some(())
    })
    .await;
    let again = answer(&["archive", "retain", "--json", "--data", data]);
    assert_eq!(again["segments"], 0, "{again}");
}

#[test]
fn there_is_nothing_to_let_go_of_where_nothing_is() {
    let folder = tempfile::tempdir().unwrap();
    let refused = run(&[
        "archive",
        "retain",
        "--yes",
        "--data",
        folder.path().join("none").to_str().unwrap(),
    ]);
    assert_eq!(refused.status.code(), Some(5));
    // A folder, but no log in it: none is made.
    let refused = run(&["archive", "retain", "--yes", "--data", folder.path().to_str().unwrap()]);
    let said = String::from_utf8_lossy(&refused.stderr).into_owned();
    assert!(said.contains("GW-A010") || said.contains("GW-D005"), "{said}");
    assert!(!folder.path().join("archive").exists());
}
