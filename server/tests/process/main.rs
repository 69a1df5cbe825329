//! The binary as those who run it meet it: its folder, its files, its exit statuses, what it prints.

mod program;

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::process::{Command, Stdio};
use std::time::Duration;

use serde_json::Value;

use program::{Server, folder, godwit, json, mode, run, stderr, stdout};

#[test]
fn a_first_start_makes_a_private_folder_and_a_later_one_keeps_it() {
    let (_folder, data) = folder();
    let mut first = Server::start(&data);
    assert_eq!(mode(&data), 0o700);
    for name in ["master.key", "first-app.json", "addresses.json", "lock"] {
        assert_eq!(mode(&data.join(name)), 0o600, "{name}");
    }
    assert!(data.join("store.db").is_file() && data.join("archive").is_dir());
    let app = json(&data.join("first-app.json"));
    assert_eq!(app["tenantNo"], "1");
    let secret = app["clientSecret"].as_str().expect("a secret");
    assert!(!first.banner.contains(secret), "the secret is on the screen");
    assert!(first.banner.contains("(new)"), "{}", first.banner);
    let addresses = json(&data.join("addresses.json"));
    let http = addresses["http"].as_str().expect("an address");
    assert!(http.starts_with("127.0.0.1:") && !http.ends_with(":0"), "{http}");
    assert!(addresses["mqtt"].is_string() && addresses["mqtts"].is_null());
    assert_eq!(first.stop(), Some(0));
    assert!(
        !data.join("addresses.json").exists(),
        "a stopped server has no addresses"
    );

    let key = std::fs::read(data.join("master.key")).expect("the key");
    let second = Server::start(&data);
    assert!(!second.banner.contains("(new)"), "{}", second.banner);
    assert_eq!(std::fs::read(data.join("master.key")).expect("the key"), key);
    assert_eq!(json(&data.join("first-app.json")), app);
}

#[test]
fn the_printed_curl_lines_send_a_message_when_pasted() {
    let folder = tempfile::Builder::new()
        .prefix("god wit's")
        .tempdir()
        .expect("a folder");
    let server = Server::start(&folder.path().join("data"));
    let lines: Vec<&str> = server
        .banner
        .lines()
        .skip_while(|line| !line.starts_with("TOKEN="))
        .take(2)
        .collect();
    assert_eq!(lines.len(), 2, "{}", server.banner);
    let pasted = Command::new("sh")
        .args(["-c", &lines.join("\n")])
        .output()
        .expect("sh runs");
    let answer: Value = serde_json::from_slice(&pasted.stdout).unwrap_or_else(|_| panic!("{}", stdout(&pasted)));
    assert!(answer["serverId"].is_string(), "{answer}");
}

#[test]
fn a_folder_in_use_is_refused_with_who_has_it() {
    let (_folder, data) = folder();
    let server = Server::start(&data);
    let path = data.to_str().expect("text");
    for arguments in [
        vec!["serve", "--data", path],
        vec!["app", "create", "--name", "x", "--data", path],
    ] {
        let second = run(&arguments);
        assert_eq!(second.status.code(), Some(1));
        let said = stderr(&second);
        assert!(
            said.contains("GW-D002") && said.contains(&format!("pid {}", server.child.id())),
            "{said}"
        );
    }
}

#[test]
fn a_folder_that_lost_a_part_is_refused_and_not_begun_anew() {
    for (part, code) in [("master.key", "GW-D007"), ("archive", "GW-S004")] {
        let (_folder, data) = folder();
        let mut server = Server::start(&data);
        server.child.kill().expect("killed");
        server.child.wait().expect("ended");
        let (kept, lost) = (data.join("kept"), data.join(part));
        std::fs::rename(&lost, &kept).expect("it is there");
        for _ in 0..2 {
            let again = run(&[
                "serve",
                "--data",
                data.to_str().expect("text"),
                "--http",
                "127.0.0.1:0",
                "--mqtt",
                "127.0.0.1:0",
            ]);
            assert_eq!(again.status.code(), Some(1));
            assert!(stderr(&again).contains(code), "{part}: {}", stderr(&again));
        }
        if lost.is_dir() {
            std::fs::remove_dir_all(&lost).expect("what the start made");
        }
        std::fs::rename(&kept, &lost).expect("it is put back");
        let _whole = Server::start(&data);
    }
}

#[test]
fn a_killed_server_leaves_a_folder_that_starts_again() {
    let (_folder, data) = folder();
    let mut server = Server::start(&data);
    server.child.kill().expect("killed");
    server.child.wait().expect("ended");
    let stale = json(&data.join("addresses.json"));
    let _second = Server::start(&data);
    assert_ne!(json(&data.join("addresses.json")), stale);
}

#[test]
fn a_taken_port_is_named_with_a_way_out() {
    let (_folder, data) = folder();
    let taken = std::net::TcpListener::bind("127.0.0.1:0").expect("a port");
    let address = taken.local_addr().expect("an address").to_string();
    let data = data.to_str().expect("text");
    let refused = run(&["serve", "--data", data, "--http", "127.0.0.1:0", "--mqtt", &address]);
    assert_eq!(refused.status.code(), Some(1));
    let said = stderr(&refused);
    assert!(
        said.contains("GW-L001") && said.contains(&address) && said.contains("--mqtt"),
        "{said}"
    );
}

#[test]
fn a_master_key_that_others_may_read_or_that_is_damaged_is_refused() {
    let (_folder, data) = folder();
    assert_eq!(Server::start(&data).stop(), Some(0));
    let key = data.join("master.key");
    let serve = [
        "serve",
        "--http",
        "127.0.0.1:0",
        "--mqtt",
        "127.0.0.1:0",
        "--data",
        data.to_str().expect("text"),
    ];

    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o644)).expect("changed");
    let open = run(&serve);
    assert_eq!(open.status.code(), Some(1));
    assert!(
        stderr(&open).contains("GW-D003") && stderr(&open).contains("chmod 600"),
        "{}",
        stderr(&open)
    );

    std::fs::set_permissions(&key, PermissionsExt::from_mode(0o600)).expect("changed");
    std::fs::write(&key, "abc").expect("damaged");
    let damaged = run(&serve);
    assert_eq!(damaged.status.code(), Some(1));
    assert!(stderr(&damaged).contains("GW-D006"), "{}", stderr(&damaged));
}

#[test]
fn a_folder_that_others_may_write_into_is_refused() {
    let (_folder, data) = folder();
    std::fs::create_dir(&data).expect("a folder");
    std::fs::set_permissions(&data, PermissionsExt::from_mode(0o777)).expect("changed");
    let refused = run(&["serve", "--data", data.to_str().expect("text")]);
    assert_eq!(refused.status.code(), Some(1));
    assert!(stderr(&refused).contains("GW-D005"), "{}", stderr(&refused));
}

#[test]
fn check_config_tells_what_is_valid_by_its_status() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("godwit.toml");
    let path = file.to_str().expect("text");

    std::fs::write(&file, "[mqtt]\nbind = \"127.0.0.1:1999\"\n").expect("written");
    let valid = run(&["check-config", "--config", path, "--json"]);
    assert_eq!(valid.status.code(), Some(0));
    let verdict: Value = serde_json::from_slice(&valid.stdout).expect("JSON");
    assert_eq!(verdict["valid"], true);
    assert_eq!(verdict["written"]["mqtt.bind"]["from"], format!("{path}:2"));

    std::fs::write(&file, "[mqtt]\nbnid = \"127.0.0.1:1999\"\nbind = 7\n").expect("written");
    let invalid = run(&["check-config", "--config", path]);
    assert_eq!(invalid.status.code(), Some(1));
    let said = stderr(&invalid);
    for part in [
        format!("{path}:2"),
        format!("{path}:3"),
        "GW-C003".into(),
        "GW-C004".into(),
        "2 problems".into(),
    ] {
        assert!(said.contains(&part), "{part} is missing: {said}");
    }
    assert!(invalid.stdout.is_empty());

    let invalid = run(&["check-config", "--config", path, "--json"]);
    assert_eq!(invalid.status.code(), Some(1));
    let verdict: Value = serde_json::from_slice(&invalid.stdout).expect("JSON");
    assert_eq!(verdict["problems"][0]["code"], "GW-C003");
    assert_eq!(run(&["check-config", "--confg", path]).status.code(), Some(2));
}

#[test]
fn a_door_with_tls_and_no_certificate_is_refused_with_the_way_to_one() {
    let (_folder, data) = folder();
    let refused = run(&[
        "serve",
        "--mqtts",
        "127.0.0.1:0",
        "--data",
        data.to_str().expect("text"),
    ]);
    assert_eq!(refused.status.code(), Some(1));
    let told = stderr(&refused);
    assert!(
        told.contains("(--mqtts)  GW-C007") && told.contains("godwit tls self-signed"),
        "{told}"
    );
    assert!(!data.exists(), "nothing was started");
}

#[test]
fn apps_are_made_and_their_secrets_reset_while_no_server_runs() {
    let (_folder, data) = folder();
    let path = data.to_str().expect("text");
    let missing = run(&["app", "create", "--name", "shop", "--data", path]);
    assert_eq!(missing.status.code(), Some(5), "no folder yet");
    assert_eq!(Server::start(&data).stop(), Some(0));

    let made = run(&[
        "app",
        "create",
        "--name",
        "shop",
        "--scopes",
        "tickets,messages",
        "--data",
        path,
        "--json",
    ]);
    assert_eq!(made.status.code(), Some(0), "{}", stderr(&made));
    let made: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    assert_eq!(
        (&made["name"], &made["scopes"]),
        (&Value::from("shop"), &Value::from("tickets messages"))
    );

    let wrong = run(&[
        "app",
        "create",
        "--name",
        "shop",
        "--scopes",
        "everything",
        "--data",
        path,
    ]);
    assert_eq!(wrong.status.code(), Some(2));
    let unknown = run(&["app", "reset-secret", "nobody", "--data", path]);
    assert_eq!(unknown.status.code(), Some(5), "{}", stderr(&unknown));

    let first = json(&data.join("first-app.json"));
    let client_id = first["clientId"].as_str().expect("an id");
    let reset = run(&["app", "reset-secret", client_id, "--data", path]);
    assert_eq!(reset.status.code(), Some(0), "{}", stderr(&reset));
    let renewed = json(&data.join("first-app.json"));
    assert_ne!(renewed["clientSecret"], first["clientSecret"]);
    let secret = renewed["clientSecret"].as_str().expect("a secret");
    assert!(stdout(&reset).contains(secret), "the file keeps the secret that works");
}

#[test]
fn for_machines_the_start_is_one_event_of_json() {
    let (_folder, data) = folder();
    let mut child = godwit()
        .args([
            "serve",
            "--http",
            "127.0.0.1:0",
            "--mqtt",
            "127.0.0.1:0",
            "--log",
            "json",
            "--data",
        ])
        .arg(&data)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .expect("godwit starts");
    let lines = BufReader::new(child.stderr.take().expect("piped")).lines();
    let ready = lines
        .map(|line| serde_json::from_str::<Value>(&line.expect("text")).expect("every line is JSON"))
        .find(|event| event["message"] == "ready")
        .expect("it says when it is ready");
    assert_eq!(ready["http"], json(&data.join("addresses.json"))["http"]);
    let mut server = Server {
        child,
        banner: String::new(),
    };
    assert_eq!(server.stop(), Some(0));
}

#[test]
fn the_version_is_told_to_people_and_machines() {
    let version = env!("CARGO_PKG_VERSION");
    assert_eq!(stdout(&run(&["version"])), format!("godwit {version}\n"));
    assert_eq!(
        stdout(&run(&["version", "--json"])),
        format!("{{\"version\":\"{version}\"}}\n")
    );
    assert_eq!(run(&["vresion"]).status.code(), Some(2));
}

#[test]
fn the_demo_comes_true_and_leaves_nothing_behind() {
    let folder = tempfile::tempdir().expect("a folder");
    let began = std::time::Instant::now();
    let told = godwit()
        .args(["demo", "--json"])
        .env("TMPDIR", folder.path())
        .output()
        .expect("godwit runs");
    assert_eq!(told.status.code(), Some(0), "{}", stderr(&told));
    assert!(began.elapsed() < Duration::from_mins(1));
    let verdict: Value = serde_json::from_slice(&told.stdout).expect("JSON");
    assert_eq!(verdict["passed"], true);
    assert!(
        verdict["checks"].as_array().is_some_and(|checks| checks.len() >= 10),
        "{verdict}"
    );
    let left = std::fs::read_dir(folder.path()).expect("the folder").count();
    assert_eq!(left, 0);
}

#[test]
fn a_connection_that_says_nothing_is_closed() {
    use std::io::Read;
    let (_folder, data) = folder();
    let config = data.with_extension("toml");
    std::fs::write(&config, "[http]\nhead_timeout = \"100ms\"\n").expect("written");
    let _server = Server::start_with(&data, &["--config", config.to_str().expect("text")]);
    let addresses = json(&data.join("addresses.json"));
    let mut silent = std::net::TcpStream::connect(addresses["http"].as_str().expect("an address")).expect("connected");
    silent.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
    let mut rest = Vec::new();
    silent.read_to_end(&mut rest).expect("the server closes it");
}

#[test]
fn connections_beyond_the_bound_are_closed_and_counted() {
    use std::io::{Read, Write};
    let (_folder, data) = folder();
    let config = data.with_extension("toml");
    std::fs::write(&config, "[http]\nconnections = 1\n").expect("written");
    let _server = Server::start_with(&data, &["--config", config.to_str().expect("text")]);
    let addresses = json(&data.join("addresses.json"));
    let http = addresses["http"].as_str().expect("an address");
    let connect = || {
        let stream = std::net::TcpStream::connect(http).expect("connected");
        stream.set_read_timeout(Some(Duration::from_secs(20))).expect("set");
        stream
    };
    let mut first = connect();
    let ask = format!("GET /metrics HTTP/1.1\r\nHost: {http}\r\n");
    let mut answer = [0; 12];
    first.write_all(format!("{ask}\r\n").as_bytes()).expect("sent");
    first.read_exact(&mut answer).expect("an answer");
    assert_eq!(&answer, b"HTTP/1.1 200");
    let mut beyond = Vec::new();
    // Closed at once, or reset because a request was on its way.
    let _ = connect().read_to_end(&mut beyond);
    assert!(beyond.is_empty());
    first
        .write_all(format!("{ask}Connection: close\r\n\r\n").as_bytes())
        .expect("sent");
    let mut metrics = String::new();
    first
        .read_to_string(&mut metrics)
        .expect("the rest, and the second answer");
    assert!(
        metrics.contains("http_connections_refused_total{reason=\"too_many\"} 1"),
        "{metrics}"
    );
}

#[test]
fn the_operator_finds_health_readiness_and_metrics() {
    let (_folder, data) = folder();
    let _server = Server::start(&data);
    let addresses = json(&data.join("addresses.json"));
    let http = addresses["http"].as_str().expect("an address");
    for (path, part) in [
        ("healthz", "ok"),
        ("readyz", "\"ready\":true"),
        ("metrics", "godwit_build_info"),
    ] {
        let answer = Command::new("curl")
            .args(["-sf", &format!("http://{http}/{path}")])
            .output()
            .expect("curl runs");
        assert!(stdout(&answer).contains(part), "{path}: {}", stdout(&answer));
    }
}
