//! Rule: libraries neither print nor look at the clock; the command line, xtask and the benches may.

use super::Problem;
use super::source::{Source, has_word};

/// Folders whose programs speak to a person.
const MAY_PRINT: [&str; 3] = ["crates/cli/", "xtask/", "benches/"];
const PRINTING: [&str; 4] = ["println", "print", "eprintln", "eprint"];

/// Crates whose results depend on nothing but their arguments.
const NO_CLOCK: [&str; 4] = [
    "crates/kernels/src/",
    "crates/synth/src/",
    "crates/models/src/",
    "crates/report/src/",
];
const CLOCKS: [&str; 2] = ["Instant", "SystemTime"];

pub(super) fn check(source: &Source, problems: &mut Vec<Problem>) {
    let starts_with =
        |folders: &[&str]| folders.iter().any(|folder| source.path.starts_with(folder));
    // What a build script prints is for cargo.
    let may_print = starts_with(&MAY_PRINT) || source.path.ends_with("/build.rs");
    let has_no_clock = starts_with(&NO_CLOCK);
    for (number, line) in source.numbered() {
        let mut report =
            |message: String| problems.push(Problem::new(&source.path, number, message));
        if has_macro(&line.code, "dbg") {
            report("`dbg!` is left over".to_owned());
        }
        if line.in_test {
            continue;
        }
        for name in PRINTING
            .iter()
            .filter(|name| !may_print && has_macro(&line.code, name))
        {
            report(format!("a library does not print: `{name}!`"));
        }
        for name in CLOCKS
            .iter()
            .filter(|name| has_no_clock && has_word(&line.code, name))
        {
            report(format!("this crate does not know the clock: `{name}`"));
        }
    }
}

fn has_macro(code: &str, name: &str) -> bool {
    super::source::word_positions(code, name).any(|at| code[at + name.len()..].starts_with('!'))
}

#[cfg(test)]
mod tests {
    use super::super::problems_in;
    use super::{CLOCKS, PRINTING};

    #[test]
    fn libraries_do_not_print() {
        for name in PRINTING {
            let text = format!("//! A.\nfn f() {{ {name}!(\"x\"); }}\n");
            let found = problems_in("crates/models/src/a.rs", &text, super::check);
            assert_eq!(
                found,
                [format!(
                    "crates/models/src/a.rs:2: a library does not print: `{name}!`"
                )]
            );
            for path in [
                "crates/cli/src/a.rs",
                "xtask/src/a.rs",
                "benches/benches/a.rs",
                "crates/models/examples/a.rs",
                "fuzz/build.rs",
            ] {
                assert!(problems_in(path, &text, super::check).is_empty(), "{path}");
            }
        }
        let good = "/// println!(\"x\")\nfn f() { pretty_print!(); \"print!\"; }\n#[test]\nfn g() { println!(); }\n";
        assert!(problems_in("crates/models/src/a.rs", good, super::check).is_empty());
    }

    #[test]
    fn nobody_leaves_debugging_behind() {
        let text = "//! A.\n#[test]\nfn f() { dbg!(1); }\n";
        assert_eq!(
            problems_in("xtask/src/a.rs", text, super::check),
            ["xtask/src/a.rs:3: `dbg!` is left over"]
        );
    }

    #[test]
    fn models_do_not_know_the_clock() {
        for name in CLOCKS {
            let text = format!("//! A.\nuse std::time::{name};\n");
            let found = problems_in("crates/models/src/a.rs", &text, super::check);
            assert_eq!(
                found,
                [format!(
                    "crates/models/src/a.rs:2: this crate does not know the clock: `{name}`"
                )]
            );
            assert!(problems_in("crates/cifar/src/a.rs", &text, super::check).is_empty());
        }
    }
}
