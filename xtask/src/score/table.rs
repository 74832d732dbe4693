//! A table of short texts, for the screen or for a page. What it is given may come from anybody, so cells are cleaned.

use alert::sanitize::shown;

/// A cell is a label, a name or a figure. What is longer would push the rest off the screen.
const CELL_CHARS_MAX: usize = 100;

/// The first column is text, the others are figures.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Table {
    title: String,
    head: Vec<String>,
    rows: Vec<Vec<String>>,
}

impl Table {
    pub(crate) fn new(title: &str, head: Vec<String>) -> Table {
        Table { title: title.to_owned(), head, rows: Vec::new() }
    }

    pub(crate) fn push(&mut self, row: Vec<String>) {
        self.rows.push(row.iter().map(|cell| shown(cell, CELL_CHARS_MAX)).collect());
    }

    /// Puts the rows into this order of their first cells; others come behind.
    pub(crate) fn sort_by_first_column(&mut self, order: &[String]) {
        let place = |row: &Vec<String>| order.iter().position(|name| row.first() == Some(name));
        self.rows.sort_by_key(|row| place(row).unwrap_or(order.len()));
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// Writes it with the columns under each other.
    pub(crate) fn text(&self) -> String {
        let width = |column: usize| {
            let cells = std::iter::once(&self.head).chain(&self.rows);
            cells.filter_map(|row| row.get(column)).map(|cell| cell.chars().count()).max()
        };
        let widths: Vec<usize> = (0..self.head.len()).map(|at| width(at).unwrap_or(0)).collect();
        let mut text = format!("\n{}\n", self.title);
        for row in std::iter::once(&self.head).chain(&self.rows) {
            let mut line = String::new();
            for (column, (cell, width)) in row.iter().zip(&widths).enumerate() {
                let padding = " ".repeat(width.saturating_sub(cell.chars().count()));
                let gap = if column == 0 { "  " } else { "   " };
                let (before, after) = if column == 0 { ("", &*padding) } else { (&*padding, "") };
                line.push_str(gap);
                line.push_str(before);
                line.push_str(cell);
                line.push_str(after);
            }
            text.push_str(line.trim_end());
            text.push('\n');
        }
        text
    }

    /// Writes it as a table of Markdown under its title.
    pub(crate) fn markdown(&self) -> String {
        let line = |cells: &[String]| format!("| {} |\n", cells.join(" | "));
        let rule: Vec<String> = self
            .head
            .iter()
            .enumerate()
            .map(|(column, _)| if column == 0 { "---" } else { "---:" }.to_owned())
            .collect();
        let mut text = format!("{}:\n\n{}{}", self.title, line(&self.head), line(&rule));
        text.extend(self.rows.iter().map(|row| line(row)));
        text
    }
}

/// Writes a share in percent with one digit; a dash where there is nothing to share.
pub(crate) fn percent(count: usize, of: usize) -> String {
    if of == 0 {
        return "-".to_owned();
    }
    // Rounded down, so that a target that is missed by a hair doesn't look reached.
    let tenths = count * 1000 / of;
    format!("{}.{}", tenths / 10, tenths % 10)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn table() -> Table {
        let mut table = Table::new("fruit", vec!["kind".into(), "rows".into()]);
        table.push(vec!["plum".into(), "9".into()]);
        table.push(vec!["pear tree".into(), "100".into()]);
        table
    }

    #[test]
    fn columns_stand_under_each_other() {
        let wanted = "\nfruit\n  kind        rows\n  plum           9\n  pear tree    100\n";
        assert_eq!(table().text(), wanted);
    }

    #[test]
    fn markdown_has_a_rule_under_the_head() {
        let wanted =
            "fruit:\n\n| kind | rows |\n| --- | ---: |\n| plum | 9 |\n| pear tree | 100 |\n";
        assert_eq!(table().markdown(), wanted);
    }

    #[test]
    fn a_share_is_rounded_down() {
        assert_eq!(percent(999, 1000), "99.9");
        assert_eq!(percent(94_999, 100_000), "94.9");
        assert_eq!(percent(0, 0), "-");
        assert_eq!(percent(3, 3), "100.0");
    }
}
