//! Whether a call comes from the page itself, opened on this machine: not from another site, not by a borrowed name.

use std::net::IpAddr;

use axum::extract::FromRequestParts;
use axum::http::request::Parts;
use axum::http::{HeaderMap, HeaderName, header};
use godwit_model::Refusal;

use crate::door::Door;
use crate::problem::Problem;

/// Proof that the call came from our own page on a name of this machine.
///
/// Another site's page cannot forge `Origin`; a foreign name that was made to point here (DNS rebinding) is still in
/// `Host`.
pub(super) struct OwnPage;

impl FromRequestParts<Door> for OwnPage {
    type Rejection = Problem;

    async fn from_request_parts(parts: &mut Parts, _: &Door) -> Result<Self, Problem> {
        judge(&parts.headers)
    }
}

fn judge(headers: &HeaderMap) -> Result<OwnPage, Problem> {
    let host = only(headers, &header::HOST).unwrap_or_default();
    if !is_this_machine(host) {
        return Err(Problem::new(
            Refusal::Forbidden,
            "the demo phones are for this machine only: open the page as http://127.0.0.1 or http://localhost, with \
             the same port",
        ));
    }
    let origin = only(headers, &header::ORIGIN).unwrap_or_default();
    let is_own = origin
        .strip_prefix("http://")
        .or_else(|| origin.strip_prefix("https://"))
        .is_some_and(|origin| origin.eq_ignore_ascii_case(host));
    if is_own {
        Ok(OwnPage)
    } else {
        Err(Problem::new(
            Refusal::Forbidden,
            "only the page to try the platform calls this",
        ))
    }
}

/// A header that is there exactly once.
fn only<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a str> {
    let mut values = headers.get_all(name).iter();
    let value = values.next()?.to_str().ok()?;
    values.next().is_none().then_some(value)
}

fn is_this_machine(host: &str) -> bool {
    let name = match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|b| b.is_ascii_digit()) => name,
        _ => host,
    };
    if name.eq_ignore_ascii_case("localhost") {
        return true;
    }
    let plain = name
        .strip_prefix('[')
        .and_then(|name| name.strip_suffix(']'))
        .unwrap_or(name);
    plain.parse::<IpAddr>().is_ok_and(|address| address.is_loopback())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_our_own_page_on_this_machine_is_answered() {
        for (host, origin, expected) in [
            ("127.0.0.1:8080", "http://127.0.0.1:8080", true),
            ("localhost:8080", "http://localhost:8080", true),
            ("LocalHost", "https://localhost", true),
            ("[::1]:8080", "http://[::1]:8080", true),
            ("127.8.8.8:1", "http://127.8.8.8:1", true),
            ("127.0.0.1:8080", "", false),
            ("127.0.0.1:8080", "null", false),
            ("127.0.0.1:8080", "http://127.0.0.1:9999", false),
            ("127.0.0.1:8080", "http://localhost:8080", false),
            ("127.0.0.1:8080", "https://evil.example", false),
            ("evil.example:8080", "http://evil.example:8080", false),
            ("127.0.0.1.evil.example", "http://127.0.0.1.evil.example", false),
            ("192.168.1.5:8080", "http://192.168.1.5:8080", false),
            ("", "http://", false),
        ] {
            let mut headers = HeaderMap::new();
            headers.insert(header::HOST, host.parse().unwrap());
            headers.insert(header::ORIGIN, origin.parse().unwrap());
            assert_eq!(judge(&headers).is_ok(), expected, "{host:?} {origin:?}");
        }
    }

    #[test]
    fn two_hosts_or_two_origins_are_none() {
        let mut headers = HeaderMap::new();
        headers.insert(header::HOST, "localhost".parse().unwrap());
        headers.append(header::ORIGIN, "http://localhost".parse().unwrap());
        assert!(judge(&headers).is_ok());
        headers.append(header::ORIGIN, "http://localhost".parse().unwrap());
        assert!(judge(&headers).is_err());
    }
}
