//! A real `godwit serve` in a process of its own, on its own data folder, that can be killed and started again.

use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::Duration;

use serde::Deserialize;
use socket2::{Domain, Socket, Type};
use tempfile::TempDir;

use crate::program;
use crate::rest::App;

/// Where a server listens; as it writes it to `addresses.json`. A plain door that is closed is an empty text.
#[derive(Clone, Debug, Deserialize)]
pub struct Addresses {
    /// `host:port` of REST and WebSocket.
    #[serde(deserialize_with = "or_empty")]
    pub http: String,
    /// `host:port` of MQTT.
    #[serde(deserialize_with = "or_empty")]
    pub mqtt: String,
    /// `host:port` of REST and WebSocket with TLS.
    pub https: Option<String>,
    /// `host:port` of MQTT with TLS.
    pub mqtts: Option<String>,
}

fn or_empty<'de, D: serde::Deserializer<'de>>(deserializer: D) -> Result<String, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}

/// A port of this machine for one server. Bound here as well, without listening, as long as the server is wanted: between a
/// kill and the next start no outgoing connection is given it.
fn reserve(ports: &mut Vec<Socket>) -> String {
    let socket = Socket::new(Domain::IPV4, Type::STREAM, None).expect("a socket");
    socket.set_reuse_address(true).expect("an option every system has");
    let any = std::net::SocketAddr::from(([127, 0, 0, 1], 0));
    socket.bind(&any.into()).expect("a free port");
    let address = socket.local_addr().ok().and_then(|address| address.as_socket());
    ports.push(socket);
    address.expect("a bound socket").to_string()
}

/// A door on this machine, always the same; closed if it was closed.
fn door(address: &str) -> &str {
    if address.is_empty() { "off" } else { address }
}

/// A server process. Killed when dropped.
pub struct Server {
    data: TempDir,
    child: Option<Child>,
    addresses: Addresses,
    settings: String,
    arguments: &'static [&'static str],
    _ports: Vec<Socket>,
}

impl Server {
    /// Starts a server with default settings on a new data folder and free ports.
    pub async fn start() -> Self {
        Self::start_with("").await
    }

    /// Starts a server with these settings (TOML).
    pub async fn start_with(settings: &str) -> Self {
        Self::start_restored(settings, |_| {}).await
    }

    /// Starts a server on a data folder that `fill` makes first.
    pub async fn start_restored(settings: &str, fill: impl FnOnce(&Path)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut ports = Vec::new();
        let plain = Addresses {
            http: reserve(&mut ports),
            mqtt: reserve(&mut ports),
            https: None,
            mqtts: None,
        };
        fill(&data.path().join("data"));
        Self::start_at(data, (plain, ports), (settings, &[])).await
    }

    /// Starts a server that pushes to stand-ins of all vendors.
    pub async fn start_simulating_push() -> Self {
        let mut ports = Vec::new();
        let plain = Addresses {
            http: reserve(&mut ports),
            mqtt: reserve(&mut ports),
            https: None,
            mqtts: None,
        };
        let data = tempfile::tempdir().expect("a temporary folder");
        Self::start_at(data, (plain, ports), ("", &["--simulate-push"])).await
    }

    /// Starts a server with these settings and all four doors open, on free ports. What `prepare` puts into the data
    /// folder is there at the start.
    pub async fn start_with_tls(settings: &str, prepare: impl FnOnce(&Path)) -> Self {
        let data = tempfile::tempdir().expect("a temporary folder");
        let mut ports = Vec::new();
        let doors = Addresses {
            http: reserve(&mut ports),
            mqtt: reserve(&mut ports),
            https: Some(reserve(&mut ports)),
            mqtts: Some(reserve(&mut ports)),
        };
        let folder = data.path().join("data");
        std::fs::DirBuilder::new()
            .mode(0o700)
            .create(&folder)
            .expect("a folder");
        prepare(&folder);
        Self::start_at(data, (doors, ports), (settings, &[])).await
    }

    async fn start_at(
        data: TempDir,
        (addresses, ports): (Addresses, Vec<Socket>),
        (settings, arguments): (&str, &'static [&'static str]),
    ) -> Self {
        let mut server = Self {
            _ports: ports,
            data,
            child: None,
            addresses,
            settings: settings.to_owned(),
            arguments,
        };
        server.restart().await;
        server
    }

    /// Starts the server again on the same data folder and ports.
    pub async fn restart(&mut self) {
        assert!(self.child.is_none(), "it still runs");
        let folder = self.data.path().join("data");
        let written = folder.join("addresses.json");
        std::fs::remove_file(&written).ok();
        let config = self.data.path().join("godwit.toml");
        std::fs::write(&config, &self.settings).expect("the settings file");
        let log = std::fs::OpenOptions::new()
            .create(true)
            .append(true)
            .open(self.log_path())
            .expect("the log");
        let child = Command::new(program::godwit())
            .arg("serve")
            .arg("--data")
            .arg(&folder)
            .arg("--config")
            .arg(&config)
            .args([
                "--http",
                door(&self.addresses.http),
                "--mqtt",
                door(&self.addresses.mqtt),
            ])
            .args(self.addresses.https.iter().flat_map(|address| ["--https", address]))
            .args(self.addresses.mqtts.iter().flat_map(|address| ["--mqtts", address]))
            .args(self.arguments)
            .stdin(Stdio::null())
            .stdout(log.try_clone().expect("the log"))
            .stderr(log)
            .spawn()
            .expect("godwit starts");
        self.child = Some(child);
        for _ in 0..1500 {
            if let Some(addresses) = std::fs::read(&written)
                .ok()
                .and_then(|json| serde_json::from_slice(&json).ok())
            {
                self.addresses = addresses;
                return;
            }
            let ended = self.child.as_mut().and_then(|child| child.try_wait().ok().flatten());
            assert!(
                ended.is_none(),
                "the server ended at its start ({ended:?}):\n{}",
                self.log()
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
        panic!("the server wrote no addresses:\n{}", self.log());
    }

    fn log_path(&self) -> std::path::PathBuf {
        self.data.path().join("log")
    }

    /// What the server printed so far.
    pub fn log(&self) -> String {
        std::fs::read_to_string(self.log_path()).unwrap_or_default()
    }

    /// Kills it as a power cut of the process would: SIGKILL, no goodbye.
    pub fn kill(&mut self) {
        if let Some(mut child) = self.child.take() {
            child.kill().ok();
            child.wait().ok();
        }
    }

    /// Tells it that its files changed (SIGHUP).
    pub fn hang_up(&self) {
        let told = Command::new("kill").args(["-HUP", &self.pid().to_string()]).status();
        assert!(told.is_ok_and(|status| status.success()), "SIGHUP is sent");
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.as_ref().map(Child::id).expect("it runs")
    }

    /// Gives it other settings (TOML), from its next start on.
    pub fn configure(&mut self, settings: &str) {
        settings.clone_into(&mut self.settings);
    }

    /// Asks it to stop (SIGTERM) and waits for its exit code.
    pub fn stop(&mut self) -> Option<i32> {
        let mut child = self.child.take()?;
        Command::new("kill").arg(child.id().to_string()).status().ok();
        child.wait().ok().and_then(|status| status.code())
    }

    /// Where it listens.
    pub fn addresses(&self) -> &Addresses {
        &self.addresses
    }

    /// Its data folder.
    pub fn data(&self) -> std::path::PathBuf {
        self.data.path().join("data")
    }

    /// The first app, with a token.
    pub async fn app(&self) -> App {
        App::first(&self.addresses.http, &self.data()).await
    }

    /// What a metric counts now, over all its labels; 0 while it is not there.
    pub async fn metric(&self, name: &str) -> u64 {
        let url = format!("http://{}/metrics", self.addresses.http);
        let answer = crate::http_client().get(url).send().await.expect("the server answers");
        let text = answer.text().await.expect("text");
        let line = |line: &str| {
            let (label, value) = line.rsplit_once(' ')?;
            let is_it = label.split('{').next() == Some(name);
            is_it.then(|| value.parse::<u64>().expect("a whole number"))
        };
        text.lines().filter_map(line).sum()
    }

    /// Waits until it has noticed that its MQTT clients left, all but so many. Who comes back before that takes over, and
    /// may be given once more what the server had not read the acknowledgement of.
    pub async fn only(&self, connections: u64) {
        crate::wait_for("the end of other connections", || async {
            (self.metric("mqtt_connections").await <= connections).then_some(())
        })
        .await;
    }

    /// Memory in use, in bytes.
    pub fn resident_bytes(&self) -> u64 {
        let statm = std::fs::read_to_string(Path::new("/proc").join(self.pid().to_string()).join("statm"));
        let pages = statm
            .ok()
            .and_then(|text| text.split(' ').nth(1).and_then(|field| field.parse::<u64>().ok()));
        pages.expect("the kernel tells") * 4096
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("--- what the server printed ---\n{}", self.log());
        }
    }
}
