//! Folds and the cross-validation of k nearest neighbours: each fold fitted by itself is the oracle.

use std::collections::BTreeMap;

use nearplane_kernels::{Level, MatRef};
use nearplane_models::metrics::accuracy;
use nearplane_models::neighbors::{
    Index, KNeighborsParams, Metric, NeighborsError, Rows, TieRule, Votes, Weights,
};
use nearplane_models::selection::{
    CrossValidationError, FoldAccuracies, Folds, FoldsError, cross_validate_neighbors,
};
use proptest::prelude::*;

/// From a second implementation, in Python from the definitions, as in `split.rs`.
#[test]
fn folds_are_pinned() {
    let contiguous = Folds::contiguous(11, 4).unwrap();
    assert_eq!(contiguous.of_rows(), [0, 0, 0, 1, 1, 1, 2, 2, 2, 3, 3]);
    let shuffled = Folds::shuffled(11, 4, 0).unwrap();
    assert_eq!(shuffled.of_rows(), SHUFFLED);
    let labels: Vec<u32> = (0..11).map(|row| row % 3).collect();
    let stratified = Folds::stratified(&labels, 4, 0).unwrap();
    assert_eq!(stratified.of_rows(), STRATIFIED);
}

const SHUFFLED: [u32; 11] = [2, 0, 3, 1, 1, 3, 0, 2, 0, 1, 2];
const STRATIFIED: [u32; 11] = [2, 2, 1, 3, 1, 0, 1, 3, 2, 0, 0];

#[test]
fn folds_that_cannot_be_are_refused() {
    for (n_rows, n_folds) in [(0, 2), (1, 2), (5, 0), (5, 1), (5, 6)] {
        let expected = Err(FoldsError::Number { n_folds, n_rows });
        assert_eq!(Folds::contiguous(n_rows, n_folds), expected);
        assert_eq!(Folds::shuffled(n_rows, n_folds, 0), expected);
        assert_eq!(Folds::stratified(&vec![0; n_rows], n_folds, 0), expected);
    }
    assert!(Folds::leave_one_out(1).is_err());
    assert_eq!(Folds::leave_one_out(2).unwrap().sizes(), [1, 1]);
}

proptest! {
    #[test]
    fn every_row_judges_once(labels in prop::collection::vec(0u32..5, 2..80), n_folds in 2usize..9, seed: u64) {
        let n = labels.len();
        prop_assume!(n_folds <= n);
        let all = [
            Folds::contiguous(n, n_folds).unwrap(),
            Folds::shuffled(n, n_folds, seed).unwrap(),
            Folds::stratified(&labels, n_folds, seed).unwrap(),
        ];
        for folds in &all {
            let sizes = folds.sizes();
            prop_assert!(sizes.iter().max().unwrap() - sizes.iter().min().unwrap() <= 1);
            let mut judged = vec![0; n];
            for fold in 0..n_folds {
                let split = folds.split(fold);
                prop_assert_eq!(split.train.len() + split.validation.len(), n);
                prop_assert!(split.train.iter().all(|row| !split.validation.contains(row)));
                split.validation.iter().for_each(|&row| judged[row as usize] += 1);
            }
            prop_assert!(judged.iter().all(|&times| times == 1));
        }
        let mut shares: BTreeMap<u32, Vec<u32>> = BTreeMap::new();
        for (label, &fold) in labels.iter().zip(all[2].of_rows()) {
            shares.entry(*label).or_insert_with(|| vec![0; n_folds])[fold as usize] += 1;
        }
        for share in shares.values() {
            prop_assert!(share.iter().max().unwrap() - share.iter().min().unwrap() <= 1);
        }
    }
}

/// Rows of few values: many distances are equal, and many rows.
fn images(n: usize, seed: u64) -> (Vec<u8>, Vec<u32>) {
    let mut state = seed;
    let mut random = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 40) as u32
    };
    let labels: Vec<u32> = (0..n).map(|_| random() % 4).collect();
    let bytes = labels
        .iter()
        .flat_map(|&label| [0; 6].map(|_: u8| (40 * label + 10 * (random() % 9)) as u8));
    (bytes.collect(), labels)
}

/// A fit for each fold.
fn one_by_one(
    rows: &Rows<'_, u8>,
    labels: &[u32],
    folds: &Folds,
    ks: &[usize],
    params: KNeighborsParams,
) -> Vec<Vec<f64>> {
    let mut found = vec![Vec::new(); ks.len()];
    for fold in 0..folds.n_folds() {
        let split = folds.split(fold);
        let of =
            |rows: &[u32]| -> Vec<u32> { rows.iter().map(|&row| labels[row as usize]).collect() };
        let (train, truth) = (of(&split.train), of(&split.validation));
        let queries = rows.select(split.validation).unwrap();
        let classifier = params.check().unwrap();
        let classifier = classifier
            .fit(rows.select(split.train).unwrap(), &train)
            .unwrap();
        let predicted = classifier.predict_each_k(&queries, ks, &()).unwrap();
        for (found, predicted) in found.iter_mut().zip(predicted) {
            found.push(accuracy(&predicted, &truth).value());
        }
    }
    found
}

fn values(found: &FoldAccuracies) -> Vec<Vec<f64>> {
    let of = |position| found.of_k(position).map(|fold| fold.value()).collect();
    (0..found.ks().len()).map(of).collect()
}

#[test]
fn one_search_is_a_fit_for_each_fold() {
    let (bytes, labels) = images(120, 3);
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, 6)).unwrap();
    let ks: Vec<usize> = (1..=59).rev().chain([7]).collect();
    let splits = [
        Folds::contiguous(120, 2).unwrap(),
        Folds::shuffled(120, 7, 1).unwrap(),
        Folds::stratified(&labels, 5, 2).unwrap(),
        Folds::leave_one_out(120).unwrap(),
    ];
    for metric in [Metric::L1, Metric::L2] {
        for weights in [Weights::Uniform, Weights::Distance] {
            for tie in [TieRule::Nearest, TieRule::Lowest] {
                let votes = Votes { weights, tie };
                let params = KNeighborsParams {
                    votes,
                    ..KNeighborsParams::new(59, metric)
                };
                let index = Index::new(rows.clone(), metric, Level::detect()).unwrap();
                let found =
                    cross_validate_neighbors(&index, &labels, &splits, &ks, votes, &()).unwrap();
                for (folds, found) in splits.iter().zip(&found) {
                    assert_eq!(found.ks(), ks);
                    let expected = one_by_one(&rows, &labels, folds, &ks, params);
                    assert_eq!(
                        values(found),
                        expected,
                        "{metric} {votes:?} {}",
                        folds.n_folds()
                    );
                }
            }
        }
    }
}

/// Rows that lie beside each other are in one fold: no list of the first search is long enough.
#[test]
fn lists_that_run_short_are_completed() {
    let bytes: Vec<u8> = (0..200).map(|row| row as u8).collect();
    let labels: Vec<u32> = (0..200).map(|row| row % 3).collect();
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, 1)).unwrap();
    let index = Index::new(rows.clone(), Metric::L1, Level::detect()).unwrap();
    let splits = [
        Folds::contiguous(200, 4).unwrap(),
        Folds::contiguous(200, 10).unwrap(),
    ];
    let ks = [1, 3, 150];
    let found =
        cross_validate_neighbors(&index, &labels, &splits, &ks, Votes::default(), &()).unwrap();
    for (folds, found) in splits.iter().zip(&found) {
        let params = KNeighborsParams::new(150, Metric::L1);
        assert_eq!(
            values(found),
            one_by_one(&rows, &labels, folds, &ks, params)
        );
    }
}

#[test]
fn the_best_is_the_highest_mean_and_then_the_smallest_k() {
    let bytes = [0u8, 1, 2, 90, 91, 92];
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, 1)).unwrap();
    let index = Index::new(rows, Metric::L1, Level::detect()).unwrap();
    let folds = [Folds::leave_one_out(6).unwrap()];
    let labels = [0, 0, 0, 1, 1, 1];
    let ks = [5, 2, 1];
    let found =
        cross_validate_neighbors(&index, &labels, &folds, &ks, Votes::default(), &()).unwrap();
    assert_eq!(found[0].best(), 2);
    assert_eq!(found[0].mean_and_std(2), (1.0, 0.0));
    let half = Folds::contiguous(4, 2).unwrap();
    let rows = Rows::from_mat(MatRef::from_rows(&[0u8, 9, 1, 2], 1)).unwrap();
    let index = Index::new(rows, Metric::L1, Level::detect()).unwrap();
    // 0 and 9 both look for 0 among 1 and 2; 1 looks at 0, and 2, too.
    let found =
        cross_validate_neighbors(&index, &[0, 1, 0, 1], &[half], &[1], Votes::default(), &())
            .unwrap();
    assert_eq!(
        found[0]
            .of_k(0)
            .map(|fold| fold.correct)
            .collect::<Vec<_>>(),
        [2, 1]
    );
    assert_eq!(found[0].mean_and_std(0), (0.75, 0.25));
}

#[test]
fn what_does_not_fit_is_refused() {
    let rows = Rows::from_mat(MatRef::from_rows(&[0u8, 1, 2, 3], 1)).unwrap();
    let index = Index::new(rows, Metric::L1, Level::detect()).unwrap();
    let folds = |n, k| Folds::contiguous(n, k).unwrap();
    let judge = |labels: &[u32], folds: Folds, ks: &[usize]| {
        cross_validate_neighbors(&index, labels, &[folds], ks, Votes::default(), &()).unwrap_err()
    };
    assert_eq!(judge(&[0; 4], folds(4, 2), &[]), CrossValidationError::NoK);
    assert_eq!(
        judge(&[0; 4], folds(4, 2), &[1, 0]),
        CrossValidationError::NoK
    );
    let message = |error: CrossValidationError| error.to_string();
    assert_eq!(
        message(judge(&[0; 3], folds(4, 2), &[1])),
        "3 labels for 4 rows"
    );
    assert_eq!(
        message(judge(&[0; 4], folds(5, 2), &[1])),
        "5 rows in folds for 4 rows"
    );
    assert_eq!(
        message(judge(&[0; 4], folds(4, 2), &[1, 3])),
        "k = 3 is above 2, the number of rows outside of a fold"
    );
}

struct Never;

impl nearplane_models::Monitor for Never {
    fn cancelled(&self) -> bool {
        true
    }
}

#[test]
fn it_can_be_cancelled() {
    let (bytes, labels) = images(40, 5);
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, 6)).unwrap();
    let index = Index::new(rows, Metric::L2, Level::detect()).unwrap();
    let folds = [Folds::contiguous(40, 4).unwrap()];
    let found = cross_validate_neighbors(&index, &labels, &folds, &[1], Votes::default(), &Never);
    assert_eq!(
        found,
        Err(CrossValidationError::Search(NeighborsError::Cancelled))
    );
}
