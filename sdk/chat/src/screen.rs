//! Draws the desk: conversations at the left, the open one at the right with the line being written below it.

mod line;
mod list;
mod status;
mod thread;
pub(crate) mod wording;

use ratatui::Frame;
use ratatui::layout::{Constraint, Layout};

use crate::desk::Desk;

/// Columns of the list; a narrow terminal shows none.
const LIST_COLUMNS: u16 = 26;
const NARROW_COLUMNS: u16 = 60;

/// Draws everything.
pub(crate) fn draw(frame: &mut Frame<'_>, desk: &Desk) {
    let [body, status] = Layout::vertical([Constraint::Min(4), Constraint::Length(1)]).areas(frame.area());
    let is_narrow = body.width < NARROW_COLUMNS;
    let columns = if is_narrow { 0 } else { LIST_COLUMNS };
    let [left, right] = Layout::horizontal([Constraint::Length(columns), Constraint::Min(20)]).areas(body);
    if !is_narrow {
        list::draw(frame, left, desk);
    }
    let rows = line::rows(desk, right.width);
    let [above, below] = Layout::vertical([Constraint::Min(3), Constraint::Length(rows)]).areas(right);
    thread::draw(frame, above, desk);
    line::draw(frame, below, desk);
    status::draw(frame, status, desk);
}

#[cfg(test)]
mod tests {
    use godwit_sdk::ConnectionState;
    use ratatui::Terminal;
    use ratatui::backend::TestBackend;

    use super::*;
    use crate::composer::Composer;

    fn shown(desk: &Desk, columns: u16) -> String {
        let mut terminal = Terminal::new(TestBackend::new(columns, 16)).expect("a terminal");
        terminal.draw(|frame| draw(frame, desk)).expect("drawn");
        terminal.backend().to_string()
    }

    #[test]
    fn the_screen_says_who_is_open_what_is_typed_and_how_the_connection_is() {
        let mut desk = Desk {
            me: "alice".to_owned(),
            open: Some("bob".to_owned()),
            composer: Composer::with("half a sen".to_owned()),
            connection: ConnectionState::Waiting {
                retry_ms: 1_500,
                reason: "refused".to_owned(),
            },
            ..Desk::default()
        };
        desk.list(&[], |_| true);
        let wide = shown(&desk, 80);
        for part in ["alice", "bob", "half a sen", "offline"] {
            assert!(wide.contains(part), "{part} is missing in\n{wide}");
        }
        assert!(shown(&desk, 40).contains("half a sen"));
    }

    #[test]
    fn the_help_shows_every_command() {
        let desk = Desk {
            shows_help: true,
            ..Desk::default()
        };
        let text = shown(&desk, 100);
        for (usage, _) in crate::command::HELP {
            let name = usage.split(' ').next().unwrap_or_default();
            assert!(text.contains(name), "{name} is missing in\n{text}");
        }
    }
}
