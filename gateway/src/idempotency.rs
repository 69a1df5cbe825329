//! `Idempotency-Key`: another way to write a message's `id`.

use axum::http::{HeaderMap, HeaderName};
use godwit_model::limits::MESSAGE_ID_BYTES_MAX;

use crate::problem::Problem;

const IDEMPOTENCY_KEY: HeaderName = HeaderName::from_static("idempotency-key");

/// The header's key, if it is there: bare, or quoted as a string of RFC 8941.
///
/// # Errors
/// `invalid_field` when it is empty, too long, unreadable, or given twice with different values.
pub(crate) fn key(headers: &HeaderMap) -> Result<Option<String>, Problem> {
    let mut found: Option<String> = None;
    for value in headers.get_all(IDEMPOTENCY_KEY) {
        let text = value.to_str().ok().and_then(|value| unquote(value.trim()));
        let text = text.filter(|text| (1..=MESSAGE_ID_BYTES_MAX).contains(&text.len()));
        let text = text.ok_or_else(|| {
            Problem::invalid(format!(
                "`Idempotency-Key`: 1 to {MESSAGE_ID_BYTES_MAX} printable ASCII characters, quoted or not"
            ))
        })?;
        if found.as_ref().is_some_and(|other| *other != text) {
            return Err(Problem::invalid("`Idempotency-Key` is there twice"));
        }
        found = Some(text);
    }
    Ok(found)
}

/// The id of a message by both its names.
///
/// # Errors
/// `invalid_field` when they differ.
pub(crate) fn agree(id: String, key: Option<String>) -> Result<String, Problem> {
    match key {
        Some(key) if id.is_empty() => Ok(key),
        Some(key) if key != id => Err(Problem::invalid(
            "`id` and the header `Idempotency-Key` are the same thing; they differ",
        )),
        _ => Ok(id),
    }
}

fn unquote(value: &str) -> Option<String> {
    let Some(inner) = value.strip_prefix('"') else {
        return Some(value.to_owned());
    };
    let mut text = String::new();
    let mut characters = inner.chars();
    loop {
        match characters.next()? {
            '"' => break,
            '\\' => text.push(characters.next().filter(|c| matches!(c, '"' | '\\'))?),
            other => text.push(other),
        }
    }
    characters.next().is_none().then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn of(values: &[&str]) -> Result<Option<String>, &'static str> {
        let mut headers = HeaderMap::new();
        for value in values {
            headers.append(IDEMPOTENCY_KEY, value.parse().unwrap());
        }
        key(&headers).map_err(|problem| problem.code())
    }

    #[test]
    fn the_bare_and_the_quoted_form_are_the_same_key() {
        assert_eq!(of(&[]), Ok(None));
        assert_eq!(of(&["a-1"]), Ok(Some("a-1".to_owned())));
        assert_eq!(of(&[r#""a-1""#]), Ok(Some("a-1".to_owned())));
        assert_eq!(of(&["a-1", r#""a-1""#]), Ok(Some("a-1".to_owned())));
        assert_eq!(of(&[r#""a\"b\\""#]), Ok(Some(r#"a"b\"#.to_owned())));
    }

    #[test]
    fn what_is_no_key_is_refused() {
        let long = "x".repeat(MESSAGE_ID_BYTES_MAX + 1);
        for bad in [
            &["a", "b"][..],
            &["\"a"],
            &["\"\""],
            &[""],
            &[r#""a"b"#],
            &[r#""a\n""#],
            &[&long],
        ] {
            assert_eq!(of(bad), Err("invalid_field"), "{bad:?}");
        }
    }
}
