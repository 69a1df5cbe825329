//! Cuts texts to the limits of vendors, never inside what a reader sees as one character.

use std::borrow::Cow;

use unicode_segmentation::UnicodeSegmentation as _;

/// Stands for what was cut off.
const MORE: &str = "…";

/// The text in at most `max` bytes of UTF-8.
pub fn to_bytes(text: &str, max: usize) -> String {
    bytes(text, max).into_owned()
}

/// [`to_bytes`], without a copy where nothing is cut.
pub(crate) fn bytes(text: &str, max: usize) -> Cow<'_, str> {
    cut(text, max, str::len)
}

/// The text in at most `max` characters as the strictest vendor counts: a character outside ASCII counts twice. (Vendors
/// write "50 characters" and do not say whether a Chinese one is one or two.)
pub fn to_characters(text: &str, max: usize) -> String {
    cut(text, max, characters).into_owned()
}

/// Characters as [`to_characters`] counts them.
pub fn characters(text: &str) -> usize {
    text.chars().map(|c| if c.is_ascii() { 1 } else { 2 }).sum()
}

/// Bytes that a text takes inside a JSON string, without the quotes.
pub(crate) fn json_bytes(text: &str) -> usize {
    let escaped = |c: char| match c {
        '"' | '\\' | '\n' | '\r' | '\t' | '\u{8}' | '\u{c}' => 2,
        c if c < ' ' => 6,
        c => c.len_utf8(),
    };
    text.chars().map(escaped).sum()
}

/// The text in at most `max` bytes of JSON, without the quotes.
pub fn to_json_bytes(text: &str, max: usize) -> String {
    cut(text, max, json_bytes).into_owned()
}

/// The payload that `build` makes of as much of `body` as fits into `max` bytes; nothing when it does not fit without.
/// A payload may hold the body more than once.
pub(crate) fn fit(body: &str, max: usize, build: impl Fn(&str) -> Vec<u8>) -> Option<Vec<u8>> {
    let mut payload = build(body);
    if payload.len() <= max {
        return Some(payload);
    }
    let mut room = json_bytes(body).min(max);
    payload = build(&to_json_bytes(body, room));
    while payload.len() > max && room > 0 {
        // Half of what is too much, for those that hold it twice; a byte at least, so that it ends.
        room = room.saturating_sub(((payload.len() - max) / 2).max(1));
        payload = build(&to_json_bytes(body, room));
    }
    (payload.len() <= max).then_some(payload)
}

/// The text, or a sign that there is more, for vendors who refuse a notification without words.
pub(crate) fn or_more(text: &str) -> &str {
    if text.is_empty() { MORE } else { text }
}

fn cut(text: &str, max: usize, measure: fn(&str) -> usize) -> Cow<'_, str> {
    if measure(text) <= max {
        return Cow::Borrowed(text);
    }
    let Some(room) = max.checked_sub(measure(MORE)) else {
        return Cow::Borrowed("");
    };
    let mut kept = String::with_capacity(room);
    let mut used = 0;
    for grapheme in text.graphemes(true) {
        used += measure(grapheme);
        if used > room {
            break;
        }
        kept.push_str(grapheme);
    }
    kept.truncate(kept.trim_end().len());
    kept.push_str(MORE);
    Cow::Owned(kept)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn a_family_of_four_is_kept_whole_or_not_at_all() {
        let family = "👨‍👩‍👧‍👦";
        assert_eq!(to_bytes(family, 25), family);
        assert_eq!(to_bytes(family, 24), MORE);
        assert_eq!(to_bytes(&format!("ab{family}"), 10), "ab…");
    }

    #[test]
    fn a_chinese_character_counts_twice() {
        assert_eq!(to_characters("你好世界", 8), "你好世界");
        assert_eq!(to_characters("你好世界", 7), "你好…");
        assert_eq!(to_characters("hello", 5), "hello");
    }

    #[test]
    fn a_payload_keeps_as_much_of_the_body_as_fits() {
        let build = |body: &str| serde_json::to_vec(&serde_json::json!({"b": body})).expect("JSON");
        assert_eq!(fit("abc", 11, build).as_deref(), Some(&br#"{"b":"abc"}"#[..]));
        assert_eq!(fit("abcdef", 13, build), Some(r#"{"b":"ab…"}"#.as_bytes().to_vec()));
        assert_eq!(fit("abcdef", 7, build), None);
        let twice = |body: &str| format!("{body}{body}").into_bytes();
        let fitted = fit(&"x".repeat(10_000), 100, twice).expect("it fits");
        assert!((80..=100).contains(&fitted.len()), "{}", fitted.len());
    }

    #[test]
    fn what_fits_nowhere_is_nothing() {
        assert_eq!(to_bytes("hello", 2), "");
        assert_eq!(to_bytes("", 0), "");
    }

    fn is_cut_well(text: &str, cut: &str) -> bool {
        let Some(kept) = cut.strip_suffix(MORE).filter(|_| cut != text) else {
            return cut == text || cut.is_empty();
        };
        let boundaries: Vec<usize> = text.grapheme_indices(true).map(|(at, _)| at).collect();
        let mut ends = boundaries.iter().copied().chain([text.len()]);
        let trimmed = |end: usize| text.get(..end).is_some_and(|head| head.trim_end() == kept);
        ends.any(trimmed)
    }

    proptest! {
        #[test]
        fn a_cut_text_is_within_bounds_and_a_whole_number_of_graphemes(text in "\\PC{0,80}", max in 0_usize..200) {
            let bytes = to_bytes(&text, max);
            prop_assert!(bytes.len() <= max);
            prop_assert!(is_cut_well(&text, &bytes), "{text:?} to {bytes:?}");
            let counted = to_characters(&text, max);
            prop_assert!(characters(&counted) <= max);
            prop_assert!(is_cut_well(&text, &counted));
            let json = to_json_bytes(&text, max);
            prop_assert!(serde_json::to_string(&json).unwrap().len() <= max + 2);
            prop_assert!(is_cut_well(&text, &json));
        }

        #[test]
        fn json_bytes_are_what_serde_writes(text in any::<String>()) {
            prop_assert_eq!(json_bytes(&text) + 2, serde_json::to_string(&text).unwrap().len());
        }
    }
}
