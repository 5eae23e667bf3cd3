//! Plain columns, easy to read and to cut.

use std::fmt;

use comfy_table::{ContentArrangement, presets};

/// Rows under a head line.
pub struct Table(comfy_table::Table);

impl Table {
    /// Without rows. Columns are as wide as their widest cell: no line is ever broken.
    pub fn new(head: &[&str]) -> Self {
        let mut table = comfy_table::Table::new();
        table
            .load_preset(presets::NOTHING)
            .set_content_arrangement(ContentArrangement::Disabled)
            .set_header(head.iter().copied());
        Self(table)
    }

    /// As many cells as the head has.
    pub fn row(&mut self, cells: Vec<String>) {
        self.0.add_row(cells);
    }

    /// A table with one row an item.
    pub fn of<T>(head: &[&str], items: &[T], row: impl Fn(&T) -> Vec<String>) -> Self {
        let mut table = Self::new(head);
        for item in items {
            table.row(row(item));
        }
        table
    }
}

impl fmt::Display for Table {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let text = self.0.trim_fmt();
        let lines: Vec<&str> = text
            .lines()
            .map(|line| line.strip_prefix(' ').unwrap_or(line))
            .collect();
        formatter.write_str(&lines.join("\n"))
    }
}

/// What stands where there is nothing to tell.
pub fn or_dash(text: Option<String>) -> String {
    text.unwrap_or_else(|| "-".into())
}
