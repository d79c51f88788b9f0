//! Layouts, splits and orders on lists of names.

use std::io::Write;

use proptest::prelude::*;

use super::*;

fn order_file(text: &str) -> Order {
    let mut file = tempfile::NamedTempFile::new().unwrap();
    file.write_all(text.as_bytes()).unwrap();
    Order::read(file.path()).unwrap()
}

/// Names in any order; a name that ends in `!` is an unreadable image.
fn arranged(
    names: &[&str],
    ratio: Option<f64>,
    order: Option<&str>,
) -> (Vec<String>, Result<Arrangement, ImportError>) {
    let mut names: Vec<&str> = names.to_vec();
    names.sort_unstable();
    let images: Vec<Named<'_>> = names
        .iter()
        .map(|name| Named {
            path: name.trim_end_matches('!'),
            readable: !name.ends_with('!'),
        })
        .collect();
    let order = order.map(order_file);
    let result = arrange(&images, ratio, 0, order.as_ref());
    (names.iter().map(|name| name.to_string()).collect(), result)
}

/// Rows as `label:path`.
fn rows(names: &[String], rows: &[Row]) -> Vec<String> {
    rows.iter()
        .map(|row| format!("{}:{}", row.label, names[row.image]))
        .collect()
}

fn message(names: &[&str], ratio: Option<f64>, order: Option<&str>) -> String {
    arranged(names, ratio, order).1.err().unwrap().to_string()
}

const PETS: [&str; 8] = [
    "p/train/dog/10.jpg",
    "p/train/dog/2.jpg",
    "p/train/dog/1.jpg",
    "p/train/cat/b.jpg",
    "p/train/cat/a.png",
    "p/test/dog/1.jpg",
    "p/test/cat/2.jpg",
    "p/test/cat/1.jpg",
];

#[test]
fn rows_take_turns_over_the_classes() {
    let (names, result) = arranged(&PETS, None, None);
    let found = result.unwrap();
    assert_eq!(found.class_names, ["cat", "dog"]);
    let train = [
        "0:p/train/cat/a.png",
        "1:p/train/dog/1.jpg",
        "0:p/train/cat/b.jpg",
        "1:p/train/dog/10.jpg",
        "1:p/train/dog/2.jpg",
    ];
    assert_eq!(rows(&names, &found.train), train);
    let test = [
        "0:p/test/cat/1.jpg",
        "1:p/test/dog/1.jpg",
        "0:p/test/cat/2.jpg",
    ];
    assert_eq!(rows(&names, &found.test), test);
    assert!(found.notes.is_empty());
}

#[test]
fn an_order_file_orders_the_training_set_only() {
    let (names, result) = arranged(&PETS, None, Some("1 10\n01\n"));
    let found = result.unwrap();
    let train = [
        "1:p/train/dog/1.jpg",
        "1:p/train/dog/10.jpg",
        "0:p/train/cat/a.png",
        "0:p/train/cat/b.jpg",
        "1:p/train/dog/2.jpg",
    ];
    assert_eq!(rows(&names, &found.train), train);
    assert_eq!(rows(&names, &found.test)[0], "0:p/test/cat/1.jpg");
}

#[test]
fn a_bad_image_gives_up_its_place_in_the_order() {
    let names = [
        "train/a/1!",
        "train/a/2",
        "train/b/1",
        "train/b/2",
        "test/a/1",
    ];
    let (names, result) = arranged(&names, None, Some("0101"));
    let train = ["1:train/b/1", "0:train/a/2", "1:train/b/2"];
    assert_eq!(rows(&names, &result.unwrap().train), train);
    // The order counts the bad image: a file without it is another order.
    let too_short = message(&["train/a/1!", "train/a/2", "test/a/1"], None, Some("0"));
    assert!(
        too_short.contains("1 labels, but there are 2 training images"),
        "{too_short}"
    );
}

#[test]
fn one_level_is_split_by_class() {
    let names: Vec<String> = (0..10)
        .flat_map(|n| [format!("all/cat/{n}.jpg"), format!("all/dog/{n}.jpg")])
        .chain([String::from("all/emu/0.jpg")])
        .collect();
    let names: Vec<&str> = names.iter().map(String::as_str).collect();
    let (sorted, result) = arranged(&names, None, None);
    let found = result.unwrap();
    // Pinned: the split is a promise to those who compare results.
    let test = [
        "0:all/cat/2.jpg",
        "1:all/dog/1.jpg",
        "0:all/cat/3.jpg",
        "1:all/dog/8.jpg",
    ];
    assert_eq!(rows(&sorted, &found.test), test);
    assert_eq!(found.train.len(), 17);
    assert!(found.notes[0].contains("0.2 of the images") && found.notes[0].contains("seed 0"));
    assert!(found.notes[1].contains("\"emu\" has no test image"));

    let (_, other) = arranged(&names, Some(0.5), None);
    assert_eq!(other.unwrap().test.len(), 10);
}

#[test]
fn the_shuffle_is_pinned() {
    let mut rows: Vec<usize> = (0..8).collect();
    shuffle(&mut rows, 0);
    // From a second implementation, in Python.
    assert_eq!(rows, [1, 2, 6, 5, 4, 0, 3, 7]);
}

#[test]
fn a_folder_train_alone_needs_a_ratio() {
    let names = ["train/a/1", "train/a/2", "train/b/1", "train/b/2"];
    let refused = message(&names, None, None);
    assert!(
        refused.contains("4 training images but no readable image in test/"),
        "{refused}"
    );
    assert_eq!(arranged(&names, Some(0.5), None).1.unwrap().test.len(), 2);
    // With a folder test the ratio is not used, and that is said.
    let (_, both) = arranged(&PETS, Some(0.5), None);
    let both = both.unwrap();
    assert_eq!((both.train.len(), both.test.len()), (5, 3));
    assert!(
        both.notes[0].contains("ratio was not used"),
        "{:?}",
        both.notes
    );
}

#[test]
fn what_is_no_class_folder_is_refused() {
    let check = |names: &[&str], parts: &[&str]| {
        let message = message(names, None, None);
        for part in parts.iter().chain(&["expected train/<class>/<image>"]) {
            assert!(message.contains(part), "{message}");
        }
    };
    check(
        &["1.jpg"],
        &["\"1.jpg\"", "no class folder", "give the folder above"],
    );
    check(&["1/2.jpg", "3.jpg"], &["\"3.jpg\" lies 0 folders deep"]);
    check(&["1.jpg/2.jpg", "a/b/3.jpg"], &["and \"1.jpg/2.jpg\" 1"]);
    check(&["cat/1.jpg", "2.jpg"], &["lies"]);
    check(
        &["a/cat/1.jpg", "b/cat/1.jpg"],
        &["\"b/cat/1.jpg\"", "\"a/cat/1.jpg\""],
    );
    check(
        &["train/cat/1.jpg", "train/cat/x/2.jpg"],
        &["train/cat/x/2.jpg", "3 folders deep"],
    );
    check(
        &["train/cat/1.jpg", "val/cat/1.jpg"],
        &["\"val/cat/1.jpg\"", "neither in train/ nor"],
    );
    check(
        &["p/train/cat/1.jpg", "q/test/cat/1.jpg"],
        &["q/test/cat/1.jpg"],
    );
}

#[test]
fn names_that_cannot_be_written_down_are_refused() {
    let check = |names: &[&str], parts: &[&str]| {
        let message = message(names, None, None);
        for part in parts.iter().chain(&["rename"]) {
            assert!(message.contains(part), "{message}");
        }
    };
    check(&["a\nb/1.jpg", "c/1.jpg"], &["\"a\\nb\"", "line break"]);
    check(&[" a/1.jpg", "c/1.jpg"], &["\" a\"", "blank"]);
    check(&["a\u{feff}/1.jpg"], &["control"]);
    check(&[&format!("{}/1.jpg", "x".repeat(256))], &["255 bytes"]);
    check(
        &["Cat/1.jpg", "cat/1.jpg"],
        &["\"Cat\"", "\"cat\"", "upper and lower case"],
    );
    check(
        &["train/CAT/1.jpg", "test/cat/1.jpg"],
        &["\"CAT\"", "\"cat\""],
    );
}

#[test]
fn classes_have_to_be_learnable() {
    let only_test = message(&["train/a/1", "test/a/1", "test/b/1"], None, None);
    assert!(
        only_test.contains("\"b\" has no readable training image; add one"),
        "{only_test}"
    );
    let all_bad = message(
        &["train/a/1", "train/b/1!", "test/a/1", "test/b/1"],
        None,
        None,
    );
    assert!(
        all_bad.contains("\"b\" has no readable training image (1 cannot be read); add one"),
        "{all_bad}"
    );
    let no_test = message(&["train/a/1", "train/a/2", "test/a/1!"], None, None);
    assert!(
        no_test.contains("2 training images but no readable image"),
        "{no_test}"
    );
    let (_, missing) = arranged(&["train/a/1", "train/b/1", "test/a/1"], None, None);
    assert!(missing.unwrap().notes[0].contains("\"b\" has no test image"));
}

#[test]
fn a_label_byte_names_256_classes() {
    let paths = |count: usize| -> Vec<String> {
        let files = (0..count).flat_map(|c| [format!("{c:03}/1"), format!("{c:03}/2")]);
        files.collect()
    };
    let most = paths(256);
    let most: Vec<&str> = most.iter().map(String::as_str).collect();
    let found = arranged(&most, None, None).1.unwrap();
    assert_eq!(found.train[255].label, 255);
    let many = paths(257);
    let many: Vec<&str> = many.iter().map(String::as_str).collect();
    assert!(
        message(&many, None, None).contains("257 class folders, the limit of the format is 256")
    );
    let ordered = message(&most, None, Some("0"));
    assert!(
        ordered.contains("at most 10 classes, found 256"),
        "{ordered}"
    );
}

proptest! {
    #[test]
    fn every_image_gets_exactly_one_row(sizes in prop::collection::vec(1_usize..20, 1..6), ratio in 0.01_f64..0.99, seed in any::<u64>()) {
        prop_assume!(sizes.iter().any(|&size| size > 1));
        let paths: Vec<String> = sizes.iter().enumerate()
            .flat_map(|(class, &size)| (0..size).map(move |n| format!("{class}/{n:02}")))
            .collect();
        let images: Vec<Named<'_>> = paths.iter().map(|path| Named { path, readable: true }).collect();
        let found = arrange(&images, Some(ratio), seed, None).unwrap();
        let mut all: Vec<usize> = found.train.iter().chain(&found.test).map(|row| row.image).collect();
        all.sort_unstable();
        prop_assert_eq!(all, (0..paths.len()).collect::<Vec<_>>());
        for row in found.train.iter().chain(&found.test) {
            let class = format!("{}/", row.label);
            prop_assert!(paths[row.image].starts_with(&class));
        }
    }

    #[test]
    fn records_are_permuted_as_asked(keys in prop::collection::vec(any::<u16>(), 0..40)) {
        let mut from: Vec<usize> = (0..keys.len()).collect();
        from.sort_by_key(|&at| keys[at]);
        let mut records: Vec<u8> = (0..keys.len()).flat_map(|n| [n as u8, 100, n as u8]).collect();
        let expected: Vec<u8> = from.iter().flat_map(|&n| [n as u8, 100, n as u8]).collect();
        permute_records(&mut records, 3, &mut from);
        prop_assert_eq!(records, expected);
    }
}
