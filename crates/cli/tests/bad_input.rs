//! Bad input through the binary: one clear line, exit code 1 or 2, nothing on stdout, existing files
//! untouched.

mod common;

use common::{N_CLASSES, N_TRAIN, Room};

const RECORD: usize = 3073;

#[test]
fn no_such_folder() {
    let room = Room::new();
    room.fails(
        1,
        "knn --data nowhere",
        &["nowhere", "does not exist", "--data"],
    );
    room.fails(
        1,
        "data inspect --data nowhere",
        &["nowhere", "does not exist"],
    );
    room.fails(1, "data import nowhere --out out", &["nowhere"]);
}

#[test]
fn a_folder_named_by_the_environment_has_to_exist_as_well() {
    let room = Room::new();
    let mut command = room.nearplane("knn --quiet");
    let output = command.env("NEARPLANE_DATA", "nowhere").output().unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(output.stdout.is_empty());
    let stderr = String::from_utf8(output.stderr).unwrap();
    assert!(
        stderr.starts_with("error: NEARPLANE_DATA names nowhere"),
        "{stderr}"
    );
    assert_eq!(stderr.lines().count(), 1, "{stderr}");
}

#[test]
fn an_empty_file() {
    let room = Room::with_data();
    room.write("data/data_batch_1.bin", "");
    for command in ["knn", "knn --no-mmap", "data inspect"] {
        room.fails(
            1,
            &format!("{command} --data data"),
            &["data_batch_1.bin", "empty"],
        );
    }
}

#[test]
fn a_file_one_byte_short_or_long() {
    let room = Room::with_data();
    let whole = std::fs::read(room.path("data/test_batch.bin")).unwrap();
    let longer = [&whole[..], &[0]].concat();
    for bytes in [&whole[..whole.len() - 1], &longer] {
        room.write("data/test_batch.bin", bytes);
        for command in ["knn", "knn --no-mmap"] {
            let found = format!("found {} bytes", bytes.len());
            room.fails(
                1,
                &format!("{command} --data data"),
                &["test_batch.bin", &found, "3073"],
            );
        }
    }
}

#[test]
fn a_label_out_of_range() {
    let room = Room::with_data();
    let mut bytes = std::fs::read(room.path("data/data_batch_1.bin")).unwrap();
    bytes[5 * RECORD] = N_CLASSES as u8;
    room.write("data/data_batch_1.bin", &bytes);
    let offset = format!("offset {}", 5 * RECORD);
    for command in ["knn", "knn --no-mmap"] {
        room.fails(
            1,
            &format!("{command} --data data"),
            &["data_batch_1.bin", &offset, "label 4"],
        );
    }
}

#[test]
fn a_gap_in_the_batches() {
    let room = Room::with_data();
    let batch = std::fs::read(room.path("data/data_batch_1.bin")).unwrap();
    room.write("data/data_batch_3.bin", batch);
    room.fails(1, "knn --data data", &["data_batch_2.bin", "missing"]);
    std::fs::remove_file(room.path("data/data_batch_3.bin")).unwrap();
    std::fs::remove_file(room.path("data/test_batch.bin")).unwrap();
    room.fails(1, "knn --data data", &["test_batch.bin", "missing"]);
}

#[test]
fn a_folder_where_a_file_should_be_and_the_reverse() {
    let room = Room::with_data();
    std::fs::remove_file(room.path("data/data_batch_1.bin")).unwrap();
    std::fs::create_dir(room.path("data/data_batch_1.bin")).unwrap();
    room.fails(
        1,
        "knn --data data",
        &["data_batch_1.bin", "expected a file"],
    );
    room.write("file", "not a folder");
    room.fails(1, "knn --data file", &["file", "expected a folder"]);
}

#[test]
fn wrong_numbers_of_neighbours() {
    let room = Room::with_data();
    room.fails(2, "knn --data data --k 0", &["--k", "at least 1"]);
    room.fails(2, "knn --data data --k 1,x", &["--k", "'x'"]);
    room.fails(2, "knn --data data --k 5..1", &["--k", "5..1"]);
    // Known to be too many only once the rows have been counted.
    let too_many = format!("knn --data data --on test --k 1,{}", N_TRAIN + 1);
    room.fails(1, &too_many, &["k is 81", "80 training rows"]);
    room.fails(
        1,
        "knn --data data --limit 40 --k 37",
        &["k is 37", "36 training rows"],
    );
}

#[test]
fn unknown_names_and_senseless_values() {
    let room = Room::with_data();
    room.fails(2, "knn --data data --metric l3", &["l3", "l1, l2"]);
    room.fails(
        2,
        "knn --data data --tie coin",
        &["coin", "nearest, lowest"],
    );
    room.fails(
        2,
        "knn --data data --engine fast",
        &["fast", "auto, brute, pruned"],
    );
    room.fails(
        2,
        "knn --data data --engine pruned --features hist --metric chi2",
        &["--engine pruned", "auto or brute"],
    );
    room.fails(2, "knn --data data --simd mmx", &["mmx", "scalar"]);
    room.fails(2, "knn --data data --threads 0", &["--threads"]);
    room.fails(2, "knn --data data --limit 0", &["--limit"]);
    room.fails(2, "knn --data data --bogus", &["--bogus"]);
    room.fails(2, "nonsense", &["nonsense"]);
    room.fails(2, "data import somewhere", &["--out"]);
    room.fails(
        2,
        "data import . --out out --test-ratio 1",
        &["--test-ratio"],
    );
    room.fails(2, "data synth --out out --n-train 0", &["--n-train"]);
}

#[test]
fn an_unwritable_output_folder() {
    let room = Room::with_data();
    room.write("file", "in the way");
    // A file where a folder would have to be stops every user, also one who may write anywhere.
    room.fails(1, "data synth --out file/out", &["file/out"]);
    room.fails(1, "data synth --out file", &["file"]);
    room.fails(1, "data synth --out file --force", &["file"]);
    room.fails(
        1,
        "knn --data data --predictions file/p.csv",
        &["file/p.csv"],
    );
    room.fails(
        1,
        "knn --data data --neighbors-out nowhere/n.npy",
        &["nowhere/n.npy"],
    );
    room.fails(1, "knn --data data --results nowhere/r.csv", &["nowhere"]);
    room.fails(
        1,
        "data inspect --data data --picture nowhere/p.png",
        &["nowhere/p.png"],
    );
}

#[test]
fn an_output_that_exists_needs_force() {
    let room = Room::with_data();
    room.write("p.csv", "old");
    room.write("n.npy", "old");
    room.write("s.png", "old");
    for arguments in [
        "knn --data data --predictions p.csv",
        "knn --data data --neighbors-out n.npy",
        "data inspect --data data --picture s.png",
        "data synth --out data",
    ] {
        room.fails(1, arguments, &["exists", "--force"]);
    }
    room.ok("knn --data data --force --predictions p.csv --neighbors-out n.npy --k 1");
    room.ok("data inspect --data data --force --picture s.png");
    for name in ["p.csv", "n.npy", "s.png"] {
        assert_ne!(std::fs::read(room.path(name)).unwrap(), b"old", "{name}");
    }
}

#[test]
fn force_never_costs_a_foreign_file() {
    let room = Room::with_data();
    room.write("data/thesis.tex", "years of work");
    room.fails(
        1,
        "data synth --out data --force --n-train 20 --n-test 10",
        &["thesis.tex"],
    );
    room.fails(
        1,
        "knn --data data --force --predictions data",
        &["data", "folder"],
    );
}

#[test]
fn two_outputs_cannot_be_one_file() {
    let room = Room::with_data();
    room.fails(
        2,
        "knn --data data --predictions x --neighbors-out x",
        &["same file", "--predictions"],
    );
    room.fails(
        2,
        "knn --data data --results x --predictions x",
        &["same file", "--results"],
    );
}

#[test]
fn a_failed_run_leaves_no_outputs() {
    let room = Room::with_data();
    room.fails(
        1,
        "knn --data data --k 100 --predictions p.csv --neighbors-out n.npy --results r.csv",
        &["k is 100"],
    );
}

#[test]
fn an_output_in_the_data_folder() {
    let room = Room::with_data();
    for output in [
        "--predictions data/test_batch.bin",
        "--neighbors-out data/../data/data_batch_1.bin",
        "--results data/runs.csv",
    ] {
        let command = format!("knn --data data --quiet --force {output}");
        room.fails(1, &command, &["data", "folder of the data set"]);
    }
    let picture = "data inspect --data data --force --picture data/test_batch.png";
    room.fails(1, picture, &["folder of the data set"]);
}

#[test]
fn one_output_under_two_names() {
    let room = Room::with_data();
    room.fails(
        2,
        "knn --data data --force --predictions x --neighbors-out ./x",
        &["--neighbors-out", "--predictions", "the same file"],
    );
}

#[cfg(unix)]
#[test]
fn results_that_are_no_plain_file() {
    let room = Room::with_data();
    for device in ["/dev/full", "/dev/null"] {
        let command = format!("knn --data data --quiet --results {device}");
        room.fails(1, &command, &[device, "not a plain file"]);
    }
}

#[test]
fn wrong_usage_points_at_the_help_of_its_command() {
    let room = Room::new();
    for (arguments, help) in [
        ("knn --k 0", "knn"),
        ("--results r.csv knn --k x", "knn"),
        ("data fetch mnist", "data fetch"),
        ("data synth --out x --occlusion 2", "data synth"),
        ("data synth --colour", "data synth"),
        ("--threads 0 data inspect", "data inspect"),
    ] {
        let end = format!("see 'nearplane {help} --help'\n");
        room.fails(2, arguments, &[&end]);
    }
    room.fails(2, "photos", &["see 'nearplane --help'\n"]);
}
