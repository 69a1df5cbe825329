//! Messages in words, as a terminal can show them.

use chrono::{DateTime, Local};
use godwit_sdk::{Content, Message};

/// A message in one line of the list.
pub(crate) fn preview(message: &Message) -> String {
    let said = what(message).replace('\n', " ");
    if message.is_mine { format!("you: {said}") } else { said }
}

/// What a message says.
pub(crate) fn what(message: &Message) -> String {
    match &message.gone {
        Some(reason) => format!("({reason})"),
        None => content(&message.content),
    }
}

/// What content says. Control characters of strangers never reach the terminal.
pub(crate) fn content(content: &Content) -> String {
    let text = match content {
        Content::Text(text) => text.clone(),
        Content::Image(_) => "[picture]".to_owned(),
        Content::Voice(_) => "[voice]".to_owned(),
        Content::Video(_) => "[video]".to_owned(),
        Content::File(_) => "[file]".to_owned(),
        Content::Location(_) => "[place]".to_owned(),
        Content::LinkCard(_) | Content::AppCard(_) | Content::PrescriptionCard(_) => "[card]".to_owned(),
        Content::Call(call) => format!("[call: {:?}]", call.status),
        Content::GroupChange(_) => "[the group changed]".to_owned(),
        other => format!("[{}]", other.kind()),
    };
    let shown = |character: &char| *character == '\n' || !character.is_control();
    text.chars().filter(shown).collect()
}

/// A time of day where the reader is; empty for none.
pub(crate) fn time_of_day(ms: u64) -> String {
    let time = i64::try_from(ms)
        .ok()
        .filter(|ms| *ms > 0)
        .and_then(DateTime::from_timestamp_millis);
    time.map_or_else(String::new, |time| {
        time.with_timezone(&Local).format("%H:%M").to_string()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_stranger_cannot_write_to_the_terminal_itself() {
        let text = content(&Content::text("a\u{1b}]0;title\u{7}b\nc"));
        assert_eq!(text, "a]0;titleb\nc");
    }

    #[test]
    fn no_time_is_no_time() {
        assert_eq!(time_of_day(0), "");
        assert_eq!(time_of_day(u64::MAX), "");
        assert_eq!(time_of_day(1_700_000_000_000).len(), 5);
    }
}
