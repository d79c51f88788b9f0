//! Borrowed row-major matrices with a stride: how callers hand their data over without a copy.

use std::ops::Range;

/// A borrowed row-major matrix, `rows x cols`, whose rows start `stride` elements apart.
///
/// The last row may end before a full stride, so the pixels of a CIFAR file (3072 bytes after each
/// label byte) are a matrix with `cols = 3072` and `stride = 3073`.
///
/// ```
/// use nearplane_kernels::MatRef;
/// let bytes = [9, 1, 2, 9, 3, 4]; // a label byte before each row of two
/// let rows = MatRef::new(&bytes[1..], 2, 2, 3);
/// assert_eq!(rows.row(1), &[3, 4]);
/// ```
#[derive(Debug)]
pub struct MatRef<'a, T> {
    data: &'a [T],
    rows: usize,
    cols: usize,
    stride: usize,
}

impl<T> Clone for MatRef<'_, T> {
    fn clone(&self) -> Self {
        *self
    }
}

impl<T> Copy for MatRef<'_, T> {}

/// Elements that a matrix of this shape needs at least.
fn needed(rows: usize, cols: usize, stride: usize) -> usize {
    assert!(
        stride >= cols,
        "stride {stride} is smaller than the {cols} columns of a row"
    );
    match rows.checked_sub(1) {
        None => 0,
        Some(full) => full
            .checked_mul(stride)
            .and_then(|n| n.checked_add(cols))
            .expect("the matrix is larger than the address space"),
    }
}

impl<'a, T> MatRef<'a, T> {
    /// A matrix of `rows x cols` over `data`, rows `stride` elements apart.
    ///
    /// # Panics
    /// If `stride < cols` or `data` is shorter than `(rows - 1) * stride + cols`.
    #[must_use]
    pub fn new(data: &'a [T], rows: usize, cols: usize, stride: usize) -> Self {
        let needed = needed(rows, cols, stride);
        assert!(
            data.len() >= needed,
            "a {rows} x {cols} matrix with stride {stride} needs {needed} elements, found {}",
            data.len()
        );
        Self {
            data,
            rows,
            cols,
            stride,
        }
    }

    /// A matrix of rows that lie one after the other, `data.len() / cols` of them.
    ///
    /// # Panics
    /// If `cols` is 0 or `data.len()` is not a multiple of it.
    #[must_use]
    pub fn from_rows(data: &'a [T], cols: usize) -> Self {
        assert!(cols > 0, "a matrix needs at least one column");
        assert!(
            data.len().is_multiple_of(cols),
            "{} elements are not whole rows of {cols}",
            data.len()
        );
        Self::new(data, data.len() / cols, cols, cols)
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns, the dimension of a row.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    /// Elements from the start of a row to the start of the next.
    #[must_use]
    pub fn stride(&self) -> usize {
        self.stride
    }

    /// Where the first row begins; valid for all of them.
    pub(crate) fn as_ptr(&self) -> *const T {
        self.data.as_ptr()
    }

    /// Row `row`, `cols` elements.
    ///
    /// # Panics
    /// If `row >= rows`.
    #[must_use]
    pub fn row(&self, row: usize) -> &'a [T] {
        assert!(row < self.rows, "row {row} of a matrix of {}", self.rows);
        &self.data[row * self.stride..][..self.cols]
    }

    /// The rows of `range` as a matrix, no copy.
    ///
    /// # Panics
    /// If the range is reversed or ends behind the last row.
    #[must_use]
    pub fn slice(&self, range: Range<usize>) -> Self {
        assert!(
            range.start <= range.end && range.end <= self.rows,
            "rows {range:?} of a matrix of {}",
            self.rows
        );
        let start = (range.start * self.stride).min(self.data.len());
        Self::new(&self.data[start..], range.len(), self.cols, self.stride)
    }

    /// The rows in order.
    #[must_use]
    pub fn iter(&self) -> impl ExactSizeIterator<Item = &'a [T]> + use<'a, T> {
        let mat = *self;
        (0..mat.rows).map(move |row| mat.row(row))
    }
}

/// A mutable row-major matrix with a stride, where results are written.
///
/// ```
/// use nearplane_kernels::MatMut;
/// let mut out = vec![0u32; 6];
/// let mut mat = MatMut::new(&mut out, 2, 3, 3);
/// mat.row_mut(1)[2] = 7;
/// assert_eq!(out[5], 7);
/// ```
#[derive(Debug)]
pub struct MatMut<'a, T> {
    data: &'a mut [T],
    rows: usize,
    cols: usize,
    stride: usize,
}

impl<'a, T> MatMut<'a, T> {
    /// A matrix of `rows x cols` over `data`, rows `stride` elements apart.
    ///
    /// # Panics
    /// If `stride < cols` or `data` is shorter than `(rows - 1) * stride + cols`.
    #[must_use]
    pub fn new(data: &'a mut [T], rows: usize, cols: usize, stride: usize) -> Self {
        let needed = needed(rows, cols, stride);
        assert!(
            data.len() >= needed,
            "a {rows} x {cols} matrix with stride {stride} needs {needed} elements, found {}",
            data.len()
        );
        Self {
            data,
            rows,
            cols,
            stride,
        }
    }

    /// Number of rows.
    #[must_use]
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// Number of columns.
    #[must_use]
    pub fn cols(&self) -> usize {
        self.cols
    }

    pub(crate) fn stride(&self) -> usize {
        self.stride
    }

    /// Where the first row begins; valid for all of them.
    pub(crate) fn as_mut_ptr(&mut self) -> *mut T {
        self.data.as_mut_ptr()
    }

    /// The columns of `range` of every row, to write.
    ///
    /// # Panics
    /// If the range is reversed or ends behind the last column.
    #[must_use]
    pub fn columns_mut(&mut self, range: Range<usize>) -> MatMut<'_, T> {
        assert!(
            range.start <= range.end && range.end <= self.cols,
            "columns {range:?} of a matrix of {}",
            self.cols
        );
        let start = range.start.min(self.data.len());
        MatMut::new(&mut self.data[start..], self.rows, range.len(), self.stride)
    }

    /// Row `row` to read.
    ///
    /// # Panics
    /// If `row >= rows`.
    #[must_use]
    pub fn row(&self, row: usize) -> &[T] {
        assert!(row < self.rows, "row {row} of a matrix of {}", self.rows);
        &self.data[row * self.stride..][..self.cols]
    }

    /// Row `row` to write.
    ///
    /// # Panics
    /// If `row >= rows`.
    #[must_use]
    #[inline]
    pub fn row_mut(&mut self, row: usize) -> &mut [T] {
        assert!(row < self.rows, "row {row} of a matrix of {}", self.rows);
        &mut self.data[row * self.stride..][..self.cols]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_last_row_may_end_before_a_full_stride() {
        let data: Vec<u8> = (0..8).collect();
        let mat = MatRef::new(&data[1..], 2, 3, 4);
        assert_eq!(mat.row(0), &[1, 2, 3]);
        assert_eq!(mat.row(1), &[5, 6, 7]);
        assert_eq!(mat.slice(1..2).row(0), mat.row(1));
        assert_eq!(mat.slice(2..2).rows(), 0);
        assert_eq!(mat.iter().count(), 2);
    }

    #[test]
    #[should_panic(expected = "needs 7 elements, found 6")]
    fn a_short_buffer_is_refused() {
        let _ = MatRef::new(&[0u8; 6], 2, 3, 4);
    }

    #[test]
    #[should_panic(expected = "stride 2 is smaller than the 3 columns")]
    fn overlapping_rows_are_refused() {
        let mut data = [0u8; 6];
        let _ = MatMut::new(&mut data, 2, 3, 2);
    }

    #[test]
    #[should_panic(expected = "row 2 of a matrix of 2")]
    fn a_row_past_the_end_is_refused() {
        let data = [0u8; 16];
        let _ = MatRef::new(&data, 2, 3, 4).row(2);
    }
}
