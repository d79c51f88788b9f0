//! What the original archives are: size, checksum, members.

use super::error::FetchError;

/// An archive and what it has to hold.
#[derive(Debug, Clone)]
pub(super) struct Expected {
    /// Name of the archive.
    pub(super) file: &'static str,
    /// Folder of its authors, with a slash at the end.
    pub(super) base: &'static str,
    /// Its size, where the authors or a trusted download say.
    pub(super) bytes: Option<u64>,
    /// No archive is larger, whatever a server claims.
    pub(super) max_bytes: u64,
    /// MD5 in lower case hex.
    pub(super) md5: &'static str,
    /// The one folder in it.
    pub(super) folder: &'static str,
    pub(super) members: &'static [Member],
}

/// A file that has to be in the archive.
#[derive(Debug, Clone, Copy)]
pub(super) struct Member {
    /// Name within the folder.
    pub(super) name: &'static str,
    pub(super) size: Size,
}

/// Size of a member in bytes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Size {
    Exactly(u64),
    /// Texts, whose size nobody publishes.
    AtMost(u64),
}

const fn records(name: &'static str, bytes: u64) -> Member {
    Member {
        name,
        size: Size::Exactly(bytes),
    }
}

const fn names(name: &'static str) -> Member {
    Member {
        name,
        size: Size::AtMost(1 << 16),
    }
}

/// Source: <https://www.cs.toronto.edu/~kriz/cifar.html>.
pub(super) const CIFAR_10: Expected = Expected {
    file: "cifar-10-binary.tar.gz",
    base: "https://www.cs.toronto.edu/~kriz/",
    bytes: Some(170_052_171),
    max_bytes: 170_052_171,
    md5: "c32a1d4ab5d03f1284b67883e8d87530",
    folder: "cifar-10-batches-bin",
    members: &[
        records("data_batch_1.bin", 30_730_000),
        records("data_batch_2.bin", 30_730_000),
        records("data_batch_3.bin", 30_730_000),
        records("data_batch_4.bin", 30_730_000),
        records("data_batch_5.bin", 30_730_000),
        records("test_batch.bin", 30_730_000),
        names("batches.meta.txt"),
    ],
};

/// Source: the same page, which does not give the size.
pub(super) const CIFAR_100: Expected = Expected {
    file: "cifar-100-binary.tar.gz",
    base: "https://www.cs.toronto.edu/~kriz/",
    bytes: None,
    // The members are 184,440,000 bytes before compression.
    max_bytes: 200_000_000,
    md5: "03b5dce01913d631647c71ecec9e9cb8",
    folder: "cifar-100-binary",
    members: &[
        records("train.bin", 153_700_000),
        records("test.bin", 30_740_000),
        names("fine_label_names.txt"),
        names("coarse_label_names.txt"),
    ],
};

impl Expected {
    pub(super) fn official_url(&self) -> String {
        format!("{}{}", self.base, self.file)
    }

    /// Full addresses of the archive on these mirrors, or on the official server.
    pub(super) fn urls(&self, mirrors: &[String]) -> Result<Vec<String>, FetchError> {
        if mirrors.is_empty() {
            return Ok(vec![self.official_url()]);
        }
        mirrors.iter().map(|mirror| self.url(mirror)).collect()
    }

    fn url(&self, mirror: &str) -> Result<String, FetchError> {
        let wrong = |reason: String| FetchError::MirrorUrl {
            url: mirror.to_owned(),
            reason,
        };
        let url = if mirror.ends_with('/') {
            format!("{mirror}{}", self.file)
        } else {
            mirror.to_owned()
        };
        let uri: ureq::http::Uri = url
            .parse()
            .map_err(|error: ureq::http::uri::InvalidUri| wrong(error.to_string()))?;
        if !matches!(uri.scheme_str(), Some("http" | "https")) {
            return Err(wrong("it does not begin with http:// or https://".into()));
        }
        match uri.host() {
            None | Some("") => Err(wrong("it names no host".into())),
            Some(_) => Ok(url),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn mirrors_are_folders_or_files() {
        let check = |mirror: &str, expected: &str| {
            let urls = CIFAR_10.urls(&[mirror.to_owned()]).expect("a URL");
            assert_eq!(urls, [expected]);
        };
        check(
            "http://a.example/pub/",
            "http://a.example/pub/cifar-10-binary.tar.gz",
        );
        check(
            "https://a.example:81/x.tgz?y=1",
            "https://a.example:81/x.tgz?y=1",
        );
        let official = "https://www.cs.toronto.edu/~kriz/cifar-100-binary.tar.gz";
        assert_eq!(CIFAR_100.urls(&[]).expect("URLs"), [official]);
    }

    #[test]
    fn what_is_no_url_is_refused() {
        for mirror in [
            "",
            "/",
            "/tmp/a.tar.gz",
            "ftp://a.example/",
            "a.example/",
            "http://a b/",
            "file:///a/",
        ] {
            let error = CIFAR_10
                .urls(&[mirror.to_owned()])
                .expect_err("not a mirror");
            assert!(
                matches!(error, FetchError::MirrorUrl { .. }),
                "{mirror}: {error}"
            );
        }
    }
}
