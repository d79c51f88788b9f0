//! One file per command; each turns its plan into a report, which is printed here.

pub(crate) mod import;
pub(crate) mod inspect;
pub(crate) mod knn;
pub(crate) mod synth;

use std::path::Path;

use anyhow::{Context as _, Result, bail};
use serde_json::{Map, Value};

use crate::output;
use crate::pending::folder_of;
use crate::plan::{Action, Plan};

/// Carries a plan out and prints what came of it.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let settings = &plan.settings;
    let report = match &plan.action {
        Action::Import(action) => import::run(action, settings),
        Action::Synth(action) => synth::run(action, settings),
        Action::Inspect(action) => inspect::run(action, settings),
        Action::Knn(action) => knn::run(action, settings),
    }?;
    output::emit(settings, plan.action.columns(), report)
}

/// The object that `json!({...})` made.
fn object(value: Value) -> Map<String, Value> {
    match value {
        Value::Object(map) => map,
        other => unreachable!("a record is an object, not {other}"),
    }
}

/// The time of a record, RFC 3339 in UTC.
fn now() -> String {
    humantime::format_rfc3339_seconds(std::time::SystemTime::now()).to_string()
}

/// Refuses a folder to be written before work is put into its contents: something is there already,
/// or nothing can be put there.
fn check_output_folder(out: &Path, force: bool) -> Result<()> {
    match std::fs::read_dir(out) {
        Ok(mut entries) => {
            if !force && entries.next().is_some() {
                bail!(
                    "{} exists; give another folder, or --force to replace it",
                    out.display()
                );
            }
        }
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => {
            return Err(error)
                .with_context(|| format!("cannot write the folder {}", out.display()));
        }
    }
    // The parent may have to be made first; what counts is the nearest one that exists.
    let mut parent = folder_of(out);
    while !parent.exists() {
        parent = folder_of(parent);
    }
    tempfile::Builder::new()
        .prefix(".nearplane-")
        .tempdir_in(parent)
        .with_context(|| format!("cannot write the folder {}", out.display()))?;
    Ok(())
}
