//! `nearplane train`, decided.

use std::path::PathBuf;

use anyhow::{Context as _, Result, bail};
use nearplane_models::linear::{
    ClassWeight, ExactConfig, ExactParams, LinearConfig, LinearError, LinearParams, Loss,
    Optimizer, Penalty, RidgeParams, SgdConfig, SgdParams,
};

use super::matrices::input;
use super::{FeatureChoice, Input, Settings, features, is_svg, outputs_are_free, usage};
use crate::args::{
    ClassWeightsArg, ExactArgs, OptimizerArg, PenaltyArg, SgdArgs, SolverArg, TrainArgs,
};
use crate::pending::refuse_existing_file;

/// `train`.
pub(crate) struct TrainPlan {
    pub(crate) input: Input,
    /// `None`: the bytes of the images, or own matrices as they are.
    pub(crate) features: Option<FeatureChoice>,
    pub(crate) loss: Loss,
    pub(crate) penalty: Penalty,
    /// Checked, from the largest lambda to the smallest, without repeats; not empty.
    pub(crate) configs: Vec<LinearConfig>,
    pub(crate) class_weight: ClassWeight,
    pub(crate) solver: Solver,
    pub(crate) out: PathBuf,
    pub(crate) plot: Option<PathBuf>,
}

/// How it is minimised.
pub(crate) enum Solver {
    Exact(ExactConfig),
    /// In closed form, for all lambdas of the configurations; checked.
    Ridge(RidgeParams),
    Sgd {
        config: SgdConfig,
        /// Where the state is kept between epochs.
        checkpoint: PathBuf,
        resume: bool,
    },
}

impl Solver {
    /// As on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Solver::Exact(_) => "exact",
            Solver::Ridge(_) => "closed-form",
            Solver::Sgd { .. } => "sgd",
        }
    }
}

/// As on the command line.
pub(crate) fn class_weights_name(class_weight: &ClassWeight) -> &'static str {
    match class_weight {
        ClassWeight::Balanced => "balanced",
        _ => "none",
    }
}

impl TrainPlan {
    /// As on the command line.
    pub(crate) fn class_weights_name(&self) -> &'static str {
        class_weights_name(&self.class_weight)
    }

    /// The factor of the squares, of the penalty that has one to choose.
    pub(crate) fn beta(&self) -> Option<f64> {
        match self.penalty {
            Penalty::Elastic { beta } => Some(beta),
            _ => None,
        }
    }
}

/// Where no lambda is given: half decades, from where most weights are gone to where the penalty says little.
pub(super) const LAMBDAS: [f64; 11] = [
    1.0, 0.3, 0.1, 0.03, 0.01, 3e-3, 1e-3, 3e-4, 1e-4, 3e-5, 1e-5,
];

pub(super) fn train_plan(args: TrainArgs, settings: &Settings) -> Result<TrainPlan> {
    let is_safetensors = args
        .out
        .extension()
        .is_some_and(|suffix| suffix.eq_ignore_ascii_case("safetensors"));
    if !is_safetensors {
        return Err(usage(format!(
            "--out is {}, expected a name that ends in .safetensors",
            args.out.display()
        )));
    }
    let penalty = penalty(args.penalty, args.beta)?;
    let configs = configs(args.loss, penalty, &args.lambda, settings)?;
    let checkpoint = with_ending(&args.out, ".checkpoint");
    let solver = match args.solver.unwrap_or(SolverArg::Exact) {
        _ if args.loss == Loss::Ridge => ridge(&args, &configs, settings)?,
        SolverArg::Exact => {
            if let Some(option) = args.sgd.first_given() {
                return Err(usage(format!("--{option} needs --solver sgd")));
            }
            Solver::Exact(exact_config(&args.exact)?)
        }
        SolverArg::Sgd => {
            if let Some(option) = args.exact.first_given() {
                return Err(usage(format!("--{option} needs --solver exact")));
            }
            Solver::Sgd {
                config: sgd_config(&args.sgd, settings)?,
                checkpoint,
                resume: args.sgd.resume,
            }
        }
    };
    outputs_are_free(
        settings,
        &[("--out", Some(&args.out)), ("--plot", args.plot.as_deref())],
    )?;
    is_svg("--plot", args.plot.as_deref())?;
    if args.plot.is_some() && matches!(solver, Solver::Ridge(_)) {
        return Err(usage(
            "--plot draws the way of a fit, and --loss ridge has none: it is solved in closed form",
        ));
    }
    if let Solver::Sgd {
        checkpoint, resume, ..
    } = &solver
    {
        let shown = checkpoint.display();
        match (resume, checkpoint.try_exists()) {
            (true, Ok(false)) => bail!(
                "there is nothing to resume: {shown} does not exist; run the same command without --resume"
            ),
            (true, _) => refuse_existing_file(checkpoint, true)?,
            (false, Ok(true)) if !settings.force => bail!(
                "{shown} is left of an interrupted run: --resume continues it, --force starts over"
            ),
            (false, _) => refuse_existing_file(checkpoint, settings.force)?,
        }
    }
    let choice = args
        .features
        .map(|spec| features::choice(&spec, args.cache));
    // The bytes themselves need no copy as features.
    let choice = choice.transpose()?;
    let has_features = choice.is_some();
    let features = choice.filter(|choice| choice.extractor.spec().to_string() != "raw");
    let input = input(args.source, args.matrices, has_features)?;
    Ok(TrainPlan {
        input,
        features,
        loss: args.loss,
        penalty,
        configs,
        class_weight: match args.class_weights {
            ClassWeightsArg::None => ClassWeight::Uniform,
            ClassWeightsArg::Balanced => ClassWeight::Balanced,
        },
        solver,
        out: args.out,
        plot: args.plot,
    })
}

fn with_ending(path: &std::path::Path, ending: &str) -> PathBuf {
    let mut name = path.as_os_str().to_owned();
    name.push(ending);
    name.into()
}

fn penalty(arg: PenaltyArg, beta: Option<f64>) -> Result<Penalty> {
    if beta.is_some() && arg != PenaltyArg::Elastic {
        return Err(usage("--beta needs --penalty elastic"));
    }
    Ok(match arg {
        PenaltyArg::None => Penalty::None,
        PenaltyArg::L2 => Penalty::L2,
        PenaltyArg::L1 => Penalty::L1,
        PenaltyArg::Elastic => Penalty::Elastic {
            beta: beta.unwrap_or(1.0),
        },
    })
}

fn configs(
    loss: Loss,
    penalty: Penalty,
    given: &[f64],
    settings: &Settings,
) -> Result<Vec<LinearConfig>> {
    let lambdas = match (penalty, given.is_empty()) {
        (Penalty::None, true) => vec![0.0],
        (Penalty::None, false) => {
            return Err(usage(
                "--lambda has no meaning with --penalty none; leave it out",
            ));
        }
        (_, true) => LAMBDAS.to_vec(),
        (_, false) => given.to_vec(),
    };
    let config = |&lambda: &f64| {
        let params = LinearParams {
            level: settings.level,
            ..LinearParams::new(loss, penalty, lambda)
        };
        params.check().map_err(out_of_range)
    };
    let mut configs = lambdas.iter().map(config).collect::<Result<Vec<_>>>()?;
    // From the simplest model on, each from where the one before ended.
    configs.sort_by(|a, b| b.lambda().total_cmp(&a.lambda()));
    configs.dedup_by(|a, b| a.lambda() == b.lambda());
    Ok(configs)
}

/// A parameter that the library refuses, by the name of its option.
pub(super) fn out_of_range(error: LinearError) -> anyhow::Error {
    let LinearError::Range {
        what,
        value,
        expected,
    } = error
    else {
        return usage(error.to_string());
    };
    let option = match what {
        "batch size" => "batch",
        "learning rate" => "rate",
        "step every" | "step factor" | "decay" => "schedule",
        "running statistics" => "running-statistics",
        "max_passes" => "max-passes",
        other => other,
    };
    let part = match what {
        "step every" => "every = ",
        "step factor" => "factor = ",
        "decay" => "decay = ",
        _ => "",
    };
    usage(format!("--{option} is {part}{value}, expected {expected}"))
}

/// What has no meaning with `--loss ridge` is refused.
fn ridge(args: &TrainArgs, configs: &[LinearConfig], settings: &Settings) -> Result<Solver> {
    let solver = args.solver.map(|_| "solver");
    let given = solver.or(args.exact.first_given());
    if let Some(option) = given.or(args.sgd.first_given()) {
        return Err(usage(format!(
            "--{option} has no meaning with --loss ridge, which is solved in closed form; leave it out"
        )));
    }
    if args.penalty != PenaltyArg::L2 {
        return Err(usage(
            "--loss ridge is solved in closed form with --penalty l2 only; leave --penalty out",
        ));
    }
    let params = RidgeParams {
        lambdas: configs.iter().map(LinearConfig::lambda).collect(),
        leave_one_out: true,
        level: settings.level,
    };
    params.clone().check().map_err(out_of_range)?;
    Ok(Solver::Ridge(params))
}

pub(super) fn exact_config(args: &ExactArgs) -> Result<ExactConfig> {
    let default = ExactParams::default();
    let params = ExactParams {
        tolerance: args.tolerance.unwrap_or(default.tolerance),
        max_passes: args.max_passes.unwrap_or(default.max_passes),
    };
    params.check().map_err(out_of_range)
}

fn sgd_config(args: &SgdArgs, settings: &Settings) -> Result<SgdConfig> {
    let default = SgdParams::default();
    let momentum = args.momentum.unwrap_or(0.9);
    let optimizer = match args.optimizer {
        None | Some(OptimizerArg::Momentum) => Optimizer::Momentum {
            momentum,
            nesterov: false,
        },
        Some(OptimizerArg::Nesterov) => Optimizer::Momentum {
            momentum,
            nesterov: true,
        },
        Some(OptimizerArg::Adam) if args.momentum.is_some() => {
            return Err(usage(
                "--momentum has no meaning with --optimizer adam; leave it out",
            ));
        }
        Some(OptimizerArg::Adam) => Optimizer::adam(),
    };
    let params = SgdParams {
        epochs: args.epochs.unwrap_or(default.epochs),
        batch_size: args.batch.unwrap_or(default.batch_size),
        learning_rate: args.rate,
        schedule: args.schedule.unwrap_or(default.schedule),
        optimizer,
        average: args.average.unwrap_or(default.average),
        patience: args.patience,
        dropout: args.dropout.unwrap_or(default.dropout),
        running_statistics: args.running_statistics,
        seed: settings.seed,
    };
    params.check().map_err(out_of_range).context("--solver sgd")
}

impl ExactArgs {
    /// An option that was typed.
    fn first_given(&self) -> Option<&'static str> {
        let ExactArgs {
            tolerance,
            max_passes,
        } = self;
        first(&[
            ("tolerance", tolerance.is_some()),
            ("max-passes", max_passes.is_some()),
        ])
    }
}

impl SgdArgs {
    /// An option that was typed.
    fn first_given(&self) -> Option<&'static str> {
        let SgdArgs {
            epochs,
            batch,
            rate,
            schedule,
            optimizer,
            momentum,
            average,
            dropout,
            running_statistics,
            patience,
            resume,
        } = self;
        first(&[
            ("epochs", epochs.is_some()),
            ("batch", batch.is_some()),
            ("rate", rate.is_some()),
            ("schedule", schedule.is_some()),
            ("optimizer", optimizer.is_some()),
            ("momentum", momentum.is_some()),
            ("average", average.is_some()),
            ("dropout", dropout.is_some()),
            ("running-statistics", running_statistics.is_some()),
            ("patience", patience.is_some()),
            ("resume", *resume),
        ])
    }
}

fn first(options: &[(&'static str, bool)]) -> Option<&'static str> {
    let given = options.iter().find(|(_, given)| *given)?;
    Some(given.0)
}
