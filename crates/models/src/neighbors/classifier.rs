//! The k-nearest-neighbour classifier: `fit` memorises, `predict` lets the neighbours vote.

use super::{Ballot, Element, Engine, Index, Metric, Neighbors, NeighborsError, Rows, Votes};
use crate::Monitor;
use nearplane_kernels::Level;

/// Parameters of a [`KNeighborsClassifier`].
///
/// The label of a query x is the vote of its k nearest training rows,
/// `argmax_c sum_{i in N_k(x), y_i = c} w_i`, with N_k ordered by (distance, training index).
///
/// | name | default | purpose | range |
/// |---|---|---|---|
/// | `n_neighbors` | 5 | k, how many vote | 1 to the number of training rows |
/// | `metric` | L2 | what is near | [`Metric`] |
/// | `votes` | majority, ties to the nearest | weights and tie rule | [`Votes`] |
/// | `engine` | `Auto` | how neighbours are searched; the answers are the same | [`Engine`] |
/// | `level` | the best of this CPU | SIMD level of the kernels | [`Level::available`] |
///
/// ```
/// use nearplane_kernels::MatRef;
/// use nearplane_models::neighbors::{KNeighborsParams, Metric, Rows};
/// let images = [0u8, 1, 200, 201];
/// let train = Rows::from_mat(MatRef::from_rows(&images, 1))?;
/// let model = KNeighborsParams::new(1, Metric::L2).check()?.fit(train, &[0, 0, 1, 1])?;
/// assert_eq!(model.predict(&Rows::from_mat(MatRef::from_rows(&[190], 1))?)?, [1]);
/// # Ok::<(), nearplane_models::neighbors::NeighborsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct KNeighborsParams {
    /// k, how many neighbours vote.
    pub n_neighbors: usize,
    /// What is near.
    pub metric: Metric,
    /// Weights and tie rule of the vote.
    pub votes: Votes,
    /// SIMD level of the kernels.
    pub level: Level,
    /// How neighbours are searched; the answers are the same.
    pub engine: Engine,
}

impl Default for KNeighborsParams {
    fn default() -> Self {
        Self::new(5, Metric::L2)
    }
}

impl KNeighborsParams {
    /// k and metric; the majority votes, ties go to the nearest, the best level of this CPU computes.
    #[must_use]
    pub fn new(n_neighbors: usize, metric: Metric) -> Self {
        Self {
            n_neighbors,
            metric,
            votes: Votes::default(),
            level: Level::detect(),
            engine: Engine::default(),
        }
    }

    /// The configuration, if it can be one for some data.
    ///
    /// # Errors
    /// [`NeighborsError::ZeroK`].
    pub fn check(self) -> Result<KNeighborsConfig, NeighborsError> {
        if self.n_neighbors == 0 {
            return Err(NeighborsError::ZeroK);
        }
        Ok(KNeighborsConfig(self))
    }
}

/// Checked [`KNeighborsParams`].
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KNeighborsConfig(KNeighborsParams);

impl KNeighborsConfig {
    /// Memorises `rows: n x d` and their `labels: n`: rows are borrowed and labels copied; f32 rows are
    /// looked through once, since every value has to be finite. [`Engine::Pruned`] makes codes of the rows;
    /// [`Engine::Auto`] leaves that to the first search that is expected to pay for them.
    ///
    /// # Errors
    /// If there are no rows, other than one label a row, fewer rows than neighbours asked for, or
    /// non-finite values.
    pub fn fit<'a, T: Element>(
        &self,
        rows: Rows<'a, T>,
        labels: &[u32],
    ) -> Result<KNeighborsClassifier<'a, T>, NeighborsError> {
        let n_rows = rows.len();
        if labels.len() != n_rows {
            return Err(NeighborsError::Labels {
                labels: labels.len(),
                rows: n_rows,
            });
        }
        let index = Index::with_engine(rows, self.0.metric, self.0.level, self.0.engine)?;
        if self.0.n_neighbors > n_rows {
            return Err(NeighborsError::K {
                k: self.0.n_neighbors,
                n_rows,
            });
        }
        Ok(KNeighborsClassifier {
            index,
            labels: labels.to_vec(),
            n_classes: labels
                .iter()
                .max()
                .map_or(0, |&most| (most as usize).saturating_add(1)),
            params: self.0,
        })
    }
}

/// A fitted classifier: the index, the labels, and how they vote.
#[derive(Debug, Clone)]
pub struct KNeighborsClassifier<'a, T> {
    index: Index<'a, T>,
    labels: Vec<u32>,
    n_classes: usize,
    params: KNeighborsParams,
}

impl<'a, T: Element> KNeighborsClassifier<'a, T> {
    /// The label of each query.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn predict(&self, queries: &Rows<'_, T>) -> Result<Vec<u32>, NeighborsError> {
        let mut predictions = self.predict_each_k(queries, &[self.params.n_neighbors], &())?;
        Ok(predictions.pop().unwrap_or_default())
    }

    /// The labels of each query for every k of `ks`, from one search for the largest:
    /// `result[i][q]` is the label of query q among its `ks[i]` nearest.
    ///
    /// # Errors
    /// As [`Index::search`], for any of `ks`.
    pub fn predict_each_k(
        &self,
        queries: &Rows<'_, T>,
        ks: &[usize],
        monitor: &dyn Monitor,
    ) -> Result<Vec<Vec<u32>>, NeighborsError> {
        let n_rows = self.index.rows().len();
        if let Some(&k) = ks.iter().find(|&&k| k == 0 || k > n_rows) {
            return Err(NeighborsError::K { k, n_rows });
        }
        let mut predictions = vec![Vec::with_capacity(queries.len()); ks.len()];
        let Some(&largest) = ks.iter().max() else {
            return Ok(predictions);
        };
        let mut voter = self.voter(ks);
        self.index.search(queries, largest, monitor, |block| {
            for (_, distances, indices) in block.queries() {
                for (of_k, label) in predictions.iter_mut().zip(voter.labels(distances, indices)) {
                    of_k.push(label);
                }
            }
        })?;
        Ok(predictions)
    }

    /// Class probabilities, `n x classes` row-major: the share of the votes that each class has. Classes
    /// are 0 to the largest training label, so labels should be dense here.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn predict_proba(&self, queries: &Rows<'_, T>) -> Result<Vec<f64>, NeighborsError> {
        let mut probabilities = Vec::new();
        let mut ballot = Ballot::new(self.params.votes);
        self.index
            .search(queries, self.params.n_neighbors, &(), |block| {
                for (_, distances, indices) in block.queries() {
                    ballot.clear();
                    for (&distance, &index) in distances.iter().zip(indices) {
                        let distance = self.params.metric.distance(distance);
                        ballot.add(distance, self.labels[index as usize]);
                    }
                    let row = probabilities.len();
                    probabilities.resize(row + self.n_classes, 0.0);
                    for (label, share) in ballot.shares() {
                        probabilities[row + label as usize] = share;
                    }
                }
            })?;
        Ok(probabilities)
    }

    /// The k nearest training rows of each query.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn kneighbors(
        &self,
        queries: &Rows<'_, T>,
    ) -> Result<Neighbors<T::Distance>, NeighborsError> {
        self.index.kneighbors(queries, self.params.n_neighbors)
    }

    /// What turns the neighbours of one query into a label for every k of `ks`: for callers that walk
    /// over [`Index::search`] themselves.
    ///
    /// # Panics
    /// If a k is 0: nobody votes then.
    #[must_use]
    pub fn voter(&self, ks: &[usize]) -> Voter<'_> {
        assert!(!ks.contains(&0), "a vote of 0 neighbours has no winner");
        let mut order: Vec<usize> = (0..ks.len()).collect();
        order.sort_by_key(|&i| ks[i]);
        Voter {
            labels: &self.labels,
            metric: self.params.metric,
            ballot: Ballot::new(self.params.votes),
            ks: ks.to_vec(),
            order,
            winners: vec![0; ks.len()],
        }
    }

    /// The index searched.
    #[must_use]
    pub fn index(&self) -> &Index<'a, T> {
        &self.index
    }

    /// The training labels.
    #[must_use]
    pub fn labels(&self) -> &[u32] {
        &self.labels
    }

    /// One more than the largest training label.
    #[must_use]
    pub fn n_classes(&self) -> usize {
        self.n_classes
    }
}

/// Votes of one query after the other, for several k at once.
#[derive(Debug)]
pub struct Voter<'m> {
    labels: &'m [u32],
    metric: Metric,
    ballot: Ballot,
    ks: Vec<usize>,
    /// Positions of `ks`, the smallest k first.
    order: Vec<usize>,
    winners: Vec<u32>,
}

impl Voter<'_> {
    /// The winner for each k, in the order of `ks`, from the neighbours of one query, nearest first.
    ///
    /// # Panics
    /// If a neighbour is not a training row. A k above the number of neighbours given is answered
    /// from those given.
    pub fn labels<D: Copy + Into<f64>>(
        &mut self,
        distances: &[D],
        indices: &[u32],
    ) -> impl ExactSizeIterator<Item = u32> + '_ {
        self.ballot.clear();
        let mut added = 0;
        for &position in &self.order {
            let k = self.ks[position].min(indices.len());
            for (&distance, &index) in distances[added..k].iter().zip(&indices[added..k]) {
                let label = self.labels[index as usize];
                self.ballot.add(self.metric.distance(distance), label);
            }
            added = k;
            self.winners[position] = self.ballot.winner().unwrap_or_default();
        }
        self.winners.iter().copied()
    }
}
