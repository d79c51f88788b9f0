//! Plots and pictures of single commands: `knn --neighbors`, `cv --plot`, `train --plot`, `eval --confusion`,
//! `predict --explain`.

mod common;

use common::{N_TRAIN, Room};

fn png(room: &Room, name: &str) -> image::RgbImage {
    image::load_from_memory(&std::fs::read(room.path(name)).unwrap())
        .unwrap()
        .to_rgb8()
}

fn svg(room: &Room, name: &str) -> String {
    let text = std::fs::read_to_string(room.path(name)).unwrap();
    assert!(
        text.starts_with("<svg xmlns=\"http://www.w3.org/2000/svg\""),
        "{name}"
    );
    assert!(
        text.ends_with("</svg>") && text.contains("<title>"),
        "{name}"
    );
    text
}

#[test]
fn images_beside_their_neighbours() {
    let room = Room::with_data();
    let record = room.json("knn --data data --k 3 --neighbors n.png --predictions p.csv");
    let n_eval = record["n_eval"].as_u64().unwrap() as u32;
    let picture = png(&room, "n.png");
    // Ten neighbours beside each image, 64 pixels and a gap of 6 each; no more than 16 rows.
    assert_eq!(picture.width(), 11 * 70 + 6);
    let rows = (picture.height() - 6) / 70;
    assert!(rows <= n_eval.min(16) && rows > 0, "{rows}");
    // The first column says who was recognised: those come first.
    let (_, predictions) = common::csv_rows(&room.path("p.csv"));
    let right = predictions
        .iter()
        .filter(|row| row[1] == row[2])
        .count()
        .min(8) as u32;
    for row in 0..rows {
        let frame = picture.get_pixel(4, 70 * row + 4).0;
        let is_green = frame[1] > frame[0];
        assert_eq!(is_green, row < right, "row {row}: {frame:?}");
    }
    room.fails(
        2,
        "knn --data data --neighbors n.jpg",
        &["--neighbors", ".png"],
    );
    room.fails(
        1,
        "knn --data data --neighbors n.png",
        &["n.png exists", "--force"],
    );
    room.fails(
        1,
        "knn --data data --neighbors data/n.png",
        &["folder of the data set"],
    );
}

#[test]
fn cross_validation_as_a_plot() {
    let room = Room::with_data();
    room.ok("cv knn --data data --k 1..10 --folds 4 --plot cv.svg");
    let plot = svg(&room, "cv.svg");
    // Two metrics, ten k, four folds.
    let points = plot.matches("class=\"pt ").count();
    assert_eq!(points, 2 * 10 * 4);
    assert!(plot.contains(">L1<") && plot.contains(">L2<"));
    room.fails(2, "cv knn --data data --plot cv.png", &["--plot", ".svg"]);
}

#[test]
fn a_fit_its_mistakes_and_its_reasons() {
    let room = Room::with_data();
    room.ok("train --data data --lambda 0.1,0.01 --out m.safetensors --plot way.svg");
    let way = svg(&room, "way.svg");
    assert!(way.contains("lambda 0.1, nine tenths") && way.contains("the model"));
    room.fails(
        2,
        "train --data data --loss ridge --out r.safetensors --plot way2.svg",
        &["--plot", "closed form"],
    );

    let record = room.json("eval m.safetensors --data data --confusion c.svg");
    let plot = svg(&room, "c.svg");
    let counts: Vec<u64> = record["confusion"]
        .as_array()
        .unwrap()
        .iter()
        .flat_map(|row| row.as_array().unwrap().iter().map(|n| n.as_u64().unwrap()))
        .collect();
    for count in &counts {
        assert!(plot.contains(&format!(">{count}<")), "{count}");
    }
    let filled = counts.iter().filter(|count| **count > 0).count();
    assert_eq!(
        plot.matches("<image ").count(),
        filled,
        "an image in each cell that has one"
    );
    assert!(plot.contains(">bee<"));

    let gray = image::RgbImage::from_pixel(32, 32, image::Rgb([120; 3]));
    gray.save(room.path("a.png")).unwrap();
    room.ok("predict m.safetensors a.png a.png --explain why.png");
    let why = png(&room, "why.png");
    assert_eq!((why.width(), why.height()), (2 * 196 + 4, 2 * 196 + 4));
    assert_eq!(why.get_pixel(10, 10).0, [120; 3]);
    room.ok("train --data data --features hog --lambda 0.1 --out h.safetensors");
    room.fails(
        1,
        "predict h.safetensors a.png --explain why2.png",
        &["features", "raw pixels"],
    );
    assert!(counts.iter().sum::<u64>() < N_TRAIN as u64);
}
