//! Cross-validation of linear models: in each fold a path of fits, from strong to weak regularisation, each judged
//! by the rows that had no part in it.
//!
//! A fit begins where the one of the next larger lambda ended, so that what comes out is a function of the rows that
//! fit and of the larger lambdas of the path. A path that was stopped goes on to the same bits from the parameters
//! of its last fit ([`PathStart`]).

use rayon::prelude::*;
use std::ops::Range;

use super::Split;
use crate::Monitor;
use crate::linear::{
    Affine, ClassWeight, ExactConfig, ExactSolver, LinearConfig, LinearData, LinearError,
    LinearParams, Loss, Parameters, Penalty, RidgeParams,
};
use crate::metrics::{Accuracy, accuracy};
use crate::neighbors::{Element, Rows};
use nearplane_kernels::Level;

/// Folds that are fitted side by side; each keeps the second moments of its rows, `n_features^2` numbers.
const FOLDS_AT_ONCE: usize = 8;

/// Rows that fit a linear model and rows that judge it. What scales the columns is learnt on those that fit.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::neighbors::Rows;
/// use nearplane_models::selection::{Folds, LinearFold};
/// let rows = Rows::from_mat(MatRef::from_rows(&[1u8, 2, 90, 91, 3, 92], 1))?;
/// let split = Folds::contiguous(6, 3)?.split(2);
/// let fold = LinearFold::of_split(Level::detect(), &rows, &[0, 0, 1, 1, 0, 1], 2, split, &[])?;
/// assert_eq!((fold.n_train(), fold.n_validation()), (4, 2));
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone)]
pub struct LinearFold<'a, T> {
    train: Rows<'a, T>,
    train_labels: Vec<u32>,
    validation: Rows<'a, T>,
    validation_labels: Vec<u32>,
    n_classes: usize,
    affine: Affine,
}

impl<'a, T: Element> LinearFold<'a, T> {
    /// Of rows and their labels, below `n_classes`: those that fit, those that judge. `raw_columns` of floats are
    /// pixels ([`Affine::of_training`]).
    ///
    /// # Errors
    /// As [`LinearData::new`] for those that fit: no rows, a class without a row, NaN; [`LinearError::Labels`],
    /// [`LinearError::Label`], [`LinearError::Columns`] and [`LinearError::NonFinite`] for those that judge.
    pub fn new(
        level: Level,
        (train, train_labels): (Rows<'a, T>, Vec<u32>),
        (validation, validation_labels): (Rows<'a, T>, Vec<u32>),
        n_classes: usize,
        raw_columns: &[Range<usize>],
    ) -> Result<Self, LinearError> {
        LinearData::new(train.clone(), &train_labels, n_classes)?;
        if validation.cols() != train.cols() {
            return Err(LinearError::Columns {
                what: "the validation rows",
                found: validation.cols(),
                expected: train.cols(),
            });
        }
        crate::linear::check_labels(&validation, &validation_labels, n_classes, "validation")?;
        crate::linear::check_finite(&validation, "validation")?;
        Ok(Self {
            affine: Affine::of_training(level, &train, raw_columns)?,
            train,
            train_labels,
            validation,
            validation_labels,
            n_classes,
        })
    }

    /// Of the rows of a split.
    ///
    /// # Errors
    /// As [`LinearFold::new`].
    ///
    /// # Panics
    /// If a position of the split does not exist, or positions do not ascend.
    pub fn of_split(
        level: Level,
        rows: &Rows<'a, T>,
        labels: &[u32],
        n_classes: usize,
        split: Split,
        raw_columns: &[Range<usize>],
    ) -> Result<Self, LinearError> {
        let part = |positions: Vec<u32>| {
            let chosen = positions.iter().map(|&row| labels[row as usize]).collect();
            match rows.select(positions) {
                Ok(rows) => (rows, chosen),
                Err(error) => panic!("{error}"),
            }
        };
        let (train, validation) = (part(split.train), part(split.validation));
        Self::new(level, train, validation, n_classes, raw_columns)
    }

    /// Rows that fit.
    #[must_use]
    pub fn n_train(&self) -> usize {
        self.train.len()
    }

    /// Rows that judge.
    #[must_use]
    pub fn n_validation(&self) -> usize {
        self.validation.len()
    }

    fn data(&self, class_weight: &ClassWeight) -> Result<LinearData<'_, T>, LinearError> {
        LinearData::new(self.train.clone(), &self.train_labels, self.n_classes)?
            .with_affine(self.affine.clone())?
            .with_class_weight(class_weight)
    }

    /// On the rows that judge.
    fn judge(
        &self,
        config: &LinearConfig,
        parameters: &Parameters,
    ) -> Result<Accuracy, LinearError> {
        let model = self.affine.fold(parameters, config.loss())?;
        let predicted = model.predict(config.level(), &self.validation)?;
        Ok(accuracy(&predicted, &self.validation_labels))
    }
}

/// A fit on the rows outside of a fold, judged by those inside.
#[derive(Debug, Clone, PartialEq)]
#[non_exhaustive]
pub struct FoldFit {
    /// On the rows that judge.
    pub accuracy: Accuracy,
    /// Of the rows that fit.
    pub objective: f64,
    /// An upper bound on that minus the least one possible; `None` where none is finite, or none was computed
    /// (`ridge`, which is solved in closed form).
    pub gap: Option<f64>,
    /// Whether the tolerance was met.
    pub converged: bool,
    /// Readings of all rows; `None` for `ridge`.
    pub passes: Option<f64>,
    /// Weights and bias on the solver's input: what the next fit begins with.
    pub parameters: Parameters,
}

/// Where a path goes on in a fold. The default is its beginning.
#[derive(Debug, Clone, Default, PartialEq)]
#[expect(
    clippy::exhaustive_structs,
    reason = "a literal ends in ..Default::default(), so that fields can be added"
)]
pub struct PathStart {
    /// Fits that are done, the first ones of the path.
    pub done: usize,
    /// Parameters of the last of them; without them the next fit begins at 0.
    pub parameters: Option<Parameters>,
}

/// Watches [`LinearPath::fit`]; called from several threads at once.
pub trait PathMonitor: Monitor {
    /// A fit begins: which fold, which lambda of the path.
    fn begins(&self, fold: usize, step: usize) {
        let _ = (fold, step);
    }

    /// It is finished.
    fn finished(&self, fold: usize, step: usize, fit: &FoldFit);
}

/// One loss and one penalty at several lambdas, from the largest to the smallest.
///
/// ```
/// use nearplane_kernels::{Level, MatRef};
/// use nearplane_models::Monitor;
/// use nearplane_models::linear::{ClassWeight, ExactParams, Loss, Penalty};
/// use nearplane_models::neighbors::Rows;
/// use nearplane_models::selection::{FoldFit, Folds, LinearFold, LinearPath, PathMonitor, PathStart};
/// struct Print;
/// impl Monitor for Print {}
/// impl PathMonitor for Print {
///     fn finished(&self, fold: usize, step: usize, fit: &FoldFit) {
///         println!("fold {fold}, lambda {step}: {}", fit.accuracy.value());
///     }
/// }
/// let (rows, labels) = ([1u8, 2, 90, 91, 3, 92], [0, 0, 1, 1, 0, 1]);
/// let rows = Rows::from_mat(MatRef::from_rows(&rows, 1))?;
/// let level = Level::detect();
/// let folds = Folds::stratified(&labels, 3, 0)?;
/// let folds: Vec<LinearFold<'_, u8>> = (0..3)
///     .map(|fold| LinearFold::of_split(level, &rows, &labels, 2, folds.split(fold), &[]))
///     .collect::<Result<_, _>>()?;
/// let exact = ExactParams::default().check()?;
/// let path = LinearPath::new(Loss::Softmax, Penalty::L2, &[0.01, 1.0], level, exact, ClassWeight::Uniform)?;
/// path.fit(&folds, &[PathStart::default(), PathStart::default(), PathStart::default()], &Print)?;
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Debug, Clone, PartialEq)]
pub struct LinearPath {
    /// From the largest lambda to the smallest, each once; not empty.
    configs: Vec<LinearConfig>,
    exact: ExactConfig,
    class_weight: ClassWeight,
}

impl LinearPath {
    /// A path through these lambdas, in whatever order they come. `exact` is how each is solved; [`Loss::Ridge`]
    /// with [`Penalty::L2`] is solved in closed form instead, all lambdas of a fold together.
    ///
    /// # Errors
    /// [`LinearError::Range`] if there is no lambda, or one or the penalty's beta is negative or not finite.
    pub fn new(
        loss: Loss,
        penalty: Penalty,
        lambdas: &[f64],
        level: Level,
        exact: ExactConfig,
        class_weight: ClassWeight,
    ) -> Result<Self, LinearError> {
        if lambdas.is_empty() {
            return Err(LinearError::Range {
                what: "the number of lambdas",
                value: 0.0,
                expected: "1 or above",
            });
        }
        let config = |&lambda: &f64| {
            let params = LinearParams::new(loss, penalty, lambda);
            LinearParams { level, ..params }.check()
        };
        let mut configs = lambdas.iter().map(config).collect::<Result<Vec<_>, _>>()?;
        configs.sort_by(|a, b| b.lambda().total_cmp(&a.lambda()));
        configs.dedup_by(|a, b| a.lambda() == b.lambda());
        Ok(Self {
            configs,
            exact,
            class_weight,
        })
    }

    /// What is minimised, from the largest lambda to the smallest.
    #[must_use]
    pub fn configs(&self) -> &[LinearConfig] {
        &self.configs
    }

    /// Whether all lambdas of a fold are solved together, in closed form.
    #[must_use]
    pub fn is_closed_form(&self) -> bool {
        let first = &self.configs[0];
        first.loss() == Loss::Ridge && first.penalty() == Penalty::L2
    }

    /// The order in which [`LinearPath::fit`] goes through `n_folds` folds, (fold, step) by (fold, step), as far as
    /// threads keep it.
    #[must_use]
    pub fn order(&self, n_folds: usize) -> Vec<(usize, usize)> {
        let n = self.configs.len();
        let numbers: Vec<usize> = (0..n_folds).collect();
        let at_once = if self.is_closed_form() {
            1
        } else {
            FOLDS_AT_ONCE
        };
        let groups = numbers.chunks(at_once);
        let of_group = |group: &[usize]| -> Vec<(usize, usize)> {
            let steps = (0..n).flat_map(|step| group.iter().map(move |&fold| (fold, step)));
            steps.collect()
        };
        groups.flat_map(of_group).collect()
    }

    /// Fits and judges every lambda in every fold, beginning where `starts` (one a fold) say, and hands each to the
    /// monitor as soon as it is finished: lambda by lambda, up to eight folds side by side. The results are the same
    /// bits for every number of threads.
    ///
    /// Runs on the current rayon pool.
    ///
    /// # Errors
    /// [`LinearError::Cancelled`], or what [`ExactSolver::fit`] says.
    ///
    /// # Panics
    /// If there is not one start a fold.
    pub fn fit<T: Element>(
        &self,
        folds: &[LinearFold<'_, T>],
        starts: &[PathStart],
        monitor: &dyn PathMonitor,
    ) -> Result<(), LinearError> {
        assert!(
            folds.len() == starts.len(),
            "{} starts for {} folds",
            starts.len(),
            folds.len()
        );
        let numbers: Vec<usize> = (0..folds.len()).collect();
        for group in numbers.chunks(FOLDS_AT_ONCE) {
            let folds = &folds[group[0]..][..group.len()];
            let starts = &starts[group[0]..][..group.len()];
            if self.is_closed_form() {
                self.fit_ridge(group[0], folds, starts, monitor)?;
            } else {
                self.fit_side_by_side(group[0], folds, starts, monitor)?;
            }
        }
        Ok(())
    }

    fn fit_side_by_side<T: Element>(
        &self,
        first: usize,
        folds: &[LinearFold<'_, T>],
        starts: &[PathStart],
        monitor: &dyn PathMonitor,
    ) -> Result<(), LinearError> {
        let n = self.configs.len();
        // A fold that is finished needs nothing.
        let open = || {
            let open = (first..).zip(folds).zip(starts);
            open.filter(|(_, start)| start.done < n)
        };
        let data = open().map(|((_, fold), _)| fold.data(&self.class_weight));
        let data = data.collect::<Result<Vec<_>, _>>()?;
        let mut walks: Vec<Walk<'_, '_, T>> = open()
            .zip(&data)
            .map(|(((number, fold), start), data)| Walk {
                number,
                fold,
                data,
                solver: ExactSolver::new(self.exact, data),
                done: start.done,
                parameters: start.parameters.clone(),
            })
            .collect();
        for step in 0..n {
            walks.par_iter_mut().try_for_each(|walk| {
                if step < walk.done {
                    return Ok(());
                }
                walk.step(self, step, monitor)
            })?;
        }
        Ok(())
    }

    fn fit_ridge<T: Element>(
        &self,
        first: usize,
        folds: &[LinearFold<'_, T>],
        starts: &[PathStart],
        monitor: &dyn PathMonitor,
    ) -> Result<(), LinearError> {
        let mut lambdas: Vec<f64> = self.configs.iter().map(LinearConfig::lambda).collect();
        if let [lambda] = lambdas[..] {
            // One alone would be solved in another way, to other last bits.
            lambdas.push(lambda);
        }
        let params = RidgeParams {
            lambdas,
            leave_one_out: false,
            level: self.configs[0].level(),
        };
        let ridge = params.check()?;
        for ((number, fold), start) in (first..).zip(folds).zip(starts) {
            if start.done >= self.configs.len() {
                continue;
            }
            if monitor.cancelled() {
                return Err(LinearError::Cancelled);
            }
            monitor.begins(number, start.done);
            let fits = ridge.fit(&fold.data(&self.class_weight)?, &Quiet(monitor))?;
            let steps = self.configs.iter().zip(fits).enumerate();
            for (step, (config, fit)) in steps.skip(start.done) {
                let fit = FoldFit {
                    accuracy: fold.judge(config, &fit.parameters)?,
                    objective: fit.objective,
                    gap: None,
                    converged: true,
                    passes: None,
                    parameters: fit.parameters,
                };
                monitor.finished(number, step, &fit);
            }
        }
        Ok(())
    }
}

/// A path on its way through a fold.
struct Walk<'w, 'a, T> {
    number: usize,
    fold: &'w LinearFold<'a, T>,
    data: &'w LinearData<'w, T>,
    solver: ExactSolver<'w, 'w, T>,
    done: usize,
    parameters: Option<Parameters>,
}

impl<T: Element> Walk<'_, '_, T> {
    fn step(
        &mut self,
        path: &LinearPath,
        step: usize,
        monitor: &dyn PathMonitor,
    ) -> Result<(), LinearError> {
        if monitor.cancelled() {
            return Err(LinearError::Cancelled);
        }
        monitor.begins(self.number, step);
        let config = &path.configs[step];
        let has_kinks =
            |config: &LinearConfig| config.lambda() * config.penalty().l1_factor() > 0.0;
        if step > 0 && has_kinks(config) != has_kinks(&path.configs[step - 1]) {
            // What the solver has prepared must not depend on where the path began.
            self.solver = ExactSolver::new(path.exact, self.data);
        }
        let start = self.parameters.as_ref();
        let fit = self
            .solver
            .fit(config, start, &Quiet(monitor), &mut |_| {})?;
        let fit = FoldFit {
            accuracy: self.fold.judge(config, &fit.parameters)?,
            objective: fit.objective,
            gap: fit.gap,
            converged: fit.converged,
            passes: Some(fit.passes),
            parameters: fit.parameters,
        };
        monitor.finished(self.number, step, &fit);
        self.parameters = Some(fit.parameters);
        Ok(())
    }
}

/// What a solver counts means nothing beside other fits: only that it goes on is passed on.
struct Quiet<'m>(&'m dyn PathMonitor);

impl Monitor for Quiet<'_> {
    fn progress(&self, _: u64, _: u64) {
        self.0.progress(0, 0);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
