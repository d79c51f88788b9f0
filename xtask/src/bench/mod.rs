//! `cargo xtask bench`: criterion benches, the machine's limits, growth and scale; with `--peers`, others' programs.

mod accuracy;

use std::path::{Path, PathBuf};

use crate::peers::{self, Circumstances};
use crate::shell;

/// Programs of the package that are no criterion benches, in the order in which they run.
const PROGRAMS: [&str; 2] = ["limits", "growth"];

/// What `--scale` runs where nothing is said of rows: short rows, short rows on half of a small disk, and images.
const SCALES: [[&str; 6]; 3] = [
    ["--rows", "10000000", "--cols", "128", "--queries", "1000"],
    ["--rows", "100000000", "--cols", "128", "--queries", "1000"],
    ["--rows", "1000000", "--cols", "3072", "--queries", "1000"],
];

const RESULTS: &str = "target/bench";

/// Runs what the arguments ask for: peers, a comparison of records, a large search, or benches.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    if peers::are_asked_for(args) {
        return peers::main(args);
    }
    match args {
        [flag, old] if flag == "--compare" => compare(old, peers::LAST),
        [flag, old, new] if flag == "--compare" => compare(old, new),
        [flag, ..] if flag == "--compare" => {
            Err("expected `--compare OLD.csv [NEW.csv]`".to_owned())
        }
        [flag, rest @ ..] if flag == "--scale" => scale(rest),
        [flag] if flag == "--accuracy" => accuracies(false),
        [flag, record] if flag == "--accuracy" && record == "--record" => accuracies(true),
        _ => benches(args),
    }
}

fn compare(old: &str, new: &str) -> Result<(), String> {
    let [old, new] = [old, new].map(|path| shell::root().join(path));
    print!("{}", peers::compare(&old, &new)?);
    Ok(())
}

fn benches(args: &[String]) -> Result<(), String> {
    let record = args.iter().any(|arg| arg == "--record");
    let args: Vec<String> = args
        .iter()
        .filter(|arg| *arg != "--record")
        .cloned()
        .collect();
    let wanted = args.iter().position(|arg| arg == "--bench");
    let wanted = wanted.and_then(|at| args.get(at + 1));
    let of_ours = |name: &&str| wanted.is_none_or(|wanted| wanted == name);
    let programs: Vec<&str> = PROGRAMS.into_iter().filter(of_ours).collect();
    let mut tables = Vec::new();
    for name in &programs {
        let quick = args.iter().filter(|arg| *arg == "--quick");
        let quick: Vec<&str> = quick.map(String::as_str).collect();
        tables.push((*name, program(name, &quick)?));
    }
    if wanted.is_none_or(|wanted| !PROGRAMS.contains(&wanted.as_str())) {
        let mut bench = shell::cargo(["bench", "-p", "nearplane-benches", "--benches"]);
        shell::run(bench.args(bench_args(&args)))?;
    }
    if record {
        keep("kernels", &tables)?;
    }
    Ok(())
}

fn scale(args: &[String]) -> Result<(), String> {
    let (record, args): (Vec<&String>, Vec<&String>) =
        args.iter().partition(|arg| *arg == "--record");
    let args: Vec<&str> = args.into_iter().map(String::as_str).collect();
    let mut tables = Vec::new();
    if args.is_empty() {
        for args in &SCALES {
            tables.push(("scale", program("scale", args)?));
        }
    } else {
        tables.push(("scale", program("scale", &args)?));
    }
    if record.is_empty() {
        Ok(())
    } else {
        keep("scale", &tables)
    }
}

fn accuracies(record: bool) -> Result<(), String> {
    let nearplane = shell::build_nearplane()?;
    let table = peers::with_data(&nearplane, |data, folder| {
        accuracy::table(&nearplane, data, folder)
    })?;
    print!("\n{table}");
    if record {
        keep("accuracy", &[("accuracy", table)])
    } else {
        Ok(())
    }
}

/// Builds and runs a program of the package, and returns the table that it wrote.
fn program(name: &str, args: &[&str]) -> Result<String, String> {
    let built = shell::build(&["--release", "-p", "nearplane-benches", "--bin", name])?;
    let folder = shell::root().join(RESULTS);
    let shown = |path: &Path, error: std::io::Error| format!("{}: {error}", shell::short(path));
    std::fs::create_dir_all(&folder).map_err(|error| shown(&folder, error))?;
    let csv = folder.join(format!("{name}.csv"));
    shell::run(shell::program_at(built).args(args).arg("--csv").arg(&csv))?;
    std::fs::read_to_string(&csv).map_err(|error| shown(&csv, error))
}

/// Writes the tables to `benches/record`, with commit, date and processor in every row, and a page that shows them.
fn keep(name: &str, tables: &[(&str, String)]) -> Result<(), String> {
    let at = Circumstances::now();
    let stem = format!("{}-{name}", at.stem());
    let folder = shell::root().join(peers::RECORDS);
    let mut page = format!(
        "# {}, {}: {name}\n\nCommit {}. The same as a table for programs: [{stem}.csv]({stem}.csv).\n",
        at.cpu, at.date, at.commit
    );
    let mut csv = String::new();
    let mut header = "";
    for (program, table) in tables {
        let mut lines = table.lines();
        let Some(first) = lines.next() else {
            continue;
        };
        if first != header {
            page += &format!("\n## `cargo xtask bench {}`\n\n", command(program));
            page += &markdown(first);
            page += &format!("|{}\n", "---|".repeat(peers::cells(first).len()));
            if !csv.is_empty() {
                csv.push('\n');
            }
            csv += &format!("{first},commit,date\n");
            header = first;
        }
        for line in lines {
            page += &markdown(line);
            csv += &format!("{line},{},{}\n", at.commit, at.date);
        }
    }
    let path: PathBuf = folder.join(format!("{stem}.md"));
    peers::write(&path.with_extension("csv"), &csv)?;
    peers::write(&path, &page)?;
    println!("recorded: {} and .csv", shell::short(&path));
    Ok(())
}

fn command(program: &str) -> String {
    match program {
        "scale" | "accuracy" => format!("--{program}"),
        name => format!("--bench {name}"),
    }
}

/// A line of CSV as one of Markdown.
fn markdown(line: &str) -> String {
    format!("| {} |\n", peers::cells(line).join(" | "))
}

/// `--quick` belongs to the bench programs, so it moves behind the `--`.
fn bench_args(args: &[String]) -> Vec<String> {
    let split = args
        .iter()
        .position(|arg| arg == "--")
        .unwrap_or(args.len());
    let (for_cargo, for_bench) = args.split_at(split);
    let mut for_bench: Vec<String> = for_bench.iter().skip(1).cloned().collect();
    let mut out: Vec<String> = for_cargo
        .iter()
        .filter(|arg| *arg != "--quick")
        .cloned()
        .collect();
    if out.len() < for_cargo.len() {
        for_bench.push("--quick".to_owned());
    }
    if !for_bench.is_empty() {
        out.push("--".to_owned());
        out.extend(for_bench);
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn check(args: &str, expected: &str) {
        let args: Vec<String> = args.split_whitespace().map(str::to_owned).collect();
        assert_eq!(bench_args(&args).join(" "), expected);
    }

    #[test]
    fn quick_goes_to_the_bench_programs() {
        check("", "");
        check("--bench kernels", "--bench kernels");
        check("--quick", "-- --quick");
        check(
            "--quick --bench kernels -- l1_u8",
            "--bench kernels -- l1_u8 --quick",
        );
        check("--bench linear -- --quick", "--bench linear -- --quick");
    }

    #[test]
    fn comparing_needs_a_record() {
        let args =
            |line: &str| -> Vec<String> { line.split_whitespace().map(str::to_owned).collect() };
        assert!(main(&args("--compare")).unwrap_err().contains("OLD.csv"));
        let error = main(&args("--compare no-such.csv README.md")).unwrap_err();
        assert!(error.contains("no-such.csv"), "{error}");
    }
}
