//! Starts the servers that are compared, each with its settings, on free ports and a folder of its own; stops them again.

mod archived;
mod ejabberd;
mod godwit;
mod mosquitto;
mod rumqttd;

use std::fs::{self, File};
use std::net::{Ipv4Addr, SocketAddr, TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::time::{Duration, Instant};

use anyhow::{Context as _, bail};
use rustix::process::{Pid, Signal, kill_process};

use crate::process::Process;
use crate::target::{Dialect, Target};

/// Longest start, longest stop.
const PATIENCE: Duration = Duration::from_secs(30);
const LOOK_AGAIN: Duration = Duration::from_millis(10);
/// Whether it listens by now; how long it took is a figure.
const LOOK_SOON: Duration = Duration::from_millis(1);

/// Which server.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(crate) enum Kind {
    Godwit,
    Mosquitto,
    /// mosquitto, and what stores its messages.
    #[value(name = "archiver")]
    Archived,
    /// ejabberd, which stores its messages in SQLite.
    Ejabberd,
    Rumqttd,
}

/// A server that can be started.
#[derive(Clone, Debug)]
pub(crate) struct Program {
    pub(crate) kind: Kind,
    path: PathBuf,
    /// What it says of its version.
    pub(crate) version: String,
    /// Whether this version has TLS.
    pub(crate) tls: bool,
}

/// A server that runs; killed when dropped.
pub(crate) struct Running {
    child: Child,
    /// What runs beside it.
    companion: Option<Child>,
    pub(crate) target: Arc<Target>,
    /// From the start of the process until somebody could connect.
    pub(crate) accepting_after: Duration,
}

/// Certificate and key files for TLS listeners.
#[derive(Clone, Debug)]
pub(crate) struct Certificate {
    pub(crate) certificate: PathBuf,
    pub(crate) key: PathBuf,
}

/// What a server needs to know to be started.
struct Place<'a> {
    folder: &'a Path,
    certificate: &'a Certificate,
    tls: bool,
}

impl Kind {
    /// In the order of the tables.
    pub(crate) const ALL: [Self; 5] = [
        Self::Godwit,
        Self::Mosquitto,
        Self::Archived,
        Self::Ejabberd,
        Self::Rumqttd,
    ];

    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Godwit => "godwit",
            Self::Mosquitto => "mosquitto",
            Self::Archived => archived::NAME,
            Self::Ejabberd => ejabberd::NAME,
            Self::Rumqttd => "rumqttd",
        }
    }

    /// The settings that differ from the server's defaults, for the report.
    pub(crate) fn settings(self) -> &'static str {
        match self {
            Self::Godwit => godwit::SETTINGS_IN_WORDS,
            Self::Mosquitto => mosquitto::SETTINGS_IN_WORDS,
            Self::Archived => archived::SETTINGS_IN_WORDS,
            Self::Ejabberd => ejabberd::SETTINGS_IN_WORDS,
            Self::Rumqttd => rumqttd::SETTINGS_IN_WORDS,
        }
    }
}

impl Program {
    /// The program at this path.
    ///
    /// # Errors
    /// It does not run.
    pub(crate) fn find(kind: Kind, path: &Path) -> anyhow::Result<Self> {
        let (version, tls) = match kind {
            Kind::Godwit => (
                said(path, &["version"])?,
                said(path, &["config", "default"])?.contains("\n[tls]"),
            ),
            Kind::Mosquitto | Kind::Archived => (said(path, &["-h"])?, true),
            Kind::Ejabberd => (ejabberd::Installed::find(path)?.version, false),
            Kind::Rumqttd => (said(path, &["--version"])?, false),
        };
        Ok(Self {
            kind,
            // It is started in another folder.
            path: path.canonicalize().with_context(|| format!("{}", path.display()))?,
            version: version.lines().next().unwrap_or_default().trim().to_owned(),
            tls,
        })
    }

    /// Starts it in its folder, which keeps what an earlier start left there.
    pub(crate) async fn start(&self, folder: &Path, certificate: &Certificate) -> anyhow::Result<Running> {
        let folder = folder.join(self.kind.name());
        fs::create_dir_all(&folder)?;
        let place = Place {
            folder: &folder,
            certificate,
            tls: self.tls,
        };
        let started = match self.kind {
            Kind::Godwit => godwit::start(&self.path, &place).await,
            Kind::Mosquitto => mosquitto::start(&self.path, &place).await,
            Kind::Archived => archived::start(&self.path, &place).await,
            Kind::Ejabberd => ejabberd::start(&self.path, &place).await,
            Kind::Rumqttd => rumqttd::start(&self.path, &place).await,
        };
        started.with_context(|| {
            format!(
                "starting {}; its log is {}",
                self.kind.name(),
                folder.join("log").display()
            )
        })
    }
}

impl Running {
    /// Asks it to stop, and waits until it has.
    pub(crate) async fn stop(mut self) -> anyhow::Result<()> {
        let pid = i32::try_from(self.child.id()).ok().and_then(Pid::from_raw);
        let pid = pid.context("a process has a number")?;
        // One that is gone already is waited for below.
        let _ = kill_process(pid, Signal::TERM);
        let asked = Instant::now();
        while asked.elapsed() < PATIENCE {
            if self.child.try_wait()?.is_some() {
                return Ok(());
            }
            tokio::time::sleep(LOOK_AGAIN).await;
        }
        bail!("{} does not stop", self.target.name)
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        for child in self.companion.iter_mut().chain([&mut self.child]) {
            let _ = child.kill();
            let _ = child.wait();
        }
    }
}

/// A program that sees nothing of our environment.
fn bare(path: &Path) -> Command {
    let mut command = Command::new(path);
    command.env_clear();
    command
}

/// A child with its log in the folder, killed when it is not kept.
fn spawn(mut command: Command, place: &Place<'_>) -> anyhow::Result<Child> {
    let log = File::create(place.folder.join("log"))?;
    command
        .current_dir(place.folder)
        .stdin(Stdio::null())
        .stdout(log.try_clone()?)
        .stderr(log);
    Ok(command.spawn()?)
}

/// The running server, once `listening` says where.
async fn started(mut child: Child, mut listening: impl FnMut() -> Option<Target>) -> anyhow::Result<Running> {
    let began = Instant::now();
    loop {
        if let Some(mut target) = listening() {
            target.process = Some(Process::of(&[child.id()]));
            return Ok(Running {
                child,
                companion: None,
                target: Arc::new(target),
                accepting_after: began.elapsed(),
            });
        }
        if let Some(status) = child.try_wait()? {
            bail!("it ended at once: {status}");
        }
        if began.elapsed() > PATIENCE {
            let _ = child.kill();
            let _ = child.wait();
            bail!("it does not listen");
        }
        tokio::time::sleep(LOOK_SOON).await;
    }
}

/// Whether somebody listens there.
fn listens(address: SocketAddr) -> bool {
    TcpStream::connect_timeout(&address, Duration::from_millis(200)).is_ok()
}

/// A target that stands for one whose addresses are not known yet.
fn nowhere() -> Target {
    Target::new("", SocketAddr::from((Ipv4Addr::LOCALHOST, 0)), Dialect::Topics)
}

/// An address nobody listens at now.
fn free_address() -> anyhow::Result<SocketAddr> {
    Ok(TcpListener::bind((Ipv4Addr::LOCALHOST, 0))?.local_addr()?)
}

/// Both outputs of a program.
fn said(path: &Path, arguments: &[&str]) -> anyhow::Result<String> {
    let output = Command::new(path).args(arguments).output();
    let output = output.with_context(|| format!("running {}", path.display()))?;
    let both = [output.stdout, output.stderr].concat();
    Ok(String::from_utf8_lossy(&both).into_owned())
}

/// A certificate for `localhost` that nobody else trusts.
pub(crate) fn make_certificate(folder: &Path) -> anyhow::Result<Certificate> {
    let made = rcgen::generate_simple_self_signed(["localhost".to_owned()])?;
    let files = Certificate {
        certificate: folder.join("certificate.pem"),
        key: folder.join("key.pem"),
    };
    fs::write(&files.certificate, made.cert.pem())?;
    fs::write(&files.key, made.signing_key.serialize_pem())?;
    Ok(files)
}
