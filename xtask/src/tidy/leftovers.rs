//! Rule: nothing is left open in the code. Marks are spelt in two pieces here, so that the rule does not find itself.

use super::Problem;
use super::source::Source;

const MARKS: [&str; 5] = [
    concat!("to", "do!("),
    concat!("unimple", "mented!("),
    concat!("FIX", "ME"),
    concat!("XX", "X"),
    concat!("Under con", "struction"),
];

pub(super) fn check(source: &Source, problems: &mut Vec<Problem>) {
    for (number, line) in source.numbered() {
        for mark in MARKS.iter().filter(|mark| line.raw.contains(**mark)) {
            problems.push(Problem::new(
                &source.path,
                number,
                format!("`{mark}` is left open"),
            ));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::problems_in;
    use super::MARKS;

    #[test]
    fn marks_are_found_in_code_and_comments() {
        for mark in MARKS {
            let found = problems_in("a.rs", &format!("//! A.\nf(); // {mark}\n"), super::check);
            assert_eq!(found, [format!("a.rs:2: `{mark}` is left open")]);
        }
        assert!(
            problems_in(
                "a.rs",
                "//! A list of things to do.\nlet todo = list();\n",
                super::check
            )
            .is_empty()
        );
    }
}
