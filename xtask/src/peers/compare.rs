//! Two records beside each other: `--compare OLD`.

use std::path::Path;

use crate::shell;

/// One system in one contest, as a record's CSV has it.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    /// Empty in records from before there were suites.
    suite: String,
    contest: String,
    name: String,
    seconds: f64,
    ratio: Option<f64>,
}

/// The table of what both records have: seconds are of two runs, maybe of two machines; ratios can be compared.
pub(crate) fn compare(old: &Path, new: &Path) -> Result<String, String> {
    let (before, after) = (read(old)?, read(new)?);
    let mut lines = vec![
        [
            "job",
            "system",
            "seconds, old",
            "new",
            "new / old",
            "ratio, old",
            "new",
        ]
        .map(str::to_owned),
    ];
    for now in &after {
        let is_same = |then: &&Entry| {
            (&then.contest, &then.name) == (&now.contest, &now.name)
                && (then.suite.is_empty() || then.suite == now.suite)
        };
        let Some(then) = before.iter().find(is_same) else {
            continue;
        };
        let ratio = |ratio: Option<f64>| ratio.map_or_else(String::new, |r| format!("{r:.2}"));
        lines.push([
            format!("{} {}", now.suite, now.contest)
                .trim_start()
                .to_owned(),
            now.name.clone(),
            format!("{:.3}", then.seconds),
            format!("{:.3}", now.seconds),
            format!("{:.2}", now.seconds / then.seconds),
            ratio(then.ratio),
            ratio(now.ratio),
        ]);
    }
    if lines.len() == 1 {
        return Err(format!(
            "{} and {} have no job in common",
            shell::short(old),
            shell::short(new)
        ));
    }
    let width = |column: usize| {
        lines
            .iter()
            .map(|cells| cells[column].len())
            .max()
            .unwrap_or(0)
    };
    let widths: [usize; 7] = std::array::from_fn(width);
    let line = |cells: &[String; 7]| {
        let cells = cells.iter().zip(widths).enumerate();
        let cells = cells.map(|(column, (cell, width))| match column {
            0 | 1 => format!("{cell:<width$}  "),
            _ => format!("{cell:>width$}  "),
        });
        cells.collect::<String>().trim_end().to_owned() + "\n"
    };
    Ok(lines.iter().map(line).collect())
}

fn read(path: &Path) -> Result<Vec<Entry>, String> {
    let text = std::fs::read_to_string(path)
        .map_err(|error| format!("{}: {error}", shell::short(path)))?;
    entries(&text).map_err(|error| format!("{}: {error}", shell::short(path)))
}

fn entries(text: &str) -> Result<Vec<Entry>, String> {
    let mut lines = text.lines().enumerate();
    let header = lines
        .next()
        .map(|(_, line)| cells(line))
        .unwrap_or_default();
    let column = |name: &str| header.iter().position(|cell| cell == name);
    let needed = |name: &str| {
        column(name).ok_or_else(|| format!("no column `{name}`: is it the .csv of a record?"))
    };
    let (contest, name, seconds) = (needed("contest")?, needed("name")?, needed("seconds")?);
    let (suite, ratio) = (column("suite"), column("ratio"));
    lines
        .map(|(at, line)| {
            let cells = cells(line);
            let cell = |column: usize| {
                let cell = cells.get(column).cloned();
                cell.ok_or_else(|| format!("line {}: too short", at + 1))
            };
            let shown = cell(seconds)?;
            Ok(Entry {
                suite: suite.map_or(Ok(String::new()), &cell)?,
                contest: cell(contest)?,
                name: cell(name)?,
                seconds: shown
                    .parse()
                    .map_err(|_| format!("line {}: `{shown}` are no seconds", at + 1))?,
                ratio: ratio.and_then(|column| cell(column).ok()?.parse().ok()),
            })
        })
        .collect()
}

/// The cells of a line of CSV; quoted ones hold no line break in a record.
pub(crate) fn cells(line: &str) -> Vec<String> {
    let (mut cells, mut is_quoted) = (vec![String::new()], false);
    let mut rest = line.chars().peekable();
    while let Some(c) = rest.next() {
        match c {
            '"' if is_quoted && rest.peek() == Some(&'"') => {
                rest.next();
                push(&mut cells, '"');
            }
            '"' => is_quoted = !is_quoted,
            ',' if !is_quoted => cells.push(String::new()),
            _ => push(&mut cells, c),
        }
    }
    cells
}

fn push(cells: &mut [String], c: char) {
    if let Some(last) = cells.last_mut() {
        last.push(c);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::shell::TempFolder;

    const OLD: &str = "contest,name,system,seconds,nearplane_before_s,nearplane_after_s,ratio\n\
        l2,nearplane,\"a, \"\"b\"\"\",4.0,,,\nl2,faiss,c,20.0,4,4,5.0\n";
    const NEW: &str = "suite,contest,name,system,seconds,ratio\n\
        knn,l2,nearplane,a,2.0,\nknn,l2,faiss,c,20.0,10.0\nknn,l1,nearplane,a,3.0,\n";

    #[test]
    fn what_both_have_is_shown() {
        let folder = TempFolder::new();
        let [old, new] = [("old.csv", OLD), ("new.csv", NEW)].map(|(name, text)| {
            let path = folder.path().join(name);
            std::fs::write(&path, text).unwrap();
            path
        });
        let expected = "\
job     system     seconds, old     new  new / old  ratio, old    new
knn l2  nearplane         4.000   2.000       0.50
knn l2  faiss            20.000  20.000       1.00        5.00  10.00
";
        assert_eq!(compare(&old, &new).unwrap(), expected);
        std::fs::write(&new, "suite,contest,name,seconds\nx,y,z,1\n").unwrap();
        assert!(
            compare(&old, &new)
                .unwrap_err()
                .ends_with("no job in common")
        );
    }

    #[test]
    fn what_is_no_record_is_refused() {
        assert!(entries("").unwrap_err().contains("no column `contest`"));
        assert_eq!(
            entries("contest,name,seconds\na,b,c\n").unwrap_err(),
            "line 2: `c` are no seconds"
        );
        assert_eq!(
            entries("contest,name,seconds\na,b\n").unwrap_err(),
            "line 2: too short"
        );
    }
}
