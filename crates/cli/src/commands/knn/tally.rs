//! What happens to the neighbours block by block: they vote for every k, are hashed, and go to
//! `--neighbors-out`. Only the predicted labels are kept, four bytes for each query and k.

use std::io::Write as _;

use anyhow::{Context as _, Result, bail};
use nearplane_models::neighbors::{
    Effort, Element, KNeighborsClassifier, NeighborBlock, NeighborsError,
};

use super::task::Task;
use crate::answer::{Fnv1a, Recorded};
use crate::failure::Interrupted;
use crate::npy;
use crate::pending::PendingFile;
use crate::progress::Progress;

/// The outcome of one pass.
pub(super) struct Tally {
    /// Labels by k, in the order of the list, then by query.
    pub(super) predicted: Vec<Vec<u32>>,
    /// Of the pairs of the largest k.
    pub(super) neighbors: Fnv1a,
    /// What the search had to look at.
    pub(super) effort: Effort,
}

impl Tally {
    /// Searches the `k_max` nearest rows of every query and lets them vote for every k of `ks`.
    pub(super) fn run<T: Element<Distance: Recorded>>(
        task: &Task<'_, T>,
        classifier: &KNeighborsClassifier<'_, T>,
        ks: &[usize],
        k_max: usize,
        neighbors_out: Option<&mut PendingFile>,
        progress: &Progress,
    ) -> Result<Tally> {
        let n_eval = task.truth.len();
        let mut tally = Tally {
            predicted: vec![Vec::with_capacity(n_eval); ks.len()],
            neighbors: Fnv1a::new(),
            effort: Effort::default(),
        };
        let mut out = neighbors_out;
        let mut written = match &mut out {
            Some(file) => {
                file.write_all(&npy::header(T::Distance::PAIR_DTYPE, &[n_eval, k_max, 2]))
            }
            None => Ok(()),
        };
        let mut voter = classifier.voter(ks);
        let mut bytes = Vec::new();
        let mut beyond = None;
        let found = classifier.index().search(
            &task.queries,
            k_max,
            progress,
            |block: NeighborBlock<'_, T::Distance>| {
                for (query, distances, indices) in block.queries() {
                    if !distances.iter().all(|distance| distance.is_number()) {
                        beyond.get_or_insert(query);
                    }
                    for (of_k, label) in tally
                        .predicted
                        .iter_mut()
                        .zip(voter.labels(distances, indices))
                    {
                        of_k.push(label);
                    }
                }
                bytes.clear();
                for (&distance, &row) in block.distances.iter().zip(block.indices) {
                    let position = match &task.train_positions {
                        Some(positions) => positions[row as usize],
                        None => row,
                    };
                    tally.neighbors.update(&distance.bits().to_le_bytes());
                    tally.neighbors.update(&position.to_le_bytes());
                    if out.is_some() {
                        distance.write_pair(position, &mut bytes);
                    }
                }
                // After a failed write the rest would be pointless; the failure is told below.
                if let (Some(file), Ok(())) = (&mut out, &written) {
                    written = file.write_all(&bytes);
                }
            },
        );
        tally.effort = match found {
            Err(NeighborsError::Cancelled) => return Err(Interrupted.into()),
            found => found?,
        };
        // All such distances are alike, so that their order says nothing.
        if let Some(query) = beyond {
            bail!(
                "the distances of evaluation row {query} are beyond the range of float32 (3.4e38), so that its \
                 neighbours cannot be told; scale the columns, or give a smaller --k"
            );
        }
        if let Some(file) = out {
            written.with_context(|| file.cannot_write())?;
        }
        Ok(tally)
    }
}
