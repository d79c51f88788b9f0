//! The commands that come after a search, as they are typed.

use nearplane_models::linear::{ExactParams, Loss};

use super::report::Tried;
use super::unit::beta;
use crate::plan::{Input, NamedFolder, Settings, SweepPlan, class_weights_name};

/// What they depend on beside the model.
pub(super) struct Facts<'a> {
    pub(super) plan: &'a SweepPlan,
    pub(super) settings: &'a Settings,
    /// Where it leaves rows out.
    pub(super) limit: Option<usize>,
}

/// The model that the commands write and read.
const MODEL: &str = "best.safetensors";

impl Facts<'_> {
    /// Fits a model to all rows.
    pub(super) fn train(&self, best: &Tried) -> String {
        let mut words = vec!["nearplane".to_owned(), "train".to_owned()];
        self.source(&mut words);
        let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        if let Input::Images(_) = self.plan.input {
            let choice = &self.plan.features[best.features];
            let spec = choice
                .as_ref()
                .map(|choice| choice.extractor.spec().to_string());
            option("features", spec.unwrap_or_else(|| "raw".to_owned()));
            let cache = choice.as_ref().and_then(|choice| choice.cache.as_ref());
            if let Some(cache) = cache {
                option("cache", cache.display().to_string());
            }
        }
        option("loss", best.loss.to_string());
        option("penalty", best.penalty.name().to_owned());
        if let Some(beta) = beta(best.penalty) {
            option("beta", beta.to_string());
        }
        if best.penalty.name() != "none" {
            option("lambda", best.lambda.to_string());
        }
        let class_weights = class_weights_name(&self.plan.class_weight);
        if class_weights != "none" {
            option("class-weights", class_weights.to_owned());
        }
        let (exact, default) = (self.plan.exact, ExactParams::default());
        if best.loss != Loss::Ridge {
            if exact.tolerance() != default.tolerance {
                option("tolerance", exact.tolerance().to_string());
            }
            if exact.max_passes() != default.max_passes {
                option("max-passes", exact.max_passes().to_string());
            }
        }
        if let Some(limit) = self.limit {
            option("limit", limit.to_string());
        }
        if self.settings.split_seed != 0 {
            option("split-seed", self.settings.split_seed.to_string());
        }
        option("out", MODEL.to_owned());
        shell(&words)
    }

    /// Evaluates it on the test split, or on rows that are not there yet.
    pub(super) fn eval(&self) -> String {
        let mut words = vec!["nearplane".to_owned(), "eval".to_owned(), MODEL.to_owned()];
        match &self.plan.input {
            Input::Images(_) => self.source(&mut words),
            Input::Matrices(_) => {
                words.extend(["--x", "TEST.npy", "--y", "TEST-LABELS.npy"].map(str::to_owned));
            }
        }
        shell(&words)
    }

    fn source(&self, words: &mut Vec<String>) {
        let mut option = |name: &str, value: String| words.extend([format!("--{name}"), value]);
        match &self.plan.input {
            Input::Images(source) => {
                if let Some(NamedFolder { path, .. }) = &source.folder {
                    option("data", path.display().to_string());
                } else if self.settings.seed != 0 {
                    // Of the images that are drawn, should there be no data set.
                    option("seed", self.settings.seed.to_string());
                }
                if source.labels_name() != "fine" {
                    option("labels", source.labels_name().to_owned());
                }
            }
            Input::Matrices(files) => {
                option("x", files.train.x.display().to_string());
                option("y", files.train.y.display().to_string());
                if let Some(eval) = &files.eval {
                    option("x-eval", eval.x.display().to_string());
                    option("y-eval", eval.y.display().to_string());
                }
            }
        }
    }
}

/// Words as a shell takes them apart again.
fn shell(words: &[String]) -> String {
    let quoted = words.iter().map(|word| {
        let plain = |c: char| c.is_alphanumeric() || "-_./+:,=@%".contains(c);
        if !word.is_empty() && word.chars().all(plain) {
            word.clone()
        } else {
            format!("'{}'", word.replace('\'', "'\\''"))
        }
    });
    quoted.collect::<Vec<_>>().join(" ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_survive_a_shell() {
        let words = ["a", "my data/it's", "hog:cell=8,block=2+hist", ""].map(str::to_owned);
        assert_eq!(
            shell(&words),
            "a 'my data/it'\\''s' hog:cell=8,block=2+hist ''"
        );
    }
}
