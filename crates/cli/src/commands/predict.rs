//! `nearplane predict`: what a fitted model takes image files for.

mod explain;

use std::time::Instant;

use anyhow::{Result, anyhow, bail};
use nearplane_cifar::import::read_image;
use nearplane_kernels::MatRef;
use nearplane_models::features::ImageShape;
use nearplane_models::linear::{Loss, softmax};
use nearplane_models::neighbors::Rows;
use rayon::iter::{IntoParallelRefIterator as _, ParallelIterator as _};
use serde_json::{Value, json};

use super::{now, object};
use crate::answer::answer;
use crate::failure::one_line;
use crate::fitted::Fitted;
use crate::output::{Report, cell, counted, on_one_line, seconds, table};
use crate::pending::PendingFile;
use crate::plan::{PredictPlan, Settings};
use crate::progress::check_interrupt;

/// Columns of `--results`, a row per image.
pub(crate) const COLUMNS: [&str; 15] = [
    "schema",
    "time",
    "version",
    "model",
    "features",
    "loss",
    "model_data_hash",
    "file",
    "label",
    "class",
    "score",
    "probability",
    "simd",
    "threads",
    "seconds",
];

const SCHEMA: &str = "nearplane/predict/1";

/// Classes in a row of the table.
const SHOWN: usize = 3;

/// Reads every image, or none, then predicts and reports.
pub(crate) fn run(plan: &PredictPlan, settings: &Settings) -> Result<Report> {
    let start = |path| PendingFile::create(path, settings.force);
    let mut picture = plan.explain.as_deref().map(start).transpose()?;
    let fitted = Fitted::open(&plan.model)?;
    let model = fitted.of_images("'nearplane eval' evaluates matrices with --x and --y")?;
    let started = Instant::now();
    let pixels = read_all(plan)?;
    let images = Rows::from_mat(MatRef::from_rows(&pixels, ImageShape::CIFAR.len()))?;
    let features = model.features(&images, settings)?;
    let scores = model.scores(&images, features.as_ref(), settings)?;
    check_interrupt()?;
    let file = &fitted.file;
    let n_classes = file.model.n_classes();
    if let Some(at) = scores.iter().position(|score| !score.is_finite()) {
        bail!(
            "the scores of {} are beyond the range of float32 (3.4e38), so that no class is the best; train the model \
             again",
            plan.images[at / n_classes].display()
        );
    }
    let elapsed = started.elapsed().as_secs_f64();
    let of_image = scores.chunks_exact(n_classes);
    let predictions = plan.images.iter().zip(of_image).map(|(path, scores)| {
        let is_softmax = file.model.loss() == Loss::Softmax;
        Prediction::new(path.display().to_string(), scores, is_softmax)
    });
    let predictions: Vec<Prediction> = predictions.collect();
    if let Some(file) = &mut picture {
        let labels: Vec<usize> = predictions.iter().map(Prediction::label).collect();
        explain::draw(file, &fitted, &pixels, &labels)?;
    }
    settings.outputs.place(picture.into_iter().collect())?;
    Ok(report(&fitted, &predictions, elapsed, settings))
}

/// The pixels of all images, one after the other. A list that is shorter than what was asked for would go unnoticed in
/// a script, so that one unreadable image is a failure.
fn read_all(plan: &PredictPlan) -> Result<Vec<u8>> {
    let read: Vec<Result<Vec<u8>>> = plan
        .images
        .par_iter()
        .map(|path| {
            check_interrupt()?;
            if path.is_dir() {
                bail!(
                    "{} is a folder; give the image files in it, or evaluate a folder of class folders with 'nearplane \
                     data import' and 'nearplane eval'",
                    path.display()
                );
            }
            Ok(read_image(path)?)
        })
        .collect();
    check_interrupt()?;
    let n_failed = read.iter().filter(|pixels| pixels.is_err()).count();
    let mut all = Vec::with_capacity(read.len() * ImageShape::CIFAR.len());
    for pixels in read {
        match pixels {
            Ok(pixels) => all.extend(pixels),
            Err(error) if n_failed == 1 => return Err(error),
            Err(error) => {
                return Err(anyhow!(
                    "{} (and {} more of {} cannot be read)",
                    one_line(&error),
                    n_failed - 1,
                    counted(plan.images.len(), "image")
                ));
            }
        }
    }
    Ok(all)
}

/// What a model makes of an image.
struct Prediction {
    file: String,
    /// One a class.
    scores: Vec<f32>,
    /// One a class, of a model that knows them.
    probabilities: Option<Vec<f64>>,
    /// The classes, best first; of equal scores the lowest label first.
    ranked: Vec<usize>,
}

impl Prediction {
    fn new(file: String, scores: &[f32], is_softmax: bool) -> Prediction {
        let mut ranked: Vec<usize> = (0..scores.len()).collect();
        // Adding 0 makes -0 and 0 one score.
        ranked.sort_by(|&a, &b| (scores[b] + 0.0).total_cmp(&(scores[a] + 0.0)));
        Prediction {
            file,
            probabilities: is_softmax.then(|| softmax(scores)),
            scores: scores.to_vec(),
            ranked,
        }
    }

    fn label(&self) -> usize {
        self.ranked[0]
    }

    fn record(&self, names: &[String]) -> Value {
        json!({
            "file": self.file,
            "label": self.label(),
            "class": names[self.label()],
            "scores": self.scores,
            "probabilities": self.probabilities,
        })
    }

    fn row(&self, names: &[String]) -> Vec<String> {
        let mut row = vec![on_one_line(&self.file)];
        for &class in self.ranked.iter().take(SHOWN) {
            let number = match &self.probabilities {
                Some(probabilities) => format!("{:.4}", probabilities[class]),
                None => format!("{:.4}", self.scores[class]),
            };
            row.extend([names[class].clone(), number]);
        }
        row
    }
}

fn report(
    fitted: &Fitted,
    predictions: &[Prediction],
    elapsed: f64,
    settings: &Settings,
) -> Report {
    let names = &fitted.file.classes;
    let labels: Vec<u32> = predictions.iter().map(|p| p.label() as u32).collect();
    let threads = rayon::current_num_threads();
    let time = now();
    let record = object(json!({
        "schema": SCHEMA,
        "model": fitted.record(),
        "classes": names,
        "predictions": predictions.iter().map(|p| p.record(names)).collect::<Vec<_>>(),
        "answer": answer(&[labels]),
        "simd": settings.level.name(),
        "threads": threads,
        "seconds": elapsed,
    }));
    let rows = predictions.iter().map(|p| {
        let label = p.label();
        vec![
            SCHEMA.to_owned(),
            time.clone(),
            env!("CARGO_PKG_VERSION").to_owned(),
            fitted.name(),
            cell(fitted.spec()),
            fitted.file.model.loss().to_string(),
            fitted.file.training.data.clone(),
            p.file.clone(),
            label.to_string(),
            names[label].clone(),
            p.scores[label].to_string(),
            cell(p.probabilities.as_ref().map(|all| all[label])),
            settings.level.name().to_owned(),
            threads.to_string(),
            elapsed.to_string(),
        ]
    });
    let number = match predictions.first().and_then(|p| p.probabilities.as_ref()) {
        Some(_) => "probability",
        None => "score",
    };
    let mut header = vec!["file"];
    for place in ["class", "second", "third"]
        .iter()
        .take(SHOWN.min(names.len()))
    {
        header.extend([place, number]);
    }
    let shown: Vec<Vec<String>> = predictions.iter().map(|p| p.row(names)).collect();
    Report {
        record,
        rows: rows.collect(),
        text: format!(
            "{}\n{}{}: {}, {}, {}\n",
            fitted.described(),
            table(&header, &shown, 2),
            counted(predictions.len(), "image"),
            seconds(elapsed),
            settings.level.name(),
            counted(threads, "thread"),
        ),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn of_equal_scores_the_lowest_label_comes_first() {
        let prediction = Prediction::new("x".to_owned(), &[1.0, 3.0, -2.0, 3.0], true);
        assert_eq!(prediction.ranked, [1, 3, 0, 2]);
        let probabilities = prediction.probabilities.unwrap();
        assert!((probabilities.iter().sum::<f64>() - 1.0).abs() < 1e-12);
        // -0 and 0 are one score.
        let prediction = Prediction::new("x".to_owned(), &[-0.0, 0.0], false);
        assert_eq!(prediction.label(), 0);
        assert!(prediction.probabilities.is_none());
    }
}
