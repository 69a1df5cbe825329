//! The map of this door: every resource, and the layers around them.

use axum::Router;
use axum::extract::DefaultBodyLimit;
use axum::http::{HeaderValue, StatusCode};
use axum::middleware::from_fn_with_state;
use tower_http::catch_panic::CatchPanicLayer;
use tower_http::cors::{AllowOrigin, Any, CorsLayer};
use utoipa::openapi::OpenApi;
use utoipa_axum::router::OpenApiRouter;
use utoipa_axum::routes;

use crate::door::{Door, Gateway};
use crate::problem::Problem;
use crate::settings::Settings;
use crate::{
    apps, audit, broadcasts, client_versions, conversations, description, devices, docs_page, events, frame, groups,
    health, history, hooks, inbox, messages, oauth, push_receipts, push_templates, pushes, reading, resolver, rosters,
    schedules, tenants, tickets, try_page, users, webhooks, withdrawals,
};

/// The REST door. Serve it with `into_make_service_with_connect_info::<SocketAddr>()`: without the peer's address all
/// callers without credentials share one limit. Requests that came over TLS carry [`Scheme::HTTPS`] as an extension.
///
/// [`Scheme::HTTPS`]: axum::http::uri::Scheme::HTTPS
pub fn router(gateway: Gateway) -> Router {
    let door = Door::new(gateway);
    let (resources, generated) = resources().split_for_parts();
    let cors = cors(door.settings());
    let body_bytes_max = door.settings().body_bytes_max;
    let router = resources
        .merge(docs_page::router(&description::complete(generated)))
        .merge(try_page::router())
        .fallback(async || Problem::of_status(StatusCode::NOT_FOUND))
        .layer(DefaultBodyLimit::max(body_bytes_max))
        .layer(from_fn_with_state(door.clone(), frame::limit_time))
        .layer(CatchPanicLayer::custom(frame::after_panic))
        .layer(from_fn_with_state(door.clone(), frame::surround))
        .with_state(door);
    match cors {
        Some(cors) => router.layer(cors),
        None => router,
    }
}

/// The description of the REST door, as `/openapi.json` shows it.
pub fn openapi() -> OpenApi {
    description::complete(resources().into_openapi())
}

fn resources() -> OpenApiRouter<Door> {
    let large = OpenApiRouter::new()
        .routes(routes!(messages::send_messages))
        .layer(DefaultBodyLimit::max(messages::BATCH_BYTES_MAX));
    OpenApiRouter::new()
        .routes(routes!(oauth::issue_token))
        .routes(routes!(tickets::issue_ticket))
        .routes(routes!(devices::register_device))
        .routes(routes!(devices::retire_device))
        .routes(routes!(devices::set_push_token, devices::remove_push_token))
        .routes(routes!(devices::switch_push))
        .routes(routes!(messages::send_message))
        .merge(large)
        .routes(routes!(messages::read_message, withdrawals::withdraw_message))
        .routes(routes!(messages::message_timeline))
        .routes(routes!(schedules::list_schedules))
        .routes(routes!(
            schedules::read_schedule,
            schedules::change_schedule,
            schedules::cancel_schedule
        ))
        .routes(routes!(conversations::read_conversation))
        .routes(routes!(inbox::read_inbox))
        .routes(routes!(history::read_history))
        .routes(routes!(reading::read_unread))
        .routes(routes!(reading::mark_read))
        .routes(routes!(reading::mute_conversation, reading::unmute_conversation))
        .routes(routes!(reading::read_push_wishes, reading::set_push_wishes))
        .routes(routes!(pushes::read_pushes))
        .routes(routes!(pushes::why))
        .routes(routes!(push_receipts::report_pushes))
        .routes(routes!(push_templates::read_templates))
        .routes(routes!(push_templates::set_template, push_templates::remove_template))
        .routes(routes!(health::health))
        .routes(routes!(health::readiness))
        .routes(routes!(health::metrics))
        .merge(broadcasts())
        .merge(organisation())
        .merge(rosters())
        .merge(groups())
        .merge(events())
}

/// Messages to any number of accounts.
fn broadcasts() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(broadcasts::list_broadcasts, broadcasts::create_broadcast))
        .routes(routes!(broadcasts::read_broadcast, broadcasts::cancel_broadcast))
        .routes(routes!(broadcasts::pause_broadcast))
        .routes(routes!(broadcasts::resume_broadcast))
        .routes(routes!(broadcasts::report_broadcast))
}

/// Tags and organisations.
fn rosters() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(rosters::list_tags))
        .routes(routes!(rosters::read_tag, rosters::put_tag, rosters::remove_tag))
        .routes(routes!(rosters::list_tag_members, rosters::change_tag_members))
        .routes(routes!(rosters::list_orgs))
        .routes(routes!(rosters::read_org, rosters::put_org, rosters::remove_org))
        .routes(routes!(rosters::list_org_members, rosters::change_org_members))
}

/// What happened, told to others.
fn events() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(events::read_events))
        .routes(routes!(webhooks::list_webhooks, webhooks::create_webhook))
        .routes(routes!(
            webhooks::read_webhook,
            webhooks::change_webhook,
            webhooks::remove_webhook
        ))
        .routes(routes!(resolver::group_changed))
        .routes(routes!(resolver::group_removed))
        .routes(routes!(resolver::block_rule_changed))
        .routes(routes!(hooks::list_hooks))
        .routes(routes!(hooks::read_hook, hooks::put_hook, hooks::remove_hook))
        .routes(routes!(hooks::rotate_hook_secret))
        .routes(routes!(webhooks::rotate_webhook_secret))
        .routes(routes!(webhooks::test_webhook))
        .routes(routes!(webhooks::deliveries::list_attempts))
        .routes(routes!(webhooks::deliveries::list_deliveries))
        .routes(routes!(webhooks::deliveries::replay))
}

/// Groups, whose members come in large bodies.
fn groups() -> OpenApiRouter<Door> {
    OpenApiRouter::new()
        .routes(routes!(groups::list_groups, groups::create_group))
        .routes(routes!(
            groups::read_group,
            groups::change_group,
            groups::dissolve_group
        ))
        .routes(routes!(groups::list_members, groups::add_members))
        .routes(routes!(groups::remove_members))
        .routes(routes!(groups::remove_member))
        .routes(routes!(groups::change_roles))
        .routes(routes!(groups::change_role))
        .routes(routes!(groups::transfer_group))
        .routes(routes!(groups::mute_member, groups::unmute_member))
        .routes(routes!(groups::join_group))
        .routes(routes!(groups::list_join_requests))
        .routes(routes!(groups::approve_join))
        .routes(routes!(groups::refuse_join))
        .layer(DefaultBodyLimit::max(groups::MEMBERS_BYTES_MAX))
}

/// Tenants, apps and users.
fn organisation() -> OpenApiRouter<Door> {
    let large = OpenApiRouter::new()
        .routes(routes!(users::put_users))
        .layer(DefaultBodyLimit::max(users::BATCH_BYTES_MAX));
    OpenApiRouter::new()
        .routes(routes!(tenants::list_tenants, tenants::create_tenant))
        .routes(routes!(tenants::read_tenant, tenants::rename_tenant))
        .routes(routes!(tenants::suspend_tenant, tenants::resume_tenant))
        .routes(routes!(apps::list_apps, apps::create_app))
        .routes(routes!(apps::read_app, apps::change_app, apps::remove_app))
        .routes(routes!(apps::rotate_secret))
        .routes(routes!(client_versions::list_client_versions))
        .routes(routes!(
            client_versions::put_client_versions,
            client_versions::remove_client_versions
        ))
        .routes(routes!(audit::read_audit))
        .routes(routes!(audit::export_audit))
        .routes(routes!(users::list_users))
        .merge(large)
        .routes(routes!(users::read_user, users::put_user, users::remove_user))
        .routes(routes!(users::block_user, users::unblock_user))
        .routes(routes!(users::log_out_user))
}

fn cors(settings: &Settings) -> Option<CorsLayer> {
    let origins: Vec<HeaderValue> = settings
        .cors_origins
        .iter()
        .filter_map(|origin| origin.parse().ok())
        .collect();
    (!origins.is_empty()).then(|| {
        CorsLayer::new()
            .allow_origin(AllowOrigin::list(origins))
            .allow_methods(Any)
            .allow_headers([
                axum::http::header::AUTHORIZATION,
                axum::http::header::CONTENT_TYPE,
                axum::http::header::IF_MATCH,
                axum::http::header::IF_NONE_MATCH,
                axum::http::HeaderName::from_static("idempotency-key"),
            ])
            .expose_headers(Any)
    })
}
