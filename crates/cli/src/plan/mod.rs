//! The validated plan: raw arguments and the environment in, decisions out. Whatever can be refused
//! without reading data is refused here, before anything runs.

mod compare;
mod cv;
mod data;
mod difficulties;
mod eval;
mod features;
mod generate;
mod knn;
mod lecture;
mod matrices;
mod predict;
mod space;
mod sweep;
mod train;

use std::path::{Path, PathBuf};

use anyhow::{Context as _, Result};
use nearplane_cifar::LabelKind;
use nearplane_kernels::Level;

pub(crate) use self::compare::{ComparePlan, Compared};
pub(crate) use self::cv::{CvKnnPlan, Folding};
#[cfg(feature = "fetch")]
pub(crate) use self::data::FetchPlan;
pub(crate) use self::data::{ExportPlan, ImportPlan, InspectPlan, PerturbPlan, SynthPlan};
pub(crate) use self::difficulties::DifficultiesPlan;
pub(crate) use self::eval::EvalPlan;
pub(crate) use self::features::{
    Drawn, FeatureChoice, FeaturesPlan, MatrixFormat, MatrixPlan, PicturePlan,
};
pub(crate) use self::generate::GeneratePlan;
pub(crate) use self::knn::{KnnPlan, On};
pub(crate) use self::lecture::LecturePlan;
pub(crate) use self::matrices::{Input, MatrixFiles, TableFiles};
pub(crate) use self::predict::PredictPlan;
pub(crate) use self::sweep::{Search, SweepPlan};
pub(crate) use self::train::{Solver, TrainPlan, class_weights_name};
use crate::args::{Cli, Command, CvCommand, DataCommand, Global, LabelsArg, SourceArgs};
use crate::commands;
use crate::csv_log;
use crate::failure::Usage;
use crate::pending::{Outputs, folder_of, identity, refuse_existing_file};

/// Everything decided: how to run, and what.
pub(crate) struct Plan {
    pub(crate) settings: Settings,
    pub(crate) action: Action,
}

/// What holds for every command.
pub(crate) struct Settings {
    pub(crate) json: bool,
    pub(crate) quiet: bool,
    pub(crate) force: bool,
    /// `None`: all cores.
    pub(crate) threads: Option<usize>,
    pub(crate) level: Level,
    pub(crate) seed: u64,
    pub(crate) split_seed: u64,
    /// The first so many training rows; at least 1.
    pub(crate) limit: Option<usize>,
    pub(crate) mmap: bool,
    pub(crate) results: Option<PathBuf>,
    /// What the command has written so far and would take back if it failed.
    pub(crate) outputs: Outputs,
}

impl Settings {
    /// Whether a record is written, for which the data hash has to be computed.
    pub(crate) fn wants_record(&self) -> bool {
        self.json || self.results.is_some()
    }
}

/// One of the commands.
pub(crate) enum Action {
    Import(ImportPlan),
    #[cfg(feature = "fetch")]
    Fetch(FetchPlan),
    Perturb(PerturbPlan),
    Difficulties(DifficultiesPlan),
    Synth(SynthPlan),
    Inspect(InspectPlan),
    Export(ExportPlan),
    Knn(KnnPlan),
    CvKnn(CvKnnPlan),
    /// `cv linear`, `tune`.
    Sweep(SweepPlan),
    Train(TrainPlan),
    Eval(EvalPlan),
    Predict(PredictPlan),
    Compare(ComparePlan),
    Features(FeaturesPlan),
    Lecture(LecturePlan),
    Generate(GeneratePlan),
}

impl Action {
    /// The columns of the command's rows in `--results`.
    pub(crate) fn columns(&self) -> &'static [&'static str] {
        match self {
            Action::Import(_) => &commands::data::import::COLUMNS,
            #[cfg(feature = "fetch")]
            Action::Fetch(_) => &commands::data::fetch::COLUMNS,
            Action::Perturb(_) => &commands::data::perturb::COLUMNS,
            Action::Difficulties(_) => &commands::difficulties::COLUMNS,
            Action::Synth(_) => &commands::data::synth::COLUMNS,
            Action::Inspect(_) => &commands::data::inspect::COLUMNS,
            Action::Export(_) => &commands::data::export::COLUMNS,
            Action::Knn(_) => &commands::knn::COLUMNS,
            Action::CvKnn(_) => &commands::cv::COLUMNS,
            Action::Sweep(_) => &commands::sweep::COLUMNS,
            Action::Train(_) => &commands::train::COLUMNS,
            Action::Eval(_) => &commands::eval::COLUMNS,
            Action::Predict(_) => &commands::predict::COLUMNS,
            Action::Compare(_) => &commands::compare::COLUMNS,
            Action::Features(_) => &commands::features::COLUMNS,
            Action::Lecture(_) => &commands::lecture::COLUMNS,
            Action::Generate(_) => &commands::generate::COLUMNS,
        }
    }
}

/// Where images come from.
#[derive(Clone)]
pub(crate) struct Source {
    /// `None`: the default folder if it exists, else synthetic images.
    pub(crate) folder: Option<NamedFolder>,
    pub(crate) labels: LabelKind,
}

impl Source {
    /// As on the command line.
    pub(crate) fn labels_name(&self) -> &'static str {
        match self.labels {
            LabelKind::Fine => "fine",
            LabelKind::Coarse => "coarse",
        }
    }
}

/// A folder that somebody asked for, and where.
#[derive(Clone)]
pub(crate) struct NamedFolder {
    pub(crate) path: PathBuf,
    /// `--data` or `NEARPLANE_DATA`, for messages.
    pub(crate) named_by: &'static str,
}

impl Plan {
    /// Decides everything that the arguments and the environment decide.
    pub(crate) fn new(cli: Cli) -> Result<Plan> {
        let Cli { command, global } = cli;
        let settings = settings(global)?;
        let action = match command {
            Command::Data(DataCommand::Import(args)) => {
                Action::Import(data::import_plan(args, &settings)?)
            }
            Command::Data(DataCommand::Fetch(args)) => data::fetch_plan(args, &settings)?,
            Command::Data(DataCommand::Perturb(args)) => {
                Action::Perturb(data::perturb_plan(args, &settings)?)
            }
            Command::Difficulties(args) => {
                Action::Difficulties(difficulties::difficulties_plan(args, &settings)?)
            }
            Command::Data(DataCommand::Synth(args)) => {
                Action::Synth(data::synth_plan(args, &settings)?)
            }
            Command::Data(DataCommand::Inspect(args)) => {
                Action::Inspect(data::inspect_plan(args, &settings)?)
            }
            Command::Data(DataCommand::Export(args)) => {
                Action::Export(data::export_plan(args, &settings)?)
            }
            Command::Knn(args) => Action::Knn(knn::knn_plan(args, &settings)?),
            Command::Cv(CvCommand::Knn(args)) => Action::CvKnn(cv::cv_knn_plan(args, &settings)?),
            Command::Cv(CvCommand::Linear(args)) => Action::Sweep(sweep::cv_linear_plan(args)?),
            Command::Tune(args) => Action::Sweep(sweep::tune_plan(args, &settings)?),
            Command::Train(args) => Action::Train(train::train_plan(args, &settings)?),
            Command::Eval(args) => Action::Eval(eval::eval_plan(args, &settings)?),
            Command::Predict(args) => Action::Predict(predict::predict_plan(args, &settings)?),
            Command::Compare(args) => Action::Compare(compare::compare_plan(args, &settings)?),
            Command::Features(args) => Action::Features(features::features_plan(args, &settings)?),
            Command::Lecture(args) => Action::Lecture(lecture::lecture_plan(args, &settings)?),
            Command::Generate(args) => Action::Generate(generate::generate_plan(args)),
        };
        if let Some(path) = &settings.results {
            csv_log::check(path, action.columns())?;
        }
        Ok(Plan { settings, action })
    }
}

fn usage(message: impl Into<String>) -> anyhow::Error {
    Usage(message.into()).into()
}

fn settings(args: Global) -> Result<Settings> {
    let level = match args.simd.as_str() {
        "auto" => Level::detect(),
        name => Level::by_name(name)
            .map_err(|error| usage(format!("--simd: {error}; auto takes the best")))?,
    };
    Ok(Settings {
        json: args.json,
        quiet: args.quiet,
        force: args.force,
        threads: args.threads.map(usize::from),
        level,
        seed: args.seed,
        split_seed: args.split_seed,
        limit: args
            .limit
            .map(|limit| count("--limit", limit))
            .transpose()?,
        mmap: !args.no_mmap,
        results: args.results,
        outputs: Outputs::default(),
    })
}

/// A number of images or rows: at least 1, at most what positions of 32 bits can number.
fn count(option: &str, n: u64) -> Result<usize> {
    match u32::try_from(n) {
        Ok(n) if n > 0 => Ok(n as usize),
        _ => Err(usage(format!(
            "{option} is {n}, but must be 1 to {}",
            u32::MAX
        ))),
    }
}

fn source(args: SourceArgs) -> Source {
    let from_option = args.data.map(|path| NamedFolder {
        path,
        named_by: "--data",
    });
    // Set to nothing means not set, as usual for variables.
    let from_environment = || {
        std::env::var_os("NEARPLANE_DATA")
            .filter(|value| !value.is_empty())
            .map(|value| NamedFolder {
                path: value.into(),
                named_by: "NEARPLANE_DATA",
            })
    };
    Source {
        folder: from_option.or_else(from_environment),
        labels: match args.labels {
            LabelsArg::Fine => LabelKind::Fine,
            LabelsArg::Coarse => LabelKind::Coarse,
        },
    }
}

/// No output replaces a file without `--force`, and no two outputs are one file.
fn outputs_are_free(settings: &Settings, outputs: &[(&str, Option<&Path>)]) -> Result<()> {
    let mut seen: Vec<(&str, PathBuf)> = Vec::new();
    if let Some(path) = &settings.results {
        seen.push(("--results", identity(path)));
    }
    for &(option, path) in outputs {
        let Some(path) = path else { continue };
        let this = identity(path);
        if let Some((other, _)) = seen.iter().find(|(_, taken)| *taken == this) {
            return Err(usage(format!(
                "{option} and {other} name the same file, {}",
                path.display()
            )));
        }
        refuse_existing_file(path, settings.force).context(option.to_owned())?;
        seen.push((option, this));
    }
    Ok(())
}

/// No output lies in the folder that a command writes: the folder appears whole, with nothing else in it.
fn outputs_are_apart(
    settings: &Settings,
    out: &Path,
    outputs: &[(&str, Option<&Path>)],
) -> Result<()> {
    let real = |folder: &Path| std::fs::canonicalize(folder).unwrap_or_else(|_| identity(folder));
    let folder = real(out);
    let results = [("--results", settings.results.as_deref())];
    for &(option, path) in results.iter().chain(outputs) {
        let Some(path) = path else { continue };
        let place = real(folder_of(path)).join(path.file_name().unwrap_or_default());
        if place.starts_with(&folder) {
            return Err(usage(format!(
                "{option} is {}, which lies in the folder that is written, {}; give a name in another folder",
                path.display(),
                out.display()
            )));
        }
    }
    Ok(())
}

/// Plots are written as SVG, so that their names have to say that.
fn is_svg(option: &str, path: Option<&Path>) -> Result<()> {
    match path {
        Some(path)
            if !path
                .extension()
                .unwrap_or_default()
                .eq_ignore_ascii_case("svg") =>
        {
            Err(usage(format!(
                "{option} is {}, but the plot is written as SVG; give a name that ends in .svg",
                path.display()
            )))
        }
        _ => Ok(()),
    }
}

/// As [`outputs_are_free`] for pictures, which are written as PNG, so that their names have to say that.
fn pictures_are_free(settings: &Settings, pictures: &[(&str, Option<&Path>)]) -> Result<()> {
    for &(option, path) in pictures {
        let Some(path) = path else { continue };
        let suffix = path.extension().unwrap_or_default();
        if !suffix.eq_ignore_ascii_case("png") {
            return Err(usage(format!(
                "{option} is {}, but the picture is written as PNG; give a name that ends in .png",
                path.display()
            )));
        }
    }
    outputs_are_free(settings, pictures)
}
