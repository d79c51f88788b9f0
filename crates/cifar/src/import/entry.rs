//! Names of entries: which are safe, which are images, which are ignored.
//!
//! Nothing is ever written under a name from an archive. A name that tries to leave its folder is
//! refused all the same: an archive that holds one is not what its owner believes it to be.

use super::ImportError;

/// What an entry is by its name.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Entry {
    /// An image, with its path in plain form (`train/cat/1.jpg`). Bytes that are not UTF-8 are written
    /// `\xff`: no other name has a backslash, so that two names stay two names.
    Image(String),
    /// A picture of a kind that is not read, by its extension in small letters.
    OtherPicture(&'static str),
    /// What systems put into folders of photographs by themselves.
    System,
    /// Other extensions, hidden files and folders, folders.
    Other,
}

/// Extensions of JPEG and PNG files.
const IMAGES: [&str; 5] = ["jpg", "jpeg", "jpe", "jfif", "png"];
/// Extensions of pictures that cameras, phones and browsers leave behind, which are not read.
const OTHER_PICTURES: [&str; 20] = [
    "arw", "avif", "bmp", "cr2", "cr3", "dng", "gif", "heic", "heif", "jp2", "jxl", "nef", "orf",
    "ppm", "raf", "rw2", "svg", "tif", "tiff", "webp",
];
/// Names of files that systems make by themselves, in small letters.
const SYSTEM: [&str; 5] = [
    ".ds_store",
    "thumbs.db",
    "ehthumbs.db",
    "desktop.ini",
    ".nomedia",
];

/// What an entry of this name is.
///
/// # Errors
/// [`ImportError::UnsafePath`] for absolute paths, `..`, backslashes, drive letters and NUL bytes,
/// of any entry.
pub(super) fn parse(raw: &[u8]) -> Result<Entry, ImportError> {
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
    let name = parts.last().copied().unwrap_or_default();
    if !is_folder && is_system(name) {
        return Ok(Entry::System);
    }
    if hidden || is_folder {
        return Ok(Entry::Other);
    }
    let extension = name.rsplit(|&byte| byte == b'.').next();
    let extension = extension.filter(|extension| extension.len() < name.len());
    let one_of = |known: &[&'static str]| {
        let extension = extension?;
        let mut known = known.iter().copied();
        known.find(|known| extension.eq_ignore_ascii_case(known.as_bytes()))
    };
    if one_of(&IMAGES).is_some() {
        return Ok(Entry::Image(escaped(&parts.join(&b'/'))));
    }
    Ok(one_of(&OTHER_PICTURES).map_or(Entry::Other, Entry::OtherPicture))
}

/// The path of a folder in plain form; `None` for the root, and where a name is one that systems make
/// by themselves or hide.
pub(super) fn folder(raw: &[u8]) -> Option<String> {
    let parts = raw.split(|&byte| byte == b'/');
    let parts: Vec<&[u8]> = parts
        .filter(|part| !part.is_empty() && *part != b".")
        .collect();
    let by_system = |part: &&[u8]| part[0] == b'.' || part.starts_with(b"__") || part[0] == b'@';
    let is_own = !parts.is_empty() && !parts.iter().any(by_system);
    is_own.then(|| escaped(&parts.join(&b'/')))
}

/// Whether [`parse`] had to write a name in another way than it is stored.
pub(super) fn was_rewritten(path: &str) -> bool {
    path.contains('\\')
}

fn is_system(name: &[u8]) -> bool {
    // "._1.jpg" is what macOS keeps about 1.jpg on foreign file systems, no picture.
    let is_known = SYSTEM
        .iter()
        .any(|known| name.eq_ignore_ascii_case(known.as_bytes()));
    is_known || name.starts_with(b"._")
}

/// UTF-8 as it is, each other byte as `\xff`.
fn escaped(name: &[u8]) -> String {
    let mut text = String::with_capacity(name.len());
    for chunk in name.utf8_chunks() {
        text.push_str(chunk.valid());
        for byte in chunk.invalid() {
            text.push_str(&format!("\\x{byte:02x}"));
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    #[test]
    fn images_come_out_in_plain_form() {
        let check = |raw: &str, expected: Option<&str>| {
            let expected = expected.map_or(Entry::Other, |path| Entry::Image(path.to_owned()));
            assert_eq!(parse(raw.as_bytes()).unwrap(), expected, "{raw}");
        };
        check("train/cat/1.jpg", Some("train/cat/1.jpg"));
        check("./train//cat/./1.JPEG", Some("train/cat/1.JPEG"));
        check("cat/a.b.Png", Some("cat/a.b.Png"));
        check("cat/..1.jpg", None);
        check("cat/1..jpg", Some("cat/1..jpg"));
        check("cat/README.txt", None);
        check("cat/jpg", None);
        check("cat/.1.jpg", None);
        check("cat/1.jfif", Some("cat/1.jfif"));
        check(".git/1.jpg", None);
        check("cat/1.jpg/", None);
        check("./", None);
        check("cat/1.jpg.txt", None);
    }

    #[test]
    fn folders_of_people_are_told_from_those_of_systems() {
        assert_eq!(folder(b"./photos//cat/"), Some("photos/cat".to_owned()));
        assert_eq!(folder(b"caf\xe9"), Some("caf\\xe9".to_owned()));
        for name in [
            b"".as_slice(),
            b"./",
            b".git",
            b"__MACOSX/cat",
            b"cat/@eaDir",
        ] {
            assert_eq!(folder(name), None, "{}", name.escape_ascii());
        }
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
    fn names_that_are_not_utf8_stay_apart() {
        let image = |path: &str| Entry::Image(path.to_owned());
        assert_eq!(parse(b"cat/\xff.jpg").unwrap(), image("cat/\\xff.jpg"));
        assert_eq!(parse(b"cat/\xfe.jpg").unwrap(), image("cat/\\xfe.jpg"));
        assert_eq!(parse(b"caf\xe9/1.png").unwrap(), image("caf\\xe9/1.png"));
        assert_eq!(
            parse("café/ñ 1.png".as_bytes()).unwrap(),
            image("café/ñ 1.png")
        );
        assert_eq!(parse(b"cat/\xff.txt").unwrap(), Entry::Other);
    }

    #[test]
    fn other_pictures_and_files_of_the_system_are_known() {
        assert_eq!(parse(b"cat/1.HEIC").unwrap(), Entry::OtherPicture("heic"));
        assert_eq!(parse(b"cat/a.b.webp").unwrap(), Entry::OtherPicture("webp"));
        assert_eq!(parse(b"cat/webp").unwrap(), Entry::Other);
        assert_eq!(parse(b"cat/.hidden.webp").unwrap(), Entry::Other);
        for name in [
            "cat/.DS_Store",
            "Thumbs.db",
            "cat/desktop.ini",
            "cat/._1.jpg",
        ] {
            assert_eq!(parse(name.as_bytes()).unwrap(), Entry::System, "{name}");
        }
        assert!(was_rewritten("cat/\\xff.jpg") && !was_rewritten("café/1.jpg"));
    }

    proptest! {
        #[test]
        fn what_is_accepted_is_plain_and_stays_so(raw in "[a-c./\\\\:0-1]{0,12}(\\.jpg)?") {
            if let Ok(Entry::Image(path)) = parse(raw.as_bytes()) {
                prop_assert!(path.split('/').all(|part| !part.is_empty() && !part.starts_with('.')));
                prop_assert!(!path.contains('\\'));
                prop_assert_eq!(parse(path.as_bytes()).unwrap(), Entry::Image(path.clone()));
            }
        }

        #[test]
        fn no_bytes_make_it_panic_and_dot_dot_never_passes(raw in prop::collection::vec(any::<u8>(), 0..40)) {
            let climbs = raw.split(|&byte| byte == b'/').any(|part| part == b"..");
            prop_assert!(!(climbs && parse(&raw).is_ok()));
        }
    }
}
