//! Folders of CIFAR files: opened exactly when a plain reading of the same files makes sense, and then with the same
//! pixels, labels and names.

use std::collections::BTreeMap;

use nearplane_cifar::{Dataset, Images, LabelKind, OpenOptions, PIXELS};

use crate::input::Input;

/// Files that a folder may hold, most of them what they seem to be.
const RECORD_FILES: [(&str, usize); 7] = [
    ("data_batch_1.bin", 1),
    ("data_batch_2.bin", 1),
    ("data_batch_3.bin", 1),
    ("test_batch.bin", 1),
    ("train.bin", 2),
    ("test.bin", 2),
    ("data_batch_01.bin", 1),
];
const NAME_FILES: [&str; 3] = [
    "batches.meta.txt",
    "fine_label_names.txt",
    "coarse_label_names.txt",
];

type Files = BTreeMap<&'static str, Vec<u8>>;

/// A folder that can be opened holds what its files say, byte by byte; any other is refused, with an error.
pub fn cifar_folder(data: &[u8]) {
    let mut input = Input::new(data);
    let kind = input.pick(&[LabelKind::Fine, LabelKind::Coarse]);
    let files = files(&mut input);
    let folder = tempfile::tempdir().expect("a temporary folder");
    for (name, bytes) in &files {
        std::fs::write(folder.path().join(name), bytes).expect("a file");
    }
    let options = OpenOptions { labels: kind };
    let opened = Dataset::read(folder.path(), &options);
    let expected = plain_reading(&files, kind);
    match (&opened, expected) {
        (Ok(data), Some(expected)) => {
            assert_eq!(data.class_names(), expected.names);
            compare(data.train(), &expected.train);
            compare(data.test(), &expected.test);
            data.verify_unchanged().expect("nobody else writes");
        }
        (Err(error), None) => assert!(!error.to_string().is_empty()),
        (Ok(data), None) => panic!("opened although nothing fits: {data:?}"),
        (Err(error), Some(_)) => panic!("refused a good folder: {error}"),
    }
}

fn files(input: &mut Input<'_>) -> Files {
    let mut files = Files::new();
    let present = input.word();
    let is_present = |place: usize| present >> place & 1 == 1;
    for (place, (name, label_len)) in RECORD_FILES.into_iter().enumerate() {
        if !is_present(place) {
            continue;
        }
        let n = input.below(4);
        let mut bytes = Vec::new();
        for _ in 0..n {
            bytes.extend((0..label_len).map(|_| input.byte()));
            bytes.extend(input.fill(PIXELS));
        }
        match input.byte() {
            // Rarely another length.
            more @ 1..8 => bytes.extend((0..more).map(|_| 0)),
            fewer @ 8..16 => bytes.truncate(bytes.len().saturating_sub(usize::from(fewer) - 7)),
            _ => {}
        }
        files.insert(name, bytes);
    }
    for (place, name) in (RECORD_FILES.len()..).zip(NAME_FILES) {
        if !is_present(place) {
            continue;
        }
        let names = match input.byte() {
            n @ 0..200 => (0..u16::from(n) * 3 / 2)
                .map(|i| format!("{i}\n"))
                .collect(),
            _ => Vec::new(),
        };
        let mut bytes = names.concat().into_bytes();
        bytes.extend(input.string());
        files.insert(name, bytes);
    }
    files
}

type Records = Vec<(u8, Vec<u8>)>;

struct Reading {
    train: Records,
    test: Records,
    names: Vec<String>,
}

/// What the files say, read in the plainest way; `None` if they are no data set.
fn plain_reading(files: &Files, kind: LabelKind) -> Option<Reading> {
    let has = |name: &str| files.contains_key(name);
    let batches: Vec<&str> = RECORD_FILES[..3]
        .iter()
        .map(|(name, _)| *name)
        .filter(|name| has(name))
        .collect();
    let is_10 = !batches.is_empty() || has("test_batch.bin");
    if is_10 {
        // All that there are, the first ones, and not beside CIFAR-100.
        let in_order = RECORD_FILES.iter().map(|(name, _)| *name);
        let is_gapless = in_order.zip(&batches).all(|(name, batch)| name == *batch);
        let is_fine = is_gapless && !batches.is_empty() && has("test_batch.bin");
        if !is_fine || (has("train.bin") && has("test.bin")) {
            return None;
        }
        let names = names(files, NAME_FILES[0])?;
        let limit = [names.as_ref().map_or(256, Vec::len)];
        let mut train = Records::new();
        for batch in &batches {
            train.extend(records(&files[batch], &limit, 0)?);
        }
        let test = records(files.get("test_batch.bin")?, &limit, 0)?;
        Some(reading(train, test, names))
    } else {
        let coarse = names(files, NAME_FILES[2])?;
        let fine = names(files, NAME_FILES[1])?;
        let limits = [
            coarse.as_ref().map_or(20, Vec::len),
            fine.as_ref().map_or(100, Vec::len),
        ];
        let (label, names) = match kind {
            LabelKind::Coarse => (0, coarse),
            LabelKind::Fine => (1, fine),
        };
        let train = records(files.get("train.bin")?, &limits, label)?;
        let test = records(files.get("test.bin")?, &limits, label)?;
        Some(reading(train, test, names))
    }
}

fn reading(train: Records, test: Records, names: Option<Vec<String>>) -> Reading {
    let numbered = || {
        let labels = train.iter().chain(&test).map(|record| record.0);
        (0..=labels.max().unwrap_or(0)).map(|label| label.to_string())
    };
    Reading {
        names: names.unwrap_or_else(|| numbered().collect()),
        train,
        test,
    }
}

/// `Some(None)` without such a file, `None` where it holds no list of names.
#[expect(clippy::option_option, reason = "no names and bad names differ")]
fn names(files: &Files, name: &str) -> Option<Option<Vec<String>>> {
    let Some(bytes) = files.get(name) else {
        return Some(None);
    };
    let text = String::from_utf8(bytes.clone()).ok()?;
    let lines = text
        .trim_start_matches('\u{feff}')
        .split('\n')
        .map(str::trim);
    let names: Vec<String> = lines
        .filter(|line| !line.is_empty())
        .map(str::to_owned)
        .collect();
    (1..=256).contains(&names.len()).then_some(Some(names))
}

fn records(bytes: &[u8], limits: &[usize], label: usize) -> Option<Records> {
    let length = limits.len() + PIXELS;
    if bytes.is_empty() || !bytes.len().is_multiple_of(length) {
        return None;
    }
    let record = |record: &[u8]| {
        let (labels, pixels) = record.split_at(limits.len());
        let mut known = labels.iter().zip(limits);
        known
            .all(|(&label, &limit)| usize::from(label) < limit)
            .then(|| (labels[label], pixels.to_vec()))
    };
    bytes.chunks(length).map(record).collect()
}

fn compare(images: &Images, expected: &Records) {
    assert_eq!(images.len(), expected.len());
    let labels = images.labels();
    let rows: Vec<&[u8]> = images
        .shards()
        .flat_map(|shard| (0..shard.rows).map(move |row| shard.row(row)))
        .collect();
    assert_eq!(rows.len(), expected.len());
    for (i, (label, pixels)) in expected.iter().enumerate() {
        assert_eq!((labels[i], images.label(i)), (*label, *label), "image {i}");
        assert!(images.image(i) == pixels && rows[i] == pixels, "image {i}");
    }
}
