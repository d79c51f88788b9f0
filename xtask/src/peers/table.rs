//! The table of a run, as text, Markdown and CSV, and what it says about the targets.

use super::contest::threads;
use super::machine::Share;
use super::record::Circumstances;
use super::suite::{Contest, Suite, Target, Wanted};

/// The name of our own rows.
pub(crate) const OURS: &str = "nearplane";

/// One system in one contest.
#[derive(Debug, Clone)]
pub(crate) struct Row {
    pub(crate) suite: &'static str,
    pub(crate) contest: &'static str,
    /// The name in the suite, [`OURS`] for nearplane.
    pub(crate) name: &'static str,
    /// With its version.
    pub(crate) system: String,
    /// For all queries or images.
    pub(crate) seconds: f64,
    /// Seconds of nearplane right before and right after; `None` in our own rows.
    pub(crate) beside: Option<[f64; 2]>,
    /// Of what the machine could do, where that is known.
    pub(crate) share: Option<Share>,
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

    /// `knn l2`.
    pub(crate) fn job(&self) -> String {
        format!("{} {}", self.suite, self.contest)
    }

    fn cells(&self) -> [String; COLUMNS] {
        let beside = |[before, after]: [f64; 2]| format!("{}, {}", shown(before), shown(after));
        [
            self.job(),
            self.system.clone(),
            shown(self.seconds),
            self.beside.map_or_else(String::new, beside),
            self.ratio()
                .map_or_else(String::new, |ratio| format!("{ratio:.2}")),
            self.share
                .as_ref()
                .map_or_else(String::new, Share::to_string),
            self.remark.clone(),
        ]
    }
}

const COLUMNS: usize = 7;

const HEADER: [&str; COLUMNS] = [
    "job",
    "system",
    "seconds",
    "nearplane beside it",
    "ratio",
    "share of the limit",
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
    let widths: [usize; COLUMNS] = std::array::from_fn(width);
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
    let mut out = format!(
        "| {} |\n|---|---|---|---|---|---|---|\n",
        HEADER.join(" | ")
    );
    for row in rows {
        let cells = row.cells().map(|cell| cell.replace('|', "\\|"));
        out += &format!("| {} |\n", cells.join(" | "));
    }
    out
}

/// For the README: a line for each job, with all that ran beside it.
pub(crate) fn summary(rows: &[Row]) -> String {
    let mut out = String::from(
        "| job | nearplane | share of the limit | beside it, times as long |\n|---|---|---|---|\n",
    );
    for ours in rows.iter().filter(|row| row.name == OURS) {
        let peers = rows
            .iter()
            .filter(|row| row.name != OURS && row.job() == ours.job());
        let peers = peers.filter_map(|row| {
            let ratio = row.ratio()?;
            let digits = usize::from(ratio < 10.0);
            Some(format!(
                "{} {ratio:.digits$}",
                row.system.replace('|', "\\|")
            ))
        });
        out += &format!(
            "| {} | {} s | {} | {} |\n",
            ours.job(),
            shown(ours.seconds),
            ours.share
                .as_ref()
                .map_or_else(String::new, Share::to_string),
            peers.collect::<Vec<_>>().join("; ")
        );
    }
    out
}

/// For programs.
pub(crate) fn csv(rows: &[Row], at: &Circumstances) -> String {
    let mut out = String::from(
        "suite,contest,name,system,seconds,nearplane_before_s,nearplane_after_s,ratio,share,limit,items,threads,\
         remark,commit,date,cpu\n",
    );
    for row in rows {
        let number = |value: Option<f64>| value.map_or_else(String::new, |v| format!("{v:.4}"));
        let share = row.share.as_ref();
        let cells = [
            row.suite.to_owned(),
            row.contest.to_owned(),
            row.name.to_owned(),
            quoted(&row.system),
            number(Some(row.seconds)),
            number(row.beside.map(|[before, _]| before)),
            number(row.beside.map(|[_, after]| after)),
            number(row.ratio()),
            number(share.map(|share| share.of_limit)),
            share.map_or_else(String::new, |share| share.limit.clone()),
            row.items.to_string(),
            row.threads.to_string(),
            quoted(&row.remark),
            at.commit.clone(),
            at.date.clone(),
            quoted(&at.cpu),
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

/// One line for each target of the suite whose contest `counts`.
pub(crate) fn targets(
    suite: &Suite,
    rows: &[Row],
    counts: impl Fn(&Contest) -> bool,
) -> Vec<String> {
    let judged = |target: &&Target| {
        let mut contests = suite.contests.iter();
        contests.any(|contest| contest.name == target.contest && counts(contest))
    };
    suite
        .targets
        .iter()
        .filter(judged)
        .map(|target| target_line(suite.name, target, rows))
        .collect()
}

fn target_line(suite: &str, target: &Target, rows: &[Row]) -> String {
    let contest = target.contest;
    let rows_of = |suite: &str, contest: &str, name: &str| {
        let mut rows = rows.iter();
        rows.find(|row| row.suite == suite && row.contest == contest && row.name == name)
    };
    let row = |name: &str| rows_of(suite, contest, name);
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
        Wanted::AtMostTimes { jobs, shown, times } => {
            let theirs = jobs
                .iter()
                .map(|(suite, contest)| rows_of(suite, contest, OURS));
            let sum: Option<f64> = theirs.map(|row| Some(row?.seconds)).sum();
            let verdict = row(OURS).zip(sum).map_or_else(not_measured, |(row, sum)| {
                let ratio = row.seconds / sum;
                verdict(ratio <= *times, format!("{ratio:.2}"))
            });
            format!(
                "target, {contest}: nearplane takes at most {times} times as long as for {shown}: {verdict}"
            )
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::suites::SUITES;
    use super::*;

    fn row(contest: &'static str, name: &'static str, seconds: f64, beside: Option<f64>) -> Row {
        Row {
            suite: "knn",
            contest,
            name,
            system: format!("{name} 1.0"),
            seconds,
            beside: beside.map(|mean| [mean - 0.5, mean + 0.5]),
            share: (name == OURS).then(|| Share {
                of_limit: 0.914,
                limit: "VNNI".to_owned(),
            }),
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
job     system         seconds  nearplane beside it  ratio  share of the limit  remark
knn l2  nearplane 1.0     4.00                              91 % of VNNI        bytes, 2 threads
knn l2  faiss 1.0        20.00           3.50, 4.50   5.00                      bytes, 2 threads
knn l1  nearplane 1.0     5.00                              91 % of VNNI        bytes, 2 threads
knn l1  opencv 1.0       59.99           4.50, 5.50  12.00                      bytes, 2 threads
";
        assert_eq!(text(&rows()), expected);
        let shown = markdown(&rows()[..2]);
        assert_eq!(
            shown.lines().nth(3),
            Some("| knn l2 | faiss 1.0 | 20.00 | 3.50, 4.50 | 5.00 |  | bytes, 2 threads |")
        );
        let lines = summary(&rows());
        assert_eq!(
            lines.lines().nth(2),
            Some("| knn l2 | 4.00 s | 91 % of VNNI | faiss 1.0 5.0 |")
        );
    }

    #[test]
    fn the_csv_is_quoted() {
        let at = Circumstances {
            date: "2026-11-23".to_owned(),
            cpu: "A CPU".to_owned(),
            commit: "abc".to_owned(),
        };
        assert_eq!(
            csv(&rows()[..2], &at).lines().skip(1).collect::<Vec<_>>(),
            [
                "knn,l2,nearplane,nearplane 1.0,4.0000,,,,0.9140,VNNI,300,2,\"bytes, 2 threads\",abc,2026-11-23,A CPU",
                "knn,l2,faiss,faiss 1.0,20.0000,3.5000,4.5000,5.0000,,,300,2,\"bytes, 2 threads\",abc,2026-11-23,A CPU",
            ]
        );
        assert_eq!(quoted("a \"b\""), "\"a \"\"b\"\"\"");
    }

    #[test]
    fn targets_are_judged_by_the_exact_ratio() {
        assert_eq!(
            targets(SUITES[0], &rows(), |_| true),
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
        let last = |rows: &[Row]| targets(suite, rows, |_| true).pop();
        for (seconds, verdict) in [(0.999, "met (0.999 s)"), (1.0, "NOT met (1.00 s)")] {
            assert_eq!(
                last(&[Row {
                    suite: "features",
                    ..row("hog", OURS, seconds, None)
                }]),
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
    fn targets_may_be_other_jobs_of_ours() {
        let suite = SUITES.iter().find(|suite| suite.name == "jobs").unwrap();
        let first = |rows: &[Row]| targets(suite, rows, |_| true).swap_remove(0);
        let mut rows = rows().to_vec();
        let cv = Row {
            suite: "jobs",
            ..row("cv", OURS, 36.0, None)
        };
        rows.push(cv.clone());
        let said = "target, cv: nearplane takes at most 4 times as long as for brute force by both metrics: ";
        assert_eq!(first(&rows), format!("{said}met (4.00)"));
        assert_eq!(first(&[cv]), format!("{said}not measured"));
    }

    #[test]
    fn short_times_keep_their_digits() {
        assert_eq!(
            [0.0456, 0.5, 1.0, 12.345].map(shown),
            ["0.046", "0.500", "1.00", "12.35"]
        );
    }
}
