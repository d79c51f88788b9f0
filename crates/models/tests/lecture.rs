//! The worked numbers of the lecture, out of the public functions.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::neighbors::{Index, Metric, Rows};

/// LECTURE 2.2: the L1 distance of two 4x4 images is 456.
#[test]
fn l1_by_hand() {
    let test = [
        56u8, 32, 10, 18, 90, 23, 128, 133, 24, 26, 178, 200, 2, 0, 255, 220,
    ];
    let train = [
        10u8, 20, 24, 17, 8, 10, 89, 100, 12, 16, 178, 170, 4, 32, 233, 112,
    ];
    for level in Level::available() {
        let rows = Rows::from_mat(MatRef::from_rows(&train, 16)).unwrap();
        let query = Rows::from_mat(MatRef::from_rows(&test, 16)).unwrap();
        let index = Index::new(rows, Metric::L1, level).unwrap();
        let found = index.kneighbors(&query, 1).unwrap();
        assert_eq!(found.distances(0), [456], "{level}");
    }
}
