//! Rule: every Rust file opens with `//!` that says what lives there.

use super::Problem;
use super::source::Source;

pub(super) fn check(source: &Source, problems: &mut Vec<Problem>) {
    let first = source.lines.first().map_or("", |line| line.raw.as_str());
    let says_something = first
        .strip_prefix("//! ")
        .is_some_and(|text| !text.trim().is_empty());
    if !says_something {
        problems.push(Problem::new(
            &source.path,
            1,
            "the file does not open with `//! what lives here`",
        ));
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems_in;

    #[test]
    fn the_first_line_is_documentation() {
        let message = "a.rs:1: the file does not open with `//! what lives here`";
        assert!(problems_in("a.rs", "//! Distances.\n", super::check).is_empty());
        for text in [
            "",
            "//!\n",
            "//! \n",
            "\n//! Late.\n",
            "// Plain.\n",
            "/// Item.\nfn f() {}\n",
            "use x;\n//! Late.\n",
        ] {
            assert_eq!(problems_in("a.rs", text, super::check), [message], "{text}");
        }
    }
}
