//! Linear models on features, and nearest neighbours of features: chosen on the validation images, then fitted to all
//! training images.

use anyhow::{Context as _, Result};
use nearplane_models::features::{BlockScaler, FeatureExtractor, FeatureSpec, ImageShape};
use nearplane_models::linear::{Affine, LinearData, LinearModel, Loss};
use nearplane_models::metrics::{Accuracy, accuracy};
use nearplane_models::neighbors::{KNeighborsParams, Metric, Rows};

use super::story::{Story, matrix};

/// Features of all training images.
pub(super) struct Features {
    extractor: FeatureExtractor,
    train: Vec<f32>,
    /// Positions of the training images that fit and that judge.
    split: (Vec<u32>, Vec<u32>),
}

/// A linear model on features.
pub(super) struct FeatureFit {
    pub(super) extractor: FeatureExtractor,
    pub(super) lambda: f64,
    pub(super) validation: Accuracy,
    /// Fitted to all training images.
    pub(super) model: LinearModel,
}

impl FeatureFit {
    pub(super) fn predict(&self, story: &Story<'_>, images: &Rows<'_, u8>) -> Result<Vec<u32>> {
        let values = extract(&self.extractor, story, images)?;
        let rows = matrix(&values, self.extractor.n_features())?;
        Ok(self.model.predict(story.settings.level, &rows)?)
    }
}

fn extract(
    extractor: &FeatureExtractor,
    story: &Story<'_>,
    images: &Rows<'_, u8>,
) -> Result<Vec<f32>> {
    let mut values = vec![0.0; images.len() * extractor.n_features()];
    extractor.extract_rows(story.settings.level, images, &mut values, &story.progress)?;
    Ok(values)
}

impl Features {
    pub(super) fn new(name: &str, story: &Story<'_>) -> Result<Self> {
        let extractor = name.parse::<FeatureSpec>()?.check(ImageShape::CIFAR)?;
        Ok(Self {
            train: extract(&extractor, story, &story.all.rows)?,
            extractor,
            split: (story.split.train.clone(), story.split.validation.clone()),
        })
    }

    fn rows(&self) -> Result<Rows<'_, f32>> {
        matrix(&self.train, self.extractor.n_features())
    }

    /// Every lambda on nine tenths, then the best one on all.
    pub(super) fn linear(&self, story: &Story<'_>, loss: Loss) -> Result<FeatureFit> {
        let rows = self.rows()?;
        let n_classes = story.names.len();
        let (fit, validation) = (
            rows.select(self.split.0.clone())?,
            rows.select(self.split.1.clone())?,
        );
        let data = LinearData::new(fit.clone(), &story.fit.labels, n_classes)?
            .with_affine(Affine::standardized(&fit)?)?;
        let params = story.sgd_params();
        let mut best: Option<(f64, Accuracy)> = None;
        for lambda in story.lambdas() {
            let model = story.sgd(&data, loss, *lambda, &params)?;
            let predicted = model.predict(story.settings.level, &validation)?;
            let found = accuracy(&predicted, &story.validation.labels);
            if best.is_none_or(|(_, other)| found.correct > other.correct) {
                best = Some((*lambda, found));
            }
        }
        let (lambda, found) = best.context("there is no lambda to choose")?;
        let data = LinearData::new(rows.clone(), &story.all.labels, n_classes)?
            .with_affine(Affine::standardized(&rows)?)?;
        Ok(FeatureFit {
            extractor: self.extractor.clone(),
            lambda,
            validation: found,
            model: story.sgd(&data, loss, lambda, &params)?,
        })
    }

    /// The k that is right about most of the validation images, by L1; then the labels of the test images, told by
    /// all training images.
    pub(super) fn nearest(&self, story: &Story<'_>) -> Result<(usize, Accuracy, Vec<u32>)> {
        let ks = story.ks();
        let rows = self.rows()?;
        let scaled = |rows: &Rows<'_, f32>, scaler: &BlockScaler| -> Vec<f32> {
            let mut values: Vec<f32> = (0..rows.len())
                .flat_map(|row| rows.row(row))
                .copied()
                .collect();
            scaler.apply(&mut values);
            values
        };
        let cols = self.extractor.n_features();
        let classify = |train: &[f32],
                        labels: &[u32],
                        queries: &[f32],
                        ks: &[usize]|
         -> Result<Vec<Vec<u32>>> {
            let params = KNeighborsParams {
                level: story.settings.level,
                ..KNeighborsParams::new(1, Metric::L1)
            };
            let classifier = params.check()?.fit(matrix(train, cols)?, labels)?;
            Ok(classifier.predict_each_k(&matrix(queries, cols)?, ks, &story.progress)?)
        };
        let fit = rows.select(self.split.0.clone())?;
        let scaler = BlockScaler::fit(&fit, self.extractor.blocks())?;
        let validation = rows.select(self.split.1.clone())?;
        let predicted = classify(
            &scaled(&fit, &scaler),
            &story.fit.labels,
            &scaled(&validation, &scaler),
            &ks,
        )?;
        let mut best: Option<(usize, Accuracy)> = None;
        for (k, labels) in ks.iter().zip(&predicted) {
            let found = accuracy(labels, &story.validation.labels);
            if best.is_none_or(|(_, other)| found.correct > other.correct) {
                best = Some((*k, found));
            }
        }
        let (k, found) = best.context("there is no k to choose")?;
        let scaler = BlockScaler::fit(&rows, self.extractor.blocks())?;
        let mut queries = extract(&self.extractor, story, &story.test.rows)?;
        scaler.apply(&mut queries);
        let labels = classify(&scaled(&rows, &scaler), &story.all.labels, &queries, &[k])?;
        Ok((k, found, labels.into_iter().next().unwrap_or_default()))
    }
}
