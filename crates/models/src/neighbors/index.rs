//! The index: which rows, which metric, and the search for the k nearest of each query.

use super::auto::Auto;
use super::pruned::{self, Pruned};
use super::{Effort, Element, NeighborsError, Rows, brute};
use crate::Monitor;
use nearplane_kernels::Level;
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// How far apart two rows are (LECTURE 2.2).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub enum Metric {
    /// Manhattan, `sum_p |a_p - b_p|`.
    L1,
    /// Euclidean, `sqrt(sum_p (a_p - b_p)^2)`. The search compares squares, which order alike. Squares
    /// of f32 differences below about 1e-19 lose digits or vanish, above about 1e19 they are infinite:
    /// scale features to a sane range.
    L2,
    /// Chi-squared, `sum_p (a_p - b_p)^2 / (a_p + b_p)` with 0 where both are 0: of histograms, f32 rows
    /// without a negative entry. (Some write half of it, which orders alike.)
    Chi2,
}

impl Metric {
    /// `l1`, `l2` or `chi2`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::L1 => "l1",
            Self::L2 => "l2",
            Self::Chi2 => "chi2",
        }
    }

    /// The distance of which the search gives `found`: its root for L2, itself for the others.
    ///
    /// ```
    /// use nearplane_models::neighbors::Metric;
    /// assert_eq!(Metric::L2.distance(25u32), 5.0);
    /// ```
    #[must_use]
    pub fn distance(self, found: impl Into<f64>) -> f64 {
        match self {
            Self::L1 | Self::Chi2 => found.into(),
            Self::L2 => found.into().sqrt(),
        }
    }
}

impl fmt::Display for Metric {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Metric {
    type Err = NeighborsError;

    fn from_str(name: &str) -> Result<Self, NeighborsError> {
        match name {
            "l1" => Ok(Self::L1),
            "l2" => Ok(Self::L2),
            "chi2" => Ok(Self::Chi2),
            _ => Err(NeighborsError::UnknownMetric(name.to_owned())),
        }
    }
}

/// The way an index searches. Engines differ in time, never in the answer.
///
/// Brute force costs the same whatever the rows are. The pruned engine first bounds all distances from
/// below by those of short codes of the rows, which it makes when it is fitted; rows whose bound is
/// above the distance of the k-th neighbour found so far are out. Images and features prune well. Random
/// bytes do not: then bounds are wasted. Nor are codes worth their making for a few queries. `Auto` knows both.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default)]
#[non_exhaustive]
pub enum Engine {
    /// `BruteForce` until an index has been asked for so many queries that codes could pay. Then a probe of the
    /// rows says, once and for all, whether they do: if so, it is `Pruned` from this search on. How many queries that
    /// takes depends on the level, and so the engine does; the answer does not.
    #[default]
    Auto,
    /// Every row is compared with every query, in blocks that fit the caches.
    BruteForce,
    /// Rows that exact lower bounds rule out are not looked at: by L1 or L2, up to 66,051 columns.
    Pruned,
}

impl Engine {
    /// `auto`, `brute` or `pruned`.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Auto => "auto",
            Self::BruteForce => "brute",
            Self::Pruned => "pruned",
        }
    }
}

impl fmt::Display for Engine {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

impl FromStr for Engine {
    type Err = NeighborsError;

    fn from_str(name: &str) -> Result<Self, NeighborsError> {
        match name {
            "auto" => Ok(Self::Auto),
            "brute" => Ok(Self::BruteForce),
            "pruned" => Ok(Self::Pruned),
            _ => Err(NeighborsError::UnknownEngine(name.to_owned())),
        }
    }
}

/// An engine with what it knows of the rows. Clones of an index share it.
#[derive(Debug, Clone)]
enum Searcher {
    Auto(Arc<Auto>),
    BruteForce,
    Pruned(Arc<Pruned>),
}

/// Rows that can be searched for the nearest to a query.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::neighbors::{Index, Metric, Rows};
/// let data = [0u8, 0, 10, 10, 9, 12];
/// let rows = Rows::from_mat(MatRef::from_rows(&data, 2))?;
/// let queries = Rows::from_mat(MatRef::from_rows(&[9, 10], 2))?;
/// let found = Index::new(rows, Metric::L2, Level::detect())?.kneighbors(&queries, 2)?;
/// assert_eq!((found.indices(0), found.distances(0)), ([1, 2].as_slice(), [1, 4].as_slice()));
/// # Ok::<(), nearplane_models::neighbors::NeighborsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Index<'a, T> {
    pub(super) rows: Rows<'a, T>,
    pub(super) metric: Metric,
    pub(super) level: Level,
    searcher: Searcher,
}

/// The neighbours of consecutive queries, handed out as soon as they are known.
#[derive(Debug, Clone, Copy)]
#[non_exhaustive]
pub struct NeighborBlock<'b, D> {
    /// The first query of the block.
    pub first_query: usize,
    /// Neighbours of each query.
    pub k: usize,
    /// Distances, `queries x k`, ascending along a row; squared for L2.
    pub distances: &'b [D],
    /// Indices of the rows at these distances, `queries x k`.
    pub indices: &'b [u32],
}

impl<D> NeighborBlock<'_, D> {
    /// Gives `sink` the lists of the queries from `first_query` on, (distance, index) each.
    pub(super) fn hand_out<T: Element<Distance = D>>(
        first_query: usize,
        k: usize,
        lists: Vec<Vec<(u32, u32)>>,
        sink: &mut dyn FnMut(NeighborBlock<'_, D>),
    ) {
        let n_queries = lists.len();
        let (distances, indices): (Vec<D>, Vec<u32>) = lists
            .into_iter()
            .flatten()
            .map(|(bits, index)| (T::distance_from_bits(bits), index))
            .unzip();
        assert_eq!(indices.len(), n_queries * k, "every query has k neighbours");
        sink(NeighborBlock {
            first_query,
            k,
            distances: &distances,
            indices: &indices,
        });
    }
}

impl<'b, D> NeighborBlock<'b, D> {
    /// (query, its distances, its neighbours' indices), query by query.
    #[must_use]
    pub fn queries(
        &self,
    ) -> impl ExactSizeIterator<Item = (usize, &'b [D], &'b [u32])> + use<'b, D> {
        let first = self.first_query;
        self.distances
            .chunks_exact(self.k)
            .zip(self.indices.chunks_exact(self.k))
            .enumerate()
            .map(move |(i, (distances, indices))| (first + i, distances, indices))
    }
}

/// The k nearest rows of every query.
#[derive(Debug, Clone, PartialEq)]
pub struct Neighbors<D> {
    k: usize,
    distances: Vec<D>,
    indices: Vec<u32>,
}

impl<D> Neighbors<D> {
    /// Neighbours of each query.
    #[must_use]
    pub fn k(&self) -> usize {
        self.k
    }

    /// Number of queries.
    #[must_use]
    pub fn n_queries(&self) -> usize {
        self.indices.len() / self.k
    }

    /// The k distances of a query, ascending; squared for L2.
    #[must_use]
    pub fn distances(&self, query: usize) -> &[D] {
        &self.distances[query * self.k..][..self.k]
    }

    /// The indices of a query's k nearest rows; equal distances in ascending index order.
    #[must_use]
    pub fn indices(&self, query: usize) -> &[u32] {
        &self.indices[query * self.k..][..self.k]
    }
}

impl<'a, T: Element> Index<'a, T> {
    /// An index over `rows`, searched by brute force. Training memorises: nothing is copied; f32 rows are looked through once,
    /// since every value has to be one that the metric knows.
    ///
    /// # Errors
    /// [`NeighborsError::NoRows`]; [`NeighborsError::NonFinite`] for f32 rows with NaN or infinity; for
    /// [`Metric::Chi2`], [`NeighborsError::Chi2OfBytes`] and [`NeighborsError::Negative`].
    pub fn new(rows: Rows<'a, T>, metric: Metric, level: Level) -> Result<Self, NeighborsError> {
        if rows.is_empty() {
            return Err(NeighborsError::NoRows);
        }
        if metric == Metric::Chi2 && !T::HAS_CHI2 {
            return Err(NeighborsError::Chi2OfBytes);
        }
        rows.check_values("training", metric)?;
        Ok(Self {
            rows,
            metric,
            level,
            searcher: Searcher::BruteForce,
        })
    }

    /// An index over `rows` that `engine` searches. For [`Engine::Pruned`] every row is read once and gets
    /// codes of a few hundred bytes, on the current rayon thread pool; [`Engine::Auto`] leaves that to the search
    /// that it pays for.
    ///
    /// ```
    /// use nearplane_kernels::{Level, MatRef};
    /// use nearplane_models::neighbors::{Engine, Index, Metric, Rows};
    /// let images: Vec<u8> = (0..40 * 48).map(|i| (i * i / 97 % 256) as u8).collect();
    /// let rows = Rows::from_mat(MatRef::from_rows(&images, 48))?;
    /// let level = Level::detect();
    /// let pruned = Index::with_engine(rows.clone(), Metric::L2, level, Engine::Pruned)?;
    /// let brute = Index::new(rows.clone(), Metric::L2, level)?;
    /// assert_eq!(pruned.kneighbors(&rows, 3)?, brute.kneighbors(&rows, 3)?);
    /// # Ok::<(), nearplane_models::neighbors::NeighborsError>(())
    /// ```
    ///
    /// # Errors
    /// As [`Index::new`]; [`NeighborsError::NoBounds`] if [`Engine::Pruned`] is asked for rows without columns or
    /// with more than 66,051, for numbers near the largest of f32, or for another metric than L1 and L2.
    pub fn with_engine(
        rows: Rows<'a, T>,
        metric: Metric,
        level: Level,
        engine: Engine,
    ) -> Result<Self, NeighborsError> {
        let mut index = Self::new(rows, metric, level)?;
        let rows = &index.rows;
        index.searcher = match engine {
            Engine::BruteForce => Searcher::BruteForce,
            Engine::Auto => Searcher::Auto(Arc::default()),
            Engine::Pruned => {
                let fitted = Pruned::fit(rows, metric, level);
                Searcher::Pruned(Arc::new(fitted.ok_or_else(|| {
                    NeighborsError::NoBounds {
                        found: format!("{} columns of {} by {metric}", rows.cols(), T::NAME),
                    }
                })?))
            }
        };
        Ok(index)
    }

    /// The rows searched.
    #[must_use]
    pub fn rows(&self) -> &Rows<'a, T> {
        &self.rows
    }

    /// The metric searched with.
    #[must_use]
    pub fn metric(&self) -> Metric {
        self.metric
    }

    /// The engine that searches: [`Engine::BruteForce`] or [`Engine::Pruned`]. Of [`Engine::Auto`] it is the one that
    /// it has come to by now, that of the last search unless there were several at once.
    #[must_use]
    pub fn engine(&self) -> Engine {
        match &self.searcher {
            Searcher::Pruned(_) => Engine::Pruned,
            Searcher::Auto(auto) if auto.has_codes() => Engine::Pruned,
            Searcher::Auto(_) | Searcher::BruteForce => Engine::BruteForce,
        }
    }

    /// Finds the `k` nearest rows of every query and hands them to `sink` in blocks of consecutive
    /// queries, the first block first. Memory is bounded by the blocks, whatever the number of queries:
    /// about 128 MiB, or a few lists of the largest `k` where those are longer; `monitor` counts (query, row) pairs, and may stop the search.
    /// Returns how much was looked at. With [`Engine::Auto`] the search that is expected to pay for codes makes them
    /// first, some hundred bytes to a kilobyte a row, and the index keeps them.
    ///
    /// Runs on the current rayon thread pool.
    ///
    /// # Errors
    /// If `k` is 0 or above the number of rows, if queries differ from the rows in columns or hold a
    /// value that the metric does not know (as [`Index::new`]), or [`NeighborsError::Cancelled`]. Blocks handed out before stay valid.
    pub fn search(
        &self,
        queries: &Rows<'_, T>,
        k: usize,
        monitor: &dyn Monitor,
        mut sink: impl FnMut(NeighborBlock<'_, T::Distance>),
    ) -> Result<Effort, NeighborsError> {
        let n_rows = self.rows.len();
        if k == 0 || k > n_rows {
            return Err(NeighborsError::K { k, n_rows });
        }
        if queries.is_empty() {
            return Ok(Effort::default());
        }
        if queries.cols() != self.rows.cols() {
            return Err(NeighborsError::Columns {
                what: "the queries",
                found: queries.cols(),
                expected: self.rows.cols(),
            });
        }
        queries.check_values("query", self.metric)?;
        if monitor.cancelled() {
            return Err(NeighborsError::Cancelled);
        }
        let pruned = match &self.searcher {
            Searcher::BruteForce => None,
            Searcher::Pruned(pruned) => Some(&**pruned),
            Searcher::Auto(auto) => auto.codes(&self.rows, self.metric, self.level, queries.len()),
        };
        match pruned {
            Some(pruned) => {
                let (rows, by) = (&self.rows, (self.metric, self.level));
                pruned::search(
                    pruned,
                    rows,
                    by,
                    queries,
                    k,
                    monitor,
                    &mut |first, lists| {
                        NeighborBlock::hand_out::<T>(first, k, lists, &mut sink);
                    },
                )
            }
            None => brute::search(self, queries, k, monitor, &mut sink),
        }
    }

    /// The `k` nearest rows of every query, all in memory: `8 k` bytes a query.
    ///
    /// # Errors
    /// As [`Index::search`].
    pub fn kneighbors(
        &self,
        queries: &Rows<'_, T>,
        k: usize,
    ) -> Result<Neighbors<T::Distance>, NeighborsError> {
        let mut found = Neighbors {
            k,
            distances: Vec::new(),
            indices: Vec::new(),
        };
        self.search(queries, k, &(), |block| {
            found.distances.extend_from_slice(block.distances);
            found.indices.extend_from_slice(block.indices);
        })?;
        Ok(found)
    }
}
