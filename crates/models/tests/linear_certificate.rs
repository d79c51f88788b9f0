//! The certificate of any point, against the optimum that the exact solver finds.

use nearplane_kernels::MatRef;
use nearplane_models::linear::{
    Certificate, ExactParams, ExactSolver, LinearData, LinearError, LinearParams, Loss, Parameters,
    Penalty, SgdParams, SgdTrainer,
};
use nearplane_models::neighbors::Rows;

const N: usize = 90;
const D: usize = 5;
const K: usize = 3;

fn rows() -> (Vec<f32>, Vec<u32>) {
    let x =
        (0..N * D).map(|i| ((i * i + 7 * i) as f32 * 0.37).sin() + (i % (K * D) / D) as f32 * 0.3);
    (x.collect(), (0..N as u32).map(|i| i % K as u32).collect())
}

#[test]
fn a_gap_is_never_below_the_error_and_small_near_the_optimum() {
    let (x, labels) = rows();
    let rows = Rows::from_mat(MatRef::from_rows(&x, D)).unwrap();
    let data = LinearData::new(rows, &labels, K).unwrap();
    for loss in Loss::ALL {
        for penalty in [
            Penalty::None,
            Penalty::L2,
            Penalty::L1,
            Penalty::Elastic { beta: 0.5 },
        ] {
            let what = (loss, penalty);
            let config = LinearParams::new(loss, penalty, 0.02).check().unwrap();
            let exact = ExactParams {
                tolerance: 1e-7,
                max_passes: 2000,
            };
            let mut solver = ExactSolver::new(exact.check().unwrap(), &data);
            let optimum = solver.fit(&config, None, &(), &mut |_| {}).unwrap();
            let sgd = SgdParams {
                epochs: 100,
                batch_size: 30,
                average: 0.3,
                ..Default::default()
            };
            let mut sgd = SgdTrainer::new(&config, &sgd.check().unwrap(), &data);
            while sgd.run_epoch(&()).unwrap().is_some() {}
            let mut far = Parameters::zero(K, D);
            far.bias = vec![3.0, -1.0, 0.5];
            far.weight[4] = -2.0;
            let lower = optimum.objective - optimum.gap.unwrap_or(0.0);
            for (at, close) in [
                (&optimum.parameters, true),
                (&sgd.parameters(), false),
                (&far, false),
                (&Parameters::zero(K, D), false),
            ] {
                let found = Certificate::of(&config, &data, at).unwrap();
                assert!(found.objective >= lower - 1e-6, "{what:?}");
                let above = found.objective - optimum.objective;
                match found.gap {
                    None => assert_eq!(penalty, Penalty::None, "{what:?}"),
                    Some(gap) => {
                        assert_ne!(penalty, Penalty::None, "{what:?}");
                        assert!(gap >= above - 1e-6, "{what:?}: gap {gap}, {above} above");
                        // The coefficients of hinges are those of a smoothed loss.
                        let close = close && loss.smoothness(K).is_some();
                        assert!(!close || gap <= 1e-4 * found.objective, "{what:?}: {gap}");
                    }
                }
                assert!(found.stationarity >= 0.0);
                if close && loss.smoothness(K).is_some() {
                    assert!(found.stationarity < 1e-3, "{what:?} {}", found.stationarity);
                }
            }
        }
    }
}

#[test]
fn other_shapes_are_refused() {
    let (x, labels) = rows();
    let rows = Rows::from_mat(MatRef::from_rows(&x, D)).unwrap();
    let data = LinearData::new(rows, &labels, K).unwrap();
    let config = LinearParams::default().check().unwrap();
    for at in [Parameters::zero(K, D + 1), Parameters::zero(K + 1, D)] {
        assert!(matches!(
            Certificate::of(&config, &data, &at),
            Err(LinearError::Tensor { .. })
        ));
    }
    let mut at = Parameters::zero(K, D);
    at.weight[0] = 1e308;
    assert_eq!(
        Certificate::of(&config, &data, &at),
        Err(LinearError::NotFinite)
    );
}
