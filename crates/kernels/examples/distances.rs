//! Two queries against three rows: all distances in one block, then the two nearest rows of each query.
use nearplane_kernels::{Level, LevelError, MatMut, MatRef, TopK, l2_sq_u8_block};

fn main() -> Result<(), LevelError> {
    // `distances scalar` forces a level; the numbers are the same on each.
    let level = match std::env::args().nth(1) {
        Some(name) => Level::by_name(&name)?,
        None => Level::detect(),
    };
    let queries = MatRef::from_rows(&[0, 0, 3, 4], 2);
    let rows = MatRef::from_rows(&[0, 0, 3, 4, 6, 8], 2);
    let mut squares = [0; 6];
    l2_sq_u8_block(
        level,
        queries,
        rows,
        &mut MatMut::new(&mut squares, 2, 3, 3),
    );

    println!("level {level}, others here: {:?}", Level::available());
    for (query, squares) in squares.chunks(3).enumerate() {
        let mut nearest = TopK::new(2);
        for (row, &square) in squares.iter().enumerate() {
            nearest.push(square, row as u32);
        }
        println!(
            "query {query}: squares {squares:?}, nearest {:?}",
            nearest.into_sorted()
        );
    }
    Ok(())
}
