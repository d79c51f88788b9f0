//! Codes for L1: sums over groups of columns, rounded to bytes (lemma 3).

use super::code::{Codes, Lengths, Scale};

/// Disjoint groups of columns. A row is read as lines of `width` columns; a group is `high` lines by
/// `wide` columns.
#[derive(Debug, Clone, Copy)]
pub(super) struct Groups {
    cols: usize,
    width: usize,
    high: usize,
    wide: usize,
}

impl Groups {
    /// Groups of about `side^2` columns: squares, where a row can be three planes of a square picture,
    /// else columns that follow each other. Neighbouring pixels are alike, which is what makes the
    /// bounds tight; they hold whatever the columns mean.
    pub(super) fn squares(cols: usize, side: usize) -> Self {
        let picture = (cols / 3).isqrt();
        if cols == 3 * picture * picture && picture.is_multiple_of(side) {
            Self {
                cols,
                width: picture,
                high: side,
                wide: side,
            }
        } else {
            Self::runs(cols, side * side)
        }
    }

    /// Groups of `len` columns that follow each other.
    pub(super) fn runs(cols: usize, len: usize) -> Self {
        Self {
            cols,
            width: cols,
            high: 1,
            wide: len,
        }
    }

    /// Number of groups.
    pub(super) fn len(self) -> usize {
        self.cols / (self.width * self.high) * self.width.div_ceil(self.wide)
    }

    /// Columns of a full group; the last one of a row may have fewer.
    pub(super) fn size(self) -> u32 {
        (self.high * self.wide) as u32
    }

    /// Columns of a group.
    pub(super) fn size_of(self, group: usize) -> u32 {
        let across = self.width.div_ceil(self.wide);
        let wide = self.wide.min(self.width - group % across * self.wide);
        (self.high * wide) as u32
    }

    /// Columns of all groups.
    pub(super) fn n_columns(self) -> usize {
        self.cols
    }

    /// Appends the group that each column belongs to.
    pub(super) fn of_columns(self) -> impl Iterator<Item = usize> {
        let across = self.width.div_ceil(self.wide);
        (0..self.cols).map(move |col| {
            let (line, place) = (col / self.width, col % self.width);
            line / self.high * across + place / self.wide
        })
    }

    /// Replaces `out` by the sum of each group; `lines` is room.
    pub(super) fn sums(self, row: &[u8], lines: &mut Vec<u32>, out: &mut Vec<u32>) {
        out.clear();
        for band in row.chunks_exact(self.width * self.high) {
            lines.clear();
            lines.resize(self.width, 0);
            for line in band.chunks_exact(self.width) {
                for (sum, &value) in lines.iter_mut().zip(line) {
                    *sum += u32::from(value);
                }
            }
            add_chunks(lines, self.wide, out);
        }
    }

    /// Sums over groups of `side` by `side` of these groups, or of `side * side` that follow each other where
    /// they are no squares, from the sums of these.
    fn pool(self, sums: &[u32], side: usize, lines: &mut Vec<u32>, out: &mut Vec<u32>) {
        out.clear();
        let (high, wide) = self.pooled(side);
        let across = self.width.div_ceil(self.wide);
        for band in sums.chunks(across * high) {
            lines.clear();
            lines.resize(across, 0);
            for line in band.chunks_exact(across) {
                for (sum, &value) in lines.iter_mut().zip(line) {
                    *sum += value;
                }
            }
            add_chunks(lines, wide, out);
        }
    }

    /// Groups of these groups: lines and columns.
    fn pooled(self, side: usize) -> (usize, usize) {
        let is_square = self.high > 1 && (self.width / self.wide).is_multiple_of(side);
        if is_square {
            (side, side)
        } else {
            (1, side * side)
        }
    }

    /// How many sums [`pool`](Self::pool) gives.
    fn n_pooled(self, side: usize) -> usize {
        let (high, wide) = self.pooled(side);
        let across = self.width.div_ceil(self.wide);
        (self.len() / across).div_ceil(high) * across.div_ceil(wide)
    }

    /// Appends the rounded means of the groups, and returns `sum |size * mean - sum|`: the slack.
    pub(super) fn means(
        self,
        row: &[u8],
        [lines, sums]: [&mut Vec<u32>; 2],
        out: &mut Vec<u8>,
    ) -> u32 {
        self.sums(row, lines, sums);
        means(sums, self.size(), out)
    }
}

/// Appends the sums of `wide` numbers that follow each other; the last ones may be fewer.
fn add_chunks(numbers: &[u32], wide: usize, out: &mut Vec<u32>) {
    match wide {
        1 => out.extend_from_slice(numbers),
        2 if numbers.len().is_multiple_of(2) => {
            out.extend(numbers.as_chunks::<2>().0.iter().map(|[a, b]| a + b));
        }
        _ => out.extend(numbers.chunks(wide).map(|chunk| chunk.iter().sum::<u32>())),
    }
}

/// Appends `sums / size`, rounded, and returns `sum |size * mean - sum|`.
fn means(sums: &[u32], size: u32, out: &mut Vec<u8>) -> u32 {
    let mut slack = 0;
    let mut push = |sum: u32, mean: u32| {
        slack += (mean * size).abs_diff(sum);
        mean as u8
    };
    if size.is_power_of_two() {
        let shift = size.trailing_zeros();
        out.extend(sums.iter().map(|&sum| push(sum, (sum + size / 2) >> shift)));
    } else {
        out.extend(sums.iter().map(|&sum| push(sum, (sum + size / 2) / size)));
    }
    slack
}

/// Sums over small groups in the detailed code, over groups of these in the first, over groups of those in the
/// coarse.
#[derive(Debug)]
pub(super) struct Sums {
    detail: Groups,
    /// As [`Groups::pool`] has it.
    first_side: usize,
    coarse_side: usize,
}

impl Sums {
    pub(super) fn new(cols: usize) -> Self {
        Self {
            detail: Groups::squares(cols, 2),
            first_side: 2,
            coarse_side: 4,
        }
    }

    pub(super) fn lengths(&self) -> Lengths {
        Lengths {
            coarse: self.detail.n_pooled(self.coarse_side),
            first: self.detail.n_pooled(self.first_side),
            detail: self.detail.len(),
        }
    }

    pub(super) fn first_scale(&self) -> Scale {
        Scale::new(u64::from(self.first_size()), false)
    }

    pub(super) fn detail_scale(&self) -> Scale {
        Scale::new(u64::from(self.detail.size()), false)
    }

    fn first_size(&self) -> u32 {
        self.detail.size() * (self.first_side * self.first_side) as u32
    }

    pub(super) fn encode(&self, rows: &[&[u8]]) -> Codes {
        let lengths = self.lengths();
        let room = |len: usize| Vec::with_capacity(rows.len() * len);
        let mut codes = Codes {
            coarse: room(lengths.coarse),
            first: room(lengths.first),
            first_slack: Vec::with_capacity(rows.len()),
            detail: room(lengths.detail),
            detail_slack: Vec::with_capacity(rows.len()),
        };
        let (mut lines, mut sums, mut pooled) = (Vec::new(), Vec::new(), Vec::new());
        let size = self.detail.size();
        for row in rows {
            self.detail.sums(row, &mut lines, &mut sums);
            let slack = means(&sums, size, &mut codes.detail);
            codes.detail_slack.push(slack);
            self.detail
                .pool(&sums, self.first_side, &mut lines, &mut pooled);
            let slack = means(&pooled, self.first_size(), &mut codes.first);
            codes.first_slack.push(slack);
            self.detail
                .pool(&sums, self.coarse_side, &mut lines, &mut pooled);
            means(
                &pooled,
                size * (self.coarse_side as u32).pow(2),
                &mut codes.coarse,
            );
        }
        codes
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn groups_partition_the_columns() {
        for (cols, side, n) in [
            (3072, 4, 192),
            (3072, 2, 768),
            (3 * 36, 4, 7),
            (1, 4, 1),
            (33, 4, 3),
        ] {
            let groups = Groups::squares(cols, side);
            assert_eq!(groups.len(), n);
            let row: Vec<u8> = (0..cols).map(|i| (i * 37 % 256) as u8).collect();
            let mut expected = vec![0u32; n];
            for (group, &value) in groups.of_columns().zip(&row) {
                expected[group] += u32::from(value);
            }
            let mut sums = Vec::new();
            groups.sums(&row, &mut Vec::new(), &mut sums);
            assert_eq!(sums, expected);
            let mut pooled = Vec::new();
            groups.pool(&sums, 2, &mut Vec::new(), &mut pooled);
            assert_eq!(pooled.len(), groups.n_pooled(2));
            let (all, of_pooled) = (sums.iter().sum::<u32>(), pooled.iter().sum::<u32>());
            assert_eq!(all, of_pooled);
        }
    }

    #[test]
    fn pooled_squares_are_larger_squares() {
        let row: Vec<u8> = (0..3072).map(|i| (i * i % 251) as u8).collect();
        let (mut small, mut large, mut pooled) = (Vec::new(), Vec::new(), Vec::new());
        Groups::squares(3072, 2).sums(&row, &mut Vec::new(), &mut small);
        for side in [2, 4] {
            Groups::squares(3072, 2).pool(&small, side, &mut Vec::new(), &mut pooled);
            Groups::squares(3072, 2 * side).sums(&row, &mut Vec::new(), &mut large);
            assert_eq!(pooled, large);
        }
    }

    #[test]
    fn slack_is_what_rounding_moved() {
        let groups = Groups::runs(5, 4);
        let mut means = Vec::new();
        let room = [&mut Vec::new(), &mut Vec::new()];
        let slack = groups.means(&[1, 2, 3, 255, 6], room, &mut means);
        // 261 / 4 = 65.25 and 6 / 4 = 1.5.
        assert_eq!((means, slack), (vec![65, 2], 1 + 2));
    }
}
