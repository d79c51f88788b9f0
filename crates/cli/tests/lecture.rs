//! `nearplane lecture` through the binary: every item, every worked number, one file that needs nothing else.

mod common;

use std::collections::BTreeSet;
use std::path::Path;

use common::Room;

/// Items of each chapter of the lecture.
const ITEMS: [usize; 8] = [3, 6, 2, 4, 3, 4, 4, 1];

fn ids() -> BTreeSet<String> {
    let chapters = (1..).zip(ITEMS);
    chapters
        .flat_map(|(chapter, items)| {
            (1..=items).map(move |item| format!("lecture-{chapter}-{item}"))
        })
        .collect()
}

fn sections(html: &str) -> BTreeSet<String> {
    let starts = html.split("<section id=\"").skip(1);
    starts
        .map(|rest| rest.split_once('"').unwrap().0.to_owned())
        .collect()
}

/// The markup of a section.
fn section<'a>(html: &'a str, id: &str) -> &'a str {
    let (_, rest) = html
        .split_once(&format!("<section id=\"{id}\">"))
        .expect(id);
    rest.split_once("</section>").expect(id).0
}

/// The page without what differs from run to run.
fn without_times(html: &str) -> String {
    let mut parts = html.split("<span class=\"time\">");
    let mut text = parts.next().unwrap().to_owned();
    for part in parts {
        text += part.split_once("</span>").expect("a time ends").1;
    }
    text
}

fn read(path: &Path) -> String {
    std::fs::read_to_string(path).unwrap()
}

#[test]
fn the_whole_lecture() {
    let room = Room::with_data();
    let record = room.json("lecture --data data --out page --results r.csv --quiet");
    assert_eq!(record["schema"], "nearplane/lecture/1");
    assert_eq!(record["report"], "page/index.html");
    assert_eq!(record["looks"], 1, "one look at the test images, logged");
    assert_eq!(record["data"]["n_train"], common::N_TRAIN);
    let board = record["leaderboard"].as_array().unwrap();
    assert_eq!(board.len(), 12, "four kinds of features, three models");
    for entry in board {
        let [low, high] = [0, 1].map(|i| entry["ci95"][i].as_f64().unwrap());
        let accuracy = entry["accuracy"].as_f64().unwrap();
        assert!(low <= accuracy && accuracy <= high, "{entry}");
        assert_eq!(entry["n_eval"], common::N_TEST);
    }
    let (_, rows) = common::csv_rows(&room.path("r.csv"));
    assert_eq!(rows.len(), 12);

    let html = read(&room.path("page/index.html"));
    assert_eq!(record["bytes"], html.len());
    assert_eq!(sections(&html), ids());
    for (id, numbers) in [
        ("lecture-2-2", &["456"][..]),
        ("lecture-4-2", &["-96.8", "437.9", "60.75", "61.95"]),
        ("lecture-6-2", &["2.9", "0", "12.9", "5.27"]),
        (
            "lecture-6-3",
            &["0.1300", "0.8690", "0.0010", "2.04", "0.0009"],
        ),
        ("lecture-7-2", &["1", "0.25"]),
    ] {
        for number in numbers {
            let data = format!("<data value=\"{number}\">");
            assert!(section(&html, id).contains(&data), "{id}: {data}");
        }
    }
    assert!(html.matches("<svg ").count() >= 12);
    // No address but those in the file; names of formats are no requests.
    let addresses = html.replace("xmlns=\"http://www.w3.org/2000/svg\"", "");
    for scheme in ["http:", "https:", "url(", "@import", "file://"] {
        assert!(!addresses.contains(scheme), "{scheme}");
    }
    for attribute in [" src=\"", " href=\""] {
        for value in html.split(attribute).skip(1) {
            assert!(
                value.starts_with("data:") || value.starts_with('#'),
                "{}",
                &value[..40]
            );
        }
    }
    // Names of the data, and nothing that they could break out of.
    assert!(html.contains("ant") && !html.contains("{}"));

    // The same seed, the same page; only times differ.
    room.ok("lecture --data data --out page --force --quiet");
    let again = read(&room.path("page/index.html"));
    assert!(
        without_times(&html) == without_times(&again),
        "another page"
    );
}

#[test]
fn some_chapters_without_a_look_at_the_test_images() {
    let room = Room::with_data();
    let (stdout, stderr) = room.ok("lecture --data data --out page --only losses,images");
    assert!(stdout.ends_with("page/index.html\n"), "{stdout}");
    for step in ["lecture: 1. images and data", "lecture: 6. losses"] {
        assert!(stderr.contains(step), "{stderr}");
    }
    assert!(!stderr.contains("look "), "{stderr}");
    let found = sections(&read(&room.path("page/index.html")));
    let expected: Vec<String> = ids()
        .into_iter()
        .filter(|id| id.starts_with("lecture-1-") || id.starts_with("lecture-6-"))
        .collect();
    assert_eq!(found.into_iter().collect::<Vec<_>>(), expected);
}

#[test]
fn class_names_stay_text() {
    let room = Room::new();
    let contents = nearplane_cifar::write::Contents {
        class_names: ["<b>x</b>", "a&b", "\"q\"", "</script>"]
            .map(str::to_owned)
            .to_vec(),
        ..common::tiny()
    };
    nearplane_cifar::write::write_folder(&room.path("data"), &contents, false).unwrap();
    room.ok("lecture --data data --out page --only images --quiet");
    let html = read(&room.path("page/index.html"));
    assert!(html.contains("&lt;b&gt;x&lt;/b&gt;") && html.contains("a&amp;b"));
    assert!(!html.contains("<b>x") && !html.contains("alt=\"images of class \"q"));
    assert_eq!(
        html.matches("</script>").count(),
        html.matches("<script").count()
    );
}

#[test]
fn bad_outputs_and_bad_data() {
    let room = Room::with_data();
    room.write("file", "x");
    std::fs::create_dir(room.path("notes")).unwrap();
    room.write("notes/thesis.txt", "years");
    let lecture = "lecture --only losses --data data --quiet";
    room.fails(
        1,
        &format!("{lecture} --out notes"),
        &["notes exists", "--force"],
    );
    room.fails(
        1,
        &format!("{lecture} --out notes --force"),
        &["thesis.txt"],
    );
    room.fails(1, &format!("{lecture} --out file"), &["file is no folder"]);
    room.fails(
        1,
        &format!("{lecture} --out file/below"),
        &["cannot write the folder"],
    );
    room.fails(
        1,
        &format!("{lecture} --out data/page"),
        &["folder of the data set"],
    );
    room.fails(
        2,
        &format!("{lecture} --out page --results page/r.csv"),
        &["--results", "folder that is written"],
    );
    room.fails(
        1,
        "lecture --out page --data nowhere",
        &["nowhere", "does not exist"],
    );
    room.write("data/data_batch_1.bin", [0; 100]);
    room.fails(1, &format!("{lecture} --out page"), &["data_batch_1.bin"]);
    room.fails(2, "lecture --out page --only everything", &["everything"]);
    room.fails(2, "lecture --quick", &["--out"]);
}

#[test]
fn too_few_images_are_one_clear_line() {
    let room = Room::with_data();
    room.fails(
        1,
        "lecture --data data --out page --limit 5 --quiet",
        &["cannot set aside a tenth", "--limit"],
    );
}

#[cfg(unix)]
#[test]
fn an_interrupted_run_leaves_no_half_page() {
    use std::io::{BufRead as _, BufReader, Read as _};
    use std::process::{Command, Stdio};

    let room = Room::new();
    room.ok("data synth --out data --n-train 300 --n-test 100");
    let mut child = room
        .std_nearplane("lecture --data data --out page --json")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    let mut stderr = BufReader::new(child.stderr.take().unwrap());
    let mut line = String::new();
    while !line.starts_with("lecture: 2.") {
        line.clear();
        assert!(
            stderr.read_line(&mut line).unwrap() > 0,
            "no second chapter"
        );
    }
    let kill = Command::new("kill")
        .args(["-INT", &child.id().to_string()])
        .status();
    assert!(kill.unwrap().success());
    let (mut rest, mut stdout) = (String::new(), String::new());
    stderr.read_to_string(&mut rest).unwrap();
    child
        .stdout
        .take()
        .unwrap()
        .read_to_string(&mut stdout)
        .unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(130), "{rest}");
    assert_eq!(stdout, "");
    assert!(
        rest.lines()
            .last()
            .unwrap()
            .starts_with("error: interrupted"),
        "{rest}"
    );
    let left = std::fs::read_dir(room.path(".")).unwrap();
    let left: Vec<_> = left.map(|entry| entry.unwrap().file_name()).collect();
    assert_eq!(left, ["data"], "something stayed");
    assert!(!room.path("data/.nearplane-looks.csv").exists());
}
