//! `nearplane train`: fit a linear model, choose lambda on validation rows, write the model.

mod checkpoint;
mod fit;
mod parts;
mod plot;
mod record;
mod ridge;

use std::io::Write as _;
use std::time::Instant;

use anyhow::{Context as _, Result};
use nearplane_cifar::SplitName;
use nearplane_models::features::{FeatureSpec, ImageShape};
use nearplane_models::linear::{Optimizer, Schedule};
use nearplane_models::metrics::accuracy;
use nearplane_models::model_file::{LinearModelFile, ModelInput, Training};
use nearplane_models::neighbors::Element;
use serde_json::{Value, json};

use self::checkpoint::Keeper;
pub(crate) use self::parts::classes;
use self::parts::{Part, Parts};
pub(crate) use self::record::COLUMNS;
use self::record::Outcome;
use super::knn::input::Input;
use super::knn::task::{rows, widen};
use crate::data_source;
use crate::feature_matrix::FeatureMatrix;
use crate::matrices::{Cell, Pair, Table, Tables};
use crate::output::{Report, note};
use crate::pending::PendingFile;
use crate::plan::{Settings, Solver, TrainPlan};
use crate::progress::check_interrupt;

/// Opens, fits, writes the model and reports.
pub(crate) fn run(plan: &TrainPlan, settings: &Settings) -> Result<Report> {
    let file = PendingFile::create(&plan.out, settings.force)?;
    let start = |path| PendingFile::create(path, settings.force);
    let plot = plan.plot.as_deref().map(start).transpose()?;
    let started = Instant::now();
    let input = Input::open(&plan.input, settings)?;
    let open_s = started.elapsed().as_secs_f64();
    let checkpoint = match &plan.solver {
        Solver::Exact(_) | Solver::Ridge(_) => None,
        Solver::Sgd { checkpoint, .. } => Some(checkpoint),
    };
    let outputs = [
        Some(&plan.out),
        checkpoint,
        plan.plot.as_ref(),
        settings.results.as_ref(),
    ];
    for path in outputs {
        path.map_or(Ok(()), |path| input.refuse_as_output(path))?;
    }
    let run = Run {
        plan,
        settings,
        input: &input,
        open_s,
        features_s: None,
        plot,
    };
    match &input {
        Input::Images(opened, _) => {
            let images = opened.data.train();
            let labels = widen(images.labels());
            let names = Some(opened.data.class_names());
            match &plan.features {
                None => {
                    let rows = rows(images)?;
                    run.finish(
                        &Parts::new(Part { rows, labels }, None, names, settings)?,
                        file,
                    )
                }
                Some(choice) => {
                    let started = Instant::now();
                    let of = &opened.data;
                    let matrix = FeatureMatrix::of(of, SplitName::Train, choice, settings)?;
                    let run = Run {
                        features_s: Some(started.elapsed().as_secs_f64()),
                        ..run
                    };
                    let rows = matrix.rows()?;
                    let mut parts = Parts::new(Part { rows, labels }, None, names, settings)?;
                    let blocks = choice.extractor.blocks().iter();
                    let raw = blocks.filter(|block| block.spec == "raw");
                    parts.raw_columns = raw.map(|block| block.columns.clone()).collect();
                    run.finish(&parts, file)
                }
            }
        }
        Input::Matrices(matrices) => match &matrices.tables {
            Tables::U8(pair) => run.finish(&of_matrices(pair, settings)?, file),
            Tables::F32(pair) => run.finish(&of_matrices(pair, settings)?, file),
        },
    }
}

fn of_matrices<'a, T: Cell>(pair: &'a Pair<T>, settings: &Settings) -> Result<Parts<'a, T>> {
    let part = |table: &'a Table<T>| -> Result<Part<'a, T>> {
        Ok(Part {
            rows: table.rows()?,
            labels: table.labels.clone(),
        })
    };
    let validation = pair.eval.as_ref().map(part).transpose()?;
    Parts::new(part(&pair.train)?, validation, None, settings)
}

/// A run whose data are open.
struct Run<'a> {
    plan: &'a TrainPlan,
    settings: &'a Settings,
    input: &'a Input,
    open_s: f64,
    /// To compute the features, where any are asked for.
    features_s: Option<f64>,
    plot: Option<PendingFile>,
}

impl Run<'_> {
    /// The same for every type of element.
    fn finish<T: Element>(mut self, parts: &Parts<'_, T>, mut file: PendingFile) -> Result<Report> {
        let mut plot = self.plot.take();
        let Run {
            plan,
            settings,
            input,
            ..
        } = self;
        check_interrupt()?;
        let hash = input.hash();
        let limit = data_source::limit(settings, input.lens().0);
        let options = options(&plan.solver);
        let mut keeper = None;
        let fits = match &plan.solver {
            Solver::Exact(config) => fit::exact(plan, *config, parts, settings)?,
            Solver::Ridge(params) => ridge::ridge(plan, params, parts, settings)?,
            Solver::Sgd {
                config,
                checkpoint,
                resume,
            } => {
                let mut configuration = self.configuration(&hash, limit);
                let shown = |(name, value): &(&str, Value)| (format!("--{name}"), text_of(value));
                configuration.extend(options.iter().map(shown));
                let keeper = keeper.insert(Keeper::new(checkpoint, configuration, *resume)?);
                let fits = fit::sgd(plan, *config, parts, keeper, settings);
                fits.map_err(|error| keeper.failed(error, *resume))?
            }
        };
        let last = &fits.last;
        if last.converged == Some(false) {
            note(
                settings.quiet,
                "the solver stopped short of --tolerance; what is missing at most is recorded as gap, and --max-passes \
                 lets it go on",
            );
        }
        let predicted = last.model.predict(settings.level, &parts.whole.rows)?;
        let train = accuracy(&predicted, &parts.whole.labels);
        let model = LinearModelFile {
            model: last.model.clone(),
            input: self.model_input()?,
            classes: parts.classes.clone(),
            training: Training {
                penalty: plan.penalty,
                lambda: fits.judged[fits.chosen].lambda,
                solver: plan.solver.name().to_owned(),
                seed: settings.seed,
                split_seed: settings.split_seed,
                data: hash.clone(),
                rows: parts.whole.labels.len() as u64,
                ..Training::default()
            },
        };
        file.write_all(&model.to_bytes()?)
            .with_context(|| file.cannot_write())?;
        if let Some(file) = &mut plot {
            let cannot = file.cannot_write();
            let svg = plot::of(&fits).to_svg();
            file.write_all(svg.as_bytes()).context(cannot)?;
        }

        // From here on the data is not touched any more; nothing was shown yet.
        input.verify_unchanged()?;
        check_interrupt()?;
        let files = std::iter::once(file).chain(plot);
        settings.outputs.place(files.collect())?;
        if let Some(keeper) = keeper {
            keeper.remove()?;
        }
        let outcome = Outcome {
            data: input.record(&hash),
            row_word: input.row_word(),
            labels: input.labels_name(),
            limit,
            seed: settings.seed,
            split_seed: settings.split_seed,
            n_train: parts.whole.labels.len(),
            n_val: parts.validation.labels.len(),
            n_classes: parts.classes.len(),
            n_features: model.model.n_features(),
            features: self.features(),
            loss: plan.loss.to_string(),
            penalty: plan.penalty.to_string(),
            beta: plan.beta(),
            class_weights: plan.class_weights_name(),
            solver: plan.solver.name(),
            options,
            resumed: matches!(plan.solver, Solver::Sgd { resume: true, .. }),
            simd: settings.level.name(),
            mmap: input.is_mapped(settings),
            open_s: self.open_s,
            features_s: self.features_s,
            train_accuracy: train.value(),
            fits,
            model: plan.out.display().to_string(),
        };
        Ok(outcome.report())
    }

    /// The features of images, in full.
    fn features(&self) -> Option<String> {
        match (&self.input, &self.plan.features) {
            (Input::Matrices(_), _) => None,
            (Input::Images(..), None) => Some("raw".to_owned()),
            (Input::Images(..), Some(choice)) => Some(choice.extractor.spec().to_string()),
        }
    }

    fn model_input(&self) -> Result<ModelInput> {
        Ok(match self.features() {
            None => ModelInput::Matrix,
            Some(spec) => ModelInput::Images {
                shape: ImageShape::CIFAR,
                features: spec.parse::<FeatureSpec>()?,
            },
        })
    }

    /// What shows in the bits of the model, the options of the solver apart.
    fn configuration(&self, hash: &str, limit: Option<usize>) -> Vec<(String, String)> {
        let Run { plan, settings, .. } = self;
        let lambdas = plan
            .configs
            .iter()
            .map(|config| config.lambda().to_string());
        let fields = [
            ("version", env!("CARGO_PKG_VERSION").to_owned()),
            ("data", hash.to_owned()),
            ("--limit", text_of(&json!(limit))),
            ("--features", text_of(&json!(self.features()))),
            ("--loss", plan.loss.to_string()),
            ("--penalty", plan.penalty.to_string()),
            ("--beta", text_of(&json!(plan.beta()))),
            ("--lambda", lambdas.collect::<Vec<_>>().join(",")),
            ("--class-weights", plan.class_weights_name().to_owned()),
            ("--seed", settings.seed.to_string()),
            ("--split-seed", settings.split_seed.to_string()),
            ("--simd", settings.level.name().to_owned()),
        ];
        let fields = fields.into_iter();
        fields.map(|(name, text)| (name.to_owned(), text)).collect()
    }
}

/// A value for people.
fn text_of(value: &Value) -> String {
    match value {
        Value::Null => "none".to_owned(),
        Value::String(text) => text.clone(),
        other => other.to_string(),
    }
}

/// The options of a solver, by their names.
fn options(solver: &Solver) -> Vec<(&'static str, Value)> {
    let params = match solver {
        Solver::Exact(config) => {
            return vec![
                ("tolerance", json!(config.tolerance())),
                ("max-passes", json!(config.max_passes())),
            ];
        }
        Solver::Ridge(params) => return vec![("leave-one-out", json!(params.leave_one_out))],
        Solver::Sgd { config, .. } => config.params(),
    };
    let (optimizer, momentum) = match params.optimizer {
        Optimizer::Momentum { momentum, nesterov } => {
            let name = if nesterov { "nesterov" } else { "momentum" };
            (name, Some(momentum))
        }
        _ => ("adam", None),
    };
    let schedule = match params.schedule {
        Schedule::Step { every, factor } => format!("step:every={every},factor={factor}"),
        Schedule::Inverse { decay } => format!("inverse:decay={decay}"),
        other => other.name().to_owned(),
    };
    vec![
        ("epochs", json!(params.epochs)),
        ("batch", json!(params.batch_size)),
        ("rate", json!(params.learning_rate)),
        ("schedule", json!(schedule)),
        ("optimizer", json!(optimizer)),
        ("momentum", json!(momentum)),
        ("average", json!(params.average)),
        ("dropout", json!(params.dropout)),
        ("running-statistics", json!(params.running_statistics)),
        ("patience", json!(params.patience)),
    ]
}
