//! What is read off the predictions, as JSON and as tables for people.

use nearplane_models::metrics::{Averages, ConfusionMatrix};
use serde_json::{Value, json};

use crate::output::table;

/// With more classes the matrix is wider than a screen, and its largest entries are listed instead.
const WIDEST_MATRIX: usize = 20;
/// Entries in that list.
const LISTED: usize = 20;

/// Of each class, in the order of the labels: fractions without a denominator are null.
pub(super) fn per_class(matrix: &ConfusionMatrix, names: &[String]) -> Value {
    let classes = names.iter().enumerate().map(|(class, name)| {
        json!({
            "label": class,
            "name": name,
            "support": matrix.support(class),
            "predicted": matrix.n_predicted(class),
            "correct": matrix.count(class, class),
            "precision": matrix.precision(class),
            "recall": matrix.recall(class),
            "f1": matrix.f1(class),
        })
    });
    classes.collect()
}

/// Rows are true classes, columns predicted ones.
pub(super) fn confusion(matrix: &ConfusionMatrix) -> Value {
    (0..matrix.n_classes())
        .map(|class| json!(matrix.row(class)))
        .collect()
}

pub(super) fn averages(mean: Option<Averages>) -> Value {
    mean.map_or(
        Value::Null,
        |mean| json!({"precision": mean.precision, "recall": mean.recall, "f1": mean.f1}),
    )
}

/// A row a class, then the averages.
pub(super) fn per_class_table(
    matrix: &ConfusionMatrix,
    names: &[String],
    row_word: &str,
) -> String {
    let shown = |fraction: Option<f64>| fraction.map_or("-".to_owned(), |x| format!("{x:.4}"));
    let mut rows: Vec<Vec<String>> = names
        .iter()
        .enumerate()
        .map(|(class, name)| {
            vec![
                class.to_string(),
                name.clone(),
                matrix.support(class).to_string(),
                matrix.n_predicted(class).to_string(),
                matrix.count(class, class).to_string(),
                shown(matrix.precision(class)),
                shown(matrix.recall(class)),
                shown(matrix.f1(class)),
            ]
        })
        .collect();
    if let Some(mean) = matrix.macro_averages() {
        let counted = matrix.accuracy();
        rows.push(vec![
            String::new(),
            "macro average".to_owned(),
            counted.total.to_string(),
            counted.total.to_string(),
            counted.correct.to_string(),
            shown(Some(mean.precision)),
            shown(Some(mean.recall)),
            shown(Some(mean.f1)),
        ]);
    }
    let header = [
        "label",
        "class",
        &format!("{row_word}s"),
        "predicted",
        "correct",
        "precision",
        "recall",
        "F1",
    ];
    table(&header, &rows, 2)
}

/// The whole matrix, or the largest entries beside its diagonal where there are many classes.
pub(super) fn confusion_table(matrix: &ConfusionMatrix, names: &[String]) -> String {
    let n_classes = matrix.n_classes();
    if n_classes > WIDEST_MATRIX {
        return most_confused(matrix, names);
    }
    let mut header = vec!["label".to_owned(), "class".to_owned()];
    header.extend((0..n_classes).map(|class| format!("as {class}")));
    let header: Vec<&str> = header.iter().map(String::as_str).collect();
    let rows: Vec<Vec<String>> = names
        .iter()
        .enumerate()
        .map(|(class, name)| {
            let mut row = vec![class.to_string(), name.clone()];
            row.extend(matrix.row(class).iter().map(ToString::to_string));
            row
        })
        .collect();
    format!(
        "confusion matrix: a row for each true class, a column for each predicted one\n{}",
        table(&header, &rows, 2)
    )
}

fn most_confused(matrix: &ConfusionMatrix, names: &[String]) -> String {
    let n_classes = matrix.n_classes();
    let mut entries: Vec<(u64, usize, usize)> = (0..n_classes)
        .flat_map(|truth| (0..n_classes).map(move |predicted| (truth, predicted)))
        .filter(|(truth, predicted)| truth != predicted)
        .map(|(truth, predicted)| (matrix.count(truth, predicted), truth, predicted))
        .filter(|&(count, ..)| count > 0)
        .collect();
    entries.sort_by_key(|&(count, ..)| std::cmp::Reverse(count));
    entries.truncate(LISTED);
    if entries.is_empty() {
        return "no class was taken for another\n".to_owned();
    }
    let rows: Vec<Vec<String>> = entries
        .into_iter()
        .map(|(count, truth, predicted)| {
            vec![
                names[truth].clone(),
                names[predicted].clone(),
                count.to_string(),
            ]
        })
        .collect();
    format!(
        "most often taken for another class (--json has the whole matrix, {n_classes} x {n_classes})\n{}",
        table(&["class", "taken for", "times"], &rows, 2)
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(n: usize) -> Vec<String> {
        (0..n).map(|i| format!("c{i}")).collect()
    }

    #[test]
    fn nothing_to_divide_by_is_a_dash_and_null() {
        let matrix = ConfusionMatrix::new(&[0, 0, 1], &[0, 1, 1], 3);
        let text = per_class_table(&matrix, &names(3), "image");
        let lines: Vec<Vec<&str>> = text
            .lines()
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines[2],
            ["0", "c0", "1", "2", "1", "0.5000", "1.0000", "0.6667"]
        );
        assert_eq!(lines[4], ["2", "c2", "0", "0", "0", "-", "-", "-"]);
        assert_eq!(
            lines[5],
            [
                "macro", "average", "3", "3", "2", "0.7500", "0.7500", "0.6667"
            ]
        );
        let json = per_class(&matrix, &names(3));
        assert_eq!(json[2]["f1"], Value::Null);
        assert_eq!(json[1]["recall"], 0.5);
        assert_eq!(confusion(&matrix), json!([[1, 0, 0], [1, 1, 0], [0, 0, 0]]));
    }

    #[test]
    fn many_classes_are_listed_by_their_confusions() {
        let truth = [0, 0, 0, 5, 24, 24];
        let predicted = [1, 1, 0, 6, 3, 3];
        let matrix = ConfusionMatrix::new(&predicted, &truth, 25);
        let text = confusion_table(&matrix, &names(25));
        let lines: Vec<Vec<&str>> = text
            .lines()
            .skip(3)
            .map(|line| line.split_whitespace().collect())
            .collect();
        assert_eq!(
            lines,
            [["c0", "c1", "2"], ["c24", "c3", "2"], ["c5", "c6", "1"]]
        );
    }
}
