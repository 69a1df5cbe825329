//! Users, devices and a group that outlive every power cut; only the message log is on the simulated disk.

use std::sync::Arc;

use godwit_archive::Disk;
use godwit_model::SystemClock;
use godwit_registry::Registry;
use godwit_server::running::Running;
use godwit_server::settings::Settings;
use godwit_server::wiring::{Parts, start};
use godwit_store::Store;
use kit::{App, Device};

/// Accounts in the tenant: enough that a message to everyone is numbered after its commit.
const ACCOUNTS: usize = 1_050;
pub(crate) const USERS: usize = 6;
const MASTER_KEY: [u8; 32] = [7; 32];

/// What all seeds share.
pub(crate) struct World {
    store: Store,
    pub(crate) app: App,
    pub(crate) devices: Vec<Device>,
    /// What pairs a log with the database.
    platform: Vec<u8>,
}

impl World {
    pub(crate) async fn new() -> Self {
        let store = Store::open("sqlite::memory:").await.expect("a database in memory");
        let disk = Arc::new(godwit_archive::SimulatedDisk::new(0));
        let running = boot(&store, Arc::clone(&disk) as _).await;
        let first = running.first_app().expect("the first start makes an app").clone();
        let app = App::with_secret(&plain_doors(&running).0, &first.client_id, &first.client_secret).await;
        let mut devices = Vec::new();
        for at in 0..USERS {
            devices.push(app.register(&user(at), &format!("code-{at}")).await);
        }
        app.create_group("team", &["user0", "user1", "user2"]).await;
        running.shutdown().await;
        fill(&store, &first.client_id, &first.client_secret).await;
        let platform = read(&*disk, PLATFORM).expect("the first start says of which platform the log is");
        Self {
            store,
            app,
            devices,
            platform,
        }
    }

    pub(crate) async fn boot(&self, disk: Arc<dyn Disk>) -> Running {
        if read(&*disk, PLATFORM).is_none() {
            let file = disk.create(PLATFORM).expect("an empty disk");
            file.write_at(&self.platform, 0).expect("room");
            file.sync_data().expect("power");
            disk.sync_directory().expect("power");
        }
        boot(&self.store, disk).await
    }
}

/// The file that says of which platform a log is.
const PLATFORM: &str = "platform";

fn read(disk: &dyn Disk, name: &str) -> Option<Vec<u8>> {
    let file = disk.open(name).ok()?;
    let mut bytes = vec![0; usize::try_from(file.size().ok()?).ok()?];
    file.read_at(&mut bytes, 0).ok()?;
    Some(bytes)
}

pub(crate) fn user(at: usize) -> String {
    format!("user{at}")
}

async fn boot(store: &Store, disk: Arc<dyn Disk>) -> Running {
    let parts = Parts {
        disk,
        clock: Arc::new(SystemClock),
        store: store.clone(),
        master_key: MASTER_KEY,
    };
    start(&settings(), parts).await.expect("the server starts")
}

fn settings() -> Settings {
    let mut settings = Settings::default();
    settings.http.bind = "127.0.0.1:0".parse().expect("an address");
    settings.mqtt.bind = "127.0.0.1:0".parse().expect("an address");
    // When the power is gone nothing that is pending can be answered any more.
    settings.server.stop_timeout = std::time::Duration::from_millis(100);
    // Small segments, so that seals and checkpoints are cut, too.
    settings.storage.segment_size.0 = 96 * 1024;
    settings
}

/// Users nobody speaks for, so that everyone is many.
async fn fill(store: &Store, client_id: &str, client_secret: &str) {
    let settings = godwit_registry::Settings::default();
    let registry = Registry::open(store.clone(), Arc::new(SystemClock), &MASTER_KEY, settings)
        .await
        .expect("a registry");
    let token = registry
        .issue_access_token(client_id, client_secret, None)
        .await
        .expect("a token");
    let app = registry.authenticate_app(&token.token).await.expect("the app");
    for at in USERS..ACCOUNTS {
        let user = user(at).parse().expect("a userId");
        registry.issue_ticket(&app, &user, None, None).await.expect("a ticket");
    }
}

/// Where REST and MQTT listen without TLS.
pub(crate) fn plain_doors(running: &Running) -> (String, String) {
    let doors = running.addresses();
    doors.http.zip(doors.mqtt).expect("the plain doors are open")
}
