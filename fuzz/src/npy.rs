//! `.npy` files: what is taken is what a plain reading of the same bytes has, what is written is read back. The code
//! is that of the command line, compiled here: a reader with its messages and its Ctrl-C is no library.

use std::path::Path;

use crate::input::Input;
use file::{CellType, NpyFile, header};

#[expect(dead_code, reason = "the command line uses the rest")]
#[path = "../../crates/cli/src/npy/mod.rs"]
mod file;

/// What a plain reading finds: dtype as written, shape, the bytes of the elements.
type Plain = (String, Vec<u64>, Vec<u8>);

/// Finds the three entries by their names, as one would by eye.
fn plain_reading(bytes: &[u8]) -> Option<Plain> {
    let version = bytes.strip_prefix(b"\x93NUMPY")?.first()?;
    let start = if *version == 1 { 10 } else { 12 };
    let length = bytes.get(8..start)?;
    let length = length
        .iter()
        .rev()
        .fold(0, |length, &byte| length << 8 | usize::from(byte));
    let text = std::str::from_utf8(bytes.get(start..start + length)?).ok()?;
    let after = |key: &str| {
        let at = text
            .find(&format!("'{key}'"))
            .or(text.find(&format!("\"{key}\"")));
        Some(
            text[at? + key.len() + 2..]
                .trim_start()
                .strip_prefix(':')?
                .trim_start(),
        )
    };
    let descr = after("descr")?;
    let descr = descr[1..].split(&descr[..1]).next()?.to_owned();
    let shape = after("shape")?.strip_prefix('(')?.split(')').next()?;
    let axes = shape
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty());
    let axes: Vec<u64> = axes.map(|axis| axis.parse().ok()).collect::<Option<_>>()?;
    if after("fortran_order")?.starts_with("True") && axes.len() > 1 {
        return None;
    }
    Some((descr, axes, bytes[start + length..].to_vec()))
}

/// The elements as numbers, by the letters and digits of their type.
fn numbers(descr: &str, data: &[u8]) -> Vec<f64> {
    let (order, kind, size) = (
        &descr[..1],
        &descr[1..2],
        usize::from(descr.as_bytes()[2] - b'0'),
    );
    let number = |bytes: &[u8]| {
        let mut bytes = bytes.to_vec();
        if order == ">" {
            bytes.reverse();
        }
        match (kind, &bytes[..]) {
            ("f", &[a, b, c, d]) => f64::from(f32::from_le_bytes([a, b, c, d])),
            ("f", bytes) => f64::from_le_bytes(bytes.try_into().expect("eight bytes")),
            (_, bytes) => {
                let unsigned = bytes
                    .iter()
                    .rev()
                    .fold(0_u64, |n, &byte| n << 8 | u64::from(byte));
                let is_negative = kind == "i" && bytes.last().is_some_and(|&byte| byte >= 0x80);
                if is_negative { -1.0 } else { unsigned as f64 }
            }
        }
    };
    data.chunks(size).map(number).collect()
}

/// Any bytes, or a file written from the input: refused, or read as a plain reading has it.
pub fn npy(data: &[u8]) {
    let mut input = Input::new(data);
    if data.first() == Some(&0) {
        input.byte();
        written(&mut input);
    } else {
        read(input.rest());
    }
}

fn read(bytes: &[u8]) {
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), bytes).expect("a file");
    let open = || NpyFile::open(file.path());
    let opened = match open() {
        Ok(opened) => opened,
        Err(error) => {
            let text = format!("{error:#}");
            assert!(text.contains(&*file.path().to_string_lossy()), "{text}");
            return;
        }
    };
    let plain = plain_reading(bytes);
    if let Ok((cells, rows, cols)) = opened.matrix() {
        let (descr, shape, data) = plain.as_ref().expect("a plain reading of a matrix");
        assert_eq!(rows as u64, shape[0]);
        assert_eq!(cols as u64, shape[1..].iter().product::<u64>());
        check_matrix(cells, open, cols, descr, data);
    }
    if let Ok(labels) = opened.read_labels() {
        let (descr, shape, data) = plain.as_ref().expect("a plain reading of labels");
        assert_eq!(labels.len() as u64, shape[0]);
        let numbers = numbers(descr, data);
        assert!(labels.iter().map(|&label| f64::from(label)).eq(numbers));
    }
}

fn check_matrix(
    cells: CellType,
    open: impl Fn() -> anyhow::Result<NpyFile>,
    cols: usize,
    descr: &str,
    data: &[u8],
) {
    let file = open().expect("a file that was opened before");
    match cells {
        CellType::U8 => assert_eq!(file.read_u8().expect("bytes"), data),
        CellType::F32 => {
            let numbers: Vec<f32> = numbers(descr, data)
                .iter()
                .map(|&wide| wide as f32)
                .collect();
            match file.read_f32(cols) {
                Ok(found) => assert_eq!(found, numbers),
                Err(error) => assert!(numbers.iter().any(|x| !x.is_finite()), "{error:#}"),
            }
        }
    }
}

/// What is written by the command line is read back, and what NumPy may write is taken.
fn written(input: &mut Input<'_>) {
    const DTYPES: [(&str, usize); 14] = [
        ("|u1", 1),
        ("<u2", 2),
        (">u4", 4),
        ("<u8", 8),
        ("|i1", 1),
        (">i2", 2),
        ("<i4", 4),
        ("<i8", 8),
        ("|b1", 1),
        ("<f4", 4),
        (">f4", 4),
        ("<f8", 8),
        (">f8", 8),
        ("<u4", 4),
    ];
    let (descr, size) = input.pick(&DTYPES);
    let shape: Vec<usize> = (0..input.below(4)).map(|_| input.below(9)).collect();
    let count: usize = shape.iter().product();
    let mut bytes = header(descr, &shape);
    assert!(bytes.len().is_multiple_of(64));
    bytes.extend(input.fill(count * size));
    let file = tempfile::NamedTempFile::new().expect("a temporary file");
    std::fs::write(file.path(), &bytes).expect("a file");
    check_path(file.path(), descr, &shape);
    read(&bytes);
    // One byte more or less is another array.
    for other in [&bytes[..bytes.len() - 1], &[&bytes[..], &[0]].concat()[..]] {
        std::fs::write(file.path(), other).expect("a file");
        assert!(NpyFile::open(file.path()).is_err());
    }
}

fn check_path(path: &Path, descr: &str, shape: &[usize]) {
    let opened =
        NpyFile::open(path).unwrap_or_else(|error| panic!("{descr}, {shape:?}: {error:#}"));
    let is_matrix =
        (descr == "|u1" || &descr[1..2] == "f") && shape.len() >= 2 && !shape.contains(&0);
    match opened.matrix() {
        Ok(_) => assert!(is_matrix, "{descr}, {shape:?}"),
        Err(error) => assert!(!is_matrix, "{descr}, {shape:?}: {error:#}"),
    }
}
