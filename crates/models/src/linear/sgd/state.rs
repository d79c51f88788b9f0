//! All that the next epoch depends on, as plain numbers, to be saved between epochs.

use crate::linear::LinearError;

/// How far a run has come.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct SgdProgress {
    /// Epochs that are finished.
    pub epochs: u32,
    /// Steps that the average is over, 0 before averaging begins.
    pub averaged_steps: u64,
    /// The epoch with the best validation accuracy, counted from 1; 0 before there is one.
    pub best_epoch: u32,
    /// Validation rows that it predicted right.
    pub best_correct: u64,
}

/// A tensor of a state, by its place in [`NAMES`].
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(super) enum Slot {
    Weight,
    Bias,
    FirstWeight,
    FirstBias,
    SecondWeight,
    SecondBias,
    AverageWeight,
    AverageBias,
    BestWeight,
    BestBias,
    Mean,
    Variance,
    BestMean,
    BestVariance,
}

const NAMES: [&str; 14] = [
    "weight",
    "bias",
    "first_moment.weight",
    "first_moment.bias",
    "second_moment.weight",
    "second_moment.bias",
    "average.weight",
    "average.bias",
    "best.weight",
    "best.bias",
    "running_mean",
    "running_variance",
    "best.running_mean",
    "best.running_variance",
];

impl Slot {
    /// `[n_classes, n_features]`, `[n_classes]` or `[n_features]`.
    fn shape(place: usize, n_classes: usize, n_features: usize) -> Vec<usize> {
        match NAMES[place] {
            name if name.ends_with("weight") => vec![n_classes, n_features],
            name if name.ends_with("bias") => vec![n_classes],
            _ => vec![n_features],
        }
    }
}

/// A run between two epochs: [`SgdTrainer::state`](super::SgdTrainer::state) gives it,
/// [`SgdTrainer::resume`](super::SgdTrainer::resume) takes it, and between the two it may be in a file:
/// [`tensors`](SgdState::tensors), [`progress`](SgdState::progress) and [`run`](SgdState::run) out,
/// [`from_tensors`](SgdState::from_tensors) in again.
#[derive(Debug, Clone, PartialEq)]
pub struct SgdState {
    run: String,
    n_classes: usize,
    n_features: usize,
    progress: SgdProgress,
    /// As many as names; empty where the run has no such tensor.
    tensors: Vec<Vec<f32>>,
}

impl SgdState {
    pub(super) fn new(run: String, n_classes: usize, n_features: usize) -> Self {
        Self {
            run,
            n_classes,
            n_features,
            progress: SgdProgress::default(),
            tensors: vec![Vec::new(); NAMES.len()],
        }
    }

    /// A state from what a file holds: names and numbers as [`SgdState::tensors`] gives them, in any order.
    ///
    /// # Errors
    /// [`LinearError::UnknownTensor`] for another name, [`LinearError::Tensor`] for another length or no
    /// weight or bias, [`LinearError::NonFiniteTensor`] for NaN or infinity.
    pub fn from_tensors(
        run: String,
        n_classes: usize,
        n_features: usize,
        progress: SgdProgress,
        tensors: impl IntoIterator<Item = (String, Vec<f32>)>,
    ) -> Result<Self, LinearError> {
        let mut state = Self::new(run, n_classes, n_features);
        state.progress = progress;
        for (name, numbers) in tensors {
            let place = NAMES.iter().position(|known| *known == name);
            let Some(place) = place else {
                return Err(LinearError::UnknownTensor(name));
            };
            state.tensors[place] = numbers;
        }
        for (place, numbers) in state.tensors.iter().enumerate() {
            let what = NAMES[place];
            let shape = Slot::shape(place, n_classes, n_features);
            let expected = shape.iter().product();
            let needed = place <= Slot::Bias as usize;
            if numbers.len() != expected && (needed || !numbers.is_empty()) {
                return Err(LinearError::Tensor {
                    what,
                    found: numbers.len(),
                    expected,
                });
            }
            if let Some(position) = numbers.iter().position(|x| !x.is_finite()) {
                return Err(LinearError::NonFiniteTensor { what, position });
            }
        }
        Ok(state)
    }

    /// Name, shape and numbers (row-major) of each tensor that the run has.
    #[must_use]
    pub fn tensors(&self) -> Vec<(&'static str, Vec<usize>, &[f32])> {
        let all = self.tensors.iter().enumerate();
        let present = all.filter(|(_, numbers)| !numbers.is_empty());
        present
            .map(|(place, numbers)| {
                let shape = Slot::shape(place, self.n_classes, self.n_features);
                (NAMES[place], shape, numbers.as_slice())
            })
            .collect()
    }

    /// How far the run has come.
    #[must_use]
    pub fn progress(&self) -> SgdProgress {
        self.progress
    }

    /// What the run was started with, in one line: it has to be the same to go on.
    #[must_use]
    pub fn run(&self) -> &str {
        &self.run
    }

    /// Number of classes.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }

    /// Number of features.
    #[must_use]
    pub fn n_features(&self) -> usize {
        self.n_features
    }

    pub(super) fn progress_mut(&mut self) -> &mut SgdProgress {
        &mut self.progress
    }

    pub(super) fn set_run(&mut self, run: String) {
        self.run = run;
    }

    pub(super) fn get(&self, slot: Slot) -> &[f32] {
        &self.tensors[slot as usize]
    }

    pub(super) fn set(&mut self, slot: Slot, numbers: Vec<f32>) {
        self.tensors[slot as usize] = numbers;
    }

    /// Whether a tensor is there exactly where the run has one.
    pub(super) fn check(&self, slot: Slot, has: bool) -> Result<(), LinearError> {
        let place = slot as usize;
        let shape = Slot::shape(place, self.n_classes, self.n_features);
        let expected = if has { shape.iter().product() } else { 0 };
        let found = self.tensors[place].len();
        if found == expected {
            return Ok(());
        }
        Err(LinearError::Tensor {
            what: NAMES[place],
            found,
            expected,
        })
    }
}
