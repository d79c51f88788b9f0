//! Chapter 3: hyperparameters.

use anyhow::Result;
use nearplane_models::neighbors::{Engine, Index, Votes};
use nearplane_models::selection::{FoldAccuracies, Folds, cross_validate_neighbors};
use nearplane_report::{Axis, Color, Figure, Page, Plot, Section, Table, fixed, percent, prose};

use super::story::{Dice, METRICS, Story, share};

/// Training images that are asked for their own label.
const OWN: usize = 1000;
/// How often the validation images are halved, to play a test set that was peeked at and the future.
const HALVES: usize = 400;
/// Images in the half that is peeked at; few, as in a small test set.
const PEEKED: usize = 250;
const FOLDS: usize = 5;

pub(super) fn tell(page: &mut Page, story: &Story<'_>) -> Result<()> {
    story.at("3. hyperparameters")?;
    page.chapter(3, "Hyperparameters");
    page.section(choosing(story)?);
    story.at("3.2 cross-validation")?;
    page.section(cross_validation(story)?);
    Ok(())
}

/// Accuracy of each k, as points of a line.
type Curve = Vec<(f64, f64)>;

fn choosing(story: &Story<'_>) -> Result<Section> {
    let ks = story.ks();
    let metric = 0;
    let rights = story.is_right(metric, &ks)?;
    let curve = |accuracies: &mut dyn Iterator<Item = f64>| -> Curve {
        ks.iter().map(|&k| k as f64).zip(accuracies).collect()
    };
    let validation = curve(&mut rights.iter().map(|right| share(right).value()));

    // Each asked image is among those that are searched.
    let n_own = OWN.min(story.fit.len());
    let own = story.fit.select((0..n_own as u32).collect())?;
    let classifier = story.classifier(&story.fit, METRICS[metric], 1)?;
    let predicted = classifier.predict_each_k(&own.rows, &ks, &())?;
    let train = curve(&mut predicted.iter().map(|labels| {
        let right = labels
            .iter()
            .zip(&own.labels)
            .filter(|(a, b)| a == b)
            .count();
        right as f64 / n_own as f64
    }));

    let plot = Plot::new(
        "Accuracy over k",
        "on training images accuracy is 1 at k = 1 and falls; on validation images it is far lower and nearly even",
    )
    .x(Axis::new("k"))
    .y(Axis::new("accuracy").percent().range(0.0, 1.0))
    .line("on training images", Color::Series(1), &train)
    .points("", Color::Series(1), 3.0, &train)
    .line("on validation images", Color::Series(0), &validation)
    .points("", Color::Series(0), 3.0, &validation);
    let mut data = Table::new(&["k", "training", "validation"]);
    for ((k, train), (_, validation)) in train.iter().zip(&validation) {
        data.row([(*k as usize).into(), (*train).into(), (*validation).into()]);
    }
    let peek = Peek::of(story)?;
    let figure = Figure::new(prose(
        "K nearest neighbours by L1: {} training images asked among themselves, and the {} validation images. Right: \
         what the best of {} choices seemed to be worth on {} images that were peeked at, and what it was worth on \
         all others, in {} draws.",
        &[n_own.into(), story.validation.len().into(), peek.n_choices.into(), peek.n_peeked.into(), HALVES.into()],
    ))
    .plot("", &plot)
    .plot("", &peek.plot())
    .command(&story.command("knn --metric l1 --k 1..20"))
    .data("choosing-k", data);
    let best = (1..validation.len()).fold(0, |best, i| {
        if validation[i].1 > validation[best].1 {
            i
        } else {
            best
        }
    });
    Ok(Section::new(3, 1, "Choose on validation images, look at the test once")
        .paragraph(prose(
            "k and the distance are *hyperparameters*: they are not learnt, they are chosen. On what?",
            &[],
        ))
        .list([
            prose(
                "*On the training images*: k = 1 wins always, with {}, since each image is its own nearest \
                 neighbour. On validation images the same k = 1 is worth {}.",
                &[percent(train[0].1), percent(validation[0].1)],
            ),
            prose(
                "*On the test images*: then the test is part of the training, and its number a promise that the \
                 future does not keep. Played through with {} validation images in the part of a test set: the best \
                 choice looks like {} there and is worth {} on the others, {} points less, on the average of {} draws.",
                &[
                    peek.n_peeked.into(),
                    percent(peek.seemed),
                    percent(peek.was),
                    fixed(100.0 * (peek.seemed - peek.was), 1),
                    HALVES.into(),
                ],
            ),
            prose(
                "*On validation images*, as this page does throughout: k = {} here, with {}. The test images are \
                 looked at once, when nothing is left to choose; each look is logged beside the data set.",
                &[(best + 1).into(), percent(validation[best].1)],
            ),
        ])
        .figure(figure))
}

/// What choosing on the images that judge does to the judgement.
struct Peek {
    n_choices: usize,
    n_peeked: usize,
    seemed: f64,
    was: f64,
    /// (seemed, was) of each draw.
    draws: Vec<(f64, f64)>,
}

impl Peek {
    fn of(story: &Story<'_>) -> Result<Self> {
        let ks = story.ks();
        let mut choices = story.is_right(0, &ks)?;
        choices.extend(story.is_right(1, &ks)?);
        let n = story.validation.len();
        let n_peeked = PEEKED.min(n / 2);
        let mut dice = Dice::new(story.settings.seed ^ 0x31);
        let mut order: Vec<usize> = (0..n).collect();
        let value = |right: &[bool], of: &[usize]| {
            of.iter().filter(|&&i| right[i]).count() as f64 / of.len() as f64
        };
        let draws: Vec<(f64, f64)> = (0..HALVES)
            .map(|_| {
                for i in 0..n_peeked {
                    let j = i + dice.below(n - i);
                    order.swap(i, j);
                }
                let (peeked, others) = order.split_at(n_peeked);
                let judged = choices.iter().map(|right| value(right, peeked));
                let best = judged.enumerate().fold((0, -1.0), |best, (i, found)| {
                    if found > best.1 { (i, found) } else { best }
                });
                (best.1, value(&choices[best.0], others))
            })
            .collect();
        let mean =
            |pick: &dyn Fn(&(f64, f64)) -> f64| draws.iter().map(pick).sum::<f64>() / HALVES as f64;
        Ok(Self {
            n_choices: choices.len(),
            n_peeked,
            seemed: mean(&|draw| draw.0),
            was: mean(&|draw| draw.1),
            draws,
        })
    }

    fn plot(&self) -> Plot {
        let all = self.draws.iter().flat_map(|&(a, b)| [a, b]);
        let (low, high) = all.fold((1.0f64, 0.0f64), |(low, high), v| (low.min(v), high.max(v)));
        let (low, high) = (low - 0.01, high + 0.01);
        Plot::new(
            "Peeked at, and the future",
            "most points lie below the diagonal: what was chosen looked better than it was",
        )
        .x(Axis::new("accuracy where it was chosen")
            .percent()
            .range(low, high))
        .y(Axis::new("accuracy on the others")
            .percent()
            .range(low, high))
        .dashed("no difference", Color::Muted, &[(low, low), (high, high)])
        .points("a draw", Color::Series(0), 2.0, &self.draws)
        .points(
            "the mean",
            Color::Series(1),
            6.0,
            &[(self.seemed, self.was)],
        )
    }
}

fn cross_validation(story: &Story<'_>) -> Result<Section> {
    let labels = &story.all.labels;
    let folds = Folds::stratified(labels, FOLDS, story.settings.split_seed)?;
    let fewest = labels.len() - folds.sizes().into_iter().max().unwrap_or_default();
    let ks: Vec<usize> = (1..=100.min(fewest)).collect();
    let mut figure = Figure::new(prose(
        "Cross-validation in {} folds over k: a point for each fold, the line through their means, bars of one standard \
         deviation to both sides.",
        &[FOLDS.into()],
    ))
    .command(&story.command(&format!("cv knn --k 1..{} --metric l1,l2 --folds {FOLDS}", ks.len())));
    let mut data = Table::new(&["metric", "k", "fold", "accuracy"]);
    let mut bests = Vec::new();
    for metric in METRICS {
        let rows = story.all.rows.clone();
        let index = Index::with_engine(rows, metric, story.settings.level, Engine::Auto)?;
        let found = cross_validate_neighbors(
            &index,
            labels,
            std::slice::from_ref(&folds),
            &ks,
            Votes::default(),
            &story.progress,
        )?;
        let Some(found) = found.into_iter().next() else {
            continue;
        };
        let name = metric.to_string().to_uppercase();
        figure = figure.plot(&name, &folds_plot(&name, &found));
        for (position, k) in ks.iter().enumerate() {
            for (fold, accuracy) in found.of_k(position).enumerate() {
                data.row([
                    name.as_str().into(),
                    (*k).into(),
                    fold.into(),
                    accuracy.value().into(),
                ]);
            }
        }
        let best = found.best();
        bests.push((name, ks[best], found.mean_and_std(best)));
    }
    let figure = figure.data("cross-validation", data);
    let mut table = Table::new(&["distance", "best k", "mean accuracy", "standard deviation"]);
    for (name, k, (mean, std)) in &bests {
        table.row([
            name.as_str().into(),
            (*k).into(),
            percent(*mean).into(),
            percent(*std).into(),
        ]);
    }
    Ok(Section::new(3, 2, "Cross-validation")
        .paragraph(prose(
            "One validation set is one draw. With *cross-validation* the training images are cut into {} folds, each \
             fold judges once what the others taught, and the results are averaged. All {} training images, {} values \
             of k and both distances are judged here from one search for each distance.",
            &[FOLDS.into(), labels.len().into(), ks.len().into()],
        ))
        .figure(figure)
        .table(&table)
        .paragraph(prose(
            "The lecture's best on its data is k of about 7. The curve is flat near its top: the differences between \
             neighbouring k are smaller than the bars, and any of them would do.",
            &[],
        )))
}

fn folds_plot(name: &str, found: &FoldAccuracies) -> Plot {
    let (mut points, mut means, mut bars) = (Vec::new(), Vec::new(), Vec::new());
    for (position, &k) in found.ks().iter().enumerate() {
        // All of the beginning, then fewer: the curve is even there.
        let is_shown = k <= 12 || (k <= 40 && k % 4 == 0) || k % 10 == 0;
        let (mean, std) = found.mean_and_std(position);
        means.push((k as f64, mean));
        if is_shown {
            bars.push((k as f64, mean - std, mean + std));
            points.extend(found.of_k(position).map(|fold| (k as f64, fold.value())));
        }
    }
    let (k, (mean, _)) = (found.ks()[found.best()], found.mean_and_std(found.best()));
    Plot::new(
        &format!("Cross-validation of k, {name}"),
        &format!("mean accuracy over k with its best at k = {k}"),
    )
    .x(Axis::new("k"))
    .y(Axis::new("accuracy").percent())
    .points("a fold", Color::Series(0), 2.0, &points)
    .line("mean", Color::Series(1), &means)
    .errors("one deviation", Color::Series(1), &bars)
    .points(
        &format!("best: k = {k}"),
        Color::Series(2),
        5.0,
        &[(k as f64, mean)],
    )
}
