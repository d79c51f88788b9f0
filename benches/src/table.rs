//! A table that is printed, and kept as CSV where `--csv FILE` says so.

use std::fmt;
use std::path::Path;
use std::process::ExitCode;

/// Rows of text under a header.
#[derive(Debug)]
pub struct Table<const N: usize> {
    rows: Vec<[String; N]>,
}

impl<const N: usize> Table<N> {
    /// A table with this header.
    #[must_use]
    pub fn new(header: [&str; N]) -> Self {
        Self {
            rows: vec![header.map(str::to_owned)],
        }
    }

    /// Adds a row.
    pub fn row(&mut self, row: [String; N]) {
        self.rows.push(row);
    }

    /// Writes the table to the FILE of `--csv FILE`, if that is among the arguments.
    #[must_use]
    pub fn write_for(&self, args: &[String]) -> ExitCode {
        let Some(at) = args.iter().position(|arg| arg == "--csv") else {
            return ExitCode::SUCCESS;
        };
        let Some(path) = args.get(at + 1) else {
            eprintln!("error: --csv needs the name of a file");
            return ExitCode::FAILURE;
        };
        match std::fs::write(Path::new(path), self.csv()) {
            Ok(()) => ExitCode::SUCCESS,
            Err(error) => {
                eprintln!("error: {path}: {error}");
                ExitCode::FAILURE
            }
        }
    }

    fn csv(&self) -> String {
        let quoted = |cell: &String| {
            if cell.contains([',', '"']) {
                format!("\"{}\"", cell.replace('"', "\"\""))
            } else {
                cell.clone()
            }
        };
        let line = |row: &[String; N]| row.each_ref().map(quoted).join(",") + "\n";
        self.rows.iter().map(line).collect()
    }
}

impl<const N: usize> fmt::Display for Table<N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let width = |column: usize| {
            let cells = self.rows.iter().map(|row| row[column].chars().count());
            cells.max().unwrap_or(0)
        };
        let widths: [usize; N] = std::array::from_fn(width);
        for row in &self.rows {
            let cells = row.iter().zip(widths);
            let line: String = cells.map(|(cell, w)| format!("{cell:<w$}  ")).collect();
            writeln!(f, "{}", line.trim_end())?;
        }
        Ok(())
    }
}
