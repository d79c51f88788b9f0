//! One image file -> 3072 bytes: 1024 red, 1024 green, 1024 blue, row by row.
//!
//! Decoders are lenient by trade: they paint what is missing grey. A data set must not hold such
//! images, so a file has to be complete by its own structure before it is decoded, and the JPEG
//! decoder runs in strict mode.

use std::io::Cursor;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, PoisonError};

use image::codecs::png::PngDecoder;
use image::imageops::{self, FilterType};
use image::metadata::Orientation;
use image::{ColorType, DynamicImage, ImageDecoder, Limits, RgbImage};
use zune_jpeg::JpegDecoder;
use zune_jpeg::zune_core::bytestream::ZCursor;
use zune_jpeg::zune_core::colorspace::ColorSpace;
use zune_jpeg::zune_core::options::DecoderOptions;

use crate::format::PIXELS;

/// Height and width of a CIFAR image.
const SIDE: u32 = 32;
/// Widest and tallest image that is decoded.
const MAX_SIDE: u32 = 1 << 14;
/// Largest image that is decoded, in pixels.
const MAX_AREA: u64 = 1 << 26;
/// Above this many pixels images are decoded one at a time, so that memory does not grow with the
/// number of threads.
const LARGE_AREA: u64 = 1 << 22;
/// What a PNG may unpack beside its pixels (profiles, comments), in bytes.
const MAX_PNG_EXTRAS: u64 = 32 << 20;

const PNG_SIGNATURE: &[u8] = b"\x89PNG\r\n\x1a\n";

/// A decoded image.
pub(super) struct Decoded {
    /// [`PIXELS`] bytes.
    pub(super) pixels: Vec<u8>,
    /// Whether the file had another size than 32x32.
    pub(super) resized: bool,
}

/// Decodes images of every size with bounded memory.
#[derive(Default)]
pub(super) struct Decoder {
    large: Mutex<()>,
}

impl Decoder {
    /// Nothing is being decoded.
    pub(super) const fn new() -> Decoder {
        Decoder {
            large: Mutex::new(()),
        }
    }

    /// Decodes one JPEG or PNG file, told apart by content, whatever its name.
    ///
    /// # Errors
    /// A reason, for a list of unreadable files.
    pub(super) fn decode(&self, bytes: &[u8]) -> Result<Decoded, String> {
        // A decoder that panics on a damaged file costs that file, not the import.
        catch_unwind(AssertUnwindSafe(|| self.decode_unguarded(bytes)))
            .unwrap_or_else(|_| Err("the decoder gave up on it".into()))
    }

    fn decode_unguarded(&self, bytes: &[u8]) -> Result<Decoded, String> {
        if bytes.is_empty() {
            return Err("the file is empty".into());
        }
        let (image, orientation) = if bytes.starts_with(&[0xff, 0xd8]) {
            self.decode_jpeg(bytes)?
        } else if bytes.starts_with(PNG_SIGNATURE) {
            self.decode_png(bytes)?
        } else {
            if let Some(kind) = other_kind(bytes) {
                return Err(format!(
                    "a {kind} file, whatever its name; convert it to JPEG or PNG"
                ));
            }
            let start = bytes[..bytes.len().min(8)].escape_ascii();
            return Err(format!(
                "neither a JPEG nor a PNG file, it starts with \"{start}\""
            ));
        };
        let resized = image.dimensions() != (SIDE, SIDE);
        let image = if orientation == Orientation::NoTransforms {
            image
        } else {
            let mut turned = DynamicImage::ImageRgb8(image);
            turned.apply_orientation(orientation);
            turned.into_rgb8()
        };
        let image = if resized {
            imageops::resize(&image, SIDE, SIDE, FilterType::CatmullRom)
        } else {
            image
        };
        Ok(Decoded {
            pixels: planar(&image),
            resized,
        })
    }

    fn decode_jpeg(&self, bytes: &[u8]) -> Result<(RgbImage, Orientation), String> {
        check_jpeg_is_complete(bytes)?;
        let options = DecoderOptions::default()
            .set_strict_mode(true)
            .set_max_width(MAX_SIDE as usize)
            .set_max_height(MAX_SIDE as usize)
            .jpeg_set_out_colorspace(ColorSpace::RGB);
        let mut decoder = JpegDecoder::new_with_options(ZCursor::new(bytes), options);
        let fault = |error: zune_jpeg::errors::DecodeErrors| {
            format!("JPEG: {}", error.to_string().trim_end_matches(['.', '\n']))
        };
        decoder.decode_headers().map_err(fault)?;
        let info = decoder.info().ok_or("JPEG: no frame header")?;
        let (width, height) = (u32::from(info.width), u32::from(info.height));
        let area = checked_area(width, height)?;
        let orientation = decoder
            .exif()
            .and_then(|exif| Orientation::from_exif_chunk(exif))
            .unwrap_or(Orientation::NoTransforms);

        let _turn = self.turn(area);
        let mut pixels = vec![0; area as usize * 3];
        decoder.decode_into(&mut pixels).map_err(fault)?;
        let image = RgbImage::from_raw(width, height, pixels).ok_or("JPEG: pixels missing")?;
        Ok((image, orientation))
    }

    fn decode_png(&self, bytes: &[u8]) -> Result<(RgbImage, Orientation), String> {
        check_png_is_complete(bytes)?;
        let mut limits = Limits::no_limits();
        limits.max_image_width = Some(MAX_SIDE);
        limits.max_image_height = Some(MAX_SIDE);
        limits.max_alloc = Some(MAX_PNG_EXTRAS);
        let fault = |error: image::ImageError| format!("PNG: {error}");
        let mut decoder = PngDecoder::with_limits(Cursor::new(bytes), limits).map_err(fault)?;
        let (width, height) = decoder.dimensions();
        let area = checked_area(width, height)?;
        let orientation = decoder.orientation().map_err(fault)?;

        let _turn = self.turn(area);
        let image = DynamicImage::from_decoder(decoder).map_err(fault)?;
        let image = match image.color() {
            ColorType::La8 | ColorType::La16 | ColorType::Rgba8 | ColorType::Rgba16 => {
                on_white(image)
            }
            _ => image.into_rgb8(),
        };
        Ok((image, orientation))
    }

    /// A guard that large images hold while they are in memory.
    fn turn(&self, area: u64) -> Option<impl Drop + '_> {
        (area > LARGE_AREA).then(|| self.large.lock().unwrap_or_else(PoisonError::into_inner))
    }
}

/// Pictures of other kinds that are found under the names of these, mostly sent by phones and browsers.
fn other_kind(bytes: &[u8]) -> Option<&'static str> {
    let at = |offset: usize, magic: &[u8]| {
        bytes
            .get(offset..)
            .is_some_and(|rest| rest.starts_with(magic))
    };
    let brand = |brands: &[&[u8; 4]]| at(4, b"ftyp") && brands.iter().any(|brand| at(8, *brand));
    if brand(&[b"heic", b"heix", b"heif", b"mif1", b"msf1", b"hevc"]) {
        Some("HEIC")
    } else if brand(&[b"avif", b"avis"]) {
        Some("AVIF")
    } else if at(0, b"RIFF") && at(8, b"WEBP") {
        Some("WebP")
    } else if at(0, b"GIF8") {
        Some("GIF")
    } else if at(0, b"II*\0") || at(0, b"MM\0*") {
        Some("TIFF (or raw)")
    } else {
        None
    }
}

fn checked_area(width: u32, height: u32) -> Result<u64, String> {
    let area = u64::from(width) * u64::from(height);
    if width > MAX_SIDE || height > MAX_SIDE || area > MAX_AREA {
        return Err(format!(
            "{width}x{height} pixels, the limit is {MAX_SIDE} a side and {MAX_AREA} in all"
        ));
    }
    Ok(area)
}

/// What a viewer shows on a white page: c' = (c a + 255 (255 - a)) / 255, rounded.
fn on_white(image: DynamicImage) -> RgbImage {
    let image = image.into_rgba8();
    RgbImage::from_fn(image.width(), image.height(), |x, y| {
        let [red, green, blue, alpha] = image.get_pixel(x, y).0;
        let alpha = u32::from(alpha);
        let blend = |c: u8| ((u32::from(c) * alpha + 255 * (255 - alpha) + 127) / 255) as u8;
        image::Rgb([blend(red), blend(green), blend(blue)])
    })
}

fn planar(image: &RgbImage) -> Vec<u8> {
    let mut planes = Vec::with_capacity(PIXELS);
    for channel in 0..3 {
        planes.extend(image.as_raw().iter().skip(channel).step_by(3));
    }
    planes
}

/// Walks the segments of a JPEG to its end mark. A file that was cut has none: thumbnails with end
/// marks of their own lie inside segments, which the walk steps over. Bytes after the end mark
/// (cameras put further images there) do not matter.
fn check_jpeg_is_complete(bytes: &[u8]) -> Result<(), String> {
    const CUT: &str = "JPEG: it ends before its end mark, after";
    let cut = || format!("{CUT} {} bytes", bytes.len());
    let mut at = 2;
    let mut in_scan = false;
    let mut scans = 0;
    loop {
        // To the next marker: 0xff and neither fill (0xff) nor, in a scan, a stuffed zero or a restart.
        let rest = bytes.get(at..).ok_or_else(cut)?;
        at += rest.iter().position(|&byte| byte == 0xff).ok_or_else(cut)? + 1;
        let marker = *bytes.get(at).ok_or_else(cut)?;
        if marker == 0xff || (in_scan && matches!(marker, 0x00 | 0xd0..=0xd7)) {
            continue;
        }
        at += 1;
        in_scan = false;
        match marker {
            0xd9 if scans > 0 => return Ok(()),
            0xd9 => return Err("JPEG: it has no image data before its end mark".into()),
            // Markers without a segment.
            0x00 | 0x01 | 0xd0..=0xd8 => {}
            _ => {
                let length = bytes.get(at..at + 2).ok_or_else(cut)?;
                at += usize::from(u16::from_be_bytes([length[0], length[1]]));
                if marker == 0xda {
                    in_scan = true;
                    scans += 1;
                }
            }
        }
    }
}

/// Walks the chunks of a PNG to its end chunk.
fn check_png_is_complete(bytes: &[u8]) -> Result<(), String> {
    let mut at = PNG_SIGNATURE.len();
    loop {
        let header = bytes.get(at..at + 8);
        let length = header.map(|h| u32::from_be_bytes([h[0], h[1], h[2], h[3]]) as usize);
        // Header, data, checksum.
        let end = length.and_then(|length| at.checked_add(12)?.checked_add(length));
        match (header, end) {
            (Some(header), Some(end)) if end <= bytes.len() => {
                if header[4..] == *b"IEND" {
                    return Ok(());
                }
                at = end;
            }
            _ => {
                return Err(format!(
                    "PNG: it ends before its end chunk, after {} bytes",
                    bytes.len()
                ));
            }
        }
    }
}

#[cfg(test)]
mod tests;
