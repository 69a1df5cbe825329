//! Tenants and apps.

use godwit_model::{AppNo, TenantNo};
use godwit_store::{NewApp, PlatformRecord, Store};

use crate::people::{NOW_MS, tenant};

fn new_app(client_id: &str) -> NewApp {
    NewApp {
        client_id: client_id.to_owned(),
        name: "App".to_owned(),
        secret_hash: "hash".to_owned(),
        scopes: "groups".to_owned(),
    }
}

pub(crate) async fn an_app_is_read_as_it_was_made(store: Store) {
    assert!(!store.has_app().await.unwrap());
    assert_eq!(
        store.create_app(TenantNo(7), &new_app("a"), NOW_MS).await.unwrap(),
        None,
        "there is no such tenant"
    );
    let tenant = tenant(&store).await;
    let made = store.create_app(tenant, &new_app("a"), NOW_MS).await.unwrap().unwrap();
    assert!(store.has_app().await.unwrap());
    assert_eq!((made.tenant, made.secret_version, &*made.scopes), (tenant, 1, "groups"));
    assert_eq!(store.app_by_client_id("a").await.unwrap(), Some(made.clone()));
    assert_eq!(store.app_by_no(made.no).await.unwrap(), Some(made));
    assert_eq!(store.app_by_client_id("A").await.unwrap(), None);
    assert_eq!(store.app_by_no(AppNo(99)).await.unwrap(), None);
    let twice = store.create_app(tenant, &new_app("a"), NOW_MS).await;
    assert!(matches!(twice, Err(godwit_store::Error::Conflict(_))), "{twice:?}");
}

pub(crate) async fn the_first_app_is_made_once(store: Store) {
    let asks = (0..10).map(|at| {
        let store = store.clone();
        tokio::spawn(async move {
            store
                .create_first_app(&new_app(&format!("app{at}")), NOW_MS)
                .await
                .unwrap()
        })
    });
    let mut made = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        made.extend(ask.await.unwrap());
    }
    assert_eq!(made.len(), 1);
    assert_eq!(store.app_by_no(made[0].no).await.unwrap().as_ref(), made.first());
}

pub(crate) async fn a_new_secret_counts(store: Store) {
    let first = store.create_first_app(&new_app("a"), NOW_MS).await.unwrap().unwrap();
    let second = store.set_app_secret("a", "other").await.unwrap().unwrap();
    assert_eq!((second.secret_version, &*second.secret_hash), (2, "other"));
    assert_eq!(store.app_by_no(first.no).await.unwrap(), Some(second));
    assert_eq!(store.set_app_secret("b", "other").await.unwrap(), None);
}

pub(crate) async fn a_database_belongs_to_one_platform(store: Store) {
    assert_eq!(store.platform().await.unwrap(), None);
    let platform = |id: &str, check: u8| PlatformRecord {
        platform_id: id.to_owned(),
        key_check: [check; 32],
    };
    assert!(store.join_platform(&platform("one", 1)).await.unwrap());
    assert!(!store.join_platform(&platform("two", 2)).await.unwrap());
    assert_eq!(store.platform().await.unwrap(), Some(platform("one", 1)));
}
