//! Times epochs of minibatch softmax on the training batches of a CIFAR-10 folder, or on random bytes:
//! `cargo run --release --example sgd_epochs [FOLDER]`.
use nearplane_kernels::{Level, MatRef};
use nearplane_models::linear::{Affine, LinearData, LinearParams, SgdParams, SgdTrainer};
use nearplane_models::neighbors::Rows;
use std::time::Instant;

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let bytes = match std::env::args().nth(1) {
        Some(folder) => (1..=5)
            .map(|i| std::fs::read(format!("{folder}/data_batch_{i}.bin")))
            .collect::<Result<Vec<_>, _>>()?
            .concat(),
        None => (0..50_000u64 * 3073)
            .map(|i| match i % 3073 {
                0 => (i / 3073 % 10) as u8,
                _ => (i.wrapping_mul(0x9e37_79b9_7f4a_7c15) >> 56) as u8,
            })
            .collect(),
    };
    let n = bytes.len() / 3073;
    let labels: Vec<u32> = bytes.iter().step_by(3073).map(|&b| u32::from(b)).collect();
    let rows = Rows::from_mat(MatRef::new(&bytes[1..], n, 3072, 3073))?;
    let start = Instant::now();
    let affine = Affine::centered(Level::detect(), &rows, 1.0 / 255.0)?;
    println!("mean of the columns: {:.1?}", start.elapsed());
    let data = LinearData::new(rows, &labels, 10)?.with_affine(affine)?;
    let config = SgdParams::default().check()?;
    let start = Instant::now();
    let mut trainer = SgdTrainer::new(&LinearParams::default().check()?, &config, &data);
    println!("rate {}: {:.1?}", trainer.learning_rate(), start.elapsed());
    let mut start = Instant::now();
    while let Some(report) = trainer.run_epoch(&())? {
        let (took, right) = (start.elapsed(), report.train.value());
        println!(
            "{:3} {:.5} {right:.4} {took:.1?}",
            report.epoch, report.objective
        );
        start = Instant::now();
    }
    Ok(())
}
