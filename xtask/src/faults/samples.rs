//! Small files made without a library: pictures, archives, matrices.

use super::room::Files;

/// Classes of the photos, and photos of each.
pub(super) const CLASSES: [&str; 3] = ["ant", "bee", "cow"];
pub(super) const PER_CLASS: u8 = 6;

/// A folder of class folders.
pub(super) fn photos() -> Files {
    let mut files = Files::new();
    for (class, name) in (0_u8..).zip(CLASSES) {
        for i in 0..PER_CLASS {
            let name = format!("photos/{name}/{i}.png");
            files.insert(name, png(&pixels(class, i)));
        }
    }
    files
}

/// 32 x 32 pixels of red, green and blue, of which no two photos have the same.
pub(super) fn pixels(class: u8, i: u8) -> Vec<u8> {
    let color = [40 + 70 * class, 10 * i, 200 - 30 * class];
    let mut pixels = color.repeat(32 * 32);
    pixels[..3].copy_from_slice(&[class, i, 255]);
    pixels
}

/// A picture of 32 x 32 pixels of 3 bytes: <https://www.w3.org/TR/png-3/>, not compressed.
fn png(pixels: &[u8]) -> Vec<u8> {
    let mut lines = Vec::new();
    for line in pixels.chunks(3 * 32) {
        lines.push(0);
        lines.extend(line);
    }
    let mut bytes = b"\x89PNG\r\n\x1a\n".to_vec();
    let mut chunk = |kind: &[u8], data: &[u8]| {
        let body = [kind, data].concat();
        bytes.extend((data.len() as u32).to_be_bytes());
        bytes.extend(&body);
        bytes.extend(crc32(&body).to_be_bytes());
    };
    chunk(b"IHDR", &[0, 0, 0, 32, 0, 0, 0, 32, 8, 2, 0, 0, 0]);
    let zlib = [
        &[0x78, 1][..],
        &stored(&lines),
        &adler32(&lines).to_be_bytes(),
    ]
    .concat();
    chunk(b"IDAT", &zlib);
    chunk(b"IEND", &[]);
    bytes
}

/// A deflate stream of blocks that are not compressed: RFC 1951, 3.2.4.
fn stored(bytes: &[u8]) -> Vec<u8> {
    let mut blocks = bytes.chunks(usize::from(u16::MAX)).peekable();
    let mut stream = Vec::new();
    while let Some(block) = blocks.next() {
        let len = block.len() as u16;
        stream.push(u8::from(blocks.peek().is_none()));
        stream.extend(len.to_le_bytes());
        stream.extend((!len).to_le_bytes());
        stream.extend(block);
    }
    stream
}

/// A gzip stream: RFC 1952.
pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    let head = [0x1f, 0x8b, 8, 0, 0, 0, 0, 0, 0, 255];
    let (crc, len) = (
        crc32(bytes).to_le_bytes(),
        (bytes.len() as u32).to_le_bytes(),
    );
    [&head[..], &stored(bytes), &crc, &len].concat()
}

/// RFC 1952, 8.
fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(!0, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |crc, _| {
            (crc >> 1) ^ if crc & 1 == 1 { 0xedb8_8320 } else { 0 }
        })
    })
}

/// RFC 1950, 9.
fn adler32(bytes: &[u8]) -> u32 {
    let (a, b) = bytes.iter().fold((1, 0), |(a, b), &byte| {
        let a = (a + u32::from(byte)) % 65_521;
        (a, (b + a) % 65_521)
    });
    b << 16 | a
}

/// A plain file in an archive: POSIX `ustar`.
pub(super) fn add_to_tar(tar: &mut Vec<u8>, name: &str, bytes: &[u8]) {
    let mut header = [0; 512];
    header[..name.len()].copy_from_slice(name.as_bytes());
    header[100..108].copy_from_slice(b"0000644\0");
    header[124..136].copy_from_slice(format!("{:011o}\0", bytes.len()).as_bytes());
    header[156] = b'0';
    header[257..265].copy_from_slice(b"ustar\x0000");
    seal_header(&mut header);
    tar.extend(header);
    tar.extend(bytes);
    tar.resize(tar.len().next_multiple_of(512), 0);
}

/// Makes the checksum of a header fit.
pub(super) fn seal_header(header: &mut [u8]) {
    header[148..156].fill(b' ');
    let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
    header[148..156].copy_from_slice(format!("{sum:06o}\0 ").as_bytes());
}

pub(super) fn end_tar(tar: &mut Vec<u8>) {
    tar.resize(tar.len() + 1024, 0);
}

/// An array of bytes as NumPy would save it: format version 1.0.
pub(super) fn npy(descr: &str, shape: &str, data: &[u8]) -> Vec<u8> {
    let text = format!("{{'descr': '{descr}', 'fortran_order': False, 'shape': {shape}, }}");
    let text = format!("{text:<117}\n");
    let len = text.len() as u16;
    [
        b"\x93NUMPY\x01\0",
        &len.to_le_bytes()[..],
        text.as_bytes(),
        data,
    ]
    .concat()
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The check values of the standards.
    #[test]
    fn checksums_are_the_known_ones() {
        assert_eq!(crc32(b"123456789"), 0xcbf4_3926);
        assert_eq!(adler32(b"Wikipedia"), 0x11e6_0398);
    }

    #[test]
    fn an_archive_ends_where_it_should() {
        let mut tar = Vec::new();
        add_to_tar(&mut tar, "a/b.png", &[7; 513]);
        end_tar(&mut tar);
        assert_eq!(tar.len(), 512 + 1024 + 1024);
        let header = &tar[..512];
        let sum: u32 = header.iter().map(|&byte| u32::from(byte)).sum();
        let own: u32 = header[148..156].iter().map(|&byte| u32::from(byte)).sum();
        let stored = u32::from_str_radix(std::str::from_utf8(&header[148..154]).unwrap(), 8);
        assert_eq!(stored, Ok(sum - own + 8 * u32::from(b' ')));
    }

    #[test]
    fn no_two_photos_are_the_same() {
        let photos = photos();
        let different: std::collections::BTreeSet<&Vec<u8>> = photos.values().collect();
        assert_eq!(different.len(), CLASSES.len() * usize::from(PER_CLASS));
    }
}
