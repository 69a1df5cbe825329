//! What the generated description cannot know from the handlers: who may call, how problems look, which codes there are.

use godwit_model::Refusal;
use godwit_registry::Scope;
use serde_json::{Value, json};
use utoipa::PartialSchema;
use utoipa::openapi::extensions::Extensions;
use utoipa::openapi::path::Operation;
use utoipa::openapi::security::{ClientCredentials, Flow, HttpAuthScheme, HttpBuilder, OAuth2, Scopes, SecurityScheme};
use utoipa::openapi::{ContentBuilder, InfoBuilder, OpenApi, PathItem, Ref, RefOr, ResponseBuilder};

use crate::problem::{HTTP_ONLY, WireProblem};

const ABOUT: &str = "Register devices, send messages, read conversations and inboxes, keep groups. \
    JSON in camelCase; times are milliseconds since 1970, UTC. \
    Every answer carries `Request-Id`. What goes wrong is a problem (RFC 9457) with a stable `code`; \
    calls are limited per app, device or address, and the `RateLimit-…` headers say what is left.";

/// Adds title, credentials, problems and codes.
pub(crate) fn complete(mut description: OpenApi) -> OpenApi {
    description.info = InfoBuilder::new()
        .title("Godwit")
        .version(env!("CARGO_PKG_VERSION"))
        .description(Some(ABOUT))
        .build();
    let components = description.components.get_or_insert_default();
    components.schemas.insert("Problem".to_owned(), WireProblem::schema());
    components
        .security_schemes
        .insert("app".to_owned(), RefOr::T(SecurityScheme::OAuth2(client_credentials())));
    components
        .security_schemes
        .insert("device".to_owned(), RefOr::T(SecurityScheme::Http(device_token())));
    for operation in description.paths.paths.values_mut().flat_map(operations) {
        add_problem(operation);
    }
    description.extensions = Some(Extensions::builder().add("x-problems", codes()).build());
    description
}

fn client_credentials() -> OAuth2 {
    let scopes = Scopes::from_iter(Scope::ALL.map(|scope| (scope.as_str(), about(scope))));
    OAuth2::with_description(
        [Flow::ClientCredentials(ClientCredentials::new("/oauth/token", scopes))],
        "An app's access token",
    )
}

fn device_token() -> utoipa::openapi::security::Http {
    HttpBuilder::new()
        .scheme(HttpAuthScheme::Bearer)
        .description(Some("A device's own token, from its registration"))
        .build()
}

fn about(scope: Scope) -> &'static str {
    match scope {
        Scope::Tickets => "issue tickets",
        Scope::Devices => "manage devices",
        Scope::Messages => "send messages",
        Scope::MessagesRead => "read messages and whole conversations",
        Scope::Groups => "manage groups",
        Scope::Broadcast => "send to tags, organisations and everyone",
        Scope::InboxRead => "read inboxes",
        Scope::Tenants => "manage tenants; of use in the operator's tenant alone",
        Scope::Apps => "manage apps",
        Scope::Users => "manage users",
        Scope::Tags => "manage tags",
        Scope::Orgs => "manage organisations",
        Scope::Audit => "read who changed what",
        Scope::Webhooks => "be told of events, and be asked before messages are taken",
    }
}

fn operations(item: &mut PathItem) -> impl Iterator<Item = &mut Operation> {
    [&mut item.get, &mut item.post, &mut item.put, &mut item.delete]
        .into_iter()
        .flatten()
}

fn add_problem(operation: &mut Operation) {
    let content = ContentBuilder::new()
        .schema(Some(RefOr::Ref(Ref::from_schema_name("Problem"))))
        .build();
    let response = ResponseBuilder::new()
        .description("What went wrong")
        .content("application/problem+json", content)
        .build();
    operation
        .responses
        .responses
        .insert("default".to_owned(), RefOr::T(response));
}

/// Every code with its status and meaning: what the page lists, and what `type` of a problem points to.
fn codes() -> Value {
    let refusals = Refusal::ALL
        .into_iter()
        .map(|refusal| json!({"code": refusal.code(), "status": refusal.http_status(), "meaning": refusal.text()}));
    let others = HTTP_ONLY
        .into_iter()
        .map(|(code, status, meaning)| json!({"code": code, "status": status.as_u16(), "meaning": meaning}));
    refusals.chain(others).collect()
}
