//! Rule: no Rust file is so long that nobody reads it.

use super::Problem;
use super::source::Source;

pub(super) const MAX_LINES: usize = 500;

pub(super) fn check(source: &Source, problems: &mut Vec<Problem>) {
    let lines = source.lines.len();
    if lines > MAX_LINES {
        let message = format!("{lines} lines, at most {MAX_LINES}: split it where it has a seam");
        problems.push(Problem::new(&source.path, MAX_LINES + 1, message));
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems_in;
    use super::MAX_LINES;

    #[test]
    fn long_files_are_reported() {
        assert!(problems_in("a.rs", &"//\n".repeat(MAX_LINES), super::check).is_empty());
        let found = problems_in("a.rs", &"//\n".repeat(MAX_LINES + 1), super::check);
        assert_eq!(
            found,
            ["a.rs:501: 501 lines, at most 500: split it where it has a seam"]
        );
    }
}
