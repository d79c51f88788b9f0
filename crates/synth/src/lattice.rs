//! Values on a coarse lattice over the image, smooth in between: blotches, dappled light.

use crate::fixed::{ONE, lerp};

/// Nodes a side: cells of 8 pixels and both ends.
const NODES: usize = 5;

/// One value for each node, interpolated linearly along both axes.
#[derive(Debug)]
pub(crate) struct Lattice {
    nodes: [[i64; NODES]; NODES],
}

impl Lattice {
    /// A lattice of `value()` at each node, row by row.
    pub(crate) fn new(mut value: impl FnMut() -> i64) -> Self {
        Self {
            nodes: [(); NODES].map(|()| [(); NODES].map(|()| value())),
        }
    }

    /// The value at a pixel of the 32 x 32.
    pub(crate) fn at(&self, column: usize, row: usize) -> i64 {
        let (i, j) = (row / 8, column / 8);
        let (down, right) = ((row % 8) as i64 * ONE / 8, (column % 8) as i64 * ONE / 8);
        let along = |row: &[i64; NODES]| lerp(row[j], row[j + 1], right);
        lerp(along(&self.nodes[i]), along(&self.nodes[i + 1]), down)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn nodes_are_met_and_joined() {
        let mut node = 0;
        let lattice = Lattice::new(|| {
            node += 1;
            node * 80
        });
        assert_eq!(
            (lattice.at(0, 0), lattice.at(8, 0), lattice.at(0, 8)),
            (80, 160, 480)
        );
        assert_eq!(
            (lattice.at(2, 0), lattice.at(0, 4), lattice.at(28, 28)),
            (100, 280, 1760)
        );
    }
}
