//! User properties of MQTT 5: kept with a message as the member `properties` of its `ext`, a list of pairs.

use godwit_model::limits::{PROPERTIES_MAX, PROPERTY_BYTES_MAX};
use godwit_model::{Draft, Refusal, Refused};
use serde::Deserialize;
use serde_json::value::RawValue;

use crate::json::push_string;

/// The member of `ext` that holds them.
const MEMBER: &str = "\"properties\":";

/// Keeps the user properties of a publication with its draft.
///
/// # Errors
/// [`Refusal::InvalidField`] when there are too many, when they are too long, or when the draft has a field
/// `properties` of its own.
pub fn keep<'p>(draft: &mut Draft, properties: impl Iterator<Item = (&'p str, &'p str)>) -> Result<(), Refused> {
    let (mut list, mut count, mut bytes) = (String::new(), 0, 0);
    for (name, value) in properties {
        count += 1;
        bytes += name.len() + value.len();
        if count > PROPERTIES_MAX || bytes > PROPERTY_BYTES_MAX {
            return Err(invalid(format!(
                "user properties: at most {PROPERTIES_MAX} with {PROPERTY_BYTES_MAX} bytes in all"
            )));
        }
        list.push_str(if list.is_empty() { "[[" } else { ",[" });
        push_string(&mut list, name);
        list.push(',');
        push_string(&mut list, value);
        list.push(']');
    }
    if list.is_empty() {
        return Ok(());
    }
    if has_member(&draft.ext) {
        return Err(invalid(
            "`properties` stands in the draft and comes as user properties; leave one of them out",
        ));
    }
    let rest = draft.ext.strip_prefix('{').filter(|rest| *rest != "}");
    draft.ext = match rest {
        Some(rest) => format!("{{{MEMBER}{list}],{rest}"),
        None => format!("{{{MEMBER}{list}]}}"),
    };
    Ok(())
}

fn invalid(detail: impl Into<std::borrow::Cow<'static, str>>) -> Refused {
    Refused::new(Refusal::InvalidField, detail)
}

fn has_member(ext: &str) -> bool {
    #[derive(Deserialize)]
    struct Ext<'a> {
        #[serde(borrow)]
        properties: Option<&'a RawValue>,
    }
    ext.contains(MEMBER) && serde_json::from_str::<Ext<'_>>(ext).is_ok_and(|ext| ext.properties.is_some())
}

/// Whether the `ext` of a draft holds what can be given back as user properties: pairs of strings within the limits.
pub fn are_in(ext: &str) -> bool {
    ext.contains(MEMBER)
        && serde_json::from_str::<Ext>(ext).is_ok_and(|ext| !ext.properties.is_empty() && are_good(&ext.properties))
}

/// The user properties of a stored message: name and value, in their order. Empty when there are none.
pub fn of_body(body: &str) -> Vec<(String, String)> {
    #[derive(Deserialize)]
    struct Message {
        ext: Ext,
    }
    let message = serde_json::from_str::<Message>(&format!("{{{body}}}"));
    let properties = message.map(|message| message.ext.properties).unwrap_or_default();
    if are_good(&properties) { properties } else { Vec::new() }
}

#[derive(Deserialize)]
struct Ext {
    #[serde(default)]
    properties: Vec<(String, String)>,
}

/// MQTT has no U+0000 in strings.
fn are_good(properties: &[(String, String)]) -> bool {
    let bytes: usize = properties.iter().map(|(name, value)| name.len() + value.len()).sum();
    let has_null = properties
        .iter()
        .any(|(name, value)| name.contains('\0') || value.contains('\0'));
    properties.len() <= PROPERTIES_MAX && bytes <= PROPERTY_BYTES_MAX && !has_null
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::envelope::decode_draft;
    use proptest::prelude::*;

    fn draft(fields: &str) -> Draft {
        decode_draft(format!(r#"{{"id":"1","to":"bob","type":0{fields}}}"#).as_bytes()).unwrap()
    }

    fn body(draft: &Draft) -> String {
        crate::Body {
            from: "ann",
            to: None,
            target: &[],
            tenant_no: 1,
            draft,
        }
        .encode()
    }

    proptest! {
        #[test]
        fn what_is_kept_is_given_back(
            pairs in proptest::collection::vec(("[^\0]{0,20}", "[^\0]{0,20}"), 1..10), has_more: bool,
        ) {
            let mut draft = draft(if has_more { r#","color":"red""# } else { "" });
            keep(&mut draft, pairs.iter().map(|(name, value)| (name.as_str(), value.as_str()))).unwrap();
            prop_assert!(are_in(&draft.ext));
            prop_assert_eq!(of_body(&body(&draft)), pairs);
            prop_assert_eq!(draft.ext.contains(r#""color":"red""#), has_more);
            // A client that sends a received message again means the same.
            let again = decode_draft(format!(r#"{{"id":"1","to":"bob","type":0,"ext":{}}}"#, draft.ext).as_bytes());
            prop_assert_eq!(again.unwrap().ext, draft.ext);
        }
    }

    #[test]
    fn too_many_too_long_or_two_lists_are_refused() {
        let many = vec![("k", "v"); PROPERTIES_MAX + 1];
        let long = "x".repeat(PROPERTY_BYTES_MAX);
        for list in [many, vec![("k", long.as_str())]] {
            let refused = keep(&mut draft(""), list.into_iter()).unwrap_err();
            assert_eq!(refused.refusal, Refusal::InvalidField);
        }
        let two = keep(&mut draft(r#","properties":7"#), [("k", "v")].into_iter());
        assert!(two.unwrap_err().detail.contains("leave one of them out"));
    }

    #[test]
    fn a_field_of_another_shape_is_only_a_field() {
        for ext in [
            "",
            r#"{"properties":7}"#,
            r#"{"properties":[]}"#,
            r#"{"properties":[["a"]]}"#,
            r#"{"properties":[["a","\u0000"]]}"#,
            r#"{"a":{"properties":[["a","b"]]}}"#,
        ] {
            assert!(!are_in(ext), "{ext}");
        }
        assert!(are_in(r#"{"a":1,"properties":[["a","b"]]}"#));
    }
}
