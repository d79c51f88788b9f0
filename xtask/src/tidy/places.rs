//! Rule: no file names a folder of one machine or a package registry of one's own. The patterns are spelt in two
//! pieces here, so that the rule does not find itself.

use super::{File, Problem};

const FOLDERS: [&str; 4] = [
    concat!("/wo", "rk/"),
    concat!("/ho", "me/"),
    concat!("/ro", "ot/"),
    concat!("/Us", "ers/"),
];
const REGISTRIES: [&str; 4] = [
    concat!("sparse+", "http"),
    concat!("index", "-url"),
    concat!("replace", "-with"),
    concat!("find", "-links"),
];
/// How a lock file names a registry, and the only one that it may name.
const LOCKED: &str = "\"registry+";
const PUBLIC: &str = "\"registry+https://github.com/rust-lang/crates.io-index\"";

pub(super) fn check(file: &File, problems: &mut Vec<Problem>) {
    for (number, line) in (1..).zip(file.text.lines()) {
        for folder in FOLDERS.iter().filter(|folder| names_folder(line, folder)) {
            problems.push(Problem::new(
                &file.path,
                number,
                format!("`{folder}` is a folder of one machine"),
            ));
        }
        for word in REGISTRIES.iter().filter(|word| line.contains(**word)) {
            problems.push(Problem::new(
                &file.path,
                number,
                format!("`{word}` names a registry of one's own"),
            ));
        }
        if file.path.ends_with("Cargo.lock") && line.contains(LOCKED) && !line.contains(PUBLIC) {
            problems.push(Problem::new(
                &file.path,
                number,
                "a locked package is not from crates.io",
            ));
        }
    }
}

/// Whether the folder begins an absolute path; `target` + folder, `~` + folder and URLs do not count.
fn names_folder(line: &str, folder: &str) -> bool {
    let continues = |c: char| c.is_alphanumeric() || "_-.~)}>*".contains(c);
    line.match_indices(folder)
        .any(|(at, _)| !line[..at].chars().next_back().is_some_and(continues))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(path: &str, text: &str) -> Vec<String> {
        let mut problems = Vec::new();
        check(
            &File {
                path: path.to_owned(),
                text: text.to_owned(),
            },
            &mut problems,
        );
        problems.iter().map(Problem::to_string).collect()
    }

    #[test]
    fn machine_folders_are_reported() {
        for folder in FOLDERS {
            let expected = format!("a.md:2: `{folder}` is a folder of one machine");
            assert_eq!(
                found("a.md", &format!("fine\nsee {folder}data\n")),
                [expected.as_str()]
            );
            assert_eq!(
                found("a.md", &format!("fine\nin \"{folder}\"\n")),
                [expected.as_str()]
            );
            let good = format!(
                "target{folder}x ~{folder}x https://a.org{folder}x {}\n",
                folder.trim_matches('/')
            );
            assert!(found("a.md", &good).is_empty(), "{good}");
        }
    }

    #[test]
    fn registries_are_reported() {
        for word in REGISTRIES {
            assert_eq!(
                found("a.toml", &format!("x {word}\n")),
                [format!("a.toml:1: `{word}` names a registry of one's own")]
            );
        }
        assert!(found("Cargo.lock", &format!("source = {PUBLIC}\n")).is_empty());
        let other = PUBLIC.replace("github.com", "example.org");
        assert_eq!(
            found("Cargo.lock", &format!("source = {other}\n")),
            ["Cargo.lock:1: a locked package is not from crates.io"]
        );
    }
}
