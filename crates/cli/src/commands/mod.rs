//! One file per command; each turns its plan into a report, which is printed here.

pub(crate) mod compare;
pub(crate) mod cv;
pub(crate) mod data;
pub(crate) mod difficulties;
pub(crate) mod eval;
pub(crate) mod features;
pub(crate) mod generate;
pub(crate) mod knn;
pub(crate) mod lecture;
pub(crate) mod predict;
pub(crate) mod sweep;
pub(crate) mod train;

use anyhow::Result;
use serde_json::{Map, Value};

use crate::output;
use crate::plan::{Action, Plan};

/// Carries a plan out and prints what came of it.
pub(crate) fn run(plan: &Plan) -> Result<()> {
    let settings = &plan.settings;
    let report = match &plan.action {
        Action::Import(action) => data::import::run(action, settings),
        #[cfg(feature = "fetch")]
        Action::Fetch(action) => data::fetch::run(action, settings),
        Action::Perturb(action) => data::perturb::run(action, settings),
        Action::Difficulties(action) => difficulties::run(action, settings),
        Action::Synth(action) => data::synth::run(action, settings),
        Action::Inspect(action) => data::inspect::run(action, settings),
        Action::Export(action) => data::export::run(action, settings),
        Action::Knn(action) => knn::run(action, settings),
        Action::CvKnn(action) => cv::run(action, settings),
        Action::Sweep(action) => sweep::run(action, settings),
        Action::Train(action) => train::run(action, settings),
        Action::Eval(action) => eval::run(action, settings),
        Action::Predict(action) => predict::run(action, settings),
        Action::Compare(action) => compare::run(action, settings),
        Action::Features(action) => features::run(action, settings),
        Action::Lecture(action) => lecture::run(action, settings),
        Action::Generate(action) => generate::run(action, settings),
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
