//! `nearplane compare`: which of two models is right more often on the same images, and whether that can be luck.

mod predictions;

use std::time::Instant;

use anyhow::{Result, anyhow};
use nearplane_models::metrics::{Accuracy, PairedOutcomes};
use serde_json::{Value, json};

use self::predictions::{Predictions, check_same_images};
use super::now;
use crate::answer::answer;
use crate::failure::Interrupted;
use crate::output::{Report, counted, note, table};
use crate::plan::{ComparePlan, Settings};
use crate::progress::Progress;
use crate::record::{self, Field, columns, n_columns};

const SCHEMA: &str = "nearplane/compare/1";

const FIELDS: [Field<Outcome>; 35] = [
    Field::new("schema", |_| json!(SCHEMA)),
    Field::csv("time", |_| json!(now())),
    Field::csv("version", |_| json!(env!("CARGO_PKG_VERSION"))),
    Field::json("a", |o| o.a.record(o.accuracies().0)),
    Field::json("b", |o| o.b.record(o.accuracies().1)),
    Field::csv("a_file", |o| json!(o.a.file)),
    Field::csv("a_column", |o| json!(o.a.column)),
    Field::csv("b_file", |o| json!(o.b.file)),
    Field::csv("b_column", |o| json!(o.b.column)),
    Field::new("n", |o| json!(o.counts.total())),
    Field::new("both", |o| json!(o.counts.both)),
    Field::new("only_a", |o| json!(o.counts.only_a)),
    Field::new("only_b", |o| json!(o.counts.only_b)),
    Field::new("neither", |o| json!(o.counts.neither)),
    Field::new("discordant", |o| json!(o.counts.discordant())),
    Field::csv("a_accuracy", |o| json!(o.accuracies().0.value())),
    Field::csv("a_ci95_lo", |o| json!(o.accuracies().0.wilson_95().0)),
    Field::csv("a_ci95_hi", |o| json!(o.accuracies().0.wilson_95().1)),
    Field::csv("a_correct", |o| json!(o.accuracies().0.correct)),
    Field::csv("b_accuracy", |o| json!(o.accuracies().1.value())),
    Field::csv("b_ci95_lo", |o| json!(o.accuracies().1.wilson_95().0)),
    Field::csv("b_ci95_hi", |o| json!(o.accuracies().1.wilson_95().1)),
    Field::csv("b_correct", |o| json!(o.accuracies().1.correct)),
    Field::new("difference", |o| json!(o.counts.difference())),
    Field::json("ci95", |o| json!([o.ci95.0, o.ci95.1])),
    Field::csv("ci95_lo", |o| json!(o.ci95.0)),
    Field::csv("ci95_hi", |o| json!(o.ci95.1)),
    Field::new("p", |o| json!(o.counts.mcnemar())),
    Field::new("p_mid", |o| json!(o.counts.mcnemar_mid_p())),
    Field::new("resamples", |o| json!(o.resamples)),
    Field::new("seed", |o| json!(o.seed)),
    Field::csv("a_answer", |o| json!(o.a.answer)),
    Field::csv("b_answer", |o| json!(o.b.answer)),
    Field::new("threads", |_| json!(rayon::current_num_threads())),
    Field::new("seconds", |o| json!(o.seconds)),
];

/// Columns of `--results`.
pub(crate) const COLUMNS: [&str; n_columns(&FIELDS)] = columns(&FIELDS);

/// With fewer rows that tell the two apart, resamples are too much alike.
const FEW: u64 = 10;

/// Reads both files, compares and reports.
pub(crate) fn run(plan: &ComparePlan, settings: &Settings) -> Result<Report> {
    let started = Instant::now();
    let a = Predictions::read(&plan.a)?;
    let b = Predictions::read(&plan.b)?;
    check_same_images(&a, &b)?;
    let counts = PairedOutcomes::new(&a.predicted, &b.predicted, &a.truth);
    let progress = Progress::new("resampling", settings.quiet);
    let ci95 = counts
        .bootstrap_95(plan.resamples, settings.seed, &progress)
        .ok_or_else(|| anyhow!(Interrupted))?;
    drop(progress);
    let outcome = Outcome {
        a: Side::new(&a),
        b: Side::new(&b),
        counts,
        ci95,
        resamples: plan.resamples,
        seed: settings.seed,
        seconds: started.elapsed().as_secs_f64(),
    };
    if counts.discordant() < FEW {
        note(
            settings.quiet,
            &format!(
                "A and B differ in being right on {}: with fewer than {FEW} the interval of the difference is too narrow",
                counted(counts.discordant() as usize, "image")
            ),
        );
    }
    Ok(Report {
        record: record::object(&FIELDS, &outcome),
        rows: vec![record::row(&FIELDS, &outcome)],
        text: outcome.text(),
    })
}

/// What is told of one of the two.
struct Side {
    file: String,
    column: String,
    name: String,
    answer: String,
}

impl Side {
    fn new(predictions: &Predictions) -> Side {
        Side {
            file: predictions.file.clone(),
            column: predictions.column.clone(),
            name: predictions.name(),
            answer: answer(std::slice::from_ref(&predictions.predicted)),
        }
    }

    fn record(&self, accuracy: Accuracy) -> Value {
        let (low, high) = accuracy.wilson_95();
        json!({
            "file": self.file,
            "column": self.column,
            "accuracy": accuracy.value(),
            "ci95": [low, high],
            "correct": accuracy.correct,
            "answer": self.answer,
        })
    }
}

/// Everything that was found out.
struct Outcome {
    a: Side,
    b: Side,
    counts: PairedOutcomes,
    ci95: (f64, f64),
    resamples: u32,
    seed: u64,
    seconds: f64,
}

impl Outcome {
    fn accuracies(&self) -> (Accuracy, Accuracy) {
        self.counts.accuracies()
    }

    fn text(&self) -> String {
        let counts = &self.counts;
        let (of_a, of_b) = self.accuracies();
        let side = |letter: &str, side: &Side, accuracy: Accuracy| {
            let (low, high) = accuracy.wilson_95();
            vec![
                letter.to_owned(),
                side.name.clone(),
                format!("{:.4}", accuracy.value()),
                format!("{low:.4} to {high:.4}"),
                format!("{} of {}", accuracy.correct, accuracy.total),
            ]
        };
        let accuracies = [side("A", &self.a, of_a), side("B", &self.b, of_b)];
        let row = |name: &str, right: u64, wrong: u64| {
            vec![name.to_owned(), right.to_string(), wrong.to_string()]
        };
        let contingency = [
            row("A right", counts.both, counts.only_a),
            row("A wrong", counts.only_b, counts.neither),
        ];
        format!(
            "{}\n{}\nA minus B {:+.4}, 95 % interval {:+.4} to {:+.4} by {} of the pairs\nMcNemar's exact test: \
             p {}, of {} that one has right and the other wrong\n",
            table(
                &["", "predictions", "accuracy", "95 % interval", "correct"],
                &accuracies,
                2
            ),
            table(&["", "B right", "B wrong"], &contingency, 1),
            counts.difference(),
            self.ci95.0,
            self.ci95.1,
            counted(self.resamples as usize, "resample"),
            in_words(counts.mcnemar()),
            counted(counts.discordant() as usize, "image"),
        )
    }
}

/// A p-value for people.
fn in_words(p: f64) -> String {
    if p >= 0.001 {
        format!("= {p:.4}")
    } else if p > 0.0 {
        format!("= {p:.1e}")
    } else {
        "< 1e-300".to_owned()
    }
}

#[cfg(test)]
mod tests {
    use super::in_words;

    #[test]
    fn small_p_values_keep_their_size() {
        assert_eq!(in_words(1.0), "= 1.0000");
        assert_eq!(in_words(0.0123), "= 0.0123");
        assert_eq!(in_words(0.000_45), "= 4.5e-4");
        assert_eq!(in_words(0.0), "< 1e-300");
    }
}
