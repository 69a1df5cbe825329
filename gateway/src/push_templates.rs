//! `/v1/push-templates`: the words of notifications, by type of message and language, for all phones of a tenant or for
//! those with one package.
#![expect(unused_qualifications, reason = "`utoipa::path` qualifies the type of the query")]

use axum::Json;
use axum::extract::State;
use axum::http::StatusCode;
use godwit_dispatcher::push::{KeptTemplate, Template};
use godwit_model::MessageType;
use godwit_registry::Scope;
use serde::{Deserialize, Serialize};
use utoipa::{IntoParams, ToSchema};

use crate::auth::Caller;
use crate::body::{JsonBody, Parameters, Places};
use crate::door::Door;
use crate::problem::Problem;

/// Whose words.
#[derive(Deserialize, IntoParams)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
#[into_params(parameter_in = Query)]
pub(crate) struct OfPackage {
    /// Only for devices that named this package when they told their token; left out: for all of the tenant.
    #[serde(default)]
    package: String,
}

/// The words of a notification. Placeholders: `{sender}`, `{group}`, `{count}`, `{text}`, `{title}`, `{name}`, and
/// `{content.x}` for the field `x` of the content.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes `Template` of the dispatcher")]
pub(crate) struct TemplatePart {
    /// First line.
    title: String,
    /// The text under it.
    body: String,
    /// `conversation`, an address with a scheme, or `intent:` with what starts the app.
    tap: Option<String>,
    /// Name of a sound the app brings.
    sound: Option<String>,
    /// Name or address of a small picture.
    icon: Option<String>,
}

/// Words as they are kept.
#[derive(ToSchema)]
#[expect(dead_code, reason = "it describes `KeptTemplate` of the dispatcher")]
pub(crate) struct KeptPart {
    /// The package of the app on the device; left out for every app.
    package: Option<String>,
    /// The name of a type, or `call`.
    r#type: String,
    /// BCP 47 in lower case, or `*`.
    language: String,
    /// First line.
    title: String,
    /// The text under it.
    body: String,
    /// What a tap does.
    tap: Option<String>,
    /// Name of a sound the app brings.
    sound: Option<String>,
    /// Name or address of a small picture.
    icon: Option<String>,
}

/// All words that an app set.
#[derive(Serialize, ToSchema)]
pub(crate) struct Templates {
    /// By package, type and language; at most 2,000.
    #[schema(value_type = Vec<KeptPart>)]
    items: Vec<KeptTemplate>,
}

/// List the words that were set
#[utoipa::path(get, path = "/v1/push-templates", tag = "push", operation_id = "readPushTemplates",
    responses((status = 200, body = Templates)), security(("app" = ["devices"])))]
pub(crate) async fn read_templates(State(door): State<Door>, caller: Caller) -> Result<Json<Templates>, Problem> {
    let app = caller.app(Scope::Devices)?;
    let items = door.dispatcher().push_templates(app.tenant).await?;
    Ok(Json(Templates { items }))
}

/// Set the words for a type of message in a language
#[utoipa::path(put, path = "/v1/push-templates/{type}/{language}", tag = "push", operation_id = "setPushTemplate",
    params(("type" = String, Path, description = "The name of a type, or `call`"),
        ("language" = String, Path, description = "BCP 47, or `*` for every other"), OfPackage),
    request_body = TemplatePart, responses((status = 204)), security(("app" = ["devices"])))]
pub(crate) async fn set_template(
    State(door): State<Door>,
    caller: Caller,
    Places((kind, language)): Places<(String, String)>,
    Parameters(of): Parameters<OfPackage>,
    JsonBody(words): JsonBody<Template>,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Devices)?;
    let (message_type, language) = key(&kind, &language)?;
    let template = KeptTemplate {
        package: package(of)?,
        message_type,
        language,
        words,
    };
    door.dispatcher().set_push_template(app.tenant, &template).await?;
    Ok(StatusCode::NO_CONTENT)
}

/// Go back to the platform's words
#[utoipa::path(delete, path = "/v1/push-templates/{type}/{language}", tag = "push",
    operation_id = "removePushTemplate",
    params(("type" = String, Path), ("language" = String, Path), OfPackage),
    responses((status = 204)), security(("app" = ["devices"])))]
pub(crate) async fn remove_template(
    State(door): State<Door>,
    caller: Caller,
    Places((kind, language)): Places<(String, String)>,
    Parameters(of): Parameters<OfPackage>,
) -> Result<StatusCode, Problem> {
    let app = caller.app(Scope::Devices)?;
    let (kind, language) = key(&kind, &language)?;
    let package = package(of)?;
    door.dispatcher()
        .remove_push_template(app.tenant, (&package, &kind, &language))
        .await?;
    Ok(StatusCode::NO_CONTENT)
}

/// A type of message and a language, as templates are kept.
fn key(kind: &str, language: &str) -> Result<(String, String), Problem> {
    let published = MessageType::from_name(kind).is_some() || kind == "call";
    let custom = kind.len() <= 64 && !kind.is_empty() && !kind.chars().any(char::is_control);
    let is_tag = |c: char| c.is_ascii_alphanumeric() || c == '-' || c == '*';
    if !(published || custom) || language.is_empty() || language.len() > 35 || !language.chars().all(is_tag) {
        return Err(Problem::invalid("the name of a type, and a language (BCP 47) or `*`"));
    }
    Ok((kind.to_owned(), language.to_ascii_lowercase()))
}

fn package(of: OfPackage) -> Result<String, Problem> {
    if of.package.len() > 255 || of.package.chars().any(char::is_control) {
        return Err(Problem::invalid("`package`: at most 255 bytes, as the device names it"));
    }
    Ok(of.package)
}
