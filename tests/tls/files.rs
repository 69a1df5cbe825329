//! What `check-config` and a start say about the files of TLS.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Command, Output};

use kit::program;
use kit::tls::Authority;
use serde_json::Value;

fn check(config: &Path) -> (Option<i32>, Value) {
    let output = Command::new(program::godwit())
        .args(["check-config", "--json", "--config"])
        .arg(config)
        .output();
    let Output { status, stdout, .. } = output.expect("godwit runs");
    (status.code(), serde_json::from_slice(&stdout).expect("JSON"))
}

fn codes(verdict: &Value) -> Vec<&str> {
    let problems = verdict["problems"].as_array().expect("problems");
    problems.iter().filter_map(|problem| problem["code"].as_str()).collect()
}

fn configured(folder: &Path, lines: &str) -> (Option<i32>, Value) {
    let config = folder.join("godwit.toml");
    let data = folder.join("data");
    std::fs::write(&config, format!("[server]\ndata = \"{}\"\n{lines}", data.display())).expect("written");
    check(&config)
}

#[test]
fn everything_wrong_with_the_files_is_told_at_once() {
    let folder = tempfile::tempdir().expect("a folder");
    let path = |name: &str| folder.path().join(name);
    std::fs::write(path("text.pem"), "no certificate\n").expect("written");
    let lines = format!(
        "[tls]\ncertificate = {:?}\nkey = {:?}\nclient_certificates = \"required\"\nclient_ca = {:?}\n",
        path("missing.pem"),
        path("text.pem"),
        path("text.pem"),
    );
    let (status, verdict) = configured(folder.path(), &lines);
    assert_eq!(status, Some(1));
    let told = verdict["problems"].to_string();
    for part in [
        "`tls.certificate`",
        "No such file",
        "holds no private key",
        "`tls.client_ca`",
        "godwit.toml:4",
    ] {
        assert!(told.contains(part), "{part} in {told}");
    }
    assert_eq!(
        codes(&verdict).iter().filter(|code| **code == "GW-C009").count(),
        3,
        "{told}"
    );
}

#[test]
fn a_key_of_another_certificate_is_refused_and_what_is_only_unwise_is_warned_of() {
    let folder = tempfile::tempdir().expect("a folder");
    let authority = Authority::new("ours");
    let good = authority.sign("server").write(&folder.path().join("good"));
    let other = authority.sign_until("server", 2001).write(&folder.path().join("other"));
    let lines = |certificate: &Path, key: &Path| format!("[tls]\ncertificate = {certificate:?}\nkey = {key:?}\n");

    let (status, verdict) = configured(folder.path(), &lines(&good.0, &other.1));
    assert_eq!((status, codes(&verdict)), (Some(1), vec!["GW-C010"]), "{verdict}");

    let (status, verdict) = configured(folder.path(), &lines(&good.0, &good.1));
    assert_eq!((status, codes(&verdict)), (Some(0), vec![]), "{verdict}");

    std::fs::set_permissions(&other.1, std::fs::Permissions::from_mode(0o644)).expect("a mode");
    let (status, verdict) = configured(folder.path(), &lines(&other.0, &other.1));
    assert_eq!(status, Some(0), "{verdict}");
    assert_eq!(
        (&verdict["valid"], codes(&verdict)),
        (&Value::Bool(true), vec!["GW-C011", "GW-C012"]),
        "{verdict}"
    );
}

#[test]
fn settings_of_tls_that_contradict_each_other_are_told() {
    let folder = tempfile::tempdir().expect("a folder");
    for (lines, part) in [
        ("[tls]\ncertificate = \"x.pem\"\n", "`tls.key` is not"),
        ("[tls]\nkey = \"x.pem\"\n", "`tls.certificate` is not"),
        ("[mqtts]\nbind = \"127.0.0.1:0\"\n", "there is no certificate"),
        ("[https]\nbind = \"127.0.0.1:0\"\n", "there is no certificate"),
        ("[http]\nbind = \"off\"\n", "nobody could register"),
        ("[tls]\nclient_certificates = \"optional\"\n", "nobody signs them"),
    ] {
        let (status, verdict) = configured(folder.path(), lines);
        assert_eq!(
            (status, codes(&verdict)),
            (Some(1), vec!["GW-C007"]),
            "{lines}: {verdict}"
        );
        assert!(verdict["problems"].to_string().contains(part), "{lines}: {verdict}");
    }
}

#[test]
fn a_certificate_of_our_own_is_private_and_is_not_replaced_by_accident() {
    let folder = tempfile::tempdir().expect("a folder");
    let data = folder.path().join("data");
    let make = |more: &[&str]| {
        let mut command = Command::new(program::godwit());
        command
            .args(["tls", "self-signed", "--json", "--data"])
            .arg(&data)
            .args(more);
        command.output().expect("godwit runs")
    };
    let made = make(&["--name", "im.example.org"]);
    let told: Value = serde_json::from_slice(&made.stdout).expect("JSON");
    assert_eq!(
        told["names"],
        serde_json::json!(["localhost", "127.0.0.1", "::1", "im.example.org"])
    );
    let mode = |name: &str| data.join(name).metadata().expect("it exists").permissions().mode() & 0o777;
    assert_eq!((mode(""), mode("tls"), mode("tls/key.pem")), (0o700, 0o700, 0o600));
    let first = std::fs::read(data.join("tls/certificate.pem")).expect("a certificate");

    let again = make(&[]);
    assert_eq!(again.status.code(), Some(1));
    assert!(String::from_utf8_lossy(&again.stderr).contains("--replace"));
    assert_eq!(
        std::fs::read(data.join("tls/certificate.pem")).expect("it is there"),
        first
    );
    assert_eq!(make(&["--replace"]).status.code(), Some(0));
    assert_ne!(
        std::fs::read(data.join("tls/certificate.pem")).expect("it is there"),
        first
    );
    assert_eq!(make(&["--replace", "--name", "https://x"]).status.code(), Some(2));
}
