//! `/openapi.json`, and `/docs`: the same for people, readable without any other host.

use axum::Router;
use axum::body::Bytes;
use axum::http::header;
use axum::response::IntoResponse;
use axum::routing::get;
use utoipa::openapi::OpenApi;

use crate::door::Door;

const PAGE: &str = include_str!("docs_page/page.html");
const SCRIPT: &str = include_str!("docs_page/page.js");
const STYLE: &str = include_str!("docs_page/page.css");

/// Everything the page needs comes from here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; connect-src 'self'; img-src data:; \
    base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

pub(crate) fn router(description: &OpenApi) -> Router<Door> {
    // Strings, numbers and maps with string keys: nothing in a description can fail to be JSON.
    let json = Bytes::from(description.to_json().unwrap_or_default());
    Router::new()
        .route("/openapi.json", get(async move || shown("application/json", json)))
        .route("/docs", get(async || shown("text/html; charset=utf-8", PAGE)))
        .route(
            "/docs/page.js",
            get(async || shown("text/javascript; charset=utf-8", SCRIPT)),
        )
        .route("/docs/page.css", get(async || shown("text/css; charset=utf-8", STYLE)))
}

fn shown(kind: &'static str, body: impl IntoResponse) -> impl IntoResponse {
    let headers = [
        (header::CONTENT_TYPE, kind),
        (header::CONTENT_SECURITY_POLICY, POLICY),
        (header::CACHE_CONTROL, "no-cache"),
    ];
    (headers, body)
}
