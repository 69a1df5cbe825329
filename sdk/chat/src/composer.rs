//! The line being written: its text, and where the cursor stands.

use unicode_segmentation::UnicodeSegmentation as _;

/// Most bytes of one text; a draft has at most 64 KiB with everything around it.
const TEXT_BYTES_MAX: usize = 32 * 1024;

/// The line being written. The cursor stands between what a reader takes for characters.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Composer {
    before: String,
    after: String,
}

impl Composer {
    /// A line with this text, the cursor at its end.
    pub(crate) fn with(text: String) -> Self {
        Self {
            before: text,
            after: String::new(),
        }
    }

    pub(crate) fn text(&self) -> String {
        format!("{}{}", self.before, self.after)
    }

    /// What stands before the cursor.
    pub(crate) fn before(&self) -> &str {
        &self.before
    }

    /// Puts text in at the cursor; what is too much is not taken. `false` if something was left out.
    pub(crate) fn insert(&mut self, text: &str) -> bool {
        let mut whole = true;
        for character in text.chars() {
            let room = self.before.len() + self.after.len() + character.len_utf8() <= TEXT_BYTES_MAX;
            let kept = character == '\n' || !character.is_control();
            if room && kept {
                self.before.push(character);
            }
            whole &= room;
        }
        whole
    }

    pub(crate) fn delete_before(&mut self) {
        let end = last_start(&self.before);
        self.before.truncate(end);
    }

    pub(crate) fn delete_after(&mut self) {
        let end = first_end(&self.after);
        self.after.drain(..end);
    }

    pub(crate) fn delete_word(&mut self) {
        while self.before.ends_with(char::is_whitespace) {
            self.before.pop();
        }
        while self
            .before
            .chars()
            .next_back()
            .is_some_and(|last| !last.is_whitespace())
        {
            self.before.pop();
        }
    }

    pub(crate) fn left(&mut self) {
        let at = last_start(&self.before);
        let moved = self.before.split_off(at);
        self.after.insert_str(0, &moved);
    }

    pub(crate) fn right(&mut self) {
        let end = first_end(&self.after);
        self.before.extend(self.after.drain(..end));
    }

    pub(crate) fn home(&mut self) {
        let before = std::mem::take(&mut self.before);
        self.after.insert_str(0, &before);
    }

    pub(crate) fn end(&mut self) {
        self.before.push_str(&std::mem::take(&mut self.after));
    }
}

/// Where the last character of a text begins.
fn last_start(text: &str) -> usize {
    text.grapheme_indices(true).next_back().map_or(0, |(at, _)| at)
}

/// Where the first character of a text ends.
fn first_end(text: &str) -> usize {
    text.graphemes(true).next().map_or(0, str::len)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_cursor_steps_over_what_a_reader_takes_for_one_character() {
        let mut line = Composer::with("a👩‍👩‍👧é".to_owned());
        line.left();
        line.left();
        assert_eq!(line.before(), "a");
        line.delete_after();
        assert_eq!(line.text(), "aé");
        line.right();
        line.delete_before();
        assert_eq!(line.text(), "a");
    }

    #[test]
    fn words_go_one_at_a_time_and_control_characters_never_come_in() {
        let mut line = Composer::default();
        assert!(line.insert("see you\u{1b}[2J\nthere"));
        assert_eq!(line.text(), "see you[2J\nthere");
        line.delete_word();
        assert_eq!(line.text(), "see you[2J\n");
        line.home();
        assert_eq!(line.before(), "");
        line.end();
        assert_eq!(line.before(), "see you[2J\n");
    }

    #[test]
    fn a_text_that_no_draft_can_carry_is_cut_and_said_so() {
        let mut line = Composer::default();
        assert!(!line.insert(&"x".repeat(TEXT_BYTES_MAX + 1)));
        assert_eq!(line.text().len(), TEXT_BYTES_MAX);
    }
}
