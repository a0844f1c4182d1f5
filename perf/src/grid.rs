//! Lines of cells under one another: the first and the last column to the left, what is between to the right.

use std::fmt::Write;

/// The `rows` as text, two blanks between columns and none at the end of a line.
pub fn lines<const COLUMNS: usize>(rows: &[[String; COLUMNS]]) -> String {
    let mut widths = [0; COLUMNS];
    for row in rows {
        for (width, cell) in widths.iter_mut().zip(row) {
            *width = cell.chars().count().max(*width);
        }
    }
    let mut out = String::new();
    for row in rows {
        let mut line = String::new();
        for (column, (cell, width)) in row.iter().zip(widths).enumerate() {
            let gap = " ".repeat(width - cell.chars().count());
            let is_left = column == 0 || column + 1 == COLUMNS;
            let (before, after) = if is_left { ("", gap.as_str()) } else { (gap.as_str(), "") };
            // Writing to a String does not fail.
            let _ = write!(line, "{before}{cell}{after}  ");
        }
        out.push_str(line.trim_end());
        out.push('\n');
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn columns_are_as_wide_as_their_widest_cell_in_characters() {
        let rows = [["a", "µs", "end"], ["long", "1234", ""]].map(|row| row.map(str::to_owned));
        assert_eq!(lines(&rows), "a       µs  end\nlong  1234\n");
        assert_eq!(lines::<3>(&[]), "");
    }
}
