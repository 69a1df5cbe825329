//! The conversations, the newest first.

use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Borders, Paragraph};

use crate::desk::{Desk, Row};

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, desk: &Desk) {
    let open = desk
        .rows
        .iter()
        .position(|row| Some(&row.address) == desk.open.as_ref());
    let lines: Vec<_> = desk
        .rows
        .iter()
        .enumerate()
        .flat_map(|(at, row)| row_lines(row, Some(at) == open))
        .collect();
    // Two lines a row; the open one stays in sight.
    let height = usize::from(area.height.saturating_sub(2));
    let hidden = open.map_or(0, |at| (at * 2 + 2).saturating_sub(height));
    let block = Block::new().borders(Borders::RIGHT).title(" godwit ");
    let offset = u16::try_from(hidden).unwrap_or(u16::MAX);
    frame.render_widget(Paragraph::new(lines).block(block).scroll((offset, 0)), area);
}

fn row_lines(row: &Row, is_open: bool) -> [Line<'static>; 2] {
    let style = if is_open {
        Style::new().add_modifier(Modifier::REVERSED)
    } else if row.unread > 0 {
        Style::new().add_modifier(Modifier::BOLD)
    } else {
        Style::new()
    };
    let mark = if row.has_unsent { "✎ " } else { "" };
    let unread = if row.unread > 0 {
        format!(" ({})", row.unread)
    } else {
        String::new()
    };
    let name = Span::styled(format!(" {mark}{}{unread}", row.address), style);
    let preview = Span::styled(format!("   {}", row.preview), Style::new().add_modifier(Modifier::DIM));
    [Line::from(name), Line::from(preview)]
}
