//! The features of the images of a run, brought to one scale.

use anyhow::Result;
use nearplane_cifar::SplitName;
use nearplane_models::features::BlockScaler;

use super::task::Task;
use crate::data_source::Opened;
use crate::feature_matrix::FeatureMatrix;
use crate::plan::{FeatureChoice, On, Settings};

/// Features of all images that take part.
pub(super) struct ImageFeatures {
    train: FeatureMatrix,
    /// Of the test images, where they are evaluated.
    test: Option<FeatureMatrix>,
}

impl ImageFeatures {
    /// Computes or reads them. One block stays as it is; several are scaled by what the rows that train say, and no
    /// others.
    pub(super) fn of(
        on: On,
        opened: &Opened,
        choice: &FeatureChoice,
        settings: &Settings,
    ) -> Result<ImageFeatures> {
        let of = |split| FeatureMatrix::of(&opened.data, split, choice, settings);
        let mut features = ImageFeatures {
            train: of(SplitName::Train)?,
            test: match on {
                On::Val => None,
                On::Test | On::Eval => Some(of(SplitName::Test)?),
            },
        };
        let blocks = choice.extractor.blocks();
        if blocks.len() > 1 {
            let task = features.task(opened, settings)?;
            let scaler = BlockScaler::fit(&task.train, blocks)?;
            features.train.scale(&scaler);
            if let Some(test) = &mut features.test {
                test.scale(&scaler);
            }
        }
        Ok(features)
    }

    /// Which rows train and which are evaluated: those of the same images as without features.
    pub(super) fn task(&self, opened: &Opened, settings: &Settings) -> Result<Task<'_, f32>> {
        let test = self.test.as_ref().map(FeatureMatrix::rows).transpose()?;
        Task::of_features(opened, self.train.rows()?, test, settings)
    }
}
