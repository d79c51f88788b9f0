//! `nearplane cv linear` and `nearplane tune`, decided.

use anyhow::Result;
use nearplane_models::linear::{ClassWeight, ExactConfig};
use nearplane_models::selection::{Candidate, SearchError};

use super::cv::{Folding, folding};
use super::matrices::input;
use super::space::{Between, Space, of_file, of_flags};
use super::train::{exact_config, out_of_range};
use super::{FeatureChoice, Input, Settings, usage};
use crate::args::{ClassWeightsArg, CvLinearArgs, FittingArgs, FoldsArg, SearchArg, TuneArgs};

/// `cv linear`, `tune`.
pub(crate) struct SweepPlan {
    pub(crate) input: Input,
    /// Sets of features; `None`: the bytes of the images, or own matrices as they are. Not empty.
    pub(crate) features: Vec<Option<FeatureChoice>>,
    /// `None`: the validation split, or the rows of `--x-eval`.
    pub(crate) folding: Option<Folding>,
    pub(crate) search: Search,
    /// Whether it is `tune`.
    pub(crate) tunes: bool,
    pub(crate) class_weight: ClassWeight,
    pub(crate) exact: ExactConfig,
    pub(crate) resume: bool,
}

/// Which models are tried; checked, not empty.
pub(crate) enum Search {
    /// All, lambdas one after the other.
    Grid(Vec<Candidate>),
    Random(Vec<Candidate>),
    Halving {
        candidates: Vec<Candidate>,
        eta: usize,
    },
}

impl Search {
    /// As on the command line.
    pub(crate) fn name(&self) -> &'static str {
        match self {
            Search::Grid(_) => "grid",
            Search::Random(_) => "random",
            Search::Halving { .. } => "halving",
        }
    }
}

/// Models that a search draws where nobody says how many.
const TRIALS: u32 = 20;

/// What halving keeps of a round: one of three, as usual.
const ETA: u32 = 3;

pub(super) fn cv_linear_plan(args: CvLinearArgs) -> Result<SweepPlan> {
    let CvLinearArgs {
        source,
        folds,
        split,
        repeats,
        fitting,
        space,
        matrices,
    } = args;
    if folds == FoldsArg::LeaveOneOut {
        return Err(usage(
            "--folds loo would be a fit for each row; give a number of folds. 'nearplane train --loss ridge' leaves \
             each row out once in closed form",
        ));
    }
    refuse_vain_cache(&fitting, !space.features.is_empty())?;
    let has_features = !space.features.is_empty();
    let Space { space, features } = of_flags(&space, fitting.cache.as_deref(), Between::Decades)?;
    let input = input(source, matrices, has_features)?;
    if let Input::Matrices(files) = &input
        && files.eval.is_some()
    {
        return Err(usage(
            "--x-eval has no meaning for cv: rows of --x take turns at judging",
        ));
    }
    Ok(SweepPlan {
        input,
        features,
        folding: Some(folding(folds, split, repeats)?),
        search: Search::Grid(space.grid().map_err(in_words)?),
        tunes: false,
        class_weight: class_weight(fitting.class_weights),
        exact: exact_config(&fitting.exact)?,
        resume: fitting.resume,
    })
}

pub(super) fn tune_plan(args: TuneArgs, settings: &Settings) -> Result<SweepPlan> {
    let TuneArgs {
        source,
        search,
        trials,
        eta,
        folds,
        split,
        repeats,
        fitting,
        space_file,
        space,
        matrices,
    } = args;
    if trials.is_some() && search == SearchArg::Grid {
        return Err(usage(
            "--trials has no meaning with --search grid, which tries all",
        ));
    }
    if eta.is_some() && search != SearchArg::Halving {
        return Err(usage("--eta needs --search halving"));
    }
    if folds == Some(FoldsArg::LeaveOneOut) {
        return Err(usage(
            "--folds loo would be a fit for each row; give a number of folds",
        ));
    }
    let between = match search {
        SearchArg::Grid => Between::Decades,
        SearchArg::Random | SearchArg::Halving => Between::Anything,
    };
    let cache = fitting.cache.as_deref();
    let Space {
        space: found,
        features,
    } = match &space_file {
        Some(path) => of_file(path, cache, between)?,
        None => of_flags(&space, cache, between)?,
    };
    let has_features = features.iter().any(Option::is_some) || !space.features.is_empty();
    refuse_vain_cache(&fitting, has_features)?;
    let input = input(source, matrices, has_features)?;
    if let Input::Matrices(files) = &input
        && files.eval.is_some()
        && folds.is_some()
    {
        return Err(usage(
            "--x-eval and --folds are two ways to judge; give one of them",
        ));
    }
    let draw = || {
        let trials = u64::from(trials.unwrap_or(TRIALS));
        let candidates = (0..trials).map(|trial| found.draw(settings.seed, trial));
        candidates.collect::<Result<Vec<_>, _>>().map_err(in_words)
    };
    let search = match search {
        SearchArg::Grid => Search::Grid(found.grid().map_err(in_words)?),
        SearchArg::Random => Search::Random(draw()?),
        SearchArg::Halving => Search::Halving {
            candidates: draw()?,
            eta: eta.unwrap_or(ETA) as usize,
        },
    };
    Ok(SweepPlan {
        input,
        features,
        folding: folds
            .map(|folds| folding(folds, split, repeats))
            .transpose()?,
        search,
        tunes: true,
        class_weight: class_weight(fitting.class_weights),
        exact: exact_config(&fitting.exact)?,
        resume: fitting.resume,
    })
}

fn refuse_vain_cache(fitting: &FittingArgs, has_features: bool) -> Result<()> {
    if fitting.cache.is_some() && !has_features {
        return Err(usage(
            "--cache keeps features, of which there are none; give --features",
        ));
    }
    Ok(())
}

fn class_weight(arg: ClassWeightsArg) -> ClassWeight {
    match arg {
        ClassWeightsArg::None => ClassWeight::Uniform,
        ClassWeightsArg::Balanced => ClassWeight::Balanced,
    }
}

fn in_words(error: SearchError) -> anyhow::Error {
    match error {
        SearchError::Params(error) => out_of_range(error),
        error => usage(error.to_string()),
    }
}
