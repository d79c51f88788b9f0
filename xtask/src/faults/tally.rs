//! What a scenario came to: counts for the table, and a line for every fault.

use std::fmt::Write as _;

use super::room::Ended;

/// Counts of one scenario.
pub(super) struct Tally {
    pub(super) name: String,
    /// Runs of the program that were disturbed.
    pub(super) runs: usize,
    /// Of these, ended by a signal that was sent to them.
    pub(super) killed: usize,
    /// Finished with exit code 0.
    pub(super) finished: usize,
    /// Refused: exit code 1 or 2, and one line.
    pub(super) refused: usize,
    /// Refused in another way.
    pub(super) unclear: usize,
    /// A file that was there before is damaged or gone, or a new one is not whole.
    pub(super) lost: usize,
    pub(super) wrong: usize,
    pub(super) panics: usize,
    pub(super) hangs: usize,
    /// Temporary files and folders that were still there after the next run.
    pub(super) left_over: usize,
    /// A line for every fault.
    pub(super) faults: Vec<String>,
    /// Why nothing of it was run.
    pub(super) not_run: Option<String>,
}

/// The heads of the table, in the order of [`Tally::cells`].
const HEADS: [&str; 11] = [
    "scenario",
    "runs",
    "killed",
    "finished",
    "refused in one line",
    "refused unclearly",
    "files lost",
    "wrong results",
    "panics",
    "hangs",
    "left over",
];

impl Tally {
    pub(super) fn new(name: impl Into<String>) -> Tally {
        Tally {
            name: name.into(),
            runs: 0,
            killed: 0,
            finished: 0,
            refused: 0,
            unclear: 0,
            lost: 0,
            wrong: 0,
            panics: 0,
            hangs: 0,
            left_over: 0,
            faults: Vec::new(),
            not_run: None,
        }
    }

    pub(super) fn not_run(name: &str, reason: &str) -> Tally {
        Tally {
            not_run: Some(reason.to_owned()),
            ..Tally::new(name)
        }
    }

    /// Counts how a disturbed run ended; `kills`: whether a signal was sent to it.
    pub(super) fn count(&mut self, ended: &Ended, kills: bool, what: &str) {
        self.runs += 1;
        if ended.hung {
            self.hangs += 1;
            self.fault(what, "hangs");
        } else if ended.panicked() {
            self.panics += 1;
            self.fault(what, &format!("panics: {}", ended.stderr.trim()));
        } else if ended.code.is_none() && kills {
            self.killed += 1;
        } else if ended.is_done() {
            self.finished += 1;
        } else if ended.is_clean_error() {
            self.refused += 1;
        } else {
            self.unclear += 1;
            self.fault(what, &format!("{}: {}", ended.shown(), ended.stderr.trim()));
        }
    }

    pub(super) fn wrong(&mut self, what: &str, why: &str) {
        self.wrong += 1;
        self.fault(what, why);
    }

    pub(super) fn lost(&mut self, what: &str, why: &str) {
        self.lost += 1;
        self.fault(what, why);
    }

    fn fault(&mut self, what: &str, why: &str) {
        self.faults.push(format!("{}: {what}: {why}", self.name));
    }

    /// Takes in the counts of a part of the same scenario.
    pub(super) fn add(&mut self, part: Tally) {
        self.runs += part.runs;
        self.killed += part.killed;
        self.finished += part.finished;
        self.refused += part.refused;
        self.unclear += part.unclear;
        self.lost += part.lost;
        self.wrong += part.wrong;
        self.panics += part.panics;
        self.hangs += part.hangs;
        self.left_over += part.left_over;
        self.faults.extend(part.faults);
    }

    fn cells(&self) -> Vec<String> {
        let counts = [
            self.runs,
            self.killed,
            self.finished,
            self.refused,
            self.unclear,
            self.lost,
            self.wrong,
            self.panics,
            self.hangs,
            self.left_over,
        ];
        let count = |count: usize| match &self.not_run {
            Some(_) => "not run".to_owned(),
            None => count.to_string(),
        };
        std::iter::once(self.name.clone())
            .chain(counts.into_iter().map(count))
            .collect()
    }
}

/// The table in Markdown, which is readable as it is.
pub(super) fn table(tallies: &[Tally]) -> String {
    let mut total = Tally::new("together");
    let mut rows: Vec<Vec<String>> = Vec::new();
    for tally in tallies {
        rows.push(tally.cells());
        total.add(Tally {
            name: String::new(),
            faults: Vec::new(),
            not_run: None,
            ..*tally
        });
    }
    rows.push(total.cells());
    let heads: Vec<String> = HEADS.map(str::to_owned).to_vec();
    let width = |column: usize| {
        let cells = rows.iter().chain([&heads]);
        let width = cells.map(|row| row[column].chars().count()).max();
        width.unwrap_or(0)
    };
    let mut text = String::new();
    let mut line = |cells: &[String]| {
        for (column, cell) in cells.iter().enumerate() {
            let width = width(column);
            let _ = match column {
                0 => write!(text, "| {cell:<width$} |"),
                _ => write!(text, " {cell:>width$} |"),
            };
        }
        text.push('\n');
    };
    line(&heads);
    let rules = (0..HEADS.len()).map(|column| match column {
        0 => "-".repeat(width(0)),
        _ => format!("{}:", "-".repeat(width(column) - 1)),
    });
    line(&rules.collect::<Vec<_>>());
    rows.iter().for_each(|row| line(row));
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    fn ended(code: Option<i32>, stdout: &str, stderr: &str) -> Ended {
        Ended {
            code,
            hung: false,
            stdout: stdout.to_owned(),
            stderr: stderr.to_owned(),
            took: Duration::ZERO,
        }
    }

    #[test]
    fn every_end_has_its_column() {
        let mut tally = Tally::new("x");
        for (end, kills) in [
            (ended(Some(0), "{}", ""), false),
            (ended(None, "", ""), true),
            (ended(None, "", ""), false),
            (ended(Some(1), "", "note: a\nerror: b\n"), false),
            (ended(Some(1), "", "error: a\nerror: b\n"), false),
            (ended(Some(1), "{}", "error: a\n"), false),
            (ended(Some(3), "", "error: a\n"), false),
            (ended(Some(101), "", "thread main panicked at x\n"), false),
        ] {
            tally.count(&end, kills, "y");
        }
        let mut hung = ended(None, "", "");
        hung.hung = true;
        tally.count(&hung, true, "y");
        assert_eq!(
            tally.cells(),
            ["x", "9", "1", "1", "1", "4", "0", "0", "1", "1", "0"]
        );
        assert_eq!(tally.faults.len(), 6);
    }

    #[test]
    fn the_table_adds_up() {
        let mut one = Tally::new("one");
        one.count(&ended(Some(0), "", ""), false, "a");
        one.wrong("a", "7 for 8");
        let text = table(&[one, Tally::not_run("two", "no tool")]);
        let lines: Vec<&str> = text.lines().collect();
        assert_eq!(lines.len(), 5, "{text}");
        let cells = |line: &str| -> Vec<String> {
            let parts = line.trim_matches('|').split('|');
            parts.map(|cell| cell.trim().to_owned()).collect()
        };
        assert_eq!(cells(lines[0]), HEADS);
        assert_eq!(cells(lines[3])[..3], ["two", "not run", "not run"]);
        assert_eq!(
            cells(lines[4]),
            ["together", "1", "0", "1", "0", "0", "0", "1", "0", "0", "0"]
        );
    }
}
