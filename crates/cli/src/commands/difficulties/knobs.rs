//! Each difficulty of the synthetic images alone.

use anyhow::Result;
use nearplane_cifar::{Dataset, Format};
use nearplane_models::metrics::Accuracy;
use nearplane_models::neighbors::Rows;
use nearplane_synth::{Knob, SplitName, SynthParams};

use super::work::{Work, distances};
use super::{KnobRow, nearest};
use crate::data_source::{draw, synthetic_class_names, views};
use crate::plan::{DifficultiesPlan, Settings};

/// Thousandths.
pub(super) const STRENGTHS: [u16; 5] = [0, 250, 500, 750, 1000];

/// Distances of all searches: the textbook images are the same for every knob.
pub(super) fn size(textbook: &SynthParams) -> u64 {
    let turned = Knob::ALL.len() * (STRENGTHS.len() - 1);
    distances(textbook.n_train, textbook.n_test).saturating_mul(1 + turned as u64)
}

/// Draws training and test images with one knob at each strength and the others at 0.
pub(super) fn measure(
    plan: &DifficultiesPlan,
    settings: &Settings,
    work: &mut Work,
) -> Result<Vec<KnobRow>> {
    let textbook = evaluate(&plan.textbook, plan, settings, work)?;
    let mut rows = Vec::new();
    for knob in Knob::ALL {
        let mut results = Vec::new();
        for strength in STRENGTHS {
            let mut params = plan.textbook.clone();
            knob.turn(&mut params, strength);
            let accuracy = if strength == 0 {
                textbook
            } else {
                evaluate(&params, plan, settings, work)?
            };
            results.push((params, accuracy));
        }
        rows.push(KnobRow { knob, results });
    }
    Ok(rows)
}

fn evaluate(
    params: &SynthParams,
    plan: &DifficultiesPlan,
    settings: &Settings,
    work: &mut Work,
) -> Result<Accuracy> {
    let config = params.check()?;
    let data = Dataset::from_memory(
        Format::Cifar10,
        vec![draw(&config, SplitName::Train, params.n_train, settings)?],
        draw(&config, SplitName::Test, params.n_test, settings)?,
        synthetic_class_names(),
    )?;
    let widen = |labels: Vec<u8>| labels.into_iter().map(u32::from).collect::<Vec<_>>();
    let labels = widen(data.train().labels());
    let train = Rows::from_shards(views(data.train()))?;
    let queries = Rows::from_shards(views(data.test()))?;
    let classifier = nearest(plan.metric, settings)?.fit(train, &labels)?;
    work.evaluate(&classifier, &queries, &widen(data.test().labels()))
}
