//! Reading what a request brings: body, query and path, each refused with a code and the name of the field.

use std::fmt::Display;
use std::str::FromStr;

use axum::body::Bytes;
use axum::extract::rejection::BytesRejection;
use axum::extract::{FromRequest, FromRequestParts, Path, Query, Request};
use axum::http::request::Parts;
use axum::http::{HeaderMap, StatusCode, header};
use godwit_model::Refusal;
use serde::de::DeserializeOwned;

use crate::door::Door;
use crate::problem::Problem;

/// The bytes of a JSON body, not yet read.
pub(crate) struct JsonBytes(pub(crate) Bytes);

impl FromRequest<Door> for JsonBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        if !is_json(request.headers()) {
            return Err(Problem::of_status(StatusCode::UNSUPPORTED_MEDIA_TYPE)
                .because("send JSON with `Content-Type: application/json`"));
        }
        let AnyBytes(bytes) = AnyBytes::from_request(request, door).await?;
        Ok(Self(bytes))
    }
}

/// The bytes of a body of any type.
pub(crate) struct AnyBytes(pub(crate) Bytes);

impl FromRequest<Door> for AnyBytes {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let reading = Bytes::from_request(request, door);
        let read = tokio::time::timeout(door.settings().body_timeout, reading).await;
        let read = read.map_err(|_| Problem::of_status(StatusCode::REQUEST_TIMEOUT))?;
        read.map(Self)
            .map_err(|rejection| unreadable(&rejection, door.settings().body_bytes_max))
    }
}

/// A JSON body of a fixed shape: an unknown field is refused by name.
pub(crate) struct JsonBody<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequest<Door> for JsonBody<T> {
    type Rejection = Problem;

    async fn from_request(request: Request, door: &Door) -> Result<Self, Problem> {
        let JsonBytes(bytes) = JsonBytes::from_request(request, door).await?;
        read_json(&bytes).map(Self)
    }
}

fn read_json<T: DeserializeOwned>(bytes: &[u8]) -> Result<T, Problem> {
    let mut reader = serde_json::Deserializer::from_slice(bytes);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        let inner = error.into_inner();
        if !inner.is_data() {
            Problem::new(Refusal::Malformed, inner.to_string())
        } else if path == "." {
            Problem::invalid(inner.to_string())
        } else {
            Problem::invalid(format!("`{path}`: {inner}"))
        }
    })?;
    reader
        .end()
        .map_err(|e| Problem::new(Refusal::Malformed, e.to_string()))?;
    Ok(value)
}

fn unreadable(rejection: &BytesRejection, bytes_max: usize) -> Problem {
    if rejection.status() == StatusCode::PAYLOAD_TOO_LARGE {
        return Problem::new(Refusal::TooLarge, format!("a body has at most {bytes_max} bytes"));
    }
    Problem::new(Refusal::Malformed, "the body ended before it was complete")
}

fn is_json(headers: &HeaderMap) -> bool {
    let kind = headers.get(header::CONTENT_TYPE).and_then(|kind| kind.to_str().ok());
    let kind = kind.and_then(|kind| kind.split(';').next()).unwrap_or_default().trim();
    let kind = kind.to_ascii_lowercase();
    kind == "application/json" || (kind.starts_with("application/") && kind.ends_with("+json"))
}

/// The query of a request; an unknown parameter is refused by name.
pub(crate) struct Parameters<T>(pub(crate) T);

impl<T: DeserializeOwned> FromRequestParts<Door> for Parameters<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Problem> {
        let read = Query::<T>::try_from_uri(&parts.uri);
        read.map(|Query(query)| Self(query))
            .map_err(|rejection| Problem::invalid(rejection.body_text()))
    }
}

/// The named places of a path.
pub(crate) struct Places<T>(pub(crate) T);

impl<T: DeserializeOwned + Send> FromRequestParts<Door> for Places<T> {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, door: &Door) -> Result<Self, Problem> {
        let read = Path::<T>::from_request_parts(parts, door).await;
        read.map(|Path(places)| Self(places))
            .map_err(|rejection| Problem::new(Refusal::Malformed, rejection.body_text()))
    }
}

/// Reads a name or number out of a field's text.
pub(crate) fn parse<T>(field: &str, text: &str) -> Result<T, Problem>
where
    T: FromStr,
    T::Err: Display,
{
    text.parse()
        .map_err(|error| Problem::invalid(format!("`{field}`: {text:?} {error}")))
}

/// Reads every name of a list.
pub(crate) fn parse_all<T>(field: &str, texts: &[String]) -> Result<Vec<T>, Problem>
where
    T: FromStr,
    T::Err: Display,
{
    texts.iter().map(|text| parse(field, text)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde::Deserialize;

    #[derive(Debug, Deserialize)]
    #[serde(rename_all = "camelCase", deny_unknown_fields)]
    struct Sample {
        #[expect(dead_code, reason = "only whether it is read matters")]
        user_id: String,
    }

    #[test]
    fn what_is_wrong_with_a_body_is_named() {
        for (body, code, part) in [
            (r#"{"userId":5}"#, "invalid_field", "`userId`"),
            (r#"{"userId":"a","x":1}"#, "invalid_field", "`x`"),
            ("{}", "invalid_field", "`userId`"),
            (r#"{"userId":"a"} {}"#, "malformed", "trailing"),
            (r#"{"userId":"#, "malformed", "EOF"),
            ("", "malformed", "EOF"),
            ("\"\u{1}\"", "malformed", "control"),
        ] {
            let problem = read_json::<Sample>(body.as_bytes()).expect_err(body);
            assert_eq!(problem.code(), code, "{body}");
            assert!(problem.detail().contains(part), "{body}: {}", problem.detail());
        }
    }

    #[test]
    fn json_is_told_by_its_type_whatever_its_parameters() {
        for (kind, expected) in [
            ("application/json", true),
            ("Application/JSON; charset=utf-8", true),
            ("application/merge-patch+json", true),
            ("text/json", false),
            ("application/x-www-form-urlencoded", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::CONTENT_TYPE, kind.parse().unwrap());
            assert_eq!(is_json(&headers), expected, "{kind}");
        }
    }
}
