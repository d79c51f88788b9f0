//! One image file by itself, decoded as an import decodes it, so that an image is the same bytes whichever way it
//! comes in.

use std::path::Path;

use super::decode::Decoder;
use super::source::read_file;
use super::{BadImage, ImportError};

/// Shared by all callers, so that large images wait for each other.
static DECODER: Decoder = Decoder::new();

/// Reads one JPEG or PNG file of any size: 1024 red, 1024 green, 1024 blue bytes, as [`import`](super::import) would
/// write them.
///
/// # Errors
/// [`ImportError::UnreadableImage`] for a path that is not a file, and for whatever makes an import call a file
/// unreadable; see "Pixels" and "Bad files" of the [module](super).
///
/// ```
/// use nearplane_cifar::import::read_image;
///
/// let folder = tempfile::tempdir()?;
/// let path = folder.path().join("red.png");
/// image::RgbImage::from_pixel(100, 60, image::Rgb([255, 0, 0])).save(&path)?;
/// let pixels = read_image(&path)?;
/// assert_eq!((pixels.len(), pixels[0], pixels[1024]), (3072, 255, 0));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub fn read_image(path: &Path) -> Result<Vec<u8>, ImportError> {
    let read = || {
        // Only a file ends for certain.
        match std::fs::metadata(path) {
            Ok(found) if found.is_dir() => return Err("a folder, expected a file".to_owned()),
            Ok(found) if !found.is_file() => {
                return Err("a device or a pipe, expected a file".to_owned());
            }
            // Opening says what is wrong.
            _ => {}
        }
        DECODER.decode(&read_file(path)?)
    };
    let decoded = read().map_err(|reason| {
        ImportError::UnreadableImage(BadImage {
            path: path.display().to_string(),
            reason,
        })
    })?;
    Ok(decoded.pixels)
}
