//! Rule: each crate folder has its page and its licences, and the code map names it.

use super::{File, Problem};

const BESIDE: [&str; 3] = ["README.md", "LICENSE-MIT", "LICENSE-APACHE"];
const MAP: &str = "crates/README.md";

pub(super) fn check(files: &[File], problems: &mut Vec<Problem>) {
    let find = |path: &str| files.iter().find(|file| file.path == path);
    let manifests = files
        .iter()
        .filter(|file| file.path.starts_with("crates/") && file.path.ends_with("/Cargo.toml"));
    for manifest in manifests {
        let folder = manifest.path.trim_end_matches("/Cargo.toml");
        for name in BESIDE {
            if find(&format!("{folder}/{name}")).is_none() {
                problems.push(Problem::new(
                    &manifest.path,
                    1,
                    format!("{folder} has no {name}"),
                ));
            }
        }
        let mark = format!("`{folder}`");
        if find(MAP).is_some_and(|map| !map.text.contains(&mark)) {
            problems.push(Problem::new(
                MAP,
                1,
                format!("the code map does not name {mark}"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn missing_files_are_reported() {
        let file = |path: &str, text: &str| File {
            path: path.to_owned(),
            text: text.to_owned(),
        };
        let mut files = vec![
            file("crates/a/Cargo.toml", ""),
            file("crates/a/README.md", ""),
            file("crates/a/LICENSE-MIT", ""),
            file(MAP, "| `crates/b` |"),
        ];
        let mut problems = Vec::new();
        check(&files, &mut problems);
        let found: Vec<String> = problems.iter().map(Problem::to_string).collect();
        assert_eq!(
            found,
            [
                "crates/a/Cargo.toml:1: crates/a has no LICENSE-APACHE",
                "crates/README.md:1: the code map does not name `crates/a`"
            ],
        );

        files[3].text = "| `crates/a` |".to_owned();
        files.push(file("crates/a/LICENSE-APACHE", ""));
        problems.clear();
        check(&files, &mut problems);
        assert_eq!(problems, []);
    }
}
