//! The exact solver against optima of an interior-point solver (`golden/linear/optima.py`), its
//! certificate, and its bits.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::Monitor;
use nearplane_models::linear::{
    Affine, ClassWeight, ExactFit, ExactParams, ExactSolver, LinearData, LinearError, LinearParams,
    Loss, Parameters, Penalty,
};
use nearplane_models::neighbors::Rows;

/// The same arithmetic as in `optima.py`.
fn pixel(i: usize, j: usize, label: u32) -> u8 {
    let mut h = (i as u32)
        .wrapping_mul(2_654_435_761)
        .wrapping_add(j as u32 * 40_503)
        .wrapping_add(12_345);
    for _ in 0..3 {
        h ^= h >> 15;
        h = h.wrapping_mul(2_246_822_519);
        h ^= h >> 13;
    }
    let lift = if j % 7 == label as usize % 7 { 40 } else { 0 };
    (h % 200 + lift).min(255) as u8
}

fn pixels(n: usize, d: usize, classes: u32) -> (Vec<u8>, Vec<u32>) {
    let labels: Vec<u32> = (0..n as u32).map(|i| (7 * i + i / 5) % classes).collect();
    let rows = labels.iter().enumerate();
    let bytes = rows.flat_map(|(i, &label)| (0..d).map(move |j| pixel(i, j, label)));
    (bytes.collect(), labels)
}

fn data<'a>(bytes: &'a [u8], labels: &'a [u32], d: usize, classes: usize) -> LinearData<'a, u8> {
    let rows = Rows::from_mat(MatRef::from_rows(bytes, d)).unwrap();
    let affine = Affine::centered(Level::detect(), &rows, 1.0 / 255.0).unwrap();
    LinearData::new(rows, labels, classes)
        .unwrap()
        .with_affine(affine)
        .unwrap()
}

struct Case {
    shape: (usize, usize, usize),
    params: LinearParams,
    optimum: f64,
}

fn cases() -> Vec<Case> {
    let lines = include_str!("golden/linear/optima.csv").lines().skip(1);
    let case = |line: &str| {
        let field: Vec<&str> = line.split(',').collect();
        let number = |i: usize| field[i].parse::<f64>().unwrap();
        let penalty = Penalty::by_name(field[4], number(6)).unwrap();
        Case {
            shape: (number(0) as usize, number(1) as usize, number(2) as usize),
            params: LinearParams::new(field[3].parse().unwrap(), penalty, number(5)),
            optimum: number(7),
        }
    };
    lines.map(case).collect()
}

/// Fits, checking the certificate of every step against the true optimum.
fn fit(case: &Case, exact: ExactParams) -> ExactFit {
    let (n, d, classes) = case.shape;
    let (bytes, labels) = pixels(n, d, classes as u32);
    let data = data(&bytes, &labels, d, classes);
    let mut solver = ExactSolver::new(exact.check().unwrap(), &data);
    let mut last = f64::INFINITY;
    // What f32 scores and the other solver's tolerance leave open.
    let rounding = 1e-7 * (1.0 + case.optimum);
    let fit = solver
        .fit(&case.params.check().unwrap(), None, &(), &mut |step| {
            // But for what rounding scores anew changes.
            let risen = step.objective - last;
            assert!(risen <= rounding, "the best objective rises by {risen}");
            last = step.objective;
            assert!(step.objective >= case.optimum - rounding);
            if let Some(gap) = step.gap {
                let error = step.objective - case.optimum;
                assert!(
                    gap >= error - rounding,
                    "{:?} {:?} {:?}: gap {gap}, but {error} above the optimum",
                    case.params.loss,
                    case.params.penalty,
                    case.shape
                );
            }
        })
        .unwrap();
    assert!(
        fit.gap
            .is_none_or(|gap| gap >= fit.objective - case.optimum - rounding)
    );
    fit
}

#[test]
fn every_loss_and_penalty_reaches_the_optimum() {
    let cases = cases();
    assert_eq!(cases.len(), 35);
    for case in &cases {
        let smooth = matches!(case.params.loss, Loss::Softmax | Loss::SvmSquared);
        let few = case.shape.0 < case.shape.1;
        let (tolerance, close) = match (smooth, case.params.loss, case.params.penalty) {
            (true, ..) => (1e-7, 1e-6),
            // Proximal steps of weights take long here; the certificate, which `fit` checks, says so.
            (_, Loss::CrammerSinger, Penalty::L1) if few => (2e-5, 1e-3),
            _ => (2e-5, 1e-4),
        };
        let exact = ExactParams {
            tolerance,
            max_passes: 3000,
        };
        let fit = fit(case, exact);
        let error = (fit.objective - case.optimum) / case.optimum;
        let what = (
            case.params.loss,
            case.params.penalty,
            case.shape,
            fit.gap,
            fit.passes,
        );
        assert!(error.abs() <= close, "{what:?}: {error:e} from the optimum");
        let has_gap = case.params.penalty != Penalty::None;
        assert_eq!(fit.gap.is_some(), has_gap, "{what:?}");
        // Without squares in it, a dual point has to be shrunk to be one, which costs most of the gap.
        if smooth && has_gap || case.params.penalty.l2_factor() > 0.0 {
            assert!(fit.converged, "{what:?}");
        }
        if let (Some(gap), true) = (fit.gap, fit.converged) {
            assert!(gap <= tolerance * fit.objective, "{what:?}");
        }
    }
}

#[test]
fn l1_meets_its_subgradient_conditions() {
    let case = Case {
        shape: (120, 6, 4),
        params: LinearParams::new(Loss::Softmax, Penalty::L1, 0.03),
        optimum: 0.0,
    };
    let (bytes, labels) = pixels(120, 6, 4);
    let data = data(&bytes, &labels, 6, 4);
    let exact = ExactParams {
        tolerance: 1e-9,
        ..Default::default()
    };
    let config = case.params.check().unwrap();
    let mut solver = ExactSolver::new(exact.check().unwrap(), &data);
    let fit = solver.fit(&config, None, &(), &mut |_| {}).unwrap();
    let mut gradient = Parameters::zero(4, 6);
    let mut objective = nearplane_models::linear::Objective::new(&config, &data);
    objective.evaluate(&fit.parameters, Some(&mut gradient), None);
    let mut zeros = 0;
    for (&w, &g) in fit.parameters.weight.iter().zip(&gradient.weight) {
        if w == 0.0 {
            zeros += 1;
            assert!(g.abs() <= 0.03 + 1e-5, "{g}");
        } else {
            assert!((g + 0.03 * w.signum()).abs() < 1e-5, "{g} at {w}");
        }
    }
    assert!(zeros > 0 && zeros < 24, "{zeros} weights are 0");
    assert!(gradient.bias.iter().all(|g| g.abs() < 1e-6));
}

#[test]
fn bits_do_not_depend_on_threads() {
    let (bytes, labels) = pixels(3000, 40, 5);
    for (loss, penalty) in [
        (Loss::Softmax, Penalty::L2),
        (Loss::Svm, Penalty::L2),
        (Loss::Softmax, Penalty::Elastic { beta: 0.5 }),
    ] {
        let fits: Vec<ExactFit> = [1, 2, 3]
            .into_iter()
            .map(|threads| {
                let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
                pool.build().unwrap().install(|| {
                    let data = data(&bytes, &labels, 40, 5);
                    let exact = ExactParams {
                        max_passes: 30,
                        ..Default::default()
                    };
                    let config = LinearParams::new(loss, penalty, 1e-3).check().unwrap();
                    let mut solver = ExactSolver::new(exact.check().unwrap(), &data);
                    solver.fit(&config, None, &(), &mut |_| {}).unwrap()
                })
            })
            .collect();
        assert_eq!(fits[0], fits[1]);
        assert_eq!(fits[0], fits[2]);
    }
}

#[test]
fn a_path_warms_up_and_ends_where_single_fits_do() {
    let (bytes, labels) = pixels(400, 30, 4);
    let balanced = data(&bytes, &labels, 30, 4)
        .with_class_weight(&ClassWeight::Given(vec![0.5, 1.0, 2.0, 1.0]))
        .unwrap();
    let exact = ExactParams {
        tolerance: 1e-8,
        ..Default::default()
    };
    let exact = exact.check().unwrap();
    let configs: Vec<_> = [1e-1, 1e-2, 1e-3]
        .into_iter()
        .map(|lambda| {
            LinearParams::new(Loss::Softmax, Penalty::L2, lambda)
                .check()
                .unwrap()
        })
        .collect();
    let mut steps = vec![0; 3];
    let path = ExactSolver::new(exact, &balanced)
        .path(&configs, &(), &mut |index, _| steps[index] += 1)
        .unwrap();
    for ((config, fit), steps) in configs.iter().zip(&path).zip(steps) {
        let mut solver = ExactSolver::new(exact, &balanced);
        let single = solver.fit(config, None, &(), &mut |_| {}).unwrap();
        assert!(fit.converged && single.converged && steps > 1);
        assert!((fit.objective - single.objective).abs() < 1e-7);
    }
}

#[test]
fn cancelling_and_misfits_are_typed_errors() {
    struct Impatient;
    impl Monitor for Impatient {
        fn cancelled(&self) -> bool {
            true
        }
    }
    let (bytes, labels) = pixels(60, 5, 3);
    let data = data(&bytes, &labels, 5, 3);
    let mut solver = ExactSolver::new(ExactParams::default().check().unwrap(), &data);
    let config = LinearParams::default().check().unwrap();
    assert_eq!(
        solver
            .fit(&config, None, &Impatient, &mut |_| {})
            .unwrap_err(),
        LinearError::Cancelled
    );
    let start = Parameters::zero(3, 4);
    let error = solver
        .fit(&config, Some(&start), &(), &mut |_| {})
        .unwrap_err();
    assert_eq!(error.to_string(), "weight has 12 numbers, expected 15");
    for bad in [
        ExactParams {
            tolerance: -1.0,
            ..Default::default()
        },
        ExactParams {
            max_passes: 0,
            ..Default::default()
        },
    ] {
        assert!(matches!(bad.check(), Err(LinearError::Range { .. })));
    }
}
