//! Finds the programs stories need; says loudly when one is missing.

use std::path::{Path, PathBuf};
use std::process::{Command, Output};
use std::sync::OnceLock;

use serde_json::Value;

/// The `godwit` binary of this build.
pub fn godwit() -> PathBuf {
    static PATH: OnceLock<PathBuf> = OnceLock::new();
    PATH.get_or_init(|| {
        let own = std::env::current_exe().expect("a test has a path");
        let folder = own
            .parent()
            .and_then(Path::parent)
            .expect("tests live in target/PROFILE/deps");
        let path = folder.join("godwit");
        if !path.exists() {
            // A single test target was asked for: the binary is not among what cargo built for it.
            let cargo = Command::new(env!("CARGO"))
                .args(["build", "--quiet", "--package", "godwit-server"])
                .status();
            assert!(cargo.is_ok_and(|status| status.success()), "the server must build");
        }
        path
    })
    .clone()
}

/// Whether a program is installed. A missing one is said loudly, or fails when `required_by` is set in the environment.
pub fn is_here(program: &str, required_by: &str) -> bool {
    let found = Command::new("sh")
        .args(["-c", &format!("command -v {program}")])
        .output()
        .is_ok_and(|o| o.status.success());
    is_found(found, program, required_by)
}

/// Says loudly that something is missing, or fails when `required_by` is set in the environment.
#[expect(clippy::disallowed_methods, reason = "a test reads whether it may be skipped")]
pub fn is_found(found: bool, program: &str, required_by: &str) -> bool {
    if !found {
        assert!(
            std::env::var(required_by).is_err(),
            "{program} is not installed, and {required_by} is set"
        );
        eprintln!("\n  SKIPPED: {program} is not installed; this story was NOT told\n");
    }
    found
}

/// Runs `godwit` with these arguments.
pub fn run(arguments: &[&str]) -> Output {
    Command::new(godwit()).args(arguments).output().expect("godwit runs")
}

/// The same, which must end well; the JSON that it printed.
pub fn answer(arguments: &[&str]) -> Value {
    let output = run(arguments);
    let (out, err) = (
        String::from_utf8_lossy(&output.stdout),
        String::from_utf8_lossy(&output.stderr),
    );
    assert!(output.status.success(), "{arguments:?}: {out}{err}");
    serde_json::from_str(out.lines().last().unwrap_or_default()).expect("JSON")
}
