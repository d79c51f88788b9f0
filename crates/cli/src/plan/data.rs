//! `nearplane data ...`, decided.

use std::path::PathBuf;

use anyhow::Result;
use nearplane_cifar::SplitName;
use nearplane_synth::{SynthConfig, SynthParams};

use super::{Settings, Source, count, outputs_are_free, source, usage};
use crate::args::{DtypeArg, ExportArgs, ImportArgs, InspectArgs, SplitArg, SynthArgs};

/// `data import`.
pub(crate) struct ImportPlan {
    pub(crate) src: PathBuf,
    pub(crate) out: PathBuf,
    pub(crate) order: Option<PathBuf>,
    pub(crate) skip_bad: bool,
    /// In (0, 1).
    pub(crate) test_ratio: Option<f64>,
}

/// `data synth`.
pub(crate) struct SynthPlan {
    pub(crate) out: PathBuf,
    pub(crate) params: SynthParams,
    /// The same, checked.
    pub(crate) config: SynthConfig,
}

/// `data inspect`.
pub(crate) struct InspectPlan {
    pub(crate) source: Source,
    pub(crate) picture: Option<PathBuf>,
}

/// `data export`.
pub(crate) struct ExportPlan {
    pub(crate) source: Source,
    pub(crate) out: PathBuf,
    /// In the order in which they are written.
    pub(crate) splits: Vec<SplitName>,
    /// Floats instead of bytes.
    pub(crate) floats: bool,
}

pub(super) fn import_plan(args: ImportArgs) -> Result<ImportPlan> {
    if let Some(ratio) = args.test_ratio
        && !(ratio > 0.0 && ratio < 1.0)
    {
        return Err(usage(format!(
            "--test-ratio is {ratio}, but must be above 0 and below 1"
        )));
    }
    Ok(ImportPlan {
        src: args.src,
        out: args.out,
        order: args.order,
        skip_bad: args.skip_bad,
        test_ratio: args.test_ratio,
    })
}

pub(super) fn synth_plan(args: SynthArgs, settings: &Settings) -> Result<SynthPlan> {
    let mut params = SynthParams {
        seed: settings.seed,
        ..SynthParams::default()
    };
    if let Some(n) = args.n_train {
        params.n_train = count("--n-train", n)?;
    }
    if let Some(n) = args.n_test {
        params.n_test = count("--n-test", n)?;
    }
    let config = params.check().map_err(|error| usage(error.to_string()))?;
    Ok(SynthPlan {
        out: args.out,
        params,
        config,
    })
}

pub(super) fn inspect_plan(args: InspectArgs, settings: &Settings) -> Result<InspectPlan> {
    outputs_are_free(settings, &[("--picture", args.picture.as_deref())])?;
    Ok(InspectPlan {
        source: source(args.source),
        picture: args.picture,
    })
}

pub(super) fn export_plan(args: ExportArgs) -> ExportPlan {
    ExportPlan {
        source: source(args.source),
        out: args.out,
        splits: match args.split {
            SplitArg::Train => vec![SplitName::Train],
            SplitArg::Test => vec![SplitName::Test],
            SplitArg::Both => vec![SplitName::Train, SplitName::Test],
        },
        floats: args.dtype == DtypeArg::F32,
    }
}
