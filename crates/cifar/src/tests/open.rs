//! Opening folders, mapped and read: what is accepted, and what it looks like.

use std::fs;

use super::{folder, open, record, records, records_100, small_folder};
use crate::{Dataset, Error, Format, LabelKind};

#[test]
fn a_folder_is_handed_out_where_it_lies() {
    let dir = small_folder();
    let data = open(dir.path(), LabelKind::Fine);
    assert_eq!(data.format(), Format::Cifar10);
    assert_eq!(data.path(), Some(dir.path()));
    assert_eq!(data.class_names(), ["ant", "bee", "cat"]);
    assert!(data.notes().is_empty(), "{:?}", data.notes());

    let train = data.train();
    assert_eq!((train.len(), data.test().len()), (4, 2));
    assert_eq!(train.labels(), [0, 1, 2, 2]);
    assert_eq!([0, 1, 2, 3].map(|i| train.label(i)), [0, 1, 2, 2]);
    assert_eq!(train.image(2), [2; 3072]);
    assert_eq!(train.image(3), [0; 3072]);
    assert_eq!(data.test().labels(), [1, 0]);

    let shards: Vec<_> = train.shards().collect();
    assert_eq!(shards.len(), 2);
    let first = shards[0];
    assert_eq!((first.rows, first.cols, first.stride), (3, 3072, 3073));
    assert_eq!(first.bytes.len(), 2 * 3073 + 3072);
    assert_eq!(first.bytes.as_ptr(), train.image(0).as_ptr());
    for i in 0..3 {
        assert_eq!(first.row(i), train.image(i));
    }
    assert!(train.records().eq([records(&[0, 1, 2]), records(&[2])]));
}

#[test]
#[should_panic(expected = "image 4 of 4")]
fn an_image_past_the_end_is_a_mistake() {
    let dir = small_folder();
    let _ = open(dir.path(), LabelKind::Fine).train().image(4);
}

#[test]
fn more_than_nine_batches_come_in_the_order_of_their_numbers() {
    let dir = folder(&[("test_batch.bin", &record(0, 0))]);
    for number in 1..=11_u8 {
        let path = dir.path().join(format!("data_batch_{number}.bin"));
        fs::write(path, record(number, 0)).expect("writing a batch");
    }
    let data = open(dir.path(), LabelKind::Fine);
    assert_eq!(data.train().labels(), (1..=11).collect::<Vec<u8>>());
}

#[test]
fn classes_without_names_are_numbered() {
    let dir = folder(&[
        ("data_batch_1.bin", &records(&[0, 255])),
        ("test_batch.bin", &records(&[1])),
    ]);
    let data = open(dir.path(), LabelKind::Fine);
    assert_eq!(data.class_names().len(), 256);
    assert_eq!(data.class_names()[255], "255");
}

#[test]
fn names_may_have_blank_lines_blanks_and_foreign_line_ends() {
    let dir = small_folder();
    let text = "\u{feff}\r\n ant\r\n\r\nBiene Maja\t\r\n  \r\n\u{e9}l\u{e9}phant";
    fs::write(dir.path().join("batches.meta.txt"), text).expect("writing names");
    let data = open(dir.path(), LabelKind::Fine);
    assert_eq!(
        data.class_names(),
        ["ant", "Biene Maja", "\u{e9}l\u{e9}phant"]
    );
}

#[test]
fn ten_classes_with_other_numbers_of_images_give_a_note() {
    let dir = small_folder();
    let names = "airplane\nautomobile\nbird\ncat\ndeer\ndog\nfrog\nhorse\nship\ntruck\n";
    fs::write(dir.path().join("batches.meta.txt"), names).expect("writing names");
    let data = open(dir.path(), LabelKind::Coarse);
    let [images, coarse] = data.notes() else {
        panic!("expected two notes: {:?}", data.notes());
    };
    assert!(images.contains("4 training and 2 test images"), "{images}");
    assert!(images.contains("50000 and 10000"), "{images}");
    assert!(
        coarse.contains("CIFAR-10 has one kind of labels"),
        "{coarse}"
    );
    // Ten other classes are no part of CIFAR-10.
    let names = "a\nb\nc\nd\ne\nf\ng\nh\ni\nj\n";
    fs::write(dir.path().join("batches.meta.txt"), names).expect("writing names");
    let notes = open(dir.path(), LabelKind::Fine).notes().to_vec();
    assert!(notes.is_empty(), "{notes:?}");
}

#[test]
fn batches_with_other_spellings_are_left_out_aloud() {
    let dir = small_folder();
    for name in ["data_batch_01.bin", "data_batch_0.bin", "data_batch_+3.bin"] {
        fs::write(dir.path().join(name), "not a batch").expect("writing a file");
    }
    let data = open(dir.path(), LabelKind::Fine);
    assert_eq!((data.train().len(), data.notes().len()), (4, 3));
    assert!(
        data.notes()[2].contains("data_batch_01.bin: not read"),
        "{:?}",
        data.notes()
    );
}

#[test]
fn cifar_100_has_two_labels_an_image() {
    let dir = folder(&[
        ("train.bin", &records_100(&[(0, 2), (1, 0), (1, 1)])),
        ("test.bin", &records_100(&[(1, 2)])),
        ("fine_label_names.txt", b"ant\nbee\ncat\n"),
        ("coarse_label_names.txt", b"insect\nmammal\n"),
    ]);
    let fine = open(dir.path(), LabelKind::Fine);
    assert_eq!(fine.format(), Format::Cifar100);
    assert_eq!(fine.class_names(), ["ant", "bee", "cat"]);
    assert_eq!(fine.names_of(LabelKind::Coarse), ["insect", "mammal"]);
    assert_eq!(fine.train().labels(), [2, 0, 1]);
    assert_eq!(fine.train().image(2), [2; 3072]);
    let rows = fine.train().shards().next().expect("one shard");
    assert_eq!((rows.rows, rows.stride), (3, 3074));
    assert_eq!(rows.row(1), [1; 3072]);

    let coarse = open(dir.path(), LabelKind::Coarse);
    assert_eq!(coarse.class_names(), ["insect", "mammal"]);
    assert_eq!(coarse.train().labels(), [0, 1, 1]);
    assert_eq!(coarse.test().label(0), 1);
    assert!(coarse.notes().is_empty());
}

#[test]
fn data_in_memory_gets_the_same_checks() {
    let make = |train: Vec<Vec<u8>>, test, names: &[&str]| {
        let names = names.iter().map(|&name| name.to_owned()).collect();
        Dataset::from_memory(Format::Cifar10, train, test, names)
    };
    let parts = vec![records(&[1, 0]), records(&[2])];
    let data = make(parts, records(&[1]), &["ant", "bee", "cat"]).expect("a good data set");
    assert_eq!(data.train().labels(), [1, 0, 2]);
    assert_eq!(data.train().shards().count(), 2);
    assert_eq!((data.path(), data.notes().len()), (None, 0));
    data.verify_unchanged().expect("nothing can change");

    let message =
        |result: Result<Dataset, Error>| result.expect_err("this is not a data set").to_string();
    let good = || vec![records(&[0])];
    let text = message(make(vec![records(&[0]), vec![0; 3072]], records(&[0]), &[]));
    assert!(
        text.starts_with("memory: train part 2: found 3072 bytes"),
        "{text}"
    );
    let text = message(make(vec![], records(&[0]), &[]));
    assert!(text.starts_with("memory: train: empty"), "{text}");
    let text = message(make(good(), vec![], &[]));
    assert!(text.starts_with("memory: test: empty"), "{text}");
    let text = message(make(good(), records(&[0, 1]), &["ant"]));
    assert!(text.starts_with("memory: test: record 1 "), "{text}");
    let text = message(make(good(), records(&[0]), &["x"; 257]));
    assert!(text.contains("found 257 class names"), "{text}");

    let both = records_100(&[(3, 7)]);
    let data = Dataset::from_memory(Format::Cifar100, vec![both.clone()], both, vec![])
        .expect("a good CIFAR-100 data set");
    assert_eq!(data.train().labels(), [7]);
    assert_eq!(data.class_names().len(), 8);
    assert_eq!(data.names_of(LabelKind::Coarse), ["0", "1", "2", "3"]);
}

#[test]
fn a_data_set_can_be_shared_between_threads() {
    fn check<T: Send + Sync + std::fmt::Debug>(_: &T) {}
    let dir = small_folder();
    let data = open(dir.path(), LabelKind::Fine);
    check(&data);
    let debug = format!("{data:?}");
    assert!(debug.len() < 500 && debug.contains("len: 4"), "{debug}");
}
