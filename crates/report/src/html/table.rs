//! Tables: shown to people, and the data behind a figure.

use std::fmt::Write as _;

use super::{Fill, Html, prose};

/// A cell of a [`Table`].
#[derive(Clone, Debug, PartialEq)]
#[non_exhaustive]
pub enum Cell {
    /// A text.
    Text(String),
    /// A number, in full where it is data.
    Number(f64),
    /// A number or a time as it is shown.
    Fill(Fill),
    /// What was not measured.
    Empty,
}

impl From<&str> for Cell {
    fn from(text: &str) -> Self {
        Self::Text(text.to_owned())
    }
}

impl From<String> for Cell {
    fn from(text: String) -> Self {
        Self::Text(text)
    }
}

impl From<f64> for Cell {
    fn from(number: f64) -> Self {
        Self::Number(number)
    }
}

impl From<usize> for Cell {
    fn from(number: usize) -> Self {
        Self::Number(number as f64)
    }
}

impl From<Fill> for Cell {
    fn from(fill: Fill) -> Self {
        Self::Fill(fill)
    }
}

/// Columns with names, and rows.
///
/// ```
/// use nearplane_report::Table;
/// let mut table = Table::new(&["k", "accuracy"]);
/// table.row([7.into(), 0.39.into()]);
/// assert_eq!(table.to_json("knn"), r#"{"name":"knn","columns":["k","accuracy"],"rows":[[7,0.39]]}"#);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Table {
    columns: Vec<String>,
    rows: Vec<Vec<Cell>>,
}

impl Table {
    /// No rows yet.
    #[must_use]
    pub fn new(columns: &[&str]) -> Self {
        Self {
            columns: columns.iter().map(|&name| name.to_owned()).collect(),
            rows: Vec::new(),
        }
    }

    /// Adds a row.
    ///
    /// # Panics
    /// If it has not a cell for each column.
    pub fn row(&mut self, cells: impl IntoIterator<Item = Cell>) {
        let cells: Vec<Cell> = cells.into_iter().collect();
        assert!(
            cells.len() == self.columns.len(),
            "{} cells for {} columns",
            cells.len(),
            self.columns.len()
        );
        self.rows.push(cells);
    }

    /// The table for people; numbers to the right.
    #[must_use]
    pub fn html(&self) -> Html {
        let header = self.columns.iter().map(|name| {
            let name = Html::text(name);
            Html::element("th", &[("scope", "col")], name)
        });
        let header = Html::element("tr", &[], header.collect());
        let rows = self.rows.iter().map(|row| {
            let cells = row.iter().map(|cell| {
                let (class, inside) = match cell {
                    Cell::Text(text) => ("", Html::text(text)),
                    Cell::Number(value) => ("n", Html::text(&value.to_string())),
                    Cell::Fill(Fill::Text(text)) => ("n", Html::text(text)),
                    Cell::Fill(fill) => ("n", prose("{}", std::slice::from_ref(fill))),
                    Cell::Empty => ("n", Html::text("\u{2013}")),
                };
                Html::element("td", &[("class", class)], inside)
            });
            Html::element("tr", &[], cells.collect())
        });
        let mut inside = Html::element("thead", &[], header);
        inside.push(Html::element("tbody", &[], rows.collect()));
        let table = Html::element("table", &[], inside);
        // Wide tables scroll in a box of their own, which the keyboard reaches.
        Html::element("div", &[("class", "scroll"), ("tabindex", "0")], table)
    }

    /// The table as a JSON object, fit for a script element: no `<` in it.
    #[must_use]
    pub fn to_json(&self, name: &str) -> String {
        let mut json = String::from("{\"name\":");
        quote(&mut json, name);
        json.push_str(",\"columns\":[");
        for (i, column) in self.columns.iter().enumerate() {
            json.push_str(if i > 0 { "," } else { "" });
            quote(&mut json, column);
        }
        json.push_str("],\"rows\":[");
        for (i, row) in self.rows.iter().enumerate() {
            json.push_str(if i > 0 { ",[" } else { "[" });
            for (j, cell) in row.iter().enumerate() {
                json.push_str(if j > 0 { "," } else { "" });
                match cell {
                    Cell::Number(value) if value.is_finite() => {
                        // Writing to a string does not fail.
                        let _ = write!(json, "{value}");
                    }
                    Cell::Number(_) | Cell::Empty => json.push_str("null"),
                    Cell::Fill(Fill::Number(digits)) => json.push_str(digits),
                    Cell::Text(text)
                    | Cell::Fill(Fill::Text(text) | Fill::Code(text) | Fill::Time(text)) => {
                        quote(&mut json, text);
                    }
                }
            }
            json.push(']');
        }
        json.push_str("]}");
        json
    }
}

/// A JSON string that holds nothing which could end a script element.
fn quote(json: &mut String, text: &str) {
    json.push('"');
    for c in text.chars() {
        match c {
            '"' => json.push_str("\\\""),
            '\\' => json.push_str("\\\\"),
            '<' | '>' | '&' | '\u{2028}' | '\u{2029}' => {
                let _ = write!(json, "\\u{:04x}", c as u32);
            }
            c if c.is_control() => {
                let _ = write!(json, "\\u{:04x}", c as u32);
            }
            c => json.push(c),
        }
    }
    json.push('"');
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn json_cannot_leave_its_script() {
        let mut table = Table::new(&["a\"b"]);
        table.row(["</script><b>\\\n".into()]);
        table.row([f64::NAN.into()]);
        table.row([Cell::Empty]);
        assert_eq!(
            table.to_json("x"),
            "{\"name\":\"x\",\"columns\":[\"a\\\"b\"],\"rows\":[[\"\\u003c/script\\u003e\\u003cb\\u003e\\\\\\u000a\"],[null],[null]]}"
        );
    }

    #[test]
    fn numbers_stand_to_the_right() {
        let mut table = Table::new(&["name", "score"]);
        table.row(["<cat>".into(), super::super::number(-96.8, 1).into()]);
        let html = table.html();
        assert!(html.as_str().contains("<td class=\"\">&lt;cat&gt;</td>"));
        assert!(
            html.as_str()
                .contains("<td class=\"n\"><data value=\"-96.8\">")
        );
    }
}
