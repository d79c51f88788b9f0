//! `cargo xtask demo`: the first minutes of a newcomer. Builds the binary, runs k nearest neighbours with both
//! metrics on the validation split (the test split is for the end), and ranks what came out.

use std::path::{Path, PathBuf};

use crate::json::Json;
use crate::{data, shell};

const K: &str = "1,3,5,7,10,20";

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
            command.arg("--data").arg(folder);
        }
        command.args(["--on", "val", "--metric", metric, "--k", K, "--json"]);
        records.push(Json::parse(&shell::capture(&mut command)?)?);
    }

    let mut entries = Vec::new();
    for record in &records {
        entries.extend(read_entries(record)?);
    }
    println!("\n{}\n", caption(&records[0])?);
    print!("{}", leaderboard(entries));
    let data = folder
        .map(|folder| format!("--data {} ", shell::short(&folder)))
        .unwrap_or_default();
    println!(
        "\nWithout --json each command prints a table. Once k and the metric are chosen, look at the test split:\n  \
         {} knn {data}--on test --metric l1 --k 3",
        shell::short(&nearplane),
    );
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
    let out = shell::root().join("target/demo/imported");
    let mut command = shell::program_at(nearplane);
    shell::run(
        command
            .args(["data", "import"])
            .arg(source)
            .arg("--out")
            .arg(&out)
            .arg("--force"),
    )?;
    Ok(out)
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
    let source = record
        .get("data")
        .ok_or("the JSON record has no `data`")?
        .text_of("source")?;
    Ok(format!(
        "Leaderboard: k nearest neighbours on {source}, {} training images, {} validation images ({}, {} threads)",
        record.number_of("n_train")?,
        record.number_of("n_eval")?,
        record.text_of("simd")?,
        record.number_of("threads")?,
    ))
}

/// The table, best accuracy first; equal ones in the order in which they ran.
fn leaderboard(mut entries: Vec<Entry>) -> String {
    entries.sort_by(|a, b| b.accuracy.total_cmp(&a.accuracy));
    let mut table = String::from("  rank  metric   k  accuracy  95 % interval\n");
    for (
        rank,
        Entry {
            metric,
            k,
            accuracy,
            low,
            high,
        },
    ) in (1..).zip(&entries)
    {
        table +=
            &format!("  {rank:>4}  {metric:<6} {k:>3}    {accuracy:.4}  {low:.4} to {high:.4}\n");
    }
    table
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"metric": "l1", "n_train": 4500, "n_eval": 500, "simd": "avx2", "threads": 2,
        "data": {"source": "synthetic"}, "results": [
        {"k": 1, "accuracy": 0.5, "ci95": [0.45625, 0.54375]},
        {"k": 20, "accuracy": 0.625, "ci95": [0.5817, 0.6664]},
        {"k": 3, "accuracy": 0.5, "ci95": [0.45625, 0.54375]}]}"#;

    #[test]
    fn ranks_by_accuracy() {
        let record = Json::parse(RECORD).unwrap();
        let table = leaderboard(read_entries(&record).unwrap());
        let expected = "  rank  metric   k  accuracy  95 % interval
     1  l1      20    0.6250  0.5817 to 0.6664
     2  l1       1    0.5000  0.4562 to 0.5437
     3  l1       3    0.5000  0.4562 to 0.5437
";
        assert_eq!(table, expected);
        assert_eq!(
            caption(&record).unwrap(),
            "Leaderboard: k nearest neighbours on synthetic, 4500 training images, 500 validation images (avx2, 2 threads)",
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
