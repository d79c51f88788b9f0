//! Rows of an own format, a header byte before four features, are searched where they lie.
use nearplane_kernels::{Level, MatRef};
use nearplane_models::neighbors::{Index, Metric, NeighborsError, Rows};

fn main() -> Result<(), NeighborsError> {
    let file = [0xAA, 9, 9, 9, 9, 0xAA, 0, 1, 2, 3, 0xAA, 4, 4, 4, 4];
    let rows = Rows::from_mat(MatRef::new(&file[1..], 3, 4, 5))?;
    let index = Index::new(rows, Metric::L1, Level::detect())?;

    let queries = Rows::from_mat(MatRef::from_rows(&[3, 3, 4, 4], 4))?;
    let found = index.kneighbors(&queries, 2)?;
    println!("records {:?}", found.indices(0));
    println!("distances {:?}", found.distances(0));
    Ok(())
}
