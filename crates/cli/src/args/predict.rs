//! `nearplane predict`, as typed.

use std::path::PathBuf;

use clap::Args;

pub(super) const EXAMPLES: &str = "\
Images are JPEG or PNG files of any size. They are brought to the size of the images that the
model was fitted on, 32x32, exactly as 'nearplane data import' does it: the Catmull-Rom filter, the
aspect ratio not kept, the orientation in the EXIF data applied, transparent pixels on white. Where
one of them cannot be read, nothing is predicted.

A score is what the model gives a class: the class with the largest one is predicted, of equal ones
that with the lowest label. Probabilities there are for models with the loss softmax.

Examples:
  nearplane predict model.safetensors cat.jpg dog.png
  nearplane predict model.safetensors photos/*.jpg --json
  nearplane predict model.safetensors photos/*.jpg --results labels.csv
  nearplane predict pixels.safetensors cat.jpg --explain why.png";

/// `predict`.
#[derive(Debug, Args)]
pub(crate) struct PredictArgs {
    /// Model file that 'nearplane train' wrote
    #[arg(value_name = "MODEL")]
    pub(crate) model: PathBuf,
    /// Image files
    #[arg(value_name = "IMAGE", required = true, num_args = 1..)]
    pub(crate) images: Vec<PathBuf>,
    /// Draw each image beside what each of its pixels adds to the score of the predicted class (of models of raw pixels)
    #[arg(long, value_name = "FILE.png")]
    pub(crate) explain: Option<PathBuf>,
}
