//! Writing arrays row by row, so that a whole array never sits in memory: a header here, the elements by the caller.

/// The header of an array in C order, format version 1.0: magic, version, length, and a dictionary padded with spaces
/// so that the data start at a multiple of 64 bytes. `descr` is a dtype such as `<u4` or `|u1`.
pub(crate) fn header(descr: &str, shape: &[usize]) -> Vec<u8> {
    let axes: String = shape.iter().map(|axis| format!("{axis}, ")).collect();
    let mut dictionary = format!(
        "{{'descr': '{descr}', 'fortran_order': False, 'shape': ({}), }}",
        axes.trim_end()
    );
    let prefix = 10;
    let padded = (prefix + dictionary.len() + 1).next_multiple_of(64);
    dictionary.extend(std::iter::repeat_n(
        ' ',
        padded - prefix - dictionary.len() - 1,
    ));
    dictionary.push('\n');

    let mut header = b"\x93NUMPY\x01\x00".to_vec();
    // A few dozen characters: far below the 65,535 of version 1.0.
    header.extend_from_slice(&(dictionary.len() as u16).to_le_bytes());
    header.extend_from_slice(dictionary.as_bytes());
    header
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_header_is_numpys() {
        let header = header("<u4", &[10_000, 10, 2]);
        assert_eq!(header.len(), 128);
        assert_eq!(&header[..10], b"\x93NUMPY\x01\x00\x76\x00");
        let text = std::str::from_utf8(&header[10..]).unwrap();
        assert!(
            text.starts_with(
                "{'descr': '<u4', 'fortran_order': False, 'shape': (10000, 10, 2,), }"
            ),
            "{text}"
        );
        assert!(text.ends_with(" \n"));
    }

    #[test]
    fn one_axis_is_still_a_tuple() {
        let header = header("|u1", &[7]);
        assert!(String::from_utf8_lossy(&header[10..]).contains("'shape': (7,)"));
        assert_eq!(header.len() % 64, 0);
    }
}
