//! Real files made by the encoders of `image`, whole and cut.

use image::codecs::jpeg::JpegEncoder;
use image::{GrayImage, ImageFormat, Luma, Rgb, RgbaImage};
use proptest::prelude::*;

use super::*;

fn picture(width: u32, height: u32) -> RgbImage {
    RgbImage::from_fn(width, height, |x, y| {
        Rgb([(x * 7) as u8, (y * 5) as u8, (x * y) as u8])
    })
}

fn file(image: impl Into<DynamicImage>, format: ImageFormat) -> Vec<u8> {
    let mut bytes = Cursor::new(Vec::new());
    image.into().write_to(&mut bytes, format).unwrap();
    bytes.into_inner()
}

fn jpeg(image: &RgbImage) -> Vec<u8> {
    let mut bytes = Vec::new();
    JpegEncoder::new_with_quality(&mut bytes, 95)
        .encode_image(image)
        .unwrap();
    bytes
}

fn decode(bytes: &[u8]) -> Result<Decoded, String> {
    Decoder::default().decode(bytes)
}

fn reason(bytes: &[u8]) -> String {
    decode(bytes).err().unwrap()
}

/// A segment goes behind the start mark of a JPEG.
fn with_segment(jpeg: &[u8], marker: u8, data: &[u8]) -> Vec<u8> {
    let length = u16::try_from(data.len() + 2).unwrap().to_be_bytes();
    [&jpeg[..2], &[0xff, marker], &length, data, &jpeg[2..]].concat()
}

#[test]
fn a_png_comes_out_exactly_plane_by_plane() {
    let image = picture(32, 32);
    let decoded = decode(&file(image.clone(), ImageFormat::Png)).unwrap();
    assert!(!decoded.resized);
    assert_eq!(decoded.pixels.len(), PIXELS);
    for (x, y, pixel) in image.enumerate_pixels() {
        for channel in 0..3 {
            let at = channel * 1024 + (y * 32 + x) as usize;
            assert_eq!(decoded.pixels[at], pixel[channel], "{x} {y} {channel}");
        }
    }
}

#[test]
fn a_jpeg_comes_out_as_the_image_crate_decodes_it() {
    let bytes = jpeg(&picture(32, 32));
    let expected = image::load_from_memory(&bytes).unwrap().into_rgb8();
    let decoded = decode(&bytes).unwrap();
    assert!(!decoded.resized);
    assert_eq!(decoded.pixels, planar(&expected));
}

#[test]
fn grey_becomes_three_equal_planes() {
    let image = GrayImage::from_fn(32, 32, |x, y| Luma([(x * 8 + y / 8) as u8]));
    for (format, tolerance) in [(ImageFormat::Png, 0), (ImageFormat::Jpeg, 8)] {
        let pixels = decode(&file(image.clone(), format)).unwrap().pixels;
        assert_eq!(pixels[..1024], pixels[1024..2048]);
        assert_eq!(pixels[..1024], pixels[2048..]);
        for (at, expected) in image.as_raw().iter().enumerate() {
            assert!(
                pixels[at].abs_diff(*expected) <= tolerance,
                "{format:?} {at}"
            );
        }
    }
}

#[test]
fn transparent_pixels_show_white() {
    let mut image = RgbaImage::from_pixel(32, 32, image::Rgba([10, 20, 30, 255]));
    image.put_pixel(1, 0, image::Rgba([10, 20, 30, 0]));
    image.put_pixel(2, 0, image::Rgba([10, 20, 30, 51]));
    let pixels = decode(&file(image.clone(), ImageFormat::Png))
        .unwrap()
        .pixels;
    assert_eq!(pixels[..4], [10, 255, 206, 10]);
    assert_eq!(pixels[1024..1028], [20, 255, 208, 20]);
    assert_eq!(pixels[2048..2052], [30, 255, 210, 30]);

    // 16 bits a channel become 8.
    let deep = DynamicImage::ImageRgba8(image).into_rgba16();
    assert_eq!(
        decode(&file(deep, ImageFormat::Png)).unwrap().pixels,
        pixels
    );
}

#[test]
fn other_sizes_are_resized() {
    for (width, height) in [(64, 64), (31, 32), (32, 33), (1, 1), (500, 3)] {
        let image = RgbImage::from_pixel(width, height, Rgb([9, 99, 199]));
        let decoded = decode(&file(image, ImageFormat::Png)).unwrap();
        assert!(decoded.resized, "{width}x{height}");
        let expected = [[9_u8; 1024], [99; 1024], [199; 1024]].concat();
        assert_eq!(decoded.pixels, expected, "{width}x{height}");
    }
    // The left half stays on the left: height and width are not swapped.
    let image = RgbImage::from_fn(128, 40, |x, _| Rgb([if x < 64 { 0 } else { 255 }; 3]));
    let pixels = decode(&file(image, ImageFormat::Png)).unwrap().pixels;
    assert!(
        pixels
            .chunks(32)
            .all(|row| row[..12] == [0; 12] && row[20..] == [255; 12])
    );
}

#[test]
fn the_orientation_of_a_camera_is_applied() {
    // Little-endian EXIF with one entry: tag 0x112 (orientation), type 3 (short), count 1, value 6.
    let exif = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0";
    let image = RgbImage::from_fn(32, 32, |x, y| Rgb([(x * 8) as u8, (y * 8) as u8, 0]));
    let plain = jpeg(&image);
    let turned = decode(&with_segment(&plain, 0xe1, exif)).unwrap();
    let mut expected = image::load_from_memory(&plain).unwrap();
    expected.apply_orientation(Orientation::Rotate90);
    assert!(!turned.resized);
    assert_eq!(turned.pixels, planar(&expected.into_rgb8()));
    assert_ne!(turned.pixels, decode(&plain).unwrap().pixels);
}

#[test]
fn a_jpeg_cut_anywhere_is_unreadable() {
    for (width, height) in [(32, 32), (40, 17)] {
        let whole = jpeg(&picture(width, height));
        assert!(decode(&whole).is_ok());
        for cut in 1..whole.len() {
            let reason = reason(&whole[..cut]);
            assert!(cut < 2 || reason.starts_with("JPEG:"), "{cut}: {reason}");
        }
        let half = reason(&whole[..whole.len() / 2]);
        assert!(half.contains("ends before its end mark"), "{half}");
    }
}

#[test]
fn the_end_mark_of_a_thumbnail_does_not_count() {
    let whole = jpeg(&picture(32, 32));
    let thumbnail = with_segment(&whole, 0xe3, &jpeg(&picture(8, 8)));
    assert_eq!(
        decode(&thumbnail).unwrap().pixels,
        decode(&whole).unwrap().pixels
    );
    let cut = reason(&thumbnail[..thumbnail.len() - whole.len() / 3]);
    assert!(cut.contains("ends before its end mark"), "{cut}");
}

#[test]
fn bytes_after_the_end_mark_do_not_matter() {
    let mut bytes = jpeg(&picture(32, 32));
    let pixels = decode(&bytes).unwrap().pixels;
    bytes.extend_from_slice(b"further images of a camera");
    assert_eq!(decode(&bytes).unwrap().pixels, pixels);
}

#[test]
fn a_png_cut_or_damaged_anywhere_is_unreadable() {
    let whole = file(picture(32, 32), ImageFormat::Png);
    for cut in 1..whole.len() {
        let reason = reason(&whole[..cut]);
        assert!(cut < 8 || reason.starts_with("PNG:"), "{cut}: {reason}");
    }
    for at in (8..whole.len() - 12).step_by(7) {
        let mut damaged = whole.clone();
        damaged[at] ^= 0x10;
        assert!(decode(&damaged).is_err(), "byte {at}");
    }
}

#[test]
fn what_is_no_image_says_what_it_is() {
    assert_eq!(reason(b""), "the file is empty");
    let text = reason(b"hello\nworld");
    assert!(
        text.contains("neither a JPEG nor a PNG") && text.contains("hello\\nwo"),
        "{text}"
    );
    let headers_only = reason(&[0xff, 0xd8, 0xff, 0xd9]);
    assert!(headers_only.contains("no image data"), "{headers_only}");
}

#[test]
fn absurd_dimensions_are_refused_before_they_cost_memory() {
    let mut whole = jpeg(&picture(32, 32));
    let frame = whole
        .windows(2)
        .position(|pair| pair == [0xff, 0xc0])
        .unwrap();
    whole[frame + 5..frame + 9].copy_from_slice(&[0xff; 4]);
    let jpeg_reason = reason(&whole);
    assert!(
        jpeg_reason.contains("65535") || jpeg_reason.contains("16384"),
        "{jpeg_reason}"
    );
    whole[frame + 5..frame + 9].copy_from_slice(&[0x30, 0, 0x30, 0]);
    let area_reason = reason(&whole);
    assert!(
        area_reason.contains("12288x12288") && area_reason.contains("67108864"),
        "{area_reason}"
    );

    // 2^14 x 2^14 pixels of zeros, which compress to next to nothing; the checksum is that of the header.
    let mut png = file(picture(32, 32), ImageFormat::Png);
    png[16..24].copy_from_slice(&[0, 0, 0x40, 0, 0, 0, 0x40, 0]);
    let mut crc = flate2::Crc::new();
    crc.update(&png[12..29]);
    png[29..33].copy_from_slice(&crc.sum().to_be_bytes());
    let png_reason = reason(&png);
    assert!(png_reason.contains("16384x16384 pixels"), "{png_reason}");
}

proptest! {
    #[test]
    fn no_bytes_make_it_panic(start in prop::sample::select(vec![&b"\xff\xd8"[..], PNG_SIGNATURE, b""]),
                              rest in prop::collection::vec(any::<u8>(), 0..200)) {
        let bytes = [start, &rest].concat();
        prop_assert!(decode(&bytes).is_err());
    }

    #[test]
    fn flipped_bytes_of_a_jpeg_never_end_it(at in 2_usize..600, value in any::<u8>()) {
        let mut bytes = jpeg(&picture(32, 32));
        if let Some(byte) = bytes.get_mut(at) {
            *byte = value;
        }
        if let Ok(decoded) = decode(&bytes) {
            prop_assert_eq!(decoded.pixels.len(), PIXELS);
        }
    }
}
