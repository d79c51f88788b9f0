//! Writes a contact sheet of ten grey images, every third one framed, to the file named, or tells its size.
use std::path::Path;

use nearplane_report::{PictureError, Tile, contact_sheet};

fn main() -> Result<(), PictureError> {
    let greys: Vec<[u8; 3072]> = (0..10).map(|i| [25 * i; 3072]).collect();
    let tiles: Vec<Tile> = greys
        .iter()
        .enumerate()
        .map(|(i, grey)| match i % 3 {
            0 => Tile::framed(grey, [0, 140, 60]),
            _ => Tile::new(grey),
        })
        .collect();
    let sheet = contact_sheet(&tiles, 5, 3, 4); // five a row, 3x3 pixels for one, gaps of 4
    match std::env::args().nth(1) {
        Some(file) => sheet.save_png(Path::new(&file))?,
        None => println!(
            "{} x {} pixels; name a file to have it",
            sheet.width(),
            sheet.height()
        ),
    }
    Ok(())
}
