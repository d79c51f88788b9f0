//! Walks a tar stream, block by block.
//!
//! The header fields are read by the `tar` crate; the walk is written out here because import and fetch
//! have to be stricter than an unpacker: an archive without its end mark is incomplete, a name of a
//! gigabyte is refused before it is read, and an error knows its byte.

use std::io::{self, Read};

use tar::{EntryType, Header};

const BLOCK: u64 = 512;
/// Names and attributes of one entry are far below this.
const MAX_EXTENSION: u64 = 1 << 20;

/// What an entry is.
#[derive(Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    File,
    Folder,
    /// A symbolic or hard link.
    Link,
    /// A device, a pipe, a volume label and the like.
    Special,
}

/// One entry; its data, if wanted, are read with [`Tarball::data`] before the next entry.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) path: Vec<u8>,
    pub(crate) kind: Kind,
    /// Bytes of data, as the header claims.
    pub(crate) size: u64,
}

/// A tar stream.
pub(crate) struct Tarball<R> {
    inner: R,
    offset: u64,
    /// Unread data of the current entry, padding included.
    pending: u64,
}

/// What the extension entries say about the entry that follows them.
#[derive(Default)]
struct Extension {
    path: Option<Vec<u8>>,
    size: Option<u64>,
    sparse: bool,
}

type Fault = String;

impl<R: Read> Tarball<R> {
    pub(crate) fn new(inner: R) -> Self {
        Tarball {
            inner,
            offset: 0,
            pending: 0,
        }
    }

    /// Position in the stream, in bytes.
    pub(crate) fn offset(&self) -> u64 {
        self.offset
    }

    /// The next entry, or `None` after the end mark; then the rest of the stream has been read, so
    /// that the checksums of a compressed stream have been compared.
    pub(crate) fn next(&mut self) -> Result<Option<Entry>, Fault> {
        let mut extension = Extension::default();
        loop {
            self.skip(self.pending)?;
            let mut block = [0; BLOCK as usize];
            match self.fill(&mut block)? {
                512 => {}
                0 => return Err("it ends without an end mark".into()),
                _ => return Err("it ends within a header".into()),
            }
            if block.iter().all(|&byte| byte == 0) {
                if extension.path.is_some() || extension.size.is_some() {
                    return Err("it ends between a long name and its entry".into());
                }
                return self.finish().map(|()| None);
            }
            if !checksum_fits(&block) {
                return Err("the checksum of a header does not fit".into());
            }
            let header = Header::from_byte_slice(&block);
            let kind = header.entry_type();
            let size = match kind {
                // No data follow these, whatever their size field says.
                EntryType::Link
                | EntryType::Symlink
                | EntryType::Directory
                | EntryType::Char
                | EntryType::Block
                | EntryType::Fifo => 0,
                _ => header
                    .entry_size()
                    .map_err(|_| "the size in a header is not a number")?,
            };
            self.pending = size
                .checked_next_multiple_of(BLOCK)
                .ok_or("the size in a header is beyond 64 bits")?;
            match kind {
                EntryType::XHeader => {
                    let records = self.extension_data(size)?;
                    parse_pax(&records, &mut extension)?;
                }
                EntryType::GNULongName => {
                    let mut name = self.extension_data(size)?;
                    if name.last() == Some(&0) {
                        name.pop();
                    }
                    extension.path = Some(name);
                }
                // Targets of links and defaults for all entries: nothing anybody here looks at.
                EntryType::GNULongLink | EntryType::XGlobalHeader => {}
                EntryType::GNUSparse => return Err(sparse_fault()),
                _ if extension.sparse => return Err(sparse_fault()),
                _ if extension.size.is_some_and(|stated| stated != size) => {
                    return Err(format!(
                        "two sizes of one entry disagree, {size} and {} bytes",
                        extension.size.unwrap_or_default()
                    ));
                }
                _ => {
                    let path = extension
                        .path
                        .take()
                        .unwrap_or_else(|| header.path_bytes().into_owned());
                    let kind = match kind {
                        // The oldest archives mark a folder by its last slash only.
                        EntryType::Regular | EntryType::Continuous if path.ends_with(b"/") => {
                            Kind::Folder
                        }
                        EntryType::Regular | EntryType::Continuous => Kind::File,
                        EntryType::Directory => Kind::Folder,
                        EntryType::Link | EntryType::Symlink => Kind::Link,
                        _ => Kind::Special,
                    };
                    return Ok(Some(Entry { path, kind, size }));
                }
            }
        }
    }

    /// Fills the buffer with the next data of the current entry, which has to have as many left.
    #[cfg(feature = "fetch")]
    pub(crate) fn chunk(&mut self, buffer: &mut [u8]) -> Result<(), Fault> {
        let read = self.fill(buffer)?;
        self.pending = self.pending.saturating_sub(read as u64);
        if read < buffer.len() {
            return Err("it ends within an entry".into());
        }
        Ok(())
    }

    /// The data of the current entry, whose size the caller has compared with a limit.
    pub(crate) fn data(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        // Grows with what is there, not with what the header claims.
        let mut data = Vec::with_capacity(size.min(1 << 16) as usize);
        let read = (&mut self.inner)
            .take(size)
            .read_to_end(&mut data)
            .map_err(stream_fault)? as u64;
        self.offset += read;
        self.pending -= read;
        if read < size {
            return Err(format!(
                "it ends within an entry, after {read} of {size} bytes"
            ));
        }
        Ok(data)
    }

    fn extension_data(&mut self, size: u64) -> Result<Vec<u8>, Fault> {
        if size > MAX_EXTENSION {
            return Err(format!(
                "a name or attribute record of {size} bytes, the limit is {MAX_EXTENSION}"
            ));
        }
        self.data(size)
    }

    fn skip(&mut self, bytes: u64) -> Result<(), Fault> {
        let skipped =
            io::copy(&mut (&mut self.inner).take(bytes), &mut io::sink()).map_err(stream_fault)?;
        self.offset += skipped;
        self.pending = 0;
        if skipped < bytes {
            return Err(format!(
                "it ends within an entry, {} bytes early",
                bytes - skipped
            ));
        }
        Ok(())
    }

    /// Reads to the end. Only padding may follow the end mark: anything else is a second archive
    /// that would silently be left out.
    fn finish(&mut self) -> Result<(), Fault> {
        let mut buffer = [0; 8192];
        loop {
            let read = self.fill(&mut buffer)?;
            if read == 0 {
                return Ok(());
            }
            if buffer[..read].iter().any(|&byte| byte != 0) {
                return Err("there are data after the end mark".into());
            }
        }
    }

    /// Fills the buffer as far as the stream goes.
    fn fill(&mut self, buffer: &mut [u8]) -> Result<usize, Fault> {
        let mut filled = 0;
        while filled < buffer.len() {
            match self.inner.read(&mut buffer[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(stream_fault(error)),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }
}

/// What a decompressor or the system says about a stream, in words; their own text stands behind them.
fn stream_fault(error: io::Error) -> Fault {
    use io::ErrorKind::{InvalidData, InvalidInput, OutOfMemory, UnexpectedEof};
    match error.kind() {
        UnexpectedEof => "it ends within the compressed data: the file was cut short".into(),
        InvalidData | InvalidInput => format!("the compressed data are damaged ({error})"),
        OutOfMemory => format!("unpacking needs more memory than it may take ({error})"),
        _ => crate::error::io_reason(&error),
    }
}

fn sparse_fault() -> Fault {
    "a file is stored in sparse form, which is not supported".into()
}

/// Whether a block is a tar header: its sum, the checksum field read as spaces, stands in it.
pub(crate) fn checksum_fits(block: &[u8; BLOCK as usize]) -> bool {
    let Ok(stated) = Header::from_byte_slice(block).cksum() else {
        return false;
    };
    let masked = |at: usize| {
        if (148..156).contains(&at) {
            b' '
        } else {
            block[at]
        }
    };
    let unsigned: u32 = (0..block.len()).map(|at| u32::from(masked(at))).sum();
    // Some old writers summed signed characters.
    let signed: i32 = (0..block.len()).map(|at| i32::from(masked(at) as i8)).sum();
    stated == unsigned || i64::from(stated) == i64::from(signed)
}

/// Records of the form `<length> <key>=<value>\n`, the length counting the whole record.
fn parse_pax(mut records: &[u8], extension: &mut Extension) -> Result<(), Fault> {
    while !records.is_empty() {
        let (key, value, rest) =
            pax_record(records).ok_or("an attribute record cannot be parsed")?;
        match key {
            b"path" => extension.path = Some(value.to_vec()),
            b"size" => {
                let size = std::str::from_utf8(value).ok().and_then(|v| v.parse().ok());
                extension.size = Some(size.ok_or("a size record is not a number")?);
            }
            _ if key.starts_with(b"GNU.sparse.") => extension.sparse = true,
            _ => {}
        }
        records = rest;
    }
    Ok(())
}

fn pax_record(records: &[u8]) -> Option<(&[u8], &[u8], &[u8])> {
    let space = records.iter().position(|&byte| byte == b' ')?;
    let length: usize = std::str::from_utf8(&records[..space]).ok()?.parse().ok()?;
    let body = records.get(space + 1..length)?.strip_suffix(b"\n")?;
    let equals = body.iter().position(|&byte| byte == b'=')?;
    Some((&body[..equals], &body[equals + 1..], &records[length..]))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;
    use tar::Builder;

    use super::*;

    fn archive(entries: &[(&str, &[u8])]) -> Vec<u8> {
        let mut builder = Builder::new(Vec::new());
        for (path, data) in entries {
            let mut header = Header::new_gnu();
            header.set_size(data.len() as u64);
            builder.append_data(&mut header, path, *data).unwrap();
        }
        builder.into_inner().unwrap()
    }

    fn walk(bytes: &[u8]) -> Result<Vec<(String, Vec<u8>)>, String> {
        let mut tarball = Tarball::new(bytes);
        let mut found = Vec::new();
        while let Some(entry) = tarball.next()? {
            let path = String::from_utf8_lossy(&entry.path).into_owned();
            found.push((path, tarball.data(entry.size)?));
        }
        assert_eq!(tarball.offset(), bytes.len() as u64);
        Ok(found)
    }

    #[test]
    fn entries_and_long_names_come_out() {
        let long = format!("{}/1.jpg", "x".repeat(300));
        let bytes = archive(&[("a.txt", b"hello"), (&long, &[7; 1025]), ("empty", b"")]);
        let expected = vec![
            ("a.txt".to_string(), b"hello".to_vec()),
            (long, vec![7; 1025]),
            ("empty".to_string(), vec![]),
        ];
        assert_eq!(walk(&bytes), Ok(expected));
    }

    #[test]
    fn attribute_records_name_their_entry() {
        let mut builder = Builder::new(Vec::new());
        let records = [("path", "ü/1.jpg".as_bytes()), ("note", b"a\nb".as_slice())];
        builder.append_pax_extensions(records).unwrap();
        let mut header = Header::new_ustar();
        header.set_size(2);
        builder
            .append_data(&mut header, "short", b"ab".as_slice())
            .unwrap();
        let bytes = builder.into_inner().unwrap();
        assert_eq!(
            walk(&bytes),
            Ok(vec![("ü/1.jpg".to_string(), b"ab".to_vec())])
        );
    }

    #[test]
    fn every_cut_is_noticed_up_to_the_end_mark() {
        let bytes = archive(&[("a", b"hello"), ("b", &[1; 600])]);
        let end_mark = 512 + 512 + 512 + 1024;
        for cut in 0..end_mark + 512 {
            let fault = walk(&bytes[..cut]).unwrap_err();
            assert!(fault.starts_with("it ends"), "cut at {cut}: {fault}");
        }
        assert!(walk(&bytes[..end_mark + 512]).is_ok());
    }

    #[test]
    fn damage_in_a_header_is_noticed() {
        let bytes = archive(&[("a", b"hello")]);
        for at in [0, 100, 124, 150, 300] {
            let mut damaged = bytes.clone();
            damaged[at] ^= 1;
            let fault = walk(&damaged).unwrap_err();
            assert!(fault.contains("checksum"), "byte {at}: {fault}");
        }
    }

    #[test]
    fn data_after_the_end_mark_are_refused() {
        let mut bytes = archive(&[("a", b"hello")]);
        bytes.extend(archive(&[("b", b"hello")]));
        assert_eq!(
            walk(&bytes),
            Err("there are data after the end mark".into())
        );
    }

    #[test]
    fn absurd_claims_cost_nothing() {
        let check = |kind, size: u64, part: &str| {
            let mut header = Header::new_gnu();
            header.set_entry_type(kind);
            header.set_size(size);
            header.set_cksum();
            let fault = walk(header.as_bytes()).unwrap_err();
            assert!(fault.contains(part), "{fault}");
        };
        check(
            EntryType::Regular,
            1 << 60,
            "0 of 1152921504606846976 bytes",
        );
        check(EntryType::Regular, u64::MAX, "beyond 64 bits");
        check(EntryType::GNULongName, 1 << 40, "the limit is 1048576");
        check(EntryType::XHeader, 1 << 40, "the limit is 1048576");
        check(EntryType::GNUSparse, 0, "sparse");
    }

    proptest! {
        #[test]
        fn no_attribute_records_make_it_panic(records in "[0-9 a-c=\n]{0,30}") {
            let _ = parse_pax(records.as_bytes(), &mut Extension::default());
        }
    }
}
