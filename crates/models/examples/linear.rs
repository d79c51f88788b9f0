//! A softmax on six images of 2 x 2 pixels: the dark ones are class 0, the bright ones class 1.
use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{Affine, LinearData, LinearParams, SgdParams, SgdTrainer};
use nearplane_models::neighbors::Rows;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let images: [[u8; 4]; 6] = [[9; 4], [40; 4], [23; 4], [250; 4], [199; 4], [230; 4]];
    let rows = Rows::from_mat(MatRef::from_rows(images.as_flattened(), 4))?;
    let affine = Affine::centered(Level::detect(), &rows, 1.0 / 255.0)?;
    let data = LinearData::new(rows, &[0, 0, 0, 1, 1, 1], 2)?.with_affine(affine)?;
    let (objective, sgd) = (LinearParams::default(), SgdParams::default());
    let mut trainer = SgdTrainer::new(&objective.check()?, &sgd.check()?, &data);
    while let Some(epoch) = trainer.run_epoch(&())? {
        println!("epoch {:2}: objective {:.4}", epoch.epoch, epoch.objective);
    }
    let queries = Rows::from_mat(MatRef::from_rows(&[5, 5, 5, 5, 200, 210, 220, 230], 4))?;
    println!("{:?}", trainer.model()?.predict(Level::detect(), &queries)?);
    Ok(())
}
