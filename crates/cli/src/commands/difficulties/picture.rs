//! Contact sheets of what is measured: a row for each difficulty or perturbation, weak to strong from the left.

use std::io::Write as _;

use anyhow::{Context as _, Result};
use nearplane_cifar::PIXELS;
use nearplane_report::contact_sheet;
use nearplane_synth::{Knob, LADDERS, Perturbation, SplitName, SynthParams};

use super::knobs::STRENGTHS;
use super::perturbations::perturb;
use crate::commands::knn::task::Task;
use crate::pending::PendingFile;
use crate::plan::On;

/// Images that are followed from weak to strong.
const SAMPLES: usize = 2;
/// What separates them: the ground of a sheet.
const SPACER: [u8; PIXELS] = [224; PIXELS];

/// The first test images of the textbook set, of which every ten show each class.
pub(super) fn of_knobs(textbook: &SynthParams, file: &mut PendingFile) -> Result<()> {
    let mut images = Vec::new();
    for knob in Knob::ALL {
        for sample in 0..SAMPLES {
            if sample > 0 {
                images.push(SPACER);
            }
            for strength in STRENGTHS {
                let mut params = textbook.clone();
                knob.turn(&mut params, strength);
                let mut image = [0; PIXELS];
                let config = params.check()?;
                config.draw(SplitName::Test, sample as u64, &mut image);
                images.push(image);
            }
        }
    }
    write(&images, SAMPLES * (STRENGTHS.len() + 1) - 1, file)
}

/// The first evaluated images of the first classes that there are: each as it is, then at every rung.
pub(super) fn of_perturbations(
    on: On,
    seed: u64,
    task: &Task<'_, u8>,
    file: &mut PendingFile,
) -> Result<()> {
    let mut queries: Vec<usize> = Vec::new();
    for (query, label) in task.truth.iter().enumerate() {
        if queries.len() < SAMPLES && queries.iter().all(|&other| task.truth[other] != *label) {
            queries.push(query);
        }
    }
    let mut images = Vec::new();
    let mut columns = 0;
    for ladder in LADDERS {
        let before = images.len();
        for (sample, &query) in queries.iter().enumerate() {
            if sample > 0 {
                images.push(SPACER);
            }
            let mut image = SPACER;
            image.copy_from_slice(task.queries.row(query));
            images.push(image);
            for rung in &ladder.rungs {
                let config = Perturbation::from(rung.clone()).check()?.with_seed(seed);
                let mut out = SPACER;
                perturb(&config, on, task, query, &mut out);
                images.push(out);
            }
        }
        columns = images.len() - before;
    }
    write(&images, columns, file)
}

fn write(images: &[[u8; PIXELS]], columns: usize, file: &mut PendingFile) -> Result<()> {
    let tiles: Vec<&[u8]> = images.iter().map(<[u8; PIXELS]>::as_slice).collect();
    let png = contact_sheet(&tiles, columns, 2, 2).to_png()?;
    file.write_all(&png).context("cannot write the picture")
}
