//! `cargo xtask demo`: the first minutes of a newcomer. Builds the binary, runs k nearest neighbours with both
//! metrics on the validation split (the test split is for the end), and ranks what came out.

use std::path::{Path, PathBuf};

use crate::json::Json;
use crate::{data, shell};

/// One row of the leaderboard.
#[derive(Debug, Clone, PartialEq)]
struct Entry {
    metric: String,
    k: u64,
    accuracy: f64,
    low: f64,
    high: f64,
}

/// Runs the demo; `--data PATH` names a CIFAR folder, or an archive or folder of class folders to import.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let path = data_argument(args)?;
    let nearplane = shell::build_nearplane()?;
    let folder = choose_data(path, &nearplane)?;

    let mut records = Vec::new();
    for metric in ["l1", "l2"] {
        let mut command = shell::program_at(&nearplane);
        command.arg("knn");
        if let Some(folder) = &folder {
            // As a reader of the project writes it, for the record names the folder.
            command.arg("--data").arg(shell::short(folder));
        }
        command.args(["--on", "val", "--metric", metric, "--json"]);
        records.push(Json::parse(&shell::capture(&mut command)?)?);
    }

    let entries = ranked(&records)?;
    println!("\n{}\n", caption(&records[0])?);
    print!("{}", leaderboard(&entries));
    println!("\n{}", times(&records)?);
    if let Some(best) = entries.first() {
        let data = folder.map(|folder| format!("--data {} ", shell::short(&folder)));
        println!(
            "Without --json each command prints a table. The choice is made, so look at the test split:\n  \
             {} knn {}--on test --metric {} --k {}",
            shell::short(&nearplane),
            data.unwrap_or_default(),
            best.metric,
            best.k,
        );
    }
    Ok(())
}

fn data_argument(args: &[String]) -> Result<Option<PathBuf>, String> {
    match args {
        [] => Ok(None),
        [flag, path] if flag == "--data" => {
            let path =
                std::path::absolute(path).map_err(|error| format!("--data {path}: {error}"))?;
            if path.exists() {
                Ok(Some(path))
            } else {
                Err(format!("--data {}: no such file or folder", path.display()))
            }
        }
        _ => Err(format!(
            "expected nothing or `--data PATH`, found `{}`",
            args.join(" ")
        )),
    }
}

/// What was asked for, else `NEARPLANE_DATA`, else what is found; `None` means synthetic images.
fn choose_data(asked: Option<PathBuf>, nearplane: &Path) -> Result<Option<PathBuf>, String> {
    if let Some(path) = asked {
        return if data::inspect(&path) == data::Folder::Absent {
            import(&path, nearplane).map(Some)
        } else {
            Ok(Some(path))
        };
    }
    if let Some(path) = std::env::var_os("NEARPLANE_DATA") {
        let path = std::path::absolute(path).map_err(|error| format!("NEARPLANE_DATA: {error}"))?;
        return Ok(Some(path));
    }
    let places = [data::CIFAR10, data::IMPORTED].map(|place| shell::root().join(place));
    let found = places
        .into_iter()
        .find(|place| data::inspect(place) != data::Folder::Absent);
    if found.is_none() {
        println!(
            "no data set found, so the images are synthetic; `cargo xtask data` says how to get real ones"
        );
    }
    Ok(found)
}

fn import(source: &Path, nearplane: &Path) -> Result<PathBuf, String> {
    let out = PathBuf::from("target/demo/imported");
    let mut command = shell::program_at(nearplane);
    command.args(["data", "import"]).arg(source);
    shell::run(command.arg("--out").arg(&out).arg("--force"))?;
    Ok(out)
}

/// The results of all records, the best first; equal ones in the order in which they ran.
fn ranked(records: &[Json]) -> Result<Vec<Entry>, String> {
    let mut entries = Vec::new();
    for record in records {
        entries.extend(read_entries(record)?);
    }
    entries.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
    Ok(entries)
}

fn read_entries(record: &Json) -> Result<Vec<Entry>, String> {
    let metric = record.text_of("metric")?;
    let results = record
        .get("results")
        .and_then(Json::array)
        .ok_or("the JSON record has no `results`")?;
    let entry = |result: &Json| {
        let ci95 = result.get("ci95").and_then(Json::array).unwrap_or_default();
        let [Json::Number(low), Json::Number(high)] = ci95 else {
            return Err("the JSON record has a result without `ci95`".to_owned());
        };
        let (k, accuracy) = (result.number_of("k")? as u64, result.number_of("accuracy")?);
        Ok(Entry {
            metric: metric.to_owned(),
            k,
            accuracy,
            low: *low,
            high: *high,
        })
    };
    results.iter().map(entry).collect()
}

fn caption(record: &Json) -> Result<String, String> {
    let data = record.get("data").ok_or("the JSON record has no `data`")?;
    Ok(format!(
        "Leaderboard: k nearest neighbours on {}, {} training images, {} validation images",
        data.text_of("source")?,
        record.number_of("n_train")?,
        record.number_of("n_eval")?,
    ))
}

fn leaderboard(entries: &[Entry]) -> String {
    let mut table = String::from("  rank  metric   k  accuracy  95 % interval\n");
    for (rank, entry) in (1..).zip(entries) {
        let Entry {
            metric,
            k,
            accuracy,
            low,
            high,
        } = entry;
        table +=
            &format!("  {rank:>4}  {metric:<6} {k:>3}    {accuracy:.4}  {low:.4} to {high:.4}\n");
    }
    table
}

fn times(records: &[Json]) -> Result<String, String> {
    let mut text = String::from("Fit and predict, all k from one pass:");
    for record in records {
        let seconds = record.number_of("fit_s")? + record.number_of("predict_s")?;
        text += &format!(" {} {seconds:.2} s,", record.text_of("metric")?);
    }
    let (simd, threads) = (
        records[0].text_of("simd")?,
        records[0].number_of("threads")?,
    );
    Ok(format!("{text} {simd}, {threads} threads"))
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"metric": "l1", "n_train": 4500, "n_eval": 500, "simd": "avx2", "threads": 2,
        "fit_s": 0.25, "predict_s": 1.5,
        "data": {"source": "synthetic"}, "results": [
        {"k": 1, "accuracy": 0.5, "ci95": [0.45625, 0.54375]},
        {"k": 3, "accuracy": 0.5, "ci95": [0.45625, 0.54375]},
        {"k": 20, "accuracy": 0.625, "ci95": [0.5817, 0.6664]}]}"#;

    #[test]
    fn shows_what_came_out() {
        let record = Json::parse(RECORD).unwrap();
        let records = [record];
        let expected = "  rank  metric   k  accuracy  95 % interval
     1  l1      20    0.6250  0.5817 to 0.6664
     2  l1       1    0.5000  0.4562 to 0.5437
     3  l1       3    0.5000  0.4562 to 0.5437
";
        assert_eq!(leaderboard(&ranked(&records).unwrap()), expected);
        assert_eq!(
            caption(&records[0]).unwrap(),
            "Leaderboard: k nearest neighbours on synthetic, 4500 training images, 500 validation images",
        );
        assert_eq!(
            times(&records).unwrap(),
            "Fit and predict, all k from one pass: l1 1.75 s, avx2, 2 threads",
        );
    }

    #[test]
    fn a_record_without_a_field_is_an_error() {
        let record =
            Json::parse(r#"{"metric": "l1", "results": [{"k": 1, "accuracy": 0.5}]}"#).unwrap();
        assert_eq!(
            read_entries(&record).unwrap_err(),
            "the JSON record has a result without `ci95`"
        );
        assert_eq!(
            caption(&record).unwrap_err(),
            "the JSON record has no `data`"
        );
    }

    #[test]
    fn arguments_are_checked() {
        let args = |words: &[&str]| {
            words
                .iter()
                .map(|word| (*word).to_owned())
                .collect::<Vec<_>>()
        };
        assert_eq!(data_argument(&[]), Ok(None));
        assert_eq!(
            data_argument(&args(&["--data", "."])),
            Ok(Some(std::env::current_dir().unwrap()))
        );
        assert!(data_argument(&args(&["--data"])).is_err());
        assert!(
            data_argument(&args(&["--data", "no/such/place"]))
                .unwrap_err()
                .ends_with("no such file or folder")
        );
        assert_eq!(
            data_argument(&args(&["--quick"])).unwrap_err(),
            "expected nothing or `--data PATH`, found `--quick`"
        );
    }
}
