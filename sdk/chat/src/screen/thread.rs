//! The open conversation: its messages, and behind them the drafts on their way.

use godwit_sdk::{Content, Message, Outgoing, OutgoingState};
use ratatui::Frame;
use ratatui::layout::Rect;
use ratatui::style::{Color, Modifier, Style};
use ratatui::text::{Line, Span};
use ratatui::widgets::{Block, Paragraph, Wrap};

use super::wording::{content, time_of_day, what};
use crate::command::HELP;
use crate::desk::Desk;

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, desk: &Desk) {
    let title = desk.open.as_ref().map_or_else(String::new, |open| format!(" {open} "));
    let lines = if desk.shows_help { help() } else { thread(desk) };
    let thread = Paragraph::new(lines).wrap(Wrap { trim: false });
    let inner = Block::new().title(title.clone()).inner(area);
    let hidden = wrapped(&thread, inner.width).saturating_sub(usize::from(inner.height));
    let offset = hidden.saturating_sub(desk.scroll);
    let offset = u16::try_from(offset).unwrap_or(u16::MAX);
    frame.render_widget(thread.block(Block::new().title(title)).scroll((offset, 0)), area);
}

/// How many lines a thread takes in this width.
fn wrapped(thread: &Paragraph<'_>, width: u16) -> usize {
    // Wrapping cannot be asked for, so it is tried: a paragraph is drawn where nobody sees it.
    let rows = LINES_MAX;
    let area = Rect::new(0, 0, width.max(1), rows);
    let mut buffer = ratatui::buffer::Buffer::empty(area);
    ratatui::widgets::Widget::render(thread.clone(), area, &mut buffer);
    let is_blank = |row: &u16| (0..area.width).all(|column| buffer[(column, *row)].symbol() == " ");
    let blank = (0..rows).rev().take_while(is_blank).count();
    usize::from(rows) - blank
}

/// Lines of the longest thread that is drawn.
const LINES_MAX: u16 = 600;

fn thread(desk: &Desk) -> Vec<Line<'static>> {
    let shown = desk.messages.iter().filter(|message| !is_silent(message));
    let mut lines: Vec<_> = shown.flat_map(|message| message_lines(message, desk)).collect();
    lines.extend(desk.waiting.iter().flat_map(waiting_lines));
    if lines.is_empty() {
        let hint = if desk.open.is_some() {
            "No message yet. Write one."
        } else {
            "Write /to USER and Enter to open a conversation, /help for more."
        };
        lines.push(Line::styled(hint, Style::new().add_modifier(Modifier::DIM)));
    }
    lines
}

/// What is for the app is not for eyes.
fn is_silent(message: &Message) -> bool {
    message.is_background && !matches!(message.content, Content::GroupChange(_))
}

fn message_lines(message: &Message, desk: &Desk) -> Vec<Line<'static>> {
    let name = if message.is_mine { &desk.me } else { &message.sender };
    let mark = if message.is_mine { " ✓" } else { "" };
    let style = if message.gone.is_some() {
        Style::new().add_modifier(Modifier::DIM | Modifier::ITALIC)
    } else {
        Style::new()
    };
    lines(&time_of_day(message.server_time), name, &what(message), (style, mark))
}

fn waiting_lines(outgoing: &Outgoing) -> Vec<Line<'static>> {
    let text = outgoing.content.as_ref().map(content).unwrap_or_default();
    let mark = match &outgoing.state {
        OutgoingState::Queued => " ◷".to_owned(),
        OutgoingState::Sent | OutgoingState::Accepted { .. } => " ✓".to_owned(),
        OutgoingState::Refused { code, .. } => format!(" ✗ {code} (/again)"),
    };
    let style = Style::new().add_modifier(Modifier::DIM);
    lines(&time_of_day(outgoing.created_ms), "you", &text, (style, &mark))
}

fn lines(time: &str, name: &str, text: &str, (style, mark): (Style, &str)) -> Vec<Line<'static>> {
    let colour = colour(name);
    let mut front = vec![
        Span::styled(format!("{time:5} "), Style::new().add_modifier(Modifier::DIM)),
        Span::styled(format!("{name}: "), Style::new().fg(colour)),
    ];
    let mut written: Vec<_> = text
        .split('\n')
        .map(|line| {
            let mut spans = std::mem::replace(&mut front, vec![Span::raw("      ")]);
            spans.push(Span::styled(line.to_owned(), style));
            Line::from(spans)
        })
        .collect();
    if let Some(last) = written.last_mut() {
        last.push_span(Span::styled(mark.to_owned(), Style::new().fg(Color::Green)));
    }
    written
}

/// The same colour for the same name, always.
fn colour(name: &str) -> Color {
    const COLOURS: [Color; 5] = [Color::Cyan, Color::Yellow, Color::Magenta, Color::Blue, Color::Green];
    let sum: usize = name.bytes().map(usize::from).sum();
    COLOURS[sum % COLOURS.len()]
}

fn help() -> Vec<Line<'static>> {
    let keys = "Enter sends · Ctrl+J begins a line · Tab: next conversation · ↑ ↓: scroll · Esc: back";
    let commands = HELP
        .iter()
        .map(|(usage, what)| Line::raw(format!("  {usage:20} {what}")));
    std::iter::once(Line::raw(keys)).chain(commands).collect()
}
