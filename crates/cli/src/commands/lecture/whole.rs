//! Chapter 8: the whole.

use anyhow::{Context as _, Result};
use nearplane_cifar::PIXELS;
use nearplane_models::linear::Loss;
use nearplane_models::metrics::{Accuracy, ConfusionMatrix, accuracy};
use nearplane_models::neighbors::KNeighborsClassifier;
use nearplane_report::{Axis, Color, Figure, Fill, Page, Plot, Section, Table, percent, prose};
use nearplane_synth::{LADDERS, Perturbation};
use rayon::iter::{IndexedParallelIterator as _, ParallelIterator as _};
use rayon::slice::ParallelSliceMut as _;

use super::features::{Entry, ranked};
use super::story::{JOINED, METRICS, Story, matrix};
use crate::commands::eval::confusion;

/// Test images that are perturbed.
const PERTURBED: usize = 1000;
const PERTURBED_QUICK: usize = 200;

const MODELS: [&str; 4] = ["raw kNN", "raw SVM", "raw softmax", "hog+hist softmax"];

pub(super) fn tell(page: &mut Page, story: &mut Story<'_>, leaderboard: &[Entry]) -> Result<()> {
    story.at("8. the whole")?;
    page.chapter(8, "The whole");
    let (difficulties, mut looks) = difficulties(story)?;
    story.at("8.1 confusion")?;
    let (confusion, right, worst) = mistakes(story)?;
    looks.push((format!("{JOINED} softmax confusion"), right));
    story.looks.extend(looks);
    let mut section = Section::new(8, 1, "Data, a score function, a loss")
        .list([
            prose("*data* (x, y): {} images and their classes", &[story.all.len().into()]),
            prose("a *score function* f(x; W, b) = W x + b, on pixels or on features", &[]),
            prose("a *loss* Lᵢ for one image: SVM or softmax", &[]),
            prose("the *complete loss* L = (1/N) Σ~i~ L~i~ + R(W), with lambda in R, and the W of the least of it", &[]),
        ]);
    if let Some(best) = ranked(leaderboard).first() {
        section = section.paragraph(prose(
            "Put together, the best of section 5.3 is the {} on {}: {} of the test images.",
            &[
                best.model.into(),
                Fill::Code(best.features.to_owned()),
                percent(best.test.value()),
            ],
        ));
    }
    let section = section
        .paragraph(prose(
            "And the difficulties of section 1.2? The first {} test images, perturbed in nine ways at five strengths, \
             against models that were trained on images as they are:",
            &[n_perturbed(story).into()],
        ))
        .figure(difficulties)
        .figure(confusion)
        .paragraph(prose(
            "A linear classifier compares an image with {} templates, where nearest neighbours compare it with {} \
             images. And it still takes {} for {}. What comes next is to *learn* the features.",
            &[
                story.names.len().into(),
                story.all.len().into(),
                story.names[worst.0].as_str().into(),
                story.names[worst.1].as_str().into(),
            ],
        ));
    page.section(section);
    Ok(())
}

fn n_perturbed(story: &Story<'_>) -> usize {
    let most = if story.quick {
        PERTURBED_QUICK
    } else {
        PERTURBED
    };
    most.min(story.test.len())
}

/// How right each of [`MODELS`] is about some images.
fn judge(
    story: &Story<'_>,
    nearest: &KNeighborsClassifier<'_, u8>,
    pixels: &[u8],
    truth: &[u32],
) -> Result<[Accuracy; 4]> {
    let rows = matrix(pixels, PIXELS)?;
    let level = story.settings.level;
    let answers = [
        nearest.predict(&rows)?,
        story.raw_model(Loss::Svm)?.predict(level, &rows)?,
        story.raw_model(Loss::Softmax)?.predict(level, &rows)?,
        story.best_fit(None)?.predict(story, &rows)?,
    ];
    Ok(answers.map(|labels| accuracy(&labels, truth)))
}

fn difficulties(story: &Story<'_>) -> Result<(Figure, Vec<(String, f64)>)> {
    let n = n_perturbed(story);
    let truth = &story.test.labels[..n];
    let (metric, k, _) = story.best_neighbors()?;
    let nearest = story.classifier(&story.all, METRICS[metric], k)?;
    let original: Vec<u8> = (0..n)
        .flat_map(|i| story.test.rows.row(i))
        .copied()
        .collect();
    let plain = judge(story, &nearest, &original, truth)?;
    let mut looks: Vec<(String, f64)> = Vec::new();
    for (name, found) in MODELS.iter().zip(&plain) {
        looks.push((format!("{name} n={n}"), found.value()));
    }
    let mut figure = Figure::new(prose(
        "Accuracy on {} test images under nine perturbations, from none (0) to the strongest (5), for nearest \
         neighbours of pixels ({}, k = {}), SVM and softmax on pixels, and softmax on edges and colours.",
        &[n.into(), METRICS[metric].to_string().to_uppercase().into(), k.into()],
    ))
    .command(&story.command("difficulties --on test"));
    let mut data = Table::new(&["perturbation", "strength", "options", "model", "accuracy"]);
    let mut pixels = vec![0; original.len()];
    for ladder in LADDERS {
        let mut lines: [Vec<(f64, f64)>; 4] = plain.map(|found| vec![(0.0, found.value())]);
        for (strength, rung) in ladder.rungs.iter().enumerate() {
            let perturbation = Perturbation::from(rung.clone());
            let options = rung.changed_options();
            let config = perturbation.check()?.with_seed(story.settings.seed);
            let images = pixels.par_chunks_exact_mut(PIXELS).enumerate();
            images.for_each(|(i, out)| {
                config.apply(i as u64, &original[i * PIXELS..][..PIXELS], out)
            });
            let found = judge(story, &nearest, &pixels, truth)?;
            crate::progress::check_interrupt()?;
            for ((line, name), found) in lines.iter_mut().zip(MODELS).zip(found) {
                line.push((strength as f64 + 1.0, found.value()));
                data.row([
                    ladder.name.into(),
                    (strength + 1).into(),
                    options.as_str().into(),
                    name.into(),
                    found.value().into(),
                ]);
                looks.push((format!("{name} {options} n={n}"), found.value()));
            }
        }
        let mut plot = Plot::new(
            &format!("Accuracy under {}", ladder.name),
            "four models, each worse as the perturbation becomes stronger",
        )
        .size(300, 230)
        .x(Axis::new("strength")
            .range(-0.15, 5.15)
            .ticks((0..6).map(|i| (f64::from(i), i.to_string()))))
        .y(Axis::new("").percent().range(0.0, 1.0));
        for (i, (line, name)) in lines.iter().zip(MODELS).enumerate() {
            plot = plot
                .line(name, Color::Series(i), line)
                .points("", Color::Series(i), 2.6, line);
        }
        figure = figure.plot(ladder.name, &plot);
    }
    Ok((figure.data("difficulties", data), looks))
}

/// Where the softmax on edges and colours goes wrong, how right it is, and its most frequent mistake.
fn mistakes(story: &Story<'_>) -> Result<(Figure, f64, (usize, usize))> {
    let fit = story.best_fit(None)?;
    let predicted = fit.predict(story, &story.test.rows)?;
    let matrix = ConfusionMatrix::new(&predicted, &story.test.labels, story.names.len());
    let found = matrix.accuracy();
    let worst = (0..story.names.len())
        .flat_map(|truth| (0..story.names.len()).map(move |taken| (truth, taken)))
        .filter(|(truth, taken)| truth != taken)
        .max_by_key(|&(truth, taken)| {
            (
                matrix.count(truth, taken),
                std::cmp::Reverse((truth, taken)),
            )
        })
        .context("there is one class only")?;
    let mut data = Table::new(&["true class", "taken for", "images"]);
    for (truth, name) in story.names.iter().enumerate() {
        for (taken, other) in story.names.iter().enumerate() {
            let count = matrix.count(truth, taken) as usize;
            data.row([name.as_str().into(), other.as_str().into(), count.into()]);
        }
    }
    let figure = Figure::new(prose(
        "Confusion matrix of the softmax on edges and colours, {} test images, {} right: rows are true classes, \
         columns what they were taken for. Each cell has its number, its share as a colour, and the first image that \
         landed there. The most frequent mistake: {} of class {} taken for {}.",
        &[
            story.test.len().into(),
            percent(found.value()),
            (matrix.count(worst.0, worst.1) as usize).into(),
            story.names[worst.0].as_str().into(),
            story.names[worst.1].as_str().into(),
        ],
    ))
    .wide_plot(&confusion::plot(&matrix, story.names, |truth, taken| {
        let at = predicted.iter().zip(&story.test.labels).position(|(&p, &t)| (t, p) == (truth, taken))?;
        Some(story.test.rows.row(at))
    }))
    .command(&format!(
        "nearplane eval best.safetensors{} --confusion confusion.svg",
        story.folder_flag
    ))
    .data("confusion", data);
    Ok((figure, found.value(), worst))
}
