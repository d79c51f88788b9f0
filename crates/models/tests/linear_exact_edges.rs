//! The exact solver on data that a textbook leaves out, and how soon it hears that it should stop.

use nearplane_kernels::{Level, MatRef};
use nearplane_models::Monitor;
use nearplane_models::linear::{
    Affine, ExactFit, ExactParams, ExactSolver, LinearData, LinearError, LinearParams, Loss,
    Objective, Penalty,
};
use nearplane_models::neighbors::Rows;
use std::sync::atomic::{AtomicU64, Ordering};

const HINGES: [Loss; 3] = [Loss::Svm, Loss::OneVsAll, Loss::CrammerSinger];

fn fit(
    rows: &[f32],
    labels: &[u32],
    d: usize,
    params: LinearParams,
    monitor: &dyn Monitor,
) -> Result<ExactFit, LinearError> {
    let rows = Rows::from_mat(MatRef::from_rows(rows, d)).unwrap();
    let affine = Affine::centered(Level::detect(), &rows, 1.0).unwrap();
    let n_classes = labels.iter().max().unwrap() + 1;
    let data = LinearData::new(rows, labels, n_classes as usize).unwrap();
    let data = data.with_affine(affine).unwrap();
    let exact = ExactParams {
        max_passes: 400,
        ..Default::default()
    };
    let config = params.check().unwrap();
    let fit =
        ExactSolver::new(exact.check().unwrap(), &data).fit(&config, None, monitor, &mut |_| {})?;
    // What is reported is what these parameters have.
    let fresh = Objective::new(&config, &data).evaluate(&fit.parameters, None, None)
        + config.penalty_term(&fit.parameters.weight);
    assert!(
        (fresh - fit.objective).abs() <= 1e-5 * (1.0 + fresh.abs()),
        "{params:?}: reported {}, has {fresh}",
        fit.objective
    );
    if let Some(gap) = fit.gap {
        assert!(gap >= 0.0 && gap.is_finite());
        assert!(!fit.converged || gap <= 1e-4 * fit.objective);
    }
    Ok(fit)
}

/// Rows `n x d`, labels, d.
fn degenerate() -> Vec<(&'static str, Vec<f32>, Vec<u32>, usize)> {
    let wave = |i: usize| (i as f32 * 0.7).sin();
    vec![
        ("zero features", vec![0.0; 6 * 3], vec![0, 1, 2, 0, 1, 2], 3),
        (
            "constant rows",
            vec![7.0; 8 * 2],
            vec![0, 1, 0, 1, 0, 1, 1, 1],
            2,
        ),
        ("two rows", (0..2 * 4).map(wave).collect(), vec![0, 1], 4),
        (
            "two equal rows of two classes",
            vec![1.0; 2 * 3],
            vec![0, 1],
            3,
        ),
        (
            "one image often, one other",
            (0..9 * 12)
                .map(|i| if i < 96 { wave(i % 12) } else { 1.0 })
                .collect(),
            vec![0, 1, 2, 0, 1, 2, 0, 1, 2],
            12,
        ),
        (
            "columns of zeros",
            (0..10 * 6)
                .map(|i| if i % 2 == 0 { 0.0 } else { wave(i) })
                .collect(),
            (0..10).map(|i| i % 2).collect(),
            6,
        ),
        (
            "large numbers",
            (0..10 * 12).map(|i| 1e6 * wave(i)).collect(),
            (0..10).map(|i| i % 3).collect(),
            12,
        ),
        (
            "small numbers",
            (0..40 * 2).map(|i| 1e-6 * wave(i)).collect(),
            (0..40).map(|i| i % 3).collect(),
            2,
        ),
    ]
}

#[test]
fn degenerate_rows_have_finite_fits() {
    for (what, rows, labels, d) in degenerate() {
        for loss in HINGES {
            for penalty in [
                Penalty::L2,
                Penalty::L1,
                Penalty::Elastic { beta: 0.5 },
                Penalty::None,
            ] {
                for lambda in [1e-12, 1e-3, 1e9] {
                    let params = LinearParams::new(loss, penalty, lambda);
                    let fit = fit(&rows, &labels, d, params, &());
                    let fit = fit.unwrap_or_else(|e| panic!("{what} {params:?}: {e}"));
                    let all = fit.parameters.weight.iter().chain(&fit.parameters.bias);
                    assert!(all.clone().all(|x| x.is_finite()), "{what} {params:?}");
                    assert!(fit.objective >= 0.0, "{what} {params:?}");
                }
            }
        }
    }
}

#[test]
fn what_no_row_tells_apart_costs_what_the_classes_cost() {
    // Equal rows leave nothing but the bias: the least sum of hinges over the shares of the classes.
    let labels = [0, 1, 0, 0, 1, 0];
    let fits = |loss| {
        let params = LinearParams::new(loss, Penalty::L2, 1e-3);
        fit(&[3.0; 12], &labels, 2, params, &()).unwrap()
    };
    // Two of six rows on the wrong side, at a margin of 2 against 0.
    for loss in [Loss::Svm, Loss::CrammerSinger] {
        let fit = fits(loss);
        assert!(fit.converged, "{loss}: {fit:?}");
        assert!(
            (fit.objective - 2.0 / 3.0).abs() < 1e-4,
            "{loss}: {}",
            fit.objective
        );
    }
    // The same for each of two classes.
    let fit = fits(Loss::OneVsAll);
    assert!(fit.converged, "{fit:?}");
    assert!(
        (fit.objective - 4.0 / 3.0).abs() < 2e-4,
        "{}",
        fit.objective
    );
}

/// Counts the questions, and says stop at one of them and ever after.
struct StopsAt {
    asked: AtomicU64,
    stop: u64,
}

impl Monitor for StopsAt {
    fn cancelled(&self) -> bool {
        self.asked.fetch_add(1, Ordering::Relaxed) >= self.stop
    }
}

#[test]
fn stopping_is_heard_wherever_the_solver_is() {
    // Few rows and many columns, and the other way round, for each of the methods.
    for (n, d) in [(30, 50), (60, 7)] {
        let rows: Vec<f32> = (0..n * d).map(|i| (i as f32 * 1.3).sin()).collect();
        let labels: Vec<u32> = (0..n as u32).map(|i| i % 3).collect();
        for (loss, penalty) in [
            (Loss::Svm, Penalty::L2),
            (Loss::OneVsAll, Penalty::L2),
            (Loss::OneVsAll, Penalty::Elastic { beta: 1.0 }),
            (Loss::Softmax, Penalty::L1),
        ] {
            let params = LinearParams::new(loss, penalty, 1e-3);
            let count = StopsAt {
                asked: AtomicU64::new(0),
                stop: u64::MAX,
            };
            fit(&rows, &labels, d, params, &count).unwrap();
            let questions = count.asked.load(Ordering::Relaxed);
            assert!(questions > 4, "{params:?} asks {questions} times");
            for stop in [0, 1, 2, 3, questions / 2, questions - 1] {
                let stops = StopsAt {
                    asked: AtomicU64::new(0),
                    stop,
                };
                let error = fit(&rows, &labels, d, params, &stops).unwrap_err();
                assert_eq!(
                    error,
                    LinearError::Cancelled,
                    "{params:?} at {stop} of {questions}"
                );
            }
        }
    }
}
