//! Damaged order files, and files in their place that are none.

use super::archives::{entries, tar};
use super::dice::Dice;
use super::{Ended, Tally, run};
use crate::common::Room;

pub(crate) const RUNS: usize = 80;

/// Training images of each of the three classes.
const EACH: usize = 4;

/// The labels in the file, if it is an order of these images.
fn parse(bytes: &[u8]) -> Option<Vec<u8>> {
    let mut labels = Vec::new();
    for &byte in bytes {
        match byte {
            b'0'..=b'2' => labels.push(byte - b'0'),
            b' ' | b'\t' | b'\n' | b'\r' | 0x0c => {}
            _ => return None,
        }
    }
    let of_class = |class: u8| labels.iter().filter(|&&label| label == class).count();
    (0..3)
        .all(|class| of_class(class) == EACH)
        .then_some(labels)
}

#[test]
fn damaged_order_files() {
    let mut dice = Dice::new(0x6f72);
    let room = Room::new();
    let images = entries(&mut dice);
    let archive = tar(&images);
    room.write("in.tar", &archive);
    // The red of every training image by class, in the order of the names.
    let reds: Vec<Vec<u8>> = ["ant", "bee", "cow"]
        .map(|class| {
            let of_class = format!("train/{class}/");
            let of_class = images
                .iter()
                .filter(|(name, _)| name.starts_with(&of_class));
            let red =
                |png: &[u8]| image::load_from_memory(png).expect("an image").to_rgb8()[(0, 0)][0];
            of_class.map(|(_, png)| red(png)).collect()
        })
        .to_vec();
    let mut tally = Tally::default();
    for number in 0..RUNS {
        let mut labels: Vec<u8> = (0..3 * EACH).map(|i| b'0' + (i % 3) as u8).collect();
        for i in (1..labels.len()).rev() {
            labels.swap(i, dice.below(i + 1));
        }
        let separator = *dice.pick(&["", "\n", " ", "\r\n"]);
        let text: String = labels
            .iter()
            .map(|&digit| format!("{}{separator}", char::from(digit)))
            .collect();
        let (bytes, what) = match number % 8 {
            0 => (
                archive[..dice.below(archive.len())].to_vec(),
                "an archive".to_owned(),
            ),
            1 => {
                let mut swapped = text.clone().into_bytes();
                let (a, b) = (dice.below(swapped.len()), dice.below(swapped.len()));
                swapped.swap(a, b);
                (swapped, format!("{a} and {b} swapped"))
            }
            2 => (
                text.replace('2', "7").into_bytes(),
                "class 7 for 2".to_owned(),
            ),
            3 => (
                format!("\u{feff}{text}").into_bytes(),
                "a byte order mark".to_owned(),
            ),
            4 => (
                format!("{text}\n \t\n").into_bytes(),
                "white space at the end".to_owned(),
            ),
            _ => dice.damage(text.as_bytes()),
        };
        let what = format!("run {number}: {what}");
        room.write("order.txt", &bytes);
        let ended = run(
            &room,
            "data import in.tar --out out --order order.txt --force",
            &what,
        );
        tally.count(&ended);
        match (&ended, parse(&bytes)) {
            (Ended::Refused(_), None) => {}
            (Ended::Refused(line), Some(_)) => panic!("{what}: nothing is wrong, but: {line}"),
            (Ended::Done(_), None) => panic!("{what}: accepted"),
            (Ended::Done(_), Some(labels)) => {
                let batch = std::fs::read(room.path("out/data_batch_1.bin")).expect("a batch");
                let found: Vec<(u8, u8)> = batch
                    .chunks(3073)
                    .map(|record| (record[0], record[1]))
                    .collect();
                let mut next = [0; 3];
                let expected: Vec<(u8, u8)> = labels
                    .into_iter()
                    .map(|label| {
                        let class = usize::from(label);
                        next[class] += 1;
                        (label, reds[class][next[class] - 1])
                    })
                    .collect();
                assert_eq!(found, expected, "{what}");
            }
        }
    }
    tally.check("orders", RUNS);
}
