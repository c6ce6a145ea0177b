//! Tables as terminals show them: as wide as what stands in them, and never wider than a screen.

use crate::text::clean;

/// How wide a screen is at least.
pub(super) const WIDTH: usize = 80;
/// The widest column.
const WIDEST: usize = 28;

/// The lines of a table, its head first; a column in which nothing stands is left out.
pub(super) fn columns<const N: usize>(head: &[String; N], rows: &[[String; N]]) -> Vec<String> {
    let widths: [usize; N] = std::array::from_fn(|column| {
        let cells = || rows.iter().map(|row| row[column].chars().count());
        match cells().max() {
            None | Some(0) => 0,
            Some(most) => most.max(head[column].len()).min(WIDEST),
        }
    });
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).filter(|(_, width)| *width > 0);
        let cells = cells.map(|(cell, width)| format!("{:<width$}", cut(&clean(cell), width)));
        cut(cells.collect::<Vec<_>>().join("  ").trim_end(), WIDTH)
    };
    std::iter::once(line(head)).chain(rows.iter().map(line)).collect()
}

/// A text, or its beginning.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}
