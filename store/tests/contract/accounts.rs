//! Accounts.

use godwit_model::AccountNo;
use godwit_store::Store;

use crate::people::{NOW_MS, account, tenant, user};

pub(crate) async fn a_user_has_one_account_whoever_asks_first(store: Store) {
    let tenant = tenant(&store).await;
    let asks = (0..20).map(|at| {
        let store = store.clone();
        let id = format!("id{at}");
        tokio::spawn(async move { store.ensure_account(tenant, &user("ann"), &id, NOW_MS).await.unwrap() })
    });
    let mut answers = Vec::new();
    for ask in asks.collect::<Vec<_>>() {
        answers.push(ask.await.unwrap());
    }
    answers.dedup();
    assert_eq!(answers.len(), 1, "{answers:?}");
    assert_eq!(store.accounts_of_tenant(tenant).await.unwrap(), [answers[0].no]);
}

pub(crate) async fn accounts_are_found_by_every_name(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    let ann = account(&store, one, "ann").await;
    let big = account(&store, one, "ANN").await;
    let namesake = account(&store, other, "ann").await;
    assert!(ann != namesake && ann != big, "names differ by tenant and by case");
    let record = store.account_of_user(one, &user("ann")).await.unwrap().unwrap();
    assert_eq!((record.no, record.tenant, &record.user), (ann, one, &user("ann")));
    assert_eq!(
        store.account_by_id(&record.account_id).await.unwrap().as_ref(),
        Some(&record)
    );
    assert_eq!(store.account_by_no(ann).await.unwrap(), Some(record));
    assert_eq!(store.accounts_of_tenant(one).await.unwrap(), [ann, big]);
    let found = store
        .accounts_of_users(one, &[user("ann"), user("bob"), user("ANN")])
        .await
        .unwrap();
    assert_eq!(found.len(), 2);
    assert!(store.accounts_of_users(one, &[]).await.unwrap().is_empty());
    assert_eq!(store.account_of_user(one, &user("bob")).await.unwrap(), None);
    assert_eq!(store.account_by_id("nobody").await.unwrap(), None);
    assert_eq!(store.account_by_no(AccountNo(999)).await.unwrap(), None);
}
