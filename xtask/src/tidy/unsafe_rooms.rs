//! Rule: `unsafe` stays in its rooms, and each use says why it is sound.

use super::Problem;
use super::source::{Line, Source, word_positions};

pub(super) const ROOMS: [&str; 2] = ["crates/kernels/src/arch/", "crates/cifar/src/map.rs"];
/// One file of this folder may take responsibility for a mapping.
pub(super) const ONE_FILE_OF: &str = "crates/cli/src/";
/// How far above its line a `SAFETY:` comment may begin and still be seen as its reason.
const REACH: usize = 6;

pub(super) fn check(sources: &[Source], problems: &mut Vec<Problem>) {
    let mut room_of_cli: Option<&str> = None;
    for source in sources {
        for (number, line) in source.numbered() {
            for at in word_positions(&line.code, "unsafe") {
                let mut report =
                    |message: String| problems.push(Problem::new(&source.path, number, message));
                if source.path.starts_with(ONE_FILE_OF) {
                    let room = *room_of_cli.get_or_insert(&source.path);
                    if room != source.path {
                        report(format!(
                            "`unsafe` in a second file of {ONE_FILE_OF}, the first is {room}"
                        ));
                    }
                } else if !ROOMS.iter().any(|room| source.path.starts_with(room)) {
                    report(format!(
                        "`unsafe` outside its rooms ({}, one file of {ONE_FILE_OF})",
                        ROOMS.join(", ")
                    ));
                }
                // What an unsafe function asks for stands in its documentation, which clippy demands; its body has
                // blocks of its own.
                let after = next_words(source, number, &line.code[at + "unsafe".len()..]);
                let declares = ["fn", "trait", "extern \"\" fn"]
                    .iter()
                    .any(|word| after.starts_with(word));
                if !declares && !nearby(source, number).any(|line| line.comment.contains("SAFETY:"))
                {
                    report("`unsafe` without `SAFETY:` near it".to_owned());
                }
            }
        }
    }
}

/// What follows in the code, over the end of the line.
fn next_words(source: &Source, number: usize, rest: &str) -> String {
    let next = source.lines.get(number).map_or("", |line| line.code.trim());
    format!("{} {next}", rest.trim()).trim_start().to_owned()
}

/// The line and those shortly above it.
fn nearby(source: &Source, number: usize) -> impl Iterator<Item = &Line> {
    source.lines[number.saturating_sub(REACH + 1)..number].iter()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(files: &[(&str, &str)]) -> Vec<String> {
        let sources: Vec<Source> = files
            .iter()
            .map(|(path, text)| Source::new(path, text))
            .collect();
        let mut problems = Vec::new();
        check(&sources, &mut problems);
        problems.iter().map(Problem::to_string).collect()
    }

    const GOOD: &str = "\
//! A.
/// Adds.
///
/// # Safety
///
/// The CPU has AVX2.
#[target_feature(enable = \"avx2\")]
#[inline]
pub(crate) unsafe fn add(x: &[u8]) -> u8 {
    // SAFETY: the slice is not empty.
    unsafe { *x.get_unchecked(0) }
}
type Entry = unsafe fn(&[u8]) -> u8;
// SAFETY: no interior pointers.
unsafe impl Send for X {}
fn f() {
    // SAFETY: the token proves the feature.
    let sum: u32 =
        unsafe { add(&[1]) };
}
// unsafe in words, \"unsafe { }\" in strings and unsafe_code in names are fine
fn g() { h(\"unsafe { }\") }
";

    #[test]
    fn reasons_are_seen() {
        assert_eq!(
            found(&[("crates/kernels/src/arch/x86_64/avx2.rs", GOOD)]),
            [""; 0]
        );
        assert_eq!(found(&[("crates/cifar/src/map.rs", GOOD)]), [""; 0]);
    }

    #[test]
    fn reasons_are_asked_for() {
        let path = "crates/cifar/src/map.rs";
        let filler = "let a = 1;\n".repeat(REACH + 1);
        let far = format!("//! A.\n// SAFETY: long ago.\n{filler}unsafe {{ b() }};\n");
        assert_eq!(
            found(&[(path, &far)]),
            [format!("{path}:10: `unsafe` without `SAFETY:` near it")]
        );
        for item in [
            "unsafe impl Send for X {}",
            "fn f() { unsafe { g() } }",
            "unsafe extern \"C\" {}",
        ] {
            let found = found(&[(path, &format!("//! A.\n{item}\n"))]);
            assert_eq!(
                found,
                [format!("{path}:2: `unsafe` without `SAFETY:` near it")],
                "{item}"
            );
        }
    }

    #[test]
    fn rooms_are_closed() {
        let text = "//! A.\n// SAFETY: mapped.\nfn f() { unsafe { g() } }\n";
        for path in [
            "crates/kernels/src/mat.rs",
            "crates/cifar/src/dataset.rs",
            "crates/cifar/tests/map.rs",
            "xtask/src/a.rs",
        ] {
            let found = found(&[(path, text)]);
            assert_eq!(found.len(), 1);
            assert!(
                found[0].starts_with(&format!("{path}:3: `unsafe` outside its rooms (")),
                "{found:?}"
            );
        }
        assert_eq!(
            found(&[
                ("crates/cli/src/open.rs", text),
                ("crates/kernels/src/arch/a.rs", text)
            ]),
            [""; 0]
        );
        assert_eq!(
            found(&[
                ("crates/cli/src/main.rs", text),
                ("crates/cli/src/open.rs", text)
            ]),
            [
                "crates/cli/src/open.rs:3: `unsafe` in a second file of crates/cli/src/, the first is crates/cli/src/main.rs"
            ],
        );
    }
}
