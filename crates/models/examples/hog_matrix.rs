//! Writes the HoG of the images of a file of the CIFAR-10 binary format as rows of little-endian
//! f32, for a look from elsewhere (NumPy: `numpy.fromfile(out, "<f4")`):
//! `hog_matrix IN.bin OUT.f32 mode=default,cell=8,stride=8`.

use nearplane_kernels::Level;
use nearplane_models::features::{BlockNorm, HogColor, HogMode, HogParams, HogVotes, ImageShape};
use std::error::Error;
use std::io::{BufWriter, Write};

const RECORD: usize = 3073;

fn params(spec: &str) -> Result<HogParams, Box<dyn Error>> {
    let mut params = HogParams::new(HogMode::Default);
    for option in spec.split(',') {
        let (name, value) = option.split_once('=').ok_or("expected name=value")?;
        match name {
            "mode" => params = HogParams::new(value.parse()?),
            "cell" => params.cell = value.parse()?,
            "block" => params.block = value.parse()?,
            "stride" => params.stride = value.parse()?,
            "bins" => params.bins = value.parse()?,
            "signed" => params.signed = value == "1",
            "spatial" => params.spatial = value == "1",
            "gamma" => params.gamma = value == "1",
            "hard" => params.votes = HogVotes::Hard,
            "grey" => params.color = HogColor::Grey,
            "clip" => params.clip = value.parse()?,
            "epsilon" => params.epsilon = value.parse()?,
            "norm" => {
                params.norm = match value {
                    "l1" => BlockNorm::L1,
                    "l1sqrt" => BlockNorm::L1Sqrt,
                    "l2" => BlockNorm::L2,
                    "l2hys" => BlockNorm::L2Hys,
                    _ => return Err(format!("unknown norm '{value}'").into()),
                }
            }
            _ => return Err(format!("unknown option '{name}'").into()),
        }
    }
    Ok(params)
}

fn main() -> Result<(), Box<dyn Error>> {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    let [input, output, spec] = &arguments[..] else {
        return Err("usage: hog_matrix IN.bin OUT.f32 SPECIFICATION".into());
    };
    let config = params(spec)?.check(ImageShape::CIFAR)?;
    let (mut scratch, mut row) = (config.scratch(), vec![0.0_f32; config.n_features()]);
    let mut file = BufWriter::new(std::fs::File::create(output)?);
    for record in std::fs::read(input)?.chunks_exact(RECORD) {
        config.extract(Level::detect(), &record[1..], &mut scratch, &mut row);
        for value in &row {
            file.write_all(&value.to_le_bytes())?;
        }
    }
    file.flush()?;
    Ok(())
}
