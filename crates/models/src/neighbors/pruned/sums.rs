//! Codes for L1: sums over groups of columns, rounded to bytes (lemma 3).

use super::code::{Codes, Scale};

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

    /// Columns of a full group; the last one may have fewer.
    pub(super) fn size(self) -> u32 {
        (self.high * self.wide) as u32
    }

    /// Appends the group that each column belongs to.
    pub(super) fn of_columns(self) -> impl Iterator<Item = usize> {
        let across = self.width.div_ceil(self.wide);
        (0..self.cols).map(move |col| {
            let (line, place) = (col / self.width, col % self.width);
            line / self.high * across + place / self.wide
        })
    }

    /// Calls `visit` with the sum of each group in turn; `lines` is room.
    pub(super) fn sums(self, row: &[u8], lines: &mut Vec<u32>, mut visit: impl FnMut(u32)) {
        for band in row.chunks_exact(self.width * self.high) {
            lines.clear();
            lines.resize(self.width, 0);
            for line in band.chunks_exact(self.width) {
                for (sum, &value) in lines.iter_mut().zip(line) {
                    *sum += u32::from(value);
                }
            }
            for group in lines.chunks(self.wide) {
                visit(group.iter().sum());
            }
        }
    }

    /// Appends the rounded means of the groups, and returns `sum |size * mean - sum|`: the slack.
    pub(super) fn means(self, row: &[u8], lines: &mut Vec<u32>, out: &mut Vec<u8>) -> u32 {
        let size = self.size();
        let mut slack = 0;
        self.sums(row, lines, |sum| {
            let mean = (sum + size / 2) / size;
            slack += (mean * size).abs_diff(sum);
            out.push(mean as u8);
        });
        slack
    }
}

/// Sums over large groups first, over smaller ones second.
#[derive(Debug)]
pub(super) struct Sums {
    first: Groups,
    second: Groups,
}

impl Sums {
    pub(super) fn new(cols: usize) -> Self {
        Self {
            first: Groups::squares(cols, 4),
            second: Groups::squares(cols, 2),
        }
    }

    pub(super) fn first_cols(&self) -> usize {
        self.first.len()
    }

    pub(super) fn second_cols(&self) -> usize {
        self.second.len()
    }

    pub(super) fn first_scale(&self) -> Scale {
        Scale::sums(u64::from(self.first.size()))
    }

    pub(super) fn second_scale(&self) -> Scale {
        Scale::sums(u64::from(self.second.size()))
    }

    pub(super) fn encode(&self, rows: &[&[u8]]) -> Codes {
        let mut codes = Codes {
            first_cols: self.first.len(),
            ..Codes::default()
        };
        let mut lines = Vec::new();
        for row in rows {
            let slack = self.first.means(row, &mut lines, &mut codes.first);
            codes.first_slack.push(slack);
            let slack = self.second.means(row, &mut lines, &mut codes.second);
            codes.second_slack.push(slack);
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
            groups.sums(&row, &mut Vec::new(), |sum| sums.push(sum));
            assert_eq!(sums, expected);
        }
    }

    #[test]
    fn slack_is_what_rounding_moved() {
        let groups = Groups::runs(5, 4);
        let mut means = Vec::new();
        let slack = groups.means(&[1, 2, 3, 255, 6], &mut Vec::new(), &mut means);
        // 261 / 4 = 65.25 and 6 / 4 = 1.5.
        assert_eq!((means, slack), (vec![65, 2], 1 + 2));
    }
}
