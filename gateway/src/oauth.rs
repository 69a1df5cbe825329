//! `POST /oauth/token`: OAuth 2.0 client credentials (RFC 6749, 4.4), with the errors of its section 5.2.

use axum::Json;
use axum::extract::rejection::FormRejection;
use axum::extract::{Form, State};
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use godwit_model::Refusal;
use serde::{Deserialize, Serialize};
use utoipa::ToSchema;

use crate::auth::Guest;
use crate::door::Door;
use crate::problem::Problem;

/// What an app sends. Unknown parameters are ignored, as the standard asks.
#[derive(Deserialize, ToSchema)]
pub(crate) struct TokenRequest {
    /// Always `client_credentials`.
    grant_type: Option<String>,
    /// The app, unless it is named by HTTP Basic.
    client_id: Option<String>,
    /// Its secret, unless it is shown by HTTP Basic.
    client_secret: Option<String>,
    /// Scopes with spaces between; all of the app's when missing.
    scope: Option<String>,
}

/// A token that is valid for some time.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenAnswer {
    /// What to send as `Authorization: Bearer`.
    access_token: String,
    /// Always `Bearer`.
    token_type: &'static str,
    /// Seconds until it ends.
    expires_in: u64,
    /// What it allows: scopes with spaces between.
    scope: String,
}

/// Why there is no token.
#[derive(Serialize, ToSchema)]
pub(crate) struct TokenError {
    /// `invalid_request`, `invalid_client`, `invalid_scope` or `unsupported_grant_type`.
    error: &'static str,
    /// For people.
    error_description: String,
}

/// Give an app a token
#[utoipa::path(post, path = "/oauth/token", tag = "oauth", operation_id = "issueToken",
    request_body(content = TokenRequest, content_type = "application/x-www-form-urlencoded"),
    responses((status = 200, body = TokenAnswer), (status = 400, body = TokenError), (status = 401, body = TokenError)))]
pub(crate) async fn issue_token(
    State(door): State<Door>,
    _guest: Guest,
    headers: HeaderMap,
    form: Result<Form<TokenRequest>, FormRejection>,
) -> Response {
    let answer = match form {
        Ok(Form(form)) => answer(&door, &headers, form).await,
        Err(rejection) => Err(unreadable(&rejection)),
    };
    let mut response = match answer {
        Ok(answer) => Json(answer).into_response(),
        Err(no) => no.into_response(),
    };
    let headers = response.headers_mut();
    headers.insert(header::CACHE_CONTROL, HeaderValue::from_static("no-store"));
    headers.insert(header::PRAGMA, HeaderValue::from_static("no-cache"));
    response
}

async fn answer(door: &Door, headers: &HeaderMap, form: TokenRequest) -> Result<TokenAnswer, No> {
    match form.grant_type.as_deref() {
        Some("client_credentials") => {}
        Some(other) => {
            let detail = format!("{other:?} is not offered; use client_credentials");
            return Err(No::of("unsupported_grant_type", detail));
        }
        None => return Err(No::of("invalid_request", "`grant_type` is missing")),
    }
    let (client_id, client_secret) = credentials(headers, form.client_id, form.client_secret)?;
    let issued = door
        .registry()
        .issue_access_token(&client_id, &client_secret, form.scope.as_deref());
    let token = issued.await.map_err(|error| match error.refusal() {
        Some(Refusal::Unauthenticated) => No::of("invalid_client", "no app has this id and secret"),
        Some(Refusal::InvalidField | Refusal::Forbidden) => No::of("invalid_scope", Problem::from(error).detail()),
        _ => No::Problem(Box::new(error.into())),
    })?;
    Ok(TokenAnswer {
        access_token: token.token,
        token_type: "Bearer",
        expires_in: token.expires_in_s,
        scope: token.scopes.to_string(),
    })
}

/// The app's id and secret from HTTP Basic or from the form, not from both.
fn credentials(headers: &HeaderMap, id: Option<String>, secret: Option<String>) -> Result<(String, String), No> {
    let Some(authorization) = headers.get(header::AUTHORIZATION) else {
        return id
            .zip(secret)
            .ok_or_else(|| No::of("invalid_client", "`client_id` and `client_secret` are missing"));
    };
    if secret.is_some() {
        return Err(No::of(
            "invalid_request",
            "the secret stands in the header and in the body; send it once",
        ));
    }
    let basic = authorization.to_str().ok().and_then(basic);
    let (basic_id, basic_secret) =
        basic.ok_or_else(|| No::of("invalid_client", "the Authorization header is not HTTP Basic"))?;
    if id.is_some_and(|id| id != basic_id) {
        return Err(No::of("invalid_request", "header and body name different apps"));
    }
    Ok((basic_id, basic_secret))
}

fn basic(value: &str) -> Option<(String, String)> {
    let (scheme, encoded) = value.split_once(' ')?;
    if !scheme.eq_ignore_ascii_case("basic") {
        return None;
    }
    let text = String::from_utf8(STANDARD.decode(encoded.trim()).ok()?).ok()?;
    let (id, secret) = text.split_once(':')?;
    Some((id.to_owned(), secret.to_owned()))
}

fn unreadable(rejection: &FormRejection) -> No {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return No::Problem(Box::new(Problem::of_status(StatusCode::PAYLOAD_TOO_LARGE)));
    }
    No::of("invalid_request", rejection.body_text())
}

/// Either an error of the standard or, where it has none, a problem.
enum No {
    Error(&'static str, String),
    Problem(Box<Problem>),
}

impl No {
    fn of(error: &'static str, description: impl Into<String>) -> Self {
        Self::Error(error, description.into())
    }
}

impl IntoResponse for No {
    fn into_response(self) -> Response {
        let (error, error_description) = match self {
            Self::Error(error, description) => (error, description),
            Self::Problem(problem) => return problem.into_response(),
        };
        let body = Json(TokenError {
            error,
            error_description,
        });
        if error != "invalid_client" {
            return (StatusCode::BAD_REQUEST, body).into_response();
        }
        let challenge = HeaderValue::from_static("Basic realm=\"godwit\"");
        (StatusCode::UNAUTHORIZED, [(header::WWW_AUTHENTICATE, challenge)], body).into_response()
    }
}
