//! Tags, organisations as a tree of departments, and the users of an app.

use godwit_model::limits::ORG_DEPTH_MAX;
use godwit_model::{AccountNo, TenantNo};
use godwit_store::{
    Expected, NewApp, NewRoster, NewTicket, PutRosterOutcome, RemoveRosterOutcome, RosterKind, RosterRecord, RostersOf,
    Store, TicketRecord,
};

use crate::people::{NOW_MS, account, accounts, tenant, user};

fn new(id: &str, parent: Option<&str>) -> NewRoster {
    NewRoster {
        id: user(id),
        name: format!("Called {id}"),
        parent: parent.map(user),
    }
}

async fn put(store: &Store, tenant: TenantNo, id: &str, parent: Option<&str>) -> PutRosterOutcome {
    let of = (tenant, RosterKind::Org);
    store
        .put_roster(of, &new(id, parent), Expected::Any, NOW_MS)
        .await
        .unwrap()
}

fn names(rosters: Vec<RosterRecord>) -> Vec<String> {
    rosters.into_iter().map(|roster| roster.id.to_string()).collect()
}

pub(crate) async fn a_roster_is_kept_moved_and_removed(store: Store) {
    let (one, other) = (tenant(&store).await, tenant(&store).await);
    let of = (one, RosterKind::Org);
    let PutRosterOutcome::Done(house, true) = put(&store, one, "house", None).await else {
        unreachable!("it is new");
    };
    assert_eq!(
        (&*house.name, house.parent.as_ref(), house.version),
        ("Called house", None, 1)
    );
    put(&store, one, "garden", None).await;
    let PutRosterOutcome::Done(room, true) = put(&store, one, "room", Some("house")).await else {
        unreachable!("it is new");
    };
    assert_eq!(room.parent, Some(user("house")));
    let PutRosterOutcome::Done(moved, false) = put(&store, one, "room", Some("garden")).await else {
        unreachable!("it is there");
    };
    assert_eq!(
        (moved.parent.clone(), moved.version, moved.no),
        (Some(user("garden")), 2, room.no)
    );
    assert_eq!(
        store.roster(one, RosterKind::Org, &user("room")).await.unwrap(),
        Some(moved)
    );
    assert_eq!(
        store.roster(one, RosterKind::Tag, &user("room")).await.unwrap(),
        None,
        "kinds do not meet"
    );
    assert_eq!(store.roster(other, RosterKind::Org, &user("room")).await.unwrap(), None);
    assert_eq!(
        put(&store, one, "attic", Some("nowhere")).await,
        PutRosterOutcome::NoParent
    );
    let late = store
        .put_roster(of, &new("room", None), Expected::Version(1), NOW_MS)
        .await
        .unwrap();
    assert_eq!(late, PutRosterOutcome::Differs);

    let listed = async |which: RostersOf, after: &str| names(store.rosters(of, &which, after, 10).await.unwrap());
    assert_eq!(listed(RostersOf::Tenant, "").await, ["garden", "house", "room"]);
    assert_eq!(listed(RostersOf::Tenant, "garden").await, ["house", "room"]);
    assert_eq!(listed(RostersOf::Root, "").await, ["garden", "house"]);
    assert_eq!(listed(RostersOf::Parent(user("garden")), "").await, ["room"]);
    assert!(listed(RostersOf::Parent(user("nowhere")), "").await.is_empty());

    let people = accounts(&store, one, 2).await;
    store
        .change_roster_members(of, &user("room"), &people, &[])
        .await
        .unwrap();
    let remove = async |id: &str, expected| store.remove_roster(of, &user(id), expected).await.unwrap();
    assert_eq!(
        remove("garden", Expected::Any).await,
        RemoveRosterOutcome::HasDepartments
    );
    assert_eq!(remove("room", Expected::Version(1)).await, RemoveRosterOutcome::Differs);
    assert_eq!(remove("room", Expected::Version(2)).await, RemoveRosterOutcome::Removed);
    assert_eq!(remove("room", Expected::Any).await, RemoveRosterOutcome::Absent);
    assert_eq!(remove("garden", Expected::Any).await, RemoveRosterOutcome::Removed);
}

pub(crate) async fn departments_form_no_circle(store: Store) {
    let tenant = tenant(&store).await;
    let id = |at: usize| format!("d{at:02}");
    put(&store, tenant, &id(0), None).await;
    for at in 1..ORG_DEPTH_MAX {
        let outcome = put(&store, tenant, &id(at), Some(&id(at - 1))).await;
        assert!(matches!(outcome, PutRosterOutcome::Done(..)), "{at}: {outcome:?}");
    }
    let deepest = id(ORG_DEPTH_MAX - 1);
    assert_eq!(
        put(&store, tenant, "more", Some(&deepest)).await,
        PutRosterOutcome::TooDeep
    );
    put(&store, tenant, "top", None).await;
    assert_eq!(
        put(&store, tenant, &id(0), Some("top")).await,
        PutRosterOutcome::TooDeep
    );
    for below in [id(0), id(1), deepest] {
        assert_eq!(
            put(&store, tenant, &id(0), Some(&below)).await,
            PutRosterOutcome::Circle,
            "{below}"
        );
    }
}

pub(crate) async fn everybody_below_an_organisation_is_in_it_once(store: Store) {
    let tenant = tenant(&store).await;
    let of = (tenant, RosterKind::Org);
    let people = accounts(&store, tenant, 1_300).await;
    for (id, parent) in [
        ("whole", None),
        ("left", Some("whole")),
        ("right", Some("whole")),
        ("deep", Some("left")),
    ] {
        put(&store, tenant, id, parent).await;
    }
    let join = async |id: &str, add: &[AccountNo], remove: &[AccountNo]| {
        store.change_roster_members(of, &user(id), add, remove).await.unwrap()
    };
    assert_eq!(join("left", &people[..700], &[]).await, Some((700, 0)));
    assert_eq!(join("right", &people[600..], &[]).await, Some((700, 0)));
    assert_eq!(join("deep", &people[..10], &[]).await, Some((10, 0)));
    assert_eq!(
        join("deep", &people[..11], &people[..1]).await,
        Some((1, 1)),
        "who is in already does not come"
    );
    assert_eq!(join("nowhere", &people, &[]).await, None);
    let behind = async |id: &str| store.roster_accounts(tenant, RosterKind::Org, &user(id)).await.unwrap();
    assert_eq!(behind("whole").await, Some(people.clone()));
    assert_eq!(behind("right").await, Some(people[600..].to_vec()));
    assert_eq!(behind("deep").await, Some(people[1..11].to_vec()));
    assert_eq!(behind("nowhere").await, None);
    let deep = store
        .roster(tenant, RosterKind::Org, &user("deep"))
        .await
        .unwrap()
        .unwrap();
    let page = store.roster_users(deep.no, "user2", 3).await.unwrap();
    assert_eq!(page, [user("user3"), user("user4"), user("user5")]);
    store.remove_user(people[5], NOW_MS).await.unwrap();
    assert_eq!(
        behind("deep").await.map(|people| people.len()),
        Some(9),
        "who is removed is in nothing"
    );
}

pub(crate) async fn an_apps_users_are_those_it_vouched_for(store: Store) {
    let tenant = tenant(&store).await;
    let (ann, bob) = (
        account(&store, tenant, "ann").await,
        account(&store, tenant, "bob").await,
    );
    let new = |id: &str| NewApp {
        client_id: id.to_owned(),
        name: "App".to_owned(),
        secret_hash: "hash".to_owned(),
        scopes: String::new(),
    };
    let shop = store.create_app(tenant, &new("shop"), NOW_MS).await.unwrap().unwrap();
    let desk = store.create_app(tenant, &new("desk"), NOW_MS).await.unwrap().unwrap();
    for (hash, app, account) in [(1, &shop, ann), (2, &shop, bob), (3, &shop, ann), (4, &desk, ann)] {
        let ticket = NewTicket {
            hash: [hash; 32],
            app: Some(app.no),
            says: TicketRecord {
                account,
                unique_code: None,
                expires_at_ms: NOW_MS + 1_000,
            },
        };
        store.keep_ticket(&ticket, NOW_MS).await.unwrap();
    }
    assert_eq!(store.accounts_of_app(shop.no).await.unwrap(), [ann, bob]);
    assert_eq!(store.accounts_of_app(desk.no).await.unwrap(), [ann]);
}
