//! CSV files that grow by whole rows: `--results FILE` and the look log. A row is appended under a
//! file lock, so that runs side by side do not mix; a file with another header is never touched.

use std::fs::{File, OpenOptions};
use std::io::{Read as _, Write as _};
use std::path::Path;

use anyhow::{Context as _, Result, bail};

use crate::output::note;
use crate::pending::folder_of;

/// Fails early where [`append`] would fail: another header, a folder in the way, no permission.
/// Nothing is created.
pub(crate) fn check(path: &Path, header: &[&str]) -> Result<()> {
    if path
        .try_exists()
        .with_context(|| format!("cannot look at {}", path.display()))?
    {
        // Before it is opened: opening a pipe waits, and a device has no end.
        if !std::fs::metadata(path).is_ok_and(|found| found.is_file()) {
            bail!(
                "{} is not a plain file; expected the name of a CSV file to append to",
                path.display()
            );
        }
        let mut file = open(path, OpenOptions::new().read(true).append(true))?;
        check_header(path, &read(path, &mut file)?, header)
    } else {
        let folder = folder_of(path);
        if !folder.is_dir() {
            bail!(
                "cannot write {}: {} is not a folder; make it, or give another name",
                path.display(),
                folder.display()
            );
        }
        Ok(())
    }
}

/// Appends rows, after the header where the file is new or empty, and returns how many rows the
/// file then holds.
pub(crate) fn append(path: &Path, header: &[&str], rows: &[Vec<String>]) -> Result<usize> {
    let mut file = open(
        path,
        OpenOptions::new().read(true).append(true).create(true),
    )?;
    // Held until `file` is closed. Waits for whoever is appending now.
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    let present = read(path, &mut file)?;
    check_header(path, &present, header)?;
    let before = count_rows(&present);

    let mut bytes = Vec::new();
    // A last line without its end, as an editor or a write that was cut may leave it, must not swallow the next row.
    if ends_within_quotes(&present) {
        bytes.extend(b"\"\n");
    } else if !present.is_empty() && !present.ends_with(b"\n") {
        bytes.push(b'\n');
    }
    let mut writer = csv::Writer::from_writer(&mut bytes);
    if present.is_empty() {
        writer.write_record(header)?;
    }
    for row in rows {
        writer.write_record(row)?;
    }
    writer.flush()?;
    drop(writer);
    let written = file.write_all(&bytes).and_then(|()| file.sync_data());
    if written.is_err() {
        // Half a row would spoil the file for good; what was there before is worth more.
        let _ = file.set_len(present.len() as u64);
    }
    written.with_context(|| format!("cannot write {}", path.display()))?;
    Ok(before + rows.len())
}

/// The rows of a file that [`check`] let pass; none where there is no file. A last line that was cut, as a
/// process that is killed leaves it, is removed from the file, which is told; rows that are not whole are left out.
pub(crate) fn rows(path: &Path, quiet: bool) -> Result<Vec<Vec<String>>> {
    if !path
        .try_exists()
        .with_context(|| format!("cannot look at {}", path.display()))?
    {
        return Ok(Vec::new());
    }
    let mut file = open(path, OpenOptions::new().read(true).append(true))?;
    file.lock()
        .with_context(|| format!("cannot lock {}", path.display()))?;
    let mut present = read(path, &mut file)?;
    let whole = present
        .iter()
        .rposition(|&byte| byte == b'\n')
        .map_or(0, |end| end + 1);
    if whole < present.len() {
        present.truncate(whole);
        file.set_len(whole as u64)
            .with_context(|| format!("cannot write {}", path.display()))?;
        note(
            quiet,
            &format!(
                "the last line of {} was cut, as by a process that was killed: it is removed, and done again",
                path.display()
            ),
        );
    }
    let mut reader = csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(&present[..]);
    let cannot = || format!("cannot read {}", path.display());
    let n_columns = reader.headers().with_context(cannot)?.len();
    let mut rows = Vec::new();
    for row in reader.records() {
        let row = row.with_context(cannot)?;
        if row.len() == n_columns {
            rows.push(row.iter().map(str::to_owned).collect());
        }
    }
    Ok(rows)
}

fn open(path: &Path, options: &OpenOptions) -> Result<File> {
    options
        .open(path)
        .with_context(|| format!("cannot write {}", path.display()))
}

fn read(path: &Path, file: &mut File) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    file.read_to_end(&mut bytes)
        .with_context(|| format!("cannot read {}", path.display()))?;
    Ok(bytes)
}

fn check_header(path: &Path, present: &[u8], header: &[&str]) -> Result<()> {
    if present.is_empty() {
        return Ok(());
    }
    let same = csv::Reader::from_reader(present)
        .headers()
        .is_ok_and(|found| found.iter().eq(header.iter().copied()));
    if !same {
        bail!(
            "{} has another header than the rows to be appended; give another file, or move this \
             one away",
            path.display()
        );
    }
    Ok(())
}

/// Whether a row behind this text would be part of a quoted cell.
fn ends_within_quotes(present: &[u8]) -> bool {
    let with_a_row = [present, b"\n,\n"].concat();
    let mut reader = csv::ReaderBuilder::new()
        .has_headers(false)
        .flexible(true)
        .from_reader(&with_a_row[..]);
    let last = reader.byte_records().filter_map(Result::ok).last();
    !last.is_some_and(|row| row.len() == 2 && row.iter().all(<[u8]>::is_empty))
}

/// Rows below the header; one that cannot be read counts as well.
fn count_rows(present: &[u8]) -> usize {
    csv::ReaderBuilder::new()
        .flexible(true)
        .from_reader(present)
        .byte_records()
        .count()
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEADER: [&str; 2] = ["a", "b"];

    fn row(a: &str, b: &str) -> Vec<Vec<String>> {
        vec![vec![a.to_owned(), b.to_owned()]]
    }

    #[test]
    fn the_header_comes_once_and_rows_are_counted() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        check(&path, &HEADER).unwrap();
        assert!(!path.exists(), "a check created the file");
        assert_eq!(append(&path, &HEADER, &row("1", "x,y")).unwrap(), 1);
        check(&path, &HEADER).unwrap();
        assert_eq!(append(&path, &HEADER, &row("2", "")).unwrap(), 2);
        assert_eq!(
            std::fs::read_to_string(&path).unwrap(),
            "a,b\n1,\"x,y\"\n2,\n"
        );
    }

    #[test]
    fn a_missing_line_end_is_mended() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        std::fs::write(&path, "a,b\n1,2").unwrap();
        assert_eq!(append(&path, &HEADER, &row("3", "4")).unwrap(), 2);
        assert_eq!(std::fs::read_to_string(&path).unwrap(), "a,b\n1,2\n3,4\n");
    }

    #[test]
    fn a_cell_that_was_cut_within_its_quotes_swallows_no_row() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        for cut in ["\"x,y", "\"x\ny", "\"x\"\"", "\"", "\"x\n"] {
            std::fs::write(&path, format!("a,b\n1,{cut}")).unwrap();
            append(&path, &HEADER, &row("3", "4")).unwrap();
            append(&path, &HEADER, &row("5", "\"6\"")).unwrap();
            let rows = rows(&path, true).unwrap();
            assert!(
                rows.ends_with(&[row("3", "4"), row("5", "\"6\"")].concat()),
                "{cut}: {rows:?}"
            );
        }
    }

    #[test]
    fn another_header_is_refused_and_the_file_left_alone() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("x.csv");
        for foreign in ["a,c\n1,2\n", "a\n", "shopping list"] {
            std::fs::write(&path, foreign).unwrap();
            assert!(check(&path, &HEADER).is_err());
            assert!(append(&path, &HEADER, &row("3", "4")).is_err());
            assert_eq!(std::fs::read_to_string(&path).unwrap(), foreign);
        }
    }
}
