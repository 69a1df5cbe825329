//! Runs the load generator for a moment against real servers: every load, every count.

#![expect(
    clippy::panic,
    clippy::print_stderr,
    reason = "a test asserts, and says what it skips"
)]

use std::path::{Path, PathBuf};
use std::process::{Command, Output};

use serde_json::Value;

/// The program under test.
const BENCH: &str = env!("CARGO_BIN_EXE_godwit-bench");
const MOSQUITTO: &str = "/usr/sbin/mosquitto";
const EJABBERD: &str = "/usr/sbin/ejabberdctl";

/// The `godwit` program of this build, if it was built.
fn godwit() -> PathBuf {
    Path::new(BENCH).with_file_name("godwit")
}

/// Whether both servers are there. A missing one is said loudly, or fails when the environment requires it.
#[expect(clippy::disallowed_methods, reason = "a test reads whether it may be skipped")]
fn are_here() -> bool {
    for (program, required_by) in [
        (PathBuf::from(MOSQUITTO), "GODWIT_REQUIRE_MOSQUITTO"),
        (godwit(), "GODWIT_REQUIRE_GODWIT"),
    ] {
        if !program.exists() {
            let program = program.display();
            assert!(
                std::env::var(required_by).is_err(),
                "{program} is missing, and {required_by} is set"
            );
            eprintln!("\n  SKIPPED: {program} is missing; the load generator was NOT tried\n");
            return false;
        }
    }
    true
}

fn compare(folder: &Path, more: &[&str]) -> Output {
    let mut command = Command::new(BENCH);
    command
        .args(["compare", "--quick", "--folder"])
        .arg(folder.join("servers"));
    command.arg("--godwit").arg(godwit()).args(more);
    command.output().expect("the program runs")
}

/// All runs, as the file of JSON lines has them.
fn runs(folder: &Path) -> Vec<Value> {
    let text = std::fs::read_to_string(folder.join("servers/runs.jsonl")).expect("runs are kept");
    text.lines()
        .map(|line| serde_json::from_str(line).expect("JSON"))
        .collect()
}

fn figure(run: &Value, name: &str) -> f64 {
    let figure = run["figures"][name].as_f64();
    figure.unwrap_or_else(|| panic!("{name} in {run}"))
}

#[test]
fn every_load_runs_against_both_servers_and_nothing_is_lost() {
    if !are_here() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let document = folder.path().join("page.md");
    std::fs::write(&document, "# Benchmarks\n").expect("a page");
    let document_path = document.to_str().expect("UTF-8");
    let peers = ["--peers", "godwit,mosquitto,archiver", "--write", document_path];
    let output = compare(folder.path(), &peers);
    let said = String::from_utf8_lossy(&output.stderr);
    assert!(output.status.success(), "{said}");
    let runs = runs(folder.path());
    for server in ["godwit", "mosquitto"] {
        for load in [
            "chat",
            "group",
            "idle",
            "logins",
            "storm",
            "replay",
            "churn",
            "isolation",
        ] {
            let mut of_load = runs.iter().filter(|run| run["server"] == server && run["load"] == load);
            assert!(of_load.next().is_some(), "{load} was not run against {server}");
        }
    }
    let growing: Vec<_> = runs.iter().filter(|run| run["load"] == "growth").collect();
    let stored: Vec<_> = growing
        .iter()
        .filter_map(|run| run["settings"]["stored"].as_u64())
        .collect();
    assert_eq!(stored, [0, 5_000], "one run for each size");
    assert!(figure(growing[1], "page_cold_p50_ms") > 0.0, "{}", growing[1]);
    for run in &runs {
        assert_eq!(run["faults"], serde_json::json!([]), "{run}");
        match run["load"].as_str() {
            Some("chat") => {
                let sent = figure(run, "sent_in_all");
                assert!(
                    sent > 0.0 && (figure(run, "delivered_in_all") - sent).abs() < 0.5,
                    "{run}"
                );
                assert!((figure(run, "acknowledged_in_all") - sent).abs() < 0.5, "{run}");
                assert!(
                    figure(run, "server_cpu_us_per_delivery") > 0.0 && figure(run, "p99_ms") > 0.0,
                    "{run}"
                );
            }
            Some("group") => {
                let copies = 20.0 * figure(run, "sent_in_all");
                assert!((figure(run, "delivered_in_all") - copies).abs() < 0.5, "{run}");
            }
            Some("storm") => assert!(figure(run, "all_back_s") > 0.0, "{run}"),
            Some("churn") => assert!(figure(run, "users_churned") > 199.0, "{run}"),
            _ => {}
        }
    }
    assert_page(&document);
}

/// A table for each load, and the plots.
fn assert_page(document: &Path) {
    let page = std::fs::read_to_string(document).expect("the page");
    for title in [
        "One-to-one",
        "Groups",
        "Idle connections",
        "Reconnect storm",
        "Backlog replay",
        "Growth",
    ] {
        assert!(page.contains(&format!("### {title}\n")), "{title} is missing");
    }
    assert!(page.contains("(plots/growth.svg)"), "{page}");
    assert!(document.with_file_name("plots").join("growth.svg").exists());
}

#[test]
#[expect(clippy::disallowed_methods, reason = "a test reads whether it may be skipped")]
fn ejabberd_takes_part_with_its_archive() {
    let is_required = std::env::var("GODWIT_REQUIRE_EJABBERD").is_ok();
    let is_here = [EJABBERD, "/usr/share/doc/erlang-p1-sqlite3"]
        .iter()
        .all(|path| Path::new(path).exists());
    if !is_here && !is_required {
        eprintln!("\n  SKIPPED: ejabberd or erlang-p1-sqlite3 is missing; its part of the comparison was NOT tried\n");
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    let output = compare(folder.path(), &["--peers", "ejabberd", "--only", "chat,group,replay"]);
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
    let runs = runs(folder.path());
    for load in ["chat", "group", "replay"] {
        let run = runs.iter().find(|run| run["load"] == load);
        let run = run.unwrap_or_else(|| panic!("{load} was not run"));
        assert_eq!(run["faults"], serde_json::json!([]), "{run}");
        assert_eq!(run["server"], "ejabberd + SQLite");
    }
    let archive = folder.path().join("servers/ejabberd + SQLite/archive.db");
    assert!(archive.exists(), "messages were stored in SQLite");
}

#[test]
fn a_folder_that_is_in_use_is_refused() {
    if !are_here() {
        return;
    }
    let folder = tempfile::tempdir().expect("a folder");
    std::fs::create_dir_all(folder.path().join("servers/precious")).expect("a folder");
    let output = compare(folder.path(), &[]);
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("is not empty"));
}

#[test]
fn a_server_that_refuses_the_connection_fails_the_run() {
    let output = Command::new(BENCH)
        .args(["run", "--mqtt", "127.0.0.1:1", "chat", "--users", "2"])
        .output()
        .expect("the program runs");
    assert!(!output.status.success());
    assert!(String::from_utf8_lossy(&output.stderr).contains("connecting"));
}
