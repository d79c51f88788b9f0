//! Linear models as the bytes of a `.safetensors` file, with all that is needed to use them and to train
//! them again, checked when they are read. Files themselves are the caller's.

mod checkpoint;
mod error;
mod tensors;
#[cfg(test)]
mod tests;

pub use checkpoint::SgdCheckpoint;
pub use error::ModelFileError;

use crate::features::{FeatureSpec, ImageShape};
use crate::linear::{LinearModel, Loss, Penalty};
use tensors::Opened;

/// A linear model and what it was trained on, with what, and how.
///
/// | tensor | shape |
/// |---|---|
/// | `weight` | `[n_classes, n_features]`, f32 |
/// | `bias` | `[n_classes]`, f32 |
///
/// The metadata (all strings) is `format` (`nearplane/linear/1`), `version` of this crate, `input` (`images
/// 3x32x32` or `matrix`), `features` (a specification, of images), `classes` (a JSON list), `loss`,
/// `penalty`, `beta` (of `elastic`), `lambda`, `solver`, `seed`, `split_seed`, `data` (a hash), `rows`, and
/// `sha256`: that of all bytes of the file, with 64 times `0` in its own place.
///
/// ```
/// use nearplane_models::linear::{LinearModel, Loss, Penalty};
/// use nearplane_models::model_file::{LinearModelFile, ModelInput, Training};
/// let file = LinearModelFile {
///     model: LinearModel::new(vec![1.0, 0.0, 0.0, 2.0], vec![0.5, 0.0], Loss::Softmax)?,
///     input: ModelInput::Matrix,
///     classes: vec!["cat".into(), "dog".into()],
///     training: Training { penalty: Penalty::L2, lambda: 1e-3, ..Training::default() },
/// };
/// let bytes = file.to_bytes()?; // for a file
/// assert_eq!(LinearModelFile::from_bytes(&bytes)?, file);
/// assert!(LinearModelFile::from_bytes(&bytes[1..]).is_err());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "these four are a model that others can use; what is added goes into Training"
)]
pub struct LinearModelFile {
    /// Weights, bias and loss.
    pub model: LinearModel,
    /// What its rows are.
    pub input: ModelInput,
    /// The names of the classes, one each, in the order of labels.
    pub classes: Vec<String>,
    /// How it came about.
    pub training: Training,
}

/// What a row is that a model takes.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub enum ModelInput {
    /// Features of an image of this shape, as computed: not scaled. Those of the specification `raw` are
    /// the bytes.
    Images {
        /// The shape of an image.
        shape: ImageShape,
        /// Which features.
        features: FeatureSpec,
    },
    /// Numbers of whatever kind, as they are.
    Matrix,
}

/// How a model came about.
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct Training {
    /// R, what large weights cost.
    pub penalty: Penalty,
    /// How much the penalty counts.
    pub lambda: f64,
    /// Name of the solver.
    pub solver: String,
    /// Seed of whatever the solver draws.
    pub seed: u64,
    /// Seed of the split that set the validation rows aside.
    pub split_seed: u64,
    /// Names the data: their hash.
    pub data: String,
    /// Rows fitted.
    pub rows: u64,
    /// Version of this crate that wrote the file.
    pub version: String,
}

impl Default for Training {
    /// Nothing known, written by this version.
    fn default() -> Self {
        Self {
            penalty: Penalty::None,
            lambda: 0.0,
            solver: String::new(),
            seed: 0,
            split_seed: 0,
            data: String::new(),
            rows: 0,
            version: env!("CARGO_PKG_VERSION").to_owned(),
        }
    }
}

impl LinearModelFile {
    /// What the metadata calls this kind of file, and its version.
    pub const FORMAT: &'static str = "nearplane/linear/1";

    /// The bytes of the file; the same value gives the same bytes.
    ///
    /// # Errors
    /// What [`LinearModelFile::from_bytes`] would refuse: [`ModelFileError::ClassNames`],
    /// [`ModelFileError::Features`], [`ModelFileError::Field`] for features that the shape cannot have or a
    /// lambda that is none.
    pub fn to_bytes(&self) -> Result<Vec<u8>, ModelFileError> {
        self.check()?;
        let Self {
            model, training, ..
        } = self;
        let mut metadata = vec![
            ("format", Self::FORMAT.to_owned()),
            ("version", training.version.clone()),
        ];
        match &self.input {
            ModelInput::Images { shape, features } => {
                let ImageShape {
                    channels,
                    height,
                    width,
                } = shape;
                metadata.push(("input", format!("{IMAGES}{channels}x{height}x{width}")));
                metadata.push(("features", features.to_string()));
            }
            ModelInput::Matrix => metadata.push(("input", MATRIX.to_owned())),
        }
        metadata.push((
            "classes",
            serde_json::Value::from(self.classes.clone()).to_string(),
        ));
        metadata.push(("loss", model.loss().to_string()));
        metadata.push(("penalty", training.penalty.to_string()));
        if let Penalty::Elastic { beta } = training.penalty {
            metadata.push(("beta", format!("{beta:?}")));
        }
        metadata.extend([
            // As short as can be read back to the same number.
            ("lambda", format!("{:?}", training.lambda)),
            ("solver", training.solver.clone()),
            ("seed", training.seed.to_string()),
            ("split_seed", training.split_seed.to_string()),
            ("data", training.data.clone()),
            ("rows", training.rows.to_string()),
        ]);
        let (n_classes, n_features) = (model.n_classes(), model.n_features());
        Ok(tensors::to_bytes(
            &metadata,
            &[
                ("weight", vec![n_classes, n_features], model.weight()),
                ("bias", vec![n_classes], model.bias()),
            ],
        ))
    }

    /// The value that these are the bytes of, looked through: nothing of it has to be checked again.
    ///
    /// # Errors
    /// [`ModelFileError`], whatever is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let file = Opened::new(bytes, Self::FORMAT)?;
        let loss = file.text("loss")?.parse::<Loss>()?;
        let beta = match file.text("penalty")? {
            "elastic" => file.parsed("beta", POSITIVE, not_negative)?,
            _ => 0.0,
        };
        let whole = "a whole number, 0 or above";
        let training = Training {
            penalty: Penalty::by_name(file.text("penalty")?, beta)?,
            lambda: file.parsed("lambda", POSITIVE, not_negative)?,
            solver: file.text("solver")?.to_owned(),
            seed: file.parsed("seed", whole, |text| text.parse().ok())?,
            split_seed: file.parsed("split_seed", whole, |text| text.parse().ok())?,
            data: file.text("data")?.to_owned(),
            rows: file.parsed("rows", whole, |text| text.parse().ok())?,
            version: file.text("version")?.to_owned(),
        };
        let expected = "matrix, or images as channels x height x width, such as images 3x32x32";
        let input = match file.parsed("input", expected, input)? {
            None => ModelInput::Matrix,
            Some(shape) => ModelInput::Images {
                shape,
                features: file.parsed("features", "a specification of features", |text| {
                    text.parse().ok()
                })?,
            },
        };
        let classes = file.parsed("classes", "a JSON list of names", |text| {
            serde_json::from_str(text).ok()
        })?;
        let file = Self {
            model: model(&file, loss)?,
            input,
            classes,
            training,
        };
        file.check()?;
        Ok(file)
    }

    /// Whether the parts fit each other.
    fn check(&self) -> Result<(), ModelFileError> {
        let (n_classes, n_features) = (self.model.n_classes(), self.model.n_features());
        if self.classes.len() != n_classes {
            return Err(ModelFileError::ClassNames {
                found: self.classes.len(),
                expected: n_classes,
            });
        }
        for (field, number) in [
            ("lambda", Some(self.training.lambda)),
            (
                "beta",
                match self.training.penalty {
                    Penalty::Elastic { beta } => Some(beta),
                    _ => None,
                },
            ),
        ] {
            if let Some(value) = number.filter(|&x| !(x.is_finite() && x >= 0.0)) {
                return Err(ModelFileError::Field {
                    field,
                    value: value.to_string(),
                    expected: POSITIVE.to_owned(),
                });
            }
        }
        if let ModelInput::Images { shape, features } = &self.input {
            let expected = features
                .n_features(*shape)
                .map_err(|error| ModelFileError::Field {
                    field: "features",
                    value: features.to_string(),
                    expected: format!("some that images have ({error})"),
                })?;
            if expected != n_features {
                return Err(ModelFileError::Features {
                    features: features.to_string(),
                    found: n_features,
                    expected,
                });
            }
        }
        Ok(())
    }
}

const MATRIX: &str = "matrix";
const IMAGES: &str = "images ";
const POSITIVE: &str = "a finite number, 0 or above";

fn not_negative(text: &str) -> Option<f64> {
    let number: f64 = text.parse().ok()?;
    (number.is_finite() && number >= 0.0).then_some(number)
}

/// `None`: no input has this text; `Some(None)`: a matrix.
fn input(text: &str) -> Option<Option<ImageShape>> {
    if text == MATRIX {
        return Some(None);
    }
    let numbers = text.strip_prefix(IMAGES)?.split('x');
    let numbers = numbers.map(|part| part.parse::<u16>().map(usize::from));
    let numbers: Vec<usize> = numbers.collect::<Result<_, _>>().ok()?;
    let [channels, height, width] = numbers[..] else {
        return None;
    };
    Some(Some(ImageShape {
        channels,
        height,
        width,
    }))
}

fn model(file: &Opened<'_>, loss: Loss) -> Result<LinearModel, ModelFileError> {
    let tensor = |name| {
        file.tensor(name)?
            .ok_or(ModelFileError::MissingTensor(name))
    };
    let wrong = |name: &str, shape: &[usize], expected: &str| ModelFileError::Tensor {
        name: name.to_owned(),
        dtype: "F32".to_owned(),
        shape: shape.to_vec(),
        expected: expected.to_owned(),
    };
    let (shape, bias) = tensor("bias")?;
    if shape.len() != 1 {
        return Err(wrong("bias", &shape, "F32 [classes]"));
    }
    let (shape, weight) = tensor("weight")?;
    if shape.len() != 2 || shape[0] != bias.len() {
        let expected = format!("F32 [{}, features]", bias.len());
        return Err(wrong("weight", &shape, &expected));
    }
    Ok(LinearModel::new(weight, bias, loss)?)
}
