//! What a command prints: a readable table by default, exactly one JSON object with `--json`, rows
//! of `--results`. Results go to stdout in one piece, everything else to stderr.

use std::io::{ErrorKind, Write as _};

use anyhow::{Context as _, Result};
use comfy_table::{CellAlignment, Table, TableComponent, presets};
use serde_json::{Map, Value};

use crate::csv_log;
use crate::plan::Settings;

/// A remark on stderr, silenced by `--quiet`.
pub(crate) fn note(quiet: bool, text: &str) {
    if !quiet {
        stderr_line("note", text);
    }
}

/// Something that the user should know even with `--quiet`.
pub(crate) fn warn(text: &str) {
    stderr_line("warning", text);
}

/// One line on stderr; where stderr is closed there is nobody to tell.
pub(crate) fn stderr_line(kind: &str, text: &str) {
    let _ = writeln!(std::io::stderr(), "{kind}: {}", on_one_line(text));
}

/// Control characters, which the name of a file may hold, written as in a string literal.
pub(crate) fn on_one_line(text: &str) -> String {
    let mut line = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            c if c.is_control() => line.extend(c.escape_default()),
            c => line.push(c),
        }
    }
    line
}

/// What a command found out, in its three forms.
pub(crate) struct Report {
    /// The JSON object.
    pub(crate) record: Map<String, Value>,
    /// The text for people, ended by a line break.
    pub(crate) text: String,
    /// The rows for `--results`: cells of the command's own columns.
    pub(crate) rows: Vec<Vec<String>>,
}

/// Appends the rows to the results file, which settles the outputs of the command, then prints the record or the
/// text. A reader that went away (`nearplane ... | head -1`) is no failure.
pub(crate) fn emit(settings: &Settings, columns: &[&str], report: Report) -> Result<()> {
    if let Some(path) = &settings.results {
        csv_log::append(path, columns, &report.rows)
            .map_err(|error| settings.outputs.take_back(error))?;
    }
    settings.outputs.keep();
    let text = if settings.json {
        let mut text = serde_json::to_string(&report.record)?;
        text.push('\n');
        text
    } else {
        report.text
    };
    let mut stdout = std::io::stdout().lock();
    match stdout
        .write_all(text.as_bytes())
        .and_then(|()| stdout.flush())
    {
        Err(error) if error.kind() == ErrorKind::BrokenPipe => Ok(()),
        written => written.context("cannot write to standard output"),
    }
}

/// A table with a header; columns after the first `left` are aligned to the right, as numbers are.
pub(crate) fn table(header: &[&str], rows: &[Vec<String>], left: usize) -> String {
    let mut table = Table::new();
    table.load_preset(presets::NOTHING).set_header(header);
    table.set_style(TableComponent::HeaderLines, '─');
    for row in rows {
        table.add_row(row);
    }
    for (position, column) in table.column_iter_mut().enumerate() {
        if position >= left {
            column.set_cell_alignment(CellAlignment::Right);
        }
    }
    let mut text = String::new();
    for line in table.to_string().lines() {
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

/// A number with its noun: `1 image`, `2 images`, `2 classes`.
pub(crate) fn counted(count: usize, noun: &str) -> String {
    let ending = match count {
        1 => "",
        _ if noun.ends_with('s') => "es",
        _ => "s",
    };
    format!("{count} {noun}{ending}")
}

/// A number of seconds for people: enough digits to compare, no more.
pub(crate) fn seconds(value: f64) -> String {
    if value < 0.01 {
        format!("{:.1} ms", value * 1000.0)
    } else {
        format!("{value:.2} s")
    }
}

/// A JSON number or null as a CSV cell.
pub(crate) fn cell<T: ToString>(value: Option<T>) -> String {
    value.map_or_else(String::new, |value| value.to_string())
}

/// The largest resident set of this process so far in bytes, mapped pages included; null where the
/// system does not tell in a file.
pub(crate) fn max_rss_bytes() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmHWM:"))?;
    let kib: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kib * 1024)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tables_are_plain_and_numbers_right_aligned() {
        let rows =
            [["7", "cat", "5"], ["10", "dog", "5000"]].map(|row| row.map(str::to_owned).to_vec());
        let text = table(&["label", "class", "train"], &rows, 2);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines[0], " label  class  train");
        assert!(lines[1].chars().all(|c| c == '─'), "{text}");
        assert_eq!(lines[2..], [" 7      cat        5", " 10     dog     5000"]);
    }

    #[test]
    fn a_name_with_a_line_break_stays_on_its_line() {
        assert_eq!(
            on_one_line("skipped a\nb\x1b[2J/ü 1.jpg"),
            "skipped a\\nb\\u{1b}[2J/ü 1.jpg"
        );
    }

    #[cfg(target_os = "linux")]
    #[test]
    fn the_largest_resident_set_is_plausible() {
        let bytes = max_rss_bytes().expect("Linux tells");
        assert!((100_000..1_u64 << 40).contains(&bytes), "{bytes}");
    }
}
