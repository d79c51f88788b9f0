//! What a search had to look at: counts of an engine, which do not depend on threads or SIMD registers.

/// How much a search looked at.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::neighbors::{Index, Metric, Rows};
/// let data = [1u8, 2, 3, 4];
/// let rows = Rows::from_mat(MatRef::from_rows(&data, 2))?;
/// let effort = Index::new(rows.clone(), Metric::L1, Level::detect())?.search(&rows, 1, &(), |_| {})?;
/// assert_eq!((effort.pairs, effort.exact), (4, 4));
/// # Ok::<(), nearplane_models::neighbors::NeighborsError>(())
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub struct Effort {
    /// Pairs of a query and a row. The pruned engine bounds the distance of all of them by short codes.
    pub pairs: u64,
    /// Pairs that were left for the second, longer code; 0 for brute force.
    pub bounded: u64,
    /// Pairs whose exact distance was computed, the few that give the first thresholds included.
    pub exact: u64,
    /// Bytes of rows and of their codes that were compared with a query.
    pub bytes: u64,
}

impl Effort {
    pub(super) fn add(&mut self, part: Self) {
        self.pairs += part.pairs;
        self.bounded += part.bounded;
        self.exact += part.exact;
        self.bytes += part.bytes;
    }
}
