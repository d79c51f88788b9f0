//! Runs of stochastic gradient descent: the same bits whatever happens around them, resumed, cancelled,
//! or refused.

mod images;

use images::{D, K, data, images, softmax, trainer};
use nearplane_models::Monitor;
use nearplane_models::linear::{
    LinearError, LinearParams, Loss, Optimizer, Penalty, Schedule, SgdParams, SgdState, SgdTrainer,
};
use std::sync::atomic::{AtomicU64, Ordering};

fn in_threads<R: Send>(threads: usize, run: impl FnOnce() -> R + Send) -> R {
    let pool = rayon::ThreadPoolBuilder::new().num_threads(threads);
    pool.build().unwrap().install(run)
}

/// Every way of training that keeps numbers of its own.
fn variants() -> Vec<SgdParams> {
    let base = SgdParams {
        epochs: 5,
        batch_size: 100,
        seed: 3,
        ..SgdParams::default()
    };
    let nesterov = Optimizer::Momentum {
        momentum: 0.8,
        nesterov: true,
    };
    vec![
        base,
        SgdParams {
            optimizer: Optimizer::adam(),
            average: 0.5,
            ..base
        },
        SgdParams {
            optimizer: nesterov,
            dropout: 0.3,
            schedule: Schedule::Step {
                every: 2,
                factor: 0.3,
            },
            ..base
        },
        SgdParams {
            running_statistics: Some(0.1),
            dropout: 0.1,
            average: 0.3,
            schedule: Schedule::Inverse { decay: 0.5 },
            ..base
        },
        SgdParams {
            running_statistics: Some(0.1),
            patience: Some(4),
            schedule: Schedule::Constant,
            batch_size: 999_999,
            ..base
        },
    ]
}

#[test]
fn threads_do_not_show() {
    let (bytes, labels) = images(1100);
    let (train, validation) = bytes.split_at(1000 * D);
    let (train_labels, validation_labels) = labels.split_at(1000);
    let elastic = LinearParams::new(Loss::SvmSquared, Penalty::Elastic { beta: 0.5 }, 1e-3);
    for objective in [softmax(), elastic.check().unwrap()] {
        for params in variants() {
            // Batches large enough to go to several threads, too.
            for batch_size in [params.batch_size, 400] {
                let params = SgdParams {
                    batch_size,
                    ..params
                };
                let run = |threads| {
                    in_threads(threads, || {
                        let data = data(train, train_labels);
                        let validation = (validation, validation_labels);
                        let mut trainer = trainer(params, &objective, &data, &validation);
                        let mut reports = Vec::new();
                        while let Some(report) = trainer.run_epoch(&()).unwrap() {
                            reports.push(report);
                        }
                        (reports, trainer.state().clone(), trainer.model().unwrap())
                    })
                };
                let expected = run(1);
                assert!(expected.0.last().unwrap().last);
                for threads in [1, 2, 3] {
                    assert!(run(threads) == expected, "{threads} threads, {params:?}");
                }
            }
        }
    }
}

#[test]
fn a_resumed_run_comes_to_the_same_bits() {
    let (bytes, labels) = images(700);
    let (train, validation) = bytes.split_at(600 * D);
    let (train_labels, validation_labels) = labels.split_at(600);
    let validation = (validation, validation_labels);
    let data = data(train, train_labels);
    for params in variants() {
        let mut whole = trainer(params, &softmax(), &data, &validation);
        for _ in 0..5 {
            whole.run_epoch(&()).unwrap().unwrap();
        }
        assert_eq!(whole.run_epoch(&()).unwrap(), None);

        let mut first = trainer(params, &softmax(), &data, &validation);
        for _ in 0..2 {
            first.run_epoch(&()).unwrap().unwrap();
        }
        // As it would come back from a file.
        let state = first.state();
        let tensors = state.tensors().into_iter().rev();
        let tensors: Vec<(String, Vec<f32>)> = tensors
            .map(|(name, shape, numbers)| {
                assert_eq!(shape.iter().product::<usize>(), numbers.len());
                (name.to_owned(), numbers.to_vec())
            })
            .collect();
        let run = state.run().to_owned();
        let loaded = SgdState::from_tensors(run, K, D, state.progress(), tensors).unwrap();
        assert_eq!(&loaded, state);
        let mut second = trainer(params, &softmax(), &data, &validation);
        second = second.resume(loaded).unwrap();
        for _ in 0..3 {
            second.run_epoch(&()).unwrap().unwrap();
        }
        assert_eq!(second.state(), whole.state(), "{params:?}");
        assert_eq!(second.model().unwrap(), whole.model().unwrap());
    }
}

/// Stops in the middle of an epoch.
struct StopsAt(AtomicU64);

impl Monitor for StopsAt {
    fn cancelled(&self) -> bool {
        self.0.fetch_sub(1, Ordering::Relaxed) == 0
    }
}

#[test]
fn a_cancelled_epoch_leaves_no_trace() {
    let (bytes, labels) = images(600);
    let data = data(&bytes, &labels);
    for params in variants() {
        let params = SgdParams {
            patience: None,
            batch_size: 50,
            ..params
        };
        let mut trainer = SgdTrainer::new(&softmax(), &params.check().unwrap(), &data);
        let mut expected = SgdTrainer::new(&softmax(), &params.check().unwrap(), &data);
        for epoch in 0..5 {
            let before = trainer.state().clone();
            let stops = StopsAt(AtomicU64::new(epoch + 1));
            assert_eq!(trainer.run_epoch(&stops), Err(LinearError::Cancelled));
            assert_eq!(trainer.state(), &before);
            trainer.run_epoch(&()).unwrap().unwrap();
            expected.run_epoch(&()).unwrap().unwrap();
            assert_eq!(trainer.state(), expected.state());
        }
    }
}

#[test]
fn what_cannot_work_is_refused_by_name() {
    let (bytes, labels) = images(60);
    let data = data(&bytes, &labels);
    let config = |params: SgdParams| params.check().unwrap();
    let message = |error: LinearError| error.to_string();
    let base = SgdParams::default();

    let mut trainer = SgdTrainer::new(
        &softmax(),
        &config(SgdParams {
            patience: Some(1),
            ..base
        }),
        &data,
    );
    assert_eq!(
        message(trainer.run_epoch(&()).unwrap_err()),
        "early stopping needs validation rows: give some, or switch it off"
    );
    let wild = SgdParams {
        learning_rate: Some(1e30),
        ..base
    };
    let mut trainer = SgdTrainer::new(&softmax(), &config(wild), &data);
    let before = trainer.state().clone();
    let error = loop {
        match trainer.run_epoch(&()) {
            Ok(report) => assert!(report.is_some(), "nothing diverged"),
            Err(error) => break error,
        }
    };
    assert!(
        message(error).contains("training diverged in epoch"),
        "{before:?}"
    );
    assert!(
        trainer
            .state()
            .tensors()
            .iter()
            .all(|(_, _, x)| x.iter().all(|x| x.is_finite()))
    );

    let state = SgdTrainer::new(&softmax(), &config(base), &data)
        .state()
        .clone();
    let other = config(SgdParams { seed: 1, ..base });
    let error = SgdTrainer::new(&softmax(), &other, &data)
        .resume(state.clone())
        .unwrap_err();
    let text = message(error);
    assert!(
        text.starts_with("the saved state is of another run"),
        "{text}"
    );
    assert!(text.contains("seed=0") && text.contains("seed=1"), "{text}");

    let parts = |change: fn(&mut Vec<(String, Vec<f32>)>)| {
        let mut tensors = Vec::new();
        for (name, _, numbers) in state.tensors() {
            tensors.push((name.to_owned(), numbers.to_vec()));
        }
        change(&mut tensors);
        SgdState::from_tensors(state.run().to_owned(), K, D, state.progress(), tensors)
    };
    assert_eq!(parts(|_| {}).unwrap(), state);
    assert_eq!(
        message(parts(|tensors| tensors[0].1.truncate(7)).unwrap_err()),
        "weight has 7 numbers, expected 1500"
    );
    assert_eq!(
        message(parts(|tensors| tensors[1].1[2] = f32::NAN).unwrap_err()),
        "bias holds a non-finite number at position 2"
    );
    assert_eq!(
        message(parts(|tensors| tensors.push(("x".to_owned(), vec![]))).unwrap_err()),
        "a saved state has no tensor 'x'"
    );
    let headless = parts(|tensors| tensors.retain(|(name, _)| name != "first_moment.bias"));
    let trainer = SgdTrainer::new(&softmax(), &config(base), &data);
    assert_eq!(
        message(trainer.resume(headless.unwrap()).unwrap_err()),
        "first_moment.bias has 0 numbers, expected 10"
    );

    let bad = [
        SgdParams { epochs: 0, ..base },
        SgdParams {
            batch_size: 0,
            ..base
        },
        SgdParams {
            learning_rate: Some(0.0),
            ..base
        },
        SgdParams {
            learning_rate: Some(f64::NAN),
            ..base
        },
        SgdParams {
            dropout: 1.0,
            ..base
        },
        SgdParams {
            average: 1.5,
            ..base
        },
        SgdParams {
            patience: Some(0),
            ..base
        },
        SgdParams {
            running_statistics: Some(0.0),
            ..base
        },
        SgdParams {
            schedule: Schedule::Step {
                every: 0,
                factor: 0.5,
            },
            ..base
        },
        SgdParams {
            schedule: Schedule::Inverse { decay: -1.0 },
            ..base
        },
        SgdParams {
            optimizer: Optimizer::Momentum {
                momentum: 1.0,
                nesterov: false,
            },
            ..base
        },
        SgdParams {
            optimizer: Optimizer::Adam {
                beta1: 0.9,
                beta2: 1.0,
                epsilon: 1e-8,
            },
            ..base
        },
    ];
    for params in bad {
        assert!(
            matches!(params.check(), Err(LinearError::Range { .. })),
            "{params:?}"
        );
    }
    assert_eq!(
        message(bad[0].check().unwrap_err()),
        "epochs = 0 is out of range, expected at least 1"
    );
}
