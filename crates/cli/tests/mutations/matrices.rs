//! Damaged `.npy` files: matrices and labels of every type that is read.

use super::dice::Dice;
use super::{Ended, Tally, run};
use crate::common::{Room, csv_rows};

pub(crate) const RUNS: usize = 260;

const NAMES: [&str; 4] = ["x.npy", "y.npy", "e.npy", "el.npy"];
const COLUMNS: usize = 5;
const ROWS: usize = 12;
const QUERIES: usize = 4;

/// An array as NumPy would save it.
fn array(version: u8, descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    framed(version, &text, data)
}

fn framed(version: u8, text: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{text:<117}\n");
    let mut bytes = [b"\x93NUMPY", &[version, 0][..]].concat();
    if version == 1 {
        bytes.extend((text.len() as u16).to_le_bytes());
    } else {
        bytes.extend((text.len() as u32).to_le_bytes());
    }
    bytes.extend(text.as_bytes());
    bytes.extend(data);
    bytes
}

fn encode(descr: &str, value: f64) -> Vec<u8> {
    let mut bytes = match &descr[1..] {
        "u1" => (value as u8).to_le_bytes().to_vec(),
        "i1" => (value as i8).to_le_bytes().to_vec(),
        "u2" => (value as u16).to_le_bytes().to_vec(),
        "i4" => (value as i32).to_le_bytes().to_vec(),
        "u8" => (value as u64).to_le_bytes().to_vec(),
        "i8" => (value as i64).to_le_bytes().to_vec(),
        "f4" => (value as f32).to_le_bytes().to_vec(),
        "f8" => value.to_le_bytes().to_vec(),
        other => unreachable!("{other}"),
    };
    if descr.starts_with('>') {
        bytes.reverse();
    }
    bytes
}

/// Four files that belong together.
fn good(dice: &mut Dice) -> [Vec<u8>; 4] {
    let version = 1 + dice.below(3) as u8;
    let cells = *dice.pick(&["|u1", "<f4", "<f8", ">f4", ">f8"]);
    let labels = *dice.pick(&["|u1", "|i1", "<u2", ">i4", "<u8", "<i8"]);
    let mut matrix = |rows: usize| {
        let data: Vec<u8> = (0..rows * COLUMNS)
            .flat_map(|_| encode(cells, dice.below(256) as f64))
            .collect();
        array(version, cells, &format!("({rows}, {COLUMNS})"), &data)
    };
    let (x, e) = (matrix(ROWS), matrix(QUERIES));
    let column = |rows: usize| {
        let data: Vec<u8> = (0..rows)
            .flat_map(|i| encode(labels, (i % 3) as f64))
            .collect();
        array(version, labels, &format!("({rows},)"), &data)
    };
    [x, column(ROWS), e, column(QUERIES)]
}

/// Lies that only somebody who knows the format would tell.
fn edit_header(dice: &mut Dice, bytes: &[u8]) -> (Vec<u8>, String) {
    let start = if bytes[6] == 1 { 10 } else { 12 };
    let (text, data) = (&bytes[start..start + 118], &bytes[start + 118..]);
    let text = String::from_utf8(text.to_vec()).expect("a good header");
    let edits = [
        ("(12,", "(13,"),
        ("(12,", "(4294967296,"),
        ("(12,", "(18446744073709551615,"),
        ("(12,", "(99999999999999999999999,"),
        ("(12,", "(0,"),
        ("(12,", "(-12,"),
        ("(12, 5)", "(5, 12)"),
        ("(12, 5)", "(60,)"),
        ("(12, 5)", "(6, 2, 5)"),
        ("(12, 5)", "(60, 1)"),
        ("(12, 5)", "()"),
        ("(12, 5)", "(9223372036854775808, 2)"),
        ("(4, 5)", "(5, 4)"),
        ("(4, 5)", "(4, 0)"),
        ("(4,)", "(4, 1)"),
        ("(12,)", "(12, 1)"),
        ("(12,)", "(6, 2)"),
        ("False", "True"),
        ("'<f4'", "'>f4'"),
        ("'<f4'", "'<i4'"),
        ("'<f4'", "'<u4'"),
        ("'<f8'", "'<c8'"),
        ("'<f8'", "'|O'"),
        ("'<f8'", "[('a', '<f4'), ('b', '<f4')]"),
        ("'|u1'", "'|i1'"),
        ("'|u1'", "'|b1'"),
        ("'|u1'", "'|V1'"),
        ("'|u1'", "'|S1'"),
        ("'|u1'", "'<u1'"),
        ("'<i8'", "'<u8'"),
        ("'<u8'", "'>u8'"),
        ("'<i8'", "'<M8[ns]'"),
        ("'shape'", "'size'"),
        ("'descr'", "'fortran_order'"),
        ("{", "[[[[[[[[[["),
        ("}", ", 'more': 1}"),
    ];
    let fitting: Vec<_> = edits
        .iter()
        .filter(|(from, _)| text.contains(from))
        .collect();
    let (from, to) = **dice.pick(&fitting);
    let edited = text.trim_end().replacen(from, to, 1);
    let mut edited = framed(bytes[6], &edited, data);
    let what = match dice.below(6) {
        // The header is told to be longer or shorter than it is.
        0 => {
            let lie = *dice.pick(&[0_u16, 1, 64, 117, 119, 4096, 65_535]);
            edited[8..10].copy_from_slice(&lie.to_le_bytes());
            format!("{from} -> {to}, header length {lie}")
        }
        _ => format!("{from} -> {to}"),
    };
    (edited, what)
}

/// What a plain reader makes of a file: shape and numbers.
fn parse(bytes: &[u8]) -> Option<(Vec<usize>, Vec<f64>)> {
    let start = if bytes[6] == 1 { 10 } else { 12 };
    let length = match start {
        10 => usize::from(u16::from_le_bytes(bytes[8..10].try_into().ok()?)),
        _ => u32::from_le_bytes(bytes[8..12].try_into().ok()?) as usize,
    };
    let text = std::str::from_utf8(bytes.get(start..start + length)?).ok()?;
    let after = |mark: &str| text.split_once(mark).map(|(_, rest)| rest);
    let entry = |key: &str| {
        after(key)?
            .split_once(':')
            .map(|(_, value)| value.trim_start())
    };
    let descr = entry("'descr'")?.get(1..4)?;
    let fortran_order = entry("'fortran_order'")?.starts_with("True");
    let axes = entry("'shape'")?.strip_prefix('(')?.split_once(')')?.0;
    let axes = axes
        .split(',')
        .map(str::trim)
        .filter(|axis| !axis.is_empty());
    let shape: Vec<usize> = axes.map(|axis| axis.parse().ok()).collect::<Option<_>>()?;
    // A single axis has no order.
    if fortran_order && shape.len() > 1 {
        return None;
    }
    let size: usize = descr[2..].parse().ok()?;
    let data = &bytes[start + length..];
    if data.len() != shape.iter().product::<usize>() * size {
        return None;
    }
    let numbers = data.chunks(size).map(|element| {
        let mut wide = [0; 8];
        wide[..size].copy_from_slice(element);
        if descr.starts_with('>') {
            wide[..size].reverse();
        }
        Some(match (&descr[1..2], size) {
            ("u" | "b", _) => u64::from_le_bytes(wide) as f64,
            ("i", 1) => f64::from(wide[0] as i8),
            ("i", 2) => f64::from(i16::from_le_bytes(wide[..2].try_into().ok()?)),
            ("i", 4) => f64::from(i32::from_le_bytes(wide[..4].try_into().ok()?)),
            ("i", 8) => i64::from_le_bytes(wide) as f64,
            ("f", 4) => f64::from(f32::from_le_bytes(wide[..4].try_into().ok()?)),
            ("f", 8) => f64::from(f64::from_le_bytes(wide) as f32),
            _ => return None,
        })
    });
    let numbers = numbers.collect::<Option<Vec<f64>>>()?;
    Some((shape, numbers))
}

/// Compares the predictions of a run that succeeded with those of a plain loop over the same bytes.
fn check_predictions(room: &Room, files: &[Vec<u8>; 4], what: &str) {
    let parsed: Vec<_> = files
        .iter()
        .map(|bytes| parse(bytes).unwrap_or_else(|| panic!("{what}: accepted, but no array")))
        .collect();
    let rows = |at: usize| -> Vec<&[f64]> {
        let (shape, numbers) = &parsed[at];
        numbers.chunks(numbers.len() / shape[0]).collect()
    };
    let (train, queries) = (rows(0), rows(2));
    let (labels, truth) = (&parsed[1].1, &parsed[3].1);
    assert_eq!(
        (train.len(), queries.len()),
        (labels.len(), truth.len()),
        "{what}"
    );
    let all = parsed.iter().flat_map(|(_, numbers)| numbers);
    assert!(all.clone().all(|number| number.is_finite()), "{what}");
    assert!(
        labels
            .iter()
            .chain(truth)
            .all(|label| (0.0..4_294_967_296.0).contains(label)),
        "{what}"
    );

    let (_, predicted) = csv_rows(&room.path("p.csv"));
    assert_eq!(predicted.len(), queries.len(), "{what}");
    for (query, row) in queries.iter().zip(&predicted) {
        let distance =
            |row: &[f64]| -> f64 { row.iter().zip(*query).map(|(a, b)| (a - b).abs()).sum() };
        let nearest = train
            .iter()
            .map(|row| distance(row))
            .fold(f64::INFINITY, f64::min);
        // Float sums may round.
        let mut near = train
            .iter()
            .zip(labels)
            .filter(|(row, _)| distance(row) <= nearest * (1.0 + 1e-5));
        assert!(
            near.any(|(_, label)| label.to_string() == row[2]),
            "{what}: predicted {} for row {}, which is not the label of a nearest row",
            row[2],
            row[0]
        );
    }
    for (row, truth) in predicted.iter().zip(truth) {
        assert_eq!(row[1], truth.to_string(), "{what}");
    }
}

#[test]
fn damaged_matrices_and_labels() {
    let room = Room::new();
    let mut dice = Dice::new(0x006e_7079);
    let mut tally = Tally::default();
    for number in 0..RUNS {
        let mut files = good(&mut dice);
        let which = dice.below(4);
        let mut must_succeed = false;
        let (bytes, what) = match number % 10 {
            // Whole files in each other's place.
            0 => {
                let other = dice.below(4);
                (
                    files[other].clone(),
                    format!("{} in its place", NAMES[other]),
                )
            }
            1..=3 => edit_header(&mut dice, &files[which]),
            // Other bytes of pixels are other pixels, and nothing is wrong with them.
            4 => {
                let mut bytes = files[which].clone();
                let start = bytes.len() - if which < 2 { ROWS } else { QUERIES };
                must_succeed =
                    bytes.windows(4).any(|part| part == b"'|u1") && which.is_multiple_of(2);
                let new = dice.bytes(bytes.len() - start);
                bytes[start..].copy_from_slice(&new);
                (bytes, "other data".to_owned())
            }
            _ => dice.damage(&files[which]),
        };
        let what = format!("run {number}, {}: {what}", NAMES[which]);
        files[which] = bytes;
        for (name, bytes) in NAMES.iter().zip(&files) {
            room.write(name, bytes);
        }
        let ended = run(
            &room,
            "knn --x x.npy --y y.npy --x-eval e.npy --y-eval el.npy --metric l1 --k 1 \
             --predictions p.csv --force",
            &what,
        );
        tally.count(&ended);
        match &ended {
            Ended::Done(_) => check_predictions(&room, &files, &what),
            Ended::Refused(line) => assert!(!must_succeed, "{what}: {line}"),
        }
    }
    tally.check("matrices", RUNS);
}
