//! Draws one image of each class and says how far some perturbations move it.
use nearplane_synth::{CLASS_NAMES, PIXELS, Perturbation, SplitName, SynthParams};

fn main() -> Result<(), Box<dyn std::error::Error>> {
    let config = SynthParams {
        seed: 7,
        ..SynthParams::default()
    }
    .check()?;
    let specs = [
        "none",
        "shift:dx=2",
        "rotation:degrees=15",
        "noise:amplitude=20",
        "blur:radius=1",
    ];
    for index in 0..CLASS_NAMES.len() as u64 {
        let (mut image, mut out) = ([0; PIXELS], [0; PIXELS]);
        let label = config.draw(SplitName::Train, index, &mut image);
        print!("{:>9}", CLASS_NAMES[usize::from(label)]);
        for spec in specs {
            let perturbation: Perturbation = spec.parse()?;
            perturbation
                .check()?
                .with_seed(1)
                .apply(index, &image, &mut out);
            let moved: u32 = image
                .iter()
                .zip(out)
                .map(|(&a, b)| u32::from(a.abs_diff(b)))
                .sum();
            print!("  {spec} {:.1}", f64::from(moved) / PIXELS as f64);
        }
        println!("  (mean |change| of a byte)");
    }
    Ok(())
}
