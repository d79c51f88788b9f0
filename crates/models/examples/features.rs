//! Synthetic images, reds against blues, are told apart by their colours and edges.
use nearplane_kernels::{Level, MatRef};
use nearplane_models::features::{FeatureSpec, ImageShape};
use nearplane_models::neighbors::{KNeighborsParams, Metric, Rows};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let noise = |i: usize| (i * i * 31 % 97) as u8;
    let tint = |i: usize| 150 * u8::from(i / 1024 % 3 == i / 3072 % 2 * 2);
    let bytes: Vec<u8> = (0..8 * 3072).map(|i| noise(i) + tint(i)).collect();
    let images = Rows::from_mat(MatRef::from_rows(&bytes, 3072))?;
    let spec: FeatureSpec = "hist:space=hsv,bins=10,smooth=1+hog:cell=8".parse()?;
    println!("{spec}");
    let extractor = spec.check(ImageShape::CIFAR)?;
    let mut features = vec![0.0; 8 * extractor.n_features()];
    extractor.extract_rows(Level::detect(), &images, &mut features, &())?;
    let rows = Rows::from_mat(MatRef::from_rows(&features, extractor.n_features()))?;
    let model = KNeighborsParams::new(1, Metric::L2).check()?;
    let model = model.fit(rows.limit(6), &[0, 1, 0, 1, 0, 1])?;
    println!("classes: {:?}", model.predict(&rows.select(vec![6, 7])?)?);
    Ok(())
}
