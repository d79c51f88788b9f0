//! `nearplane eval`, decided.

use std::path::PathBuf;

use anyhow::Result;

use super::knn::on;
use super::matrices::table;
use super::{Input, MatrixFiles, On, Settings, is_svg, outputs_are_free, source, usage};
use crate::args::EvalArgs;

/// `eval`.
pub(crate) struct EvalPlan {
    pub(crate) model: PathBuf,
    /// Of own matrices, those that "train" are the ones to evaluate.
    pub(crate) input: Input,
    pub(crate) on: On,
    pub(crate) predictions: Option<PathBuf>,
    pub(crate) confusion: Option<PathBuf>,
}

pub(super) fn eval_plan(args: EvalArgs, settings: &Settings) -> Result<EvalPlan> {
    outputs_are_free(
        settings,
        &[
            ("--predictions", args.predictions.as_deref()),
            ("--confusion", args.confusion.as_deref()),
        ],
    )?;
    is_svg("--confusion", args.confusion.as_deref())?;
    let mut on = args.on.map_or(On::Test, on);
    let input = match table("--x", args.x, "--y", args.y)? {
        None => {
            if on == On::Test && settings.limit.is_some() {
                return Err(usage(
                    "--limit takes the first training rows, and eval --on test uses none of them; leave it out",
                ));
            }
            Input::Images(source(args.source))
        }
        Some(train) => {
            if args.source.data.is_some() {
                return Err(usage(
                    "--data and --x are two sources of data; give one of them",
                ));
            }
            if args.on.is_some() {
                return Err(usage(
                    "--on chooses a split of a data set and has no meaning with --x: all its rows are evaluated",
                ));
            }
            if settings.limit.is_some() {
                return Err(usage(
                    "--limit takes the first training rows and has no meaning with --x: all its rows are evaluated",
                ));
            }
            on = On::Eval;
            Input::Matrices(MatrixFiles { train, eval: None })
        }
    };
    Ok(EvalPlan {
        model: args.model,
        input,
        on,
        predictions: args.predictions,
        confusion: args.confusion,
    })
}
