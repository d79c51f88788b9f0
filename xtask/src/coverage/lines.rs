//! Reading lines and how often they ran from a report in the format of lcov, without the lines of tests.

use std::collections::BTreeMap;
use std::iter::Sum;

use crate::tidy::source::Source;

/// Lines of a file or a crate.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) covered: usize,
    pub(super) all: usize,
}

impl Count {
    /// The share that ran; of nothing, nothing.
    pub(super) fn percent(self) -> f64 {
        100.0 * self.covered as f64 / self.all.max(1) as f64
    }
}

impl Sum for Count {
    fn sum<I: Iterator<Item = Count>>(counts: I) -> Count {
        counts.fold(Count::default(), |sum, count| Count {
            covered: sum.covered + count.covered,
            all: sum.all + count.all,
        })
    }
}

/// A source file that was compiled.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct File {
    pub(super) path: String,
    pub(super) count: Count,
}

impl File {
    /// The rest of the path if it runs through `folder`.
    pub(super) fn path_from(&self, folder: &str) -> Option<&str> {
        Some(self.path.split_once(folder)?.1)
    }
}

/// Counts the lines of each file of the report; `text_of` reads a file.
pub(super) fn read(
    report: &str,
    text_of: impl Fn(&str) -> Result<String, String>,
) -> Result<Vec<File>, String> {
    let mut runs: BTreeMap<&str, BTreeMap<usize, u64>> = BTreeMap::new();
    let mut path = None;
    for line in report.lines() {
        if let Some(name) = line.strip_prefix("SF:") {
            path = Some(name);
        } else if let Some(data) = line.strip_prefix("DA:") {
            let parsed = path.zip(data.split_once(',').and_then(|(line, count)| {
                Some((
                    line.parse().ok()?,
                    count.split(',').next()?.parse::<u64>().ok()?,
                ))
            }));
            let (path, (number, count)) =
                parsed.ok_or_else(|| format!("a line that is not lcov's: `{line}`"))?;
            let most = runs.entry(path).or_default().entry(number).or_insert(0u64);
            *most = count.max(*most);
        }
    }
    let mut files = Vec::new();
    for (path, runs) in runs {
        // With `/` also where the system has another separator.
        let name = path.replace('\\', "/");
        let source = Source::new(&name, &text_of(path)?);
        let mut count = Count::default();
        for (number, line) in source.numbered() {
            if let Some(&runs) = runs.get(&number).filter(|_| !line.in_test) {
                count.all += 1;
                count.covered += usize::from(runs > 0);
            }
        }
        files.push(File { path: name, count });
    }
    Ok(files)
}

#[cfg(test)]
mod tests {
    use super::*;

    const SOURCE: &str = "fn a() {}\n\n#[cfg(test)]\nmod tests {\n    fn b() {}\n}\nfn c() {}\n";

    fn check(report: &str, expected: &[(&str, usize, usize)]) {
        let files = read(report, |_| Ok(SOURCE.to_owned())).unwrap();
        let found: Vec<(&str, usize, usize)> = files
            .iter()
            .map(|file| (file.path.as_str(), file.count.covered, file.count.all))
            .collect();
        assert_eq!(found, expected);
    }

    #[test]
    fn lines_of_tests_do_not_count() {
        check(
            "TN:\nSF:/x/src/a.rs\nFN:1,a\nDA:1,3\nDA:5,1\nDA:7,0\nLF:3\nend_of_record\n",
            &[("/x/src/a.rs", 1, 2)],
        );
        check(
            "SF:/x/src/a/tests.rs\nDA:1,3\n",
            &[("/x/src/a/tests.rs", 0, 0)],
        );
    }

    #[test]
    fn a_line_is_covered_if_it_is_anywhere() {
        check(
            "SF:a.rs\nDA:1,0\nDA:7,0,x\nend_of_record\nSF:a.rs\nDA:1,2\nend_of_record\n",
            &[("a.rs", 1, 2)],
        );
    }

    #[test]
    fn other_reports_are_refused() {
        for report in ["DA:1,1\n", "SF:a\nDA:one,1\n", "SF:a\nDA:1\n"] {
            let error = read(report, |_| Ok(String::new())).unwrap_err();
            assert!(
                error.starts_with("a line that is not lcov's: `DA:"),
                "{error}"
            );
        }
        let error = read("SF:a\nDA:1,1\n", |_| Err("no a".to_owned())).unwrap_err();
        assert_eq!(error, "no a");
    }
}
