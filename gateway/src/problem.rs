//! How this door says no: problem details (RFC 9457) with the platform's stable code.

use std::borrow::Cow;

use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use godwit_model::refusal::Remedy;
use godwit_model::{Refusal, Refused};
use godwit_registry::Error;
use serde::Serialize;
use utoipa::ToSchema;

/// A problem on its way out. It travels as an extension of its response; `frame.rs` writes it with the request's id.
#[derive(Clone, Debug)]
pub(crate) struct Problem {
    pub(crate) status: StatusCode,
    code: &'static str,
    title: &'static str,
    detail: Cow<'static, str>,
    retryable: bool,
    header: Option<Box<(HeaderName, HeaderValue)>>,
}

/// Codes that only HTTP needs: they say nothing about what was asked, only about how.
pub(crate) const HTTP_ONLY: [(&str, StatusCode, &str); 6] = [
    (
        "method_not_allowed",
        StatusCode::METHOD_NOT_ALLOWED,
        "this path is not used with this method",
    ),
    (
        "too_slow",
        StatusCode::REQUEST_TIMEOUT,
        "the body did not arrive in time",
    ),
    (
        "precondition_failed",
        StatusCode::PRECONDITION_FAILED,
        "it is not as the condition says: read it again, and decide anew",
    ),
    (
        "unsupported_media_type",
        StatusCode::UNSUPPORTED_MEDIA_TYPE,
        "the body is of a type that is not read here",
    ),
    (
        "timeout",
        StatusCode::GATEWAY_TIMEOUT,
        "not finished in time; it may still be done, so ask again with the same id",
    ),
    (
        "internal",
        StatusCode::INTERNAL_SERVER_ERROR,
        "the platform made a mistake",
    ),
];

impl Problem {
    /// A refusal with what exactly is wrong.
    pub(crate) fn new(refusal: Refusal, detail: impl Into<Cow<'static, str>>) -> Self {
        Refused::new(refusal, detail).into()
    }

    /// A field is missing or outside its rules.
    pub(crate) fn invalid(detail: impl Into<Cow<'static, str>>) -> Self {
        Self::new(Refusal::InvalidField, detail)
    }

    /// A problem that is not a refusal, by its status; what is not listed is our mistake.
    pub(crate) fn of_status(status: StatusCode) -> Self {
        let refusal = match status {
            StatusCode::NOT_FOUND => Some(Refusal::NotFound),
            StatusCode::PAYLOAD_TOO_LARGE => Some(Refusal::TooLarge),
            StatusCode::SERVICE_UNAVAILABLE => Some(Refusal::Overloaded),
            StatusCode::UNPROCESSABLE_ENTITY => Some(Refusal::InvalidField),
            _ => None,
        };
        if let Some(refusal) = refusal {
            return Refused::from(refusal).into();
        }
        let row = HTTP_ONLY.iter().find(|row| row.1 == status);
        match row {
            Some(&(code, status, title)) => Self {
                status,
                code,
                title,
                detail: Cow::Borrowed(title),
                retryable: matches!(code, "too_slow" | "timeout" | "internal"),
                header: None,
            },
            None if status.is_client_error() => Self {
                status,
                ..Refused::from(Refusal::Malformed).into()
            },
            None => Self::of_status(StatusCode::INTERNAL_SERVER_ERROR),
        }
    }

    /// The same with another explanation.
    pub(crate) fn because(mut self, detail: impl Into<Cow<'static, str>>) -> Self {
        self.detail = detail.into();
        self
    }

    /// The same with a header that its status asks for.
    pub(crate) fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.header = Some(Box::new((name, value)));
        self
    }

    /// The code, for metrics and for the errors of OAuth.
    pub(crate) fn code(&self) -> &'static str {
        self.code
    }

    /// Whether the same request may succeed later.
    pub(crate) fn is_retryable(&self) -> bool {
        self.retryable
    }

    /// The explanation.
    pub(crate) fn detail(&self) -> &str {
        &self.detail
    }

    /// Writes the problem as the answer to one request.
    pub(crate) fn render(&self, request_id: &str) -> Response {
        let wire = WireProblem {
            kind: format!("/docs#{}", self.code),
            title: self.title,
            status: self.status.as_u16(),
            detail: &self.detail,
            code: self.code,
            request_id,
            retryable: self.retryable,
        };
        let json = serde_json::to_vec(&wire).unwrap_or_default();
        let kind = (
            header::CONTENT_TYPE,
            HeaderValue::from_static("application/problem+json"),
        );
        let mut response = (self.status, [kind], json).into_response();
        let headers = response.headers_mut();
        if let Some(header) = &self.header {
            headers.insert(&header.0, header.1.clone());
        }
        if self.status == StatusCode::UNAUTHORIZED && !headers.contains_key(header::WWW_AUTHENTICATE) {
            headers.insert(
                header::WWW_AUTHENTICATE,
                HeaderValue::from_static("Bearer realm=\"godwit\""),
            );
        }
        if self.status == StatusCode::SERVICE_UNAVAILABLE {
            headers.insert(header::RETRY_AFTER, HeaderValue::from_static("1"));
        }
        response
    }
}

impl From<Refused> for Problem {
    fn from(Refused { refusal, detail }: Refused) -> Self {
        Self {
            status: StatusCode::from_u16(refusal.http_status()).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
            code: refusal.code(),
            title: refusal.text(),
            detail,
            retryable: refusal.remedy() == Remedy::Later,
            header: None,
        }
    }
}

impl From<Error> for Problem {
    fn from(error: Error) -> Self {
        match error {
            Error::Refused { refusal, detail } => Self::new(refusal, detail),
            Error::Differs => Self::of_status(StatusCode::PRECONDITION_FAILED),
            failed => {
                tracing::error!(error = %failed, "the registry failed");
                Self::new(
                    Refusal::Overloaded,
                    "the store does not answer; nothing was kept, try again",
                )
            }
        }
    }
}

impl IntoResponse for Problem {
    fn into_response(self) -> Response {
        let mut response = self.status.into_response();
        response.extensions_mut().insert(self);
        response
    }
}

/// A problem as it is written.
#[derive(Serialize, ToSchema)]
#[schema(as = Problem)]
#[serde(rename_all = "camelCase")]
pub(crate) struct WireProblem<'a> {
    /// Where the code is explained.
    #[serde(rename = "type")]
    kind: String,
    /// One sentence for people, the same for every problem of this code.
    title: &'a str,
    /// The HTTP status.
    status: u16,
    /// What was wrong this time. For people; may change.
    detail: &'a str,
    /// The stable code.
    code: &'a str,
    /// The id of this request, as in the header `Request-Id`.
    request_id: &'a str,
    /// Whether the same request may succeed later.
    retryable: bool,
}
