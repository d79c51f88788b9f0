//! Raster pictures: contact sheets of 32x32 images, and PNG files that are whole or absent.

use std::fs::File;
use std::io::{self, Write};
use std::path::{Path, PathBuf};

use image::codecs::png::{CompressionType, FilterType, PngEncoder};
use image::{ExtendedColorType, ImageEncoder};
use thiserror::Error;

/// The side of a data set image in pixels.
const SIDE: usize = 32;
/// The pixels of one colour plane.
const PLANE: usize = SIDE * SIDE;
/// What shows between the images of a sheet: light enough to tell both black and white images apart.
pub(crate) const BACKGROUND: [u8; 3] = [224, 224, 224];

/// Red, green and blue, 0..=255.
pub type Rgb = [u8; 3];

/// A picture in memory: `height` rows of `width` pixels of red, green, blue.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Picture {
    width: u32,
    height: u32,
    rgb: Vec<u8>,
}

/// Why a picture was not written; the file that it should have become is as it was.
#[derive(Debug, Error)]
#[non_exhaustive]
pub enum PictureError {
    /// The system refused to create, write or rename the file.
    #[error("cannot write the picture {}: {source}", path.display())]
    Write {
        /// The file asked for.
        path: PathBuf,
        /// What the system said.
        source: io::Error,
    },
    /// The PNG encoder refused the picture.
    #[error("cannot encode a picture of {width} x {height} pixels as PNG: {source}")]
    Encode {
        /// Pixels a row.
        width: u32,
        /// Rows.
        height: u32,
        /// What the encoder said; its type is not part of what stays stable.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
}

impl Picture {
    /// A picture of `width x height` pixels, row by row from the top, each red, green, blue.
    ///
    /// # Panics
    /// If a side is 0 or `rgb` is not `3 width height` bytes.
    #[must_use]
    pub fn new(width: u32, height: u32, rgb: Vec<u8>) -> Self {
        assert!(
            width > 0 && height > 0,
            "a picture of {width} x {height} pixels shows nothing"
        );
        assert!(
            rgb.len() as u64 / 3 == u64::from(width) * u64::from(height)
                && rgb.len().is_multiple_of(3),
            "{} bytes for a picture of {width} x {height} pixels of 3 bytes",
            rgb.len()
        );
        Self { width, height, rgb }
    }

    /// Pixels a row.
    #[must_use]
    pub fn width(&self) -> u32 {
        self.width
    }

    /// Rows.
    #[must_use]
    pub fn height(&self) -> u32 {
        self.height
    }

    /// All pixels, row by row from the top, each red, green, blue.
    #[must_use]
    pub fn rgb(&self) -> &[u8] {
        &self.rgb
    }

    /// Paints a pixel.
    pub(crate) fn set(&mut self, x: usize, y: usize, color: Rgb) {
        let at = 3 * (y * self.width as usize + x);
        self.rgb[at..at + 3].copy_from_slice(&color);
    }

    /// Puts another picture where it fits, its upper left corner at (left, top).
    pub(crate) fn paste(&mut self, left: usize, top: usize, picture: &Picture) {
        let row_len = 3 * picture.width as usize;
        for (y, row) in picture.rgb.chunks_exact(row_len).enumerate() {
            let at = 3 * ((top + y) * self.width as usize + left);
            self.rgb[at..at + row_len].copy_from_slice(row);
        }
    }

    /// The picture as the bytes of a PNG file.
    ///
    /// # Errors
    /// [`PictureError::Encode`] for a picture beyond what PNG can hold.
    pub fn to_png(&self) -> Result<Vec<u8>, PictureError> {
        let mut png = Vec::new();
        PngEncoder::new_with_quality(&mut png, CompressionType::Best, FilterType::Adaptive)
            .write_image(&self.rgb, self.width, self.height, ExtendedColorType::Rgb8)
            .map_err(|source| PictureError::Encode {
                width: self.width,
                height: self.height,
                source: Box::new(source),
            })?;
        Ok(png)
    }

    /// Writes the picture as a PNG file, replacing one that exists.
    ///
    /// The bytes go to a temporary file in the same folder, which is renamed when it is complete:
    /// a run that fails or is stopped leaves `path` as it was.
    ///
    /// # Errors
    /// [`PictureError`]: the folder does not exist or cannot be written, `path` is a folder, the
    /// disk is full, or the picture is beyond what PNG can hold.
    pub fn save_png(&self, path: &Path) -> Result<(), PictureError> {
        let png = self.to_png()?;
        write_whole(path, &png).map_err(|source| PictureError::Write {
            path: path.to_owned(),
            source,
        })
    }
}

/// Writes a file by way of a temporary one beside it.
fn write_whole(path: &Path, bytes: &[u8]) -> io::Result<()> {
    let folder = match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    };
    // The message of a failed `make_in` names the temporary file, which says nothing to a user.
    let mut code = None;
    let mut file = tempfile::Builder::new()
        .prefix(".nearplane-")
        .suffix(".tmp")
        .make_in(folder, |temporary| {
            let opened = File::options().write(true).create_new(true).open(temporary);
            opened.inspect_err(|error| code = error.raw_os_error())
        })
        .map_err(|error| code.map_or(error, io::Error::from_raw_os_error))?;
    file.as_file_mut().write_all(bytes)?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|error| error.error)?;
    Ok(())
}

/// One image of a [`contact_sheet`], perhaps with a frame.
#[derive(Clone, Copy, Debug)]
pub struct Tile<'a> {
    pixels: &'a [u8],
    frame: Option<Rgb>,
}

impl<'a> Tile<'a> {
    /// An image without a frame.
    ///
    /// `pixels`: 3072 bytes as CIFAR stores them, the red, then the green, then the blue plane, each
    /// 32 rows of 32.
    ///
    /// # Panics
    /// If `pixels` is not 3072 bytes.
    #[must_use]
    pub fn new(pixels: &'a [u8]) -> Self {
        assert!(
            pixels.len() == 3 * PLANE,
            "{} bytes for an image of 3072",
            pixels.len()
        );
        Self {
            pixels,
            frame: None,
        }
    }

    /// An image with a frame of one colour.
    ///
    /// # Panics
    /// If `pixels` is not 3072 bytes.
    #[must_use]
    pub fn framed(pixels: &'a [u8], color: Rgb) -> Self {
        Self {
            frame: Some(color),
            ..Self::new(pixels)
        }
    }
}

impl<'a> From<&'a [u8]> for Tile<'a> {
    /// [`Tile::new`].
    fn from(pixels: &'a [u8]) -> Self {
        Tile::new(pixels)
    }
}

/// Images side by side, `columns` a row, on a light gray ground.
///
/// `images` are planar slices of 3072 bytes (`&[&[u8]]`) or [`Tile`]s; each pixel becomes a square
/// of `scale` pixels; `gap` pixels lie between neighbours and around the whole. A frame covers the
/// half of the gap, rounded down, that is next to its image. Fewer images than `columns` make a
/// narrower sheet; places left over in the last row stay empty.
///
/// # Panics
/// If there is no image, `columns` or `scale` is 0, an image is not 3072 bytes, an image has a frame
/// and `gap` is below 2, or a side of the sheet exceeds u32.
///
/// ```
/// let image = [0; 3072];
/// let sheet = nearplane_report::contact_sheet(&[&image[..]; 25], 10, 2, 1);
/// assert_eq!((sheet.width(), sheet.height()), (10 * 65 + 1, 3 * 65 + 1));
/// ```
#[must_use]
pub fn contact_sheet<'a, T>(images: &[T], columns: usize, scale: usize, gap: usize) -> Picture
where
    T: Copy + Into<Tile<'a>>,
{
    assert!(
        !images.is_empty(),
        "a contact sheet needs at least one image"
    );
    assert!(
        columns > 0 && scale > 0,
        "{columns} columns at scale {scale}: both must be above 0"
    );
    let columns = columns.min(images.len());
    let (width, height) = (
        side(columns, scale, gap),
        side(images.len().div_ceil(columns), scale, gap),
    );
    let mut canvas = Canvas {
        width: width as usize,
        rgb: BACKGROUND.repeat(width as usize * height as usize),
    };

    for (place, &image) in images.iter().enumerate() {
        let Tile { pixels, frame } = image.into();
        let step = SIDE * scale + gap;
        let (left, top) = (gap + place % columns * step, gap + place / columns * step);
        if let Some(color) = frame {
            assert!(
                gap >= 2,
                "a frame needs a gap of at least 2 pixels, found {gap}"
            );
            let border = gap / 2;
            canvas.fill(
                left - border,
                top - border,
                SIDE * scale + 2 * border,
                color,
            );
        }
        for y in 0..SIDE {
            for x in 0..SIDE {
                let color = [0, 1, 2].map(|plane| pixels[plane * PLANE + y * SIDE + x]);
                canvas.fill(left + x * scale, top + y * scale, scale, color);
            }
        }
    }
    Picture::new(width, height, canvas.rgb)
}

/// The side of a sheet with `count` images along it.
fn side(count: usize, scale: usize, gap: usize) -> u32 {
    let side = SIDE
        .checked_mul(scale)
        .and_then(|image| image.checked_add(gap))
        .and_then(|step| step.checked_mul(count))
        .and_then(|steps| steps.checked_add(gap))
        .and_then(|side| u32::try_from(side).ok());
    side.unwrap_or_else(|| {
        panic!(
            "{count} images at scale {scale} with gaps of {gap} are wider than 4294967295 pixels"
        )
    })
}

struct Canvas {
    width: usize,
    rgb: Vec<u8>,
}

impl Canvas {
    /// Paints a square.
    fn fill(&mut self, left: usize, top: usize, side: usize, color: Rgb) {
        for y in top..top + side {
            let row = &mut self.rgb[3 * (y * self.width + left)..][..3 * side];
            for pixel in row.chunks_exact_mut(3) {
                pixel.copy_from_slice(&color);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn pixel(picture: &Picture, x: usize, y: usize) -> Rgb {
        let at = 3 * (y * picture.width as usize + x);
        [0, 1, 2].map(|channel| picture.rgb[at + channel])
    }

    /// An image in which every pixel of every plane depends on its place.
    fn image(salt: usize) -> Vec<u8> {
        (0..3 * PLANE)
            .map(|i| (i * 31 + i / 256 + salt * 97) as u8)
            .collect()
    }

    fn check_sheet(n_images: usize, columns: usize, scale: usize, gap: usize) {
        let images: Vec<Vec<u8>> = (0..n_images).map(image).collect();
        let slices: Vec<&[u8]> = images.iter().map(Vec::as_slice).collect();
        let sheet = contact_sheet(&slices, columns, scale, gap);
        let step = 32 * scale + gap;
        for y in 0..sheet.height as usize {
            for x in 0..sheet.width as usize {
                // Coordinates from the end of the gap on the left and on top.
                let (column, in_x) = ((x + step - gap) / step, (x + step - gap) % step);
                let (row, in_y) = ((y + step - gap) / step, (y + step - gap) % step);
                let shown = (column > 0 && row > 0 && in_x < 32 * scale && in_y < 32 * scale)
                    .then(|| (row - 1) * columns.min(n_images) + column - 1)
                    .filter(|&place| place < n_images);
                let want = shown.map_or(BACKGROUND, |place| {
                    let at = in_y / scale * 32 + in_x / scale;
                    [
                        images[place][at],
                        images[place][1024 + at],
                        images[place][2048 + at],
                    ]
                });
                assert_eq!(pixel(&sheet, x, y), want, "x {x}, y {y}");
            }
        }
    }

    proptest! {
        #![proptest_config(ProptestConfig::with_cases(40))]
        #[test]
        fn every_pixel_is_where_it_belongs(n in 1_usize..8, columns in 1_usize..5, scale in 1_usize..4, gap in 0_usize..5) {
            check_sheet(n, columns, scale, gap);
        }
    }

    #[test]
    fn a_frame_covers_half_the_gap() {
        let black = [0; 3072];
        let sheet = contact_sheet(
            &[Tile::new(&black), Tile::framed(&black, [1, 2, 3])],
            2,
            1,
            5,
        );
        // Gap 0..5, image 5..37, gap 37..42 (of which 40..42 frame), image 42..74, frame 74..76.
        for (x, y, want) in [
            (36, 20, [0; 3]),
            (37, 20, BACKGROUND),
            (39, 20, BACKGROUND),
            (40, 20, [1, 2, 3]),
            (41, 20, [1, 2, 3]),
            (42, 20, [0; 3]),
            (73, 20, [0; 3]),
            (75, 20, [1, 2, 3]),
            (76, 20, BACKGROUND),
            (60, 2, BACKGROUND),
            (60, 3, [1, 2, 3]),
            (40, 38, [1, 2, 3]),
            (60, 39, BACKGROUND),
        ] {
            assert_eq!(pixel(&sheet, x, y), want, "x {x}, y {y}");
        }
    }

    #[test]
    #[should_panic(expected = "a frame needs a gap of at least 2 pixels, found 1")]
    fn a_frame_without_room_is_refused() {
        let _ = contact_sheet(&[Tile::framed(&[0; 3072], [1, 2, 3])], 1, 1, 1);
    }

    #[test]
    #[should_panic(expected = "3071 bytes for an image of 3072")]
    fn an_image_of_another_size_is_refused() {
        let _ = contact_sheet(&[&[0_u8; 3071][..]], 1, 1, 0);
    }

    #[test]
    #[should_panic(expected = "wider than 4294967295 pixels")]
    fn a_sheet_too_large_is_refused() {
        let _ = contact_sheet(&[&[0_u8; 3072][..]], 1, 1 << 40, 0);
    }

    #[test]
    fn a_file_holds_the_picture() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("sheet.png");
        std::fs::write(&path, "an older file").unwrap();
        let images = [image(1), image(2)];
        let sheet = contact_sheet(&[&images[0][..], &images[1]], 2, 2, 3);
        sheet.save_png(&path).unwrap();

        let back = image::load_from_memory(&std::fs::read(&path).unwrap())
            .unwrap()
            .into_rgb8();
        assert_eq!(back.dimensions(), (sheet.width(), sheet.height()));
        assert_eq!(back.as_raw(), sheet.rgb());
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "a temporary file stayed"
        );
    }

    #[test]
    fn a_file_that_cannot_be_written_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let picture = Picture::new(1, 1, vec![1, 2, 3]);
        let missing = folder.path().join("no").join("sheet.png");
        let message = picture.save_png(&missing).unwrap_err().to_string();
        assert!(
            message.contains(&missing.display().to_string()),
            "{message}"
        );

        let taken = folder.path().join("taken");
        std::fs::create_dir(&taken).unwrap();
        let message = picture.save_png(&taken).unwrap_err().to_string();
        assert!(message.contains(&taken.display().to_string()), "{message}");
        assert_eq!(
            std::fs::read_dir(folder.path()).unwrap().count(),
            1,
            "a temporary file stayed"
        );
    }

    #[cfg(unix)]
    #[test]
    fn a_file_is_as_readable_as_any_other() {
        use std::os::unix::fs::PermissionsExt;
        let folder = tempfile::tempdir().unwrap();
        let (plain, png) = (folder.path().join("plain"), folder.path().join("sheet.png"));
        std::fs::write(&plain, "").unwrap();
        Picture::new(1, 1, vec![1, 2, 3]).save_png(&png).unwrap();
        let mode = |path: &Path| std::fs::metadata(path).unwrap().permissions().mode();
        assert_eq!(mode(&png), mode(&plain));
    }
}
