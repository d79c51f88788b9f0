//! Imports class folders of images: `import SRC OUT [ORDER]` writes the CIFAR binary files to OUT.

use std::error::Error;
use std::path::Path;

use nearplane_cifar::import::{ImportOptions, import};
use nearplane_cifar::write::write_folder;

fn main() -> Result<(), Box<dyn Error>> {
    let args: Vec<String> = std::env::args().skip(1).collect();
    let [src, out, order @ ..] = args.as_slice() else {
        return Err("usage: import SRC OUT [ORDER]".into());
    };
    let options = ImportOptions {
        order: order.first().map(Into::into),
        ..ImportOptions::default()
    };
    // As text: the list of unreadable images of a large source would fill the screen.
    let imported = import(Path::new(src), &options, &()).map_err(|error| error.to_string())?;
    for file in write_folder(Path::new(out), &imported.contents, false)? {
        println!("{}", file.display());
    }
    println!("{} resized, {:?}", imported.resized, imported.notes);
    Ok(())
}
