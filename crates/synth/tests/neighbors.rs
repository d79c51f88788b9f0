//! How hard the images are for nearest neighbours on raw pixels, by the plainest search there is.

use nearplane_synth::{PIXELS, Synth, SynthParams, generate};

/// Accuracies on the test images, (metric, k, accuracy), of each of some k and L1 and squared L2;
/// majority, ties to the class whose nearest member is nearest.
fn accuracies(synth: &Synth, ks: &[usize]) -> Vec<(&'static str, usize, f64)> {
    let mut right = vec![[0_u32; 2]; ks.len()];
    for (query, &truth) in synth
        .test
        .pixels
        .chunks_exact(PIXELS)
        .zip(&synth.test.labels)
    {
        let mut neighbors = [Vec::new(), Vec::new()];
        for (row, &label) in synth
            .train
            .pixels
            .chunks_exact(PIXELS)
            .zip(&synth.train.labels)
        {
            let (mut l1, mut l2_sq) = (0_u32, 0_u32);
            for (&a, &b) in query.iter().zip(row) {
                let difference = u32::from(a.abs_diff(b));
                l1 += difference;
                l2_sq += difference * difference;
            }
            neighbors[0].push((l1, label));
            neighbors[1].push((l2_sq, label));
        }
        for (metric, neighbors) in neighbors.iter_mut().enumerate() {
            // Stable: equal distances stay in the order of training images.
            neighbors.sort_by_key(|&(distance, _)| distance);
            for (&k, right) in ks.iter().zip(&mut right) {
                let votes = |class: u8| {
                    neighbors[..k]
                        .iter()
                        .filter(|&&(_, label)| label == class)
                        .count()
                };
                let most = (0..10).map(votes).max();
                let winner = neighbors
                    .iter()
                    .find(|&&(_, label)| Some(votes(label)) == most);
                right[metric] += u32::from(winner.is_some_and(|&(_, label)| label == truth));
            }
        }
    }
    let n_test = synth.test.labels.len() as f64;
    ks.iter()
        .zip(right)
        .flat_map(|(&k, [l1, l2])| [("l1", k, l1), ("l2", k, l2)])
        .map(|(metric, k, right)| (metric, k, f64::from(right) / n_test))
        .collect()
}

/// All training images and the first 100 test images: a standard deviation of 0.05.
#[test]
fn the_defaults_are_neither_easy_nor_hopeless() {
    let params = SynthParams {
        n_test: 100,
        ..SynthParams::default()
    };
    let synth = generate(&params).unwrap();
    for (metric, k, accuracy) in accuracies(&synth, &[1, 5]) {
        assert!(
            (0.4..0.7).contains(&accuracy),
            "{metric}, k {k}: {accuracy}"
        );
    }
}

/// Nothing is hard without any; each alone makes it harder, and at 1000 little is left of 1.
#[test]
fn each_difficulty_alone_makes_the_difference() {
    type Turn = fn(&mut SynthParams, u16);
    let textbook = SynthParams {
        n_train: 1000,
        n_test: 100,
        viewpoint: 0,
        background: 0,
        illumination: 0,
        occlusion: 0,
        variation: 0,
        ..SynthParams::default()
    };
    let easy = accuracies(&generate(&textbook).unwrap(), &[1]);
    assert_eq!(easy, [("l1", 1, 1.0), ("l2", 1, 1.0)]);
    let turned: [(&str, Turn); 5] = [
        ("viewpoint", |params, to| params.viewpoint = to),
        ("background", |params, to| params.background = to),
        ("illumination", |params, to| params.illumination = to),
        ("occlusion", |params, to| params.occlusion = to),
        ("variation", |params, to| params.variation = to),
    ];
    for (name, turn) in turned {
        let mut before = easy.clone();
        for (difficulty, most) in [(500, 1.0), (750, 0.6), (1000, 0.27)] {
            let mut params = textbook.clone();
            turn(&mut params, difficulty);
            let now = accuracies(&generate(&params).unwrap(), &[1]);
            for (&(metric, _, accuracy), &(_, _, easier)) in now.iter().zip(&before) {
                assert!(
                    accuracy <= most && accuracy <= easier,
                    "{name} {difficulty}, {metric}: {accuracy} after {easier}"
                );
            }
            before = now;
        }
    }
}
