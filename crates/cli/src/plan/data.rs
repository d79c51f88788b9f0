//! `nearplane data ...`, decided.

use std::path::PathBuf;

use anyhow::Result;
use nearplane_cifar::SplitName;
#[cfg(feature = "fetch")]
use nearplane_cifar::fetch::{FetchName, FetchOptions};
use nearplane_synth::{Knob, Perturbation, PerturbationConfig, SynthConfig, SynthParams};

use super::{Settings, Source, count, outputs_are_apart, pictures_are_free, source, usage};
#[cfg(feature = "fetch")]
use crate::args::FetchNameArg;
use crate::args::{
    DtypeArg, ExportArgs, FetchArgs, ImportArgs, InspectArgs, KnobArgs, PerturbArgs, SplitArg,
    SynthArgs,
};

/// `data fetch`.
#[cfg(feature = "fetch")]
pub(crate) struct FetchPlan {
    /// As on the command line.
    pub(crate) name: &'static str,
    pub(crate) what: FetchName,
    pub(crate) options: FetchOptions,
    /// Whether `knn` finds it without `--data`.
    pub(crate) is_found: bool,
}

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

/// `data perturb`.
pub(crate) struct PerturbPlan {
    pub(crate) source: Source,
    pub(crate) out: PathBuf,
    pub(crate) perturbation: Perturbation,
    /// The same, checked and seeded.
    pub(crate) config: PerturbationConfig,
    pub(crate) split: SplitArg,
    pub(crate) picture: Option<PathBuf>,
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

pub(super) fn import_plan(args: ImportArgs, settings: &Settings) -> Result<ImportPlan> {
    outputs_are_apart(settings, &args.out, &[])?;
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
    outputs_are_apart(settings, &args.out, &[])?;
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
    turn(&args.knobs, &mut params);
    let config = params.check().map_err(|error| usage(error.to_string()))?;
    Ok(SynthPlan {
        out: args.out,
        params,
        config,
    })
}

/// Sets the difficulties that were given.
fn turn(args: &KnobArgs, params: &mut SynthParams) {
    for knob in Knob::ALL {
        let given = match knob {
            Knob::Viewpoint => args.viewpoint,
            Knob::Background => args.background,
            Knob::Illumination => args.illumination,
            Knob::Occlusion => args.occlusion,
            Knob::Variation => args.variation,
        };
        if let Some(thousandths) = given {
            knob.turn(params, thousandths);
        }
    }
}

#[cfg(feature = "fetch")]
pub(super) fn fetch_plan(args: FetchArgs, settings: &Settings) -> Result<super::Action> {
    if settings.limit.is_some() {
        return Err(usage(
            "--limit does not go with data fetch, which takes the whole data set; give it to the command that \
             uses the data",
        ));
    }
    let (name, what) = match args.name {
        FetchNameArg::Cifar10 => ("cifar-10", FetchName::Cifar10),
        FetchNameArg::Cifar100 => ("cifar-100", FetchName::Cifar100),
    };
    let is_found = args.out.is_none() && what == FetchName::Cifar10;
    let out = args
        .out
        .unwrap_or_else(|| PathBuf::from("datasets").join(what.folder()));
    outputs_are_apart(settings, &out, &[])?;
    Ok(super::Action::Fetch(FetchPlan {
        name,
        what,
        options: FetchOptions {
            mirrors: args.mirrors,
            archive: args.archive,
            out,
            overwrite: settings.force,
            ..FetchOptions::default()
        },
        is_found,
    }))
}

/// Binaries without the feature know the command, and say what they lack.
#[cfg(not(feature = "fetch"))]
pub(super) fn fetch_plan(_: FetchArgs, _: &Settings) -> Result<super::Action> {
    Err(usage(
        "this nearplane was built without the feature `fetch`; `cargo build --release` makes one that can",
    ))
}

pub(super) fn perturb_plan(args: PerturbArgs, settings: &Settings) -> Result<PerturbPlan> {
    let perturbation: Perturbation = args
        .perturb
        .parse()
        .map_err(|error| usage(format!("--perturb: {error}")))?;
    let config = perturbation
        .check()
        .map_err(|error| usage(format!("--perturb: {error}")))?;
    let picture = [("--picture", args.picture.as_deref())];
    outputs_are_apart(settings, &args.out, &picture)?;
    pictures_are_free(settings, &picture)?;
    Ok(PerturbPlan {
        source: source(args.source),
        out: args.out,
        perturbation,
        config: config.with_seed(settings.seed),
        split: args.split,
        picture: args.picture,
    })
}

pub(super) fn inspect_plan(args: InspectArgs, settings: &Settings) -> Result<InspectPlan> {
    pictures_are_free(settings, &[("--picture", args.picture.as_deref())])?;
    Ok(InspectPlan {
        source: source(args.source),
        picture: args.picture,
    })
}

pub(super) fn export_plan(args: ExportArgs, settings: &Settings) -> Result<ExportPlan> {
    outputs_are_apart(settings, &args.out, &[])?;
    Ok(ExportPlan {
        source: source(args.source),
        out: args.out,
        splits: match args.split {
            SplitArg::Train => vec![SplitName::Train],
            SplitArg::Test => vec![SplitName::Test],
            SplitArg::Both => vec![SplitName::Train, SplitName::Test],
        },
        floats: args.dtype == DtypeArg::F32,
    })
}
