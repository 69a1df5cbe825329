//! The `type` of an envelope: a published type by its number or its name, or what the platform does not know.

use godwit_model::{MessageKind, MessageType};

/// Longest name of a type, in bytes.
const NAME_BYTES_MAX: usize = 64;

/// Reads the `type` of an envelope: a JSON number or string. `None` where it is neither, or out of bounds.
///
/// A published type is found by its number and by its name; everything else stays as it is.
pub fn read(json: &str) -> Option<MessageKind> {
    let published = if let Ok(number) = json.parse::<i32>() {
        MessageType::from_number(number)
    } else {
        let inner = json.strip_prefix('"')?.strip_suffix('"')?;
        if inner.is_empty() || inner.len() > NAME_BYTES_MAX {
            return None;
        }
        if inner.contains('\\') {
            MessageType::from_name(&serde_json::from_str::<String>(json).ok()?)
        } else {
            MessageType::from_name(inner)
        }
    };
    Some(published.map_or_else(|| MessageKind::Other(json.into()), MessageKind::Published))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_and_numbers_lead_to_the_same_type() {
        for (json, expected) in [
            ("0", MessageType::Text),
            ("\"text\"", MessageType::Text),
            (r#""te\u0078t""#, MessageType::Text),
            ("-1", MessageType::Unknown),
            ("256", MessageType::CallElsewhere),
            ("\"withdrawn\"", MessageType::Withdrawn),
        ] {
            assert_eq!(read(json), Some(expected.into()), "{json}");
        }
        for unknown in ["12", "-2", "\"Text\"", "\"x\""] {
            assert_eq!(read(unknown), Some(MessageKind::Other(unknown.into())));
        }
        let long = format!("\"{}\"", "x".repeat(65));
        for bad in ["", "\"\"", "{}", "null", "1.5", "9999999999", "\"", long.as_str()] {
            assert_eq!(read(bad), None, "{bad}");
        }
    }
}
