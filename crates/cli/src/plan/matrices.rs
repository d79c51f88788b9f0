//! Where the rows of a command come from that takes a data set or own matrices, decided.

use std::path::PathBuf;

use anyhow::Result;

use super::{Source, source, usage};
use crate::args::{MatrixArgs, SourceArgs};

/// A data set or own matrices.
#[derive(Clone)]
pub(crate) enum Input {
    Images(Source),
    Matrices(MatrixFiles),
}

/// The files of own matrices.
#[derive(Clone)]
pub(crate) struct MatrixFiles {
    pub(crate) train: TableFiles,
    /// `None`: a stratified tenth of the training rows.
    pub(crate) eval: Option<TableFiles>,
}

/// A matrix and the labels of its rows.
#[derive(Clone)]
pub(crate) struct TableFiles {
    pub(crate) x: PathBuf,
    pub(crate) y: PathBuf,
}

/// One of the two, never both; features are those of images.
pub(super) fn input(images: SourceArgs, matrices: MatrixArgs, has_features: bool) -> Result<Input> {
    let Some(files) = matrix_files(matrices)? else {
        return Ok(Input::Images(source(images)));
    };
    if images.data.is_some() {
        return Err(usage(
            "--data and --x are two sources of data; give one of them",
        ));
    }
    if has_features {
        return Err(usage(
            "--features are computed of the images of a data set, and --x has none: \
             'nearplane features' writes matrices for --x",
        ));
    }
    Ok(Input::Matrices(files))
}

/// `None` where no matrix is named; half of a pair is wrong usage.
fn matrix_files(args: MatrixArgs) -> Result<Option<MatrixFiles>> {
    let eval = table("--x-eval", args.x_eval, "--y-eval", args.y_eval)?;
    match (table("--x", args.x, "--y", args.y)?, eval) {
        (Some(train), eval) => Ok(Some(MatrixFiles { train, eval })),
        (None, None) => Ok(None),
        (None, Some(_)) => Err(usage(
            "--x-eval and --y-eval are evaluated against --x and --y, which are missing",
        )),
    }
}

pub(super) fn table(
    x_option: &str,
    x: Option<PathBuf>,
    y_option: &str,
    y: Option<PathBuf>,
) -> Result<Option<TableFiles>> {
    match (x, y) {
        (Some(x), Some(y)) => Ok(Some(TableFiles { x, y })),
        (None, None) => Ok(None),
        (Some(_), None) => Err(usage(format!(
            "{x_option} needs {y_option}, the labels of its rows"
        ))),
        (None, Some(_)) => Err(usage(format!(
            "{y_option} needs {x_option}, the rows that it labels"
        ))),
    }
}
