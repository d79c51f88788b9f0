//! Asking the CPU for memory before it is needed.

/// Asks the CPU to bring elements nearer that will be read soon, and goes on at once.
///
/// Rows that are read once, in an order that the CPU does not foresee (or from memory, one after the
/// other, with work in between), then cost less waiting. It is a request: nothing else depends on it,
/// and on CPUs other than x86-64 nothing is done.
///
/// ```
/// use nearplane_kernels::prefetch;
/// let images = vec![7u8; 2 * 3072];
/// let (first, second) = images.split_at(3072);
/// prefetch(second); // while the first one is worked on
/// assert_eq!(first, second);
/// ```
pub fn prefetch<T>(elements: &[T]) {
    crate::arch::prefetch(elements);
}
