//! Rows as they lie in memory: shards of one matrix, or some of their rows, without a copy.

use super::{Element, Metric, NeighborsError};
use nearplane_kernels::MatRef;
use std::ops::Range;

/// Borrowed rows, `n x d`, in one or several shards (the batch files of a data set, say), all of
/// them or an ascending selection.
///
/// ```
/// use nearplane_kernels::MatRef;
/// use nearplane_models::neighbors::Rows;
/// let (first, second) = ([1u8, 2, 3, 4], [5u8, 6]);
/// let rows = Rows::from_shards(vec![MatRef::from_rows(&first, 2), MatRef::from_rows(&second, 2)])?;
/// assert_eq!(rows.row(2), [5, 6]);
/// let some = rows.select(vec![0, 2])?;
/// assert_eq!((some.len(), some.row(1)), (2, [5, 6].as_slice()));
/// # Ok::<(), nearplane_models::neighbors::NeighborsError>(())
/// ```
#[derive(Debug, Clone)]
pub struct Rows<'a, T> {
    shards: Vec<MatRef<'a, T>>,
    /// Row number after the last row of each shard.
    ends: Vec<usize>,
    selection: Option<Vec<u32>>,
    len: usize,
    cols: usize,
}

impl<'a, T: Element> Rows<'a, T> {
    /// The rows of one matrix.
    ///
    /// # Errors
    /// As [`Rows::from_shards`].
    pub fn from_mat(mat: MatRef<'a, T>) -> Result<Self, NeighborsError> {
        Self::from_shards(vec![mat])
    }

    /// The rows of several matrices, one after the other.
    ///
    /// # Errors
    /// If the shards differ in columns, there are more rows than 32-bit indices, or rows are too long
    /// for exact sums.
    pub fn from_shards(mut shards: Vec<MatRef<'a, T>>) -> Result<Self, NeighborsError> {
        shards.retain(|shard| shard.rows() > 0);
        let cols = shards.first().map_or(0, MatRef::cols);
        let mut ends = Vec::with_capacity(shards.len());
        let mut len = 0;
        for shard in &shards {
            if shard.cols() != cols {
                return Err(NeighborsError::Columns {
                    what: "the rows of a shard",
                    found: shard.cols(),
                    expected: cols,
                });
            }
            len += shard.rows();
            ends.push(len);
        }
        for (what, found, limit) in [
            ("columns", cols, T::MAX_COLS),
            ("rows", len, u32::MAX as usize),
        ] {
            if found > limit {
                return Err(NeighborsError::TooLarge { what, found, limit });
            }
        }
        Ok(Self {
            shards,
            ends,
            selection: None,
            len,
            cols,
        })
    }

    /// Only the rows at these positions, which ascend; no copy of the rows.
    ///
    /// # Errors
    /// [`NeighborsError::Selection`] if a position does not exist or does not ascend.
    pub fn select(&self, positions: Vec<u32>) -> Result<Self, NeighborsError> {
        let mut before = None;
        for (position, &row) in positions.iter().enumerate() {
            if row as usize >= self.len || before.is_some_and(|before| before >= row) {
                return Err(NeighborsError::Selection {
                    row,
                    position,
                    n_rows: self.len,
                });
            }
            before = Some(row);
        }
        let mut selected = self.clone();
        selected.len = positions.len();
        selected.selection = Some(match &self.selection {
            None => positions,
            Some(old) => positions.iter().map(|&at| old[at as usize]).collect(),
        });
        Ok(selected)
    }

    /// The first `n` rows, or all if there are fewer.
    #[must_use]
    pub fn limit(&self, n: usize) -> Self {
        let mut limited = self.clone();
        limited.len = self.len.min(n);
        if let Some(selection) = &mut limited.selection {
            selection.truncate(n);
        }
        limited
    }

    /// Number of rows.
    #[must_use]
    pub fn len(&self) -> usize {
        self.len
    }

    /// Whether there are no rows.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.len == 0
    }

    /// Number of columns, the dimension of a row.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Row `row`.
    ///
    /// # Panics
    /// If `row >= len`.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [T] {
        assert!(row < self.len, "row {row} of {}", self.len);
        let row = match &self.selection {
            None => row,
            Some(selection) => selection[row] as usize,
        };
        let shard = self.ends.partition_point(|&end| end <= row);
        let start = shard.checked_sub(1).map_or(0, |before| self.ends[before]);
        self.shards[shard].row(row - start)
    }

    /// The rows of a range, as slices.
    pub(super) fn gather(&self, range: Range<usize>) -> Vec<&'a [T]> {
        range.map(|row| self.row(row)).collect()
    }

    /// The rows of a range as one matrix: where they lie, if they follow each other in one shard, else
    /// copied to `room`.
    pub(crate) fn block<'r>(&self, range: Range<usize>, room: &'r mut Vec<T>) -> MatRef<'r, T>
    where
        'a: 'r,
    {
        if range.is_empty() || self.cols == 0 {
            return MatRef::new(&[], range.len(), 0, 0);
        }
        let at = |row: usize| match &self.selection {
            None => row,
            Some(selection) => selection[row] as usize,
        };
        let (first, last) = (at(range.start), at(range.end - 1));
        let shard = self.ends.partition_point(|&end| end <= first);
        // Positions ascend, so that as many as the range has between its ends leave no gap.
        if last - first == range.len() - 1 && last < self.ends[shard] {
            let start = shard.checked_sub(1).map_or(0, |before| self.ends[before]);
            return self.shards[shard].slice(first - start..last + 1 - start);
        }
        let n_rows = range.len();
        room.clear();
        for row in range {
            room.extend_from_slice(self.row(row));
        }
        MatRef::new(room, n_rows, self.cols, self.cols)
    }

    /// The first value that no distance of the metric can be computed with.
    pub(super) fn check_values(
        &self,
        what: &'static str,
        metric: Metric,
    ) -> Result<(), NeighborsError> {
        for row in 0..self.len {
            if let Some(column) = T::first_non_finite(self.row(row)) {
                return Err(NeighborsError::NonFinite {
                    what,
                    row,
                    column,
                    value: self.row(row)[column].into_f32(),
                });
            }
            let negative = match metric {
                Metric::Chi2 => T::first_negative(self.row(row)),
                Metric::L1 | Metric::L2 => None,
            };
            if let Some(column) = negative {
                return Err(NeighborsError::Negative {
                    what,
                    row,
                    column,
                    value: self.row(row)[column].into_f32(),
                });
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rows_cross_shards_and_selections_nest() {
        let data: Vec<u8> = (0..20).collect();
        let shards = vec![
            MatRef::from_rows(&data[..6], 2),
            MatRef::from_rows(&data[6..6], 2),
            MatRef::from_rows(&data[6..], 2),
        ];
        let rows = Rows::from_shards(shards).unwrap();
        assert_eq!(rows.len(), 10);
        for row in 0..10 {
            assert_eq!(rows.row(row), &data[2 * row..2 * row + 2]);
        }
        let odd = rows.select(vec![1, 3, 5, 7, 9]).unwrap();
        let some = odd.select(vec![1, 4]).unwrap();
        assert_eq!(some.gather(0..2), [rows.row(3), rows.row(9)]);
        assert_eq!(odd.limit(2).len(), 2);
        assert_eq!(rows.limit(99).len(), 10);
        for rows in [&rows, &odd, &some] {
            for (start, end) in [(0, 2), (1, 2), (0, rows.len()), (2, rows.len()), (2, 2)] {
                let mut room = vec![99];
                let block = rows.block(start..end, &mut room);
                assert_eq!(block.rows(), end - start);
                assert!(block.iter().eq((start..end).map(|row| rows.row(row))));
            }
        }
    }

    #[test]
    fn misfits_are_typed_errors() {
        let data = [0u8; 12];
        let uneven = vec![MatRef::from_rows(&data, 2), MatRef::from_rows(&data, 3)];
        assert_eq!(
            Rows::from_shards(uneven).unwrap_err().to_string(),
            "the rows of a shard have 3 columns, expected 2"
        );
        let rows = Rows::from_mat(MatRef::from_rows(&data, 2)).unwrap();
        for bad in [vec![6], vec![1, 1], vec![2, 1]] {
            assert!(matches!(
                rows.select(bad).unwrap_err(),
                NeighborsError::Selection { n_rows: 6, .. }
            ));
        }
        let long = vec![0u8; nearplane_kernels::MAX_EXACT_U8 + 1];
        assert!(matches!(
            Rows::from_mat(MatRef::from_rows(&long, long.len())).unwrap_err(),
            NeighborsError::TooLarge {
                what: "columns",
                ..
            }
        ));
    }
}
