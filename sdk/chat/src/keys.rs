//! What a key means.

use crossterm::event::{KeyCode, KeyEvent, KeyModifiers};

/// What a key asks for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Meaning {
    Quit,
    Enter,
    Character(char),
    NewLine,
    Backspace,
    Delete,
    DeleteWord,
    Left,
    Right,
    Home,
    End,
    NextConversation,
    FormerConversation,
    ScrollUp(usize),
    ScrollDown(usize),
    Dismiss,
    Nothing,
}

/// Lines of a page key.
const PAGE_LINES: usize = 10;

/// Reads a key.
pub(crate) fn meaning(key: KeyEvent) -> Meaning {
    let control = key.modifiers.contains(KeyModifiers::CONTROL);
    let alternate = key.modifiers.contains(KeyModifiers::ALT);
    match key.code {
        KeyCode::Char('c' | 'q') if control => Meaning::Quit,
        KeyCode::Char('j') if control => Meaning::NewLine,
        KeyCode::Char('w') if control => Meaning::DeleteWord,
        KeyCode::Char('a') if control => Meaning::Home,
        KeyCode::Char('e') if control => Meaning::End,
        KeyCode::Char('n') if control => Meaning::NextConversation,
        KeyCode::Char('p') if control => Meaning::FormerConversation,
        KeyCode::Enter if alternate => Meaning::NewLine,
        KeyCode::Enter => Meaning::Enter,
        KeyCode::Tab => Meaning::NextConversation,
        KeyCode::BackTab => Meaning::FormerConversation,
        KeyCode::Backspace if alternate => Meaning::DeleteWord,
        KeyCode::Backspace => Meaning::Backspace,
        KeyCode::Delete => Meaning::Delete,
        KeyCode::Left => Meaning::Left,
        KeyCode::Right => Meaning::Right,
        KeyCode::Home => Meaning::Home,
        KeyCode::End => Meaning::End,
        KeyCode::Up => Meaning::ScrollUp(1),
        KeyCode::Down => Meaning::ScrollDown(1),
        KeyCode::PageUp => Meaning::ScrollUp(PAGE_LINES),
        KeyCode::PageDown => Meaning::ScrollDown(PAGE_LINES),
        KeyCode::Esc => Meaning::Dismiss,
        KeyCode::Char(character) if !control && !alternate => Meaning::Character(character),
        _ => Meaning::Nothing,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn letters_are_text_and_only_with_control_something_else() {
        let plain = |code| meaning(KeyEvent::new(code, KeyModifiers::NONE));
        assert_eq!(plain(KeyCode::Char('q')), Meaning::Character('q'));
        assert_eq!(plain(KeyCode::Enter), Meaning::Enter);
        let control = |character| meaning(KeyEvent::new(KeyCode::Char(character), KeyModifiers::CONTROL));
        assert_eq!(control('q'), Meaning::Quit);
        assert_eq!(control('x'), Meaning::Nothing);
    }
}
