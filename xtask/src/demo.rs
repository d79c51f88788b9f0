//! `cargo xtask demo`: the first minutes of a newcomer. Builds the binary, tells the lecture on the data found, and ranks
//! what came out.

use std::path::{Path, PathBuf};

use crate::json::Json;
use crate::{data, shell};

/// The page that the demo makes.
pub(crate) const PAGE: &str = "target/demo/lecture/index.html";

/// How much of the lecture, and on what.
#[derive(Debug, Default, PartialEq)]
struct Wish {
    full: bool,
    data: Option<PathBuf>,
}

/// Runs the demo; `--full` takes all images and all choices, `--data PATH` names a CIFAR folder, or an archive or folder
/// of class folders to import.
pub(crate) fn main(args: &[String]) -> Result<(), String> {
    let wish = wish(args)?;
    let nearplane = shell::build_for_a_look()?;
    let folder = choose_data(wish.data, &nearplane)?;

    let mut command = shell::program_at(&nearplane);
    command.arg("lecture");
    if let Some(folder) = &folder {
        // As a reader of the project writes it, for the page names the folder.
        command.arg("--data").arg(shell::short(folder));
    }
    let out = Path::new(PAGE).parent().unwrap_or(Path::new("."));
    command.arg("--out").arg(out).args(["--force", "--json"]);
    if !wish.full {
        command.arg("--quick");
    }
    let record = Json::parse(&shell::capture(&mut command)?)?;

    println!("\n{}\n", caption(&record)?);
    print!("{}", leaderboard(&record)?);
    println!(
        "\nThe whole lecture with every picture, {:.1} s{}:\n  {}",
        record.number_of("seconds")?,
        if wish.full {
            ""
        } else {
            " (`cargo xtask demo --full` takes all images)"
        },
        shell::root().join(record.text_of("report")?).display()
    );
    Ok(())
}

fn wish(args: &[String]) -> Result<Wish, String> {
    let mut wish = Wish::default();
    let mut rest = args.iter();
    while let Some(arg) = rest.next() {
        match (arg.as_str(), rest.as_slice()) {
            ("--full", _) => wish.full = true,
            ("--data", [path, ..]) => {
                rest.next();
                let path =
                    std::path::absolute(path).map_err(|error| format!("--data {path}: {error}"))?;
                if !path.exists() {
                    return Err(format!("--data {}: no such file or folder", path.display()));
                }
                wish.data = Some(path);
            }
            _ => {
                return Err(format!(
                    "expected `[--full] [--data PATH]`, found `{}`",
                    args.join(" ")
                ));
            }
        }
    }
    Ok(wish)
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

fn caption(record: &Json) -> Result<String, String> {
    let data = record.get("data").ok_or("the JSON record has no `data`")?;
    Ok(format!(
        "Leaderboard on {}, {} training images; all choices on a validation split, then {} test images",
        data.text_of("source")?,
        record.number_of("n_train")?,
        record.number_of("n_test")?,
    ))
}

/// The entries of the record, the best on the test images first; equal ones in the order in which they ran.
fn leaderboard(record: &Json) -> Result<String, String> {
    let entries = record
        .get("leaderboard")
        .and_then(Json::array)
        .ok_or("the JSON record has no `leaderboard`")?;
    let mut rows = Vec::new();
    for entry in entries {
        let ci95 = entry.get("ci95").and_then(Json::array).unwrap_or_default();
        let [Json::Number(low), Json::Number(high)] = ci95 else {
            return Err("the JSON record has an entry without `ci95`".to_owned());
        };
        let accuracy = entry.number_of("accuracy")?;
        let (features, model) = (entry.text_of("features")?, entry.text_of("model")?);
        let choice = entry.text_of("choice")?;
        let row = format!(
            "{features:<9} {model:<8} {choice:<13} {accuracy:.4}  {low:.4} to {high:.4} {:>7}\n",
            entry.number_of("n_eval")?
        );
        rows.push((accuracy, row));
    }
    rows.sort_by(|a, b| b.0.total_cmp(&a.0));
    let mut table = String::from(
        "  rank  features  model    chosen        accuracy  95 % interval     images\n",
    );
    for (rank, (_, row)) in (1..).zip(&rows) {
        table += &format!("  {rank:>4}  {row}");
    }
    Ok(table)
}

#[cfg(test)]
mod tests {
    use super::*;

    const RECORD: &str = r#"{"n_train": 4500, "n_test": 500, "data": {"source": "synthetic"}, "leaderboard": [
        {"features": "raw", "model": "kNN", "choice": "L1, k = 1", "accuracy": 0.5, "ci95": [0.45625, 0.54375], "n_eval": 500},
        {"features": "hog+hist", "model": "softmax", "choice": "lambda 0.01", "accuracy": 0.625, "ci95": [0.5817, 0.6664], "n_eval": 500}]}"#;

    #[test]
    fn shows_what_came_out() {
        let record = Json::parse(RECORD).unwrap();
        let expected = "  rank  features  model    chosen        accuracy  95 % interval     images
     1  hog+hist  softmax  lambda 0.01   0.6250  0.5817 to 0.6664     500
     2  raw       kNN      L1, k = 1     0.5000  0.4562 to 0.5437     500
";
        assert_eq!(leaderboard(&record).unwrap(), expected);
        assert_eq!(
            caption(&record).unwrap(),
            "Leaderboard on synthetic, 4500 training images; all choices on a validation split, then 500 test images",
        );
    }

    #[test]
    fn a_record_without_a_field_is_an_error() {
        let record = Json::parse(r#"{"leaderboard": [{"accuracy": 0.5}]}"#).unwrap();
        assert_eq!(
            leaderboard(&record).unwrap_err(),
            "the JSON record has an entry without `ci95`"
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
        assert_eq!(wish(&[]), Ok(Wish::default()));
        assert_eq!(
            wish(&args(&["--full", "--data", "."])),
            Ok(Wish {
                full: true,
                data: Some(std::env::current_dir().unwrap())
            })
        );
        assert!(wish(&args(&["--data"])).is_err());
        assert!(
            wish(&args(&["--data", "no/such/place"]))
                .unwrap_err()
                .ends_with("no such file or folder")
        );
        assert_eq!(
            wish(&args(&["--quick"])).unwrap_err(),
            "expected `[--full] [--data PATH]`, found `--quick`"
        );
    }
}
