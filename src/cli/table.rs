//! Tables as terminals show them: as wide as what stands in them, and never wider than a screen.

use super::output;
use crate::text::clean;

/// How wide a screen is at least.
pub(super) const WIDTH: usize = 80;
/// How narrow a column becomes at most where a screen has too little room.
const NARROWEST: usize = 8;
/// Columns between two.
const GAP: usize = 2;

/// The lines of a table, its head first; a column in which nothing stands is left out. Whole in a pipe or a file, and no
/// wider than the terminal.
pub(super) fn columns<const N: usize>(head: &[String; N], rows: &[[String; N]]) -> Vec<String> {
    fitted(head, rows, output::style().width)
}

fn fitted<const N: usize>(head: &[String; N], rows: &[[String; N]], room: Option<usize>) -> Vec<String> {
    let rows = rows.iter().map(|row| row.each_ref().map(|cell| clean(cell)));
    let rows = rows.collect::<Vec<_>>();
    let mut widths: [usize; N] = std::array::from_fn(|column| {
        let cells = || rows.iter().map(|row| row[column].chars().count());
        match cells().max() {
            None | Some(0) => 0,
            Some(most) => most.max(head[column].len()),
        }
    });
    if let Some(room) = room {
        narrow(&mut widths, room);
    }
    let line = |row: &[String; N]| {
        let cells = row.iter().zip(widths).filter(|(_, width)| *width > 0);
        let cells = cells.map(|(cell, width)| format!("{:<width$}", cut(cell, width)));
        let line = cells.collect::<Vec<_>>().join(&" ".repeat(GAP));
        cut(line.trim_end(), room.unwrap_or(usize::MAX))
    };
    std::iter::once(line(head)).chain(rows.iter().map(line)).collect()
}

/// Takes from the widest until all fit.
fn narrow(widths: &mut [usize], room: usize) {
    let taken = |widths: &[usize]| {
        let shown = widths.iter().filter(|width| **width > 0);
        shown.map(|width| width + GAP).sum::<usize>().saturating_sub(GAP)
    };
    while taken(widths) > room
        && let Some(widest) = widths.iter_mut().max()
        && *widest > NARROWEST
    {
        *widest -= 1;
    }
}

/// A text, or its beginning.
pub(super) fn cut(text: &str, width: usize) -> String {
    if text.chars().count() <= width {
        return text.to_owned();
    }
    text.chars().take(width.saturating_sub(1)).chain(['…']).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_table_is_whole_without_a_screen_and_fits_one() {
        let row = |cells: [&str; 3]| cells.map(str::to_owned);
        let head = row(["CAUSE", "MARKS", "SINCE"]);
        let rows = [row(["wildcard-certificate-name-mismatch", "", "12-01 00:43Z"])];
        assert_eq!(
            fitted(&head, &rows, None)[1],
            "wildcard-certificate-name-mismatch  12-01 00:43Z"
        );
        assert_eq!(
            fitted(&head, &rows, Some(40))[1],
            "wildcard-certificate-name…  12-01 00:43Z"
        );
        assert_eq!(fitted(&head, &rows, Some(12))[1].chars().count(), 12);
    }
}
