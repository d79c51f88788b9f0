//! Cross-validation of linear models against fits by hand, stopped anywhere, and the searches among them.

use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

use nearplane_kernels::{Level, MatRef};
use nearplane_models::Monitor;
use nearplane_models::linear::{
    Affine, ClassWeight, ExactParams, ExactSolver, LinearData, LinearError, Loss, Parameters,
    Penalty, RidgeParams,
};
use nearplane_models::metrics::accuracy;
use nearplane_models::neighbors::Rows;
use nearplane_models::selection::{
    FoldFit, Folds, LinearFold, LinearPath, LinearSpace, Numbers, PathMonitor, PathStart,
    SearchError, halving, stratified_sample,
};

const LAMBDAS: [f64; 3] = [0.01, 1.0, 0.1];
const N_FOLDS: usize = 4;

/// Bytes of three classes that overlap.
fn bytes(n: usize, cols: usize) -> (Vec<u8>, Vec<u32>) {
    let mut state = 1_u32;
    let mut random = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        state >> 24
    };
    let labels: Vec<u32> = (0..n).map(|i| i as u32 % 3).collect();
    let mut rows = Vec::new();
    for label in &labels {
        rows.extend((0..cols as u32).map(|at| (20 * (label ^ at) % 50 + random() / 2) as u8));
    }
    (rows, labels)
}

/// What came out, by fold and step; stops after some fits.
#[derive(Default)]
struct Record {
    fits: Mutex<Vec<(usize, usize, FoldFit)>>,
    stop_after: Option<usize>,
    n: AtomicUsize,
}

impl Monitor for Record {
    fn cancelled(&self) -> bool {
        let n = self.n.load(Ordering::SeqCst);
        self.stop_after.is_some_and(|last| n >= last)
    }
}

impl PathMonitor for Record {
    fn finished(&self, fold: usize, step: usize, fit: &FoldFit) {
        self.fits.lock().unwrap().push((fold, step, fit.clone()));
        self.n.fetch_add(1, Ordering::SeqCst);
    }
}

impl Record {
    fn sorted(self) -> Vec<(usize, usize, FoldFit)> {
        let mut fits = self.fits.into_inner().unwrap();
        fits.sort_by_key(|fit| (fit.0, fit.1));
        fits
    }
}

fn path(loss: Loss, penalty: Penalty) -> LinearPath {
    let exact = ExactParams::default().check().unwrap();
    let level = Level::detect();
    LinearPath::new(loss, penalty, &LAMBDAS, level, exact, ClassWeight::Balanced).unwrap()
}

fn folds<'a>(rows: &'a [u8], labels: &[u32], cols: usize) -> Vec<LinearFold<'a, u8>> {
    let rows = Rows::from_mat(MatRef::from_rows(rows, cols)).unwrap();
    let folds = Folds::stratified(labels, N_FOLDS, 5).unwrap();
    (0..N_FOLDS)
        .map(|fold| {
            LinearFold::of_split(Level::detect(), &rows, labels, 3, folds.split(fold), &[]).unwrap()
        })
        .collect()
}

fn begin() -> Vec<PathStart> {
    vec![PathStart::default(); N_FOLDS]
}

#[test]
fn each_fold_is_a_path_of_the_solver() {
    let (bytes, labels) = bytes(120, 7);
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, 7)).unwrap();
    let splits = Folds::stratified(&labels, N_FOLDS, 5).unwrap();
    let path = path(Loss::Softmax, Penalty::L2);
    let lambdas: Vec<f64> = path
        .configs()
        .iter()
        .map(|config| config.lambda())
        .collect();
    assert_eq!(lambdas, [1.0, 0.1, 0.01]);
    let record = Record::default();
    path.fit(&folds(&bytes, &labels, 7), &begin(), &record)
        .unwrap();
    let found = record.sorted();
    assert_eq!(found.len(), 12);
    for fold in 0..N_FOLDS {
        let split = splits.split(fold);
        let of =
            |rows: &[u32]| -> Vec<u32> { rows.iter().map(|&row| labels[row as usize]).collect() };
        let (fitted, judging) = (of(&split.train), of(&split.validation));
        let train = rows.select(split.train).unwrap();
        // By the rows that fit alone, by hand.
        let n = train.len() as f64;
        let mean = |column: usize| {
            (0..train.len())
                .map(|row| f64::from(train.row(row)[column]))
                .sum::<f64>()
                / n
        };
        let affine = Affine::new((0..7).map(mean).collect(), vec![1.0 / 255.0; 7]).unwrap();
        let data = LinearData::new(train, &fitted, 3).unwrap();
        let data = data.with_affine(affine).unwrap();
        let data = data.with_class_weight(&ClassWeight::Balanced).unwrap();
        let exact = ExactParams::default().check().unwrap();
        let mut solver = ExactSolver::new(exact, &data);
        let fits = solver.path(path.configs(), &(), &mut |_, _| {}).unwrap();
        let validation = rows.select(split.validation).unwrap();
        for (step, fit) in fits.iter().enumerate() {
            let (of_fold, of_step, found) = &found[fold * 3 + step];
            assert_eq!((*of_fold, *of_step), (fold, step));
            assert_eq!(found.objective, fit.objective);
            assert_eq!(found.parameters, fit.parameters);
            let model = data.affine().fold(&fit.parameters, Loss::Softmax).unwrap();
            let predicted = model.predict(Level::detect(), &validation).unwrap();
            assert_eq!(found.accuracy, accuracy(&predicted, &judging));
        }
    }
    let right: u64 = found.iter().map(|fit| fit.2.accuracy.correct).sum();
    assert!(
        (130..350).contains(&right),
        "{right} of 360 are right: too easy, or nothing is learnt"
    );
}

#[test]
fn closed_form_is_that_of_ridge() {
    let (bytes, labels) = bytes(90, 5);
    let rows = Rows::from_mat(MatRef::from_rows(&bytes, 5)).unwrap();
    let path = path(Loss::Ridge, Penalty::L2);
    assert!(path.is_closed_form());
    let record = Record::default();
    path.fit(&folds(&bytes, &labels, 5), &begin(), &record)
        .unwrap();
    let found = record.sorted();
    let split = Folds::stratified(&labels, N_FOLDS, 5).unwrap().split(2);
    let fitted: Vec<u32> = split
        .train
        .iter()
        .map(|&row| labels[row as usize])
        .collect();
    let train = rows.select(split.train).unwrap();
    let affine = Affine::centered(Level::detect(), &train, 1.0 / 255.0).unwrap();
    let data = LinearData::new(train, &fitted, 3)
        .unwrap()
        .with_affine(affine)
        .unwrap();
    let data = data.with_class_weight(&ClassWeight::Balanced).unwrap();
    for (step, lambda) in [1.0, 0.1, 0.01].into_iter().enumerate() {
        let params = RidgeParams {
            lambdas: vec![lambda],
            ..Default::default()
        };
        let fits = params.check().unwrap().fit(&data, &()).unwrap();
        let found = &found[2 * 3 + step].2;
        let difference = (found.objective - fits[0].objective).abs();
        assert!(difference < 1e-9, "lambda {lambda}: {difference}");
    }
}

/// Wherever a path is stopped, it goes on to the same bits from the last parameters of each fold.
#[test]
fn a_path_that_was_stopped_goes_on_to_the_same_bits() {
    let (bytes, labels) = bytes(96, 6);
    let folds = folds(&bytes, &labels, 6);
    for (loss, penalty) in [
        (Loss::Softmax, Penalty::L2),
        (Loss::Svm, Penalty::Elastic { beta: 0.5 }),
        (Loss::Ridge, Penalty::L2),
    ] {
        let path = path(loss, penalty);
        let whole = Record::default();
        path.fit(&folds, &begin(), &whole).unwrap();
        let whole = whole.sorted();
        for stop in 0..whole.len() {
            let part = Record {
                stop_after: Some(stop),
                ..Record::default()
            };
            // Others that were on their way may have been the last ones.
            let stopped = path.fit(&folds, &begin(), &part);
            assert!(stop > 0 || stopped == Err(LinearError::Cancelled));
            let part = part.sorted();
            let starts: Vec<PathStart> = (0..N_FOLDS)
                .map(|fold| {
                    let of_fold = || part.iter().filter(|fit| fit.0 == fold);
                    PathStart {
                        done: of_fold().count(),
                        parameters: of_fold().next_back().map(|fit| fit.2.parameters.clone()),
                    }
                })
                .collect();
            let rest = Record::default();
            path.fit(&folds, &starts, &rest).unwrap();
            let mut both = part;
            both.extend(rest.sorted());
            both.sort_by_key(|fit| (fit.0, fit.1));
            assert_eq!(both, whole, "{loss}, stopped after {stop}");
        }
    }
}

#[test]
fn threads_change_nothing() {
    let (bytes, labels) = bytes(300, 20);
    let folds = folds(&bytes, &labels, 20);
    let path = path(Loss::SvmSquared, Penalty::L2);
    let run = |threads| {
        let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
        let record = Record::default();
        let pool = pool.build().unwrap();
        pool.install(|| path.fit(&folds, &begin(), &record))
            .unwrap();
        record
    };
    let alone = run(1);
    let order: Vec<(usize, usize)> = {
        let fits = alone.fits.lock().unwrap();
        fits.iter().map(|fit| (fit.0, fit.1)).collect()
    };
    assert_eq!(order, path.order(N_FOLDS));
    assert_eq!(alone.sorted(), run(3).sorted());
}

#[test]
fn what_cannot_be_fitted_is_refused() {
    let level = Level::detect();
    let rows = Rows::from_mat(MatRef::from_rows(&[1u8, 2, 3, 4], 1)).unwrap();
    let split = Folds::contiguous(4, 2).unwrap().split(0);
    assert_eq!(
        LinearFold::of_split(level, &rows, &[0, 0, 1, 1], 2, split, &[]).unwrap_err(),
        LinearError::EmptyClass { class: 0 }
    );
    let exact = ExactParams::default().check().unwrap();
    let path = |lambdas: &[f64]| {
        LinearPath::new(
            Loss::Softmax,
            Penalty::L2,
            lambdas,
            level,
            exact,
            ClassWeight::Uniform,
        )
    };
    assert!(path(&[]).is_err() && path(&[0.1, -1.0]).is_err());
    let zero = Parameters::zero(2, 7);
    let split = Folds::contiguous(4, 2).unwrap().split(0);
    let fold = LinearFold::of_split(level, &rows, &[0, 1, 1, 0], 2, split, &[]).unwrap();
    let start = PathStart {
        done: 1,
        parameters: Some(zero),
    };
    let found = path(&[1.0, 0.1])
        .unwrap()
        .fit(&[fold], &[start], &Record::default());
    assert!(
        matches!(found, Err(LinearError::Tensor { .. })),
        "{found:?}"
    );
}

#[test]
fn a_grid_has_everything_that_goes_together_once() {
    let space = LinearSpace {
        n_features: 2,
        losses: vec![Loss::Ridge, Loss::Svm],
        penalties: vec![Penalty::L2, Penalty::None, Penalty::Elastic { beta: 9.0 }],
        betas: Numbers::List(vec![0.5, 2.0]),
        lambdas: Numbers::List(vec![0.1, 1.0, 0.1]),
    };
    let grid = space.grid().unwrap();
    // A set of features: ridge 2; svm 2 by l2, 1 without, 2 x 2 elastic.
    assert_eq!(grid.len(), 2 * (2 + 2 + 1 + 4));
    assert!(
        grid.iter()
            .all(|one| one.penalty == Penalty::L2 || one.loss != Loss::Ridge)
    );
    let none: Vec<f64> = grid
        .iter()
        .filter(|one| one.penalty == Penalty::None)
        .map(|one| one.lambda)
        .collect();
    assert_eq!(none, [0.0, 0.0]);
    assert_eq!((grid[0].lambda, grid[1].lambda), (1.0, 0.1));
    let wrong = |space: LinearSpace| space.grid().unwrap_err();
    assert_eq!(
        wrong(LinearSpace {
            losses: Vec::new(),
            ..Default::default()
        }),
        SearchError::Empty("loss")
    );
    assert_eq!(wrong(LinearSpace::default()), SearchError::NoGrid("lambda"));
    assert_eq!(
        wrong(LinearSpace {
            losses: vec![Loss::Ridge],
            penalties: vec![Penalty::L1],
            ..Default::default()
        }),
        SearchError::NoPair
    );
    let negative = LinearSpace {
        lambdas: Numbers::List(vec![-1.0]),
        ..Default::default()
    };
    assert!(matches!(
        wrong(negative),
        SearchError::Params(LinearError::Range { what: "lambda", .. })
    ));
}

/// Pinned: a sweep that goes on next year has to draw the same models.
#[test]
fn draws_are_pinned_and_cover_the_space() {
    let space = LinearSpace {
        n_features: 3,
        losses: vec![Loss::Softmax, Loss::Ridge],
        penalties: vec![Penalty::L2, Penalty::Elastic { beta: 1.0 }],
        betas: Numbers::List(vec![0.5, 2.0]),
        lambdas: Numbers::Between {
            low: 1e-4,
            high: 1.0,
        },
    };
    let draw = |seed, number| space.draw(seed, number).unwrap();
    let many: Vec<_> = (0..2000).map(|number| draw(1, number)).collect();
    for features in 0..3 {
        let n = many.iter().filter(|one| one.features == features).count();
        assert!((560..780).contains(&n), "{n} of set {features}");
    }
    let decade = |low: f64| {
        many.iter()
            .filter(|one| (low..10.0 * low).contains(&one.lambda))
            .count()
    };
    for low in [1e-4, 1e-3, 1e-2, 1e-1] {
        let n = decade(low);
        assert!((400..600).contains(&n), "{n} from {low}");
    }
    for one in &many {
        assert!((1e-4..=1.0).contains(&one.lambda));
        assert_eq!(
            one.lambda,
            format!("{:.2e}", one.lambda).parse::<f64>().unwrap()
        );
        assert!(one.penalty == Penalty::L2 || one.loss == Loss::Softmax);
    }
    assert_ne!(draw(1, 0), draw(2, 0));
    let pinned: Vec<String> = (0..3)
        .map(|number| draw(0, number))
        .map(|one| {
            format!(
                "{} {} {} {}",
                one.features, one.loss, one.penalty, one.lambda
            )
        })
        .collect();
    assert_eq!(pinned, PINNED);
}

const PINNED: [&str; 3] = [
    "1 ridge l2 0.000132",
    "1 softmax elastic 0.000157",
    "0 softmax elastic 0.000196",
];

#[test]
fn halving_ends_with_all_rows() {
    for (n, eta, rows, least) in [
        (20, 3, 45_000, 1000),
        (1, 2, 10, 1),
        (7, 2, 100, 90),
        (64, 4, 1_000, 1),
    ] {
        let rungs = halving(n, eta, rows, least).unwrap();
        assert_eq!(rungs[0].n_candidates, n);
        assert_eq!(rungs.last().unwrap().n_rows, rows);
        for pair in rungs.windows(2) {
            assert_eq!(pair[1].n_candidates, pair[0].n_candidates.div_ceil(eta));
            assert_eq!(pair[0].n_rows, pair[1].n_rows.div_ceil(eta));
        }
        assert!(rungs.len() == 1 || rungs[0].n_rows >= least);
        let could_go_on =
            rungs.last().unwrap().n_candidates > 1 && rungs[0].n_rows.div_ceil(eta) >= least;
        assert!(!could_go_on, "{rungs:?}");
    }
    assert!(
        halving(0, 3, 1, 1).is_err()
            && halving(1, 1, 1, 1).is_err()
            && halving(1, 3, 0, 1).is_err()
    );
}

#[test]
fn samples_are_stratified_and_nested() {
    let labels: Vec<u32> = (0..300)
        .map(|row| if row % 10 == 0 { 7 } else { row % 2 })
        .collect();
    let mut before = stratified_sample(&labels, 3, 4).unwrap();
    let mut classes: Vec<u32> = before.iter().map(|&row| labels[row as usize]).collect();
    classes.sort_unstable();
    assert_eq!(classes, [0, 1, 7], "the first rows are one of each class");
    for n in 4..=300 {
        let sample = stratified_sample(&labels, n, 4).unwrap();
        assert_eq!(sample.len(), n);
        assert!(sample.windows(2).all(|pair| pair[0] < pair[1]));
        assert!(before.iter().all(|row| sample.contains(row)), "{n} rows");
        let rare = sample
            .iter()
            .filter(|&&row| labels[row as usize] == 7)
            .count() as f64;
        assert!((rare - n as f64 / 10.0).abs() <= 1.5, "{rare} of {n}");
        before = sample;
    }
    assert_ne!(
        stratified_sample(&labels, 100, 4),
        stratified_sample(&labels, 100, 5)
    );
}
