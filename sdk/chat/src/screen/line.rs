//! The line being written.

use ratatui::Frame;
use ratatui::layout::{Position, Rect};
use ratatui::widgets::{Block, Borders, Paragraph};
use unicode_segmentation::UnicodeSegmentation as _;
use unicode_width::UnicodeWidthStr as _;

use crate::desk::Desk;

/// Most rows of text in sight.
const ROWS_MAX: usize = 6;

/// How many rows the line takes on the screen, its border included.
pub(super) fn rows(desk: &Desk, width: u16) -> u16 {
    let rows = cut(&desk.composer.text(), width).len().clamp(1, ROWS_MAX);
    u16::try_from(rows).unwrap_or(1) + 1
}

pub(super) fn draw(frame: &mut Frame<'_>, area: Rect, desk: &Desk) {
    let rows = cut(&desk.composer.text(), area.width);
    let before = cut(desk.composer.before(), area.width);
    let row = before.len().saturating_sub(1);
    let height = usize::from(area.height.saturating_sub(1)).max(1);
    let hidden = (row + 1).saturating_sub(height);
    let text = rows.into_iter().skip(hidden).collect::<Vec<_>>().join("\n");
    frame.render_widget(Paragraph::new(text).block(Block::new().borders(Borders::TOP)), area);
    let column = before.last().map_or(0, |line| line.width());
    let column = u16::try_from(column)
        .unwrap_or(u16::MAX)
        .min(area.width.saturating_sub(1));
    let below = u16::try_from(row - hidden.min(row)).unwrap_or(0);
    frame.set_cursor_position(Position::new(area.x + column, area.y + 1 + below));
}

/// Cuts a text into rows of at most `width` columns; the same for a text and for its beginning.
fn cut(text: &str, width: u16) -> Vec<String> {
    let width = usize::from(width.max(2)) - 1;
    let mut rows = Vec::new();
    for line in text.split('\n') {
        let mut row = String::new();
        for character in line.graphemes(true) {
            if row.width() + character.width() > width && !row.is_empty() {
                rows.push(std::mem::take(&mut row));
            }
            row.push_str(character);
        }
        rows.push(row);
    }
    rows
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_are_cut_by_columns_and_wide_characters_take_two() {
        assert_eq!(cut("", 10), [""]);
        assert_eq!(cut("abcdef", 5), ["abcd", "ef"]);
        assert_eq!(cut("长话短说", 5), ["长话", "短说"]);
        assert_eq!(cut("a\n", 5), ["a", ""]);
    }
}
