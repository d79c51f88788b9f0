//! What the benches share: fixed random data, the machine's limits, the images to run on.

pub mod machine;
pub mod table;

use nearplane_cifar::{Dataset, Images, OpenOptions};
use nearplane_kernels::MatRef;
use nearplane_models::neighbors::Rows;
use std::path::{Path, PathBuf};

/// Pixels of an image.
pub const PIXELS: usize = 3072;

/// A fixed stream of bytes (SplitMix64).
#[must_use]
pub fn bytes(n: usize, seed: u64) -> Vec<u8> {
    let mut state = seed;
    let words = std::iter::repeat_with(|| {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let z = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^ (z >> 31)
    });
    words.flat_map(u64::to_le_bytes).take(n).collect()
}

/// A fixed stream of floats between 0 and 1.
#[must_use]
pub fn floats(n: usize, seed: u64) -> Vec<f32> {
    bytes(n, seed)
        .into_iter()
        .map(|byte| f32::from(byte) / 255.0)
        .collect()
}

/// Images to run whole jobs on.
#[derive(Debug)]
pub struct Data {
    /// What they are, for the headline.
    pub name: String,
    dataset: Option<Dataset>,
    random: (Vec<u8>, Vec<u8>),
}

impl Data {
    /// CIFAR-10 at `NEARPLANE_DATA`, in `datasets/` or in `target/cifar10`; else 50,000 and 10,000
    /// images of random bytes, on which brute force costs the same.
    #[must_use]
    pub fn find() -> Self {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
        let given = std::env::var_os("NEARPLANE_DATA").map(PathBuf::from);
        let usual = ["datasets/cifar-10-batches-bin", "target/cifar10"].map(|at| root.join(at));
        for path in given.into_iter().chain(usual) {
            if let Ok(dataset) = Dataset::read(&path, &OpenOptions::default()) {
                return Self {
                    name: format!(
                        "{} + {} images of {}",
                        dataset.train().len(),
                        dataset.test().len(),
                        path.file_name().unwrap_or_default().display()
                    ),
                    dataset: Some(dataset),
                    random: Default::default(),
                };
            }
        }
        Self {
            name: "50000 + 10000 images of random bytes".to_owned(),
            dataset: None,
            random: (bytes(50_000 * PIXELS, 1), bytes(10_000 * PIXELS, 2)),
        }
    }

    /// Training and test rows.
    ///
    /// # Panics
    /// Never: both kinds of data are whole rows of one length.
    #[must_use]
    pub fn rows(&self) -> (Rows<'_, u8>, Rows<'_, u8>) {
        match &self.dataset {
            Some(dataset) => (of_images(dataset.train()), of_images(dataset.test())),
            None => (of_bytes(&self.random.0), of_bytes(&self.random.1)),
        }
    }
}

fn of_bytes(bytes: &[u8]) -> Rows<'_, u8> {
    Rows::from_mat(MatRef::from_rows(bytes, PIXELS)).expect("rows of 3072 bytes")
}

fn of_images(images: &Images) -> Rows<'_, u8> {
    let shards = images
        .shards()
        .map(|s| MatRef::new(s.bytes, s.rows, s.cols, s.stride));
    Rows::from_shards(shards.collect()).expect("rows of 3072 bytes")
}
