//! Own matrices as the data of a run: `--x`, `--y` and, where given, `--x-eval`, `--y-eval`, read once
//! and kept as they are: bytes stay bytes, floats are float32.

use std::path::{Path, PathBuf};

use anyhow::{Result, anyhow, bail};
use nearplane_kernels::MatRef;
use nearplane_models::neighbors::{Element, Rows};
use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use crate::hash::hex;
use crate::npy::{CellType, NpyFile};
use crate::pending::identity;
use crate::plan::{MatrixFiles, TableFiles};

/// Matrices that are in memory.
pub(crate) struct Matrices {
    /// The names of the files.
    pub(crate) source: String,
    files: Vec<PathBuf>,
    pub(crate) tables: Tables,
}

/// By type of element.
pub(crate) enum Tables {
    U8(Pair<u8>),
    F32(Pair<f32>),
}

/// What trains and what is evaluated.
pub(crate) struct Pair<T> {
    pub(crate) train: Table<T>,
    /// `None`: a part of the rows above.
    pub(crate) eval: Option<Table<T>>,
}

/// Rows and their labels.
pub(crate) struct Table<T> {
    cells: Vec<T>,
    cols: usize,
    pub(crate) labels: Vec<u32>,
}

/// The two types of element.
pub(crate) trait Cell: Element {
    const TYPE: CellType;
    fn read(file: NpyFile, cols: usize) -> Result<Vec<Self>>;
    fn hash(cells: &[Self], hash: &mut Sha256);
}

impl Cell for u8 {
    const TYPE: CellType = CellType::U8;

    fn read(file: NpyFile, _: usize) -> Result<Vec<u8>> {
        file.read_u8()
    }

    fn hash(cells: &[u8], hash: &mut Sha256) {
        hash.update(cells);
    }
}

impl Cell for f32 {
    const TYPE: CellType = CellType::F32;

    fn read(file: NpyFile, cols: usize) -> Result<Vec<f32>> {
        file.read_f32(cols)
    }

    fn hash(cells: &[f32], hash: &mut Sha256) {
        for cell in cells {
            hash.update(cell.to_le_bytes());
        }
    }
}

impl Matrices {
    /// Opens all files and checks that they belong together, then reads them.
    pub(crate) fn open(files: &MatrixFiles) -> Result<Matrices> {
        let train = OpenTable::open(&files.train)?;
        let eval = files.eval.as_ref().map(OpenTable::open).transpose()?;
        if let Some(eval) = &eval {
            check_alike(&train, eval)?;
        }
        let tables = match train.cells {
            CellType::U8 => Tables::U8(Pair::read(train, eval)?),
            CellType::F32 => Tables::F32(Pair::read(train, eval)?),
        };
        let of_table = |table: &TableFiles| [table.x.clone(), table.y.clone()];
        let files: Vec<PathBuf> = [Some(&files.train), files.eval.as_ref()]
            .into_iter()
            .flatten()
            .flat_map(of_table)
            .collect();
        let names: Vec<String> = files
            .iter()
            .map(|path| path.display().to_string())
            .collect();
        Ok(Matrices {
            source: names.join(", "),
            files,
            tables,
        })
    }

    /// Rows that train before any limit, and rows of `--x-eval`.
    pub(crate) fn lens(&self) -> (usize, usize) {
        match &self.tables {
            Tables::U8(pair) => pair.lens(),
            Tables::F32(pair) => pair.lens(),
        }
    }

    /// The `data` object of a record.
    pub(crate) fn record(&self, hash: &str) -> Value {
        let (dtype, cols) = match &self.tables {
            Tables::U8(pair) => (u8::TYPE, pair.train.cols),
            Tables::F32(pair) => (f32::TYPE, pair.train.cols),
        };
        let (n_train, n_test) = self.lens();
        json!({
            "source": self.source,
            "hash": hash,
            "n_train": n_train,
            "n_test": n_test,
            "dtype": dtype.name(),
            "cols": cols,
        })
    }

    /// Names the arrays wherever they lie, however the files are laid out: SHA-256 over a prefix, then
    /// the elements of x, little-endian, its labels as u32, little-endian, and the same of the rows that
    /// are evaluated. The prefix is text, lines ended by `\n`:
    ///
    /// ```text
    /// nearplane/matrices/1
    /// dtype uint8               (or float32: float64 is narrowed before)
    /// cols 3072
    /// train 50000               (rows)
    /// eval 10000                (0 where there are no such rows)
    /// ```
    pub(crate) fn hash(&self) -> String {
        match &self.tables {
            Tables::U8(pair) => pair.hash(),
            Tables::F32(pair) => pair.hash(),
        }
    }

    /// Fails where an output would take the place of one of the files.
    pub(crate) fn refuse_as_output(&self, path: &Path) -> Result<()> {
        let real = |path: &Path| std::fs::canonicalize(path).unwrap_or_else(|_| identity(path));
        let is_input =
            |file: &PathBuf| identity(file) == identity(path) || real(file) == real(path);
        if self.files.iter().any(is_input) {
            bail!(
                "{} is one of the files that are being read; give another name",
                path.display()
            );
        }
        Ok(())
    }
}

impl<T: Cell> Pair<T> {
    fn read(train: OpenTable, eval: Option<OpenTable>) -> Result<Pair<T>> {
        Ok(Pair {
            train: train.read()?,
            eval: eval.map(OpenTable::read).transpose()?,
        })
    }

    fn lens(&self) -> (usize, usize) {
        let eval = self.eval.as_ref();
        (
            self.train.labels.len(),
            eval.map_or(0, |eval| eval.labels.len()),
        )
    }

    fn hash(&self) -> String {
        let (n_train, n_eval) = self.lens();
        let mut hash = Sha256::new();
        hash.update(format!(
            "nearplane/matrices/1\ndtype {}\ncols {}\ntrain {n_train}\neval {n_eval}\n",
            T::TYPE.name(),
            self.train.cols
        ));
        for table in [Some(&self.train), self.eval.as_ref()]
            .into_iter()
            .flatten()
        {
            T::hash(&table.cells, &mut hash);
            for label in &table.labels {
                hash.update(label.to_le_bytes());
            }
        }
        hex(&hash.finalize())
    }
}

impl<T: Element> Table<T> {
    /// The rows where they lie.
    pub(crate) fn rows(&self) -> Result<Rows<'_, T>> {
        Ok(Rows::from_mat(MatRef::from_rows(&self.cells, self.cols))?)
    }
}

/// Two files whose headers are read and fit each other.
struct OpenTable {
    x: NpyFile,
    y: NpyFile,
    cells: CellType,
    rows: usize,
    cols: usize,
}

impl OpenTable {
    fn open(files: &TableFiles) -> Result<OpenTable> {
        let (x, y) = (NpyFile::open(&files.x)?, NpyFile::open(&files.y)?);
        let (cells, rows, cols) = x.matrix()?;
        let limits = [
            ("rows", rows, u32::MAX as usize),
            ("columns", cols, max_cols(cells)),
        ];
        for (what, found, limit) in limits {
            if found > limit {
                bail!(
                    "{}: {found} {what} of {}, the limit is {limit}",
                    x.path().display(),
                    cells.name()
                );
            }
        }
        Ok(OpenTable {
            x,
            y,
            cells,
            rows,
            cols,
        })
    }

    fn read<T: Cell>(self) -> Result<Table<T>> {
        let (x, y) = (self.x.path().to_owned(), self.y.path().to_owned());
        // The labels first: they are small, and often what is wrong.
        let labels = self.y.read_labels()?;
        if labels.len() != self.rows {
            return Err(anyhow!(
                "{} holds {} labels, but {} has {} rows; give one label a row, from the same data",
                y.display(),
                labels.len(),
                x.display(),
                self.rows
            ));
        }
        Ok(Table {
            cells: T::read(self.x, self.cols)?,
            cols: self.cols,
            labels,
        })
    }
}

/// The longest rows: those of bytes have exact sums.
fn max_cols(cells: CellType) -> usize {
    match cells {
        CellType::U8 => nearplane_kernels::MAX_EXACT_U8,
        CellType::F32 => u32::MAX as usize,
    }
}

/// Bytes and floats are not mixed: floats made of pixels are rarely 0 to 255, and then every distance
/// between the two would be nonsense without a sign of it.
fn check_alike(train: &OpenTable, eval: &OpenTable) -> Result<()> {
    let (x, e) = (train.x.path().display(), eval.x.path().display());
    if train.cells != eval.cells {
        bail!(
            "{e} holds {} and {x} {}; save both with the same dtype and scale",
            eval.cells.name(),
            train.cells.name()
        );
    }
    if train.cols != eval.cols {
        bail!(
            "{e} has rows of {} and {x} of {}; both need the same columns",
            eval.cols,
            train.cols
        );
    }
    Ok(())
}
