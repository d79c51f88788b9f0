//! The searches of all measurements as one job: one bar, one way to stop, one hash of the answers.

use anyhow::Result;
use nearplane_models::Monitor;
use nearplane_models::metrics::{Accuracy, accuracy};
use nearplane_models::neighbors::{KNeighborsClassifier, NeighborsError, Rows};

use super::K;
use crate::answer::Fnv1a;
use crate::failure::Interrupted;
use crate::progress::{Progress, interrupted};

/// A number of searches, of which some are behind us.
pub(super) struct Work {
    progress: Progress,
    /// Distances, which is what takes the time.
    done: u64,
    total: u64,
    answer: Fnv1a,
}

impl Work {
    /// `total`: distances of all searches.
    pub(super) fn new(total: u64, progress: Progress) -> Work {
        Work {
            progress,
            done: 0,
            total,
            answer: Fnv1a::new(),
        }
    }

    /// Counts the queries whose nearest neighbour has their label.
    pub(super) fn evaluate(
        &mut self,
        classifier: &KNeighborsClassifier<'_, u8>,
        queries: &Rows<'_, u8>,
        truth: &[u32],
    ) -> Result<Accuracy> {
        let part = Part {
            work: self,
            distances: distances(classifier.index().rows().len(), queries.len()),
        };
        let labels = match classifier.predict_each_k(queries, &[K], &part) {
            Err(NeighborsError::Cancelled) => return Err(Interrupted.into()),
            found => found?.swap_remove(0),
        };
        self.done += part.distances;
        // Labels that came from a byte of a record.
        let bytes: Vec<u8> = labels.iter().map(|&label| label as u8).collect();
        self.answer.update(&bytes);
        Ok(accuracy(&labels, truth))
    }

    /// The hash of all labels, in the order in which they were predicted.
    pub(super) fn finish(self) -> String {
        self.answer.hex()
    }
}

/// The size of a search.
pub(super) fn distances(n_train: usize, n_eval: usize) -> u64 {
    (n_train as u64).saturating_mul(n_eval as u64)
}

/// One search of the job.
struct Part<'w> {
    work: &'w Work,
    distances: u64,
}

impl Monitor for Part<'_> {
    fn progress(&self, done: u64, total: u64) {
        let share = done as f64 / total.max(1) as f64;
        let here = (self.distances as f64 * share) as u64;
        self.work
            .progress
            .update(self.work.done + here, Some(self.work.total));
    }

    fn cancelled(&self) -> bool {
        interrupted()
    }
}
