//! The terminal messenger in a terminal of its own: the server is killed, the messenger is killed, no keystroke is lost.

use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};

use kit::{App, Device, Server, program, wait_for};
use rustix::process::{Pid, Signal, kill_process};

/// `godwit chat` in a terminal, which `script` makes.
struct Terminal {
    script: Child,
    folder: PathBuf,
}

impl Terminal {
    fn open(server: &Server, folder: &Path) -> Self {
        std::fs::remove_file(folder.join("screen")).ok();
        let chat = format!(
            "stty rows 30 cols 100; echo $$ >{pid}; exec {godwit} chat alice --to bob --data {data} --store {store}",
            pid = folder.join("pid").display(),
            godwit = program::godwit().display(),
            data = server.data().display(),
            store = folder.join("store").display(),
        );
        let script = Command::new("script")
            .args(["--quiet", "--flush", "--command", &chat])
            .arg(folder.join("screen"))
            .env("TERM", "xterm-256color")
            .env("SHELL", "/bin/sh")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("script starts");
        Self {
            script,
            folder: folder.to_owned(),
        }
    }

    fn type_in(&mut self, keys: &str) {
        let stdin = self.script.stdin.as_mut().expect("it is piped");
        stdin.write_all(keys.as_bytes()).expect("the terminal listens");
        stdin.flush().expect("the terminal listens");
    }

    /// Waits for a word on the screen; what is between words may be drawn by moving the cursor.
    async fn shows(&self, text: &str) {
        let screen = self.folder.join("screen");
        wait_for(&format!("{text:?} on the screen"), || async {
            let shown = std::fs::read(&screen).unwrap_or_default();
            String::from_utf8_lossy(&shown).contains(text).then_some(())
        })
        .await;
    }

    /// Waits until what was typed is on the disk.
    async fn keeps(&self, text: &str) {
        let file = self.folder.join("store/unsent.json");
        wait_for(&format!("{text:?} on the disk"), || async {
            let kept = std::fs::read_to_string(&file).unwrap_or_default();
            kept.contains(text).then_some(())
        })
        .await;
    }

    fn kill(mut self) {
        let pid = std::fs::read_to_string(self.folder.join("pid")).expect("it wrote who it is");
        let pid = pid.trim().parse().ok().and_then(Pid::from_raw).expect("a process id");
        kill_process(pid, Signal::KILL).expect("it runs");
        self.script.wait().expect("it ends");
    }

    fn quit(mut self) -> bool {
        self.type_in("\u{11}");
        self.script.wait().expect("it ends").success()
    }
}

async fn texts(app: &App, of: &Device) -> Vec<String> {
    let entries = app.inbox(of).await;
    let text = |entry: &serde_json::Value| entry["content"]["text"].as_str().map(str::to_owned);
    entries.iter().filter_map(text).collect()
}

#[tokio::test(flavor = "multi_thread", worker_threads = 2)]
async fn what_is_typed_offline_survives_the_messenger_and_arrives_once() {
    if !program::is_here("script", "GODWIT_REQUIRE_SCRIPT") {
        return;
    }
    let mut server = Server::start().await;
    let app = server.app().await;
    let bob = app.register("bob", "bobs-phone").await;
    let folder = tempfile::tempdir().expect("a folder");

    let mut terminal = Terminal::open(&server, folder.path());
    terminal.shows("online").await;
    terminal.type_in("hello bob\r");
    wait_for("the first text", || async {
        (texts(&app, &bob).await.len() == 1).then_some(())
    })
    .await;

    server.kill();
    terminal.type_in("written offline\runfini");
    terminal.keeps("unfini").await;
    terminal.kill();

    server.restart().await;
    let mut terminal = Terminal::open(&server, folder.path());
    terminal.shows("unfini").await;
    terminal.shows("online").await;
    terminal.type_in("shed\r");
    let expected = ["hello bob", "written offline", "unfinished"];
    wait_for("all three texts", || async {
        (texts(&app, &bob).await == expected).then_some(())
    })
    .await;
    terminal.keeps("\"texts\":{}").await;
    assert!(terminal.quit(), "the messenger leaves in peace");
    assert_eq!(texts(&app, &bob).await, expected);
}
