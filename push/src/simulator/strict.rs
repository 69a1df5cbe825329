//! Reads requests as strictly as the strictest vendor: every field must be known and of its kind.

use std::collections::BTreeMap;

use jsonwebtoken::{Algorithm, DecodingKey, Validation};
use serde_json::{Map, Value};

use super::asked::Asked;
use crate::base64url;

/// Why a request is not taken.
pub(crate) type Fault = String;

pub(crate) type Fields = Map<String, Value>;

/// What a field may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Is {
    Text,
    Number,
    Flag,
    Object,
    /// A list of texts.
    Texts,
    /// A list of objects.
    Objects,
}

impl Is {
    fn holds(self, value: &Value) -> bool {
        match self {
            Self::Text => value.is_string(),
            Self::Number => value.is_number(),
            Self::Flag => value.is_boolean(),
            Self::Object => value.is_object(),
            Self::Objects => value.as_array().is_some_and(|list| list.iter().all(Value::is_object)),
            Self::Texts => value.as_array().is_some_and(|list| list.iter().all(Value::is_string)),
        }
    }
}

/// Fails on a field that is not in the table, or not of its kind. `place` is for the complaint.
pub(crate) fn known(place: &str, fields: &Fields, table: &[(&str, Is)]) -> Result<(), Fault> {
    for (name, value) in fields {
        let Some((_, is)) = table.iter().find(|(known, _)| known == name) else {
            return Err(format!("{place}.{name} is not known"));
        };
        if !is.holds(value) {
            return Err(format!("{place}.{name} must be {is:?}, and is {value}"));
        }
    }
    Ok(())
}

/// The object at a name; an empty one when absent.
pub(crate) fn object(fields: &Fields, name: &str) -> Fields {
    fields.get(name).and_then(Value::as_object).cloned().unwrap_or_default()
}

/// The text at a name; empty when absent.
pub(crate) fn text<'a>(fields: &'a Fields, name: &str) -> &'a str {
    fields.get(name).and_then(Value::as_str).unwrap_or_default()
}

pub(crate) fn must(condition: bool, fault: impl Into<Fault>) -> Result<(), Fault> {
    if condition { Ok(()) } else { Err(fault.into()) }
}

/// The body as a JSON object; the content type must say so.
pub(crate) fn json(asked: &Asked) -> Result<Fields, Fault> {
    let kind = asked.header("content-type");
    must(
        kind.starts_with("application/json"),
        format!("the content type is {kind:?}"),
    )?;
    json_text(&asked.body)
}

pub(crate) fn json_text(bytes: &[u8]) -> Result<Fields, Fault> {
    let value: Value = serde_json::from_slice(bytes).map_err(|error| format!("not JSON: {error}"))?;
    match value {
        Value::Object(fields) => Ok(fields),
        other => Err(format!("not an object: {other}")),
    }
}

/// The body as a form; the content type must say so, and each name comes once.
pub(crate) fn form(asked: &Asked) -> Result<BTreeMap<String, String>, Fault> {
    let kind = asked.header("content-type");
    must(
        kind.starts_with("application/x-www-form-urlencoded"),
        format!("the content type is {kind:?}"),
    )?;
    let mut form = BTreeMap::new();
    for (name, value) in url::form_urlencoded::parse(&asked.body) {
        must(
            form.insert(name.to_string(), value.to_string()).is_none(),
            format!("{name} comes twice"),
        )?;
    }
    Ok(form)
}

/// Fails on a name of a form that is not in the table.
pub(crate) fn known_names(form: &BTreeMap<String, String>, table: &[&str]) -> Result<(), Fault> {
    for name in form.keys() {
        must(table.contains(&name.as_str()), format!("{name} is not known"))?;
    }
    Ok(())
}

/// A request for a token by client credentials (RFC 6749, 4.4) of this client and secret.
pub(crate) fn client_credentials(asked: &Asked, (client, secret): (&str, &str)) -> Result<(), Fault> {
    let form = form(asked)?;
    known_names(&form, &["grant_type", "client_id", "client_secret"])?;
    must(
        value(&form, "grant_type")? == "client_credentials",
        "the grant type is another",
    )?;
    must(value(&form, "client_id")? == client, "the client is unknown")?;
    must(value(&form, "client_secret")? == secret, "the secret is wrong")
}

/// The value of a name in a form.
pub(crate) fn value<'a>(form: &'a BTreeMap<String, String>, name: &str) -> Result<&'a str, Fault> {
    form.get(name)
        .map(String::as_str)
        .ok_or_else(|| format!("{name} is missing"))
}

/// Length by the stricter reading: a character outside ASCII counts as two.
pub(crate) fn width(text: &str) -> usize {
    text.chars().map(|c| if c < '\u{80}' { 1 } else { 2 }).sum()
}

/// Header and claims of a signed token whose form and signature hold.
pub(crate) fn signed(token: &str, algorithm: Algorithm, key: &DecodingKey) -> Result<(Fields, Fields), Fault> {
    let parts: Vec<&str> = token.split('.').collect();
    let [header, claims, signature] = parts.as_slice() else {
        return Err("a token has three parts".to_owned());
    };
    let bytes = |part: &str| base64url::decode(part).ok_or_else(|| format!("not base64url without padding: {part}"));
    let header = json_text(&bytes(header)?)?;
    must(
        text(&header, "alg") == format!("{algorithm:?}"),
        format!("signed with {}", text(&header, "alg")),
    )?;
    if algorithm == Algorithm::ES256 {
        must(bytes(signature)?.len() == 64, "an ES256 signature has 64 bytes")?;
    }
    let mut validation = Validation::new(algorithm);
    // The claims are looked at by each vendor, against its own clock.
    validation.required_spec_claims.clear();
    validation.validate_exp = false;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Value>(token, key, &validation).map_err(|error| format!("the signature: {error}"))?;
    Ok((header, json_text(&bytes(claims)?)?))
}

/// A claim that is a whole number.
pub(crate) fn number(claims: &Fields, name: &str) -> Result<u64, Fault> {
    let number = claims.get(name).and_then(Value::as_u64);
    number.ok_or_else(|| format!("{name} is not a whole number"))
}

/// Texts of an object as a map; other values as JSON.
pub(crate) fn texts(fields: &Fields) -> BTreeMap<String, String> {
    let text = |value: &Value| value.as_str().map_or_else(|| value.to_string(), str::to_owned);
    fields.iter().map(|(name, value)| (name.clone(), text(value))).collect()
}

/// The texts of a list.
pub(crate) fn list(fields: &Fields, name: &str) -> Vec<String> {
    let list = fields.get(name).and_then(Value::as_array);
    let texts = list.into_iter().flatten().filter_map(Value::as_str);
    texts.map(str::to_owned).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn an_unknown_field_and_a_wrong_kind_are_faults() {
        let table = [("a", Is::Text), ("b", Is::Number)];
        let fields = |value: Value| value.as_object().cloned().expect("an object");
        assert_eq!(known("x", &fields(json!({"a": "1", "b": 2})), &table), Ok(()));
        assert!(known("x", &fields(json!({"c": 1})), &table).is_err());
        assert!(known("x", &fields(json!({"a": 1})), &table).is_err());
    }
}
