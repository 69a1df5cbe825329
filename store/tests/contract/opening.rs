//! Opening: what is stored stays, what is newer is refused, and several may come at once.

use godwit_store::{Error, Store};
use sea_orm::{ConnectionTrait, Database, DbBackend, Statement};

use crate::people::{account, tenant, user};

fn file_url(folder: &tempfile::TempDir) -> String {
    format!("sqlite:{}", folder.path().join("store.db").display())
}

#[tokio::test]
async fn a_file_that_is_opened_again_has_what_was_stored() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&file_url(&folder)).await.unwrap();
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    drop(store);
    let again = Store::open(&file_url(&folder)).await.unwrap();
    assert_eq!(
        again.account_of_user(tenant, &user("ann")).await.unwrap().unwrap().no,
        ann
    );
}

#[tokio::test]
async fn a_file_is_written_ahead() {
    let folder = tempfile::tempdir().unwrap();
    let store = Store::open(&file_url(&folder)).await.unwrap();
    store.ping().await.unwrap();
    let other = Database::connect(file_url(&folder)).await.unwrap();
    let ask = Statement::from_string(DbBackend::Sqlite, "PRAGMA journal_mode");
    let mode: String = other
        .query_one_raw(ask)
        .await
        .unwrap()
        .unwrap()
        .try_get_by_index(0)
        .unwrap();
    assert_eq!(mode, "wal");
}

#[tokio::test]
async fn two_stores_in_memory_share_nothing() {
    let (one, other) = (
        Store::open("sqlite::memory:").await.unwrap(),
        Store::open("sqlite::memory:").await.unwrap(),
    );
    let tenant = tenant(&one).await;
    account(&one, tenant, "ann").await;
    assert!(other.accounts_of_tenant(tenant).await.unwrap().is_empty());
}

#[tokio::test]
async fn what_is_no_database_is_unavailable_or_corrupt() {
    let folder = tempfile::tempdir().unwrap();
    let absent = format!("sqlite:{}", folder.path().join("no/such/folder/store.db").display());
    assert!(matches!(Store::open(&absent).await, Err(Error::Unavailable(_))));
    std::fs::write(
        folder.path().join("store.db"),
        "this is not a database, and it is long enough to tell",
    )
    .unwrap();
    let result = Store::open(&file_url(&folder)).await;
    assert!(matches!(result, Err(Error::Corrupt(_))), "{result:?}");
}

#[tokio::test]
async fn a_newer_schema_in_a_file_is_refused() {
    let folder = tempfile::tempdir().unwrap();
    a_newer_schema_is_refused(&file_url(&folder)).await;
}

#[tokio::test(flavor = "multi_thread")]
async fn several_open_one_file_at_once() {
    let folder = tempfile::tempdir().unwrap();
    several_open_one_database_at_once(&file_url(&folder)).await;
}

pub(crate) async fn a_newer_schema_is_refused(url: &str) {
    drop(Store::open(url).await.unwrap());
    let other = Database::connect(url).await.unwrap();
    let newer = "INSERT INTO seaql_migrations (version, applied_at) VALUES ('m9999_from_the_future', 0)";
    other.execute_unprepared(newer).await.unwrap();
    match Store::open(url).await {
        Err(Error::Corrupt(text)) => assert!(text.contains("m9999_from_the_future"), "{text}"),
        other => unreachable!("the newer schema was not refused: {other:?}"),
    }
}

pub(crate) async fn several_open_one_database_at_once(url: &str) {
    let opens: Vec<_> = (0..4)
        .map(|_| {
            let url = url.to_owned();
            tokio::spawn(async move { Store::open(&url).await.map(|_| ()) })
        })
        .collect();
    for open in opens {
        open.await.unwrap().unwrap();
    }
}
