//! What surrounds every request: its id, the time it may take, the writing of problems, headers, trace and metrics.

use std::any::Any;
use std::net::IpAddr;
use std::sync::{Arc, OnceLock};

use axum::extract::{MatchedPath, Request, State};
use axum::http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use godwit_dispatcher::new_message_id;
use godwit_registry::{App, NewAuditLine};
use tokio::time::{Instant, timeout};

use crate::audit;
use crate::door::Door;
use crate::problem::Problem;
use crate::rate_limit::Allowance;

const REQUEST_ID: HeaderName = HeaderName::from_static("request-id");

/// What is known of a request while it is worked on; an extension of it.
#[derive(Clone, Debug, Default)]
pub(crate) struct Course(Arc<Noted>);

#[derive(Debug, Default)]
struct Noted {
    allowance: OnceLock<Allowance>,
    /// The app that calls, and from where.
    app: OnceLock<(Arc<App>, IpAddr)>,
}

impl Course {
    /// Notes what the caller has left. The first count stands.
    pub(crate) fn note(&self, allowance: Allowance) {
        let _ = self.0.allowance.set(allowance);
    }

    /// Notes which app calls, and from where.
    pub(crate) fn note_app(&self, app: &Arc<App>, address: IpAddr) {
        let _ = self.0.app.set((Arc::clone(app), address));
    }
}

/// The outermost layer.
pub(crate) async fn surround(State(door): State<Door>, mut request: Request, next: Next) -> Response {
    let started = Instant::now();
    let id = request_id(&door, request.headers());
    let method = request.method().clone();
    let route = request.extensions().get::<MatchedPath>().cloned();
    let course = Course::default();
    request.extensions_mut().insert(course.clone());
    let subject = request.uri().path().to_owned();
    let mut response = next.run(request).await;
    let code = response.extensions().get::<Problem>().map(Problem::code);
    let status = response.status();
    let route_name = route.as_ref().map_or("none", MatchedPath::as_str);
    if let (true, Some((app, address))) = (audit::is_kept(&method, route_name), course.0.app.get()) {
        let line = NewAuditLine {
            at_ms: door.dispatcher().now_ms(),
            tenant: app.tenant,
            actor: audit::actor(app),
            action: format!("{method} {route_name}"),
            subject,
            status: status.as_u16(),
            code: code.map(str::to_owned),
            address: address.to_string(),
            request_id: id.clone(),
        };
        audit::keep(&door, &line).await;
    }
    response = explain(response, &id);
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    if let Some(allowance) = course.0.allowance.get() {
        allowance.write(response.headers_mut());
    }
    add_safe_headers(response.headers_mut());
    let route = route.as_ref().map_or("none", MatchedPath::as_str);
    record(&method, route, response.status(), started);
    tracing::debug!(%method, route, status = response.status().as_u16(), request_id = %id, "answered");
    response
}

/// Ends what takes too long.
pub(crate) async fn limit_time(State(door): State<Door>, request: Request, next: Next) -> Response {
    let limit = door.settings().request_timeout;
    timeout(limit, next.run(request))
        .await
        .unwrap_or_else(|_| Problem::of_status(StatusCode::GATEWAY_TIMEOUT).into_response())
}

/// The answer to a request whose handler panicked; the panic itself is in the log.
pub(crate) fn after_panic(_: Box<dyn Any + Send>) -> Response {
    Problem::of_status(StatusCode::INTERNAL_SERVER_ERROR).into_response()
}

/// The caller's own id of the request, if it is a harmless one, else a new one.
fn request_id(door: &Door, headers: &HeaderMap) -> String {
    let harmless = |id: &&str| {
        (1..=64).contains(&id.len())
            && id
                .bytes()
                .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_' | b'.'))
    };
    let given = headers.get(REQUEST_ID).and_then(|id| id.to_str().ok()).filter(harmless);
    given.map_or_else(
        || new_message_id(door.dispatcher().now_ms()).unwrap_or_default(),
        str::to_owned,
    )
}

/// Writes the problem a response carries; a bare error of a layer below becomes one.
fn explain(mut response: Response, request_id: &str) -> Response {
    let status = response.status();
    let problem = response.extensions_mut().remove::<Problem>();
    let is_bare = !response.headers().contains_key(header::CONTENT_TYPE) || is_plain_text(response.headers());
    let problem = problem.or_else(|| {
        ((status.is_client_error() || status.is_server_error()) && is_bare).then(|| Problem::of_status(status))
    });
    let Some(problem) = problem else { return response };
    metrics::counter!("refusals_total", "door" => "rest", "code" => problem.code()).increment(1);
    let mut rendered = problem.render(request_id);
    if let Some(allow) = response.headers_mut().remove(header::ALLOW) {
        rendered.headers_mut().insert(header::ALLOW, allow);
    }
    rendered
}

fn is_plain_text(headers: &HeaderMap) -> bool {
    headers
        .get(header::CONTENT_TYPE)
        .is_some_and(|kind| kind.as_bytes().starts_with(b"text/plain"))
}

/// Pages may have stricter policies of their own.
fn add_safe_headers(headers: &mut HeaderMap) {
    for (name, value) in [
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (header::REFERRER_POLICY, "no-referrer"),
        (header::CONTENT_SECURITY_POLICY, "frame-ancestors 'none'"),
    ] {
        headers.entry(name).or_insert(HeaderValue::from_static(value));
    }
}

fn record(method: &Method, route: &str, status: StatusCode, started: Instant) {
    let labels = [
        ("method", method_label(method).to_owned()),
        ("route", route.to_owned()),
        ("status", status.as_u16().to_string()),
    ];
    metrics::counter!("http_requests_total", &labels).increment(1);
    metrics::histogram!("http_request_seconds", "route" => route.to_owned()).record(started.elapsed().as_secs_f64());
}

/// Methods are free text on the wire; labels are not.
fn method_label(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::HEAD => "HEAD",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::DELETE => "DELETE",
        Method::OPTIONS => "OPTIONS",
        _ => "other",
    }
}
