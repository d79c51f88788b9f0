//! `bench --accuracy`: the tables of accuracies that the README shows, made again on the test images.
//!
//! What was chosen (k, metric, lambda) was chosen on the validation split and stands here; the test images are looked at
//! once for each row, on a linked copy of the data whose looks are not logged beside the original.

use std::path::Path;

use crate::json::Json;
use crate::shell;

/// Features, metric, k.
const NEIGHBORS: [(&str, &str, &str); 4] = [
    ("raw", "l1", "7"),
    ("hist", "l2", "10"),
    ("hog", "l1", "7"),
    ("hog+hist", "l1", "9"),
];

/// Features, loss, lambda.
const LINEAR: [(&str, &str, &str); 8] = [
    ("raw", "softmax", "1e-3"),
    ("raw", "svm", "1e-2"),
    ("hist", "softmax", "3e-3"),
    ("hist", "svm", "1e-2"),
    ("hog", "softmax", "3e-3"),
    ("hog", "svm", "3e-2"),
    ("hog+hist", "softmax", "1e-2"),
    ("hog+hist", "svm", "3e-2"),
];

const HEADER: &str = "features,model,options,accuracy,low,high,seconds,gap\n";

/// Measures everything and returns the table as CSV.
pub(super) fn table(nearplane: &Path, data: &Path, folder: &Path) -> Result<String, String> {
    let mut csv = HEADER.to_owned();
    for (features, metric, k) in NEIGHBORS {
        let mut command = shell::program_at(nearplane);
        command.args(["knn", "--on", "test", "--metric", metric, "--k", k]);
        let record = record(command, Some(features), data)?;
        let results = record.get("results").and_then(Json::array);
        let [result] = results.unwrap_or_default() else {
            return Err("the record of knn has not one result".to_owned());
        };
        let seconds = record.number_of("fit_s")? + record.number_of("predict_s")?;
        csv += &format!(
            "{features},kNN,metric {metric} k {k},{},{seconds:.2},\n",
            accuracy(result)?
        );
    }
    for (features, loss, lambda) in LINEAR {
        let model = folder.join("accuracy.safetensors");
        let mut train = shell::program_at(nearplane);
        train.args(["train", "--loss", loss, "--lambda", lambda, "--force"]);
        train.arg("--out").arg(&model);
        let fit = record(train, Some(features), data)?;
        let mut eval = shell::program_at(nearplane);
        eval.arg("eval").arg(&model).args(["--on", "test"]);
        let found = record(eval, None, data)?;
        csv += &format!(
            "{features},{loss},lambda {lambda},{},{:.2},{:.1e}\n",
            accuracy(&found)?,
            fit.number_of("fit_s")?,
            fit.number_of("gap")?
        );
    }
    Ok(csv)
}

fn record(
    mut command: std::process::Command,
    features: Option<&str>,
    data: &Path,
) -> Result<Json, String> {
    if let Some(features) = features.filter(|features| *features != "raw") {
        command.args(["--features", features]);
    }
    command.arg("--data").arg(data).args(["--json", "--quiet"]);
    Json::parse(&shell::capture(&mut command)?)
}

/// The accuracy and the ends of its interval, with four digits.
fn accuracy(result: &Json) -> Result<String, String> {
    let interval = result.get("ci95").and_then(Json::array);
    let Some([Some(low), Some(high)]) = interval.and_then(|ends| {
        <[Option<f64>; 2]>::try_from(ends.iter().map(Json::number).collect::<Vec<_>>()).ok()
    }) else {
        return Err("the record has no interval `ci95`".to_owned());
    };
    Ok(format!(
        "{:.4},{low:.4},{high:.4}",
        result.number_of("accuracy")?
    ))
}
