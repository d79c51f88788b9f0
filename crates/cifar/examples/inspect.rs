//! Opens a folder of CIFAR-10 or CIFAR-100 files by reading it and counts its images: `inspect FOLDER`.
use std::path::Path;

use nearplane_cifar::{Dataset, OpenOptions};

fn main() -> Result<(), String> {
    let folder = std::env::args().nth(1).ok_or("usage: inspect FOLDER")?;
    let data = Dataset::read(Path::new(&folder), &OpenOptions::default())
        .map_err(|error| error.to_string())?;
    println!(
        "{}, {} classes",
        data.format().name(),
        data.class_names().len()
    );
    for (name, images) in [("train", data.train()), ("test", data.test())] {
        let mut counts = vec![0; data.class_names().len()];
        for label in images.labels() {
            counts[usize::from(label)] += 1;
        }
        println!("{name}: {} images, by class {counts:?}", images.len());
    }
    Ok(())
}
