//! What may stand as a topic name or a topic filter.

/// Whether `name` is a topic name: not empty and without wildcards.
pub fn is_name(name: &str) -> bool {
    !name.is_empty() && !name.bytes().any(|byte| byte == b'+' || byte == b'#')
}

/// Whether `filter` is a topic filter: wildcards only as whole levels, `#` only as the last.
pub fn is_filter(filter: &str) -> bool {
    let mut levels = filter.split('/').peekable();
    while let Some(level) = levels.next() {
        let valid = match level {
            "+" => true,
            "#" => levels.peek().is_none(),
            plain => !plain.contains(['+', '#']),
        };
        if !valid {
            return false;
        }
    }
    !filter.is_empty()
}

/// Whether `filter` holds a wildcard.
pub fn has_wildcard(filter: &str) -> bool {
    filter.contains(['+', '#'])
}

/// Whether `filter` asks for a shared subscription.
pub fn is_shared(filter: &str) -> bool {
    filter.starts_with("$share/")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn wildcards_stand_only_as_whole_levels() {
        for good in ["a", "/", "a/b", "+", "#", "a/+/b", "a/#", "+/+/#"] {
            assert!(is_filter(good), "{good}");
        }
        for bad in ["", "a#", "a/#/b", "a+", "+a/b", "#/"] {
            assert!(!is_filter(bad), "{bad}");
        }
    }
}
