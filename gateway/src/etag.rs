//! `ETag`, `If-Match` and `If-None-Match` (RFC 9110, 8.8.3 and 13.1): a change relies on what its caller has read.

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, HeaderValue, header};
use godwit_registry::Expected;

use crate::door::Door;
use crate::problem::Problem;

/// The tag of a version, as a header of an answer.
pub(crate) fn tag(version: u64) -> [(HeaderName, HeaderValue); 1] {
    let value = HeaderValue::from_str(&format!("\"v{version}\"")).expect("digits and quotes are a header value");
    [(header::ETAG, value)]
}

/// What the caller expects to find, by the conditions it sent.
pub(crate) struct Condition(pub(crate) Expected);

impl FromRequestParts<Door> for Condition {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Problem> {
        expected(&parts.headers).map(Self)
    }
}

fn expected(headers: &HeaderMap) -> Result<Expected, Problem> {
    let text = |name: &HeaderName| {
        let mut values = headers.get_all(name).iter();
        let first = values.next().map(|value| value.to_str().unwrap_or_default().trim());
        (first, values.next().is_some())
    };
    match (text(&header::IF_MATCH), text(&header::IF_NONE_MATCH)) {
        ((None, _), (None, _)) => Ok(Expected::Any),
        ((Some("*"), false), (None, _)) => Ok(Expected::Present),
        ((None, _), (Some("*"), false)) => Ok(Expected::Absent),
        ((Some(tag), false), (None, _)) => version(tag)
            .map(Expected::Version)
            .ok_or_else(|| Problem::invalid("`If-Match`: one tag as `ETag` of an answer gave it, or `*`")),
        _ => Err(Problem::invalid(
            "`If-None-Match` is taken as `*` only, and not beside `If-Match`",
        )),
    }
}

fn version(tag: &str) -> Option<u64> {
    tag.strip_prefix("\"v")?.strip_suffix('"')?.parse().ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn conditions_say_what_is_expected() {
        let of = |pairs: &[(HeaderName, &'static str)]| {
            let mut headers = HeaderMap::new();
            for (name, value) in pairs {
                headers.append(name, HeaderValue::from_static(value));
            }
            expected(&headers).map_err(|problem| problem.code())
        };
        assert_eq!(of(&[]), Ok(Expected::Any));
        assert_eq!(of(&[(header::IF_MATCH, "\"v7\"")]), Ok(Expected::Version(7)));
        assert_eq!(of(&[(header::IF_MATCH, "*")]), Ok(Expected::Present));
        assert_eq!(of(&[(header::IF_NONE_MATCH, "*")]), Ok(Expected::Absent));
        assert_eq!(tag(7)[0].1, "\"v7\"");
        for bad in [
            &[(header::IF_MATCH, "v7")][..],
            &[(header::IF_MATCH, "\"7\"")],
            &[(header::IF_MATCH, "\"v7\""), (header::IF_MATCH, "\"v8\"")],
            &[(header::IF_NONE_MATCH, "\"v7\"")],
            &[(header::IF_MATCH, "*"), (header::IF_NONE_MATCH, "*")],
        ] {
            assert_eq!(of(bad), Err("invalid_field"), "{bad:?}");
        }
    }
}
