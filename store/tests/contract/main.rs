//! The contract of the store, the same on SQLite in memory, on a SQLite file, and on PostgreSQL.
//!
//! PostgreSQL is started by the test itself. Where it is not installed the test says `SKIPPED` and passes, unless
//! `GODWIT_REQUIRE_POSTGRES=1`.
#![expect(clippy::unwrap_used, reason = "a test that cannot go on ends")]

mod accounts;
mod apps;
mod audit;
mod broadcasts;
mod calls;
mod devices;
mod groups;
mod opening;
mod people;
mod postgres;
mod push;
mod push_life;
mod reading;
mod rosters;
mod schedules;
mod upgrade;
mod users;

use std::pin::Pin;

use godwit_store::Store;

/// One case, ready to run.
type Case = fn(Store) -> Pin<Box<dyn Future<Output = ()>>>;

fn upgrade_on(server: &postgres::Server) -> Pin<Box<dyn Future<Output = ()> + '_>> {
    Box::pin(async move {
        let (one, other) = (
            server.database("older_tokens").await,
            server.database("older_wishes").await,
        );
        upgrade::older_databases_keep_what_they_held(&one, &other).await;
    })
}

/// Runs every case on each kind of database, each with a store of its own.
macro_rules! contract {
    ($($case:ident in $room:ident;)*) => {
        mod in_memory {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                crate::$room::$case(crate::Store::open("sqlite::memory:").await.unwrap()).await;
            })*
        }

        mod on_a_file {
            $(#[tokio::test(flavor = "multi_thread")]
            async fn $case() {
                let folder = tempfile::tempdir().unwrap();
                let url = format!("sqlite:{}", folder.path().join("store.db").display());
                crate::$room::$case(crate::Store::open(&url).await.unwrap()).await;
            })*
        }

        #[tokio::test(flavor = "multi_thread")]
        async fn on_postgresql() {
            let Some(server) = postgres::Server::start() else {
                return;
            };
            // A loop over a table: all cases in one function's frame would fill the stack.
            let cases: &[(&str, Case)] = &[$((stringify!($case), |store| Box::pin($room::$case(store))),)*];
            for (name, case) in cases {
                eprintln!("on PostgreSQL: {name}");
                let url = server.database(name).await;
                case(Store::open(&url).await.unwrap()).await;
            }
            opening::several_open_one_database_at_once(&server.database("at_once").await).await;
            opening::a_newer_schema_is_refused(&server.database("newer").await).await;
            upgrade_on(&server).await;
        }
    };
}

contract! {
    an_app_is_read_as_it_was_made in apps;
    the_first_app_is_made_once in apps;
    a_new_secret_counts in apps;
    a_database_belongs_to_one_platform in apps;
    a_user_has_one_account_whoever_asks_first in accounts;
    accounts_are_found_by_every_name in accounts;
    a_user_is_kept_as_it_was_said_last in users;
    many_users_are_kept_in_one_go in users;
    a_block_is_seen_with_every_device in users;
    revoked_credentials_are_all_gone in users;
    a_removed_user_leaves_its_name in users;
    an_app_has_two_secrets_while_they_change in users;
    tenants_are_listed_and_renamed in users;
    of_many_uses_of_a_ticket_one_wins in devices;
    an_expired_ticket_is_as_good_as_none in devices;
    a_code_has_one_live_device_whoever_comes_first in devices;
    a_replaced_device_is_retired_and_nothing_is_carried_over in devices;
    a_registration_on_old_news_changes_nothing in devices;
    a_next_token_takes_over_once in devices;
    a_push_token_lives_on_one_device in devices;
    a_retired_device_is_absent in devices;
    a_group_is_read_as_it_was_made in groups;
    a_group_of_several_chunks_changes_whole in groups;
    changes_of_one_group_at_once_are_all_kept in groups;
    a_group_has_one_owner_whoever_gives_it_away in groups;
    the_numbers_of_joins_and_leaves_are_kept in groups;
    a_change_is_owed_to_the_members_until_it_is_told in groups;
    a_change_is_made_only_while_what_it_relied_on_is_so in groups;
    a_dissolved_group_frees_its_id in groups;
    a_group_is_set_as_it_is_expected in groups;
    a_muted_member_stays_muted_when_it_comes_back in groups;
    groups_are_listed_with_the_number_of_their_members in groups;
    a_roster_is_kept_moved_and_removed in rosters;
    departments_form_no_circle in rosters;
    everybody_below_an_organisation_is_in_it_once in rosters;
    an_apps_users_are_those_it_vouched_for in rosters;
    a_schedule_is_kept_once_whoever_asks_first in schedules;
    what_is_due_is_claimed_in_the_order_of_its_time in schedules;
    only_what_waits_is_changed_or_cancelled in schedules;
    an_author_has_so_many_that_wait_and_no_more in schedules;
    what_belongs_to_a_suspended_tenant_waits in schedules;
    who_asks_to_join_is_kept_until_it_is_answered in groups;
    a_broadcast_is_kept_once_whoever_asks_first in broadcasts;
    a_page_of_a_broadcast_is_frozen_before_it_is_sent in broadcasts;
    a_broadcast_that_rests_or_is_over_freezes_no_page in broadcasts;
    a_crowd_is_walked_in_the_order_of_its_accounts in broadcasts;
    what_became_of_a_page_is_counted in broadcasts;
    the_audit_is_read_from_both_ends in audit;
    old_lines_of_the_audit_are_forgotten in audit;
    what_is_said_of_clients_is_kept in audit;
    a_webhook_is_kept_changed_and_removed in calls;
    a_round_with_a_webhook_is_one_change in calls;
    dead_events_come_back_by_request in calls;
    an_event_is_noted_once_and_numbers_ascend in calls;
    a_hook_is_kept_as_it_was_said in calls;
    what_is_read_stays_read in reading;
    a_count_that_somebody_else_made_is_not_made_again in reading;
    inboxes_are_counted_together in reading;
    mutes_and_wishes_are_read_as_they_were_made in reading;
    a_beginning_is_noted_once in reading;
    a_device_has_vendors_in_an_order in push;
    only_this_very_token_is_retired_and_only_if_it_is_older in push;
    devices_that_can_be_pushed_to_are_found_page_by_page in push;
    a_decision_made_again_owes_nothing_new in push;
    a_burst_is_one_push_at_once_and_one_for_each_window in push;
    an_attempt_stays_as_it_is_until_it_is_settled in push;
    a_job_belongs_to_one_worker_until_its_lease_ends in push;
    a_shared_id_is_kept_with_the_attempt_and_no_longer in push;
    the_most_urgent_are_taken_first_and_among_those_the_oldest in push;
    what_is_read_elsewhere_is_forgotten_or_taken_back in push;
    a_retired_token_is_kept_and_comes_back_by_its_devices_word in push_life;
    what_is_recalled_is_taken_back_where_it_was_sent_last in push_life;
    what_is_held_waits_and_may_be_read_meanwhile in push_life;
    a_receipt_is_written_once_beside_its_attempt in push_life;
    a_call_that_ends_before_it_rang_owes_nothing in push;
    a_retired_device_is_owed_nothing in push;
    the_ledger_is_read_newest_first_and_forgets in push;
    a_template_takes_the_place_of_its_former in push;
}
