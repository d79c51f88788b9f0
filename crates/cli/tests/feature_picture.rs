//! `nearplane features --picture` through the binary.

mod common;

use common::{Room, tiny};
use nearplane_cifar::write::{Contents, write_folder};
use serde_json::{Value, json};

/// Pixels of the picture for one of an image, and between two of them.
const SCALE: usize = 6;
const GAP: usize = 4;
const STEP: usize = 32 * SCALE + GAP;

/// Width and pixels of a PNG file.
fn png(room: &Room, name: &str) -> (usize, Vec<[u8; 3]>) {
    let bytes = std::fs::read(room.path(name)).unwrap();
    assert_eq!(&bytes[1..4], b"PNG");
    let picture = image::load_from_memory(&bytes).unwrap().into_rgb8();
    let width = picture.width() as usize;
    (width, picture.pixels().map(|pixel| pixel.0).collect())
}

/// The pixels of a place of the sheet, row by row.
fn place((width, pixels): &(usize, Vec<[u8; 3]>), column: usize, row: usize) -> Vec<[u8; 3]> {
    let (left, top) = (GAP + column * STEP, GAP + row * STEP);
    let rows = pixels.chunks(*width).skip(top).take(32 * SCALE);
    rows.flat_map(|row| row[left..left + 32 * SCALE].to_vec())
        .collect()
}

/// Class 0: a bright lower half. Class 1: one colour. Class 2: nothing. Class 3: a bright right half.
fn edges() -> Contents {
    let record = |label: u8, pixel: fn(usize, usize) -> u8| {
        let plane: Vec<u8> = (0..1024).map(|i| pixel(i % 32, i / 32)).collect();
        std::iter::once(label)
            .chain(plane.repeat(3))
            .collect::<Vec<u8>>()
    };
    let level = record(0, |_, y| if y < 15 { 20 } else { 200 });
    let even = record(1, |_, _| 90);
    let upright = record(3, |x, _| if x < 15 { 20 } else { 200 });
    Contents {
        train: [&upright[..], &level, &even, &even, &level].concat(),
        test: upright,
        ..tiny()
    }
}

#[test]
fn glyphs_lie_along_the_edges_of_each_class() {
    let room = Room::new();
    write_folder(&room.path("data"), &edges(), false).unwrap();
    let record = room.json(
        "features --data data --features raw+hog:mode=skimage,cell=8+hog:cell=4 --picture p.png",
    );
    assert_eq!(record["picture"], json!("p.png"));
    for field in ["out", "labels_out", "rows", "from_cache", "seconds"] {
        assert_eq!(record[field], Value::Null, "{field}");
    }
    // Of raw there is no column, and of class 2 no row.
    let sheet = png(&room, "p.png");
    assert_eq!(
        (sheet.0, sheet.1.len() / sheet.0),
        (3 * STEP + GAP, 3 * STEP + GAP)
    );

    // The image itself, enlarged.
    let side = 32 * SCALE;
    let image = place(&sheet, 0, 0);
    assert_eq!(
        (image[14 * SCALE * side], image[15 * SCALE * side]),
        ([20; 3], [200; 3])
    );

    for column in [1, 2] {
        let [level, even, upright] = [0, 1, 2].map(|row| place(&sheet, column, row));
        assert!(even.iter().all(|pixel| *pixel == [0; 3]));
        // How bright pixels are beside each other along x and along y: strokes of an edge join their like.
        let ink = |pixels: &[[u8; 3]]| {
            let light = |x: usize, y: usize| u64::from(pixels[y * side + x][0]);
            let both = |dx: usize, dy: usize| -> u64 {
                let all = (0..side - 4).flat_map(|y| (0..side - 4).map(move |x| (x, y)));
                all.map(|(x, y)| light(x, y) * light(x + dx, y + dy)).sum()
            };
            (both(4, 0), both(0, 4))
        };
        let ((along, across), (upright_along, upright_across)) = (ink(&level), ink(&upright));
        assert!(along > 2 * across, "column {column}: {along} and {across}");
        assert!(upright_across > 2 * upright_along, "column {column}");
    }
}

#[test]
fn histograms_stand_beside_the_glyphs_and_images_beside_each_other() {
    let room = Room::new();
    write_folder(&room.path("data"), &edges(), false).unwrap();
    let (text, _) = room.ok(
        "features --data data --features hog+hist:space=rgb,bins=4 --picture p.png --count 2 --out f.npy",
    );
    assert!(
        text.contains("from the left image, hog1, hog2, hist, 2 times: p.png"),
        "{text}"
    );
    assert!(room.path("f.npy").exists() && room.path("f.labels.npy").exists());
    let sheet = png(&room, "p.png");
    assert_eq!(
        (sheet.0, sheet.1.len() / sheet.0),
        (8 * STEP + GAP, 3 * STEP + GAP)
    );
    // Both images of class 0 are the same, and so is what is made of them; of class 3 there is one.
    for column in 0..4 {
        assert_eq!(place(&sheet, column, 0), place(&sheet, 4 + column, 0));
        assert!(
            place(&sheet, 4 + column, 2)
                .iter()
                .all(|pixel| *pixel == [224; 3])
        );
    }
    // Pixels of 90 are in the second of four bins of each channel: all of the height of a plot.
    let bars = place(&sheet, 3, 1);
    let column_of = |share: f64| (share * (32 * SCALE) as f64) as usize;
    let top = |x: usize| bars[2 * 32 * SCALE + x];
    for channel in 0..3 {
        let third = f64::from(channel) / 3.0;
        let middle = |bin: f64| top(column_of(third + (bin + 0.5) / 12.0));
        let mut color = [0; 3];
        color[channel as usize] = 95;
        assert_eq!(
            [0.0, 1.0, 2.0].map(middle),
            [[255; 3], color, [255; 3]],
            "{channel}"
        );
    }
    // The first training images alone.
    room.ok("features --data data --features hog:cell=8 --picture one.png --limit 1");
    let one = png(&room, "one.png");
    assert_eq!((one.0, one.1.len() / one.0), (2 * STEP + GAP, STEP + GAP));
}

#[test]
fn a_picture_that_cannot_be_had_gets_one_line() {
    let room = Room::with_data();
    room.fails(
        2,
        "features --data data --features raw --picture x.png",
        &["hog", "raw"],
    );
    room.fails(
        2,
        "features --data data --features hist --picture x.png",
        &["hog", "hist"],
    );
    for name in ["x", "x.jpg", "x.png.npy"] {
        let command = format!("features --data data --features hog --picture {name}");
        room.fails(2, &command, &["--picture", name, "PNG", ".png"]);
    }
    room.fails(2, "features --data data --features hog", &["--out"]);
    for count in ["0", "11", "x"] {
        let command =
            format!("features --data data --features hog --picture x.png --count {count}");
        room.fails(2, &command, &["--count"]);
    }
    room.fails(
        2,
        "features --data data --features hog --out f.npy --count 2",
        &["--picture"],
    );
    room.fails(
        2,
        "features --data data --features hog --picture x.png --cache kept",
        &["--out"],
    );
    room.fails(
        1,
        "features --data data --features hog --picture no/x.png",
        &["cannot write no/x.png"],
    );
    room.fails(
        1,
        "features --data data --features hog --picture data/x.png",
        &["data/x.png", "another folder"],
    );
    room.fails(
        2,
        "features --data data --features hog --picture x.png --results x.png",
        &["--picture", "--results", "same file"],
    );
    room.write("x.png", "mine");
    room.fails(
        1,
        "features --data data --features hog --picture x.png",
        &["x.png", "--force"],
    );
    room.fails(
        1,
        "features --data data --features hog --picture x.png --out f.npy",
        &["x.png", "--force"],
    );
    room.ok("features --data data --features hog --picture x.png --force");
    assert_ne!(std::fs::read(room.path("x.png")).unwrap(), b"mine");

    let many = vec!["hog"; 200].join("+");
    room.fails(
        1,
        &format!("features --data data --features {many} --picture y.png --count 10"),
        &["pixels", "--count"],
    );
}

#[test]
fn the_row_of_results_of_a_picture_has_no_matrix() {
    let room = Room::with_data();
    room.ok("features --data data --features hog --picture x.png --results r.csv");
    room.ok("features --data data --features hog --out f.npy --results r.csv");
    let (header, rows) = common::csv_rows(&room.path("r.csv"));
    let column = |name: &str| header.iter().position(|cell| cell == name).unwrap();
    for name in ["rows", "out", "from_cache", "seconds"] {
        assert_eq!(rows[0][column(name)], "", "{name}");
        assert_ne!(rows[1][column(name)], "", "{name}");
    }
    assert_eq!(rows[0][column("cols")], "1944");
}
