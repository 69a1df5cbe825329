//! Settings: every problem at once and with its place, and which source comes before which.

use std::path::Path;
use std::time::Duration;

use godwit_server::settings::{
    Bind, ByteSize, Flag, Loaded, Place, Problem, ProblemKind, Problems, Secret, Settings, Sources, example, load,
};

const EXAMPLE: &str = include_str!("../../godwit.example.toml");

fn problems(text: &str) -> Vec<Problem> {
    Settings::from_toml("godwit.toml", text).expect_err("problems").0
}

fn from_environment(variables: &[(&str, &str)]) -> Result<Loaded, Problems> {
    load(Sources {
        environment: variables
            .iter()
            .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
            .collect(),
        ..Sources::default()
    })
}

fn at(line: usize) -> Place {
    Place::File {
        file: "godwit.toml".to_owned(),
        line,
    }
}

#[test]
fn the_example_file_is_made_of_the_defaults() {
    assert_eq!(
        EXAMPLE,
        example(),
        "write it again: godwit config default > godwit.example.toml"
    );
    assert_eq!(Settings::from_toml("example", EXAMPLE), Ok(Settings::default()));
}

#[test]
fn every_setting_of_the_example_has_its_line_of_explanation() {
    let lines: Vec<&str> = EXAMPLE.lines().collect();
    for pair in lines.windows(2).filter(|pair| pair[1].contains(" = ")) {
        assert!(pair[0].starts_with("# "), "{}", pair[1]);
    }
}

#[test]
fn an_empty_file_is_valid() {
    assert_eq!(Settings::from_toml("godwit.toml", ""), Ok(Settings::default()));
}

#[test]
fn all_problems_are_told_at_once_with_their_lines() {
    let text = "\
[mqtt]
bnid = \"127.0.0.1:1883\"
connect_timeout = 10
deliveries_in_flight = 70000

[storge]
segment_size = \"64MiB\"

[storage]
segment_size = \"64MB\"
database = \"mysql://localhost\"

[credentials]
ticket_lifetime = \"2h\"
";
    let found: Vec<(Place, ProblemKind)> = problems(text).into_iter().map(|p| (p.place, p.kind)).collect();
    let expected = [
        (at(2), ProblemKind::UnknownKey),
        (at(3), ProblemKind::WrongKind),
        (at(4), ProblemKind::BadValue),
        (at(6), ProblemKind::UnknownKey),
        (at(10), ProblemKind::BadValue),
        (at(11), ProblemKind::BadValue),
        (at(14), ProblemKind::Conflict),
    ];
    assert_eq!(found, expected);
}

#[test]
fn an_unknown_name_comes_with_the_nearest_known_one() {
    let cases = [
        ("[mqtt]\nbnid = 1", "did you mean `mqtt.bind`?"),
        ("[mqtt]\nsegment_size = 1", "did you mean `storage.segment_size`?"),
        ("[htttp]\nbind = 1", "did you mean [http]?"),
        (
            "[archive]\nsegment_size = 1",
            "did you mean [storage]? it has `segment_size`",
        ),
        ("bind = 1", "did you mean `http.bind`?"),
        (
            "[mqtt]\nquux = 1",
            "`godwit config default` prints every setting there is",
        ),
    ];
    for (text, next) in cases {
        let problems = problems(text);
        assert_eq!(problems[0].next, next, "{text}");
        assert_eq!(problems[0].kind, ProblemKind::UnknownKey, "{text}");
    }
}

#[test]
fn what_is_not_toml_is_told_with_its_line_beside_the_rest() {
    let problems = problems("[http]\nbind = \n[mqtt]\nbnid = 1\n");
    let kinds: Vec<_> = problems
        .iter()
        .map(|problem| (problem.place.clone(), problem.kind))
        .collect();
    assert!(kinds.contains(&(at(2), ProblemKind::Syntax)), "{kinds:?}");
    assert!(kinds.contains(&(at(4), ProblemKind::UnknownKey)), "{kinds:?}");
}

#[test]
fn a_port_without_an_address_is_not_guessed() {
    for text in ["[mqtt]\nbind = \":1884\"", "[mqtt]\nbind = \"1884\""] {
        let problem = &problems(text)[0];
        assert!(
            problem.next.contains("127.0.0.1:1884 for this machine only"),
            "{problem}"
        );
    }
    let settings = Settings::from_toml("godwit.toml", "[mqtt]\nbind = \"localhost:1884\"").expect("valid");
    assert_eq!(settings.mqtt.bind, "127.0.0.1:1884".parse().expect("an address"));
}

#[test]
fn values_are_read_in_the_words_of_people() {
    let text = "[storage]\nsegment_size = \"1MiB\"\ncursor_delay = \"20ms\"\n[http]\ncors_origins = [\"https://a\", \"https://b\"]";
    let settings = Settings::from_toml("godwit.toml", text).expect("valid");
    assert_eq!(settings.storage.segment_size, ByteSize(1 << 20));
    assert_eq!(settings.storage.cursor_delay, Duration::from_millis(20));
    assert_eq!(settings.http.cors_origins, ["https://a", "https://b"]);
}

#[test]
fn a_flag_comes_before_the_environment_and_that_before_the_file() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("godwit.toml");
    std::fs::write(
        &file,
        "[http]\nbind = \"127.0.0.1:1\"\n[mqtt]\nbind = \"127.0.0.1:1\"\n[server]\ndata = \"file\"\n",
    )
    .expect("written");
    let loaded = load(Sources {
        file: Some(file.clone()),
        environment: [
            ("GODWIT_HTTP__BIND", "127.0.0.1:2"),
            ("GODWIT_MQTT__BIND", "127.0.0.1:2"),
        ]
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .to_vec(),
        flags: vec![Flag {
            name: "--http",
            key: "http.bind",
            value: "127.0.0.1:3".to_owned(),
        }],
    });
    let loaded = loaded.expect("valid");
    let port = |bind: Bind| bind.address().map(|address| address.port());
    assert_eq!(port(loaded.settings.http.bind), Some(3));
    assert_eq!(port(loaded.settings.mqtt.bind), Some(2));
    assert_eq!(loaded.settings.server.data, Path::new("file"));
    assert_eq!(loaded.origins["http.bind"], Place::Flag("--http"));
    assert_eq!(
        loaded.origins["mqtt.bind"],
        Place::Environment("GODWIT_MQTT__BIND".to_owned())
    );
}

#[test]
fn the_settings_file_may_be_named_by_the_environment() {
    let problems = from_environment(&[("GODWIT_CONFIG", "/nowhere/godwit.toml")])
        .expect_err("no such file")
        .0;
    assert_eq!(problems[0].kind, ProblemKind::Unreadable);
    assert_eq!(problems[0].place.to_string(), "/nowhere/godwit.toml");
}

#[test]
fn problems_of_the_environment_name_the_variable() {
    let problems = from_environment(&[
        ("GODWIT_MQTT__BIND", "everywhere"),
        ("GODWIT_MQTT__BNID", "127.0.0.1:1"),
        ("GODWIT_MQTT_BIND", "127.0.0.1:1"),
        ("GODWIT_HTTP__TRUSTED_PROXIES", "many"),
        // What Kubernetes sets for a service of our name, and what is not ours at all.
        ("GODWIT_PORT_1883_TCP_ADDR", "10.0.0.1"),
        ("GODWIT_SERVICE_HOST", "10.0.0.1"),
        ("GODWITS__X", "1"),
    ]);
    let problems = problems.expect_err("problems").0;
    let found: Vec<(String, ProblemKind, &str)> = problems
        .iter()
        .map(|problem| (problem.place.to_string(), problem.kind, problem.next.as_str()))
        .collect();
    let meant = "did you mean GODWIT_MQTT__BIND?";
    let expected = [
        (
            "environment GODWIT_HTTP__TRUSTED_PROXIES",
            ProblemKind::BadValue,
            "write a whole number from 0 to 255",
        ),
        ("environment GODWIT_MQTT_BIND", ProblemKind::UnknownKey, meant),
        (
            "environment GODWIT_MQTT__BIND",
            ProblemKind::BadValue,
            "write an address and a port in quotes, such as \"127.0.0.1:1883\", or \"off\"",
        ),
        ("environment GODWIT_MQTT__BNID", ProblemKind::UnknownKey, meant),
    ];
    assert_eq!(
        found,
        expected.map(|(place, kind, next)| (place.to_owned(), kind, next))
    );
}

#[test]
fn a_secret_may_lie_in_a_file_and_is_never_shown() {
    let folder = tempfile::tempdir().expect("a folder");
    let file = folder.path().join("url");
    std::fs::write(&file, "postgres://godwit:hunter2@db/godwit\n").expect("written");
    let path = file.to_str().expect("text");
    let settings = from_environment(&[("GODWIT_STORAGE__DATABASE_FILE", path)])
        .expect("valid")
        .settings;
    assert_eq!(
        settings.storage.database,
        Secret::new("postgres://godwit:hunter2@db/godwit")
    );
    assert!(!format!("{settings:?}").contains("hunter2"));
    assert_eq!(settings.show("storage.database").as_deref(), Some("\"(secret)\""));

    let both = [
        ("GODWIT_STORAGE__DATABASE_FILE", path),
        ("GODWIT_STORAGE__DATABASE", "postgres://x"),
    ];
    assert_eq!(
        from_environment(&both).expect_err("both").0[0].kind,
        ProblemKind::Conflict
    );
    let missing = [("GODWIT_STORAGE__DATABASE_FILE", "/nowhere")];
    assert_eq!(
        from_environment(&missing).expect_err("missing").0[0].kind,
        ProblemKind::SecretFile
    );
    let wrong = problems("[storage]\ndatabase = \"mysql://hunter2@db\"");
    assert!(!wrong[0].to_string().contains("hunter2"), "{}", wrong[0]);
}

#[test]
fn each_kind_of_problem_has_a_code_of_its_own() {
    let codes: std::collections::BTreeSet<_> = ProblemKind::ALL.map(ProblemKind::code).into();
    assert_eq!(codes.len(), ProblemKind::ALL.len());
}
