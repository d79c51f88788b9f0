//! A run on real images, for CI: an archive is imported, both metrics and both tie rules are evaluated on the test
//! split, and the answers of two SIMD levels, one thread and read files have to be the same; cross-validation has to
//! find what a fit for each fold finds.

use std::path::Path;

use crate::json::Json;
use crate::shell;

const K: [u64; 6] = [1, 3, 5, 7, 10, 20];

/// Accuracies of exact kNN on the recompressed images for the neighbours counts of [`K`], neighbours ordered by
/// (distance, training index), training rows in their original order.
const EXPECTED: [(&str, &str, [f64; 6]); 4] = [
    (
        "l1",
        "nearest",
        [0.3845, 0.3896, 0.3880, 0.3851, 0.3862, 0.3791],
    ),
    (
        "l1",
        "lowest",
        [0.3845, 0.3623, 0.3683, 0.3708, 0.3780, 0.3707],
    ),
    (
        "l2",
        "nearest",
        [0.3530, 0.3538, 0.3536, 0.3488, 0.3494, 0.3439],
    ),
    (
        "l2",
        "lowest",
        [0.3530, 0.3290, 0.3395, 0.3359, 0.3408, 0.3392],
    ),
];

/// Image decoders differ by a grey level or so, and accuracies with them.
const TOLERANCE: f64 = 0.003;

/// A file of the imported data set: 10,000 records.
const FILE_BYTES: u64 = 10_000 * 3073;

/// Imports `archive` (training rows in the order that `order` gives) and evaluates.
pub(crate) fn run(nearplane: &Path, archive: &Path, order: Option<&Path>) -> Result<(), String> {
    let folder = shell::root().join("target/ci/cifar10");
    let mut import = shell::program_at(nearplane);
    import
        .args(["data", "import"])
        .arg(archive)
        .arg("--out")
        .arg(&folder)
        .args(["--force", "--json", "--quiet"]);
    if let Some(order) = order {
        import.arg("--order").arg(order);
    }
    shell::capture(&mut import)?;
    let batches = (1..=5).map(|number| format!("data_batch_{number}.bin"));
    for name in batches.chain(["test_batch.bin".to_owned()]) {
        let file = std::fs::metadata(folder.join(&name))
            .map_err(|error| format!("imported {name}: {error}"))?;
        if file.len() != FILE_BYTES {
            return Err(format!(
                "imported {name}: expected {FILE_BYTES} bytes, found {}",
                file.len()
            ));
        }
    }

    for (metric, tie, expected) in EXPECTED {
        let knn = |extra: &[&str]| -> Result<Json, String> {
            let k = K.map(|k| k.to_string()).join(",");
            let mut command = shell::program_at(nearplane);
            command.args(["knn", "--data"]).arg(&folder);
            command.args([
                "--on", "test", "--metric", metric, "--tie", tie, "--k", &k, "--json", "--quiet",
            ]);
            Json::parse(&shell::capture(command.args(extra))?)
        };
        let record = knn(&[])?;
        compare_accuracies(&record, &expected)
            .map_err(|error| format!("{metric}, tie rule {tie}: {error}"))?;
        // The tie rule changes the votes and not the search, so one rule shows that levels and engines agree.
        if tie == "nearest" {
            for extra in [
                &["--threads", "1", "--no-mmap"][..],
                &["--simd", "portable"],
                &["--engine", "brute"],
                &["--engine", "pruned"],
            ] {
                compare_answers(&record, &knn(extra)?)
                    .map_err(|error| format!("{metric}, {}: {error}", extra.join(" ")))?;
            }
        }
    }
    cross_validate(nearplane, &folder)
}

/// k that are checked fold by fold.
const FOLD_K: [u64; 5] = [1, 5, 10, 50, 100];

/// The files of the training set, which are the folds of a contiguous split in five.
const N_FOLDS: usize = 5;

/// Cross-validation from one search has the accuracies of a fit for each fold: a data set of the other files,
/// searched by brute force.
fn cross_validate(nearplane: &Path, folder: &Path) -> Result<(), String> {
    let k = FOLD_K.map(|k| k.to_string()).join(",");
    let mut all = shell::program_at(nearplane);
    all.args(["cv", "knn", "--data"]).arg(folder);
    all.args(["--folds", "5", "--split", "contiguous", "--metric", "l1,l2"]);
    let all = Json::parse(&shell::capture(all.args(["--k", &k, "--json", "--quiet"]))?)?;
    let rows = all.get("results").and_then(Json::array).unwrap_or_default();
    if rows.len() != 2 * FOLD_K.len() {
        return Err(format!("cv knn: {} rows of results", rows.len()));
    }
    let part = folder.with_file_name("cifar10-fold");
    std::fs::create_dir_all(&part).map_err(|error| format!("{}: {error}", part.display()))?;
    for fold in 0..N_FOLDS {
        let copy = |from: usize, to: &str| {
            let from = folder.join(format!("data_batch_{}.bin", from + 1));
            std::fs::copy(&from, part.join(to))
                .map_err(|error| format!("{}: {error}", from.display()))
        };
        copy(fold, "test_batch.bin")?;
        for (to, from) in (0..N_FOLDS).filter(|&from| from != fold).enumerate() {
            copy(from, &format!("data_batch_{}.bin", to + 1))?;
        }
        for (of_metric, metric) in rows.chunks(FOLD_K.len()).zip(["l1", "l2"]) {
            let mut command = shell::program_at(nearplane);
            command.args(["knn", "--data"]).arg(&part).args([
                "--on", "test", "--engine", "brute", "--metric", metric, "--k", &k, "--json",
                "--quiet",
            ]);
            let one = Json::parse(&shell::capture(&mut command)?)?;
            let results = one.get("results").and_then(Json::array).unwrap_or_default();
            compare_fold(of_metric, results, fold)
                .map_err(|error| format!("{metric}, fold {fold}: {error}"))?;
        }
    }
    println!("  cv knn: every fold as if fitted by itself, k {k}, both metrics");
    std::fs::remove_dir_all(&part).map_err(|error| format!("{}: {error}", part.display()))
}

/// One fold of all k, against the results of a run by itself.
fn compare_fold(of_metric: &[Json], one: &[Json], fold: usize) -> Result<(), String> {
    if one.len() != of_metric.len() {
        return Err(format!("{} results for {} k", one.len(), of_metric.len()));
    }
    for (row, result) in of_metric.iter().zip(one) {
        let folds = row
            .get("fold_accuracies")
            .and_then(Json::array)
            .unwrap_or_default();
        let found = folds.get(fold).and_then(Json::number);
        let expected = result.number_of("accuracy")?;
        if found != Some(expected) {
            let k = result.number_of("k")?;
            return Err(format!(
                "k = {k}: {found:?}, but {expected} when fitted by itself"
            ));
        }
    }
    Ok(())
}

fn compare_accuracies(record: &Json, expected: &[f64]) -> Result<(), String> {
    let results = record
        .get("results")
        .and_then(Json::array)
        .unwrap_or_default();
    if results.len() != expected.len() {
        return Err(format!(
            "expected {} results, found {}",
            expected.len(),
            results.len()
        ));
    }
    for ((result, expected), k) in results.iter().zip(expected).zip(K) {
        let (found_k, found) = (result.number_of("k")?, result.number_of("accuracy")?);
        if found_k != k as f64 {
            return Err(format!("expected k = {k}, found {found_k}"));
        }
        println!("  k {k:>2}  accuracy {found:.4}  reference {expected:.4}");
        if (found - expected).abs() > TOLERANCE {
            return Err(format!(
                "k = {k}: accuracy {found}, expected {expected} within {TOLERANCE}"
            ));
        }
    }
    Ok(())
}

fn compare_answers(one: &Json, other: &Json) -> Result<(), String> {
    for field in ["answer", "neighbors_answer"] {
        let (one, other) = (one.text_of(field)?, other.text_of(field)?);
        if one != other {
            return Err(format!("{field} is {other}, but {one} without these flags"));
        }
    }
    println!(
        "  {} with {} and {} with {} agree",
        one.text_of("simd")?,
        one.text_of("engine")?,
        other.text_of("simd")?,
        other.text_of("engine")?
    );
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(accuracies: &[f64]) -> Json {
        let results: Vec<String> = accuracies
            .iter()
            .zip(K)
            .map(|(accuracy, k)| format!("{{\"k\": {k}, \"accuracy\": {accuracy}}}"))
            .collect();
        Json::parse(&format!("{{\"results\": [{}]}}", results.join(","))).unwrap()
    }

    #[test]
    fn accuracies_may_differ_a_little() {
        let expected = &EXPECTED[0].2;
        assert_eq!(
            compare_accuracies(
                &record(&[0.3845, 0.3896, 0.3880, 0.3851, 0.3835, 0.3820]),
                expected
            ),
            Ok(())
        );
        let error = compare_accuracies(
            &record(&[0.3845, 0.3896, 0.3880, 0.3851, 0.3831, 0.3791]),
            expected,
        )
        .unwrap_err();
        assert_eq!(
            error,
            "k = 10: accuracy 0.3831, expected 0.3862 within 0.003"
        );
        let error = compare_accuracies(
            &record(&[0.3845, 0.3896, 0.3880, 0.3851, 0.3893, 0.3791]),
            expected,
        );
        assert!(error.is_err());
        assert_eq!(
            compare_accuracies(&record(&[0.3845]), expected).unwrap_err(),
            "expected 6 results, found 1"
        );
    }

    #[test]
    fn folds_may_not_differ() {
        let rows = |accuracies: &str| {
            let text = format!("[{{\"fold_accuracies\": [{accuracies}]}}]");
            Json::parse(&text).unwrap().array().unwrap().to_vec()
        };
        let one = Json::parse("[{\"k\": 5, \"accuracy\": 0.375}]").unwrap();
        let one = one.array().unwrap();
        assert_eq!(compare_fold(&rows("0.25, 0.375"), one, 1), Ok(()));
        assert_eq!(
            compare_fold(&rows("0.25, 0.375"), one, 0).unwrap_err(),
            "k = 5: Some(0.25), but 0.375 when fitted by itself"
        );
        assert!(compare_fold(&rows("0.25"), one, 1).is_err());
        assert!(compare_fold(&rows("0.375"), &[], 0).is_err());
    }

    #[test]
    fn answers_may_not_differ() {
        let answers = |answer: &str, neighbors: &str| {
            Json::parse(&format!(
                r#"{{"simd": "s", "engine": "e", "answer": "{answer}", "neighbors_answer": "{neighbors}"}}"#
            ))
            .unwrap()
        };
        assert_eq!(
            compare_answers(&answers("a", "b"), &answers("a", "b")),
            Ok(())
        );
        assert_eq!(
            compare_answers(&answers("a", "b"), &answers("a", "c")).unwrap_err(),
            "neighbors_answer is c, but b without these flags",
        );
        assert!(compare_answers(&answers("a", "b"), &answers("d", "b")).is_err());
        assert!(compare_answers(&answers("a", "b"), &Json::Null).is_err());
    }
}
