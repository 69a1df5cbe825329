//! Users as their tenant keeps them, and apps and tenants as they are managed.

use godwit_model::{AccountNo, Role, TenantNo};
use godwit_store::{
    AppChange, CreateGroupOutcome, Expected, NewApp, NewGroup, NewMember, NewUser, RemoveUserOutcome, Store, Terms,
    Versioned,
};

use crate::people::{NOW_MS, account, device, keep_ticket, made, renewal, tenant, user};

fn new_user(name: &str, called: &str) -> NewUser {
    NewUser {
        user: user(name),
        account_id: format!("account-of-{name}"),
        name: called.to_owned(),
        attributes: r#"{"floor":3}"#.to_owned(),
    }
}

pub(crate) async fn a_user_is_kept_as_it_was_said_last(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    let put = async |called: &str, expected| {
        store
            .put_user(one, &new_user("ann", called), expected, NOW_MS)
            .await
            .unwrap()
    };
    let Versioned::Done((made, true)) = put("Ann", Expected::Absent).await else {
        unreachable!("she is new");
    };
    assert_eq!(
        (made.version, &*made.name, &*made.attributes),
        (1, "Ann", r#"{"floor":3}"#)
    );
    assert_eq!(put("Anna", Expected::Absent).await, Versioned::Differs);
    assert_eq!(put("Anna", Expected::Version(2)).await, Versioned::Differs);
    let Versioned::Done((changed, false)) = put("Anna", Expected::Version(1)).await else {
        unreachable!("she is there");
    };
    assert_eq!((changed.version, changed.no, &*changed.name), (2, made.no, "Anna"));
    assert_eq!(changed.account_id, made.account_id);
    assert_eq!(store.user(one, &user("ann")).await.unwrap(), Some(changed));
    assert_eq!(store.user(other, &user("ann")).await.unwrap(), None);
    account(&store, one, "bob").await;
    let bob = store.user(one, &user("bob")).await.unwrap().unwrap();
    assert_eq!(
        (&*bob.name, &*bob.attributes, bob.version),
        ("", "{}", 1),
        "made by a ticket"
    );
}

pub(crate) async fn many_users_are_kept_in_one_go(store: Store) {
    let tenant = tenant(&store).await;
    let before = account(&store, tenant, "user7").await;
    let many: Vec<_> = (0..1_203).map(|at| new_user(&format!("user{at}"), "first")).collect();
    let are_new = store.put_users(tenant, &many, NOW_MS).await.unwrap();
    assert_eq!(are_new.iter().filter(|is_new| !**is_new).count(), 1);
    assert!(!are_new[7]);
    let again: Vec<_> = (1_000..1_300)
        .map(|at| new_user(&format!("user{at}"), "second"))
        .collect();
    let are_new = store.put_users(tenant, &again, NOW_MS + 1).await.unwrap();
    assert_eq!(are_new.iter().filter(|is_new| **is_new).count(), 97);
    assert_eq!(store.accounts_of_tenant(tenant).await.unwrap().len(), 1_300);
    let seventh = store.user(tenant, &user("user7")).await.unwrap().unwrap();
    assert_eq!((seventh.no, &*seventh.name, seventh.version), (before, "first", 2));
    let late = store.user(tenant, &user("user1001")).await.unwrap().unwrap();
    assert_eq!(
        (&*late.name, late.version, late.updated_at_ms),
        ("second", 2, NOW_MS + 1)
    );
    let mut walked = 0;
    let mut after = String::new();
    loop {
        let page = store.users(tenant, &after, false, 500).await.unwrap();
        let Some(last) = page.last() else { break };
        after = last.user.to_string();
        walked += page.len();
    }
    assert_eq!(walked, 1_300);
}

pub(crate) async fn a_block_is_seen_with_every_device(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    made(&store, &device(tenant, ann, "code", "d1")).await;
    let block = async |blocked| store.block_user(tenant, &user("ann"), blocked, NOW_MS).await.unwrap();
    let blocked = block(true).await.unwrap();
    assert_eq!((blocked.blocked_at_ms, blocked.version), (Some(NOW_MS), 2));
    assert_eq!(block(true).await, Some(blocked), "said again");
    assert!(store.device_by_id("d1").await.unwrap().unwrap().account.blocked);
    assert!(store.account_by_no(ann).await.unwrap().unwrap().blocked);
    assert_eq!(store.users(tenant, "", true, 10).await.unwrap().len(), 1);
    assert_eq!(block(false).await.unwrap().blocked_at_ms, None);
    assert!(!store.device_by_id("d1").await.unwrap().unwrap().account.blocked);
    assert!(store.users(tenant, "", true, 10).await.unwrap().is_empty());
    assert_eq!(
        store.block_user(tenant, &user("bob"), true, NOW_MS).await.unwrap(),
        None
    );
}

pub(crate) async fn revoked_credentials_are_all_gone(store: Store) {
    let tenant = tenant(&store).await;
    let (ann, bob) = (
        account(&store, tenant, "ann").await,
        account(&store, tenant, "bob").await,
    );
    let phone = made(&store, &device(tenant, ann, "code", "d1")).await;
    made(&store, &device(tenant, bob, "other", "d2")).await;
    store.renew_device(&renewal(phone, ann, 9)).await.unwrap();
    let ticket = keep_ticket(&store, 1, ann).await;
    store.revoke_credentials(ann, &[0; 32]).await.unwrap();
    let device = store.device_by_id("d1").await.unwrap().unwrap();
    assert_eq!((device.token_hash, device.next_token_hash), ([0; 32], None));
    let by_token = godwit_store::Renewal {
        token_hash: Some([b'd'; 32]),
        ..renewal(phone, ann, 9)
    };
    assert_eq!(
        store.renew_device(&by_token).await.unwrap(),
        godwit_store::RegisterOutcome::Changed,
        "what was proved before does not hold any more"
    );
    assert_eq!(store.ticket(&ticket, NOW_MS).await.unwrap(), None);
    let others = store.device_by_id("d2").await.unwrap().unwrap();
    assert_eq!(others.token_hash, [b'd'; 32]);
}

pub(crate) async fn a_removed_user_leaves_its_name(store: Store) {
    let tenant = tenant(&store).await;
    let ann = account(&store, tenant, "ann").await;
    let phone = made(&store, &device(tenant, ann, "code", "d1")).await;
    let ticket = keep_ticket(&store, 1, ann).await;
    let group = NewGroup {
        tenant,
        id: "team".parse().unwrap(),
        name: "Team".to_owned(),
        members: vec![NewMember {
            account: ann,
            role: Role::Member,
        }],
    };
    let CreateGroupOutcome::Created(no) = store.create_group(&group, &Terms::at(NOW_MS)).await.unwrap() else {
        unreachable!("the id is free");
    };
    assert_eq!(
        store.remove_user(ann, NOW_MS).await.unwrap(),
        RemoveUserOutcome::IsMember
    );
    store.remove_members(no, &[ann], &Terms::at(NOW_MS)).await.unwrap();
    assert_eq!(
        store.remove_user(ann, NOW_MS).await.unwrap(),
        RemoveUserOutcome::Removed(vec![(phone, "d1".to_owned())])
    );
    assert_eq!(store.remove_user(ann, NOW_MS).await.unwrap(), RemoveUserOutcome::NoUser);
    assert_eq!(
        store.remove_user(AccountNo(99), NOW_MS).await.unwrap(),
        RemoveUserOutcome::NoUser
    );
    assert_eq!(store.user(tenant, &user("ann")).await.unwrap(), None);
    assert_eq!(store.device_by_id("d1").await.unwrap(), None);
    assert_eq!(store.ticket(&ticket, NOW_MS).await.unwrap(), None);
    assert!(store.accounts_of_tenant(tenant).await.unwrap().is_empty());
    let next = store
        .ensure_account(tenant, &user("ann"), "another", NOW_MS)
        .await
        .unwrap();
    assert_ne!(next.no, ann, "who comes later is somebody else");
}

pub(crate) async fn an_app_has_two_secrets_while_they_change(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    let new = |id: &str| NewApp {
        client_id: id.to_owned(),
        name: "App".to_owned(),
        secret_hash: "first".to_owned(),
        scopes: "groups".to_owned(),
    };
    for id in ["a", "b", "c"] {
        store.create_app(one, &new(id), NOW_MS).await.unwrap().unwrap();
    }
    let change =
        async |id: &str, change: AppChange, expected| store.change_app((one, id), &change, expected).await.unwrap();
    let rotate = AppChange::Rotate("second".to_owned(), NOW_MS + 5);
    let Versioned::Done(app) = change("a", rotate.clone(), Expected::Version(1)).await else {
        unreachable!("it is of version 1");
    };
    assert_eq!((&*app.secret_hash, app.secret_version, app.version), ("second", 2, 2));
    assert_eq!(app.former_secret, Some(("first".to_owned(), NOW_MS + 5)));
    assert_eq!(
        change("a", rotate.clone(), Expected::Version(1)).await,
        Versioned::Differs
    );
    let moved = store.change_app((other, "a"), &rotate, Expected::Any).await.unwrap();
    assert_eq!(moved, Versioned::Absent, "it is not theirs");
    let reset = store.set_app_secret("a", "third").await.unwrap().unwrap();
    assert_eq!((reset.former_secret, reset.secret_version), (None, 3));
    let describe = AppChange::Describe("Other".to_owned(), "users".to_owned());
    let Versioned::Done(app) = change("b", describe, Expected::Any).await else {
        unreachable!("it is there");
    };
    assert_eq!((&*app.name, &*app.scopes), ("Other", "users"));
    assert!(matches!(
        change("b", AppChange::Remove(NOW_MS), Expected::Any).await,
        Versioned::Done(_)
    ));
    assert_eq!(
        change("b", AppChange::Remove(NOW_MS), Expected::Any).await,
        Versioned::Absent
    );
    assert_eq!(store.app_by_client_id("b").await.unwrap(), None);
    assert_eq!(store.app_by_no(app.no).await.unwrap(), None);
    let names = |apps: Vec<godwit_store::AppRecord>| apps.into_iter().map(|app| app.client_id).collect::<Vec<_>>();
    assert_eq!(names(store.apps(one, "", 10).await.unwrap()), ["a", "c"]);
    assert_eq!(names(store.apps(one, "a", 1).await.unwrap()), ["c"]);
}

pub(crate) async fn tenants_are_listed_and_renamed(store: Store) {
    let first = tenant(&store).await;
    let app = NewApp {
        client_id: "x".to_owned(),
        name: "App".to_owned(),
        secret_hash: "hash".to_owned(),
        scopes: String::new(),
    };
    let (second, app) = store.create_tenant_with_app("Second", &app, NOW_MS).await.unwrap();
    assert_eq!((app.tenant, second.version), (second.no, 1));
    assert_eq!(store.tenant(second.no).await.unwrap(), Some(second.clone()));
    let listed = store.tenants(TenantNo(0), 10).await.unwrap();
    assert_eq!(
        listed.iter().map(|tenant| tenant.no).collect::<Vec<_>>(),
        [first, second.no]
    );
    assert_eq!(store.tenants(first, 10).await.unwrap(), std::slice::from_ref(&second));
    let renamed = store
        .rename_tenant(second.no, "2nd", Expected::Version(1))
        .await
        .unwrap();
    assert!(matches!(renamed, Versioned::Done(renamed) if renamed.version == 2 && renamed.name == "2nd"));
    let late = store
        .rename_tenant(second.no, "III", Expected::Version(1))
        .await
        .unwrap();
    assert_eq!(late, Versioned::Differs);
    assert_eq!(
        store.rename_tenant(TenantNo(9), "x", Expected::Any).await.unwrap(),
        Versioned::Absent
    );
}
