//! The header of a `.npy` file: magic, version, length, and a Python dictionary of exactly three
//! entries. Nothing in it can make the parser allocate, recurse or loop beyond the header's own bytes.

use std::io::Read;

use anyhow::{Context as _, Result, anyhow, bail};

const MAGIC: &[u8; 6] = b"\x93NUMPY";
/// NumPy itself reads no header above 10,000 characters unless it is told to.
const MAX_HEADER: usize = 1 << 16;
/// NumPy has arrays of up to 64 axes.
const MAX_AXES: usize = 64;

/// What a header says.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Header {
    /// As written, `<f4` say; the source text of a structured dtype.
    pub(super) descr: String,
    pub(super) fortran_order: bool,
    pub(super) shape: Vec<u64>,
    /// Where the data begin in the file.
    pub(super) data_offset: u64,
}

/// Reads and parses the header; the reader then stands at the first byte of the data.
pub(super) fn read(reader: &mut impl Read) -> Result<Header> {
    let mut start = [0; 8];
    read_part(reader, &mut start, "the first 8 bytes")?;
    if !start.starts_with(MAGIC) {
        let way_out = if start.starts_with(b"PK") {
            "an .npz file holds several arrays; save the one you want with np.save"
        } else {
            "load it in Python and save the array with np.save"
        };
        bail!(
            "it is no .npy file: it begins with '{}' instead of '\\x93NUMPY'; {way_out}",
            start[..6].escape_ascii()
        );
    }
    let length_bytes = match (start[6], start[7]) {
        (1, 0) => 2,
        (2 | 3, 0) => 4,
        (major, minor) => bail!("format version {major}.{minor}, expected 1.0, 2.0 or 3.0"),
    };
    let mut length = [0; 4];
    read_part(
        reader,
        &mut length[..length_bytes],
        "the length of the header",
    )?;
    let length = u32::from_le_bytes(length) as usize;
    if length > MAX_HEADER {
        bail!("a header of {length} bytes, the limit is {MAX_HEADER}");
    }
    let mut text = vec![0; length];
    read_part(reader, &mut text, "the header")?;
    let text = std::str::from_utf8(&text)
        .ok()
        .context("its header is not text")?;
    let mut header =
        parse(text).map_err(|problem| anyhow!("its header cannot be read: {problem}"))?;
    header.data_offset = (start.len() + length_bytes + length) as u64;
    Ok(header)
}

fn read_part(reader: &mut impl Read, part: &mut [u8], what: &str) -> Result<()> {
    match reader.read_exact(part) {
        Err(error) if error.kind() == std::io::ErrorKind::UnexpectedEof => {
            bail!("it ends within {what}")
        }
        read => read.context("cannot be read"),
    }
}

/// The dictionary; `data_offset` is left 0.
fn parse(text: &str) -> Result<Header, String> {
    let mut cursor = Cursor { text, at: 0 };
    let (mut descr, mut fortran_order, mut shape) = (None, None, None);
    cursor.expect('{')?;
    while !cursor.accept('}') {
        let key = cursor.string()?;
        cursor.expect(':')?;
        let first_time = match key {
            "descr" => descr.replace(cursor.dtype()?).is_none(),
            "fortran_order" => fortran_order.replace(cursor.boolean()?).is_none(),
            "shape" => shape.replace(cursor.tuple()?).is_none(),
            _ => return Err(format!("unknown entry '{}'", shortened(key))),
        };
        if !first_time {
            return Err(format!("two entries '{key}'"));
        }
        if !cursor.accept(',') {
            cursor.expect('}')?;
            break;
        }
    }
    cursor.skip_blanks();
    if cursor.at != text.len() {
        return Err(cursor.unexpected("the end"));
    }
    let missing = |key: &str| format!("no entry '{key}'");
    Ok(Header {
        descr: descr.ok_or_else(|| missing("descr"))?,
        fortran_order: fortran_order.ok_or_else(|| missing("fortran_order"))?,
        shape: shape.ok_or_else(|| missing("shape"))?,
        data_offset: 0,
    })
}

/// Text from a file in a message: bounded, and without control characters.
pub(super) fn shortened(text: &str) -> String {
    const LIMIT: usize = 60;
    let shown: String = text
        .chars()
        .take(LIMIT)
        .flat_map(char::escape_debug)
        .collect();
    // Quotes are no trouble in a message, and a dtype is easier to recognise without backslashes.
    let shown = shown.replace("\\'", "'").replace("\\\"", "\"");
    if text.chars().nth(LIMIT).is_some() {
        shown + "..."
    } else {
        shown
    }
}

struct Cursor<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Cursor<'a> {
    fn rest(&self) -> &'a str {
        &self.text[self.at..]
    }

    fn skip_blanks(&mut self) {
        let rest = self.rest();
        self.at += rest.len() - rest.trim_start_matches([' ', '\t', '\n', '\r']).len();
    }

    fn accept(&mut self, wanted: char) -> bool {
        self.skip_blanks();
        let found = self.rest().starts_with(wanted);
        if found {
            self.at += wanted.len_utf8();
        }
        found
    }

    fn expect(&mut self, wanted: char) -> Result<(), String> {
        if self.accept(wanted) {
            Ok(())
        } else {
            Err(self.unexpected(&format!("'{wanted}'")))
        }
    }

    fn unexpected(&self, wanted: &str) -> String {
        match self.rest().chars().next() {
            Some(found) => format!(
                "expected {wanted} at character {}, found {found:?}",
                self.at
            ),
            None => format!("expected {wanted}, but it ends"),
        }
    }

    /// A string without escapes, in either kind of quotes.
    fn string(&mut self) -> Result<&'a str, String> {
        for quote in ['\'', '"'] {
            if self.accept(quote) {
                let rest = self.rest();
                let end = rest.find([quote, '\\', '\n']);
                let Some(end) = end.filter(|&end| rest[end..].starts_with(quote)) else {
                    return Err(format!("a string without its end at character {}", self.at));
                };
                self.at += end + 1;
                return Ok(&rest[..end]);
            }
        }
        Err(self.unexpected("a string"))
    }

    fn boolean(&mut self) -> Result<bool, String> {
        self.skip_blanks();
        for (word, value) in [("True", true), ("False", false)] {
            if self.rest().starts_with(word) {
                self.at += word.len();
                return Ok(value);
            }
        }
        Err(self.unexpected("True or False"))
    }

    /// `()`, `(3,)`, `(3, 4)` or `(3, 4,)`; `(3)` is a number in Python.
    fn tuple(&mut self) -> Result<Vec<u64>, String> {
        self.expect('(')?;
        let mut axes = Vec::new();
        while !self.accept(')') {
            self.skip_blanks();
            let rest = self.rest();
            let digits = rest.len() - rest.trim_start_matches(|c: char| c.is_ascii_digit()).len();
            if digits == 0 {
                return Err(self.unexpected("the length of an axis"));
            }
            let axis = rest[..digits].parse();
            axes.push(axis.map_err(|_| "an axis longer than 64 bits can count".to_owned())?);
            if axes.len() > MAX_AXES {
                return Err(format!("more than {MAX_AXES} axes"));
            }
            self.at += digits;
            if !self.accept(',') {
                if axes.len() == 1 {
                    return Err(self.unexpected("','"));
                }
                self.expect(')')?;
                break;
            }
        }
        Ok(axes)
    }

    /// A string, or the source text of the list that describes a structured dtype.
    fn dtype(&mut self) -> Result<String, String> {
        self.skip_blanks();
        if !self.rest().starts_with(['[', '(']) {
            return self.string().map(str::to_owned);
        }
        let (start, mut depth) = (self.at, 0_usize);
        loop {
            self.skip_blanks();
            match self.rest().chars().next() {
                None => return Err("a dtype without its end".to_owned()),
                Some('\'' | '"') => {
                    self.string()?;
                }
                Some(c) => {
                    match c {
                        '[' | '(' => depth += 1,
                        ']' | ')' => depth -= 1,
                        _ => {}
                    }
                    self.at += c.len_utf8();
                    if depth == 0 {
                        return Ok(self.text[start..self.at].to_owned());
                    }
                }
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<(String, bool, Vec<u64>), String> {
        parse(text).map(|header| (header.descr, header.fortran_order, header.shape))
    }

    #[test]
    fn what_numpy_writes_is_read() {
        let text = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }      \n";
        assert_eq!(parsed(text), Ok(("<f4".to_owned(), false, vec![3, 2])));
        let one = "{\"shape\":(7,),'fortran_order':True,'descr':'|u1'}";
        assert_eq!(parsed(one), Ok(("|u1".to_owned(), true, vec![7])));
        let none = "{'descr': '<i8', 'fortran_order': False, 'shape': ()}";
        assert_eq!(parsed(none), Ok(("<i8".to_owned(), false, vec![])));
        let fields = "{'descr': [('a)', '<f4'), ('b', [('c', '<u2', (2,))])], 'fortran_order': False, 'shape': (1,), }";
        let (descr, ..) = parsed(fields).unwrap();
        assert_eq!(descr, "[('a)', '<f4'), ('b', [('c', '<u2', (2,))])]");
    }

    #[test]
    fn anything_else_is_refused() {
        let good = "{'descr': '<f4', 'fortran_order': False, 'shape': (3, 2), }";
        assert!(parsed(good).is_ok());
        for (from, to) in [
            ("{", ""),
            ("}", ""),
            ("}", "} x"),
            ("}", "}}"),
            ("'descr': '<f4', ", ""),
            ("'shape': (3, 2), ", ""),
            ("'fortran_order': False, ", ""),
            ("'shape'", "'shape': (3, 2), 'shape'"),
            ("'shape'", "'more': 1, 'shape'"),
            ("'shape'", "shape"),
            ("(3, 2)", "(-3, 2)"),
            ("(3, 2)", "(3)"),
            ("(3, 2)", "(3 2)"),
            ("(3, 2)", "[3, 2]"),
            ("(3, 2)", "(,)"),
            ("(3, 2)", "(3, 2"),
            ("(3, 2)", "(3,, 2)"),
            ("(3, 2)", "(18446744073709551616, 2)"),
            ("(3, 2)", "(3.0, 2)"),
            ("False", "0"),
            ("False", "false"),
            ("'<f4'", "'<f4"),
            ("'<f4'", "'\\x3cf4'"),
            ("'<f4'", "[('a', '<f4')"),
            ("'<f4'", "None"),
        ] {
            let text = good.replacen(from, to, 1);
            assert!(parsed(&text).is_err(), "{text}");
        }
        assert!(parsed("").is_err());
        let axes = "1, ".repeat(MAX_AXES + 1);
        assert!(parsed(&good.replace("3, 2", &axes)).is_err());
    }

    /// Every header cut anywhere, and every single byte of it replaced, ends in a value or an error.
    #[test]
    fn no_damage_is_too_much() {
        let header = super::super::header("<f4", &[3, 2]);
        for end in 0..header.len() {
            assert!(read(&mut &header[..end]).is_err(), "cut at {end}");
        }
        for at in 0..header.len() {
            for byte in 0..=255 {
                let mut bytes = header.clone();
                bytes[at] = byte;
                let _ = read(&mut &bytes[..]);
            }
        }
        for length in [[0, 0, 1, 0], [255; 4]] {
            let lie = [&b"\x93NUMPY\x02\x00"[..], &length, &[b' '; 100]].concat();
            assert!(read(&mut &lie[..]).is_err());
        }
    }
}
