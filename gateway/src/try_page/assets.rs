//! The files of the page, carried in the binary, with what a browser needs to keep them.

use axum::body::Body;
use axum::http::{HeaderMap, HeaderValue, StatusCode, header};
use axum::response::{IntoResponse, Response};
use rust_embed::RustEmbed;

/// The page itself.
pub(super) const PAGE: &str = "try/index.html";

/// Scripts, styles and pictures come from here alone; the only connections are to here.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self'; \
    connect-src 'self' ws: wss:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";

/// Files of others carry their version in their name, so they never change.
const FOR_EVER: &str = "public, max-age=31536000, immutable";
const ASK_AGAIN: &str = "no-cache";

#[derive(RustEmbed)]
#[folder = "assets/"]
struct Assets;

/// The answer to a request for a file, 304 when the browser has it already; `None` when there is no such file.
pub(super) fn answer(file: &str, asked: &HeaderMap) -> Option<Response> {
    let kind = content_type(file)?;
    let found = Assets::get(file)?;
    let tag = entity_tag(&found.metadata.sha256_hash());
    let cache = if file.starts_with("vendor/") {
        FOR_EVER
    } else {
        ASK_AGAIN
    };
    let is_known = asked.get(header::IF_NONE_MATCH).is_some_and(|known| names(known, &tag));
    let headers = [
        (header::CONTENT_TYPE, HeaderValue::from_static(kind)),
        (header::CACHE_CONTROL, HeaderValue::from_static(cache)),
        (header::CONTENT_SECURITY_POLICY, HeaderValue::from_static(POLICY)),
        (header::ETAG, HeaderValue::from_str(&tag).ok()?),
    ];
    let (status, body) = if is_known {
        (StatusCode::NOT_MODIFIED, Body::empty())
    } else {
        (StatusCode::OK, Body::from(found.data.into_owned()))
    };
    Some((status, headers, body).into_response())
}

/// Only what the page is made of is served.
fn content_type(file: &str) -> Option<&'static str> {
    let (_, ending) = file.rsplit_once('.')?;
    match ending {
        "html" => Some("text/html; charset=utf-8"),
        "js" => Some("text/javascript; charset=utf-8"),
        "css" => Some("text/css; charset=utf-8"),
        "svg" => Some("image/svg+xml"),
        "md" => Some("text/markdown; charset=utf-8"),
        _ => None,
    }
}

fn entity_tag(hash: &[u8; 32]) -> String {
    let (half, _) = hash.split_at(16);
    let number = half.iter().fold(0_u128, |number, byte| number << 8 | u128::from(*byte));
    format!("\"{number:032x}\"")
}

/// Whether an `If-None-Match` names this tag (RFC 9110, 13.1.2).
fn names(known: &HeaderValue, tag: &str) -> bool {
    let known = known.to_str().unwrap_or_default();
    known
        .split(',')
        .map(|one| one.trim().trim_start_matches("W/"))
        .any(|one| one == tag || one == "*")
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(file: &str) -> String {
        let found = Assets::get(file).unwrap_or_else(|| panic!("{file} is missing"));
        String::from_utf8(found.data.into_owned()).unwrap()
    }

    #[test]
    fn everything_the_page_asks_for_is_there_and_nothing_comes_from_elsewhere() {
        for file in Assets::iter().filter(|file| file.starts_with("try/")) {
            let text = text(&file);
            for link in text.split('"').filter(|piece| piece.starts_with("/try/assets/")) {
                let name = link.trim_start_matches("/try/assets/");
                assert!(Assets::get(name).is_some(), "{file} asks for {link}");
            }
            for import in text.lines().filter_map(|line| line.split_once(" from \"")) {
                let name = import.1.trim_end_matches("\";");
                let path = match name.strip_prefix("../") {
                    Some(above) => above.to_owned(),
                    None => format!("try/{}", name.trim_start_matches("./")),
                };
                assert!(Assets::get(&path).is_some(), "{file} imports {name}");
            }
            let outside = text.replace("http://www.w3.org/", "");
            assert!(!outside.contains("http://") && !outside.contains("https://"), "{file}");
        }
    }

    #[test]
    fn the_page_has_no_inline_script_or_style() {
        let page = text(PAGE);
        assert!(!page.contains("<style") && !page.contains(" style=") && !page.contains(" onclick="));
        assert_eq!(
            page.matches("<script").count(),
            page.matches("<script type=\"module\" src=").count()
        );
    }

    #[test]
    fn a_browser_that_has_a_file_gets_it_once() {
        let first = answer(PAGE, &HeaderMap::new()).unwrap();
        assert_eq!(first.status(), StatusCode::OK);
        let mut asked = HeaderMap::new();
        asked.insert(header::IF_NONE_MATCH, first.headers()[header::ETAG].clone());
        assert_eq!(answer(PAGE, &asked).unwrap().status(), StatusCode::NOT_MODIFIED);
        assert_eq!(first.headers()[header::CACHE_CONTROL], ASK_AGAIN);
        let vendor = Assets::iter().find(|file| file.ends_with(".esm.js")).unwrap();
        let vendor = answer(&vendor, &HeaderMap::new()).unwrap();
        assert_eq!(vendor.headers()[header::CACHE_CONTROL], FOR_EVER);
        assert!(answer("../Cargo.toml", &HeaderMap::new()).is_none());
    }
}
