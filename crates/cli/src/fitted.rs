//! A model file that is open, and what its rows are: the bytes of images, features of them, or numbers of whatever
//! kind.

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result, bail};
use nearplane_kernels::MatRef;
use nearplane_models::features::{BlockSpec, FeatureError, FeatureExtractor, ImageShape};
use nearplane_models::linear::{LinearModel, Penalty};
use nearplane_models::model_file::{LinearModelFile, ModelInput};
use nearplane_models::neighbors::Rows;
use serde_json::{Value, json};

use crate::failure::Interrupted;
use crate::output::counted;
use crate::plan::Settings;
use crate::progress::Progress;

/// A model and its file.
pub(crate) struct Fitted {
    path: PathBuf,
    pub(crate) file: LinearModelFile,
}

impl Fitted {
    /// Reads a file and looks through it.
    pub(crate) fn open(path: &Path) -> Result<Fitted> {
        let cannot = || format!("cannot read the model {}", path.display());
        let found = std::fs::metadata(path).with_context(cannot)?;
        // A device may never end.
        if !found.is_file() {
            bail!(
                "{} is {}; expected a model file that 'nearplane train' wrote",
                path.display(),
                if found.is_dir() {
                    "a folder"
                } else {
                    "no plain file"
                }
            );
        }
        let bytes = std::fs::read(path).with_context(cannot)?;
        Ok(Fitted {
            file: LinearModelFile::from_bytes(&bytes)
                .with_context(|| path.display().to_string())?,
            path: path.to_owned(),
        })
    }

    /// As it was named.
    pub(crate) fn name(&self) -> String {
        self.path.display().to_string()
    }

    /// The specification of its features; `None` of a model of plain matrices.
    pub(crate) fn spec(&self) -> Option<String> {
        match &self.file.input {
            ModelInput::Images { features, .. } => Some(features.to_string()),
            _ => None,
        }
    }

    /// What turns images into the rows of the model. `advice`: what to do where it takes none.
    pub(crate) fn of_images(&self, advice: &str) -> Result<ImageModel<'_>> {
        let name = self.name();
        let (shape, features) = match &self.file.input {
            ModelInput::Images { shape, features } => (*shape, features),
            _ => bail!(
                "{name} was fitted on a matrix of {}, not on images, and nothing says how to make them of an image; \
                 {advice}",
                counted(self.file.model.n_features(), "column")
            ),
        };
        if shape != ImageShape::CIFAR {
            let shown =
                |shape: ImageShape| format!("{}x{}x{}", shape.channels, shape.height, shape.width);
            bail!(
                "{name} takes images of {}, expected {}, the only shape of a data set; train a model on such images",
                shown(shape),
                shown(ImageShape::CIFAR)
            );
        }
        let extractor = match features.blocks() {
            [BlockSpec::Raw] => None,
            _ => Some(features.check(shape)?),
        };
        Ok(ImageModel {
            model: &self.file.model,
            extractor,
        })
    }

    /// The `model` object of a record.
    pub(crate) fn record(&self) -> Value {
        let LinearModelFile {
            model, training, ..
        } = &self.file;
        let beta = match training.penalty {
            Penalty::Elastic { beta } => Some(beta),
            _ => None,
        };
        json!({
            "file": self.name(),
            "features": self.spec(),
            "n_classes": model.n_classes(),
            "n_features": model.n_features(),
            "loss": model.loss().to_string(),
            "penalty": training.penalty.to_string(),
            "beta": beta,
            "lambda": training.lambda,
            "solver": training.solver,
            "seed": training.seed,
            "split_seed": training.split_seed,
            "data_hash": training.data,
            "n_train": training.rows,
            "version": training.version,
        })
    }

    /// For people, in a line.
    pub(crate) fn described(&self) -> String {
        let LinearModelFile {
            model, training, ..
        } = &self.file;
        format!(
            "{}: {}, penalty {}, lambda {}, {} of {}, fitted on {}",
            self.name(),
            model.loss(),
            training.penalty,
            training.lambda,
            counted(model.n_classes(), "class"),
            self.spec()
                .unwrap_or_else(|| counted(model.n_features(), "column")),
            counted(usize::try_from(training.rows).unwrap_or(usize::MAX), "row"),
        )
    }
}

/// A model that takes images.
pub(crate) struct ImageModel<'a> {
    model: &'a LinearModel,
    /// `None`: the bytes as they are.
    extractor: Option<FeatureExtractor>,
}

impl ImageModel<'_> {
    /// The features of images where the model takes any; their bytes are where they are.
    pub(crate) fn features(
        &self,
        images: &Rows<'_, u8>,
        settings: &Settings,
    ) -> Result<Option<Features>> {
        let Some(extractor) = &self.extractor else {
            return Ok(None);
        };
        let (n, cols) = (images.len(), extractor.n_features());
        let len = n.saturating_mul(cols);
        Vec::<f32>::new()
            .try_reserve_exact(len)
            .with_context(|| format!("{n} x {cols} features do not fit into memory"))?;
        let mut values = vec![0.0; len];
        let progress = Progress::new("extracting features", settings.quiet);
        match extractor.extract_rows(settings.level, images, &mut values, &progress) {
            Err(FeatureError::Cancelled) => Err(Interrupted.into()),
            extracted => {
                extracted?;
                Ok(Some(Features { values, cols }))
            }
        }
    }

    /// The predicted labels of images, of which these are the features.
    pub(crate) fn labels(
        &self,
        images: &Rows<'_, u8>,
        features: Option<&Features>,
        settings: &Settings,
    ) -> Result<Vec<u32>> {
        Ok(match features {
            None => self.model.predict(settings.level, images)?,
            Some(features) => self.model.predict(settings.level, &features.rows()?)?,
        })
    }

    /// The scores of images, of which these are the features: `n x n_classes`.
    pub(crate) fn scores(
        &self,
        images: &Rows<'_, u8>,
        features: Option<&Features>,
        settings: &Settings,
    ) -> Result<Vec<f32>> {
        Ok(match features {
            None => self.model.scores(settings.level, images)?,
            Some(features) => self.model.scores(settings.level, &features.rows()?)?,
        })
    }
}

/// Features of images, `n x d`, row-major, as a model takes them: not scaled.
pub(crate) struct Features {
    values: Vec<f32>,
    cols: usize,
}

impl Features {
    fn rows(&self) -> Result<Rows<'_, f32>> {
        Ok(Rows::from_mat(MatRef::from_rows(&self.values, self.cols))?)
    }
}
