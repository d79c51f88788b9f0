//! The table of a run, as text, Markdown and CSV, and what it says about the targets.

use super::contest::threads;
use super::suite::{Suite, Target, Wanted};

/// The name of our own rows.
pub(crate) const OURS: &str = "nearplane";

/// One system in one contest.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) contest: &'static str,
    /// The name in the suite, [`OURS`] for nearplane.
    pub(crate) name: &'static str,
    /// With its version.
    pub(crate) system: String,
    /// For all queries or images.
    pub(crate) seconds: f64,
    /// Seconds of nearplane right before and right after; `None` in our own rows.
    pub(crate) beside: Option<[f64; 2]>,
    /// Queries or images that were timed.
    pub(crate) items: u64,
    pub(crate) threads: u64,
    pub(crate) remark: String,
}

impl Row {
    /// How many times as long it took as the mean of nearplane before and after.
    pub(crate) fn ratio(&self) -> Option<f64> {
        self.beside
            .map(|[before, after]| self.seconds / ((before + after) / 2.0))
    }

    fn cells(&self) -> [String; 6] {
        let beside = |[before, after]: [f64; 2]| format!("{}, {}", shown(before), shown(after));
        [
            self.contest.to_owned(),
            self.system.clone(),
            shown(self.seconds),
            self.beside.map_or_else(String::new, beside),
            self.ratio()
                .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            self.remark.clone(),
        ]
    }
}

const HEADER: [&str; 6] = [
    "contest",
    "system",
    "seconds",
    "nearplane beside it",
    "ratio",
    "remark",
];

/// Seconds with at least two digits that tell something.
pub(crate) fn shown(seconds: f64) -> String {
    if seconds < 1.0 {
        format!("{seconds:.3}")
    } else {
        format!("{seconds:.2}")
    }
}

/// For a terminal.
pub(crate) fn text(rows: &[Row]) -> String {
    let mut lines = vec![HEADER.map(str::to_owned)];
    lines.extend(rows.iter().map(Row::cells));
    let width = |column: usize| {
        let cells = lines.iter().map(|cells| cells[column].chars().count());
        cells.max().unwrap_or(0)
    };
    let widths: [usize; 6] = std::array::from_fn(width);
    let mut out = String::new();
    for cells in &lines {
        let mut line = String::new();
        for (column, (cell, width)) in cells.iter().zip(widths).enumerate() {
            line += &match column {
                2..=4 => format!("{cell:>width$}  "),
                _ => format!("{cell:<width$}  "),
            };
        }
        out += line.trim_end();
        out.push('\n');
    }
    out
}

/// For a record.
pub(crate) fn markdown(rows: &[Row]) -> String {
    let mut out = format!("| {} |\n|---|---|---|---|---|---|\n", HEADER.join(" | "));
    for row in rows {
        let cells = row.cells().map(|cell| cell.replace('|', "\\|"));
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out
}

/// For programs.
pub(crate) fn csv(rows: &[Row]) -> String {
    let mut out = String::from(
        "contest,name,system,seconds,nearplane_before_s,nearplane_after_s,ratio,items,threads,remark\n",
    );
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.4}"));
        let cells = [
            row.contest.to_owned(),
            row.name.to_owned(),
            quoted(&row.system),
            number(Some(row.seconds)),
            number(row.beside.map(|[before, _]| before)),
            number(row.beside.map(|[_, after]| after)),
            number(row.ratio()),
            row.items.to_string(),
            row.threads.to_string(),
            quoted(&row.remark),
        ];
        out += &(cells.join(",") + "\n");
    }
    out
}

fn quoted(cell: &str) -> String {
    if cell.contains([',', '"', '\n']) {
        format!("\"{}\"", cell.replace('"', "\"\""))
    } else {
        cell.to_owned()
    }
}

/// One line for each target of the suite.
pub(crate) fn targets(suite: &Suite, rows: &[Row]) -> Vec<String> {
    suite
        .targets
        .iter()
        .map(|target| target_line(target, rows))
        .collect()
}

fn target_line(target: &Target, rows: &[Row]) -> String {
    let contest = target.contest;
    let row = |name: &str| {
        rows.iter()
            .find(|row| row.contest == contest && row.name == name)
    };
    let verdict = |is_met: bool, found: String| {
        let met = if is_met { "met" } else { "NOT met" };
        format!("{met} ({found})")
    };
    let not_measured = || "not measured".to_owned();
    match &target.wanted {
        Wanted::Ratio {
            peer,
            shown,
            at_least,
        } => {
            let verdict = row(peer)
                .and_then(Row::ratio)
                .map_or_else(not_measured, |ratio| {
                    verdict(ratio >= *at_least, format!("{ratio:.2}"))
                });
            format!("target, {contest}: {shown} takes at least {at_least} times as long: {verdict}")
        }
        Wanted::SecondsBelow(limit) => {
            let (on, verdict) = row(OURS).map_or_else(
                || (String::new(), not_measured()),
                |row| {
                    let found = format!("{} s", shown(row.seconds));
                    (
                        format!(" on {}", threads(row.threads)),
                        verdict(row.seconds < *limit, found),
                    )
                },
            );
            format!("target, {contest}: nearplane takes less than {limit} s{on}: {verdict}")
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::suite::SUITES;
    use super::*;

    fn row(contest: &'static str, name: &'static str, seconds: f64, beside: Option<f64>) -> Row {
        Row {
            contest,
            name,
            system: format!("{name} 1.0"),
            seconds,
            beside: beside.map(|mean| [mean - 0.5, mean + 0.5]),
            items: 300,
            threads: 2,
            remark: "bytes, 2 threads".to_owned(),
        }
    }

    fn rows() -> [Row; 4] {
        [
            row("l2", OURS, 4.0, None),
            row("l2", "faiss", 20.0, Some(4.0)),
            row("l1", OURS, 5.0, None),
            row("l1", "opencv", 59.99, Some(5.0)),
        ]
    }

    #[test]
    fn the_table_has_ratios() {
        let expected = "\
contest  system         seconds  nearplane beside it  ratio  remark
l2       nearplane 1.0     4.00                              bytes, 2 threads
l2       faiss 1.0        20.00           3.50, 4.50   5.00  bytes, 2 threads
l1       nearplane 1.0     5.00                              bytes, 2 threads
l1       opencv 1.0       59.99           4.50, 5.50  12.00  bytes, 2 threads
";
        assert_eq!(text(&rows()), expected);
        let shown = markdown(&rows()[..2]);
        assert_eq!(
            shown.lines().nth(3),
            Some("| l2 | faiss 1.0 | 20.00 | 3.50, 4.50 | 5.00 | bytes, 2 threads |")
        );
    }

    #[test]
    fn the_csv_is_quoted() {
        assert_eq!(
            csv(&rows()[..2]).lines().skip(1).collect::<Vec<_>>(),
            [
                "l2,nearplane,nearplane 1.0,4.0000,,,,300,2,\"bytes, 2 threads\"",
                "l2,faiss,faiss 1.0,20.0000,3.5000,4.5000,5.0000,300,2,\"bytes, 2 threads\"",
            ]
        );
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
    }

    #[test]
    fn targets_are_judged_by_the_exact_ratio() {
        assert_eq!(
            targets(SUITES[0], &rows()),
            [
                "target, l2: faiss IndexFlatL2 takes at least 5 times as long: met (5.00)",
                "target, l1: OpenCV 4 batchDistance takes at least 12 times as long: NOT met (12.00)",
                "target, l1: faiss IndexFlat METRIC_L1 takes at least 60 times as long: not measured",
            ]
        );
    }

    #[test]
    fn targets_without_a_peer_are_judged_by_seconds() {
        let suite = SUITES
            .iter()
            .find(|suite| suite.name == "features")
            .unwrap();
        let last = |rows: &[Row]| targets(suite, rows).pop();
        for (seconds, verdict) in [(0.999, "met (0.999 s)"), (1.0, "NOT met (1.00 s)")] {
            assert_eq!(
                last(&[row("hog", OURS, seconds, None)]),
                Some(format!(
                    "target, hog: nearplane takes less than 1 s on 2 threads: {verdict}"
                ))
            );
        }
        assert_eq!(
            last(&rows()).as_deref(),
            Some("target, hog: nearplane takes less than 1 s: not measured")
        );
    }

    #[test]
    fn short_times_keep_their_digits() {
        assert_eq!(
            [0.0456, 0.5, 1.0, 12.345].map(shown),
            ["0.046", "0.500", "1.00", "12.35"]
        );
    }
}
