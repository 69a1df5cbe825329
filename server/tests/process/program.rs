//! The program under test: run once, or kept running; and what it leaves in its folder.

use std::io::{BufRead, BufReader};
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::process::{Child, Command, Output, Stdio};

use serde_json::Value;
use tempfile::TempDir;

pub(crate) fn godwit() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_godwit"));
    for (name, _) in std::env::vars_os() {
        if name.to_string_lossy().starts_with("GODWIT_") {
            command.env_remove(name);
        }
    }
    command.stdin(Stdio::null());
    command
}

pub(crate) fn run(arguments: &[&str]) -> Output {
    godwit().args(arguments).output().expect("godwit runs")
}

pub(crate) fn stdout(output: &Output) -> String {
    String::from_utf8_lossy(&output.stdout).into_owned()
}

pub(crate) fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

/// A running server. Killed when it is dropped.
pub(crate) struct Server {
    pub(crate) child: Child,
    /// What it printed until it was ready.
    pub(crate) banner: String,
}

impl Server {
    pub(crate) fn start(data: &Path) -> Self {
        Self::start_with(data, &[])
    }

    pub(crate) fn start_with(data: &Path, more: &[&str]) -> Self {
        let mut child = godwit()
            .args(["serve", "--http", "127.0.0.1:0", "--mqtt", "127.0.0.1:0", "--data"])
            .arg(data)
            .args(more)
            .stdout(Stdio::piped())
            .stderr(Stdio::null())
            .spawn()
            .expect("godwit starts");
        let mut lines = BufReader::new(child.stdout.take().expect("piped")).lines();
        let mut banner = String::new();
        for line in lines.by_ref() {
            let line = line.expect("text");
            banner.push_str(&line);
            banner.push('\n');
            if line.starts_with("ready in ") {
                break;
            }
        }
        assert!(banner.contains("ready in "), "it did not start: {banner}");
        // Somebody must go on reading, or the server would write into a closed pipe.
        std::thread::spawn(move || lines.for_each(drop));
        Self { child, banner }
    }

    pub(crate) fn stop(&mut self) -> Option<i32> {
        let asked = Command::new("kill").arg(self.child.id().to_string()).status();
        assert!(asked.expect("kill runs").success());
        self.child.wait().expect("it ends").code()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

pub(crate) fn folder() -> (TempDir, std::path::PathBuf) {
    let folder = tempfile::tempdir().expect("a temporary folder");
    let data = folder.path().join("data");
    (folder, data)
}

pub(crate) fn mode(path: &Path) -> u32 {
    path.metadata().expect("it exists").permissions().mode() & 0o777
}

pub(crate) fn json(path: &Path) -> Value {
    serde_json::from_slice(&std::fs::read(path).expect("it exists")).expect("JSON")
}
