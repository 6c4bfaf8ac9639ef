//! Tables for people: columns as wide as their widest cell, two spaces apart.

use anstyle::Style;

use super::output::{HEADING, styled};

/// A text in a table, and how it looks.
pub(crate) struct Cell {
    text: String,
    style: Style,
    right: bool,
}

impl Cell {
    /// Left-aligned text.
    pub(crate) fn new(text: impl ToString) -> Self {
        Self { text: text.to_string(), style: Style::new(), right: false }
    }

    /// A number, right-aligned.
    pub(crate) fn number(text: impl ToString) -> Self {
        Self { right: true, ..Self::new(text) }
    }

    /// The same in this style.
    pub(crate) fn in_style(self, style: Style) -> Self {
        Self { style, ..self }
    }

    fn width(&self) -> usize {
        self.text.chars().count()
    }

    fn render(&self, width: usize) -> String {
        let room = " ".repeat(width.saturating_sub(self.width()));
        let text =
            if self.style == Style::new() { self.text.clone() } else { styled(self.style, &self.text) };
        if self.right { room + &text } else { text + &room }
    }
}

/// The lines of a table under its headings. Text from outside is shown as it is, so rows must not hold
/// control characters: see [`printable`].
pub(crate) fn render(headings: &[&str], mut rows: Vec<Vec<Cell>>) -> String {
    let heading = |(column, text): (usize, &&str)| {
        let below = rows.first().and_then(|row| row.get(column));
        Cell { right: below.is_some_and(|cell| cell.right), ..Cell::new(text).in_style(HEADING) }
    };
    rows.insert(0, headings.iter().enumerate().map(heading).collect());
    let mut widths = vec![0; headings.len()];
    for row in &rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.width().max(*width);
        }
    }
    let mut text = String::new();
    for row in &rows {
        let cells: Vec<String> = row.iter().zip(&widths).map(|(cell, width)| cell.render(*width)).collect();
        text.push_str(cells.join("  ").trim_end());
        text.push('\n');
    }
    text
}

/// Text from outside without what a terminal could take for a command.
pub(crate) fn printable(text: &str) -> String {
    text.chars()
        .flat_map(|char| if char.is_control() { char.escape_default().collect() } else { vec![char] })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell() {
        let rows = vec![
            vec![Cell::new("eth0"), Cell::number(7), Cell::new("up")],
            vec![Cell::new("é"), Cell::number(1000), Cell::new("")],
        ];
        let text = anstream::adapter::strip_str(&render(&["ID", "BYTES", "STATE"], rows)).to_string();
        assert_eq!(text, "ID    BYTES  STATE\neth0      7  up\né      1000\n");
    }

    #[test]
    fn a_name_cannot_steer_the_terminal() {
        assert_eq!(printable("a\u{1b}[2Jb\n"), "a\\u{1b}[2Jb\\n");
    }
}
