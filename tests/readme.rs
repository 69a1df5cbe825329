//! Runs every command of a page in one shell, in order, and compares what each prints with what the page says: of
//! README.md and of docs/rest.md.
//!
//! The server of the page is the binary of this build, on free ports in a folder of its own; nothing else is changed.

#![expect(clippy::panic, clippy::unwrap_used, reason = "a helper of tests asserts too")]

use std::process::Command;

use kit::{mosquitto, program};

/// A command of the page and what it says it prints; `…` stands for anything.
struct Step {
    command: String,
    printed: String,
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_readme_prints_what_it_says() {
    if mosquitto::is_here() {
        run("README.md", 12);
    }
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn every_command_of_the_guide_to_rest_prints_what_it_says() {
    run("docs/rest.md", 30);
}

/// Runs a page that has more commands than so many.
fn run(name: &str, least: usize) {
    let steps = steps(&page(name));
    assert!(steps.len() > least, "only {} commands were found", steps.len());
    let folder = tempfile::tempdir().unwrap();
    let script = script(&steps, &free_ports());
    let binary = program::godwit();
    let shell = Command::new("bash")
        .args(["-c", &script])
        .env("GODWIT", binary)
        .current_dir(folder.path())
        .output()
        .unwrap();
    let out = String::from_utf8(shell.stdout).unwrap();
    let printed: Vec<&str> = out.split("@@next\n").skip(1).collect();
    assert_eq!(
        printed.len(),
        steps.len(),
        "{out}\n{}",
        String::from_utf8_lossy(&shell.stderr)
    );
    for (step, printed) in steps.iter().zip(printed) {
        let printed = printed.trim_end();
        assert!(
            matches(&step.printed, printed),
            "$ {}\nsays:\n{}\nprints:\n{printed}",
            step.command,
            step.printed
        );
    }
}

#[test]
fn the_test_command_of_the_page_is_the_one_that_ci_runs() {
    let root = concat!(env!("CARGO_MANIFEST_DIR"), "/..");
    let ci = std::fs::read_to_string(format!("{root}/.ci/run")).unwrap();
    assert!(page("README.md").contains("\ncargo test --workspace\n"));
    assert!(ci.contains("cargo test --workspace"));
}

fn page(name: &str) -> String {
    std::fs::read_to_string(format!("{}/../{name}", env!("CARGO_MANIFEST_DIR"))).unwrap()
}

fn steps(page: &str) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    let mut in_console = false;
    for line in page.lines() {
        match (in_console, line) {
            (false, "```console") => in_console = true,
            (true, "```") => in_console = false,
            (true, line) => match (line.strip_prefix("$ "), steps.last_mut()) {
                (Some(command), _) => steps.push(Step {
                    command: command.to_owned(),
                    printed: String::new(),
                }),
                (None, Some(step)) => {
                    step.printed.push_str(line);
                    step.printed.push('\n');
                }
                (None, None) => panic!("output before the first command: {line}"),
            },
            (false, _) => {}
        }
    }
    for step in &mut steps {
        step.printed.truncate(step.printed.trim_end().len());
    }
    steps
}

fn free_ports() -> [(&'static str, u16); 2] {
    let free = || {
        std::net::TcpListener::bind("127.0.0.1:0")
            .and_then(|socket| socket.local_addr())
            .unwrap()
            .port()
    };
    [("8080", free()), ("1883", free())]
}

/// The page's commands, each after a mark. The server runs in the background until the shell ends.
fn script(steps: &[Step], ports: &[(&str, u16); 2]) -> String {
    let mut script = String::from("exec 2>&1\ntrap 'kill $SERVER' EXIT\n");
    for step in steps {
        script.push_str("echo @@next\n");
        let serve = "\"$GODWIT\" serve --http 127.0.0.1:8080 --mqtt 127.0.0.1:1883 > serve.log 2> errors.log & SERVER=$!\n\
             for _ in $(seq 600); do grep -q '^ready in' serve.log errors.log && break; sleep 0.1; done; cat serve.log\n";
        match step.command.as_str() {
            "cargo run --release -- serve" => script.push_str(serve),
            command => {
                script.push_str(&command.replace("cargo run --release --", "\"$GODWIT\""));
                script.push('\n');
            }
        }
    }
    ports
        .iter()
        .fold(script, |script, (port, free)| script.replace(port, &free.to_string()))
}

/// Whether a text fits a pattern in which `…` stands for anything; the ports of the page for any port of as many columns.
fn matches(pattern: &str, text: &str) -> bool {
    let mut rest = String::new();
    let normal = |text: &str| {
        let masked = text.split(':').map(|part| {
            let digits = part.bytes().take_while(u8::is_ascii_digit).count();
            if digits >= 4 {
                format!("PORT{}", part.get(digits..).unwrap_or_default())
            } else {
                part.to_owned()
            }
        });
        let masked = masked.collect::<Vec<_>>().join(":");
        masked
            .lines()
            .map(|line| line.split_whitespace().collect::<Vec<_>>().join(" "))
            .collect::<Vec<_>>()
            .join("\n")
    };
    rest.push_str(&normal(text));
    let pattern = normal(pattern);
    let mut parts = pattern.split('…');
    let first = parts.next().unwrap_or_default();
    let Some(mut rest) = rest.strip_prefix(first) else {
        return false;
    };
    let parts: Vec<&str> = parts.collect();
    for (at, part) in parts.iter().enumerate() {
        let found = if at + 1 == parts.len() {
            rest.ends_with(part).then(|| rest.len() - part.len())
        } else {
            rest.find(part)
        };
        let Some(found) = found else { return false };
        rest = rest.get(found + part.len()..).unwrap_or_default();
    }
    parts.is_empty() <= rest.is_empty()
}

#[test]
fn patterns_fit_what_they_say() {
    assert!(matches("a … c", "a bbb c"));
    assert!(matches("", ""));
    assert!(!matches("", "x"));
    assert!(!matches("a … c", "a bbb d"));
    assert!(matches("at 127.0.0.1:8080/x", "at 127.0.0.1:54321/x"));
}
