//! Damaged CIFAR-10 and CIFAR-100 folders.

use nearplane_cifar::Format;
use nearplane_cifar::write::{Contents, write_folder};

use super::dice::Dice;
use super::{Ended, Tally, run};
use crate::common::{Room, csv_rows};

pub(crate) const RUNS: usize = 140;

const PIXELS: usize = 3072;

fn contents(format: Format, dice: &mut Dice) -> Contents {
    let mut records = |n: usize| -> Vec<u8> {
        let mut bytes = Vec::new();
        for i in 0..n {
            if format == Format::Cifar100 {
                bytes.push((i % 2) as u8);
            }
            bytes.push((i % 4) as u8);
            bytes.extend(dice.bytes(PIXELS));
        }
        bytes
    };
    let names = |list: &[&str]| list.iter().map(|name| name.to_string()).collect();
    Contents {
        format,
        train: records(8),
        test: records(3),
        class_names: names(&["ant", "bee", "cow", "dog"]),
        coarse_names: names(&["insect", "mammal"]),
    }
}

/// What a plain reader makes of the folder: training and test records as (label, pixels); `None` if
/// it is no data set.
type Records = Vec<(u8, Vec<u8>)>;

fn parse(room: &Room, format: Format) -> Option<(Records, Records)> {
    let read = |name: &str| std::fs::read(room.path("data").join(name)).ok();
    let names = |name: &str| -> Option<usize> {
        let text = String::from_utf8(read(name)?).ok()?;
        let lines = text.trim_start_matches('\u{feff}').lines();
        let count = lines.filter(|line| !line.trim().is_empty()).count();
        (1..=256).contains(&count).then_some(count)
    };
    let (train, test, limits) = match format {
        Format::Cifar10 => (
            read("data_batch_1.bin")?,
            read("test_batch.bin")?,
            vec![names("batches.meta.txt")?],
        ),
        Format::Cifar100 => (
            read("train.bin")?,
            read("test.bin")?,
            vec![
                names("coarse_label_names.txt")?,
                names("fine_label_names.txt")?,
            ],
        ),
    };
    let records = |bytes: Vec<u8>| -> Option<Records> {
        let length = limits.len() + PIXELS;
        if bytes.is_empty() || !bytes.len().is_multiple_of(length) {
            return None;
        }
        let record = |record: &[u8]| {
            let (labels, pixels) = record.split_at(limits.len());
            let all_known = labels
                .iter()
                .zip(&limits)
                .all(|(&label, &limit)| usize::from(label) < limit);
            all_known.then(|| (labels[limits.len() - 1], pixels.to_vec()))
        };
        bytes.chunks(length).map(record).collect()
    };
    Some((records(train)?, records(test)?))
}

/// The labels of the nearest training records; the first one of those at the same distance.
fn nearest(train: &Records, test: &Records) -> Vec<[String; 2]> {
    let squared = |a: &[u8], b: &[u8]| -> u64 {
        let differences = a.iter().zip(b).map(|(&a, &b)| u64::from(a.abs_diff(b)));
        differences.map(|difference| difference * difference).sum()
    };
    let one = |(truth, pixels): &(u8, Vec<u8>)| {
        let (label, _) = train
            .iter()
            .min_by_key(|(_, row)| squared(row, pixels))
            .expect("training records");
        [truth.to_string(), label.to_string()]
    };
    test.iter().map(one).collect()
}

#[test]
fn damaged_data_sets() {
    let mut dice = Dice::new(0xc1fa);
    let mut tally = Tally::default();
    for number in 0..RUNS {
        let room = Room::new();
        let format = *dice.pick(&[Format::Cifar10, Format::Cifar100]);
        let made = contents(format, &mut dice);
        write_folder(&room.path("data"), &made, false).expect("a good data set");
        let names: &[&str] = match format {
            Format::Cifar10 => &["data_batch_1.bin", "test_batch.bin", "batches.meta.txt"],
            Format::Cifar100 => &[
                "train.bin",
                "test.bin",
                "fine_label_names.txt",
                "coarse_label_names.txt",
            ],
        };
        let which = *dice.pick(names);
        let path = room.path("data").join(which);
        let bytes = std::fs::read(&path).expect("a file of the data set");
        let (bytes, what) = match number % 7 {
            0 => {
                let other = *dice.pick(names);
                let other_bytes = std::fs::read(room.path("data").join(other));
                (
                    other_bytes.expect("a file of the data set"),
                    format!("{other} in its place"),
                )
            }
            // A record more or less is a data set, too.
            1 => {
                let length = format.record_len().min(bytes.len());
                (
                    bytes[length..].to_vec(),
                    "without its first record".to_owned(),
                )
            }
            // Of another format.
            2 => {
                let other = match format {
                    Format::Cifar10 => Format::Cifar100,
                    Format::Cifar100 => Format::Cifar10,
                };
                (
                    contents(other, &mut dice).test,
                    format!("records of {other}"),
                )
            }
            // Pixels, nearly always: there are 3072 of them for each label.
            3 => {
                let mut bytes = bytes;
                for _ in 0..20 {
                    let at = dice.below(bytes.len());
                    bytes[at] ^= 1 << dice.below(8);
                }
                (bytes, "20 bits flipped".to_owned())
            }
            _ => dice.damage(&bytes),
        };
        std::fs::write(&path, bytes).expect("a file of the test");
        let what = format!("run {number}, {format} {which}: {what}");
        let way = *dice.pick(&["", " --no-mmap"]);
        let arguments =
            format!("knn --data data --on test --metric l2 --k 1 --predictions p.csv{way}");
        let ended = run(&room, &arguments, &what);
        tally.count(&ended);
        match (&ended, parse(&room, format)) {
            (Ended::Refused(_), None) => {}
            (Ended::Refused(line), Some(_)) => panic!("{what}: nothing is wrong, but: {line}"),
            (Ended::Done(_), None) => panic!("{what}: accepted"),
            (Ended::Done(_), Some((train, test))) => {
                let (_, rows) = csv_rows(&room.path("p.csv"));
                let found: Vec<_> = rows
                    .into_iter()
                    .map(|row| [row[1].clone(), row[2].clone()])
                    .collect();
                assert_eq!(found, nearest(&train, &test), "{what}");
            }
        }
    }
    tally.check("folders", RUNS);
}
