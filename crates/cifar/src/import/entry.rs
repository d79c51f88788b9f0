//! Names of entries: which are safe, which are images, which are ignored.
//!
//! Nothing is ever written under a name from an archive. A name that tries to leave its folder is
//! refused all the same: an archive that holds one is not what its owner believes it to be.

use super::ImportError;

/// The path of an image in plain form (`train/cat/1.jpg`), or `None` for anything that is not an
/// image by its name: other extensions, hidden files and folders, folders.
///
/// # Errors
/// [`ImportError::UnsafePath`] for absolute paths, `..`, backslashes, drive letters and NUL bytes,
/// of any entry.
pub(super) fn parse(raw: &[u8]) -> Result<Option<String>, ImportError> {
    let printable = || String::from_utf8_lossy(raw).into_owned();
    let unsafe_path = |reason| {
        Err(ImportError::UnsafePath {
            entry: printable(),
            reason,
        })
    };
    if raw.is_empty() {
        return unsafe_path("an empty name");
    }
    if raw.contains(&0) {
        return unsafe_path("a NUL byte in its name");
    }
    if raw.contains(&b'\\') {
        return unsafe_path("a backslash in its name");
    }
    if raw[0] == b'/' {
        return unsafe_path("an absolute path");
    }
    if raw[0].is_ascii_alphabetic() && raw.get(1) == Some(&b':') {
        return unsafe_path("a drive letter in its name");
    }

    let parts: Vec<&[u8]> = raw
        .split(|&byte| byte == b'/')
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    if parts.contains(&b"..".as_slice()) {
        return unsafe_path("a \"..\" in its path");
    }
    // After dropping "." every name with a leading dot is hidden: .DS_Store, ._1.jpg, .git/...
    let hidden = parts.iter().any(|part| part[0] == b'.');
    let is_folder = raw.ends_with(b"/");
    let is_image = parts.last().is_some_and(|name| has_image_extension(name));
    if hidden || is_folder || !is_image {
        return Ok(None);
    }
    Ok(Some(readable(&parts.join(&b'/'))))
}

/// Text as it is; bytes that are no UTF-8 as `\xNN`. Backslashes are refused above, so that two names never
/// become one.
fn readable(path: &[u8]) -> String {
    let mut text = String::new();
    for chunk in path.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02X}"));
        }
    }
    text
}

/// Whether [`parse`] had to write a name in another way than it is stored.
pub(super) fn was_rewritten(path: &str) -> bool {
    path.contains('\\')
}

fn has_image_extension(name: &[u8]) -> bool {
    let Some(dot) = name.iter().rposition(|&byte| byte == b'.') else {
        return false;
    };
    let extension = &name[dot + 1..];
    [b"jpg".as_slice(), b"jpeg", b"png"]
        .iter()
        .any(|known| extension.eq_ignore_ascii_case(known))
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn images_come_out_in_plain_form() {
        let check = |raw: &str, expected: Option<&str>| {
            assert_eq!(parse(raw.as_bytes()).unwrap().as_deref(), expected, "{raw}");
        };
        check("train/cat/1.jpg", Some("train/cat/1.jpg"));
        check("./train//cat/./1.JPEG", Some("train/cat/1.JPEG"));
        check("cat/a.b.Png", Some("cat/a.b.Png"));
        check("cat/..1.jpg", None);
        check("cat/1..jpg", Some("cat/1..jpg"));
        check("cat/README.txt", None);
        check("cat/jpg", None);
        check("cat/.DS_Store", None);
        check("cat/._1.jpg", None);
        check(".git/1.jpg", None);
        check("cat/1.jpg/", None);
        check("./", None);
        check("cat/1.jpg.txt", None);
    }

    #[test]
    fn unsafe_names_are_refused_with_their_reason() {
        let check = |raw: &[u8], reason: &str| {
            let message = parse(raw).unwrap_err().to_string();
            assert!(message.contains(reason), "{message}");
            assert!(message.contains("do not trust"), "{message}");
        };
        check(b"../evil.txt", "\"..\"");
        check(b"train/cat/../../../1.jpg", "\"..\"");
        check(b"train/..", "\"..\"");
        check(b"/etc/1.jpg", "absolute");
        check(b"C:/1.jpg", "drive letter");
        check(b"cat\\1.jpg", "backslash");
        check(b"cat/\x00.jpg", "NUL");
        check(b"", "empty");
    }

    #[test]
    fn names_that_are_no_text_stay_apart() {
        let name = |raw: &[u8]| parse(raw).unwrap().unwrap();
        assert_eq!(name(b"cat/\xff.jpg"), "cat/\\xFF.jpg");
        assert_eq!(name(b"caf\xe9/\xfe1.jpg"), "caf\\xE9/\\xFE1.jpg");
        assert_eq!(name("café/1.jpg".as_bytes()), "café/1.jpg");
        assert!(was_rewritten(&name(b"cat/\xff.jpg")) && !was_rewritten("café/1.jpg"));
        assert_eq!(parse(b"cat/\xff.txt").unwrap(), None);
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_plain_and_stays_so(raw in "[a-c./\\\\:0-1]{0,12}(\\.jpg)?") {
            if let Ok(Some(path)) = parse(raw.as_bytes()) {
                prop_assert!(path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
                prop_assert!(!path.contains('\\'));
                prop_assert_eq!(parse(path.as_bytes()).unwrap(), Some(path.clone()));
            }
        }

        #[test]
        fn no_bytes_make_it_panic_and_dot_dot_never_passes(raw in prop::collection::vec(any::<u8>(), 0..40)) {
            let climbs = raw.split(|&byte| byte == b'/').any(|part| part == b"..");
            prop_assert!(!(climbs && parse(&raw).is_ok()));
        }
    }
}
