//! Files of predictions, as `--predictions` writes them: a row per image with its position, its true label, and the
//! labels predicted for it.

use std::collections::HashSet;
use std::fs::File;

use anyhow::{Context as _, Result, bail};
use csv::{StringRecord, Trim};

use crate::output::counted;
use crate::plan::Compared;

/// Columns that are no predictions.
const INDEX: &str = "index";
const TRUTH: &str = "truth";

/// Names of columns in a message.
const LISTED: usize = 12;

/// One column of predictions, with what it is to be judged by.
pub(super) struct Predictions {
    /// As on the command line.
    pub(super) file: String,
    pub(super) column: String,
    /// Positions of the images, each once.
    pub(super) index: Vec<u64>,
    pub(super) truth: Vec<u32>,
    pub(super) predicted: Vec<u32>,
}

impl Predictions {
    /// Reads the chosen column, or the only one.
    pub(super) fn read(compared: &Compared) -> Result<Predictions> {
        let path = compared.path.display();
        let cannot = || format!("cannot read {path}");
        // Opening a folder succeeds on Unix, and reading it is told in other words elsewhere.
        if compared.path.is_dir() {
            bail!("{path} is a folder; expected a file that --predictions of knn or eval wrote");
        }
        let file = File::open(&compared.path).with_context(cannot)?;
        let mut reader = csv::ReaderBuilder::new().trim(Trim::All).from_reader(file);
        let header = match reader.headers() {
            Ok(header) => header.clone(),
            Err(error) if error.is_io_error() => return Err(error).with_context(cannot),
            // Not even text.
            Err(_) => StringRecord::new(),
        };
        let file = path.to_string();
        let (Some(index), Some(truth)) = (place(&header, INDEX), place(&header, TRUTH)) else {
            bail!(
                "the first line of {path} does not name the columns index and truth; expected a file that \
                 --predictions of knn or eval wrote"
            );
        };
        let chosen = chosen(compared, &header, &file)?;
        let mut found = Predictions {
            column: header.get(chosen).unwrap_or_default().to_owned(),
            file,
            index: Vec::new(),
            truth: Vec::new(),
            predicted: Vec::new(),
        };
        let mut seen = HashSet::new();
        let mut row = StringRecord::new();
        while read_row(&mut reader, &mut row, &found.file)? {
            let line = row.position().map_or(0, csv::Position::line);
            let at = |place: usize| row.get(place).unwrap_or_default();
            let Ok(position) = at(index).parse::<u64>() else {
                bail!(
                    "{path}, line {line}: index is {:?}, expected a whole number, 0 or more",
                    at(index)
                );
            };
            if !seen.insert(position) {
                bail!(
                    "{path}, line {line}: index {position} for the second time, expected each image once"
                );
            }
            let label = |name: &str, place: usize| {
                at(place).parse::<u32>().ok().with_context(|| {
                    format!(
                        "{path}, line {line}: {name} is {:?}, expected a label, a whole number from 0 to {}",
                        at(place),
                        u32::MAX
                    )
                })
            };
            found.truth.push(label(TRUTH, truth)?);
            found.predicted.push(label(&found.column, chosen)?);
            found.index.push(position);
        }
        if found.truth.is_empty() {
            bail!("{path} has no rows below its header; expected one per image");
        }
        Ok(found)
    }

    /// For people: the file and, in it, the column.
    pub(super) fn name(&self) -> String {
        format!("{}, {}", self.file, self.column)
    }
}

/// Fails unless both are of the same images, in the same order.
pub(super) fn check_same_images(a: &Predictions, b: &Predictions) -> Result<()> {
    if a.index.len() != b.index.len() {
        bail!(
            "{} has {} and {} has {}; give predictions of the same images",
            a.file,
            counted(a.index.len(), "row"),
            b.file,
            b.index.len()
        );
    }
    let mut rows = a.index.iter().zip(&b.index);
    if let Some(row) = rows.position(|(a, b)| a != b) {
        let of_a: HashSet<_> = a.index.iter().collect();
        let (how, what) = if b.index.iter().all(|index| of_a.contains(index)) {
            (
                "have the same images in another order",
                "sort both by index",
            )
        } else {
            ("are of other images", "give predictions of the same images")
        };
        bail!(
            "{} and {} {how}: row {} is index {} in one and {} in the other; {what}",
            a.file,
            b.file,
            row + 1,
            a.index[row],
            b.index[row]
        );
    }
    let mut rows = a.truth.iter().zip(&b.truth);
    if let Some(row) = rows.position(|(a, b)| a != b) {
        bail!(
            "{} and {} are of other images: the true label of index {} is {} in one and {} in the other; give \
             predictions of the same split of the same data",
            a.file,
            b.file,
            a.index[row],
            a.truth[row],
            b.truth[row]
        );
    }
    Ok(())
}

fn place(header: &StringRecord, name: &str) -> Option<usize> {
    header.iter().position(|column| column == name)
}

/// Where the predictions are that were asked for.
fn chosen(compared: &Compared, header: &StringRecord, file: &str) -> Result<usize> {
    let columns: Vec<(usize, &str)> = header
        .iter()
        .enumerate()
        .filter(|(_, column)| *column != INDEX && *column != TRUTH)
        .collect();
    let names: Vec<&str> = columns.iter().take(LISTED).map(|(_, name)| *name).collect();
    let more = if columns.len() > LISTED { ", ..." } else { "" };
    let names = format!("{}{more}", names.join(", "));
    if columns.is_empty() {
        bail!("{file} has no column of predicted labels beside index and truth");
    }
    let Some(asked) = &compared.column else {
        let [(only, _)] = columns[..] else {
            bail!(
                "{file} has more than one column of predicted labels, {names}; choose one with {}",
                compared.named_by
            );
        };
        return Ok(only);
    };
    let mut found = columns.iter().filter(|(_, name)| name == asked);
    match (found.next(), found.next()) {
        (Some((place, _)), None) => Ok(*place),
        (Some(_), Some(_)) => bail!("{file} has more than one column {asked}"),
        (None, _) => bail!(
            "{file} has no predictions {asked}, which {} asks for; it has {names}",
            compared.named_by
        ),
    }
}

/// The next row, if there is one.
fn read_row(reader: &mut csv::Reader<File>, row: &mut StringRecord, file: &str) -> Result<bool> {
    reader.read_record(row).map_err(|error| {
        let line = error.position().map_or(0, csv::Position::line);
        match error.kind() {
            csv::ErrorKind::UnequalLengths {
                expected_len, len, ..
            } => anyhow::anyhow!(
                "{file}, line {line}: {}, expected {expected_len} as in the header",
                counted(*len as usize, "cell")
            ),
            csv::ErrorKind::Utf8 { .. } => {
                anyhow::anyhow!("{file}, line {line}: not text in UTF-8")
            }
            _ => anyhow::Error::new(error).context(format!("cannot read {file}")),
        }
    })
}
