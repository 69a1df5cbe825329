//! The one folder that holds everything: who may read it, who has it now, and what lies where.

mod lock;
mod master_key;
mod private_file;

use std::io;
use std::os::unix::fs::{DirBuilderExt, PermissionsExt};
use std::path::{Path, PathBuf};

use godwit_registry::NewApp;
use serde::{Deserialize, Serialize};

use crate::failure::{Exit, Failure};
use lock::Lock;
pub(crate) use private_file::replace as write_private;

/// An open data folder; nobody else can open it while this lives.
#[derive(Debug)]
pub struct DataFolder {
    path: PathBuf,
    is_new: bool,
    _lock: Lock,
}

/// The credentials of the first app, as `first-app.json` holds them.
#[derive(Clone, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct FirstApp {
    /// The tenant, in decimal.
    pub tenant_no: String,
    /// The public id.
    pub client_id: String,
    /// The secret.
    pub client_secret: String,
}

impl From<&NewApp> for FirstApp {
    fn from(new: &NewApp) -> Self {
        Self {
            tenant_no: new.app.tenant.to_string(),
            client_id: new.app.client_id.to_string(),
            client_secret: new.client_secret.clone(),
        }
    }
}

/// Where a running server listens, as `addresses.json` holds it: `host:port` each, or null for a closed door.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Addresses {
    /// The REST door, the pages, and MQTT over WebSocket.
    pub http: Option<String>,
    /// The same with TLS.
    #[serde(default)]
    pub https: Option<String>,
    /// MQTT over TCP.
    pub mqtt: Option<String>,
    /// MQTT over TLS.
    pub mqtts: Option<String>,
}

impl Addresses {
    /// The REST door as a URL without a path: the plain one if it is open.
    pub fn rest(&self) -> String {
        match (&self.http, &self.https) {
            (Some(http), _) => format!("http://{http}"),
            (None, https) => format!("https://{}", https.as_deref().unwrap_or_default()),
        }
    }
}

impl DataFolder {
    /// The code of a folder that another process has.
    pub(crate) const IN_USE: &str = "GW-D002";

    /// Opens the folder and takes its lock; makes it, readable by its owner alone, if it is missing.
    pub fn open_or_make(path: &Path) -> Result<Self, Failure> {
        let is_new = !path.exists();
        make_private(path)?;
        Self::locked(path, is_new)
    }

    /// Opens a folder that must be there already.
    pub fn open(path: &Path) -> Result<Self, Failure> {
        if !path.is_dir() {
            let what = format!("there is no data folder at {}", path.display());
            let next = "start it once with `godwit serve --data DIR`, or name the right folder with --data";
            return Err(Failure::new("GW-D004", what, next).with_exit(Exit::NotFound));
        }
        Self::locked(path, false)
    }

    fn locked(path: &Path, is_new: bool) -> Result<Self, Failure> {
        let metadata = path.metadata().map_err(|error| unusable(path, &error))?;
        if !metadata.is_dir() {
            return Err(unusable(path, &io::ErrorKind::NotADirectory.into()));
        }
        let mode = metadata.permissions().mode() & 0o777;
        if mode & 0o022 != 0 {
            let what = format!(
                "others may write into the data folder {} (mode {mode:03o})",
                path.display()
            );
            let next = format!("chmod 700 {}", path.display());
            return Err(Failure::new("GW-D005", what, next));
        }
        Ok(Self {
            path: path.to_owned(),
            is_new,
            _lock: Lock::take(path)?,
        })
    }

    /// Whether it was made just now.
    pub fn is_new(&self) -> bool {
        self.is_new
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Where the message log lives.
    pub fn archive(&self) -> PathBuf {
        self.path.join("archive")
    }

    /// The URL of the SQLite database in this folder.
    pub fn store_url(&self) -> String {
        format!("sqlite:{}", self.path.join("store.db").display())
    }

    fn master_key_path(&self) -> PathBuf {
        self.path.join("master.key")
    }

    /// Whether the key is there.
    pub fn has_master_key(&self) -> bool {
        self.master_key_path().exists()
    }

    /// The key all others are derived from; made if it is missing.
    pub fn master_key(&self) -> Result<[u8; 32], Failure> {
        master_key::read_or_make(&self.master_key_path())
    }

    /// Where the first app's credentials are.
    pub fn first_app_path(&self) -> PathBuf {
        self.path.join("first-app.json")
    }

    /// The first app's credentials, if the file is there and whole.
    pub fn first_app(&self) -> Option<FirstApp> {
        serde_json::from_str(&std::fs::read_to_string(self.first_app_path()).ok()?).ok()
    }

    /// Writes the first app's credentials, readable by the owner alone.
    pub fn write_first_app(&self, app: &FirstApp) -> Result<(), Failure> {
        Self::write_json(&self.first_app_path(), app)
    }

    fn addresses_path(&self) -> PathBuf {
        self.path.join("addresses.json")
    }

    /// Says where the server listens; whoever waits for the file finds it whole.
    pub fn write_addresses(&self, addresses: &Addresses) -> Result<(), Failure> {
        Self::write_json(&self.addresses_path(), addresses)
    }

    /// Forgets where a server listened, before it stops doing so or because it ended without saying so.
    pub fn clear_addresses(&self) -> Result<(), Failure> {
        match std::fs::remove_file(self.addresses_path()) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => Err(unusable(&self.addresses_path(), &error)),
            _ => Ok(()),
        }
    }

    fn write_json(path: &Path, value: &impl Serialize) -> Result<(), Failure> {
        let mut text = serde_json::to_string(value).expect("plain structs of texts are always JSON");
        text.push('\n');
        private_file::replace(path, text.as_bytes()).map_err(|error| unusable(path, &error))
    }
}

/// Makes a folder that its owner alone may use, if it is missing.
pub(crate) fn make_private(path: &Path) -> Result<(), Failure> {
    if path.exists() {
        return Ok(());
    }
    let made = std::fs::DirBuilder::new().recursive(true).mode(0o700).create(path);
    made.map_err(|error| unusable(path, &error))
}

/// The file system said no; its own words, and whose file it is, tell why.
pub(crate) fn unusable(path: &Path, error: &io::Error) -> Failure {
    let exists = path
        .ancestors()
        .find_map(|ancestor| Some((ancestor, ancestor.metadata().ok()?)));
    let next = exists.map_or_else(String::new, |(ancestor, metadata)| {
        use std::os::unix::fs::MetadataExt;
        let mode = metadata.permissions().mode() & 0o7777;
        format!(
            "{} belongs to uid {} and has mode {mode:03o}",
            ancestor.display(),
            metadata.uid()
        )
    });
    Failure::new("GW-D001", format!("{} cannot be used: {error}", path.display()), next)
}
