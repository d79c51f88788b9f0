//! Three images of 2 x 2 pixels train (two dark ones, class 0, and a bright one), two are predicted.
use nearplane_kernels::MatRef;
use nearplane_models::neighbors::{KNeighborsParams, Metric, NeighborsError, Rows};

fn main() -> Result<(), NeighborsError> {
    let images = [10, 12, 9, 14, 0, 8, 3, 2, 240, 250, 231, 255];
    let train = Rows::from_mat(MatRef::from_rows(&images, 4))?;
    let params = KNeighborsParams::new(1, Metric::L2);
    let model = params.check()?.fit(train, &[0, 0, 1])?;

    let queries = Rows::from_mat(MatRef::from_rows(&[5, 5, 5, 5, 200, 210, 220, 230], 4))?;
    println!("predicted classes: {:?}", model.predict(&queries)?);
    Ok(())
}
