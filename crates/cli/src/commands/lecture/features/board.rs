//! Section 5.3: every kind of features with every kind of model.

use anyhow::Result;
use nearplane_models::linear::Loss;
use nearplane_models::metrics::{Accuracy, accuracy};
use nearplane_report::{Axis, Color, Figure, Plot, Section, Table, fixed, prose};
use serde_json::{Value, json};

use crate::commands::lecture::story::{JOINED, METRICS, Story};
use crate::commands::lecture::zoo::Features;

/// What `lecture` prints of an entry.
pub(in crate::commands::lecture) const HEADER: [&str; 7] = [
    "features",
    "model",
    "choice",
    "val",
    "test",
    "95 % interval",
    "images",
];

/// One model on one kind of features.
pub(in crate::commands::lecture) struct Entry {
    pub(in crate::commands::lecture) features: &'static str,
    pub(in crate::commands::lecture) model: &'static str,
    /// What was chosen on the validation images.
    pub(in crate::commands::lecture) choice: String,
    pub(in crate::commands::lecture) validation: Accuracy,
    pub(in crate::commands::lecture) test: Accuracy,
}

impl Entry {
    pub(in crate::commands::lecture) fn record(&self) -> Value {
        let (low, high) = self.test.wilson_95();
        json!({
            "features": self.features,
            "model": self.model,
            "choice": self.choice,
            "val_accuracy": self.validation.value(),
            "accuracy": self.test.value(),
            "ci95": [low, high],
            "n_eval": self.test.total,
        })
    }

    pub(in crate::commands::lecture) fn shown(&self) -> Vec<String> {
        let (low, high) = self.test.wilson_95();
        vec![
            self.features.to_owned(),
            self.model.to_owned(),
            self.choice.clone(),
            format!("{:.4}", self.validation.value()),
            format!("{:.4}", self.test.value()),
            format!("{low:.4} to {high:.4}"),
            self.test.total.to_string(),
        ]
    }
}

/// The best on the test images first; equal ones in the order in which they ran.
pub(in crate::commands::lecture) fn ranked(entries: &[Entry]) -> Vec<&Entry> {
    let mut ranked: Vec<&Entry> = entries.iter().collect();
    ranked.sort_by(|a, b| b.test.value().total_cmp(&a.test.value()));
    ranked
}

/// What was evaluated on test images, and how right it was.
type Looks = Vec<(String, f64)>;

pub(super) fn section(story: &Story<'_>) -> Result<(Section, Vec<Entry>, Looks)> {
    story.at("5.3 leaderboard: pixels")?;
    let mut entries = raw(story)?;
    for name in ["hist", "hog", JOINED] {
        story.at(&format!("5.3 leaderboard: {name}"))?;
        let features = Features::new(name, story)?;
        for loss in [Loss::Svm, Loss::Softmax] {
            let made;
            let fit = if name == JOINED && loss == Loss::Softmax {
                story.best_fit(Some(&features))?
            } else {
                made = features.linear(story, loss)?;
                &made
            };
            entries.push(Entry {
                features: name,
                model: called(loss),
                choice: format!("lambda {}", fit.lambda),
                validation: fit.validation,
                test: accuracy(&fit.predict(story, &story.test.rows)?, &story.test.labels),
            });
        }
        let (k, validation, labels) = features.nearest(story)?;
        entries.push(Entry {
            features: name,
            model: "kNN",
            choice: format!("L1, k = {k}"),
            validation,
            test: accuracy(&labels, &story.test.labels),
        });
    }
    let looks = entries.iter().map(|entry| {
        let what = format!(
            "{} {} {} n={}",
            entry.features, entry.model, entry.choice, entry.test.total
        );
        (what, entry.test.value())
    });
    let looks = looks.collect();
    Ok((told(&entries, story), entries, looks))
}

fn called(loss: Loss) -> &'static str {
    if loss == Loss::Svm { "SVM" } else { "softmax" }
}

/// The three models of pixels.
fn raw(story: &Story<'_>) -> Result<Vec<Entry>> {
    let (metric, k, validation) = story.best_neighbors()?;
    let classifier = story.classifier(&story.all, METRICS[metric], k)?;
    let labels = classifier.predict_each_k(&story.test.rows, &[k], &story.progress)?;
    let mut entries = vec![Entry {
        features: "raw",
        model: "kNN",
        choice: format!("{}, k = {k}", METRICS[metric].to_string().to_uppercase()),
        validation,
        test: accuracy(&labels[0], &story.test.labels),
    }];
    for loss in [Loss::Svm, Loss::Softmax] {
        let fit = story.raw_fit(loss)?;
        entries.push(Entry {
            features: "raw",
            model: called(loss),
            choice: format!("lambda {}", fit.lambda),
            validation: fit.validation,
            test: story.judge(story.raw_model(loss)?, &story.test)?,
        });
    }
    Ok(entries)
}

fn told(entries: &[Entry], story: &Story<'_>) -> Section {
    let ranked = ranked(entries);
    let mut table = Table::new(&[
        "rank",
        "features",
        "model",
        "chosen",
        "validation",
        "test",
        "95 % from",
        "to",
        "images",
    ]);
    let mut data = Table::new(&[
        "features",
        "model",
        "choice",
        "validation",
        "test",
        "low",
        "high",
        "images",
    ]);
    let (mut bars, mut errors, mut ticks) = (Vec::new(), Vec::new(), Vec::new());
    for (place, entry) in ranked.iter().enumerate() {
        let (low, high) = entry.test.wilson_95();
        let n = entry.test.total as usize;
        table.row([
            (place + 1).into(),
            entry.features.into(),
            entry.model.into(),
            entry.choice.as_str().into(),
            fixed(entry.validation.value(), 4).into(),
            fixed(entry.test.value(), 4).into(),
            fixed(low, 4).into(),
            fixed(high, 4).into(),
            n.into(),
        ]);
        data.row([
            entry.features.into(),
            entry.model.into(),
            entry.choice.as_str().into(),
            entry.validation.value().into(),
            entry.test.value().into(),
            low.into(),
            high.into(),
            n.into(),
        ]);
        let y = -(place as f64);
        let color = match entry.model {
            "kNN" => 0,
            "SVM" => 1,
            _ => 2,
        };
        bars.push((color, entry.model, (y - 0.36, y + 0.36, entry.test.value())));
        errors.push((y, low, high));
        ticks.push((y, format!("{} {}", entry.features, entry.model)));
    }
    let mut plot = Plot::new(
        "Leaderboard",
        "test accuracy of twelve pairs of features and models, the best on top",
    )
    .size(440, 400)
    .x(Axis::new("accuracy on test images, with 95 % interval").percent())
    .y(Axis::new("")
        .range(0.6 - ranked.len() as f64, 0.6)
        .ticks(ticks));
    for (color, name, bar) in bars {
        plot = plot.lying_bars(name, Color::Series(color), &[bar]);
    }
    let plot = plot.lying_errors(Color::Ink, &errors);
    let figure = Figure::new(prose(
        "Pixels, colour histograms, gradients and both, each with K nearest neighbours, SVM and softmax; the best on \
         top, with 95 % Wilson intervals.",
        &[],
    ))
    .plot("", &plot)
    .command(&story.command(&format!(
        "train --features {JOINED} --loss softmax {} --out best.safetensors",
        story.sgd_flags()
    )))
    .data("leaderboard", data);
    Section::new(5, 3, "Features joined, and a leaderboard")
        .paragraph(prose(
            "Features are concatenated into one long vector, and the same classifiers run on it: `hog+hist` is the \
             histogram of gradients beside that of colours. What was to be chosen (k, the distance, lambda) was \
             chosen on validation images; then each model was fitted to all {} training images and looked at the \
             test images once.",
            &[story.all.len().into()],
        ))
        .figure(figure)
        .table(&table)
}
