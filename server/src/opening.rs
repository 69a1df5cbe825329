//! Opens what a server stands on: the disk, the database, the registry and the message log, with what is wrong in words.

use std::sync::Arc;

use godwit_archive::{Archive, ColdSetupError, Disk, Equipment, KeyError, Listener, RealDisk, Recovery};
use godwit_model::Clock;
use godwit_registry::Registry;
use godwit_store::Store;

use crate::data_folder::DataFolder;
use crate::failure::{Exit, Failure};
use crate::rooms;
use crate::settings::Settings;

pub(crate) fn open_disk(folder: &DataFolder) -> Result<RealDisk, Failure> {
    let path = folder.archive();
    RealDisk::open(&path).map_err(|error| crate::data_folder::unusable(&path, &error))
}

/// The database of the settings, or the one in the data folder.
pub(crate) async fn open_store(settings: &Settings, folder: &DataFolder) -> Result<Store, Failure> {
    let database = settings.storage.database.reveal();
    let url = database.map_or_else(|| folder.store_url(), str::to_owned);
    let opened = Store::open(&url).await;
    opened.map_err(|error| match database {
        Some(_) => Failure::new(
            "GW-S002",
            format!("storage.database: {error}"),
            "is it running, and is the URL right?",
        )
        .with_exit(Exit::Unreachable),
        None => Failure::new(
            "GW-S001",
            format!("{}: {error}", folder.path().join("store.db").display()),
            "",
        ),
    })
}

pub(crate) async fn open_registry(
    settings: &Settings,
    store: Store,
    clock: Arc<dyn Clock>,
    master_key: &[u8; 32],
) -> Result<Registry, Failure> {
    let opened = Registry::open(store, clock, master_key, rooms::registry(settings)).await;
    opened.map_err(|error| Failure::new("GW-S001", error.to_string(), ""))
}

/// The keys and the store that the settings name.
pub(crate) fn equipment(settings: &Settings) -> Result<Equipment, Failure> {
    Ok(Equipment {
        sealing: rooms::sealing(settings).map_err(|error| key_file(settings, &error))?,
        cold: rooms::cold(settings).map_err(|error| cold_store(settings, &error))?,
    })
}

/// Reading the log can take a while, and blocks.
pub(crate) async fn open_archive(
    settings: &Settings,
    (disk, clock): (Arc<dyn Disk>, Arc<dyn Clock>),
    listener: impl Listener + 'static,
) -> Result<Archive, Failure> {
    let equipment = equipment(settings)?;
    let settings = rooms::archive(settings);
    let listener = Arc::new(listener);
    let opening = tokio::task::spawn_blocking(move || Archive::open_with(disk, clock, settings, listener, equipment));
    match opening.await {
        Ok(Ok((archive, recovery))) => {
            tell(&recovery);
            Ok(archive)
        }
        Ok(Err(error)) => {
            let cause = std::error::Error::source(&error).map_or_else(String::new, |cause| format!(": {cause}"));
            Err(Failure::new(
                "GW-A001",
                format!("the message log does not open: {error}{cause}"),
                "",
            ))
        }
        Err(error) => Err(Failure::new(
            "GW-A001",
            format!("the message log does not open: {error}"),
            "",
        )),
    }
}

/// Without the keys it is better not to start than to show everything as erased.
pub(crate) fn key_file(settings: &Settings, error: &KeyError) -> Failure {
    let file = settings.storage.key_file.as_deref().unwrap_or_default();
    Failure::new(
        "GW-A003",
        format!("storage.key_file {file}: {error}"),
        "put the file back as it was; a new one does not open what is encrypted already",
    )
}

/// The store of old messages is set, and cannot be.
pub(crate) fn cold_store(settings: &Settings, error: &ColdSetupError) -> Failure {
    let url = settings.cold.url.as_deref().unwrap_or_default();
    Failure::new(
        "GW-A004",
        format!("cold.url {url}: {error}"),
        "correct [cold]; without it, messages that are in a store cannot be read",
    )
}

fn tell(recovery: &Recovery) {
    tracing::info!(?recovery, "message log is open");
    if recovery.quarantined > 0 {
        tracing::error!(
            records = recovery.quarantined,
            "acknowledged records are damaged; readers see them as gone"
        );
    }
}

/// Accounts are numbers in the log. With a database that lacks some of them, new users would be given these numbers,
/// and with them the messages of strangers.
pub(crate) async fn check_same_accounts(archive: &Archive, store: &Store) -> Result<(), Failure> {
    let Some(highest) = archive.highest_account() else {
        return Ok(());
    };
    let found = store.account_by_no(highest).await;
    let known = found.map_err(|error| Failure::new("GW-S001", error.to_string(), ""))?;
    if known.is_some() {
        return Ok(());
    }
    Err(Failure::new(
        "GW-S003",
        format!("the database does not know account {highest}, for whom the message log holds messages"),
        "start with the database that belongs to this log, not with a new or an older one",
    ))
}
