//! A PostgreSQL server of the test's own: a free port, a temporary folder, stopped when it goes out of scope.

use std::io::Write;
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Command, Stdio};

use sea_orm::{ConnectionTrait, Database};
use tempfile::TempDir;

const REQUIRED: &str = "GODWIT_REQUIRE_POSTGRES";

pub(crate) struct Server {
    programs: PathBuf,
    folder: TempDir,
    port: u16,
    /// Whom the server runs as: it refuses to be root.
    user: Option<(u32, u32)>,
}

impl Server {
    /// `None`, with a loud line, where PostgreSQL is not installed.
    pub(crate) fn start() -> Option<Self> {
        let Some(programs) = programs() else {
            assert!(
                std::env::var_os(REQUIRED).is_none_or(|value| value != "1"),
                "{REQUIRED}=1, but no `initdb` was found in PATH or /usr/lib/postgresql/*/bin"
            );
            say("SKIPPED: the contract on PostgreSQL was NOT tested: no `initdb` in PATH or /usr/lib/postgresql/*/bin");
            return None;
        };
        let folder = tempfile::tempdir().unwrap();
        let user = unprivileged_user();
        if let Some((uid, gid)) = user {
            std::os::unix::fs::chown(folder.path(), Some(uid), Some(gid)).unwrap();
        }
        let port = TcpListener::bind("127.0.0.1:0").unwrap().local_addr().unwrap().port();
        let server = Self {
            programs,
            folder,
            port,
            user,
        };
        server.run(
            "initdb",
            ["-U", "godwit", "-A", "trust", "-E", "UTF8", "--locale=C", "--no-sync"],
        );
        let options = format!(
            "-p {port} -c listen_addresses=127.0.0.1 -c unix_socket_directories={} -c fsync=off",
            server.folder.path().display()
        );
        let log = server.folder.path().join("log");
        server.run(
            "pg_ctl",
            ["-w", "-l", &log.display().to_string(), "-o", &options, "start"],
        );
        Some(server)
    }

    /// Makes an empty database and gives its URL.
    pub(crate) async fn database(&self, name: &str) -> String {
        let server = Database::connect(self.url("postgres")).await.unwrap();
        // Names are cut at 63 bytes by the server.
        let name: String = name.chars().take(60).collect();
        server
            .execute_unprepared(&format!("CREATE DATABASE {name}"))
            .await
            .unwrap();
        server.close().await.unwrap();
        self.url(&name)
    }

    fn url(&self, database: &str) -> String {
        format!("postgres://godwit@127.0.0.1:{}/{database}", self.port)
    }

    fn run<'a>(&self, program: &str, arguments: impl IntoIterator<Item = &'a str>) {
        let mut command = self.command(program);
        let done = command.args(arguments).stdout(Stdio::null()).status().unwrap();
        assert!(done.success(), "{program} ended with {done}");
    }

    fn command(&self, program: &str) -> Command {
        let program = self.programs.join(program);
        let mut command = match self.user {
            Some((uid, gid)) => {
                let mut command = Command::new("setpriv");
                command
                    .arg(format!("--reuid={uid}"))
                    .arg(format!("--regid={gid}"))
                    .arg("--clear-groups")
                    .arg(program);
                command
            }
            None => Command::new(program),
        };
        command
            .arg("-D")
            .arg(self.folder.path().join("data"))
            .current_dir(self.folder.path());
        command
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let stopped = self
            .command("pg_ctl")
            .args(["-m", "immediate", "stop"])
            .stdout(Stdio::null())
            .status();
        if !stopped.is_ok_and(|status| status.success()) {
            say(&format!("PostgreSQL on port {} could not be stopped", self.port));
        }
    }
}

/// Speaks past the test harness, which would keep to itself what a passing test prints.
fn say(text: &str) {
    let _ = std::io::stderr().write_all(format!("{text}\n").as_bytes());
}

/// The folder of `initdb` and its companions; the newest version where there are several.
fn programs() -> Option<PathBuf> {
    let mut installed: Vec<_> = std::fs::read_dir("/usr/lib/postgresql")
        .into_iter()
        .flatten()
        .flatten()
        .collect();
    installed.sort_by_key(|version| version.file_name().to_string_lossy().parse::<u32>().unwrap_or_default());
    let installed = installed.into_iter().rev().map(|version| version.path().join("bin"));
    let path = std::env::var_os("PATH").unwrap_or_default();
    let in_path: Vec<_> = std::env::split_paths(&path).collect();
    let complete = |folder: &PathBuf| {
        ["initdb", "pg_ctl"]
            .iter()
            .all(|program| folder.join(program).is_file())
    };
    installed.chain(in_path).find(complete)
}

/// For root: the user and group ids of `postgres`, or of `nobody`.
fn unprivileged_user() -> Option<(u32, u32)> {
    let id = Command::new("id").arg("-u").output().unwrap();
    if id.stdout.trim_ascii() != b"0" {
        return None;
    }
    let users = std::fs::read_to_string("/etc/passwd").unwrap();
    let ids_of = |name: &str| {
        let line = users.lines().find(|line| line.split(':').next() == Some(name))?;
        let mut fields = line.split(':').skip(2);
        Some((fields.next()?.parse().ok()?, fields.next()?.parse().ok()?))
    };
    Some(
        ids_of("postgres")
            .or_else(|| ids_of("nobody"))
            .expect("the system has a user `postgres` or `nobody`"),
    )
}
