//! Reading matrices and labels: the header and the length of the file are checked first, then the data
//! are read once, straight into what is kept.

use std::fmt::Display;
use std::fs::File;
use std::io::Read as _;
use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, anyhow, bail};

use super::header::{self, Header, shortened};
use crate::progress::check_interrupt;

/// Bytes converted at a time.
const CHUNK: usize = 1 << 20;

/// What the rows of a matrix are made of, once they are read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum CellType {
    /// Bytes, whose distances are exact integers.
    U8,
    /// Floats of 4 bytes, or of 8 narrowed to 4.
    F32,
}

impl CellType {
    /// As NumPy calls it.
    pub(crate) fn name(self) -> &'static str {
        match self {
            CellType::U8 => "uint8",
            CellType::F32 => "float32",
        }
    }
}

/// A type of element: its kind as in NumPy (`u`, `i`, `f`, `b`), its bytes, and their order.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Dtype {
    kind: u8,
    size: usize,
    big_endian: bool,
}

impl Dtype {
    /// `None`: nothing that is read here.
    fn parse(descr: &str) -> Option<Dtype> {
        let (order, kind, size) = match *descr.as_bytes() {
            [order, kind, size] if size.is_ascii_digit() => (order, kind, usize::from(size - b'0')),
            _ => return None,
        };
        let is_known = match kind {
            b'u' | b'i' => [1, 2, 4, 8].contains(&size),
            b'f' => [4, 8].contains(&size),
            b'b' => size == 1,
            _ => false,
        };
        let big_endian = match order {
            b'<' => false,
            b'>' => true,
            // One byte has no order.
            b'|' if size == 1 => false,
            _ => return None,
        };
        is_known.then_some(Dtype {
            kind,
            size,
            big_endian,
        })
    }

    /// The element in these bytes, filled up to eight with the first byte the lowest.
    fn bits(self, bytes: &[u8]) -> u64 {
        let mut wide = [0; 8];
        wide[..bytes.len()].copy_from_slice(bytes);
        if self.big_endian {
            wide[..bytes.len()].reverse();
        }
        u64::from_le_bytes(wide)
    }
}

/// A file whose header is read and whose length fits it; the data are still to come.
pub(crate) struct NpyFile {
    path: PathBuf,
    file: File,
    descr: String,
    dtype: Option<Dtype>,
    shape: Vec<usize>,
    /// Product of the shape.
    count: usize,
}

impl NpyFile {
    /// Opens a file and checks what can be checked without its data.
    pub(crate) fn open(path: &Path) -> Result<NpyFile> {
        NpyFile::open_unnamed(path).with_context(|| path.display().to_string())
    }

    fn open_unnamed(path: &Path) -> Result<NpyFile> {
        // Before it is opened: opening a pipe waits, and a device has no end.
        let found = std::fs::metadata(path).context("cannot be opened")?;
        if !found.is_file() {
            let what = if found.is_dir() {
                "a folder"
            } else {
                "a device or a pipe"
            };
            bail!("expected a .npy file, found {what}");
        }
        let mut file = File::open(path).context("cannot be opened")?;
        let length = file.metadata().context("cannot be read")?.len();
        let Header {
            descr,
            fortran_order,
            shape,
            data_offset,
        } = header::read(&mut file)?;
        let dtype = Dtype::parse(&descr);
        let this = |count, shape| NpyFile {
            path: path.to_owned(),
            file,
            descr,
            dtype,
            shape,
            count,
        };
        let Some(dtype) = dtype else {
            // Nothing is known about the size of such elements; whoever wants them names the dtype.
            return Ok(this(0, Vec::new()));
        };
        if fortran_order && shape.len() > 1 {
            bail!(
                "the array is in Fortran order, expected C order; save np.ascontiguousarray(array)"
            );
        }
        let too_large = || anyhow!("its shape {} is too large", tuple(&shape));
        let count = shape
            .iter()
            .try_fold(1_u64, |count, &axis| count.checked_mul(axis))
            .ok_or_else(too_large)?;
        let expected = count.checked_mul(dtype.size as u64).ok_or_else(too_large)?;
        let found = length.saturating_sub(data_offset);
        if found != expected {
            let how = if found < expected {
                "it is cut short"
            } else {
                "it holds more than its array"
            };
            bail!(
                "{how}: {found} bytes follow the header, expected {expected} for {} of shape {}",
                dtype_name(&this_descr(dtype)),
                tuple(&shape)
            );
        }
        // The file is as long as that, so that only a system of 32 bits can fail here.
        let narrow = |axis: &u64| usize::try_from(*axis).map_err(|_| too_large());
        let axes = shape.iter().map(narrow).collect::<Result<Vec<usize>>>()?;
        Ok(this(narrow(&count)?, axes))
    }

    /// The file, as it was given.
    pub(crate) fn path(&self) -> &Path {
        &self.path
    }

    /// The matrix in this file: what its elements will be, and its rows and columns. Further axes
    /// count as columns, so that images `n x 32 x 32 x 3` are rows of 3072.
    pub(crate) fn matrix(&self) -> Result<(CellType, usize, usize)> {
        let shown = self.path.display();
        if self.shape.len() == 1
            && matches!(
                self.dtype,
                Some(Dtype {
                    kind: b'u' | b'i',
                    ..
                })
            )
        {
            bail!(
                "{shown}: the shape is {} and the dtype {}, as of labels; expected a matrix of rows and \
                 columns, (n, d)",
                tuple(&self.shape),
                dtype_name(&self.descr)
            );
        }
        let cells = match self.dtype {
            Some(Dtype {
                kind: b'u',
                size: 1,
                ..
            }) => CellType::U8,
            Some(Dtype { kind: b'f', .. }) => CellType::F32,
            _ => bail!(
                "{shown}: the dtype is {}, expected uint8, float32 or float64 for a matrix; convert \
                 it with array.astype('float32'), or 'uint8' if it holds whole numbers up to 255",
                dtype_name(&self.descr)
            ),
        };
        if self.shape.len() < 2 {
            bail!(
                "{shown}: the shape is {}, expected rows and columns, (n, d)",
                tuple(&self.shape)
            );
        }
        if self.count == 0 {
            bail!(
                "{shown}: the shape is {}, but a matrix needs at least one row and one column",
                tuple(&self.shape)
            );
        }
        Ok((cells, self.shape[0], self.count / self.shape[0]))
    }

    /// The bytes of a matrix of [`CellType::U8`].
    pub(crate) fn read_u8(mut self) -> Result<Vec<u8>> {
        let mut cells = self.reserved()?;
        // Not more than was reserved, should the file have grown.
        let read = (&mut self.file)
            .take(self.count as u64)
            .read_to_end(&mut cells);
        read.with_context(|| format!("{}: cannot be read", self.path.display()))?;
        if cells.len() != self.count {
            bail!(
                "{}: it became shorter while it was read",
                self.path.display()
            );
        }
        Ok(cells)
    }

    /// The floats of a matrix of [`CellType::F32`], all finite; those of 8 bytes are rounded to the
    /// nearest of 4, and refused where there is none.
    pub(crate) fn read_f32(self, cols: usize) -> Result<Vec<f32>> {
        let mut cells = self.reserved()?;
        self.elements(|dtype, at, bits| {
            let wide = if dtype.size == 4 {
                f64::from(f32::from_bits(bits as u32))
            } else {
                f64::from_bits(bits)
            };
            let cell = wide as f32;
            if !cell.is_finite() {
                let place = format!("row {}, column {}", at / cols, at % cols);
                return Err(if wide.is_finite() {
                    format!("{wide:e} in {place} is beyond the range of float32; scale the columns")
                } else {
                    format!(
                        "the value {wide} in {place} is not finite; replace or leave out such rows"
                    )
                });
            }
            cells.push(cell);
            Ok(())
        })?;
        Ok(cells)
    }

    /// The labels in this file: integers or bool (False is 0, True is 1), shape `(n,)` or `(n, 1)`,
    /// 0 to 2^32 - 1.
    pub(crate) fn read_labels(self) -> Result<Vec<u32>> {
        let shown = self.path.display().to_string();
        if !matches!(
            self.dtype,
            Some(Dtype {
                kind: b'u' | b'i' | b'b',
                ..
            })
        ) {
            // Text cannot be cast, and casting scores or one-hot rows would not number the classes.
            let way_out = match &self.dtype {
                Some(Dtype { kind: b'f', .. }) if matches!(self.shape[..], [_] | [_, 1]) => {
                    "convert it with labels.astype('int64')"
                }
                Some(Dtype { kind: b'f', .. }) => {
                    "are these the rows, or scores for argmax(axis=1)?"
                }
                _ => "number the classes with np.unique(labels, return_inverse=True)[1]",
            };
            bail!(
                "{shown}: the dtype is {}, expected integers for labels; {way_out}",
                dtype_name(&self.descr)
            );
        }
        match self.shape[..] {
            [0, ..] => bail!("{shown}: it holds no labels"),
            [_] | [_, 1] => {}
            _ => bail!(
                "{shown}: the shape is {}, expected one label a row, (n,) or (n, 1); labels one-hot \
                 become numbers with labels.argmax(axis=1)",
                tuple(&self.shape)
            ),
        }
        let mut labels = self.reserved()?;
        self.elements(|dtype, at, bits| {
            let label = match dtype.kind {
                b'i' => {
                    // The sign bit moves to the top, and back with copies of itself.
                    let unused = 64 - 8 * dtype.size as u32;
                    let signed = ((bits << unused) as i64) >> unused;
                    if signed < 0 {
                        return Err(format!(
                            "label {signed} in row {at} is negative; number the classes from 0"
                        ));
                    }
                    signed as u64
                }
                b'b' if bits > 1 => {
                    return Err(format!("the bool in row {at} is {bits}, expected 0 or 1"));
                }
                _ => bits,
            };
            labels.push(u32::try_from(label).map_err(|_| {
                format!(
                    "label {label} in row {at} is above {}, the highest",
                    u32::MAX
                )
            })?);
            Ok(())
        })?;
        Ok(labels)
    }

    /// Room for all elements.
    fn reserved<T>(&self) -> Result<Vec<T>> {
        let mut cells = Vec::new();
        cells.try_reserve_exact(self.count).with_context(|| {
            format!(
                "{}: {} elements do not fit into memory",
                self.path.display(),
                self.count
            )
        })?;
        Ok(cells)
    }

    /// Visits (type, position, bits) of every element in order; an error of the visit ends it.
    fn elements(
        mut self,
        mut visit: impl FnMut(Dtype, usize, u64) -> Result<(), String>,
    ) -> Result<()> {
        let shown = self.path.display().to_string();
        let dtype = self.dtype.with_context(|| shown.clone())?;
        let at_once = CHUNK / dtype.size;
        let mut bytes = vec![0; CHUNK.min(self.count * dtype.size)];
        for first in (0..self.count).step_by(at_once) {
            check_interrupt()?;
            let n = at_once.min(self.count - first);
            let chunk = &mut bytes[..n * dtype.size];
            self.file
                .read_exact(chunk)
                .with_context(|| format!("{shown}: cannot be read"))?;
            for (at, element) in (first..).zip(chunk.chunks_exact(dtype.size)) {
                visit(dtype, at, dtype.bits(element))
                    .map_err(|problem| anyhow!("{shown}: {problem}"))?;
            }
        }
        Ok(())
    }
}

/// A dtype that is known, as it would be written.
fn this_descr(dtype: Dtype) -> String {
    let order = match dtype {
        Dtype { size: 1, .. } => '|',
        Dtype {
            big_endian: true, ..
        } => '>',
        _ => '<',
    };
    format!("{order}{}{}", char::from(dtype.kind), dtype.size)
}

/// `'<i8' (int64)`.
fn dtype_name(descr: &str) -> String {
    let shown = shortened(descr);
    if descr.starts_with(['[', '(']) {
        return format!("{shown} (a structured array)");
    }
    let plain = descr.trim_start_matches(['<', '>', '|', '=']);
    let bits = |bytes: &str| bytes.parse::<u16>().ok().map(|bytes| u32::from(bytes) * 8);
    let name = match plain.split_at_checked(1) {
        Some(("O", _)) => Some("Python objects, which are never unpickled".to_owned()),
        Some(("U" | "S", _)) => Some("text".to_owned()),
        Some(("M", _)) => Some("dates".to_owned()),
        Some(("m", _)) => Some("durations".to_owned()),
        Some(("V", _)) => Some("raw bytes".to_owned()),
        Some(("b", "1")) => Some("bool".to_owned()),
        Some(("u", bytes)) => bits(bytes).map(|bits| format!("uint{bits}")),
        Some(("i", bytes)) => bits(bytes).map(|bits| format!("int{bits}")),
        Some(("f", bytes)) => bits(bytes).map(|bits| format!("float{bits}")),
        Some(("c", bytes)) => bits(bytes).map(|bits| format!("complex{bits}")),
        _ => None,
    };
    match name {
        Some(name) => format!("'{shown}' ({name})"),
        None => format!("'{shown}'"),
    }
}

/// A shape as Python writes it.
fn tuple<T: Display>(axes: &[T]) -> String {
    let list: Vec<String> = axes.iter().map(T::to_string).collect();
    match &list[..] {
        [one] => format!("({one},)"),
        _ => format!("({})", list.join(", ")),
    }
}
