//! Reads choices and data from the bytes of an input. An input that has ended reads as zeros, so that every input is
//! a whole one, and short ones stay meaningful.

/// What is left of an input.
pub(crate) struct Input<'a> {
    rest: &'a [u8],
}

impl<'a> Input<'a> {
    pub(crate) fn new(data: &'a [u8]) -> Self {
        Input { rest: data }
    }

    pub(crate) fn byte(&mut self) -> u8 {
        let Some((&first, rest)) = self.rest.split_first() else {
            return 0;
        };
        self.rest = rest;
        first
    }

    /// One of `n`, which is 1 to 256.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        usize::from(self.byte()) % n
    }

    pub(crate) fn pick<T: Copy>(&mut self, list: &[T]) -> T {
        list[self.below(list.len())]
    }

    pub(crate) fn is(&mut self) -> bool {
        self.byte() & 1 == 1
    }

    pub(crate) fn word(&mut self) -> u32 {
        u32::from_le_bytes([self.byte(), self.byte(), self.byte(), self.byte()])
    }

    /// At most `n` bytes, fewer where the input ends.
    pub(crate) fn take(&mut self, n: usize) -> &'a [u8] {
        let (taken, rest) = self.rest.split_at(n.min(self.rest.len()));
        self.rest = rest;
        taken
    }

    /// Bytes whose number stands before them.
    pub(crate) fn string(&mut self) -> &'a [u8] {
        let n = usize::from(self.byte());
        self.take(n)
    }

    /// Exactly `n` bytes: up to 256 of the input, over and over, with a step from one round to the next.
    pub(crate) fn fill(&mut self, n: usize) -> Vec<u8> {
        let step = self.byte();
        let length = n.min(1 + usize::from(self.byte()));
        let period = self.take(length);
        if period.is_empty() {
            return vec![0; n];
        }
        let round = |at: usize| ((at / period.len()) as u8).wrapping_mul(step);
        (0..n)
            .map(|at| period[at % period.len()].wrapping_add(round(at)))
            .collect()
    }

    pub(crate) fn rest(&mut self) -> &'a [u8] {
        std::mem::take(&mut self.rest)
    }
}
