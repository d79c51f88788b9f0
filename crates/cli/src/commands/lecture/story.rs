//! What all chapters share: the images, the split that judges, what was computed once.

use std::cell::OnceCell;

use anyhow::{Context as _, Result};
use nearplane_kernels::MatRef;
use nearplane_models::linear::{
    Affine, LinearConfig, LinearData, LinearModel, LinearParams, Loss, Penalty, SgdParams,
    SgdTrainer,
};
use nearplane_models::metrics::{Accuracy, accuracy};
use nearplane_models::neighbors::{
    Engine, Index, KNeighborsClassifier, KNeighborsParams, Metric, Neighbors, Rows,
};
use nearplane_models::selection::{Split, stratified_split};

use super::zoo::{FeatureFit, Features};
use crate::commands::knn::task::{VALIDATION, rows, widen};
use crate::data_source::Opened;
use crate::plan::{LecturePlan, Settings};
use crate::progress::{Progress, check_interrupt};

/// Training and test images of `--quick`.
const QUICK: (usize, usize) = (5000, 1000);
/// Neighbours that are kept of each validation image.
pub(super) const MOST_K: usize = 20;
/// Edges and colours.
pub(super) const JOINED: &str = "hog+hist";
/// Both metrics of the lecture.
pub(super) const METRICS: [Metric; 2] = [Metric::L1, Metric::L2];

/// Images and their labels.
pub(super) struct Part<'a> {
    pub(super) rows: Rows<'a, u8>,
    pub(super) labels: Vec<u32>,
}

impl<'a> Part<'a> {
    pub(super) fn len(&self) -> usize {
        self.labels.len()
    }

    pub(super) fn select(&self, positions: Vec<u32>) -> Result<Part<'a>> {
        let labels = positions.iter().map(|&row| self.labels[row as usize]);
        Ok(Part {
            labels: labels.collect(),
            rows: self.rows.select(positions)?,
        })
    }
}

/// A linear model of raw pixels, chosen on the validation images.
pub(super) struct RawFit {
    pub(super) loss: Loss,
    pub(super) lambda: f64,
    pub(super) model: LinearModel,
    pub(super) validation: Accuracy,
}

/// What the chapters are told from.
pub(super) struct Story<'a> {
    pub(super) settings: &'a Settings,
    pub(super) quick: bool,
    pub(super) names: &'a [String],
    /// How the data are named on a command line, with a blank before it.
    data_flags: String,
    /// The same without what leaves out training images.
    pub(super) folder_flag: String,
    pub(super) source: String,
    /// All training images, then the nine tenths that fit and the tenth that judges.
    pub(super) all: Part<'a>,
    pub(super) split: Split,
    pub(super) fit: Part<'a>,
    pub(super) validation: Part<'a>,
    /// Test images: for the end.
    pub(super) test: Part<'a>,
    pub(super) progress: Progress,
    neighbors: [OnceCell<Neighbors<u32>>; 2],
    raw_fits: [OnceCell<RawFit>; 2],
    raw_models: [OnceCell<LinearModel>; 2],
    best_fit: OnceCell<FeatureFit>,
    /// Answers on the test images, for the log of looks: what, and how right.
    pub(super) looks: Vec<(String, f64)>,
}

impl<'a> Story<'a> {
    pub(super) fn new(
        plan: &LecturePlan,
        opened: &'a Opened,
        settings: &'a Settings,
    ) -> Result<Self> {
        let data = &opened.data;
        let (most_train, most_test) = if plan.quick {
            QUICK
        } else {
            (usize::MAX, usize::MAX)
        };
        let first = |rows: Rows<'a, u8>, mut labels: Vec<u32>, n: usize| {
            labels.truncate(n);
            Part {
                rows: rows.limit(n),
                labels,
            }
        };
        let n_train = settings.limit.unwrap_or(usize::MAX).min(most_train);
        let all = first(rows(data.train())?, widen(data.train().labels()), n_train);
        let test = first(rows(data.test())?, widen(data.test().labels()), most_test);
        let split = stratified_split(&all.labels, VALIDATION, settings.split_seed)
            .context("cannot set aside a tenth of the training images; give a larger --limit")?;
        let folder_flag = match &plan.source.folder {
            Some(folder) => format!(" --data {}", folder.path.display()),
            None => String::new(),
        };
        let mut data_flags = folder_flag.clone();
        if n_train < data.train().len() {
            data_flags += &format!(" --limit {n_train}");
        }
        if settings.seed != 0 {
            data_flags += &format!(" --seed {}", settings.seed);
        }
        Ok(Self {
            settings,
            quick: plan.quick,
            names: data.class_names(),
            data_flags,
            folder_flag,
            source: opened.source.clone(),
            fit: all.select(split.train.clone())?,
            validation: all.select(split.validation.clone())?,
            split,
            all,
            test,
            progress: Progress::new("telling", settings.quiet),
            neighbors: [OnceCell::new(), OnceCell::new()],
            raw_fits: [OnceCell::new(), OnceCell::new()],
            raw_models: [OnceCell::new(), OnceCell::new()],
            best_fit: OnceCell::new(),
            looks: Vec::new(),
        })
    }

    /// A command on the data of this page.
    pub(super) fn command(&self, what: &str) -> String {
        let (name, rest) = what.split_once(' ').unwrap_or((what, ""));
        let sub = ["data", "cv"].contains(&name);
        let (verb, rest) = match rest.split_once(' ') {
            Some((second, rest)) if sub => (format!("{name} {second}"), rest),
            None if sub => (what.to_owned(), ""),
            _ => (name.to_owned(), rest),
        };
        let rest = if rest.is_empty() {
            String::new()
        } else {
            format!(" {rest}")
        };
        format!("nearplane {verb}{}{rest}", self.data_flags)
    }

    pub(super) fn name(&self, label: u32) -> &str {
        &self.names[label as usize]
    }

    pub(super) fn classifier<'r>(
        &self,
        part: &Part<'r>,
        metric: Metric,
        k: usize,
    ) -> Result<KNeighborsClassifier<'r, u8>> {
        let params = KNeighborsParams {
            level: self.settings.level,
            ..KNeighborsParams::new(k, metric)
        };
        Ok(params.check()?.fit(part.rows.clone(), &part.labels)?)
    }

    /// The nearest fitting images of each validation image, with as many neighbours as there are, at most
    /// [`MOST_K`].
    pub(super) fn neighbors(&self, metric: usize) -> Result<&Neighbors<u32>> {
        if let Some(found) = self.neighbors[metric].get() {
            return Ok(found);
        }
        let level = self.settings.level;
        let rows = self.fit.rows.clone();
        let index = Index::with_engine(rows, METRICS[metric], level, Engine::Auto)?;
        let k = MOST_K.min(self.fit.len());
        let found = index.kneighbors(&self.validation.rows, k)?;
        check_interrupt()?;
        Ok(self.neighbors[metric].get_or_init(|| found))
    }

    /// Whether each validation image is recognised by its `k` nearest.
    pub(super) fn is_right(&self, metric: usize, ks: &[usize]) -> Result<Vec<Vec<bool>>> {
        let found = self.neighbors(metric)?;
        let classifier = self.classifier(&self.fit, METRICS[metric], 1)?;
        let mut voter = classifier.voter(ks);
        let mut right = vec![Vec::with_capacity(self.validation.len()); ks.len()];
        for (query, truth) in self.validation.labels.iter().enumerate() {
            let labels = voter.labels(found.distances(query), found.indices(query));
            for (of_k, label) in right.iter_mut().zip(labels) {
                of_k.push(label == *truth);
            }
        }
        Ok(right)
    }

    /// k from 1 to the most neighbours that are kept.
    pub(super) fn ks(&self) -> Vec<usize> {
        (1..=MOST_K.min(self.fit.len())).collect()
    }

    /// Metric and k that are right about most validation images; of equal ones the smaller k.
    pub(super) fn best_neighbors(&self) -> Result<(usize, usize, Accuracy)> {
        let ks = self.ks();
        let mut best: Option<(usize, usize, Accuracy)> = None;
        for metric in 0..METRICS.len() {
            for (k, right) in ks.iter().zip(self.is_right(metric, &ks)?) {
                let found = share(&right);
                if best.is_none_or(|(_, _, other)| found.correct > other.correct) {
                    best = Some((metric, *k, found));
                }
            }
        }
        best.context("there is no k to choose")
    }

    /// A linear model of raw pixels, with the lambda that is right about most validation images.
    pub(super) fn raw_fit(&self, loss: Loss) -> Result<&RawFit> {
        let cell = &self.raw_fits[usize::from(loss == Loss::Softmax)];
        if let Some(found) = cell.get() {
            return Ok(found);
        }
        let affine = Affine::centered(self.settings.level, &self.fit.rows, PIXEL)?;
        let data = self.linear_data(&self.fit, affine)?;
        let mut best: Option<RawFit> = None;
        for lambda in self.lambdas() {
            let model = self.sgd(&data, loss, *lambda, &self.sgd_params())?;
            let found = self.judge(&model, &self.validation)?;
            if best
                .as_ref()
                .is_none_or(|other| found.correct > other.validation.correct)
            {
                best = Some(RawFit {
                    loss,
                    lambda: *lambda,
                    model,
                    validation: found,
                });
            }
        }
        let best = best.context("there is no lambda to choose")?;
        Ok(cell.get_or_init(|| best))
    }

    /// The same with the lambda chosen, fitted to all training images.
    pub(super) fn raw_model(&self, loss: Loss) -> Result<&LinearModel> {
        let cell = &self.raw_models[usize::from(loss == Loss::Softmax)];
        if let Some(found) = cell.get() {
            return Ok(found);
        }
        let lambda = self.raw_fit(loss)?.lambda;
        let affine = Affine::centered(self.settings.level, &self.all.rows, PIXEL)?;
        let data = self.linear_data(&self.all, affine)?;
        let model = self.sgd(&data, loss, lambda, &self.sgd_params())?;
        Ok(cell.get_or_init(|| model))
    }

    /// Softmax on edges and colours; from `features` where they are there already.
    pub(super) fn best_fit(&self, features: Option<&Features>) -> Result<&FeatureFit> {
        if let Some(found) = self.best_fit.get() {
            return Ok(found);
        }
        let made;
        let features = match features {
            Some(features) => features,
            None => {
                made = Features::new(JOINED, self)?;
                &made
            }
        };
        let fit = features.linear(self, Loss::Softmax)?;
        Ok(self.best_fit.get_or_init(|| fit))
    }

    /// Large ones first.
    pub(super) fn lambdas(&self) -> &'static [f64] {
        if self.quick {
            &[1e-1, 1e-2]
        } else {
            &[3e-2, 1e-2, 3e-3]
        }
    }

    pub(super) fn sgd_params(&self) -> SgdParams {
        SgdParams {
            epochs: if self.quick { 12 } else { 6 },
            average: 0.5,
            seed: self.settings.seed,
            ..SgdParams::default()
        }
    }

    /// The options of `train` that say the same.
    pub(super) fn sgd_flags(&self) -> String {
        let params = self.sgd_params();
        format!(
            "--solver sgd --epochs {} --average {}",
            params.epochs, params.average
        )
    }

    pub(super) fn linear_data<'p>(
        &self,
        part: &'p Part<'p>,
        affine: Affine,
    ) -> Result<LinearData<'p, u8>> {
        let data = LinearData::new(part.rows.clone(), &part.labels, self.names.len())?;
        Ok(data.with_affine(affine)?)
    }

    pub(super) fn config(&self, loss: Loss, penalty: Penalty, lambda: f64) -> Result<LinearConfig> {
        let params = LinearParams {
            level: self.settings.level,
            ..LinearParams::new(loss, penalty, lambda)
        };
        Ok(params.check()?)
    }

    /// Fits by stochastic gradient descent with an L2 penalty.
    pub(super) fn sgd<T: nearplane_models::neighbors::Element>(
        &self,
        data: &LinearData<'_, T>,
        loss: Loss,
        lambda: f64,
        params: &SgdParams,
    ) -> Result<LinearModel> {
        let config = self.config(loss, Penalty::L2, lambda)?;
        let mut trainer = SgdTrainer::new(&config, &params.check()?, data);
        while trainer.run_epoch(&())?.is_some() {
            check_interrupt()?;
        }
        Ok(trainer.model()?)
    }

    pub(super) fn judge(&self, model: &LinearModel, part: &Part<'_>) -> Result<Accuracy> {
        let predicted = model.predict(self.settings.level, &part.rows)?;
        Ok(accuracy(&predicted, &part.labels))
    }

    /// Says where the story is.
    pub(super) fn at(&self, what: &str) -> Result<()> {
        check_interrupt()?;
        if !self.settings.quiet {
            self.progress
                .aside(|| crate::output::stderr_line("lecture", what));
        }
        Ok(())
    }
}

/// What pixels are multiplied by before a linear model sees them.
pub(super) const PIXEL: f64 = 1.0 / 255.0;

/// How many are right.
pub(super) fn share(right: &[bool]) -> Accuracy {
    Accuracy {
        correct: right.iter().filter(|&&right| right).count() as u64,
        total: right.len() as u64,
    }
}

/// Rows of one matrix.
pub(super) fn matrix<T: nearplane_models::neighbors::Element>(
    values: &[T],
    cols: usize,
) -> Result<Rows<'_, T>> {
    Ok(Rows::from_mat(MatRef::from_rows(values, cols))?)
}

/// Random numbers for the drawings: a function of a seed and a number, the same everywhere.
pub(super) struct Dice(u64);

impl Dice {
    pub(super) fn new(seed: u64) -> Self {
        Self(seed.wrapping_mul(0x9e37_79b9_7f4a_7c15))
    }

    fn next(&mut self) -> u64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let word = (self.0 ^ (self.0 >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let word = (word ^ (word >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        word ^ (word >> 31)
    }

    /// From 0 to below 1.
    pub(super) fn uniform(&mut self) -> f64 {
        (self.next() >> 11) as f64 / (1u64 << 53) as f64
    }

    /// Mean 0, deviation 1: the sum of twelve, which needs no function that systems round differently.
    pub(super) fn normal(&mut self) -> f64 {
        (0..12).map(|_| self.uniform()).sum::<f64>() - 6.0
    }

    /// Below `n`.
    pub(super) fn below(&mut self, n: usize) -> usize {
        (self.uniform() * n as f64) as usize
    }
}
