//! The last line: who, how the connection is, and the last thing worth saying.

use godwit_sdk::ConnectionState;
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::Paragraph;

use crate::desk::Desk;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, desk: &Desk) {
    let (colour, connection) = connection(&desk.connection);
    let who = if desk.me.is_empty() { "not registered" } else { &desk.me };
    let mut spans = vec![
        Span::styled(format!(" ● {connection}"), Style::new().fg(colour)),
        Span::raw(format!(" · {who}")),
    ];
    let rest = desk.notice.as_deref().unwrap_or("/help");
    spans.push(Span::styled(
        format!(" · {rest}"),
        Style::new().add_modifier(Modifier::DIM),
    ));
    frame.render_widget(Paragraph::new(Line::from(spans)), area);
}

fn connection(state: &ConnectionState) -> (Color, String) {
    match state {
        ConnectionState::Online => (Color::Green, "online".to_owned()),
        ConnectionState::Connecting => (Color::Yellow, "connecting".to_owned()),
        ConnectionState::Offline => (Color::Red, "offline".to_owned()),
        ConnectionState::Waiting { retry_ms, .. } => {
            let seconds = retry_ms.div_ceil(1000);
            (Color::Yellow, format!("offline, next try within {seconds} s"))
        }
        ConnectionState::TakenOver => (Color::Red, "open elsewhere (/connect)".to_owned()),
        ConnectionState::Unauthorized { detail } => (Color::Red, format!("not let in: {detail}")),
        ConnectionState::Failed { detail } => (Color::Red, format!("failed: {detail}")),
    }
}
