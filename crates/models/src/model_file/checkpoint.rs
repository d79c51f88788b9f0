//! A run of stochastic gradient descent between two epochs, as bytes that the next process goes on from.

use super::ModelFileError;
use super::tensors::{self, Opened};
use crate::linear::{SgdProgress, SgdState};

/// An [`SgdState`] and a text of the caller's, who may have more to remember than the library: the bytes
/// of a `.safetensors` file, sealed by a checksum as those of a
/// [`LinearModelFile`](super::LinearModelFile).
///
/// ```
/// use nearplane_kernels::MatRef;
/// use nearplane_models::linear::{LinearData, LinearParams, SgdParams, SgdTrainer};
/// use nearplane_models::model_file::SgdCheckpoint;
/// use nearplane_models::neighbors::Rows;
/// let rows = Rows::from_mat(MatRef::from_rows(&[0.0f32, 1.0, 2.0, 3.0], 1))?;
/// let data = LinearData::new(rows, &[0, 0, 1, 1], 2)?;
/// let (objective, sgd) = (LinearParams::default().check()?, SgdParams::default().check()?);
/// let mut trainer = SgdTrainer::new(&objective, &sgd, &data);
/// trainer.run_epoch(&())?;
/// let checkpoint = SgdCheckpoint { state: trainer.state().clone(), notes: "mine".into() };
/// let bytes = checkpoint.to_bytes(); // for a file, and later from it
/// let state = SgdCheckpoint::from_bytes(&bytes)?.state;
/// let resumed = SgdTrainer::new(&objective, &sgd, &data).resume(state)?;
/// assert_eq!(resumed.state(), trainer.state());
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "whatever else there is to remember is in the caller's text"
)]
pub struct SgdCheckpoint {
    /// The run after its last finished epoch.
    pub state: SgdState,
    /// Whatever the caller wants to remember.
    pub notes: String,
}

impl SgdCheckpoint {
    /// What the metadata calls this kind of file, and its version.
    pub const FORMAT: &'static str = "nearplane/sgd-checkpoint/1";

    /// The bytes of the file; the same value gives the same bytes.
    #[must_use]
    pub fn to_bytes(&self) -> Vec<u8> {
        let state = &self.state;
        let SgdProgress {
            epochs,
            averaged_steps,
            best_epoch,
            best_correct,
        } = state.progress();
        let metadata = [
            ("format", Self::FORMAT.to_owned()),
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("run", state.run().to_owned()),
            ("n_classes", state.n_classes().to_string()),
            ("n_features", state.n_features().to_string()),
            ("epochs", epochs.to_string()),
            ("averaged_steps", averaged_steps.to_string()),
            ("best_epoch", best_epoch.to_string()),
            ("best_correct", best_correct.to_string()),
            ("notes", self.notes.clone()),
        ];
        tensors::to_bytes(&metadata, &state.tensors())
    }

    /// The value that these are the bytes of.
    ///
    /// # Errors
    /// [`ModelFileError`], whatever is wrong with them.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, ModelFileError> {
        let file = Opened::new(bytes, Self::FORMAT)?;
        let whole = "a whole number, 0 or above";
        let number = |field| file.parsed(field, whole, |text| text.parse::<u64>().ok());
        let small = |field| file.parsed(field, whole, |text| text.parse::<u32>().ok());
        let progress = SgdProgress {
            epochs: small("epochs")?,
            averaged_steps: number("averaged_steps")?,
            best_epoch: small("best_epoch")?,
            best_correct: number("best_correct")?,
        };
        let mut tensors = Vec::new();
        for name in file.names() {
            if let Some((_, numbers)) = file.tensor(&name)? {
                tensors.push((name, numbers));
            }
        }
        let state = SgdState::from_tensors(
            file.text("run")?.to_owned(),
            small("n_classes")? as usize,
            small("n_features")? as usize,
            progress,
            tensors,
        )?;
        Ok(Self {
            state,
            notes: file.text("notes")?.to_owned(),
        })
    }
}
